/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Score-informed F0 in mixtures with closed-form truth: single tones, chords
 * whose harmonics collide, vibrato whose depth must survive, rests, notes
 * outside the sound, and bad notes.
 */

#include "avmcheck.h"
#include "dsp/avm-jointfit.h"
#include "dsp/avm-scorepitch.h"

#define RATE 16000.0
#define SECONDS 3
#define N ((size_t)(RATE * SECONDS))
#define MAX_TONES 6

typedef struct {
  double onset, duration, pitch; /* s, s, MIDI */
  double cents, depth, rate;     /* off the score, vibrato +-cents, Hz */
  int part;
} Tone;

static double mix[SECONDS * 16000];
static int16_t samples[SECONDS * 16000];

static double
truth (const Tone *tone, double t)
{
  return avm_midi_to_hz (tone->pitch)
      * exp2 ((tone->cents + tone->depth * sin (2.0 * M_PI * tone->rate * t))
          / 1200.0);
}

static void
add_tone (const Tone *tone)
{
  size_t first = (size_t)(tone->onset * RATE);
  size_t n = (size_t)(tone->duration * RATE);
  double phase = 0.0;

  for (size_t i = 0; i < n && first + i < N; i++) {
    double t = (double)(first + i) / RATE, f0 = truth (tone, t), sum = 0.0;
    double attack = fmin (1.0, (double)i / (0.04 * RATE));
    double release = fmin (1.0, (double)(n - i) / (0.05 * RATE));

    for (int h = 1; h <= 20 && h * f0 < 0.45 * RATE; h++)
      sum += cos (h * phase + 1.7 * h * h) / h;
    mix[first + i] += 0.1 * sum * attack * release;
    phase += 2.0 * M_PI * truth (tone, t + 0.5 / RATE) / RATE;
  }
}

static AvmScorePitch *
analyse (const Tone *tones, size_t n, unsigned n_parts, double tuning)
{
  AvmScorePitchConfig config = {RATE, 0.01, tuning, n_parts};
  AvmScorePitchNote notes[MAX_TONES];
  AvmScorePitch *self = avm_scorepitch_new (&config, NULL);
  AvmError error = {AVM_OK, -1, ""};

  memset (mix, 0, sizeof (mix));
  for (size_t i = 0; i < n; i++) {
    add_tone (&tones[i]);
    notes[i] = (AvmScorePitchNote){
        tones[i].onset + avm_rng_range (&avmcheck_rng, -0.02, 0.02),
        tones[i].duration, tones[i].pitch, tones[i].part};
  }
  for (size_t i = 0; i < N; i++)
    samples[i] = (int16_t)lrint (
        32768.0 * (mix[i] + 1e-4 * avm_rng_normal (&avmcheck_rng)));
  CHECK (avm_scorepitch_do (self, samples, N, notes, n, NULL, NULL, &error),
      "%s", error.detail);
  CHECK (avm_scorepitch_n_frames (self) == SECONDS * 100, "frames");
  return self;
}

/* Error in cents (RMS), and the gain of the modulation. */
static void
judge (AvmScorePitch *self, const Tone *tone, unsigned n_parts, double *rms,
    double *gain, double *known)
{
  float row[2 * MAX_TONES];
  double sum = 0.0, cross = 0.0, power = 0.0;
  int count = 0, all = 0;

  for (size_t i = 0; i < avm_scorepitch_n_frames (self); i++) {
    double t = 0.01 * (double)i, e, v;

    if (t < tone->onset + 0.06 || t > tone->onset + tone->duration - 0.06)
      continue;
    all++;
    avm_scorepitch_row (self, i, row);
    if (!(row[tone->part] > 0.0f && row[n_parts + tone->part] > 0.3f))
      continue;
    e = avm_cents ((double)row[tone->part], truth (tone, t));
    v = tone->depth * sin (2.0 * M_PI * tone->rate * t);
    sum += e * e;
    cross += (e + v) * v;
    power += v * v;
    count++;
  }
  *known = all > 0 ? (double)count / all : 0.0;
  *rms = count > 0 ? sqrt (sum / count) : 1e9;
  *gain = power > 0.0 ? cross / power : 1.0;
}

