/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * F0 tracking against closed-form truth: sines, harmonic complexes, glides,
 * vibrato, octave traps, silence, noise; and the decimator and demodulator
 * underneath against their definitions.
 */

#include "avmcheck.h"
#include "dsp/avm-decimate.h"
#include "dsp/avm-demod.h"
#include "dsp/avm-pitch.h"

#define MAX_FRAMES 4000

static AvmPitchFrame frames[MAX_FRAMES];
static float signal_buffer[192000 * 3];

typedef double (*Course) (double t, const double *parameters);

static double
steady (double t, const double *p)
{
  return p[0];
}

static double
glide (double t, const double *p)
{
  return p[0] * exp2 (p[1] * t / 1200.0);
}

/* p: Hz, cents, rate */
static double
vibrato (double t, const double *p)
{
  return p[0] * exp2 (p[1] * sin (2.0 * M_PI * p[2] * t) / 1200.0);
}

/* A complex of harmonics 1 / h^slope (those in `mask` only) on a course. */
static void
complex_tone (float *x, size_t n, double rate, Course course, const double *p,
    unsigned n_harmonics, double slope, unsigned mask)
{
  double phase = 0.0;

  for (size_t i = 0; i < n; i++) {
    double f0 = course ((double)i / rate, p), sum = 0.0;

    for (unsigned h = 1; h <= n_harmonics && h * f0 < 0.45 * rate; h++)
      if (mask & (1u << h))
        sum += cos (h * phase + h * h) / pow (h, slope);
    x[i] = (float)(0.2 * sum);
    phase += 2.0 * M_PI * course (((double)i + 0.5) / rate, p) / rate;
  }
}

static void
add_noise (float *x, size_t n, double sd)
{
  for (size_t i = 0; i < n; i++)
    x[i] += (float)(sd * avm_rng_normal (&avmcheck_rng));
}

/* In blocks of changing size, as streams come. */
static size_t
track (const float *x, size_t n, double rate)
{
  AvmPitchConfig config;
  AvmPitch *pitch;
  size_t n_frames = 0, at = 0;

  avm_pitch_config_init (&config, rate);
  pitch = avm_pitch_new (&config, NULL);
  CHECK (pitch != NULL, "rate %g", rate);
  if (pitch == NULL)
    return 0;
  while (at < n) {
    size_t block = 1 + avm_rng_u32 (&avmcheck_rng) % 5000;

    block = AVM_MIN (block, n - at);
    CHECK (
        n_frames + avm_pitch_max_frames (pitch, block) <= MAX_FRAMES, "room");
    n_frames += avm_pitch_do (pitch, x + at, block, frames + n_frames);
    at += block;
  }
  n_frames += avm_pitch_finish (pitch, frames + n_frames);
  avm_pitch_free (pitch);
  CHECK (n_frames == (size_t)ceil ((double)n / rate / config.hop - 1e-9),
      "%zu frames of %zu samples", n_frames, n);
  return n_frames;
}

/* RMS error in cents and the share of voiced frames, 0.1 s from the ends. */
static double
judge (size_t n, Course course, const double *p, double *voiced)
{
  double sum = 0.0;
  size_t count = 0, total = 0;

  for (size_t i = 10; i + 10 < n; i++, total++) {
    double e;

    CHECK (isfinite (frames[i].f0), "frame %zu", i);
    CHECK_NEAR (frames[i].time, 0.01 * (double)i, 1e-9, 0.0, "time");
    if (!(frames[i].f0 > 0.0f))
      continue;
    e = avm_cents (frames[i].f0, course (frames[i].time, p));
    sum += e * e;
    count++;
  }
  *voiced = total > 0 ? (double)count / (double)total : 0.0;
  return count > 0 ? sqrt (sum / (double)count) : 1e9;
}

static void
check_course (const char *what, double rate, Course course, const double *p,
    unsigned n_harmonics, double slope, unsigned mask, double noise,
    double tolerance)
{
  size_t n = (size_t)(1.5 * rate), n_frames;
  double voiced, rms;

  complex_tone (signal_buffer, n, rate, course, p, n_harmonics, slope, mask);
  add_noise (signal_buffer, n, noise);
  n_frames = track (signal_buffer, n, rate);
  rms = judge (n_frames, course, p, &voiced);
  printf ("%-34s %7.0f Hz: %.3f cents RMS, %.1f %% voiced\n", what, rate, rms,
      100.0 * voiced);
  CHECK (rms < tolerance, "%s at %g: %g cents", what, rate, rms);
  CHECK (voiced > 0.99, "%s at %g: %g voiced", what, rate, voiced);
}

