/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Orc kernels of the vision stages against scalar C: all lengths and
 * alignments of short rows, guard bytes on both sides. --bench compares costs.
 */

#include "avmcheck.h"

#include "avm-vision-orc.h"

#define GUARD 32
#define LONGEST 131

static void
reference_u8_to_f32 (float *d, const uint8_t *s, int n)
{
  for (int i = 0; i < n; i++)
    d[i] = s[i];
}

static void
reference_absdiff_u8 (uint8_t *d, const uint8_t *a, const uint8_t *b, int n)
{
  for (int i = 0; i < n; i++)
    d[i] = (uint8_t)(a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
}

static void
randomise (uint8_t *p, int n)
{
  for (int i = 0; i < n; i++)
    p[i] = (uint8_t)avm_rng_u32 (&avmcheck_rng);
}

static void
check_u8_to_f32 (int n, int shift)
{
  uint8_t s[LONGEST + 16];
  float d[LONGEST + 16 + 2 * GUARD], expected[LONGEST];
  float *out = d + GUARD + shift;
  bool intact = true;

  randomise (s, LONGEST + 16);
  for (int i = 0; i < LONGEST + 16 + 2 * GUARD; i++)
    d[i] = -7.0f;
  avm_vision_orc_u8_to_f32 (out, s + shift, n);
  reference_u8_to_f32 (expected, s + shift, n);
  CHECK (memcmp (out, expected, (size_t)n * sizeof (float)) == 0, "n = %d", n);
  for (int i = 0; i < LONGEST + 16 + 2 * GUARD; i++)
    intact &= (&d[i] >= out && &d[i] < out + n) || d[i] == -7.0f;
  CHECK (intact, "n = %d, shift %d: wrote outside", n, shift);
}

static void
check_absdiff_u8 (int n, int shift)
{
  uint8_t a[LONGEST + 16], b[LONGEST + 16], expected[LONGEST];
  uint8_t d[LONGEST + 16 + 2 * GUARD], *out = d + GUARD + shift;
  bool intact = true;

  randomise (a, LONGEST + 16);
  randomise (b, LONGEST + 16);
  memset (d, 0x5a, sizeof (d));
  avm_vision_orc_absdiff_u8 (out, a + shift, b + 1, n);
  reference_absdiff_u8 (expected, a + shift, b + 1, n);
  CHECK (memcmp (out, expected, (size_t)n) == 0, "n = %d", n);
  for (int i = 0; i < (int)sizeof (d); i++)
    intact &= (&d[i] >= out && &d[i] < out + n) || d[i] == 0x5a;
  CHECK (intact, "n = %d, shift %d: wrote outside", n, shift);
}

int
main (int argc, char **argv)
{
  static uint8_t a[65536], b[65536], c[65536];
  static float f[65536];

  avmcheck_init (argc, argv);
  for (int n = 1; n <= LONGEST; n++)
    for (int shift = 0; shift < 16; shift += 5) {
      check_u8_to_f32 (n, shift);
      check_absdiff_u8 (n, shift);
    }
  randomise (a, sizeof (a));
  randomise (b, sizeof (b));
  BENCH ("u8_to_f32, 65536", 200, reference_u8_to_f32 (f, a, sizeof (a)),
      avm_vision_orc_u8_to_f32 (f, a, sizeof (a)));
  BENCH ("absdiff_u8, 65536", 200, reference_absdiff_u8 (c, a, b, sizeof (a)),
      avm_vision_orc_absdiff_u8 (c, a, b, sizeof (a)));
  return avmcheck_report ();
}
