/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-assign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HIGHEST 1e12
#define BELIEF_ROUNDS 500
#define BELIEF_DONE 1e-10

struct _AvmAssign {
  size_t max_rows, max_columns;
  /* Columns are the real ones and one "none" for each row; index 0 of the
   * arrays below is the root of the search. */
  double *cost; /* max_rows x (max_columns + max_rows) */
  double *row_price, *column_price, *distance;
  size_t *row_of, *before;
  bool *done;
};

void
avm_assign_free (AvmAssign *assign)
{
  if (assign == NULL)
    return;
  avm_free (assign->cost);
  avm_free (assign->row_price);
  avm_free (assign->column_price);
  avm_free (assign->distance);
  avm_free (assign->row_of);
  avm_free (assign->before);
  avm_free (assign->done);
  free (assign);
}

AvmAssign *
avm_assign_new (size_t max_rows, size_t max_columns)
{
  AvmAssign *assign;
  size_t all = max_rows + max_columns + 1;

  if (max_rows < 1 || max_rows > AVM_ASSIGN_MAX || max_columns < 1
      || max_columns > AVM_ASSIGN_MAX)
    return NULL;
  assign = calloc (1, sizeof (*assign));
  if (assign == NULL)
    return NULL;
  assign->max_rows = max_rows;
  assign->max_columns = max_columns;
  assign->cost = avm_alloc (max_rows * (all - 1), sizeof (double));
  assign->row_price = avm_alloc (max_rows + 1, sizeof (double));
  assign->column_price = avm_alloc (all, sizeof (double));
  assign->distance = avm_alloc (all, sizeof (double));
  assign->row_of = avm_alloc (all, sizeof (size_t));
  assign->before = avm_alloc (all, sizeof (size_t));
  assign->done = avm_alloc (all, sizeof (bool));
  if (assign->cost == NULL || assign->row_price == NULL
      || assign->column_price == NULL || assign->distance == NULL
      || assign->row_of == NULL || assign->before == NULL
      || assign->done == NULL) {
    avm_assign_free (assign);
    return NULL;
  }
  return assign;
}

/* -- the best assignment -------------------------------------------------- */

/* -INFINITY: never */
static double
sane_score (double score)
{
  if (isnan (score))
    return -INFINITY;
  return AVM_MIN (score, HIGHEST);
}

/* Worse than any sum of pairs can make good */
static double
prohibitive_none (const double *scores, size_t n_rows, size_t n_columns)
{
  double lowest = 0.0, highest = 0.0;

  for (size_t i = 0; i < n_rows * n_columns; i++) {
    double score = sane_score (scores[i]);

    if (isinf (score))
      continue;
    lowest = AVM_MIN (lowest, score);
    highest = AVM_MAX (highest, score);
  }
  return lowest - (highest - lowest + 1.0) * (double)(n_rows + 1);
}

static void
fill_costs (AvmAssign *assign, const double *scores, size_t n_rows,
    size_t n_columns, double none)
{
  size_t all = n_columns + n_rows;

  for (size_t r = 0; r < n_rows; r++) {
    double *cost = assign->cost + r * all;

    for (size_t c = 0; c < n_columns; c++)
      cost[c] = -sane_score (scores[r * n_columns + c]);
    for (size_t c = 0; c < n_rows; c++)
      cost[n_columns + c] = c == r ? -none : INFINITY;
  }
}

/* One step of the search: the nearest column that is not done */
static size_t
advance (AvmAssign *assign, size_t all, size_t at)
{
  size_t row = assign->row_of[at], nearest = 0;
  const double *cost = assign->cost + (row - 1) * all;
  double delta = INFINITY;

  for (size_t c = 1; c <= all; c++) {
    double reduced;

    if (assign->done[c])
      continue;
    reduced = cost[c - 1] - assign->row_price[row] - assign->column_price[c];
    if (reduced < assign->distance[c]) {
      assign->distance[c] = reduced;
      assign->before[c] = at;
    }
    if (assign->distance[c] < delta) {
      delta = assign->distance[c];
      nearest = c;
    }
  }
  if (nearest == 0)
    return 0;
  for (size_t c = 0; c <= all; c++) {
    if (assign->done[c]) {
      assign->row_price[assign->row_of[c]] += delta;
      assign->column_price[c] -= delta;
    } else {
      assign->distance[c] -= delta;
    }
  }
  return nearest;
}

