/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two-class support vector machine with a radial basis kernel: training by
 * libsvm (Chang and Lin, ACM TIST 2011), features brought to mean 0 and
 * deviation 1 first, and a text model that holds the scaling with the vectors.
 * Reading and deciding are our own code, so that a broken model file gives an
 * error instead of undefined behaviour, and numbers read the same in every
 * locale.
 *
 * The file, words separated by blanks, `#` begins a comment to the end of the
 * line:
 *
 *     avm-svm 1
 *     model NAME features D vectors N gamma G cost C rho R
 *     mean  D numbers
 *     scale D numbers        a feature is (x - mean) / scale,
 *                            limited to -3 .. 3
 *     N lines: coefficient, D scaled features
 *     and further models
 *
 * decision = sum_i coefficient_i exp (-gamma |x - v_i|^2) - rho; the class is
 * positive where it is above 0.
 */

#ifndef AVM_SVM_H
#define AVM_SVM_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_SVM_MAX_FEATURES 256
#define AVM_SVM_MAX_VECTORS 100000
#define AVM_SVM_MAX_NAME 31
#define AVM_SVM_LIMIT 3.0 /* of a scaled feature */

typedef struct _AvmSvm AvmSvm;

typedef struct {
  double cost;            /* > 0; C of libsvm */
  double gamma;           /* >= 0; 0: 1 / n_features */
  double positive_weight; /* > 0; cost of a missed positive, 1 usual */
} AvmSvmSettings;

/* cost 1, gamma automatic, weight 1 */
void avm_svm_settings_init (AvmSvmSettings *settings);

/* x: n rows of n_features finite numbers; labels: true is the positive class.
 * NULL with *error: AVM_ERROR_RANGE, AVM_ERROR_EMPTY (one class only),
 * AVM_ERROR_MEMORY. Training is serialised over the process: libsvm keeps
 * global state. */
AvmSvm *avm_svm_train (const AvmSvmSettings *settings, const double *x,
    const bool *labels, size_t n, size_t n_features, AvmError *error);
void avm_svm_free (AvmSvm *svm);

size_t avm_svm_n_features (const AvmSvm *svm);
size_t avm_svm_n_vectors (const AvmSvm *svm);

/* x: n_features numbers. Features that are not finite count as their mean. */
double avm_svm_decide (const AvmSvm *svm, const double *x);

/* -- several models in one file ------------------------------------------ */

typedef struct _AvmSvmSet AvmSvmSet;

AvmSvmSet *avm_svm_set_new (void);
void avm_svm_set_free (AvmSvmSet *set);

/* Takes the svm over. Replaces one of that name. False: out of memory, or not
 * a name of 1 .. AVM_SVM_MAX_NAME letters, digits, '-' and '_'. */
bool avm_svm_set_add (AvmSvmSet *set, const char *name, AvmSvm *svm);
/* NULL: no such model. Owned by the set. */
const AvmSvm *avm_svm_set_find (const AvmSvmSet *set, const char *name);

/* comment: lines put at the head, or NULL. */
bool avm_svm_set_save (const AvmSvmSet *set, const char *path,
    const char *comment, AvmError *error);
/* NULL with *error: AVM_ERROR_OPEN, FORMAT, TRUNCATED, CORRUPT (offset: line),
 * UNSUPPORTED (another version), MEMORY. */
AvmSvmSet *avm_svm_set_load (const char *path, AvmError *error);
AvmSvmSet *avm_svm_set_parse (const char *text, size_t length, AvmError *error);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SVM_H */
