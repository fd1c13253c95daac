/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-shots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* the small picture */
#define COLUMNS 48
#define ROWS 27
#define CELLS (COLUMNS * ROWS)

/* its blocks, and how far they may move from frame to frame, cells */
#define BLOCK_W 8
#define BLOCK_H 9
#define REACH_X 4
#define REACH_Y 3
/* variance of a block below which there is nothing to see, levels^2 */
#define FLOOR 2.0f
/* sum of the contrasts of all blocks at which a frame is half dark, levels */
#define DARK 30.0
/* a block of more contrast has no more say, levels */
#define MAX_WEIGHT 20.0f

#define CAPACITY 256 /* frames that are remembered */
/* frames that must stay unlike after a cut: a flash goes by */
#define FLASH 6
/* neighbours, on each side, that say how much the film moves anyway */
#define NEIGHBOURS 12
/* a cut stands out from them by this factor */
#define PROMINENCE 4.0
/* and from those next to it by this one */
#define ISOLATION 3.0

/* what may be left over of a mixture, as a part of the whole change */
#define MAX_RESIDUAL 0.35f
/* frames of a flash that a dissolve may have in it */
#define OUTLIERS 3
/* least rms change of the small picture in a dissolve, levels */
#define MIN_CHANGE 4.0f
/* the ends are unlike by this factor more than motion makes them */
#define DRIFT 2.5
#define N_LENGTHS 12

/* frames that a dissolve may still grow in; with the longest one and the
 * neighbours less than CAPACITY */
#define MAX_WAIT 40

#define MAX_PENDING 64

typedef struct {
  double time;
  double unlike; /* to the frame before */
  bool cut;      /* decided, begins a shot */
  float cells[CELLS];
  float smooth[CELLS]; /* the same, for matching between cells */
} Frame;

typedef struct {
  int64_t from, to; /* frames */
  double score;
} Candidate;

struct _AvmShots {
  AvmShotsParams params;
  Frame *ring;      /* CAPACITY */
  int64_t n_frames; /* so far */
  int64_t judged;   /* frames before this one are decided as to cuts */
  bool ended;
  double last_boundary;
  bool any_boundary;
  int64_t barrier; /* no dissolve reaches back over this frame */
  Candidate best;  /* dissolve that is seen and may become longer */
  AvmShotsBoundary pending[MAX_PENDING];
  int n_pending;
  uint32_t *sums; /* scratch, one per column of the frame */
  int max_width;
};

static const int lengths[N_LENGTHS] = {
    4, 6, 8, 11, 16, 22, 32, 45, 64, 90, 128, 180};

static Frame *
frame_at (const AvmShots *self, int64_t index)
{
  return &self->ring[index % CAPACITY];
}

static int64_t
oldest (const AvmShots *self)
{
  return AVM_MAX (self->n_frames - CAPACITY, 0);
}

AvmShots *
avm_shots_new (const AvmShotsParams *params, AvmError *error)
{
  AvmShots *self;

  if (!(params->cut >= 0.0 && params->cut <= 1.0 && params->dissolve >= 0.0
          && params->dissolve <= 1.0 && params->max_dissolve >= 0.0
          && params->max_dissolve <= 10.0 && params->min_shot >= 0.0
          && params->min_shot <= 60.0)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "cut %g, dissolve %g, %g s, %g s", params->cut, params->dissolve,
        params->max_dissolve, params->min_shot);
    return NULL;
  }
  self = avm_alloc (1, sizeof (*self));
  if (self != NULL)
    self->ring = avm_alloc (CAPACITY, sizeof (Frame));
  if (self == NULL || self->ring == NULL) {
    avm_shots_free (self);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for shots");
    return NULL;
  }
  self->params = *params;
  avm_shots_reset (self);
  return self;
}

void
avm_shots_free (AvmShots *self)
{
  if (self == NULL)
    return;
  avm_free (self->ring);
  avm_free (self->sums);
  avm_free (self);
}

