/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmscenecut: one event per shot, formats, times, seeks, caps that change,
 * streams that end at once.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <math.h>

#include <gst/avm/avm.h>

#define WIDTH 160
#define HEIGHT 90
#define FRAME (GST_SECOND / 25)

typedef struct {
  GstHarness *h;
  GstBus *bus;
  GstVideoInfo info;
} Fixture;

static gdouble
texture (gdouble x, gdouble y, guint scene)
{
  gdouble v = 120.0;

  for (guint k = 1; k <= 5; k++)
    v += 15.0
        * sin (x * (0.03 * k + 0.011 * scene) + y * (0.09 - 0.017 * k * scene)
            + 2.3 * scene * k);
  return v;
}

static GstBuffer *
picture (Fixture *f, GstClockTime pts, guint a, guint b, gdouble share)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, f->info.size, NULL);
  GstVideoFrame frame;
  GRand *rand = g_rand_new_with_seed ((guint32)(pts / GST_MSECOND));

  gst_buffer_memset (buffer, 0, 0x80, f->info.size);
  fail_unless (gst_video_frame_map (&frame, &f->info, buffer, GST_MAP_WRITE));
  for (gint y = 0; y < f->info.height; y++)
    for (gint x = 0; x < f->info.width; x++) {
      gdouble u = (gdouble)x * WIDTH / f->info.width;
      gdouble v = (gdouble)y * HEIGHT / f->info.height;
      gdouble p = (1.0 - share) * texture (u, v, a) + share * texture (u, v, b);

      ((guint8 *)GST_VIDEO_FRAME_PLANE_DATA (
          &frame, 0))[y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0) + x] =
          (guint8)CLAMP (p + g_rand_double_range (rand, -4, 4), 0, 255);
    }
  g_rand_free (rand);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
set_video (Fixture *f, GstVideoFormat format, gint width, gint height)
{
  gst_video_info_set_format (&f->info, format, width, height);
  f->info.fps_n = 25;
  f->info.fps_d = 1;
  gst_harness_set_src_caps (f->h, gst_video_info_to_caps (&f->info));
}

static Fixture
setup (const gchar *launch)
{
  Fixture f;

  f.h = gst_harness_new_parse (launch);
  fail_unless (f.h != NULL);
  f.bus = gst_bus_new ();
  gst_element_set_bus (f.h->element, f.bus);
  set_video (&f, GST_VIDEO_FORMAT_GRAY8, WIDTH, HEIGHT);
  return f;
}

static void
teardown (Fixture *f)
{
  gst_element_set_bus (f->h->element, NULL);
  gst_object_unref (f->bus);
  gst_harness_teardown (f->h);
}

static void
push (Fixture *f, GstClockTime pts, guint a, guint b, gdouble share)
{
  fail_unless_equals_int (
      gst_harness_push (f->h, picture (f, pts, a, b, share)), GST_FLOW_OK);
}

static void
push_shot (Fixture *f, guint first, guint last, guint scene)
{
  for (guint i = first; i < last; i++)
    push (f, i * FRAME, scene, scene, 0.0);
}

