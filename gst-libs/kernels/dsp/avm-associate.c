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

/* Slower motion than this (s) is the body's, not the bow's. */
#define BOW_AVERAGE 8.0
#define HAND_AVERAGE (10.0 * 1001.0 / 30000.0)

/* The sway of the body is the motion of the fingering hand, smoothed over this
 * many rows to both sides. */
#define SWAY_ROWS 2

/* A stroke counts when it is this fast, against the player's usual speed. */
#define STROKE_SPEED 0.15
/* Usual speed: a quantile; but at least this share of the median player's. */
#define USUAL 0.8
#define LEAST_USUAL 0.2
/* Somebody whose usual speed is below this share of the median player's is as
 * likely no player; steepness, and how often a player is as still all the same
 * (the bow was out of sight). */
#define STILL 0.25
#define STILL_STEEP 4.0
#define STILL_PLAYER 0.01
/* After this long without a stroke (s) the next one begins anew. */
#define PAUSE 0.15
/* Onsets that are nearer than this (s) are one. */
#define ONE_ONSET 0.06
/* Of the onsets a share of `hits` begins with a stroke that is seen, `leads` (s)
 * before; give or take, and some much more. How many and when exactly differs
 * from player to player. */
#define N_HITS 4
static const double hits[N_HITS] = {0.15, 0.35, 0.6, 0.85};
#define SIGMA 0.03
#define WIDE_SIGMA 0.1
#define WIDE_SHARE 0.15
#define N_LEADS 3
static const double leads[N_LEADS] = {0.005, 0.025, 0.045};
/* Strokes without an onset are never fewer than this share of all. */
#define LEAST_IDLE 0.05

/* Speed of the bow, against the usual, at which it is as likely in use as not;
 * steepness; how much higher the odds are that it moves while the part sounds
 * than while it rests; how long one look takes (s): what is seen within is one
 * piece of evidence. */
#define MOVE_SPEED 0.22
#define MOVE_STEEP 3.0
#define N_ODDS 3
static const double odds[N_ODDS] = {2.0, 6.0, 25.0};
#define LOOK 0.35
/* A rest between notes that is shorter (s) says nothing. */
#define SHORT_REST 1.0
#define REST_EDGE 0.3

/* Vibrato: shares of notes in which it can be seen, correlation then, and
 * independent values per second */
#define PITCH_RATE 100.0
#define PITCH_AVERAGE 0.32
#define MIN_NOTE 0.3
#define N_SEEN 4
static const double seen_shares[N_SEEN] = {0.02, 0.15, 0.4, 0.75};
#define SEEN_R 0.7
#define VIB_DOF 5.0
#define LAG_STEP 0.02
#define MAX_LAGS 21

/* Fingers: the hand moves in this stretch about an onset (s); correlations of
 * its speed with that, and independent values per second */
#define FINGER_BEFORE 0.16
#define FINGER_AFTER 0.02
#define N_FINGER_R 3
static const double finger_r[N_FINGER_R] = {0.05, 0.15, 0.3};
#define FINGER_DOF 5.0

