/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The painter. A path is accumulated as signed trapezoid areas, so that a
 * prefix sum over each row gives exact coverage; the mask is then low-passed
 * with [1 2 1] so that the texture holds nothing a pixel grid cannot carry.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-stage-private.h"

#include <math.h>
#include <string.h>

/* -- noise ----------------------------------------------------------------- */

static float
lattice_at (const float *lattice, int cells, double x, double y)
{
  int ix = (int)floor (x), iy = (int)floor (y);
  double fx = x - ix, fy = y - iy;
  int x0 = ix & (cells - 1), x1 = (ix + 1) & (cells - 1);
  int y0 = iy & (cells - 1), y1 = (iy + 1) & (cells - 1);
  double sx = fx * fx * fx * (fx * (fx * 6.0 - 15.0) + 10.0);
  double sy = fy * fy * fy * (fy * (fy * 6.0 - 15.0) + 10.0);
  double top =
      lattice[y0 * cells + x0] * (1.0 - sx) + lattice[y0 * cells + x1] * sx;
  double low =
      lattice[y1 * cells + x0] * (1.0 - sx) + lattice[y1 * cells + x1] * sx;

  return (float)(top * (1.0 - sy) + low * sy);
}

void
avm_tile_init (AvmTile *tile, uint64_t seed)
{
  float lattice[64 * 64];
  double sum = 0.0, square = 0.0;
  const int n = AVM_TILE * AVM_TILE;
  AvmRng rng;

  avm_rng_init (&rng, seed, 77);
  memset (tile->v, 0, sizeof (tile->v));
  for (int cells = 64; cells >= 16; cells /= 2) {
    double step = (double)cells / AVM_TILE;

    for (int i = 0; i < cells * cells; i++)
      lattice[i] = (float)avm_rng_normal (&rng);
    for (int y = 0; y < AVM_TILE; y++)
      for (int x = 0; x < AVM_TILE; x++)
        tile->v[y * AVM_TILE + x] +=
            lattice_at (lattice, cells, x * step, y * step)
            * (cells == 64 ? 1.0f : 0.6f);
  }
  for (int i = 0; i < n; i++) {
    sum += tile->v[i];
    square += (double)tile->v[i] * tile->v[i];
  }
  sum /= n;
  square = sqrt (AVM_MAX (square / n - sum * sum, 1e-9));
  for (int i = 0; i < n; i++)
    tile->v[i] = (float)((tile->v[i] - sum) / square);
}

float
avm_tile_at (const AvmTile *tile, double x, double y)
{
  float xf = (float)x + 65536.0f, yf = (float)y + 65536.0f;
  int ix = (int)xf, iy = (int)yf;
  float fx = xf - (float)ix, fy = yf - (float)iy;
  const float *r0 = tile->v + (iy & (AVM_TILE - 1)) * AVM_TILE;
  const float *r1 = tile->v + ((iy + 1) & (AVM_TILE - 1)) * AVM_TILE;
  int x0 = ix & (AVM_TILE - 1), x1 = (ix + 1) & (AVM_TILE - 1);
  float top = r0[x0] + (r0[x1] - r0[x0]) * fx;
  float low = r1[x0] + (r1[x1] - r1[x0]) * fx;

  return top + (low - top) * fy;
}

/* -- colours --------------------------------------------------------------- */

AvmColor
avm_color (int rgb)
{
  AvmColor color = {(float)(rgb >> 16 & 255) / 255.0f,
      (float)(rgb >> 8 & 255) / 255.0f, (float)(rgb & 255) / 255.0f};

  return color;
}

AvmColor
avm_color_scale (AvmColor color, double gain)
{
  color.r = (float)AVM_CLAMP (color.r * gain, 0.0, 1.0);
  color.g = (float)AVM_CLAMP (color.g * gain, 0.0, 1.0);
  color.b = (float)AVM_CLAMP (color.b * gain, 0.0, 1.0);
  return color;
}

