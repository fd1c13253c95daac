/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "dsp/avm-associate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/avm-vibrato.h"

/* -- constants of the models ---------------------------------------------- */
#ifndef TUNE
#define TUNE
#endif

/* Slower motion than this (s) is the body's, not the bow's. */
#ifndef BOW_AVERAGE
#define BOW_AVERAGE 2.0
#endif
#define HAND_AVERAGE (10.0 * 1001.0 / 30000.0)

/* A stroke counts when it is this fast, against the player's usual speed. */
#ifndef STROKE_SPEED
#define STROKE_SPEED 0.15
#endif
/* Usual speed: a quantile; but at least this share of the median player's. */
#define USUAL 0.8
#define LEAST_USUAL 0.2
/* After this long without a stroke (s) the next one begins anew. */
#define PAUSE 0.15
/* Onsets that are nearer than this (s) are one. */
#define ONE_ONSET 0.06
/* Of the onsets this share begins with a stroke, this long before (s), give
 * or take; some much more. */
#ifndef HIT
#define HIT 0.7
#endif
#ifndef SIGMA
#define SIGMA 0.03
#endif
#define WIDE_SIGMA 0.1
#define WIDE_SHARE 0.15
#define N_LEADS 3
static const double leads[N_LEADS] = {0.005, 0.025, 0.045};
/* Strokes that begin without an onset, of all */
#ifndef IDLE_SHARE
#define IDLE_SHARE 0.2
#endif

/* Speed of the bow, against the usual, at which it is as likely in use as not;
 * steepness; how often it moves while the part sounds and while it rests; how
 * long one look takes (s): what is seen within is one piece of evidence. */
#ifndef MOVE_SPEED
#define MOVE_SPEED 0.22
#endif
#define MOVE_STEEP 3.0
#ifndef MOVE_SOUND
#define MOVE_SOUND 0.92
#endif
#ifndef MOVE_REST
#define MOVE_REST 0.3
#endif
#ifndef LOOK
#define LOOK 0.35
#endif
/* A rest between notes that is shorter (s) says nothing. */
#ifndef SHORT_REST
#define SHORT_REST 1.0
#endif
#ifndef REST_EDGE
#define REST_EDGE 0.3
#endif

/* Vibrato: share of notes in which it can be seen, correlation then, and
 * independent values per second */
#define PITCH_RATE 100.0
#define PITCH_AVERAGE 0.32
#define MIN_NOTE 0.3
#ifndef SEEN
#define SEEN 0.5
#endif
#ifndef SEEN_R
#define SEEN_R 0.7
#endif
#ifndef VIB_DOF
#define VIB_DOF 5.0
#endif
#define LAG_STEP 0.02

/* Fingers: the hand moves in this stretch about an onset (s); correlation of
 * its speed with that, and independent values per second */
#ifndef FINGER_BEFORE
#define FINGER_BEFORE 0.16
#endif
#ifndef FINGER_AFTER
#define FINGER_AFTER 0.02
#endif
#ifndef FINGER_R
#define FINGER_R 0.25
#endif
#ifndef FINGER_DOF
#define FINGER_DOF 5.0
#endif

void
avm_associate_settings_init (AvmAssociateSettings *settings)
{
  settings->max_lag = 0.06;
  for (int i = 0; i < AVM_ASSOCIATE_N_CUES; i++)
    settings->weights[i] = 1.0;
}

/* -- what is kept --------------------------------------------------------- */

typedef struct {
  void *data;
  size_t n, room;
} List;

typedef struct {
  double time;
  float vx, vy, confidence;
} Row;

typedef struct {
  double onset, duration;
} Note;

typedef struct {
  double time;
  float hz, confidence;
} Point;

/* A stroke begins */
typedef struct {
  double time, weight;
} Stroke;

typedef struct {
  int id;
  List rows[AVM_ASSOCIATE_N_LIMBS]; /* Row */

  /* of a run */
  AvmVibratoTrack *bow, *hand; /* NULL: not known */
  List strokes;                /* Stroke */
  double usual;                /* px/s */
  double weight;               /* of all strokes */
  float *speed;                /* of the bow, smooth, on its grid */
  float *unrest; /* of the hand, on its grid; mean 0, variance 1 */
} Player;

typedef struct {
  double from, to;
} Span;

typedef struct {
  int id;
  List notes; /* Note */
  List f0;    /* Point */

  /* of a run */
  List onsets;    /* double, each but once */
  List sounding;  /* Span */
  List vibrating; /* Span: where the pitch of one note is known */
  float *pitch;   /* PITCH_RATE, less its drift; 0 where not known */
  size_t n_pitch;
} Part;

struct _AvmAssociate {
  List players, parts; /* Player *, Part * */
  List heard;          /* Part *: those that have notes; not owned */
  double from, to;
  AvmAssociateSettings settings;
  double *evidence; /* cues x players x parts */
  size_t n_players, n_parts;
};

