/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vision/avm-corners.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* room for the neighbours of the first and last column */
#define MARGIN 16
#define RADIX_BITS 11
#define RADIX (1 << RADIX_BITS)

/* a local maximum: response bits, which order like the positive floats that
 * they are, and position */
typedef struct {
  uint32_t key;
  uint32_t x, y;
} Candidate;

struct _AvmCorners {
  int max_width;
  int16_t *smooth, *slope; /* vertical halves of the Sobel operator */
  float *gx, *gy;
  float *products[3]; /* gx gx, gx gy, gy gy of one row */
  float *sums[3][3];  /* [row][product], summed over 3 columns */
  float *eigen[3];
  float *peaks[3]; /* greatest of 3 columns of eigen */
  uint8_t *marks;
  float *floats;
  int16_t *shorts;

  Candidate *candidates, *sorted;
  size_t n_candidates, size;
  int32_t *cells, *links;
  size_t n_cells, n_links;
};

static int
mirror (int i, int n)
{
  if (n == 1)
    return 0;
  if (i < 0)
    return -i;
  return i >= n ? 2 * n - 2 - i : i;
}

AVM_CLONES static void
vertical_sobel (int16_t *restrict smooth, int16_t *restrict slope,
    const uint8_t *restrict a, const uint8_t *restrict b,
    const uint8_t *restrict c, int n)
{
  for (int x = 0; x < n; x++) {
    smooth[x] = (int16_t)(a[x] + 2 * b[x] + c[x]);
    slope[x] = (int16_t)(c[x] - a[x]);
  }
}

/* Up to 1020 squared: sums over 9 of them are exact in a float. */
AVM_CLONES static void
gradient_products (float *restrict xx, float *restrict xy, float *restrict yy,
    const int16_t *restrict smooth, const int16_t *restrict slope, int n)
{
  for (int x = 0; x < n; x++) {
    float gx = (float)(int16_t)(smooth[x + 1] - smooth[x - 1]);
    float gy = (float)(int16_t)(slope[x - 1] + 2 * slope[x] + slope[x + 1]);

    xx[x] = gx * gx;
    xy[x] = gx * gy;
    yy[x] = gy * gy;
  }
}

AVM_CLONES static void
sum_columns (float *restrict out, const float *restrict in, int n)
{
  for (int x = 0; x < n; x++)
    out[x] = in[x - 1] + in[x] + in[x + 1];
}

/* Smaller eigenvalue of the mean structure tensor; Sobel counts a gradient 8
 * times and the block has 9 pixels. */
AVM_CLONES static void
smaller_eigenvalues (float *restrict out, float *const *sums0,
    float *const *sums1, float *const *sums2, int n)
{
  const float *restrict a0 = sums0[0], *restrict b0 = sums0[1],
                        *restrict c0 = sums0[2];
  const float *restrict a1 = sums1[0], *restrict b1 = sums1[1],
                        *restrict c1 = sums1[2];
  const float *restrict a2 = sums2[0], *restrict b2 = sums2[1],
                        *restrict c2 = sums2[2];
  const float scale = 1.0f / (64.0f * 9.0f);

  for (int x = 0; x < n; x++) {
    float a = 0.5f * (a0[x] + a1[x] + a2[x]);
    float b = b0[x] + b1[x] + b2[x];
    float c = 0.5f * (c0[x] + c1[x] + c2[x]);

    out[x] = scale * ((a + c) - sqrtf ((a - c) * (a - c) + b * b));
  }
}

/* Greatest of each three columns; returns the greatest of all. */
AVM_CLONES static float
peak_columns (float *restrict out, const float *restrict in, int n)
{
  float lanes[16] = {0};
  float greatest = 0.0f;
  int x = 0;

  for (; x + 16 <= n; x += 16)
    for (int i = 0; i < 16; i++) {
      const float *p = in + x + i;
      float m = p[-1] > p[1] ? p[-1] : p[1];

      m = m > p[0] ? m : p[0];
      out[x + i] = m;
      lanes[i] = lanes[i] > p[0] ? lanes[i] : p[0];
    }
  for (; x < n; x++) {
    out[x] = AVM_MAX (in[x], AVM_MAX (in[x - 1], in[x + 1]));
    greatest = AVM_MAX (greatest, in[x]);
  }
  for (int i = 0; i < 16; i++)
    greatest = AVM_MAX (greatest, lanes[i]);
  return greatest;
}

AVM_CLONES static void
mark_maxima (uint8_t *restrict marks, const float *restrict eigen,
    const float *restrict peaks0, const float *restrict peaks1,
    const float *restrict peaks2, float least, int n)
{
  for (int x = 0; x < n; x++) {
    float m = peaks0[x] > peaks2[x] ? peaks0[x] : peaks2[x];

    m = m > peaks1[x] ? m : peaks1[x];
    marks[x] = (uint8_t)((eigen[x] >= m) & (eigen[x] > least));
  }
}

