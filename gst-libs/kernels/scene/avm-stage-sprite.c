/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sprites, the backdrop and the sensor. Textures have about two texels per
 * px, low-passed by the painter, so that bilinear interpolation keeps the
 * phase of everything a frame can show: at a quarter of the frame's sampling
 * rate the error is about 0.005 px.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-stage-private.h"

#include <math.h>
#include <string.h>

/* -- baking ---------------------------------------------------------------- */

void
avm_matrix_init (AvmMatrix *matrix, bool hd)
{
  double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114;
  double kg = 1.0 - kr - kb, cb = 112.0 / (1.0 - kb), cr = 112.0 / (1.0 - kr);
  const double y[3] = {219.0 * kr, 219.0 * kg, 219.0 * kb};
  const double u[3] = {-kr * cb, -kg * cb, (1.0 - kb) * cb};
  const double v[3] = {(1.0 - kr) * cr, -kg * cr, -kb * cr};

  for (int i = 0; i < 3; i++) {
    matrix->y[i] = (float)y[i];
    matrix->u[i] = (float)u[i];
    matrix->v[i] = (float)v[i];
  }
}

static float
dot (const float row[3], const float *rgb)
{
  return row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
}

static uint32_t
texel (float value, float alpha)
{
  float a = AVM_CLAMP (alpha * 255.0f, 0.0f, 255.0f);
  float v = AVM_CLAMP (value, 0.0f, 255.0f);

  return (uint32_t)lrintf (v) | (uint32_t)lrintf (a) << 16;
}

/* Sum of the 2 x 2 texels at even (x, y), divided by 4. */
static void
quad (const AvmCanvas *canvas, int x, int y, float rgba[4])
{
  size_t stride = 4 * (size_t)(canvas->w + 2);
  const float *p = canvas->rgba + (size_t)y * stride + 4 * (size_t)x;

  for (int i = 0; i < 4; i++)
    rgba[i] = 0.25f * (p[i] + p[i + 4] + p[i + stride] + p[i + 4 + stride]);
}

static bool
layer_new (AvmLayer *layer, int w, int h)
{
  layer->w = w;
  layer->h = h;
  layer->texels = avm_alloc ((size_t)w * (size_t)h, sizeof (uint32_t));
  layer->extents = avm_alloc (2 * (size_t)h, sizeof (uint16_t));
  return layer->texels != NULL && layer->extents != NULL;
}

static void
find_extents (AvmLayer *layer)
{
  for (int y = 0; y < layer->h; y++) {
    const uint32_t *row = layer->texels + (size_t)y * (size_t)layer->w;
    int lo = 0, hi = layer->w;

    while (lo < hi && row[lo] == 0)
      lo++;
    while (hi > lo && row[hi - 1] == 0)
      hi--;
    layer->extents[2 * y] = (uint16_t)(lo < hi ? lo : layer->w);
    layer->extents[2 * y + 1] = (uint16_t)(lo < hi ? hi : 0);
  }
}

static void
bake_luma (AvmLayer *layer, const AvmCanvas *canvas, const AvmMatrix *matrix)
{
  for (int y = 0; y < layer->h; y++) {
    const float *p = canvas->rgba + 4 * (size_t)y * (size_t)(canvas->w + 2);

    for (int x = 0; x < layer->w; x++, p += 4)
      layer->texels[(size_t)y * (size_t)layer->w + (size_t)x] =
          texel (16.0f * p[3] + dot (matrix->y, p), p[3]);
  }
  find_extents (layer);
}

static void
bake_chroma (AvmLayer *layer, const AvmCanvas *canvas, const float row[3])
{
  for (int y = 0; y < layer->h; y++) {
    for (int x = 0; x < layer->w; x++) {
      float p[4];

      quad (canvas, 2 * x, 2 * y, p);
      layer->texels[(size_t)y * (size_t)layer->w + (size_t)x] =
          texel (128.0f * p[3] + dot (row, p), p[3]);
    }
  }
  find_extents (layer);
}

bool
avm_sprite_bake (AvmSprite *sprite, const AvmCanvas *canvas,
    const AvmMatrix *matrix, bool gray)
{
  int w = canvas->w, h = canvas->h;

  memset (sprite, 0, sizeof (*sprite));
  sprite->density = canvas->density;
  sprite->x0 = canvas->x0;
  sprite->y0 = canvas->y0;
  if (!layer_new (&sprite->layers[0], w, h)) {
    avm_sprite_clear (sprite);
    return false;
  }
  bake_luma (&sprite->layers[0], canvas, matrix);
  if (gray)
    return true;
  if (!layer_new (&sprite->layers[1], w / 2, h / 2)
      || !layer_new (&sprite->layers[2], w / 2, h / 2)) {
    avm_sprite_clear (sprite);
    return false;
  }
  bake_chroma (&sprite->layers[1], canvas, matrix->u);
  bake_chroma (&sprite->layers[2], canvas, matrix->v);
  return true;
}

