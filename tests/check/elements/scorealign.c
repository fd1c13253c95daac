/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

#include "score/avm-smf.h"

#define N_NOTES 16
#define RATE 22050

static gchar *folder, *score_path;

/* Sixteen notes of half a second, one after the other */
static AvmScore *
make_score (void)
{
  static const gint pitches[N_NOTES] = {
      60, 64, 67, 72, 71, 65, 62, 69, 66, 61, 63, 70, 68, 60, 67, 72};
  AvmScore *score = avm_score_new ();

  avm_score_add_part (score, "Violin", 40, 0);
  for (gint i = 0; i < N_NOTES; i++) {
    AvmNote note = {0.5 * i, 0.5, i, 1.0, pitches[i], 90, 0};

    fail_unless (avm_score_add_note (score, &note));
  }
  avm_score_sort (score);
  return score;
}

static void
setup (void)
{
  AvmScore *score = make_score ();

  folder = g_dir_make_tmp ("avm-scorealign-XXXXXX", NULL);
  fail_unless (folder != NULL);
  score_path = g_build_filename (folder, "score.mid", NULL);
  fail_unless (avm_smf_write (score, score_path, NULL));
  avm_score_free (score);
}

static void
teardown (void)
{
  g_unlink (score_path);
  g_rmdir (folder);
  g_clear_pointer (&score_path, g_free);
  g_clear_pointer (&folder, g_free);
}

/* The score played 1.2 times slower from 0.7 s on, `up` semitones higher, with
 * three harmonics; in every channel. */
static GstBuffer *
make_audio (const gchar *format, gint rate, gint channels, gdouble up)
{
  AvmScore *score = make_score ();
  gsize n = (gsize)(rate * 11.0);
  gboolean is_float = g_str_equal (format, "F32LE");
  gsize size = is_float ? sizeof (gfloat) : sizeof (gint16);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * channels * size, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < n; i++) {
    gdouble t = (gdouble)i / rate, at = (t - 0.7) / 1.2, value = 0.0;
    gint index = (gint)floor (at / 0.5);

    if (index >= 0 && index < N_NOTES) {
      gdouble hz = avm_midi_to_hz (score->notes[index].pitch + up);
      gdouble age = (at - 0.5 * index) * 1.2;

      for (gint h = 1; h <= 3; h++)
        value += 0.2 / h * sin (2 * G_PI * h * hz * t);
      value *= MIN (age / 0.01, 1.0) * MIN ((0.6 - age) / 0.01, 1.0);
    }
    for (gint c = 0; c < channels; c++) {
      if (is_float)
        ((gfloat *)map.data)[i * channels + c] = (gfloat)value;
      else
        ((gint16 *)map.data)[i * channels + c] = (gint16)(value * 32767);
    }
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = 0;
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, rate);
  avm_score_free (score);
  return buffer;
}

