/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "avmdlibface.h"

#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <vector>

typedef dlib::array2d<unsigned char> Image;

struct _AvmDlibFaces {
  dlib::frontal_face_detector detector;
  Image image, scaled;
};

/* Unpacking the classifiers takes a third of a second: once is enough. */
static const dlib::frontal_face_detector &
prototype ()
{
  static const dlib::frontal_face_detector made =
      dlib::get_frontal_face_detector ();

  return made;
}

extern "C" AvmDlibFaces *
avm_dlib_faces_new (void)
{
  try {
    return new AvmDlibFaces{prototype (), {}, {}};
  } catch (...) {
    return nullptr;
  }
}

extern "C" void
avm_dlib_faces_free (AvmDlibFaces *self)
{
  delete self;
}

static void
load (
    Image &image, const uint8_t *luma, ptrdiff_t stride, int width, int height)
{
  image.set_size (height, width);
  for (int y = 0; y < height; y++)
    std::memcpy (&image[y][0], luma + y * stride, (size_t)width);
}

/* Halves and doubles by dlib's own filters, the rest by interpolation. The
 * steps back from the scaled picture are kept in `halves` (steps of halving,
 * negative: of doubling) and in sx, sy. */
static void
resize (AvmDlibFaces *self, double scale, int &halves, double &sx, double &sy)
{
  dlib::pyramid_down<2> half;
  long rows, columns;

  halves = 0;
  for (; scale <= 0.5; scale *= 2.0, halves++) {
    half (self->image, self->scaled);
    self->image.swap (self->scaled);
  }
  for (; scale >= 2.0; scale *= 0.5, halves--) {
    dlib::pyramid_up (self->image, self->scaled, half);
    self->image.swap (self->scaled);
  }
  rows = std::max (std::lround ((double)self->image.nr () * scale), 1L);
  columns = std::max (std::lround ((double)self->image.nc () * scale), 1L);
  sx = self->image.nc () > 0 ? (double)columns / self->image.nc () : 1.0;
  sy = self->image.nr () > 0 ? (double)rows / self->image.nr () : 1.0;
  if (self->image.size () == 0
      || (rows == self->image.nr () && columns == self->image.nc ()))
    return;
  self->scaled.set_size (rows, columns);
  dlib::resize_image (self->image, self->scaled);
  self->image.swap (self->scaled);
}

static AvmDlibFace
face_of (const dlib::rect_detection &seen, int halves, double sx, double sy)
{
  dlib::pyramid_down<2> half;
  dlib::drectangle r (seen.rect.left () / sx, seen.rect.top () / sy,
      seen.rect.right () / sx, seen.rect.bottom () / sy);
  AvmDlibFace face;

  for (; halves > 0; halves--)
    r = half.rect_up (r);
  for (; halves < 0; halves++)
    r = half.rect_down (r);
  face.x = (float)r.left ();
  face.y = (float)r.top ();
  face.w = (float)r.width ();
  face.h = (float)r.height ();
  face.score = (float)seen.detection_confidence;
  face.orientation = (AvmDlibOrientation)seen.weight_index;
  return face;
}

extern "C" int
avm_dlib_faces_do (AvmDlibFaces *self, const uint8_t *luma, ptrdiff_t stride,
    int width, int height, double scale, double min_score, AvmDlibFace *faces,
    int max, char *detail, size_t detail_size)
{
  try {
    std::vector<dlib::rect_detection> seen;
    double sx, sy;
    int halves, n;

    load (self->image, luma, stride, width, height);
    resize (self, scale, halves, sx, sy);
    if (self->image.size () > 0)
      self->detector (self->image, seen, min_score);
    n = (int)seen.size ();
    for (int i = 0; i < std::min (n, max); i++)
      faces[i] = face_of (seen[(size_t)i], halves, sx, sy);
    return n;
  } catch (const std::exception &e) {
    std::snprintf (detail, detail_size, "%s", e.what ());
  } catch (...) {
    std::snprintf (detail, detail_size, "unknown exception");
  }
  return -1;
}
