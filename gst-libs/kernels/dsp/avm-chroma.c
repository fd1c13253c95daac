/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-chroma.h"
#include "dsp/avm-fft.h"
#include "avm-dsp-orc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PERIODS 34.0
#define LONGEST 0.3715 /* s; 16384 samples at 44.1 kHz */
#define SHORTEST 0.04  /* s */
#define TUNING_SECONDS 20.0
#define TUNING_LOWEST 100.0   /* Hz */
#define TUNING_HIGHEST 2000.0 /* Hz */
#define TUNING_RANGE 1e-2f    /* peaks down to this part of the largest */
#define STEPS_PER_BEL 20.0    /* half decibels */
#define FULL_SCALE 220.0
#define SILENCE 20 /* -100 dB */

/* features */
#define COMPRESSION 300.0     /* energy over reference before the log */
#define REFERENCE_SECONDS 1.5 /* to each side */
#define REFERENCE_RANGE 90    /* half decibels under the loudest */
#define FLOOR_CHROMA 0.6f     /* makes silence all alike */
#define ONSET_SECONDS 0.4     /* to each side */
#define ONSET_FLOOR 4.0f      /* norm of an onset that counts as such */
#define DECAY_SECONDS 0.2

/* score */
#define HARMONICS 12
#define SCORE_BLOCK 2048
#define SLOPE 1.6      /* energy falls with this power */
#define DECAY_TIME 2.0 /* s, amplitude to 1/e */

typedef struct {
  size_t first, n, at; /* bins; where its weights begin */
} Filter;

struct _AvmPitchgram {
  double sample_rate, rate, tuning;
  bool from_score, tuned, finished;

  AvmFft *fft;
  size_t size;   /* of a frame */
  float *window; /* for the tuning */
  Filter filters[AVM_N_PITCHES];
  AvmComplex *weights;
  size_t n_weights;

  float *held; /* samples from stream position `position` */
  size_t n_held, capacity;
  uint64_t position; /* of held[0], half a frame of zeros first */
  uint64_t n_pushed;
  uint64_t loud; /* samples with sound while not tuned */

  uint8_t *frames;
  size_t n_frames, frames_capacity;
};

size_t
avm_mix_down_f32 (const float *in, size_t n_frames, size_t channels, float *out)
{
  size_t bad = 0;

  for (size_t i = 0; i < n_frames; i++) {
    float sum = 0.0f;

    for (size_t c = 0; c < channels; c++) {
      float x = in[i * channels + c];

      if (fabsf (x) < 1e4f)
        sum += x;
      else
        bad++;
    }
    out[i] = sum / (float)channels;
  }
  return bad;
}

void
avm_mix_down_s16 (
    const int16_t *in, size_t n_frames, size_t channels, float *out)
{
  float scale = 1.0f / (32768.0f * (float)channels);

  if (channels == 1) {
    avm_dsp_orc_s16_to_f32 (out, in, scale, (int)n_frames);
    return;
  }
  for (size_t i = 0; i < n_frames; i++) {
    int32_t sum = 0;

    for (size_t c = 0; c < channels; c++)
      sum += in[i * channels + c];
    out[i] = (float)sum * scale;
  }
}

double
avm_pitch_window (double midi)
{
  return AVM_CLAMP (PERIODS / avm_midi_to_hz (midi), SHORTEST, LONGEST);
}

static bool
reserve (void **array, size_t n, size_t *capacity, size_t size)
{
  size_t wanted = AVM_MAX (*capacity, 1024);
  void *grown;

  if (n <= *capacity)
    return true;
  while (wanted < n)
    wanted += wanted / 2;
  grown = realloc (*array, wanted * size);
  if (grown == NULL)
    return false;
  *array = grown;
  *capacity = wanted;
  return true;
}

static uint8_t *
add_frame (AvmPitchgram *gram)
{
  if (!reserve ((void **)&gram->frames, (gram->n_frames + 1) * AVM_N_PITCHES,
          &gram->frames_capacity, 1))
    return NULL;
  return gram->frames + gram->n_frames++ * AVM_N_PITCHES;
}