void
avm_sprite_clear (AvmSprite *sprite)
{
  for (int i = 0; i < 3; i++) {
    avm_free (sprite->layers[i].texels);
    avm_free (sprite->layers[i].extents);
  }
  memset (sprite, 0, sizeof (*sprite));
}

/* -- drawing --------------------------------------------------------------- */

#define HALVES 0x00ff00ffu
#define ROUND 0x00800080u

/* Value and alpha are interpolated together in one word: a, b in the row
 * above, c, d below; weights of 256. */
static inline uint32_t
bilinear (
    uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t fx, uint32_t fy)
{
  uint32_t top = a * (256 - fx) + b * fx + ROUND;
  uint32_t low = c * (256 - fx) + d * fx + ROUND;

  return (((top >> 8) & HALVES) * (256 - fy) + ((low >> 8) & HALVES) * fy
             + ROUND)
      >> 8;
}

static inline uint8_t
over (uint32_t t, uint8_t below)
{
  uint32_t keep = 255 - ((t >> 16) & 255);
  uint32_t sum = (t & 255) + ((below * keep * 257 + 32768) >> 16);

  return (uint8_t)AVM_MIN (sum, 255);
}

/* Any map. Gathers are no faster than this, so it is left scalar. */
static void
draw_span (uint8_t *restrict out, int n, const uint32_t *restrict texels,
    int stride, int32_t u, int32_t v, int32_t du, int32_t dv)
{
  for (int i = 0; i < n; i++, u += du, v += dv) {
    const uint32_t *p = texels + ((ptrdiff_t)(v >> 16) * stride + (u >> 16));
    uint32_t a = p[0], b = p[1], c = p[stride], d = p[stride + 1];

    if ((a | b | c | d) != 0)
      out[i] = over (bilinear (a, b, c, d, (uint32_t)(u >> 8) & 255,
                         (uint32_t)(v >> 8) & 255),
          out[i]);
  }
}

/* Upright at `step` texels per px: the weights stay, loads are in order. */
#define ALIGNED(name, step)                                                    \
  AVM_CLONES static void name (uint8_t *restrict out, int n,                   \
      const uint32_t *restrict top, const uint32_t *restrict low, uint32_t fx, \
      uint32_t fy)                                                             \
  {                                                                            \
    for (int i = 0; i < n; i++)                                                \
      out[i] = over (bilinear (top[i * (step)], top[i * (step) + 1],           \
                         low[i * (step)], low[i * (step) + 1], fx, fy),        \
          out[i]);                                                             \
  }

ALIGNED (draw_forward, 2)
ALIGNED (draw_backward, -2)

/* Where rows y and y + 1 of the layer hold anything: texels [lo, hi). */
static void
row_extent (const AvmLayer *layer, int y, int *lo, int *hi)
{
  const uint16_t *e = layer->extents + 2 * (size_t)y;

  *lo = AVM_MIN (e[0], e[2]);
  *hi = AVM_MAX (e[1], e[3]);
}

static bool
draw_aligned (const AvmLayer *layer, uint8_t *out, int lo, int hi, int32_t u,
    int32_t v, int32_t du)
{
  int y = v >> 16, first, last, skip;
  const uint32_t *top = layer->texels + (size_t)y * (size_t)layer->w;
  uint32_t fx = (uint32_t)(u >> 8) & 255, fy = (uint32_t)(v >> 8) & 255;
  int n = hi - lo, x = u >> 16;

  if (du != 2 * 65536 && du != -2 * 65536)
    return false;
  row_extent (layer, y, &first, &last);
  if (first >= last)
    return true;
  /* texels x + 2 i and the next one must reach [first, last) */
  skip = du > 0 ? (first - 1 - x) / 2 : (x - last + 1) / 2;
  skip = AVM_CLAMP (skip, 0, n);
  out += lo + skip;
  n -= skip;
  x += du > 0 ? 2 * skip : -2 * skip;
  n = AVM_MIN (n, (du > 0 ? last - x : x + 1 - first) / 2 + 1);
  if (n <= 0)
    return true;
  if (du > 0)
    draw_forward (out, n, top + x, top + x + layer->w, fx, fy);
  else
    draw_backward (out, n, top + x, top + x + layer->w, fx, fy);
  return true;
}

