/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-stft.h"

#include <math.h>
#include <string.h>

/* Hops of slack in the stream buffers: what is left is moved to the front
 * once in so many frames instead of with every frame. */
#define SLACK 16

struct _AvmStft {
  AvmFft *fft;
  size_t window_size, fft_size, hop;
  float *window;

  float *stream; /* capacity samples, first .. last used */
  size_t capacity, first, last;
  size_t left; /* real samples from first on, finished */
  bool any, finished;
};

struct _AvmIstft {
  AvmFft *fft;
  size_t window_size, fft_size, hop;
  float *window; /* over the steady norm and fft_size */
  float *square; /* squared window */
  float *sum;    /* capacity samples from first on */
  float *norm;   /* sum of squares while it is not steady */
  size_t capacity, first;
  size_t frame, steady; /* frames so far; frames until steady */
  size_t skip;          /* samples before the stream's first */
};

/* Multi-versioned and not Orc, which knows SSE only here: next to the
 * transforms the products are to take little. */
AVM_CLONES
static void
multiply (float *restrict out, const float *restrict a, const float *restrict b,
    size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = a[i] * b[i];
}

AVM_CLONES
static void
multiply_add (float *restrict out, const float *restrict a,
    const float *restrict b, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] += a[i] * b[i];
}

void
avm_window_fill (AvmWindow window, float *w, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    double phase = 2.0 * M_PI * (double)i / (double)n, value = 1.0;

    if (window == AVM_WINDOW_HANN)
      value = 0.5 - 0.5 * cos (phase);
    else if (window == AVM_WINDOW_HAMMING)
      value = 0.54 - 0.46 * cos (phase);
    else if (window == AVM_WINDOW_BLACKMAN)
      value = 0.42 - 0.5 * cos (phase) + 0.08 * cos (2.0 * phase);
    w[i] = (float)value;
  }
}

static bool
sizes_are_good (size_t window_size, size_t fft_size, size_t hop)
{
  return window_size >= 2 && window_size % 2 == 0 && fft_size % 2 == 0
      && window_size <= fft_size && fft_size <= ((size_t)1 << 24) && hop >= 1
      && hop <= window_size;
}

AvmStft *
avm_stft_new (AvmWindow window, size_t window_size, size_t fft_size, size_t hop)
{
  AvmStft *stft;

  if (!sizes_are_good (window_size, fft_size, hop))
    return NULL;
  stft = avm_alloc (1, sizeof (AvmStft));
  if (stft == NULL)
    return NULL;
  stft->window_size = window_size;
  stft->fft_size = fft_size;
  stft->hop = hop;
  stft->capacity = window_size + SLACK * hop;
  stft->fft = avm_fft_new (fft_size);
  stft->window = avm_alloc (window_size, sizeof (float));
  stft->stream = avm_alloc (stft->capacity, sizeof (float));
  if (stft->fft == NULL || stft->window == NULL || stft->stream == NULL) {
    avm_stft_free (stft);
    return NULL;
  }
  avm_window_fill (window, stft->window, window_size);
  avm_stft_reset (stft);
  return stft;
}

void
avm_stft_free (AvmStft *stft)
{
  if (stft == NULL)
    return;
  avm_fft_free (stft->fft);
  avm_free (stft->window);
  avm_free (stft->stream);
  avm_free (stft);
}

size_t
avm_stft_n_bins (const AvmStft *stft)
{
  return stft->fft_size / 2 + 1;
}

void
avm_stft_reset (AvmStft *stft)
{
  stft->first = 0;
  stft->last = stft->window_size / 2;
  stft->any = stft->finished = false;
  memset (stft->stream, 0, stft->last * sizeof (float));
}

static void
make_room (AvmStft *stft)
{
  memmove (stft->stream, stft->stream + stft->first,
      (stft->last - stft->first) * sizeof (float));
  stft->last -= stft->first;
  stft->first = 0;
}

size_t
avm_stft_push (AvmStft *stft, const float *samples, size_t n)
{
  if (stft->finished)
    return 0;
  if (n > stft->capacity - stft->last && stft->first >= stft->hop)
    make_room (stft);
  n = AVM_MIN (n, stft->capacity - stft->last);
  if (n > 0)
    memcpy (stft->stream + stft->last, samples, n * sizeof (float));
  stft->last += n;
  stft->any |= n > 0;
  return n;
}

AvmComplex *
avm_stft_frame (AvmStft *stft, const float *samples, AvmComplex *bins)
{
  float *time = avm_fft_time (stft->fft);

  multiply (time, samples, stft->window, stft->window_size);
  if (stft->window_size < stft->fft_size)
    memset (time + stft->window_size, 0,
        (stft->fft_size - stft->window_size) * sizeof (float));
  avm_fft_forward (stft->fft, NULL, bins);
  return bins != NULL ? bins : avm_fft_bins (stft->fft);
}

/* Zeros behind the last sample, enough for one more frame. */
static bool
pad_end (AvmStft *stft)
{
  size_t have = stft->last - stft->first, missing;

  if (stft->left == 0)
    return false;
  if (have >= stft->window_size)
    return true;
  missing = stft->window_size - have;
  if (missing > stft->capacity - stft->last)
    make_room (stft);
  memset (stft->stream + stft->last, 0, missing * sizeof (float));
  stft->last += missing;
  return true;
}