static uint8_t
quantise (double energy)
{
  double value = FULL_SCALE + STEPS_PER_BEL * log10 (energy + 1e-30);

  return (uint8_t)AVM_CLAMP (lrint (value), 0, 255);
}

float
avm_pitchgram_amplitude (uint8_t value)
{
  return value == 0
      ? 0.0f
      : (float)pow (10.0, (value - FULL_SCALE) / (2.0 * STEPS_PER_BEL));
}

/* -- filters -------------------------------------------------------------- */

/* The spectrum of a windowed exponential about the centre of the frame, by
 * one transform of its cosine and one of its sine part. */
static void
transform_filter (
    AvmPitchgram *gram, double hz, double seconds, AvmComplex *kernel)
{
  double omega = 2.0 * M_PI * hz / gram->sample_rate, sum = 0.0;
  double half =
      AVM_MIN (seconds * gram->sample_rate / 2.0, (double)gram->size / 2.0);
  float *time = avm_fft_time (gram->fft);
  size_t n_bins = gram->size / 2 + 1;

  for (int part = 0; part < 2; part++) {
    sum = 0.0;
    for (size_t i = 0; i < gram->size; i++) {
      double t = (double)i - (double)(gram->size / 2);
      double w = fabs (t) < half ? 0.5 + 0.5 * cos (M_PI * t / half) : 0.0;

      sum += w;
      time[i] = (float)(w * (part == 0 ? cos (omega * t) : sin (omega * t)));
    }
    avm_fft_forward (gram->fft, NULL, NULL);
    for (size_t k = 0; k < n_bins; k++) {
      AvmComplex bin = avm_fft_bins (gram->fft)[k];

      if (part == 0) {
        kernel[k] = bin;
      } else {
        /* conjugate of cosine + i sine, for the sum over bins times bins of
         * the signal; a sine of amplitude a gives a */
        float re = kernel[k].re - bin.im, im = kernel[k].im + bin.re;
        float scale = (float)(2.0 / (sum * (double)gram->size));

        kernel[k].re = re * scale;
        kernel[k].im = -im * scale;
      }
    }
  }
}

static bool
keep_filter (
    AvmPitchgram *gram, int pitch, const AvmComplex *kernel, size_t *capacity)
{
  size_t n_bins = gram->size / 2 + 1, first = n_bins, last = 0;
  Filter *filter = &gram->filters[pitch];
  float most = 0.0f;

  for (size_t k = 0; k < n_bins; k++)
    most = fmaxf (most, hypotf (kernel[k].re, kernel[k].im));
  for (size_t k = 0; k < n_bins; k++) {
    if (hypotf (kernel[k].re, kernel[k].im) > 1e-3f * most) {
      first = AVM_MIN (first, k);
      last = k;
    }
  }
  filter->first = first;
  filter->n = last + 1 - first;
  filter->at = gram->n_weights;
  if (!reserve ((void **)&gram->weights, gram->n_weights + filter->n, capacity,
          sizeof (AvmComplex)))
    return false;
  memcpy (gram->weights + filter->at, kernel + first,
      filter->n * sizeof (AvmComplex));
  gram->n_weights += filter->n;
  return true;
}

static bool
make_filters (AvmPitchgram *gram)
{
  AvmComplex *kernel = avm_alloc (gram->size / 2 + 1, sizeof (AvmComplex));
  size_t capacity = 0;
  bool ok = kernel != NULL;

  for (int pitch = 0; ok && pitch < AVM_N_PITCHES; pitch++) {
    double midi = AVM_PITCH_LOW + pitch;
    double hz = avm_midi_to_hz (midi + gram->tuning / 100.0);

    if (hz > 0.45 * gram->sample_rate)
      break;
    transform_filter (gram, hz, avm_pitch_window (midi), kernel);
    ok = keep_filter (gram, pitch, kernel, &capacity);
  }
  avm_free (kernel);
  return ok;
}

AVM_CLONES
static float
filter_energy (const AvmComplex *bins, const AvmComplex *weights, size_t n)
{
  float re = 0.0f, im = 0.0f;

  for (size_t k = 0; k < n; k++) {
    re += bins[k].re * weights[k].re - bins[k].im * weights[k].im;
    im += bins[k].re * weights[k].im + bins[k].im * weights[k].re;
  }
  return re * re + im * im;
}

