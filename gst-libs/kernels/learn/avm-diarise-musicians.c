/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-agglomerate.h"
#include "learn/avm-diarise-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Exemplars of a group: COMPARED / groups, 1 to MOST; each is the mean of up
 * to BLEND sightings of one orientation or so. */
#define COMPARED 1600
#define MOST 6
#define BLEND 3
/* Distance at which looks tell nothing: of the median of all, and of the
 * threshold at least and at most */
#define EVEN_MEDIAN 0.7
#define EVEN_LEAST 1.1
#define EVEN_MOST 1.5

/* n groups; exemplars: `each` for a group, fewer where it has fewer sightings;
 * distances: n x n */
typedef struct {
  AvmDiarise *self;
  int n, each;
  float *exemplars;
  int *n_exemplars;
  double *inner; /* mean distance of the exemplars of a group, or NAN */
  float *distances;
  float *scratch; /* n x n, the agglomeration's */
  AvmSceneMap *map;
} Work;

/* -- groups in order of views ---------------------------------------------- */

typedef struct {
  int view, group;
  double weight;
} Rank;

static int
compare_ranks (const void *a, const void *b)
{
  const Rank *x = a, *y = b;

  if (x->view != y->view)
    return x->view < y->view ? -1 : 1;
  if (x->weight != y->weight)
    return x->weight > y->weight ? -1 : 1;
  return x->group < y->group ? -1 : x->group > y->group;
}

/* Groups of a view follow one another, the heaviest first. */
static bool
sort_groups (AvmDiarise *self, AvmError *error)
{
  size_t n = (size_t)self->n_groups;
  Rank *ranks = malloc (n * sizeof (*ranks));
  AvmDiariseGroup *sorted = malloc (n * sizeof (*sorted));
  int *places = malloc (n * sizeof (*places));
  bool good = ranks != NULL && sorted != NULL && places != NULL;

  for (int g = 0; good && g < self->n_groups; g++)
    ranks[g] = (Rank){self->groups[g].view, g, self->groups[g].face.weight};
  if (good) {
    qsort (ranks, n, sizeof (*ranks), compare_ranks);
    for (int g = 0; g < self->n_groups; g++) {
      sorted[g] = self->groups[ranks[g].group];
      places[ranks[g].group] = g;
    }
    memcpy (self->groups, sorted, n * sizeof (*sorted));
    for (size_t i = 0; i < self->n; i++)
      self->groups_of[i] = places[self->groups_of[i]];
  } else {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for groups");
  }
  free (ranks);
  free (sorted);
  free (places);
  return good;
}

/* -- looks ----------------------------------------------------------------- */

typedef struct {
  int group, orientation, camera, frame;
  size_t i;
} Member;

static int
compare_members (const void *a, const void *b)
{
  const Member *x = a, *y = b;

  if (x->group != y->group)
    return x->group < y->group ? -1 : 1;
  if (x->orientation != y->orientation)
    return x->orientation < y->orientation ? -1 : 1;
  if (x->camera != y->camera)
    return x->camera < y->camera ? -1 : 1;
  if (x->frame != y->frame)
    return x->frame < y->frame ? -1 : 1;
  return x->i < y->i ? -1 : x->i > y->i;
}

/* The group's sightings, by orientation, in as many parts as there are
 * exemplars */
static bool
read_group (
    Work *w, const Member *members, size_t n, float *room, AvmError *error)
{
  int group = members[0].group;
  size_t parts = AVM_MIN ((size_t)w->each, n);

  w->n_exemplars[group] = (int)parts;
  for (size_t p = 0; p < parts; p++) {
    size_t first = p * n / parts, count = (p + 1) * n / parts - first;
    size_t chosen[BLEND], used = AVM_MIN ((size_t)BLEND, count);

    for (size_t k = 0; k < used; k++)
      chosen[k] = members[first + (2 * k + 1) * count / (2 * used)].i;
    if (!avm_diarise_mean (w->self, chosen, used, used, room,
            w->exemplars
                + ((size_t)group * (size_t)w->each + p) * AVM_APPEARANCE_SIZE,
            error))
      return false;
  }
  return true;
}

