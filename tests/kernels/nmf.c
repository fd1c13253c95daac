/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The factorisation: its updates against plain loops in double, the cost that
 * never rises, what must not matter (threads, unknown motion, what lies beyond
 * the rows), and where it ends: at a point where the cost's own derivatives
 * vanish.
 */

#include "avmcheck.h"
#include "nmf/avm-nmf.h"

#define ALL AVM_NMF_UPDATE_ALL

/* A factorisation and the same in double, rows as in avm-nmf.h but without
 * gaps */
typedef struct {
  int n_bins, n_frames, n_components, n_motions;
  ptrdiff_t stride;
  float *v, *motion;
  double lambda, mu, floor;
  double *w, *h, *a;
  AvmNmf *nmf;
} Problem;

static double
uniform (void)
{
  return avm_rng_uniform (&avmcheck_rng);
}

static void *
allocate (size_t n, size_t size)
{
  void *p = avm_alloc (n, size);

  if (p == NULL)
    exit (1);
  return p;
}

/* Sums of products, so that there is something to find, and noise */
static void
fill_v (Problem *p)
{
  double *tone = allocate ((size_t)(2 * p->n_bins), sizeof (double));

  for (int f = 0; f < 2 * p->n_bins; f++)
    tone[f] = pow (uniform (), 4.0);
  for (int n = 0; n < p->n_frames; n++) {
    double a = uniform (), b = uniform ();

    for (int f = 0; f < p->n_bins; f++)
      p->v[n * p->stride + f] =
          (float)(a * tone[f] + b * tone[p->n_bins + f] + 0.05 * uniform ());
    /* nothing beyond the row is a number, and the last row has no beyond */
    for (ptrdiff_t f = p->n_bins; f < p->stride && n + 1 < p->n_frames; f++)
      p->v[n * p->stride + f] = NAN;
  }
  avm_free (tone);
}

static void
measure_floor (Problem *p)
{
  float peak = 0.0f;

  for (int n = 0; n < p->n_frames; n++)
    for (int f = 0; f < p->n_bins; f++)
      peak = fmaxf (peak, p->v[n * p->stride + f]);
  p->floor = (double)fmaxf (1e-12f * peak, 1e-30f);
}

static void
make (Problem *p, int n_bins, int n_frames, int n_components, int n_motions,
    int pad, int n_threads, int lanes)
{
  AvmNmfConfig config = {.n_bins = n_bins,
      .n_components = n_components,
      .max_frames = n_frames + 3,
      .n_motions = n_motions,
      .n_threads = n_threads,
      .lanes = lanes};
  size_t motions = (size_t)n_frames * (size_t)n_motions;

  *p = (Problem){.n_bins = n_bins,
      .n_frames = n_frames,
      .n_components = n_components,
      .n_motions = n_motions,
      .stride = n_bins + pad};
  /* exactly as long as it may be read */
  p->v = malloc (((size_t)(n_frames - 1) * (size_t)p->stride + (size_t)n_bins)
      * sizeof (float));
  if (p->v == NULL)
    exit (1);
  p->stride = n_bins + pad;
  p->motion = allocate (motions, sizeof (float));
  p->w = allocate ((size_t)(n_components * n_bins), sizeof (double));
  p->h = allocate ((size_t)(n_components * n_frames), sizeof (double));
  p->a = allocate ((size_t)(n_components * n_motions), sizeof (double));
  for (size_t i = 0; i < motions; i++)
    p->motion[i] = uniform () < 0.1 ? NAN : (float)(3.0 * uniform ());
  p->nmf = avm_nmf_new (&config, NULL);
  CHECK (p->nmf != NULL, "new");
  if (p->nmf == NULL)
    exit (1);
}

static void
give_input (Problem *p)
{
  AvmError error = {AVM_OK, -1, ""};

  measure_floor (p);
  CHECK (avm_nmf_set_input (p->nmf, p->v, p->stride, p->n_frames, &error), "%s",
      error.detail);
  avm_nmf_set_motion (
      p->nmf, p->n_motions > 0 ? p->motion : NULL, p->lambda, p->mu);
}

static void
unmake (Problem *p)
{
  avm_nmf_free (p->nmf);
  free (p->v);
  avm_free (p->motion);
  avm_free (p->w);
  avm_free (p->h);
  avm_free (p->a);
}

static void
copy_rows (double *to, const float *from, ptrdiff_t stride, int rows, int n)
{
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++)
      to[i * n + j] = (double)from[i * stride + j];
}

/* The factors as the kernel has them */
static void
fetch (Problem *p)
{
  ptrdiff_t stride;
  const float *rows = avm_nmf_get_w (p->nmf, &stride);

  copy_rows (p->w, rows, stride, p->n_components, p->n_bins);
  rows = avm_nmf_get_h (p->nmf, &stride);
  copy_rows (p->h, rows, stride, p->n_frames, p->n_components);
  rows = avm_nmf_get_a (p->nmf, &stride);
  copy_rows (p->a, rows, stride, p->n_components, p->n_motions);
}

