/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MIDI files byte by byte: every feature from bytes written here by hand, the
 * place of every error, and random scores through the writer and back.
 */

#include "avmcheck.h"
#include "score/avm-smf.h"

#include <unistd.h>

#define HEADER(format, tracks, hi, lo)                                         \
  'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, format, 0, tracks, hi, lo
#define TRACK(length) 'M', 'T', 'r', 'k', 0, 0, 0, length
#define END 0, 0xff, 0x2f, 0

#define PARSE(bytes, error) avm_smf_parse (bytes, sizeof (bytes), error)

static const uint8_t format0[] = {HEADER (0, 1, 0, 96), TRACK (33),
    /* 60 and 64 together by running status, 64 longer; channel 1 after */
    0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40, /* 1 s per quarter note */
    0, 0x90, 60, 100, 0, 64, 90,        /* running status */
    96, 60, 0,                          /* velocity 0 lets go */
    96, 0x80, 64, 0, 0, 0x91, 72, 80, 48, 0x81, 72, 64, END};

static void
check_format0 (void)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmScore *score = PARSE (format0, &error);

  CHECK (score != NULL, "%s", error.detail);
  if (score == NULL)
    return;
  CHECK (score->n_notes == 3 && score->n_parts == 2, "%zu notes in %zu parts",
      score->n_notes, score->n_parts);
  CHECK (
      score->parts[0].channel == 0 && score->parts[1].channel == 1, "channels");
  CHECK_NEAR (score->notes[0].duration, 1.0, 1e-9, 0, "first note");
  CHECK_NEAR (score->notes[1].duration, 2.0, 1e-9, 0, "second note");
  CHECK_NEAR (score->notes[2].onset, 2.0, 1e-9, 0, "third note");
  CHECK_NEAR (score->notes[2].duration, 0.5, 1e-9, 0, "third note");
  CHECK_NEAR (score->notes[2].onset_beat, 2.0, 1e-9, 0, "third note");
  CHECK (score->notes[2].pitch == 72 && score->notes[2].velocity == 80
          && score->notes[2].part == 1,
      "third note");
  CHECK_NEAR (score->duration, 2.5, 1e-9, 0, "duration");
  avm_score_free (score);
}

/* A tempo track of two tempi; a unknown chunk between; names in UTF-8 and
 * ISO 8859-1; a system exclusive event; a program. */
static const uint8_t format1[] = {HEADER (1, 3, 0, 10), TRACK (18), 0, 0xff,
    0x51, 3, 0x07, 0xa1, 0x20, 20, 0xff, 0x51, 3, 0x03, 0xd0, 0x90,
    END, /* 0.5 s, from beat 2 on 0.25 s per beat */
    'X', 'F', 'I', 'H', 0, 0, 0, 3, 1, 2, 3, TRACK (27), 0, 0xff, 3, 3, 'V',
    0xc3, 0xa9, 0, 0xc2, 40, 0, 0xf0, 2, 1, 0xf7, 20, 0x92, 60, 1, 20, 0x82, 60,
    0, END, TRACK (17), 0, 0xff, 3, 1, 0xe9, 0, 0x93, 50, 1, 10, 0x83, 50, 0,
    END};

static void
check_format1 (void)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmScore *score = PARSE (format1, &error);

  CHECK (score != NULL, "%s", error.detail);
  if (score == NULL)
    return;
  CHECK (score->n_parts == 2 && score->n_notes == 2, "parts, notes");
  CHECK (strcmp (score->parts[0].name, "V\xc3\xa9") == 0, "UTF-8 name");
  CHECK (strcmp (score->parts[1].name, "\xc3\xa9") == 0, "ISO 8859-1 name");
  CHECK (score->parts[0].program == 40 && score->parts[0].channel == 2,
      "program and channel");
  CHECK (score->parts[1].program == -1, "no program");
  CHECK (score->notes[0].part == 1 && score->notes[1].part == 0, "order");
  CHECK_NEAR (score->notes[1].onset, 1.0, 1e-9, 0, "onset at the change");
  CHECK_NEAR (score->notes[1].duration, 0.5, 1e-9, 0, "after the change");
  CHECK_NEAR (avm_score_beat_to_time (score, 4.0), 1.5, 1e-9, 0, "map");
  CHECK_NEAR (avm_score_time_to_beat (score, 1.5), 4.0, 1e-9, 0, "map back");
  avm_score_free (score);
}

