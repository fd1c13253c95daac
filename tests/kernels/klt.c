/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The region tracker on films whose truth is a formula: a textured disc moves
 * over a textured background. Drift, jitter, cuts, occlusion, seeks, other
 * frame sizes, and input that cannot be tracked.
 */

#include "avmcheck.h"
#include "vision/avm-klt.h"

#define WIDTH 320
#define HEIGHT 240
#define RADIUS 27.0

/* smooth noise: values at lattice points, interpolated with a cubic */
static double
lattice (int x, int y, unsigned salt)
{
  uint32_t h =
      (uint32_t)x * 374761393u + (uint32_t)y * 668265263u + salt * 2246822519u;

  h = (h ^ (h >> 13)) * 1274126177u;
  h ^= h >> 16;
  return (double)h / 4294967296.0 - 0.5;
}

static double
smooth (double t)
{
  return t * t * (3.0 - 2.0 * t);
}

static double
noise (double x, double y, unsigned salt)
{
  int ix = (int)floor (x), iy = (int)floor (y);
  double fx = smooth (x - ix), fy = smooth (y - iy);
  double top =
      lattice (ix, iy, salt) * (1 - fx) + lattice (ix + 1, iy, salt) * fx;
  double bottom = lattice (ix, iy + 1, salt) * (1 - fx)
      + lattice (ix + 1, iy + 1, salt) * fx;

  return top * (1 - fy) + bottom * fy;
}

static double
texture (double x, double y, unsigned salt)
{
  return 120.0 + 90.0 * noise (x / 17.0, y / 17.0, salt)
      + 70.0 * noise (x / 7.3, y / 7.3, salt + 1)
      + 50.0 * noise (x / 4.1, y / 4.1, salt + 2);
}

typedef struct {
  double x, y; /* centre of the disc */
  bool visible;
  unsigned scene;
  double scale; /* size of the frame */
} Shot;

/* A soft edge, as lenses make it; sensor noise of 1.5 levels. */
static void
shoot (uint8_t *frame, const Shot *shot)
{
  int w = (int)(WIDTH * shot->scale), h = (int)(HEIGHT * shot->scale);

  for (int j = 0; j < h; j++)
    for (int i = 0; i < w; i++) {
      double x = i / shot->scale, y = j / shot->scale;
      double d = hypot (x - shot->x, y - shot->y);
      double alpha =
          shot->visible ? AVM_CLAMP (RADIUS - d + 0.5, 0.0, 1.0) : 0.0;
      double v = texture (x, y, 100 + 10 * shot->scene);

      if (alpha > 0.0)
        v = (1 - alpha) * v
            + alpha * texture (x - shot->x + 500, y - shot->y + 500, 7);
      v += 1.5 * avm_rng_normal (&avmcheck_rng);
      frame[j * w + i] = (uint8_t)AVM_CLAMP (lround (v), 0, 255);
    }
}

/* Sway, vibrato on top of it, and now and then a shift along the neck. */
static Shot
performance (int frame)
{
  double t = frame / 30.0;
  double shift = 30.0 * smooth (AVM_CLAMP ((t - 4.0) / 0.25, 0.0, 1.0));

  return (Shot){140.0 + 20.0 * sin (2 * M_PI * 0.4 * t)
          + 0.9 * sin (2 * M_PI * 6.1 * t) + shift,
      120.0 + 9.0 * sin (2 * M_PI * 1.1 * t) + 1.2 * sin (2 * M_PI * 6.1 * t),
      true, 0, 1.0};
}

static AvmKlt *
begin (uint8_t *frame)
{
  AvmKltParams params = AVM_KLT_PARAMS_INIT;
  AvmKlt *klt = avm_klt_new (WIDTH, HEIGHT, &params);
  Shot shot = performance (0);

  CHECK (klt != NULL, "new");
  CHECK (avm_klt_set_region (
             klt, 5, (float)(shot.x - 24), (float)(shot.y - 24), 48, 48),
      "set");
  shoot (frame, &shot);
  avm_klt_do (klt, frame, WIDTH);
  CHECK (avm_klt_n_regions (klt) == 1
          && avm_klt_region (klt, 0)->state == AVM_KLT_GIVEN
          && avm_klt_region (klt, 0)->id == 5,
      "given");
  return klt;
}

static double
distance (const AvmKltRegion *r, const Shot *shot)
{
  return hypot (r->x + 0.5 * r->w - shot->x, r->y + 0.5 * r->h - shot->y);
}

