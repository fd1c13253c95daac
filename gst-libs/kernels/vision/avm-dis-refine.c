/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Variational refinement. With M the mean of the first picture and the warped
 * second one, and Z their difference, the energy of a field (u, v) is
 *
 *   sum  delta psi (r0^2 / n0) + gamma psi (r1^2 / n1 + r2^2 / n2)
 *        + alpha psi (|grad u|^2 + |grad v|^2),    psi (s2) = sqrt (s2 + eps^2)
 *
 * r0 = Z + Mx du + My dv, r1 = Zx + Mxx du + Mxy dv, r2 = Zy + Mxy du + Myy dv,
 * where du, dv are counted from the field that the warp was made with and
 * n = |gradient|^2 + zeta^2 are Zimmer's normalisations. Each fixed point
 * iteration makes it quadratic by fixing psi' and solves for (u, v) itself,
 * not the increment: then the smoothness term needs no second field.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-dis-private.h"

#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))
/* The rows that a loop reads and writes do not overlap, or only where each
 * pixel reads itself; there are too many for the compiler to find out. */
#ifdef __clang__
#define INDEPENDENT
#else
#define INDEPENDENT _Pragma ("GCC ivdep")
#endif
#define ZETA2 (0.1f * 0.1f)
#define EPSILON2 (0.001f * 0.001f)

typedef float Quad __attribute__ ((vector_size (16)));
typedef float LooseQuad
    __attribute__ ((vector_size (16), aligned (4), may_alias));

/* 1 / sqrt (x) to 0.2 %, x > 0: robust weights need no more, and it is the
 * same on every machine. */
INLINE float
rsqrt (float x)
{
  union {
    float f;
    int32_t i;
  } y = {x};

  y.i = 0x5f3759df - (y.i >> 1);
  return y.f * (1.5f - 0.5f * x * y.f * y.f);
}

/* Weights of the four taps of cubic convolution (Keys 1981) at 0 <= t < 1 */
INLINE void
cubic (float t, float w[4])
{
  float t2 = t * t, t3 = t2 * t;

  w[0] = -0.5f * t3 + t2 - 0.5f * t;
  w[1] = 1.5f * t3 - 2.5f * t2 + 1.0f;
  w[2] = -1.5f * t3 + 2.0f * t2 + 0.5f * t;
  w[3] = 0.5f * t3 - 0.5f * t2;
}

#define RUN 64

/* Up to RUN pixels of a row: first all weights and addresses, which is work
 * for wide vectors, then the four by four px of each. */
INLINE void
warp_run (
    const AvmDisLevel *level, int x0, int y, int n, float *out, float *inside)
{
  float wx[RUN][4], wy[RUN][4];
  int32_t at[RUN];
  const float *u = level->u + y * level->stride + x0;
  const float *v = level->v + y * level->stride + x0;
  float right = (float)(level->w - 1), bottom = (float)(level->h - 1);
  int stride = (int)level->stride;

  INDEPENDENT
  for (int i = 0; i < n; i++) {
    float px = (float)(x0 + i) + u[i], py = (float)y + v[i];
    float cx = px < -1.0f ? -1.0f : px > right + 1.0f ? right + 1.0f : px;
    float cy = py < -1.0f ? -1.0f : py > bottom + 1.0f ? bottom + 1.0f : py;
    int xi = (int)(cx + 8.0f) - 8, yi = (int)(cy + 8.0f) - 8;

    inside[i] = ((px >= 0.0f) & (px <= right) & (py >= 0.0f) & (py <= bottom))
        ? 1.0f
        : 0.0f;
    at[i] = (yi - 1) * stride + xi - 1;
    cubic (cx - (float)xi, wx[i]);
    cubic (cy - (float)yi, wy[i]);
  }
  INDEPENDENT
  for (int i = 0; i < n; i++) {
    const float *p = level->i1 + at[i];
    Quad a = wy[i][0] * *(const LooseQuad *)p;

    a += wy[i][1] * *(const LooseQuad *)(p + stride);
    a += wy[i][2] * *(const LooseQuad *)(p + 2 * stride);
    a += wy[i][3] * *(const LooseQuad *)(p + 3 * stride);
    a *= *(const LooseQuad *)wx[i];
    out[i] = (a[0] + a[2]) + (a[1] + a[3]);
  }
}