/* Two patterns; the second has no tempo of its own. */
static const uint8_t format2[] = {HEADER (2, 2, 0, 10), TRACK (20), 0, 0xff,
    0x51, 3, 0x0f, 0x42, 0x40, 0, 0x90, 60, 1, 10, 60, 0, 5, 0xff, 0x2f, 0, 0,
    0, /* padding */
    TRACK (11), 0, 0x90, 62, 1, 10, 62, 0, END};

static void
check_format2 (void)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmScore *score = PARSE (format2, &error);

  CHECK (score != NULL, "%s", error.detail);
  if (score == NULL)
    return;
  CHECK (score->n_parts == 1 && score->n_notes == 2, "parts, notes");
  CHECK_NEAR (score->notes[1].onset_beat, 1.5, 1e-9, 0, "second pattern");
  CHECK_NEAR (score->notes[1].onset, 1.5, 1e-9, 0, "second pattern");
  CHECK_NEAR (score->notes[1].duration, 0.5, 1e-9, 0, "its own tempo");
  avm_score_free (score);
}

/* 25 frames of 40 ticks: a tick is a millisecond; tempi do not count. */
static const uint8_t smpte[] = {HEADER (0, 1, 0xe7, 40), TRACK (20), 0, 0xff,
    0x51, 3, 0, 0, 1, 0x87, 0x68, 0x90, 60, 1, 100, 60, 0, END, 0};

static void
check_smpte (void)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmScore *score = PARSE (smpte, &error);

  CHECK (score != NULL, "%s", error.detail);
  if (score == NULL)
    return;
  CHECK_NEAR (score->notes[0].onset, 1.0, 1e-9, 0, "SMPTE onset");
  CHECK_NEAR (score->notes[0].duration, 0.1, 1e-9, 0, "SMPTE duration");
  avm_score_free (score);
}

/* One key twice before it is let go; one never let go; one of no length; a
 * release without a press; no end of track. */
static const uint8_t keys[] = {HEADER (0, 1, 0, 10), TRACK (28), 0, 0x90, 60, 1,
    10, 60, 1, 10, 60, 0, 10, 60, 0, 0, 61, 1, 0, 62, 1, 0, 62, 0, 0, 63, 0, 10,
    64, 0, 0};

static void
check_keys (void)
{
  AvmError error = {AVM_OK, -1, ""};
  AvmScore *score = PARSE (keys, &error);

  CHECK (score != NULL, "%s", error.detail);
  if (score == NULL)
    return;
  CHECK (score->n_notes == 4, "%zu notes", score->n_notes);
  CHECK_NEAR (score->notes[0].duration_beat, 2.0, 1e-9, 0, "first come");
  CHECK_NEAR (score->notes[1].duration_beat, 2.0, 1e-9, 0, "first served");
  CHECK_NEAR (score->notes[2].duration_beat, 1.0, 1e-9, 0, "never let go");
  CHECK_NEAR (score->notes[3].duration_beat, 0.1, 1e-9, 0, "no length");
  avm_score_free (score);
}

static void
check_error (const char *name, const uint8_t *bytes, size_t size,
    AvmErrorCode code, int64_t offset)
{
  AvmError error = {AVM_OK, -2, ""};
  AvmScore *score = avm_smf_parse (bytes, size, &error);

  CHECK (score == NULL && error.code == code && error.offset == offset,
      "%s: code %d at %lld: %s", name, error.code, (long long)error.offset,
      error.detail);
  CHECK (avm_smf_parse (bytes, size, NULL) == NULL, "%s without error", name);
  avm_score_free (score);
}

