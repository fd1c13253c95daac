/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pitchgram against what its header promises of sines and steps, the one
 * made from a score against the one made from its sound, and the features.
 */

#include "avmcheck.h"
#include "dsp/avm-chroma.h"

/* A sine of this MIDI number from `begin` to `end` s, added. */
static void
add_sine (float *x, size_t n, double rate, double midi, double amplitude,
    double begin, double end)
{
  double omega = 2.0 * M_PI * avm_midi_to_hz (midi) / rate;
  double phase = avm_rng_range (&avmcheck_rng, 0, 6.28);

  for (size_t i = 0; i < n; i++) {
    double t = (double)i / rate;

    if (t >= begin && t < end)
      x[i] += (float)(amplitude * sin (omega * (double)i + phase));
  }
}

static AvmPitchgram *
analyse (const float *x, size_t n, double rate, double frame_rate,
    double tuning, bool whole)
{
  AvmPitchgram *gram = avm_pitchgram_new (rate, frame_rate, tuning);

  CHECK (gram != NULL, "%g Hz", rate);
  for (size_t at = 0; at < n;) {
    size_t part = whole ? n : 1 + avm_rng_u32 (&avmcheck_rng) % 5000;

    part = AVM_MIN (part, n - at);
    CHECK (avm_pitchgram_push (gram, x + at, part), "push");
    at += part;
  }
  CHECK (avm_pitchgram_finish (gram), "finish");
  return gram;
}

static void
check_sine (double rate, int midi)
{
  size_t n = (size_t)rate;
  float *x = avm_alloc (n, sizeof (float));
  const double amplitude = 0.3;
  const double expected = 220.0 + 40.0 * log10 (amplitude);
  AvmPitchgram *gram;
  const uint8_t *frame;
  int worst = 0;

  add_sine (x, n, rate, midi, amplitude, 0, 2);
  gram = analyse (x, n, rate, 50, 0, false);
  CHECK (avm_pitchgram_n_frames (gram) == 50, "%zu frames",
      avm_pitchgram_n_frames (gram));
  frame = avm_pitchgram_frame (gram, 25);
  CHECK_NEAR (frame[midi - AVM_PITCH_LOW], expected, 1.5, 0,
      "level of %d at %g Hz", midi, rate);
  CHECK_NEAR (avm_pitchgram_amplitude (frame[midi - AVM_PITCH_LOW]), amplitude,
      0.02, 0, "amplitude of %d", midi);
  for (int p = 0; p < AVM_N_PITCHES; p++) {
    if (abs (p + AVM_PITCH_LOW - midi) >= 2)
      worst = AVM_MAX (worst, frame[p]);
  }
  /* filters as long as they want to be, from about MIDI 44 to 88 */
  if (midi >= 45)
    CHECK (worst < expected - 50, "%d leaks %d half decibels below, %g Hz",
        midi, (int)expected - worst, rate);
  avm_pitchgram_free (gram);
  avm_free (x);
}

/* A tone that begins reaches half its amplitude when it begins. */
static void
check_step (int midi)
{
  const double rate = 22050, begin = avm_rng_range (&avmcheck_rng, 0.5, 0.6);
  size_t n = 22050, i;
  float *x = avm_alloc (n, sizeof (float));
  AvmPitchgram *gram;
  double time = -1.0, before = 0.0;

  add_sine (x, n, rate, midi, 0.5, begin, 2);
  gram = analyse (x, n, rate, 100, 0, true);
  for (i = 1; i < avm_pitchgram_n_frames (gram); i++) {
    double here = avm_pitchgram_amplitude (
        avm_pitchgram_frame (gram, i)[midi - AVM_PITCH_LOW]);

    if (here >= 0.25) {
      time = ((double)i - (here - 0.25) / (here - before)) / 100;
      break;
    }
    before = here;
  }
  CHECK_NEAR (time, begin, 0.006, 0, "onset of %d", midi);
  avm_pitchgram_free (gram);
  avm_free (x);
}

