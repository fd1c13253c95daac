/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vision/avm-klt.h"

#include "vision/avm-corners.h"
#include "vision/avm-lk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A region's picture of itself: SIDE x SIDE samples over its rectangle,
 * whatever its size in pixels is. */
#define SIDE 24
#define SAMPLES (SIDE * SIDE)
/* How far to look around, in samples. */
#define REACH 3
#define WIDE (SIDE + 2 * REACH)
#define GALLERY 6
/* How far a region may leap between two frames, in samples; its picture in
 * the frame before must be found there this well. */
#define LEAP 18
#define LEAP_SIDE (SIDE + 2 * LEAP)
#define MIN_LEAP_NCC 0.6f

/* A point's own window is trusted while it fits this well... */
#define ANCHOR_NCC 0.8f
/* ...and leads no farther from the frame-to-frame result than this, px. */
#define ANCHOR_STEP 0.8f
#define MIN_POINT_NCC 0.5f
#define STRIKES 3
/* Tukey's width in median distances, and at least, px */
#define TUKEY 3.0f
#define MIN_WIDTH 0.1f
/* A second group of points that move alike is asked about when it has this
 * part of the votes of the first; it wins when the region looks so much better
 * where it leads. A window's doubt counts little below this in the vote. */
#define RIVAL 0.15f
#define RIVAL_MARGIN 0.05f
#define VOTE_DOUBT 0.1f
/* What 1 - NCC is when a window fits: noise */
#define DOUBT 0.003f
/* New corners are sought below this part of the wanted number. */
#define REFILL 0.7f
/* Pictures are added to the gallery when none is as like as this... */
#define NEW_PICTURE 0.85f
/* ...and this many frames have gone by. */
#define PICTURE_INTERVAL 15
/* No pictures are added for so many frames after a doubt where it is. */
#define CAUTION 30
/* Frames that may be unlike the gallery before a region is lost. */
#define PATIENCE 5
/* Correlation that proves a region is found again, and what is asked on top
 * of it far from where it was lost. */
#define FOUND 0.72f
#define FOUND_FAR 0.12f
#define PEAKS 5
/* Correlation below which a region is looked for around where it seems to be,
 * when it has just fallen by so much or else every few frames, and how much
 * better another place must be. */
#define DOUBTFUL 0.8f
#define SUDDEN 0.1f
#define LOOK_INTERVAL 5
#define CLEARLY 0.15f
/* Recentring: least correlation, and part of the way per frame. */
#define RECENTRE_NCC 0.75f
#define RECENTRE_GAIN 0.05f
#define RECENTRE_INTERVAL 3

typedef struct {
  uint32_t id;
  AvmVec2 position, motion;
  AvmVec2 offset; /* from the centre of the region */
  AvmLkTemplate *anchor;
  bool anchored; /* position comes from the anchor */
  float ncc;     /* how well its window fitted */
  bool moved, inlier;
  AvmVec2 first_motion; /* without a guess */
  bool first_moved;
  int strikes;
} Point;

typedef struct {
  bool valid, flat;
  float samples[SAMPLES]; /* mean 0, variance 1 under the weights */
} Picture;

typedef struct {
  AvmKltRegion shown;
  bool pending; /* given for the next frame */
  bool lost;
  float cx, cy;
  Point *points; /* capacity params.points */
  size_t n_points;
  AvmKltPoint *shown_points;
  Picture gallery[GALLERY]; /* 0: as given */
  int next_picture, frames_since_picture;
  int unlike, turn, caution;
  float last_like; /* similarity in the frame before */
} Region;

struct _AvmKlt {
  AvmKltParams params;
  int width, height;
  AvmPyramid *before, *after;
  bool has_before;
  AvmLk *lk, *near_lk;
  AvmCorners *corners;
  Region **regions;
  size_t n_regions;
  uint32_t next_id;

  /* scratch, params.points each */
  AvmVec2 *prev, *next, *back;
  AvmLkResult *forth_results, *back_results;
  AvmCorner *found;
  float *distances;
  float weights[SAMPLES];
  float *map; /* scratch of the search */
  size_t map_size;
};

/* -- pictures ------------------------------------------------------------ */

/* Weights sum to 1 and fall off towards the corners, where a rectangle shows
 * more of its surroundings than of the object. */
static void
make_weights (float *weights)
{
  float sum = 0.0f;

  for (int j = 0; j < SIDE; j++)
    for (int i = 0; i < SIDE; i++) {
      float x = ((float)i + 0.5f) / SIDE - 0.5f;
      float y = ((float)j + 0.5f) / SIDE - 0.5f;

      weights[j * SIDE + i] = expf (-(x * x + y * y) / (2.0f * 0.1225f));
      sum += weights[j * SIDE + i];
    }
  for (int i = 0; i < SAMPLES; i++)
    weights[i] /= sum;
}

static float
sample_plane (const AvmPlane *plane, float x, float y)
{
  float fx, fy, top, bottom;
  const uint8_t *a, *b;
  int x0, y0, x1;

  x = AVM_CLAMP (x, 0.0f, (float)(plane->width - 1));
  y = AVM_CLAMP (y, 0.0f, (float)(plane->height - 1));
  x0 = (int)x;
  y0 = (int)y;
  fx = x - (float)x0;
  fy = y - (float)y0;
  x1 = AVM_MIN (x0 + 1, plane->width - 1);
  a = plane->data + y0 * plane->stride;
  b = plane->data + AVM_MIN (y0 + 1, plane->height - 1) * plane->stride;
  top = (float)a[x0] + fx * (float)(a[x1] - a[x0]);
  bottom = (float)b[x0] + fx * (float)(b[x1] - b[x0]);
  return top + fy * (bottom - top);
}

/* side x side samples, w / SIDE and h / SIDE px apart, centred on (cx, cy),
 * from the pyramid level whose pixels are about that far apart. */
