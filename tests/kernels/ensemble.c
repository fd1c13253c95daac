/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The composer and the performance: what avm-scorebook.h and avm-ensemble.h
 * promise is measured on what they give.
 */

#include "avmcheck.h"

#include "scene/avm-ensemble.h"
#include "scene/avm-scorebook.h"

static AvmEnsemble *
perform (const AvmScore *score, uint64_t seed, int players)
{
  AvmEnsembleConfig config;

  avm_ensemble_config_init (&config);
  config.seed = seed;
  config.n_players = players;
  return avm_ensemble_new (score, &config, NULL);
}

/* -- composer ------------------------------------------------------------ */

static void
check_part (const AvmScore *score, int part)
{
  AvmInstrument instrument = avm_scorebook_instrument (score, part);
  double end = 0.0;
  int n = 0;

  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (note->part != part)
      continue;
    CHECK (note->pitch >= avm_scorebook_open_string (instrument, 0)
            && note->pitch <= avm_scorebook_open_string (instrument, 3) + 17,
        "part %d plays %d", part, note->pitch);
    CHECK (note->onset >= end - 1e-9, "part %d overlaps itself at %g", part,
        note->onset);
    end = note->onset + note->duration;
    n++;
  }
  CHECK (n > 0, "part %d is silent", part);
}

/* The lowest voice at the onset of a note of the highest; NULL: none */
static const AvmNote *
bass_under (const AvmScore *score, size_t top)
{
  double onset = score->notes[top].onset;

  for (size_t k = top + 1; k < score->n_notes && score->notes[k].onset == onset;
       k++) {
    if (score->notes[k].part == (int)score->n_parts - 1)
      return &score->notes[k];
  }
  return NULL;
}

static int
count_parallels (const AvmScore *score)
{
  int n = 0, top = 0, low = 0;

  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i], *bass;

    bass = note->part == 0 ? bass_under (score, i) : NULL;
    if (bass == NULL)
      continue;
    n += top != note->pitch && low != bass->pitch && (top - low) % 12 == 0
        && (note->pitch - bass->pitch) % 12 == 0;
    top = note->pitch;
    low = bass->pitch;
  }
  return n;
}

static void
check_composer (void)
{
  int parallels = 0, notes = 0;

  for (int parts = 1; parts <= AVM_SCOREBOOK_MAX_PARTS; parts++) {
    for (uint64_t piece = 0; piece < 6; piece++) {
      AvmScore *score = avm_scorebook_compose (piece, parts, 40.0, NULL);
      AvmScore *again = avm_scorebook_compose (piece, parts, 40.0, NULL);

      CHECK (score->n_parts == (size_t)parts, "%zu", score->n_parts);
      CHECK (score->duration <= 40.0 && score->duration > 30.0, "%g s",
          score->duration);
      CHECK (score->n_notes == again->n_notes
              && memcmp (score->notes, again->notes,
                     score->n_notes * sizeof (AvmNote))
                  == 0,
          "the same piece twice");
      for (int part = 0; part < parts; part++)
        check_part (score, part);
      if (parts > 1)
        parallels += count_parallels (score);
      notes += (int)score->n_notes;
      avm_score_free (score);
      avm_score_free (again);
    }
  }
  printf ("%d notes, %d parallel octaves of outer voices\n", notes, parallels);
  CHECK (parallels * 50 < notes, "%d of %d", parallels, notes);
}

static void
check_composer_range (void)
{
  AvmError error = {AVM_OK, 0, ""};
  AvmScore *tiny = avm_scorebook_compose (1, 4, 0.001, NULL);

  CHECK (avm_scorebook_compose (1, 0, 10.0, &error) == NULL, "no parts");
  CHECK (error.code == AVM_ERROR_RANGE, "code");
  CHECK (avm_scorebook_compose (1, 9, 10.0, NULL) == NULL, "nine parts");
  CHECK (avm_scorebook_compose (1, 4, NAN, NULL) == NULL, "NaN");
  CHECK (avm_scorebook_compose (1, 4, 1e9, NULL) == NULL, "too long");
  CHECK (tiny != NULL && tiny->n_notes >= 4, "four chords at least");
  avm_score_free (tiny);
}

/* -- performance --------------------------------------------------------- */

static void
check_seats (void)
{
  for (int players = 2; players <= 8; players++) {
    AvmScore *score = avm_scorebook_compose (3, players, 20.0, NULL);

    for (uint64_t seed = 0; seed < 10; seed++) {
      AvmEnsemble *e = perform (score, seed, players);
      bool in_order = true;
      unsigned parts = 0;

      for (int seat = 0; seat < players; seat++) {
        int part = avm_ensemble_player (e, seat)->part;

        in_order = in_order && part == seat;
        parts |= 1u << part;
      }
      CHECK (!in_order, "%d players in order of parts", players);
      CHECK (parts == (1u << players) - 1, "parts %x", parts);
      avm_ensemble_free (e);
    }
    avm_score_free (score);
  }
}

