/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-scenemap-private.h"

#include <math.h>
#include <string.h>

/* Share of the faces of the smaller set that must agree */
#define SHARE 0.6
/* Residual at which places do not agree any more, in sizes of a face; a face
 * all alone must agree better */
#define REACH 0.6
#define REACH_ALONE 0.3
/* Looks of those that agree in place: of each, and in the mean, nats */
#define UNLIKE (-1.0)
#define ALIKE 0.5
/* Times that a shift is fitted to those that agree */
#define FITS 4
/* Sizes within 1 / RATIO to RATIO agree. */
#define RATIO 1.35

double
avm_scenemap_gain (const AvmSceneSettings *settings, double distance)
{
  if (!isfinite (distance))
    return -AVM_SCENEMAP_MOST;
  return AVM_CLAMP ((settings->even - distance) / settings->spread,
      -AVM_SCENEMAP_MOST, AVM_SCENEMAP_MOST);
}

/* Square of how far b is from where the shift brings a, in sizes of b;
 * HUGE_VAL where sizes differ */
static inline double
residual (
    const AvmSceneShift *shift, const AvmSceneFace *a, const AvmSceneFace *b)
{
  double dx = shift->scale * a->x + shift->dx - b->x;
  double dy = shift->scale * a->y + shift->dy - b->y;
  double size = shift->scale * a->size;

  if (size > RATIO * b->size || RATIO * size < b->size)
    return HUGE_VAL;
  return (dx * dx + dy * dy) / (b->size * b->size);
}

/* Mutual nearest neighbours within reach; returns how many. */
static int
find_mates (const AvmSceneShift *shift, const AvmSceneFace *a, int n_a,
    const AvmSceneFace *b, int n_b, double reach, int *mates)
{
  int n = 0;

  for (int i = 0; i < n_a; i++) {
    double least = reach * reach, back = least;
    int mate = -1, other = -1;

    for (int j = 0; j < n_b; j++) {
      double r = residual (shift, &a[i], &b[j]);

      if (r < least) {
        least = r;
        mate = j;
      }
    }
    for (int k = 0; mate >= 0 && k < n_a; k++) {
      double r = residual (shift, &a[k], &b[mate]);

      if (r < back) {
        back = r;
        other = k;
      }
    }
    mates[i] = other == i ? mate : -1;
    n += mates[i] >= 0;
  }
  return n;
}

/* Least squares over the pairs; the shift stays where they do not say it. */
static void
refit (AvmSceneShift *shift, const AvmSceneFace *a, int n_a,
    const AvmSceneFace *b, const int *mates)
{
  double n = 0.0, ax = 0.0, ay = 0.0, bx = 0.0, by = 0.0, up = 0.0, down = 0.0;

  for (int i = 0; i < n_a; i++)
    if (mates[i] >= 0) {
      n++;
      ax += a[i].x;
      ay += a[i].y;
      bx += b[mates[i]].x;
      by += b[mates[i]].y;
    }
  if (n < 2.0)
    return;
  ax /= n, ay /= n, bx /= n, by /= n;
  for (int i = 0; i < n_a; i++)
    if (mates[i] >= 0) {
      up += (a[i].x - ax) * (b[mates[i]].x - bx)
          + (a[i].y - ay) * (b[mates[i]].y - by);
      down += (a[i].x - ax) * (a[i].x - ax) + (a[i].y - ay) * (a[i].y - ay);
    }
  if (down > 0.0 && up > 0.0)
    shift->scale = up / down;
  shift->dx = bx - shift->scale * ax;
  shift->dy = by - shift->scale * ay;
}

typedef struct {
  const AvmSceneSettings *settings;
  const AvmSceneFace *a, *b;
  int n_a, n_b;
  double (*distance) (void *user, int i, int j);
  void *user;
  AvmSceneShift shift;
  double score;
  int mates[AVM_SCENEMAP_MAX_IN_VIEW];
} Search;

/* Finds the faces that agree and fits the shift to them, again and again: the
 * first one comes of one pair, whose sizes are measured but roughly. */
static int
settle (const Search *self, AvmSceneShift *shift, double reach, int *mates)
{
  int n = 0;

  for (int pass = 0; pass < FITS; pass++) {
    int before = n;

    n = find_mates (
        shift, self->a, self->n_a, self->b, self->n_b, reach, mates);
    if (n < 2 || (pass > 0 && n <= before))
      return n;
    refit (shift, self->a, self->n_a, self->b, mates);
  }
  return find_mates (
      shift, self->a, self->n_a, self->b, self->n_b, reach, mates);
}

/* Takes the shift when enough faces agree, and better than with another. */
static void
try_shift (Search *self, AvmSceneShift shift)
{
  int mates[AVM_SCENEMAP_MAX_IN_VIEW];
  int fewer = AVM_MIN (self->n_a, self->n_b), n;
  bool alone = fewer == 1;
  int least = AVM_MAX ((int)ceil (SHARE * fewer), alone ? 1 : 2);
  double reach = alone ? REACH_ALONE : REACH, score = 0.0, looks = 0.0;

  n = settle (self, &shift, reach, mates);
  if (n < least || !(shift.scale >= 0.5 && shift.scale <= 2.0))
    return;
  n = 0;
  for (int i = 0; i < self->n_a; i++)
    if (mates[i] >= 0) {
      double r = residual (&shift, &self->a[i], &self->b[mates[i]]);
      double gain = avm_scenemap_gain (
          self->settings, self->distance (self->user, i, mates[i]));

      looks += gain;
      score += 1.0 - r / (reach * reach) + gain;
      n += gain > UNLIKE;
    }
  /* rows of seats look like rows of seats, the people in them do not */
  if (n < least || looks < ALIKE * n || score <= self->score)
    return;
  self->score = score;
  self->shift = shift;
  memcpy (self->mates, mates, sizeof (mates));
}

bool
avm_scenemap_same_framing (const AvmSceneSettings *settings,
    const AvmSceneFace *a, int n_a, const AvmSceneFace *b, int n_b,
    double (*distance) (void *user, int i, int j), void *user,
    AvmSceneShift *shift, int *mates)
{
  Search search = {.settings = settings,
      .a = a,
      .b = b,
      .n_a = AVM_MIN (n_a, AVM_SCENEMAP_MAX_IN_VIEW),
      .n_b = AVM_MIN (n_b, AVM_SCENEMAP_MAX_IN_VIEW),
      .distance = distance,
      .user = user};
  static const AvmSceneShift still = {1.0, 0.0, 0.0};

  for (int i = 0; i < n_a; i++)
    mates[i] = -1;
  *shift = still;
  if (n_a < 1 || n_b < 1)
    return false;
  try_shift (&search, still);
  /* cameras mostly stay where they are: do not search for more */
  if (search.score <= 0.0 && AVM_MIN (n_a, n_b) > 1)
    for (int i = 0; i < search.n_a; i++)
      for (int j = 0; j < search.n_b; j++) {
        double scale = b[j].size / a[i].size;

        try_shift (&search,
            (AvmSceneShift){
                scale, b[j].x - scale * a[i].x, b[j].y - scale * a[i].y});
      }
  if (search.score <= 0.0)
    return false;
  *shift = search.shift;
  memcpy (mates, search.mates, (size_t)search.n_a * sizeof (int));
  return true;
}
