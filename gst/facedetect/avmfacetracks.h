/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which face of a key frame is which of the key frames before: faces that
 * are seen again keep their number, new ones get one that has not been in use
 * for as long as possible.
 */

#ifndef AVM_FACE_TRACKS_H
#define AVM_FACE_TRACKS_H

#include <glib.h>

#include "avmdlibface.h"

G_BEGIN_DECLS

/**
 * AvmFaceTrack
 * number: from 0, less than the most that were asked for
 * face: where it was seen last
 * seen: when that was, ns
 * fresh: whether it was seen in the last key frame
 * first: whether that was the first time
 */
typedef struct {
  guint number;
  AvmDlibFace face;
  guint64 seen;
  gboolean fresh;
  gboolean first;
} AvmFaceTrack;

typedef struct _AvmFaceTracks AvmFaceTracks;

AvmFaceTracks *avm_face_tracks_new (guint most);
void avm_face_tracks_free (AvmFaceTracks *self);

/* All faces are forgotten; their numbers are not used again soon. */
void avm_face_tracks_forget (AvmFaceTracks *self);
/* And the next one is number 0. */
void avm_face_tracks_reset (AvmFaceTracks *self);
/* The picture is larger by these factors from now on. */
void avm_face_tracks_scale (AvmFaceTracks *self, gdouble sx, gdouble sy);

/* The faces of a key frame: of those with a score of `least` or more all, of
 * the others only those that were there before. What was not seen for `forget`
 * ns is forgotten. Returns how many fresh ones there are; -1: more than can be
 * numbered, some are left out. */
gint avm_face_tracks_update (AvmFaceTracks *self, const AvmDlibFace *faces,
    guint n_faces, gfloat least, guint64 now, guint64 forget);

guint avm_face_tracks_count (const AvmFaceTracks *self);
const AvmFaceTrack *avm_face_tracks_nth (
    const AvmFaceTracks *self, guint index);

G_END_DECLS

#endif /* AVM_FACE_TRACKS_H */
