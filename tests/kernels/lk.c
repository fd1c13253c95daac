/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lucas-Kanade against a plain one in double, against pictures whose motion
 * is known because they are a formula, and by shifting everything.
 */

#include "avmcheck.h"
#include "vision/avm-lk.h"

#define WIDTH 161
#define HEIGHT 119

/* Something for every level of a pyramid, at most 127 up and down. */
static double
texture (double x, double y)
{
  return 128.0 + 30.0 * sin (0.061 * x + 0.023 * y + 0.5)
      + 25.0 * sin (0.052 * y - 0.031 * x) + 18.0 * sin (0.13 * x - 0.09 * y)
      + 16.0 * sin (0.37 * x + 0.11 * y) + 14.0 * sin (0.43 * y - 1.0)
      + 10.0 * sin (0.23 * x - 0.31 * y + 2.0) + 7.0 * cos (0.71 * x + 0.5 * y)
      + 5.0 * sin (0.83 * y - 0.6 * x);
}

/* Frame whose pixel (x, y) shows the texture at A (x, y). */
static AvmPyramid *
film (const double a[6], int max_level, int width, int height)
{
  uint8_t *data = avm_alloc ((size_t)width * (size_t)height, 1);
  AvmPyramid *pyramid = avm_pyramid_new (width, height, max_level);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      data[y * width + x] = (uint8_t)lround (
          texture (a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5]));
  avm_pyramid_build (pyramid, data, width);
  avm_free (data);
  return pyramid;
}

static double
bilinear (const AvmPlane *p, double x, double y)
{
  int x0 = (int)floor (x), y0 = (int)floor (y);
  double fx = x - x0, fy = y - y0, v[2][2];

  for (int j = 0; j < 2; j++)
    for (int i = 0; i < 2; i++)
      v[j][i] = p->data[AVM_CLAMP (y0 + j, 0, p->height - 1) * p->stride
          + AVM_CLAMP (x0 + i, 0, p->width - 1)];
  return (1 - fy) * ((1 - fx) * v[0][0] + fx * v[0][1])
      + fy * ((1 - fx) * v[1][0] + fx * v[1][1]);
}

/* One level, to convergence. */
static void
reference_lk (const AvmPlane *from, const AvmPlane *to, AvmVec2 prev,
    int window, double *x, double *y)
{
  int half = window / 2;
  double a11 = 0, a12 = 0, a22 = 0;

  for (int round = 0; round < 50; round++) {
    double b1 = 0, b2 = 0, determinant;

    a11 = a12 = a22 = 0;
    for (int j = -half; j <= half; j++)
      for (int i = -half; i <= half; i++) {
        double px = prev.x + i, py = prev.y + j, gx = 0, gy = 0, d;

        for (int k = -1; k <= 1; k++) {
          double weight = (k == 0 ? 10.0 : 3.0) / 32.0;

          gx += weight
              * (bilinear (from, px + 1, py + k)
                  - bilinear (from, px - 1, py + k));
          gy += weight
              * (bilinear (from, px + k, py + 1)
                  - bilinear (from, px + k, py - 1));
        }
        d = bilinear (to, *x + i, *y + j) - bilinear (from, px, py);
        a11 += gx * gx;
        a12 += gx * gy;
        a22 += gy * gy;
        b1 += d * gx;
        b2 += d * gy;
      }
    determinant = a11 * a22 - a12 * a12;
    *x += (a12 * b2 - a22 * b1) / determinant;
    *y += (a12 * b1 - a11 * b2) / determinant;
  }
}

static AvmVec2
random_point (double margin)
{
  return (AvmVec2){
      (float)avm_rng_range (&avmcheck_rng, margin, WIDTH - 1 - margin),
      (float)avm_rng_range (&avmcheck_rng, margin, HEIGHT - 1 - margin)};
}

static void
check_reference (int window)
{
  AvmLkParams params = {window, 0, 100, 1e-4f, 0.0f};
  const double still[6] = {1, 0, 0, 0, 1, 0};
  double moved[6] = {1, 0, avm_rng_range (&avmcheck_rng, -1, 1), 0, 1,
      avm_rng_range (&avmcheck_rng, -1, 1)};
  AvmPyramid *a = film (still, 0, WIDTH, HEIGHT);
  AvmPyramid *b = film (moved, 0, WIDTH, HEIGHT);
  AvmLk *lk = avm_lk_new (&params);

  for (int i = 0; i < 20; i++) {
    /* some windows reach over the edge */
    AvmVec2 prev = random_point (i % 2 ? 2.0 : 30.0), next = prev;
    double x = prev.x, y = prev.y;
    AvmLkResult result;

    avm_lk_track (lk, a, b, &prev, &next, &result, 1, false);
    reference_lk (avm_pyramid_level (a, 0), avm_pyramid_level (b, 0), prev,
        window, &x, &y);
    if (window < 9 || i % 2)
      continue;
    CHECK (result.status == AVM_LK_TRACKED, "window %d", window);
    CHECK_NEAR (next.x, x, 2e-3, 0, "x, window %d", window);
    CHECK_NEAR (next.y, y, 2e-3, 0, "y, window %d", window);
  }
  avm_lk_free (lk);
  avm_pyramid_free (a);
  avm_pyramid_free (b);
}

