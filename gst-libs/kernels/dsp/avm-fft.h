/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Real transforms behind one small interface. Two implementations, chosen at
 * build time: FFTW3 (avm-fft-fftw.c, GPL) and GStreamer's FFT
 * (avm-fft-gst.c, LGPL). AVM_FFT_LICENSE in config.h is the licence string of
 * a plugin that uses them.
 */

#ifndef AVM_FFT_H
#define AVM_FFT_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  float re, im;
} AvmComplex;

typedef struct _AvmFft AvmFft;

/* A plan for real transforms of n samples, n even, 2 <= n <= 2^24. The
 * planner is serialised; one plan must not be used by two threads at once.
 * NULL: n out of range or out of memory. */
AvmFft *avm_fft_new (size_t n);
void avm_fft_free (AvmFft *fft);
size_t avm_fft_size (const AvmFft *fft);

/* The plan's own aligned buffers: n reals and n/2+1 bins. Filling and reading
 * these saves a copy. */
float *avm_fft_time (AvmFft *fft);
AvmComplex *avm_fft_bins (AvmFft *fft);

/* X[k] = sum_n x[n] exp (-2 pi i k n / N), k = 0..N/2. NULL arguments mean
 * the plan's own buffers. */
void avm_fft_forward (AvmFft *fft, const float *time, AvmComplex *bins);
/* x[n] = (1/N) sum_k X[k] exp (2 pi i k n / N): inverts avm_fft_forward. The
 * bins are not preserved when they are the plan's own. */
void avm_fft_inverse (AvmFft *fft, const AvmComplex *bins, float *time);
/* The same without the factor 1/N, in the plan's own buffers alone, for those
 * who have a window to put it into. */
void avm_fft_inverse_unscaled (AvmFft *fft);

/* Smallest 2^a 3^b 5^c that is even and >= n. */
size_t avm_fft_good_size (size_t n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_FFT_H */
