/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-dtw.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LANES 16
#define PAD 64 /* columns before the first and after the last */
#define FAR 1e30f
#define SETTLE 16 /* strips between subtractions of the minimum */

enum {
  STEP_BOTH = 0,
  STEP_ROW = 1,
  STEP_COLUMN = 2
};

/* What work_strip is given: u, dim values for each lane; columns, the first
 * column's values in planes of which the columns before come after; row_above,
 * accumulated costs at the first column, in for the row above and out for the
 * strip's last. advance 0 lets the steps be overwritten where nobody will ask
 * for them. */
typedef struct {
  size_t dim, plane, n_blocks, advance;
  float both, row, column;
  float u[AVM_DTW_MAX_DIM * MAX_LANES], offset[MAX_LANES];
  const float *columns;
  float *row_above;
  int32_t *steps;
} Strip;

#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12                 \
    && !defined(__clang__) && !defined(AVM_NO_CLONES)
#define HAVE_LEVELS 1

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define LANES 16
#define NAME(x) x##_16
#include "dsp/avm-dtw-strip.inc.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define LANES 8
#define NAME(x) x##_8
#include "dsp/avm-dtw-strip.inc.h"
#pragma GCC pop_options
#else
#define HAVE_LEVELS 0
#endif

#define LANES 4
#define NAME(x) x##_4
#include "dsp/avm-dtw-strip.inc.h"

typedef struct {
  const AvmDtwSide *rows;
  const AvmDtwConfig *config;
  size_t n, m, dim;
  size_t lanes, n_strips;
  void (*work_strip) (const Strip *strip);

  /* columns backwards, so that the lanes' columns are one load: dim planes and
   * the offset, plane values each, column j at plane - PAD - 1 - j */
  float *planes;
  size_t plane;

  float *row, *row_memory; /* accumulated cost of the last row, padded */
  uint32_t *lo, *hi;       /* columns of each strip */

  int32_t *steps;     /* of the strips of one group */
  size_t *steps_at;   /* where each strip's begin */
  size_t group;       /* strips per group */
  float *checkpoints; /* rows between groups */
} Dtw;

static void
choose_level (Dtw *dtw)
{
  size_t most = dtw->config->lanes != 0 ? dtw->config->lanes : MAX_LANES;

  dtw->lanes = 4;
  dtw->work_strip = work_strip_4;
#if HAVE_LEVELS
  if (most >= 16 && __builtin_cpu_supports ("x86-64-v4")) {
    dtw->lanes = 16;
    dtw->work_strip = work_strip_16;
  } else if (most >= 8 && __builtin_cpu_supports ("x86-64-v3")) {
    dtw->lanes = 8;
    dtw->work_strip = work_strip_8;
  }
#endif
  (void)most;
  dtw->n_strips = (dtw->n + dtw->lanes - 1) / dtw->lanes;
}

/* Steps of a block are 16 to a word, a word to each lane. */
static size_t
blocks_of (const Dtw *dtw, size_t lo, size_t hi)
{
  return (hi - lo + dtw->lanes + 15) / 16;
}

static void
load_strip (const Dtw *dtw, size_t index, Strip *strip)
{
  for (size_t r = 0; r < dtw->lanes; r++) {
    size_t i = index * dtw->lanes + r;
    bool inside = i < dtw->n;

    strip->offset[r] = inside ? dtw->rows->offset[i] : 0.0f;
    for (size_t d = 0; d < dtw->dim; d++)
      strip->u[d * dtw->lanes + r] =
          inside ? dtw->rows->features[i * dtw->dim + d] : 0.0f;
  }
}

/* Costs grow with the path; what counts is the difference to the best. */
static void
settle (Dtw *dtw, size_t lo, size_t hi)
{
  float least = FAR;

  for (size_t j = lo; j <= hi; j++)
    least = AVM_MIN (least, dtw->row[j]);
  for (size_t j = lo; j <= hi; j++)
    dtw->row[j] = AVM_MIN (dtw->row[j] - least, FAR);
}

