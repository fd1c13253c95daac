/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-scorebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PHRASE_SLOTS 8
#define MAX_FIGURE 6
#define MAX_SECONDS 36000.0

typedef struct {
  const char *name;
  int program;
  int lowest, highest; /* MIDI, what is comfortable */
  int centre;
} Voice;

static const int open_strings[4][4] = {
    {55, 62, 69, 76},
    {48, 55, 62, 69},
    {36, 43, 50, 57},
    {28, 33, 38, 43},
};

static const Voice voices[] = {
    {"Violin 1", 40, 57, 86, 76},
    {"Violin 2", 40, 56, 81, 71},
    {"Violin 3", 40, 55, 79, 68},
    {"Violin 4", 40, 55, 77, 66},
    {"Viola 1", 41, 49, 74, 62},
    {"Viola 2", 41, 48, 72, 59},
    {"Cello", 42, 37, 64, 50},
    {"Double bass", 43, 28, 50, 38},
};

static const char *const line_ups[AVM_SCOREBOOK_MAX_PARTS] = {
    "0",
    "06",
    "046",
    "0146",
    "01467",
    "014567",
    "0124567",
    "01234567",
};

/* Rhythms that fill a slot of two or three beats; in half beats. */
typedef struct {
  int activity; /* 0 held .. 3 running */
  int n;
  int lengths[MAX_FIGURE];
} Rhythm;

static const Rhythm duple[] = {
    {0, 1, {4}},
    {1, 2, {2, 2}},
    {1, 2, {3, 1}},
    {2, 3, {2, 1, 1}},
    {2, 3, {1, 1, 2}},
    {2, 2, {2, 2}},
    {3, 4, {1, 1, 1, 1}},
    {3, 3, {1, 2, 1}},
};

static const Rhythm triple[] = {
    {0, 1, {6}},
    {1, 2, {4, 2}},
    {1, 2, {2, 4}},
    {1, 3, {2, 2, 2}},
    {2, 3, {3, 1, 2}},
    {2, 4, {2, 1, 1, 2}},
    {2, 4, {2, 2, 1, 1}},
    {3, 6, {1, 1, 1, 1, 1, 1}},
};

typedef struct {
  int root;    /* scale degree, 0 .. 6 */
  int pcs[3];  /* pitch classes of root, third, fifth */
  int leading; /* pitch class of the leading note in a dominant, or -1 */
  int scale[7];
} Chord;

typedef struct {
  AvmScore *score;
  AvmRng rng;
  int n_parts;
  Voice voice[AVM_SCOREBOOK_MAX_PARTS];
  int tonic; /* pitch class */
  bool minor;
  int slot_beats; /* 2 or 3 */
  double us_per_beat;
  uint64_t piece;
  int n_slots;
  Chord *chords;
  int *pitches; /* n_slots x n_parts */
  int melody;
} Composer;

static const int major_scale[7] = {0, 2, 4, 5, 7, 9, 11};
static const int minor_scale[7] = {0, 2, 3, 5, 7, 8, 10};

int
avm_scorebook_open_string (AvmInstrument instrument, int string)
{
  return open_strings[AVM_CLAMP ((int)instrument, 0, 3)]
                     [AVM_CLAMP (string, 0, 3)];
}

AvmInstrument
avm_scorebook_instrument (const AvmScore *score, int part)
{
  int program = score->parts[part].program;
  int lowest = 127;

  if (program >= 40 && program <= 43)
    return (AvmInstrument)(program - 40);
  for (size_t i = 0; i < score->n_notes; i++) {
    if (score->notes[i].part == part)
      lowest = AVM_MIN (lowest, score->notes[i].pitch);
  }
  for (int i = 0; i < 3; i++) {
    if (lowest >= open_strings[i][0])
      return (AvmInstrument)i;
  }
  return AVM_INSTRUMENT_BASS;
}

/* Where harmony goes next; the weights are those of plain common practice. */
static int
next_degree (AvmRng *rng, int degree)
{
  static const int goes_to[7][6] = {
      {3, 3, 4, 5, 1, 2},
      {4, 4, 4, 4, 6, 4},
      {5, 5, 3, 3, 5, 3},
      {0, 1, 4, 4, 1, 0},
      {0, 0, 5, 0, 5, 0},
      {1, 3, 3, 1, 4, 3},
      {0, 0, 2, 0, 0, 0},
  };

  return goes_to[degree][avm_rng_u32 (rng) % 6];
}

