/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The support vector machine: separates what can be separated, decides as
 * libsvm does, survives its own file format, and refuses what is broken.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <locale.h>
#include <unistd.h>

#ifdef HAVE_LIBSVM_SVM_H
#include <libsvm/svm.h>
#else
#include <svm.h>
#endif

#include "avmcheck.h"
#include "learn/avm-svm.h"

#define N 400
#define D 3

/* Inside a shell around (5, -200, 0.01), on very different scales */
static void
make_shell (double *x, bool *labels, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    double a = avm_rng_normal (&avmcheck_rng);
    double b = avm_rng_normal (&avmcheck_rng);
    double c = avm_rng_normal (&avmcheck_rng);

    labels[i] = a * a + b * b + c * c < 2.4;
    x[i * D] = 5.0 + a;
    x[i * D + 1] = -200.0 + 1000.0 * b;
    x[i * D + 2] = 0.01 + 1e-4 * c;
  }
}

static size_t
count_right (const AvmSvm *svm, const double *x, const bool *labels, size_t n)
{
  size_t right = 0;

  for (size_t i = 0; i < n; i++)
    right += (avm_svm_decide (svm, x + i * D) > 0.0) == labels[i];
  return right;
}

/* The same problem through libsvm's own decision */
static void
check_against_libsvm (
    const AvmSvm *svm, const double *x, const bool *labels, double cost)
{
  struct svm_problem problem = {.l = N};
  struct svm_parameter parameter = {.svm_type = C_SVC,
      .kernel_type = RBF,
      .gamma = 1.0 / D,
      .cache_size = 16,
      .eps = 1e-4,
      .C = cost,
      .shrinking = 1};
  struct svm_node *nodes = calloc (N * (D + 1), sizeof (*nodes));
  struct svm_node **rows = calloc (N, sizeof (*rows));
  double *y = calloc (N, sizeof (*y)), mean[D], scale[D], worst = 0.0;
  struct svm_model *model;

  for (size_t k = 0; k < D; k++) {
    mean[k] = scale[k] = 0.0;
    for (size_t i = 0; i < N; i++)
      mean[k] += x[i * D + k] / N;
    for (size_t i = 0; i < N; i++)
      scale[k] += pow (x[i * D + k] - mean[k], 2.0) / N;
    scale[k] = sqrt (scale[k]);
  }
  for (size_t i = 0; i < N; i++) {
    rows[i] = nodes + i * (D + 1);
    y[i] = labels[i] ? 1.0 : -1.0;
    for (size_t k = 0; k < D; k++) {
      rows[i][k].index = (int)k + 1;
      rows[i][k].value =
          AVM_CLAMP ((x[i * D + k] - mean[k]) / scale[k], -3.0, 3.0);
    }
    rows[i][D].index = -1;
  }
  problem.x = rows;
  problem.y = y;
  model = svm_train (&problem, &parameter);
  for (size_t i = 0; i < N; i++) {
    double value;

    svm_predict_values (model, rows[i], &value);
    if (model->label[0] != 1)
      value = -value;
    worst = fmax (worst, fabs (value - avm_svm_decide (svm, x + i * D)));
  }
  CHECK (worst < 1e-6, "decisions differ by %g from libsvm", worst);
  svm_free_and_destroy_model (&model);
  free (nodes);
  free (rows);
  free (y);
}

