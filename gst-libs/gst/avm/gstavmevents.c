/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstavmevents
 * @title: GstAvmEvent
 * @short_description: things with an onset and a length
 *
 * A buffer of `application/x-avm-events` holds one or more events as a
 * serialised GVariant of type `a(ttiida{sv})`, little-endian: onset (ns),
 * duration (ns), region, part, confidence, and the fields of the kind.
 * Malformed payloads are refused with a #GError; they cannot crash a reader.
 *
 * |[
 * application/x-avm-events, kind=(string)note, version=(int)1
 * ]|
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmevents.h"
#include "gstavmseries.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (
    GstAvmEvent, gst_avm_event, gst_avm_event_copy, gst_avm_event_free);

/**
 * gst_avm_event_new:
 * @onset: when it begins, ns
 * @duration: how long it lasts, ns, or %GST_CLOCK_TIME_NONE
 * @region: region id, or %GST_AVM_NONE
 * @part: part index, or %GST_AVM_NONE
 * @confidence: 0 to 1
 *
 * Returns: (transfer full): an event without fields
 *
 * Since: 0.1
 */
GstAvmEvent *
gst_avm_event_new (GstClockTime onset, GstClockTime duration, gint region,
    gint part, gdouble confidence)
{
  GstAvmEvent *event = g_new0 (GstAvmEvent, 1);

  event->onset = onset;
  event->duration = duration;
  event->region = region;
  event->part = part;
  event->confidence = confidence;
  event->fields = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  return event;
}

/**
 * gst_avm_event_copy:
 * @event: an event
 *
 * Returns: (transfer full): a copy that can be changed independently
 *
 * Since: 0.1
 */
GstAvmEvent *
gst_avm_event_copy (const GstAvmEvent *event)
{
  GstAvmEvent *copy = gst_avm_event_new (event->onset, event->duration,
      event->region, event->part, event->confidence);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, event->fields);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (copy->fields, g_strdup (name), g_variant_ref (value));
  return copy;
}

/**
 * gst_avm_event_free:
 * @event: (transfer full) (nullable): an event
 *
 * Since: 0.1
 */
void
gst_avm_event_free (GstAvmEvent *event)
{
  if (event == NULL)
    return;
  g_hash_table_unref (event->fields);
  g_free (event);
}

/**
 * gst_avm_event_set_variant:
 * @event: an event
 * @name: name of a field
 * @value: its value; floating references are taken
 *
 * Since: 0.1
 */
void
gst_avm_event_set_variant (
    GstAvmEvent *event, const gchar *name, GVariant *value)
{
  g_return_if_fail (event != NULL && name != NULL && value != NULL);
  g_hash_table_replace (
      event->fields, g_strdup (name), g_variant_ref_sink (value));
}

/**
 * gst_avm_event_set_double:
 * @event: an event
 * @name: name of a field
 * @value: its value
 *
 * Since: 0.1
 */
void
gst_avm_event_set_double (GstAvmEvent *event, const gchar *name, gdouble value)
{
  gst_avm_event_set_variant (event, name, g_variant_new_double (value));
}

/**
 * gst_avm_event_set_int:
 * @event: an event
 * @name: name of a field
 * @value: its value
 *
 * Since: 0.1
 */
void
gst_avm_event_set_int (GstAvmEvent *event, const gchar *name, gint value)
{
  gst_avm_event_set_variant (event, name, g_variant_new_int32 (value));
}

/**
 * gst_avm_event_set_boolean:
 * @event: an event
 * @name: name of a field
 * @value: its value
 *
 * Since: 0.1
 */
void
gst_avm_event_set_boolean (
    GstAvmEvent *event, const gchar *name, gboolean value)
{
  gst_avm_event_set_variant (event, name, g_variant_new_boolean (value));
}

/**
 * gst_avm_event_set_string:
 * @event: an event
 * @name: name of a field
 * @value: its value; bytes that are not UTF-8 are replaced
 *
 * Since: 0.1
 */
void
gst_avm_event_set_string (
    GstAvmEvent *event, const gchar *name, const gchar *value)
{
  g_return_if_fail (value != NULL);
  gst_avm_event_set_variant (
      event, name, g_variant_new_take_string (g_utf8_make_valid (value, -1)));
}

static GVariant *
get_field (
    const GstAvmEvent *event, const gchar *name, const GVariantType *type)
{
  GVariant *value;

  g_return_val_if_fail (event != NULL && name != NULL, NULL);
  value = g_hash_table_lookup (event->fields, name);
  return value != NULL && g_variant_is_of_type (value, type) ? value : NULL;
}

/**
 * gst_avm_event_get_double:
 * @event: an event
 * @name: name of a field
 * @value: (out): its value; untouched when there is none
 *
 * Returns: whether the event has such a field of type "d"
 *
 * Since: 0.1
 */
gboolean
gst_avm_event_get_double (
    const GstAvmEvent *event, const gchar *name, gdouble *value)
{
  GVariant *v = get_field (event, name, G_VARIANT_TYPE_DOUBLE);

  if (v != NULL)
    *value = g_variant_get_double (v);
  return v != NULL;
}

