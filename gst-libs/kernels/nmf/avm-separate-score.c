/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Atoms and gates from notes, after
 *
 *   S. Ewert, M. Mueller: "Using score-informed constraints for NMF-based
 *   source separation", ICASSP 2012:
 *
 * an atom may only have energy near the harmonics of its pitch, and only sound
 * around the notes of that pitch; multiplicative updates keep those zeros.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nmf/avm-separate-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a key is ((source * KEY_PITCHES) + pitch in quarters of a semitone) *
 * KEY_VARIANTS + variant */
#define KEY_PITCHES 1024
#define KEY_VARIANTS 8
#define STEPS_PER_SEMITONE 4

/* cents a note may lie off its pitch, vibrato included */
#define WIDTH 70.0
/* half the main lobe of a harmonic, bins */
#define LOBE 2.0
/* s before and after a note in which it may sound */
#define EARLY 0.06
#define LATE 0.25

#define TUNING_RANGE 60
#define TUNING_STEP 4
#define TUNING_STEPS (2 * TUNING_RANGE / TUNING_STEP + 1)
#define TUNING_HARMONICS 8

static int
make_key (int source, double pitch, int variant)
{
  int step = (int)lround (pitch * STEPS_PER_SEMITONE);

  step = AVM_CLAMP (step, 0, KEY_PITCHES - 1);
  return (source * KEY_PITCHES + step) * KEY_VARIANTS + variant;
}

static int
key_source (int key)
{
  return key / KEY_VARIANTS / KEY_PITCHES;
}

static double
key_pitch (int key)
{
  return (double)(key / KEY_VARIANTS % KEY_PITCHES) / STEPS_PER_SEMITONE;
}

static int
key_variant (int key)
{
  return key % KEY_VARIANTS;
}

/* The broadband atom of a source: its last variant at the lowest pitch */
static int
noise_key (int source)
{
  return make_key (source, 0.0, KEY_VARIANTS - 1);
}

static bool
is_noise (int key)
{
  return key == noise_key (key_source (key));
}

/* -- tuning --------------------------------------------------------------- */

static double
bin_of (const AvmSeparate *self, double hz)
{
  return hz * self->set.window / self->set.rate;
}

/* The mixture's spectrum at a place between bins, first channel. */
static double
value_at (const float *row, double bin)
{
  size_t f = (size_t)bin;
  double x = bin - (double)f;

  return row[f] + x * (row[f + 1] - row[f]);
}

/* Adds to the curve how strongly a note's harmonics sound when A4 lies so many
 * cents from 440 Hz. */
static void
listen (AvmSeparate *self, const AvmSeparateNote *note, int n_frames)
{
  double length = (double)self->set.hop / self->set.rate;
  double start = separate_frame_time (self, 0);
  int first = (int)ceil ((note->onset + 0.05 - start) / length);
  int last = (int)floor ((note->onset + note->duration - start) / length);

  first = AVM_MAX (first, 0);
  last = AVM_MIN (last, n_frames - 1);
  for (int n = first; n <= last; n += 2) {
    const float *row = self->v + (size_t)n * self->n_bins;

    for (int i = 0; i < TUNING_STEPS; i++) {
      double cents = i * TUNING_STEP - TUNING_RANGE;
      double hz = avm_midi_to_hz (note->pitch + cents / 100.0), sum = 0.0;

      for (int h = 1; h <= TUNING_HARMONICS; h++) {
        double bin = bin_of (self, hz * h);

        if (bin + 1.0 < (double)(self->bins - 1))
          sum += sqrt (value_at (row, bin));
      }
      self->tuning_curve[i] += sum;
    }
  }
}

