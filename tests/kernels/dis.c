/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inverse search flow: its parts against references in double (warp, median,
 * the linear system of a fixed point), the whole on pictures whose motion is
 * known because they are drawn from a formula.
 */

#include "avmcheck.h"
#include "vision/avm-dis-private.h"

#define GUARD 64
#define N_WAVES 24

typedef struct {
  double ax, ay, phase, size;
} Wave;

typedef struct {
  Wave waves[N_WAVES];
} Texture;

typedef struct {
  AvmDisImage image;
  uint8_t *memory;
  size_t size;
} Picture;

static void
texture_init (Texture *texture)
{
  for (int i = 0; i < N_WAVES; i++) {
    double length = avm_rng_range (&avmcheck_rng, 5.0, 40.0);
    double angle = avm_rng_range (&avmcheck_rng, 0.0, 2.0 * M_PI);

    texture->waves[i] = (Wave){2.0 * M_PI / length * cos (angle),
        2.0 * M_PI / length * sin (angle),
        avm_rng_range (&avmcheck_rng, 0.0, 2.0 * M_PI), 14.0};
  }
}

static double
texture_at (const Texture *texture, double x, double y)
{
  double sum = 128.0;

  for (int i = 0; i < N_WAVES; i++) {
    const Wave *w = &texture->waves[i];

    sum += w->size * sin (w->ax * x + w->ay * y + w->phase);
  }
  return AVM_CLAMP (sum, 0.0, 255.0);
}

/* A picture with guard bytes around its rows */
static Picture
picture_new (int w, int h, int padding)
{
  Picture p;
  ptrdiff_t stride = w + padding;

  p.size = (size_t)(stride * h) + 2 * GUARD;
  p.memory = malloc (p.size);
  memset (p.memory, 0xa5, p.size);
  p.image = (AvmDisImage){p.memory + GUARD, stride, w, h};
  return p;
}

static void
picture_set (Picture *p, int x, int y, double value)
{
  p->memory[GUARD + y * p->image.stride + x] =
      (uint8_t)lrint (AVM_CLAMP (value, 0.0, 255.0));
}

static Picture
picture_mirror (const Picture *p)
{
  Picture m = picture_new (p->image.width, p->image.height, 0);

  for (int y = 0; y < p->image.height; y++)
    for (int x = 0; x < p->image.width; x++)
      picture_set (&m, p->image.width - 1 - x, y,
          p->image.data[y * p->image.stride + x]);
  return m;
}

/* x + u: where the point x, y of the first picture is in the second */
typedef struct {
  double u, v, a, b, c, d; /* u + a x + b y, v + c x + d y */
} Motion;

static void
draw_pair (const Texture *texture, const Motion *m, double noise, Picture *from,
    Picture *to)
{
  double e = 1.0 + m->a, f = m->b, g = m->c, h = 1.0 + m->d;
  double det = e * h - f * g;

  for (int y = 0; y < from->image.height; y++)
    for (int x = 0; x < from->image.width; x++) {
      double px = x - m->u, py = y - m->v;

      picture_set (from, x, y,
          texture_at (texture, x, y) + noise * avm_rng_normal (&avmcheck_rng));
      picture_set (to, x, y,
          texture_at (texture, (h * px - f * py) / det, (e * py - g * px) / det)
              + noise * avm_rng_normal (&avmcheck_rng));
    }
}

static AvmDis *
dis_new (AvmDisPreset preset, int w, int h)
{
  AvmDisParams params;
  AvmError error;
  AvmDis *dis;

  avm_dis_params_init (&params, preset);
  dis = avm_dis_new (&params, w, h, &error);
  CHECK (dis != NULL, "%d x %d", w, h);
  return dis;
}

/* Mean end point error inside the rectangle, and that nothing was written
 * outside the planes that were given */
