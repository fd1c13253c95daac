/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Heads that can be turned. A face is described on a simple solid: ellipses
 * one above the other, given by half width and depth. Whatever is painted on
 * it (sockets, brows, eyes, nose, mouth, hair) is a path of points on the
 * surface or above it, turned by yaw and nod and seen straight on, so that
 * features shift and narrow as they do when a head turns. Light and shade are
 * soft fills: lamps stand above and in front.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-hall-private.h"

#include <math.h>
#include <string.h>

#define SIZE(array) ((int)(sizeof (array) / sizeof ((array)[0])))
#define MAX_POINTS 24

typedef struct {
  AvmCanvas *canvas;
  const AvmHeadLook *look;
  double cy, sy, cn, sn; /* of yaw and nod */
} Head;

/* -- looks ----------------------------------------------------------------- */

static AvmColor
jitter (AvmColor color, AvmRng *rng, double amount)
{
  return avm_color_scale (color, 1.0 + avm_rng_range (rng, -amount, amount));
}

static void
draw_features (AvmHeadLook *look, AvmRng *rng)
{
  look->width = avm_rng_range (rng, 0.93, 1.06);
  look->jaw = avm_rng_range (rng, look->female ? 0.84 : 0.94, 1.08);
  look->eye_gap = avm_rng_range (rng, 19.6, 22.6);
  look->eye_y = avm_rng_range (rng, -7.0, -3.0);
  look->eye_size = avm_rng_range (rng, 0.92, 1.12);
  look->brow = avm_rng_range (rng, look->female ? 3.4 : 4.4, 6.4);
  look->brow_y = avm_rng_range (rng, 12.5, 15.5);
  look->nose_y = avm_rng_range (rng, 22.0, 27.0);
  look->nose_width = avm_rng_range (rng, 0.88, 1.18);
  look->mouth_y = avm_rng_range (rng, 40.0, 44.0);
  look->mouth_width = avm_rng_range (rng, 0.9, 1.12);
  look->lip = avm_rng_range (rng, 0.8, 1.3);
  look->wrinkles = avm_rng_uniform (rng) < 0.4 ? avm_rng_uniform (rng) : 0.0;
  look->offset = avm_rng_range (rng, 0.0, 200.0);
}

void
avm_head_look_init (AvmHeadLook *look, int player, uint64_t seed)
{
  static const int skins[] = {0xe8b896, 0xd9a27c, 0xf0c8a8, 0xb07a54, 0xc68a62,
      0x94644a, 0xe2ae8a, 0xd2987a, 0xeec09c};
  static const int hairs[] = {0x2a1c14, 0x5a3a20, 0x161214, 0x8a6236, 0x8e8a86,
      0x3a2418, 0xb48a50, 0xc8c4be, 0x70341c};
  static const AvmHair of_men[] = {AVM_HAIR_SHORT, AVM_HAIR_PARTED,
      AVM_HAIR_SHORT, AVM_HAIR_RECEDING, AVM_HAIR_PARTED, AVM_HAIR_BALD,
      AVM_HAIR_FRINGE};
  static const AvmHair of_women[] = {AVM_HAIR_LONG, AVM_HAIR_BUN, AVM_HAIR_BOB,
      AVM_HAIR_LONG, AVM_HAIR_FRINGE, AVM_HAIR_BUN};
  AvmRng rng;
  uint32_t start;

  avm_rng_init (&rng, seed, 31);
  start = avm_rng_u32 (&rng) & 0xffff;
  memset (look, 0, sizeof (*look));
  /* steps without a common divisor: no pair soon comes again */
  look->skin = avm_color (
      skins[(start + 2 * (unsigned)player) % (unsigned)SIZE (skins)]);
  look->hair = avm_color (
      hairs[(start / 5 + 4 * (unsigned)player) % (unsigned)SIZE (hairs)]);
  avm_rng_init (&rng, seed, 500 + (uint64_t)player);
  look->female = avm_rng_uniform (&rng) < 0.5;
  look->skin = jitter (look->skin, &rng, 0.06);
  look->hair = jitter (look->hair, &rng, 0.15);
  look->style = look->female
      ? of_women[avm_rng_u32 (&rng) % (unsigned)SIZE (of_women)]
      : of_men[avm_rng_u32 (&rng) % (unsigned)SIZE (of_men)];
  look->beard = !look->female && avm_rng_uniform (&rng) < 0.25;
  look->moustache =
      look->beard || (!look->female && avm_rng_uniform (&rng) < 0.1);
  look->glasses = avm_rng_uniform (&rng) < 0.3;
  look->eyes = avm_color (avm_rng_uniform (&rng) < 0.6 ? 0x3a2618 : 0x3a5068);
  look->lips = avm_color_mix (look->skin, avm_color (0x8a2428),
      avm_rng_range (&rng, 0.45, look->female ? 0.85 : 0.6));
  draw_features (look, &rng);
}

