/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pyramid of histograms of oriented gradients of Canny's edges.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <math.h>
#include <string.h>

#define N AVM_PHOG_SIDE
#define BINS 30
#define PAD 2
#define WIDE (N + 2 * PAD)
/* Sobel gradients of quarter greys: 1020 * 4 per axis */
#define MAX_LENGTH 5771
/* Least upper threshold: 3 grey/px in units of 1/32 grey/px */
#define MIN_THRESHOLD 96

struct _AvmPhog {
  uint8_t padded[WIDE * WIDE];
  uint16_t across[WIDE * N];         /* smoothed along rows */
  int16_t smooth[(N + 2) * (N + 2)]; /* quarter greys, one px of rim */
  int16_t gx[N * N], gy[N * N];
  int32_t squared[N * N]; /* of the gradient's length */
  int16_t length[N * N];
  uint8_t state[N * N];
  int32_t counts[MAX_LENGTH + 2];
  uint16_t stack[N * N];
};

enum {
  NOTHING,
  MAYBE, /* a maximum of at least the lower threshold */
  EDGE
};

AvmPhog *
avm_phog_new (void)
{
  return avm_alloc (1, sizeof (AvmPhog));
}

void
avm_phog_free (AvmPhog *self)
{
  avm_free (self);
}

static void
pad (AvmPhog *self, const uint8_t *luma)
{
  for (int y = 0; y < WIDE; y++) {
    const uint8_t *row = luma + AVM_CLAMP (y - PAD, 0, N - 1) * N;
    uint8_t *out = self->padded + y * WIDE;

    memset (out, row[0], PAD);
    memcpy (out + PAD, row, N);
    memset (out + PAD + N, row[N - 1], PAD);
  }
}

AVM_CLONES static void
smooth (AvmPhog *self)
{
  const int wide = N + 2;
  int16_t *out = self->smooth;

  for (int y = 0; y < WIDE; y++) {
    const uint8_t *p = self->padded + y * WIDE;
    uint16_t *q = self->across + y * N;

    for (int x = 0; x < N; x++)
      q[x] = (uint16_t)(p[x] + p[x + 4] + 4 * (p[x + 1] + p[x + 3])
          + 6 * p[x + 2]);
  }
  for (int y = 0; y < N; y++) {
    const uint16_t *p = self->across + y * N;
    int16_t *q = out + (y + 1) * wide + 1;

    for (int x = 0; x < N; x++) {
      int sum = p[x] + p[x + 4 * N] + 4 * (p[x + N] + p[x + 3 * N])
          + 6 * p[x + 2 * N];

      q[x] = (int16_t)((sum + 32) >> 6);
    }
    q[-1] = q[0];
    q[N] = q[N - 1];
  }
  memcpy (out, out + wide, wide * sizeof (*out));
  memcpy (out + (N + 1) * wide, out + N * wide, wide * sizeof (*out));
}

AVM_CLONES static void
differentiate (AvmPhog *self)
{
  const int wide = N + 2;

  for (int y = 0; y < N; y++) {
    const int16_t *a = self->smooth + y * wide, *b = a + wide, *c = b + wide;
    int16_t *gx = self->gx + y * N, *gy = self->gy + y * N;
    int32_t *squared = self->squared + y * N;
    int16_t *length = self->length + y * N;

    for (int x = 0; x < N; x++) {
      gx[x] =
          (int16_t)(a[x + 2] - a[x] + 2 * (b[x + 2] - b[x]) + c[x + 2] - c[x]);
      gy[x] = (int16_t)(c[x] - a[x] + 2 * (c[x + 1] - a[x + 1]) + c[x + 2]
          - a[x + 2]);
      squared[x] = gx[x] * gx[x] + gy[x] * gy[x];
    }
    /* a float holds 24 bits of the 25: the root may be one too large */
    for (int x = 0; x < N; x++) {
      int32_t root = (int32_t)sqrtf ((float)squared[x]);

      length[x] = (int16_t)(root - (root * root > squared[x]));
    }
  }
}