static void
make_chord (int tonic, bool minor, int degree, Chord *chord)
{
  const int *scale = minor ? minor_scale : major_scale;

  chord->root = degree;
  chord->leading = -1;
  for (int i = 0; i < 7; i++)
    chord->scale[i] = (tonic + scale[i]) % 12;
  if (degree == 4 || degree == 6) {
    /* harmonic minor over dominants */
    chord->scale[6] = (tonic + 11) % 12;
    chord->leading = chord->scale[6];
  }
  for (int i = 0; i < 3; i++)
    chord->pcs[i] = chord->scale[(degree + 2 * i) % 7];
}

/* Phrases follow the form A A B A C A ...; one letter, one harmony. */
static void
harmonise (Composer *c)
{
  static const char form[] = "AABACADA";
  int slot = 0, phrase = 0;

  while (slot < c->n_slots) {
    char letter = form[phrase % 8];
    int length = c->n_slots - slot < PHRASE_SLOTS + PHRASE_SLOTS / 2
        ? c->n_slots - slot
        : PHRASE_SLOTS;
    bool last = slot + length == c->n_slots;
    bool minor = c->minor;
    int tonic = c->tonic, degree = 0;
    AvmRng rng;

    avm_rng_init (&rng, c->piece, 1000 + (uint64_t)letter);
    if (letter == 'B' || letter == 'D') {
      /* the relative key, or the dominant's */
      if (minor || letter == 'D') {
        tonic = (tonic + (minor ? 3 : 9)) % 12;
        minor = !minor;
      } else {
        tonic = (tonic + 7) % 12;
      }
    }
    for (int i = 0; i < length; i++) {
      if (i > 0)
        degree = next_degree (&rng, degree);
      if (i == length - 2)
        degree = last || phrase % 2 == 1 ? 4 : (degree == 4 ? 3 : degree);
      if (i == length - 1)
        degree = last || phrase % 2 == 1 ? 0 : 4;
      make_chord (tonic, minor, degree, &c->chords[slot + i]);
    }
    slot += length;
    phrase++;
  }
}

static bool
in_chord (const Chord *chord, int pitch)
{
  int pc = pitch % 12;

  return pc == chord->pcs[0] || pc == chord->pcs[1] || pc == chord->pcs[2];
}

static bool
parallel (int a0, int a1, int b0, int b1)
{
  int interval = abs (a1 - b1) % 12;

  return a0 != a1 && b0 != b1 && (interval == 0 || interval == 7)
      && abs (a0 - b0) % 12 == interval;
}

/* What it costs to sing `pitch`, given the voices that are already placed
 * (bit set in `placed`). */
static double
pitch_cost (Composer *c, int slot, int v, int pitch, unsigned placed)
{
  const Chord *chord = &c->chords[slot];
  const int *now = &c->pitches[slot * c->n_parts];
  const int *before = slot > 0 ? now - c->n_parts : NULL;
  double cost = fabs ((double)pitch - c->voice[v].centre) * 0.18;
  int copies = 0;

  if (before != NULL) {
    int step = abs (pitch - before[v]);

    cost += step > 7 ? 2.0 + step * 0.4 : step * 0.25;
    if (step == 0)
      cost += v == c->melody ? 2.0 : 0.4;
  }
  for (int w = 0; w < c->n_parts; w++) {
    if (w == v || (placed >> w & 1) == 0)
      continue;
    if ((w < v && pitch > now[w]) || (w > v && pitch < now[w]))
      cost += 4.0;
    if (pitch == now[w])
      cost += 2.0;
    if (pitch % 12 == now[w] % 12)
      copies++;
    if (before != NULL && parallel (before[v], pitch, before[w], now[w]))
      cost += 5.0;
  }
  cost += copies * (pitch % 12 == chord->leading ? 6.0 : 0.9);
  return cost + avm_rng_uniform (&c->rng) * (v == c->melody ? 2.5 : 1.2);
}

static void
place_voice (Composer *c, int slot, int v, unsigned placed)
{
  const Chord *chord = &c->chords[slot];
  bool bass = v == c->n_parts - 1 && c->n_parts > 1;
  bool cadence =
      slot + 2 >= c->n_slots || slot % PHRASE_SLOTS >= PHRASE_SLOTS - 2;
  double best = INFINITY;
  int chosen = c->voice[v].centre;

  for (int p = c->voice[v].lowest; p <= c->voice[v].highest; p++) {
    double cost;

    if (!in_chord (chord, p))
      continue;
    cost = pitch_cost (c, slot, v, p, placed);
    if (bass && p % 12 != chord->pcs[0])
      cost += cadence || p % 12 == chord->pcs[2] ? 8.0 : 2.0;
    if (v == 0 && slot + 1 == c->n_slots && p % 12 != chord->pcs[0])
      cost += 4.0;
    if (cost < best) {
      best = cost;
      chosen = p;
    }
  }
  c->pitches[slot * c->n_parts + v] = chosen;
}

