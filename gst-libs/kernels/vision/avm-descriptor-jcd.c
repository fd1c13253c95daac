/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Joint composite descriptor.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <math.h>
#include <string.h>

#define N AVM_JCD_SIDE
#define SIDE 4 /* of a block, px */
#define BLOCKS (N / SIDE)
#define COLOURS 24
#define CEDD_TEXTURES 6
#define FCTH_TEXTURES 8

struct _AvmJcd {
  double cedd[CEDD_TEXTURES][COLOURS];
  double fcth[FCTH_TEXTURES][COLOURS];
};

/* A trapezium: rises from a to b, is 1 to c, falls to d */
typedef struct {
  double a, b, c, d;
} Fuzzy;

AvmJcd *
avm_jcd_new (void)
{
  return avm_alloc (1, sizeof (AvmJcd));
}

void
avm_jcd_free (AvmJcd *self)
{
  avm_free (self);
}

static inline double
member (const Fuzzy *set, double value)
{
  if (value < set->b)
    return value > set->a ? (value - set->a) / (set->b - set->a) : 0.0;
  if (value <= set->c)
    return 1.0;
  return value < set->d ? (set->d - value) / (set->d - set->c) : 0.0;
}

/* Linear from 0 at low to 1 at high, and what is left of 1 */
static inline double
above (double value, double low, double high)
{
  return AVM_CLAMP ((value - low) / (high - low), 0.0, 1.0);
}

/* Ten colours: white, grey, black, then red to magenta. A rule is as true as
 * the least of its conditions; rules for one colour add up, those without hue
 * once per hue that holds. */
static void
ten_colours (double hue, double saturation, double value, double *colours)
{
  static const Fuzzy hues[] = {{-1.0, 0.0, 5.0, 10.0}, {5.0, 10.0, 35.0, 50.0},
      {35.0, 50.0, 70.0, 85.0}, {70.0, 85.0, 150.0, 165.0},
      {150.0, 165.0, 195.0, 205.0}, {195.0, 205.0, 265.0, 280.0},
      {265.0, 280.0, 315.0, 330.0}, {315.0, 330.0, 360.0, 361.0}};
  static const int names[] = {3, 4, 5, 6, 7, 8, 9, 3};
  double vivid = above (saturation, 10.0, 75.0), pale = 1.0 - vivid;
  double dark = 1.0 - above (value, 10.0, 75.0);
  double bright = above (value, 180.0, 220.0);
  double medium = value < 100.0 ? 1.0 - dark : 1.0 - bright;

  memset (colours, 0, 10 * sizeof (double));
  for (int i = 0; i < 8; i++) {
    double h = member (&hues[i], hue);

    colours[0] += AVM_MIN (h, AVM_MIN (pale, bright));
    colours[1] += AVM_MIN (h, AVM_MIN (pale, medium));
    colours[2] +=
        AVM_MIN (h, AVM_MIN (pale, dark)) + AVM_MIN (h, AVM_MIN (vivid, dark));
    colours[names[i]] += AVM_MIN (h, AVM_MIN (vivid, medium))
        + AVM_MIN (h, AVM_MIN (vivid, bright));
  }
}

/* Each of the seven chromatic colours becomes light, pure and dark. */
static void
link_colours (double r, double g, double b, double *colours)
{
  double hue, saturation, value, ten[10], shades[3], vivid, bright;

  avm_colour_to_hsv (r, g, b, &hue, &saturation, &value);
  ten_colours (hue, saturation, value, ten);
  vivid = above (saturation, 68.0, 188.0);
  bright = above (value, 68.0, 188.0);
  shades[0] = AVM_MIN (1.0 - vivid, bright);
  shades[1] = AVM_MIN (vivid, bright);
  shades[2] =
      AVM_MIN (1.0 - vivid, 1.0 - bright) + AVM_MIN (vivid, 1.0 - bright);
  for (int i = 0; i < 3; i++)
    colours[i] = ten[i];
  for (int i = 3; i < COLOURS; i++)
    colours[i] = ten[2 + i / 3] * shades[i % 3];
}

static void
add (double *histogram, double weight, const double *colours)
{
  for (int i = 0; i < COLOURS; i++)
    histogram[i] += weight * colours[i];
}

/* Filters on the sums of the four quarters. Squares compare exactly: the
 * diagonal filters have the factor sqrt (2), the parts of the strongest are
 * 0.68 and 0.98, and the least of it is 14 on means. */
