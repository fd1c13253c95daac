/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inverse search of patches and densification.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-dis-private.h"

#include <math.h>
#include <string.h>

#define P AVM_DIS_PATCH
/* makes a coordinate positive, so that truncation is the floor */
#define BIAS AVM_DIS_PAD
#define INLINE static inline __attribute__ ((always_inline))

/* One row of a patch. The compiler maps it to one AVX register or two of
 * SSE; alignment 4 makes loads and stores unaligned ones. */
typedef float Row __attribute__ ((vector_size (4 * P), aligned (4), may_alias));

typedef struct {
  Row t[P], gx[P], gy[P]; /* template, its gradient less its mean */
  float i11, i12, i22;    /* inverse of the Hessian */
  bool flat;
} Patch;

INLINE Row
load (const float *p)
{
  return *(const Row *)p;
}

INLINE float
sum (Row r)
{
  float a = (r[0] + r[4]) + (r[1] + r[5]);
  float b = (r[2] + r[6]) + (r[3] + r[7]);

  return a + b;
}

/* The Hessian of the mean-normalised residual is that of the gradient without
 * its mean, and the gradient without mean makes sums with the residual blind
 * to a constant offset (section 2.1 of the paper). */
INLINE void
prepare (Patch *patch, const float *i0, ptrdiff_t stride)
{
  Row sx = {0}, sy = {0}, xx = {0}, xy = {0}, yy = {0};
  float h11, h12, h22, det;

  for (int k = 0; k < P; k++) {
    const float *p = i0 + k * stride;

    patch->t[k] = load (p);
    patch->gx[k] = 0.5f * (load (p + 1) - load (p - 1));
    patch->gy[k] = 0.5f * (load (p + stride) - load (p - stride));
    sx += patch->gx[k];
    sy += patch->gy[k];
  }
  sx = sum (sx) * (1.0f / (P * P)) - (Row){0};
  sy = sum (sy) * (1.0f / (P * P)) - (Row){0};
  for (int k = 0; k < P; k++) {
    patch->gx[k] -= sx;
    patch->gy[k] -= sy;
    xx += patch->gx[k] * patch->gx[k];
    xy += patch->gx[k] * patch->gy[k];
    yy += patch->gy[k] * patch->gy[k];
  }
  h11 = sum (xx);
  h12 = sum (xy);
  h22 = sum (yy);
  /* A little of the trace keeps edges from sliding along themselves. */
  h11 += 1e-3f * (h11 + h22);
  h22 += 1e-3f * (h11 + h22);
  det = h11 * h22 - h12 * h12;
  patch->flat = !(h11 + h22 > 16.0f && det > 0.0f);
  if (patch->flat)
    return;
  patch->i11 = h22 / det;
  patch->i12 = -h12 / det;
  patch->i22 = h11 / det;
}

/* Residual of the patch at x, y of the second picture: its squared sum less
 * the mean, and its sums with the gradients. */
INLINE float
residual (const Patch *patch, const AvmDisLevel *level, float x, float y,
    float *bx, float *by)
{
  int xi = (int)(x + BIAS) - BIAS, yi = (int)(y + BIAS) - BIAS;
  float fx = x - (float)xi, fy = y - (float)yi, mean;
  const float *p = level->i1 + yi * level->stride + xi;
  Row above = load (p), s1 = {0}, s2 = {0}, sx = {0}, sy = {0};

  above += fx * (load (p + 1) - above);
  for (int k = 0; k < P; k++) {
    Row row, d;

    p += level->stride;
    row = load (p);
    row += fx * (load (p + 1) - row);
    d = above + fy * (row - above) - patch->t[k];
    above = row;
    s1 += d;
    s2 += d * d;
    sx += d * patch->gx[k];
    sy += d * patch->gy[k];
  }
  *bx = sum (sx);
  *by = sum (sy);
  mean = sum (s1);
  return sum (s2) - mean * mean * (1.0f / (P * P));
}

INLINE float
clamp (float x, float lo, float hi)
{
  return x < lo ? lo : x > hi ? hi : x;
}

