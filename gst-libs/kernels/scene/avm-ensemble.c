/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-ensemble.h"
#include "scene/avm-scorebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECONDS 36000.0
#define WARP_STEP 0.05        /* s of score time */
#define CONTIGUOUS 0.06       /* s: no rest between notes closer than this */
#define CHORD 0.03            /* s: onsets this close are one chord */
#define VIBRATO_SHORTEST 0.5  /* s */
#define VIBRATO_FADE 0.07     /* s before the end of the note */
#define LONGEST_MEASURED 10.0 /* s */
#define LONGEST_STROKE 3.2    /* s */

typedef struct {
  double t0, t1;     /* s */
  double p0, p1;     /* along the bow */
  double rise, fall; /* s, ramps of the speed */
  double speed;      /* between the ramps, bow lengths per s, signed */
} Stroke;

typedef struct {
  AvmPlayer info;
  int index; /* in the order of parts */
  uint64_t key;
  AvmRng rng;
  AvmPerformedNote *notes; /* only while the performance is made */
  size_t n_notes;
  const AvmPerformedNote **line; /* top notes of chords, by onset */
  size_t n_line;
  Stroke *strokes;
  size_t n_strokes;
  double sway_amp[3], sway_hz[3], sway_phase[3];
  double nod_hz, nod_phase;
  double rate, extent; /* of the player's vibrato, means */
} Player;

struct AvmEnsemble {
  AvmEnsembleConfig config;
  double duration;
  int n_players;
  Player players[AVM_ENSEMBLE_MAX_PLAYERS]; /* by seat */
  AvmPerformedNote *notes;
  size_t n_notes;
  AvmActivity *activities;
  size_t n_activities;
};

typedef struct {
  double *time; /* s of performance at multiples of WARP_STEP */
  size_t n;
} Warp;

