/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Follows rectangles through a film by the points inside them: corners (Shi
 * and Tomasi 1994), pyramidal Lucas-Kanade forwards and backwards (Kalal,
 * Mikolajczyk and Matas, "Forward-backward error", 2010), a robust common
 * motion, and new corners where few are left.
 *
 * Two anchors keep it from drifting. Each point keeps the window it was born
 * with and is aligned to that, not only to the frame before (Matthews,
 * Ishikawa and Baker, "The template update problem", 2004); the window is
 * taken anew only when it has become too different. Each region keeps a few
 * small pictures of itself, the given one among them: they tell whether what
 * is followed is still the region, pull it gently to where it looks most like
 * the given one, and find it again after a cut.
 *
 * Causal: a result is for the frame just given. Memory: two pyramids and the
 * regions; no frame is kept beyond the next.
 */

#ifndef AVM_KLT_H
#define AVM_KLT_H

#include "vision/avm-pyramid.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * AvmKltParams
 * points: most points per region, 4 to 1000
 * window: side of a point's window, px, odd, 5 to 39
 * max_level: coarsest pyramid level, 0 to 7
 * iterations, epsilon: per level, as in AvmLkParams
 * quality: least corner response as a part of the region's greatest, 0 to 1
 * min_distance: between two points, px
 * max_return_error: how far from its start a point may come back, px
 * max_deviation: how far a point's motion may be from the common motion, px
 * min_similarity: least correlation with the region's own pictures, 0 to 1;
 *   less than that for some frames means lost
 * follow_scale: whether the rectangle grows and shrinks with its points
 */
typedef struct {
  int points;
  int window;
  int max_level;
  int iterations;
  float epsilon;
  float quality;
  float min_distance;
  float max_return_error;
  float max_deviation;
  float min_similarity;
  bool follow_scale;
} AvmKltParams;

#define AVM_KLT_PARAMS_INIT                                                    \
  {                                                                            \
    40, 21, 3, 30, 0.01f, 0.01f, 3.0f, 0.5f, 1.5f, 0.5f, false                 \
  }

/**
 * AvmKltState: of a region in the frame just given.
 */
typedef enum {
  AVM_KLT_GIVEN,    /* put there for this frame */
  AVM_KLT_TRACKED,  /* followed from the frame before */
  AVM_KLT_LOST,     /* not found; the rectangle is the last one */
  AVM_KLT_RECOVERED /* found again after it was lost */
} AvmKltState;

/**
 * AvmKltPoint: a point that moves with its region.
 * id: stable while the point is tracked, unique in the tracker
 * x, y: px; dx, dy: since the frame before, px
 */
typedef struct {
  uint32_t id;
  float x, y, dx, dy;
} AvmKltPoint;

/**
 * AvmKltRegion
 * x, y, w, h: px, may lie partly outside the frame
 * dx, dy: robust common motion of its points since the frame before, px, not
 *   smoothed; 0 unless the state is AVM_KLT_TRACKED
 * confidence: 0 to 1
 * points: owned by the tracker, valid until its next call
 */
typedef struct {
  int id;
  AvmKltState state;
  float x, y, w, h;
  float dx, dy;
  float confidence;
  size_t n_points;
  const AvmKltPoint *points;
} AvmKltRegion;

typedef struct _AvmKlt AvmKlt;

/* A tracker for frames of width x height px. NULL: out of memory or a
 * parameter is out of range. Not to be used by two threads at once. */
AvmKlt *avm_klt_new (int width, int height, const AvmKltParams *params);
void avm_klt_free (AvmKlt *self);

/* Says where a region is in the next frame; a new id adds a region, a known
 * one is set anew. False: it does not touch the frame, its size is not
 * positive, or out of memory. */
bool avm_klt_set_region (
    AvmKlt *self, int id, float x, float y, float w, float h);
void avm_klt_remove_region (AvmKlt *self, int id);

/* The next frame is no continuation: regions are looked for in it by their
 * looks, nearby first. */
void avm_klt_reset (AvmKlt *self);

/* Frames have another size from now on; regions are scaled with them and
 * looked for. False: out of range or out of memory, nothing has changed. */
bool avm_klt_resize (AvmKlt *self, int width, int height);

/* One frame: 8-bit luma, stride in bytes. `luma` is not kept. */
void avm_klt_do (AvmKlt *self, const uint8_t *luma, ptrdiff_t stride);

/* Regions in the order in which they were added. */
size_t avm_klt_n_regions (const AvmKlt *self);
const AvmKltRegion *avm_klt_region (const AvmKlt *self, size_t index);

#ifdef __cplusplus
}
#endif
#endif /* AVM_KLT_H */
