/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Warping paths against the textbook recursion in double, with and without
 * band and memory limit.
 */

#include "avmcheck.h"
#include "dsp/avm-dtw.h"

typedef struct {
  AvmDtwSide side;
  float *features, *offset;
} Side;

/* Smooth random vectors of length 1: neighbours are alike, as in music. */
static Side
make_side (size_t n, size_t dim)
{
  Side s = {{n, dim, NULL, NULL}, avm_alloc (n * dim, sizeof (float)),
      avm_alloc (n, sizeof (float))};
  float state[AVM_DTW_MAX_DIM] = {0};

  for (size_t i = 0; i < n; i++) {
    float norm = 1e-6f;

    for (size_t d = 0; d < dim; d++) {
      state[d] =
          0.7f * state[d] + fabsf ((float)avm_rng_normal (&avmcheck_rng));
      norm += state[d] * state[d];
    }
    for (size_t d = 0; d < dim; d++)
      s.features[i * dim + d] = state[d] / sqrtf (norm);
    s.offset[i] = (float)avm_rng_range (&avmcheck_rng, 0.6, 1.0);
  }
  s.side.features = s.features;
  s.side.offset = s.offset;
  return s;
}

static void
free_side (Side *s)
{
  avm_free (s->features);
  avm_free (s->offset);
}

static double
cost_of (const AvmDtwSide *a, const AvmDtwSide *b, size_t i, size_t j)
{
  double cost = (double)a->offset[i] + b->offset[j];

  for (size_t d = 0; d < a->dim; d++)
    cost -= (double)a->features[i * a->dim + d] * b->features[j * a->dim + d];
  return cost;
}

static double
reference (const AvmDtwSide *a, const AvmDtwSide *b, const AvmDtwConfig *c)
{
  double *D = malloc (a->n * b->n * sizeof (double)), result;

  for (size_t i = 0; i < a->n; i++) {
    for (size_t j = 0; j < b->n; j++) {
      double cost = cost_of (a, b, i, j), best = 1e300;

      if (c->lo != NULL && (j < c->lo[i] || j > c->hi[i])) {
        D[i * b->n + j] = 1e300;
        continue;
      }
      if (i == 0 && j == 0)
        best = c->both * cost;
      if (i > 0 && j > 0)
        best = fmin (best, D[(i - 1) * b->n + j - 1] + c->both * cost);
      if (i > 0)
        best = fmin (best, D[(i - 1) * b->n + j] + c->row * cost);
      if (j > 0)
        best = fmin (best, D[i * b->n + j - 1] + c->column * cost);
      D[i * b->n + j] = best;
    }
  }
  result = D[a->n * b->n - 1];
  free (D);
  return result;
}

static void
check_path (const AvmDtwPath *path, size_t n, size_t m, const AvmDtwConfig *c)
{
  bool good = path->length > 0 && path->rows[0] == 0 && path->columns[0] == 0
      && path->rows[path->length - 1] == n - 1
      && path->columns[path->length - 1] == m - 1;

  for (size_t k = 1; good && k < path->length; k++) {
    uint32_t di = path->rows[k] - path->rows[k - 1];
    uint32_t dj = path->columns[k] - path->columns[k - 1];

    good = di <= 1 && dj <= 1 && di + dj > 0;
    if (good && c->lo != NULL)
      good = path->columns[k] >= c->lo[path->rows[k] / 16 * 16]
          && path->columns[k] <= c->hi[AVM_MIN (path->rows[k] | 15, n - 1)];
  }
  CHECK (good, "path of %zu steps through %zu x %zu", path->length, n, m);
}

/* A band per strip of 16 rows, the unit in which the kernel works. */
static void
make_band (size_t n, size_t m, size_t radius, uint32_t *lo, uint32_t *hi)
{
  for (size_t i = 0; i < n; i++) {
    double a = (double)(i / 16 * 16) / (double)n * (double)m;
    double b = (double)((i | 15) + 1) / (double)n * (double)m;

    lo[i] = (uint32_t)fmax (a - (double)radius, 0.0);
    hi[i] = (uint32_t)fmin (b + (double)radius, (double)(m - 1));
  }
  hi[n - 1] = (uint32_t)m - 1;
}

static size_t lanes;