void
avm_head_look_take (AvmHeadLook *look, const AvmHallFace *picture)
{
  double sum[3] = {0.0};
  int n = 0;

  /* cheeks and nose */
  for (int y = picture->height / 2; y < picture->height * 2 / 3; y++) {
    for (int x = picture->width / 3; x < picture->width * 2 / 3; x++, n++) {
      const uint8_t *p =
          picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x);

      for (int i = 0; i < 3; i++)
        sum[i] += p[i];
    }
  }
  look->picture = picture;
  if (n == 0)
    return;
  look->skin.r = (float)(sum[0] / (255.0 * n));
  look->skin.g = (float)(sum[1] / (255.0 * n));
  look->skin.b = (float)(sum[2] / (255.0 * n));
}

/* -- the solid ------------------------------------------------------------- */

/* y: half width, depth before and behind the ears' plane */
static const double profile[][4] = {
    {-84.0, 14.0, 16.0, 20.0},
    {-66.0, 38.0, 42.0, 48.0},
    {-40.0, 49.0, 53.0, 60.0},
    {-10.0, 51.0, 53.0, 60.0},
    {14.0, 49.5, 54.0, 50.0},
    {36.0, 43.0, 53.0, 30.0},
    {54.0, 32.0, 50.0, 8.0},
    {65.0, 19.0, 46.0, -10.0},
    {71.0, 6.0, 40.0, -24.0},
};

static void
section_at (const AvmHeadLook *look, double y, double out[3])
{
  int i = 0;
  double t, jaw = AVM_CLAMP ((y - 10.0) / 40.0, 0.0, 1.0);

  while (i < SIZE (profile) - 2 && profile[i + 1][0] < y)
    i++;
  t = (y - profile[i][0]) / (profile[i + 1][0] - profile[i][0]);
  t = AVM_CLAMP (t, 0.0, 1.0);
  for (int k = 0; k < 3; k++)
    out[k] =
        profile[i][k + 1] + t * (profile[i + 1][k + 1] - profile[i][k + 1]);
  out[0] *= look->width * (1.0 + jaw * (look->jaw - 1.0));
}

static AvmVec
turned (const Head *h, double x, double y, double z)
{
  double tx = x * h->cy + z * h->sy, tz = z * h->cy - x * h->sy;
  AvmVec p = {tx, y * h->cn + tz * h->sn};

  return p;
}

/* A point of the face as seen from the front, `up` above the surface. */
static AvmVec
on_face (const Head *h, double x, double y, double up)
{
  double s[3], u;

  section_at (h->look, y, s);
  u = AVM_CLAMP (x / s[0], -1.0, 1.0);
  return turned (h, x, y, s[1] * sqrt (1.0 - u * u) + up);
}

