/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The separation: what holds for all models (the sources sum to the mixture,
 * every length is kept, the cost never rises, the same comes twice), and
 * mixtures whose sources are known in closed form.
 */

#include "avmcheck.h"
#include "nmf/avm-separate.h"

#define RATE 8000
#define MAX_SOURCES 4

/* What goes in and comes out; samples are interleaved */
typedef struct {
  AvmSeparateSettings set;
  size_t n;
  float *stems[MAX_SOURCES]; /* as played */
  float *mix;
  float *out[MAX_SOURCES];
  const AvmSeparateNote *notes;
  size_t n_notes;
  const float *motion; /* n_rows x n_motions */
  int n_motions, n_rows;
  double motion_rate;
  const int *motion_sources; /* or NULL */
  /* of the run */
  double cost;
  int block, risen, calls, cancel_at;
  AvmError error;
} Job;

static void
init_settings (AvmSeparateSettings *set, AvmSeparateModel model, int n_sources)
{
  avm_separate_settings_init (set);
  set->model = model;
  set->n_sources = n_sources;
  set->rate = RATE;
  set->window = 512;
  set->hop = 128;
  set->n_components = 12;
  set->iterations = 60;
}

static void *
allocate (size_t n, size_t size)
{
  void *p = avm_alloc (AVM_MAX (n, 1), size);

  if (p == NULL)
    exit (1);
  return p;
}

static void
job_init (
    Job *job, AvmSeparateModel model, int n_sources, int n_channels, size_t n)
{
  memset (job, 0, sizeof (*job));
  init_settings (&job->set, model, n_sources);
  job->set.n_channels = n_channels;
  job->n = n;
  job->cancel_at = -1;
  job->mix = allocate (n * (size_t)n_channels, sizeof (float));
  for (int c = 0; c < n_sources; c++) {
    job->stems[c] = allocate (n * (size_t)n_channels, sizeof (float));
    job->out[c] = allocate (n * (size_t)n_channels, sizeof (float));
  }
}

static void
job_clear (Job *job)
{
  avm_free (job->mix);
  for (int c = 0; c < job->set.n_sources; c++) {
    avm_free (job->stems[c]);
    avm_free (job->out[c]);
  }
}

static bool
on_progress (
    void *user, int block, int iteration, int n_iterations, double cost)
{
  Job *job = user;

  if (block == job->block && job->calls > 0 && cost > job->cost)
    job->risen++;
  CHECK (iteration >= 0 && iteration < n_iterations, "%d of %d", iteration,
      n_iterations);
  job->block = block;
  job->cost = cost;
  return job->calls++ != job->cancel_at;
}

static void
tell (const Job *job, AvmSeparate *s)
{
  for (size_t i = 0; i < job->n_notes; i++)
    CHECK (avm_separate_add_note (s, &job->notes[i]), "note");
  for (int m = 0; m < job->n_motions; m++) {
    if (job->motion_sources != NULL)
      CHECK (avm_separate_set_motion_source (s, m, job->motion_sources[m]),
          "source of a motion");
    for (int i = 0; i < job->n_rows; i++)
      CHECK (avm_separate_add_motion (s, m, i / job->motion_rate,
                 job->motion[i * job->n_motions + m]),
          "motion");
  }
}

/* Takes what is ready, in pieces of any size. */
static size_t
take (Job *job, AvmSeparate *s, size_t done)
{
  size_t channels = (size_t)job->set.n_channels, ready;
  float *piece = allocate (10000 * channels, sizeof (float));

  while ((ready = avm_separate_available (s)) > 0) {
    size_t n = 1 + avm_rng_u32 (&avmcheck_rng) % 10000;

    n = AVM_MIN (n, ready);
    CHECK (done + n <= job->n, "no more than went in");
    if (done + n > job->n)
      break;
    for (int c = 0; c < job->set.n_sources; c++) {
      CHECK (avm_separate_peek (s, c, piece, n) == n, "peek");
      memcpy (
          job->out[c] + done * channels, piece, n * channels * sizeof (float));
    }
    avm_separate_drop (s, n);
    done += n;
  }
  avm_free (piece);
  return done;
}

