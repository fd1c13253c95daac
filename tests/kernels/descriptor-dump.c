/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Prints the descriptors of parts of pictures for tests/accuracy/descriptors:
 *   descriptor-dump PICTURE.ppm|PICTURE.pgm < RECTANGLES
 * One rectangle "x y width height" a line; for each, one line "NAME values"
 * per descriptor. With a second picture as argument, the distances of the
 * same rectangle in both follow as a line "distances".
 */

#include "vision/avm-descriptor.h"

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

int
main (int argc, char **argv)
{
  static float values[2][AVM_DESCRIPTORS_SIZE];
  AvmDescriptor *descriptors[AVM_N_DESCRIPTORS];
  AvmPicture pictures[2];
  AvmRect rect;
  int n = argc - 1, status = 0;

  if (n < 1 || n > 2) {
    fprintf (stderr, "usage: descriptor-dump PICTURE [PICTURE] < RECTANGLES\n");
    return 2;
  }
  for (int i = 0; i < n; i++)
    if (!read_picture (argv[1 + i], &pictures[i])) {
      fprintf (stderr, "%s: not a binary PPM or PGM of 8 bits\n", argv[1 + i]);
      return 1;
    }
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    descriptors[k] = avm_descriptor_new ((AvmDescriptorKind)k);
  while (status == 0
      && scanf ("%d %d %d %d", &rect.x, &rect.y, &rect.width, &rect.height)
          == 4) {
    for (int i = 0; i < n; i++)
      status |=
          !print_all (descriptors, &pictures[i], &rect, i == 0, values[i]);
    if (n == 2 && status == 0) {
      const float *a = values[0], *b = values[1];

      printf ("distances");
      for (int k = 0; k < AVM_N_DESCRIPTORS; k++) {
        AvmDescriptorKind kind = (AvmDescriptorKind)k;

        printf (" %.9g", avm_descriptor_distance (kind, a, b));
        a += avm_descriptor_size (kind);
        b += avm_descriptor_size (kind);
      }
      putchar ('\n');
    }
  }
  for (int k = 0; k < AVM_N_DESCRIPTORS; k++)
    avm_descriptor_free (descriptors[k]);
  for (int i = 0; i < n; i++)
    free ((void *)(uintptr_t)pictures[i].data[0]);
  return status;
}