static void
start (Problem *p)
{
  give_input (p);
  avm_nmf_randomise (p->nmf, ALL, avm_rng_u32 (&avmcheck_rng));
  fetch (p);
}

static double
product (const Problem *p, int f, int n)
{
  double sum = 0.0;

  for (int k = 0; k < p->n_components; k++)
    sum += p->w[k * p->n_bins + f] * p->h[n * p->n_components + k];
  return sum;
}

static double
guess_motion (const Problem *p, int n, int c)
{
  double sum = 0.0;

  for (int k = 0; k < p->n_components; k++)
    sum += p->h[n * p->n_components + k] * p->a[k * p->n_motions + c];
  return sum;
}

static double
cost_of (const Problem *p)
{
  double cost = 0.0;

  for (int n = 0; n < p->n_frames; n++) {
    for (int f = 0; f < p->n_bins; f++) {
      double v = (double)p->v[n * p->stride + f];
      double l = product (p, f, n) + p->floor;

      cost += (v > 0.0 ? v * log (v / l) : 0.0) - v + l;
    }
    for (int c = 0; c < p->n_motions; c++) {
      double m = (double)p->motion[n * p->n_motions + c];

      if (!isnan (m))
        cost += p->lambda * pow (m - guess_motion (p, n, c), 2.0);
    }
  }
  for (int i = 0; i < p->n_components * p->n_motions; i++)
    cost += p->mu * p->a[i];
  return cost;
}

/* The positive root of a x^2 + b x = c; 1 where anything will do. Newton's
 * steps bring back what the formula loses where a is next to nothing. */
static double
root_of (double a, double b, double c)
{
  double x = a > 0.0 ? (sqrt (b * b + 4.0 * a * c) - b) / (2.0 * a) : 0.0;

  if (a <= 0.0 && b <= 0.0)
    return 1.0;
  for (int i = 0; i < 5 && 2.0 * a * x + b > 0.0; i++)
    x -= ((a * x + b) * x - c) / (2.0 * a * x + b);
  return x;
}

static double
ratio_of (const Problem *p, int f, int n)
{
  return (double)p->v[n * p->stride + f] / (product (p, f, n) + p->floor);
}

static void
reference_h (Problem *p)
{
  int K = p->n_components;
  double *x = allocate ((size_t)(K * p->n_frames), sizeof (double));

  for (int n = 0; n < p->n_frames; n++) {
    for (int k = 0; k < K; k++) {
      double a = 0.0, b = 0.0, g = 0.0;

      for (int f = 0; f < p->n_bins; f++) {
        b += p->w[k * p->n_bins + f];
        g += p->w[k * p->n_bins + f] * ratio_of (p, f, n);
      }
      for (int c = 0; c < p->n_motions; c++) {
        double m = (double)p->motion[n * p->n_motions + c];
        double link = 2.0 * p->lambda * p->a[k * p->n_motions + c];

        if (isnan (m))
          continue;
        a += link * guess_motion (p, n, c);
        b -= link * m;
      }
      x[n * K + k] = root_of (a, b, g);
    }
  }
  for (int i = 0; i < K * p->n_frames; i++)
    p->h[i] *= x[i];
  avm_free (x);
}

static void
reference_normalise (Problem *p)
{
  int K = p->n_components;

  for (int k = 0; k < K; k++) {
    double norm = 0.0;

    for (int f = 0; f < p->n_bins; f++)
      norm += pow (p->w[k * p->n_bins + f], 2.0);
    norm = sqrt (norm);
    if (norm == 0.0)
      continue;
    for (int f = 0; f < p->n_bins; f++)
      p->w[k * p->n_bins + f] /= norm;
    for (int n = 0; n < p->n_frames; n++)
      p->h[n * K + k] *= norm;
    for (int c = 0; c < p->n_motions; c++)
      p->a[k * p->n_motions + c] /= norm;
  }
}

static void
reference_w (Problem *p)
{
  int K = p->n_components;
  double *x = allocate ((size_t)(K * p->n_bins), sizeof (double));

  for (int k = 0; k < K; k++) {
    double q = 0.0, s = 0.0;

    for (int n = 0; n < p->n_frames; n++)
      q += p->h[n * K + k];
    for (int c = 0; c < p->n_motions; c++)
      s += p->mu * p->a[k * p->n_motions + c];
    for (int f = 0; f < p->n_bins; f++) {
      double sum = 0.0;

      for (int n = 0; n < p->n_frames; n++)
        sum += ratio_of (p, f, n) * p->h[n * K + k];
      x[k * p->n_bins + f] = root_of (q, -sum, s * p->w[k * p->n_bins + f]);
    }
  }
  for (int i = 0; i < K * p->n_bins; i++)
    p->w[i] *= x[i];
  avm_free (x);
  if (p->n_motions > 0)
    reference_normalise (p);
}

