/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-vibrato.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Slower than this is drift of the note (sway, intonation), Hz; never more
 * than half the lowest rate. */
#define DRIFT_RATE 1.5
#define MAX_BASIS 52
#define DRIFT_EXTRA 2.0
#define RATE_STEP 0.05
#define MAX_SCAN 300
#define MAX_LAGS 512
/* Local fits look at this many periods under a Hann window. */
#define LOCAL_PERIODS 2.0
#define LOCAL_RIDGE 0.001
#define STRONG 0.8
/* Independent pitch values per second: neighbouring frames share samples. */
#define PITCH_BANDWIDTH 25.0
/* What a row of motion says of the rate, against an independent pitch value:
 * its noise, the unrest of the hand, is no white noise. */
#define VIDEO_TRUST 0.25
/* A note is known in a modality when this share of it is. */
#define MIN_KNOWN 0.6
/* Edges of a note that may be cut for a change of position, s and share. */
#define MAX_TRIM 0.2
#define MAX_TRIM_SHARE 0.25

void
avm_vibrato_settings_init (AvmVibratoSettings *settings)
{
  settings->moving_average = 10.0 * 1001.0 / 30000.0;
  settings->min_rate = 3.0;
  settings->max_rate = 9.0;
  settings->max_lag = 0.06;
  settings->min_duration = 0.15;
}

/* -- small statistics ---------------------------------------------------- */

/* Room for n items of size in *array; keeps what is there. */
static bool
reserve (void **array, size_t *capacity, size_t n, size_t size)
{
  size_t wanted = AVM_MAX (n, AVM_MAX (*capacity * 2, 256));
  void *grown;

  if (n <= *capacity)
    return true;
  if (wanted > SIZE_MAX / size)
    return false;
  grown = realloc (*array, wanted * size);
  if (grown == NULL)
    return false;
  *array = grown;
  *capacity = wanted;
  return true;
}

/* -- motion of one region ------------------------------------------------ */

typedef struct {
  double time;
  float vx, vy, confidence;
} MotionRow;

struct _AvmVibratoTrack {
  MotionRow *rows;
  size_t n_rows, rows_size;

  /* the regular grid; all of length n, in one block */
  size_t n;
  double first, interval;
  float *grid;
  float *raw_x, *raw_y;        /* px/s */
  float *vx, *vy;              /* less their moving average */
  float *along, *displacement; /* refined velocity, X */
  float *known;                /* 1: from rows; 0: filled */
  double ex, ey, share;
};

AvmVibratoTrack *
avm_vibrato_track_new (void)
{
  return calloc (1, sizeof (AvmVibratoTrack));
}

void
avm_vibrato_track_clear (AvmVibratoTrack *track)
{
  free (track->rows);
  avm_free (track->grid);
  memset (track, 0, sizeof (*track));
}

void
avm_vibrato_track_free (AvmVibratoTrack *track)
{
  if (track == NULL)
    return;
  avm_vibrato_track_clear (track);
  free (track);
}

size_t
avm_vibrato_track_rows (const AvmVibratoTrack *track)
{
  return track->n_rows;
}

bool
avm_vibrato_track_add (AvmVibratoTrack *track, double time, double vx,
    double vy, double confidence)
{
  MotionRow *row;

  if (!isfinite (time)
      || (track->n_rows > 0 && time <= track->rows[track->n_rows - 1].time))
    return true;
  if (!reserve ((void **)&track->rows, &track->rows_size, track->n_rows + 1,
          sizeof (MotionRow)))
    return false;
  row = &track->rows[track->n_rows++];
  row->time = time;
  row->vx = (float)vx;
  row->vy = (float)vy;
  row->confidence = isnan (confidence) ? 0.0f : (float)confidence;
  return true;
}

static bool
row_known (const MotionRow *row)
{
  return isfinite (row->vx) && isfinite (row->vy) && row->confidence > 0.0f;
}

static double
median_interval (const AvmVibratoTrack *track)
{
  double *steps = malloc (track->n_rows * sizeof (double)), interval;
  size_t n = track->n_rows - 1;

  if (steps == NULL)
    return NAN;
  for (size_t i = 0; i < n; i++)
    steps[i] = track->rows[i + 1].time - track->rows[i].time;
  interval = avm_median (steps, n);
  free (steps);
  return interval;
}

static bool
alloc_grid (AvmVibratoTrack *track, double interval)
{
  double span = track->rows[track->n_rows - 1].time - track->rows[0].time;
  double n = floor (span / interval + 1e-6) + 1.0;
  float *p;

  /* A day at 240 fps: beyond it, the times are not those of a recording. */
  if (!(n >= 1.0 && n < 86400.0 * 240.0))
    return false;
  avm_free (track->grid);
  track->n = (size_t)n;
  track->first = track->rows[0].time;
  track->interval = interval;
  p = track->grid = avm_alloc (track->n, 7 * sizeof (float));
  if (p == NULL)
    return false;
  track->raw_x = p;
  track->raw_y = p += track->n;
  track->vx = p += track->n;
  track->vy = p += track->n;
  track->along = p += track->n;
  track->displacement = p += track->n;
  track->known = p += track->n;
  return true;
}

/* Linear interpolation between known rows. Gaps of up to three intervals
 * count as known; longer ones are filled so that filters can pass. */
static void
fill_grid (AvmVibratoTrack *track)
{
  const MotionRow *before = NULL, *after = NULL;
  size_t next = 0;

  for (size_t i = 0; i < track->n; i++) {
    double t = track->first + (double)i * track->interval;
    double tolerance = 0.01 * track->interval;

    while (after == NULL || after->time < t - tolerance) {
      before = after != NULL ? after : before;
      after = NULL;
      while (next < track->n_rows && !row_known (&track->rows[next]))
        next++;
      if (next == track->n_rows)
        break;
      after = &track->rows[next++];
    }
    if (before == NULL || after == NULL) {
      const MotionRow *only = after != NULL ? after : before;
      bool here = only != NULL && fabs (only->time - t) < 0.6 * track->interval;

      track->raw_x[i] = here ? only->vx : 0.0f;
      track->raw_y[i] = here ? only->vy : 0.0f;
      track->known[i] = here;
    } else {
      double gap = after->time - before->time;
      float a = (float)AVM_CLAMP ((t - before->time) / gap, 0.0, 1.0);

      track->raw_x[i] = before->vx + a * (after->vx - before->vx);
      track->raw_y[i] = before->vy + a * (after->vy - before->vy);
      track->known[i] = gap <= 3.1 * track->interval || a < 0.02f || a > 0.98f;
    }
  }
}