static void
run_strip (Dtw *dtw, size_t index, size_t last, int32_t *steps, size_t advance)
{
  size_t lo = dtw->lo[index], hi = AVM_MIN (dtw->hi[index], last);
  Strip strip = {.dim = dtw->dim,
      .plane = dtw->plane,
      .n_blocks = blocks_of (dtw, lo, hi),
      .advance = advance,
      .both = dtw->config->both,
      .row = dtw->config->row,
      .column = dtw->config->column,
      .columns = dtw->planes + dtw->plane - PAD - 1 - lo,
      .row_above = dtw->row + lo,
      .steps = steps};

  if (index > 0 && index % SETTLE == 0)
    settle (dtw, dtw->lo[index - 1], AVM_MIN (dtw->hi[index - 1], last));
  load_strip (dtw, index, &strip);
  dtw->work_strip (&strip);
  /* columns that this strip has not reached */
  for (size_t j = hi + 1; j < hi + 1 + 2 * MAX_LANES; j++)
    dtw->row[j] = FAR;
}

/* -- setting up ----------------------------------------------------------- */

static bool
check_band (const Dtw *dtw, AvmError *error)
{
  const uint32_t *lo = dtw->config->lo, *hi = dtw->config->hi;

  if (lo == NULL || hi == NULL)
    return true;
  for (size_t i = 0; i < dtw->n; i++) {
    bool good = lo[i] <= hi[i] && hi[i] < dtw->m
        && (i == 0 ? lo[i] == 0
                   : lo[i] >= lo[i - 1] && hi[i] >= hi[i - 1]
                    && lo[i] <= hi[i - 1])
        && (i + 1 < dtw->n || hi[i] == dtw->m - 1);

    if (!good)
      return avm_error_set (
          error, AVM_ERROR_RANGE, (int64_t)i, "band of row %zu", i);
  }
  return true;
}

static bool
check_sides (const AvmDtwSide *rows, const AvmDtwSide *columns,
    const AvmDtwConfig *config, AvmError *error)
{
  const size_t most = (size_t)1 << 28;

  if (rows->n == 0 || columns->n == 0 || rows->n > most || columns->n > most
      || rows->dim != columns->dim || rows->dim == 0
      || rows->dim > AVM_DTW_MAX_DIM || !(config->both > 0.0f)
      || !(config->row > 0.0f) || !(config->column > 0.0f))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%zu rows of %zu against %zu columns of %zu", rows->n, rows->dim,
        columns->n, columns->dim);
  return true;
}

static void
set_ranges (Dtw *dtw)
{
  const AvmDtwConfig *config = dtw->config;

  for (size_t strip = 0; strip < dtw->n_strips; strip++) {
    size_t first = strip * dtw->lanes;
    size_t last = AVM_MIN (first + dtw->lanes, dtw->n) - 1;
    bool band = config->lo != NULL && config->hi != NULL;

    dtw->lo[strip] = band ? config->lo[first] : 0;
    dtw->hi[strip] = band ? config->hi[last] : (uint32_t)dtw->m - 1;
  }
}

static void
turn_columns (Dtw *dtw, const AvmDtwSide *columns)
{
  float *offset = dtw->planes + dtw->dim * dtw->plane;

  for (size_t j = 0; j < dtw->m; j++) {
    size_t at = dtw->plane - PAD - 1 - j;

    for (size_t d = 0; d < dtw->dim; d++)
      dtw->planes[d * dtw->plane + at] = columns->features[j * dtw->dim + d];
    offset[at] = columns->offset[j];
  }
}

static size_t
group_blocks (const Dtw *dtw, size_t first, size_t n)
{
  size_t blocks = 0;

  for (size_t i = first; i < AVM_MIN (first + n, dtw->n_strips); i++)
    blocks += blocks_of (dtw, dtw->lo[i], dtw->hi[i]);
  return blocks;
}

static size_t
largest_group (const Dtw *dtw, size_t group)
{
  size_t most = 0;

  for (size_t i = 0; i < dtw->n_strips; i += group)
    most = AVM_MAX (most, group_blocks (dtw, i, group));
  return most;
}

/* All strips in one group if the limit allows, else half as many until the
 * steps of a group and the rows between groups fit it, or grow again. */