static double
mean_error (const AvmDis *dis, const AvmDisRect *rect, const Motion *m)
{
  int stride = rect->w + 5;
  size_t n = (size_t)(stride * rect->h);
  float *u = avm_alloc (n + 2 * GUARD, sizeof (float));
  float *v = avm_alloc (n + 2 * GUARD, sizeof (float));
  double sum = 0.0;
  bool intact = true;

  for (size_t i = 0; i < n + 2 * GUARD; i++)
    u[i] = v[i] = 12345.0f;
  avm_dis_get_flow (dis, u + GUARD, v + GUARD, stride);
  for (size_t i = 0; i < n + 2 * GUARD; i++) {
    int x = ((int)i - GUARD) % stride, y = ((int)i - GUARD) / stride;

    if ((int)i >= GUARD && y < rect->h && x < rect->w) {
      double px = rect->x + x, py = rect->y + y;

      sum += hypot (u[i] - (m->u + m->a * px + m->b * py),
          v[i] - (m->v + m->c * px + m->d * py));
    } else {
      intact &= u[i] == 12345.0f && v[i] == 12345.0f;
    }
  }
  CHECK (intact, "wrote outside of the planes");
  avm_free (u);
  avm_free (v);
  return sum / (rect->w * rect->h);
}

static void
check_motion (AvmDisPreset preset, int w, int h, AvmDisRect rect, Motion m,
    double guess_u, double guess_v, double limit)
{
  Picture from = picture_new (w, h, 3), to = picture_new (w, h, 9);
  AvmDis *dis = dis_new (preset, rect.w, rect.h);
  AvmDisMotion motion;
  Texture texture;
  double error, u, v;

  texture_init (&texture);
  draw_pair (&texture, &m, 0.0, &from, &to);
  to.image.stride = w + 9;
  CHECK (avm_dis_compute (dis, &from.image, &to.image, &rect, (float)guess_u,
             (float)guess_v, NULL),
      "compute");
  error = mean_error (dis, &rect, &m);
  CHECK (error < limit, "preset %d, %d x %d, motion %g, %g: error %g", preset,
      rect.w, rect.h, m.u, m.v, error);
  avm_dis_get_motion (dis, &motion);
  u = m.u + m.a * (rect.x + 0.5 * (rect.w - 1))
      + m.b * (rect.y + 0.5 * (rect.h - 1));
  v = m.v + m.c * (rect.x + 0.5 * (rect.w - 1))
      + m.d * (rect.y + 0.5 * (rect.h - 1));
  CHECK_NEAR (motion.u, u, limit, 0.0, "mean u");
  CHECK_NEAR (motion.v, v, limit, 0.0, "mean v");
  CHECK (motion.confidence > 0.9f, "confidence %g", motion.confidence);
  avm_dis_free (dis);
  free (from.memory);
  free (to.memory);
}

static void
check_motions (void)
{
  static const Motion motions[] = {
      {0.4, -0.3, 0, 0, 0, 0},
      {-1.7, 2.2, 0, 0, 0, 0},
      {5.3, 3.1, 0, 0, 0, 0},
      {0.5, 0.5, 0.01, -0.02, 0.02, 0.01},
  };

  for (int p = 0; p < 3; p++)
    for (int i = 0; i < 4; i++) {
      double limit = p == AVM_DIS_FAST ? 0.15 : 0.1;

      check_motion ((AvmDisPreset)p, 150, 131, (AvmDisRect){30, 25, 90, 81},
          motions[i], 0, 0, limit);
      check_motion ((AvmDisPreset)p, 130, 120, (AvmDisRect){31, 33, 47, 47},
          motions[i], motions[i].u, motions[i].v, limit);
    }
  /* far, but the guess is near */
  check_motion (AVM_DIS_MEDIUM, 200, 160, (AvmDisRect){60, 50, 70, 70},
      (Motion){38.4, -21.7, 0, 0, 0, 0}, 37, -23, 0.1);
}

/* Rectangles and pictures of all small sizes: nothing is read or written out
 * of bounds (sanitizers see that) and everything is finite. */
