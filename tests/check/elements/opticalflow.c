/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define WIDTH 160
#define HEIGHT 120
#define FRAME (GST_SECOND / 25)

typedef struct {
  GstHarness *h;
  GstVideoInfo info;
} Fixture;

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
  gst_harness_set_live (f.h, FALSE);
  set_video (&f, GST_VIDEO_FORMAT_GRAY8, WIDTH, HEIGHT);
  return f;
}

static gdouble
texture (gdouble x, gdouble y)
{
  return 128 + 30 * sin (0.31 * x + 0.4 * y) + 25 * sin (0.5 * x - 0.23 * y + 1)
      + 20 * sin (0.17 * x + 0.71 * y + 2) + 18 * sin (0.83 * x + 0.11 * y + 3)
      + 14 * cos (0.09 * x - 0.13 * y);
}

/* A picture whose texture is moved by x, y; other planes are noise. */
static GstBuffer *
make_frame (Fixture *f, GstClockTime pts, gdouble x, gdouble y)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&f->info), NULL);
  GstVideoFrame frame;
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8)g_random_int ();
  gst_buffer_unmap (buffer, &map);
  fail_unless (gst_video_frame_map (&frame, &f->info, buffer, GST_MAP_WRITE));
  for (gint j = 0; j < GST_VIDEO_FRAME_HEIGHT (&frame); j++)
    for (gint i = 0; i < GST_VIDEO_FRAME_WIDTH (&frame); i++) {
      guint8 *p = GST_VIDEO_FRAME_COMP_DATA (&frame, 0);

      p[j * GST_VIDEO_FRAME_COMP_STRIDE (&frame, 0) + i] =
          (guint8)CLAMP (texture (i - x, j - y), 0, 255);
    }
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
push (Fixture *f, GstClockTime pts, gdouble x, gdouble y)
{
  fail_unless_equals_int (
      gst_harness_push (f->h, make_frame (f, pts, x, y)), GST_FLOW_OK);
}

static GstAvmSeriesInfo *
current_series (Fixture *f)
{
  GstCaps *caps = gst_pad_get_current_caps (f->h->sinkpad);
  GstAvmSeriesInfo *info;

  fail_unless (caps != NULL);
  info = gst_avm_series_info_new_from_caps (caps, NULL);
  fail_unless (info != NULL);
  fail_unless_equals_string (gst_avm_series_info_get_kind (info), "motion");
  gst_caps_unref (caps);
  return info;
}

/* One channel of the next row, which must be there */
static gfloat
value_of (Fixture *f, GstBuffer *buffer, const gchar *quantity, gint region)
{
  GstAvmSeriesInfo *info = current_series (f);
  gint channel =
      gst_avm_series_info_find_channel (info, quantity, region, GST_AVM_ANY);
  GstAvmSeriesMap map;
  gfloat value;

  fail_unless (channel >= 0, "no %s of region %d", quantity, region);
  fail_unless (gst_avm_series_map (&map, info, buffer, NULL));
  fail_unless_equals_int (map.n_rows, 1);
  value = map.rows[channel];
  gst_avm_series_unmap (&map);
  gst_avm_series_info_free (info);
  return value;
}

static void
check_near (gdouble value, gdouble expected, gdouble tolerance)
{
  fail_unless (
      fabs (value - expected) <= tolerance, "%g against %g", value, expected);
}

static void
add_region (
    GstBuffer *buffer, gint id, gfloat x, gfloat y, GstAvmRegionState state)
{
  GstAvmRegion *region = gst_avm_region_new (id, "hand", x, y, 50, 50);

  region->part = id % 10;
  region->state = state;
  gst_buffer_add_avm_region_meta (buffer, region);
  gst_avm_region_free (region);
}

