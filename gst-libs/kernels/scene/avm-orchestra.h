/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A virtual string orchestra: up to 40 seated musicians in sections play the
 * parts that an ensemble (avm-ensemble.h) performs, several to a part. The
 * ensemble says what is played and how each section bows; this says who sits
 * where, who plays when, and how each musician holds instrument and head. The
 * picture (avm-hall.h) is made of these poses.
 *
 * The model. A section's musicians follow its voice some 10 ms early or late.
 * Now and then (`absence`) one of them leaves out what the others play. In a
 * rest of more than two to four seconds the instrument goes to the lap, after
 * half a second to two, and it is raised again 0.5 to 2 s before the next
 * entry, long before anything sounds: that is what makes players in rest look
 * as if they played (Bazzica, Liem and Hanjalic, "On detecting the playing /
 * non-playing activity of musicians in symphonic music videos", CVIU 2016).
 * Shorter rests are waited out with the instrument up and the bow off the
 * string. Heads are turned to the music, to the hand or to the conductor while
 * playing; in a rest to conductor, music, lap or neighbour, anew every two to
 * six seconds.
 *
 * Everything is a function of ensemble, configuration and time: poses may be
 * asked for in any order and from several threads.
 */

#ifndef AVM_ORCHESTRA_H
#define AVM_ORCHESTRA_H

#include "scene/avm-ensemble.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_ORCHESTRA_MAX_PLAYERS 40
/* Parts of an orchestra that has no score of its own */
#define AVM_ORCHESTRA_PARTS 5
/* From row to row: depth, and height of the risers; body units */
#define AVM_ORCHESTRA_ROW_SPACING 680.0
#define AVM_ORCHESTRA_RISER 150.0

/**
 * AvmOrchestraConfig: start from avm_orchestra_config_init.
 */
typedef struct {
  uint64_t seed;
  int n_players;  /* 1 .. 40, no less than the ensemble has */
  double absence; /* share of a section's entries that a musician leaves out,
                     0 .. 1 */
} AvmOrchestraConfig;

/**
 * AvmMusician: who sits where. Lengths are body units, 7 per cm; the middle
 * of the first row is (0, 0), z goes away from the audience.
 */
typedef struct {
  char name[32]; /* section and desk: "v1-1", "va-3", "db-2" */
  int part;      /* of the score */
  int voice;     /* seat of the ensemble that performs it */
  int desk;      /* 0 leads the section */
  AvmInstrument instrument;
  int row;            /* 0 in front */
  double x, z, floor; /* floor: height of the riser */
  double facing; /* rad; 0 to the audience, positive to the picture's right */
} AvmMusician;

/**
 * AvmMusicianPose: what can be seen of a musician.
 * pose: hands, bow and body as avm-pose.h says.
 * raised: 0 the instrument in the lap .. 1 in playing position.
 * turn: the head against the body, rad, positive to the picture's right.
 * nod: rad, positive downwards.
 */
typedef struct {
  AvmPose pose;
  double raised;
  double turn, nod;
} AvmMusicianPose;

typedef struct AvmOrchestra AvmOrchestra;

/* 20 players, absence 0.03, seed 0. */
void avm_orchestra_config_init (AvmOrchestraConfig *config);

/* A new score in which every part rests now and then, 3 to 20 s (longer where
 * the score itself does), while others play: what an orchestra makes of
 * chamber music. NULL with *error:
 * AVM_ERROR_MEMORY. */
AvmScore *avm_orchestra_arrange (
    const AvmScore *score, uint64_t seed, AvmError *error);

/* Every seat of the ensemble becomes a section; the ensemble must outlive the
 * orchestra. NULL with *error: AVM_ERROR_RANGE, AVM_ERROR_MEMORY. */
AvmOrchestra *avm_orchestra_new (const AvmEnsemble *ensemble,
    const AvmOrchestraConfig *config, AvmError *error);
void avm_orchestra_free (AvmOrchestra *orchestra);

const AvmEnsemble *avm_orchestra_ensemble (const AvmOrchestra *orchestra);
int avm_orchestra_n_players (const AvmOrchestra *orchestra);
int avm_orchestra_n_rows (const AvmOrchestra *orchestra);
/* By part, then by desk; NULL out of range. */
const AvmMusician *avm_orchestra_player (
    const AvmOrchestra *orchestra, int player);
/* The leader of the section that an ensemble's seat became. */
int avm_orchestra_leader (const AvmOrchestra *orchestra, int voice);

/* By onset; seat is the player; owned by the orchestra. */
const AvmActivity *avm_orchestra_activities (
    const AvmOrchestra *orchestra, size_t *n_activities);
bool avm_orchestra_plays (
    const AvmOrchestra *orchestra, int player, double time);

void avm_orchestra_pose (const AvmOrchestra *orchestra, int player, double time,
    AvmMusicianPose *pose);

#ifdef __cplusplus
}
#endif
#endif /* AVM_ORCHESTRA_H */
