/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bodies: cells that move alike, and a mixture with one component per body.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <string.h>

#include "learn/avm-gmm.h"
#include "vision/avm-players-private.h"

/* Bodies sway below this, Hz */
#define SWAY 2.5
/* Samples per second of what is left of the motion after that */
#define SWAY_RATE 7.5
/* A cell moves when its slow motion is so many times that of the quietest
 * tenth, and at least so many px per picture. */
#define ACTIVE 4.5
#define LEAST_MOTION 0.01f
/* Groups whose motion differs by more than this share of its energy differ */
#define UNLIKE 0.35
/* Side of the blocks of cells that agglomeration begins with */
#define BLOCK 2
/* A player is at least this share of the largest one, and of the picture */
#define LEAST_OF_LARGEST 0.25
#define LEAST_OF_PICTURE 0.006
/* Pieces that may belong to a larger one are at least this share of it */
#define PIECE 0.08
/* Groups whose middles are closer than this share of their width are parts of
 * one body. */
#define STACKED 0.45
/* Arms and bows get this far beyond a core, in roots of its area. */
#define REACH 0.3
/* What moves less steadily than this is no player. */
#define STEADY 0.08

/* What the search works on; every array belongs to it. */
typedef struct {
  const AvmPlayersFlow *flow;
  int n_low;     /* samples of the slow motion */
  float *series; /* cells x (u, v) x n, px per picture, camera taken away */
  float *low;    /* cells x (u, v) x n_low */
  float *slow;   /* cells: rms of the slow motion */
  float *camera; /* (u, v) x n */
  float *scratch;
  float noise;
  /* agglomeration */
  int n_nodes;
  int *node_of; /* cells: node, -1 none */
  int *size, *best, *root;
  double *best_key;
  float *means; /* nodes x (u, v) x n_low */
  uint8_t *adjacent;
  bool *alive;
} Search;

/* -- helpers --------------------------------------------------------------- */

void
avm_players_filter_init (
    AvmPlayersFilter *filter, double lo, double hi, double rate)
{
  const int most = (int)(sizeof (filter->taps) / sizeof (filter->taps[0])) - 1;
  double sum = 0.0;

  filter->half = AVM_CLAMP ((int)lround (0.3 * rate), 1, most);
  for (int i = 0; i <= filter->half; i++) {
    double window = 0.5 + 0.5 * cos (M_PI * i / (filter->half + 1.0));
    double a = 2.0 * AVM_MIN (hi / rate, 0.5);
    double b = 2.0 * AVM_CLAMP (lo / rate, 0.0, 0.5);
    double tap =
        i == 0 ? a - b : (sin (M_PI * a * i) - sin (M_PI * b * i)) / (M_PI * i);

    filter->taps[i] = (float)(window * tap);
    sum += (i == 0 ? 1.0 : 2.0) * filter->taps[i];
  }
  if (lo > 0.0) { /* nothing of a constant passes */
    filter->taps[0] -= (float)sum;
    return;
  }
  for (int i = 0; i <= filter->half; i++)
    filter->taps[i] /= (float)sum;
}

static float
mirrored (const float *in, int i, int n)
{
  int period = 2 * n - 2;

  if (period <= 0)
    return in[0];
  i = (i % period + period) % period;
  return in[i < n ? i : period - i];
}

AVM_CLONES void
avm_players_filter (
    const AvmPlayersFilter *filter, const float *in, float *out, int n)
{
  int half = filter->half;

  for (int t = 0; t < n; t++) {
    float sum = filter->taps[0] * in[t];

    if (t >= half && t + half < n) {
      for (int i = 1; i <= half; i++)
        sum += filter->taps[i] * (in[t - i] + in[t + i]);
    } else {
      for (int i = 1; i <= half; i++)
        sum += filter->taps[i]
            * (mirrored (in, t - i, n) + mirrored (in, t + i, n));
    }
    out[t] = sum;
  }
}

