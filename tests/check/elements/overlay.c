/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define FPS 25
#define GREY 118

typedef struct {
  GstElement *element;
  GstHarness *video;
  GstVideoInfo info;
} Fixture;

static void
setup_with (Fixture *f, const gchar *launch, GstVideoFormat format, gint width,
    gint height)
{
  f->element = gst_parse_launch (launch, NULL);
  fail_unless (f->element != NULL);
  f->video = gst_harness_new_with_element (f->element, "sink", "src");
  gst_harness_set_live (f->video, FALSE);
  gst_video_info_set_format (&f->info, format, width, height);
  f->info.fps_n = FPS;
  f->info.fps_d = 1;
  gst_harness_set_caps (f->video, gst_video_info_to_caps (&f->info),
      gst_video_info_to_caps (&f->info));
}

static void
teardown (Fixture *f)
{
  gst_harness_teardown (f->video);
  gst_object_unref (f->element);
}

static GstHarness *
data_pad (Fixture *f, const gchar *pad, GstCaps *caps)
{
  GstHarness *h = gst_harness_new_with_element (f->element, pad, NULL);

  gst_harness_set_src_caps (h, caps);
  return h;
}

static GstBuffer *
make_frame (Fixture *f, guint index)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&f->info), NULL);

  gst_buffer_memset (buffer, 0, GREY, GST_VIDEO_INFO_SIZE (&f->info));
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (index, GST_SECOND, FPS);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / FPS;
  return buffer;
}

static void
add_region (GstBuffer *buffer, gint id, gint part, gfloat x, gfloat y)
{
  GstAvmRegion *region = gst_avm_region_new (id, "hand", x, y, 40, 40);

  region->part = part;
  region->state = GST_AVM_REGION_TRACKED;
  gst_buffer_add_avm_region_meta (buffer, region);
  gst_avm_region_free (region);
}

/* Samples inside a box of the first plane that are not the frame's grey */
static guint
count_drawn (Fixture *f, GstBuffer *buffer, gint x, gint y, gint w, gint h)
{
  GstVideoFrame frame;
  guint count = 0;

  fail_unless (gst_video_frame_map (&frame, &f->info, buffer, GST_MAP_READ));
  for (gint row = MAX (y, 0); row < MIN (y + h, f->info.height); row++) {
    const guint8 *line = (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + row * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);

    for (gint column = MAX (x, 0); column < MIN (x + w, f->info.width);
         column++)
      count += ABS (line[column] - GREY) > 4;
  }
  gst_video_frame_unmap (&frame);
  return count;
}

static GstBuffer *
process (Fixture *f, GstBuffer *buffer)
{
  fail_unless_equals_int (gst_harness_push (f->video, buffer), GST_FLOW_OK);
  return gst_harness_pull (f->video);
}

static void
push_event (GstHarness *h, GstAvmEvent *event)
{
  fail_unless_equals_int (
      gst_harness_push (h, gst_avm_event_to_buffer (event)), GST_FLOW_OK);
  gst_avm_event_free (event);
}

static GstAvmEvent *
make_vibrato (gint part, gint region)
{
  GstAvmEvent *event = gst_avm_event_new (0, 2 * GST_SECOND, region, part, 1.0);
  gdouble curve[200];

  for (guint i = 0; i < G_N_ELEMENTS (curve); i++)
    curve[i] = i % 50 == 7 ? NAN : 20.0 * sin (2.0 * G_PI * 6.0 * i / 100.0);
  gst_avm_event_set_boolean (event, "vibrato", TRUE);
  gst_avm_event_set_double (event, "rate", 6.0);
  gst_avm_event_set_double (event, "extent", 40.0);
  gst_avm_event_set_double (event, "pitch", 69.0);
  gst_avm_event_set_double (event, "curve-rate", 100.0);
  gst_avm_event_set_variant (event, "pitch-curve",
      g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, curve,
          G_N_ELEMENTS (curve), sizeof (gdouble)));
  gst_avm_event_set_variant (event, "displacement",
      g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, curve,
          G_N_ELEMENTS (curve), sizeof (gdouble)));
  return event;
}

