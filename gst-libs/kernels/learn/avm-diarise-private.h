/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of avm-diarise share. Sightings are sorted into
 *   tracks, as they were given;
 *   places: tracks of one shot that follow one another at one place;
 *   groups: places of all shots with one framing (view) at one place, the
 *     points that are agglomerated;
 *   musicians: clusters of groups;
 *   poses: clusters of the sightings of a musician in one view.
 */

#ifndef AVM_DIARISE_PRIVATE_H
#define AVM_DIARISE_PRIVATE_H

#include "base/avm-spill.h"
#include "learn/avm-diarise.h"
#include "learn/avm-scenemap.h"

/**
 * AvmDiariseGroup: one musician, as far as one view tells.
 * face: where, in the coordinates of the view; weight: sightings
 * look: mean appearance of some of them
 */
typedef struct {
  int view;
  AvmSceneFace face;
  float *look;
} AvmDiariseGroup;

/**
 * AvmDiariseView: shots that show the scene from the same place.
 * n_shots: how many
 */
typedef struct {
  int width, height;
  int n_shots;
} AvmDiariseView;

struct _AvmDiarise {
  AvmDiariseSettings settings;
  AvmSpill *spill;

  AvmSighting *sightings;
  size_t n, room;
  int last_shot[100], last_frame[100];

  /* the last run */
  bool done;
  AvmDiarised *results; /* n */
  int *groups_of;       /* n: the group of a sighting */
  AvmDiariseGroup *groups;
  int n_groups, groups_room;
  AvmDiariseView *views;
  int n_views, views_room;
  int *musicians_of;   /* n_groups */
  double *confidences; /* n_groups */
  int n_musicians;
  int *n_poses;   /* n_musicians */
  AvmSeat *seats; /* n_musicians */

  bool (*progress) (void *user, double done);
  void *user;
};

/* The appearances of sightings: reads one of AVM_APPEARANCE_SIZE values. */
bool avm_diarise_read (
    AvmDiarise *self, size_t sighting, float *values, AvmError *error);
/* The mean of at most `most` of n sightings, evenly spread; room:
 * AVM_APPEARANCE_SIZE values. */
bool avm_diarise_mean (AvmDiarise *self, const size_t *sightings, size_t n,
    size_t most, float *room, float *mean, AvmError *error);
/* False: CANCELLED. */
bool avm_diarise_tell (AvmDiarise *self, double done, AvmError *error);
/* Grows an array that has `room` elements to hold `n`; false: MEMORY. */
bool avm_diarise_grow (
    void *array, int *room, int n, size_t size, AvmError *error);
/* Whether these two faces of one frame may be one that was found twice */
bool avm_diarise_same_face (const AvmRect *a, const AvmRect *b);

/* False: RANGE, more faces in a frame than musicians are said to exist. */
bool avm_diarise_check_number (const AvmDiarise *self, AvmError *error);
/* Fills groups_of, groups and views. */
bool avm_diarise_find_groups (AvmDiarise *self, AvmError *error);
/* Fills musicians_of, confidences, n_musicians and seats. */
bool avm_diarise_find_musicians (AvmDiarise *self, AvmError *error);
/* Fills n_poses and the poses of results. */
bool avm_diarise_find_poses (AvmDiarise *self, AvmError *error);

/* Calls visit for all pairs of sightings that share a frame and are not the
 * same face found twice; stops when it returns false. False: MEMORY, or what
 * visit said. */
bool avm_diarise_each_pair (const AvmDiarise *self,
    bool (*visit) (void *user, size_t a, size_t b), void *user,
    AvmError *error);

#endif /* AVM_DIARISE_PRIVATE_H */
