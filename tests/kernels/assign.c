/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Assignments and their marginals against the sum over all of them.
 */

#include "avmcheck.h"
#include "learn/avm-assign.h"

#define MOST 6

/* All assignments of a small table, one by one */
typedef struct {
  const double *scores;
  size_t n_rows, n_columns;
  double none;
  int columns[MOST];
  int best[MOST];
  int best_count;
  double best_sum, weight, shares[MOST * MOST];
} Walk;

static void
walk_end (Walk *walk, int count, double sum)
{
  double weight = exp (sum);
  bool better = isfinite (walk->none) ? sum > walk->best_sum
                                      : count > walk->best_count
          || (count == walk->best_count && sum > walk->best_sum);

  if (better) {
    walk->best_sum = sum;
    walk->best_count = count;
    memcpy (walk->best, walk->columns, sizeof (walk->best));
  }
  walk->weight += weight;
  for (size_t r = 0; r < walk->n_rows; r++)
    if (walk->columns[r] >= 0)
      walk->shares[r * walk->n_columns + (size_t)walk->columns[r]] += weight;
}

static void
walk_row (Walk *walk, size_t row, unsigned used, int count, double sum)
{
  if (row == walk->n_rows) {
    walk_end (walk, count, sum);
    return;
  }
  walk->columns[row] = -1;
  walk_row (walk, row + 1, used, count,
      sum + (isfinite (walk->none) ? walk->none : 0.0));
  for (size_t c = 0; c < walk->n_columns; c++) {
    double score = walk->scores[row * walk->n_columns + c];

    if (used >> c & 1 || isnan (score) || score == -INFINITY)
      continue;
    walk->columns[row] = (int)c;
    walk_row (walk, row + 1, used | 1u << c, count + 1, sum + score);
    walk->columns[row] = -1;
  }
}

static void
walk_all (Walk *walk, const double *scores, size_t n_rows, size_t n_columns,
    double none)
{
  memset (walk, 0, sizeof (*walk));
  walk->scores = scores;
  walk->n_rows = n_rows;
  walk->n_columns = n_columns;
  walk->none = none;
  walk->best_sum = -INFINITY;
  walk->best_count = -1;
  walk_row (walk, 0, 0, 0, 0.0);
}

static void
check_valid (
    const int *columns, size_t n_rows, size_t n_columns, const double *scores)
{
  unsigned used = 0;

  for (size_t r = 0; r < n_rows; r++) {
    if (columns[r] == AVM_ASSIGN_NONE)
      continue;
    CHECK (columns[r] >= 0 && columns[r] < (int)n_columns, "a real column");
    CHECK (!(used >> columns[r] & 1), "column %d once only", columns[r]);
    used |= 1u << columns[r];
    CHECK (scores[r * n_columns + (size_t)columns[r]] > -INFINITY,
        "never a forbidden pair");
  }
}

static void
check_table (const double *scores, size_t n_rows, size_t n_columns, double none)
{
  AvmAssign *assign = avm_assign_new (n_rows, n_columns);
  int columns[MOST] = {0}, count = 0;
  double total, shares[MOST * MOST];
  Walk walk;

  walk_all (&walk, scores, n_rows, n_columns, none);
  total = avm_assign_solve (assign, scores, n_rows, n_columns, none, columns);
  check_valid (columns, n_rows, n_columns, scores);
  for (size_t r = 0; r < n_rows; r++)
    count += columns[r] != AVM_ASSIGN_NONE;
  CHECK_NEAR (total, walk.best_sum, 1e-9, 1e-9, "%zu x %zu, none %g", n_rows,
      n_columns, none);
  if (!isfinite (none)) {
    CHECK (count == walk.best_count, "%d pairs of %d", count, walk.best_count);
    CHECK (
        !avm_assign_marginals (assign, scores, n_rows, n_columns, none, shares),
        "no marginals without a finite none");
  } else {
    CHECK (
        avm_assign_marginals (assign, scores, n_rows, n_columns, none, shares),
        "marginals");
    for (size_t i = 0; i < n_rows * n_columns; i++)
      CHECK_NEAR (shares[i], walk.shares[i] / walk.weight, 1e-9, 1e-9,
          "share %zu of %zu x %zu", i, n_rows, n_columns);
  }
  avm_assign_free (assign);
}