AvmColor
avm_color_mix (AvmColor a, AvmColor b, double share)
{
  float s = (float)share;

  a.r += (b.r - a.r) * s;
  a.g += (b.g - a.g) * s;
  a.b += (b.b - a.b) * s;
  return a;
}

AvmPaint
avm_paint (AvmColor color)
{
  AvmPaint paint = {.color = color, .alpha = 1.0};

  return paint;
}

AvmPaint
avm_paint_shaded (AvmColor color, double rim, double rim_width)
{
  AvmPaint paint = {.color = color, .alpha = 1.0};

  paint.rim = rim;
  paint.rim_width = rim_width;
  return paint;
}

/* -- canvas ---------------------------------------------------------------- */

static void
reset_box (AvmCanvas *canvas)
{
  canvas->bx0 = canvas->w;
  canvas->by0 = canvas->h;
  canvas->bx1 = canvas->by1 = 0;
  canvas->open = false;
}

bool
avm_canvas_init (AvmCanvas *canvas, const AvmTile *tile, double x0, double y0,
    double x1, double y1, double density, int sharpness)
{
  const AvmAffine identity = {1.0, 0.0, 0.0, 1.0, 0.0, 0.0};
  size_t n;

  memset (canvas, 0, sizeof (*canvas));
  canvas->w = (int)ceil ((x1 - x0) * density);
  canvas->h = (int)ceil ((y1 - y0) * density);
  /* even, because chroma is baked from 2 x 2 texels */
  canvas->w = (AVM_MAX (canvas->w, 2) + 1) & ~1;
  canvas->h = (AVM_MAX (canvas->h, 2) + 1) & ~1;
  canvas->density = density;
  canvas->x0 = x0;
  canvas->y0 = y0;
  canvas->sharpness = sharpness;
  canvas->user = identity;
  canvas->tile = tile;
  n = (size_t)(canvas->w + 2) * (size_t)canvas->h;
  canvas->rgba = avm_alloc (n, 4 * sizeof (float));
  canvas->mask = avm_alloc (n, sizeof (float));
  canvas->scratch = avm_alloc (n, sizeof (float));
  canvas->line =
      avm_alloc ((size_t)AVM_MAX (canvas->w, canvas->h), sizeof (float));
  reset_box (canvas);
  if (canvas->rgba != NULL && canvas->mask != NULL && canvas->scratch != NULL
      && canvas->line != NULL)
    return true;
  avm_canvas_clear (canvas);
  return false;
}

void
avm_canvas_clear (AvmCanvas *canvas)
{
  avm_free (canvas->rgba);
  avm_free (canvas->mask);
  avm_free (canvas->scratch);
  avm_free (canvas->line);
  memset (canvas, 0, sizeof (*canvas));
}

/* Whether a row holds anything, and from where to where. */
static bool
row_extent (const AvmCanvas *canvas, int y, int *lo, int *hi)
{
  const float *row = canvas->rgba + 4 * (size_t)y * (size_t)(canvas->w + 2);
  int first = 0, last = canvas->w;

  while (first < last && row[4 * first + 3] <= 0.001f)
    first++;
  while (last > first && row[4 * (last - 1) + 3] <= 0.001f)
    last--;
  *lo = AVM_MIN (*lo, first);
  *hi = AVM_MAX (*hi, last);
  return first < last;
}

void
avm_canvas_crop (AvmCanvas *canvas)
{
  int x0 = canvas->w, x1 = 0, y0 = canvas->h, y1 = 0, w, h;

  for (int y = 0; y < canvas->h; y++) {
    int lo = canvas->w, hi = 0;

    if (!row_extent (canvas, y, &lo, &hi))
      continue;
    x0 = AVM_MIN (x0, lo);
    x1 = AVM_MAX (x1, hi);
    y0 = AVM_MIN (y0, y);
    y1 = y + 1;
  }
  if (x0 >= x1)
    return;
  /* even places and sizes, and a clear texel around */
  x0 = AVM_MAX (x0 - 1, 0) & ~1;
  y0 = AVM_MAX (y0 - 1, 0) & ~1;
  w = AVM_MIN ((x1 - x0 + 2) & ~1, canvas->w - x0);
  h = AVM_MIN ((y1 - y0 + 2) & ~1, canvas->h - y0);
  for (int y = 0; y < h; y++)
    memmove (canvas->rgba + 4 * (size_t)y * (size_t)(w + 2),
        canvas->rgba
            + 4 * ((size_t)(y + y0) * (size_t)(canvas->w + 2) + (size_t)x0),
        4 * (size_t)w * sizeof (float));
  canvas->x0 += x0 / canvas->density;
  canvas->y0 += y0 / canvas->density;
  canvas->w = w;
  canvas->h = h;
}

