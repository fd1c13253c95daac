/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Separates a mixture into its players, block by block.
 *
 *   avm_separate_push (s, samples, n)     the mixture, as it comes
 *   avm_separate_add_note / add_motion    what is known of the players
 *   while (avm_separate_block_end (s) <= time up to which all is known)
 *     if (!avm_separate_run (s, ...)) break;
 *     while ((n = avm_separate_available (s)) > 0)
 *       avm_separate_peek (s, source, ...)  for every source
 *       avm_separate_drop (s, n)
 *   avm_separate_finish (s); the same again until run says there is no more
 *
 * Blocks overlap; their dictionaries are warm-started from the block before,
 * and where they overlap the masks of both are cross-faded, so that the
 * sources of every sample sum to the mixture. A mixture that ends within a
 * quarter of a block after a block is taken as one with it.
 *
 * The spectrogram (Hann) is factorised by avm-nmf.h; several channels share
 * the activations. The masks are the shares of the sources' models, so that
 * they sum to one, and are applied to the mixture's own spectrum.
 *
 * Audio alone: after M. Spiertz, V. Gnann, "Source-filter based clustering for
 * monaural blind source separation", DAFx 2009. The names of the sources are
 * arbitrary, but the same in all blocks.
 *
 * Motion: its speed is averaged over the window, 30 ms late (the sound
 * follows the bow), scaled from its rest (0.05 quantile) to its full speed
 * (0.95 quantile) into 0 .. 1 and raised to 0.6. Atoms of the plain
 * factorisation go to the sources so that the atoms of a source together sound
 * as it moves, and sound alike. The joint model (eq. (2) in avm-nmf.h) goes
 * on for a fifth of the iterations with one copy of an atom for each source that
 * may own it, linked to the motions of that source. All that is done four times
 * from other random numbers, and the mean of the models counts: a start that is
 * worse than others cannot be told from its cost. The cost that is reported is
 * the mean of those of the four.
 *
 * Score: after S. Ewert, M. Mueller, "Using score-informed constraints for
 * NMF-based source separation", ICASSP 2012.
 *
 * Memory: for each second of the block (and a quarter more) n_channels *
 * rate * 4 bytes for the samples, (window / 2 + 1) * n_channels * rate / hop *
 * 4 for the spectrogram, and (2 K + number of motions) * rate / hop * 4, K the
 * number of atoms; 1.2 MB in all in stereo at 48 kHz with the defaults. What
 * the transforms, the atoms and avm-nmf.h need does not grow with the block.
 */

#ifndef AVM_SEPARATE_H
#define AVM_SEPARATE_H

#include "dsp/avm-stft.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_SEPARATE_MAX_SOURCES 16
#define AVM_SEPARATE_MAX_CHANNELS 8
#define AVM_SEPARATE_MAX_MOTIONS 256

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
  int iterations;   /* per block, 1 .. 10000; see `joint` */
  double lambda;    /* >= 0, weight of motion; relative, see below */
  double mu;        /* >= 0, weight of sparse links; likewise */
  double block;     /* s, 1 .. 3600 */
  double overlap;   /* s, 0 .. block / 2 */
  double tuning;    /* A4, Hz; 0: estimated */
  uint64_t seed;
  int n_threads; /* 1 .. 64 */
} AvmSeparateSettings;

/* The cost of eq. (2) per frame, relative to the spectrogram's mean sum of a
 * frame where the mean norm of a frame is 1 and full speed is 1:
 * D_KL / sum V + lambda |B o (M - H^T A)|^2 / n_frames + mu sum A. So lambda
 * and mu do not depend on level or length. */

/* In s from the first sample of the mixture */
typedef struct {
  int source; /* which plays it */
  double onset, duration;
  double pitch; /* MIDI, may lie between semitones */
} AvmSeparateNote;

/* Called once per iteration; false cancels. block counts from 0. cost: before
 * the iteration; it never rises within a block. */
typedef bool (*AvmSeparateProgress) (
    void *user, int block, int iteration, int n_iterations, double cost);

typedef struct _AvmSeparate AvmSeparate;

/* joint, 2 sources, mono, 48 kHz, window 4096, hop 1024, 60 atoms, 100
 * iterations, lambda 0.2, mu 0.001, block 60 s, overlap 5 s, tuning
 * estimated, seed 0, 1 thread. */
void avm_separate_settings_init (AvmSeparateSettings *settings);
/* s: a block is run when so much of the mixture has come, counted from where
 * its sources begin; the time that the run takes comes on top. */
double avm_separate_delay (const AvmSeparateSettings *settings);

/* NULL: *error says why (RANGE, MEMORY) */
AvmSeparate *avm_separate_new (
    const AvmSeparateSettings *settings, AvmError *error);
void avm_separate_free (AvmSeparate *separate);

/* In any order, until the block that holds them is run. False: MEMORY. Notes
 * of no such source, without a length or with a pitch outside 0 .. 140 are not
 * used. */
bool avm_separate_add_note (AvmSeparate *separate, const AvmSeparateNote *note);
/* A motion is one series of speeds, >= 0 in any unit, NaN not known, best in
 * order of time; motions are numbered 0 .. 255. source: whose motion it is, -1
 * (initially) not known: such motions go to the sources without motion, in
 * order. A source may have several motions, or none: then it has what goes
 * with no other's. False: no such motion or source; MEMORY. */
bool avm_separate_set_motion_source (
    AvmSeparate *separate, int motion, int source);
bool avm_separate_add_motion (
    AvmSeparate *separate, int motion, double time, float speed);

/* Takes up to n frames of n_channels interleaved samples, as many as the
 * block has room for, none while samples of the sources wait to be dropped;
 * what is not finite counts as 0. */
size_t avm_separate_push (
    AvmSeparate *separate, const float *samples, size_t n);
/* The mixture ends. */
void avm_separate_finish (AvmSeparate *separate);
/* s: everything is due that is known of the time before; what the next run
 * works on. */
double avm_separate_block_end (const AvmSeparate *separate);
/* Whether a run is due: the block is full, or the mixture has ended. */
bool avm_separate_is_due (const AvmSeparate *separate);
/* Separates the block. False: *error says why (CANCELLED, MEMORY; EMPTY where
 * none is due). After CANCELLED it may be run again. */
bool avm_separate_run (AvmSeparate *separate, AvmSeparateProgress progress,
    void *user, AvmError *error);
/* Frames that are ready. More may be once they are dropped. */
size_t avm_separate_available (const AvmSeparate *separate);
/* Up to n frames of a source, interleaved, without taking them away. */
size_t avm_separate_peek (
    const AvmSeparate *separate, int source, float *samples, size_t n);
/* Takes up to n frames of all sources away. */
void avm_separate_drop (AvmSeparate *separate, size_t n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SEPARATE_H */