GST_START_TEST (test_velocity)
{
  Fixture f = setup ("avmopticalflow");
  GstAvmSeriesInfo *info;

  for (guint k = 0; k < 6; k++)
    push (&f, k * FRAME, 1.5 * k, -0.75 * k);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 5);
  info = current_series (&f);
  fail_unless_equals_int (gst_avm_series_info_get_n_channels (info), 3);
  fail_unless_equals_string (
      gst_avm_series_info_get_name (info, 0), "frame-vx");
  fail_unless_equals_string (gst_avm_series_info_get_unit (info, 0), "px/s");
  fail_unless_equals_int (
      gst_avm_series_info_get_region (info, 0), GST_AVM_NONE);
  gst_avm_series_info_free (info);
  for (guint k = 0; k < 5; k++) {
    GstBuffer *row = gst_harness_pull (f.h);

    /* the middle of the interval, and all of it */
    fail_unless_equals_uint64 (GST_BUFFER_PTS (row), k * FRAME + FRAME / 2);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (row), FRAME);
    check_near (value_of (&f, row, "vx", GST_AVM_NONE), 1.5 * 25, 0.75);
    check_near (value_of (&f, row, "vy", GST_AVM_NONE), -0.75 * 25, 0.75);
    fail_unless (value_of (&f, row, "confidence", GST_AVM_NONE) > 0.9f);
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

