/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmpitch: rows, times and latency of one voice; parts of a mixture with
 * notes; gaps, caps changes, flushes; and input that is hardly input at all.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/avm/avm.h>
#include <gst/audio/audio.h>
#include <gst/check/check.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define BLOCK 1024

typedef struct {
  GArray *rows;  /* gfloat */
  GArray *times; /* GstClockTime, one per row */
  GstAvmSeriesInfo *info;
} Result;

static void
result_free (Result *result)
{
  g_array_unref (result->rows);
  g_array_unref (result->times);
  gst_avm_series_info_free (result->info);
}

static gchar *
audio_caps (const gchar *format, gint rate, gint channels)
{
  return g_strdup_printf (
      "audio/x-raw, format=(string)%s, layout=(string)interleaved, "
      "rate=(int)%d, channels=(int)%d, channel-mask=(bitmask)0x%x",
      format, rate, channels, channels == 1 ? 0 : (1 << channels) - 1);
}

static GstHarness *
new_harness (const gchar *format, gint rate, gint channels)
{
  GstHarness *h = gst_harness_new_with_padnames ("avmpitch", "sink", "src");
  gchar *caps = audio_caps (format, rate, channels);

  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  return h;
}

/* Harmonic tones of the given Hz from sample `first` on. */
static GstBuffer *
tone_buffer (const gdouble *hz, guint n_hz, gint rate, guint64 first, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 4, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (guint i = 0; i < n; i++) {
    gdouble sum = 0.0;

    for (guint k = 0; k < n_hz; k++)
      for (guint h = 1; h <= 8; h++)
        sum += sin (2.0 * G_PI * h * hz[k] * (first + i) / rate + h * k) / h;
    ((gfloat *)map.data)[i] = 0.1 * sum;
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, rate);
  return buffer;
}

static void
push_tones (GstHarness *h, const gdouble *hz, guint n_hz, gint rate,
    guint64 from, guint64 to)
{
  for (guint64 at = from; at < to; at += BLOCK)
    fail_unless_equals_int (
        gst_harness_push (
            h, tone_buffer (hz, n_hz, rate, at, MIN (BLOCK, to - at))),
        GST_FLOW_OK);
}

static void
wait_for_eos (GstHarness *h)
{
  gboolean eos = FALSE;

  while (!eos) {
    GstEvent *event = gst_harness_pull_event (h);

    fail_unless (event != NULL, "no EOS in time");
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
}

/* Everything that came out, after EOS. */
static Result
collect (GstHarness *h)
{
  Result result = {g_array_new (FALSE, FALSE, sizeof (gfloat)),
      g_array_new (FALSE, FALSE, sizeof (GstClockTime)), NULL};
  GstCaps *caps;
  GstBuffer *buffer;

  wait_for_eos (h);
  caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (caps != NULL);
  result.info = gst_avm_series_info_new_from_caps (caps, NULL);
  fail_unless (result.info != NULL);
  gst_caps_unref (caps);
  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    GstAvmSeriesMap map;

    fail_unless (gst_avm_series_map (&map, result.info, buffer, NULL));
    g_array_append_vals (result.rows, map.rows, map.n_rows * map.n_channels);
    for (guint i = 0; i < map.n_rows; i++) {
      GstClockTime time =
          gst_avm_series_row_time (result.info, GST_BUFFER_PTS (buffer), i);

      g_array_append_val (result.times, time);
    }
    gst_avm_series_unmap (&map);
    gst_buffer_unref (buffer);
  }
  return result;
}

static gfloat
value_at (const Result *result, guint row, guint channel)
{
  guint n = gst_avm_series_info_get_n_channels (result->info);

  return g_array_index (result->rows, gfloat, row * n + channel);
}

static void
assert_cents (gdouble a, gdouble b, gdouble tolerance)
{
  fail_unless (a > 0.0 && fabs (1200.0 * log2 (a / b)) < tolerance,
      "%g Hz is not within %g cents of %g Hz", a, tolerance, b);
}

static void
assert_times (const Result *result, GstClockTime first)
{
  for (guint i = 0; i < result->times->len; i++) {
    GstClockTime time = g_array_index (result->times, GstClockTime, i);
    GstClockTime wanted = first + i * 10 * GST_MSECOND;

    fail_unless (ABS (GST_CLOCK_DIFF (time, wanted)) <= 2,
        "row %u is at %" G_GUINT64_FORMAT, i, time);
  }
}

