/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmklttrack: formats, metas in and out, cuts, regions that make no sense,
 * caps that change, streams that end at once.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <glib/gstdio.h>
#include <math.h>

#include <gst/avm/avm.h>

#define WIDTH 160
#define HEIGHT 120
#define FRAME (GST_SECOND / 25)

static guint8
texture (gint x, gint y, guint salt)
{
  gdouble v = 128.0;

  for (guint k = 1; k <= 6; k++)
    v += 18.0
        * sin (x * (0.09 * k + 0.013 * salt) + y * (0.31 - 0.07 * k) + salt)
        * cos (y * (0.11 * k + 0.01 * salt) - 0.05 * k * x);
  return (guint8)CLAMP (v, 0, 255);
}

/* A textured square of 48 px with its top left corner at (x, y) before a
 * textured wall; scene 0 has the square. */
static void
paint (GstBuffer *buffer, const GstVideoInfo *info, gint x, gint y, guint scene)
{
  GstVideoFrame frame;
  guint8 *luma;
  gint stride;

  fail_unless (gst_video_frame_map (&frame, info, buffer, GST_MAP_WRITE));
  luma = GST_VIDEO_FRAME_PLANE_DATA (&frame, 0);
  stride = GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  for (gint j = 0; j < info->height; j++)
    for (gint i = 0; i < info->width; i++) {
      gboolean in = scene == 0 && i >= x && j >= y && i < x + 48 && j < y + 48;

      luma[j * stride + i] =
          in ? texture (i - x, j - y, 3) : texture (i, j, 11 + 9 * scene);
    }
  gst_video_frame_unmap (&frame);
}

static GstBuffer *
picture (const gchar *format, gint width, gint height, guint n, gint x, gint y,
    guint scene)
{
  GstVideoInfo info;
  GstBuffer *buffer;

  gst_video_info_set_format (
      &info, gst_video_format_from_string (format), width, height);
  buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_buffer_memset (buffer, 0, 0x80, info.size);
  paint (buffer, &info, x, y, scene);
  GST_BUFFER_PTS (buffer) = n * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
set_caps (GstHarness *h, const gchar *format, gint width, gint height)
{
  gst_harness_set_src_caps (h,
      gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, format,
          "width", G_TYPE_INT, width, "height", G_TYPE_INT, height, "framerate",
          GST_TYPE_FRACTION, 25, 1, NULL));
}

static GstBus *
add_bus (GstHarness *h)
{
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  return bus;
}

/* A property set while the element runs, as gst-launch-1.0 would parse it. */
static void
set_regions (GstHarness *h, const gchar *regions)
{
  gst_util_set_object_arg (G_OBJECT (h->element), "regions", regions);
}

static GstHarness *
start (const gchar *format, const gchar *regions, GstBus **bus)
{
  GstHarness *h = gst_harness_new ("avmklttrack");

  if (bus != NULL)
    *bus = add_bus (h);
  if (regions != NULL)
    set_regions (h, regions);
  set_caps (h, format, WIDTH, HEIGHT);
  return h;
}

static GstBuffer *
pass (GstHarness *h, GstBuffer *buffer)
{
  GstBuffer *out;

  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  out = gst_harness_pull (h);
  fail_unless (out != NULL);
  return out;
}

static void
check_region (
    GstBuffer *buffer, gint id, GstAvmRegionState state, gdouble x, gdouble y)
{
  GstAvmRegionMeta *meta = gst_buffer_get_avm_region_meta (buffer, id);

  fail_unless (meta != NULL, "no region %d", id);
  fail_unless_equals_int (meta->region.state, state);
  if (state == GST_AVM_REGION_LOST)
    return;
  fail_unless (
      fabs (meta->region.x - x) < 1.0 && fabs (meta->region.y - y) < 1.0,
      "region at %g,%g instead of %g,%g", meta->region.x, meta->region.y, x, y);
}

static GstMessage *
pop (GstBus *bus, GstMessageType type)
{
  return gst_bus_pop_filtered (bus, type);
}