static void
check_pieces (void)
{
  const size_t n = 60000;
  float *x = avm_alloc (n, sizeof (float));
  AvmPitchgram *a, *b;
  bool same = true;

  for (size_t i = 0; i < n; i++)
    x[i] = (float)avm_rng_normal (&avmcheck_rng) * 0.1f;
  a = analyse (x, n, 16000, 50, NAN, true);
  b = analyse (x, n, 16000, 50, NAN, false);
  CHECK (avm_pitchgram_n_frames (a) == 187 && avm_pitchgram_n_frames (b) == 187,
      "%zu and %zu frames", avm_pitchgram_n_frames (a),
      avm_pitchgram_n_frames (b));
  for (size_t i = 0; i < 187; i++)
    same &= memcmp (avm_pitchgram_frame (a, i), avm_pitchgram_frame (b, i),
                AVM_N_PITCHES)
        == 0;
  CHECK (same, "however it is pushed");
  CHECK (!avm_pitchgram_push (a, x, 1), "nothing after the end");
  avm_pitchgram_free (a);
  avm_pitchgram_free (b);
  avm_free (x);
}

static void
check_tuning (double cents)
{
  const size_t n = 22050 * 4;
  float *x = avm_alloc (n, sizeof (float));
  AvmPitchgram *gram;

  for (int k = 0; k < 8; k++) {
    double midi = 55 + avm_rng_u32 (&avmcheck_rng) % 24 + cents / 100;

    for (int h = 1; h <= 4; h++)
      add_sine (
          x, n, 22050, midi + 12 * log2 (h), 0.1 / h, 0.5 * k, 0.5 * k + 0.45);
  }
  gram = analyse (x, n, 22050, 50, NAN, false);
  CHECK_NEAR (
      avm_pitchgram_tuning (gram), cents, 3.0, 0, "tuning of %g", cents);
  avm_pitchgram_free (gram);
  avm_free (x);
}

static AvmScore *
make_score (void)
{
  AvmScore *score = avm_score_new ();

  avm_score_add_part (score, "a", -1, 0);
  avm_score_add_part (score, "drums", -1, 9);
  for (int k = 0; k < 6; k++) {
    AvmNote note = {0.4 * k, 0.4, 0.8 * k, 0.8, 57 + 5 * k % 12, 100, 0};

    avm_score_add_note (score, &note);
    note.part = 1;
    note.pitch = 40;
    avm_score_add_note (score, &note);
  }
  avm_score_sort (score);
  return score;
}

/* The formula of the score's ramps against the sound of the same notes. */
static void
check_score (void)
{
  const double rate = 22050, lead = 0.5;
  const size_t n = (size_t)(rate * 3.4);
  float *x = avm_alloc (n, sizeof (float));
  AvmScore *score = make_score ();
  AvmPitchgram *sound, *written;
  int near = 0, all = 0;

  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (note->part == 0)
      add_sine (x, n, rate, note->pitch + 2, 0.1, lead + note->onset,
          lead + note->onset + note->duration);
  }
  sound = analyse (x, n, rate, 50, 0, true);
  written = avm_pitchgram_new_from_score (score, 50, lead, 1.0, 0.5, 2);
  CHECK (written != NULL && avm_pitchgram_n_frames (written) == 170,
      "%zu frames", avm_pitchgram_n_frames (written));
  for (size_t k = 0; k < score->n_notes; k++) {
    const AvmNote *note = &score->notes[k];
    int p = note->pitch + 2 - AVM_PITCH_LOW;

    if (note->part != 0)
      continue;
    for (size_t i = (size_t)((lead + note->onset - 0.04) * 50);
         i < (size_t)((lead + note->onset + 0.3) * 50); i++) {
      /* levels differ by the velocity's and the decay's few decibels */
      int a = avm_pitchgram_frame (sound, i)[p];
      int b = avm_pitchgram_frame (written, i)[p];

      if (a > 140 || b > 140) {
        all++;
        near += abs (a - b) < 12;
      }
    }
  }
  CHECK (all > 60 && near > 0.9 * all, "%d of %d frames alike", near, all);
  avm_pitchgram_free (sound);
  avm_pitchgram_free (written);
  avm_score_free (score);
  avm_free (x);
}