GST_START_TEST (test_nothing_to_draw)
{
  Fixture f;
  GstBuffer *in, *out;

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 640, 360);
  in = make_frame (&f, 0);
  out = process (&f, in);
  /* the very same buffer, untouched */
  fail_unless (in == out);
  fail_unless_equals_int (count_drawn (&f, out, 0, 0, 640, 360), 0);
  gst_buffer_unref (out);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_region_and_labels)
{
  Fixture f;
  GstBuffer *buffer;
  GstHarness *events;

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 640, 360);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("vibrato"));
  buffer = make_frame (&f, 0);
  add_region (buffer, 7, 0, 300, 100);
  buffer = process (&f, buffer);
  fail_unless (count_drawn (&f, buffer, 295, 95, 20, 20) > 5);
  /* the label of the region above it, nothing below it or elsewhere */
  fail_unless (count_drawn (&f, buffer, 300, 80, 60, 19) > 100);
  fail_unless_equals_int (count_drawn (&f, buffer, 300, 150, 120, 20), 0);
  fail_unless_equals_int (count_drawn (&f, buffer, 0, 0, 200, 360), 0);
  gst_buffer_unref (buffer);

  push_event (events, make_vibrato (0, 7));
  buffer = make_frame (&f, 1);
  add_region (buffer, 7, 0, 300, 100);
  buffer = process (&f, buffer);
  /* rate and extent below, and the curves at the bottom of the frame */
  fail_unless (count_drawn (&f, buffer, 300, 142, 120, 20) > 100);
  fail_unless (count_drawn (&f, buffer, 0, 337, 640, 23) > 5000);
  gst_buffer_unref (buffer);

  /* what was drawn on one frame is not left on the next */
  g_object_set (f.element, "show-curves", FALSE, "show-regions", FALSE,
      "show-vibrato", FALSE, "show-notes", FALSE, NULL);
  buffer = make_frame (&f, 2);
  add_region (buffer, 7, 0, 300, 100);
  buffer = process (&f, buffer);
  fail_unless_equals_int (count_drawn (&f, buffer, 0, 0, 640, 360), 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

static void
push_association (GstHarness *h, GstClockTime onset, gint part)
{
  GstAvmEvent *event = gst_avm_event_new (onset, GST_SECOND, 7, part, 0.98);

  gst_avm_event_set_double (event, "score", 0.98);
  if (part >= 0)
    gst_avm_event_set_string (event, "part-name", "Violin 2");
  push_event (h, event);
}

/* Mean of the colour differences inside a box of I420 */
static void
mean_chroma (Fixture *f, GstBuffer *buffer, gint x, gint y, gint w, gint h,
    gdouble *u, gdouble *v)
{
  GstVideoFrame frame;
  gdouble *sums[2] = {u, v};

  fail_unless (gst_video_frame_map (&frame, &f->info, buffer, GST_MAP_READ));
  for (guint plane = 1; plane <= 2; plane++) {
    *sums[plane - 1] = 0.0;
    for (gint row = y / 2; row < (y + h) / 2; row++)
      for (gint column = x / 2; column < (x + w) / 2; column++)
        *sums[plane - 1] += ((const guint8 *)GST_VIDEO_FRAME_PLANE_DATA (
            &frame, plane))[row * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, plane)
            + column];
    *sums[plane - 1] /= w * h / 4;
  }
  gst_video_frame_unmap (&frame);
}

/* Who plays what stands inside the box, in the colour of the part, and holds
 * until the next word about that region. */