/* Runs it all; false: cancelled. */
static bool
run (Job *job)
{
  AvmSeparate *s = avm_separate_new (&job->set, &job->error);
  size_t pushed = 0, done = 0, channels = (size_t)job->set.n_channels;
  bool ok = s != NULL;

  CHECK (ok, "%s", job->error.detail);
  job->calls = 0;
  if (ok)
    tell (job, s);
  while (ok) {
    size_t n = 1 + avm_rng_u32 (&avmcheck_rng) % 20000;

    n = AVM_MIN (n, job->n - pushed);
    pushed += avm_separate_push (s, job->mix + pushed * channels, n);
    if (pushed == job->n)
      avm_separate_finish (s);
    if (avm_separate_is_due (s)) {
      ok = avm_separate_run (s, on_progress, job, &job->error);
      if (ok)
        done = take (job, s, done);
    } else if (pushed == job->n) {
      break;
    }
  }
  if (ok) {
    CHECK (done == job->n, "%zu frames came, %zu went in", done, job->n);
    CHECK (!avm_separate_run (s, NULL, NULL, &job->error)
            && job->error.code == AVM_ERROR_EMPTY,
        "nothing more");
  }
  avm_separate_free (s);
  return ok;
}

/* The greatest difference between the sum of the sources and the mixture,
 * relative to its peak; infinite if something is not finite */
static double
sum_error (const Job *job)
{
  double worst = 0.0, peak = 1e-30;

  for (size_t i = 0; i < job->n * (size_t)job->set.n_channels; i++) {
    double sum = 0.0;

    for (int c = 0; c < job->set.n_sources; c++)
      sum += job->out[c][i];
    if (!isfinite (sum))
      return INFINITY;
    worst = fmax (worst, fabs (sum - job->mix[i]));
    peak = fmax (peak, fabs (job->mix[i]));
  }
  return worst / peak;
}

/* dB of what of `out` is `stem` and what is not */
static double
sdr (const Job *job, int out, int stem)
{
  double signal = 0.0, rest = 1e-30;

  for (size_t i = 0; i < job->n * (size_t)job->set.n_channels; i++) {
    double s = job->stems[stem][i], e = job->out[out][i] - s;

    signal += s * s;
    rest += e * e;
  }
  return 10.0 * log10 (signal / rest + 1e-30);
}

static double
mean_sdr (const Job *job)
{
  double sum = 0.0;

  for (int c = 0; c < job->set.n_sources; c++)
    sum += sdr (job, c, c);
  return sum / job->set.n_sources;
}

/* Whatever the names of the sources: two of them */
static double
best_sdr (const Job *job)
{
  return fmax (mean_sdr (job), 0.5 * (sdr (job, 0, 1) + sdr (job, 1, 0)));
}

static void
mix_stems (Job *job)
{
  for (size_t i = 0; i < job->n * (size_t)job->set.n_channels; i++) {
    job->mix[i] = 0.0f;
    for (int c = 0; c < job->set.n_sources; c++)
      job->mix[i] += job->stems[c][i];
  }
}

static void
fill_noise (Job *job)
{
  for (size_t i = 0; i < job->n * (size_t)job->set.n_channels; i++)
    job->mix[i] = (float)(0.1 * avm_rng_normal (&avmcheck_rng));
}

/* Adds a harmonic sound to one channel; level: NULL, or one value per sample.
 * Harmonic k has amplitude 1 / k^slope. */
static void
add_tone (Job *job, int source, int channel, double gain, double onset,
    double duration, double pitch, double slope, const float *level)
{
  double f0 = avm_midi_to_hz (pitch);
  size_t first = (size_t)(onset * RATE);
  size_t last = AVM_MIN ((size_t)((onset + duration) * RATE), job->n);
  size_t channels = (size_t)job->set.n_channels;

  for (int k = 1; k * f0 < 0.45 * RATE; k++)
    for (size_t i = first; i < last; i++) {
      double t = (double)(i - first) / RATE, left = (double)(last - i) / RATE;
      double edge = fmin (1.0, fmin (t, left) / 0.02);

      job->stems[source][i * channels + (size_t)channel] +=
          (float)(gain * edge * pow (k, -slope) * sin (2.0 * M_PI * k * f0 * t)
              * (level != NULL ? level[i] : 1.0));
    }
}

/* -- what holds for all --------------------------------------------------- */

