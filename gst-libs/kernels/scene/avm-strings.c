/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 128
#define TABLE 4096
#define N_LEVELS 21 /* 2^(i / 2) harmonics: 1 .. 1024 */
#define N_MODES 16
#define MAX_VOICES 64
#define N_COMBS 4
#define N_ALLPASSES 2
#define ROOM_LINES (N_COMBS + N_ALLPASSES)
#define ROOM_WARM_UP 1.0 /* s */
#define BEFORE 0.05      /* s that a voice starts before its note */
#define RING 0.25        /* s that a voice goes on after its note */
#define DECAY 0.045      /* s, the string left alone */
#define SLUR 0.012       /* s, half of the change between slurred notes */
#define RISE 0.010       /* s, the sound's rise before its onset is heard */
#define SPEED_1 0.45     /* bow lengths per s: amplitude 1 */

typedef struct {
  const AvmPerformedNote *note;
  const float *table;
  int64_t block; /* the next one */
  double phase;  /* cycles */
  double step;   /* cycles per sample, at the start of the block */
  double amp;    /* there */
  float soft;    /* state of the low-pass */
} Voice;

/* Parallel resonances; b (1 - z^-2) / (1 - a1 z^-1 - a2 z^-2) each */
typedef struct {
  float b[N_MODES], a1[N_MODES], a2[N_MODES];
  float y1[N_MODES], y2[N_MODES];
  float x1, x2;
  float direct;
} Body;

typedef struct {
  float *line;
  size_t n, at;
  float damp;
} RoomLine;

struct AvmStrings {
  const AvmEnsemble *ensemble;
  AvmStringsConfig config;
  const AvmPerformedNote *notes;
  size_t n_notes, next_note;
  float *tables[4][N_LEVELS];
  Voice voices[MAX_VOICES];
  int n_voices;
  Body bodies[AVM_ENSEMBLE_MAX_PLAYERS];
  float gains[AVM_ENSEMBLE_MAX_PLAYERS][2];
  RoomLine room[2][ROOM_LINES];
  int64_t block; /* the next one */
  size_t used;   /* frames already handed out of `out` */
  float out[BLOCK * 2];
  float dry[AVM_ENSEMBLE_MAX_PLAYERS][BLOCK];
  float breath[AVM_ENSEMBLE_MAX_PLAYERS]; /* level of bow noise */
};

void
avm_strings_config_init (AvmStringsConfig *config)
{
  memset (config, 0, sizeof (*config));
  config->rate = 48000;
  config->channels = 2;
  config->part = -1;
  config->reverb = 0.15;
}

/* -- the string ---------------------------------------------------------- */

static double
harmonic (AvmInstrument instrument, int k)
{
  /* the bow's place on the string, as a share of its length */
  static const double place[4] = {0.113, 0.107, 0.097, 0.089};
  double null = fabs (sin (M_PI * k * place[instrument]));

  return (0.35 + 0.65 * null) / k;
}

/* Sum of sines by Clenshaw's recurrence, one sample after another. */
AVM_CLONES static void
fill_table (float *table, AvmInstrument instrument, int n_harmonics)
{
  double twice_cos[TABLE / 2 + 1], b1[TABLE / 2 + 1], b2[TABLE / 2 + 1];

  for (int i = 0; i <= TABLE / 2; i++) {
    twice_cos[i] = 2.0 * cos (2.0 * M_PI * i / TABLE);
    b1[i] = b2[i] = 0.0;
  }
  for (int k = n_harmonics; k >= 1; k--) {
    double a = harmonic (instrument, k);

    for (int i = 0; i <= TABLE / 2; i++) {
      double b = a + twice_cos[i] * b1[i] - b2[i];

      b2[i] = b1[i];
      b1[i] = b;
    }
  }
  for (int i = 0; i <= TABLE / 2; i++) {
    table[i] = (float)(b1[i] * sin (2.0 * M_PI * i / TABLE));
    table[TABLE - i] = -table[i];
  }
}

static int
level_of (const AvmPerformedNote *note, int rate)
{
  double harmonics = 0.47 * rate / (note->hz * 1.04);
  int level = (int)floor (2.0 * log2 (fmax (harmonics, 1.0)));

  return AVM_CLAMP (level, 0, N_LEVELS - 1);
}

static bool
is_mine (const AvmStrings *s, const AvmPerformedNote *note)
{
  return s->config.part < 0 || note->part == s->config.part;
}