static size_t
choose_group (const Dtw *dtw, size_t *blocks)
{
  size_t best = dtw->n_strips, least = SIZE_MAX;
  size_t row_size = (dtw->m + 2 * PAD) * sizeof (float);

  for (size_t group = dtw->n_strips;; group = (group + 1) / 2) {
    size_t size = largest_group (dtw, group) * dtw->lanes * sizeof (int32_t)
        + (dtw->n_strips + group - 1) / group * row_size;

    if (size < least) {
      least = size;
      best = group;
    }
    if (dtw->config->memory == 0 || size <= dtw->config->memory || group == 1)
      break;
  }
  *blocks = largest_group (dtw, best);
  return best;
}

static bool
make (Dtw *dtw, const AvmDtwSide *columns)
{
  size_t row_size = dtw->m + 2 * PAD, blocks, groups;

  dtw->plane = row_size;
  dtw->planes = avm_alloc ((dtw->dim + 1) * dtw->plane, sizeof (float));
  dtw->row_memory = avm_alloc (row_size, sizeof (float));
  dtw->lo = avm_alloc (dtw->n_strips, sizeof (uint32_t));
  dtw->hi = avm_alloc (dtw->n_strips, sizeof (uint32_t));
  dtw->steps_at = avm_alloc (dtw->n_strips, sizeof (size_t));
  if (dtw->planes == NULL || dtw->row_memory == NULL || dtw->lo == NULL
      || dtw->hi == NULL || dtw->steps_at == NULL)
    return false;
  turn_columns (dtw, columns);
  set_ranges (dtw);
  dtw->group = choose_group (dtw, &blocks);
  groups = (dtw->n_strips + dtw->group - 1) / dtw->group;
  /* not zeroed: untouched pages cost nothing */
  dtw->steps = malloc (AVM_MAX (blocks, 1) * dtw->lanes * sizeof (int32_t));
  dtw->checkpoints = avm_alloc (groups, row_size * sizeof (float));
  for (size_t j = 0; j < row_size; j++)
    dtw->row_memory[j] = FAR;
  dtw->row = dtw->row_memory + PAD;
  return dtw->steps != NULL && dtw->checkpoints != NULL;
}

static void
clear (Dtw *dtw)
{
  avm_free (dtw->planes);
  avm_free (dtw->row_memory);
  avm_free (dtw->lo);
  avm_free (dtw->hi);
  avm_free (dtw->steps_at);
  free (dtw->steps);
  avm_free (dtw->checkpoints);
}

/* -- forward and back ----------------------------------------------------- */

static bool
is_cancelled (const Dtw *dtw, AvmError *error)
{
  if (dtw->config->cancelled == NULL
      || !dtw->config->cancelled (dtw->config->user_data))
    return false;
  avm_error_set (error, AVM_ERROR_CANCELLED, -1, "cancelled");
  return true;
}

static float *
checkpoint (const Dtw *dtw, size_t strip)
{
  return dtw->checkpoints + strip / dtw->group * (dtw->m + 2 * PAD);
}

/* Everything but the last group, remembering the rows between groups. */
static bool
run_ahead (Dtw *dtw, AvmError *error)
{
  size_t last_group = (dtw->n_strips - 1) / dtw->group * dtw->group;
  size_t row_size = (dtw->m + 2 * PAD) * sizeof (float);

  dtw->row[-1] = 0.0f;
  for (size_t strip = 0; strip <= last_group; strip++) {
    if (strip % dtw->group == 0)
      memcpy (checkpoint (dtw, strip), dtw->row_memory, row_size);
    if (strip % 64 == 63 && is_cancelled (dtw, error))
      return false;
    if (strip < last_group)
      run_strip (dtw, strip, dtw->m - 1, dtw->steps, 0);
  }
  return true;
}

static bool
run_group (Dtw *dtw, size_t first, size_t last_column, AvmError *error)
{
  size_t end = AVM_MIN (first + dtw->group, dtw->n_strips), at = 0;

  memcpy (dtw->row_memory, checkpoint (dtw, first),
      (dtw->m + 2 * PAD) * sizeof (float));
  for (size_t strip = first; strip < end; strip++) {
    if (strip % 64 == 63 && is_cancelled (dtw, error))
      return false;
    dtw->steps_at[strip] = at;
    run_strip (
        dtw, strip, last_column, dtw->steps + at * dtw->lanes, dtw->lanes);
    at +=
        blocks_of (dtw, dtw->lo[strip], AVM_MIN (dtw->hi[strip], last_column));
  }
  return true;
}

