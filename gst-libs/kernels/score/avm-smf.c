/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading goes in two passes: the tracks give notes and tempo changes in
 * ticks; when the whole tempo map is known they become beats and seconds.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "score/avm-smf.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)32 << 20)
#define WRITE_DIVISION 480
#define DEFAULT_TEMPO 500000
#define MAX_TEMPO 0xffffff
#define MAX_VLQ 0x0fffffff
#define SMPTE_US_PER_BEAT 500000.0

typedef struct {
  int64_t on, off; /* ticks; off < 0: still sounding */
  int32_t next;    /* younger note on the same key, -1 none */
  int track;
  uint8_t channel, pitch, velocity;
} RawNote;

typedef struct {
  int64_t tick;
  size_t order;
  uint32_t us_per_beat;
} RawTempo;

typedef struct {
  char *name;
  int program[16];
  bool used[16];
  int64_t end; /* ticks */
} RawTrack;

typedef struct {
  const uint8_t *data;
  size_t size;
  AvmError *error;

  int format, n_tracks;
  double ticks_per_beat;
  bool smpte;

  RawNote *notes;
  size_t n_notes, notes_capacity;
  RawTempo *tempos;
  size_t n_tempos, tempos_capacity;
  RawTrack *tracks;
  int n_read;
} Reader;

typedef struct {
  size_t at, end;
  int64_t tick;
  int status;
  int32_t oldest[16][128], youngest[16][128];
} Cursor;

static bool
grow (void **array, size_t n, size_t *capacity, size_t size)
{
  size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
  void *grown;

  if (n < *capacity)
    return true;
  grown = realloc (*array, wanted * size);
  if (grown == NULL)
    return false;
  *array = grown;
  *capacity = wanted;
  return true;
}

static uint32_t
be (const uint8_t *p, int bytes)
{
  uint32_t value = 0;

  for (int i = 0; i < bytes; i++)
    value = value << 8 | p[i];
  return value;
}

static bool
out_of_memory (Reader *r)
{
  return avm_error_set (r->error, AVM_ERROR_MEMORY, -1, "out of memory");
}

/* -- names ---------------------------------------------------------------- */

/* Length of the UTF-8 sequence at p, 0 when it is none. */
static size_t
utf8_length (const uint8_t *p, size_t left)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t n = p[0] < 0x80      ? 1
      : (p[0] & 0xe0) == 0xc0 ? 2
      : (p[0] & 0xf0) == 0xe0 ? 3
      : (p[0] & 0xf8) == 0xf0 ? 4
                              : 0;
  uint32_t code;

  if (n < 2)
    return n;
  if (n > left)
    return 0;
  code = p[0] & (0x7f >> n);
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (p[i] & 0x3f);
  }
  if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return 0;
  return n;
}

/* Names have no stated encoding: UTF-8 if they are, ISO 8859-1 otherwise. */
static char *
make_name (const uint8_t *p, size_t n)
{
  bool utf8 = true;
  char *name = malloc (2 * n + 1);
  size_t out = 0, length;

  if (name == NULL)
    return NULL;
  for (size_t i = 0; i < n && utf8; i += length) {
    length = utf8_length (p + i, n - i);
    utf8 = length > 0;
  }
  for (size_t i = 0; i < n; i++) {
    if (p[i] < 0x20 || p[i] == 0x7f) {
      continue;
    } else if (utf8 || p[i] < 0x80) {
      name[out++] = (char)p[i];
    } else {
      name[out++] = (char)(0xc0 | p[i] >> 6);
      name[out++] = (char)(0x80 | (p[i] & 0x3f));
    }
  }
  name[out] = '\0';
  return name;
}

/* -- events --------------------------------------------------------------- */

