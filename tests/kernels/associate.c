/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Evidence of each cue against closed forms on motion that is known exactly,
 * and whole ensembles of synthetic players with noise, sway and gaps.
 */

#include "avmcheck.h"
#include "dsp/avm-associate.h"

#define FPS 30.0
#define MAX_ONSETS 200

/* The models' numbers, as avm-associate.c has them */
static const double hits[] = {0.15, 0.35, 0.6, 0.85};
static const double leads[] = {0.005, 0.025, 0.045};
static const double odds[] = {2.0, 6.0, 25.0};
static const double seen[] = {0.02, 0.15, 0.4, 0.75};
static const double finger_r[] = {0.05, 0.15, 0.3};

static double
log_mean (const double *logs, int n)
{
  double high = -INFINITY, sum = 0.0;

  for (int i = 0; i < n; i++)
    high = fmax (high, logs[i]);
  for (int i = 0; i < n; i++)
    sum += exp (logs[i] - high) / n;
  return high + log (sum);
}

static double
bell (double x, double sigma)
{
  return exp (-x * x / (2.0 * sigma * sigma)) / sigma / sqrt (2.0 * M_PI);
}

static AvmAssociate *
run (AvmAssociate *a, double to)
{
  AvmAssociateSettings settings;
  AvmError error = {AVM_OK, -1, ""};

  avm_associate_settings_init (&settings);
  CHECK (avm_associate_run (a, &settings, 0.0, to, &error), "%s", error.detail);
  return a;
}

/* -- strokes -------------------------------------------------------------- */

/* Irregular times of n strokes, the first at `first` */
static void
make_onsets (double *onsets, int n, double first)
{
  double t = first;

  for (int i = 0; i < n; i++) {
    onsets[i] = t;
    t += avm_rng_range (&avmcheck_rng, 0.3, 0.7);
  }
}

/* Lobes of alternating sign and equal height between the strokes */
static double
bow_velocity (const double *strokes, int n, double t)
{
  int i = 0;

  if (t < strokes[0] || t >= strokes[n - 1])
    return 0.0;
  while (t >= strokes[i + 1])
    i++;
  return (i % 2 ? -300.0 : 300.0)
      * sin (M_PI * (t - strokes[i]) / (strokes[i + 1] - strokes[i]));
}

/* The log likelihood ratio of strokes at known times, all of weight 1 */
static double
reference_strokes (const double *strokes, int n_strokes, const double *onsets,
    int n_onsets, double span)
{
  double logs[12], all = n_strokes + 1.0;

  for (int k = 0; k < 12; k++) {
    double lead = leads[k / 4], hit = hits[k % 4];
    double idle = fmax (all - hit * n_onsets, 0.05 * all) / span;

    logs[k] = all - hit * n_onsets - idle * span;
    for (int i = 0; i < n_strokes; i++) {
      double rate = idle;

      for (int j = 0; j < n_onsets; j++) {
        double x = strokes[i] - onsets[j] + lead;

        if (fabs (x) <= 0.4)
          rate += hit * (0.85 * bell (x, 0.03) + 0.15 * bell (x, 0.1));
      }
      logs[k] += log (rate / (all / span));
    }
  }
  return log_mean (logs, 12);
}

static void
check_strokes (void)
{
  enum {
    N = 41
  };
  double strokes[N], right[N], wrong[N], span;
  AvmAssociate *a = avm_associate_new ();

  make_onsets (strokes, N, 1.0);
  make_onsets (wrong, N, 1.15);
  for (int i = 0; i < N; i++)
    right[i] = strokes[i] + 0.025;
  span = floor ((strokes[N - 1] + 1.0) * FPS) / FPS;
  for (int i = 0; i < span * FPS; i++)
    avm_associate_add_motion (a, 3, AVM_ASSOCIATE_BOW, (i + 0.5) / FPS,
        0.6 * bow_velocity (strokes, N, (i + 0.5) / FPS),
        0.8 * bow_velocity (strokes, N, (i + 0.5) / FPS), 1.0);
  for (int i = 0; i + 1 < N; i++) {
    avm_associate_add_note (a, 1, right[i], 0.3);
    avm_associate_add_note (a, 0, wrong[N - 2 - i], 0.3); /* any order */
  }
  run (a, span);
  CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_STROKES, 0, 1),
      reference_strokes (strokes, N - 1, right, N - 1, span), 2.0, 0.04,
      "the part that is bowed");
  CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_STROKES, 0, 0),
      reference_strokes (strokes, N - 1, wrong, N - 1, span), 2.0, 0.04,
      "another part");
  CHECK (avm_associate_evidence (a, AVM_ASSOCIATE_STROKES, 0, 1) > 30.0,
      "a perfect fit says much");
  CHECK (isnan (avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 0))
          && isnan (avm_associate_evidence (a, AVM_ASSOCIATE_FINGERS, 0, 0)),
      "nothing is known of the hand");
  CHECK (isnan (avm_associate_evidence (a, AVM_ASSOCIATE_STROKES, 0, 2))
          && isnan (avm_associate_evidence (a, AVM_ASSOCIATE_STROKES, 1, 0)),
      "out of range");
  avm_associate_free (a);
}

