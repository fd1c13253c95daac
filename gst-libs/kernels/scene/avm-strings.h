/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sound of the virtual ensemble: bowed strings. A note is a band-limited
 * sawtooth (Helmholtz motion: all harmonics, 1/k, with the nulls of the
 * bow's place on the string), softened as it gets quieter; its pitch is that
 * of avm_ensemble_note_cents, its amplitude follows the speed of the bow
 * after the lag of the stroke. Bow noise and the scratch of the attack are
 * added, then sixteen resonances of the player's own instrument, fixed in
 * frequency, so that vibrato moves the harmonics through them and amplitude
 * follows pitch. Last a small room (Schroeder's combs and all-passes).
 *
 * The sound is rendered on a grid of its own: the same samples come whatever
 * the sizes of the pieces that are asked for. After a seek they are the same
 * but for what is left of the room's sound from more than a second before.
 */

#ifndef AVM_STRINGS_H
#define AVM_STRINGS_H

#include "scene/avm-ensemble.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * AvmStringsConfig: start from avm_strings_config_init.
 */
typedef struct {
  int rate;      /* Hz, 4000 .. 384000 */
  int channels;  /* 1, or 2: players are panned by their seats */
  int part;      /* only this part of the score; -1 all */
  double noise;  /* rms of white noise, full scale 1 */
  double reverb; /* share of the room, 0 .. 1 */
  uint64_t seed; /* of the noises */
} AvmStringsConfig;

typedef struct AvmStrings AvmStrings;

/* 48 kHz, stereo, all parts, no noise, reverb 0.15. */
void avm_strings_config_init (AvmStringsConfig *config);

/* The ensemble must outlive the strings. NULL with *error: AVM_ERROR_RANGE,
 * AVM_ERROR_MEMORY. */
AvmStrings *avm_strings_new (const AvmEnsemble *ensemble,
    const AvmStringsConfig *config, AvmError *error);
void avm_strings_free (AvmStrings *strings);

/* The next frame to be rendered, counted from the start of the performance;
 * initially 0. */
void avm_strings_seek (AvmStrings *strings, int64_t frame);

/* n_frames x channels samples, interleaved, within -1 .. 1. */
void avm_strings_render (AvmStrings *strings, float *out, size_t n_frames);
/* The same, full scale 32767. */
void avm_strings_render_s16 (
    AvmStrings *strings, int16_t *out, size_t n_frames);

#ifdef __cplusplus
}
#endif
#endif /* AVM_STRINGS_H */
