/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shot boundaries of a film: cuts and dissolves, from luma alone.
 *
 * Each frame is kept as a small picture (48 x 27 cell means). How unlike two
 * frames are, 0 to 1, is what is left of them when blocks of that picture may
 * move and change their brightness and contrast: one less the normalised
 * correlation at the best displacement, weighted by how much there is to see
 * in the block. A pan, a player who rises or a lamp so count for little; plain
 * frames of different brightness are alike.
 *
 * A cut is a frame unlike the one before it, by more than a fixed threshold
 * and by far more than the frames around are unlike each other (an adaptive
 * threshold after Hanjalic, "Shot-boundary detection: unraveled and resolved?",
 * IEEE Trans. CSVT 12(2), 2002), which is not taken back by the next frames.
 *
 * A dissolve is where two frames, unlike as across a cut, have between them
 * nothing but mixtures of the two: T(i) = T(s) + a(i) (T(e) - T(s)), a rising
 * from 0 to 1 without a leap, with little of T(i) left over. Motion leaves
 * much over, however gradual. It takes the place of the lower threshold in the
 * twin comparison of Zhang, Kankanhalli and Smoliar, "Automatic partitioning of
 * full-motion video", Multimedia Systems 1(1), 1993. Fades to and from black
 * are dissolves; wipes are not found.
 *
 * Boundaries are decided some 12 frames late, dissolves up to 40 more;
 * avm_shots_is_cut says at once whether the frame just given begins a shot, and
 * knows neither dissolves nor flashes. Memory: 2.7 MB. No frame is kept.
 */

#ifndef AVM_SHOTS_H
#define AVM_SHOTS_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * AvmShotsParams
 * cut: least unlikeness of the frames on both sides of a cut, 0 to 1
 * dissolve: the same of the frames at both ends of a dissolve, 0 to 1
 * max_dissolve: longest dissolve, s, 0 (none are looked for) to 10; counted
 *   in frames not more than 180
 * min_shot: a boundary less than this after another is none, s, 0 to 60
 */
typedef struct {
  double cut;
  double dissolve;
  double max_dissolve;
  double min_shot;
} AvmShotsParams;

#define AVM_SHOTS_PARAMS_INIT                                                  \
  {                                                                            \
    0.07, 0.15, 3.0, 0.2                                                       \
  }

typedef enum {
  AVM_SHOTS_CUT,
  AVM_SHOTS_DISSOLVE
} AvmShotsTransition;

/**
 * AvmShotsBoundary: where a shot begins.
 * time: of its first frame that shows nothing else, s, as given
 * duration: of the dissolve that ends there, s; 0 for a cut
 * score: how unlike the shot before it is, 0 to 1
 */
typedef struct {
  AvmShotsTransition transition;
  double time;
  double duration;
  double score;
} AvmShotsBoundary;

typedef struct _AvmShots AvmShots;

/* NULL and error: AVM_ERROR_RANGE or AVM_ERROR_MEMORY */
AvmShots *avm_shots_new (const AvmShotsParams *params, AvmError *error);
void avm_shots_free (AvmShots *self);

/* The next frame is the first of another film. Boundaries that were not
 * taken are dropped. */
void avm_shots_reset (AvmShots *self);

/* One frame of width x height px, 8-bit luma, stride in bytes, at time (s),
 * which must rise. The size may change from frame to frame. */
void avm_shots_do (AvmShots *self, const uint8_t *luma, ptrdiff_t stride,
    int width, int height, double time);

/* No more frames: what can be decided without them is. */
void avm_shots_end (AvmShots *self);

/* The next boundary that is decided, in order of time; false: none yet. */
bool avm_shots_take (AvmShots *self, AvmShotsBoundary *boundary);

/* How unlike the last frame is to the one before it, 0 to 1; 0 for the first */
double avm_shots_unlikeness (const AvmShots *self);
/* Whether the last frame begins a shot, by what was seen until now. */
bool avm_shots_is_cut (const AvmShots *self);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SHOTS_H */
