/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-fft.h"

#include <fftw3.h>
#include <pthread.h>
#include <string.h>

struct _AvmFft {
  size_t n;
  float *time;
  AvmComplex *bins;
  fftwf_plan forward, inverse;
};

/* FFTW's planner is process-wide, and plugins cannot know each other: make it
 * thread-safe for everybody where the library can, and serialise our own
 * calls where it cannot. */
static pthread_mutex_t planner_lock = PTHREAD_MUTEX_INITIALIZER;

#ifdef HAVE_FFTW_THREADS
static pthread_once_t planner_once = PTHREAD_ONCE_INIT;
#endif

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
#ifdef HAVE_FFTW_THREADS
  pthread_once (&planner_once, fftwf_make_planner_thread_safe);
#endif
  pthread_mutex_lock (&planner_lock);
  if (fft->time != NULL && fft->bins != NULL) {
    unsigned flags = n <= 4096 ? FFTW_MEASURE : FFTW_ESTIMATE;

    fft->forward = fftwf_plan_dft_r2c_1d (
        (int)n, fft->time, (fftwf_complex *)fft->bins, flags);
    fft->inverse = fftwf_plan_dft_c2r_1d (
        (int)n, (fftwf_complex *)fft->bins, fft->time, flags);
  }
  pthread_mutex_unlock (&planner_lock);
  if (fft->forward == NULL || fft->inverse == NULL) {
    avm_fft_free (fft);
    return NULL;
  }
  memset (fft->time, 0, n * sizeof (float));
  memset (fft->bins, 0, (n / 2 + 1) * sizeof (AvmComplex));
  return fft;
}

void
avm_fft_free (AvmFft *fft)
{
  if (fft == NULL)
    return;
  pthread_mutex_lock (&planner_lock);
  if (fft->forward != NULL)
    fftwf_destroy_plan (fft->forward);
  if (fft->inverse != NULL)
    fftwf_destroy_plan (fft->inverse);
  pthread_mutex_unlock (&planner_lock);
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

/* The plans are made for the plan's own aligned buffers; foreign memory is
 * copied, which costs less than an unaligned plan. */
void
avm_fft_forward (AvmFft *fft, const float *time, AvmComplex *bins)
{
  if (time != NULL && time != fft->time)
    memcpy (fft->time, time, fft->n * sizeof (float));
  fftwf_execute (fft->forward);
  if (bins != NULL && bins != fft->bins)
    memcpy (bins, fft->bins, (fft->n / 2 + 1) * sizeof (AvmComplex));
}

void
avm_fft_inverse (AvmFft *fft, const AvmComplex *bins, float *time)
{
  float scale = 1.0f / (float)fft->n;
  float *out = time != NULL ? time : fft->time;

  if (bins != NULL && bins != fft->bins)
    memcpy (fft->bins, bins, (fft->n / 2 + 1) * sizeof (AvmComplex));
  fftwf_execute (fft->inverse);
  for (size_t i = 0; i < fft->n; i++)
    out[i] = fft->time[i] * scale;
}

void
avm_fft_inverse_unscaled (AvmFft *fft)
{
  fftwf_execute (fft->inverse);
}

size_t
avm_fft_good_size (size_t n)
{
  for (size_t m = AVM_MAX (n + (n & 1), 2);; m += 2) {
    size_t r = m;

    while (r % 2 == 0)
      r /= 2;
    while (r % 3 == 0)
      r /= 3;
    while (r % 5 == 0)
      r /= 5;
    if (r == 1)
      return m;
  }
}
