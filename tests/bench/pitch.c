/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU time of F0 tracking: ours and aubio's, interleaved on the same sound,
 * and of the contours of a four-part mixture.
 * Usage: bench-pitch SECONDS REPEATS; prints name, CPU s, sound s.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsp/avm-pitch.h"
#include "dsp/avm-scorepitch.h"

#ifdef HAVE_AUBIO
#include <aubio/aubio.h>
#endif

#define RATE 44100
#define PIECE_RATE 16000
#define HOP 256
#define WINDOW 2048
#define PARTS 4

static double
cpu (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Tones of 0.75 s with vibrato, harmonics 1 / h, and a little noise. */
static double
pitch_of (int part, int index)
{
  static const int lowest[PARTS] = {72, 64, 57, 45};

  return lowest[part] + (index * 7 + part * 3) % 12;
}

static void
add_part (float *x, size_t n, double rate, int part, AvmRng *rng)
{
  double phase = 0.0;

  for (size_t i = 0; i < n; i++) {
    double t = (double)i / rate, sum = 0.0;
    double midi = pitch_of (part, (int)(t / 0.75));
    double f0 = avm_midi_to_hz (
        midi + 0.25 * sin (2.0 * M_PI * (5.5 + 0.3 * part) * t));

    phase += 2.0 * M_PI * f0 / rate;
    for (int h = 1; h <= 12 && h * f0 < 0.45 * rate; h++)
      sum += cos (h * phase) / h;
    x[i] += (float)(0.08 * sum + 1e-3 * avm_rng_normal (rng));
  }
}

static double
time_ours (const float *x, size_t n, double hop)
{
  AvmPitchConfig config;
  AvmPitchFrame *frames;
  AvmPitch *pitch;
  double start;

  avm_pitch_config_init (&config, RATE);
  config.hop = hop;
  pitch = avm_pitch_new (&config, NULL);
  frames = malloc (
      sizeof (AvmPitchFrame) * (avm_pitch_max_frames (pitch, WINDOW) + 64));
  start = cpu ();
  for (size_t i = 0; i + WINDOW <= n; i += WINDOW)
    avm_pitch_do (pitch, x + i, WINDOW, frames);
  start = cpu () - start;
  free (frames);
  avm_pitch_free (pitch);
  return start;
}

#ifdef HAVE_AUBIO
static double
time_aubio (const float *x, size_t n, const char *method)
{
  aubio_pitch_t *pitch = new_aubio_pitch (method, WINDOW, HOP, RATE);
  fvec_t *in = new_fvec (HOP), *out = new_fvec (1);
  double start = cpu ();

  for (size_t i = 0; i + HOP <= n; i += HOP) {
    memcpy (in->data, x + i, HOP * sizeof (float));
    aubio_pitch_do (pitch, in, out);
  }
  start = cpu () - start;
  del_aubio_pitch (pitch);
  del_fvec (in);
  del_fvec (out);
  return start;
}
#endif

static double
time_parts (const float *x, size_t n, double seconds)
{
  AvmScorePitchConfig config = {PIECE_RATE, 0.01, NAN, PARTS};
  AvmScorePitch *kernel = avm_scorepitch_new (&config, NULL);
  size_t per_part = (size_t)(seconds / 0.75);
  AvmScorePitchNote *notes = calloc (PARTS * per_part, sizeof (*notes));
  int16_t *samples = malloc (n * sizeof (int16_t));
  double start;

  for (size_t i = 0; i < n; i++)
    samples[i] = (int16_t)lrintf (fmaxf (fminf (x[i], 0.99f), -0.99f) * 32768);
  for (size_t i = 0; i < PARTS * per_part; i++)
    notes[i] = (AvmScorePitchNote){(double)(i / PARTS) * 0.75, 0.75,
        pitch_of ((int)(i % PARTS), (int)(i / PARTS)), (int)(i % PARTS)};
  start = cpu ();
  avm_scorepitch_do (
      kernel, samples, n, notes, PARTS * per_part, NULL, NULL, NULL);
  start = cpu () - start;
  free (notes);
  free (samples);
  avm_scorepitch_free (kernel);
  return start;
}

int
main (int argc, char **argv)
{
  double seconds = argc > 1 ? atof (argv[1]) : 60.0;
  int repeats = argc > 2 ? atoi (argv[2]) : 5;
  size_t n = (size_t)(seconds * RATE), n_piece = (size_t)(seconds * PIECE_RATE);
  float *x = calloc (n, sizeof (float));
  float *piece = calloc (n_piece, sizeof (float));
  double best[5] = {1e9, 1e9, 1e9, 1e9, 1e9};
  AvmRng rng;

  avm_rng_init (&rng, 1, 1);
  add_part (x, n, RATE, 1, &rng);
  for (int part = 0; part < PARTS; part++)
    add_part (piece, n_piece, PIECE_RATE, part, &rng);
  for (int i = 0; i < repeats; i++) {
    best[0] = fmin (best[0], time_ours (x, n, (double)HOP / RATE));
    best[1] = fmin (best[1], time_ours (x, n, 0.01));
#ifdef HAVE_AUBIO
    best[2] = fmin (best[2], time_aubio (x, n, "yinfft"));
    best[3] = fmin (best[3], time_aubio (x, n, "yinfast"));
#endif
    if (i < 2)
      best[4] = fmin (best[4], time_parts (piece, n_piece, seconds));
  }
  printf ("avm-pitch, hop 256\t%.6f\t%.3f\n", best[0], seconds);
  printf ("avm-pitch, hop 10 ms\t%.6f\t%.3f\n", best[1], seconds);
#ifdef HAVE_AUBIO
  printf ("aubio yinfft, hop 256\t%.6f\t%.3f\n", best[2], seconds);
  printf ("aubio yinfast, hop 256\t%.6f\t%.3f\n", best[3], seconds);
#endif
  printf ("avm-scorepitch, 4 parts, hop 10 ms\t%.6f\t%.3f\n", best[4], seconds);
  free (x);
  free (piece);
  return 0;
}
