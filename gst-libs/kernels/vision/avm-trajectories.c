/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-trajectories.h"

#include <math.h>
#include <string.h>

#include "learn/avm-kmeans.h"

#define FIRST 8 /* frames before the first clustering */
#define RESTARTS 3
#define ITERATIONS 30
#define MAX_CLUSTERS 64

struct _AvmTrajectories {
  int n_points, window, clusters;
  uint64_t seed;
  AvmKmeans *kmeans;
  /* n_points x window x (vx, vy): a ring over the frames. Distances do not
   * depend on the order of the frames, so the ring is clustered as it is. */
  float *history;
  int *labels, *fresh;
  int64_t n_frames, next; /* frames so far, frame of next clustering */
};

AvmTrajectories *
avm_trajectories_new (
    int n_points, int window, int clusters, uint64_t seed, AvmError *error)
{
  AvmTrajectories *t;

  if (n_points < 1 || n_points > 4096 || window < FIRST || window > 4096
      || clusters < 1 || clusters > MAX_CLUSTERS || clusters > n_points) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d clusters of %d trajectories over %d frames", clusters, n_points,
        window);
    return NULL;
  }
  t = avm_alloc (1, sizeof (*t));
  if (t == NULL)
    goto no_memory;
  t->n_points = n_points;
  t->window = window;
  t->clusters = clusters;
  t->seed = seed;
  t->kmeans = avm_kmeans_new (n_points, 2 * window, clusters, error);
  t->history =
      avm_alloc ((size_t)n_points * (size_t)window, 2 * sizeof (float));
  t->labels = avm_alloc ((size_t)n_points, sizeof (int));
  t->fresh = avm_alloc ((size_t)n_points, sizeof (int));
  if (t->kmeans == NULL || t->history == NULL || t->labels == NULL
      || t->fresh == NULL)
    goto no_memory;
  avm_trajectories_reset (t);
  return t;

no_memory:
  avm_trajectories_free (t);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for trajectories");
  return NULL;
}

void
avm_trajectories_free (AvmTrajectories *t)
{
  if (t == NULL)
    return;
  avm_kmeans_free (t->kmeans);
  avm_free (t->history);
  avm_free (t->labels);
  avm_free (t->fresh);
  avm_free (t);
}

void
avm_trajectories_reset (AvmTrajectories *t)
{
  memset (t->history, 0,
      (size_t)t->n_points * (size_t)t->window * 2 * sizeof (float));
  for (int i = 0; i < t->n_points; i++)
    t->labels[i] = -1;
  t->n_frames = 0;
  t->next = FIRST;
}

static void
remember (AvmTrajectories *t, const float *vx, const float *vy)
{
  int slot = (int)(t->n_frames % t->window);

  for (int i = 0; i < t->n_points; i++) {
    float *at = t->history + ((size_t)i * (size_t)t->window + (size_t)slot) * 2;

    at[0] = isfinite (vx[i]) ? vx[i] : 0.0f;
    at[1] = isfinite (vy[i]) ? vy[i] : 0.0f;
  }
  t->n_frames++;
}

static double
mean_speed (const AvmTrajectories *t, const int *labels, int label)
{
  double sum = 0.0;
  int n = 0;

  for (int i = 0; i < t->n_points; i++) {
    const float *at = t->history + (size_t)i * (size_t)t->window * 2;

    if (labels[i] != label)
      continue;
    for (int k = 0; k < t->window; k++)
      sum += hypot (at[2 * k], at[2 * k + 1]);
    n++;
  }
  return n > 0 ? sum / n : -1.0;
}

/* map[label of the new clustering] = its lasting number, by falling speed */
static void
number_by_speed (const AvmTrajectories *t, int *map)
{
  double speeds[MAX_CLUSTERS];

  for (int c = 0; c < t->clusters; c++)
    speeds[c] = mean_speed (t, t->fresh, c);
  for (int c = 0; c < t->clusters; c++) {
    map[c] = 0;
    for (int o = 0; o < t->clusters; o++)
      map[c] += speeds[o] > speeds[c] || (speeds[o] == speeds[c] && o < c);
  }
}

static int
common (const AvmTrajectories *t, int old, int fresh)
{
  int n = 0;

  for (int i = 0; i < t->n_points; i++)
    n += t->labels[i] == old && t->fresh[i] == fresh;
  return n;
}

/* Greedy: the pair of an old and a new group with the most points in common
 * is matched first. */
static void
number_by_overlap (const AvmTrajectories *t, int *map)
{
  bool old_done[MAX_CLUSTERS] = {false}, new_done[MAX_CLUSTERS] = {false};

  for (int round = 0; round < t->clusters; round++) {
    int best = -1, best_old = 0, best_new = 0;

    for (int o = 0; o < t->clusters; o++)
      for (int c = 0; c < t->clusters && !old_done[o]; c++)
        if (!new_done[c] && common (t, o, c) > best) {
          best = common (t, o, c);
          best_old = o;
          best_new = c;
        }
    map[best_new] = best_old;
    old_done[best_old] = new_done[best_new] = true;
  }
}

static void
cluster (AvmTrajectories *t)
{
  int map[MAX_CLUSTERS];

  avm_kmeans_run (t->kmeans, t->history, t->n_points, t->seed, RESTARTS,
      ITERATIONS, t->fresh);
  if (t->labels[0] < 0)
    number_by_speed (t, map);
  else
    number_by_overlap (t, map);
  for (int i = 0; i < t->n_points; i++)
    t->labels[i] = map[t->fresh[i]];
  if (t->n_frames < t->window / 2)
    t->next = t->window / 2;
  else if (t->n_frames < t->window)
    t->next = t->window;
  else
    t->next = t->n_frames + t->window / 2;
}

void
avm_trajectories_push (
    AvmTrajectories *t, const float *vx, const float *vy, float *speeds)
{
  int slot = (int)(t->n_frames % t->window);
  double sums[MAX_CLUSTERS] = {0.0};
  int counts[MAX_CLUSTERS] = {0};

  remember (t, vx, vy);
  if (t->n_frames == t->next)
    cluster (t);
  for (int i = 0; i < t->n_points && t->labels[i] >= 0; i++) {
    const float *at =
        t->history + ((size_t)i * (size_t)t->window + (size_t)slot) * 2;

    sums[t->labels[i]] += hypot (at[0], at[1]);
    counts[t->labels[i]]++;
  }
  for (int c = 0; c < t->clusters; c++)
    speeds[c] = counts[c] > 0 ? (float)(sums[c] / counts[c]) : NAN;
}

const int *
avm_trajectories_get_labels (const AvmTrajectories *t)
{
  return t->labels;
}