/* -- activity ------------------------------------------------------------- */

/* The share of moving in rests from the quadratic equation */
static double
rests_of (double share, double sounds, double ratio)
{
  double a = (1.0 - sounds) * (ratio - 1.0);
  double b = sounds * ratio + 1.0 - sounds - share * (ratio - 1.0);

  return (-b + sqrt (b * b + 4.0 * a * share)) / (2.0 * a);
}

static double
reference_activity (double moves0, double looks0, double moves1, double looks1)
{
  double share = (moves0 + moves1) / (looks0 + looks1), logs[3];

  for (int i = 0; i < 3; i++) {
    double p0 = rests_of (share, looks1 / (looks0 + looks1), odds[i]);
    double p1 = p0 * odds[i] / (1.0 - p0 + p0 * odds[i]);

    logs[i] = moves0 * log (p0 / share)
        + (looks0 - moves0) * log ((1.0 - p0) / (1.0 - share))
        + moves1 * log (p1 / share)
        + (looks1 - moves1) * log ((1.0 - p1) / (1.0 - share));
  }
  return log_mean (logs, 3);
}

/* Four seconds of bowing, four of rest; part 0 sounds then, part 1 always,
 * part 2 when the bow rests. */
static void
check_activity (void)
{
  enum {
    SECONDS = 40
  };
  AvmAssociate *a = avm_associate_new ();
  double p = pow (1.0 / 0.22, 3.0), looks = (20.0 - 5.0 * 0.3) / 0.35;

  p /= 1.0 + p;
  for (int i = 0; i < SECONDS * FPS; i++) {
    double t = (i + 0.5) / FPS;
    bool on = fmod (t, 8.0) < 4.0;
    /* a change of bow every half second, the same speed all the time */
    double v = on ? (fmod (t, 1.0) < 0.5 ? 200.0 : -200.0) : 0.0;

    avm_associate_add_motion (a, 0, AVM_ASSOCIATE_BOW, t, v, 0.0, 1.0);
  }
  for (int i = 0; i < SECONDS; i += 8) {
    avm_associate_add_note (a, 0, i, 4.0);
    avm_associate_add_note (a, 2, i + 4.0, 4.0);
  }
  avm_associate_add_note (a, 1, 0.0, SECONDS);
  run (a, SECONDS);
  CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_ACTIVITY, 0, 0),
      reference_activity (
          0.0, (20.0 - 9.0 * 0.3) / 0.35, 20.0 / 0.35 * p, 20.0 / 0.35),
      2.0, 0.06, "moves when it sounds");
  CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_ACTIVITY, 0, 1), 0.0,
      0.01, 0.0, "a part that never rests says nothing");
  CHECK (
      avm_associate_evidence (a, AVM_ASSOCIATE_ACTIVITY, 0, 2) < -0.25 * looks,
      "moves when it rests");
  avm_associate_free (a);
}

/* -- vibrato -------------------------------------------------------------- */

static double
correlation_nats (double r, double n)
{
  r = AVM_CLAMP (r, -0.98, 0.98);
  return n > 3.0 ? (n - 3.0) * atanh (0.7) * (atanh (r) - 0.5 * atanh (0.7))
                 : 0.0;
}

/* Of sinusoids the correlation at a lag is the cosine of what it turns. */
static double
reference_vibrato (
    double rate, double lag, const double *spans, int n, double sign)
{
  double logs[7 * 2 * 4];
  int at = 0;

  for (int k = -3; k <= 3; k++)
    for (int side = 0; side < 2; side++)
      for (int s = 0; s < 4; s++) {
        logs[at] = 0.0;
        for (int i = 0; i < n; i++) {
          double r = (side ? -sign : sign)
              * cos (2.0 * M_PI * rate * (0.02 * k - lag));

          logs[at] += log (1.0 - seen[s]
              + seen[s] * exp (correlation_nats (r, 2.0 + 5.0 * spans[i])));
        }
        at++;
      }
  return log_mean (logs, at);
}