static bool
read_vlq (Reader *r, Cursor *c, uint32_t *value)
{
  size_t start = c->at;

  *value = 0;
  for (int i = 0; i < 4; i++) {
    if (c->at >= c->end)
      return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
          "a variable-length number runs over the end of its track");
    *value = *value << 7 | (r->data[c->at] & 0x7f);
    if ((r->data[c->at++] & 0x80) == 0)
      return true;
  }
  return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
      "a variable-length number has more than four bytes");
}

static bool
note_on (Reader *r, Cursor *c, int track, int channel, int pitch, int velocity)
{
  int32_t index = (int32_t)r->n_notes;
  RawNote *note;

  if (!grow (
          (void **)&r->notes, r->n_notes, &r->notes_capacity, sizeof (RawNote)))
    return out_of_memory (r);
  note = &r->notes[r->n_notes++];
  note->on = c->tick;
  note->off = -1;
  note->next = -1;
  note->track = track;
  note->channel = (uint8_t)channel;
  note->pitch = (uint8_t)pitch;
  note->velocity = (uint8_t)velocity;
  if (c->oldest[channel][pitch] < 0)
    c->oldest[channel][pitch] = index;
  else
    r->notes[c->youngest[channel][pitch]].next = index;
  c->youngest[channel][pitch] = index;
  r->tracks[track].used[channel] = true;
  return true;
}

/* A key pressed twice is let go first come, first served. */
static void
note_off (Reader *r, Cursor *c, int channel, int pitch)
{
  int32_t index = c->oldest[channel][pitch];

  if (index < 0)
    return;
  r->notes[index].off = c->tick;
  c->oldest[channel][pitch] = r->notes[index].next;
}

static bool
add_tempo (Reader *r, int64_t tick, uint32_t us_per_beat)
{
  if (!grow ((void **)&r->tempos, r->n_tempos, &r->tempos_capacity,
          sizeof (RawTempo)))
    return out_of_memory (r);
  r->tempos[r->n_tempos] = (RawTempo){tick, r->n_tempos, us_per_beat};
  r->n_tempos++;
  return true;
}

static bool
read_meta (Reader *r, Cursor *c, int track, bool *ended)
{
  size_t start = c->at - 1;
  uint32_t length;
  int type;

  if (c->at >= c->end)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
        "a meta event runs over the end of its track");
  type = r->data[c->at++];
  if (!read_vlq (r, c, &length))
    return false;
  if (length > c->end - c->at)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
        "a meta event of %u bytes runs over the end of its track", length);
  if (type == 0x2f) {
    *ended = true;
  } else if (type == 0x03 && r->tracks[track].name == NULL) {
    r->tracks[track].name = make_name (r->data + c->at, length);
    if (r->tracks[track].name == NULL)
      return out_of_memory (r);
  } else if (type == 0x51) {
    uint32_t us = length == 3 ? be (r->data + c->at, 3) : 0;

    if (us == 0)
      return avm_error_set (
          r->error, AVM_ERROR_CORRUPT, (int64_t)start, "a tempo of no length");
    if (!add_tempo (r, c->tick, us))
      return false;
  }
  c->at += length;
  return true;
}

static bool
read_sysex (Reader *r, Cursor *c)
{
  size_t start = c->at - 1;
  uint32_t length;

  if (!read_vlq (r, c, &length))
    return false;
  if (length > c->end - c->at)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
        "a system exclusive event of %u bytes runs over the end of its track",
        length);
  c->at += length;
  return true;
}

static bool
read_channel_event (Reader *r, Cursor *c, int track)
{
  size_t start = c->at;
  int type = c->status >> 4, channel = c->status & 0x0f;
  size_t length = type == 0xc || type == 0xd ? 1 : 2;
  const uint8_t *p = r->data + c->at;

  if (length > c->end - c->at)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)start,
        "a channel event runs over the end of its track");
  for (size_t i = 0; i < length; i++) {
    if (p[i] > 0x7f)
      return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)(start + i),
          "data byte 0x%02x out of range", p[i]);
  }
  c->at += length;
  if (type == 0x9 && p[1] > 0)
    return note_on (r, c, track, channel, p[0], p[1]);
  if (type == 0x8 || type == 0x9)
    note_off (r, c, channel, p[0]);
  else if (type == 0xc && r->tracks[track].program[channel] < 0)
    r->tracks[track].program[channel] = p[0];
  return true;
}

