/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whose atom is whose, by motion and timbre. An atom alone says little about
 * its player: those who play more are always right. All atoms of a player
 * together say a lot. So the partition of all atoms is sought that makes
 *
 *   sum_c corr (P_c, m_c) + TIMBRE * between / (between + within)
 *
 * greatest: P_c, the sum of the activations of the atoms of source c, is to go
 * with its speed m_c, and atoms of a source are to sound alike (the share of
 * the variance of their MFCC that lies between the sources, atoms weighted by
 * their loudness). The correlation is that of the curves themselves and of
 * their changes within a second, put behind one another.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nmf/avm-separate-private.h"

#include <math.h>
#include <string.h>

#define WARM_UP 40
#define SAMPLES 80

/* Over the frames in which the speed of a source is known */
typedef struct {
  double n;             /* frames, those of the changes too */
  double speed, speed2; /* sums of the speed and of its square */
  double *sum, *cross;  /* n_atoms: sums of h, of h times speed */
  double *gram;         /* n_atoms x n_atoms: of h h' */
} Moments;

typedef struct {
  int n_atoms, n_sources;
  Moments moments[AVM_SEPARATE_MAX_SOURCES];
  float *mfcc;    /* n_atoms x N_MFCC, about their mean */
  double *weight; /* n_atoms, sum 1 */
  double spread;  /* weighted variance of the MFCC */
} Problem;

/* Sums over the atoms of one source */
typedef struct {
  double sum, cross, square;
  double weight, mfcc[SEPARATE_N_MFCC];
} Part;

/* A partition under way */
typedef struct {
  int labels[MAX_ATOMS];
  Part parts[AVM_SEPARATE_MAX_SOURCES];
  double values[AVM_SEPARATE_MAX_SOURCES];
} State;

static void
problem_clear (Problem *z)
{
  for (int c = 0; c < z->n_sources; c++) {
    avm_free (z->moments[c].sum);
    avm_free (z->moments[c].cross);
    avm_free (z->moments[c].gram);
  }
  avm_free (z->mfcc);
  avm_free (z->weight);
}

static void
add_row (Moments *m, const float *h, size_t n_atoms, float speed)
{
  m->n += 1.0;
  m->speed += speed;
  m->speed2 += (double)speed * speed;
  for (size_t i = 0; i < n_atoms; i++) {
    double *row = m->gram + i * n_atoms;

    m->sum[i] += h[i];
    m->cross[i] += (double)h[i] * speed;
    if (h[i] != 0.0f)
      for (size_t j = 0; j < n_atoms; j++)
        row[j] += (double)h[i] * h[j];
  }
}

/* Mean of the rows about n in which the speed is known; returns how many. */
static int
mean_row (const AvmSeparate *self, const float *speeds, int n, int n_frames,
    int reach, int source, float *h, float *speed)
{
  const Dictionary *d = &self->now;
  int first = AVM_MAX (n - reach, 0), last = AVM_MIN (n + reach, n_frames - 1);
  size_t k = (size_t)d->n_atoms, s = (size_t)self->set.n_sources;
  int known = 0;

  memset (h, 0, k * sizeof (float));
  *speed = 0.0f;
  for (int i = first; i <= last; i++) {
    float x = speeds[(size_t)i * s + (size_t)source];

    if (isnan (x))
      continue;
    *speed += x;
    known++;
    for (size_t j = 0; j < k; j++)
      h[j] += d->h[(size_t)i * k + j];
  }
  for (size_t j = 0; j < k; j++)
    h[j] /= (float)AVM_MAX (known, 1);
  *speed /= (float)AVM_MAX (known, 1);
  return known;
}

/* How row n differs from what is about it, in h[0 .. n_atoms - 1]; false: not
 * known. */
static bool
change (const AvmSeparate *self, const float *speeds, int n, int n_frames,
    int source, float *h, float *speed)
{
  float gain = (float)separate_tuning.change, slow;
  int k = self->now.n_atoms;
  double per_second = (double)self->set.rate / self->set.hop;
  int near = (int)lround (separate_tuning.near * per_second);
  int far = (int)lround (separate_tuning.far * per_second);

  mean_row (self, speeds, n, n_frames, near, source, h, speed);
  if (mean_row (self, speeds, n, n_frames, far, source, h + k, &slow) <= far)
    return false;
  *speed = gain * (*speed - slow);
  for (int j = 0; j < k; j++)
    h[j] = gain * (h[j] - h[k + j]);
  return true;
}

static void
fill_moments (Problem *z, const AvmSeparate *self, int n_frames,
    const float *speeds, float *h)
{
  const Dictionary *d = &self->now;
  size_t k = (size_t)d->n_atoms, s = (size_t)self->set.n_sources;

  for (int n = 0; n < n_frames; n++)
    for (size_t c = 0; c < s; c++) {
      float speed = speeds[(size_t)n * s + c];

      if (isnan (speed))
        continue;
      if (separate_tuning.raw)
        add_row (&z->moments[c], d->h + (size_t)n * k, k, speed);
      if (separate_tuning.change > 0.0
          && change (self, speeds, n, n_frames, (int)c, h, &speed))
        add_row (&z->moments[c], h, k, speed);
    }
}