void
avm_shots_reset (AvmShots *self)
{
  self->n_frames = self->judged = self->barrier = 0;
  self->ended = self->any_boundary = false;
  self->best.score = 0.0;
  self->n_pending = 0;
}

/* -- the small picture ------------------------------------------------------ */

AVM_CLONES static void
add_row (uint32_t *restrict sums, const uint8_t *restrict row, int width)
{
  for (int x = 0; x < width; x++)
    sums[x] += row[x];
}

/* First pixel of a cell; every cell has one at least, so small frames have
 * cells in common. */
static int
cell_begin (int cell, int cells, int size)
{
  return AVM_MIN ((int)((int64_t)cell * size / cells), size - 1);
}

static int
cell_end (int cell, int cells, int size)
{
  return AVM_MAX ((int)((int64_t)(cell + 1) * size / cells),
      cell_begin (cell, cells, size) + 1);
}

/* Every second row is enough where there are many. */
static void
reduce (uint32_t *sums, const uint8_t *luma, ptrdiff_t stride, int width,
    int height, float *cells)
{
  int step = height >= 8 * ROWS ? 2 : 1;

  for (int r = 0; r < ROWS; r++) {
    int n_rows = 0;

    memset (sums, 0, (size_t)width * sizeof (*sums));
    for (int y = cell_begin (r, ROWS, height); y < cell_end (r, ROWS, height);
         y += step, n_rows++)
      add_row (sums, luma + y * stride, width);
    for (int c = 0; c < COLUMNS; c++) {
      int x0 = cell_begin (c, COLUMNS, width);
      int x1 = cell_end (c, COLUMNS, width);
      uint64_t sum = 0;

      for (int x = x0; x < x1; x++)
        sum += sums[x];
      cells[r * COLUMNS + c] = (float)sum / (float)(n_rows * (x1 - x0));
    }
  }
}

/* Binomial, 3 x 3; a motion of half a cell then changes little. */
static void
smoothen (const float *cells, float *smooth)
{
  for (int y = 0; y < ROWS; y++)
    for (int x = 0; x < COLUMNS; x++) {
      float sum = 0.0f;

      for (int j = -1; j <= 1; j++)
        for (int i = -1; i <= 1; i++) {
          int u = AVM_CLAMP (x + i, 0, COLUMNS - 1);
          int v = AVM_CLAMP (y + j, 0, ROWS - 1);

          sum +=
              (float)((2 - abs (i)) * (2 - abs (j))) * cells[v * COLUMNS + u];
        }
      smooth[y * COLUMNS + x] = sum / 16.0f;
    }
}

/* -- how unlike two frames are ---------------------------------------------- */

typedef struct {
  float mean, variance;
} Moments;

static Moments
moments (const float *block)
{
  const float n = BLOCK_W * BLOCK_H;
  float sum = 0.0f, squares = 0.0f, mean;

  for (int y = 0; y < BLOCK_H; y++)
    for (int x = 0; x < BLOCK_W; x++) {
      float v = block[y * COLUMNS + x];

      sum += v;
      squares += v * v;
    }
  mean = sum / n;
  return (Moments){mean, AVM_MAX (squares / n - mean * mean, 0.0f)};
}

/* Greatest correlation of a block of a with b, and the greatest variance that
 * it has there or here. */
