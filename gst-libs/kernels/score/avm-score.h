/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The score model: notes in parts, with both musical and nominal clock time.
 */

#ifndef AVM_SCORE_H
#define AVM_SCORE_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  double onset;         /* s, at the score's own tempo */
  double duration;      /* s, > 0 */
  double onset_beat;    /* quarter notes from the start */
  double duration_beat; /* quarter notes */
  int pitch;            /* MIDI, 0..127 */
  int velocity;         /* 1..127 */
  int part;             /* index into parts */
} AvmNote;

typedef struct {
  char *name;  /* UTF-8, never NULL, may be "" */
  int program; /* General MIDI, 0..127; -1 not stated */
  int channel; /* 0..15; -1 mixed */
} AvmPart;

typedef struct {
  double beat;        /* quarter notes */
  double time;        /* s */
  double us_per_beat; /* microseconds per quarter note */
} AvmTempo;

/**
 * AvmScore: notes are sorted by onset, then part, then pitch.
 */
typedef struct {
  AvmNote *notes;
  size_t n_notes;
  AvmPart *parts;
  size_t n_parts;
  AvmTempo *tempos; /* at least one, first at beat 0 */
  size_t n_tempos;
  double duration; /* s, end of the last note */
} AvmScore;

AvmScore *avm_score_new (void);
void avm_score_free (AvmScore *score);
AvmScore *avm_score_copy (const AvmScore *score);

/* Append; false when out of memory or a value is out of range (part must
 * exist, pitch 0..127, duration > 0, finite times). Notes may come in any
 * order; call avm_score_sort before handing the score on. */
int avm_score_add_part (
    AvmScore *score, const char *name, int program, int channel);
bool avm_score_add_note (AvmScore *score, const AvmNote *note);
bool avm_score_add_tempo (AvmScore *score, double beat, double us_per_beat);
/* Sorts notes, recomputes tempo times and the duration. */
void avm_score_sort (AvmScore *score);

/* Tempo map: nominal clock time (s) of a beat and back. */
double avm_score_beat_to_time (const AvmScore *score, double beat);
double avm_score_time_to_beat (const AvmScore *score, double time);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SCORE_H */