/* The hand rolls at 6 Hz; the pitch of part 0 follows it against the axis and
 * 20 ms later, that of part 1 vibrates at another rate, that of part 2 not. */
static void
check_vibrato (void)
{
  enum {
    NOTES = 6
  };
  AvmAssociate *a = avm_associate_new ();
  double spans[NOTES];

  for (int i = 0; i < 20 * FPS; i++) {
    double t = (i + 0.5) / FPS;
    /* the mean velocity over a frame of a displacement that is a sine */
    double v = (sin (2.0 * M_PI * 6.0 * (t + 0.5 / FPS))
                   - sin (2.0 * M_PI * 6.0 * (t - 0.5 / FPS)))
        * FPS;

    avm_associate_add_motion (a, 0, AVM_ASSOCIATE_HAND, t, v, 0.0, 1.0);
  }
  for (int i = 0; i < 20 * 100; i++) {
    double t = i / 100.0;

    avm_associate_add_f0 (a, 0, t,
        440.0 * exp2 (-30.0 / 1200.0 * sin (2.0 * M_PI * 6.0 * (t - 0.02))),
        1.0);
    avm_associate_add_f0 (a, 1, t,
        330.0 * exp2 (30.0 / 1200.0 * sin (2.0 * M_PI * 7.3 * t)), 1.0);
    avm_associate_add_f0 (
        a, 2, t, 220.0 * exp2 (avm_rng_normal (&avmcheck_rng) / 1200.0), 1.0);
  }
  for (int i = 0; i < NOTES; i++) {
    spans[i] = 1.5 - 0.08;
    for (int part = 0; part < 3; part++)
      avm_associate_add_note (a, part, 1.0 + 3.0 * i, 1.5);
  }
  run (a, 20.0);
  CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 0),
      reference_vibrato (6.0, 0.02, spans, NOTES, -1.0), 1.0, 0.12,
      "the part whose pitch it is");
  CHECK (avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 1) < -0.5,
      "another rate: %.2f",
      avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 1));
  CHECK (avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 2) < -0.5,
      "no vibrato: %.2f",
      avm_associate_evidence (a, AVM_ASSOCIATE_VIBRATO, 0, 2));
  avm_associate_free (a);
}

/* -- fingers -------------------------------------------------------------- */

static bool
fingers_move (const double *onsets, int n, double t)
{
  for (int i = 0; i < n; i++)
    if (t > onsets[i] - 0.16 && t <= onsets[i] + 0.02)
      return true;
  return false;
}

/* Correlation of two indicators */
static double
indicator_correlation (const double *a, const double *b, int n, double seconds)
{
  double sa = 0, sb = 0, sab = 0, m = seconds * FPS;

  for (int i = 0; i < m; i++) {
    double x = fingers_move (a, n, (i + 0.5) / FPS);
    double y = fingers_move (b, n, (i + 0.5) / FPS);

    sa += x;
    sb += y;
    sab += x * y;
  }
  return (sab - sa * sb / m) / sqrt ((sa - sa * sa / m) * (sb - sb * sb / m));
}

static double
reference_fingers (double r, double seconds)
{
  double z = atanh (AVM_CLAMP (r, -0.98, 0.98)), logs[3];

  for (int i = 0; i < 3; i++) {
    double z1 = atanh (finger_r[i]);

    logs[i] = (5.0 * seconds - 3.0) * z1 * (z - 0.5 * z1);
  }
  return log_mean (logs, 3);
}

/* The hand trembles, and much more before each onset: its unrest has two
 * values, so correlations are those of the indicators. */
