/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dsp/avm-scorepitch.h"

#include "dsp/avm-jointfit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- the search in the mixture */
#define GRID_STEP 10.0 /* cents */
#define GRID_HALF 20   /* steps: two semitones */
#define GRID (2 * GRID_HALF + 1)
#define REACH 5             /* steps a contour may move in a frame */
#define MOVE_SD 2.0         /* steps */
#define PRIOR_SD_FIRST 60.0 /* cents about the score, tuning not known */
#define PRIOR_WEIGHT 0.1    /* frames are not independent */
#define PRIOR_FREE 45.0     /* cents */
#define PRIOR_EDGE 10.0     /* cents */
#define PRIOR_SD 50.0       /* cents about the tuned score */
#define EVIDENCE 60.0       /* nats for a voice that is the whole sound */
#define SEARCH_SPAN 0.064   /* s */
#define SEARCH_TOP 4500.0   /* Hz */
#define SEARCH_HARMONICS 15
#define COLLISION 25.0 /* Hz */
#define WEIGHT_FLOOR 0.03

/* -- the joint fit */
#define FIT_SPAN 0.056 /* s */
#define PASSES 5
#define BEFORE 0.02       /* s a note is modelled before its onset */
#define AFTER 0.08        /* s, and after its end: strings ring */
#define COURSE_SPAN 3     /* frames to each side */
#define STRAY 60.0f       /* cents from what the search found */
#define COURSE_FLOOR 3.0  /* cents, sd of the best estimates */
#define SD_UNKNOWN 60.0   /* cents */
#define SD_SURE 8.0       /* cents: confidence 1/2 */
#define SILENT_DB (-34.0) /* below the loudest frame of the note */

static const double pass_top[PASSES] = {1300.0, 2800.0, 5000.0, 6000.0, 6000.0};
static const double pass_step[PASSES] = {45.0, 30.0, 20.0, 15.0, 15.0};

typedef struct {
  double onset, end, nominal; /* s, s, Hz */
  int part;
  int first, n; /* frames of the contour */
  float *cents; /* about nominal */
  float *next;  /* what the running pass finds */
  float *sd;    /* cents */
  float *level;
  float *found; /* cents, what the search found */
  float top;    /* loudest level */
} Note;

struct _AvmScorePitch {
  AvmScorePitchConfig config;
  AvmJointFit *fit;
  size_t half; /* of the fit's window */
  AvmFft *fft;
  size_t search; /* samples of the search window */
  float *search_window;
  float *magnitude;
  float *segment; /* samples about an instant */

  const int16_t *samples;
  size_t n_samples;
  Note *notes; /* by onset */
  size_t n_notes;
  size_t n_frames;
  double tuning;
  double longest;    /* s, of the notes with their margins */
  uint8_t *back;     /* Viterbi pointers of the longest note */
  size_t *row_first; /* first note that may sound, per frame */
};

/* Plans for powers of two are quickly made. */
static size_t
padded_size (size_t n)
{
  size_t size = 64;

  while (size < n)
    size *= 2;
  return size;
}

AvmScorePitch *
avm_scorepitch_new (const AvmScorePitchConfig *config, AvmError *error)
{
  AvmScorePitch *self;

  if (!(config->rate >= 8000.0 && config->rate <= 48000.0
          && config->hop >= 0.002 && config->hop <= 0.05 && config->n_parts >= 1
          && config->n_parts <= 256)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1, "rate %g, hop %g, %u parts",
        config->rate, config->hop, config->n_parts);
    return NULL;
  }
  self = avm_alloc (1, sizeof (AvmScorePitch));
  if (self != NULL) {
    self->config = *config;
    self->half = (size_t)(0.5 * FIT_SPAN * config->rate);
    self->fit = avm_jointfit_new (self->half);
    self->search = (size_t)(SEARCH_SPAN * config->rate) & ~(size_t)1;
    self->fft = avm_fft_new (padded_size (4 * self->search));
    self->search_window = avm_alloc (self->search, sizeof (float));
    self->segment = avm_alloc (
        AVM_MAX (self->search, 2 * self->half + 1) + 64, sizeof (float));
  }
  if (self != NULL && self->fft != NULL)
    self->magnitude =
        avm_alloc (avm_fft_size (self->fft) / 2 + 2, sizeof (float));
  if (self == NULL || self->fit == NULL || self->fft == NULL
      || self->search_window == NULL || self->segment == NULL
      || self->magnitude == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    avm_scorepitch_free (self);
    return NULL;
  }
  for (size_t i = 0; i < self->search; i++)
    self->search_window[i] = (float)(0.5
        - 0.5 * cos (2.0 * M_PI * ((double)i + 0.5) / (double)self->search));
  return self;
}

