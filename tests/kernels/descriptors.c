/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors of pictures whose answer is known in closed form, what all of
 * them promise (rectangles, layouts, symmetry, distances), patches against a
 * resampling in double precision, and appearances. The definitions themselves
 * are compared by tests/accuracy/descriptors.
 */

#include "avmcheck.h"
#include "vision/avm-appearance.h"

#define MAX_VALUES 640
#define GUARD 32

typedef struct {
  AvmPicture view;
  uint8_t *memory;
} Picture;

static Picture
picture_new (AvmColourModel model, int width, int height)
{
  int channels = model == AVM_COLOUR_GREY ? 1 : 3;
  ptrdiff_t stride = (ptrdiff_t)width * channels + 5;
  Picture p;

  p.memory = malloc ((size_t)(stride * height));
  memset (p.memory, 0xa5, (size_t)(stride * height));
  p.view = (AvmPicture){.model = model, .width = width, .height = height};
  for (int i = 0; i < channels; i++) {
    p.view.data[i] = p.memory + i;
    p.view.stride[i] = stride;
    p.view.step[i] = channels;
  }
  return p;
}

static uint8_t *
at (const Picture *p, int x, int y, int channel)
{
  return p->memory + y * p->view.stride[0] + x * p->view.step[0] + channel;
}

static void
set (const Picture *p, int x, int y, int r, int g, int b)
{
  const int rgb[] = {r, g, b};

  for (int c = 0; c < p->view.step[0]; c++)
    *at (p, x, y, c) = (uint8_t)rgb[c];
}

static Picture
picture_random (AvmColourModel model, int width, int height)
{
  Picture p = picture_new (model, width, height);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      set (&p, x, y, (int)(avm_rng_u32 (&avmcheck_rng) % 256),
          (int)(avm_rng_u32 (&avmcheck_rng) % 256),
          (int)(avm_rng_u32 (&avmcheck_rng) % 256));
  return p;
}

/* Something like a photograph: soft blobs of colour and a few edges */
static Picture
picture_scene (AvmColourModel model, int width, int height)
{
  Picture p = picture_new (model, width, height);
  double blobs[12][6];

  for (int i = 0; i < 12; i++) {
    blobs[i][0] = avm_rng_range (&avmcheck_rng, 0.0, width);
    blobs[i][1] = avm_rng_range (&avmcheck_rng, 0.0, height);
    blobs[i][2] = avm_rng_range (&avmcheck_rng, 0.05, 0.3) * width;
    for (int c = 3; c < 6; c++)
      blobs[i][c] = avm_rng_range (&avmcheck_rng, -120.0, 120.0);
  }
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      double rgb[] = {128.0, 128.0, 128.0};

      for (int i = 0; i < 12; i++) {
        double d = hypot (x - blobs[i][0], y - blobs[i][1]) / blobs[i][2];
        double share = i % 2 ? exp (-d * d) : d < 0.7;

        for (int c = 0; c < 3; c++)
          rgb[c] += share * blobs[i][3 + c];
      }
      set (&p, x, y, (int)AVM_CLAMP (rgb[0], 0.0, 255.0),
          (int)AVM_CLAMP (rgb[1], 0.0, 255.0),
          (int)AVM_CLAMP (rgb[2], 0.0, 255.0));
    }
  return p;
}

static AvmRect
whole (const Picture *p)
{
  return (AvmRect){0, 0, p->view.width, p->view.height};
}

static void
describe (AvmDescriptorKind kind, const Picture *p, float *values)
{
  AvmDescriptor *descriptor = avm_descriptor_new (kind);
  AvmRect rect = whole (p);

  CHECK (avm_descriptor_describe (descriptor, &p->view, &rect, values), "%s",
      avm_descriptor_name (kind));
  avm_descriptor_free (descriptor);
}

/* Black left of an edge that stands at `angle` degrees, white right of it */
static Picture
picture_edge (int side, double angle)
{
  Picture p = picture_new (AVM_COLOUR_GREY, side, side);
  double c = cos (angle * M_PI / 180.0), s = sin (angle * M_PI / 180.0);

  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      double d = (x - 0.5 * side + 0.25) * c + (y - 0.5 * side + 0.25) * s;
      double v = 255.0 * AVM_CLAMP (d + 0.5, 0.0, 1.0);

      *at (&p, x, y, 0) = (uint8_t)lrint (v);
    }
  return p;
}