static bool
read_exemplars (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  Member *members = malloc (self->n * sizeof (*members));
  float *room = malloc (AVM_APPEARANCE_SIZE * sizeof (float));
  bool good = members != NULL && room != NULL;

  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for sightings");
  for (size_t i = 0; good && i < self->n; i++) {
    const AvmSighting *s = &self->sightings[i];

    members[i] =
        (Member){self->groups_of[i], s->orientation, s->camera, s->frame, i};
  }
  if (good)
    qsort (members, self->n, sizeof (*members), compare_members);
  for (size_t i = 0, end; good && i < self->n; i = end) {
    for (end = i; end < self->n && members[end].group == members[i].group;)
      end++;
    good = read_group (w, members + i, end - i, room, error);
  }
  free (members);
  free (room);
  return good;
}

static const float *
exemplar (const Work *w, int group, int i)
{
  return w->exemplars
      + ((size_t)group * (size_t)w->each + (size_t)i) * AVM_APPEARANCE_SIZE;
}

/* Mean over the exemplars of both of the distance to the nearest of the
 * other: somebody seen from two sides need not look the same from both. */
static double
compare_groups (const Work *w, int a, int b)
{
  double nearest[MOST], sum = 0.0;
  int n_a = w->n_exemplars[a], n_b = w->n_exemplars[b];

  for (int j = 0; j < n_b; j++)
    nearest[j] = HUGE_VAL;
  for (int i = 0; i < n_a; i++) {
    double least = HUGE_VAL;

    for (int j = 0; j < n_b; j++) {
      double d = avm_appearance_distance (
          &w->self->settings.weights, exemplar (w, a, i), exemplar (w, b, j));

      least = AVM_MIN (least, d);
      nearest[j] = AVM_MIN (nearest[j], d);
    }
    sum += 0.5 * least / n_a;
  }
  for (int j = 0; j < n_b; j++)
    sum += 0.5 * nearest[j] / n_b;
  return sum;
}

static double
compare_inside (const Work *w, int group)
{
  int n = w->n_exemplars[group], pairs = n * (n - 1) / 2;
  double sum = 0.0;

  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++)
      sum += avm_appearance_distance (&w->self->settings.weights,
          exemplar (w, group, i), exemplar (w, group, j));
  return pairs > 0 ? sum / pairs : NAN;
}

static bool
mark_pair (void *user, size_t a, size_t b)
{
  Work *w = user;
  size_t n = (size_t)w->n, g = (size_t)w->self->groups_of[a];
  size_t h = (size_t)w->self->groups_of[b];

  if (g != h)
    w->distances[g * n + h] = w->distances[h * n + g] = INFINITY;
  return true;
}

static bool
fill_distances (Work *w, AvmError *error)
{
  size_t n = (size_t)w->n;

  if (!avm_diarise_each_pair (w->self, mark_pair, w, error))
    return false;
  for (size_t a = 0; a < n; a++) {
    w->inner[a] = compare_inside (w, (int)a);
    for (size_t b = a + 1; b < n; b++) {
      float *d = &w->distances[a * n + b];

      if (isfinite (*d))
        *d = w->distances[b * n + a] =
            (float)compare_groups (w, (int)a, (int)b);
    }
    if (!avm_diarise_tell (w->self,
            0.3 + 0.2 * (double)(a * (2 * n - a)) / (double)(n * n), error))
      return false;
  }
  return true;
}

/* -- the map --------------------------------------------------------------- */

/* The distance at which two groups of different views are as likely one
 * musician as two. Nearly all pairs are two, so their median says how much
 * people differ in these pictures; it is near the threshold, in any case. */
