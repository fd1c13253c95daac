/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-align.h"
#include "dsp/avm-dtw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAD 1.0                /* s of silence before and after the score */
#define ACTIVE_RANGE 45.0       /* dB */
#define LEAST_SOUND 0.5         /* s */
#define LONGEST_SCORE 36000.0   /* s */
#define COARSE_RATE 2.0         /* Hz, for the transposition */
#define TRANSPOSITION_GAIN 0.97 /* of the cost, to be preferred to none */
#define BAND_STEP 8             /* frames to one of the coarse path */
#define BAND_RADIUS 4.0         /* s */

/* cost = BASE + CHROMA (1 - x.y) + ONSETS |a - b|^2 */
#define BASE 0.25f
#define CHROMA 1.0f
#define ONSETS 0.3f
#define BOTH 2.0f
#define ONE 1.5f

#define REFINE_SIGMA 0.5 /* of the reach */
#define REFINE_HARMONICS 10
#define ATTACK_MARGIN 0.12 /* s, how long an attack may last */
#define FOOT 0.25          /* of the rise, where it begins */
#define MOST_FRAMES 256
#define CHORD 0.002 /* s between onsets that are one */

typedef struct {
  const AvmScore *score;
  const AvmPitchgram *audio;
  const AvmAlignConfig *config;
  AvmError *error;
  double rate;
  double scale; /* recording time over score time */
  AvmAlignment *result;
  /* recording time (s) by frame of the score's pitchgram */
  double *times;
  size_t n_times;
} Job;

void
avm_align_config_init (AvmAlignConfig *config)
{
  *config = (AvmAlignConfig){
      .transposition = AVM_ALIGN_AUTO,
      .refine = 0.06,
      .memory = (size_t)64 << 20,
      .max_cells = 4e8,
  };
}

void
avm_alignment_free (AvmAlignment *alignment)
{
  if (alignment == NULL)
    return;
  free (alignment->notes);
  free (alignment);
}

static bool
no_memory (Job *job)
{
  return avm_error_set (job->error, AVM_ERROR_MEMORY, -1, "out of memory");
}

/* -- one warping ---------------------------------------------------------- */

typedef struct {
  AvmDtwSide side;
  float *features, *offset;
} Side;

/* Feature vectors so that the cost above is affine in their dot product. */
static bool
make_side (Side *s, const AvmFeatures *features, bool score, size_t dim)
{
  s->features = avm_alloc (features->n * dim, sizeof (float));
  s->offset = avm_alloc (features->n, sizeof (float));
  s->side = (AvmDtwSide){features->n, dim, s->features, s->offset};
  if (s->features == NULL || s->offset == NULL)
    return false;
  for (size_t i = 0; i < features->n; i++) {
    const float *x = features->values + i * AVM_N_FEATURES;
    float square = 0.0f;

    for (size_t d = 0; d < dim; d++) {
      float weight = d < 12 ? CHROMA : 2.0f * ONSETS;

      if (d >= 12)
        square += x[d] * x[d];
      s->features[i * dim + d] = score ? x[d] : weight * x[d];
    }
    s->offset[i] = 0.5f * (BASE + CHROMA) + ONSETS * square;
  }
  return true;
}

static void
clear_side (Side *s)
{
  avm_free (s->features);
  avm_free (s->offset);
}

/* rows: the recording; columns: the score */
static bool
warp (Job *job, const AvmFeatures *audio, const AvmFeatures *score, size_t dim,
    const uint32_t *lo, const uint32_t *hi, AvmDtwPath *path)
{
  AvmDtwConfig config = {BOTH, ONE, ONE, lo, hi, job->config->memory,
      job->config->cancelled, job->config->user_data};
  Side a = {0}, b = {0};
  bool ok =
      make_side (&a, audio, false, dim) && make_side (&b, score, true, dim);

  if (!ok)
    no_memory (job);
  ok = ok && avm_dtw_align (&a.side, &b.side, &config, path, job->error);
  clear_side (&a);
  clear_side (&b);
  return ok;
}

/* -- transposition -------------------------------------------------------- */

static void
rotate (AvmFeatures *features, int up)
{
  for (size_t i = 0; i < features->n; i++) {
    float *x = features->values + i * AVM_N_FEATURES, turned[12];

    for (int c = 0; c < 12; c++)
      turned[(c + up + 24) % 12] = x[c];
    memcpy (x, turned, sizeof (turned));
  }
}

