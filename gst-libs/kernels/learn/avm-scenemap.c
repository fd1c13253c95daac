/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-scenemap-private.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4000
/* and fewer of views and maps with many faces, for which that many pairs of a
 * face and a place on the map are looked at */
#define LEAST_ROUNDS 400
#define PAIRS 8e6
/* Looks-alikes of a face that hypotheses are made of */
#define CANDIDATES 4
/* Hypotheses that are kept, each saying something else than the others */
#define KEPT 6
/* How good a map must be for each face that both show, and how much better
 * than the next one, nats; which share of them it must explain */
#define ENOUGH 1.1
#define MARGIN 3.0
#define SHARE 0.5
/* How much more alike than others those must look who are taken for one, nats
 */
#define ALIKE 0.6
/* Views that are tried as reference while some cannot be placed; one where
 * there are many views anyway */
#define REFERENCES 4
#define MANY_VIEWS 40
/* For a face at its place, and against a person of the map who is in the
 * picture but was not found there, nats */
#define AT_PLACE 2.0
#define MISSING 0.25
#define REACH 1.5
/* Faces that a map must explain */
#define LEAST 4
/* Width of the picture in focal lengths is about 0.8 for lenses in use. */
#define FOCUS 1.2

typedef struct {
  double x, y, weight; /* in the picture of the reference */
  int n;
} Node;

typedef struct {
  double score;
  AvmSceneMatrix matrix;
  int n_mates;
  int mates[AVM_SCENEMAP_MAX_IN_VIEW];
} Hypothesis;

struct _AvmSceneMap {
  AvmSceneSettings settings;
  int n_views, n_faces, reference;
  AvmSceneView *views;
  AvmSceneFace *faces;
  int *view_of; /* n_faces */
  bool *placed; /* n_views */
  AvmSceneMatrix *from_map, *to_map;
  double *links; /* n_views: how much a view has in common with the map */
  int *tries;    /* n_views */
  int *node_of;  /* n_faces, -1: none */
  Node *nodes;   /* n_faces */
  int n_nodes;
  double *gains;   /* of the view that is tried: faces times nodes */
  double *shown;   /* n_faces: nodes in the picture of the view, x, y */
  int *taken;      /* n_faces: by which face of the view a node is */
  double plane[3]; /* of the size of a face in the reference's picture */
  double greatest, smallest;
  const float *distances; /* while it runs */
  Hypothesis kept[KEPT], trial;
  AvmScenePoint points[AVM_SCENEMAP_MAX_IN_VIEW];
};

void
avm_scenemap_settings_init (AvmSceneSettings *settings)
{
  *settings = (AvmSceneSettings){0.2, 0.05, 0.4};
}

AvmSceneMap *
avm_scenemap_new (const AvmSceneSettings *settings, AvmError *error)
{
  AvmSceneMap *self;

  if (!(settings->spread > 0.0) || !(settings->tolerance > 0.0)
      || !isfinite (settings->even)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1, "spread %g, tolerance %g",
        settings->spread, settings->tolerance);
    return NULL;
  }
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for a map");
  else
    self->settings = *settings;
  return self;
}

static void
clear (AvmSceneMap *self)
{
  avm_free (self->views);
  avm_free (self->faces);
  avm_free (self->view_of);
  avm_free (self->placed);
  avm_free (self->from_map);
  avm_free (self->to_map);
  avm_free (self->links);
  avm_free (self->tries);
  avm_free (self->node_of);
  avm_free (self->nodes);
  avm_free (self->gains);
  avm_free (self->shown);
  avm_free (self->taken);
  *self = (AvmSceneMap){.settings = self->settings};
}

void
avm_scenemap_free (AvmSceneMap *self)
{
  if (self == NULL)
    return;
  clear (self);
  avm_free (self);
}