AVM_CLONES static float
correlate (const float *restrict a, const float *restrict b, int x0, int y0,
    Moments here, float *variance)
{
  const float n = BLOCK_W * BLOCK_H;
  const float *from = a + y0 * COLUMNS + x0;
  int left = AVM_MAX (x0 - REACH_X, 0), top = AVM_MAX (y0 - REACH_Y, 0);
  int right = AVM_MIN (x0 + REACH_X, COLUMNS - BLOCK_W);
  int bottom = AVM_MIN (y0 + REACH_Y, ROWS - BLOCK_H);
  float best = 0.0f;

  *variance = here.variance;
  for (int y = top; y <= bottom; y++)
    for (int x = left; x <= right; x++) {
      const float *to = b + y * COLUMNS + x;
      float sum = 0.0f, squares = 0.0f, product = 0.0f, mean, there, r;

      for (int j = 0; j < BLOCK_H; j++)
        for (int i = 0; i < BLOCK_W; i++) {
          float v = to[j * COLUMNS + i];

          sum += v;
          squares += v * v;
          product += v * (from[j * COLUMNS + i] - here.mean);
        }
      mean = sum / n;
      there = AVM_MAX (squares / n - mean * mean, 0.0f);
      r = product / n / sqrtf ((here.variance + FLOOR) * (there + FLOOR));
      best = AVM_MAX (best, r);
      if (x == x0 && y == y0)
        *variance = AVM_MAX (*variance, there);
    }
  return best;
}

static double
unlike (const Frame *a, const Frame *b)
{
  double sum = 0.0, weights = DARK;

  for (int y = 0; y < ROWS; y += BLOCK_H)
    for (int x = 0; x < COLUMNS; x += BLOCK_W) {
      Moments here = moments (a->smooth + y * COLUMNS + x);
      float variance, weight;
      float r = correlate (a->smooth, b->smooth, x, y, here, &variance);

      weight = AVM_MIN (sqrtf (variance), MAX_WEIGHT);
      sum += weight * (1.0f - r);
      weights += weight;
    }
  return sum / weights;
}

/* -- mixtures ---------------------------------------------------------------- */

typedef struct {
  float squares; /* of the whole change */
  float share;   /* that a frame has of it */
  float residual;
} Mixture;

/* a: projection of the frame's change on the whole change */
AVM_CLONES static Mixture
mixture (
    const float *restrict s, const float *restrict e, const float *restrict t)
{
  float whole = 0.0f, product = 0.0f, own = 0.0f;
  float share, rest;

  for (int i = 0; i < CELLS; i++) {
    float d = e[i] - s[i], c = t[i] - s[i];

    whole += d * d;
    product += d * c;
    own += c * c;
  }
  if (!(whole > 0.0f))
    return (Mixture){0.0f, 0.0f, 1.0f};
  share = product / whole;
  rest = AVM_MAX (own - share * product, 0.0f);
  return (Mixture){whole, share, sqrtf (rest / whole)};
}

/* -- boundaries -------------------------------------------------------------- */

/* Keeps the pending boundaries in order of time. */
static void
add_boundary (AvmShots *self, const AvmShotsBoundary *boundary)
{
  int i = self->n_pending;

  if (i == MAX_PENDING)
    return;
  for (; i > 0 && self->pending[i - 1].time > boundary->time; i--)
    self->pending[i] = self->pending[i - 1];
  self->pending[i] = *boundary;
  self->n_pending++;
}

static double
median (double *values, int n)
{
  for (int i = 1; i < n; i++) {
    double v = values[i];
    int k = i;

    for (; k > 0 && values[k - 1] > v; k--)
      values[k] = values[k - 1];
    values[k] = v;
  }
  return n > 0 ? values[n / 2] : 0.0;
}

/* How much the film moves about the frame, between `first` and `last`. */
static double
activity (const AvmShots *self, int64_t frame, int64_t first, int64_t last)
{
  double values[2 * NEIGHBOURS];
  int n = 0;

  for (int64_t i = AVM_MAX (frame - NEIGHBOURS, first);
       i <= AVM_MIN (frame + NEIGHBOURS, last); i++)
    if (i != frame && n < 2 * NEIGHBOURS)
      values[n++] = frame_at (self, i)->unlike;
  return median (values, n);
}

/* Second greatest of the frames next to it: something that passes makes many
 * of them unlike, a cut one or, with a mixed frame, two. */
