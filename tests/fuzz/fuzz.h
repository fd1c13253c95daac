/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a fuzz target gives: the entry point of libFuzzer, and seeds for the
 * mutating runner of fuzz-main.c.
 */

#ifndef AVM_FUZZ_H
#define AVM_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Valid input number `index`; its size, or 0 when there are no more. */
size_t avm_fuzz_seed (size_t index, uint8_t *data, size_t capacity);

#endif /* AVM_FUZZ_H */
