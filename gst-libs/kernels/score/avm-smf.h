/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Standard MIDI Files: reader and writer (MIDI 1.0, RP-001). Formats 0, 1 and
 * 2, running status, tempo maps, SMPTE division. The reader is total: any
 * bytes give a score or an AvmError with the byte offset, never a crash.
 */

#ifndef AVM_SMF_H
#define AVM_SMF_H

#include "score/avm-score.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parts: format 1, one per track with notes; format 0, one per channel;
 * format 2, patterns in sequence, one part per channel. NULL with *error. The
 * caller owns the score. A file that ends early but has complete notes is
 * AVM_ERROR_TRUNCATED all the same: a score with a hole is no score; one
 * without notes is AVM_ERROR_EMPTY. With SMPTE division a beat is half a
 * second. Notes without length last one tick, notes never released until the
 * end of their track. Files of up to 32 MB. */
AvmScore *avm_smf_parse (const uint8_t *data, size_t size, AvmError *error);
AvmScore *avm_smf_read (const char *path, AvmError *error);

/* Format 1, 480 ticks per quarter note, one track per part plus the tempo
 * track. Times come from the beats of the notes, not from their seconds.
 * *data is malloc'ed; free() it. */
bool avm_smf_serialise (
    const AvmScore *score, uint8_t **data, size_t *size, AvmError *error);
bool avm_smf_write (const AvmScore *score, const char *path, AvmError *error);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SMF_H */