/* C. A. R. Hoare's selection */
float
avm_players_quantile (float *values, int n, double q)
{
  int lo = 0, hi = n - 1, k = AVM_CLAMP ((int)(q * (n - 1) + 0.5), 0, n - 1);

  while (lo < hi) {
    float pivot = values[k];
    int i = lo, j = hi;

    do {
      while (values[i] < pivot)
        i++;
      while (pivot < values[j])
        j--;
      if (i <= j) {
        float swap = values[i];

        values[i++] = values[j];
        values[j--] = swap;
      }
    } while (i <= j);
    if (j < k)
      lo = i;
    if (k < i)
      hi = j;
  }
  return values[k];
}

static float *
series_of (const Search *s, int cell, int axis)
{
  return s->series + ((size_t)cell * 2 + (size_t)axis) * (size_t)s->flow->n;
}

static void
search_clear (Search *s)
{
  avm_free (s->series);
  avm_free (s->low);
  avm_free (s->slow);
  avm_free (s->camera);
  avm_free (s->scratch);
  avm_free (s->node_of);
  avm_free (s->size);
  avm_free (s->best);
  avm_free (s->root);
  avm_free (s->best_key);
  avm_free (s->means);
  avm_free (s->adjacent);
  avm_free (s->alive);
}

static bool
search_init (Search *s, const AvmPlayersFlow *flow)
{
  size_t cells = (size_t)flow->cells, n = (size_t)flow->n, nodes, low;
  int step = AVM_MAX ((int)lround (flow->rate / SWAY_RATE), 1);

  memset (s, 0, sizeof (Search));
  s->flow = flow;
  s->n_low = (flow->n + step - 1) / step;
  low = 2 * (size_t)s->n_low;
  nodes = (size_t)((flow->cw + BLOCK - 1) / BLOCK)
      * (size_t)((flow->ch + BLOCK - 1) / BLOCK);
  s->series = avm_alloc (cells * 2 * n, sizeof (float));
  s->low = avm_alloc (cells * low, sizeof (float));
  s->slow = avm_alloc (cells, sizeof (float));
  s->camera = avm_alloc (2 * n, sizeof (float));
  s->scratch = avm_alloc (AVM_MAX (cells, n), sizeof (float));
  s->node_of = avm_alloc (cells, sizeof (int));
  s->size = avm_alloc (nodes, sizeof (int));
  s->best = avm_alloc (nodes, sizeof (int));
  s->root = avm_alloc (nodes, sizeof (int));
  s->best_key = avm_alloc (nodes, sizeof (double));
  s->means = avm_alloc (nodes * low, sizeof (float));
  s->adjacent = avm_alloc (nodes * nodes, 1);
  s->alive = avm_alloc (nodes, sizeof (bool));
  return s->series != NULL && s->low != NULL && s->slow != NULL
      && s->camera != NULL && s->scratch != NULL && s->node_of != NULL
      && s->size != NULL && s->best != NULL && s->root != NULL
      && s->best_key != NULL && s->means != NULL && s->adjacent != NULL
      && s->alive != NULL;
}

/* -- the camera ------------------------------------------------------------ */

/* The median motion of the cells that move least, all of them at first */
static void
estimate_camera (Search *s, float limit)
{
  const AvmPlayersFlow *flow = s->flow;

  for (int t = 0; t < flow->n; t++) {
    for (int axis = 0; axis < 2; axis++) {
      int n = 0;

      for (int c = 0; c < flow->cells; c++)
        if (s->slow[c] <= limit)
          s->scratch[n++] = flow->frames[t][2 * c + axis];
      if (n > 0)
        s->camera[axis * flow->n + t] =
            avm_players_quantile (s->scratch, n, 0.5) / AVM_PLAYERS_STEPS;
    }
  }
}

