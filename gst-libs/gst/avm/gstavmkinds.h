/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_KINDS_H__
#define __GST_AVM_KINDS_H__

#include <gst/avm/avm-prelude.h>

G_BEGIN_DECLS

/**
 * GstAvmStreamType:
 * @GST_AVM_STREAM_SERIES: `application/x-avm-series`, sampled rows
 * @GST_AVM_STREAM_EVENTS: `application/x-avm-events`, onset and length
 */
typedef enum {
  GST_AVM_STREAM_SERIES,
  GST_AVM_STREAM_EVENTS
} GstAvmStreamType;

GST_AVM_API
GType gst_avm_stream_type_get_type (void);
#define GST_TYPE_AVM_STREAM_TYPE (gst_avm_stream_type_get_type ())

typedef struct _GstAvmKind GstAvmKind;
typedef struct _GstAvmField GstAvmField;

/**
 * GstAvmField:
 * @name: field of an event, or quantity of a series channel
 * @type: GVariant type string ("d", "i", "s", "b"); "f" for series
 * @unit: unit ("Hz", "cents", "px/s"), "" when it has none
 * @required: whether every event or series of the kind has it
 * @description: one sentence
 */
struct _GstAvmField {
  const gchar *name;
  const gchar *type;
  const gchar *unit;
  gboolean required;
  const gchar *description;
};

/**
 * GstAvmKind:
 * @name: the `kind` in the caps
 * @type: series or events
 * @description: one sentence
 * @producers: elements that produce it, separated by spaces
 * @consumers: elements that consume it, separated by spaces
 * @n_fields: length of @fields
 * @fields: (array length=n_fields): fields or quantities
 */
struct _GstAvmKind {
  const gchar *name;
  GstAvmStreamType type;
  const gchar *description;
  const gchar *producers;
  const gchar *consumers;
  guint n_fields;
  const GstAvmField *fields;
};

GST_AVM_API
guint gst_avm_kind_count (void);

GST_AVM_API
const GstAvmKind *gst_avm_kind_nth (guint index);

GST_AVM_API
const GstAvmKind *gst_avm_kind_lookup (const gchar *name);

GST_AVM_API
const GstAvmField *gst_avm_kind_nth_field (const GstAvmKind *kind, guint index);

GST_AVM_API
const GstAvmField *gst_avm_kind_find_field (
    const GstAvmKind *kind, const gchar *name);

GST_AVM_API
GVariant *gst_avm_kind_describe (guint index);

GST_AVM_API
void gst_avm_init_i18n (void);

G_END_DECLS

#endif /* __GST_AVM_KINDS_H__ */