static void
forget_piece (AvmScorePitch *self)
{
  for (size_t i = 0; i < self->n_notes; i++)
    avm_free (self->notes[i].cents);
  avm_free (self->notes);
  avm_free (self->back);
  avm_free (self->row_first);
  self->notes = NULL;
  self->back = NULL;
  self->row_first = NULL;
  self->n_notes = self->n_frames = 0;
}

void
avm_scorepitch_free (AvmScorePitch *self)
{
  if (self == NULL)
    return;
  forget_piece (self);
  avm_jointfit_free (self->fit);
  avm_fft_free (self->fft);
  avm_free (self->search_window);
  avm_free (self->magnitude);
  avm_free (self->segment);
  avm_free (self);
}

static double
cents_to_ratio (double cents)
{
  return exp2 (cents / 1200.0);
}

/* n samples about an instant as floats; silence outside the piece. */
static const float *
segment_at (AvmScorePitch *self, double time, size_t before, size_t n)
{
  int64_t first = (int64_t)llround (time * self->config.rate) - (int64_t)before;

  for (size_t i = 0; i < n; i++) {
    int64_t at = first + (int64_t)i;
    bool inside = at >= 0 && at < (int64_t)self->n_samples;

    self->segment[i] = inside ? self->samples[at] * (1.0f / 32768.0f) : 0.0f;
  }
  return self->segment;
}

/* -- notes --------------------------------------------------------------- */

static int
compare_notes (const void *a, const void *b)
{
  const Note *na = a, *nb = b;

  if (na->onset != nb->onset)
    return na->onset < nb->onset ? -1 : 1;
  return na->part - nb->part;
}

static bool
take_note (AvmScorePitch *self, const AvmScorePitchNote *in, Note *note)
{
  double hop = self->config.hop, last;

  note->onset = in->onset;
  note->end = in->onset + in->duration;
  note->nominal = avm_midi_to_hz (in->pitch);
  note->part = in->part;
  if (!(in->duration > 0.0 && isfinite (note->end) && in->onset > -1e6
          && note->nominal > 20.0 && note->nominal < 0.2 * self->config.rate))
    return false;
  last = AVM_MIN ((note->end + AFTER) / hop, (double)self->n_frames - 1.0);
  note->first = (int)ceil (AVM_MAX ((note->onset - BEFORE) / hop, 0.0));
  note->n = (int)floor (last) - note->first + 1;
  return last >= 0.0 && note->n > 0;
}

static bool
take_notes (AvmScorePitch *self, const AvmScorePitchNote *in, size_t n)
{
  size_t most = 1;

  self->notes = avm_alloc (AVM_MAX (n, 1), sizeof (Note));
  self->row_first = avm_alloc (self->n_frames + 1, sizeof (size_t));
  if (self->notes == NULL || self->row_first == NULL)
    return false;
  self->longest = 0.0;
  for (size_t i = 0; i < n; i++) {
    Note *note = &self->notes[self->n_notes];

    memset (note, 0, sizeof (Note));
    if (!take_note (self, &in[i], note))
      continue;
    note->cents = avm_alloc (5 * (size_t)note->n, sizeof (float));
    if (note->cents == NULL)
      return false;
    note->next = note->cents + note->n;
    note->sd = note->next + note->n;
    note->level = note->sd + note->n;
    note->found = note->level + note->n;
    most = AVM_MAX (most, (size_t)note->n);
    self->longest = AVM_MAX (self->longest, note->end - note->onset);
    self->n_notes++;
  }
  qsort (self->notes, self->n_notes, sizeof (Note), compare_notes);
  self->back = avm_alloc (most * GRID, 1);
  return self->back != NULL;
}