/* -- tuning --------------------------------------------------------------- */

/* Adds the peaks of one frame as vectors of a circle that is a semitone. */
static void
add_peaks (AvmPitchgram *gram, const float *samples, double *x, double *y)
{
  float *time = avm_fft_time (gram->fft), most = 0.0f;
  AvmComplex *bins = avm_fft_bins (gram->fft);
  double bin_hz = gram->sample_rate / (double)gram->size;
  size_t lo = (size_t)(TUNING_LOWEST / bin_hz) + 1;
  size_t hi = AVM_MIN ((size_t)(TUNING_HIGHEST / bin_hz), gram->size / 2 - 2);

  avm_dsp_orc_mul_f32 (time, samples, gram->window, (int)gram->size);
  avm_fft_forward (gram->fft, NULL, NULL);
  for (size_t k = lo - 1; k <= hi + 1; k++) {
    bins[k].re = hypotf (bins[k].re, bins[k].im);
    most = fmaxf (most, bins[k].re);
  }
  for (size_t k = lo; k <= hi; k++) {
    float before = bins[k - 1].re, here = bins[k].re, after = bins[k + 1].re;
    double hz, phase;

    if (here <= before || here < after || here < TUNING_RANGE * most)
      continue;
    hz = bin_hz
        * ((double)k
            + avm_parabolic_offset (
                log (before + 1e-12), log (here + 1e-12), log (after + 1e-12)));
    phase = 2.0 * M_PI * avm_hz_to_midi (hz);
    *x += sqrt (here) * cos (phase);
    *y += sqrt (here) * sin (phase);
  }
}

static void
estimate_tuning (AvmPitchgram *gram)
{
  double x = 0.0, y = 0.0;

  for (size_t at = 0; at + gram->size <= gram->n_held; at += gram->size / 2)
    add_peaks (gram, gram->held + at, &x, &y);
  gram->tuning = x == 0.0 && y == 0.0 ? 0.0 : atan2 (y, x) / (2 * M_PI) * 100.0;
}

/* -- streaming ------------------------------------------------------------ */

AvmPitchgram *
avm_pitchgram_new (double sample_rate, double feature_rate, double tuning)
{
  AvmPitchgram *gram;

  if (!(sample_rate >= 4000.0) || !(sample_rate <= 400000.0)
      || !(feature_rate >= 5.0) || !(feature_rate <= 400.0))
    return NULL;
  gram = avm_alloc (1, sizeof (AvmPitchgram));
  if (gram == NULL)
    return NULL;
  gram->sample_rate = sample_rate;
  gram->rate = feature_rate;
  gram->size = avm_fft_good_size ((size_t)(LONGEST * sample_rate));
  gram->fft = avm_fft_new (gram->size);
  gram->window = avm_alloc (gram->size, sizeof (float));
  gram->n_held = gram->size / 2;
  if (gram->fft == NULL || gram->window == NULL
      || !reserve (
          (void **)&gram->held, gram->n_held, &gram->capacity, sizeof (float)))
    goto failed;
  memset (gram->held, 0, gram->n_held * sizeof (float));
  for (size_t i = 0; i < gram->size; i++)
    gram->window[i] =
        (float)(0.5 - 0.5 * cos (2.0 * M_PI * (double)i / (double)gram->size));
  gram->tuned = !isnan (tuning);
  gram->tuning = gram->tuned ? tuning : 0.0;
  if (gram->tuned && !make_filters (gram))
    goto failed;
  return gram;

failed:
  avm_pitchgram_free (gram);
  return NULL;
}

void
avm_pitchgram_free (AvmPitchgram *gram)
{
  if (gram == NULL)
    return;
  avm_fft_free (gram->fft);
  avm_free (gram->window);
  free (gram->weights);
  free (gram->held);
  free (gram->frames);
  avm_free (gram);
}