static GstHarness *
harness_new (const gchar *format, gint rate, gint channels, GstBus **bus)
{
  GstElement *element = gst_element_factory_make ("avmscorealign", NULL);
  GstHarness *h;
  gchar *caps = g_strdup_printf (
      "audio/x-raw,format=%s,rate=%d,channels=%d,layout=interleaved%s", format,
      rate, channels, channels > 2 ? ",channel-mask=(bitmask)0x0" : "");

  *bus = gst_bus_new ();
  gst_element_set_bus (element, *bus);
  g_object_set (element, "score", score_path, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  return h;
}

static void
harness_free (GstHarness *h, GstBus *bus)
{
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

static void
wait_eos (GstHarness *h)
{
  GstEvent *event;
  gboolean eos = FALSE;

  while (!eos && (event = gst_harness_pull_event (h)) != NULL) {
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  fail_unless (eos);
}

static void
check_notes (GstHarness *h, GstClockTime offset, gint transposition)
{
  AvmScore *score = make_score ();
  GstClockTime before = 0;
  guint n = 0;
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (h)) != NULL) {
    GPtrArray *events = gst_avm_events_buffer_parse (buffer, NULL);

    fail_unless (events != NULL && events->len == 1);
    for (guint i = 0; i < events->len; i++, n++) {
      const GstAvmEvent *event = g_ptr_array_index (events, i);
      gdouble onset = ((gdouble)event->onset - (gdouble)offset) / GST_SECOND;
      gdouble pitch, beat, seconds;
      gint velocity;

      fail_unless (n < N_NOTES);
      fail_unless (event->onset >= before);
      fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), event->onset);
      before = event->onset;
      fail_unless (fabs (onset - 0.7 - 0.6 * n) < 0.05,
          "note %u at %f instead of %f", n, onset, 0.7 + 0.6 * n);
      fail_unless (fabs ((gdouble)event->duration / GST_SECOND - 0.6) < 0.1);
      fail_unless_equals_int (event->part, 0);
      fail_unless_equals_int (event->region, GST_AVM_NONE);
      fail_unless (event->confidence > 0.3 && event->confidence <= 1.0);
      fail_unless (gst_avm_event_get_double (event, "pitch", &pitch));
      fail_unless_equals_float (pitch, score->notes[n].pitch + transposition);
      fail_unless (gst_avm_event_get_int (event, "velocity", &velocity));
      fail_unless_equals_int (velocity, 90);
      fail_unless_equals_string (
          gst_avm_event_get_string (event, "part-name"), "Violin");
      fail_unless (gst_avm_event_get_double (event, "score-beat", &beat));
      fail_unless_equals_float (beat, (gdouble)n);
      fail_unless (gst_avm_event_get_double (event, "score-onset", &seconds));
      fail_unless_equals_float (seconds, 0.5 * n);
    }
    g_ptr_array_unref (events);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (n, N_NOTES);
  avm_score_free (score);
}

/* The last element message of the element */
static GstStructure *
pop_result (GstBus *bus)
{
  GstMessage *message;
  GstStructure *found = NULL;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT)) != NULL) {
    g_clear_pointer (&found, gst_structure_free);
    found = gst_structure_copy (gst_message_get_structure (message));
    gst_message_unref (message);
  }
  return found;
}

static void
align_format (const gchar *format, gint rate, gint channels)
{
  GstBus *bus;
  GstHarness *h = harness_new (format, rate, channels, &bus);
  GstStructure *result;
  guint notes;
  gdouble tuning;
  gint transposition;

  fail_unless_equals_int (
      gst_harness_push (h, make_audio (format, rate, channels, 0.0)),
      GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 0, 0);
  result = pop_result (bus);
  fail_unless (result != NULL);
  fail_unless (gst_structure_has_name (result, "avm-score-aligned"));
  fail_unless (gst_structure_get_uint (result, "notes", &notes));
  fail_unless_equals_int (notes, N_NOTES);
  fail_unless (gst_structure_get_double (result, "tuning", &tuning));
  fail_unless (fabs (tuning) < 5.0);
  fail_unless (gst_structure_get_int (result, "transposition", &transposition));
  fail_unless_equals_int (transposition, 0);
  gst_structure_free (result);
  harness_free (h, bus);
}

GST_START_TEST (test_formats)
{
  align_format ("F32LE", 44100, 1);
  align_format ("S16LE", 8000, 2);
  align_format ("F32LE", 22050, 8);
  align_format ("S16LE", 96000, 1);
}
GST_END_TEST;

/* Odd pieces, from 100 s on, in a segment that begins there */
GST_START_TEST (test_time)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstBuffer *audio = make_audio ("F32LE", RATE, 1, 0.0);
  gsize size = gst_buffer_get_size (audio), at = 0, n = 4 * 1234;

  while (at < size) {
    GstBuffer *piece = gst_buffer_copy_region (
        audio, GST_BUFFER_COPY_MEMORY, at, MIN (n, size - at));

    GST_BUFFER_PTS (piece) =
        100 * GST_SECOND + gst_util_uint64_scale (at / 4, GST_SECOND, RATE);
    GST_BUFFER_DURATION (piece) =
        gst_util_uint64_scale (MIN (n, size - at) / 4, GST_SECOND, RATE);
    fail_unless_equals_int (gst_harness_push (h, piece), GST_FLOW_OK);
    at += n;
  }
  gst_buffer_unref (audio);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 100 * GST_SECOND, 0);
  harness_free (h, bus);
}
GST_END_TEST;

/* A quarter of a second is missing before the first note: what follows keeps
 * its place. */
