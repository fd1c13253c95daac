/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Motion: from speeds at any instants to rows at the frames, and from the
 * links of eq. (2) to whose atom is whose.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nmf/avm-separate-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* instants per window, weighted as the window weighs the sound */
#define TAPS 9
/* s without speeds are unknown, unless they come that slowly */
#define GAP 0.25
/* s by which the sound follows the bow: 10 to 40 ms in bowed strings */
#define LAG 0.03
/* Rest and full speed are these quantiles: beyond is noise or a bow that is
 * lifted back. */
#define LOW 0.05
#define HIGH 0.95
/* The level of a string grows with less than the speed of the bow. */
#define EXPONENT 0.6f
/* of the greatest range: motion below is noise */
#define LEAST_RANGE 0.15f
/* of the coordinate descent, at most */
#define SWEEPS 200

void
separate_motion_clear (Motion *motion)
{
  free (motion->speeds);
  memset (motion, 0, sizeof (*motion));
}

bool
separate_motion_add (Motion *motion, double time, float speed)
{
  size_t at = motion->n;

  if (motion->n == motion->room) {
    size_t room = AVM_MAX (2 * motion->room, 256);
    Speed *speeds = realloc (motion->speeds, room * sizeof (Speed));

    if (speeds == NULL)
      return false;
    motion->speeds = speeds;
    motion->room = room;
  }
  while (at > 0 && motion->speeds[at - 1].time > time) {
    motion->speeds[at] = motion->speeds[at - 1];
    at--;
  }
  motion->speeds[at].time = time;
  motion->speeds[at].speed = isfinite (speed) && speed >= 0.0f ? speed : NAN;
  motion->n++;
  return true;
}

void
separate_motion_forget (Motion *motion, double before)
{
  size_t n = 0;

  while (n < motion->n && motion->speeds[n].time < before)
    n++;
  motion->n -= n;
  if (n > 0 && motion->n > 0)
    memmove (motion->speeds, motion->speeds + n, motion->n * sizeof (Speed));
}

/* Neighbours farther apart than this have a gap between them. */
static double
longest_step (const Motion *motion, double *scratch)
{
  size_t n = 0;

  for (size_t i = 1; i < motion->n && n < 1000; i++)
    scratch[n++] = motion->speeds[i].time - motion->speeds[i - 1].time;
  if (n == 0)
    return GAP;
  qsort (scratch, n, sizeof (double), avm_compare_doubles);
  return fmax (GAP, 2.5 * scratch[n / 2]);
}

/* Linear between neighbours; the nearest one within reach beyond the ends,
 * and where only one of two is known. *at: where to look first. */
static float
speed_at (const Motion *motion, double time, double gap, size_t *at)
{
  const Speed *s = motion->speeds;
  size_t i = *at;
  double x;

  while (i > 0 && s[i].time > time)
    i--;
  while (i + 1 < motion->n && s[i + 1].time <= time)
    i++;
  *at = i;
  if (s[i].time > time || i + 1 == motion->n)
    return fabs (time - s[i].time) <= 0.5 * gap ? s[i].speed : NAN;
  if (s[i + 1].time - s[i].time > gap) {
    if (time - s[i].time <= 0.25 * gap)
      return s[i].speed;
    return s[i + 1].time - time <= 0.25 * gap ? s[i + 1].speed : NAN;
  }
  if (isnan (s[i].speed))
    return time > 0.5 * (s[i].time + s[i + 1].time) ? s[i + 1].speed : NAN;
  if (isnan (s[i + 1].speed))
    return time < 0.5 * (s[i].time + s[i + 1].time) ? s[i].speed : NAN;
  x = (time - s[i].time) / fmax (s[i + 1].time - s[i].time, 1e-9);
  return (float)(s[i].speed + x * (s[i + 1].speed - s[i].speed));
}

/* Column m of self->m in the motion's own unit */
static void
to_frames (AvmSeparate *self, int m, int n_frames, double gap)
{
  const Motion *motion = &self->motions[m];
  double width = (double)self->set.window / self->set.rate;
  size_t at = 0;

  for (int n = 0; n < n_frames; n++) {
    double time = separate_frame_time (self, n) - LAG;
    double sum = 0.0, weights = 0.0, all = 0.0;

    for (int i = 0; i < TAPS && motion->n > 0; i++) {
      double u = (double)(i + 1) / (TAPS + 1);
      double weight = 0.5 - 0.5 * cos (2.0 * M_PI * u);
      float speed = speed_at (motion, time + (u - 0.5) * width, gap, &at);

      all += weight;
      if (!isnan (speed)) {
        sum += weight * speed;
        weights += weight;
      }
    }
    self->m[n * self->m_motions + m] =
        all > 0.0 && weights >= 0.5 * all ? (float)(sum / weights) : NAN;
  }
}

