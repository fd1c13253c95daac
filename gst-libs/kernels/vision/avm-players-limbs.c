/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hands and bows: flow as seen from a body that is at rest.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vision/avm-players-private.h"

/* Bow strokes are slower, vibrato and fingers are between, Hz */
#define STROKE 3.0
#define SHAKE_LO 3.5
#define SHAKE_HI 9.0
/* The courses of the stroke that others are compared with: now, and so long
 * before and after, s */
#define LAG 0.067
#define N_OWN 6
/* and the strokes of the players to the left and to the right */
#define N_REGRESSORS (N_OWN + 4)
/* A moment of a stroke is fast at this share of its greatest energy. */
#define FAST_STROKE 0.3
/* While it is followed the bowing hand is looked for this near, in hands, and
 * where it is found counts so much. */
#define TRACE_RADIUS 0.7
#define TRACE_GAIN 0.3
/* The frog is so many hands ahead of the middle of what moves fastest. */
#define BOW_AHEAD 0.5
/* Nobody uses the whole bow within some seconds: later strokes are longer,
 * outwards and down, where the arm has room. The reach grows by so much to the
 * bow's side, to the other one, at the top and at the bottom, in hands. */
#define GROW_OUT 0.35
#define GROW_IN 0.12
#define GROW_UP -0.23
#define GROW_DOWN 0.23
/* What follows the strokes by more than this share of its energy near the bow
 * is arm or stick. */
#define FOLLOWS 0.5
/* Energy, (px per picture)^2, below which there is no telling strokes from
 * vibrato */
#define FAINT 1e-3
/* What one player says for or against a mirror, at most, twice; and how much
 * of it must be for a mirror: pictures are rarely mirrored. */
#define MOST_EVIDENCE 2.5
#define MIRRORED 0.5
/* With so much evidence somebody is as likely at rest as playing. */
#define AT_REST -3.4

/* Where things are on a player, in sizes of the core (roots of its area) to
 * the side of the hand from its middle, and down from its top. Wide: they only
 * keep one player's arm from being taken for another's, and stay true for
 * every size of bowed instrument. */
static const struct {
  double x, x_sd, y, y_flat, y_sd;
} bow_prior = {-0.2, 0.3, 0.85, 0.25, 0.25},
  hand_prior = {0.33, 0.22, 0.6, 0.0, 0.22};

/* A part of the grid around one body; rows of `w` cells. */
typedef struct {
  const AvmPlayersFlow *flow;
  const AvmPlayersBody *body;
  double size, hand;  /* cells: of the core, of a hand */
  int x0, y0, w, h;   /* cells of the grid */
  float *motion;      /* cells x (u, v) x n, less the body's */
  float *shake;       /* the same, less the strokes, SHAKE_LO .. SHAKE_HI */
  float *slow, *fast; /* cells: energy */
  float *a, *b;       /* cells: scratch */
  uint8_t *excluded;  /* cells */
  float *path;        /* n + 1 x (x, y) */
  float *stroke;      /* N_REGRESSORS x n */
  float *scratch;     /* the greater of cells of the grid and n, twice */
} View;

static size_t
view_cells (const View *v)
{
  return (size_t)v->w * (size_t)v->h;
}

static float *
row_of (const View *v, float *series, int cell, int axis)
{
  return series + ((size_t)cell * 2 + (size_t)axis) * (size_t)v->flow->n;
}

static void
view_clear (View *v)
{
  avm_free (v->motion);
  avm_free (v->shake);
  avm_free (v->slow);
  avm_free (v->fast);
  avm_free (v->a);
  avm_free (v->b);
  avm_free (v->excluded);
  avm_free (v->stroke);
  avm_free (v->scratch);
}

static bool
view_init (View *v, const AvmPlayersFlow *flow, const AvmPlayersBody *body,
    double size, double hand, float *path)
{
  size_t n = (size_t)flow->n, cells;

  memset (v, 0, sizeof (View));
  v->flow = flow;
  v->body = body;
  v->size = size;
  v->hand = hand;
  v->path = path;
  v->x0 = AVM_CLAMP ((int)floor (body->x - 1.1 * size), 0, flow->cw - 1);
  v->y0 = AVM_CLAMP ((int)floor (body->y0 - 0.2 * size), 0, flow->ch - 1);
  v->w =
      AVM_CLAMP ((int)ceil (body->x + 1.1 * size), 0, flow->cw - 1) - v->x0 + 1;
  v->h = AVM_CLAMP ((int)ceil (body->y0 + 1.7 * size), 0, flow->ch - 1) - v->y0
      + 1;
  cells = view_cells (v);
  v->motion = avm_alloc (cells * 2 * n, sizeof (float));
  v->shake = avm_alloc (cells * 2 * n, sizeof (float));
  v->slow = avm_alloc (cells, sizeof (float));
  v->fast = avm_alloc (cells, sizeof (float));
  v->a = avm_alloc (cells, sizeof (float));
  v->b = avm_alloc (cells, sizeof (float));
  v->excluded = avm_alloc (cells, 1);
  v->stroke = avm_alloc (N_REGRESSORS * n, sizeof (float));
  v->scratch = avm_alloc (2 * AVM_MAX ((size_t)flow->cells, n), sizeof (float));
  return v->motion != NULL && v->shake != NULL && v->slow != NULL
      && v->fast != NULL && v->a != NULL && v->b != NULL && v->excluded != NULL
      && v->stroke != NULL && v->scratch != NULL;
}