/* Speed is by time stamps: the frames come unevenly, the motion is steady. */
GST_START_TEST (test_variable_rate)
{
  static const guint ms[] = {0, 20, 70, 100, 160, 170};
  Fixture f = setup ("avmopticalflow preset=medium");

  for (guint k = 0; k < G_N_ELEMENTS (ms); k++)
    push (&f, ms[k] * GST_MSECOND, 0.04 * ms[k], 0);
  for (guint k = 1; k < G_N_ELEMENTS (ms); k++) {
    GstBuffer *row = gst_harness_pull (f.h);

    fail_unless_equals_uint64 (
        GST_BUFFER_PTS (row), (ms[k - 1] + ms[k]) * GST_MSECOND / 2);
    check_near (value_of (&f, row, "vx", GST_AVM_NONE), 40.0, 2.5);
    check_near (value_of (&f, row, "vy", GST_AVM_NONE), 0.0, 2.5);
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

/* The whole motion in the picture, though the region goes along with it */
GST_START_TEST (test_moving_regions)
{
  Fixture f = setup ("avmopticalflow");
  GstAvmSeriesInfo *info;

  for (guint k = 0; k < 4; k++) {
    GstBuffer *frame = make_frame (&f, k * FRAME, 9.3 * k, 4.4 * k);

    add_region (frame, 202, 70 + 9 * k, 40 + 4 * k, GST_AVM_REGION_TRACKED);
    add_region (frame, 201, 10 + 9 * k, 20 + 4 * k, GST_AVM_REGION_TRACKED);
    fail_unless_equals_int (gst_harness_push (f.h, frame), GST_FLOW_OK);
  }
  info = current_series (&f);
  fail_unless_equals_string (
      gst_avm_series_info_get_name (info, 0), "hand-201-vx");
  fail_unless_equals_int (gst_avm_series_info_get_region (info, 3), 202);
  fail_unless_equals_int (gst_avm_series_info_get_part (info, 3), 2);
  gst_avm_series_info_free (info);
  for (guint k = 0; k < 3; k++) {
    GstBuffer *row = gst_harness_pull (f.h);

    for (gint id = 201; id <= 202; id++) {
      check_near (value_of (&f, row, "vx", id), 9.3 * 25, 2.5);
      check_near (value_of (&f, row, "vy", id), 4.4 * 25, 2.5);
    }
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_lost_regions)
{
  static const GstAvmRegionState states[] = {GST_AVM_REGION_GIVEN,
      GST_AVM_REGION_TRACKED, GST_AVM_REGION_LOST, GST_AVM_REGION_LOST,
      GST_AVM_REGION_RECOVERED, GST_AVM_REGION_TRACKED};
  Fixture f = setup ("avmopticalflow");

  for (guint k = 0; k < G_N_ELEMENTS (states); k++) {
    GstBuffer *frame = make_frame (&f, k * FRAME, k, 0);

    add_region (frame, 7, 40, 40, states[k]);
    /* one that is not in the picture */
    add_region (frame, 8, 40, -500, GST_AVM_REGION_TRACKED);
    fail_unless_equals_int (gst_harness_push (f.h, frame), GST_FLOW_OK);
  }
  for (guint k = 1; k < G_N_ELEMENTS (states); k++) {
    GstBuffer *row = gst_harness_pull (f.h);
    gboolean known = k == 1 || k == 5;

    fail_unless (isnan (value_of (&f, row, "vx", 7)) == !known, "row %u", k);
    fail_unless (isnan (value_of (&f, row, "vy", 7)) == !known, "row %u", k);
    fail_unless ((value_of (&f, row, "confidence", 7) > 0.5f) == known);
    fail_unless (isnan (value_of (&f, row, "vx", 8)));
    fail_unless (value_of (&f, row, "confidence", 8) == 0.0f);
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

static guint
count_events (Fixture *f, GstEventType type)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_event (f->h)) != NULL) {
    n += GST_EVENT_TYPE (event) == type;
    gst_event_unref (event);
  }
  return n;
}

/* Regions 1; 1 and 2; none; 2 */
GST_START_TEST (test_regions_come_and_go)
{
  static const guint sets[] = {1, 1, 3, 3, 0, 0, 2, 2};
  static const gint channels[] = {3, 3, 6, 6, 6, 6, 3, 3};
  static const guint rows[] = {0, 1, 1, 1, 0, 0, 1, 1};
  Fixture f = setup ("avmopticalflow");

  for (guint k = 0; k < G_N_ELEMENTS (sets); k++) {
    GstBuffer *frame = make_frame (&f, k * FRAME, k, 0);
    GstAvmSeriesInfo *info;

    for (gint id = 1; id <= 2; id++)
      if (sets[k] & (1u << (id - 1)))
        add_region (frame, id, 30 * id, 40, GST_AVM_REGION_TRACKED);
    fail_unless_equals_int (gst_harness_push (f.h, frame), GST_FLOW_OK);
    info = current_series (&f);
    fail_unless_equals_int (
        (gint)gst_avm_series_info_get_n_channels (info), channels[k]);
    gst_avm_series_info_free (info);
    fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), rows[k]);
    if (rows[k] > 0) {
      GstBuffer *row = gst_harness_pull (f.h);

      /* region 2 has no frame before when it appears */
      if (k == 2 || k == 6)
        fail_unless (isnan (value_of (&f, row, "vx", 2)));
      if (k == 3 || k == 7)
        check_near (value_of (&f, row, "vx", 2), 25, 1.5);
      gst_buffer_unref (row);
    }
    fail_unless_equals_int (
        count_events (&f, GST_EVENT_GAP), k == 4 || k == 5 ? 1 : 0);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_region_property)
{
  Fixture f =
      setup ("avmopticalflow "
             "regions=\"<<5,hand,20,20,60,60>,<6,bow,90.5,30,40,40,1>>\"");
  GstAvmSeriesInfo *info;

  push (&f, 0, 0, 0);
  push (&f, FRAME, 0.5, 0.25);
  info = current_series (&f);
  fail_unless_equals_string (
      gst_avm_series_info_get_name (info, 3), "bow-6-vx");
  fail_unless_equals_int (gst_avm_series_info_get_part (info, 0), GST_AVM_NONE);
  fail_unless_equals_int (gst_avm_series_info_get_part (info, 3), 1);
  gst_avm_series_info_free (info);
  {
    GstBuffer *row = gst_harness_pull (f.h);

    check_near (value_of (&f, row, "vx", 5), 12.5, 1.0);
    check_near (value_of (&f, row, "vy", 6), 6.25, 1.0);
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_region_file)
{
  GstElement *element = gst_element_factory_make ("avmopticalflow", NULL);
  GstBus *bus = gst_bus_new ();
  gchar *location = NULL;
  GstMessage *message;
  GError *error = NULL;

  gst_element_set_bus (element, bus);
  g_object_set (element, "regions-location", "/no/such/regions", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "/no/such/regions") != NULL);
  g_clear_error (&error);
  gst_message_unref (message);

  g_close (g_file_open_tmp ("regionsXXXXXX", &location, NULL), NULL);
  fail_unless (g_file_set_contents (location, "3 face 1 2 30 40\n", -1, NULL));
  g_object_set (element, "regions-location", location, NULL);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED)
      != GST_STATE_CHANGE_FAILURE);
  g_unlink (location);
  g_free (location);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_formats)
{
  static const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_GRAY8,
      GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_Y41B,
      GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_NV12,
      GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_NV16, GST_VIDEO_FORMAT_NV61,
      GST_VIDEO_FORMAT_NV24, GST_VIDEO_FORMAT_A420};
  Fixture f = setup ("avmopticalflow");
  gfloat first = 0.0f;

  /* a new format in the middle of the stream starts anew */
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstBuffer *row;
    gfloat vx;

    set_video (&f, formats[i], 101, 77);
    push (&f, 2 * i * FRAME, 0, 0);
    push (&f, (2 * i + 1) * FRAME, 0.8, 0.3);
    fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 1);
    row = gst_harness_pull (f.h);
    vx = value_of (&f, row, "vx", GST_AVM_NONE);
    check_near (vx, 20, 1);
    if (i == 0)
      first = vx;
    fail_unless (vx == first, "format %s: %g against %g",
        gst_video_format_to_string (formats[i]), vx, first);
    gst_buffer_unref (row);
  }
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_dense)
{
  Fixture f = setup ("avmopticalflow preset=medium");
  gdouble sum[2] = {0, 0};
  GstStructure *s;
  GstBuffer *row;
  GstMapInfo map;
  GstCaps *caps;
  gint width, height;

  gst_harness_set_sink_caps_str (f.h, "application/x-avm-flow");
  push (&f, 0, 0, 0);
  push (&f, FRAME, 1.25, -0.5);
  caps = gst_pad_get_current_caps (f.h->sinkpad);
  s = gst_caps_get_structure (caps, 0);
  fail_unless (gst_structure_has_name (s, "application/x-avm-flow"));
  fail_unless (gst_structure_get_int (s, "width", &width));
  fail_unless (gst_structure_get_int (s, "height", &height));
  fail_unless_equals_int (width, WIDTH);
  fail_unless_equals_int (height, HEIGHT);
  fail_unless_equals_string (gst_structure_get_string (s, "format"), "F32LE");
  gst_caps_unref (caps);
  row = gst_harness_pull (f.h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (row), FRAME / 2);
  gst_buffer_map (row, &map, GST_MAP_READ);
  fail_unless_equals_int (map.size, 2 * WIDTH * HEIGHT * sizeof (gfloat));
  for (gint i = 0; i < WIDTH * HEIGHT; i++) {
    sum[0] += fabs (((gfloat *)map.data)[i] - 1.25);
    sum[1] += fabs (((gfloat *)map.data)[WIDTH * HEIGHT + i] + 0.5);
  }
  check_near (sum[0] / (WIDTH * HEIGHT), 0, 0.1);
  check_near (sum[1] / (WIDTH * HEIGHT), 0, 0.1);
  gst_buffer_unmap (row, &map);
  gst_buffer_unref (row);
  gst_harness_teardown (f.h);
}
GST_END_TEST;

