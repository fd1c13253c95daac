/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Assignment of rows to columns, each column at most once: the best one, and
 * how sure each pair is.
 *
 * Scores are logarithms of likelihood ratios (nats): score[r][c] says how much
 * better row r is explained by column c than by none. The best assignment is
 * the one of the highest sum, by the Hungarian method as shortest augmenting
 * paths (H. W. Kuhn, "The Hungarian method for the assignment problem", 1955;
 * R. Jonker, A. Volgenant, "A shortest augmenting path algorithm for dense and
 * sparse linear assignment problems", Computing 38, 1987), O(rows^2 columns)
 * with rows + columns columns. Any counts of rows and columns will do.
 */

#ifndef AVM_ASSIGN_H
#define AVM_ASSIGN_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_ASSIGN_NONE (-1)
/* More rows and columns than this make no sense here; memory grows with
 * rows (rows + columns). */
#define AVM_ASSIGN_MAX 1024
/* Marginals are exact for up to this many columns or rows, see there. */
#define AVM_ASSIGN_EXACT 10

typedef struct _AvmAssign AvmAssign;

/* Room for that many rows and columns, 1 .. AVM_ASSIGN_MAX. NULL: out of
 * range or out of memory. */
AvmAssign *avm_assign_new (size_t max_rows, size_t max_columns);
void avm_assign_free (AvmAssign *assign);

/* columns[r] becomes the column of row r or AVM_ASSIGN_NONE, so that the sum
 * of the scores is highest; a row without a column counts `none`. scores:
 * n_rows x n_columns, row by row; a pair whose score is -INFINITY or NaN is
 * never made, +INFINITY counts as very high (1e12). With `none` of -INFINITY as
 * many rows as possible get a column, and among these assignments the highest
 * sum wins. Of assignments that are equally good the choice is the same in
 * every run. Returns the sum over the rows that have a column, plus `none`,
 * when it is finite, for each that has not; 0 when the counts exceed the room,
 * and then no row has a column. */
double avm_assign_solve (AvmAssign *assign, const double *scores, size_t n_rows,
    size_t n_columns, double none, int *columns);

/* Probability of each pair when every assignment is as likely as the
 * exponential of its sum (a finite `none` for each row without a column):
 * shares[r][c], 0..1; what a row's shares lack to 1 is its share of "none".
 *
 * Exact, by summing over all assignments with the columns used so far as the
 * state, when there are at most AVM_ASSIGN_EXACT rows or columns; beyond,
 * by belief propagation, which for matchings of this kind converges (B. Huang,
 * T. Jebara, "Approximating the permanent with belief propagation", 2009).
 * False: counts out of range, `none` not finite, or out of memory. */
bool avm_assign_marginals (AvmAssign *assign, const double *scores,
    size_t n_rows, size_t n_columns, double none, double *shares);

#ifdef __cplusplus
}
#endif
#endif /* AVM_ASSIGN_H */