/* The edge of the solid at that height: to the left (-1) or right. */
static AvmVec
edge_at (const Head *h, double y, double side, double grow)
{
  double s[3], w, d, depth;
  AvmVec p;

  section_at (h->look, y, s);
  w = s[0] + grow;
  /* what stands out to the nose's side is the front */
  depth = h->sy * side >= 0.0 ? s[1] : AVM_MAX (s[2], 0.0);
  d = depth + grow;
  p.x = side * sqrt (w * w * h->cy * h->cy + d * d * h->sy * h->sy);
  if (s[2] < 0.0 && h->sy * side < 0.0)
    p.x -= s[2] * h->sy;
  p.y = y * h->cn + 0.35 * s[1] * h->sn;
  return p;
}

/* -- strokes and patches --------------------------------------------------- */

static void
map_points (const Head *h, const AvmVec *in, int n, double up, AvmVec *out)
{
  for (int i = 0; i < n; i++)
    out[i] = on_face (h, in[i].x, in[i].y, up);
}

static void
stroke (const Head *h, const AvmVec *points, int n, double up, double width,
    AvmColor color, double alpha)
{
  AvmVec mapped[MAX_POINTS];
  AvmPaint paint = avm_paint (color);

  paint.alpha = alpha;
  map_points (h, points, n, up, mapped);
  avm_path_stroke (h->canvas, mapped, n, width);
  avm_canvas_fill (h->canvas, &paint);
}

static void
ellipse_path (
    const Head *h, double x, double y, double rx, double ry, double up)
{
  AvmVec points[12];

  for (int i = 0; i < SIZE (points); i++) {
    double t = 2.0 * M_PI * i / SIZE (points);

    points[i] = on_face (h, x + rx * cos (t), y + ry * sin (t), up);
  }
  avm_path_blob (h->canvas, points, SIZE (points));
}

static void
patch (const Head *h, double x, double y, double rx, double ry, double up,
    AvmColor color, double alpha, double soft)
{
  AvmPaint paint = avm_paint (color);

  paint.alpha = alpha;
  paint.soft = soft;
  ellipse_path (h, x, y, rx, ry, up);
  avm_canvas_fill (h->canvas, &paint);
}

static AvmColor
dark (void)
{
  return avm_color (0x140e0c);
}

static AvmColor
light (void)
{
  return avm_color (0xfaf4ea);
}

static AvmPaint
hair_paint (const AvmHeadLook *look)
{
  AvmPaint hair = avm_paint_shaded (look->hair, 0.35, 14.0);

  hair.texture = AVM_TEXTURE_FIBRE;
  hair.size = 7.0;
  hair.angle = 1.2;
  hair.amount = 0.55 - 0.4 * (look->hair.r + look->hair.g + look->hair.b) / 3.0;
  hair.offset = look->offset;
  return hair;
}

/* -- the face -------------------------------------------------------------- */

static void
paint_skin (const Head *h)
{
  static const double heights[] = {
      -80.0, -66.0, -48.0, -28.0, -6.0, 14.0, 32.0, 48.0, 60.0, 68.0};
  AvmVec outline[2 * SIZE (heights) + 2];
  AvmPaint skin = avm_paint_shaded (h->look->skin, 0.34, 20.0), ear;
  int n = SIZE (heights);

  skin.texture = AVM_TEXTURE_GRAIN;
  skin.size = 7.0;
  skin.amount = 0.04;
  skin.grain = 0.05;
  skin.grain_size = 15.0;
  skin.offset = h->look->offset;
  ear = skin;
  ear.color = avm_color_scale (h->look->skin, 0.82);
  for (int side = -1; side <= 1; side += 2) {
    AvmVec at = turned (h, side * 52.0 * h->look->width, 4.0, -6.0);

    /* the far ear is behind the head */
    if (side * h->sy > 0.25)
      continue;
    avm_path_ellipse (h->canvas, at.x, at.y,
        8.0 + 6.0 * AVM_MAX (-side * h->sy, 0.0), 16.0, 0.0);
    avm_canvas_fill (h->canvas, &ear);
  }
  for (int i = 0; i < n; i++) {
    outline[i] = edge_at (h, heights[i], 1.0, 0.0);
    outline[2 * n - i] = edge_at (h, heights[i], -1.0, 0.0);
  }
  outline[n] = on_face (h, 0.0, 71.0, 0.0);
  outline[n].y += 2.0;
  outline[2 * n + 1] = turned (h, 0.0, -89.0, -4.0);
  skin.gradient = true;
  skin.y0 = -60.0;
  skin.y1 = 72.0;
  skin.color = avm_color_scale (h->look->skin, 1.08);
  skin.color2 = avm_color_scale (h->look->skin, 0.92);
  avm_path_blob (h->canvas, outline, 2 * n + 2);
  avm_canvas_fill (h->canvas, &skin);
}

