/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-dis-private.h"

#include <math.h>
#include <string.h>

#include "avm-vision-orc.h"

#define PAD AVM_DIS_PAD
#define MAX_SIZE 16384

void
avm_dis_params_init (AvmDisParams *params, AvmDisPreset preset)
{
  static const AvmDisParams presets[] = {
      /* margin finest search smallest stride iterations propagate warps coarse
       fixed sweeps median omega alpha delta gamma smooth */
      {8, 1, 1, 12, 4, 6, 0, 1, 2, 2, 4, 1, 1.85f, 18, 6, 7, 0.0f},
      {8, 0, 0, 12, 4, 6, 0, 2, 2, 3, 4, 1, 1.85f, 18, 6, 7, 0.1f},
      {16, 0, 0, 12, 3, 8, 0, 5, 3, 5, 5, 2, 1.85f, 18, 6, 7, 0.1f},
  };

  *params = presets[AVM_CLAMP ((int)preset, 0, 2)];
}

static bool
params_valid (const AvmDisParams *p)
{
  return p->margin >= 0 && p->margin <= 256 && p->finest >= 0 && p->finest <= 4
      && p->search_finest >= p->finest && p->search_finest <= 8
      && p->smallest >= 1 && p->stride >= 1 && p->stride <= 8
      && p->iterations >= 1 && p->propagate >= 0 && p->propagate <= 2
      && p->warps >= 0 && p->warps <= 16 && p->coarse_warps >= 0
      && p->coarse_warps <= 16 && p->fixed_points >= 1 && p->fixed_points <= 32
      && p->sweeps >= 1 && p->sweeps <= 32 && p->median >= 0 && p->median <= 2
      && p->omega >= 1.0f && p->omega <= 1.95f && p->alpha > 0.0f
      && p->delta >= 0.0f && p->gamma >= 0.0f && p->smooth >= 0.0f
      && p->smooth <= 0.25f;
}

static ptrdiff_t
plane_stride (int w)
{
  return (w + 2 * PAD + 15) & ~15;
}

static size_t
plane_size (int w, int h)
{
  return (size_t)plane_stride (w) * (size_t)(h + 2 * PAD);
}

static float *
plane_origin (float *plane, int w)
{
  return plane + PAD * plane_stride (w) + PAD;
}

/* Lays the planes of all levels into the arena for an area of w x h px;
 * returns what it takes, in floats. arena NULL: only counts. */
static size_t
lay_out (AvmDis *dis, int w, int h, float *arena)
{
  int shorter = AVM_MIN (w, h);
  size_t used = 0;

  dis->n_levels = 1;
  while (dis->n_levels < AVM_DIS_MAX_LEVELS
      && (shorter >> dis->n_levels) >= dis->params.smallest)
    dis->n_levels++;
  for (int i = 0; i < 6; i++) {
    if (arena != NULL)
      dis->scratch[i] = plane_origin (arena + used, w);
    used += plane_size (w, h);
  }
  for (int l = 0; l < dis->n_levels; l++) {
    AvmDisLevel *level = &dis->levels[l];
    float **planes[] = {&level->i0, &level->i1, &level->u, &level->v};

    level->w = w;
    level->h = h;
    level->stride = plane_stride (w);
    for (int i = 0; i < 4; i++) {
      if (arena != NULL)
        *planes[i] = plane_origin (arena + used, w);
      used += plane_size (w, h);
    }
    w = (w + 1) / 2;
    h = (h + 1) / 2;
  }
  return used;
}

