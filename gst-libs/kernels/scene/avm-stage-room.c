/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The room: papered wall over panelling, curtains, pictures, a floor of
 * boards with a carpet, light from above left.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-stage-private.h"

#include <math.h>

#define FLOOR 850.0
#define FAR_LEFT -1400.0
#define FAR_RIGHT 3320.0
#define FAR_DOWN 2600.0
#define FAR_UP -1500.0

static void
fill (AvmCanvas *canvas, int rgb, double alpha)
{
  AvmPaint paint = avm_paint (avm_color (rgb));

  paint.alpha = alpha;
  avm_canvas_fill (canvas, &paint);
}

static void
bar (AvmCanvas *canvas, double x, double y, double w, double h, int rgb,
    double alpha)
{
  avm_path_rect (canvas, x, y, w, h);
  fill (canvas, rgb, alpha);
}

static void
paint_wall (AvmCanvas *canvas, AvmColor paper)
{
  AvmPaint wall = avm_paint (paper);

  wall.texture = AVM_TEXTURE_DAMASK;
  wall.size = 74.0;
  wall.amount = 0.085;
  wall.grain = 0.05;
  wall.grain_size = 22.0;
  wall.gradient = true;
  wall.x0 = 300.0;
  wall.y0 = -100.0;
  wall.x1 = 1700.0;
  wall.y1 = 900.0;
  wall.color = avm_color_scale (paper, 1.18);
  wall.color2 = avm_color_scale (paper, 0.72);
  avm_path_rect (
      canvas, FAR_LEFT, FAR_UP, FAR_RIGHT - FAR_LEFT, FLOOR - FAR_UP);
  avm_canvas_fill (canvas, &wall);
}

static void
paint_panelling (AvmCanvas *canvas)
{
  AvmPaint wood = avm_paint (avm_color (0x5c4230));
  double top = 600.0;

  wood.texture = AVM_TEXTURE_FIBRE;
  wood.size = 14.0;
  wood.angle = 1.5708;
  wood.amount = 0.18;
  avm_path_rect (canvas, FAR_LEFT, top, FAR_RIGHT - FAR_LEFT, FLOOR - top);
  avm_canvas_fill (canvas, &wood);
  bar (canvas, FAR_LEFT, top - 8, FAR_RIGHT - FAR_LEFT, 16, 0x7a5a40, 1.0);
  bar (canvas, FAR_LEFT, top + 8, FAR_RIGHT - FAR_LEFT, 5, 0x2a1c14, 0.7);
  for (double x = FAR_LEFT; x < FAR_RIGHT; x += 170.0) {
    bar (canvas, x + 22, top + 40, 126, 160, 0x2a1c14, 0.45);
    bar (canvas, x + 27, top + 46, 119, 152, 0x6e5038, 0.85);
    bar (canvas, x + 27, top + 192, 119, 5, 0x9a7450, 0.5);
  }
  bar (canvas, FAR_LEFT, FLOOR - 26, FAR_RIGHT - FAR_LEFT, 26, 0x4a3424, 1.0);
  bar (canvas, FAR_LEFT, FLOOR - 26, FAR_RIGHT - FAR_LEFT, 4, 0x84624a, 0.8);
}

