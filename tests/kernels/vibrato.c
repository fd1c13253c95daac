/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vibrato against closed forms: a hand that moves on a known axis by a known
 * sinusoid, with sway, noise, gaps and irregular frames; a pitch contour of
 * known rate, extent and lag.
 */

#include "avmcheck.h"
#include "dsp/avm-vibrato.h"

#define FPS (30000.0 / 1001.0)

typedef struct {
  double rate, amplitude, extent; /* Hz, px and cents, both peak to trough */
  double angle;                   /* of the axis, rad */
  double lag;                     /* s, motion before pitch */
  double sway, jitter, cents_noise;
  double jumpiness; /* frame times off by up to this share */
  double shift;     /* px, change of position between notes */
} Scene;

static const Scene plain = {
    .rate = 6.0, .amplitude = 1.0, .extent = 50.0, .angle = 0.6};

/* Ten notes of 1.2 s, vibrato on the odd ones, from 1 s on */
#define NOTES 10
#define NOTE 1.2
#define BEGIN 1.0
#define END (BEGIN + NOTES * NOTE + 1.0)

static bool
vibrates (double t)
{
  double note = floor ((t - BEGIN) / NOTE);

  return note >= 0.0 && note < NOTES && fmod (note, 2.0) == 1.0;
}

static double
position (const Scene *s, double t)
{
  double note = AVM_CLAMP (floor ((t - BEGIN) / NOTE), -1.0, NOTES);
  double x = s->shift * ((int)(note * 7.0) % 5);

  if (vibrates (t + s->lag))
    x += 0.5 * s->amplitude * sin (2.0 * M_PI * s->rate * (t + s->lag));
  return x;
}

static void
hand (const Scene *s, double t, double *x, double *y)
{
  double p = position (s, t);

  *x = p * cos (s->angle) + s->sway * sin (2.0 * M_PI * 0.7 * t);
  *y = p * sin (s->angle) + s->sway * 0.4 * cos (2.0 * M_PI * 0.4 * t);
}

static AvmVibratoTrack *
film (const Scene *s)
{
  AvmVibratoTrack *track = avm_vibrato_track_new ();
  double before = 0.0, x0, y0;

  hand (s, 0.0, &x0, &y0);
  for (int i = 1; i < (int)(END * FPS); i++) {
    double t =
        ((double)i + s->jumpiness * avm_rng_range (&avmcheck_rng, -0.5, 0.5))
        / FPS;
    double x, y, d = t - before;

    hand (s, t, &x, &y);
    avm_vibrato_track_add (track, 0.5 * (t + before),
        (x - x0 + s->jitter * avm_rng_normal (&avmcheck_rng)) / d,
        (y - y0 + s->jitter * avm_rng_normal (&avmcheck_rng)) / d, 1.0);
    x0 = x;
    y0 = y;
    before = t;
  }
  return track;
}

static AvmVibratoContour *
record (const Scene *s, double step)
{
  AvmVibratoContour *contour = avm_vibrato_contour_new ();

  for (double t = 0.0; t < END; t += step) {
    double cents = s->cents_noise * avm_rng_normal (&avmcheck_rng);
    double note = floor ((t - BEGIN) / NOTE);

    if (vibrates (t))
      cents += 0.5 * s->extent * sin (2.0 * M_PI * s->rate * t);
    avm_vibrato_contour_add (contour, t,
        note < 0.0 || note >= NOTES
            ? 0.0
            : avm_midi_to_hz (60.0 + fmod (note * 5.0, 7.0) + cents / 100.0),
        1.0);
  }
  return contour;
}

static AvmVibratoResult
analyse (const AvmVibratoTrack *track, const AvmVibratoContour *contour,
    int note_index)
{
  AvmVibratoNote *note = avm_vibrato_note_new ();
  AvmVibratoSettings settings;
  AvmVibratoResult result;

  avm_vibrato_settings_init (&settings);
  CHECK (avm_vibrato_note_analyse (note, &settings, track, contour,
             BEGIN + NOTE * note_index, NOTE, &result),
      "note %d", note_index);
  avm_vibrato_note_free (note);
  return result;
}

