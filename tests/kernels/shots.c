/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shot boundaries in films whose boundaries are known: cuts of the virtual
 * stage and between textured scenes, dissolves, fades, flashes, dimmed lights,
 * pans and zooms, frames of other sizes, and films with nothing in them.
 */

#include "avmcheck.h"
#include "scene/avm-stage.h"
#include "vision/avm-shots.h"

#define WIDTH 160
#define HEIGHT 90
/* the scene that a frame shows */
#define SCENE_W 320
#define SCENE_H 180
#define RATE 25.0
#define MAX_FOUND 64

typedef struct {
  AvmShots *shots;
  AvmShotsBoundary found[MAX_FOUND];
  int n_found, n_now;
  double now[MAX_FOUND]; /* where avm_shots_is_cut said so at once */
} Run;

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
noise (double x, double y, unsigned salt)
{
  int ix = (int)floor (x), iy = (int)floor (y);
  double fx = x - ix, fy = y - iy;

  fx = fx * fx * (3.0 - 2.0 * fx);
  fy = fy * fy * (3.0 - 2.0 * fy);
  return (lattice (ix, iy, salt) * (1 - fx) + lattice (ix + 1, iy, salt) * fx)
      * (1 - fy)
      + (lattice (ix, iy + 1, salt) * (1 - fx)
            + lattice (ix + 1, iy + 1, salt) * fx)
      * fy;
}

static double
scene (double x, double y, unsigned salt)
{
  return 120.0 + 110.0 * noise (x / 71.0, y / 53.0, salt)
      + 70.0 * noise (x / 23.0, y / 31.0, salt + 1)
      + 30.0 * noise (x / 9.0, y / 7.0, salt + 2);
}

/* How a frame is made of two scenes */
typedef struct {
  unsigned a, b;
  double share; /* of b, 0 to 1 */
  double dx, dy, zoom;
  double gain, offset;
} Look;

static const Look plain = {1, 1, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0};

static void
paint (uint8_t *frame, int width, int height, const Look *look)
{
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      double u = ((double)x / width - 0.5) * SCENE_W * look->zoom + look->dx;
      double v = ((double)y / height - 0.5) * SCENE_H * look->zoom + look->dy;
      double s = scene (u, v, 10 * look->a);

      if (look->share > 0.0)
        s += look->share * (scene (u, v, 10 * look->b) - s);
      s = look->gain * s + look->offset + 2.0 * avm_rng_normal (&avmcheck_rng);
      frame[y * width + x] = (uint8_t)AVM_CLAMP (lround (s), 0, 255);
    }
}

static Run *
begin (void)
{
  const AvmShotsParams params = AVM_SHOTS_PARAMS_INIT;
  Run *run = avm_alloc (1, sizeof (Run));

  run->shots = avm_shots_new (&params, NULL);
  CHECK (run->shots != NULL, "new");
  return run;
}

static void
take (Run *run)
{
  while (run->n_found < MAX_FOUND
      && avm_shots_take (run->shots, &run->found[run->n_found]))
    run->n_found++;
}

static void
give (Run *run, const uint8_t *frame, int width, int height, double time)
{
  avm_shots_do (run->shots, frame, width, width, height, time);
  if (avm_shots_is_cut (run->shots) && run->n_now < MAX_FOUND)
    run->now[run->n_now++] = time;
  take (run);
}

static void
end (Run *run)
{
  avm_shots_end (run->shots);
  take (run);
  for (int i = 1; i < run->n_found; i++)
    CHECK (run->found[i].time > run->found[i - 1].time, "out of order");
}

static void
finish (Run *run)
{
  avm_shots_free (run->shots);
  avm_free (run);
}

static double
ramp (int i, int from, int to)
{
  return AVM_CLAMP ((double)(i - from) / (to - from), 0.0, 1.0);
}