/* -- paths ----------------------------------------------------------------- */

/* Mean over an edge that crosses from lo to hi of what lies left of t. */
static double
area_until (double t, double lo, double hi)
{
  if (t <= lo)
    return 0.0;
  if (t >= hi)
    return t - 0.5 * (lo + hi);
  return 0.5 * (t - lo) * (t - lo) / (hi - lo);
}

/* One row's share of an edge: `dy` of height between columns xa and xb, as
 * differences of the area to its right. */
static void
accumulate_row (float *row, int w, double xa, double xb, double dy)
{
  double lo = AVM_CLAMP (AVM_MIN (xa, xb), 0.0, (double)w);
  double hi = AVM_CLAMP (AVM_MAX (xa, xb), 0.0, (double)w);
  int i0 = (int)lo, i1 = AVM_MIN ((int)ceil (hi), w);
  double before = 0.0, until = 0.0;

  for (int i = i0; i <= i1; i++) {
    double next = area_until (i + 1.0, lo, hi), area = next - until;

    row[i] += (float)(dy * (area - before));
    before = area;
    until = next;
  }
  /* an edge within one column has its rest in the next */
  row[i1 + 1] += (float)(dy * (1.0 - before));
}

static void
add_edge (AvmCanvas *canvas, AvmVec p, AvmVec q)
{
  double direction = 1.0, slope, y0, y1;
  int row0, row1;

  canvas->bx0 = AVM_MIN (canvas->bx0, (int)AVM_MAX (AVM_MIN (p.x, q.x), 0.0));
  canvas->bx1 =
      AVM_MAX (canvas->bx1, (int)AVM_MIN (AVM_MAX (p.x, q.x) + 1.0, 1e9));
  if (p.y == q.y)
    return;
  if (p.y > q.y) {
    AvmVec swap = p;

    p = q;
    q = swap;
    direction = -1.0;
  }
  y0 = AVM_MAX (p.y, 0.0);
  y1 = AVM_MIN (q.y, (double)canvas->h);
  if (y0 >= y1)
    return;
  slope = (q.x - p.x) / (q.y - p.y);
  row0 = (int)y0;
  row1 = AVM_MIN ((int)ceil (y1), canvas->h);
  for (int y = row0; y < row1; y++) {
    double top = AVM_MAX (y0, (double)y), low = AVM_MIN (y1, y + 1.0);

    accumulate_row (canvas->mask + (size_t)y * (size_t)(canvas->w + 2),
        canvas->w, p.x + (top - p.y) * slope, p.x + (low - p.y) * slope,
        direction * (low - top));
  }
  canvas->by0 = AVM_MIN (canvas->by0, row0);
  canvas->by1 = AVM_MAX (canvas->by1, row1);
}

static AvmVec
to_texels (const AvmCanvas *canvas, double x, double y)
{
  const AvmAffine *m = &canvas->user;
  AvmVec p = {(m->a * x + m->b * y + m->x0 - canvas->x0) * canvas->density,
      (m->c * x + m->d * y + m->y0 - canvas->y0) * canvas->density};

  return p;
}

static void
close_path (AvmCanvas *canvas)
{
  if (canvas->open)
    add_edge (canvas, canvas->last, canvas->start);
  canvas->open = false;
}

void
avm_path_move (AvmCanvas *canvas, double x, double y)
{
  close_path (canvas);
  canvas->start = canvas->last = to_texels (canvas, x, y);
  canvas->open = true;
}

