/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-orchestra.h"
#include "scene/avm-scorebook.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 4
#define SEAT_SPACING 430.0 /* units */


#define STEP 4.0 /* s; the grain of the arrangement */

typedef struct {
  double from, to; /* s */
} Span;

typedef struct {
  AvmMusician info;
  uint64_t key;
  double late; /* s, after the section's voice */
  Span *spans; /* plays from .. to */
  size_t n_spans;
  double stay_up; /* s, longest rest with the instrument up */
  double turn_0, nod_0;
  double sway_px, sway_hz[2], sway_phase[2];
} Musician;

struct AvmOrchestra {
  const AvmEnsemble *ensemble;
  AvmOrchestraConfig config;
  int n_rows, n_sections;
  int sizes[AVM_ENSEMBLE_MAX_PLAYERS];   /* by voice */
  int leaders[AVM_ENSEMBLE_MAX_PLAYERS]; /* by voice */
  Musician players[AVM_ORCHESTRA_MAX_PLAYERS];
  AvmActivity *activities;
  size_t n_activities;
};

/* splitmix64 */
static uint64_t
hash (uint64_t x)
{
  x += UINT64_C (0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* [0, 1), always the same for the same key and index */
static double
chance (uint64_t key, int64_t index)
{
  return (double)(hash (key ^ hash ((uint64_t)index)) >> 11) * 0x1p-53;
}

static double
smoothstep (double x)
{
  x = AVM_CLAMP (x, 0.0, 1.0);
  return x * x * (3.0 - 2.0 * x);
}

void
avm_orchestra_config_init (AvmOrchestraConfig *config)
{
  memset (config, 0, sizeof (*config));
  config->n_players = 20;
  config->absence = 0.03;
}

/* -- the arrangement ------------------------------------------------------- */

/* A part may rest from step i for `length` steps unless the piece does: then
 * its own rest is enough. */
static bool
may_rest (const bool *written, int i, int length, int n_steps)
{
  for (int k = AVM_MAX (i - 1, 0); k <= AVM_MIN (i + length, n_steps - 1); k++)
    if (!written[k])
      return false;
  return true;
}

/* Plays for 8 .. 24 s, rests for 4 .. 16 s. */
static void
plan_part (const bool *written, bool *plays, int n_steps, AvmRng *rng)
{
  bool on = avm_rng_uniform (rng) < 0.55;
  int left = 1 + (int)(avm_rng_u32 (rng) % 4);

  for (int i = 0; i < n_steps; i++) {
    if (left == 0) {
      on = !on;
      left = on ? 2 + (int)(avm_rng_u32 (rng) % 5)
                : 1 + (int)(avm_rng_u32 (rng) % 4);
      if (!on && !may_rest (written, i, left, n_steps)) {
        on = true;
        left = 1;
      }
    }
    left--;
    /* the end is together */
    plays[i] = on || (n_steps > 6 && i + 1 == n_steps);
  }
}

/* Never a step in which nobody plays. */
static void
fill_silence (
    const bool *written, bool *plays, int n_parts, int n_steps, AvmRng *rng)
{
  for (int i = 0; i < n_steps; i++) {
    int first = (int)(avm_rng_u32 (rng) % (uint32_t)AVM_MAX (n_parts, 1));
    bool sounds = false;

    for (int p = 0; p < n_parts; p++)
      sounds = sounds || (plays[p * n_steps + i] && written[p * n_steps + i]);
    for (int k = 0; k < n_parts && !sounds; k++) {
      int at = (first + k) % n_parts * n_steps + i;

      plays[at] = sounds = written[at];
    }
  }
}

/* Nobody came for nothing. */
static void
give_something (const bool *written, bool *plays, int n_steps, AvmRng *rng)
{
  int first = (int)(avm_rng_u32 (rng) % (uint32_t)n_steps);

  for (int i = 0; i < n_steps; i++)
    if (plays[i] && written[i])
      return;
  for (int k = 0; k < n_steps; k++) {
    int i = (first + k) % n_steps;

    plays[i] = written[i];
    if (plays[i])
      return;
  }
}

static int
step_of (const AvmNote *note, int n_steps)
{
  return AVM_CLAMP ((int)(note->onset / STEP), 0, n_steps - 1);
}

static bool
copy_frame (AvmScore *out, const AvmScore *score)
{
  bool ok = true;

  for (size_t i = 0; ok && i < score->n_parts; i++)
    ok = avm_score_add_part (out, score->parts[i].name, score->parts[i].program,
             score->parts[i].channel)
        >= 0;
  for (size_t i = 0; ok && i < score->n_tempos; i++)
    ok = avm_score_add_tempo (
        out, score->tempos[i].beat, score->tempos[i].us_per_beat);
  return ok;
}

AvmScore *
avm_orchestra_arrange (const AvmScore *score, uint64_t seed, AvmError *error)
{
  AvmScore *out = avm_score_new ();
  int n_parts = (int)score->n_parts;
  int n_steps = AVM_MAX ((int)ceil (score->duration / STEP), 1);
  size_t n = (size_t)n_parts * (size_t)n_steps;
  /* steps in which a part has something to play, and in which it may */
  bool *written = calloc (n + 1, sizeof (bool));
  bool *plays = calloc (n + 1, sizeof (bool));
  bool ok = out != NULL && written != NULL && plays != NULL
      && copy_frame (out, score);
  AvmRng rng;

  avm_rng_init (&rng, seed, 40);
  for (size_t i = 0; ok && i < score->n_notes; i++)
    written[score->notes[i].part * n_steps
        + step_of (&score->notes[i], n_steps)] = true;
  for (int p = 0; ok && p < n_parts; p++)
    plan_part (written + p * n_steps, plays + p * n_steps, n_steps, &rng);
  if (ok)
    fill_silence (written, plays, n_parts, n_steps, &rng);
  for (int p = 0; ok && p < n_parts; p++)
    give_something (written + p * n_steps, plays + p * n_steps, n_steps, &rng);
  for (size_t i = 0; ok && i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (plays[note->part * n_steps + step_of (note, n_steps)])
      ok = avm_score_add_note (out, note);
  }
  free (written);
  free (plays);
  if (!ok) {
    avm_score_free (out);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  avm_score_sort (out);
  return out;
}

/* -- sections -------------------------------------------------------------- */

/* Shares of the usual: largest remainder, nobody without a musician. */
static void
size_sections (AvmOrchestra *o)
{
  static const double weights[4] = {1.0, 0.72, 0.6, 0.4};
  int n = o->config.n_players, given = 0;
  double sum = 0.0, ideal[AVM_ENSEMBLE_MAX_PLAYERS];

  for (int v = 0; v < o->n_sections; v++) {
    ideal[v] = weights[avm_ensemble_player (o->ensemble, v)->instrument];
    sum += ideal[v];
  }
  for (int v = 0; v < o->n_sections; v++) {
    ideal[v] *= n / sum;
    o->sizes[v] = 1;
    given++;
  }
  while (given < n) {
    int neediest = 0;

    for (int v = 1; v < o->n_sections; v++)
      if (ideal[v] - o->sizes[v] > ideal[neediest] - o->sizes[neediest])
        neediest = v;
    o->sizes[neediest]++;
    given++;
  }
}

static void
name_player (const AvmOrchestra *o, AvmMusician *m)
{
  static const char *const names[4] = {"v", "va", "vc", "db"};
  int number = 1, alike = 0;

  for (int v = 0; v < o->n_sections; v++) {
    const AvmPlayer *p = avm_ensemble_player (o->ensemble, v);

    alike += p->instrument == m->instrument;
    number += p->instrument == m->instrument && p->part < m->part;
  }
  if (alike > 1 || m->instrument == AVM_INSTRUMENT_VIOLIN)
    snprintf (m->name, sizeof (m->name), "%s%d-%d", names[m->instrument],
        number, m->desk + 1);
  else
    snprintf (
        m->name, sizeof (m->name), "%s-%d", names[m->instrument], m->desk + 1);
}

static void
musician_init (Musician *m, const AvmOrchestra *o, int player)
{
  AvmRng rng;

  avm_rng_init (&rng, o->config.seed, 300 + (uint64_t)player);
  m->key = hash (o->config.seed * 128 + (uint64_t)player + 1);
  m->late = avm_rng_range (&rng, -0.02, 0.025);
  m->stay_up = avm_rng_range (&rng, 2.0, 4.0);
  m->turn_0 = avm_rng_range (&rng, -0.1, 0.1);
  m->nod_0 = avm_rng_range (&rng, -0.05, 0.1);
  m->sway_px = avm_rng_range (&rng, 3.0, 12.0);
  for (int i = 0; i < 2; i++) {
    m->sway_hz[i] = avm_rng_range (&rng, 0.2, 0.6);
    m->sway_phase[i] = avm_rng_range (&rng, 0.0, 2.0 * M_PI);
  }
}

static void
make_sections (AvmOrchestra *o)
{
  int player = 0;

  for (int part = 0; player < o->config.n_players; part++) {
    for (int v = 0; v < o->n_sections; v++) {
      const AvmPlayer *p = avm_ensemble_player (o->ensemble, v);

      if (p->part != part)
        continue;
      o->leaders[v] = player;
      for (int desk = 0; desk < o->sizes[v]; desk++, player++) {
        Musician *m = &o->players[player];

        m->info.part = part;
        m->info.voice = v;
        m->info.desk = desk;
        m->info.instrument = p->instrument;
        name_player (o, &m->info);
        musician_init (m, o, player);
      }
    }
  }
}

/* -- seats ----------------------------------------------------------------- */

typedef struct {
  double x, z, floor;
  int row;
} Seat;

static int
left_to_right (const void *pa, const void *pb)
{
  const Seat *a = pa, *b = pb;

  /* sections are wedges: the ray from the conductor counts */
  double ax = a->x / (a->z + 3200.0), bx = b->x / (b->z + 3200.0);

  return ax < bx ? -1 : ax > bx ? 1 : 0;
}

static int
front_to_back (const void *pa, const void *pb)
{
  const Seat *a = pa, *b = pb;

  return a->row != b->row ? a->row - b->row : left_to_right (pa, pb);
}

/* Rows in a gentle arc, each a little longer than the one before it and half
 * a seat off, so that heads show between heads. */
static void
make_seats (AvmOrchestra *o, Seat *seats)
{
  int n = o->config.n_players, rows, at = 0, left;
  AvmRng rng;

  avm_rng_init (&rng, o->config.seed, 41);
  rows = AVM_CLAMP ((int)lrint (sqrt (n / 2.6)), 1, MAX_ROWS);
  left = n;
  for (int r = 0; r < rows; r++) {
    int here = r + 1 == rows
        ? left
        : AVM_MAX ((int)lrint ((double)n / rows + r - 0.5 * (rows - 1)), 1);
    double half = 0.5 * (here - 1);

    for (int i = 0; i < here; i++, at++) {
      double u =
          i - half + (r % 2 == 0 && here % 2 == n / rows % 2 ? 0.0 : 0.25);
      Seat *s = &seats[at];

      s->row = r;
      s->x = SEAT_SPACING * u + avm_rng_range (&rng, -20.0, 20.0);
      s->z = AVM_ORCHESTRA_ROW_SPACING * r - 6.0 * u * u
          + avm_rng_range (&rng, -15.0, 15.0);
      s->floor = AVM_ORCHESTRA_RISER * r;
    }
    left -= here;
  }
  o->n_rows = rows;
}

/* Which section sits where, left to right. */
static void
order_sections (const AvmOrchestra *o, int *order)
{
  int n = o->n_sections, at = 0;
  AvmRng rng;

  for (int part = 0; at < n; part++)
    for (int v = 0; v < n; v++)
      if (avm_ensemble_player (o->ensemble, v)->part == part)
        order[at++] = v;
  avm_rng_init (&rng, o->config.seed, 42);
  /* the second violins opposite the first, as some orchestras sit */
  if (n > 3 && avm_rng_uniform (&rng) < 0.4) {
    int second = order[1];

    for (int i = 1; i + 1 < n; i++)
      order[i] = order[i + 1];
    order[n - 1] = second;
  }
}

static void
take_seat (Musician *m, const Seat *seat)
{
  m->info.x = seat->x;
  m->info.z = seat->z;
  m->info.floor = seat->floor;
  m->info.row = seat->row;
  /* towards the conductor, but not quite */
  m->info.facing = -0.75 * atan2 (seat->x, seat->z + 3600.0);
}

static bool
is_bass (const AvmOrchestra *o, int voice)
{
  return avm_ensemble_player (o->ensemble, voice)->instrument
      == AVM_INSTRUMENT_BASS;
}

static void
seat_players (AvmOrchestra *o)
{
  Seat seats[AVM_ORCHESTRA_MAX_PLAYERS];
  int order[AVM_ENSEMBLE_MAX_PLAYERS], at = 0;

  make_seats (o, seats);
  order_sections (o, order);
  qsort (seats, (size_t)o->config.n_players, sizeof (Seat), left_to_right);
  for (int i = 0; i < o->n_sections; i++) {
    int size = o->sizes[order[i]];

    /* who stands goes behind who sits: two sections share a wedge */
    if (i + 1 < o->n_sections && is_bass (o, order[i + 1]))
      size += o->sizes[order[i + 1]];
    if (i == 0 || !is_bass (o, order[i]))
      qsort (seats + at, (size_t)size, sizeof (Seat), front_to_back);
    for (int desk = 0; desk < o->sizes[order[i]]; desk++, at++)
      take_seat (&o->players[o->leaders[order[i]] + desk], &seats[at]);
  }
}

/* -- who plays when -------------------------------------------------------- */

static bool
find_spans (Musician *m, const AvmOrchestra *o)
{
  size_t n;
  const AvmActivity *all = avm_ensemble_activities (o->ensemble, &n);
  double end = avm_ensemble_duration (o->ensemble);

  m->spans = calloc (AVM_MAX (n, 1), sizeof (Span));
  if (m->spans == NULL)
    return false;
  for (size_t i = 0; i < n; i++) {
    Span span = {
        all[i].onset + m->late, all[i].onset + all[i].duration + m->late};

    if (all[i].seat != m->info.voice
        || chance (m->key ^ 0xab5e, (int64_t)i) < o->config.absence)
      continue;
    span.from = AVM_MAX (span.from, 0.0);
    span.to = AVM_MIN (span.to, end);
    if (span.to > span.from)
      m->spans[m->n_spans++] = span;
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

static bool
collect_activities (AvmOrchestra *o)
{
  size_t n = 0;

  for (int i = 0; i < o->config.n_players; i++)
    n += o->players[i].n_spans;
  o->activities = calloc (AVM_MAX (n, 1), sizeof (AvmActivity));
  if (o->activities == NULL)
    return false;
  for (int i = 0; i < o->config.n_players; i++) {
    const Musician *m = &o->players[i];

    for (size_t k = 0; k < m->n_spans; k++) {
      AvmActivity *a = &o->activities[o->n_activities++];

      a->onset = m->spans[k].from;
      a->duration = m->spans[k].to - m->spans[k].from;
      a->seat = i;
      a->part = m->info.part;
    }
  }
  qsort (
      o->activities, o->n_activities, sizeof (AvmActivity), compare_activities);
  return true;
}

/* -- building -------------------------------------------------------------- */

AvmOrchestra *
avm_orchestra_new (const AvmEnsemble *ensemble,
    const AvmOrchestraConfig *config, AvmError *error)
{
  AvmOrchestra *o;
  bool ok = true;

  if (config->n_players < avm_ensemble_n_players (ensemble)
      || config->n_players > AVM_ORCHESTRA_MAX_PLAYERS
      || !(config->absence >= 0.0 && config->absence <= 1.0)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d players with %d parts: an orchestra has at most %d",
        config->n_players, avm_ensemble_n_players (ensemble),
        AVM_ORCHESTRA_MAX_PLAYERS);
    return NULL;
  }
  o = calloc (1, sizeof (AvmOrchestra));
  if (o != NULL) {
    o->ensemble = ensemble;
    o->config = *config;
    o->n_sections = avm_ensemble_n_players (ensemble);
    size_sections (o);
    make_sections (o);
    seat_players (o);
    for (int i = 0; ok && i < config->n_players; i++)
      ok = find_spans (&o->players[i], o);
    ok = ok && collect_activities (o);
  }
  if (o == NULL || !ok) {
    avm_orchestra_free (o);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  return o;
}

void
avm_orchestra_free (AvmOrchestra *o)
{
  if (o == NULL)
    return;
  for (int i = 0; i < AVM_ORCHESTRA_MAX_PLAYERS; i++)
    free (o->players[i].spans);
  free (o->activities);
  free (o);
}

const AvmEnsemble *
avm_orchestra_ensemble (const AvmOrchestra *o)
{
  return o->ensemble;
}

int
avm_orchestra_n_players (const AvmOrchestra *o)
{
  return o->config.n_players;
}

int
avm_orchestra_n_rows (const AvmOrchestra *o)
{
  return o->n_rows;
}

const AvmMusician *
avm_orchestra_player (const AvmOrchestra *o, int player)
{
  return player < 0 || player >= o->config.n_players ? NULL
                                                     : &o->players[player].info;
}

int
avm_orchestra_leader (const AvmOrchestra *o, int voice)
{
  return o->leaders[AVM_CLAMP (voice, 0, o->n_sections - 1)];
}

const AvmActivity *
avm_orchestra_activities (const AvmOrchestra *o, size_t *n_activities)
{
  *n_activities = o->n_activities;
  return o->activities;
}

/* -- at one instant -------------------------------------------------------- */

/* How many spans have begun. */
static size_t
spans_begun (const Musician *m, double time)
{
  size_t lo = 0, hi = m->n_spans;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (m->spans[mid].from <= time)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo;
}

bool
avm_orchestra_plays (const AvmOrchestra *o, int player, double time)
{
  const Musician *m = &o->players[player];
  size_t n = spans_begun (m, time);

  return n > 0 && time < m->spans[n - 1].to;
}

/* In a rest from `from` to `to`, both possibly infinite. */
static double
raised_at (const Musician *m, size_t rest, double from, double to, double time)
{
  uint64_t key = m->key ^ 0x1a95;
  int64_t i = (int64_t)rest * 4;
  double hold = 0.4 + 1.4 * chance (key, i);
  double lower = 0.7 + 0.5 * chance (key, i + 1);
  double ready = 0.5 + 1.5 * chance (key, i + 2);
  double lift = 0.6 + 0.4 * chance (key, i + 3);
  double down =
      isinf (from) ? 0.0 : 1.0 - smoothstep ((time - from - hold) / lower);
  double up = isinf (to) ? 0.0 : smoothstep ((time - to + ready + lift) / lift);

  if (to - from < m->stay_up)
    return 1.0;
  return AVM_MAX (down, up);
}

/* Where the eyes go: (turn, nod) by what is looked at. */
typedef struct {
  double share, turn, nod;
} Gaze;

static const Gaze playing_gazes[] = {
    {0.50, 0.16, 0.22},  /* the music */
    {0.25, 0.34, 0.14},  /* the left hand */
    {0.25, -0.02, 0.02}, /* the conductor */
};

static const Gaze resting_gazes[] = {
    {0.46, 0.0, 0.0},    /* the conductor */
    {0.24, 0.06, 0.26},  /* the music */
    {0.10, -0.1, 0.34},  /* the lap */
    {0.10, 0.55, 0.05},  /* a neighbour */
    {0.10, -0.55, 0.05}, /* the other */
};

static Gaze
pick_gaze (const Gaze *gazes, uint64_t key, int64_t index)
{
  double u = chance (key, index);
  int i = 0;
  Gaze gaze;

  while (u >= gazes[i].share) {
    u -= gazes[i].share;
    i++;
  }
  gaze = gazes[i];
  gaze.turn += 0.12 * (chance (key + 1, index) - 0.5);
  gaze.nod += 0.08 * (chance (key + 2, index) - 0.5);
  return gaze;
}

/* Looks change from one to the next within 0.4 s. */
static void
gaze_at (const Gaze *gazes, uint64_t key, double length, double time,
    double *turn, double *nod)
{
  double slot = floor (time / length), into = time - slot * length;
  double begin = chance (key + 3, (int64_t)slot) * (length - 0.6);
  Gaze before = pick_gaze (gazes, key, (int64_t)slot - 1);
  Gaze now = pick_gaze (gazes, key, (int64_t)slot);
  double s = smoothstep ((into - begin) / 0.4);

  *turn = before.turn + (now.turn - before.turn) * s;
  *nod = before.nod + (now.nod - before.nod) * s;
}

static void
pose_head (const Musician *m, double time, AvmMusicianPose *pose)
{
  bool upright = m->info.instrument >= AVM_INSTRUMENT_CELLO;
  double turn[2], nod[2], r = pose->raised;

  gaze_at (resting_gazes, m->key + 50, 3.2 + 2.6 * chance (m->key, 77), time,
      &turn[0], &nod[0]);
  gaze_at (playing_gazes, m->key + 60, 3.0 + 3.0 * chance (m->key, 78), time,
      &turn[1], &nod[1]);
  pose->turn = m->turn_0 + turn[0] + (turn[1] - turn[0]) * r
      + 0.05 * avm_ensemble_noise (m->key + 70, time * 0.8);
  pose->nod = m->nod_0 + nod[0] + (nod[1] - nod[0]) * r
      + 0.03 * avm_ensemble_noise (m->key + 71, time * 1.1);
  pose->pose.head = 0.03 * avm_ensemble_noise (m->key + 72, time * 0.7)
      - (upright ? 0.0 : 0.10 * (1.0 - r));
}

static void
pose_body (const Musician *m, double time, AvmMusicianPose *pose)
{
  double gain = m->sway_px * (0.35 + 0.65 * pose->raised);

  pose->pose.sway_x =
      gain * sin (2.0 * M_PI * m->sway_hz[0] * time + m->sway_phase[0]);
  pose->pose.sway_y =
      0.35 * gain * sin (2.0 * M_PI * m->sway_hz[1] * time + m->sway_phase[1]);
  pose->pose.roll += avm_ensemble_noise (m->key + 73, time * 2.1);
}

/* Whoever rests does not follow the others' bows: from where it was left the
 * bow goes to where it will begin. */
static void
pose_rest (const AvmOrchestra *o, const Musician *m, double from, double to,
    double time, AvmMusicianPose *pose)
{
  AvmPose was, next;
  double s = isinf (to) ? 0.0 : smoothstep ((time - to + 0.7) / 0.7);

  if (isinf (from) && isinf (to)) {
    avm_ensemble_pose (o->ensemble, m->info.voice, -1.0, &pose->pose);
    return;
  }
  avm_ensemble_pose (
      o->ensemble, m->info.voice, (isinf (from) ? to : from) - m->late, &was);
  avm_ensemble_pose (
      o->ensemble, m->info.voice, (isinf (to) ? from : to) - m->late, &next);
  pose->pose = was;
  pose->pose.bow += s * (next.bow - was.bow);
  pose->pose.string += s * (next.string - was.string);
  pose->pose.neck += s * (next.neck - was.neck);
  pose->pose.finger += s * (next.finger - was.finger);
  pose->pose.roll = 0.0;
  pose->pose.playing = false;
}

void
avm_orchestra_pose (
    const AvmOrchestra *o, int player, double time, AvmMusicianPose *pose)
{
  const Musician *m = &o->players[player];
  size_t n = spans_begun (m, time);

  memset (pose, 0, sizeof (*pose));
  pose->raised = 1.0;
  if (n > 0 && time < m->spans[n - 1].to) {
    avm_ensemble_pose (o->ensemble, m->info.voice, time - m->late, &pose->pose);
  } else {
    double from = n > 0 ? m->spans[n - 1].to : -INFINITY;
    double to = n < m->n_spans ? m->spans[n].from : INFINITY;

    pose->raised = raised_at (m, n, from, to, time);
    pose_rest (o, m, from, to, time, pose);
  }
  pose->pose.instrument = m->info.instrument;
  pose_body (m, time, pose);
  pose_head (m, time, pose);
}
