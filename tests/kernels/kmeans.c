/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * k-means on cases with a closed answer, and against all partitions of a few
 * points.
 */

#include "avmcheck.h"
#include "learn/avm-kmeans.h"

static void
check_closed (void)
{
  static const float line[] = {0, 10, 0, 11, 1, 12};
  static const float same[] = {3, 3, 3, 3};
  AvmKmeans *two = avm_kmeans_new (6, 1, 2, NULL);
  AvmKmeans *one = avm_kmeans_new (6, 1, 1, NULL);
  AvmKmeans *all = avm_kmeans_new (6, 1, 6, NULL);
  const float *centres;
  int labels[6];

  CHECK_NEAR (avm_kmeans_run (two, line, 6, 7, 4, 20, labels), 2.0 / 3.0 + 2.0,
      1e-5, 0.0, "two groups on a line");
  CHECK (labels[0] == labels[2] && labels[0] == labels[4]
          && labels[1] == labels[3] && labels[1] == labels[5]
          && labels[0] != labels[1],
      "labels");
  centres = avm_kmeans_get_centres (two);
  CHECK_NEAR (centres[labels[0]], 1.0 / 3.0, 1e-6, 0.0, "lower centre");
  CHECK_NEAR (centres[labels[1]], 11.0, 1e-6, 0.0, "upper centre");

  CHECK_NEAR (avm_kmeans_run (one, line, 6, 1, 1, 5, labels),
      366.0 - 34.0 * 34.0 / 6.0, 1e-3, 0.0, "one group: the variance");
  CHECK_NEAR (avm_kmeans_get_centres (one)[0], 34.0 / 6.0, 1e-5, 0.0, "mean");
  CHECK (avm_kmeans_run (all, line, 6, 1, 1, 50, labels) < 1e-9,
      "as many groups as points");
  CHECK (avm_kmeans_run (two, same, 4, 3, 2, 9, labels) == 0.0,
      "all points the same");
  for (int i = 0; i < 4; i++)
    CHECK (labels[i] == labels[0], "the same point, the same group");
  CHECK (avm_kmeans_run (two, line, 1, 1, 1, 1, labels) < 0.0, "too few");
  CHECK (avm_kmeans_run (two, line, 7, 1, 1, 1, labels) < 0.0, "too many");
  avm_kmeans_free (two);
  avm_kmeans_free (one);
  avm_kmeans_free (all);
}

static double
cost_of (const float *points, int n, int dim, unsigned subset)
{
  double cost = 0.0;

  for (unsigned side = 0; side < 2; side++)
    for (int j = 0; j < dim; j++) {
      double sum = 0.0, squares = 0.0;
      int count = 0;

      for (int i = 0; i < n; i++)
        if ((subset >> i & 1) == side) {
          sum += points[i * dim + j];
          squares += (double)points[i * dim + j] * points[i * dim + j];
          count++;
        }
      if (count > 0)
        cost += squares - sum * sum / count;
    }
  return cost;
}

static int
nearest (const float *centres, const float *point, int dim)
{
  double d[2] = {0.0, 0.0};

  for (int c = 0; c < 2; c++)
    for (int j = 0; j < dim; j++)
      d[c] += pow (centres[c * dim + j] - point[j], 2.0);
  return d[1] < d[0];
}

/* With many starts two clusters of ten points are near the best of all 512
 * ways to part them, and every point is with its nearest centre. */
static void
check_best (void)
{
  enum {
    N = 10
  };
  int dim = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 19);
  AvmKmeans *kmeans = avm_kmeans_new (N, dim, 2, NULL);
  float *points = avm_alloc ((size_t)(N * dim), sizeof (float));
  double best = INFINITY, found;
  int labels[N], again[N];
  unsigned subset = 0;

  for (int i = 0; i < N * dim; i++)
    points[i] = (float)avm_rng_normal (&avmcheck_rng);
  for (unsigned s = 0; s < 1u << (N - 1); s++)
    best = fmin (best, cost_of (points, N, dim, s));
  found = avm_kmeans_run (kmeans, points, N, 5, 200, 100, labels);
  /* starts are pairs of points, and not every optimum grows from one */
  CHECK (found >= best - 1e-4 && found <= 1.1 * best,
      "%d dimensions: %g against %g", dim, found, best);
  for (int i = 0; i < N; i++)
    subset |= (unsigned)labels[i] << i;
  CHECK_NEAR (cost_of (points, N, dim, subset), found, 1e-4, 1e-4, "labels");
  for (int i = 0; i < N; i++)
    CHECK (nearest (avm_kmeans_get_centres (kmeans), points + i * dim, dim)
            == labels[i],
        "point %d", i);
  avm_kmeans_run (kmeans, points, N, 5, 200, 100, again);
  CHECK (memcmp (labels, again, sizeof (labels)) == 0, "not repeatable");
  avm_kmeans_free (kmeans);
  avm_free (points);
}

/* Groups that are far apart are found from any seed. */
static void
check_groups (void)
{
  enum {
    N = 200,
    DIM = 5,
    K = 4
  };
  AvmKmeans *kmeans = avm_kmeans_new (N, DIM, K, NULL);
  float points[N * DIM];
  int labels[N];

  for (int i = 0; i < N; i++)
    for (int j = 0; j < DIM; j++)
      points[i * DIM + j] =
          (float)((i % K == j) * 50.0 + avm_rng_normal (&avmcheck_rng));
  for (uint64_t seed = 0; seed < 10; seed++) {
    bool pure = true;

    avm_kmeans_run (kmeans, points, N, seed, 4, 50, labels);
    for (int i = K; i < N; i++)
      pure &= labels[i] == labels[i % K];
    for (int i = 1; i < K; i++)
      for (int j = 0; j < i; j++)
        pure &= labels[i] != labels[j];
    CHECK (pure, "seed %d", (int)seed);
  }
  avm_kmeans_free (kmeans);
}

int
main (int argc, char **argv)
{
  AvmError error;

  avmcheck_init (argc, argv);
  check_closed ();
  for (int i = 0; i < 10; i++)
    check_best ();
  check_groups ();
  CHECK (
      avm_kmeans_new (3, 1, 4, &error) == NULL && error.code == AVM_ERROR_RANGE,
      "more clusters than points");
  CHECK (avm_kmeans_new (3, 0, 1, NULL) == NULL, "no dimension");
  avm_kmeans_free (NULL);
  return avmcheck_report ();
}
