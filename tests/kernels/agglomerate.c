/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Agglomerative clustering against scipy's dendrograms, against the greedy
 * search from the definition of the linkages in double precision, and against
 * what constraints promise.
 */

#include "avmcheck.h"
#include "learn/avm-agglomerate.h"

static const AvmLinkage linkages[] = {
    AVM_LINKAGE_SINGLE, AVM_LINKAGE_AVERAGE, AVM_LINKAGE_COMPLETE};

/* scipy.cluster.hierarchy.linkage (D, method) of scipy 1.10.1 for the 16
 * points of check_scipy () */
static const AvmMerge dendrograms[3][15] = {
    {{6, 11, 17, 2}, {4, 14, 21, 2}, {8, 17, 23, 3}, {0, 18, 40, 4},
        {5, 10, 61, 2}, {2, 7, 71, 2}, {3, 19, 88, 5}, {13, 16, 92, 3},
        {22, 23, 101, 8}, {21, 24, 133, 10}, {20, 25, 146, 12},
        {15, 26, 167, 13}, {12, 27, 174, 14}, {1, 28, 227, 15},
        {9, 29, 229, 16}},
    {{6, 11, 17, 2}, {4, 14, 21, 2}, {0, 8, 40, 2}, {5, 10, 61, 2},
        {2, 7, 71, 2}, {3, 13, 151, 2}, {12, 17, 177.5, 3}, {9, 15, 229, 2},
        {1, 18, 294.5, 3}, {22, 24, 396.111111, 6}, {16, 25, 426.083333, 8},
        {19, 21, 439.75, 4}, {26, 27, 529.21875, 12}, {20, 28, 555.416667, 14},
        {23, 29, 595.25, 16}},
    {{6, 11, 17, 2}, {4, 14, 21, 2}, {0, 8, 40, 2}, {5, 10, 61, 2},
        {2, 7, 71, 2}, {3, 13, 151, 2}, {12, 17, 181, 3}, {9, 15, 229, 2},
        {1, 23, 358, 3}, {16, 22, 661, 5}, {21, 24, 706, 5}, {18, 25, 798, 7},
        {20, 26, 904, 7}, {19, 27, 985, 9}, {28, 29, 992, 16}}};

static void
check_scipy (void)
{
  enum {
    N = 16
  };
  AvmAgglomerate *tree = avm_agglomerate_new (N, NULL);
  float matrix[N * N];

  for (int l = 0; l < 3; l++) {
    const AvmMerge *merges;
    int n;

    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        matrix[i * N + j] = (float)(((i + 1) * (i + 1) * 7919 + (j + 1) * 10473
                                        + (i + 1) * (j + 1) * 311)
                % 1009
            + 1);
    CHECK (avm_agglomerate_run (
               tree, linkages[l], matrix, N, NULL, 0, NULL, 0, NULL),
        "linkage %d", l);
    merges = avm_agglomerate_get_merges (tree, &n);
    CHECK (n == N - 1, "%d merges", n);
    for (int i = 0; i < n; i++) {
      const AvmMerge *m = &merges[i], *w = &dendrograms[l][i];

      CHECK (m->a == w->a && m->b == w->b && m->size == w->size,
          "linkage %d merge %d: %d and %d, %d points", l, i, m->a, m->b,
          m->size);
      CHECK_NEAR (m->height, w->height, 1e-4, 0.0, "linkage %d merge %d", l, i);
    }
  }
  avm_agglomerate_free (tree);
}

/* The greedy search, slow and from the definitions */
typedef struct {
  int n, *labels; /* the lowest point of each cluster */
  const float *matrix;
  bool *apart; /* n x n */
} Naive;

