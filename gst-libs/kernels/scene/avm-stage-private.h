/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Inside the stage: a painter that fills band-limited shapes on a float
 * canvas (slow, once), and sprites, the baked textures that are drawn into
 * every frame (fast). Not for use outside of avm-stage-*.c.
 */

#ifndef AVM_STAGE_PRIVATE_H
#define AVM_STAGE_PRIVATE_H

#include "scene/avm-stage.h"

#include <math.h>

typedef struct {
  double x, y;
} AvmVec;

/* x' = a x + b y + x0, y' = c x + d y + y0 */
typedef struct {
  double a, b, c, d, x0, y0;
} AvmAffine;

typedef struct {
  float r, g, b;
} AvmColor;

/* -- affine maps ----------------------------------------------------------- */

/* Lengths of the arm sprites, which lie along x from the joint. */
#define AVM_ARM_LENGTH 100.0

/* first `inner`, then `outer` */
static inline AvmAffine
avm_affine_compose (const AvmAffine *outer, const AvmAffine *inner)
{
  AvmAffine m = {outer->a * inner->a + outer->b * inner->c,
      outer->a * inner->b + outer->b * inner->d,
      outer->c * inner->a + outer->d * inner->c,
      outer->c * inner->b + outer->d * inner->d,
      outer->a * inner->x0 + outer->b * inner->y0 + outer->x0,
      outer->c * inner->x0 + outer->d * inner->y0 + outer->y0};

  return m;
}

static inline AvmVec
avm_affine_apply (const AvmAffine *m, double x, double y)
{
  AvmVec p = {m->a * x + m->b * y + m->x0, m->c * x + m->d * y + m->y0};

  return p;
}

static inline AvmAffine
avm_affine_shift (AvmVec at)
{
  AvmAffine m = {1.0, 0.0, 0.0, 1.0, at.x, at.y};

  return m;
}

static inline AvmAffine
avm_affine_rotation (double angle, AvmVec at)
{
  AvmAffine m = {
      cos (angle), -sin (angle), sin (angle), cos (angle), at.x, at.y};

  return m;
}

/* An arm's sprite from joint a to joint b. */
static inline AvmAffine
avm_affine_bone (AvmVec a, AvmVec b)
{
  double dx = b.x - a.x, dy = b.y - a.y;
  double length = AVM_MAX (sqrt (dx * dx + dy * dy), 1.0);
  double along = length / AVM_ARM_LENGTH;
  double ux = dx / length, uy = dy / length;
  AvmAffine m = {ux * along, -uy, uy * along, ux, a.x, a.y};

  return m;
}

/* -- avm-stage-paint.c ----------------------------------------------------- */

#define AVM_TILE 256

/* Smooth noise that repeats after AVM_TILE samples, mean 0, sd 1, shortest
 * wavelength about 8 samples. */
typedef struct {
  float v[AVM_TILE * AVM_TILE];
} AvmTile;

void avm_tile_init (AvmTile *tile, uint64_t seed);
/* x, y in samples, bilinear */
float avm_tile_at (const AvmTile *tile, double x, double y);

typedef enum {
  AVM_TEXTURE_NONE = 0,
  AVM_TEXTURE_GRAIN,   /* isotropic, wavelength `size` */
  AVM_TEXTURE_FIBRE,   /* long along `angle`, wavelength `size` across */
  AVM_TEXTURE_STRIPES, /* stripes along `angle`, period `size` */
  AVM_TEXTURE_CHECK,   /* two sets of stripes */
  AVM_TEXTURE_DAMASK,  /* wallpaper ornaments, period `size` */
  AVM_TEXTURE_FOLDS    /* vertical folds of a curtain, period `size` */
} AvmTexture;

/**
 * AvmPaint: how a shape is filled. Lengths in units of the canvas' user
 * space. color turns into color2 from (x0, y0) to (x1, y1).
 */
typedef struct {
  AvmColor color, color2;
  double x0, y0, x1, y1;
  bool gradient;
  AvmTexture texture;
  double size, angle, amount; /* amount: relative change of brightness */
  double grain, grain_size;   /* a second, isotropic texture */
  double rim, rim_width;      /* darker by rim at the edge: volume */
  double along_x, along_y;    /* the angle again; set by the fill */
  double alpha;               /* 0 counts as 1 */
  double soft;                /* blurs the edge, units */
  double offset;              /* moves the textures: another cloth */
} AvmPaint;