static void
check_notes (const AvmEnsemble *e, double share)
{
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (e, &n);
  int long_notes = 0, vibrato = 0, slurs = 0;

  for (size_t i = 0; i < n; i++) {
    const AvmPerformedNote *note = &notes[i];
    double lead = note->onset - note->stroke;

    CHECK (note->duration > 0.0, "note %zu", i);
    CHECK (i == 0 || note->onset >= notes[i - 1].onset, "order at %zu", i);
    slurs += note->slurred;
    if (!note->slurred)
      CHECK (lead >= 0.0099 && lead <= 0.0401, "%g s before the sound", lead);
    if (!note->open && note->duration >= 0.5)
      long_notes++;
    vibrato += note->vibrato;
    if (!note->vibrato)
      continue;
    CHECK (note->rate >= 5.0 && note->rate <= 8.0, "%g Hz", note->rate);
    CHECK (
        note->extent >= 20.0 && note->extent <= 80.0, "%g cents", note->extent);
    CHECK (note->vibrato_onset > note->onset, "onset delay");
    CHECK (0.5 * note->extent * note->roll_px >= 0.4
            && 0.5 * note->extent * note->roll_px <= 2.5,
        "rolls by %g px", 0.5 * note->extent * note->roll_px);
  }
  CHECK (slurs > 0 && slurs * 2 < (int)n, "%d of %zu are slurred", slurs, n);
  CHECK (fabs ((double)vibrato / long_notes - share) < 0.15,
      "%d of %d with vibrato", vibrato, long_notes);
}

/* The bow turns at the strokes; its place is the integral of its speed. */
static void
check_bow (const AvmEnsemble *e, int seat)
{
  const double step = 0.0005;
  double duration = avm_ensemble_duration (e), error = 0.0;
  AvmPose before, pose;

  avm_ensemble_pose (e, seat, 0.0, &before);
  for (double t = step; t < duration; t += step) {
    double speed = avm_ensemble_bow_speed (e, seat, t - 0.5 * step);

    avm_ensemble_pose (e, seat, t, &pose);
    CHECK (pose.bow >= 0.0 && pose.bow <= 1.0, "bow at %g", pose.bow);
    if (pose.playing && before.playing && speed != 0.0)
      error = fmax (error, fabs ((pose.bow - before.bow) / step - speed));
    CHECK (fabs (pose.neck - before.neck) < 0.05
            && fabs (pose.roll - before.roll) < 0.3,
        "the left hand jumps at %g", t);
    before = pose;
  }
  CHECK (error < 0.1, "speed against place: %g", error);
}

/* Body motion: its size and its rate */
static void
check_sway (const AvmEnsemble *e, int seat)
{
  double most = 0.0, sum = 0.0, sum_speed = 0.0, last = 0.0, hz;
  AvmPose pose;
  int n = 0;

  for (double t = 0.0; t < 60.0; t += 0.01) {
    avm_ensemble_pose (e, seat, t, &pose);
    most = fmax (most, fabs (pose.sway_x));
    sum += pose.sway_x * pose.sway_x;
    if (n > 0)
      sum_speed += pow ((pose.sway_x - last) / 0.01, 2.0);
    last = pose.sway_x;
    n++;
  }
  hz = sqrt (sum_speed / sum) / (2.0 * M_PI);
  CHECK (most >= 4.0 && most <= 40.1, "sways by %g px", most);
  CHECK (hz >= 0.2 && hz <= 1.5, "at %g Hz", hz);
}

/* The hand's roll against the pitch of the same notes: proportional, at most
 * 20 ms apart. */
static void
check_roll (const AvmEnsemble *e)
{
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (e, &n);
  int checked = 0;

  for (size_t i = 0; i < n; i++) {
    const AvmPerformedNote *note = &notes[i];
    const AvmPlayer *player = avm_ensemble_player (e, note->seat);
    double xy = 0.0, xx = 0.0, slope;

    if (!note->vibrato || note->duration < 1.0)
      continue;
    for (double t = note->vibrato_onset + 0.05;
         t < note->onset + note->duration - 0.15; t += 0.002) {
      double x = avm_ensemble_vibrato_cents (note, t - player->hand_lag);
      AvmPose pose;

      avm_ensemble_pose (e, note->seat, t, &pose);
      xy += x * pose.roll;
      xx += x * x;
    }
    slope = xy / xx;
    CHECK (fabs (slope / note->roll_px - 1.0) < 0.35, "%g px per cent, not %g",
        slope, note->roll_px);
    CHECK (fabs (player->hand_lag) <= 0.02, "%g s", player->hand_lag);
    checked++;
  }
  CHECK (checked > 3, "%d notes", checked);
}

static void
check_performance (void)
{
  for (uint64_t seed = 1; seed < 6; seed++) {
    AvmScore *score = avm_scorebook_compose (seed, 4, 60.0, NULL);
    AvmEnsemble *e = perform (score, seed, 4);
    AvmEnsemble *again = perform (score, seed, 4);
    size_t n, m;
    const AvmPerformedNote *a = avm_ensemble_notes (e, &n);
    const AvmPerformedNote *b = avm_ensemble_notes (again, &m);

    CHECK (n == score->n_notes, "%zu of %zu notes", n, score->n_notes);
    CHECK (n == m && memcmp (a, b, n * sizeof (*a)) == 0, "the same again");
    check_notes (e, 0.6);
    check_roll (e);
    for (int seat = 0; seat < 4; seat++) {
      check_bow (e, seat);
      check_sway (e, seat);
    }
    avm_ensemble_free (e);
    avm_ensemble_free (again);
    avm_score_free (score);
  }
}

