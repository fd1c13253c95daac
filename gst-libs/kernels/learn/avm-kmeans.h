/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * k-means: Lloyd's iteration (S. P. Lloyd, IEEE Trans. Information Theory
 * 1982) from k-means++ seeds (D. Arthur, S. Vassilvitskii, SODA 2007), the
 * best of several starts. The same points and seed give the same clusters on
 * every machine of one floating point format.
 */

#ifndef AVM_KMEANS_H
#define AVM_KMEANS_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmKmeans AvmKmeans;

/* For up to max_points points of `dim` floats in k clusters, 1 <= k <=
 * max_points. NULL: *error says why (RANGE, MEMORY). */
AvmKmeans *avm_kmeans_new (int max_points, int dim, int k, AvmError *error);
void avm_kmeans_free (AvmKmeans *kmeans);

/* Clusters n points, n x dim floats row by row, finite, k <= n <= max_points.
 * labels: n results, 0..k-1. restarts >= 1 starts of at most max_iterations
 * each; Lloyd's iteration ends when no label changes. Returns the sum of
 * squared distances to the centres, or a negative number when n is out of
 * range. A cluster that loses all of its points takes the point that is
 * farthest from its centre; clusters stay empty only where fewer than k
 * points differ. */
double avm_kmeans_run (AvmKmeans *kmeans, const float *points, int n,
    uint64_t seed, int restarts, int max_iterations, int *labels);

/* k x dim centres of the last run, row by row */
const float *avm_kmeans_get_centres (const AvmKmeans *kmeans);

#ifdef __cplusplus
}
#endif
#endif /* AVM_KMEANS_H */
