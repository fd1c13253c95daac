/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dsp/avm-jointfit.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTIALS (AVM_JOINTFIT_MAX_VOICES * AVM_JOINTFIT_MAX_HARMONICS)
#define MAX_CLUSTER 20
#define MAX_ORDER (2 * MAX_CLUSTER)
/* Products of two partials of a cluster vary slowly: this many points of the
 * window are enough for their sums. */
#define GRAM_POINTS 64
/* Distance of partials, in units of 1 / window, that still interact */
#define TOUCH 2.6
/* Ridge on the slopes and on the amplitudes, against their own weight */
#define RIDGE_SLOPE 0.02
#define RIDGE_AMPLITUDE 0.002
/* Share of a partial's power that is not described by the model (modulation
 * within the window, reverberation) */
#define UNMODELLED 0.08
/* What a wholly blurred partial may be off, as a share of the frequency */
#define BLUR_SPREAD 0.025
/* Power, against the voice's strongest partial, that counts for little */
#define WEAK_PARTIAL 0.003

typedef struct {
  unsigned voice, order; /* order: 1 is the fundamental */
  double frequency;      /* cycles per sample */
  double complex c0, c1; /* inner products with the signal */
  double complex a, b;
  double slope_variance; /* of b, over that of an isolated partial */
  double blur;           /* 0..1: share that is not from the signal */
  double leak;           /* power of others that overlaps */
} Partial;

struct _AvmJointFit {
  size_t half, n;           /* n: padded window length */
  float *window, *window_t; /* w and w t / half */
  float *x0, *x1, *osc_re, *osc_im, *scratch;
  float *gram_w[3]; /* w (t / half)^k at GRAM_POINTS */
  float *gram_re, *gram_im;
  double moment[3]; /* sums of w (t / half)^k */
  double gram_step; /* samples between points */
  Partial partials[MAX_PARTIALS];
  unsigned n_partials;
  double complex matrix[MAX_ORDER * MAX_ORDER];
  double complex rhs[MAX_ORDER];
};

static void
make_windows (AvmJointFit *self)
{
  double half = (double)self->half;

  for (size_t i = 0; i <= 2 * self->half; i++) {
    double u = ((double)i - half) / (half + 1.0);
    double w = 0.5 + 0.5 * cos (M_PI * u);

    self->window[i] = (float)w;
    self->window_t[i] = (float)(w * ((double)i - half) / half);
  }
  self->gram_step = 2.0 * (half + 1.0) / GRAM_POINTS;
  for (int k = 0; k < 3; k++)
    self->moment[k] = 0.0;
  for (size_t i = 0; i < GRAM_POINTS; i++) {
    double t = ((double)i - GRAM_POINTS / 2) * self->gram_step;
    double w = (0.5 + 0.5 * cos (M_PI * t / (half + 1.0))) * self->gram_step;

    for (int k = 0; k < 3; k++) {
      self->gram_w[k][i] = (float)w;
      self->moment[k] += w;
      w *= t / half;
    }
  }
}

AvmJointFit *
avm_jointfit_new (size_t half)
{
  AvmJointFit *self;
  bool ok = true;

  if (half < 32 || half > 65536)
    return NULL;
  self = avm_alloc (1, sizeof (AvmJointFit));
  if (self == NULL)
    return NULL;
  self->half = half;
  self->n = (2 * half + AVM_DEMOD_LANES) / AVM_DEMOD_LANES * AVM_DEMOD_LANES;
  ok &= (self->window = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->window_t = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->x0 = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->x1 = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->osc_re = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->osc_im = avm_alloc (self->n, sizeof (float))) != NULL;
  ok &= (self->scratch = avm_alloc (2 * self->n, sizeof (float))) != NULL;
  ok &= (self->gram_re = avm_alloc (GRAM_POINTS, sizeof (float))) != NULL;
  ok &= (self->gram_im = avm_alloc (GRAM_POINTS, sizeof (float))) != NULL;
  for (int k = 0; k < 3; k++)
    ok &= (self->gram_w[k] = avm_alloc (GRAM_POINTS, sizeof (float))) != NULL;
  if (!ok) {
    avm_jointfit_free (self);
    return NULL;
  }
  make_windows (self);
  return self;
}