/* Tempo: the warp is monotonous, its spread as asked for. */
static void
check_tempo (void)
{
  AvmScore *score = avm_scorebook_compose (5, 1, 300.0, NULL);
  AvmEnsembleConfig config;

  avm_ensemble_config_init (&config);
  config.n_players = 1;
  config.asynchrony = 0.0;
  for (double swing = 0.0; swing < 0.15; swing += 0.05) {
    AvmEnsemble *e;
    size_t n;
    const AvmPerformedNote *notes;
    double sum = 0.0, sum2 = 0.0, sd;
    int count = 0;

    config.tempo_fluctuation = swing;
    e = avm_ensemble_new (score, &config, NULL);
    notes = avm_ensemble_notes (e, &n);
    for (size_t i = 0; i + 1 < n; i++) {
      double local = log ((notes[i + 1].onset - notes[i].onset)
          / (notes[i + 1].score_onset - notes[i].score_onset));

      sum += local;
      sum2 += local * local;
      count++;
    }
    sd = sqrt (fmax (sum2 / count - sum / count * (sum / count), 0.0));
    CHECK_NEAR (sd, swing, 1e-6, 0.35, "local tempo");
    avm_ensemble_free (e);
  }
  avm_score_free (score);
}

/* Any score: chords, other instruments, more and fewer players than parts. */
static void
check_any_score (void)
{
  for (int round = 0; round < 60; round++) {
    AvmScore *score = avm_score_new ();
    int parts = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 10);
    int players = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 8);
    AvmEnsemble *e;
    AvmPose pose;

    for (int p = 0; p < parts; p++)
      avm_score_add_part (score, "", round % 3 == 0 ? 40 + p % 4 : -1, p);
    for (int i = 0; i < 80; i++) {
      AvmNote note = {.onset = avm_rng_u32 (&avmcheck_rng) % 64 * 0.25,
          .duration = avm_rng_range (&avmcheck_rng, 0.001, 3.0),
          .pitch = (int)(avm_rng_u32 (&avmcheck_rng) % 128),
          .velocity = (int)(avm_rng_u32 (&avmcheck_rng) % 128),
          .part = (int)(avm_rng_u32 (&avmcheck_rng) % (uint32_t)parts)};

      avm_score_add_note (score, &note);
    }
    avm_score_sort (score);
    e = perform (score, (uint64_t)round, players);
    CHECK (e != NULL, "%d parts, %d players", parts, players);
    for (double t = -1.0; e != NULL && t < 25.0; t += 0.037) {
      for (int seat = 0; seat < players; seat++) {
        avm_ensemble_pose (e, seat, t, &pose);
        CHECK (isfinite (pose.bow) && isfinite (pose.neck)
                && isfinite (pose.roll) && pose.bow >= 0.0 && pose.bow <= 1.0,
            "pose at %g", t);
      }
    }
    avm_ensemble_free (e);
    avm_score_free (score);
  }
}

/* Notes of hours, all at once: no more time and memory than they are worth. */
static void
check_long_notes (void)
{
  AvmScore *score = avm_score_new ();
  double cpu = avmcheck_cpu ();
  AvmEnsemble *e;

  avm_score_add_part (score, "", 40, 0);
  for (int i = 0; i < 2000; i++) {
    AvmNote note = {.onset = i * 0.01,
        .duration = 30000.0,
        .pitch = 60 + i % 12,
        .velocity = 80};

    avm_score_add_note (score, &note);
  }
  avm_score_sort (score);
  e = perform (score, 1, 8);
  cpu = avmcheck_cpu () - cpu;
  CHECK (e != NULL, "an ensemble");
  CHECK (
      avm_ensemble_duration (e) > 20000.0, "%g s", avm_ensemble_duration (e));
  printf ("16000 notes of hours: %.1f s\n", cpu);
  avm_ensemble_free (e);
  avm_score_free (score);
}

static void
check_errors (void)
{
  AvmScore *score = avm_score_new ();
  AvmEnsembleConfig config;
  AvmError error = {AVM_OK, 0, ""};

  avm_ensemble_config_init (&config);
  CHECK (avm_ensemble_new (score, &config, &error) == NULL, "no notes");
  CHECK (error.code == AVM_ERROR_EMPTY, "code %d", (int)error.code);
  avm_score_free (score);
  score = avm_scorebook_compose (1, 2, 10.0, NULL);
  config.tuning = NAN;
  CHECK (avm_ensemble_new (score, &config, &error) == NULL, "NaN tuning");
  CHECK (error.code == AVM_ERROR_RANGE, "code %d", (int)error.code);
  avm_score_free (score);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_composer ();
  check_composer_range ();
  check_seats ();
  check_performance ();
  check_tempo ();
  check_any_score ();
  check_long_notes ();
  check_errors ();
  return avmcheck_report ();
}
