/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-gmm.h"

#include <math.h>
#include <string.h>

/* A component with less weight than this share is empty. */
#define EMPTY 1e-10

/* The parameters of one mixture; every array belongs to one block. */
typedef struct {
  int k;
  double likelihood; /* mean log-likelihood per unit of weight */
  double *shares;    /* k */
  double *means;     /* k x dim */
  double *covs;      /* k x dim x dim */
  double *factors;   /* lower Cholesky factors of covs */
  double *norms;     /* log of share and of the density's constant */
  double *history;
  int n_history;
} Mixture;

struct AvmGmm {
  int max_points, dim, max_k;
  AvmGmmParams params;
  Mixture current, best, chosen;
  double *posteriors; /* n x k */
  double *distances;  /* n: of the nearest seed, squared */
};

static void
mixture_clear (Mixture *m)
{
  avm_free (m->shares);
  avm_free (m->means);
  avm_free (m->covs);
  avm_free (m->factors);
  avm_free (m->norms);
  avm_free (m->history);
}

static bool
mixture_init (Mixture *m, int max_k, int dim, int iterations)
{
  size_t k = (size_t)max_k, d = (size_t)dim;

  m->shares = avm_alloc (k, sizeof (double));
  m->means = avm_alloc (k * d, sizeof (double));
  m->covs = avm_alloc (k * d * d, sizeof (double));
  m->factors = avm_alloc (k * d * d, sizeof (double));
  m->norms = avm_alloc (k, sizeof (double));
  m->history = avm_alloc ((size_t)iterations, sizeof (double));
  return m->shares != NULL && m->means != NULL && m->covs != NULL
      && m->factors != NULL && m->norms != NULL && m->history != NULL;
}

static void
mixture_copy (Mixture *to, const Mixture *from, int dim)
{
  size_t k = (size_t)from->k, d = (size_t)dim;

  to->k = from->k;
  to->likelihood = from->likelihood;
  to->n_history = from->n_history;
  memcpy (to->shares, from->shares, k * sizeof (double));
  memcpy (to->means, from->means, k * d * sizeof (double));
  memcpy (to->covs, from->covs, k * d * d * sizeof (double));
  memcpy (to->factors, from->factors, k * d * d * sizeof (double));
  memcpy (to->norms, from->norms, k * sizeof (double));
  memcpy (
      to->history, from->history, (size_t)from->n_history * sizeof (double));
}

AvmGmm *
avm_gmm_new (int max_points, int dim, int max_k, const AvmGmmParams *params,
    AvmError *error)
{
  AvmGmm *gmm;

  if (max_points < 1 || dim < 1 || dim > AVM_GMM_MAX_DIM || max_k < 1
      || max_k > AVM_GMM_MAX_COMPONENTS || max_k > max_points
      || !(params->floor > 0.0) || params->max_iterations < 1
      || !(params->tolerance >= 0.0) || params->restarts < 1) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "mixture of %d components, %d points, %d dimensions", max_k, max_points,
        dim);
    return NULL;
  }
  gmm = avm_alloc (1, sizeof (AvmGmm));
  if (gmm != NULL) {
    gmm->max_points = max_points;
    gmm->dim = dim;
    gmm->max_k = max_k;
    gmm->params = *params;
    gmm->posteriors =
        avm_alloc ((size_t)max_points * (size_t)max_k, sizeof (double));
    gmm->distances = avm_alloc ((size_t)max_points, sizeof (double));
    if (mixture_init (&gmm->current, max_k, dim, params->max_iterations)
        && mixture_init (&gmm->best, max_k, dim, params->max_iterations)
        && mixture_init (&gmm->chosen, max_k, dim, params->max_iterations)
        && gmm->posteriors != NULL && gmm->distances != NULL)
      return gmm;
    avm_gmm_free (gmm);
  }
  avm_error_set (
      error, AVM_ERROR_MEMORY, -1, "mixture of %d points", max_points);
  return NULL;
}

void
avm_gmm_free (AvmGmm *gmm)
{
  if (gmm == NULL)
    return;
  mixture_clear (&gmm->current);
  mixture_clear (&gmm->best);
  mixture_clear (&gmm->chosen);
  avm_free (gmm->posteriors);
  avm_free (gmm->distances);
  avm_free (gmm);
}