/* -- from the body's point of view ----------------------------------------- */

static void
follow_body (View *v)
{
  const AvmPlayersFlow *flow = v->flow;

  v->path[0] = v->path[1] = 0.0f;
  for (int t = 0; t < flow->n; t++) {
    for (int axis = 0; axis < 2; axis++) {
      for (int i = 0; i < v->body->n_cells; i++)
        v->scratch[i] = flow->frames[t][2 * v->body->cells[i] + axis];
      v->path[2 * t + 2 + axis] = v->path[2 * t + axis]
          + avm_players_quantile (v->scratch, v->body->n_cells, 0.5)
              / (AVM_PLAYERS_STEPS * AVM_PLAYERS_CELL);
    }
  }
}

/* Motion of the body itself, px per picture */
static float
body_motion (const View *v, int axis, int t)
{
  return (v->path[2 * t + 2 + axis] - v->path[2 * t + axis]) * AVM_PLAYERS_CELL;
}

/* Flow at a place between cells, px per picture */
static void
flow_at (const AvmPlayersFlow *flow, int t, float x, float y, float result[2])
{
  const int16_t *f = flow->frames[t];
  float fx = AVM_CLAMP (x, 0.0f, (float)(flow->cw - 1));
  float fy = AVM_CLAMP (y, 0.0f, (float)(flow->ch - 1));
  int ix = (int)fx, iy = (int)fy;
  int right = ix + 1 < flow->cw ? 2 : 0;
  int below = iy + 1 < flow->ch ? 2 * flow->cw : 0;

  fx -= (float)ix;
  fy -= (float)iy;
  f += 2 * (iy * flow->cw + ix);
  for (int axis = 0; axis < 2; axis++)
    result[axis] = ((1.0f - fy) * ((1.0f - fx) * f[axis] + fx * f[axis + right])
                       + fy
                           * ((1.0f - fx) * f[axis + below]
                               + fx * f[axis + below + right]))
        / AVM_PLAYERS_STEPS;
}

static void
look_from_body (View *v)
{
  int cells = (int)view_cells (v), n = v->flow->n;

  for (int t = 0; t < n; t++) {
    const float *p = &v->path[2 * t];
    float du = body_motion (v, 0, t), dv = body_motion (v, 1, t);

    for (int c = 0; c < cells; c++) {
      float uv[2];

      flow_at (v->flow, t, (float)(v->x0 + c % v->w) + p[0],
          (float)(v->y0 + c / v->w) + p[1], uv);
      row_of (v, v->motion, c, 0)[t] = uv[0] - du;
      row_of (v, v->motion, c, 1)[t] = uv[1] - dv;
    }
  }
}

static float
mean_square (const float *x, int n)
{
  float sum = 0.0f;

  for (int t = 0; t < n; t++)
    sum += x[t] * x[t];
  return sum / (float)n;
}

static void
measure_slow (View *v)
{
  AvmPlayersFilter filter;

  avm_players_filter_init (&filter, 0.0, STROKE, v->flow->rate);
  for (int c = 0; c < (int)view_cells (v); c++) {
    v->slow[c] = 0.0f;
    for (int axis = 0; axis < 2; axis++) {
      avm_players_filter (
          &filter, row_of (v, v->motion, c, axis), v->scratch, v->flow->n);
      v->slow[c] += mean_square (v->scratch, v->flow->n);
    }
  }
}

static double
dot (const float *a, const float *b, int n)
{
  double sum = 0.0;

  for (int t = 0; t < n; t++)
    sum += a[t] * b[t];
  return sum;
}

/* -- maps ------------------------------------------------------------------ */