static bool
list_reserve (List *list, size_t n, size_t size)
{
  size_t room = AVM_MAX (n, AVM_MAX (2 * list->room, 64));
  void *data;

  if (n <= list->room)
    return true;
  data = room > SIZE_MAX / size ? NULL : realloc (list->data, room * size);
  if (data == NULL)
    return false;
  list->data = data;
  list->room = room;
  return true;
}

static bool
list_add (List *list, const void *item, size_t size)
{
  if (!list_reserve (list, list->n + 1, size))
    return false;
  memcpy ((char *)list->data + list->n * size, item, size);
  list->n++;
  return true;
}

static void
list_clear (List *list)
{
  free (list->data);
  memset (list, 0, sizeof (*list));
}

static void
player_end_run (Player *player)
{
  avm_vibrato_track_free (player->bow);
  avm_vibrato_track_free (player->hand);
  avm_free (player->speed);
  avm_free (player->unrest);
  player->bow = player->hand = NULL;
  player->speed = player->unrest = NULL;
  player->strokes.n = 0;
  player->usual = player->weight = 0.0;
}

static void
part_end_run (Part *part)
{
  avm_free (part->pitch);
  part->pitch = NULL;
  part->n_pitch = 0;
  part->onsets.n = part->sounding.n = part->vibrating.n = 0;
}

static Player *
get_player (const AvmAssociate *a, size_t i)
{
  return ((Player **)a->players.data)[i];
}

static Part *
get_part (const AvmAssociate *a, size_t i)
{
  return ((Part **)a->parts.data)[i];
}

AvmAssociate *
avm_associate_new (void)
{
  return calloc (1, sizeof (AvmAssociate));
}

void
avm_associate_free (AvmAssociate *a)
{
  if (a == NULL)
    return;
  for (size_t i = 0; i < a->players.n; i++) {
    Player *player = get_player (a, i);

    player_end_run (player);
    for (int k = 0; k < AVM_ASSOCIATE_N_LIMBS; k++)
      list_clear (&player->rows[k]);
    list_clear (&player->strokes);
    free (player);
  }
  for (size_t i = 0; i < a->parts.n; i++) {
    Part *part = get_part (a, i);

    part_end_run (part);
    list_clear (&part->notes);
    list_clear (&part->f0);
    list_clear (&part->onsets);
    list_clear (&part->sounding);
    list_clear (&part->vibrating);
    free (part);
  }
  list_clear (&a->players);
  list_clear (&a->parts);
  list_clear (&a->heard);
  avm_free (a->evidence);
  free (a);
}

/* Both begin with their id. Finds it in the list, or puts a new one in order.
 * NULL: out of memory. */
static void *
find_or_add (List *list, int id, size_t size)
{
  void **items = list->data, *item;
  size_t at = 0;

  while (at < list->n && *(int *)items[at] < id)
    at++;
  if (at < list->n && *(int *)items[at] == id)
    return items[at];
  item = calloc (1, size);
  if (item == NULL || !list_add (list, &item, sizeof (void *))) {
    free (item);
    return NULL;
  }
  items = list->data;
  memmove (items + at + 1, items + at, (list->n - 1 - at) * sizeof (void *));
  items[at] = item;
  *(int *)item = id;
  return item;
}

bool
avm_associate_add_motion (AvmAssociate *a, int id, AvmAssociateLimb limb,
    double time, double vx, double vy, double confidence)
{
  Player *player = find_or_add (&a->players, id, sizeof (Player));
  Row row = {time, (float)vx, (float)vy,
      isnan (confidence) ? 0.0f : (float)confidence};
  List *rows;

  if (player == NULL)
    return false;
  rows = &player->rows[limb];
  if (!isfinite (time)
      || (rows->n > 0 && time <= ((Row *)rows->data)[rows->n - 1].time))
    return true;
  return list_add (rows, &row, sizeof (row));
}

bool
avm_associate_add_note (AvmAssociate *a, int id, double onset, double duration)
{
  Part *part = find_or_add (&a->parts, id, sizeof (Part));
  Note note = {onset, duration};

  if (part == NULL)
    return false;
  return !isfinite (onset) || list_add (&part->notes, &note, sizeof (note));
}

bool
avm_associate_add_f0 (
    AvmAssociate *a, int id, double time, double hz, double confidence)
{
  Part *part = find_or_add (&a->parts, id, sizeof (Part));
  Point point = {time, (float)hz, (float)confidence};
  List *f0;

  if (part == NULL)
    return false;
  f0 = &part->f0;
  if (!isfinite (time)
      || (f0->n > 0 && time <= ((Point *)f0->data)[f0->n - 1].time))
    return true;
  return list_add (f0, &point, sizeof (point));
}