static bool
analyse_frame (AvmPitchgram *gram, const float *samples)
{
  const AvmComplex *bins = avm_fft_bins (gram->fft);
  uint8_t *frame = add_frame (gram);

  if (frame == NULL)
    return false;
  avm_fft_forward (gram->fft, samples, NULL);
  for (int pitch = 0; pitch < AVM_N_PITCHES; pitch++) {
    const Filter *filter = &gram->filters[pitch];

    frame[pitch] = filter->n == 0
        ? 0
        : quantise (filter_energy (
            bins + filter->first, gram->weights + filter->at, filter->n));
  }
  return true;
}

/* Stream position (with half a frame of zeros before) where a frame begins. */
static uint64_t
frame_begin (const AvmPitchgram *gram, size_t i)
{
  return (uint64_t)llrint ((double)i * gram->sample_rate / gram->rate);
}

static bool
analyse_held (AvmPitchgram *gram)
{
  uint64_t end = gram->position + gram->n_held, next;

  for (;;) {
    next = frame_begin (gram, gram->n_frames);
    if (next + gram->size > end)
      break;
    if (!analyse_frame (gram, gram->held + (next - gram->position)))
      return false;
  }
  next = AVM_MIN (next, end);
  gram->n_held = (size_t)(end - next);
  memmove (gram->held, gram->held + (next - gram->position),
      gram->n_held * sizeof (float));
  gram->position = next;
  return true;
}

static bool
hold (AvmPitchgram *gram, const float *samples, size_t n)
{
  if (!reserve ((void **)&gram->held, gram->n_held + n, &gram->capacity,
          sizeof (float)))
    return false;
  if (samples != NULL)
    memcpy (gram->held + gram->n_held, samples, n * sizeof (float));
  else
    memset (gram->held + gram->n_held, 0, n * sizeof (float));
  gram->n_held += n;
  return true;
}

static bool
tune (AvmPitchgram *gram)
{
  gram->tuned = true;
  estimate_tuning (gram);
  return make_filters (gram);
}

bool
avm_pitchgram_push (AvmPitchgram *gram, const float *samples, size_t n)
{
  const double whole = TUNING_SECONDS * gram->sample_rate;
  /* pieces, so that what is held does not depend on how it is pushed */
  const size_t piece = gram->size / 2;

  if (gram->from_score || gram->finished)
    return false;
  gram->n_pushed += n;
  while (n > 0) {
    size_t part = AVM_MIN (n, piece);

    if (!hold (gram, samples, part))
      return false;
    for (size_t i = 0; !gram->tuned && i < part; i++)
      gram->loud += fabsf (samples[i]) > 1e-4f;
    /* in the end silence is not waited out either */
    if (!gram->tuned
        && ((double)gram->loud >= whole || (double)gram->n_held >= 6.0 * whole)
        && !tune (gram))
      return false;
    if (gram->tuned && !analyse_held (gram))
      return false;
    samples += part;
    n -= part;
  }
  return true;
}

bool
avm_pitchgram_finish (AvmPitchgram *gram)
{
  size_t n_frames =
      (size_t)((double)gram->n_pushed * gram->rate / gram->sample_rate);

  if (gram->from_score || gram->finished)
    return true;
  gram->finished = true;
  if (!hold (gram, NULL, gram->size) || (!gram->tuned && !tune (gram))
      || !analyse_held (gram))
    return false;
  gram->n_frames = AVM_MIN (gram->n_frames, n_frames);
  free (gram->held);
  gram->held = NULL;
  gram->n_held = gram->capacity = 0;
  return true;
}

size_t
avm_pitchgram_n_frames (const AvmPitchgram *gram)
{
  return gram->n_frames;
}

double
avm_pitchgram_rate (const AvmPitchgram *gram)
{
  return gram->rate;
}

double
avm_pitchgram_tuning (const AvmPitchgram *gram)
{
  return gram->tuning;
}

const uint8_t *
avm_pitchgram_frame (const AvmPitchgram *gram, size_t i)
{
  return gram->frames + i * AVM_N_PITCHES;
}

static uint8_t
loudest (const uint8_t *frame)
{
  uint8_t most = 0;

  for (int pitch = 0; pitch < AVM_N_PITCHES; pitch++)
    most = AVM_MAX (most, frame[pitch]);
  return most;
}