static void
check_fingers (void)
{
  enum {
    N = 30,
    SECONDS = 24
  };
  AvmAssociate *a = avm_associate_new ();
  double onsets[N], others[N];

  make_onsets (onsets, N, 1.0);
  make_onsets (others, N, 1.3);
  for (int i = 0; i < SECONDS * FPS; i++) {
    double t = (i + 0.5) / FPS;
    double v = fingers_move (onsets, N, t) ? 50.0 : 5.0;

    /* to and fro along the axis, so that no average is left */
    avm_associate_add_motion (
        a, 0, AVM_ASSOCIATE_HAND, t, i % 2 ? v : -v, 0.0, 1.0);
  }
  for (int i = 0; i < N; i++) {
    avm_associate_add_note (a, 0, onsets[i], 0.0);
    avm_associate_add_note (a, 1, others[i], 0.0);
  }
  run (a, SECONDS);
  for (int part = 0; part < 2; part++) {
    double *theirs = part == 0 ? onsets : others, kept[N];
    int n = 0;

    for (int i = 0; i < N; i++)
      if (theirs[i] < SECONDS)
        kept[n++] = theirs[i];
    for (int i = n; i < N; i++)
      kept[i] = kept[n - 1];
    /* the average over ten frames blurs the edges of each burst */
    CHECK_NEAR (avm_associate_evidence (a, AVM_ASSOCIATE_FINGERS, 0, part),
        reference_fingers (
            indicator_correlation (onsets, kept, N, SECONDS), SECONDS),
        3.0, part == 0 ? 0.35 : 0.1, "part %d", part);
  }
  avm_associate_free (a);
}

/* -- ensembles ------------------------------------------------------------ */

typedef struct {
  double onsets[MAX_ONSETS];
  int n;
  double axis, sway_rate, sway_phase;
} Someone;

static void
make_someone (Someone *who, double seconds)
{
  double t = 0.8 + avm_rng_range (&avmcheck_rng, 0.0, 0.3);

  who->n = 0;
  while (t < seconds - 0.5 && who->n < MAX_ONSETS) {
    who->onsets[who->n++] = t;
    t += avm_rng_range (&avmcheck_rng, 0.25, 1.2);
  }
  who->axis = avm_rng_range (&avmcheck_rng, 0.0, M_PI);
  who->sway_rate = avm_rng_range (&avmcheck_rng, 0.2, 0.8);
  who->sway_phase = avm_rng_range (&avmcheck_rng, 0.0, 6.0);
}

/* Rows of all limbs of one player, who bows `lead` before the onsets, sways,
 * and is out of sight for a while; the bow itself may be lost early. */
static void
play (AvmAssociate *a, int player, const Someone *who, double seconds,
    double bow_until)
{
  double strokes[MAX_ONSETS];

  for (int i = 0; i < who->n; i++)
    strokes[i] = who->onsets[i] - avm_rng_range (&avmcheck_rng, 0.005, 0.045);
  for (int i = 0; i < seconds * FPS; i++) {
    double t = (i + 0.5) / FPS;
    double bow = bow_velocity (strokes, who->n, t)
        + 15.0 * avm_rng_normal (&avmcheck_rng);
    double sway =
        120.0 * sin (2.0 * M_PI * who->sway_rate * t + who->sway_phase);
    double noise = 2.0 * avm_rng_normal (&avmcheck_rng);
    double sure = t > 7.0 && t < 8.5 ? 0.0 : 1.0;

    avm_associate_add_motion (a, player, AVM_ASSOCIATE_BOW, t,
        t < bow_until ? bow * cos (who->axis) + sway : NAN,
        bow * sin (who->axis), sure);
    avm_associate_add_motion (
        a, player, AVM_ASSOCIATE_HAND, t, sway + noise, noise, sure);
    avm_associate_add_motion (a, player, AVM_ASSOCIATE_BODY, t,
        0.2 * bow * cos (who->axis) + 0.6 * sway, 0.2 * bow * sin (who->axis),
        1.0);
  }
}

static void
check_ensembles (void)
{
  enum {
    N = 4
  };
  int right = 0;

  for (int round = 0; round < 5; round++) {
    AvmAssociate *a = avm_associate_new ();
    Someone who[N];

    for (int i = 0; i < N; i++) {
      make_someone (&who[i], 30.0);
      /* player 10 + i plays part N - 1 - i; the last one's bow is lost */
      play (a, 10 + i, &who[i], 30.0, i == N - 1 ? 3.0 : 30.0);
      for (int k = 0; k < who[i].n; k++)
        avm_associate_add_note (a, N - 1 - i, who[i].onsets[k], 0.2);
    }
    run (a, 30.0);
    CHECK (avm_associate_n_players (a) == N && avm_associate_n_parts (a) == N
            && avm_associate_player (a, 2) == 12
            && avm_associate_part (a, 3) == 3,
        "in order of ids");
    for (size_t i = 0; i < N; i++) {
      size_t best = 0;

      for (size_t k = 1; k < N; k++)
        if (avm_associate_sum (a, i, k) > avm_associate_sum (a, i, best))
          best = k;
      right += best == N - 1 - i && avm_associate_sum (a, i, best) > 0.0;
    }
    avm_associate_free (a);
  }
  CHECK (right >= 19, "%d of 20 find their part", right);
}