/* y = x less its centred average over `window` s; a box of any length, whose
 * outermost samples count in part; known samples only. */
static void
remove_average (
    const AvmVibratoTrack *track, double window, const float *x, float *y)
{
  double half = 0.5 * window / track->interval;
  size_t whole = (size_t)floor (half + 0.5);
  double part = half + 0.5 - (double)whole;

  /* the box [-half, half] covers samples k with |k| < whole fully and
   * |k| = whole with weight `part` */
  for (size_t i = 0; i < track->n; i++) {
    double sum = 0.0, weight = 0.0;
    size_t from = i > whole ? i - whole : 0;
    size_t to = AVM_MIN (i + whole, track->n - 1);

    for (size_t j = from; j <= to; j++) {
      size_t k = j > i ? j - i : i - j;
      double w = track->known[j] * (k == whole && whole > 0 ? part : 1.0);

      sum += w * x[j];
      weight += w;
    }
    y[i] = weight > 0.0 ? (float)(x[i] - sum / weight) : 0.0f;
  }
}

static double
median_speed (const AvmVibratoTrack *track)
{
  double *speeds = malloc (track->n * sizeof (double)), m;
  size_t n = 0;

  if (speeds == NULL)
    return NAN;
  for (size_t i = 0; i < track->n; i++)
    if (track->known[i] > 0.0f)
      speeds[n++] = hypot (track->vx[i], track->vy[i]);
  m = avm_median (speeds, n);
  free (speeds);
  return m;
}

static void
principal_axis (AvmVibratoTrack *track, double limit)
{
  double xx = 0.0, yy = 0.0, xy = 0.0, mean, spread;

  for (size_t i = 0; i < track->n; i++) {
    double x = track->vx[i], y = track->vy[i], speed = hypot (x, y);
    double k = track->known[i];

    if (limit > 0.0 && speed > limit)
      k *= limit * limit / (speed * speed);
    xx += k * x * x;
    yy += k * y * y;
    xy += k * x * y;
  }
  mean = 0.5 * (xx + yy);
  spread = hypot (0.5 * (xx - yy), xy);
  if (spread <= 0.0) {
    track->ex = 1.0;
    track->ey = 0.0;
  } else {
    double angle = 0.5 * atan2 (2.0 * xy, xx - yy);

    track->ex = cos (angle);
    track->ey = sin (angle);
  }
  track->share = mean > 0.0 ? 0.5 * (mean + spread) / mean : 0.5;
}

bool
avm_vibrato_track_analyse (
    AvmVibratoTrack *track, const AvmVibratoSettings *settings, AvmError *error)
{
  size_t known = 0;
  double interval, sum = 0.0;
  float *walk;

  for (size_t i = 0; i < track->n_rows; i++)
    known += row_known (&track->rows[i]);
  if (known < 8)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1,
        "motion is known in %zu of %zu rows", known, track->n_rows);
  interval = median_interval (track);
  if (!(interval > 0.0) || !alloc_grid (track, interval))
    return avm_error_set (error, AVM_ERROR_MEMORY, -1,
        "no memory for the motion of %zu rows", track->n_rows);
  fill_grid (track);
  remove_average (track, settings->moving_average, track->raw_x, track->vx);
  remove_average (track, settings->moving_average, track->raw_y, track->vy);
  principal_axis (track, 5.0 * median_speed (track));
  walk = track->displacement;
  for (size_t i = 0; i < track->n; i++) {
    track->along[i] =
        (float)(track->ex * track->vx[i] + track->ey * track->vy[i]);
    walk[i] = (float)(sum += track->along[i] * interval);
  }
  /* In place would read what it wrote: raw_x is still needed, so the walk
   * goes through a copy. */
  walk = avm_alloc (track->n, sizeof (float));
  if (walk == NULL)
    return avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "no memory for %zu rows", track->n);
  memcpy (walk, track->displacement, track->n * sizeof (float));
  remove_average (track, settings->moving_average, walk, track->displacement);
  avm_free (walk);
  return true;
}

void
avm_vibrato_track_get_axis (
    const AvmVibratoTrack *track, double *ex, double *ey, double *share)
{
  if (ex != NULL)
    *ex = track->ex;
  if (ey != NULL)
    *ey = track->ey;
  if (share != NULL)
    *share = track->share;
}

size_t
avm_vibrato_track_get_curve (const AvmVibratoTrack *track, double *first,
    double *interval, const float **velocity, const float **displacement)
{
  if (first != NULL)
    *first = track->first;
  if (interval != NULL)
    *interval = track->interval;
  if (velocity != NULL)
    *velocity = track->along;
  if (displacement != NULL)
    *displacement = track->displacement;
  return track->grid != NULL ? track->n : 0;
}

const float *
avm_vibrato_track_get_known (const AvmVibratoTrack *track)
{
  return track->known;
}

/* -- pitch contour of one part ------------------------------------------- */

typedef struct {
  double time;
  float cents, confidence;
} ContourPoint;

struct _AvmVibratoContour {
  ContourPoint *points;
  size_t n, size;
};

AvmVibratoContour *
avm_vibrato_contour_new (void)
{
  return calloc (1, sizeof (AvmVibratoContour));
}

void
avm_vibrato_contour_clear (AvmVibratoContour *contour)
{
  free (contour->points);
  memset (contour, 0, sizeof (*contour));
}

void
avm_vibrato_contour_free (AvmVibratoContour *contour)
{
  if (contour == NULL)
    return;
  avm_vibrato_contour_clear (contour);
  free (contour);
}

size_t
avm_vibrato_contour_points (const AvmVibratoContour *contour)
{
  return contour->n;
}

bool
avm_vibrato_contour_add (
    AvmVibratoContour *contour, double time, double hz, double confidence)
{
  ContourPoint *point;

  if (!isfinite (time)
      || (contour->n > 0 && time <= contour->points[contour->n - 1].time))
    return true;
  if (!reserve ((void **)&contour->points, &contour->size, contour->n + 1,
          sizeof (ContourPoint)))
    return false;
  point = &contour->points[contour->n++];
  point->time = time;
  point->cents =
      hz > 0.0 && isfinite (hz) ? (float)(100.0 * avm_hz_to_midi (hz)) : NAN;
  point->confidence =
      isnan (confidence) ? 0.0f : (float)AVM_CLAMP (confidence, 0.0, 1.0);
  return true;
}

