/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who plays when: cases whose answer is known beforehand.
 */

#include "avmcheck.h"

#include "learn/avm-playing.h"

#define ALL (AVM_PLAYING_LABELS | AVM_PLAYING_NOTES | AVM_PLAYING_MOTION)

static AvmPlaying *
make (unsigned ways, const AvmSvmSet *models)
{
  AvmPlayingSettings settings;
  AvmError error = {AVM_OK, -1, ""};
  AvmPlaying *playing;

  avm_playing_settings_init (&settings);
  settings.ways = ways;
  playing = avm_playing_new (&settings, models, &error);
  CHECK (playing != NULL, "%s", error.detail);
  return playing;
}

static void
run (AvmPlaying *playing, double end)
{
  AvmError error = {AVM_OK, -1, ""};

  CHECK (avm_playing_run (playing, 0.0, end, &error), "%s", error.detail);
}

/* Key frames from..to, one per second */
static void
show (AvmPlaying *playing, int musician, int camera, int from, int to, int pose)
{
  for (int t = from; t < to; t++)
    avm_playing_add_pose (playing, musician, camera, t, pose);
}

/* Share of from..to in which the musician is said to play; -1: not known
 * throughout */
static double
share (const AvmPlaying *playing, int musician, double from, double to)
{
  size_t n;
  const AvmPlayingSpan *spans = avm_playing_get_spans (playing, musician, &n);
  double plays = 0.0, known = 0.0;

  for (size_t i = 0; i < n; i++) {
    double both = fmin (spans[i].end, to) - fmax (spans[i].start, from);

    known += fmax (both, 0.0);
    plays += spans[i].playing ? fmax (both, 0.0) : 0.0;
  }
  return known < to - from - 1e-6 ? -1.0 : plays / (to - from);
}

static void
check_order (const AvmPlaying *playing, int musician)
{
  size_t n;
  const AvmPlayingSpan *spans = avm_playing_get_spans (playing, musician, &n);

  for (size_t i = 0; i < n; i++) {
    CHECK (spans[i].end > spans[i].start, "span %zu is empty", i);
    CHECK (spans[i].confidence >= 0.5 && spans[i].confidence <= 1.0,
        "confidence %g", spans[i].confidence);
    CHECK (spans[i].used != 0 && (spans[i].used & ~ALL) == 0, "used %#x",
        spans[i].used);
    if (i > 0)
      CHECK (spans[i].start >= spans[i - 1].end, "span %zu overlaps", i);
  }
}

static void
test_settings (void)
{
  AvmPlayingSettings good, s;
  AvmError error;

  avm_playing_settings_init (&good);
  for (int i = 0; i < 8; i++) {
    AvmPlaying *playing;

    s = good;
    error.code = AVM_OK;
    if (i == 0)
      s.ways = 0;
    else if (i == 1)
      s.ways = 8;
    else if (i == 2)
      s.play_duration = 0.0;
    else if (i == 3)
      s.rest_duration = NAN;
    else if (i == 4)
      s.min_duration = -1.0;
    else if (i == 5)
      s.reach = INFINITY;
    else if (i == 6)
      s.absence = 0.6;
    playing = avm_playing_new (&s, NULL, &error);
    CHECK ((playing != NULL) == (i == 7), "case %d", i);
    CHECK ((error.code == AVM_ERROR_RANGE) == (i != 7), "case %d", i);
    avm_playing_free (playing);
  }
}