static void
check_training (void)
{
  double *x = malloc (2 * N * D * sizeof (double));
  bool *labels = malloc (2 * N);
  AvmSvmSettings settings;
  AvmSvm *svm;
  AvmError error;
  size_t right;

  make_shell (x, labels, 2 * N);
  avm_svm_settings_init (&settings);
  settings.cost = 10.0;
  svm = avm_svm_train (&settings, x, labels, N, D, &error);
  CHECK (svm != NULL, "%s", error.detail);
  right = count_right (svm, x + N * D, labels + N, N);
  CHECK (right > N * 92 / 100, "%zu of %d unseen right", right, N);
  check_against_libsvm (svm, x, labels, settings.cost);

  /* an unknown feature counts as its mean */
  {
    double whole[D] = {5.0, -200.0, 0.01}, part[D] = {5.0, NAN, 0.01};

    CHECK (
        avm_svm_decide (svm, whole) > 0.0 && avm_svm_decide (svm, part) > 0.0,
        "the middle is inside");
  }
  /* a dearer positive class is decided for more willingly */
  {
    AvmSvm *dear;
    double margin = 0.0, margin_dear = 0.0;
    size_t found = 0, found_dear = 0;

    settings.positive_weight = 20.0;
    dear = avm_svm_train (&settings, x, labels, N, D, &error);
    for (size_t i = N; i < 2 * N; i++) {
      margin += avm_svm_decide (svm, x + i * D);
      margin_dear += avm_svm_decide (dear, x + i * D);
      found += avm_svm_decide (svm, x + i * D) > 0.0;
      found_dear += avm_svm_decide (dear, x + i * D) > 0.0;
    }
    CHECK (found_dear >= found, "%zu against %zu", found_dear, found);
    CHECK (margin_dear > margin, "%g against %g", margin_dear, margin);
    avm_svm_free (dear);
  }
  avm_svm_free (svm);

  settings.positive_weight = 1.0;
  for (size_t i = 0; i < N; i++)
    labels[i] = true;
  CHECK (avm_svm_train (&settings, x, labels, N, D, &error) == NULL
          && error.code == AVM_ERROR_EMPTY,
      "one class");
  labels[0] = false;
  x[7] = NAN;
  CHECK (avm_svm_train (&settings, x, labels, N, D, &error) == NULL
          && error.code == AVM_ERROR_RANGE && error.offset == 2,
      "NaN in row 2");
  x[7] = 0.0;
  settings.cost = -1.0;
  CHECK (avm_svm_train (&settings, x, labels, N, D, &error) == NULL, "cost");
  free (x);
  free (labels);
}

static AvmSvmSet *
make_set (double *x, bool *labels)
{
  AvmSvmSet *set = avm_svm_set_new ();
  AvmSvmSettings settings;

  avm_svm_settings_init (&settings);
  make_shell (x, labels, N);
  CHECK (avm_svm_set_add (
             set, "video", avm_svm_train (&settings, x, labels, N, D, NULL)),
      "add");
  settings.cost = 50.0;
  CHECK (avm_svm_set_add (
             set, "both-2_x", avm_svm_train (&settings, x, labels, N, 2, NULL)),
      "add another");
  CHECK (!avm_svm_set_add (set, "a name", NULL), "bad name");
  return set;
}

static char *
read_all (const char *path, size_t *length)
{
  FILE *file = fopen (path, "r");
  char *text = malloc (1 << 20);

  *length = fread (text, 1, 1 << 20, file);
  fclose (file);
  return text;
}

