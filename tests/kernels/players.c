/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Players are looked for in pictures whose content is known: boxes of noise
 * that sway, and films of the virtual ensemble with its truth. Nobody is in a
 * still picture, in camera noise, or in a room that the camera turns across.
 */

#include "avmcheck.h"

#include "scene/avm-ensemble.h"
#include "scene/avm-scorebook.h"
#include "scene/avm-stage.h"
#include "vision/avm-players.h"

#define W 640
#define H 360
#define RATE 30.0

/* -- boxes ----------------------------------------------------------------- */

#define TEXTURE 1024

static uint8_t *
make_texture (void)
{
  uint8_t *t = avm_alloc (TEXTURE * TEXTURE, 1);
  float *coarse = avm_alloc (TEXTURE * TEXTURE / 16, sizeof (float));
  int n = TEXTURE / 4;

  for (int i = 0; i < n * n; i++)
    coarse[i] = (float)avm_rng_range (&avmcheck_rng, 40.0, 210.0);
  for (int y = 0; y < TEXTURE; y++) {
    for (int x = 0; x < TEXTURE; x++) {
      int cx = x / 4, cy = y / 4, dx = (cx + 1) % n, dy = (cy + 1) % n;
      float fx = (float)(x % 4) / 4.0f, fy = (float)(y % 4) / 4.0f;

      t[y * TEXTURE + x] = (uint8_t)((1.0f - fy)
              * ((1.0f - fx) * coarse[cy * n + cx] + fx * coarse[cy * n + dx])
          + fy
              * ((1.0f - fx) * coarse[dy * n + cx] + fx * coarse[dy * n + dx]));
    }
  }
  avm_free (coarse);
  return t;
}

/* The texture at (x + u, y + v), bilinear */
static uint8_t
sample (const uint8_t *t, double x, double y)
{
  int ix = (int)floor (x), iy = (int)floor (y);
  double fx = x - ix, fy = y - iy;
  int a = (iy & (TEXTURE - 1)) * TEXTURE,
      b = ((iy + 1) & (TEXTURE - 1)) * TEXTURE;
  int c = ix & (TEXTURE - 1), d = (ix + 1) & (TEXTURE - 1);

  return (uint8_t)lround ((1.0 - fy) * ((1.0 - fx) * t[a + c] + fx * t[a + d])
      + fy * ((1.0 - fx) * t[b + c] + fx * t[b + d]));
}

typedef struct {
  double x, y, w, h;      /* px, at rest */
  double size, hz, phase; /* of the sway, px */
  double from, to;        /* s: it moves between */
} Box;

static void
paint (uint8_t *picture, const uint8_t *texture, const Box *boxes, int n,
    double time, double pan, double noise)
{
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      picture[y * W + x] = sample (texture, x + pan, y);
  for (int i = 0; i < n; i++) {
    const Box *b = &boxes[i];
    double t = AVM_CLAMP (time, b->from, b->to) - b->from;
    double dx = b->size * sin (2.0 * M_PI * b->hz * t + b->phase)
        - b->size * sin (b->phase);
    double dy = 0.3 * b->size * (cos (2.0 * M_PI * b->hz * 0.6 * t) - 1.0);

    for (int y = (int)(b->y + dy); y < (int)(b->y + dy + b->h); y++)
      for (int x = (int)(b->x + dx); x < (int)(b->x + dx + b->w); x++)
        if (x >= 0 && x < W && y >= 0 && y < H)
          picture[y * W + x] =
              sample (texture, x - dx + 300.0 * (i + 1), y - dy + 500.0);
  }
  for (int i = 0; noise > 0.0 && i < W * H; i++) {
    uint32_t r = avm_rng_u32 (&avmcheck_rng);
    /* four bytes are nearly normal: mean 510, sd 147.8 */
    int sum = (int)((r & 255) + (r >> 8 & 255) + (r >> 16 & 255) + (r >> 24));

    picture[i] = (uint8_t)AVM_CLAMP (
        picture[i] + noise * (sum - 510) / 147.8, 0.0, 255.0);
  }
}

/* Pushes `seconds` of boxes; returns how many players were found. */
static int
watch (AvmPlayers *players, const Box *boxes, int n, double seconds, double pan,
    double noise, int given)
{
  uint8_t *texture = make_texture (), *picture = avm_alloc (W * H, 1);
  int found;

  for (int i = 0; i < (int)(seconds * RATE); i++) {
    double time = i / RATE;

    paint (picture, texture, boxes, n, time, pan * sin (time), noise);
    CHECK (avm_players_push (players, picture, W, time, NULL), "push %d", i);
  }
  found = avm_players_find (players, given, true, NULL);
  avm_free (texture);
  avm_free (picture);
  return found;
}

