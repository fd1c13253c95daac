/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a libFuzzer target without libFuzzer, so that it is a test under any
 * compiler and sanitizer: every prefix of the seeds, then mutated seeds, the
 * same ones every time.
 *
 *   fuzz-NAME [-n COUNT] [-s SEED] [FILE...]
 *
 * FILEs are run once each instead.
 */

#include "base/avm-common.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 4096
#define MAX_SEEDS 64

typedef struct {
  uint8_t data[CAPACITY];
  size_t size;
} Input;

static Input seeds[MAX_SEEDS];
static size_t n_seeds;

/* A heap block of just the right size, so that a sanitizer sees overruns. */
static void
run_one (const uint8_t *data, size_t size)
{
  uint8_t *copy = malloc (size + 1);

  if (copy == NULL)
    abort ();
  if (size > 0)
    memcpy (copy + 1, data, size);
  LLVMFuzzerTestOneInput (copy + 1, size);
  free (copy);
}

static size_t
pick (AvmRng *rng, size_t n)
{
  return n == 0 ? 0 : avm_rng_u32 (rng) % n;
}

static void
insert (Input *input, size_t at, const uint8_t *bytes, size_t n)
{
  n = AVM_MIN (n, CAPACITY - input->size);
  memmove (input->data + at + n, input->data + at, input->size - at);
  memcpy (input->data + at, bytes, n);
  input->size += n;
}

static void
mutate (AvmRng *rng, Input *input)
{
  static const uint8_t special[] = {
      0x00, 0x01, 0x7f, 0x80, 0xff, 0xf0, 0xf7, 0x90, 0x2f, 0x51};
  const Input *other = &seeds[pick (rng, n_seeds)];
  size_t at = pick (rng, input->size), n = 1 + pick (rng, 16), from;
  uint8_t piece[16];

  switch (pick (rng, 7)) {
    case 0:
      input->data[at] ^= (uint8_t)(1u << pick (rng, 8));
      break;
    case 1:
      input->data[at] = special[pick (rng, sizeof (special))];
      break;
    case 2:
      input->data[at] = (uint8_t)avm_rng_u32 (rng);
      break;
    case 3:
      n = AVM_MIN (n, input->size - at);
      memmove (input->data + at, input->data + at + n, input->size - at - n);
      input->size -= n;
      break;
    case 4:
      for (size_t i = 0; i < n; i++)
        piece[i] = (uint8_t)avm_rng_u32 (rng);
      insert (input, at, piece, n);
      break;
    case 5:
      from = pick (rng, other->size);
      n = AVM_MIN (n, other->size - from);
      memcpy (piece, other->data + from, n);
      insert (input, at, piece, n);
      break;
    default:
      input->size = at;
      break;
  }
}

static int
run_file (const char *path)
{
  FILE *f = fopen (path, "rb");
  uint8_t *data = malloc (1 << 20);
  size_t size;

  if (f == NULL || data == NULL) {
    perror (path);
    return 1;
  }
  size = fread (data, 1, 1 << 20, f);
  fclose (f);
  run_one (data, size);
  free (data);
  return 0;
}

static void
run_mutations (unsigned long count, uint64_t seed)
{
  AvmRng rng;

  avm_rng_init (&rng, seed, 1);
  for (unsigned long i = 0; i < count; i++) {
    Input input = seeds[pick (&rng, n_seeds)];
    size_t changes = 1 + pick (&rng, 8);

    for (size_t k = 0; k < changes && input.size > 0; k++)
      mutate (&rng, &input);
    run_one (input.data, input.size);
  }
}

int
main (int argc, char **argv)
{
  unsigned long count = 100000;
  uint64_t seed = 1;
  int files = 0, failed = 0;

  for (int i = 1; i < argc; i++) {
    if (strcmp (argv[i], "-n") == 0 && i + 1 < argc) {
      count = strtoul (argv[++i], NULL, 10);
    } else if (strcmp (argv[i], "-s") == 0 && i + 1 < argc) {
      seed = strtoull (argv[++i], NULL, 10);
    } else {
      files++;
      failed |= run_file (argv[i]);
    }
  }
  if (files > 0)
    return failed;
  while (n_seeds < MAX_SEEDS
      && (seeds[n_seeds].size =
                 avm_fuzz_seed (n_seeds, seeds[n_seeds].data, CAPACITY))
          > 0)
    n_seeds++;
  if (n_seeds == 0)
    return 1;
  for (size_t i = 0; i < n_seeds; i++) {
    for (size_t n = 0; n <= seeds[i].size; n++)
      run_one (seeds[i].data, n);
  }
  run_mutations (count, seed);
  printf ("%zu seeds, %lu mutations with seed %llu: no complaint\n", n_seeds,
      count, (unsigned long long)seed);
  return 0;
}