static void
check_features (void)
{
  AvmScore *score = make_score ();
  AvmPitchgram *gram =
      avm_pitchgram_new_from_score (score, 50, 1.0, 1.0, 1.0, 0);
  AvmFeatures *fine = avm_features_new (gram, 1);
  AvmFeatures *coarse = avm_features_new (gram, 8);
  const float *x;
  int best = 0, onsets = 0;

  CHECK (fine != NULL && fine->n == avm_pitchgram_n_frames (gram), "rows");
  CHECK (coarse->n == (fine->n + 7) / 8, "coarse rows");
  for (size_t i = 0; i < fine->n; i++) {
    double norm = 0.0, onset = 0.0;

    x = fine->values + i * AVM_N_FEATURES;
    for (int c = 0; c < 12; c++) {
      norm += x[c] * x[c];
      onset += x[12 + c] * x[12 + c];
    }
    CHECK_NEAR (norm, 1.0, 1e-4, 0, "length of row %zu", i);
    CHECK (onset < 2.5, "onset of row %zu is %g", i, onset);
    onsets += onset > 0.3;
  }
  CHECK (onsets >= 6, "%d rows with onsets", onsets);
  x = fine->values + 5 * AVM_N_FEATURES;
  CHECK_NEAR (x[0], x[7], 1e-6, 0, "silence is all alike");
  /* the middle of the second note, MIDI 62 */
  x = fine->values + (size_t)(1.6 * 50) * AVM_N_FEATURES;
  for (int c = 0; c < 12; c++)
    best = x[c] > x[best] ? c : best;
  CHECK (best == 2, "strongest chroma %d", best);
  avm_features_free (fine);
  avm_features_free (coarse);
  avm_pitchgram_free (gram);
  avm_score_free (score);
}

static void
check_active (void)
{
  const size_t n = 16000 * 3;
  float *x = avm_alloc (n, sizeof (float));
  AvmPitchgram *gram;
  size_t first, end;

  gram = analyse (x, n, 16000, 50, NAN, true);
  CHECK (!avm_pitchgram_active (gram, 45, &first, &end), "silence");
  CHECK (avm_pitchgram_tuning (gram) == 0.0, "silence has no tuning");
  avm_pitchgram_free (gram);
  add_sine (x, n, 16000, 69, 0.5, 1.0, 2.0);
  gram = analyse (x, n, 16000, 50, 0, true);
  CHECK (avm_pitchgram_active (gram, 20, &first, &end), "sound");
  CHECK (abs ((int)first - 50) < 4 && abs ((int)end - 100) < 4,
      "sound from %zu to %zu", first, end);
  avm_pitchgram_free (gram);
  avm_free (x);
}

static void
check_mixing (void)
{
  const float in[8] = {1, 3, NAN, 2, INFINITY, -1e9f, -4, 0};
  const int16_t samples[4] = {-32768, -32768, 16384, 0};
  float out[4];

  CHECK (avm_mix_down_f32 (in, 4, 2, out) == 3, "three are no numbers");
  CHECK (out[0] == 2 && out[1] == 1 && out[2] == 0 && out[3] == -2,
      "%g %g %g %g", out[0], out[1], out[2], out[3]);
  avm_mix_down_s16 (samples, 2, 2, out);
  CHECK_NEAR (out[0], -1.0, 1e-6, 0, "full scale");
  CHECK_NEAR (out[1], 0.25, 1e-6, 0, "half of a half");
}

static void
check_ranges (void)
{
  AvmScore *score = make_score ();

  CHECK (avm_pitchgram_new (0, 50, 0) == NULL, "no rate");
  CHECK (avm_pitchgram_new (NAN, 50, 0) == NULL, "not a number");
  CHECK (avm_pitchgram_new (48000, 1, 0) == NULL, "too slow");
  CHECK (avm_pitchgram_new (48000, 4000, 0) == NULL, "too fast");
  CHECK (
      avm_pitchgram_new_from_score (score, 50, 1, 0, 1, 0) == NULL, "no scale");
  avm_pitchgram_free (NULL);
  avm_features_free (NULL);
  avm_score_free (score);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  for (int midi = 38; midi < 100; midi += 7) {
    check_sine (22050, midi);
    check_sine (48000, midi);
  }
  check_sine (8000, 60);
  check_sine (192000, 60);
  for (int midi = 55; midi < 96; midi += 10)
    check_step (midi);
  check_pieces ();
  check_tuning (30);
  check_tuning (-45);
  check_tuning (0);
  check_score ();
  check_features ();
  check_active ();
  check_mixing ();
  check_ranges ();
  return avmcheck_report ();
}
