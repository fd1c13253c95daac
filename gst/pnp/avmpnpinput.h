/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes beside the pictures: notes, associations, and which channels of a
 * motion series show what of whom.
 */

#ifndef __AVM_PNP_INPUT_H__
#define __AVM_PNP_INPUT_H__

#include "avmpnpcamera.h"
#include "avmpnppeople.h"

G_BEGIN_DECLS

/**
 * AvmPnpColumn: of a motion series
 * vx, vy: channels
 * speeds: guint, channels with the speeds of groups of points
 */
typedef struct {
  gint key;
  AvmPlayingLimb limb;
  guint vx, vy;
  GArray *speeds;
} AvmPnpColumn;

/* Of #AvmPnpColumn; they are freed with the array. */
GArray *avm_pnp_columns (const GstAvmSeriesInfo *info);
void avm_pnp_column_read (
    const AvmPnpColumn *column, const gfloat *values, AvmPnpRow *row);

/* Notes and what the association says */
typedef struct _AvmPnpScore AvmPnpScore;

AvmPnpScore *avm_pnp_score_new (void);
void avm_pnp_score_free (AvmPnpScore *score);
void avm_pnp_score_forget_notes (AvmPnpScore *score);
void avm_pnp_score_forget_links (AvmPnpScore *score);

/* @onset: running time */
void avm_pnp_score_add_note (
    AvmPnpScore *score, GstClockTime onset, const GstAvmEvent *event);
/* The latest link of a region holds. */
void avm_pnp_score_add_link (AvmPnpScore *score, const GstAvmEvent *event);
/* End of the last note, running time; 0: there is none */
GstClockTime avm_pnp_score_end (const AvmPnpScore *score);
/* Name of a part to its number + 1; NULL: no notes came */
GHashTable *avm_pnp_score_names (AvmPnpScore *score);
/* FALSE: out of memory */
gboolean avm_pnp_score_give_notes (AvmPnpScore *score, AvmPlaying *playing);
gboolean avm_pnp_score_has_links (const AvmPnpScore *score);
/* The part that the association gives a person, by the regions in which the
 * person was seen in camera 0, else in any; AVM_PNP_PART_UNKNOWN: none */
gint avm_pnp_score_part (const AvmPnpScore *score, const AvmPnpPeople *people,
    AvmPnpCamera *const *cameras, gint person);

G_END_DECLS

#endif /* __AVM_PNP_INPUT_H__ */