static void
check_files (void)
{
  double *x = malloc (N * D * sizeof (double));
  bool *labels = malloc (N);
  AvmSvmSet *set = make_set (x, labels), *back;
  char path[] = "/tmp/avm-svm-XXXXXX", *text;
  size_t length;
  AvmError error;
  int broken = 0;

  close (mkstemp (path));
  /* a comma for the decimal point must not get into the file */
  if (setlocale (LC_ALL, "de_DE.UTF-8") == NULL)
    printf ("no German locale here: written in the C locale only\n");
  CHECK (
      avm_svm_set_save (set, path, "two\nlines", &error), "%s", error.detail);
  back = avm_svm_set_load (path, &error);
  setlocale (LC_ALL, "C");
  CHECK (back != NULL, "%s", error.detail);
  for (size_t i = 0; i < N; i++)
    CHECK_NEAR (avm_svm_decide (avm_svm_set_find (back, "video"), x + i * D),
        avm_svm_decide (avm_svm_set_find (set, "video"), x + i * D), 1e-3, 0.0,
        "decision after reading");
  CHECK (avm_svm_n_features (avm_svm_set_find (back, "both-2_x")) == 2,
      "second model");
  CHECK (avm_svm_set_find (back, "audio") == NULL, "no such model");
  avm_svm_set_free (back);

  text = read_all (path, &length);
  /* cut anywhere, it is refused or holds whole models only */
  for (size_t cut = 0; cut < length; cut += 1 + cut / 50) {
    back = avm_svm_set_parse (text, cut, &error);
    CHECK (back != NULL || error.code != AVM_OK, "cut at %zu", cut);
    avm_svm_set_free (back);
  }
  /* bytes changed anywhere: an answer, never a crash */
  for (int i = 0; i < 3000; i++) {
    char *copy = malloc (length);
    double probe[AVM_SVM_MAX_FEATURES] = {0.0};

    memcpy (copy, text, length);
    for (int k = 0; k < 1 + i % 4; k++) {
      size_t range = i % 2 == 0 ? 300 : length;

      copy[avm_rng_u32 (&avmcheck_rng) % range] =
          (char)avm_rng_u32 (&avmcheck_rng);
    }
    back = avm_svm_set_parse (copy, length, &error);
    broken += back == NULL;
    if (back != NULL && avm_svm_set_find (back, "video") != NULL)
      CHECK (!isinf (avm_svm_decide (avm_svm_set_find (back, "video"), probe)),
          "decision of a damaged model");
    avm_svm_set_free (back);
    free (copy);
  }
  CHECK (broken > 300, "only %d of 3000 damaged files refused", broken);
  free (text);
  unlink (path);
  CHECK (
      avm_svm_set_load (path, &error) == NULL && error.code == AVM_ERROR_OPEN,
      "no file");
  avm_svm_set_free (set);
  free (x);
  free (labels);
}

static void
check_refused (void)
{
  static const struct {
    const char *text;
    AvmErrorCode code;
  } cases[] = {
      {"", AVM_ERROR_FORMAT},
      {"svm_type c_svc", AVM_ERROR_FORMAT},
      {"avm-svm 2\n", AVM_ERROR_UNSUPPORTED},
      {"avm-svm 1\n# nothing\n", AVM_ERROR_TRUNCATED},
      {"avm-svm 1\nmodle x", AVM_ERROR_CORRUPT},
      {"avm-svm 1\nmodel a features 2 vectors 100000 gamma 1 cost 1 rho 0\n",
          AVM_ERROR_TRUNCATED},
      {"avm-svm 1\nmodel a features 999 vectors 1 gamma 1 cost 1 rho 0\n",
          AVM_ERROR_CORRUPT},
      {"avm-svm 1\nmodel a features 1 vectors 1 gamma nan cost 1 rho 0\n",
          AVM_ERROR_CORRUPT},
      {"avm-svm 1\nmodel a features 1 vectors 1 gamma 1 cost 1 rho 0\n"
       "mean 0 scale 0 1 1",
          AVM_ERROR_CORRUPT},
  };
  static const char by_hand[] =
      "avm-svm 1 model a features 1 vectors 1 gamma 0.5 cost 1 rho 0.25 "
      "mean 0 scale 1 2 3";
  AvmError error;
  AvmSvmSet *set;
  double one = 1.0;

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++) {
    set = avm_svm_set_parse (cases[i].text, strlen (cases[i].text), &error);
    CHECK (set == NULL && error.code == cases[i].code, "case %zu: %d %s", i,
        error.code, error.detail);
    avm_svm_set_free (set);
  }
  /* by hand: 2 exp (-0.5 (1 - 3)^2) - 0.25 */
  set = avm_svm_set_parse (by_hand, strlen (by_hand), &error);
  CHECK (set != NULL, "%s", error.detail);
  if (set != NULL)
    CHECK_NEAR (avm_svm_decide (avm_svm_set_find (set, "a"), &one),
        2.0 * exp (-2.0) - 0.25, 1e-12, 0.0, "by hand");
  avm_svm_set_free (set);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  svm_set_print_string_function (NULL);
  check_training ();
  check_files ();
  check_refused ();
  return avmcheck_report ();
}