static bool
find_transposition (Job *job, AvmPitchgram *score_gram)
{
  size_t step = (size_t)AVM_MAX (lrint (job->rate / COARSE_RATE), 1);
  AvmFeatures *audio = avm_features_new (job->audio, step);
  AvmFeatures *score = avm_features_new (score_gram, step);
  double best = INFINITY;
  bool ok = (audio != NULL && score != NULL) || no_memory (job);

  for (int k = 0; ok && k < 12; k++) {
    /* 0, 1 .. 6, -5 .. -1: the later ones rotate on from there */
    int up = k <= 6 ? k : k - 12;
    AvmDtwPath path;

    ok = warp (job, audio, score, 12, NULL, NULL, &path);
    if (ok) {
      double cost = path.cost / (k == 0 ? 1.0 : TRANSPOSITION_GAIN);

      if (cost < best) {
        best = cost;
        job->result->transposition = up;
      }
      avm_dtw_path_clear (&path);
    }
    if (ok)
      rotate (score, 1);
  }
  avm_features_free (audio);
  avm_features_free (score);
  return ok;
}

/* -- the path ------------------------------------------------------------- */

/* Columns within a radius about a coarse path, not descending. */
static void
make_band (const AvmDtwPath *path, size_t step, size_t radius, size_t n,
    size_t m, uint32_t *lo, uint32_t *hi)
{
  size_t k = 0;

  for (size_t i = 0; i < n; i++) {
    size_t row = i / step, first, last;

    while (k + 1 < path->length && path->rows[k] < row)
      k++;
    first = last = path->columns[k];
    for (size_t q = k; q < path->length && path->rows[q] == row; q++)
      last = path->columns[q];
    first *= step;
    last = (last + 1) * step;
    lo[i] = (uint32_t)(first > radius ? first - radius : 0);
    hi[i] = (uint32_t)AVM_MIN (last + radius, m - 1);
  }
  lo[0] = 0;
  hi[n - 1] = (uint32_t)m - 1;
  for (size_t i = n - 1; i > 0; i--)
    lo[i - 1] = AVM_MIN (lo[i - 1], lo[i]);
}

static bool
warp_in_band (Job *job, const AvmPitchgram *score_gram,
    const AvmFeatures *audio, const AvmFeatures *score, AvmDtwPath *path)
{
  AvmFeatures *coarse_audio = avm_features_new (job->audio, BAND_STEP);
  AvmFeatures *coarse_score = avm_features_new (score_gram, BAND_STEP);
  uint32_t *lo = avm_alloc (audio->n, sizeof (uint32_t));
  uint32_t *hi = avm_alloc (audio->n, sizeof (uint32_t));
  AvmDtwPath coarse = {0};
  bool ok =
      (coarse_audio != NULL && coarse_score != NULL && lo != NULL && hi != NULL)
      || no_memory (job);

  ok = ok && warp (job, coarse_audio, coarse_score, 12, NULL, NULL, &coarse);
  if (ok) {
    make_band (&coarse, BAND_STEP, (size_t)(BAND_RADIUS * job->rate), audio->n,
        score->n, lo, hi);
    ok = warp (job, audio, score, AVM_N_FEATURES, lo, hi, path);
  }
  avm_dtw_path_clear (&coarse);
  avm_features_free (coarse_audio);
  avm_features_free (coarse_score);
  avm_free (lo);
  avm_free (hi);
  return ok;
}

/* For every frame of the score the middle of the frames of the recording that
 * are matched with it. */
static bool
keep_path (Job *job, const AvmDtwPath *path, size_t n_score)
{
  double *times = avm_alloc (n_score, sizeof (double));
  double weights = 0.0;

  if (times == NULL)
    return no_memory (job);
  for (size_t k = 0; k < path->length;) {
    size_t first = k, column = path->columns[k];

    while (k < path->length && path->columns[k] == column)
      k++;
    times[column] = 0.5 * (path->rows[first] + path->rows[k - 1]) / job->rate;
  }
  for (size_t k = 0; k < path->length; k++)
    weights += k > 0
            && (path->rows[k] == path->rows[k - 1]
                || path->columns[k] == path->columns[k - 1])
        ? ONE
        : BOTH;
  job->result->mean_cost = path->cost / weights - BASE;
  job->times = times;
  job->n_times = n_score;
  return true;
}

