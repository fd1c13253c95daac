/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-colour.h"

#include <string.h>

/* For each of `side` targets: the first source sample and `taps` weights,
 * tap by tap (weights[tap * side + target]) */
typedef struct {
  int n, side, taps;
  int *first;
  uint16_t *weights;
  size_t size; /* of weights */
} Scale;

struct _AvmPatch {
  int side;
  bool colour;
  Scale columns, rows;
  uint8_t *dense;  /* an interleaved plane, made dense */
  uint32_t *sums;  /* of one row */
  uint16_t *words; /* side x width in 1/256 grey, and its transpose */
  size_t dense_size, sums_size, words_size;
  uint8_t *turned; /* side x side, transposed */
  uint8_t *luma;
  uint8_t *planes[3];
};

AvmPatch *
avm_patch_new (int side, bool colour)
{
  AvmPatch *self;
  size_t area = (size_t)AVM_MAX (side, 0) * (size_t)AVM_MAX (side, 0);
  bool good;

  if (side < 1 || side > AVM_PATCH_MAX_SIDE)
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  self->side = self->columns.side = self->rows.side = side;
  self->colour = colour;
  self->turned = avm_alloc (area, 1);
  self->luma = avm_alloc (area, 1);
  self->columns.first = avm_alloc ((size_t)side, sizeof (int));
  self->rows.first = avm_alloc ((size_t)side, sizeof (int));
  good = self->turned != NULL && self->luma != NULL
      && self->columns.first != NULL && self->rows.first != NULL;
  /* without colour they are needed too: luma is made from them */
  for (int i = 0; i < 3; i++) {
    self->planes[i] = avm_alloc (area, 1);
    good &= self->planes[i] != NULL;
  }
  if (good)
    return self;
  avm_patch_free (self);
  return NULL;
}

void
avm_patch_free (AvmPatch *self)
{
  if (self == NULL)
    return;
  avm_free (self->columns.first);
  avm_free (self->columns.weights);
  avm_free (self->rows.first);
  avm_free (self->rows.weights);
  avm_free (self->dense);
  avm_free (self->sums);
  avm_free (self->words);
  avm_free (self->turned);
  avm_free (self->luma);
  for (int i = 0; i < 3; i++)
    avm_free (self->planes[i]);
  avm_free (self);
}

int
avm_patch_get_side (const AvmPatch *self)
{
  return self->side;
}

const uint8_t *
avm_patch_get_luma (const AvmPatch *self)
{
  return self->luma;
}

const uint8_t *
avm_patch_get_colour (const AvmPatch *self, int channel)
{
  return self->colour && channel >= 0 && channel < 3 ? self->planes[channel]
                                                     : NULL;
}

static bool
grow (void **memory, size_t *size, size_t wanted)
{
  if (wanted <= *size)
    return true;
  avm_free (*memory);
  *memory = avm_alloc (wanted, 1);
  *size = *memory != NULL ? wanted : 0;
  return *memory != NULL;
}

static int64_t
triangle (const Scale *scale, int target, int64_t i)
{
  int64_t n = scale->n, side = scale->side;
  int64_t away = 2 * side * i - (2 * target + 1) * n + side;
  int64_t w = 2 * AVM_MAX (n, side) - (away < 0 ? -away : away);

  return AVM_MAX (w, 0);
}

/* The weights of one target, tap i at weights[i * side] */
static void
weigh (Scale *scale, int target)
{
  uint16_t *weights = scale->weights + target;
  size_t side = (size_t)scale->side;
  int64_t n = scale->n, twice = 2 * (int64_t)scale->side;
  int64_t sum = 0, greatest = 0, left = 32768, edge;
  int first, top = 0;

  /* the left foot of the triangle, 2 side times as large and made positive */
  edge = (2 * target + 1) * n - scale->side - 2 * AVM_MAX (n, scale->side);
  first = (int)((edge + 4 * n * twice) / twice - 4 * n + 1);
  first = AVM_CLAMP (first, 0, scale->n - scale->taps);
  scale->first[target] = first;
  for (int i = 0; i < scale->taps; i++)
    sum += triangle (scale, target, first + i);
  for (int i = 0; i < scale->taps; i++) {
    int64_t w = (triangle (scale, target, first + i) * 32768 + sum / 2) / sum;

    weights[(size_t)i * side] = (uint16_t)w;
    left -= w;
    if (w > greatest) {
      greatest = w;
      top = i;
    }
  }
  weights[(size_t)top * side] = (uint16_t)(greatest + left);
}

static bool
scale_set (Scale *scale, int n)
{
  /* an open interval as long as the triangle's base holds no more samples */
  int taps = n <= scale->side ? 2 : (2 * n + scale->side - 1) / scale->side;
  void *weights = scale->weights;

  if (scale->n == n)
    return true;
  scale->n = 0;
  taps = AVM_MIN (taps, n);
  if (!grow (&weights, &scale->size,
          (size_t)taps * (size_t)scale->side * sizeof (uint16_t))) {
    scale->weights = NULL;
    return false;
  }
  scale->weights = weights;
  scale->n = n;
  scale->taps = taps;
  for (int t = 0; t < scale->side; t++)
    weigh (scale, t);
  return true;
}