AvmDis *
avm_dis_new (
    const AvmDisParams *params, int max_width, int max_height, AvmError *error)
{
  AvmDis *dis;
  size_t patches;

  if (!params_valid (params) || max_width < 1 || max_height < 1
      || max_width > MAX_SIZE || max_height > MAX_SIZE) {
    avm_error_set (error, AVM_ERROR_RANGE, -1, "flow parameters out of range");
    return NULL;
  }
  dis = avm_alloc (1, sizeof (*dis));
  if (dis == NULL)
    goto no_memory;
  dis->params = *params;
  dis->max_w = max_width + 2 * params->margin;
  dis->max_h = max_height + 2 * params->margin;
  dis->solver_size =
      avm_dis_solver_init (&dis->solver, params, dis->max_w, NULL);
  patches = ((size_t)dis->max_w / (size_t)params->stride + 2)
      * ((size_t)dis->max_h / (size_t)params->stride + 2);
  dis->arena_size = lay_out (dis, dis->max_w, dis->max_h, NULL);
  dis->arena = avm_alloc (dis->arena_size, sizeof (float));
  dis->solver_arena = avm_alloc (dis->solver_size, sizeof (float));
  dis->patch_u = avm_alloc (patches, sizeof (float));
  dis->patch_v = avm_alloc (patches, sizeof (float));
  if (dis->arena != NULL && dis->solver_arena != NULL && dis->patch_u != NULL
      && dis->patch_v != NULL)
    return dis;

no_memory:
  avm_dis_free (dis);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for %d x %d px flow",
      max_width, max_height);
  return NULL;
}

void
avm_dis_free (AvmDis *dis)
{
  if (dis == NULL)
    return;
  avm_free (dis->arena);
  avm_free (dis->solver_arena);
  avm_free (dis->patch_u);
  avm_free (dis->patch_v);
  avm_free (dis);
}

void
avm_dis_replicate (float *plane, int w, int h, ptrdiff_t stride, int n)
{
  size_t bytes = (size_t)(w + 2 * n) * sizeof (float);

  for (int y = 0; y < h; y++) {
    float *row = plane + y * stride;

    for (int x = 1; x <= n; x++) {
      row[-x] = row[0];
      row[w - 1 + x] = row[w - 1];
    }
  }
  for (int y = 1; y <= n; y++) {
    memcpy (plane - y * stride - n, plane - n, bytes);
    memcpy (
        plane + (h - 1 + y) * stride - n, plane + (h - 1) * stride - n, bytes);
  }
}

/* One padded row of a frame, x from x0, edges replicated */
static void
load_row (const AvmDisImage *image, int x0, int y, int n, float *out)
{
  const uint8_t *row =
      image->data + AVM_CLAMP (y, 0, image->height - 1) * image->stride;
  int left = AVM_CLAMP (-x0, 0, n);
  int right = AVM_CLAMP (x0 + n - image->width, 0, n);
  int i = 0;

  for (; i < left; i++)
    out[i] = row[0];
  if (n - right > left) {
    avm_vision_orc_u8_to_f32 (out + left, row + x0 + left, n - right - left);
    i = n - right;
  }
  for (; i < n; i++)
    out[i] = row[image->width - 1];
}

/* (s, 1 - 2 s, s) in both directions over the padded plane */
AVM_CLONES static void
prefilter (
    float *plane, float *scratch, int w, int h, ptrdiff_t stride, float s)
{
  float c = 1.0f - 2.0f * s;

  for (int y = -PAD; y < h + PAD; y++) {
    const float *in = plane + y * stride;
    float *out = scratch + y * stride;

    for (int x = -PAD + 1; x < w + PAD - 1; x++)
      out[x] = c * in[x] + s * (in[x - 1] + in[x + 1]);
    out[-PAD] = out[-PAD + 1];
    out[w + PAD - 1] = out[w + PAD - 2];
  }
  for (int y = -PAD; y < h + PAD; y++) {
    const float *in = scratch + y * stride;
    const float *up = y > -PAD ? in - stride : in;
    const float *down = y < h + PAD - 1 ? in + stride : in;
    float *out = plane + y * stride;

    for (int x = -PAD; x < w + PAD; x++)
      out[x] = c * in[x] + s * (up[x] + down[x]);
  }
}

static void
load (AvmDis *dis, const AvmDisImage *image, int x0, int y0, float *plane)
{
  const AvmDisLevel *level = &dis->levels[0];

  for (int y = -PAD; y < level->h + PAD; y++)
    load_row (image, x0 - PAD, y0 + y, level->w + 2 * PAD,
        plane + y * level->stride - PAD);
  if (dis->params.smooth > 0.0f)
    prefilter (plane, dis->scratch[0], level->w, level->h, level->stride,
        dis->params.smooth);
}

/* Halves by (1 3 3 1) / 8 in both directions: pixel i of the result lies at
 * 2 i + 1/2. */