void
avm_path_line (AvmCanvas *canvas, double x, double y)
{
  AvmVec p = to_texels (canvas, x, y);

  add_edge (canvas, canvas->last, p);
  canvas->last = p;
}

void
avm_path_quad (AvmCanvas *canvas, double cx, double cy, double x, double y)
{
  AvmVec p = canvas->last, c = to_texels (canvas, cx, cy);
  AvmVec q = to_texels (canvas, x, y);
  const int steps = 12;

  for (int i = 1; i <= steps; i++) {
    double t = (double)i / steps, s = 1.0 - t;
    AvmVec next = {s * s * p.x + 2.0 * s * t * c.x + t * t * q.x,
        s * s * p.y + 2.0 * s * t * c.y + t * t * q.y};

    add_edge (canvas, canvas->last, next);
    canvas->last = next;
  }
}

void
avm_path_ellipse (
    AvmCanvas *canvas, double x, double y, double rx, double ry, double angle)
{
  const int steps = 40;
  double ca = cos (angle), sa = sin (angle);

  for (int i = 0; i < steps; i++) {
    double t = 2.0 * M_PI * i / steps, u = rx * cos (t), v = ry * sin (t);
    double px = x + u * ca - v * sa, py = y + u * sa + v * ca;

    if (i == 0)
      avm_path_move (canvas, px, py);
    else
      avm_path_line (canvas, px, py);
  }
}

void
avm_path_rect (AvmCanvas *canvas, double x, double y, double w, double h)
{
  avm_path_move (canvas, x, y);
  avm_path_line (canvas, x + w, y);
  avm_path_line (canvas, x + w, y + h);
  avm_path_line (canvas, x, y + h);
}

void
avm_path_capsule (AvmCanvas *canvas, double ax, double ay, double ra, double bx,
    double by, double rb)
{
  double angle = atan2 (by - ay, bx - ax);
  const int steps = 14;

  for (int i = 0; i <= steps; i++) {
    double t = angle + M_PI / 2.0 + M_PI * i / steps;
    double x = ax + ra * cos (t), y = ay + ra * sin (t);

    if (i == 0)
      avm_path_move (canvas, x, y);
    else
      avm_path_line (canvas, x, y);
  }
  for (int i = 0; i <= steps; i++) {
    double t = angle - M_PI / 2.0 + M_PI * i / steps;

    avm_path_line (canvas, bx + rb * cos (t), by + rb * sin (t));
  }
}

static AvmVec
catmull_rom (AvmVec a, AvmVec b, AvmVec c, AvmVec d, double t)
{
  double t2 = t * t, t3 = t2 * t;
  double wa = -0.5 * t3 + t2 - 0.5 * t, wb = 1.5 * t3 - 2.5 * t2 + 1.0;
  double wc = -1.5 * t3 + 2.0 * t2 + 0.5 * t, wd = 0.5 * t3 - 0.5 * t2;
  AvmVec p = {wa * a.x + wb * b.x + wc * c.x + wd * d.x,
      wa * a.y + wb * b.y + wc * c.y + wd * d.y};

  return p;
}

void
avm_path_blob (AvmCanvas *canvas, const AvmVec *points, int n)
{
  const int steps = 8;

  avm_path_move (canvas, points[0].x, points[0].y);
  for (int i = 0; i < n; i++) {
    for (int k = 1; k <= steps; k++) {
      AvmVec p = catmull_rom (points[(i + n - 1) % n], points[i],
          points[(i + 1) % n], points[(i + 2) % n], (double)k / steps);

      avm_path_line (canvas, p.x, p.y);
    }
  }
}

static AvmVec
stroke_point (const AvmVec *points, int n, int index, int steps)
{
  int i = AVM_MIN (index / steps, n - 2);

  return catmull_rom (points[AVM_MAX (i - 1, 0)], points[i], points[i + 1],
      points[AVM_MIN (i + 2, n - 1)], (double)(index - i * steps) / steps);
}