static void
sample_region (const AvmPyramid *pyramid, float cx, float cy, float w, float h,
    int side, float *out)
{
  float sx = w / SIDE, sy = h / SIDE, scale;
  int level = 0;
  const AvmPlane *plane;

  while (level < avm_pyramid_max_level (pyramid)
      && AVM_MIN (sx, sy) >= (float)(2 << level))
    level++;
  plane = avm_pyramid_level (pyramid, level);
  scale = 1.0f / (float)(1 << level);
  for (int j = 0; j < side; j++)
    for (int i = 0; i < side; i++)
      out[j * side + i] = sample_plane (plane,
          scale * (cx + ((float)i + 0.5f - 0.5f * (float)side) * sx),
          scale * (cy + ((float)j + 0.5f - 0.5f * (float)side) * sy));
}

/* Correlation of a picture with samples of the given stride. */
static float
correlate (const float *weights, const Picture *picture, const float *samples,
    int stride)
{
  float sum = 0.0f, squares = 0.0f, product = 0.0f, variance;

  for (int j = 0; j < SIDE; j++)
    for (int i = 0; i < SIDE; i++) {
      float w = weights[j * SIDE + i], v = samples[j * stride + i];

      sum += w * v;
      squares += w * v * v;
      product += w * v * picture->samples[j * SIDE + i];
    }
  variance = squares - sum * sum;
  if (picture->flat || !picture->valid || variance < 1.0f)
    return 0.0f;
  return product / sqrtf (variance);
}

static void
make_picture (const AvmKlt *self, const AvmPyramid *pyramid, const Region *r,
    Picture *picture)
{
  float sum = 0.0f, squares = 0.0f, variance, scale;

  sample_region (
      pyramid, r->cx, r->cy, r->shown.w, r->shown.h, SIDE, picture->samples);
  for (int i = 0; i < SAMPLES; i++) {
    float v = picture->samples[i];

    sum += self->weights[i] * v;
    squares += self->weights[i] * v * v;
  }
  variance = squares - sum * sum;
  picture->valid = true;
  picture->flat = variance < 1.0f;
  scale = picture->flat ? 0.0f : 1.0f / sqrtf (variance);
  for (int i = 0; i < SAMPLES; i++)
    picture->samples[i] = (picture->samples[i] - sum) * scale;
}

/* Best correlation of a picture near (cx, cy), and where. */
static float
match_near (const AvmKlt *self, const Region *r, const Picture *picture,
    float cx, float cy, AvmVec2 *where)
{
  float samples[WIDE * WIDE], ncc[2 * REACH + 1][2 * REACH + 1];
  int bx = REACH, by = REACH;
  float ox = 0.0f, oy = 0.0f, best = -2.0f;

  sample_region (self->after, cx, cy, r->shown.w, r->shown.h, WIDE, samples);
  for (int j = 0; j <= 2 * REACH; j++)
    for (int i = 0; i <= 2 * REACH; i++) {
      ncc[j][i] =
          correlate (self->weights, picture, samples + j * WIDE + i, WIDE);
      if (ncc[j][i] > best) {
        best = ncc[j][i];
        bx = i;
        by = j;
      }
    }
  if (bx > 0 && bx < 2 * REACH)
    ox = (float)avm_parabolic_offset (
        ncc[by][bx - 1], ncc[by][bx], ncc[by][bx + 1]);
  if (by > 0 && by < 2 * REACH)
    oy = (float)avm_parabolic_offset (
        ncc[by - 1][bx], ncc[by][bx], ncc[by + 1][bx]);
  where->x = cx + ((float)(bx - REACH) + ox) * r->shown.w / SIDE;
  where->y = cy + ((float)(by - REACH) + oy) * r->shown.h / SIDE;
  return best;
}

/* How like its own pictures the region is where it stands. */
static float
similarity (const AvmKlt *self, const Region *r)
{
  float samples[SAMPLES], best = 0.0f;

  sample_region (
      self->after, r->cx, r->cy, r->shown.w, r->shown.h, SIDE, samples);
  for (int g = 0; g < GALLERY; g++)
    if (r->gallery[g].valid)
      best = AVM_MAX (
          best, correlate (self->weights, &r->gallery[g], samples, SIDE));
  return best;
}

/* -- points -------------------------------------------------------------- */

static void
drop_points (Region *r, const bool *keep)
{
  size_t n = 0;

  for (size_t i = 0; i < r->n_points; i++) {
    Point p = r->points[i];

    if (keep != NULL && keep[i]) {
      /* swap, so that no anchor gets lost */
      r->points[i] = r->points[n];
      r->points[n++] = p;
    }
  }
  r->n_points = n;
}

static void
add_points (AvmKlt *self, Region *r)
{
  AvmCornersParams params = {
      self->params.quality, 0.2f, self->params.min_distance};
  AvmRect rect = {(int)ceilf (r->cx - 0.5f * r->shown.w),
      (int)ceilf (r->cy - 0.5f * r->shown.h), (int)r->shown.w, (int)r->shown.h};
  size_t n, wanted = (size_t)self->params.points - r->n_points;

  for (size_t i = 0; i < r->n_points; i++)
    self->prev[i] = r->points[i].position;
  n = avm_corners_find (self->corners, avm_pyramid_level (self->after, 0),
      &rect, 1, self->prev, r->n_points, &params, self->found, wanted);
  for (size_t i = 0; i < n; i++) {
    Point *p = &r->points[r->n_points];

    p->position = (AvmVec2){self->found[i].x, self->found[i].y};
    p->motion = (AvmVec2){0.0f, 0.0f};
    p->offset = (AvmVec2){p->position.x - r->cx, p->position.y - r->cy};
    p->moved = p->inlier = true;
    p->strikes = 0;
    p->anchored = avm_lk_template_take (
        self->lk, p->anchor, avm_pyramid_level (self->after, 0), p->position);
    if (!p->anchored)
      continue;
    p->id = self->next_id++;
    r->n_points++;
  }
}

/* Where the point's own window is now, if it still fits; else the window is
 * taken anew. The step from frame to frame is known already. */
