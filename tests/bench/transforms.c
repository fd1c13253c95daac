/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transform and inverse of a stream against nothing but the transforms of
 * FFTW in it, interleaved; minimum CPU time of some repeats.
 *
 * bench-transforms SECONDS REPEATS: lines of size, ours (s), bare (s)
 */

#include <fftw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/avm-common.h"
#include "dsp/avm-stft.h"

#define RATE 48000
#define HOP 512
/* The stream repeats a block that stays in the cache, as buffers in a pipeline
 * do: this measures the transforms, not the memory. */
#define BLOCK 4800

static double
cpu (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
run_ours (size_t size, const float *x, size_t n, float *back, double *worst)
{
  AvmStft *stft = avm_stft_new (AVM_WINDOW_HANN, size, size, HOP);
  AvmIstft *istft = avm_istft_new (AVM_WINDOW_HANN, size, size, HOP);
  size_t pushed = 0, given = 0;
  double begin = cpu ();

  while (pushed < n) {
    size_t at = pushed % BLOCK, want = AVM_MIN (n - pushed, BLOCK - at);
    AvmComplex *bins;

    pushed += avm_stft_push (stft, x + at, want);
    if (pushed == n)
      avm_stft_finish (stft);
    while ((bins = avm_stft_pull (stft)) != NULL) {
      const float *samples;
      size_t got = avm_istft_frame (istft, bins, &samples);

      at = given % BLOCK;
      got = AVM_MIN (got, n - given);
      given += got;
      want = AVM_MIN (got, BLOCK - at);
      memcpy (back + at, samples, want * sizeof (float));
      memcpy (back, samples + want, (got - want) * sizeof (float));
    }
  }
  begin = cpu () - begin;
  avm_stft_free (stft);
  avm_istft_free (istft);
  for (size_t i = 0; i < BLOCK; i++)
    *worst = fmax (*worst, fabs (back[i] - x[i]));
  return begin;
}

static double
run_bare (size_t size, size_t frames)
{
  float *time = fftwf_alloc_real (size);
  fftwf_complex *bins = fftwf_alloc_complex (size / 2 + 1);
  fftwf_plan forward =
      fftwf_plan_dft_r2c_1d ((int)size, time, bins, FFTW_MEASURE);
  fftwf_plan inverse =
      fftwf_plan_dft_c2r_1d ((int)size, bins, time, FFTW_MEASURE);
  double begin;

  for (size_t i = 0; i < size; i++)
    time[i] = 0.0f;
  begin = cpu ();
  for (size_t i = 0; i < frames; i++) {
    fftwf_execute (forward);
    fftwf_execute (inverse);
  }
  begin = cpu () - begin;
  fftwf_destroy_plan (forward);
  fftwf_destroy_plan (inverse);
  fftwf_free (time);
  fftwf_free (bins);
  return begin;
}

int
main (int argc, char **argv)
{
  size_t n =
      (size_t)((argc > 1 ? atof (argv[1]) : 60.0) * RATE) / BLOCK * BLOCK;
  int repeats = argc > 2 ? atoi (argv[2]) : 5;
  float *x = avm_alloc (BLOCK, sizeof (float)), *back;
  AvmRng rng;

  back = avm_alloc (BLOCK, sizeof (float));
  if (x == NULL || back == NULL)
    return 1;
  avm_rng_init (&rng, 1, 1);
  for (size_t i = 0; i < BLOCK; i++)
    x[i] = (float)avm_rng_range (&rng, -1.0, 1.0);
  for (size_t size = 2048; size <= 4096; size *= 2) {
    size_t frames = (n + size / 2 - 1) / HOP + 1;
    double ours = INFINITY, bare = INFINITY, worst = 0.0;

    for (int i = 0; i < repeats; i++) {
      ours = fmin (ours, run_ours (size, x, n, back, &worst));
      bare = fmin (bare, run_bare (size, frames));
    }
    printf ("%zu\t%.4f\t%.4f\t%.2g\n", size, ours, bare, worst);
  }
  avm_free (x);
  avm_free (back);
  return 0;
}
