/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nmf/avm-separate-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
avm_separate_settings_init (AvmSeparateSettings *settings)
{
  static const AvmSeparateSettings defaults = {.model = AVM_SEPARATE_JOINT,
      .n_sources = 2,
      .n_channels = 1,
      .rate = 48000,
      .window = 4096,
      .hop = 1024,
      .n_components = 60,
      .iterations = 100,
      .lambda = 0.2,
      .mu = 0.001,
      .block = 60.0,
      .overlap = 5.0,
      .tuning = 0.0,
      .seed = 0,
      .n_threads = 1};

  *settings = defaults;
}

static bool
settings_are_good (const AvmSeparateSettings *s, AvmError *error)
{
  const char *wrong = NULL;

  if (s->model < AVM_SEPARATE_AUDIO || s->model > AVM_SEPARATE_JOINT_SCORE)
    wrong = "model";
  else if (s->n_sources < 1 || s->n_sources > AVM_SEPARATE_MAX_SOURCES)
    wrong = "number of sources";
  else if (s->n_channels < 1 || s->n_channels > AVM_SEPARATE_MAX_CHANNELS)
    wrong = "number of channels";
  else if (s->rate < 1000 || s->rate > 768000)
    wrong = "sampling rate";
  else if (s->window < 64 || s->window > 65536 || s->window % 2 != 0)
    wrong = "window";
  else if (s->hop < 1 || s->hop > s->window / 2)
    wrong = "hop";
  else if (s->n_components < 1 || s->n_components > 512)
    wrong = "number of components";
  else if (s->iterations < 1 || s->iterations > 10000)
    wrong = "number of iterations";
  else if (!(s->lambda >= 0.0) || isinf (s->lambda))
    wrong = "lambda";
  else if (!(s->mu >= 0.0) || isinf (s->mu))
    wrong = "mu";
  else if (!(s->block >= 1.0 && s->block <= 3600.0))
    wrong = "block";
  else if (!(s->overlap >= 0.0 && s->overlap <= 0.5 * s->block))
    wrong = "overlap";
  else if (!(s->tuning >= 0.0) || isinf (s->tuning))
    wrong = "tuning";
  else if (s->n_threads < 1 || s->n_threads > 64)
    wrong = "number of threads";
  if (wrong == NULL)
    return true;
  return avm_error_set (
      error, AVM_ERROR_RANGE, -1, "the %s is out of range", wrong);
}

double
separate_frame_time (const AvmSeparate *self, int frame)
{
  return (double)((self->base + frame) * self->set.hop) / self->set.rate;
}

/* -- making it ------------------------------------------------------------ */

static void
find_sizes (AvmSeparate *self)
{
  const AvmSeparateSettings *s = &self->set;
  double per_second = (double)s->rate / s->hop;

  self->bins = (size_t)s->window / 2 + 1;
  self->n_bins = self->bins * (size_t)s->n_channels;
  self->block = AVM_MAX ((int)lround (s->block * per_second), 8);
  self->overlap =
      AVM_MIN ((int)lround (s->overlap * per_second), self->block / 2);
  /* A mixture that ends soon after a block is taken as one: the last block
   * is never too short to learn from. */
  self->max_frames = self->block + AVM_MAX (self->overlap, self->block / 4);
  self->room =
      (size_t)(self->max_frames - 1) * (size_t)s->hop + (size_t)s->window;
  self->chunk_room = CHUNK * (size_t)s->hop;
}

double
avm_separate_delay (const AvmSeparateSettings *settings)
{
  AvmSeparate sizes = {.set = *settings};

  find_sizes (&sizes);
  return (double)sizes.room / settings->rate;
}