/* One target row from 8-bit rows */
AVM_CLONES static void
mix_bytes (const uint8_t *data, ptrdiff_t stride, int width,
    const uint16_t *weights, int taps, size_t side, uint32_t *sums,
    uint16_t *out)
{
  for (int x = 0; x < width; x++)
    sums[x] = 64;
  for (int i = 0; i < taps; i++) {
    const uint8_t *row = data + i * stride;
    uint32_t w = weights[(size_t)i * side];

    if (w != 0)
      for (int x = 0; x < width; x++)
        sums[x] += w * row[x];
  }
  for (int x = 0; x < width; x++)
    out[x] = (uint16_t)(sums[x] >> 7);
}

/* One target row from 16-bit rows that lie close */
AVM_CLONES static void
mix_words (const uint16_t *data, int width, const uint16_t *weights, int taps,
    size_t side, uint32_t *sums, uint8_t *out)
{
  for (int x = 0; x < width; x++)
    sums[x] = 1u << 22;
  for (int i = 0; i < taps; i++) {
    const uint16_t *row = data + (size_t)i * (size_t)width;
    uint32_t w = weights[(size_t)i * side];

    if (w != 0)
      for (int x = 0; x < width; x++)
        sums[x] += w * row[x];
  }
  for (int x = 0; x < width; x++)
    out[x] = (uint8_t)(sums[x] >> 23);
}

#define TILE 16

AVM_CLONES static void
turn_words (const uint16_t *in, int width, int height, uint16_t *out)
{
  for (int y0 = 0; y0 < height; y0 += TILE)
    for (int x = 0; x < width; x++)
      for (int y = y0; y < AVM_MIN (y0 + TILE, height); y++)
        out[(size_t)x * (size_t)height + (size_t)y] =
            in[(size_t)y * (size_t)width + (size_t)x];
}

AVM_CLONES static void
turn_bytes (const uint8_t *in, int side, uint8_t *out)
{
  for (int y0 = 0; y0 < side; y0 += TILE)
    for (int x = 0; x < side; x++)
      for (int y = y0; y < AVM_MIN (y0 + TILE, side); y++)
        out[(size_t)x * (size_t)side + (size_t)y] =
            in[(size_t)y * (size_t)side + (size_t)x];
}

AVM_CLONES static void
gather (const uint8_t *data, int step, int width, uint8_t *out)
{
  if (step == 3)
    for (int x = 0; x < width; x++)
      out[x] = data[3 * x];
  else if (step == 4)
    for (int x = 0; x < width; x++)
      out[x] = data[4 * x];
  else
    for (int x = 0; x < width; x++)
      out[x] = data[(ptrdiff_t)step * x];
}

static bool
make_room (AvmPatch *self, size_t width, size_t height, bool dense)
{
  size_t side = (size_t)self->side;
  void *p = self->sums;
  bool good;

  good = grow (&p, &self->sums_size, AVM_MAX (width, side) * sizeof (uint32_t));
  self->sums = p;
  p = self->words;
  good &= grow (&p, &self->words_size, 2 * width * side * sizeof (uint16_t));
  self->words = p;
  p = self->dense;
  good &= grow (&p, &self->dense_size, dense ? width * height : 0);
  self->dense = p;
  return good;
}

/* Both passes run along rows: columns first, then the transpose. */
static bool
shrink (AvmPatch *self, const uint8_t *data, ptrdiff_t stride, int step,
    int width, int height, uint8_t *out)
{
  size_t side = (size_t)self->side, w = (size_t)width;
  uint16_t *lying;

  if (!make_room (self, w, (size_t)height, step != 1)
      || !scale_set (&self->columns, height) || !scale_set (&self->rows, width))
    return false;
  if (step != 1) {
    for (int y = 0; y < height; y++)
      gather (data + y * stride, step, width, self->dense + (size_t)y * w);
    data = self->dense;
    stride = width;
  }
  for (size_t t = 0; t < side; t++)
    mix_bytes (data + self->columns.first[t] * stride, stride, width,
        self->columns.weights + t, self->columns.taps, side, self->sums,
        self->words + t * w);
  lying = self->words + w * side;
  turn_words (self->words, width, self->side, lying);
  for (size_t t = 0; t < side; t++)
    mix_words (lying + (size_t)self->rows.first[t] * side, self->side,
        self->rows.weights + t, self->rows.taps, side, self->sums,
        self->turned + t * side);
  turn_bytes (self->turned, self->side, out);
  return true;
}

bool
avm_rect_clip (const AvmRect *rect, int width, int height, AvmRect *out)
{
  int64_t left = AVM_MAX (rect->x, 0), top = AVM_MAX (rect->y, 0);
  int64_t right = AVM_MIN ((int64_t)rect->x + rect->width, width);
  int64_t bottom = AVM_MIN ((int64_t)rect->y + rect->height, height);

  if (right <= left || bottom <= top)
    return false;
  *out =
      (AvmRect){(int)left, (int)top, (int)(right - left), (int)(bottom - top)};
  return true;
}