/* -- one density ----------------------------------------------------------- */

/* Lower Cholesky factor of a, in l; the floor makes every pivot positive, and
 * rounding may not undo that. */
static double
factorise (const double *a, double *l, int d, double floor)
{
  double log_det = 0.0;

  for (int i = 0; i < d; i++) {
    for (int j = 0; j <= i; j++) {
      double sum = a[i * d + j];

      for (int m = 0; m < j; m++)
        sum -= l[i * d + m] * l[j * d + m];
      if (i == j) {
        l[i * d + i] = sqrt (AVM_MAX (sum, 1e-3 * floor));
        log_det += 2.0 * log (l[i * d + i]);
      } else {
        l[i * d + j] = sum / l[j * d + j];
      }
    }
  }
  return log_det;
}

static void
prepare (Mixture *m, int d, double floor)
{
  for (int c = 0; c < m->k; c++) {
    double log_det =
        factorise (&m->covs[c * d * d], &m->factors[c * d * d], d, floor);

    m->norms[c] = m->shares[c] > EMPTY
        ? log (m->shares[c]) - 0.5 * (log_det + d * log (2.0 * M_PI))
        : -HUGE_VAL;
  }
}

/* log (share x density) */
static double
log_density (const Mixture *m, int c, const float *x, int d)
{
  const double *l = &m->factors[c * d * d], *mean = &m->means[c * d];
  double z[AVM_GMM_MAX_DIM], square = 0.0;

  if (!(m->norms[c] > -HUGE_VAL))
    return -HUGE_VAL;
  for (int i = 0; i < d; i++) {
    double sum = x[i] - mean[i];

    for (int j = 0; j < i; j++)
      sum -= l[i * d + j] * z[j];
    z[i] = sum / l[i * d + i];
    square += z[i] * z[i];
  }
  return m->norms[c] - 0.5 * square;
}

/* log p (x); posterior: k numbers */
static double
evaluate (const Mixture *m, const float *x, int d, double *posterior)
{
  double top = -HUGE_VAL, sum = 0.0;

  for (int c = 0; c < m->k; c++) {
    posterior[c] = log_density (m, c, x, d);
    top = AVM_MAX (top, posterior[c]);
  }
  for (int c = 0; c < m->k; c++) {
    posterior[c] = exp (posterior[c] - top);
    sum += posterior[c];
  }
  for (int c = 0; c < m->k; c++)
    posterior[c] /= sum;
  return top + log (sum);
}

/* -- expectation maximisation ---------------------------------------------- */

static double
weight_of (const float *weights, int i)
{
  return weights != NULL ? weights[i] : 1.0;
}

/* Posteriors of all points; the mean log-likelihood */
static double
expect (AvmGmm *gmm, const float *points, const float *weights, int n)
{
  Mixture *m = &gmm->current;
  double sum = 0.0, total = 0.0;

  for (int i = 0; i < n; i++) {
    double w = weight_of (weights, i);

    sum += w
        * evaluate (m, points + (size_t)i * gmm->dim, gmm->dim,
            &gmm->posteriors[(size_t)i * m->k]);
    total += w;
  }
  return sum / total;
}

static void
add_outer (double *cov, const double *z, double w, int d, bool full)
{
  for (int a = 0; a < d; a++)
    for (int b = full ? 0 : a; b <= a; b++)
      cov[a * d + b] += w * z[a] * z[b];
}