void
avm_jointfit_free (AvmJointFit *self)
{
  if (self == NULL)
    return;
  avm_free (self->window);
  avm_free (self->window_t);
  avm_free (self->x0);
  avm_free (self->x1);
  avm_free (self->osc_re);
  avm_free (self->osc_im);
  avm_free (self->scratch);
  avm_free (self->gram_re);
  avm_free (self->gram_im);
  for (int k = 0; k < 3; k++)
    avm_free (self->gram_w[k]);
  avm_free (self);
}

AVM_CLONES static void
multiply (float *out, const float *a, const float *b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = a[i] * b[i];
}

static void
add_voice (AvmJointFit *self, const AvmJointVoice *voice, unsigned index)
{
  AvmComplex c0[AVM_JOINTFIT_MAX_HARMONICS], c1[AVM_JOINTFIT_MAX_HARMONICS];

  avm_demod_oscillator (
      &voice->course, -(double)self->half, self->n, self->osc_re, self->osc_im);
  avm_demod_correlate (self->x0, self->x1, self->osc_re, self->osc_im, self->n,
      voice->n_harmonics, c0, c1, self->scratch);
  for (unsigned h = 0; h < voice->n_harmonics; h++) {
    Partial *p = &self->partials[self->n_partials++];

    p->voice = index;
    p->order = h + 1;
    p->frequency = (h + 1) * voice->course.f0;
    p->c0 = CMPLX (c0[h].re, c0[h].im);
    p->c1 = CMPLX (c1[h].re, c1[h].im);
  }
}

static int
compare_partials (const void *a, const void *b)
{
  double fa = ((const Partial *)a)->frequency;
  double fb = ((const Partial *)b)->frequency;

  return (fa > fb) - (fa < fb);
}

AVM_CLONES static void
gram_sums (const float *w0, const float *w1, const float *w2, const float *re,
    const float *im, float *sums)
{
  float s[6] = {0};

  for (int i = 0; i < GRAM_POINTS; i++) {
    s[0] += w0[i] * re[i];
    s[1] += w0[i] * im[i];
    s[2] += w1[i] * re[i];
    s[3] += w1[i] * im[i];
    s[4] += w2[i] * re[i];
    s[5] += w2[i] * im[i];
  }
  memcpy (sums, s, sizeof (s));
}

/* Sums of w (t / half)^k e_l conj (e_k) for two partials. */
static void
gram_pair (AvmJointFit *self, const AvmJointVoice *voices, const Partial *k,
    const Partial *l, double complex *g)
{
  const AvmDemodCourse *ck = &voices[k->voice].course;
  const AvmDemodCourse *cl = &voices[l->voice].course;
  double step = self->gram_step, hk = k->order, hl = l->order;
  /* the oscillator has the negative phase */
  AvmDemodCourse d = {(hk * ck->f0 - hl * cl->f0) * step,
      (hk * ck->f1 - hl * cl->f1) * step * step,
      (hk * ck->f2 - hl * cl->f2) * step * step * step};
  float s[6];

  avm_demod_oscillator (
      &d, -GRAM_POINTS / 2.0, GRAM_POINTS, self->gram_re, self->gram_im);
  gram_sums (self->gram_w[0], self->gram_w[1], self->gram_w[2], self->gram_re,
      self->gram_im, s);
  for (int i = 0; i < 3; i++)
    g[i] = CMPLX (s[2 * i], s[2 * i + 1]);
}

/* In place Cholesky factor (lower) of a Hermitian positive matrix; the ridge
 * makes it so, the floor guards against rounding. */
static void
cholesky (double complex *m, unsigned n)
{
  for (unsigned j = 0; j < n; j++) {
    double pivot = creal (m[j * n + j]), whole = pivot;

    for (unsigned k = 0; k < j; k++)
      pivot -= creal (m[j * n + k] * conj (m[j * n + k]));
    pivot = sqrt (AVM_MAX (pivot, 1e-9 * whole));
    m[j * n + j] = pivot;
    for (unsigned i = j + 1; i < n; i++) {
      double complex sum = m[i * n + j];

      for (unsigned k = 0; k < j; k++)
        sum -= m[i * n + k] * conj (m[j * n + k]);
      m[i * n + j] = sum / pivot;
    }
  }
}

