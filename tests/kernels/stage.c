/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The picture against its own truth: a small tracker, written here and
 * sharing nothing with the renderer or the vision kernels, measures what
 * moved between two frames and by how much.
 */

#include "avmcheck.h"
#include "scene/avm-stage.h"

#define GUARD 0xa5

typedef struct {
  uint8_t *memory[3], *planes[3];
  int strides[3], w[3], h[3];
  size_t size[3];
} Frame;

static void
frame_init (Frame *frame, int width, int height)
{
  for (int i = 0; i < 3; i++) {
    frame->w[i] = i == 0 ? width : (width + 1) / 2;
    frame->h[i] = i == 0 ? height : (height + 1) / 2;
    frame->strides[i] = frame->w[i] + 7;
    frame->size[i] = (size_t)frame->strides[i] * (size_t)(frame->h[i] + 2);
    frame->memory[i] = avm_alloc (frame->size[i], 1);
    memset (frame->memory[i], GUARD, frame->size[i]);
    frame->planes[i] = frame->memory[i] + frame->strides[i] + 3;
  }
}

static void
frame_clear (Frame *frame)
{
  for (int i = 0; i < 3; i++)
    avm_free (frame->memory[i]);
}

static bool
guards_stand (const Frame *frame, int plane)
{
  const uint8_t *p = frame->memory[plane];
  int stride = frame->strides[plane];

  for (size_t k = 0; k < frame->size[plane]; k++) {
    int y = (int)(k / (size_t)stride) - 1, x = (int)(k % (size_t)stride) - 3;
    bool in = y >= 0 && y < frame->h[plane] && x >= 0 && x < frame->w[plane];

    if (!in && p[k] != GUARD)
      return false;
  }
  return true;
}

static void
render (AvmStage *stage, double t, const AvmPose *poses, Frame *frame)
{
  avm_stage_render (stage, t, poses, frame->planes, frame->strides, 3);
}

static bool
same (const Frame *a, const Frame *b)
{
  return memcmp (a->memory[0], b->memory[0], a->size[0]) == 0
      && memcmp (a->memory[1], b->memory[1], a->size[1]) == 0
      && memcmp (a->memory[2], b->memory[2], a->size[2]) == 0;
}

static void
poses_init (AvmPose *poses, const AvmStageConfig *config)
{
  for (int i = 0; i < config->n_players; i++) {
    avm_stage_pose_init (&poses[i], config->instruments[i]);
    poses[i].playing = true;
    poses[i].bow = avm_rng_uniform (&avmcheck_rng);
    poses[i].string = avm_rng_range (&avmcheck_rng, 0.0, 3.0);
    poses[i].neck = avm_rng_range (&avmcheck_rng, 0.0, 0.8);
    poses[i].finger = avm_rng_uniform (&avmcheck_rng);
    poses[i].sway_x = avm_rng_range (&avmcheck_rng, -10.0, 10.0);
  }
}

/* -- the tracker ----------------------------------------------------------- */

static double
pixel (const Frame *frame, double x, double y)
{
  int ix = (int)floor (x), iy = (int)floor (y);
  double sum = 0.0;

  /* Keys' cubic, 4 x 4 */
  for (int j = -1; j <= 2; j++) {
    for (int i = -1; i <= 2; i++) {
      double dx = fabs (x - (ix + i)), dy = fabs (y - (iy + j));
      double wx = dx < 1.0 ? (1.5 * dx - 2.5) * dx * dx + 1.0
                           : ((-0.5 * dx + 2.5) * dx - 4.0) * dx + 2.0;
      double wy = dy < 1.0 ? (1.5 * dy - 2.5) * dy * dy + 1.0
                           : ((-0.5 * dy + 2.5) * dy - 4.0) * dy + 2.0;
      int px = AVM_CLAMP (ix + i, 0, frame->w[0] - 1);
      int py = AVM_CLAMP (iy + j, 0, frame->h[0] - 1);

      sum += wx * wy * frame->planes[0][(ptrdiff_t)py * frame->strides[0] + px];
    }
  }
  return sum;
}

