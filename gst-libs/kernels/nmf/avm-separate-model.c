/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The factorisation of one block, by the model that was asked for.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nmf/avm-separate-private.h"

#include <math.h>
#include <string.h>

/* What the dictionary of the block before brings into the next: the rest is
 * random, so that it can turn to other notes. */
#define WARMTH 0.9f
/* of the first cost */
#define ROUNDING 1e-6
/* The joint model adds this share of the iterations, for eq. (2). With many
 * more, the copies of an atom grow apart where motion is noise. */
#define REFINEMENT 0.2
/* Sources that own an atom with less than this share have no copy of it. */
#define LEAST_SHARE 0.02f
/* With notes, atoms learn for so many iterations, and only sound or not in the
 * others: they soon learn what the others play at the same time. The first few
 * go without motion, so that there is something to regress on it. */
#define LEARNING 20
#define UNMOVED 10

void
separate_dictionary_clear (Dictionary *d)
{
  avm_free (d->w);
  avm_free (d->h);
  avm_free (d->links);
  avm_free (d->keys);
  memset (d, 0, sizeof (*d));
}

bool
separate_dictionary_reserve (
    AvmSeparate *self, Dictionary *d, size_t atoms, size_t frames)
{
  size_t n_sources = (size_t)self->set.n_sources;

  atoms = AVM_MAX (atoms, 1);
  if (atoms <= d->atom_room && frames <= d->frame_room)
    return true;
  atoms = AVM_MAX (atoms, d->atom_room);
  frames = AVM_MAX (frames, d->frame_room);
  separate_dictionary_clear (d);
  d->w = avm_alloc (atoms * self->n_bins, sizeof (float));
  d->h = avm_alloc (frames * atoms, sizeof (float));
  d->links = avm_alloc (atoms * n_sources, sizeof (float));
  d->keys = avm_alloc (atoms, sizeof (int));
  if (d->w == NULL || d->h == NULL || d->links == NULL || d->keys == NULL) {
    separate_dictionary_clear (d);
    return false;
  }
  d->atom_room = atoms;
  d->frame_room = frames;
  return true;
}

/* The factorisation for so many atoms and motions, in self->nmf */
static bool
need_nmf (AvmSeparate *self, int n_atoms, int n_motions, AvmError *error)
{
  AvmNmfConfig *c = &self->nmf_config;

  if (self->nmf != NULL && c->n_components == n_atoms
      && c->n_motions == n_motions)
    return true;
  avm_nmf_free (self->nmf);
  c->n_bins = (int)self->n_bins;
  c->n_components = n_atoms;
  c->max_frames = self->max_frames;
  c->n_motions = n_motions;
  c->n_threads = self->set.n_threads;
  self->nmf = avm_nmf_new (c, error);
  return self->nmf != NULL;
}

/* What is reported does not rise but by rounding. */
static double
report (Run *run, double cost)
{
  double all;

  if (run->iteration == 0) {
    run->first = cost;
    run->others = (run->n_starts - 1) * cost;
    run->reported = INFINITY;
  }
  /* the next starts may begin a little higher than the first did */
  run->cost = run->iteration * run->n_starts < run->n_iterations
      ? cost
      : fmin (cost, run->first);
  all = (run->others + run->cost) / run->n_starts;
  if (all > run->reported && all - run->reported < ROUNDING * run->first)
    all = run->reported;
  return run->reported = all;
}

static bool
iterate (AvmSeparate *self, Run *run, unsigned what, int n, AvmError *error)
{
  for (int i = 0; i < n; i++) {
    double cost = report (run, avm_nmf_iterate (self->nmf, what) + run->offset);

    if (run->progress != NULL
        && !run->progress (
            run->user, self->n_blocks, run->iteration, run->n_iterations, cost))
      return avm_error_set (error, AVM_ERROR_CANCELLED, -1, "cancelled");
    run->iteration++;
  }
  return true;
}

/* The weights of eq. (2) for our scales: those of the settings are per frame
 * and relative to the mass of the spectrogram. */
static double
scaled_lambda (const AvmSeparate *self)
{
  return self->set.lambda * self->mass;
}

/* From the plain cost to that of eq. (2). Without links they differ by what
 * the motion weighs, so that the cost that is reported does not jump. */
static void
leave_out_motion (AvmSeparate *self, Run *run, bool joint)
{
  run->offset = joint
      ? scaled_lambda (self) * separate_motion_energy (self, run->n_frames)
      : 0.0;
  avm_nmf_set_motion (self->nmf, NULL, 0.0, 0.0);
}