/* What a format's chroma does must not matter, nor may anything be changed. */
GST_START_TEST (test_formats)
{
  static const gchar *const formats[] = {"GRAY8", "I420", "YV12", "NV12",
      "NV21", "Y42B", "Y444", "Y41B", "NV16", "NV61", "NV24", "YUV9", "YVU9",
      "A420"};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    GstHarness *h = start (formats[f], "<<7,hand,40,30,48,48,2>>", NULL);

    for (guint n = 0; n < 6; n++) {
      gint x = 40 + 2 * (gint)n, y = 30 + (gint)n;
      GstBuffer *in = picture (formats[f], WIDTH, HEIGHT, n, x, y, 0);
      GstBuffer *copy = gst_buffer_copy_deep (in);
      GstBuffer *out = pass (h, in);
      GstAvmRegionMeta *meta;
      GstMapInfo map;

      check_region (
          out, 7, n == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED, x, y);
      meta = gst_buffer_get_avm_region_meta (out, 7);
      fail_unless_equals_string (meta->region.role, "hand");
      fail_unless_equals_int (meta->region.part, 2);
      fail_unless (meta->n_points >= 8, "%u points", meta->n_points);
      if (n > 0) {
        fail_unless (
            fabs (meta->region.vx - 50.0) < 3.0, "%g px/s", meta->region.vx);
        fail_unless (
            fabs (meta->region.vy - 25.0) < 3.0, "%g px/s", meta->region.vy);
        fail_unless (meta->region.confidence > 0.5);
      }
      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), n * FRAME);
      gst_buffer_map (copy, &map, GST_MAP_READ);
      fail_unless_equals_int (
          gst_buffer_memcmp (out, 0, map.data, map.size), 0);
      gst_buffer_unmap (copy, &map);
      gst_buffer_unref (copy);
      gst_buffer_unref (out);
    }
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* A stride of its own, said by a video meta. */
GST_START_TEST (test_stride)
{
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", NULL);
  gsize offset[GST_VIDEO_MAX_PLANES] = {64};
  gint stride[GST_VIDEO_MAX_PLANES] = {WIDTH + 37};

  for (guint n = 0; n < 4; n++) {
    GstBuffer *buffer =
        gst_buffer_new_allocate (NULL, 64 + (WIDTH + 37) * HEIGHT, NULL);
    GstVideoInfo info;
    GstBuffer *out;

    gst_buffer_memset (buffer, 0, 0x99, -1);
    gst_buffer_add_video_meta_full (
        buffer, 0, GST_VIDEO_FORMAT_GRAY8, WIDTH, HEIGHT, 1, offset, stride);
    gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, WIDTH, HEIGHT);
    paint (buffer, &info, 40 + (gint)n, 30, 0);
    GST_BUFFER_PTS (buffer) = n * FRAME;
    out = pass (h, buffer);
    check_region (out, 1,
        n == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED, 40 + (gdouble)n,
        30);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Velocity is in seconds of the stream, not in frames. */
GST_START_TEST (test_irregular_time)
{
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", NULL);
  static const guint times[] = {0, 1, 4, 5, 9};

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    gint x = 40 + (gint)times[i];
    GstBuffer *out =
        pass (h, picture ("GRAY8", WIDTH, HEIGHT, times[i], x, 30, 0));
    GstAvmRegionMeta *meta = gst_buffer_get_avm_region_meta (out, 1);

    if (i > 0)
      fail_unless (
          fabs (meta->region.vx - 25.0) < 2.0, "%g px/s", meta->region.vx);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
expect_message (GstBus *bus, const gchar *state, gint region, guint n)
{
  GstMessage *message = pop (bus, GST_MESSAGE_ELEMENT);
  const GstStructure *s;
  guint64 time = 0;
  gint id = 0;

  fail_unless (message != NULL, "no message \"%s\"", state);
  s = gst_message_get_structure (message);
  fail_unless (gst_structure_has_name (s, "avmklttrack"));
  fail_unless_equals_string (gst_structure_get_string (s, "state"), state);
  fail_unless (gst_structure_get_int (s, "region", &id) && id == region);
  fail_unless (gst_structure_get_uint64 (s, "timestamp", &time));
  fail_unless_equals_uint64 (time, n * FRAME);
  fail_unless (gst_structure_get_uint64 (s, "running-time", &time));
  fail_unless_equals_uint64 (time, n * FRAME);
  fail_unless (gst_structure_get_uint64 (s, "stream-time", &time));
  fail_unless_equals_uint64 (time, n * FRAME);
  fail_unless (gst_structure_has_field_typed (s, "x", G_TYPE_DOUBLE));
  gst_message_unref (message);
}

/* Another scene is no place for the region; it is there when the first comes
 * back. */
GST_START_TEST (test_cut)
{
  GstBus *bus;
  GstHarness *h = start ("I420", "<<1,hand,40,30,48,48>>", &bus);

  for (guint n = 0; n < 30; n++) {
    gint x = 40 + (gint)n;
    gboolean away = n >= 10 && n < 20;
    GstBuffer *out = pass (h, picture ("I420", WIDTH, HEIGHT, n, x, 30, away));

    if (away)
      check_region (out, 1, GST_AVM_REGION_LOST, 0, 0);
    else if (n > 22)
      check_region (out, 1, GST_AVM_REGION_TRACKED, x, 30);
    gst_buffer_unref (out);
  }
  expect_message (bus, "lost", 1, 10);
  expect_message (bus, "recovered", 1, 20);
  fail_unless (pop (bus, GST_MESSAGE_ANY) == NULL);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A seek: the region is somewhere else in the first frame after it. */
GST_START_TEST (test_flush)
{
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", NULL);
  GstSegment segment;
  GstBuffer *out;

  gst_buffer_unref (pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0)));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 2, 90, 55, 0));
  check_region (out, 1, GST_AVM_REGION_RECOVERED, 90, 55);
  gst_buffer_unref (out);
  /* a gap of two seconds is no continuation either */
  out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 60, 30, 20, 0));
  check_region (out, 1, GST_AVM_REGION_RECOVERED, 30, 20);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_outside)
{
  GstBus *bus;
  GstHarness *h =
      start ("GRAY8", "<<1,hand,40,30,48,48>,<2,bow,500,600,20,20>>", &bus);
  GstBuffer *out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0));
  GstMessage *message = pop (bus, GST_MESSAGE_WARNING);
  GError *error = NULL;

  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "2") != NULL
          && strstr (error->message, "bow") != NULL
          && strstr (error->message, "160x120") != NULL,
      "%s", error->message);
  g_clear_error (&error);
  gst_message_unref (message);
  fail_unless (gst_buffer_get_avm_region_meta (out, 2) == NULL);
  check_region (out, 1, GST_AVM_REGION_GIVEN, 40, 30);
  gst_buffer_unref (out);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);

  /* none is left: nothing can come of it */
  h = start ("GRAY8", "<<2,bow,500,600,20,20>>", &bus);
  fail_unless_equals_int (
      gst_harness_push (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0)),
      GST_FLOW_ERROR);
  message = pop (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      strstr (error->message, "160x120") != NULL, "%s", error->message);
  g_clear_error (&error);
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
expect_start_fails (const gchar *property, const gchar *value,
    const gchar *first, const gchar *second)
{
  GstElement *element = gst_element_factory_make ("avmklttrack", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;

  gst_element_set_bus (element, bus);
  gst_util_set_object_arg (G_OBJECT (element), property, value);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = pop (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, first) != NULL
          && strstr (error->message, second) != NULL,
      "%s", error->message);
  g_clear_error (&error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_START_TEST (test_files)
{
  gchar *name = NULL, *quoted;
  GstElement *element;
  GstHarness *h;
  GstBuffer *out;
  gint fd = g_file_open_tmp ("avm-regions-XXXXXX", &name, NULL);

  fail_unless (fd >= 0);
  g_close (fd, NULL);
  fail_unless (g_file_set_contents (
      name, "# id role x y w h\n3 hand 40 30 48 48 1\n", -1, NULL));
  element = gst_element_factory_make ("avmklttrack", NULL);
  g_object_set (element, "regions-location", name, NULL);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  set_caps (h, "GRAY8", WIDTH, HEIGHT);
  out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0));
  check_region (out, 3, GST_AVM_REGION_GIVEN, 40, 30);
  gst_buffer_unref (out);
  gst_harness_teardown (h);

  fail_unless (g_file_set_contents (
      name, "3 hand 40 30 48 48\n\n4 hand 40 30 48\n", -1, NULL));
  quoted = g_strdup_printf ("\"%s\"", name);
  expect_start_fails ("regions-location", quoted, name, "3");
  g_free (quoted);
  g_unlink (name);
  expect_start_fails ("regions-location", name, name, "");
  expect_start_fails ("regions", "<<1,hand,3>>", "1", "");
  g_free (name);
}