/* Share, mean and covariance of one component from the posteriors */
static void
maximise_one (AvmGmm *gmm, const float *points, const float *weights, int n,
    int c, double total)
{
  Mixture *m = &gmm->current;
  int d = gmm->dim;
  double *mean = &m->means[c * d], *cov = &m->covs[c * d * d], sum = 0.0;
  bool full = gmm->params.covariance == AVM_GMM_FULL;
  double moment[AVM_GMM_MAX_DIM] = {0.0};

  for (int i = 0; i < n; i++) {
    double w = weight_of (weights, i) * gmm->posteriors[(size_t)i * m->k + c];

    sum += w;
    for (int a = 0; a < d; a++)
      moment[a] += w * points[(size_t)i * d + a];
  }
  m->shares[c] = sum / total;
  if (m->shares[c] <= EMPTY)
    return; /* it stays where it was and counts for nothing */
  memset (cov, 0, (size_t)(d * d) * sizeof (double));
  for (int a = 0; a < d; a++)
    mean[a] = moment[a] / sum;
  for (int i = 0; i < n; i++) {
    double w = weight_of (weights, i) * gmm->posteriors[(size_t)i * m->k + c];
    double z[AVM_GMM_MAX_DIM];

    if (w <= 0.0)
      continue;
    for (int a = 0; a < d; a++)
      z[a] = points[(size_t)i * d + a] - mean[a];
    add_outer (cov, z, w / sum, d, full);
  }
  for (int a = 0; a < d; a++) {
    cov[a * d + a] += gmm->params.floor;
    for (int b = 0; b < a; b++)
      cov[b * d + a] = cov[a * d + b];
  }
}

static void
maximise (AvmGmm *gmm, const float *points, const float *weights, int n)
{
  Mixture *m = &gmm->current;
  double total = 0.0, shares = 0.0;

  for (int i = 0; i < n; i++) {
    double *p = &gmm->posteriors[(size_t)i * m->k], sum = 0.0;

    for (int c = 0; c < m->k; c++)
      sum += p[c];
    total += weight_of (weights, i) * sum;
  }
  for (int c = 0; c < m->k; c++) {
    maximise_one (gmm, points, weights, n, c, total);
    shares += m->shares[c];
  }
  for (int c = 0; c < m->k; c++)
    m->shares[c] /= shares;
  prepare (m, gmm->dim, gmm->params.floor);
}

static void
iterate (AvmGmm *gmm, const float *points, const float *weights, int n)
{
  Mixture *m = &gmm->current;

  m->n_history = 0;
  for (int i = 0; i < gmm->params.max_iterations; i++) {
    double before = m->likelihood;

    maximise (gmm, points, weights, n);
    m->likelihood = expect (gmm, points, weights, n);
    m->history[m->n_history++] = m->likelihood;
    if (i > 0 && m->likelihood - before < gmm->params.tolerance)
      break;
  }
}

/* -- beginnings ------------------------------------------------------------ */

/* The index of a point, drawn with the given probabilities */
static int
draw (const double *share, const float *weights, int n, AvmRng *rng)
{
  double total = 0.0, at;
  int last = 0;

  for (int i = 0; i < n; i++)
    total += weight_of (weights, i) * share[i];
  at = avm_rng_uniform (rng) * total;
  for (int i = 0; i < n; i++) {
    double w = weight_of (weights, i) * share[i];

    if (w <= 0.0)
      continue;
    last = i;
    at -= w;
    if (at < 0.0)
      break;
  }
  return last;
}

