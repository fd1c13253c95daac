/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmplayers: who gets regions, when, and under which ids; the file; streams
 * in which nobody moves, that jump, change, or end before their time.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <glib/gstdio.h>
#include <math.h>

#include <gst/avm/avm.h>

#define WIDTH 320
#define HEIGHT 180
#define FRAME (GST_SECOND / 25)
/* Analysis time, frames */
#define WATCH 50

/* Two people who sway: middle and size at rest, px */
typedef struct {
  gdouble x, y, w, h, sway, hz;
} Body;

static const Body bodies[2] = {
    {80, 95, 50, 120, 4.0, 0.5}, {230, 90, 56, 130, 5.0, 0.8}};

static gdouble
shift (const Body *body, guint n)
{
  return body->sway * sin (2.0 * G_PI * body->hz * n / 25.0);
}

static guint8
texture (gdouble x, gdouble y, guint salt)
{
  gdouble v = 128.0;

  for (guint k = 1; k <= 6; k++)
    v += 18.0
        * sin (x * (0.09 * k + 0.013 * salt) + y * (0.31 - 0.07 * k) + salt)
        * cos (y * (0.11 * k + 0.01 * salt) - 0.05 * k * x);
  return (guint8)CLAMP (v, 0, 255);
}

/* Textures are looked up, in steps of an eighth of a px across, half a px down */
#define STEPS 8

static guint8 wall[2 * HEIGHT][2 * WIDTH];
static guint8 clothes[2][2 * 140][STEPS * 60];

static void
weave (void)
{
  for (gint j = 0; j < 2 * HEIGHT; j++)
    for (gint i = 0; i < 2 * WIDTH; i++)
      wall[j][i] = texture (0.5 * i, 0.5 * j, 11);
  for (guint b = 0; b < 2; b++)
    for (gint j = 0; j < 2 * 140; j++)
      for (gint i = 0; i < STEPS * 60; i++)
        clothes[b][j][i] = texture ((gdouble)i / STEPS, 0.5 * j, 3 + b);
}

/* The first n_bodies of them before a wall */
static void
paint (GstBuffer *buffer, const GstVideoInfo *info, guint n, guint n_bodies)
{
  const gdouble shifts[2] = {shift (&bodies[0], n), shift (&bodies[1], n)};
  GstVideoFrame frame;

  if (wall[1][1] == 0)
    weave ();
  fail_unless (gst_video_frame_map (&frame, info, buffer, GST_MAP_WRITE));
  for (gint j = 0; j < info->height; j++) {
    guint8 *row = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + j * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
    gdouble y = j * (gdouble)HEIGHT / info->height;

    for (gint i = 0; i < info->width; i++) {
      gdouble x = i * (gdouble)WIDTH / info->width;

      row[i] = wall[(gint)(2.0 * y)][(gint)(2.0 * x)];
      for (guint b = 0; b < n_bodies; b++) {
        gdouble u = x - bodies[b].x - shifts[b] + 0.5 * bodies[b].w;
        gdouble v = y - bodies[b].y + 0.5 * bodies[b].h;

        if (u >= 0.0 && u < bodies[b].w && v >= 0.0 && v < bodies[b].h)
          row[i] = clothes[b][(gint)(2.0 * v)][(gint)(STEPS * u)];
      }
    }
  }
  gst_video_frame_unmap (&frame);
}