void
avm_path_stroke (AvmCanvas *canvas, const AvmVec *points, int n, double width)
{
  const int steps = n > 2 ? 6 : 1;
  int last = (n - 1) * steps;

  /* down one side and back up the other */
  for (int i = 0; i <= 2 * last + 1; i++) {
    int k = i <= last ? i : 2 * last + 1 - i;
    AvmVec p = stroke_point (points, n, k, steps);
    AvmVec a = stroke_point (points, n, AVM_MAX (k - 1, 0), steps);
    AvmVec b = stroke_point (points, n, AVM_MIN (k + 1, last), steps);
    double dx = b.x - a.x, dy = b.y - a.y;
    double side = (i <= last ? 0.5 : -0.5) * width
        / AVM_MAX (sqrt (dx * dx + dy * dy), 1e-9);

    if (i == 0)
      avm_path_move (canvas, p.x - dy * side, p.y + dx * side);
    else
      avm_path_line (canvas, p.x - dy * side, p.y + dx * side);
  }
}

/* -- filling --------------------------------------------------------------- */

/* Sums the edges to coverage; the mask row is left clean by the fill. */
static void
resolve_mask (AvmCanvas *canvas)
{
  size_t stride = (size_t)(canvas->w + 2);

  for (int y = canvas->by0; y < canvas->by1; y++) {
    float *row = canvas->mask + (size_t)y * stride;
    float sum = 0.0f;

    for (int x = canvas->bx0; x < canvas->bx1; x++) {
      sum += row[x];
      row[x] = fminf (fabsf (sum), 1.0f);
    }
    for (int x = canvas->bx1; x < canvas->w + 2; x++)
      row[x] = 0.0f;
  }
}

static void
grow_box (AvmCanvas *canvas, int r)
{
  canvas->bx0 = AVM_MAX (canvas->bx0 - r, 0);
  canvas->by0 = AVM_MAX (canvas->by0 - r, 0);
  canvas->bx1 = AVM_MIN (canvas->bx1 + r, canvas->w);
  canvas->by1 = AVM_MIN (canvas->by1 + r, canvas->h);
}

static void
smooth_mask (AvmCanvas *canvas)
{
  size_t stride = (size_t)(canvas->w + 2);

  grow_box (canvas, 1);
  for (int y = canvas->by0; y < canvas->by1; y++) {
    const float *in = canvas->mask + (size_t)y * stride;
    float *out = canvas->scratch + (size_t)y * stride;

    for (int x = canvas->bx0; x < canvas->bx1; x++)
      out[x] = 0.25f
          * (in[AVM_MAX (x - 1, 0)] + 2.0f * in[x]
              + in[AVM_MIN (x + 1, canvas->w - 1)]);
  }
  for (int y = canvas->by0; y < canvas->by1; y++) {
    const float *mid = canvas->scratch + (size_t)y * stride;
    const float *up = y > canvas->by0 ? mid - stride : mid;
    const float *down = y + 1 < canvas->by1 ? mid + stride : mid;
    float *out = canvas->mask + (size_t)y * stride;

    /* beyond the box coverage is 0, but at the canvas' edge it goes on */
    for (int x = canvas->bx0; x < canvas->bx1; x++)
      out[x] = 0.25f * (up[x] + 2.0f * mid[x] + down[x]);
  }
}

/* Box mean of radius r over n values; zero beyond them. */
static void
box_line (const float *in, float *out, int n, size_t out_step, int r)
{
  double sum = 0.0, gain = 1.0 / (2 * r + 1);

  for (int i = 0; i < AVM_MIN (r, n); i++)
    sum += in[i];
  for (int i = 0; i < n; i++) {
    if (i + r < n)
      sum += in[i + r];
    if (i - r - 1 >= 0)
      sum -= in[i - r - 1];
    out[(size_t)i * out_step] = (float)(sum * gain);
  }
}

