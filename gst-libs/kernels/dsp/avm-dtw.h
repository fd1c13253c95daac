/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dynamic time warping of two sequences of feature vectors (Sakoe and Chiba
 * 1978; M. Mueller, Fundamentals of Music Processing, section 3.2), exact
 * within an optional band.
 *
 * The cost of row i against column j is affine in a dot product,
 *
 *   c(i, j) = r_i + s_j - u_i . v_j,
 *
 * which covers 1 - cosine, squared distances and weighted sums of them. The
 * accumulated cost of a path is minimal over the steps (1, 1), (1, 0) and
 * (0, 1) with weights of their own (Mueller, Kurth, Roeder 2004).
 *
 * The matrix is worked in strips of 16 rows, one lane each, one column apart
 * (the wave front of Smith-Waterman implementations), so that no cell waits
 * for its neighbour in the vector. Steps take 2 bits per cell. Where they
 * would not fit the memory limit, only the rows between groups of strips are
 * kept and the groups are worked again from the last to the first
 * (Hirschberg's idea with many cuts), up to twice the work in a small part of
 * the memory.
 */

#ifndef AVM_DTW_H
#define AVM_DTW_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_DTW_MAX_DIM 32

/**
 * AvmDtwSide: one sequence.
 * features: n times dim values, row by row, finite
 * offset: n values (r or s above), finite
 */
typedef struct {
  size_t n, dim;
  const float *features;
  const float *offset;
} AvmDtwSide;

/**
 * AvmDtwConfig:
 * both, row, column: weights of the steps (1, 1), (1, 0), (0, 1), > 0
 * lo, hi: first and last column of each row, not descending, lo[0] = 0,
 *   hi[n - 1] = last column, rows that follow each other overlap; NULL: all
 * memory: bytes for the steps; 0: as many as it takes
 * cancelled: asked now and then, may be NULL
 * lanes: at most so many rows at a time (4, 8 or 16), for tests; 0: as many as
 *   the processor has use for
 */
typedef struct {
  float both, row, column;
  const uint32_t *lo, *hi;
  size_t memory;
  bool (*cancelled) (void *user_data);
  void *user_data;
  size_t lanes;
} AvmDtwConfig;

/**
 * AvmDtwPath: from (0, 0) to (n - 1, m - 1); free with avm_dtw_path_clear.
 * cost: sum of the weighted costs along it
 */
typedef struct {
  uint32_t *rows, *columns;
  size_t length;
  double cost;
} AvmDtwPath;

/* false with *error: AVM_ERROR_RANGE (sizes, band), AVM_ERROR_MEMORY,
 * AVM_ERROR_CANCELLED. */
bool avm_dtw_align (const AvmDtwSide *rows, const AvmDtwSide *columns,
    const AvmDtwConfig *config, AvmDtwPath *path, AvmError *error);
void avm_dtw_path_clear (AvmDtwPath *path);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DTW_H */
