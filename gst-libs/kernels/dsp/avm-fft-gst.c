/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The LGPL implementation of avm-fft.h, on GStreamer's FFT. The only kernel
 * that links a GStreamer library, and only in builds with -Dgpl=disabled.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-fft.h"

#include <gst/fft/gstfftf32.h>
#include <string.h>

struct _AvmFft {
  size_t n;
  float *time;
  AvmComplex *bins;
  GstFFTF32 *forward, *inverse;
};

AvmFft *
avm_fft_new (size_t n)
{
  AvmFft *fft;

  if (n < 2 || (n & 1) != 0 || n > ((size_t)1 << 24))
    return NULL;
  fft = avm_alloc (1, sizeof (AvmFft));
  if (fft == NULL)
    return NULL;
  fft->n = n;
  fft->time = avm_alloc (n, sizeof (float));
  fft->bins = avm_alloc (n / 2 + 1, sizeof (AvmComplex));
  fft->forward = gst_fft_f32_new ((gint)n, FALSE);
  fft->inverse = gst_fft_f32_new ((gint)n, TRUE);
  if (fft->time == NULL || fft->bins == NULL || fft->forward == NULL
      || fft->inverse == NULL) {
    avm_fft_free (fft);
    return NULL;
  }
  return fft;
}

void
avm_fft_free (AvmFft *fft)
{
  if (fft == NULL)
    return;
  if (fft->forward != NULL)
    gst_fft_f32_free (fft->forward);
  if (fft->inverse != NULL)
    gst_fft_f32_free (fft->inverse);
  avm_free (fft->time);
  avm_free (fft->bins);
  avm_free (fft);
}

size_t
avm_fft_size (const AvmFft *fft)
{
  return fft->n;
}

float *
avm_fft_time (AvmFft *fft)
{
  return fft->time;
}

AvmComplex *
avm_fft_bins (AvmFft *fft)
{
  return fft->bins;
}

void
avm_fft_forward (AvmFft *fft, const float *time, AvmComplex *bins)
{
  gst_fft_f32_fft (fft->forward, time != NULL ? time : fft->time,
      (GstFFTF32Complex *)(bins != NULL ? bins : fft->bins));
}

void
avm_fft_inverse (AvmFft *fft, const AvmComplex *bins, float *time)
{
  float scale = 1.0f / (float)fft->n;
  float *out = time != NULL ? time : fft->time;

  gst_fft_f32_inverse_fft (fft->inverse,
      (const GstFFTF32Complex *)(bins != NULL ? bins : fft->bins), out);
  for (size_t i = 0; i < fft->n; i++)
    out[i] *= scale;
}

void
avm_fft_inverse_unscaled (AvmFft *fft)
{
  gst_fft_f32_inverse_fft (
      fft->inverse, (const GstFFTF32Complex *)fft->bins, fft->time);
}

size_t
avm_fft_good_size (size_t n)
{
  size_t half = (size_t)gst_fft_next_fast_length ((gint)((n + 1) / 2));

  return AVM_MAX (half, 1) * 2;
}