static void
measure_motion (Search *s)
{
  const AvmPlayersFlow *flow = s->flow;

  for (int c = 0; c < flow->cells; c++) {
    double sum = 0.0;

    for (int t = 0; t < flow->n; t++) {
      const int16_t *f = &flow->frames[t][2 * c];
      float u = f[0] / AVM_PLAYERS_STEPS - s->camera[t];
      float v = f[1] / AVM_PLAYERS_STEPS - s->camera[flow->n + t];

      sum += u * u + v * v;
    }
    s->slow[c] = (float)sqrt (sum / flow->n);
  }
}

/* What a cell does in step with the camera is the camera as well: where there
 * is little texture the flow follows it only in part. */
static void
take_away_camera (Search *s)
{
  const AvmPlayersFlow *flow = s->flow;
  const float *gu = s->camera, *gv = s->camera + flow->n;
  double uu = 0.0, uv = 0.0, vv = 0.0, det;

  for (int t = 0; t < flow->n; t++) {
    uu += gu[t] * gu[t];
    uv += gu[t] * gv[t];
    vv += gv[t] * gv[t];
  }
  uu += flow->n * 4e-4; /* 0.02 px: less than that explains nothing */
  vv += flow->n * 4e-4;
  det = uu * vv - uv * uv;
  for (int c = 0; c < flow->cells; c++) {
    for (int axis = 0; axis < 2; axis++) {
      float *x = series_of (s, c, axis), a, b;
      double xu = 0.0, xv = 0.0;

      for (int t = 0; t < flow->n; t++) {
        x[t] = flow->frames[t][2 * c + axis] / AVM_PLAYERS_STEPS
            - s->camera[axis * flow->n + t];
        xu += x[t] * gu[t];
        xv += x[t] * gv[t];
      }
      a = (float)((vv * xu - uv * xv) / det);
      b = (float)((uu * xv - uv * xu) / det);
      for (int t = 0; t < flow->n; t++)
        x[t] -= a * gu[t] + b * gv[t];
    }
  }
}

static void
keep_slow_motion (Search *s)
{
  const AvmPlayersFlow *flow = s->flow;
  int step = AVM_MAX ((int)lround (flow->rate / SWAY_RATE), 1);
  AvmPlayersFilter filter;

  avm_players_filter_init (&filter, 0.0, SWAY, flow->rate);
  for (int c = 0; c < flow->cells; c++) {
    double sum = 0.0;

    for (int axis = 0; axis < 2; axis++) {
      float *low = s->low + ((size_t)c * 2 + (size_t)axis) * (size_t)s->n_low;

      avm_players_filter (&filter, series_of (s, c, axis), s->scratch, flow->n);
      for (int i = 0; i < s->n_low; i++) {
        low[i] = s->scratch[i * step];
        sum += low[i] * low[i];
      }
    }
    s->slow[c] = (float)sqrt (sum / s->n_low);
  }
}

static void
find_motion (Search *s)
{
  int cells = s->flow->cells;

  memset (s->slow, 0, (size_t)cells * sizeof (float));
  estimate_camera (s, HUGE_VALF);
  for (int i = 0; i < 2; i++) {
    measure_motion (s);
    memcpy (s->scratch, s->slow, (size_t)cells * sizeof (float));
    estimate_camera (s, avm_players_quantile (s->scratch, cells, 0.35));
  }
  take_away_camera (s);
  keep_slow_motion (s);
  memcpy (s->scratch, s->slow, (size_t)cells * sizeof (float));
  s->noise = avm_players_quantile (s->scratch, cells, 0.1);
}

static bool
is_active (const Search *s, int cell)
{
  return s->slow[cell] > ACTIVE * s->noise && s->slow[cell] > LEAST_MOTION;
}

/* -- agglomeration --------------------------------------------------------- */