/* row_first[i]: notes before it have ended before frame i */
static void
index_rows (AvmScorePitch *self)
{
  size_t first = 0;

  for (size_t i = 0; i < self->n_frames; i++) {
    while (first < self->n_notes
        && (size_t)(self->notes[first].first + self->notes[first].n) <= i)
      first++;
    self->row_first[i] = first;
  }
}

static bool
sounds_at (const Note *note, int frame)
{
  return frame >= note->first && frame < note->first + note->n;
}

/* -- search in the mixture ----------------------------------------------- */

/* Square root of the magnitude: loud voices must not drown soft ones. */
AVM_CLONES static void
compress (float *out, const AvmComplex *bins, size_t n, float *sum)
{
  float total = 0.0f;

  for (size_t i = 0; i < n; i++) {
    float power = bins[i].re * bins[i].re + bins[i].im * bins[i].im;

    out[i] = sqrtf (sqrtf (power));
    total += power;
  }
  *sum = total;
}

static float
search_spectrum (AvmScorePitch *self, int frame)
{
  size_t n = avm_fft_size (self->fft);
  float *time = avm_fft_time (self->fft), power;
  const float *x = segment_at (
      self, frame * self->config.hop, self->search / 2, self->search);

  for (size_t i = 0; i < self->search; i++)
    time[i] = x[i] * self->search_window[i];
  memset (time + self->search, 0, (n - self->search) * sizeof (float));
  avm_fft_forward (self->fft, NULL, NULL);
  compress (self->magnitude, avm_fft_bins (self->fft), n / 2 + 1, &power);
  /* root mean square of a bin in the main lobes, compressed as they are */
  return sqrtf (sqrtf (power)) + 1e-9f;
}

static double
frequency_at (const Note *note, int frame)
{
  int i = AVM_CLAMP (frame - note->first, 0, note->n - 1);

  return note->nominal * cents_to_ratio (note->cents[i]);
}

/* How free harmonic `f` of a note is of the harmonics of the other notes that
 * sound in the frame: 1 alone, WEIGHT_FLOOR in unison. */
static double
freedom (AvmScorePitch *self, const Note *note, int frame, double f)
{
  double free = 1.0;

  for (size_t i = self->row_first[frame]; i < self->n_notes; i++) {
    const Note *other = &self->notes[i];
    double g, distance;

    if (other->first > frame)
      break;
    if (other == note || other->part == note->part || !sounds_at (other, frame))
      continue;
    g = frequency_at (other, frame);
    distance = fabs (f - AVM_MAX (round (f / g), 1.0) * g);
    distance = distance * distance;
    free *= distance / (distance + COLLISION * COLLISION);
  }
  return AVM_MAX (free, WEIGHT_FLOOR);
}

static void
evidence (AvmScorePitch *self, const Note *note, int frame, double *score)
{
  double per_bin = (double)avm_fft_size (self->fft) / self->config.rate;
  double nominal = note->nominal * cents_to_ratio (self->tuning);
  double top = AVM_MIN (SEARCH_TOP, 0.42 * self->config.rate);
  int n = (int)AVM_CLAMP (top / nominal, 1.0, SEARCH_HARMONICS);
  double scale = search_spectrum (self, frame), sum = 0.0;

  memset (score, 0, GRID * sizeof (double));
  for (int h = 1; h <= n; h++) {
    double w = freedom (self, note, frame, h * frequency_at (note, frame));

    sum += w;
    for (int c = 0; c < GRID; c++) {
      double f = h * note->nominal
          * cents_to_ratio ((c - GRID_HALF) * GRID_STEP) * per_bin;
      size_t bin = (size_t)f;
      double part = f - (double)bin;

      score[c] += w
          * ((1.0 - part) * self->magnitude[bin]
              + part * self->magnitude[bin + 1]);
    }
  }
  /* few free harmonics are less evidence, but some */
  for (int c = 0; c < GRID; c++)
    score[c] *= EVIDENCE / scale / (sum + 1.0);
}

/* Cost of being `off` cents from the tuned score: next to none where a vibrato
 * may go, steep beyond, where the harmonics of others are. */
