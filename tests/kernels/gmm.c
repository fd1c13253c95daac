/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gaussian mixtures against closed forms and against a plain reference that
 * inverts matrices instead of factorising them.
 */

#include "avmcheck.h"
#include "learn/avm-gmm.h"

#define MAX_N 600

static AvmGmmParams
params_of (AvmGmmCovariance covariance, double floor, int iterations)
{
  AvmGmmParams params = AVM_GMM_PARAMS_INIT;

  params.covariance = covariance;
  params.floor = floor;
  params.max_iterations = iterations;
  params.tolerance = 0.0;
  return params;
}

/* n points around (x, y), sd (sx, sy) along axes turned by `angle` */
static void
scatter (float *points, int n, double x, double y, double sx, double sy,
    double angle)
{
  for (int i = 0; i < n; i++) {
    double a = sx * avm_rng_normal (&avmcheck_rng);
    double b = sy * avm_rng_normal (&avmcheck_rng);

    points[2 * i] = (float)(x + a * cos (angle) - b * sin (angle));
    points[2 * i + 1] = (float)(y + a * sin (angle) + b * cos (angle));
  }
}

/* -- the reference: two dimensions, explicit inverse ----------------------- */

typedef struct {
  int k;
  double share[8], mx[8], my[8], xx[8], xy[8], yy[8];
} Reference;

static double
reference_density (const Reference *r, int c, double x, double y)
{
  double det = r->xx[c] * r->yy[c] - r->xy[c] * r->xy[c];
  double dx = x - r->mx[c], dy = y - r->my[c];
  double q =
      (r->yy[c] * dx * dx - 2.0 * r->xy[c] * dx * dy + r->xx[c] * dy * dy)
      / det;

  return r->share[c] * exp (-0.5 * q) / (2.0 * M_PI * sqrt (det));
}

static void
reference_maximise (Reference *r, const float *p, const float *w, int n,
    double (*z)[8], double floor)
{
  double total = 0.0;

  for (int c = 0; c < r->k; c++) {
    double s = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0, yy = 0.0;

    for (int i = 0; i < n; i++) {
      double g = w[i] * z[i][c], px = p[2 * i], py = p[2 * i + 1];

      s += g;
      x += g * px;
      y += g * py;
      xx += g * px * px;
      xy += g * px * py;
      yy += g * py * py;
    }
    r->share[c] = s;
    r->mx[c] = x / s;
    r->my[c] = y / s;
    r->xx[c] = xx / s - r->mx[c] * r->mx[c] + floor;
    r->xy[c] = xy / s - r->mx[c] * r->my[c];
    r->yy[c] = yy / s - r->my[c] * r->my[c] + floor;
    total += s;
  }
  for (int c = 0; c < r->k; c++)
    r->share[c] /= total;
}

static double
reference_expect (
    const Reference *r, const float *p, const float *w, int n, double (*z)[8])
{
  double sum = 0.0, total = 0.0;

  for (int i = 0; i < n; i++) {
    double density = 0.0;

    for (int c = 0; c < r->k; c++)
      density += z[i][c] = reference_density (r, c, p[2 * i], p[2 * i + 1]);
    for (int c = 0; c < r->k; c++)
      z[i][c] /= density;
    sum += w[i] * log (density);
    total += w[i];
  }
  return sum / total;
}