static bool
make_tables (AvmStrings *s)
{
  for (size_t i = 0; i < s->n_notes; i++) {
    const AvmPerformedNote *note = &s->notes[i];
    AvmInstrument instrument =
        avm_ensemble_player (s->ensemble, note->seat)->instrument;
    int level = level_of (note, s->config.rate);
    float **table = &s->tables[instrument][level];

    if (*table != NULL || !is_mine (s, note))
      continue;
    *table = avm_alloc (TABLE + 1, sizeof (float));
    if (*table == NULL)
      return false;
    fill_table (*table, instrument, (int)floor (exp2 (level / 2.0)));
  }
  return true;
}

/* A block of the string: phase is quadratic in time, amplitude linear. */
AVM_CLONES static void
read_table (float *restrict out, const float *restrict table, float phase,
    float step, float bend, float amp, float amp_step)
{
  for (int i = 0; i < BLOCK; i++) {
    float x = (float)i;
    float p = phase + x * (step + x * bend);
    float at = (p - floorf (p)) * TABLE;
    int n = (int)at & (TABLE - 1);
    float u = at - (float)n;

    out[i] = (amp + x * amp_step) * (table[n] + u * (table[n + 1] - table[n]));
  }
}

static double
string_step (const AvmStrings *s, const AvmPerformedNote *note, double time)
{
  double equal =
      avm_ensemble_tuning (s->ensemble) * exp2 ((note->pitch - 69.0) / 12.0);

  return equal * exp2 (avm_ensemble_note_cents (s->ensemble, note, time) / 1200)
      / s->config.rate;
}

static double
smoothstep (double x)
{
  x = AVM_CLAMP (x, 0.0, 1.0);
  return x * x * (3.0 - 2.0 * x);
}

/* How strongly the string is driven at that time. */
static double
drive (const AvmStrings *s, const AvmPerformedNote *note, double time)
{
  double heard = time - fmax (note->lag - RISE, 0.0);
  double end = note->onset + note->duration;
  double speed, loud;

  if (heard < note->stroke || (!note->joined && time > end - RISE))
    return 0.0;
  speed = fabs (avm_ensemble_bow_speed (s->ensemble, note->seat, heard));
  loud =
      pow (note->velocity / 90.0, 1.5) * pow (fmin (speed / SPEED_1, 2.5), 0.6);
  return loud
      * (1.0 + 0.12 * avm_ensemble_noise (note->key + 7, time * 4.0)
          + 0.08 * avm_ensemble_noise (note->key + 8, time * 15.0));
}

static double
window (const AvmPerformedNote *note, double time)
{
  double end = note->onset + note->duration, w = 1.0;

  if (note->slurred)
    w *= smoothstep ((time - note->onset + SLUR) / (2.0 * SLUR));
  if (note->joined)
    w *= 1.0 - smoothstep ((time - end + SLUR) / (2.0 * SLUR));
  return w;
}

/* Amplitude at the end of a block: driven, or ringing after the bow left. */
static double
next_amp (const AvmStrings *s, const Voice *v, double time)
{
  double ringing = v->amp * exp (-BLOCK / (DECAY * s->config.rate));

  return fmax (drive (s, v->note, time), ringing);
}

/* -- voices -------------------------------------------------------------- */

static int64_t
first_block (const AvmStrings *s, const AvmPerformedNote *note)
{
  double frame = (note->onset - BEFORE) * s->config.rate;

  return AVM_MAX ((int64_t)floor (frame / BLOCK), 0);
}

static double
block_time (const AvmStrings *s, int64_t block)
{
  return (double)block * BLOCK / s->config.rate;
}

static bool
is_over (const AvmStrings *s, const AvmPerformedNote *note, int64_t block)
{
  return block_time (s, block) > note->onset + note->duration + RING;
}

/* Moves on by a block without a sound; what a seek into a note needs. */
static void
voice_advance (Voice *v, double step, double amp)
{
  double phase = v->phase + 0.5 * BLOCK * (v->step + step);

  v->phase = phase - floor (phase);
  v->step = step;
  v->amp = amp;
  v->block++;
}

static void
voice_skip_to (const AvmStrings *s, Voice *v, int64_t block)
{
  while (v->block < block && !is_over (s, v->note, v->block)) {
    double time = block_time (s, v->block + 1);

    voice_advance (v, string_step (s, v->note, time), next_amp (s, v, time));
  }
}