static bool
read_event (Reader *r, Cursor *c, int track, bool *ended)
{
  uint32_t delta;
  int byte;

  if (!read_vlq (r, c, &delta))
    return false;
  c->tick += delta;
  if (c->at >= c->end)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)c->at,
        "a track ends after a delta time");
  byte = r->data[c->at];
  if (byte == 0xff) {
    c->at++;
    return read_meta (r, c, track, ended);
  }
  if (byte == 0xf0 || byte == 0xf7) {
    c->at++;
    return read_sysex (r, c);
  }
  if (byte > 0xf0)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)c->at,
        "status 0x%02x has no place in a file", byte);
  if (byte >= 0x80) {
    /* Strictly, meta and system exclusive events cancel running status; many
     * writers do not know, so it is kept over them. */
    c->status = byte;
    c->at++;
  } else if (c->status == 0) {
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, (int64_t)c->at,
        "data byte 0x%02x without a status", byte);
  }
  return read_channel_event (r, c, track);
}

static bool
read_track (Reader *r, Cursor *c, size_t at, size_t end, int64_t tick)
{
  int track = r->n_read++;
  bool ended = false;

  memset (c->oldest, 0xff, sizeof (c->oldest));
  c->at = at;
  c->end = end;
  c->tick = tick;
  c->status = 0;
  for (int i = 0; i < 16; i++)
    r->tracks[track].program[i] = -1;
  /* a pattern does not inherit the tempo of the one before */
  if (r->format == 2 && tick > 0 && !add_tempo (r, tick, DEFAULT_TEMPO))
    return false;
  while (!ended && c->at < c->end) {
    if (!read_event (r, c, track, &ended))
      return false;
  }
  r->tracks[track].end = c->tick;
  for (int channel = 0; channel < 16; channel++) {
    for (int pitch = 0; pitch < 128; pitch++) {
      while (c->oldest[channel][pitch] >= 0)
        note_off (r, c, channel, pitch);
    }
  }
  return true;
}

/* -- chunks --------------------------------------------------------------- */

static bool
read_division (Reader *r)
{
  uint32_t division = be (r->data + 12, 2);

  if ((division & 0x8000) == 0) {
    if (division == 0)
      return avm_error_set (r->error, AVM_ERROR_CORRUPT, 12,
          "a division of no ticks per quarter note");
    r->ticks_per_beat = division;
  } else {
    int frames = 256 - (int)(division >> 8);
    double rate = frames == 29 ? 30000.0 / 1001.0 : frames;

    if ((frames != 24 && frames != 25 && frames != 29 && frames != 30)
        || (division & 0xff) == 0)
      return avm_error_set (
          r->error, AVM_ERROR_CORRUPT, 12, "SMPTE division 0x%04x", division);
    r->smpte = true;
    r->ticks_per_beat = rate * (division & 0xff) * SMPTE_US_PER_BEAT * 1e-6;
  }
  return true;
}

static bool
read_header (Reader *r, size_t *at)
{
  uint32_t length;

  if (r->size < 4 || memcmp (r->data, "MThd", 4) != 0)
    return avm_error_set (
        r->error, AVM_ERROR_FORMAT, 0, "does not begin with MThd");
  if (r->size < 14)
    return avm_error_set (r->error, AVM_ERROR_TRUNCATED, (int64_t)r->size,
        "ends inside the header");
  length = be (r->data + 4, 4);
  if (length < 6)
    return avm_error_set (r->error, AVM_ERROR_CORRUPT, 4,
        "a header of %u bytes instead of 6", length);
  if (length > r->size - 8)
    return avm_error_set (r->error, AVM_ERROR_TRUNCATED, (int64_t)r->size,
        "ends inside a header of %u bytes", length);
  r->format = (int)be (r->data + 8, 2);
  r->n_tracks = (int)be (r->data + 10, 2);
  if (r->format > 2)
    return avm_error_set (
        r->error, AVM_ERROR_UNSUPPORTED, 8, "format %d", r->format);
  if (r->n_tracks == 0)
    return avm_error_set (r->error, AVM_ERROR_EMPTY, 10, "no tracks");
  *at = 8 + (size_t)length;
  return read_division (r);
}