/* Gives one more row a column; others may move on along the way. A row's own
 * "none" is always free, so the search ends. */
static void
augment (AvmAssign *assign, size_t all, size_t row)
{
  size_t at = 0;

  assign->row_of[0] = row;
  for (size_t c = 0; c <= all; c++) {
    assign->distance[c] = INFINITY;
    assign->done[c] = false;
  }
  do {
    assign->done[at] = true;
    at = advance (assign, all, at);
  } while (at != 0 && assign->row_of[at] != 0);
  while (at != 0) {
    size_t before = assign->before[at];

    assign->row_of[at] = assign->row_of[before];
    at = before;
  }
}

double
avm_assign_solve (AvmAssign *assign, const double *scores, size_t n_rows,
    size_t n_columns, double none, int *columns)
{
  size_t all = n_columns + n_rows;
  bool optional = isfinite (none);
  double total = 0.0;

  for (size_t r = 0; r < n_rows; r++)
    columns[r] = AVM_ASSIGN_NONE;
  if (n_rows > assign->max_rows || n_columns > assign->max_columns)
    return 0.0;
  fill_costs (assign, scores, n_rows, n_columns,
      optional ? none : prohibitive_none (scores, n_rows, n_columns));
  memset (assign->row_price, 0, (n_rows + 1) * sizeof (double));
  memset (assign->column_price, 0, (all + 1) * sizeof (double));
  memset (assign->row_of, 0, (all + 1) * sizeof (size_t));
  for (size_t r = 1; r <= n_rows; r++)
    augment (assign, all, r);
  for (size_t c = 1; c <= n_columns; c++)
    if (assign->row_of[c] != 0)
      columns[assign->row_of[c] - 1] = (int)(c - 1);
  for (size_t r = 0; r < n_rows; r++) {
    if (columns[r] != AVM_ASSIGN_NONE)
      total += sane_score (scores[r * n_columns + (size_t)columns[r]]);
    else if (optional)
      total += none;
  }
  return total;
}

/* -- marginals ------------------------------------------------------------ */

static double
add_logs (double a, double b)
{
  double high = AVM_MAX (a, b), low = AVM_MIN (a, b);

  return low == -INFINITY ? high : high + log1p (exp (low - high));
}

/* tables: (n_rows + 1) x 2^n_columns; ahead[r][used]: log of the sum over all
 * assignments of the rows before r that use exactly these columns. */
static void
sum_ahead (double *ahead, const double *w, size_t n_rows, size_t n_columns)
{
  size_t n = (size_t)1 << n_columns;

  for (size_t i = 0; i < (n_rows + 1) * n; i++)
    ahead[i] = -INFINITY;
  ahead[0] = 0.0;
  for (size_t r = 0; r < n_rows; r++) {
    const double *from = ahead + r * n;
    double *to = ahead + (r + 1) * n;

    for (size_t used = 0; used < n; used++) {
      if (from[used] == -INFINITY)
        continue;
      to[used] = add_logs (to[used], from[used]);
      for (size_t c = 0; c < n_columns; c++) {
        size_t with = used | (size_t)1 << c;

        if (with != used)
          to[with] = add_logs (to[with], from[used] + w[r * n_columns + c]);
      }
    }
  }
}

/* behind[r][used]: of the rows from r on, when these columns are taken */
static void
sum_behind (double *behind, const double *w, size_t n_rows, size_t n_columns)
{
  size_t n = (size_t)1 << n_columns;

  for (size_t used = 0; used < n; used++)
    behind[n_rows * n + used] = 0.0;
  for (size_t r = n_rows; r-- > 0;) {
    const double *from = behind + (r + 1) * n;
    double *to = behind + r * n;

    for (size_t used = 0; used < n; used++) {
      to[used] = from[used];
      for (size_t c = 0; c < n_columns; c++) {
        size_t with = used | (size_t)1 << c;

        if (with != used)
          to[used] = add_logs (to[used], from[with] + w[r * n_columns + c]);
      }
    }
  }
}