static void
forward_substitute (const double complex *m, unsigned n, double complex *x)
{
  for (unsigned i = 0; i < n; i++) {
    for (unsigned k = 0; k < i; k++)
      x[i] -= m[i * n + k] * x[k];
    x[i] /= creal (m[i * n + i]);
  }
}

static void
back_substitute (const double complex *m, unsigned n, double complex *x)
{
  for (unsigned i = n; i-- > 0;) {
    for (unsigned k = i + 1; k < n; k++)
      x[i] -= conj (m[k * n + i]) * x[k];
    x[i] /= creal (m[i * n + i]);
  }
}

/* Element (i, i) of the inverse: |L^-1 e_i|^2. */
static double
inverse_diagonal (const double complex *m, unsigned n, unsigned i)
{
  double complex e[MAX_ORDER] = {0};
  double sum = 0.0;

  e[i] = 1.0;
  forward_substitute (m, n, e);
  for (unsigned k = i; k < n; k++)
    sum += creal (e[k] * conj (e[k]));
  return sum;
}

static void
fill_system (AvmJointFit *self, const AvmJointVoice *voices, Partial *p,
    unsigned count, double *overlap)
{
  unsigned n = 2 * count;
  double complex *m = self->matrix, g[3];

  for (unsigned k = 0; k < count; k++) {
    self->rhs[k] = p[k].c0;
    self->rhs[count + k] = p[k].c1;
    for (unsigned l = 0; l <= k; l++) {
      if (l == k) {
        g[0] = self->moment[0] * (1.0 + RIDGE_AMPLITUDE);
        g[1] = self->moment[1];
        g[2] = self->moment[2] * (1.0 + RIDGE_SLOPE);
      } else {
        gram_pair (self, voices, &p[k], &p[l], g);
        overlap[k * count + l] = overlap[l * count + k] =
            creal (g[0] * conj (g[0])) / (self->moment[0] * self->moment[0]);
      }
      /* rows k and count + k; columns l and count + l */
      m[k * n + l] = g[0];
      m[(count + k) * n + count + l] = g[2];
      m[(count + k) * n + l] = g[1];
      m[(count + l) * n + k] = conj (g[1]);
    }
  }
}

/* How well the signal determines a partial: the variance of its slope, and
 * the share of amplitude and slope that came from the ridge, not from the
 * signal, because another partial moves as this one does. */
static void
measure_partial (AvmJointFit *self, Partial *p, unsigned n, unsigned amplitude,
    unsigned slope)
{
  double va = inverse_diagonal (self->matrix, n, amplitude) * self->moment[0];
  double vb = inverse_diagonal (self->matrix, n, slope) * self->moment[2];

  p->slope_variance = vb;
  p->blur = AVM_MIN (AVM_MAX (RIDGE_AMPLITUDE * va, RIDGE_SLOPE * vb), 1.0);
}

static void
solve_cluster (
    AvmJointFit *self, const AvmJointVoice *voices, Partial *p, unsigned count)
{
  double overlap[MAX_CLUSTER * MAX_CLUSTER];
  unsigned n = 2 * count;

  fill_system (self, voices, p, count, overlap);
  cholesky (self->matrix, n);
  forward_substitute (self->matrix, n, self->rhs);
  back_substitute (self->matrix, n, self->rhs);
  for (unsigned k = 0; k < count; k++) {
    p[k].a = self->rhs[k];
    p[k].b = self->rhs[count + k];
    p[k].slope_variance = 1.0;
    p[k].blur = 0.0;
    if (count > 1)
      measure_partial (self, &p[k], n, k, count + k);
    p[k].leak = 0.0;
  }
  for (unsigned k = 0; k < count; k++)
    for (unsigned l = 0; l < count; l++)
      if (l != k)
        p[k].leak += overlap[k * count + l] * creal (p[l].a * conj (p[l].a));
}

static void
solve_all (AvmJointFit *self, const AvmJointVoice *voices)
{
  double touch = TOUCH / (2.0 * (double)self->half);
  unsigned first = 0;

  qsort (self->partials, self->n_partials, sizeof (Partial), compare_partials);
  for (unsigned i = 1; i <= self->n_partials; i++) {
    if (i < self->n_partials && i - first < MAX_CLUSTER
        && self->partials[i].frequency - self->partials[i - 1].frequency
            < touch)
      continue;
    solve_cluster (self, voices, self->partials + first, i - first);
    first = i;
  }
}

