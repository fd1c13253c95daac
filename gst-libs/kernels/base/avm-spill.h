/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A queue of bytes that may grow far beyond memory: what is appended is kept
 * in a small buffer and, when that is full, in a temporary file without a
 * name, which vanishes with the process. What was released gives its room on
 * the disk back, where the file system can.
 *
 * One thread appends and releases at a time, and none reads meanwhile.
 */

#ifndef AVM_SPILL_H
#define AVM_SPILL_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _AvmSpill AvmSpill;

/* Files are made in this directory, once the buffer of `room` bytes (>= 1) is
 * full. NULL: MEMORY. */
AvmSpill *avm_spill_new (const char *directory, size_t room, AvmError *error);
void avm_spill_free (AvmSpill *spill);
/* Forgets everything; offsets begin at 0 again. */
void avm_spill_reset (AvmSpill *spill);

/* False: *error says why (OPEN: no file can be made or written; offset: the
 * errno), and nothing was appended. NULL data: zeros. */
bool avm_spill_append (
    AvmSpill *spill, const void *data, size_t size, AvmError *error);
/* Bytes that were appended, those that were released included */
uint64_t avm_spill_end (const AvmSpill *spill);
/* size bytes from offset on, which must have been appended and not been
 * released. False: OPEN (reading failed) or RANGE. */
bool avm_spill_read (
    AvmSpill *spill, uint64_t offset, void *data, size_t size, AvmError *error);
/* What stands before this offset will not be read any more. */
void avm_spill_release (AvmSpill *spill, uint64_t offset);
/* Whether there is a file. */
bool avm_spill_has_file (const AvmSpill *spill);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SPILL_H */