static void
test_nothing (void)
{
  AvmPlaying *playing = make (ALL, NULL);
  AvmError error = {AVM_OK, -1, ""};
  double confidence = 1.0;
  size_t n = 1;

  CHECK (!avm_playing_run (playing, 0.0, 10.0, &error), "nothing was said");
  CHECK (error.code == AVM_ERROR_EMPTY, "code %d", error.code);
  /* seen, but nobody says in which pose one plays */
  show (playing, 3, 0, 0, 10, 0);
  error.code = AVM_OK;
  CHECK (!avm_playing_run (playing, 0.0, 10.0, &error), "nothing is known");
  CHECK (error.code == AVM_ERROR_EMPTY, "code %d", error.code);
  CHECK (avm_playing_get_spans (playing, 3, &n) == NULL && n == 0, "%zu", n);
  CHECK (avm_playing_get_spans (playing, 99, &n) == NULL && n == 0, "%zu", n);
  CHECK (avm_playing_get_spans (playing, -1, &n) == NULL && n == 0, "%zu", n);
  CHECK (avm_playing_get_part (playing, 3, &confidence) == -1, "a part");
  CHECK_NEAR (confidence, 0.0, 0.0, 0.0, "confidence");
  CHECK (isnan (avm_playing_get_pose (playing, 3, 0, &confidence)), "a pose");
  /* 0 .. 9 s and 1.5 s before and after */
  CHECK_NEAR (confidence, 12.0, 1e-9, 0.0, "ten sightings and their reach");
  CHECK (avm_playing_get_part_spans (playing, 0, &n, NULL) == NULL, "a part");
  avm_playing_set_label (playing, 3, 0, AVM_POSE_PLAYING);
  error.code = AVM_OK;
  CHECK (!avm_playing_run (playing, 10.0, 10.0, &error), "no time");
  CHECK (error.code == AVM_ERROR_EMPTY, "code %d", error.code);
  CHECK (!avm_playing_run (playing, 0.0, NAN, &error), "no end");
  CHECK (avm_playing_run (playing, 0.0, 10.0, &error), "%s", error.detail);
  avm_playing_free (playing);
}

/* Rejected and unknown poses, gaps; poses are seen as said */
static void
test_labels (void)
{
  AvmPlaying *playing = make (AVM_PLAYING_LABELS, NULL);
  double seconds;
  size_t n;
  const AvmPlayingSpan *spans;

  avm_playing_set_label (playing, 0, 0, AVM_POSE_PLAYING);
  avm_playing_set_label (playing, 0, 1, AVM_POSE_NOT_PLAYING);
  avm_playing_set_label (playing, 0, 2, AVM_POSE_REJECTED);
  show (playing, 0, 0, 0, 20, 0);
  show (playing, 0, 0, 20, 40, 1);
  show (playing, 0, 0, 40, 60, 2);
  show (playing, 0, 0, 60, 70, 3);
  show (playing, 0, 0, 80, 100, 0);
  /* the score must not matter */
  avm_playing_set_part (playing, 0, 0);
  avm_playing_add_note (playing, 0, 20.0, 20.0);
  run (playing, 120.0);
  check_order (playing, 0);
  CHECK_NEAR (share (playing, 0, 0.0, 18.0), 1.0, 0.0, 0.0, "plays");
  CHECK_NEAR (share (playing, 0, 20.5, 38.0), 0.0, 0.0, 0.0, "rests");
  CHECK (share (playing, 0, 40.5, 42.0) < 0.0, "a rejected pose is known");
  CHECK (share (playing, 0, 62.0, 64.0) < 0.0, "a pose without label is known");
  CHECK (share (playing, 0, 70.6, 78.4) < 0.0, "what nobody saw is known");
  CHECK_NEAR (share (playing, 0, 82.0, 99.0), 1.0, 0.0, 0.0, "plays again");
  CHECK (share (playing, 0, 100.7, 101.0) < 0.0, "beyond reach");
  spans = avm_playing_get_spans (playing, 0, &n);
  CHECK (n == 3, "%zu spans", n);
  for (size_t i = 0; i < n; i++) {
    CHECK (spans[i].used == AVM_PLAYING_LABELS, "used %#x", spans[i].used);
    CHECK (spans[i].pose == (i == 1), "span %zu: pose %d", i, spans[i].pose);
    CHECK (spans[i].confidence > 0.75, "confidence %g", spans[i].confidence);
  }
  CHECK (avm_playing_get_pose (playing, 0, 0, &seconds) > 0.9, "playing");
  /* -1.5 .. 19.5 and 78.5 .. 100.5 */
  CHECK_NEAR (seconds, 43.0, 1e-9, 0.0, "with what it reaches");
  CHECK (avm_playing_get_pose (playing, 0, 1, NULL) < 0.1, "not playing");
  CHECK (isnan (avm_playing_get_pose (playing, 0, 3, NULL)), "not known");
  avm_playing_free (playing);
}

/* The instrument is raised before anything sounds: poses alone begin early,
 * but later than it is raised; the score says when. */