/* Gaussian of sd 1 cell, cut off at 2; outside counts as 0 */
static void
blur (const View *v, const float *in, float *out)
{
  static const float taps[3] = {0.4026f, 0.2442f, 0.0545f};
  float *rows = v->scratch;

  for (int y = 0; y < v->h; y++) {
    for (int x = 0; x < v->w; x++) {
      float sum = 0.0f;

      for (int d = -2; d <= 2; d++)
        if (x + d >= 0 && x + d < v->w)
          sum += taps[d < 0 ? -d : d] * in[y * v->w + x + d];
      rows[y * v->w + x] = sum;
    }
  }
  for (int y = 0; y < v->h; y++) {
    for (int x = 0; x < v->w; x++) {
      float sum = 0.0f;

      for (int d = -2; d <= 2; d++)
        if (y + d >= 0 && y + d < v->h)
          sum += taps[d < 0 ? -d : d] * rows[(y + d) * v->w + x];
      out[y * v->w + x] = sum;
    }
  }
}

static double
bow_weight (const View *v, int c, int side)
{
  double x = side * (v->x0 + c % v->w - v->body->x) / v->size;
  double y = (v->y0 + c / v->w - v->body->y0) / v->size;

  x = (x - bow_prior.x) / bow_prior.x_sd;
  y = AVM_MAX (fabs (y - bow_prior.y) - bow_prior.y_flat, 0.0) / bow_prior.y_sd;
  return exp (-(x * x + y * y));
}

static double
hand_weight (const View *v, int c, int side)
{
  double x = side * (v->x0 + c % v->w - v->body->x) / v->size;
  double y = (v->y0 + c / v->w - v->body->y0) / v->size;

  x = (x - hand_prior.x) / hand_prior.x_sd;
  y = (y - hand_prior.y) / hand_prior.y_sd;
  return exp (-(x * x + y * y));
}

/* The cell of the greatest weighted value; its value, unweighted, over the
 * median of the map */
static int
peak (const View *v, const float *map, int side,
    double (*weight) (const View *, int, int), double *score)
{
  int cells = (int)view_cells (v), best = 0;
  double top = -1.0, middle;

  for (int c = 0; c < cells; c++) {
    double value = map[c] * weight (v, c, side);

    if (value > top) {
      top = value;
      best = c;
    }
  }
  memcpy (v->scratch, map, (size_t)cells * sizeof (float));
  middle = avm_players_quantile (v->scratch, cells, 0.5);
  *score = map[best] / AVM_MAX (middle, 1e-6);
  return best;
}

static double
cell_distance (const View *v, int c, double x, double y)
{
  return hypot (c % v->w - x, c / v->w - y);
}

/* -- the bow --------------------------------------------------------------- */

/* The course of the stroke: mean motion around the peak */
static void
take_stroke (View *v, int at)
{
  int n = v->flow->n, count = 0;
  double radius = AVM_MAX (1.5, 0.11 * v->size);

  memset (v->stroke, 0, N_REGRESSORS * (size_t)n * sizeof (float));
  for (int c = 0; c < (int)view_cells (v); c++) {
    if (cell_distance (v, c, at % v->w, at / v->w) > radius)
      continue;
    count++;
    for (int axis = 0; axis < 2; axis++)
      for (int t = 0; t < n; t++)
        v->stroke[axis * n + t] += row_of (v, v->motion, c, axis)[t];
  }
  for (int i = 0; i < 2 * n; i++)
    v->stroke[i] /= (float)AVM_MAX (count, 1);
}

/* What other courses are compared with: the stroke, the stroke a little before
 * and after, and those of the neighbours (NULL: none), seen from here. */
static void
take_regressors (View *v, const float *const neighbours[2])
{
  int n = v->flow->n, lag = (int)lround (LAG * v->flow->rate);

  for (int k = 1; k < N_OWN / 2; k++)
    for (int axis = 0; axis < 2; axis++)
      for (int t = 0; t < n; t++)
        v->stroke[(2 * k + axis) * n + t] = v->stroke[axis * n
            + AVM_CLAMP (t + (k == 1 ? -lag : lag), 0, n - 1)];
  for (int k = 0; k < 2; k++)
    for (int axis = 0; axis < 2; axis++)
      for (int t = 0; t < n; t++)
        v->stroke[(N_OWN + 2 * k + axis) * n + t] = neighbours[k] == NULL
            ? 0.0f
            : neighbours[k][axis * n + t] - body_motion (v, axis, t);
}

/* Direction of the strokes, towards the side of the fingering hand: there the
 * stick begins */
