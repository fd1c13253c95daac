/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vision/avm-lk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#define MAX_WINDOW 39
#define MAX_VECTORS ((MAX_WINDOW + LANES - 1) / LANES)
/* Stride of patches: a window, its interpolation, and some room to move
 * before the patch must be read again. */
#define STRIDE(vectors) (LANES * (vectors) + LANES)
#define MAX_STRIDE STRIDE (MAX_VECTORS)

/* Coarse levels need not end as exactly as the last one: Newton steps shrink
 * fast, and the level below begins with an error of its own anyway. */
#define COARSE 8.0f

/* Rows that a window can move before the patch must be read again. */
#define ROOM 4

#define BANDS 64

#define INLINE static inline __attribute__ ((always_inline))

/* unaligned on purpose */
typedef float Lanes __attribute__ ((vector_size (32), aligned (4), may_alias));

typedef int32_t Bits __attribute__ ((vector_size (32)));

/* The first picture's window: grey values and gradient, LANES * vectors
 * columns; columns beyond the window have no gradient. */
typedef struct {
  float grey[MAX_WINDOW * LANES * MAX_VECTORS];
  float gx[MAX_WINDOW * LANES * MAX_VECTORS];
  float gy[MAX_WINDOW * LANES * MAX_VECTORS];
  float a11, a12, a22; /* mean structure tensor */
} Window;

/* Pixels of a picture as floats, from column x and row y on. */
typedef struct {
  int x, y;
  float pixels[MAX_STRIDE * (MAX_STRIDE + 1)];
} Patch;

struct _AvmLk {
  AvmLkParams params;
  int vectors;
  Window window;
  Patch patch;
  uint32_t *order;
  size_t order_size;
};

struct _AvmLkTemplate {
  int side, vectors;
  Window window;
};

INLINE Lanes
load (const float *p)
{
  return *(const Lanes *)p;
}

INLINE void
store (float *p, Lanes v)
{
  *(Lanes *)p = v;
}

/* Between p and the pixels to its right. */
INLINE Lanes
interpolate (const float *p, float fx)
{
  return load (p) + fx * (load (p + 1) - load (p));
}

INLINE Lanes
magnitude (Lanes v)
{
  return (Lanes)((Bits)v & 0x7fffffff);
}

INLINE float
total (Lanes v)
{
  float sum = 0.0f;

  for (int i = 0; i < LANES; i++)
    sum += v[i];
  return sum;
}

/* All ones in the columns of vector k that belong to the window. */
INLINE Lanes
column_mask (int side, int k)
{
  Lanes mask;

  for (int i = 0; i < LANES; i++)
    mask[i] = k * LANES + i < side ? 1.0f : 0.0f;
  return mask;
}

/* Columns x to x + n - 1 of a row; beyond its ends the outermost pixels go
 * on. */
static void
read_clamped (uint8_t *out, const uint8_t *row, int x, int n, int width)
{
  int left = AVM_CLAMP (-x, 0, n), right = AVM_CLAMP (x + n - width, 0, n);

  memset (out, row[0], (size_t)left);
  if (left + right < n)
    memcpy (out + left, row + x + left, (size_t)(n - left - right));
  memset (out + n - right, row[width - 1], (size_t)right);
}

INLINE void
to_floats (float *restrict out, const uint8_t *restrict in, const int n)
{
  for (int i = 0; i < n; i++)
    out[i] = in[i];
}

/* Whether a window that begins at (x, y) still touches the plane; false also
 * for positions that are not finite. */
INLINE bool
touches (const AvmPlane *plane, float x, float y, int side)
{
  return x >= (float)-side && y >= (float)-side && x < (float)plane->width
      && y < (float)plane->height;
}

INLINE void
read_patch (Patch *patch, const AvmPlane *plane, int x, int y, int rows,
    const int vectors)
{
  const int stride = STRIDE (vectors);
  bool inside = x >= 0 && x + stride <= plane->width;
  uint8_t clamped[MAX_STRIDE];

  patch->x = x;
  patch->y = y;
  for (int j = 0; j < rows; j++) {
    int row = AVM_CLAMP (y + j, 0, plane->height - 1);
    const uint8_t *src = plane->data + row * plane->stride;
    float *out = patch->pixels + j * stride;

    if (inside) {
      src += x;
    } else {
      read_clamped (clamped, src, x, stride, plane->width);
      src = clamped;
    }
    to_floats (out, src, stride);
  }
}

