/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sound of the virtual ensemble against its own truth: pitch and vibrato
 * are measured again by demodulating the fundamental, the amplitude is held
 * against the speed of the bow.
 */

#include "avmcheck.h"

#include "scene/avm-scorebook.h"
#include "scene/avm-strings.h"

#define RATE 24000
#define CONTOUR 1000 /* Hz */

static AvmEnsemble *
perform (uint64_t seed, int players, double seconds)
{
  AvmEnsembleConfig config;
  AvmScore *score = avm_scorebook_compose (seed, players, seconds, NULL);
  AvmEnsemble *ensemble;

  avm_ensemble_config_init (&config);
  config.seed = seed;
  config.n_players = players;
  ensemble = avm_ensemble_new (score, &config, NULL);
  avm_score_free (score);
  return ensemble;
}

static float *
render (const AvmEnsemble *ensemble, AvmStringsConfig *config, size_t *n)
{
  AvmStrings *strings = avm_strings_new (ensemble, config, NULL);
  float *sound;

  *n = (size_t)(avm_ensemble_duration (ensemble) * config->rate);
  sound = calloc (*n, sizeof (float) * (size_t)config->channels);
  avm_strings_render (strings, sound, *n);
  avm_strings_free (strings);
  return sound;
}

/* The harmonic of `hz` around `time`: a Hann window of four periods takes its
 * neighbours away. Phase in cycles relative to the harmonic's own turn. */
static double
phase_at (const float *sound, size_t n, double time, double hz, int harmonic,
    double *level)
{
  int half = (int)(2.0 * RATE / hz);
  long centre = lrint (time * RATE);
  double re = 0.0, im = 0.0;

  for (int i = -half; i <= half; i++) {
    long at = centre + i;
    double w = 0.5 + 0.5 * cos (M_PI * i / half);
    double turn = 2.0 * M_PI * harmonic * hz * (double)at / RATE;

    if (at < 0 || (size_t)at >= n)
      continue;
    re += w * sound[at] * cos (turn);
    im -= w * sound[at] * sin (turn);
  }
  if (level != NULL)
    *level = hypot (re, im);
  return atan2 (im, re) / (2.0 * M_PI);
}

static int
strongest (const float *sound, size_t n, double from, double to, double hz)
{
  double best = -1.0;
  int harmonic = 1;

  for (int h = 1; h <= 5; h++) {
    double weakest = INFINITY, level;

    for (double t = from; t < to; t += 0.02) {
      phase_at (sound, n, t, hz, h, &level);
      weakest = fmin (weakest, level);
    }
    if (weakest > best) {
      best = weakest;
      harmonic = h;
    }
  }
  return harmonic;
}

/* Cents around the pitch of the note, CONTOUR values per s */
static int
contour (const float *sound, size_t n, const AvmPerformedNote *note,
    double from, double to, double *cents, int most)
{
  int h = strongest (sound, n, from, to, note->hz);
  double before = phase_at (sound, n, from, note->hz, h, NULL);
  int count = (int)((to - from) * CONTOUR);

  count = AVM_MIN (count, most);
  for (int i = 0; i < count; i++) {
    double now = phase_at (
        sound, n, from + (double)(i + 1) / CONTOUR, note->hz, h, NULL);
    double step = now - before;

    step -= floor (step + 0.5);
    cents[i] = 1200.0 * log2 (1.0 + step * CONTOUR / (h * note->hz));
    before = now;
  }
  return count;
}

/* Mean distance of neighbouring extrema and their rate; smoothed first */
static bool
measure (double *y, int n, double *rate, double *extent)
{
  const int half = 5;
  double before = NAN, sum = 0.0, first = 0.0, last = 0.0;
  int count = 0, direction = 0;
  double best = 0.0;
  int best_at = 0;

  /* turning points that are passed by more than 8 cents */
  for (int i = half; i < n - half; i++) {
    double v = 0.0;

    for (int k = -half; k <= half; k++)
      v += y[i + k] / (2 * half + 1);
    if (direction == 0) {
      direction = 1;
      best = v;
      best_at = i;
    } else if ((v - best) * direction > 0.0) {
      best = v;
      best_at = i;
    } else if ((best - v) * direction > 8.0) {
      if (!isnan (before)) {
        sum += fabs (best - before);
        count++;
        last = best_at;
      } else {
        first = best_at;
      }
      before = best;
      direction = -direction;
      best = v;
      best_at = i;
    }
  }
  if (count < 3)
    return false;
  *extent = sum / count;
  *rate = count * CONTOUR / (2.0 * (last - first));
  return true;
}

