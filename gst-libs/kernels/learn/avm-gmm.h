/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gaussian mixtures: expectation maximisation (A. P. Dempster, N. M. Laird,
 * D. B. Rubin, J. Royal Statistical Society B 1977) on weighted points, from
 * k-means++ seeds (D. Arthur, S. Vassilvitskii, SODA 2007) or from labels that
 * are given; the number of components by the Bayesian information criterion
 * (G. Schwarz, Annals of Statistics 1978). A point of weight w counts like w
 * points. The same points and seed give the same mixture on every machine of
 * one floating point format.
 */

#ifndef AVM_GMM_H
#define AVM_GMM_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_GMM_MAX_DIM 16
#define AVM_GMM_MAX_COMPONENTS 64

typedef enum {
  AVM_GMM_FULL,    /* any covariance */
  AVM_GMM_DIAGONAL /* axes are independent inside a component */
} AvmGmmCovariance;

/**
 * AvmGmmParams: start from AVM_GMM_PARAMS_INIT.
 * covariance: the shape of a component
 * floor: added to every variance, in squared units of the points, > 0; keeps
 *   a component from falling onto a single point
 * max_iterations: of expectation maximisation, >= 1
 * tolerance: it ends when the mean log-likelihood rises by less than this, >= 0
 * restarts: runs from different seeds, the best one counts, >= 1
 */
typedef struct {
  AvmGmmCovariance covariance;
  double floor;
  int max_iterations;
  double tolerance;
  int restarts;
} AvmGmmParams;

#define AVM_GMM_PARAMS_INIT                                                    \
  {                                                                            \
    AVM_GMM_FULL, 1e-6, 200, 1e-6, 4                                           \
  }

typedef struct AvmGmm AvmGmm;

/* For up to max_points points of `dim` floats and up to max_k components. All
 * memory is allocated here. NULL: *error says why (RANGE, MEMORY). */
AvmGmm *avm_gmm_new (int max_points, int dim, int max_k,
    const AvmGmmParams *params, AvmError *error);
void avm_gmm_free (AvmGmm *gmm);

/* Fits k components to n points (n x dim floats, row by row, finite).
 * weights: n numbers >= 0 with a sum > 0, or NULL: 1 each. labels: NULL to
 * start from seeds, or n numbers, the component each point begins in; points
 * with a negative one are left out of the first estimate. Returns the mean
 * log-likelihood per unit of weight, NaN when an argument is out of range. */
double avm_gmm_fit (AvmGmm *gmm, const float *points, const float *weights,
    int n, int k, uint64_t seed, const int *labels);

/* Fits k_min .. k_max components and keeps the mixture of least BIC, where
 * `samples` is how many independent points the weights stand for (<= 0: the
 * sum of the weights); neighbours in a picture are not independent. Returns
 * its number of components, 0 when an argument is out of range. */
int avm_gmm_choose (AvmGmm *gmm, const float *points, const float *weights,
    int n, int k_min, int k_max, double samples, uint64_t seed);

/* BIC of the last fit, see avm_gmm_choose for `samples` */
double avm_gmm_bic (const AvmGmm *gmm, double samples);

/* The last fit. shares: k, sum 1. means: k x dim. covariances: k x dim x dim,
 * floor included. */
int avm_gmm_n_components (const AvmGmm *gmm);
const double *avm_gmm_shares (const AvmGmm *gmm);
const double *avm_gmm_means (const AvmGmm *gmm);
const double *avm_gmm_covariances (const AvmGmm *gmm);

/* log p (point); posterior (k numbers, sum 1) may be NULL. */
double avm_gmm_evaluate (
    const AvmGmm *gmm, const float *point, double *posterior);

/* Mean log-likelihood after each iteration of the run that was kept */
const double *avm_gmm_history (const AvmGmm *gmm, int *n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_GMM_H */