AVM_CLONES void
avm_dis_warp (const AvmDisLevel *level, float *out, float *inside)
{
  for (int y = 0; y < level->h; y++)
    for (int x = 0; x < level->w; x += RUN) {
      ptrdiff_t at = y * level->stride + x;

      warp_run (
          level, x, y, AVM_MIN (RUN, level->w - x), out + at, inside + at);
    }
}

/* Mean and difference of the pictures; `warped` becomes the difference. */
AVM_CLONES static void
mean_and_difference (const AvmDisLevel *level, float *warped, float *mean)
{
  for (int y = 0; y < level->h; y++) {
    ptrdiff_t at = y * level->stride;
    const float *a = level->i0 + at;
    float *restrict b = warped + at;
    float *restrict m = mean + at;

    INDEPENDENT
    for (int x = 0; x < level->w; x++) {
      float second = b[x];

      m[x] = 0.5f * (a[x] + second);
      b[x] = second - a[x];
    }
  }
  avm_dis_replicate (warped, level->w, level->h, level->stride, 2);
  avm_dis_replicate (mean, level->w, level->h, level->stride, 2);
}

/* (1, -8, 0, 8, -1) / 12 */
#define SLOPE(p, s)                                                            \
  ((8.0f * ((p)[s] - (p)[-(s)]) - ((p)[2 * (s)] - (p)[-2 * (s)]))              \
      * (1.0f / 12.0f))

AVM_CLONES static void
gradients (const AvmDisLevel *level, const float *mean, float *mx, float *my)
{
  ptrdiff_t s = level->stride;

  for (int y = 0; y < level->h; y++) {
    const float *m = mean + y * s;
    float *restrict dx = mx + y * s;
    float *restrict dy = my + y * s;

    INDEPENDENT
    for (int x = 0; x < level->w; x++) {
      dx[x] = SLOPE (m + x, 1);
      dy[x] = SLOPE (m + x, s);
    }
  }
  avm_dis_replicate (mx, level->w, level->h, s, 2);
  avm_dis_replicate (my, level->w, level->h, s, 2);
}

/* Half rows are worked on to a multiple of 16, so that loops have no rest; the
 * px beyond the picture have no data and no edges to it. */
INLINE int
half_width (int w)
{
  return ((w + 1) / 2 + 15) & ~15;
}

/* A half row of a plane: colour 0 has the pixels of even x + y. */
INLINE float *
half (const AvmDisSolver *solver, int y, int plane, int colour)
{
  return solver->rows + (y & solver->mask) * solver->step
      + (2 * plane + colour) * solver->half;
}

/* Writes the even pixels of a row to one colour and the odd to the other. */
INLINE void
split_row (const AvmDisSolver *solver, int y, int plane,
    const float *restrict row, int n)
{
  float *restrict even = half (solver, y, plane, y & 1);
  float *restrict odd = half (solver, y, plane, !(y & 1));

  INDEPENDENT
  for (int i = 0; i < n; i++) {
    even[i] = row[2 * i];
    odd[i] = row[2 * i + 1];
  }
}

INLINE void
merge_row (
    const AvmDisSolver *solver, int y, int plane, float *restrict row, int n)
{
  const float *even = half (solver, y, plane, y & 1);
  const float *odd = half (solver, y, plane, !(y & 1));

  INDEPENDENT
  for (int i = 0; i < n; i++) {
    row[2 * i] = even[i];
    row[2 * i + 1] = odd[i];
  }
}

typedef struct {
  const float *z, *mx, *my, *inside;
  float *line; /* AVM_DIS_U rows at this distance */
  ptrdiff_t pitch;
} Derivatives;

