/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What descriptors have in common, and their distances.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "vision/avm-descriptor-private.h"

#include <math.h>

struct _AvmDescriptor {
  AvmDescriptorKind kind;
  AvmPatch *patch; /* made when a rectangle is described */
  AvmPhog *phog;
  AvmEhd *ehd;
  AvmGabor *gabor;
  AvmAcc *acc;
  AvmJcd *jcd;
};

static const struct {
  const char *name;
  int size, side;
  bool colour;
} kinds[AVM_N_DESCRIPTORS] = {
    {"phog", AVM_PHOG_SIZE, AVM_PHOG_SIDE, false},
    {"ehd", AVM_EHD_SIZE, AVM_EHD_SIDE, false},
    {"gabor", AVM_GABOR_SIZE, AVM_GABOR_SIDE, false},
    {"acc", AVM_ACC_SIZE, AVM_ACC_SIDE, true},
    {"jcd", AVM_JCD_SIZE, AVM_JCD_SIDE, true},
};

const char *
avm_descriptor_name (AvmDescriptorKind kind)
{
  return kinds[kind].name;
}

int
avm_descriptor_size (AvmDescriptorKind kind)
{
  return kinds[kind].size;
}

int
avm_descriptor_side (AvmDescriptorKind kind)
{
  return kinds[kind].side;
}

bool
avm_descriptor_needs_colour (AvmDescriptorKind kind)
{
  return kinds[kind].colour;
}

AvmDescriptor *
avm_descriptor_new (AvmDescriptorKind kind)
{
  AvmDescriptor *self;
  bool good = false;

  if ((unsigned)kind >= AVM_N_DESCRIPTORS)
    return NULL;
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL)
    return NULL;
  self->kind = kind;
  switch (kind) {
    case AVM_DESCRIPTOR_PHOG:
      good = (self->phog = avm_phog_new ()) != NULL;
      break;
    case AVM_DESCRIPTOR_EHD:
      good = (self->ehd = avm_ehd_new ()) != NULL;
      break;
    case AVM_DESCRIPTOR_GABOR:
      good = (self->gabor = avm_gabor_new ()) != NULL;
      break;
    case AVM_DESCRIPTOR_ACC:
      good = (self->acc = avm_acc_new ()) != NULL;
      break;
    case AVM_DESCRIPTOR_JCD:
      good = (self->jcd = avm_jcd_new ()) != NULL;
      break;
  }
  if (good)
    return self;
  avm_descriptor_free (self);
  return NULL;
}

void
avm_descriptor_free (AvmDescriptor *self)
{
  if (self == NULL)
    return;
  avm_patch_free (self->patch);
  avm_phog_free (self->phog);
  avm_ehd_free (self->ehd);
  avm_gabor_free (self->gabor);
  avm_acc_free (self->acc);
  avm_jcd_free (self->jcd);
  avm_free (self);
}

bool
avm_descriptor_describe_patch (
    AvmDescriptor *self, const AvmPatch *patch, float *values)
{
  const uint8_t *luma = avm_patch_get_luma (patch);
  const uint8_t *r = avm_patch_get_colour (patch, 0);
  const uint8_t *g = avm_patch_get_colour (patch, 1);
  const uint8_t *b = avm_patch_get_colour (patch, 2);

  if (avm_patch_get_side (patch) != kinds[self->kind].side
      || (kinds[self->kind].colour && r == NULL))
    return false;
  switch (self->kind) {
    case AVM_DESCRIPTOR_PHOG:
      avm_phog_describe (self->phog, luma, values);
      break;
    case AVM_DESCRIPTOR_EHD:
      avm_ehd_describe (self->ehd, luma, values);
      break;
    case AVM_DESCRIPTOR_GABOR:
      avm_gabor_describe (self->gabor, luma, values);
      break;
    case AVM_DESCRIPTOR_ACC:
      avm_acc_describe (self->acc, r, g, b, values);
      break;
    case AVM_DESCRIPTOR_JCD:
      avm_jcd_describe (self->jcd, luma, r, g, b, values);
      break;
  }
  return true;
}

bool
avm_descriptor_describe (AvmDescriptor *self, const AvmPicture *picture,
    const AvmRect *rect, float *values)
{
  if (self->patch == NULL)
    self->patch =
        avm_patch_new (kinds[self->kind].side, kinds[self->kind].colour);
  return self->patch != NULL && avm_patch_load (self->patch, picture, rect)
      && avm_descriptor_describe_patch (self, self->patch, values);
}

#define LANES 16

/* The sum of a term in x and y over both vectors, by lanes so that the
 * compiler can keep it in vectors */
#define SUM(total, n, term)                                                    \
  do {                                                                         \
    float sum_lanes[LANES] = {0};                                              \
    int sum_i = 0;                                                             \
    for (; sum_i + LANES <= (n); sum_i += LANES)                               \
      for (int sum_l = 0; sum_l < LANES; sum_l++) {                            \
        const float x = a[sum_i + sum_l], y = b[sum_i + sum_l];                \
        sum_lanes[sum_l] += (term);                                            \
        (void)x;                                                               \
        (void)y;                                                               \
      }                                                                        \
    for (; sum_i < (n); sum_i++) {                                             \
      const float x = a[sum_i], y = b[sum_i];                                  \
      sum_lanes[0] += (term);                                                  \
      (void)x;                                                                 \
      (void)y;                                                                 \
    }                                                                          \
    total = 0.0;                                                               \
    for (int sum_l = 0; sum_l < LANES; sum_l++)                                \
      total += (double)sum_lanes[sum_l];                                       \
  } while (0)