/**
 * gst_avm_event_get_int:
 * @event: an event
 * @name: name of a field
 * @value: (out): its value; untouched when there is none
 *
 * Returns: whether the event has such a field of type "i"
 *
 * Since: 0.1
 */
gboolean
gst_avm_event_get_int (const GstAvmEvent *event, const gchar *name, gint *value)
{
  GVariant *v = get_field (event, name, G_VARIANT_TYPE_INT32);

  if (v != NULL)
    *value = g_variant_get_int32 (v);
  return v != NULL;
}

/**
 * gst_avm_event_get_boolean:
 * @event: an event
 * @name: name of a field
 * @value: (out): its value; untouched when there is none
 *
 * Returns: whether the event has such a field of type "b"
 *
 * Since: 0.1
 */
gboolean
gst_avm_event_get_boolean (
    const GstAvmEvent *event, const gchar *name, gboolean *value)
{
  GVariant *v = get_field (event, name, G_VARIANT_TYPE_BOOLEAN);

  if (v != NULL)
    *value = g_variant_get_boolean (v);
  return v != NULL;
}

/**
 * gst_avm_event_get_string:
 * @event: an event
 * @name: name of a field
 *
 * Returns: (transfer none) (nullable): its value, or %NULL
 *
 * Since: 0.1
 */
const gchar *
gst_avm_event_get_string (const GstAvmEvent *event, const gchar *name)
{
  GVariant *v = get_field (event, name, G_VARIANT_TYPE_STRING);

  return v != NULL ? g_variant_get_string (v, NULL) : NULL;
}

/**
 * gst_avm_event_get_variant:
 * @event: an event
 * @name: name of a field
 *
 * Returns: (transfer full) (nullable): its value, or %NULL
 *
 * Since: 0.1
 */
GVariant *
gst_avm_event_get_variant (const GstAvmEvent *event, const gchar *name)
{
  GVariant *v;

  g_return_val_if_fail (event != NULL && name != NULL, NULL);
  v = g_hash_table_lookup (event->fields, name);
  return v != NULL ? g_variant_ref (v) : NULL;
}

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *)a, *(const gchar *const *)b);
}

/**
 * gst_avm_event_list_fields:
 * @event: an event
 *
 * Returns: (transfer full) (array zero-terminated=1): names of its fields,
 *   sorted; free with g_strfreev()
 *
 * Since: 0.1
 */
gchar **
gst_avm_event_list_fields (const GstAvmEvent *event)
{
  GPtrArray *names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, event->fields);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_strings);
  g_ptr_array_add (names, NULL);
  return (gchar **)g_ptr_array_free (names, FALSE);
}

/**
 * gst_avm_event_compare:
 * @a: an event
 * @b: another event
 *
 * Order of time: by onset, then part, then region.
 *
 * Returns: < 0, 0 or > 0
 *
 * Since: 0.1
 */
gint
gst_avm_event_compare (const GstAvmEvent *a, const GstAvmEvent *b)
{
  if (a->onset != b->onset)
    return a->onset < b->onset ? -1 : 1;
  if (a->part != b->part)
    return a->part < b->part ? -1 : 1;
  return (a->region > b->region) - (a->region < b->region);
}

/**
 * gst_avm_events_caps_new:
 * @kind: a kind of events
 *
 * Returns: (transfer full): fixed caps
 *
 * Since: 0.1
 */
GstCaps *
gst_avm_events_caps_new (const gchar *kind)
{
  return gst_caps_new_simple (GST_AVM_EVENTS_MEDIA_TYPE, "kind", G_TYPE_STRING,
      kind, "version", G_TYPE_INT, 1, NULL);
}

/**
 * gst_avm_caps_get_kind:
 * @caps: caps of events or of a series
 *
 * Returns: (transfer none) (nullable): the kind, or %NULL when these are no
 *   caps of typed streams
 *
 * Since: 0.1
 */
const gchar *
gst_avm_caps_get_kind (const GstCaps *caps)
{
  const GstStructure *s;

  g_return_val_if_fail (caps != NULL, NULL);
  if (gst_caps_is_empty (caps) || gst_caps_is_any (caps))
    return NULL;
  s = gst_caps_get_structure (caps, 0);
  if (!gst_structure_has_name (s, GST_AVM_EVENTS_MEDIA_TYPE)
      && !gst_structure_has_name (s, GST_AVM_SERIES_MEDIA_TYPE))
    return NULL;
  return gst_structure_get_string (s, "kind");
}

static GVariant *
event_to_variant (const GstAvmEvent *event)
{
  GVariantBuilder fields;
  gchar **names = gst_avm_event_list_fields (event);

  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; names[i] != NULL; i++)
    g_variant_builder_add (&fields, "{sv}", names[i],
        (GVariant *)g_hash_table_lookup (event->fields, names[i]));
  g_strfreev (names);
  return g_variant_new ("(ttiida{sv})", event->onset, event->duration,
      event->region, event->part, event->confidence, &fields);
}