static void
check_lengths (AvmSeparateModel model)
{
  static const size_t lengths[] = {1, 2, 127, 128, 129, 255, 256, 257, 511, 512,
      513, 1000, 7999, 8000, 8001, 10240, 10241, 17000, 26111};
  static const AvmSeparateNote notes[] = {{0, 0.0, 0.7, 60.0},
      {1, 0.1, 1.0, 67.0}, {0, 1.2, 0.5, 62.5}, {1, 2.5, 9.0, 40.0}};
  float motion[80];

  for (int i = 0; i < 80; i++)
    motion[i] = (float)avm_rng_range (&avmcheck_rng, 0.0, 50.0);
  for (size_t i = 0; i < sizeof (lengths) / sizeof (lengths[0]); i++) {
    Job job;

    job_init (&job, model, 1 + (int)(i % 3), 1 + (int)(i / 3 % 3), lengths[i]);
    fill_noise (&job);
    job.set.iterations = 4;
    job.set.block = 1.0;
    job.set.overlap = 0.25;
    job.notes = notes;
    job.n_notes = job.set.n_sources > 1 ? 4 : 1;
    job.motion = motion;
    job.n_motions = AVM_MIN (job.set.n_sources, 2);
    job.n_rows = 80 / job.n_motions;
    job.motion_rate = 25.0;
    CHECK (run (&job), "model %d, %zu samples", model, lengths[i]);
    CHECK (sum_error (&job) < 2e-6, "model %d, %zu samples: sum off by %g",
        model, lengths[i], sum_error (&job));
    CHECK (job.risen == 0, "model %d: cost rose %d times", model, job.risen);
    job_clear (&job);
  }
}

static void
check_again (AvmSeparateModel model)
{
  Job a, b;
  size_t size = 12000 * sizeof (float);
  double worst = 0.0;

  job_init (&a, model, 2, 1, 12000);
  job_init (&b, model, 2, 1, 12000);
  fill_noise (&a);
  memcpy (b.mix, a.mix, size);
  run (&a);
  run (&b);
  CHECK (memcmp (a.out[0], b.out[0], size) == 0, "the same again");
  b.set.n_threads = 2;
  b.set.iterations = a.set.iterations = 5;
  run (&a);
  run (&b);
  for (size_t i = 0; i < 12000; i++)
    worst = fmax (worst, fabs (a.out[0][i] - b.out[0][i]));
  CHECK (worst < 1e-4, "two threads differ by %g", worst);
  job_clear (&a);
  job_clear (&b);
}

static void
check_silence (AvmSeparateModel model)
{
  static const AvmSeparateNote note = {0, 0.0, 1.0, 60.0};
  float motion[40] = {0};
  Job job;

  job_init (&job, model, 3, 1, 9000);
  job.notes = &note;
  job.n_notes = 1;
  job.motion = motion;
  job.n_motions = 2;
  job.n_rows = 20;
  job.motion_rate = 20.0;
  CHECK (run (&job), "silence");
  CHECK (sum_error (&job) == 0.0, "silence stays silence");
  /* sound, but nothing that moves and no notes */
  fill_noise (&job);
  job.n_notes = 0;
  CHECK (run (&job), "nothing moves");
  CHECK (sum_error (&job) < 2e-6, "nothing moves");
  for (int i = 0; i < 40; i++)
    motion[i] = NAN;
  CHECK (run (&job), "nothing known");
  CHECK (sum_error (&job) < 2e-6, "nothing known");
  job.n_motions = 0;
  job.mix[77] = NAN;
  job.mix[99] = INFINITY;
  CHECK (run (&job), "nothing told");
  job.mix[77] = job.mix[99] = 0.0f;
  CHECK (sum_error (&job) < 2e-6, "what is no number counts as 0");
  job_clear (&job);
}

static void
check_cancel (AvmSeparateModel model)
{
  static const AvmSeparateNote notes[] = {
      {0, 0.0, 1.0, 60.0}, {1, 0.0, 1.0, 64.0}};
  Job job;

  job_init (&job, model, 2, 1, 9000);
  fill_noise (&job);
  job.notes = notes;
  job.n_notes = 2;
  job.cancel_at = 7;
  CHECK (!run (&job), "cancelled");
  CHECK (job.error.code == AVM_ERROR_CANCELLED && job.calls == 8,
      "cancelled at once, not after %d calls", job.calls);
  job_clear (&job);
}