/* The rate of a note with vibrato, its extent and its pitch are in the sound
 * of the part. */
static void
check_vibrato (uint64_t seed)
{
  static double cents[20000];
  AvmEnsemble *ensemble = perform (seed, 2, 40.0);
  double rate_error = 0.0, extent_error = 0.0, bias = 0.0;
  int n_notes = 0, n_plain = 0, n_wrong = 0;

  for (int part = 0; part < 2; part++) {
    AvmStringsConfig config;
    size_t n, count;
    const AvmPerformedNote *notes = avm_ensemble_notes (ensemble, &count);
    float *sound;

    avm_strings_config_init (&config);
    config.rate = RATE;
    config.channels = 1;
    config.part = part;
    config.reverb = 0.0;
    sound = render (ensemble, &config, &n);
    for (size_t i = 0; i < count; i++) {
      const AvmPerformedNote *note = &notes[i];
      double end = note->onset + note->duration - 0.06, rate, extent;
      double from = note->vibrato ? note->vibrato_onset : note->onset + 0.1;
      int length;

      /* long enough to measure again by other means */
      if (note->part != part || end - from < 0.6)
        continue;
      length = contour (sound, n, note, from, end, cents, 20000);
      if (!note->vibrato) {
        n_plain++;
        n_wrong += measure (cents, length, &rate, &extent) && rate > 4.5
            && extent > 18.0;
        continue;
      }
      if (!measure (cents, length, &rate, &extent)) {
        n_wrong++;
        continue;
      }
      rate_error += fabs (rate - note->rate);
      extent_error += fabs (extent - note->extent);
      bias += extent - note->extent;
      n_notes++;
    }
    free (sound);
  }
  printf ("%d notes with vibrato: rate error %.3f Hz, extent error %.2f cents "
          "(bias %.2f); %d without, %d wrong\n",
      n_notes, rate_error / n_notes, extent_error / n_notes, bias / n_notes,
      n_plain, n_wrong);
  CHECK (n_notes >= 5, "%d notes", n_notes);
  CHECK (rate_error / n_notes < 0.2, "seed %llu", (unsigned long long)seed);
  CHECK (extent_error / n_notes < 4.0, "seed %llu", (unsigned long long)seed);
  CHECK (n_wrong * 10 <= n_notes + n_plain, "%d of %d", n_wrong,
      n_notes + n_plain);
  avm_ensemble_free (ensemble);
}

/* Loudness goes with the bow: where it is fast the sound is louder than where
 * it turns; it follows the stroke by 10 to 40 ms. */
static void
check_bow (uint64_t seed)
{
  AvmEnsemble *ensemble = perform (seed, 1, 40.0);
  AvmStringsConfig config;
  size_t n, count;
  float *sound;
  double best = -1.0, best_lag = 0.0;
  const int hop = RATE / 200;

  avm_strings_config_init (&config);
  config.rate = RATE;
  config.channels = 1;
  config.reverb = 0.0;
  sound = render (ensemble, &config, &n);
  count = n / hop;
  for (int lag_ms = -40; lag_ms <= 100; lag_ms += 5) {
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, r;

    for (size_t i = 0; i < count; i++) {
      double t = ((double)i + 0.5) * hop / RATE, e = 0.0, x, y;

      for (int k = 0; k < hop; k++)
        e += sound[i * hop + k] * sound[i * hop + k];
      y = sqrt (e / hop);
      x = pow (
          fabs (avm_ensemble_bow_speed (ensemble, 0, t - lag_ms * 1e-3)), 0.6);
      sx += x;
      sy += y;
      sxx += x * x;
      syy += y * y;
      sxy += x * y;
    }
    r = (count * sxy - sx * sy)
        / sqrt ((count * sxx - sx * sx) * (count * syy - sy * sy));
    if (r > best) {
      best = r;
      best_lag = lag_ms;
    }
  }
  printf ("loudness against bow speed: r %.3f at %.0f ms\n", best, best_lag);
  CHECK (best > 0.5, "r %.3f", best);
  CHECK (best_lag >= 5.0 && best_lag <= 50.0, "%.0f ms", best_lag);
  free (sound);
  avm_ensemble_free (ensemble);
}

