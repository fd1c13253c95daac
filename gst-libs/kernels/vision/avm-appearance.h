/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The appearance of a person: all descriptors (avm-descriptor.h) of the face
 * and of what goes with it, hair and upper body, and one distance of two
 * appearances. What the parts tell differs: hair and clothes are the same from
 * every side and for one evening, faces turn (Bazzica et al. 2016 found face
 * and upper body the most telling).
 */

#ifndef AVM_APPEARANCE_H
#define AVM_APPEARANCE_H

#include "vision/avm-descriptor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  AVM_PART_FACE,
  AVM_PART_HAIR,
  AVM_PART_BODY
} AvmBodyPart;

#define AVM_N_BODY_PARTS 3

/* Values of an appearance: for each part the visible share of its box, then
 * the descriptors part by part. */
#define AVM_APPEARANCE_SIZE (AVM_N_BODY_PARTS * (1 + AVM_DESCRIPTORS_SIZE))

/* A part of which less is inside the picture counts as not visible. */
#define AVM_APPEARANCE_MIN_VISIBLE 0.25

/**
 * AvmAppearanceWeights: what counts how much, >= 0; only ratios matter.
 * parts: of face, hair and upper body
 * descriptors: of each kind. The defaults are one over the median distance of
 *   different people in a few colour photographs, so that a kind whose
 *   distances are generally small has its say; parts count the same.
 */
typedef struct {
  double parts[AVM_N_BODY_PARTS];
  double descriptors[AVM_N_DESCRIPTORS];
} AvmAppearanceWeights;

typedef struct _AvmAppearance AvmAppearance;

/* Boxes of the parts of an upright person whose face, brows to chin, is in
 * `face`; they may reach outside the picture. In widths w and heights h of the
 * face: hair is 1.5 w wide and ends where the face begins, 0.6 h high; the
 * upper body is 3 w wide and 2.5 h high, from 0.15 h below the face; both are
 * centred on it. Each side is at least 1 px. */
void avm_appearance_boxes (const AvmRect *face, AvmRect *boxes);

AvmAppearance *avm_appearance_new (void);
void avm_appearance_free (AvmAppearance *self);

/* Describes the person whose face is there: AVM_APPEARANCE_SIZE values.
 * Returns how many parts are visible; the values of others are zero. */
int avm_appearance_describe (AvmAppearance *self, const AvmPicture *picture,
    const AvmRect *face, float *values);

void avm_appearance_weights_init (AvmAppearanceWeights *weights);

/* Weighted mean of the descriptors' distances over the parts that are visible
 * in both, each part weighted with its lesser visible share too: 0 to 1,
 * symmetric. 1 when no weighted part is visible in both. */
double avm_appearance_distance (
    const AvmAppearanceWeights *weights, const float *a, const float *b);

/* The same in several steps: distances of the parts and descriptors,
 * [part * AVM_N_DESCRIPTORS + kind], NaN where the part is not visible in
 * both; shares of the three parts, 0 there. */
void avm_appearance_compare (
    const float *a, const float *b, double *distances, double *shares);
double avm_appearance_fuse (const AvmAppearanceWeights *weights,
    const double *distances, const double *shares);

/* n x n distances of n appearances that lie one after another, the diagonal
 * zero; what avm_agglomerate_run takes. */
void avm_appearance_matrix (const AvmAppearanceWeights *weights,
    const float *values, int n, float *matrix);

#ifdef __cplusplus
}
#endif
#endif /* AVM_APPEARANCE_H */