/* splitmix64 */
static uint64_t
hash (uint64_t x)
{
  x += UINT64_C (0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static double
lattice (uint64_t key, int64_t i)
{
  return (double)(hash (key ^ hash ((uint64_t)i)) >> 11) * 0x1p-52 - 1.0;
}

double
avm_ensemble_noise (uint64_t key, double x)
{
  double f = floor (x), u = x - f;
  int64_t i = (int64_t)f;
  double a = lattice (key, i - 1), b = lattice (key, i);
  double c = lattice (key, i + 1), d = lattice (key, i + 2);

  /* Catmull-Rom: passes through the values, smooth in speed */
  return b
      + 0.5 * u
      * (c - a
          + u
              * (2.0 * a - 5.0 * b + 4.0 * c - d
                  + u * (3.0 * (b - c) + d - a)));
}

static double
smoothstep (double x)
{
  x = AVM_CLAMP (x, 0.0, 1.0);
  return x * x * (3.0 - 2.0 * x);
}

void
avm_ensemble_config_init (AvmEnsembleConfig *config)
{
  memset (config, 0, sizeof (*config));
  config->n_players = 4;
  config->tempo_fluctuation = 0.04;
  config->asynchrony = 0.012;
  config->vibrato_share = 0.6;
  config->tuning = 442.0;
  config->sway = 1.0;
  config->lead_in = 0.8;
}

/* -- time ---------------------------------------------------------------- */

static bool
warp_init (Warp *warp, const AvmScore *score, const AvmEnsembleConfig *config)
{
  double end = score->duration, swing = config->tempo_fluctuation;
  uint64_t key = hash (config->seed ^ UINT64_C (0x7e3a90));

  warp->n = (size_t)ceil (end / WARP_STEP) + 2;
  warp->time = calloc (warp->n, sizeof (double));
  if (warp->time == NULL)
    return false;
  warp->time[0] = config->lead_in;
  for (size_t i = 1; i < warp->n; i++) {
    double t = ((double)i - 0.5) * WARP_STEP;
    double slow = avm_ensemble_noise (key, t / 7.0) * 1.4
        + avm_ensemble_noise (key + 1, t / 2.3);
    double late = AVM_CLAMP ((t - end + 3.0) / 3.0, 0.0, 1.0);

    warp->time[i] = warp->time[i - 1]
        + WARP_STEP * exp (swing * slow) * (1.0 + 2.0 * swing * late * late);
  }
  return true;
}

static double
warp_time (const Warp *warp, double score_time)
{
  double x = score_time / WARP_STEP;
  size_t i = (size_t)AVM_CLAMP (x, 0.0, (double)(warp->n - 2));

  return warp->time[i] + (warp->time[i + 1] - warp->time[i]) * (x - (double)i);
}

/* -- players ------------------------------------------------------------- */

/* Who sits where: any order but that of the parts. */
static void
draw_seats (uint64_t seed, int n, int *seats)
{
  AvmRng rng;
  bool in_order = true;

  avm_rng_init (&rng, seed, 7);
  while (in_order) {
    for (int i = 0; i < n; i++)
      seats[i] = i;
    for (int i = n - 1; i > 0; i--) {
      int j = (int)(avm_rng_u32 (&rng) % (uint32_t)(i + 1));
      int swap = seats[i];

      seats[i] = seats[j];
      seats[j] = swap;
    }
    in_order = n > 1;
    for (int i = 0; i < n; i++)
      in_order = in_order && seats[i] == i;
  }
}

static void
player_init (Player *p, const AvmEnsembleConfig *config, const AvmScore *score,
    int index, int part)
{
  static const double share[3] = {0.6, 0.28, 0.12};
  static const double hz[4] = {0.2, 0.5, 0.9, 1.5};
  AvmRng *rng = &p->rng;

  avm_rng_init (rng, config->seed, 100 + (uint64_t)index);
  p->index = index;
  p->key = hash (config->seed * 64 + (uint64_t)index);
  p->info.part = part;
  p->info.instrument = avm_scorebook_instrument (score, part);
  p->info.hand_lag = avm_rng_range (rng, -0.02, 0.02);
  p->info.sound_lag = avm_rng_range (rng, 0.016, 0.034);
  p->info.sway_px =
      5.0 * exp (avm_rng_uniform (rng) * log (8.0)) * config->sway;
  for (int i = 0; i < 3; i++) {
    p->sway_amp[i] = share[i] * p->info.sway_px;
    p->sway_hz[i] = avm_rng_range (rng, hz[i], hz[i + 1]);
    p->sway_phase[i] = avm_rng_range (rng, 0.0, 2.0 * M_PI);
  }
  p->nod_hz = avm_rng_range (rng, 0.2, 0.8);
  p->nod_phase = avm_rng_range (rng, 0.0, 2.0 * M_PI);
  p->rate = avm_rng_range (rng, 5.5, 7.2);
  p->extent = avm_rng_range (rng, 32.0, 60.0);
  p->info.roll_px =
      2.0 * 0.65 * exp (avm_rng_uniform (rng) * log (3.0)) / p->extent;
}

static int
compare_notes (const void *pa, const void *pb)
{
  const AvmPerformedNote *a = pa, *b = pb;

  if (a->onset != b->onset)
    return a->onset < b->onset ? -1 : 1;
  if (a->part != b->part)
    return a->part - b->part;
  if (a->seat != b->seat)
    return a->seat - b->seat;
  return a->pitch - b->pitch;
}

static bool
player_read_part (
    Player *p, const AvmScore *score, int seat, const AvmEnsembleConfig *config)
{
  size_t n = 0;

  for (size_t i = 0; i < score->n_notes; i++)
    n += score->notes[i].part == p->info.part;
  p->notes = calloc (AVM_MAX (n, 1), sizeof (AvmPerformedNote));
  if (p->notes == NULL)
    return false;
  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *written = &score->notes[i];
    AvmPerformedNote *note = &p->notes[p->n_notes];

    if (written->part != p->info.part)
      continue;
    note->onset = written->onset;
    note->duration = written->duration;
    note->pitch = written->pitch;
    note->velocity = AVM_CLAMP (written->velocity, 1, 127);
    note->part = written->part;
    note->score_onset = written->onset;
    note->score_duration = written->duration;
    note->score_beat = written->onset_beat;
    note->seat = seat;
    note->key = hash (p->key ^ hash (p->n_notes + 1));
    note->hz = config->tuning
        * exp2 (
            (written->pitch - 69.0 + avm_rng_normal (&p->rng) * 0.05) / 12.0);
    p->n_notes++;
  }
  return true;
}

/* Score time to performance time, with the player's own earliness, and who
 * is to hold on to the next note. The score is sorted, so a player's notes
 * are, and stay so because chords share one offset. */
static void
player_place_notes (
    Player *p, const Warp *warp, const AvmEnsembleConfig *config)
{
  double offset = 0.0, last = -1.0;

  for (size_t i = 0; i < p->n_notes; i++) {
    AvmPerformedNote *note = &p->notes[i];
    double written = note->onset, end = written + note->duration;

    if (i == 0 || written - last > CHORD) {
      offset = config->asynchrony
          * (1.4 * avm_ensemble_noise (p->key + 11, written / 4.0)
              + 0.6 * AVM_CLAMP (avm_rng_normal (&p->rng), -2.5, 2.5));
      last = written;
    }
    note->onset = fmax (warp_time (warp, written) + offset, 0.05);
    if (i > 0)
      note->onset = fmax (note->onset, p->notes[i - 1].onset);
    note->duration = warp_time (warp, end) + offset - note->onset;
  }
}

/* Legato holds the note until the next begins, otherwise it ends early. */
static void
player_articulate (Player *p, double end_of_all)
{
  size_t n = 0;

  for (size_t i = 0; i < p->n_notes; i++) {
    AvmPerformedNote *note = &p->notes[i];
    double u = avm_rng_uniform (&p->rng);
    size_t next = i + 1;

    while (next < p->n_notes && p->notes[next].onset - note->onset < CHORD)
      next++;
    if (next < p->n_notes) {
      double room = p->notes[next].onset - note->onset;

      if (fabs (note->duration - room) < CONTIGUOUS)
        note->duration =
            u < 0.72 ? room : room * (0.65 + 0.4 * (1.0 - u) + 0.2);
    }
    note->duration = fmax (note->duration, 0.06);
    if (note->onset + 0.1 >= end_of_all)
      continue;
    note->duration = fmin (note->duration, end_of_all - note->onset);
    p->notes[n++] = *note;
  }
  p->n_notes = n;
}

/* -- left hand ----------------------------------------------------------- */

typedef struct {
  int string, position; /* semitones of the first finger above the nut */
  int offset;           /* semitones of the note above the open string */
  double cost;
} Fingering;

static int
hand_reach (AvmInstrument instrument)
{
  static const int reach[4] = {5, 5, 4, 3};

  return reach[instrument];
}

static Fingering
try_string (
    const Fingering *before, AvmInstrument instrument, int string, int offset)
{
  int reach = hand_reach (instrument);
  Fingering f = {
      .string = string, .position = before->position, .offset = offset};

  if (offset > 0 && offset < f.position)
    f.position = offset;
  if (offset > f.position + reach)
    f.position = offset - reach;
  f.cost = abs (f.position - before->position) * 0.6
      + abs (string - before->string) * 0.6 + f.position * 0.07
      + fmax (0.0, offset - 14.0) * 0.4;
  return f;
}

static Fingering
choose_fingering (Player *p, const Fingering *before, int pitch, double length)
{
  AvmInstrument instrument = p->info.instrument;
  Fingering best = *before;

  best.cost = INFINITY;
  for (int s = 0; s < 4; s++) {
    int offset = pitch - avm_scorebook_open_string (instrument, s);
    Fingering f;

    /* below the lowest string: as if it were tuned down */
    if (offset < 0 && s > 0)
      break;
    f = try_string (before, instrument, s, AVM_MAX (offset, 0));
    f.cost += avm_rng_uniform (&p->rng) * 1.2;
    if (offset <= 0)
      f.cost += length > 0.7 ? 2.5 : 0.5;
    if (f.cost < best.cost)
      best = f;
  }
  return best;
}

static void
player_finger (Player *p)
{
  Fingering hand = {.string = 1, .position = 2};

  for (size_t i = 0; i < p->n_notes; i++) {
    AvmPerformedNote *note = &p->notes[i];
    double reach = hand_reach (p->info.instrument), up;

    hand = choose_fingering (p, &hand, note->pitch, note->duration);
    note->string = hand.string;
    note->open = hand.offset == 0;
    up = note->open ? 0.0 : hand.offset - hand.position;
    note->finger = AVM_CLAMP (up / reach, 0.0, 1.0);
    /* the hand leans towards the finger that is down */
    note->neck = AVM_CLAMP (
        2.0 * (1.0 - exp2 (-(hand.position + 0.35 * up) / 12.0)), 0.0, 1.5);
  }
}

/* -- vibrato ------------------------------------------------------------- */

static double
vibrato_envelope (const AvmPerformedNote *note, double since)
{
  return smoothstep ((since - note->delay) / note->ramp)
      * smoothstep ((note->duration - since) / VIBRATO_FADE);
}

static double
vibrato_phase (const AvmPerformedNote *note, double since)
{
  double t = since - note->delay;

  return note->phase_0
      + 2.0 * M_PI * t * (note->rate_0 + 0.5 * note->rate_slope * t)
      + note->rate_wobble * sin (2.0 * M_PI * 0.9 * t + note->phase_0 * 3.0);
}

double
avm_ensemble_vibrato_cents (const AvmPerformedNote *note, double time)
{
  double since = time - note->onset, phase;

  if (!note->vibrato || since < note->delay || since >= note->duration)
    return 0.0;
  phase = vibrato_phase (note, since);
  return 0.5 * note->extent_0 * vibrato_envelope (note, since)
      * (1.0 + 0.2 * avm_ensemble_noise (note->key + 1, since * 1.3))
      * (sin (phase) + 0.06 * sin (2.0 * phase + 1.0));
}

/* The truth is measured on the curve as it is: the mean distance between
 * neighbouring extrema, and the phase that passes, while the vibrato is at
 * half its strength or more. False when that is less than a cycle. */
static bool
measure_vibrato (AvmPerformedNote *note)
{
  const double step = 0.002;
  double from = note->onset + note->delay + 0.5 * note->ramp;
  double to = note->onset + note->duration - 0.5 * VIBRATO_FADE;
  double y0 = 0.0, y1 = 0.0, before = NAN, sum = 0.0;
  int n = 0;

  to = fmin (to, from + LONGEST_MEASURED);
  for (double t = from; t < to; t += step) {
    double y2 = avm_ensemble_vibrato_cents (note, t);

    if (t > from + step && (y1 - y0) * (y2 - y1) < 0.0) {
      if (!isnan (before)) {
        sum += fabs (y1 - before);
        n++;
      }
      before = y1;
    }
    y0 = y1;
    y1 = y2;
  }
  if (n < 2)
    return false;
  note->vibrato_onset = from;
  note->extent = sum / n;
  note->rate = (vibrato_phase (note, to - note->onset)
                   - vibrato_phase (note, from - note->onset))
      / (2.0 * M_PI * (to - from));
  return note->extent >= 20.0 && note->extent <= 80.0 && note->rate >= 5.0
      && note->rate <= 8.0;
}

static void
draw_vibrato (Player *p, AvmPerformedNote *note)
{
  AvmRng *rng = &p->rng;
  double rate = p->rate + 0.4 * avm_rng_normal (rng), factor;

  note->delay = avm_rng_range (rng, 0.05, AVM_MIN (0.35, 0.3 * note->duration));
  note->ramp =
      avm_rng_range (rng, 0.1, AVM_MIN (0.3, 0.15 + 0.1 * note->duration));
  note->rate_0 = AVM_CLAMP (rate, 5.25, 7.7);
  note->rate_slope =
      avm_rng_range (rng, -0.2, 0.2) / fmax (0.5, note->duration);
  note->rate_wobble = avm_rng_range (rng, 0.0, 0.15);
  note->phase_0 = avm_rng_range (rng, 0.0, 2.0 * M_PI);
  note->extent_0 =
      AVM_CLAMP (p->extent * exp (0.2 * avm_rng_normal (rng)), 25.0, 75.0);
  factor = p->info.roll_px * avm_rng_range (rng, 0.92, 1.08);
  note->roll_px =
      AVM_CLAMP (factor, 1.05 / note->extent_0, 4.6 / note->extent_0);
  note->vibrato = true;
  note->vibrato = measure_vibrato (note);
}

static void
player_vibrate (Player *p, double share)
{
  for (size_t i = 0; i < p->n_notes; i++) {
    AvmPerformedNote *note = &p->notes[i];
    bool wanted = avm_rng_uniform (&p->rng) < share;

    if (!wanted || note->open || note->duration < VIBRATO_SHORTEST)
      continue;
    /* a draw may fall outside the ranges of the truth */
    for (int tries = 0; tries < 8 && !note->vibrato; tries++)
      draw_vibrato (p, note);
    if (!note->vibrato)
      note->rate = note->extent = note->roll_px = 0.0;
  }
}

/* -- bow ----------------------------------------------------------------- */

static bool
slurs_on (Player *p, const AvmPerformedNote *before,
    const AvmPerformedNote *note, double stroke_length, int stroke_notes)
{
  double end = before->onset + before->duration;
  double share = note->duration < 0.3 ? 0.5
      : note->duration < 0.6          ? 0.36
      : note->duration < 1.2          ? 0.22
                                      : 0.07;

  return avm_rng_uniform (&p->rng) < share
      && fabs (note->onset - end) < CONTIGUOUS && note->pitch != before->pitch
      && stroke_notes < 4 && stroke_length + note->duration < 2.2;
}

/* Where the bow starts, how far it goes, and at what speed. */
static void
draw_stroke (Player *p, Stroke *s, const Stroke *before)
{
  double length = s->t1 - s->t0, room, travel;
  bool down;

  if (before == NULL || s->t0 - before->t1 > 0.6) {
    s->p0 = avm_rng_range (&p->rng, 0.05, 0.25);
    down = true;
  } else {
    s->p0 = before->p1;
    down = before->speed < 0.0;
  }
  room = down ? 0.97 - s->p0 : s->p0 - 0.03;
  travel = avm_rng_range (&p->rng, 0.32, 0.52) * pow (length, 0.6)
      * AVM_CLAMP (room / 0.5, 0.5, 1.5);
  travel = fmax (fmin (AVM_CLAMP (travel, 0.06, 0.85), room), 0.01);
  s->p1 = s->p0 + (down ? travel : -travel);
  s->rise = fmin (0.05, 0.3 * length);
  s->fall = fmin (s->fall, 0.3 * length);
  s->speed = (s->p1 - s->p0) / (length - 0.5 * (s->rise + s->fall));
}

/* Long strokes are divided: a change of bow without a note. */
static void
add_strokes (Player *p, double t0, double t1, double fall)
{
  int n = (int)ceil ((t1 - t0) / LONGEST_STROKE);

  n = AVM_MAX (n, 1);
  for (int i = 0; i < n; i++) {
    Stroke *s = &p->strokes[p->n_strokes];
    double a = t0 + (t1 - t0) * i / n, b = t0 + (t1 - t0) * (i + 1) / n;

    s->t0 = a;
    s->t1 = b;
    s->fall = i + 1 < n ? 0.05 : fall;
    draw_stroke (p, s, p->n_strokes > 0 ? s - 1 : NULL);
    p->n_strokes++;
  }
}

/* Strokes follow each other, so dividing adds no more than their time has
 * room for. */
static size_t
most_strokes (const Player *p)
{
  double end = 0.0;

  for (size_t i = 0; i < p->n_notes; i++)
    end = fmax (end, p->notes[i].onset + p->notes[i].duration);
  return 2 * p->n_notes + 2 + (size_t)(end / LONGEST_STROKE);
}

/* Groups notes into strokes. A note is given the stroke's start; the last
 * stroke is closed when the next begins. */
static bool
player_bow (Player *p)
{
  double start = 0.0, end = 0.0, lag = 0.0;
  int in_stroke = 0;

  p->strokes = calloc (most_strokes (p), sizeof (Stroke));
  if (p->strokes == NULL)
    return false;
  for (size_t i = 0; i < p->n_notes; i++) {
    AvmPerformedNote *note = &p->notes[i];
    const AvmPerformedNote *before = i > 0 ? note - 1 : NULL;
    bool chord = before != NULL && note->onset - before->onset < CHORD;
    double new_lag = p->info.sound_lag + avm_rng_range (&p->rng, -0.006, 0.006);
    double begin = fmax (note->onset - new_lag, 0.0);

    if (before != NULL && !chord)
      note->slurred = slurs_on (p, before, note, end - start, in_stroke);
    if (before == NULL || (!chord && !note->slurred)) {
      begin = before == NULL ? begin : fmax (begin, start + 0.03);
      if (before != NULL) {
        bool rest = begin - end >= CONTIGUOUS;

        add_strokes (p, start, rest ? end : begin, rest ? 0.09 : 0.05);
      }
      start = end = begin;
      lag = fmax (note->onset - begin, 0.0);
      in_stroke = 0;
    }
    note->stroke = start;
    note->lag = lag;
    if (note->slurred)
      p->notes[i - 1].joined = true;
    /* the bow stops as much before the sound as it began before it */
    end = fmax (end, note->onset + note->duration - lag);
    end = fmax (end, start + 0.03);
    in_stroke += !chord;
  }
  if (p->n_notes > 0)
    add_strokes (p, start, end, 0.12);
  return true;
}

/* -- the performance ----------------------------------------------------- */

static bool
collect_notes (AvmEnsemble *e)
{
  size_t n = 0;

  for (int s = 0; s < e->n_players; s++)
    n += e->players[s].n_notes;
  e->notes = calloc (AVM_MAX (n, 1), sizeof (AvmPerformedNote));
  e->activities = calloc (AVM_MAX (n, 1), sizeof (AvmActivity));
  if (e->notes == NULL || e->activities == NULL)
    return false;
  for (int s = 0; s < e->n_players; s++) {
    Player *p = &e->players[s];

    if (p->n_notes > 0)
      memcpy (e->notes + e->n_notes, p->notes,
          p->n_notes * sizeof (AvmPerformedNote));
    e->n_notes += p->n_notes;
    free (p->notes);
    p->notes = NULL;
  }
  qsort (e->notes, e->n_notes, sizeof (AvmPerformedNote), compare_notes);
  return true;
}

static bool
build_lines (AvmEnsemble *e)
{
  for (int s = 0; s < e->n_players; s++) {
    Player *p = &e->players[s];

    p->line = calloc (AVM_MAX (p->n_notes, 1), sizeof (AvmPerformedNote *));
    if (p->line == NULL)
      return false;
  }
  for (size_t i = 0; i < e->n_notes; i++) {
    const AvmPerformedNote *note = &e->notes[i];
    Player *p = &e->players[note->seat];

    if (p->n_line > 0 && note->onset - p->line[p->n_line - 1]->onset < CHORD)
      p->line[p->n_line - 1] = note;
    else
      p->line[p->n_line++] = note;
  }
  return true;
}

static int
compare_activities (const void *pa, const void *pb)
{
  const AvmActivity *a = pa, *b = pb;

  if (a->onset != b->onset)
    return a->onset < b->onset ? -1 : 1;
  return a->seat - b->seat;
}

static void
find_activities (AvmEnsemble *e)
{
  for (int s = 0; s < e->n_players; s++) {
    AvmActivity *open = NULL;

    for (size_t i = 0; i < e->n_notes; i++) {
      const AvmPerformedNote *note = &e->notes[i];
      double end = note->onset + note->duration;

      if (note->seat != s)
        continue;
      if (open != NULL && note->onset - (open->onset + open->duration) < 0.5) {
        open->duration = fmax (open->duration, end - open->onset);
        continue;
      }
      open = &e->activities[e->n_activities++];
      open->onset = note->onset;
      open->duration = note->duration;
      open->seat = s;
      open->part = note->part;
    }
  }
  qsort (
      e->activities, e->n_activities, sizeof (AvmActivity), compare_activities);
}

static bool
perform (AvmEnsemble *e, const AvmScore *score)
{
  const AvmEnsembleConfig *config = &e->config;
  int seats[AVM_ENSEMBLE_MAX_PLAYERS];
  int n_parts = AVM_MIN ((int)score->n_parts, e->n_players);
  double last = config->duration > 0.0 ? config->duration : INFINITY;
  Warp warp;
  bool ok = true;

  if (!warp_init (&warp, score, config))
    return false;
  draw_seats (config->seed, e->n_players, seats);
  for (int i = 0; ok && i < e->n_players; i++) {
    Player *p = &e->players[seats[i]];

    player_init (p, config, score, i, i % n_parts);
    ok = player_read_part (p, score, seats[i], config);
    if (ok) {
      player_place_notes (p, &warp, config);
      player_articulate (p, last);
      player_finger (p);
      player_vibrate (p, config->vibrato_share);
      ok = player_bow (p);
    }
  }
  free (warp.time);
  ok = ok && collect_notes (e) && build_lines (e);
  if (ok)
    find_activities (e);
  return ok;
}

static bool
check_config (
    const AvmScore *score, const AvmEnsembleConfig *c, AvmError *error)
{
  bool ok = c->n_players >= 1 && c->n_players <= AVM_ENSEMBLE_MAX_PLAYERS
      && c->tempo_fluctuation >= 0.0 && c->tempo_fluctuation <= 0.5
      && c->asynchrony >= 0.0 && c->asynchrony <= 0.2 && c->vibrato_share >= 0.0
      && c->vibrato_share <= 1.0 && c->tuning >= 300.0 && c->tuning <= 600.0
      && c->sway >= 0.0 && c->sway <= 10.0 && c->lead_in >= 0.0
      && c->lead_in <= 60.0 && c->duration >= 0.0 && c->duration <= MAX_SECONDS
      && score->duration <= MAX_SECONDS;

  if (!ok)
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "configuration or score out of range");
  if (score->n_parts == 0 || score->n_notes == 0)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1, "the score has no notes");
  return true;
}

