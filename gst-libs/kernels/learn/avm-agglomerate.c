/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-agglomerate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16

/* A merge as the chain finds it, by slots of the matrix: every cluster lives
 * in the slot of its lowest point. */
typedef struct {
  int low, high, size, order;
  double height;
} Step;

struct _AvmAgglomerate {
  int max_points, n;
  AvmLinkage linkage;
  float *matrix; /* the caller's, while it runs */
  float *away;   /* n: infinite for slots that are no cluster any more */
  int *sizes;    /* n: points of the cluster in a slot */
  int *chain;
  int *parents; /* n: of the union-find */
  int *ids;     /* n: number of the cluster whose root this is */
  Step *steps;
  AvmMerge *merges;
  int n_steps, n_must;
};

AvmAgglomerate *
avm_agglomerate_new (int max_points, AvmError *error)
{
  AvmAgglomerate *self;
  size_t n = (size_t)AVM_MAX (max_points, 1);

  if (max_points < 1 || max_points > AVM_AGGLOMERATE_MAX_POINTS) {
    avm_error_set (
        error, AVM_ERROR_RANGE, -1, "clusters of %d points", max_points);
    return NULL;
  }
  self = avm_alloc (1, sizeof (*self));
  if (self != NULL) {
    self->max_points = max_points;
    self->away = avm_alloc (n, sizeof (float));
    self->sizes = avm_alloc (n, sizeof (int));
    self->chain = avm_alloc (n, sizeof (int));
    self->parents = avm_alloc (n, sizeof (int));
    self->ids = avm_alloc (n, sizeof (int));
    self->steps = avm_alloc (n, sizeof (Step));
    self->merges = avm_alloc (n, sizeof (AvmMerge));
    if (self->away != NULL && self->sizes != NULL && self->chain != NULL
        && self->parents != NULL && self->ids != NULL && self->steps != NULL
        && self->merges != NULL)
      return self;
  }
  avm_agglomerate_free (self);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for clusters");
  return NULL;
}

void
avm_agglomerate_free (AvmAgglomerate *self)
{
  if (self == NULL)
    return;
  avm_free (self->away);
  avm_free (self->sizes);
  avm_free (self->chain);
  avm_free (self->parents);
  avm_free (self->ids);
  avm_free (self->steps);
  avm_free (self->merges);
  avm_free (self);
}

static inline float *
row_of (const AvmAgglomerate *self, int i)
{
  return self->matrix + (size_t)i * (size_t)self->n;
}

static int
find (AvmAgglomerate *self, int i)
{
  while (self->parents[i] != i) {
    self->parents[i] = self->parents[self->parents[i]];
    i = self->parents[i];
  }
  return i;
}

static void
separate_all (AvmAgglomerate *self)
{
  for (int i = 0; i < self->n; i++)
    self->parents[i] = i;
}

/* Checks the matrix and completes it below the diagonal. */
static bool
prepare (AvmAgglomerate *self, AvmError *error)
{
  for (int i = 0; i < self->n; i++) {
    float *row = row_of (self, i);

    row[i] = INFINITY;
    for (int j = i + 1; j < self->n; j++) {
      if (!(row[j] >= 0.0f))
        return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)i * self->n + j,
            "distance %g of points %d and %d", (double)row[j], i, j);
      row_of (self, j)[i] = row[j];
    }
    self->away[i] = 0.0f;
    self->sizes[i] = 1;
  }
  return true;
}

static bool
check_pairs (const AvmAgglomerate *self, const AvmPair *pairs, size_t n,
    const char *what, AvmError *error)
{
  for (size_t i = 0; i < n; i++)
    if (pairs[i].a < 0 || pairs[i].b < 0 || pairs[i].a >= self->n
        || pairs[i].b >= self->n || pairs[i].a == pairs[i].b)
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)i,
          "%s of points %d and %d among %d", what, pairs[i].a, pairs[i].b,
          self->n);
  return true;
}

