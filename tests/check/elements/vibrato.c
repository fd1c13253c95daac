/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmvibrato through its pads: any of them alone, in any order, with gaps,
 * early ends, and nothing at all.
 */

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <unistd.h>

#define NOTES 6
#define NOTE_SECONDS 1.0
#define RATE 6.25
#define EXTENT 44.0
#define PIECE_SECONDS (NOTES * NOTE_SECONDS + 1.0)

typedef struct {
  GstElement *element;
  GstHarness *out, *motion, *notes, *f0, *association, *truth;
  GstBus *bus;
} Fixture;

/* Odd notes vibrate; the hand moves by 1 px up and down the neck. */
static gdouble
wave (gdouble t)
{
  gint note = (gint)floor (t / NOTE_SECONDS);

  return note % 2 == 1 && note < NOTES ? sin (2.0 * G_PI * RATE * t) : 0.0;
}

static GstHarness *
sink_harness (Fixture *f, const gchar *pad, GstCaps *caps)
{
  GstHarness *h = gst_harness_new_with_element (f->element, pad, NULL);

  gst_harness_set_src_caps (h, caps);
  return h;
}

static void
setup (Fixture *f)
{
  memset (f, 0, sizeof (*f));
  f->element = gst_element_factory_make ("avmvibrato", NULL);
  fail_unless (f->element != NULL);
  gst_util_set_object_arg (G_OBJECT (f->element), "method", "autocorrelation");
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
}


static void
teardown (Fixture *f)
{
  GstHarness *all[] = {
      f->motion, f->notes, f->f0, f->association, f->truth, f->out};

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    if (all[i] != NULL)
      gst_harness_teardown (all[i]);
  }
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->element);
}

/* Two regions, the first one still; region ids 7 and 8 */
static GstAvmSeriesInfo *
motion_info (gint part_of_8)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", 30000, 1001);

  for (gint region = 7; region <= 8; region++) {
    gint part = region == 8 ? part_of_8 : GST_AVM_NONE;
    const gchar *name = region == 8 ? "hand8-vx" : "face7-vx";

    gst_avm_series_info_add_channel (info, name, "vx", "px/s", region, part);
    gst_avm_series_info_add_channel (info,
        region == 8 ? "hand8-vy" : "face7-vy", "vy", "px/s", region, part);
    gst_avm_series_info_add_channel (info, region == 8 ? "hand8-c" : "face7-c",
        "confidence", "", region, part);
  }
  return info;
}

static GstCaps *
motion_caps (gint part_of_8)
{
  GstAvmSeriesInfo *info = motion_info (part_of_8);
  GstCaps *caps = gst_avm_series_info_to_caps (info);

  gst_avm_series_info_free (info);
  return caps;
}

static GstAvmSeriesInfo *
f0_info (gint part)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("f0", 100, 1);

  gst_avm_series_info_add_channel (
      info, "f0-0", "f0", "Hz", GST_AVM_NONE, part);
  gst_avm_series_info_add_channel (
      info, "confidence-0", "confidence", "", GST_AVM_NONE, part);
  return info;
}

static GstCaps *
f0_caps (gint part)
{
  GstAvmSeriesInfo *info = f0_info (part);
  GstCaps *caps = gst_avm_series_info_to_caps (info);

  gst_avm_series_info_free (info);
  return caps;
}

/* Opens the sink pads by their initials, then the source pad. */
static void
open_pads (Fixture *f, const gchar *pads, gint part_of_8, gint part_of_f0)
{
  if (strchr (pads, 'm') != NULL)
    f->motion = sink_harness (f, "motion", motion_caps (part_of_8));
  if (strchr (pads, 'n') != NULL)
    f->notes = sink_harness (f, "notes", gst_avm_events_caps_new ("note"));
  if (strchr (pads, 'f') != NULL)
    f->f0 = sink_harness (f, "f0", f0_caps (part_of_f0));
  if (strchr (pads, 'a') != NULL)
    f->association = sink_harness (
        f, "association", gst_avm_events_caps_new ("association"));
  if (strchr (pads, 't') != NULL)
    f->truth = sink_harness (f, "truth", gst_avm_events_caps_new ("vibrato"));
  f->out = gst_harness_new_with_element (f->element, NULL, "src");
}

