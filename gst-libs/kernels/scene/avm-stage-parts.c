/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How players are built and what they look like. Body units: 7 per cm before
 * foreshortening, the floor at y = 1040.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-stage-private.h"

#include <math.h>
#include <string.h>

#define SIZE(array) ((int)(sizeof (array) / sizeof ((array)[0])))

/* -- builds ---------------------------------------------------------------- */

static const AvmBuild builds[] = {
    [AVM_INSTRUMENT_VIOLIN] =
        {
            .head = {0, 212},
            .head_tilt = 0.13,
            .right_shoulder = {-112, 345},
            .left_shoulder = {112, 345},
            .tail = {8, 296},
            .out = {0.90630778703665, 0.4226182617407},
            .length = 266,
            .body_begin = 0,
            .body_end = 146,
            .bridge = 78,
            .contact = 96,
            .nut = 238,
            .hand_at_nut = 224,
            .hand_travel = -74,
            .hand_side = 14,
            .wrist = {4, 44},
            .left_elbow = {176, 540},
            .frog_elbow = {-168, 480},
            .tip_elbow = {-205, 505},
            .bow_length = 285,
            .bow_angle = -0.79,
            .bow_tilt = -0.085,
        },
    [AVM_INSTRUMENT_VIOLA] =
        {
            .head = {0, 212},
            .head_tilt = 0.13,
            .right_shoulder = {-112, 345},
            .left_shoulder = {112, 345},
            .tail = {2, 294},
            .out = {0.89100652418837, 0.45399049973955},
            .length = 286,
            .body_begin = 0,
            .body_end = 164,
            .bridge = 88,
            .contact = 107,
            .nut = 257,
            .hand_at_nut = 243,
            .hand_travel = -78,
            .hand_side = 14,
            .wrist = {4, 44},
            .left_elbow = {180, 550},
            .frog_elbow = {-168, 480},
            .tip_elbow = {-205, 510},
            .bow_length = 280,
            .bow_angle = -0.76,
            .bow_tilt = -0.085,
        },
    [AVM_INSTRUMENT_CELLO] =
        {
            .upright = true,
            .head = {-22, 206},
            .head_tilt = -0.05,
            .right_shoulder = {-128, 342},
            .left_shoulder = {98, 342},
            .tail = {-52, 1032},
            .out = {0.15643446504023, -0.98768834059514},
            .length = 868,
            .body_begin = 70,
            .body_end = 566,
            .bridge = 282,
            .contact = 338,
            .nut = 764,
            .hand_at_nut = 738,
            .hand_travel = -232,
            .hand_side = 14,
            .wrist = {6, 44},
            .left_elbow = {212, 452},
            .frog_elbow = {-190, 520},
            .tip_elbow = {-236, 500},
            .bow_length = 256,
            .bow_angle = 0.06,
            .bow_tilt = 0.075,
        },
    [AVM_INSTRUMENT_BASS] =
        {
            .upright = true,
            .standing = true,
            .head = {-48, 152},
            .head_tilt = -0.06,
            .right_shoulder = {-156, 288},
            .left_shoulder = {72, 288},
            .tail = {-30, 1040},
            .out = {0.13917310096007, -0.99026806874157},
            .length = 1012,
            .body_begin = 54,
            .body_end = 662,
            .bridge = 300,
            .contact = 372,
            .nut = 902,
            .hand_at_nut = 868,
            .hand_travel = -288,
            .hand_side = 14,
            .wrist = {6, 44},
            .left_elbow = {206, 372},
            .frog_elbow = {-214, 480},
            .tip_elbow = {-250, 470},
            .bow_length = 255,
            .bow_angle = 0.08,
            .bow_tilt = 0.075,
        },
};

const AvmBuild *
avm_build_get (AvmInstrument instrument)
{
  if ((int)instrument < 0 || (int)instrument >= SIZE (builds))
    instrument = AVM_INSTRUMENT_VIOLIN;
  return &builds[instrument];
}

AvmAffine
avm_build_hand (const AvmBuild *build, AvmVec at)
{
  AvmAffine m = {
      -build->out.x, -build->out.y, -build->out.y, build->out.x, at.x, at.y};

  return m;
}

void
avm_look_init (AvmLook *look, int player, uint64_t seed)
{
  static const int skins[] = {
      0xe8b896, 0xd9a27c, 0xf0c8a8, 0xa8714c, 0xc68a62, 0x7a4e34, 0xe2ae8a};
  static const int hairs[] = {
      0x2a1c14, 0x5a3a20, 0x161214, 0x8a6236, 0x6e6a68, 0x3a2418, 0xb48a50};
  static const int cloths[] = {0x34486e, 0x7a2c3a, 0x3a5a48, 0x4a4650, 0x6a4a72,
      0x8a5a32, 0x2e6070, 0x8c8478};
  static const int woods[] = {0xa8602c, 0x94501e, 0xb8702e, 0x8a421c};
  static const AvmTexture textures[] = {AVM_TEXTURE_GRAIN, AVM_TEXTURE_CHECK,
      AVM_TEXTURE_STRIPES, AVM_TEXTURE_FIBRE};
  AvmRng rng;
  int start;

  avm_rng_init (&rng, seed, 11);
  start = (int)(avm_rng_u32 (&rng) & 0xffff);
  /* steps that never repeat a colour within eight players */
  look->cloth = avm_color (cloths[(start + 3 * player) % SIZE (cloths)]);
  look->cloth_texture = textures[(start / 7 + player) % SIZE (textures)];
  look->skin = avm_color (skins[(start / 3 + 2 * player) % SIZE (skins)]);
  look->hair = avm_color (hairs[(start / 5 + 3 * player) % SIZE (hairs)]);
  look->wood = avm_color (woods[(start / 11 + player) % SIZE (woods)]);
  avm_rng_init (&rng, seed, 100 + (uint64_t)player);
  look->trousers = avm_color_mix (
      avm_color (0x22242c), avm_color (0x3a3634), avm_rng_uniform (&rng));
  look->eyes = avm_color (avm_rng_uniform (&rng) < 0.5 ? 0x4a3220 : 0x3a5a74);
  look->long_hair = avm_rng_uniform (&rng) < 0.5;
  look->beard = !look->long_hair && avm_rng_uniform (&rng) < 0.35;
  look->glasses = avm_rng_uniform (&rng) < 0.3;
  look->skirt = look->long_hair && avm_rng_uniform (&rng) < 0.5;
  look->ring = avm_rng_uniform (&rng) < 0.5;
  look->offset = avm_rng_range (&rng, 0.0, 200.0);
}

