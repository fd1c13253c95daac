/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the separation share: avm-separate.c keeps the stream and
 * makes the sources, avm-separate-model.c factorises a block,
 * avm-separate-motion.c brings motion to the frames and links atoms to it,
 * avm-separate-audio.c groups atoms by timbre, avm-separate-score.c makes
 * atoms and gates from notes.
 */

#ifndef AVM_SEPARATE_PRIVATE_H
#define AVM_SEPARATE_PRIVATE_H

#include "nmf/avm-nmf.h"
#include "nmf/avm-separate.h"

#define MAX_ATOMS 1024
/* The joint model factorises a block so many times, each from another random
 * start, and takes the mean of the models: which start is a good one cannot be
 * told from its cost, nor from how well it follows the motion. */
#define SEPARATE_STARTS 4
/* frames that are made into sound at a time */
#define CHUNK 16
#define SEPARATE_N_MFCC 13
#define SEPARATE_TUNING_STEPS 31

/* The factors of a block and what they mean */
typedef struct {
  int n_atoms, n_frames;
  size_t atom_room, frame_room;
  float *w;     /* n_atoms x n_bins */
  float *h;     /* n_frames x n_atoms */
  float *links; /* n_atoms x n_sources, >= 0 */
  int *keys;    /* of the atoms, score models */
} Dictionary;

typedef struct {
  double time;
  float speed;
} Speed;

typedef struct {
  Speed *speeds; /* by time */
  size_t n, room;
  int source;      /* as told, -1 not known */
  float low, high; /* rest and full speed so far; high 0: none yet */
} Motion;

struct _AvmSeparate {
  AvmSeparateSettings set;
  size_t bins, n_bins;            /* of a channel, of all */
  int block, overlap, max_frames; /* frames */
  int n_blocks;                   /* done */

  float *mix; /* n_channels rows of room + window samples */
  size_t room, have;
  int64_t base; /* the block's first frame: centre of sample window / 2 */
  uint64_t n_pushed;
  bool finished;
  AvmStft *stft;

  float *v;    /* max_frames x n_bins */
  double mass; /* of v, mean of a frame */

  AvmSeparateNote *notes;
  size_t n_notes, note_room;
  Motion *motions;
  int n_motions;
  float *m; /* max_frames x n_motions */
  int m_motions;
  int owner[AVM_SEPARATE_MAX_MOTIONS]; /* the source of each motion */
  double tuning_curve[SEPARATE_TUNING_STEPS];
  int step; /* from variant to variant of a pitch, 1, 3 or 7 */

  AvmNmf *nmf;
  AvmNmfConfig nmf_config;
  Dictionary now, before;
  Dictionary starts[SEPARATE_STARTS]; /* of the joint model, this block */
  bool has_before, last;
  /* models without score: the atoms of the block before and whose they are */
  float *learned_w, *learned_links;
  int n_learned;

  AvmIstft **istfts;                    /* n_sources x n_channels */
  AvmComplex *spectrum, *rest, *masked; /* of a channel */
  float *sum;                           /* n_bins */
  float *masks, *masks_before;          /* n_sources x n_bins */
  int64_t emit, emit_end;               /* frames */
  float *chunk; /* n_sources rows of CHUNK hops of frames, interleaved */
  size_t chunk_room, chunk_n, chunk_at;
  uint64_t n_made; /* samples, chunk included */
};

/* A run under way */
typedef struct {
  AvmSeparateProgress progress;
  void *user;
  int iteration, n_iterations;
  /* The cost that is reported is the mean over the starts; those to come
   * count as the first did when it began. */
  int n_starts;
  double others;   /* cost of all starts but the one under way */
  double first;    /* that of the first one, when it began */
  double cost;     /* of the one under way */
  double reported; /* last */
  double offset;   /* added to the cost: what the stage leaves out */
  int n_frames;
} Run;

double separate_frame_time (const AvmSeparate *self, int frame);

/* avm-separate-model.c */
bool separate_dictionary_reserve (
    AvmSeparate *self, Dictionary *dictionary, size_t atoms, size_t frames);
void separate_dictionary_clear (Dictionary *dictionary);
/* Fills self->now. False: MEMORY, CANCELLED. */
bool separate_factorise (AvmSeparate *self, Run *run, AvmError *error);

/* avm-separate-motion.c */
void separate_motion_clear (Motion *motion);
bool separate_motion_add (Motion *motion, double time, float speed);
void separate_motion_forget (Motion *motion, double before);
/* Fills self->m and self->owner. False: MEMORY. */
bool separate_motion_prepare (AvmSeparate *self, int n_frames, AvmError *error);
/* sum of squares of what is known of self->m */
double separate_motion_energy (const AvmSeparate *self, int n_frames);
/* Fills A by non-negative least squares of M on H, with a sparsity of mu;
 * what is 0 in A stays 0. False: MEMORY. */
bool separate_motion_fit (
    AvmSeparate *self, int n_frames, double mu, AvmError *error);
/* Links of self->now: which atoms together follow whose motion. A has a start
 * for the search. False: MEMORY. */
bool separate_motion_link (AvmSeparate *self, int n_frames, AvmError *error);
/* Opens A for the motions of the source that each atom of self->nmf has. */
void separate_motion_restrict (AvmSeparate *self, const int *sources);
/* Mean of a source's motions in a frame, as they are scaled; NaN not known */
float separate_motion_of_source (
    const AvmSeparate *self, int frame, int source);

/* avm-separate-partition.c */
/* shares, n_atoms x n_sources: how likely each atom of self->now is whose, by
 * motion and timbre. `start`: one of the partitions the search starts from.
 * False: MEMORY. */
bool separate_partition (
    AvmSeparate *self, int n_frames, const int *start, float *shares);

/* avm-separate-audio.c */
/* SEPARATE_N_MFCC numbers about the timbre of an atom of self->now */
void separate_audio_mfcc (const AvmSeparate *self, int atom, float *out);
/* Links some atoms of self->now to some sources by their timbre, one source
 * each. False: MEMORY. */
bool separate_audio_deal (AvmSeparate *self, const int *atoms, int n_atoms,
    const int *sources, int n_groups, AvmError *error);

/* avm-separate-score.c */
/* Lists the atoms of the notes of this block in self->now.keys and returns
 * their number, which may be 0; -1: MEMORY. */
int separate_score_prepare (AvmSeparate *self, int n_frames, AvmError *error);
/* Fills W, H and, if joint, A of self->nmf. */
void separate_score_fill (AvmSeparate *self, int n_frames, bool joint);
/* Links of self->now, from the keys */
void separate_score_link (AvmSeparate *self);

#endif /* AVM_SEPARATE_PRIVATE_H */