static void
paint_relief (const Head *h)
{
  const AvmHeadLook *l = h->look;
  AvmColor shade = avm_color_scale (l->skin, 0.45);
  AvmColor shine = avm_color_mix (l->skin, light (), 0.55);
  double ey = l->eye_y, ny = l->nose_y;

  for (int side = -1; side <= 1; side += 2) {
    /* sockets, and the hollow beside the bridge of the nose */
    patch (h, side * l->eye_gap, ey - 3.0, 17.0, 10.0, 0.0, shade, 0.55, 4.0);
    patch (h, side * 9.0, ey - 1.0, 5.0, 10.0, 4.0, shade, 0.5, 3.0);
    /* flanks of the nose, the fold to the mouth, the hollow of the cheek */
    patch (h, side * 10.0, 0.5 * (ey + ny) + 4.0, 4.0, 12.0, 6.0, shade, 0.32,
        3.0);
    patch (h, side * 19.0, ny + 7.0, 3.5, 9.0, 1.0, shade, 0.28, 3.0);
    patch (h, side * 40.0, 30.0, 8.0, 20.0, 0.0, shade, 0.3, 6.0);
    patch (h, side * 28.0, ey + 20.0, 11.0, 8.0, 0.0, shine, 0.4, 5.0);
  }
  patch (h, 0.0, -36.0, 24.0, 12.0, 0.0, shine, 0.35, 8.0);
  /* ridge and tip of the nose, its shadow; below the lip; the chin */
  patch (h, 0.0, 0.5 * (ey + ny) - 1.0, 3.6, 15.0, 14.0, shine, 0.6, 2.5);
  patch (h, 0.0, ny - 3.0, 5.5, 4.5, 19.0, shine, 0.55, 2.5);
  patch (h, 0.0, ny + 4.5, 11.0 * l->nose_width, 3.6, 6.0, shade, 0.6, 2.5);
  patch (h, 0.0, l->mouth_y + 11.0, 13.0, 3.4, 2.0, shade, 0.5, 2.5);
  patch (h, 0.0, 61.5, 9.0, 5.5, 3.0, shine, 0.35, 3.5);
}

static void
paint_nose (const Head *h)
{
  const AvmHeadLook *l = h->look;
  double y = l->nose_y, w = l->nose_width;
  AvmColor shade = avm_color_scale (l->skin, 0.42);

  for (int side = -1; side <= 1; side += 2) {
    const AvmVec wing[] = {{side * 9.0 * w, y - 8.0},
        {side * 13.0 * w, y - 1.0}, {side * 9.0 * w, y + 2.5}};

    stroke (h, wing, 3, 7.0, 2.6, shade, 0.75);
    patch (h, side * 5.4 * w, y + 1.5, 3.4, 2.0, 13.0, dark (), 0.85, 0.8);
  }
}