#define CHECK_ERROR(name, code, offset, ...)                                   \
  do {                                                                         \
    static const uint8_t error_bytes[] = {__VA_ARGS__};                        \
    check_error (name, error_bytes, sizeof (error_bytes), code, offset);       \
  } while (0)

static void
check_errors (void)
{
  check_error ("nothing", format0, 0, AVM_ERROR_FORMAT, 0);
  CHECK_ERROR ("text", AVM_ERROR_FORMAT, 0, 'M', 'T', 'h', 'x', 0, 0);
  CHECK_ERROR ("short header", AVM_ERROR_TRUNCATED, 9, 'M', 'T', 'h', 'd', 0, 0,
      0, 6, 0);
  CHECK_ERROR ("header of 5", AVM_ERROR_CORRUPT, 4, 'M', 'T', 'h', 'd', 0, 0, 0,
      5, 0, 0, 0, 1, 0, 96);
  CHECK_ERROR ("long header", AVM_ERROR_TRUNCATED, 14, 'M', 'T', 'h', 'd', 0xff,
      0, 0, 6, 0, 0, 0, 1, 0, 96);
  CHECK_ERROR ("format 3", AVM_ERROR_UNSUPPORTED, 8, HEADER (3, 1, 0, 96));
  CHECK_ERROR ("no tracks", AVM_ERROR_EMPTY, 10, HEADER (0, 0, 0, 96));
  CHECK_ERROR ("division 0", AVM_ERROR_CORRUPT, 12, HEADER (0, 1, 0, 0));
  CHECK_ERROR ("26 frames", AVM_ERROR_CORRUPT, 12, HEADER (0, 1, 0xe6, 1));
  CHECK_ERROR ("no track", AVM_ERROR_TRUNCATED, 14, HEADER (0, 1, 0, 96));
  CHECK_ERROR ("half a track", AVM_ERROR_TRUNCATED, 26, HEADER (0, 1, 0, 96),
      TRACK (8), 0, 0x90, 60, 1);
  CHECK_ERROR ("one of two tracks", AVM_ERROR_TRUNCATED, 33,
      HEADER (1, 2, 0, 96), TRACK (11), 0, 0x90, 60, 1, 1, 60, 0, END);
  CHECK_ERROR ("no status", AVM_ERROR_CORRUPT, 23, HEADER (0, 1, 0, 96),
      TRACK (7), 0, 60, 1, END);
  CHECK_ERROR ("bad data", AVM_ERROR_CORRUPT, 25, HEADER (0, 1, 0, 96),
      TRACK (8), 0, 0x90, 60, 0x80, END);
  CHECK_ERROR ("system status", AVM_ERROR_CORRUPT, 23, HEADER (0, 1, 0, 96),
      TRACK (6), 0, 0xf8, END);
  CHECK_ERROR ("event over the end", AVM_ERROR_CORRUPT, 24,
      HEADER (0, 1, 0, 96), TRACK (3), 0, 0x90, 60);
  CHECK_ERROR ("meta over the end", AVM_ERROR_CORRUPT, 23, HEADER (0, 1, 0, 96),
      TRACK (5), 0, 0xff, 1, 9, 'x');
  CHECK_ERROR ("exclusive over the end", AVM_ERROR_CORRUPT, 23,
      HEADER (0, 1, 0, 96), TRACK (4), 0, 0xf0, 9, 1);
  CHECK_ERROR ("number of five bytes", AVM_ERROR_CORRUPT, 22,
      HEADER (0, 1, 0, 96), TRACK (8), 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 1,
      1);
  CHECK_ERROR ("tempo 0", AVM_ERROR_CORRUPT, 23, HEADER (0, 1, 0, 96),
      TRACK (11), 0, 0xff, 0x51, 3, 0, 0, 0, END);
  CHECK_ERROR (
      "no notes", AVM_ERROR_EMPTY, -1, HEADER (0, 1, 0, 96), TRACK (4), END);
}