GST_START_TEST (test_gap)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstBuffer *audio = make_audio ("F32LE", RATE, 1, 0.0);
  gsize first = 4 * (gsize)(0.5 * RATE), size = gst_buffer_get_size (audio);
  GstBuffer *piece =
      gst_buffer_copy_region (audio, GST_BUFFER_COPY_MEMORY, 0, first / 4 * 2);

  GST_BUFFER_PTS (piece) = 0;
  fail_unless_equals_int (gst_harness_push (h, piece), GST_FLOW_OK);
  piece = gst_buffer_copy_region (
      audio, GST_BUFFER_COPY_MEMORY, first, size - first);
  GST_BUFFER_PTS (piece) = gst_util_uint64_scale (first / 4, GST_SECOND, RATE);
  fail_unless_equals_int (gst_harness_push (h, piece), GST_FLOW_OK);
  gst_buffer_unref (audio);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 0, 0);
  harness_free (h, bus);
}
GST_END_TEST;

GST_START_TEST (test_transposed)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstStructure *result;
  gdouble tuning;

  fail_unless_equals_int (
      gst_harness_push (h, make_audio ("F32LE", RATE, 1, -2.7)), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 0, -3);
  result = pop_result (bus);
  fail_unless (gst_structure_get_double (result, "tuning", &tuning));
  fail_unless (fabs (tuning - 30.0) < 5.0, "tuning %f", tuning);
  gst_structure_free (result);
  harness_free (h, bus);
}
GST_END_TEST;

static guint
count_messages (GstBus *bus, GstMessageType type)
{
  guint n = 0;
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (bus, type)) != NULL) {
    n++;
    gst_message_unref (message);
  }
  return n;
}

/* Half of the values before the first note are no numbers: said once, and the
 * notes are found all the same. */
GST_START_TEST (test_nan)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstBuffer *audio = make_audio ("F32LE", RATE, 1, 0.0);
  GstMapInfo map;

  fail_unless (gst_buffer_map (audio, &map, GST_MAP_READWRITE));
  for (guint i = 0; i < RATE / 2; i++)
    ((gfloat *)map.data)[i] = i % 2 ? NAN : INFINITY;
  gst_buffer_unmap (audio, &map);
  fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 0, 0);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_WARNING), 1);
  harness_free (h, bus);
}
GST_END_TEST;

/* Another piece (here: the same, told to be a tritone away) is aligned as well
 * as it can be, but not without a word. */
GST_START_TEST (test_doubtful)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);

  gst_element_set_state (h->element, GST_STATE_READY);
  g_object_set (h->element, "transposition", 6, NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (
      h, "audio/x-raw,format=F32LE,rate=22050,channels=1,layout=interleaved");
  fail_unless_equals_int (
      gst_harness_push (h, make_audio ("F32LE", RATE, 1, 0.0)), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), N_NOTES);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_WARNING), 1);
  harness_free (h, bus);
}
GST_END_TEST;

/* Nothing, silence, or next to nothing: a warning, an empty result, EOS. */
static void
find_nothing (gsize n_samples)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstStructure *result;
  guint notes = 1;

  if (n_samples > 0) {
    GstBuffer *audio = gst_buffer_new_allocate (NULL, 4 * n_samples, NULL);

    gst_buffer_memset (audio, 0, 0, 4 * n_samples);
    GST_BUFFER_PTS (audio) = 0;
    fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  }
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  result = pop_result (bus);
  fail_unless (result != NULL);
  fail_unless (gst_structure_get_uint (result, "notes", &notes));
  fail_unless_equals_int (notes, 0);
  gst_structure_free (result);
  harness_free (h, bus);
}

GST_START_TEST (test_nothing)
{
  find_nothing (0);
  find_nothing (1);
  find_nothing (5 * RATE);
}
GST_END_TEST;

GST_START_TEST (test_flush)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstSegment segment;

  fail_unless_equals_int (
      gst_harness_push (h, make_audio ("F32LE", RATE, 1, 3.0)), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  fail_unless_equals_int (
      gst_harness_push (h, make_audio ("F32LE", RATE, 1, 0.0)), GST_FLOW_OK);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_eos (h);
  check_notes (h, 0, 0);
  harness_free (h, bus);
}
GST_END_TEST;

