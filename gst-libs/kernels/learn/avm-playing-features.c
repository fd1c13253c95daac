/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Motion that tells of playing: that of the bowing hand, or of the whole
 * player, against the head or body, in sizes of the player per second. Speeds
 * are logarithms, so that large and small instruments, near and far cameras
 * differ by an offset and not by the shape of the distribution.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-playing-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LONG_WINDOW 3.0 /* s */
#define FLOOR 0.003     /* sizes/s: noise of the flow */
#define MAX_ROWS 400    /* of a window: 120 frames/s and more */
#define MAX_GAP 0.15    /* s; a row stands for no more time than this */
#define LEAST_KNOWN 0.6 /* of the window */
#define BLOCKS 4

/* Log odds for a decision value of 1, chosen on development scenes */
#define SLOPE 1.6
#define MAX_ODDS 3.0

typedef struct {
  double time, x, y;
} Motion;

/* -- rows ------------------------------------------------------------------ */

/* First row not before the time */
static size_t
locate (const AvmPlayingRows *rows, double time)
{
  size_t lo = 0, hi = rows->n;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (rows->rows[mid].time < time)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

/* The row that is nearest; NULL: none near enough */
static const AvmPlayingRow *
row_at (const AvmPlayingRows *rows, double time)
{
  size_t i = locate (rows, time);

  if (i == rows->n
      || (i > 0 && time - rows->rows[i - 1].time < rows->rows[i].time - time))
    i--;
  return rows->n > 0 && fabs (rows->rows[i].time - time) <= MAX_GAP
      ? &rows->rows[i]
      : NULL;
}

/* Motion of a limb against that of the reference from..to; at most MAX_ROWS,
 * evenly left out where there are more. *known: s that the rows stand for. */
static size_t
collect (const AvmPlayingRows *limb, const AvmPlayingRows *reference,
    double from, double to, Motion *out, double *known)
{
  size_t first = locate (limb, from), last = locate (limb, to), n = 0;
  size_t step = (last - first) / MAX_ROWS + 1;

  *known = 0.0;
  for (size_t i = first; i < last; i++) {
    const AvmPlayingRow *row = &limb->rows[i], *other;
    double before = i > first ? row->time - limb->rows[i - 1].time : MAX_GAP;

    *known += AVM_MIN (before, MAX_GAP);
    if ((i - first) % step != 0)
      continue;
    other = reference != NULL ? row_at (reference, row->time) : NULL;
    out[n].time = row->time;
    out[n].x = row->vx - (other != NULL ? other->vx : 0.0);
    out[n].y = row->vy - (other != NULL ? other->vy : 0.0);
    n++;
  }
  return n;
}

static double
mean_speed (const Motion *m, size_t n)
{
  double sum = 0.0;

  for (size_t i = 0; i < n; i++)
    sum += hypot (m[i].x, m[i].y);
  return n > 0 ? sum / (double)n : NAN;
}

static double
log_speed (double speed)
{
  return log (speed + FLOOR);
}

/* -- features -------------------------------------------------------------- */

static void
add_quantiles (const Motion *m, size_t n, double *median, double *high)
{
  double speeds[MAX_ROWS];

  for (size_t i = 0; i < n; i++)
    speeds[i] = hypot (m[i].x, m[i].y);
  qsort (speeds, n, sizeof (double), avm_compare_doubles);
  *median = log_speed (speeds[n / 2]);
  *high = log_speed (speeds[n * 9 / 10]);
}

/* The slowest part of the time from..to: who plays is hardly ever still */
static double
slowest_block (const Motion *m, size_t n, double from, double to)
{
  double sums[BLOCKS] = {0.0}, least = INFINITY;
  size_t counts[BLOCKS] = {0};

  for (size_t i = 0; i < n; i++) {
    int k = (int)floor ((m[i].time - from) / (to - from) * BLOCKS);

    if (m[i].time < from || m[i].time >= to)
      continue;

    k = AVM_CLAMP (k, 0, BLOCKS - 1);
    sums[k] += hypot (m[i].x, m[i].y);
    counts[k]++;
  }
  for (int k = 0; k < BLOCKS; k++)
    if (counts[k] > 0)
      least = fmin (least, sums[k] / (double)counts[k]);
  return least < INFINITY ? least : NAN;
}

/* How far it gets, as a share of its way: bows come back, an instrument that
 * is raised does not */
static double
straightness (const Motion *m, size_t n)
{
  double x = 0.0, y = 0.0, way = 0.0;

  for (size_t i = 0; i < n; i++) {
    x += m[i].x;
    y += m[i].y;
    way += hypot (m[i].x, m[i].y);
  }
  return hypot (x, y) / (way + FLOOR * (double)n);
}

/* Direction in which it moves most, v = motion along it; returns how much
 * more than across, 0 .. 1 */
static double
project (const Motion *m, size_t n, double *v)
{
  double xx = 0.0, xy = 0.0, yy = 0.0, angle, spread, sum;

  for (size_t i = 0; i < n; i++) {
    xx += m[i].x * m[i].x;
    xy += m[i].x * m[i].y;
    yy += m[i].y * m[i].y;
  }
  angle = 0.5 * atan2 (2.0 * xy, xx - yy);
  for (size_t i = 0; i < n; i++)
    v[i] = cos (angle) * m[i].x + sin (angle) * m[i].y;
  spread = hypot (xx - yy, 2.0 * xy);
  sum = xx + yy;
  return sum > 0.0 ? spread / sum : 0.0;
}

/* Amplitude of the motion at some frequencies, root of the sum of squares */
static double
band (const Motion *m, const double *v, size_t n, const double *hz, size_t n_hz)
{
  double sum = 0.0;

  for (size_t k = 0; k < n_hz; k++) {
    double re = 0.0, im = 0.0;

    for (size_t i = 0; i < n; i++) {
      double phase = 2.0 * M_PI * hz[k] * m[i].time;

      re += v[i] * cos (phase);
      im += v[i] * sin (phase);
    }
    sum += re * re + im * im;
  }
  return 2.0 * sqrt (sum) / (double)n;
}

/* Changes of direction, per s; what trembles about 0 does not count */
static double
count_turns (const Motion *m, const double *v, size_t n)
{
  double limit = 0.0, length = m[n - 1].time - m[0].time;
  int turns = 0, sign = 0;

  for (size_t i = 0; i < n; i++)
    limit += v[i] * v[i];
  limit = 0.3 * sqrt (limit / (double)n);
  for (size_t i = 0; i < n; i++) {
    int now = v[i] > limit ? 1 : v[i] < -limit ? -1 : 0;

    if (now != 0) {
      turns += sign != 0 && now != sign;
      sign = now;
    }
  }
  return length > 0.0 ? turns / length : 0.0;
}

static double
mean_cluster_speed (const AvmPlayingRows *rows, double from, double to)
{
  double sum = 0.0;
  size_t n = 0;

  for (size_t i = locate (rows, from); i < rows->n && rows->rows[i].time < to;
       i++) {
    if (!isfinite (rows->rows[i].speed))
      continue;
    sum += rows->rows[i].speed;
    n++;
  }
  return n > 0 ? sum / (double)n : NAN;
}

static const char *
track_features (const AvmPlayingTrack *track, double time,
    double features[AVM_PLAYING_FEATURES])
{
  static const double slow[] = {1.0, 2.0, 3.0}, fast[] = {4.0, 5.5, 7.0, 8.5};
  const AvmPlayingRows *limb = &track->limbs[AVM_PLAYING_BOW];
  const AvmPlayingRows *face = &track->limbs[AVM_PLAYING_FACE];
  const AvmPlayingRows *body = &track->limbs[AVM_PLAYING_BODY];
  const AvmPlayingRows *reference = face->n > 0 ? face : body;
  const char *model = "bow";
  double from = time - 0.5 * AVM_PLAYING_WINDOW, known, v[MAX_ROWS];
  double to = from + AVM_PLAYING_WINDOW;
  Motion m[MAX_ROWS];
  size_t n;

  if (limb->n == 0) {
    limb = body;
    reference = face->n > 0 ? face : NULL;
    model = "body";
  }
  n = collect (limb, reference, from, to, m, &known);
  if (n < 8 || known < LEAST_KNOWN * AVM_PLAYING_WINDOW)
    return NULL;
  features[0] = log_speed (mean_speed (m, n));
  add_quantiles (m, n, &features[1], &features[2]);
  features[3] = log_speed (slowest_block (m, n, from, to));
  features[7] = project (m, n, v);
  features[4] = log_speed (band (m, v, n, slow, 3));
  features[5] = log_speed (band (m, v, n, fast, 4));
  features[6] = count_turns (m, v, n);
  features[8] = log_speed (mean_cluster_speed (limb, from, to));
  n = reference != NULL ? collect (reference, NULL, from, to, m, &known) : 0;
  features[9] = log_speed (mean_speed (m, n));
  n = collect (&track->limbs[AVM_PLAYING_HAND], reference, from, to, m, &known);
  features[11] = log_speed (mean_speed (m, n));
  n = collect (limb, reference, time - 0.5 * LONG_WINDOW,
      time + 0.5 * LONG_WINDOW, m, &known);
  features[10] = log_speed (mean_speed (m, n));
  features[12] =
      log_speed (slowest_block (m, n, time, time + 0.5 * LONG_WINDOW));
  features[13] =
      log_speed (slowest_block (m, n, time - 0.5 * LONG_WINDOW, time));
  features[14] = straightness (m, n);
  project (m, n, v);
  features[15] = count_turns (m, v, n);
  return model;
}

const char *
avm_playing_features (const AvmPlaying *self, int track_number, double time,
    double features[AVM_PLAYING_FEATURES])
{
  for (size_t i = 0; i < self->n_tracks; i++)
    if (self->tracks[i].number == track_number)
      return track_features (&self->tracks[i], time, features);
  return NULL;
}

bool
avm_playing_judge_motion (const AvmPlaying *self, const AvmPlayingTrack *track,
    double time, double *odds)
{
  double features[AVM_PLAYING_FEATURES];
  const char *name = track_features (track, time, features);
  const AvmSvm *svm =
      name != NULL ? avm_svm_set_find (self->models, name) : NULL;

  if (svm == NULL || avm_svm_n_features (svm) != AVM_PLAYING_FEATURES)
    return false;
  *odds = SLOPE * avm_svm_decide (svm, features);
  *odds = AVM_CLAMP (*odds, -MAX_ODDS, MAX_ODDS);
  return true;
}
