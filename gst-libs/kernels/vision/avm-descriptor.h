/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a part of a picture looks like, in numbers: the descriptors of the
 * playing and non-playing study (A. Bazzica, C. C. S. Liem, A. Hanjalic,
 * Computer Vision and Image Understanding 2016). Each works on a square patch
 * of fixed size (avm-colour.h), so that pictures of any size compare; bins
 * are not quantised as they would be for storage.
 *
 * PHOG, 630, 128 px, luma: pyramid of histograms of oriented gradients (A.
 * Bosch, A. Zisserman, X. Munoz, CIVR 2007). Edges are those of Canny (IEEE
 * PAMI 1986): smoothing with the binomial 1-4-6-4-1 in both directions, edge
 * repeated, rounded to 1/4 grey, floor ((sum + 32) / 64); Sobel gradients,
 * edge repeated; m is the floor of the gradient's length in their units, 1/32
 * grey/px; the upper threshold is the least integer T of at least 96 (3
 * grey/px) for which at least 70 % of all m are below T, the lower one
 * ceil (0.4 T). A pixel that is not on the rim is a maximum when its squared
 * length is above that of the neighbour before it (left, above) and not below
 * the one after it, across the edge to the nearest eighth of a turn (29/70
 * for the tangent of 22.5 degrees); edges are 8-connected maxima that touch
 * one of T or more. Each adds the length of its gradient to the histogram of
 * its cell, 30 bins over half a turn, shared linearly between the two nearest
 * bin centres, (i + 1/2) 6 degrees. Cells: the patch, then 2 x 2, then 4 x 4,
 * row by row; the sum of all is 1, or 0 without an edge.
 *
 * EHD, 80, 128 px, luma: edge histogram of MPEG-7 (ISO/IEC 15938-3; B. S.
 * Manjunath et al., IEEE CSVT 2001): 4 x 4 sub-images row by row, in each the
 * share of its 64 blocks of 4 x 4 px (1024 in all, nearest to the 1100 of the
 * standard that divides evenly) whose strongest of the five edge filters on
 * 2 x 2 means, the first of equals, is above 11: vertical, horizontal, 45,
 * 135 degrees, without direction.
 *
 * GABOR, 60, 64 px, luma: B. S. Manjunath, W. Y. Ma, IEEE PAMI 1996, eq. 3 to
 * 6: 5 scales from 0.4 down to 0.05 cycles/px, 6 orientations n 30 degrees,
 * Gaussians in the frequency plane, no response to a constant. Mean and
 * standard deviation of the magnitude, white is 1, at [2 (6 scale +
 * orientation)], scale 0 the coarsest. The patch is continued by its mirror
 * image.
 *
 * ACC, 256, 128 px, colour: auto-correlogram (J. Huang, S. R. Kumar, M. Mitra,
 * W.-J. Zhu, R. Zabih, CVPR 1997): the probability that a pixel at distance
 * k = 1 to 4 (the greater of the two coordinates), inside the patch, of a
 * pixel of colour c has the colour c, at [4 c + k - 1]. 64 colours of HSV: 8 of
 * hue, 4 of saturation, 2 of value, c = 8 h + 2 s + v: h = floor (hue / 45
 * degrees), s = min (3, floor (4 (max - min) / max)), v = floor (max / 128).
 *
 * JCD, 168, 160 px, colour: joint composite descriptor (S. A. Chatzichristofis,
 * Y. S. Boutalis, M. Lux, SIP 2009) of CEDD (ICVS 2008, 144) and FCTH (WIAMIS
 * 2008, 192), both of 24 colours that two fuzzy systems link from the hue,
 * saturation and value of the mean colour of 40 x 40 blocks of 4 x 4 px.
 * CEDD: the texture of a block is each of the five edge filters that reaches
 * its part of the strongest one (0.68 without direction, else 0.98), none
 * where the strongest is below 14. FCTH: fuzzy texture from the root mean
 * square of the four Haar coefficients of each band, as sums and differences
 * of four pixels (20 to 90, diagonal 20 to 80). Both are normalised to sum 1
 * before they are joined. Textures at [24 t + colour]: none, horizontal, 45,
 * vertical, 135 degrees, horizontal and vertical, without direction.
 */

#ifndef AVM_DESCRIPTOR_H
#define AVM_DESCRIPTOR_H

#include "vision/avm-colour.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  AVM_DESCRIPTOR_PHOG,
  AVM_DESCRIPTOR_EHD,
  AVM_DESCRIPTOR_GABOR,
  AVM_DESCRIPTOR_ACC,
  AVM_DESCRIPTOR_JCD
} AvmDescriptorKind;

#define AVM_N_DESCRIPTORS 5

#define AVM_PHOG_SIZE 630
#define AVM_EHD_SIZE 80
#define AVM_GABOR_SIZE 60
#define AVM_ACC_SIZE 256
#define AVM_JCD_SIZE 168
/* of all of them, one after another in the order above */
#define AVM_DESCRIPTORS_SIZE 1194

typedef struct _AvmDescriptor AvmDescriptor;

/* "phog", "ehd", "gabor", "acc", "jcd" */
const char *avm_descriptor_name (AvmDescriptorKind kind);
/* Number of values */
int avm_descriptor_size (AvmDescriptorKind kind);
/* Side of its patch, px */
int avm_descriptor_side (AvmDescriptorKind kind);
/* Whether it needs colour beside luma */
bool avm_descriptor_needs_colour (AvmDescriptorKind kind);

/* NULL: no such kind, or out of memory. */
AvmDescriptor *avm_descriptor_new (AvmDescriptorKind kind);
void avm_descriptor_free (AvmDescriptor *self);

/* Describes the rectangle of the picture; false as avm_patch_load says. */
bool avm_descriptor_describe (AvmDescriptor *self, const AvmPicture *picture,
    const AvmRect *rect, float *values);

/* Describes a patch of avm_descriptor_side () px, with colour where that is
 * needed; false when it is another one. */
bool avm_descriptor_describe_patch (
    AvmDescriptor *self, const AvmPatch *patch, float *values);

/* How unlike two descriptors of one kind are, 0 to 1, symmetric.
 * PHOG: chi-square, levels weighted 1/4, 1/4, 1/2 (S. Lazebnik et al., CVPR
 *   2006); 1 where no bin is shared.
 * EHD: L1 of the local, 5 times the global and the semi-global histograms (C.
 *   S. Won et al., ETRI Journal 2002), a part of the greatest possible.
 * GABOR: mean of |a - b| / (a + b + 0.001).
 * ACC: sum of |a - b| / (1 + a + b) (Huang et al.), a part of the sum of
 *   (a + b) / (1 + a + b).
 * JCD: one less the Tanimoto coefficient, both of sum 1. */
double avm_descriptor_distance (
    AvmDescriptorKind kind, const float *a, const float *b);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DESCRIPTOR_H */