/* First point at or after time */
static size_t
contour_find (const AvmVibratoContour *contour, double time)
{
  size_t lo = 0, hi = contour->n;

  while (lo < hi) {
    size_t middle = lo + (hi - lo) / 2;

    if (contour->points[middle].time < time)
      lo = middle + 1;
    else
      hi = middle;
  }
  return lo;
}

/* -- one modality of one note -------------------------------------------- */

typedef struct {
  double cosine, sine;
} Phasor;

typedef struct {
  size_t n;
  double first, interval;
  double *y, *w;    /* value and weight */
  double *residual; /* y less its drift */
  double *rest;     /* residual less the fitted sinusoid */
  double *columns;  /* MAX_ENVELOPE x n, of the envelope model */
  size_t n_basis;
  double *basis;                    /* n_basis x n, orthonormal under w */
  double r2[MAX_SCAN];              /* variance explained by a sinusoid */
  double peak_r2, rate;             /* its maximum */
  double acf, acf_second, acf_rate; /* autocorrelation peak */
  size_t acf_maxima;                /* within a third of a second */
  size_t effective;                 /* independent samples */
  size_t n_curve;
  double *curve; /* residual at 100 Hz on the note's grid */
  double *curve_w;
  double *envelope;        /* 2 x n_curve: cosine, sine at the rate */
  size_t size, curve_size; /* allocated */
} Signal;

struct _AvmVibratoNote {
  Signal video, audio;
  double *work;
  size_t work_size;
  double first; /* of the 100 Hz curves */
  size_t n_curve;
  double duration;
  double features[AVM_VIBRATO_MAX_FEATURES];
  AvmVibratoResult result;
};

static void
signal_free (Signal *signal)
{
  free (signal->y);
  free (signal->curve);
}

AvmVibratoNote *
avm_vibrato_note_new (void)
{
  return calloc (1, sizeof (AvmVibratoNote));
}

void
avm_vibrato_note_free (AvmVibratoNote *note)
{
  if (note == NULL)
    return;
  signal_free (&note->video);
  signal_free (&note->audio);
  free (note->work);
  free (note);
}

static bool
signal_reserve (Signal *signal, size_t n, size_t n_curve)
{
  if (n > signal->size) {
    free (signal->y);
    signal->y = malloc ((3 + MAX_BASIS) * n * sizeof (double));
    signal->size = signal->y != NULL ? n : 0;
  }
  if (n_curve > signal->curve_size) {
    free (signal->curve);
    signal->curve = malloc (4 * n_curve * sizeof (double));
    signal->curve_size = signal->curve != NULL ? n_curve : 0;
  }
  if (signal->y == NULL || signal->curve == NULL)
    return false;
  signal->n = n;
  signal->n_curve = n_curve;
  signal->w = signal->y + n;
  signal->residual = signal->w + n;
  signal->basis = signal->residual + n;
  signal->curve_w = signal->curve + n_curve;
  signal->envelope = signal->curve_w + n_curve;
  return true;
}

static double
inner (const double *w, const double *a, const double *b, size_t n)
{
  double sum = 0.0;

  for (size_t i = 0; i < n; i++)
    sum += w[i] * a[i] * b[i];
  return sum;
}

static void
project_out (const Signal *signal, double *x)
{
  for (size_t k = 0; k < signal->n_basis; k++) {
    const double *p = signal->basis + k * signal->n;
    double c = inner (signal->w, p, x, signal->n);

    for (size_t i = 0; i < signal->n; i++)
      x[i] -= c * p[i];
  }
}

static double
legendre (size_t degree, double x)
{
  double p = 1.0, q = x;

  for (size_t k = 1; k <= degree; k++) {
    double next =
        (((double)(2 * k + 1)) * x * q - (double)k * p) / (double)(k + 1);

    p = q;
    q = next;
  }
  return p;
}

/* Polynomials that follow what is slower than the drift rate, made orthonormal
 * under the weights; residual = y less its part in them. A polynomial of
 * degree d follows a sinusoid once d is beyond pi times its periods; two more
 * make the error small against a sway a hundred times the vibrato. */
static void
remove_drift (Signal *signal, double drift_rate)
{
  double span = (double)signal->n * signal->interval;
  size_t n = signal->n;
  size_t degree = (size_t)AVM_MIN (
      ceil (M_PI * drift_rate * span) + DRIFT_EXTRA, (double)MAX_BASIS - 1);

  signal->n_basis = 0;
  for (size_t k = 0; k <= degree; k++) {
    double *p = signal->basis + signal->n_basis * n, norm, before;

    for (size_t i = 0; i < n; i++)
      p[i] = legendre (k, (2.0 * (double)i + 1.0) / (double)n - 1.0);
    before = inner (signal->w, p, p, n);
    project_out (signal, p);
    norm = inner (signal->w, p, p, n);
    if (!(norm > 1e-6 * before))
      continue;
    norm = 1.0 / sqrt (norm);
    for (size_t i = 0; i < n; i++)
      p[i] *= norm;
    signal->n_basis++;
  }
  memcpy (signal->residual, signal->y, n * sizeof (double));
  project_out (signal, signal->residual);
}

/* Fits a sinusoid of the rate beside the drift. Returns the share of the
 * residual's variance it explains; phasor: its amplitudes, phase 0 at the
 * middle of the signal. work: 2 n. */
