/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which channels of a motion series show what of which player, and which
 * regions a player has.
 */

#ifndef __AVM_ASSOCIATE_PLAYERS_H__
#define __AVM_ASSOCIATE_PLAYERS_H__

#include <gst/avm/avm.h>

#include "dsp/avm-associate.h"

G_BEGIN_DECLS

/**
 * AvmAssociateColumn:
 * @player: as the kernel knows the player
 * @vx: channel
 * @vy: channel
 * @confidence: channel, -1: there is none
 */
typedef struct {
  gint player;
  AvmAssociateLimb limb;
  guint vx, vy;
  gint confidence;
} AvmAssociateColumn;

/* The player to whom a region belongs: those of gst_avm_region_id() share one,
 * every other region is its own. */
gint avm_associate_player_of_region (gint region);

/* The columns of use in a motion series, of #AvmAssociateColumn. All its
 * regions are added to @regions, a sorted set of ids (#gint). */
GArray *avm_associate_columns (const GstAvmSeriesInfo *info, GArray *regions);

/* FALSE: out of memory. @seconds: running time of the row */
gboolean avm_associate_add_row (AvmAssociate *kernel, const GArray *columns,
    const gfloat *row, gdouble seconds);

G_END_DECLS

#endif /* __AVM_ASSOCIATE_PLAYERS_H__ */
