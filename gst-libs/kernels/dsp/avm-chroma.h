/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a performance and its score are compared by: the energy of every
 * semitone over time (pitchgram), and from it 12 chroma and 12 decaying onset
 * features (DLNCO: Ewert, Mueller, Grosche 2009; Mueller et al., Sync Toolbox,
 * 2021).
 *
 * A pitchgram is made from audio as it streams, or from a score by the same
 * formula that describes what the filters make of a tone that begins and ends
 * abruptly, so that both sides have the same ramps. Frame i describes the
 * instant i / rate; the filters are symmetric about it.
 *
 * The filters are windowed exponentials of 34 periods, at most 0.37 s and at
 * least 0.04 s long (zero one semitone away from the centre where the length
 * allows), evaluated as short sums over one FFT per frame (Brown and Puckette
 * 1992).
 */

#ifndef AVM_CHROMA_H
#define AVM_CHROMA_H

#include "base/avm-common.h"
#include "score/avm-score.h"

#ifdef __cplusplus
extern "C" {
#endif

/* MIDI numbers AVM_PITCH_LOW ... AVM_PITCH_LOW + AVM_N_PITCHES - 1 */
#define AVM_PITCH_LOW 24
#define AVM_N_PITCHES 96

/* Mean of the channels of interleaved frames. What is no finite number below
 * 10^4 counts as silence; returns how many values that were. */
size_t avm_mix_down_f32 (
    const float *in, size_t n_frames, size_t channels, float *out);
void avm_mix_down_s16 (
    const int16_t *in, size_t n_frames, size_t channels, float *out);

typedef struct _AvmPitchgram AvmPitchgram;

/* Audio of sample_rate (4000 to 400000 Hz) in, feature_rate frames per second
 * (5 to 400) out. tuning: cents by which the recording's A4 lies above 440 Hz;
 * NaN: estimated from the first 20 s with sound, which are kept until then.
 * NULL: out of range or out of memory. */
AvmPitchgram *avm_pitchgram_new (
    double sample_rate, double feature_rate, double tuning);
void avm_pitchgram_free (AvmPitchgram *gram);
/* Finite samples, full scale 1. false: out of memory. */
bool avm_pitchgram_push (AvmPitchgram *gram, const float *samples, size_t n);
/* Before the results are asked for; nothing can be pushed after it. */
bool avm_pitchgram_finish (AvmPitchgram *gram);

/* What the performance would be at time = lead + scale * score time, followed
 * by tail seconds of silence. transposition in semitones. Parts on channel 9
 * (percussion) are left out. */
AvmPitchgram *avm_pitchgram_new_from_score (const AvmScore *score,
    double feature_rate, double lead, double scale, double tail,
    int transposition);

size_t avm_pitchgram_n_frames (const AvmPitchgram *gram);
double avm_pitchgram_rate (const AvmPitchgram *gram);
/* cents, -50 to 50; what was given, or estimated */
double avm_pitchgram_tuning (const AvmPitchgram *gram);
/* Energies of frame i, AVM_N_PITCHES values in steps of half a decibel; 220
 * is a sine of full scale, 0 is -110 dB and below. */
const uint8_t *avm_pitchgram_frame (const AvmPitchgram *gram, size_t i);
/* Amplitude of a value: 10 ^ ((value - 220) / 40), 0 for 0. */
float avm_pitchgram_amplitude (uint8_t value);
/* Length of the filter of a MIDI number, s. */
double avm_pitch_window (double midi);
/* First frame and frame behind the last that are louder than the loudest by
 * at most range decibels; false: none, the whole is silent (below -100 dB). */
bool avm_pitchgram_active (
    const AvmPitchgram *gram, double range, size_t *first, size_t *end);

#define AVM_N_FEATURES 24

/**
 * AvmFeatures: n rows of AVM_N_FEATURES values: 12 chroma of length 1 (C
 * first; all alike in silence), 12 onset features of length 0 to about 1.
 */
typedef struct {
  size_t n;
  float *values;
} AvmFeatures;

/* step: frames averaged into one row; onsets are 0 where step > 1. NULL: out
 * of memory. */
AvmFeatures *avm_features_new (const AvmPitchgram *gram, size_t step);
void avm_features_free (AvmFeatures *features);

#ifdef __cplusplus
}
#endif
#endif /* AVM_CHROMA_H */