static void
fill_timbre (Problem *z, const AvmSeparate *self)
{
  const Dictionary *d = &self->now;
  double mean[SEPARATE_N_MFCC] = {0}, total = 0.0;

  for (int k = 0; k < z->n_atoms; k++) {
    separate_audio_mfcc (self, k, z->mfcc + k * SEPARATE_N_MFCC);
    for (int n = 0; n < d->n_frames; n++) {
      double h = d->h[n * d->n_atoms + k];

      z->weight[k] += h * h;
    }
    z->weight[k] = pow (z->weight[k], 0.5) + 1e-12;
    total += z->weight[k];
  }
  for (int k = 0; k < z->n_atoms; k++) {
    z->weight[k] /= total;
    for (int i = 0; i < SEPARATE_N_MFCC; i++)
      mean[i] += z->weight[k] * z->mfcc[k * SEPARATE_N_MFCC + i];
  }
  for (int k = 0; k < z->n_atoms; k++)
    for (int i = 0; i < SEPARATE_N_MFCC; i++) {
      float *x = &z->mfcc[k * SEPARATE_N_MFCC + i];

      *x -= (float)mean[i];
      z->spread += z->weight[k] * *x * *x;
    }
}

static bool
problem_fill (Problem *z, const AvmSeparate *self, int n_frames)
{
  size_t k = (size_t)self->now.n_atoms, s = (size_t)self->set.n_sources;
  float *speeds = avm_alloc ((size_t)n_frames * s, sizeof (float));
  float *h = avm_alloc (2 * k, sizeof (float));
  bool ok = speeds != NULL && h != NULL;

  memset (z, 0, sizeof (*z));
  z->n_atoms = self->now.n_atoms;
  z->n_sources = self->set.n_sources;
  z->mfcc = avm_alloc (k * SEPARATE_N_MFCC, sizeof (float));
  z->weight = avm_alloc (k, sizeof (double));
  ok = ok && z->mfcc != NULL && z->weight != NULL;
  for (size_t c = 0; c < s; c++) {
    Moments *m = &z->moments[c];

    m->sum = avm_alloc (k, sizeof (double));
    m->cross = avm_alloc (k, sizeof (double));
    m->gram = avm_alloc (k * k, sizeof (double));
    ok = ok && m->sum != NULL && m->cross != NULL && m->gram != NULL;
  }
  if (ok) {
    for (int n = 0; n < n_frames; n++)
      for (size_t c = 0; c < s; c++)
        speeds[(size_t)n * s + c] = separate_source_speed (self, n, (int)c);
    fill_moments (z, self, n_frames, speeds, h);
    fill_timbre (z, self);
  }
  avm_free (speeds);
  avm_free (h);
  return ok;
}

/* -- the search ----------------------------------------------------------- */

/* A part with atom k more (sign 1) or less (-1) */
static Part
part_with (const Problem *z, const State *s, int c, int k, int sign)
{
  const Moments *m = &z->moments[c];
  const double *row = m->gram + (size_t)k * (size_t)z->n_atoms;
  double others = 0.0;
  Part p = s->parts[c];

  for (int j = 0; j < z->n_atoms; j++)
    if (s->labels[j] == c && j != k)
      others += row[j];
  p.sum += sign * m->sum[k];
  p.cross += sign * m->cross[k];
  p.square += sign * (2.0 * others + row[k]);
  p.weight += sign * z->weight[k];
  for (int i = 0; i < SEPARATE_N_MFCC; i++)
    p.mfcc[i] += sign * z->weight[k] * z->mfcc[k * SEPARATE_N_MFCC + i];
  return p;
}

/* What a source brings to the sum */
static double
value (const Problem *z, const Part *p, int c)
{
  const Moments *m = &z->moments[c];
  double r = 0.0, between = 0.0, v;

  if (m->n >= 2.0) {
    double vp = p->square - p->sum * p->sum / m->n;
    double vs = m->speed2 - m->speed * m->speed / m->n;

    if (vp > 1e-9 * p->square && vs > 1e-9 * m->speed2)
      r = (p->cross - p->sum * m->speed / m->n) / sqrt (vp * vs);
  }
  r = AVM_CLAMP (r, 0.0, 0.9999);
  v = -log (1.0 - r * r);
  for (int i = 0; i < SEPARATE_N_MFCC; i++)
    between += p->mfcc[i] * p->mfcc[i];
  if (p->weight > 1e-12 && z->spread > 1e-12)
    v += separate_tuning.timbre * between / (p->weight * z->spread);
  return v;
}

