/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Separates a mixture into its players, block by block.
 *
 *   avm_separate_push (s, samples, n)     the mixture, as it comes
 *   avm_separate_add_note / add_motion    what is known of the players
 *   while (avm_separate_block_end (s) <= time up to which all is known)
 *     if (!avm_separate_run (s, ...)) break;
 *     avm_separate_pull (s, source, ...)  for every source
 *   avm_separate_finish (s); the same again until run says there is no more
 *
 * Blocks overlap; their dictionaries are warm-started from the block before,
 * and where they overlap the masks of both are cross-faded, so that the
 * sources of every sample sum to the mixture.
 */

#ifndef AVM_SEPARATE_H
#define AVM_SEPARATE_H

#include "dsp/avm-stft.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_SEPARATE_MAX_SOURCES 16
#define AVM_SEPARATE_MAX_CHANNELS 8

typedef enum {
  AVM_SEPARATE_AUDIO,      /* KL-NMF, atoms grouped by their MFCC */
  AVM_SEPARATE_SEQUENTIAL, /* KL-NMF, atoms then assigned by motion */
  AVM_SEPARATE_JOINT,      /* eq. (2): sound and motion together */
  AVM_SEPARATE_SCORE,      /* harmonic atoms gated by aligned notes */
  AVM_SEPARATE_JOINT_SCORE /* all of it */
} AvmSeparateModel;

typedef struct {
  AvmSeparateModel model;
  int n_sources;    /* 1 .. AVM_SEPARATE_MAX_SOURCES */
  int n_channels;   /* 1 .. AVM_SEPARATE_MAX_CHANNELS */
  int rate;         /* Hz, 1000 .. 768000 */
  int window;       /* samples, even, 64 .. 65536 */
  int hop;          /* samples, 1 .. window / 2 */
  int n_components; /* atoms, 1 .. 512 (models without score) */
  int iterations;   /* per block, 1 .. 10000 */
  double lambda;    /* >= 0, weight of motion */
  double mu;        /* >= 0, weight of sparse links */
  double block;     /* s, 1 .. 3600 */
  double overlap;   /* s, 0 .. block / 2 */
  double tuning;    /* A4, Hz; 0: estimated */
  uint64_t seed;
  int n_threads; /* 1 .. 64 */
} AvmSeparateSettings;

/* In s from the first sample of the mixture */
typedef struct {
  int source; /* which plays it */
  double onset, duration;
  double pitch; /* MIDI, may lie between semitones */
} AvmSeparateNote;

/* Called once per iteration; false cancels. block counts from 0. */
typedef bool (*AvmSeparateProgress) (
    void *user, int block, int iteration, int n_iterations, double cost);

typedef struct _AvmSeparate AvmSeparate;

void avm_separate_settings_init (AvmSeparateSettings *settings);
/* s: a block is run when so much of the mixture has come, counted from where
 * its sources begin; the time that the run takes comes on top. */
double avm_separate_delay (const AvmSeparateSettings *settings);

/* NULL: *error says why (RANGE, MEMORY) */
AvmSeparate *avm_separate_new (
    const AvmSeparateSettings *settings, AvmError *error);
void avm_separate_free (AvmSeparate *separate);

/* In any order, until the block that holds them is run. False: MEMORY. */
bool avm_separate_add_note (AvmSeparate *separate, const AvmSeparateNote *note);
/* A motion is one series of speeds, >= 0 in any unit, NaN not known, in order
 * of time; motions are numbered as they come, 0 .. 255. source: whose motion
 * it is, -1 not known. */
bool avm_separate_set_motion_source (
    AvmSeparate *separate, int motion, int source);
bool avm_separate_add_motion (
    AvmSeparate *separate, int motion, double time, float speed);

/* Takes up to n frames of n_channels interleaved samples, as many as the
 * block has room for; what is not finite counts as 0. */
size_t avm_separate_push (
    AvmSeparate *separate, const float *samples, size_t n);
/* The mixture ends. */
void avm_separate_finish (AvmSeparate *separate);
/* s: everything is due that is known of the time before; what the next run
 * works on. */
double avm_separate_block_end (const AvmSeparate *separate);
/* Whether a run is due: the block is full, or the mixture has ended. */
bool avm_separate_is_due (const AvmSeparate *separate);
/* Separates the block. False: *error says why (CANCELLED, MEMORY). */
bool avm_separate_run (AvmSeparate *separate, AvmSeparateProgress progress,
    void *user, AvmError *error);
/* Frames that are ready. */
size_t avm_separate_available (const AvmSeparate *separate);
/* Up to n frames of a source, interleaved, without taking them away. */
size_t avm_separate_peek (
    const AvmSeparate *separate, int source, float *samples, size_t n);
/* Takes n frames of all sources away. */
void avm_separate_drop (AvmSeparate *separate, size_t n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SEPARATE_H */