static void
make_node (Search *s, int bx, int by)
{
  const AvmPlayersFlow *flow = s->flow;
  int low = 2 * s->n_low, node = s->n_nodes, cells[BLOCK * BLOCK], n = 0;
  float *mean = s->means + (size_t)node * (size_t)low;

  for (int y = by; y < AVM_MIN (by + BLOCK, flow->ch); y++)
    for (int x = bx; x < AVM_MIN (bx + BLOCK, flow->cw); x++)
      if (is_active (s, y * flow->cw + x))
        cells[n++] = y * flow->cw + x;
  if (n < 2)
    return;
  for (int i = 0; i < n; i++) {
    const float *x = s->low + (size_t)cells[i] * (size_t)low;

    s->node_of[cells[i]] = node;
    for (int d = 0; d < low; d++)
      mean[d] += x[d] / (float)n;
  }
  s->size[node] = n;
  s->root[node] = node;
  s->alive[node] = true;
  s->n_nodes++;
}

static void
connect (Search *s, int cell, int other)
{
  int a = s->node_of[cell], b = s->node_of[other];

  if (a < 0 || b < 0 || a == b)
    return;
  s->adjacent[(size_t)a * (size_t)s->n_nodes + (size_t)b] = 1;
  s->adjacent[(size_t)b * (size_t)s->n_nodes + (size_t)a] = 1;
}

AVM_CLONES static void
compare (const float *a, const float *b, int n, float sums[3])
{
  float aa = 0.0f, bb = 0.0f, dd = 0.0f;

  for (int i = 0; i < n; i++) {
    float d = a[i] - b[i];

    aa += a[i] * a[i];
    bb += b[i] * b[i];
    dd += d * d;
  }
  sums[0] = aa;
  sums[1] = bb;
  sums[2] = dd;
}

/* How unlike the motion of two groups is, 0 .. 2 */
static double
unlikeness (const Search *s, int a, int b)
{
  int low = 2 * s->n_low;
  float sums[3];

  compare (s->means + (size_t)a * (size_t)low,
      s->means + (size_t)b * (size_t)low, low, sums);
  return sums[2]
      / (sums[0] + sums[1] + 2.0 * s->n_low * s->noise * s->noise + 1e-12);
}

/* Ward: the union of large groups costs more. */
static double
cost (const Search *s, int a, int b)
{
  double unlike = unlikeness (s, a, b);
  double sizes =
      (double)s->size[a] * s->size[b] / (double)(s->size[a] + s->size[b]);

  return unlike > UNLIKE ? HUGE_VAL : unlike * sqrt (sqrt (sizes));
}

static void
find_best (Search *s, int a)
{
  const uint8_t *row = s->adjacent + (size_t)a * (size_t)s->n_nodes;

  s->best[a] = -1;
  s->best_key[a] = HUGE_VAL;
  for (int b = 0; b < s->n_nodes; b++) {
    double key;

    if (!row[b] || !s->alive[b] || b == a)
      continue;
    key = cost (s, a, b);
    if (key < s->best_key[a]) {
      s->best_key[a] = key;
      s->best[a] = b;
    }
  }
}

static void
unite (Search *s, int a, int b)
{
  int low = 2 * s->n_low, n = s->n_nodes;
  float *ma = s->means + (size_t)a * (size_t)low;
  const float *mb = s->means + (size_t)b * (size_t)low;
  float share = (float)s->size[b] / (float)(s->size[a] + s->size[b]);

  for (int d = 0; d < low; d++)
    ma[d] += share * (mb[d] - ma[d]);
  s->size[a] += s->size[b];
  s->alive[b] = false;
  s->root[b] = a;
  for (int c = 0; c < n; c++) {
    if (!s->adjacent[(size_t)b * (size_t)n + (size_t)c] || c == a)
      continue;
    s->adjacent[(size_t)a * (size_t)n + (size_t)c] = 1;
    s->adjacent[(size_t)c * (size_t)n + (size_t)a] = 1;
  }
  find_best (s, a);
  for (int c = 0; c < n; c++) {
    if (!s->alive[c] || c == a)
      continue;
    if (s->best[c] == a || s->best[c] == b)
      find_best (s, c);
    else if (s->adjacent[(size_t)c * (size_t)n + (size_t)a]) {
      double key = cost (s, c, a);

      if (key < s->best_key[c]) {
        s->best_key[c] = key;
        s->best[c] = a;
      }
    }
  }
}