static bool
take_in_motion (AvmSeparate *self, Run *run, AvmError *error)
{
  avm_nmf_normalise (self->nmf);
  if (!separate_motion_fit (self, run->n_frames, self->set.mu, error))
    return false;
  avm_nmf_set_motion (self->nmf, self->m, scaled_lambda (self),
      self->set.mu * self->mass * run->n_frames);
  run->offset = 0.0;
  return true;
}

/* Starts from random numbers, the first time from the atoms of the block
 * before as well. */
static void
start (AvmSeparate *self, int number)
{
  ptrdiff_t stride;
  float *w;

  avm_nmf_randomise (self->nmf, AVM_NMF_UPDATE_W | AVM_NMF_UPDATE_H,
      self->set.seed + (uint64_t)self->n_blocks + ((uint64_t)number << 32));
  if (number > 0 || self->n_learned != self->nmf_config.n_components)
    return;
  avm_nmf_normalise (self->nmf);
  w = avm_nmf_get_w (self->nmf, &stride);
  for (int k = 0; k < self->n_learned; k++) {
    const float *old = self->learned_w + (size_t)k * self->n_bins;

    for (size_t f = 0; f < self->n_bins; f++)
      w[f] = WARMTH * old[f] + (1.0f - WARMTH) * w[f];
    w += stride;
  }
  avm_nmf_normalise (self->nmf);
}

/* What the next block starts from */
static bool
learn (AvmSeparate *self, AvmError *error)
{
  size_t k = (size_t)self->now.n_atoms, s = (size_t)self->set.n_sources;

  if (self->learned_w == NULL) {
    self->learned_w = avm_alloc (k * self->n_bins, sizeof (float));
    self->learned_links = avm_alloc (k * s, sizeof (float));
  }
  if (self->learned_w == NULL || self->learned_links == NULL)
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for atoms");
  memcpy (self->learned_w, self->now.w, k * self->n_bins * sizeof (float));
  memcpy (self->learned_links, self->now.links, k * s * sizeof (float));
  self->n_learned = (int)k;
  return true;
}

static void
fill_links (AvmSeparate *self)
{
  ptrdiff_t stride;
  float *a = avm_nmf_get_a (self->nmf, &stride);

  for (int k = 0; k < self->nmf_config.n_components; k++)
    for (int m = 0; m < self->nmf_config.n_motions; m++)
      a[k * stride + m] = 1.0f;
}

/* Keeps the factors, without links. */
static bool
keep (AvmSeparate *self, int n_frames, AvmError *error)
{
  Dictionary *d = &self->now;
  int n_atoms = self->nmf_config.n_components;
  ptrdiff_t w_stride, h_stride;
  const float *w = avm_nmf_get_w (self->nmf, &w_stride);
  const float *h = avm_nmf_get_h (self->nmf, &h_stride);
  size_t n_sources = (size_t)self->set.n_sources;

  if (!separate_dictionary_reserve (
          self, d, (size_t)n_atoms, (size_t)self->max_frames))
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for atoms");
  d->n_atoms = n_atoms;
  d->n_frames = n_frames;
  for (int k = 0; k < n_atoms; k++)
    memcpy (d->w + (size_t)k * self->n_bins, w + k * w_stride,
        self->n_bins * sizeof (float));
  for (int n = 0; n < n_frames; n++)
    memcpy (d->h + (size_t)n * (size_t)n_atoms, h + n * h_stride,
        (size_t)n_atoms * sizeof (float));
  memset (d->links, 0, (size_t)n_atoms * n_sources * sizeof (float));
  return true;
}

/* By timbre alone */
static bool
deal_all (AvmSeparate *self, AvmError *error)
{
  int atoms[MAX_ATOMS], sources[AVM_SEPARATE_MAX_SOURCES];

  for (int k = 0; k < self->now.n_atoms; k++)
    atoms[k] = k;
  for (int c = 0; c < self->set.n_sources; c++)
    sources[c] = c;
  return separate_audio_deal (
      self, atoms, self->now.n_atoms, sources, self->set.n_sources, error);
}

/* A by regression, then the links of all atoms together. */
static bool
link_by_motion (AvmSeparate *self, Run *run, AvmError *error)
{
  fill_links (self);
  return separate_motion_fit (self, run->n_frames, self->set.mu, error)
      && separate_motion_link (self, run->n_frames, error);
}

