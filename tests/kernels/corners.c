/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Corners against a map of eigenvalues in double: what is found must be local
 * maxima of the right strength, far enough apart, and nothing stronger may be
 * missing.
 */

#include "avmcheck.h"
#include "vision/avm-corners.h"

typedef struct {
  int width, height;
  ptrdiff_t stride;
  uint8_t *memory, *data;
  double *eigen;
} Picture;

static int
mirror (int i, int n)
{
  if (n == 1)
    return 0;
  return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

static int
pixel (const Picture *p, int x, int y)
{
  return p->data[mirror (y, p->height) * p->stride + mirror (x, p->width)];
}

static void
gradient (const Picture *p, int x, int y, double *gx, double *gy)
{
  x = mirror (x, p->width);
  y = mirror (y, p->height);
  *gx = *gy = 0.0;
  for (int k = -1; k <= 1; k++) {
    int weight = k == 0 ? 2 : 1;

    *gx += weight * (pixel (p, x + 1, y + k) - pixel (p, x - 1, y + k));
    *gy += weight * (pixel (p, x + k, y + 1) - pixel (p, x + k, y - 1));
  }
  *gx /= 8.0;
  *gy /= 8.0;
}

static double
reference_eigen (const Picture *p, int x, int y)
{
  double a = 0.0, b = 0.0, c = 0.0;

  for (int j = -1; j <= 1; j++)
    for (int i = -1; i <= 1; i++) {
      double gx, gy;

      gradient (p, x + i, y + j, &gx, &gy);
      a += gx * gx / 9.0;
      b += gx * gy / 9.0;
      c += gy * gy / 9.0;
    }
  return 0.5 * (a + c - sqrt ((a - c) * (a - c) + 4.0 * b * b));
}

/* Blobs and noise; the columns between rows are guards. */
static void
make_picture (Picture *p, int width, int height, int pad)
{
  size_t size;

  p->width = width;
  p->height = height;
  p->stride = width + pad;
  size = (size_t)p->stride * (size_t)height;
  p->memory = avm_alloc (size, 1);
  p->data = p->memory;
  p->eigen = avm_alloc ((size_t)width * (size_t)height, sizeof (double));
  for (size_t i = 0; i < size; i++)
    p->memory[i] = (i & 1) ? 255 : 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      p->data[y * p->stride + x] =
          (uint8_t)(128.0 + 50.0 * sin (0.31 * x) * cos (0.27 * y + 0.05 * x)
              + 30.0 * sin (0.11 * x * y / (1.0 + 0.1 * x))
              + avm_rng_range (&avmcheck_rng, -20.0, 20.0));
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      p->eigen[y * width + x] = reference_eigen (p, x, y);
}

static void
free_picture (Picture *p)
{
  avm_free (p->memory);
  avm_free (p->eigen);
}

static bool
inside (const AvmRect *rects, size_t n, int x, int y)
{
  for (size_t i = 0; i < n; i++)
    if (x >= rects[i].x && y >= rects[i].y && x < rects[i].x + rects[i].width
        && y < rects[i].y + rects[i].height)
      return true;
  return n == 0;
}

/* margin > 0: neighbours may be that much greater (a tie in single precision);
 * margin < 0: they must be that much smaller. */
static bool
is_maximum (const Picture *p, int x, int y, double margin)
{
  double e = p->eigen[y * p->width + x];

  for (int j = -1; j <= 1; j++)
    for (int i = -1; i <= 1; i++)
      if ((i != 0 || j != 0)
          && p->eigen[(y + j) * p->width + x + i] > e * (1.0 + margin))
        return false;
  return true;
}

static double
greatest_in_box (const Picture *p, const AvmRect *rects, size_t n)
{
  int x0 = p->width, y0 = p->height, x1 = 0, y1 = 0;
  double greatest = 0.0;

  for (size_t i = 0; i < n; i++) {
    x0 = AVM_MIN (x0, rects[i].x);
    y0 = AVM_MIN (y0, rects[i].y);
    x1 = AVM_MAX (x1, rects[i].x + rects[i].width);
    y1 = AVM_MAX (y1, rects[i].y + rects[i].height);
  }
  if (n == 0) {
    x0 = y0 = 0;
    x1 = p->width;
    y1 = p->height;
  }
  for (int y = AVM_MAX (y0, 1); y < AVM_MIN (y1, p->height - 1); y++)
    for (int x = AVM_MAX (x0, 1); x < AVM_MIN (x1, p->width - 1); x++)
      greatest = fmax (greatest, p->eigen[y * p->width + x]);
  return greatest;
}

static void
check (const Picture *p, const AvmRect *rects, size_t n_rects,
    const AvmVec2 *taken, size_t n_taken, float quality, float distance,
    size_t most)
{
  AvmPlane plane = {p->width, p->height, p->stride, p->data};
  AvmCornersParams params = {quality, 0.0f, distance};
  AvmCorners *corners = avm_corners_new (p->width);
  AvmCorner *found = avm_alloc (most + 1, sizeof (AvmCorner));
  double least = quality * greatest_in_box (p, rects, n_rects);
  size_t n, missing = 0;

  found[most].x = -99.0f;
  n = avm_corners_find (
      corners, &plane, rects, n_rects, taken, n_taken, &params, found, most);
  CHECK (n <= most && found[most].x == -99.0f, "more than asked for");
  CHECK (most < 100 || p->width < 50 || n > 3, "only %zu corners", n);
  for (size_t i = 0; i < n; i++) {
    int x = (int)found[i].x, y = (int)found[i].y;
    double e;

    CHECK (x >= 1 && y >= 1 && x < p->width - 1 && y < p->height - 1
            && inside (rects, n_rects, x, y),
        "corner at %d,%d", x, y);
    e = p->eigen[y * p->width + x];
    CHECK_NEAR (found[i].response, e, 1e-3, 1e-4, "response at %d,%d", x, y);
    CHECK (e > least * (1.0 - 1e-4), "too weak at %d,%d", x, y);
    CHECK (is_maximum (p, x, y, 1e-5), "no maximum at %d,%d", x, y);
    CHECK (i == 0 || found[i].response <= found[i - 1].response, "order");
    for (size_t k = 0; k < i; k++)
      CHECK (
          hypotf (found[i].x - found[k].x, found[i].y - found[k].y) >= distance,
          "corners %zu and %zu are too near", i, k);
    for (size_t k = 0; k < n_taken; k++)
      CHECK (
          hypotf (found[i].x - taken[k].x, found[i].y - taken[k].y) >= distance,
          "corner %zu is too near a taken one", i);
  }
  /* whatever is a maximum and is not there must have a reason */
  for (int y = 1; y < p->height - 1; y++)
    for (int x = 1; x < p->width - 1; x++) {
      double e = p->eigen[y * p->width + x];
      bool excused = e < least * (1.0 + 1e-4) || !is_maximum (p, x, y, -1e-4)
          || !inside (rects, n_rects, x, y)
          || (n == most && n > 0 && e <= found[n - 1].response * (1 + 1e-4));

      for (size_t i = 0; i < n && !excused; i++) {
        double d = hypot (found[i].x - x, found[i].y - y);

        excused =
            d == 0.0 || (d < distance && found[i].response >= e * (1.0 - 1e-4));
      }
      for (size_t i = 0; i < n_taken && !excused; i++)
        excused = hypot (taken[i].x - x, taken[i].y - y) < distance;
      missing += !excused;
    }
  CHECK (missing == 0, "%zu corners are missing (%dx%d)", missing, p->width,
      p->height);
  avm_free (found);
  avm_corners_free (corners);
}

int
main (int argc, char **argv)
{
  static const int sizes[][2] = {
      {1, 1}, {2, 9}, {3, 3}, {4, 5}, {17, 33}, {65, 50}, {127, 90}};
  AvmRect rects[2] = {{20, 15, 30, 33}, {60, -5, 300, 40}};
  AvmRect outside = {500, 500, 10, 10};
  AvmVec2 taken[3] = {{30.0f, 30.0f}, {80.5f, 20.25f}, {NAN, 3.0f}};
  Picture p;
  uint8_t grey[40 * 40];
  AvmPlane flat = {40, 40, 40, grey};
  AvmCornersParams params = {0.01f, 0.0f, 3.0f};
  AvmCorners *corners = avm_corners_new (40);
  AvmCorner found[10];

  avmcheck_init (argc, argv);
  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
    for (int pad = 0; pad < 20; pad += 7) {
      make_picture (&p, sizes[i][0], sizes[i][1], pad);
      check (&p, NULL, 0, NULL, 0, 0.01f, 0.0f, 5000);
      check (&p, NULL, 0, NULL, 0, 0.05f, 5.0f, 500);
      check (&p, NULL, 0, NULL, 0, 0.01f, 12.5f, 7);
      free_picture (&p);
    }
  make_picture (&p, 127, 90, 1);
  check (&p, rects, 1, NULL, 0, 0.01f, 4.0f, 200);
  check (&p, rects, 2, NULL, 0, 0.01f, 4.0f, 200);
  check (&p, rects, 2, taken, 2, 0.01f, 7.0f, 200);
  free_picture (&p);

  memset (grey, 77, sizeof (grey));
  CHECK (
      avm_corners_find (corners, &flat, NULL, 0, taken, 3, &params, found, 10)
          == 0,
      "corners on a grey wall");
  CHECK (avm_corners_find (
             corners, &flat, &outside, 1, NULL, 0, &params, found, 10)
          == 0,
      "corners outside");
  flat.width = 41;
  CHECK (avm_corners_find (corners, &flat, NULL, 0, NULL, 0, &params, found, 10)
          == 0,
      "wider than said");
  CHECK (avm_corners_new (0) == NULL, "no width");
  avm_corners_free (corners);
  return avmcheck_report ();
}