static double
even_distance (Work *w)
{
  double threshold = w->self->settings.threshold, even = EVEN_LEAST * threshold;
  size_t n = 0, size = (size_t)w->n;

  for (int a = 0; a < w->n; a++)
    for (int b = a + 1; b < w->n; b++)
      if (w->self->groups[a].view != w->self->groups[b].view)
        w->scratch[n++] = w->distances[(size_t)a * size + (size_t)b];
  if (n > 0) {
    qsort (w->scratch, n, sizeof (float), avm_compare_floats);
    even = AVM_CLAMP (
        EVEN_MEDIAN * (double)w->scratch[n / 2], even, EVEN_MOST * threshold);
  }
  return AVM_MAX (even, 1e-3);
}

static bool
make_map (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  size_t n_views = (size_t)self->n_views, n = (size_t)w->n;
  AvmSceneView *views = calloc (n_views, sizeof (*views));
  AvmSceneFace *faces = malloc (n * sizeof (*faces));
  AvmSceneSettings settings;
  bool good = views != NULL && faces != NULL;

  avm_scenemap_settings_init (&settings);
  settings.even = even_distance (w);
  settings.spread = 0.25 * settings.even;
  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for a map");
  for (int g = 0; good && g < w->n; g++) {
    AvmSceneView *v = &views[self->groups[g].view];

    if (v->n++ == 0)
      v->first = g;
    v->width = self->views[self->groups[g].view].width;
    v->height = self->views[self->groups[g].view].height;
    faces[g] = self->groups[g].face;
  }
  w->map = good ? avm_scenemap_new (&settings, error) : NULL;
  good = w->map != NULL
      && avm_scenemap_run (
          w->map, views, self->n_views, faces, w->n, w->distances, error);
  if (good)
    avm_scenemap_fuse (w->map, w->distances);
  free (views);
  free (faces);
  return good;
}

/* -- clusters -------------------------------------------------------------- */

static bool
excluded (const Work *w, int group, int musician)
{
  for (int h = 0; h < w->n; h++)
    if (w->self->musicians_of[h] == musician
        && !isfinite (w->distances[(size_t)group * (size_t)w->n + (size_t)h])
        && h != group)
      return true;
  return false;
}

/* Mean distance of a group to those of a musician; NaN: there is no other */
static double
distance_to (const Work *w, int group, int musician)
{
  double sum = 0.0;
  int n = 0;

  for (int h = 0; h < w->n; h++)
    if (w->self->musicians_of[h] == musician && h != group) {
      sum += (double)w->distances[(size_t)group * (size_t)w->n + (size_t)h];
      n++;
    }
  return n > 0 ? sum / n : NAN;
}

/* Merges may end with more musicians than there are, since those left exclude
 * each other: the groups of those seen least go to others, one by one. */
static void
spread_surplus (Work *w, int found, const double *weights)
{
  AvmDiarise *self = w->self;

  for (int spare = found; spare > self->settings.musicians; spare--) {
    int least = -1;

    for (int m = 0; m < found; m++)
      if (weights[m] > 0.0 && (least < 0 || weights[m] < weights[least]))
        least = m;
    ((double *)(uintptr_t)weights)[least] = 0.0;
    for (int g = 0; g < w->n; g++) {
      double nearest = HUGE_VAL;
      int best = -1;

      if (self->musicians_of[g] != least)
        continue;
      for (int m = 0; m < found; m++) {
        double d;

        if (weights[m] <= 0.0 || excluded (w, g, m))
          continue;
        d = distance_to (w, g, m);
        if (d < nearest) {
          nearest = d;
          best = m;
        }
      }
      if (best >= 0)
        self->musicians_of[g] = best;
    }
  }
}

