/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading typed events in code: runs a pipeline description that ends in an
 * appsink named "out" and prints every event and its fields.
 *
 * print-events "avmtestsrc name=s players=2 num-seconds=5 s.notes ! \
 *   appsink name=out"
 */

#include <gst/app/gstappsink.h>
#include <gst/avm/avm.h>
#include <stdio.h>

static void
print_event (const gchar *kind, const GstAvmEvent *event)
{
  gchar **fields = gst_avm_event_list_fields (event);

  printf ("%8.3f s  %s  part %d  region %d", event->onset / 1e9, kind,
      event->part, event->region);
  for (guint i = 0; fields[i] != NULL; i++) {
    GVariant *value = gst_avm_event_get_variant (event, fields[i]);
    gchar *text = g_variant_print (value, FALSE);
    const GstAvmField *field =
        gst_avm_kind_find_field (gst_avm_kind_lookup (kind), fields[i]);

    printf ("  %s=%s%s%s", fields[i], text,
        field != NULL && field->unit[0] != '\0' ? " " : "",
        field != NULL ? field->unit : "");
    g_free (text);
    g_variant_unref (value);
  }
  putchar ('\n');
  g_strfreev (fields);
}

/* How many; -1: what came cannot be read */
static gint
print_sample (GstSample *sample)
{
  const gchar *kind = gst_avm_caps_get_kind (gst_sample_get_caps (sample));
  GError *error = NULL;
  GPtrArray *events =
      gst_avm_events_buffer_parse (gst_sample_get_buffer (sample), &error);
  gint n;

  if (events == NULL) {
    fprintf (stderr, "%s\n", error->message);
    g_clear_error (&error);
    return -1;
  }
  for (guint i = 0; i < events->len; i++)
    print_event (kind, g_ptr_array_index (events, i));
  n = (gint)events->len;
  g_ptr_array_unref (events);
  return n;
}

static gboolean
failed (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);

  gst_object_unref (bus);
  if (message == NULL)
    return FALSE;
  gst_object_default_error (GST_MESSAGE_SRC (message), NULL, NULL);
  gst_message_unref (message);
  return TRUE;
}

int
main (int argc, char **argv)
{
  GError *error = NULL;
  GstElement *pipeline, *out;
  GstSample *sample;
  gint n = 0, some;
  gboolean bad = FALSE;

  gst_init (&argc, &argv);
  if (argc != 2) {
    fprintf (stderr, "usage: print-events \"... ! appsink name=out\"\n");
    return 2;
  }
  pipeline = gst_parse_launch (argv[1], &error);
  if (pipeline == NULL || !GST_IS_BIN (pipeline)
      || (out = gst_bin_get_by_name (GST_BIN (pipeline), "out")) == NULL) {
    fprintf (stderr, "%s\n",
        error != NULL ? error->message : "no appsink is named \"out\"");
    return 2;
  }
  g_object_set (out, "sync", FALSE, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (out))) != NULL) {
    some = print_sample (sample);
    n += MAX (some, 0);
    bad |= some < 0;
    gst_sample_unref (sample);
  }
  bad |= failed (pipeline);
  printf ("%d events\n", n);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  return bad;
}
