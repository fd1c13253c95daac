/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The picture of the virtual ensemble: one to eight string players side by
 * side in a room, filmed by one camera. A software renderer without any
 * dependency: the room is painted once, the parts of every player (body,
 * head, instrument, hands, arms, bow) are band-limited textures that are
 * placed by sub-pixel affine maps, so that what a tracker measures is what
 * the poses say.
 *
 * Unit space is 1920 x 1080, x to the right, y down; all lengths of AvmPose
 * and of the configuration are units. A frame shows all of it:
 * px = units * AVM_MIN (width / 1920, height / 1080), centred; other shapes
 * than 16:9 see more of the room. Pixel coordinates are GStreamer's: the
 * first pixel covers [0, 1), its centre is 0.5.
 *
 * Everything is a function of (configuration, time, poses) and nothing else:
 * frames may be rendered in any order, and repeat exactly on one machine.
 * Rendering allocates no memory. One stage serves one thread at a time.
 */

#ifndef AVM_STAGE_H
#define AVM_STAGE_H

#include "scene/avm-pose.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_STAGE_MAX_PLAYERS 8
#define AVM_STAGE_MAX_SIZE 4096

/**
 * AvmStageConfig: start from avm_stage_config_init.
 */
typedef struct {
  int width, height; /* px, 1 .. AVM_STAGE_MAX_SIZE */
  int n_players;     /* 1 .. AVM_STAGE_MAX_PLAYERS */
  AvmInstrument instruments[AVM_STAGE_MAX_PLAYERS];
  /* Where each player sits, 0 the leftmost of the unmirrored picture; taken
   * as player order when it is no permutation of 0 .. n_players - 1. */
  int seats[AVM_STAGE_MAX_PLAYERS];
  uint64_t seed;    /* looks, room, noise, and when things happen */
  bool gray;        /* luma only: avm_stage_render fills 1 plane */
  bool mirrored;    /* left and right exchanged */
  double noise;     /* sensor noise, sd in 8-bit luma levels, to 64 */
  double shake;     /* hand-held camera, rms units, 0.2 .. 3 usual, to 20 */
  double pan;       /* slow camera turn, +- units, to 120 */
  double occlusion; /* times a minute a hand is covered, to 20 */
  double cuts;      /* excursions to another framing a minute, to 30 */
  /* Or at given times (s, ascending): each entry changes the framing, every
   * second one back to the whole. Copied; overrides cuts when n_cut_times. */
  const double *cut_times;
  size_t n_cut_times;
} AvmStageConfig;

typedef enum {
  AVM_STAGE_PLAYER = 0, /* head to knees with instrument */
  AVM_STAGE_HAND,       /* the fingering hand, about 70 units square */
  AVM_STAGE_BOW,        /* the bowing hand with the frog */
  AVM_STAGE_FACE
} AvmStageRole;

/**
 * AvmStageRect: px of the frame, may lie outside it.
 * visible: share of the rectangle that is in shot and not covered by a
 *   passing object, 0 .. 1 (parts of the players do not count as cover).
 */
typedef struct {
  double x, y, w, h;
  double visible;
} AvmStageRect;

/**
 * AvmStageHand: the truth about a fingering hand.
 * x, y: centre, px of the frame.
 * axis_x, axis_y: how far one unit of AvmPose.roll moves it, px.
 */
typedef struct {
  double x, y;
  double axis_x, axis_y;
} AvmStageHand;

typedef struct AvmStage AvmStage;

/* A quiet stage: violin, violin, viola, cello, bass, ... by n_players; sizes
 * and counts are clamped to their ranges; seed 0, no noise, no events. */
void avm_stage_config_init (
    AvmStageConfig *config, int width, int height, int n_players);

/* A player at rest. */
void avm_stage_pose_init (AvmPose *pose, AvmInstrument instrument);

/* Paints room and players (some 0.1 s and 10 MB at 720p); NULL and
 * error: AVM_ERROR_RANGE (sizes, n_players, NaN), AVM_ERROR_MEMORY. */
AvmStage *avm_stage_new (const AvmStageConfig *config, AvmError *error);
void avm_stage_free (AvmStage *stage);

/**
 * Draws the frame at time_s (s; NaN is 0). poses: n_players. planes: Y, U, V
 * of I420, limited range, BT.709 above 576 lines and BT.601 below; chroma
 * planes are (width + 1) / 2 by (height + 1) / 2. n_planes: 1 or 3. Poses are
 * clamped to sane ranges, NaN to rest. The instrument of a pose is ignored:
 * the configuration says it.
 */
void avm_stage_render (AvmStage *stage, double time_s, const AvmPose *poses,
    uint8_t *const planes[], const int strides[], int n_planes);

/* Where that is in the frame that avm_stage_render draws. False, and a zero
 * rectangle, when there is no such player. */
bool avm_stage_region (const AvmStage *stage, double time_s,
    const AvmPose *poses, int player, AvmStageRole role, AvmStageRect *rect);
bool avm_stage_hand (const AvmStage *stage, double time_s, const AvmPose *poses,
    int player, AvmStageHand *hand);

/* The framing at that time: 0 the whole ensemble, others after a cut. */
int avm_stage_shot (const AvmStage *stage, double time_s);

/* px per unit in framing 0 */
double avm_stage_scale (const AvmStage *stage);

#ifdef __cplusplus
}
#endif
#endif /* AVM_STAGE_H */