static AvmVibratoTrack *
analysed (const Scene *s)
{
  AvmVibratoTrack *track = film (s);
  AvmVibratoSettings settings;
  AvmError error;

  avm_vibrato_settings_init (&settings);
  CHECK (
      avm_vibrato_track_analyse (track, &settings, &error), "%s", error.detail);
  return track;
}

static void
check_axis (void)
{
  for (double angle = -1.5; angle < 1.6; angle += 0.37) {
    Scene s = plain;
    AvmVibratoTrack *track;
    double ex, ey, share, between;

    s.angle = angle;
    s.sway = 1.0;
    s.jitter = 0.03;
    track = analysed (&s);
    avm_vibrato_track_get_axis (track, &ex, &ey, &share);
    between = fabs (ex * sin (angle) - ey * cos (angle));
    CHECK (between < 0.12, "angle %g: axis %g %g", angle, ex, ey);
    CHECK_NEAR (hypot (ex, ey), 1.0, 1e-9, 0.0, "unit vector");
    CHECK (ex >= 0.0, "the axis points to the right");
    CHECK (share > 0.5 && share <= 1.0, "share %g", share);
    avm_vibrato_track_free (track);
  }
}

/* The displacement curve is the sinusoid times what the moving average
 * leaves of it twice, and does not drift. */
static void
check_curve (void)
{
  Scene s = plain;
  AvmVibratoTrack *track;
  double first, interval, worst = 0.0, drift = 0.0, ex, ey, share;
  const float *velocity, *x;
  size_t n;
  double window = 10.0 * 1001.0 / 30000.0, gain;

  s.sway = 3.0;
  track = analysed (&s);
  n = avm_vibrato_track_get_curve (track, &first, &interval, &velocity, &x);
  avm_vibrato_track_get_axis (track, &ex, &ey, &share);
  CHECK_NEAR (interval, 1.0 / FPS, 1e-6, 0.0, "interval");
  CHECK (n == (size_t)(END * FPS) - 1, "%zu rows", n);
  gain = 1.0 - sin (M_PI * s.rate * window) / (M_PI * s.rate * window);
  gain *= gain;
  for (size_t i = 0; i < n; i++) {
    double t = first + ((double)i + 0.5) * interval;
    double in = fmod (t - BEGIN, NOTE);

    drift = fmax (drift, fabs (x[i]));
    if (vibrates (t) && in > 0.45 && in < NOTE - 0.45)
      worst = fmax (
          worst, fabs (x[i] - gain * 0.5 * sin (2.0 * M_PI * s.rate * t)));
  }
  CHECK (worst < 0.12, "curve off by %g px", worst);
  CHECK (drift < 1.5, "curve reaches %g px", drift);
  avm_vibrato_track_free (track);
}

