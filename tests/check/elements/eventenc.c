/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <locale.h>
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include "score/avm-smf.h"

static GstAvmEvent *
make_note (gdouble seconds, gdouble pitch, gint part)
{
  GstAvmEvent *event = gst_avm_event_new ((GstClockTime)(seconds * GST_SECOND),
      GST_SECOND / 2, GST_AVM_NONE, part, 0.75);

  gst_avm_event_set_double (event, "pitch", pitch);
  gst_avm_event_set_int (event, "velocity", 90);
  gst_avm_event_set_string (event, "part-name", "Violin \"I\"\n");
  return event;
}

static GstAvmEvent *
make_vibrato (gdouble seconds, gdouble rate)
{
  GstAvmEvent *event = gst_avm_event_new (
      (GstClockTime)(seconds * GST_SECOND), GST_CLOCK_TIME_NONE, 201, 0, 1.0);
  const gdouble curve[] = {0.5, NAN, -0.25};

  gst_avm_event_set_boolean (event, "vibrato", TRUE);
  gst_avm_event_set_double (event, "pitch", 69.0);
  gst_avm_event_set_double (event, "rate", rate);
  gst_avm_event_set_double (event, "extent", 32.4);
  gst_avm_event_set_string (event, "used", "both");
  gst_avm_event_set_string (event, "method", "autocorrelation");
  gst_avm_event_set_variant (event, "displacement",
      g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, curve,
          G_N_ELEMENTS (curve), sizeof (gdouble)));
  return event;
}

static GstHarness *
harness_new (const gchar *src_caps, GstCaps *sink_caps)
{
  GstHarness *h = gst_harness_new ("avmeventenc");

  gst_harness_set_live (h, FALSE);
  if (src_caps != NULL)
    gst_harness_set_sink_caps_str (h, src_caps);
  gst_harness_set_src_caps (h, sink_caps);
  return h;
}

static void
push_event (GstHarness *h, GstAvmEvent *event)
{
  fail_unless_equals_int (
      gst_harness_push (h, gst_avm_event_to_buffer (event)), GST_FLOW_OK);
  gst_avm_event_free (event);
}

