/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/gstvideometa.h>

/* Runs one frame with a region and a point through an element. */
static GstBuffer *
through (const gchar *launch, const gchar *in, const gchar *out)
{
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = gst_caps_from_string (in);
  GstVideoInfo info;
  GstBuffer *buffer, *result;
  GstAvmRegion *region = gst_avm_region_new (7, "hand", 32.0f, 16.5f, 20, 10);
  GstAvmPoint point = {3, 40.0f, 20.0f, 1.0f, -0.5f};
  GstAvmRegionMeta *meta;

  gst_video_info_from_caps (&info, caps);
  gst_harness_set_src_caps (h, caps);
  gst_harness_set_sink_caps_str (h, out);
  buffer = gst_harness_create_buffer (h, GST_VIDEO_INFO_SIZE (&info));
  gst_buffer_memset (buffer, 0, 128, GST_VIDEO_INFO_SIZE (&info));
  GST_BUFFER_PTS (buffer) = 0;
  region->vx = 30.0f;
  region->orientation = "left";
  meta = gst_buffer_add_avm_region_meta (buffer, region);
  gst_avm_region_meta_set_points (meta, &point, 1);
  gst_avm_region_free (region);
  gst_harness_push (h, buffer);
  /* videorate holds a frame back until it knows the next one */
  gst_harness_push_event (h, gst_event_new_eos ());
  result = gst_harness_pull (h);
  gst_harness_teardown (h);
  return result;
}

static void
check_scaled (const gchar *launch, const gchar *out, gfloat s)
{
  GstBuffer *buffer = through (
      launch, "video/x-raw,format=I420,width=64,height=64,framerate=25/1", out);
  GstAvmRegionMeta *meta;

  fail_unless (buffer != NULL, "%s", launch);
  meta = gst_buffer_get_avm_region_meta (buffer, 7);
  fail_unless (meta != NULL, "%s lost the region", launch);
  fail_unless_equals_string (meta->region.role, "hand");
  fail_unless_equals_string (meta->region.orientation, "left");
  fail_unless_equals_float (meta->region.x, 32.0f * s);
  fail_unless_equals_float (meta->region.y, 16.5f * s);
  fail_unless_equals_float (meta->region.w, 20.0f * s);
  fail_unless_equals_float (meta->region.vx, 30.0f * s);
  fail_unless_equals_int (meta->n_points, 1);
  fail_unless_equals_float (meta->points[0].x, 40.5f * s - 0.5f);
  fail_unless_equals_float (meta->points[0].dy, -0.5f * s);
  fail_unless (gst_buffer_get_avm_region_meta (buffer, 8) == NULL);
  gst_buffer_unref (buffer);
}

GST_START_TEST (test_survives)
{
  static const gchar *const same =
      "video/x-raw,format=I420,width=64,height=64,framerate=25/1";

  check_scaled ("identity", same, 1.0f);
  check_scaled ("queue", same, 1.0f);
  check_scaled ("tee ! queue", same, 1.0f);
  check_scaled ("videobalance contrast=0.5", same, 1.0f);
  check_scaled ("videorate", same, 1.0f);
  check_scaled ("videoconvert",
      "video/x-raw,format=RGB,width=64,height=64,framerate=25/1", 1.0f);
  check_scaled ("videoscale",
      "video/x-raw,format=I420,width=32,height=32,framerate=25/1", 0.5f);
  check_scaled ("videoscale",
      "video/x-raw,format=I420,width=128,height=128,framerate=25/1", 2.0f);
}

GST_END_TEST;

static GPtrArray *
from_text (const gchar *text, GError **error)
{
  GValue value = G_VALUE_INIT;
  GPtrArray *regions;

  g_value_init (&value, GST_TYPE_ARRAY);
  fail_unless (gst_value_deserialize (&value, text), "%s", text);
  regions = gst_avm_regions_from_value (&value, error);
  g_value_unset (&value);
  return regions;
}

GST_START_TEST (test_from_value)
{
  GPtrArray *regions = from_text (
      "< < 1, hand, 10.5, 20, 47, 47 >, < 2, bow, -3, 0, 9, 8.5, 1 > >", NULL);
  static const gchar *const wrong[] = {
      "< < 1, hand, 10, 20, 47 > >",
      "< < 1, hand, 10, 20, 0, 47 > >",
      "< < 1, 2, 10, 20, 5, 47 > >",
      "< < 1, hand, a, 20, 5, 47 > >",
      "< < 1, hand, 1, 20, 5, 47 >, < 1, bow, 1, 1, 5, 5 > >",
      "< 1, 2, 3 >",
  };
  const GstAvmRegion *r;
  GValue value = G_VALUE_INIT;
  GPtrArray *back;

  fail_unless (regions != NULL && regions->len == 2);
  r = g_ptr_array_index (regions, 0);
  fail_unless_equals_int (r->id, 1);
  fail_unless_equals_float (r->x, 10.5f);
  fail_unless_equals_int (r->part, GST_AVM_NONE);
  r = g_ptr_array_index (regions, 1);
  fail_unless_equals_string (r->role, "bow");
  fail_unless_equals_float (r->x, -3.0f);
  fail_unless_equals_int (r->part, 1);
  g_value_init (&value, GST_TYPE_ARRAY);
  gst_avm_regions_to_value (regions, &value);
  back = gst_avm_regions_from_value (&value, NULL);
  fail_unless (back != NULL && back->len == 2);
  fail_unless_equals_int (
      ((GstAvmRegion *)g_ptr_array_index (back, 1))->part, 1);
  g_value_unset (&value);
  g_ptr_array_unref (back);
  g_ptr_array_unref (regions);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    GError *error = NULL;

    fail_unless (from_text (wrong[i], &error) == NULL, "%s", wrong[i]);
    fail_unless (error != NULL && error->domain == GST_RESOURCE_ERROR);
    g_clear_error (&error);
  }
}