/* -- helpers --------------------------------------------------------------- */

static void
fill_plain (AvmCanvas *canvas, AvmColor color, double alpha)
{
  AvmPaint paint = avm_paint (color);

  paint.alpha = alpha;
  avm_canvas_fill (canvas, &paint);
}

static AvmPaint
cloth_paint (const AvmLook *look, double rim_width)
{
  AvmPaint paint = avm_paint_shaded (look->cloth, 0.45, rim_width);

  paint.texture = look->cloth_texture;
  paint.size = look->cloth_texture == AVM_TEXTURE_GRAIN ? 9.0 : 17.0;
  paint.angle = look->cloth_texture == AVM_TEXTURE_STRIPES ? 1.57 : 0.5;
  paint.amount = 0.22;
  paint.grain = 0.22;
  paint.grain_size = 26.0;
  paint.offset = look->offset;
  return paint;
}

static AvmPaint
skin_paint (const AvmLook *look, double rim_width)
{
  AvmPaint paint = avm_paint_shaded (look->skin, 0.38, rim_width);

  paint.texture = AVM_TEXTURE_GRAIN;
  paint.size = 7.0;
  paint.amount = 0.10;
  paint.grain = 0.14;
  paint.grain_size = 15.0;
  paint.offset = look->offset;
  return paint;
}

static AvmPaint
wood_paint (const AvmLook *look, double angle)
{
  AvmPaint paint = avm_paint_shaded (look->wood, 0.5, 14.0);

  paint.texture = AVM_TEXTURE_FIBRE;
  paint.size = 7.0;
  paint.angle = angle;
  paint.amount = 0.3;
  paint.grain = 0.12;
  paint.grain_size = 40.0;
  paint.offset = look->offset;
  return paint;
}

static void
line (AvmCanvas *canvas, double ax, double ay, double bx, double by,
    double width, AvmColor color, double alpha)
{
  const AvmVec points[2] = {{ax, ay}, {bx, by}};

  avm_path_stroke (canvas, points, 2, width);
  fill_plain (canvas, color, alpha);
}

static void
curve (AvmCanvas *canvas, const AvmVec *points, int n, double width,
    AvmColor color, double alpha)
{
  avm_path_stroke (canvas, points, n, width);
  fill_plain (canvas, color, alpha);
}

static AvmColor
black (void)
{
  return avm_color (0x120e0c);
}

static AvmColor
white (void)
{
  return avm_color (0xf4f0e6);
}

/* -- body ------------------------------------------------------------------ */

static void
paint_torso (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  double sy = build->left_shoulder.y;
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);
  double low = build->standing ? 640.0 : 690.0;
  const AvmVec shape[] = {{mid - 36, sy - 42}, {mid - 92, sy - 30},
      {mid - 132, sy + 10}, {mid - 122, sy + 110}, {mid - 104, sy + 210},
      {mid - 118, low - 30}, {mid - 60, low}, {mid + 60, low},
      {mid + 118, low - 30}, {mid + 104, sy + 210}, {mid + 122, sy + 110},
      {mid + 132, sy + 10}, {mid + 92, sy - 30}, {mid + 36, sy - 42}};
  const AvmVec throat[] = {
      {mid - 34, sy - 48}, {mid - 4, sy + 22}, {mid + 34, sy - 48}};
  AvmPaint cloth = cloth_paint (look, 46.0), skin = skin_paint (look, 14.0);

  avm_path_blob (canvas, shape, SIZE (shape));
  avm_canvas_fill (canvas, &cloth);
  skin.color = avm_color_scale (look->skin, 0.8);
  avm_path_capsule (
      canvas, build->head.x, build->head.y + 50, 25, mid, sy - 6, 31);
  avm_canvas_fill (canvas, &skin);
  skin.color = look->skin;
  /* folds towards the waist */
  for (int i = 0; i < 5; i++) {
    double x = mid - 84 + 40 * i;
    const AvmVec fold[] = {{x, sy + 150 + 13 * (i % 3)},
        {x + 8 - 5 * i, sy + 205}, {x + 4, low - 50}};

    curve (canvas, fold, 3, 5.0, black (), 0.22);
  }
  /* buttons or a seam */
  line (canvas, mid, sy + 30, mid + 2, low - 6, 2.6, black (), 0.45);
  for (int i = 0; i < 6; i++) {
    avm_path_ellipse (canvas, mid + 6, sy + 52 + 48 * i, 4.0, 4.0, 0.0);
    fill_plain (canvas, avm_color_mix (look->cloth, white (), 0.65), 0.9);
  }
  /* the open collar */
  avm_path_move (canvas, throat[0].x, throat[0].y);
  for (int i = 1; i < SIZE (throat); i++)
    avm_path_line (canvas, throat[i].x, throat[i].y);
  avm_canvas_fill (canvas, &skin);
  for (int side = -1; side <= 1; side += 2) {
    avm_path_move (canvas, mid + side * 34, sy - 52);
    avm_path_line (canvas, mid + side * 50, sy - 34);
    avm_path_line (canvas, mid + side * 28, sy + 24);
    avm_path_line (canvas, mid - side * 2, sy + 20);
    fill_plain (canvas, avm_color_mix (look->cloth, white (), 0.75), 1.0);
    line (canvas, mid + side * 48, sy - 34, mid + side * 27, sy + 24, 2.5,
        black (), 0.5);
  }
}

