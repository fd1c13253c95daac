/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The picture of the virtual orchestra: a hall with rows on risers, filmed by
 * up to four cameras. Musicians are sprites (avm-stage.h has how) that stand
 * in space: near ones are larger, cover those behind, and shift against them
 * from camera to camera; heads are turned and nod.
 *
 * Camera 0 shows all from the front; 1 and 2 stand to the left and to the
 * right and show the section opposite; 3 shows the middle and the back rows.
 * At 720 lines a face is some 20 to 30 px wide in the first and some 50 px in
 * the others. The programme is what an editor makes of them.
 *
 * Units are those of avm-stage.h: 1920 x 1080, fitted into the frame. A hall
 * is a function of orchestra, configuration and time; frames may be rendered
 * in any order. Rendering allocates no memory. One hall serves one thread at a
 * time.
 */

#ifndef AVM_HALL_H
#define AVM_HALL_H

#include "scene/avm-orchestra.h"
#include "scene/avm-stage.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_HALL_MAX_CAMERAS 4
#define AVM_HALL_PROGRAMME (-1)

/**
 * AvmHallFace: a picture of somebody's head from the front, hair, chin and ears
 * at its edges, three wide and four high; other shapes are stretched.
 * rgb: rows of 3 * width bytes.
 */
typedef struct {
  int width, height; /* px, > 0 */
  const uint8_t *rgb;
} AvmHallFace;

/**
 * AvmHallConfig: start from avm_hall_config_init.
 */
typedef struct {
  int width, height; /* px, 1 .. AVM_STAGE_MAX_SIZE */
  int n_cameras;     /* 1 .. 4 */
  int camera;        /* 0 .. n_cameras - 1, or AVM_HALL_PROGRAMME */
  uint64_t seed;     /* looks, hall, noise, and when things happen */
  bool gray;         /* luma only */
  bool blind;        /* for the truth alone: nothing can be rendered */
  double noise;      /* sensor noise, sd in 8-bit luma levels, to 64 */
  double shake;      /* hand-held cameras, rms units, to 20 */
  double pan;        /* slow turns of the cameras, +- units, to 120 */
  double occlusion;  /* times a minute somebody walks past, to 20 */
  double cuts;       /* a minute, in the programme, to 60 */
  /* Heads for as many players, who are drawn by lot; the others are painted.
   * Read by avm_hall_new alone. */
  const AvmHallFace *faces;
  int n_faces;
} AvmHallConfig;

typedef struct {
  double onset, duration; /* s */
  int camera;
} AvmHallShot;

/**
 * AvmSight: what a camera sees of a musician.
 * boxes: by AvmStageRole; `visible` is the share of the box that is in shot
 *   and not covered by those in front or by a passer-by, 0 .. 1.
 * yaw, nod: of the head against the line to the camera, rad, to the picture's
 *   right and downwards; tilt: about that line, clockwise.
 */
typedef struct {
  AvmStageRect boxes[4];
  double yaw, nod, tilt;
} AvmSight;

typedef struct AvmHall AvmHall;

/* One camera, seed 0, no noise, no events; sizes are clamped. */
void avm_hall_config_init (AvmHallConfig *config, int width, int height);

/* Paints hall and players (at 720p with 40 players a second and 100 to 190 MB
 * for each camera that is shown); the orchestra must outlive it. NULL with *error: AVM_ERROR_RANGE,
 * AVM_ERROR_MEMORY. */
AvmHall *avm_hall_new (const AvmOrchestra *orchestra,
    const AvmHallConfig *config, AvmError *error);
void avm_hall_free (AvmHall *hall);

/* As avm_stage_render; a blind hall draws nothing. */
void avm_hall_render (AvmHall *hall, double time, uint8_t *const planes[],
    const int strides[], int n_planes);

/* sights: one per player, as the camera in use at that time sees them. */
void avm_hall_observe (const AvmHall *hall, double time, AvmSight *sights);

/* The camera in use at that time. */
int avm_hall_camera (const AvmHall *hall, double time);
/* One after another over the whole performance; owned by the hall. */
const AvmHallShot *avm_hall_shots (const AvmHall *hall, size_t *n_shots);

#ifdef __cplusplus
}
#endif
#endif /* AVM_HALL_H */