/* Asks for the rows of a patch that is read soon. */
INLINE void
prefetch_patch (
    const AvmPlane *plane, float x, float y, const int side, const int vectors)
{
  const uint8_t *row;
  int x0, y0;

  if (!(x >= 4.0f && y >= 2.0f && x < (float)(plane->width - STRIDE (vectors))
          && y < (float)(plane->height - side - 3)))
    return;
  x0 = (int)x - 4;
  y0 = (int)y - 2;
  row = plane->data + y0 * plane->stride + x0;
  for (int j = 0; j < side + 5; j++, row += plane->stride) {
    __builtin_prefetch (row);
    __builtin_prefetch (row + STRIDE (vectors) - 1);
  }
}

/* Grey values and Scharr gradient of the window whose first pixel is at
 * column 1, row 1 of the patch plus (fx, fy). Interpolation and gradient are
 * both linear, so their order does not matter: each row of the patch is read
 * once, everything else stays in registers. */
INLINE void
make_window (Window *window, const Patch *patch, float fx, float fy,
    const int side, const int vectors)
{
  const int stride = STRIDE (vectors);
  const Lanes scale = (Lanes){0} + 1.0f / 32.0f;
  Lanes a11 = {0}, a12 = {0}, a22 = {0};
  float area = (float)(side * side);

  for (int k = 0; k < vectors; k++) {
    const float *p = patch->pixels + k * LANES;
    float *out = window->grey + k * LANES;
    float *gx = window->gx + k * LANES;
    float *gy = window->gy + k * LANES;
    Lanes mask = scale * column_mask (side, k);
    Lanes l0, c0, r0; /* left, centre, right of the row above */
    Lanes slope0 = {0}, slope1 = {0}, smooth0 = {0}, smooth1 = {0};
    Lanes grey1 = {0};

    l0 = interpolate (p, fx);
    c0 = interpolate (p + 1, fx);
    r0 = interpolate (p + 2, fx);
    for (int y = 0; y < side + 2; y++) {
      Lanes l, c, r, left, centre, right, slope, smooth;

      p += stride;
      l = interpolate (p, fx);
      c = interpolate (p + 1, fx);
      r = interpolate (p + 2, fx);
      left = l0 + fy * (l - l0);
      centre = c0 + fy * (c - c0);
      right = r0 + fy * (r - r0);
      l0 = l;
      c0 = c;
      r0 = r;
      slope = right - left;
      smooth = 3.0f * (left + right) + 10.0f * centre;
      if (y >= 2) {
        Lanes dx = mask * (3.0f * (slope0 + slope) + 10.0f * slope1);
        Lanes dy = mask * (smooth - smooth0);

        store (out, grey1);
        store (gx, dx);
        store (gy, dy);
        a11 += dx * dx;
        a12 += dx * dy;
        a22 += dy * dy;
        out += vectors * LANES;
        gx += vectors * LANES;
        gy += vectors * LANES;
      }
      slope0 = slope1;
      slope1 = slope;
      smooth0 = smooth1;
      smooth1 = smooth;
      grey1 = centre;
    }
  }
  window->a11 = total (a11) / area;
  window->a12 = total (a12) / area;
  window->a22 = total (a22) / area;
}

/* Mean over the window of (J - I) times the gradient of I, where J is the
 * patch at first pixel p plus (fx, fy). */
INLINE void
mismatch (const Window *window, const float *first, float fx, float fy,
    const int side, const int vectors, float *b1, float *b2)
{
  const int stride = STRIDE (vectors), step = LANES * vectors;
  Lanes sum1 = {0}, sum2 = {0}, above[MAX_VECTORS];
  const float *grey = window->grey, *gx = window->gx, *gy = window->gy;

#pragma GCC unroll 5
  for (int k = 0; k < vectors; k++)
    above[k] = interpolate (first + k * LANES, fx);
  for (int y = 0; y < side; y++) {
    first += stride;
#pragma GCC unroll 5
    for (int k = 0; k < vectors; k++) {
      Lanes below = interpolate (first + k * LANES, fx);
      Lanes difference =
          above[k] + fy * (below - above[k]) - load (grey + k * LANES);

      sum1 += difference * load (gx + k * LANES);
      sum2 += difference * load (gy + k * LANES);
      above[k] = below;
    }
    grey += step;
    gx += step;
    gy += step;
  }
  *b1 = total (sum1) / (float)(side * side);
  *b2 = total (sum2) / (float)(side * side);
}

