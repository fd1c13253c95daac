/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Several harmonic voices at one instant of a mixture, fitted together.
 *
 * Each harmonic of each voice is (a + b t) exp (j h theta (t)), theta the
 * phase of the voice's assumed course. The complex a and b of all harmonics
 * are found at once by weighted least squares (Hann window), so that what the
 * harmonics of other voices leak into a harmonic is taken out as far as the
 * window resolves them: it is the harmonic masking of score-informed
 * separation, with the mask replaced by the exact solution. Harmonics farther
 * apart than the window's main lobe do not touch, so the problem falls into
 * small clusters. What is left of the frequency of harmonic h is
 * Im (b conj a) / |a|^2 / h; the estimates of a voice's harmonics are combined
 * by their variances, in which the covariance of the fit counts for harmonics
 * that collide.
 */

#ifndef AVM_JOINTFIT_H
#define AVM_JOINTFIT_H

#include "dsp/avm-demod.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_JOINTFIT_MAX_VOICES 24
#define AVM_JOINTFIT_MAX_HARMONICS 48

typedef struct {
  /* in */
  AvmDemodCourse course; /* cycles per sample, f0 > 0 */
  unsigned n_harmonics;  /* 1..AVM_JOINTFIT_MAX_HARMONICS, h f0 < 0.5 */
  /* out */
  double shift; /* to be added to course.f0 */
  double sd;    /* standard deviation of shift; INFINITY: none */
  double level; /* RMS amplitude of the voice's harmonics */
} AvmJointVoice;

typedef struct _AvmJointFit AvmJointFit;

/* half: half the window, samples, 32..65536. NULL: range or memory. */
AvmJointFit *avm_jointfit_new (size_t half);
void avm_jointfit_free (AvmJointFit *self);

/* x: 2 half + 1 samples about the instant. n_voices at most MAX_VOICES. */
void avm_jointfit_do (AvmJointFit *self, const float *x, AvmJointVoice *voices,
    unsigned n_voices);

#ifdef __cplusplus
}
#endif
#endif /* AVM_JOINTFIT_H */