static void
agglomerate (Search *s)
{
  const AvmPlayersFlow *flow = s->flow;

  for (int c = 0; c < flow->cells; c++)
    s->node_of[c] = -1;
  for (int y = 0; y < flow->ch; y += BLOCK)
    for (int x = 0; x < flow->cw; x += BLOCK)
      make_node (s, x, y);
  for (int c = 0; c < flow->cells; c++) {
    if (c % flow->cw + 1 < flow->cw)
      connect (s, c, c + 1);
    if (c + flow->cw < flow->cells)
      connect (s, c, c + flow->cw);
  }
  for (int a = 0; a < s->n_nodes; a++)
    find_best (s, a);
  for (;;) {
    int a = -1;

    for (int c = 0; c < s->n_nodes; c++)
      if (s->alive[c] && s->best[c] >= 0
          && (a < 0 || s->best_key[c] < s->best_key[a]))
        a = c;
    if (a < 0)
      break;
    unite (s, a, s->best[a]);
  }
  for (int c = 0; c < flow->cells; c++)
    while (s->node_of[c] >= 0 && s->root[s->node_of[c]] != s->node_of[c])
      s->node_of[c] = s->root[s->node_of[c]];
}

/* -- from groups to bodies ------------------------------------------------- */

static void
body_clear (AvmPlayersBody *body)
{
  avm_free (body->cells);
  memset (body, 0, sizeof (AvmPlayersBody));
}

void
avm_players_clear_bodies (AvmPlayersBodies *bodies)
{
  for (int i = 0; i < bodies->n; i++)
    body_clear (&bodies->bodies[i]);
  avm_free (bodies->owner);
  memset (bodies, 0, sizeof (AvmPlayersBodies));
}

static double
median_of_eighths (const double energy[8])
{
  float sorted[8];

  for (int i = 0; i < 8; i++)
    sorted[i] = (float)energy[i];
  return 0.5
      * (avm_players_quantile (sorted, 8, 3.0 / 7.0)
          + avm_players_quantile (sorted, 8, 4.0 / 7.0));
}

/* Median over mean energy of the common motion in eighths of the time */
static double
persistence (const Search *s, const AvmPlayersBody *body)
{
  double energy[8] = {0.0}, total = 0.0;

  for (int i = 0; i < s->n_low; i++) {
    double u = 0.0, v = 0.0;

    for (int j = 0; j < body->n_cells; j++) {
      const float *low = s->low + (size_t)body->cells[j] * 2 * (size_t)s->n_low;

      u += low[i];
      v += low[s->n_low + i];
    }
    energy[i * 8 / s->n_low] += u * u + v * v;
    total += u * u + v * v;
  }
  return total > 0.0 ? 8.0 * median_of_eighths (energy) / total : 0.0;
}

static void
measure_body (const Search *s, AvmPlayersBody *body)
{
  int n = body->n_cells, cw = s->flow->cw;
  double extent[2][2];

  body->x = body->y = 0.0;
  for (int axis = 0; axis < 2; axis++) {
    double sum = 0.0;

    for (int i = 0; i < n; i++) {
      int c = body->cells[i];

      s->scratch[i] = (float)(axis == 0 ? c % cw : c / cw);
      sum += s->scratch[i];
    }
    *(axis == 0 ? &body->x : &body->y) = sum / n;
    extent[axis][0] = avm_players_quantile (s->scratch, n, 0.02);
    extent[axis][1] = avm_players_quantile (s->scratch, n, 0.98);
  }
  body->x0 = extent[0][0];
  body->x1 = extent[0][1];
  body->y0 = extent[1][0];
  body->y1 = extent[1][1];
  body->size = sqrt (n);
  body->persistence = persistence (s, body);
}

/* A list that grows: more groups than players exist until some are united. */
typedef struct {
  int n, capacity;
  AvmPlayersBody *items;
} List;

static void
list_clear (List *list)
{
  for (int i = 0; i < list->n; i++)
    body_clear (&list->items[i]);
  avm_free (list->items);
}