static bool
inside (double position, int size)
{
  return position >= 0.0 && position < size - 1;
}

/* Narrows [lo, hi) to where start + i * step lies within [0, limit). */
static void
narrow (double start, double step, double limit, int *lo, int *hi)
{
  double a, b;

  if (fabs (step) < 1e-9) {
    if (start < 0.0 || start >= limit)
      *hi = *lo;
    return;
  }
  a = -start / step;
  b = (limit - start) / step;
  if (a > b) {
    double swap = a;

    a = b;
    b = swap;
  }
  a = AVM_CLAMP (ceil (a), (double)*lo, (double)*hi);
  b = AVM_CLAMP (floor (b) + 1.0, (double)*lo, (double)*hi);
  *lo = (int)a;
  *hi = AVM_MAX ((int)b, *lo);
}

static int32_t
fixed (double value)
{
  return (int32_t)lrint (value * 65536.0);
}

static bool
fixed_inside (const AvmLayer *layer, int64_t u, int64_t v)
{
  return u >= 0 && v >= 0 && u < ((int64_t)(layer->w - 1) << 16)
      && v < ((int64_t)(layer->h - 1) << 16);
}

/* map: px of the plane to texels */
static void
draw_layer (const AvmLayer *layer, uint8_t *plane, int stride, int width,
    int row0, int row1, const AvmAffine *map)
{
  int32_t du = fixed (map->a), dv = fixed (map->c);

  for (int y = row0; y < row1; y++) {
    double u = map->a * 0.5 + map->b * (y + 0.5) + map->x0 - 0.5;
    double v = map->c * 0.5 + map->d * (y + 0.5) + map->y0 - 0.5;
    int lo = 0, hi = width;
    int32_t u0, v0;

    narrow (u, map->a, layer->w - 1.0, &lo, &hi);
    narrow (v, map->c, layer->h - 1.0, &lo, &hi);
    if (lo >= hi)
      continue;
    u += lo * map->a;
    v += lo * map->c;
    /* the ends again in the numbers that the span uses */
    while (lo < hi
        && !(inside (u, layer->w) && inside (v, layer->h)
            && fixed_inside (layer, fixed (u), fixed (v)))) {
      lo++;
      u += map->a;
      v += map->c;
    }
    if (lo >= hi)
      continue;
    u0 = fixed (u);
    v0 = fixed (v);
    while (hi > lo
        && !fixed_inside (layer, u0 + (int64_t)(hi - 1 - lo) * du,
            v0 + (int64_t)(hi - 1 - lo) * dv))
      hi--;
    if (dv != 0
        || !draw_aligned (
            layer, plane + (ptrdiff_t)y * stride, lo, hi, u0, v0, du))
      draw_span (plane + (ptrdiff_t)y * stride + lo, hi - lo, layer->texels,
          layer->w, u0, v0, du, dv);
  }
}

/* Rows of the plane that the sprite can touch. */
static void
row_range (const AvmSprite *sprite, const AvmAffine *map, double gain,
    int height, int *row0, int *row1)
{
  double w = sprite->layers[0].w / sprite->density;
  double h = sprite->layers[0].h / sprite->density;
  double base = map->c * sprite->x0 + map->d * sprite->y0 + map->y0;
  double lo = base + AVM_MIN (map->c * w, 0.0) + AVM_MIN (map->d * h, 0.0);
  double hi = base + AVM_MAX (map->c * w, 0.0) + AVM_MAX (map->d * h, 0.0);

  *row0 = (int)AVM_CLAMP (floor (lo * gain) - 1.0, 0.0, (double)height);
  *row1 = (int)AVM_CLAMP (ceil (hi * gain) + 1.0, 0.0, (double)height);
}

/* px of a plane at 1 / gain of the luma's size to texels of the layer */
static bool
plane_to_texels (const AvmSprite *sprite, const AvmAffine *map, double gain,
    double density, AvmAffine *out)
{
  double determinant = map->a * map->d - map->b * map->c, k;

  if (!(fabs (determinant) > 1e-12))
    return false;
  k = density / determinant;
  out->a = map->d * k / gain;
  out->b = -map->b * k / gain;
  out->c = -map->c * k / gain;
  out->d = map->a * k / gain;
  out->x0 = -k * (map->d * map->x0 - map->b * map->y0) - sprite->x0 * density;
  out->y0 = -k * (map->a * map->y0 - map->c * map->x0) - sprite->y0 * density;
  /* a texture squeezed to nothing would overflow the fixed point */
  return fabs (out->a) < 64.0 && fabs (out->c) < 64.0;
}