void
avm_associate_forget_motion (AvmAssociate *a)
{
  for (size_t i = 0; i < a->players.n; i++)
    for (int k = 0; k < AVM_ASSOCIATE_N_LIMBS; k++)
      list_clear (&get_player (a, i)->rows[k]);
}

void
avm_associate_forget_notes (AvmAssociate *a)
{
  for (size_t i = 0; i < a->parts.n; i++)
    list_clear (&get_part (a, i)->notes);
}

void
avm_associate_forget_f0 (AvmAssociate *a)
{
  for (size_t i = 0; i < a->parts.n; i++)
    list_clear (&get_part (a, i)->f0);
}

/* All kinds of items begin with their time. */
static void
drop_items (List *list, size_t size, double time)
{
  const char *data = list->data;
  size_t n = 0;

  while (n < list->n && *(const double *)(data + n * size) < time)
    n++;
  if (n == 0)
    return;
  memmove (list->data, data + n * size, (list->n - n) * size);
  list->n -= n;
}

void
avm_associate_drop (AvmAssociate *a, double time)
{
  for (size_t i = 0; i < a->players.n; i++)
    for (int k = 0; k < AVM_ASSOCIATE_N_LIMBS; k++)
      drop_items (&get_player (a, i)->rows[k], sizeof (Row), time);
  for (size_t i = 0; i < a->parts.n; i++) {
    Part *part = get_part (a, i);
    Note *notes = part->notes.data;
    size_t n = 0;

    drop_items (&part->f0, sizeof (Point), time);
    /* in any order, and one that began before may still sound */
    for (size_t k = 0; k < part->notes.n; k++)
      if (notes[k].onset + fmax (notes[k].duration, 0.0) >= time)
        notes[n++] = notes[k];
    part->notes.n = n;
  }
}

/* -- small statistics ----------------------------------------------------- */

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Sorts values in place. */
static double
quantile (double *values, size_t n, double share)
{
  if (n == 0)
    return 0.0;
  qsort (values, n, sizeof (double), compare_doubles);
  return values[(size_t)(share * (double)(n - 1) + 0.5)];
}

static double
normal (double x, double sigma)
{
  return exp (-0.5 * x * x / (sigma * sigma)) / (sigma * sqrt (2.0 * M_PI));
}

/* Log of the likelihood ratio of a sample correlation r of n independent
 * values: true correlation `r1` against 0, by Fisher's transform. */
static double
correlation_evidence (double r, double n, double r1)
{
  double z = atanh (AVM_CLAMP (r, -0.98, 0.98)), z1 = atanh (r1);

  return n > 3.0 ? (n - 3.0) * z1 * (z - 0.5 * z1) : 0.0;
}

/* -- parts ---------------------------------------------------------------- */

static int
compare_notes (const void *a, const void *b)
{
  const Note *x = a, *y = b;

  return compare_doubles (&x->onset, &y->onset);
}

static double
note_end (const List *notes, size_t i)
{
  const Note *note = notes->data;

  if (note[i].duration > 0.0)
    return note[i].onset + note[i].duration;
  return i + 1 < notes->n ? note[i + 1].onset : note[i].onset + 0.5;
}

/* Onsets within the run, and when the part sounds */
static bool
prepare_notes (const AvmAssociate *a, Part *part)
{
  const Note *note;

  qsort (part->notes.data, part->notes.n, sizeof (Note), compare_notes);
  note = part->notes.data;
  for (size_t i = 0; i < part->notes.n; i++) {
    const double *last = part->onsets.n > 0
        ? (double *)part->onsets.data + part->onsets.n - 1
        : NULL;
    Span *sound = part->sounding.n > 0
        ? (Span *)part->sounding.data + part->sounding.n - 1
        : NULL;
    Span span = {note[i].onset, note_end (&part->notes, i)};

    if (note[i].onset >= a->from && note[i].onset < a->to
        && (last == NULL || note[i].onset - *last > ONE_ONSET)
        && !list_add (&part->onsets, &note[i].onset, sizeof (double)))
      return false;
    if (sound != NULL && span.from - sound->to < SHORT_REST)
      sound->to = fmax (sound->to, span.to);
    else if (!list_add (&part->sounding, &span, sizeof (span)))
      return false;
  }
  return true;
}

/* Cents at a time, between points that are near; NaN: not known */
static double
pitch_at (const Point *points, size_t n, double time, size_t *hint)
{
  const Point *p = points + *hint, *end = points + n;
  double share, low, high;

  while (p + 1 < end && p[1].time <= time)
    p++;
  *hint = (size_t)(p - points);
  if (p + 1 >= end || p->time > time || p[1].time - p->time > 0.05
      || !(p->hz > 0.0f) || !(p[1].hz > 0.0f))
    return NAN;
  share = (time - p->time) / (p[1].time - p->time);
  low = 100.0 * avm_hz_to_midi (p->hz);
  high = 100.0 * avm_hz_to_midi (p[1].hz);
  return fabs (high - low) < 100.0 ? low + share * (high - low) : NAN;
}

