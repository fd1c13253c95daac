/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the parts of the inverse search kernel.
 */

#ifndef AVM_DIS_PRIVATE_H
#define AVM_DIS_PRIVATE_H

#include "vision/avm-dis.h"

/* Every plane has this many px around it, so that patches and filters may
 * reach over the edge; a patch has 8 x 8 px. */
#define AVM_DIS_PAD 16
#define AVM_DIS_PATCH 8
#define AVM_DIS_MAX_LEVELS 10

/* Planes of the split rows, see AvmDisSolver. The first nine are the three
 * linearised residuals, x u + y v + t, each divided by its normalisation. */
typedef enum {
  AVM_DIS_X0,
  AVM_DIS_Y0,
  AVM_DIS_T0,
  AVM_DIS_X1,
  AVM_DIS_Y1,
  AVM_DIS_T1,
  AVM_DIS_X2,
  AVM_DIS_Y2,
  AVM_DIS_T2,
  AVM_DIS_U,
  AVM_DIS_V,
  AVM_DIS_D11,
  AVM_DIS_A12,
  AVM_DIS_D22,
  AVM_DIS_C1,
  AVM_DIS_C2,
  AVM_DIS_WX,
  AVM_DIS_WY,
  AVM_DIS_PLANES
} AvmDisPlane;

typedef struct {
  int w, h;
  ptrdiff_t stride; /* of every plane of this level, floats */
  float *i0, *i1;   /* pixel 0, 0 of the padded pictures */
  float *u, *v;     /* flow, px of this level */
} AvmDisLevel;

/* The red-black solver keeps each row as two halves, the pixels whose x + y is
 * even (red) and the others, so that neighbours are of the other colour and
 * loops have unit stride. All planes of a row lie together, and only as many
 * rows as are being worked on are kept, in a ring. */
typedef struct {
  float *rows;
  int mask;       /* rows of the ring less one; 2^n - 1 */
  ptrdiff_t half; /* floats of one half row with its padding */
  ptrdiff_t step; /* floats of all planes of a row */
} AvmDisSolver;

struct _AvmDis {
  AvmDisParams params;
  int max_w, max_h; /* with the margins */
  int n_levels;
  AvmDisLevel levels[AVM_DIS_MAX_LEVELS];
  float *arena, *solver_arena, *patch_u, *patch_v;
  size_t arena_size, solver_size;
  float *scratch[6]; /* planes of level 0's size, pixel 0, 0 */
  AvmDisSolver solver;
  /* the last rectangle and how the work area lies in the frame */
  AvmDisRect rect, area;
  int shift_x, shift_y; /* px that the second picture is moved by */
};

/* Patches of one level: reads and writes level->u and v. */
void avm_dis_search (AvmDis *dis, const AvmDisLevel *level);
/* Variational refinement of one level, in place. */
void avm_dis_refine (AvmDis *dis, const AvmDisLevel *level, int warps);
/* out = i1 at x + u, y + v (cubic convolution, a = -1/2); inside is 1 where
 * that lies in the picture, else 0. */
void avm_dis_warp (const AvmDisLevel *level, float *out, float *inside);
/* Median of radius 1 or 2 in place, edges replicated; scratch: 7 rows. */
void avm_dis_median (
    float *plane, int w, int h, ptrdiff_t stride, int radius, float *scratch);
/* Floats of the solver's ring for pictures up to w px wide; sets it up when
 * memory is not NULL. */
size_t avm_dis_solver_init (
    AvmDisSolver *solver, const AvmDisParams *params, int w, float *memory);
/* Replicates the edges of a plane n px to each side, n <= AVM_DIS_PAD. */
void avm_dis_replicate (float *plane, int w, int h, ptrdiff_t stride, int n);

#endif /* AVM_DIS_PRIVATE_H */
