/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pyramidal Lucas-Kanade tracking of points (Lucas and Kanade 1981; Bouguet,
 * "Pyramidal implementation of the Lucas Kanade feature tracker", 2000), with
 * translation, sub-pixel positions and the gradient of the first picture
 * (Scharr). Gradients are made for the window of each point only, so there are
 * no dense derivative pictures; all arithmetic is float, in windows of a few
 * cache lines.
 */

#ifndef AVM_LK_H
#define AVM_LK_H

#include "vision/avm-pyramid.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * AvmLkParams
 * window: side of the square window, px, odd, 5 to 39
 * max_level: coarsest pyramid level to begin at, 0 to 7
 * iterations: most iterations per level, 1 to 100
 * epsilon: an iteration that moves less than this ends the level, px
 * min_eigen: least smaller eigenvalue of the mean structure tensor of the
 *   window, (grey/px)^2; flatter windows are not tracked
 */
typedef struct {
  int window;
  int max_level;
  int iterations;
  float epsilon;
  float min_eigen;
} AvmLkParams;

#define AVM_LK_PARAMS_INIT                                                     \
  {                                                                            \
    21, 3, 30, 0.01f, 0.1f                                                     \
  }

/**
 * AvmLkStatus: what became of a point.
 */
typedef enum {
  AVM_LK_TRACKED = 0,
  AVM_LK_OUTSIDE, /* the window left the picture altogether */
  AVM_LK_FLAT     /* too little structure in the window */
} AvmLkStatus;

/**
 * AvmLkResult
 * error: mean absolute grey difference of the two windows, 0 to 255
 * ncc: normalised cross-correlation of the two windows, -1 to 1
 * Both are 0 unless the status is AVM_LK_TRACKED.
 */
typedef struct {
  AvmLkStatus status;
  float error;
  float ncc;
} AvmLkResult;

typedef struct _AvmLk AvmLk;
typedef struct _AvmLkTemplate AvmLkTemplate;

/* NULL: a parameter is out of range, or out of memory. One tracker must not
 * be used by two threads at once. */
AvmLk *avm_lk_new (const AvmLkParams *params);
void avm_lk_free (AvmLk *self);

/* Tracks n points from one picture into another of the same size. next: where
 * to begin (with guess), and the result; results may be NULL. Returns how many
 * were tracked. Positions that are not finite are AVM_LK_OUTSIDE. */
size_t avm_lk_track (AvmLk *self, const AvmPyramid *from, const AvmPyramid *to,
    const AvmVec2 *prev, AvmVec2 *next, AvmLkResult *results, size_t n,
    bool guess);

/* A window of full resolution that is kept, to be found again in later
 * pictures without the drift of tracking from frame to frame. */
AvmLkTemplate *avm_lk_template_new (const AvmLk *self);
void avm_lk_template_free (AvmLkTemplate *tmpl);

/* Takes the window around a position; false: outside, or too flat. */
bool avm_lk_template_take (
    AvmLk *self, AvmLkTemplate *tmpl, const AvmPlane *plane, AvmVec2 position);

/* Refines *position, which must be within a few pixels of the truth, to where
 * the template is found in the plane; AVM_LK_OUTSIDE leaves *position as it
 * was. */
AvmLkResult avm_lk_template_align (AvmLk *self, const AvmLkTemplate *tmpl,
    const AvmPlane *plane, AvmVec2 *position);

#ifdef __cplusplus
}
#endif
#endif /* AVM_LK_H */