static GstBuffer *
buffer_from_variant (GVariant *floating)
{
  GVariant *variant = g_variant_ref_sink (floating);
  GBytes *bytes;
  GstBuffer *buffer;

#if G_BYTE_ORDER == G_BIG_ENDIAN
  GVariant *swapped = g_variant_byteswap (variant);

  g_variant_unref (variant);
  variant = swapped;
#endif
  bytes = g_variant_get_data_as_bytes (variant);
  buffer = gst_buffer_new_wrapped_bytes (bytes);
  g_bytes_unref (bytes);
  g_variant_unref (variant);
  return buffer;
}

/**
 * gst_avm_events_buffer_new:
 * @events: (element-type GstAvmEvent): events
 *
 * Returns: (transfer full): a buffer with all of them. Its PTS is the
 *   earliest onset; its duration reaches to the latest known end.
 *
 * Since: 0.1
 */
GstBuffer *
gst_avm_events_buffer_new (GPtrArray *events)
{
  GVariantBuilder all;
  GstClockTime first = GST_CLOCK_TIME_NONE, last = 0;
  GstBuffer *buffer;

  g_return_val_if_fail (events != NULL, NULL);
  g_variant_builder_init (&all, G_VARIANT_TYPE (GST_AVM_EVENTS_VARIANT_TYPE));
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);

    g_variant_builder_add_value (&all, event_to_variant (event));
    first = MIN (first, event->onset);
    last = MAX (last, event->onset);
    if (GST_CLOCK_TIME_IS_VALID (event->duration))
      last = MAX (last, event->onset + event->duration);
  }
  buffer = buffer_from_variant (g_variant_builder_end (&all));
  GST_BUFFER_PTS (buffer) = first;
  if (GST_CLOCK_TIME_IS_VALID (first))
    GST_BUFFER_DURATION (buffer) = last - first;
  return buffer;
}

/**
 * gst_avm_event_to_buffer:
 * @event: an event
 *
 * Returns: (transfer full): a buffer with this event alone
 *
 * Since: 0.1
 */
GstBuffer *
gst_avm_event_to_buffer (const GstAvmEvent *event)
{
  GPtrArray *one = g_ptr_array_new ();
  GstBuffer *buffer;

  g_ptr_array_add (one, (gpointer)event);
  buffer = gst_avm_events_buffer_new (one);
  GST_BUFFER_DURATION (buffer) = event->duration;
  g_ptr_array_unref (one);
  return buffer;
}

static GstAvmEvent *
event_from_variant (GVariant *variant)
{
  GVariantIter *fields;
  guint64 onset, duration;
  gint32 region, part;
  gdouble confidence;
  const gchar *name;
  GVariant *value;
  GstAvmEvent *event;

  g_variant_get (variant, "(ttiida{sv})", &onset, &duration, &region, &part,
      &confidence, &fields);
  event = gst_avm_event_new (onset, duration, region, part, confidence);
  while (g_variant_iter_next (fields, "{&sv}", &name, &value)) {
    gst_avm_event_set_variant (event, name, value);
    g_variant_unref (value);
  }
  g_variant_iter_free (fields);
  return event;
}

/**
 * gst_avm_events_buffer_parse:
 * @buffer: a buffer of events
 * @error: what is wrong with it
 *
 * Returns: (transfer container) (element-type GstAvmEvent) (nullable): the events,
 *   or %NULL for a malformed payload
 *
 * Since: 0.1
 */
GPtrArray *
gst_avm_events_buffer_parse (GstBuffer *buffer, GError **error)
{
  GstMapInfo map;
  GBytes *bytes;
  GVariant *variant;
  GPtrArray *events = NULL;

  g_return_val_if_fail (buffer != NULL, NULL);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "cannot map an events buffer");
    return NULL;
  }
  /* a copy: GVariant keeps the bytes, and wants them aligned to 8 */
  bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  variant = g_variant_ref_sink (g_variant_new_from_bytes (
      G_VARIANT_TYPE (GST_AVM_EVENTS_VARIANT_TYPE), bytes, FALSE));
  g_bytes_unref (bytes);
#if G_BYTE_ORDER == G_BIG_ENDIAN
  {
    GVariant *swapped = g_variant_byteswap (variant);

    g_variant_unref (variant);
    variant = swapped;
  }
#endif
  if (g_variant_is_normal_form (variant)) {
    gsize n = g_variant_n_children (variant);

    events =
        g_ptr_array_new_full ((guint)n, (GDestroyNotify)gst_avm_event_free);
    for (gsize i = 0; i < n; i++) {
      GVariant *child = g_variant_get_child_value (variant, i);

      g_ptr_array_add (events, event_from_variant (child));
      g_variant_unref (child);
    }
  } else {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
        "an events buffer is not a GVariant of type %s",
        GST_AVM_EVENTS_VARIANT_TYPE);
  }
  g_variant_unref (variant);
  return events;
}