static void
start_voice (AvmStrings *s, const AvmPerformedNote *note)
{
  const AvmPlayer *player = avm_ensemble_player (s->ensemble, note->seat);
  Voice *v;

  if (s->n_voices == MAX_VOICES) {
    memmove (s->voices, s->voices + 1, (MAX_VOICES - 1) * sizeof (Voice));
    s->n_voices--;
  }
  v = &s->voices[s->n_voices++];
  memset (v, 0, sizeof (*v));
  v->note = note;
  v->table = s->tables[player->instrument][level_of (note, s->config.rate)];
  v->block = first_block (s, note);
  v->phase = (double)(note->key >> 40) / (double)(1 << 24);
  v->step = string_step (s, note, block_time (s, v->block));
  voice_skip_to (s, v, s->block);
}

static void
render_voice (AvmStrings *s, Voice *v)
{
  double t0 = block_time (s, v->block), t1 = block_time (s, v->block + 1);
  double step = string_step (s, v->note, t1), amp = next_amp (s, v, t1);
  double a0 = v->amp * window (v->note, t0), a1 = amp * window (v->note, t1);
  float string[BLOCK], *dry = s->dry[v->note->seat];
  double since = t0 - v->note->stroke - v->note->lag;

  if (a0 + a1 > 1e-5) {
    /* quieter is softer: a one-pole low-pass */
    double corner =
        (2500.0 + 4500.0 * fmin (0.5 * (a0 + a1), 1.5)) / s->config.rate;
    float c = (float)(1.0 - exp (-2.0 * M_PI * corner)), y = v->soft;

    read_table (string, v->table, (float)v->phase, (float)v->step,
        (float)(0.5 * (step - v->step) / BLOCK), (float)a0,
        (float)((a1 - a0) / BLOCK));
    for (int i = 0; i < BLOCK; i++) {
      y += c * (string[i] - y);
      dry[i] += y;
    }
    v->soft = y;
    s->breath[v->note->seat] += (float)(a1 * 0.03);
    if (!v->note->slurred && since < 0.12)
      s->breath[v->note->seat] +=
          (float)(0.12 * a1 * exp (-fmax (since, 0.0) / 0.025));
  }
  voice_advance (v, step, amp);
}

/* -- body ---------------------------------------------------------------- */

static void
body_init (Body *body, AvmInstrument instrument, uint64_t seed, int rate)
{
  /* Hz and dB of a violin; the others are larger */
  static const double hz[N_MODES] = {275, 405, 462, 541, 690, 930, 1180, 1480,
      1830, 2240, 2650, 3150, 3800, 4700, 5900, 7400};
  static const double db[N_MODES] = {
      0, -7, 0, 2, -4, -3, -6, -4, -3, 0, 1, -1, -5, -9, -13, -17};
  static const double size[4] = {1.0, 0.78, 0.42, 0.27};
  AvmRng rng;

  avm_rng_init (&rng, seed, 400);
  memset (body, 0, sizeof (*body));
  body->direct = 0.22f;
  for (int m = 0; m < N_MODES; m++) {
    double scale = m < 5 ? size[instrument] : sqrt (size[instrument]);
    double f = hz[m] * scale * avm_rng_range (&rng, 0.94, 1.06);
    double q = avm_rng_range (&rng, 9.0, 18.0) / (1.0 + m * 0.06);
    double gain = pow (10.0, (db[m] + avm_rng_range (&rng, -3.0, 3.0)) / 20.0);
    double w = 2.0 * M_PI * f / rate, r = exp (-0.5 * w / q);

    /* no resonance that the rate cannot hold */
    if (w > 0.9 * M_PI)
      continue;
    body->b[m] = (float)(gain * 0.5 * (1.0 - r * r) * (m & 1 ? -1.0 : 1.0));
    body->a1[m] = (float)(2.0 * r * cos (w));
    body->a2[m] = (float)(-r * r);
  }
}

AVM_CLONES static void
body_filter (Body *restrict body, float *restrict x)
{
  float x1 = body->x1, x2 = body->x2;

  for (int i = 0; i < BLOCK; i++) {
    float d = x[i] - x2, y[N_MODES], sum;

    for (int m = 0; m < N_MODES; m++) {
      y[m] = body->b[m] * d + body->a1[m] * body->y1[m]
          + body->a2[m] * body->y2[m];
      body->y2[m] = body->y1[m];
      body->y1[m] = y[m];
    }
    for (int m = 0; m < 8; m++)
      y[m] += y[m + 8];
    for (int m = 0; m < 4; m++)
      y[m] += y[m + 4];
    sum = (y[0] + y[2]) + (y[1] + y[3]);
    x2 = x1;
    x1 = x[i];
    x[i] = body->direct * x1 + sum;
  }
  body->x1 = x1;
  body->x2 = x2;
}

/* -- room ---------------------------------------------------------------- */