static double
fit_sinusoid (const Signal *signal, double rate, double *work, Phasor *phasor)
{
  size_t n = signal->n;
  double *c = work, *s = work + n, step = 2.0 * M_PI * rate * signal->interval;
  double cc, ss, cs, cy, sy, yy, det, a, b;

  for (size_t i = 0; i < n; i++) {
    double phase = step * ((double)i - 0.5 * (double)(n - 1));

    c[i] = cos (phase);
    s[i] = sin (phase);
  }
  project_out (signal, c);
  project_out (signal, s);
  cc = inner (signal->w, c, c, n);
  ss = inner (signal->w, s, s, n);
  cs = inner (signal->w, c, s, n);
  cy = inner (signal->w, c, signal->residual, n);
  sy = inner (signal->w, s, signal->residual, n);
  yy = inner (signal->w, signal->residual, signal->residual, n);
  det = cc * ss - cs * cs;
  if (!(det > 1e-6 * cc * ss) || !(yy > 0.0)) {
    phasor->cosine = phasor->sine = 0.0;
    return 0.0;
  }
  a = (cy * ss - sy * cs) / det;
  b = (sy * cc - cy * cs) / det;
  phasor->cosine = a;
  phasor->sine = b;
  return AVM_CLAMP ((a * cy + b * sy) / yy, 0.0, 1.0);
}

static size_t
scan_count (const AvmVibratoSettings *settings)
{
  double n =
      floor ((settings->max_rate - settings->min_rate) / RATE_STEP + 1.5);

  return (size_t)AVM_CLAMP (n, 3.0, (double)MAX_SCAN);
}

static double
scan_rate (const AvmVibratoSettings *settings, double index)
{
  return settings->min_rate + RATE_STEP * index;
}

/* Maximum of a scan; inner maxima are interpolated. */
static double
scan_peak (const AvmVibratoSettings *settings, const double *values, size_t n)
{
  size_t best = 0;
  double offset = 0.0;

  for (size_t k = 1; k < n; k++)
    if (values[k] > values[best])
      best = k;
  if (best > 0 && best + 1 < n)
    offset =
        avm_parabolic_offset (values[best - 1], values[best], values[best + 1]);
  return scan_rate (settings, (double)best + offset);
}

static void
scan_signal (Signal *signal, const AvmVibratoSettings *settings, double *work)
{
  size_t n = scan_count (settings);
  Phasor phasor;

  for (size_t k = 0; k < n; k++)
    signal->r2[k] =
        fit_sinusoid (signal, scan_rate (settings, (double)k), work, &phasor);
  signal->rate = scan_peak (settings, signal->r2, n);
  signal->peak_r2 = fit_sinusoid (signal, signal->rate, work, &phasor);
}

static double
log_likelihood (const Signal *signal, double r2)
{
  return -0.5 * (double)signal->effective * log (1.0 - AVM_MIN (r2, 0.9999));
}

/* Weights down what lies far from drift and sinusoid together. */
static void
reweight (Signal *signal, double rate, double floor_scale, double *work)
{
  size_t n = signal->n, m = 0;
  double *deviation = work, *sorted = work + n, scale;
  Phasor phasor;

  fit_sinusoid (signal, rate, work, &phasor);
  for (size_t i = 0; i < n; i++)
    deviation[i] = signal->residual[i] - phasor.cosine * work[i]
        - phasor.sine * work[n + i];
  for (size_t i = 0; i < n; i++)
    if (signal->w[i] > 0.0)
      sorted[m++] = fabs (deviation[i]);
  scale = AVM_MAX (1.4826 * avm_median (sorted, m), floor_scale);
  for (size_t i = 0; i < n; i++) {
    double far = fabs (deviation[i]) / (2.5 * scale);

    if (far > 1.0)
      signal->w[i] /= far * far;
  }
}

/* -- autocorrelation ----------------------------------------------------- */

/* Autocorrelation of the 100 Hz curve at a lag in samples, over that at lag
 * 0: what does not overlap counts as unlike, so that a repetition in a longer
 * note weighs more. */
static double
curve_acf (const Signal *signal, size_t lag)
{
  double ab = 0.0, aa = 0.0;

  for (size_t i = 0; i < signal->n_curve; i++) {
    double w = signal->curve_w[i], a = signal->curve[i];

    if (!(w > 0.0))
      continue;
    aa += w * a * a;
    if (i + lag < signal->n_curve && signal->curve_w[i + lag] > 0.0)
      ab += sqrt (w * signal->curve_w[i + lag]) * a * signal->curve[i + lag];
  }
  return aa > 0.0 ? ab / aa : 0.0;
}

/* Highest local maximum of acf[0..n) at lags of vibrato; quadratic
 * interpolation as in the paper. second: the value at twice its lag. */
static void
acf_peak (const double *acf, size_t n, const AvmVibratoSettings *settings,
    double *height, double *second, double *rate)
{
  size_t from = (size_t)AVM_MAX (
      floor (AVM_VIBRATO_CURVE_RATE / settings->max_rate), 1.0);
  size_t to = (size_t)ceil (AVM_VIBRATO_CURVE_RATE / settings->min_rate);

  *height = *second = 0.0;
  *rate = NAN;
  for (size_t k = from; k <= to && k + 1 < n; k++) {
    if (acf[k] > *height && acf[k] >= acf[k - 1] && acf[k] > acf[k + 1]) {
      double offset = avm_parabolic_offset (acf[k - 1], acf[k], acf[k + 1]);

      *height = acf[k];
      *second = 2 * k < n ? acf[2 * k] : 0.0;
      *rate = AVM_VIBRATO_CURVE_RATE / ((double)k + offset);
    }
  }
}

/* Lags up to nine tenths of the curve, and no more than are of use */
static size_t
acf_length (size_t n_curve, const AvmVibratoSettings *settings)
{
  size_t wanted =
      (size_t)ceil (2.0 * AVM_VIBRATO_CURVE_RATE / settings->min_rate) + 3;

  return AVM_MIN (AVM_MIN (wanted, n_curve * 9 / 10), MAX_LAGS);
}

static size_t
count_maxima (const double *x, size_t n)
{
  size_t count = 0;

  for (size_t i = 1; i + 1 < n; i++)
    count += x[i] > x[i - 1] && x[i] >= x[i + 1];
  return count;
}

static size_t
count_crossings (const double *x, size_t n)
{
  size_t count = 0;

  for (size_t i = 1; i < n; i++)
    count += (x[i - 1] < 0.0) != (x[i] < 0.0);
  return count;
}

static void
analyse_acf (Signal *signal, const AvmVibratoSettings *settings, double *acf)
{
  size_t n = acf_length (signal->n_curve, settings);

  for (size_t k = 0; k < n; k++)
    acf[k] = curve_acf (signal, k);
  acf_peak (
      acf, n, settings, &signal->acf, &signal->acf_second, &signal->acf_rate);
  signal->acf_maxima = count_maxima (acf, AVM_MIN (n, 35));
}