static bool
find_path (Job *job)
{
  int transposition = job->result->transposition;
  AvmPitchgram *gram = avm_pitchgram_new_from_score (
      job->score, job->rate, LEAD, job->scale, LEAD, transposition);
  AvmFeatures *audio = avm_features_new (job->audio, 1), *score = NULL;
  AvmDtwPath path = {0};
  bool ok;

  if (gram != NULL)
    score = avm_features_new (gram, 1);
  ok = (audio != NULL && score != NULL) || no_memory (job);
  if (ok && (double)audio->n * (double)score->n > job->config->max_cells)
    ok = warp_in_band (job, gram, audio, score, &path);
  else if (ok)
    ok = warp (job, audio, score, AVM_N_FEATURES, NULL, NULL, &path);
  ok = ok && keep_path (job, &path, score->n);
  avm_dtw_path_clear (&path);
  avm_features_free (audio);
  avm_features_free (score);
  avm_pitchgram_free (gram);
  return ok;
}

/* Recording time of a score time */
static double
map_time (const Job *job, double time)
{
  double at = (LEAD + time * job->scale) * job->rate;
  size_t i;

  at = AVM_CLAMP (at, 0.0, (double)job->n_times - 1.0);
  i = AVM_MIN ((size_t)at, job->n_times - 1);
  if (i + 1 >= job->n_times)
    return job->times[job->n_times - 1];
  return job->times[i] + (at - (double)i) * (job->times[i + 1] - job->times[i]);
}

/* -- onsets --------------------------------------------------------------- */

static float
amplitude_at (const Job *job, ptrdiff_t frame, int pitch)
{
  size_t n = avm_pitchgram_n_frames (job->audio);

  if (frame < 0 || (size_t)frame >= n || pitch < AVM_PITCH_LOW
      || pitch >= AVM_PITCH_LOW + AVM_N_PITCHES)
    return 0.0f;
  return avm_pitchgram_amplitude (
      avm_pitchgram_frame (job->audio, (size_t)frame)[pitch - AVM_PITCH_LOW]);
}

/* The harmonics of the notes over the frames about an onset: each in parts of
 * the most it reaches there, weighted by how sharply its filter sees time.
 * Amplitudes, not levels: only they rise symmetrically about the onset in a
 * symmetric filter. */
typedef struct {
  ptrdiff_t first; /* frame of the first value */
  size_t n;
  double level[MOST_FRAMES], rise[MOST_FRAMES];
} Attack;

static void
add_harmonic (const Job *job, Attack *attack, int pitch)
{
  ptrdiff_t reach = (ptrdiff_t)AVM_MAX (lrint (0.01 * job->rate), 1);
  double weight = 0.04 / avm_pitch_window (pitch);
  float most = 1e-6f;

  for (size_t i = 0; i < attack->n; i++)
    most =
        fmaxf (most, amplitude_at (job, attack->first + (ptrdiff_t)i, pitch));
  for (size_t i = 0; i < attack->n; i++) {
    ptrdiff_t at = attack->first + (ptrdiff_t)i;
    float rise = amplitude_at (job, at + reach, pitch)
        - amplitude_at (job, at - reach, pitch);

    attack->level[i] += weight * amplitude_at (job, at, pitch) / most;
    attack->rise[i] += weight * fmaxf (rise, 0.0f) / most;
  }
}

/* From the steepest frame back to where the rise begins: bowed notes take
 * their time, and a note is said to begin when it begins to sound. */
static double
find_foot (const Job *job, const Attack *attack, size_t peak)
{
  size_t margin = (size_t)(ATTACK_MARGIN * job->rate);
  size_t a = peak > margin ? peak - margin : 0, at = peak;
  size_t b = AVM_MIN (peak + margin, attack->n - 1);
  double least = INFINITY, most = 0.0, foot;

  for (size_t i = a; i <= peak; i++)
    least = AVM_MIN (least, attack->level[i]);
  for (size_t i = peak; i <= b; i++)
    most = AVM_MAX (most, attack->level[i]);
  foot = least + FOOT * (most - least);
  while (at > a && attack->level[at] > foot)
    at--;
  if (at == peak || attack->level[at] > foot)
    return (double)at;
  return (double)at
      + (foot - attack->level[at])
      / (attack->level[at + 1] - attack->level[at]);
}

/* Within the reach, where the notes begin to rise most, weighted by how near
 * that is to what the warping says. */