static bool
check (const AvmSceneView *views, int n_views, const AvmSceneFace *faces,
    int n_faces, AvmError *error)
{
  if (n_faces < 1 || n_views < 1)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1, "no faces for a map");
  if (n_faces > AVM_SCENEMAP_MAX_FACES || n_views > n_faces)
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "%d faces in %d views", n_faces, n_views);
  for (int v = 0, next = 0; v < n_views; v++) {
    if (views[v].first != next || views[v].n < 1 || views[v].n > n_faces - next
        || views[v].width < 1 || views[v].height < 1)
      return avm_error_set (error, AVM_ERROR_RANGE, v,
          "view %d: %d faces from %d", v, views[v].n, views[v].first);
    next += views[v].n;
    if (v == n_views - 1 && next != n_faces)
      return avm_error_set (
          error, AVM_ERROR_RANGE, v, "%d faces in views", next);
  }
  for (int i = 0; i < n_faces; i++)
    if (!isfinite (faces[i].x) || !isfinite (faces[i].y)
        || !(faces[i].size > 0.0) || !isfinite (faces[i].size)
        || !(faces[i].weight > 0.0) || !isfinite (faces[i].weight))
      return avm_error_set (error, AVM_ERROR_RANGE, i, "face %d", i);
  return true;
}

static bool
begin (AvmSceneMap *self, const AvmSceneView *views, int n_views,
    const AvmSceneFace *faces, int n_faces)
{
  size_t v = (size_t)n_views, n = (size_t)n_faces;

  self->n_views = n_views;
  self->n_faces = n_faces;
  self->views = avm_alloc (v, sizeof (*self->views));
  self->faces = avm_alloc (n, sizeof (*self->faces));
  self->view_of = avm_alloc (n, sizeof (int));
  self->placed = avm_alloc (v, sizeof (bool));
  self->from_map = avm_alloc (v, sizeof (AvmSceneMatrix));
  self->to_map = avm_alloc (v, sizeof (AvmSceneMatrix));
  self->links = avm_alloc (v, sizeof (double));
  self->tries = avm_alloc (v, sizeof (int));
  self->node_of = avm_alloc (n, sizeof (int));
  self->nodes = avm_alloc (n, sizeof (Node));
  self->gains = avm_alloc (n, AVM_SCENEMAP_MAX_IN_VIEW * sizeof (double));
  self->shown = avm_alloc (n, 2 * sizeof (double));
  self->taken = avm_alloc (n, sizeof (int));
  if (self->views == NULL || self->faces == NULL || self->view_of == NULL
      || self->placed == NULL || self->from_map == NULL || self->to_map == NULL
      || self->links == NULL || self->tries == NULL || self->node_of == NULL
      || self->nodes == NULL || self->gains == NULL || self->shown == NULL
      || self->taken == NULL)
    return false;
  memcpy (self->views, views, v * sizeof (*views));
  memcpy (self->faces, faces, n * sizeof (*faces));
  for (int i = 0; i < n_views; i++)
    for (int k = 0; k < views[i].n; k++)
      self->view_of[views[i].first + k] = i;
  return true;
}

/* Faces of a view that take part; the caller puts the heaviest first if there
 * are more. */
static int
n_used (const AvmSceneMap *self, int view)
{
  return AVM_MIN (self->views[view].n, AVM_SCENEMAP_MAX_IN_VIEW);
}

/* -- nodes ----------------------------------------------------------------- */

static void
join_node (AvmSceneMap *self, int node, int face, double x, double y)
{
  Node *n = &self->nodes[node];
  double weight = self->faces[face].weight;

  n->x = (n->x * n->weight + x * weight) / (n->weight + weight);
  n->y = (n->y * n->weight + y * weight) / (n->weight + weight);
  n->weight += weight;
  n->n++;
  self->node_of[face] = node;
}

/* Puts the faces of a view on the map; mates: their nodes, -1: new ones. */
static void
place_view (AvmSceneMap *self, int view, const int *mates)
{
  const AvmSceneView *v = &self->views[view];

  self->placed[view] = true;
  for (int k = 0; k < v->n; k++) {
    int face = v->first + k;
    int mate = k < AVM_SCENEMAP_MAX_IN_VIEW && mates != NULL ? mates[k] : -1;
    double x, y;

    if (!avm_scenemap_project (&self->to_map[view], self->faces[face].x,
            self->faces[face].y, &x, &y))
      continue;
    join_node (self, mate >= 0 ? mate : self->n_nodes++, face, x, y);
  }
  /* what the others have in common with it */
  for (int u = 0; u < self->n_views; u++)
    for (int i = 0; i < n_used (self, u) && !self->placed[u]; i++) {
      int a = self->views[u].first + i;
      double most = 0.0;

      for (int k = 0; k < v->n; k++)
        most = AVM_MAX (most,
            avm_scenemap_gain (&self->settings,
                (double)self->distances[(size_t)a * (size_t)self->n_faces
                    + (size_t)(v->first + k)]));
      self->links[u] += most;
    }
}