/* Keeps the patch with its bilinear neighbours within the padding; NaN cannot
 * occur: the Hessian of a patch that is not flat has a positive determinant. */
INLINE void
keep_inside (const AvmDisLevel *level, int x, int y, float *u, float *v)
{
  float reach = AVM_DIS_PAD - 4;

  *u = clamp (*u, -reach - (float)x, (float)(level->w - x) + reach - P);
  *v = clamp (*v, -reach - (float)y, (float)(level->h - y) + reach - P);
}

/* Gauss-Newton from *u, *v; leaves the best displacement there. */
INLINE void
descend (const Patch *patch, const AvmDisLevel *level, int x, int y,
    int iterations, float *u, float *v)
{
  float start_u = *u, start_v = *v, best = INFINITY;
  float at_u = start_u, at_v = start_v;

  for (int i = 0; i < iterations; i++) {
    float bx, by, du, dv;
    float cost =
        residual (patch, level, (float)x + at_u, (float)y + at_v, &bx, &by);

    if (!(cost < best))
      return;
    best = cost;
    *u = at_u;
    *v = at_v;
    du = patch->i11 * bx + patch->i12 * by;
    dv = patch->i12 * bx + patch->i22 * by;
    at_u -= du;
    at_v -= dv;
    keep_inside (level, x, y, &at_u, &at_v);
    if (fabsf (at_u - start_u) > P || fabsf (at_v - start_v) > P)
      return;
    if (du * du + dv * dv < 0.03f * 0.03f)
      break;
  }
  *u = at_u;
  *v = at_v;
}

typedef struct {
  int nx, ny, stride;
} Grid;

INLINE int
patch_at (int i, int n, int stride, int size)
{
  return i == n - 1 ? AVM_MAX (size - P, 0) : i * stride;
}

INLINE float
centre_of (const AvmDisLevel *level, const float *plane, int x, int y)
{
  int cx = AVM_MIN (x + P / 2, level->w - 1);
  int cy = AVM_MIN (y + P / 2, level->h - 1);

  return plane[cy * level->stride + cx];
}

/* Takes the displacement of a neighbour where it fits better than *u, *v. */
INLINE void
try_neighbour (const Patch *patch, const AvmDisLevel *level, int x, int y,
    float nu, float nv, float *u, float *v, float *cost)
{
  float bx, by, other;

  keep_inside (level, x, y, &nu, &nv);
  other = residual (patch, level, (float)x + nu, (float)y + nv, &bx, &by);
  if (other < *cost) {
    *cost = other;
    *u = nu;
    *v = nv;
  }
}

/* One pass over all patches. The neighbours that were done before in this
 * order are candidates to start from (sign -1: left and upper, forward). */
INLINE void
pass (AvmDis *dis, const AvmDisLevel *level, const Grid *grid, int sign,
    bool first, bool propagate, int iterations)
{
  int n = grid->nx * grid->ny;

  for (int k = 0; k < n; k++) {
    int at = sign < 0 ? k : n - 1 - k;
    int i = at % grid->nx, j = at / grid->nx;
    int x = patch_at (i, grid->nx, grid->stride, level->w);
    int y = patch_at (j, grid->ny, grid->stride, level->h);
    bool beside = i + sign >= 0 && i + sign < grid->nx;
    bool above = j + sign >= 0 && j + sign < grid->ny;
    float u = first ? centre_of (level, level->u, x, y) : dis->patch_u[at];
    float v = first ? centre_of (level, level->v, x, y) : dis->patch_v[at];
    Patch patch;

    prepare (&patch, level->i0 + y * level->stride + x, level->stride);
    keep_inside (level, x, y, &u, &v);
    if (!patch.flat) {
      if (propagate && (beside || above)) {
        float bx, by, u0 = u, v0 = v;
        float cost =
            residual (&patch, level, (float)x + u, (float)y + v, &bx, &by);

        if (beside)
          try_neighbour (&patch, level, x, y, dis->patch_u[at + sign],
              dis->patch_v[at + sign], &u, &v, &cost);
        if (above)
          try_neighbour (&patch, level, x, y,
              dis->patch_u[at + sign * grid->nx],
              dis->patch_v[at + sign * grid->nx], &u, &v, &cost);
        if (!first && u == u0 && v == v0)
          continue;
      }
      descend (&patch, level, x, y, iterations, &u, &v);
    }
    dis->patch_u[at] = u;
    dis->patch_v[at] = v;
  }
}

