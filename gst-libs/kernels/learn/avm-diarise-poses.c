/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-agglomerate.h"
#include "learn/avm-diarise-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sightings of a musician in a view that are compared with each other; the
 * others go to the pose with the nearest exemplars. */
#define COMPARED 500
#define EXEMPLARS 6

typedef struct {
  int musician, view, camera, frame;
  size_t i;
} Member;

static int
compare_members (const void *a, const void *b)
{
  const Member *x = a, *y = b;

  if (x->musician != y->musician)
    return x->musician < y->musician ? -1 : 1;
  if (x->view != y->view)
    return x->view < y->view ? -1 : 1;
  if (x->camera != y->camera)
    return x->camera < y->camera ? -1 : 1;
  if (x->frame != y->frame)
    return x->frame < y->frame ? -1 : 1;
  return x->i < y->i ? -1 : x->i > y->i;
}

typedef struct {
  AvmDiarise *self;
  AvmAgglomerate *agglomerate;
  float *values;             /* COMPARED appearances */
  float *matrix, *distances; /* COMPARED x COMPARED */
  float *room;
  int labels[COMPARED];
  int counts[COMPARED];
  int poses[COMPARED]; /* of a label, -1: too small, it goes to others */
} Work;

static const float *
value (const Work *w, int i)
{
  return w->values + (size_t)i * AVM_APPEARANCE_SIZE;
}

/* Clusters below the threshold; the max_poses largest are poses. */
static int
cut_poses (Work *w, int n)
{
  const AvmDiariseSettings *s = &w->self->settings;
  int found =
      avm_agglomerate_cut (w->agglomerate, s->pose_threshold, 1, w->labels);
  int kept = 0;

  memset (w->counts, 0, sizeof (w->counts));
  for (int i = 0; i < n; i++)
    w->counts[w->labels[i]]++;
  for (int k = 0; k < found; k++)
    w->poses[k] = -1;
  while (kept < AVM_MIN (found, s->max_poses)) {
    int best = -1;

    for (int k = 0; k < found; k++)
      if (w->poses[k] < 0 && (best < 0 || w->counts[k] > w->counts[best]))
        best = k;
    w->poses[best] = kept++;
  }
  return kept;
}

/* The pose, of n sightings that have one, that is nearest in the mean */
static int
nearest_pose (const float *row, int n, int n_poses, const int *poses)
{
  double sums[64] = {0.0}, least = HUGE_VAL;
  int counts[64] = {0}, best = 0;

  for (int i = 0; i < n; i++)
    if (poses[i] >= 0) {
      sums[poses[i]] += (double)row[i];
      counts[poses[i]]++;
    }
  for (int p = 0; p < n_poses; p++)
    if (counts[p] > 0 && sums[p] / counts[p] < least) {
      least = sums[p] / counts[p];
      best = p;
    }
  return best;
}

/* Poses of the n sightings that were compared */
static void
settle (Work *w, int n, int n_poses, int *poses)
{
  int members[COMPARED];

  for (int i = 0; i < n; i++)
    poses[i] = members[i] = w->poses[w->labels[i]];
  for (int i = 0; i < n; i++)
    if (members[i] < 0)
      poses[i] = nearest_pose (
          w->distances + (size_t)i * (size_t)n, n, n_poses, members);
}

/* Where the k-th of n sightings that are compared stands among all */
static size_t
chosen (size_t k, size_t n, size_t all)
{
  return (2 * k + 1) * all / (2 * n);
}

/* All that were not compared go to the nearest. */
static bool
assign_rest (Work *w, const Member *members, size_t all, int n, int n_poses,
    const int *poses, AvmError *error)
{
  int exemplars[64 * EXEMPLARS], of[64 * EXEMPLARS], n_exemplars = 0;
  float distances[64 * EXEMPLARS];
  size_t next = 0;

  for (int p = 0; p < n_poses; p++) {
    int count = 0, k = 0, taken = 0;

    for (int i = 0; i < n; i++)
      count += poses[i] == p;
    for (int i = 0; i < n; i++) {
      if (poses[i] != p)
        continue;
      /* evenly spread over the time */
      if (k++ * AVM_MIN (EXEMPLARS, count) >= taken * count) {
        exemplars[n_exemplars] = i;
        of[n_exemplars++] = p;
        taken++;
      }
    }
  }
  for (size_t i = 0; i < all; i++) {
    if (next < (size_t)n && i == chosen (next, (size_t)n, all)) {
      next++;
      continue;
    }
    if (!avm_diarise_read (w->self, members[i].i, w->room, error))
      return false;
    for (int e = 0; e < n_exemplars; e++)
      distances[e] = (float)avm_appearance_distance (
          &w->self->settings.pose_weights, w->room, value (w, exemplars[e]));
    w->self->results[members[i].i].pose =
        nearest_pose (distances, n_exemplars, n_poses, of);
  }
  return true;
}

/* Poses of a musician in one view, numbered from 0; returns how many, 0: an
 * error. */
