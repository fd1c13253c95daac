/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-svm.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBSVM_SVM_H
#include <libsvm/svm.h>
#else
#include <svm.h>
#endif

#define MAX_FILE (64u << 20)

struct _AvmSvm {
  char name[AVM_SVM_MAX_NAME + 1];
  size_t n_features, n_vectors;
  double gamma, cost, rho;
  double *mean, *scale; /* n_features */
  double *coefficients; /* n_vectors */
  double *vectors;      /* n_vectors x n_features, scaled */
};

struct _AvmSvmSet {
  AvmSvm **svms;
  size_t n;
};

static pthread_mutex_t training = PTHREAD_MUTEX_INITIALIZER;

void
avm_svm_settings_init (AvmSvmSettings *settings)
{
  settings->cost = 1.0;
  settings->gamma = 0.0;
  settings->positive_weight = 1.0;
}

static AvmSvm *
svm_new (size_t n_features, size_t n_vectors)
{
  AvmSvm *svm = calloc (1, sizeof (AvmSvm));

  if (svm == NULL)
    return NULL;
  svm->n_features = n_features;
  svm->n_vectors = n_vectors;
  svm->mean = avm_alloc (2 * n_features, sizeof (double));
  svm->coefficients = avm_alloc (n_vectors, sizeof (double));
  svm->vectors = avm_alloc (n_vectors * n_features, sizeof (double));
  if (svm->mean == NULL || svm->coefficients == NULL || svm->vectors == NULL) {
    avm_svm_free (svm);
    return NULL;
  }
  svm->scale = svm->mean + n_features;
  return svm;
}

void
avm_svm_free (AvmSvm *svm)
{
  if (svm == NULL)
    return;
  avm_free (svm->mean);
  avm_free (svm->coefficients);
  avm_free (svm->vectors);
  free (svm);
}

size_t
avm_svm_n_features (const AvmSvm *svm)
{
  return svm->n_features;
}

size_t
avm_svm_n_vectors (const AvmSvm *svm)
{
  return svm->n_vectors;
}

/* Far outside of what was trained a radial basis says nothing: there, the
 * border of the trained range stands for what is beyond it. */
static double
scaled (const AvmSvm *svm, size_t k, double x)
{
  return isfinite (x) ? AVM_CLAMP (
             (x - svm->mean[k]) / svm->scale[k], -AVM_SVM_LIMIT, AVM_SVM_LIMIT)
                      : 0.0;
}

double
avm_svm_decide (const AvmSvm *svm, const double *x)
{
  double sum = -svm->rho, z[AVM_SVM_MAX_FEATURES];

  for (size_t k = 0; k < svm->n_features; k++)
    z[k] = scaled (svm, k, x[k]);
  for (size_t i = 0; i < svm->n_vectors; i++) {
    const double *v = svm->vectors + i * svm->n_features;
    double distance = 0.0;

    for (size_t k = 0; k < svm->n_features; k++)
      distance += (z[k] - v[k]) * (z[k] - v[k]);
    sum += svm->coefficients[i] * exp (-svm->gamma * distance);
  }
  return sum;
}

/* -- training ------------------------------------------------------------ */

static void
measure_scaling (AvmSvm *svm, const double *x, size_t n)
{
  size_t d = svm->n_features;

  for (size_t k = 0; k < d; k++) {
    double sum = 0.0, squares = 0.0;

    for (size_t i = 0; i < n; i++)
      sum += x[i * d + k] / (double)n;
    for (size_t i = 0; i < n; i++)
      squares += (x[i * d + k] - sum) * (x[i * d + k] - sum) / (double)n;
    svm->mean[k] = sum;
    svm->scale[k] = squares > 1e-24 ? sqrt (squares) : 1.0;
  }
}