/* -- from partials to voices --------------------------------------------- */

/* Variance of the noise in an amplitude: what the partials leave of the
 * windowed energy. */
static double
noise_power (AvmJointFit *self, const float *x)
{
  double energy = 0.0, explained = 0.0, weight = 0.0;

  for (size_t i = 0; i <= 2 * self->half; i++)
    energy += (double)self->x0[i] * (double)x[i];
  for (size_t i = 0; i <= 2 * self->half; i++)
    weight += (double)self->window[i] * (double)self->window[i];
  for (unsigned i = 0; i < self->n_partials; i++) {
    Partial *p = &self->partials[i];

    explained += 2.0 * creal (conj (p->a) * p->c0 + conj (p->b) * p->c1);
  }
  return AVM_MAX (energy - explained, 1e-4 * energy) / self->moment[0] * weight
      / (self->moment[0] * self->moment[0]);
}

static double
square (double x)
{
  return x * x;
}

static double
robust_mean (const double *value, const double *variance, unsigned n,
    double scale, double *sd)
{
  double mean = 0.0, sum = 0.0, scatter = 0.0;

  for (int pass = 0; pass < 5; pass++) {
    double next = 0.0;

    sum = scatter = 0.0;
    for (unsigned i = 0; i < n; i++) {
      double u = value[i] - mean;
      double w = 1.0 / (variance[i] + (pass > 0 ? u * u : scale * scale));

      next += w * value[i];
      scatter += w * w * (u * u + variance[i]);
      sum += w;
    }
    if (!(sum > 0.0))
      return *sd = INFINITY, 0.0;
    mean = next / sum;
  }
  *sd = sqrt (scatter) / sum;
  return mean;
}

static void
conclude_voice (
    AvmJointFit *self, AvmJointVoice *voice, unsigned index, double noise)
{
  double value[AVM_JOINTFIT_MAX_HARMONICS];
  double variance[AVM_JOINTFIT_MAX_HARMONICS], top = 0.0, power = 0.0;
  double to_frequency = 1.0 / (2.0 * M_PI * (double)self->half);
  double ratio = self->moment[0] / self->moment[2];
  unsigned n = 0;

  for (unsigned i = 0; i < self->n_partials; i++) {
    Partial *p = &self->partials[i];

    if (p->voice == index) {
      double own = creal (p->a * conj (p->a));

      top = AVM_MAX (top, own);
      power += 2.0 * own;
    }
  }
  for (unsigned i = 0; i < self->n_partials; i++) {
    Partial *p = &self->partials[i];
    double own = creal (p->a * conj (p->a)), spread;

    if (p->voice != index || !(own > 0.0))
      continue;
    spread = noise + WEAK_PARTIAL * top + UNMODELLED * (own + p->leak);
    value[n] = cimag (p->b * conj (p->a)) / own * to_frequency / p->order;
    variance[n] = 0.5 * ratio * spread * p->slope_variance / own * to_frequency
        * to_frequency / ((double)p->order * p->order);
    variance[n] /= AVM_MAX (1.0 - p->blur, 1e-3);
    variance[n] += square (p->blur * BLUR_SPREAD * voice->course.f0);
    n++;
  }
  voice->level = sqrt (power);
  voice->shift = 0.0;
  voice->sd = INFINITY;
  if (n > 0)
    voice->shift =
        robust_mean (value, variance, n, 0.003 * voice->course.f0, &voice->sd);
}

void
avm_jointfit_do (
    AvmJointFit *self, const float *x, AvmJointVoice *voices, unsigned n_voices)
{
  size_t n = 2 * self->half + 1;
  double noise;

  self->n_partials = 0;
  multiply (self->x0, x, self->window, n);
  multiply (self->x1, x, self->window_t, n);
  n_voices = AVM_MIN (n_voices, AVM_JOINTFIT_MAX_VOICES);
  for (unsigned i = 0; i < n_voices; i++)
    add_voice (self, &voices[i], i);
  solve_all (self, voices);
  noise = noise_power (self, x);
  for (unsigned i = 0; i < n_voices; i++)
    conclude_voice (self, &voices[i], i, noise);
}