GST_START_TEST (test_one_voice)
{
  static const gint rates[] = {8000, 22050, 44100, 48000, 192000};
  const gdouble hz = 220.0;

  for (guint k = 0; k < G_N_ELEMENTS (rates); k++) {
    GstHarness *h = new_harness (GST_AUDIO_NE (F32), rates[k], 1);
    Result result;

    push_tones (h, &hz, 1, rates[k], 0, rates[k]);
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    result = collect (h);
    fail_unless_equals_int (result.times->len, 100);
    assert_times (&result, 0);
    fail_unless_equals_string (
        gst_avm_series_info_get_kind (result.info), "f0");
    fail_unless_equals_int (gst_avm_series_info_find_channel (
                                result.info, "f0", GST_AVM_NONE, GST_AVM_NONE),
        0);
    for (guint i = 5; i < 95; i++) {
      assert_cents (value_at (&result, i, 0), hz, 0.5);
      fail_unless (value_at (&result, i, 1) > 0.8);
    }
    result_free (&result);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* The voice is in one channel of six only, as 16 bit, in odd sizes. */
GST_START_TEST (test_channels)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (S16), 48000, 6);
  guint64 at = 0;
  Result result;

  for (guint size = 1; at < 48000; size = size * 3 % 2003 + 1) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, size * 12, NULL);
    GstMapInfo map;

    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
    memset (map.data, 0, map.size);
    for (guint i = 0; i < size; i++)
      ((gint16 *)map.data)[6 * i + 4] =
          20000 * sin (2.0 * G_PI * 330.0 * (at + i) / 48000.0);
    gst_buffer_unmap (buffer, &map);
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (at, GST_SECOND, 48000);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    at += size;
  }
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless (result.times->len >= 100);
  for (guint i = 5; i < 95; i++)
    assert_cents (value_at (&result, i, 0), 330.0, 0.5);
  result_free (&result);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Rows come while the stream runs, no later than the latency says. */
GST_START_TEST (test_latency)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 48000, 1);
  const gdouble hz = 220.0;
  GstClockTime latency, last = 0;
  GstBuffer *buffer;

  gst_harness_set_upstream_latency (h, 0);
  push_tones (h, &hz, 1, 48000, 0, 48000);
  while (last + 10 * GST_MSECOND < GST_SECOND) {
    latency = gst_harness_query_latency (h);
    fail_unless (latency > 150 * GST_MSECOND && latency < 400 * GST_MSECOND,
        "latency %" GST_TIME_FORMAT, GST_TIME_ARGS (latency));
    if (last + 10 * GST_MSECOND + latency > GST_SECOND)
      break;
    buffer = gst_harness_pull (h);
    fail_unless (buffer != NULL, "row after %" GST_TIME_FORMAT " is late",
        GST_TIME_ARGS (last));
    last = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer)
        - 10 * GST_MSECOND;
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_jump)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 44100, 1);
  const gdouble hz = 300.0;
  Result result;
  guint n_before = 0;

  push_tones (h, &hz, 1, 44100, 0, 22050);
  push_tones (h, &hz, 1, 44100, 88200, 110250);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 100);
  for (guint i = 0; i < result.times->len; i++) {
    GstClockTime time = g_array_index (result.times, GstClockTime, i);

    n_before += time < GST_SECOND;
    fail_unless (time < 500 * GST_MSECOND
        || (time >= 2 * GST_SECOND && time < 2500 * GST_MSECOND));
  }
  fail_unless_equals_int (n_before, 50);
  assert_cents (value_at (&result, 75, 0), hz, 0.5);
  result_free (&result);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 44100, 1);
  const gdouble hz = 300.0;
  gchar *caps = audio_caps (GST_AUDIO_NE (F32), 48000, 1);
  Result result;

  push_tones (h, &hz, 1, 44100, 0, 44100);
  gst_harness_set_src_caps_str (h, caps);
  push_tones (h, &hz, 1, 48000, 48000, 96000);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 200);
  assert_times (&result, 0);
  assert_cents (value_at (&result, 50, 0), hz, 0.5);
  assert_cents (value_at (&result, 150, 0), hz, 0.5);
  result_free (&result);
  g_free (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 44100, 1);
  const gdouble first = 300.0, second = 400.0;
  GstSegment segment;
  Result result;
  GstBuffer *buffer;

  push_tones (h, &first, 1, 44100, 0, 44100);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  while ((buffer = gst_harness_try_pull (h)) != NULL)
    gst_buffer_unref (buffer);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_tones (h, &second, 1, 44100, 0, 22050);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 50);
  assert_times (&result, 0);
  for (guint i = 5; i < 45; i++)
    assert_cents (value_at (&result, i, 0), second, 0.5);
  result_free (&result);
  gst_harness_teardown (h);
}

