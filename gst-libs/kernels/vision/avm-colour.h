/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures of several layouts, and patches: a part of a picture brought to a
 * fixed size. All of it is in whole numbers and stated to the last bit, so
 * that what is decided from a patch (an edge or not, which colour) is the same
 * on every machine.
 */

#ifndef AVM_COLOUR_H
#define AVM_COLOUR_H

#include "vision/avm-pyramid.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest side of a picture, px */
#define AVM_PICTURE_MAX_SIDE 16384
/* Longest side of a patch, px */
#define AVM_PATCH_MAX_SIDE 1024

typedef enum {
  AVM_COLOUR_GREY, /* plane 0: luma, 0 to 255 */
  AVM_COLOUR_RGB,  /* planes 0 to 2: red, green, blue, 0 to 255 */
  AVM_COLOUR_YUV   /* planes 0 to 2: luma 16 to 235, Cb and Cr 16 to 240 */
} AvmColourModel;

typedef enum {
  AVM_MATRIX_BT601,
  AVM_MATRIX_BT709
} AvmColourMatrix;

/**
 * AvmPicture: a view of an 8-bit picture; owns nothing.
 * model, matrix: what the planes mean; matrix is for AVM_COLOUR_YUV
 * width, height: px, 1 to AVM_PICTURE_MAX_SIDE
 * data: first sample of every plane; interleaved planes begin one byte apart
 * stride: bytes from one row of a plane to the next, may be negative
 * step: bytes from one sample of a row to the next: 1 planar, 2 Cb and Cr of
 *   NV12, 3 RGB, 4 RGBx...
 * chroma_x, chroma_y: planes 1 and 2 are 2^chroma_x times narrower and
 *   2^chroma_y times lower, rounded up, 0 to 2; 1, 1 is 4:2:0
 */
typedef struct {
  AvmColourModel model;
  AvmColourMatrix matrix;
  int width, height;
  const uint8_t *data[3];
  ptrdiff_t stride[3];
  int step[3];
  int chroma_x, chroma_y;
} AvmPicture;

/**
 * AvmPatch: a part of a picture, resampled to side x side px, rows without
 * padding.
 *
 * Resampling is separable: a triangle of half width max (1, n / side) source
 * px around the centre of each target pixel, cut at the rectangle's edge. The
 * weight of source sample i for target t is, but for its scale,
 *   max (0, 2 max (n, side) - |2 side i - (2 t + 1) n + side|),
 * rounded to 15 bits: floor ((w 2^15 + S / 2) / S), S the sum of the weights;
 * the first of the greatest ones takes what is missing to 2^15. Columns first,
 * rounded to 1/256 (floor ((sum + 64) / 128)), then rows, floor ((sum + 2^22)
 * / 2^23). With n = side samples pass unchanged.
 *
 * Luma is floor ((77 R + 150 G + 29 B + 128) / 256), or from Y
 * floor ((255 (Y - 16) + 109) / 219), within 0 to 255.
 */
typedef struct _AvmPatch AvmPatch;

/* side: px, 1 to AVM_PATCH_MAX_SIDE. colour: whether red, green and blue are
 * wanted beside luma. NULL: out of range or out of memory. */
AvmPatch *avm_patch_new (int side, bool colour);
void avm_patch_free (AvmPatch *self);

/* Loads the part of the rectangle that lies inside the picture. False when
 * none of it does, when the picture is out of range, and when memory for its
 * rows runs out: it grows with the greatest rectangle so far. */
bool avm_patch_load (
    AvmPatch *self, const AvmPicture *picture, const AvmRect *rect);

int avm_patch_get_side (const AvmPatch *self);

/* side x side samples; they change with the next load. */
const uint8_t *avm_patch_get_luma (const AvmPatch *self);

/* channel: 0 red, 1 green, 2 blue. Of a grey picture all three are luma. NULL
 * without colour. */
const uint8_t *avm_patch_get_colour (const AvmPatch *self, int channel);

/* Hue 0 to 360 degrees (0 for grey), saturation 0 to 255 (0 for black) and
 * value 0 to 255 of a colour whose components are 0 to 255 (A. R. Smith,
 * SIGGRAPH 1978). */
void avm_colour_to_hsv (double r, double g, double b, double *hue,
    double *saturation, double *value);

/* Part of rect that lies inside a width x height picture; false: none. */
bool avm_rect_clip (const AvmRect *rect, int width, int height, AvmRect *out);

#ifdef __cplusplus
}
#endif
#endif /* AVM_COLOUR_H */