/* The linearised residuals of a row, all relative to u = v = 0 */
INLINE void
linearise_row (const AvmDisLevel *level, const AvmDisSolver *solver,
    const Derivatives *d, int y, int n)
{
  ptrdiff_t s = level->stride, at = y * s;
  const float *z = d->z + at, *mx = d->mx + at, *my = d->my + at;
  const float *k = d->inside + at, *u = level->u + at, *v = level->v + at;
  float *restrict line = d->line;
  ptrdiff_t pitch = d->pitch;

  INDEPENDENT
  for (int x = 0; x < level->w; x++) {
    float ix = mx[x], iy = my[x];
    float ixx = SLOPE (mx + x, 1), ixy = SLOPE (mx + x, s);
    float iyy = SLOPE (my + x, s), u0 = u[x], v0 = v[x];
    float s0 = k[x] * rsqrt (ix * ix + iy * iy + ZETA2);
    float s1 = k[x] * rsqrt (ixx * ixx + ixy * ixy + ZETA2);
    float s2 = k[x] * rsqrt (ixy * ixy + iyy * iyy + ZETA2);

    line[AVM_DIS_X0 * pitch + x] = s0 * ix;
    line[AVM_DIS_Y0 * pitch + x] = s0 * iy;
    line[AVM_DIS_T0 * pitch + x] = s0 * (z[x] - ix * u0 - iy * v0);
    line[AVM_DIS_X1 * pitch + x] = s1 * ixx;
    line[AVM_DIS_Y1 * pitch + x] = s1 * ixy;
    line[AVM_DIS_T1 * pitch + x] =
        s1 * (SLOPE (z + x, 1) - ixx * u0 - ixy * v0);
    line[AVM_DIS_X2 * pitch + x] = s2 * ixy;
    line[AVM_DIS_Y2 * pitch + x] = s2 * iyy;
    line[AVM_DIS_T2 * pitch + x] =
        s2 * (SLOPE (z + x, s) - ixy * u0 - iyy * v0);
  }
  for (int plane = 0; plane < AVM_DIS_U; plane++)
    split_row (solver, y, plane, line + plane * pitch, n);
  split_row (solver, y, AVM_DIS_U, u, n);
  split_row (solver, y, AVM_DIS_V, v, n);
  for (int colour = 0; colour < 2; colour++)
    half (solver, y, AVM_DIS_WX, colour)[-1] = 0.0f;
}

/* The pixel right of the last one and the row below the last one repeat their
 * neighbours, so that forward differences vanish there. */
INLINE void
mirror_edges (const AvmDisSolver *solver, int w, int h, int y)
{
  for (int plane = AVM_DIS_U; plane <= AVM_DIS_V; plane++) {
    int last = (w - 1 + y) & 1, count = (w + 1) / 2;

    half (solver, y, plane, !last)[w / 2] =
        half (solver, y, plane, last)[(w - 1) / 2];
    if (y == h - 1)
      for (int colour = 0; colour < 2; colour++)
        memcpy (half (solver, h, plane, !colour),
            half (solver, y, plane, colour), (size_t)count * sizeof (float));
  }
}

/* alpha psi' of forward differences; a pixel's weight holds for the edges to
 * its right and its lower neighbour. */
INLINE void
smoothness_row (const AvmDisSolver *solver, int w, int h, int y, float alpha)
{
  int n = half_width (w);

  mirror_edges (solver, w, h, y);
  for (int colour = 0; colour < 2; colour++) {
    int shift = (y & 1) ^ colour;
    const float *u = half (solver, y, AVM_DIS_U, colour);
    const float *v = half (solver, y, AVM_DIS_V, colour);
    const float *ur = half (solver, y, AVM_DIS_U, !colour) + shift;
    const float *vr = half (solver, y, AVM_DIS_V, !colour) + shift;
    const float *ud = half (solver, y + 1, AVM_DIS_U, !colour);
    const float *vd = half (solver, y + 1, AVM_DIS_V, !colour);
    float *restrict wx = half (solver, y, AVM_DIS_WX, colour);
    float *restrict wy = half (solver, y, AVM_DIS_WY, colour);
    float down = y < h - 1 ? 1.0f : 0.0f;

    INDEPENDENT
    for (int i = 0; i < n; i++) {
      float a = ur[i] - u[i], b = ud[i] - u[i];
      float c = vr[i] - v[i], d = vd[i] - v[i];
      float g = alpha * rsqrt (a * a + b * b + c * c + d * d + EPSILON2);

      wx[i] = g;
      wy[i] = down * g;
    }
  }
  /* no edge leads out of the picture */
  half (solver, y, AVM_DIS_WX, (w - 1 + y) & 1)[(w - 1) / 2] = 0.0f;
}