static bool
check_training (const AvmSvmSettings *settings, const double *x,
    const bool *labels, size_t n, size_t d, AvmError *error)
{
  size_t positive = 0;

  if (d == 0 || d > AVM_SVM_MAX_FEATURES || n > AVM_SVM_MAX_VECTORS
      || !(settings->cost > 0.0) || !(settings->gamma >= 0.0)
      || !(settings->positive_weight > 0.0) || !isfinite (settings->cost)
      || !isfinite (settings->gamma) || !isfinite (settings->positive_weight))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "cannot train on %zu rows of %zu features", n, d);
  for (size_t i = 0; i < n * d; i++)
    if (!isfinite (x[i]))
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)(i / d),
          "feature %zu of row %zu is not finite", i % d, i / d);
  for (size_t i = 0; i < n; i++)
    positive += labels[i];
  if (positive == 0 || positive == n)
    return avm_error_set (
        error, AVM_ERROR_EMPTY, -1, "all %zu rows are of one class", n);
  return true;
}

static void
be_quiet (const char *text)
{
  (void)text;
}

static struct svm_model *
run_libsvm (
    const AvmSvmSettings *settings, double gamma, struct svm_problem *problem)
{
  int labels[2] = {1, -1};
  double weights[2] = {settings->positive_weight, 1.0};
  struct svm_parameter parameter = {
      .svm_type = C_SVC,
      .kernel_type = RBF,
      .gamma = gamma,
      .cache_size = 64.0,
      .eps = 1e-4,
      .C = settings->cost,
      .nr_weight = 2,
      .weight_label = labels,
      .weight = weights,
      .shrinking = 1,
  };
  struct svm_model *model;

  pthread_mutex_lock (&training);
  svm_set_print_string_function (be_quiet);
  model = svm_check_parameter (problem, &parameter) == NULL
      ? svm_train (problem, &parameter)
      : NULL;
  pthread_mutex_unlock (&training);
  return model;
}

/* The vectors that libsvm kept, as ours; positive class upwards. */
static AvmSvm *
adopt_model (const struct svm_model *model, const AvmSvm *scaling)
{
  size_t d = scaling->n_features;
  AvmSvm *svm = svm_new (d, (size_t)model->l);
  double sign = model->label[0] == 1 ? 1.0 : -1.0;

  if (svm == NULL)
    return NULL;
  memcpy (svm->mean, scaling->mean, 2 * d * sizeof (double));
  svm->rho = sign * model->rho[0];
  for (size_t i = 0; i < svm->n_vectors; i++) {
    svm->coefficients[i] = sign * model->sv_coef[0][i];
    for (const struct svm_node *node = model->SV[i]; node->index > 0; node++)
      svm->vectors[i * d + (size_t)node->index - 1] = node->value;
  }
  return svm;
}

AvmSvm *
avm_svm_train (const AvmSvmSettings *settings, const double *x,
    const bool *labels, size_t n, size_t n_features, AvmError *error)
{
  AvmSvm *scaling = NULL, *svm = NULL;
  struct svm_node *nodes = NULL;
  struct svm_problem problem = {0};
  struct svm_model *model = NULL;
  size_t d = n_features;
  double gamma =
      settings->gamma > 0.0 ? settings->gamma : 1.0 / (double)n_features;

  if (!check_training (settings, x, labels, n, d, error))
    return NULL;
  scaling = svm_new (d, 1);
  nodes = avm_alloc (n * (d + 1), sizeof (*nodes));
  problem.l = (int)n;
  problem.y = avm_alloc (n, sizeof (double));
  problem.x = avm_alloc (n, sizeof (*problem.x));
  if (scaling != NULL && nodes != NULL && problem.y != NULL
      && problem.x != NULL) {
    measure_scaling (scaling, x, n);
    for (size_t i = 0; i < n; i++) {
      struct svm_node *row = problem.x[i] = nodes + i * (d + 1);

      problem.y[i] = labels[i] ? 1.0 : -1.0;
      for (size_t k = 0; k < d; k++) {
        row[k].index = (int)k + 1;
        row[k].value = scaled (scaling, k, x[i * d + k]);
      }
      row[d].index = -1;
    }
    model = run_libsvm (settings, gamma, &problem);
  }
  if (model != NULL)
    svm = adopt_model (model, scaling);
  if (svm != NULL) {
    svm->gamma = gamma;
    svm->cost = settings->cost;
  } else {
    avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "no memory to train on %zu rows", n);
  }
  if (model != NULL)
    svm_free_and_destroy_model (&model);
  avm_svm_free (scaling);
  avm_free (nodes);
  avm_free (problem.y);
  avm_free (problem.x);
  return svm;
}