bool
avm_pitchgram_active (
    const AvmPitchgram *gram, double range, size_t *first, size_t *end)
{
  int most = 0, least;

  for (size_t i = 0; i < gram->n_frames; i++)
    most = AVM_MAX (most, loudest (avm_pitchgram_frame (gram, i)));
  *first = *end = 0;
  if (most < SILENCE)
    return false;
  least = AVM_MAX (most - (int)(2.0 * range), SILENCE);
  for (size_t i = 0; i < gram->n_frames; i++) {
    if (loudest (avm_pitchgram_frame (gram, i)) < least)
      continue;
    if (*end == 0)
      *first = i;
    *end = i + 1;
  }
  return true;
}

/* -- score ---------------------------------------------------------------- */

/* Share of a Hann window of length w that lies after t seconds before its
 * centre: what a filter makes of a tone that began t seconds ago. */
static double
ramp (double t, double w)
{
  double x = AVM_CLAMP (t / w, -0.5, 0.5);

  return 0.5 + x + sin (2.0 * M_PI * x) / (2.0 * M_PI);
}

/* Energies of some frames at a time: as floats, those of a whole piece would
 * be most of the memory that an alignment takes. */
typedef struct {
  float energy[SCORE_BLOCK * AVM_N_PITCHES];
  size_t first, n; /* frames */
  double rate, lead, scale;
  int transposition;
} ScoreBlock;

static void
add_tone (
    ScoreBlock *block, double midi, double onset, double offset, double level)
{
  int pitch = (int)lrint (midi) - AVM_PITCH_LOW;
  double w = avm_pitch_window (midi), rate = block->rate;
  double least = (double)block->first, most = least + (double)block->n;
  size_t first = (size_t)AVM_CLAMP (ceil ((onset - w / 2) * rate), least, most);
  size_t end = (size_t)AVM_CLAMP ((offset + w / 2) * rate, least, most);

  if (pitch < 0 || pitch >= AVM_N_PITCHES)
    return;
  for (size_t i = first; i < end; i++) {
    double t = (double)i / rate;
    double amplitude = ramp (t - onset, w) * ramp (offset - t, w)
        * exp (-AVM_MAX (t - onset, 0.0) / DECAY_TIME);

    block->energy[(i - block->first) * AVM_N_PITCHES + (size_t)pitch] +=
        (float)(level * amplitude * amplitude);
  }
}

static void
add_note (ScoreBlock *block, const AvmNote *note)
{
  double onset = block->lead + block->scale * note->onset;
  double offset = onset + AVM_MAX (block->scale * note->duration, 0.05);
  double level = 0.01 * pow (note->velocity / 127.0, 0.7);
  double begin = (double)block->first / block->rate;
  double end = begin + (double)block->n / block->rate;

  if (onset - LONGEST > end || offset + LONGEST < begin)
    return;
  for (int h = 1; h <= HARMONICS; h++)
    add_tone (block, note->pitch + block->transposition + 12.0 * log2 (h),
        onset, offset, level * pow (h, -SLOPE));
}

static void
fill_block (AvmPitchgram *gram, const AvmScore *score, ScoreBlock *block)
{
  uint8_t *out = gram->frames + block->first * AVM_N_PITCHES;
  size_t n_values = block->n * AVM_N_PITCHES;

  memset (block->energy, 0, n_values * sizeof (float));
  for (size_t i = 0; i < score->n_notes; i++) {
    if (score->parts[score->notes[i].part].channel != 9)
      add_note (block, &score->notes[i]);
  }
  for (size_t i = 0; i < n_values; i++)
    out[i] = quantise (block->energy[i]);
}