static const Box pair[] = {
    {120, 90, 90, 200, 6.0, 0.5, 0.0, 0.0, 9.0},
    {400, 60, 110, 250, 5.0, 0.37, 1.0, 0.0, 9.0},
    {560, 200, 60, 60, 12.0, 1.0, 0.0, 1.0, 1.5}, /* somebody gets up */
};

static void
test_boxes (void)
{
  AvmPlayers *players = avm_players_new (W, H, NULL);
  int n = watch (players, pair, 3, 4.0, 0.0, 1.5, 0);

  CHECK (n == 2, "%d players in two boxes that sway", n);
  CHECK_NEAR (avm_players_span (players), 119.0 / RATE, 1e-9, 0.0, "span");
  for (int i = 0; i < n && i < 2; i++) {
    const AvmPlayersRect *r = &avm_players_get (players, i)->body.first;

    CHECK_NEAR (r->x + 0.5 * r->w, pair[i].x + 0.5 * pair[i].w,
        0.15 * pair[i].w, 0.0, "middle of %d", i);
    CHECK_NEAR (r->y + 0.5 * r->h, pair[i].y + 0.5 * pair[i].h,
        0.15 * pair[i].h, 0.0, "middle of %d", i);
    CHECK_NEAR (r->w, pair[i].w, 0.35 * pair[i].w, 0.0, "width of %d", i);
    CHECK_NEAR (r->h, pair[i].h, 0.25 * pair[i].h, 0.0, "height of %d", i);
  }
  CHECK (avm_players_get (players, n) == NULL, "one more");
  CHECK (avm_players_get (players, -1) == NULL, "one less");
  avm_players_reset (players);
  CHECK (avm_players_get (players, 0) == NULL, "after reset");
  CHECK (avm_players_span (players) == 0.0, "span after reset");
  n = watch (players, pair, 3, 4.0, 0.0, 1.5, 1);
  CHECK (n == 1, "%d players where one is wanted", n);
  avm_players_free (players);
}

/* A camera that turns slowly across a room in which two sway */
static void
test_pan (void)
{
  AvmPlayers *players = avm_players_new (W, H, NULL);
  int n = watch (players, pair, 2, 4.0, 12.0, 1.0, 0);

  CHECK (n == 2, "%d players before a camera that turns", n);
  avm_players_reset (players);
  n = watch (players, NULL, 0, 4.0, 12.0, 1.0, 0);
  CHECK (n == 0, "%d players in an empty room", n);
  avm_players_free (players);
}

static void
test_nobody (void)
{
  AvmPlayers *players = avm_players_new (W, H, NULL);
  uint8_t *picture = avm_alloc (W * H, 1);
  int n = watch (players, NULL, 0, 2.0, 0.0, 0.0, 0);

  CHECK (n == 0, "%d players in a still picture", n);
  avm_players_reset (players);
  n = watch (players, NULL, 0, 2.0, 0.0, 4.0, 0);
  CHECK (n == 0, "%d players in noise", n);
  avm_players_reset (players);
  CHECK (avm_players_find (players, 0, true, NULL) == 0, "no picture");
  CHECK (avm_players_push (players, picture, W, 0.0, NULL), "push");
  CHECK (avm_players_find (players, 3, true, NULL) == 0, "one picture");
  CHECK (avm_players_find (players, AVM_PLAYERS_MAX + 1, true, NULL) == -1,
      "too many");
  avm_players_free (players);
  avm_free (picture);
}

static void
test_sizes (void)
{
  static const int sizes[][2] = {
      {1, 1}, {47, 400}, {48, 48}, {50, 1080}, {1921, 1081}};
  AvmError error = {AVM_OK, -1, ""};

  CHECK (avm_players_new (0, 10, &error) == NULL, "no width");
  CHECK (error.code == AVM_ERROR_RANGE, "code %d", error.code);
  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++) {
    int w = sizes[i][0], h = sizes[i][1];
    AvmPlayers *players = avm_players_new (w, h, NULL);
    uint8_t *picture = avm_alloc ((size_t)w * (size_t)h, 1);

    for (int k = 0; k < 12; k++) {
      for (int p = 0; p < w * h; p++)
        picture[p] = (uint8_t)avm_rng_u32 (&avmcheck_rng);
      CHECK (avm_players_push (players, picture, w, k / RATE, NULL), "push");
    }
    CHECK (avm_players_find (players, 0, true, NULL) >= 0, "%d x %d", w, h);
    CHECK (avm_players_find (players, 2, false, NULL) >= 0, "%d x %d", w, h);
    avm_players_free (players);
    avm_free (picture);
  }
  avm_players_free (NULL);
}