static bool
allocate (AvmSeparate *self)
{
  const AvmSeparateSettings *s = &self->set;
  size_t window = (size_t)s->window, hop = (size_t)s->hop;
  size_t n_sources = (size_t)s->n_sources, n_channels = (size_t)s->n_channels;
  bool ok;

  /* frames that reach beyond the end read window samples more */
  self->mix = avm_alloc (n_channels * (self->room + window), sizeof (float));
  self->v = avm_alloc ((size_t)self->max_frames * self->n_bins, sizeof (float));
  self->stft = avm_stft_new (AVM_WINDOW_HANN, window, window, hop);
  self->istfts = avm_alloc (n_sources * n_channels, sizeof (AvmIstft *));
  self->spectrum = avm_alloc (self->bins, sizeof (AvmComplex));
  self->rest = avm_alloc (self->bins, sizeof (AvmComplex));
  self->masked = avm_alloc (self->bins, sizeof (AvmComplex));
  self->sum = avm_alloc (self->n_bins, sizeof (float));
  self->masks = avm_alloc (n_sources * self->n_bins, sizeof (float));
  self->masks_before = avm_alloc (n_sources * self->n_bins, sizeof (float));
  self->chunk =
      avm_alloc (n_sources * self->chunk_room * n_channels, sizeof (float));
  self->motions = avm_alloc (AVM_SEPARATE_MAX_MOTIONS, sizeof (Motion));
  ok = self->mix != NULL && self->v != NULL && self->stft != NULL
      && self->istfts != NULL && self->spectrum != NULL && self->rest != NULL
      && self->masked != NULL && self->sum != NULL && self->masks != NULL
      && self->masks_before != NULL && self->chunk != NULL
      && self->motions != NULL;
  for (size_t i = 0; ok && i < n_sources * n_channels; i++) {
    self->istfts[i] = avm_istft_new (AVM_WINDOW_HANN, window, window, hop);
    ok = self->istfts[i] != NULL;
  }
  return ok;
}

AvmSeparate *
avm_separate_new (const AvmSeparateSettings *settings, AvmError *error)
{
  AvmSeparate *self;

  if (!settings_are_good (settings, error))
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self != NULL) {
    self->set = *settings;
    find_sizes (self);
    if (allocate (self)) {
      self->have = (size_t)settings->window / 2;
      return self;
    }
  }
  avm_separate_free (self);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for the block");
  return NULL;
}

void
avm_separate_free (AvmSeparate *self)
{
  if (self == NULL)
    return;
  avm_free (self->mix);
  avm_free (self->v);
  avm_stft_free (self->stft);
  for (int i = 0;
       self->istfts != NULL && i < self->set.n_sources * self->set.n_channels;
       i++)
    avm_istft_free (self->istfts[i]);
  avm_free (self->istfts);
  avm_free (self->spectrum);
  avm_free (self->rest);
  avm_free (self->masked);
  avm_free (self->sum);
  avm_free (self->masks);
  avm_free (self->masks_before);
  avm_free (self->chunk);
  for (int m = 0; self->motions != NULL && m < AVM_SEPARATE_MAX_MOTIONS; m++)
    separate_motion_clear (&self->motions[m]);
  avm_free (self->motions);
  avm_free (self->m);
  free (self->notes);
  avm_nmf_free (self->nmf);
  separate_dictionary_clear (&self->now);
  separate_dictionary_clear (&self->before);
  for (int i = 0; i < SEPARATE_STARTS; i++)
    separate_dictionary_clear (&self->starts[i]);
  avm_free (self->learned_w);
  avm_free (self->learned_links);
  avm_free (self);
}

/* -- what is known -------------------------------------------------------- */

bool
avm_separate_add_note (AvmSeparate *self, const AvmSeparateNote *note)
{
  if (note->source < 0 || note->source >= self->set.n_sources
      || !isfinite (note->onset) || !(note->duration > 0.0)
      || !isfinite (note->duration) || !(note->pitch >= 0.0)
      || !(note->pitch <= 140.0))
    return true;
  if (self->n_notes == self->note_room) {
    size_t room = AVM_MAX (2 * self->note_room, 256);
    AvmSeparateNote *notes =
        realloc (self->notes, room * sizeof (AvmSeparateNote));

    if (notes == NULL)
      return false;
    self->notes = notes;
    self->note_room = room;
  }
  self->notes[self->n_notes++] = *note;
  return true;
}

/* Motions up to this one exist from now on. */
static bool
have_motion (AvmSeparate *self, int motion)
{
  if (motion < 0 || motion >= AVM_SEPARATE_MAX_MOTIONS)
    return false;
  while (self->n_motions <= motion)
    self->motions[self->n_motions++].source = -1;
  return true;
}

bool
avm_separate_set_motion_source (AvmSeparate *self, int motion, int source)
{
  if (!have_motion (self, motion) || source >= self->set.n_sources)
    return false;
  self->motions[motion].source = AVM_MAX (source, -1);
  return true;
}