static void
paint_mouth (const Head *h)
{
  const AvmHeadLook *l = h->look;
  double y = l->mouth_y, w = 16.0 * l->mouth_width;
  const AvmVec line[] = {{-w, y - 0.5}, {-0.5 * w, y - 1.0}, {0.0, y + 0.8},
      {0.5 * w, y - 1.0}, {w, y - 0.5}};
  const AvmVec upper[] = {{-0.8 * w, y - 2.0}, {-0.3 * w, y - 4.2},
      {0.0, y - 3.0}, {0.3 * w, y - 4.2}, {0.8 * w, y - 2.0}};
  const AvmVec lower[] = {
      {-0.7 * w, y + 2.6}, {0.0, y + 4.6}, {0.7 * w, y + 2.6}};

  stroke (h, upper, SIZE (upper), 4.0, 4.2 * l->lip,
      avm_color_scale (l->lips, 0.78), 0.95);
  stroke (h, lower, SIZE (lower), 4.5, 5.0 * l->lip, l->lips, 0.95);
  patch (h, 0.0, y + 4.8, 7.0, 1.5, 5.5, avm_color_mix (l->lips, light (), 0.5),
      0.6, 1.5);
  stroke (h, line, SIZE (line), 4.0, 2.7, dark (), 0.85);
}

static void
paint_eye (const Head *h, double side)
{
  const AvmHeadLook *l = h->look;
  double x = side * l->eye_gap, y = l->eye_y, s = l->eye_size;
  const AvmVec upper[] = {{x - 11.5 * s, y + 1.0}, {x - 5.0 * s, y - 4.6 * s},
      {x + 5.0 * s, y - 4.6 * s}, {x + 11.5 * s, y + 1.0}};
  const AvmVec lower[] = {
      {x - 9.5 * s, y + 3.2}, {x, y + 5.6 * s}, {x + 9.5 * s, y + 3.2}};
  const AvmVec crease[] = {
      {x - 11.0 * s, y - 4.5}, {x, y - 8.6 * s}, {x + 11.0 * s, y - 4.5}};
  const AvmVec brow[] = {{x - side * 12.5, y - l->brow_y + 2.5},
      {x + side * 2.0, y - l->brow_y - 1.5},
      {x + side * 15.0, y - l->brow_y + 3.0}};
  AvmColor hair = avm_color_mix (
      avm_color_scale (l->hair, 0.55), avm_color_scale (l->skin, 0.3), 0.4);

  patch (h, x, y + 0.6, 10.4 * s, 5.0 * s, 0.5, avm_color (0xdcd6cc), 1.0, 0.0);
  patch (h, x, y + 0.2, 5.2 * s, 5.2 * s, 0.5, l->eyes, 1.0, 0.0);
  patch (h, x, y + 0.2, 2.9 * s, 2.9 * s, 0.5, dark (), 1.0, 0.0);
  patch (h, x + 1.8, y - 1.6, 1.3, 1.3, 0.5, light (), 0.9, 0.0);
  stroke (h, crease, 3, 0.5, 1.8, avm_color_scale (l->skin, 0.5), 0.6);
  stroke (h, upper, SIZE (upper), 0.8, l->female ? 4.0 : 3.4, dark (), 0.95);
  stroke (h, lower, 3, 0.5, 1.7, avm_color_scale (l->skin, 0.4), 0.75);
  if (l->wrinkles > 0.0) {
    const AvmVec bag[] = {
        {x - 8.0, y + 9.0}, {x, y + 11.5}, {x + 9.0, y + 8.5}};

    stroke (
        h, bag, 3, 0.0, 2.0, avm_color_scale (l->skin, 0.5), 0.4 * l->wrinkles);
  }
  stroke (h, brow, 3, 3.0, l->brow, hair, 0.95);
}