static void
check_mixture (const char *what, const Tone *tones, size_t n, unsigned n_parts,
    double tolerance, double gain_tolerance)
{
  AvmScorePitch *self = analyse (tones, n, n_parts, NAN);

  for (size_t i = 0; i < n; i++) {
    double rms, gain, known;

    judge (self, &tones[i], n_parts, &rms, &gain, &known);
    printf ("%-22s part %d: %.2f cents RMS, gain %.3f, %.0f %% known\n", what,
        tones[i].part, rms, gain, 100.0 * known);
    CHECK (rms < tolerance, "%s, note %zu: %g cents", what, i, rms);
    CHECK (fabs (gain - 1.0) < gain_tolerance, "%s, note %zu: gain %g", what, i,
        gain);
    CHECK (known > 0.8, "%s, note %zu: %g known", what, i, known);
  }
  avm_scorepitch_free (self);
}

static void
check_mixtures (void)
{
  static const Tone alone[] = {{0.5, 2.0, 67, 8, 30, 7.5, 0}};
  static const Tone fifth[] = {
      {0.3, 2.4, 55, 4, 15, 5.2, 1}, {0.3, 2.4, 62, -6, 35, 6.4, 0}};
  static const Tone octave[] = {
      {0.3, 2.4, 50, 0, 0, 5, 1}, {0.3, 2.4, 62, 3, 20, 6.0, 0}};
  static const Tone five[] = {{0.2, 2.6, 43, 5, 10, 5.1, 4},
      {0.2, 2.6, 55, -4, 0, 5, 3}, {0.4, 2.0, 62, 6, 25, 6.6, 2},
      {0.2, 2.6, 71, 0, 30, 5.8, 1}, {0.5, 2.0, 79, 7, 40, 7.0, 0}};
  static const Tone melody[] = {{0.2, 0.8, 64, 5, 25, 6, 0},
      {1.0, 0.8, 66, 5, 25, 6, 0}, {1.8, 0.8, 57, 5, 25, 6, 0},
      {0.2, 2.4, 48, 5, 12, 5, 1}};

  /* a singer's vibrato, flat, over strings */
  static const Tone wide[] = {{0.2, 2.6, 36, 0, 0, 5, 4},
      {0.2, 2.6, 57, 3, 10, 5.3, 3}, {0.2, 2.6, 55, -4, 0, 5, 2},
      {0.3, 2.4, 69, 6, 12, 5.1, 1}, {0.4, 2.2, 64, -16, 50, 6.7, 0}};

  check_mixture ("alone", alone, 1, 1, 0.5, 0.02);
  check_mixture ("fifth", fifth, 2, 2, 2.0, 0.05);
  check_mixture ("octave", octave, 2, 2, 4.0, 0.15);
  check_mixture ("five parts", five, 5, 5, 4.0, 0.1);
  check_mixture ("melody", melody, 4, 2, 4.0, 0.1);
  check_mixture ("wide", wide, 5, 5, 10.0, 0.12);
}

static void
check_tuning (void)
{
  static const Tone tones[] = {{0.2, 1.2, 60, -38, 0, 5, 0},
      {1.4, 1.2, 65, -38, 0, 5, 0}, {0.2, 2.4, 50, -38, 20, 6, 1}};
  AvmScorePitch *self = analyse (tones, 3, 2, NAN);

  CHECK_NEAR (avm_scorepitch_tuning (self), -38.0, 8.0, 0.0, "tuning");
  avm_scorepitch_free (self);
  self = analyse (tones, 3, 2, -38.0);
  CHECK (avm_scorepitch_tuning (self) == -38.0, "given tuning");
  avm_scorepitch_free (self);
}