/* Outer voices first, as it is taught. */
static void
lead_voices (Composer *c)
{
  for (int slot = 0; slot < c->n_slots; slot++) {
    unsigned placed = 0;

    place_voice (c, slot, c->n_parts - 1, placed);
    placed |= 1u << (c->n_parts - 1);
    for (int v = 0; v < c->n_parts - 1; v++) {
      place_voice (c, slot, v, placed);
      placed |= 1u << v;
    }
  }
}

static int
scale_step (const Chord *chord, int pitch, int direction)
{
  for (int p = pitch + direction; abs (p - pitch) <= 4; p += direction) {
    for (int i = 0; i < 7; i++) {
      if (((p % 12) + 12) % 12 == chord->scale[i])
        return p;
    }
  }
  return pitch;
}

static int
chord_step (const Chord *chord, int pitch, int direction)
{
  for (int p = pitch + direction; p > 0 && p < 127; p += direction) {
    if (in_chord (chord, p))
      return p;
  }
  return pitch;
}

/* The notes of one slot of one voice, on the way from `from` to `to`. */
static void
figure_pitches (
    Composer *c, int slot, int v, int from, int to, int n, int *pitches)
{
  const Chord *chord = &c->chords[slot];
  int turn = avm_rng_u32 (&c->rng) & 1 ? 1 : -1;
  bool arpeggio = avm_rng_uniform (&c->rng) < 0.3;

  pitches[0] = from;
  for (int i = 1; i < n; i++) {
    int before = pitches[i - 1], p;
    int direction = to > before ? 1 : to < before ? -1 : turn;

    if (arpeggio)
      p = chord_step (chord, before, i % 2 == 1 ? turn : -turn);
    else if (from == to && i % 2 == 0)
      p = from;
    else
      p = scale_step (chord, before, direction);
    if (abs (to - before) > 2 * (n - i) + 2)
      p = chord_step (chord, before, direction);
    if (p < c->voice[v].lowest || p > c->voice[v].highest)
      p = before;
    pitches[i] = p;
  }
}

static const Rhythm *
choose_rhythm (Composer *c, int activity)
{
  const Rhythm *table = c->slot_beats == 2 ? duple : triple;
  int wanted = activity;
  double u = avm_rng_uniform (&c->rng);

  if (u < 0.25)
    wanted--;
  else if (u > 0.85)
    wanted++;
  wanted = AVM_CLAMP (wanted, 0, 3);
  for (int tries = 0; tries < 64; tries++) {
    const Rhythm *r = &table[avm_rng_u32 (&c->rng) % 8];

    if (r->activity == wanted)
      return r;
  }
  return &table[0];
}

static bool
write_note (Composer *c, int part, double beat, double beats, int pitch,
    double loudness)
{
  double seconds = c->us_per_beat * 1e-6;
  AvmNote note = {.onset = beat * seconds,
      .duration = beats * seconds,
      .onset_beat = beat,
      .duration_beat = beats,
      .pitch = pitch,
      .velocity = (int)lrint (AVM_CLAMP (loudness, 30.0, 120.0)),
      .part = part};

  return avm_score_add_note (c->score, &note);
}

/* How busy a voice is in a phrase: the melody moves, the others mostly hold;
 * -1 is silent. */
static int
phrase_activity (Composer *c, int v, int phrase)
{
  double u = avm_rng_uniform (&c->rng);

  if (v == c->melody)
    return u < 0.12 ? 0 : u < 0.55 ? 1 : u < 0.9 ? 2 : 3;
  if (c->n_parts >= 3 && phrase > 0 && u < 0.12)
    return -1;
  return u < 0.36 ? 0 : u < 0.74 ? 1 : u < 0.92 ? 2 : 3;
}

/* The note that a voice is on: written when the next one comes, because it
 * may be tied to that. */
typedef struct {
  int pitch; /* -1 none */
  double beat, beats, loud;
} Held;

static bool
let_go (Composer *c, int v, Held *held)
{
  bool ok = held->pitch < 0
      || write_note (c, v, held->beat, held->beats, held->pitch, held->loud);

  held->pitch = -1;
  return ok;
}

