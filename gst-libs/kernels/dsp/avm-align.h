/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Aligns a score to a recording of it: transposition, exact dynamic time
 * warping of chroma and onset features (12 + 12, see avm-chroma.h), within a
 * band about a coarse path where the piece is long (MrMsDTW: Praetzlich,
 * Driedger, Mueller 2016), then each note's onset is moved to where its own
 * harmonics rise.
 */

#ifndef AVM_ALIGN_H
#define AVM_ALIGN_H

#include "dsp/avm-chroma.h"
#include "score/avm-score.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Let avm_align find the transposition. */
#define AVM_ALIGN_AUTO INT32_MIN

/**
 * AvmAlignConfig:
 * transposition: semitones from the score to the performance, -24 to 24, or
 *   AVM_ALIGN_AUTO: the best of -5 to 6
 * refine: s, how far an onset may be moved after the warping; 0: not at all
 * memory: bytes for the steps of the warping; 0: as many as it takes
 * max_cells: cells of the exact warping; above, it is done in a band
 */
typedef struct {
  int transposition;
  double refine;
  size_t memory;
  double max_cells;
  bool (*cancelled) (void *user_data);
  void *user_data;
} AvmAlignConfig;

/**
 * AvmAlignedNote: in order of onset
 * note: index into the score's notes
 * onset, duration: s in the recording, duration > 0
 * confidence: 0 to 1, the share of the note's energy that the recording has
 *   while it is said to sound, from 0 (no more than elsewhere) to 1
 */
typedef struct {
  size_t note;
  double onset, duration;
  double confidence;
} AvmAlignedNote;

/**
 * AvmAlignment:
 * transposition: semitones that the performance lies above the score
 * mean_cost: of the path's cells; 0 same, about 0.5 unrelated
 * begin, end: s, where the recording has sound
 */
typedef struct {
  AvmAlignedNote *notes;
  size_t n_notes;
  int transposition;
  double mean_cost;
  double begin, end;
} AvmAlignment;

void avm_align_config_init (AvmAlignConfig *config);

/* NULL with *error: AVM_ERROR_EMPTY (offset 0: the recording is silent, 1: no
 * notes in the score), AVM_ERROR_RANGE (the recording's sound is shorter than
 * half a second, or a score longer than ten hours), AVM_ERROR_MEMORY,
 * AVM_ERROR_CANCELLED. */
AvmAlignment *avm_align (const AvmScore *score, const AvmPitchgram *audio,
    const AvmAlignConfig *config, AvmError *error);
void avm_alignment_free (AvmAlignment *alignment);

#ifdef __cplusplus
}
#endif
#endif /* AVM_ALIGN_H */
