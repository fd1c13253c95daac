/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transform of a stream: frames against the definition, however the
 * stream is cut, and the inverse against the signal, edges included.
 */

#include "avmcheck.h"
#include "dsp/avm-stft.h"

static float *
make_noise (size_t n)
{
  float *x = avm_alloc (n, sizeof (float));

  for (size_t i = 0; i < n; i++)
    x[i] = (float)avm_rng_normal (&avmcheck_rng);
  return x;
}

/* One bin of frame i, in double, straight from the header's words. */
static void
reference_bin (const float *x, size_t n, const float *w, size_t window_size,
    size_t fft_size, size_t hop, size_t i, size_t k, double *re, double *im)
{
  *re = *im = 0.0;
  for (size_t t = 0; t < window_size; t++) {
    int64_t at = (int64_t)(i * hop + t) - (int64_t)window_size / 2;
    double phase = -2.0 * M_PI * (double)(t * k % fft_size) / (double)fft_size;

    if (at < 0 || at >= (int64_t)n)
      continue;
    *re += w[t] * x[at] * cos (phase);
    *im += w[t] * x[at] * sin (phase);
  }
}

typedef struct {
  AvmWindow window;
  size_t window_size, fft_size, hop, n;
} Case;

static double
frame_error (const Case *c, const float *x, const float *w, size_t i,
    const AvmComplex *bins)
{
  double worst = 0.0;

  for (size_t k = 0; k <= c->fft_size / 2; k += 1 + c->fft_size / 37) {
    double re, im;

    reference_bin (
        x, c->n, w, c->window_size, c->fft_size, c->hop, i, k, &re, &im);
    worst = fmax (worst, hypot (bins[k].re - re, bins[k].im - im));
  }
  return worst / sqrt ((double)c->fft_size);
}

static void
collect (AvmIstft *istft, const AvmComplex *bins, float *back, size_t n,
    size_t *n_back)
{
  const float *samples;
  size_t got = avm_istft_frame (istft, bins, &samples);

  got = AVM_MIN (got, n - *n_back);
  memcpy (back + *n_back, samples, got * sizeof (float));
  *n_back += got;
}

static void
check_case (const Case *c)
{
  AvmStft *stft = avm_stft_new (c->window, c->window_size, c->fft_size, c->hop);
  AvmIstft *istft =
      avm_istft_new (c->window, c->window_size, c->fft_size, c->hop);
  float *x = make_noise (c->n), *back = avm_alloc (c->n, sizeof (float));
  float *w = avm_alloc (c->window_size, sizeof (float));
  size_t frames = 0, pushed = 0, n_back = 0, expected;
  double worst = 0.0, worst_back = 0.0;
  AvmComplex *bins;

  CHECK (stft != NULL && istft != NULL, "new");
  CHECK (avm_stft_n_bins (stft) == c->fft_size / 2 + 1, "bins");
  avm_window_fill (c->window, w, c->window_size);
  for (;;) {
    size_t chunk = avm_rng_u32 (&avmcheck_rng) % (3 * c->window_size);

    chunk = AVM_MIN (chunk, c->n - pushed);
    pushed += avm_stft_push (stft, x + pushed, chunk);
    if (pushed == c->n)
      avm_stft_finish (stft);
    while ((bins = avm_stft_pull (stft)) != NULL) {
      worst = fmax (worst, frame_error (c, x, w, frames++, bins));
      collect (istft, bins, back, c->n, &n_back);
    }
    if (pushed == c->n)
      break;
  }
  expected = c->n == 0 ? 0 : (c->n + c->window_size / 2 - 1) / c->hop + 1;
  CHECK (frames == expected, "%zu frames instead of %zu (n %zu, window %zu)",
      frames, expected, c->n, c->window_size);
  CHECK (
      worst < 1e-4, "frames differ by %g (window %zu)", worst, c->window_size);
  CHECK (n_back == c->n, "%zu samples back instead of %zu", n_back, c->n);
  for (size_t i = 0; i < c->n; i++)
    worst_back = fmax (worst_back, fabs (back[i] - x[i]));
  CHECK (worst_back < 2e-4, "inverse differs by %g (window %d %zu, hop %zu)",
      worst_back, (int)c->window, c->window_size, c->hop);
  avm_stft_free (stft);
  avm_istft_free (istft);
  avm_free (x);
  avm_free (back);
  avm_free (w);
}

static void
check_reset (void)
{
  AvmStft *stft = avm_stft_new (AVM_WINDOW_HANN, 64, 64, 16);
  float *x = make_noise (64), *first = avm_alloc (66, sizeof (float));
  AvmComplex *bins;

  avm_stft_push (stft, x, 64);
  bins = avm_stft_pull (stft);
  CHECK (bins != NULL, "a frame");
  memcpy (first, bins, 66 * sizeof (float));
  avm_stft_finish (stft);
  CHECK (avm_stft_push (stft, x, 64) == 0, "nothing after the end");
  avm_stft_reset (stft);
  avm_stft_push (stft, x, 64);
  bins = avm_stft_pull (stft);
  CHECK (bins != NULL && memcmp (first, bins, 66 * sizeof (float)) == 0,
      "the same again");
  avm_stft_free (stft);
  avm_free (x);
  avm_free (first);
}

static void
check_ranges (void)
{
  float w[8];

  CHECK (avm_stft_new (AVM_WINDOW_HANN, 0, 64, 16) == NULL, "no window");
  CHECK (avm_stft_new (AVM_WINDOW_HANN, 65, 66, 16) == NULL, "odd");
  CHECK (avm_stft_new (AVM_WINDOW_HANN, 128, 64, 16) == NULL, "too large");
  CHECK (avm_stft_new (AVM_WINDOW_HANN, 64, 64, 0) == NULL, "no hop");
  CHECK (avm_stft_new (AVM_WINDOW_HANN, 64, 64, 65) == NULL, "gaps");
  CHECK (avm_istft_new (AVM_WINDOW_HANN, 64, 64, 64) == NULL, "uncovered");
  avm_stft_free (NULL);
  avm_istft_free (NULL);
  for (int window = 0; window <= AVM_WINDOW_RECTANGULAR; window++) {
    avm_window_fill ((AvmWindow)window, w, 8);
    CHECK_NEAR (w[4], 1.0, 1e-6, 0, "peak of window %d", window);
    CHECK_NEAR (w[3], w[5], 1e-6, 0, "symmetry of window %d", window);
  }
}

int
main (int argc, char **argv)
{
  static const Case cases[] = {
      {AVM_WINDOW_HANN, 64, 64, 16, 1000},
      {AVM_WINDOW_HANN, 64, 128, 32, 333},
      {AVM_WINDOW_HAMMING, 60, 64, 17, 500},
      {AVM_WINDOW_BLACKMAN, 256, 256, 64, 1},
      {AVM_WINDOW_RECTANGULAR, 30, 30, 30, 299},
      {AVM_WINDOW_HANN, 2048, 2048, 512, 20000},
      {AVM_WINDOW_HANN, 2, 2, 1, 40},
      {AVM_WINDOW_HANN, 512, 1024, 480, 0},
      {AVM_WINDOW_HAMMING, 480, 1024, 480, 4000},
  };

  avmcheck_init (argc, argv);
  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
    check_case (&cases[i]);
  check_reset ();
  check_ranges ();
  return avmcheck_report ();
}