/* Cannot-links become infinite distances. */
static bool
separate (AvmAgglomerate *self, const AvmPair *cannot, size_t n_cannot,
    AvmError *error)
{
  for (size_t i = 0; i < n_cannot; i++) {
    int a = cannot[i].a, b = cannot[i].b;

    if (find (self, a) == find (self, b))
      return avm_error_set (error, AVM_ERROR_CORRUPT, (int64_t)i,
          "points %d and %d must and cannot be linked", a, b);
    row_of (self, a)[b] = row_of (self, b)[a] = INFINITY;
  }
  return true;
}

/* The row of the merged cluster, in place of a */
AVM_CLONES static void
merge_rows (AvmLinkage linkage, float *restrict a, const float *restrict b,
    int size_a, int size_b, int n)
{
  float total = (float)(size_a + size_b);
  float wa = (float)size_a, wb = (float)size_b;

  if (linkage == AVM_LINKAGE_AVERAGE) {
    for (int i = 0; i < n; i++)
      a[i] = (wa * a[i] + wb * b[i]) / total;
  } else if (linkage == AVM_LINKAGE_COMPLETE) {
    for (int i = 0; i < n; i++)
      a[i] = a[i] > b[i] ? a[i] : b[i];
  } else {
    for (int i = 0; i < n; i++) {
      float least = a[i] < b[i] ? a[i] : b[i];
      float most = a[i] < b[i] ? b[i] : a[i];

      a[i] = most < INFINITY ? least : most;
    }
  }
}

static void
merge (AvmAgglomerate *self, int a, int b, double height)
{
  int low = AVM_MIN (a, b), high = AVM_MAX (a, b);
  float *row = row_of (self, low);

  merge_rows (self->linkage, row, row_of (self, high), self->sizes[low],
      self->sizes[high], self->n);
  row[low] = INFINITY;
  for (int i = 0; i < self->n; i++)
    row_of (self, i)[low] = row[i];
  self->sizes[low] += self->sizes[high];
  self->away[high] = INFINITY;
  self->steps[self->n_steps] =
      (Step){low, high, self->sizes[low], self->n_steps, height};
  self->n_steps++;
}

/* Distances inside a group of must-links do not count, cannot-links do. */
static bool
merge_must (
    AvmAgglomerate *self, const AvmPair *must, size_t n_must, AvmError *error)
{
  for (size_t i = 0; i < n_must; i++) {
    int a = find (self, must[i].a), b = find (self, must[i].b);

    if (a == b)
      continue;
    if (!(row_of (self, a)[b] < INFINITY))
      return avm_error_set (error, AVM_ERROR_CORRUPT, -1,
          "points %d and %d must be linked, but are infinitely far from each "
          "other, or others that must go with them are",
          must[i].a, must[i].b);
    merge (self, a, b, 0.0);
    self->parents[AVM_MAX (a, b)] = AVM_MIN (a, b);
  }
  self->n_must = self->n_steps;
  return true;
}

AVM_CLONES static float
least_of (const float *row, const float *away, int n)
{
  float lanes[LANES], least = INFINITY;
  int i = 0;

  for (int l = 0; l < LANES; l++)
    lanes[l] = INFINITY;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      float d = row[i + l] + away[i + l];

      lanes[l] = d < lanes[l] ? d : lanes[l];
    }
  for (; i < n; i++)
    least = AVM_MIN (least, row[i] + away[i]);
  for (int l = 0; l < LANES; l++)
    least = AVM_MIN (least, lanes[l]);
  return least;
}

/* The nearest cluster of a; the one before it in the chain where it is as near
 * as any, so that the chain ends. -1: all the rest is infinitely far. */
static int
nearest (const AvmAgglomerate *self, int a, int before, float *distance)
{
  const float *row = row_of (self, a);
  float least = least_of (row, self->away, self->n);
  int i = 0;

  *distance = least;
  if (!(least < INFINITY))
    return -1;
  if (before >= 0 && row[before] <= least)
    return before;
  while (row[i] + self->away[i] > least)
    i++;
  return i;
}