static void
paint_beard (const Head *h)
{
  const AvmHeadLook *l = h->look;
  double y = l->mouth_y;
  AvmPaint hair = hair_paint (l);

  hair.rim = 0.0;
  if (l->beard) {
    const AvmVec shape[] = {{-46, 10}, {-38, 28}, {-22, y - 8}, {0, y - 6},
        {22, y - 8}, {38, 28}, {46, 10}, {45, 36}, {33, 56}, {14, 69}, {0, 71},
        {-14, 69}, {-33, 56}, {-45, 36}};
    AvmVec mapped[SIZE (shape)];

    map_points (h, shape, SIZE (shape), 2.0, mapped);
    for (int i = 7; i < SIZE (shape); i++)
      mapped[i].y += 5.0;
    avm_path_blob (h->canvas, mapped, SIZE (shape));
    hair.alpha = 0.92;
    avm_canvas_fill (h->canvas, &hair);
    patch (h, 0.0, y + 2.0, 19.0, 7.0, 3.0, avm_color_scale (l->skin, 0.8), 0.8,
        1.5);
  }
  if (l->moustache) {
    const AvmVec shape[] = {
        {-19, y - 3}, {-8, y - 8}, {0, y - 7}, {8, y - 8}, {19, y - 3}};

    stroke (h, shape, SIZE (shape), 6.0, 6.0, avm_color_scale (l->hair, 0.85),
        0.95);
  }
}

static void
paint_glasses (const Head *h)
{
  const AvmHeadLook *l = h->look;
  AvmVec ring[14];
  const AvmVec bridge[] = {
      {-7, l->eye_y - 1}, {0, l->eye_y - 3}, {7, l->eye_y - 1}};

  for (int side = -1; side <= 1; side += 2) {
    const AvmVec bow[] = {
        {side * (l->eye_gap + 16), l->eye_y - 2}, {side * 49.0, l->eye_y - 1}};

    for (int i = 0; i < SIZE (ring); i++) {
      double t = 2.0 * M_PI * i / (SIZE (ring) - 1);

      ring[i].x = side * (l->eye_gap + 0.5) + 15.5 * cos (t);
      ring[i].y = l->eye_y + 1.5 + 11.5 * sin (t);
    }
    stroke (h, ring, SIZE (ring), 5.0, 2.2, dark (), 0.8);
    stroke (h, bow, 2, 4.0, 2.0, dark (), 0.7);
  }
  stroke (h, bridge, 3, 12.0, 2.2, dark (), 0.8);
}

/* -- hair ------------------------------------------------------------------ */

/* Behind the face: what is seen past its edge, down to `bottom`. */
static void
paint_back_hair (const Head *h, double bottom, double grow)
{
  static const double heights[] = {-86.0, -74.0, -52.0, -24.0, 4.0};
  AvmVec outline[2 * SIZE (heights) + 4];
  AvmPaint hair = hair_paint (h->look);
  double shift = -16.0 * h->sy;
  int n = 0, last = SIZE (heights);

  for (int i = 0; i < last; i++)
    if (heights[i] < bottom)
      outline[n++] = edge_at (h, heights[i], 1.0, grow);
  for (int side = 1; side >= -1; side -= 2) {
    /* hair hangs down from where the head is widest */
    AvmVec widest = edge_at (h, 4.0, side, grow);

    outline[n].x = 0.92 * widest.x;
    outline[n++].y = AVM_MAX (bottom, 12.0);
  }
  for (int i = last - 1; i >= 0; i--)
    if (heights[i] < bottom)
      outline[n++] = edge_at (h, heights[i], -1.0, grow);
  for (int i = 0; i < n; i++)
    outline[i].x += shift;
  hair.color = avm_color_scale (hair.color, 0.8);
  avm_path_blob (h->canvas, outline, n);
  avm_canvas_fill (h->canvas, &hair);
}

/* Above the face: from ear over the top to ear, its lower edge the hairline,
 * given at five places from the left to the right. */