/* One copy of every atom for its likeliest source, and for all others with at
 * least this share; returns how many. */
static int
list_copies_above (
    const AvmSeparate *self, float least, int *atoms, int *sources)
{
  const Dictionary *d = &self->now;
  int n_sources = self->set.n_sources, n = 0;

  for (int k = 0; k < d->n_atoms; k++) {
    const float *links = d->links + k * n_sources;
    int owner = 0;

    for (int c = 1; c < n_sources; c++)
      if (links[c] > links[owner])
        owner = c;
    for (int c = 0; c < n_sources; c++)
      if (c == owner || links[c] > least) {
        if (n < MAX_ATOMS) {
          atoms[n] = k;
          sources[n] = c;
        }
        n++;
      }
  }
  return n;
}

static int
list_copies (const AvmSeparate *self, int *atoms, int *sources)
{
  float least = LEAST_SHARE;
  int n;

  /* there is room for the likeliest sources alone */
  while ((n = list_copies_above (self, least, atoms, sources)) > MAX_ATOMS)
    least *= 2.0f;
  return n;
}

/* Fills W and H of self->nmf with copies of the atoms in self->now, each with
 * its share of the activation. */
static void
fill_copies (AvmSeparate *self, const int *atoms, const int *sources, int n)
{
  const Dictionary *d = &self->now;
  ptrdiff_t w_stride, h_stride;
  float *w = avm_nmf_get_w (self->nmf, &w_stride);
  float *h = avm_nmf_get_h (self->nmf, &h_stride);
  int n_sources = self->set.n_sources;
  float share[MAX_ATOMS], sum[MAX_ATOMS] = {0};

  for (int i = 0; i < n; i++) {
    share[i] = d->links[atoms[i] * n_sources + sources[i]];
    sum[atoms[i]] += share[i];
    memcpy (w + i * w_stride, d->w + (size_t)atoms[i] * self->n_bins,
        self->n_bins * sizeof (float));
  }
  for (int t = 0; t < d->n_frames; t++)
    for (int i = 0; i < n; i++)
      h[t * h_stride + i] =
          d->h[(size_t)t * (size_t)d->n_atoms + (size_t)atoms[i]] * share[i]
          / sum[atoms[i]];
}

/* Eq. (2) with copies of the atoms, each of which is linked to the motions of
 * one source alone: sound that may be of several sources goes where it follows
 * the motion. */
static bool
refine (AvmSeparate *self, Run *run, int n_iterations, AvmError *error)
{
  int atoms[MAX_ATOMS], sources[MAX_ATOMS];
  int n = list_copies (self, atoms, sources);

  if (!need_nmf (self, n, self->n_motions, error)
      || !avm_nmf_set_input (
          self->nmf, self->v, (ptrdiff_t)self->n_bins, run->n_frames, error))
    return false;
  fill_copies (self, atoms, sources, n);
  separate_motion_restrict (self, sources);
  if (!take_in_motion (self, run, error)
      || !iterate (self, run, AVM_NMF_UPDATE_ALL, n_iterations, error)
      || !keep (self, run->n_frames, error))
    return false;
  for (int i = 0; i < n; i++)
    self->now.links[i * self->set.n_sources + sources[i]] = 1.0f;
  return true;
}

/* A start: atoms, and whose they are */
static bool
factorise_once (AvmSeparate *self, Run *run, int number, bool moving, int more,
    AvmError *error)
{
  int n_atoms = AVM_MAX (self->set.n_components, self->set.n_sources);

  if (!need_nmf (self, n_atoms, moving ? self->n_motions : 0, error)
      || !avm_nmf_set_input (
          self->nmf, self->v, (ptrdiff_t)self->n_bins, run->n_frames, error))
    return false;
  start (self, number);
  leave_out_motion (self, run, more > 0);
  if (!iterate (self, run, AVM_NMF_UPDATE_W | AVM_NMF_UPDATE_H,
          self->set.iterations, error))
    return false;
  avm_nmf_normalise (self->nmf);
  if (!keep (self, run->n_frames, error)
      || !(moving ? link_by_motion (self, run, error) : deal_all (self, error))
      || (number == 0 && !learn (self, error)))
    return false;
  return more == 0 || refine (self, run, more, error);
}

/* Appends the atoms of a start to those in self->now, at atom `at` of each
 * frame. */