static void
paint_eye (AvmCanvas *canvas, const AvmLook *look, double x, double y)
{
  const AvmVec lid[] = {{x - 11, y - 1}, {x, y - 7}, {x + 11, y - 1}};
  const AvmVec brow[] = {{x - 14, y - 13}, {x, y - 18}, {x + 14, y - 13}};

  avm_path_ellipse (canvas, x, y, 10.5, 5.6, 0.0);
  fill_plain (canvas, white (), 1.0);
  avm_path_ellipse (canvas, x + 1, y + 0.5, 4.9, 4.9, 0.0);
  fill_plain (canvas, look->eyes, 1.0);
  avm_path_ellipse (canvas, x + 1, y + 0.5, 2.5, 2.5, 0.0);
  fill_plain (canvas, black (), 1.0);
  avm_path_ellipse (canvas, x + 3, y - 1.5, 1.5, 1.5, 0.0);
  fill_plain (canvas, white (), 0.9);
  curve (canvas, lid, 3, 3.0, black (), 0.85);
  curve (canvas, brow, 3, 5.0, avm_color_scale (look->hair, 0.8), 0.95);
}

/* Strands show less in fair hair. */
static double
hair_contrast (const AvmLook *look)
{
  return 0.6 - 0.45 * (look->hair.r + look->hair.g + look->hair.b) / 3.0;
}

static void
paint_face (AvmCanvas *canvas, const AvmLook *look)
{
  const AvmVec nose[] = {{5, -2}, {12, 18}, {2, 23}};
  const AvmVec mouth[] = {{-15, 39}, {1, 42}, {17, 38}};
  const AvmVec lip[] = {{-9, 45}, {1, 48}, {11, 45}};
  AvmColor shadow = avm_color_scale (look->skin, 0.55);

  for (int side = -1; side <= 1; side += 2) {
    AvmPaint cheek =
        avm_paint (avm_color_mix (look->skin, avm_color (0xc84a3a), 0.4));

    cheek.alpha = 0.5;
    cheek.soft = 6.0;
    avm_path_ellipse (canvas, 3 + side * 27, 22, 11, 9, 0.0);
    avm_canvas_fill (canvas, &cheek);
  }
  if (look->beard) {
    const AvmVec beard[] = {{-48, 18}, {-30, 34}, {2, 30}, {32, 34}, {48, 18},
        {38, 58}, {0, 75}, {-38, 58}};
    AvmPaint hair = avm_paint (look->hair);

    hair.texture = AVM_TEXTURE_FIBRE;
    hair.size = 6.0;
    hair.angle = 1.3;
    hair.amount = hair_contrast (look);
    avm_path_blob (canvas, beard, SIZE (beard));
    avm_canvas_fill (canvas, &hair);
  }
  curve (canvas, nose, 3, 3.4, shadow, 0.9);
  curve (canvas, mouth, 3, 5.2,
      avm_color_mix (look->skin, avm_color (0x8a2a2a), 0.75), 1.0);
  curve (canvas, lip, 3, 2.6, shadow, 0.5);
  paint_eye (canvas, look, -18, -6);
  paint_eye (canvas, look, 24, -6);
  if (look->glasses) {
    for (int side = -1; side <= 1; side += 2) {
      const double x = 3 + side * 21;
      AvmVec ring[13];

      for (int i = 0; i < SIZE (ring); i++) {
        ring[i].x = x + 16 * cos (2.0 * M_PI * i / 12.0);
        ring[i].y = -5 + 13 * sin (2.0 * M_PI * i / 12.0);
      }
      curve (canvas, ring, SIZE (ring), 2.6, black (), 0.95);
    }
    line (canvas, -2, -6, 8, -6, 2.4, black (), 0.95);
  }
}

/* Around (0, 0), the middle of the face; the neck is the body's. */
static void
paint_head (AvmCanvas *canvas, const AvmLook *look)
{
  const AvmVec face[] = {{0, -70}, {38, -56}, {52, -14}, {46, 28}, {26, 60},
      {0, 71}, {-26, 60}, {-46, 28}, {-52, -14}, {-38, -56}};
  const AvmVec cap[] = {{-54, 2}, {-60, -40}, {-34, -78}, {2, -88}, {40, -76},
      {60, -38}, {55, 2}, {48, -26}, {30, -44}, {-4, -38}, {-34, -48},
      {-48, -24}};
  const AvmVec mane[] = {{-60, -30}, {-30, -82}, {30, -82}, {62, -30}, {67, 30},
      {60, 78}, {30, 66}, {-30, 66}, {-60, 78}, {-67, 30}};
  AvmPaint hair = avm_paint_shaded (look->hair, 0.35, 14.0);
  AvmPaint skin = skin_paint (look, 24.0), neck;

  hair.texture = AVM_TEXTURE_FIBRE;
  hair.size = 7.0;
  hair.angle = 1.2;
  hair.amount = hair_contrast (look);
  hair.offset = look->offset;
  if (look->long_hair) {
    avm_path_blob (canvas, mane, SIZE (mane));
    avm_canvas_fill (canvas, &hair);
  }
  neck = skin;
  neck.color = avm_color_scale (look->skin, 0.84);
  for (int side = -1; side <= 1; side += 2) {
    avm_path_ellipse (canvas, side * 52, 6, 9, 17, 0.0);
    avm_canvas_fill (canvas, &neck);
  }
  skin.amount = 0.05;
  skin.grain = 0.06;
  skin.gradient = true;
  skin.x0 = -50;
  skin.x1 = 50;
  skin.color = avm_color_scale (look->skin, 1.08);
  skin.color2 = avm_color_scale (look->skin, 0.86);
  avm_path_blob (canvas, face, SIZE (face));
  avm_canvas_fill (canvas, &skin);
  paint_face (canvas, look);
  avm_path_blob (canvas, cap, SIZE (cap));
  avm_canvas_fill (canvas, &hair);
}