GST_END_TEST;

GST_START_TEST (test_from_file)
{
  static const gchar *const good = "# id role x y w h part\n\n"
                                   "1 hand 10.5 20 47 47 0\r\n"
                                   "2\tbow\t0\t0\t9\t8.5  # right arm\n";
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "regions.txt", NULL);
  GPtrArray *regions;
  GError *error = NULL;

  g_file_set_contents (path, good, -1, NULL);
  regions = gst_avm_regions_from_file (path, &error);
  fail_unless (regions != NULL && regions->len == 2);
  g_ptr_array_unref (regions);
  g_file_set_contents (path, "1 hand 1 2 3 4\n2 hand 1 2 x 4\n", -1, NULL);
  fail_unless (gst_avm_regions_from_file (path, &error) == NULL);
  fail_unless (strstr (error->message, path) != NULL
          && strstr (error->message, "line 2") != NULL,
      "%s", error->message);
  g_clear_error (&error);
  g_unlink (path);
  fail_unless (gst_avm_regions_from_file (path, &error) == NULL);
  fail_unless (g_error_matches (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  g_clear_error (&error);
  g_rmdir (dir);
  g_free (path);
  g_free (dir);
}

GST_END_TEST;

GST_START_TEST (test_from_roi)
{
  GstBuffer *buffer = gst_buffer_new ();
  GPtrArray *regions;
  const GstAvmRegion *r;

  /* as facedetect does it: every id is 0 */
  gst_buffer_add_video_region_of_interest_meta (buffer, "face", 90, 1, 5, 6);
  gst_buffer_add_video_region_of_interest_meta (buffer, "face", 10, 1, 5, 6);
  gst_buffer_add_video_region_of_interest_meta (buffer, "face", 50, 1, 0, 6);
  regions = gst_avm_regions_from_roi (buffer);
  fail_unless_equals_int (regions->len, 2);
  r = g_ptr_array_index (regions, 0);
  fail_unless_equals_int (r->id, 2);
  r = g_ptr_array_index (regions, 1);
  fail_unless_equals_int (r->id, 1);
  fail_unless_equals_string (r->role, "face");
  fail_unless_equals_float (r->x, 10.0f);
  g_ptr_array_unref (regions);
  gst_buffer_unref (buffer);
}

GST_END_TEST;

GST_START_TEST (test_ids)
{
  static const gchar *const roles[] = {"player", "hand", "bow", "face"};

  for (guint r = 0; r < G_N_ELEMENTS (roles); r++) {
    for (guint player = 0; player < GST_AVM_MAX_PLAYERS; player++) {
      gint id = gst_avm_region_id (roles[r], player);

      fail_unless_equals_int (id, (gint)(100 * (r + 1) + 1 + player));
      fail_unless_equals_int (gst_avm_region_id_get_player (id), (gint)player);
      fail_unless_equals_string (gst_avm_region_id_get_role (id), roles[r]);
    }
  }
  fail_unless_equals_int (gst_avm_region_id ("hat", 0), GST_AVM_NONE);
  fail_unless_equals_int (gst_avm_region_id (NULL, 0), GST_AVM_NONE);
  fail_unless_equals_int (
      gst_avm_region_id ("hand", GST_AVM_MAX_PLAYERS), GST_AVM_NONE);
  for (guint i = 0; i < 4; i++) {
    static const gint others[] = {-1, 7, 200, 501};

    fail_unless_equals_int (
        gst_avm_region_id_get_player (others[i]), GST_AVM_NONE);
    fail_unless (gst_avm_region_id_get_role (others[i]) == NULL);
  }
}

GST_END_TEST;

GST_START_TEST (test_shot_event)
{
  GstEvent *event = gst_event_new_avm_shot (), *eos = gst_event_new_eos ();

  fail_unless (GST_EVENT_IS_SERIALIZED (event));
  fail_unless (GST_EVENT_IS_DOWNSTREAM (event));
  fail_unless (gst_event_is_avm_shot (event));
  fail_if (gst_event_is_avm_shot (eos));
  gst_event_unref (event);
  gst_event_unref (eos);
}

GST_END_TEST;

static Suite *
regionmeta_suite (void)
{
  Suite *s = suite_create ("regionmeta");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_survives);
  tcase_add_test (tc, test_from_value);
  tcase_add_test (tc, test_from_file);
  tcase_add_test (tc, test_from_roi);
  tcase_add_test (tc, test_shot_event);
  tcase_add_test (tc, test_ids);
  return s;
}

GST_CHECK_MAIN (regionmeta);