static void
test_entry (void)
{
  for (int notes = 0; notes <= 1; notes++) {
    AvmPlaying *playing = make (ALL, NULL);
    size_t n;
    const AvmPlayingSpan *spans;

    avm_playing_set_label (playing, 0, 0, AVM_POSE_PLAYING);
    avm_playing_set_label (playing, 0, 1, AVM_POSE_NOT_PLAYING);
    for (int i = 0; i < 200; i++)
      avm_playing_add_pose (playing, 0, 0, 0.2 * i, i < 91);
    if (notes) {
      avm_playing_set_part (playing, 0, 2);
      avm_playing_add_note (playing, 2, 20.0, 10.0);
      avm_playing_add_note (playing, 2, 30.3, 9.0); /* no rest */
    }
    run (playing, 39.0);
    check_order (playing, 0);
    spans = avm_playing_get_spans (playing, 0, &n);
    CHECK (n == 2, "%zu spans", n);
    if (n == 2 && notes)
      CHECK_NEAR (spans[1].start, 20.0, 0.021, 0.0, "with the score");
    if (n == 2 && !notes)
      CHECK (spans[1].start > 18.6 && spans[1].start < 20.5, "alone: %g",
          spans[1].start);
    CHECK (n != 2
            || spans[1].used
                == (notes ? AVM_PLAYING_LABELS | AVM_PLAYING_NOTES
                          : AVM_PLAYING_LABELS),
        "used");
    avm_playing_free (playing);
  }
}

static void
test_notes (void)
{
  AvmPlaying *playing = make (AVM_PLAYING_NOTES, NULL);
  double confidence;
  size_t n;
  const AvmPlayingSpan *spans;

  /* in any order, overlapping, with a rest that is passed over */
  avm_playing_add_note (playing, 1, 12.0, 4.0);
  avm_playing_add_note (playing, 1, 3.0, 1.0);
  avm_playing_add_note (playing, 1, 3.5, 2.0);
  avm_playing_add_note (playing, 1, 5.9, 1.1);
  avm_playing_add_note (playing, 0, 0.0, 9.0);
  avm_playing_add_note (playing, 1, NAN, 1.0);
  avm_playing_add_note (playing, 1, 8.0, -1.0);
  avm_playing_add_note (playing, 1, -1.0, 5.0);
  avm_playing_add_note (playing, -1, 8.0, 1.0);
  avm_playing_add_note (playing, AVM_PLAYING_MAX, 8.0, 1.0);
  avm_playing_set_part (playing, 0, 1);
  avm_playing_set_part (playing, 1, -1);
  avm_playing_set_part (playing, 2, 7); /* without notes */
  run (playing, 20.0);
  check_order (playing, 0);
  spans = avm_playing_get_spans (playing, 0, &n);
  CHECK (n == 5, "%zu spans", n);
  if (n == 5) {
    const double borders[] = {0.0, 3.0, 7.0, 12.0, 16.0, 20.0};

    for (size_t i = 0; i < n; i++) {
      CHECK_NEAR (spans[i].start, borders[i], 0.0101, 0.0, "span %zu", i);
      CHECK_NEAR (spans[i].end, borders[i + 1], 0.0101, 0.0, "span %zu", i);
      CHECK (spans[i].playing == (i % 2 == 1), "span %zu", i);
      CHECK (spans[i].pose == -1, "not seen");
      CHECK (spans[i].used == AVM_PLAYING_NOTES, "used %#x", spans[i].used);
      CHECK (spans[i].confidence > 0.85, "%g", spans[i].confidence);
    }
  }
  CHECK (avm_playing_get_spans (playing, 1, &n) == NULL, "plays no part");
  CHECK (avm_playing_get_spans (playing, 2, &n) == NULL, "nothing written");
  CHECK (avm_playing_get_part (playing, 0, &confidence) == 1, "as said");
  CHECK_NEAR (confidence, 1.0, 0.0, 0.0, "it was said");
  /* a second run gives the same; another time, a part of it */
  run (playing, 20.0);
  avm_playing_get_spans (playing, 0, &n);
  CHECK (n == 5, "%zu spans", n);
  CHECK (avm_playing_run (playing, 5.0, 8.0, NULL), "a part");
  spans = avm_playing_get_spans (playing, 0, &n);
  CHECK (n == 2 && spans[0].start == 5.0 && spans[0].playing, "from within");
  avm_playing_reset (playing);
  CHECK (!avm_playing_run (playing, 0.0, 20.0, NULL), "all is forgotten");
  avm_playing_free (playing);
}

