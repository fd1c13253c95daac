/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of avm-scenemap share.
 */

#ifndef AVM_SCENEMAP_PRIVATE_H
#define AVM_SCENEMAP_PRIVATE_H

#include "learn/avm-scenemap.h"

/* What looks can say for or against one pair at most, nats */
#define AVM_SCENEMAP_MOST 3.0

/* Log likelihood ratio of one person against two, from looks */
double avm_scenemap_gain (const AvmSceneSettings *settings, double distance);

/**
 * AvmSceneMatrix: a homography, row by row.
 */
typedef struct {
  double m[9];
} AvmSceneMatrix;

/* False: behind the camera. */
bool avm_scenemap_project (
    const AvmSceneMatrix *matrix, double x, double y, double *u, double *v);
bool avm_scenemap_invert (
    const AvmSceneMatrix *matrix, AvmSceneMatrix *inverse);

/**
 * AvmScenePoint: a correspondence from (x, y) to (u, v), px; weight: one over
 * the size of the face at (u, v).
 */
typedef struct {
  double x, y, u, v, weight;
} AvmScenePoint;

/* The shift with scale from two points or more, the affine map from three or
 * more, or the homography from four or more, in the least squares sense.
 * False: points that do not say one. */
bool avm_scenemap_fit_shift (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix);
bool avm_scenemap_fit_affine (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix);
bool avm_scenemap_fit_homography (
    const AvmScenePoint *points, int n, AvmSceneMatrix *matrix);

/* Solves n equations, row by row with the right side last, in place; false:
 * singular. */
bool avm_scenemap_solve (double *rows, int n);

#endif /* AVM_SCENEMAP_PRIVATE_H */
