/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Corners that can be tracked (Shi and Tomasi 1994): local maxima of the
 * smaller eigenvalue of the structure tensor, taken from Sobel gradients and a
 * 3x3 block, strongest first, with a minimum distance between them. The map of
 * eigenvalues is never stored: it lives in three rows at a time.
 */

#ifndef AVM_CORNERS_H
#define AVM_CORNERS_H

#include "vision/avm-pyramid.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * AvmCorner: a corner on the pixel grid.
 * response: smaller eigenvalue of the mean structure tensor, (grey/px)^2
 */
typedef struct {
  float x, y;
  float response;
} AvmCorner;

/**
 * AvmCornersParams
 * quality: least response, as a part of the greatest one found, 0 to 1
 * min_response: least response, (grey/px)^2, >= 0
 * min_distance: between two corners, px, >= 0
 */
typedef struct {
  float quality;
  float min_response;
  float min_distance;
} AvmCornersParams;

typedef struct _AvmCorners AvmCorners;

/* A detector for planes of up to max_width columns. NULL: out of memory or
 * max_width < 1. */
AvmCorners *avm_corners_new (int max_width);
void avm_corners_free (AvmCorners *self);

/* Finds up to max_corners corners, strongest first, and returns how many; 0
 * also when memory runs out or the plane is wider than said in new.
 *
 * rects: corners must lie in one of these rectangles, which may overlap and
 *   may reach outside the plane; the greatest response is looked for in their
 *   bounding box. NULL or n_rects 0: anywhere. The outermost pixels of the
 *   plane are never corners.
 * taken: positions that new corners keep min_distance from, may be NULL. */
size_t avm_corners_find (AvmCorners *self, const AvmPlane *plane,
    const AvmRect *rects, size_t n_rects, const AvmVec2 *taken, size_t n_taken,
    const AvmCornersParams *params, AvmCorner *corners, size_t max_corners);

#ifdef __cplusplus
}
#endif
#endif /* AVM_CORNERS_H */