/* The score teaches the poses; who leaves out an entry is found by them. */
static void
test_absent (void)
{
  AvmPlaying *playing = make (ALL, NULL);

  avm_playing_set_part (playing, 0, 0);
  for (int k = 0; k < 10; k++) {
    avm_playing_add_note (playing, 0, 30.0 * k + 10.0, 20.0);
    show (playing, 0, 0, 30 * k, 30 * k + 10, 1);
    show (playing, 0, 0, 30 * k + 10, 30 * k + 30, k == 6 ? 1 : 0);
  }
  run (playing, 300.0);
  check_order (playing, 0);
  CHECK (avm_playing_get_pose (playing, 0, 0, NULL) > 0.85, "playing: %g",
      avm_playing_get_pose (playing, 0, 0, NULL));
  CHECK (avm_playing_get_pose (playing, 0, 1, NULL) < 0.3, "resting: %g",
      avm_playing_get_pose (playing, 0, 1, NULL));
  CHECK_NEAR (share (playing, 0, 40.0, 60.0), 1.0, 0.01, 0.0, "plays");
  CHECK_NEAR (share (playing, 0, 191.0, 209.0), 0.0, 0.01, 0.0, "leaves out");
  CHECK_NEAR (share (playing, 0, 220.0, 240.0), 1.0, 0.01, 0.0, "plays again");
  avm_playing_free (playing);
}

/* Each part sounds now and then; poses follow one of them, with errors. */
static void
test_part (void)
{
  enum {
    PARTS = 4,
    STEPS = 60
  };
  AvmPlaying *playing = make (AVM_PLAYING_NOTES, NULL);
  bool sounds[PARTS][STEPS];
  double confidence;
  size_t n;

  for (int p = 0; p < PARTS; p++) {
    for (int i = 0; i < STEPS; i++) {
      /* the first two steps differ in all, so that no part is silent */
      sounds[p][i] = i < PARTS ? i == p : avm_rng_uniform (&avmcheck_rng) < 0.5;
      if (sounds[p][i])
        avm_playing_add_note (playing, p, 6.0 * i, 6.0);
    }
  }
  for (int m = 0; m < PARTS; m++)
    for (int t = 0; t < 6 * STEPS; t++)
      avm_playing_add_pose (playing, m, m % 2, t + 0.5,
          sounds[m][t / 6] != (avm_rng_uniform (&avmcheck_rng) < 0.15));
  /* one whose poses have nothing to do with the music: never changes */
  show (playing, PARTS, 0, 0, 6 * STEPS, 0);
  run (playing, 6.0 * STEPS);
  for (int m = 0; m < PARTS; m++) {
    double right = 0.0;

    check_order (playing, m);
    CHECK (avm_playing_get_part (playing, m, &confidence) == m,
        "musician %d: part %d", m, avm_playing_get_part (playing, m, NULL));
    CHECK (confidence > 0.9 && confidence <= 1.0, "%g", confidence);
    for (int i = 0; i < STEPS; i++)
      right += fabs (share (playing, m, 6.0 * i, 6.0 * i + 6.0) - sounds[m][i])
          < 0.1;
    CHECK (right >= 0.9 * STEPS, "musician %d: %g of %d", m, right, STEPS);
  }
  CHECK (avm_playing_get_part (playing, PARTS, &confidence) == -1, "no part");
  CHECK (avm_playing_get_spans (playing, PARTS, &n) == NULL, "%zu spans", n);
  avm_playing_free (playing);
}

/* -- motion ---------------------------------------------------------------- */

/* A bow that goes to and fro at 2 Hz on a body that sways, both in px/s */
static void
move (AvmPlaying *playing, int track, double from, double to, double amplitude,
    double sway, double size)
{
  for (double t = from; t < to; t += 0.04) {
    double bow = amplitude * cos (4.0 * M_PI * t);
    double body = sway * sin (2.0 * M_PI * 0.4 * t);

    avm_playing_add_motion (playing, track, AVM_PLAYING_BOW, t,
        0.6 * bow + body, 0.8 * bow, 1.5 * amplitude, size);
    avm_playing_add_motion (
        playing, track, AVM_PLAYING_BODY, t, body, 0.0, NAN, size);
  }
}

