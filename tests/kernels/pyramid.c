/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pyramids against the definition, pixel by pixel: odd sizes, strides,
 * negative strides, and bytes around the picture that must not matter.
 */

#include "avmcheck.h"
#include "vision/avm-pyramid.h"

static int
mirror (int i, int n)
{
  if (n == 1)
    return 0;
  while (i < 0 || i >= n)
    i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

/* One pixel of the next level: 25 products, rounded once. */
static int
reference_pixel (const AvmPlane *plane, int x, int y)
{
  static const int kernel[5] = {1, 4, 6, 4, 1};
  int sum = 0;

  for (int j = 0; j < 5; j++)
    for (int i = 0; i < 5; i++)
      sum += kernel[i] * kernel[j]
          * plane->data[mirror (2 * y + j - 2, plane->height) * plane->stride
              + mirror (2 * x + i - 2, plane->width)];
  return (sum + 128) >> 8;
}

static void
check_size (int width, int height, int pad, bool upside_down)
{
  ptrdiff_t stride = width + pad;
  size_t size = (size_t)stride * (size_t)(height + 2);
  uint8_t *memory = avm_alloc (size, 1);
  uint8_t *data = memory + stride;
  AvmPyramid *pyramid = avm_pyramid_new (width, height, 7);
  int wrong = 0;

  CHECK (pyramid != NULL, "%dx%d", width, height);
  for (size_t i = 0; i < size; i++)
    memory[i] = 0x99;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      data[y * stride + x] = (uint8_t)avm_rng_u32 (&avmcheck_rng);
  if (upside_down)
    avm_pyramid_build (pyramid, data + (height - 1) * stride, -stride);
  else
    avm_pyramid_build (pyramid, data, stride);
  for (int y = 0; y < height; y++) {
    int row = upside_down ? height - 1 - y : y;
    const AvmPlane *plane = avm_pyramid_level (pyramid, 0);

    wrong += memcmp (plane->data + y * plane->stride, data + row * stride,
                 (size_t)width)
        != 0;
  }
  CHECK (wrong == 0, "%dx%d: level 0 is no copy", width, height);
  for (int l = 1; l <= avm_pyramid_max_level (pyramid); l++) {
    const AvmPlane *from = avm_pyramid_level (pyramid, l - 1);
    const AvmPlane *to = avm_pyramid_level (pyramid, l);

    CHECK (to->width == (from->width + 1) / 2
            && to->height == (from->height + 1) / 2,
        "%dx%d: size of level %d", width, height, l);
    wrong = 0;
    for (int y = 0; y < to->height; y++)
      for (int x = 0; x < to->width; x++)
        wrong += to->data[y * to->stride + x] != reference_pixel (from, x, y);
    CHECK (wrong == 0, "%dx%d: %d pixels of level %d differ", width, height,
        wrong, l);
  }
  for (int x = 0; x < stride; x++)
    wrong += memory[x] != 0x99 || memory[size - 1 - (size_t)x] != 0x99;
  CHECK (wrong == 0, "%dx%d: the picture was written to", width, height);
  avm_pyramid_free (pyramid);
  avm_free (memory);
}

static void
check_white (void)
{
  AvmPyramid *pyramid = avm_pyramid_new (70, 50, 3);
  uint8_t white[70 * 50];
  const AvmPlane *plane;
  int wrong = 0;

  memset (white, 255, sizeof (white));
  avm_pyramid_build (pyramid, white, 70);
  plane = avm_pyramid_level (pyramid, avm_pyramid_max_level (pyramid));
  for (int y = 0; y < plane->height; y++)
    for (int x = 0; x < plane->width; x++)
      wrong += plane->data[y * plane->stride + x] != 255;
  CHECK (wrong == 0, "white does not stay white");
  avm_pyramid_free (pyramid);
}

int
main (int argc, char **argv)
{
  static const int sizes[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 2}, {8, 8},
      {9, 17}, {31, 33}, {64, 48}, {129, 65}, {250, 101}};

  avmcheck_init (argc, argv);
  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++) {
    check_size (sizes[i][0], sizes[i][1], 0, false);
    check_size (sizes[i][0], sizes[i][1], 13, false);
    check_size (sizes[i][0], sizes[i][1], 3, true);
  }
  check_white ();
  CHECK (avm_pyramid_new (0, 5, 3) == NULL, "no width");
  CHECK (avm_pyramid_new (5, 40000, 3) == NULL, "too high");
  CHECK (avm_pyramid_new (5, 5, 8) == NULL, "too many levels");
  avm_pyramid_free (NULL);
  return avmcheck_report ();
}