/* Cuts of the stage are between framings of the same room. */
static void
check_stage (void)
{
  static const double cuts[] = {0.8, 2.0, 3.2, 4.4};
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  uint8_t *planes[] = {frame};
  const int strides[] = {WIDTH};
  AvmStageConfig config;
  AvmStage *stage;
  AvmPose poses[4];
  Run *run = begin ();

  avm_stage_config_init (&config, WIDTH, HEIGHT, 4);
  config.gray = true;
  config.noise = 2.0;
  config.shake = 2.0;
  config.seed = avm_rng_u32 (&avmcheck_rng);
  config.cut_times = cuts;
  config.n_cut_times = 4;
  stage = avm_stage_new (&config, NULL);
  CHECK (stage != NULL, "stage");
  for (int i = 0; i < 4; i++)
    avm_stage_pose_init (&poses[i], config.instruments[i]);
  for (int i = 0; i < 140; i++) {
    avm_stage_render (stage, i / RATE, poses, planes, strides, 1);
    give (run, frame, WIDTH, HEIGHT, i / RATE);
  }
  end (run);
  CHECK (run->n_found == 4, "%d boundaries", run->n_found);
  CHECK (run->n_now == 4, "%d cuts at once", run->n_now);
  for (int i = 0; i < AVM_MIN (run->n_found, 4); i++) {
    CHECK (run->found[i].transition == AVM_SHOTS_CUT, "cut %d", i);
    CHECK_NEAR (run->found[i].time, cuts[i], 0.5 / RATE, 0, "cut %d", i);
    CHECK (run->found[i].duration == 0.0 && run->found[i].score > 0.1
            && run->found[i].score <= 1.0,
        "cut %d: %g", i, run->found[i].score);
  }
  for (int i = 0; i < AVM_MIN (run->n_now, 4); i++)
    CHECK_NEAR (run->now[i], cuts[i], 0.5 / RATE, 0, "at once %d", i);
  avm_stage_free (stage);
  finish (run);
  avm_free (frame);
}

/* Dissolves of n frames, in a still and in a turning camera */
static void
check_dissolves (void)
{
  static const int n_frames[] = {6, 12, 25, 60};
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);

  for (int k = 0; k < 8; k++) {
    int n = n_frames[k / 2];
    Run *run = begin ();

    for (int i = 0; i < 160; i++) {
      Look look = plain;

      look.a = 3 + 2 * (unsigned)k;
      look.b = 4 + 2 * (unsigned)k;
      look.share = ramp (i, 50, 50 + n);
      look.dx = k % 2 * 0.3 * i;
      paint (frame, WIDTH, HEIGHT, &look);
      give (run, frame, WIDTH, HEIGHT, i / RATE);
    }
    end (run);
    CHECK (run->n_now == 0, "%d frames: a cut at once", n);
    CHECK (run->n_found == 1, "%d frames, moving %d: %d boundaries", n, k % 2,
        run->n_found);
    if (run->n_found == 1) {
      CHECK (run->found[0].transition == AVM_SHOTS_DISSOLVE, "%d frames", n);
      CHECK_NEAR (run->found[0].time, (50 + n) / RATE, 3 / RATE, 0,
          "%d frames, moving %d: end", n, k % 2);
      CHECK_NEAR (run->found[0].duration, n / RATE, 4 / RATE, 0.1,
          "%d frames, moving %d: length", n, k % 2);
    }
    finish (run);
  }
  avm_free (frame);
}

/* To black and from black to another scene */
static void
check_fades (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  Run *run = begin ();

  for (int i = 0; i < 150; i++) {
    Look look = plain;

    look.a = i < 75 ? 1 : 2;
    look.gain = i < 75 ? 1.0 - ramp (i, 40, 60) : ramp (i, 90, 110);
    look.offset = 16.0 * (1.0 - look.gain);
    paint (frame, WIDTH, HEIGHT, &look);
    give (run, frame, WIDTH, HEIGHT, i / RATE);
  }
  end (run);
  CHECK (run->n_found == 2, "%d boundaries", run->n_found);
  for (int i = 0; i < AVM_MIN (run->n_found, 2); i++) {
    CHECK (run->found[i].transition == AVM_SHOTS_DISSOLVE, "fade %d", i);
    CHECK_NEAR (run->found[i].time, (i == 0 ? 60 : 110) / RATE, 6 / RATE, 0,
        "fade %d", i);
  }
  finish (run);
  avm_free (frame);
}

/* What changes much and is no boundary */
static void
check_quiet (void)
{
  enum {
    PAN,
    ZOOM,
    DIM,
    FLASH,
    HAND_HELD,
    N_KINDS
  };
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);

  for (int kind = 0; kind < N_KINDS; kind++) {
    Run *run = begin ();

    for (int i = 0; i < 150; i++) {
      Look look = plain;

      if (kind == PAN)
        look.dx = 4.0 * i;
      if (kind == ZOOM)
        look.zoom = 1.0 - 0.004 * i;
      if (kind == DIM)
        look.gain = 0.6 + 0.4 * cos (i * 0.08);
      if (kind == FLASH && i % 37 > 34)
        look.offset = 90.0;
      if (kind == HAND_HELD) {
        look.dx = 6.0 * sin (0.31 * i) + 4.0 * sin (0.83 * i);
        look.dy = 5.0 * cos (0.43 * i);
      }
      paint (frame, WIDTH, HEIGHT, &look);
      give (run, frame, WIDTH, HEIGHT, i / RATE);
    }
    end (run);
    CHECK (run->n_found == 0,
        "kind %d: %d boundaries, the first at %.2f s, %g s long, %g", kind,
        run->n_found, run->found[0].time, run->found[0].duration,
        run->found[0].score);
    finish (run);
  }
  avm_free (frame);
}