static void
add_edges (AvmJcd *self, const int *quarters, const double *colours)
{
  int a = quarters[0], b = quarters[1], c = quarters[2], d = quarters[3];
  int64_t none = a - b - c + d, horizontal = a + b - c - d;
  int64_t vertical = a - b + c - d, falling = a - d, rising = b - c;
  int64_t squares[] = {4 * none * none, horizontal * horizontal,
      vertical * vertical, 2 * falling * falling, 2 * rising * rising};
  int64_t most = 0;

  for (int i = 0; i < 5; i++)
    most = AVM_MAX (most, squares[i]);
  if (most < 16 * 14 * 14) {
    add (self->cedd[0], 1.0, colours);
    return;
  }
  for (int i = 0; i < 5; i++)
    if (10000 * squares[i] > (i == 0 ? 4624 : 9604) * most)
      add (self->cedd[i + 1], 1.0, colours);
}

/* Energies of the Haar bands: changes from row to row (horizontal structure),
 * from column to column, and both */
static void
add_waves (AvmJcd *self, const uint8_t *luma, const double *colours)
{
  double rows = 0.0, columns = 0.0, both = 0.0, h, v, e;

  for (int i = 0; i < 4; i++) {
    const uint8_t *p = luma + (i / 2) * 2 * N + (i % 2) * 2;
    int a = p[0], b = p[1], c = p[N], d = p[N + 1];

    rows += 0.25 * ((a + b - c - d) * (a + b - c - d));
    columns += 0.25 * ((a - b + c - d) * (a - b + c - d));
    both += 0.25 * ((a - b - c + d) * (a - b - c + d));
  }
  h = above (sqrt (rows), 20.0, 90.0);
  v = above (sqrt (columns), 20.0, 90.0);
  e = above (sqrt (both), 20.0, 80.0);
  for (int t = 0; t < FCTH_TEXTURES; t++) {
    double truth = AVM_MIN (t & 4 ? e : 1.0 - e,
        AVM_MIN (t & 2 ? v : 1.0 - v, t & 1 ? h : 1.0 - h));

    if (truth > 0.0)
      add (self->fcth[t], truth, colours);
  }
}

static void
add_block (AvmJcd *self, const uint8_t *luma, const uint8_t *red,
    const uint8_t *green, const uint8_t *blue)
{
  int quarters[4] = {0}, r = 0, g = 0, b = 0;
  double colours[COLOURS];

  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      int i = y * N + x;

      quarters[2 * (y / 2) + x / 2] += luma[i];
      r += red[i];
      g += green[i];
      b += blue[i];
    }
  link_colours (r / 16.0, g / 16.0, b / 16.0, colours);
  add_edges (self, quarters, colours);
  add_waves (self, luma, colours);
}

static double
one_over_sum (const double *histogram, int n)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++)
    sum += histogram[i];
  return sum > 0.0 ? 1.0 / sum : 0.0;
}

static void
join (const AvmJcd *self, float *values)
{
  double c = one_over_sum (&self->cedd[0][0], CEDD_TEXTURES * COLOURS);
  double f = one_over_sum (&self->fcth[0][0], FCTH_TEXTURES * COLOURS);

  for (int i = 0; i < COLOURS; i++) {
    double cedd[CEDD_TEXTURES], fcth[4];

    for (int t = 0; t < CEDD_TEXTURES; t++)
      cedd[t] = c * self->cedd[t][i];
    /* whatever the diagonal energy: CEDD has no such texture */
    for (int t = 0; t < 4; t++)
      fcth[t] = f * (self->fcth[t][i] + self->fcth[t + 4][i]);
    values[i] = (float)(0.5 * (fcth[0] + cedd[0]));
    values[COLOURS + i] = (float)(0.5 * (fcth[1] + cedd[2]));
    values[2 * COLOURS + i] = (float)cedd[4];
    values[3 * COLOURS + i] = (float)(0.5 * (fcth[2] + cedd[3]));
    values[4 * COLOURS + i] = (float)cedd[5];
    values[5 * COLOURS + i] = (float)fcth[3];
    values[6 * COLOURS + i] = (float)cedd[1];
  }
}

void
avm_jcd_describe (AvmJcd *self, const uint8_t *luma, const uint8_t *red,
    const uint8_t *green, const uint8_t *blue, float *values)
{
  memset (self, 0, sizeof (*self));
  for (int y = 0; y < N; y += SIDE)
    for (int x = 0; x < N; x += SIDE) {
      int i = y * N + x;

      add_block (self, luma + i, red + i, green + i, blue + i);
    }
  join (self, values);
}