AvmEnsemble *
avm_ensemble_new (
    const AvmScore *score, const AvmEnsembleConfig *config, AvmError *error)
{
  AvmEnsemble *e;

  if (!check_config (score, config, error))
    return NULL;
  e = calloc (1, sizeof (AvmEnsemble));
  if (e != NULL) {
    e->config = *config;
    e->n_players = config->n_players;
  }
  if (e == NULL || !perform (e, score)) {
    avm_ensemble_free (e);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  e->duration = config->duration;
  for (size_t i = 0; config->duration <= 0.0 && i < e->n_notes; i++)
    e->duration =
        fmax (e->duration, e->notes[i].onset + e->notes[i].duration + 1.0);
  return e;
}

void
avm_ensemble_free (AvmEnsemble *e)
{
  if (e == NULL)
    return;
  for (int s = 0; s < e->n_players; s++) {
    free (e->players[s].notes);
    free (e->players[s].line);
    free (e->players[s].strokes);
  }
  free (e->notes);
  free (e->activities);
  free (e);
}

double
avm_ensemble_duration (const AvmEnsemble *e)
{
  return e->duration;
}

int
avm_ensemble_n_players (const AvmEnsemble *e)
{
  return e->n_players;
}

double
avm_ensemble_tuning (const AvmEnsemble *e)
{
  return e->config.tuning;
}

const AvmPlayer *
avm_ensemble_player (const AvmEnsemble *e, int seat)
{
  return seat < 0 || seat >= e->n_players ? NULL : &e->players[seat].info;
}

const AvmPerformedNote *
avm_ensemble_notes (const AvmEnsemble *e, size_t *n_notes)
{
  *n_notes = e->n_notes;
  return e->notes;
}

const AvmActivity *
avm_ensemble_activities (const AvmEnsemble *e, size_t *n_activities)
{
  *n_activities = e->n_activities;
  return e->activities;
}

/* -- at one instant ------------------------------------------------------ */

/* Last stroke that has begun; NULL before the first. */
static const Stroke *
stroke_at (const Player *p, double time)
{
  size_t lo = 0, hi = p->n_strokes;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (p->strokes[mid].t0 <= time)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo > 0 ? &p->strokes[lo - 1] : NULL;
}

/* Index of the first note of the line that begins after `time`. */
static size_t
line_after (const Player *p, double time)
{
  size_t lo = 0, hi = p->n_line;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (p->line[mid]->onset <= time)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

static double
stroke_speed (const Stroke *s, double time)
{
  double up = time - s->t0, down = s->t1 - time, ramp = 1.0;

  if (up <= 0.0 || down <= 0.0)
    return 0.0;
  if (up < s->rise)
    ramp = 0.5 - 0.5 * cos (M_PI * up / s->rise);
  else if (down < s->fall)
    ramp = 0.5 - 0.5 * cos (M_PI * down / s->fall);
  return s->speed * ramp;
}

/* Integral of a raised-cosine ramp of length r, t into it */
static double
ramp_integral (double t, double r)
{
  return 0.5 * (t - r / M_PI * sin (M_PI * t / r));
}

static double
stroke_place (const Stroke *s, double time)
{
  double up = time - s->t0, down = s->t1 - time;

  if (up <= 0.0)
    return s->p0;
  if (down <= 0.0)
    return s->p1;
  if (up < s->rise)
    return s->p0 + s->speed * ramp_integral (up, s->rise);
  if (down < s->fall)
    return s->p1 - s->speed * ramp_integral (down, s->fall);
  return s->p0 + s->speed * (up - 0.5 * s->rise);
}

double
avm_ensemble_bow_speed (const AvmEnsemble *e, int seat, double time)
{
  const Stroke *s = stroke_at (&e->players[seat], time);

  return s == NULL ? 0.0 : stroke_speed (s, time);
}

static void
pose_bow (const Player *p, double time, AvmPose *pose)
{
  const Stroke *s = stroke_at (p, time), *next = NULL;
  double from;

  if (p->n_strokes == 0) {
    pose->bow = 0.1;
    return;
  }
  if (s != NULL && time < s->t1) {
    pose->playing = true;
    pose->bow = stroke_place (s, time);
    return;
  }
  next = s == NULL ? p->strokes : s + 1;
  from = s == NULL ? 0.1 : s->p1;
  pose->bow = from;
  if (next < p->strokes + p->n_strokes) {
    double way = s == NULL ? 0.7 : fmin (next->t0 - s->t1, 0.7);

    pose->bow += (next->p0 - from) * smoothstep ((time - next->t0 + way) / way);
  }
}

/* From one note to the next: the hand is there just before the sound. */
static double
approach (double time, const AvmPerformedNote *from, const AvmPerformedNote *to,
    double a, double b, double way)
{
  double arrive = to->onset - 0.01;

  way = fmin (way, 0.6 * (to->onset - from->onset));
  return a + (b - a) * smoothstep ((time - arrive + way) / fmax (way, 1e-3));
}

/* Small motions of a hand that is not vibrating, px. */
static double
hand_unrest (const AvmPerformedNote *note, double time)
{
  double since = time - note->onset + 0.03, jerk = 0.0;

  if (since > 0.0 && since < 0.6 && !note->open)
    jerk = (0.3 + 0.7 * fabs (avm_ensemble_noise (note->key + 5, 0.5)))
        * exp (-since / 0.06) * sin (2.0 * M_PI * since / 0.15)
        * (note->key & 1 ? 1.0 : -1.0);
  return jerk;
}

static double
hand_roll (const Player *p, size_t after, double time)
{
  double roll = 0.5 * avm_ensemble_noise (p->key + 21, time * 1.7)
      + 0.22 * avm_ensemble_noise (p->key + 22, time * 11.0);

  for (size_t i = after > 1 ? after - 2 : 0; i < p->n_line && i < after + 1;
       i++) {
    const AvmPerformedNote *note = p->line[i];

    roll += hand_unrest (note, time);
    roll += note->roll_px
        * avm_ensemble_vibrato_cents (note, time - p->info.hand_lag);
  }
  return roll;
}

static void
pose_hand (const Player *p, double time, AvmPose *pose)
{
  size_t after = line_after (p, time);
  const AvmPerformedNote *now, *next;

  pose->string = 1.5;
  pose->neck = 0.1;
  if (p->n_line == 0)
    return;
  now = p->line[after > 0 ? after - 1 : 0];
  pose->string = now->string;
  pose->neck = now->neck;
  pose->finger = now->finger;
  if (after > 0 && after < p->n_line) {
    double shift;

    next = p->line[after];
    shift = fmin (0.08 + 0.3 * fabs (next->neck - now->neck), 0.25);
    pose->string = approach (time, now, next, now->string, next->string, 0.08);
    pose->neck = approach (time, now, next, now->neck, next->neck, shift);
    pose->finger = approach (time, now, next, now->finger, next->finger, 0.05);
  }
  pose->roll = hand_roll (p, after, time);
}

static void
pose_body (const Player *p, double time, AvmPose *pose)
{
  for (int i = 0; i < 3; i++) {
    double turn = 2.0 * M_PI * p->sway_hz[i] * time + p->sway_phase[i];

    pose->sway_x += p->sway_amp[i] * sin (turn);
    pose->sway_y += 0.35 * p->sway_amp[i] * sin (0.83 * turn + 1.0 + i);
  }
  pose->head = 0.05 * sin (2.0 * M_PI * p->nod_hz * time + p->nod_phase)
      + 0.06 * avm_ensemble_noise (p->key + 31, time * 0.7);
}

void
avm_ensemble_pose (const AvmEnsemble *e, int seat, double time, AvmPose *pose)
{
  const Player *p = &e->players[seat];

  memset (pose, 0, sizeof (*pose));
  pose->instrument = p->info.instrument;
  pose_bow (p, time, pose);
  pose_hand (p, time, pose);
  pose_body (p, time, pose);
}

double
avm_ensemble_note_cents (
    const AvmEnsemble *e, const AvmPerformedNote *note, double time)
{
  double since = time - note->onset;
  double equal = e->config.tuning * exp2 ((note->pitch - 69.0) / 12.0);
  double cents = 1200.0 * log2 (note->hz / equal);

  /* drift of intonation, unsteadiness of the bow, the string's first slips */
  cents += 5.0 * avm_ensemble_noise (note->key + 2, since * 1.1)
      + 1.6 * avm_ensemble_noise (note->key + 3, since * 11.0);
  if (since < 0.15 && !note->slurred)
    cents -= 12.0 * exp (-fmax (since, 0.0) / 0.02);
  return cents + avm_ensemble_vibrato_cents (note, time);
}
