/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-players.h"

#include <math.h>
#include <string.h>

#include "vision/avm-dis.h"
#include "vision/avm-klt.h"
#include "vision/avm-players-private.h"

/* Lines of the small picture, about */
#define LINES 360
/* Smaller pictures show nobody. */
#define LEAST_SIDE 48
/* Pictures that come sooner than this are left out, s */
#define LEAST_STEP 0.023
/* Small pictures are kept at this distance, s */
#define KEEP_STEP 0.06
/* Fewer flow fields than this say nothing. */
#define LEAST_FLOWS 8
/* Side of a hand and of the bowing hand with the frog, in sizes of the core */
#define HAND_SIZE 0.165
#define BOW_SIZE 0.19
/* Energy over noise at which a part is as likely right as wrong */
#define HAND_DOUBT 4.0
#define BOW_DOUBT 6.0

/* flow leads from the frame before to this one; picture: NULL unless kept */
typedef struct {
  int16_t *flow;
  uint8_t *picture;
} Frame;

struct AvmPlayers {
  int width, height;
  int factor; /* px of the picture per px of the small one */
  int w, h, cw, ch;
  AvmDis *dis;
  uint8_t *now, *before;
  uint16_t *row;
  float *u, *v;

  Frame *frames;
  int n_frames, capacity;
  double first_time, last_time, kept_time;
  bool last_is_kept;

  AvmFoundPlayer found[AVM_PLAYERS_MAX];
  int n_found;
};

/* -- memory ---------------------------------------------------------------- */

AvmPlayers *
avm_players_new (int width, int height, AvmError *error)
{
  AvmPlayers *self;
  AvmDisParams params;
  size_t pixels;

  if (width < 1 || height < 1 || width > 16384 || height > 16384) {
    avm_error_set (
        error, AVM_ERROR_RANGE, -1, "pictures of %d x %d", width, height);
    return NULL;
  }
  self = avm_alloc (1, sizeof (AvmPlayers));
  if (self == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "players");
    return NULL;
  }
  self->width = width;
  self->height = height;
  self->factor = AVM_MAX ((AVM_MIN (height, width) + LINES / 2) / LINES, 1);
  self->w = width / self->factor;
  self->h = height / self->factor;
  self->cw = self->w / AVM_PLAYERS_CELL;
  self->ch = self->h / AVM_PLAYERS_CELL;
  if (self->w < LEAST_SIDE || self->h < LEAST_SIDE)
    return self; /* too small for anybody: pictures are only counted */
  pixels = (size_t)self->w * (size_t)self->h;
  avm_dis_params_init (&params, AVM_DIS_FAST);
  params.margin = 0;
  self->dis = avm_dis_new (&params, self->w, self->h, error);
  self->now = avm_alloc (pixels, 1);
  self->before = avm_alloc (pixels, 1);
  self->row = avm_alloc ((size_t)width, sizeof (uint16_t));
  self->u = avm_alloc (pixels, sizeof (float));
  self->v = avm_alloc (pixels, sizeof (float));
  if (self->dis != NULL && self->now != NULL && self->before != NULL
      && self->row != NULL && self->u != NULL && self->v != NULL)
    return self;
  avm_players_free (self);
  avm_error_set (
      error, AVM_ERROR_MEMORY, -1, "pictures of %d x %d", width, height);
  return NULL;
}

void
avm_players_reset (AvmPlayers *self)
{
  for (int i = 0; i < self->n_frames; i++) {
    avm_free (self->frames[i].flow);
    avm_free (self->frames[i].picture);
  }
  self->n_frames = 0;
  self->n_found = 0;
}

void
avm_players_free (AvmPlayers *self)
{
  if (self == NULL)
    return;
  avm_players_reset (self);
  avm_free (self->frames);
  avm_dis_free (self->dis);
  avm_free (self->now);
  avm_free (self->before);
  avm_free (self->row);
  avm_free (self->u);
  avm_free (self->v);
  avm_free (self);
}

