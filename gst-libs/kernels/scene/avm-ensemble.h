/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A virtual ensemble performs a score: when each player's notes really begin
 * and end, how bow, left hand and body move for them, and the pitch and the
 * bow speed that the sound (avm-strings.h) is made of. The picture
 * (avm-stage.h) is made of the same poses, so sound and sight agree as far as
 * the model says, and the truth about both is known.
 *
 * The model. Tempo: a smooth random warp of score time, common to all, with a
 * slower end. Ensemble: each player is early or late by a slowly drifting
 * offset plus jitter (some 10 ms). Bow: notes are grouped into strokes; notes
 * of a slur share one; direction changes from stroke to stroke; the sound of
 * a stroke begins 10 .. 40 ms after the bow moves. Left hand: the cheapest
 * string and position for each note; the hand shifts just before the note.
 * Vibrato: on a share of the longer stopped notes, 5 .. 8 Hz with drift, 20 ..
 * 80 cents peak to trough, after an onset delay; the hand rolls by 0.5 .. 2.5
 * px (at 1080 lines) in proportion, up to 20 ms before or after the pitch.
 * Ranges as observed by Li, Dinesh, Sharma and Duan, "Video-based vibrato
 * detection and analysis for polyphonic string music", ISMIR 2017. Body and
 * head move at 0.2 .. 1.5 Hz by 5 .. 40 px, unrelated to the music.
 *
 * Everything is a function of score, configuration and time: poses and
 * controls may be asked for in any order and from several threads.
 */

#ifndef AVM_ENSEMBLE_H
#define AVM_ENSEMBLE_H

#include "scene/avm-pose.h"
#include "score/avm-score.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_ENSEMBLE_MAX_PLAYERS 8

/**
 * AvmEnsembleConfig: start from avm_ensemble_config_init.
 */
typedef struct {
  uint64_t seed;
  int n_players;            /* 1 .. 8; player i plays part i % n_parts */
  double tempo_fluctuation; /* sd of the local tempo, 0 .. 0.5 of the tempo */
  double asynchrony;        /* sd of a player's onsets, s, 0 .. 0.2 */
  double vibrato_share;     /* of the stopped notes of 0.5 s and more, 0 .. 1 */
  double tuning;            /* A4, Hz, 300 .. 600 */
  double sway;              /* scale of body motion, 1: 5 .. 40 px */
  double lead_in;           /* s of silence before the first onset */
  double duration;          /* s, cut there; 0: the whole score */
} AvmEnsembleConfig;

/**
 * AvmPerformedNote: times in s from the start of the performance.
 */
typedef struct {
  double onset;    /* the sound begins */
  double duration; /* > 0 */
  double stroke;   /* the bow stroke that carries it begins to move */
  int pitch;       /* MIDI, as written */
  int velocity;    /* 1 .. 127 */
  int part;        /* of the score */
  double score_onset, score_duration; /* s, as written */
  double score_beat;                  /* quarter notes, as written */
  int seat;                           /* of the player, 0 leftmost */
  bool slurred;  /* on the same stroke as the note before */
  int string;    /* 0 lowest .. 3 highest */
  bool open;     /* open string: the left hand is not needed */
  double neck;   /* left hand, AvmPose.neck */
  double finger; /* AvmPose.finger */
  double hz;     /* mean fundamental frequency without vibrato */
  bool vibrato;
  double vibrato_onset; /* s, where it has half its extent */
  double rate;          /* Hz, mean from there to the end */
  double extent;        /* cents peak to trough, mean from there to the end */

  /* Of the model; not part of the truth */
  double rate_0, rate_slope, rate_wobble, phase_0;
  double extent_0, ramp, delay;
  double roll_px; /* px per cent */
  double lag;     /* s, sound after stroke */
  bool joined;    /* the next note is slurred to this one */
  uint64_t key;   /* of its random motion */
} AvmPerformedNote;

typedef struct {
  int part;
  AvmInstrument instrument;
  double roll_px;   /* px per cent, mean over notes */
  double hand_lag;  /* s, hand after pitch; may be negative */
  double sound_lag; /* s, mean of sound after stroke */
  double sway_px;   /* px, greatest sideways excursion */
} AvmPlayer;

/* From begin to end the player is at it, rests under half a second included */
typedef struct {
  double onset, duration; /* s */
  int seat, part;
} AvmActivity;

typedef struct AvmEnsemble AvmEnsemble;

/* 4 players, tempo fluctuation 0.04, asynchrony 0.012 s, vibrato share 0.6,
 * A4 442 Hz, sway 1, lead-in 0.8 s, whole score, seed 0. */
void avm_ensemble_config_init (AvmEnsembleConfig *config);

/* Only the first n_players parts of the score are played. NULL with *error:
 * AVM_ERROR_RANGE, AVM_ERROR_EMPTY (the score has no notes),
 * AVM_ERROR_MEMORY. A duration too short for a note gives silence. */
AvmEnsemble *avm_ensemble_new (
    const AvmScore *score, const AvmEnsembleConfig *config, AvmError *error);
void avm_ensemble_free (AvmEnsemble *ensemble);

/* s: config.duration, or one second after the last note */
double avm_ensemble_duration (const AvmEnsemble *ensemble);
int avm_ensemble_n_players (const AvmEnsemble *ensemble);
double avm_ensemble_tuning (const AvmEnsemble *ensemble);
/* Players by seat; NULL out of range. */
const AvmPlayer *avm_ensemble_player (const AvmEnsemble *ensemble, int seat);

/* All notes by onset, then part, then seat; owned by the ensemble. */
const AvmPerformedNote *avm_ensemble_notes (
    const AvmEnsemble *ensemble, size_t *n_notes);
/* By onset; owned by the ensemble. */
const AvmActivity *avm_ensemble_activities (
    const AvmEnsemble *ensemble, size_t *n_activities);

/* What the camera sees of the player in this seat. */
void avm_ensemble_pose (
    const AvmEnsemble *ensemble, int seat, double time, AvmPose *pose);

/* Speed of the bow on the string, bow lengths per s, signed; 0 off it. */
double avm_ensemble_bow_speed (
    const AvmEnsemble *ensemble, int seat, double time);

/* Deviation of a note from its pitch in equal temperament, cents. */
double avm_ensemble_note_cents (
    const AvmEnsemble *ensemble, const AvmPerformedNote *note, double time);

/* The vibrato alone, cents; 0 for notes without. */
double avm_ensemble_vibrato_cents (const AvmPerformedNote *note, double time);

/* Smooth random numbers, about -1 .. 1 (sd 0.5), one new value per unit of x;
 * the same key gives the same curve. */
double avm_ensemble_noise (uint64_t key, double x);

#ifdef __cplusplus
}
#endif
#endif /* AVM_ENSEMBLE_H */