static double
refine_onset (const Job *job, const size_t *notes, size_t n_notes, double time,
    double back, double ahead)
{
  size_t margin = (size_t)(ATTACK_MARGIN * job->rate);
  Attack attack = {.first = (ptrdiff_t)floor ((time - back) * job->rate)
          - (ptrdiff_t)margin};
  size_t n = (size_t)ceil ((back + ahead) * job->rate) + 2, peak = 0;
  double sigma = REFINE_SIGMA * job->config->refine, best = 0.0;

  attack.n = AVM_MIN (n + 2 * margin, MOST_FRAMES);
  for (size_t k = 0; k < n_notes; k++) {
    int pitch = job->score->notes[notes[k]].pitch + job->result->transposition;

    for (int h = 1; h <= REFINE_HARMONICS; h++)
      add_harmonic (job, &attack, pitch + (int)lrint (12.0 * log2 (h)));
  }
  for (size_t i = margin; i + margin < attack.n; i++) {
    double at = (double)(attack.first + (ptrdiff_t)i) / job->rate;
    double away = (at - time) / sigma;
    double value = attack.rise[i] * exp (-0.5 * away * away);

    if (value > best) {
      best = value;
      peak = i;
    }
  }
  if (best <= 0.0)
    return time;
  return ((double)attack.first + find_foot (job, &attack, peak)) / job->rate;
}

/* -- notes ---------------------------------------------------------------- */

/* Refines the notes of one part that begin together; free of the part's
 * onsets before and after by half their distance. */
static void
refine_part (Job *job, const size_t *notes, size_t n)
{
  const AvmScore *score = job->score;
  AvmAlignedNote *out = job->result->notes;
  double reach = job->config->refine, before = -1e9;

  for (size_t a = 0, b; a < n; a = b) {
    double onset = score->notes[notes[a]].onset;
    double time = out[notes[a]].onset, back, ahead, refined;

    b = a + 1;
    while (b < n && score->notes[notes[b]].onset - onset < CHORD)
      b++;
    back = AVM_MIN (reach, 0.5 * (time - before));
    ahead = b < n ? AVM_MIN (reach, 0.5 * (out[notes[b]].onset - time)) : reach;
    before = time;
    refined = refine_onset (
        job, notes + a, b - a, time, AVM_MAX (back, 0.0), AVM_MAX (ahead, 0.0));
    for (size_t k = a; k < b; k++)
      out[notes[k]].onset = refined;
  }
}

static bool
refine_onsets (Job *job)
{
  const AvmScore *score = job->score;
  size_t *notes = avm_alloc (score->n_notes, sizeof (size_t));

  if (notes == NULL)
    return no_memory (job);
  for (size_t part = 0; part < score->n_parts; part++) {
    size_t n = 0;

    for (size_t i = 0; i < score->n_notes; i++) {
      if ((size_t)score->notes[i].part == part)
        notes[n++] = i;
    }
    refine_part (job, notes, n);
  }
  avm_free (notes);
  return true;
}

/* The end of a note: the onset of the part's note that begins there in the
 * score, else where the path says. */
static double
find_end (const Job *job, size_t index)
{
  const AvmScore *score = job->score;
  const AvmNote *note = &score->notes[index];
  double end = note->onset + note->duration;

  for (size_t i = index + 1;
       i < score->n_notes && score->notes[i].onset < end + 2 * CHORD; i++) {
    if (score->notes[i].part == note->part
        && fabs (score->notes[i].onset - end) < 2 * CHORD)
      return job->result->notes[i].onset;
  }
  return map_time (job, end);
}

/* Mean amplitude of the note's first three harmonics while it sounds, against
 * the mean of their neighbours two semitones away. */
static double
find_confidence (const Job *job, const AvmAlignedNote *note)
{
  static const int harmonics[3] = {0, 12, 19};
  int pitch = job->score->notes[note->note].pitch + job->result->transposition;
  ptrdiff_t first = (ptrdiff_t)lrint (note->onset * job->rate);
  ptrdiff_t end = (ptrdiff_t)lrint (
      (note->onset + AVM_MIN (note->duration, 1.0)) * job->rate);
  double own = 0.0, others = 0.0;

  for (ptrdiff_t i = first; i <= end; i++) {
    for (int h = 0; h < 3; h++) {
      own += amplitude_at (job, i, pitch + harmonics[h]);
      others += 0.5
          * (amplitude_at (job, i, pitch + harmonics[h] - 2)
              + amplitude_at (job, i, pitch + harmonics[h] + 2));
    }
  }
  return own + others > 0.0 ? AVM_CLAMP (own / (own + others) * 2 - 1, 0, 1)
                            : 0.0;
}

