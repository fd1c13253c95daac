/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dsp/avm-pitch.h"

#include "dsp/avm-decimate.h"
#include "dsp/avm-demod.h"
#include "dsp/avm-fft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MAX_CANDIDATES 7
#define MAX_STATES (MAX_CANDIDATES + 1)
#define BLOCK 4096 /* input samples at a time */
#define MAX_HARMONICS 20
#define REFINE_TOP 6500.0 /* Hz, highest harmonic that is demodulated */
#define REFINE_SPAN 0.024 /* s, shortest window of the refinement */
#define REFINE_PERIODS 3
#define COURSE_SPAN 3     /* frames to each side */
#define REFINE_LIMIT 70.0 /* cents it may move a candidate */

/* Power, against the strongest, below which a harmonic counts for less */
#define WEAK_HARMONIC 0.02

/* Path costs, in nats */
#define COST_PER_CENT 0.012 /* of movement within a tone */
#define COST_LEAP 4.0       /* at most: a new tone */
#define COST_ONSET 4.0      /* unvoiced to voiced and back */
/* Share of the threshold mass that the deepest trough gets when none is below
 * a threshold (pYIN's p_a). */
#define LONELY_TROUGH 0.01
/* A frame this far below the recent level counts as silence, softly. */
#define LEVEL_RANGE 20.0 /* dB */
#define LEVEL_SOFT 2.5   /* dB */
#define LEVEL_DECAY 4.0  /* dB/s */

typedef struct {
  float f0; /* Hz, 0 in the unvoiced state */
  float log_p;
  float score;
  float refined; /* Hz, 0 not yet */
  int from;      /* best state of the frame before */
} State;

typedef struct {
  int64_t centre; /* working sample */
  unsigned n_states;
  State states[MAX_STATES]; /* the last one is unvoiced */
  float voicing;            /* probability, before the path */
  float best;               /* likeliest F0, 0 none */
} Frame;

struct _AvmPitch {
  AvmPitchConfig config;
  AvmDecimator *decimator;
  double rate;  /* working rate, Hz */
  double hop;   /* working samples */
  float *block; /* a decimated block */

  float *buffer; /* working samples from `base` on */
  size_t capacity, fill;
  int64_t base, end; /* index of buffer[0], and after the last */
  uint64_t n_input;

  size_t window, max_lag, min_lag;
  AvmFft *forward, *inverse; /* the inverse has twice the size */
  double *energy;            /* window + 1 running sums of squares */
  float *d;                  /* 2 max_lag + 3, half lags */

  Frame *frames; /* ring of n_ring */
  size_t n_ring;
  int *states; /* a trace through the ring: states, */
  float *path; /* F0 */
  float *fine; /* and refined F0 */
  size_t depth;
  int64_t n_analysed, n_given;
  double level; /* dB, follows the peaks */

  size_t refine_max; /* samples, a multiple of the lanes */
  float *xw, *xd, *osc_re, *osc_im, *scratch;
};

void
avm_pitch_config_init (AvmPitchConfig *config, double rate)
{
  config->rate = rate;
  config->fmin = 55.0;
  config->fmax = 2400.0;
  config->hop = 0.010;
  config->lookback = 0.150;
  config->guess = false;
}

static bool
config_check (const AvmPitchConfig *c, AvmError *error)
{
  if (!(c->rate >= 4000.0 && c->rate <= 400000.0))
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "rate %g is not in 4000..400000", c->rate);
  if (!(c->fmin >= 20.0 && c->fmax >= 2.0 * c->fmin && c->fmax <= 20000.0))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "fmin %g, fmax %g: need 20 <= fmin <= fmax / 2", c->fmin, c->fmax);
  if (!(c->hop >= 0.001 && c->hop <= 0.1))
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "hop %g is not in 0.001..0.1", c->hop);
  if (!(c->lookback >= 0.0 && c->lookback <= 2.0))
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "lookback %g is not in 0..2", c->lookback);
  return true;
}

static size_t
round_lanes (size_t n)
{
  return (n + AVM_DEMOD_LANES - 1) / AVM_DEMOD_LANES * AVM_DEMOD_LANES;
}