/* Room for one more frame */
static bool
grow (AvmPlayers *self)
{
  int capacity = AVM_MAX (2 * self->capacity, 64);
  Frame *frames;

  if (self->n_frames < self->capacity)
    return true;
  frames = avm_alloc ((size_t)capacity, sizeof (Frame));
  if (frames == NULL)
    return false;
  if (self->n_frames > 0)
    memcpy (frames, self->frames, (size_t)self->n_frames * sizeof (Frame));
  avm_free (self->frames);
  self->frames = frames;
  self->capacity = capacity;
  return true;
}

/* -- pictures -------------------------------------------------------------- */

AVM_CLONES static void
add_line (const uint8_t *in, uint16_t *sum, int n, bool first)
{
  if (first) {
    for (int x = 0; x < n; x++)
      sum[x] = in[x];
  } else {
    for (int x = 0; x < n; x++)
      sum[x] = (uint16_t)(sum[x] + in[x]);
  }
}

/* Means of factor x factor px; the sum of a column fits while factor <= 257 */
static void
shrink (AvmPlayers *self, const uint8_t *luma, ptrdiff_t stride)
{
  int k = self->factor, n = self->w * k;
  uint32_t scale = (uint32_t)(65536 / (k * k));

  for (int y = 0; y < self->h; y++) {
    uint8_t *out = self->now + (size_t)y * (size_t)self->w;

    if (k == 1) {
      memcpy (out, luma + y * stride, (size_t)self->w);
      continue;
    }
    for (int j = 0; j < k; j++)
      add_line (luma + ((ptrdiff_t)y * k + j) * stride, self->row, n, j == 0);
    for (int x = 0; x < self->w; x++) {
      uint32_t sum = 0;

      for (int i = 0; i < k; i++)
        sum += self->row[x * k + i];
      out[x] = (uint8_t)AVM_MIN ((sum * scale + 32768) >> 16, 255);
    }
  }
}

static int16_t
to_steps (float sum)
{
  const float scale = AVM_PLAYERS_STEPS / (AVM_PLAYERS_CELL * AVM_PLAYERS_CELL);

  return (int16_t)lroundf (AVM_CLAMP (sum * scale, -32767.0f, 32767.0f));
}

/* Flow from the picture before to this one, as means of cells */
static void
measure_flow (AvmPlayers *self, int16_t *flow)
{
  AvmDisImage from = {self->before, self->w, self->w, self->h};
  AvmDisImage to = {self->now, self->w, self->w, self->h};
  AvmDisRect all = {0, 0, self->w, self->h};

  avm_dis_compute (self->dis, &from, &to, &all, 0.0f, 0.0f, NULL);
  avm_dis_get_flow (self->dis, self->u, self->v, self->w);
  for (int cy = 0; cy < self->ch; cy++) {
    for (int cx = 0; cx < self->cw; cx++) {
      size_t at = (size_t)(cy * AVM_PLAYERS_CELL) * (size_t)self->w
          + (size_t)(cx * AVM_PLAYERS_CELL);
      float u = 0.0f, v = 0.0f;

      for (int j = 0; j < AVM_PLAYERS_CELL; j++, at += (size_t)self->w) {
        for (int i = 0; i < AVM_PLAYERS_CELL; i++) {
          u += self->u[at + (size_t)i];
          v += self->v[at + (size_t)i];
        }
      }
      *flow++ = to_steps (u);
      *flow++ = to_steps (v);
    }
  }
}

static bool
keep_picture (AvmPlayers *self, Frame *frame, double time)
{
  size_t pixels = (size_t)self->w * (size_t)self->h;

  self->last_is_kept =
      self->n_frames == 0 || time - self->kept_time >= KEEP_STEP;
  if (!self->last_is_kept)
    return true;
  frame->picture = avm_alloc (pixels, 1);
  if (frame->picture == NULL)
    return false;
  memcpy (frame->picture, self->now, pixels);
  self->kept_time = time;
  return true;
}