/* cents of A4 over 440 Hz */
static double
find_tuning (AvmSeparate *self, int n_frames)
{
  double *curve = self->tuning_curve, offset = 0.0;
  double end = separate_frame_time (self, n_frames);
  int best = TUNING_STEPS / 2;

  if (self->set.tuning > 0.0)
    return avm_cents (self->set.tuning, 440.0);
  for (size_t i = 0; i < self->n_notes; i++)
    if (self->notes[i].onset < end)
      listen (self, &self->notes[i], n_frames);
  for (int i = 0; i < TUNING_STEPS; i++)
    if (curve[i] > curve[best])
      best = i;
  if (best > 0 && best < TUNING_STEPS - 1)
    offset =
        avm_parabolic_offset (curve[best - 1], curve[best], curve[best + 1]);
  return (best + offset) * TUNING_STEP - TUNING_RANGE;
}

/* -- atoms ---------------------------------------------------------------- */

static int
compare_ints (const void *a, const void *b)
{
  int x = *(const int *)a, y = *(const int *)b;

  return (x > y) - (x < y);
}

static int
unique (int *keys, int n)
{
  int m = 0;

  qsort (keys, (size_t)n, sizeof (int), compare_ints);
  for (int i = 0; i < n; i++)
    if (m == 0 || keys[m - 1] != keys[i])
      keys[m++] = keys[i];
  return m;
}

static bool
note_is_near (
    const AvmSeparate *self, const AvmSeparateNote *note, int n_frames)
{
  return note->onset - EARLY < separate_frame_time (self, n_frames)
      && note->onset + note->duration + LATE > separate_frame_time (self, 0);
}

/* All keys of the block with so many variants of a pitch; returns their
 * number, more than MAX_ATOMS where there is no room for them. */
static int
list_keys (const AvmSeparate *self, int n_frames, int variants, int *keys)
{
  int n = 0;

  for (size_t i = 0; i < self->n_notes; i++) {
    const AvmSeparateNote *note = &self->notes[i];

    if (!note_is_near (self, note, n_frames))
      continue;
    if (n + variants + 1 > 2 * MAX_ATOMS)
      n = unique (keys, n);
    if (n + variants + 1 > 2 * MAX_ATOMS)
      return n;
    for (int v = 0; v < variants; v++)
      keys[n++] = make_key (note->source, note->pitch, v);
    if (separate_tuning.noise)
      keys[n++] = noise_key (note->source);
  }
  return unique (keys, n);
}

int
separate_score_prepare (AvmSeparate *self, int n_frames, AvmError *error)
{
  int keys[2 * MAX_ATOMS], variants = separate_tuning.variants;
  int n = list_keys (self, n_frames, variants, keys);

  if (n > MAX_ATOMS)
    n = list_keys (self, n_frames, 1, keys);
  n = AVM_MIN (n, MAX_ATOMS);
  if (!separate_dictionary_reserve (
          self, &self->now, (size_t)n, (size_t)self->max_frames)) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for %d atoms", n);
    return -1;
  }
  memcpy (self->now.keys, keys, (size_t)n * sizeof (int));
  return n;
}

/* cents of variant v of n beside the pitch: spread evenly over the vibrato */
static double
variant_cents (int v, int n)
{
  return n > 1 ? 50.0 * (2.0 * v / (n - 1) - 1.0) : 0.0;
}

/* Lobes at the harmonics, falling as those of a string, zero elsewhere */
static void
fill_template (const AvmSeparate *self, int key, double tuning, float *atom)
{
  int variants = separate_tuning.variants;
  double off = variant_cents (key_variant (key), variants);
  double width = variants > 1 ? separate_tuning.width / (variants - 1) : WIDTH;
  double pitch = key_pitch (key) + (tuning + off) / 100.0;
  double f0 = bin_of (self, avm_midi_to_hz (pitch));
  double up = exp2 (width / 1200.0), last = (double)(self->bins - 1);

  for (int h = 1; h * f0 < last; h++) {
    double middle = h * f0, low = middle / up - LOBE, high = middle * up + LOBE;
    double spread = 0.8 + middle * (up - 1.0) * 0.5;

    for (double f = fmax (ceil (low), 0.0); f <= fmin (high, last); f += 1.0) {
      double u = (f - middle) / spread;
      float x = (float)(exp (-0.5 * u * u) / h + 1e-4);
      float *at = &atom[(size_t)f];

      *at = fmaxf (*at, x);
    }
  }
  for (int c = 1; c < self->set.n_channels; c++)
    memcpy (atom + (size_t)c * self->bins, atom, self->bins * sizeof (float));
}

