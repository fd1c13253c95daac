/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Medians of 3 x 3 and 5 x 5 pixels by selection networks of minimum and
 * maximum, which have no branches and run on many pixels at once.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-dis-private.h"

#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

#define LESS(a, b) ((a) < (b) ? (a) : (b))
#define MORE(a, b) ((a) < (b) ? (b) : (a))
#define ORDER(a, b)                                                            \
  do {                                                                         \
    float lower = LESS (a, b);                                                 \
    (b) = MORE (a, b);                                                         \
    (a) = lower;                                                               \
  } while (0)

/* Columns are ordered once per row and used by three pixels each: the median
 * of nine is that of the largest minimum, the median middle and the smallest
 * maximum of the columns. */
INLINE void
median3_row (const float *r, ptrdiff_t stride, float *restrict lo,
    float *restrict mid, float *restrict hi, float *restrict out, int w)
{
  for (int x = 0; x < w + 2; x++) {
    float a = r[x - 1 - stride], b = r[x - 1], c = r[x - 1 + stride];

    ORDER (a, b);
    ORDER (b, c);
    ORDER (a, b);
    lo[x] = a;
    mid[x] = b;
    hi[x] = c;
  }
  for (int x = 0; x < w; x++) {
    float a = MORE (MORE (lo[x], lo[x + 1]), lo[x + 2]);
    float c = LESS (LESS (hi[x], hi[x + 1]), hi[x + 2]);
    float p = mid[x], q = mid[x + 1], b;

    ORDER (p, q);
    b = MORE (p, LESS (q, mid[x + 2]));
    ORDER (a, b);
    b = LESS (b, c);
    out[x] = MORE (a, b);
  }
}

/* One pixel at a time in the source, many in the machine: without a loop or an
 * array the compiler can run the network on vectors. */
#define S(i, j) ORDER (v##i, v##j);
#define NEXT(k) v0 = r[(k / 5 - 2) * stride + k % 5 - 2 + x];

/* Least of n to the front, greatest to the end */
/* clang-format off */
#define EXTREMES_14 \
  S (0, 13) S (1, 12) S (2, 11) S (3, 10) S (4, 9) S (5, 8) S (6, 7) \
  S (0, 1) S (0, 2) S (0, 3) S (0, 4) S (0, 5) S (0, 6) S (7, 13) S (8, 13) \
  S (9, 13) S (10, 13) S (11, 13) S (12, 13)
#define EXTREMES_13 \
  S (0, 12) S (1, 11) S (2, 10) S (3, 9) S (4, 8) S (5, 7) S (0, 1) S (0, 2) \
  S (0, 3) S (0, 4) S (0, 5) S (0, 6) S (6, 12) S (7, 12) S (8, 12) \
  S (9, 12) S (10, 12) S (11, 12)
#define EXTREMES_12 \
  S (0, 11) S (1, 10) S (2, 9) S (3, 8) S (4, 7) S (5, 6) S (0, 1) S (0, 2) \
  S (0, 3) S (0, 4) S (0, 5) S (6, 11) S (7, 11) S (8, 11) S (9, 11) \
  S (10, 11)
#define EXTREMES_11 \
  S (0, 10) S (1, 9) S (2, 8) S (3, 7) S (4, 6) S (0, 1) S (0, 2) S (0, 3) \
  S (0, 4) S (0, 5) S (5, 10) S (6, 10) S (7, 10) S (8, 10) S (9, 10)
#define EXTREMES_10 \
  S (0, 9) S (1, 8) S (2, 7) S (3, 6) S (4, 5) S (0, 1) S (0, 2) S (0, 3) \
  S (0, 4) S (5, 9) S (6, 9) S (7, 9) S (8, 9)
#define EXTREMES_9 \
  S (0, 8) S (1, 7) S (2, 6) S (3, 5) S (0, 1) S (0, 2) S (0, 3) S (0, 4) \
  S (4, 8) S (5, 8) S (6, 8) S (7, 8)
#define EXTREMES_8 \
  S (0, 7) S (1, 6) S (2, 5) S (3, 4) S (0, 1) S (0, 2) S (0, 3) S (4, 7) \
  S (5, 7) S (6, 7)
#define EXTREMES_7 \
  S (0, 6) S (1, 5) S (2, 4) S (0, 1) S (0, 2) S (0, 3) S (3, 6) S (4, 6) \
  S (5, 6)
#define EXTREMES_6 \
  S (0, 5) S (1, 4) S (2, 3) S (0, 1) S (0, 2) S (3, 5) S (4, 5)
#define EXTREMES_5 \
  S (0, 4) S (1, 3) S (0, 1) S (0, 2) S (2, 4) S (3, 4)
#define EXTREMES_4 \
  S (0, 3) S (1, 2) S (0, 1) S (2, 3)
#define EXTREMES_3 \
  S (0, 2) S (0, 1) S (1, 2)
/* clang-format on */

/* Forgetful selection: of 14 values neither the least nor the greatest can be
 * the median of 25; they make room for one more, and so on. */
INLINE void
median5_row (const float *r, ptrdiff_t stride, float *restrict out, int w)
{
  const float *a = r - 2 * stride - 2, *b = r - stride - 2, *c = r - 2;

  for (int x = 0; x < w; x++) {
    float v0 = a[x], v1 = a[x + 1], v2 = a[x + 2], v3 = a[x + 3];
    float v4 = a[x + 4], v5 = b[x], v6 = b[x + 1], v7 = b[x + 2];
    float v8 = b[x + 3], v9 = b[x + 4], v10 = c[x], v11 = c[x + 1];
    float v12 = c[x + 2], v13 = c[x + 3];

    EXTREMES_14
    NEXT (14)
    EXTREMES_13 NEXT (15) EXTREMES_12 NEXT (16) EXTREMES_11 NEXT (17)
        EXTREMES_10 NEXT (18) EXTREMES_9 NEXT (19) EXTREMES_8 NEXT (20)
            EXTREMES_7 NEXT (21) EXTREMES_6 NEXT (22) EXTREMES_5 NEXT (23)
                EXTREMES_4 NEXT (24) EXTREMES_3 out[x] = v1;
  }
}

/* Results wait in a ring of rows until no other needs what they replace. */
#define RING 4

AVM_CLONES static void
median_rows (
    float *plane, int w, int h, ptrdiff_t stride, int radius, float *scratch)
{
  float *ring[RING], *lines[3];

  for (int i = 0; i < RING; i++)
    ring[i] = scratch + i * stride;
  for (int i = 0; i < 3; i++)
    lines[i] = scratch + (RING + i) * stride;
  for (int y = 0; y < h + radius; y++) {
    float *out = ring[y % RING];

    if (y < h && radius == 1)
      median3_row (
          plane + y * stride, stride, lines[0], lines[1], lines[2], out, w);
    else if (y < h)
      median5_row (plane + y * stride, stride, out, w);
    if (y >= radius)
      memcpy (plane + (y - radius) * stride, ring[(y - radius) % RING],
          (size_t)w * sizeof (float));
  }
}

void
avm_dis_median (
    float *plane, int w, int h, ptrdiff_t stride, int radius, float *scratch)
{
  avm_dis_replicate (plane, w, h, stride, radius);
  median_rows (plane, w, h, stride, radius, scratch);
}
