/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-playing-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
avm_playing_settings_init (AvmPlayingSettings *settings)
{
  memset (settings, 0, sizeof (*settings));
  settings->ways = AVM_PLAYING_LABELS | AVM_PLAYING_NOTES | AVM_PLAYING_MOTION;
  settings->play_duration = 12.0;
  settings->rest_duration = 8.0;
  settings->min_duration = 0.5;
  settings->reach = 1.5;
  settings->absence = 0.05;
}

static bool
check_settings (const AvmPlayingSettings *s, AvmError *error)
{
  const unsigned all =
      AVM_PLAYING_LABELS | AVM_PLAYING_NOTES | AVM_PLAYING_MOTION;

  if ((s->ways & ~all) != 0 || s->ways == 0)
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "no such ways: %#x", s->ways);
  if (!(s->play_duration > 0.0) || !isfinite (s->play_duration)
      || !(s->rest_duration > 0.0) || !isfinite (s->rest_duration))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "durations of %g and %g s", s->play_duration, s->rest_duration);
  if (!(s->min_duration >= 0.0) || !isfinite (s->min_duration)
      || !(s->reach >= 0.0) || !isfinite (s->reach))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "least duration of %g s, reach of %g s", s->min_duration, s->reach);
  if (!(s->absence >= 0.0 && s->absence <= 0.5))
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "absence of %g is not from 0 to 0.5", s->absence);
  return true;
}