static void
test_reference (void)
{
  static float points[2 * MAX_N], weights[MAX_N];
  static double z[MAX_N][8];
  static int labels[MAX_N];
  const int n = MAX_N, k = 3, iterations = 12;
  AvmGmmParams params = params_of (AVM_GMM_FULL, 0.01, iterations);
  AvmGmm *gmm = avm_gmm_new (n, 2, k, &params, NULL);
  Reference reference = {.k = k};
  double likelihood, expected = 0.0, posterior[8];

  scatter (points, 200, 0.0, 0.0, 1.0, 2.0, 0.4);
  scatter (points + 400, 200, 3.0, 1.0, 0.7, 0.7, 0.0);
  scatter (points + 800, 200, 1.0, 5.0, 2.0, 0.5, 1.2);
  for (int i = 0; i < n; i++) {
    weights[i] = (float)avm_rng_range (&avmcheck_rng, 0.0, 2.0);
    labels[i] = (int)(avm_rng_u32 (&avmcheck_rng) % 4) - 1; /* -1: left out */
    for (int c = 0; c < k; c++)
      z[i][c] = labels[i] == c;
  }
  likelihood = avm_gmm_fit (gmm, points, weights, n, k, 1, labels);
  for (int i = 0; i < iterations; i++) {
    reference_maximise (&reference, points, weights, n, z, 0.01);
    expected = reference_expect (&reference, points, weights, n, z);
  }
  CHECK_NEAR (likelihood, expected, 1e-9, 1e-9, "likelihood");
  for (int c = 0; c < k; c++) {
    const double *cov = avm_gmm_covariances (gmm) + 4 * c;

    CHECK_NEAR (
        avm_gmm_shares (gmm)[c], reference.share[c], 1e-9, 1e-7, "share %d", c);
    CHECK_NEAR (avm_gmm_means (gmm)[2 * c], reference.mx[c], 1e-7, 1e-7,
        "mean x %d", c);
    CHECK_NEAR (avm_gmm_means (gmm)[2 * c + 1], reference.my[c], 1e-7, 1e-7,
        "mean y %d", c);
    CHECK_NEAR (cov[0], reference.xx[c], 1e-7, 1e-7, "xx %d", c);
    CHECK_NEAR (cov[1], reference.xy[c], 1e-7, 1e-7, "xy %d", c);
    CHECK_NEAR (cov[2], cov[1], 0.0, 0.0, "symmetry %d", c);
    CHECK_NEAR (cov[3], reference.yy[c], 1e-7, 1e-7, "yy %d", c);
  }
  CHECK_NEAR (avm_gmm_evaluate (gmm, points, posterior),
      log (reference_density (&reference, 0, points[0], points[1])
          + reference_density (&reference, 1, points[0], points[1])
          + reference_density (&reference, 2, points[0], points[1])),
      1e-9, 1e-9, "log density");
  CHECK_NEAR (
      posterior[0] + posterior[1] + posterior[2], 1.0, 1e-12, 0.0, "posterior");
  CHECK_NEAR (posterior[1], z[0][1], 1e-9, 1e-9, "posterior of a point");
  avm_gmm_free (gmm);
}

/* -- closed forms ---------------------------------------------------------- */

/* One component is the weighted mean and covariance, whatever the seed; the
 * likelihood of a Gaussian at its own optimum is known. */
static void
test_single (AvmGmmCovariance covariance)
{
  static float points[3 * 200], weights[200];
  AvmGmmParams params = params_of (covariance, 1e-9, 3);
  AvmGmm *gmm = avm_gmm_new (200, 3, 1, &params, NULL);
  double total = 0.0, mean[3] = {0.0}, cov[3][3] = {{0.0}}, det, likelihood;

  for (int i = 0; i < 200; i++) {
    double a = avm_rng_normal (&avmcheck_rng);

    weights[i] = (float)avm_rng_range (&avmcheck_rng, 0.1, 3.0);
    points[3 * i] = (float)(100.0 + a);
    points[3 * i + 1] = (float)(0.5 * a + avm_rng_normal (&avmcheck_rng));
    points[3 * i + 2] = (float)(2.0 * avm_rng_normal (&avmcheck_rng) - a);
    total += weights[i];
    for (int d = 0; d < 3; d++)
      mean[d] += (double)weights[i] * points[3 * i + d];
  }
  for (int d = 0; d < 3; d++)
    mean[d] /= total;
  for (int i = 0; i < 200; i++)
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++)
        if (covariance == AVM_GMM_FULL || a == b)
          cov[a][b] += weights[i] / total * (points[3 * i + a] - mean[a])
              * (points[3 * i + b] - mean[b]);
  det = cov[0][0] * (cov[1][1] * cov[2][2] - cov[1][2] * cov[2][1])
      - cov[0][1] * (cov[1][0] * cov[2][2] - cov[1][2] * cov[2][0])
      + cov[0][2] * (cov[1][0] * cov[2][1] - cov[1][1] * cov[2][0]);
  likelihood = avm_gmm_fit (gmm, points, weights, 200, 1, 7, NULL);
  CHECK_NEAR (likelihood, -0.5 * (3.0 * log (2.0 * M_PI) + log (det) + 3.0),
      1e-6, 1e-6, "likelihood of one component");
  for (int a = 0; a < 3; a++) {
    CHECK_NEAR (avm_gmm_means (gmm)[a], mean[a], 1e-9, 1e-9, "mean");
    for (int b = 0; b < 3; b++)
      CHECK_NEAR (avm_gmm_covariances (gmm)[3 * a + b], cov[a][b], 1e-8, 1e-7,
          "covariance %d %d", a, b);
  }
  /* parameters: 3 means, 6 or 3 of the covariance, no free share */
  CHECK_NEAR (avm_gmm_bic (gmm, 200.0),
      (covariance == AVM_GMM_FULL ? 9.0 : 6.0) * log (200.0)
          - 400.0 * likelihood,
      1e-9, 1e-9, "BIC");
  avm_gmm_free (gmm);
}

