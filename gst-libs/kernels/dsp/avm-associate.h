/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which player plays which part of a score: how well the motion of a player's
 * bow arm and left hand fits the notes and the pitch of each part. The cues
 * are those of
 *
 *   B. Li, K. Dinesh, Z. Duan, G. Sharma, "See and listen: score-informed
 *   association of sound tracks to players in chamber music performance
 *   videos", ICASSP 2017 (bow strokes and onsets),
 *   B. Li, C. Xu, Z. Duan, "Audiovisual source association for string
 *   ensembles through multi-modal vibrato analysis", SMC 2017 (vibrato),
 *   B. Li, K. Dinesh, C. Xu, G. Sharma, Z. Duan, "Online audio-visual source
 *   association for chamber music performances", TISMIR 2019 (fingers, fusion).
 *
 * These papers multiply correlations. Here every cue is the logarithm of a
 * likelihood ratio, in nats: how much better the motion is explained by this
 * part than by a player who moves just as much but without regard to the
 * score. Such evidence adds up over time and over cues, is positive for a
 * part that fits and negative for one that does not, and so it also tells
 * that somebody plays none of the parts. What differs from player to player
 * (how many onsets begin with a stroke, how long before, in how many notes the
 * vibrato can be seen) is averaged over. The sway of the body, which both hands
 * share, is taken off the motion of the bow by least squares.
 *
 * Times are seconds, velocities px/s, pitches Hz. NaN means "not known".
 */

#ifndef AVM_ASSOCIATE_H
#define AVM_ASSOCIATE_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a row of motion shows */
typedef enum {
  AVM_ASSOCIATE_BOW = 0, /* the bowing hand */
  AVM_ASSOCIATE_HAND,    /* the fingering hand */
  AVM_ASSOCIATE_BODY,    /* the whole player: stands in for the bow */
  AVM_ASSOCIATE_N_LIMBS
} AvmAssociateLimb;

typedef enum {
  /* Changes of bow and beginnings of strokes against the onsets */
  AVM_ASSOCIATE_STROKES = 0,
  /* The bow moves while the part sounds and rests while it rests */
  AVM_ASSOCIATE_ACTIVITY,
  /* Displacement of the fingering hand against the pitch, note by note */
  AVM_ASSOCIATE_VIBRATO,
  /* Changes of finger and position against the onsets */
  AVM_ASSOCIATE_FINGERS,
  AVM_ASSOCIATE_N_CUES
} AvmAssociateCue;

typedef struct {
  double max_lag; /* s, 0..0.2: motion against sound, for the vibrato */
  /* of each cue in the sum; 0: not used */
  double weights[AVM_ASSOCIATE_N_CUES];
} AvmAssociateSettings;

/* 60 ms; weights near those that made the true assignments of development films
 * of the virtual ensemble most likely. There are hardly any long rests in these,
 * so that of the activity is a guess. */
void avm_associate_settings_init (AvmAssociateSettings *settings);

typedef struct _AvmAssociate AvmAssociate;

/* NULL: out of memory */
AvmAssociate *avm_associate_new (void);
void avm_associate_free (AvmAssociate *a);

/* One row of motion of a player (any id), 24 bytes: the mean velocity over a
 * frame interval whose middle is `time`. NaN or confidence <= 0 is a gap. Rows
 * that do not come later than the one before are ignored. False: out of
 * memory. */
bool avm_associate_add_motion (AvmAssociate *a, int player,
    AvmAssociateLimb limb, double time, double vx, double vy,
    double confidence);
/* One note of a part (any id), in any order, 16 bytes. A duration of 0 or less
 * is not known: the note lasts until the next. */
bool avm_associate_add_note (
    AvmAssociate *a, int part, double onset, double duration);
/* One point of the pitch of a part, 16 bytes, ascending. hz <= 0 or NaN: no
 * pitch. */
bool avm_associate_add_f0 (
    AvmAssociate *a, int part, double time, double hz, double confidence);

/* Players and parts stay known, their data go. */
void avm_associate_forget_motion (AvmAssociate *a);
void avm_associate_forget_notes (AvmAssociate *a);
void avm_associate_forget_f0 (AvmAssociate *a);
/* Data from before `time` go. */
void avm_associate_drop (AvmAssociate *a, double time);

/* In ascending order of their ids. Parts are those that have notes. */
size_t avm_associate_n_players (const AvmAssociate *a);
size_t avm_associate_n_parts (const AvmAssociate *a);
int avm_associate_player (const AvmAssociate *a, size_t index);
int avm_associate_part (const AvmAssociate *a, size_t index);

/* Weighs what lies in [from, to). AVM_ERROR_EMPTY: no player or no part, or
 * too little motion to say anything; AVM_ERROR_MEMORY. */
bool avm_associate_run (AvmAssociate *a, const AvmAssociateSettings *settings,
    double from, double to, AvmError *error);

/* Of the last run: nats, by index of player and part. NaN: the cue says
 * nothing here (no motion of that limb, no pitch). */
double avm_associate_evidence (
    const AvmAssociate *a, AvmAssociateCue cue, size_t player, size_t part);

/* The weighted sum over the cues, NaN when none of them says anything. */
double avm_associate_sum (const AvmAssociate *a, size_t player, size_t part);

#ifdef __cplusplus
}
#endif
#endif /* AVM_ASSOCIATE_H */