static GstBuffer *
picture (
    const gchar *format, gint width, gint height, guint n, guint n_bodies)
{
  GstVideoInfo info;
  GstBuffer *buffer;

  gst_video_info_set_format (
      &info, gst_video_format_from_string (format), width, height);
  buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_buffer_memset (buffer, 0, 0x80, info.size);
  paint (buffer, &info, n, n_bodies);
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

static GstHarness *
start (GstBus **bus)
{
  GstHarness *h = gst_harness_new ("avmplayers");

  *bus = gst_bus_new ();
  gst_element_set_bus (h->element, *bus);
  g_object_set (
      h->element, "analysis-time", (guint64)(WATCH * FRAME), NULL);
  set_caps (h, "GRAY8", WIDTH, HEIGHT);
  return h;
}

static void
stop (GstHarness *h, GstBus *bus)
{
  gst_harness_teardown (h);
  gst_object_unref (bus);
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

static guint
count_regions (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint n = 0;

  while (gst_buffer_iterate_avm_region_meta (buffer, &state) != NULL)
    n++;
  return n;
}

/* Frames from `from` to before `to`; the number of the one with regions, or -1.
 * Its buffer is handed over. */
static gint
pass_frames (
    GstHarness *h, guint from, guint to, guint n_bodies, GstBuffer **with)
{
  gint result = -1;

  for (guint n = from; n < to; n++) {
    GstBuffer *out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, n, n_bodies));

    if (count_regions (out) > 0) {
      fail_unless_equals_int (result, -1);
      result = (gint)n;
      if (with != NULL) {
        *with = out;
        continue;
      }
    }
    gst_buffer_unref (out);
  }
  return result;
}

static void
check_body (const GstAvmRegion *region, guint body, guint n)
{
  const Body *b = &bodies[body];

  fail_unless (
      fabs (region->x + 0.5 * region->w - b->x - shift (b, n)) < 0.15 * b->w,
      "body %u at %g, %g wide, in frame %u", body, region->x, region->w, n);
  fail_unless (fabs (region->y + 0.5 * region->h - b->y) < 0.15 * b->h);
  /* the flow reaches over an edge by two cells of 6 px */
  fail_unless (region->w < b->w + 30.0 && region->h < b->h + 30.0,
      "body %u is %gx%g", body, region->w, region->h);
}

static void
check_regions (GstBuffer *buffer, guint n)
{
  static const gchar *const roles[] = {"player", "hand", "bow"};

  fail_unless_equals_int (count_regions (buffer), 6);
  for (guint player = 0; player < 2; player++) {
    for (guint k = 0; k < 3; k++) {
      gint id = gst_avm_region_id (roles[k], player);
      GstAvmRegionMeta *meta = gst_buffer_get_avm_region_meta (buffer, id);

      fail_unless (meta != NULL, "no region %d", id);
      fail_unless_equals_string (meta->region.role, roles[k]);
      fail_unless_equals_int (meta->region.state, GST_AVM_REGION_GIVEN);
      fail_unless_equals_int (meta->region.part, GST_AVM_NONE);
      fail_unless (
          meta->region.confidence >= 0.0f && meta->region.confidence <= 1.0f);
      fail_unless (meta->region.w > 0.0f && meta->region.h > 0.0f);
      if (k == 0)
        check_body (&meta->region, player, n);
    }
  }
}

/* The next element message of the element, or NULL */
static GstMessage *
pop_found (GstBus *bus)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);

  if (message != NULL)
    fail_unless (gst_message_has_name (message, "avm-players"));
  return message;
}

static gchar *
pop_warning (GstBus *bus)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  GError *error = NULL;
  gchar *text;

  if (message == NULL)
    return NULL;
  gst_message_parse_warning (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  return text;
}