AVM_CLONES static void
halve (const float *src, ptrdiff_t src_stride, float *dst,
    const AvmDisLevel *level, float *restrict line)
{
  int n = 2 * level->w + 2;

  for (int y = 0; y < level->h; y++) {
    const float *r = src + 2 * y * src_stride - 1;
    const float *up = r - src_stride, *down = r + src_stride;
    const float *down2 = down + src_stride;
    float *restrict out = dst + y * level->stride;

    for (int x = 0; x < n; x++)
      line[x] = up[x] + down2[x] + 3.0f * (r[x] + down[x]);
    for (int x = 0; x < level->w; x++)
      out[x] = (1.0f / 64.0f)
          * (line[2 * x] + line[2 * x + 3]
              + 3.0f * (line[2 * x + 1] + line[2 * x + 2]));
  }
  avm_dis_replicate (dst, level->w, level->h, level->stride, PAD);
}

/* Twice the field of the coarser level, bilinear; coarse pixel i lies at fine
 * coordinate 2 i + 1/2. */
AVM_CLONES static void
double_field (const AvmDisLevel *coarse, float *src, float *dst,
    const AvmDisLevel *fine, float *restrict line)
{
  avm_dis_replicate (src, coarse->w, coarse->h, coarse->stride, 1);
  for (int y = 0; y < fine->h; y++) {
    const float *near = src + (y >> 1) * coarse->stride;
    const float *far = near + (y & 1 ? coarse->stride : -coarse->stride);
    float *restrict out = dst + y * fine->stride;

    for (int x = 0; x < coarse->w + 2; x++)
      line[x] = 1.5f * near[x - 1] + 0.5f * far[x - 1];
    /* writes one px more than an odd width has: that is padding */
    for (int x = 0; x < (fine->w + 1) / 2; x++) {
      out[2 * x] = 0.25f * line[x] + 0.75f * line[x + 1];
      out[2 * x + 1] = 0.25f * line[x + 2] + 0.75f * line[x + 1];
    }
  }
}

static void
fill (const AvmDisLevel *level, float *plane, float value)
{
  for (int y = 0; y < level->h; y++)
    for (int x = 0; x < level->w; x++)
      plane[y * level->stride + x] = value;
}

static void
make_pyramid (AvmDis *dis)
{
  float *line = dis->scratch[0] - PAD;

  for (int l = 1; l < dis->n_levels; l++) {
    const AvmDisLevel *from = &dis->levels[l - 1], *to = &dis->levels[l];

    halve (from->i0, from->stride, to->i0, to, line);
    halve (from->i1, from->stride, to->i1, to, line);
  }
}

static void
solve (AvmDis *dis, float rest_u, float rest_v)
{
  const AvmDisParams *p = &dis->params;
  int top = dis->n_levels - 1;
  int finest = AVM_MIN (p->finest, top);
  int search_finest = AVM_MIN (p->search_finest, top);
  float *line = dis->scratch[0] - PAD;

  for (int l = top; l >= 0; l--) {
    const AvmDisLevel *level = &dis->levels[l];

    if (l == top) {
      fill (level, level->u, ldexpf (rest_u, -l));
      fill (level, level->v, ldexpf (rest_v, -l));
    } else {
      const AvmDisLevel *coarse = &dis->levels[l + 1];

      double_field (coarse, coarse->u, level->u, level, line);
      double_field (coarse, coarse->v, level->v, level, line);
    }
    if (l < finest)
      continue;
    if (l >= search_finest)
      avm_dis_search (dis, level);
    avm_dis_refine (dis, level, l == finest ? p->warps : p->coarse_warps);
  }
}

static void
set_area (AvmDis *dis, const AvmDisImage *image, const AvmDisRect *rect)
{
  int margin = dis->params.margin;
  int x0 = AVM_MAX (rect->x - margin, 0);
  int y0 = AVM_MAX (rect->y - margin, 0);
  int x1 = AVM_MIN (rect->x + rect->w + margin, image->width);
  int y1 = AVM_MIN (rect->y + rect->h + margin, image->height);

  dis->rect = *rect;
  dis->area = (AvmDisRect){x0, y0, x1 - x0, y1 - y0};
  lay_out (dis, dis->area.w, dis->area.h, dis->arena);
}