static void
paint_cap (const Head *h, const double line[5], double grow, double ears)
{
  static const double places[5] = {-40.0, -24.0, 0.0, 24.0, 40.0};
  AvmVec outline[20];
  AvmPaint hair = hair_paint (h->look);
  int n = 0;

  outline[n++] = edge_at (h, ears, -1.0, grow);
  outline[n++] = edge_at (h, -30.0, -1.0, grow + 2.0);
  outline[n++] = edge_at (h, -62.0, -1.0, grow + 3.0);
  outline[n] = turned (h, 0.0, -88.0 - grow, -10.0);
  outline[n].y -= 2.0;
  n++;
  outline[n++] = edge_at (h, -62.0, 1.0, grow + 3.0);
  outline[n++] = edge_at (h, -30.0, 1.0, grow + 2.0);
  outline[n++] = edge_at (h, ears, 1.0, grow);
  outline[n++] = on_face (h, 49.0, ears - 4.0, 2.0);
  outline[n++] = on_face (h, 46.0, -18.0, 3.0);
  for (int i = 4; i >= 0; i--)
    outline[n++] = on_face (h, places[i], line[i], 4.0);
  outline[n++] = on_face (h, -46.0, -18.0, 3.0);
  outline[n++] = on_face (h, -49.0, ears - 4.0, 2.0);
  avm_path_blob (h->canvas, outline, n);
  avm_canvas_fill (h->canvas, &hair);
}

static void
paint_bun (const Head *h)
{
  AvmPaint hair = hair_paint (h->look);
  AvmVec at = turned (h, 0.0, -88.0, -34.0);

  avm_path_ellipse (h->canvas, at.x, at.y, 25.0, 20.0, 0.0);
  avm_canvas_fill (h->canvas, &hair);
}

static void
paint_hair_behind (const Head *h)
{
  switch (h->look->style) {
    case AVM_HAIR_LONG:
      paint_back_hair (h, 104.0, 12.0);
      break;
    case AVM_HAIR_BOB:
      paint_back_hair (h, 58.0, 12.0);
      break;
    case AVM_HAIR_BUN:
      paint_bun (h);
      paint_back_hair (h, 8.0, 4.0);
      break;
    case AVM_HAIR_BALD:
      break;
    case AVM_HAIR_RECEDING:
      paint_back_hair (h, 24.0, 3.0);
      break;
    default:
      paint_back_hair (h, 26.0, 4.0);
      break;
  }
}

static void
paint_hair_front (const Head *h)
{
  static const double lines[AVM_N_HAIRS][5] = {
      [AVM_HAIR_SHORT] = {-38, -50, -54, -50, -38},
      [AVM_HAIR_PARTED] = {-34, -40, -50, -62, -44},
      [AVM_HAIR_FRINGE] = {-30, -36, -38, -36, -30},
      [AVM_HAIR_LONG] = {-26, -46, -60, -46, -26},
      [AVM_HAIR_BUN] = {-42, -56, -60, -56, -42},
      [AVM_HAIR_BOB] = {-28, -34, -44, -54, -34},
      [AVM_HAIR_RECEDING] = {-42, -68, -62, -68, -42},
  };
  AvmHair style = h->look->style;
  bool covers = style == AVM_HAIR_LONG || style == AVM_HAIR_BOB;

  if (style == AVM_HAIR_BALD) {
    /* a bald head shines */
    patch (h, -8.0, -66.0, 16.0, 7.0, 2.0, light (), 0.4, 5.0);
    return;
  }
  paint_cap (h, lines[style],
      covers                      ? 9.0
          : style == AVM_HAIR_BUN ? 3.0
                                  : 5.0,
      covers ? 20.0 : 2.0);
}

/* -- a picture for a head -------------------------------------------------- */

/* The mean around (x, y), both 0 .. 1, over so many px to each side. */
static AvmColor
picture_at (const AvmHallFace *f, double x, double y, int reach)
{
  int cx = (int)(x * f->width), cy = (int)(y * f->height), n = 0;
  double sum[3] = {0.0};
  AvmColor color;

  for (int py = cy - reach; py <= cy + reach; py++) {
    for (int px = cx - reach; px <= cx + reach; px++, n++) {
      const uint8_t *p = f->rgb
          + 3
              * ((size_t)AVM_CLAMP (py, 0, f->height - 1) * (size_t)f->width
                  + (size_t)AVM_CLAMP (px, 0, f->width - 1));

      for (int i = 0; i < 3; i++)
        sum[i] += p[i];
    }
  }
  color.r = (float)(sum[0] / (255.0 * n));
  color.g = (float)(sum[1] / (255.0 * n));
  color.b = (float)(sum[2] / (255.0 * n));
  return color;
}