/* The pitch of one note, less its moving average: what is slow is no
 * vibrato. Work: as long as the note. */
static void
prepare_note_pitch (
    const Part *part, const double *cents, size_t first, size_t n)
{
  size_t half = (size_t)(0.5 * PITCH_AVERAGE * PITCH_RATE);

  for (size_t i = 0; i < n; i++) {
    size_t from = i > half ? i - half : 0, to = AVM_MIN (i + half, n - 1);
    double sum = 0.0;
    size_t count = 0;

    if (isnan (cents[i]))
      continue;
    for (size_t k = from; k <= to; k++)
      if (!isnan (cents[k])) {
        sum += cents[k];
        count++;
      }
    part->pitch[first + i] = (float)(cents[i] - sum / (double)count);
  }
}

static bool
prepare_pitch (const AvmAssociate *a, Part *part)
{
  const Note *note = part->notes.data;
  double *cents;
  size_t hint = 0;

  if (part->f0.n < 2)
    return true;
  part->n_pitch = (size_t)ceil ((a->to - a->from) * PITCH_RATE) + 1;
  part->pitch = avm_alloc (part->n_pitch, sizeof (float));
  cents = avm_alloc (part->n_pitch, sizeof (double));
  if (part->pitch == NULL || cents == NULL) {
    avm_free (cents);
    return false;
  }
  for (size_t i = 0; i < part->n_pitch; i++)
    cents[i] = pitch_at (
        part->f0.data, part->f0.n, a->from + (double)i / PITCH_RATE, &hint);
  for (size_t i = 0; i < part->notes.n; i++) {
    Span span = {fmax (note[i].onset + 0.05, a->from),
        fmin (note_end (&part->notes, i) - 0.03, a->to)};
    size_t first, n;

    if (span.to - span.from < MIN_NOTE)
      continue;
    first = (size_t)ceil ((span.from - a->from) * PITCH_RATE);
    n = (size_t)((span.to - span.from) * PITCH_RATE);
    prepare_note_pitch (part, cents + first, first, n);
    if (!list_add (&part->vibrating, &span, sizeof (span))) {
      avm_free (cents);
      return false;
    }
  }
  avm_free (cents);
  return true;
}

/* -- players -------------------------------------------------------------- */

/* The rows of the run on a regular grid. *track stays NULL when there are too
 * few. */
static bool
make_track (const AvmAssociate *a, const List *rows, double average,
    AvmVibratoTrack **track)
{
  const Row *row = rows->data;
  AvmVibratoSettings settings;
  AvmError error = {AVM_OK, -1, ""};

  *track = avm_vibrato_track_new ();
  if (*track == NULL)
    return false;
  for (size_t i = 0; i < rows->n; i++)
    if (row[i].time >= a->from && row[i].time < a->to
        && !avm_vibrato_track_add (
            *track, row[i].time, row[i].vx, row[i].vy, row[i].confidence))
      return false;
  avm_vibrato_settings_init (&settings);
  settings.moving_average = average;
  if (avm_vibrato_track_analyse (*track, &settings, &error))
    return true;
  avm_vibrato_track_free (*track);
  *track = NULL;
  return error.code == AVM_ERROR_EMPTY;
}

/* Whether the motion is known at a time */
static bool
known_at (const AvmVibratoTrack *track, double time)
{
  double first, interval, row;
  size_t n = avm_vibrato_track_get_curve (track, &first, &interval, NULL, NULL);

  row = floor ((time - first) / interval + 0.5);
  return row >= 0.0 && row < (double)n
      && avm_vibrato_track_get_known (track)[(size_t)row] > 0.0f;
}

static size_t
count_known (const AvmVibratoTrack *track)
{
  const float *known = avm_vibrato_track_get_known (track);
  size_t n = avm_vibrato_track_get_curve (track, NULL, NULL, NULL, NULL);
  size_t count = 0;

  for (size_t i = 0; i < n; i++)
    count += known[i] > 0.0f;
  return count;
}

static bool
usual_speed (Player *player)
{
  const float *known = avm_vibrato_track_get_known (player->bow);
  const float *velocity;
  size_t n =
      avm_vibrato_track_get_curve (player->bow, NULL, NULL, &velocity, NULL);
  double *speeds = avm_alloc (n, sizeof (double));
  size_t count = 0;

  if (speeds == NULL)
    return false;
  for (size_t i = 0; i < n; i++)
    if (known[i] > 0.0f)
      speeds[count++] = fabs (velocity[i]);
  player->usual = quantile (speeds, count, USUAL);
  avm_free (speeds);
  return true;
}