static int
upper_threshold (AvmPhog *self)
{
  int32_t below = 0;
  int t = 0;

  memset (self->counts, 0, sizeof (self->counts));
  for (int i = 0; i < N * N; i++)
    self->counts[self->length[i]]++;
  while (10 * below < 7 * N * N)
    below += self->counts[t++];
  return AVM_MAX (t, MIN_THRESHOLD);
}

/* Offset to the neighbour after (right, below) a pixel across its edge */
static inline int
across_edge (int gx, int gy)
{
  int ax = gx < 0 ? -gx : gx, ay = gy < 0 ? -gy : gy;

  if (70 * ay < 29 * ax)
    return 1;
  if (70 * ax < 29 * ay)
    return N;
  return (gx < 0) == (gy < 0) ? N + 1 : N - 1;
}

static void
find_edges (AvmPhog *self)
{
  int high = upper_threshold (self), low = (2 * high + 4) / 5, top = 0;

  memset (self->state, NOTHING, sizeof (self->state));
  for (int y = 1; y < N - 1; y++)
    for (int i = y * N + 1; i < y * N + N - 1; i++) {
      int step;

      if (self->length[i] < low)
        continue;
      step = across_edge (self->gx[i], self->gy[i]);
      if (self->squared[i] <= self->squared[i - step]
          || self->squared[i] < self->squared[i + step])
        continue;
      self->state[i] = MAYBE;
      if (self->length[i] >= high) {
        self->state[i] = EDGE;
        self->stack[top++] = (uint16_t)i;
      }
    }
  while (top > 0) {
    int i = self->stack[--top];

    /* the rim is never MAYBE, so neighbours are inside */
    for (int dy = -N; dy <= N; dy += N)
      for (int j = i + dy - 1; j <= i + dy + 1; j++)
        if (self->state[j] == MAYBE) {
          self->state[j] = EDGE;
          self->stack[top++] = (uint16_t)j;
        }
  }
}

/* Adds an edge to the finest cells, which are the last of the descriptor. */
static inline void
add (float *cells, int x, int y, int gx, int gy, float length)
{
  float *cell = cells + (4 * (y / (N / 4)) + x / (N / 4)) * BINS;
  float bin = atan2f ((float)gy, (float)gx) * (float)(BINS / M_PI) - 0.5f;
  float whole = floorf (bin), part = bin - whole;
  int i = (int)whole;

  /* half turns are one direction: bin runs from -30.5 to 29.5 */
  i += i < 0 ? BINS : 0;
  i += i < 0 ? BINS : 0;
  cell[i] += (1.0f - part) * length;
  cell[i + 1 < BINS ? i + 1 : 0] += part * length;
}

static void
sum_levels (float *values)
{
  float *middle = values + BINS, *fine = values + 5 * BINS;

  for (int c = 0; c < 16; c++) {
    float *whole = middle + (2 * (c / 8) + c % 4 / 2) * BINS;

    for (int i = 0; i < BINS; i++) {
      values[i] += fine[c * BINS + i];
      whole[i] += fine[c * BINS + i];
    }
  }
}

void
avm_phog_describe (AvmPhog *self, const uint8_t *luma, float *values)
{
  float sum = 0.0f;

  memset (values, 0, AVM_PHOG_SIZE * sizeof (float));
  pad (self, luma);
  smooth (self);
  differentiate (self);
  find_edges (self);
  for (int y = 1; y < N - 1; y++)
    for (int x = 1; x < N - 1; x++) {
      int i = y * N + x;

      if (self->state[i] == EDGE)
        add (values + 5 * BINS, x, y, self->gx[i], self->gy[i],
            sqrtf ((float)self->squared[i]));
    }
  sum_levels (values);
  for (int i = 0; i < BINS; i++)
    sum += 3.0f * values[i];
  if (sum > 0.0f)
    for (int i = 0; i < AVM_PHOG_SIZE; i++)
      values[i] /= sum;
}
