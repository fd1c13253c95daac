/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <math.h>

static GstAvmSeriesInfo *
motion_info (void)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", 30000, 1001);

  gst_avm_series_info_add_channel (info, "hand, left", "vx", "px/s", 201, 0);
  gst_avm_series_info_add_channel (info, "hand, left", "vy", "px/s", 201, 0);
  gst_avm_series_info_add_channel (
      info, "hand <2>", "vx", "px/s", 202, GST_AVM_NONE);
  return info;
}

GST_START_TEST (test_caps_round_trip)
{
  GstAvmSeriesInfo *info = motion_info (), *back;
  GstCaps *caps = gst_avm_series_info_to_caps (info), *again;
  gchar *text = gst_caps_to_string (caps);
  gint n, d;

  /* names with commas and brackets survive the text form, too */
  again = gst_caps_from_string (text);
  fail_unless (again != NULL && gst_caps_is_equal (caps, again), "%s", text);
  back = gst_avm_series_info_new_from_caps (again, NULL);
  fail_unless (back != NULL);
  fail_unless_equals_string (gst_avm_series_info_get_kind (back), "motion");
  gst_avm_series_info_get_rate (back, &n, &d);
  fail_unless_equals_int (n, 30000);
  fail_unless_equals_int (d, 1001);
  fail_unless_equals_int (gst_avm_series_info_get_n_channels (back), 3);
  fail_unless_equals_string (
      gst_avm_series_info_get_name (back, 2), "hand <2>");
  fail_unless_equals_string (gst_avm_series_info_get_unit (back, 1), "px/s");
  fail_unless_equals_int (gst_avm_series_info_get_region (back, 2), 202);
  fail_unless_equals_int (gst_avm_series_info_get_part (back, 2), GST_AVM_NONE);
  fail_unless_equals_int (
      gst_avm_series_info_find_channel (back, "vx", 202, GST_AVM_ANY), 2);
  fail_unless_equals_int (
      gst_avm_series_info_find_channel (back, "vy", GST_AVM_ANY, 0), 1);
  fail_unless_equals_int (
      gst_avm_series_info_find_channel (back, "f0", GST_AVM_ANY, 0), -1);
  gst_caps_unref (caps);
  gst_caps_unref (again);
  gst_avm_series_info_free (info);
  gst_avm_series_info_free (back);
  g_free (text);
}

GST_END_TEST;

GST_START_TEST (test_wrong_caps)
{
  static const gchar *const wrong[] = {
      "video/x-raw",
      "application/x-avm-series, kind=f0, format=F32LE, channels=1",
      "application/x-avm-series, kind=f0, version=2, format=F32LE, channels=1",
      "application/x-avm-series, kind=f0, version=1, format=F64LE, channels=1",
      "application/x-avm-series, kind=f0, version=1, format=F32LE, channels=0",
      "application/x-avm-series, version=1, format=F32LE, channels=1",
      "application/x-avm-series, kind=f0, version=1, format=F32LE, channels=2, "
      "names=(string)< one >",
      "application/x-avm-series, kind=f0, version=1, format=F32LE, channels=1, "
      "parts=(int)1",
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    GstCaps *caps = gst_caps_from_string (wrong[i]);
    GError *error = NULL;

    fail_unless (caps != NULL, "%s", wrong[i]);
    fail_unless (gst_avm_series_info_new_from_caps (caps, &error) == NULL,
        "accepted %s", wrong[i]);
    fail_unless (error != NULL);
    g_clear_error (&error);
    gst_caps_unref (caps);
  }
}

GST_END_TEST;

GST_START_TEST (test_buffer)
{
  GstAvmSeriesInfo *info = motion_info ();
  gfloat rows[2][3] = {{1.5f, NAN, -3.0f}, {0.0f, 1e-38f, 2.0f}};
  GstBuffer *buffer =
      gst_avm_series_buffer_new (info, &rows[0][0], 2, GST_SECOND);
  GstAvmSeriesMap map;
  GError *error = NULL;

  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 66733333);
  fail_unless_equals_uint64 (
      gst_avm_series_row_time (info, GST_SECOND, 1), 1033366667);
  fail_unless (gst_avm_series_map (&map, info, buffer, NULL));
  fail_unless_equals_int (map.n_rows, 2);
  fail_unless_equals_int (map.n_channels, 3);
  fail_unless_equals_float (map.rows[0], 1.5f);
  fail_unless (isnan (map.rows[1]));
  fail_unless_equals_float (map.rows[5], 2.0f);
  gst_avm_series_unmap (&map);

  /* a buffer of half a row is refused */
  gst_buffer_resize (buffer, 0, 20);
  fail_if (gst_avm_series_map (&map, info, buffer, &error));
  fail_unless (error != NULL);
  g_clear_error (&error);

  /* unaligned memory is read all the same */
  {
    guint8 *bytes = g_malloc (16);
    GstBuffer *odd;

    memcpy (bytes + 1, rows, 12);
    odd = gst_buffer_new_wrapped_full (
        0, bytes, 16, 1, 12, bytes, (GDestroyNotify)g_free);
    fail_unless (gst_avm_series_map (&map, info, odd, NULL));
    fail_unless_equals_float (map.rows[2], -3.0f);
    gst_avm_series_unmap (&map);
    gst_buffer_unref (odd);
  }
  gst_buffer_unref (buffer);
  gst_avm_series_info_free (info);
}

GST_END_TEST;

static Suite *
series_suite (void)
{
  Suite *s = suite_create ("series");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_caps_round_trip);
  tcase_add_test (tc, test_wrong_caps);
  tcase_add_test (tc, test_buffer);
  return s;
}

GST_CHECK_MAIN (series);