static bool
shrink_plane (AvmPatch *self, const AvmPicture *picture, int plane,
    const AvmRect *rect, uint8_t *out)
{
  bool chroma = picture->model == AVM_COLOUR_YUV && plane > 0;
  int sx = chroma ? picture->chroma_x : 0, sy = chroma ? picture->chroma_y : 0;
  int x = rect->x >> sx, y = rect->y >> sy;
  int right = (rect->x + rect->width + (1 << sx) - 1) >> sx;
  int bottom = (rect->y + rect->height + (1 << sy) - 1) >> sy;

  return shrink (self,
      picture->data[plane] + y * picture->stride[plane]
          + (ptrdiff_t)x * picture->step[plane],
      picture->stride[plane], picture->step[plane], right - x, bottom - y, out);
}

AVM_CLONES static void
luma_of_rgb (const uint8_t *r, const uint8_t *g, const uint8_t *b, size_t n,
    uint8_t *luma)
{
  for (size_t i = 0; i < n; i++)
    luma[i] = (uint8_t)((77u * r[i] + 150u * g[i] + 29u * b[i] + 128u) >> 8);
}

AVM_CLONES static void
luma_of_y (uint8_t *luma, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    int wide = (255 * (luma[i] - 16) + 109) / 219;

    luma[i] = (uint8_t)AVM_CLAMP (wide, 0, 255);
  }
}

/* Y, Cb, Cr in place to R, G, B: coefficients in 1/8192 of ITU-R BT.601 and
 * BT.709, both for studio range */
AVM_CLONES static void
rgb_of_yuv (
    AvmColourMatrix matrix, uint8_t *p0, uint8_t *p1, uint8_t *p2, size_t n)
{
  bool hd = matrix == AVM_MATRIX_BT709;
  int rv = hd ? 14686 : 13075, gu = hd ? 1747 : 3209;
  int gv = hd ? 4366 : 6660, bu = hd ? 17305 : 16525;

  for (size_t i = 0; i < n; i++) {
    int y = 9539 * (p0[i] - 16) + 4096, u = p1[i] - 128, v = p2[i] - 128;
    int r = (y + rv * v) >> 13, g = (y - gu * u - gv * v) >> 13;
    int b = (y + bu * u) >> 13;

    p0[i] = (uint8_t)AVM_CLAMP (r, 0, 255);
    p1[i] = (uint8_t)AVM_CLAMP (g, 0, 255);
    p2[i] = (uint8_t)AVM_CLAMP (b, 0, 255);
  }
}

static bool
valid (const AvmPicture *picture)
{
  return picture->width >= 1 && picture->width <= AVM_PICTURE_MAX_SIDE
      && picture->height >= 1 && picture->height <= AVM_PICTURE_MAX_SIDE
      && picture->chroma_x >= 0 && picture->chroma_x <= 2
      && picture->chroma_y >= 0 && picture->chroma_y <= 2;
}

bool
avm_patch_load (AvmPatch *self, const AvmPicture *picture, const AvmRect *rect)
{
  size_t area = (size_t)self->side * (size_t)self->side;
  uint8_t **p = self->planes;
  AvmRect part;

  if (!valid (picture)
      || !avm_rect_clip (rect, picture->width, picture->height, &part))
    return false;
  if (picture->model != AVM_COLOUR_RGB
      && !shrink_plane (self, picture, 0, &part, self->luma))
    return false;
  if (picture->model == AVM_COLOUR_RGB || self->colour)
    for (int i = 0; i < 3; i++) {
      if (i == 0 && picture->model != AVM_COLOUR_RGB)
        memcpy (p[0], self->luma, area);
      else if (picture->model == AVM_COLOUR_GREY)
        memcpy (p[i], self->luma, area);
      else if (!shrink_plane (self, picture, i, &part, p[i]))
        return false;
    }
  if (picture->model == AVM_COLOUR_RGB) {
    luma_of_rgb (p[0], p[1], p[2], area, self->luma);
  } else if (picture->model == AVM_COLOUR_YUV) {
    if (self->colour)
      rgb_of_yuv (picture->matrix, p[0], p[1], p[2], area);
    luma_of_y (self->luma, area);
  }
  return true;
}

void
avm_colour_to_hsv (double r, double g, double b, double *hue,
    double *saturation, double *value)
{
  double most = AVM_MAX (r, AVM_MAX (g, b));
  double least = AVM_MIN (r, AVM_MIN (g, b));
  double range = most - least, h = 0.0;

  if (range > 0.0) {
    if (r == most)
      h = (g - b) / range;
    else if (g == most)
      h = 2.0 + (b - r) / range;
    else
      h = 4.0 + (r - g) / range;
    if (h < 0.0)
      h += 6.0;
  }
  *hue = 60.0 * h;
  *saturation = most > 0.0 ? 255.0 * range / most : 0.0;
  *value = most;
}