static void
reference_a (Problem *p)
{
  int K = p->n_components;
  double *x = allocate ((size_t)(K * p->n_motions), sizeof (double));

  for (int k = 0; k < K; k++) {
    for (int c = 0; c < p->n_motions; c++) {
      double above = 0.0, below = 0.0;

      for (int n = 0; n < p->n_frames; n++) {
        double m = (double)p->motion[n * p->n_motions + c];

        if (isnan (m))
          continue;
        above += 2.0 * p->lambda * p->h[n * K + k] * m;
        below += 2.0 * p->lambda * p->h[n * K + k] * guess_motion (p, n, c);
      }
      x[k * p->n_motions + c] =
          below + p->mu > 0.0 ? above / (below + p->mu) : 1.0;
    }
  }
  for (int i = 0; i < K * p->n_motions; i++)
    p->a[i] *= x[i];
  avm_free (x);
}

static void
reference_iterate (Problem *p, unsigned what)
{
  if (p->n_motions > 0 && what & AVM_NMF_UPDATE_W)
    reference_normalise (p);
  if (what & AVM_NMF_UPDATE_H)
    reference_h (p);
  if (what & AVM_NMF_UPDATE_W)
    reference_w (p);
  if (what & AVM_NMF_UPDATE_A)
    reference_a (p);
}

/* Largest difference, relative to the largest value, of rows */
static double
worst (const double *is, const float *rows, ptrdiff_t stride, int n_rows, int n)
{
  double far = 0.0, top = 1e-300;

  for (int i = 0; i < n_rows; i++) {
    for (int j = 0; j < n; j++) {
      double other = (double)rows[i * stride + j];

      top = fmax (top, fabs (is[i * n + j]));
      far = fmax (far, fabs (is[i * n + j] - other));
      if (!isfinite (other))
        return INFINITY;
    }
  }
  return far / top;
}

static void
compare (const Problem *p, double tolerance, const char *name)
{
  ptrdiff_t stride;
  const float *rows = avm_nmf_get_w (p->nmf, &stride);
  double w = worst (p->w, rows, stride, p->n_components, p->n_bins), h, a;

  rows = avm_nmf_get_h (p->nmf, &stride);
  h = worst (p->h, rows, stride, p->n_frames, p->n_components);
  rows = avm_nmf_get_a (p->nmf, &stride);
  a = worst (p->a, rows, stride, p->n_components, p->n_motions);
  CHECK (w <= tolerance && h <= tolerance && a <= tolerance,
      "%s, %d x %d x %d, %d motions: W %g, H %g, A %g", name, p->n_bins,
      p->n_frames, p->n_components, p->n_motions, w, h, a);
}

/* Every size that leaves something over in one of the loops, all widths */
static void
check_against_reference (void)
{
  static const struct {
    int n_bins, n_frames, n_components, n_motions, pad;
  } sizes[] = {{1, 1, 1, 0, 0}, {1, 9, 3, 2, 1}, {65, 50, 1, 1, 0},
      {63, 49, 17, 3, 5}, {129, 97, 6, 0, 0}, {64, 48, 16, 0, 0},
      {200, 7, 65, 2, 3}, {33, 101, 60, 5, 0}, {84, 53, 100, 0, 1},
      {20, 31, 33, 20, 0}, {257, 20, 4, 1, 0}};
  static const int lanes[] = {4, 8, 16};
  static const unsigned parts[] = {ALL, AVM_NMF_UPDATE_H, AVM_NMF_UPDATE_W,
      AVM_NMF_UPDATE_A, AVM_NMF_UPDATE_H | AVM_NMF_UPDATE_W, 0};

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]) * 3; i++) {
    Problem p;

    make (&p, sizes[i / 3].n_bins, sizes[i / 3].n_frames,
        sizes[i / 3].n_components, sizes[i / 3].n_motions, sizes[i / 3].pad, 2,
        lanes[i % 3]);
    p.lambda = 3.0 * uniform ();
    p.mu = 2.0 * uniform ();
    fill_v (&p);
    start (&p);
    for (size_t j = 0; j < 2 * sizeof (parts) / sizeof (parts[0]); j++) {
      unsigned what = parts[j / 2];
      double before, cost;

      if (p.n_motions > 0 && what & AVM_NMF_UPDATE_W)
        reference_normalise (&p);
      before = cost_of (&p);
      cost = avm_nmf_iterate (p.nmf, what);
      /* where the model is exact, both are rounding of what V sums to */
      CHECK_NEAR (cost, before, 1e-6 * p.n_bins * p.n_frames, 2e-5,
          "cost %zu of size %zu", j, i / 3);
      reference_iterate (&p, what);
    }
    compare (&p, 2e-4, "after 12 iterations");
    CHECK_NEAR (avm_nmf_cost (p.nmf), cost_of (&p),
        1e-6 * p.n_bins * p.n_frames, 2e-5, "cost of size %zu", i / 3);
    unmake (&p);
  }
}