static void
test_features (void)
{
  AvmPlaying *playing = make (ALL, NULL);
  double f[AVM_PLAYING_FEATURES], g[AVM_PLAYING_FEATURES];
  const double floor_speed = 0.003;

  move (playing, 7, 0.0, 10.0, 100.0, 0.0, 200.0);
  CHECK (strcmp (avm_playing_features (playing, 7, 5.0, f), "bow") == 0, "bow");
  CHECK_NEAR (f[0], log (0.5 * 2.0 / M_PI + floor_speed), 0.02, 0.0, "mean");
  CHECK_NEAR (f[1], log (0.5 * sqrt (0.5) + floor_speed), 0.06, 0.0, "median");
  CHECK_NEAR (
      f[2], log (0.5 * sin (0.45 * M_PI) + floor_speed), 0.03, 0.0, "90 %%");
  CHECK_NEAR (f[4], log (0.5 + floor_speed), 0.03, 0.0, "at 2 Hz");
  /* side lobes of a window of 1 s: 0.5 sinc (3.5), 0.5 sinc (6.5), and half as
   * much from -2 Hz */
  CHECK (exp (f[5]) < 0.1, "at 4 Hz and more: %g", exp (f[5]));
  CHECK_NEAR (f[6], 4.0, 0.6, 0.0, "turns per s");
  CHECK_NEAR (f[7], 1.0, 1e-6, 0.0, "along a line");
  CHECK_NEAR (f[8], log (0.75 + floor_speed), 1e-6, 0.0, "fastest cluster");
  CHECK_NEAR (f[9], log (floor_speed), 1e-6, 0.0, "body");
  CHECK_NEAR (f[10], f[0], 0.02, 0.0, "3 s");
  CHECK (isnan (f[11]), "no hand");
  /* the body that carries the bow does not matter, nor does the size */
  move (playing, 8, 0.0, 10.0, 300.0, 90.0, 600.0);
  CHECK (avm_playing_features (playing, 8, 5.0, g) != NULL, "known");
  for (int k = 0; k < AVM_PLAYING_FEATURES; k++)
    if (k != 9)
      CHECK_NEAR (g[k], f[k], 1e-5, 0.0, "feature %d", k);
  CHECK (g[9] > f[9] + 2.0, "body");
  CHECK (avm_playing_features (playing, 8, 11.0, g) == NULL, "after the end");
  CHECK (avm_playing_features (playing, 9, 5.0, g) == NULL, "no such track");
  avm_playing_free (playing);
}

/* Rows that cannot be, or come again, change nothing. */
static void
test_rows (void)
{
  AvmPlaying *playing = make (ALL, NULL);
  double f[AVM_PLAYING_FEATURES], g[AVM_PLAYING_FEATURES];

  move (playing, 1, 0.0, 4.0, 50.0, 10.0, 100.0);
  CHECK (avm_playing_features (playing, 1, 2.0, f) != NULL, "known");
  move (playing, 1, 0.0, 3.0, 900.0, 10.0, 100.0);
  avm_playing_add_motion (
      playing, 1, AVM_PLAYING_BOW, NAN, 1.0, 1.0, 1.0, 100.0);
  avm_playing_add_motion (
      playing, 1, AVM_PLAYING_BOW, 9.0, NAN, 1.0, 1.0, 100.0);
  avm_playing_add_motion (
      playing, 1, AVM_PLAYING_BOW, 9.0, 1.0, INFINITY, 1.0, 100.0);
  avm_playing_add_motion (playing, 1, AVM_PLAYING_BOW, 9.0, 1.0, 1.0, 1.0, 0.0);
  avm_playing_add_motion (
      playing, 1, AVM_PLAYING_N_LIMBS, 9.0, 1.0, 1.0, 1.0, 100.0);
  avm_playing_add_motion (
      playing, -1, AVM_PLAYING_BOW, 9.0, 1.0, 1.0, 1.0, 100.0);
  CHECK (avm_playing_features (playing, 1, 2.0, g) != NULL, "known");
  for (int k = 0; k < AVM_PLAYING_FEATURES; k++)
    CHECK_NEAR (g[k], f[k], 0.0, 0.0, "feature %d", k);
  CHECK (avm_playing_features (playing, 1, 9.0, g) == NULL, "nothing there");
  avm_playing_free (playing);
}