static bool
room_init (AvmStrings *s)
{
  static const double ms[ROOM_LINES] = {29.7, 37.1, 41.1, 43.7, 5.03, 1.67};

  for (int c = 0; c < s->config.channels; c++) {
    for (int i = 0; i < ROOM_LINES; i++) {
      RoomLine *l = &s->room[c][i];

      l->n = (size_t)AVM_MAX ((ms[i] + 0.53 * c) * 1e-3 * s->config.rate, 1.0);
      l->line = avm_alloc (l->n, sizeof (float));
      if (l->line == NULL)
        return false;
    }
  }
  return true;
}

static void
comb (RoomLine *l, const float *in, float *out, int stride)
{
  for (int i = 0; i < BLOCK; i++) {
    float y = l->line[l->at];

    l->damp = 0.7f * y + 0.3f * l->damp;
    l->line[l->at] = in[i * stride] + 0.74f * l->damp;
    l->at = l->at + 1 == l->n ? 0 : l->at + 1;
    out[i] += y;
  }
}

static void
allpass (RoomLine *l, float *x)
{
  for (int i = 0; i < BLOCK; i++) {
    float held = l->line[l->at], in = x[i] + 0.6f * held;

    x[i] = held - 0.6f * in;
    l->line[l->at] = in;
    l->at = l->at + 1 == l->n ? 0 : l->at + 1;
  }
}

static void
add_room (AvmStrings *s)
{
  int channels = s->config.channels;
  float wet = (float)(0.5 * s->config.reverb);

  for (int c = 0; c < channels; c++) {
    float tail[BLOCK] = {0};

    for (int i = 0; i < N_COMBS; i++)
      comb (&s->room[c][i], s->out + c, tail, channels);
    for (int i = N_COMBS; i < ROOM_LINES; i++)
      allpass (&s->room[c][i], tail);
    for (int i = 0; i < BLOCK; i++)
      s->out[i * channels + c] += wet * tail[i];
  }
}

/* -- mixing -------------------------------------------------------------- */

static void
noise_init (const AvmStrings *s, AvmRng *rng, int stream)
{
  avm_rng_init (rng, s->config.seed ^ ((uint64_t)s->block << 20),
      2000 + (uint64_t)stream);
}

/* sd 1, from two uniform numbers: near enough to normal, and cheap */
static float
noise_next (AvmRng *rng)
{
  uint32_t u = avm_rng_u32 (rng);

  return ((float)(u & 0xffff) + (float)(u >> 16) - 65535.0f) * 3.7379e-5f;
}

static void
add_bow_noise (AvmStrings *s, int seat)
{
  AvmRng rng;
  float level = s->breath[seat];

  if (level <= 0.0f)
    return;
  noise_init (s, &rng, seat);
  for (int i = 0; i < BLOCK; i++)
    s->dry[seat][i] += level * noise_next (&rng);
}

static void
add_hiss (AvmStrings *s)
{
  AvmRng rng;
  float level = (float)s->config.noise;

  if (level <= 0.0f)
    return;
  noise_init (s, &rng, 16 + s->config.part + 1);
  for (int i = 0; i < BLOCK * s->config.channels; i++)
    s->out[i] += level * noise_next (&rng);
}

/* Straight up to 0.7, then bent so that it stays below 1. */
static void
limit (float *x, int n)
{
  for (int i = 0; i < n; i++) {
    float a = fabsf (x[i]), over = a - 0.7f;

    if (over > 0.0f)
      x[i] = copysignf (0.7f + 0.3f * over / (over + 0.3f), x[i]);
  }
}

static void
mix_players (AvmStrings *s)
{
  int channels = s->config.channels;

  for (int p = 0; p < avm_ensemble_n_players (s->ensemble); p++) {
    if (s->config.part >= 0
        && avm_ensemble_player (s->ensemble, p)->part != s->config.part)
      continue;
    add_bow_noise (s, p);
    body_filter (&s->bodies[p], s->dry[p]);
    for (int c = 0; c < channels; c++) {
      float gain = s->gains[p][c];

      for (int i = 0; i < BLOCK; i++)
        s->out[i * channels + c] += gain * s->dry[p][i];
    }
  }
}

static void
render_block (AvmStrings *s)
{
  int n = 0;

  memset (s->out, 0, sizeof (s->out));
  memset (s->dry, 0, sizeof (s->dry));
  memset (s->breath, 0, sizeof (s->breath));
  while (s->next_note < s->n_notes
      && first_block (s, &s->notes[s->next_note]) <= s->block) {
    const AvmPerformedNote *note = &s->notes[s->next_note++];

    if (is_mine (s, note) && !is_over (s, note, s->block))
      start_voice (s, note);
  }
  for (int i = 0; i < s->n_voices; i++) {
    render_voice (s, &s->voices[i]);
    if (!is_over (s, s->voices[i].note, s->voices[i].block))
      s->voices[n++] = s->voices[i];
  }
  s->n_voices = n;
  mix_players (s);
  add_room (s);
  add_hiss (s);
  limit (s->out, BLOCK * s->config.channels);
  s->block++;
}