/* Boards that run away from the camera, which stands at the middle. */
static void
paint_floor (AvmCanvas *canvas)
{
  AvmPaint wood = avm_paint (avm_color (0x8a6440));
  const double vanish_x = 960.0, vanish_y = 420.0;

  wood.texture = AVM_TEXTURE_FIBRE;
  wood.size = 12.0;
  wood.angle = 1.5708;
  wood.amount = 0.22;
  wood.gradient = true;
  wood.y0 = FLOOR;
  wood.y1 = 1120.0;
  wood.color = avm_color (0x6a4a30);
  wood.color2 = avm_color (0x9c7448);
  avm_path_rect (
      canvas, FAR_LEFT, FLOOR, FAR_RIGHT - FAR_LEFT, FAR_DOWN - FLOOR);
  avm_canvas_fill (canvas, &wood);
  for (int i = -60; i <= 60; i++) {
    double x = vanish_x + 74.0 * i, far = (FLOOR - vanish_y);
    double near = FAR_DOWN - vanish_y;
    double slope = (x - vanish_x) / far;

    avm_path_move (canvas, x - 1.2, FLOOR);
    avm_path_line (canvas, x + 1.2, FLOOR);
    avm_path_line (canvas, vanish_x + slope * near + 5.0, FAR_DOWN);
    avm_path_line (canvas, vanish_x + slope * near - 5.0, FAR_DOWN);
    fill (canvas, 0x2e1e12, 0.6);
    for (int k = 0; k < 4; k++) {
      double t = fmod (0.37 * i * i + 0.29 * k + 3.0, 1.0);
      double y = FLOOR + 20.0 + 85.0 * k + 60.0 * t;
      double width = 74.0 / far * (y - vanish_y);

      bar (canvas, vanish_x + slope * (y - vanish_y), y, width, 2.6, 0x2e1e12,
          0.5);
    }
  }
}

static void
paint_carpet (AvmCanvas *canvas, int rgb)
{
  AvmPaint rug = avm_paint (avm_color (rgb));

  rug.texture = AVM_TEXTURE_DAMASK;
  rug.size = 52.0;
  rug.amount = 0.22;
  rug.grain = 0.2;
  rug.grain_size = 9.0;
  avm_path_move (canvas, 250, 900);
  avm_path_line (canvas, 1670, 900);
  avm_path_line (canvas, 1880, 1068);
  avm_path_line (canvas, 40, 1068);
  fill (canvas, 0xc8a868, 1.0);
  avm_path_move (canvas, 266, 907);
  avm_path_line (canvas, 1654, 907);
  avm_path_line (canvas, 1850, 1060);
  avm_path_line (canvas, 70, 1060);
  avm_canvas_fill (canvas, &rug);
}

static void
paint_curtain (AvmCanvas *canvas, double x, double w, int rgb)
{
  AvmPaint cloth = avm_paint (avm_color (rgb));

  cloth.texture = AVM_TEXTURE_FOLDS;
  cloth.size = 46.0;
  cloth.amount = 0.42;
  cloth.grain = 0.1;
  cloth.grain_size = 12.0;
  cloth.offset = x;
  avm_path_move (canvas, x, FAR_UP);
  avm_path_line (canvas, x + w, FAR_UP);
  avm_path_line (canvas, x + w, 40.0);
  avm_path_quad (canvas, x + 0.8 * w, 560.0, x + 0.92 * w, FLOOR + 16.0);
  avm_path_line (canvas, x + 0.04 * w, FLOOR + 16.0);
  avm_path_quad (canvas, x + 0.12 * w, 520.0, x, 40.0);
  avm_canvas_fill (canvas, &cloth);
}

static void
paint_window (AvmCanvas *canvas, double x, double y, double w, double h)
{
  AvmPaint sky = avm_paint (avm_color (0x9ab4d0));

  sky.gradient = true;
  sky.y0 = y;
  sky.y1 = y + h;
  sky.color = avm_color (0x7c9cc8);
  sky.color2 = avm_color (0xe8d8b8);
  sky.texture = AVM_TEXTURE_GRAIN;
  sky.size = 60.0;
  sky.amount = 0.08;
  bar (canvas, x - 16, y - 16, w + 32, h + 32, 0xe0d8c8, 1.0);
  avm_path_rect (canvas, x, y, w, h);
  avm_canvas_fill (canvas, &sky);
  for (int i = 1; i < 3; i++)
    bar (canvas, x + w * i / 3 - 5, y, 10, h, 0xd8d0c0, 1.0);
  for (int i = 1; i < 3; i++)
    bar (canvas, x, y + h * i / 3 - 5, w, 10, 0xd8d0c0, 1.0);
}