/**
 * AvmCanvas: premultiplied RGBA in floats, gamma space. Paths are given in
 * user space, which `user` maps to canvas units.
 */
typedef struct {
  int w, h;       /* texels */
  double density; /* texels per unit */
  double x0, y0;  /* units at the outer corner of texel 0, 0 */
  int sharpness;  /* passes of [1 2 1] over every mask */
  AvmAffine user;
  const AvmTile *tile;
  float *rgba;
  float *mask, *scratch;  /* (w + 2) * h */
  float *line;            /* w or h, the longer */
  int bx0, by0, bx1, by1; /* texels the path touches */
  AvmVec start, last;     /* texels */
  bool open;
} AvmCanvas;

bool avm_canvas_init (AvmCanvas *canvas, const AvmTile *tile, double x0,
    double y0, double x1, double y1, double density, int sharpness);
void avm_canvas_clear (AvmCanvas *canvas);
/* Leaves no more of it than was painted on. Then it can only be baked. */
void avm_canvas_crop (AvmCanvas *canvas);

void avm_path_move (AvmCanvas *canvas, double x, double y);
void avm_path_line (AvmCanvas *canvas, double x, double y);
/* quadratic Bezier */
void avm_path_quad (
    AvmCanvas *canvas, double cx, double cy, double x, double y);
void avm_path_ellipse (
    AvmCanvas *canvas, double x, double y, double rx, double ry, double angle);
void avm_path_rect (AvmCanvas *canvas, double x, double y, double w, double h);
/* from a circle of radius ra to one of rb */
void avm_path_capsule (AvmCanvas *canvas, double ax, double ay, double ra,
    double bx, double by, double rb);
/* closed Catmull-Rom spline through n points */
void avm_path_blob (AvmCanvas *canvas, const AvmVec *points, int n);
/* an open line through n points (smooth), of a width */
void avm_path_stroke (
    AvmCanvas *canvas, const AvmVec *points, int n, double width);
void avm_canvas_fill (AvmCanvas *canvas, const AvmPaint *paint);

AvmPaint avm_paint (AvmColor color);
AvmPaint avm_paint_shaded (AvmColor color, double rim, double rim_width);
AvmColor avm_color (int rgb);
AvmColor avm_color_scale (AvmColor color, double gain);
AvmColor avm_color_mix (AvmColor a, AvmColor b, double share);

/* -- avm-stage-sprite.c ---------------------------------------------------- */

/* Texels are value | alpha << 16, premultiplied. */
typedef struct {
  uint32_t *texels;
  uint16_t *extents; /* per row: first, and one past last, not empty */
  int w, h;
} AvmLayer;

typedef struct {
  AvmLayer layers[3]; /* Y; U and V at half the density */
  double density, x0, y0;
} AvmSprite;

/* What is drawn into. */
typedef struct {
  uint8_t *planes[3];
  int strides[3];
  int width, height, n_planes;
} AvmTarget;

/* RGB to Y'CbCr, limited range */
typedef struct {
  float y[3], u[3], v[3];
} AvmMatrix;

void avm_matrix_init (AvmMatrix *matrix, bool hd);
bool avm_sprite_bake (AvmSprite *sprite, const AvmCanvas *canvas,
    const AvmMatrix *matrix, bool gray);
void avm_sprite_clear (AvmSprite *sprite);
/* map: sprite units to luma px of the target */
void avm_sprite_draw (
    const AvmSprite *sprite, const AvmTarget *target, const AvmAffine *map);
/* alpha 0 .. 1 at px (x, y) */
double avm_sprite_alpha (
    const AvmSprite *sprite, const AvmAffine *map, double x, double y);

/* An opaque picture with room to move under the frame. */
typedef struct {
  uint8_t *planes[3];
  int w[3], h[3];
  int margin; /* luma px on each side, even */
} AvmBackdrop;

bool avm_backdrop_bake (AvmBackdrop *backdrop, const AvmCanvas *canvas,
    const AvmMatrix *matrix, int margin, bool gray);
void avm_backdrop_clear (AvmBackdrop *backdrop);
/* The frame's content is displaced by (dx, dy) px, |d| <= margin - 3;
 * scratch: width + 8 floats. */