/* Sleeve along x from the joint at 0 to AVM_ARM_LENGTH. */
static void
paint_arm (
    AvmCanvas *canvas, const AvmLook *look, double ra, double rb, bool cuff)
{
  AvmPaint cloth = cloth_paint (look, 0.7 * rb);

  cloth.rim = 0.36;
  cloth.angle += 0.4;
  avm_path_capsule (canvas, 0, 0, ra, AVM_ARM_LENGTH, 0, rb);
  avm_canvas_fill (canvas, &cloth);
  for (int i = 0; i < 3; i++) {
    double x = 18 + 26 * i;
    double r = 0.66 * (ra + (rb - ra) * 0.01 * x);
    const AvmVec fold[] = {{x, -r}, {x + 9, 0}, {x + 3, r}};

    curve (canvas, fold, 3, 3.6, black (), 0.25);
  }
  if (cuff) {
    avm_path_capsule (canvas, AVM_ARM_LENGTH - 6, -rb * 0.55, 5.5,
        AVM_ARM_LENGTH - 6, rb * 0.55, 5.5);
    fill_plain (canvas, avm_color_mix (look->cloth, white (), 0.75), 1.0);
  }
}

/* -- hands ----------------------------------------------------------------- */

/* The fingering hand's own space: x along the neck towards the bridge, y
 * across it towards the back of the hand; (0, 0) the centre of its box. */
static void
paint_palm (AvmCanvas *canvas, const AvmLook *look)
{
  const AvmVec back[] = {{-27, 2}, {-13, -3}, {0, -4}, {14, -2}, {28, 4},
      {29, 18}, {20, 34}, {13, 50}, {-10, 50}, {-20, 34}, {-30, 16}};
  AvmPaint skin = skin_paint (look, 12.0);

  skin.amount = 0.22;
  skin.size = 8.0;
  avm_path_capsule (canvas, -22, -22, 8, -24, 8, 11);
  avm_canvas_fill (canvas, &skin);
  avm_path_blob (canvas, back, SIZE (back));
  avm_canvas_fill (canvas, &skin);
  for (int i = 0; i < 4; i++) {
    double x = -20 + 13.5 * i;
    const AvmVec tendon[] = {{x, 8}, {0.8 * x - 1, 20}, {0.45 * x + 1, 36}};
    AvmPaint light = avm_paint (avm_color_mix (look->skin, white (), 0.55));

    /* between the tendons it is dark, on the knuckles light */
    if (i < 3) {
      const AvmVec gap[] = {{x + 6.7, 4}, {0.8 * x + 5, 19}};

      curve (canvas, gap, 2, 3.2, avm_color_scale (look->skin, 0.42), 0.75);
    }
    curve (canvas, tendon, 3, 2.2, avm_color_mix (look->skin, white (), 0.5),
        0.45);
    light.alpha = 0.75;
    light.soft = 1.2;
    avm_path_ellipse (canvas, x, 6, 4.2, 3.4, 0.0);
    avm_canvas_fill (canvas, &light);
  }
}

/* One finger across the neck, from the knuckle at (0, 0) up to its tip. */
static void
paint_finger (AvmCanvas *canvas, const AvmLook *look, int finger)
{
  static const double lengths[] = {29, 33, 32, 25};
  static const double leans[] = {-3, -1, 1, 4};
  double tip = -lengths[finger], lean = leans[finger];
  AvmPaint skin = skin_paint (look, 5.0);
  AvmColor dark = avm_color_scale (look->skin, 0.36);

  skin.amount = 0.22;
  skin.size = 8.0;
  skin.offset += 17.0 * finger;
  /* the outline keeps it apart from its neighbours */
  avm_path_capsule (canvas, 0, 4, 7.4, lean, tip, 6.6);
  fill_plain (canvas, dark, 0.9);
  avm_path_capsule (canvas, -0.4, 4, 6.0, lean - 0.4, tip, 5.2);
  avm_canvas_fill (canvas, &skin);
  for (int i = 0; i < 2; i++) {
    double y = i == 0 ? tip * 0.34 : tip * 0.64, x = lean * y / tip;
    const AvmVec crease[] = {
        {x - 4.6, y + 0.8}, {x, y - 0.9}, {x + 4.2, y + 0.8}};

    curve (canvas, crease, 3, 2.0, dark, 0.85);
    line (canvas, x - 2.2, y + 4.2, x + 0.6, y + 8.4, 2.6,
        avm_color_mix (look->skin, white (), 0.65), 0.75);
  }
  avm_path_ellipse (canvas, lean + 0.3, tip - 0.5, 3.6, 4.4, 0.0);
  fill_plain (canvas, avm_color_mix (look->skin, white (), 0.72), 0.95);
  if (look->ring && finger == 2) {
    line (canvas, -5.6, -5.5, 5.6, -5.0, 3.8, avm_color (0xf0d060), 1.0);
    line (canvas, -5.6, -3.2, 5.6, -2.7, 1.6, avm_color (0x6a5210), 0.9);
  }
}

/* Its own space: x along the stick towards the tip, y below the stick (the
 * side of the hair); (0, 0) where the fingers hold it. */
static void
paint_bow_hand (AvmCanvas *canvas, const AvmLook *look)
{
  const AvmVec back[] = {{-36, -16}, {-20, -24}, {2, -24}, {22, -12}, {24, 2},
      {6, 6}, {-20, 8}, {-40, 6}};
  AvmPaint skin = skin_paint (look, 12.0), finger = skin_paint (look, 5.0);
  AvmColor dark = avm_color_scale (look->skin, 0.38);

  skin.amount = finger.amount = 0.15;
  avm_path_capsule (canvas, -40, -8, 15, -22, -8, 16);
  avm_canvas_fill (canvas, &skin);
  avm_path_blob (canvas, back, SIZE (back));
  avm_canvas_fill (canvas, &skin);
  for (int i = 0; i < 4; i++) {
    double x = -19 + 12.0 * i, lean = 4.0 + 1.5 * i;

    avm_path_capsule (canvas, x, -12, 7.2, x + lean, 10, 6.2);
    fill_plain (canvas, dark, 0.85);
    avm_path_capsule (canvas, x - 0.3, -12, 5.9, x + lean - 0.3, 10, 5.0);
    avm_canvas_fill (canvas, &finger);
    line (canvas, x - 2.5, -3, x + 6.5, -4, 1.9, dark, 0.8);
    avm_path_ellipse (canvas, x - 0.5, -13, 3.4, 2.8, 0.0);
    fill_plain (canvas, avm_color_mix (look->skin, white (), 0.55), 0.7);
    avm_path_ellipse (canvas, x + lean, 11.5, 3.2, 3.0, 0.0);
    fill_plain (canvas, avm_color_mix (look->skin, white (), 0.6), 0.8);
  }
}