/* Mean speed over about a third of a second: a change of bow is no rest */
static bool
smooth_speed (Player *player)
{
  const float *velocity;
  double interval;
  size_t n = avm_vibrato_track_get_curve (
      player->bow, NULL, &interval, &velocity, NULL);
  size_t half = (size_t)(0.17 / interval + 0.5);

  player->speed = avm_alloc (n, sizeof (float));
  if (player->speed == NULL)
    return false;
  for (size_t i = 0; i < n; i++) {
    size_t from = i > half ? i - half : 0, to = AVM_MIN (i + half, n - 1);
    float sum = 0.0f;

    for (size_t k = from; k <= to; k++)
      sum += fabsf (velocity[k]);
    player->speed[i] = sum / (float)(to - from + 1);
  }
  return true;
}

static bool
prepare_bow (const AvmAssociate *a, Player *player)
{
  const List *rows = &player->rows[AVM_ASSOCIATE_BOW];

  if (rows->n == 0)
    rows = &player->rows[AVM_ASSOCIATE_BODY];
  if (!make_track (a, rows, BOW_AVERAGE, &player->bow))
    return false;
  return player->bow == NULL || (usual_speed (player) && smooth_speed (player));
}

/* How the hand moves, fast, whichever way: in logs, since a change of position
 * is many times larger than one of a finger */
static bool
prepare_hand (const AvmAssociate *a, Player *player)
{
  const float *velocity, *known;
  double mean = 0.0, variance = 0.0, *speeds, floor_speed;
  size_t n, count = 0;

  if (!make_track (
          a, &player->rows[AVM_ASSOCIATE_HAND], HAND_AVERAGE, &player->hand))
    return false;
  if (player->hand == NULL)
    return true;
  n = avm_vibrato_track_get_curve (player->hand, NULL, NULL, &velocity, NULL);
  known = avm_vibrato_track_get_known (player->hand);
  player->unrest = avm_alloc (n, sizeof (float));
  speeds = avm_alloc (n, sizeof (double));
  if (player->unrest == NULL || speeds == NULL) {
    avm_free (speeds);
    return false;
  }
  for (size_t i = 0; i < n; i++)
    if (known[i] > 0.0f)
      speeds[count++] = fabs (velocity[i]);
  floor_speed = quantile (speeds, count, 0.5) + 1e-6;
  avm_free (speeds);
  for (size_t i = 0; i < n; i++) {
    player->unrest[i] = logf (fabsf (velocity[i]) + (float)floor_speed);
    mean += known[i] * player->unrest[i];
  }
  mean /= (double)AVM_MAX (count, 1);
  for (size_t i = 0; i < n; i++)
    variance += known[i] * pow (player->unrest[i] - mean, 2.0);
  variance /= (double)AVM_MAX (count, 1);
  for (size_t i = 0; i < n; i++)
    player->unrest[i] = variance > 1e-12 && known[i] > 0.0f
        ? (float)((player->unrest[i] - mean) / sqrt (variance))
        : 0.0f;
  return true;
}

/* -- strokes -------------------------------------------------------------- */

/* A walk along the velocity of the bow, from stroke to stroke */
typedef struct {
  const float *v;
  double first, interval, threshold;
  int direction;   /* of the stroke now, 0 before the first */
  size_t fast;     /* last sample of it that is fast */
  double peak;     /* of the stroke now */
  double before;   /* peak of the stroke before; of a rest, none */
  double begin;    /* of the stroke now */
  bool after_rest; /* nothing was there before it */
} BowWalk;

/* Where the velocity last crossed 0, or else was slow, before sample i */
static double
begin_of_stroke (const BowWalk *walk, size_t i, int direction)
{
  size_t k = i;
  double share;

  while (k > walk->fast && k > 0 && direction * walk->v[k - 1] > 0.0f)
    k--;
  if (k == 0 || k <= walk->fast)
    return walk->first + (double)k * walk->interval;
  /* between k - 1, at most 0, and k */
  share = -walk->v[k - 1] / (walk->v[k] - walk->v[k - 1]);
  return walk->first + ((double)k - 1.0 + share) * walk->interval;
}

/* The stroke is over: how sure it is is known now. */
static bool
close_stroke (Player *player, const BowWalk *walk)
{
  double least =
      walk->after_rest ? walk->peak : fmin (walk->peak, walk->before);
  Stroke stroke = {walk->begin, AVM_MIN (least / player->usual, 1.0)};

  if (walk->direction == 0 || !known_at (player->bow, walk->begin))
    return true;
  player->weight += stroke.weight;
  return list_add (&player->strokes, &stroke, sizeof (stroke));
}