/* A machine made by hand: whose mean speed is above exp (-2.5) plays. */
static AvmSvmSet *
make_models (void)
{
  char text[1024];
  int at = snprintf (text, sizeof (text),
      "avm-svm 1\nmodel bow features %d vectors 2 gamma 0.1 cost 1 rho 0\n",
      AVM_PLAYING_FEATURES);
  AvmError error = {AVM_OK, -1, ""};
  AvmSvmSet *set;

  for (int line = 0; line < 4; line++) {
    static const char *const first[] = {"mean -2.5", "scale 1", "2 1", "-2 -1"};
    static const char *const other[] = {" 0", " 1e9", " 0", " 0"};

    at += snprintf (text + at, sizeof (text) - (size_t)at, "%s", first[line]);
    for (int k = 1; k < AVM_PLAYING_FEATURES; k++)
      at += snprintf (text + at, sizeof (text) - (size_t)at, "%s", other[line]);
    at += snprintf (text + at, sizeof (text) - (size_t)at, "\n");
  }
  set = avm_svm_set_parse (text, (size_t)at, &error);
  CHECK (set != NULL, "%s", error.detail);
  return set;
}

static void
test_motion (const AvmSvmSet *models)
{
  AvmPlaying *playing = make (AVM_PLAYING_MOTION, models);
  size_t n;
  const AvmPlayingSpan *spans;

  move (playing, 3, 0.0, 10.0, 50.0, 10.0, 100.0);
  move (playing, 3, 10.0, 20.0, 1.0, 10.0, 100.0);
  move (playing, 5, 22.0, 30.0, 50.0, 10.0, 100.0);
  move (playing, 6, 30.0, 40.0, 1.0, 10.0, 100.0); /* nobody's */
  avm_playing_set_track (playing, 3, 4);
  avm_playing_set_track (playing, 5, 4);
  run (playing, 60.0);
  check_order (playing, 4);
  CHECK_NEAR (share (playing, 4, 0.5, 9.3), 1.0, 0.0, 0.0, "plays");
  CHECK_NEAR (share (playing, 4, 10.7, 19.0), 0.0, 0.0, 0.0, "rests");
  CHECK_NEAR (share (playing, 4, 23.0, 29.0), 1.0, 0.0, 0.0, "plays again");
  CHECK (share (playing, 4, 32.0, 33.0) < 0.0, "known beyond reach");
  spans = avm_playing_get_spans (playing, 4, &n);
  for (size_t i = 0; i < n; i++)
    CHECK (spans[i].used == AVM_PLAYING_MOTION && spans[i].pose == -1, "used");
  if (n > 1)
    CHECK_NEAR (spans[0].end, 10.0, 0.5, 0.0, "the change");
  avm_playing_free (playing);
}

/* Motion holds against poses that look like playing before an entry, and
 * against a score of which the musician leaves out an entry. */
static void
test_fusion (const AvmSvmSet *models)
{
  AvmPlaying *playing = make (ALL, models);

  avm_playing_set_part (playing, 0, 0);
  avm_playing_set_track (playing, 0, 0);
  for (int k = 0; k < 6; k++) {
    bool plays = k != 3;

    avm_playing_add_note (playing, 0, 20.0 * k + 10.0, 10.0);
    move (playing, 0, 20.0 * k, 20.0 * k + 10.0, 1.0, 10.0, 100.0);
    move (playing, 0, 20.0 * k + 10.0, 20.0 * k + 20.0, plays ? 50.0 : 1.0,
        10.0, 100.0);
    show (playing, 0, 0, 20 * k, 20 * k + 7, 1);
    show (playing, 0, 0, 20 * k + 7, 20 * k + 20, 0);
  }
  run (playing, 120.0);
  check_order (playing, 0);
  for (int k = 0; k < 6; k++) {
    double entry = 20.0 * k + 10.0;

    CHECK_NEAR (share (playing, 0, entry + 0.1, entry + 9.9),
        k == 3 ? 0.0 : 1.0, 0.1, 0.0, "entry %d", k);
    CHECK_NEAR (share (playing, 0, entry - 2.0, entry - 0.1), 0.0, 0.0, 0.0,
        "before entry %d", k);
  }
  avm_playing_free (playing);
}