/* 60 % of V next to nothing, the rest over three decades */
static void
roughen (Problem *p)
{
  for (int n = 0; n < p->n_frames; n++)
    for (int f = 0; f < p->n_bins; f++)
      p->v[n * p->stride + f] =
          uniform () < 0.6 ? 1e-9f : (float)pow (10.0, -3.0 + 3.0 * uniform ());
}

/* Returns by how much the cost rose at most, as a part of it. */
static double
descend (Problem *p, int iterations, unsigned what)
{
  double before = INFINITY, told = INFINITY, rise = 0.0, norm = 0.0;

  for (int i = 0; i < iterations; i++) {
    double said = avm_nmf_iterate (p->nmf, what);
    double cost;

    fetch (p);
    cost = cost_of (p);
    rise = fmax (rise, (cost - before) / cost);
    rise = fmax (rise, (said - told) / said);
    before = cost;
    /* the first one may have had to normalise */
    told = said;
  }
  for (int f = 0; f < p->n_bins; f++)
    norm += pow (p->w[f], 2.0);
  if (what & AVM_NMF_UPDATE_W && p->n_motions > 0)
    CHECK_NEAR (norm, 1.0, 3e-6, 0.0, "norm of an atom");
  return rise;
}

static void
check_never_rises (void)
{
  static const double lambdas[] = {0.0, 0.01, 1.0, 100.0, 1e4, 1e6};
  static const double mus[] = {0.0, 0.1, 30.0};
  static const unsigned parts[] = {ALL, ALL & ~AVM_NMF_UPDATE_A,
      AVM_NMF_UPDATE_W, AVM_NMF_UPDATE_H, AVM_NMF_UPDATE_A};

  for (int run = 0; run < 24; run++) {
    Problem p;
    double rise;
    int motions = run % 4 == 3 ? 0 : 1 + run % 3 * 2;

    make (&p, 60, 50, 8, motions, 0, 1, 0);
    p.lambda = lambdas[run % 6];
    p.mu = mus[run / 6 % 3];
    if (run % 2 == 0)
      fill_v (&p);
    else
      roughen (&p);
    start (&p);
    if (motions > 0)
      avm_nmf_normalise (p.nmf);
    rise = descend (&p, 60, parts[run % 8 < 5 ? 0 : run % 8 - 4]);
    CHECK (rise <= 1e-6, "run %d, lambda %g, mu %g: cost rises by %g of it",
        run, p.lambda, p.mu, rise);
    unmake (&p);
  }
}

/* Of the cost with all atoms at norm 1 after factor times *x */
static double
cost_with (Problem *p, double *x, double factor)
{
  Problem q = *p;
  double cost, old = *x;
  size_t w = (size_t)(p->n_components * p->n_bins) * sizeof (double);
  size_t h = (size_t)(p->n_components * p->n_frames) * sizeof (double);
  size_t a = (size_t)(p->n_components * p->n_motions) * sizeof (double);

  *x = old * factor;
  q.w = memcpy (allocate (1, w), p->w, w);
  q.h = memcpy (allocate (1, h), p->h, h);
  q.a = memcpy (allocate (1, a), p->a, a);
  *x = old;
  if (p->n_motions > 0)
    reference_normalise (&q);
  cost = cost_of (&q);
  avm_free (q.w);
  avm_free (q.h);
  avm_free (q.a);
  return cost;
}

/* x dC/dx of the one where it is largest, by differences; where x is nothing,
 * how steeply the cost falls as it grows. */
static double
steepest_slope (Problem *p, double *x, int n)
{
  const double step = 1e-4;
  double slope = 0.0, top = 0.0;

  for (int i = 0; i < n; i++)
    top = fmax (top, x[i]);
  for (int i = 0; i < n; i++) {
    double old = x[i];

    slope = fmax (slope,
        fabs (
            cost_with (p, &x[i], 1.0 + step) - cost_with (p, &x[i], 1.0 - step))
            / (2.0 * step));
    if (old < 1e-6 * top) {
      double here = cost_with (p, &x[i], 1.0), there;

      x[i] = 1e-3 * top;
      there = cost_with (p, &x[i], 1.0);
      x[i] = old;
      slope = fmax (slope, (here - there) / 1e-3);
    }
  }
  return slope;
}