static void
check_shot (Fixture *f, GstClockTime onset, GstClockTime end,
    const gchar *transition, GstClockTime tolerance)
{
  GstBuffer *buffer = gst_harness_try_pull (f->h);
  GPtrArray *events;
  GstAvmEvent *event;
  gdouble value = -1.0;

  fail_unless (
      buffer != NULL, "no shot from %" GST_TIME_FORMAT, GST_TIME_ARGS (onset));
  events = gst_avm_events_buffer_parse (buffer, NULL);
  fail_unless (events != NULL && events->len == 1);
  event = g_ptr_array_index (events, 0);
  fail_unless_equals_string (
      gst_avm_event_get_string (event, "transition"), transition);
  fail_unless (
      ABS (GST_CLOCK_DIFF (onset, event->onset)) <= (GstClockTimeDiff)tolerance
          && ABS (GST_CLOCK_DIFF (end, event->onset + event->duration))
              <= (GstClockTimeDiff)tolerance,
      "%" GST_TIME_FORMAT " to %" GST_TIME_FORMAT, GST_TIME_ARGS (event->onset),
      GST_TIME_ARGS (event->onset + event->duration));
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), event->onset);
  fail_unless_equals_int (event->region, GST_AVM_NONE);
  fail_unless (event->confidence > 0.0 && event->confidence <= 1.0);
  fail_unless_equals_int (
      gst_avm_event_get_double (event, "transition-duration", &value),
      g_str_equal (transition, "dissolve"));
  fail_unless_equals_int (gst_avm_event_get_double (event, "score", &value),
      !g_str_equal (transition, "start"));
  g_ptr_array_unref (events);
  gst_buffer_unref (buffer);
}

static void
check_no_more (Fixture *f)
{
  fail_unless (gst_harness_try_pull (f->h) == NULL);
}

GST_START_TEST (test_cuts)
{
  static const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_GRAY8,
      GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_Y444};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    Fixture f = setup ("avmscenecut");
    GstCaps *caps;

    set_video (&f, formats[i], WIDTH, HEIGHT);
    push_shot (&f, 10, 40, 1);
    push_shot (&f, 40, 75, 2);
    push_shot (&f, 75, 110, 3);
    fail_unless (gst_harness_push_event (f.h, gst_event_new_eos ()));
    check_shot (&f, 10 * FRAME, 40 * FRAME, "start", 0);
    check_shot (&f, 40 * FRAME, 75 * FRAME, "cut", 0);
    check_shot (&f, 75 * FRAME, 110 * FRAME, "cut", 0);
    check_no_more (&f);
    caps = gst_pad_get_current_caps (f.h->sinkpad);
    fail_unless_equals_string (gst_avm_caps_get_kind (caps), "shot");
    gst_caps_unref (caps);
    teardown (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_dissolve)
{
  for (guint off = 0; off < 2; off++) {
    Fixture f = setup (off ? "avmscenecut max-dissolve=0" : "avmscenecut");

    push_shot (&f, 0, 40, 1);
    for (guint i = 0; i < 20; i++)
      push (&f, (40 + i) * FRAME, 1, 4, (i + 1) / 21.0);
    push_shot (&f, 60, 120, 4);
    gst_harness_push_event (f.h, gst_event_new_eos ());
    check_shot (&f, 0, (off ? 120 : 60) * FRAME, "start", off ? 0 : 3 * FRAME);
    if (!off)
      check_shot (&f, 60 * FRAME, 120 * FRAME, "dissolve", 3 * FRAME);
    check_no_more (&f);
    teardown (&f);
  }
}

GST_END_TEST;

/* Thresholds and the least length of a shot */
GST_START_TEST (test_properties)
{
  Fixture f = setup ("avmscenecut cut-threshold=1 dissolve-threshold=1");

  push_shot (&f, 0, 30, 1);
  push_shot (&f, 30, 60, 2);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  check_shot (&f, 0, 60 * FRAME, "start", 0);
  check_no_more (&f);
  teardown (&f);

  f = setup ("avmscenecut min-shot=1000000000 max-dissolve=0");
  push_shot (&f, 0, 30, 1);
  push_shot (&f, 30, 50, 2);
  push_shot (&f, 50, 90, 3);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  check_shot (&f, 0, 30 * FRAME, "start", 0);
  check_shot (&f, 30 * FRAME, 90 * FRAME, "cut", 0);
  check_no_more (&f);
  teardown (&f);
}

GST_END_TEST;

/* What is known is given when the film jumps back, and nothing of it after a
 * flush. */