static void
push_motion (Fixture *f, gint part_of_8)
{
  GstAvmSeriesInfo *info;

  info = motion_info (part_of_8);
  for (guint i = 1; i < PIECE_SECONDS * 30000.0 / 1001.0; i++) {
    gdouble step = 1001.0 / 30000.0, t = i * step;
    gdouble v = (wave (t) - wave (t - step)) / step;
    gfloat row[6] = {
        0.0f, 0.0f, 1.0f, (gfloat)(0.8 * v), (gfloat)(-0.6 * v), 0.9f};
    GstBuffer *buffer = gst_avm_series_buffer_new (
        info, row, 1, (GstClockTime)((t - 0.5 * step) * GST_SECOND));

    if (i % 40 == 39) {
      gst_buffer_unref (buffer);
      gst_harness_push_event (f->motion,
          gst_event_new_gap ((GstClockTime)(t * GST_SECOND), GST_SECOND / 30));
      continue;
    }
    fail_unless_equals_int (gst_harness_push (f->motion, buffer), GST_FLOW_OK);
  }
  gst_avm_series_info_free (info);
}

static void
push_f0 (Fixture *f, gint part)
{
  GstAvmSeriesInfo *info = f0_info (part);

  for (guint i = 0; i < (guint)(PIECE_SECONDS * 20.0); i++) {
    gfloat rows[10];

    for (guint k = 0; k < 5; k++) {
      gdouble t = (i * 5 + k) / 100.0;

      rows[2 * k] = (gfloat)(440.0 * exp2 (0.5 * EXTENT * wave (t) / 1200.0));
      rows[2 * k + 1] = 0.9f;
    }
    fail_unless_equals_int (
        gst_harness_push (f->f0,
            gst_avm_series_buffer_new (info, rows, 5, i * 50 * GST_MSECOND)),
        GST_FLOW_OK);
  }
  gst_avm_series_info_free (info);
}

static GstBuffer *
note_buffer (guint i, gint part)
{
  GstAvmEvent *event =
      gst_avm_event_new ((GstClockTime)(i * NOTE_SECONDS * GST_SECOND),
          (GstClockTime)(NOTE_SECONDS * GST_SECOND), GST_AVM_NONE, part, 1.0);
  GstBuffer *buffer;

  gst_avm_event_set_double (event, "pitch", 69.0);
  gst_avm_event_set_int (event, "velocity", 64);
  buffer = gst_avm_event_to_buffer (event);
  gst_avm_event_free (event);
  return buffer;
}

static void
push_notes (Fixture *f, gint part)
{
  for (guint i = 0; i < NOTES; i++)
    fail_unless_equals_int (
        gst_harness_push (f->notes, note_buffer (i, part)), GST_FLOW_OK);
}

static void
end (GstHarness *h)
{
  gst_harness_push_event (h, gst_event_new_eos ());
}

static GstAvmEvent *
pull (Fixture *f)
{
  GstBuffer *buffer = gst_harness_pull (f->out);
  GPtrArray *events;
  GstAvmEvent *event;

  fail_unless (buffer != NULL);
  events = gst_avm_events_buffer_parse (buffer, NULL);
  fail_unless (events != NULL && events->len == 1);
  event = gst_avm_event_copy (g_ptr_array_index (events, 0));
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), event->onset);
  g_ptr_array_unref (events);
  gst_buffer_unref (buffer);
  return event;
}

static gdouble
get (const GstAvmEvent *event, const gchar *name)
{
  gdouble value = NAN;

  gst_avm_event_get_double (event, name, &value);
  return value;
}

static void
check_notes (Fixture *f, const gchar *used, gint part, gboolean extent)
{
  for (guint i = 0; i < NOTES; i++) {
    GstAvmEvent *event = pull (f);
    gboolean vibrato = FALSE;

    fail_unless_equals_uint64 (event->onset, i * GST_SECOND);
    fail_unless_equals_uint64 (event->duration, GST_SECOND);
    fail_unless_equals_int (event->part, part);
    fail_unless_equals_string (gst_avm_event_get_string (event, "used"), used);
    fail_unless (gst_avm_event_get_boolean (event, "vibrato", &vibrato));
    fail_unless_equals_float (get (event, "pitch"), 69.0);
    fail_unless_equals_string (
        gst_avm_event_get_string (event, "method"), "autocorrelation");
    if (g_str_equal (used, "none")) {
      fail_if (vibrato);
      fail_unless (isnan (get (event, "rate")));
    } else {
      fail_unless_equals_int (vibrato, i % 2 == 1);
      fail_unless (event->confidence >= 0.5 && event->confidence <= 1.0);
      if (i % 2 == 1) {
        fail_unless (fabs (get (event, "rate") - RATE) < 0.1);
        if (extent)
          fail_unless (fabs (get (event, "extent") - EXTENT) < 2.0);
        else
          fail_unless (isnan (get (event, "extent")));
      }
    }
    if (g_str_equal (used, "both") && i % 2 == 1)
      fail_unless (fabs (get (event, "lag")) < 0.004);
    if (g_str_equal (used, "both") || g_str_equal (used, "video"))
      fail_unless_equals_int (event->region, 8);
    gst_avm_event_free (event);
  }
}