/* Looks of each face of a view against each node: the mean over its faces */
static void
find_gains (AvmSceneMap *self, int view)
{
  const AvmSceneView *v = &self->views[view];
  int n = n_used (self, view);

  for (int k = 0; k < n; k++) {
    double *gains = self->gains + (size_t)k * (size_t)self->n_nodes;
    const float *row =
        self->distances + (size_t)(v->first + k) * (size_t)self->n_faces;

    memset (gains, 0, (size_t)self->n_nodes * sizeof (double));
    for (int i = 0; i < self->n_faces; i++)
      if (self->node_of[i] >= 0)
        gains[self->node_of[i]] +=
            avm_scenemap_gain (&self->settings, (double)row[i]);
    for (int i = 0; i < self->n_nodes; i++)
      gains[i] /= self->nodes[i].n;
  }
}

/* -- hypotheses ------------------------------------------------------------ */

/* Nodes as the view would show them; false where the map turns the scene
 * inside out. */
static bool
show_nodes (AvmSceneMap *self, const AvmSceneMatrix *matrix)
{
  bool any = false;

  for (int i = 0; i < self->n_nodes; i++) {
    double *p = self->shown + 2 * i, right[2], down[2];
    const Node *n = &self->nodes[i];
    bool good = avm_scenemap_project (matrix, n->x, n->y, &p[0], &p[1])
        && avm_scenemap_project (matrix, n->x + 1.0, n->y, &right[0], &right[1])
        && avm_scenemap_project (matrix, n->x, n->y + 1.0, &down[0], &down[1]);

    if (good)
      good = (right[0] - p[0]) * (down[1] - p[1])
              - (right[1] - p[1]) * (down[0] - p[0])
          > 0.0;
    if (!good)
      p[0] = p[1] = NAN;
    any |= good;
  }
  return any;
}

/* Pairs of faces and nodes, the best first, each at most once */
static void
find_mates (AvmSceneMap *self, int view, Hypothesis *h)
{
  const AvmSceneView *v = &self->views[view];
  double sd = self->settings.tolerance;
  int n = n_used (self, view);

  for (int i = 0; i < self->n_nodes; i++)
    self->taken[i] = -1;
  h->n_mates = 0;
  h->score = 0.0;
  for (int k = 0; k < n; k++) {
    const AvmSceneFace *f = &self->faces[v->first + k];
    double most = 0.0;
    int mate = -1;

    for (int i = 0; i < self->n_nodes; i++) {
      double dx = (self->shown[2 * i] - f->x) / f->size;
      double dy = (self->shown[2 * i + 1] - f->y) / f->size;
      double r = dx * dx + dy * dy, gain;

      if (!(r < REACH * REACH))
        continue;
      gain = AT_PLACE - 0.5 * r / (sd * sd)
          + self->gains[(size_t)k * (size_t)self->n_nodes + (size_t)i];
      if (gain > most) {
        most = gain;
        mate = i;
      }
    }
    h->mates[k] = mate;
    if (mate < 0)
      continue;
    /* two faces at one place: the later one stays without */
    if (self->taken[mate] >= 0) {
      h->mates[k] = -1;
      continue;
    }
    self->taken[mate] = k;
    h->score += most;
    h->n_mates++;
  }
}

static int
count_in_shot (const AvmSceneMap *self, int view)
{
  const AvmSceneView *v = &self->views[view];
  int n = 0;

  for (int i = 0; i < self->n_nodes; i++)
    n += self->shown[2 * i] >= 0.0 && self->shown[2 * i] < v->width
        && self->shown[2 * i + 1] >= 0.0 && self->shown[2 * i + 1] < v->height;
  return n;
}

