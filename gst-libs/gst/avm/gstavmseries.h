/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_SERIES_H__
#define __GST_AVM_SERIES_H__

#include <gst/avm/avm-prelude.h>

G_BEGIN_DECLS

#define GST_AVM_SERIES_MEDIA_TYPE "application/x-avm-series"

/**
 * GST_AVM_SERIES_CAPS: (skip)
 *
 * Template caps of a series of one kind; give the kind as a string literal.
 */
#define GST_AVM_SERIES_CAPS(kind)                                              \
  GST_AVM_SERIES_MEDIA_TYPE ", kind = (string) " kind ", "                     \
                            "version = (int) 1, format = (string) F32LE, "     \
                            "rate = (fraction) [ 0/1, 2147483647/1 ], "        \
                            "channels = (int) [ 1, 2147483647 ]"

/**
 * GST_AVM_NONE:
 *
 * Region or part "none": the value is about no region (or no part).
 */
#define GST_AVM_NONE (-1)

/**
 * GST_AVM_ANY:
 *
 * In searches: any region (or part).
 */
#define GST_AVM_ANY (-2)

#define GST_TYPE_AVM_SERIES_INFO (gst_avm_series_info_get_type ())

typedef struct _GstAvmSeriesInfo GstAvmSeriesInfo;
typedef struct _GstAvmSeriesMap GstAvmSeriesMap;

/**
 * GstAvmSeriesMap: (skip)
 * @rows: @n_rows times n_channels values, row by row; NaN: not known
 * @n_rows: number of rows
 * @n_channels: values in a row
 */
struct _GstAvmSeriesMap {
  const gfloat *rows;
  guint n_rows;
  guint n_channels;

  /*< private > */
  GstMapInfo map;
  GstBuffer *buffer;
  gpointer copy;
  gpointer _gst_reserved[GST_PADDING];
};

GST_AVM_API
GType gst_avm_series_info_get_type (void);

GST_AVM_API
GstAvmSeriesInfo *gst_avm_series_info_new (
    const gchar *kind, gint rate_n, gint rate_d);

GST_AVM_API
GstAvmSeriesInfo *gst_avm_series_info_new_from_caps (
    const GstCaps *caps, GError **error);

GST_AVM_API
GstAvmSeriesInfo *gst_avm_series_info_copy (const GstAvmSeriesInfo *info);

GST_AVM_API
void gst_avm_series_info_free (GstAvmSeriesInfo *info);

GST_AVM_API
GstCaps *gst_avm_series_info_to_caps (const GstAvmSeriesInfo *info);

GST_AVM_API
guint gst_avm_series_info_add_channel (GstAvmSeriesInfo *info,
    const gchar *name, const gchar *quantity, const gchar *unit, gint region,
    gint part);

GST_AVM_API
const gchar *gst_avm_series_info_get_kind (const GstAvmSeriesInfo *info);

GST_AVM_API
void gst_avm_series_info_get_rate (
    const GstAvmSeriesInfo *info, gint *rate_n, gint *rate_d);

GST_AVM_API
guint gst_avm_series_info_get_n_channels (const GstAvmSeriesInfo *info);

GST_AVM_API
const gchar *gst_avm_series_info_get_name (
    const GstAvmSeriesInfo *info, guint channel);

GST_AVM_API
const gchar *gst_avm_series_info_get_quantity (
    const GstAvmSeriesInfo *info, guint channel);

GST_AVM_API
const gchar *gst_avm_series_info_get_unit (
    const GstAvmSeriesInfo *info, guint channel);

GST_AVM_API
gint gst_avm_series_info_get_region (
    const GstAvmSeriesInfo *info, guint channel);

GST_AVM_API
gint gst_avm_series_info_get_part (const GstAvmSeriesInfo *info, guint channel);

GST_AVM_API
gint gst_avm_series_info_find_channel (const GstAvmSeriesInfo *info,
    const gchar *quantity, gint region, gint part);

GST_AVM_API
GstBuffer *gst_avm_series_buffer_new (const GstAvmSeriesInfo *info,
    const gfloat *rows, guint n_rows, GstClockTime pts);

GST_AVM_API
gboolean gst_avm_series_map (GstAvmSeriesMap *map, const GstAvmSeriesInfo *info,
    GstBuffer *buffer, GError **error);

GST_AVM_API
void gst_avm_series_unmap (GstAvmSeriesMap *map);

GST_AVM_API
gfloat *gst_avm_series_buffer_get_values (GstBuffer *buffer,
    const GstAvmSeriesInfo *info, gsize *n_values, GError **error);

GST_AVM_API
GstClockTime gst_avm_series_row_time (
    const GstAvmSeriesInfo *info, GstClockTime pts, guint row);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstAvmSeriesInfo, gst_avm_series_info_free)

G_END_DECLS

#endif /* __GST_AVM_SERIES_H__ */
