/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>

static GstAvmEvent *
example (GstClockTime onset, gint part)
{
  GstAvmEvent *event = gst_avm_event_new (onset, GST_SECOND, 201, part, 0.75);
  gdouble curve[] = {1.0, -2.0, 0.5};

  gst_avm_event_set_double (event, "rate", 6.25);
  gst_avm_event_set_boolean (event, "vibrato", TRUE);
  gst_avm_event_set_string (event, "used", "both");
  gst_avm_event_set_int (event, "velocity", 64);
  gst_avm_event_set_variant (event, "displacement",
      g_variant_new_fixed_array (
          G_VARIANT_TYPE_DOUBLE, curve, 3, sizeof (gdouble)));
  return event;
}

GST_START_TEST (test_round_trip)
{
  GPtrArray *events =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
  GPtrArray *back;
  GstBuffer *buffer;
  GstAvmEvent *event;
  gdouble d = 0.0;
  gint i = 0;
  gboolean b = FALSE;
  gchar **names;

  g_ptr_array_add (events, example (2 * GST_SECOND, 0));
  g_ptr_array_add (events, example (GST_SECOND, 1));
  buffer = gst_avm_events_buffer_new (events);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 2 * GST_SECOND);
  back = gst_avm_events_buffer_parse (buffer, NULL);
  fail_unless (back != NULL && back->len == 2);
  event = g_ptr_array_index (back, 1);
  fail_unless_equals_uint64 (event->onset, GST_SECOND);
  fail_unless_equals_int (event->region, 201);
  fail_unless_equals_int (event->part, 1);
  fail_unless_equals_float (event->confidence, 0.75);
  fail_unless (gst_avm_event_get_double (event, "rate", &d) && d == 6.25);
  fail_unless (gst_avm_event_get_int (event, "velocity", &i) && i == 64);
  fail_unless (gst_avm_event_get_boolean (event, "vibrato", &b) && b);
  fail_unless_equals_string (gst_avm_event_get_string (event, "used"), "both");
  /* absent, or of another type */
  fail_if (gst_avm_event_get_double (event, "extent", &d));
  fail_if (gst_avm_event_get_double (event, "velocity", &d));
  names = gst_avm_event_list_fields (event);
  fail_unless_equals_int (g_strv_length (names), 5);
  fail_unless_equals_string (names[0], "displacement");
  g_strfreev (names);
  fail_unless (gst_avm_event_compare (event, g_ptr_array_index (back, 0)) < 0);
  g_ptr_array_unref (back);
  g_ptr_array_unref (events);
  gst_buffer_unref (buffer);
}

GST_END_TEST;

/* Every prefix and every single-byte change of a payload is either refused
 * with an error or read as some events; never a crash. */
GST_START_TEST (test_malformed)
{
  GstAvmEvent *event = example (GST_SECOND, 0);
  GstBuffer *good = gst_avm_event_to_buffer (event);
  GstMapInfo map;
  guint refused = 0;

  gst_buffer_map (good, &map, GST_MAP_READ);
  for (gsize n = 0; n < 2 * map.size; n++) {
    gsize size = n < map.size ? n : map.size;
    guint8 *bytes = g_memdup2 (map.data, MAX (size, 1));
    GstBuffer *bad;
    GError *error = NULL;
    GPtrArray *parsed;

    if (n >= map.size)
      bytes[n - map.size] ^= 0x55;
    bad = gst_buffer_new_wrapped (bytes, size);
    parsed = gst_avm_events_buffer_parse (bad, &error);
    fail_unless ((parsed == NULL) == (error != NULL));
    refused += parsed == NULL;
    g_clear_pointer (&parsed, g_ptr_array_unref);
    g_clear_error (&error);
    gst_buffer_unref (bad);
  }
  fail_unless (refused > map.size / 2, "only %u refused", refused);
  gst_buffer_unmap (good, &map);
  gst_buffer_unref (good);
  gst_avm_event_free (event);
}

GST_END_TEST;

GST_START_TEST (test_strings_are_utf8)
{
  GstAvmEvent *event = gst_avm_event_new (0, 0, -1, -1, 1.0);

  gst_avm_event_set_string (event, "part-name", "Viol\xf3n");
  fail_unless (g_utf8_validate (
      gst_avm_event_get_string (event, "part-name"), -1, NULL));
  gst_avm_event_free (event);
}

GST_END_TEST;

GST_START_TEST (test_kinds)
{
  const GstAvmKind *note = gst_avm_kind_lookup ("note");
  const GstAvmField *pitch;

  fail_unless (note != NULL && note->type == GST_AVM_STREAM_EVENTS);
  pitch = gst_avm_kind_find_field (note, "pitch");
  fail_unless (pitch != NULL);
  fail_unless_equals_string (pitch->type, "d");
  fail_unless (gst_avm_kind_lookup ("nonsense") == NULL);
  fail_unless (gst_avm_kind_find_field (note, "nonsense") == NULL);
  for (guint i = 0; i < gst_avm_kind_count (); i++) {
    const GstAvmKind *kind = gst_avm_kind_nth (i);
    GVariant *text = gst_avm_kind_describe (i);
    GVariant *fields = g_variant_get_child_value (text, 5);

    fail_unless (gst_avm_kind_lookup (kind->name) == kind);
    fail_unless_equals_int (
        (gint)kind->n_fields, (gint)g_variant_n_children (fields));
    g_variant_unref (fields);
    for (guint k = 0; k < kind->n_fields; k++) {
      const gchar *type = gst_avm_kind_nth_field (kind, k)->type;

      fail_unless (
          g_str_equal (type, "f") || g_variant_type_string_is_valid (type),
          "%s", type);
    }
    g_variant_unref (text);
  }
  fail_unless (gst_avm_kind_nth (gst_avm_kind_count ()) == NULL);
}

GST_END_TEST;

static Suite *
events_suite (void)
{
  Suite *s = suite_create ("events");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_malformed);
  tcase_add_test (tc, test_strings_are_utf8);
  tcase_add_test (tc, test_kinds);
  return s;
}

GST_CHECK_MAIN (events);