/* x along the stick, from the grip at 0 to the tip at `length`; hair at
 * y = 13 (frog) .. 9 (tip). */
static void
paint_bow (AvmCanvas *canvas, double length)
{
  AvmColor stick = avm_color (0x5a2a14);
  const AvmVec bend[] = {
      {-24, 0}, {0.35 * length, 3.5}, {0.7 * length, 4}, {length, -1}};

  avm_path_move (canvas, -8, 10);
  avm_path_line (canvas, length - 2, 8);
  avm_path_line (canvas, length - 2, 10.5);
  avm_path_line (canvas, -8, 14);
  fill_plain (canvas, avm_color (0xeae4d0), 0.95);
  avm_path_rect (canvas, -14, 1, 26, 14);
  fill_plain (canvas, black (), 1.0);
  avm_path_ellipse (canvas, -1, 8, 3.4, 3.4, 0.0);
  fill_plain (canvas, avm_color (0xd8d4e4), 1.0);
  avm_path_stroke (canvas, bend, SIZE (bend), 5.0);
  fill_plain (canvas, stick, 1.0);
  curve (canvas, bend, SIZE (bend), 1.6, avm_color (0xb0683a), 0.8);
  avm_path_move (canvas, length - 8, -1);
  avm_path_line (canvas, length + 3, -3);
  avm_path_line (canvas, length, 12);
  avm_path_line (canvas, length - 6, 12);
  fill_plain (canvas, avm_color (0xe8e0cc), 1.0);
  line (canvas, -24, 0, -29, 0, 5.5, avm_color (0xd0ccd8), 1.0);
  for (int i = 0; i < 3; i++)
    line (canvas, 20 + 5 * i, -2.6, 20 + 5 * i, 3.4, 2.0, avm_color (0xc8c8d0),
        0.9);
}

/* -- instruments ----------------------------------------------------------- */

/* Instrument space: x along the axis from the tail, y across. */
static void
paint_corpus (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  double b = build->body_begin, l = build->body_end - b;
  double w = build->upright ? 0.262 * l : 0.33 * l;
  AvmVec outline[20];
  /* half the outline: share of the length, share of the half width */
  static const double half[][2] = {{0.0, 0.0}, {0.02, 0.5}, {0.13, 0.95},
      {0.24, 1.0}, {0.36, 0.82}, {0.42, 0.62}, {0.55, 0.57}, {0.64, 0.72},
      {0.80, 0.80}, {0.94, 0.56}};
  AvmPaint wood = wood_paint (look, 0.0);
  AvmPaint edge = avm_paint (avm_color_scale (look->wood, 0.35));

  for (int i = 0; i < 10; i++) {
    outline[i].x = b + l * half[i][0];
    outline[i].y = w * half[i][1];
  }
  outline[10].x = b + l;
  outline[10].y = 0.0;
  for (int i = 1; i < 10; i++) {
    outline[20 - i] = outline[i];
    outline[20 - i].y = -outline[i].y;
  }
  avm_path_blob (canvas, outline, 20);
  avm_canvas_fill (canvas, &edge);
  for (int i = 0; i < 20; i++) {
    outline[i].x = b + 0.5 * l + (outline[i].x - b - 0.5 * l) * 0.965;
    outline[i].y *= 0.94;
  }
  wood.rim_width = 0.35 * w;
  wood.gradient = true;
  wood.y0 = -w;
  wood.y1 = w;
  wood.color = avm_color_scale (look->wood, 1.3);
  wood.color2 = avm_color_scale (look->wood, 0.75);
  avm_path_blob (canvas, outline, 20);
  avm_canvas_fill (canvas, &wood);
  /* f holes */
  for (int side = -1; side <= 1; side += 2) {
    double x = build->bridge, y = side * 0.42 * w, s = 0.1 * l;
    const AvmVec f[] = {{x + 1.1 * s, y - side * 0.16 * w},
        {x + 0.8 * s, y + side * 0.02 * w}, {x, y},
        {x - 0.8 * s, y - side * 0.02 * w}, {x - 1.1 * s, y + side * 0.16 * w}};

    curve (canvas, f, SIZE (f), AVM_MAX (0.022 * l, 3.2), black (), 0.95);
  }
}

static void
paint_scroll (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  double n = build->nut, e = build->length, s = (e - n) / 100.0;
  double w = build->upright ? 14.0 : 8.5;
  AvmPaint wood = wood_paint (look, 0.0);

  wood.color = avm_color_scale (look->wood, 0.8);
  avm_path_move (canvas, n - 4, -w);
  avm_path_line (canvas, e - 26 * s, -0.7 * w);
  avm_path_line (canvas, e - 26 * s, 0.7 * w);
  avm_path_line (canvas, n - 4, w);
  avm_canvas_fill (canvas, &wood);
  avm_path_ellipse (canvas, e - 20 * s, 0, AVM_MAX (20 * s, 10), 1.05 * w, 0.0);
  avm_canvas_fill (canvas, &wood);
  avm_path_ellipse (canvas, e - 20 * s, 0, 8 * s, 0.4 * w, 0.0);
  fill_plain (canvas, black (), 0.7);
  for (int i = 0; i < 4; i++) {
    double x = n + (12 + 16 * i) * s, side = i % 2 ? 1.0 : -1.0;

    line (canvas, x, side * 0.4 * w, x + 3, side * 2.2 * w, 0.35 * w, black (),
        1.0);
    avm_path_ellipse (canvas, x + 3, side * 2.3 * w, 0.35 * w, 0.5 * w, 0.0);
    fill_plain (canvas, black (), 1.0);
  }
}