static bool
judge (AvmSceneMap *self, int view, Hypothesis *h)
{
  if (!show_nodes (self, &h->matrix))
    return false;
  find_mates (self, view, h);
  h->score -= MISSING * AVM_MAX (0, count_in_shot (self, view) - h->n_mates);
  return h->n_mates >= AVM_MIN (LEAST, n_used (self, view));
}

static void
set_point (
    const AvmSceneMap *self, int view, int face, int node, AvmScenePoint *point)
{
  const AvmSceneFace *f = &self->faces[self->views[view].first + face];
  const Node *n = &self->nodes[node];

  *point = (AvmScenePoint){n->x, n->y, f->x, f->y, 1.0 / f->size};
}

/* Fits the map to all that agree; twice, since more may agree then. */
static void
improve (AvmSceneMap *self, int view, Hypothesis *h)
{
  for (int pass = 0; pass < 3; pass++) {
    Hypothesis *t = &self->trial;
    int n = 0;
    bool good;

    for (int k = 0; k < n_used (self, view); k++)
      if (h->mates[k] >= 0)
        set_point (self, view, k, h->mates[k], &self->points[n++]);
    good = n >= 6 ? avm_scenemap_fit_homography (self->points, n, &t->matrix)
        : n >= 4  ? avm_scenemap_fit_affine (self->points, n, &t->matrix)
                  : avm_scenemap_fit_shift (self->points, n, &t->matrix);
    if (!good || !judge (self, view, t) || t->score <= h->score)
      return;
    *h = *t;
  }
}

/* Keeps what is better than all that say the same. */
static void
keep (AvmSceneMap *self, int view, const Hypothesis *h)
{
  int n = n_used (self, view), slot = KEPT - 1;

  for (int i = 0; i < KEPT; i++) {
    const Hypothesis *k = &self->kept[i];
    int same = 0;

    for (int f = 0; f < n; f++)
      same += h->mates[f] >= 0 && h->mates[f] == k->mates[f];
    if (2 * same >= AVM_MIN (h->n_mates, k->n_mates) && k->n_mates > 0) {
      slot = i;
      break;
    }
  }
  if (h->score <= self->kept[slot].score)
    return;
  self->kept[slot] = *h;
  for (; slot > 0 && self->kept[slot].score > self->kept[slot - 1].score;
       slot--) {
    self->trial = self->kept[slot];
    self->kept[slot] = self->kept[slot - 1];
    self->kept[slot - 1] = self->trial;
  }
}

/* The CANDIDATES nodes that look most like each face */
static int
find_candidates (const AvmSceneMap *self, int view, AvmScenePoint *points,
    double *odds, int *faces)
{
  int n = 0;

  for (int k = 0; k < n_used (self, view); k++) {
    const double *gains = self->gains + (size_t)k * (size_t)self->n_nodes;
    double before = HUGE_VAL;
    int last = -1;

    for (int c = 0; c < CANDIDATES; c++) {
      int best = -1;

      for (int i = 0; i < self->n_nodes; i++)
        if ((gains[i] < before || (gains[i] == before && i > last))
            && (best < 0 || gains[i] > gains[best]))
          best = i;
      if (best < 0)
        break;
      before = gains[best];
      last = best;
      set_point (self, view, k, best, &points[n]);
      odds[n] = (n > 0 ? odds[n - 1] : 0.0) + exp (before);
      faces[n++] = k;
    }
  }
  return n;
}

static bool
draw (const AvmScenePoint *points, const double *odds, const int *faces, int n,
    int size, AvmRng *rng, AvmScenePoint *sample)
{
  int drawn[4];

  for (int s = 0; s < size; s++) {
    double x = avm_rng_uniform (rng) * odds[n - 1];
    int low = 0, high = n - 1;

    while (low < high) {
      int middle = (low + high) / 2;

      if (odds[middle] > x)
        high = middle;
      else
        low = middle + 1;
    }
    drawn[s] = faces[low];
    sample[s] = points[low];
    for (int t = 0; t < s; t++)
      if (drawn[t] == drawn[s]
          || (sample[t].x == sample[s].x && sample[t].y == sample[s].y))
        return false;
  }
  return true;
}

/* A face that the map makes much larger or smaller than it is? Local scale is
 * that of areas, so foreshortening is allowed for. */