static bool
list_init (List *list, const Search *s, double least)
{
  memset (list, 0, sizeof (List));
  for (int a = 0; a < s->n_nodes; a++)
    list->capacity += s->alive[a] && s->size[a] >= least;
  list->items =
      avm_alloc ((size_t)AVM_MAX (list->capacity, 1), sizeof (AvmPlayersBody));
  if (list->items == NULL)
    return false;
  for (int a = 0; a < s->n_nodes; a++) {
    AvmPlayersBody *body = &list->items[list->n];

    if (!s->alive[a] || s->size[a] < least)
      continue;
    body->cells = avm_alloc ((size_t)s->size[a], sizeof (int));
    if (body->cells == NULL)
      return false;
    list->n++;
    for (int c = 0; c < s->flow->cells; c++)
      if (s->node_of[c] == a)
        body->cells[body->n_cells++] = c;
    measure_body (s, body);
  }
  return true;
}

static void
list_drop (List *list, int i)
{
  body_clear (&list->items[i]);
  list->items[i] = list->items[--list->n];
  memset (&list->items[list->n], 0, sizeof (AvmPlayersBody));
}

static bool
are_stacked (const AvmPlayersBody *a, const AvmPlayersBody *b)
{
  double width = AVM_MAX (a->x1 - a->x0, b->x1 - b->x0);
  double gap = AVM_MAX (a->y0, b->y0) - AVM_MIN (a->y1, b->y1);

  return fabs (a->x - b->x) < STACKED * width
      && gap < 0.5 * AVM_MAX (a->size, b->size);
}

static bool
list_unite (List *list, const Search *s, int a, int b)
{
  AvmPlayersBody *to = &list->items[a];
  const AvmPlayersBody *from = &list->items[b];
  int n = to->n_cells + from->n_cells;
  int *cells = avm_alloc ((size_t)n, sizeof (int));

  if (cells == NULL)
    return false;
  memcpy (cells, to->cells, (size_t)to->n_cells * sizeof (int));
  memcpy (
      cells + to->n_cells, from->cells, (size_t)from->n_cells * sizeof (int));
  avm_free (to->cells);
  to->cells = cells;
  to->n_cells = n;
  measure_body (s, to);
  list_drop (list, b);
  return true;
}

/* The nearest pair first, until none is left */
static bool
unite_stacked (List *list, const Search *s)
{
  for (;;) {
    double least = HUGE_VAL;
    int at = -1, with = -1;

    for (int a = 0; a < list->n; a++) {
      for (int b = a + 1; b < list->n; b++) {
        double d = fabs (list->items[a].x - list->items[b].x);

        if (d < least && are_stacked (&list->items[a], &list->items[b])) {
          least = d;
          at = a;
          with = b;
        }
      }
    }
    if (at < 0)
      return true;
    if (!list_unite (list, s, at, with))
      return false;
  }
}

static int
largest (const List *list)
{
  int n = 0;

  for (int i = 0; i < list->n; i++)
    n = AVM_MAX (n, list->items[i].n_cells);
  return n;
}

static void
drop_small (List *list, const Search *s, int most)
{
  double least = AVM_MAX (
      LEAST_OF_LARGEST * largest (list), LEAST_OF_PICTURE * s->flow->cells);

  for (int i = list->n - 1; i >= 0; i--)
    if (list->items[i].n_cells < least || list->items[i].persistence < STEADY)
      list_drop (list, i);
  while (list->n > most) {
    int least_at = 0;

    for (int i = 1; i < list->n; i++)
      if (list->items[i].n_cells < list->items[least_at].n_cells)
        least_at = i;
    list_drop (list, least_at);
  }
}

static void
sort_by_x (List *list)
{
  for (int i = 1; i < list->n; i++) {
    AvmPlayersBody body = list->items[i];
    int j = i;

    for (; j > 0 && list->items[j - 1].x > body.x; j--)
      list->items[j] = list->items[j - 1];
    list->items[j] = body;
  }
}