static void
paint_strings (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  bool big = build->upright;
  double end = build->bridge + 0.24 * (build->nut - build->bridge);
  double wide = big ? 15.0 : 8.5, slim = big ? 10.0 : 6.5;
  double tail =
      build->body_begin + 0.06 * (build->body_end - build->body_begin);
  AvmPaint ebony = avm_paint_shaded (avm_color (0x241c1a), 0.4, 5.0);
  AvmPaint neck = wood_paint (look, 0.0);

  /* the neck is a little wider than the fingerboard on it */
  avm_path_move (canvas, build->body_end - 6, -wide - 2.5);
  avm_path_line (canvas, build->nut, -slim - 2);
  avm_path_line (canvas, build->nut, slim + 2);
  avm_path_line (canvas, build->body_end - 6, wide + 2.5);
  avm_canvas_fill (canvas, &neck);
  ebony.texture = AVM_TEXTURE_FIBRE;
  ebony.size = 6.0;
  ebony.amount = 0.5;
  avm_path_move (canvas, end, -wide);
  avm_path_line (canvas, build->nut, -slim);
  avm_path_line (canvas, build->nut, slim);
  avm_path_line (canvas, end, wide);
  avm_canvas_fill (canvas, &ebony);
  avm_path_capsule (canvas, tail, 0, 0.6 * wide,
      build->bridge - 0.3 * (build->bridge - tail), 0, 1.1 * wide);
  avm_canvas_fill (canvas, &ebony);
  line (canvas, build->bridge, -1.7 * wide, build->bridge, 1.7 * wide,
      big ? 9.0 : 5.5, avm_color (0xd8b080), 1.0);
  line (canvas, build->nut, -slim - 1, build->nut, slim + 1, 4.0,
      avm_color (0xe8e0d0), 1.0);
  for (int i = 0; i < 4; i++) {
    double t = (i - 1.5) / 1.5;

    line (canvas, build->bridge, t * 1.1 * wide, build->nut, t * 0.7 * slim,
        big ? 2.1 : 1.5, avm_color (0xe4e0d8), 0.9);
    line (canvas, tail + 0.7 * (build->bridge - tail), t * 0.7 * wide,
        build->bridge, t * 1.1 * wide, big ? 2.1 : 1.5, avm_color (0xd4d0c8),
        0.8);
  }
}

static AvmAffine
axis_space (const AvmBuild *build)
{
  AvmAffine m = {build->out.x, -build->out.y, build->out.y, build->out.x,
      build->tail.x, build->tail.y};

  return m;
}

static void
paint_instrument (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  const AvmAffine identity = {1.0, 0.0, 0.0, 1.0, 0.0, 0.0};

  canvas->user = axis_space (build);
  if (build->upright)
    line (
        canvas, 0, 0, build->body_begin + 6, 0, 6.0, avm_color (0xb8b8c0), 1.0);
  paint_corpus (canvas, build, look);
  paint_scroll (canvas, build, look);
  paint_strings (canvas, build, look);
  if (!build->upright) {
    /* the chin rest */
    AvmPaint rest = avm_paint_shaded (avm_color (0x201816), 0.3, 5.0);

    avm_path_ellipse (canvas, 18, -20, 19, 15, 0.2);
    avm_canvas_fill (canvas, &rest);
  }
  canvas->user = identity;
}

/* -- furniture ------------------------------------------------------------- */

/* A music stand seen from behind, around x = 0. */
static void
paint_stand (AvmCanvas *canvas)
{
  AvmColor metal = avm_color (0x26262c);
  AvmPaint desk = avm_paint_shaded (avm_color (0x34343c), 0.25, 12.0);

  line (canvas, 0, 800, 0, 985, 6.0, metal, 1.0);
  line (canvas, 0, 975, -48, 1036, 5.0, metal, 1.0);
  line (canvas, 0, 975, 48, 1036, 5.0, metal, 1.0);
  line (canvas, 0, 975, 6, 1024, 5.0, metal, 1.0);
  /* paper looks over the edge */
  avm_path_move (canvas, -62, 722);
  avm_path_line (canvas, -3, 717);
  avm_path_line (canvas, 60, 724);
  avm_path_line (canvas, 62, 800);
  avm_path_line (canvas, -62, 800);
  fill_plain (canvas, avm_color (0xe8e4d4), 1.0);
  desk.texture = AVM_TEXTURE_GRAIN;
  desk.size = 9.0;
  desk.amount = 0.2;
  avm_path_move (canvas, -72, 735);
  avm_path_line (canvas, 72, 735);
  avm_path_line (canvas, 78, 808);
  avm_path_line (canvas, -78, 808);
  avm_canvas_fill (canvas, &desk);
  line (canvas, -80, 808, 80, 808, 7.0, metal, 1.0);
  for (int i = -1; i <= 1; i++)
    line (canvas, 38 * i, 746, 38 * i, 796, 3.0, avm_color (0x5a5a66), 0.8);
}