/* A part rests with 0; a note that nobody plays is not known. */
static void
check_silence (void)
{
  static const Tone tones[] = {{0.5, 1.0, 60, 0, 0, 5, 0}};
  AvmScorePitchConfig config = {RATE, 0.01, 0.0, 2};
  AvmScorePitchNote notes[] = {{0.5, 1.0, 60, 0}, {1.8, 1.0, 72, 1},
      {50.0, 1.0, 60, 0}, {-5.0, 1.0, 60, 0}, {1.0, 1.0, 126, 1},
      {NAN, 1.0, 60, 0}, {1.0, INFINITY, 60, 0}};
  AvmScorePitch *self = avm_scorepitch_new (&config, NULL);
  float row[4];
  int sure = 0;

  memset (mix, 0, sizeof (mix));
  add_tone (&tones[0]);
  for (size_t i = 0; i < N; i++)
    samples[i] = (int16_t)lrint (32768.0 * mix[i]);
  CHECK (avm_scorepitch_do (self, samples, N, notes, 7, NULL, NULL, NULL),
      "silence");
  for (size_t i = 0; i < avm_scorepitch_n_frames (self); i++) {
    avm_scorepitch_row (self, i, row);
    if (i < 45 || i > 155)
      CHECK (row[0] == 0.0f && row[2] == 0.0f, "rest at %zu", i);
    sure += i > 185 && i < 275 && row[1] > 0.0f && row[3] > 0.5f;
  }
  CHECK (sure < 10, "%d sure frames of a note that is silent", sure);
  avm_scorepitch_free (self);
}

static bool
refuse (void *user, double share)
{
  CHECK (share >= 0.0 && share <= 1.0, "share %g", share);
  return false;
}

static void
check_edges (void)
{
  AvmScorePitchConfig config = {RATE, 0.01, NAN, 1};
  AvmScorePitchNote note = {0.0, 1.0, 60, 0};
  AvmScorePitch *self = avm_scorepitch_new (&config, NULL);
  AvmError error;
  float row[2];

  CHECK (avm_scorepitch_do (self, samples, 0, &note, 1, NULL, NULL, &error)
          && avm_scorepitch_n_frames (self) == 0,
      "no samples");
  CHECK (avm_scorepitch_do (self, samples, 1, &note, 1, NULL, NULL, &error)
          && avm_scorepitch_n_frames (self) == 1,
      "one sample");
  avm_scorepitch_row (self, 0, row);
  CHECK (row[1] >= 0.0f && row[1] <= 1.0f, "one sample: %g", (double)row[1]);
  CHECK (avm_scorepitch_do (self, samples, N, NULL, 0, NULL, NULL, &error),
      "no notes");
  CHECK (!avm_scorepitch_do (self, samples, N, &note, 1, refuse, NULL, &error)
          && error.code == AVM_ERROR_CANCELLED,
      "cancel");
  note.part = 1;
  CHECK (!avm_scorepitch_do (self, samples, N, &note, 1, NULL, NULL, &error)
          && error.code == AVM_ERROR_RANGE,
      "part out of range");
  avm_scorepitch_free (self);
  config.rate = 100.0;
  CHECK (avm_scorepitch_new (&config, &error) == NULL, "rate");
}

/* Two partials 20 Hz apart in a window that does not resolve them alone. */
static void
check_joint_fit (void)
{
  enum {
    HALF = 448
  };
  static float x[2 * HALF + 1];
  AvmJointFit *fit = avm_jointfit_new (HALF);
  AvmJointVoice voices[2] = {
      {{400.5 / RATE, 0, 0}, 1}, {{420.0 / RATE, 0, 0}, 1}};

  for (int i = 0; i < 2 * HALF + 1; i++) {
    double t = (i - HALF) / RATE;

    x[i] = (float)(cos (2 * M_PI * 400.0 * t + 1.0)
        + 0.5 * cos (2 * M_PI * 421.0 * t + 2.0));
  }
  avm_jointfit_do (fit, x, voices, 2);
  CHECK_NEAR (voices[0].shift * RATE, -0.5, 0.25, 0.0, "lower");
  CHECK_NEAR (voices[1].shift * RATE, 1.0, 0.35, 0.0, "upper");
  CHECK (voices[0].level > voices[1].level, "levels");
  avm_jointfit_free (fit);
  CHECK (avm_jointfit_new (3) == NULL, "tiny window");
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_joint_fit ();
  check_mixtures ();
  check_tuning ();
  check_silence ();
  check_edges ();
  return avmcheck_report ();
}
