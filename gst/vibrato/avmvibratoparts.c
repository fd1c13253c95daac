/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmvibratoparts.h"

#include <string.h>

static void
region_free (AvmVibratoRegion *region)
{
  avm_vibrato_track_free (region->track);
  g_free (region->name);
  g_free (region);
}

static void
part_free (AvmVibratoPart *part)
{
  avm_vibrato_contour_free (part->contour);
  g_free (part);
}

AvmVibratoParts *
avm_vibrato_parts_new (void)
{
  AvmVibratoParts *parts = g_new0 (AvmVibratoParts, 1);

  parts->regions = g_ptr_array_new_with_free_func ((GDestroyNotify)region_free);
  parts->parts = g_ptr_array_new_with_free_func ((GDestroyNotify)part_free);
  parts->links = g_array_new (FALSE, FALSE, sizeof (AvmVibratoLink));
  return parts;
}

void
avm_vibrato_parts_free (AvmVibratoParts *parts)
{
  g_ptr_array_unref (parts->regions);
  g_ptr_array_unref (parts->parts);
  g_array_unref (parts->links);
  g_free (parts);
}

/* Regions and parts stay, since columns point to them; their data go. */
void
avm_vibrato_parts_forget_motion (AvmVibratoParts *parts)
{
  for (guint i = 0; i < parts->regions->len; i++) {
    AvmVibratoRegion *region = g_ptr_array_index (parts->regions, i);

    avm_vibrato_track_clear (region->track);
    region->analysed = FALSE;
  }
  parts->n_rows = 0;
}

void
avm_vibrato_parts_forget_f0 (AvmVibratoParts *parts)
{
  for (guint i = 0; i < parts->parts->len; i++) {
    AvmVibratoPart *part = g_ptr_array_index (parts->parts, i);

    avm_vibrato_contour_clear (part->contour);
  }
  parts->n_points = 0;
}

void
avm_vibrato_parts_forget_links (AvmVibratoParts *parts)
{
  g_array_set_size (parts->links, 0);
}

static AvmVibratoRegion *
get_region (AvmVibratoParts *parts, gint id)
{
  AvmVibratoRegion *region;

  for (guint i = 0; i < parts->regions->len; i++) {
    region = g_ptr_array_index (parts->regions, i);
    if (region->region == id)
      return region;
  }
  region = g_new0 (AvmVibratoRegion, 1);
  region->region = id;
  region->track = avm_vibrato_track_new ();
  g_ptr_array_add (parts->regions, region);
  return region;
}

static AvmVibratoPart *
get_part (AvmVibratoParts *parts, gint id)
{
  AvmVibratoPart *part;

  for (guint i = 0; i < parts->parts->len; i++) {
    part = g_ptr_array_index (parts->parts, i);
    if (part->part == id)
      return part;
  }
  part = g_new0 (AvmVibratoPart, 1);
  part->part = id;
  part->contour = avm_vibrato_contour_new ();
  g_ptr_array_add (parts->parts, part);
  return part;
}

GArray *
avm_vibrato_parts_motion_columns (
    AvmVibratoParts *parts, const GstAvmSeriesInfo *info)
{
  guint n = gst_avm_series_info_get_n_channels (info);
  GArray *columns = g_array_new (FALSE, FALSE, sizeof (AvmVibratoColumn));

  for (guint i = 0; i < n; i++) {
    gint id = gst_avm_series_info_get_region (info, i);
    gint vy;
    AvmVibratoColumn column;
    AvmVibratoRegion *region;

    if (g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "vx") != 0)
      continue;
    vy = gst_avm_series_info_find_channel (info, "vy", id, GST_AVM_ANY);
    if (vy < 0)
      continue;
    column.first = i;
    column.second = (guint)vy;
    column.confidence =
        gst_avm_series_info_find_channel (info, "confidence", id, GST_AVM_ANY);
    column.target = region = get_region (parts, id);
    g_free (region->name);
    region->name = g_strdup (gst_avm_series_info_get_name (info, i));
    region->part = gst_avm_series_info_get_part (info, i);
    g_array_append_val (columns, column);
  }
  if (columns->len == 0)
    g_clear_pointer (&columns, g_array_unref);
  return columns;
}

GArray *
avm_vibrato_parts_f0_columns (
    AvmVibratoParts *parts, const GstAvmSeriesInfo *info)
{
  guint n = gst_avm_series_info_get_n_channels (info);
  GArray *columns = g_array_new (FALSE, FALSE, sizeof (AvmVibratoColumn));

  for (guint i = 0; i < n; i++) {
    gint id = gst_avm_series_info_get_part (info, i);
    AvmVibratoColumn column;

    if (g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "f0") != 0)
      continue;
    column.first = column.second = i;
    column.confidence =
        gst_avm_series_info_find_channel (info, "confidence", GST_AVM_ANY, id);
    column.target = get_part (parts, id);
    g_array_append_val (columns, column);
  }
  if (columns->len == 0)
    g_clear_pointer (&columns, g_array_unref);
  return columns;
}

