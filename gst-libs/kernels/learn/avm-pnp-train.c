/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes the models of avm-playing.h from motion of which it is known who plays
 * when. Cost and gamma are chosen for each model by cross-validation that
 * leaves whole files out, so that nobody stands on both sides. Printed: the
 * accuracy there, that of the commoner answer, the mean of the accuracies of
 * both answers, and the slope that makes log odds of the decision value.
 *
 *   avm-pnp-train MODEL MOTION...
 *
 * MOTION is text, one fact per line:
 *
 *     motion TRACK LIMB TIME VX VY SPEED SIZE   (avm_playing_add_motion)
 *     plays TRACK FROM TO                       s
 *
 * LIMB is body, bow, hand or face. A track that never plays has a line with
 * FROM and TO 0.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/avm-playing-private.h"

#define MAX_FOLDS 6
#define D AVM_PLAYING_FEATURES
#define DISTANCE 0.25 /* s, of the windows that are learnt from */
#define DOUBT 0.3     /* s; so near to a change nothing is learnt */
#define MOST_ROWS 5000
#define N_MODELS 2

static const char *const model_names[N_MODELS] = {"bow", "body"};
static const char *const limb_names[AVM_PLAYING_N_LIMBS] = {
    "body", "bow", "hand", "face"};

typedef struct {
  double features[D];
  bool plays;
  int file;
} Row;

typedef struct {
  Row *rows;
  size_t n, room;
} Table;

typedef struct {
  int track;
  double from, to;
} Span;

typedef struct {
  Span *spans;
  size_t n, room;
} Truth;

/* -- reading --------------------------------------------------------------- */

static bool
parse_motion (AvmPlaying *playing, const char *line)
{
  char limb[16];
  double time, vx, vy, speed, size;
  int track, k = 0;

  if (sscanf (line, "motion %d %15s %lf %lf %lf %lf %lf", &track, limb, &time,
          &vx, &vy, &speed, &size)
      != 7)
    return false;
  while (k < AVM_PLAYING_N_LIMBS && strcmp (limb, limb_names[k]) != 0)
    k++;
  return k < AVM_PLAYING_N_LIMBS
      && avm_playing_add_motion (
          playing, track, (AvmPlayingLimb)k, time, vx, vy, speed, size);
}

static bool
parse_plays (Truth *truth, const char *line)
{
  Span span;

  if (sscanf (line, "plays %d %lf %lf", &span.track, &span.from, &span.to) != 3
      || !avm_playing_grow (
          &truth->spans, truth->n, &truth->room, sizeof (Span)))
    return false;
  truth->spans[truth->n++] = span;
  return true;
}

static bool
read_motion (AvmPlaying *playing, Truth *truth, const char *path)
{
  FILE *file = fopen (path, "r");
  char line[256];
  int number = 0;
  bool ok = true;

  if (file == NULL) {
    perror (path);
    return false;
  }
  while (ok && fgets (line, sizeof (line), file) != NULL) {
    number++;
    ok = strncmp (line, "plays", 5) == 0 ? parse_plays (truth, line)
                                         : parse_motion (playing, line);
  }
  fclose (file);
  if (!ok)
    fprintf (stderr, "%s:%d: not a line of motion or truth\n", path, number);
  return ok;
}

/* 1 plays, 0 does not, -1 not sure or nothing is known of the track */
static int
ask_truth (const Truth *truth, int track, double time)
{
  int answer = -1;

  for (size_t i = 0; i < truth->n; i++) {
    const Span *s = &truth->spans[i];

    if (s->track != track)
      continue;
    if (s->to > s->from
        && (fabs (time - s->from) < DOUBT || fabs (time - s->to) < DOUBT))
      return -1;
    answer = AVM_MAX (answer, time >= s->from && time < s->to);
  }
  return answer;
}