static void
check_random (void)
{
  for (int round = 0; round < 300; round++) {
    size_t n_rows = 1 + avm_rng_u32 (&avmcheck_rng) % MOST;
    size_t n_columns = 1 + avm_rng_u32 (&avmcheck_rng) % MOST;
    double scores[MOST * MOST];
    double none =
        round % 3 == 0 ? -INFINITY : avm_rng_range (&avmcheck_rng, -3.0, 3.0);

    for (size_t i = 0; i < n_rows * n_columns; i++) {
      double u = avm_rng_uniform (&avmcheck_rng);

      scores[i] = avm_rng_range (&avmcheck_rng, -5.0, 5.0);
      if (round % 4 == 1) /* many ties */
        scores[i] = floor (scores[i] / 3.0);
      if (round % 5 >= 3 && u < 0.4)
        scores[i] = u < 0.2 ? -INFINITY : NAN;
    }
    check_table (scores, n_rows, n_columns, none);
  }
}

static void
check_closed (void)
{
  static const double greedy[] = {10, 9, 9, 1};
  static const double equal[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  static const double sure[] = {INFINITY, 0, 0, -1};
  static const double never[] = {-INFINITY, NAN};
  AvmAssign *assign = avm_assign_new (3, 3);
  int a[4] = {0}, b[4] = {0};
  double shares[9];

  CHECK_NEAR (avm_assign_solve (assign, greedy, 2, 2, -INFINITY, a), 18.0, 0.0,
      0.0, "the greedy choice is not the best");
  CHECK (a[0] == 1 && a[1] == 0, "crossed");
  avm_assign_solve (assign, equal, 3, 3, -INFINITY, a);
  avm_assign_solve (assign, equal, 3, 3, -INFINITY, b);
  CHECK (memcmp (a, b, 3 * sizeof (int)) == 0, "ties are settled the same way");
  CHECK (a[0] != a[1] && a[1] != a[2] && a[0] != a[2], "all have one");
  avm_assign_solve (assign, sure, 2, 2, 0.0, a);
  CHECK (a[0] == 0, "an infinite score wins");
  CHECK (avm_assign_marginals (assign, sure, 2, 2, 0.0, shares)
          && shares[0] > 0.999999,
      "and is sure");
  CHECK (avm_assign_solve (assign, never, 1, 2, -INFINITY, a) == 0.0
          && a[0] == AVM_ASSIGN_NONE,
      "nothing to choose");
  CHECK (avm_assign_solve (assign, equal, 0, 3, 0.0, a) == 0.0, "no rows");
  CHECK_NEAR (avm_assign_solve (assign, equal, 2, 0, -0.5, a), -1.0, 0.0, 0.0,
      "no columns");
  CHECK (a[0] == AVM_ASSIGN_NONE && a[1] == AVM_ASSIGN_NONE, "none");
  a[0] = 7;
  CHECK (avm_assign_solve (assign, equal, 4, 2, 0.0, b) == 0.0
          && b[3] == AVM_ASSIGN_NONE,
      "more rows than there is room for");
  avm_assign_free (assign);
  CHECK (avm_assign_new (0, 3) == NULL, "no rows");
  CHECK (avm_assign_new (3, AVM_ASSIGN_MAX + 1) == NULL, "too many");
  avm_assign_free (NULL);
}

/* Scores as of an hour of evidence must not leave the range of doubles. */
static void
check_extreme (void)
{
  AvmAssign *assign = avm_assign_new (4, 4);
  double scores[16], shares[16];
  int columns[4];

  for (int i = 0; i < 16; i++)
    scores[i] = i % 5 == 0 ? 20000.0 : -20000.0;
  avm_assign_solve (assign, scores, 4, 4, 0.0, columns);
  CHECK (avm_assign_marginals (assign, scores, 4, 4, 0.0, shares), "marginals");
  for (int r = 0; r < 4; r++) {
    CHECK (columns[r] == r, "row %d", r);
    for (int c = 0; c < 4; c++)
      CHECK_NEAR (shares[4 * r + c], r == c, 1e-12, 0.0, "share");
  }
  avm_assign_free (assign);
}

/* Belief propagation, as used for large tables, against the exact sum of the
 * same problem: blocks of a large one that have nothing to do with each
 * other, each small enough to be summed. */
static void
check_large (void)
{
  enum {
    BLOCKS = 6,
    SIZE = 3,
    N = BLOCKS * SIZE
  };
  AvmAssign *assign = avm_assign_new (N, N);
  double scores[N * N], shares[N * N], worst = 0.0;
  int columns[N];

  for (int i = 0; i < N * N; i++)
    scores[i] = -INFINITY;
  for (int b = 0; b < BLOCKS; b++)
    for (int i = 0; i < SIZE * SIZE; i++)
      scores[(b * SIZE + i / SIZE) * N + b * SIZE + i % SIZE] =
          avm_rng_range (&avmcheck_rng, -4.0, 4.0)
          + (i / SIZE == i % SIZE ? 4.0 : 0.0);
  CHECK (avm_assign_marginals (assign, scores, N, N, 0.0, shares), "marginals");
  avm_assign_solve (assign, scores, N, N, 0.0, columns);
  for (int b = 0; b < BLOCKS; b++) {
    double block[SIZE * SIZE];
    Walk walk;

    for (int i = 0; i < SIZE * SIZE; i++)
      block[i] = scores[(b * SIZE + i / SIZE) * N + b * SIZE + i % SIZE];
    walk_all (&walk, block, SIZE, SIZE, 0.0);
    for (int i = 0; i < SIZE * SIZE; i++) {
      double got = shares[(b * SIZE + i / SIZE) * N + b * SIZE + i % SIZE];

      worst = fmax (worst, fabs (got - walk.shares[i] / walk.weight));
    }
    for (int r = 0; r < SIZE; r++) {
      int column = columns[b * SIZE + r];

      CHECK (column == (walk.best[r] < 0 ? -1 : b * SIZE + walk.best[r]),
          "block %d row %d", b, r);
    }
  }
  CHECK (worst < 0.15, "belief propagation is off by %.3f", worst);
  for (int r = 0; r < N; r++) {
    double sum = 0.0;

    for (int c = 0; c < N; c++)
      sum += shares[r * N + c];
    CHECK (sum < 1.0 + 1e-6, "shares of row %d: %.9f", r, sum);
  }
  avm_assign_free (assign);
}

/* A large table: the sum must not fall when pairs are swapped. */
static void
check_swaps (void)
{
  enum {
    N = 60
  };
  AvmAssign *assign = avm_assign_new (N, N);
  double *scores = malloc (N * N * sizeof (double));
  int columns[N];
  double gain = -INFINITY;

  for (int i = 0; i < N * N; i++)
    scores[i] = avm_rng_range (&avmcheck_rng, -1.0, 1.0);
  avm_assign_solve (assign, scores, N, N, -INFINITY, columns);
  for (int a = 0; a < N; a++)
    for (int b = 0; b < a; b++)
      gain = fmax (gain,
          scores[a * N + columns[b]] + scores[b * N + columns[a]]
              - scores[a * N + columns[a]] - scores[b * N + columns[b]]);
  CHECK (gain <= 1e-12, "a swap gains %g", gain);
  free (scores);
  avm_assign_free (assign);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_closed ();
  check_random ();
  check_extreme ();
  check_large ();
  check_swaps ();
  return avmcheck_report ();
}