static void
choose_sizes (AvmPitch *self)
{
  AvmPitchConfig *c = &self->config;
  double span =
      AVM_MAX (REFINE_SPAN + 1.0 / c->fmin, (REFINE_PERIODS + 1) / c->fmin);

  c->fmax = AVM_MIN (c->fmax, self->rate / 4.5);
  self->max_lag = (size_t)ceil (self->rate / c->fmin) + 1;
  self->min_lag = (size_t)AVM_MAX (2.0, floor (self->rate / c->fmax));
  self->window = (size_t)(2.2 * (double)self->max_lag + 0.006 * self->rate);
  self->window = (self->window + 1) & ~(size_t)1;
  self->refine_max = round_lanes ((size_t)(span * self->rate) + 3);
  self->depth = (size_t)ceil (c->lookback / c->hop - 1e-9);
  self->depth = AVM_MAX (self->depth,
      (size_t)ceil ((double)self->refine_max / 2.0 / self->hop) + COURSE_SPAN);
  self->n_ring = self->depth + 1 + COURSE_SPAN;
  self->capacity = (size_t)((double)(self->n_ring + 2) * self->hop)
      + 2 * self->window + self->refine_max + BLOCK + 64;
}

/* Plans for other sizes are no faster here and take much longer to make. */
static size_t
power_of_two (size_t n)
{
  size_t size = 64;

  while (size < n)
    size *= 2;
  return size;
}

static bool
allocate (AvmPitch *self)
{
  size_t n = power_of_two (self->window + self->max_lag + 1);

  self->block = avm_alloc (BLOCK + 64, sizeof (float));
  self->buffer = avm_alloc (self->capacity, sizeof (float));
  self->forward = avm_fft_new (n);
  self->inverse = avm_fft_new (2 * n);
  self->energy = avm_alloc (self->window + 1, sizeof (double));
  self->d = avm_alloc (2 * self->max_lag + 3, sizeof (float));
  self->frames = avm_alloc (self->n_ring, sizeof (Frame));
  self->path = avm_alloc (self->n_ring, sizeof (float));
  self->fine = avm_alloc (self->n_ring, sizeof (float));
  self->states = avm_alloc (self->n_ring, sizeof (int));
  self->xw = avm_alloc (self->refine_max, sizeof (float));
  self->xd = avm_alloc (self->refine_max, sizeof (float));
  self->osc_re = avm_alloc (self->refine_max, sizeof (float));
  self->osc_im = avm_alloc (self->refine_max, sizeof (float));
  self->scratch = avm_alloc (2 * self->refine_max, sizeof (float));
  return self->block != NULL && self->buffer != NULL && self->forward != NULL
      && self->inverse != NULL && self->energy != NULL && self->d != NULL
      && self->frames != NULL && self->path != NULL && self->fine != NULL
      && self->states != NULL && self->xw != NULL && self->xd != NULL
      && self->osc_re != NULL && self->osc_im != NULL && self->scratch != NULL;
}

AvmPitch *
avm_pitch_new (const AvmPitchConfig *config, AvmError *error)
{
  AvmPitch *self;
  unsigned factor;

  if (!config_check (config, error))
    return NULL;
  factor = avm_decimator_factor_for (config->rate);
  self = avm_alloc (1, sizeof (AvmPitch));
  if (self == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  self->config = *config;
  self->rate = config->rate / factor;
  self->hop = config->hop * self->rate;
  choose_sizes (self);
  if (self->config.fmin * 2.0 > self->config.fmax) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%g Hz cannot carry a range from %g Hz", config->rate, config->fmin);
    avm_free (self);
    return NULL;
  }
  self->decimator = avm_decimator_new (factor);
  if (self->decimator == NULL || !allocate (self)) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    avm_pitch_free (self);
    return NULL;
  }
  avm_pitch_reset (self);
  return self;
}

void
avm_pitch_free (AvmPitch *self)
{
  if (self == NULL)
    return;
  avm_decimator_free (self->decimator);
  avm_fft_free (self->forward);
  avm_fft_free (self->inverse);
  avm_free (self->block);
  avm_free (self->buffer);
  avm_free (self->energy);
  avm_free (self->d);
  avm_free (self->frames);
  avm_free (self->path);
  avm_free (self->fine);
  avm_free (self->states);
  avm_free (self->xw);
  avm_free (self->xd);
  avm_free (self->osc_re);
  avm_free (self->osc_im);
  avm_free (self->scratch);
  avm_free (self);
}

