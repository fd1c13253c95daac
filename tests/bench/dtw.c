/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Warping and alignment, CPU seconds and the peak of the process's memory:
 *
 * bench-dtw path SECONDS DIM MEMORY   one exact warping, 50 Hz
 * bench-dtw plain SECONDS DIM         the textbook's two loops, cost only
 * bench-dtw align SECONDS             score against its own warped features
 * bench-dtw features SECONDS RATE     pitchgram of noise
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "dsp/avm-align.h"
#include "dsp/avm-dtw.h"

static double
cpu (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long
peak (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

static void
make_side (AvmDtwSide *side, size_t n, size_t dim, AvmRng *rng)
{
  float *features = avm_alloc (n * dim, sizeof (float));
  float *offset = avm_alloc (n, sizeof (float));

  if (features == NULL || offset == NULL)
    exit (1);
  for (size_t i = 0; i < n * dim; i++)
    features[i] = (float)avm_rng_range (rng, 0.0, 0.3);
  for (size_t i = 0; i < n; i++)
    offset[i] = 1.0f;
  *side = (AvmDtwSide){n, dim, features, offset};
}

static double
run_plain (const AvmDtwSide *a, const AvmDtwSide *b)
{
  float *row = avm_alloc (b->n, sizeof (float));

  for (size_t i = 0; i < a->n; i++) {
    float diagonal = i == 0 ? 0.0f : INFINITY;

    for (size_t j = 0; j < b->n; j++) {
      float cost = a->offset[i] + b->offset[j], best = diagonal + 2.0f * cost;

      for (size_t d = 0; d < a->dim; d++)
        cost -= a->features[i * a->dim + d] * b->features[j * b->dim + d];
      best = diagonal + 2.0f * cost;
      if (i > 0)
        best = fminf (best, row[j] + 1.5f * cost);
      if (j > 0)
        best = fminf (best, row[j - 1] + 1.5f * cost);
      diagonal = i > 0 ? row[j] : INFINITY;
      row[j] = best;
    }
  }
  return row[b->n - 1];
}

static int
run_path (double seconds, size_t dim, size_t memory, bool plain)
{
  AvmDtwConfig config = {2.0f, 1.5f, 1.5f, NULL, NULL, memory, NULL, NULL};
  AvmDtwSide a, b;
  AvmDtwPath path = {0};
  AvmRng rng;
  double begin, cost;

  avm_rng_init (&rng, 1, 1);
  make_side (&a, (size_t)(seconds * 50) + 1, dim, &rng);
  make_side (&b, (size_t)(seconds * 50 * 1.0045) + 1, dim, &rng);
  begin = cpu ();
  if (plain) {
    cost = run_plain (&a, &b);
  } else {
    if (!avm_dtw_align (&a, &b, &config, &path, NULL))
      return 1;
    cost = path.cost;
  }
  printf ("%.4f\t%ld\t%.3f\n", cpu () - begin, peak (), cost);
  return 0;
}

static int
run_align (double seconds)
{
  AvmScore *score = avm_score_new ();
  AvmPitchgram *audio;
  AvmAlignConfig config;
  AvmAlignment *found;
  AvmRng rng;
  double begin;
  int part = avm_score_add_part (score, "", -1, -1);

  avm_rng_init (&rng, 1, 1);
  for (double at = 0.0; at < seconds; at += 0.5) {
    AvmNote note = {
        at, 0.5, at, 0.5, 55 + (int)(avm_rng_u32 (&rng) % 30), 80, part};

    if (!avm_score_add_note (score, &note))
      return 1;
  }
  avm_score_sort (score);
  audio = avm_pitchgram_new_from_score (score, 50.0, 3.0, 1.13, 2.0, 0);
  avm_align_config_init (&config);
  begin = cpu ();
  found = audio != NULL ? avm_align (score, audio, &config, NULL) : NULL;
  if (found == NULL)
    return 1;
  begin = cpu () - begin;
  printf ("%.4f\t%ld\t%.3f\n", begin, peak (),
      found->notes[found->n_notes / 2].onset);
  return 0;
}

static int
run_features (double seconds, double rate)
{
  AvmPitchgram *gram = avm_pitchgram_new (rate, 50.0, 0.0);
  size_t n = (size_t)rate;
  float *x = avm_alloc (n, sizeof (float));
  AvmRng rng;
  double begin;

  if (gram == NULL || x == NULL)
    return 1;
  avm_rng_init (&rng, 1, 1);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)avm_rng_range (&rng, -0.5, 0.5);
  begin = cpu ();
  for (int i = 0; i < (int)seconds; i++) {
    if (!avm_pitchgram_push (gram, x, n))
      return 1;
  }
  avm_pitchgram_finish (gram);
  printf ("%.4f\t%ld\t%zu\n", cpu () - begin, peak (),
      avm_pitchgram_n_frames (gram));
  return 0;
}

int
main (int argc, char **argv)
{
  double seconds = argc > 2 ? atof (argv[2]) : 60.0;

  if (argc > 4 && strcmp (argv[1], "path") == 0)
    return run_path (
        seconds, strtoul (argv[3], NULL, 10), strtoul (argv[4], NULL, 10), 0);
  if (argc > 3 && strcmp (argv[1], "plain") == 0)
    return run_path (seconds, strtoul (argv[3], NULL, 10), 0, 1);
  if (argc > 2 && strcmp (argv[1], "align") == 0)
    return run_align (seconds);
  if (argc > 3 && strcmp (argv[1], "features") == 0)
    return run_features (seconds, atof (argv[3]));
  return 2;
}