bool
avm_dis_compute (AvmDis *dis, const AvmDisImage *from, const AvmDisImage *to,
    const AvmDisRect *rect, float guess_u, float guess_v, AvmError *error)
{
  int margin = dis->params.margin;

  if (from->width != to->width || from->height != to->height || rect->w < 1
      || rect->h < 1 || rect->x < 0 || rect->y < 0
      || rect->w > from->width - rect->x || rect->h > from->height - rect->y
      || rect->w > dis->max_w - 2 * margin || rect->h > dis->max_h - 2 * margin)
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "rectangle %d,%d %dx%d in a frame of %dx%d", rect->x, rect->y, rect->w,
        rect->h, from->width, from->height);
  /* also turns NaN into 0 */
  if (!(fabsf (guess_u) <= MAX_SIZE && fabsf (guess_v) <= MAX_SIZE))
    guess_u = guess_v = 0.0f;
  set_area (dis, from, rect);
  dis->shift_x = (int)lrintf (guess_u);
  dis->shift_y = (int)lrintf (guess_v);
  load (dis, from, dis->area.x, dis->area.y, dis->levels[0].i0);
  load (dis, to, dis->area.x + dis->shift_x, dis->area.y + dis->shift_y,
      dis->levels[0].i1);
  make_pyramid (dis);
  solve (dis, guess_u - (float)dis->shift_x, guess_v - (float)dis->shift_y);
  return true;
}

AVM_CLONES static void
copy_rect (const AvmDis *dis, const float *plane, float shift, float *out,
    ptrdiff_t out_stride)
{
  ptrdiff_t stride = dis->levels[0].stride;

  plane += (dis->rect.y - dis->area.y) * stride + dis->rect.x - dis->area.x;
  for (int y = 0; y < dis->rect.h; y++) {
    const float *in = plane + y * stride;
    float *restrict to = out + y * out_stride;

    for (int x = 0; x < dis->rect.w; x++)
      to[x] = in[x] + shift;
  }
}

void
avm_dis_get_flow (const AvmDis *dis, float *u, float *v, ptrdiff_t stride)
{
  if (u != NULL)
    copy_rect (dis, dis->levels[0].u, (float)dis->shift_x, u, stride);
  if (v != NULL)
    copy_rect (dis, dis->levels[0].v, (float)dis->shift_y, v, stride);
}

static double
mean_rect (const AvmDis *dis, const float *plane)
{
  ptrdiff_t stride = dis->levels[0].stride;
  double sum = 0.0;

  plane += (dis->rect.y - dis->area.y) * stride + dis->rect.x - dis->area.x;
  for (int y = 0; y < dis->rect.h; y++)
    for (int x = 0; x < dis->rect.w; x++)
      sum += plane[y * stride + x];
  return sum / ((double)dis->rect.w * dis->rect.h);
}

/* Sums over the rectangle of products of the gradients a of the first picture,
 * b of the warped second one and g, their mean, and of the difference z */
typedef enum {
  AB,
  AA,
  BB,
  GXX,
  GXY,
  GYY,
  GXZ,
  GYZ,
  N_SUMS
} Sum;

/* Partial sums that the compiler may keep in a vector each */
#define LANES 16

static inline __attribute__ ((always_inline)) void
add_pixel (const float *a, const float *b, ptrdiff_t stride, float inside,
    float sums[N_SUMS][LANES], int lane)
{
  float ax = a[1] - a[-1], ay = a[stride] - a[-stride];
  float bx = b[1] - b[-1], by = b[stride] - b[-stride];
  float gx = 0.25f * (ax + bx), gy = 0.25f * (ay + by), z = b[0] - a[0];
  float weight = inside / (1.0f + z * z * (1.0f / 64.0f));

  sums[AB][lane] += inside * (ax * bx + ay * by);
  sums[AA][lane] += inside * (ax * ax + ay * ay);
  sums[BB][lane] += inside * (bx * bx + by * by);
  sums[GXX][lane] += weight * gx * gx;
  sums[GXY][lane] += weight * gx * gy;
  sums[GYY][lane] += weight * gy * gy;
  sums[GXZ][lane] += weight * gx * z;
  sums[GYZ][lane] += weight * gy * z;
}