static void
paint_legs (AvmCanvas *canvas, const AvmBuild *build, const AvmLook *look)
{
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);
  double knee = build->upright && !build->standing ? 148.0 : 84.0;
  AvmPaint cloth = avm_paint_shaded (look->trousers, 0.4, 22.0);
  AvmPaint shoe = avm_paint_shaded (avm_color (0x1c1614), 0.3, 9.0);

  cloth.texture = AVM_TEXTURE_FIBRE;
  cloth.size = 9.0;
  cloth.angle = 1.5;
  cloth.amount = 0.25;
  cloth.offset = look->offset;
  for (int side = -1; side <= 1; side += 2) {
    double kx = mid + side * knee, foot = mid + side * (knee - 12.0);

    if (build->standing) {
      foot = kx = mid + side * 56.0;
      avm_path_capsule (canvas, mid + side * 46, 600, 54, foot, 985, 26);
    } else {
      avm_path_capsule (canvas, mid + side * 54, 660, 52, kx, 762, 46);
      avm_canvas_fill (canvas, &cloth);
      avm_path_capsule (canvas, kx, 770, 42, foot, 985, 25);
    }
    avm_canvas_fill (canvas, &cloth);
    avm_path_capsule (canvas, foot, 1004, 19, foot + side * 14, 1022, 21);
    avm_canvas_fill (canvas, &shoe);
    line (canvas, foot - 14, 1040, foot + 30 * side, 1040, 5.0, black (), 0.8);
  }
  if (look->skirt && !build->upright) {
    const AvmVec shape[] = {{mid - 108, 640}, {mid - 132, 760},
        {mid - 140, 930}, {mid, 950}, {mid + 140, 930}, {mid + 132, 760},
        {mid + 108, 640}};

    avm_path_blob (canvas, shape, SIZE (shape));
    cloth.texture = AVM_TEXTURE_FOLDS;
    cloth.size = 44.0;
    avm_canvas_fill (canvas, &cloth);
  }
}

void
avm_parts_paint_seat (
    AvmCanvas *canvas, AvmInstrument instrument, const AvmLook *look)
{
  const AvmBuild *build = avm_build_get (instrument);
  AvmColor wood = avm_color (0x4a3020), light = avm_color (0x7a5434);
  AvmPaint shadow = avm_paint (black ());
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);

  shadow.alpha = 0.5;
  shadow.soft = 16.0;
  avm_path_ellipse (canvas, mid + 14, 1034, 178, 26, 0.0);
  avm_canvas_fill (canvas, &shadow);
  if (!build->standing) {
    line (canvas, mid - 108, 470, mid - 112, 1010, 11.0, wood, 1.0);
    line (canvas, mid + 108, 470, mid + 112, 1010, 11.0, wood, 1.0);
    line (canvas, mid - 108, 480, mid + 108, 480, 26.0, light, 1.0);
    line (canvas, mid - 108, 540, mid + 108, 540, 16.0, light, 1.0);
    line (canvas, mid - 124, 712, mid + 124, 712, 22.0, light, 1.0);
    line (canvas, mid - 120, 716, mid - 132, 1036, 12.0, wood, 1.0);
    line (canvas, mid + 120, 716, mid + 132, 1036, 12.0, wood, 1.0);
  }
  paint_legs (canvas, build, look);
}

/* -- passers-by ------------------------------------------------------------ */

/* The middle of what covers is (0, 0). */
static void
paint_cover (AvmCanvas *canvas, AvmCover kind)
{
  AvmLook look;

  avm_look_init (&look, kind, 4711);
  if (kind == AVM_COVER_SHEET) {
    AvmPaint paper = avm_paint (avm_color (0xece6d6));
    AvmPaint cloth = cloth_paint (&look, 24.0), skin = skin_paint (&look, 8.0);

    avm_path_capsule (canvas, 24, 130, 26, 90, 700, 52);
    avm_canvas_fill (canvas, &cloth);
    avm_path_ellipse (canvas, 20, 92, 30, 36, 0.2);
    avm_canvas_fill (canvas, &skin);
    paper.texture = AVM_TEXTURE_GRAIN;
    paper.size = 30.0;
    paper.amount = 0.06;
    avm_path_move (canvas, -66, -88);
    avm_path_line (canvas, 64, -76);
    avm_path_line (canvas, 58, 92);
    avm_path_line (canvas, -72, 80);
    avm_canvas_fill (canvas, &paper);
    for (int i = 0; i < 7; i++)
      line (canvas, -54, -62 + 20 * i, 46 - 22 * (i % 3), -53 + 20 * i, 4.0,
          black (), 0.6);
    for (int i = 0; i < 4; i++) {
      avm_path_capsule (canvas, -8 + 15 * i, 96, 8, -10 + 14 * i, 66, 7);
      avm_canvas_fill (canvas, &skin);
    }
    return;
  }
  {
    AvmPaint hair = avm_paint_shaded (avm_color (0x2e2018), 0.5, 26.0);
    AvmPaint cloth = cloth_paint (&look, 50.0), skin = skin_paint (&look, 14.);
    const AvmVec shoulders[] = {{-48, 104}, {-150, 140}, {-190, 240},
        {-196, 720}, {196, 720}, {190, 240}, {150, 140}, {48, 104}};

    avm_path_capsule (canvas, 0, 50, 42, 0, 130, 50);
    avm_canvas_fill (canvas, &skin);
    avm_path_blob (canvas, shoulders, SIZE (shoulders));
    avm_canvas_fill (canvas, &cloth);
    hair.texture = AVM_TEXTURE_FIBRE;
    hair.size = 9.0;
    hair.angle = 1.4;
    hair.amount = 0.7;
    for (int side = -1; side <= 1; side += 2) {
      avm_path_ellipse (canvas, side * 74, 12, 12, 22, 0.0);
      avm_canvas_fill (canvas, &skin);
    }
    avm_path_ellipse (canvas, 0, -4, 76, 94, 0.0);
    avm_canvas_fill (canvas, &hair);
  }
}

/* -- baking ---------------------------------------------------------------- */