/* -- properties ------------------------------------------------------------ */

static void
test_monotone (void)
{
  static float points[2 * MAX_N];
  AvmGmmParams params = params_of (AVM_GMM_FULL, 1e-9, 60);
  AvmGmm *gmm = avm_gmm_new (MAX_N, 2, 5, &params, NULL);
  const double *history;
  int n = 0, falls = 0;

  for (int i = 0; i < 2 * MAX_N; i++)
    points[i] = (float)avm_rng_uniform (&avmcheck_rng);
  avm_gmm_fit (gmm, points, NULL, MAX_N, 5, 3, NULL);
  history = avm_gmm_history (gmm, &n);
  for (int i = 1; i < n; i++)
    falls += history[i] < history[i - 1] - 1e-7;
  CHECK (n > 2, "%d iterations", n);
  CHECK (falls == 0, "likelihood fell %d times in %d iterations", falls, n);
  avm_gmm_free (gmm);
}

/* A point of weight 3 is three points. */
static void
test_weights (void)
{
  static float points[2 * 100], repeated[2 * 300], weights[100];
  static int labels[100], repeated_labels[300];
  AvmGmmParams params = params_of (AVM_GMM_FULL, 1e-3, 20);
  AvmGmm *a = avm_gmm_new (300, 2, 2, &params, NULL);
  AvmGmm *b = avm_gmm_new (300, 2, 2, &params, NULL);
  int n = 0;

  scatter (points, 50, 0.0, 0.0, 1.0, 1.0, 0.0);
  scatter (points + 100, 50, 2.0, 2.0, 1.0, 0.3, 0.5);
  for (int i = 0; i < 100; i++) {
    weights[i] = (float)(avm_rng_u32 (&avmcheck_rng) % 4);
    labels[i] = i / 50;
    for (int j = 0; j < (int)weights[i]; j++, n++) {
      memcpy (&repeated[2 * n], &points[2 * i], 2 * sizeof (float));
      repeated_labels[n] = labels[i];
    }
  }
  CHECK_NEAR (avm_gmm_fit (a, points, weights, 100, 2, 1, labels),
      avm_gmm_fit (b, repeated, NULL, n, 2, 1, repeated_labels), 1e-9, 1e-9,
      "weights are repetitions");
  for (int i = 0; i < 4; i++)
    CHECK_NEAR (
        avm_gmm_means (a)[i], avm_gmm_means (b)[i], 1e-8, 1e-8, "mean %d", i);
  avm_gmm_free (a);
  avm_gmm_free (b);
}