/* The figure of one slot. */
static bool
figure_slot (
    Composer *c, int slot, int v, const Rhythm *rhythm, double loud, Held *held)
{
  const int *now = &c->pitches[slot * c->n_parts + v];
  int to = slot + 1 < c->n_slots ? now[c->n_parts] : *now;
  double beat = (double)slot * c->slot_beats;
  int pitches[MAX_FIGURE];

  figure_pitches (c, slot, v, *now, to, rhythm->n, pitches);
  for (int i = 0; i < rhythm->n; i++) {
    double beats = rhythm->lengths[i] * 0.5;

    /* a note that is repeated over the beat is held */
    if (i == 0 && held->pitch == pitches[0] && held->beats < 4.0
        && rhythm->lengths[0] >= 2) {
      held->beats += beats;
    } else {
      if (!let_go (c, v, held))
        return false;
      *held = (Held){pitches[i], beat, beats, loud};
    }
    beat += beats;
  }
  return true;
}

/* At the end of a phrase the last note is often cut short. */
static bool
breathe (Composer *c, int slot, int v, Held *held)
{
  bool ends = slot % PHRASE_SLOTS == PHRASE_SLOTS - 1 && slot + 1 < c->n_slots;

  if (!ends || held->pitch < 0 || avm_rng_uniform (&c->rng) >= 0.6
      || held->beats < 1.0)
    return true;
  held->beats -= held->beats >= 2.0 ? 1.0 : 0.5;
  return let_go (c, v, held);
}

static bool
figure_voice (Composer *c, int v)
{
  Held held = {.pitch = -1};
  int activity = 0;

  for (int slot = 0; slot < c->n_slots; slot++) {
    int in_phrase = slot % PHRASE_SLOTS;
    bool last = slot + 1 == c->n_slots;
    double loud = 72.0 + 16.0 * sin (M_PI * in_phrase / PHRASE_SLOTS)
        + (v == c->melody ? 10.0 : 0.0) + avm_rng_range (&c->rng, -4.0, 4.0);
    bool ok;

    if (in_phrase == 0)
      activity = phrase_activity (c, v, slot / PHRASE_SLOTS);
    if (c->n_slots - slot < 4)
      activity = AVM_MAX (activity, 0);
    if (activity < 0) {
      ok = let_go (c, v, &held);
    } else {
      const Rhythm *rhythm = choose_rhythm (c, activity);

      if (last)
        rhythm = c->slot_beats == 2 ? &duple[0] : &triple[0];
      ok = figure_slot (c, slot, v, rhythm, loud, &held)
          && breathe (c, slot, v, &held);
    }
    if (!ok)
      return false;
  }
  return let_go (c, v, &held);
}

static bool
compose (Composer *c, double duration)
{
  double bpm, slot_seconds;
  bool ok = true;

  avm_rng_init (&c->rng, c->piece, 77);
  c->tonic = (int)(avm_rng_u32 (&c->rng) % 12);
  c->minor = avm_rng_uniform (&c->rng) < 0.4;
  c->slot_beats = avm_rng_uniform (&c->rng) < 0.65 ? 2 : 3;
  bpm = floor (avm_rng_range (&c->rng, 66.0, 112.0));
  c->us_per_beat = floor (60e6 / bpm);
  slot_seconds = c->slot_beats * c->us_per_beat * 1e-6;
  c->n_slots = AVM_MAX (4, (int)floor (duration / slot_seconds + 1e-9));
  c->melody = 0;
  for (int v = 0; v < c->n_parts; v++) {
    c->voice[v] = voices[line_ups[c->n_parts - 1][v] - '0'];
    ok = ok
        && avm_score_add_part (
               c->score, c->voice[v].name, c->voice[v].program, v)
            >= 0;
  }
  c->chords = calloc ((size_t)c->n_slots, sizeof (Chord));
  c->pitches = calloc ((size_t)c->n_slots * c->n_parts, sizeof (int));
  ok = ok && c->chords != NULL && c->pitches != NULL
      && avm_score_add_tempo (c->score, 0.0, c->us_per_beat);
  if (ok) {
    harmonise (c);
    lead_voices (c);
    for (int v = 0; ok && v < c->n_parts; v++)
      ok = figure_voice (c, v);
  }
  free (c->chords);
  free (c->pitches);
  return ok;
}

AvmScore *
avm_scorebook_compose (
    uint64_t piece, int n_parts, double duration, AvmError *error)
{
  Composer c = {.n_parts = n_parts, .piece = piece};

  if (n_parts < 1 || n_parts > AVM_SCOREBOOK_MAX_PARTS || !(duration > 0.0)
      || duration > MAX_SECONDS) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "no piece for %d parts of %g seconds", n_parts, duration);
    return NULL;
  }
  c.score = avm_score_new ();
  if (c.score == NULL || !compose (&c, duration)) {
    avm_score_free (c.score);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  avm_score_sort (c.score);
  return c.score;
}
