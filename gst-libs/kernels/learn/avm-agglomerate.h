/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Agglomerative clustering of a dense distance matrix with constraints.
 * The nearest two clusters are merged again and again, where the distance of
 * clusters is the least (single), the mean (average) or the greatest
 * (complete) of the distances of their points, kept up to date by the formula
 * of Lance and Williams (Computer Journal 1967). Must-links are merged first.
 * Clusters with a cannot-link between any two of their points are infinitely
 * far from each other, whatever the linkage, and are never merged (two faces
 * in one frame are two people).
 *
 * Infinity only spreads when clusters merge, so a merge never brings the new
 * cluster nearer to a third one than its parts were: the linkages stay
 * reducible, and the nearest-neighbour chain (F. Murtagh, Computer Journal
 * 1983; D. Müllner, arXiv 1109.2378, 2011) finds the merges of the greedy
 * search in O(n^2) time, without memory beside the matrix. Where distances
 * are equal, which of the equal merges comes first is not defined.
 */

#ifndef AVM_AGGLOMERATE_H
#define AVM_AGGLOMERATE_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_AGGLOMERATE_MAX_POINTS 32768

typedef enum {
  AVM_LINKAGE_SINGLE,
  AVM_LINKAGE_AVERAGE,
  AVM_LINKAGE_COMPLETE
} AvmLinkage;

/**
 * AvmPair: two different points, 0 to n - 1.
 */
typedef struct {
  int a, b;
} AvmPair;

/**
 * AvmMerge: one step.
 * a, b: what is merged, a < b: points are 0 to n - 1, the result of merge i is
 *   n + i
 * height: distance of a and b; 0 for must-links
 * size: points in the result
 */
typedef struct {
  int a, b;
  double height;
  int size;
} AvmMerge;

typedef struct _AvmAgglomerate AvmAgglomerate;

/* For up to max_points points, 1 to AVM_AGGLOMERATE_MAX_POINTS. NULL: *error
 * says why (RANGE, MEMORY). */
AvmAgglomerate *avm_agglomerate_new (int max_points, AvmError *error);
void avm_agglomerate_free (AvmAgglomerate *self);

/* Finds all merges of n points, 1 <= n <= max_points. matrix: n x n distances
 * >= 0 of which the part above the diagonal is read; it is overwritten. An
 * infinite distance is a cannot-link. False, with *error: a distance is
 * negative or NaN, a pair is out of range (RANGE; offset is the number of the
 * entry or pair), or must-links, by themselves or one through another, join
 * what a cannot-link keeps apart (CORRUPT; offset is the number of that
 * cannot-link, or -1 when the matrix holds it). */
bool avm_agglomerate_run (AvmAgglomerate *self, AvmLinkage linkage,
    float *matrix, int n, const AvmPair *must, size_t n_must,
    const AvmPair *cannot, size_t n_cannot, AvmError *error);

/* Merges of the last run: must-links, then the others by height; *n is how
 * many, at most n - 1: clusters that only cannot-links keep apart are left. */
const AvmMerge *avm_agglomerate_get_merges (const AvmAgglomerate *self, int *n);

/* Labels the points of the last run with clusters 0, 1, 2, ... in order of
 * their first points, and returns how many there are. All must-links are
 * followed, then merges up to `threshold` (INFINITY: no limit) while there are
 * more than `clusters` (1: no limit). May be asked again with other limits. */
int avm_agglomerate_cut (
    AvmAgglomerate *self, double threshold, int clusters, int *labels);

#ifdef __cplusplus
}
#endif
#endif /* AVM_AGGLOMERATE_H */