GST_END_TEST;

/* Regions of interest and region metas begin regions once. */
GST_START_TEST (test_upstream)
{
  GstHarness *h = start ("GRAY8", NULL, NULL);
  GstAvmRegion *region = gst_avm_region_new (9, "bow", 60, 40, 48, 48);

  for (guint n = 0; n < 6; n++) {
    gint x = 40 + 2 * (gint)n;
    GstBuffer *in = picture ("GRAY8", WIDTH, HEIGHT, n, x, 30, 0), *out;
    gpointer state = NULL;
    guint metas = 0;

    /* a detector that sees it again later, two pixels off */
    if (n == 0 || n == 3)
      gst_buffer_add_video_region_of_interest_meta (
          in, "face", (guint)x + (n == 3 ? 2 : 0), 30, 48, 48);
    if (n >= 2)
      gst_buffer_add_avm_region_meta (in, region);
    out = pass (h, in);
    while (gst_buffer_iterate_avm_region_meta (out, &state) != NULL)
      metas++;
    fail_unless_equals_int (metas, n < 2 ? 1 : 2);
    if (n == 0)
      fail_unless_equals_string (
          gst_buffer_get_avm_region_meta (out, 0)->region.role, "face");
    check_region (
        out, 0, n == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED, x, 30);
    if (n >= 2)
      fail_unless_equals_int (
          gst_buffer_get_avm_region_meta (out, 9)->region.state,
          n == 2 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED);
    gst_buffer_unref (out);
  }
  gst_avm_region_free (region);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_follow_updates)
{
  GstHarness *h = start ("GRAY8", NULL, NULL);
  GstAvmRegion *region = gst_avm_region_new (9, "bow", 60, 40, 30, 30);

  g_object_set (h->element, "follow-updates", TRUE, "attach-roi", TRUE, NULL);
  for (guint n = 0; n < 3; n++) {
    GstBuffer *in = picture ("GRAY8", WIDTH, HEIGHT, n, 40, 30, 0), *out;
    GstVideoRegionOfInterestMeta *roi;

    region->x = 60 + 5 * (gfloat)n;
    gst_buffer_add_avm_region_meta (in, region);
    out = pass (h, in);
    check_region (out, 9, GST_AVM_REGION_GIVEN, region->x, 40);
    roi = gst_buffer_get_video_region_of_interest_meta_id (out, 9);
    fail_unless (roi != NULL);
    fail_unless_equals_int (roi->x, 60 + 5 * n);
    fail_unless_equals_int (roi->w, 30);
    gst_buffer_unref (out);
  }
  gst_avm_region_free (region);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Regions set while playing; a wrong value warns and changes nothing. */
GST_START_TEST (test_set_while_playing)
{
  GstBus *bus;
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", &bus);
  GstBuffer *out;
  GstMessage *message;

  gst_buffer_unref (pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0)));
  set_regions (h, "<<2,hand,60,40,20,20>>");
  out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 1, 40, 30, 0));
  check_region (out, 1, GST_AVM_REGION_TRACKED, 40, 30);
  check_region (out, 2, GST_AVM_REGION_GIVEN, 60, 40);
  gst_buffer_unref (out);
  set_regions (h, "<<2,hand,60,40,20>>");
  out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, 2, 40, 30, 0));
  check_region (out, 2, GST_AVM_REGION_TRACKED, 60, 40);
  gst_buffer_unref (out);
  message = pop (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  GstHarness *h = start ("I420", "<<1,hand,40,30,48,48>>", NULL);
  GstBuffer *out;

  gst_buffer_unref (pass (h, picture ("I420", WIDTH, HEIGHT, 0, 40, 30, 0)));
  /* another format, the same size: nothing happens */
  set_caps (h, "NV12", WIDTH, HEIGHT);
  out = pass (h, picture ("NV12", WIDTH, HEIGHT, 1, 41, 30, 0));
  check_region (out, 1, GST_AVM_REGION_TRACKED, 41, 30);
  gst_buffer_unref (out);
  /* another size: the region is scaled; here nothing looks like it */
  set_caps (h, "GRAY8", 2 * WIDTH, 2 * HEIGHT);
  out = pass (h, picture ("GRAY8", 2 * WIDTH, 2 * HEIGHT, 2, 0, 0, 2));
  fail_unless (
      fabs (gst_buffer_get_avm_region_meta (out, 1)->region.w - 96.0) < 0.01);
  check_region (out, 1, GST_AVM_REGION_LOST, 0, 0);
  gst_buffer_unref (out);
  set_caps (h, "GRAY8", 1, 1);
  for (guint n = 3; n < 8; n++)
    gst_buffer_unref (pass (h, picture ("GRAY8", 1, 1, n, 0, 0, 1)));
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A bow goes along with its player, another one stays where it is, and a role
 * that is not carried is followed by its own points. */
GST_START_TEST (test_carry)
{
  GstHarness *h = start ("I420",
      "<<101,player,40,30,48,48>,<301,bow,20,50,30,20>,"
      "<302,bow,100,90,30,20>>",
      NULL);
  GstBuffer *out;

  for (guint n = 0; n < 20; n++) {
    GstAvmRegionState state =
        n == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED;
    gint x = 40 + (gint)n, y = 30 + (gint)n / 2;

    out = pass (h, picture ("I420", WIDTH, HEIGHT, n, x, y, 0));
    check_region (out, 101, state, x, y);
    check_region (out, 301, state, x - 20, y + 20);
    check_region (out, 302, state, 100, 90);
    fail_unless_equals_int (
        (gint)gst_buffer_get_avm_region_meta (out, 301)->n_points, 0);
    gst_buffer_unref (out);
  }
  /* the player is lost, and so is what goes with him */
  for (guint n = 20; n < 30; n++) {
    out = pass (h, picture ("I420", WIDTH, HEIGHT, n, 0, 0, 2));
    if (n == 29) {
      check_region (out, 101, GST_AVM_REGION_LOST, 0, 0);
      check_region (out, 301, GST_AVM_REGION_LOST, 0, 0);
      check_region (out, 302, GST_AVM_REGION_TRACKED, 100, 90);
    }
    gst_buffer_unref (out);
  }
  /* a frame of twice the size */
  set_caps (h, "GRAY8", 2 * WIDTH, 2 * HEIGHT);
  out = pass (h, picture ("GRAY8", 2 * WIDTH, 2 * HEIGHT, 30, 0, 0, 2));
  check_region (out, 302, GST_AVM_REGION_TRACKED, 200, 180);
  fail_unless (
      fabs (gst_buffer_get_avm_region_meta (out, 302)->region.w - 60.0) < 0.01);
  gst_buffer_unref (out);
  gst_harness_teardown (h);

  h = gst_harness_new_parse (
      "avmklttrack carry=face regions=\"<<301,bow,40,30,48,48>>\"");
  set_caps (h, "I420", WIDTH, HEIGHT);
  for (guint n = 0; n < 10; n++) {
    out = pass (h, picture ("I420", WIDTH, HEIGHT, n, 40 + (gint)n, 30, 0));
    check_region (out, 301,
        n == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED, 40 + n, 30);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_one_pixel)
{
  GstHarness *h = gst_harness_new ("avmklttrack");

  set_regions (h, "<<1,hand,0,0,1,1>>");
  set_caps (h, "I420", 1, 1);
  for (guint n = 0; n < 5; n++) {
    GstBuffer *out = pass (h, picture ("I420", 1, 1, n, 0, 0, 1));

    fail_unless (gst_buffer_get_avm_region_meta (out, 1) != NULL);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* EOS before any frame, and a stream in which no region was given. */
GST_START_TEST (test_empty)
{
  GstBus *bus;
  GstHarness *h = start ("GRAY8", NULL, &bus);
  GstMessage *message;

  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  message = pop (bus, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  fail_unless_equals_string (
      gst_structure_get_string (gst_message_get_structure (message), "state"),
      "no-regions");
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);

  h = gst_harness_new ("avmklttrack");
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Causal: what upstream says of latency is all there is. */
GST_START_TEST (test_latency)
{
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", NULL);

  gst_harness_set_upstream_latency (h, 30 * GST_MSECOND);
  gst_buffer_unref (pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0)));
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 30 * GST_MSECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A buffer that others hold as well: they must not see our metas. */
GST_START_TEST (test_shared_buffer)
{
  GstHarness *h = start ("GRAY8", "<<1,hand,40,30,48,48>>", NULL);
  GstBuffer *in = picture ("GRAY8", WIDTH, HEIGHT, 0, 40, 30, 0);
  GstBuffer *out = pass (h, gst_buffer_ref (in));

  fail_unless (in != out);
  fail_unless (gst_buffer_get_avm_region_meta (in, 1) == NULL);
  fail_unless (
      gst_buffer_peek_memory (in, 0) == gst_buffer_peek_memory (out, 0),
      "the picture was copied");
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What a detector gave is forgotten where it says that a shot begins; what a
 * person gave is not. How a head is turned comes with its region. */
GST_START_TEST (test_shot)
{
  GstHarness *h = start ("GRAY8", "<<7,hand,100,60,40,40>>", NULL);

  for (guint n = 0; n < 6; n++) {
    GstBuffer *buffer = picture ("GRAY8", WIDTH, HEIGHT, n, 40, 30, 0);
    GstAvmRegionMeta *meta;

    if (n == 0 || n == 2) {
      GstAvmRegion *face = gst_avm_region_new (401, "face", 40, 30, 48, 48);

      face->orientation = n == 0 ? "left" : "frontal";
      gst_buffer_add_avm_region_meta (buffer, face);
      gst_avm_region_free (face);
    }
    if (n == 4)
      fail_unless (gst_harness_push_event (h, gst_event_new_avm_shot ()));
    buffer = pass (h, buffer);
    meta = gst_buffer_get_avm_region_meta (buffer, 401);
    fail_unless_equals_int (meta != NULL, n < 4);
    if (meta != NULL)
      fail_unless_equals_string (
          meta->region.orientation, n < 2 ? "left" : "frontal");
    fail_unless (gst_buffer_get_avm_region_meta (buffer, 7) != NULL);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
klttrack_suite (void)
{
  Suite *s = suite_create ("avmklttrack");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_stride);
  tcase_add_test (tc, test_irregular_time);
  tcase_add_test (tc, test_cut);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_outside);
  tcase_add_test (tc, test_files);
  tcase_add_test (tc, test_upstream);
  tcase_add_test (tc, test_follow_updates);
  tcase_add_test (tc, test_set_while_playing);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_carry);
  tcase_add_test (tc, test_one_pixel);
  tcase_add_test (tc, test_empty);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_shot);
  tcase_add_test (tc, test_shared_buffer);
  return s;
}

GST_CHECK_MAIN (klttrack);
