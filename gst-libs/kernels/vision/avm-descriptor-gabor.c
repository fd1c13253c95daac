/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gabor texture. The patch with its mirror images has the spectrum
 *   C(u, v) exp (j pi (u + v) / 2N), C real: the cosine transform,
 * and the filters are real there, so that one response is
 *   r(x, y) = sum C(u, v) G(u, v) exp (j pi (u (2x + 1) + v (2y + 1)) / 2N)
 * over the part of the plane where G is not negligible: a product of small
 * matrices, first over u, then over v. That part is small for the coarse
 * scales, and the waves of column N - 1 - x are those of column x, conjugate
 * and with the sign (-1)^u, so that sums over even and odd u serve two columns
 * (and rows likewise): faster than transforms of the whole plane. Responses
 * come out of order, which mean and deviation do not mind.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <math.h>
#include <string.h>

#define N AVM_GABOR_SIDE
#define SCALES 5
#define ORIENTATIONS 6
#define FILTERS (SCALES * ORIENTATIONS)
#define LOWEST 0.05
#define HIGHEST 0.4
/* what is below this part of a filter's greatest value is left out */
#define NEGLIGIBLE 1e-6
#define ROWS (2 * N - 1) /* frequencies 1 - N to N - 1 */
#define LANES 16

typedef float Lanes __attribute__ ((vector_size (4 * LANES)));
typedef float Memory
    __attribute__ ((vector_size (4 * LANES), aligned (4), may_alias));

/* Columns `first` to first + n - 1 of row v, their weights from `at` on */
typedef struct {
  int v, first, n;
  size_t at;
} Span;

typedef struct {
  Span spans[ROWS];
  int n;
} Filter;

struct _AvmGabor {
  Filter filters[FILTERS];
  float *weights;
  float cosine[N][N];                       /* of the transform: [u][x] */
  float wave_re[ROWS][N], wave_im[ROWS][N]; /* [u + N - 1][x] */
  float half[N][N];                         /* transformed along rows */
  float spectrum[N][N];                     /* [v][u] */
  /* of one filter, [span][x], columns of the right half mirrored */
  float line_re[ROWS][N], line_im[ROWS][N];
};

typedef struct {
  double w, su, sv, c, s;
} Shape;

/* Centre and widths of equations 4 to 6 of the paper */
static Shape
shape_of (int scale, int orientation)
{
  double step = pow (HIGHEST / LOWEST, 1.0 / (SCALES - 1));
  double down = pow (step, scale - (SCALES - 1)), ln2 = log (2.0);
  double su = (step - 1.0) * HIGHEST / ((step + 1.0) * sqrt (2.0 * ln2));
  double sv = tan (M_PI / (2.0 * ORIENTATIONS))
      * (HIGHEST - 2.0 * ln2 * su * su / HIGHEST)
      / sqrt (2.0 * ln2 - pow (2.0 * ln2 * su / HIGHEST, 2.0));
  double angle = M_PI * orientation / ORIENTATIONS;

  return (Shape){
      HIGHEST * down, su * down, sv * down, cos (angle), sin (angle)};
}

static double
value_at (const Shape *shape, int u, int v)
{
  double fu = u / (2.0 * N), fv = v / (2.0 * N);
  double along = (fu * shape->c + fv * shape->s - shape->w) / shape->su;
  double across = (fv * shape->c - fu * shape->s) / shape->sv;

  return u == 0 && v == 0 ? 0.0
                          : exp (-0.5 * (along * along + across * across));
}

/* Lays out one filter at weights + at, or only counts when weights is NULL. */
static size_t
lay_out (Filter *filter, const Shape *shape, float *weights, size_t at)
{
  filter->n = 0;
  for (int v = 1 - N; v < N; v++) {
    Span span = {v, N, 0, at};

    for (int u = 1 - N; u < N; u++)
      if (value_at (shape, u, v) >= NEGLIGIBLE) {
        span.first = AVM_MIN (span.first, u);
        span.n = u - span.first + 1;
      }
    if (span.n == 0)
      continue;
    for (int i = 0; weights != NULL && i < span.n; i++)
      weights[at + (size_t)i] =
          (float)(value_at (shape, span.first + i, v) / (4.0 * N * N * 255.0));
    at += (size_t)span.n;
    filter->spans[filter->n++] = span;
  }
  return at;
}

AvmGabor *
avm_gabor_new (void)
{
  AvmGabor *self = avm_alloc (1, sizeof (*self));
  size_t size = 0;

  if (self == NULL)
    return NULL;
  for (int pass = 0; pass < 2; pass++) {
    size = 0;
    for (int f = 0; f < FILTERS; f++) {
      Shape shape = shape_of (f / ORIENTATIONS, f % ORIENTATIONS);

      size = lay_out (&self->filters[f], &shape, self->weights, size);
    }
    if (pass == 0)
      self->weights = avm_alloc (size, sizeof (float));
    if (self->weights == NULL) {
      avm_free (self);
      return NULL;
    }
  }
  for (int u = 1 - N; u < N; u++)
    for (int x = 0; x < N; x++) {
      double angle = M_PI * u * (2 * x + 1) / (2 * N);

      self->wave_re[u + N - 1][x] = (float)cos (angle);
      self->wave_im[u + N - 1][x] = (float)sin (angle);
      if (u >= 0)
        self->cosine[u][x] = (float)(2.0 * cos (angle));
    }
  return self;
}