static void
follow_chain (AvmAgglomerate *self)
{
  int length = 0, start = 0;

  for (;;) {
    float distance;
    int top, next;

    if (length == 0) {
      while (start < self->n && self->away[start] > 0.0f)
        start++;
      if (start == self->n)
        return;
      self->chain[length++] = start;
    }
    top = self->chain[length - 1];
    next = nearest (
        self, top, length > 1 ? self->chain[length - 2] : -1, &distance);
    if (next < 0) {
      /* alone for ever; nothing else has it as neighbour */
      self->away[top] = INFINITY;
      length--;
    } else if (length > 1 && next == self->chain[length - 2]) {
      merge (self, top, next, (double)distance);
      length -= 2;
    } else {
      self->chain[length++] = next;
    }
  }
}

static int
compare_steps (const void *a, const void *b)
{
  const Step *x = a, *y = b;

  if (x->height != y->height)
    return x->height < y->height ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* Rounding may put a merge a little below what it merges. */
static void
lift (AvmAgglomerate *self)
{
  float *heights = self->away; /* not needed any more */

  for (int i = 0; i < self->n; i++)
    heights[i] = 0.0f;
  for (int i = self->n_must; i < self->n_steps; i++) {
    Step *step = &self->steps[i];
    float least = AVM_MAX (heights[step->low], heights[step->high]);

    step->height = AVM_MAX (step->height, (double)least);
    heights[step->low] = (float)step->height;
  }
}

static void
number_merges (AvmAgglomerate *self)
{
  for (int i = 0; i < self->n; i++)
    self->ids[i] = i;
  for (int i = 0; i < self->n_steps; i++) {
    const Step *step = &self->steps[i];
    int a = self->ids[step->low], b = self->ids[step->high];

    self->merges[i] =
        (AvmMerge){AVM_MIN (a, b), AVM_MAX (a, b), step->height, step->size};
    self->ids[step->low] = self->n + i;
  }
}

bool
avm_agglomerate_run (AvmAgglomerate *self, AvmLinkage linkage, float *matrix,
    int n, const AvmPair *must, size_t n_must, const AvmPair *cannot,
    size_t n_cannot, AvmError *error)
{
  bool good;

  self->n = self->n_steps = self->n_must = 0;
  if (n < 1 || n > self->max_points)
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "%d points of %d", n, self->max_points);
  self->n = n;
  self->linkage = linkage;
  self->matrix = matrix;
  separate_all (self);
  good = check_pairs (self, must, n_must, "must-link", error)
      && check_pairs (self, cannot, n_cannot, "cannot-link", error)
      && prepare (self, error);
  if (good) {
    for (size_t i = 0; i < n_must; i++)
      self->parents[find (self, must[i].a)] = find (self, must[i].b);
    good = separate (self, cannot, n_cannot, error);
    separate_all (self);
    good = good && merge_must (self, must, n_must, error);
  }
  if (good)
    follow_chain (self);
  self->matrix = NULL;
  if (!good) {
    self->n = self->n_steps = self->n_must = 0;
    return false;
  }
  lift (self);
  qsort (self->steps + self->n_must, (size_t)(self->n_steps - self->n_must),
      sizeof (Step), compare_steps);
  number_merges (self);
  return true;
}

const AvmMerge *
avm_agglomerate_get_merges (const AvmAgglomerate *self, int *n)
{
  *n = self->n_steps;
  return self->merges;
}

int
avm_agglomerate_cut (
    AvmAgglomerate *self, double threshold, int clusters, int *labels)
{
  int left = self->n, labelled = 0;

  separate_all (self);
  for (int i = 0; i < self->n_steps; i++) {
    const Step *step = &self->steps[i];

    if (i >= self->n_must
        && (step->height > threshold || left <= AVM_MAX (clusters, 1)))
      break;
    self->parents[step->high] = step->low;
    left--;
  }
  for (int i = 0; i < self->n; i++) {
    /* a root is the lowest point of its cluster */
    int root = find (self, i);

    if (root == i)
      self->ids[i] = labelled++;
    labels[i] = self->ids[root];
  }
  return left;
}