GST_START_TEST (test_association)
{
  static const gdouble times[] = {0.0, 1.0, 30.0, 40.0, 50.0};
  gdouble u[5], v[5];
  Fixture f;
  GstHarness *events;

  setup_with (&f, "avmoverlay show-curves=false show-motion=false",
      GST_VIDEO_FORMAT_I420, 640, 360);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("association"));
  push_association (events, GST_SECOND, 0);
  push_association (events, 35 * GST_SECOND, 1);
  push_association (events, 45 * GST_SECOND, GST_AVM_NONE);
  gst_harness_push_event (events, gst_event_new_eos ());
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    GstBuffer *buffer = make_frame (&f, (guint)(times[i] * FPS));

    add_region (buffer, 7, GST_AVM_NONE, 300, 100);
    buffer = process (&f, buffer);
    fail_unless ((count_drawn (&f, buffer, 345, 103, 60, 10) > 50) == (i > 0));
    mean_chroma (&f, buffer, 296, 96, 160, 50, &u[i], &v[i]);
    gst_buffer_unref (buffer);
  }
  /* the same colour as long as it holds, then another, then none */
  fail_unless (fabs (u[1] - u[2]) + fabs (v[1] - v[2]) < 0.3);
  fail_unless (fabs (u[2] - u[3]) + fabs (v[2] - v[3]) > 1.0);
  fail_unless (fabs (u[3] - u[4]) + fabs (v[3] - v[4]) > 1.0);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

static void
push_appearance (GstHarness *h, const gchar *player, gint camera, gdouble x)
{
  GstAvmEvent *event = gst_avm_event_new (0, 4 * GST_SECOND, 401, -1, 1.0);

  gst_avm_event_set_int (event, "cluster", 0);
  gst_avm_event_set_int (event, "camera", camera);
  gst_avm_event_set_string (event, "player", player);
  gst_avm_event_set_double (event, "x", x);
  gst_avm_event_set_double (event, "y", 100.0);
  gst_avm_event_set_double (event, "w", 60.0);
  gst_avm_event_set_double (event, "h", 80.0);
  push_event (h, event);
}

static void
push_activity (GstHarness *h, GstClockTime onset, gboolean playing)
{
  GstAvmEvent *event = gst_avm_event_new (onset, GST_SECOND, 101, -1, 1.0);

  gst_avm_event_set_boolean (event, "playing", playing);
  gst_avm_event_set_string (event, "player", "v1-1");
  push_event (h, event);
}

/* A box around the face: white where nothing is known, grey in rest, green
 * while playing, gone with the face; others' cameras are not drawn. */
GST_START_TEST (test_activity)
{
  static const gdouble times[] = {0.5, 1.5, 2.5, 5.0};
  gdouble u[4], v[4];
  guint drawn[4];
  Fixture f;
  GstHarness *faces, *activity;

  setup_with (
      &f, "avmoverlay text-scale=0 camera=1", GST_VIDEO_FORMAT_I420, 640, 360);
  faces = data_pad (&f, "events_0", gst_avm_events_caps_new ("appearance"));
  activity = data_pad (&f, "events_1", gst_avm_events_caps_new ("activity"));
  push_appearance (faces, "v1-1", 1, 100.0);
  push_appearance (faces, "v1-1", 0, 300.0);
  push_activity (activity, GST_SECOND, FALSE);
  push_activity (activity, 2 * GST_SECOND, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    GstBuffer *buffer = process (&f, make_frame (&f, (guint)(times[i] * FPS)));

    drawn[i] = count_drawn (&f, buffer, 94, 94, 72, 92);
    fail_unless_equals_int (count_drawn (&f, buffer, 110, 110, 40, 60), 0);
    fail_unless_equals_int (count_drawn (&f, buffer, 200, 0, 440, 360), 0);
    mean_chroma (&f, buffer, 94, 94, 72, 92, &u[i], &v[i]);
    gst_buffer_unref (buffer);
  }
  fail_unless (drawn[0] > 250 && drawn[1] > 250 && drawn[2] > 250);
  fail_unless_equals_int (drawn[3], 0);
  /* only green has a colour; U and V of green are both low */
  fail_unless (fabs (u[0] - u[1]) < 1.0 && fabs (v[0] - v[1]) < 1.0);
  fail_unless (u[2] < u[1] - 3.0 && v[2] < v[1] - 3.0);
  gst_harness_teardown (faces);
  gst_harness_teardown (activity);
  teardown (&f);
}