bool
avm_players_push (AvmPlayers *self, const uint8_t *luma, ptrdiff_t stride,
    double time, AvmError *error)
{
  Frame frame = {NULL, NULL};
  uint8_t *swap;
  bool good;

  if (self->n_frames > 0 && !(time - self->last_time >= LEAST_STEP))
    return true;
  if (self->n_frames == 0)
    self->first_time = time;
  good = grow (self);
  if (good && self->dis != NULL) {
    if (self->n_frames > 0) {
      frame.flow =
          avm_alloc (2 * (size_t)self->cw * (size_t)self->ch, sizeof (int16_t));
      good = frame.flow != NULL;
    }
    if (good) {
      shrink (self, luma, stride);
      good = keep_picture (self, &frame, time);
    }
    if (good && frame.flow != NULL)
      measure_flow (self, frame.flow);
  }
  if (!good) {
    avm_free (frame.flow);
    avm_free (frame.picture);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "%d pictures of %d x %d",
        self->n_frames, self->w, self->h);
  }
  self->last_time = time;
  self->frames[self->n_frames++] = frame;
  swap = self->now;
  self->now = self->before;
  self->before = swap;
  return true;
}

double
avm_players_span (const AvmPlayers *self)
{
  return self->n_frames > 0 ? self->last_time - self->first_time : 0.0;
}

/* -- places ---------------------------------------------------------------- */

/* Small px, in which the centre of the first pixel is 0, to px of the picture
 * with the corner at 0 */
static AvmPlayersRect
rect_around (const AvmPlayers *self, double x, double y, double side)
{
  double k = self->factor;
  AvmPlayersRect rect = {(float)((x + 0.5 - 0.5 * side) * k),
      (float)((y + 0.5 - 0.5 * side) * k), (float)(side * k),
      (float)(side * k)};

  return rect;
}

/* Middle of a cell, small px */
static double
cell_middle (double cell)
{
  return (cell + 0.5) * AVM_PLAYERS_CELL - 0.5;
}

static AvmPlayersRect
shifted (AvmPlayersRect rect, const AvmPlayers *self, const float *path)
{
  double k = self->factor * AVM_PLAYERS_CELL;

  rect.x += (float)(k * path[0]);
  rect.y += (float)(k * path[1]);
  return rect;
}

/* The cells that the mixture gives to a player, less 2 % at each side */
static void
place_body (const AvmPlayers *self, const AvmPlayersBodies *bodies, int player,
    const float *path, int n, AvmPlayersPart *part)
{
  const AvmPlayersBody *body = &bodies->bodies[player];
  double side = AVM_PLAYERS_CELL * self->factor;
  double lo[2] = {body->x0, body->y0}, hi[2] = {body->x1, body->y1};
  float *places = self->u; /* more px than cells */

  for (int axis = 0; axis < 2; axis++) {
    int k = 0;

    for (int c = 0; c < self->cw * self->ch; c++)
      if (bodies->owner[c] == player)
        places[k++] = (float)(axis == 0 ? c % self->cw : c / self->cw);
    if (k == 0)
      continue;
    lo[axis] = AVM_MIN (lo[axis], avm_players_quantile (places, k, 0.02));
    hi[axis] = AVM_MAX (hi[axis], avm_players_quantile (places, k, 0.98));
  }
  part->first = (AvmPlayersRect){(float)(lo[0] * side), (float)(lo[1] * side),
      (float)((hi[0] - lo[0] + 1.0) * side),
      (float)((hi[1] - lo[1] + 1.0) * side)};
  part->last = shifted (part->first, self, path + 2 * n);
  part->confidence = (float)AVM_CLAMP (2.0 * body->persistence, 0.05, 1.0);
}

/* -- following ------------------------------------------------------------- */

/* A region to follow: where, in which flow frame, and where it belongs */
typedef struct {
  double x, y; /* small px, middle */
  double side; /* small px */
  int frame;
  AvmPlayersPart *part;
  const float *path; /* of the body, for when it gets lost */
} Followed;

static AvmKlt *
new_tracker (const AvmPlayers *self)
{
  AvmKltParams params = AVM_KLT_PARAMS_INIT;

  params.points = 24;
  params.window = 9;
  params.max_level = 3;
  params.min_distance = 2.0f;
  return avm_klt_new (self->w, self->h, &params);
}