static bool
sane (const AvmSceneMap *self, int view, const Hypothesis *h)
{
  double sum = 0.0, expected = 0.0;

  for (int k = 0; k < n_used (self, view); k++) {
    const AvmSceneFace *f = &self->faces[self->views[view].first + k];
    const Node *node;
    double u, v, right[2], down[2], area;

    if (h->mates[k] < 0)
      continue;
    node = &self->nodes[h->mates[k]];
    if (!avm_scenemap_project (&h->matrix, node->x, node->y, &u, &v)
        || !avm_scenemap_project (
            &h->matrix, node->x + 1.0, node->y, &right[0], &right[1])
        || !avm_scenemap_project (
            &h->matrix, node->x, node->y + 1.0, &down[0], &down[1]))
      return false;
    area = (right[0] - u) * (down[1] - v) - (right[1] - v) * (down[0] - u);
    if (!(area > 0.0))
      return false;
    sum += 0.5 * log (area);
    expected += log (f->size
        / AVM_MAX (self->plane[0] + self->plane[1] * node->x
                + self->plane[2] * node->y,
            self->smallest));
  }
  return fabs (sum - expected) < 0.7 * h->n_mates;
}

static void
search (AvmSceneMap *self, int view)
{
  enum {
    MOST = AVM_SCENEMAP_MAX_IN_VIEW * CANDIDATES
  };
  static const int sizes[] = {3, 4};
  AvmScenePoint points[MOST], sample[4];
  double odds[MOST];
  int faces[MOST];
  int n = find_candidates (self, view, points, odds, faces);
  int used = n_used (self, view);
  int rounds = (int)AVM_CLAMP (
      PAIRS / ((double)used * self->n_nodes), LEAST_ROUNDS, ROUNDS);
  Hypothesis h;
  AvmRng rng;

  avm_rng_init (&rng, 20170701, 1);
  memset (self->kept, 0, sizeof (self->kept));
  for (int round = 0; round < rounds; round++) {
    int size = used <= 3 ? 2 : used <= 5 ? 3 : sizes[round % 2];
    bool good;

    if (!draw (points, odds, faces, n, size, &rng, sample))
      continue;
    good = size == 2 ? avm_scenemap_fit_shift (sample, size, &h.matrix)
        : size == 3  ? avm_scenemap_fit_affine (sample, size, &h.matrix)
                     : avm_scenemap_fit_homography (sample, size, &h.matrix);
    if (!good || !judge (self, view, &h) || h.score < 0.5 * self->kept[0].score)
      continue;
    improve (self, view, &h);
    if (h.score > 0.0 && sane (self, view, &h))
      keep (self, view, &h);
  }
}

/* Whether those that the map takes for one look more like it than people do in
 * general: by half of what is between these and the even chance, and by more
 * than comes of a choice among many */
static bool
look_alike (const AvmSceneMap *self, int view, const Hypothesis *h)
{
  double mates = 0.0, all = 0.0;
  int n = n_used (self, view);

  for (int k = 0; k < n; k++) {
    const double *gains = self->gains + (size_t)k * (size_t)self->n_nodes;

    mates += h->mates[k] >= 0 ? gains[h->mates[k]] / h->n_mates : 0.0;
    for (int i = 0; i < self->n_nodes; i++)
      all += gains[i] / ((double)n * self->n_nodes);
  }
  return mates > all + AVM_MAX (0.5 * fabs (all), ALIKE);
}

/* Tries to bring a view to the map. */
static bool
try_view (AvmSceneMap *self, int view)
{
  const Hypothesis *h = &self->kept[0];
  int fewer;

  if (n_used (self, view) < 3)
    return false;
  find_gains (self, view);
  search (self, view);
  if (h->n_mates < 1 || h->score < self->kept[1].score + MARGIN
      || !show_nodes (self, &h->matrix))
    return false;
  fewer = AVM_MIN (n_used (self, view), count_in_shot (self, view));
  if (h->n_mates < SHARE * fewer || h->score < ENOUGH * fewer
      || !look_alike (self, view, h))
    return false;
  self->from_map[view] = h->matrix;
  if (!avm_scenemap_invert (&h->matrix, &self->to_map[view]))
    return false;
  place_view (self, view, h->mates);
  return true;
}

