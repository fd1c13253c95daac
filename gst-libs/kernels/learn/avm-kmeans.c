/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-kmeans.h"

#include <math.h>
#include <string.h>

struct _AvmKmeans {
  int max_points, dim, k;
  float *centres, *best; /* k x dim: of this start, of the best one */
  double *sums;          /* k x dim */
  double *distances;     /* of each point to its centre, squared */
  int *labels, *counts;
};

AvmKmeans *
avm_kmeans_new (int max_points, int dim, int k, AvmError *error)
{
  AvmKmeans *kmeans;
  size_t size;

  if (dim < 1 || k < 1 || max_points < k) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d clusters of %d points with %d dimensions", k, max_points, dim);
    return NULL;
  }
  kmeans = avm_alloc (1, sizeof (*kmeans));
  if (kmeans != NULL) {
    size = (size_t)k * (size_t)dim;
    kmeans->max_points = max_points;
    kmeans->dim = dim;
    kmeans->k = k;
    kmeans->centres = avm_alloc (size, sizeof (float));
    kmeans->best = avm_alloc (size, sizeof (float));
    kmeans->sums = avm_alloc (size, sizeof (double));
    kmeans->distances = avm_alloc ((size_t)max_points, sizeof (double));
    kmeans->labels = avm_alloc ((size_t)max_points, sizeof (int));
    kmeans->counts = avm_alloc ((size_t)k, sizeof (int));
    if (kmeans->centres != NULL && kmeans->best != NULL && kmeans->sums != NULL
        && kmeans->distances != NULL && kmeans->labels != NULL
        && kmeans->counts != NULL)
      return kmeans;
  }
  avm_kmeans_free (kmeans);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for k-means");
  return NULL;
}

void
avm_kmeans_free (AvmKmeans *kmeans)
{
  if (kmeans == NULL)
    return;
  avm_free (kmeans->centres);
  avm_free (kmeans->best);
  avm_free (kmeans->sums);
  avm_free (kmeans->distances);
  avm_free (kmeans->labels);
  avm_free (kmeans->counts);
  avm_free (kmeans);
}

/* Eight partial sums, in a fixed order on every machine, let the compiler use
 * vectors without reordering anything. */
AVM_CLONES static double
distance2 (const float *a, const float *b, int dim)
{
  float lanes[8] = {0};
  double sum = 0.0;
  int i = 0;

  for (; i + 8 <= dim; i += 8)
    for (int l = 0; l < 8; l++) {
      float d = a[i + l] - b[i + l];

      lanes[l] += d * d;
    }
  for (int l = 0; l < 8; l++)
    sum += lanes[l];
  for (; i < dim; i++)
    sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

static void
set_centre (AvmKmeans *kmeans, int c, const float *point)
{
  memcpy (kmeans->centres + (size_t)c * (size_t)kmeans->dim, point,
      (size_t)kmeans->dim * sizeof (float));
}

/* Draws a point with probability proportional to its squared distance from
 * the centres so far. */
static int
draw (const AvmKmeans *kmeans, int n, AvmRng *rng)
{
  double total = 0.0, at;
  int last = 0;

  for (int i = 0; i < n; i++)
    total += kmeans->distances[i];
  at = avm_rng_uniform (rng) * total;
  for (int i = 0; i < n; i++) {
    if (kmeans->distances[i] <= 0.0)
      continue;
    last = i;
    at -= kmeans->distances[i];
    if (at < 0.0)
      break;
  }
  return last;
}

static void
seed_centres (AvmKmeans *kmeans, const float *points, int n, AvmRng *rng)
{
  size_t dim = (size_t)kmeans->dim;
  int first = (int)(avm_rng_uniform (rng) * n);

  set_centre (kmeans, 0, points + (size_t)first * dim);
  for (int i = 0; i < n; i++)
    kmeans->distances[i] = INFINITY;
  for (int c = 1; c < kmeans->k; c++) {
    for (int i = 0; i < n; i++) {
      double d = distance2 (points + (size_t)i * dim,
          kmeans->centres + (size_t)(c - 1) * dim, kmeans->dim);

      kmeans->distances[i] = fmin (kmeans->distances[i], d);
    }
    set_centre (kmeans, c, points + (size_t)draw (kmeans, n, rng) * dim);
  }
}

/* Labels every point with its nearest centre; returns how many changed. */
static int
assign (AvmKmeans *kmeans, const float *points, int n)
{
  size_t dim = (size_t)kmeans->dim;
  int changed = 0;

  for (int i = 0; i < n; i++) {
    double best = INFINITY;
    int label = 0;

    for (int c = 0; c < kmeans->k; c++) {
      double d = distance2 (points + (size_t)i * dim,
          kmeans->centres + (size_t)c * dim, kmeans->dim);

      if (d < best) {
        best = d;
        label = c;
      }
    }
    changed += kmeans->labels[i] != label;
    kmeans->labels[i] = label;
    kmeans->distances[i] = best;
  }
  return changed;
}

/* The point that is farthest from its centre founds cluster c anew. */
static void
refill (AvmKmeans *kmeans, const float *points, int n, int c)
{
  int far = 0;

  for (int i = 1; i < n; i++)
    if (kmeans->distances[i] > kmeans->distances[far])
      far = i;
  kmeans->distances[far] = 0.0;
  set_centre (kmeans, c, points + (size_t)far * (size_t)kmeans->dim);
}

static void
update (AvmKmeans *kmeans, const float *points, int n)
{
  size_t dim = (size_t)kmeans->dim, k = (size_t)kmeans->k;

  memset (kmeans->sums, 0, k * dim * sizeof (double));
  memset (kmeans->counts, 0, k * sizeof (int));
  for (int i = 0; i < n; i++) {
    double *sum = kmeans->sums + (size_t)kmeans->labels[i] * dim;

    kmeans->counts[kmeans->labels[i]]++;
    for (size_t j = 0; j < dim; j++)
      sum[j] += points[(size_t)i * dim + j];
  }
  for (size_t c = 0; c < k; c++) {
    if (kmeans->counts[c] == 0)
      refill (kmeans, points, n, (int)c);
    else
      for (size_t j = 0; j < dim; j++)
        kmeans->centres[c * dim + j] =
            (float)(kmeans->sums[c * dim + j] / kmeans->counts[c]);
  }
}

static double
inertia (const AvmKmeans *kmeans, int n)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++)
    sum += kmeans->distances[i];
  return sum;
}

double
avm_kmeans_run (AvmKmeans *kmeans, const float *points, int n, uint64_t seed,
    int restarts, int max_iterations, int *labels)
{
  double best = INFINITY;

  if (n < kmeans->k || n > kmeans->max_points)
    return -1.0;
  for (int r = 0; r < AVM_MAX (restarts, 1); r++) {
    AvmRng rng;
    double sum;

    avm_rng_init (&rng, seed, (uint64_t)r);
    seed_centres (kmeans, points, n, &rng);
    for (int i = 0; i < n; i++)
      kmeans->labels[i] = -1;
    for (int i = 0; assign (kmeans, points, n) > 0 && i < max_iterations; i++)
      update (kmeans, points, n);
    sum = inertia (kmeans, n);
    if (sum < best) {
      best = sum;
      memcpy (labels, kmeans->labels, (size_t)n * sizeof (int));
      memcpy (kmeans->best, kmeans->centres,
          (size_t)kmeans->k * (size_t)kmeans->dim * sizeof (float));
    }
  }
  return best;
}

const float *
avm_kmeans_get_centres (const AvmKmeans *kmeans)
{
  return kmeans->best;
}