AvmStrings *
avm_strings_new (const AvmEnsemble *ensemble, const AvmStringsConfig *config,
    AvmError *error)
{
  AvmStrings *s;
  int n = avm_ensemble_n_players (ensemble);

  if (config->rate < 4000 || config->rate > 384000 || config->channels < 1
      || config->channels > 2 || !(config->noise >= 0.0)
      || !(config->reverb >= 0.0)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1, "rate %d, %d channels",
        config->rate, config->channels);
    return NULL;
  }
  s = calloc (1, sizeof (AvmStrings));
  if (s != NULL) {
    s->ensemble = ensemble;
    s->config = *config;
    s->notes = avm_ensemble_notes (ensemble, &s->n_notes);
    s->used = BLOCK;
  }
  if (s == NULL || !make_tables (s) || !room_init (s)) {
    avm_strings_free (s);
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
    return NULL;
  }
  for (int p = 0; p < n; p++) {
    double pan = n > 1 ? 1.4 * p / (n - 1) - 0.7 : 0.0;
    double angle = (pan + 1.0) * M_PI / 4.0, level = 0.32 / sqrt (n);

    if (config->channels == 1) {
      s->gains[p][0] = (float)level;
    } else {
      s->gains[p][0] = (float)(level * M_SQRT2 * cos (angle));
      s->gains[p][1] = (float)(level * M_SQRT2 * sin (angle));
    }
  }
  avm_strings_seek (s, 0);
  return s;
}

void
avm_strings_free (AvmStrings *s)
{
  if (s == NULL)
    return;
  for (int i = 0; i < 4; i++) {
    for (int l = 0; l < N_LEVELS; l++)
      avm_free (s->tables[i][l]);
  }
  for (int c = 0; c < 2; c++) {
    for (int i = 0; i < ROOM_LINES; i++)
      avm_free (s->room[c][i].line);
  }
  free (s);
}

void
avm_strings_seek (AvmStrings *s, int64_t frame)
{
  int64_t target, warm_up;

  frame = AVM_MAX (frame, 0);
  target = frame / BLOCK;
  warm_up = (int64_t)(ROOM_WARM_UP * s->config.rate / BLOCK) + 1;
  s->block = AVM_MAX (target - warm_up, 0);
  s->n_voices = 0;
  s->next_note = 0;
  for (int p = 0; p < avm_ensemble_n_players (s->ensemble); p++)
    body_init (&s->bodies[p], avm_ensemble_player (s->ensemble, p)->instrument,
        s->config.seed * 16 + (uint64_t)p, s->config.rate);
  for (int c = 0; c < s->config.channels; c++) {
    for (int i = 0; i < ROOM_LINES; i++) {
      RoomLine *l = &s->room[c][i];

      memset (l->line, 0, l->n * sizeof (float));
      l->at = 0;
      l->damp = 0.0f;
    }
  }
  while (s->block < target)
    render_block (s);
  s->used = BLOCK;
  if (frame % BLOCK > 0) {
    render_block (s);
    s->used = (size_t)(frame % BLOCK);
  }
}

void
avm_strings_render (AvmStrings *s, float *out, size_t n_frames)
{
  size_t channels = (size_t)s->config.channels;
  unsigned ftz = avm_ftz_enable ();

  while (n_frames > 0) {
    size_t n;

    if (s->used == BLOCK) {
      render_block (s);
      s->used = 0;
    }
    n = AVM_MIN (BLOCK - s->used, n_frames);
    memcpy (out, s->out + s->used * channels, n * channels * sizeof (float));
    out += n * channels;
    s->used += n;
    n_frames -= n;
  }
  avm_ftz_restore (ftz);
}

void
avm_strings_render_s16 (AvmStrings *s, int16_t *out, size_t n_frames)
{
  size_t channels = (size_t)s->config.channels;
  float piece[BLOCK * 2];

  while (n_frames > 0) {
    size_t n = AVM_MIN (n_frames, BLOCK);

    avm_strings_render (s, piece, n);
    for (size_t i = 0; i < n * channels; i++)
      out[i] = (int16_t)lrintf (32767.0f * piece[i]);
    out += n * channels;
    n_frames -= n;
  }
}
