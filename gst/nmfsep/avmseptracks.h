/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What avmnmfsep knows of motion: a track is one series of speeds, and belongs
 * to a player, who plays a source.
 */

#ifndef __AVM_SEP_TRACKS_H__
#define __AVM_SEP_TRACKS_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/* Sources of tracks */
#define AVM_SEP_UNKNOWN (-1) /* of some source */
#define AVM_SEP_UNUSED (-2)  /* of none */

typedef struct {
  gint region;
  gint part;         /* as the caps say, or none */
  const gchar *role; /* interned; may be empty */
  gint source;       /* as avm_sep_tracks_resolve () found */
  gint motion;       /* number that the separation knows it by, -1 none yet */
} AvmSepTrack;

typedef struct {
  GstClockTime time; /* running time */
  guint track;
  gfloat speed; /* px/s, NaN not known */
} AvmSepSpeed;

typedef struct _AvmSepTracks AvmSepTracks;

AvmSepTracks *avm_sep_tracks_new (void);
void avm_sep_tracks_free (AvmSepTracks *tracks);
void avm_sep_tracks_reset (AvmSepTracks *tracks);
void avm_sep_tracks_forget_motion (AvmSepTracks *tracks);
void avm_sep_tracks_forget_links (AvmSepTracks *tracks);

/* The series that comes from now on. Every region has a track: the greatest of
 * its `speed` channels, or else the modulus of `vx` and `vy`, for a bow less
 * those of its player's face, player or hand, so that sway does not count. */
void avm_sep_tracks_set_series (
    AvmSepTracks *tracks, const GstAvmSeriesInfo *info);
void avm_sep_tracks_add_row (
    AvmSepTracks *tracks, const gfloat *row, GstClockTime time);
/* A region plays a part, or none (-1); a later word counts more. */
void avm_sep_tracks_add_link (
    AvmSepTracks *tracks, gint region, gint part, gdouble confidence);

/* Finds the source of every track. Of the regions of a player, those whose
 * role begins with `role` are used, else bow, else player, else hand, else
 * the rest. The association decides; without one the parts of the caps; without
 * either the players are the sources in order, or, with_notes, nobody knows.
 * Returns the highest source, -1 none. */
gint avm_sep_tracks_resolve (
    AvmSepTracks *tracks, const gchar *role, gboolean with_notes);

GArray *avm_sep_tracks_list (AvmSepTracks *tracks);   /* AvmSepTrack */
GArray *avm_sep_tracks_speeds (AvmSepTracks *tracks); /* AvmSepSpeed */

G_END_DECLS

#endif /* __AVM_SEP_TRACKS_H__ */
