/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Point trajectories inside a region, grouped by how they move.
 *
 * Points sit on a grid that is fixed to the region. The trajectory of a point
 * is its velocity over the last `window` frames; k-means (avm-kmeans.h) groups
 * the trajectories, and each group gives one speed, the mean of the magnitude
 * of its points' velocity (after S. Parekh et al., "Motion informed audio
 * source separation", ICASSP 2017, which clusters the trajectories of a whole
 * piece).
 *
 * Causal and of bounded memory: groups are made after 8 frames, again when the
 * window is half full, full, and then every half window. A group keeps its
 * number from one clustering to the next: numbers are matched by the most
 * points in common, the largest groups first. The first clustering numbers
 * groups by falling mean speed.
 */

#ifndef AVM_TRAJECTORIES_H
#define AVM_TRAJECTORIES_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmTrajectories AvmTrajectories;

/* n_points 1..4096, window 8..4096 frames, clusters 1..64 and <= n_points.
 * Memory: 8 bytes per point and frame of the window, twice. NULL: *error says
 * why (RANGE, MEMORY). */
AvmTrajectories *avm_trajectories_new (
    int n_points, int window, int clusters, uint64_t seed, AvmError *error);
void avm_trajectories_free (AvmTrajectories *trajectories);

/* Forgets everything. */
void avm_trajectories_reset (AvmTrajectories *trajectories);

/* One frame: n_points velocities, any unit. speeds: `clusters` results of the
 * same unit, NaN before the first clustering. Values that are not finite count
 * as 0. */
void avm_trajectories_push (AvmTrajectories *trajectories, const float *vx,
    const float *vy, float *speeds);

/* Group of each point, or -1 before the first clustering */
const int *avm_trajectories_get_labels (const AvmTrajectories *trajectories);

#ifdef __cplusplus
}
#endif
#endif /* AVM_TRAJECTORIES_H */
