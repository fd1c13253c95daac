/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inside the hall: cameras and what they look at. Not for use outside of
 * avm-hall*.c.
 */

#ifndef AVM_HALL_PRIVATE_H
#define AVM_HALL_PRIVATE_H

#include "scene/avm-hall.h"
#include "scene/avm-stage-private.h"

/* The floor in body units, see AvmBuild. */
#define AVM_HALL_FLOOR_Y 1040.0

/**
 * AvmHallCamera: place and direction in the orchestra's space (y upwards);
 * verticals stay vertical, as with a shifted lens. focal: units of the picture
 * per unit at distance 1; cx, cy: where the axis meets the picture.
 */
typedef struct {
  double x, y, z;
  double yaw; /* rad, 0 away from the audience, positive to the right */
  double focal, cx, cy;
} AvmHallCamera;

/* What the room is built around. */
typedef struct {
  int n_rows;
  double half_width;        /* of the rows, with the players' arms */
  double row_spacing, rise; /* from row to row */
} AvmHallPlan;

/* Depth along the axis; places (x, y, z) in the picture, units. */
static inline double
avm_hall_project (
    const AvmHallCamera *camera, double x, double y, double z, AvmVec *out)
{
  double dx = x - camera->x, dz = z - camera->z;
  double s = sin (camera->yaw), c = cos (camera->yaw);
  double depth = AVM_MAX (dx * s + dz * c, 100.0);

  out->x = camera->cx + camera->focal * (dx * c - dz * s) / depth;
  out->y = camera->cy - camera->focal * (y - camera->y) / depth;
  return depth;
}

/* -- avm-hall-head.c ------------------------------------------------------- */

typedef enum {
  AVM_HAIR_SHORT = 0,
  AVM_HAIR_PARTED,
  AVM_HAIR_FRINGE,
  AVM_HAIR_LONG,
  AVM_HAIR_BUN,
  AVM_HAIR_BOB,
  AVM_HAIR_RECEDING,
  AVM_HAIR_BALD,
  AVM_N_HAIRS
} AvmHair;

/**
 * AvmHeadLook: a face of which no two in an orchestra are alike. Lengths are
 * body units, factors are about 1.
 */
typedef struct {
  const AvmHallFace *picture; /* instead of all of it; may be NULL */
  AvmColor skin, hair, eyes, lips;
  AvmHair style;
  bool beard, moustache, glasses, female;
  double width, jaw; /* factors */
  double eye_gap, eye_y, eye_size;
  double brow, brow_y; /* thickness; above the eye */
  double nose_y, nose_width;
  double mouth_y, mouth_width, lip;
  double wrinkles; /* 0 .. 1 */
  double offset;   /* of the textures */
} AvmHeadLook;

void avm_head_look_init (AvmHeadLook *look, int player, uint64_t seed);
/* The head of a picture, and its skin's colour for neck and hands. */
void avm_head_look_take (AvmHeadLook *look, const AvmHallFace *picture);
/* Around (0, 0), the middle of the face, as AVM_PART_HEAD; yaw to the right
 * and nod downwards in rad. */
bool avm_head_bake (AvmSprite *sprite, const AvmBaker *baker,
    const AvmHeadLook *look, double yaw, double nod);

/* -- avm-hall-room.c ------------------------------------------------------- */

/* user space of the canvas: units */
void avm_hall_paint (AvmCanvas *canvas, const AvmHallCamera *camera,
    const AvmHallPlan *plan, uint64_t seed);

#endif /* AVM_HALL_PRIVATE_H */
