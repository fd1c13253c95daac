/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The frontal face detector of dlib (histograms of oriented gradients, five
 * linear classifiers; Dalal and Triggs 2005, King, "Max-margin object
 * detection", arXiv:1502.00046) behind a C interface. It needs no model file.
 * No C++ exception leaves it.
 */

#ifndef AVM_DLIB_FACE_H
#define AVM_DLIB_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Side of the least face that dlib sees in a picture that is not scaled, px */
#define AVM_DLIB_FACE_SIZE 80

/**
 * AvmDlibOrientation: which of the classifiers saw the face; left and right
 * are those of the picture. The order is dlib's.
 */
typedef enum {
  AVM_DLIB_FRONTAL,
  AVM_DLIB_LEFT,        /* looks to the left edge of the picture */
  AVM_DLIB_RIGHT,       /* looks to the right edge */
  AVM_DLIB_TILTED_LEFT, /* the top of the head leans to the left edge */
  AVM_DLIB_TILTED_RIGHT
} AvmDlibOrientation;

/**
 * AvmDlibFace
 * x, y, w, h: from the eyebrows to the chin, px; may reach outside the picture
 * score: of the classifier; 0 is dlib's own threshold
 */
typedef struct {
  float x, y, w, h;
  float score;
  AvmDlibOrientation orientation;
} AvmDlibFace;

typedef struct _AvmDlibFaces AvmDlibFaces;

/* NULL: out of memory, or the classifiers of the library cannot be read. */
AvmDlibFaces *avm_dlib_faces_new (void);
void avm_dlib_faces_free (AvmDlibFaces *self);

/**
 * Looks for faces in a picture of width x height px of 8-bit luma that is
 * scaled by `scale` before. Returns how many of a score above `min_score` there
 * are, and of them at most `max` in `faces`, best first; -1: out of memory.
 * `detail` (of `detail_size` bytes) then says what dlib said.
 */
int avm_dlib_faces_do (AvmDlibFaces *self, const uint8_t *luma,
    ptrdiff_t stride, int width, int height, double scale, double min_score,
    AvmDlibFace *faces, int max, char *detail, size_t detail_size);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DLIB_FACE_H */
