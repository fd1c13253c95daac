/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hall without the players: a panelled wall, risers, a floor of boards,
 * light from above.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-hall-private.h"

#define WALL_HEIGHT 6000.0
#define WIDE 9000.0
#define PANEL 620.0

typedef struct {
  AvmCanvas *canvas;
  const AvmHallCamera *camera;
} Room;

typedef struct {
  double x, y, z;
} Point;

static void
quad_path (const Room *room, Point a, Point b, Point c, Point d)
{
  const Point points[4] = {a, b, c, d};

  for (int i = 0; i < 4; i++) {
    AvmVec p;

    avm_hall_project (room->camera, points[i].x, points[i].y, points[i].z, &p);
    if (i == 0)
      avm_path_move (room->canvas, p.x, p.y);
    else
      avm_path_line (room->canvas, p.x, p.y);
  }
}

/* Upright, across the room, at depth z. */
static void
upright (const Room *room, double x0, double x1, double y0, double y1, double z,
    const AvmPaint *paint)
{
  quad_path (room, (Point){x0, y1, z}, (Point){x1, y1, z}, (Point){x1, y0, z},
      (Point){x0, y0, z});
  avm_canvas_fill (room->canvas, paint);
}

static void
flat (const Room *room, double x0, double x1, double y, double z0, double z1,
    const AvmPaint *paint)
{
  quad_path (room, (Point){x0, y, z1}, (Point){x1, y, z1}, (Point){x1, y, z0},
      (Point){x0, y, z0});
  avm_canvas_fill (room->canvas, paint);
}

static AvmPaint
wood (AvmColor color, double angle, double size)
{
  AvmPaint paint = avm_paint (color);

  paint.texture = AVM_TEXTURE_FIBRE;
  paint.size = size;
  paint.angle = angle;
  paint.amount = 0.2;
  paint.grain = 0.08;
  paint.grain_size = 40.0;
  return paint;
}

static void
paint_wall (const Room *room, double z, AvmColor color, AvmRng *rng)
{
  AvmPaint gap = avm_paint (avm_color_scale (color, 0.35));
  AvmPaint slat = avm_paint (avm_color_scale (color, 1.25));

  for (double x = -WIDE; x < WIDE; x += PANEL) {
    AvmPaint panel = wood (
        avm_color_scale (color, avm_rng_range (rng, 0.86, 1.1)), 1.57, 10.0);

    panel.offset = x;
    upright (room, x, x + PANEL, -400.0, WALL_HEIGHT, z, &panel);
  }
  gap.alpha = 0.8;
  slat.alpha = 0.5;
  for (double x = -WIDE; x < WIDE; x += PANEL) {
    upright (room, x - 14.0, x + 14.0, -400.0, WALL_HEIGHT, z, &gap);
    upright (room, x + 16.0, x + 28.0, -400.0, WALL_HEIGHT, z, &slat);
  }
  for (double y = 900.0; y < WALL_HEIGHT; y += 1450.0) {
    upright (room, -WIDE, WIDE, y - 24.0, y + 24.0, z, &gap);
    upright (room, -WIDE, WIDE, y + 26.0, y + 44.0, z, &slat);
  }
}

static void
paint_floor (const Room *room, double from, double to, double y, double half,
    AvmColor color)
{
  AvmPaint boards = wood (color, 0.0, 9.0);
  AvmPaint gap = avm_paint (avm_color_scale (color, 0.4));
  const double board = 150.0;

  flat (room, -half, half, y, from, to, &boards);
  gap.alpha = 0.55;
  for (double z = from + board; z < to - 10.0; z += board)
    flat (room, -half, half, y, z, z + 9.0, &gap);
}

static void
paint_riser (const Room *room, const AvmHallPlan *plan, int row, double back,
    AvmColor color)
{
  double front = plan->row_spacing * (row - 0.5);
  double y = plan->rise * row, half = plan->half_width + 500.0;
  AvmPaint face = wood (avm_color_scale (color, 0.55), 0.0, 8.0);
  AvmPaint edge = avm_paint (avm_color_scale (color, 1.3));

  paint_floor (room, front, back, y, half, color);
  upright (room, -half, half, y - plan->rise, y, front, &face);
  flat (room, -half, half, y, front, front + 22.0, &edge);
}

/* Lamps hang over the middle. */
static void
paint_light (AvmCanvas *canvas)
{
  size_t stride = 4 * (size_t)(canvas->w + 2);

  for (int y = 0; y < canvas->h; y++) {
    float *p = canvas->rgba + (size_t)y * stride;

    for (int x = 0; x < canvas->w; x++, p += 4) {
      double dx = (x + 0.5) / canvas->w - 0.5;
      double dy = (y + 0.5) / canvas->h - 0.6;
      float gain =
          (float)AVM_MAX (1.08 - 1.0 * (dx * dx + 0.9 * dy * dy), 0.25);

      for (int i = 0; i < 3; i++)
        p[i] = AVM_MIN (p[i] * gain, 1.0f);
    }
  }
}

void
avm_hall_paint (AvmCanvas *canvas, const AvmHallCamera *camera,
    const AvmHallPlan *plan, uint64_t seed)
{
  static const int walls[] = {0x8a6444, 0x6e4c38, 0x9a8468, 0x7c7468};
  static const int floors[] = {0xa87c50, 0x8c6640, 0xb49468};
  const Room room = {canvas, camera};
  double back = plan->row_spacing * (plan->n_rows + 0.6);
  AvmPaint night = avm_paint (avm_color (0x0c0a0a));
  AvmColor floor_color;
  AvmRng rng;

  avm_rng_init (&rng, seed, 61);
  avm_path_rect (canvas, -4000.0, -4000.0, 10000.0, 10000.0);
  avm_canvas_fill (canvas, &night);
  paint_wall (&room, back, avm_color (walls[avm_rng_u32 (&rng) % 4]), &rng);
  floor_color = avm_color (floors[avm_rng_u32 (&rng) % 3]);
  paint_floor (&room, AVM_MAX (camera->z + 400.0, -3000.0), back, 0.0, WIDE,
      floor_color);
  for (int row = 1; row < plan->n_rows; row++)
    paint_riser (&room, plan, row, back,
        avm_color_scale (floor_color, 1.0 - 0.05 * row));
  paint_light (canvas);
}