static gchar *
scratch_file (void)
{
  gchar *folder = g_dir_make_tmp ("avmplayers-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "regions.txt", NULL);

  g_free (folder);
  return path;
}

static void
drop_file (gchar *path)
{
  gchar *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_rmdir (folder);
  g_free (folder);
  g_free (path);
}

/* -- what is found --------------------------------------------------------- */

GST_START_TEST (test_found)
{
  GstBuffer *with = NULL;
  GstMessage *message;
  const GstStructure *s;
  guint64 time;
  guint players;
  GstBus *bus;
  GstHarness *h = start (&bus);

  fail_unless_equals_int (pass_frames (h, 0, WATCH + 60, 2, &with), WATCH);
  check_regions (with, WATCH);
  gst_buffer_unref (with);
  message = pop_found (bus);
  fail_unless (message != NULL);
  s = gst_message_get_structure (message);
  fail_unless (gst_structure_get_uint (s, "players", &players));
  fail_unless_equals_int (players, 2);
  fail_unless (gst_structure_get_uint64 (s, "timestamp", &time));
  fail_unless_equals_uint64 (time, WATCH * FRAME);
  fail_unless (gst_structure_get_uint64 (s, "running-time", &time));
  fail_unless_equals_uint64 (time, WATCH * FRAME);
  fail_unless (gst_structure_get_string (s, "regions") != NULL);
  gst_message_unref (message);
  fail_unless (pop_found (bus) == NULL);
  fail_unless (pop_warning (bus) == NULL);
  stop (h, bus);
}
GST_END_TEST;

/* Only luma counts, and nothing is changed. */
GST_START_TEST (test_formats)
{
  static const gchar *const formats[] = {"I420", "NV12", "Y444"};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    GstBus *bus;
    GstHarness *h = start (&bus);

    set_caps (h, formats[f], WIDTH, HEIGHT);
    for (guint n = 0; n <= WATCH; n++) {
      GstBuffer *in = picture (formats[f], WIDTH, HEIGHT, n, 2);
      GstBuffer *expected = gst_buffer_copy_deep (in);
      GstBuffer *out = pass (h, in);
      GstMapInfo map;

      fail_unless (gst_buffer_map (expected, &map, GST_MAP_READ));
      fail_unless (gst_buffer_memcmp (out, 0, map.data, map.size) == 0);
      gst_buffer_unmap (expected, &map);
      fail_unless_equals_int (count_regions (out), n == WATCH ? 6 : 0);
      if (n == WATCH)
        check_regions (out, n);
      gst_buffer_unref (expected);
      gst_buffer_unref (out);
    }
    stop (h, bus);
  }
}
GST_END_TEST;

GST_START_TEST (test_number)
{
  GstBuffer *with = NULL;
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (h->element, "players", 1, "post-messages", FALSE, NULL);
  fail_unless_equals_int (pass_frames (h, 0, WATCH + 1, 2, &with), WATCH);
  fail_unless_equals_int (count_regions (with), 3);
  gst_buffer_unref (with);
  fail_unless (pop_found (bus) == NULL);
  stop (h, bus);
}
GST_END_TEST;