/* -- the mixture ----------------------------------------------------------- */

typedef struct {
  AvmGmm *gmm;
  float *points, *weights;
  int *cells, *labels;
  int n;
} Mixing;

static void
mixing_clear (Mixing *m)
{
  avm_gmm_free (m->gmm);
  avm_free (m->points);
  avm_free (m->weights);
  avm_free (m->cells);
  avm_free (m->labels);
}

/* The cells that move, weighted by how much they do, on a logarithmic scale:
 * an arm that moves twice as fast is not twice the person. */
static bool
mixing_init (Mixing *m, const Search *s, AvmError *error)
{
  AvmGmmParams params = AVM_GMM_PARAMS_INIT;
  size_t cells = (size_t)s->flow->cells;

  memset (m, 0, sizeof (Mixing));
  params.floor = 1.0; /* a cell, squared */
  params.max_iterations = 20;
  params.tolerance = 1e-4;
  m->points = avm_alloc (2 * cells, sizeof (float));
  m->weights = avm_alloc (cells, sizeof (float));
  m->cells = avm_alloc (cells, sizeof (int));
  m->labels = avm_alloc (cells, sizeof (int));
  m->gmm = avm_gmm_new (
      (int)cells, 2, AVM_MIN (AVM_PLAYERS_MAX, (int)cells), &params, error);
  if (m->points == NULL || m->weights == NULL || m->cells == NULL
      || m->labels == NULL || m->gmm == NULL)
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "mixture of players");
  for (int c = 0; c < s->flow->cells; c++) {
    if (!is_active (s, c))
      continue;
    m->points[2 * m->n] = (float)(c % s->flow->cw);
    m->points[2 * m->n + 1] = (float)(c / s->flow->cw);
    m->weights[m->n] =
        logf (s->slow[c] / AVM_MAX (s->noise, 0.2f * LEAST_MOTION));
    m->cells[m->n++] = c;
  }
  return true;
}

/* Cells of the player whose component explains a point best */
static int
best_component (const Mixing *m, int i, int k)
{
  double posterior[AVM_GMM_MAX_COMPONENTS];
  int best = 0;

  avm_gmm_evaluate (m->gmm, &m->points[2 * i], posterior);
  for (int c = 1; c < k; c++)
    if (posterior[c] > posterior[best])
      best = c;
  return best;
}

/* The number is given and there are fewer cores: components of a free mixture
 * that are farthest from all cores become players. */
static bool
add_missing (List *list, const Search *s, Mixing *m, int wanted)
{
  int k = AVM_MIN (wanted, m->n);
  AvmPlayersBody *items;

  if (list->n >= wanted || k < 1)
    return true;
  items = avm_alloc ((size_t)wanted, sizeof (AvmPlayersBody));
  if (items == NULL)
    return false;
  memcpy (items, list->items, (size_t)list->n * sizeof (AvmPlayersBody));
  avm_free (list->items);
  list->items = items;
  avm_gmm_fit (m->gmm, m->points, m->weights, m->n, k, 1, NULL);
  for (int i = 0; i < m->n; i++)
    m->labels[i] = best_component (m, i, k);
  while (list->n < wanted) {
    const double *means = avm_gmm_means (m->gmm);
    AvmPlayersBody *body = &list->items[list->n];
    double farthest = -1.0;
    int at = 0;

    for (int c = 0; c < k; c++) {
      double near = HUGE_VAL;

      for (int i = 0; i < list->n; i++)
        near = AVM_MIN (near, fabs (means[2 * c] - list->items[i].x));
      if (near > farthest) {
        farthest = near;
        at = c;
      }
    }
    body->cells = avm_alloc ((size_t)m->n, sizeof (int));
    if (body->cells == NULL)
      return false;
    for (int i = 0; i < m->n; i++)
      if (m->labels[i] == at)
        body->cells[body->n_cells++] = m->cells[i];
    if (body->n_cells == 0) {
      body_clear (body);
      return true;
    }
    measure_body (s, body);
    list->n++;
  }
  return true;
}