/* -- displacement -------------------------------------------------------- */

/* Grid rows whose displacement lies in the note */
static bool
note_rows (const AvmVibratoTrack *track, double from, double to, size_t *first,
    size_t *n)
{
  double a = ceil ((from - track->first) / track->interval - 0.5);
  double b = floor ((to - track->first) / track->interval - 0.5);

  a = AVM_MAX (a, 0.0);
  b = AVM_MIN (b, (double)track->n - 1.0);
  if (!(b - a >= 4.0))
    return false;
  *first = (size_t)a;
  *n = (size_t)(b - a) + 1;
  return true;
}

static double
velocity_along (const AvmVibratoTrack *track, size_t i)
{
  return track->ex * track->raw_x[i] + track->ey * track->raw_y[i];
}

/* Cuts edges where the hand still, or already, changes its position: speeds
 * beyond four times the median deviation. */
static void
trim_rows (const AvmVibratoTrack *track, size_t *first, size_t *n, double *work)
{
  size_t limit =
      (size_t)AVM_MIN (MAX_TRIM / track->interval, MAX_TRIM_SHARE * (double)*n);
  size_t head = 0, tail = 0, count = *n;
  double centre, scale;

  for (size_t i = 0; i < count; i++)
    work[i] = velocity_along (track, *first + i);
  centre = avm_median (work, count);
  for (size_t i = 0; i < count; i++)
    work[i] = fabs (velocity_along (track, *first + i) - centre);
  scale = 4.0 * avm_median (work, count);
  for (size_t i = 0; i < limit; i++) {
    if (fabs (velocity_along (track, *first + i) - centre) > scale)
      head = i + 1;
    if (fabs (velocity_along (track, *first + count - 1 - i) - centre) > scale)
      tail = i + 1;
  }
  *first += head;
  *n -= head + tail;
}

/* sinc under a Hann window, half width 6 samples */
static double
lanczos (double x)
{
  double px = M_PI * x;

  if (fabs (x) >= 6.0)
    return 0.0;
  if (fabs (x) < 1e-9)
    return 1.0;
  return sin (px) / px * (0.5 + 0.5 * cos (px / 6.0));
}

/* The residual at 100 Hz: band limited interpolation, weights likewise. */
static void
interpolate_curve (Signal *signal, double first)
{
  for (size_t i = 0; i < signal->n_curve; i++) {
    double t = first + (double)i / AVM_VIBRATO_CURVE_RATE;
    double x = (t - signal->first) / signal->interval;
    long middle = (long)floor (x);
    double sum = 0.0, norm = 0.0, mass = 0.0;

    if (!(x > -0.51 && x < (double)signal->n - 0.49)) {
      signal->curve[i] = NAN;
      signal->curve_w[i] = 0.0;
      continue;
    }
    for (long k = middle - 5; k <= middle + 6; k++) {
      double h;

      if (k < 0 || k >= (long)signal->n)
        continue;
      h = lanczos (x - (double)k);
      norm += h;
      sum += h * signal->residual[k];
      mass += fabs (h) * (signal->w[k] > 0.0);
    }
    signal->curve[i] = norm > 0.5 ? sum / norm : 0.0;
    signal->curve_w[i] = mass > 0.5 ? 1.0 : 0.0;
  }
}

static bool
load_video (
    AvmVibratoNote *note, const AvmVibratoTrack *track, double from, double to)
{
  Signal *signal = &note->video;
  size_t first, n, known = 0;
  double sum = 0.0;

  signal->n = 0;
  if (track == NULL || track->grid == NULL
      || !note_rows (track, from, to, &first, &n)
      || !reserve (
          (void **)&note->work, &note->work_size, 2 * n, sizeof (double)))
    return true;
  trim_rows (track, &first, &n, note->work);
  for (size_t i = 0; i < n; i++)
    known += track->known[first + i] > 0.0f;
  if ((double)known * track->interval < MIN_KNOWN * (to - from) || known < 5)
    return true;
  if (!signal_reserve (signal, n, note->n_curve))
    return false;
  signal->interval = track->interval;
  signal->first = track->first + ((double)first + 0.5) * track->interval;
  signal->effective = known;
  for (size_t i = 0; i < n; i++) {
    signal->y[i] = sum += velocity_along (track, first + i) * track->interval;
    signal->w[i] = track->known[first + i];
  }
  return true;
}

/* -- pitch --------------------------------------------------------------- */

/* The contour at 100 Hz: linear between points that are at most 30 ms apart;
 * beyond two semitones from the median it is another note, or an error. */
static bool
load_audio (AvmVibratoNote *note, const AvmVibratoContour *contour, double from)
{
  Signal *signal = &note->audio;
  size_t next, known = 0, n = note->n_curve;
  double centre, *sorted;

  signal->n = 0;
  if (contour == NULL || contour->n < 2 || n < 5)
    return true;
  if (!reserve ((void **)&note->work, &note->work_size, 2 * n, sizeof (double)))
    return false;
  if (!signal_reserve (signal, n, n))
    return false;
  sorted = note->work;
  signal->interval = 1.0 / AVM_VIBRATO_CURVE_RATE;
  signal->first = from;
  next = contour_find (contour, from);
  for (size_t i = 0; i < n; i++) {
    double t = from + (double)i * signal->interval, gap, a;
    const ContourPoint *p, *q;

    signal->y[i] = 0.0;
    signal->w[i] = 0.0;
    while (next < contour->n && contour->points[next].time < t)
      next++;
    if (next >= contour->n)
      continue;
    q = &contour->points[next];
    p = next > 0 ? q - 1 : q;
    gap = q->time - p->time;
    a = gap > 0.0 ? (t - p->time) / gap : 1.0;
    if (isnan (p->cents) && a > 0.5)
      p = q;
    else if (isnan (q->cents) && a < 0.5)
      q = p;
    if (isnan (p->cents) || isnan (q->cents) || gap > 0.031
        || (next == 0 && q->time - t > 0.011))
      continue;
    signal->y[i] = p->cents + a * (q->cents - p->cents);
    signal->w[i] = p->confidence + a * (q->confidence - p->confidence);
    if (signal->w[i] > 0.0)
      sorted[known++] = signal->y[i];
  }
  centre = avm_median (sorted, known);
  known = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(fabs (signal->y[i] - centre) < 200.0))
      signal->w[i] = 0.0;
    if (signal->w[i] > 0.0)
      known++;
    else
      signal->y[i] = centre;
    signal->y[i] -= centre;
  }
  note->result.pitch = centre;
  signal->effective =
      (size_t)((double)known * PITCH_BANDWIDTH / AVM_VIBRATO_CURVE_RATE);
  if ((double)known < MIN_KNOWN * (double)n || known < 10
      || signal->effective < 3) {
    signal->n = 0;
    note->result.pitch = NAN;
  }
  return true;
}