/* How alike the two windows are. */
INLINE void
compare (const Window *window, const float *first, float fx, float fy,
    const int side, const int vectors, AvmLkResult *result)
{
  const int stride = STRIDE (vectors);
  Lanes absolute = {0}, si = {0}, sj = {0};
  Lanes sii = {0}, sij = {0}, sjj = {0};
  float n = (float)(side * side), mi, mj, vi, vj;

  for (int k = 0; k < vectors; k++) {
    const float *p = first + k * LANES;
    const float *grey = window->grey + k * LANES;
    Lanes mask = column_mask (side, k);
    Lanes above = interpolate (p, fx);

    for (int y = 0; y < side; y++) {
      Lanes below, i, j, difference;

      p += stride;
      below = interpolate (p, fx);
      i = mask * load (grey);
      j = mask * (above + fy * (below - above));
      difference = j - i;
      absolute += magnitude (difference);
      si += i;
      sj += j;
      sii += i * i;
      sij += i * j;
      sjj += j * j;
      above = below;
      grey += vectors * LANES;
    }
  }
  result->error = total (absolute) / n;
  mi = total (si) / n;
  mj = total (sj) / n;
  vi = total (sii) / n - mi * mi;
  vj = total (sjj) / n - mj * mj;
  result->ncc = 0.0f;
  if (vi > 1e-3f && vj > 1e-3f)
    result->ncc =
        AVM_CLAMP ((total (sij) / n - mi * mj) / sqrtf (vi * vj), -1.0f, 1.0f);
}

INLINE bool
is_flat (const Window *window, float min_eigen)
{
  float difference = window->a11 - window->a22;
  float smaller = 0.5f
      * (window->a11 + window->a22
          - sqrtf (difference * difference + 4.0f * window->a12 * window->a12));
  float determinant = window->a11 * window->a22 - window->a12 * window->a12;

  return !(smaller >= min_eigen && determinant > 1e-12f);
}

/* Puts what is around the window at (x, y) into the patch unless it is there
 * already. Returns the window's first pixel. */
INLINE const float *
cover (Patch *patch, const AvmPlane *plane, float x, float y, bool fresh,
    const int side, const int vectors)
{
  const int stride = STRIDE (vectors), room = stride - side - 1;
  const int room_y = AVM_MIN (room, ROOM);
  int ix = (int)floorf (x), iy = (int)floorf (y);

  if (fresh || ix < patch->x || iy < patch->y || ix > patch->x + room
      || iy > patch->y + room_y)
    read_patch (patch, plane, ix - room / 2, iy - room_y / 2, side + 1 + room_y,
        vectors);
  return patch->pixels + (iy - patch->y) * stride + (ix - patch->x);
}

/* Newton steps at one level. at: first pixel of the window in the plane. */
INLINE bool
iterate (const Window *window, Patch *patch, const AvmPlane *plane, AvmVec2 *at,
    const AvmLkParams *params, float epsilon, const int side, const int vectors)
{
  float determinant = window->a11 * window->a22 - window->a12 * window->a12;
  float last_x = 0.0f, last_y = 0.0f;

  for (int i = 0; i < params->iterations; i++) {
    const float *first;
    float b1, b2, dx, dy;

    if (!touches (plane, at->x, at->y, side))
      return false;
    first = cover (patch, plane, at->x, at->y, i == 0, side, vectors);
    mismatch (window, first, at->x - floorf (at->x), at->y - floorf (at->y),
        side, vectors, &b1, &b2);
    dx = (window->a12 * b2 - window->a22 * b1) / determinant;
    dy = (window->a12 * b1 - window->a11 * b2) / determinant;
    at->x += dx;
    at->y += dy;
    if (dx * dx + dy * dy <= epsilon * epsilon)
      break;
    /* to and fro: the middle is better than either end */
    if (i > 0 && fabsf (dx + last_x) < epsilon
        && fabsf (dy + last_y) < epsilon) {
      at->x -= 0.5f * dx;
      at->y -= 0.5f * dy;
      break;
    }
    last_x = dx;
    last_y = dy;
  }
  return touches (plane, at->x, at->y, side);
}