static void
check_case (size_t n, size_t m, size_t dim, size_t radius, size_t memory)
{
  Side a = make_side (n, dim), b = make_side (m, dim);
  uint32_t *lo = malloc (n * sizeof (uint32_t));
  uint32_t *hi = malloc (n * sizeof (uint32_t));
  AvmDtwConfig config = {
      2.0f, 1.5f, 1.5f, NULL, NULL, memory, NULL, NULL, lanes};
  AvmError error = {AVM_OK, 0, ""};
  AvmDtwPath path;
  bool ok;

  if (radius > 0) {
    make_band (n, m, radius, lo, hi);
    config.lo = lo;
    config.hi = hi;
  }
  ok = avm_dtw_align (&a.side, &b.side, &config, &path, &error);
  CHECK (ok, "%zu x %zu: %s", n, m, error.detail);
  if (ok) {
    check_path (&path, n, m, &config);
    CHECK_NEAR (path.cost, reference (&a.side, &b.side, &config), 1e-3, 2e-5,
        "cost of %zu x %zu, dim %zu, radius %zu, memory %zu", n, m, dim, radius,
        memory);
  }
  avm_dtw_path_clear (&path);
  free_side (&a);
  free_side (&b);
  free (lo);
  free (hi);
}

static bool
cancel (void *user_data)
{
  ++*(int *)user_data;
  return true;
}

static void
check_errors (void)
{
  Side a = make_side (2000, 4), b = make_side (30, 4), c = make_side (30, 5);
  uint32_t lo[30], hi[30];
  int asked = 0;
  AvmDtwConfig config = {2.0f, 1.5f, 1.5f, NULL, NULL, 0, NULL, NULL};
  AvmError error = {AVM_OK, 0, ""};
  AvmDtwPath path;
  AvmDtwSide none = {0, 4, b.features, b.offset};

  CHECK (!avm_dtw_align (&b.side, &c.side, &config, &path, &error)
          && error.code == AVM_ERROR_RANGE,
      "dimensions");
  CHECK (!avm_dtw_align (&none, &b.side, &config, &path, NULL), "no rows");
  for (int i = 0; i < 30; i++) {
    lo[i] = (uint32_t)(i < 15 ? 0 : 20);
    hi[i] = (uint32_t)(i < 15 ? 10 : 29);
  }
  config.lo = lo;
  config.hi = hi;
  CHECK (!avm_dtw_align (&b.side, &b.side, &config, &path, &error)
          && error.code == AVM_ERROR_RANGE && error.offset == 15,
      "torn band: row %lld", (long long)error.offset);
  config.lo = config.hi = NULL;
  config.cancelled = cancel;
  config.user_data = &asked;
  CHECK (!avm_dtw_align (&a.side, &b.side, &config, &path, &error)
          && error.code == AVM_ERROR_CANCELLED && asked == 1
          && path.rows == NULL,
      "cancelled: %d", error.code);
  free_side (&a);
  free_side (&b);
  free_side (&c);
}

/* A sequence against itself with every element twice. */
static void
check_identity (void)
{
  Side a = make_side (333, 12), b = make_side (666, 12);
  AvmDtwConfig config = {2.0f, 1.5f, 1.5f, NULL, NULL, 0, NULL, NULL};
  AvmDtwPath path;
  int off = 0;

  for (size_t j = 0; j < 666; j++) {
    memcpy (b.features + j * 12, a.features + j / 2 * 12, 12 * sizeof (float));
    b.offset[j] = 0.5f;
    a.offset[j / 2] = 0.5f;
  }
  CHECK (avm_dtw_align (&a.side, &b.side, &config, &path, NULL), "align");
  for (size_t k = 0; k < path.length; k++)
    off += path.rows[k] != path.columns[k] / 2;
  CHECK (off == 0, "%d of %zu steps off", off, path.length);
  avm_dtw_path_clear (&path);
  free_side (&a);
  free_side (&b);
}

static void
check_cases (void)
{
  check_case (1, 1, 12, 0, 0);
  check_case (1, 40, 12, 0, 0);
  check_case (40, 1, 24, 0, 0);
  check_case (16, 16, 12, 0, 0);
  check_case (17, 15, 3, 0, 0);
  check_case (300, 500, 24, 0, 0);
  check_case (500, 300, 12, 0, 1);
  check_case (1000, 700, 24, 0, 20000);
  check_case (1000, 700, 24, 60, 0);
  check_case (1300, 1500, 12, 40, 10000);
  check_case (700, 900, 32, 50, 1);
  for (int i = 0; i < 20; i++)
    check_case (1 + avm_rng_u32 (&avmcheck_rng) % 200,
        1 + avm_rng_u32 (&avmcheck_rng) % 200,
        1 + avm_rng_u32 (&avmcheck_rng) % AVM_DTW_MAX_DIM, 0,
        avm_rng_u32 (&avmcheck_rng) % 8192);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  for (lanes = 4; lanes <= 16; lanes *= 2)
    check_cases ();
  check_identity ();
  check_errors ();
  return avmcheck_report ();
}