/* Where a part lies in its own space. */
static void
part_box (AvmBodyPart part, const AvmBuild *build, double box[4])
{
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);
  static const double boxes[AVM_N_PARTS][4] = {
      [AVM_PART_HEAD] = {-74, -96, 74, 146},
      [AVM_PART_LEFT_UPPER] = {-46, -46, 146, 46},
      [AVM_PART_LEFT_FORE] = {-42, -42, 142, 42},
      [AVM_PART_RIGHT_UPPER] = {-46, -46, 146, 46},
      [AVM_PART_RIGHT_FORE] = {-42, -42, 142, 42},
      [AVM_PART_PALM] = {-42, -40, 42, 60},
      [AVM_PART_FINGER_0] = {-16, -46, 16, 18},
      [AVM_PART_FINGER_1] = {-16, -46, 16, 18},
      [AVM_PART_FINGER_2] = {-16, -46, 16, 18},
      [AVM_PART_FINGER_3] = {-16, -46, 16, 18},
      [AVM_PART_BOW_HAND] = {-64, -40, 48, 30},
      [AVM_PART_STAND] = {-92, 708, 92, 1046},
  };

  memcpy (box, boxes[part], 4 * sizeof (double));
  if (part == AVM_PART_TORSO) {
    box[0] = mid - 146;
    box[1] = build->head.y + 18;
    box[2] = mid + 146;
    box[3] = 706;
  } else if (part == AVM_PART_BOW) {
    box[0] = -36;
    box[1] = -12;
    box[2] = build->bow_length + 46;
    box[3] = 24;
  } else if (part == AVM_PART_INSTRUMENT) {
    double side = build->upright ? 190.0 : 66.0, l = build->length + 8.0;
    double dx = l * build->out.x, dy = l * build->out.y;
    double px = side * fabs (build->out.y), py = side * fabs (build->out.x);

    box[0] = build->tail.x + AVM_MIN (dx, 0.0) - px - 4.0;
    box[1] = build->tail.y + AVM_MIN (dy, 0.0) - py - 4.0;
    box[2] = build->tail.x + AVM_MAX (dx, 0.0) + px + 4.0;
    box[3] = build->tail.y + AVM_MAX (dy, 0.0) + py + 4.0;
  }
}

static bool
is_fingering (AvmBodyPart part)
{
  return part >= AVM_PART_PALM && part <= AVM_PART_FINGER_3;
}

/* The upright box around a box that a map turns. */
static void
turn_box (double box[4], const AvmAffine *map)
{
  double x = 0.5 * (box[0] + box[2]), y = 0.5 * (box[1] + box[3]);
  double w = 0.5 * (box[2] - box[0]), h = 0.5 * (box[3] - box[1]);
  double cx = map->a * x + map->b * y, cy = map->c * x + map->d * y;
  double dx = fabs (map->a) * w + fabs (map->b) * h;
  double dy = fabs (map->c) * w + fabs (map->d) * h;

  box[0] = cx - dx;
  box[1] = cy - dy;
  box[2] = cx + dx;
  box[3] = cy + dy;
}

static void
paint_part (AvmCanvas *canvas, AvmBodyPart part, const AvmBuild *build,
    const AvmLook *look)
{
  switch (part) {
    case AVM_PART_TORSO:
      paint_torso (canvas, build, look);
      break;
    case AVM_PART_HEAD:
      paint_head (canvas, look);
      break;
    case AVM_PART_LEFT_UPPER:
    case AVM_PART_RIGHT_UPPER:
      paint_arm (canvas, look, 37.0, 31.0, false);
      break;
    case AVM_PART_LEFT_FORE:
    case AVM_PART_RIGHT_FORE:
      paint_arm (canvas, look, 31.0, 23.0, true);
      break;
    case AVM_PART_INSTRUMENT:
      paint_instrument (canvas, build, look);
      break;
    case AVM_PART_PALM:
      paint_palm (canvas, look);
      break;
    case AVM_PART_FINGER_0:
    case AVM_PART_FINGER_1:
    case AVM_PART_FINGER_2:
    case AVM_PART_FINGER_3:
      paint_finger (canvas, look, (int)part - (int)AVM_PART_FINGER_0);
      break;
    case AVM_PART_BOW:
      paint_bow (canvas, build->bow_length + 34.0);
      break;
    case AVM_PART_BOW_HAND:
      paint_bow_hand (canvas, look);
      break;
    case AVM_PART_STAND:
    case AVM_N_PARTS:
    default:
      paint_stand (canvas);
      break;
  }
}

bool
avm_parts_bake (AvmSprite parts[AVM_N_PARTS], const AvmBaker *baker,
    AvmInstrument instrument, const AvmLook *look)
{
  return avm_parts_bake_some (
      parts, baker, instrument, look, (1u << AVM_N_PARTS) - 1);
}

bool
avm_parts_bake_some (AvmSprite parts[AVM_N_PARTS], const AvmBaker *baker,
    AvmInstrument instrument, const AvmLook *look, unsigned which)
{
  const AvmBuild *build = avm_build_get (instrument);
  const AvmVec origin = {0.0, 0.0};
  const AvmAffine hand = avm_build_hand (build, origin);

  for (int i = 0; i < AVM_N_PARTS; i++) {
    double box[4];
    AvmCanvas canvas;
    bool baked;

    if (!(which >> i & 1)) {
      memset (&parts[i], 0, sizeof (parts[i]));
      continue;
    }
    part_box ((AvmBodyPart)i, build, box);
    /* what only slides along the neck is baked as it lies there */
    if (is_fingering ((AvmBodyPart)i))
      turn_box (box, &hand);
    if (!avm_canvas_init (&canvas, baker->tile, box[0], box[1], box[2], box[3],
            2.0 * baker->scale, 2))
      return false;
    if (is_fingering ((AvmBodyPart)i))
      canvas.user = hand;
    paint_part (&canvas, (AvmBodyPart)i, build, look);
    baked = avm_sprite_bake (&parts[i], &canvas, baker->matrix, baker->gray);
    avm_canvas_clear (&canvas);
    if (!baked)
      return false;
  }
  return true;
}

bool
avm_cover_bake (AvmSprite *sprite, const AvmBaker *baker, AvmCover kind)
{
  AvmCanvas canvas;
  bool baked;

  if (!avm_canvas_init (
          &canvas, baker->tile, -210, -110, 210, 730, 1.2 * baker->scale, 1))
    return false;
  paint_cover (&canvas, kind);
  baked = avm_sprite_bake (sprite, &canvas, baker->matrix, baker->gray);
  avm_canvas_clear (&canvas);
  return baked;
}
