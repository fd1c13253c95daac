/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Non-negative matrix factorisation with the Kullback-Leibler divergence,
 * alone or jointly with motion:
 *
 *   S. Parekh, S. Essid, A. Ozerov, N. Duong, P. Perez, G. Richard: "Guiding
 *   audio source separation by video object information", WASPAA 2017; eq. (2)
 *   of Z. Duan, S. Essid, C. Liem, G. Richard, G. Sharma: "Audio-Visual
 *   Analysis of Music Performances", IEEE SPM 2019.
 *
 *   C = D_KL (V | W H) + lambda |B o (M - H^T A)|^2 + mu sum A,  |w_k| = 1
 *
 * W H counts as at least 1e-12 of the largest number in V.
 *
 * V (n_bins x n_frames) is a magnitude spectrogram, the atoms w_k are columns
 * of W, H are their activations, M (n_frames x n_motions) are speeds, A
 * (n_components x n_motions) says which atom goes with which motion, and B is
 * 0 where a motion is not known (NaN in M), else 1. Several channels are
 * stacked along the bins: they share the activations and keep an atom each.
 *
 * Everything is kept frame by frame: V as n_frames rows of n_bins, H as
 * n_frames rows of n_components, W as n_components rows of n_bins (an atom a
 * row), A as n_components rows of n_motions.
 */

#ifndef AVM_NMF_H
#define AVM_NMF_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmNmf AvmNmf;

/* What an iteration updates */
typedef enum {
  AVM_NMF_UPDATE_H = 1 << 0,
  AVM_NMF_UPDATE_W = 1 << 1,
  AVM_NMF_UPDATE_A = 1 << 2,
  AVM_NMF_UPDATE_ALL = AVM_NMF_UPDATE_H | AVM_NMF_UPDATE_W | AVM_NMF_UPDATE_A
} AvmNmfUpdate;

typedef struct {
  int n_bins;       /* 1 .. 2^20, all channels together */
  int n_components; /* 1 .. 1024 */
  int max_frames;   /* 1 .. 2^24 */
  int n_motions;    /* 0 .. 256; 0: sound alone */
  int n_threads;    /* 1 .. 64; the calling thread is one of them */
  int lanes; /* at most so many (4, 8 or 16), for tests; 0: the machine's */
} AvmNmfConfig;

/* All memory is allocated here. NULL: *error says why (RANGE, MEMORY). One
 * object serves one thread at a time; the result does not depend on
 * n_threads beyond rounding, and is the same in every run. */
AvmNmf *avm_nmf_new (const AvmNmfConfig *config, AvmError *error);
void avm_nmf_free (AvmNmf *nmf);

/* The spectrogram: n_frames rows of n_bins numbers, finite and >= 0, rows
 * `stride` floats apart; borrowed until the next call or free. H keeps its
 * values. False: RANGE. */
bool avm_nmf_set_input (AvmNmf *nmf, const float *v, ptrdiff_t stride,
    int n_frames, AvmError *error);
/* Motion of the same frames: n_frames x n_motions speeds >= 0, NaN where not
 * known, borrowed likewise; NULL: none. lambda, mu >= 0 as in the cost above. */
void avm_nmf_set_motion (
    AvmNmf *nmf, const float *motion, double lambda, double mu);

/* The factors, to be filled or changed between iterations; what is 0 stays 0,
 * what is positive becomes no less than 1e-30. The strides are in floats. */
float *avm_nmf_get_w (AvmNmf *nmf, ptrdiff_t *stride);
float *avm_nmf_get_h (AvmNmf *nmf, ptrdiff_t *stride);
float *avm_nmf_get_a (AvmNmf *nmf, ptrdiff_t *stride);
/* Fills those of `what` with positive random numbers on the scale of V. */
void avm_nmf_randomise (AvmNmf *nmf, unsigned what, uint64_t seed);
/* Brings all atoms to norm 1, their activations and links along with them:
 * W H and H^T A stay as they are. Atoms that are 0 stay so. */
void avm_nmf_normalise (AvmNmf *nmf);

/* One iteration, H, then W, then A, of those in `what`. Multiplicative: the
 * cost never rises. Returns the cost before it, which comes at no expense; see
 * avm_nmf_cost for that after it.
 * With motion, one that updates W brings the atoms to norm 1 before and after,
 * as avm_nmf_normalise does: the scale of an atom moves between w, h and a even
 * if `what` is W alone. Without motion the norms are free. */
double avm_nmf_iterate (AvmNmf *nmf, unsigned what);
/* The cost as it is now: one pass over V. */
double avm_nmf_cost (AvmNmf *nmf);

/* out[f] = sum_k weights[k] w_fk h_kn of frame n, n_bins numbers; weights
 * NULL: all 1. */
void avm_nmf_model (
    const AvmNmf *nmf, int frame, const float *weights, float *out);

#ifdef __cplusplus
}
#endif
#endif /* AVM_NMF_H */
