/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * 8-bit luma pyramids (Burt and Adelson 1983): each level is the level below
 * it, smoothed with the binomial 1-4-6-4-1 in both directions and halved.
 * Pixel (x, y) of level l is centred on pixel (x 2^l, y 2^l) of the picture,
 * so a position is scaled by a plain factor. The edge is mirrored without
 * repeating the outermost pixel.
 */

#ifndef AVM_PYRAMID_H
#define AVM_PYRAMID_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Levels that a pyramid can have, the picture itself included. */
#define AVM_PYRAMID_MAX_LEVELS 8

/**
 * AvmPlane: a view of an 8-bit plane; owns nothing.
 * width, height: px, >= 1
 * stride: bytes from one row to the next, may be negative
 * data: the first pixel of the first row
 */
typedef struct {
  int width, height;
  ptrdiff_t stride;
  const uint8_t *data;
} AvmPlane;

/**
 * AvmRect: columns x to x + width - 1, rows y to y + height - 1.
 */
typedef struct {
  int x, y, width, height;
} AvmRect;

/**
 * AvmVec2: a position or a displacement in px; the centre of the top left
 * pixel is 0, 0.
 */
typedef struct {
  float x, y;
} AvmVec2;

typedef struct _AvmPyramid AvmPyramid;

/* A pyramid for pictures of width x height px (1 to 32768 each) with at most
 * max_level levels above the picture (0 to 7). Levels whose shorter side would
 * fall below 8 px are left out. NULL: out of range or out of memory. */
AvmPyramid *avm_pyramid_new (int width, int height, int max_level);
void avm_pyramid_free (AvmPyramid *self);

/* Copies the picture and builds all levels of it. `data` is not kept. */
void avm_pyramid_build (
    AvmPyramid *self, const uint8_t *data, ptrdiff_t stride);

/* Index of the coarsest level; 0 is the picture itself. */
int avm_pyramid_max_level (const AvmPyramid *self);

/* A view of one level, 0 <= level <= avm_pyramid_max_level (self); it changes
 * with the next build and dies with the pyramid. */
const AvmPlane *avm_pyramid_level (const AvmPyramid *self, int level);

#ifdef __cplusplus
}
#endif
#endif /* AVM_PYRAMID_H */