static bool
add_track (Table *tables, const AvmPlaying *playing, const Truth *truth,
    const AvmPlayingTrack *track, int file)
{
  const AvmPlayingRows *rows = track->limbs[AVM_PLAYING_BOW].n > 0
      ? &track->limbs[AVM_PLAYING_BOW]
      : &track->limbs[AVM_PLAYING_BODY];

  for (double t = rows->n > 0 ? rows->rows[0].time : INFINITY;
       rows->n > 0 && t <= rows->rows[rows->n - 1].time; t += DISTANCE) {
    int plays = ask_truth (truth, track->number, t), k = 0;
    Row row = {.plays = plays > 0, .file = file};
    const char *name =
        avm_playing_features (playing, track->number, t, row.features);

    if (name == NULL || plays < 0)
      continue;
    while (strcmp (name, model_names[k]) != 0)
      k++;
    if (!avm_playing_grow (
            &tables[k].rows, tables[k].n, &tables[k].room, sizeof (Row)))
      return false;
    tables[k].rows[tables[k].n++] = row;
  }
  return true;
}

static bool
read_film (Table *tables, const char *path, int file)
{
  AvmPlayingSettings settings;
  AvmPlaying *playing;
  Truth truth = {NULL, 0, 0};
  bool ok;

  avm_playing_settings_init (&settings);
  playing = avm_playing_new (&settings, NULL, NULL);
  ok = playing != NULL && read_motion (playing, &truth, path);
  for (size_t i = 0; ok && i < playing->n_tracks; i++)
    ok = add_track (tables, playing, &truth, &playing->tracks[i], file);
  free (truth.spans);
  avm_playing_free (playing);
  return ok;
}

/* -- training -------------------------------------------------------------- */

/* Features that are not known count as their mean: train on that */
static void
fill_gaps (Table *table)
{
  for (int k = 0; k < D; k++) {
    double sum = 0.0;
    size_t n = 0;

    for (size_t i = 0; i < table->n; i++) {
      if (!isfinite (table->rows[i].features[k]))
        continue;
      sum += table->rows[i].features[k];
      n++;
    }
    for (size_t i = 0; i < table->n; i++)
      if (!isfinite (table->rows[i].features[k]))
        table->rows[i].features[k] = n > 0 ? sum / (double)n : 0.0;
  }
}

/* Evenly left out until few enough are left */
static void
thin (Table *table)
{
  size_t n = AVM_MIN (table->n, MOST_ROWS);

  for (size_t i = 0; i < n; i++)
    table->rows[i] = table->rows[i * table->n / n];
  table->n = n;
}

/* The machine of all rows but those of a fold (-1: of all); both answers weigh
 * alike. */
static AvmSvm *
train (const Table *table, AvmSvmSettings settings, int fold, AvmError *error)
{
  double *x = avm_alloc (table->n, D * sizeof (double));
  bool *labels = avm_alloc (table->n, sizeof (bool));
  size_t n = 0, positive = 0;
  AvmSvm *svm = NULL;

  for (size_t i = 0; x != NULL && labels != NULL && i < table->n; i++) {
    if (fold >= 0 && table->rows[i].file % MAX_FOLDS == fold)
      continue;
    memcpy (x + n * D, table->rows[i].features, sizeof (double[D]));
    labels[n++] = table->rows[i].plays;
    positive += table->rows[i].plays;
  }
  if (positive > 0 && positive < n) {
    settings.positive_weight = (double)(n - positive) / (double)positive;
    svm = avm_svm_train (&settings, x, labels, n, D, error);
  }
  avm_free (x);
  avm_free (labels);
  return svm;
}

/* Decision values of rows by machines that did not learn from their file */
static bool
cross_decide (
    const Table *table, const AvmSvmSettings *settings, double *decisions)
{
  for (size_t i = 0; i < table->n; i++)
    decisions[i] = NAN;
  for (int fold = 0; fold < MAX_FOLDS; fold++) {
    AvmSvm *svm = train (table, *settings, fold, NULL);

    for (size_t i = 0; i < table->n && svm != NULL; i++)
      if (table->rows[i].file % MAX_FOLDS == fold)
        decisions[i] = avm_svm_decide (svm, table->rows[i].features);
    avm_svm_free (svm);
  }
  return true;
}

typedef struct {
  double accuracy, balanced, commoner;
} Score;

static Score
judge (const Table *table, const double *decisions)
{
  double right[2] = {0.0, 0.0}, all[2] = {0.0, 0.0};
  Score score;

  for (size_t i = 0; i < table->n; i++) {
    bool plays = table->rows[i].plays;

    if (!isfinite (decisions[i]))
      continue;
    all[plays] += 1.0;
    right[plays] += (decisions[i] > 0.0) == plays;
  }
  score.accuracy = (right[0] + right[1]) / fmax (all[0] + all[1], 1.0);
  score.balanced =
      0.5 * (right[0] / fmax (all[0], 1.0) + right[1] / fmax (all[1], 1.0));
  score.commoner = fmax (all[0], all[1]) / fmax (all[0] + all[1], 1.0);
  return score;
}