/* Everything that came out, as one string */
static GString *
collect (GstHarness *h)
{
  GString *text = g_string_new (NULL);
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    GstMapInfo map;

    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_string_append_len (text, (const gchar *)map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  return text;
}

static void
assert_text (GstHarness *h, const gchar *expected)
{
  GString *text = collect (h);

  fail_unless_equals_string (text->str, expected);
  g_string_free (text, TRUE);
}

GST_START_TEST (test_default_is_json)
{
  GstHarness *h = harness_new (NULL, gst_avm_events_caps_new ("note"));
  GstCaps *caps;

  push_event (h, make_note (1.5, 69.0, 1));
  caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_structure_has_name (
      gst_caps_get_structure (caps, 0), "application/x-ndjson"));
  gst_caps_unref (caps);
  assert_text (h,
      "{\"schema\":\"avm-events-1\",\"kind\":\"note\","
      "\"stream_time_ns\":1500000000,\"running_time_ns\":1500000000,"
      "\"duration_ns\":500000000,\"region\":null,\"part\":1,"
      "\"confidence\":0.75,\"fields\":{\"pitch\":69,\"velocity\":90,"
      "\"part-name\":\"Violin \\\"I\\\"\\u000a\"}}\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_json_unknown_is_null)
{
  GstHarness *h =
      harness_new ("application/x-ndjson", gst_avm_events_caps_new ("vibrato"));

  push_event (h, make_vibrato (0.25, NAN));
  assert_text (h,
      "{\"schema\":\"avm-events-1\",\"kind\":\"vibrato\","
      "\"stream_time_ns\":250000000,\"running_time_ns\":250000000,"
      "\"duration_ns\":null,\"region\":201,\"part\":0,\"confidence\":1,"
      "\"fields\":{\"vibrato\":true,\"rate\":null,\"extent\":32.4,"
      "\"pitch\":69,\"used\":\"both\",\"method\":\"autocorrelation\","
      "\"displacement\":[0.5,null,-0.25]}}\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_times_follow_the_segment)
{
  GstHarness *h = gst_harness_new ("avmeventenc");
  GstCaps *caps = gst_avm_events_caps_new ("note");
  GstSegment segment;
  GString *text;

  gst_harness_set_sink_caps_str (h, "application/x-ndjson");
  gst_harness_push_event (h, gst_event_new_stream_start ("s"));
  gst_harness_push_event (h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 10 * GST_SECOND;
  segment.time = 100 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_event (h, make_note (11.0, 60.0, 0));
  text = collect (h);
  fail_unless (strstr (text->str, "\"stream_time_ns\":101000000000,") != NULL);
  fail_unless (strstr (text->str, "\"running_time_ns\":4000000000,") != NULL);
  g_string_free (text, TRUE);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_reference_timestamp)
{
  GstHarness *h =
      harness_new ("application/x-ndjson", gst_avm_events_caps_new ("note"));
  GstAvmEvent *event = make_note (2.0, 60.0, 0);
  GstBuffer *buffer = gst_avm_event_to_buffer (event);
  GstCaps *caps = gst_caps_new_empty_simple ("timestamp/x-ntp");
  GString *text;

  /* 2021-01-01T00:00:00Z */
  gst_buffer_add_reference_timestamp_meta (buffer, caps,
      (G_GUINT64_CONSTANT (2208988800) + G_GUINT64_CONSTANT (1609459200))
              * GST_SECOND
          + 5,
      GST_CLOCK_TIME_NONE);
  gst_caps_unref (caps);
  gst_avm_event_free (event);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  text = collect (h);
  fail_unless (
      strstr (text->str, "\"utc\":\"2021-01-01T00:00:00.000000005Z\"") != NULL);
  g_string_free (text, TRUE);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A live pipeline knows the wall clock; the harness plays live and on a test
 * clock that stands at 0. */
GST_START_TEST (test_live_utc)
{
  GstHarness *h = gst_harness_new ("avmeventenc");
  GDateTime *before = g_date_time_new_now_utc ();
  gchar *date = g_date_time_format (before, "\"utc\":\"%Y-");
  GString *text;

  gst_harness_set_src_caps (h, gst_avm_events_caps_new ("note"));
  push_event (h, make_note (1.0, 60.0, 0));
  text = collect (h);
  fail_unless (strstr (text->str, date) != NULL, "%s", text->str);
  g_string_free (text, TRUE);
  g_free (date);
  g_date_time_unref (before);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_tsv_notes)
{
  GstHarness *h = harness_new (
      "text/tab-separated-values", gst_avm_events_caps_new ("note"));

  push_event (h, make_note (0.5, 69.0, 0));
  push_event (h, make_note (1.25, 81.0, 1));
  assert_text (h,
      "# avm-events-1 kind=note\n# onset[s]\toffset[s]\tfrequency[Hz]\n"
      "0.500000\t1.000000\t440\n1.250000\t1.750000\t880\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_tsv_labels_and_columns)
{
  GstHarness *h = harness_new (
      "text/tab-separated-values", gst_avm_events_caps_new ("vibrato"));

  push_event (h, make_vibrato (0.5, 6.05));
  assert_text (h,
      "# avm-events-1 kind=vibrato\n# start[s]\tend[s]\tlabel\n"
      "0.500000\t0.500000\tA4_6.0_Hz_32_cents\n");
  gst_harness_teardown (h);

  h = gst_harness_new_parse ("avmeventenc columns=all part=0");
  gst_harness_set_sink_caps_str (h, "text/tab-separated-values");
  gst_harness_set_src_caps (h, gst_avm_events_caps_new ("vibrato"));
  push_event (h, make_vibrato (0.5, 6.05));
  assert_text (h,
      "# avm-events-1 kind=vibrato\n"
      "# onset[s]\toffset[s]\tregion\tpart\tconfidence\tvibrato\trate[Hz]\t"
      "extent[cents]\tpitch[MIDI]\tused\tmethod\tscore\tlag[s]\t"
      "curve-rate[Hz]\n"
      "0.500000\t0.500000\t201\t0\t1\t1\t6.05\t32.4\t69\tboth\t"
      "autocorrelation\tnan\tnan\tnan\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_locale)
{
  const gchar *names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
  gchar *old = g_strdup (setlocale (LC_NUMERIC, NULL));
  GString *text;
  GstHarness *h;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    if (setlocale (LC_NUMERIC, names[i]) != NULL)
      break;
  }
  if (i == G_N_ELEMENTS (names))
    g_printerr ("skipped: no locale with a decimal comma is installed\n");
  h = harness_new ("application/x-ndjson", gst_avm_events_caps_new ("vibrato"));
  push_event (h, make_vibrato (0.5, 6.25));
  text = collect (h);
  setlocale (LC_NUMERIC, old);
  fail_unless (strstr (text->str, "\"rate\":6.25,") != NULL);
  g_string_free (text, TRUE);
  g_free (old);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstAvmSeriesInfo *
make_f0_info (guint parts)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("f0", 100, 1);

  for (guint i = 0; i < parts; i++) {
    gst_avm_series_info_add_channel (
        info, "f0", "f0", "Hz", GST_AVM_NONE, (gint)i);
    gst_avm_series_info_add_channel (
        info, "confidence", "confidence", "", GST_AVM_NONE, (gint)i);
  }
  return info;
}

GST_START_TEST (test_series_json)
{
  GstAvmSeriesInfo *info = make_f0_info (1);
  const gfloat rows[] = {440.5f, 0.5f, NAN, 0.0f};
  GstHarness *h =
      harness_new ("application/x-ndjson", gst_avm_series_info_to_caps (info));

  gst_harness_push (
      h, gst_avm_series_buffer_new (info, rows, 2, 30 * GST_MSECOND));
  assert_text (h,
      "{\"schema\":\"avm-channels-1\",\"kind\":\"f0\",\"rate_hz\":100,"
      "\"channels\":[{\"name\":\"f0\",\"quantity\":\"f0\",\"unit\":\"Hz\","
      "\"region\":null,\"part\":0},{\"name\":\"confidence\","
      "\"quantity\":\"confidence\",\"unit\":\"\",\"region\":null,"
      "\"part\":0}]}\n"
      "{\"schema\":\"avm-series-1\",\"kind\":\"f0\","
      "\"stream_time_ns\":30000000,\"running_time_ns\":30000000,"
      "\"duration_ns\":10000000,"
      "\"values\":{\"f0\":440.5,\"confidence\":0.5}}\n"
      "{\"schema\":\"avm-series-1\",\"kind\":\"f0\","
      "\"stream_time_ns\":40000000,\"running_time_ns\":40000000,"
      "\"duration_ns\":10000000,"
      "\"values\":{\"f0\":null,\"confidence\":0}}\n");
  gst_avm_series_info_free (info);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_series_tsv)
{
  GstAvmSeriesInfo *info = make_f0_info (1);
  const gfloat rows[] = {440.5f, 0.5f, NAN, 0.0f};
  const gfloat voices[] = {440.0f, 0.5f, 220.0f, 1.0f, NAN, 0.5f, 221.0f, 1.0f};
  GstHarness *h = harness_new (
      "text/tab-separated-values", gst_avm_series_info_to_caps (info));

  gst_harness_push (
      h, gst_avm_series_buffer_new (info, rows, 2, 30 * GST_MSECOND));
  assert_text (h,
      "# avm-series-1 kind=f0\n# time[s]\tf0[Hz]\n"
      "0.030000\t440.5\n0.040000\t0\n");
  gst_avm_series_info_free (info);
  gst_harness_teardown (h);

  info = make_f0_info (2);
  h = harness_new (
      "text/tab-separated-values", gst_avm_series_info_to_caps (info));
  gst_harness_push (h, gst_avm_series_buffer_new (info, voices, 2, 0));
  assert_text (h,
      "# avm-series-1 kind=f0\n# time[s]\tf0[Hz]\tf0[Hz]\n"
      "0.000000\t440\t220\n0.010000\t221\n");
  gst_avm_series_info_free (info);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_text)
{
  GstHarness *h =
      harness_new ("text/x-raw, format=utf8", gst_avm_events_caps_new ("note"));
  GstBuffer *buffer;

  push_event (h, make_note (1.0, 61.2, 0));
  buffer = gst_harness_pull (h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), GST_SECOND / 2);
  fail_unless_equals_int (
      gst_buffer_memcmp (buffer, 0, "C♯4", strlen ("C♯4")), 0);
  fail_unless_equals_int (gst_buffer_get_size (buffer), strlen ("C♯4"));
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstAvmEvent *
make_association (gint region, gint part)
{
  GstAvmEvent *event = gst_avm_event_new (0, GST_SECOND, region, part, 0.984);

  gst_avm_event_set_double (event, "score", 0.984);
  gst_avm_event_set_double (event, "margin", 0.97);
  gst_avm_event_set_string (event, "cue", "fused");
  if (part >= 0)
    gst_avm_event_set_string (event, "part-name", "Violin 2");
  return event;
}

GST_START_TEST (test_association)
{
  static const gchar *const texts[] = {
      "player 101 plays part 1 Violin 2 98 %", "region 7 plays no part 98 %"};
  GstHarness *h = harness_new (
      "text/x-raw, format=utf8", gst_avm_events_caps_new ("association"));

  push_event (h, make_association (101, 1));
  push_event (h, make_association (7, GST_AVM_NONE));
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = gst_harness_pull (h);

    fail_unless_equals_int (
        gst_buffer_memcmp (buffer, 0, texts[i], strlen (texts[i])), 0);
    fail_unless_equals_int (gst_buffer_get_size (buffer), strlen (texts[i]));
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);

  h = harness_new (
      "text/tab-separated-values", gst_avm_events_caps_new ("association"));
  push_event (h, make_association (101, 1));
  assert_text (h,
      "# avm-events-1 kind=association\n# start[s]\tend[s]\tlabel\n"
      "0.000000\t1.000000\tplayer_101_plays_part_1_Violin_2_98_%\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

static AvmScore *
pull_score (GstHarness *h)
{
  GstBuffer *buffer;
  GstMapInfo map;
  AvmScore *score;
  AvmError error = {0};

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  buffer = gst_harness_pull (h);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  score = avm_smf_parse (map.data, map.size, &error);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  return score;
}

GST_START_TEST (test_midi)
{
  GstHarness *h = harness_new ("audio/midi", gst_avm_events_caps_new ("note"));
  AvmScore *score;

  push_event (h, make_note (1.0, 60.0, 1));
  push_event (h, make_note (0.25, 72.0, 0));
  fail_unless (gst_harness_try_pull (h) == NULL);
  score = pull_score (h);
  fail_unless (score != NULL);
  fail_unless_equals_int (score->n_notes, 2);
  fail_unless_equals_int (score->n_parts, 2);
  fail_unless_equals_int (score->notes[0].pitch, 72);
  fail_unless (fabs (score->notes[0].onset - 0.25) < 0.002);
  fail_unless_equals_int (score->notes[1].pitch, 60);
  fail_unless_equals_int (score->notes[1].part, 1);
  fail_unless_equals_int (score->notes[1].velocity, 90);
  fail_unless (fabs (score->notes[1].duration - 0.5) < 0.002);
  avm_score_free (score);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* No notes: still a file with the header of a MIDI file */
GST_START_TEST (test_midi_empty)
{
  GstHarness *h = harness_new ("audio/midi", gst_avm_events_caps_new ("note"));
  GstBuffer *buffer;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  buffer = gst_harness_try_pull (h);
  fail_unless (buffer != NULL);
  fail_unless_equals_int (gst_buffer_memcmp (buffer, 0, "MThd", 4), 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Only notes become MIDI, and the caps say so before anything flows. */
GST_START_TEST (test_midi_refuses_others)
{
  GstHarness *h = gst_harness_new ("avmeventenc");
  GstCaps *vibrato = gst_avm_events_caps_new ("vibrato");
  GstCaps *note = gst_avm_events_caps_new ("note");

  gst_harness_set_sink_caps_str (h, "audio/midi");
  fail_if (gst_pad_peer_query_accept_caps (h->srcpad, vibrato));
  fail_unless (gst_pad_peer_query_accept_caps (h->srcpad, note));
  gst_caps_unref (vibrato);
  gst_caps_unref (note);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A stream in which nothing was found has its header, passes GAP events on
 * and says at the end that it was empty. */
GST_START_TEST (test_empty)
{
  GstHarness *h = harness_new (
      "text/tab-separated-values", gst_avm_events_caps_new ("note"));
  GstBus *bus = gst_bus_new ();
  const GstStructure *s;
  GstMessage *message;
  gboolean gap = FALSE;
  GstEvent *event;
  guint64 count = 1;

  gst_element_set_bus (h->element, bus);
  gst_harness_push_event (h, gst_event_new_gap (0, 0));
  while ((event = gst_harness_try_pull_event (h)) != NULL) {
    gap |= GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    gst_event_unref (event);
  }
  fail_unless (gap);
  gst_harness_push_event (h, gst_event_new_eos ());
  assert_text (
      h, "# avm-events-1 kind=note\n# onset[s]\toffset[s]\tfrequency[Hz]\n");
  message = gst_bus_timed_pop_filtered (bus, GST_SECOND, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  s = gst_message_get_structure (message);
  fail_unless (gst_structure_has_name (s, "avm-encoded"));
  fail_unless (gst_structure_get_uint64 (s, "count", &count));
  fail_unless_equals_uint64 (count, 0);
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_damaged_buffer)
{
  GstHarness *h = harness_new (NULL, gst_avm_events_caps_new ("note"));
  guint8 junk[] = {1, 2, 3, 255, 255, 255, 255, 0, 9};

  for (gsize size = 1; size <= sizeof (junk); size++) {
    GstFlowReturn ret =
        gst_harness_push (h, gst_buffer_new_memdup (junk, size));

    fail_unless (ret == GST_FLOW_OK || ret == GST_FLOW_ERROR);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Another kind in midstream has a header and columns of its own. */
GST_START_TEST (test_caps_change)
{
  GstHarness *h = harness_new (
      "text/tab-separated-values", gst_avm_events_caps_new ("note"));

  push_event (h, make_note (0.5, 69.0, 0));
  gst_harness_set_src_caps (h, gst_avm_events_caps_new ("vibrato"));
  push_event (h, make_vibrato (1.0, 6.25));
  assert_text (h,
      "# avm-events-1 kind=note\n# onset[s]\toffset[s]\tfrequency[Hz]\n"
      "0.500000\t1.000000\t440\n"
      "# avm-events-1 kind=vibrato\n# start[s]\tend[s]\tlabel\n"
      "1.000000\t1.000000\tA4_6.2_Hz_32_cents\n");
  gst_harness_teardown (h);
}

GST_END_TEST;

/* One part of several, of events and of series */
GST_START_TEST (test_part)
{
  GstAvmSeriesInfo *info = make_f0_info (2);
  const gfloat row[] = {440.0f, 0.5f, 220.0f, 1.0f};
  GstHarness *h = gst_harness_new_parse ("avmeventenc part=1");

  gst_harness_set_sink_caps_str (h, "text/tab-separated-values");
  gst_harness_set_src_caps (h, gst_avm_events_caps_new ("note"));
  push_event (h, make_note (0.5, 69.0, 0));
  push_event (h, make_note (1.0, 57.0, 1));
  assert_text (h,
      "# avm-events-1 kind=note\n# onset[s]\toffset[s]\tfrequency[Hz]\n"
      "1.000000\t1.500000\t220\n");
  gst_harness_set_src_caps (h, gst_avm_series_info_to_caps (info));
  fail_unless_equals_int (
      gst_harness_push (h, gst_avm_series_buffer_new (info, row, 1, 0)),
      GST_FLOW_OK);
  assert_text (h, "# avm-series-1 kind=f0\n# time[s]\tf0[Hz]\n0.000000\t220\n");
  gst_avm_series_info_free (info);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flush_forgets_notes)
{
  GstHarness *h = harness_new ("audio/midi", gst_avm_events_caps_new ("note"));
  GstSegment segment;
  AvmScore *score;

  push_event (h, make_note (1.0, 60.0, 0));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  push_event (h, make_note (2.0, 62.0, 0));
  score = pull_score (h);
  fail_unless (score != NULL);
  fail_unless_equals_int (score->n_notes, 1);
  fail_unless_equals_int (score->notes[0].pitch, 62);
  avm_score_free (score);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What is written keeps to docs/schema. */
GST_START_TEST (test_schema)
{
  static const gchar script[] =
      "import json, sys\n"
      "try:\n"
      "    import jsonschema\n"
      "except ImportError as error:\n"
      "    print('skipped:', error, file=sys.stderr)\n"
      "    sys.exit(77)\n"
      "v = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))\n"
      "lines = open(sys.argv[2], encoding='utf-8').read().splitlines()\n"
      "assert len(lines) == 5, lines\n"
      "for line in lines:\n"
      "    v.validate(json.loads(line))\n"
      "bad = json.loads(lines[0])\n"
      "bad['fields'].pop('pitch')\n"
      "assert not v.is_valid(bad)\n";
  const gchar *source = g_getenv ("AVM_SRC");
  gchar *schema;
  gchar *path = NULL;
  GString *text = g_string_new (NULL);
  GstAvmSeriesInfo *info = make_f0_info (2);
  const gfloat row[] = {440.0f, 0.5f, NAN, 1.0f};
  const gchar *argv[] = {"/usr/bin/python3", "-c", script, NULL, NULL, NULL};
  gint fd, status = -1;
  GstHarness *h;

  fail_unless (source != NULL);
  schema = g_build_filename (
      source, "docs", "schema", "avm-events.schema.json", NULL);
  for (guint i = 0; i < 3; i++) {
    GString *part;

    if (i < 2) {
      h = harness_new ("application/x-ndjson",
          gst_avm_events_caps_new (i == 0 ? "note" : "vibrato"));
      push_event (h, i == 0 ? make_note (1.0, 60.0, 0) : make_vibrato (1, NAN));
      if (i == 0)
        push_event (h, make_note (2.0, 60.5, -1));
    } else {
      h = harness_new (
          "application/x-ndjson", gst_avm_series_info_to_caps (info));
      gst_harness_push (h, gst_avm_series_buffer_new (info, row, 1, 0));
    }
    part = collect (h);
    g_string_append (text, part->str);
    g_string_free (part, TRUE);
    gst_harness_teardown (h);
  }
  gst_avm_series_info_free (info);
  fd = g_file_open_tmp ("avm-XXXXXX.jsonl", &path, NULL);
  fail_unless (fd >= 0);
  g_close (fd, NULL);
  fail_unless (g_file_set_contents (path, text->str, text->len, NULL));
  argv[3] = schema;
  argv[4] = path;
  if (g_spawn_sync (NULL, (gchar **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
          NULL, NULL, &status, NULL)) {
    if (g_spawn_check_wait_status (status, NULL) == FALSE)
      fail_unless (WEXITSTATUS (status) == 77, "not valid: %s", text->str);
  } else {
    g_printerr ("skipped: /usr/bin/python3 cannot be run\n");
  }
  g_unlink (path);
  g_free (path);
  g_free (schema);
  g_string_free (text, TRUE);
}

GST_END_TEST;

static Suite *
eventenc_suite (void)
{
  Suite *s = suite_create ("avmeventenc");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_default_is_json);
  tcase_add_test (tc, test_json_unknown_is_null);
  tcase_add_test (tc, test_times_follow_the_segment);
  tcase_add_test (tc, test_reference_timestamp);
  tcase_add_test (tc, test_live_utc);
  tcase_add_test (tc, test_tsv_notes);
  tcase_add_test (tc, test_tsv_labels_and_columns);
  tcase_add_test (tc, test_locale);
  tcase_add_test (tc, test_series_json);
  tcase_add_test (tc, test_series_tsv);
  tcase_add_test (tc, test_text);
  tcase_add_test (tc, test_association);
  tcase_add_test (tc, test_midi);
  tcase_add_test (tc, test_midi_empty);
  tcase_add_test (tc, test_midi_refuses_others);
  tcase_add_test (tc, test_empty);
  tcase_add_test (tc, test_damaged_buffer);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_part);
  tcase_add_test (tc, test_flush_forgets_notes);
  tcase_add_test (tc, test_schema);
  return s;
}

GST_CHECK_MAIN (eventenc);