static void
check_truncation (void)
{
  /* every strict prefix fails, and none crashes */
  for (size_t n = 0; n < sizeof (format1); n++) {
    AvmError error = {AVM_OK, -2, ""};
    uint8_t *copy = malloc (n + 1);
    AvmScore *score;

    memcpy (copy, format1, n);
    score = avm_smf_parse (copy, n, &error);
    CHECK (score == NULL
            && error.code == (n < 4 ? AVM_ERROR_FORMAT : AVM_ERROR_TRUNCATED),
        "prefix of %zu bytes: %d", n, error.code);
    avm_score_free (score);
    free (copy);
  }
}

static AvmScore *
random_score (void)
{
  AvmScore *score = avm_score_new ();
  int n_parts = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 20);

  for (int i = 0; i < n_parts; i++)
    avm_score_add_part (score, i % 2 ? "Vi\xc3\xb3la" : "",
        (int)(avm_rng_u32 (&avmcheck_rng) % 129) - 1, -1);
  for (int i = 0; i < 20; i++)
    avm_score_add_tempo (score, floor (avm_rng_range (&avmcheck_rng, 0, 200)),
        floor (avm_rng_range (&avmcheck_rng, 1e5, 2e6)));
  avm_score_sort (score);
  for (int part = 0; part < n_parts; part++) {
    int tick = 0;

    for (int i = 0; i < 30; i++) {
      int ticks = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 960);
      AvmNote note;

      tick += (int)(avm_rng_u32 (&avmcheck_rng) % 960);
      note.onset_beat = tick / 480.0;
      note.duration_beat = ticks / 480.0;
      tick += ticks;
      note.onset = avm_score_beat_to_time (score, note.onset_beat);
      note.duration = avm_score_beat_to_time (score, tick / 480.0) - note.onset;
      note.pitch = (int)(avm_rng_u32 (&avmcheck_rng) % 128);
      note.velocity = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 127);
      note.part = part;
      avm_score_add_note (score, &note);
    }
  }
  avm_score_sort (score);
  return score;
}

static void
check_same (const AvmScore *a, const AvmScore *b)
{
  double worst = 0.0;
  bool same = a->n_notes == b->n_notes && a->n_parts == b->n_parts
      && a->n_tempos == b->n_tempos;

  CHECK (same, "%zu notes, %zu parts, %zu tempi against %zu, %zu, %zu",
      a->n_notes, a->n_parts, a->n_tempos, b->n_notes, b->n_parts, b->n_tempos);
  if (!same)
    return;
  for (size_t i = 0; i < a->n_parts; i++)
    same &= strcmp (a->parts[i].name, b->parts[i].name) == 0
        && a->parts[i].program == b->parts[i].program;
  CHECK (same, "parts");
  for (size_t i = 0; i < a->n_notes; i++) {
    const AvmNote *x = &a->notes[i], *y = &b->notes[i];

    same &= x->pitch == y->pitch && x->velocity == y->velocity
        && x->part == y->part;
    worst = fmax (worst, fabs (x->onset - y->onset));
    worst = fmax (worst, fabs (x->duration - y->duration));
    worst = fmax (worst, fabs (x->onset_beat - y->onset_beat));
    worst = fmax (worst, fabs (x->duration_beat - y->duration_beat));
  }
  CHECK (same, "notes");
  CHECK (worst < 1e-9, "times differ by %g", worst);
}