/* avmklttrack goes on with them. */
GST_START_TEST (test_followed)
{
  GstHarness *h = gst_harness_new_parse (
      "avmplayers analysis-time=2000000000 ! avmklttrack");

  set_caps (h, "GRAY8", WIDTH, HEIGHT);
  for (guint n = 0; n < WATCH + 30; n++) {
    GstBuffer *out = pass (h, picture ("GRAY8", WIDTH, HEIGHT, n, 2));

    fail_unless_equals_int (count_regions (out), n < WATCH ? 0 : 6);
    for (guint player = 0; n >= WATCH && player < 2; player++) {
      const GstAvmRegion *region = &gst_buffer_get_avm_region_meta (
          out, gst_avm_region_id ("player", player))
                                        ->region;

      fail_unless_equals_int (region->state,
          n == WATCH ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED);
      check_body (region, player, n);
    }
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (test_update)
{
  GstBuffer *with = NULL;
  gint again;
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (
      h->element, "update-interval", (guint64)(20 * FRAME), NULL);
  fail_unless_equals_int (pass_frames (h, 0, WATCH + 10, 2, NULL), WATCH);
  again = pass_frames (h, WATCH + 10, 2 * WATCH + 40, 2, &with);
  fail_unless_equals_int (again, 2 * WATCH + 20);
  check_regions (with, (guint)again);
  gst_buffer_unref (with);
  stop (h, bus);
}
GST_END_TEST;

/* -- the file -------------------------------------------------------------- */

static void
check_file (const gchar *path, guint n)
{
  GError *error = NULL;
  GPtrArray *regions = gst_avm_regions_from_file (path, &error);

  fail_unless (regions != NULL, "%s", error != NULL ? error->message : "");
  fail_unless_equals_int (regions->len, 6);
  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *r = g_ptr_array_index (regions, i);

    if (g_str_equal (r->role, "player"))
      check_body (r, (guint)gst_avm_region_id_get_player (r->id), n);
  }
  g_ptr_array_unref (regions);
}

/* The places are those of the first frame, in which nobody has moved yet. */
GST_START_TEST (test_file)
{
  gchar *path = scratch_file ();
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (h->element, "write-regions", path, NULL);
  pass_frames (h, 0, WATCH, 2, NULL);
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  fail_unless_equals_int (pass_frames (h, WATCH, WATCH + 1, 2, NULL), WATCH);
  check_file (path, 0);
  stop (h, bus);
  drop_file (path);
}
GST_END_TEST;

/* A stream that is shorter than the analysis time */
GST_START_TEST (test_short)
{
  gchar *path = scratch_file ();
  GstMessage *message;
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (h->element, "write-regions", path, NULL);
  fail_unless_equals_int (pass_frames (h, 0, WATCH - 5, 2, NULL), -1);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  check_file (path, 0);
  message = pop_found (bus);
  fail_unless (message != NULL);
  gst_message_unref (message);
  stop (h, bus);
  drop_file (path);
}
GST_END_TEST;

/* The end does not take back what was found. */
GST_START_TEST (test_end)
{
  gchar *path = scratch_file (), *before, *after;
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (h->element, "write-regions", path, NULL);
  pass_frames (h, 0, WATCH + 20, 2, NULL);
  fail_unless (g_file_get_contents (path, &before, NULL, NULL));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless (g_file_get_contents (path, &after, NULL, NULL));
  fail_unless_equals_string (before, after);
  g_free (before);
  g_free (after);
  stop (h, bus);
  drop_file (path);
}
GST_END_TEST;

/* It is said which file, and the regions go downstream all the same. */
GST_START_TEST (test_unwritable)
{
  gchar *text;
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (
      h->element, "write-regions", "/no/such/folder/regions.txt", NULL);
  fail_unless_equals_int (pass_frames (h, 0, WATCH + 5, 2, NULL), WATCH);
  text = pop_warning (bus);
  fail_unless (text != NULL);
  fail_unless (strstr (text, "/no/such/folder/regions.txt") != NULL, "%s", text);
  g_free (text);
  stop (h, bus);
}
GST_END_TEST;

/* -- streams --------------------------------------------------------------- */

/* Said once; who begins to move later is found. */
GST_START_TEST (test_nobody)
{
  gchar *text;
  GstBus *bus;
  GstHarness *h = start (&bus);

  fail_unless_equals_int (pass_frames (h, 0, 2 * WATCH + 5, 0, NULL), -1);
  text = pop_warning (bus);
  fail_unless (text != NULL);
  g_free (text);
  fail_unless (pop_warning (bus) == NULL);
  fail_unless (pop_found (bus) == NULL);
  fail_unless (
      pass_frames (h, 2 * WATCH + 5, 5 * WATCH + 20, 2, NULL) > 0);
  stop (h, bus);
}
GST_END_TEST;

/* After a flush, a jump or a gap, watching begins anew. */
GST_START_TEST (test_jumps)
{
  GstSegment segment;
  GstBus *bus;
  GstHarness *h = start (&bus);

  fail_unless_equals_int (pass_frames (h, 0, WATCH - 10, 2, NULL), -1);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  fail_unless_equals_int (
      pass_frames (h, WATCH - 10, 2 * WATCH - 20, 2, NULL), -1);
  /* a jump forwards by 4 s, then back */
  fail_unless_equals_int (
      pass_frames (h, 2 * WATCH + 100, 3 * WATCH + 90, 2, NULL), -1);
  fail_unless_equals_int (pass_frames (h, 0, WATCH + 5, 2, NULL), WATCH);
  stop (h, bus);
}
GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  GstBuffer *out = NULL;
  GstBus *bus;
  GstHarness *h = start (&bus);

  fail_unless_equals_int (pass_frames (h, 0, WATCH - 10, 2, NULL), -1);
  set_caps (h, "GRAY8", 2 * WIDTH, 2 * HEIGHT);
  for (guint n = WATCH - 10; n <= 2 * WATCH - 10; n++) {
    out = pass (h, picture ("GRAY8", 2 * WIDTH, 2 * HEIGHT, n, 2));
    fail_unless_equals_int (
        count_regions (out), n == 2 * WATCH - 10 ? 6 : 0);
    if (n < 2 * WATCH - 10)
      gst_buffer_unref (out);
  }
  for (guint player = 0; player < 2; player++) {
    GstAvmRegion region = gst_buffer_get_avm_region_meta (
        out, gst_avm_region_id ("player", player))
                              ->region;

    region.x *= 0.5f;
    region.y *= 0.5f;
    region.w *= 0.5f;
    region.h *= 0.5f;
    check_body (&region, player, 2 * WATCH - 10);
  }
  gst_buffer_unref (out);
  stop (h, bus);
}
GST_END_TEST;