gboolean
avm_vibrato_parts_add_motion (AvmVibratoParts *parts, const GArray *columns,
    const gfloat *row, gdouble time)
{
  for (guint i = 0; i < columns->len; i++) {
    const AvmVibratoColumn *c = &g_array_index (columns, AvmVibratoColumn, i);
    AvmVibratoRegion *region = c->target;

    if (!avm_vibrato_track_add (region->track, time, row[c->first],
            row[c->second], c->confidence >= 0 ? row[c->confidence] : 1.0))
      return FALSE;
  }
  parts->n_rows++;
  return TRUE;
}

gboolean
avm_vibrato_parts_add_f0 (AvmVibratoParts *parts, const GArray *columns,
    const gfloat *row, gdouble time)
{
  for (guint i = 0; i < columns->len; i++) {
    const AvmVibratoColumn *c = &g_array_index (columns, AvmVibratoColumn, i);
    AvmVibratoPart *part = c->target;

    if (!avm_vibrato_contour_add (part->contour, time, row[c->first],
            c->confidence >= 0 ? row[c->confidence] : 1.0))
      return FALSE;
  }
  parts->n_points++;
  return TRUE;
}

/* A later word about a region replaces the earlier one. */
void
avm_vibrato_parts_add_link (
    AvmVibratoParts *parts, gint region, gint part, gdouble confidence)
{
  AvmVibratoLink link = {region, part, confidence};

  for (guint i = 0; i < parts->links->len; i++) {
    AvmVibratoLink *old = &g_array_index (parts->links, AvmVibratoLink, i);

    if (old->region == region) {
      *old = link;
      return;
    }
  }
  g_array_append_val (parts->links, link);
}

static gboolean
links_give (const GArray *links, gint region, gint part, gdouble *confidence)
{
  for (guint i = 0; i < links->len; i++) {
    const AvmVibratoLink *link = &g_array_index (links, AvmVibratoLink, i);

    if (link->region == region && link->part == part) {
      *confidence = link->confidence;
      return TRUE;
    }
  }
  return FALSE;
}

/* Whether a better stands before b */
static gboolean
is_better (const AvmVibratoRegion *a, gdouble sure_a, const AvmVibratoRegion *b,
    gdouble sure_b, const gchar *role)
{
  gboolean fits_a, fits_b;

  if (b == NULL)
    return TRUE;
  fits_a = a->name != NULL && g_str_has_prefix (a->name, role);
  fits_b = b->name != NULL && g_str_has_prefix (b->name, role);
  if (fits_a != fits_b)
    return fits_a;
  if (sure_a != sure_b)
    return sure_a > sure_b;
  return avm_vibrato_track_rows (a->track) > avm_vibrato_track_rows (b->track);
}

static gboolean
region_plays (const AvmVibratoParts *parts, const GArray *property_links,
    const AvmVibratoRegion *region, gint part, gdouble *sure)
{
  *sure = 1.0;
  if (parts->links->len > 0)
    return links_give (parts->links, region->region, part, sure);
  if (property_links->len > 0)
    return links_give (property_links, region->region, part, sure);
  return region->part != GST_AVM_NONE && region->part == part;
}

AvmVibratoRegion *
avm_vibrato_parts_find_region (AvmVibratoParts *parts,
    const GArray *property_links, const gchar *role, gint part,
    gboolean only_part)
{
  AvmVibratoRegion *best = NULL;
  gdouble best_sure = 0.0;

  for (guint i = 0; i < parts->regions->len; i++) {
    AvmVibratoRegion *region = g_ptr_array_index (parts->regions, i);
    gdouble sure;

    if (!region_plays (parts, property_links, region, part, &sure))
      continue;
    if (is_better (region, sure, best, best_sure, role)) {
      best = region;
      best_sure = sure;
    }
  }
  if (best == NULL && only_part && parts->regions->len == 1
      && parts->links->len == 0 && property_links->len == 0)
    best = g_ptr_array_index (parts->regions, 0);
  return best;
}

AvmVibratoContour *
avm_vibrato_parts_find_contour (
    AvmVibratoParts *parts, gint part, gboolean only_part)
{
  AvmVibratoPart *none = NULL;

  for (guint i = 0; i < parts->parts->len; i++) {
    AvmVibratoPart *candidate = g_ptr_array_index (parts->parts, i);

    if (candidate->part == part)
      return candidate->contour;
    if (candidate->part == GST_AVM_NONE)
      none = candidate;
  }
  if (only_part && none == NULL && parts->parts->len == 1)
    none = g_ptr_array_index (parts->parts, 0);
  return only_part && none != NULL ? none->contour : NULL;
}