/* How many messages of the type are there; the text of the last one must
 * hold `part_of_text`. */
static guint
count_messages (Fixture *f, GstMessageType type, const gchar *part_of_text)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (f->bus, type)) != NULL) {
    GError *error = NULL;

    if (type == GST_MESSAGE_WARNING)
      gst_message_parse_warning (message, &error, NULL);
    else if (type == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, NULL);
    if (error != NULL && part_of_text != NULL)
      fail_unless (
          strstr (error->message, part_of_text) != NULL, "%s", error->message);
    g_clear_error (&error);
    gst_message_unref (message);
    n++;
  }
  return n;
}

static void
wait_for_end (Fixture *f)
{
  for (guint i = 0; i < 5000; i++) {
    GstEvent *event = gst_harness_try_pull_event (f->out);
    gboolean eos = event != NULL && GST_EVENT_TYPE (event) == GST_EVENT_EOS;

    if (event == NULL)
      g_usleep (1000);
    else
      gst_event_unref (event);
    if (eos)
      return;
  }
  fail ("no EOS");
}

GST_START_TEST (test_both)
{
  Fixture f;
  GstMessage *message;
  guint vibrato = 0, both = 0;

  setup (&f);
  open_pads (&f, "mnf", 2, 2);
  push_motion (&f, 2);
  push_f0 (&f, 2);
  end (f.f0);
  push_notes (&f, 2);
  end (f.motion);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.out), 0);
  end (f.notes);
  check_notes (&f, "both", 2, TRUE);
  wait_for_end (&f);
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  fail_unless (gst_structure_get (gst_message_get_structure (message),
      "vibrato", G_TYPE_UINT, &vibrato, "both", G_TYPE_UINT, &both, NULL));
  fail_unless_equals_int (vibrato, NOTES / 2);
  fail_unless_equals_int (both, NOTES);
  gst_message_unref (message);
  fail_unless_equals_int (count_messages (&f, GST_MESSAGE_WARNING, NULL), 0);
  teardown (&f);
}

GST_END_TEST;

/* All six orders in which three streams can come and end */
GST_START_TEST (test_any_order)
{
  static const gchar *orders[] = {"mnf", "mfn", "nmf", "nfm", "fmn", "fnm"};
  const gchar *order = orders[__i__ % 6];
  gboolean at_once = __i__ >= 6;
  Fixture f;

  setup (&f);
  open_pads (&f, "mnf", 0, 0);
  for (guint i = 0; i < 3; i++) {
    if (order[i] == 'm')
      push_motion (&f, 0);
    else if (order[i] == 'n')
      push_notes (&f, 0);
    else
      push_f0 (&f, 0);
    if (at_once)
      end (order[i] == 'm' ? f.motion : order[i] == 'n' ? f.notes : f.f0);
  }
  if (!at_once) {
    end (f.notes);
    end (f.f0);
    end (f.motion);
  }
  check_notes (&f, "both", 0, TRUE);
  wait_for_end (&f);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_audio_alone)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "nf", 0, GST_AVM_NONE);
  push_notes (&f, 1);
  end (f.notes);
  /* contour of an unnamed part, notes of one part alone */
  push_f0 (&f, GST_AVM_NONE);
  end (f.f0);
  check_notes (&f, "audio", 1, TRUE);
  wait_for_end (&f);
  fail_unless_equals_int (count_messages (&f, GST_MESSAGE_WARNING, NULL), 0);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_video_alone)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mn", GST_AVM_NONE, 0);
  push_motion (&f, GST_AVM_NONE);
  gst_util_set_object_arg (
      G_OBJECT (f.element), "region-parts", "<<7,3>,<8,1>>");
  push_notes (&f, 1);
  end (f.motion);
  end (f.notes);
  check_notes (&f, "video", 1, FALSE);
  wait_for_end (&f);
  teardown (&f);
}

GST_END_TEST;

/* The association goes before what the property and the caps say. */
GST_START_TEST (test_association)
{
  Fixture f;
  GstAvmEvent *event;

  setup (&f);
  open_pads (&f, "mna", 1, 0);
  gst_util_set_object_arg (
      G_OBJECT (f.element), "region-parts", "<<7,5>,<8,4>>");
  push_notes (&f, 5);
  push_motion (&f, 1);
  /* both regions of this part: the one named after the role counts */
  for (gint region = 7; region <= 8; region++) {
    event = gst_avm_event_new (0, GST_CLOCK_TIME_NONE, region, 5, 0.9);
    gst_harness_push (f.association, gst_avm_event_to_buffer (event));
    gst_avm_event_free (event);
  }
  end (f.association);
  end (f.notes);
  end (f.motion);
  check_notes (&f, "video", 5, FALSE);
  wait_for_end (&f);
  teardown (&f);
}