static void
follow_anchor (AvmKlt *self, Point *p, AvmVec2 position)
{
  const AvmPlane *plane = avm_pyramid_level (self->after, 0);
  AvmVec2 aligned = position;
  AvmLkResult result =
      avm_lk_template_align (self->lk, p->anchor, plane, &aligned);
  bool fits = result.status == AVM_LK_TRACKED && result.ncc >= ANCHOR_NCC
      && hypotf (aligned.x - position.x, aligned.y - position.y) <= ANCHOR_STEP;

  if (fits) {
    position = aligned;
    p->ncc = result.ncc;
  } else {
    avm_lk_template_take (self->lk, p->anchor, plane, position);
  }
  /* the first step with a new window is the one from frame to frame */
  if (fits && p->anchored)
    p->motion =
        (AvmVec2){position.x - p->position.x, position.y - p->position.y};
  p->anchored = true;
  p->position = position;
}

/* Follows all points to the new frame and back again. The common guess is
 * where they are thought to have gone; with it, only the finest levels are
 * used. Those that do not lead back, or that look different, have not moved. */
static void
move_points (AvmKlt *self, Region *r, const AvmVec2 *guess)
{
  AvmLk *lk = guess != NULL ? self->near_lk : self->lk;
  float limit = self->params.max_return_error;
  size_t n = r->n_points;

  for (size_t i = 0; i < n; i++) {
    self->prev[i] = r->points[i].position;
    if (guess != NULL)
      self->next[i] =
          (AvmVec2){self->prev[i].x + guess->x, self->prev[i].y + guess->y};
  }
  avm_lk_track (lk, self->before, self->after, self->prev, self->next,
      self->forth_results, n, guess != NULL);
  for (size_t i = 0; guess != NULL && i < n; i++)
    self->back[i] =
        (AvmVec2){self->next[i].x - guess->x, self->next[i].y - guess->y};
  avm_lk_track (lk, self->after, self->before, self->next, self->back,
      self->back_results, n, guess != NULL);
  for (size_t i = 0; i < n; i++) {
    Point *p = &r->points[i];
    float ex = self->back[i].x - self->prev[i].x;
    float ey = self->back[i].y - self->prev[i].y;

    p->ncc = self->forth_results[i].ncc;
    p->moved = self->forth_results[i].status == AVM_LK_TRACKED
        && self->back_results[i].status == AVM_LK_TRACKED
        && hypotf (ex, ey) <= limit
        && self->forth_results[i].ncc >= MIN_POINT_NCC;
    /* the mean of both ways: what depends on which picture gives the
     * gradient cancels out */
    p->motion = (AvmVec2){self->next[i].x - 0.5f * ex - self->prev[i].x,
        self->next[i].y - 0.5f * ey - self->prev[i].y};
  }
}

/* Puts the points where they moved to and drops those that did not. */
static void
settle_points (AvmKlt *self, Region *r)
{
  bool keep[1000];

  for (size_t i = 0; i < r->n_points; i++) {
    Point *p = &r->points[i];
    AvmVec2 position = {
        p->position.x + p->motion.x, p->position.y + p->motion.y};

    keep[i] = p->moved && isfinite (position.x) && isfinite (position.y);
    if (keep[i])
      follow_anchor (self, p, position);
  }
  drop_points (r, keep);
}

static float
centre_weight (const Region *r, const Point *p)
{
  float x = p->offset.x / (0.35f * r->shown.w);
  float y = p->offset.y / (0.35f * r->shown.h);

  return 0.05f + expf (-0.5f * (x * x + y * y));
}

/* Median distance of the motions within the tolerance from the motion m. */
static float
spread (const AvmKlt *self, const Region *r, AvmVec2 m, float tolerance)
{
  float *distances = self->distances;
  size_t n = 0;

  for (size_t i = 0; i < r->n_points; i++) {
    const Point *p = &r->points[i];
    float d = hypotf (p->motion.x - m.x, p->motion.y - m.y);

    if (p->moved && d < tolerance)
      distances[n++] = d;
  }
  if (n == 0)
    return tolerance;
  qsort (distances, n, sizeof (float), avm_compare_floats);
  return distances[n / 2];
}

/* How well the picture fits where the motion leads from the region's place. */
static float
fit_at (
    const AvmKlt *self, const Region *r, const Picture *picture, AvmVec2 motion)
{
  float samples[SAMPLES];

  sample_region (self->after, r->cx + motion.x, r->cy + motion.y, r->shown.w,
      r->shown.h, SIDE, samples);
  return correlate (self->weights, picture, samples, SIDE);
}

/* The motion, of those the points have, that gets the most votes, and how
 * many. Points in the middle and those whose windows fit well have more votes.
 * Only motions farther than the distance from `other` are asked. */
static float
elect_motion (const Region *r, float tolerance, AvmVec2 other, float distance,
    AvmVec2 *motion)
{
  float best = 0.0f;

  for (size_t i = 0; i < r->n_points; i++) {
    AvmVec2 d = r->points[i].motion;
    float score = 0.0f;

    if (!r->points[i].moved || hypotf (d.x - other.x, d.y - other.y) < distance)
      continue;
    for (size_t j = 0; j < r->n_points; j++) {
      const Point *p = &r->points[j];
      float e = hypotf (p->motion.x - d.x, p->motion.y - d.y);

      if (p->moved && e < tolerance)
        score += centre_weight (r, p) / (VOTE_DOUBT + 1.0f - p->ncc)
            * (1.0f - e * e / (tolerance * tolerance));
    }
    if (score > best) {
      best = score;
      *motion = d;
    }
  }
  return best;
}

/* What most points agree on, unless fewer of them agree on something that fits
 * the looks of the region better: a hand that leaps leaves many of its points
 * on the neck behind it. */