GST_START_TEST (test_jumps)
{
  Fixture f = setup ("avmscenecut");
  GstSegment segment;

  push_shot (&f, 100, 130, 1);
  push_shot (&f, 0, 30, 2);
  check_shot (&f, 100 * FRAME, 130 * FRAME, "start", 0);
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  push_shot (&f, 200, 230, 3);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  check_shot (&f, 200 * FRAME, 230 * FRAME, "start", 0);
  check_no_more (&f);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_size_change)
{
  Fixture f = setup ("avmscenecut");

  push_shot (&f, 0, 20, 1);
  set_video (&f, GST_VIDEO_FORMAT_I420, 2 * WIDTH, 2 * HEIGHT);
  push_shot (&f, 20, 40, 1);
  push_shot (&f, 40, 60, 2);
  set_video (&f, GST_VIDEO_FORMAT_I420, WIDTH / 2, HEIGHT / 2);
  push_shot (&f, 60, 80, 2);
  gst_harness_push_event (f.h, gst_event_new_eos ());
  check_shot (&f, 0, 40 * FRAME, "start", 0);
  check_shot (&f, 40 * FRAME, 80 * FRAME, "cut", 0);
  check_no_more (&f);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_tiny)
{
  static const gint sizes[][2] = {{1, 1}, {3, 2}, {1, 200}, {200, 1}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    Fixture f = setup ("avmscenecut");

    set_video (&f, GST_VIDEO_FORMAT_GRAY8, sizes[i][0], sizes[i][1]);
    push_shot (&f, 0, 1 + 5 * i, 1);
    gst_harness_push_event (f.h, gst_event_new_eos ());
    check_shot (&f, 0, (1 + 5 * i) * FRAME, "start", 0);
    check_no_more (&f);
    teardown (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_eos_at_once)
{
  Fixture f = setup ("avmscenecut");

  fail_unless (gst_harness_push_event (f.h, gst_event_new_eos ()));
  check_no_more (&f);
  fail_unless (gst_bus_pop_filtered (f.bus, GST_MESSAGE_ERROR) == NULL);
  teardown (&f);
}

GST_END_TEST;

/* Frames without times lie one frame apart. */
GST_START_TEST (test_no_time)
{
  Fixture f = setup ("avmscenecut");

  for (guint i = 0; i < 60; i++) {
    GstBuffer *buffer = picture (&f, i * FRAME, 1 + i / 30, 1, 0.0);

    GST_BUFFER_PTS (buffer) = GST_BUFFER_DURATION (buffer) =
        GST_CLOCK_TIME_NONE;
    fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_OK);
  }
  gst_harness_push_event (f.h, gst_event_new_eos ());
  check_shot (&f, 0, 30 * FRAME, "start", 0);
  check_shot (&f, 30 * FRAME, 60 * FRAME, "cut", 0);
  check_no_more (&f);
  teardown (&f);
}

GST_END_TEST;

/* Sinks need not wait for the end of the first shot. */
GST_START_TEST (test_preroll)
{
  Fixture f = setup ("avmscenecut");
  GstEvent *event;
  gboolean gap = FALSE;

  push_shot (&f, 0, 1, 1);
  while ((event = gst_harness_try_pull_event (f.h)) != NULL) {
    gap |= GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    gst_event_unref (event);
  }
  fail_unless (gap);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_short_frame)
{
  Fixture f = setup ("avmscenecut");
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);
  GstMessage *message;

  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  teardown (&f);
}

GST_END_TEST;

static Suite *
scenecut_suite (void)
{
  Suite *s = suite_create ("avmscenecut");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_cuts);
  tcase_add_test (tc, test_dissolve);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_jumps);
  tcase_add_test (tc, test_size_change);
  tcase_add_test (tc, test_tiny);
  tcase_add_test (tc, test_eos_at_once);
  tcase_add_test (tc, test_no_time);
  tcase_add_test (tc, test_preroll);
  tcase_add_test (tc, test_short_frame);
  return s;
}

GST_CHECK_MAIN (scenecut);
