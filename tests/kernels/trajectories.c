/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Trajectories: points of two motions are told apart, speeds are means over
 * the groups, numbers last.
 */

#include "avmcheck.h"
#include "vision/avm-trajectories.h"

#define N 50
#define WINDOW 24

/* Even points swing to and fro, odd ones up and down and half as far. */
static void
frame (int t, float *vx, float *vy, double noise)
{
  for (int i = 0; i < N; i++) {
    vx[i] = (float)((i % 2 == 0) * 4.0 * sin (0.9 * t)
        + noise * avm_rng_normal (&avmcheck_rng));
    vy[i] = (float)((i % 2 == 1) * 2.0 * cos (0.5 * t)
        + noise * avm_rng_normal (&avmcheck_rng));
  }
}

static double
mean_speed (const float *vx, const float *vy, int parity)
{
  double sum = 0.0;

  for (int i = parity; i < N; i += 2)
    sum += hypot (vx[i], vy[i]);
  return sum / (N / 2);
}

static void
check_two_motions (void)
{
  AvmTrajectories *t = avm_trajectories_new (N, WINDOW, 2, 11, NULL);
  const int *labels = avm_trajectories_get_labels (t);
  float vx[N], vy[N], speeds[2];

  for (int run = 0; run < 2; run++) {
    for (int k = 0; k < 200; k++) {
      frame (k, vx, vy, 0.1);
      avm_trajectories_push (t, vx, vy, speeds);
      if (k < 7) {
        CHECK (isnan (speeds[0]) && isnan (speeds[1]) && labels[0] == -1,
            "frame %d: too early", k);
        continue;
      }
      for (int i = 0; i < N; i++)
        CHECK (labels[i] == i % 2, "frame %d, point %d", k, i);
      CHECK_NEAR (speeds[0], mean_speed (vx, vy, 0), 1e-5, 1e-5, "fast");
      CHECK_NEAR (speeds[1], mean_speed (vx, vy, 1), 1e-5, 1e-5, "slow");
    }
    avm_trajectories_reset (t);
  }
  avm_trajectories_free (t);
}

static void
check_bad_values (void)
{
  AvmTrajectories *t = avm_trajectories_new (N, 8, 3, 1, NULL);
  float vx[N], vy[N], speeds[3];

  for (int k = 0; k < 60; k++) {
    frame (k, vx, vy, 1.0);
    vx[k % N] = NAN;
    vy[(3 * k) % N] = INFINITY;
    avm_trajectories_push (t, vx, vy, speeds);
  }
  for (int c = 0; c < 3; c++)
    CHECK (isfinite (speeds[c]) && speeds[c] >= 0.0f, "cluster %d", c);
  avm_trajectories_free (t);
}

int
main (int argc, char **argv)
{
  AvmError error;
  float zero = 0.0f, speed;
  AvmTrajectories *one;

  avmcheck_init (argc, argv);
  check_two_motions ();
  check_bad_values ();
  one = avm_trajectories_new (1, 8, 1, 0, NULL);
  for (int k = 0; k < 20; k++)
    avm_trajectories_push (one, &zero, &zero, &speed);
  CHECK (speed == 0.0f, "one point at rest");
  avm_trajectories_free (one);
  CHECK (avm_trajectories_new (4, 7, 1, 0, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "window");
  CHECK (avm_trajectories_new (4, 8, 5, 0, NULL) == NULL, "clusters");
  avm_trajectories_free (NULL);
  return avmcheck_report ();
}