static double
sum_of (const float *values, int n)
{
  double sum = 0.0;

  for (int i = 0; i < n; i++)
    sum += values[i];
  return sum;
}

/* The gradient of one edge stands in two bins, at its angle. */
static void
check_phog (void)
{
  float values[AVM_PHOG_SIZE];

  for (int angle = -80; angle < 180; angle += 13) {
    Picture p = picture_edge (128, angle);
    double place = (angle < 0 ? angle + 180 : angle) / 6.0 - 0.5;
    int bin = (int)floor (place), low = (bin + 30) % 30, high = (bin + 1) % 30;
    double mean = 0.0;

    describe (AVM_DESCRIPTOR_PHOG, &p, values);
    CHECK_NEAR (sum_of (values, AVM_PHOG_SIZE), 1.0, 1e-5, 0.0, "sum");
    CHECK_NEAR (sum_of (values, 30), 1.0 / 3.0, 1e-5, 0.0, "one level");
    for (int i = -2; i < 4; i++)
      mean += 3.0 * values[(bin + i + 30) % 30] * (bin + i);
    CHECK_NEAR (mean, place, 0.2, 0.0, "%d degrees", angle);
    CHECK (3.0f * (values[low] + values[high]) > 0.75f, "%d degrees: %g", angle,
        3.0 * (double)(values[low] + values[high]));
    for (int c = 0; c < 4; c++)
      for (int i = 0; i < 30; i++) {
        int first = 8 * (c / 2) + 2 * (c % 2);
        const float *fine = values + 150 + i;

        CHECK_NEAR (values[30 + 30 * c + i],
            fine[30 * first] + fine[30 * (first + 1)] + fine[30 * (first + 4)]
                + fine[30 * (first + 5)],
            1e-6, 0.0, "cell %d is the sum of four", c);
      }
    free (p.memory);
  }
}

static void
check_ehd (void)
{
  static const int columns[][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};
  float values[AVM_EHD_SIZE];

  /* stripes of 2 px: every block is half black, half white */
  for (int t = 0; t < 5; t++) {
    Picture p = picture_new (AVM_COLOUR_GREY, 128, 128);

    for (int y = 0; y < 128; y++)
      for (int x = 0; x < 128; x++) {
        int qx = x / 2 % 2, qy = y / 2 % 2, v;

        if (t == 4) /* chequers */
          v = qx ^ qy;
        else if (t < 2)
          v = columns[t][0] ? qx : qy;
        else /* one corner black, the opposite one white, the rest between */
          v = -1;
        *at (&p, x, y, 0) = (uint8_t)(v >= 0 ? 255 * v
                : t == 2                     ? 64 * (qx + qy)
                                             : 64 * (1 - qx + qy));
      }
    describe (AVM_DESCRIPTOR_EHD, &p, values);
    for (int i = 0; i < AVM_EHD_SIZE; i++)
      CHECK (values[i] == (i % 5 == t), "type %d: value %d is %g", t, i,
          (double)values[i]);
    free (p.memory);
  }
}

/* A grating at a filter's own frequency and angle answers there most. */
static void
check_gabor_angles (void)
{
  float values[AVM_GABOR_SIZE];
  Picture p = picture_new (AVM_COLOUR_GREY, 64, 64);

  for (int f = 12; f < 30; f++) {
    double frequency = 0.05 * pow (8.0, f / 6 / 4.0);
    double angle = f % 6 * M_PI / 6.0;
    int best = 0;

    for (int y = 0; y < 64; y++)
      for (int x = 0; x < 64; x++)
        *at (&p, x, y, 0) = (uint8_t)lrint (127.5
            + 100.0
                * sin (
                    2.0 * M_PI * frequency * (x * cos (angle) + y * sin (angle))
                    + f));
    describe (AVM_DESCRIPTOR_GABOR, &p, values);
    for (int i = 0; i < 30; i++)
      if (values[2 * i] > values[2 * best])
        best = i;
    CHECK (best == f, "filter %d answers to %d", best, f);
  }
  free (p.memory);
}

