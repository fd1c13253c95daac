/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Alignment of constructed performances: harmonic tones with a given attack,
 * placed by a warped tempo, so that every onset is known.
 */

#include "avmcheck.h"
#include "dsp/avm-align.h"

#define RATE 16000.0
#define N_NOTES 40

typedef struct {
  AvmScore *score;
  double onsets[2 * N_NOTES], ends[2 * N_NOTES]; /* by note of the score */
  float *samples;
  size_t n;
} Case;

static void
add_tone (Case *c, double midi, double begin, double end, double attack)
{
  size_t first = (size_t)(begin * RATE);
  size_t last = AVM_MIN ((size_t)((end + 0.03) * RATE), c->n);

  for (int h = 1; h <= 6; h++) {
    double omega = 2.0 * M_PI * avm_midi_to_hz (midi) * h;
    double phase = avm_rng_range (&avmcheck_rng, 0, 6.28);

    for (size_t i = first; i < last; i++) {
      double t = (double)i / RATE - begin;
      double level = AVM_MIN (t / attack, 1.0)
          * AVM_CLAMP ((end + 0.03 - begin - t) / 0.03, 0.0, 1.0);

      c->samples[i] += (float)(0.1 / h * level * sin (omega * t + phase));
    }
  }
}

/* Performance time of a beat: a tempo that swings by a third about `scale`
 * seconds per beat. */
static double
perform (double beat, double lead, double scale)
{
  return lead + scale * (beat + 1.3 * sin (beat / 4.0));
}

static Case
make_case (
    double lead, double scale, double tail, double transposed, double attack)
{
  static const int steps[] = {
      0, 4, 7, 2, 5, 9, 11, 12, 7, 4, 3, 6, 10, 8, 1, 5};
  Case c = {.score = avm_score_new ()};

  avm_score_add_part (c.score, "upper", -1, 0);
  avm_score_add_part (c.score, "lower", -1, 1);
  for (int part = 0; part < 2; part++) {
    double beat = 0.0;

    for (int i = 0; i < N_NOTES / (part + 1); i++) {
      double beats = part == 0 ? 1.0 : 2.0;
      AvmNote note = {beat * 0.5, beats * 0.5, beat, beats,
          (part == 0 ? 64 : 48)
              + steps[(i * (part + 3) + (int)(avm_rng_u32 (&avmcheck_rng) % 3))
                  % 16],
          80, part};

      avm_score_add_note (c.score, &note);
      beat += beats;
    }
  }
  avm_score_sort (c.score);
  c.n = (size_t)((perform (N_NOTES, lead, scale) + tail) * RATE);
  c.samples = avm_alloc (c.n, sizeof (float));
  for (size_t i = 0; i < c.n; i++)
    c.samples[i] = (float)avm_rng_normal (&avmcheck_rng) * 3e-4f;
  for (size_t i = 0; i < c.score->n_notes; i++) {
    const AvmNote *note = &c.score->notes[i];

    c.onsets[i] = perform (note->onset_beat, lead, scale);
    c.ends[i] = perform (note->onset_beat + note->duration_beat, lead, scale);
    add_tone (&c, note->pitch + transposed, c.onsets[i], c.ends[i], attack);
  }
  return c;
}

static void
free_case (Case *c)
{
  avm_score_free (c->score);
  avm_free (c->samples);
}