static void
paint_picture (
    AvmCanvas *canvas, double x, double y, double w, double h, int rgb)
{
  AvmPaint scene = avm_paint (avm_color (rgb));

  bar (canvas, x + 7, y + 9, w, h, 0x140e0a, 0.35);
  bar (canvas, x, y, w, h, 0xb08a3c, 1.0);
  bar (canvas, x + 6, y + 6, w - 12, h - 12, 0x6a4e1c, 1.0);
  scene.gradient = true;
  scene.y0 = y;
  scene.y1 = y + 0.7 * h;
  scene.color2 = avm_color (0xe8dcc0);
  avm_path_rect (canvas, x + 13, y + 13, w - 26, h - 26);
  avm_canvas_fill (canvas, &scene);
  /* hills, one before the other */
  for (int i = 0; i < 3; i++) {
    static const int greens[] = {0x7c8c84, 0x54704c, 0x3a4a2c};
    double top = y + (0.5 + 0.14 * i) * h, bottom = y + h - 13;
    double bend = (i % 2 ? 0.16 : -0.16) * h;
    AvmPaint hill = avm_paint (avm_color (greens[i]));

    hill.texture = AVM_TEXTURE_GRAIN;
    hill.size = 12.0;
    hill.amount = 0.25;
    hill.offset = x + 50.0 * i;
    avm_path_move (canvas, x + 13, top + bend);
    avm_path_quad (canvas, x + 0.3 * w, top - 2.0 * bend, x + 0.55 * w, top);
    avm_path_quad (canvas, x + 0.8 * w, top + bend, x + w - 13, top - bend);
    avm_path_line (canvas, x + w - 13, bottom);
    avm_path_line (canvas, x + 13, bottom);
    avm_canvas_fill (canvas, &hill);
  }
}

/* Darker towards the corners, as lens and lamps make it. */
static void
paint_vignette (AvmCanvas *canvas)
{
  size_t stride = 4 * (size_t)(canvas->w + 2);

  for (int y = 0; y < canvas->h; y++) {
    float *p = canvas->rgba + (size_t)y * stride;

    for (int x = 0; x < canvas->w; x++, p += 4) {
      double dx = (x + 0.5) / canvas->w - 0.47;
      double dy = (y + 0.5) / canvas->h - 0.45;
      float gain =
          (float)AVM_MAX (1.06 - 0.85 * (dx * dx + 0.7 * dy * dy), 0.3);

      for (int i = 0; i < 3; i++)
        p[i] = AVM_MIN (p[i] * gain, 1.0f);
    }
  }
}

void
avm_room_paint (AvmCanvas *canvas, uint64_t seed, int variant)
{
  static const int papers[] = {0xb8a888, 0x94a898, 0xb89c94, 0x98a4b4};
  static const int drapes[] = {0x7a2830, 0x2e4a5c, 0x5a3a60, 0x3c5438};
  static const int rugs[] = {0x7a3a34, 0x3a4a68, 0x6a5a34};
  AvmRng rng;
  unsigned pick;

  avm_rng_init (&rng, seed, 21 + (uint64_t)variant);
  pick = avm_rng_u32 (&rng) & 0xffff;
  paint_wall (canvas, avm_color (papers[pick % 4]));
  if (variant == 0) {
    paint_window (canvas, 60, 60, 250, 470);
    paint_picture (canvas, 600, 50, 230, 170, 0x90a8c0);
    paint_picture (canvas, 1110, 70, 170, 200, 0xc0a078);
    paint_picture (canvas, 1360, 50, 220, 160, 0xb8b0a0);
  } else {
    paint_picture (canvas, 200, 60, 300, 210, 0xb8a890);
    paint_window (canvas, 820, 60, 270, 480);
    paint_picture (canvas, 1420, 70, 260, 180, 0x8898b0);
  }
  paint_panelling (canvas);
  paint_floor (canvas);
  paint_carpet (canvas, rugs[(pick >> 4) % 3]);
  if (variant == 0) {
    paint_curtain (canvas, -130, 190, drapes[(pick >> 8) % 4]);
    paint_curtain (canvas, 330, 120, drapes[(pick >> 8) % 4]);
    paint_curtain (canvas, 1760, 300, drapes[(pick >> 8) % 4]);
  } else {
    paint_curtain (canvas, 690, 130, drapes[(pick >> 8) % 4]);
    paint_curtain (canvas, 1100, 130, drapes[(pick >> 8) % 4]);
  }
  paint_vignette (canvas);
}