/* A cosine that its mirror image continues is one pair of points in the
 * frequency plane: the response is half its amplitude times the Gaussian
 * there, everywhere. Rounding to whole greys adds waves of up to half a grey,
 * half of which is 0.00098. */
static void
check_gabor_size (void)
{
  float values[AVM_GABOR_SIZE];
  Picture p = picture_new (AVM_COLOUR_GREY, 64, 64);

  for (int k = 8; k < 60; k += 5) {
    double frequency = k / 128.0, step = pow (8.0, 0.25), ln2 = log (2.0);

    for (int y = 0; y < 64; y++)
      for (int x = 0; x < 64; x++)
        *at (&p, x, y, 0) = (uint8_t)lrint (
            127.5 + 127.0 * cos (M_PI * k * (2 * x + 1) / 128.0));
    describe (AVM_DESCRIPTOR_GABOR, &p, values);
    for (int s = 0; s < 5; s++) {
      double w = 0.05 * pow (step, s);
      double su = (step - 1.0) * w / ((step + 1.0) * sqrt (2.0 * ln2));
      double g = exp (-0.5 * pow ((frequency - w) / su, 2.0));

      CHECK_NEAR (values[12 * s], 127.0 / 255.0 * 0.5 * g, 1e-3, 0.0,
          "scale %d at %d / 128", s, k);
      CHECK (values[12 * s + 1] < 1.5e-3, "scale %d is even", s);
    }
  }
  free (p.memory);
}

static void
check_acc (void)
{
  float values[AVM_ACC_SIZE];
  Picture p = picture_new (AVM_COLOUR_RGB, 128, 128);

  /* one colour: it is all around */
  for (int y = 0; y < 128; y++)
    for (int x = 0; x < 128; x++)
      set (&p, x, y, 200, 20, 20);
  describe (AVM_DESCRIPTOR_ACC, &p, values);
  for (int i = 0; i < AVM_ACC_SIZE; i++)
    CHECK (values[i] == (i / 4 == 7), "red is colour 7: %d", i);
  /* chequers of red (7) and blue, hue 240 (8 * 5 + 7): of the 8 k neighbours
   * at an odd distance those at an even offset along the side are the other
   * colour... the corners are the same one; k even: half of them and all
   * corners */
  for (int y = 0; y < 128; y++)
    for (int x = 0; x < 128; x++)
      set (&p, x, y, (x + y) % 2 ? 200 : 20, 20, (x + y) % 2 ? 20 : 200);
  describe (AVM_DESCRIPTOR_ACC, &p, values);
  for (int k = 1; k <= 4; k++) {
    CHECK_NEAR (values[4 * 7 + k - 1], 0.5, 2e-3, 0.0, "red at %d", k);
    CHECK_NEAR (values[4 * 47 + k - 1], 0.5, 2e-3, 0.0, "blue at %d", k);
  }
  CHECK (sum_of (values, AVM_ACC_SIZE) < 4.1, "no other colour");
  free (p.memory);
}

static void
check_jcd (void)
{
  static const struct {
    int r, g, b, colour;
  } plain[] = {{255, 255, 255, 0}, {128, 128, 128, 1}, {0, 0, 0, 2},
      {255, 0, 0, 4}, {255, 170, 170, 3}, {100, 0, 0, 5}, {255, 255, 0, 10},
      {0, 255, 0, 13}, {0, 255, 255, 16}, {0, 0, 255, 19}, {255, 0, 255, 22}};
  float values[AVM_JCD_SIZE];
  Picture p = picture_new (AVM_COLOUR_RGB, 160, 160);

  for (size_t i = 0; i < sizeof (plain) / sizeof (plain[0]); i++) {
    int best = 0;

    for (int y = 0; y < 160; y++)
      for (int x = 0; x < 160; x++)
        set (&p, x, y, plain[i].r, plain[i].g, plain[i].b);
    describe (AVM_DESCRIPTOR_JCD, &p, values);
    CHECK_NEAR (sum_of (values, 24), 1.0, 1e-6, 0.0, "no texture");
    for (int c = 0; c < 24; c++)
      best = values[c] > values[best] ? c : best;
    CHECK (best == plain[i].colour, "colour %d is %d", plain[i].colour, best);
  }
  /* rows of black and grey: horizontal, in both halves of the descriptor */
  for (int y = 0; y < 160; y++)
    for (int x = 0; x < 160; x++) {
      int v = y / 2 % 2 ? 200 : 56;

      set (&p, x, y, v, v, v);
    }
  describe (AVM_DESCRIPTOR_JCD, &p, values);
  CHECK_NEAR (values[24 + 1], 0.5, 1e-6, 0.0, "edges of CEDD are horizontal");
  CHECK_NEAR (
      values[1], 0.5, 1e-6, 0.0, "2 x 2 px of one grey have no wave of FCTH");
  for (int y = 0; y < 160; y++)
    for (int x = 0; x < 160; x++) {
      int v = y % 2 ? 200 : 56;

      set (&p, x, y, v, v, v);
    }
  describe (AVM_DESCRIPTOR_JCD, &p, values);
  CHECK_NEAR (values[1], 0.5, 1e-6, 0.0, "means of 2 x 2 px are flat");
  CHECK_NEAR (values[24 + 1], 0.5, 1e-6, 0.0, "waves are horizontal");
  free (p.memory);
}