static void
check_sizes (void)
{
  Texture texture;

  texture_init (&texture);
  for (int w = 1; w <= 40; w += w < 12 ? 1 : 7)
    for (int h = 1; h <= 40; h += h < 12 ? 1 : 9) {
      Picture from = picture_new (w, h, 1), to = picture_new (w, h, 0);
      AvmDis *dis = dis_new ((AvmDisPreset)((w + h) % 3), w, h);
      AvmDisRect rects[] = {
          {0, 0, w, h}, {w / 2, h / 3, 1, 1}, {w - 1, 0, 1, h}};

      draw_pair (&texture, &(Motion){0.3, 0.2, 0, 0, 0, 0}, 3.0, &from, &to);
      for (int i = 0; i < 3; i++) {
        AvmDisMotion motion;
        float u, v;

        CHECK (avm_dis_compute (dis, &from.image, &to.image, &rects[i], 1.4f,
                   -3000.0f, NULL),
            "compute %d x %d", w, h);
        CHECK (avm_dis_compute (
                   dis, &from.image, &to.image, &rects[i], 0.0f, NAN, NULL),
            "compute %d x %d", w, h);
        avm_dis_get_motion (dis, &motion);
        avm_dis_get_at (dis, -5.0f, 1e6f, &u, &v);
        CHECK (isfinite (motion.u) && isfinite (motion.v) && isfinite (u)
                && isfinite (v) && motion.confidence >= 0.0f
                && motion.confidence <= 1.0f,
            "%d x %d", w, h);
        CHECK (isfinite (mean_error (dis, &rects[i], &(Motion){0})), "finite");
      }
      avm_dis_free (dis);
      free (from.memory);
      free (to.memory);
    }
}

/* No motion, no texture, more light, a mirror */
static void
check_properties (void)
{
  Picture from = picture_new (96, 80, 0), to = picture_new (96, 80, 0);
  AvmDisRect rect = {8, 8, 80, 64};
  AvmDis *dis = dis_new (AVM_DIS_MEDIUM, 96, 80);
  AvmDisMotion motion, other;
  Motion still = {0}, moved = {1.3, -0.8, 0.02, 0, 0, -0.01};
  AvmDisImage upside;
  Picture a, b;
  Texture texture;

  texture_init (&texture);
  draw_pair (&texture, &still, 0.0, &from, &to);
  avm_dis_compute (dis, &from.image, &to.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &motion);
  CHECK (mean_error (dis, &rect, &still) < 1e-4, "the same picture twice");
  CHECK (motion.confidence > 0.999f, "confidence %g", motion.confidence);

  for (int y = 0; y < 80; y++)
    for (int x = 0; x < 96; x++)
      picture_set (&to, x, y, 77);
  avm_dis_compute (dis, &to.image, &to.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &motion);
  CHECK (motion.u == 0.0f && motion.v == 0.0f && motion.confidence == 0.0f,
      "flat: %g %g %g", motion.u, motion.v, motion.confidence);
  avm_dis_compute (dis, &from.image, &to.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &motion);
  CHECK (motion.confidence < 0.1f, "gone: %g", motion.confidence);

  draw_pair (&texture, &moved, 0.0, &from, &to);
  avm_dis_compute (dis, &from.image, &to.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &motion);
  a = picture_mirror (&from);
  b = picture_mirror (&to);
  avm_dis_compute (dis, &a.image, &b.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &other);
  CHECK_NEAR (other.u, -motion.u, 0.02, 0.0, "mirrored");
  CHECK_NEAR (other.v, motion.v, 0.02, 0.0, "mirrored");

  /* upside down by negative strides */
  a.image = from.image;
  a.image.data += 79 * a.image.stride;
  a.image.stride = -a.image.stride;
  upside = to.image;
  upside.data += 79 * upside.stride;
  upside.stride = -upside.stride;
  avm_dis_compute (dis, &a.image, &upside, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &other);
  CHECK_NEAR (other.u, motion.u, 0.02, 0.0, "upside down");
  CHECK_NEAR (other.v, -motion.v, 0.02, 0.0, "upside down");

  /* the same again gives the same, whatever was computed in between */
  avm_dis_compute (dis, &from.image, &to.image, &rect, 0, 0, NULL);
  avm_dis_get_motion (dis, &other);
  CHECK (memcmp (&motion, &other, sizeof (motion)) == 0, "not repeatable");
  avm_dis_free (dis);
  free (a.memory);
  free (b.memory);
  free (from.memory);
  free (to.memory);
}

/* The purpose: the mean motion of a hand to some hundredths of a px under
 * noise of 3 grey levels */
