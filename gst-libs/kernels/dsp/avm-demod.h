/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Demodulation of harmonics along a frequency that moves: the inner products
 * of windowed signals with exp (-j h theta (t)), h = 1..H, where theta is a
 * cubic phase. Both F0 kernels measure what is left of the frequency after
 * this demodulation, so that a window does not flatten a vibrato: only the
 * error of the assumed contour is averaged, not the contour.
 */

#ifndef AVM_DEMOD_H
#define AVM_DEMOD_H

#include "dsp/avm-fft.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lanes of the vectors below: lengths are multiples of it. */
#define AVM_DEMOD_LANES 16

/* The local course of a frequency in cycles per sample: f0 + f1 t + f2 t^2 / 2
 * with t in samples from the centre of the window. */
typedef struct {
  double f0, f1, f2;
} AvmDemodCourse;

/* re + j im = exp (-j theta (t)), theta (t) = 2 pi int_0^t f, at t = first,
 * first + 1, ... (n of them, a multiple of the lanes; aligned buffers). The
 * phase must stay below 1000 cycles. */
void avm_demod_oscillator (
    const AvmDemodCourse *course, double first, size_t n, float *re, float *im);

/* For h = 1..n_harmonics: c0[h - 1] = sum x0[i] e[i]^h and c1 likewise with
 * x1, e = re + j im. scratch: 2 n floats. All aligned, n a multiple of the
 * lanes. */
void avm_demod_correlate (const float *x0, const float *x1, const float *re,
    const float *im, size_t n, unsigned n_harmonics, AvmComplex *c0,
    AvmComplex *c1, float *scratch);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DEMOD_H */
