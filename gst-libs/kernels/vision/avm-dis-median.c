/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Medians of 3 x 3 and 5 x 5 pixels by selection networks of minimum and
 * maximum, which have no branches and run on many pixels at once.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-dis-private.h"

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

#define LANES 16

INLINE void
order_lanes (float *restrict a, float *restrict b)
{
  for (int i = 0; i < LANES; i++) {
    float lower = LESS (a[i], b[i]);

    b[i] = MORE (a[i], b[i]);
    a[i] = lower;
  }
}

/* Moves the minimum of n to the front and the maximum to the end. */
INLINE void
extremes (float a[14][LANES], int n)
{
  for (int i = 0; i < n / 2; i++)
    order_lanes (a[i], a[n - 1 - i]);
  for (int i = 1; i < (n + 1) / 2; i++)
    order_lanes (a[0], a[i]);
  for (int i = n / 2; i < n - 1; i++)
    order_lanes (a[i], a[n - 1]);
}

/* Forgetful selection: of 14 values neither the least nor the greatest can be
 * the median of 25; they make room for one more, and so on. */
INLINE void
median5_lanes (const float *r, ptrdiff_t stride, float *out, int n)
{
  float a[14][LANES];
  int next = 0;

  for (; next < 14; next++)
    for (int i = 0; i < LANES; i++)
      a[next][i] = r[(next / 5 - 2) * stride + next % 5 - 2 + i];
  for (int size = 14; size > 3; size--) {
    extremes (a, size);
    for (int i = 0; i < LANES; i++)
      a[0][i] = r[(next / 5 - 2) * stride + next % 5 - 2 + i];
    next++;
  }
  extremes (a, 3);
  for (int i = 0; i < n; i++)
    out[i] = a[1][i];
}

AVM_CLONES static void
median3 (
    const float *src, float *dst, int w, int h, ptrdiff_t stride, float *lines)
{
  for (int y = 0; y < h; y++)
    median3_row (src + y * stride, stride, lines, lines + stride,
        lines + 2 * stride, dst + y * stride, w);
}

AVM_CLONES static void
median5 (const float *src, float *dst, int w, int h, ptrdiff_t stride)
{
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x += LANES)
      median5_lanes (src + y * stride + x, stride, dst + y * stride + x,
          w - x < LANES ? w - x : LANES);
}

void
avm_dis_median (
    float *src, float *dst, int w, int h, ptrdiff_t stride, int radius)
{
  avm_dis_replicate (src, w, h, stride, radius);
  /* the rows above the result are padding and serve as scratch */
  if (radius == 1)
    median3 (src, dst, w, h, stride, dst - AVM_DIS_PAD * stride - AVM_DIS_PAD);
  else
    median5 (src, dst, w, h, stride);
}