static AvmVec2
choose_motion (
    const AvmKlt *self, const Region *r, const Picture *last, float tolerance)
{
  AvmVec2 first = {0.0f, 0.0f}, second = {0.0f, 0.0f};
  float best = elect_motion (r, tolerance, first, 0.0f, &first);
  float rival = elect_motion (r, tolerance, first, 2.0f * tolerance, &second);

  if (best <= 0.0f || rival < RIVAL * best)
    return first;
  return fit_at (self, r, last, second)
          > fit_at (self, r, last, first) + RIVAL_MARGIN
      ? second
      : first;
}

/* The motion of the object, refined by weighted means with Tukey's weights,
 * whose width follows the spread. Windows that fit badly, as those at the edge
 * of the object do, count less. Marks the inliers; returns how many. */
static size_t
common_motion (
    const AvmKlt *self, Region *r, const Picture *last, AvmVec2 *motion)
{
  float tolerance = AVM_MAX (
      self->params.max_deviation, 0.02f * AVM_MIN (r->shown.w, r->shown.h));
  float width = tolerance;
  AvmVec2 m = choose_motion (self, r, last, tolerance);
  size_t n = 0;

  for (int round = 0; round < 6; round++) {
    float sx = 0.0f, sy = 0.0f, sw = 0.0f;

    for (size_t i = 0; i < r->n_points; i++) {
      const Point *p = &r->points[i];
      float ex = p->motion.x - m.x, ey = p->motion.y - m.y;
      float u = (ex * ex + ey * ey) / (width * width);
      float w = p->moved && u < 1.0f ? (1.0f - u) * (1.0f - u) : 0.0f;

      w *= centre_weight (r, p) / (DOUBT + 1.0f - p->ncc);
      sx += w * p->motion.x;
      sy += w * p->motion.y;
      sw += w;
    }
    if (sw <= 0.0f)
      break;
    m = (AvmVec2){sx / sw, sy / sw};
    width = AVM_CLAMP (
        TUKEY * spread (self, r, m, tolerance), MIN_WIDTH, tolerance);
  }
  for (size_t i = 0; i < r->n_points; i++) {
    Point *p = &r->points[i];

    p->inlier =
        p->moved && hypotf (p->motion.x - m.x, p->motion.y - m.y) < tolerance;
    n += p->inlier;
  }
  *motion = m;
  return n;
}

/* Where the inliers, each with its offset, say the centre is: the sum of
 * motions without what it gathered. */
static bool
anchored_centre (const Region *r, AvmVec2 *centre)
{
  AvmVec2 c = {r->cx, r->cy};
  float tolerance = 0.1f * AVM_MAX (r->shown.w, r->shown.h);
  float sw = 0.0f;

  for (int round = 0; round < 3; round++) {
    float sx = 0.0f, sy = 0.0f;

    sw = 0.0f;
    for (size_t i = 0; i < r->n_points; i++) {
      const Point *p = &r->points[i];
      float x = p->position.x - p->offset.x, y = p->position.y - p->offset.y;
      float u = ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y))
          / (tolerance * tolerance);
      float w = p->inlier && u < 1.0f ? (1.0f - u) * (1.0f - u) : 0.0f;

      w *= centre_weight (r, p);
      sx += w * x;
      sy += w * y;
      sw += w;
    }
    if (sw <= 0.0f)
      return false;
    c = (AvmVec2){sx / sw, sy / sw};
  }
  *centre = c;
  return true;
}

/* Outliers that stay outliers, points that slid away within the region, and
 * points that left it. */
static void
weed_points (Region *r)
{
  bool keep[1000];
  float slide = 0.15f * AVM_MAX (r->shown.w, r->shown.h);

  for (size_t i = 0; i < r->n_points; i++) {
    const Point *p = &r->points[i];
    float x = p->position.x - r->cx, y = p->position.y - r->cy;

    keep[i] = p->strikes < STRIKES && fabsf (x) <= 0.55f * r->shown.w
        && fabsf (y) <= 0.55f * r->shown.h
        && hypotf (x - p->offset.x, y - p->offset.y) <= slide;
  }
  drop_points (r, keep);
}

/* How much farther apart the inliers are than in the frame before. */
static float
growth (const Region *r)
{
  double now = 0.0, then = 0.0;
  double mx = 0.0, my = 0.0, ox = 0.0, oy = 0.0;
  size_t n = 0;

  for (size_t i = 0; i < r->n_points; i++)
    if (r->points[i].inlier) {
      const Point *p = &r->points[i];

      mx += p->position.x;
      my += p->position.y;
      ox += p->position.x - p->motion.x;
      oy += p->position.y - p->motion.y;
      n++;
    }
  if (n < 6)
    return 1.0f;
  for (size_t i = 0; i < r->n_points; i++)
    if (r->points[i].inlier) {
      const Point *p = &r->points[i];

      now += pow (p->position.x - mx / (double)n, 2)
          + pow (p->position.y - my / (double)n, 2);
      then += pow (p->position.x - p->motion.x - ox / (double)n, 2)
          + pow (p->position.y - p->motion.y - oy / (double)n, 2);
    }
  return then > 1.0 ? (float)AVM_CLAMP (sqrt (now / then), 0.9, 1.1) : 1.0f;
}

static void
scale_region (Region *r, float factor)
{
  r->shown.w *= factor;
  r->shown.h *= factor;
  for (size_t i = 0; i < r->n_points; i++) {
    r->points[i].offset.x *= factor;
    r->points[i].offset.y *= factor;
  }
}

/* -- regions ------------------------------------------------------------- */

static void
show (Region *r, AvmKltState state, float confidence)
{
  AvmKltRegion *shown = &r->shown;
  bool moves = state == AVM_KLT_TRACKED;

  shown->state = state;
  shown->x = r->cx - 0.5f * shown->w;
  shown->y = r->cy - 0.5f * shown->h;
  shown->confidence = AVM_CLAMP (confidence, 0.0f, 1.0f);
  shown->n_points = 0;
  if (!moves)
    shown->dx = shown->dy = 0.0f;
  shown->points = r->shown_points;
  for (size_t i = 0; i < r->n_points; i++) {
    const Point *p = &r->points[i];

    if (p->inlier)
      r->shown_points[shown->n_points++] =
          (AvmKltPoint){p->id, p->position.x, p->position.y,
              moves ? p->motion.x : 0.0f, moves ? p->motion.y : 0.0f};
  }
}