/* Without structure: nothing, and finite distances */
static void
check_flat (void)
{
  Picture flat = picture_new (AVM_COLOUR_GREY, 50, 40);
  Picture noise = picture_random (AVM_COLOUR_GREY, 50, 40);

  for (int y = 0; y < 40; y++)
    for (int x = 0; x < 50; x++)
      *at (&flat, x, y, 0) = 90;
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    AvmDescriptorKind kind = (AvmDescriptorKind)k;
    float a[MAX_VALUES], b[MAX_VALUES];
    double d;

    describe (kind, &flat, a);
    describe (kind, &noise, b);
    if (kind == AVM_DESCRIPTOR_PHOG || kind == AVM_DESCRIPTOR_EHD)
      CHECK (sum_of (a, avm_descriptor_size (kind)) == 0.0, "flat %d", k);
    if (kind == AVM_DESCRIPTOR_GABOR)
      CHECK (sum_of (a, AVM_GABOR_SIZE) < 1e-5, "flat gabor");
    d = avm_descriptor_distance (kind, a, b);
    CHECK (d > 0.01 && d <= 1.0, "%s of flat and noise: %g",
        avm_descriptor_name (kind), d);
    d = avm_descriptor_distance (kind, a, a);
    CHECK (d >= 0.0 && d < 1e-6, "%s of flat and flat: %g",
        avm_descriptor_name (kind), d);
  }
  free (flat.memory);
  free (noise.memory);
}

static void
check_distances (void)
{
  for (int trial = 0; trial < 8; trial++) {
    Picture p[2] = {picture_scene (AVM_COLOUR_RGB, 70, 90),
        trial % 2 ? picture_random (AVM_COLOUR_RGB, 33, 20)
                  : picture_scene (AVM_COLOUR_RGB, 140, 110)};

    for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
      AvmDescriptorKind kind = (AvmDescriptorKind)k;
      float a[MAX_VALUES], b[MAX_VALUES];
      double d;

      describe (kind, &p[0], a);
      describe (kind, &p[1], b);
      for (int i = 0; i < avm_descriptor_size (kind); i++)
        CHECK (a[i] >= 0.0f && a[i] <= 1.0f, "%s value %d: %g",
            avm_descriptor_name (kind), i, (double)a[i]);
      d = avm_descriptor_distance (kind, a, b);
      CHECK (d > 0.0 && d <= 1.0, "%s: %g", avm_descriptor_name (kind), d);
      CHECK (d == avm_descriptor_distance (kind, b, a), "symmetric");
      CHECK (avm_descriptor_distance (kind, a, a) < 1e-6, "itself");
    }
    free (p[0].memory);
    free (p[1].memory);
  }
}

/* Another layout of the same samples has the same descriptors, and so has the
 * rectangle cut out. */
