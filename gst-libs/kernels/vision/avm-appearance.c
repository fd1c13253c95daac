/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-appearance.h"

#include <math.h>
#include <string.h>

struct _AvmAppearance {
  AvmDescriptor *descriptors[AVM_N_DESCRIPTORS];
  /* patches of the sides that descriptors need, each loaded once per part */
  AvmPatch *patches[AVM_N_DESCRIPTORS];
  int patch_of[AVM_N_DESCRIPTORS];
  int n_patches;
};

static bool
add_patch (AvmAppearance *self, int kind)
{
  int side = avm_descriptor_side ((AvmDescriptorKind)kind);
  bool colour = false;
  int i = 0;

  while (i < self->n_patches && avm_patch_get_side (self->patches[i]) != side)
    i++;
  self->patch_of[kind] = i;
  if (i < self->n_patches)
    return true;
  /* with colour when anybody of that side needs it */
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    colour |= avm_descriptor_side ((AvmDescriptorKind)k) == side
        && avm_descriptor_needs_colour ((AvmDescriptorKind)k);
  self->patches[i] = avm_patch_new (side, colour);
  self->n_patches += self->patches[i] != NULL;
  return self->patches[i] != NULL;
}

AvmAppearance *
avm_appearance_new (void)
{
  AvmAppearance *self = avm_alloc (1, sizeof (*self));
  bool good = self != NULL;

  for (int k = 0; good && k < AVM_N_DESCRIPTORS; k++) {
    self->descriptors[k] = avm_descriptor_new ((AvmDescriptorKind)k);
    good = self->descriptors[k] != NULL && add_patch (self, k);
  }
  if (good)
    return self;
  avm_appearance_free (self);
  return NULL;
}

void
avm_appearance_free (AvmAppearance *self)
{
  if (self == NULL)
    return;
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    avm_descriptor_free (self->descriptors[k]);
    avm_patch_free (self->patches[k]);
  }
  avm_free (self);
}

/* A box of w x h faces, centred on the face, its top `top` faces below that of
 * the face */
static AvmRect
box (const AvmRect *face, double w, double h, double top)
{
  double centre = face->x + 0.5 * face->width;
  AvmRect r;

  r.width = AVM_MAX (1, (int)lrint (w * face->width));
  r.height = AVM_MAX (1, (int)lrint (h * face->height));
  r.x = (int)lrint (centre - 0.5 * r.width);
  r.y = (int)lrint (face->y + top * face->height);
  return r;
}

void
avm_appearance_boxes (const AvmRect *face, AvmRect *boxes)
{
  boxes[AVM_PART_FACE] = *face;
  boxes[AVM_PART_HAIR] = box (face, 1.5, 0.6, -0.6);
  boxes[AVM_PART_BODY] = box (face, 3.0, 2.5, 1.15);
}

static double
visible_share (const AvmRect *rect, const AvmPicture *picture)
{
  AvmRect part;

  if (!avm_rect_clip (rect, picture->width, picture->height, &part))
    return 0.0;
  return (double)part.width * part.height
      / ((double)rect->width * rect->height);
}

static bool
describe_part (AvmAppearance *self, const AvmPicture *picture,
    const AvmRect *rect, float *values)
{
  for (int i = 0; i < self->n_patches; i++)
    if (!avm_patch_load (self->patches[i], picture, rect))
      return false;
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    if (!avm_descriptor_describe_patch (
            self->descriptors[k], self->patches[self->patch_of[k]], values))
      return false;
    values += avm_descriptor_size ((AvmDescriptorKind)k);
  }
  return true;
}

int
avm_appearance_describe (AvmAppearance *self, const AvmPicture *picture,
    const AvmRect *face, float *values)
{
  AvmRect boxes[AVM_N_BODY_PARTS];
  float *out = values + AVM_N_BODY_PARTS;
  int visible = 0;

  memset (values, 0, AVM_APPEARANCE_SIZE * sizeof (float));
  if (face->width < 1 || face->height < 1)
    return 0;
  avm_appearance_boxes (face, boxes);
  for (int p = 0; p < AVM_N_BODY_PARTS; p++, out += AVM_DESCRIPTORS_SIZE) {
    double share = visible_share (&boxes[p], picture);

    if (share < AVM_APPEARANCE_MIN_VISIBLE
        || !describe_part (self, picture, &boxes[p], out))
      continue;
    values[p] = (float)share;
    visible++;
  }
  return visible;
}

void
avm_appearance_weights_init (AvmAppearanceWeights *weights)
{
  /* one over 0.25, 0.18, 0.16, 0.5 and 0.5 */
  static const AvmAppearanceWeights defaults = {
      .parts = {1.0, 1.0, 1.0}, .descriptors = {4.0, 5.5, 6.0, 2.0, 2.0}};

  *weights = defaults;
}

void
avm_appearance_compare (
    const float *a, const float *b, double *distances, double *shares)
{
  const float *x = a + AVM_N_BODY_PARTS, *y = b + AVM_N_BODY_PARTS;

  for (int p = 0; p < AVM_N_BODY_PARTS; p++) {
    shares[p] = (double)AVM_MIN (a[p], b[p]);
    for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
      AvmDescriptorKind kind = (AvmDescriptorKind)k;

      *distances++ =
          shares[p] > 0.0 ? avm_descriptor_distance (kind, x, y) : NAN;
      x += avm_descriptor_size (kind);
      y += avm_descriptor_size (kind);
    }
  }
}

double
avm_appearance_fuse (const AvmAppearanceWeights *weights,
    const double *distances, const double *shares)
{
  double sum = 0.0, total = 0.0;

  for (int p = 0; p < AVM_N_BODY_PARTS; p++)
    for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
      double weight = shares[p] * weights->parts[p] * weights->descriptors[k];

      if (weight > 0.0) {
        sum += weight * distances[p * AVM_N_DESCRIPTORS + k];
        total += weight;
      }
    }
  return total > 0.0 ? sum / total : 1.0;
}

double
avm_appearance_distance (
    const AvmAppearanceWeights *weights, const float *a, const float *b)
{
  const float *x = a + AVM_N_BODY_PARTS, *y = b + AVM_N_BODY_PARTS;
  double sum = 0.0, total = 0.0;

  for (int p = 0; p < AVM_N_BODY_PARTS; p++)
    for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
      AvmDescriptorKind kind = (AvmDescriptorKind)k;
      double weight = (double)AVM_MIN (a[p], b[p]) * weights->parts[p]
          * weights->descriptors[k];

      /* what does not count is not compared either */
      if (weight > 0.0) {
        sum += weight * avm_descriptor_distance (kind, x, y);
        total += weight;
      }
      x += avm_descriptor_size (kind);
      y += avm_descriptor_size (kind);
    }
  return total > 0.0 ? sum / total : 1.0;
}

void
avm_appearance_matrix (const AvmAppearanceWeights *weights, const float *values,
    int n, float *matrix)
{
  for (int i = 0; i < n; i++) {
    const float *a = values + (size_t)i * AVM_APPEARANCE_SIZE;

    matrix[(size_t)i * (size_t)n + (size_t)i] = 0.0f;
    for (int j = i + 1; j < n; j++) {
      const float *b = values + (size_t)j * AVM_APPEARANCE_SIZE;
      float d = (float)avm_appearance_distance (weights, a, b);

      matrix[(size_t)i * (size_t)n + (size_t)j] = d;
      matrix[(size_t)j * (size_t)n + (size_t)i] = d;
    }
  }
}
