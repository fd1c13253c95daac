/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dsp/avm-demod.h"

#include <string.h>

#define LANES AVM_DEMOD_LANES

typedef float Vec __attribute__ ((vector_size (LANES * sizeof (float))));

/* Added and subtracted, it rounds a float below 2^22 to an integer. */
#define ROUND 12582912.0f

/* sin (2 pi x) for x in [-1/4, 1/4]: odd polynomial, error below 1e-8 */
static inline float
sin_cycles (float x)
{
  float x2 = x * x;

  return x
      * (6.2831852f
          + x2
              * (-41.341655f
                  + x2 * (81.600998f + x2 * (-76.549657f + x2 * 39.535814f))));
}

/* Folds a phase in cycles, which sin repeats, into [-1/4, 1/4]. */
static inline float
sin_phase (float x)
{
  float half;

  x -= (x + ROUND) - ROUND;
  half = x > 0.0f ? 0.5f : -0.5f;
  x = x > 0.25f || x < -0.25f ? half - x : x;
  return sin_cycles (x);
}

AVM_CLONES void
avm_demod_oscillator (
    const AvmDemodCourse *course, double first, size_t n, float *re, float *im)
{
  float a1 = (float)course->f0, a2 = (float)(course->f1 / 2.0);
  float a3 = (float)(course->f2 / 6.0), start = (float)first;

  for (size_t i = 0; i < n; i++) {
    float t = start + (float)(int)i;
    float phase = t * (a1 + t * (a2 + t * a3));

    re[i] = sin_phase (phase + 0.25f);
    im[i] = -sin_phase (phase);
  }
}

static inline float
lane_sum (Vec v)
{
  float sum = 0.0f;

  for (int k = 0; k < LANES; k++)
    sum += v[k];
  return sum;
}

AVM_CLONES void
avm_demod_correlate (const float *x0, const float *x1, const float *re,
    const float *im, size_t n, unsigned n_harmonics, AvmComplex *c0,
    AvmComplex *c1, float *scratch)
{
  float *pr = scratch, *pi = scratch + n;

  memcpy (pr, re, n * sizeof (float));
  memcpy (pi, im, n * sizeof (float));
  for (unsigned h = 0; h < n_harmonics; h++) {
    Vec s0r = {0}, s0i = {0}, s1r = {0}, s1i = {0};

    for (size_t i = 0; i < n; i += LANES) {
      Vec r = *(const Vec *)(pr + i), m = *(const Vec *)(pi + i);
      Vec er = *(const Vec *)(re + i), ei = *(const Vec *)(im + i);
      Vec a = *(const Vec *)(x0 + i), b = *(const Vec *)(x1 + i);

      s0r += a * r;
      s0i += a * m;
      s1r += b * r;
      s1i += b * m;
      *(Vec *)(pr + i) = r * er - m * ei;
      *(Vec *)(pi + i) = r * ei + m * er;
    }
    c0[h].re = lane_sum (s0r);
    c0[h].im = lane_sum (s0i);
    c1[h].re = lane_sum (s1r);
    c1[h].im = lane_sum (s1i);
  }
}