static double
around (const AvmShots *self, int64_t frame, int64_t first, int64_t last)
{
  double greatest = 0.0, second = 0.0;

  for (int64_t i = AVM_MAX (frame - 2, first); i <= AVM_MIN (frame + 2, last);
       i++) {
    double value = frame_at (self, i)->unlike;

    if (i == frame)
      continue;
    second = AVM_MAX (second, AVM_MIN (value, greatest));
    greatest = AVM_MAX (greatest, value);
  }
  return second;
}

static bool
stands_out (const AvmShots *self, int64_t frame, int64_t first, int64_t last)
{
  double value = frame_at (self, frame)->unlike;

  return value >= self->params.cut
      && value >= PROMINENCE * activity (self, frame, first, last)
      && value >= ISOLATION * around (self, frame, first, last);
}

/* Whether the frames after it are still unlike those before it. */
static bool
stays (const AvmShots *self, int64_t frame)
{
  const Frame *f = frame_at (self, frame), *before = frame_at (self, frame - 1);
  double least = AVM_MAX (0.7 * self->params.cut, 0.5 * f->unlike);
  int64_t last = AVM_MIN (frame + FLASH, self->n_frames - 1);
  int64_t first = AVM_MAX (frame - 1 - FLASH, oldest (self));

  for (int64_t i = frame + 1; i <= last; i++)
    if (unlike (before, frame_at (self, i)) < least)
      return false;
  for (int64_t i = first; i < frame - 1; i++)
    if (unlike (frame_at (self, i), f) < least)
      return false;
  return true;
}

/* Whether most of the change comes with this frame: the first frame of a fade
 * from black is unlike black too. */
static bool
is_abrupt (const AvmShots *self, int64_t frame)
{
  int64_t last = AVM_MIN (frame + FLASH, self->n_frames - 1);

  return mixture (frame_at (self, frame - 1)->cells,
             frame_at (self, last)->cells, frame_at (self, frame)->cells)
             .share
      > 0.5f;
}

static void
judge_cut (AvmShots *self, int64_t frame)
{
  Frame *f = frame_at (self, frame);
  int64_t first = AVM_MAX (oldest (self) + 1, 1);

  /* the greatest of its surroundings: a change of two frames is one cut */
  for (int64_t i = AVM_MAX (frame - 2, first);
       i <= AVM_MIN (frame + 2, self->n_frames - 1); i++)
    if (frame_at (self, i)->unlike > f->unlike
        || (i < frame && frame_at (self, i)->cut))
      return;
  if (!stands_out (self, frame, first, self->n_frames - 1)
      || !stays (self, frame) || !is_abrupt (self, frame))
    return;
  f->cut = true;
  self->barrier = frame;
  add_boundary (
      self, &(AvmShotsBoundary){AVM_SHOTS_CUT, f->time, 0.0, f->unlike});
}

/* -- dissolves ---------------------------------------------------------------- */

static Mixture
mixture_at (const AvmShots *self, const Candidate *c, int64_t frame)
{
  return mixture (frame_at (self, c->from)->cells,
      frame_at (self, c->to)->cells, frame_at (self, frame)->cells);
}

/* Few tests of many frames: not a dissolve if neither of two in the middle
 * could be in one. */
static bool
may_be_dissolve (const AvmShots *self, const Candidate *c)
{
  int64_t n = c->to - c->from;

  for (int64_t k = 0; k < 2; k++) {
    Mixture m = mixture_at (
        self, c, c->from + n / 2 + k * AVM_MIN (n / 4, OUTLIERS + 1));

    if (m.squares < MIN_CHANGE * MIN_CHANGE * CELLS)
      return false;
    if (m.residual <= MAX_RESIDUAL && m.share >= 0.2f && m.share <= 0.8f)
      return true;
  }
  return false;
}

/* Whether the frames between are mixtures that go gently from one to the
 * other; a flash may be among them. */