static double
prior_cost (double off, double sd)
{
  double near = off / sd;
  double far = AVM_MAX (fabs (off) - PRIOR_FREE, 0.0) / PRIOR_EDGE;

  return PRIOR_WEIGHT * (near * near + far * far);
}

static void
search_note (AvmScorePitch *self, Note *note, double prior_sd)
{
  double score[GRID], before[GRID], now[GRID];
  int best = 0;

  for (int i = 0; i < note->n; i++) {
    evidence (self, note, note->first + i, now);
    for (int c = 0; c < GRID; c++) {
      double off = (c - GRID_HALF) * GRID_STEP - self->tuning;
      double top = i == 0 ? 0.0 : -DBL_MAX;
      int from = c;

      for (int k = AVM_MAX (c - REACH, 0);
           i > 0 && k <= AVM_MIN (c + REACH, GRID - 1); k++) {
        double move = (k - c) / MOVE_SD;
        double s = before[k] - 0.5 * move * move;

        if (s > top) {
          top = s;
          from = k;
        }
      }
      self->back[i * GRID + c] = (uint8_t)from;
      score[c] = top + now[c] - prior_cost (off, prior_sd);
    }
    memcpy (before, score, sizeof (before));
  }
  for (int c = 1; c < GRID; c++)
    if (before[c] > before[best])
      best = c;
  for (int i = note->n - 1; i >= 0; i--) {
    note->next[i] = (float)((best - GRID_HALF) * GRID_STEP);
    best = self->back[i * GRID + best];
  }
}

/* Median of what the notes' middles say. */
static double
estimate_tuning (AvmScorePitch *self)
{
  float *middles = avm_alloc (AVM_MAX (self->n_notes, 1), sizeof (float));
  double tuning = 0.0;

  if (middles == NULL)
    return 0.0;
  for (size_t i = 0; i < self->n_notes; i++) {
    Note *note = &self->notes[i];

    memcpy (note->sd, note->cents, (size_t)note->n * sizeof (float));
    qsort (note->sd, (size_t)note->n, sizeof (float), avm_compare_floats);
    middles[i] = note->sd[note->n / 2];
  }
  qsort (middles, self->n_notes, sizeof (float), avm_compare_floats);
  if (self->n_notes > 0)
    tuning = middles[self->n_notes / 2];
  avm_free (middles);
  return tuning;
}

/* -- joint fit ----------------------------------------------------------- */

/* Weighted least squares line or parabola of cents about frame index i. */
static void
contour_course (
    const Note *note, int i, double *cents, double *slope, double *bend)
{
  double s[5] = {0}, b[3] = {0}, det;
  int first = AVM_MAX (i - COURSE_SPAN, 0);
  int last = AVM_MIN (i + COURSE_SPAN, note->n - 1);

  for (int k = first; k <= last; k++) {
    double sd = AVM_MIN (note->sd[k], SD_UNKNOWN);
    double w = 1.0 / (sd * sd + COURSE_FLOOR * COURSE_FLOOR), t = k - i;

    for (int j = 0; j < 5; j++, w *= t) {
      s[j] += w;
      if (j < 3)
        b[j] += w * note->cents[k];
    }
  }
  *cents = note->cents[i];
  *slope = *bend = 0.0;
  det = s[0] * (s[2] * s[4] - s[3] * s[3]) - s[1] * (s[1] * s[4] - s[2] * s[3])
      + s[2] * (s[1] * s[3] - s[2] * s[2]);
  if (last - first < 4 || !(det > 1e-9 * s[0] * s[2] * s[4]))
    return;
  *cents =
      (b[0] * (s[2] * s[4] - s[3] * s[3]) - b[1] * (s[1] * s[4] - s[2] * s[3])
          + b[2] * (s[1] * s[3] - s[2] * s[2]))
      / det;
  *slope =
      (s[0] * (b[1] * s[4] - b[2] * s[3]) - s[1] * (b[0] * s[4] - b[2] * s[2])
          + s[2] * (b[0] * s[3] - b[1] * s[2]))
      / det;
  *bend = 2.0
      * (s[0] * (s[2] * b[2] - s[3] * b[1]) - s[1] * (s[1] * b[2] - s[3] * b[0])
          + s[2] * (s[1] * b[1] - s[2] * b[0]))
      / det;
}