GST_END_TEST;

/* Without appearances the players' regions get the boxes. */
GST_START_TEST (test_activity_of_regions)
{
  Fixture f;
  GstHarness *activity;
  GstAvmRegion *region = gst_avm_region_new (101, "player", 100, 100, 60, 80);
  GstBuffer *buffer;
  gdouble u, v, u0, v0;

  setup_with (&f, "avmoverlay text-scale=0 show-regions=false",
      GST_VIDEO_FORMAT_I420, 640, 360);
  activity = data_pad (&f, "events_1", gst_avm_events_caps_new ("activity"));
  push_activity (activity, 0, TRUE);
  buffer = make_frame (&f, 0);
  mean_chroma (&f, buffer, 94, 94, 72, 92, &u0, &v0);
  gst_buffer_add_avm_region_meta (buffer, region);
  buffer = process (&f, buffer);
  mean_chroma (&f, buffer, 94, 94, 72, 92, &u, &v);
  fail_unless (u < u0 - 2.0 && v < v0 - 2.0, "%f %f, was %f %f", u, v, u0, v0);
  gst_buffer_unref (buffer);
  gst_avm_region_free (region);
  gst_harness_teardown (activity);
  teardown (&f);
}

GST_END_TEST;

/* The event is over: the label goes. */
GST_START_TEST (test_label_ends_with_the_note)
{
  Fixture f;
  GstBuffer *buffer;
  GstHarness *events;

  setup_with (
      &f, "avmoverlay show-curves=false", GST_VIDEO_FORMAT_I420, 640, 360);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("vibrato"));
  push_event (events, make_vibrato (0, 7));
  buffer = make_frame (&f, 3 * FPS);
  add_region (buffer, 7, 0, 300, 100);
  buffer = process (&f, buffer);
  fail_unless_equals_int (count_drawn (&f, buffer, 300, 146, 120, 20), 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_formats_and_sizes)
{
  static const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_I420,
      GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_Y42B,
      GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_BGRx,
      GST_VIDEO_FORMAT_RGB};
  static const gint sizes[][2] = {
      {1, 1}, {3, 2}, {17, 33}, {161, 91}, {640, 360}};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++) {
      Fixture f;
      GstBuffer *buffer;
      GstHarness *events;

      setup_with (&f, "avmoverlay", formats[i], sizes[j][0], sizes[j][1]);
      events = data_pad (&f, "events_0", gst_avm_events_caps_new ("vibrato"));
      push_event (events, make_vibrato (0, 7));
      buffer = make_frame (&f, 1);
      add_region (buffer, 7, 0, -20, -20);
      add_region (buffer, 8, 1, sizes[j][0] * 0.5f, sizes[j][1] * 0.5f);
      buffer = process (&f, buffer);
      fail_unless (buffer != NULL);
      gst_buffer_unref (buffer);
      gst_harness_teardown (events);
      teardown (&f);
    }
  }
}

GST_END_TEST;