void avm_backdrop_draw (const AvmBackdrop *backdrop, const AvmTarget *target,
    double dx, double dy, float *scratch);

#define AVM_NOISE_TABLE 65536

void avm_noise_fill (int8_t *table, double sd, uint64_t seed);
/* adds to the luma, a piece of the table per row as hash says */
void avm_noise_add (
    const int8_t *table, const AvmTarget *target, uint64_t hash);

/* -- avm-stage-parts.c ----------------------------------------------------- */

typedef enum {
  AVM_PART_TORSO = 0,
  AVM_PART_HEAD,
  AVM_PART_LEFT_UPPER,
  AVM_PART_LEFT_FORE,
  AVM_PART_RIGHT_UPPER,
  AVM_PART_RIGHT_FORE,
  AVM_PART_INSTRUMENT,
  AVM_PART_PALM,
  AVM_PART_FINGER_0,
  AVM_PART_FINGER_1,
  AVM_PART_FINGER_2,
  AVM_PART_FINGER_3,
  AVM_PART_BOW,
  AVM_PART_BOW_HAND,
  AVM_PART_STAND,
  AVM_N_PARTS
} AvmBodyPart;

/**
 * AvmBuild: the shape of a player, in body units (7 per cm) with the floor
 * at y = 1040 and the body's middle at x = 0.
 */
typedef struct {
  bool upright; /* cello, bass: the instrument stands */
  bool standing;
  AvmVec head;      /* centre */
  double head_tilt; /* rad */
  AvmVec right_shoulder, left_shoulder;
  AvmVec tail;                 /* where the instrument's axis begins */
  AvmVec out;                  /* unit vector from there to the scroll */
  double length;               /* all of it, to the end of the scroll */
  double body_begin, body_end; /* along the axis */
  double bridge, contact, nut;
  double hand_at_nut, hand_travel; /* hand centre along, neck = 0, to 1 */
  double hand_side;                /* hand centre across */
  AvmVec wrist;                    /* from the hand's centre: along, across */
  AvmVec left_elbow;
  AvmVec frog_elbow, tip_elbow; /* right elbow, by the bow's end in use */
  double bow_length;
  double bow_angle; /* of the stick, frog to tip, rad */
  double bow_tilt;  /* rad per string */
} AvmBuild;

/* How a hand lies on the neck: its x towards the bridge, y across. */
AvmAffine avm_build_hand (const AvmBuild *build, AvmVec at);

/* How a player looks. */
typedef struct {
  AvmColor skin, hair, cloth, trousers, wood, eyes;
  AvmTexture cloth_texture;
  bool long_hair, beard, glasses, skirt, ring;
  double offset; /* of the textures */
} AvmLook;

const AvmBuild *avm_build_get (AvmInstrument instrument);
void avm_look_init (AvmLook *look, int player, uint64_t seed);

typedef struct {
  const AvmTile *tile;
  const AvmMatrix *matrix;
  double scale; /* px per body unit */
  bool gray;
} AvmBaker;

bool avm_parts_bake (AvmSprite parts[AVM_N_PARTS], const AvmBaker *baker,
    AvmInstrument instrument, const AvmLook *look);
/* Only the parts whose bit (1 << AvmBodyPart) is set; the others are cleared. */
bool avm_parts_bake_some (AvmSprite parts[AVM_N_PARTS], const AvmBaker *baker,
    AvmInstrument instrument, const AvmLook *look, unsigned which);
/* chair and legs, which never move: into the room's canvas, whose user space
 * is the body's */
void avm_parts_paint_seat (
    AvmCanvas *canvas, AvmInstrument instrument, const AvmLook *look);

typedef enum {
  AVM_COVER_HEAD = 0, /* someone stands up in the audience */
  AVM_COVER_SHEET,    /* an arm that holds up a programme */
  AVM_N_COVERS
} AvmCover;

bool avm_cover_bake (AvmSprite *sprite, const AvmBaker *baker, AvmCover kind);

/* -- avm-stage-room.c ------------------------------------------------------ */

/* user space of the canvas: units; variant: another side of the room */
void avm_room_paint (AvmCanvas *canvas, uint64_t seed, int variant);

#endif /* AVM_STAGE_PRIVATE_H */