static void
check_mean (void)
{
  double square[3] = {0.0};
  int n = 40;

  for (int p = 0; p < 3; p++) {
    AvmDis *dis = dis_new ((AvmDisPreset)p, 60, 60);
    AvmDisRect rect = {20, 20, 60, 60};

    for (int i = 0; i < n; i++) {
      Picture from = picture_new (100, 100, 0), to = picture_new (100, 100, 0);
      Motion m = {avm_rng_range (&avmcheck_rng, -2.5, 2.5),
          avm_rng_range (&avmcheck_rng, -2.5, 2.5), 0, 0, 0, 0};
      AvmDisMotion motion;
      Texture texture;

      texture_init (&texture);
      draw_pair (&texture, &m, 3.0, &from, &to);
      avm_dis_compute (dis, &from.image, &to.image, &rect, 0, 0, NULL);
      avm_dis_get_motion (dis, &motion);
      square[p] += (motion.u - m.u) * (motion.u - m.u)
          + (motion.v - m.v) * (motion.v - m.v);
      free (from.memory);
      free (to.memory);
    }
    avm_dis_free (dis);
    CHECK (sqrt (square[p] / (2 * n)) < 0.03, "preset %d: RMS %g px", p,
        sqrt (square[p] / (2 * n)));
    printf ("mean motion, preset %d: RMS error %.4f px\n", p,
        sqrt (square[p] / (2 * n)));
  }
}

/* -- the parts -------------------------------------------------------------- */

static int
compare (const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;

  return x < y ? -1 : x > y;
}

static void
check_median (int w, int h, int radius)
{
  ptrdiff_t stride = (w + 2 * AVM_DIS_PAD + 15) & ~15;
  size_t size = (size_t)stride * (size_t)(h + 2 * AVM_DIS_PAD);
  float *a = avm_alloc (size, sizeof (float));
  float *before = avm_alloc (size, sizeof (float));
  float *scratch = avm_alloc ((size_t)(7 * stride), sizeof (float));
  ptrdiff_t origin = AVM_DIS_PAD * stride + AVM_DIS_PAD;
  const float *src = before + origin, *dst = a + origin;
  int wrong = 0;

  for (size_t i = 0; i < size; i++)
    a[i] = before[i] = (float)lrint (avm_rng_range (&avmcheck_rng, -9, 9));
  avm_dis_median (a + origin, w, h, stride, radius, scratch);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      float window[25];
      int n = 0;

      for (int j = y - radius; j <= y + radius; j++)
        for (int i = x - radius; i <= x + radius; i++)
          window[n++] =
              src[AVM_CLAMP (j, 0, h - 1) * stride + AVM_CLAMP (i, 0, w - 1)];
      qsort (window, (size_t)n, sizeof (float), compare);
      wrong += dst[y * stride + x] != window[n / 2];
    }
  CHECK (wrong == 0, "median %d of %d x %d: %d wrong", radius, w, h, wrong);
  avm_free (a);
  avm_free (before);
  avm_free (scratch);
}

static double
keys (double t)
{
  t = fabs (t);
  return t < 1.0 ? (1.5 * t - 2.5) * t * t + 1.0
      : t < 2.0  ? ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
                 : 0.0;
}

static double
sample (const float *plane, const AvmDisLevel *l, double x, double y)
{
  int xi = (int)floor (x), yi = (int)floor (y);
  double sum = 0.0;

  for (int j = -1; j <= 2; j++)
    for (int i = -1; i <= 2; i++)
      sum += keys (y - yi - j) * keys (x - xi - i)
          * plane[(yi + j) * l->stride + xi + i];
  return sum;
}

/* A refined field against a Gauss-Seidel solution in double of the same
 * linear system, made pixel by pixel from its definition. */
typedef struct {
  int w, h;
  double *p[16];
} Reference;

enum {
  REF_M,
  REF_Z,
  REF_U,
  REF_V,
  REF_X,
  REF_Y,
  REF_K,
  REF_G
};

static double
ref_at (const Reference *r, int plane, int x, int y)
{
  return r->p[plane]
             [AVM_CLAMP (y, 0, r->h - 1) * r->w + AVM_CLAMP (x, 0, r->w - 1)];
}

static double
ref_slope (const Reference *r, int plane, int x, int y, int dx, int dy)
{
  return (8.0
                 * (ref_at (r, plane, x + dx, y + dy)
                     - ref_at (r, plane, x - dx, y - dy))
             - (ref_at (r, plane, x + 2 * dx, y + 2 * dy)
                 - ref_at (r, plane, x - 2 * dx, y - 2 * dy)))
      / 12.0;
}

