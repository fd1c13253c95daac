/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What avmvibrato remembers of its streams: the motion of each region, the
 * pitch contour of each part, and which region plays which part.
 */

#ifndef __AVM_VIBRATO_PARTS_H__
#define __AVM_VIBRATO_PARTS_H__

#include <gst/avm/avm.h>

#include "dsp/avm-vibrato.h"

G_BEGIN_DECLS

typedef struct {
  gint region;
  gint part;   /* as the motion caps say, or none */
  gchar *name; /* of the channel */
  AvmVibratoTrack *track;
  gboolean analysed;
} AvmVibratoRegion;

typedef struct {
  gint part;
  AvmVibratoContour *contour;
} AvmVibratoPart;

typedef struct {
  gint region, part;
  gdouble confidence;
} AvmVibratoLink;

/* Where in a row the values of one region or part stand */
typedef struct {
  guint first, second;
  gint confidence; /* -1: the series has none */
  gpointer target; /* AvmVibratoRegion or AvmVibratoPart */
} AvmVibratoColumn;

typedef struct {
  GPtrArray *regions; /* AvmVibratoRegion, in order of arrival */
  GPtrArray *parts;   /* AvmVibratoPart */
  GArray *links;      /* AvmVibratoLink, from the association */
  gsize n_rows, n_points;
} AvmVibratoParts;

AvmVibratoParts *avm_vibrato_parts_new (void);
void avm_vibrato_parts_free (AvmVibratoParts *parts);

void avm_vibrato_parts_forget_motion (AvmVibratoParts *parts);
void avm_vibrato_parts_forget_f0 (AvmVibratoParts *parts);
void avm_vibrato_parts_forget_links (AvmVibratoParts *parts);

/* Columns of a motion or F0 series; NULL when it has none of use. Regions and
 * parts that are new are made. */
GArray *avm_vibrato_parts_motion_columns (
    AvmVibratoParts *parts, const GstAvmSeriesInfo *info);
GArray *avm_vibrato_parts_f0_columns (
    AvmVibratoParts *parts, const GstAvmSeriesInfo *info);

/* FALSE: out of memory */
gboolean avm_vibrato_parts_add_motion (AvmVibratoParts *parts,
    const GArray *columns, const gfloat *row, gdouble time);
gboolean avm_vibrato_parts_add_f0 (AvmVibratoParts *parts,
    const GArray *columns, const gfloat *row, gdouble time);
void avm_vibrato_parts_add_link (
    AvmVibratoParts *parts, gint region, gint part, gdouble confidence);

/* The region whose motion stands for a part: by association, else by the
 * property (links of its own), else as the caps say; else, with one region
 * and one part alone, that one. Of several, those named after `role` first,
 * then the surest, then the one with most rows. NULL: none. */
AvmVibratoRegion *avm_vibrato_parts_find_region (AvmVibratoParts *parts,
    const GArray *property_links, const gchar *role, gint part,
    gboolean only_part);

/* The contour of a part; when only_part, that of part "none" or the only one
 * will do. NULL: none. */
AvmVibratoContour *avm_vibrato_parts_find_contour (
    AvmVibratoParts *parts, gint part, gboolean only_part);

G_END_DECLS

#endif /* __AVM_VIBRATO_PARTS_H__ */