void
avm_pitch_reset (AvmPitch *self)
{
  avm_decimator_reset (self->decimator);
  /* silence before the first sample, for the windows of the first frames */
  self->fill = AVM_MAX (self->window, self->refine_max);
  memset (self->buffer, 0, self->capacity * sizeof (float));
  self->base = -(int64_t)self->fill;
  self->end = 0;
  self->n_input = 0;
  self->n_analysed = self->n_given = 0;
  self->level = -200.0;
}

double
avm_pitch_latency (const AvmPitch *self)
{
  double lag = avm_decimator_factor (self->decimator) > 1 ? 32.0 : 0.0;

  return ((double)self->window / 2.0 + 1.0 + lag) / self->rate
      + (double)(self->depth + 1) * self->config.hop;
}

size_t
avm_pitch_max_frames (const AvmPitch *self, size_t n)
{
  double ahead = avm_pitch_latency (self);

  return (size_t)(((double)n / self->config.rate + ahead) / self->config.hop)
      + 4;
}

/* -- candidates ---------------------------------------------------------- */

static void
window_energy (AvmPitch *self, const float *x)
{
  double sum = 0.0;

  self->energy[0] = 0.0;
  for (size_t i = 0; i < self->window; i++) {
    sum += (double)x[i] * (double)x[i];
    self->energy[i + 1] = sum;
  }
}

AVM_CLONES static void
power_spectrum (AvmComplex *out, const AvmComplex *in, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    out[i].re = in[i].re * in[i].re + in[i].im * in[i].im;
    out[i].im = 0.0f;
  }
}

/* The autocorrelation at half lags, by an inverse transform of twice the
 * size: short periods need the finer grid. */
static const float *
autocorrelation (AvmPitch *self, const float *x)
{
  size_t n = avm_fft_size (self->forward);
  float *time = avm_fft_time (self->forward);
  AvmComplex *bins = avm_fft_bins (self->inverse);
  double mean = 0.0;

  for (size_t i = 0; i < self->window; i++)
    mean += x[i];
  mean /= (double)self->window;
  for (size_t i = 0; i < self->window; i++)
    time[i] = x[i] - (float)mean;
  memset (time + self->window, 0, (n - self->window) * sizeof (float));
  window_energy (self, time);
  avm_fft_forward (self->forward, NULL, NULL);
  power_spectrum (bins, avm_fft_bins (self->forward), n / 2 + 1);
  memset (bins + n / 2 + 1, 0, (n / 2) * sizeof (AvmComplex));
  avm_fft_inverse (self->inverse, NULL, NULL);
  return avm_fft_time (self->inverse);
}

/* d[k], lag k / 2: difference function of the pairs inside the window, scaled
 * to the same number of pairs, over its running mean. */
static void
difference (AvmPitch *self, const float *r)
{
  size_t n = self->window, n_half = 2 * self->max_lag + 2;
  const double *e = self->energy;
  double sum = 0.0, total = e[n];

  self->d[0] = 1.0f;
  for (size_t k = 1; k <= n_half; k++) {
    size_t lo = k / 2, hi = (k + 1) / 2;
    double head = 0.5 * (e[n - lo] + e[n - hi]);
    double tail = total - 0.5 * (e[lo] + e[hi]);
    /* the longer transform halves the scale of r */
    double d = head + tail - 4.0 * (double)r[k];

    d = AVM_MAX (d, 0.0) * (double)n / ((double)n - 0.5 * (double)k);
    sum += d;
    self->d[k] = sum > 0.0 ? (float)(d * (double)k / sum) : 1.0f;
  }
}

/* Beta (2, 18) distribution function */
static double
beta_cdf (double x)
{
  x = AVM_CLAMP (x, 0.0, 1.0);
  return 1.0 - pow (1.0 - x, 18.0) * (1.0 + 18.0 * x);
}

static void
add_candidate (Frame *frame, double f0, double p)
{
  unsigned i, worst = 0;

  if (frame->n_states < MAX_CANDIDATES) {
    i = frame->n_states++;
  } else {
    for (i = 1; i < frame->n_states; i++)
      if (frame->states[i].log_p < frame->states[worst].log_p)
        worst = i;
    if (frame->states[worst].log_p >= p)
      return;
    i = worst;
  }
  frame->states[i].f0 = (float)f0;
  frame->states[i].refined = 0.0f;
  frame->states[i].log_p = (float)p;
}