/* The same sound in pieces of any size; the mix is the sum of the parts. */
static void
check_pieces (uint64_t seed)
{
  AvmEnsemble *ensemble = perform (seed, 3, 8.0);
  AvmStringsConfig config;
  AvmStrings *strings;
  size_t n, at = 0;
  float *whole, *pieces;
  double sum_error = 0.0, sum = 0.0;

  avm_strings_config_init (&config);
  config.rate = RATE;
  config.noise = 0.001;
  whole = render (ensemble, &config, &n);
  pieces = calloc (n * 2, sizeof (float));
  strings = avm_strings_new (ensemble, &config, NULL);
  while (at < n) {
    size_t m = 1 + avm_rng_u32 (&avmcheck_rng) % 700;

    m = AVM_MIN (m, n - at);
    avm_strings_render (strings, pieces + 2 * at, m);
    at += m;
  }
  CHECK (memcmp (whole, pieces, n * 2 * sizeof (float)) == 0, "pieces");

  /* a seek gives the same sound, but for the room's memory */
  at = n / 2 + 77;
  avm_strings_seek (strings, (int64_t)at);
  avm_strings_render (strings, pieces, n / 4);
  for (size_t i = 0; i < n / 4 * 2; i++) {
    double d = pieces[i] - whole[at * 2 + i];

    sum_error += d * d;
    sum += whole[at * 2 + i] * whole[at * 2 + i];
  }
  CHECK (sum_error < 1e-4 * sum, "%g of %g", sum_error, sum);
  for (size_t i = 0; i < n * 2; i++)
    at += !(fabsf (whole[i]) <= 1.0f);
  CHECK (at == n / 2 + 77, "within full scale");
  avm_strings_free (strings);
  free (whole);
  free (pieces);
  avm_ensemble_free (ensemble);
}

static void
check_range (void)
{
  AvmEnsemble *ensemble = perform (1, 1, 5.0);
  static const int rates[] = {4000, 8000, 44100, 96000, 384000};
  AvmStringsConfig config;
  AvmError error = {AVM_OK, 0, ""};

  avm_strings_config_init (&config);
  for (size_t i = 0; i < sizeof (rates) / sizeof (rates[0]); i++) {
    size_t n;
    float *sound;
    double power = 0.0;

    config.rate = rates[i];
    sound = render (ensemble, &config, &n);
    for (size_t k = 0; k < n * 2; k++)
      power += sound[k] * sound[k];
    power /= (double)n * 2.0;
    CHECK (isfinite (power) && power > 1e-4 && power < 0.1, "%d Hz: %g",
        rates[i], power);
    free (sound);
  }
  config.rate = 100;
  CHECK (avm_strings_new (ensemble, &config, &error) == NULL, "100 Hz");
  CHECK (error.code == AVM_ERROR_RANGE, "code %d", (int)error.code);
  avm_ensemble_free (ensemble);
}

/* Five players at 48 kHz, at least twenty times faster than real time */
static void
check_speed (void)
{
  AvmEnsemble *ensemble = perform (3, 5, 20.0);
  AvmStringsConfig config;
  size_t n;
  double cpu = avmcheck_cpu ();
  float *sound;

  avm_strings_config_init (&config);
  sound = render (ensemble, &config, &n);
  cpu = avmcheck_cpu () - cpu;
  printf ("five players: %.0f times real time\n", (double)n / 48000.0 / cpu);
#ifndef __SANITIZE_ADDRESS__
  CHECK (n / 48000.0 > 20.0 * cpu, "%.3f s", cpu);
#endif
  free (sound);
  avm_ensemble_free (ensemble);
}

int
main (int argc, char **argv)
{
  uint64_t seed;

  avmcheck_init (argc, argv);
  seed = avm_rng_u32 (&avmcheck_rng) % 1000;
  /* statistics of few notes: always the same performances */
  check_vibrato (11);
  check_vibrato (12);
  check_bow (13);
  check_bow (14);
  check_pieces (seed);
  check_range ();
  check_speed ();
  return avmcheck_report ();
}
