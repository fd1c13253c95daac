/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One strip of LANES rows, for avm-dtw.c, which includes this once per level
 * of the architecture with LANES (4, 8 or 16) and NAME (x) set. A template and
 * not AVM_CLONES, because GCC takes vectors wider than the baseline apart
 * before it makes the clones.
 *
 * Step s works column s - r in lane r: above is the lane below of the step
 * before, the diagonal is what was above one step earlier. Columns outside the
 * strip's range need no masks: lanes that have not begun hold FAR, and what
 * lies behind the last column never flows back.
 */

typedef float NAME (Lanes) __attribute__ ((vector_size (LANES * 4)));
typedef int32_t NAME (Bits) __attribute__ ((vector_size (LANES * 4)));
/* the same in memory that is aligned to floats only */
typedef float NAME (Loose)
    __attribute__ ((vector_size (LANES * 4), aligned (4)));
typedef int32_t NAME (LooseBits)
    __attribute__ ((vector_size (LANES * 4), aligned (4)));

#define PICK(mask, yes, no)                                                    \
  ((NAME (Lanes)) (                                                            \
      ((NAME (Bits)) (yes) & (mask)) | ((NAME (Bits)) (no) & ~(mask))))

#if LANES == 16
#define SHIFT_IN(v, first)                                                     \
  __builtin_shufflevector (                                                    \
      v, first, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
#elif LANES == 8
#define SHIFT_IN(v, first)                                                     \
  __builtin_shufflevector (v, first, 8, 0, 1, 2, 3, 4, 5, 6)
#else
#define SHIFT_IN(v, first) __builtin_shufflevector (v, first, 4, 0, 1, 2)
#endif

/* dim a constant where this is expanded, so that u stays in registers */
#define WORK_STRIP(dim)                                                        \
  do {                                                                         \
    NAME (Lanes) u[AVM_DTW_MAX_DIM], left, above, zero = {0};                  \
    NAME (Lanes) both = zero + strip->both, down = zero + strip->row;          \
    NAME (Lanes) along = zero + strip->column;                                 \
    NAME (Lanes) offset = *(const NAME (Loose) *)strip->offset;                \
    const float *v = strip->columns;                                           \
    float *row = strip->row_above;                                             \
    int32_t *steps = strip->steps;                                             \
                                                                               \
    for (int d = 0; d < (dim); d++)                                            \
      u[d] = *(const NAME (Loose) *)(strip->u + d * LANES);                    \
    left = zero + FAR;                                                         \
    above = zero + FAR;                                                        \
    above[0] = row[-1];                                                        \
    for (size_t block = 0; block < strip->n_blocks; block++) {                 \
      NAME (Bits) packed = {0};                                                \
                                                                               \
      for (int k = 0; k < 16; k++) {                                           \
        NAME (Lanes) fresh = zero + row[0], diagonal = above;                  \
        NAME (Lanes) cost, other, best;                                        \
        NAME (Bits) less, code;                                                \
                                                                               \
        cost = offset + *(const NAME (Loose) *)(v + (dim)*strip->plane);       \
        other = zero;                                                          \
        for (int d = 0; d < (dim); d += 2) {                                   \
          cost -= u[d] * *(const NAME (Loose) *)(v + d * strip->plane);        \
          if (d + 1 < (dim))                                                   \
            other -= u[d + 1]                                                  \
                * *(const NAME (Loose) *)(v + (d + 1) * strip->plane);         \
        }                                                                      \
        cost += other;                                                         \
        v--;                                                                   \
        above = SHIFT_IN (left, fresh);                                        \
        /* above comes last: it is the longest way from step to step */        \
        best = diagonal + both * cost;                                         \
        other = left + along * cost;                                           \
        code = (other < best) & STEP_COLUMN;                                   \
        best = PICK (other < best, other, best);                               \
        other = above + down * cost;                                           \
        less = other < best;                                                   \
        left = PICK (less, other, best);                                       \
        code = (less & STEP_ROW) | (code & ~less);                             \
        packed |= code << (2 * k);                                             \
        row[1 - LANES] = left[LANES - 1];                                      \
        row++;                                                                 \
      }                                                                        \
      *(NAME (LooseBits) *)steps = packed;                                     \
      steps += strip->advance;                                                 \
    }                                                                          \
  } while (0)

static void
NAME (work_strip) (const Strip *strip)
{
  if (strip->dim == 12)
    WORK_STRIP (12);
  else if (strip->dim == 24)
    WORK_STRIP (24);
  else
    WORK_STRIP ((int)strip->dim);
}

#undef WORK_STRIP
#undef SHIFT_IN
#undef PICK
#undef LANES
#undef NAME