/* Channels may change midstream; the rate may not, and that is said. */
GST_START_TEST (test_caps_change)
{
  GstBus *bus;
  GstHarness *h = harness_new ("F32LE", RATE, 1, &bus);
  GstBuffer *audio = make_audio ("F32LE", RATE, 2, 0.0);
  GstCaps *caps = gst_caps_from_string (
      "audio/x-raw,format=F32LE,rate=8000,channels=2,layout=interleaved");

  GST_BUFFER_PTS (audio) = 20 * GST_SECOND;
  fail_unless_equals_int (
      gst_harness_push (h, gst_buffer_new_allocate (NULL, 0, NULL)),
      GST_FLOW_OK);
  gst_harness_set_src_caps_str (
      h, "audio/x-raw,format=F32LE,rate=22050,channels=2,layout=interleaved");
  fail_unless_equals_int (gst_harness_push (h, audio), GST_FLOW_OK);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR), 0);
  gst_harness_push_event (h, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  fail_unless (count_messages (bus, GST_MESSAGE_ERROR) >= 1);
  harness_free (h, bus);
}
GST_END_TEST;

/* What the user reads when the score is no good */
static gchar *
start_error (const gchar *path)
{
  GstElement *element = gst_element_factory_make ("avmscorealign", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;
  gchar *text;

  gst_element_set_bus (element, bus);
  if (path != NULL)
    g_object_set (element, "score", path, NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_bus (element, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  return text;
}

static void
expect_error (const gchar *bytes, gsize size, const gchar *expected)
{
  gchar *path = g_build_filename (folder, "bad.mid", NULL), *text;

  fail_unless (g_file_set_contents (path, bytes, size, NULL));
  text = start_error (path);
  fail_unless (strstr (text, path) != NULL, "no path in: %s", text);
  fail_unless (strstr (text, expected) != NULL, "not in: %s", text);
  g_free (text);
  g_unlink (path);
  g_free (path);
}

GST_START_TEST (test_bad_scores)
{
  static const gchar empty[] =
      "MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f";
  static const gchar corrupt[] =
      "MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\x3c\1";
  gchar *bytes, *text = start_error (NULL);
  gsize size;

  fail_unless (strstr (text, "score") != NULL, "%s", text);
  g_free (text);
  text = start_error ("/nonexistent/score.mid");
  fail_unless (strstr (text, "/nonexistent/score.mid") != NULL, "%s", text);
  g_free (text);
  expect_error ("", 0, "Standard MIDI File");
  expect_error ("RIFFxxxx", 8, "Standard MIDI File");
  expect_error (empty, sizeof (empty), "no notes");
  expect_error (corrupt, sizeof (corrupt), "byte 23");
  fail_unless (g_file_get_contents (score_path, &bytes, &size, NULL));
  expect_error (bytes, size / 2, "cut off");
  g_free (bytes);
}
GST_END_TEST;

GST_START_TEST (test_properties)
{
  GstElement *element = gst_element_factory_make ("avmscorealign", NULL);
  gchar *score;
  gint transposition;
  gdouble tuning, rate, refine;
  guint64 memory;

  g_object_set (element, "score", "a.mid", "transposition", 3, "tuning", 12.5,
      "feature-rate", 100.0, "refine", 0.1, "memory-limit",
      G_GUINT64_CONSTANT (1234), NULL);
  g_object_get (element, "score", &score, "transposition", &transposition,
      "tuning", &tuning, "feature-rate", &rate, "refine", &refine,
      "memory-limit", &memory, NULL);
  fail_unless_equals_string (score, "a.mid");
  fail_unless_equals_int (transposition, 3);
  fail_unless_equals_float (tuning, 12.5);
  fail_unless_equals_float (rate, 100.0);
  fail_unless_equals_float (refine, 0.1);
  fail_unless_equals_uint64 (memory, 1234);
  g_free (score);
  gst_object_unref (element);
}
GST_END_TEST;

static Suite *
scorealign_suite (void)
{
  Suite *suite = suite_create ("avmscorealign");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_time);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_transposed);
  tcase_add_test (tc, test_nan);
  tcase_add_test (tc, test_doubtful);
  tcase_add_test (tc, test_nothing);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_bad_scores);
  tcase_add_test (tc, test_properties);
  return suite;
}

GST_CHECK_MAIN (scorealign);
