/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * String music for the virtual ensemble: a small composer. A piece is a
 * number; the same number, number of parts and length give the same score on
 * every machine. The music is tonal, in phrases with cadences; the voices are
 * led from chord to chord (small steps, no parallel fifths and octaves, no
 * crossing when it can be helped), then figured with passing and neighbour
 * notes in rhythms from long held notes to running quavers, with rests.
 */

#ifndef AVM_SCOREBOOK_H
#define AVM_SCOREBOOK_H

#include "scene/avm-pose.h"
#include "score/avm-score.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AVM_SCOREBOOK_MAX_PARTS 8

/* Composes piece number `piece` for 1 .. 8 parts, high to low: the parts are
 * called "Violin 1", ... and have General MIDI programs 40 .. 43. `duration`:
 * s, > 0, at the piece's own tempo; the piece ends with a cadence at most one
 * bar earlier, but has no less than four chords. NULL with *error:
 * AVM_ERROR_RANGE, AVM_ERROR_MEMORY. The caller owns the score. */
AvmScore *avm_scorebook_compose (
    uint64_t piece, int n_parts, double duration, AvmError *error);

/* The instrument of a part by its program or, without a string program, by
 * its lowest note. */
AvmInstrument avm_scorebook_instrument (const AvmScore *score, int part);

/* MIDI pitch of an open string; string 0 is the lowest, 3 the highest. */
int avm_scorebook_open_string (AvmInstrument instrument, int string);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SCOREBOOK_H */