static void
check_layouts (void)
{
  Picture p = picture_scene (AVM_COLOUR_RGB, 90, 75);
  uint8_t *planar = malloc (3 * 90 * 75), *quads = malloc (4 * 90 * 75);
  uint8_t *turned = malloc (3 * 90 * 75);
  AvmRect rect = {11, 7, 60, 50}, rim = {-20, 40, 50, 70}, clipped;
  AvmPicture planes = p.view, packed = p.view, upside = p.view, part = p.view;

  for (int y = 0; y < 75; y++)
    for (int x = 0; x < 90; x++)
      for (int c = 0; c < 3; c++)
        planar[(c * 75 + y) * 90 + x] = quads[4 * (y * 90 + x) + 1 + c] =
            turned[(c * 75 + 74 - y) * 90 + x] = *at (&p, x, y, c);
  for (int c = 0; c < 3; c++) {
    planes.data[c] = planar + c * 75 * 90;
    planes.stride[c] = 90;
    planes.step[c] = 1;
    packed.data[c] = quads + 1 + c;
    packed.stride[c] = 4 * 90;
    packed.step[c] = 4;
    part.data[c] = at (&p, rect.x, rect.y, c);
    upside.data[c] = turned + (c * 75 + 74) * 90;
    upside.stride[c] = -90;
    upside.step[c] = 1;
  }
  part.width = rect.width;
  part.height = rect.height;
  CHECK (avm_rect_clip (&rim, 90, 75, &clipped) && clipped.x == 0
          && clipped.y == 40 && clipped.width == 30 && clipped.height == 35,
      "clip");
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    AvmDescriptorKind kind = (AvmDescriptorKind)k;
    AvmDescriptor *descriptor = avm_descriptor_new (kind);
    size_t bytes = (size_t)avm_descriptor_size (kind) * sizeof (float);
    AvmRect full = {0, 0, rect.width, rect.height}, away = {90, 0, 5, 5};
    float a[MAX_VALUES], b[MAX_VALUES];
    float *after = a + avm_descriptor_size (kind);

    *after = 1234.0f;
    avm_descriptor_describe (descriptor, &p.view, &rect, a);
    CHECK (*after == 1234.0f, "writes no more than it has");
    avm_descriptor_describe (descriptor, &planes, &rect, b);
    CHECK (memcmp (a, b, bytes) == 0, "planes %d", k);
    avm_descriptor_describe (descriptor, &packed, &rect, b);
    CHECK (memcmp (a, b, bytes) == 0, "quads %d", k);
    avm_descriptor_describe (descriptor, &part, &full, b);
    CHECK (memcmp (a, b, bytes) == 0, "cut out %d", k);
    avm_descriptor_describe (descriptor, &upside, &rect, b);
    CHECK (memcmp (a, b, bytes) == 0, "rows from the last %d", k);
    avm_descriptor_describe (descriptor, &p.view, &rim, a);
    avm_descriptor_describe (descriptor, &p.view, &clipped, b);
    CHECK (memcmp (a, b, bytes) == 0, "over the rim %d", k);
    CHECK (!avm_descriptor_describe (descriptor, &p.view, &away, b),
        "outside %d", k);
    avm_descriptor_free (descriptor);
  }
  free (planar);
  free (turned);
  free (quads);
  free (p.memory);
}

