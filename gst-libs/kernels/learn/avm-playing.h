/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who plays when: from the poses in which musicians are seen
 * (avm-diarise.h), what a person says of them, an aligned score, and motion.
 *
 *   A. Bazzica, C. C. S. Liem, A. Hanjalic, CVIU 2016: a person says of each
 *     pose (sub-cluster) whether it is one of playing; poses that show both
 *     are rejected.
 *   The score in the place of the person: it says when the part sounds, and so
 *     how often each pose goes with sound.
 *   K. Dinesh, B. Li, X. Liu, Z. Duan, G. Sharma, "Visually informed
 *     multi-pitch analysis of string ensembles", ICASSP 2017: a support vector
 *     machine on the motion of the bowing region.
 *
 * Poses and motion give log odds of playing for a musician at a time; what
 * several cameras say adds up, and a chain of three states makes spans of it
 * (forward-backward; L. Rabiner, Proc. IEEE 1989): playing, ready, and at
 * rest. Instruments are raised before entries and stay up in short rests: who
 * is ready looks as if playing, so poses alone would begin too soon; motion
 * and score tell the two apart. The score is no evidence that grows with the
 * length of a note but says where the chain changes its state: with an entry
 * of the part almost every musician begins, with its end all stop. So poses
 * and motion that contradict throughout an entry find the one who leaves it
 * out.
 *
 * Times are seconds, velocities px/s. Tracks are those of AvmSighting. Memory:
 * 24 bytes for a row of motion, 16 for a sighting or a note, and 1.5 kB for a
 * second of the time that is decided on.
 */

#ifndef AVM_PLAYING_H
#define AVM_PLAYING_H

#include "learn/avm-svm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The ways to know, bits */
typedef enum {
  AVM_PLAYING_LABELS = 1,
  AVM_PLAYING_NOTES = 2,
  AVM_PLAYING_MOTION = 4
} AvmPlayingWay;

/* What a person says of a pose */
typedef enum {
  AVM_POSE_UNKNOWN = 0,
  AVM_POSE_PLAYING,
  AVM_POSE_NOT_PLAYING,
  AVM_POSE_REJECTED /* shows several people, or both */
} AvmPoseLabel;

/* What a row of motion shows */
typedef enum {
  AVM_PLAYING_BODY = 0, /* the whole player */
  AVM_PLAYING_BOW,      /* the bowing hand or its reach */
  AVM_PLAYING_HAND,     /* the fingering hand */
  AVM_PLAYING_FACE,
  AVM_PLAYING_N_LIMBS
} AvmPlayingLimb;

/**
 * AvmPlayingSettings: start from avm_playing_settings_init.
 * ways: bits of AvmPlayingWay that may be used
 * play_duration, rest_duration: s, > 0; expected ones of the chain
 * min_duration: s, >= 0; rests and entries shorter than this are passed over
 * reach: s, >= 0; how long a sighting or row of motion tells of the time
 *   around it; what is farther away from all of them is not known, except by
 *   notes
 * absence: 0 to 0.5; share of the time that a musician leaves out what the
 *   part plays
 */
typedef struct {
  unsigned ways;
  double play_duration, rest_duration;
  double min_duration;
  double reach;
  double absence;
} AvmPlayingSettings;

/**
 * AvmPlayingSpan: spans of a musician follow one another without overlap;
 * between them nothing is known.
 * start, end: s
 * playing: the answer
 * pose: the most frequent one in the span, -1: not seen
 * used: AvmPlayingWay bits that told something in it
 * confidence: 0.5 to 1, mean probability of the answer
 */
typedef struct {
  double start, end;
  bool playing;
  int pose;
  unsigned used;
  double confidence;
} AvmPlayingSpan;

typedef struct _AvmPlaying AvmPlaying;

void avm_playing_settings_init (AvmPlayingSettings *settings);

/* NULL with *error: RANGE, MEMORY. models: "bow" and "body", see below; NULL:
 * motion is not used. It is kept and must outlive the object. */
AvmPlaying *avm_playing_new (const AvmPlayingSettings *settings,
    const AvmSvmSet *models, AvmError *error);
void avm_playing_free (AvmPlaying *self);
void avm_playing_reset (AvmPlaying *self);

/* Tracks are any numbers >= 0; musicians, poses, parts and cameras are 0 to
 * AVM_PLAYING_MAX - 1. What is said of others is ignored. */
#define AVM_PLAYING_MAX 4096

/* One row of motion in a track: the mean velocity (and, where it is known,
 * the speed of the fastest cluster of points; else NaN) over a frame interval
 * whose middle is `time`. size: px, height of the player's box (role player;
 * of a face alone 4.25 times its height), so that players near and far are
 * alike. Rows of a track and limb come in order of time; others are ignored.
 * Velocities that are not finite are gaps. False: out of memory. */
bool avm_playing_add_motion (AvmPlaying *self, int track, AvmPlayingLimb limb,
    double time, double vx, double vy, double speed, double size);

/* A note that sounds; NaN, negative times or durations are ignored. False: out
 * of memory. */
bool avm_playing_add_note (
    AvmPlaying *self, int part, double onset, double duration);

/* Musicians are numbered from 0. Of whom the track is, -1 nobody's. */
bool avm_playing_set_track (AvmPlaying *self, int track, int musician);
/* Key frame in which the musician is seen in a pose, by a camera. pose is a
 * number of that musician, 0 and up. */
bool avm_playing_add_pose (
    AvmPlaying *self, int musician, int camera, double time, int pose);
/* Which part a musician plays; -1 none; musicians of whom nothing is said get
 * the part that explains their poses and motion best. */
bool avm_playing_set_part (AvmPlaying *self, int musician, int part);
bool avm_playing_set_label (
    AvmPlaying *self, int musician, int pose, AvmPoseLabel label);

/* Decides for the time from 0 (or `start`) to `end`. False with *error: EMPTY
 * (nothing tells anything), MEMORY. */
bool avm_playing_run (
    AvmPlaying *self, double start, double end, AvmError *error);

/* -- results of the last run ---------------------------------------------- */

/* Owned by the object; in order of time. */
const AvmPlayingSpan *avm_playing_get_spans (
    const AvmPlaying *self, int musician, size_t *n_spans);
/* -1: none or not known; *confidence (may be NULL) 0 to 1, 1: said */
int avm_playing_get_part (
    const AvmPlaying *self, int musician, double *confidence);
/* Probability that the pose is one of playing, and how many seconds it is
 * seen; NaN where nothing tells. */
double avm_playing_get_pose (
    const AvmPlaying *self, int musician, int pose, double *seconds);

/* Spans of a part: it plays while any of its musicians that are seen does;
 * known where any is. Bazzica et al. merge per instrument part, since cameras
 * show now one and now another. */
const AvmPlayingSpan *avm_playing_get_part_spans (
    AvmPlaying *self, int part, size_t *n_spans, AvmError *error);

/* -- features of motion ---------------------------------------------------- */

/* What the models "bow" and "body" decide on: AVM_PLAYING_FEATURES numbers
 * for each window of AVM_PLAYING_WINDOW s, AVM_PLAYING_STEP s apart. */
#define AVM_PLAYING_WINDOW 1.0
#define AVM_PLAYING_STEP 0.25
#define AVM_PLAYING_FEATURES 16

/* Features of the window around `time` from the rows of a track; the name of
 * the model they are for; NULL when too little is known there. */
const char *avm_playing_features (const AvmPlaying *self, int track,
    double time, double features[AVM_PLAYING_FEATURES]);

#ifdef __cplusplus
}
#endif
#endif /* AVM_PLAYING_H */