static void
begin (AvmKlt *self, Region *r)
{
  r->pending = false;
  r->lost = false;
  r->unlike = 0;
  drop_points (r, NULL);
  for (int g = 0; g < GALLERY; g++)
    r->gallery[g].valid = false;
  make_picture (self, self->after, r, &r->gallery[0]);
  r->next_picture = 1;
  r->last_like = 1.0f;
  r->caution = 0;
  r->frames_since_picture = 0;
  add_points (self, r);
  show (r, AVM_KLT_GIVEN, 1.0f);
}

static void
lose (Region *r)
{
  if (!r->lost)
    r->turn = 0;
  r->lost = true;
  drop_points (r, NULL);
  show (r, AVM_KLT_LOST, 0.0f);
}

static void
remember (AvmKlt *self, Region *r, float like, float agreement)
{
  r->frames_since_picture++;
  if (r->caution > 0)
    r->caution--;
  if (r->caution > 0 || like >= NEW_PICTURE || agreement < 0.6f
      || r->frames_since_picture < PICTURE_INTERVAL)
    return;
  make_picture (self, self->after, r, &r->gallery[r->next_picture]);
  r->next_picture = 1 + r->next_picture % (GALLERY - 1);
  r->frames_since_picture = 0;
}

static void
recentre (AvmKlt *self, Region *r)
{
  AvmVec2 where;
  float gain = RECENTRE_GAIN * RECENTRE_INTERVAL;

  if (++r->turn % RECENTRE_INTERVAL != 0
      || match_near (self, r, &r->gallery[0], r->cx, r->cy, &where)
          < RECENTRE_NCC)
    return;
  where.x = gain * (where.x - r->cx);
  where.y = gain * (where.y - r->cy);
  r->cx += where.x;
  r->cy += where.y;
  for (size_t i = 0; i < r->n_points; i++) {
    r->points[i].offset.x -= where.x;
    r->points[i].offset.y -= where.y;
  }
}

static bool
in_frame (const AvmKlt *self, float cx, float cy)
{
  return cx >= -0.5f && cy >= -0.5f && cx <= (float)self->width - 0.5f
      && cy <= (float)self->height - 0.5f;
}

static bool
taken_by_another (const AvmKlt *self, const Region *r, AvmVec2 where)
{
  for (size_t i = 0; i < self->n_regions; i++) {
    const Region *other = self->regions[i];

    if (other != r && !other->lost
        && fabsf (where.x - other->cx) < 0.5f * other->shown.w
        && fabsf (where.y - other->cy) < 0.5f * other->shown.h)
      return true;
  }
  return false;
}

/* Where around the region a picture fits best, and how well. */
static float
match_around (
    const AvmKlt *self, const Region *r, const Picture *picture, AvmVec2 *where)
{
  float sx = r->shown.w / SIDE, sy = r->shown.h / SIDE, best = 0.0f;
  float samples[LEAP_SIDE * LEAP_SIDE];

  *where = (AvmVec2){r->cx, r->cy};
  sample_region (
      self->after, r->cx, r->cy, r->shown.w, r->shown.h, LEAP_SIDE, samples);
  for (int j = 0; j <= 2 * LEAP; j += 2)
    for (int i = 0; i <= 2 * LEAP; i += 2) {
      float ncc = correlate (
          self->weights, picture, samples + j * LEAP_SIDE + i, LEAP_SIDE);

      if (ncc > best) {
        best = ncc;
        where->x = r->cx + (float)(i - LEAP) * sx;
        where->y = r->cy + (float)(j - LEAP) * sy;
      }
    }
  return match_near (self, r, picture, where->x, where->y, where);
}

/* Where the region as a whole went, by how it looked in the frame before: for
 * motion that the coarse levels miss, because around a small region they see
 * mostly what is behind it. */
static bool
leap (const AvmKlt *self, const Region *r, const Picture *last, AvmVec2 *motion)
{
  AvmVec2 where;
  float ncc = match_around (self, r, last, &where);

  *motion = (AvmVec2){where.x - r->cx, where.y - r->cy};
  return ncc >= MIN_LEAP_NCC;
}

/* The points may have stayed with what is behind the region. When it looks
 * doubtful where it is, and clearly better nearby, it is there. */
static bool
look_around (AvmKlt *self, Region *r, float like)
{
  AvmVec2 best_where = {0.0f, 0.0f}, where;
  bool drop = like < r->last_like - SUDDEN;
  float best = AVM_MAX (like + CLEARLY, FOUND);
  bool found = false;

  r->last_like = like;
  if (drop && like < DOUBTFUL)
    r->caution = CAUTION;
  if (like >= DOUBTFUL || !(drop || r->turn % LOOK_INTERVAL == 0))
    return false;
  for (int g = 0; g < GALLERY; g++) {
    float ncc;

    if (!r->gallery[g].valid || r->gallery[g].flat)
      continue;
    ncc = match_around (self, r, &r->gallery[g], &where);
    if (ncc > best && in_frame (self, where.x, where.y)
        && !taken_by_another (self, r, where)) {
      best = ncc;
      best_where = where;
      found = true;
    }
  }
  if (!found)
    return false;
  r->cx = best_where.x;
  r->cy = best_where.y;
  r->last_like = best;
  r->unlike = 0;
  drop_points (r, NULL);
  add_points (self, r);
  show (r, AVM_KLT_RECOVERED, best);
  return true;
}

/* Moves the points anew from a guess; takes it back unless more of them agree
 * or the region looks clearly better where they lead. */