/* Every trough that is deeper than all before it is the choice of YIN for the
 * thresholds between it and them. */
static void
find_candidates (AvmPitch *self, Frame *frame)
{
  const float *d = self->d;
  double floor_before = 1.0, deepest_f0 = 0.0, deepest = 2.0;

  for (size_t k = 2 * self->min_lag; k <= 2 * self->max_lag; k++) {
    double offset, depth, f0;

    if (d[k] >= d[k - 1] || d[k] > d[k + 1])
      continue;
    offset = avm_parabolic_offset (d[k - 1], d[k], d[k + 1]);
    depth = d[k] - 0.25 * (d[k - 1] - d[k + 1]) * offset;
    depth = AVM_MAX (depth, 0.0);
    f0 = 2.0 * self->rate / ((double)k + offset);
    if (f0 < self->config.fmin || f0 > self->config.fmax)
      continue;
    if (depth < deepest) {
      deepest = depth;
      deepest_f0 = f0;
    }
    if (depth < floor_before) {
      add_candidate (frame, f0, beta_cdf (floor_before) - beta_cdf (depth));
      floor_before = depth;
    }
  }
  if (deepest_f0 > 0.0)
    add_candidate (frame, deepest_f0, LONELY_TROUGH * beta_cdf (deepest));
}

/* -- path ---------------------------------------------------------------- */

static double
level_probability (AvmPitch *self, double energy)
{
  double level = 10.0 * log10 (energy / (double)self->window + 1e-20);

  self->level -= LEVEL_DECAY * self->config.hop;
  self->level = AVM_MAX (self->level, level);
  if (level < -110.0)
    return 0.0;
  return 1.0 / (1.0 + exp ((self->level - LEVEL_RANGE - level) / LEVEL_SOFT));
}

static void
observe (AvmPitch *self, Frame *frame)
{
  double voiced = 0.0, best = 0.0, loud;

  frame->n_states = 0;
  frame->best = 0.0f;
  loud = level_probability (self, self->energy[self->window]);
  if (loud > 0.0)
    find_candidates (self, frame);
  for (unsigned i = 0; i < frame->n_states; i++) {
    State *s = &frame->states[i];
    double p = (double)s->log_p;

    if (p > best) {
      best = p;
      frame->best = s->f0;
    }
    p = AVM_MAX (p * loud, 1e-6);
    voiced += p;
    s->log_p = (float)log (p);
  }
  voiced = AVM_MIN (voiced, 0.999);
  frame->voicing = (float)voiced;
  frame->states[frame->n_states].f0 = 0.0f;
  frame->states[frame->n_states].log_p = (float)log (1.0 - voiced);
  frame->n_states++;
}

static double
transition_cost (float from, float to)
{
  if (from <= 0.0f && to <= 0.0f)
    return 0.0;
  if (from <= 0.0f || to <= 0.0f)
    return COST_ONSET;
  return AVM_MIN (
      COST_PER_CENT * fabs (avm_cents ((double)to, (double)from)), COST_LEAP);
}

static void
extend_path (const Frame *before, Frame *frame)
{
  double top = -DBL_MAX;

  for (unsigned i = 0; i < frame->n_states; i++) {
    State *s = &frame->states[i];
    double best = before != NULL ? -DBL_MAX : 0.0;

    s->from = 0;
    for (unsigned j = 0; before != NULL && j < before->n_states; j++) {
      double score = (double)before->states[j].score
          - transition_cost (before->states[j].f0, s->f0);

      if (score > best) {
        best = score;
        s->from = (int)j;
      }
    }
    s->score = (float)(best + (double)s->log_p);
    top = AVM_MAX (top, (double)s->score);
  }
  for (unsigned i = 0; i < frame->n_states; i++)
    frame->states[i].score -= (float)top;
}

static Frame *
frame_at (AvmPitch *self, int64_t index)
{
  return &self->frames[index % (int64_t)self->n_ring];
}

static unsigned
best_state (const Frame *frame)
{
  unsigned best = 0;

  for (unsigned i = 1; i < frame->n_states; i++)
    if (frame->states[i].score > frame->states[best].score)
      best = i;
  return best;
}

static const float *
samples_at (AvmPitch *self, int64_t first)
{
  return self->buffer + (first - self->base);
}