/* The atom of the block before with the same key */
static const float *
find_before (const AvmSeparate *self, int key)
{
  const Dictionary *d = &self->before;

  for (int k = 0; self->has_before && k < d->n_atoms; k++)
    if (d->keys[k] == key)
      return d->w + (size_t)k * self->n_bins;
  return NULL;
}

static void
fill_atom (const AvmSeparate *self, int key, double tuning, float *atom)
{
  const float *old = find_before (self, key);

  if (old != NULL)
    memcpy (atom, old, self->n_bins * sizeof (float));
  else if (is_noise (key))
    for (size_t f = 0; f < self->n_bins; f++)
      atom[f] = 1.0f;
  else
    fill_template (self, key, tuning, atom);
}

/* Opens the gates of one note's atoms. */
static void
fill_gate (const AvmSeparate *self, const AvmSeparateNote *note, int n_frames,
    float *h, ptrdiff_t stride)
{
  double length = (double)self->set.hop / self->set.rate;
  double start = separate_frame_time (self, 0);
  double on = (note->onset - start) / length;
  double off = (note->onset + note->duration - start) / length;
  int first = AVM_MAX ((int)ceil (on - EARLY / length), 0);
  int last = AVM_MIN ((int)floor (off + LATE / length), n_frames - 1);
  int key = make_key (note->source, note->pitch, 0);

  for (int k = 0; k < self->now.n_atoms; k++) {
    int other = self->now.keys[k];

    if (other - key_variant (other) != key && other != noise_key (note->source))
      continue;
    for (int n = first; n <= last; n++) {
      float x = n >= on && n <= off ? 1.0f : 0.2f;
      float *at = &h[n * stride + k];

      *at = fmaxf (*at, is_noise (other) ? 0.05f * x : x);
    }
  }
}

void
separate_score_fill (AvmSeparate *self, int n_frames, bool joint)
{
  ptrdiff_t w_stride, h_stride, a_stride;
  float *w = avm_nmf_get_w (self->nmf, &w_stride);
  float *h = avm_nmf_get_h (self->nmf, &h_stride);
  float *a = avm_nmf_get_a (self->nmf, &a_stride);
  int n_atoms = self->nmf_config.n_components;
  double tuning = find_tuning (self, n_frames);

  self->now.n_atoms = n_atoms;
  for (int k = 0; k < n_atoms; k++) {
    memset (w + k * w_stride, 0, self->n_bins * sizeof (float));
    fill_atom (self, self->now.keys[k], tuning, w + k * w_stride);
  }
  for (int n = 0; n < n_frames; n++)
    memset (h + n * h_stride, 0, (size_t)n_atoms * sizeof (float));
  for (size_t i = 0; i < self->n_notes; i++)
    if (note_is_near (self, &self->notes[i], n_frames))
      fill_gate (self, &self->notes[i], n_frames, h, h_stride);
  for (int k = 0; joint && k < n_atoms; k++)
    for (int m = 0; m < self->n_motions; m++)
      a[k * a_stride + m] =
          self->owner[m] == key_source (self->now.keys[k]) ? 1.0f : 0.0f;
  avm_nmf_normalise (self->nmf);
}

void
separate_score_link (AvmSeparate *self)
{
  Dictionary *d = &self->now;

  for (int k = 0; k < d->n_atoms; k++)
    d->links[k * self->set.n_sources + key_source (d->keys[k])] = 1.0f;
}