static void
try_guess (AvmKlt *self, Region *r, const Picture *last, AvmVec2 guess,
    AvmVec2 *motion, size_t *inliers)
{
  size_t again;
  AvmVec2 other;

  for (size_t i = 0; i < r->n_points; i++) {
    r->points[i].first_motion = r->points[i].motion;
    r->points[i].first_moved = r->points[i].moved;
  }
  move_points (self, r, &guess);
  again = common_motion (self, r, last, &other);
  if (again > *inliers
      || (again >= 3
          && fit_at (self, r, last, other)
              > fit_at (self, r, last, *motion) + CLEARLY)) {
    *inliers = again;
    *motion = other;
    return;
  }
  for (size_t i = 0; i < r->n_points; i++) {
    r->points[i].motion = r->points[i].first_motion;
    r->points[i].moved = r->points[i].first_moved;
  }
}

/* The common motion from the frame before, the points already moved. */
static size_t
find_motion (AvmKlt *self, Region *r, AvmVec2 *motion)
{
  size_t inliers;
  AvmVec2 guess;
  Picture last;
  float fit;

  make_picture (self, self->before, r, &last);
  move_points (self, r, NULL);
  inliers = common_motion (self, r, &last, motion);
  fit = fit_at (self, r, &last, *motion);
  if (2 * inliers < r->n_points || (!last.flat && fit < MIN_LEAP_NCC)) {
    if (leap (self, r, &last, &guess))
      try_guess (self, r, &last, guess, motion, &inliers);
    else if (fit >= MIN_LEAP_NCC)
      try_guess (self, r, &last, *motion, motion, &inliers);
  }
  settle_points (self, r);
  inliers = common_motion (self, r, &last, motion);
  for (size_t i = 0; i < r->n_points; i++)
    r->points[i].strikes = r->points[i].inlier ? 0 : r->points[i].strikes + 1;
  return inliers;
}

static void
follow (AvmKlt *self, Region *r)
{
  size_t before = r->n_points, inliers;
  AvmVec2 motion, centre;
  float like, agreement;

  inliers = find_motion (self, r, &motion);
  agreement = before > 0 ? (float)inliers / (float)before : 0.0f;
  if (inliers >= 3 && agreement >= 0.2f) {
    r->cx += motion.x;
    r->cy += motion.y;
    if (anchored_centre (r, &centre)) {
      r->cx += 0.2f * (centre.x - r->cx);
      r->cy += 0.2f * (centre.y - r->cy);
    }
    if (self->params.follow_scale)
      scale_region (r, growth (r));
  } else {
    motion = (AvmVec2){0.0f, 0.0f};
    agreement = 0.0f;
  }
  if (!in_frame (self, r->cx, r->cy)) {
    lose (r);
    return;
  }
  like = similarity (self, r);
  r->unlike = like < self->params.min_similarity ? r->unlike + 1 : 0;
  /* hardly a point left and unlike: a cut */
  if (r->unlike > PATIENCE
      || (agreement < 0.2f
          && like < AVM_MAX (FOUND, self->params.min_similarity))) {
    lose (r);
    return;
  }
  if (look_around (self, r, like))
    return;
  remember (self, r, like, agreement);
  recentre (self, r);
  weed_points (r);
  r->shown.dx = motion.x;
  r->shown.dy = motion.y;
  show (r, AVM_KLT_TRACKED, agreement * like);
  if ((float)r->n_points < REFILL * (float)self->params.points)
    add_points (self, r);
}

/* -- search -------------------------------------------------------------- */

/* map[x] += value * row[x] */
AVM_CLONES static void
add_row (float *restrict map, const uint8_t *restrict row, float value, int n)
{
  for (int x = 0; x < n; x++)
    map[x] += value * (float)row[x];
}

/* Sums and squares of `side` columns from each one on are added. */
static void
add_sums (float *sums, float *squares, const uint8_t *row, int side, int n)
{
  int sum = 0, square = 0;

  for (int x = 0; x < side - 1; x++) {
    sum += row[x];
    square += row[x] * row[x];
  }
  for (int x = 0; x < n; x++) {
    int in = row[x + side - 1], out = row[x];

    sum += in;
    square += in * in;
    sums[x] += (float)sum;
    squares[x] += (float)square;
    sum -= out;
    square -= out * out;
  }
}

/* The picture as tw x th pixels of mean 0 and norm 1. */
static bool
shrink_picture (const Picture *picture, int tw, int th, float *out)
{
  double sum = 0.0, squares = 0.0;

  for (int j = 0; j < th; j++)
    for (int i = 0; i < tw; i++) {
      int x0 = i * SIDE / tw, x1 = AVM_MAX ((i + 1) * SIDE / tw, x0 + 1);
      int y0 = j * SIDE / th, y1 = AVM_MAX ((j + 1) * SIDE / th, y0 + 1);
      float v = 0.0f;

      for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
          v += picture->samples[y * SIDE + x];
      v /= (float)((x1 - x0) * (y1 - y0));
      out[j * tw + i] = v;
      sum += v;
    }
  sum /= tw * th;
  for (int i = 0; i < tw * th; i++) {
    out[i] -= (float)sum;
    squares += out[i] * out[i];
  }
  if (squares < 1e-6)
    return false;
  for (int i = 0; i < tw * th; i++)
    out[i] /= (float)sqrt (squares);
  return true;
}

/* Correlation with the picture at every place of a coarse plane; the map has
 * width - tw + 1 columns. */
static void
correlation_map (const AvmPlane *plane, const float *tmpl, int tw, int th,
    float *map, float *sums, float *squares)
{
  int nx = plane->width - tw + 1, ny = plane->height - th + 1;
  float area = (float)(tw * th);

  for (int y = 0; y < ny; y++) {
    float *row = map + (size_t)y * (size_t)nx;

    memset (row, 0, (size_t)nx * sizeof (float));
    memset (sums, 0, (size_t)nx * sizeof (float));
    memset (squares, 0, (size_t)nx * sizeof (float));
    for (int j = 0; j < th; j++) {
      const uint8_t *src = plane->data + (y + j) * plane->stride;

      for (int i = 0; i < tw; i++)
        add_row (row, src + i, tmpl[j * tw + i], nx);
      add_sums (sums, squares, src, tw, nx);
    }
    for (int x = 0; x < nx; x++) {
      float variance = squares[x] - sums[x] * sums[x] / area;

      row[x] = variance > area ? row[x] / sqrtf (variance) : 0.0f;
    }
  }
}