static void
test_part_spans (void)
{
  AvmPlaying *playing = make (AVM_PLAYING_LABELS, NULL);
  size_t n;
  const AvmPlayingSpan *spans;
  double plays = 0.0, known = 0.0;

  for (int m = 0; m < 3; m++) {
    avm_playing_set_part (playing, m, m == 2 ? 1 : 0);
    avm_playing_set_label (playing, m, 0, AVM_POSE_PLAYING);
    avm_playing_set_label (playing, m, 1, AVM_POSE_NOT_PLAYING);
  }
  /* one is seen in 0..20, the other in 10..30; both play for a while */
  show (playing, 0, 0, 0, 14, 0);
  show (playing, 0, 0, 14, 20, 1);
  show (playing, 1, 1, 10, 20, 0);
  show (playing, 1, 1, 20, 30, 1);
  show (playing, 2, 0, 0, 40, 1);
  run (playing, 50.0);
  spans = avm_playing_get_part_spans (playing, 0, &n, NULL);
  CHECK (n == 2, "%zu spans", n);
  for (size_t i = 0; i < n; i++) {
    known += spans[i].end - spans[i].start;
    plays += spans[i].playing ? spans[i].end - spans[i].start : 0.0;
    CHECK (spans[i].confidence >= 0.5, "%g", spans[i].confidence);
    CHECK (i == 0 || spans[i].start == spans[i - 1].end, "a gap");
  }
  CHECK_NEAR (known, 30.5, 0.03, 0.0, "to what the last sighting reaches");
  /* the instrument stays up for a while */
  CHECK_NEAR (plays, 18.5, 1.0, 0.0, "while either plays");
  spans = avm_playing_get_part_spans (playing, 1, &n, NULL);
  CHECK (n == 1 && !spans[0].playing, "the other part");
  CHECK (avm_playing_get_part_spans (playing, 5, &n, NULL) == NULL, "no part");
  CHECK (avm_playing_get_part_spans (playing, -1, &n, NULL) == NULL, "no part");
  avm_playing_free (playing);
}

/* Nothing said in any order, in any numbers, breaks anything. */
static void
test_anything (const AvmSvmSet *models)
{
  for (int round = 0; round < 20; round++) {
    AvmPlaying *playing = make (1 + avm_rng_u32 (&avmcheck_rng) % 7, models);

    for (int i = 0; i < 300; i++) {
      int m = (int)(avm_rng_u32 (&avmcheck_rng) % 8) - 1;
      double t = avm_rng_range (&avmcheck_rng, -5.0, 40.0);

      switch (avm_rng_u32 (&avmcheck_rng) % 6) {
        case 0:
          avm_playing_add_note (playing, m, t, 0.1 * i - 3.0);
          break;
        case 1:
          avm_playing_set_track (playing, 100 - m, m);
          break;
        case 2:
          move (playing, 100 - m, t, t + 3.0, 5.0 * i, 10.0, 100.0);
          break;
        case 3:
          avm_playing_set_label (playing, m, i % 5, (AvmPoseLabel)(i % 6));
          break;
        case 4:
          avm_playing_set_part (playing, m, i % 4 - 2);
          break;
        default:
          avm_playing_add_pose (playing, m, i % 3, t, i % 5);
      }
    }
    avm_playing_run (playing, round % 3 * 4.0 - 2.0, 30.0, NULL);
    for (int m = 0; m < 8; m++) {
      size_t n;

      check_order (playing, m);
      avm_playing_get_part_spans (playing, m, &n, NULL);
    }
    avm_playing_free (playing);
  }
}

int
main (int argc, char **argv)
{
  AvmSvmSet *models;

  avmcheck_init (argc, argv);
  test_settings ();
  test_nothing ();
  test_labels ();
  test_entry ();
  test_notes ();
  test_absent ();
  test_part ();
  test_features ();
  test_rows ();
  models = make_models ();
  test_motion (models);
  test_fusion (models);
  test_part_spans ();
  test_anything (models);
  avm_svm_set_free (models);
  return avmcheck_report ();
}