/* -- the virtual ensemble -------------------------------------------------- */

typedef struct {
  int n; /* players */
  AvmEnsemble *ensemble;
  AvmStage *stage;
} Film;

/* Puts off all notes of a part until long after the film. */
static void
let_rest (AvmScore *score, int part)
{
  for (size_t i = 0; i < score->n_notes; i++)
    if (score->notes[i].part == part) {
      score->notes[i].onset += 100.0;
      score->notes[i].onset_beat =
          avm_score_time_to_beat (score, score->notes[i].onset);
    }
  avm_score_sort (score);
}

/* resting: the player with nothing to play, -1: nobody */
static void
film_init (Film *film, uint64_t seed, int n, bool mirrored, int resting)
{
  AvmScore *score = avm_scorebook_compose (seed, n, 20.0, NULL);
  AvmEnsembleConfig config;
  AvmStageConfig stage;

  if (resting >= 0)
    let_rest (score, resting);
  avm_ensemble_config_init (&config);
  config.seed = seed;
  config.n_players = n;
  film->n = n;
  film->ensemble = avm_ensemble_new (score, &config, NULL);
  avm_stage_config_init (&stage, W, H, n);
  stage.seed = seed;
  stage.gray = true;
  stage.noise = 2.0;
  stage.mirrored = mirrored;
  for (int i = 0; i < n; i++)
    stage.instruments[i] = avm_ensemble_player (film->ensemble, i)->instrument;
  film->stage = avm_stage_new (&stage, NULL);
  avm_score_free (score);
}

static void
film_clear (Film *film)
{
  avm_stage_free (film->stage);
  avm_ensemble_free (film->ensemble);
}

static void
film_poses (const Film *film, double time, AvmPose *poses)
{
  for (int i = 0; i < film->n; i++)
    avm_ensemble_pose (film->ensemble, i, time, &poses[i]);
}

/* Player i from the left: the picture may be mirrored. */
static AvmStageRect
film_truth (
    const Film *film, double time, int i, bool mirrored, AvmStageRole role)
{
  AvmPose poses[8];
  AvmStageRect rect;

  film_poses (film, time, poses);
  avm_stage_region (
      film->stage, time, poses, mirrored ? film->n - 1 - i : i, role, &rect);
  return rect;
}

static double
between (const AvmStageRect *truth, const AvmPlayersRect *found)
{
  return hypot (truth->x + 0.5 * truth->w - found->x - 0.5 * found->w,
      truth->y + 0.5 * truth->h - found->y - 0.5 * found->h);
}

/* Share of the frames in which the true bowing hand is in the reach, which
 * goes where the body goes */
static double
share_in_reach (const Film *film, const AvmFoundPlayer *found, int i,
    bool mirrored, double seconds)
{
  AvmStageRect start = film_truth (film, 0.0, i, mirrored, AVM_STAGE_PLAYER);
  int n = 0, in = 0;

  for (double t = 0.0; t < seconds; t += 0.1, n++) {
    AvmStageRect body = film_truth (film, t, i, mirrored, AVM_STAGE_PLAYER);
    AvmStageRect bow = film_truth (film, t, i, mirrored, AVM_STAGE_BOW);
    double x = bow.x + 0.5 * bow.w - (body.x + 0.5 * body.w)
        + (start.x + 0.5 * start.w) - found->bow.first.x;
    double y = bow.y + 0.5 * bow.h - (body.y + 0.5 * body.h)
        + (start.y + 0.5 * start.h) - found->bow.first.y;

    in += x >= 0.0 && x < found->bow.first.w && y >= 0.0
        && y < found->bow.first.h;
  }
  return (double)in / n;
}

static int
watch_film (const Film *film, AvmPlayers *players, double seconds)
{
  uint8_t *picture = avm_alloc (W * H, 1);
  uint8_t *planes[1] = {picture};
  int strides[1] = {W};
  AvmPose poses[8];

  for (int k = 0; k <= (int)(seconds * RATE); k++) {
    film_poses (film, k / RATE, poses);
    avm_stage_render (film->stage, k / RATE, poses, planes, strides, 1);
    avm_players_push (players, picture, W, k / RATE, NULL);
  }
  avm_free (picture);
  return avm_players_find (players, 0, true, NULL);
}