GST_END_TEST;

/* A running association settles: the latest word about each region counts, and
 * that somebody plays none of the parts is a word, too. */
GST_START_TEST (test_association_changes)
{
  static const gint words[][2] = {{7, 5}, {8, 4}, {7, GST_AVM_NONE}, {8, 5}};

  for (guint last = 3; last <= 4; last++) {
    Fixture f;

    setup (&f);
    open_pads (&f, "mna", GST_AVM_NONE, 0);
    push_notes (&f, 5);
    push_motion (&f, GST_AVM_NONE);
    for (guint i = 0; i < last; i++) {
      GstAvmEvent *event = gst_avm_event_new (
          i * GST_SECOND, GST_SECOND, words[i][0], words[i][1], 0.9);

      gst_harness_push (f.association, gst_avm_event_to_buffer (event));
      gst_avm_event_free (event);
    }
    end (f.association);
    end (f.notes);
    end (f.motion);
    check_notes (&f, last == 4 ? "video" : "none", 5, FALSE);
    wait_for_end (&f);
    teardown (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_unknown_region)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mn", GST_AVM_NONE, 0);
  push_motion (&f, GST_AVM_NONE);
  push_notes (&f, 3);
  end (f.motion);
  end (f.notes);
  check_notes (&f, "none", 3, FALSE);
  wait_for_end (&f);
  fail_unless_equals_int (
      count_messages (&f, GST_MESSAGE_WARNING, "region-parts"), 1);
  teardown (&f);
}

GST_END_TEST;

/* Motion and pitch that end early, notes that go on */
GST_START_TEST (test_notes_alone)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mn", 0, 0);
  end (f.motion);
  push_notes (&f, 0);
  end (f.notes);
  check_notes (&f, "none", 0, FALSE);
  wait_for_end (&f);
  fail_unless_equals_int (
      count_messages (&f, GST_MESSAGE_WARNING, "avmopticalflow"), 1);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_no_notes)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "m", 0, 0);
  push_motion (&f, 0);
  end (f.motion);
  wait_for_end (&f);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.out), 0);
  fail_unless_equals_int (
      count_messages (&f, GST_MESSAGE_WARNING, "No notes"), 1);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_curves)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mnf", 0, 0);
  g_object_set (f.element, "curves", TRUE, NULL);
  push_motion (&f, 0);
  push_f0 (&f, 0);
  push_notes (&f, 0);
  end (f.motion);
  end (f.f0);
  end (f.notes);
  for (guint i = 0; i < NOTES; i++) {
    GstAvmEvent *event = pull (&f);
    GVariant *pitch = gst_avm_event_get_variant (event, "pitch-curve");
    GVariant *displacement = gst_avm_event_get_variant (event, "displacement");
    gdouble off = 0.0, size = 0.0;
    gsize n, m;
    const gdouble *p, *d;

    fail_unless (pitch != NULL && displacement != NULL);
    p = g_variant_get_fixed_array (pitch, &n, sizeof (gdouble));
    d = g_variant_get_fixed_array (displacement, &m, sizeof (gdouble));
    fail_unless (n == 100 && m == 100);
    fail_unless_equals_float (get (event, "curve-rate"), 100.0);
    for (guint k = 10; k < 90; k++) {
      off += pow (p[k] - 0.5 * EXTENT * d[k], 2.0);
      size += p[k] * p[k];
    }
    if (i % 2 == 1)
      fail_unless (off < 0.05 * size, "%g against %g", off, size);
    g_variant_unref (pitch);
    g_variant_unref (displacement);
    gst_avm_event_free (event);
  }
  wait_for_end (&f);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mn", 0, 0);
  push_motion (&f, 0);
  push_notes (&f, 0);
  push_notes (&f, 0);
  gst_harness_push_event (f.notes, gst_event_new_flush_start ());
  gst_harness_push_event (f.notes, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.motion, gst_event_new_flush_start ());
  gst_harness_push_event (f.motion, gst_event_new_flush_stop (TRUE));
  {
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f.notes, gst_event_new_segment (&segment));
    gst_harness_push_event (f.motion, gst_event_new_segment (&segment));
  }
  push_notes (&f, 0);
  push_motion (&f, 0);
  end (f.notes);
  end (f.motion);
  /* what was before the flush is gone: no note comes twice */
  check_notes (&f, "video", 0, FALSE);
  wait_for_end (&f);
  teardown (&f);
}

