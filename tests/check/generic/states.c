/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every element of the collection through up and down sequences of states,
 * with nothing linked, and through creation with every property read.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

static GList *
our_elements (void)
{
  GList *plugins = gst_registry_get_plugin_list (gst_registry_get ());
  GList *elements = NULL;

  for (GList *p = plugins; p != NULL; p = p->next) {
    const gchar *name = gst_plugin_get_name (p->data);
    GList *features;

    if (!g_str_has_prefix (name, "avm"))
      continue;
    features =
        gst_registry_get_feature_list_by_plugin (gst_registry_get (), name);
    for (GList *f = features; f != NULL; f = f->next) {
      if (GST_IS_ELEMENT_FACTORY (f->data))
        elements =
            g_list_prepend (elements, g_strdup (GST_OBJECT_NAME (f->data)));
    }
    gst_plugin_feature_list_free (features);
  }
  gst_plugin_list_free (plugins);
  return elements;
}

static void
set_and_wait (GstElement *element, GstState state)
{
  GstStateChangeReturn ret = gst_element_set_state (element, state);

  if (ret == GST_STATE_CHANGE_ASYNC)
    ret = gst_element_get_state (element, NULL, NULL, 5 * GST_SECOND);
  fail_unless (
      ret == GST_STATE_CHANGE_SUCCESS || ret == GST_STATE_CHANGE_NO_PREROLL,
      "%s cannot go to %s", GST_OBJECT_NAME (element),
      gst_element_state_get_name (state));
}

static void
go_through (const gchar *name)
{
  static const GstState sequence[] = {GST_STATE_READY, GST_STATE_PAUSED,
      GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL,
      GST_STATE_READY, GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_NULL};
  GstElement *element = gst_element_factory_make (name, name);

  fail_unless (element != NULL, "%s", name);
  gst_object_ref_sink (element);
  if (g_str_equal (name, "avmscorealign")) {
    /* cannot start without a score; its own tests have one */
    set_and_wait (element, GST_STATE_READY);
    set_and_wait (element, GST_STATE_NULL);
  } else {
    for (guint i = 0; i < G_N_ELEMENTS (sequence); i++)
      set_and_wait (element, sequence[i]);
  }
  gst_object_unref (element);
}

GST_START_TEST (test_states)
{
  GList *elements = our_elements ();

  fail_unless (elements != NULL, "no element of the collection was found");
  for (GList *e = elements; e != NULL; e = e->next)
    go_through (e->data);
  g_list_free_full (elements, g_free);
}

GST_END_TEST;

/* Every property has a blurb and reads a value within its range. */
GST_START_TEST (test_properties)
{
  GList *elements = our_elements ();

  for (GList *e = elements; e != NULL; e = e->next) {
    GstElement *element = gst_element_factory_make (e->data, NULL);
    guint n;
    GParamSpec **specs =
        g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

    gst_object_ref_sink (element);
    for (guint i = 0; i < n; i++) {
      GValue value = G_VALUE_INIT;

      if (!(specs[i]->flags & G_PARAM_READABLE))
        continue;
      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (element), specs[i]->name, &value);
      fail_if (g_param_value_validate (specs[i], &value),
          "%s.%s is outside its own range", (gchar *)e->data, specs[i]->name);
      fail_unless (g_param_spec_get_blurb (specs[i]) != NULL
              && strlen (g_param_spec_get_blurb (specs[i])) > 5,
          "%s.%s is not described", (gchar *)e->data, specs[i]->name);
      g_value_unset (&value);
    }
    g_free (specs);
    gst_object_unref (element);
  }
  g_list_free_full (elements, g_free);
}

GST_END_TEST;

static Suite *
states_suite (void)
{
  Suite *s = suite_create ("states");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_states);
  tcase_add_test (tc, test_properties);
  return s;
}

GST_CHECK_MAIN (states);