/* After a cancelled run the block is still there. */
static void
check_resume (void)
{
  Job job;
  AvmSeparate *s;
  size_t done;

  job_init (&job, AVM_SEPARATE_AUDIO, 2, 1, 5000);
  fill_noise (&job);
  s = avm_separate_new (&job.set, &job.error);
  CHECK (avm_separate_push (s, job.mix, job.n) == job.n, "all of it");
  CHECK (!avm_separate_is_due (s), "not yet");
  avm_separate_finish (s);
  CHECK (avm_separate_is_due (s), "now");
  CHECK_NEAR (avm_separate_block_end (s), 5000.0 / RATE, 1e-9, 0, "its end");
  job.cancel_at = 3;
  CHECK (!avm_separate_run (s, on_progress, &job, &job.error), "cancelled");
  CHECK (avm_separate_is_due (s) && avm_separate_available (s) == 0, "still");
  job.cancel_at = -1;
  CHECK (avm_separate_run (s, on_progress, &job, &job.error), "again");
  done = take (&job, s, 0);
  CHECK (done == job.n && sum_error (&job) < 2e-6, "all of it");
  avm_separate_free (s);
  job_clear (&job);
}

static void
check_ranges (void)
{
  AvmSeparateSettings good, s;
  AvmError error;
  AvmSeparate *separate;

  init_settings (&good, AVM_SEPARATE_AUDIO, 2);
#define REFUSED(member, value)                                                 \
  s = good;                                                                    \
  s.member = (value);                                                          \
  CHECK (                                                                      \
      avm_separate_new (&s, &error) == NULL && error.code == AVM_ERROR_RANGE,  \
      #member)
  REFUSED (n_sources, 0);
  REFUSED (n_sources, 17);
  REFUSED (n_channels, 9);
  REFUSED (rate, 999);
  REFUSED (window, 513);
  REFUSED (hop, 257);
  REFUSED (n_components, 0);
  REFUSED (iterations, 0);
  REFUSED (lambda, NAN);
  REFUSED (mu, -1.0);
  REFUSED (block, 0.5);
  REFUSED (overlap, 31.0);
  REFUSED (n_threads, 0);
  separate = avm_separate_new (&good, &error);
  CHECK (!avm_separate_add_motion (separate, 256, 0.0, 1.0f), "motion 256");
  CHECK (!avm_separate_set_motion_source (separate, 0, 2), "source 2 of 2");
  CHECK (avm_separate_peek (separate, 2, NULL, 1) == 0, "source 2 of 2");
  avm_separate_free (separate);
  avm_separate_free (NULL);
}

/* -- score ---------------------------------------------------------------- */

/* Two voices of tones with next to no overtones */
static void
check_score (AvmSeparateModel model, int n_channels)
{
  static const AvmSeparateNote notes[] = {{0, 0.2, 1.0, 69.0},
      {0, 1.4, 1.0, 71.0}, {1, 0.2, 0.8, 50.0}, {1, 1.2, 1.3, 53.0}};
  Job job;

  job_init (&job, model, 2, n_channels, 3 * RATE);
  for (int i = 0; i < 4; i++)
    for (int c = 0; c < n_channels; c++)
      add_tone (&job, notes[i].source, c,
          notes[i].source == c || n_channels == 1 ? 0.3 : 0.1, notes[i].onset,
          notes[i].duration, notes[i].pitch + 0.15, 6.0, NULL);
  mix_stems (&job);
  job.notes = notes;
  job.n_notes = 4;
  job.set.window = 1024;
  job.set.hop = 256;
  CHECK (run (&job), "score");
  CHECK (sum_error (&job) < 2e-6, "score: sum off by %g", sum_error (&job));
  CHECK (sdr (&job, 0, 0) > 20.0 && sdr (&job, 1, 1) > 20.0,
      "model %d, %d channels: %.1f and %.1f dB", model, n_channels,
      sdr (&job, 0, 0), sdr (&job, 1, 1));
  job_clear (&job);
}

/* -- motion --------------------------------------------------------------- */

#define DUET_SECONDS 12
#define DUET_RATE 30

typedef struct {
  Job job;
  float motion[DUET_SECONDS * DUET_RATE * 2];
} Duet;

/* Two players with the same instrument play notes of random length and pitch
 * and rest now and then; the level is that of the bow, whose speed is seen. */
static void
make_duet (Duet *duet, AvmSeparateModel model)
{
  static const double scale[] = {60, 62, 64, 65, 67, 69, 71, 72};
  Job *job = &duet->job;
  float *level = allocate (DUET_SECONDS * RATE, sizeof (float));

  job_init (job, model, 2, 1, DUET_SECONDS * RATE);
  job->motion = duet->motion;
  job->n_motions = 2;
  job->n_rows = DUET_SECONDS * DUET_RATE;
  job->motion_rate = DUET_RATE;
  for (int c = 0; c < 2; c++) {
    double at = 0.2, end;

    for (; at < DUET_SECONDS - 0.5; at = end) {
      double length = avm_rng_range (&avmcheck_rng, 0.25, 0.8);
      double pitch = scale[avm_rng_u32 (&avmcheck_rng) % 4 * 2 + (unsigned)c];
      double loud = avm_rng_range (&avmcheck_rng, 0.4, 1.0);

      end = fmin (at + length, DUET_SECONDS - 0.1);
      if (avm_rng_uniform (&avmcheck_rng) < 0.25)
        continue;
      for (size_t i = (size_t)(at * RATE); i < (size_t)(end * RATE); i++)
        level[i] = (float)(loud
            * sqrt (
                fmax (sin (M_PI * ((double)i / RATE - at) / (end - at)), 0.0)));
      add_tone (job, c, 0, 0.2, at, end - at, pitch, 1.0, level);
      for (int i = (int)ceil (at * DUET_RATE); i < end * DUET_RATE; i++)
        duet->motion[2 * i + c] = (float)(90.0
            * pow (level[AVM_MIN ((size_t)i * RATE / DUET_RATE, job->n - 1)],
                1.0 / 0.6));
    }
    for (int i = 0; i < job->n_rows; i++)
      duet->motion[2 * i + c] +=
          (float)fabs (5.0 * avm_rng_normal (&avmcheck_rng));
  }
  mix_stems (job);
  job->set.n_components = 16;
  avm_free (level);
}

static void
swap_motions (Duet *duet)
{
  for (int i = 0; i < duet->job.n_rows; i++) {
    float x = duet->motion[2 * i];

    duet->motion[2 * i] = duet->motion[2 * i + 1];
    duet->motion[2 * i + 1] = x;
  }
}

static void
check_motion (void)
{
  static const int sources[] = {1, 0};
  Duet duet = {0};
  double audio, sequential, joint, gaps;

  make_duet (&duet, AVM_SEPARATE_AUDIO);
  run (&duet.job);
  audio = best_sdr (&duet.job);
  duet.job.set.model = AVM_SEPARATE_SEQUENTIAL;
  run (&duet.job);
  sequential = mean_sdr (&duet.job);
  duet.job.set.model = AVM_SEPARATE_JOINT;
  run (&duet.job);
  joint = mean_sdr (&duet.job);
  CHECK (duet.job.risen == 0, "cost rose");
  printf (
      "audio %.2f, sequential %.2f, joint %.2f dB\n", audio, sequential, joint);
  CHECK (joint > audio + 3.0, "joint %.2f, audio %.2f dB", joint, audio);
  CHECK (sequential > audio + 2.0, "sequential %.2f dB", sequential);
  duet.job.motion_sources = sources;
  run (&duet.job);
  CHECK (sdr (&duet.job, 1, 0) > joint - 3.0
          && sdr (&duet.job, 0, 1) > joint - 3.0,
      "told to be the other way round");
  swap_motions (&duet);
  run (&duet.job);
  CHECK_NEAR (mean_sdr (&duet.job), joint, 1.0, 0, "round twice");
  duet.job.motion_sources = NULL;
  run (&duet.job);
  CHECK (sdr (&duet.job, 1, 0) > joint - 3.0, "motion swaps the sources");
  swap_motions (&duet);
  /* gaps: 2 s of each */
  for (int i = 60; i < 120; i++)
    duet.motion[2 * i] = duet.motion[2 * (i + 90) + 1] = NAN;
  run (&duet.job);
  gaps = mean_sdr (&duet.job);
  CHECK (gaps > audio + 2.0, "gaps: %.2f dB", gaps);
  job_clear (&duet.job);
}

/* Only one of two players is seen: the other has the rest. */
static void
check_unseen (void)
{
  Duet duet = {0};
  static const int source = 1;
  float seen[DUET_SECONDS * DUET_RATE];

  make_duet (&duet, AVM_SEPARATE_JOINT);
  for (int i = 0; i < duet.job.n_rows; i++)
    seen[i] = duet.motion[2 * i + 1];
  duet.job.motion = seen;
  duet.job.n_motions = 1;
  duet.job.motion_sources = &source;
  run (&duet.job);
  CHECK (sdr (&duet.job, 1, 1) > 3.0 && sdr (&duet.job, 0, 0) > 3.0,
      "%.2f, %.2f dB", sdr (&duet.job, 0, 0), sdr (&duet.job, 1, 1));
  job_clear (&duet.job);
}

/* -- blocks --------------------------------------------------------------- */

/* Chords that never change: blocks must not be heard. */
static void
check_seams (AvmSeparateModel model)
{
  static const AvmSeparateNote notes[] = {
      {0, 0.0, 9.0, 60.0}, {1, 0.0, 9.0, 66.0}};
  Job job;
  float *whole;
  double worst = 0.0, step = 0.0, step_whole = 0.0;

  job_init (&job, model, 2, 1, 9 * RATE);
  for (int i = 0; i < 2; i++)
    add_tone (&job, i, 0, 0.3, 0.0, 9.0, notes[i].pitch, 1.0, NULL);
  mix_stems (&job);
  job.notes = notes;
  job.n_notes = 2;
  job.set.window = 1024;
  job.set.hop = 256;
  run (&job);
  whole = job.out[0];
  job.out[0] = allocate (job.n, sizeof (float));
  job.set.block = 2.0;
  job.set.overlap = 0.5;
  run (&job);
  CHECK (job.block >= 3, "%d blocks", job.block + 1);
  for (size_t i = RATE; i < job.n - RATE; i++) {
    worst = fmax (worst, fabs (whole[i] - job.out[0][i]));
    step = fmax (step, fabs (job.out[0][i] - job.out[0][i - 1]));
    step_whole = fmax (step_whole, fabs (whole[i] - whole[i - 1]));
  }
  CHECK (worst < 0.02, "model %d: blocks differ by %g from one", model, worst);
  CHECK (step < 1.1 * step_whole, "model %d: a click of %g, not %g", model,
      step, step_whole);
  avm_free (whole);
  job_clear (&job);
}

/* The same two tones by turns: what a block calls source 0, the next does. */
static void
check_names (void)
{
  Job job;

  job_init (&job, AVM_SEPARATE_AUDIO, 2, 1, 20 * RATE);
  for (int i = 0; i < 40; i++) {
    add_tone (&job, 0, 0, 0.3, 0.5 * i, 0.3, 57 + i % 3, 0.3, NULL);
    add_tone (&job, 1, 0, 0.3, 0.5 * i + 0.1, 0.4, 70 + i % 3, 3.0, NULL);
  }
  mix_stems (&job);
  job.set.block = 4.0;
  job.set.overlap = 1.0;
  run (&job);
  CHECK (job.block >= 3, "%d blocks", job.block + 1);
  CHECK (best_sdr (&job) > 6.0, "names are kept: %.1f dB", best_sdr (&job));
  job_clear (&job);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_ranges ();
  for (int model = 0; model <= AVM_SEPARATE_JOINT_SCORE; model++) {
    check_lengths ((AvmSeparateModel)model);
    check_silence ((AvmSeparateModel)model);
    check_cancel ((AvmSeparateModel)model);
  }
  check_again (AVM_SEPARATE_AUDIO);
  check_resume ();
  for (int channels = 1; channels <= 2; channels++) {
    check_score (AVM_SEPARATE_SCORE, channels);
    check_score (AVM_SEPARATE_JOINT_SCORE, channels);
  }
  check_motion ();
  check_unseen ();
  check_seams (AVM_SEPARATE_SCORE);
  check_seams (AVM_SEPARATE_JOINT_SCORE);
  check_names ();
  return avmcheck_report ();
}