INLINE AvmLkResult
finish (const Window *window, Patch *patch, const AvmPlane *plane, AvmVec2 at,
    const int side, const int vectors)
{
  AvmLkResult result = {AVM_LK_TRACKED, 0.0f, 0.0f};
  const float *first = cover (patch, plane, at.x, at.y, false, side, vectors);

  compare (window, first, at.x - floorf (at.x), at.y - floorf (at.y), side,
      vectors, &result);
  return result;
}

INLINE bool
take_window (Window *window, Patch *patch, const AvmPlane *plane, float x,
    float y, const int side, const int vectors)
{
  int ix, iy;

  if (!touches (plane, x, y, side))
    return false;
  ix = (int)floorf (x);
  iy = (int)floorf (y);
  read_patch (patch, plane, ix - 1, iy - 1, side + 3, vectors);
  make_window (window, patch, x - (float)ix, y - (float)iy, side, vectors);
  return true;
}

INLINE AvmLkResult
track_point (AvmLk *self, const AvmPyramid *from, const AvmPyramid *to,
    AvmVec2 prev, AvmVec2 *next, bool want, const int side, const int vectors)
{
  AvmLkResult result = {AVM_LK_OUTSIDE, 0.0f, 0.0f};
  const float half = 0.5f * (float)(side - 1);
  int level = AVM_MIN (self->params.max_level,
      AVM_MIN (avm_pyramid_max_level (from), avm_pyramid_max_level (to)));
  AvmVec2 guess = *next;

  for (; level >= 0; level--) {
    const float scale = 1.0f / (float)(1 << level);
    const AvmPlane *plane = avm_pyramid_level (to, level);
    AvmVec2 at = {guess.x * scale - half, guess.y * scale - half};

    if (!take_window (&self->window, &self->patch,
            avm_pyramid_level (from, level), prev.x * scale - half,
            prev.y * scale - half, side, vectors))
      continue;
    if (is_flat (&self->window, self->params.min_eigen)) {
      if (level == 0)
        result.status = AVM_LK_FLAT;
      continue;
    }
    if (!iterate (&self->window, &self->patch, plane, &at, &self->params,
            level > 0 ? COARSE * self->params.epsilon : self->params.epsilon,
            side, vectors))
      continue;
    guess.x = (at.x + half) * (float)(1 << level);
    guess.y = (at.y + half) * (float)(1 << level);
    if (level == 0) {
      result.status = AVM_LK_TRACKED;
      if (want)
        result = finish (&self->window, &self->patch, plane, at, side, vectors);
    }
  }
  *next = guess;
  return result;
}

INLINE size_t
track_all (AvmLk *self, const AvmPyramid *from, const AvmPyramid *to,
    const AvmVec2 *prev, AvmVec2 *next, AvmLkResult *results, size_t n,
    bool guess, const int side, const int vectors)
{
  size_t tracked = 0;

  for (size_t k = 0; k < n; k++) {
    AvmLkResult result;
    size_t i = self->order != NULL ? self->order[k] : k;

    if (!guess)
      next[i] = prev[i];
    result = track_point (
        self, from, to, prev[i], &next[i], results != NULL, side, vectors);
    tracked += result.status == AVM_LK_TRACKED;
    if (results != NULL)
      results[i] = result;
  }
  return tracked;
}

/* Each width in vectors has code of its own, and so has the usual window. */
#define DISPATCH(self, function, ...)                                          \
  ((self)->params.window == 21 ? function (__VA_ARGS__, 21, 3)                 \
          : (self)->vectors == 1                                               \
          ? function (__VA_ARGS__, (self)->params.window, 1)                   \
          : (self)->vectors == 2                                               \
          ? function (__VA_ARGS__, (self)->params.window, 2)                   \
          : (self)->vectors == 3                                               \
          ? function (__VA_ARGS__, (self)->params.window, 3)                   \
          : (self)->vectors == 4                                               \
          ? function (__VA_ARGS__, (self)->params.window, 4)                   \
          : function (__VA_ARGS__, (self)->params.window, 5))

AVM_CLONES static size_t
track (AvmLk *self, const AvmPyramid *from, const AvmPyramid *to,
    const AvmVec2 *prev, AvmVec2 *next, AvmLkResult *results, size_t n,
    bool guess)
{
  return DISPATCH (
      self, track_all, self, from, to, prev, next, results, n, guess);
}