AvmCorners *
avm_corners_new (int max_width)
{
  AvmCorners *self;
  size_t stride;
  float *f;

  if (max_width < 1)
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  stride = ((size_t)max_width + 2 * MARGIN + 15) & ~(size_t)15;
  self->max_width = max_width;
  self->floats = avm_alloc (20 * stride, sizeof (float));
  self->shorts = avm_alloc (2 * stride, sizeof (int16_t));
  self->marks = avm_alloc (stride, 1);
  if (self->floats == NULL || self->shorts == NULL || self->marks == NULL) {
    avm_corners_free (self);
    return NULL;
  }
  self->smooth = self->shorts + MARGIN;
  self->slope = self->shorts + stride + MARGIN;
  f = self->floats + MARGIN;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++, f += stride)
      self->sums[i][j] = f;
    self->products[i] = f;
    self->eigen[i] = f + stride;
    self->peaks[i] = f + 2 * stride;
    f += 3 * stride;
  }
  return self;
}

void
avm_corners_free (AvmCorners *self)
{
  if (self == NULL)
    return;
  avm_free (self->floats);
  avm_free (self->shorts);
  avm_free (self->marks);
  free (self->candidates);
  free (self->sorted);
  free (self->cells);
  free (self->links);
  avm_free (self);
}

static bool
reserve (AvmCorners *self, size_t more)
{
  size_t size = self->size;
  Candidate *grown;

  if (self->n_candidates + more <= size)
    return true;
  size = AVM_MAX (2 * size, self->n_candidates + more + 4096);
  grown = realloc (self->candidates, size * sizeof (Candidate));
  if (grown == NULL)
    return false;
  self->candidates = grown;
  grown = realloc (self->sorted, size * sizeof (Candidate));
  if (grown == NULL)
    return false;
  self->sorted = grown;
  self->size = size;
  return true;
}

/* Sums of gradient products of row y, columns box->x - 1 to box->x + width.
 * At the edge of the plane pixels and products are mirrored. */
static void
sum_row (AvmCorners *self, const AvmPlane *plane, const AvmRect *box, int y,
    float *const *sums)
{
  const uint8_t *rows[3];
  int first, n, w = plane->width;

  y = mirror (y, plane->height);
  for (int k = 0; k < 3; k++)
    rows[k] = plane->data + mirror (y + k - 1, plane->height) * plane->stride;
  /* column i of the row buffers is column first + i of the plane */
  first = AVM_MAX (box->x - 3, 0);
  n = AVM_MIN (box->x + box->width + 3, w) - first;
  vertical_sobel (self->smooth, self->slope, rows[0] + first, rows[1] + first,
      rows[2] + first, n);
  self->smooth[-1] = self->smooth[mirror (-1, n)];
  self->slope[-1] = self->slope[mirror (-1, n)];
  self->smooth[n] = self->smooth[mirror (n, n)];
  self->slope[n] = self->slope[mirror (n, n)];
  gradient_products (self->products[0], self->products[1], self->products[2],
      self->smooth, self->slope, n);
  for (int i = 0; i < 3; i++) {
    float *p = self->products[i];

    p[-1] = p[mirror (-1, n)];
    p[n] = p[mirror (n, n)];
    sum_columns (sums[i], p, n);
  }
}

static bool
in_rects (const AvmRect *rects, size_t n_rects, int x, int y)
{
  for (size_t i = 0; i < n_rects; i++)
    if (x >= rects[i].x && y >= rects[i].y && x - rects[i].x < rects[i].width
        && y - rects[i].y < rects[i].height)
      return true;
  return n_rects == 0;
}

/* Adds the marked columns of row y. */
static void
collect (AvmCorners *self, const float *eigen, int n, int x0, int y,
    const AvmRect *rects, size_t n_rects)
{
  const uint8_t *marks = self->marks;

  for (int x = 0; x < n; x += 8) {
    uint64_t word;

    memcpy (&word, marks + x, 8);
    if (word == 0)
      continue;
    for (int i = x; i < x + 8 && i < n; i++) {
      Candidate *c;

      if (!marks[i] || !in_rects (rects, n_rects, x0 + i, y))
        continue;
      c = &self->candidates[self->n_candidates++];
      memcpy (&c->key, &eigen[i], sizeof (c->key));
      c->x = (uint32_t)(x0 + i);
      c->y = (uint32_t)y;
    }
  }
}

/* Eigenvalues of one row and their greatest of three columns, with one column
 * more on both sides for the neighbours. */