static bool
find_strokes (Player *player)
{
  BowWalk walk = {.after_rest = true};
  size_t n = avm_vibrato_track_get_curve (
      player->bow, &walk.first, &walk.interval, &walk.v, NULL);

  walk.threshold = STROKE_SPEED * player->usual;
  for (size_t i = 0; i < n; i++) {
    int direction = walk.v[i] > 0.0f ? 1 : -1;
    double speed = fabs (walk.v[i]);
    bool rested;

    if (speed < walk.threshold)
      continue;
    rested =
        walk.direction == 0 || (double)(i - walk.fast) * walk.interval > PAUSE;
    if (direction != walk.direction || rested) {
      double begin = begin_of_stroke (&walk, i, direction);

      if (!close_stroke (player, &walk))
        return false;
      walk.before = walk.peak;
      walk.after_rest = rested;
      walk.begin = begin;
      walk.direction = direction;
      walk.peak = 0.0;
    }
    walk.peak = fmax (walk.peak, speed);
    walk.fast = i;
  }
  return close_stroke (player, &walk);
}

/* Strokes per second that the part lets expect at a time */
static double
expected_rate (const Part *part, double time, double lead)
{
  const double *onsets = part->onsets.data;
  size_t low = 0, high = part->onsets.n;
  double rate = 0.0;

  while (low < high) {
    size_t middle = (low + high) / 2;

    if (onsets[middle] - lead < time - 4.0 * WIDE_SIGMA)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < part->onsets.n; low++) {
    double x = time - (onsets[low] - lead);

    if (x < -4.0 * WIDE_SIGMA)
      break;
    rate += HIT
        * ((1.0 - WIDE_SHARE) * normal (x, SIGMA)
            + WIDE_SHARE * normal (x, WIDE_SIGMA));
  }
  return rate;
}

/* Strokes as a Poisson process whose rate rises before the onsets of the part,
 * against one of constant rate. Strokes that come and onsets that are missed
 * both count. */
static double
stroke_evidence (const AvmAssociate *a, const Player *player, const Part *part)
{
  const Stroke *stroke = player->strokes.data;
  const double *onsets = part->onsets.data;
  double interval, span, constant, idle, seen = 0.0, best = -INFINITY;

  (void)a;
  if (player->bow == NULL)
    return NAN;
  avm_vibrato_track_get_curve (player->bow, NULL, &interval, NULL, NULL);
  span = (double)count_known (player->bow) * interval;
  constant = (player->weight + 1.0) / span;
  idle = IDLE_SHARE * constant;
  /* nobody can be seen to miss an onset while he is out of sight */
  for (size_t i = 0; i < part->onsets.n; i++)
    seen += known_at (player->bow, onsets[i]);
  for (int k = 0; k < N_LEADS; k++) {
    double sum = (constant - idle) * span - HIT * seen;

    for (size_t i = 0; i < player->strokes.n; i++)
      sum += stroke[i].weight
          * log ((idle + expected_rate (part, stroke[i].time, leads[k]))
              / constant);
    best = fmax (best, sum);
  }
  return best - log (N_LEADS);
}

/* -- activity ------------------------------------------------------------- */

/* 1 sounds, 0 rests, -1 between: *next is the first span that may not be over */
static int
sounds_at (const Part *part, double time, size_t *next)
{
  const Span *span = part->sounding.data;

  while (*next < part->sounding.n && span[*next].to + REST_EDGE < time)
    (*next)++;
  if (*next == part->sounding.n || time < span[*next].from - REST_EDGE)
    return 0;
  return time >= span[*next].from && time <= span[*next].to ? 1 : -1;
}

static double
moving (const Player *player, size_t i)
{
  double x = player->speed[i] / (MOVE_SPEED * player->usual);

  x = pow (x, MOVE_STEEP);
  return x / (1.0 + x);
}

/* Whether the bow moves, look by look, given whether the part sounds, against
 * how often it moves at all */
static double
activity_evidence (
    const AvmAssociate *a, const Player *player, const Part *part)
{
  const float *known;
  double first, interval, share = 0.0, sum = 0.0;
  size_t n, next = 0;

  (void)a;
  if (player->bow == NULL)
    return NAN;
  n = avm_vibrato_track_get_curve (player->bow, &first, &interval, NULL, NULL);
  known = avm_vibrato_track_get_known (player->bow);
  for (size_t i = 0; i < n; i++)
    share += known[i] * moving (player, i);
  share /= (double)AVM_MAX (count_known (player->bow), 1);
  share = AVM_CLAMP (share, MOVE_REST, MOVE_SOUND);
  for (size_t i = 0; i < n; i++) {
    double p = moving (player, i), likely;
    int sounds = sounds_at (part, first + (double)i * interval, &next);

    if (sounds < 0 || known[i] <= 0.0f)
      continue;
    likely = sounds ? MOVE_SOUND : MOVE_REST;
    sum += log ((p * likely + (1.0 - p) * (1.0 - likely))
        / (p * share + (1.0 - p) * (1.0 - share)));
  }
  return sum * interval / LOOK;
}

/* -- vibrato -------------------------------------------------------------- */

/* Correlation of displacement and pitch in one note, with the pitch this much
 * later; *n: values */