/* All points move alike here, so every group has the speed of the region. */
GST_START_TEST (test_clusters)
{
  Fixture f = setup ("avmopticalflow clusters=2 window=16");
  GstAvmSeriesInfo *info;

  for (guint k = 0; k < 24; k++)
    push (&f, k * FRAME, 0.6 * k, 0.8 * k);
  info = current_series (&f);
  fail_unless_equals_int (gst_avm_series_info_get_n_channels (info), 5);
  fail_unless_equals_string (
      gst_avm_series_info_get_name (info, 4), "frame-speed-1");
  for (guint k = 1; k < 24; k++) {
    GstBuffer *row = gst_harness_pull (f.h);
    GstAvmSeriesMap map;

    fail_unless (gst_avm_series_map (&map, info, row, NULL));
    for (guint c = 3; c < 5; c++)
      if (k < 8)
        fail_unless (isnan (map.rows[c]), "too early");
      else
        check_near (map.rows[c], 25, 5);
    gst_avm_series_unmap (&map);
    gst_buffer_unref (row);
  }
  gst_avm_series_info_free (info);
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_breaks)
{
  Fixture f = setup ("avmopticalflow max-gap=100000000");
  GstSegment segment;

  push (&f, 0, 0, 0);
  push (&f, FRAME, 1, 0);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 1);
  /* too far, backwards, at the same time */
  push (&f, 10 * FRAME, 2, 0);
  push (&f, 9 * FRAME, 2, 0);
  push (&f, 9 * FRAME, 2, 0);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 1);
  fail_unless (
      gst_harness_push_event (f.h, gst_event_new_gap (10 * FRAME, FRAME)));
  /* nothing is compared across a flush */
  fail_unless (gst_harness_push_event (f.h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (f.h, gst_event_new_segment (&segment)));
  push (&f, 11 * FRAME, 5, 0);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 1);
  push (&f, 12 * FRAME, 6, 0);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.h), 2);
  fail_unless (gst_harness_push_event (f.h, gst_event_new_eos ()));
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_nothing)
{
  Fixture f = setup ("avmopticalflow");
  GstEvent *event;
  GstEventType last = GST_EVENT_UNKNOWN;
  guint segments = 0;

  fail_unless (gst_harness_push_event (f.h, gst_event_new_eos ()));
  while ((event = gst_harness_try_pull_event (f.h)) != NULL) {
    last = GST_EVENT_TYPE (event);
    segments += last == GST_EVENT_SEGMENT;
    gst_event_unref (event);
  }
  fail_unless_equals_int (segments, 1);
  fail_unless_equals_int (last, GST_EVENT_EOS);
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_smallest)
{
  static const gint sizes[][2] = {{1, 1}, {2, 1}, {1, 7}, {9, 3}, {17, 16}};

  for (guint p = 0; p < 3; p++) {
    gchar *launch = g_strdup_printf ("avmopticalflow preset=%u clusters=3", p);
    Fixture f = setup (launch);

    g_free (launch);
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      set_video (&f, GST_VIDEO_FORMAT_GRAY8, sizes[i][0], sizes[i][1]);
      for (guint k = 0; k < 3; k++)
        push (&f, (3 * i + k) * FRAME, k, 0);
      for (guint k = 0; k < 2; k++) {
        GstBuffer *row = gst_harness_pull (f.h);

        fail_unless (isfinite (value_of (&f, row, "vx", GST_AVM_NONE)));
        gst_buffer_unref (row);
      }
    }
    gst_harness_teardown (f.h);
  }
}
GST_END_TEST;