static double
naive_distance (const Naive *naive, AvmLinkage linkage, int a, int b)
{
  double least = INFINITY, most = 0.0, sum = 0.0;
  int pairs = 0, n = naive->n;

  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double d;

      if (naive->labels[i] != a || naive->labels[j] != b)
        continue;
      if (naive->apart[i * n + j])
        return INFINITY;
      d = naive->matrix[AVM_MIN (i, j) * n + AVM_MAX (i, j)];
      least = fmin (least, d);
      most = fmax (most, d);
      sum += d;
      pairs++;
    }
  return linkage == AVM_LINKAGE_SINGLE ? least
      : linkage == AVM_LINKAGE_AVERAGE ? sum / pairs
                                       : most;
}

static void
naive_merge (Naive *naive, int a, int b)
{
  for (int i = 0; i < naive->n; i++)
    if (naive->labels[i] == AVM_MAX (a, b))
      naive->labels[i] = AVM_MIN (a, b);
}

/* Merges the nearest two clusters; returns their distance. */
static double
naive_step (Naive *naive, AvmLinkage linkage)
{
  double best = INFINITY;
  int best_a = -1, best_b = -1;

  for (int a = 0; a < naive->n; a++)
    for (int b = a + 1; b < naive->n; b++)
      if (naive->labels[a] == a && naive->labels[b] == b) {
        double d = naive_distance (naive, linkage, a, b);

        if (d < best) {
          best = d;
          best_a = a;
          best_b = b;
        }
      }
  if (best_a >= 0)
    naive_merge (naive, best_a, best_b);
  return best;
}

static void
fill (float *matrix, int n)
{
  for (int i = 0; i < n * n; i++)
    matrix[i] = (float)avm_rng_range (&avmcheck_rng, 0.01, 1.0);
}

/* Random pairs that contradict none of the others: frames see `frame` points
 * each, and must-links join points of different frames. */
static size_t
draw_pairs (AvmPair *pairs, size_t n_pairs, int n, const int *groups, bool must)
{
  size_t count = 0;

  for (size_t i = 0; i < 50 * n_pairs && count < n_pairs; i++) {
    int a = (int)(avm_rng_u32 (&avmcheck_rng) % (unsigned)n);
    int b = (int)(avm_rng_u32 (&avmcheck_rng) % (unsigned)n);

    if (a != b && (groups[a] == groups[b]) == must)
      pairs[count++] = (AvmPair){a, b};
  }
  return count;
}

static bool
same_partition (const int *a, const int *b, int n)
{
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      if ((a[i] == a[j]) != (b[i] == b[j]))
        return false;
  return true;
}

static void
compare_naive (AvmAgglomerate *tree, AvmLinkage linkage, Naive *naive,
    const AvmPair *must, size_t n_must)
{
  int n = naive->n, left, n_merges, at = 0, *labels = malloc (4 * (size_t)n);
  const AvmMerge *merges = avm_agglomerate_get_merges (tree, &n_merges);
  double last = 0.0;

  for (int i = 0; i < n; i++)
    naive->labels[i] = i;
  for (size_t i = 0; i < n_must; i++)
    if (naive->labels[must[i].a] != naive->labels[must[i].b]) {
      naive_merge (naive, naive->labels[must[i].a], naive->labels[must[i].b]);
      CHECK (merges[at].height == 0.0, "must-link %d", at);
      at++;
    }
  left = n - at;
  for (;;) {
    double height;
    int found = avm_agglomerate_cut (tree, INFINITY, left, labels);

    CHECK (found == left && same_partition (labels, naive->labels, n),
        "linkage %d, %d of %d clusters: %d", linkage, left, n, found);
    found = avm_agglomerate_cut (tree, last * (1.0 + 1e-5), 1, labels);
    CHECK (found == left && same_partition (labels, naive->labels, n),
        "linkage %d below %g: %d clusters of %d", linkage, last, found, left);
    height = naive_step (naive, linkage);
    if (!(height < INFINITY))
      break;
    CHECK_NEAR (merges[at].height, height, 0.0, 2e-6, "merge %d", at);
    CHECK (merges[at].height >= last, "order of merge %d", at);
    last = merges[at++].height;
    left--;
  }
  CHECK (at == n_merges, "%d merges of %d", n_merges, at);
  CHECK (avm_agglomerate_cut (tree, INFINITY, 1, labels) == left, "the rest");
  free (labels);
}

