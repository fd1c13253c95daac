/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reader of MIDI files on any bytes: no crash, and whatever comes out
 * keeps the promises of the score model and survives the writer.
 *
 * With libFuzzer, from the top directory:
 *   clang -g -fsanitize=fuzzer,address,undefined -Igst-libs/kernels \
 *     tests/fuzz/smf-fuzz.c gst-libs/kernels/score/avm-s*.c \
 *     gst-libs/kernels/base/avm-common.c -lm -o smf-fuzz
 * Without, fuzz-main.c mutates the seeds below (`meson test --suite fuzz`).
 */

#include "fuzz.h"
#include "score/avm-smf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                     \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf (stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__,      \
          #condition);                                                         \
      abort ();                                                                \
    }                                                                          \
  } while (0)

static void
check_notes (const AvmScore *score)
{
  REQUIRE (score->n_notes > 0 && score->n_parts > 0);
  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    REQUIRE (isfinite (note->onset) && note->onset >= 0.0);
    REQUIRE (isfinite (note->duration) && note->duration > 0.0);
    REQUIRE (note->onset_beat >= 0.0 && note->duration_beat > 0.0);
    REQUIRE (note->pitch >= 0 && note->pitch <= 127);
    REQUIRE (note->velocity >= 1 && note->velocity <= 127);
    REQUIRE (note->part >= 0 && (size_t)note->part < score->n_parts);
    REQUIRE (i == 0 || note[-1].onset <= note->onset);
    REQUIRE (note->onset + note->duration <= score->duration);
  }
}

static void
check_tempos (const AvmScore *score)
{
  REQUIRE (score->n_tempos > 0 && score->tempos[0].beat == 0.0);
  for (size_t i = 1; i < score->n_tempos; i++) {
    REQUIRE (score->tempos[i].beat > score->tempos[i - 1].beat);
    REQUIRE (score->tempos[i].time >= score->tempos[i - 1].time);
    REQUIRE (score->tempos[i].us_per_beat > 0.0);
  }
}

static void
check_rewrite (const AvmScore *score)
{
  uint8_t *bytes;
  size_t size;
  AvmScore *back;
  AvmError error;

  if (!avm_smf_serialise (score, &bytes, &size, &error)) {
    REQUIRE (error.code == AVM_ERROR_RANGE);
    return;
  }
  back = avm_smf_parse (bytes, size, &error);
  REQUIRE (back != NULL && back->n_notes == score->n_notes);
  REQUIRE (back->n_parts <= score->n_parts);
  avm_score_free (back);
  free (bytes);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  AvmError error = {AVM_OK, -2, ""};
  AvmScore *score = avm_smf_parse (data, size, &error);

  if (score == NULL) {
    REQUIRE (error.code != AVM_OK && error.detail[0] != '\0');
    REQUIRE (error.offset >= -1 && error.offset <= (int64_t)size);
    return 0;
  }
  check_notes (score);
  check_tempos (score);
  check_rewrite (score);
  avm_score_free (score);
  return 0;
}

/* -- seeds ---------------------------------------------------------------- */

static const uint8_t format0[] =
    "MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x19\0\xff\x51\3\x0f\x42\x40"
    "\0\x90\x3c\x64\0\x40\x5a\x60\x3c\0\x60\x80\x40\0\0\xff\x2f\0";
static const uint8_t format1[] =
    "MThd\0\0\0\6\0\1\0\2\0\x0aMTrk\0\0\0\x12\0\xff\x51\3\7\xa1\x20\x14\xff"
    "\x51\3\3\xd0\x90\0\xff\x2f\0MTrk\0\0\0\x1b\0\xff\3\3V\xc3\xa9\0\xc2\x28"
    "\0\xf0\2\1\xf7\x14\x92\x3c\1\x14\x82\x3c\0\0\xff\x2f\0";
static const uint8_t format2[] =
    "MThd\0\0\0\6\0\2\0\2\0\x0aMTrk\0\0\0\x0b\0\x90\x3c\1\x0a\x3c\0\0\xff"
    "\x2f\0MTrk\0\0\0\x0b\0\x90\x3e\1\x0a\x3e\0\0\xff\x2f\0";
static const uint8_t smpte[] =
    "MThd\0\0\0\6\0\0\0\1\xe7\x28MTrk\0\0\0\x0c\0\xe3\1\2\x87\x68\x90\x3c\1"
    "\x64\x3c\0";

size_t
avm_fuzz_seed (size_t index, uint8_t *data, size_t capacity)
{
  /* without the NUL that the literals end with; smpte has no end of track */
  static const struct {
    const uint8_t *bytes;
    size_t size;
  } seeds[] = {
      {format0, sizeof (format0) - 1},
      {format1, sizeof (format1) - 1},
      {format2, sizeof (format2) - 1},
      {smpte, sizeof (smpte) - 1},
  };
  size_t n = sizeof (seeds) / sizeof (seeds[0]);
  AvmScore *score;

  if (index >= n)
    return 0;
  REQUIRE (seeds[index].size <= capacity);
  score = avm_smf_parse (seeds[index].bytes, seeds[index].size, NULL);
  REQUIRE (score != NULL);
  avm_score_free (score);
  for (size_t i = 0; i < seeds[index].size; i++)
    data[i] = seeds[index].bytes[i];
  return seeds[index].size;
}