/* 4:2:0 studio range against the same picture as RGB */
static void
check_yuv (void)
{
  enum {
    W = 96,
    H = 80
  };
  Picture rgb = picture_new (AVM_COLOUR_RGB, W, H);
  uint8_t *y_plane = malloc (W * H), *uv = malloc (W * H / 2);
  AvmPicture yuv = {.model = AVM_COLOUR_YUV,
      .width = W,
      .height = H,
      .data = {y_plane, uv, uv + 1},
      .stride = {W, W, W},
      .step = {1, 2, 2},
      .chroma_x = 1,
      .chroma_y = 1};
  AvmRect rect = {0, 0, W, H};
  AvmPatch *a = avm_patch_new (48, true), *b = avm_patch_new (48, true);

  for (int matrix = 0; matrix < 2; matrix++) {
    double kr = matrix ? 0.2126 : 0.299, kb = matrix ? 0.0722 : 0.114;
    int greatest = 0;

    yuv.matrix = matrix ? AVM_MATRIX_BT709 : AVM_MATRIX_BT601;
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++) {
        /* smooth, so that half the colour resolution loses little */
        double r = 40 + 1.8 * x, g = 230 - 1.5 * y, bl = 60 + x + y;
        double l = kr * r + (1.0 - kr - kb) * g + kb * bl;
        double u = 0.5 * (bl - l) / (1.0 - kb), v = 0.5 * (r - l) / (1.0 - kr);
        size_t i = (size_t)(y / 2) * W + (size_t)(x / 2) * 2;

        set (&rgb, x, y, (int)lrint (r), (int)lrint (g), (int)lrint (bl));
        y_plane[y * W + x] = (uint8_t)lrint (16.0 + 219.0 * l / 255.0);
        uv[i] = (uint8_t)lrint (128.0 + 224.0 * u / 255.0);
        uv[i + 1] = (uint8_t)lrint (128.0 + 224.0 * v / 255.0);
      }
    CHECK (avm_patch_load (a, &rgb.view, &rect), "RGB");
    CHECK (avm_patch_load (b, &yuv, &rect), "YUV");
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < 48 * 48; i++)
        greatest = AVM_MAX (greatest,
            abs (avm_patch_get_colour (a, c)[i]
                - avm_patch_get_colour (b, c)[i]));
    CHECK (greatest <= 6, "matrix %d: colours differ by %d", matrix, greatest);
    greatest = 0;
    for (int i = 0; matrix == 0 && i < 48 * 48; i++)
      greatest = AVM_MAX (greatest,
          abs (avm_patch_get_luma (a)[i] - avm_patch_get_luma (b)[i]));
    CHECK (greatest <= 2, "luma differs by %d", greatest);
  }
  avm_patch_free (a);
  avm_patch_free (b);
  free (rgb.memory);
  free (y_plane);
  free (uv);
}

static double
resampled (const Picture *p, int side, int tx, int ty)
{
  double sum = 0.0, total = 0.0, n[] = {p->view.width, p->view.height};
  double c[] = {(tx + 0.5) * n[0] / side - 0.5, (ty + 0.5) * n[1] / side - 0.5};
  double r[] = {fmax (1.0, n[0] / side), fmax (1.0, n[1] / side)};

  for (int y = 0; y < p->view.height; y++)
    for (int x = 0; x < p->view.width; x++) {
      double w = fmax (0.0, 1.0 - fabs (x - c[0]) / r[0])
          * fmax (0.0, 1.0 - fabs (y - c[1]) / r[1]);

      sum += w * *at (p, x, y, 0);
      total += w;
    }
  return sum / total;
}

static void
check_patch (void)
{
  for (int trial = 0; trial < 40; trial++) {
    int w = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 90);
    int h = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 90);
    int side = 1 + (int)(avm_rng_u32 (&avmcheck_rng) % 40);
    Picture p = picture_random (AVM_COLOUR_GREY, w, h);
    AvmPatch *patch = avm_patch_new (side, trial % 2);
    AvmRect rect = {0, 0, w, h};
    double worst = 0.0;

    CHECK (avm_patch_load (patch, &p.view, &rect), "%d x %d", w, h);
    for (int y = 0; y < side; y++)
      for (int x = 0; x < side; x++)
        worst = fmax (worst,
            fabs (avm_patch_get_luma (patch)[y * side + x]
                - resampled (&p, side, x, y)));
    CHECK (worst <= 0.52, "%d x %d to %d: %g", w, h, side, worst);
    CHECK ((avm_patch_get_colour (patch, 2) != NULL) == (trial % 2 == 1),
        "colour when asked for");
    avm_patch_free (patch);
    free (p.memory);
  }
  CHECK (avm_patch_new (0, false) == NULL, "no side");
  CHECK (avm_patch_new (AVM_PATCH_MAX_SIDE + 1, false) == NULL, "too large");
  avm_patch_free (NULL);
}

static void
check_hsv (void)
{
  double h, s, v;

  avm_colour_to_hsv (255, 128, 0, &h, &s, &v);
  CHECK_NEAR (h, 60.0 * 128 / 255, 1e-9, 0.0, "orange");
  CHECK (s == 255.0 && v == 255.0, "full");
  avm_colour_to_hsv (100, 50, 75, &h, &s, &v);
  CHECK_NEAR (h, 330.0, 1e-9, 0.0, "rose");
  CHECK_NEAR (s, 127.5, 1e-9, 0.0, "half");
  avm_colour_to_hsv (0, 0, 0, &h, &s, &v);
  CHECK (h == 0.0 && s == 0.0 && v == 0.0, "black");
}