static void
check_naive (int n, int n_groups, size_t n_must, size_t n_cannot)
{
  AvmAgglomerate *tree = avm_agglomerate_new (n + 3, NULL);
  size_t area = (size_t)(n * n);
  float *matrix = malloc (area * sizeof (float));
  float *copy = malloc (area * sizeof (float));
  AvmPair *must = malloc ((n_must + n_cannot + 1) * sizeof (AvmPair));
  AvmPair *cannot = must + n_must;
  int *groups = malloc ((size_t)n * sizeof (int));
  Naive naive = {
      n, malloc ((size_t)n * sizeof (int)), copy, calloc (area, sizeof (bool))};

  for (int i = 0; i < n; i++)
    groups[i] = (int)(avm_rng_u32 (&avmcheck_rng) % (unsigned)n_groups);
  n_must = draw_pairs (must, n_must, n, groups, true);
  n_cannot = draw_pairs (cannot, n_cannot, n, groups, false);
  for (size_t i = 0; i < n_cannot; i++)
    naive.apart[cannot[i].a * n + cannot[i].b] =
        naive.apart[cannot[i].b * n + cannot[i].a] = true;
  for (int l = 0; l < 3; l++) {
    fill (matrix, n);
    memcpy (copy, matrix, area * sizeof (float));
    CHECK (avm_agglomerate_run (tree, linkages[l], matrix, n, must, n_must,
               cannot, n_cannot, NULL),
        "%d points", n);
    compare_naive (tree, linkages[l], &naive, must, n_must);
  }
  avm_agglomerate_free (tree);
  free (matrix);
  free (copy);
  free (must);
  free (groups);
  free (naive.labels);
  free (naive.apart);
}

/* Whatever the distances and limits, constraints hold. */
static void
check_constraints (int n)
{
  AvmAgglomerate *tree = avm_agglomerate_new (n, NULL);
  float *matrix = malloc ((size_t)(n * n) * sizeof (float));
  AvmPair must[100], cannot[400];
  int *groups = malloc ((size_t)n * sizeof (int));
  int *labels = malloc ((size_t)n * sizeof (int));
  size_t n_must, n_cannot;
  int found, highest = -1;

  for (int i = 0; i < n; i++)
    groups[i] = (int)(avm_rng_u32 (&avmcheck_rng) % 9);
  n_must = draw_pairs (must, 100, n, groups, true);
  n_cannot = draw_pairs (cannot, 400, n, groups, false);
  for (int l = 0; l < 3; l++)
    for (int trial = 0; trial < 5; trial++) {
      double threshold =
          trial == 0 ? INFINITY : avm_rng_range (&avmcheck_rng, 0.0, 1.0);
      int clusters = trial < 2 ? 1 : trial * 5;

      fill (matrix, n);
      /* ties everywhere */
      for (int i = 0; trial == 4 && i < n * n; i++)
        matrix[i] = ceilf (matrix[i] * 4.0f) / 4.0f;
      avm_agglomerate_run (
          tree, linkages[l], matrix, n, must, n_must, cannot, n_cannot, NULL);
      found = avm_agglomerate_cut (tree, threshold, clusters, labels);
      highest = -1;
      for (size_t i = 0; i < n_must; i++)
        CHECK (labels[must[i].a] == labels[must[i].b], "must %d", (int)i);
      for (size_t i = 0; i < n_cannot; i++)
        CHECK (labels[cannot[i].a] != labels[cannot[i].b], "cannot %d", (int)i);
      for (int i = 0; i < n; i++) {
        CHECK (labels[i] <= highest + 1, "labels go up");
        highest = AVM_MAX (highest, labels[i]);
      }
      CHECK (
          found == highest + 1, "%d clusters, %d labels", found, highest + 1);
    }
  avm_agglomerate_free (tree);
  free (matrix);
  free (groups);
  free (labels);
}