void
avm_associate_settings_init (AvmAssociateSettings *settings)
{
  settings->max_lag = 0.06;
  settings->weights[AVM_ASSOCIATE_STROKES] = 0.75;
  settings->weights[AVM_ASSOCIATE_ACTIVITY] = 0.5;
  settings->weights[AVM_ASSOCIATE_VIBRATO] = 2.0;
  settings->weights[AVM_ASSOCIATE_FINGERS] = 1.5;
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
  bool body;                   /* the whole player stands in for the bow */
  double usual;                /* px/s */
  double level;                /* nats: bows at all, beside the others */
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

/* Sorts values in place. */
static double
quantile (double *values, size_t n, double share)
{
  if (n == 0)
    return 0.0;
  qsort (values, n, sizeof (double), avm_compare_doubles);
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

/* Log of the mean of n likelihoods that are given as logs: what is not known
 * and differs from player to player is averaged over. */
static double
mean_likelihood (const double *logs, size_t n)
{
  double high = -INFINITY, sum = 0.0;

  for (size_t i = 0; i < n; i++)
    high = fmax (high, logs[i]);
  for (size_t i = 0; i < n; i++)
    sum += exp (logs[i] - high);
  return high + log (sum / (double)n);
}

/* -- parts ---------------------------------------------------------------- */

static int
compare_notes (const void *a, const void *b)
{
  const Note *x = a, *y = b;

  return avm_compare_doubles (&x->onset, &y->onset);
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
row_known (const Row *row)
{
  return isfinite (row->vx) && isfinite (row->vy) && row->confidence > 0.0f;
}

/* Rows of the run whose motion is known */
static size_t
known_rows (const AvmAssociate *a, const List *rows)
{
  const Row *row = rows->data;
  size_t n = 0;

  for (size_t i = 0; i < rows->n; i++)
    n += row[i].time >= a->from && row[i].time < a->to && row_known (&row[i]);
  return n;
}

/* Mean velocity of the rows of the run near row i, in x[0..1]; a 1 in x[2] */
static bool
slow_velocity (const AvmAssociate *a, const List *rows, size_t i, double x[3])
{
  const Row *row = rows->data;
  size_t from = i > SWAY_ROWS ? i - SWAY_ROWS : 0;
  size_t to = AVM_MIN (i + SWAY_ROWS, rows->n - 1), n = 0;

  x[0] = x[1] = 0.0;
  x[2] = 1.0;
  for (size_t k = from; k <= to; k++)
    if (row_known (&row[k]) && row[k].time >= a->from && row[k].time < a->to) {
      x[0] += row[k].vx;
      x[1] += row[k].vy;
      n++;
    }
  if (n == 0 || !row_known (&row[i]))
    return false;
  x[0] /= (double)n;
  x[1] /= (double)n;
  return true;
}

/* Solves the 3 x 3 system g a = v by elimination; false: singular. */
static bool
solve_3 (double g[3][3], double v[3])
{
  for (int i = 0; i < 3; i++) {
    if (!(g[i][i] > 1e-9))
      return false;
    for (int k = i + 1; k < 3; k++) {
      double f = g[k][i] / g[i][i];

      for (int c = i; c < 3; c++)
        g[k][c] -= f * g[i][c];
      v[k] -= f * v[i];
    }
  }
  for (int i = 2; i >= 0; i--) {
    for (int c = i + 1; c < 3; c++)
      v[i] -= g[i][c] * v[c];
    v[i] /= g[i][i];
  }
  return true;
}

/* Row i of `rows`, and the slow velocity of the other hand then: *at walks
 * along its rows. */
static bool
pair_rows (const AvmAssociate *a, const List *rows, size_t i, const List *hand,
    size_t *at, double x[3])
{
  const Row *row = (const Row *)rows->data + i, *other = hand->data;

  if (row->time < a->from || row->time >= a->to || !row_known (row))
    return false;
  while (*at < hand->n && other[*at].time < row->time - 1e-4)
    ++*at;
  return *at < hand->n && other[*at].time < row->time + 1e-4
      && slow_velocity (a, hand, *at, x);
}

/* How the motion of these rows follows from the slow motion of the fingering
 * hand, by least squares: both sway with the body. gain: of vx and of vy.
 * False: it is not known. */
static bool
fit_sway (const AvmAssociate *a, const List *rows, const List *hand,
    double gain[2][3])
{
  double g[2][3][3] = {{{0.0}}}, x[3];
  size_t at = 0, n = 0;

  memset (gain, 0, 6 * sizeof (double));
  for (size_t i = 0; i < rows->n; i++) {
    const Row *row = (const Row *)rows->data + i;

    if (!pair_rows (a, rows, i, hand, &at, x))
      continue;
    n++;
    for (int r = 0; r < 3; r++) {
      gain[0][r] += x[r] * row->vx;
      gain[1][r] += x[r] * row->vy;
      for (int c = 0; c < 3; c++)
        g[0][r][c] += x[r] * x[c];
    }
  }
  memcpy (g[1], g[0], sizeof (g[0]));
  return n >= 30 && solve_3 (g[0], gain[0]) && solve_3 (g[1], gain[1]);
}

/* A copy of the rows without the sway; where that is not known, as they are. */
static bool
remove_sway (
    const AvmAssociate *a, const List *rows, const List *hand, List *still)
{
  double gain[2][3], x[3];
  bool known = fit_sway (a, rows, hand, gain);
  size_t at = 0;

  for (size_t i = 0; i < rows->n; i++) {
    Row row = ((const Row *)rows->data)[i];

    if (row.time < a->from || row.time >= a->to)
      continue;
    if (known && pair_rows (a, rows, i, hand, &at, x)) {
      for (int c = 0; c < 3; c++) {
        row.vx -= (float)(gain[0][c] * x[c]);
        row.vy -= (float)(gain[1][c] * x[c]);
      }
    }
    if (!list_add (still, &row, sizeof (row)))
      return false;
  }
  return true;
}

/* The bowing hand, or where it was mostly lost the whole player */
static bool
prepare_bow (const AvmAssociate *a, Player *player)
{
  const List *rows = &player->rows[AVM_ASSOCIATE_BOW];
  const List *body = &player->rows[AVM_ASSOCIATE_BODY];
  List still = {NULL, 0, 0};
  bool ok;

  player->body = 2 * known_rows (a, rows) < known_rows (a, body);
  if (player->body)
    rows = body;
  ok = remove_sway (a, rows, &player->rows[AVM_ASSOCIATE_HAND], &still)
      && make_track (a, &still, BOW_AVERAGE, &player->bow);
  list_clear (&still);
  if (!ok)
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

/* Onsets of the part per second about a time, each spread over when its stroke
 * may begin */
static double
onset_density (const Part *part, double time, double lead)
{
  const double *onsets = part->onsets.data;
  size_t low = 0, high = part->onsets.n;
  double density = 0.0;

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
    density += (1.0 - WIDE_SHARE) * normal (x, SIGMA)
        + WIDE_SHARE * normal (x, WIDE_SIGMA);
  }
  return density;
}

/* Strokes as a Poisson process whose rate rises before the onsets of the part,
 * against one of constant rate. Strokes that come and onsets that are missed
 * both count. */
static double
stroke_evidence (const AvmAssociate *a, const Player *player, const Part *part)
{
  const Stroke *stroke = player->strokes.data;
  const double *onsets = part->onsets.data;
  double interval, span, all, seen = 0.0, logs[N_LEADS * N_HITS] = {0.0};

  (void)a;
  if (player->bow == NULL)
    return NAN;
  avm_vibrato_track_get_curve (player->bow, NULL, &interval, NULL, NULL);
  span = (double)count_known (player->bow) * interval;
  all = player->weight + 1.0;
  /* nobody can be seen to miss an onset while he is out of sight */
  for (size_t i = 0; i < part->onsets.n; i++)
    seen += known_at (player->bow, onsets[i]);
  for (int k = 0; k < N_LEADS; k++)
    for (size_t i = 0; i < player->strokes.n; i++) {
      double density = onset_density (part, stroke[i].time, leads[k]);

      for (int h = 0; h < N_HITS; h++) {
        double idle = fmax (all - hits[h] * seen, LEAST_IDLE * all);

        logs[k * N_HITS + h] +=
            stroke[i].weight * log ((idle + hits[h] * density * span) / all);
      }
    }
  for (int i = 0; i < N_LEADS * N_HITS; i++) {
    double hit = hits[i % N_HITS] * seen;

    logs[i] += all - hit - fmax (all - hit, LEAST_IDLE * all);
  }
  /* to be still says nothing while the part rests */
  return mean_likelihood (logs, N_LEADS * N_HITS)
      + player->level * seen / (seen + 2.0);
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

/* What a walk over the bow's motion finds: how often it moves while the part
 * sounds and while it rests, and how often one cannot say */
typedef struct {
  double moves[2], looks[2]; /* rests, sounds */
} Activity;

/* How often the bow moves in rests, so that with these odds it moves as often
 * as it does in all */
static double
moves_in_rests (const Activity *seen, double ratio)
{
  double all = seen->looks[0] + seen->looks[1];
  double share = (seen->moves[0] + seen->moves[1]) / all;
  double sounds = seen->looks[1] / all, low = 0.0, high = 1.0;

  for (int i = 0; i < 40; i++) {
    double rest = 0.5 * (low + high);
    double sound = rest * ratio / (1.0 - rest + rest * ratio);

    if (sounds * sound + (1.0 - sounds) * rest < share)
      low = rest;
    else
      high = rest;
  }
  return 0.5 * (low + high);
}

static double
activity_likelihood (const Activity *seen, double ratio)
{
  double all = seen->looks[0] + seen->looks[1], sum = 0.0;
  double share =
      AVM_CLAMP ((seen->moves[0] + seen->moves[1]) / all, 1e-3, 1.0 - 1e-3);
  double p[2];

  p[0] = AVM_CLAMP (moves_in_rests (seen, ratio), 1e-4, 1.0 - 1e-4);
  p[1] = p[0] * ratio / (1.0 - p[0] + p[0] * ratio);
  for (int k = 0; k < 2; k++)
    sum += seen->moves[k] * log (p[k] / share)
        + (seen->looks[k] - seen->moves[k])
            * log ((1.0 - p[k]) / (1.0 - share));
  return sum;
}

/* Whether the bow moves, look by look, given whether the part sounds, against
 * the same share of moving at any time */
static double
activity_evidence (
    const AvmAssociate *a, const Player *player, const Part *part)
{
  Activity seen = {{0.0, 0.0}, {0.0, 0.0}};
  const float *known;
  double first, interval, logs[N_ODDS];
  size_t n, next = 0;

  (void)a;
  if (player->bow == NULL)
    return NAN;
  n = avm_vibrato_track_get_curve (player->bow, &first, &interval, NULL, NULL);
  known = avm_vibrato_track_get_known (player->bow);
  for (size_t i = 0; i < n; i++) {
    int sounds = sounds_at (part, first + (double)i * interval, &next);

    if (sounds < 0 || known[i] <= 0.0f)
      continue;
    seen.moves[sounds] += moving (player, i) * interval / LOOK;
    seen.looks[sounds] += interval / LOOK;
  }
  if (seen.looks[0] + seen.looks[1] <= 0.0)
    return 0.0;
  for (int i = 0; i < N_ODDS; i++)
    logs[i] = activity_likelihood (&seen, odds[i]);
  return mean_likelihood (logs, N_ODDS);
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
  double max_lag = a->settings.max_lag, interval;
  double logs[2 * MAX_LAGS * N_SEEN] = {0.0};
  int steps = (int)floor (max_lag / LAG_STEP + 0.01), at = 0;

  if (player->hand == NULL || part->pitch == NULL)
    return NAN;
  avm_vibrato_track_get_curve (player->hand, NULL, &interval, NULL, NULL);
  for (int k = -steps; k <= steps; k++) {
    for (size_t i = 0; i < part->vibrating.n; i++) {
      size_t n;
      double r = note_correlation (a, player, part, span + i, k * LAG_STEP, &n);
      double m = 2.0 + VIB_DOF * (double)n * interval;
      double with = exp (correlation_evidence (r, m, SEEN_R));
      double against = exp (correlation_evidence (-r, m, SEEN_R));

      for (int s = 0; s < N_SEEN; s++) {
        double share = seen_shares[s];

        logs[at + s] += log (1.0 - share + share * with);
        logs[at + N_SEEN + s] += log (1.0 - share + share * against);
      }
    }
    at += 2 * N_SEEN;
  }
  return mean_likelihood (logs, (size_t)at);
}

/* -- fingers -------------------------------------------------------------- */

static double
finger_evidence (const AvmAssociate *a, const Player *player, const Part *part)
{
  const double *onsets = part->onsets.data;
  const float *known;
  double first, interval, sy = 0.0, syy = 0.0, sxy = 0.0, m, r;
  double logs[N_FINGER_R];
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
  for (int i = 0; i < N_FINGER_R; i++)
    logs[i] = correlation_evidence (r, FINGER_DOF * m * interval, finger_r[i]);
  return mean_likelihood (logs, N_FINGER_R);
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

/* Of those of whom the same is seen */
static double
median_usual (const AvmAssociate *a, bool body, double *speeds)
{
  size_t n = 0;

  for (size_t i = 0; i < a->players.n; i++) {
    const Player *player = get_player (a, i);

    if (player->bow != NULL && player->body == body)
      speeds[n++] = player->usual;
  }
  return quantile (speeds, n, 0.5);
}

/* Who hardly moves beside the others does not bow, and the noise of the motion
 * must not be taken for strokes. */
static bool
compare_usual_speeds (AvmAssociate *a)
{
  double *speeds = avm_alloc (a->players.n + 1, sizeof (double));
  double median[2];

  if (speeds == NULL)
    return false;
  median[0] = median_usual (a, false, speeds);
  median[1] = median_usual (a, true, speeds);
  avm_free (speeds);
  for (size_t i = 0; i < a->players.n; i++) {
    Player *player = get_player (a, i);
    double usual = median[player->body];
    double x =
        usual > 0.0 ? pow (player->usual / (STILL * usual), STILL_STEEP) : 1.0;

    player->level = log (STILL_PLAYER + (1.0 - STILL_PLAYER) * x / (1.0 + x));
    player->usual = fmax (player->usual, fmax (LEAST_USUAL * usual, 1e-6));
  }
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
  if (!compare_usual_speeds (a))
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
