/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Decimation of a mono stream by an integer factor, without delay: output
 * sample i describes the instant of input sample i * factor.
 *
 * Linear-phase low-pass (windowed sinc, Kaiser beta 8: stop band -80 dB), flat
 * up to 0.40 of the output rate. Samples that are not finite count as 0.
 */

#ifndef AVM_DECIMATE_H
#define AVM_DECIMATE_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmDecimator AvmDecimator;

/* factor: 1..64. NULL: out of range or out of memory. */
AvmDecimator *avm_decimator_new (unsigned factor);
void avm_decimator_free (AvmDecimator *self);
/* Forgets the stream. */
void avm_decimator_reset (AvmDecimator *self);
unsigned avm_decimator_factor (const AvmDecimator *self);

/* The factor that brings `rate` (Hz) nearest above 14.5 kHz; at least 1. */
unsigned avm_decimator_factor_for (double rate);

/* Consumes n samples, writes what is complete and returns how many: at most
 * n / factor + 1. Output lags input by 24 to 32 output samples (none if
 * factor is 1). */
size_t avm_decimator_do (
    AvmDecimator *self, const float *in, size_t n, float *out);
/* The end of the stream: writes the samples still due (at most 40), so that
 * the sum of all is ceil (samples / factor), and resets. */
size_t avm_decimator_finish (AvmDecimator *self, float *out);

/* The mean of the channels of n interleaved frames (16 bit: full scale 1). */
void avm_downmix_f32 (const float *in, size_t n, unsigned channels, float *out);
void avm_downmix_s16 (
    const int16_t *in, size_t n, unsigned channels, float *out);
/* To 16 bit, full scale 1, rounded and clipped. */
void avm_quantise_s16 (const float *in, size_t n, int16_t *out);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DECIMATE_H */