static void
check_drift (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmKlt *klt = begin (frame);
  double worst = 0.0, squares = 0.0;
  int n = 0;

  for (int i = 1; i < 300; i++) {
    Shot before = performance (i - 1), shot = performance (i);
    const AvmKltRegion *r;
    bool inside = true;

    shoot (frame, &shot);
    avm_klt_do (klt, frame, WIDTH);
    r = avm_klt_region (klt, 0);
    CHECK (r->state == AVM_KLT_TRACKED, "frame %d: state %d", i, r->state);
    CHECK (r->confidence > 0.3f && r->confidence <= 1.0f, "frame %d: %g", i,
        r->confidence);
    CHECK (r->n_points >= 5, "frame %d: %zu points", i, r->n_points);
    for (size_t k = 0; k < r->n_points; k++)
      inside &= fabsf (r->points[k].x - r->x - 0.5f * r->w) < 0.6f * r->w;
    CHECK (inside, "frame %d: a point is outside", i);
    worst = fmax (worst, distance (r, &shot));
    squares += pow (r->dx - (shot.x - before.x), 2)
        + pow (r->dy - (shot.y - before.y), 2);
    n += 2;
  }
  CHECK (worst < 1.0, "%.2f px off", worst);
  CHECK (sqrt (squares / n) < 0.05, "jitter %.4f px", sqrt (squares / n));
  avm_klt_free (klt);
  avm_free (frame);
}

/* Twenty frames of another scene with no disc in it, and back. */
static void
check_cut (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmKlt *klt = begin (frame);
  const AvmKltRegion *r = NULL;
  int recovered = -1;

  for (int i = 1; i < 90; i++) {
    Shot shot = performance (i);
    bool away = i >= 30 && i < 50;

    shot.visible = !away;
    shot.scene = away;
    shoot (frame, &shot);
    avm_klt_do (klt, frame, WIDTH);
    r = avm_klt_region (klt, 0);
    if (away) {
      CHECK (r->state == AVM_KLT_LOST, "frame %d: state %d", i, r->state);
      CHECK (r->confidence == 0.0f && r->n_points == 0, "frame %d", i);
    }
    if (r->state == AVM_KLT_RECOVERED) {
      CHECK (recovered < 0, "recovered twice");
      recovered = i;
    }
    if (recovered >= 0)
      CHECK (distance (r, &shot) < 2.5, "frame %d: %.2f px off", i,
          distance (r, &shot));
  }
  CHECK (recovered >= 50 && recovered <= 53, "recovered at %d", recovered);
  CHECK (r->state == AVM_KLT_TRACKED, "tracked to the end");
  avm_klt_free (klt);
  avm_free (frame);
}

static void
check_reset (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmKlt *klt = begin (frame);
  const AvmKltRegion *r = avm_klt_region (klt, 0);
  Shot shot = performance (0);

  shot.x += 70.0;
  shot.y -= 40.0;
  avm_klt_reset (klt);
  shoot (frame, &shot);
  avm_klt_do (klt, frame, WIDTH);
  CHECK (r->state == AVM_KLT_RECOVERED && distance (r, &shot) < 2.0,
      "state %d, %.2f px off", r->state, distance (r, &shot));
  avm_klt_free (klt);
  avm_free (frame);
}

static void
check_resize (void)
{
  uint8_t *frame = avm_alloc (4 * WIDTH * HEIGHT, 1);
  AvmKlt *klt = begin (frame);
  const AvmKltRegion *r = avm_klt_region (klt, 0);
  Shot shot = performance (1);

  shot.scale = 2.0;
  CHECK (!avm_klt_resize (klt, 0, 5), "no size");
  CHECK (avm_klt_resize (klt, 2 * WIDTH, 2 * HEIGHT), "resize");
  shoot (frame, &shot);
  avm_klt_do (klt, frame, 2 * WIDTH);
  CHECK (r->state == AVM_KLT_RECOVERED, "state %d", r->state);
  CHECK_NEAR (r->w, 96.0, 1e-3, 0, "width");
  CHECK_NEAR (r->x + 0.5 * r->w, 2 * shot.x, 4.0, 0, "x");
  CHECK_NEAR (r->y + 0.5 * r->h, 2 * shot.y, 4.0, 0, "y");
  shot = performance (2);
  shot.scale = 2.0;
  shoot (frame, &shot);
  avm_klt_do (klt, frame, 2 * WIDTH);
  CHECK (r->state == AVM_KLT_TRACKED, "state %d", r->state);
  avm_klt_free (klt);
  avm_free (frame);
}

