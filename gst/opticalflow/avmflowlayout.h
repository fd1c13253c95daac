/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The regions that a motion series describes, and its channels.
 */

#ifndef __AVM_FLOW_LAYOUT_H__
#define __AVM_FLOW_LAYOUT_H__

#include <gst/avm/avm.h>

#include "vision/avm-dis.h"
#include "vision/avm-trajectories.h"

G_BEGIN_DECLS

/* Points of a trajectory grid per region, in each direction */
#define AVM_FLOW_GRID 12
#define AVM_FLOW_POINTS (AVM_FLOW_GRID * AVM_FLOW_GRID)

/**
 * AvmFlowRegion: one region from frame to frame.
 * now, before: in this frame and the one before
 * fresh: there is none before
 * trajectories: of the points of its grid, NULL without clusters
 */
typedef struct {
  GstAvmRegion now, before;
  gboolean fresh;
  AvmTrajectories *trajectories;
} AvmFlowRegion;

GArray *avm_flow_regions_new (void);

/* Takes over the regions of the next frame. TRUE: they are not the same ones
 * as before (id, role, part or their number), so the channels change. */
gboolean avm_flow_regions_update (
    GArray *regions, GPtrArray *next, guint clusters, guint window, guint seed);

/* vx, vy, confidence and `clusters` speeds per region, in order of id */
GstAvmSeriesInfo *avm_flow_regions_describe (
    GArray *regions, guint clusters, gint rate_n, gint rate_d);

/* The part of a region inside the picture, px; FALSE: less than a tenth of it
 * is there. */
gboolean avm_flow_region_clip (
    const GstAvmRegion *region, gint width, gint height, AvmDisRect *rect);

/* Whether the region was seen in both frames, and by how much its middle
 * moved, px. */
gboolean avm_flow_region_shift (
    const AvmFlowRegion *region, gfloat *dx, gfloat *dy);

G_END_DECLS

#endif /* __AVM_FLOW_LAYOUT_H__ */
