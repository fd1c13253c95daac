/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dsp/avm-decimate.h"

#include <math.h>
#include <string.h>

/* zero crossings on each side, in output samples; also the lag */
#define HALF 24
#define BLOCK 1024
#define MAX_FACTOR 64
#define TARGET_RATE 14500.0

struct _AvmDecimator {
  unsigned factor;
  size_t n_taps; /* 2 HALF factor, the last one padded */
  float *taps;
  float *history; /* n_taps - 1 + BLOCK samples */
  size_t fill;    /* samples in history */
  size_t skip;    /* to drop from history before the next output */
  uint64_t consumed, produced;
};

static double
bessel_i0 (double x)
{
  double sum = 1.0, term = 1.0;

  for (int k = 1; k < 40; k++) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
  }
  return sum;
}

static void
make_taps (AvmDecimator *self)
{
  double centre = HALF * (double)self->factor, cut = 0.9 / self->factor;
  double sum = 0.0;

  for (size_t i = 0; i < self->n_taps; i++) {
    double x = (double)i - centre, u = x / centre, v = M_PI * cut * x;
    double sinc = x == 0.0 ? 1.0 : sin (v) / v;

    if (fabs (u) <= 1.0)
      self->taps[i] = (float)(sinc * bessel_i0 (8.0 * sqrt (1.0 - u * u)));
    sum += self->taps[i];
  }
  for (size_t i = 0; i < self->n_taps; i++)
    self->taps[i] = (float)(self->taps[i] / sum);
}

AvmDecimator *
avm_decimator_new (unsigned factor)
{
  AvmDecimator *self;

  if (factor < 1 || factor > MAX_FACTOR)
    return NULL;
  self = avm_alloc (1, sizeof (AvmDecimator));
  if (self == NULL)
    return NULL;
  self->factor = factor;
  self->n_taps = (2 * HALF * factor + 1 + 15) & ~(size_t)15;
  self->taps = avm_alloc (self->n_taps, sizeof (float));
  self->history = avm_alloc (self->n_taps + BLOCK, sizeof (float));
  if (self->taps == NULL || self->history == NULL) {
    avm_decimator_free (self);
    return NULL;
  }
  make_taps (self);
  avm_decimator_reset (self);
  return self;
}

void
avm_decimator_free (AvmDecimator *self)
{
  if (self == NULL)
    return;
  avm_free (self->taps);
  avm_free (self->history);
  avm_free (self);
}

void
avm_decimator_reset (AvmDecimator *self)
{
  /* half a filter of silence before the first sample */
  self->fill = (size_t)HALF * self->factor;
  memset (self->history, 0, self->fill * sizeof (float));
  self->skip = 0;
  self->consumed = self->produced = 0;
}

unsigned
avm_decimator_factor (const AvmDecimator *self)
{
  return self->factor;
}

unsigned
avm_decimator_factor_for (double rate)
{
  double factor = floor (rate / TARGET_RATE);

  return (unsigned)AVM_CLAMP (factor, 1.0, (double)MAX_FACTOR);
}

AVM_CLONES static float
dot (const float *a, const float *b, size_t n)
{
  float lanes[16] = {0}, sum = 0.0f;

  for (size_t i = 0; i < n; i += 16)
    for (int k = 0; k < 16; k++)
      lanes[k] += a[i + k] * b[i + k];
  for (int k = 0; k < 16; k++)
    sum += lanes[k];
  return sum;
}

static size_t
drain (AvmDecimator *self, float *out)
{
  size_t at = self->skip, n = 0;

  for (; at + self->n_taps <= self->fill; at += self->factor)
    out[n++] = dot (self->history + at, self->taps, self->n_taps);
  self->skip = 0;
  if (at >= self->fill) {
    self->skip = at - self->fill;
    self->fill = 0;
  } else {
    memmove (
        self->history, self->history + at, (self->fill - at) * sizeof (float));
    self->fill -= at;
  }
  self->produced += n;
  return n;
}

static void
copy_finite (float *out, const float *in, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = isfinite (in[i]) ? in[i] : 0.0f;
}

size_t
avm_decimator_do (AvmDecimator *self, const float *in, size_t n, float *out)
{
  size_t n_out = 0;

  self->consumed += n;
  if (self->factor == 1) {
    copy_finite (out, in, n);
    self->produced += n;
    return n;
  }
  while (n > 0) {
    size_t chunk = AVM_MIN (n, self->n_taps + BLOCK - self->fill);

    copy_finite (self->history + self->fill, in, chunk);
    self->fill += chunk;
    in += chunk;
    n -= chunk;
    n_out += drain (self, out + n_out);
  }
  return n_out;
}

size_t
avm_decimator_finish (AvmDecimator *self, float *out)
{
  uint64_t due = (self->consumed + self->factor - 1) / self->factor;
  size_t n_out = 0;

  while (self->produced < due) {
    size_t room = self->n_taps + BLOCK - self->fill;
    size_t chunk = AVM_MIN (room, (size_t)self->factor);

    memset (self->history + self->fill, 0, chunk * sizeof (float));
    self->fill += chunk;
    n_out += drain (self, out + n_out);
  }
  avm_decimator_reset (self);
  return n_out;
}

void
avm_downmix_f32 (const float *in, size_t n, unsigned channels, float *out)
{
  float scale = 1.0f / (float)channels;

  for (size_t i = 0; i < n; i++, in += channels) {
    float sum = in[0];

    for (unsigned c = 1; c < channels; c++)
      sum += in[c];
    out[i] = sum * scale;
  }
}

void
avm_downmix_s16 (const int16_t *in, size_t n, unsigned channels, float *out)
{
  float scale = 1.0f / (32768.0f * (float)channels);

  for (size_t i = 0; i < n; i++, in += channels) {
    int sum = in[0];

    for (unsigned c = 1; c < channels; c++)
      sum += in[c];
    out[i] = (float)sum * scale;
  }
}

AVM_CLONES void
avm_quantise_s16 (const float *in, size_t n, int16_t *out)
{
  for (size_t i = 0; i < n; i++)
    out[i] = (int16_t)rintf (AVM_CLAMP (in[i] * 32768.0f, -32768.0f, 32767.0f));
}