/* -- the whole ------------------------------------------------------------- */

static double
weight_of (const AvmSceneMap *self, int view)
{
  double sum = 0.0;

  for (int k = 0; k < self->views[view].n; k++)
    sum += self->faces[self->views[view].first + k].weight;
  return sum;
}

static bool
before (const AvmSceneMap *self, int v, int u)
{
  return self->views[v].n > self->views[u].n
      || (self->views[v].n == self->views[u].n
          && weight_of (self, v) > weight_of (self, u));
}

/* The view with most faces after `last`, -1: the first of all; -1: none */
static int
next_reference (const AvmSceneMap *self, int last)
{
  int best = -1;

  for (int v = 0; v < self->n_views; v++) {
    bool later = last < 0 || before (self, last, v)
        || (!before (self, v, last) && v > last);

    if (later && v != last && (best < 0 || before (self, v, best)))
      best = v;
  }
  return best;
}

/* Of faces on a plane, 1 / depth is affine in the picture, and so is size. */
static void
fit_sizes (AvmSceneMap *self)
{
  const AvmSceneView *v = &self->views[self->reference];
  double rows[3 * 4] = {0.0}, mean = 0.0, scale = 1.0 / v->width;

  self->greatest = 0.0;
  self->smallest = HUGE_VAL;
  for (int k = 0; k < v->n; k++) {
    const AvmSceneFace *f = &self->faces[v->first + k];
    double row[3] = {1.0, f->x * scale, f->y * scale};

    mean += f->size / v->n;
    self->greatest = AVM_MAX (self->greatest, f->size);
    self->smallest = AVM_MIN (self->smallest, f->size);
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++)
        rows[i * 4 + j] += row[i] * row[j];
      rows[i * 4 + 3] += row[i] * f->size;
    }
  }
  self->smallest *= 0.5;
  self->plane[0] = mean;
  self->plane[1] = self->plane[2] = 0.0;
  /* a slight pull to one size, for faces in one row */
  rows[5] += 1e-4 * v->n;
  rows[10] += 1e-4 * v->n;
  if (v->n >= 4 && avm_scenemap_solve (rows, 3)) {
    self->plane[0] = rows[3];
    self->plane[1] = rows[7] * scale;
    self->plane[2] = rows[11] * scale;
  }
}

/* With the whole map known, maps of single views get better. */
static void
refine (AvmSceneMap *self)
{
  for (int view = 0; view < self->n_views; view++) {
    const AvmSceneView *v = &self->views[view];
    AvmSceneMatrix matrix, inverse;
    int n = 0;

    if (!self->placed[view] || view == self->reference)
      continue;
    for (int k = 0; k < n_used (self, view); k++) {
      int node = self->node_of[v->first + k];

      if (node >= 0 && self->nodes[node].n > 1)
        set_point (self, view, k, node, &self->points[n++]);
    }
    if (n >= 6 && avm_scenemap_fit_homography (self->points, n, &matrix)
        && avm_scenemap_invert (&matrix, &inverse)) {
      self->from_map[view] = matrix;
      self->to_map[view] = inverse;
    }
  }
}

/* The view that has most in common with the map, of those not tried in vain
 * since it last grew */
static int
next_view (const AvmSceneMap *self)
{
  int best = -1;

  for (int v = 0; v < self->n_views; v++)
    if (!self->placed[v] && self->tries[v] != self->n_nodes
        && self->links[v] > 0.0
        && (best < 0 || self->links[v] > self->links[best]))
      best = v;
  return best;
}

/* Makes the map as seen from a view; returns how many views could not be
 * placed though they have faces enough. */
static int
map_from (AvmSceneMap *self, int reference)
{
  static const AvmSceneMatrix same = {
      {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}};
  int view, left = 0;

  self->reference = reference;
  self->n_nodes = 0;
  memset (self->nodes, 0, (size_t)self->n_faces * sizeof (*self->nodes));
  for (int i = 0; i < self->n_faces; i++)
    self->node_of[i] = -1;
  for (int v = 0; v < self->n_views; v++) {
    self->placed[v] = false;
    self->links[v] = 0.0;
    self->tries[v] = 0;
  }
  self->from_map[reference] = self->to_map[reference] = same;
  fit_sizes (self);
  place_view (self, reference, NULL);
  while ((view = next_view (self)) >= 0) {
    self->tries[view] = self->n_nodes;
    try_view (self, view);
  }
  for (int v = 0; v < self->n_views; v++)
    left += !self->placed[v] && self->views[v].n >= LEAST;
  return left;
}