static int
compare_notes (const void *pa, const void *pb)
{
  const AvmAlignedNote *a = pa, *b = pb;

  if (a->onset != b->onset)
    return a->onset < b->onset ? -1 : 1;
  return a->note < b->note ? -1 : a->note > b->note;
}

static bool
place_notes (Job *job)
{
  const AvmScore *score = job->score;
  AvmAlignment *result = job->result;
  double *ends;

  result->notes = calloc (score->n_notes, sizeof (AvmAlignedNote));
  ends = avm_alloc (score->n_notes, sizeof (double));
  if (result->notes == NULL || ends == NULL) {
    avm_free (ends);
    return no_memory (job);
  }
  result->n_notes = score->n_notes;
  for (size_t i = 0; i < score->n_notes; i++) {
    result->notes[i].note = i;
    result->notes[i].onset = map_time (job, score->notes[i].onset);
  }
  if (job->config->refine > 0.0 && !refine_onsets (job)) {
    avm_free (ends);
    return false;
  }
  for (size_t i = 0; i < score->n_notes; i++)
    ends[i] = find_end (job, i);
  for (size_t i = 0; i < score->n_notes; i++) {
    result->notes[i].duration =
        AVM_MAX (ends[i] - result->notes[i].onset, 1.0 / job->rate);
    result->notes[i].confidence = find_confidence (job, &result->notes[i]);
  }
  avm_free (ends);
  qsort (
      result->notes, result->n_notes, sizeof (AvmAlignedNote), compare_notes);
  return true;
}

/* -- all of it ------------------------------------------------------------ */

/* How much slower the recording is than the score, as far as its sound tells;
 * the path finds the rest. */
static bool
find_scale (Job *job)
{
  size_t first, end;
  double first_onset = INFINITY, sound, written;

  if (!avm_pitchgram_active (job->audio, ACTIVE_RANGE, &first, &end))
    return avm_error_set (job->error, AVM_ERROR_EMPTY, 0, "silence");
  job->result->begin = (double)first / job->rate;
  job->result->end = (double)end / job->rate;
  sound = job->result->end - job->result->begin;
  if (sound < LEAST_SOUND)
    return avm_error_set (
        job->error, AVM_ERROR_RANGE, -1, "%.3f s with sound", sound);
  for (size_t i = 0; i < job->score->n_notes; i++)
    first_onset = AVM_MIN (first_onset, job->score->notes[i].onset);
  written = job->score->duration - first_onset;
  if (!(job->score->duration <= LONGEST_SCORE))
    return avm_error_set (job->error, AVM_ERROR_RANGE, -1, "a score of %.0f s",
        job->score->duration);
  job->scale = AVM_CLAMP (sound / AVM_MAX (written, 1e-3), 0.4, 2.5);
  return true;
}

static bool
run (Job *job)
{
  AvmPitchgram *gram;
  bool ok;

  if (job->score->n_notes == 0)
    return avm_error_set (job->error, AVM_ERROR_EMPTY, 1, "no notes");
  if (!find_scale (job))
    return false;
  if (job->config->transposition != AVM_ALIGN_AUTO) {
    job->result->transposition = job->config->transposition;
  } else {
    gram = avm_pitchgram_new_from_score (
        job->score, job->rate, LEAD, job->scale, LEAD, 0);
    ok = gram != NULL ? find_transposition (job, gram) : no_memory (job);
    avm_pitchgram_free (gram);
    if (!ok)
      return false;
  }
  return find_path (job) && place_notes (job);
}

AvmAlignment *
avm_align (const AvmScore *score, const AvmPitchgram *audio,
    const AvmAlignConfig *config, AvmError *error)
{
  Job job = {.score = score,
      .audio = audio,
      .config = config,
      .error = error,
      .rate = avm_pitchgram_rate (audio),
      .result = calloc (1, sizeof (AvmAlignment))};
  bool ok;

  if (job.result == NULL) {
    no_memory (&job);
    return NULL;
  }
  ok = run (&job);
  avm_free (job.times);
  if (ok)
    return job.result;
  avm_alignment_free (job.result);
  return NULL;
}