/* The equations of one colour of a row */
INLINE void
assemble_row (const AvmDisSolver *solver, int y, int colour, int n, float delta,
    float gamma)
{
  int shift = ((y & 1) ^ colour) - 1;
  const float *x0 = half (solver, y, AVM_DIS_X0, colour);
  const float *y0 = half (solver, y, AVM_DIS_Y0, colour);
  const float *t0 = half (solver, y, AVM_DIS_T0, colour);
  const float *x1 = half (solver, y, AVM_DIS_X1, colour);
  const float *y1 = half (solver, y, AVM_DIS_Y1, colour);
  const float *t1 = half (solver, y, AVM_DIS_T1, colour);
  const float *x2 = half (solver, y, AVM_DIS_X2, colour);
  const float *y2 = half (solver, y, AVM_DIS_Y2, colour);
  const float *t2 = half (solver, y, AVM_DIS_T2, colour);
  const float *u = half (solver, y, AVM_DIS_U, colour);
  const float *v = half (solver, y, AVM_DIS_V, colour);
  const float *right = half (solver, y, AVM_DIS_WX, colour);
  const float *left = half (solver, y, AVM_DIS_WX, !colour) + shift;
  const float *down = half (solver, y, AVM_DIS_WY, colour);
  const float *up = half (solver, y - 1, AVM_DIS_WY, !colour);
  float *restrict d11 = half (solver, y, AVM_DIS_D11, colour);
  float *restrict a12 = half (solver, y, AVM_DIS_A12, colour);
  float *restrict d22 = half (solver, y, AVM_DIS_D22, colour);
  float *restrict c1 = half (solver, y, AVM_DIS_C1, colour);
  float *restrict c2 = half (solver, y, AVM_DIS_C2, colour);

  INDEPENDENT
  for (int i = 0; i < n; i++) {
    float r0 = t0[i] + x0[i] * u[i] + y0[i] * v[i];
    float r1 = t1[i] + x1[i] * u[i] + y1[i] * v[i];
    float r2 = t2[i] + x2[i] * u[i] + y2[i] * v[i];
    float wb = delta * rsqrt (r0 * r0 + EPSILON2);
    float wg = gamma * rsqrt (r1 * r1 + r2 * r2 + EPSILON2);
    float edges = right[i] + left[i] + down[i] + up[i] + 1e-6f;
    float a11 =
        edges + wb * x0[i] * x0[i] + wg * (x1[i] * x1[i] + x2[i] * x2[i]);
    float a22 =
        edges + wb * y0[i] * y0[i] + wg * (y1[i] * y1[i] + y2[i] * y2[i]);
    float both = 1.0f / (a11 * a22);

    d11[i] = a22 * both;
    d22[i] = a11 * both;
    a12[i] = wb * x0[i] * y0[i] + wg * (x1[i] * y1[i] + x2[i] * y2[i]);
    c1[i] = -(wb * x0[i] * t0[i] + wg * (x1[i] * t1[i] + x2[i] * t2[i]));
    c2[i] = -(wb * y0[i] * t0[i] + wg * (y1[i] * t1[i] + y2[i] * t2[i]));
  }
}

/* One over-relaxation of one colour of a row */
INLINE void
relax_row (const AvmDisSolver *solver, int y, int colour, int n, float omega)
{
  int shift = ((y & 1) ^ colour) - 1;
  const float *right = half (solver, y, AVM_DIS_WX, colour);
  const float *left = half (solver, y, AVM_DIS_WX, !colour) + shift;
  const float *down = half (solver, y, AVM_DIS_WY, colour);
  const float *up = half (solver, y - 1, AVM_DIS_WY, !colour);
  const float *d11 = half (solver, y, AVM_DIS_D11, colour);
  const float *a12 = half (solver, y, AVM_DIS_A12, colour);
  const float *d22 = half (solver, y, AVM_DIS_D22, colour);
  const float *c1 = half (solver, y, AVM_DIS_C1, colour);
  const float *c2 = half (solver, y, AVM_DIS_C2, colour);
  const float *ul = half (solver, y, AVM_DIS_U, !colour) + shift;
  const float *vl = half (solver, y, AVM_DIS_V, !colour) + shift;
  const float *uu = half (solver, y - 1, AVM_DIS_U, !colour);
  const float *vu = half (solver, y - 1, AVM_DIS_V, !colour);
  const float *ud = half (solver, y + 1, AVM_DIS_U, !colour);
  const float *vd = half (solver, y + 1, AVM_DIS_V, !colour);
  float *restrict u = half (solver, y, AVM_DIS_U, colour);
  float *restrict v = half (solver, y, AVM_DIS_V, colour);

  INDEPENDENT
  for (int i = 0; i < n; i++) {
    float su = left[i] * ul[i] + right[i] * ul[i + 1] + up[i] * uu[i]
        + down[i] * ud[i];
    float sv = left[i] * vl[i] + right[i] * vl[i + 1] + up[i] * vu[i]
        + down[i] * vd[i];

    u[i] += omega * ((c1[i] + su - a12[i] * v[i]) * d11[i] - u[i]);
    v[i] += omega * ((c2[i] + sv - a12[i] * u[i]) * d22[i] - v[i]);
  }
}