/* To a thousandth of the largest at least */
static void
lift (float *rows, ptrdiff_t stride, int n_rows, int n)
{
  float top = 0.0f;

  for (int i = 0; i < n_rows * n; i++)
    top = fmaxf (top, rows[i / n * stride + i % n]);
  for (int i = 0; i < n_rows * n; i++)
    rows[i / n * stride + i % n] =
        fmaxf (rows[i / n * stride + i % n], 1e-3f * top);
}

/* What fell to nothing on the way would need ages to come back. */
static void
lift_all (Problem *p)
{
  ptrdiff_t stride;
  float *rows = avm_nmf_get_w (p->nmf, &stride);

  lift (rows, stride, p->n_components, p->n_bins);
  rows = avm_nmf_get_h (p->nmf, &stride);
  lift (rows, stride, p->n_frames, p->n_components);
  rows = avm_nmf_get_a (p->nmf, &stride);
  lift (rows, stride, p->n_components, p->n_motions);
}

/* Where it ends, sooner or later, all slopes are level. */
static void
check_end (int n_motions, double lambda, double mu)
{
  Problem p;
  double w = INFINITY, h = INFINITY, a = INFINITY;

  make (&p, 18, 24, 3, n_motions, 0, 1, 0);
  p.lambda = lambda;
  p.mu = mu;
  fill_v (&p);
  start (&p);
  for (int round = 0; round < 20 && !(w < 2e-3 && h < 2e-3 && a < 2e-3);
       round++) {
    lift_all (&p);
    for (int i = 0; i < 10000; i++)
      avm_nmf_iterate (p.nmf, ALL);
    fetch (&p);
    w = steepest_slope (&p, p.w, p.n_components * p.n_bins);
    h = steepest_slope (&p, p.h, p.n_components * p.n_frames);
    a = steepest_slope (&p, p.a, p.n_components * p.n_motions);
  }
  CHECK (w < 2e-3 && h < 2e-3 && a < 2e-3,
      "%d motions, slopes at the end: W %g, H %g, A %g", n_motions, w, h, a);
  unmake (&p);
}

/* One component: the product of the margins, after one iteration */
static void
check_one_component (void)
{
  Problem p;
  double total = 0.0, far = 0.0;

  make (&p, 77, 59, 1, 0, 2, 1, 0);
  fill_v (&p);
  start (&p);
  avm_nmf_iterate (p.nmf, ALL);
  fetch (&p);
  for (int n = 0; n < p.n_frames; n++)
    for (int f = 0; f < p.n_bins; f++)
      total += (double)p.v[n * p.stride + f];
  for (int n = 0; n < p.n_frames; n++) {
    for (int f = 0; f < p.n_bins; f++) {
      double row = 0.0, column = 0.0;

      for (int i = 0; i < p.n_bins; i++)
        row += (double)p.v[n * p.stride + i];
      for (int i = 0; i < p.n_frames; i++)
        column += (double)p.v[i * p.stride + f];
      far =
          fmax (far, fabs (product (&p, f, n) * total / (row * column) - 1.0));
    }
  }
  CHECK (far < 1e-5, "one component: %g from the product of the margins", far);
  unmake (&p);
}

/* The same problem, solved by `n_threads` */
static void
solve (Problem *p, const Problem *like, int n_threads, uint64_t seed)
{
  make (p, like->n_bins, like->n_frames, like->n_components, like->n_motions, 0,
      n_threads, 0);
  memcpy (
      p->v, like->v, (size_t)(like->n_bins * like->n_frames) * sizeof (float));
  memcpy (p->motion, like->motion,
      (size_t)(like->n_motions * like->n_frames) * sizeof (float));
  p->lambda = like->lambda;
  p->mu = like->mu;
  give_input (p);
  avm_nmf_randomise (p->nmf, ALL, seed);
  for (int i = 0; i < 10; i++)
    avm_nmf_iterate (p->nmf, ALL);
  fetch (p);
}

static bool
is_same (const double *a, const double *b, int n)
{
  return memcmp (a, b, (size_t)n * sizeof (double)) == 0;
}

static bool
are_same (const Problem *a, const Problem *b)
{
  return is_same (a->w, b->w, a->n_bins * a->n_components)
      && is_same (a->h, b->h, a->n_frames * a->n_components)
      && is_same (a->a, b->a, a->n_motions * a->n_components);
}

static void
check_threads (void)
{
  static const int threads[] = {1, 2, 3, 7, 64};
  Problem like, first, other;

  make (&like, 333, 210, 10, 3, 0, 1, 0);
  like.lambda = 2.0;
  like.mu = 0.5;
  fill_v (&like);
  solve (&first, &like, 1, 5);
  for (size_t i = 0; i < sizeof (threads) / sizeof (threads[0]); i++) {
    solve (&other, &like, threads[i], 5);
    CHECK (are_same (&first, &other), "%d threads: another result", threads[i]);
    unmake (&other);
  }
  solve (&other, &like, 1, 6);
  CHECK (!are_same (&first, &other), "another seed, the same result");
  unmake (&other);
  unmake (&first);
  unmake (&like);
}