static AvmPitchgram *
listen (const Case *c)
{
  AvmPitchgram *gram = avm_pitchgram_new (RATE, 50, NAN);

  CHECK (gram != NULL && avm_pitchgram_push (gram, c->samples, c->n)
          && avm_pitchgram_finish (gram),
      "pitchgram");
  return gram;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static void
check_alignment (const char *name, const Case *c, const AvmAlignment *found,
    double median, double most)
{
  size_t n = c->score->n_notes, bad_ends = 0;
  double errors[2 * N_NOTES];
  double before = -1.0;
  bool seen[2 * N_NOTES] = {false}, sorted = true, once = true;

  CHECK (found->n_notes == n, "%s: %zu notes", name, found->n_notes);
  for (size_t i = 0; i < found->n_notes; i++) {
    const AvmAlignedNote *note = &found->notes[i];

    sorted &= note->onset >= before && note->duration > 0.0
        && note->confidence >= 0.0 && note->confidence <= 1.0;
    before = note->onset;
    once &= !seen[note->note];
    seen[note->note] = true;
    errors[i] = fabs (note->onset - c->onsets[note->note]);
    bad_ends +=
        fabs (note->onset + note->duration - c->ends[note->note]) > 0.15;
  }
  CHECK (sorted && once, "%s: order, durations", name);
  qsort (errors, n, sizeof (double), compare);
  CHECK (errors[n / 2] < median, "%s: median error %.1f ms", name,
      errors[n / 2] * 1e3);
  CHECK (errors[n * 95 / 100] < most, "%s: 95 %% of errors below %.1f ms", name,
      errors[n * 95 / 100] * 1e3);
  CHECK (bad_ends <= n / 10, "%s: %zu of %zu ends off", name, bad_ends, n);
}

static void
check_case (const char *name, double lead, double scale, double tail,
    double transposed, double attack, int transposition)
{
  Case c = make_case (lead, scale, tail, transposed, attack);
  AvmPitchgram *gram = listen (&c);
  AvmAlignConfig config;
  AvmAlignment *found;
  AvmError error = {AVM_OK, -1, ""};

  avm_align_config_init (&config);
  found = avm_align (c.score, gram, &config, &error);
  CHECK (found != NULL, "%s: %s", name, error.detail);
  if (found != NULL) {
    CHECK (found->transposition == transposition, "%s: transposition %d", name,
        found->transposition);
    CHECK (found->mean_cost > -0.01 && found->mean_cost < 0.25,
        "%s: mean cost %g", name, found->mean_cost);
    CHECK (fabs (found->begin - lead) < 0.3, "%s: begins at %g", name,
        found->begin);
    check_alignment (name, &c, found, 0.018 + attack / 3, 0.08);
  }
  avm_alignment_free (found);
  avm_pitchgram_free (gram);
  free_case (&c);
}

/* The band about a coarse path, and scarce memory, find the same. */
static void
check_band (void)
{
  Case c = make_case (1.0, 0.6, 1.0, 0, 0.01);
  AvmPitchgram *gram = listen (&c);
  AvmAlignConfig config;
  AvmAlignment *whole, *band, *scarce;
  double worst = 0.0;

  avm_align_config_init (&config);
  whole = avm_align (c.score, gram, &config, NULL);
  config.memory = 1;
  scarce = avm_align (c.score, gram, &config, NULL);
  config.max_cells = 1000;
  band = avm_align (c.score, gram, &config, NULL);
  CHECK (whole != NULL && band != NULL && scarce != NULL, "all three");
  for (size_t i = 0; i < whole->n_notes; i++) {
    CHECK (scarce->notes[i].onset == whole->notes[i].onset, "note %zu", i);
    worst = fmax (worst, fabs (band->notes[i].onset - whole->notes[i].onset));
  }
  CHECK (worst < 0.1, "the band differs by %g s", worst);
  avm_alignment_free (whole);
  avm_alignment_free (band);
  avm_alignment_free (scarce);
  avm_pitchgram_free (gram);
  free_case (&c);
}

static void
check_fixed (void)
{
  Case c = make_case (0.5, 0.5, 0.5, 0, 0.01);
  AvmPitchgram *gram = listen (&c);
  AvmAlignConfig config;
  AvmAlignment *found;

  avm_align_config_init (&config);
  config.transposition = -12;
  config.refine = 0.0;
  found = avm_align (c.score, gram, &config, NULL);
  CHECK (found != NULL && found->transposition == -12, "as told");
  CHECK (found != NULL && found->n_notes == c.score->n_notes, "all notes");
  avm_alignment_free (found);
  avm_pitchgram_free (gram);
  free_case (&c);
}

static bool
cancel (void *user_data)
{
  return true;
}

static void
check_errors (void)
{
  Case c = make_case (0.5, 1.5, 0.5, 0, 0.01);
  AvmPitchgram *gram = listen (&c), *other;
  AvmScore *empty = avm_score_new ();
  float *silence = avm_alloc ((size_t)RATE, sizeof (float));
  AvmAlignConfig config;
  AvmError error = {AVM_OK, -1, ""};

  avm_align_config_init (&config);
  CHECK (avm_align (empty, gram, &config, &error) == NULL
          && error.code == AVM_ERROR_EMPTY && error.offset == 1,
      "no notes: %d", error.code);
  other = avm_pitchgram_new (RATE, 50, NAN);
  avm_pitchgram_finish (other);
  CHECK (avm_align (c.score, other, &config, &error) == NULL
          && error.code == AVM_ERROR_EMPTY && error.offset == 0,
      "no audio: %d", error.code);
  avm_pitchgram_free (other);
  other = avm_pitchgram_new (RATE, 50, NAN);
  avm_pitchgram_push (other, silence, (size_t)RATE);
  avm_pitchgram_finish (other);
  CHECK (avm_align (c.score, other, &config, &error) == NULL
          && error.code == AVM_ERROR_EMPTY && error.offset == 0,
      "silence: %d", error.code);
  avm_pitchgram_free (other);
  other = avm_pitchgram_new (RATE, 50, NAN);
  avm_pitchgram_push (other, c.samples + (size_t)RATE, (size_t)(RATE / 4));
  avm_pitchgram_finish (other);
  CHECK (avm_align (c.score, other, &config, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "a quarter of a second: %d", error.code);
  avm_pitchgram_free (other);
  config.cancelled = cancel;
  CHECK (avm_align (c.score, gram, &config, &error) == NULL
          && error.code == AVM_ERROR_CANCELLED,
      "cancelled: %d", error.code);
  avm_pitchgram_free (gram);
  avm_score_free (empty);
  avm_free (silence);
  free_case (&c);
  avm_alignment_free (NULL);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_case ("as written", 0.2, 0.5, 0.3, 0, 0.01, 0);
  check_case ("silence around", 5.0, 0.5, 4.0, 0, 0.01, 0);
  check_case ("half the tempo", 0.5, 1.0, 0.5, 0, 0.01, 0);
  check_case ("twice the tempo", 0.5, 0.25, 0.5, 0, 0.01, 0);
  check_case ("soft attacks", 0.5, 0.6, 0.5, 0, 0.08, 0);
  check_case ("a tone and 30 cents higher", 0.5, 0.5, 0.5, 2.3, 0.01, 2);
  check_case ("a fourth and 20 cents lower", 0.5, 0.5, 0.5, -5.2, 0.01, -5);
  check_band ();
  check_fixed ();
  check_errors ();
  return avmcheck_report ();
}