static float
eigen_row (AvmCorners *self, const AvmRect *box, int row)
{
  int skip = box->x - AVM_MAX (box->x - 3, 0);
  float *eigen = self->eigen[(row + 3) % 3];
  float *sums[3][3];

  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 3; i++)
      sums[k][i] = self->sums[k][i] + skip - 1;
  smaller_eigenvalues (eigen - 1, sums[0], sums[1], sums[2], box->width + 2);
  return peak_columns (self->peaks[(row + 3) % 3], eigen, box->width);
}

/* Collects local maxima inside the box; returns the greatest response. The
 * threshold rises with the greatest response so far, which keeps the list
 * short; what the final threshold excludes is sorted out later. */
static float
scan (AvmCorners *self, const AvmPlane *plane, const AvmRect *box,
    const AvmRect *rects, size_t n_rects, const AvmCornersParams *params)
{
  int end = box->y + box->height;
  float greatest = 0.0f;

  self->n_candidates = 0;
  for (int y = box->y - 2; y <= end + 1; y++) {
    int row = y - 1; /* whose eigenvalues can be had now */
    float peak;

    sum_row (self, plane, box, y, self->sums[(y + 3) % 3]);
    if (row < box->y - 1)
      continue;
    peak = eigen_row (self, box, row);
    if (row >= box->y && row < end)
      greatest = AVM_MAX (greatest, peak);
    row--; /* whose neighbours are known now */
    if (row < box->y)
      continue;
    if (!reserve (self, (size_t)box->width))
      return 0.0f;
    mark_maxima (self->marks, self->eigen[(row + 3) % 3],
        self->peaks[(row + 2) % 3], self->peaks[(row + 3) % 3],
        self->peaks[(row + 4) % 3],
        AVM_MAX (params->min_response, params->quality * greatest), box->width);
    collect (self, self->eigen[(row + 3) % 3], box->width, box->x, row, rects,
        n_rects);
  }
  return greatest;
}

/* Greatest first; equal ones stay in order of position. */
static void
sort_candidates (AvmCorners *self)
{
  for (int shift = 0; shift < 32; shift += RADIX_BITS) {
    size_t counts[RADIX] = {0}, next = 0;
    Candidate *swap;

    for (size_t i = 0; i < self->n_candidates; i++)
      counts[~(self->candidates[i].key >> shift) & (RADIX - 1)]++;
    for (size_t i = 0; i < RADIX; i++) {
      size_t count = counts[i];

      counts[i] = next;
      next += count;
    }
    for (size_t i = 0; i < self->n_candidates; i++) {
      const Candidate *c = &self->candidates[i];

      self->sorted[counts[~(c->key >> shift) & (RADIX - 1)]++] = *c;
    }
    swap = self->candidates;
    self->candidates = self->sorted;
    self->sorted = swap;
  }
}

static void
drop_weak (AvmCorners *self, float least)
{
  size_t n = 0;

  for (size_t i = 0; i < self->n_candidates; i++) {
    float response;

    memcpy (&response, &self->candidates[i].key, sizeof (response));
    if (response > least)
      self->candidates[n++] = self->candidates[i];
  }
  self->n_candidates = n;
}

/* Chosen positions in square cells of one minimum distance: whatever is near
 * enough lies in the 3x3 cells around. */
typedef struct {
  const AvmRect *box;
  float cell, distance2;
  int columns, rows;
  int32_t *heads, *links;
  const AvmVec2 *taken;
  size_t n_taken;
  const AvmCorner *corners;
} Grid;

static void
grid_add (Grid *grid, float x, float y, int32_t index)
{
  int cx = (int)floorf ((x - (float)grid->box->x) / grid->cell) + 1;
  int cy = (int)floorf ((y - (float)grid->box->y) / grid->cell) + 1;

  if (cx < 0 || cy < 0 || cx >= grid->columns || cy >= grid->rows)
    return;
  grid->links[index] = grid->heads[cy * grid->columns + cx];
  grid->heads[cy * grid->columns + cx] = index;
}

static bool
grid_is_free (const Grid *grid, float x, float y)
{
  int cx = (int)((x - (float)grid->box->x) / grid->cell) + 1;
  int cy = (int)((y - (float)grid->box->y) / grid->cell) + 1;

  for (int j = cy - 1; j <= cy + 1; j++)
    for (int i = cx - 1; i <= cx + 1; i++)
      for (int32_t k = grid->heads[j * grid->columns + i]; k >= 0;
           k = grid->links[k]) {
        bool old = (size_t)k < grid->n_taken;
        size_t c = old ? 0 : (size_t)k - grid->n_taken;
        float dx = x - (old ? grid->taken[k].x : grid->corners[c].x);
        float dy = y - (old ? grid->taken[k].y : grid->corners[c].y);

        if (dx * dx + dy * dy < grid->distance2)
          return false;
      }
  return true;
}