/* Starts `p` with the factors of `from`, leaving out the last motions. */
static void
start_like (Problem *p, const Problem *from)
{
  ptrdiff_t to, stride;
  float *rows;
  const float *other;

  give_input (p);
  rows = avm_nmf_get_w (p->nmf, &to);
  other = avm_nmf_get_w (from->nmf, &stride);
  for (int k = 0; k < p->n_components; k++)
    memcpy (
        rows + k * to, other + k * stride, (size_t)p->n_bins * sizeof (float));
  rows = avm_nmf_get_h (p->nmf, &to);
  other = avm_nmf_get_h (from->nmf, &stride);
  for (int n = 0; n < p->n_frames; n++)
    memcpy (rows + n * to, other + n * stride,
        (size_t)p->n_components * sizeof (float));
  rows = avm_nmf_get_a (p->nmf, &to);
  other = avm_nmf_get_a (from->nmf, &stride);
  for (int k = 0; k < p->n_components; k++)
    memcpy (rows + k * to, other + k * stride,
        (size_t)p->n_motions * sizeof (float));
}

/* NaN is NaN whatever its bits. */
static void
check_unknown_bits (void)
{
  Problem like, first, other;

  make (&like, 70, 90, 5, 3, 0, 1, 0);
  like.lambda = 2.0;
  fill_v (&like);
  solve (&first, &like, 1, 5);
  for (int i = 0; i < 90 * 3; i++) {
    uint32_t bits = 0xff812345 + (uint32_t)i;

    if (isnan (like.motion[i]))
      memcpy (&like.motion[i], &bits, sizeof (bits));
  }
  solve (&other, &like, 1, 5);
  CHECK (are_same (&first, &other), "NaN of other bits, another result");
  unmake (&other);
  unmake (&first);
  unmake (&like);
}

/* A motion of which nothing is known is as good as none. */
static void
check_unknown_motion (void)
{
  Problem with, without;

  make (&with, 70, 90, 5, 3, 0, 1, 0);
  make (&without, 70, 90, 5, 2, 0, 1, 0);
  with.lambda = without.lambda = 2.0;
  fill_v (&with);
  memcpy (without.v, with.v, 70 * 90 * sizeof (float));
  for (int n = 0; n < 90; n++) {
    with.motion[n * 3 + 2] = NAN;
    memcpy (without.motion + n * 2, with.motion + n * 3, 2 * sizeof (float));
  }
  start (&with);
  start_like (&without, &with);
  for (int i = 0; i < 20; i++)
    CHECK_NEAR (avm_nmf_iterate (with.nmf, ALL),
        avm_nmf_iterate (without.nmf, ALL), 0.0, 1e-12, "iteration %d", i);
  fetch (&with);
  fetch (&without);
  CHECK (is_same (with.w, without.w, 70 * 5)
          && is_same (with.h, without.h, 90 * 5),
      "a motion that is not known matters");
  unmake (&with);
  unmake (&without);
}

/* A second channel that is half the first, with atoms that are, changes
 * nothing of the activations. */
static void
check_channels (void)
{
  Problem one, two;
  ptrdiff_t stride;
  float *w;

  make (&one, 75, 60, 4, 0, 0, 1, 0);
  make (&two, 150, 60, 4, 0, 0, 1, 0);
  fill_v (&one);
  for (int n = 0; n < 60; n++) {
    for (int f = 0; f < 75; f++) {
      two.v[n * 150 + f] = one.v[n * 75 + f];
      two.v[n * 150 + 75 + f] = 0.5f * one.v[n * 75 + f];
    }
  }
  start (&one);
  give_input (&two);
  w = avm_nmf_get_h (two.nmf, &stride);
  for (int i = 0; i < 60 * 4; i++)
    w[i / 4 * stride + i % 4] = (float)one.h[i];
  w = avm_nmf_get_w (two.nmf, &stride);
  for (int k = 0; k < 4; k++) {
    for (int f = 0; f < 75; f++) {
      w[k * stride + f] = (float)one.w[k * 75 + f];
      w[k * stride + 75 + f] = 0.5f * (float)one.w[k * 75 + f];
    }
  }
  for (int i = 0; i < 15; i++) {
    avm_nmf_iterate (one.nmf, ALL);
    avm_nmf_iterate (two.nmf, ALL);
  }
  fetch (&one);
  w = avm_nmf_get_h (two.nmf, &stride);
  CHECK (worst (one.h, w, stride, 60, 4) < 1e-4, "activations of two channels");
  w = avm_nmf_get_w (two.nmf, &stride);
  CHECK (worst (one.w, w, stride, 4, 75) < 1e-4, "atoms of the first channel");
  for (int i = 0; i < 4 * 75; i++)
    one.w[i] *= 0.5;
  CHECK (worst (one.w, w + 75, stride, 4, 75) < 1e-4,
      "atoms of the second channel");
  unmake (&one);
  unmake (&two);
}