static void
stroke_direction (const View *v, int side, double d[2])
{
  int n = v->flow->n;
  const float *u = v->stroke, *w = v->stroke + n;
  double uu = dot (u, u, n), uw = dot (u, w, n), ww = dot (w, w, n);
  double angle = 0.5 * atan2 (2.0 * uw, uu - ww);

  d[0] = cos (angle);
  d[1] = sin (angle);
  if (side * d[0] < 0.0) {
    d[0] = -d[0];
    d[1] = -d[1];
  }
}

/* Energy of the motion around a cell in one frame */
static float
energy_around (View *v, int x, int y, int t)
{
  static const float taps[3] = {0.4026f, 0.2442f, 0.0545f};
  float sum = 0.0f;

  for (int j = -2; j <= 2; j++) {
    for (int i = -2; i <= 2; i++) {
      int c = (y + j) * v->w + x + i;
      float mu, mv;

      if (x + i < 0 || x + i >= v->w || y + j < 0 || y + j >= v->h)
        continue;
      mu = row_of (v, v->motion, c, 0)[t];
      mv = row_of (v, v->motion, c, 1)[t];
      sum += taps[abs (i)] * taps[abs (j)] * (mu * mu + mv * mv);
    }
  }
  return sum;
}

/* The fastest place near (x, y), no farther than `radius` cells */
static float
fastest_near (View *v, int t, double radius, const double from[2], int side,
    double best[2])
{
  float top = -1.0f;
  int r = (int)ceil (radius), cx = (int)lround (from[0]),
      cy = (int)lround (from[1]);

  best[0] = from[0];
  best[1] = from[1];
  for (int y = AVM_MAX (cy - r, 0); y <= AVM_MIN (cy + r, v->h - 1); y++) {
    for (int x = AVM_MAX (cx - r, 0); x <= AVM_MIN (cx + r, v->w - 1); x++) {
      float value;

      if (hypot (x - from[0], y - from[1]) > radius)
        continue;
      value = energy_around (v, x, y, t)
          * (float)sqrt (bow_weight (v, y * v->w + x, side));
      if (value > top) {
        top = value;
        best[0] = x;
        best[1] = y;
      }
    }
  }
  return top;
}

/* Motion at a place between cells, cells per frame */
static void
motion_at (View *v, const double at[2], int t, double motion[2])
{
  double x = AVM_CLAMP (at[0], 0.0, v->w - 1.0);
  double y = AVM_CLAMP (at[1], 0.0, v->h - 1.0);
  int ix = (int)x, iy = (int)y;
  int jx = AVM_MIN (ix + 1, v->w - 1), jy = AVM_MIN (iy + 1, v->h - 1);

  x -= ix;
  y -= iy;
  for (int axis = 0; axis < 2; axis++)
    motion[axis] =
        ((1.0 - y)
                * ((1.0 - x) * row_of (v, v->motion, iy * v->w + ix, axis)[t]
                    + x * row_of (v, v->motion, iy * v->w + jx, axis)[t])
            + y
                * ((1.0 - x) * row_of (v, v->motion, jy * v->w + ix, axis)[t]
                    + x * row_of (v, v->motion, jy * v->w + jx, axis)[t]))
        / AVM_PLAYERS_CELL;
}

/* Follows the bowing hand from one frame to an end of the time: where it moves
 * it is where motion is fastest, where it rests it stays. v->scratch becomes
 * its place in every frame, all x and then all y. */
static void
trace_bow (View *v, int t, int end, double top, int side, const double start[2])
{
  int n = v->flow->n, step = end > t ? 1 : -1;
  double at[2] = {start[0], start[1]};

  v->scratch[t] = (float)at[0];
  v->scratch[n + t] = (float)at[1];
  while (t != end) {
    double motion[2], best[2], trust;
    int flow = step > 0 ? t : t - 1; /* from frame t - 1 to t is flow t - 1 */

    motion_at (v, at, flow, motion);
    at[0] += step * motion[0];
    at[1] += step * motion[1];
    t += step;
    if (t < 0 || t >= v->flow->n)
      continue;
    trust = fastest_near (v, t, TRACE_RADIUS * v->hand, at, side, best) / top;
    trust = TRACE_GAIN * AVM_CLAMP (trust / FAST_STROKE, 0.0, 1.0);
    at[0] += trust * (best[0] - at[0]);
    at[1] += trust * (best[1] - at[1]);
    v->scratch[t] = (float)at[0];
    v->scratch[n + t] = (float)at[1];
  }
}

static void
grow_reach (const View *v, int side, double reach[4])
{
  reach[0] -= v->hand * (side > 0 ? GROW_OUT : GROW_IN);
  reach[1] -= v->hand * GROW_UP;
  reach[2] += v->hand * (side > 0 ? GROW_IN : GROW_OUT);
  reach[3] += v->hand * GROW_DOWN;
}