/* w: log weights against "none" */
static bool
exact_marginals (
    const double *w, size_t n_rows, size_t n_columns, double *shares)
{
  size_t n = (size_t)1 << n_columns;
  double *ahead = avm_alloc ((n_rows + 1) * n, sizeof (double));
  double *behind = avm_alloc ((n_rows + 1) * n, sizeof (double));
  bool ok = ahead != NULL && behind != NULL;

  if (ok) {
    double total;

    sum_ahead (ahead, w, n_rows, n_columns);
    sum_behind (behind, w, n_rows, n_columns);
    total = behind[0];
    for (size_t i = 0; i < n_rows * n_columns; i++) {
      size_t r = i / n_columns, bit = (size_t)1 << (i % n_columns);
      double sum = 0.0;

      for (size_t used = 0; used < n; used++)
        if (!(used & bit))
          sum += exp (ahead[r * n + used] + w[i]
              + behind[(r + 1) * n + (used | bit)] - total);
      shares[i] = AVM_MIN (sum, 1.0);
    }
  }
  avm_free (ahead);
  avm_free (behind);
  return ok;
}

/* Log of the sum of 1 and the others of a line but one */
static double
line_sum (const double *first, size_t step, size_t n, size_t but)
{
  double sum = 0.0;

  for (size_t i = 0; i < n; i++)
    if (i != but)
      sum = add_logs (sum, first[i * step]);
  return sum;
}

/* Messages of each pair, in logs: from its row, what the pair is worth against
 * all else the row could do; from its column, the share that is left. */
static bool
belief_marginals (
    const double *w, size_t n_rows, size_t n_columns, double *shares)
{
  size_t n = n_rows * n_columns;
  double *row = avm_alloc (n, sizeof (double));
  double *column = avm_alloc (n, sizeof (double));
  double *worth = avm_alloc (n, sizeof (double));
  double change = INFINITY;
  bool ok = row != NULL && column != NULL && worth != NULL;

  for (int round = 0; ok && round < BELIEF_ROUNDS && change > BELIEF_DONE;
       round++) {
    change = 0.0;
    for (size_t i = 0; i < n; i++)
      worth[i] = w[i] + column[i];
    for (size_t i = 0; i < n; i++)
      row[i] = w[i]
          - line_sum (
              worth + i / n_columns * n_columns, 1, n_columns, i % n_columns);
    for (size_t i = 0; i < n; i++) {
      double left =
          -line_sum (row + i % n_columns, n_columns, n_rows, i / n_columns);

      change = AVM_MAX (change, fabs (left - column[i]));
      column[i] = left;
    }
  }
  for (size_t i = 0; ok && i < n; i++) {
    double log_odds = row[i] + column[i];

    shares[i] = 1.0 / (1.0 + exp (-log_odds));
  }
  avm_free (row);
  avm_free (column);
  avm_free (worth);
  return ok;
}

static void
transpose (const double *from, size_t n_rows, size_t n_columns, double *to)
{
  for (size_t r = 0; r < n_rows; r++)
    for (size_t c = 0; c < n_columns; c++)
      to[c * n_rows + r] = from[r * n_columns + c];
}

bool
avm_assign_marginals (AvmAssign *assign, const double *scores, size_t n_rows,
    size_t n_columns, double none, double *shares)
{
  size_t n = n_rows * n_columns;
  double *w, *turned;
  bool ok;

  if (n_rows > assign->max_rows || n_columns > assign->max_columns
      || !isfinite (none))
    return false;
  w = avm_alloc (2 * n + 1, sizeof (double));
  if (w == NULL)
    return false;
  turned = w + n;
  for (size_t i = 0; i < n; i++)
    w[i] = sane_score (scores[i]) - none;
  if (n_columns <= AVM_ASSIGN_EXACT) {
    ok = exact_marginals (w, n_rows, n_columns, shares);
  } else if (n_rows <= AVM_ASSIGN_EXACT) {
    /* pairs weigh the same seen from the other side */
    transpose (w, n_rows, n_columns, turned);
    ok = exact_marginals (turned, n_columns, n_rows, w);
    transpose (w, n_columns, n_rows, shares);
  } else {
    ok = belief_marginals (w, n_rows, n_columns, shares);
  }
  avm_free (w);
  return ok;
}