static bool
read_chunks (Reader *r, size_t at)
{
  Cursor *c = malloc (sizeof (Cursor));
  int64_t tick = 0;
  bool ok = c != NULL || out_of_memory (r);

  while (ok && r->n_read < r->n_tracks) {
    size_t left = r->size - at;
    uint32_t length;

    if (left < 8) {
      ok = avm_error_set (r->error, AVM_ERROR_TRUNCATED, (int64_t)r->size,
          "ends after %d of %d tracks", r->n_read, r->n_tracks);
      break;
    }
    length = be (r->data + at + 4, 4);
    if (length > left - 8) {
      ok = avm_error_set (r->error, AVM_ERROR_TRUNCATED, (int64_t)r->size,
          "ends %llu bytes into a chunk of %u bytes that begins at byte %llu",
          (unsigned long long)left - 8, length, (unsigned long long)at);
      break;
    }
    if (memcmp (r->data + at, "MTrk", 4) == 0) {
      ok = read_track (r, c, at + 8, at + 8 + length, tick);
      if (r->format == 2)
        tick = r->tracks[r->n_read - 1].end;
    }
    at += 8 + (size_t)length;
  }
  free (c);
  return ok;
}

/* -- ticks become a score ------------------------------------------------- */

static int
compare_tempos (const void *pa, const void *pb)
{
  const RawTempo *a = pa, *b = pb;

  if (a->tick != b->tick)
    return a->tick < b->tick ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static bool
build_tempos (Reader *r, AvmScore *score)
{
  if (r->smpte || r->n_tempos == 0)
    return true;
  qsort (r->tempos, r->n_tempos, sizeof (RawTempo), compare_tempos);
  for (size_t i = 0; i < r->n_tempos; i++) {
    if (!avm_score_add_tempo (score,
            (double)r->tempos[i].tick / r->ticks_per_beat,
            r->tempos[i].us_per_beat))
      return out_of_memory (r);
  }
  avm_score_sort (score);
  return true;
}

/* The first program of the channels with notes; the channel if it is one. */
static bool
add_track_part (Reader *r, AvmScore *score, const RawTrack *track)
{
  int program = -1, channel = -1, n_channels = 0;

  for (int i = 0; i < 16; i++) {
    if (!track->used[i])
      continue;
    n_channels++;
    channel = n_channels == 1 ? i : -1;
    if (program < 0)
      program = track->program[i];
  }
  return avm_score_add_part (score, track->name, program, channel) >= 0
      || out_of_memory (r);
}

static bool
build_parts (Reader *r, AvmScore *score, int *part_of)
{
  for (int i = 0; i < r->n_tracks * 16; i++)
    part_of[i] = -1;
  if (r->format == 1) {
    for (int t = 0; t < r->n_tracks; t++) {
      bool any = false;

      for (int i = 0; i < 16; i++)
        any |= r->tracks[t].used[i];
      if (!any)
        continue;
      for (int i = 0; i < 16; i++)
        part_of[t * 16 + i] = (int)score->n_parts;
      if (!add_track_part (r, score, &r->tracks[t]))
        return false;
    }
    return true;
  }
  for (int i = 0; i < 16; i++) {
    int program = -1, first = -1, n_channels = 0;

    for (int t = r->n_tracks - 1; t >= 0; t--) {
      if (r->tracks[t].used[i]) {
        part_of[t * 16 + i] = (int)score->n_parts;
        first = t;
      }
      if (r->tracks[t].program[i] >= 0)
        program = r->tracks[t].program[i];
    }
    if (first < 0)
      continue;
    for (int k = 0; k < 16; k++)
      n_channels += r->tracks[first].used[k];
    /* a lone channel goes by the name of its track */
    if (avm_score_add_part (
            score, n_channels == 1 ? r->tracks[first].name : NULL, program, i)
        < 0)
      return out_of_memory (r);
  }
  return true;
}

static bool
build_notes (Reader *r, AvmScore *score, const int *part_of)
{
  for (size_t i = 0; i < r->n_notes; i++) {
    const RawNote *raw = &r->notes[i];
    /* a grace note of no length is still a note */
    int64_t ticks = AVM_MAX (raw->off - raw->on, 1);
    AvmNote note;

    note.onset_beat = (double)raw->on / r->ticks_per_beat;
    note.duration_beat = (double)ticks / r->ticks_per_beat;
    note.onset = avm_score_beat_to_time (score, note.onset_beat);
    note.duration =
        avm_score_beat_to_time (score, note.onset_beat + note.duration_beat)
        - note.onset;
    note.pitch = raw->pitch;
    note.velocity = raw->velocity;
    note.part = part_of[raw->track * 16 + raw->channel];
    if (!(note.duration > 0.0))
      note.duration = 1e-6;
    if (!avm_score_add_note (score, &note))
      return out_of_memory (r);
  }
  return true;
}

static AvmScore *
build_score (Reader *r)
{
  AvmScore *score = avm_score_new ();
  int *part_of = malloc ((size_t)r->n_tracks * 16 * sizeof (int));
  bool ok = (score != NULL && part_of != NULL) || out_of_memory (r);

  ok = ok && build_tempos (r, score) && build_parts (r, score, part_of)
      && build_notes (r, score, part_of);
  free (part_of);
  if (!ok) {
    avm_score_free (score);
    return NULL;
  }
  avm_score_sort (score);
  return score;
}

AvmScore *
avm_smf_parse (const uint8_t *data, size_t size, AvmError *error)
{
  Reader r = {.data = data, .size = size, .error = error};
  AvmScore *score = NULL;
  size_t at;

  if (size > MAX_FILE) {
    avm_error_set (error, AVM_ERROR_RANGE, (int64_t)MAX_FILE,
        "larger than %zu MB", MAX_FILE >> 20);
    return NULL;
  }
  if (!read_header (&r, &at))
    return NULL;
  r.tracks = calloc ((size_t)r.n_tracks, sizeof (RawTrack));
  if (r.tracks == NULL)
    out_of_memory (&r);
  else if (read_chunks (&r, at))
    score = build_score (&r);
  if (score != NULL && score->n_notes == 0) {
    avm_score_free (score);
    score = NULL;
    avm_error_set (
        error, AVM_ERROR_EMPTY, -1, "no notes in %d tracks", r.n_tracks);
  }
  for (int i = 0; i < r.n_read; i++)
    free (r.tracks[i].name);
  free (r.tracks);
  free (r.notes);
  free (r.tempos);
  return score;
}

AvmScore *
avm_smf_read (const char *path, AvmError *error)
{
  FILE *f = fopen (path, "rb");
  uint8_t *data = NULL;
  size_t size = 0, capacity = 0, got = 0;
  AvmScore *score = NULL;

  if (f == NULL) {
    avm_error_set (error, AVM_ERROR_OPEN, -1, "%s", strerror (errno));
    return NULL;
  }
  do {
    size += got;
    if (!grow ((void **)&data, size, &capacity, 1)) {
      avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
      goto out;
    }
    got = fread (data + size, 1, capacity - size, f);
  } while (got > 0 && size <= MAX_FILE);
  if (ferror (f))
    avm_error_set (
        error, AVM_ERROR_OPEN, (int64_t)size, "%s", strerror (errno));
  else
    score = avm_smf_parse (data, size, error);
out:
  fclose (f);
  free (data);
  return score;
}

/* -- writer --------------------------------------------------------------- */

typedef struct {
  uint8_t *data;
  size_t size, capacity;
  size_t track; /* where the running track's length stands */
  int64_t tick;
  bool failed;
} Writer;

typedef struct {
  int64_t tick;
  bool on;
  uint8_t pitch, velocity;
} KeyEvent;

static void
put (Writer *w, const void *bytes, size_t n)
{
  while (!w->failed && w->size + n > w->capacity)
    w->failed = !grow ((void **)&w->data, w->capacity, &w->capacity, 1);
  if (w->failed)
    return;
  if (n > 0)
    memcpy (w->data + w->size, bytes, n);
  w->size += n;
}

static void
put_be (Writer *w, uint32_t value, int bytes)
{
  for (int i = bytes - 1; i >= 0; i--) {
    uint8_t byte = (uint8_t)(value >> (8 * i));

    put (w, &byte, 1);
  }
}

static void
put_vlq (Writer *w, uint32_t value)
{
  int groups = 1;

  while (groups < 4 && value >> (7 * groups) != 0)
    groups++;
  for (int i = groups - 1; i >= 0; i--)
    put_be (w, ((value >> (7 * i)) & 0x7f) | (i > 0 ? 0x80 : 0), 1);
}

static void
put_delta (Writer *w, int64_t tick)
{
  put_vlq (w, (uint32_t)(tick - w->tick));
  w->tick = tick;
}

static void
begin_track (Writer *w)
{
  put (w, "MTrk", 4);
  w->track = w->size;
  w->tick = 0;
  put_be (w, 0, 4);
}

static void
end_track (Writer *w)
{
  size_t length;

  put (w, "\0\xff\x2f\0", 4);
  if (w->failed)
    return;
  length = w->size - w->track - 4;
  for (int i = 0; i < 4; i++)
    w->data[w->track + (size_t)i] = (uint8_t)(length >> (8 * (3 - i)));
}

static void
put_meta (Writer *w, int type, const void *bytes, size_t n)
{
  put_be (w, 0xff, 1);
  put_be (w, (uint32_t)type, 1);
  put_vlq (w, (uint32_t)n);
  put (w, bytes, n);
}

static void
put_tempo_track (Writer *w, const AvmScore *score)
{
  begin_track (w);
  for (size_t i = 0; i < score->n_tempos; i++) {
    double us = AVM_CLAMP (score->tempos[i].us_per_beat, 1.0, MAX_TEMPO);
    uint32_t value = (uint32_t)lrint (us);
    uint8_t bytes[3] = {
        (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

    put_delta (w, llrint (score->tempos[i].beat * WRITE_DIVISION));
    put_meta (w, 0x51, bytes, 3);
  }
  end_track (w);
}

/* At one tick keys are let go before they are pressed. */
static int
compare_keys (const void *pa, const void *pb)
{
  const KeyEvent *a = pa, *b = pb;

  if (a->tick != b->tick)
    return a->tick < b->tick ? -1 : 1;
  if (a->on != b->on)
    return a->on ? 1 : -1;
  return a->pitch - b->pitch;
}

static size_t
collect_keys (const AvmScore *score, int part, KeyEvent *keys)
{
  size_t n = 0;

  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];
    int64_t on, off;

    if (note->part != part)
      continue;
    on = llrint (note->onset_beat * WRITE_DIVISION);
    off = llrint ((note->onset_beat + note->duration_beat) * WRITE_DIVISION);
    keys[n++] = (KeyEvent){on, true, (uint8_t)note->pitch,
        (uint8_t)AVM_CLAMP (note->velocity, 1, 127)};
    keys[n++] =
        (KeyEvent){AVM_MAX (off, on + 1), false, (uint8_t)note->pitch, 0};
  }
  if (n > 0)
    qsort (keys, n, sizeof (KeyEvent), compare_keys);
  return n;
}

static void
put_part (Writer *w, const AvmScore *score, int part, KeyEvent *keys)
{
  const AvmPart *p = &score->parts[part];
  /* parts without a channel share the fifteen that are not percussion */
  int spare = part % 15;
  int channel = p->channel >= 0 ? p->channel & 0x0f : spare + (spare >= 9);
  size_t n = collect_keys (score, part, keys);

  begin_track (w);
  if (p->name[0] != '\0') {
    put_delta (w, 0);
    put_meta (w, 0x03, p->name, strlen (p->name));
  }
  if (p->program >= 0) {
    put_delta (w, 0);
    put_be (w, 0xc0 | (uint32_t)channel, 1);
    put_be (w, (uint32_t)p->program & 0x7f, 1);
  }
  for (size_t i = 0; i < n; i++) {
    put_delta (w, keys[i].tick);
    if (i == 0)
      put_be (w, 0x90 | (uint32_t)channel, 1);
    put_be (w, keys[i].pitch, 1);
    put_be (w, keys[i].velocity, 1);
  }
  end_track (w);
}

/* The writer's only limits: times of at most MAX_VLQ ticks, 65535 tracks. */
static bool
check_score (const AvmScore *score, AvmError *error)
{
  const double latest = (double)MAX_VLQ / WRITE_DIVISION - 1.0;

  if (score->n_parts > 65534)
    return avm_error_set (error, AVM_ERROR_RANGE, -1, "too many parts");
  for (size_t i = 0; i < score->n_parts; i++) {
    if (strlen (score->parts[i].name) > 65535)
      return avm_error_set (error, AVM_ERROR_RANGE, -1, "too long a name");
  }
  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (!(note->onset_beat >= 0.0) || !(note->duration_beat >= 0.0)
        || !(note->onset_beat + note->duration_beat <= latest))
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)i,
          "note %zu: beat %g + %g", i, note->onset_beat, note->duration_beat);
  }
  for (size_t i = 0; i < score->n_tempos; i++) {
    if (!(score->tempos[i].beat <= latest))
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)i,
          "tempo at beat %g", score->tempos[i].beat);
  }
  return true;
}

