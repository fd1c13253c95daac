/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every kernel leans on: errors, memory, random numbers, pitch.
 */

#include "avmcheck.h"

static void
check_errors (void)
{
  AvmError error = {AVM_OK, 0, ""};
  char text[400];

  memset (text, 'x', sizeof (text) - 1);
  text[sizeof (text) - 1] = '\0';
  CHECK (!avm_error_set (&error, AVM_ERROR_CORRUPT, 17, "bad %s", "byte"),
      "returns false");
  CHECK (error.code == AVM_ERROR_CORRUPT && error.offset == 17
          && strcmp (error.detail, "bad byte") == 0,
      "error says %d %lld %s", error.code, (long long)error.offset,
      error.detail);
  avm_error_set (&error, AVM_ERROR_RANGE, -1, "%s", text);
  CHECK (strlen (error.detail) == sizeof (error.detail) - 1, "cut, not spilt");
  CHECK (!avm_error_set (NULL, AVM_ERROR_RANGE, -1, "x"), "no error wanted");
}

static void
check_memory (void)
{
  CHECK (avm_alloc (SIZE_MAX / 2, 4) == NULL, "overflow");
  CHECK (avm_alloc (SIZE_MAX - 10, 1) == NULL, "rounding overflow");
  for (size_t n = 0; n < 300; n += 7) {
    uint8_t *p = avm_alloc (n, 3);
    bool zero = true;

    CHECK (p != NULL && ((uintptr_t)p & 63) == 0, "alignment of %zu", n);
    for (size_t i = 0; p != NULL && i < 3 * n; i++)
      zero &= p[i] == 0;
    CHECK (zero, "zeroed");
    avm_free (p);
  }
  avm_free (NULL);
}

static void
check_random (void)
{
  AvmRng a, b, c;
  double sum = 0.0, squares = 0.0, uniform = 0.0;
  const int n = 100000;
  int same = 0;

  avm_rng_init (&a, 42, 1);
  avm_rng_init (&b, 42, 1);
  avm_rng_init (&c, 42, 2);
  for (int i = 0; i < 1000; i++) {
    uint32_t x = avm_rng_u32 (&a);

    CHECK (x == avm_rng_u32 (&b), "same seed, same number %d", i);
    same += x == avm_rng_u32 (&c);
  }
  CHECK (same < 3, "streams differ");
  avm_rng_init (&a, 42, 54);
  /* first number of the demo of pcg-random.org, seed 42, stream 54 */
  CHECK (avm_rng_u32 (&a) == 0xa15c02b7u, "PCG32");
  for (int i = 0; i < n; i++) {
    double x = avm_rng_normal (&a), u = avm_rng_range (&a, -3.0, 5.0);

    CHECK (u >= -3.0 && u < 5.0, "range: %g", u);
    sum += x;
    squares += x * x;
    uniform += u;
  }
  CHECK_NEAR (sum / n, 0.0, 0.02, 0, "mean");
  CHECK_NEAR (squares / n, 1.0, 0.03, 0, "variance");
  CHECK_NEAR (uniform / n, 1.0, 0.05, 0, "uniform mean");
}

static void
check_pitch (void)
{
  CHECK_NEAR (avm_midi_to_hz (69), 440.0, 1e-9, 0, "A4");
  CHECK_NEAR (avm_midi_to_hz (60), 261.6255653, 1e-6, 0, "C4");
  CHECK_NEAR (avm_hz_to_midi (880.0), 81.0, 1e-9, 0, "A5");
  CHECK_NEAR (avm_cents (442.0, 440.0), 7.8514, 1e-4, 0, "cents");
  for (double midi = -5.3; midi < 130; midi += 1.7)
    CHECK_NEAR (avm_hz_to_midi (avm_midi_to_hz (midi)), midi, 1e-9, 0, "back");
}

static void
check_parabola (void)
{
  for (double at = -0.49; at < 0.5; at += 0.07) {
    double ym = 3 - 2 * (-1 - at) * (-1 - at), y0 = 3 - 2 * at * at;
    double yp = 3 - 2 * (1 - at) * (1 - at);

    CHECK_NEAR (avm_parabolic_offset (ym, y0, yp), at, 1e-9, 0, "maximum");
    CHECK_NEAR (avm_parabolic_offset (-ym, -y0, -yp), at, 1e-9, 0, "minimum");
  }
  CHECK (avm_parabolic_offset (1, 2, 3) == 0.0, "a slope");
  CHECK (avm_parabolic_offset (1, 1, 1) == 0.0, "a plain");
  CHECK (avm_parabolic_offset (NAN, 1, 1) == 0.0, "not a number");
}

static void
check_denormals (void)
{
  unsigned state = avm_ftz_enable ();
  volatile float tiny = 1e-38f;

#if defined(__SSE__)
  CHECK (tiny * 0.01f == 0.0f, "flushed");
#endif
  avm_ftz_restore (state);
  CHECK (tiny * 0.01f != 0.0f, "restored");
}

static void
check_order (void)
{
  double odd[] = {3.0, -1.0, 2.0}, even[] = {4.0, 1.0, 8.0, 2.0};
  float floats[] = {2.0f, -INFINITY, 2.0f, INFINITY};

  CHECK (avm_median (odd, 3) == 2.0 && odd[0] == -1.0 && odd[2] == 3.0, "odd");
  CHECK (avm_median (even, 4) == 3.0, "even");
  CHECK (isnan (avm_median (even, 0)), "the median of nothing");
  CHECK (avm_compare_floats (&floats[0], &floats[2]) == 0
          && avm_compare_floats (&floats[1], &floats[0]) < 0
          && avm_compare_floats (&floats[3], &floats[0]) > 0,
      "floats");
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_errors ();
  check_memory ();
  check_random ();
  check_pitch ();
  check_parabola ();
  check_denormals ();
  check_order ();
  return avmcheck_report ();
}
