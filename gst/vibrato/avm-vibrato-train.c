/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes the models of avmvibrato from features that it wrote
 * (features-location). Cost and gamma are chosen for each model by
 * cross-validation that leaves whole files out, so that notes of one player
 * never stand on both sides.
 *
 *   avm-vibrato-train MODEL FEATURES...
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/avm-vibrato.h"
#include "learn/avm-svm.h"

#define COLUMNS (AVM_VIBRATO_MAX_FEATURES + 3)
#define MAX_FOLDS 10

typedef struct {
  double values[COLUMNS]; /* label, used, part, features */
  int file;
} Row;

typedef struct {
  Row *rows;
  size_t n, size;
} Table;

static const struct {
  const char *name;
  int used;
  size_t first, count;
} models[] = {
    {"audio", AVM_VIBRATO_AUDIO, AVM_VIBRATO_VIDEO_FEATURES,
        AVM_VIBRATO_AUDIO_FEATURES},
    {"video", AVM_VIBRATO_VIDEO, 0, AVM_VIBRATO_VIDEO_FEATURES},
    {"both", AVM_VIBRATO_BOTH, 0, AVM_VIBRATO_MAX_FEATURES},
};

static bool
append (Table *table, const Row *row)
{
  if (table->n == table->size) {
    size_t size = table->size * 2 + 1024;
    Row *grown = realloc (table->rows, size * sizeof (Row));

    if (grown == NULL)
      return false;
    table->rows = grown;
    table->size = size;
  }
  table->rows[table->n++] = *row;
  return true;
}

static bool
parse_line (char *line, Row *row)
{
  char *at = line, *end;

  for (int k = 0; k < COLUMNS; k++) {
    row->values[k] = strtod (at, &end);
    if (end == at)
      return false;
    at = end;
  }
  return strspn (at, " \t\r\n") == strlen (at);
}

static bool
read_table (Table *table, const char *path, int file_number)
{
  FILE *file = fopen (path, "r");
  char line[COLUMNS * 32];
  int number = 0;
  Row row = {.file = file_number};

  if (file == NULL) {
    perror (path);
    return false;
  }
  while (fgets (line, sizeof (line), file) != NULL) {
    number++;
    if (line[0] == '#')
      continue;
    if (!parse_line (line, &row) || !append (table, &row)) {
      fprintf (
          stderr, "%s:%d: not a line of %d numbers\n", path, number, COLUMNS);
      fclose (file);
      return false;
    }
  }
  fclose (file);
  return true;
}

/* The rows that have what the model needs; x and labels are filled. */
static size_t
select_rows (const Table *table, int model, double *x, bool *labels, int *files)
{
  size_t n = 0, d = models[model].count;

  for (size_t i = 0; i < table->n; i++) {
    const double *v = table->rows[i].values;
    bool good = ((int)v[1] & models[model].used) == models[model].used;

    for (size_t k = 0; good && k < d; k++)
      good = isfinite (v[3 + models[model].first + k]);
    if (!good)
      continue;
    memcpy (x + n * d, v + 3 + models[model].first, d * sizeof (double));
    labels[n] = v[0] > 0.5;
    files[n++] = table->rows[i].file;
  }
  return n;
}

/* F-measure over the rows that were left out, fold by fold */
static double
cross_validate (const AvmSvmSettings *settings, const double *x,
    const bool *labels, const int *files, size_t n, size_t d, double *train_x,
    bool *train_labels)
{
  double hits = 0.0, misses = 0.0, alarms = 0.0;

  for (int fold = 0; fold < MAX_FOLDS; fold++) {
    size_t m = 0;
    AvmSvm *svm;

    for (size_t i = 0; i < n; i++) {
      if (files[i] % MAX_FOLDS == fold)
        continue;
      memcpy (train_x + m * d, x + i * d, d * sizeof (double));
      train_labels[m++] = labels[i];
    }
    if (m == n)
      continue;
    svm = avm_svm_train (settings, train_x, train_labels, m, d, NULL);
    for (size_t i = 0; i < n && svm != NULL; i++) {
      bool said;

      if (files[i] % MAX_FOLDS != fold)
        continue;
      said = avm_svm_decide (svm, x + i * d) > 0.0;
      hits += said && labels[i];
      alarms += said && !labels[i];
      misses += !said && labels[i];
    }
    avm_svm_free (svm);
  }
  return hits > 0.0 ? 2.0 * hits / (2.0 * hits + misses + alarms) : 0.0;
}

static AvmSvm *
train_model (const Table *table, int model)
{
  static const double costs[] = {1.0, 3.0, 10.0, 30.0, 100.0};
  static const double gammas[] = {0.003, 0.01, 0.03, 0.1};
  size_t d = models[model].count, n;
  double *x = avm_alloc (table->n * d, sizeof (double));
  double *train_x = avm_alloc (table->n * d, sizeof (double));
  bool *labels = avm_alloc (2 * table->n, sizeof (bool));
  int *files = avm_alloc (table->n, sizeof (int));
  double best = -1.0;
  AvmSvmSettings settings, chosen;
  AvmError error = {AVM_OK, -1, ""};
  AvmSvm *svm = NULL;

  if (x == NULL || train_x == NULL || labels == NULL || files == NULL)
    return NULL;
  avm_svm_settings_init (&settings);
  chosen = settings;
  n = select_rows (table, model, x, labels, files);
  for (size_t i = 0; i < sizeof (costs) / sizeof (costs[0]); i++) {
    for (size_t j = 0; j < sizeof (gammas) / sizeof (gammas[0]); j++) {
      double f;

      settings.cost = costs[i];
      settings.gamma = gammas[j];
      f = cross_validate (
          &settings, x, labels, files, n, d, train_x, labels + table->n);
      /* a smoother machine unless the other is clearly better */
      if (f > best + 0.002) {
        best = f;
        chosen = settings;
      }
    }
  }
  svm = avm_svm_train (&chosen, x, labels, n, d, &error);
  if (svm == NULL)
    fprintf (stderr, "%s: %s\n", models[model].name, error.detail);
  else
    printf ("%s\t%zu notes\tcost %g\tgamma %g\t%zu vectors\t"
            "F %.4f (left-out files)\n",
        models[model].name, n, chosen.cost, chosen.gamma,
        avm_svm_n_vectors (svm), best);
  avm_free (x);
  avm_free (train_x);
  avm_free (labels);
  avm_free (files);
  return svm;
}

int
main (int argc, char **argv)
{
  Table table = {0};
  AvmSvmSet *set = avm_svm_set_new ();
  AvmError error = {AVM_OK, -1, ""};
  char comment[160];
  bool ok = set != NULL;

  if (argc < 3) {
    fprintf (stderr, "usage: %s MODEL FEATURES...\n", argv[0]);
    avm_svm_set_free (set);
    return 2;
  }
  for (int i = 2; i < argc && ok; i++)
    ok = read_table (&table, argv[i], i - 2);
  for (int i = 0; i < 3 && ok; i++) {
    AvmSvm *svm = train_model (&table, i);

    ok = svm != NULL && avm_svm_set_add (set, models[i].name, svm);
  }
  snprintf (comment, sizeof (comment),
      "Vibrato of string players: avm-vibrato-train, %d files, %zu notes",
      argc - 2, table.n);
  if (ok && !avm_svm_set_save (set, argv[1], comment, &error)) {
    fprintf (stderr, "%s\n", error.detail);
    ok = false;
  }
  avm_svm_set_free (set);
  free (table.rows);
  return ok ? 0 : 1;
}