static double
take_stock (const Problem *z, State *s)
{
  double total = 0.0;
  int labels[MAX_ATOMS];

  memset (s->parts, 0, sizeof (s->parts));
  memcpy (labels, s->labels, sizeof (labels));
  for (int k = 0; k < z->n_atoms; k++)
    s->labels[k] = -1;
  for (int k = 0; k < z->n_atoms; k++) {
    s->parts[labels[k]] = part_with (z, s, labels[k], k, 1);
    s->labels[k] = labels[k];
  }
  for (int c = 0; c < z->n_sources; c++) {
    s->values[c] = value (z, &s->parts[c], c);
    total += s->values[c];
  }
  return total;
}

/* Draws the source of atom k given those of all others. */
static void
draw (const Problem *z, State *s, int k, double beta, AvmRng *rng)
{
  int from = s->labels[k], to = from;
  Part parts[AVM_SEPARATE_MAX_SOURCES], without = part_with (z, s, from, k, -1);
  double v[AVM_SEPARATE_MAX_SOURCES], gain[AVM_SEPARATE_MAX_SOURCES];
  double v_without = value (z, &without, from), most = 0.0, sum = 0.0, at;

  for (int c = 0; c < z->n_sources; c++) {
    if (c == from) {
      gain[c] = 0.0;
      continue;
    }
    parts[c] = part_with (z, s, c, k, 1);
    v[c] = value (z, &parts[c], c);
    gain[c] = beta * (v[c] - s->values[c] + v_without - s->values[from]);
    most = fmax (most, gain[c]);
  }
  for (int c = 0; c < z->n_sources; c++)
    sum += gain[c] = exp (gain[c] - most);
  at = avm_rng_uniform (rng) * sum;
  for (int c = 0; c < z->n_sources && at >= 0.0; c++) {
    at -= gain[c];
    if (at < 0.0)
      to = c;
  }
  if (to == from)
    return;
  s->labels[k] = to;
  s->parts[from] = without;
  s->values[from] = v_without;
  s->parts[to] = parts[to];
  s->values[to] = v[to];
}

/* Proposes that two sources exchange their atoms. */
static double
exchange (const Problem *z, State *s, double total, double beta, AvmRng *rng)
{
  int a = (int)(avm_rng_uniform (rng) * z->n_sources);
  int b = (int)(avm_rng_uniform (rng) * z->n_sources);
  State trial = *s;
  double t;

  if (a == b)
    return total;
  for (int k = 0; k < z->n_atoms; k++)
    if (s->labels[k] == a || s->labels[k] == b)
      trial.labels[k] = s->labels[k] == a ? b : a;
  t = take_stock (z, &trial);
  if (log (avm_rng_uniform (rng) + 1e-300) >= beta * (t - total))
    return total;
  *s = trial;
  return t;
}

/* One chain: sweeps that warm up, then sweeps that count. */
static void
run_chain (const Problem *z, State *s, double beta, AvmRng *rng, float *counts)
{
  int order[MAX_ATOMS];

  for (int k = 0; k < z->n_atoms; k++)
    order[k] = k;
  take_stock (z, s);
  for (int sweep = 0; sweep < WARM_UP + SAMPLES; sweep++) {
    double b = beta * fmin ((sweep + 1.0) / WARM_UP, 1.0), total;

    for (int i = z->n_atoms - 1; i > 0; i--) {
      int j = (int)(avm_rng_uniform (rng) * (i + 1)), swap = order[i];

      order[i] = order[j];
      order[j] = swap;
    }
    for (int i = 0; i < z->n_atoms; i++)
      draw (z, s, order[i], b, rng);
    total = take_stock (z, s);
    for (int i = 0; i < z->n_sources; i++)
      total = exchange (z, s, total, b, rng);
    for (int k = 0; sweep >= WARM_UP && k < z->n_atoms; k++)
      counts[k * z->n_sources + s->labels[k]] += 1.0f;
  }
}

bool
separate_partition (
    AvmSeparate *self, int n_frames, const int *start, float *shares)
{
  Problem z;
  AvmRng rng;
  State s;
  bool ok = problem_fill (&z, self, n_frames);
  int size = z.n_atoms * z.n_sources, chains = separate_tuning.starts;
  double seconds = (double)n_frames * self->set.hop / self->set.rate;

  avm_rng_init (&rng, self->set.seed, 77);
  memset (shares, 0, (size_t)size * sizeof (float));
  for (int i = 0; ok && i < chains; i++) {
    for (int k = 0; k < z.n_atoms; k++)
      s.labels[k] =
          i == 0 ? start[k] : (int)(avm_rng_uniform (&rng) * z.n_sources);
    run_chain (&z, &s, separate_tuning.beta * seconds, &rng, shares);
  }
  for (int i = 0; i < size; i++)
    shares[i] /= (float)(SAMPLES * chains);
  problem_clear (&z);
  return ok;
}
