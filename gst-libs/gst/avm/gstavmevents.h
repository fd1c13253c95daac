/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_EVENTS_H__
#define __GST_AVM_EVENTS_H__

#include <gst/avm/avm-prelude.h>

G_BEGIN_DECLS

#define GST_AVM_EVENTS_MEDIA_TYPE "application/x-avm-events"

/**
 * GST_AVM_EVENTS_CAPS: (skip)
 *
 * Template caps of events of one kind; give the kind as a string literal.
 */
#define GST_AVM_EVENTS_CAPS(kind)                                              \
  GST_AVM_EVENTS_MEDIA_TYPE ", kind = (string) " kind ", version = (int) 1"

/**
 * GST_AVM_EVENTS_VARIANT_TYPE:
 *
 * The payload of an events buffer, little-endian GVariant: onset (ns),
 * duration (ns), region, part, confidence, fields.
 */
#define GST_AVM_EVENTS_VARIANT_TYPE "a(ttiida{sv})"

#define GST_TYPE_AVM_EVENT (gst_avm_event_get_type ())

typedef struct _GstAvmEvent GstAvmEvent;

/**
 * GstAvmEvent:
 * @onset: when it begins, ns, in the time of the stream that carries it
 * @duration: how long it lasts, ns; %GST_CLOCK_TIME_NONE: not known
 * @region: region id, or %GST_AVM_NONE
 * @part: index of the part in the score, or %GST_AVM_NONE
 * @confidence: 0 to 1
 */
struct _GstAvmEvent {
  GstClockTime onset;
  GstClockTime duration;
  gint region;
  gint part;
  gdouble confidence;

  /*< private > */
  GHashTable *fields;
};

GST_AVM_API
GType gst_avm_event_get_type (void);

GST_AVM_API
GstAvmEvent *gst_avm_event_new (GstClockTime onset, GstClockTime duration,
    gint region, gint part, gdouble confidence);

GST_AVM_API
GstAvmEvent *gst_avm_event_copy (const GstAvmEvent *event);

GST_AVM_API
void gst_avm_event_free (GstAvmEvent *event);

GST_AVM_API
void gst_avm_event_set_double (
    GstAvmEvent *event, const gchar *name, gdouble value);

GST_AVM_API
void gst_avm_event_set_int (GstAvmEvent *event, const gchar *name, gint value);

GST_AVM_API
void gst_avm_event_set_boolean (
    GstAvmEvent *event, const gchar *name, gboolean value);

GST_AVM_API
void gst_avm_event_set_string (
    GstAvmEvent *event, const gchar *name, const gchar *value);

GST_AVM_API
void gst_avm_event_set_variant (
    GstAvmEvent *event, const gchar *name, GVariant *value);

GST_AVM_API
gboolean gst_avm_event_get_double (
    const GstAvmEvent *event, const gchar *name, gdouble *value);

GST_AVM_API
gboolean gst_avm_event_get_int (
    const GstAvmEvent *event, const gchar *name, gint *value);

GST_AVM_API
gboolean gst_avm_event_get_boolean (
    const GstAvmEvent *event, const gchar *name, gboolean *value);

GST_AVM_API
const gchar *gst_avm_event_get_string (
    const GstAvmEvent *event, const gchar *name);

GST_AVM_API
GVariant *gst_avm_event_get_variant (
    const GstAvmEvent *event, const gchar *name);

GST_AVM_API
gchar **gst_avm_event_list_fields (const GstAvmEvent *event);

GST_AVM_API
gint gst_avm_event_compare (const GstAvmEvent *a, const GstAvmEvent *b);

GST_AVM_API
GstCaps *gst_avm_events_caps_new (const gchar *kind);

GST_AVM_API
const gchar *gst_avm_caps_get_kind (const GstCaps *caps);

GST_AVM_API
GstBuffer *gst_avm_events_buffer_new (GPtrArray *events);

GST_AVM_API
GstBuffer *gst_avm_event_to_buffer (const GstAvmEvent *event);

GST_AVM_API
GPtrArray *gst_avm_events_buffer_parse (GstBuffer *buffer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstAvmEvent, gst_avm_event_free)

G_END_DECLS

#endif /* __GST_AVM_EVENTS_H__ */
