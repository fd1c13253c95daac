/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Orc kernels against scalar C: every size and offset that may meet a
 * different path, values that are no numbers, denormals, and the bytes behind
 * the end.
 */

#include "avmcheck.h"
#include "avm-dsp-orc.h"

#define MOST 200
#define GUARD 16
#define GUARD_VALUE 12345.0f

static float a[MOST + GUARD], b[MOST + GUARD], d[MOST + GUARD];
static int16_t s[MOST + GUARD];

static float
make_value (void)
{
  switch (avm_rng_u32 (&avmcheck_rng) % 24) {
    case 0:
      return NAN;
    case 1:
      return INFINITY;
    case 2:
      return 1e-41f;
    case 3:
      return 0.0f;
    case 4:
      return -0.0f;
    default:
      return (float)avm_rng_range (&avmcheck_rng, -3.0, 3.0);
  }
}

static void
fill (void)
{
  for (int i = 0; i < MOST + GUARD; i++) {
    a[i] = make_value ();
    b[i] = make_value ();
    s[i] = (int16_t)avm_rng_u32 (&avmcheck_rng);
    d[i] = GUARD_VALUE;
  }
}

/* Denormals may be flushed, nothing else may differ. */
static bool
same (float x, float y)
{
  if (isnan (x) || isnan (y))
    return isnan (x) && isnan (y);
  return x == y || fabsf (x - y) <= 1e-6f * fabsf (y) + 1.2e-38f;
}

/* Some implementations flush denormals before they compute, which shows
 * where they meet an infinity. */
static float
flushed (float x)
{
  return fabsf (x) < 1.17549435e-38f ? 0.0f : x;
}

static void
check_guard (const char *name, int at, int n)
{
  bool whole = true;

  for (int i = 0; i < at; i++)
    whole &= d[i] == GUARD_VALUE;
  for (int i = at + n; i < MOST + GUARD; i++)
    whole &= d[i] == GUARD_VALUE;
  CHECK (whole, "%s wrote outside %d values at %d", name, n, at);
}

static void
check_products (int at, int n)
{
  bool good = true;

  fill ();
  avm_dsp_orc_mul_f32 (d + at, a + at, b + at, n);
  for (int i = at; i < at + n; i++)
    good &= same (d[i], a[i] * b[i])
        || same (d[i], flushed (a[i]) * flushed (b[i]));
  CHECK (good, "mul_f32 of %d values at %d", n, at);
  check_guard ("mul_f32", at, n);

  fill ();
  good = true;
  avm_dsp_orc_scale_f32 (d + at, a + at, 0.75f, n);
  for (int i = at; i < at + n; i++)
    good &= same (d[i], a[i] * 0.75f);
  CHECK (good, "scale_f32 of %d values at %d", n, at);
  check_guard ("scale_f32", at, n);
}

static void
check_conversions (int at, int n)
{
  bool good = true;

  fill ();
  avm_dsp_orc_s16_to_f32 (d + at, s + at, 1.0f / 32768.0f, n);
  for (int i = at; i < at + n; i++)
    good &= same (d[i], (float)s[i] * (1.0f / 32768.0f));
  CHECK (good, "s16_to_f32 of %d values at %d", n, at);
  check_guard ("s16_to_f32", at, n);

  fill ();
  good = true;
  n /= 2;
  avm_dsp_orc_power_f32 (d + at, a, n);
  for (int i = 0; i < n; i++)
    good &= same (d[at + i], a[2 * i] * a[2 * i] + a[2 * i + 1] * a[2 * i + 1]);
  CHECK (good, "power_f32 of %d values at %d", n, at);
  check_guard ("power_f32", at, n);
}

static void
bench (void)
{
  float *x = avm_alloc (2048, sizeof (float));
  float *y = avm_alloc (2048, sizeof (float));
  float *z = avm_alloc (2048, sizeof (float));

  for (int i = 0; i < 2048; i++)
    x[i] = y[i] = (float)avm_rng_uniform (&avmcheck_rng);
  BENCH ("mul_f32 of 2048", 20000,
      for (int i = 0; i < 2048; i++) z[i] = x[i] * y[i],
      avm_dsp_orc_mul_f32 (z, x, y, 2048));
  avm_free (x);
  avm_free (y);
  avm_free (z);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  for (int n = 0; n <= 70; n++) {
    for (int at = 0; at < 9; at++) {
      check_products (at, n);
      check_conversions (at, n);
    }
  }
  check_products (3, MOST - 3);
  check_conversions (5, MOST - 5);
  bench ();
  return avmcheck_report ();
}