static void
ref_warp (Reference *r, const AvmDisLevel *l)
{
  for (int y = 0; y < r->h; y++)
    for (int x = 0; x < r->w; x++) {
      int i = y * r->w + x;
      double px = x + l->u[y * l->stride + x], py = y + l->v[y * l->stride + x];
      double second =
          sample (l->i1, l, AVM_CLAMP (px, -1, r->w), AVM_CLAMP (py, -1, r->h));

      r->p[REF_U][i] = l->u[y * l->stride + x];
      r->p[REF_V][i] = l->v[y * l->stride + x];
      r->p[REF_M][i] = 0.5 * (l->i0[y * l->stride + x] + second);
      r->p[REF_Z][i] = second - l->i0[y * l->stride + x];
      r->p[REF_K][i] = px >= 0 && py >= 0 && px <= r->w - 1 && py <= r->h - 1;
    }
  for (int y = 0; y < r->h; y++)
    for (int x = 0; x < r->w; x++) {
      r->p[REF_X][y * r->w + x] = ref_slope (r, REF_M, x, y, 1, 0);
      r->p[REF_Y][y * r->w + x] = ref_slope (r, REF_M, x, y, 0, 1);
    }
}

typedef struct {
  double a11, a12, a22, b1, b2;
} System;

/* Adds weight (t + x du + y dv)^2 at du = dv = 0 to the normal equations. */
static void
add_term (System *s, double weight, double x, double y, double t)
{
  s->a11 += weight * x * x;
  s->a12 += weight * x * y;
  s->a22 += weight * y * y;
  s->b1 -= weight * x * t;
  s->b2 -= weight * y * t;
}

static System
ref_data (const Reference *r, const AvmDisParams *params, int x, int y)
{
  double ix = ref_at (r, REF_X, x, y), iy = ref_at (r, REF_Y, x, y);
  double ixx = ref_slope (r, REF_X, x, y, 1, 0);
  double ixy = ref_slope (r, REF_X, x, y, 0, 1);
  double iyy = ref_slope (r, REF_Y, x, y, 0, 1);
  double t0 = ref_at (r, REF_Z, x, y), t1 = ref_slope (r, REF_Z, x, y, 1, 0);
  double t2 = ref_slope (r, REF_Z, x, y, 0, 1), k = ref_at (r, REF_K, x, y);
  double n0 = ix * ix + iy * iy + 0.01, n1 = ixx * ixx + ixy * ixy + 0.01;
  double n2 = ixy * ixy + iyy * iyy + 0.01;
  double w0 = k * params->delta / sqrt (t0 * t0 / n0 + 1e-6);
  double wg = k * params->gamma / sqrt (t1 * t1 / n1 + t2 * t2 / n2 + 1e-6);
  System s = {0};

  add_term (&s, w0 / n0, ix, iy, t0);
  add_term (&s, wg / n1, ixx, ixy, t1);
  add_term (&s, wg / n2, ixy, iyy, t2);
  return s;
}

/* alpha psi' at x, y of the field that the fixed point starts from */
static double
ref_edge (const Reference *r, double alpha, int x, int y)
{
  double sum = 1e-6;

  for (int plane = REF_U; plane <= REF_V; plane++) {
    double a = ref_at (r, plane, x + 1, y) - ref_at (r, plane, x, y);
    double b = ref_at (r, plane, x, y + 1) - ref_at (r, plane, x, y);

    sum += a * a + b * b;
  }
  return alpha / sqrt (sum);
}