/* Structure tensor of the window around (x, y); returns the less eigenvalue
 * per pixel. */
static double
tensor (const Frame *frame, int x, int y, int half, double g[3])
{
  double n = (2 * half + 1) * (2 * half + 1), mean, spread;

  g[0] = g[1] = g[2] = 0.0;
  for (int j = -half; j <= half; j++) {
    for (int i = -half; i <= half; i++) {
      double gx = 0.5
          * (pixel (frame, x + i + 1, y + j) - pixel (frame, x + i - 1, y + j));
      double gy = 0.5
          * (pixel (frame, x + i, y + j + 1) - pixel (frame, x + i, y + j - 1));

      g[0] += gx * gx;
      g[1] += gx * gy;
      g[2] += gy * gy;
    }
  }
  mean = 0.5 * (g[0] + g[2]);
  spread = sqrt (0.25 * (g[0] - g[2]) * (g[0] - g[2]) + g[1] * g[1]);
  return (mean - spread) / n;
}

/* Gauss-Newton least squares of one window; false when it does not settle. */
static bool
follow (const Frame *a, const Frame *b, int x, int y, int half, double d[2])
{
  double g[3], determinant;

  tensor (a, x, y, half, g);
  determinant = g[0] * g[2] - g[1] * g[1];
  d[0] = d[1] = 0.0;
  for (int step = 0; step < 30; step++) {
    double ex = 0.0, ey = 0.0, sx, sy;

    for (int j = -half; j <= half; j++) {
      for (int i = -half; i <= half; i++) {
        double gx =
            0.5 * (pixel (a, x + i + 1, y + j) - pixel (a, x + i - 1, y + j));
        double gy =
            0.5 * (pixel (a, x + i, y + j + 1) - pixel (a, x + i, y + j - 1));
        double e =
            pixel (a, x + i, y + j) - pixel (b, x + i + d[0], y + j + d[1]);

        ex += gx * e;
        ey += gy * e;
      }
    }
    sx = (g[2] * ex - g[1] * ey) / determinant;
    sy = (g[0] * ey - g[1] * ex) / determinant;
    d[0] += sx;
    d[1] += sy;
    if (hypot (d[0], d[1]) > 8.0)
      return false;
    if (hypot (sx, sy) < 1e-3)
      return true;
  }
  return false;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Median motion of the corners within a rectangle; returns how many. */
static int
measure (const Frame *a, const Frame *b, const AvmStageRect *rect,
    double shrink, double motion[2])
{
  enum {
    MOST = 60
  };
  double dx[MOST], dy[MOST];
  int n = 0, half = 3, step = 4;
  double mx = 0.5 * shrink * rect->w, my = 0.5 * shrink * rect->h;

  for (int y = (int)(rect->y + my); y < rect->y + rect->h - my; y += step) {
    for (int x = (int)(rect->x + mx); x < rect->x + rect->w - mx; x += step) {
      double g[3], d[2];

      if (n < MOST && tensor (a, x, y, half, g) > 30.0
          && follow (a, b, x, y, half, d)) {
        dx[n] = d[0];
        dy[n++] = d[1];
      }
    }
  }
  motion[0] = motion[1] = 0.0;
  if (n == 0)
    return 0;
  qsort (dx, (size_t)n, sizeof (double), compare);
  qsort (dy, (size_t)n, sizeof (double), compare);
  motion[0] = 0.5 * (dx[n / 2] + dx[(n - 1) / 2]);
  motion[1] = 0.5 * (dy[n / 2] + dy[(n - 1) / 2]);
  return n;
}

/* -- checks ---------------------------------------------------------------- */

/* Only the roll moves; the hand must be seen to move by just that. */
static void
check_roll (int width, int height, int n_players, double limit)
{
  AvmStageConfig config;
  AvmStage *stage;
  AvmPose poses[AVM_STAGE_MAX_PLAYERS], moved[AVM_STAGE_MAX_PLAYERS];
  Frame a, b;
  double square = 0.0, worst = 0.0;
  int n = 0;

  avm_stage_config_init (&config, width, height, n_players);
  config.seed = avm_rng_u32 (&avmcheck_rng);
  stage = avm_stage_new (&config, NULL);
  CHECK (stage != NULL, "%d x %d", width, height);
  frame_init (&a, width, height);
  frame_init (&b, width, height);
  poses_init (poses, &config);
  render (stage, 0.0, poses, &a);
  for (int k = 1; k <= 4; k++) {
    memcpy (moved, poses, sizeof (moved));
    for (int i = 0; i < n_players; i++)
      moved[i].roll = (k % 2 ? 0.61 : -0.61) * k + 0.06 * i;
    render (stage, 0.0, moved, &b);
    for (int i = 0; i < n_players; i++) {
      AvmStageHand from, to;
      AvmStageRect rect;
      double motion[2], error;
      int corners;

      avm_stage_hand (stage, 0.0, poses, i, &from);
      avm_stage_hand (stage, 0.0, moved, i, &to);
      avm_stage_region (stage, 0.0, poses, i, AVM_STAGE_HAND, &rect);
      CHECK_NEAR (hypot (to.x - from.x, to.y - from.y),
          fabs (moved[i].roll) * avm_stage_scale (stage), 1e-9, 0.0,
          "roll is in units, player %d", i);
      CHECK_NEAR (rect.x + 0.5 * rect.w, from.x, 1e-9, 0.0, "centre");
      corners = measure (&a, &b, &rect, 0.3, motion);
      CHECK (corners >= 15, "player %d: %d corners", i, corners);
      error = hypot (motion[0] - (to.x - from.x), motion[1] - (to.y - from.y));
      square += error * error;
      worst = fmax (worst, error);
      n++;
    }
  }
  printf ("roll at %d x %d, %d players: rms error %.4f px, worst %.4f px\n",
      width, height, n_players, sqrt (square / n), worst);
  CHECK (sqrt (square / n) < limit, "rms %g px", sqrt (square / n));
  CHECK (worst < 2.0 * limit, "worst %g px", worst);
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (stage);
}

/* Body and camera move: faces and hands follow the truth. */
static void
check_motion (void)
{
  AvmStageConfig config;
  AvmPose poses[4], moved[4];
  AvmStage *stage;
  Frame a, b;

  avm_stage_config_init (&config, 1280, 720, 4);
  config.seed = avm_rng_u32 (&avmcheck_rng);
  config.shake = 1.0;
  config.pan = 40.0;
  stage = avm_stage_new (&config, NULL);
  frame_init (&a, 1280, 720);
  frame_init (&b, 1280, 720);
  poses_init (poses, &config);
  memcpy (moved, poses, sizeof (moved));
  for (int i = 0; i < 4; i++) {
    moved[i].sway_x += avm_rng_range (&avmcheck_rng, -2.0, 2.0);
    moved[i].sway_y += avm_rng_range (&avmcheck_rng, -2.0, 2.0);
  }
  render (stage, 3.0, poses, &a);
  render (stage, 3.04, moved, &b);
  for (int i = 0; i < 4; i++) {
    for (int role = AVM_STAGE_HAND; role <= AVM_STAGE_FACE; role += 2) {
      AvmStageRect from, to;
      double motion[2];
      int corners;

      avm_stage_region (stage, 3.0, poses, i, (AvmStageRole)role, &from);
      avm_stage_region (stage, 3.04, moved, i, (AvmStageRole)role, &to);
      corners = measure (&a, &b, &from, 0.3, motion);
      CHECK (corners >= 10, "player %d role %d: %d corners", i, role, corners);
      CHECK_NEAR (motion[0], to.x - from.x, 0.05, 0.0, "x of %d, %d", i, role);
      CHECK_NEAR (motion[1], to.y - from.y, 0.05, 0.0, "y of %d, %d", i, role);
    }
  }
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (stage);
}

/* Share of changed luma that lies within a rectangle grown by a factor. */
static double
share_within (
    const Frame *a, const Frame *b, const AvmStageRect *r, double grow)
{
  double in = 0.0, all = 0.0;
  double gx = 0.5 * (grow - 1.0) * r->w, gy = 0.5 * (grow - 1.0) * r->h;

  for (int y = 0; y < a->h[0]; y++) {
    for (int x = 0; x < a->w[0]; x++) {
      double d = abs (a->planes[0][(ptrdiff_t)y * a->strides[0] + x]
          - b->planes[0][(ptrdiff_t)y * b->strides[0] + x]);

      all += d;
      if (x >= r->x - gx && x < r->x + r->w + gx && y >= r->y - gy
          && y < r->y + r->h + gy)
        in += d;
    }
  }
  return all > 0.0 ? in / all : 0.0;
}

static void
check_regions (void)
{
  AvmStageConfig config;
  AvmPose poses[8], moved[8];
  AvmStage *stage;
  AvmStageRect rect;
  AvmStageHand hand;
  Frame a, b;

  avm_stage_config_init (&config, 960, 540, 5);
  for (int i = 0; i < 5; i++)
    config.seats[i] = (i * 2) % 5;
  stage = avm_stage_new (&config, NULL);
  frame_init (&a, 960, 540);
  frame_init (&b, 960, 540);
  poses_init (poses, &config);
  render (stage, 1.0, poses, &a);
  for (int i = 0; i < 5; i++) {
    static const double shares[] = {0.9, 0.6, 0.25, 0.65};

    for (int role = 0; role < 4; role++) {
      double share;

      memcpy (moved, poses, sizeof (moved));
      if (role == AVM_STAGE_PLAYER)
        moved[i].sway_x += 3.0;
      else if (role == AVM_STAGE_HAND)
        moved[i].roll += 2.0;
      else if (role == AVM_STAGE_BOW)
        moved[i].bow += moved[i].bow < 0.5 ? 0.03 : -0.03;
      else
        moved[i].head += 0.06;
      render (stage, 1.0, moved, &b);
      CHECK (avm_stage_region (stage, 1.0, poses, i, (AvmStageRole)role, &rect),
          "player %d", i);
      share = share_within (&a, &b, &rect,
          role == AVM_STAGE_PLAYER     ? 1.25
              : role == AVM_STAGE_FACE ? 1.5
                                       : 1.2);
      CHECK (share >= shares[role], "player %d role %d: %g", i, role, share);
      CHECK (rect.visible > 0.5 && rect.visible <= 1.0, "visible");
    }
  }
  /* seated in the order asked for */
  for (int i = 0; i < 5; i++) {
    AvmStageRect other;

    avm_stage_region (stage, 1.0, poses, i, AVM_STAGE_FACE, &rect);
    for (int k = 0; k < 5; k++) {
      avm_stage_region (stage, 1.0, poses, k, AVM_STAGE_FACE, &other);
      CHECK (config.seats[i] >= config.seats[k] || rect.x < other.x,
          "seats of %d and %d", i, k);
    }
  }
  CHECK (!avm_stage_region (stage, 1.0, poses, 5, AVM_STAGE_HAND, &rect)
          && rect.w == 0.0,
      "no sixth player");
  CHECK (!avm_stage_hand (stage, 1.0, poses, -1, &hand), "player -1");
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (stage);
}

/* However they are seated and bow, all is in shot and no other player comes
 * before a fingering hand. */
static void
check_layout (int n_players)
{
  AvmStageConfig config;
  AvmPose poses[8], others[8];
  AvmStage *stage;
  Frame a, b;

  avm_stage_config_init (&config, 640, 360, n_players);
  config.seed = avm_rng_u32 (&avmcheck_rng);
  for (int i = n_players - 1; i > 0; i--) {
    int k = (int)(avm_rng_u32 (&avmcheck_rng) % (uint32_t)(i + 1));
    int swap = config.seats[i];

    config.seats[i] = config.seats[k];
    config.seats[k] = swap;
  }
  stage = avm_stage_new (&config, NULL);
  frame_init (&a, 640, 360);
  frame_init (&b, 640, 360);
  for (int k = 0; k < 4; k++) {
    poses_init (poses, &config);
    for (int i = 0; i < n_players; i++) {
      poses[i].bow = k % 2;
      poses[i].neck = k / 2;
      poses[i].sway_x = 0.0;
    }
    for (int i = 0; i < n_players; i++) {
      AvmStageRect r;
      int changed = 0, n = 0;

      for (int role = AVM_STAGE_HAND; role <= AVM_STAGE_FACE; role++) {
        avm_stage_region (stage, 0.0, poses, i, (AvmStageRole)role, &r);
        CHECK (r.visible >= 0.95, "%d players, seat %d, role %d: %g in shot",
            n_players, config.seats[i], role, r.visible);
      }
      avm_stage_region (stage, 0.0, poses, i, AVM_STAGE_HAND, &r);
      memcpy (others, poses, sizeof (others));
      for (int m = 0; m < n_players; m++) {
        if (m != i) {
          others[m].bow = 1.0 - others[m].bow;
          others[m].sway_x = 10.0;
        }
      }
      render (stage, 0.0, poses, &a);
      render (stage, 0.0, others, &b);
      for (int y = (int)(r.y + 0.25 * r.h); y < r.y + 0.75 * r.h; y++) {
        for (int x = (int)(r.x + 0.25 * r.w); x < r.x + 0.75 * r.w; x++) {
          ptrdiff_t at = (ptrdiff_t)y * a.strides[0] + x;

          changed += a.planes[0][at] != b.planes[0][at];
          n++;
        }
      }
      CHECK (changed <= 0.15 * n, "%d players, seat %d: %d of %d changed",
          n_players, config.seats[i], changed, n);
    }
  }
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (stage);
}

/* The same seed with and without passers-by: what differs is covered. */
static void
check_cover (void)
{
  AvmStageConfig config;
  AvmPose poses[4];
  AvmStage *with, *without;
  Frame a, b;
  int covered = 0;

  avm_stage_config_init (&config, 640, 360, 4);
  config.seed = avm_rng_u32 (&avmcheck_rng);
  without = avm_stage_new (&config, NULL);
  config.occlusion = 15.0;
  with = avm_stage_new (&config, NULL);
  frame_init (&a, 640, 360);
  frame_init (&b, 640, 360);
  poses_init (poses, &config);
  for (int i = 0; i < 4; i++)
    poses[i].neck = 0.3;
  render (without, 0.0, poses, &a);
  for (int k = 0; k < 80; k++) {
    double t = 0.25 * k;

    render (with, t, poses, &b);
    for (int i = 0; i < 4; i++) {
      AvmStageRect r;
      int changed = 0, n = 0;

      avm_stage_region (with, t, poses, i, AVM_STAGE_HAND, &r);
      for (int y = (int)r.y; y < r.y + r.h; y++) {
        for (int x = (int)r.x; x < r.x + r.w; x++) {
          int d = a.planes[0][(ptrdiff_t)y * a.strides[0] + x]
              - b.planes[0][(ptrdiff_t)y * b.strides[0] + x];

          changed += d != 0;
          n++;
        }
      }
      CHECK_NEAR ((double)changed / n, 1.0 - r.visible, 0.14, 0.0,
          "cover at %g s of %d", t, i);
      covered += r.visible < 0.2;
    }
  }
  CHECK (covered >= 4, "hands were covered %d times", covered);
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (with);
  avm_stage_free (without);
}

static void
check_determinism (void)
{
  AvmStageConfig config;
  AvmPose poses[6];
  AvmStage *one, *two;
  Frame a, b, c;

  avm_stage_config_init (&config, 480, 270, 6);
  config.seed = 5;
  config.noise = 2.0;
  config.shake = 0.7;
  config.occlusion = 12.0;
  config.cuts = 12.0;
  one = avm_stage_new (&config, NULL);
  two = avm_stage_new (&config, NULL);
  frame_init (&a, 480, 270);
  frame_init (&b, 480, 270);
  frame_init (&c, 480, 270);
  poses_init (poses, &config);
  for (int k = 0; k < 8; k++) {
    render (one, 0.7 * k, poses, &a);
    render (two, 0.7 * (7 - k), poses, &b);
    render (two, 0.7 * k, poses, &c);
    CHECK (same (&a, &c), "frame %d repeats", k);
  }
  render (one, 1.0, poses, &a);
  render (one, 1.04, poses, &b);
  CHECK (!same (&a, &b), "the camera trembles");
  frame_clear (&a);
  frame_clear (&b);
  frame_clear (&c);
  avm_stage_free (one);
  avm_stage_free (two);
}

static void
check_cuts (void)
{
  static const double times[] = {1.0, 2.0, 3.5};
  AvmStageConfig config;
  AvmPose poses[4];
  AvmStage *stage;
  int cuts = 0, last = 0;

  avm_stage_config_init (&config, 320, 180, 4);
  poses_init (poses, &config);
  config.cut_times = times;
  config.n_cut_times = 3;
  stage = avm_stage_new (&config, NULL);
  CHECK (avm_stage_shot (stage, 0.999) == 0, "before");
  CHECK (avm_stage_shot (stage, 1.0) != 0, "cut");
  CHECK (avm_stage_shot (stage, 2.0) == 0, "back");
  CHECK (avm_stage_shot (stage, 100.0) != 0, "away at last");
  avm_stage_free (stage);
  config.n_cut_times = 0;
  config.cuts = 6.0;
  stage = avm_stage_new (&config, NULL);
  for (int k = 0; k < 6000; k++) {
    int shot = avm_stage_shot (stage, 0.01 * k);

    cuts += shot != 0 && last == 0;
    last = shot;
  }
  CHECK (cuts == 6, "%d excursions in a minute", cuts);
  avm_stage_free (stage);
}

/* Any size: nothing beside the planes is touched, everything inside is. */
static void
check_sizes (void)
{
  static const int sizes[][2] = {{1, 1}, {2, 1}, {1, 40}, {16, 16}, {17, 13},
      {33, 31}, {161, 91}, {640, 480}, {90, 300}, {1279, 719}};

  for (size_t k = 0; k < sizeof (sizes) / sizeof (sizes[0]); k++) {
    AvmStageConfig config;
    AvmPose poses[8];
    AvmStage *stage;
    AvmStageRect rect;
    Frame frame;

    avm_stage_config_init (&config, sizes[k][0], sizes[k][1], 1 + (int)k % 8);
    config.noise = 1.0;
    config.shake = 3.0;
    config.pan = 100.0;
    config.occlusion = 20.0;
    config.cuts = 20.0;
    config.mirrored = k % 2;
    stage = avm_stage_new (&config, NULL);
    CHECK (stage != NULL, "%d x %d", sizes[k][0], sizes[k][1]);
    frame_init (&frame, sizes[k][0], sizes[k][1]);
    poses_init (poses, &config);
    poses[0].sway_x = -1e300;
    poses[0].neck = NAN;
    poses[0].bow = INFINITY;
    for (int i = 0; i < 6; i++)
      render (stage, i == 5 ? NAN : 0.6 * i, poses, &frame);
    for (int i = 0; i < 3; i++)
      CHECK (guards_stand (&frame, i), "%d x %d plane %d", sizes[k][0],
          sizes[k][1], i);
    CHECK (avm_stage_region (stage, INFINITY, poses, 0, AVM_STAGE_HAND, &rect)
            && isfinite (rect.x),
        "finite");
    frame_clear (&frame);
    avm_stage_free (stage);
  }
}

static void
check_config (void)
{
  AvmStageConfig config;
  AvmError error = {AVM_OK, 0, ""};

  avm_stage_config_init (&config, 64, 64, 99);
  CHECK (config.n_players == AVM_STAGE_MAX_PLAYERS, "clamped");
  config.noise = NAN;
  CHECK (
      avm_stage_new (&config, &error) == NULL && error.code == AVM_ERROR_RANGE,
      "NaN");
  config.noise = 0.0;
  config.width = 0;
  CHECK (avm_stage_new (&config, &error) == NULL, "no width");
  config.width = 64;
  config.n_players = 9;
  CHECK (avm_stage_new (&config, NULL) == NULL, "nine players");
  avm_stage_free (NULL);
}

/* Noise has the sd that was asked for; gray is the luma; mirrored is. */
static void
check_options (void)
{
  AvmStageConfig config;
  AvmPose poses[3];
  AvmStage *plain, *noisy, *gray, *mirrored;
  Frame a, b;
  AvmStageRect left, right;
  double square = 0.0, difference = 0.0;
  const int w = 512, h = 288;

  avm_stage_config_init (&config, w, h, 3);
  plain = avm_stage_new (&config, NULL);
  config.noise = 3.0;
  noisy = avm_stage_new (&config, NULL);
  config.noise = 0.0;
  config.gray = true;
  gray = avm_stage_new (&config, NULL);
  config.gray = false;
  config.mirrored = true;
  mirrored = avm_stage_new (&config, NULL);
  frame_init (&a, w, h);
  frame_init (&b, w, h);
  poses_init (poses, &config);
  render (plain, 0.5, poses, &a);
  render (noisy, 0.5, poses, &b);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      square += pow (a.planes[0][(ptrdiff_t)y * a.strides[0] + x]
              - b.planes[0][(ptrdiff_t)y * b.strides[0] + x],
          2.0);
  CHECK_NEAR (sqrt (square / (w * h)), 3.0, 0.1, 0.0, "noise");
  avm_stage_render (gray, 0.5, poses, b.planes, b.strides, 1);
  CHECK (memcmp (a.memory[0], b.memory[0], a.size[0]) == 0, "gray");
  render (mirrored, 0.5, poses, &b);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      difference += abs (a.planes[0][(ptrdiff_t)y * a.strides[0] + x]
          - b.planes[0][(ptrdiff_t)y * b.strides[0] + w - 1 - x]);
  CHECK (difference / (w * h) < 4.0, "mirrored: %g", difference / (w * h));
  avm_stage_region (plain, 0.5, poses, 0, AVM_STAGE_HAND, &left);
  avm_stage_region (mirrored, 0.5, poses, 0, AVM_STAGE_HAND, &right);
  CHECK_NEAR (left.x + left.w, w - right.x, 1e-6, 0.0, "mirrored hand");
  frame_clear (&a);
  frame_clear (&b);
  avm_stage_free (plain);
  avm_stage_free (noisy);
  avm_stage_free (gray);
  avm_stage_free (mirrored);
}

static void
bench_render (int width, int height, int n_players, double noise, double shake)
{
  AvmStageConfig config;
  AvmPose poses[8];
  AvmStage *stage;
  Frame frame;
  double best = 1e9, t = avmcheck_cpu ();

  avm_stage_config_init (&config, width, height, n_players);
  config.noise = noise;
  config.shake = shake;
  stage = avm_stage_new (&config, NULL);
  t = avmcheck_cpu () - t;
  frame_init (&frame, width, height);
  poses_init (poses, &config);
  for (int i = 0; i < 40; i++) {
    double begin = avmcheck_cpu ();

    render (stage, 0.1 * i, poses, &frame);
    best = fmin (best, avmcheck_cpu () - begin);
  }
  printf ("bench %d x %d, %d players, noise %g, shake %g: %.2f ms per frame, "
          "%.0f ms to build\n",
      width, height, n_players, noise, shake, best * 1e3, t * 1e3);
  frame_clear (&frame);
  avm_stage_free (stage);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_config ();
  check_sizes ();
  check_determinism ();
  check_cuts ();
  check_regions ();
  for (int n = 1; n <= AVM_STAGE_MAX_PLAYERS; n++)
    check_layout (n);
  check_cover ();
  check_options ();
  check_motion ();
  check_roll (1280, 720, 4, 0.03);
  check_roll (1920, 1080, 2, 0.03);
  check_roll (1280, 720, 5, 0.03);
  if (avmcheck_bench) {
    bench_render (1280, 720, 4, 0.0, 0.0);
    bench_render (1280, 720, 4, 2.0, 0.5);
    bench_render (1920, 1080, 4, 0.0, 0.0);
    bench_render (1920, 1080, 4, 2.0, 0.5);
    bench_render (1280, 720, 8, 0.0, 0.0);
  }
  return avmcheck_report ();
}