/* Frames of one pixel, and a stream of one frame */
GST_START_TEST (test_tiny)
{
  static const gint sizes[][2] = {{1, 1}, {2, 400}, {47, 47}, {60, 49}};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstBus *bus;
    GstHarness *h = start (&bus);

    set_caps (h, "GRAY8", sizes[i][0], sizes[i][1]);
    for (guint n = 0; n < WATCH + 2; n++)
      gst_buffer_unref (
          pass (h, picture ("GRAY8", sizes[i][0], sizes[i][1], n, 2)));
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    stop (h, bus);
  }
}
GST_END_TEST;

GST_START_TEST (test_single)
{
  gchar *path = scratch_file ();
  GstBus *bus;
  GstHarness *h = start (&bus);

  g_object_set (h->element, "write-regions", path, NULL);
  gst_buffer_unref (pass (h, picture ("GRAY8", WIDTH, HEIGHT, 0, 2)));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  fail_unless (pop_found (bus) == NULL);
  stop (h, bus);
  h = start (&bus);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  stop (h, bus);
  drop_file (path);
}
GST_END_TEST;

/* Frames without time stamps come at the rate of the caps. */
GST_START_TEST (test_untimed)
{
  gint with = -1;
  GstBus *bus;
  GstHarness *h = start (&bus);

  for (guint n = 0; n < WATCH + 10; n++) {
    GstBuffer *buffer = picture ("GRAY8", WIDTH, HEIGHT, n, 2);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    buffer = pass (h, buffer);
    if (count_regions (buffer) > 0)
      with = (gint)n;
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (with, WATCH);
  stop (h, bus);
}
GST_END_TEST;

/* From READY again nothing is known. */
GST_START_TEST (test_restart)
{
  GstBus *bus;
  GstHarness *h = start (&bus);

  fail_unless_equals_int (pass_frames (h, 0, WATCH + 1, 2, NULL), WATCH);
  gst_element_set_state (h->element, GST_STATE_READY);
  gst_harness_play (h);
  set_caps (h, "GRAY8", WIDTH, HEIGHT);
  fail_unless_equals_int (pass_frames (h, 0, WATCH + 1, 2, NULL), WATCH);
  stop (h, bus);
}
GST_END_TEST;

static Suite *
players_suite (void)
{
  Suite *suite = suite_create ("players");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_found);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_number);
  tcase_add_test (tc, test_followed);
  tcase_add_test (tc, test_update);
  tcase_add_test (tc, test_file);
  tcase_add_test (tc, test_short);
  tcase_add_test (tc, test_end);
  tcase_add_test (tc, test_unwritable);
  tcase_add_test (tc, test_nobody);
  tcase_add_test (tc, test_jumps);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_tiny);
  tcase_add_test (tc, test_single);
  tcase_add_test (tc, test_untimed);
  tcase_add_test (tc, test_restart);
  return suite;
}

GST_CHECK_MAIN (players);