static void
analyse (AvmPitch *self)
{
  Frame *frame = frame_at (self, self->n_analysed);
  const float *r;

  frame->centre = (int64_t)llround ((double)self->n_analysed * self->hop);
  r = autocorrelation (
      self, samples_at (self, frame->centre - (int64_t)self->window / 2));
  difference (self, r);
  observe (self, frame);
  extend_path (
      self->n_analysed > 0 ? frame_at (self, self->n_analysed - 1) : NULL,
      frame);
  self->n_analysed++;
}

/* -- refinement ---------------------------------------------------------- */

/* Least squares of frequency over time with 1 to 3 terms, around t = 0. */
static void
fit_course (AvmDemodCourse *course, const double *t, const double *f, size_t n)
{
  double s[5] = {0}, b[3] = {0}, det;

  for (size_t i = 0; i < n; i++) {
    double power = 1.0;

    for (int k = 0; k < 5; k++) {
      s[k] += power;
      if (k < 3)
        b[k] += power * f[i];
      power *= t[i];
    }
  }
  course->f0 = b[0] / s[0];
  course->f1 = course->f2 = 0.0;
  if (n < 3)
    return;
  if (n < 5) {
    det = s[0] * s[2] - s[1] * s[1];
    course->f0 = (b[0] * s[2] - b[1] * s[1]) / det;
    course->f1 = (b[1] * s[0] - b[0] * s[1]) / det;
    return;
  }
  det = s[0] * (s[2] * s[4] - s[3] * s[3]) - s[1] * (s[1] * s[4] - s[2] * s[3])
      + s[2] * (s[1] * s[3] - s[2] * s[2]);
  course->f0 =
      (b[0] * (s[2] * s[4] - s[3] * s[3]) - b[1] * (s[1] * s[4] - s[2] * s[3])
          + b[2] * (s[1] * s[3] - s[2] * s[2]))
      / det;
  course->f1 =
      (s[0] * (b[1] * s[4] - b[2] * s[3]) - s[1] * (b[0] * s[4] - b[2] * s[2])
          + s[2] * (b[0] * s[3] - b[1] * s[2]))
      / det;
  course->f2 = 2.0
      * (s[0] * (s[2] * b[2] - s[3] * b[1]) - s[1] * (s[1] * b[2] - s[3] * b[0])
          + s[2] * (s[1] * b[1] - s[2] * b[0]))
      / det;
}

static bool
same_tone (float a, float b)
{
  return a > 0.0f && b > 0.0f && fabs (avm_cents (a, b)) < 90.0;
}

/* The contour around path[at], which is frame `index`, as far as it is one
 * tone; in units of the refinement window for a sane condition. */
static void
path_course (AvmPitch *self, int64_t index, const float *path, size_t at,
    size_t n_path, AvmDemodCourse *course)
{
  double t[2 * COURSE_SPAN + 1], f[2 * COURSE_SPAN + 1];
  double unit = (double)self->refine_max;
  int64_t centre = frame_at (self, index)->centre;
  size_t n = 0, first = at, last = at;

  while (first > 0 && at - first < COURSE_SPAN
      && same_tone (path[first - 1], path[first]))
    first--;
  while (last + 1 < n_path && last - at < COURSE_SPAN
      && same_tone (path[last + 1], path[last]))
    last++;
  for (size_t i = first; i <= last; i++, n++) {
    int64_t c = frame_at (self, index + (int64_t)i - (int64_t)at)->centre;

    t[n] = (double)(c - centre) / unit;
    f[n] = (double)path[i] / self->rate;
  }
  fit_course (course, t, f, n);
  course->f1 /= unit;
  course->f2 /= unit * unit;
}

/* x times a Hann window of `length` samples about the middle, and times the
 * window's derivative (per sample). */
AVM_CLONES static void
apply_window (const float *x, float *xw, float *xd, const float *osc_re,
    const float *osc_im, size_t n, float slope)
{
  for (size_t i = 0; i < n; i++) {
    xw[i] = x[i] * (0.5f + 0.5f * osc_re[i]);
    xd[i] = x[i] * (slope * osc_im[i]);
  }
}