void
avm_sprite_draw (
    const AvmSprite *sprite, const AvmTarget *target, const AvmAffine *map)
{
  int n_planes = sprite->layers[1].texels != NULL ? target->n_planes : 1;

  if (sprite->layers[0].texels == NULL)
    return;
  for (int i = 0; i < n_planes; i++) {
    double gain = i == 0 ? 1.0 : 0.5;
    int width = i == 0 ? target->width : (target->width + 1) / 2;
    int height = i == 0 ? target->height : (target->height + 1) / 2;
    int row0, row1;
    AvmAffine texels;

    row_range (sprite, map, gain, height, &row0, &row1);
    if (plane_to_texels (sprite, map, gain, sprite->density * gain, &texels))
      draw_layer (&sprite->layers[i], target->planes[i], target->strides[i],
          width, row0, row1, &texels);
  }
}

double
avm_sprite_alpha (
    const AvmSprite *sprite, const AvmAffine *map, double x, double y)
{
  const AvmLayer *layer = &sprite->layers[0];
  AvmAffine texels;
  double u, v;

  if (layer->texels == NULL
      || !plane_to_texels (sprite, map, 1.0, sprite->density, &texels))
    return 0.0;
  u = floor (texels.a * x + texels.b * y + texels.x0);
  v = floor (texels.c * x + texels.d * y + texels.y0);
  if (!(u >= 0.0 && v >= 0.0 && u < layer->w && v < layer->h))
    return 0.0;
  return (double)(layer->texels[(size_t)v * (size_t)layer->w + (size_t)u] >> 16)
      / 255.0;
}

/* -- backdrop -------------------------------------------------------------- */

static uint8_t
byte (float value)
{
  return (uint8_t)lrintf (AVM_CLAMP (value, 0.0f, 255.0f));
}

static void
bake_plane (const AvmBackdrop *backdrop, int plane, const AvmCanvas *canvas,
    const AvmMatrix *matrix)
{
  const float *row = plane == 0 ? matrix->y
      : plane == 1              ? matrix->u
                                : matrix->v;
  int w = backdrop->w[plane], h = backdrop->h[plane];

  for (int y = 0; y < h; y++) {
    for (int x = 0; x < w; x++) {
      const float *p =
          canvas->rgba + 4 * ((size_t)y * (size_t)(canvas->w + 2) + (size_t)x);
      float rgba[4];

      if (plane > 0) {
        quad (canvas, 2 * x, 2 * y, rgba);
        p = rgba;
      }
      backdrop->planes[plane][(size_t)y * (size_t)w + (size_t)x] =
          byte ((plane == 0 ? 16.0f : 128.0f) + dot (row, p));
    }
  }
}

bool
avm_backdrop_bake (AvmBackdrop *backdrop, const AvmCanvas *canvas,
    const AvmMatrix *matrix, int margin, bool gray)
{
  memset (backdrop, 0, sizeof (*backdrop));
  backdrop->margin = margin;
  for (int i = 0; i < (gray ? 1 : 3); i++) {
    backdrop->w[i] = i == 0 ? canvas->w : canvas->w / 2;
    backdrop->h[i] = i == 0 ? canvas->h : canvas->h / 2;
    backdrop->planes[i] =
        avm_alloc ((size_t)backdrop->w[i] * (size_t)backdrop->h[i], 1);
    if (backdrop->planes[i] == NULL) {
      avm_backdrop_clear (backdrop);
      return false;
    }
    bake_plane (backdrop, i, canvas, matrix);
  }
  return true;
}

void
avm_backdrop_clear (AvmBackdrop *backdrop)
{
  for (int i = 0; i < 3; i++)
    avm_free (backdrop->planes[i]);
  memset (backdrop, 0, sizeof (*backdrop));
}

/* Keys' cubic convolution: third-order, no blur at whole px. */
static void
cubic_weights (double f, float w[4])
{
  double f2 = f * f, f3 = f2 * f;

  w[0] = (float)(-0.5 * f3 + f2 - 0.5 * f);
  w[1] = (float)(1.5 * f3 - 2.5 * f2 + 1.0);
  w[2] = (float)(-1.5 * f3 + 2.0 * f2 + 0.5 * f);
  w[3] = (float)(0.5 * f3 - 0.5 * f2);
}