AvmPitchgram *
avm_pitchgram_new_from_score (const AvmScore *score, double feature_rate,
    double lead, double scale, double tail, int transposition)
{
  double seconds = lead + scale * score->duration + tail;
  size_t n_frames = (size_t)AVM_MAX (ceil (seconds * feature_rate), 1.0);
  AvmPitchgram *gram;
  ScoreBlock *block;

  if (!(scale > 0.0) || !(seconds * feature_rate < 1e8))
    return NULL;
  gram = avm_alloc (1, sizeof (AvmPitchgram));
  block = avm_alloc (1, sizeof (ScoreBlock));
  if (gram == NULL || block == NULL
      || !reserve ((void **)&gram->frames, n_frames * AVM_N_PITCHES,
          &gram->frames_capacity, 1)) {
    avm_pitchgram_free (gram);
    avm_free (block);
    return NULL;
  }
  gram->rate = block->rate = feature_rate;
  gram->from_score = gram->tuned = gram->finished = true;
  gram->n_frames = n_frames;
  block->lead = lead;
  block->scale = scale;
  block->transposition = transposition;
  for (size_t first = 0; first < n_frames; first += SCORE_BLOCK) {
    block->first = first;
    block->n = AVM_MIN (n_frames - first, SCORE_BLOCK);
    fill_block (gram, score, block);
  }
  avm_free (block);
  return gram;
}

/* -- features ------------------------------------------------------------- */

/* Running maximum over radius values to both sides (van Herk would do it in
 * three comparisons; frames are few, the plain way is fast enough). */
static void
spread_maximum (const uint8_t *in, uint8_t *out, size_t n, size_t radius)
{
  for (size_t i = 0; i < n; i++) {
    size_t a = i > radius ? i - radius : 0, b = AVM_MIN (i + radius + 1, n);
    uint8_t most = 0;

    for (size_t k = a; k < b; k++)
      most = AVM_MAX (most, in[k]);
    out[i] = most;
  }
}

/* The level that a frame is compared with: the loudest around it, so that
 * quiet passages count like loud ones, but noise does not. */
static uint8_t *
make_references (const AvmPitchgram *gram)
{
  size_t n = gram->n_frames;
  uint8_t *own = avm_alloc (n, 1), *around = avm_alloc (n, 1), most = 0;

  if (own != NULL && around != NULL) {
    for (size_t i = 0; i < n; i++) {
      own[i] = loudest (avm_pitchgram_frame (gram, i));
      most = AVM_MAX (most, own[i]);
    }
    spread_maximum (own, around, n, (size_t)(REFERENCE_SECONDS * gram->rate));
    for (size_t i = 0; i < n; i++)
      around[i] = (uint8_t)AVM_MAX (
          around[i], AVM_MAX (most - REFERENCE_RANGE, SILENCE + 40));
  } else {
    avm_free (around);
    around = NULL;
  }
  avm_free (own);
  return around;
}

/* Compressed energy by half decibels under the reference */
static void
make_table (float table[256])
{
  for (int i = 0; i < 256; i++)
    table[i] =
        (float)log1p (COMPRESSION * pow (10.0, -(double)i / STEPS_PER_BEL));
}

static void
normalise (float *chroma)
{
  float norm = 0.0f;

  for (int c = 0; c < 12; c++) {
    chroma[c] += FLOOR_CHROMA;
    norm += chroma[c] * chroma[c];
  }
  norm = 1.0f / sqrtf (norm);
  for (int c = 0; c < 12; c++)
    chroma[c] *= norm;
}

static inline float
compressed (const float table[256], uint8_t value, uint8_t reference)
{
  return value == 0 ? 0.0f : table[AVM_CLAMP (reference - value, 0, 255)];
}

static void
add_chroma (const AvmPitchgram *gram, size_t i, uint8_t reference,
    const float table[256], float *chroma)
{
  const uint8_t *frame = avm_pitchgram_frame (gram, i);

  for (int pitch = 0; pitch < AVM_N_PITCHES; pitch++)
    chroma[(AVM_PITCH_LOW + pitch) % 12] +=
        compressed (table, frame[pitch], reference);
}

/* How much louder a frame's chroma are a frame later than a frame earlier */
static void
make_rises (const AvmPitchgram *gram, const uint8_t *references,
    const float table[256], float *rises)
{
  /* 40 ms between the two, whatever the rate */
  size_t reach = (size_t)AVM_MAX (lrint (0.02 * gram->rate), 1);

  for (size_t i = reach; i + reach < gram->n_frames; i++) {
    const uint8_t *before = avm_pitchgram_frame (gram, i - reach);
    const uint8_t *after = avm_pitchgram_frame (gram, i + reach);

    for (int pitch = 0; pitch < AVM_N_PITCHES; pitch++) {
      float rise = compressed (table, after[pitch], references[i])
          - compressed (table, before[pitch], references[i]);

      rises[i * 12 + (size_t)(AVM_PITCH_LOW + pitch) % 12] +=
          fmaxf (rise, 0.0f);
    }
  }
}