AvmComplex *
avm_stft_pull (AvmStft *stft)
{
  AvmComplex *bins;

  if (stft->finished && !pad_end (stft))
    return NULL;
  if (stft->last - stft->first < stft->window_size)
    return NULL;
  bins = avm_stft_frame (stft, stft->stream + stft->first, NULL);
  stft->first += stft->hop;
  if (stft->finished)
    stft->left -= AVM_MIN (stft->left, stft->hop);
  return bins;
}

void
avm_stft_finish (AvmStft *stft)
{
  if (stft->finished)
    return;
  stft->finished = true;
  stft->left = stft->any ? stft->last - stft->first : 0;
}

/* -- inverse -------------------------------------------------------------- */

static bool
make_synthesis (AvmIstft *istft, AvmWindow window)
{
  size_t hop = istft->hop, n = istft->window_size;
  float *w = istft->window;

  avm_window_fill (window, w, n);
  for (size_t i = 0; i < n; i++)
    istft->square[i] = w[i] * w[i];
  for (size_t i = 0; i < hop; i++) {
    double sum = 0.0;

    for (size_t k = i; k < n; k += hop)
      sum += istft->square[k];
    if (sum < 1e-6)
      return false;
    for (size_t k = i; k < n; k += hop)
      w[k] = (float)(w[k] / sum / (double)istft->fft_size);
  }
  return true;
}

AvmIstft *
avm_istft_new (
    AvmWindow window, size_t window_size, size_t fft_size, size_t hop)
{
  AvmIstft *istft;

  if (!sizes_are_good (window_size, fft_size, hop))
    return NULL;
  istft = avm_alloc (1, sizeof (AvmIstft));
  if (istft == NULL)
    return NULL;
  istft->window_size = window_size;
  istft->fft_size = fft_size;
  istft->hop = hop;
  istft->steady = (window_size + hop - 1) / hop;
  istft->capacity = window_size + SLACK * hop;
  istft->fft = avm_fft_new (fft_size);
  istft->window = avm_alloc (window_size, sizeof (float));
  istft->square = avm_alloc (window_size, sizeof (float));
  istft->sum = avm_alloc (istft->capacity, sizeof (float));
  istft->norm = avm_alloc (window_size, sizeof (float));
  if (istft->fft == NULL || istft->window == NULL || istft->square == NULL
      || istft->sum == NULL || istft->norm == NULL
      || !make_synthesis (istft, window)) {
    avm_istft_free (istft);
    return NULL;
  }
  avm_istft_reset (istft);
  return istft;
}

void
avm_istft_free (AvmIstft *istft)
{
  if (istft == NULL)
    return;
  avm_fft_free (istft->fft);
  avm_free (istft->window);
  avm_free (istft->square);
  avm_free (istft->sum);
  avm_free (istft->norm);
  avm_free (istft);
}

void
avm_istft_reset (AvmIstft *istft)
{
  istft->first = 0;
  istft->frame = 0;
  istft->skip = istft->window_size / 2;
  memset (istft->sum, 0, istft->capacity * sizeof (float));
  memset (istft->norm, 0, istft->window_size * sizeof (float));
}

static void
next_hop (AvmIstft *istft)
{
  size_t rest = istft->window_size;

  istft->first += istft->hop;
  if (istft->first + istft->window_size + istft->hop > istft->capacity) {
    memmove (istft->sum, istft->sum + istft->first, rest * sizeof (float));
    memset (istft->sum + rest, 0, (istft->capacity - rest) * sizeof (float));
    istft->first = 0;
  }
}

/* At the beginning fewer frames overlap than the steady norm in the synthesis
 * window counts: what is complete is scaled by steady over actual. */
static void
mend_edge (AvmIstft *istft, float *out)
{
  size_t hop = istft->hop, n = istft->window_size;

  for (size_t i = 0; i < n; i++)
    istft->norm[i] += istft->square[i];
  for (size_t i = 0; i < hop; i++) {
    double steady = 0.0;

    for (size_t k = i; k < n; k += hop)
      steady += istft->square[k];
    if (istft->norm[i] > 1e-9f)
      out[i] = (float)(out[i] * steady / istft->norm[i]);
  }
  memmove (istft->norm, istft->norm + hop, (n - hop) * sizeof (float));
  memset (istft->norm + n - hop, 0, hop * sizeof (float));
}

size_t
avm_istft_frame (AvmIstft *istft, const AvmComplex *bins, const float **samples)
{
  size_t skip = AVM_MIN (istft->skip, istft->hop);
  float *out;

  if (istft->frame > 0)
    next_hop (istft);
  out = istft->sum + istft->first;
  memcpy (avm_fft_bins (istft->fft), bins,
      (istft->fft_size / 2 + 1) * sizeof (AvmComplex));
  avm_fft_inverse_unscaled (istft->fft);
  multiply_add (
      out, avm_fft_time (istft->fft), istft->window, istft->window_size);
  if (istft->frame < istft->steady)
    mend_edge (istft, out);
  istft->frame++;
  istft->skip -= skip;
  *samples = out + skip;
  return istft->hop - skip;
}