AVM_CLONES static void
shift_row (uint8_t *restrict out, int n, const uint8_t *restrict in, int stride,
    const float wx[4], const float wy[4], float *restrict scratch)
{
  float x0 = wx[0], x1 = wx[1], x2 = wx[2], x3 = wx[3];
  float y0 = wy[0], y1 = wy[1], y2 = wy[2], y3 = wy[3];

  for (int i = 0; i < n + 3; i++)
    scratch[i] = y0 * in[i] + y1 * in[i + stride] + y2 * in[i + 2 * stride]
        + y3 * in[i + 3 * stride];
  for (int i = 0; i < n; i++) {
    float value = x0 * scratch[i] + x1 * scratch[i + 1] + x2 * scratch[i + 2]
        + x3 * scratch[i + 3] + 0.5f;

    value = value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value;
    out[i] = (uint8_t)(int)value;
  }
}

static void
draw_plane (const AvmBackdrop *backdrop, const AvmTarget *target, int i,
    double dx, double dy, float *scratch)
{
  int shift = i > 0, w = backdrop->w[i];
  int width = (target->width + shift) >> shift;
  int height = (target->height + shift) >> shift;
  double ox = backdrop->margin * (shift ? 0.5 : 1.0) - dx;
  double oy = backdrop->margin * (shift ? 0.5 : 1.0) - dy;
  int ix = (int)floor (ox), iy = (int)floor (oy);
  double fx = ox - ix, fy = oy - iy;
  float wx[4], wy[4];

  cubic_weights (fx, wx);
  cubic_weights (fy, wy);
  ix = AVM_CLAMP (ix, 0, w - width);
  iy = AVM_CLAMP (iy, 0, backdrop->h[i] - height);
  for (int y = 0; y < height; y++) {
    const uint8_t *in = backdrop->planes[i] + (ptrdiff_t)(iy + y) * w + ix;
    uint8_t *out = target->planes[i] + (ptrdiff_t)y * target->strides[i];

    if (fx == 0.0 && fy == 0.0)
      memcpy (out, in, (size_t)width);
    else
      shift_row (out, width, in - w - 1, w, wx, wy, scratch);
  }
}

void
avm_backdrop_draw (const AvmBackdrop *backdrop, const AvmTarget *target,
    double dx, double dy, float *scratch)
{
  double limit = backdrop->margin - 6.0;

  dx = limit > 0.0 ? AVM_CLAMP (dx, -limit, limit) : 0.0;
  dy = limit > 0.0 ? AVM_CLAMP (dy, -limit, limit) : 0.0;
  draw_plane (backdrop, target, 0, dx, dy, scratch);
  if (backdrop->planes[1] == NULL || target->n_planes < 3)
    return;
  draw_plane (backdrop, target, 1, 0.5 * dx, 0.5 * dy, scratch);
  draw_plane (backdrop, target, 2, 0.5 * dx, 0.5 * dy, scratch);
}

/* -- sensor ---------------------------------------------------------------- */

void
avm_noise_fill (int8_t *table, double sd, uint64_t seed)
{
  AvmRng rng;

  avm_rng_init (&rng, seed, 99);
  for (int i = 0; i < AVM_NOISE_TABLE; i++) {
    /* rounding adds a twelfth to the variance: taken off before */
    double narrow_sd = sqrt (AVM_MAX (sd * sd - 1.0 / 12.0, 0.0));
    double value = narrow_sd * avm_rng_normal (&rng);

    if (sd * sd < 1.0 / 12.0)
      value = avm_rng_uniform (&rng) < sd * sd ? copysign (0.6, value) : 0.0;
    table[i] = (int8_t)lrint (AVM_CLAMP (value, -120.0, 120.0));
  }
}

AVM_CLONES static void
add_row (uint8_t *restrict out, const int8_t *restrict noise, int n)
{
  for (int i = 0; i < n; i++) {
    int value = out[i] + noise[i];

    out[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

void
avm_noise_add (const int8_t *table, const AvmTarget *target, uint64_t hash)
{
  int span = AVM_NOISE_TABLE - target->width;
  AvmRng rng;

  avm_rng_init (&rng, hash, 5);
  for (int y = 0; y < target->height; y++) {
    int at = (int)(avm_rng_u32 (&rng) % (uint32_t)span);

    add_row (target->planes[0] + (ptrdiff_t)y * target->strides[0], table + at,
        target->width);
  }
}