static bool
is_tracked (const AvmKlt *klt, int id, AvmKltRegion *result)
{
  for (size_t i = 0; i < avm_klt_n_regions (klt); i++) {
    const AvmKltRegion *region = avm_klt_region (klt, i);

    if (region->id != id)
      continue;
    *result = *region;
    return region->state != AVM_KLT_LOST;
  }
  return false;
}

/* Runs the tracker over the kept pictures from the first that a region was
 * seen in to one end of the time. */
static bool
follow (const AvmPlayers *self, Followed *regions, int n, bool forwards)
{
  AvmKlt *klt = new_tracker (self);
  int step = forwards ? 1 : -1, end = forwards ? self->n_frames : -1;
  bool begun[AVM_PLAYERS_MAX] = {false}, any = false;

  if (klt == NULL)
    return false;
  for (int f = forwards ? 0 : self->n_frames - 1; f != end; f += step) {
    bool last = forwards && f == self->n_frames - 1;
    const uint8_t *picture =
        last ? self->before : self->frames[f].picture; /* swapped by push */

    if (picture == NULL)
      continue;
    for (int i = 0; i < n; i++) {
      Followed *r = &regions[i];

      if (begun[i] || (forwards ? f < r->frame : f > r->frame))
        continue;
      begun[i] = any = true;
      avm_klt_set_region (klt, i, (float)(r->x - 0.5 * r->side + 0.5),
          (float)(r->y - 0.5 * r->side + 0.5), (float)r->side, (float)r->side);
    }
    if (any)
      avm_klt_do (klt, picture, self->w);
  }
  for (int i = 0; i < n; i++) {
    Followed *r = &regions[i];
    AvmPlayersRect *to = forwards ? &r->part->last : &r->part->first;
    const float *path = r->path + 2 * (forwards ? self->n_frames - 1 : 0);
    AvmKltRegion now;

    if (is_tracked (klt, i, &now)) {
      *to = rect_around (
          self, now.x + 0.5 * now.w - 0.5, now.y + 0.5 * now.h - 0.5, r->side);
    } else {
      /* not seen there: as if it had moved with the body only */
      const float *then = r->path + 2 * r->frame;

      *to = rect_around (self, r->x + AVM_PLAYERS_CELL * (path[0] - then[0]),
          r->y + AVM_PLAYERS_CELL * (path[1] - then[1]), r->side);
      r->part->confidence *= 0.5f;
    }
  }
  avm_klt_free (klt);
  return true;
}

/* The next frame whose picture was kept: regions begin there. */
static void
follow_from (const AvmPlayers *self, const AvmPlayersSeen *seen, double side,
    const float *path, AvmPlayersPart *part, Followed *result)
{
  int frame = AVM_CLAMP (seen->frame, 0, self->n_frames - 1);

  result->frame = frame;
  result->x = cell_middle (seen->x + path[2 * frame]);
  result->y = cell_middle (seen->y + path[2 * frame + 1]);
  result->side = side;
  result->part = part;
  result->path = path;
}

static float
certainty (double score, double doubt, double plays)
{
  double excess = AVM_MAX (score - 1.0, 0.0);

  return (float)(plays * excess / (excess + doubt));
}

/* The reach of the bow, a hand's size around, goes where the body goes. */
static void
place_bow (const AvmPlayers *self, const AvmPlayersLimbs *limbs, double size,
    int n, AvmPlayersPart *part)
{
  double k = self->factor, cell = k * AVM_PLAYERS_CELL;
  double margin = 0.5 * BOW_SIZE * size;
  const double *reach = limbs->reach;

  part->first = (AvmPlayersRect){(float)((reach[0] + 0.5 - margin) * cell),
      (float)((reach[1] + 0.5 - margin) * cell),
      (float)((reach[2] - reach[0] + 2.0 * margin) * cell),
      (float)((reach[3] - reach[1] + 2.0 * margin) * cell)};
  part->last = shifted (part->first, self, limbs->path + 2 * n);
  part->confidence = certainty (limbs->bow_score, BOW_DOUBT, limbs->plays);
}

