/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A small harness for kernel tests: seeded inputs (the seed is printed and
 * AVM_SEED gives it back), named checks that count, guard bytes, float
 * comparison, and a bench of the reference against the fast version in the
 * same program (--bench).
 */

#ifndef AVMCHECK_H
#define AVMCHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/avm-common.h"

static int avmcheck_failed, avmcheck_passed;
static AvmRng avmcheck_rng;
static bool avmcheck_bench;

#define CHECK(condition, ...)                                                  \
  do {                                                                         \
    if (condition) {                                                           \
      avmcheck_passed++;                                                       \
    } else {                                                                   \
      avmcheck_failed++;                                                       \
      fprintf (stderr, "%s:%d: FAILED: %s: ", __FILE__, __LINE__, #condition); \
      fprintf (stderr, __VA_ARGS__);                                           \
      fputc ('\n', stderr);                                                    \
    }                                                                          \
  } while (0)

/* |a - b| <= absolute + relative * |b|; two NaN are near each other */
#define CHECK_NEAR(a, b, absolute, relative, ...)                              \
  do {                                                                         \
    double check_a = (a), check_b = (b);                                       \
    bool check_near = (isnan (check_a) && isnan (check_b))                     \
        || fabs (check_a - check_b) <= (absolute) + (relative)*fabs (check_b); \
    if (!check_near)                                                           \
      fprintf (stderr, "%.9g against %.9g; ", check_a, check_b);               \
    CHECK (check_near, __VA_ARGS__);                                           \
  } while (0)

static inline void
avmcheck_init (int argc, char **argv)
{
  const char *text = getenv ("AVM_SEED");
  uint64_t seed =
      text != NULL ? strtoull (text, NULL, 10) : (uint64_t)time (NULL);

  printf ("AVM_SEED=%llu\n", (unsigned long long)seed);
  fflush (stdout);
  avm_rng_init (&avmcheck_rng, seed, 1);
  for (int i = 1; i < argc; i++)
    avmcheck_bench |= strcmp (argv[i], "--bench") == 0;
}

static inline int
avmcheck_report (void)
{
  printf ("%d checks passed, %d failed\n", avmcheck_passed, avmcheck_failed);
  return avmcheck_failed > 0 || avmcheck_passed == 0;
}

/* CPU seconds of this thread */
static inline double
avmcheck_cpu (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Interleaves two statements and prints the minimum CPU time of each. */
#define BENCH(name, repeats, reference, fast)                                  \
  do {                                                                         \
    double bench_a = 1e30, bench_b = 1e30;                                     \
    for (int bench_i = 0; avmcheck_bench && bench_i < (repeats); bench_i++) {  \
      double bench_t = avmcheck_cpu ();                                        \
      reference;                                                               \
      bench_a = fmin (bench_a, avmcheck_cpu () - bench_t);                     \
      bench_t = avmcheck_cpu ();                                               \
      fast;                                                                    \
      bench_b = fmin (bench_b, avmcheck_cpu () - bench_t);                     \
    }                                                                          \
    if (avmcheck_bench)                                                        \
      printf ("bench %s: reference %.3f us, fast %.3f us, ratio %.2f\n", name, \
          bench_a * 1e6, bench_b * 1e6, bench_a / bench_b);                    \
  } while (0)

#endif /* AVMCHECK_H */