static void
check_clean (void)
{
  for (double rate = 4.5; rate < 8.6; rate += 0.9) {
    Scene s = plain;
    AvmVibratoTrack *track;
    AvmVibratoContour *contour;

    s.rate = rate;
    track = analysed (&s);
    contour = record (&s, 0.01);
    for (int i = 1; i < NOTES; i += 2) {
      AvmVibratoResult both = analyse (track, contour, i);
      AvmVibratoResult seen = analyse (track, NULL, i);
      AvmVibratoResult heard = analyse (NULL, contour, i);

      CHECK (both.used == AVM_VIBRATO_BOTH && seen.used == AVM_VIBRATO_VIDEO
              && heard.used == AVM_VIBRATO_AUDIO,
          "used");
      CHECK_NEAR (both.rate, rate, 0.03, 0.0, "rate %g", rate);
      CHECK_NEAR (seen.rate, rate, 0.03, 0.0, "rate %g, video", rate);
      CHECK_NEAR (heard.rate, rate, 0.03, 0.0, "rate %g, audio", rate);
      CHECK_NEAR (both.acf_rate, rate, 0.15, 0.0, "rate %g, acf", rate);
      CHECK_NEAR (both.extent, s.extent, 2.0, 0.0, "extent at %g Hz", rate);
      CHECK_NEAR (heard.extent, s.extent, 2.0, 0.0, "audio at %g Hz", rate);
      CHECK_NEAR (both.amplitude, 1.0, 0.05, 0.0, "px at %g Hz", rate);
      CHECK_NEAR (both.lag, 0.0, 0.001, 0.0, "lag at %g Hz", rate);
      CHECK (isnan (seen.extent), "no extent without pitch");
      CHECK (isnan (heard.amplitude), "no amplitude without motion");
      CHECK (both.acf > 0.6 && both.coherence > 0.95, "acf %g, coherence %g",
          both.acf, both.coherence);
      CHECK_NEAR (
          heard.pitch, 6000.0 + 100.0 * fmod (i * 5.0, 7.0), 5.0, 0.0, "pitch");
    }
    avm_vibrato_track_free (track);
    avm_vibrato_contour_free (contour);
  }
}

static void
check_lag (void)
{
  static const double lags[] = {-0.031, -0.012, 0.004, 0.017, 0.033};

  for (size_t k = 0; k < 5; k++) {
    Scene s = plain;
    AvmVibratoTrack *track;
    AvmVibratoContour *contour;
    AvmVibratoResult result;

    s.lag = lags[k];
    s.angle = 2.8; /* points left: the axis is turned round, the lag is not */
    track = analysed (&s);
    contour = record (&s, 0.01);
    result = analyse (track, contour, 3);
    CHECK_NEAR (result.lag, lags[k], 0.002, 0.0, "lag");
    CHECK_NEAR (result.extent, s.extent, 1.5, 0.0, "extent at lag %g", s.lag);
    avm_vibrato_track_free (track);
    avm_vibrato_contour_free (contour);
  }
}

/* Under sway, noise, changes of position and frames of irregular length, the
 * mean error of many notes stays near zero: no bias of extent or rate. */
static void
check_noise (double jumpiness)
{
  Scene s = plain;
  double rate = 0.0, extent = 0.0, with = 0.0, without = 0.0, error = 0.0;
  int n = 0;

  s.amplitude = 0.8;
  s.sway = 6.0;
  s.jitter = 0.05;
  s.cents_noise = 4.0;
  s.shift = 8.0;
  s.jumpiness = jumpiness;
  for (int round = 0; round < 12; round++) {
    AvmVibratoTrack *track;
    AvmVibratoContour *contour;

    s.rate = 5.0 + 0.25 * round;
    s.extent = 25.0 + 4.0 * round;
    track = analysed (&s);
    contour = record (&s, 0.01);
    for (int i = 0; i < NOTES; i++) {
      AvmVibratoResult result = analyse (track, contour, i);

      if (i % 2 == 0) {
        without += result.acf;
        continue;
      }
      with += result.acf;
      rate += result.rate - s.rate;
      extent += result.extent - s.extent;
      error += fabs (result.extent - s.extent);
      n++;
    }
    avm_vibrato_track_free (track);
    avm_vibrato_contour_free (contour);
  }
  CHECK (fabs (rate / n) < 0.03, "bias of the rate %g Hz", rate / n);
  CHECK (fabs (extent / n) < 1.5, "bias of the extent %g cents", extent / n);
  CHECK (error / n < 2.5, "error of the extent %g cents", error / n);
  CHECK (with / n > 0.5 && without / n < 0.35, "acf %g with, %g without",
      with / n, without / n);
  printf ("noise, frames off by %g: extent bias %.2f, error %.2f cents; "
          "acf %.2f against %.2f\n",
      jumpiness, extent / n, error / n, with / n, without / n);
}