/* Everywhere that the bowing hand goes, less 3 % of the time at each side, and
 * some more. The arm moves like the hand and is larger; the frog is where the
 * stick begins. */
static void
see_reach (View *v, int at, int side, double reach[4])
{
  int n = v->flow->n, fastest = 0;
  double from[2] = {at % v->w, at / v->w}, start[2] = {from[0], from[1]};
  double place[2], d[2], top = 1e-6;

  for (int t = 0; t < n; t++) {
    double value = fastest_near (v, t, 0.5 * v->size, from, side, place);

    if (value <= top)
      continue;
    top = value;
    fastest = t;
    start[0] = place[0];
    start[1] = place[1];
  }
  trace_bow (v, fastest, 0, top, side, start);
  trace_bow (v, fastest, n - 1, top, side, start);
  stroke_direction (v, side, d);
  for (int axis = 0; axis < 2; axis++) {
    float *places = v->scratch + axis * n;
    double corner = axis == 0 ? v->x0 : v->y0;

    corner += BOW_AHEAD * v->hand * d[axis];
    reach[axis] = corner + avm_players_quantile (places, n, 0.03);
    reach[2 + axis] = corner + avm_players_quantile (places, n, 0.97);
  }
  grow_reach (v, side, reach);
}

/* -- the fingering hand ---------------------------------------------------- */