/* Robust mean of what each harmonic says about the frequency. */
static double
combine (const double *delta, const double *weight, unsigned n, double scale)
{
  double mean = 0.0, sum;

  for (int pass = 0; pass < 4; pass++) {
    double next = 0.0;

    sum = 0.0;
    for (unsigned i = 0; i < n; i++) {
      double u = (delta[i] - mean) / scale;
      double w = pass > 0 ? weight[i] / (1.0 + u * u) : weight[i];

      next += w * delta[i];
      sum += w;
    }
    if (!(sum > 0.0))
      return 0.0;
    mean = next / sum;
  }
  return mean;
}

/* Frequency that is left after demodulation, in cycles per sample. A room
 * disturbs each harmonic in proportion to its own strength, noise does not:
 * the weight is h^2 for the strong ones and falls with the power of the weak.
 */
static double
residual_frequency (
    const AvmComplex *c, const AvmComplex *cd, unsigned n, double f0)
{
  double delta[MAX_HARMONICS], weight[MAX_HARMONICS], top = 0.0;

  for (unsigned h = 0; h < n; h++) {
    double power = (double)c[h].re * c[h].re + (double)c[h].im * c[h].im;
    double cross = (double)cd[h].im * c[h].re - (double)cd[h].re * c[h].im;
    double order = h + 1.0;

    delta[h] = power > 0.0 ? -cross / power / (2.0 * M_PI) / order : 0.0;
    weight[h] = power;
    top = AVM_MAX (top, power);
  }
  for (unsigned h = 0; h < n; h++)
    weight[h] *= (h + 1.0) * (h + 1.0) / (weight[h] + WEAK_HARMONIC * top);
  return combine (delta, weight, n, 0.006 * f0);
}

static double
refine (AvmPitch *self, int64_t index, const AvmDemodCourse *course)
{
  AvmComplex c[MAX_HARMONICS], cd[MAX_HARMONICS];
  AvmDemodCourse hann;
  int64_t centre = frame_at (self, index)->centre;
  double f0 = course->f0, periods, length, shift;
  unsigned n_harmonics;
  size_t half, n;
  const float *x;

  periods = AVM_MAX (round (REFINE_SPAN * self->rate * f0), REFINE_PERIODS);
  length = periods / f0;
  half = (size_t)(length / 2.0);
  n = round_lanes (2 * half + 1);
  if (n > self->refine_max || !(f0 > 0.0))
    return f0;
  n_harmonics = (unsigned)AVM_CLAMP (
      AVM_MIN (REFINE_TOP / self->rate, 0.42) / f0, 1.0, MAX_HARMONICS);
  x = samples_at (self, centre - (int64_t)half);
  hann = (AvmDemodCourse){1.0 / length, 0.0, 0.0};
  avm_demod_oscillator (&hann, -(double)half, n, self->osc_re, self->osc_im);
  apply_window (x, self->xw, self->xd, self->osc_re, self->osc_im, 2 * half + 1,
      (float)(M_PI / length));
  memset (self->xw + 2 * half + 1, 0, (n - 2 * half - 1) * sizeof (float));
  memset (self->xd + 2 * half + 1, 0, (n - 2 * half - 1) * sizeof (float));
  avm_demod_oscillator (course, -(double)half, n, self->osc_re, self->osc_im);
  avm_demod_correlate (self->xw, self->xd, self->osc_re, self->osc_im, n,
      n_harmonics, c, cd, self->scratch);
  shift = residual_frequency (c, cd, n_harmonics, f0);
  if (!(fabs (avm_cents (AVM_MAX (f0 + shift, f0 * 0.5), f0)) < REFINE_LIMIT))
    return f0;
  return f0 + shift;
}

/* -- results ------------------------------------------------------------- */

/* The best path that ends in the newest frame: state and F0 of the frames
 * first .. first + n - 1. */
static void
trace (AvmPitch *self, int64_t first, size_t n)
{
  int state = (int)best_state (frame_at (self, first + (int64_t)n - 1));

  for (size_t i = n; i-- > 0;) {
    Frame *frame = frame_at (self, first + (int64_t)i);

    self->states[i] = state;
    self->path[i] = frame->states[state].f0;
    state = frame->states[state].from;
  }
}

/* Refined F0 of the frames about path[at], into self->fine: once for each
 * candidate, kept in its state. */