static void
check_boxes (void)
{
  AvmRect face = {100, 200, 40, 48}, tiny = {5, 5, 1, 1}, boxes[3];

  avm_appearance_boxes (&face, boxes);
  CHECK (memcmp (&boxes[AVM_PART_FACE], &face, sizeof (face)) == 0, "face");
  CHECK (boxes[1].x == 90 && boxes[1].width == 60, "hair is centred");
  CHECK (boxes[1].y == 171 && boxes[1].height == 29, "and above the face");
  CHECK (boxes[2].x == 60 && boxes[2].width == 120, "body is centred");
  CHECK (boxes[2].y == 255 && boxes[2].height == 120, "and below the face");
  avm_appearance_boxes (&tiny, boxes);
  for (int i = 0; i < 3; i++)
    CHECK (boxes[i].width >= 1 && boxes[i].height >= 1, "part %d", i);
}

static void
check_fusion (void)
{
  AvmAppearanceWeights w = {{2.0, 1.0, 0.0}, {1.0, 0.0, 3.0, 0.0, 0.0}};
  double distances[15], shares[] = {1.0, 0.5, 1.0}, wanted;

  for (int i = 0; i < 15; i++)
    distances[i] = avm_rng_uniform (&avmcheck_rng);
  wanted = (2.0 * (distances[0] + 3.0 * distances[2])
               + 0.5 * (distances[5] + 3.0 * distances[7]))
      / (2.0 * 4.0 + 0.5 * 4.0);
  CHECK_NEAR (avm_appearance_fuse (&w, distances, shares), wanted, 1e-12, 0.0,
      "weighted mean");
  shares[1] = 0.0;
  distances[5] = distances[7] = NAN;
  wanted = (distances[0] + 3.0 * distances[2]) / 4.0;
  CHECK_NEAR (avm_appearance_fuse (&w, distances, shares), wanted, 1e-12, 0.0,
      "a part that is not visible");
  shares[0] = 0.0;
  CHECK (
      avm_appearance_fuse (&w, distances, shares) == 1.0, "nothing to go by");
}

/* An appearance is what the single descriptors say of the boxes; people differ
 * more than one does from itself a little later. */
static void
check_appearance (void)
{
  enum {
    N = 4
  };
  AvmAppearance *appearance = avm_appearance_new ();
  float *values = malloc (N * AVM_APPEARANCE_SIZE * sizeof (float));
  float matrix[N * N], expected[MAX_VALUES];
  Picture p = picture_scene (AVM_COLOUR_RGB, 400, 300);
  AvmRect faces[N] = {{80, 60, 30, 30}, {82, 61, 31, 30}, {300, 100, 40, 44},
      {10, 270, 30, 40}};
  AvmRect boxes[3], outside = {500, 10, 20, 20};
  AvmAppearanceWeights weights;

  avm_appearance_weights_init (&weights);
  for (int i = 0; i < N; i++) {
    int visible = avm_appearance_describe (
        appearance, &p.view, &faces[i], values + i * AVM_APPEARANCE_SIZE);

    CHECK (visible == (i == 3 ? 2 : 3), "face %d: %d parts", i, visible);
  }
  CHECK (values[3 * AVM_APPEARANCE_SIZE + AVM_PART_BODY] == 0.0f, "no body");
  CHECK_NEAR (values[3 * AVM_APPEARANCE_SIZE], 0.75, 1e-6, 0.0, "face cut");
  avm_appearance_boxes (&faces[2], boxes);
  for (int part = 0; part < 3; part++) {
    const float *v =
        values + 2 * AVM_APPEARANCE_SIZE + 3 + part * AVM_DESCRIPTORS_SIZE;

    for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
      AvmDescriptor *descriptor = avm_descriptor_new ((AvmDescriptorKind)k);
      int n = avm_descriptor_size ((AvmDescriptorKind)k);

      avm_descriptor_describe (descriptor, &p.view, &boxes[part], expected);
      CHECK (memcmp (v, expected, (size_t)n * sizeof (float)) == 0,
          "part %d descriptor %d", part, k);
      avm_descriptor_free (descriptor);
      v += n;
    }
  }
  avm_appearance_matrix (&weights, values, N, matrix);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      CHECK (matrix[i * N + j] == matrix[j * N + i]
              && (i == j) == (matrix[i * N + j] == 0.0f)
              && matrix[i * N + j] <= 1.0f,
          "matrix %d %d", i, j);
  CHECK (matrix[1] < matrix[2] && matrix[1] < matrix[N + 2], "neighbours");
  CHECK (avm_appearance_describe (appearance, &p.view, &outside, values) == 0
          && avm_appearance_distance (
                 &weights, values, values + AVM_APPEARANCE_SIZE)
              == 1.0,
      "outside");
  avm_appearance_free (appearance);
  avm_appearance_free (NULL);
  free (values);
  free (p.memory);
}