/* Other sizes go on with the shot, and cuts are found in all of them. */
static void
check_sizes (void)
{
  static const int sizes[][2] = {
      {320, 180}, {1, 1}, {640, 360}, {7, 5}, {177, 99}, {33, 400}};
  uint8_t *frame = avm_alloc (640 * 400, 1);
  Run *run = begin ();

  for (int i = 0; i < 80; i++) {
    int k = i / 20 * 2; /* sizes of a picture, changing within shots */
    const int *size = sizes[i % 20 < 10 ? k % 4 == 0 ? 0 : 2 : 4];
    Look look = plain;

    look.a = 1 + (unsigned)i / 20;
    paint (frame, size[0], size[1], &look);
    give (run, frame, size[0], size[1], i / RATE);
  }
  end (run);
  CHECK (run->n_found == 3, "%d cuts", run->n_found);
  for (int i = 0; i < AVM_MIN (run->n_found, 3); i++)
    CHECK_NEAR (run->found[i].time, 20 * (i + 1) / RATE, 1e-9, 0, "cut %d", i);
  finish (run);
  run = begin ();
  for (int i = 0; i < 60; i++) {
    const int *size = sizes[i % 6];

    memset (frame, 40 * (i % 6), 640 * 400);
    give (run, frame, size[0], size[1], i / RATE);
  }
  end (run);
  CHECK (run->n_found == 0, "%d boundaries in plain frames", run->n_found);
  finish (run);
  avm_free (frame);
}

static void
check_short (void)
{
  uint8_t *frame = avm_alloc (WIDTH * HEIGHT, 1);
  AvmShotsBoundary boundary;

  for (int n = 0; n < 30; n++) {
    Run *run = begin ();

    for (int i = 0; i < n; i++) {
      Look look = plain;

      look.a = i < n / 2 ? 1 : 2;
      paint (frame, WIDTH, HEIGHT, &look);
      give (run, frame, WIDTH, HEIGHT, i / RATE);
    }
    end (run);
    /* less than three frames before it do not say what is usual */
    if (n >= 8)
      CHECK (
          run->n_found == 1 && fabs (run->found[0].time - n / 2 / RATE) < 1e-9,
          "%d frames: %d boundaries", n, run->n_found);
    CHECK (run->n_found <= 1, "%d frames: %d boundaries", n, run->n_found);
    /* the next film begins with nothing */
    avm_shots_reset (run->shots);
    give (run, frame, WIDTH, HEIGHT, 0.0);
    CHECK (!avm_shots_take (run->shots, &boundary), "after a reset");
    CHECK (avm_shots_unlikeness (run->shots) == 0.0, "first frame");
    finish (run);
  }
  avm_free (frame);
}

static void
check_range (void)
{
  const AvmShotsParams good = AVM_SHOTS_PARAMS_INIT;
  AvmShotsParams bad[5] = {good, good, good, good, good};
  AvmError error;

  bad[0].cut = 1.5;
  bad[1].dissolve = NAN;
  bad[2].max_dissolve = 11.0;
  bad[3].min_shot = -1.0;
  bad[4].cut = -INFINITY;
  for (int i = 0; i < 5; i++)
    CHECK (avm_shots_new (&bad[i], &error) == NULL
            && error.code == AVM_ERROR_RANGE,
        "parameters %d", i);
}

static void
bench (void)
{
  const AvmShotsParams params = AVM_SHOTS_PARAMS_INIT;
  AvmShots *shots = avm_shots_new (&params, NULL);
  uint8_t *frame = avm_alloc (1920 * 1080, 1);
  double t = 0.0;

  for (int i = 0; i < 1920 * 1080; i++)
    frame[i] = (uint8_t)avm_rng_u32 (&avmcheck_rng);
  BENCH ("one frame of 1920x1080 against 1280x720", 50,
      avm_shots_do (shots, frame, 1920, 1920, 1080, t += 0.04),
      avm_shots_do (shots, frame, 1280, 1280, 720, t += 0.04));
  avm_shots_free (shots);
  avm_free (frame);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_stage ();
  check_dissolves ();
  check_fades ();
  check_quiet ();
  check_sizes ();
  check_short ();
  check_range ();
  bench ();
  return avmcheck_report ();
}