static void
refine_around (AvmPitch *self, int64_t first, size_t at, size_t n)
{
  size_t from = at > COURSE_SPAN ? at - COURSE_SPAN : 0;
  AvmDemodCourse course;

  for (size_t i = from; i < n && i <= at + COURSE_SPAN; i++) {
    int64_t index = first + (int64_t)i;
    State *state = &frame_at (self, index)->states[self->states[i]];

    if (state->f0 > 0.0f && state->refined == 0.0f) {
      path_course (self, index, self->path, i, n, &course);
      state->refined = (float)(refine (self, index, &course) * self->rate);
    }
    self->fine[i] = state->f0 > 0.0f ? state->refined : 0.0f;
  }
}

static float
final_f0 (AvmPitch *self, int64_t first, size_t at, size_t n)
{
  size_t from = at > COURSE_SPAN ? at - COURSE_SPAN : 0;
  size_t to = AVM_MIN (n, at + COURSE_SPAN + 1);
  AvmDemodCourse course;

  refine_around (self, first, at, n);
  path_course (self, first + (int64_t)at, self->fine + from, at - from,
      to - from, &course);
  return (float)(refine (self, first + (int64_t)at, &course) * self->rate);
}

/* Gives the oldest frame that was not given yet; the ring holds all newer
 * ones and a few older. */
static void
give (AvmPitch *self, AvmPitchFrame *out)
{
  int64_t first = AVM_MAX (self->n_analysed - (int64_t)self->n_ring, 0);
  size_t n = (size_t)(self->n_analysed - first);
  size_t at = (size_t)(self->n_given - first);
  Frame *frame = frame_at (self, self->n_given);

  trace (self, first, n);
  out->time = (double)self->n_given * self->config.hop;
  out->confidence = frame->voicing;
  out->f0 = self->path[at];
  if (out->f0 > 0.0f)
    out->f0 = final_f0 (self, first, at, n);
  else if (self->config.guess)
    out->f0 = -frame->best;
  self->n_given++;
}

static size_t
advance (AvmPitch *self, AvmPitchFrame *out, int64_t last)
{
  size_t n_out = 0;

  for (;;) {
    double centre = round ((double)self->n_analysed * self->hop);
    int64_t need = (int64_t)centre + (int64_t)self->window / 2 + 1;

    if (need > self->end || self->n_analysed > last)
      break;
    analyse (self);
    if (self->n_analysed - self->n_given > (int64_t)self->depth)
      give (self, out + n_out++);
  }
  return n_out;
}

static void
append (AvmPitch *self, const float *x, size_t n)
{
  if (self->fill + n > self->capacity) {
    int64_t oldest = (self->n_given - COURSE_SPAN) * (int64_t)self->hop;
    int64_t keep =
        oldest - (int64_t)AVM_MAX (self->window, self->refine_max) - 1;
    size_t drop = (size_t)AVM_MAX (keep - self->base, 0);

    memmove (self->buffer, self->buffer + drop,
        (self->fill - drop) * sizeof (float));
    self->fill -= drop;
    self->base += (int64_t)drop;
  }
  if (x != NULL)
    memcpy (self->buffer + self->fill, x, n * sizeof (float));
  else
    memset (self->buffer + self->fill, 0, n * sizeof (float));
  self->fill += n;
  self->end += (int64_t)n;
}

size_t
avm_pitch_do (AvmPitch *self, const float *x, size_t n, AvmPitchFrame *out)
{
  size_t n_out = 0;

  self->n_input += n;
  while (n > 0) {
    size_t chunk = AVM_MIN (n, BLOCK);
    size_t got = avm_decimator_do (self->decimator, x, chunk, self->block);

    append (self, self->block, got);
    n_out += advance (self, out + n_out, INT64_MAX);
    x += chunk;
    n -= chunk;
  }
  return n_out;
}

size_t
avm_pitch_finish (AvmPitch *self, AvmPitchFrame *out)
{
  double seconds = (double)self->n_input / self->config.rate;
  int64_t n_frames = (int64_t)ceil (seconds / self->config.hop - 1e-9);
  size_t n_out;

  append (
      self, self->block, avm_decimator_finish (self->decimator, self->block));
  n_out = advance (self, out, n_frames - 1);
  append (self, NULL, AVM_MAX (self->window, self->refine_max));
  n_out += advance (self, out + n_out, n_frames - 1);
  while (self->n_given < AVM_MIN (n_frames, self->n_analysed))
    give (self, out + n_out++);
  avm_pitch_reset (self);
  return n_out;
}