GST_START_TEST (test_no_time)
{
  Fixture f = setup ("avmopticalflow");
  GstBuffer *row;

  /* a frame rate stands in for time stamps */
  push (&f, GST_CLOCK_TIME_NONE, 0, 0);
  push (&f, GST_CLOCK_TIME_NONE, 1, 0);
  row = gst_harness_pull (f.h);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (row), FRAME / 2);
  check_near (value_of (&f, row, "vx", GST_AVM_NONE), 25, 1);
  gst_buffer_unref (row);
  f.info.fps_n = 0;
  gst_harness_set_src_caps (f.h, gst_video_info_to_caps (&f.info));
  push (&f, 3 * FRAME, 0, 0);
  fail_unless_equals_int (
      gst_harness_push (f.h, make_frame (&f, GST_CLOCK_TIME_NONE, 0, 0)),
      GST_FLOW_ERROR);
  gst_harness_teardown (f.h);
}
GST_END_TEST;

GST_START_TEST (test_latency)
{
  Fixture f = setup ("avmopticalflow");

  gst_harness_set_live (f.h, TRUE);
  gst_harness_set_upstream_latency (f.h, 0);
  push (&f, 0, 0, 0);
  fail_unless_equals_uint64 (gst_harness_query_latency (f.h), FRAME / 2);
  gst_harness_teardown (f.h);
}
GST_END_TEST;

static Suite *
opticalflow_suite (void)
{
  Suite *s = suite_create ("avmopticalflow");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_velocity);
  tcase_add_test (tc, test_variable_rate);
  tcase_add_test (tc, test_moving_regions);
  tcase_add_test (tc, test_lost_regions);
  tcase_add_test (tc, test_regions_come_and_go);
  tcase_add_test (tc, test_region_property);
  tcase_add_test (tc, test_region_file);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_dense);
  tcase_add_test (tc, test_clusters);
  tcase_add_test (tc, test_breaks);
  tcase_add_test (tc, test_nothing);
  tcase_add_test (tc, test_smallest);
  tcase_add_test (tc, test_no_time);
  tcase_add_test (tc, test_latency);
  return s;
}

GST_CHECK_MAIN (opticalflow);