GST_START_TEST (test_wild_values)
{
  Fixture f;
  GstHarness *events;
  GstAvmEvent *event;
  const gfloat wild[] = {
      NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 1e9f, -1e9f, 0.0f};
  GstBuffer *buffer;

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 320, 240);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("vibrato"));
  event = make_vibrato (3, -1);
  gst_avm_event_set_double (event, "rate", INFINITY);
  gst_avm_event_set_double (event, "curve-rate", 1e-300);
  push_event (events, event);
  event = make_vibrato (G_MAXINT, G_MAXINT);
  gst_avm_event_set_double (event, "pitch", -1e300);
  event->duration = GST_CLOCK_TIME_NONE;
  push_event (events, event);
  buffer = make_frame (&f, 1);
  for (guint i = 0; i < G_N_ELEMENTS (wild); i++) {
    GstAvmRegion *region = gst_avm_region_new ((gint)i, "hand", 10, 10, 20, 20);
    GstAvmPoint point = {1, wild[i], 5, wild[(i + 1) % 8], wild[i]};
    GstAvmRegionMeta *meta;

    region->x = wild[i];
    region->vx = wild[i];
    region->w = wild[(i + 3) % 8];
    meta = gst_buffer_add_avm_region_meta (buffer, region);
    if (meta != NULL)
      gst_avm_region_meta_set_points (meta, &point, 1);
    gst_avm_region_free (region);
  }
  buffer = process (&f, buffer);
  fail_unless (buffer != NULL);
  gst_buffer_unref (buffer);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_series)
{
  Fixture f;
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("f0", 100, 1);
  GstHarness *series;
  gfloat rows[200];
  GstBuffer *buffer;

  gst_avm_series_info_add_channel (info, "f0", "f0", "Hz", -1, 0);
  gst_avm_series_info_add_channel (info, "c", "confidence", "", -1, 0);
  for (guint i = 0; i < 100; i++) {
    rows[2 * i] = i % 10 == 0 ? NAN : 440.0f + 5.0f * sinf (i * 0.4f);
    rows[2 * i + 1] = 1.0f;
  }
  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 640, 360);
  series = data_pad (&f, "series_0", gst_avm_series_info_to_caps (info));
  gst_harness_push (series, gst_avm_series_buffer_new (info, rows, 100, 0));
  buffer = process (&f, make_frame (&f, FPS));
  fail_unless (count_drawn (&f, buffer, 0, 337, 640, 23) > 5000);
  fail_unless_equals_int (count_drawn (&f, buffer, 0, 0, 640, 300), 0);
  gst_buffer_unref (buffer);
  gst_avm_series_info_free (info);
  gst_harness_teardown (series);
  teardown (&f);
}

GST_END_TEST;

static gpointer
push_frame (gpointer data)
{
  Fixture *f = data;

  return GINT_TO_POINTER (gst_harness_push (f->video, make_frame (f, FPS)));
}

/* Neither state is reached by chance: a frame that waits is not there after a
 * while, and is there as soon as its data is. */
static void
assert_waits (Fixture *f)
{
  g_usleep (50000);
  fail_unless_equals_int (gst_harness_buffers_received (f->video), 0);
}

GST_START_TEST (test_wait)
{
  Fixture f;
  GstHarness *events;
  GThread *thread;
  GstBuffer *buffer;

  setup_with (&f, "avmoverlay wait=true", GST_VIDEO_FORMAT_I420, 640, 360);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("vibrato"));
  thread = g_thread_new ("frame", push_frame, &f);
  assert_waits (&f);
  push_event (events, make_vibrato (0, 7));
  assert_waits (&f);
  gst_harness_push_event (events, gst_event_new_gap (0, 2 * GST_SECOND));
  buffer = gst_harness_pull (f.video);
  fail_unless (buffer != NULL);
  fail_unless (count_drawn (&f, buffer, 0, 337, 640, 23) > 5000);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_OK);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_wait_ends_at_eos)
{
  Fixture f;
  GstHarness *events;
  GThread *thread;

  setup_with (&f, "avmoverlay wait=true", GST_VIDEO_FORMAT_I420, 64, 36);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("note"));
  thread = g_thread_new ("frame", push_frame, &f);
  assert_waits (&f);
  gst_harness_push_event (events, gst_event_new_eos ());
  gst_buffer_unref (gst_harness_pull (f.video));
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_OK);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_wait_ends_with_flush)
{
  Fixture f;
  GstHarness *events;
  GThread *thread;

  setup_with (&f, "avmoverlay wait=true", GST_VIDEO_FORMAT_I420, 64, 36);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("note"));
  thread = g_thread_new ("frame", push_frame, &f);
  assert_waits (&f);
  gst_harness_push_event (f.video, gst_event_new_flush_start ());
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_FLUSHING);
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_wait_ends_with_property_and_unlink)
{
  Fixture f;
  GstHarness *events;
  GThread *thread;

  setup_with (&f, "avmoverlay wait=true", GST_VIDEO_FORMAT_I420, 64, 36);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("note"));
  thread = g_thread_new ("frame", push_frame, &f);
  assert_waits (&f);
  g_object_set (f.element, "wait", FALSE, NULL);
  gst_buffer_unref (gst_harness_pull (f.video));
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_OK);

  g_object_set (f.element, "wait", TRUE, NULL);
  thread = g_thread_new ("frame", push_frame, &f);
  /* the harness unlinks and releases the pad */
  gst_harness_teardown (events);
  gst_buffer_unref (gst_harness_pull (f.video));
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_OK);
  teardown (&f);
}

