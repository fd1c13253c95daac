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

/* user space of the canvas: units */
void avm_hall_paint (AvmCanvas *canvas, const AvmHallCamera *camera,
    const AvmHallPlan *plan, uint64_t seed);

#endif /* AVM_HALL_PRIVATE_H */