static void
audio_curve (Signal *signal)
{
  for (size_t i = 0; i < signal->n_curve; i++) {
    bool known = signal->w[i] > 0.0;

    signal->curve[i] = known ? signal->residual[i] : NAN;
    signal->curve_w[i] = signal->w[i];
  }
}

/* -- local envelopes and the extent -------------------------------------- */

/* Solves the symmetric positive m x m system g x = v in place (Cholesky);
 * x replaces v. False: singular. */
static bool
solve_symmetric (double *g, double *v, size_t m)
{
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = g[i * m + j];

      for (size_t k = 0; k < j; k++)
        sum -= g[i * m + k] * g[j * m + k];
      if (i != j)
        g[i * m + j] = sum / g[j * m + j];
      else if (sum > 0.0)
        g[i * m + i] = sqrt (sum);
      else
        return false;
    }
  }
  for (size_t i = 0; i < m; i++) {
    for (size_t k = 0; k < i; k++)
      v[i] -= g[i * m + k] * v[k];
    v[i] /= g[i * m + i];
  }
  for (size_t i = m; i-- > 0;) {
    for (size_t k = i + 1; k < m; k++)
      v[i] -= g[k * m + i] * v[k];
    v[i] /= g[i * m + i];
  }
  return true;
}

/* Amplitudes of cosine and sine of the rate (phase 0 at `origin`) around a
 * time t: least squares beside a constant and a slope under a Hann window.
 * False: too little is known here. */
static bool
local_phasor (
    const Signal *signal, double rate, double origin, double t, Phasor *phasor)
{
  double half = 0.5 * LOCAL_PERIODS / rate;
  double from = ceil ((t - half - signal->first) / signal->interval);
  double to = floor ((t + half - signal->first) / signal->interval);
  double g[16] = {0.0}, v[4] = {0.0};
  size_t count = 0;

  from = AVM_MAX (from, 0.0);
  to = AVM_MIN (to, (double)signal->n - 1.0);
  for (double i = from; i <= to; i += 1.0) {
    size_t k = (size_t)i;
    double at = signal->first + i * signal->interval;
    double w = signal->w[k] * (0.5 + 0.5 * cos (M_PI * (at - t) / half));
    double phase = 2.0 * M_PI * rate * (at - origin);
    double x[4] = {cos (phase), sin (phase), 1.0, (at - t) / half};

    count += signal->w[k] > 0.0;
    for (int r = 0; r < 4; r++) {
      v[r] += w * x[r] * signal->residual[k];
      for (int c = 0; c <= r; c++)
        g[4 * r + c] += w * x[r] * x[c];
    }
  }
  if (count < 6)
    return false;
  /* at an edge slope and sinusoid are alike: keep both small */
  for (int r = 0; r < 4; r++)
    g[5 * r] *= 1.0 + LOCAL_RIDGE;
  if (!solve_symmetric (g, v, 4))
    return false;
  phasor->cosine = v[0];
  phasor->sine = v[1];
  return true;
}

/* Local amplitudes at 100 Hz, NaN where they are not known */
static void
fit_envelope (AvmVibratoNote *note, Signal *signal, double rate)
{
  for (size_t i = 0; i < note->n_curve; i++) {
    double t = note->first + (double)i / AVM_VIBRATO_CURVE_RATE;
    Phasor phasor = {NAN, NAN};

    if (signal->curve_w[i] > 0.0
        && !local_phasor (signal, rate, note->first, t, &phasor))
      phasor.cosine = phasor.sine = NAN;
    signal->envelope[2 * i] = phasor.cosine;
    signal->envelope[2 * i + 1] = phasor.sine;
  }
}

/* Twice the median of what has at least four fifths of the strength of the
 * 80th percentile: where the vibrato is weaker it has not begun, has ended, or
 * is blurred by the window. Sorts values. */
static double
strong_median (double *values, size_t n)
{
  size_t first = 0;

  if (n == 0)
    return NAN;
  qsort (values, n, sizeof (double), avm_compare_doubles);
  while (values[first] < STRONG * values[n * 8 / 10])
    first++;
  return 2.0 * values[(first + n) / 2];
}

/* Distance from peak to trough of one signal */
static double
peak_to_trough (AvmVibratoNote *note, const Signal *signal)
{
  size_t m = 0;

  for (size_t i = 0; i < note->n_curve; i++)
    if (!isnan (signal->envelope[2 * i]))
      note->work[m++] =
          hypot (signal->envelope[2 * i], signal->envelope[2 * i + 1]);
  return strong_median (note->work, m);
}

/* The lag that fits best within the range. The axis has no sign: half a turn
 * more or less is the same motion. */
static double
fit_lag (double re, double im, double rate, double max_lag)
{
  double turn = re != 0.0 || im != 0.0 ? atan2 (im, re) : 0.0;

  if (turn > 0.5 * M_PI)
    turn -= M_PI;
  else if (turn < -0.5 * M_PI)
    turn += M_PI;
  return AVM_CLAMP (turn / (2.0 * M_PI * rate), -max_lag, max_lag);
}

/* The paper's equation (1), pitch against displacement, on local amplitudes:
 * how far the pitch goes in step with the displacement. Against the closed
 * form, noise of the displacement cannot flatten the slope. */