bool
avm_separate_add_motion (
    AvmSeparate *self, int motion, double time, float speed)
{
  if (!have_motion (self, motion) || !isfinite (time))
    return false;
  return separate_motion_add (&self->motions[motion], time, speed);
}

/* -- the mixture ---------------------------------------------------------- */

static bool
is_emitting (const AvmSeparate *self)
{
  return self->chunk_at < self->chunk_n || self->emit < self->emit_end;
}

size_t
avm_separate_push (AvmSeparate *self, const float *samples, size_t n)
{
  size_t n_channels = (size_t)self->set.n_channels;

  if (self->finished || is_emitting (self))
    return 0;
  n = AVM_MIN (n, self->room - self->have);
  for (size_t c = 0; c < n_channels; c++) {
    float *row =
        self->mix + c * (self->room + (size_t)self->set.window) + self->have;

    for (size_t i = 0; i < n; i++) {
      float x = samples[i * n_channels + c];

      row[i] = isfinite (x) ? x : 0.0f;
    }
  }
  self->have += n;
  self->n_pushed += n;
  return n;
}

/* Frames of the mixture, as avm-stft.h counts them */
static int64_t
total_frames (const AvmSeparate *self)
{
  int64_t n = (int64_t)self->n_pushed;

  return n == 0 ? 0 : (n + self->set.window / 2 - 1) / self->set.hop + 1;
}

/* Silence behind the end, for the frames that reach beyond it */
static void
clear_tail (AvmSeparate *self)
{
  size_t row = self->room + (size_t)self->set.window;

  for (int c = 0; c < self->set.n_channels; c++)
    memset (self->mix + (size_t)c * row + self->have, 0,
        (row - self->have) * sizeof (float));
}

void
avm_separate_finish (AvmSeparate *self)
{
  if (self->finished)
    return;
  self->finished = true;
  clear_tail (self);
}

/* How many frames the next run takes; whether they are the last. */
static int
block_frames (const AvmSeparate *self, bool *last)
{
  int64_t left = total_frames (self) - self->base;

  *last = self->finished && left <= self->max_frames;
  return *last ? (int)AVM_MAX (left, 0) : self->block;
}

double
avm_separate_block_end (const AvmSeparate *self)
{
  bool last;
  int n = block_frames (self, &last);

  if (last)
    return (double)self->n_pushed / self->set.rate;
  return separate_frame_time (self, n - 1)
      + 0.5 * self->set.window / self->set.rate;
}

bool
avm_separate_is_due (const AvmSeparate *self)
{
  bool last;

  if (is_emitting (self))
    return false;
  if (!self->finished)
    return self->have == self->room;
  return block_frames (self, &last) > 0 && self->emit < total_frames (self);
}

/* -- a block -------------------------------------------------------------- */

static const float *
frame_samples (const AvmSeparate *self, int channel, int frame)
{
  return self->mix + (size_t)channel * (self->room + (size_t)self->set.window)
      + (size_t)frame * (size_t)self->set.hop;
}

AVM_CLONES
static void
magnitudes (const AvmComplex *x, float *out, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = sqrtf (x[i].re * x[i].re + x[i].im * x[i].im);
}

/* The spectrogram, scaled so that a frame that sounds has a norm of about 1
 * (the mean of the norms, weighted by themselves): lambda and mu then mean
 * the same for loud and for soft recordings. False: there is no sound. */
static bool
make_spectrogram (AvmSeparate *self, int n_frames)
{
  double norms = 0.0, squares = 0.0, sum = 0.0, scale;
  size_t size = (size_t)n_frames * self->n_bins;

  for (int n = 0; n < n_frames; n++) {
    float *row = self->v + (size_t)n * self->n_bins;
    double square = 0.0;

    for (int c = 0; c < self->set.n_channels; c++)
      magnitudes (avm_stft_frame (self->stft, frame_samples (self, c, n), NULL),
          row + (size_t)c * self->bins, self->bins);
    for (size_t f = 0; f < self->n_bins; f++) {
      square += (double)row[f] * row[f];
      sum += row[f];
    }
    norms += sqrt (square);
    squares += square;
  }
  if (!(squares > 1e-30))
    return false;
  scale = norms / squares;
  for (size_t i = 0; i < size; i++)
    self->v[i] = (float)(self->v[i] * scale);
  self->mass = sum * scale / n_frames;
  return true;
}

static void make_chunk (AvmSeparate *self);