/* V times a power of two: the model and the cost times the same. */
static void
check_scale (float scale)
{
  Problem p;
  double costs[2];

  make (&p, 100, 70, 6, 0, 0, 1, 0);
  fill_v (&p);
  for (int pass = 0; pass < 2; pass++) {
    give_input (&p);
    avm_nmf_randomise (p.nmf, ALL, 3);
    for (int i = 0; i < 20; i++)
      avm_nmf_iterate (p.nmf, ALL);
    costs[pass] = avm_nmf_cost (p.nmf);
    fetch (&p);
    CHECK_NEAR (costs[pass], cost_of (&p), 0.0, 1e-4, "scale %g", scale);
    for (int i = 0; i < 100 * 70; i++)
      p.v[i] *= scale;
  }
  CHECK_NEAR (costs[1] / scale, costs[0], 0.0, 1e-4, "scale %g", scale);
  unmake (&p);
}

/* Silence, denormals, and everything from 1e-38 to 1e30 in one V */
static void
check_extremes (int kind)
{
  Problem p;
  double cost = INFINITY;

  make (&p, 90, 61, 5, kind % 2, 0, 2, 0);
  p.lambda = 1.0;
  for (int i = 0; i < 90 * 61; i++)
    p.v[i] = kind < 2      ? 0.0f
        : kind < 4         ? (float)(uniform () * 1e-39)
        : uniform () < 0.3 ? 0.0f
                           : (float)pow (10.0, -38.0 + 68.0 * uniform ());
  start (&p);
  for (int i = 0; i < 50; i++) {
    double now = avm_nmf_iterate (p.nmf, ALL);

    CHECK (isfinite (now), "kind %d: cost", kind);
    CHECK (i == 1 || now <= cost * (1.0 + 1e-6), "kind %d: %g after %g", kind,
        now, cost);
    cost = now;
  }
  fetch (&p);
  compare (&p, 0.0, "finite factors");
  unmake (&p);
}

static void
check_zeros (void)
{
  Problem p;
  ptrdiff_t w_stride, h_stride, a_stride;
  float *w, *h, *a;
  int wrong = 0;

  make (&p, 50, 40, 6, 2, 0, 1, 0);
  p.lambda = 1.0;
  fill_v (&p);
  start (&p);
  w = avm_nmf_get_w (p.nmf, &w_stride);
  h = avm_nmf_get_h (p.nmf, &h_stride);
  a = avm_nmf_get_a (p.nmf, &a_stride);
  for (int f = 0; f < 50; f += 3)
    w[2 * w_stride + f] = 0.0f;
  for (int f = 0; f < 50; f++)
    w[3 * w_stride + f] = 0.0f;
  for (int n = 0; n < 40; n += 2)
    h[n * h_stride + 1] = 0.0f;
  for (int n = 0; n < 40; n++)
    h[n * h_stride + 4] = 0.0f;
  a[0] = a[5 * a_stride + 1] = 0.0f;
  for (int i = 0; i < 30; i++)
    avm_nmf_iterate (p.nmf, ALL);
  for (int f = 0; f < 50; f += 3)
    wrong += w[2 * w_stride + f] != 0.0f;
  for (int f = 0; f < 50; f++)
    wrong += w[3 * w_stride + f] != 0.0f;
  for (int n = 0; n < 40; n += 2)
    wrong += h[n * h_stride + 1] != 0.0f;
  for (int n = 0; n < 40; n++)
    wrong += h[n * h_stride + 4] != 0.0f;
  wrong += a[0] != 0.0f || a[5 * a_stride + 1] != 0.0f;
  CHECK (wrong == 0, "%d zeros did not stay", wrong);
  fetch (&p);
  compare (&p, 0.0, "finite with zeros");
  unmake (&p);
}