bool
avm_scenemap_run (AvmSceneMap *self, const AvmSceneView *views, int n_views,
    const AvmSceneFace *faces, int n_faces, const float *distances,
    AvmError *error)
{
  int best = -1, least = INT_MAX, reference = -1;

  clear (self);
  if (!check (views, n_views, faces, n_faces, error))
    return false;
  if (!begin (self, views, n_views, faces, n_faces)) {
    clear (self);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for a map");
  }
  self->distances = distances;
  for (int r = 0; r < (n_views < MANY_VIEWS ? REFERENCES : 1) && least > 0;
       r++) {
    int left;

    reference = next_reference (self, reference);
    if (reference < 0)
      break;
    left = map_from (self, reference);
    if (left < least) {
      least = left;
      best = reference;
    }
  }
  if (best != self->reference)
    map_from (self, best);
  refine (self);
  self->distances = NULL;
  return true;
}

int
avm_scenemap_get_reference (const AvmSceneMap *self)
{
  return self->reference;
}

bool
avm_scenemap_is_placed (const AvmSceneMap *self, int view)
{
  return view >= 0 && view < self->n_views && self->placed[view];
}

bool
avm_scenemap_get_place (const AvmSceneMap *self, int face, double *x, double *y)
{
  int view;

  if (face < 0 || face >= self->n_faces)
    return false;
  view = self->view_of[face];
  return self->placed[view]
      && avm_scenemap_project (
          &self->to_map[view], self->faces[face].x, self->faces[face].y, x, y);
}

bool
avm_scenemap_get_seat (const AvmSceneMap *self, int face, double *x, double *z)
{
  double u, v, size;
  int width;

  if (!avm_scenemap_get_place (self, face, &u, &v))
    return false;
  width = self->views[self->reference].width;
  size = self->plane[0] + self->plane[1] * u + self->plane[2] * v;
  size = AVM_CLAMP (size, self->smallest, 2.0 * self->greatest);
  *x = (u - 0.5 * width) / size;
  *z = FOCUS * width * (1.0 / size - 1.0 / self->greatest);
  return true;
}

/* How far a is from b in the picture of b */
static double
gap_in (const AvmSceneMap *self, int a, int b)
{
  double x, y;

  if (!avm_scenemap_get_place (self, a, &x, &y)
      || !avm_scenemap_project (
          &self->from_map[self->view_of[b]], x, y, &x, &y))
    return HUGE_VAL;
  return hypot (x - self->faces[b].x, y - self->faces[b].y)
      / self->faces[b].size;
}

double
avm_scenemap_get_gap (const AvmSceneMap *self, int a, int b)
{
  if (a < 0 || b < 0 || a >= self->n_faces || b >= self->n_faces
      || !self->placed[self->view_of[a]] || !self->placed[self->view_of[b]])
    return NAN;
  return 0.5 * (gap_in (self, a, b) + gap_in (self, b, a));
}

void
avm_scenemap_fuse (const AvmSceneMap *self, float *distances)
{
  double sd = self->settings.tolerance;
  size_t n = (size_t)self->n_faces;

  for (int a = 0; a < self->n_faces; a++)
    for (int b = a + 1; b < self->n_faces; b++) {
      double d = (double)distances[(size_t)a * n + (size_t)b];
      double gap = avm_scenemap_get_gap (self, a, b), gain;

      if (self->view_of[a] == self->view_of[b] || isnan (gap) || !isfinite (d))
        continue;
      gain = AVM_CLAMP (
          AT_PLACE - 0.5 * gap * gap / (sd * sd), -AVM_SCENEMAP_MOST, AT_PLACE);
      d = AVM_MAX (0.0, d - gain * self->settings.spread);
      distances[(size_t)a * n + (size_t)b] =
          distances[(size_t)b * n + (size_t)a] = (float)d;
    }
}