static void
append (AvmSeparate *self, const Dictionary *from, int at)
{
  Dictionary *to = &self->now;
  size_t n = (size_t)from->n_atoms, first = (size_t)at;
  size_t n_sources = (size_t)self->set.n_sources;

  memcpy (
      to->w + first * self->n_bins, from->w, n * self->n_bins * sizeof (float));
  memcpy (to->links + first * n_sources, from->links,
      n * n_sources * sizeof (float));
  for (int t = 0; t < from->n_frames; t++)
    memcpy (to->h + (size_t)t * (size_t)to->n_atoms + first,
        from->h + (size_t)t * n, n * sizeof (float));
}

/* The sum of the models of all starts: motion says which source is which in
 * each of them, and each tells of the whole mixture. */
static bool
gather (AvmSeparate *self, int n_starts, int n_frames, AvmError *error)
{
  int n_atoms = 0, at = 0;

  for (int i = 0; i < n_starts; i++)
    n_atoms += self->starts[i].n_atoms;
  if (!separate_dictionary_reserve (
          self, &self->now, (size_t)n_atoms, (size_t)self->max_frames))
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for atoms");
  self->now.n_atoms = n_atoms;
  self->now.n_frames = n_frames;
  for (int i = 0; i < n_starts; i++) {
    append (self, &self->starts[i], at);
    at += self->starts[i].n_atoms;
  }
  return true;
}

/* audio, sequential, joint */
static bool
factorise_blind (AvmSeparate *self, Run *run, bool moving, AvmError *error)
{
  bool joint = moving && self->set.model == AVM_SEPARATE_JOINT;
  int more = joint ? (int)ceil (REFINEMENT * self->set.iterations) : 0;

  run->n_starts = joint ? SEPARATE_STARTS : 1;
  run->n_iterations = run->n_starts * (self->set.iterations + more);
  for (int i = 0; i < run->n_starts; i++) {
    if (i > 0)
      run->others += run->cost - run->first;
    if (!factorise_once (self, run, i, moving, more, error))
      return false;
    if (joint) {
      Dictionary swap = self->starts[i];

      self->starts[i] = self->now;
      self->now = swap;
    }
  }
  return !joint || gather (self, run->n_starts, run->n_frames, error);
}

/* score, joint-score */
static bool
iterate_score (AvmSeparate *self, Run *run, bool joint, AvmError *error)
{
  const unsigned sound = AVM_NMF_UPDATE_H;
  int left = self->set.iterations;
  int plain = joint ? AVM_MIN (UNMOVED, left / 2) : left;
  int learning = AVM_MIN (LEARNING, plain);

  leave_out_motion (self, run, joint);
  if (!iterate (self, run, sound | AVM_NMF_UPDATE_W, learning, error)
      || !iterate (self, run, sound, plain - learning, error))
    return false;
  if (!joint)
    return true;
  left -= plain;
  learning = AVM_MIN (LEARNING - learning, left);
  return take_in_motion (self, run, error)
      && iterate (self, run, AVM_NMF_UPDATE_ALL, learning, error)
      && iterate (self, run, sound | AVM_NMF_UPDATE_A, left - learning, error);
}

static bool
factorise_score (AvmSeparate *self, Run *run, bool moving, AvmError *error)
{
  int n_atoms = separate_score_prepare (self, run->n_frames, error);

  if (n_atoms < 0)
    return false;
  self->now.n_atoms = 0;
  self->now.n_frames = run->n_frames;
  if (n_atoms == 0)
    return true;
  if (!need_nmf (self, n_atoms, moving ? self->n_motions : 0, error)
      || !avm_nmf_set_input (
          self->nmf, self->v, (ptrdiff_t)self->n_bins, run->n_frames, error))
    return false;
  run->n_starts = 1;
  run->n_iterations = self->set.iterations;
  separate_score_fill (self, run->n_frames, moving);
  if (!iterate_score (self, run, moving, error))
    return false;
  avm_nmf_normalise (self->nmf);
  if (!keep (self, run->n_frames, error))
    return false;
  separate_score_link (self);
  return true;
}

bool
separate_factorise (AvmSeparate *self, Run *run, AvmError *error)
{
  AvmSeparateModel model = self->set.model;
  bool moving = model != AVM_SEPARATE_AUDIO && model != AVM_SEPARATE_SCORE
      && self->n_motions > 0;

  if (moving && !separate_motion_prepare (self, run->n_frames, error))
    return false;
  if (model == AVM_SEPARATE_SCORE || model == AVM_SEPARATE_JOINT_SCORE)
    return factorise_score (self, run, moving, error);
  return factorise_blind (self, run, moving, error);
}