/* where both are zero, quotients are too */
#define TINY 1e-30f

AVM_CLONES static double
chi_square (const float *a, const float *b, int n)
{
  double total;

  SUM (total, n, (x - y) * (x - y) / (x + y + TINY));
  return total;
}

AVM_CLONES static double
gabor_distance (const float *a, const float *b)
{
  double total;

  /* responses below a quarter of a grey level are noise */
  SUM (total, AVM_GABOR_SIZE, fabsf (x - y) / (x + y + 1e-3f));
  return total / AVM_GABOR_SIZE;
}

static double
phog_distance (const float *a, const float *b)
{
  /* a level sums to 1/3, so chi-square of one is at most 2/3 */
  return 1.5
      * (0.25 * chi_square (a, b, 30)
          + 0.25 * chi_square (a + 30, b + 30, 4 * 30)
          + 0.5 * chi_square (a + 5 * 30, b + 5 * 30, 16 * 30));
}

/* Sums of the five edges over n sub-images from the first one on, `step` apart */
static inline void
ehd_add (double *sum, const double *from, int n, int step)
{
  for (int i = 0; i < n; i++)
    for (int t = 0; t < 5; t++)
      sum[t] += from[5 * i * step + t];
}

static inline double
ehd_length (const double *sum, int n)
{
  double length = 0.0;

  for (int t = 0; t < 5; t++)
    length += fabs (sum[t]);
  return length / n;
}

/* Means of histograms differ by the mean of the differences. */
AVM_CLONES static double
ehd_distance (const float *a, const float *b)
{
  double differences[AVM_EHD_SIZE], all[5] = {0.0}, middle[5] = {0.0};
  double sum = 0.0;

  for (int i = 0; i < AVM_EHD_SIZE; i++) {
    differences[i] = (double)a[i] - (double)b[i];
    sum += fabs (differences[i]);
  }
  for (int i = 0; i < 4; i++) {
    double row[5] = {0.0}, column[5] = {0.0}, block[5] = {0.0};
    const double *corner = differences + 5 * (8 * (i / 2) + 2 * (i % 2));

    ehd_add (row, differences + 20 * i, 4, 1);
    ehd_add (column, differences + 5 * i, 4, 4);
    ehd_add (block, corner, 2, 1);
    ehd_add (block, corner + 20, 2, 1);
    ehd_add (all, row, 1, 1);
    sum += ehd_length (row, 4) + ehd_length (column, 4) + ehd_length (block, 4);
  }
  ehd_add (middle, differences + 25, 2, 1);
  ehd_add (middle, differences + 45, 2, 1);
  sum += 5.0 * ehd_length (all, 16) + ehd_length (middle, 4);
  /* 16 + 5 + 13 histograms, each of which differs by at most 2 */
  return sum / 68.0;
}

AVM_CLONES static double
acc_distance (const float *a, const float *b)
{
  double over, under;

  SUM (over, AVM_ACC_SIZE, fabsf (x - y) / (1.0f + (x + y)));
  SUM (under, AVM_ACC_SIZE, (x + y) / (1.0f + (x + y)));
  return under > 0.0 ? over / under : 0.0;
}

AVM_CLONES static double
jcd_distance (const float *a, const float *b)
{
  double ab, aa, bb, sa, sb;

  SUM (ab, AVM_JCD_SIZE, (x * y));
  SUM (aa, AVM_JCD_SIZE, (x * x));
  SUM (bb, AVM_JCD_SIZE, (y * y));
  SUM (sa, AVM_JCD_SIZE, x);
  SUM (sb, AVM_JCD_SIZE, y);
  if (sa <= 0.0 || sb <= 0.0)
    return sa <= 0.0 && sb <= 0.0 ? 0.0 : 1.0;
  ab /= sa * sb;
  aa /= sa * sa;
  bb /= sb * sb;
  return AVM_CLAMP (1.0 - ab / (aa + bb - ab), 0.0, 1.0);
}

double
avm_descriptor_distance (AvmDescriptorKind kind, const float *a, const float *b)
{
  switch (kind) {
    case AVM_DESCRIPTOR_PHOG:
      return AVM_MIN (phog_distance (a, b), 1.0);
    case AVM_DESCRIPTOR_EHD:
      return AVM_MIN (ehd_distance (a, b), 1.0);
    case AVM_DESCRIPTOR_GABOR:
      return AVM_MIN (gabor_distance (a, b), 1.0);
    case AVM_DESCRIPTOR_ACC:
      return AVM_MIN (acc_distance (a, b), 1.0);
    case AVM_DESCRIPTOR_JCD:
      return jcd_distance (a, b);
  }
  return 1.0;
}