static bool
is_dissolve (const AvmShots *self, const Candidate *c)
{
  float step = AVM_MAX (0.34f, 2.5f / (float)(c->to - c->from));
  float before = 0.0f;
  int outliers = 0, since = 0;

  if (!may_be_dissolve (self, c))
    return false;
  for (int64_t i = c->from + 1; i <= c->to; i++) {
    Mixture m = mixture_at (self, c, i);

    since++;
    if (m.residual <= MAX_RESIDUAL && m.share >= before - 0.1f
        && m.share <= before + step * (float)since) {
      before = m.share;
      since = 0;
    } else if (++outliers > OUTLIERS) {
      return false;
    }
  }
  return since == 0;
}

/* Time at which the share passes `level`, between frames. */
static double
crossing (const AvmShots *self, const Candidate *c, float level)
{
  float before = 0.0f;

  for (int64_t i = c->from + 1; i <= c->to; i++) {
    Mixture m = mixture_at (self, c, i);
    float share = m.share;

    if (m.residual > MAX_RESIDUAL)
      continue;
    if (share >= level) {
      double t0 = frame_at (self, i - 1)->time, t1 = frame_at (self, i)->time;

      return share > before
          ? t0 + (t1 - t0) * (level - before) / (share - before)
          : t1;
    }
    before = share;
  }
  return frame_at (self, c->to)->time;
}

/* How unlike frames of one shot are over the length of the dissolve, before
 * or after it; what is not more than that is motion. */
static double
drift (const AvmShots *self, const Candidate *c)
{
  int64_t n = c->to - c->from;
  int64_t first = AVM_MAX (c->from - n, AVM_MAX (oldest (self), self->barrier));
  int64_t last = AVM_MIN (c->to + n, self->n_frames - 1);
  double least = 1.0;

  for (int64_t i = c->to + 1; i <= last; i++)
    if (frame_at (self, i)->cut)
      last = i - 1;
  if (2 * (c->from - first) >= n)
    least = unlike (frame_at (self, first), frame_at (self, c->from));
  if (2 * (last - c->to) >= n)
    least =
        AVM_MIN (least, unlike (frame_at (self, c->to), frame_at (self, last)));
  return least < 1.0 ? least : 0.0;
}

/* The ends are where the line through its quarters meets 0 and 1. */
static void
accept_dissolve (AvmShots *self)
{
  const Candidate c = self->best;
  double quarter = crossing (self, &c, 0.25f);
  double half = crossing (self, &c, 0.75f) - quarter;
  double begin = AVM_MAX (quarter - 0.5 * half, frame_at (self, c.from)->time);
  double end = AVM_MIN (begin + 2.0 * half, frame_at (self, c.to)->time);
  int64_t first = c.to;

  self->best.score = 0.0;
  if (c.score < DRIFT * drift (self, &c))
    return;
  while (first > c.from + 1 && frame_at (self, first - 1)->time >= end - 1e-6)
    first--;
  end = frame_at (self, first)->time;
  self->barrier = first;
  add_boundary (
      self, &(AvmShotsBoundary){AVM_SHOTS_DISSOLVE, end, end - begin, c.score});
}

static bool
has_cut (const AvmShots *self, int64_t from, int64_t to)
{
  for (int64_t i = from + 1; i <= to; i++)
    if (frame_at (self, i)->cut)
      return true;
  return false;
}

/* A better candidate takes the place of the best; one that begins after its
 * end belongs to the same dissolve, or the best is a dissolve of its own. */
static void
propose (AvmShots *self, const Candidate *c)
{
  if (self->best.score > 0.0 && c->from >= self->best.to) {
    Candidate both = {self->best.from, c->to, c->score};

    if (both.to - both.from > lengths[N_LENGTHS - 1]
        || !is_dissolve (self, &both)) {
      accept_dissolve (self);
    } else {
      both.score =
          unlike (frame_at (self, both.from), frame_at (self, both.to));
      if (both.score > self->best.score)
        self->best = both;
      return;
    }
  }
  if (c->from >= self->barrier && c->score > 1.02 * self->best.score)
    self->best = *c;
}