AVM_CLONES static void
add_row (const float *a, const float *b, const float *inside, ptrdiff_t stride,
    int n, double sums[N_SUMS])
{
  float lanes[N_SUMS][LANES] = {{0.0f}};
  int x = 0;

  for (; x + LANES <= n; x += LANES)
    for (int l = 0; l < LANES; l++)
      add_pixel (a + x + l, b + x + l, stride, inside[x + l], lanes, l);
  for (; x < n; x++)
    add_pixel (a + x, b + x, stride, inside[x], lanes, 0);
  for (int i = 0; i < N_SUMS; i++)
    for (int l = 0; l < LANES; l++)
      sums[i] += lanes[i][l];
}

static void
add_rect (const AvmDis *dis, double sums[N_SUMS])
{
  const AvmDisLevel *level = &dis->levels[0];
  float *warped = dis->scratch[0], *inside = dis->scratch[1];
  ptrdiff_t offset =
      (dis->rect.y - dis->area.y) * level->stride + dis->rect.x - dis->area.x;

  avm_dis_warp (level, warped, inside);
  avm_dis_replicate (warped, level->w, level->h, level->stride, 1);
  for (int y = 0; y < dis->rect.h; y++) {
    add_row (level->i0 + offset, warped + offset, inside + offset,
        level->stride, dis->rect.w, sums);
    offset += level->stride;
  }
}

/* One robust Gauss-Newton step for the error that all of the rectangle has in
 * common: what half resolution leaves of it, at full resolution. */
static void
correct_mean (const double sums[N_SUMS], AvmDisMotion *motion)
{
  double xx = sums[GXX], xy = sums[GXY], yy = sums[GYY], det, du, dv;

  xx += 0.01 * (sums[GXX] + sums[GYY]) + 1e-3;
  yy += 0.01 * (sums[GXX] + sums[GYY]) + 1e-3;
  det = xx * yy - xy * xy;
  du = (xy * sums[GYZ] - yy * sums[GXZ]) / det;
  dv = (xy * sums[GXZ] - xx * sums[GYZ]) / det;
  motion->u += (float)AVM_CLAMP (du, -0.25, 0.25);
  motion->v += (float)AVM_CLAMP (dv, -0.25, 0.25);
}

void
avm_dis_get_motion (const AvmDis *dis, AvmDisMotion *motion)
{
  double sums[N_SUMS] = {0.0}, energy;

  add_rect (dis, sums);
  energy = sqrt (sums[AA] * sums[BB]);
  motion->u = (float)(mean_rect (dis, dis->levels[0].u) + dis->shift_x);
  motion->v = (float)(mean_rect (dis, dis->levels[0].v) + dis->shift_y);
  motion->confidence =
      energy > 0.0 ? (float)AVM_CLAMP (sums[AB] / energy, 0.0, 1.0) : 0.0f;
  if (AVM_MIN (dis->params.finest, dis->n_levels - 1) > 0)
    correct_mean (sums, motion);
}

void
avm_dis_get_at (const AvmDis *dis, float x, float y, float *u, float *v)
{
  const AvmDisLevel *level = &dis->levels[0];
  float fx = AVM_CLAMP (x, dis->rect.x, dis->rect.x + dis->rect.w - 1);
  float fy = AVM_CLAMP (y, dis->rect.y, dis->rect.y + dis->rect.h - 1);
  int x0 = (int)(fx -= dis->area.x), y0 = (int)(fy -= dis->area.y);
  int dx = x0 + 1 < level->w;
  ptrdiff_t dy = y0 + 1 < level->h ? level->stride : 0;
  ptrdiff_t at = y0 * level->stride + x0;
  const float *planes[2] = {level->u, level->v};
  float values[2];

  fx -= x0;
  fy -= y0;
  for (int i = 0; i < 2; i++) {
    const float *p = planes[i] + at;

    values[i] = (1.0f - fy) * ((1.0f - fx) * p[0] + fx * p[dx])
        + fy * ((1.0f - fx) * p[dy] + fx * p[dy + dx]);
  }
  *u = values[0] + dis->shift_x;
  *v = values[1] + dis->shift_y;
}