/* Shifts up to 12 px and a slight turn: four levels, 21x21. */
static void
check_warps (void)
{
  AvmLkParams params = AVM_LK_PARAMS_INIT;
  AvmLk *lk = avm_lk_new (&params);
  const double still[6] = {1, 0, 0, 0, 1, 0};
  AvmPyramid *a = film (still, 3, WIDTH, HEIGHT);

  for (int i = 0; i < 30; i++) {
    double angle = avm_rng_range (&avmcheck_rng, -0.01, 0.01);
    double dx = avm_rng_range (&avmcheck_rng, -12, 12);
    double dy = avm_rng_range (&avmcheck_rng, -12, 12);
    double c = cos (angle), s = sin (angle);
    /* picture position q shows texture c q + ... : the inverse motion */
    double warp[6] = {c, s, -c * dx - s * dy, -s, c, s * dx - c * dy};
    AvmPyramid *b = film (warp, 3, WIDTH, HEIGHT);
    AvmVec2 prev[20], next[20];
    AvmLkResult results[20];
    double worst = 0.0;

    for (int k = 0; k < 20; k++)
      prev[k] = random_point (32.0);
    CHECK (avm_lk_track (lk, a, b, prev, next, results, 20, false) == 20,
        "all are tracked");
    for (int k = 0; k < 20; k++) {
      double x = c * prev[k].x - s * prev[k].y + dx;
      double y = s * prev[k].x + c * prev[k].y + dy;

      worst = fmax (worst, hypot (next[k].x - x, next[k].y - y));
      CHECK (results[k].ncc > 0.97f && results[k].error < 6.0f,
          "ncc %g, error %g", results[k].ncc, results[k].error);
    }
    CHECK (worst < 0.06, "%.3f px off at (%.2f, %.2f), %.4f rad", worst, dx, dy,
        angle);
    avm_pyramid_free (b);
  }
  avm_pyramid_free (a);
  avm_lk_free (lk);
}

/* Everything shifted by whole pixels: the answer shifts with it. */
static void
check_equivariance (void)
{
  AvmLkParams params = AVM_LK_PARAMS_INIT;
  AvmLk *lk;
  double first[6] = {1, 0, 0, 0, 1, 0}, second[6] = {1, 0, 0.4, 0, 1, -0.7};
  AvmPyramid *a, *b, *c, *d;

  params.max_level = 0;
  lk = avm_lk_new (&params);
  a = film (first, 0, WIDTH, HEIGHT);
  b = film (second, 0, WIDTH, HEIGHT);
  for (int sx = -3; sx <= 13; sx += 8) {
    double third[6] = {1, 0, -sx, 0, 1, -5};
    double fourth[6] = {1, 0, 0.4 - sx, 0, 1, -0.7 - 5};
    AvmVec2 p = random_point (40.0), q = {p.x + (float)sx, p.y + 5.0f};
    AvmVec2 from_p, from_q;

    c = film (third, 0, WIDTH, HEIGHT);
    d = film (fourth, 0, WIDTH, HEIGHT);
    avm_lk_track (lk, a, b, &p, &from_p, NULL, 1, false);
    avm_lk_track (lk, c, d, &q, &from_q, NULL, 1, false);
    CHECK_NEAR (from_q.x - (float)sx, from_p.x, 2e-3, 0, "x");
    CHECK_NEAR (from_q.y - 5.0f, from_p.y, 2e-3, 0, "y");
    avm_pyramid_free (c);
    avm_pyramid_free (d);
  }
  avm_pyramid_free (a);
  avm_pyramid_free (b);
  avm_lk_free (lk);
}

