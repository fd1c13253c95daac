/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Short-time Fourier transform of a stream and its consistent inverse.
 *
 * Frame i is centred on sample i * hop of the stream: it covers the samples
 * i * hop - window/2 ... i * hop + window/2 - 1, zeros before the first and
 * after the last. The inverse is the least squares estimate of the signal
 * (Griffin and Lim 1984, eq. 6: overlap-add of window times frame over the
 * sum of the squared windows), so that what is not modified comes back
 * exactly, edges included.
 *
 *   while (n > 0) {
 *     size_t taken = avm_stft_push (stft, x, n);
 *     x += taken, n -= taken;
 *     while ((bins = avm_stft_pull (stft)) != NULL)
 *       ...
 *   }
 *   avm_stft_finish (stft);
 *   while ((bins = avm_stft_pull (stft)) != NULL)
 *     ...
 */

#ifndef AVM_STFT_H
#define AVM_STFT_H

#include "dsp/avm-fft.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  AVM_WINDOW_HANN,
  AVM_WINDOW_HAMMING,
  AVM_WINDOW_BLACKMAN,
  AVM_WINDOW_RECTANGULAR
} AvmWindow;

/* n samples of the periodic (DFT-even) window; peak 1 at n/2. */
void avm_window_fill (AvmWindow window, float *w, size_t n);

typedef struct _AvmStft AvmStft;

/* window_size samples in a frame, zero-padded to fft_size (both even, 2 <=
 * window_size <= fft_size), hop samples between frames (1 <= hop <=
 * window_size). NULL: out of range or out of memory. */
AvmStft *avm_stft_new (
    AvmWindow window, size_t window_size, size_t fft_size, size_t hop);
void avm_stft_free (AvmStft *stft);
size_t avm_stft_n_bins (const AvmStft *stft); /* fft_size / 2 + 1 */
/* Forgets the stream. */
void avm_stft_reset (AvmStft *stft);

/* Takes up to n samples, as many as there is room for; pull makes room.
 * Samples that are no finite numbers are the caller's to keep away. */
size_t avm_stft_push (AvmStft *stft, const float *samples, size_t n);
/* The next frame, n_bins values, phases referred to its first sample; NULL:
 * more samples needed. The memory is the transform's own; it may be modified,
 * and is valid until the next call. */
AvmComplex *avm_stft_pull (AvmStft *stft);
/* The stream ends: pull then gives the frames whose windows reach beyond the
 * end, as long as they hold at least one sample. */
void avm_stft_finish (AvmStft *stft);

/* One frame alone: window_size samples to n_bins values (NULL: own memory,
 * which is returned). */
AvmComplex *avm_stft_frame (
    AvmStft *stft, const float *samples, AvmComplex *bins);

typedef struct _AvmIstft AvmIstft;

/* Must be given what avm_stft_new was given. NULL also where the shifted
 * windows leave samples uncovered (Hann with hop = window_size). */
AvmIstft *avm_istft_new (
    AvmWindow window, size_t window_size, size_t fft_size, size_t hop);
void avm_istft_free (AvmIstft *istft);
void avm_istft_reset (AvmIstft *istft);

/* Takes the next frame and returns how many samples of the stream it has
 * completed (0 to hop); *samples is the inverse's own memory, valid until the
 * next call. Samples are complete window_size/2 - hop behind the centre of the
 * frame; the last frame of a finished stream completes all of them, and a few
 * behind its end. bins is not modified. */
size_t avm_istft_frame (
    AvmIstft *istft, const AvmComplex *bins, const float **samples);

#ifdef __cplusplus
}
#endif
#endif /* AVM_STFT_H */