/* The slope of log odds with the greatest likelihood, both answers alike */
static double
fit_slope (const Table *table, const double *decisions)
{
  double best = 0.0, least = INFINITY;
  double counts[2] = {0.0, 0.0};

  for (size_t i = 0; i < table->n; i++)
    counts[table->rows[i].plays] += isfinite (decisions[i]) ? 1.0 : 0.0;
  for (double slope = 0.2; slope < 4.0; slope += 0.1) {
    double loss = 0.0;

    for (size_t i = 0; i < table->n; i++) {
      bool plays = table->rows[i].plays;

      if (isfinite (decisions[i]))
        loss += log1p (exp (-slope * decisions[i] * (plays ? 1.0 : -1.0)))
            / fmax (counts[plays], 1.0);
    }
    if (loss < least) {
      least = loss;
      best = slope;
    }
  }
  return best;
}

static AvmSvm *
train_model (const Table *table, const char *name)
{
  static const double costs[] = {0.3, 1.0, 3.0, 10.0};
  static const double gammas[] = {0.003, 0.01, 0.03, 0.1};
  double *decisions = avm_alloc (table->n, sizeof (double)), slope = 0.0;
  AvmSvmSettings settings, chosen;
  AvmError error = {AVM_OK, -1, "one answer only"};
  Score best = {0.0, 0.0, 0.0};
  AvmSvm *svm;

  if (decisions == NULL)
    return NULL;
  avm_svm_settings_init (&settings);
  chosen = settings;
  for (size_t i = 0; i < sizeof (costs) / sizeof (costs[0]); i++) {
    for (size_t k = 0; k < sizeof (gammas) / sizeof (gammas[0]); k++) {
      Score score;

      settings.cost = costs[i];
      settings.gamma = gammas[k];
      cross_decide (table, &settings, decisions);
      score = judge (table, decisions);
      /* a smoother machine unless the other is clearly better */
      if (score.balanced > best.balanced + 0.002) {
        best = score;
        chosen = settings;
        slope = fit_slope (table, decisions);
      }
    }
  }
  svm = train (table, chosen, -1, &error);
  if (svm == NULL)
    fprintf (stderr, "%s: %s\n", name, error.detail);
  else
    printf ("%s\t%zu windows\tcost %g\tgamma %g\t%zu vectors\taccuracy %.4f\t"
            "commoner %.4f\tbalanced %.4f\tslope %.1f (left-out files)\n",
        name, table->n, chosen.cost, chosen.gamma, avm_svm_n_vectors (svm),
        best.accuracy, best.commoner, best.balanced, slope);
  avm_free (decisions);
  return svm;
}

int
main (int argc, char **argv)
{
  Table tables[N_MODELS] = {{NULL, 0, 0}, {NULL, 0, 0}};
  AvmSvmSet *set = avm_svm_set_new ();
  AvmError error = {AVM_OK, -1, ""};
  char comment[160];
  bool ok = set != NULL;

  if (argc < 3) {
    fprintf (stderr, "usage: %s MODEL MOTION...\n", argv[0]);
    avm_svm_set_free (set);
    return 2;
  }
  for (int i = 2; i < argc && ok; i++)
    ok = read_film (tables, argv[i], i - 2);
  for (int k = 0; k < N_MODELS && ok; k++) {
    AvmSvm *svm;

    if (tables[k].n == 0)
      continue;
    thin (&tables[k]);
    fill_gaps (&tables[k]);
    svm = train_model (&tables[k], model_names[k]);
    ok = svm != NULL && avm_svm_set_add (set, model_names[k], svm);
  }
  snprintf (comment, sizeof (comment),
      "Who plays, by motion: avm-pnp-train, %d files", argc - 2);
  if (ok && !avm_svm_set_save (set, argv[1], comment, &error)) {
    fprintf (stderr, "%s\n", error.detail);
    ok = false;
  }
  avm_svm_set_free (set);
  free (tables[0].rows);
  free (tables[1].rows);
  return ok ? 0 : 1;
}