/* Adds one patch to the weighted means, with weight 1 / max (1, |d|) where d
 * is the mean-normalised residual of the pixel. */
INLINE void
splat (const AvmDisLevel *level, int x, int y, float u, float v, float *su,
    float *sv, float *sw)
{
  float px = (float)x + u, py = (float)y + v, d[P][P], mean = 0.0f;
  int xi = (int)(px + BIAS) - BIAS, yi = (int)(py + BIAS) - BIAS;
  float fx = px - (float)xi, fy = py - (float)yi;
  const float *p = level->i1 + yi * level->stride + xi;
  const float *t = level->i0 + y * level->stride + x;
  Row above = load (p), total = {0};

  above += fx * (load (p + 1) - above);
  for (int k = 0; k < P; k++) {
    Row row, r;

    p += level->stride;
    row = load (p);
    row += fx * (load (p + 1) - row);
    r = above + fy * (row - above) - load (t + k * level->stride);
    above = row;
    total += r;
    memcpy (d[k], &r, sizeof (r));
  }
  mean = sum (total) * (1.0f / (P * P));
  for (int k = 0; k < P; k++) {
    ptrdiff_t at = (y + k) * level->stride + x;

    for (int i = 0; i < P; i++) {
      float r = fabsf (d[k][i] - mean);
      float w = 1.0f / (r > 1.0f ? r : 1.0f);

      su[at + i] += w * u;
      sv[at + i] += w * v;
      sw[at + i] += w;
    }
  }
}

AVM_CLONES static void
search (AvmDis *dis, const AvmDisLevel *level, const Grid *grid)
{
  int mode = dis->params.propagate, n = dis->params.iterations;

  if (mode == 0)
    pass (dis, level, grid, -1, true, false, n);
  else
    pass (dis, level, grid, -1, true, true, n);
  if (mode > 1)
    pass (dis, level, grid, 1, false, true, n);
}

AVM_CLONES static void
densify (const AvmDis *dis, const AvmDisLevel *level, const Grid *grid,
    float *su, float *sv, float *sw)
{
  size_t bytes = (size_t)(level->w + P) * sizeof (float);

  for (int y = 0; y < level->h + P; y++) {
    memset (su + y * level->stride, 0, bytes);
    memset (sv + y * level->stride, 0, bytes);
    memset (sw + y * level->stride, 0, bytes);
  }
  for (int j = 0; j < grid->ny; j++)
    for (int i = 0; i < grid->nx; i++)
      splat (level, patch_at (i, grid->nx, grid->stride, level->w),
          patch_at (j, grid->ny, grid->stride, level->h),
          dis->patch_u[j * grid->nx + i], dis->patch_v[j * grid->nx + i], su,
          sv, sw);
  for (int y = 0; y < level->h; y++) {
    ptrdiff_t at = y * level->stride;

    for (int x = 0; x < level->w; x++) {
      float scale = 1.0f / sw[at + x];

      level->u[at + x] = su[at + x] * scale;
      level->v[at + x] = sv[at + x] * scale;
    }
  }
}

/* Patches from one edge to the other; the last one ends at the edge. */
static int
count (int size, int stride)
{
  return size <= P ? 1 : (size - P + stride - 1) / stride + 1;
}

void
avm_dis_search (AvmDis *dis, const AvmDisLevel *level)
{
  int stride = dis->params.stride;
  Grid grid = {count (level->w, stride), count (level->h, stride), stride};

  search (dis, level, &grid);
  densify (
      dis, level, &grid, dis->scratch[0], dis->scratch[1], dis->scratch[2]);
}