/* Rest and full speed: quantiles of what is known. Full speed is remembered
 * from block to block, so that a player who rests for a block stays at rest. */
static void
find_range (AvmSeparate *self, int m, int n_frames, float *scratch)
{
  Motion *motion = &self->motions[m];
  int n = 0;

  for (int i = 0; i < n_frames; i++) {
    float speed = self->m[i * self->m_motions + m];

    if (!isnan (speed))
      scratch[n++] = speed;
  }
  if (n == 0)
    return;
  qsort (scratch, (size_t)n, sizeof (float), avm_compare_floats);
  motion->low = scratch[(int)(LOW * (n - 1))];
  motion->high = fmaxf (scratch[(int)(HIGH * (n - 1))], 0.7f * motion->high);
}

static void
scale_to_range (AvmSeparate *self, int m, int n_frames, float least)
{
  const Motion *motion = &self->motions[m];
  float range = fmaxf (motion->high - motion->low, least);

  for (int i = 0; i < n_frames; i++) {
    float *x = &self->m[i * self->m_motions + m];

    if (isnan (*x))
      continue;
    if (range <= 0.0f) {
      *x = 0.0f;
      continue;
    }
    *x = AVM_CLAMP ((*x - motion->low) / range, 0.0f, 1.0f);
    *x = powf (*x, EXPONENT);
  }
}

/* Motions whose source is not known go to the sources that have none, in
 * order, then round again. */
static void
find_owners (AvmSeparate *self)
{
  bool has[AVM_SEPARATE_MAX_SOURCES] = {false};
  int next = 0, n = self->set.n_sources;

  for (int m = 0; m < self->n_motions; m++)
    if (self->motions[m].source >= 0)
      has[self->motions[m].source] = true;
  for (int m = 0; m < self->n_motions; m++) {
    self->owner[m] = self->motions[m].source;
    if (self->owner[m] >= 0)
      continue;
    for (int i = 0; i < n && has[next]; i++)
      next = (next + 1) % n;
    self->owner[m] = next;
    has[next] = true;
    next = (next + 1) % n;
  }
}

bool
separate_motion_prepare (AvmSeparate *self, int n_frames, AvmError *error)
{
  size_t size = (size_t)self->max_frames * (size_t)self->n_motions;
  float *scratch = avm_alloc ((size_t)self->max_frames, sizeof (float));
  double *steps = avm_alloc (1000, sizeof (double));
  float greatest = 0.0f;

  if (self->m_motions != self->n_motions) {
    avm_free (self->m);
    self->m = avm_alloc (size, sizeof (float));
    self->m_motions = self->m != NULL ? self->n_motions : 0;
  }
  if (self->m == NULL || scratch == NULL || steps == NULL) {
    avm_free (scratch);
    avm_free (steps);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for motion");
  }
  find_owners (self);
  for (int m = 0; m < self->n_motions; m++) {
    double gap = longest_step (&self->motions[m], steps);

    to_frames (self, m, n_frames, gap);
    find_range (self, m, n_frames, scratch);
    greatest = fmaxf (greatest, self->motions[m].high - self->motions[m].low);
  }
  for (int m = 0; m < self->n_motions; m++)
    scale_to_range (self, m, n_frames, LEAST_RANGE * greatest);
  avm_free (scratch);
  avm_free (steps);
  return true;
}

double
separate_motion_energy (const AvmSeparate *self, int n_frames)
{
  double sum = 0.0;

  for (int i = 0; i < n_frames * self->m_motions; i++)
    if (!isnan (self->m[i]))
      sum += (double)self->m[i] * self->m[i];
  return sum;
}

/* G = H' B H and b = H' B m of one motion, over the frames where it is known */
static void
normal_equations (AvmSeparate *self, int m, int n_frames, double *g, double *b)
{
  int n_atoms = self->nmf_config.n_components;
  ptrdiff_t stride;
  const float *h = avm_nmf_get_h (self->nmf, &stride);

  memset (g, 0, (size_t)(n_atoms * n_atoms) * sizeof (double));
  memset (b, 0, (size_t)n_atoms * sizeof (double));
  for (int n = 0; n < n_frames; n++, h += stride) {
    float speed = self->m[n * self->m_motions + m];

    if (isnan (speed))
      continue;
    for (int k = 0; k < n_atoms; k++) {
      double *row = g + k * n_atoms;

      b[k] += (double)h[k] * speed;
      if (h[k] > 0.0f)
        for (int j = 0; j < n_atoms; j++)
          row[j] += (double)h[k] * h[j];
    }
  }
}