/* One fixed point iteration at row y: when it has its equations, the first
 * sweep may do red of row y and black of row y - 1, the second those of rows
 * y - 2 and y - 3, and so on. */
INLINE void
fixed_point_row (const AvmDisLevel *level, const AvmDisSolver *solver,
    const AvmDisParams *params, int y)
{
  int n = half_width (level->w), h = level->h;

  if (y >= 0 && y < h) {
    smoothness_row (solver, level->w, h, y, params->alpha);
    assemble_row (solver, y, 0, n, params->delta, params->gamma);
    assemble_row (solver, y, 1, n, params->delta, params->gamma);
  }
  for (int s = 0; s < 2 * params->sweeps; s++)
    if (y - s >= 0 && y - s < h)
      relax_row (solver, y - s, s & 1, n, params->omega);
}

/* All fixed point iterations of a warp in one pass over memory: each follows
 * the one before when that is done with the row below. */
AVM_CLONES static void
solve (const AvmDisLevel *level, const AvmDisSolver *solver,
    const Derivatives *derivatives, const AvmDisParams *params)
{
  int n = half_width (level->w), h = level->h;
  int lag = 2 * params->sweeps, total = params->fixed_points * lag;

  for (int y = -1; y < h + total; y++) {
    int done = y - total + 1;

    if (y + 1 < h)
      linearise_row (level, solver, derivatives, y + 1, n);
    for (int k = 0; k < params->fixed_points; k++)
      fixed_point_row (level, solver, params, y - k * lag);
    if (done >= 0 && done < h) {
      merge_row (solver, done, AVM_DIS_U, level->u + done * level->stride, n);
      merge_row (solver, done, AVM_DIS_V, level->v + done * level->stride, n);
    }
  }
}

size_t
avm_dis_solver_init (
    AvmDisSolver *solver, const AvmDisParams *params, int w, float *memory)
{
  int rows = 4;

  while (rows < 2 * params->sweeps * params->fixed_points + 4)
    rows *= 2;
  solver->mask = rows - 1;
  solver->half = half_width (w) + 2 * 16;
  solver->step = solver->half * 2 * AVM_DIS_PLANES;
  if (memory != NULL)
    solver->rows = memory + 16;
  return (size_t)(rows * solver->step);
}

/* No edge leads up from the first row. */
static void
clear_row_above (const AvmDisSolver *solver)
{
  for (int colour = 0; colour < 2; colour++)
    memset (half (solver, -1, AVM_DIS_WY, colour) - 16, 0,
        (size_t)solver->half * sizeof (float));
}

void
avm_dis_refine (AvmDis *dis, const AvmDisLevel *level, int warps)
{
  AvmDisSolver *solver = &dis->solver;
  float *z = dis->scratch[0], *inside = dis->scratch[1];
  float *mean = dis->scratch[2], *mx = dis->scratch[3], *my = dis->scratch[4];
  Derivatives derivatives = {z, mx, my, inside,
      dis->scratch[5] - AVM_DIS_PAD * level->stride - AVM_DIS_PAD,
      level->stride};

  avm_dis_solver_init (solver, &dis->params, level->w, dis->solver_arena);
  for (int i = 0; i < warps; i++) {
    memset (derivatives.line, 0,
        (size_t)(AVM_DIS_U * level->stride) * sizeof (float));
    avm_dis_warp (level, z, inside);
    mean_and_difference (level, z, mean);
    gradients (level, mean, mx, my);
    clear_row_above (solver);
    solve (level, solver, &derivatives, &dis->params);
    if (dis->params.median > 0) {
      avm_dis_median (level->u, level->w, level->h, level->stride,
          dis->params.median, derivatives.line);
      avm_dis_median (level->v, level->w, level->h, level->stride,
          dis->params.median, derivatives.line);
    }
  }
}