/* What is asked on top, the farther the more: there may be others that look
 * alike. */
static float
distance_penalty (const Region *r, AvmVec2 where)
{
  float d = hypotf (where.x - r->cx, where.y - r->cy)
      / (3.0f * AVM_MAX (r->shown.w, r->shown.h));

  return FOUND_FAR * AVM_MIN (d, 1.0f);
}

static bool
reserve_map (AvmKlt *self, size_t size)
{
  float *grown;

  if (size <= self->map_size)
    return true;
  grown = realloc (self->map, size * sizeof (float));
  if (grown == NULL)
    return false;
  self->map = grown;
  self->map_size = size;
  return true;
}

/* Looks for one picture in the whole frame: all places on a coarse level, the
 * best few of them more closely. Returns the score of the best. */
static float
search_picture (
    AvmKlt *self, const Region *r, const Picture *picture, AvmVec2 *best)
{
  int level = 0, max_level = avm_pyramid_max_level (self->after);
  float w = r->shown.w, h = r->shown.h, scale, score = 0.0f;
  float tmpl[64 * 64];
  const AvmPlane *plane;
  int tw, th, nx, ny;

  while (
      level < max_level && (level < 1 || AVM_MAX (w, h) > (float)(16 << level)))
    level++;
  scale = (float)(1 << level);
  plane = avm_pyramid_level (self->after, level);
  tw = AVM_CLAMP ((int)lroundf (w / scale), 4, AVM_MIN (64, plane->width));
  th = AVM_CLAMP ((int)lroundf (h / scale), 4, AVM_MIN (64, plane->height));
  nx = plane->width - tw + 1;
  ny = plane->height - th + 1;
  if (nx < 1 || ny < 1 || !shrink_picture (picture, tw, th, tmpl)
      || !reserve_map (self, (size_t)nx * (size_t)ny + 2 * (size_t)nx))
    return 0.0f;
  correlation_map (plane, tmpl, tw, th, self->map,
      self->map + (size_t)nx * (size_t)ny,
      self->map + (size_t)nx * (size_t)ny + nx);
  for (int k = 0; k < PEAKS; k++) {
    float top = 0.3f, ncc;
    int bx = -1, by = -1;
    AvmVec2 where;

    for (int y = 0; y < ny; y++)
      for (int x = 0; x < nx; x++)
        if (self->map[y * nx + x] > top) {
          AvmVec2 place = {scale * ((float)x + 0.5f * (float)(tw - 1)),
              scale * ((float)y + 0.5f * (float)(th - 1))};
          float v = self->map[y * nx + x] - distance_penalty (r, place);

          if (v > top) {
            top = v;
            bx = x;
            by = y;
          }
        }
    if (bx < 0)
      break;
    where.x = scale * ((float)bx + 0.5f * (float)(tw - 1));
    where.y = scale * ((float)by + 0.5f * (float)(th - 1));
    for (int y = AVM_MAX (by - th / 2, 0); y < AVM_MIN (by + th / 2, ny); y++)
      for (int x = AVM_MAX (bx - tw / 2, 0); x < AVM_MIN (bx + tw / 2, nx); x++)
        self->map[y * nx + x] = 0.0f;
    ncc = match_near (self, r, picture, where.x, where.y, &where);
    ncc -= distance_penalty (r, where);
    if (ncc > score && in_frame (self, where.x, where.y)
        && !taken_by_another (self, r, where)) {
      score = ncc;
      *best = where;
    }
  }
  return score;
}

/* One picture per frame is looked for, the given one every second time. */
static bool
look_for (AvmKlt *self, Region *r)
{
  const Picture *picture = &r->gallery[0];
  int g = 1 + (r->turn / 2) % (GALLERY - 1);
  AvmVec2 where;

  if (r->turn % 2 == 1 && r->gallery[g].valid)
    picture = &r->gallery[g];
  r->turn++;
  if (picture->flat || search_picture (self, r, picture, &where) < FOUND)
    return false;
  r->cx = where.x;
  r->cy = where.y;
  add_points (self, r);
  if (r->n_points < 3)
    return false;
  r->lost = false;
  r->unlike = 0;
  show (r, AVM_KLT_RECOVERED, similarity (self, r));
  return true;
}

/* -- the tracker --------------------------------------------------------- */

static void
region_free (AvmKlt *self, Region *r)
{
  if (r == NULL)
    return;
  for (int i = 0; r->points != NULL && i < self->params.points; i++)
    avm_lk_template_free (r->points[i].anchor);
  avm_free (r->points);
  avm_free (r->shown_points);
  avm_free (r);
}

static Region *
region_new (AvmKlt *self, int id)
{
  Region *r = avm_alloc (1, sizeof (*r));
  bool ok;

  if (r == NULL)
    return NULL;
  r->points = avm_alloc ((size_t)self->params.points, sizeof (Point));
  r->shown_points =
      avm_alloc ((size_t)self->params.points, sizeof (AvmKltPoint));
  ok = r->points != NULL && r->shown_points != NULL;
  for (int i = 0; ok && i < self->params.points; i++) {
    r->points[i].anchor = avm_lk_template_new (self->lk);
    ok = r->points[i].anchor != NULL;
  }
  if (!ok) {
    region_free (self, r);
    return NULL;
  }
  r->shown.id = id;
  return r;
}

