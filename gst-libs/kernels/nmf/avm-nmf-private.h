/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of the NMF kernel share: the two passes over V that all its
 * arithmetic goes into (avm-nmf-kernels.c), and the threads that walk them
 * (avm-nmf-pool.c).
 */

#ifndef AVM_NMF_PRIVATE_H
#define AVM_NMF_PRIVATE_H

#include "base/avm-common.h"

/* Bins are worked on in panels of this many; the last one is filled up. */
#define AVM_NMF_PANEL 64
/* Frames are worked on in blocks of so many, and inside in groups that fit
 * the registers. A block is a multiple of a group. */
#define AVM_NMF_BLOCK 48
#define AVM_NMF_GROUP 6
/* Rows of H, and of W turned, are filled up to a multiple of this. */
#define AVM_NMF_FILL 16

/* One pass over V. L = W H + epsilon is made tile by tile in registers, and
 * R = V / L is used up before the tile leaves the first cache. */
typedef struct {
  const float *v;
  ptrdiff_t v_stride;
  int n_bins, n_frames, n_components;
  const float *h;     /* n_frames rows of k_stride, and a group's floats more */
  ptrdiff_t k_stride; /* n_components and a fill, whose values are not used */
  const float
      *panels; /* W: panel, component, AVM_NMF_PANEL bins; filled with 0 */
  const float *turned;  /* W: bin, k_stride components; bins filled with 0 */
  const float *silence; /* k_stride zeros */
  float epsilon;
} AvmNmfPass;

typedef struct {
  /* Frames first .. first + n - 1, n <= AVM_NMF_BLOCK: g, AVM_NMF_BLOCK rows
   * of k_stride, becomes R W^T; NULL: not wanted. Returns the sum of V log R - V + W H. */
  double (*over_frames) (const AvmNmfPass *pass, int first, int n, float *g);
  /* The panels from `panel` to before `end` over all frames: p, which has
   * p_rows rows of AVM_NMF_PANEL bins for every panel of V, becomes R H^T
   * there. costs (one for every panel) as above; NULL: not wanted. */
  void (*over_bins) (const AvmNmfPass *pass, int panel, int end, float *p,
      int p_rows, double *costs);
} AvmNmfOps;

/* Those for this processor, with vectors of at most `lanes` (0: any) floats */
const AvmNmfOps *avm_nmf_ops (int lanes);

/* Threads that live as long as the pool, all of them with denormals flushed
 * to zero. */
typedef struct _AvmNmfPool AvmNmfPool;
typedef void (*AvmNmfWork) (void *data, int item, int thread);

/* n_threads with the calling one; NULL: no memory or no thread */
AvmNmfPool *avm_nmf_pool_new (int n_threads);
void avm_nmf_pool_free (AvmNmfPool *pool);
/* Calls work for items 0 .. n_items - 1, thread 0 .. n_threads - 1, in any
 * order and at the same time; comes back when all are done. */
void avm_nmf_pool_run (
    AvmNmfPool *pool, AvmNmfWork work, void *data, int n_items);

#endif /* AVM_NMF_PRIVATE_H */
