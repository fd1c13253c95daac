/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dense optical flow inside a rectangle of a frame by dense inverse search:
 *
 *   T. Kroeger, R. Timofte, D. Dai, L. Van Gool: "Fast Optical Flow using
 *   Dense Inverse Search", ECCV 2016 (arXiv:1603.03590).
 *
 * On every level of a pyramid, coarse to fine: patches are matched by inverse
 * compositional search with mean normalisation (their section 2.1), their
 * displacements are averaged with weights of 1 / max (1, |residual|) (section
 * 2.2, eq. 3), and the dense field is refined by minimising brightness and
 * gradient constancy plus isotropic total variation with robust norms
 * (section 2.3; T. Brox et al., ECCV 2004; normalised data terms of H. Zimmer
 * et al., IJCV 2011) by lagged diffusivity and red-black over-relaxation. A
 * median filter of the field after each warp follows D. Sun, S. Roth, M. J.
 * Black: "A Quantitative Analysis of Current Practices in Optical Flow
 * Estimation", IJCV 2014.
 *
 * Two choices of ours: refinement runs one pass over memory per fixed point
 * iteration (the sweeps follow the assembly of the equations at a distance of
 * two rows each), and the search may stop at a coarser level than the
 * refinement.
 */

#ifndef AVM_DIS_H
#define AVM_DIS_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmDis AvmDis;

typedef enum {
  AVM_DIS_FAST,   /* half resolution */
  AVM_DIS_MEDIUM, /* full resolution */
  AVM_DIS_FINE    /* full resolution, several warps */
} AvmDisPreset;

/**
 * AvmDisParams: fill with avm_dis_params_init () and change what is needed.
 * Level 0 has the resolution of the frame, level l is smaller by 2^l.
 */
typedef struct {
  int margin;        /* px of surroundings that help, 0..256 */
  int finest;        /* level refined last, 0..4 */
  int search_finest; /* level searched last, finest..8 */
  int smallest;      /* shorter side of the coarsest level, px */
  int stride;        /* between patches, px, 1..8 */
  int iterations;    /* of the inverse search, at most */
  int propagate;     /* 0: none, 1: forward, 2: and backward */
  int warps;         /* at the finest level, 0..16 */
  int coarse_warps;  /* at the other levels, 0..16 */
  int fixed_points;  /* robust weights per warp, 1..32 */
  int sweeps;        /* of over-relaxation per fixed point, 1..32 */
  int median;        /* radius after each warp: 0, 1 or 2, px */
  float omega;       /* over-relaxation, 1..1.95 */
  float alpha;       /* weight of smoothness, > 0 */
  float delta;       /* weight of brightness constancy */
  float gamma;       /* weight of gradient constancy */
  float smooth;      /* prefilter (s, 1 - 2 s, s), 0..0.25 */
} AvmDisParams;

/* One 8-bit luma plane; stride in bytes, may be negative. */
typedef struct {
  const uint8_t *data;
  ptrdiff_t stride;
  int width, height;
} AvmDisImage;

typedef struct {
  int x, y, w, h;
} AvmDisRect;

/**
 * AvmDisMotion: the motion of a rectangle as a whole.
 * u, v: mean flow, px per frame; with presets that end at half resolution
 * corrected by one robust Gauss-Newton step at full resolution, which takes
 * away the bias that the half resolution leaves.
 * confidence: 0..1, the normalised correlation of the gradients of the first
 * picture with those of the second one where the flow says they went; near 0
 * for a flat or noisy rectangle and for one that was not found again.
 */
typedef struct {
  float u, v;
  float confidence;
} AvmDisMotion;

void avm_dis_params_init (AvmDisParams *params, AvmDisPreset preset);

/* For rectangles of up to max_width x max_height px, 1..16384 each. All memory
 * is allocated here, about 50 bytes per px of rectangle with margin. NULL:
 * *error says why (RANGE, MEMORY). One object serves one thread at a time. */
AvmDis *avm_dis_new (
    const AvmDisParams *params, int max_width, int max_height, AvmError *error);
void avm_dis_free (AvmDis *dis);

/* Flow of the pixels of `rect` (which must lie inside `from`) from `from` to
 * `to`: from (x, y) is to (x + u, y + v). guess_u and guess_v, px, are where
 * the search starts and may be 0. The field is kept in the object, see below.
 * Both images have the same size. Never fails for other reasons than RANGE. */
bool avm_dis_compute (AvmDis *dis, const AvmDisImage *from,
    const AvmDisImage *to, const AvmDisRect *rect, float guess_u, float guess_v,
    AvmError *error);

/* Results of the last avm_dis_compute, for all of its rectangle. Strides in
 * floats. Either plane may be NULL. */
void avm_dis_get_flow (const AvmDis *dis, float *u, float *v, ptrdiff_t stride);
void avm_dis_get_motion (const AvmDis *dis, AvmDisMotion *motion);

/* Displacement at a point, px, bilinear between pixels, in the coordinates of
 * the frame (0, 0 is the centre of its top left pixel); points outside take
 * that of the nearest pixel of the rectangle. */
void avm_dis_get_at (const AvmDis *dis, float x, float y, float *u, float *v);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DIS_H */