/* Whether an arm or a bow of this player may get there */
static bool
is_in_reach (const Search *s, const AvmPlayersBody *body, int cell)
{
  double reach = REACH * body->size;
  int x = cell % s->flow->cw, y = cell / s->flow->cw;

  return x > body->x0 - reach && x < body->x1 + reach && y > body->y0 - reach
      && y < body->y1 + reach;
}

/* Leaves only what belongs to a core, and what is in reach of one; labels say
 * which core. */
static void
keep_reachable (const AvmPlayersBodies *bodies, const Search *s, Mixing *m)
{
  int n = 0;

  for (int i = 0; i < m->n; i++) {
    int cell = m->cells[i], owner = bodies->owner[cell];
    bool kept = owner >= 0;

    for (int b = 0; b < bodies->n && !kept; b++)
      kept = is_in_reach (s, &bodies->bodies[b], cell);
    if (!kept)
      continue;
    memmove (&m->points[2 * n], &m->points[2 * i], 2 * sizeof (float));
    m->weights[n] = m->weights[i];
    m->labels[n] = owner;
    m->cells[n++] = cell;
  }
  m->n = n;
}

/* One component per player, from the cores; who owns which cell */
static void
assign_cells (AvmPlayersBodies *bodies, const Search *s, Mixing *m)
{
  for (int c = 0; c < s->flow->cells; c++)
    bodies->owner[c] = -1;
  for (int b = 0; b < bodies->n; b++)
    for (int i = 0; i < bodies->bodies[b].n_cells; i++)
      bodies->owner[bodies->bodies[b].cells[i]] = b;
  keep_reachable (bodies, s, m);
  if (bodies->n == 0
      || isnan (avm_gmm_fit (
          m->gmm, m->points, m->weights, m->n, bodies->n, 1, m->labels)))
    return;
  for (int i = 0; i < m->n; i++) {
    int best = best_component (m, i, bodies->n), cell = m->cells[i];

    if (bodies->owner[cell] < 0 && is_in_reach (s, &bodies->bodies[best], cell))
      bodies->owner[cell] = best;
  }
}

static bool
collect (Search *s, int n_players, AvmPlayersBodies *bodies, AvmError *error)
{
  int most = n_players > 0 ? n_players : AVM_PLAYERS_MAX, top = 0;
  List list;
  Mixing mixing;
  bool good;

  for (int a = 0; a < s->n_nodes; a++)
    if (s->alive[a])
      top = AVM_MAX (top, s->size[a]);
  good = list_init (&list, s, AVM_MAX (PIECE * top, 4.0))
      && unite_stacked (&list, s);
  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "groups of cells");
  drop_small (&list, s, most);
  if (good && mixing_init (&mixing, s, error)) {
    good = add_missing (&list, s, &mixing, n_players);
    sort_by_x (&list);
    for (int i = 0; i < list.n && good; i++) {
      bodies->bodies[bodies->n++] = list.items[i];
      memset (&list.items[i], 0, sizeof (AvmPlayersBody));
    }
    assign_cells (bodies, s, &mixing);
    mixing_clear (&mixing);
  } else if (good) {
    mixing_clear (&mixing);
    good = false;
  }
  list_clear (&list);
  return good;
}

bool
avm_players_find_bodies (const AvmPlayersFlow *flow, int n_players,
    AvmPlayersBodies *bodies, AvmError *error)
{
  Search search;
  bool good;

  memset (bodies, 0, sizeof (AvmPlayersBodies));
  bodies->owner = avm_alloc ((size_t)flow->cells, sizeof (int));
  good = search_init (&search, flow) && bodies->owner != NULL;
  if (!good) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "%d cells in %d pictures",
        flow->cells, flow->n);
  } else {
    find_motion (&search);
    agglomerate (&search);
    good = collect (&search, n_players, bodies, error);
  }
  search_clear (&search);
  if (!good)
    avm_players_clear_bodies (bodies);
  return good;
}
