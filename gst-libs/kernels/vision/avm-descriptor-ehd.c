/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Edge histogram of MPEG-7.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <string.h>

#define N AVM_EHD_SIDE
#define BLOCKS (N / 4)
#define TYPES 5
#define NO_EDGE TYPES
/* of a filter on means, and squared on sums of four samples */
#define THRESHOLD 11
#define SQUARED_THRESHOLD (16 * THRESHOLD * THRESHOLD)

struct _AvmEhd {
  int32_t sums[4][BLOCKS]; /* quarters of the blocks of one row */
  int32_t type[BLOCKS];
};

AvmEhd *
avm_ehd_new (void)
{
  return avm_alloc (1, sizeof (AvmEhd));
}

void
avm_ehd_free (AvmEhd *self)
{
  avm_free (self);
}

AVM_CLONES static void
sum_quarters (AvmEhd *self, const uint8_t *row)
{
  for (int q = 0; q < 4; q++) {
    const uint8_t *p = row + (q / 2) * 2 * N + (q % 2) * 2;

    for (int b = 0; b < BLOCKS; b++)
      self->sums[q][b] =
          p[4 * b] + p[4 * b + 1] + p[4 * b + N] + p[4 * b + N + 1];
  }
}

/* Squares compare exactly: the diagonal filters have the factor sqrt (2). */
AVM_CLONES static void
classify (AvmEhd *self)
{
  const int32_t *a = self->sums[0], *b = self->sums[1];
  const int32_t *c = self->sums[2], *d = self->sums[3];

  for (int i = 0; i < BLOCKS; i++) {
    int32_t vertical = a[i] - b[i] + c[i] - d[i];
    int32_t horizontal = a[i] + b[i] - c[i] - d[i];
    int32_t falling = a[i] - d[i], rising = b[i] - c[i];
    int32_t none = a[i] - b[i] - c[i] + d[i];
    int32_t best = SQUARED_THRESHOLD, type = NO_EDGE, s;

    s = vertical * vertical;
    type = s > best ? 0 : type;
    best = AVM_MAX (s, best);
    s = horizontal * horizontal;
    type = s > best ? 1 : type;
    best = AVM_MAX (s, best);
    s = 2 * falling * falling;
    type = s > best ? 2 : type;
    best = AVM_MAX (s, best);
    s = 2 * rising * rising;
    type = s > best ? 3 : type;
    best = AVM_MAX (s, best);
    s = 4 * none * none;
    type = s > best ? 4 : type;
    self->type[i] = type;
  }
}

void
avm_ehd_describe (AvmEhd *self, const uint8_t *luma, float *values)
{
  const float share = 16.0f / (BLOCKS * BLOCKS);
  int counts[16][TYPES + 1];

  memset (counts, 0, sizeof (counts));
  for (int y = 0; y < BLOCKS; y++) {
    sum_quarters (self, luma + 4 * y * N);
    classify (self);
    for (int x = 0; x < BLOCKS; x++)
      counts[4 * (4 * y / BLOCKS) + 4 * x / BLOCKS][self->type[x]]++;
  }
  for (int s = 0; s < 16; s++)
    for (int t = 0; t < TYPES; t++)
      values[TYPES * s + t] = (float)counts[s][t] * share;
}