/* min |m - H a|^2 + mu N sum a, a >= 0, by coordinate descent: never rises
 * above a = 0. */
static void
solve (const double *g, const double *b, double penalty, int n, float *a,
    ptrdiff_t stride)
{
  double x[MAX_ATOMS] = {0};

  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    double change = 0.0, greatest = 0.0;

    for (int k = 0; k < n; k++) {
      double r = b[k] - penalty, old = x[k];

      if (a[k * stride] <= 0.0f || g[k * n + k] <= 1e-20)
        continue;
      for (int j = 0; j < n; j++)
        r -= g[k * n + j] * x[j];
      x[k] = fmax (0.0, x[k] + r / g[k * n + k]);
      change = fmax (change, fabs (x[k] - old));
      greatest = fmax (greatest, x[k]);
    }
    if (change <= 1e-5 * greatest)
      break;
  }
  for (int k = 0; k < n; k++)
    a[k * stride] = (float)x[k];
}

bool
separate_motion_fit (
    AvmSeparate *self, int n_frames, double mu, AvmError *error)
{
  int n_atoms = self->nmf_config.n_components;
  double *g = avm_alloc ((size_t)(n_atoms * n_atoms), sizeof (double));
  double *b = avm_alloc ((size_t)n_atoms, sizeof (double));
  ptrdiff_t stride;
  float *a = avm_nmf_get_a (self->nmf, &stride);

  if (g == NULL || b == NULL) {
    avm_free (g);
    avm_free (b);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for links");
  }
  for (int m = 0; m < self->m_motions; m++) {
    normal_equations (self, m, n_frames, g, b);
    /* the derivative of the squared error is twice ours; eq. (2) weighs it
     * by lambda */
    solve (g, b,
        self->set.lambda > 0.0 ? 0.5 * mu * n_frames / self->set.lambda : 0.0,
        n_atoms, a + m, stride);
  }
  avm_free (g);
  avm_free (b);
  return true;
}

/* Mean of the motions of a source, as they are scaled; NaN not known */
float
separate_motion_of_source (const AvmSeparate *self, int frame, int source)
{
  const float *row = self->m + frame * self->m_motions;
  float sum = 0.0f;
  int known = 0;

  for (int m = 0; m < self->m_motions; m++)
    if (self->owner[m] == source && !isnan (row[m])) {
      sum += row[m];
      known++;
    }
  return known > 0 ? sum / (float)known : NAN;
}

static int
greatest_link (const AvmSeparate *self, const float *a)
{
  int best = 0;

  for (int m = 1; m < self->m_motions; m++)
    if (a[m] > a[best])
      best = m;
  return self->owner[best];
}

/* Atoms that go with no known motion are dealt to the sources without. */
static bool
deal_rest (AvmSeparate *self, AvmError *error)
{
  int still[AVM_SEPARATE_MAX_SOURCES], left[MAX_ATOMS];
  int n_sources = self->set.n_sources, n_still = 0, n_left = 0;
  bool moves[AVM_SEPARATE_MAX_SOURCES] = {false};

  for (int m = 0; m < self->m_motions; m++)
    moves[self->owner[m]] = true;
  for (int c = 0; c < n_sources; c++)
    if (!moves[c])
      still[n_still++] = c;
  for (int k = 0; n_still > 0 && k < self->now.n_atoms; k++) {
    const float *links = self->now.links + k * n_sources;
    float sum = 0.0f;

    for (int i = 0; i < n_still; i++)
      sum += links[still[i]];
    if (sum > 0.5f)
      left[n_left++] = k;
  }
  return n_left == 0
      || separate_audio_deal (self, left, n_left, still, n_still, error);
}

bool
separate_motion_link (AvmSeparate *self, int n_frames, AvmError *error)
{
  int start[MAX_ATOMS];
  ptrdiff_t stride;
  const float *a = avm_nmf_get_a (self->nmf, &stride);

  for (int k = 0; k < self->now.n_atoms; k++)
    start[k] = greatest_link (self, a + k * stride);
  if (!separate_partition (self, n_frames, start, self->now.links))
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for links");
  return deal_rest (self, error);
}

void
separate_motion_restrict (AvmSeparate *self, const int *sources)
{
  ptrdiff_t stride;
  float *a = avm_nmf_get_a (self->nmf, &stride);

  for (int k = 0; k < self->nmf_config.n_components; k++)
    for (int m = 0; m < self->n_motions; m++)
      a[k * stride + m] = self->owner[m] == sources[k] ? 1.0f : 0.0f;
}
