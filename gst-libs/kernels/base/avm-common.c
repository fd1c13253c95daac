/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "base/avm-common.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

bool
avm_error_set (
    AvmError *error, AvmErrorCode code, int64_t offset, const char *format, ...)
{
  va_list args;

  if (error == NULL)
    return false;
  error->code = code;
  error->offset = offset;
  va_start (args, format);
  vsnprintf (error->detail, sizeof (error->detail), format, args);
  va_end (args);
  return false;
}

void *
avm_alloc (size_t count, size_t size)
{
  size_t bytes;
  void *p;

  if (size != 0 && count > (SIZE_MAX - 64) / size)
    return NULL;
  bytes = (count * size + 63) & ~(size_t)63;
  if (bytes == 0)
    bytes = 64;
  p = aligned_alloc (64, bytes);
  if (p != NULL)
    memset (p, 0, bytes);
  return p;
}

void
avm_free (void *p)
{
  free (p);
}

void
avm_rng_init (AvmRng *rng, uint64_t seed, uint64_t stream)
{
  rng->state = 0;
  rng->inc = (stream << 1) | 1;
  avm_rng_u32 (rng);
  rng->state += seed;
  avm_rng_u32 (rng);
}

uint32_t
avm_rng_u32 (AvmRng *rng)
{
  uint64_t old = rng->state;
  uint32_t xorshifted = (uint32_t)(((old >> 18) ^ old) >> 27);
  uint32_t rot = (uint32_t)(old >> 59);

  rng->state = old * UINT64_C (6364136223846793005) + rng->inc;
  return (xorshifted >> rot) | (xorshifted << ((32 - rot) & 31));
}

double
avm_rng_uniform (AvmRng *rng)
{
  return avm_rng_u32 (rng) * (1.0 / 4294967296.0);
}

double
avm_rng_range (AvmRng *rng, double lo, double hi)
{
  return lo + (hi - lo) * avm_rng_uniform (rng);
}

double
avm_rng_normal (AvmRng *rng)
{
  double u = 1.0 - avm_rng_uniform (rng);
  double v = avm_rng_uniform (rng);

  return sqrt (-2.0 * log (u)) * cos (2.0 * M_PI * v);
}

unsigned
avm_ftz_enable (void)
{
#if defined(__SSE__)
  unsigned old = _mm_getcsr ();

  /* bit 15 flush to zero, bit 6 denormals are zero */
  _mm_setcsr (old | 0x8040);
  return old;
#else
  return 0;
#endif
}

void
avm_ftz_restore (unsigned state)
{
#if defined(__SSE__)
  _mm_setcsr (state);
#else
  (void)state;
#endif
}

double
avm_hz_to_midi (double hz)
{
  return 69.0 + 12.0 * log2 (hz / 440.0);
}

double
avm_midi_to_hz (double midi)
{
  return 440.0 * exp2 ((midi - 69.0) / 12.0);
}

double
avm_cents (double a_hz, double b_hz)
{
  return 1200.0 * log2 (a_hz / b_hz);
}

double
avm_parabolic_offset (double ym, double y0, double yp)
{
  double curvature = ym - 2.0 * y0 + yp;

  if (!((y0 > ym && y0 >= yp) || (y0 >= ym && y0 > yp) || (y0 < ym && y0 <= yp)
          || (y0 <= ym && y0 < yp)))
    return 0.0;
  if (curvature == 0.0)
    return 0.0;
  return AVM_CLAMP (0.5 * (ym - yp) / curvature, -0.5, 0.5);
}

int
avm_compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

int
avm_compare_floats (const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;

  return (x > y) - (x < y);
}

double
avm_median (double *values, size_t n)
{
  if (n == 0)
    return NAN;
  qsort (values, n, sizeof (double), avm_compare_doubles);
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}