/* scratch = mask, blurred over r texels to each side */
static void
blur_to_scratch (AvmCanvas *canvas, int r)
{
  size_t stride = (size_t)(canvas->w + 2);
  int w = canvas->bx1 - canvas->bx0, h = canvas->by1 - canvas->by0;

  for (int y = canvas->by0; y < canvas->by1; y++) {
    size_t at = (size_t)y * stride + (size_t)canvas->bx0;

    box_line (canvas->mask + at, canvas->line, w, 1, r);
    box_line (canvas->line, canvas->scratch + at, w, 1, (r + 1) / 2);
  }
  for (int x = canvas->bx0; x < canvas->bx1; x++) {
    float *column = canvas->scratch + (size_t)canvas->by0 * stride + x;

    for (int y = 0; y < h; y++)
      canvas->line[y] = column[(size_t)y * stride];
    box_line (canvas->line, column, h, stride, r);
  }
}

static double
wave (double phase)
{
  return sin (2.0 * M_PI * phase);
}

/* Flowers of six petals, every second column half a cell lower. */
static double
flowers (double u, double v)
{
  double column = floor (u), x, y, r, c, petals;

  v += fmod (column + 4096.0, 2.0) * 0.5;
  x = u - column - 0.5;
  y = v - floor (v) - 0.5;
  r = sqrt (x * x + y * y) + 1e-9;
  c = y * y / (r * r);
  /* cos (6 phi) by cos^2 (phi) */
  petals = ((32.0 * c - 48.0) * c + 18.0) * c - 1.0;
  return AVM_CLAMP (
      AVM_MIN (12.0 * (0.27 + 0.10 * petals - r), 12.0 * (r - 0.09)), -1.0,
      1.0);
}

/* Relative change of brightness at user (x, y). */
static double
texture_at (const AvmPaint *paint, const AvmTile *tile, double x, double y)
{
  double along = x * paint->along_x + y * paint->along_y;
  double across = y * paint->along_x - x * paint->along_y;
  double step = 8.0 / paint->size, o = paint->offset;

  switch (paint->texture) {
    case AVM_TEXTURE_GRAIN:
      return 0.5 * avm_tile_at (tile, x * step + o, y * step);
    case AVM_TEXTURE_FIBRE:
      return 0.5
          * avm_tile_at (tile, along * step * 0.09 + o,
              across * step + 3.0 * avm_tile_at (tile, along * step * 0.03, o));
    case AVM_TEXTURE_STRIPES:
      return wave (across / paint->size);
    case AVM_TEXTURE_CHECK:
      return 0.5 * (wave (across / paint->size) + wave (along / paint->size));
    case AVM_TEXTURE_DAMASK:
      return flowers (x / paint->size, y / (1.15 * paint->size));
    case AVM_TEXTURE_FOLDS: {
      double sag = 0.25 * avm_tile_at (tile, x / paint->size + o, y * 0.004);

      return 0.7 * wave (x / paint->size + sag)
          + 0.3 * wave (2.3 * x / paint->size + 2.0 * sag);
    }
    case AVM_TEXTURE_NONE:
    default:
      return 0.0;
  }
}

static AvmColor
shade (const AvmPaint *paint, const AvmTile *tile, double x, double y,
    double inside)
{
  AvmColor color = paint->color;
  double gain = 1.0;

  if (paint->gradient) {
    double dx = paint->x1 - paint->x0, dy = paint->y1 - paint->y0;
    double t = ((x - paint->x0) * dx + (y - paint->y0) * dy)
        / AVM_MAX (dx * dx + dy * dy, 1e-12);

    color = avm_color_mix (color, paint->color2, AVM_CLAMP (t, 0.0, 1.0));
  }
  if (paint->texture != AVM_TEXTURE_NONE)
    gain += paint->amount * texture_at (paint, tile, x, y);
  if (paint->grain > 0.0)
    gain += 0.5 * paint->grain
        * avm_tile_at (tile, x * 8.0 / paint->grain_size + 31.0,
            y * 8.0 / paint->grain_size + paint->offset);
  if (paint->rim > 0.0) {
    double edge = AVM_CLAMP (1.0 - inside, 0.0, 1.0);

    gain *= 1.0 - paint->rim * edge;
  }
  return avm_color_scale (color, AVM_MAX (gain, 0.0));
}

