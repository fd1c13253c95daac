/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * F0 contours of the parts of a mixture whose notes are known and aligned.
 *
 * 1. In the mixture (as the audio baseline of Li, Dinesh, Sharma and Duan,
 *    ISMIR 2017, does after Soundprism): for each note and frame the harmonic
 *    sum over F0 candidates within two semitones of the score, harmonics that
 *    collide with those of other notes counting less; Viterbi over the note.
 * 2. All voices together: the harmonics of all sounding notes are fitted at
 *    once along the contours found so far (dsp/avm-jointfit.h), each voice
 *    thereby freed of what the others leak into it, and the frequency that is
 *    left corrects the contours. Repeated, from the low harmonics to all: what
 *    a window averages is only the error of the last contour, so the depth of
 *    a vibrato is kept.
 */

#ifndef AVM_SCOREPITCH_H
#define AVM_SCOREPITCH_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  double onset;    /* s from sample 0 */
  double duration; /* s, > 0 */
  double pitch;    /* MIDI, may be fractional */
  int part;        /* 0..n_parts - 1 */
} AvmScorePitchNote;

typedef struct {
  double rate;      /* Hz of the samples, 8000..48000 */
  double hop;       /* s between frames, 0.002..0.05 */
  double tuning;    /* cents of A4 over 440 Hz, NAN: estimate it */
  unsigned n_parts; /* 1..256 */
} AvmScorePitchConfig;

typedef struct _AvmScorePitch AvmScorePitch;

/* Called now and then with the share that is done; false cancels. */
typedef bool (*AvmScorePitchProgress) (void *user, double share);

/* NULL with *error RANGE or MEMORY. */
AvmScorePitch *avm_scorepitch_new (
    const AvmScorePitchConfig *config, AvmError *error);
void avm_scorepitch_free (AvmScorePitch *self);

/* The whole piece: n mono samples (16 bit, full scale 32768) and its notes, in
 * any order. Notes that lie outside the samples, or that the rate cannot
 * carry, get no contour. False with *error RANGE (a part), MEMORY or
 * CANCELLED. A second call replaces the first. */
bool avm_scorepitch_do (AvmScorePitch *self, const int16_t *samples, size_t n,
    const AvmScorePitchNote *notes, size_t n_notes,
    AvmScorePitchProgress progress, void *user, AvmError *error);

/* Frames of the last piece; frame i describes the instant i * hop. */
size_t avm_scorepitch_n_frames (const AvmScorePitch *self);
/* Row i: for each part F0 (Hz; 0: the part rests, NAN: not known), then for
 * each part the confidence (0..1); 2 n_parts values. Where notes of one part
 * overlap, the surer one is given. */
void avm_scorepitch_row (const AvmScorePitch *self, size_t i, float *row);
/* Tuning that was used, cents */
double avm_scorepitch_tuning (const AvmScorePitch *self);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SCOREPITCH_H */