bool
avm_separate_run (AvmSeparate *self, AvmSeparateProgress progress, void *user,
    AvmError *error)
{
  Run run = {.progress = progress, .user = user};
  unsigned ftz;
  bool ok = true;

  if (!avm_separate_is_due (self))
    return avm_error_set (error, AVM_ERROR_EMPTY, -1, "no block is due");
  run.n_frames = block_frames (self, &self->last);
  ftz = avm_ftz_enable ();
  if (make_spectrogram (self, run.n_frames)) {
    ok = separate_factorise (self, &run, error);
  } else {
    self->now.n_atoms = 0;
    self->now.n_frames = run.n_frames;
  }
  if (ok) {
    self->emit_end =
        self->base + run.n_frames - (self->last ? 0 : self->overlap);
    make_chunk (self);
  }
  avm_ftz_restore (ftz);
  return ok;
}

/* -- sources -------------------------------------------------------------- */

AVM_CLONES
static void
add_scaled (float *restrict out, const float *restrict in, float x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] += x * in[i];
}

/* What each source has in a frame, n_sources x n_bins */
static void
model_frame (
    const AvmSeparate *self, const Dictionary *d, int frame, float *out)
{
  int n_sources = self->set.n_sources;

  memset (out, 0, (size_t)n_sources * self->n_bins * sizeof (float));
  for (int k = 0; k < d->n_atoms; k++) {
    float h = d->h[(size_t)frame * (size_t)d->n_atoms + (size_t)k];
    const float *links = d->links + (size_t)k * (size_t)n_sources;

    for (int c = 0; h > 0.0f && c < n_sources; c++)
      if (links[c] > 1e-4f)
        add_scaled (out + (size_t)c * self->n_bins,
            d->w + (size_t)k * self->n_bins, h * links[c], self->n_bins);
  }
}

AVM_CLONES
static void
divide (float *restrict x, const float *restrict sum, float floor, size_t n)
{
  for (size_t i = 0; i < n; i++)
    x[i] = (x[i] + floor) / sum[i];
}

/* Shares of the sources in one frame. Where no source has anything, they
 * share as in the frame as a whole; where there is nothing at all, equally. */
static void
make_masks (AvmSeparate *self, const Dictionary *d, int frame, float *masks)
{
  size_t n_bins = self->n_bins;
  int n_sources = self->set.n_sources;
  float floors[AVM_SEPARATE_MAX_SOURCES];
  float *sum = self->sum;

  model_frame (self, d, frame, masks);
  for (size_t f = 0; f < n_bins; f++)
    sum[f] = 0.0f;
  for (int c = 0; c < n_sources; c++) {
    float *mask = masks + (size_t)c * n_bins;
    double all = 0.0;

    for (size_t f = 0; f < n_bins; f++)
      all += mask[f];
    floors[c] = (float)(1e-4 * all / (double)n_bins + 1e-15);
    for (size_t f = 0; f < n_bins; f++)
      sum[f] += mask[f] + floors[c];
  }
  for (int c = 0; c < n_sources; c++)
    divide (masks + (size_t)c * n_bins, sum, floors[c], n_bins);
}

/* The masks of a frame in self->masks: in the overlap, those of the block
 * before turn into those of this one. */
static void
find_masks (AvmSeparate *self, int frame)
{
  size_t size = (size_t)self->set.n_sources * self->n_bins;
  float x = (float)(frame + 1) / (float)(self->overlap + 1);

  make_masks (self, &self->now, frame, self->masks);
  if (!self->has_before || frame >= self->before.n_frames)
    return;
  make_masks (self, &self->before, frame, self->masks_before);
  for (size_t i = 0; i < size; i++)
    self->masks[i] =
        self->masks_before[i] + x * (self->masks[i] - self->masks_before[i]);
}

/* bins *= mask for one source; the last one takes what the others leave, so
 * that all sum to the mixture */
static void
mask_bins (const AvmSeparate *self, int source, int channel,
    const AvmComplex *bins, AvmComplex *rest, AvmComplex *out)
{
  const float *mask = self->masks + (size_t)source * self->n_bins
      + (size_t)channel * self->bins;

  if (source == self->set.n_sources - 1) {
    memcpy (out, rest, self->bins * sizeof (AvmComplex));
    return;
  }
  for (size_t f = 0; f < self->bins; f++) {
    out[f].re = bins[f].re * mask[f];
    out[f].im = bins[f].im * mask[f];
    rest[f].re -= out[f].re;
    rest[f].im -= out[f].im;
  }
}