static void
make_voice (AvmScorePitch *self, const Note *note, int frame, double top,
    AvmJointVoice *voice)
{
  double cents, slope, bend, f0;
  double per_sample = 1.0 / (self->config.hop * self->config.rate);

  contour_course (note, frame - note->first, &cents, &slope, &bend);
  f0 = note->nominal * cents_to_ratio (cents) / self->config.rate;
  slope *= M_LN2 / 1200.0 * per_sample;
  bend *= M_LN2 / 1200.0 * per_sample * per_sample;
  voice->course.f0 = f0;
  voice->course.f1 = f0 * slope;
  voice->course.f2 = f0 * (bend + slope * slope);
  top = AVM_MIN (top / self->config.rate, 0.42);
  voice->n_harmonics =
      (unsigned)AVM_CLAMP (top / f0, 1.0, AVM_JOINTFIT_MAX_HARMONICS);
}

static void
take_voice (AvmScorePitch *self, Note *note, int frame, double step,
    const AvmJointVoice *voice)
{
  int i = frame - note->first;
  double f0 = voice->course.f0 * self->config.rate / note->nominal;
  double cents = 1200.0 * log2 (f0);
  double shift = voice->shift / voice->course.f0 * (1200.0 / M_LN2);
  double sd = voice->sd / voice->course.f0 * (1200.0 / M_LN2);

  shift = isfinite (shift) ? AVM_CLAMP (shift, -step, step) : 0.0;
  note->next[i] = AVM_CLAMP (
      (float)(cents + shift), note->found[i] - STRAY, note->found[i] + STRAY);
  note->sd[i] = (float)AVM_MIN (sd, 1e4);
  note->level[i] = (float)voice->level;
}

static void
fit_frame (AvmScorePitch *self, int frame, double top, double step)
{
  AvmJointVoice voices[AVM_JOINTFIT_MAX_VOICES];
  Note *sounding[AVM_JOINTFIT_MAX_VOICES];
  unsigned n = 0;

  for (size_t i = self->row_first[frame];
       i < self->n_notes && n < AVM_JOINTFIT_MAX_VOICES; i++) {
    Note *note = &self->notes[i];

    if (note->first > frame)
      break;
    if (!sounds_at (note, frame))
      continue;
    make_voice (self, note, frame, top, &voices[n]);
    sounding[n++] = note;
  }
  if (n == 0)
    return;
  avm_jointfit_do (self->fit,
      segment_at (
          self, frame * self->config.hop, self->half, 2 * self->half + 1),
      voices, n);
  for (unsigned i = 0; i < n; i++)
    take_voice (self, sounding[i], frame, step, &voices[i]);
}

static void
adopt_next (AvmScorePitch *self)
{
  for (size_t i = 0; i < self->n_notes; i++)
    memcpy (self->notes[i].cents, self->notes[i].next,
        (size_t)self->notes[i].n * sizeof (float));
}

/* -- driver -------------------------------------------------------------- */

typedef struct {
  AvmScorePitchProgress call;
  void *user;
  double done, all;
} Progress;

static bool
proceed (Progress *progress, double work)
{
  progress->done += work;
  return progress->call == NULL
      || progress->call (
          progress->user, AVM_MIN (progress->done / progress->all, 1.0));
}

static bool
search_all (AvmScorePitch *self, double prior_sd, Progress *progress)
{
  for (size_t i = 0; i < self->n_notes; i++) {
    search_note (self, &self->notes[i], prior_sd);
    if ((i & 15) == 15 && !proceed (progress, 16.0 / (double)self->n_notes))
      return false;
  }
  adopt_next (self);
  return true;
}

static bool
fit_all (AvmScorePitch *self, int pass, Progress *progress)
{
  for (size_t i = 0; i < self->n_frames; i++) {
    fit_frame (self, (int)i, pass_top[pass], pass_step[pass]);
    if ((i & 255) == 255 && !proceed (progress, 256.0 / (double)self->n_frames))
      return false;
  }
  adopt_next (self);
  return true;
}