static int
step_of (const Dtw *dtw, size_t i, size_t j)
{
  size_t strip = i / dtw->lanes, lane = i % dtw->lanes;
  size_t s = j - dtw->lo[strip] + lane;
  const int32_t *block =
      dtw->steps + (dtw->steps_at[strip] + s / 16) * dtw->lanes;

  return (int)((uint32_t)block[lane] >> (2 * (s % 16))) & 3;
}

static bool
append (AvmDtwPath *path, size_t *capacity, size_t i, size_t j)
{
  if (path->length == *capacity) {
    size_t wanted = AVM_MAX (*capacity * 2, 1024);
    uint32_t *rows = realloc (path->rows, wanted * sizeof (uint32_t));
    uint32_t *columns;

    if (rows == NULL)
      return false;
    path->rows = rows;
    columns = realloc (path->columns, wanted * sizeof (uint32_t));
    if (columns == NULL)
      return false;
    path->columns = columns;
    *capacity = wanted;
  }
  path->rows[path->length] = (uint32_t)i;
  path->columns[path->length++] = (uint32_t)j;
  return true;
}

static bool
trace (Dtw *dtw, AvmDtwPath *path, AvmError *error)
{
  size_t i = dtw->n - 1, j = dtw->m - 1, capacity = 0;
  size_t group = SIZE_MAX;

  for (;;) {
    size_t wanted = i / dtw->lanes / dtw->group;
    int step;

    if (wanted != group) {
      group = wanted;
      if (!run_group (dtw, group * dtw->group, j, error))
        return false;
    }
    if (!append (path, &capacity, i, j))
      return avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    if (i == 0 && j == 0)
      return true;
    /* at the edges there is one way only, whatever rounding says */
    step = i == 0 ? STEP_COLUMN : j == 0 ? STEP_ROW : step_of (dtw, i, j);
    i -= step != STEP_COLUMN;
    j -= step != STEP_ROW;
  }
}

static void
turn_path (AvmDtwPath *path)
{
  for (size_t a = 0, b = path->length - 1; a < b; a++, b--) {
    uint32_t i = path->rows[a], j = path->columns[a];

    path->rows[a] = path->rows[b];
    path->columns[a] = path->columns[b];
    path->rows[b] = i;
    path->columns[b] = j;
  }
}

static double
path_cost (const AvmDtwSide *rows, const AvmDtwSide *columns,
    const AvmDtwConfig *config, const AvmDtwPath *path)
{
  double sum = 0.0;

  for (size_t k = 0; k < path->length; k++) {
    size_t i = path->rows[k], j = path->columns[k];
    double cost = rows->offset[i] + columns->offset[j];
    float weight = config->both;

    if (k > 0 && path->rows[k - 1] == i)
      weight = config->column;
    else if (k > 0 && path->columns[k - 1] == j)
      weight = config->row;
    for (size_t d = 0; d < rows->dim; d++)
      cost -= rows->features[i * rows->dim + d]
          * columns->features[j * rows->dim + d];
    sum += weight * cost;
  }
  return sum;
}

bool
avm_dtw_align (const AvmDtwSide *rows, const AvmDtwSide *columns,
    const AvmDtwConfig *config, AvmDtwPath *path, AvmError *error)
{
  Dtw dtw = {.rows = rows,
      .config = config,
      .n = rows->n,
      .m = columns->n,
      .dim = rows->dim};
  bool ok;

  *path = (AvmDtwPath){0};
  if (!check_sides (rows, columns, config, error) || !check_band (&dtw, error))
    return false;
  choose_level (&dtw);
  if (!make (&dtw, columns))
    ok = avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
  else
    ok = run_ahead (&dtw, error) && trace (&dtw, path, error);
  clear (&dtw);
  if (!ok) {
    avm_dtw_path_clear (path);
    return false;
  }
  turn_path (path);
  path->cost = path_cost (rows, columns, config, path);
  return true;
}

void
avm_dtw_path_clear (AvmDtwPath *path)
{
  free (path->rows);
  free (path->columns);
  *path = (AvmDtwPath){0};
}