static void
check_tones (void)
{
  static const double rates[] = {8000, 16000, 22050, 44100, 48000, 192000};
  static const double pitches[] = {62.0, 98.0, 196.0, 440.0, 880.0, 1567.0};
  char name[64];

  for (size_t r = 0; r < sizeof (rates) / sizeof (rates[0]); r++)
    for (size_t i = 0; i < sizeof (pitches) / sizeof (pitches[0]); i++) {
      snprintf (name, sizeof (name), "complex %.0f Hz", pitches[i]);
      check_course (
          name, rates[r], steady, &pitches[i], 12, 1.0, ~0u, 1e-4, 0.3);
      snprintf (name, sizeof (name), "sine %.0f Hz", pitches[i]);
      check_course (
          name, rates[r], steady, &pitches[i], 1, 1.0, ~0u, 1e-5, 0.3);
    }
}

static void
check_courses (void)
{
  static const double up[] = {220.0, 600.0}, down[] = {660.0, -900.0};
  static const double wide[] = {440.0, 40.0, 8.0};
  static const double low[] = {73.4, 20.0, 6.0};
  static const double high[] = {1318.5, 30.0, 7.0};
  static const double f196[] = {196.0};

  check_course ("glide up", 44100, glide, up, 10, 1.0, ~0u, 1e-4, 0.5);
  check_course ("glide down", 48000, glide, down, 10, 1.0, ~0u, 1e-4, 0.5);
  /* flattened by no more than 2 cents: these leave a margin */
  check_course (
      "vibrato 40 c 8 Hz", 44100, vibrato, wide, 10, 1.0, ~0u, 5e-3, 1.0);
  check_course (
      "vibrato, cello D2", 48000, vibrato, low, 20, 1.0, ~0u, 1e-3, 1.0);
  check_course (
      "vibrato, violin E6", 44100, vibrato, high, 6, 1.0, ~0u, 1e-3, 1.0);
  /* octave traps */
  check_course (
      "no fundamental", 44100, steady, f196, 8, 0.5, ~(1u << 1), 1e-4, 0.5);
  check_course (
      "weak odd harmonics", 44100, steady, f196, 2, -1.0, ~0u, 1e-4, 0.5);
  check_course ("odd harmonics only", 44100, steady, f196, 9, 0.5,
      (1u << 1) | (1u << 3) | (1u << 5) | (1u << 7), 1e-4, 0.5);
}

static void
check_unvoiced (void)
{
  size_t n = 66150, n_frames, voiced = 0;

  memset (signal_buffer, 0, n * sizeof (float));
  n_frames = track (signal_buffer, n, 44100.0);
  for (size_t i = 0; i < n_frames; i++)
    CHECK (frames[i].f0 == 0.0f && frames[i].confidence < 0.01f,
        "silence at %zu: %g", i, (double)frames[i].f0);
  add_noise (signal_buffer, n, 0.1);
  n_frames = track (signal_buffer, n, 44100.0);
  for (size_t i = 0; i < n_frames; i++)
    voiced += frames[i].f0 != 0.0f;
  CHECK (voiced < n_frames / 20, "%zu of %zu noise frames voiced", voiced,
      n_frames);
  /* a tone between rests: on and off within 30 ms */
  complex_tone (
      signal_buffer, n, 44100.0, steady, (const double[]){330.0}, 8, 1.0, ~0u);
  memset (signal_buffer, 0, 22050 * sizeof (float));
  memset (signal_buffer + 44100, 0, 22050 * sizeof (float));
  n_frames = track (signal_buffer, n, 44100.0);
  for (size_t i = 0; i < n_frames; i++) {
    double t = frames[i].time;

    if (t > 0.53 && t < 0.97)
      CHECK (frames[i].f0 > 0.0f, "tone at %g", t);
    if (t < 0.47 || t > 1.03)
      CHECK (frames[i].f0 == 0.0f, "rest at %g", t);
  }
}