static void
check_gaps (void)
{
  Scene s = plain;
  AvmVibratoTrack *whole = film (&s), *track = avm_vibrato_track_new ();
  AvmVibratoContour *contour = avm_vibrato_contour_new ();
  AvmVibratoSettings settings;
  AvmVibratoResult result;
  double x0, y0, x, y;
  double lost = BEGIN + 3.0 * NOTE; /* note 3 is not seen at all */

  avm_vibrato_settings_init (&settings);
  hand (&s, 0.0, &x0, &y0);
  for (int i = 1; i < (int)(END * FPS); i++) {
    double t = (double)i / FPS;
    bool gap = (t > lost && t < lost + NOTE) || i % 17 == 0;

    hand (&s, t, &x, &y);
    avm_vibrato_track_add (track, t - 0.5 / FPS, gap ? NAN : (x - x0) * FPS,
        gap ? NAN : (y - y0) * FPS, i % 23 == 0 ? 0.0 : 1.0);
    x0 = x;
    y0 = y;
  }
  for (double t = 0.0; t < END; t += 0.01)
    avm_vibrato_contour_add (contour, t,
        t > BEGIN + 5.0 * NOTE && t < BEGIN + 6.0 * NOTE
            ? NAN
            : avm_midi_to_hz (
                60.0 + 0.25 * vibrates (t) * sin (2.0 * M_PI * s.rate * t)),
        (int)(t * 100.0) % 13 == 0 ? 0.0 : 0.9);
  CHECK (avm_vibrato_track_analyse (track, &settings, NULL), "with gaps");
  result = analyse (track, contour, 1);
  CHECK (result.used == AVM_VIBRATO_BOTH, "holes are bridged");
  CHECK_NEAR (result.rate, s.rate, 0.1, 0.0, "rate across holes");
  CHECK (analyse (track, contour, 3).used == AVM_VIBRATO_AUDIO, "hand lost");
  CHECK (analyse (track, contour, 5).used == AVM_VIBRATO_VIDEO, "no pitch");
  CHECK (analyse (track, contour, 20).used == AVM_VIBRATO_NONE, "beyond");
  avm_vibrato_track_free (track);
  avm_vibrato_track_free (whole);
  avm_vibrato_contour_free (contour);
}

static void
check_bad_input (void)
{
  AvmVibratoTrack *track = avm_vibrato_track_new ();
  AvmVibratoContour *contour = avm_vibrato_contour_new ();
  AvmVibratoNote *note = avm_vibrato_note_new ();
  AvmVibratoSettings settings;
  AvmVibratoResult result;
  AvmError error = {AVM_OK, -1, ""};
  double features[AVM_VIBRATO_MAX_FEATURES];

  avm_vibrato_settings_init (&settings);
  CHECK (!avm_vibrato_track_analyse (track, &settings, &error)
          && error.code == AVM_ERROR_EMPTY,
      "empty track");
  for (int i = 0; i < 40; i++)
    avm_vibrato_track_add (track, i / 30.0, NAN, INFINITY, 1.0);
  CHECK (
      !avm_vibrato_track_analyse (track, &settings, &error), "nothing known");
  /* not analysed: not used */
  CHECK (avm_vibrato_note_analyse (
             note, &settings, track, contour, 0.0, 1.0, &result)
          && result.used == AVM_VIBRATO_NONE,
      "nothing to use");
  CHECK (avm_vibrato_note_features (note, AVM_VIBRATO_BOTH, features) == 0,
      "no features");
  avm_vibrato_track_clear (track);
  /* time that stands still or runs back is ignored */
  for (int i = 0; i < 60; i++) {
    avm_vibrato_track_add (track, i / 30.0, 0.0, 0.0, 1.0);
    avm_vibrato_track_add (track, i / 30.0 - 0.5, 9.0, 9.0, 1.0);
    avm_vibrato_track_add (track, NAN, 9.0, 9.0, 1.0);
  }
  CHECK (avm_vibrato_track_rows (track) == 60, "%zu rows",
      avm_vibrato_track_rows (track));
  CHECK (avm_vibrato_track_analyse (track, &settings, NULL), "all zero");
  for (int i = 0; i < 200; i++)
    avm_vibrato_contour_add (contour, i / 100.0, 440.0, 1.0);
  for (double d = -0.5; d < 70.0; d = fabs (d) * 1.7 + 0.31) {
    CHECK (avm_vibrato_note_analyse (
               note, &settings, track, contour, 0.1, d, &result),
        "still hand, %g s", d);
    CHECK (isnan (result.rate) || isfinite (result.rate), "rate");
    CHECK (result.acf >= -1.0 && result.acf <= 1.0, "acf %g", result.acf);
  }
  CHECK (!avm_vibrato_note_analyse (
             note, &settings, track, contour, NAN, 1.0, &result),
      "onset NaN");
  /* absurd times: refused, not allocated */
  avm_vibrato_track_clear (track);
  for (int i = 0; i < 20; i++)
    avm_vibrato_track_add (track, i * 1e-9, 1.0, 0.0, 1.0);
  avm_vibrato_track_add (track, 1e9, 1.0, 0.0, 1.0);
  CHECK (!avm_vibrato_track_analyse (track, &settings, &error), "30 years");
  avm_vibrato_track_free (track);
  avm_vibrato_contour_free (contour);
  avm_vibrato_note_free (note);
  avm_vibrato_track_free (NULL);
  avm_vibrato_contour_free (NULL);
  avm_vibrato_note_free (NULL);
}