static bool
place_hands (AvmPlayers *self, const AvmPlayersBodies *bodies,
    const AvmPlayersLimbs *limbs, double size, bool want_first)
{
  Followed hands[AVM_PLAYERS_MAX];
  double px = size * AVM_PLAYERS_CELL;

  for (int i = 0; i < bodies->n; i++) {
    AvmPlayersPart *hand = &self->found[i].hand;

    hand->confidence =
        certainty (limbs[i].hand.score, HAND_DOUBT, limbs[i].plays);
    follow_from (
        self, &limbs[i].hand, HAND_SIZE * px, limbs[i].path, hand, &hands[i]);
  }
  return follow (self, hands, bodies->n, true)
      && (!want_first || follow (self, hands, bodies->n, false));
}

/* -- the search ------------------------------------------------------------ */

static bool
search (AvmPlayers *self, const AvmPlayersFlow *flow, int n_players,
    bool want_first, AvmError *error)
{
  AvmPlayersBodies bodies;
  AvmPlayersLimbs limbs[AVM_PLAYERS_MAX];
  float sizes[AVM_PLAYERS_MAX], *paths;
  size_t length = 2 * (size_t)(flow->n + 1);
  double size;
  bool good;

  if (!avm_players_find_bodies (flow, n_players, &bodies, error))
    return false;
  memset (limbs, 0, sizeof (limbs));
  paths = avm_alloc ((size_t)AVM_MAX (bodies.n, 1) * length, sizeof (float));
  for (int i = 0; i < bodies.n; i++) {
    limbs[i].path = paths + (size_t)i * length;
    sizes[i] = (float)bodies.bodies[i].size;
  }
  size = bodies.n > 0 ? avm_players_quantile (sizes, bodies.n, 0.5) : 1.0;
  good = paths != NULL
      && avm_players_find_limbs (flow, &bodies, HAND_SIZE * size, limbs, error);
  for (int i = 0; i < bodies.n && good; i++) {
    place_body (self, &bodies, i, limbs[i].path, flow->n, &self->found[i].body);
    place_bow (self, &limbs[i], size, flow->n, &self->found[i].bow);
  }
  good = good && place_hands (self, &bodies, limbs, size, want_first);
  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "search for players");
  else
    self->n_found = bodies.n;
  avm_free (paths);
  avm_players_clear_bodies (&bodies);
  return good;
}

int
avm_players_find (
    AvmPlayers *self, int n_players, bool want_first, AvmError *error)
{
  AvmPlayersFlow flow = {
      self->cw, self->ch, self->cw * self->ch, self->n_frames - 1, 0.0, NULL};
  const int16_t **frames;
  double span = avm_players_span (self);
  unsigned ftz;

  self->n_found = 0;
  memset (self->found, 0, sizeof (self->found));
  if (n_players < 0 || n_players > AVM_PLAYERS_MAX) {
    avm_error_set (error, AVM_ERROR_RANGE, -1, "%d players", n_players);
    return -1;
  }
  if (self->dis == NULL || flow.n < LEAST_FLOWS || !(span > 0.0))
    return 0;
  frames = avm_alloc ((size_t)flow.n, sizeof (int16_t *));
  if (frames == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "search for players");
    return -1;
  }
  for (int i = 0; i < flow.n; i++)
    frames[i] = self->frames[i + 1].flow;
  flow.frames = frames;
  flow.rate = flow.n / span;
  ftz = avm_ftz_enable ();
  if (!search (self, &flow, n_players, want_first, error))
    self->n_found = -1;
  avm_ftz_restore (ftz);
  avm_free (frames);
  if (self->n_found >= 0)
    return self->n_found;
  self->n_found = 0;
  return -1;
}

const AvmFoundPlayer *
avm_players_get (const AvmPlayers *self, int index)
{
  return index >= 0 && index < self->n_found ? &self->found[index] : NULL;
}