static bool
cluster (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  size_t n = (size_t)w->n;
  AvmAgglomerate *agglomerate = avm_agglomerate_new (w->n, error);
  double *weights;
  int wanted = self->settings.musicians;

  if (agglomerate == NULL)
    return false;
  memcpy (w->scratch, w->distances, n * n * sizeof (float));
  if (!avm_agglomerate_run (agglomerate, AVM_LINKAGE_AVERAGE, w->scratch, w->n,
          NULL, 0, NULL, 0, error)) {
    avm_agglomerate_free (agglomerate);
    return false;
  }
  self->n_musicians = avm_agglomerate_cut (agglomerate,
      wanted > 0 ? INFINITY : self->settings.threshold, AVM_MAX (wanted, 1),
      self->musicians_of);
  avm_agglomerate_free (agglomerate);
  weights = calloc ((size_t)self->n_musicians, sizeof (*weights));
  if (weights == NULL)
    return avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "no memory for musicians");
  for (int g = 0; g < w->n; g++)
    weights[self->musicians_of[g]] += self->groups[g].face.weight;
  if (wanted > 0 && self->n_musicians > wanted)
    spread_surplus (w, self->n_musicians, weights);
  free (weights);
  return true;
}

/* Distances of a group to all musicians at once; own: to the other groups of
 * its own; next: to the nearest other one that nothing excludes. NaN: there is
 * none. sums, counts: room for all musicians. */
static void
compare_with_all (const Work *w, int group, double *sums, int *counts,
    double *own, double *next)
{
  const AvmDiarise *self = w->self;
  const float *row = w->distances + (size_t)group * (size_t)w->n;
  int musician = self->musicians_of[group];

  for (int m = 0; m < self->n_musicians; m++) {
    sums[m] = 0.0;
    counts[m] = 0;
  }
  for (int h = 0; h < w->n; h++)
    if (h != group) {
      sums[self->musicians_of[h]] += (double)row[h];
      counts[self->musicians_of[h]]++;
    }
  *own = counts[musician] > 0 ? sums[musician] / counts[musician] : NAN;
  *next = NAN;
  for (int m = 0; m < self->n_musicians; m++)
    if (m != musician && counts[m] > 0 && isfinite (sums[m])
        && !(sums[m] / counts[m] >= *next))
      *next = sums[m] / counts[m];
}

static bool
find_confidences (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  size_t n = (size_t)self->n_musicians;
  double *sums = malloc (n * sizeof (*sums));
  int *counts = malloc (n * sizeof (*counts));
  bool good = sums != NULL && counts != NULL;

  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for musicians");
  for (int g = 0; good && g < w->n; g++) {
    double own, next;

    compare_with_all (w, g, sums, counts, &own, &next);
    if (isnan (own))
      own = isnan (w->inner[g]) ? 0.5 * self->settings.threshold : w->inner[g];
    self->confidences[g] = isnan (next) ? 1.0
        : next > 0.0                    ? AVM_CLAMP (1.0 - own / next, 0.0, 1.0)
                                        : 0.0;
  }
  free (sums);
  free (counts);
  return good;
}

/* -- from left to right ---------------------------------------------------- */

typedef struct {
  double x, weight;
  int musician;
} Seat;

static int
compare_seats (const void *a, const void *b)
{
  const Seat *x = a, *y = b;

  /* those that nobody is of go last */
  if ((x->weight > 0.0) != (y->weight > 0.0))
    return x->weight > 0.0 ? -1 : 1;
  if (x->x != y->x)
    return x->x < y->x ? -1 : 1;
  return x->musician < y->musician ? -1 : x->musician > y->musician;
}

/* Where a group is, as a share of the width of the picture */
static double
across (const Work *w, int group)
{
  const AvmDiarise *self = w->self;
  const AvmDiariseGroup *g = &self->groups[group];
  double x, y;

  if (w->map != NULL && avm_scenemap_get_place (w->map, group, &x, &y))
    return x / self->views[avm_scenemap_get_reference (w->map)].width;
  return g->face.x / self->views[g->view].width;
}