AVM_CLONES static bool
take (AvmLk *self, Window *window, const AvmPlane *plane, float x, float y)
{
  return DISPATCH (self, take_window, window, &self->patch, plane, x, y);
}

INLINE bool
align_window (AvmLk *self, const Window *window, const AvmPlane *plane,
    AvmVec2 *at, AvmLkResult *result, const int side, const int vectors)
{
  if (!iterate (window, &self->patch, plane, at, &self->params,
          self->params.epsilon, side, vectors))
    return false;
  *result = finish (window, &self->patch, plane, *at, side, vectors);
  return true;
}

AVM_CLONES static bool
align (AvmLk *self, const Window *window, const AvmPlane *plane, AvmVec2 *at,
    AvmLkResult *result)
{
  return DISPATCH (self, align_window, self, window, plane, at, result);
}

AvmLk *
avm_lk_new (const AvmLkParams *params)
{
  AvmLk *self;

  if (params->window < 5 || params->window > MAX_WINDOW
      || params->window % 2 == 0 || params->max_level < 0
      || params->max_level >= AVM_PYRAMID_MAX_LEVELS || params->iterations < 1
      || params->iterations > 100 || !(params->epsilon >= 0.0f)
      || !(params->min_eigen >= 0.0f))
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  self->params = *params;
  self->vectors = (params->window + LANES - 1) / LANES;
  return self;
}

void
avm_lk_free (AvmLk *self)
{
  if (self == NULL)
    return;
  free (self->order);
  avm_free (self);
}

/* 0 to BANDS - 1 for any number, not a number included */
static int
band_of (float y)
{
  return y > 0.0f ? (int)AVM_MIN (y, (float)(BANDS - 1)) : 0;
}

/* Points are tracked from the top of the picture to the bottom, so that what
 * neighbours share is still in the cache. Without memory any order will do. */
static void
sort_by_rows (AvmLk *self, int height, const AvmVec2 *points, size_t n)
{
  size_t starts[BANDS + 1] = {0};
  float scale = (float)BANDS / (float)height;

  if (n > self->order_size) {
    free (self->order);
    self->order = n < UINT32_MAX ? malloc (n * sizeof (uint32_t)) : NULL;
    self->order_size = self->order != NULL ? n : 0;
  }
  if (self->order == NULL)
    return;
  for (size_t i = 0; i < n; i++)
    starts[band_of (points[i].y * scale) + 1]++;
  for (int b = 0; b < BANDS; b++)
    starts[b + 1] += starts[b];
  for (size_t i = 0; i < n; i++)
    self->order[starts[band_of (points[i].y * scale)]++] = (uint32_t)i;
}

size_t
avm_lk_track (AvmLk *self, const AvmPyramid *from, const AvmPyramid *to,
    const AvmVec2 *prev, AvmVec2 *next, AvmLkResult *results, size_t n,
    bool guess)
{
  sort_by_rows (self, avm_pyramid_level (from, 0)->height, prev, n);
  return track (self, from, to, prev, next, results, n, guess);
}

AvmLkTemplate *
avm_lk_template_new (const AvmLk *self)
{
  AvmLkTemplate *tmpl = avm_alloc (1, sizeof (*tmpl));

  (void)self;
  return tmpl;
}

void
avm_lk_template_free (AvmLkTemplate *tmpl)
{
  avm_free (tmpl);
}

bool
avm_lk_template_take (
    AvmLk *self, AvmLkTemplate *tmpl, const AvmPlane *plane, AvmVec2 position)
{
  float half = 0.5f * (float)(self->params.window - 1);

  tmpl->side = 0;
  if (!take (self, &tmpl->window, plane, position.x - half, position.y - half)
      || is_flat (&tmpl->window, self->params.min_eigen))
    return false;
  tmpl->side = self->params.window;
  tmpl->vectors = self->vectors;
  return true;
}

AvmLkResult
avm_lk_template_align (AvmLk *self, const AvmLkTemplate *tmpl,
    const AvmPlane *plane, AvmVec2 *position)
{
  AvmLkResult result = {AVM_LK_OUTSIDE, 0.0f, 0.0f};
  float half = 0.5f * (float)(self->params.window - 1);
  AvmVec2 at = {position->x - half, position->y - half};

  if (tmpl->side != self->params.window
      || !align (self, &tmpl->window, plane, &at, &result))
    return result;
  position->x = at.x + half;
  position->y = at.y + half;
  return result;
}