/* Adds hits of hands (first, last) and of bows; returns the players found. */
static int
look_at_film (uint64_t seed, int n, bool mirrored, int hits[3])
{
  const double seconds = 5.0;
  AvmPlayers *players = avm_players_new (W, H, NULL);
  int frames = (int)(seconds * RATE), found;
  Film film;

  film_init (&film, seed, n, mirrored, -1);
  found = watch_film (&film, players, seconds);
  CHECK (found == n, "%d players of %d, seed %d", found, n, (int)seed);
  for (int i = 0; i < n && found == n; i++) {
    const AvmFoundPlayer *p = avm_players_get (players, i);
    AvmStageRect body = film_truth (&film, 0.0, i, mirrored, AVM_STAGE_PLAYER);
    AvmStageRect first = film_truth (&film, 0.0, i, mirrored, AVM_STAGE_HAND);
    AvmStageRect last =
        film_truth (&film, frames / RATE, i, mirrored, AVM_STAGE_HAND);
    double reach = share_in_reach (&film, p, i, mirrored, seconds);

    CHECK (
        fabs (p->body.first.x + 0.5 * p->body.first.w - body.x - 0.5 * body.w)
            < 0.3 * body.w,
        "body %d of seed %d: %g .. %g, not %g .. %g", i, (int)seed,
        p->body.first.x, p->body.first.x + p->body.first.w, body.x,
        body.x + body.w);
    CHECK (p->hand.confidence >= 0.0f && p->hand.confidence <= 1.0f
            && p->bow.confidence >= 0.0f && p->bow.confidence <= 1.0f,
        "confidences");
    hits[0] += between (&first, &p->hand.first) <= 0.5 * first.w;
    hits[1] += between (&last, &p->hand.last) <= 0.5 * last.w;
    hits[2] += reach >= 0.8;
    printf ("seed %d player %d: hand %.2f, %.2f of its size off, bow %.0f %% "
            "in reach\n",
        (int)seed, i, between (&first, &p->hand.first) / first.w,
        between (&last, &p->hand.last) / last.w, 100.0 * reach);
  }
  film_clear (&film);
  avm_players_free (players);
  return found;
}

/* Three quarters of the hands and bows, within half a hand; figures on many
 * more films are those of tests/accuracy/players. */
static void
test_films (void)
{
  int hits[3] = {0, 0, 0}, n = 0;

  n += look_at_film (2, 3, false, hits);
  n += look_at_film (3, 4, false, hits);
  n += look_at_film (13, 2, true, hits);
  n += look_at_film (5, 3, true, hits);
  n += look_at_film (6, 4, true, hits);
  for (int i = 0; i < 3; i++)
    CHECK (4 * hits[i] >= 3 * n, "%s: %d of %d",
        i == 0       ? "hands in the first frame"
            : i == 1 ? "hands in the last frame"
                     : "bows in reach",
        hits[i], n);
}

/* The hands of somebody who rests are guesses, and are said to be. */
static void
test_rest (void)
{
  AvmPlayers *players = avm_players_new (W, H, NULL);
  Film film;
  int found, resting = 0;

  film_init (&film, 26, 3, false, 0);
  found = watch_film (&film, players, 8.0);
  CHECK (found == 3, "%d players of whom one rests", found);
  for (int i = 0; i < found; i++) {
    const AvmFoundPlayer *p = avm_players_get (players, i);
    bool plays = false;

    for (double t = 0.0; t < 8.0 && !plays; t += 0.05) {
      AvmPose poses[8];

      film_poses (&film, t, poses);
      plays = poses[i].playing;
    }
    resting += !plays;
    CHECK (plays == (p->hand.confidence >= 0.3f), "hand of %d (%s): %g", i,
        plays ? "plays" : "rests", p->hand.confidence);
    CHECK (plays || p->bow.confidence < 0.3f, "bow of %d: %g", i,
        p->bow.confidence);
  }
  CHECK (resting == 1, "%d rest", resting);
  film_clear (&film);
  avm_players_free (players);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  test_sizes ();
  test_nobody ();
  test_boxes ();
  test_pan ();
  test_films ();
  test_rest ();
  return avmcheck_report ();
}