static void
fit_extent (
    AvmVibratoNote *note, const AvmVibratoSettings *settings, double rate)
{
  const double *x = note->video.envelope, *f = note->audio.envelope;
  double re = 0.0, im = 0.0, xx = 0.0, ff = 0.0, turn, c, s;
  size_t m = 0;

  for (size_t i = 0; i < note->n_curve; i++) {
    const double *a = x + 2 * i, *b = f + 2 * i;
    double w = note->audio.curve_w[i];

    if (isnan (a[0]) || isnan (b[0]))
      continue;
    re += w * (b[0] * a[0] + b[1] * a[1]);
    im += w * (b[1] * a[0] - b[0] * a[1]);
    xx += w * (a[0] * a[0] + a[1] * a[1]);
    ff += w * (b[0] * b[0] + b[1] * b[1]);
  }
  note->result.coherence = xx > 0.0 && ff > 0.0
      ? AVM_MIN (hypot (re, im) / sqrt (xx * ff), 1.0)
      : 0.0;
  note->result.lag = fit_lag (re, im, rate, settings->max_lag);
  turn = 2.0 * M_PI * rate * note->result.lag;
  c = cos (turn);
  s = sin (turn);
  if (re * c + im * s < 0.0) {
    c = -c;
    s = -s;
  }
  for (size_t i = 0; i < note->n_curve; i++) {
    const double *a = x + 2 * i, *b = f + 2 * i;
    double size = hypot (a[0], a[1]);

    if (!isnan (b[0]) && size > 0.0)
      note->work[m++] =
          (c * (b[0] * a[0] + b[1] * a[1]) + s * (b[1] * a[0] - b[0] * a[1]))
          / size;
  }
  note->result.extent = strong_median (note->work, m);
}

/* -- features ------------------------------------------------------------ */

static double
band_amplitude (const float *v, size_t n, double interval,
    const AvmVibratoSettings *settings)
{
  double span = (double)n * interval, sum = 0.0;
  size_t from = (size_t)ceil (settings->min_rate * span);
  size_t to = (size_t)floor (settings->max_rate * span);

  from = AVM_MAX (from, 1);
  for (size_t k = from; k <= to && 2 * k < n; k++) {
    double re = 0.0, im = 0.0;

    for (size_t i = 0; i < n; i++) {
      double phase = 2.0 * M_PI * (double)((i * k) % n) / (double)n;

      re += v[i] * cos (phase);
      im -= v[i] * sin (phase);
    }
    sum += hypot (re, im);
  }
  /* over the square root of the length: notes of any length compare */
  return sum
      / sqrt ((double)n * (double)AVM_MAX (to + 1 - AVM_MIN (from, to), 1));
}

/* The paper's four of one axis: zero crossings of v and of its
 * autocorrelation, energy in the band, maxima within ten frames */
static void
axis_features (const float *v, size_t n, double interval,
    const AvmVibratoSettings *settings, double *work, double *out)
{
  size_t lags = AVM_MIN (n / 2 + 1, (size_t)(1.0 / interval) + 1);
  size_t near = (size_t)ceil (0.334 / interval) + 1;
  double mean = 0.0;

  for (size_t i = 0; i < n; i++)
    mean += v[i] / (double)n;
  for (size_t i = 0; i < n; i++)
    work[i] = v[i] - mean;
  out[0] = (double)count_crossings (work, n) / ((double)n * interval);
  out[2] = log10 (band_amplitude (v, n, interval, settings) + 0.01);
  for (size_t k = 0; k < lags; k++) {
    double sum = 0.0;

    for (size_t i = 0; i + k < n; i++)
      sum += work[i] * work[i + k];
    work[n + k] = sum;
  }
  out[1] = (double)count_crossings (work + n, lags) / ((double)lags * interval);
  out[3] = (double)count_maxima (work + n, AVM_MIN (lags, near + 1));
}

static double
surprise (double r2)
{
  return -log (1.0 - AVM_CLAMP (r2, 0.0, 0.98));
}

static double
fitted_amplitude (AvmVibratoNote *note, const Signal *signal)
{
  Phasor phasor;

  fit_sinusoid (signal, signal->rate, note->work, &phasor);
  return 2.0 * hypot (phasor.cosine, phasor.sine);
}

static void
video_features (AvmVibratoNote *note, const AvmVibratoSettings *settings,
    const AvmVibratoTrack *track)
{
  const Signal *signal = &note->video;
  double *f = note->features, axis[4];
  double row = (signal->first - track->first) / track->interval - 0.5;
  size_t first = (size_t)floor (row + 0.5);

  for (int k = 0; k < 2; k++) {
    axis_features ((k == 0 ? track->vx : track->vy) + first, signal->n,
        signal->interval, settings, note->work, axis);
    for (int j = 0; j < 4; j++)
      f[2 * j + k] = axis[j];
  }
  f[8] = signal->acf;
  f[9] = surprise (signal->peak_r2);
  f[10] = log10 (fitted_amplitude (note, signal) + 0.01);
  f[11] = log10 (note->duration);
  f[12] = signal->rate;
  f[13] = signal->acf_second;
}

static void
audio_features (AvmVibratoNote *note)
{
  const Signal *signal = &note->audio;
  double *f = note->features + AVM_VIBRATO_VIDEO_FEATURES;
  double span = (double)signal->n * signal->interval;

  f[0] = (double)count_crossings (signal->residual, signal->n) / span;
  f[1] = signal->acf;
  f[2] = (double)signal->acf_maxima;
  f[3] = surprise (signal->peak_r2);
  f[4] = log10 (fitted_amplitude (note, signal) + 0.5);
  f[5] = log10 (note->duration);
  f[6] = signal->rate;
  f[7] = signal->acf_second;
}

static void
pair_features (AvmVibratoNote *note)
{
  double *f =
      note->features + AVM_VIBRATO_VIDEO_FEATURES + AVM_VIBRATO_AUDIO_FEATURES;
  Phasor phasor;

  f[0] = note->result.coherence;
  f[1] = surprise (
      fit_sinusoid (&note->video, note->result.rate, note->work, &phasor));
  f[2] = surprise (
      fit_sinusoid (&note->audio, note->result.rate, note->work, &phasor));
  f[3] = fabs (note->video.rate - note->audio.rate);
}

size_t
avm_vibrato_note_features (
    const AvmVibratoNote *note, AvmVibratoUsed used, double *features)
{
  size_t first = used & AVM_VIBRATO_VIDEO ? 0 : AVM_VIBRATO_VIDEO_FEATURES;
  size_t end = used == AVM_VIBRATO_BOTH ? AVM_VIBRATO_MAX_FEATURES
      : used == AVM_VIBRATO_AUDIO
      ? AVM_VIBRATO_VIDEO_FEATURES + AVM_VIBRATO_AUDIO_FEATURES
      : AVM_VIBRATO_VIDEO_FEATURES;

  if (used == AVM_VIBRATO_NONE || (note->result.used & used) != used)
    return 0;
  memcpy (features, note->features + first, (end - first) * sizeof (double));
  return end - first;
}