/* What was drawn is found again, and how many there were. */
static void
test_choice (void)
{
  static float points[2 * MAX_N];
  static const double centres[5][2] = {
      {0, 0}, {10, 0}, {0, 10}, {10, 10}, {20, 5}};
  AvmGmmParams params = params_of (AVM_GMM_FULL, 1e-3, 200);
  AvmGmm *gmm;

  params.tolerance = 1e-6;
  params.restarts = 8;
  gmm = avm_gmm_new (MAX_N, 2, 8, &params, NULL);
  for (int k = 1; k <= 5; k++) {
    int each = MAX_N / k, found;

    for (int c = 0; c < k; c++)
      scatter (points + 2 * c * each, each, centres[c][0], centres[c][1], 1.0,
          0.6, 0.3 * c);
    found = avm_gmm_choose (gmm, points, NULL, each * k, 1, 8, 0.0, 5);
    CHECK (found == k, "%d components instead of %d", found, k);
    for (int c = 0; c < k && found == k; c++) {
      double least = HUGE_VAL;

      for (int j = 0; j < k; j++)
        least = fmin (least,
            hypot (avm_gmm_means (gmm)[2 * j] - centres[c][0],
                avm_gmm_means (gmm)[2 * j + 1] - centres[c][1]));
      CHECK (least < 0.4, "%g from the centre %d of %d", least, c, k);
    }
  }
  avm_gmm_free (gmm);
}

/* The same seed, the same mixture; points that coincide do no harm. */
static void
test_odd (void)
{
  static float points[2 * 50];
  AvmGmmParams params = params_of (AVM_GMM_FULL, 1e-2, 30);
  AvmGmm *gmm = avm_gmm_new (50, 2, 4, &params, NULL);
  float none[2] = {0.0f, 0.0f}, bad[2] = {NAN, 1.0f};
  int nobody[2] = {-1, -1};
  double a, b;

  scatter (points, 50, 1.0, 2.0, 3.0, 1.0, 0.2);
  a = avm_gmm_fit (gmm, points, NULL, 50, 3, 9, NULL);
  b = avm_gmm_fit (gmm, points, NULL, 50, 3, 9, NULL);
  CHECK (a == b, "%.17g and %.17g", a, b);
  memset (points, 0, sizeof (points));
  a = avm_gmm_fit (gmm, points, NULL, 50, 4, 9, NULL);
  CHECK (isfinite (a), "coinciding points: %g", a);
  CHECK (isnan (avm_gmm_fit (gmm, points, NULL, 51, 2, 1, NULL)), "n");
  CHECK (isnan (avm_gmm_fit (gmm, points, NULL, 50, 5, 1, NULL)), "k");
  CHECK (isnan (avm_gmm_fit (gmm, points, none, 2, 1, 1, NULL)), "weights 0");
  CHECK (isnan (avm_gmm_fit (gmm, points, bad, 2, 1, 1, NULL)), "weights NaN");
  CHECK (isnan (avm_gmm_fit (gmm, points, NULL, 2, 1, 1, nobody)), "labels");
  CHECK (avm_gmm_choose (gmm, points, NULL, 50, 3, 2, 0.0, 1) == 0, "range");
  avm_gmm_free (gmm);
}

static void
test_new (void)
{
  AvmGmmParams params = AVM_GMM_PARAMS_INIT;
  AvmError error = {AVM_OK, 0, ""};

  CHECK (avm_gmm_new (10, 0, 2, &params, &error) == NULL, "dim 0");
  CHECK (error.code == AVM_ERROR_RANGE, "code %d", error.code);
  CHECK (avm_gmm_new (10, AVM_GMM_MAX_DIM + 1, 2, &params, NULL) == NULL,
      "too many dimensions");
  CHECK (avm_gmm_new (2, 2, 3, &params, NULL) == NULL, "more k than points");
  params.floor = 0.0;
  CHECK (avm_gmm_new (10, 2, 2, &params, NULL) == NULL, "no floor");
  avm_gmm_free (NULL);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  test_new ();
  test_single (AVM_GMM_FULL);
  test_single (AVM_GMM_DIAGONAL);
  test_reference ();
  test_monotone ();
  test_weights ();
  test_choice ();
  test_odd ();
  return avmcheck_report ();
}