static void
check_round_trip (void)
{
  char path[] = "/tmp/avm-smf-XXXXXX";
  AvmScore *score = random_score (), *back, *copy = avm_score_copy (score);
  AvmError error = {AVM_OK, -1, ""};
  uint8_t *bytes, *again;
  size_t size, size_again;
  int fd = mkstemp (path);

  check_same (copy, score);
  CHECK (avm_smf_serialise (score, &bytes, &size, &error), "%s", error.detail);
  back = avm_smf_parse (bytes, size, &error);
  CHECK (back != NULL, "%s", error.detail);
  check_same (back, score);
  CHECK (fd >= 0 && avm_smf_write (back, path, &error), "%s", error.detail);
  avm_score_free (back);
  back = avm_smf_read (path, &error);
  CHECK (back != NULL, "%s", error.detail);
  check_same (back, score);
  CHECK (avm_smf_serialise (back, &again, &size_again, &error)
          && size_again == size,
      "second generation: %zu bytes instead of %zu", size_again, size);
  close (fd);
  unlink (path);
  free (bytes);
  free (again);
  avm_score_free (score);
  avm_score_free (copy);
  avm_score_free (back);
}

static void
check_files (void)
{
  AvmError error = {AVM_OK, -2, ""};
  AvmScore *score = avm_score_new ();
  AvmNote late = {0, 1, 1e9, 1, 60, 64, 0};
  uint8_t *bytes;
  size_t size;

  CHECK (avm_smf_read ("/nonexistent/score.mid", &error) == NULL
          && error.code == AVM_ERROR_OPEN,
      "missing: %d", error.code);
  CHECK (avm_smf_read ("/tmp", &error) == NULL && error.code == AVM_ERROR_OPEN,
      "directory: %d", error.code);
  CHECK (avm_smf_read ("/dev/null", &error) == NULL
          && error.code == AVM_ERROR_FORMAT,
      "empty: %d", error.code);
  CHECK (avm_smf_read ("/dev/zero", &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "endless: %d", error.code);
  avm_score_add_part (score, NULL, -1, -1);
  CHECK (!avm_smf_write (score, "/nonexistent/score.mid", &error)
          && error.code == AVM_ERROR_OPEN,
      "not writable: %d", error.code);
  CHECK (avm_score_add_note (score, &late), "late note");
  CHECK (!avm_smf_serialise (score, &bytes, &size, &error)
          && error.code == AVM_ERROR_RANGE && bytes == NULL,
      "too late a note: %d", error.code);
  avm_score_free (score);
}

static void
check_score (void)
{
  AvmScore *score = avm_score_new ();
  AvmNote note = {0, 1, 0, 1, 60, 64, 0};

  CHECK (!avm_score_add_note (score, &note), "no such part");
  CHECK (avm_score_add_part (score, "a", -1, -1) == 0, "part");
  note.duration = 0.0;
  CHECK (!avm_score_add_note (score, &note), "no duration");
  note.duration = 1.0;
  note.pitch = 128;
  CHECK (!avm_score_add_note (score, &note), "pitch");
  note.pitch = 60;
  note.onset = NAN;
  CHECK (!avm_score_add_note (score, &note), "onset NaN");
  CHECK (!avm_score_add_tempo (score, -1.0, 5e5)
          && !avm_score_add_tempo (score, 1.0, 0.0)
          && !avm_score_add_tempo (score, NAN, 1.0),
      "bad tempi");
  CHECK (avm_score_add_tempo (score, 8.0, 1e6)
          && avm_score_add_tempo (score, 4.0, 2e6)
          && avm_score_add_tempo (score, 4.0, 250000),
      "tempi in any order");
  avm_score_sort (score);
  CHECK (score->n_tempos == 3, "%zu tempi", score->n_tempos);
  CHECK_NEAR (avm_score_beat_to_time (score, 9.0), 4.0, 1e-12, 0, "map");
  for (double beat = 0.0; beat < 12.0; beat += 0.37)
    CHECK_NEAR (
        avm_score_time_to_beat (score, avm_score_beat_to_time (score, beat)),
        beat, 1e-9, 0, "inverse map");
  avm_score_free (score);
  avm_score_free (NULL);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_score ();
  check_format0 ();
  check_format1 ();
  check_format2 ();
  check_smpte ();
  check_keys ();
  check_errors ();
  check_truncation ();
  for (int i = 0; i < 20; i++)
    check_round_trip ();
  check_files ();
  return avmcheck_report ();
}
