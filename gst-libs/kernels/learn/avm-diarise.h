/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is who: the faces that were seen in the key frames of one or more films
 * of the same musicians are sorted into musicians, and those of each musician
 * into poses (one way to sit and hold the instrument, from one side).
 * After A. Bazzica, C. C. S. Liem, A. Hanjalic, "On detecting the playing /
 * non-playing activity of musicians in symphonic music videos", Computer
 * Vision and Image Understanding 2016: agglomerative clustering of descriptors
 * of face, hair and upper body (avm-appearance.h) in two stages, and after
 * Bazzica et al. 2017 for the map of the scene (avm-scenemap.h).
 *
 * What is known besides looks: a track, one face followed through one shot, is
 * one person; two faces in one key frame are two people; musicians keep their
 * seats, so shots of one framing show them at the same places, and shots of
 * several framings show them in an order that one map of the stage explains.
 *
 * Appearances are kept in a file without a name (avm-spill.h); in memory are
 * about 100 bytes for a sighting, a few exemplars of each track, and matrices
 * of at most AVM_DIARISE_MAX_GROUPS by as many distances.
 */

#ifndef AVM_DIARISE_H
#define AVM_DIARISE_H

#include "vision/avm-appearance.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_DIARISE_MAX_GROUPS 4096

/**
 * AvmSighting: one face in one key frame.
 * camera: whose film this is, 0 to 99
 * shot: of that film, counts from 0 and never falls in one camera
 * track: any number >= 0 that all sightings of one face in one shot share and
 *   no other has
 * frame: of that camera, counts key frames from 0 and never falls in one
 *   camera
 * time: s, of the key frame
 * face: px, may reach outside the picture
 * width, height: of the picture, px
 * orientation: of the head, any small number; -1 not known
 */
typedef struct {
  int camera;
  int shot;
  int track;
  int frame;
  double time;
  AvmRect face;
  int width, height;
  int orientation;
} AvmSighting;

/**
 * AvmDiariseSettings: start from avm_diarise_settings_init.
 * musicians: how many there are; 0: as many as the threshold leaves
 * threshold: greatest distance of two groups of faces that are one musician,
 *   0 to 1
 * pose_threshold: greatest distance in one pose, 0 to 1
 * max_poses: of a musician in one framing, 1 to 64
 * weights, pose_weights: what counts how much in each of the two stages
 * use_map: whether places in the picture and the map of the scene count
 */
typedef struct {
  int musicians;
  double threshold;
  double pose_threshold;
  int max_poses;
  AvmAppearanceWeights weights, pose_weights;
  bool use_map;
} AvmDiariseSettings;

/**
 * AvmDiarised: what was found out about a sighting.
 * musician: 0 .. n - 1, from left to right on the map (else in the pictures)
 * pose: 0 .. avm_diarise_n_poses () - 1 of this musician, the most frequent
 *   first
 * view: framing, 0 ..: shots that show the scene from the same place
 * confidence: 0 to 1 that it is this musician: how much farther the next best
 *   one that is not excluded is
 */
typedef struct {
  int musician;
  int pose;
  int view;
  double confidence;
} AvmDiarised;

/**
 * AvmSeat: a musician on the map, seen from above. x to the right and z away
 * from the camera whose view shows most musicians, in widths of a shoulder or
 * so; only relations are meaningful.
 * known: false: in no view that could be put on the map; x, z are NaN then
 * views: how many views show this musician
 */
typedef struct {
  bool known;
  double x, z;
  int views;
} AvmSeat;

typedef struct _AvmDiarise AvmDiarise;

/* No number given, thresholds found on development scenes of the virtual
 * orchestra, with map. */
void avm_diarise_settings_init (AvmDiariseSettings *settings);

/* directory: where the file with the appearances is made. NULL with *error:
 * RANGE, MEMORY. */
AvmDiarise *avm_diarise_new (
    const AvmDiariseSettings *settings, const char *directory, AvmError *error);
void avm_diarise_free (AvmDiarise *self);
/* Forgets all sightings. */
void avm_diarise_reset (AvmDiarise *self);

/* appearance: AVM_APPEARANCE_SIZE values. False with *error: RANGE (numbers as
 * said above, sizes <= 0, values that are not finite), OPEN (no room on the
 * disk), MEMORY. */
bool avm_diarise_add (AvmDiarise *self, const AvmSighting *sighting,
    const float *appearance, AvmError *error);

size_t avm_diarise_n_sightings (const AvmDiarise *self);
/* In the order in which they were added; owned by the object. */
const AvmSighting *avm_diarise_get_sighting (const AvmDiarise *self, size_t i);

/* Sorts all sightings; may be called again after more were added. progress,
 * if not NULL, gets a share of the work done, 0 to 1, and stops it by
 * returning false. False with *error: EMPTY (no sighting), RANGE (more faces
 * in a frame than musicians said to exist), CANCELLED, OPEN, MEMORY. */
bool avm_diarise_run (AvmDiarise *self,
    bool (*progress) (void *user, double done), void *user, AvmError *error);

/* -- results of the last run ---------------------------------------------- */

int avm_diarise_n_musicians (const AvmDiarise *self);
int avm_diarise_n_poses (const AvmDiarise *self, int musician);
int avm_diarise_n_views (const AvmDiarise *self);
/* Owned by the object; NULL out of range or before a run. */
const AvmDiarised *avm_diarise_get (const AvmDiarise *self, size_t i);
/* False: no such musician. */
bool avm_diarise_get_seat (const AvmDiarise *self, int musician, AvmSeat *seat);

/* A person says that these two are one: joins b to a, whose number is the
 * lower one; musicians after b move up by one. False with *error: RANGE, or
 * CORRUPT when both are in one key frame (offset: the number of the sighting
 * of b). */
bool avm_diarise_join (AvmDiarise *self, int a, int b, AvmError *error);

/* Which musicians a person should name first: up to n of them, those whose
 * name settles the most sightings, given what the others are sure of already
 * (time on screen times one less the confidence). Returns how many. */
int avm_diarise_questions (const AvmDiarise *self, int *musicians, int n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_DIARISE_H */