static void
check_model (void)
{
  Problem p;
  float out[151], weights[] = {1.0f, 0.0f, 0.25f, 2.0f};
  double far = 0.0;

  make (&p, 150, 20, 4, 2, 0, 1, 0);
  fill_v (&p);
  start (&p);
  for (int pass = 0; pass < 2; pass++) {
    out[150] = -7.0f;
    for (int n = 0; n < 20; n++) {
      avm_nmf_model (p.nmf, n, NULL, out);
      for (int f = 0; f < 150; f++)
        far = fmax (far, fabs ((double)out[f] / product (&p, f, n) - 1.0));
    }
    CHECK (far < 1e-5 && out[150] == -7.0f, "model: %g", far);
    avm_nmf_normalise (p.nmf);
  }
  fetch (&p);
  far = 0.0;
  for (int k = 0; k < 4; k++) {
    double norm = 0.0;

    for (int f = 0; f < 150; f++)
      norm += pow (p.w[k * 150 + f], 2.0);
    far = fmax (far, fabs (norm - 1.0));
  }
  CHECK (far < 3e-6, "norm: %g", far);
  for (int i = 0; i < 20 * 4; i++)
    p.h[i] *= (double)weights[i % 4];
  avm_nmf_model (p.nmf, 13, weights, out);
  far = 0.0;
  for (int f = 0; f < 150; f++)
    far = fmax (far, fabs ((double)out[f] / product (&p, f, 13) - 1.0));
  CHECK (far < 1e-5, "weighted model: %g", far);
  unmake (&p);
}

/* Rows of H beyond the input stay as they are, and the caller's denormals
 * work as before. */
static void
check_manners (void)
{
  volatile float tiny = 1e-39f;
  Problem p;
  ptrdiff_t stride;
  float *h;

  make (&p, 65, 31, 7, 0, 0, 2, 0);
  fill_v (&p);
  start (&p);
  h = avm_nmf_get_h (p.nmf, &stride);
  for (int i = 0; i < 7; i++)
    h[31 * stride + i] = (float)i;
  for (int i = 0; i < 5; i++)
    avm_nmf_iterate (p.nmf, ALL);
  for (int i = 0; i < 7; i++)
    CHECK (h[31 * stride + i] == (float)i, "a row beyond the input");
  CHECK (tiny * 0.5f > 0.0f, "denormals of the caller are gone");
  unmake (&p);
}

static void
check_refusals (void)
{
  static const AvmNmfConfig bad[] = {{.n_bins = 0, 1, 1, 0, 1, 0},
      {.n_bins = 1, 0, 1, 0, 1, 0}, {.n_bins = 1, 1, 0, 0, 1, 0},
      {.n_bins = 1, 1, 1, -1, 1, 0}, {.n_bins = 1, 1, 1, 0, 0, 0},
      {.n_bins = 1, 1025, 1, 0, 1, 0}, {.n_bins = 1, 1, 1, 257, 1, 0},
      {.n_bins = 1, 1, 1, 0, 65, 0}, {.n_bins = (1 << 20) + 1, 1, 1, 0, 1, 0},
      {.n_bins = 1, 1, (1 << 24) + 1, 0, 1, 0}};
  static const float numbers[] = {-1.0f, -1e-30f, NAN, INFINITY, -INFINITY};
  AvmError error;
  Problem p;

  for (size_t i = 0; i < sizeof (bad) / sizeof (bad[0]); i++) {
    AvmNmf *nmf;

    error.code = AVM_OK;
    nmf = avm_nmf_new (&bad[i], &error);
    CHECK (nmf == NULL && error.code == AVM_ERROR_RANGE, "config %zu", i);
    avm_nmf_free (nmf);
  }
  avm_nmf_free (NULL);
  make (&p, 37, 20, 2, 0, 0, 1, 0);
  CHECK (avm_nmf_iterate (p.nmf, ALL) == 0.0 && avm_nmf_cost (p.nmf) == 0.0,
      "no input");
  fill_v (&p);
  CHECK (!avm_nmf_set_input (p.nmf, p.v, 37, 0, &error), "no frame");
  CHECK (!avm_nmf_set_input (p.nmf, p.v, 37, 24, &error), "too many frames");
  for (size_t i = 0; i < 5 * 37; i++) {
    float old = p.v[7 * 37 + i / 5];

    p.v[7 * 37 + i / 5] = numbers[i % 5];
    error.code = AVM_OK;
    CHECK (!avm_nmf_set_input (p.nmf, p.v, 37, 20, &error)
            && error.code == AVM_ERROR_RANGE && error.offset == 7,
        "bin %zu: %g", i / 5, (double)numbers[i % 5]);
    p.v[7 * 37 + i / 5] = old;
  }
  p.v[3] = -0.0f;
  CHECK (avm_nmf_set_input (p.nmf, p.v, 37, 20, &error), "minus nothing");
  unmake (&p);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_against_reference ();
  check_never_rises ();
  check_end (0, 0.0, 0.0);
  check_end (2, 0.5, 0.3);
  check_one_component ();
  check_threads ();
  check_unknown_bits ();
  check_unknown_motion ();
  check_channels ();
  check_scale (0x1p-40f);
  check_scale (0x1p40f);
  for (int kind = 0; kind < 6; kind++)
    check_extremes (kind);
  check_zeros ();
  check_model ();
  check_manners ();
  check_refusals ();
  return avmcheck_report ();
}