/* Adds the hop that a frame completes to the chunk. */
static void
make_frame (AvmSeparate *self, int frame)
{
  int n_sources = self->set.n_sources, n_channels = self->set.n_channels;
  uint64_t left = self->n_pushed - self->n_made;
  size_t n = 0;

  find_masks (self, frame);
  for (int ch = 0; ch < n_channels; ch++) {
    const AvmComplex *bins = avm_stft_frame (
        self->stft, frame_samples (self, ch, frame), self->spectrum);

    memcpy (self->rest, bins, self->bins * sizeof (AvmComplex));
    for (int c = 0; c < n_sources; c++) {
      float *out = self->chunk
          + ((size_t)c * self->chunk_room + self->chunk_n) * (size_t)n_channels;
      const float *samples;

      mask_bins (self, c, ch, bins, self->rest, self->masked);
      n = avm_istft_frame (
          self->istfts[c * n_channels + ch], self->masked, &samples);
      n = (size_t)AVM_MIN ((uint64_t)n, left);
      for (size_t i = 0; i < n; i++)
        out[i * (size_t)n_channels + (size_t)ch] = samples[i];
    }
  }
  self->chunk_n += n;
  self->n_made += n;
}

/* The block has been made into sound: its end begins the next. */
static void
next_block (AvmSeparate *self)
{
  Dictionary *d = &self->before;
  int step = (int)(self->emit - self->base);
  int keep = self->now.n_frames - step;
  size_t skip = (size_t)step * (size_t)self->set.hop;
  Dictionary swap = self->before;

  self->before = self->now;
  self->now = swap;
  /* a block of silence has no factors */
  if (d->n_atoms > 0)
    memmove (d->h, d->h + (size_t)step * (size_t)d->n_atoms,
        (size_t)keep * (size_t)d->n_atoms * sizeof (float));
  d->n_frames = keep;
  self->has_before = true;
  skip = AVM_MIN (skip, self->have);
  for (int c = 0; c < self->set.n_channels; c++) {
    float *row =
        self->mix + (size_t)c * (self->room + (size_t)self->set.window);

    memmove (row, row + skip,
        (self->room + (size_t)self->set.window - skip) * sizeof (float));
  }
  self->have -= skip;
  if (self->finished)
    clear_tail (self);
  self->base += step;
  self->n_blocks++;
}

static void
forget (AvmSeparate *self)
{
  double before = separate_frame_time (self, 0) - 1.0;
  size_t n = 0;

  for (int m = 0; m < self->n_motions; m++)
    separate_motion_forget (&self->motions[m], before);
  for (size_t i = 0; i < self->n_notes; i++)
    if (self->notes[i].onset + self->notes[i].duration > before)
      self->notes[n++] = self->notes[i];
  self->n_notes = n;
}

/* The next samples of the block; when it has no more, on to the next. */
static void
make_chunk (AvmSeparate *self)
{
  self->chunk_n = self->chunk_at = 0;
  while (self->chunk_n == 0 && self->emit < self->emit_end)
    for (int i = 0; i < CHUNK && self->emit < self->emit_end; i++) {
      make_frame (self, (int)(self->emit - self->base));
      self->emit++;
    }
  if (self->chunk_n == 0 && !self->last) {
    next_block (self);
    forget (self);
  }
}

size_t
avm_separate_available (const AvmSeparate *self)
{
  return self->chunk_n - self->chunk_at;
}

size_t
avm_separate_peek (
    const AvmSeparate *self, int source, float *samples, size_t n)
{
  size_t n_channels = (size_t)self->set.n_channels;

  if (source < 0 || source >= self->set.n_sources)
    return 0;
  n = AVM_MIN (n, avm_separate_available (self));
  if (n > 0)
    memcpy (samples,
        self->chunk
            + ((size_t)source * self->chunk_room + self->chunk_at) * n_channels,
        n * n_channels * sizeof (float));
  return n;
}

void
avm_separate_drop (AvmSeparate *self, size_t n)
{
  if (avm_separate_available (self) == 0)
    return;
  self->chunk_at += AVM_MIN (n, avm_separate_available (self));
  if (self->chunk_at == self->chunk_n) {
    unsigned ftz = avm_ftz_enable ();

    make_chunk (self);
    avm_ftz_restore (ftz);
  }
}