GST_END_TEST;

static GstBuffer *
constant_buffer (gfloat value, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 4, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (guint i = 0; i < n; i++)
    ((gfloat *)map.data)[i] = value;
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = 0;
  return buffer;
}

static void
check_constant (gfloat value, guint n, guint n_rows)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 16000, 1);
  Result result;

  fail_unless_equals_int (
      gst_harness_push (h, constant_buffer (value, n)), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, n_rows);
  for (guint i = 0; i < n_rows; i++) {
    fail_unless (value_at (&result, i, 0) == 0.0f);
    fail_unless (
        value_at (&result, i, 1) >= 0.0f && value_at (&result, i, 1) < 0.5f);
  }
  result_free (&result);
  gst_harness_teardown (h);
}

GST_START_TEST (test_hardly_input)
{
  check_constant (0.0f, 16000, 100);
  check_constant (NAN, 16000, 100);
  check_constant (INFINITY, 800, 5);
  check_constant (0.7f, 16000, 100);
  check_constant (0.7f, 1, 1);
}

GST_END_TEST;

GST_START_TEST (test_eos_at_once)
{
  GstHarness *h = new_harness (GST_AUDIO_NE (F32), 48000, 1);
  Result result;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 0);
  result_free (&result);
  gst_harness_teardown (h);

  h = gst_harness_new_with_padnames ("avmpitch", "sink", "src");
  fail_unless (gst_harness_push_event (h, gst_event_new_stream_start ("a")));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_for_eos (h);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_bad_settings)
{
  GstHarness *h = gst_harness_new_with_padnames ("avmpitch", NULL, NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GstPad *pad;
  gchar *caps = audio_caps (GST_AUDIO_NE (F32), 8000, 1);

  g_object_set (h->element, "fmin", 1500.0, "fmax", 2000.0, NULL);
  gst_element_set_bus (h->element, bus);
  pad = gst_element_get_static_pad (h->element, "sink");
  gst_harness_add_element_sink_pad (h, pad);
  gst_object_unref (pad);
  pad = gst_element_get_static_pad (h->element, "src");
  gst_harness_add_element_src_pad (h, pad);
  gst_object_unref (pad);
  gst_harness_set_src_caps_str (h, caps);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "fmin 1500 and fmax 2000 were accepted");
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  g_free (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* -- with notes ----------------------------------------------------------- */

static GstHarness *
add_notes (GstHarness *h)
{
  GstHarness *notes = gst_harness_new_with_element (h->element, "notes", NULL);

  gst_harness_set_src_caps_str (notes, GST_AVM_EVENTS_CAPS ("note"));
  return notes;
}

static void
push_note (GstHarness *notes, GstClockTime onset, GstClockTime duration,
    gdouble pitch, gint part)
{
  GstAvmEvent *event =
      gst_avm_event_new (onset, duration, GST_AVM_NONE, part, 1);

  gst_avm_event_set_double (event, "pitch", pitch);
  gst_avm_event_set_int (event, "velocity", 64);
  fail_unless_equals_int (
      gst_harness_push (notes, gst_avm_event_to_buffer (event)), GST_FLOW_OK);
  gst_avm_event_free (event);
}

static GstHarness *
new_piece (gint rate, GstHarness **notes)
{
  GstHarness *h = gst_harness_new_with_padnames ("avmpitch", "sink", "src");
  gchar *caps = audio_caps (GST_AUDIO_NE (F32), rate, 1);

  *notes = add_notes (h);
  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  return h;
}

GST_START_TEST (test_parts)
{
  /* G3 and D4 a little sharp: a fifth, whose harmonics collide */
  const gdouble hz[] = {196.6, 294.5};
  GstHarness *notes, *h = new_piece (44100, &notes);
  Result result;
  gint low, high, sure;

  push_tones (h, hz, 2, 44100, 0, 2 * 44100);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  push_note (notes, 0, 2 * GST_SECOND, 55, 3);
  push_note (notes, 0, GST_CLOCK_TIME_NONE, 62, 1);
  push_note (notes, 0, 0, 90, 1);
  fail_unless (gst_harness_push_event (notes, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 200);
  assert_times (&result, 0);
  low = gst_avm_series_info_find_channel (result.info, "f0", GST_AVM_ANY, 3);
  high = gst_avm_series_info_find_channel (result.info, "f0", GST_AVM_ANY, 1);
  sure = gst_avm_series_info_find_channel (
      result.info, "confidence", GST_AVM_ANY, 3);
  fail_unless (low >= 0 && high >= 0 && sure >= 0);
  for (guint i = 10; i < 190; i++) {
    assert_cents (value_at (&result, i, low), hz[0], 2.0);
    assert_cents (value_at (&result, i, high), hz[1], 2.0);
    fail_unless (value_at (&result, i, sure) > 0.5);
  }
  result_free (&result);
  gst_harness_teardown (notes);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A hole in the audio is silence; what follows keeps its time. */
GST_START_TEST (test_parts_hole)
{
  const gdouble hz = 261.0;
  GstHarness *notes, *h = new_piece (48000, &notes);
  Result result;

  push_tones (h, &hz, 1, 48000, 0, 24000);
  push_tones (h, &hz, 1, 48000, 72000, 96000);
  push_note (notes, 1500 * GST_MSECOND, 500 * GST_MSECOND, 60, 0);
  fail_unless (gst_harness_push_event (notes, gst_event_new_eos ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 200);
  for (guint i = 0; i < 145; i++)
    fail_unless (value_at (&result, i, 0) == 0.0f);
  for (guint i = 158; i < 192; i++)
    assert_cents (value_at (&result, i, 0), hz, 1.0);
  result_free (&result);
  gst_harness_teardown (notes);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_no_notes)
{
  const gdouble hz = 261.0;
  GstHarness *notes, *h = new_piece (48000, &notes);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  gst_element_set_bus (h->element, bus);
  push_tones (h, &hz, 1, 48000, 0, 24000);
  fail_unless (gst_harness_push_event (notes, gst_event_new_eos ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_for_eos (h);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL, "no warning that there were no notes");
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (notes);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Notes that make no sense cost nothing but a warning. */
GST_START_TEST (test_odd_notes)
{
  const gdouble hz = 261.0;
  GstHarness *notes, *h = new_piece (48000, &notes);
  Result result;

  push_tones (h, &hz, 1, 48000, 0, 24000);
  push_note (notes, 0, GST_SECOND, NAN, 0);
  push_note (notes, 0, GST_SECOND, -400, 0);
  push_note (notes, 0, GST_SECOND, 1e9, 0);
  push_note (notes, 0, GST_SECOND, 60, GST_AVM_NONE);
  push_note (notes, 100 * GST_SECOND, G_MAXINT64, 60, 7);
  push_note (notes, 100 * GST_SECOND, G_MAXUINT64 - 2, 60, G_MAXINT);
  fail_unless (gst_harness_push_event (notes, gst_event_new_eos ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  result = collect (h);
  fail_unless_equals_int (result.times->len, 50);
  fail_unless_equals_int (gst_avm_series_info_get_n_channels (result.info), 8);
  assert_cents (value_at (&result, 25, 0), hz, 1.0);
  fail_unless (value_at (&result, 25, 1) == 0.0f);
  result_free (&result);
  gst_harness_teardown (notes);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
avmpitch_suite (void)
{
  Suite *s = suite_create ("avmpitch");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_one_voice);
  tcase_add_test (tc, test_channels);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_jump);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_hardly_input);
  tcase_add_test (tc, test_eos_at_once);
  tcase_add_test (tc, test_bad_settings);
  tcase_add_test (tc, test_parts);
  tcase_add_test (tc, test_parts_hole);
  tcase_add_test (tc, test_no_notes);
  tcase_add_test (tc, test_odd_notes);
  return s;
}

GST_CHECK_MAIN (avmpitch);