static bool
make_frames (AvmKlt *self, int width, int height)
{
  AvmPyramid *a, *b;
  AvmCorners *corners;

  a = avm_pyramid_new (width, height, self->params.max_level);
  b = avm_pyramid_new (width, height, self->params.max_level);
  corners = avm_corners_new (width);
  if (a == NULL || b == NULL || corners == NULL) {
    avm_pyramid_free (a);
    avm_pyramid_free (b);
    avm_corners_free (corners);
    return false;
  }
  avm_pyramid_free (self->before);
  avm_pyramid_free (self->after);
  avm_corners_free (self->corners);
  self->before = a;
  self->after = b;
  self->corners = corners;
  self->width = width;
  self->height = height;
  self->has_before = false;
  return true;
}

static bool
valid_params (const AvmKltParams *p)
{
  return p->points >= 4 && p->points <= 1000 && p->quality >= 0.0f
      && p->min_distance >= 0.0f && p->max_return_error > 0.0f
      && p->max_deviation > 0.0f && isfinite (p->min_similarity);
}

AvmKlt *
avm_klt_new (int width, int height, const AvmKltParams *params)
{
  AvmLkParams lk_params = AVM_LK_PARAMS_INIT;
  AvmKlt *self;
  size_t n;

  if (!valid_params (params))
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  self->params = *params;
  lk_params.window = params->window;
  lk_params.max_level = params->max_level;
  lk_params.iterations = params->iterations;
  lk_params.epsilon = params->epsilon;
  self->lk = avm_lk_new (&lk_params);
  lk_params.max_level = AVM_MIN (params->max_level, 1);
  self->near_lk = avm_lk_new (&lk_params);
  n = (size_t)params->points;
  self->prev = avm_alloc (n, sizeof (AvmVec2));
  self->next = avm_alloc (n, sizeof (AvmVec2));
  self->back = avm_alloc (n, sizeof (AvmVec2));
  self->forth_results = avm_alloc (n, sizeof (AvmLkResult));
  self->back_results = avm_alloc (n, sizeof (AvmLkResult));
  self->found = avm_alloc (n, sizeof (AvmCorner));
  self->distances = avm_alloc (n, sizeof (float));
  if (self->lk == NULL || self->near_lk == NULL || self->prev == NULL
      || self->next == NULL || self->back == NULL || self->forth_results == NULL
      || self->back_results == NULL || self->found == NULL
      || self->distances == NULL || !make_frames (self, width, height)) {
    avm_klt_free (self);
    return NULL;
  }
  make_weights (self->weights);
  return self;
}

void
avm_klt_free (AvmKlt *self)
{
  if (self == NULL)
    return;
  for (size_t i = 0; i < self->n_regions; i++)
    region_free (self, self->regions[i]);
  free (self->regions);
  free (self->map);
  avm_pyramid_free (self->before);
  avm_pyramid_free (self->after);
  avm_corners_free (self->corners);
  avm_lk_free (self->lk);
  avm_lk_free (self->near_lk);
  avm_free (self->prev);
  avm_free (self->next);
  avm_free (self->back);
  avm_free (self->forth_results);
  avm_free (self->back_results);
  avm_free (self->found);
  avm_free (self->distances);
  avm_free (self);
}

static Region *
find_region (AvmKlt *self, int id)
{
  for (size_t i = 0; i < self->n_regions; i++)
    if (self->regions[i]->shown.id == id)
      return self->regions[i];
  return NULL;
}

bool
avm_klt_set_region (AvmKlt *self, int id, float x, float y, float w, float h)
{
  Region *r = find_region (self, id);

  if (!(w > 0.0f && h > 0.0f && x < (float)self->width
          && y < (float)self->height && x + w > 0.0f && y + h > 0.0f
          && isfinite (x + y + w + h)))
    return false;
  if (r == NULL) {
    Region **grown =
        realloc (self->regions, (self->n_regions + 1) * sizeof (Region *));

    if (grown == NULL)
      return false;
    self->regions = grown;
    r = region_new (self, id);
    if (r == NULL)
      return false;
    self->regions[self->n_regions++] = r;
  }
  r->cx = x + 0.5f * w;
  r->cy = y + 0.5f * h;
  r->shown.w = w;
  r->shown.h = h;
  r->pending = true;
  return true;
}

void
avm_klt_remove_region (AvmKlt *self, int id)
{
  for (size_t i = 0; i < self->n_regions; i++)
    if (self->regions[i]->shown.id == id) {
      region_free (self, self->regions[i]);
      memmove (&self->regions[i], &self->regions[i + 1],
          (self->n_regions - i - 1) * sizeof (Region *));
      self->n_regions--;
      return;
    }
}

void
avm_klt_reset (AvmKlt *self)
{
  self->has_before = false;
}

bool
avm_klt_resize (AvmKlt *self, int width, int height)
{
  float fx = (float)width / (float)self->width;
  float fy = (float)height / (float)self->height;

  if (!make_frames (self, width, height))
    return false;
  for (size_t i = 0; i < self->n_regions; i++) {
    Region *r = self->regions[i];

    r->cx *= fx;
    r->cy *= fy;
    r->shown.w *= fx;
    r->shown.h *= fy;
  }
  return true;
}

void
avm_klt_do (AvmKlt *self, const uint8_t *luma, ptrdiff_t stride)
{
  AvmPyramid *swap;

  if (self->n_regions == 0) {
    /* nothing to follow from here to the next frame */
    self->has_before = false;
    return;
  }
  avm_pyramid_build (self->after, luma, stride);
  for (size_t i = 0; i < self->n_regions; i++) {
    Region *r = self->regions[i];

    if (!self->has_before && !r->pending && !r->lost)
      lose (r);
    if (r->pending) {
      begin (self, r);
    } else if (r->lost) {
      if (!look_for (self, r))
        lose (r);
    } else {
      follow (self, r);
    }
  }
  swap = self->before;
  self->before = self->after;
  self->after = swap;
  self->has_before = true;
}

size_t
avm_klt_n_regions (const AvmKlt *self)
{
  return self->n_regions;
}

const AvmKltRegion *
avm_klt_region (const AvmKlt *self, size_t index)
{
  return &self->regions[index]->shown;
}