static void
check_features (void)
{
  Scene s = plain;
  AvmVibratoTrack *track = analysed (&s);
  AvmVibratoContour *contour = record (&s, 0.0058);
  AvmVibratoNote *note = avm_vibrato_note_new ();
  AvmVibratoSettings settings;
  AvmVibratoResult result;
  double both[AVM_VIBRATO_MAX_FEATURES], one[AVM_VIBRATO_MAX_FEATURES];
  const double *displacement, *pitch;
  double first, worst = 0.0;
  size_t n;

  avm_vibrato_settings_init (&settings);
  avm_vibrato_note_analyse (
      note, &settings, track, contour, BEGIN + NOTE, NOTE, &result);
  n = avm_vibrato_note_features (note, AVM_VIBRATO_BOTH, both);
  CHECK (n == AVM_VIBRATO_MAX_FEATURES, "%zu features", n);
  for (size_t i = 0; i < n; i++)
    CHECK (isfinite (both[i]), "feature %zu", i);
  n = avm_vibrato_note_features (note, AVM_VIBRATO_AUDIO, one);
  CHECK (n == AVM_VIBRATO_AUDIO_FEATURES
          && memcmp (
                 one, both + AVM_VIBRATO_VIDEO_FEATURES, n * sizeof (double))
              == 0,
      "audio features");
  /* two crossings per period, on x and y alike */
  CHECK_NEAR (both[0], 2.0 * s.rate, 1.5, 0.0, "zero crossings of vx");
  CHECK_NEAR (both[1], 2.0 * s.rate, 1.5, 0.0, "zero crossings of vy");
  n = avm_vibrato_note_curves (note, &first, &displacement, &pitch);
  CHECK (n == 120 && displacement != NULL && pitch != NULL, "%zu points", n);
  for (size_t i = 20; i < 100; i++)
    worst = fmax (worst, fabs (pitch[i] - 50.0 * displacement[i]));
  CHECK (worst < 3.0, "curves differ by %g cents", worst);
  avm_vibrato_note_free (note);
  avm_vibrato_track_free (track);
  avm_vibrato_contour_free (contour);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_axis ();
  check_curve ();
  check_clean ();
  check_lag ();
  check_noise (0.0);
  check_noise (0.4);
  check_gaps ();
  check_bad_input ();
  check_features ();
  return avmcheck_report ();
}