AvmPlaying *
avm_playing_new (const AvmPlayingSettings *settings, const AvmSvmSet *models,
    AvmError *error)
{
  AvmPlaying *self;

  if (!check_settings (settings, error))
    return NULL;
  self = calloc (1, sizeof (AvmPlaying));
  if (self == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  self->settings = *settings;
  self->models = models;
  return self;
}

void
avm_playing_reset (AvmPlaying *self)
{
  for (size_t i = 0; i < self->n_tracks; i++)
    for (int k = 0; k < AVM_PLAYING_N_LIMBS; k++)
      free (self->tracks[i].limbs[k].rows);
  for (size_t i = 0; i < self->n_musicians; i++) {
    free (self->musicians[i].sightings);
    free (self->musicians[i].poses);
    free (self->musicians[i].spans);
  }
  for (size_t i = 0; i < self->n_parts; i++) {
    free (self->parts[i].notes);
    free (self->parts[i].runs);
    free (self->parts[i].spans);
  }
  free (self->tracks);
  free (self->musicians);
  free (self->parts);
  self->tracks = NULL;
  self->musicians = NULL;
  self->parts = NULL;
  self->n_tracks = self->size_tracks = 0;
  self->n_musicians = self->n_parts = 0;
}

void
avm_playing_free (AvmPlaying *self)
{
  if (self == NULL)
    return;
  avm_playing_reset (self);
  free (self);
}

/* -- tables ---------------------------------------------------------------- */

bool
avm_playing_grow (void *items, size_t n, size_t *room, size_t size)
{
  void **at = items, *grown;
  size_t more;

  if (n < *room)
    return true;
  more = AVM_MAX (*room + *room / 2, 16);
  if (more > SIZE_MAX / size)
    return false;
  grown = realloc (*at, more * size);
  if (grown == NULL)
    return false;
  *at = grown;
  *room = more;
  return true;
}

static bool
is_number (int number)
{
  return number >= 0 && number < AVM_PLAYING_MAX;
}

/* At least `needed` items, new ones zero */
static bool
provide (void *items, size_t *n, size_t needed, size_t size)
{
  void **at = items, *grown;

  if (needed <= *n)
    return true;
  grown = realloc (*at, needed * size);
  if (grown == NULL)
    return false;
  memset ((char *)grown + *n * size, 0, (needed - *n) * size);
  *at = grown;
  *n = needed;
  return true;
}

static AvmPlayingMusician *
provide_musician (AvmPlaying *self, int number)
{
  size_t before = self->n_musicians;

  if (!provide (&self->musicians, &self->n_musicians, (size_t)number + 1,
          sizeof (AvmPlayingMusician)))
    return NULL;
  for (size_t i = before; i < self->n_musicians; i++)
    self->musicians[i].part = -1;
  self->musicians[number].known = true;
  return &self->musicians[number];
}

static AvmPlayingPose *
provide_pose (AvmPlayingMusician *musician, int pose)
{
  if (!provide (&musician->poses, &musician->n_poses, (size_t)pose + 1,
          sizeof (AvmPlayingPose)))
    return NULL;
  return &musician->poses[pose];
}

/* Where the track is or belongs */
static size_t
locate_track (const AvmPlaying *self, int number)
{
  size_t lo = 0, hi = self->n_tracks;

  /* they mostly come in order */
  if (hi > 0 && self->tracks[hi - 1].number < number)
    return hi;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (self->tracks[mid].number < number)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static AvmPlayingTrack *
provide_track (AvmPlaying *self, int number)
{
  size_t at = locate_track (self, number);
  AvmPlayingTrack *track;

  if (at < self->n_tracks && self->tracks[at].number == number)
    return &self->tracks[at];
  if (!avm_playing_grow (&self->tracks, self->n_tracks, &self->size_tracks,
          sizeof (AvmPlayingTrack)))
    return NULL;
  track = &self->tracks[at];
  memmove (track + 1, track, (self->n_tracks - at) * sizeof (AvmPlayingTrack));
  memset (track, 0, sizeof (AvmPlayingTrack));
  track->number = number;
  track->musician = -1;
  self->n_tracks++;
  return track;
}

/* -- what is said ---------------------------------------------------------- */

bool
avm_playing_add_motion (AvmPlaying *self, int track_number, AvmPlayingLimb limb,
    double time, double vx, double vy, double speed, double size)
{
  AvmPlayingTrack *track;
  AvmPlayingRows *rows;
  AvmPlayingRow *row;

  if (track_number < 0 || (unsigned)limb >= AVM_PLAYING_N_LIMBS
      || !isfinite (time) || !isfinite (vx) || !isfinite (vy) || !(size > 0.0)
      || !isfinite (size))
    return true;
  track = provide_track (self, track_number);
  if (track == NULL)
    return false;
  rows = &track->limbs[limb];
  if (rows->n > 0 && time <= rows->rows[rows->n - 1].time)
    return true;
  if (!avm_playing_grow (
          &rows->rows, rows->n, &rows->size, sizeof (AvmPlayingRow)))
    return false;
  row = &rows->rows[rows->n++];
  row->time = time;
  row->vx = (float)(vx / size);
  row->vy = (float)(vy / size);
  row->speed = isfinite (speed) ? (float)(speed / size) : NAN;
  return true;
}

bool
avm_playing_add_note (AvmPlaying *self, int part, double onset, double duration)
{
  AvmPlayingPart *p;

  if (!is_number (part) || !(onset >= 0.0) || !(duration >= 0.0)
      || !isfinite (onset) || !isfinite (duration))
    return true;
  if (!provide (&self->parts, &self->n_parts, (size_t)part + 1,
          sizeof (AvmPlayingPart)))
    return false;
  p = &self->parts[part];
  if (!avm_playing_grow (
          &p->notes, p->n_notes, &p->size_notes, sizeof (AvmPlayingTimes)))
    return false;
  p->notes[p->n_notes++] = (AvmPlayingTimes){onset, onset + duration};
  return true;
}

bool
avm_playing_set_track (AvmPlaying *self, int track_number, int musician)
{
  AvmPlayingTrack *track;

  if (track_number < 0 || (musician != -1 && !is_number (musician)))
    return true;
  track = provide_track (self, track_number);
  if (track == NULL)
    return false;
  track->musician = musician;
  return musician == -1 || provide_musician (self, musician) != NULL;
}

bool
avm_playing_add_pose (
    AvmPlaying *self, int musician, int camera, double time, int pose)
{
  AvmPlayingMusician *m;

  if (!is_number (musician) || !is_number (camera) || !is_number (pose)
      || !isfinite (time))
    return true;
  m = provide_musician (self, musician);
  if (m == NULL || provide_pose (m, pose) == NULL
      || !avm_playing_grow (&m->sightings, m->n_sightings, &m->size_sightings,
          sizeof (AvmPlayingSighting)))
    return false;
  m->sightings[m->n_sightings++] =
      (AvmPlayingSighting){time, (int16_t)camera, (int16_t)pose};
  m->sorted = false;
  return true;
}

bool
avm_playing_set_part (AvmPlaying *self, int musician, int part)
{
  AvmPlayingMusician *m;

  if (!is_number (musician) || (part != -1 && !is_number (part)))
    return true;
  m = provide_musician (self, musician);
  if (m == NULL)
    return false;
  m->part_said = true;
  m->part = part;
  m->part_confidence = 1.0;
  return true;
}

bool
avm_playing_set_label (
    AvmPlaying *self, int musician, int pose, AvmPoseLabel label)
{
  AvmPlayingMusician *m;
  AvmPlayingPose *p;

  if (!is_number (musician) || !is_number (pose)
      || (unsigned)label > AVM_POSE_REJECTED)
    return true;
  m = provide_musician (self, musician);
  p = m != NULL ? provide_pose (m, pose) : NULL;
  if (p == NULL)
    return false;
  p->label = label;
  return true;
}

/* -- results --------------------------------------------------------------- */

static const AvmPlayingMusician *
get_musician (const AvmPlaying *self, int musician)
{
  return musician < 0 || (size_t)musician >= self->n_musicians
      ? NULL
      : &self->musicians[musician];
}

const AvmPlayingSpan *
avm_playing_get_spans (const AvmPlaying *self, int musician, size_t *n_spans)
{
  const AvmPlayingMusician *m = get_musician (self, musician);

  *n_spans = m != NULL ? m->n_spans : 0;
  return *n_spans > 0 ? m->spans : NULL;
}

int
avm_playing_get_part (const AvmPlaying *self, int musician, double *confidence)
{
  const AvmPlayingMusician *m = get_musician (self, musician);

  if (confidence != NULL)
    *confidence = m != NULL ? m->part_confidence : 0.0;
  return m != NULL ? m->part : -1;
}

double
avm_playing_get_pose (
    const AvmPlaying *self, int musician, int pose, double *seconds)
{
  const AvmPlayingMusician *m = get_musician (self, musician);
  bool known = m != NULL && pose >= 0 && (size_t)pose < m->n_poses;

  if (seconds != NULL)
    *seconds = known ? m->poses[pose].seconds : 0.0;
  return known ? m->poses[pose].probability : NAN;
}

/* -- parts ----------------------------------------------------------------- */

/* Where any musician of the part begins another span, each time once */
static size_t
collect_borders (const AvmPlaying *self, int part, double *times)
{
  size_t n = 0, kept = 0;

  for (size_t i = 0; i < self->n_musicians; i++) {
    const AvmPlayingMusician *m = &self->musicians[i];

    for (size_t k = 0; m->part == part && k < m->n_spans; k++) {
      times[n++] = m->spans[k].start;
      times[n++] = m->spans[k].end;
    }
  }
  qsort (times, n, sizeof (double), avm_compare_doubles);
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || times[i] > times[kept - 1])
      times[kept++] = times[i];
  return kept;
}

static bool
append_span (AvmPlayingPart *part, const AvmPlayingSpan *span)
{
  AvmPlayingSpan *last =
      part->n_spans > 0 ? &part->spans[part->n_spans - 1] : NULL;

  if (last != NULL && last->end == span->start
      && last->playing == span->playing) {
    double before = last->end - last->start, more = span->end - span->start;

    last->confidence =
        (last->confidence * before + span->confidence * more) / (before + more);
    last->used |= span->used;
    last->end = span->end;
    return true;
  }
  if (!avm_playing_grow (&part->spans, part->n_spans, &part->size_spans,
          sizeof (AvmPlayingSpan)))
    return false;
  part->spans[part->n_spans++] = *span;
  return true;
}

/* What the musicians of a part say together from start to end; false: none of
 * them is known there. next: where each of them is in its list. */
static bool
ask_musicians (
    const AvmPlaying *self, int part, size_t *next, AvmPlayingSpan *span)
{
  bool known = false;

  span->playing = false;
  span->confidence = 0.0;
  span->used = 0;
  for (size_t i = 0; i < self->n_musicians; i++) {
    const AvmPlayingMusician *m = &self->musicians[i];
    const AvmPlayingSpan *s;

    if (m->part != part)
      continue;
    while (next[i] < m->n_spans && m->spans[next[i]].end <= span->start)
      next[i]++;
    s = next[i] < m->n_spans ? &m->spans[next[i]] : NULL;
    if (s == NULL || s->start > span->start)
      continue;
    if (!known || (s->playing && !span->playing)) {
      span->playing = s->playing;
      span->confidence = s->confidence;
      span->used = s->used;
    } else if (s->playing == span->playing) {
      /* that one plays is as sure as of the surest; that none does, as of the
       * least sure */
      span->confidence = s->playing ? fmax (span->confidence, s->confidence)
                                    : fmin (span->confidence, s->confidence);
      span->used |= s->used;
    }
    known = true;
  }
  return known;
}

const AvmPlayingSpan *
avm_playing_get_part_spans (
    AvmPlaying *self, int part, size_t *n_spans, AvmError *error)
{
  AvmPlayingPart *p;
  double *times;
  size_t *next, n = 0;
  bool ok;

  *n_spans = 0;
  if (!is_number (part))
    return NULL;
  for (size_t i = 0; i < self->n_musicians; i++)
    n += self->musicians[i].part == part ? self->musicians[i].n_spans : 0;
  if (n == 0)
    return NULL;
  times = calloc (2 * n, sizeof (double));
  next = calloc (self->n_musicians, sizeof (size_t));
  ok = times != NULL && next != NULL
      && provide (&self->parts, &self->n_parts, (size_t)part + 1,
          sizeof (AvmPlayingPart));
  p = ok ? &self->parts[part] : NULL;
  n = ok ? collect_borders (self, part, times) : 0;
  if (ok)
    p->n_spans = 0;
  for (size_t i = 0; ok && i + 1 < n; i++) {
    AvmPlayingSpan span = {.start = times[i], .end = times[i + 1], .pose = -1};

    if (ask_musicians (self, part, next, &span))
      ok = append_span (p, &span);
  }
  free (times);
  free (next);
  if (!ok) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  *n_spans = p->n_spans;
  return p->spans;
}
