/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * F0 of one voice, with voicing, frame by frame and with bounded delay.
 *
 * Candidates: troughs of the cumulative mean normalised difference function
 * (de Cheveigne and Kawahara, YIN, JASA 2002, eq. 8), its difference function
 * taken from the transform of a window that is symmetrical about the frame,
 * with the probabilities of pYIN (Mauch and Dixon, ICASSP 2014: thresholds
 * drawn from a Beta (2, 18) distribution). Path: Viterbi over the candidates
 * and an unvoiced state, decided `lookback` later. Refinement: the harmonics
 * are demodulated along the path (dsp/avm-demod.h) and the instantaneous
 * frequency that is left is measured over three or more whole periods, where
 * a Hann window has its zeros on the other harmonics. A window of 24 ms or
 * three periods that averages only the error of the path does not flatten a
 * vibrato.
 */

#ifndef AVM_PITCH_H
#define AVM_PITCH_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmPitch AvmPitch;

typedef struct {
  double rate;       /* of the input, Hz, 4000..400000 */
  double fmin, fmax; /* Hz, 20 <= fmin, 2 fmin <= fmax */
  double hop;        /* s between frames, 0.001..0.1 */
  double lookback;   /* s, 0..2: how much later a frame is decided */
  bool guess;        /* give unvoiced frames their likeliest F0 */
} AvmPitchConfig;

typedef struct {
  double time;      /* s from the first sample */
  float f0;         /* Hz; 0 unvoiced; negative: unvoiced, a guess */
  float confidence; /* 0..1, probability that the frame is voiced */
} AvmPitchFrame;

/* 55 to 2400 Hz, hop 10 ms, look-back 150 ms, no guesses */
void avm_pitch_config_init (AvmPitchConfig *config, double rate);

/* NULL with *error RANGE or MEMORY. fmax is cut to what the working rate
 * (14.5 to 29 kHz, or the input's if lower) carries. */
AvmPitch *avm_pitch_new (const AvmPitchConfig *config, AvmError *error);
void avm_pitch_free (AvmPitch *self);
/* Forgets the stream; the next sample is at time 0 again. */
void avm_pitch_reset (AvmPitch *self);

/* s between a sample and the frame that describes it */
double avm_pitch_latency (const AvmPitch *self);

/* Frames that n samples, or the end, can complete at most */
size_t avm_pitch_max_frames (const AvmPitch *self, size_t n);

/* Consumes n samples (mono; not finite counts as 0), writes the frames that
 * are decided to out (room for avm_pitch_max_frames) and returns how many.
 * Frame i describes the instant i * hop. */
size_t avm_pitch_do (
    AvmPitch *self, const float *x, size_t n, AvmPitchFrame *out);
/* The end of the stream: the frames still due, up to the last whose instant
 * has a sample (room for avm_pitch_max_frames (self, 0)); then resets. */
size_t avm_pitch_finish (AvmPitch *self, AvmPitchFrame *out);

#ifdef __cplusplus
}
#endif
#endif /* AVM_PITCH_H */
