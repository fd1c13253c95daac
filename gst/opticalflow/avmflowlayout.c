/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmflowlayout.h"

#include <math.h>

static void
region_clear (gpointer data)
{
  avm_trajectories_free (((AvmFlowRegion *)data)->trajectories);
}

GArray *
avm_flow_regions_new (void)
{
  GArray *regions = g_array_new (FALSE, TRUE, sizeof (AvmFlowRegion));

  g_array_set_clear_func (regions, region_clear);
  return regions;
}

static gint
by_id (gconstpointer a, gconstpointer b)
{
  const GstAvmRegion *x = *(GstAvmRegion *const *)a;
  const GstAvmRegion *y = *(GstAvmRegion *const *)b;

  return x->id < y->id ? -1 : x->id > y->id;
}

static gboolean
same_regions (GArray *regions, GPtrArray *next)
{
  if (regions->len != next->len)
    return FALSE;
  for (guint i = 0; i < next->len; i++) {
    const GstAvmRegion *a = &g_array_index (regions, AvmFlowRegion, i).now;
    const GstAvmRegion *b = g_ptr_array_index (next, i);

    if (a->id != b->id || a->part != b->part || a->role != b->role)
      return FALSE;
  }
  return TRUE;
}

static AvmFlowRegion *
find (GArray *regions, gint id)
{
  for (guint i = 0; i < regions->len; i++) {
    AvmFlowRegion *region = &g_array_index (regions, AvmFlowRegion, i);

    if (region->now.id == id)
      return region;
  }
  return NULL;
}

/* The new list keeps the history of the regions that stay. */
static void
rebuild (
    GArray *regions, GPtrArray *next, guint clusters, guint window, guint seed)
{
  GArray *list = avm_flow_regions_new ();

  for (guint i = 0; i < next->len; i++) {
    const GstAvmRegion *now = g_ptr_array_index (next, i);
    AvmFlowRegion *old = find (regions, now->id), region = {0};

    if (old != NULL) {
      region = *old;
      old->trajectories = NULL;
    } else {
      region.now = *now;
      region.fresh = TRUE;
      if (clusters > 0)
        region.trajectories = avm_trajectories_new (
            AVM_FLOW_POINTS, (gint)window, (gint)clusters, seed, NULL);
    }
    g_array_append_val (list, region);
  }
  g_array_set_size (regions, 0);
  g_array_append_vals (regions, list->data, list->len);
  g_array_set_clear_func (list, NULL);
  g_array_unref (list);
}

gboolean
avm_flow_regions_update (
    GArray *regions, GPtrArray *next, guint clusters, guint window, guint seed)
{
  gboolean changed;

  g_ptr_array_sort (next, by_id);
  changed = !same_regions (regions, next);
  for (guint i = 0; i < regions->len; i++)
    g_array_index (regions, AvmFlowRegion, i).fresh = FALSE;
  if (changed)
    rebuild (regions, next, clusters, window, seed);
  for (guint i = 0; i < next->len; i++) {
    AvmFlowRegion *region = &g_array_index (regions, AvmFlowRegion, i);

    region->before = region->now;
    region->now = *(const GstAvmRegion *)g_ptr_array_index (next, i);
  }
  return changed;
}

static void
add_channel (GstAvmSeriesInfo *info, const GstAvmRegion *region,
    const gchar *quantity, const gchar *unit, gint number)
{
  GString *name = g_string_new (region->role != NULL ? region->role : "region");

  if (region->id != GST_AVM_NONE)
    g_string_append_printf (name, "-%d", region->id);
  g_string_append_printf (name, "-%s", quantity);
  if (number >= 0)
    g_string_append_printf (name, "-%d", number);
  gst_avm_series_info_add_channel (
      info, name->str, quantity, unit, region->id, region->part);
  g_string_free (name, TRUE);
}

GstAvmSeriesInfo *
avm_flow_regions_describe (
    GArray *regions, guint clusters, gint rate_n, gint rate_d)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", rate_n, rate_d);

  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *region = &g_array_index (regions, AvmFlowRegion, i).now;

    add_channel (info, region, "vx", "px/s", -1);
    add_channel (info, region, "vy", "px/s", -1);
    add_channel (info, region, "confidence", "", -1);
    for (guint c = 0; c < clusters; c++)
      add_channel (info, region, "speed", "px/s", (gint)c);
  }
  return info;
}

/* One side of a rectangle cut to the picture, whole px */
static gboolean
clip (gfloat start, gfloat size, gint limit, gint *first, gint *count)
{
  gdouble end;

  if (!(isfinite (start) && isfinite (size) && size > 0.0f))
    return FALSE;
  end = ceil (CLAMP ((gdouble)start + size, 0.0, limit));
  *first = (gint)floor (CLAMP (start, 0.0f, (gfloat)limit));
  *count = (gint)end - *first;
  return *count >= 1;
}

gboolean
avm_flow_region_clip (
    const GstAvmRegion *region, gint width, gint height, AvmDisRect *rect)
{
  if (!clip (region->x, region->w, width, &rect->x, &rect->w)
      || !clip (region->y, region->h, height, &rect->y, &rect->h))
    return FALSE;
  return 10.0 * rect->w * rect->h >= (gdouble)region->w * region->h;
}

gboolean
avm_flow_region_shift (const AvmFlowRegion *region, gfloat *dx, gfloat *dy)
{
  const GstAvmRegion *a = &region->before, *b = &region->now;

  /* a region that was lost before was not where its rectangle says */
  if (region->fresh || a->state == GST_AVM_REGION_LOST
      || b->state == GST_AVM_REGION_LOST
      || b->state == GST_AVM_REGION_RECOVERED)
    return FALSE;
  *dx = (b->x + 0.5f * b->w) - (a->x + 0.5f * a->w);
  *dy = (b->y + 0.5f * b->h) - (a->y + 0.5f * a->h);
  return TRUE;
}
