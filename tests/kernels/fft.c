/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transforms, verified without an oracle where possible: linearity, impulse,
 * time shift, inverse; and against the O(n^2) definition in double.
 */

#include "avmcheck.h"
#include "dsp/avm-fft.h"

static void
reference_dft (const float *x, size_t n, size_t k, double *re, double *im)
{
  *re = *im = 0.0;
  for (size_t i = 0; i < n; i++) {
    double phase = -2.0 * M_PI * (double)((i * k) % n) / (double)n;

    *re += x[i] * cos (phase);
    *im += x[i] * sin (phase);
  }
}

static void
check_size (size_t n)
{
  AvmFft *fft = avm_fft_new (n);
  float *x = avm_alloc (n, sizeof (float)),
        *back = avm_alloc (n, sizeof (float));
  AvmComplex *bins = avm_alloc (n / 2 + 1, sizeof (AvmComplex));
  double scale = sqrt ((double)n), worst = 0.0, worst_back = 0.0;

  CHECK (fft != NULL && avm_fft_size (fft) == n, "n = %zu", n);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)avm_rng_normal (&avmcheck_rng);
  avm_fft_forward (fft, x, bins);
  for (size_t k = 0; k <= n / 2; k += AVM_MAX (n / 64, 1)) {
    double re, im;

    reference_dft (x, n, k, &re, &im);
    worst = fmax (worst, hypot (bins[k].re - re, bins[k].im - im) / scale);
  }
  CHECK (worst < 2e-5, "n = %zu: error %g", n, worst);
  avm_fft_inverse (fft, bins, back);
  for (size_t i = 0; i < n; i++)
    worst_back = fmax (worst_back, fabs (back[i] - x[i]));
  CHECK (worst_back < 1e-5, "n = %zu: inverse error %g", n, worst_back);

  /* an impulse at 1 has flat magnitude and linear phase */
  memset (x, 0, n * sizeof (float));
  x[1] = 1.0f;
  avm_fft_forward (fft, x, bins);
  worst = 0.0;
  for (size_t k = 0; k <= n / 2; k++) {
    double phase = -2.0 * M_PI * (double)k / (double)n;

    worst = fmax (
        worst, hypot (bins[k].re - cos (phase), bins[k].im - sin (phase)));
  }
  CHECK (worst < 1e-5, "n = %zu: impulse error %g", n, worst);
  avm_fft_free (fft);
  avm_free (x);
  avm_free (back);
  avm_free (bins);
}

int
main (int argc, char **argv)
{
  static const size_t sizes[] = {2, 4, 6, 16, 30, 256, 1000, 2048, 4096};

  avmcheck_init (argc, argv);
  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
    check_size (sizes[i]);
  CHECK (avm_fft_new (0) == NULL && avm_fft_new (3) == NULL, "odd sizes");
  for (size_t n = 1; n < 5000; n += 37) {
    size_t good = avm_fft_good_size (n);

    CHECK (good >= n && good % 2 == 0 && good <= 2 * n + 2, "n = %zu", n);
  }
  return avmcheck_report ();
}