static void
start_contours (AvmScorePitch *self, double cents, double sd)
{
  for (size_t i = 0; i < self->n_notes; i++)
    for (int k = 0; k < self->notes[i].n; k++) {
      self->notes[i].cents[k] = (float)cents;
      self->notes[i].sd[k] = (float)sd;
    }
}

static void
keep_found (AvmScorePitch *self)
{
  for (size_t i = 0; i < self->n_notes; i++)
    for (int k = 0; k < self->notes[i].n; k++) {
      self->notes[i].found[k] = self->notes[i].cents[k];
      self->notes[i].sd[k] = (float)GRID_STEP;
    }
}

static void
find_tops (AvmScorePitch *self)
{
  for (size_t i = 0; i < self->n_notes; i++) {
    Note *note = &self->notes[i];

    note->top = 0.0f;
    for (int k = 0; k < note->n; k++)
      note->top = AVM_MAX (note->top, note->level[k]);
  }
}

static bool
analyse_piece (AvmScorePitch *self, Progress *progress)
{
  bool known = isfinite (self->config.tuning);

  self->tuning = known ? AVM_CLAMP (self->config.tuning, -150.0, 150.0) : 0.0;
  start_contours (self, self->tuning, GRID_STEP);
  if (!search_all (self, known ? PRIOR_SD : PRIOR_SD_FIRST, progress))
    return false;
  if (!known)
    self->tuning = estimate_tuning (self);
  if (!search_all (self, PRIOR_SD, progress))
    return false;
  keep_found (self);
  for (int pass = 0; pass < PASSES; pass++)
    if (!fit_all (self, pass, progress))
      return false;
  find_tops (self);
  return true;
}

bool
avm_scorepitch_do (AvmScorePitch *self, const int16_t *samples, size_t n,
    const AvmScorePitchNote *notes, size_t n_notes,
    AvmScorePitchProgress progress, void *user, AvmError *error)
{
  Progress state = {progress, user, 0.0, 2.0 + PASSES};

  forget_piece (self);
  for (size_t i = 0; i < n_notes; i++)
    if (notes[i].part < 0 || notes[i].part >= (int)self->config.n_parts)
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)i,
          "note %zu: part %d of %u", i, notes[i].part, self->config.n_parts);
  self->samples = samples;
  self->n_samples = n;
  self->n_frames =
      (size_t)ceil ((double)n / self->config.rate / self->config.hop - 1e-9);
  if (!take_notes (self, notes, n_notes)) {
    forget_piece (self);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
  }
  index_rows (self);
  if (!analyse_piece (self, &state)) {
    forget_piece (self);
    return avm_error_set (error, AVM_ERROR_CANCELLED, -1, "cancelled");
  }
  self->samples = NULL;
  return true;
}

size_t
avm_scorepitch_n_frames (const AvmScorePitch *self)
{
  return self->n_frames;
}

double
avm_scorepitch_tuning (const AvmScorePitch *self)
{
  return self->tuning;
}

static double
confidence_at (const Note *note, int frame)
{
  int i = frame - note->first;
  double sd = note->sd[i] / SD_SURE, level = note->level[i];

  if (!(level > note->top * pow (10.0, SILENT_DB / 20.0)))
    return 0.0;
  return 1.0 / (1.0 + sd * sd);
}

void
avm_scorepitch_row (const AvmScorePitch *self, size_t i, float *row)
{
  unsigned n_parts = self->config.n_parts;
  double time = (double)i * self->config.hop;

  memset (row, 0, 2 * n_parts * sizeof (float));
  for (size_t k = self->row_first[i]; k < self->n_notes; k++) {
    const Note *note = &self->notes[k];
    float *f0 = &row[note->part], *confidence = &row[n_parts + note->part];
    double sure;

    if (note->first > (int)i)
      break;
    if (!sounds_at (note, (int)i) || time < note->onset || time >= note->end)
      continue;
    sure = confidence_at (note, (int)i);
    if (*f0 != 0.0f && sure <= (double)*confidence)
      continue;
    *f0 = sure > 0.0 ? (float)frequency_at (note, (int)i) : NAN;
    *confidence = (float)sure;
  }
}
