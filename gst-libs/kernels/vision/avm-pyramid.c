/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vision/avm-pyramid.h"

#include <string.h>

#define MIN_SIDE 8
/* room for mirrored columns before and after a row of sums */
#define MARGIN 32

struct _AvmPyramid {
  int max_level;
  AvmPlane levels[AVM_PYRAMID_MAX_LEVELS];
  uint8_t *memory;
  uint16_t *sums;
};

/* Mirrors an index into 0..n-1 without repeating the outermost one. */
static int
mirror (int i, int n)
{
  if (n == 1)
    return 0;
  while (i < 0 || i >= n)
    i = i < 0 ? -i : 2 * n - 2 - i;
  return i;
}

/* v = a + 4 b + 6 c + 4 d + e, at most 16 * 255 */
AVM_CLONES static void
sum_rows (uint16_t *restrict v, const uint8_t *restrict a,
    const uint8_t *restrict b, const uint8_t *restrict c,
    const uint8_t *restrict d, const uint8_t *restrict e, int width)
{
  for (int x = 0; x < width; x++)
    v[x] = (uint16_t)(a[x] + e[x] + 4 * (b[x] + d[x]) + 6 * c[x]);
}

/* The same across columns, for every second one. 65535 is never reached:
 * 256 * 255 + 128. */
AVM_CLONES static void
halve_columns (uint8_t *restrict out, const uint16_t *restrict v, int width)
{
  for (int x = 0; x < width; x++) {
    const uint16_t *p = v + 2 * x;
    uint16_t sum =
        (uint16_t)(p[-2] + p[2] + 4 * (p[-1] + p[1]) + 6 * p[0] + 128);

    out[x] = (uint8_t)(sum >> 8);
  }
}

static void
halve (const AvmPlane *from, const AvmPlane *to, uint16_t *sums)
{
  uint16_t *v = sums + MARGIN;
  int w = from->width, h = from->height;

  for (int y = 0; y < to->height; y++) {
    const uint8_t *rows[5];

    for (int k = 0; k < 5; k++)
      rows[k] = from->data + mirror (2 * y + k - 2, h) * from->stride;
    sum_rows (v, rows[0], rows[1], rows[2], rows[3], rows[4], w);
    for (int k = 1; k <= 2; k++) {
      v[-k] = v[mirror (-k, w)];
      v[w - 1 + k] = v[mirror (w - 1 + k, w)];
    }
    halve_columns ((uint8_t *)to->data + y * to->stride, v, to->width);
  }
}

AvmPyramid *
avm_pyramid_new (int width, int height, int max_level)
{
  AvmPyramid *self;
  size_t offsets[AVM_PYRAMID_MAX_LEVELS], size = 0;

  if (width < 1 || height < 1 || width > 32768 || height > 32768
      || max_level < 0 || max_level >= AVM_PYRAMID_MAX_LEVELS)
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  for (int l = 0; l <= max_level; l++) {
    AvmPlane *plane = &self->levels[l];

    if (l > 0 && AVM_MIN (width, height) < MIN_SIDE)
      break;
    self->max_level = l;
    plane->width = width;
    plane->height = height;
    plane->stride = (width + 63) & ~63;
    offsets[l] = size;
    size += (size_t)plane->stride * (size_t)height;
    width = (width + 1) / 2;
    height = (height + 1) / 2;
  }
  self->memory = avm_alloc (size, 1);
  self->sums =
      avm_alloc ((size_t)self->levels[0].width + 2 * MARGIN, sizeof (uint16_t));
  if (self->memory == NULL || self->sums == NULL) {
    avm_pyramid_free (self);
    return NULL;
  }
  for (int l = 0; l <= self->max_level; l++)
    self->levels[l].data = self->memory + offsets[l];
  return self;
}

void
avm_pyramid_free (AvmPyramid *self)
{
  if (self == NULL)
    return;
  avm_free (self->memory);
  avm_free (self->sums);
  avm_free (self);
}

void
avm_pyramid_build (AvmPyramid *self, const uint8_t *data, ptrdiff_t stride)
{
  const AvmPlane *base = &self->levels[0];

  for (int y = 0; y < base->height; y++)
    memcpy (self->memory + y * base->stride, data + y * stride,
        (size_t)base->width);
  for (int l = 1; l <= self->max_level; l++)
    halve (&self->levels[l - 1], &self->levels[l], self->sums);
}

int
avm_pyramid_max_level (const AvmPyramid *self)
{
  return self->max_level;
}

const AvmPlane *
avm_pyramid_level (const AvmPyramid *self, int level)
{
  return &self->levels[level];
}