static bool
grid_init (Grid *grid, AvmCorners *self, size_t max_corners)
{
  size_t n_cells, n_links = grid->n_taken + max_corners;

  grid->columns = (int)((float)grid->box->width / grid->cell) + 3;
  grid->rows = (int)((float)grid->box->height / grid->cell) + 3;
  n_cells = (size_t)grid->columns * (size_t)grid->rows;
  if (n_cells > self->n_cells) {
    int32_t *grown = realloc (self->cells, n_cells * sizeof (int32_t));

    if (grown == NULL)
      return false;
    self->cells = grown;
    self->n_cells = n_cells;
  }
  if (n_links > self->n_links) {
    int32_t *grown = realloc (self->links, n_links * sizeof (int32_t));

    if (grown == NULL)
      return false;
    self->links = grown;
    self->n_links = n_links;
  }
  grid->heads = self->cells;
  grid->links = self->links;
  memset (grid->heads, 0xff, n_cells * sizeof (int32_t));
  for (size_t i = 0; i < grid->n_taken; i++)
    if (isfinite (grid->taken[i].x) && isfinite (grid->taken[i].y)
        && fabsf (grid->taken[i].x) < 1e6f && fabsf (grid->taken[i].y) < 1e6f)
      grid_add (grid, grid->taken[i].x, grid->taken[i].y, (int32_t)i);
  return true;
}

static size_t
choose (AvmCorners *self, const AvmRect *box, const AvmVec2 *taken,
    size_t n_taken, float min_distance, AvmCorner *corners, size_t max_corners)
{
  Grid grid = {.box = box,
      .cell = AVM_MAX (min_distance, 4.0f),
      .distance2 = min_distance * min_distance,
      .taken = taken,
      .n_taken = taken != NULL ? n_taken : 0,
      .corners = corners};
  size_t n = 0;

  max_corners = AVM_MIN (max_corners, self->n_candidates);
  if (max_corners == 0 || !grid_init (&grid, self, max_corners))
    return 0;
  for (size_t i = 0; i < self->n_candidates && n < max_corners; i++) {
    const Candidate *c = &self->candidates[i];
    AvmCorner *corner = &corners[n];

    if (!grid_is_free (&grid, (float)c->x, (float)c->y))
      continue;
    corner->x = (float)c->x;
    corner->y = (float)c->y;
    memcpy (&corner->response, &c->key, sizeof (corner->response));
    grid_add (&grid, corner->x, corner->y, (int32_t)(grid.n_taken + n));
    n++;
  }
  return n;
}

/* Bounding box of the rectangles without the outermost pixels. */
static AvmRect
bounding_box (const AvmPlane *plane, const AvmRect *rects, size_t n_rects)
{
  int64_t x0 = n_rects > 0 ? INT32_MAX : 1, y0 = x0;
  int64_t x1 = n_rects > 0 ? INT32_MIN : INT32_MAX, y1 = x1;

  for (size_t i = 0; i < n_rects; i++) {
    x0 = AVM_MIN (x0, rects[i].x);
    y0 = AVM_MIN (y0, rects[i].y);
    x1 = AVM_MAX (x1, (int64_t)rects[i].x + rects[i].width);
    y1 = AVM_MAX (y1, (int64_t)rects[i].y + rects[i].height);
  }
  x0 = AVM_MAX (x0, 1);
  y0 = AVM_MAX (y0, 1);
  x1 = AVM_MIN (x1, plane->width - 1);
  y1 = AVM_MIN (y1, plane->height - 1);
  return (AvmRect){
      (int)x0, (int)y0, (int)AVM_MAX (x1 - x0, 0), (int)AVM_MAX (y1 - y0, 0)};
}

size_t
avm_corners_find (AvmCorners *self, const AvmPlane *plane, const AvmRect *rects,
    size_t n_rects, const AvmVec2 *taken, size_t n_taken,
    const AvmCornersParams *params, AvmCorner *corners, size_t max_corners)
{
  AvmRect box;
  float greatest, distance = AVM_CLAMP (params->min_distance, 0.0f, 1e5f);

  if (rects == NULL)
    n_rects = 0;
  box = bounding_box (plane, rects, n_rects);
  if (plane->width > self->max_width || box.width < 1 || box.height < 1)
    return 0;
  greatest = scan (self, plane, &box, rects, n_rects, params);
  drop_weak (self, AVM_MAX (params->min_response, params->quality * greatest));
  sort_candidates (self);
  return choose (self, &box, taken, n_taken, distance, corners, max_corners);
}