/* Dissolves that end with the frame, of several lengths. The longest one that
 * is unlike enough wins, and goes on to grow while frames come. */
static void
look_for_dissolve (AvmShots *self, int64_t frame)
{
  double most = self->params.max_dissolve * 1.25;

  for (int i = 0; i < N_LENGTHS; i++) {
    Candidate c = {frame - lengths[i], frame, 0.0};

    if (c.from < AVM_MAX (oldest (self), self->barrier)
        || frame_at (self, frame)->time - frame_at (self, c.from)->time > most)
      break;
    if (has_cut (self, c.from, c.to) || !is_dissolve (self, &c))
      continue;
    c.score = unlike (frame_at (self, c.from), frame_at (self, c.to));
    if (c.score < self->params.dissolve)
      continue;
    propose (self, &c);
  }
}

static void
judge_dissolve (AvmShots *self, int64_t frame, bool last)
{
  look_for_dissolve (self, frame);
  if (self->best.score > 0.0
      && (last || has_cut (self, self->best.to, frame)
          || frame - self->best.to
              > AVM_CLAMP ((self->best.to - self->best.from) / 2, 3, MAX_WAIT)))
    accept_dissolve (self);
}

/* Frames up to this one are decided. */
static void
judge_until (AvmShots *self, int64_t end, bool last)
{
  for (; self->judged < end; self->judged++) {
    if (self->judged > 0)
      judge_cut (self, self->judged);
    if (self->params.max_dissolve > 0.0)
      judge_dissolve (self, self->judged, last && self->judged == end - 1);
  }
}

void
avm_shots_do (AvmShots *self, const uint8_t *luma, ptrdiff_t stride, int width,
    int height, double time)
{
  Frame *frame = frame_at (self, self->n_frames);

  if (width > self->max_width) {
    avm_free (self->sums);
    self->sums = avm_alloc ((size_t)width, sizeof (*self->sums));
    self->max_width = self->sums != NULL ? width : 0;
  }
  if (self->sums == NULL || width < 1 || height < 1)
    return;
  frame->time = time;
  frame->cut = false;
  reduce (self->sums, luma, stride, width, height, frame->cells);
  smoothen (frame->cells, frame->smooth);
  frame->unlike = self->n_frames > 0
      ? unlike (frame_at (self, self->n_frames - 1), frame)
      : 0.0;
  self->n_frames++;
  judge_until (self, self->n_frames - NEIGHBOURS, false);
}

void
avm_shots_end (AvmShots *self)
{
  judge_until (self, self->n_frames, true);
  self->ended = true;
}

/* Nothing that is not known yet can lie before: a dissolve that is seen keeps
 * back what comes after its beginning. */
static double
decided_until (const AvmShots *self)
{
  if (self->ended)
    return INFINITY;
  if (self->judged == 0)
    return -INFINITY;
  return self->best.score > 0.0 ? frame_at (self, self->best.from)->time
                                : frame_at (self, self->judged - 1)->time;
}

bool
avm_shots_take (AvmShots *self, AvmShotsBoundary *boundary)
{
  while (self->n_pending > 0 && self->pending[0].time <= decided_until (self)) {
    bool too_soon;

    *boundary = self->pending[0];
    self->n_pending--;
    memmove (self->pending, self->pending + 1,
        (size_t)self->n_pending * sizeof (*self->pending));
    too_soon = self->any_boundary
        && boundary->time - self->last_boundary < self->params.min_shot;
    if (too_soon)
      continue;
    self->last_boundary = boundary->time;
    self->any_boundary = true;
    return true;
  }
  return false;
}

double
avm_shots_unlikeness (const AvmShots *self)
{
  return self->n_frames > 0 ? frame_at (self, self->n_frames - 1)->unlike : 0.0;
}

bool
avm_shots_is_cut (const AvmShots *self)
{
  int64_t last = self->n_frames - 1;

  return last > 0
      && stands_out (self, last, AVM_MAX (oldest (self) + 1, 1), last);
}