/* Masks are exchanged by soft fills: none may keep anything. */
static void
clean_scratch (AvmCanvas *canvas)
{
  size_t stride = (size_t)(canvas->w + 2);

  for (int y = canvas->by0; y < canvas->by1; y++)
    memset (canvas->scratch + (size_t)y * stride + canvas->bx0, 0,
        (size_t)(canvas->bx1 - canvas->bx0) * sizeof (float));
}

static void
blend_texel (float *rgba, AvmColor color, float alpha)
{
  float keep = 1.0f - alpha;

  rgba[0] = rgba[0] * keep + color.r * alpha;
  rgba[1] = rgba[1] * keep + color.g * alpha;
  rgba[2] = rgba[2] * keep + color.b * alpha;
  rgba[3] = rgba[3] * keep + alpha;
}

static AvmAffine
invert (const AvmAffine *m)
{
  double gain = 1.0 / (m->a * m->d - m->b * m->c);
  AvmAffine i = {
      m->d * gain, -m->b * gain, -m->c * gain, m->a * gain, 0.0, 0.0};

  i.x0 = -(i.a * m->x0 + i.b * m->y0);
  i.y0 = -(i.c * m->x0 + i.d * m->y0);
  return i;
}

static void
fill_row (
    AvmCanvas *canvas, const AvmPaint *paint, const AvmAffine *inverse, int y)
{
  size_t at = (size_t)y * (size_t)(canvas->w + 2);
  float alpha = paint->alpha > 0.0 ? (float)paint->alpha : 1.0f;
  double cy = canvas->y0 + (y + 0.5) / canvas->density;

  for (int x = canvas->bx0; x < canvas->bx1; x++) {
    float mask = canvas->mask[at + (size_t)x] * alpha;

    canvas->mask[at + (size_t)x] = 0.0f;
    if (mask > 0.001f) {
      double cx = canvas->x0 + (x + 0.5) / canvas->density;
      AvmColor color = shade (paint, canvas->tile,
          inverse->a * cx + inverse->b * cy + inverse->x0,
          inverse->c * cx + inverse->d * cy + inverse->y0,
          2.0 * canvas->scratch[at + (size_t)x] - 1.0);

      blend_texel (canvas->rgba + 4 * (at + (size_t)x), color, mask);
    }
  }
}

void
avm_canvas_fill (AvmCanvas *canvas, const AvmPaint *paint)
{
  AvmPaint turned = *paint;
  AvmAffine inverse = invert (&canvas->user);
  double unit = canvas->density
      * sqrt (fabs (
          canvas->user.a * canvas->user.d - canvas->user.b * canvas->user.c));

  close_path (canvas);
  canvas->bx1 = AVM_MIN (canvas->bx1 + 1, canvas->w);
  canvas->by1 = AVM_MIN (canvas->by1, canvas->h);
  if (canvas->bx0 < canvas->bx1 && canvas->by0 < canvas->by1) {
    resolve_mask (canvas);
    if (paint->soft > 0.0) {
      int r = AVM_MAX ((int)lrint (paint->soft * unit), 1);
      float *swap = canvas->mask;

      grow_box (canvas, 2 * r);
      blur_to_scratch (canvas, r);
      /* both are written in the whole box only, and left clean below */
      canvas->mask = canvas->scratch;
      canvas->scratch = swap;
    }
    for (int i = 0; i < canvas->sharpness; i++)
      smooth_mask (canvas);
    if (paint->rim > 0.0)
      blur_to_scratch (
          canvas, AVM_MAX ((int)lrint (paint->rim_width * unit), 1));
    turned.along_x = cos (paint->angle);
    turned.along_y = sin (paint->angle);
    for (int y = canvas->by0; y < canvas->by1; y++)
      fill_row (canvas, &turned, &inverse, y);
    clean_scratch (canvas);
  }
  reset_box (canvas);
}