GST_END_TEST;

/* Without wait a data pad that never gets data holds nothing up. */
GST_START_TEST (test_silent_data_pad)
{
  Fixture f;
  GstHarness *events;

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 64, 36);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("note"));
  for (guint i = 0; i < 5; i++)
    gst_buffer_unref (process (&f, make_frame (&f, i)));
  gst_harness_push_event (f.video, gst_event_new_eos ());
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_damaged_data)
{
  Fixture f;
  GstHarness *events;
  guint8 junk[40];

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 64, 36);
  events = data_pad (&f, "events_0", gst_avm_events_caps_new ("note"));
  memset (junk, 0xa5, sizeof (junk));
  for (gsize size = 1; size <= sizeof (junk); size++) {
    GstFlowReturn ret =
        gst_harness_push (events, gst_buffer_new_memdup (junk, size));

    fail_unless (ret == GST_FLOW_OK || ret == GST_FLOW_ERROR);
  }
  gst_buffer_unref (process (&f, make_frame (&f, 0)));
  gst_harness_teardown (events);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  Fixture f;
  GstBuffer *buffer;

  setup_with (&f, "avmoverlay", GST_VIDEO_FORMAT_I420, 64, 36);
  buffer = make_frame (&f, 0);
  add_region (buffer, 1, 0, 5, 5);
  gst_buffer_unref (process (&f, buffer));
  gst_video_info_set_format (&f.info, GST_VIDEO_FORMAT_Y444, 320, 200);
  f.info.fps_n = FPS;
  gst_harness_set_caps (f.video, gst_video_info_to_caps (&f.info),
      gst_video_info_to_caps (&f.info));
  buffer = make_frame (&f, 1);
  add_region (buffer, 1, 0, 250, 100);
  buffer = process (&f, buffer);
  fail_unless (count_drawn (&f, buffer, 245, 95, 20, 20) > 5);
  gst_buffer_unref (buffer);
  teardown (&f);
}

GST_END_TEST;

static Suite *
overlay_suite (void)
{
  Suite *s = suite_create ("avmoverlay");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_nothing_to_draw);
  tcase_add_test (tc, test_region_and_labels);
  tcase_add_test (tc, test_association);
  tcase_add_test (tc, test_activity);
  tcase_add_test (tc, test_activity_of_regions);
  tcase_add_test (tc, test_label_ends_with_the_note);
  tcase_add_test (tc, test_formats_and_sizes);
  tcase_add_test (tc, test_wild_values);
  tcase_add_test (tc, test_series);
  tcase_add_test (tc, test_wait);
  tcase_add_test (tc, test_wait_ends_at_eos);
  tcase_add_test (tc, test_wait_ends_with_flush);
  tcase_add_test (tc, test_wait_ends_with_property_and_unlink);
  tcase_add_test (tc, test_silent_data_pad);
  tcase_add_test (tc, test_damaged_data);
  tcase_add_test (tc, test_caps_change);
  return s;
}

GST_CHECK_MAIN (overlay);