/* The disc leaves: what stays is the background, which is not the disc. */
static void
check_gone (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmKlt *klt = begin (frame);
  const AvmKltRegion *r = avm_klt_region (klt, 0);
  Shot shot = performance (1);

  shot.visible = false;
  for (int i = 0; i < 30; i++) {
    shoot (frame, &shot);
    avm_klt_do (klt, frame, WIDTH);
  }
  CHECK (r->state == AVM_KLT_LOST, "follows garbage, confidence %g",
      r->confidence);
  avm_klt_free (klt);
  avm_free (frame);
}

static void
check_scale (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmKltParams params = AVM_KLT_PARAMS_INIT;
  AvmKlt *klt;
  const AvmKltRegion *r;

  params.follow_scale = true;
  klt = avm_klt_new (WIDTH, HEIGHT, &params);
  avm_klt_set_region (klt, 0, 130, 90, 60, 60);
  /* a camera that comes nearer by 0.5 % per frame, around (160, 120) */
  for (int i = 0; i <= 40; i++) {
    double zoom = pow (1.005, i);

    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++)
        frame[y * WIDTH + x] = (uint8_t)AVM_CLAMP (
            texture ((x - 160) / zoom, (y - 120) / zoom, 3), 0.0, 255.0);
    avm_klt_do (klt, frame, WIDTH);
  }
  r = avm_klt_region (klt, 0);
  CHECK (r->state == AVM_KLT_TRACKED, "state %d", r->state);
  CHECK_NEAR (r->w, 60.0 * pow (1.005, 40), 1.5, 0, "width");
  CHECK_NEAR (r->x + 0.5 * r->w, 160.0, 1.5, 0, "x");
  avm_klt_free (klt);
  avm_free (frame);
}

static void
check_hopeless (void)
{
  AvmKltParams params = AVM_KLT_PARAMS_INIT;
  uint8_t frame[33 * 21], dot = 3;
  AvmKlt *klt = avm_klt_new (1, 1, &params);

  CHECK (klt != NULL, "one pixel");
  CHECK (!avm_klt_set_region (klt, 1, 1, 0, 4, 4), "right of the frame");
  CHECK (!avm_klt_set_region (klt, 1, -9, 0, 9, 4), "left of the frame");
  CHECK (!avm_klt_set_region (klt, 1, 0, 0, 0, 4), "no width");
  CHECK (!avm_klt_set_region (klt, 1, NAN, 0, 1, 4), "NaN");
  CHECK (!avm_klt_set_region (klt, 1, 0, 0, INFINITY, 4), "infinite");
  CHECK (avm_klt_set_region (klt, 1, -3, -3, 8, 8), "around the frame");
  for (int i = 0; i < 9; i++)
    avm_klt_do (klt, &dot, 1);
  CHECK (avm_klt_region (klt, 0)->state == AVM_KLT_LOST, "nothing to see");
  avm_klt_remove_region (klt, 2);
  CHECK (avm_klt_n_regions (klt) == 1, "another id");
  avm_klt_remove_region (klt, 1);
  CHECK (avm_klt_n_regions (klt) == 0, "removed");
  avm_klt_do (klt, &dot, 1);
  avm_klt_free (klt);

  memset (frame, 50, sizeof (frame));
  klt = avm_klt_new (33, 21, &params);
  CHECK (avm_klt_set_region (klt, 1, -100, -100, 500, 500), "huge");
  CHECK (avm_klt_set_region (klt, 2, 32.5f, 20.5f, 0.01f, 0.01f), "tiny");
  for (int i = 0; i < 40; i++) {
    for (int k = 0; i > 3 && k < 33 * 21; k++)
      frame[k] = (uint8_t)avm_rng_u32 (&avmcheck_rng);
    avm_klt_do (klt, frame, 33);
  }
  CHECK (avm_klt_n_regions (klt) == 2, "two");
  avm_klt_free (klt);
  params.points = 3;
  CHECK (avm_klt_new (10, 10, &params) == NULL, "too few points");
  avm_klt_free (NULL);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_drift ();
  check_cut ();
  check_reset ();
  check_resize ();
  check_gone ();
  check_scale ();
  check_hopeless ();
  return avmcheck_report ();
}