/* a = L L^T in place; then solves a x = b */
static void
solve (double a[N_REGRESSORS][N_REGRESSORS], double b[N_REGRESSORS])
{
  for (int i = 0; i < N_REGRESSORS; i++) {
    for (int j = 0; j <= i; j++) {
      double sum = a[i][j];

      for (int k = 0; k < j; k++)
        sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? sqrt (AVM_MAX (sum, 1e-12)) : sum / a[j][j];
    }
  }
  for (int i = 0; i < N_REGRESSORS; i++) {
    for (int k = 0; k < i; k++)
      b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (int i = N_REGRESSORS - 1; i >= 0; i--) {
    for (int k = i + 1; k < N_REGRESSORS; k++)
      b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

/* Takes what follows the stroke out of each cell and keeps the band of the
 * fingers; v->a becomes the share of energy that followed. */
static void
take_away_stroke (View *v)
{
  int n = v->flow->n;
  double gram[N_REGRESSORS][N_REGRESSORS], trace = 0.0;
  AvmPlayersFilter filter;
  double hi = AVM_MIN (SHAKE_HI, 0.45 * v->flow->rate);

  avm_players_filter_init (
      &filter, AVM_MIN (SHAKE_LO, 0.5 * hi), hi, v->flow->rate);
  for (int i = 0; i < N_REGRESSORS; i++)
    for (int j = 0; j < N_REGRESSORS; j++)
      gram[i][j] = dot (v->stroke + i * n, v->stroke + j * n, n);
  for (int i = 0; i < N_REGRESSORS; i++)
    trace += gram[i][i];
  for (int i = 0; i < N_REGRESSORS; i++)
    gram[i][i] += 1e-3 * trace / N_REGRESSORS + 1e-9;
  for (int c = 0; c < (int)view_cells (v); c++) {
    double before = 0.0, after = 0.0;

    for (int axis = 0; axis < 2; axis++) {
      const float *x = row_of (v, v->motion, c, axis);
      double a[N_REGRESSORS][N_REGRESSORS], b[N_REGRESSORS];

      memcpy (a, gram, sizeof (gram));
      for (int i = 0; i < N_REGRESSORS; i++)
        b[i] = dot (v->stroke + i * n, x, n);
      solve (a, b);
      for (int t = 0; t < n; t++) {
        float value = x[t];

        for (int i = 0; i < N_REGRESSORS; i++)
          value -= (float)b[i] * v->stroke[i * n + t];
        v->scratch[t] = value;
      }
      before += dot (x, x, n);
      after += dot (v->scratch, v->scratch, n);
      avm_players_filter (
          &filter, v->scratch, row_of (v, v->shake, c, axis), n);
    }
    v->a[c] = (float)(1.0 - after / AVM_MAX (before, 1e-9));
  }
}

/* Arms and sticks: cells near a bow that follow it, and the line of the
 * strokes, on which the stick lies. bows: cells of the grid; the own one, and
 * those of the neighbours, -1 for none. */
static void
exclude_bows (View *v, int side, const int bows[3])
{
  double d[2], across = AVM_MAX (3.0, 0.17 * v->size);

  stroke_direction (v, side, d);
  for (int c = 0; c < (int)view_cells (v); c++) {
    int x = v->x0 + c % v->w, y = v->y0 + c / v->w, cw = v->flow->cw;
    double dx = x - bows[0] % cw, dy = y - bows[0] / cw;

    v->excluded[c] = fabs (dx * d[1] - dy * d[0]) < across;
    for (int k = 0; k < 3; k++)
      if (bows[k] >= 0 && v->a[c] > FOLLOWS
          && hypot (x - bows[k] % cw, y - bows[k] / cw) < 0.5 * v->size)
        v->excluded[c] = 1;
  }
}

/* Energy of the band from t0 to t1, nothing where the bow is */
static void
measure_fast (View *v, int t0, int t1)
{
  for (int c = 0; c < (int)view_cells (v); c++)
    v->fast[c] = v->excluded[c]
        ? 0.0f
        : mean_square (row_of (v, v->shake, c, 0) + t0, t1 - t0)
            + mean_square (row_of (v, v->shake, c, 1) + t0, t1 - t0);
}

/* Middle of the second in which the cells around `at` shake most */
static int
busiest (View *v, int at)
{
  int n = v->flow->n, half = AVM_MAX ((int)(0.5 * v->flow->rate), 1);
  double sum = 0.0, top = -1.0;
  int best = n / 2;

  memset (v->scratch, 0, (size_t)n * sizeof (float));
  for (int c = 0; c < (int)view_cells (v); c++) {
    if (v->excluded[c] || cell_distance (v, c, at % v->w, at / v->w) > 1.5)
      continue;
    for (int axis = 0; axis < 2; axis++)
      for (int t = 0; t < n; t++) {
        float x = row_of (v, v->shake, c, axis)[t];

        v->scratch[t] += x * x;
      }
  }
  for (int t = 0; t < n; t++) {
    sum += v->scratch[t];
    if (t >= 2 * half)
      sum -= v->scratch[t - 2 * half];
    if (t >= AVM_MIN (2 * half, n) - 1 && sum > top) {
      top = sum;
      best = AVM_MAX (t - half, 0);
    }
  }
  return best;
}

/* Marks the cells around `at` that shake at least half as much and hang
 * together, in v->b; v->a is the amplitude. */
static int
grow_limb (View *v, int at)
{
  int cells = (int)view_cells (v), n = 0;
  bool more = true;
  float limit;

  for (int c = 0; c < cells; c++) {
    v->a[c] = sqrtf (v->fast[c]);
    v->b[c] = 0.0f;
    if (cell_distance (v, c, at % v->w, at / v->w) < 1.5)
      v->scratch[n++] = v->a[c];
  }
  limit = 0.45f * avm_players_quantile (v->scratch, n, 0.75);
  v->b[at] = 1.0f;
  n = 1;
  while (more) {
    more = false;
    for (int c = 0; c < cells; c++) {
      int x = c % v->w;

      if (v->b[c] > 0.0f || v->a[c] <= limit || v->excluded[c]
          || cell_distance (v, c, at % v->w, at / v->w) > 2.2 * v->hand)
        continue;
      if ((x > 0 && v->b[c - 1] > 0.0f) || (x + 1 < v->w && v->b[c + 1] > 0.0f)
          || (c >= v->w && v->b[c - v->w] > 0.0f)
          || (c + v->w < cells && v->b[c + v->w] > 0.0f)) {
        v->b[c] = 1.0f;
        more = true;
        n++;
      }
    }
  }
  return n;
}

/* Weighted moments of the limb: x, y, xx, xy, yy, about the mean */
static void
limb_moments (const View *v, double m[5])
{
  double sum = 0.0;

  memset (m, 0, 5 * sizeof (double));
  for (int c = 0; c < (int)view_cells (v); c++) {
    double w = v->b[c] * v->a[c], x = c % v->w, y = c / v->w;

    sum += w;
    m[0] += w * x;
    m[1] += w * y;
    m[2] += w * x * x;
    m[3] += w * x * y;
    m[4] += w * y * y;
  }
  for (int i = 0; i < 5; i++)
    m[i] /= AVM_MAX (sum, 1e-12);
  m[2] -= m[0] * m[0];
  m[3] -= m[0] * m[1];
  m[4] -= m[1] * m[1];
}

/* The forearm shakes with the hand, which is at its end: the end that is
 * farther from the elbow, which hangs below and outside of a playing hand. */
static void
find_end (View *v, int at, int side, double *x, double *y)
{
  int n = grow_limb (v, at), k = 0;
  double m[5], along, across, angle, cx, cy, turn, from, end;
  double sum = 0.0, ox = 0.0, oy = 0.0;

  *x = at % v->w;
  *y = at / v->w;
  limb_moments (v, m);
  angle = 0.5 * atan2 (2.0 * m[3], m[2] - m[4]);
  along = 0.5 * (m[2] + m[4])
      + sqrt (0.25 * (m[2] - m[4]) * (m[2] - m[4]) + m[3] * m[3]);
  across = m[2] + m[4] - along;
  if (n < 4 || along < 2.0 * AVM_MAX (across, 0.05))
    return;
  cx = cos (angle);
  cy = sin (angle);
  from = (*x - m[0]) * cx + (*y - m[1]) * cy;
  turn = (side * cx + cy) * M_SQRT1_2;
  if (turn > 0.3 || (turn > -0.3 && from < 0.0)) {
    cx = -cx;
    cy = -cy;
  }
  for (int c = 0; c < (int)view_cells (v); c++)
    if (v->b[c] > 0.0f)
      v->scratch[k++] =
          (float)((c % v->w - m[0]) * cx + (c / v->w - m[1]) * cy);
  end = avm_players_quantile (v->scratch, k, 0.97) + 0.5 - 0.5 * v->hand;
  for (int c = 0; c < (int)view_cells (v); c++) {
    double px = c % v->w - m[0], py = c / v->w - m[1],
           at_end = px * cx + py * cy;
    double w = v->b[c] * v->a[c];

    if (w <= 0.0 || fabs (at_end - end) > 0.6 * v->hand)
      continue;
    sum += w;
    ox += w * (px - at_end * cx);
    oy += w * (py - at_end * cy);
  }
  *x = m[0] + end * cx + (sum > 0.0 ? ox / sum : 0.0);
  *y = m[1] + end * cy + (sum > 0.0 ? oy / sum : 0.0);
}

/* Where the hand is, a cell of the view; v->b becomes the map of what shakes. */
static int
find_hand (View *v, int side, const int bows[3], double *score)
{
  take_away_stroke (v);
  exclude_bows (v, side, bows);
  measure_fast (v, 0, v->flow->n);
  blur (v, v->fast, v->b);
  return peak (v, v->b, side, hand_weight, score);
}

static void
see_hand (View *v, int side, int at, AvmPlayersSeen *seen)
{
  int n = v->flow->n, half = AVM_MAX ((int)(0.75 * v->flow->rate), 2);
  double x, y;

  seen->frame = busiest (v, at);
  measure_fast (
      v, AVM_MAX (seen->frame - half, 0), AVM_MIN (seen->frame + half, n));
  find_end (v, at, side, &x, &y);
  seen->x = v->x0 + x;
  seen->y = v->y0 + y;
}

/* -- which of the two ------------------------------------------------------ */

/* How well a place does for the bow: motion, where a bow may be */
static double
bow_evidence (View *v, int at, int side)
{
  blur (v, v->slow, v->a);
  return log ((v->a[at] + FAINT) * AVM_MAX (bow_weight (v, at, side), 1e-6));
}

/* and a place for the fingering hand, which shakes more than it strokes, as the
 * hand with the bow does not. v->b: the map of what shakes */
static double
hand_evidence (View *v, int at)
{
  blur (v, v->slow, v->a);
  return log ((v->b[at] + FAINT) / (v->a[at] + FAINT));
}

/* -- all ------------------------------------------------------------------- */

/* Both sides on which bows may be; cells of the grid. strokes: (u, v) x n,
 * in the picture. */
typedef struct {
  int at[2];
  double score[2];
  float *strokes[2];
} Bows;

/* What there is on one side, and how much speaks for it */
typedef struct {
  AvmPlayersSeen hand;
  double reach[4], bow_score;
  double for_bow, for_hand;
} Side;

static int
view_cell (const View *v, int grid_cell)
{
  int cw = v->flow->cw;

  return (grid_cell / cw - v->y0) * v->w + grid_cell % cw - v->x0;
}

static void
find_bows (View *v, Bows *bows)
{
  int n = v->flow->n;

  follow_body (v);
  look_from_body (v);
  measure_slow (v);
  for (int i = 0; i < 2; i++) {
    int side = i == 0 ? 1 : -1, at;

    blur (v, v->slow, v->b);
    at = peak (v, v->b, side, bow_weight, &bows->score[i]);
    take_stroke (v, at);
    for (int axis = 0; axis < 2; axis++)
      for (int t = 0; t < n; t++)
        bows->strokes[i][axis * n + t] =
            v->stroke[axis * n + t] + body_motion (v, axis, t);
    bows->at[i] = (v->y0 + at / v->w) * v->flow->cw + v->x0 + at % v->w;
  }
}

static void
find_limbs (View *v, int side, const Bows *bows, int player, int n_players,
    Side *result)
{
  int i = side > 0 ? 0 : 1;
  bool left = player > 0, right = player + 1 < n_players;
  const float *neighbours[2] = {left ? bows[player - 1].strokes[i] : NULL,
      right ? bows[player + 1].strokes[i] : NULL};
  const int cells[3] = {bows[player].at[i], left ? bows[player - 1].at[i] : -1,
      right ? bows[player + 1].at[i] : -1};
  int bow = view_cell (v, cells[0]), hand;

  take_stroke (v, bow);
  result->bow_score = bows[player].score[i];
  see_reach (v, bow, side, result->reach);
  take_regressors (v, neighbours);
  hand = find_hand (v, side, cells, &result->hand.score);
  result->for_bow = bow_evidence (v, bow, side);
  result->for_hand = hand_evidence (v, hand);
  see_hand (v, side, hand, &result->hand);
}

static void
look_at_sides (
    View *v, const Bows *bows, int player, int n_players, Side sides[2])
{
  look_from_body (v);
  measure_slow (v);
  for (int i = 0; i < 2; i++)
    find_limbs (v, i == 0 ? 1 : -1, bows, player, n_players, &sides[i]);
}

/* How much more one player does as in a mirror */
static double
mirror_evidence (const Side sides[2])
{
  return AVM_CLAMP (
             sides[1].for_bow - sides[0].for_bow, -MOST_EVIDENCE, MOST_EVIDENCE)
      + AVM_CLAMP (
          sides[1].for_hand - sides[0].for_hand, -MOST_EVIDENCE, MOST_EVIDENCE);
}

/* Bows first, for it takes those of all players to tell a hand from the
 * neighbour's arm; then hands, on both sides. */
static bool
look_at_all (const AvmPlayersFlow *flow, const AvmPlayersBodies *bodies,
    double hand_size, Bows *bows, Side (*sides)[2], AvmPlayersLimbs *limbs)
{
  float sizes[AVM_PLAYERS_MAX];
  double usual;
  bool good = true;

  for (int i = 0; i < bodies->n; i++)
    sizes[i] = (float)bodies->bodies[i].size;
  usual = avm_players_quantile (sizes, bodies->n, 0.5);
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < bodies->n && good; i++) {
      const AvmPlayersBody *body = &bodies->bodies[i];
      double size = AVM_CLAMP (body->size, 0.75 * usual, 1.33 * usual);
      View view;

      good = view_init (&view, flow, body, size, hand_size, limbs[i].path);
      if (good && pass == 0)
        find_bows (&view, &bows[i]);
      else if (good)
        look_at_sides (&view, bows, i, bodies->n, sides[i]);
      view_clear (&view);
    }
  }
  return good;
}

/* Players sit as they do, or all of them are in a mirror. */
static void
choose_side (Side (*sides)[2], int n, AvmPlayersLimbs *limbs)
{
  double evidence = 0.0;

  for (int i = 0; i < n; i++)
    evidence += mirror_evidence (sides[i]);
  for (int i = 0; i < n; i++) {
    const Side *side = &sides[i][evidence > MIRRORED ? 1 : 0];

    limbs[i].hand = side->hand;
    limbs[i].bow_score = side->bow_score;
    limbs[i].plays =
        1.0 / (1.0 + exp (2.0 * (AT_REST - side->for_bow - side->for_hand)));
    memcpy (limbs[i].reach, side->reach, sizeof (side->reach));
  }
}

bool
avm_players_find_limbs (const AvmPlayersFlow *flow,
    const AvmPlayersBodies *bodies, double hand_size, AvmPlayersLimbs *limbs,
    AvmError *error)
{
  size_t length = 2 * (size_t)flow->n;
  Bows bows[AVM_PLAYERS_MAX];
  Side sides[AVM_PLAYERS_MAX][2];
  float *strokes;
  bool good;

  if (bodies->n == 0)
    return true;
  strokes = avm_alloc (2 * (size_t)bodies->n * length, sizeof (float));
  for (int i = 0; i < bodies->n && strokes != NULL; i++)
    for (int k = 0; k < 2; k++)
      bows[i].strokes[k] = strokes + (2 * (size_t)i + (size_t)k) * length;
  good = strokes != NULL
      && look_at_all (flow, bodies, hand_size, bows, sides, limbs);
  if (good)
    choose_side (sides, bodies->n, limbs);
  avm_free (strokes);
  if (!good)
    avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "motion of %d players", bodies->n);
  return good;
}