static void
check_names (void)
{
  int sum = 0;

  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    sum += avm_descriptor_size ((AvmDescriptorKind)k);
  CHECK (sum == AVM_DESCRIPTORS_SIZE, "sizes");
  CHECK (avm_descriptor_new ((AvmDescriptorKind)AVM_N_DESCRIPTORS) == NULL,
      "no such kind");
  avm_descriptor_free (NULL);
}

static void
time_descriptor (const Picture *p, AvmDescriptorKind kind)
{
  AvmDescriptor *descriptor = avm_descriptor_new (kind);
  AvmPatch *patch = avm_patch_new (
      avm_descriptor_side (kind), avm_descriptor_needs_colour (kind));
  AvmRect rect = whole (p);
  float values[MAX_VALUES];
  double best[2] = {INFINITY, INFINITY};

  avm_patch_load (patch, &p->view, &rect);
  for (int i = 0; i < 200; i++) {
    double start = avmcheck_cpu (), middle;

    avm_descriptor_describe (descriptor, &p->view, &rect, values);
    middle = avmcheck_cpu ();
    avm_descriptor_describe_patch (descriptor, patch, values);
    best[0] = fmin (best[0], middle - start);
    best[1] = fmin (best[1], avmcheck_cpu () - middle);
  }
  printf ("bench %s of %d x %d px: %.0f us, of them %.0f after resampling\n",
      avm_descriptor_name (kind), p->view.width, p->view.height, best[0] * 1e6,
      best[1] * 1e6);
  avm_patch_free (patch);
  avm_descriptor_free (descriptor);
}

static void
bench (void)
{
  enum {
    N = 60
  };
  Picture hall = picture_scene (AVM_COLOUR_RGB, 1280, 720);
  AvmAppearance *appearance = avm_appearance_new ();
  float *values = malloc (N * AVM_APPEARANCE_SIZE * sizeof (float));
  float *matrix = malloc (N * N * sizeof (float));
  AvmAppearanceWeights weights;
  double start, best = INFINITY;

  for (int side = 64; side <= 128; side *= 2) {
    Picture p = picture_scene (AVM_COLOUR_RGB, side, side);

    for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
      time_descriptor (&p, (AvmDescriptorKind)k);
    free (p.memory);
  }
  for (int i = 0; i < N; i++) {
    AvmRect face = {100 + 17 * i, 100 + 5 * i, 40, 40};

    start = avmcheck_cpu ();
    avm_appearance_describe (
        appearance, &hall.view, &face, values + i * AVM_APPEARANCE_SIZE);
    best = fmin (best, avmcheck_cpu () - start);
  }
  printf ("bench appearance of a face of 40 px: %.2f ms\n", best * 1e3);
  avm_appearance_weights_init (&weights);
  start = avmcheck_cpu ();
  avm_appearance_matrix (&weights, values, N, matrix);
  printf ("bench distance of two appearances: %.2f us\n",
      (avmcheck_cpu () - start) * 1e6 / (N * (N - 1) / 2));
  avm_appearance_free (appearance);
  free (values);
  free (matrix);
  free (hall.memory);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  check_names ();
  check_hsv ();
  check_patch ();
  check_yuv ();
  check_phog ();
  check_ehd ();
  check_gabor_angles ();
  check_gabor_size ();
  check_acc ();
  check_jcd ();
  check_flat ();
  check_distances ();
  check_layouts ();
  check_boxes ();
  check_fusion ();
  check_appearance ();
  if (avmcheck_bench)
    bench ();
  return avmcheck_report ();
}