static int
find_in_view (Work *w, const Member *members, size_t all, AvmError *error)
{
  int n = (int)AVM_MIN (all, (size_t)COMPARED), n_poses;
  int poses[COMPARED];

  for (int k = 0; k < n; k++)
    if (!avm_diarise_read (w->self,
            members[chosen ((size_t)k, (size_t)n, all)].i,
            w->values + (size_t)k * AVM_APPEARANCE_SIZE, error))
      return 0;
  avm_appearance_matrix (
      &w->self->settings.pose_weights, w->values, n, w->distances);
  memcpy (w->matrix, w->distances, (size_t)n * (size_t)n * sizeof (float));
  if (!avm_agglomerate_run (w->agglomerate, AVM_LINKAGE_AVERAGE, w->matrix, n,
          NULL, 0, NULL, 0, error))
    return 0;
  n_poses = cut_poses (w, n);
  settle (w, n, n_poses, poses);
  for (int k = 0; k < n; k++)
    w->self->results[members[chosen ((size_t)k, (size_t)n, all)].i].pose =
        poses[k];
  if ((size_t)n < all
      && !assign_rest (w, members, all, n, n_poses, poses, error))
    return 0;
  return n_poses;
}

/* Numbers the poses of a musician, of all views, the most frequent first. */
static bool
number_poses (AvmDiarise *self, const Member *members, size_t n, int n_poses,
    AvmError *error)
{
  size_t *counts = calloc ((size_t)n_poses, sizeof (*counts));
  int *numbers = calloc ((size_t)n_poses, sizeof (*numbers));
  bool good = counts != NULL && numbers != NULL;

  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for poses");
  for (size_t i = 0; good && i < n; i++)
    counts[self->results[members[i].i].pose]++;
  for (int p = 0; good && p < n_poses; p++) {
    numbers[p] = 0;
    for (int q = 0; q < n_poses; q++)
      numbers[p] += counts[q] > counts[p] || (counts[q] == counts[p] && q < p);
  }
  for (size_t i = 0; good && i < n; i++) {
    int *pose = &self->results[members[i].i].pose;

    *pose = numbers[*pose];
  }
  /* poses that nobody is left in come last */
  self->n_poses[members[0].musician] = 0;
  for (int p = 0; good && p < n_poses; p++)
    self->n_poses[members[0].musician] += counts[p] > 0;
  free (counts);
  free (numbers);
  return good;
}

static bool
find_of_musician (Work *w, const Member *members, size_t n, AvmError *error)
{
  int n_poses = 0;

  for (size_t i = 0, end; i < n; i = end) {
    int found;

    for (end = i; end < n && members[end].view == members[i].view;)
      end++;
    found = find_in_view (w, members + i, end - i, error);
    if (found < 1)
      return false;
    for (size_t k = i; k < end; k++)
      w->self->results[members[k].i].pose += n_poses;
    n_poses += found;
  }
  return number_poses (w->self, members, n, n_poses, error);
}

static Member *
sort_members (const AvmDiarise *self)
{
  Member *members = malloc (self->n * sizeof (*members));

  if (members == NULL)
    return NULL;
  for (size_t i = 0; i < self->n; i++) {
    const AvmSighting *s = &self->sightings[i];
    const AvmDiarised *r = &self->results[i];

    members[i] = (Member){r->musician, r->view, s->camera, s->frame, i};
  }
  qsort (members, self->n, sizeof (*members), compare_members);
  return members;
}

bool
avm_diarise_find_poses (AvmDiarise *self, AvmError *error)
{
  size_t square = (size_t)COMPARED * COMPARED * sizeof (float);
  size_t size = AVM_APPEARANCE_SIZE * sizeof (float);
  Work *w = calloc (1, sizeof (*w));
  Member *members = sort_members (self);
  bool good = w != NULL && members != NULL;

  self->n_poses = calloc ((size_t)self->n_musicians, sizeof (*self->n_poses));
  if (good) {
    w->self = self;
    w->values = malloc (COMPARED * size);
    w->room = malloc (size);
    w->matrix = malloc (square);
    w->distances = malloc (square);
    w->agglomerate = avm_agglomerate_new (COMPARED, error);
    good = w->values != NULL && w->room != NULL && w->matrix != NULL
        && w->distances != NULL && w->agglomerate != NULL
        && self->n_poses != NULL;
  }
  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for poses");
  for (size_t i = 0, end; good && i < self->n; i = end) {
    for (end = i;
         end < self->n && members[end].musician == members[i].musician;)
      end++;
    good = find_of_musician (w, members + i, end - i, error)
        && avm_diarise_tell (
            self, 0.5 + 0.5 * (double)end / (double)self->n, error);
  }
  if (w != NULL) {
    free (w->values);
    free (w->room);
    free (w->matrix);
    free (w->distances);
    avm_agglomerate_free (w->agglomerate);
  }
  free (w);
  free (members);
  return good;
}