static double
note_correlation (const AvmAssociate *a, const Player *player, const Part *part,
    const Span *span, double lag, size_t *n)
{
  const float *x, *known = avm_vibrato_track_get_known (player->hand);
  double first, interval, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, from, m;
  size_t n_grid =
      avm_vibrato_track_get_curve (player->hand, &first, &interval, NULL, &x);

  *n = 0;
  from = ceil ((span->from - first) / interval - 0.5);
  for (size_t i = (size_t)fmax (from, 0.0); i < n_grid; i++) {
    double time = first + ((double)i + 0.5) * interval;
    double at = (time + lag - a->from) * PITCH_RATE;
    double f;

    if (time > span->to)
      break;
    if (known[i] <= 0.0f || at < 0.0 || at + 1.0 >= (double)part->n_pitch)
      continue;
    f = part->pitch[(size_t)(at + 0.5)];
    if (f == 0.0 || time + lag < span->from || time + lag > span->to)
      continue;
    sx += x[i];
    sy += f;
    sxx += (double)x[i] * x[i];
    syy += f * f;
    sxy += x[i] * f;
    ++*n;
  }
  m = (double)*n;
  if (*n < 8)
    return 0.0;
  sxx -= sx * sx / m;
  syy -= sy * sy / m;
  sxy -= sx * sy / m;
  return sxx > 1e-9 && syy > 1e-9 ? sxy / sqrt (sxx * syy) : 0.0;
}

/* In some of the notes the hand goes with the pitch, in the others it does
 * not. Which way the axis points, and how much later the pitch comes, is not
 * known but the same for all notes. */
static double
vibrato_evidence (const AvmAssociate *a, const Player *player, const Part *part)
{
  const Span *span = part->vibrating.data;
  double max_lag = a->settings.max_lag, best = -INFINITY, interval;
  int steps = (int)floor (max_lag / LAG_STEP + 0.01);

  if (player->hand == NULL || part->pitch == NULL)
    return NAN;
  avm_vibrato_track_get_curve (player->hand, NULL, &interval, NULL, NULL);
  for (int k = -steps; k <= steps; k++) {
    double with = 0.0, against = 0.0;

    for (size_t i = 0; i < part->vibrating.n; i++) {
      size_t n;
      double r = note_correlation (a, player, part, span + i, k * LAG_STEP, &n);
      double m = 2.0 + VIB_DOF * (double)n * interval;

      with +=
          log (1.0 - SEEN + SEEN * exp (correlation_evidence (r, m, SEEN_R)));
      against +=
          log (1.0 - SEEN + SEEN * exp (correlation_evidence (-r, m, SEEN_R)));
    }
    best = fmax (best, fmax (with, against));
  }
  return best - log (2.0 * (2.0 * steps + 1.0));
}

/* -- fingers -------------------------------------------------------------- */

static double
finger_evidence (const AvmAssociate *a, const Player *player, const Part *part)
{
  const double *onsets = part->onsets.data;
  const float *known;
  double first, interval, sy = 0.0, syy = 0.0, sxy = 0.0, m, r;
  size_t n, next = 0;

  (void)a;
  if (player->hand == NULL)
    return NAN;
  n = avm_vibrato_track_get_curve (player->hand, &first, &interval, NULL, NULL);
  known = avm_vibrato_track_get_known (player->hand);
  for (size_t i = 0; i < n; i++) {
    double time = first + (double)i * interval, y = 0.0;

    if (known[i] <= 0.0f)
      continue;
    while (next < part->onsets.n && onsets[next] + FINGER_AFTER < time)
      next++;
    if (next < part->onsets.n && time > onsets[next] - FINGER_BEFORE)
      y = 1.0;
    sy += y;
    syy += y * y;
    sxy += player->unrest[i] * y;
  }
  m = (double)AVM_MAX (count_known (player->hand), 1);
  syy -= sy * sy / m;
  /* the unrest has mean 0 and variance 1 */
  r = syy > 1e-9 ? sxy / sqrt (m * syy) : 0.0;
  return correlation_evidence (r, FINGER_DOF * m * interval, FINGER_R);
}

/* -- the run -------------------------------------------------------------- */

static void
end_run (AvmAssociate *a)
{
  for (size_t i = 0; i < a->players.n; i++)
    player_end_run (get_player (a, i));
  for (size_t i = 0; i < a->parts.n; i++)
    part_end_run (get_part (a, i));
}

/* A player who hardly moves beside the others does not bow: the noise of the
 * motion must not be taken for strokes. */
static bool
even_usual_speeds (AvmAssociate *a)
{
  double *speeds = avm_alloc (a->players.n + 1, sizeof (double)), least;
  size_t n = 0;

  if (speeds == NULL)
    return false;
  for (size_t i = 0; i < a->players.n; i++)
    if (get_player (a, i)->bow != NULL)
      speeds[n++] = get_player (a, i)->usual;
  least = fmax (LEAST_USUAL * quantile (speeds, n, 0.5), 1e-6);
  avm_free (speeds);
  for (size_t i = 0; i < a->players.n; i++)
    get_player (a, i)->usual = fmax (get_player (a, i)->usual, least);
  return true;
}