/* Somebody who sits still beside players is told from them. */
static void
check_still (void)
{
  AvmAssociate *a = avm_associate_new ();
  Someone who, still;

  make_someone (&who, 30.0);
  make_someone (&still, 30.0);
  play (a, 0, &who, 30.0, 30.0);
  still.n = 0;
  for (int i = 0; i < 900; i++) {
    double t = (i + 0.5) / FPS, noise = avm_rng_normal (&avmcheck_rng);

    for (int limb = 0; limb < AVM_ASSOCIATE_N_LIMBS; limb++)
      avm_associate_add_motion (a, 1, limb, t,
          20.0 * sin (2.0 * M_PI * still.sway_rate * t) + noise,
          avm_rng_normal (&avmcheck_rng), 1.0);
  }
  for (int k = 0; k < who.n; k++) {
    avm_associate_add_note (a, 0, who.onsets[k], 0.2);
    avm_associate_add_note (a, 1, who.onsets[k] + 0.13 * (k % 4), 0.2);
  }
  run (a, 30.0);
  for (size_t part = 0; part < 2; part++)
    CHECK (avm_associate_sum (a, 1, part) < 0.0, "plays part %zu: %.1f", part,
        avm_associate_sum (a, 1, part));
  CHECK (avm_associate_sum (a, 0, 0) > 10.0, "the player: %.1f",
      avm_associate_sum (a, 0, 0));
  avm_associate_free (a);
}

/* -- the edges ------------------------------------------------------------ */

static void
check_edges (void)
{
  AvmAssociate *a = avm_associate_new ();
  AvmAssociateSettings settings;
  AvmError error = {AVM_OK, -1, ""};
  Someone who;
  double all, late;

  avm_associate_settings_init (&settings);
  CHECK (!avm_associate_run (a, &settings, 0.0, 1.0, &error)
          && error.code == AVM_ERROR_EMPTY,
      "nothing at all");
  make_someone (&who, 30.0);
  play (a, 0, &who, 30.0, 30.0);
  CHECK (!avm_associate_run (a, &settings, 0.0, 30.0, &error)
          && error.code == AVM_ERROR_EMPTY,
      "no notes");
  for (int k = 0; k < who.n; k++)
    avm_associate_add_note (a, 5, who.onsets[k], 0.2);
  avm_associate_add_note (a, 6, NAN, 1.0);
  CHECK (avm_associate_n_parts (a) == 1, "a part without notes is none");
  CHECK (!avm_associate_run (a, &settings, 3.0, 3.0, &error), "no time");
  CHECK (!avm_associate_run (a, &settings, 100.0, 130.0, &error)
          && error.code == AVM_ERROR_EMPTY,
      "no motion there");
  run (a, 30.0);
  all = avm_associate_sum (a, 0, 0);
  run (a, 15.0);
  CHECK (avm_associate_sum (a, 0, 0) < all, "half the time says less");
  CHECK (avm_associate_run (a, &settings, 15.0, 30.0, NULL), "second half");
  late = avm_associate_sum (a, 0, 0);
  avm_associate_drop (a, 15.0);
  CHECK (avm_associate_run (a, &settings, 15.0, 30.0, NULL), "second half");
  /* but for whether the part sounded just before the cut */
  CHECK_NEAR (avm_associate_sum (a, 0, 0), late, 0.5, 0.02,
      "what was dropped is not missed");
  settings.weights[AVM_ASSOCIATE_STROKES] = 0.0;
  settings.weights[AVM_ASSOCIATE_ACTIVITY] = 0.0;
  settings.weights[AVM_ASSOCIATE_FINGERS] = 0.0;
  CHECK (avm_associate_run (a, &settings, 15.0, 30.0, NULL)
          && isnan (avm_associate_sum (a, 0, 0)),
      "without pitch the vibrato says nothing");
  avm_associate_forget_motion (a);
  CHECK (!avm_associate_run (a, &settings, 15.0, 30.0, &error)
          && error.code == AVM_ERROR_EMPTY,
      "the motion was forgotten");
  avm_associate_forget_notes (a);
  avm_associate_forget_f0 (a);
  CHECK (avm_associate_n_parts (a) == 0 && avm_associate_n_players (a) == 1,
      "players stay known");
  avm_associate_free (a);
  avm_associate_free (NULL);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_strokes ();
  check_activity ();
  check_vibrato ();
  check_fingers ();
  check_ensembles ();
  check_still ();
  check_edges ();
  return avmcheck_report ();
}