GST_END_TEST;

/* Rows of the wrong size, events that are none */
GST_START_TEST (test_damaged)
{
  Fixture f;

  setup (&f);
  open_pads (&f, "mn", 0, 0);
  {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 7, NULL);

    GST_BUFFER_PTS (buffer) = 0;
    fail_unless_equals_int (
        gst_harness_push (f.motion, buffer), GST_FLOW_ERROR);
  }
  {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 13, NULL);

    gst_buffer_memset (buffer, 0, 0xff, 13);
    fail_unless_equals_int (gst_harness_push (f.notes, buffer), GST_FLOW_ERROR);
  }
  fail_unless_equals_int (count_messages (&f, GST_MESSAGE_ERROR, "damaged"), 2);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_missing_model)
{
  GstElement *element = gst_element_factory_make ("avmvibrato", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;

  gst_element_set_bus (element, bus);
  g_object_set (element, "model", "/does/not/exist.svm", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "/does/not/exist.svm") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

/* Labelled features, and the model that is shipped says what they say. */
GST_START_TEST (test_model_and_features)
{
  Fixture f;
  const gchar *source = g_getenv ("AVM_SRC");
  gchar *model, *path, *text;
  gint lines = 0, labelled = 0;

  if (source == NULL)
    return;
  model = g_build_filename (source, "data", "vibrato.svm", NULL);
  path = g_build_filename (g_get_tmp_dir (), "avm-features-XXXXXX", NULL);
  close (g_mkstemp (path));
  for (guint round = 0; round < 2; round++) {
    setup (&f);
    gst_util_set_object_arg (G_OBJECT (f.element), "method", "svm");
    g_object_set (f.element, "model", model, NULL);
    if (round == 0)
      g_object_set (f.element, "features-location", path, NULL);
    open_pads (&f, "mnft", 0, 0);
    push_motion (&f, 0);
    push_f0 (&f, 0);
    push_notes (&f, 0);
    for (guint i = 0; i < NOTES; i++) {
      GstAvmEvent *event = gst_avm_event_new (i * GST_SECOND + 20 * GST_MSECOND,
          GST_SECOND, GST_AVM_NONE, i == 4 ? 1 : 0, 1.0);

      gst_avm_event_set_boolean (event, "vibrato", i % 2 == 1);
      gst_harness_push (f.truth, gst_avm_event_to_buffer (event));
      gst_avm_event_free (event);
    }
    end (f.truth);
    end (f.motion);
    end (f.f0);
    end (f.notes);
    for (guint i = 0; i < NOTES; i++) {
      GstAvmEvent *event = pull (&f);
      gboolean vibrato = FALSE;

      fail_unless (gst_avm_event_get_boolean (event, "vibrato", &vibrato));
      if (round == 1)
        fail_unless_equals_int (vibrato, i % 2 == 1);
      fail_unless_equals_string (gst_avm_event_get_string (event, "method"),
          round == 1 ? "svm" : "autocorrelation");
      gst_avm_event_free (event);
    }
    wait_for_end (&f);
    teardown (&f);
  }
  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  for (gchar *line = strtok (text, "\n"); line != NULL;
       line = strtok (NULL, "\n")) {
    lines += line[0] != '#';
    labelled += line[0] == '1';
  }
  /* note 4 has no label of its part */
  fail_unless_equals_int (lines, NOTES - 1);
  fail_unless_equals_int (labelled, NOTES / 2);
  g_unlink (path);
  g_free (text);
  g_free (path);
  g_free (model);
}

GST_END_TEST;

static Suite *
vibrato_suite (void)
{
  Suite *s = suite_create ("avmvibrato");
  TCase *t = tcase_create ("general");

  suite_add_tcase (s, t);
  tcase_add_test (t, test_both);
  tcase_add_loop_test (t, test_any_order, 0, 12);
  tcase_add_test (t, test_audio_alone);
  tcase_add_test (t, test_video_alone);
  tcase_add_test (t, test_association);
  tcase_add_test (t, test_association_changes);
  tcase_add_test (t, test_unknown_region);
  tcase_add_test (t, test_notes_alone);
  tcase_add_test (t, test_no_notes);
  tcase_add_test (t, test_curves);
  tcase_add_test (t, test_flush);
  tcase_add_test (t, test_damaged);
  tcase_add_test (t, test_missing_model);
  tcase_add_test (t, test_model_and_features);
  return s;
}

GST_CHECK_MAIN (vibrato);