static bool
prepare (AvmAssociate *a)
{
  for (size_t i = 0; i < a->parts.n; i++) {
    Part *part = get_part (a, i);

    if (part->notes.n > 0
        && (!prepare_notes (a, part) || !prepare_pitch (a, part)))
      return false;
  }
  for (size_t i = 0; i < a->players.n; i++)
    if (!prepare_bow (a, get_player (a, i))
        || !prepare_hand (a, get_player (a, i)))
      return false;
  if (!even_usual_speeds (a))
    return false;
  for (size_t i = 0; i < a->players.n; i++)
    if (get_player (a, i)->bow != NULL && !find_strokes (get_player (a, i)))
      return false;
  return true;
}

static bool
list_heard (AvmAssociate *a)
{
  a->heard.n = 0;
  for (size_t i = 0; i < a->parts.n; i++) {
    Part *part = get_part (a, i);

    if (part->notes.n > 0 && !list_add (&a->heard, &part, sizeof (part)))
      return false;
  }
  return true;
}

static void
weigh (AvmAssociate *a)
{
  static double (*const cues[]) (
      const AvmAssociate *, const Player *, const Part *) = {
      stroke_evidence, activity_evidence, vibrato_evidence, finger_evidence};
  size_t at = 0;

  for (int cue = 0; cue < AVM_ASSOCIATE_N_CUES; cue++)
    for (size_t i = 0; i < a->n_players; i++)
      for (size_t k = 0; k < a->n_parts; k++)
        a->evidence[at++] = a->settings.weights[cue] == 0.0
            ? NAN
            : cues[cue](a, get_player (a, i), ((Part **)a->heard.data)[k]);
}

static bool
has_motion (const AvmAssociate *a)
{
  for (size_t i = 0; i < a->players.n; i++)
    if (get_player (a, i)->bow != NULL || get_player (a, i)->hand != NULL)
      return true;
  return false;
}

bool
avm_associate_run (AvmAssociate *a, const AvmAssociateSettings *settings,
    double from, double to, AvmError *error)
{
  bool ok;

  a->settings = *settings;
  a->from = from;
  a->to = to;
  a->n_players = a->n_parts = 0;
  if (!list_heard (a))
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory");
  if (a->players.n == 0 || a->heard.n == 0 || !(to > from)
      || to - from > 86400.0)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1,
        "%zu players, %zu parts with notes", a->players.n, a->heard.n);
  avm_free (a->evidence);
  a->evidence = avm_alloc (
      AVM_ASSOCIATE_N_CUES * a->players.n * a->heard.n, sizeof (double));
  ok = a->evidence != NULL && prepare (a);
  if (!ok) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1,
        "no memory for %zu players and %zu parts", a->players.n, a->heard.n);
  } else if (!has_motion (a)) {
    ok = avm_error_set (
        error, AVM_ERROR_EMPTY, -1, "the motion of no player is known");
  } else {
    a->n_players = a->players.n;
    a->n_parts = a->heard.n;
    weigh (a);
  }
  end_run (a);
  return ok;
}

double
avm_associate_evidence (
    const AvmAssociate *a, AvmAssociateCue cue, size_t player, size_t part)
{
  if (player >= a->n_players || part >= a->n_parts)
    return NAN;
  return a->evidence[((size_t)cue * a->n_players + player) * a->n_parts + part];
}

double
avm_associate_sum (const AvmAssociate *a, size_t player, size_t part)
{
  double sum = NAN;

  for (int cue = 0; cue < AVM_ASSOCIATE_N_CUES; cue++) {
    double one = avm_associate_evidence (a, cue, player, part);

    if (!isnan (one))
      sum = (isnan (sum) ? 0.0 : sum) + a->settings.weights[cue] * one;
  }
  return sum;
}

size_t
avm_associate_n_players (const AvmAssociate *a)
{
  return a->players.n;
}

static size_t
count_heard (const AvmAssociate *a)
{
  size_t n = 0;

  for (size_t i = 0; i < a->parts.n; i++)
    n += get_part (a, i)->notes.n > 0;
  return n;
}

size_t
avm_associate_n_parts (const AvmAssociate *a)
{
  return count_heard (a);
}

int
avm_associate_player (const AvmAssociate *a, size_t index)
{
  return get_player (a, index)->id;
}

int
avm_associate_part (const AvmAssociate *a, size_t index)
{
  for (size_t i = 0; i < a->parts.n; i++)
    if (get_part (a, i)->notes.n > 0 && index-- == 0)
      return get_part (a, i)->id;
  return -1;
}
