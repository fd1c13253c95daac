/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Prints the descriptors of parts of pictures for tests/accuracy/descriptors:
 *   descriptor-dump PICTURE.ppm|PICTURE.pgm < RECTANGLES
 * One rectangle "x y width height" a line; for each, one line "NAME values"
 * per descriptor. With a second picture as argument, the distances of the
 * same rectangle in both follow as a line "distances".
 *   descriptor-dump --appearance PICTURE... < FACES
 * One face "picture x y width height" a line, pictures from 0; prints one line
 * "i j fused" and the distances of all parts and descriptors (nan: not
 * visible) per pair of faces.
 */

#include "vision/avm-appearance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
read_picture (const char *path, AvmPicture *picture)
{
  FILE *file = fopen (path, "rb");
  char kind;
  int width, height, channels;
  size_t size;
  uint8_t *data;

  if (file == NULL)
    return false;
  if (fscanf (file, "P%c %d %d 255", &kind, &width, &height) != 3
      || (kind != '5' && kind != '6') || width < 1 || height < 1
      || fgetc (file) == EOF) {
    fclose (file);
    return false;
  }
  channels = kind == '6' ? 3 : 1;
  size = (size_t)width * (size_t)height * (size_t)channels;
  data = malloc (size);
  if (data == NULL || fread (data, 1, size, file) != size) {
    fclose (file);
    free (data);
    return false;
  }
  fclose (file);
  *picture =
      (AvmPicture){.model = channels == 3 ? AVM_COLOUR_RGB : AVM_COLOUR_GREY,
          .width = width,
          .height = height};
  for (int i = 0; i < channels; i++) {
    picture->data[i] = data + i;
    picture->stride[i] = (ptrdiff_t)width * channels;
    picture->step[i] = channels;
  }
  return true;
}

static bool
print_all (AvmDescriptor **descriptors, const AvmPicture *picture,
    const AvmRect *rect, bool print, float *values)
{
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    int n = avm_descriptor_size ((AvmDescriptorKind)k);

    if (!avm_descriptor_describe (descriptors[k], picture, rect, values))
      return false;
    if (print) {
      printf ("%s", avm_descriptor_name ((AvmDescriptorKind)k));
      for (int i = 0; i < n; i++)
        printf (" %.9g", (double)values[i]);
      putchar ('\n');
    }
    values += n;
  }
  return true;
}

static void
print_distances (const float *a, const float *b)
{
  printf ("distances");
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
    AvmDescriptorKind kind = (AvmDescriptorKind)k;

    printf (" %.9g", avm_descriptor_distance (kind, a, b));
    a += avm_descriptor_size (kind);
    b += avm_descriptor_size (kind);
  }
  putchar ('\n');
}

#define MAX_FACES 1000

static int
compare_appearances (const AvmPicture *pictures, int n_pictures)
{
  AvmAppearance *appearance = avm_appearance_new ();
  float *values = malloc (MAX_FACES * AVM_APPEARANCE_SIZE * sizeof (float));
  AvmAppearanceWeights weights;
  AvmRect face;
  int picture, n = 0;

  avm_appearance_weights_init (&weights);
  while (n < MAX_FACES
      && scanf ("%d %d %d %d %d", &picture, &face.x, &face.y, &face.width,
             &face.height)
          == 5
      && picture >= 0 && picture < n_pictures)
    avm_appearance_describe (appearance, &pictures[picture], &face,
        values + (size_t)n++ * AVM_APPEARANCE_SIZE);
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) {
      double distances[AVM_N_BODY_PARTS * AVM_N_DESCRIPTORS];
      double shares[AVM_N_BODY_PARTS];

      avm_appearance_compare (values + (size_t)i * AVM_APPEARANCE_SIZE,
          values + (size_t)j * AVM_APPEARANCE_SIZE, distances, shares);
      printf ("%d %d %.6g", i, j,
          avm_appearance_fuse (&weights, distances, shares));
      for (int k = 0; k < AVM_N_BODY_PARTS * AVM_N_DESCRIPTORS; k++)
        printf (" %.6g", distances[k]);
      putchar ('\n');
    }
  avm_appearance_free (appearance);
  free (values);
  return 0;
}

static int
describe_rectangles (const AvmPicture *pictures, int n)
{
  static float values[2][AVM_DESCRIPTORS_SIZE];
  AvmDescriptor *descriptors[AVM_N_DESCRIPTORS];
  AvmRect rect;
  int status = 0;

  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    descriptors[k] = avm_descriptor_new ((AvmDescriptorKind)k);
  while (status == 0
      && scanf ("%d %d %d %d", &rect.x, &rect.y, &rect.width, &rect.height)
          == 4) {
    for (int i = 0; i < n; i++)
      status |=
          !print_all (descriptors, &pictures[i], &rect, i == 0, values[i]);
    if (n == 2 && status == 0)
      print_distances (values[0], values[1]);
  }
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    avm_descriptor_free (descriptors[k]);
  return status;
}

int
main (int argc, char **argv)
{
  AvmPicture pictures[16];
  bool people = argc > 1 && strcmp (argv[1], "--appearance") == 0;
  int first = people ? 2 : 1, n = argc - first, status;

  if (n < 1 || n > (people ? 16 : 2)) {
    fprintf (stderr,
        "usage: descriptor-dump PICTURE [PICTURE] < RECTANGLES\n"
        "       descriptor-dump --appearance PICTURE... < FACES\n");
    return 2;
  }
  for (int i = 0; i < n; i++)
    if (!read_picture (argv[first + i], &pictures[i])) {
      fprintf (
          stderr, "%s: not a binary PPM or PGM of 8 bits\n", argv[first + i]);
      return 1;
    }
  status = people ? compare_appearances (pictures, n)
                  : describe_rectangles (pictures, n);
  for (int i = 0; i < n; i++)
    free ((void *)(uintptr_t)pictures[i].data[0]);
  return status;
}