/* -- the note ------------------------------------------------------------ */

static void
analyse_signal (AvmVibratoNote *note, Signal *signal,
    const AvmVibratoSettings *settings, bool robust)
{
  double drift = AVM_MIN (DRIFT_RATE, 0.5 * settings->min_rate);

  remove_drift (signal, drift);
  scan_signal (signal, settings, note->work);
  if (robust) {
    reweight (signal, signal->rate, 2.0, note->work);
    remove_drift (signal, drift);
    scan_signal (signal, settings, note->work);
  }
}

/* The rate of all signals together: most likely under one sinusoid and a
 * noise of its own in each. */
static double
joint_rate (
    AvmVibratoNote *note, const AvmVibratoSettings *settings, unsigned used)
{
  double total[MAX_SCAN];
  size_t n = scan_count (settings);

  for (size_t k = 0; k < n; k++) {
    total[k] = 0.0;
    if (used & AVM_VIBRATO_VIDEO)
      total[k] +=
          VIDEO_TRUST * log_likelihood (&note->video, note->video.r2[k]);
    if (used & AVM_VIBRATO_AUDIO)
      total[k] += log_likelihood (&note->audio, note->audio.r2[k]);
  }
  return scan_peak (settings, total, n);
}

/* Both: the mean of the two autocorrelations, each with as many votes as it
 * has independent samples. */
static void
joint_acf (AvmVibratoNote *note, const AvmVibratoSettings *settings,
    const double *video, const double *audio)
{
  size_t n = acf_length (note->n_curve, settings);
  double a = (double)note->video.effective;
  double b = (double)note->audio.effective;
  double mean[MAX_LAGS], second;

  for (size_t k = 0; k < n; k++)
    mean[k] = (a * video[k] + b * audio[k]) / (a + b);
  acf_peak (
      mean, n, settings, &note->result.acf, &second, &note->result.acf_rate);
}

static void
result_clear (AvmVibratoResult *result)
{
  result->used = AVM_VIBRATO_NONE;
  result->acf = 0.0;
  result->acf_rate = result->rate = result->extent = NAN;
  result->amplitude = result->pitch = result->lag = NAN;
  result->coherence = NAN;
}

static void
analyse_known (AvmVibratoNote *note, const AvmVibratoSettings *settings,
    const AvmVibratoTrack *track)
{
  AvmVibratoResult *result = &note->result;
  double video[MAX_LAGS], audio[MAX_LAGS];

  if (result->used & AVM_VIBRATO_VIDEO) {
    analyse_signal (note, &note->video, settings, false);
    interpolate_curve (&note->video, note->first);
    analyse_acf (&note->video, settings, video);
    result->acf = note->video.acf;
    result->acf_rate = note->video.acf_rate;
  }
  if (result->used & AVM_VIBRATO_AUDIO) {
    analyse_signal (note, &note->audio, settings, true);
    audio_curve (&note->audio);
    analyse_acf (&note->audio, settings, audio);
    result->acf = note->audio.acf;
    result->acf_rate = note->audio.acf_rate;
  }
  if (result->used == AVM_VIBRATO_BOTH)
    joint_acf (note, settings, video, audio);
  result->rate = joint_rate (note, settings, result->used);

  if (result->used & AVM_VIBRATO_VIDEO) {
    fit_envelope (note, &note->video, result->rate);
    result->amplitude = peak_to_trough (note, &note->video);
    video_features (note, settings, track);
  }
  if (result->used & AVM_VIBRATO_AUDIO) {
    fit_envelope (note, &note->audio, result->rate);
    result->extent = peak_to_trough (note, &note->audio);
    audio_features (note);
  }
  if (result->used == AVM_VIBRATO_BOTH) {
    fit_extent (note, settings, result->rate);
    pair_features (note);
  }
}

bool
avm_vibrato_note_analyse (AvmVibratoNote *note,
    const AvmVibratoSettings *settings, const AvmVibratoTrack *track,
    const AvmVibratoContour *contour, double onset, double duration,
    AvmVibratoResult *result)
{
  double from = onset, span = duration;

  result_clear (&note->result);
  note->video.n = note->audio.n = note->n_curve = 0;
  *result = note->result;
  if (!isfinite (onset) || !isfinite (duration))
    return false;
  if (!(span >= settings->min_duration) || span <= 0.0)
    return true;
  if (span > AVM_VIBRATO_MAX_SPAN) {
    from += 0.5 * (span - AVM_VIBRATO_MAX_SPAN);
    span = AVM_VIBRATO_MAX_SPAN;
  }
  note->first = from;
  note->duration = span;
  note->n_curve = (size_t)floor (span * AVM_VIBRATO_CURVE_RATE + 1e-6);
  if (!reserve ((void **)&note->work, &note->work_size, 2 * note->n_curve + 64,
          sizeof (double))
      || !load_video (note, track, from, from + span)
      || !load_audio (note, contour, from))
    return false;
  note->result.used = (note->video.n > 0 ? AVM_VIBRATO_VIDEO : 0)
      | (note->audio.n > 0 ? AVM_VIBRATO_AUDIO : 0);
  if (note->result.used != AVM_VIBRATO_NONE)
    analyse_known (note, settings, track);
  *result = note->result;
  return true;
}

size_t
avm_vibrato_note_curves (const AvmVibratoNote *note, double *first,
    const double **displacement, const double **pitch)
{
  if (first != NULL)
    *first = note->first;
  if (displacement != NULL)
    *displacement = note->video.n > 0 ? note->video.curve : NULL;
  if (pitch != NULL)
    *pitch = note->audio.n > 0 ? note->audio.curve : NULL;
  return note->n_curve;
}

int
avm_vibrato_note_sign (const AvmVibratoNote *note)
{
  double sum = 0.0;

  if (note->video.n == 0 || note->audio.n == 0)
    return 1;
  for (size_t i = 0; i < note->n_curve; i++) {
    double product = note->video.curve[i] * note->audio.curve[i];

    if (isfinite (product))
      sum += product;
  }
  return sum < 0.0 ? -1 : 1;
}
