/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "score/avm-score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_US_PER_BEAT 500000.0

static void *
append (void **array, size_t *n, size_t size)
{
  /* capacity doubles at powers of two, so no capacity field is needed */
  if ((*n & (*n - 1)) == 0) {
    size_t capacity = *n == 0 ? 1 : *n * 2;
    void *grown;

    if (capacity > SIZE_MAX / size)
      return NULL;
    grown = realloc (*array, capacity * size);
    if (grown == NULL)
      return NULL;
    *array = grown;
  }
  return (char *)*array + (*n)++ * size;
}

AvmScore *
avm_score_new (void)
{
  AvmScore *score = calloc (1, sizeof (AvmScore));

  if (score != NULL && !avm_score_add_tempo (score, 0.0, DEFAULT_US_PER_BEAT)) {
    avm_score_free (score);
    return NULL;
  }
  return score;
}

void
avm_score_free (AvmScore *score)
{
  if (score == NULL)
    return;
  for (size_t i = 0; i < score->n_parts; i++)
    free (score->parts[i].name);
  free (score->parts);
  free (score->notes);
  free (score->tempos);
  free (score);
}

AvmScore *
avm_score_copy (const AvmScore *score)
{
  AvmScore *copy = avm_score_new ();
  bool ok = copy != NULL;

  for (size_t i = 0; ok && i < score->n_parts; i++)
    ok = avm_score_add_part (copy, score->parts[i].name,
             score->parts[i].program, score->parts[i].channel)
        >= 0;
  for (size_t i = 0; ok && i < score->n_notes; i++)
    ok = avm_score_add_note (copy, &score->notes[i]);
  for (size_t i = 0; ok && i < score->n_tempos; i++)
    ok = avm_score_add_tempo (
        copy, score->tempos[i].beat, score->tempos[i].us_per_beat);
  if (!ok) {
    avm_score_free (copy);
    return NULL;
  }
  avm_score_sort (copy);
  return copy;
}

int
avm_score_add_part (AvmScore *score, const char *name, int program, int channel)
{
  AvmPart *part;
  char *copy = strdup (name != NULL ? name : "");

  if (copy == NULL)
    return -1;
  part = append ((void **)&score->parts, &score->n_parts, sizeof (AvmPart));
  if (part == NULL) {
    free (copy);
    return -1;
  }
  part->name = copy;
  part->program = program;
  part->channel = channel;
  return (int)score->n_parts - 1;
}

bool
avm_score_add_note (AvmScore *score, const AvmNote *note)
{
  AvmNote *slot;

  if (note->part < 0 || (size_t)note->part >= score->n_parts || note->pitch < 0
      || note->pitch > 127 || !isfinite (note->onset)
      || !isfinite (note->duration) || note->duration <= 0.0)
    return false;
  slot = append ((void **)&score->notes, &score->n_notes, sizeof (AvmNote));
  if (slot == NULL)
    return false;
  *slot = *note;
  return true;
}

/* Kept in order: files have thousands, nearly always in ascending order. */
bool
avm_score_add_tempo (AvmScore *score, double beat, double us_per_beat)
{
  size_t at = score->n_tempos;

  if (!isfinite (beat) || beat < 0.0 || !isfinite (us_per_beat)
      || us_per_beat <= 0.0)
    return false;
  while (at > 0 && score->tempos[at - 1].beat > beat)
    at--;
  if (at > 0 && score->tempos[at - 1].beat == beat) {
    score->tempos[at - 1].us_per_beat = us_per_beat;
    return true;
  }
  if (append ((void **)&score->tempos, &score->n_tempos, sizeof (AvmTempo))
      == NULL)
    return false;
  memmove (&score->tempos[at + 1], &score->tempos[at],
      (score->n_tempos - 1 - at) * sizeof (AvmTempo));
  score->tempos[at] = (AvmTempo){beat, 0.0, us_per_beat};
  return true;
}

static int
compare_notes (const void *pa, const void *pb)
{
  const AvmNote *a = pa, *b = pb;

  if (a->onset != b->onset)
    return a->onset < b->onset ? -1 : 1;
  if (a->part != b->part)
    return a->part < b->part ? -1 : 1;
  return a->pitch - b->pitch;
}

void
avm_score_sort (AvmScore *score)
{
  score->tempos[0].time = 0.0;
  for (size_t i = 1; i < score->n_tempos; i++) {
    const AvmTempo *before = &score->tempos[i - 1];

    score->tempos[i].time = before->time
        + (score->tempos[i].beat - before->beat) * before->us_per_beat * 1e-6;
  }
  if (score->n_notes > 0)
    qsort (score->notes, score->n_notes, sizeof (AvmNote), compare_notes);
  score->duration = 0.0;
  for (size_t i = 0; i < score->n_notes; i++)
    score->duration = fmax (
        score->duration, score->notes[i].onset + score->notes[i].duration);
}

/* Last tempo at or before a beat (or a time); a score may have thousands. */
static const AvmTempo *
find_tempo (const AvmScore *score, double at, bool by_time)
{
  size_t lo = 0, hi = score->n_tempos;

  while (hi - lo > 1) {
    size_t mid = lo + (hi - lo) / 2;
    double key = by_time ? score->tempos[mid].time : score->tempos[mid].beat;

    if (key <= at)
      lo = mid;
    else
      hi = mid;
  }
  return &score->tempos[lo];
}

double
avm_score_beat_to_time (const AvmScore *score, double beat)
{
  const AvmTempo *tempo = find_tempo (score, beat, false);

  return tempo->time + (beat - tempo->beat) * tempo->us_per_beat * 1e-6;
}

double
avm_score_time_to_beat (const AvmScore *score, double time)
{
  const AvmTempo *tempo = find_tempo (score, time, true);

  return tempo->beat + (time - tempo->time) * 1e6 / tempo->us_per_beat;
}