static double
distance (const float *a, const float *b, int d)
{
  double sum = 0.0;

  for (int i = 0; i < d; i++)
    sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/* k-means++: each point belongs to the nearest of the seeds. */
static void
seed_posteriors (AvmGmm *gmm, const float *points, const float *weights, int n,
    int k, AvmRng *rng)
{
  memset (gmm->posteriors, 0, (size_t)n * (size_t)k * sizeof (double));
  for (int i = 0; i < n; i++)
    gmm->distances[i] = 1.0;
  for (int c = 0; c < k; c++) {
    int at = draw (gmm->distances, weights, n, rng);

    for (int i = 0; i < n; i++) {
      double *p = &gmm->posteriors[(size_t)i * k];
      double far = distance (points + (size_t)i * gmm->dim,
          points + (size_t)at * gmm->dim, gmm->dim);

      if (c > 0 && far >= gmm->distances[i])
        continue;
      gmm->distances[i] = far;
      memset (p, 0, (size_t)k * sizeof (double));
      p[c] = 1.0;
    }
  }
}

static void
label_posteriors (AvmGmm *gmm, const int *labels, int n, int k)
{
  memset (gmm->posteriors, 0, (size_t)n * (size_t)k * sizeof (double));
  for (int i = 0; i < n; i++)
    if (labels[i] >= 0 && labels[i] < k)
      gmm->posteriors[(size_t)i * k + labels[i]] = 1.0;
}

/* -- public ---------------------------------------------------------------- */

static bool
arguments_are_good (const AvmGmm *gmm, const float *weights, int n, int k)
{
  double sum = 0.0;

  if (n < 1 || n > gmm->max_points || k < 1 || k > gmm->max_k || k > n)
    return false;
  for (int i = 0; i < n; i++) {
    double w = weight_of (weights, i);

    if (!(w >= 0.0) || !isfinite (w))
      return false;
    sum += w;
  }
  return sum > 0.0;
}

static bool
labels_are_good (const float *weights, const int *labels, int n, int k)
{
  for (int i = 0; i < n; i++)
    if (labels[i] >= 0 && labels[i] < k && weight_of (weights, i) > 0.0)
      return true;
  return false;
}

double
avm_gmm_fit (AvmGmm *gmm, const float *points, const float *weights, int n,
    int k, uint64_t seed, const int *labels)
{
  Mixture *m = &gmm->current;
  int restarts = labels != NULL ? 1 : gmm->params.restarts;
  AvmRng rng;

  if (!arguments_are_good (gmm, weights, n, k)
      || (labels != NULL && !labels_are_good (weights, labels, n, k)))
    return NAN;
  avm_rng_init (&rng, seed, 0x676d6d);
  for (int r = 0; r < restarts; r++) {
    m->k = k;
    m->likelihood = -HUGE_VAL;
    memset (m->means, 0, (size_t)(k * gmm->dim) * sizeof (double));
    memset (m->covs, 0, (size_t)(k * gmm->dim * gmm->dim) * sizeof (double));
    if (labels != NULL)
      label_posteriors (gmm, labels, n, k);
    else
      seed_posteriors (gmm, points, weights, n, k, &rng);
    iterate (gmm, points, weights, n);
    if (r == 0 || m->likelihood > gmm->best.likelihood)
      mixture_copy (&gmm->best, m, gmm->dim);
  }
  return gmm->best.likelihood;
}

double
avm_gmm_bic (const AvmGmm *gmm, double samples)
{
  int d = gmm->dim, k = gmm->best.k;
  int shape = gmm->params.covariance == AVM_GMM_FULL ? d * (d + 1) / 2 : d;
  double parameters = k * (d + shape) + k - 1;

  return parameters * log (samples) - 2.0 * samples * gmm->best.likelihood;
}

int
avm_gmm_choose (AvmGmm *gmm, const float *points, const float *weights, int n,
    int k_min, int k_max, double samples, uint64_t seed)
{
  double least = HUGE_VAL;

  if (k_min < 1 || k_max < k_min
      || !arguments_are_good (gmm, weights, n, k_max))
    return 0;
  if (!(samples > 0.0)) {
    samples = 0.0;
    for (int i = 0; i < n; i++)
      samples += weight_of (weights, i);
  }
  for (int k = k_min; k <= k_max; k++) {
    double bic;

    avm_gmm_fit (gmm, points, weights, n, k, seed, NULL);
    bic = avm_gmm_bic (gmm, samples);
    if (k == k_min || bic < least) {
      least = bic;
      mixture_copy (&gmm->chosen, &gmm->best, gmm->dim);
    }
  }
  mixture_copy (&gmm->best, &gmm->chosen, gmm->dim);
  return gmm->best.k;
}

int
avm_gmm_n_components (const AvmGmm *gmm)
{
  return gmm->best.k;
}

const double *
avm_gmm_shares (const AvmGmm *gmm)
{
  return gmm->best.shares;
}

const double *
avm_gmm_means (const AvmGmm *gmm)
{
  return gmm->best.means;
}

const double *
avm_gmm_covariances (const AvmGmm *gmm)
{
  return gmm->best.covs;
}

double
avm_gmm_evaluate (const AvmGmm *gmm, const float *point, double *posterior)
{
  double scratch[AVM_GMM_MAX_COMPONENTS];

  return evaluate (
      &gmm->best, point, gmm->dim, posterior != NULL ? posterior : scratch);
}

const double *
avm_gmm_history (const AvmGmm *gmm, int *n)
{
  *n = gmm->best.n_history;
  return gmm->best.history;
}