void
avm_gabor_free (AvmGabor *self)
{
  if (self == NULL)
    return;
  avm_free (self->weights);
  avm_free (self);
}

/* half[u][y] = sum over x of cosine[u][x] luma[y][x], then the same along y */
AVM_CLONES static void
transform (AvmGabor *self, const uint8_t *luma)
{
  float turned[N][N];

  for (int y = 0; y < N; y++)
    for (int x = 0; x < N; x++)
      turned[x][y] = luma[y * N + x];
  for (int u = 0; u < N; u++) {
    float sum[N] = {0};

    for (int x = 0; x < N; x++)
      for (int y = 0; y < N; y++)
        sum[y] += self->cosine[u][x] * turned[x][y];
    memcpy (self->half[u], sum, sizeof (sum));
  }
  for (int u = 0; u < N; u++)
    for (int y = 0; y < N; y++)
      turned[y][u] = self->half[u][y];
  for (int v = 0; v < N; v++) {
    float sum[N] = {0};

    for (int y = 0; y < N; y++)
      for (int u = 0; u < N; u++)
        sum[u] += self->cosine[v][y] * turned[y][u];
    memcpy (self->spectrum[v], sum, sizeof (sum));
  }
}

static inline Lanes
load (const float *p)
{
  return *(const Memory *)p;
}

static inline void
store (float *p, Lanes lanes)
{
  *(Memory *)p = lanes;
}

/* The sum over u of one row of the plane, for every x */
AVM_CLONES static void
sum_columns (AvmGabor *self, const Span *span, int row)
{
  const float *spectrum = self->spectrum[span->v < 0 ? -span->v : span->v];
  const float *weights = self->weights + span->at;
  float product[ROWS];

  for (int i = 0; i < span->n; i++) {
    int u = span->first + i;

    product[i] = weights[i] * spectrum[u < 0 ? -u : u];
  }
  for (int x = 0; x < N / 2; x += LANES) {
    Lanes re[2] = {{0}}, im[2] = {{0}};

    for (int odd = 0; odd < 2; odd++) {
      Lanes sum_re = {0}, sum_im = {0};

      for (int i = (span->first + odd) & 1; i < span->n; i += 2) {
        int u = span->first + i + N - 1;

        sum_re += product[i] * load (&self->wave_re[u][x]);
        sum_im += product[i] * load (&self->wave_im[u][x]);
      }
      re[odd] = sum_re;
      im[odd] = sum_im;
    }
    store (&self->line_re[row][x], re[0] + re[1]);
    store (&self->line_im[row][x], im[0] + im[1]);
    store (&self->line_re[row][N / 2 + x], re[0] - re[1]);
    store (&self->line_im[row][N / 2 + x], im[1] - im[0]);
  }
}

/* The sums over v of LANES columns of the responses in the rows y and
 * N - 1 - y; their squared magnitudes go to `power`. */
AVM_CLONES static void
sum_rows (
    const AvmGabor *self, const Filter *filter, int x, int y, float *power)
{
  Lanes re = {0}, im = {0}, mirror_re = {0}, mirror_im = {0};

  for (int odd = 0; odd < 2; odd++) {
    Lanes ac = {0}, as = {0}, bc = {0}, bs = {0};

    /* v goes up by one from span to span: a filter's rows are convex */
    for (int i = (filter->spans[0].v + odd) & 1; i < filter->n; i += 2) {
      int v = filter->spans[i].v + N - 1;
      float c = self->wave_re[v][y], s = self->wave_im[v][y];
      Lanes a = load (&self->line_re[i][x]), b = load (&self->line_im[i][x]);

      ac += a * c;
      as += a * s;
      bc += b * c;
      bs += b * s;
    }
    re += ac - bs;
    im += as + bc;
    mirror_re = ac + bs - mirror_re;
    mirror_im = bc - as - mirror_im;
  }
  store (power, re * re + im * im);
  store (power + LANES, mirror_re * mirror_re + mirror_im * mirror_im);
}

AVM_CLONES static void
add_magnitudes (const float *power, float *sums, float *squares)
{
  for (int x = 0; x < 2 * LANES; x++) {
    sums[x] += sqrtf (power[x]);
    squares[x] += power[x];
  }
}

static void
respond (AvmGabor *self, const Filter *filter, float *values)
{
  double mean = 0.0, square = 0.0;

  for (int i = 0; i < filter->n; i++)
    sum_columns (self, &filter->spans[i], i);
  for (int x = 0; x < N; x += LANES) {
    float sums[2 * LANES] = {0}, squares[2 * LANES] = {0};
    float power[2 * LANES];

    for (int y = 0; y < N / 2; y++) {
      sum_rows (self, filter, x, y, power);
      add_magnitudes (power, sums, squares);
    }
    for (int i = 0; i < 2 * LANES; i++) {
      mean += (double)sums[i];
      square += (double)squares[i];
    }
  }
  mean /= N * N;
  square /= N * N;
  values[0] = (float)mean;
  values[1] = (float)sqrt (AVM_MAX (square - mean * mean, 0.0));
}

void
avm_gabor_describe (AvmGabor *self, const uint8_t *luma, float *values)
{
  transform (self, luma);
  for (int f = 0; f < FILTERS; f++)
    respond (self, &self->filters[f], values + 2 * f);
}