static bool
is_peak (const float *rises, size_t n, size_t i, int c)
{
  float here = rises[i * 12 + (size_t)c];

  return here > 0.0f && (i == 0 || here > rises[(i - 1) * 12 + (size_t)c])
      && (i + 1 >= n || here >= rises[(i + 1) * 12 + (size_t)c]);
}

/* Peaks over the strongest onset around them, then decaying copies */
static void
make_onsets (const float *rises, size_t n, double rate, AvmFeatures *features,
    float *norms)
{
  size_t radius = (size_t)(ONSET_SECONDS * rate);
  size_t n_decay = (size_t)AVM_MAX (lrint (DECAY_SECONDS * rate), 1);

  for (size_t i = 0; i < n; i++) {
    norms[i] = 0.0f;
    for (int c = 0; c < 12; c++) {
      float rise = is_peak (rises, n, i, c) ? rises[i * 12 + (size_t)c] : 0.0f;

      norms[i] += rise * rise;
    }
    norms[i] = sqrtf (norms[i]);
  }
  for (size_t i = 0; i < n; i++) {
    size_t a = i > radius ? i - radius : 0, b = AVM_MIN (i + radius + 1, n);
    float most = ONSET_FLOOR;

    if (norms[i] == 0.0f)
      continue;
    for (size_t k = a; k < b; k++)
      most = fmaxf (most, norms[k]);
    for (int c = 0; c < 12; c++) {
      if (!is_peak (rises, n, i, c))
        continue;
      for (size_t k = 0; k < n_decay && i + k < n; k++) {
        float *slot =
            &features->values[(i + k) * AVM_N_FEATURES + 12 + (size_t)c];
        double age = (double)k * 50.0 / rate;

        *slot = fmaxf (
            *slot, rises[i * 12 + (size_t)c] / most / (float)sqrt (1.0 + age));
      }
    }
  }
}

static bool
add_onsets (const AvmPitchgram *gram, const uint8_t *references,
    const float table[256], AvmFeatures *features)
{
  size_t n = gram->n_frames;
  float *rises = avm_alloc (n * 12, sizeof (float));
  float *norms = avm_alloc (n, sizeof (float));
  bool ok = rises != NULL && norms != NULL;

  if (ok) {
    make_rises (gram, references, table, rises);
    make_onsets (rises, n, gram->rate, features, norms);
  }
  avm_free (rises);
  avm_free (norms);
  return ok;
}

AvmFeatures *
avm_features_new (const AvmPitchgram *gram, size_t step)
{
  AvmFeatures *features = avm_alloc (1, sizeof (AvmFeatures));
  uint8_t *references = make_references (gram);
  float table[256];
  bool ok = features != NULL && references != NULL && step > 0;

  make_table (table);
  if (ok) {
    features->n = (gram->n_frames + step - 1) / step;
    features->values = avm_alloc (features->n * AVM_N_FEATURES, sizeof (float));
    ok = features->values != NULL;
  }
  for (size_t i = 0; ok && i < gram->n_frames; i++)
    add_chroma (gram, i, references[i], table,
        features->values + i / step * AVM_N_FEATURES);
  for (size_t i = 0; ok && i < features->n; i++) {
    float share = 1.0f / (float)AVM_MIN (step, gram->n_frames - i * step);

    for (int c = 0; c < 12; c++)
      features->values[i * AVM_N_FEATURES + (size_t)c] *= share;
    normalise (features->values + i * AVM_N_FEATURES);
  }
  if (ok && step == 1)
    ok = add_onsets (gram, references, table, features);
  avm_free (references);
  if (!ok) {
    avm_features_free (features);
    return NULL;
  }
  return features;
}

void
avm_features_free (AvmFeatures *features)
{
  if (features == NULL)
    return;
  avm_free (features->values);
  avm_free (features);
}
