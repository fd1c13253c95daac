/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which atoms sound alike:
 *
 *   M. Spiertz, V. Gnann: "Source-filter based clustering for monaural blind
 *   source separation", DAFx 2009: the mel spectrum of w_k^2, its logarithm,
 *   its cosine transform, k-means.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-kmeans.h"
#include "nmf/avm-separate-private.h"

#include <math.h>
#include <string.h>

#define N_BANDS 40
#define N_MFCC SEPARATE_N_MFCC
#define LOWEST 40.0 /* Hz */
#define STARTS 20
#define FLOOR 1e-6 /* of the strongest band, -60 dB */

static double
hz_to_mel (double hz)
{
  return 2595.0 * log10 (1.0 + hz / 700.0);
}

static double
mel_to_hz (double mel)
{
  return 700.0 * (pow (10.0, mel / 2595.0) - 1.0);
}

/* Energy of an atom in triangular bands, all channels together. */
static void
mel_bands (const AvmSeparate *self, const float *atom, double *bands)
{
  double nyquist = 0.5 * self->set.rate;
  double low = hz_to_mel (LOWEST), high = hz_to_mel (fmin (nyquist, 16000.0));
  double step = (high - low) / (N_BANDS + 1);

  for (int b = 0; b < N_BANDS; b++) {
    double left = mel_to_hz (low + b * step);
    double middle = mel_to_hz (low + (b + 1) * step);
    double right = mel_to_hz (low + (b + 2) * step);
    double bin = nyquist / (double)(self->bins - 1);
    size_t first = (size_t)floor (left / bin);
    size_t last = AVM_MIN ((size_t)ceil (right / bin), self->bins - 1);

    /* at least the nearest bin where bands are narrower than bins */
    bands[b] = 0.0;
    for (size_t f = first; f <= last; f++) {
      double hz = (double)f * bin;
      double weight = hz <= middle
          ? 1.0 - (middle - hz) / (middle - left + bin)
          : 1.0 - (hz - middle) / (right - middle + bin);

      for (int c = 0; weight > 0.0 && c < self->set.n_channels; c++) {
        double x = atom[(size_t)c * self->bins + f];

        bands[b] += weight * x * x;
      }
    }
  }
}

/* Coefficients 1 .. 13: without the loudness. */
void
separate_audio_mfcc (const AvmSeparate *self, int atom, float *out)
{
  double bands[N_BANDS], strongest = 0.0;

  mel_bands (self, self->now.w + (size_t)atom * self->n_bins, bands);
  for (int b = 0; b < N_BANDS; b++)
    strongest = fmax (strongest, bands[b]);
  for (int b = 0; b < N_BANDS; b++)
    bands[b] = log (fmax (bands[b], FLOOR * strongest) + 1e-30);
  for (int i = 0; i < N_MFCC; i++) {
    double sum = 0.0;

    for (int b = 0; b < N_BANDS; b++)
      sum += bands[b] * cos (M_PI * (i + 1) * (b + 0.5) / N_BANDS);
    out[i] = (float)(sum * sqrt (2.0 / N_BANDS));
  }
}

/* Groups atoms into n_groups; labels are 0 .. n_groups - 1. */
static bool
group (AvmSeparate *self, const int *atoms, int n_atoms, int n_groups,
    int *labels, AvmError *error)
{
  AvmKmeans *kmeans = NULL;
  float *points = NULL;
  bool ok;

  if (n_groups < 2 || n_atoms <= n_groups) {
    for (int i = 0; i < n_atoms; i++)
      labels[i] = n_groups < 2 ? 0 : i;
    return true;
  }
  kmeans = avm_kmeans_new (n_atoms, N_MFCC, n_groups, error);
  if (kmeans != NULL)
    points = avm_alloc ((size_t)n_atoms * N_MFCC, sizeof (float));
  ok = points != NULL;
  if (ok) {
    for (int i = 0; i < n_atoms; i++)
      separate_audio_mfcc (self, atoms[i], points + (size_t)i * N_MFCC);
    avm_kmeans_run (
        kmeans, points, n_atoms, self->set.seed, STARTS, 100, labels);
  } else {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for k-means");
  }
  avm_kmeans_free (kmeans);
  avm_free (points);
  return ok;
}

/* How much of the sound atom k makes in this block */
static double
loudness (const Dictionary *d, int k)
{
  double sum = 0.0;

  for (int n = 0; n < d->n_frames; n++) {
    double h = d->h[(size_t)n * (size_t)d->n_atoms + (size_t)k];

    sum += h * h;
  }
  return sum;
}

/* Names the groups as the block before did: atoms keep their identity from
 * block to block, so groups go to the sources with which they share most of
 * the sound, the greatest share first. */
static void
match_groups (const AvmSeparate *self, const int *atoms, int n_atoms,
    const int *labels, const int *sources, int n_groups, int *source_of)
{
  double shared[AVM_SEPARATE_MAX_SOURCES][AVM_SEPARATE_MAX_SOURCES] = {{0}};
  bool taken[AVM_SEPARATE_MAX_SOURCES] = {false};

  for (int i = 0; i < n_atoms; i++) {
    const float *links =
        self->learned_links + (size_t)atoms[i] * (size_t)self->set.n_sources;

    for (int c = 0; c < n_groups; c++)
      shared[labels[i]][c] +=
          links[sources[c]] * (loudness (&self->now, atoms[i]) + 1e-12);
  }
  for (int g = 0; g < n_groups; g++)
    source_of[g] = -1;
  for (int i = 0; i < n_groups; i++) {
    int best_g = -1, best_c = -1;

    for (int g = 0; g < n_groups; g++)
      for (int c = 0; c < n_groups && source_of[g] < 0; c++)
        if (!taken[c]
            && (best_g < 0 || shared[g][c] > shared[best_g][best_c])) {
          best_g = g;
          best_c = c;
        }
    source_of[best_g] = sources[best_c];
    taken[best_c] = true;
  }
}

bool
separate_audio_deal (AvmSeparate *self, const int *atoms, int n_atoms,
    const int *sources, int n_groups, AvmError *error)
{
  Dictionary *d = &self->now;
  int labels[MAX_ATOMS], source_of[AVM_SEPARATE_MAX_SOURCES];

  if (!group (self, atoms, n_atoms, n_groups, labels, error))
    return false;
  for (int g = 0; g < n_groups; g++)
    source_of[g] = sources[g];
  if (self->n_learned == d->n_atoms)
    match_groups (self, atoms, n_atoms, labels, sources, n_groups, source_of);
  for (int i = 0; i < n_atoms; i++) {
    float *links = d->links + (size_t)atoms[i] * (size_t)self->set.n_sources;

    for (int c = 0; c < self->set.n_sources; c++)
      links[c] = c == source_of[labels[i]] ? 1.0f : 0.0f;
  }
  return true;
}
