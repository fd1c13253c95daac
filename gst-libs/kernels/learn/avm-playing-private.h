/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of avm-playing share: what was said (avm-playing.c), the
 * features of motion (avm-playing-features.c), the decision
 * (avm-playing-chain.c).
 */

#ifndef AVM_PLAYING_PRIVATE_H
#define AVM_PLAYING_PRIVATE_H

#include "learn/avm-playing.h"

#define AVM_PLAYING_GRID 0.02 /* s, step of the chain */

/* In sizes of the player per s */
typedef struct {
  double time;
  float vx, vy, speed;
} AvmPlayingRow;

typedef struct {
  AvmPlayingRow *rows;
  size_t n, size;
} AvmPlayingRows;

typedef struct {
  int number, musician;
  AvmPlayingRows limbs[AVM_PLAYING_N_LIMBS];
} AvmPlayingTrack;

typedef struct {
  double time;
  int16_t camera, pose;
} AvmPlayingSighting;

typedef struct {
  double from, to;
} AvmPlayingTimes;

typedef struct {
  AvmPoseLabel label;
  double seconds;           /* seen */
  double weight, plays;     /* looks that were judged, and as playing */
  double probability, odds; /* of the pose; log, beside that of all poses */
} AvmPlayingPose;

typedef struct {
  bool known; /* something was said of this one */
  bool part_said;
  int part;
  double part_confidence;
  AvmPlayingSighting *sightings;
  size_t n_sightings, size_sightings;
  bool sorted;
  AvmPlayingPose *poses;
  size_t n_poses;
  AvmPlayingSpan *spans;
  size_t n_spans, size_spans;
} AvmPlayingMusician;

typedef struct {
  AvmPlayingTimes *notes;
  size_t n_notes, size_notes;
  size_t n_runs; /* in which it sounds */
  AvmPlayingTimes *runs;
  AvmPlayingSpan *spans;
  size_t n_spans, size_spans;
} AvmPlayingPart;

struct _AvmPlaying {
  AvmPlayingSettings settings;
  const AvmSvmSet *models;
  AvmPlayingTrack *tracks; /* by number */
  size_t n_tracks, size_tracks;
  AvmPlayingMusician *musicians;
  size_t n_musicians;
  AvmPlayingPart *parts;
  size_t n_parts;
};

/* Log odds of playing in the window around `time`; false: not known */
bool avm_playing_judge_motion (const AvmPlaying *self,
    const AvmPlayingTrack *track, double time, double *odds);

/* Room for one more of `size` bytes; false: out of memory */
bool avm_playing_grow (void *items, size_t n, size_t *room, size_t size);

#endif /* AVM_PLAYING_PRIVATE_H */