/* An ellipse of the picture with a feathered edge; turning narrows and shifts
 * it. */
static void
paint_picture (const Head *h)
{
  const AvmHallFace *f = h->look->picture;
  AvmCanvas *c = h->canvas;
  int reach = (int)(0.5 * f->width / (124.0 * c->density));

  for (int y = 0; y < c->h; y++) {
    float *row = c->rgba + 4 * (size_t)y * (size_t)(c->w + 2);
    double v =
        (c->y0 + (y + 0.5) / c->density - 14.0 * h->sn + 8.0) / (84.0 * h->cn);

    for (int x = 0; x < c->w; x++, row += 4) {
      double u = (c->x0 + (x + 0.5) / c->density - 22.0 * h->sy)
          / (62.0 * (0.25 + 0.75 * h->cy));
      double r = sqrt (u * u + v * v);
      float alpha = (float)AVM_CLAMP ((1.0 - r) / 0.12, 0.0, 1.0);
      AvmColor color;

      if (alpha <= 0.0f)
        continue;
      color = picture_at (f, 0.5 + 0.5 * u, 0.5 + 0.5 * v, reach);
      for (int i = 0; i < 4; i++)
        row[i] *= 1.0f - alpha;
      row[0] += color.r * alpha;
      row[1] += color.g * alpha;
      row[2] += color.b * alpha;
      row[3] += alpha;
    }
  }
}

static void
paint_head (const Head *h)
{
  AvmPaint shadow = avm_paint (dark ());

  if (h->look->picture != NULL) {
    paint_picture (h);
    return;
  }

  paint_hair_behind (h);
  if (h->look->style == AVM_HAIR_LONG || h->look->style == AVM_HAIR_BOB) {
    /* the neck stands before the hair */
    AvmPaint neck =
        avm_paint_shaded (avm_color_scale (h->look->skin, 0.8), 0.35, 12.0);

    avm_path_capsule (h->canvas, 0.0, 50.0, 25.0, 0.0, 74.0, 28.0);
    avm_canvas_fill (h->canvas, &neck);
  }
  /* the chin's shadow on the neck sets the jaw off */
  shadow.alpha = 0.55;
  shadow.soft = 6.0;
  avm_path_ellipse (h->canvas, 8.0 * h->sy, 74.0, 28.0, 13.0, 0.0);
  avm_canvas_fill (h->canvas, &shadow);
  paint_skin (h);
  paint_relief (h);
  paint_beard (h);
  paint_nose (h);
  paint_mouth (h);
  /* the far one first */
  paint_eye (h, h->sy > 0.0 ? 1.0 : -1.0);
  paint_eye (h, h->sy > 0.0 ? -1.0 : 1.0);
  if (h->look->glasses)
    paint_glasses (h);
  paint_hair_front (h);
}

bool
avm_head_bake (AvmSprite *sprite, const AvmBaker *baker,
    const AvmHeadLook *look, double yaw, double nod)
{
  AvmCanvas canvas;
  Head head = {.canvas = &canvas,
      .look = look,
      .cy = cos (yaw),
      .sy = sin (yaw),
      .cn = cos (nod),
      .sn = sin (nod)};
  bool baked;

  if (!avm_canvas_init (&canvas, baker->tile, -92.0, -122.0, 92.0, 118.0,
          2.0 * baker->scale, 1))
    return false;
  paint_head (&head);
  avm_canvas_crop (&canvas);
  baked = avm_sprite_bake (sprite, &canvas, baker->matrix, baker->gray);
  avm_canvas_clear (&canvas);
  return baked;
}