static void
check_errors (void)
{
  const AvmPair chain[] = {{0, 1}, {1, 2}}, ends[] = {{3, 0}, {0, 2}};
  const AvmPair outside[] = {{0, 4}}, itself[] = {{2, 2}};
  float matrix[16];
  AvmAgglomerate *tree = avm_agglomerate_new (4, NULL);
  AvmError error;
  int labels[4], n;

  CHECK (
      avm_agglomerate_new (0, &error) == NULL && error.code == AVM_ERROR_RANGE,
      "no points");
  fill (matrix, 4);
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 4, chain, 2, ends, 2, &error)
          && error.code == AVM_ERROR_CORRUPT && error.offset == 1,
      "contradiction: %s", error.detail);
  avm_agglomerate_get_merges (tree, &n);
  CHECK (n == 0, "nothing after an error");
  fill (matrix, 4);
  matrix[2] = INFINITY; /* 0 and 2 */
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_AVERAGE, matrix, 4, chain, 2, NULL, 0, &error)
          && error.code == AVM_ERROR_CORRUPT && error.offset == -1,
      "contradiction in the matrix: %s", error.detail);
  fill (matrix, 4);
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 4, outside, 1, NULL, 0, &error)
          && error.code == AVM_ERROR_RANGE && error.offset == 0,
      "outside");
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 4, NULL, 0, itself, 1, &error)
          && error.code == AVM_ERROR_RANGE,
      "a point and itself");
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 5, NULL, 0, NULL, 0, &error),
      "too many");
  matrix[7] = NAN;
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 4, NULL, 0, NULL, 0, &error)
          && error.code == AVM_ERROR_RANGE && error.offset == 7,
      "NaN");
  matrix[7] = -1.0f;
  CHECK (!avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 4, NULL, 0, NULL, 0, &error),
      "negative");
  fill (matrix, 4);
  CHECK (avm_agglomerate_run (
             tree, AVM_LINKAGE_SINGLE, matrix, 1, NULL, 0, NULL, 0, &error)
          && avm_agglomerate_cut (tree, INFINITY, 1, labels) == 1
          && labels[0] == 0,
      "one point");
  memset (matrix, 0, sizeof (matrix));
  CHECK (avm_agglomerate_run (
             tree, AVM_LINKAGE_AVERAGE, matrix, 4, NULL, 0, ends, 2, &error)
          && avm_agglomerate_cut (tree, 0.0, 1, labels) == 2,
      "all the same, but for cannot-links");
  avm_agglomerate_free (tree);
  avm_agglomerate_free (NULL);
}

static void
bench (int n)
{
  AvmAgglomerate *tree = avm_agglomerate_new (n, NULL);
  float *matrix = malloc ((size_t)n * (size_t)n * sizeof (float));

  for (int l = 0; l < 3; l++) {
    double best = INFINITY;

    for (int i = 0; i < 2; i++) {
      double start;

      fill (matrix, n);
      start = avmcheck_cpu ();
      avm_agglomerate_run (
          tree, linkages[l], matrix, n, NULL, 0, NULL, 0, NULL);
      best = fmin (best, avmcheck_cpu () - start);
    }
    printf ("bench linkage %d of %d points: %.3f s\n", l, n, best);
  }
  avm_agglomerate_free (tree);
  free (matrix);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_scipy ();
  check_errors ();
  check_naive (1, 1, 0, 0);
  check_naive (2, 2, 1, 1);
  for (int i = 0; i < 6; i++) {
    check_naive (17 + i, 1, 0, 0);
    check_naive (25 + i, 5, 0, 40);
    check_naive (20 + i, 4, 8, 30);
  }
  check_constraints (60);
  check_constraints (211);
  if (avmcheck_bench) {
    bench (1000);
    bench (5000);
  }
  return avmcheck_report ();
}
