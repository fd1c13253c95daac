/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Auto-correlogram of colours.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <string.h>

#define N AVM_ACC_SIDE
#define COLOURS 64
#define DISTANCES 4
#define WIDE (N + 2 * DISTANCES)
#define OUTSIDE 0xff

struct _AvmAcc {
  uint8_t colours[WIDE * WIDE]; /* with a rim of OUTSIDE */
  uint8_t same[DISTANCES][N];   /* neighbours of one row's pixels */
  /* per colour and distance: pairs of one colour, and all pairs */
  uint32_t hits[COLOURS][DISTANCES], pairs[COLOURS][DISTANCES];
};

AvmAcc *
avm_acc_new (void)
{
  AvmAcc *self = avm_alloc (1, sizeof (*self));

  if (self != NULL)
    memset (self->colours, OUTSIDE, sizeof (self->colours));
  return self;
}

void
avm_acc_free (AvmAcc *self)
{
  avm_free (self);
}

/* A quotient of integers below 2^12, correctly rounded, has the right floor:
 * it is exact, or farther from every integer than rounding reaches. */
AVM_CLONES static void
quantise (
    const uint8_t *red, const uint8_t *green, const uint8_t *blue, uint8_t *out)
{
  for (int x = 0; x < N; x++) {
    int r = red[x], g = green[x], b = blue[x];
    int most = AVM_MAX (r, AVM_MAX (g, b)), least = AVM_MIN (r, AVM_MIN (g, b));
    int range = most - least, divisor = AVM_MAX (range, 1);
    /* hue in 60 degrees / range */
    int blueish = 4 * range + r - g, greenish = 2 * range + b - r;
    int reddish = g - b < 0 ? 6 * range + g - b : g - b;
    int hue = g == most ? greenish : blueish;
    int h, s;

    hue = r == most ? reddish : hue;
    h = (int)((float)(4 * hue) / (float)(3 * divisor));
    s = (int)((float)(4 * range) / (float)AVM_MAX (most, 1));
    out[x] = (uint8_t)(8 * h + 2 * AVM_MIN (s, 3) + most / 128);
  }
}

static inline void
compare (const uint8_t *row, const uint8_t *other, uint8_t *restrict same)
{
  for (int x = 0; x < N; x++)
    same[x] = (uint8_t)(same[x] + (row[x] == other[x]));
}

/* Counts the neighbours of one row's pixels that have their colour, on the
 * square rings around them. */
AVM_CLONES static void
count_same (AvmAcc *self, int y)
{
  const uint8_t *row = self->colours + (y + DISTANCES) * WIDE + DISTANCES;

  memset (self->same, 0, sizeof (self->same));
  for (int k = 1; k <= DISTANCES; k++) {
    uint8_t *same = self->same[k - 1];

    for (int i = -k; i <= k; i++) {
      compare (row, row - k * WIDE + i, same);
      compare (row, row + k * WIDE + i, same);
    }
    for (int i = 1 - k; i < k; i++) {
      compare (row, row + i * WIDE - k, same);
      compare (row, row + i * WIDE + k, same);
    }
  }
}

/* Columns (or rows) within k of one, inside the patch */
static inline int
reach (int x, int k)
{
  return AVM_MIN (x, k) + AVM_MIN (N - 1 - x, k) + 1;
}

static void
add_row (AvmAcc *self, int y)
{
  const uint8_t *row = self->colours + (y + DISTANCES) * WIDE + DISTANCES;

  for (int x = 0; x < N; x++) {
    uint32_t *hits = self->hits[row[x]], *pairs = self->pairs[row[x]];
    int inner = 1;

    for (int k = 1; k <= DISTANCES; k++) {
      int square = reach (x, k) * reach (y, k);

      hits[k - 1] += self->same[k - 1][x];
      pairs[k - 1] += (uint32_t)(square - inner);
      inner = square;
    }
  }
}

void
avm_acc_describe (AvmAcc *self, const uint8_t *red, const uint8_t *green,
    const uint8_t *blue, float *values)
{
  memset (self->hits, 0, sizeof (self->hits));
  memset (self->pairs, 0, sizeof (self->pairs));
  for (int y = 0; y < N; y++)
    quantise (red + y * N, green + y * N, blue + y * N,
        self->colours + (y + DISTANCES) * WIDE + DISTANCES);
  for (int y = 0; y < N; y++) {
    count_same (self, y);
    add_row (self, y);
  }
  for (int c = 0; c < COLOURS; c++)
    for (int k = 0; k < DISTANCES; k++)
      values[DISTANCES * c + k] = self->pairs[c][k] > 0
          ? (float)self->hits[c][k] / (float)self->pairs[c][k]
          : 0.0f;
}