bool
avm_smf_serialise (
    const AvmScore *score, uint8_t **data, size_t *size, AvmError *error)
{
  Writer w = {0};
  KeyEvent *keys;

  *data = NULL;
  *size = 0;
  if (!check_score (score, error))
    return false;
  keys = malloc ((score->n_notes * 2 + 1) * sizeof (KeyEvent));
  w.failed = keys == NULL;
  put (&w, "MThd", 4);
  put_be (&w, 6, 4);
  put_be (&w, 1, 2);
  put_be (&w, (uint32_t)score->n_parts + 1, 2);
  put_be (&w, WRITE_DIVISION, 2);
  put_tempo_track (&w, score);
  for (size_t i = 0; i < score->n_parts && !w.failed; i++)
    put_part (&w, score, (int)i, keys);
  free (keys);
  if (w.failed) {
    free (w.data);
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory");
  }
  *data = w.data;
  *size = w.size;
  return true;
}

bool
avm_smf_write (const AvmScore *score, const char *path, AvmError *error)
{
  uint8_t *data;
  size_t size;
  FILE *f;
  bool ok;

  if (!avm_smf_serialise (score, &data, &size, error))
    return false;
  f = fopen (path, "wb");
  if (f == NULL) {
    free (data);
    return avm_error_set (error, AVM_ERROR_OPEN, -1, "%s", strerror (errno));
  }
  ok = fwrite (data, 1, size, f) == size;
  ok = fclose (f) == 0 && ok;
  free (data);
  if (!ok)
    return avm_error_set (error, AVM_ERROR_OPEN, -1, "%s", strerror (errno));
  return true;
}
