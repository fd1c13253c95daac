/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-scenemap-private.h"

#include <math.h>
#include <string.h>

bool
avm_scenemap_project (
    const AvmSceneMatrix *matrix, double x, double y, double *u, double *v)
{
  const double *m = matrix->m;
  double w = m[6] * x + m[7] * y + m[8];

  if (!(w > 1e-6 * fabs (m[8])))
    return false;
  *u = (m[0] * x + m[1] * y + m[2]) / w;
  *v = (m[3] * x + m[4] * y + m[5]) / w;
  return isfinite (*u) && isfinite (*v);
}

bool
avm_scenemap_invert (const AvmSceneMatrix *matrix, AvmSceneMatrix *inverse)
{
  const double *m = matrix->m;
  double *r = inverse->m, det;

  r[0] = m[4] * m[8] - m[5] * m[7];
  r[1] = m[2] * m[7] - m[1] * m[8];
  r[2] = m[1] * m[5] - m[2] * m[4];
  r[3] = m[5] * m[6] - m[3] * m[8];
  r[4] = m[0] * m[8] - m[2] * m[6];
  r[5] = m[2] * m[3] - m[0] * m[5];
  r[6] = m[3] * m[7] - m[4] * m[6];
  r[7] = m[1] * m[6] - m[0] * m[7];
  r[8] = m[0] * m[4] - m[1] * m[3];
  det = m[0] * r[0] + m[1] * r[3] + m[2] * r[6];
  /* what is in front of both cameras keeps its sense of rotation */
  if (!(fabs (det) > 1e-12) || !(fabs (r[8]) > 1e-12))
    return false;
  for (int i = 0; i < 9; i++)
    r[i] /= det;
  return true;
}

bool
avm_scenemap_solve (double *rows, int n)
{
  for (int c = 0; c < n; c++) {
    double *pivot = rows + c * (n + 1);
    int best = c;

    for (int r = c + 1; r < n; r++)
      if (fabs (rows[r * (n + 1) + c]) > fabs (rows[best * (n + 1) + c]))
        best = r;
    if (!(fabs (rows[best * (n + 1) + c]) > 1e-10))
      return false;
    for (int k = 0; k <= n && best != c; k++) {
      double x = pivot[k];

      pivot[k] = rows[best * (n + 1) + k];
      rows[best * (n + 1) + k] = x;
    }
    for (int r = 0; r < n; r++) {
      double *row = rows + r * (n + 1);
      double factor = row[c] / pivot[c];

      for (int k = c; k <= n && r != c; k++)
        row[k] -= factor * pivot[k];
    }
  }
  for (int c = 0; c < n; c++)
    rows[c * (n + 1) + n] /= rows[c * (n + 1) + c];
  return true;
}

/* Adds weight * (row . unknowns = right) to the normal equations. */
static void
add_equation (
    double *rows, int n, const double *row, double right, double weight)
{
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++)
      rows[i * (n + 1) + k] += weight * row[i] * row[k];
    rows[i * (n + 1) + n] += weight * row[i] * right;
  }
}

/* Brings points to mean 0 and mean length about 1, on both sides (R. Hartley,
 * IEEE PAMI 1997). */
typedef struct {
  double x, y, scale;
} Frame;

static Frame
frame_of (const AvmScenePoint *points, int n, bool target)
{
  Frame f = {0.0, 0.0, 0.0};

  for (int i = 0; i < n; i++) {
    f.x += (target ? points[i].u : points[i].x) / n;
    f.y += (target ? points[i].v : points[i].y) / n;
  }
  for (int i = 0; i < n; i++)
    f.scale += hypot ((target ? points[i].u : points[i].x) - f.x,
                   (target ? points[i].v : points[i].y) - f.y)
        / n;
  f.scale = f.scale > 0.0 ? 1.0 / f.scale : 1.0;
  return f;
}

/* target^-1 * inner * source */
static void
compose (const double *inner, Frame source, Frame target, AvmSceneMatrix *out)
{
  double a[9], *m = out->m;

  for (int r = 0; r < 3; r++) {
    a[3 * r] = inner[3 * r] * source.scale;
    a[3 * r + 1] = inner[3 * r + 1] * source.scale;
    a[3 * r + 2] =
        inner[3 * r + 2] - a[3 * r] * source.x - a[3 * r + 1] * source.y;
  }
  for (int k = 0; k < 3; k++) {
    m[k] = a[k] / target.scale + target.x * a[6 + k];
    m[3 + k] = a[3 + k] / target.scale + target.y * a[6 + k];
    m[6 + k] = a[6 + k];
  }
}

/* terms: of the unknowns 3 shift, 6 affine, 8 homography */
static bool
fit (const AvmScenePoint *points, int n, int terms, AvmSceneMatrix *matrix)
{
  Frame source = frame_of (points, n, false),
        target = frame_of (points, n, true);
  double rows[8 * 9] = {0.0}, inner[9] = {0.0}, x[8];

  for (int i = 0; i < n; i++) {
    const AvmScenePoint *p = &points[i];
    double px = (p->x - source.x) * source.scale;
    double py = (p->y - source.y) * source.scale;
    double u = (p->u - target.x) * target.scale;
    double v = (p->v - target.y) * target.scale, w = p->weight * p->weight;
    double shift[2][3] = {{px, 1.0, 0.0}, {py, 0.0, 1.0}};
    double plane[2][8] = {{px, py, 1.0, 0.0, 0.0, 0.0, -u * px, -u * py},
        {0.0, 0.0, 0.0, px, py, 1.0, -v * px, -v * py}};

    for (int k = 0; k < 2; k++)
      add_equation (rows, terms, terms == 3 ? shift[k] : plane[k],
          k == 0 ? u : v, w / (points[0].weight * points[0].weight));
  }
  if (!avm_scenemap_solve (rows, terms))
    return false;
  for (int i = 0; i < terms; i++)
    x[i] = rows[i * (terms + 1) + terms];
  inner[8] = 1.0;
  if (terms == 3) {
    inner[0] = inner[4] = x[0];
    inner[2] = x[1];
    inner[5] = x[2];
  } else {
    memcpy (inner, x, (size_t)terms * sizeof (double));
  }
  compose (inner, source, target, matrix);
  return true;
}

bool
avm_scenemap_fit_shift (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix)
{
  return n >= 2 && fit (points, n, 3, matrix);
}

bool
avm_scenemap_fit_affine (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix)
{
  return n >= 3 && fit (points, n, 6, matrix);
}

bool
avm_scenemap_fit_homography (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix)
{
  return n >= 4 && fit (points, n, 8, matrix);
}