/* The order of points, and which others are tracked, must not matter. */
static void
check_many (void)
{
  AvmLkParams params = AVM_LK_PARAMS_INIT;
  AvmLk *lk = avm_lk_new (&params);
  double first[6] = {1, 0, 0, 0, 1, 0}, second[6] = {1, 0, 2.3, 0, 1, 1.1};
  AvmPyramid *a = film (first, 3, WIDTH, HEIGHT);
  AvmPyramid *b = film (second, 3, WIDTH, HEIGHT);
  AvmVec2 prev[300], next[300], one;
  int wrong = 0;

  for (int i = 0; i < 300; i++)
    prev[i] = random_point (0.0);
  avm_lk_track (lk, a, b, prev, next, NULL, 300, false);
  for (int i = 0; i < 300; i++) {
    avm_lk_track (lk, a, b, &prev[i], &one, NULL, 1, false);
    wrong += one.x != next[i].x || one.y != next[i].y;
  }
  CHECK (wrong == 0, "%d points depend on the others", wrong);
  avm_pyramid_free (a);
  avm_pyramid_free (b);
  avm_lk_free (lk);
}

static void
check_template (void)
{
  AvmLkParams params = AVM_LK_PARAMS_INIT;
  AvmLk *lk = avm_lk_new (&params);
  AvmLkTemplate *tmpl = avm_lk_template_new (lk);
  double first[6] = {1, 0, 0, 0, 1, 0};
  AvmPyramid *a = film (first, 0, WIDTH, HEIGHT);
  AvmVec2 p = {70.3f, 60.8f}, bad = {NAN, 3.0f}, far = {-90.0f, 0.0f};
  AvmLkResult result;

  result = avm_lk_template_align (lk, tmpl, avm_pyramid_level (a, 0), &p);
  CHECK (result.status == AVM_LK_OUTSIDE && p.x == 70.3f, "no template yet");
  CHECK (avm_lk_template_take (lk, tmpl, avm_pyramid_level (a, 0), p), "take");
  for (int i = 0; i < 50; i++) {
    double dx = avm_rng_range (&avmcheck_rng, -1.5, 1.5);
    double dy = avm_rng_range (&avmcheck_rng, -1.5, 1.5);
    double moved[6] = {1, 0, -dx, 0, 1, -dy};
    AvmPyramid *b = film (moved, 0, WIDTH, HEIGHT);
    AvmVec2 q = p;

    result = avm_lk_template_align (lk, tmpl, avm_pyramid_level (b, 0), &q);
    CHECK (result.status == AVM_LK_TRACKED && result.ncc > 0.98f, "ncc %g",
        result.ncc);
    CHECK_NEAR (q.x, p.x + dx, 0.03, 0, "x");
    CHECK_NEAR (q.y, p.y + dy, 0.03, 0, "y");
    avm_pyramid_free (b);
  }
  CHECK (
      !avm_lk_template_take (lk, tmpl, avm_pyramid_level (a, 0), bad), "NaN");
  CHECK (
      !avm_lk_template_take (lk, tmpl, avm_pyramid_level (a, 0), far), "far");
  avm_lk_template_free (tmpl);
  avm_pyramid_free (a);
  avm_lk_free (lk);
}

static void
check_hopeless (void)
{
  AvmLkParams params = AVM_LK_PARAMS_INIT;
  AvmLk *lk = avm_lk_new (&params);
  uint8_t grey[64 * 64], dot = 9;
  AvmPyramid *flat = avm_pyramid_new (64, 64, 3);
  AvmPyramid *one = avm_pyramid_new (1, 1, 3);
  AvmVec2 prev[5] = {
      {30, 30}, {NAN, 2}, {1e30f, 0}, {-40, 20}, {INFINITY, -INFINITY}};
  AvmVec2 next[5];
  AvmLkResult results[5];

  memset (grey, 100, sizeof (grey));
  avm_pyramid_build (flat, grey, 64);
  avm_pyramid_build (one, &dot, 1);
  CHECK (avm_lk_track (lk, flat, flat, prev, next, results, 5, false) == 0,
      "nothing can be tracked");
  CHECK (results[0].status == AVM_LK_FLAT, "flat");
  for (int i = 1; i < 5; i++)
    CHECK (results[i].status == AVM_LK_OUTSIDE, "point %d outside", i);
  CHECK (avm_lk_track (lk, one, one, prev, next, results, 5, false) == 0,
      "one pixel");
  CHECK (avm_lk_track (lk, flat, flat, prev, next, NULL, 0, true) == 0,
      "no points");
  avm_pyramid_free (flat);
  avm_pyramid_free (one);
  avm_lk_free (lk);
  params.window = 4;
  CHECK (avm_lk_new (&params) == NULL, "even window");
  params.window = 41;
  CHECK (avm_lk_new (&params) == NULL, "large window");
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  for (int window = 5; window <= 39; window += 2)
    check_reference (window);
  check_warps ();
  check_equivariance ();
  check_many ();
  check_template ();
  check_hopeless ();
  return avmcheck_report ();
}