static void
ref_solve (const Reference *r, const AvmDisParams *params, double *u, double *v)
{
  int w = r->w, h = r->h;

  memcpy (u, r->p[REF_U], (size_t)(w * h) * sizeof (double));
  memcpy (v, r->p[REF_V], (size_t)(w * h) * sizeof (double));
  for (int k = 0; k < 3000; k++)
    for (int y = 0; y < h; y++)
      for (int x = 0; x < w; x++) {
        static const int step[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        System s = ref_data (r, params, x, y);
        int at = y * w + x;
        double u0 = r->p[REF_U][at], v0 = r->p[REF_V][at], det;

        s.b1 += s.a11 * u0 + s.a12 * v0;
        s.b2 += s.a12 * u0 + s.a22 * v0;
        for (int i = 0; i < 4; i++) {
          int nx = x + step[i][0], ny = y + step[i][1];
          double g;

          if (nx < 0 || ny < 0 || nx >= w || ny >= h)
            continue;
          g = i < 2 ? ref_edge (r, params->alpha, x, y)
                    : ref_edge (r, params->alpha, nx, ny);
          s.a11 += g;
          s.a22 += g;
          s.b1 += g * u[ny * w + nx];
          s.b2 += g * v[ny * w + nx];
        }
        det = s.a11 * s.a22 - s.a12 * s.a12;
        u[at] = (s.a22 * s.b1 - s.a12 * s.b2) / det;
        v[at] = (s.a11 * s.b2 - s.a12 * s.b1) / det;
      }
}

static void
check_refine (int w, int h)
{
  Picture from = picture_new (w, h, 0), to = picture_new (w, h, 0);
  size_t n = (size_t)(w * h);
  Reference r = {w, h, {NULL}};
  double *u = calloc (n, sizeof (double)), *v = calloc (n, sizeof (double));
  double worst = 0.0, moved = 0.0;
  const AvmDisLevel *l;
  AvmDisParams params;
  Texture texture;
  AvmDis *dis;

  for (int i = 0; i < REF_G; i++)
    r.p[i] = calloc (n, sizeof (double));
  texture_init (&texture);
  draw_pair (&texture, &(Motion){0.6, -0.4, 0, 0, 0, 0}, 0.0, &from, &to);
  avm_dis_params_init (&params, AVM_DIS_MEDIUM);
  params.margin = params.median = 0;
  params.fixed_points = 1;
  params.sweeps = 32;
  params.omega = 1.7f;
  dis = avm_dis_new (&params, w, h, NULL);
  avm_dis_compute (
      dis, &from.image, &to.image, &(AvmDisRect){0, 0, w, h}, 0, 0, NULL);
  l = &dis->levels[0];
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      l->u[y * l->stride + x] = (float)avm_rng_range (&avmcheck_rng, 0.0, 0.8);
      l->v[y * l->stride + x] = (float)avm_rng_range (&avmcheck_rng, -0.8, 0.0);
    }
  ref_warp (&r, l);
  ref_solve (&r, &params, u, v);
  avm_dis_refine (dis, l, 1);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      worst = fmax (worst,
          hypot (l->u[y * l->stride + x] - u[y * w + x],
              l->v[y * l->stride + x] - v[y * w + x]));
      moved = fmax (moved,
          hypot (u[y * w + x] - r.p[REF_U][y * w + x],
              v[y * w + x] - r.p[REF_V][y * w + x]));
    }
  CHECK (worst < 0.01 && moved > 0.1, "%d x %d: %g px off, moved %g", w, h,
      worst, moved);
  for (int i = 0; i < REF_G; i++)
    free (r.p[i]);
  free (u);
  free (v);
  avm_dis_free (dis);
  free (from.memory);
  free (to.memory);
}

static void
check_errors (void)
{
  uint8_t byte[16] = {0};
  AvmDisImage a = {byte, 4, 4, 4}, b = {byte, 4, 3, 4};
  AvmDisParams params;
  AvmError error = {0};
  AvmDis *dis = dis_new (AVM_DIS_FAST, 3, 3);
  static const AvmDisRect bad[] = {{0, 0, 4, 4}, {-1, 0, 2, 2}, {0, 3, 2, 2},
      {0, 0, 0, 1}, {2147483647, 0, 1, 1}, {0, 0, 2147483647, 1}};

  for (int i = 0; i < 6; i++)
    CHECK (!avm_dis_compute (dis, &a, &a, &bad[i], 0, 0, &error)
            && error.code == AVM_ERROR_RANGE,
        "rectangle %d", i);
  CHECK (!avm_dis_compute (dis, &a, &b, &(AvmDisRect){0, 0, 2, 2}, 0, 0, NULL),
      "pictures of two sizes");
  avm_dis_free (dis);
  avm_dis_free (NULL);
  avm_dis_params_init (&params, AVM_DIS_FAST);
  CHECK (avm_dis_new (&params, 0, 4, &error) == NULL, "no width");
  params.omega = NAN;
  CHECK (avm_dis_new (&params, 4, 4, &error) == NULL, "omega");
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_errors ();
  check_median (33, 9, 1);
  check_median (1, 5, 1);
  check_median (37, 11, 2);
  check_median (3, 1, 2);
  check_refine (23, 14);
  check_refine (16, 9);
  check_refine (7, 21);
  check_properties ();
  check_motions ();
  check_mean ();
  check_sizes ();
  return avmcheck_report ();
}