static void
check_edges (void)
{
  AvmPitchConfig config;
  AvmError error;
  AvmPitch *pitch;
  float bad[3000];
  size_t n;

  avm_pitch_config_init (&config, 44100.0);
  pitch = avm_pitch_new (&config, &error);
  CHECK (avm_pitch_finish (pitch, frames) == 0, "no samples, no frames");
  bad[0] = 0.5f;
  CHECK (avm_pitch_do (pitch, bad, 1, frames) == 0, "one sample");
  CHECK (avm_pitch_finish (pitch, frames) == 1 && frames[0].f0 == 0.0f,
      "one sample is one unvoiced frame");
  for (size_t i = 0; i < 3000; i++)
    bad[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -1e30f;
  n = avm_pitch_do (pitch, bad, 3000, frames);
  n += avm_pitch_finish (pitch, frames + n);
  CHECK (n == 7, "%zu frames of NaN", n);
  for (size_t i = 0; i < n; i++)
    CHECK (isfinite (frames[i].f0) && isfinite (frames[i].confidence),
        "NaN in, %g out", (double)frames[i].f0);
  CHECK (avm_pitch_latency (pitch) > config.lookback
          && avm_pitch_latency (pitch) < 0.4,
      "latency %g", avm_pitch_latency (pitch));
  avm_pitch_free (pitch);
  config.fmin = 500.0;
  config.fmax = 600.0;
  CHECK (
      avm_pitch_new (&config, &error) == NULL && error.code == AVM_ERROR_RANGE,
      "fmin and fmax");
  avm_pitch_config_init (&config, NAN);
  CHECK (avm_pitch_new (&config, &error) == NULL, "rate NaN");
}

/* Guesses are the negative of what would have been tracked. */
static void
check_guess (void)
{
  AvmPitchConfig config;
  AvmPitch *pitch;
  size_t n, guesses = 0;

  complex_tone (signal_buffer, 22050, 44100.0, steady, (const double[]){250.0},
      8, 1.0, ~0u);
  add_noise (signal_buffer, 22050, 0.35);
  avm_pitch_config_init (&config, 44100.0);
  config.guess = true;
  pitch = avm_pitch_new (&config, NULL);
  n = avm_pitch_do (pitch, signal_buffer, 22050, frames);
  n += avm_pitch_finish (pitch, frames + n);
  for (size_t i = 0; i < n; i++)
    guesses += frames[i].f0 != 0.0f;
  CHECK (guesses > n / 2, "%zu of %zu", guesses, n);
  avm_pitch_free (pitch);
}

static void
check_decimator (void)
{
  static float out[20100];

  for (unsigned factor = 1; factor <= 13; factor++) {
    AvmDecimator *d = avm_decimator_new (factor);
    size_t n = 20011, got = 0, at = 0;
    double worst = 0.0;

    for (size_t i = 0; i < n; i++)
      signal_buffer[i] = (float)sin (0.3 * (double)i / factor);
    while (at < n) {
      size_t block = 1 + avm_rng_u32 (&avmcheck_rng) % 700;

      block = AVM_MIN (block, n - at);
      got += avm_decimator_do (d, signal_buffer + at, block, out + got);
      at += block;
    }
    got += avm_decimator_finish (d, out + got);
    CHECK (got == (n + factor - 1) / factor, "factor %u: %zu", factor, got);
    for (size_t i = 40; i + 40 < got; i++)
      worst = fmax (worst, fabs (out[i] - sin (0.3 * (double)i)));
    CHECK (worst < 1e-3, "factor %u: %g", factor, worst);
    avm_decimator_free (d);
  }
  CHECK (avm_decimator_new (0) == NULL, "factor 0");
}

static void
check_demod (void)
{
  enum {
    N = 512,
    H = 7
  };
  float *x0 = avm_alloc (N, 4), *x1 = avm_alloc (N, 4);
  float *re = avm_alloc (N, 4), *im = avm_alloc (N, 4);
  float *scratch = avm_alloc (2 * N, 4);
  AvmDemodCourse course = {0.031, 2e-5, -3e-8};
  AvmComplex c0[H], c1[H];

  for (size_t i = 0; i < N; i++) {
    x0[i] = (float)avm_rng_normal (&avmcheck_rng);
    x1[i] = (float)avm_rng_normal (&avmcheck_rng);
  }
  avm_demod_oscillator (&course, -256.0, N, re, im);
  avm_demod_correlate (x0, x1, re, im, N, H, c0, c1, scratch);
  for (unsigned h = 1; h <= H; h++) {
    double sum[4] = {0};

    for (int i = 0; i < N; i++) {
      double t = i - 256.0;
      double phase = 2.0 * M_PI * h * t
          * (course.f0 + t * (course.f1 / 2.0 + t * course.f2 / 6.0));

      sum[0] += x0[i] * cos (phase);
      sum[1] -= x0[i] * sin (phase);
      sum[2] += x1[i] * cos (phase);
      sum[3] -= x1[i] * sin (phase);
    }
    CHECK_NEAR (c0[h - 1].re, sum[0], 2e-3, 0.0, "c0 re %u", h);
    CHECK_NEAR (c0[h - 1].im, sum[1], 2e-3, 0.0, "c0 im %u", h);
    CHECK_NEAR (c1[h - 1].re, sum[2], 2e-3, 0.0, "c1 re %u", h);
    CHECK_NEAR (c1[h - 1].im, sum[3], 2e-3, 0.0, "c1 im %u", h);
  }
  avm_free (x0);
  avm_free (x1);
  avm_free (re);
  avm_free (im);
  avm_free (scratch);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_decimator ();
  check_demod ();
  check_tones ();
  check_courses ();
  check_unvoiced ();
  check_edges ();
  check_guess ();
  return avmcheck_report ();
}