/* -- sets ---------------------------------------------------------------- */

AvmSvmSet *
avm_svm_set_new (void)
{
  return calloc (1, sizeof (AvmSvmSet));
}

void
avm_svm_set_free (AvmSvmSet *set)
{
  if (set == NULL)
    return;
  for (size_t i = 0; i < set->n; i++)
    avm_svm_free (set->svms[i]);
  free (set->svms);
  free (set);
}

static bool
name_is_good (const char *name)
{
  size_t n = strlen (name);

  for (size_t i = 0; i < n; i++)
    if (!isalnum ((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
      return false;
  return n >= 1 && n <= AVM_SVM_MAX_NAME;
}

bool
avm_svm_set_add (AvmSvmSet *set, const char *name, AvmSvm *svm)
{
  AvmSvm **grown;

  if (svm == NULL || !name_is_good (name))
    return false;
  memmove (svm->name, name, strlen (name) + 1);
  for (size_t i = 0; i < set->n; i++) {
    if (strcmp (set->svms[i]->name, name) == 0) {
      avm_svm_free (set->svms[i]);
      set->svms[i] = svm;
      return true;
    }
  }
  grown = realloc (set->svms, (set->n + 1) * sizeof (*grown));
  if (grown == NULL)
    return false;
  set->svms = grown;
  set->svms[set->n++] = svm;
  return true;
}

const AvmSvm *
avm_svm_set_find (const AvmSvmSet *set, const char *name)
{
  for (size_t i = 0; i < set->n; i++)
    if (strcmp (set->svms[i]->name, name) == 0)
      return set->svms[i];
  return NULL;
}

/* -- files --------------------------------------------------------------- */

/* Numbers look the same in every locale while this is in force. */
static locale_t
enter_c_locale (locale_t *made)
{
  *made = newlocale (LC_ALL_MASK, "C", (locale_t)0);
  return *made != (locale_t)0 ? uselocale (*made) : (locale_t)0;
}

static void
leave_c_locale (locale_t before, locale_t made)
{
  if (made == (locale_t)0)
    return;
  uselocale (before);
  freelocale (made);
}

static void
write_row (FILE *file, const char *word, const double *x, size_t n)
{
  fputs (word, file);
  for (size_t k = 0; k < n; k++)
    fprintf (file, "%s%.7g", k == 0 && *word == '\0' ? "" : " ", x[k]);
  fputc ('\n', file);
}

static void
write_svm (FILE *file, const AvmSvm *svm)
{
  size_t d = svm->n_features;

  fprintf (file,
      "model %s features %zu vectors %zu gamma %.17g cost %.17g rho %.17g\n",
      svm->name, d, svm->n_vectors, svm->gamma, svm->cost, svm->rho);
  write_row (file, "mean", svm->mean, d);
  write_row (file, "scale", svm->scale, d);
  for (size_t i = 0; i < svm->n_vectors; i++) {
    fprintf (file, "%.7g ", svm->coefficients[i]);
    write_row (file, "", svm->vectors + i * d, d);
  }
}

bool
avm_svm_set_save (const AvmSvmSet *set, const char *path, const char *comment,
    AvmError *error)
{
  FILE *file = fopen (path, "w");
  locale_t before, made;
  bool bad;

  if (file == NULL)
    return avm_error_set (
        error, AVM_ERROR_OPEN, -1, "%s: %s", path, strerror (errno));
  before = enter_c_locale (&made);
  fputs ("avm-svm 1\n", file);
  while (comment != NULL && *comment != '\0') {
    int length = (int)strcspn (comment, "\n");

    fprintf (file, "# %.*s\n", length, comment);
    comment += length + (comment[length] == '\n');
  }
  for (size_t i = 0; i < set->n; i++)
    write_svm (file, set->svms[i]);
  leave_c_locale (before, made);
  bad = ferror (file) != 0;
  if (fclose (file) != 0 || bad)
    return avm_error_set (
        error, AVM_ERROR_OPEN, -1, "%s: %s", path, strerror (errno));
  return true;
}

typedef struct {
  const char *at, *end;
  int64_t line;
  AvmError *error;
} Reader;

/* Next word, at most size - 1 bytes; false at the end or when too long. */
static bool
read_word (Reader *reader, char *word, size_t size)
{
  size_t n = 0;

  while (reader->at < reader->end
      && (isspace ((unsigned char)*reader->at) || *reader->at == '#')) {
    if (*reader->at == '#')
      while (reader->at < reader->end && *reader->at != '\n')
        reader->at++;
    else
      reader->line += *reader->at++ == '\n';
  }
  while (reader->at < reader->end && !isspace ((unsigned char)*reader->at)) {
    if (n + 1 >= size) {
      word[n] = '\0';
      return avm_error_set (reader->error, AVM_ERROR_CORRUPT, reader->line,
          "line %lld: word too long", (long long)reader->line);
    }
    word[n++] = *reader->at++;
  }
  word[n] = '\0';
  if (n == 0)
    return avm_error_set (reader->error, AVM_ERROR_TRUNCATED, reader->line,
        "ends at line %lld", (long long)reader->line);
  return true;
}

static bool
expect_word (Reader *reader, const char *expected)
{
  char word[64];

  if (!read_word (reader, word, sizeof (word)))
    return false;
  if (strcmp (word, expected) != 0)
    return avm_error_set (reader->error, AVM_ERROR_CORRUPT, reader->line,
        "line %lld: \"%s\" where \"%s\" is due", (long long)reader->line, word,
        expected);
  return true;
}

static bool
read_number (Reader *reader, double lo, double hi, double *number)
{
  char word[64], *end;

  if (!read_word (reader, word, sizeof (word)))
    return false;
  *number = strtod (word, &end);
  if (*end != '\0' || !(*number >= lo && *number <= hi))
    return avm_error_set (reader->error, AVM_ERROR_CORRUPT, reader->line,
        "line %lld: \"%s\" is no number from %g to %g", (long long)reader->line,
        word, lo, hi);
  return true;
}

static bool
read_numbers (Reader *reader, double lo, double *x, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if (!read_number (reader, lo, 1e30, &x[k]))
      return false;
  return true;
}

/* After the word "model" */
static AvmSvm *
read_svm (Reader *reader)
{
  char name[64];
  double d, n, gamma, cost, rho;
  AvmSvm *svm;
  bool good;

  if (!read_word (reader, name, sizeof (name))
      || !expect_word (reader, "features")
      || !read_number (reader, 1.0, AVM_SVM_MAX_FEATURES, &d)
      || !expect_word (reader, "vectors")
      || !read_number (reader, 1.0, AVM_SVM_MAX_VECTORS, &n)
      || !expect_word (reader, "gamma")
      || !read_number (reader, 0.0, 1e30, &gamma)
      || !expect_word (reader, "cost")
      || !read_number (reader, 0.0, 1e30, &cost) || !expect_word (reader, "rho")
      || !read_number (reader, -1e30, 1e30, &rho))
    return NULL;
  /* two bytes per number at least: a short file cannot ask for much memory */
  if (!name_is_good (name)
      || floor (d) * floor (n) * 2.0 > (double)(reader->end - reader->at)) {
    avm_error_set (reader->error, AVM_ERROR_TRUNCATED, reader->line,
        "line %lld: model \"%.31s\" is longer than the file",
        (long long)reader->line, name);
    return NULL;
  }
  svm = svm_new ((size_t)d, (size_t)n);
  if (svm == NULL) {
    avm_error_set (
        reader->error, AVM_ERROR_MEMORY, -1, "no memory for %g vectors", n);
    return NULL;
  }
  strcpy (svm->name, name);
  svm->gamma = gamma;
  svm->cost = cost;
  svm->rho = rho;
  good = expect_word (reader, "mean")
      && read_numbers (reader, -1e30, svm->mean, svm->n_features)
      && expect_word (reader, "scale")
      && read_numbers (reader, 1e-30, svm->scale, svm->n_features);
  for (size_t i = 0; good && i < svm->n_vectors; i++)
    good = read_numbers (reader, -1e30, &svm->coefficients[i], 1)
        && read_numbers (
            reader, -1e30, svm->vectors + i * svm->n_features, svm->n_features);
  if (!good) {
    avm_svm_free (svm);
    return NULL;
  }
  return svm;
}

static bool
read_head (Reader *reader)
{
  char word[64];

  if (!read_word (reader, word, sizeof (word)) || strcmp (word, "avm-svm") != 0)
    return avm_error_set (
        reader->error, AVM_ERROR_FORMAT, 1, "does not begin with \"avm-svm\"");
  if (!read_word (reader, word, sizeof (word)) || strcmp (word, "1") != 0)
    return avm_error_set (
        reader->error, AVM_ERROR_UNSUPPORTED, 1, "version is not 1");
  return true;
}

static bool
read_set (Reader *reader, AvmSvmSet *set)
{
  AvmError *error = reader->error;
  char word[64];

  for (;;) {
    AvmSvm *svm;

    reader->error = NULL;
    if (!read_word (reader, word, sizeof (word)) && reader->at == reader->end)
      break;
    reader->error = error;
    if (strcmp (word, "model") != 0)
      return avm_error_set (error, AVM_ERROR_CORRUPT, reader->line,
          "line %lld: \"%s\" where \"model\" is due", (long long)reader->line,
          word);
    svm = read_svm (reader);
    if (svm == NULL)
      return false;
    if (!avm_svm_set_add (set, svm->name, svm)) {
      avm_svm_free (svm);
      return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory");
    }
  }
  if (set->n == 0)
    return avm_error_set (
        error, AVM_ERROR_TRUNCATED, reader->line, "holds no model");
  return true;
}

AvmSvmSet *
avm_svm_set_parse (const char *text, size_t length, AvmError *error)
{
  Reader reader = {text, text + length, 1, error};
  AvmSvmSet *set = avm_svm_set_new ();
  locale_t before, made;

  if (set == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory");
    return NULL;
  }
  before = enter_c_locale (&made);
  if (!read_head (&reader) || !read_set (&reader, set)) {
    avm_svm_set_free (set);
    set = NULL;
  }
  leave_c_locale (before, made);
  return set;
}

AvmSvmSet *
avm_svm_set_load (const char *path, AvmError *error)
{
  FILE *file = fopen (path, "r");
  AvmSvmSet *set = NULL;
  char *text = NULL;
  size_t n = 0, size = 0, got = 1;

  while (file != NULL && got > 0 && n < MAX_FILE) {
    if (n == size) {
      char *grown = realloc (text, size = size * 2 + 65536);

      if (grown == NULL)
        break;
      text = grown;
    }
    n += got = fread (text + n, 1, size - n, file);
  }
  if (file == NULL || ferror (file))
    avm_error_set (error, AVM_ERROR_OPEN, -1, "%s: %s", path, strerror (errno));
  else if (got > 0)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "%s is too long", path);
  else
    set = avm_svm_set_parse (text, n, error);
  if (file != NULL)
    fclose (file);
  free (text);
  return set;
}