static void
find_seats (Work *w)
{
  AvmDiarise *self = w->self;

  for (int m = 0; m < self->n_musicians; m++) {
    AvmSeat *seat = &self->seats[m];
    double sx = 0.0, sz = 0.0, sum = 0.0;
    int view = -1;

    seat->views = 0;
    for (int g = 0; g < w->n; g++) {
      double x, z, weight = self->groups[g].face.weight;

      if (self->musicians_of[g] != m)
        continue;
      seat->views += self->groups[g].view != view;
      view = self->groups[g].view;
      if (w->map == NULL || !avm_scenemap_get_seat (w->map, g, &x, &z))
        continue;
      sx += weight * x;
      sz += weight * z;
      sum += weight;
    }
    seat->known = sum > 0.0;
    seat->x = seat->known ? sx / sum : NAN;
    seat->z = seat->known ? sz / sum : NAN;
  }
}

/* Numbers musicians anew; those without a group vanish. */
static bool
number_musicians (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  size_t n = (size_t)self->n_musicians;
  Seat *seats = calloc (n, sizeof (*seats));
  int *numbers = calloc (n, sizeof (*numbers));
  bool good = seats != NULL && numbers != NULL;

  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for musicians");
  for (int m = 0; good && m < self->n_musicians; m++)
    seats[m].musician = m;
  for (int g = 0; good && g < w->n; g++) {
    Seat *s = &seats[self->musicians_of[g]];
    double weight = self->groups[g].face.weight;

    s->x = (s->x * s->weight + across (w, g) * weight) / (s->weight + weight);
    s->weight += weight;
  }
  if (good) {
    qsort (seats, n, sizeof (*seats), compare_seats);
    for (int m = 0; m < self->n_musicians; m++)
      numbers[seats[m].musician] = m;
    for (int g = 0; g < w->n; g++)
      self->musicians_of[g] = numbers[self->musicians_of[g]];
    while (self->n_musicians > 0 && seats[self->n_musicians - 1].weight <= 0.0)
      self->n_musicians--;
    self->seats = calloc (n, sizeof (*self->seats));
    good = self->seats != NULL
        || avm_error_set (
            error, AVM_ERROR_MEMORY, -1, "no memory for musicians");
  }
  free (seats);
  free (numbers);
  return good;
}

/* -- the whole ------------------------------------------------------------- */

static bool
make_room (Work *w, AvmError *error)
{
  AvmDiarise *self = w->self;
  size_t n = (size_t)w->n;

  w->each = AVM_CLAMP (COMPARED / w->n, 1, MOST);
  w->exemplars =
      calloc (n * (size_t)w->each, AVM_APPEARANCE_SIZE * sizeof (float));
  w->n_exemplars = calloc (n, sizeof (int));
  w->inner = calloc (n, sizeof (double));
  w->distances = calloc (n * n, sizeof (float));
  w->scratch = malloc (n * n * sizeof (float));
  self->musicians_of = calloc (n, sizeof (int));
  self->confidences = calloc (n, sizeof (double));
  return (w->exemplars != NULL && w->n_exemplars != NULL && w->inner != NULL
             && w->distances != NULL && w->scratch != NULL
             && self->musicians_of != NULL && self->confidences != NULL)
      || avm_error_set (
          error, AVM_ERROR_MEMORY, -1, "no memory for %d groups", w->n);
}

/* Looks of groups are in the exemplars now. */
static void
forget_looks (AvmDiarise *self)
{
  for (int g = 0; g < self->n_groups; g++) {
    free (self->groups[g].look);
    self->groups[g].look = NULL;
  }
}

bool
avm_diarise_find_musicians (AvmDiarise *self, AvmError *error)
{
  Work w = {.self = self, .n = self->n_groups};
  bool good;

  forget_looks (self);
  good = avm_diarise_check_number (self, error) && sort_groups (self, error)
      && make_room (&w, error) && read_exemplars (&w, error)
      && fill_distances (&w, error)
      && (!self->settings.use_map || make_map (&w, error))
      && cluster (&w, error) && number_musicians (&w, error)
      && find_confidences (&w, error);
  if (good)
    find_seats (&w);
  avm_scenemap_free (w.map);
  free (w.exemplars);
  free (w.n_exemplars);
  free (w.inner);
  free (w.distances);
  free (w.scratch);
  return good;
}
