/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The spill file against an array in memory.
 */

#include "avmcheck.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>

#include "base/avm-spill.h"

#define TOTAL (8 << 20)

static int
random_int (int n)
{
  return (int)(avm_rng_u32 (&avmcheck_rng) % (unsigned)n);
}

static int
files_in (const char *directory)
{
  DIR *dir = opendir (directory);
  int n = 0;

  while (dir != NULL && readdir (dir) != NULL)
    n++;
  if (dir != NULL)
    closedir (dir);
  return n - 2;
}

/* One piece at the end of both; every fourth one is silence. */
static size_t
append (AvmSpill *spill, uint8_t *model, size_t at, size_t size)
{
  AvmError error = {AVM_OK, 0, ""};
  bool zeros = random_int (4) == 0;

  for (size_t i = 0; i < size; i++)
    model[at + i] = zeros ? 0 : (uint8_t)avm_rng_u32 (&avmcheck_rng);
  CHECK (avm_spill_append (spill, zeros ? NULL : model + at, size, &error),
      "%s", error.detail);
  CHECK (avm_spill_end (spill) == at + size, "end");
  return at + size;
}

static void
check_piece (AvmSpill *spill, const uint8_t *model, size_t from, size_t end)
{
  size_t offset = from + (size_t)random_int ((int)(end - from) + 1);
  size_t size = (size_t)random_int (AVM_MIN ((int)(end - offset), 90000) + 1);
  uint8_t *read = malloc (size + 2);
  AvmError error = {AVM_OK, 0, ""};

  read[0] = read[size + 1] = 0xa5;
  CHECK (avm_spill_read (spill, offset, read + 1, size, &error), "%s",
      error.detail);
  CHECK (
      memcmp (read + 1, model + offset, size) == 0, "%zu at %zu", size, offset);
  CHECK (read[0] == 0xa5 && read[size + 1] == 0xa5, "guard bytes");
  free (read);
}

static void
check_against_array (const char *directory, size_t room)
{
  AvmSpill *spill = avm_spill_new (directory, room, NULL);
  uint8_t *model = malloc (TOTAL + 70000);
  size_t end = 0, released = 0;

  while (end < TOTAL) {
    end = append (spill, model, end, (size_t)random_int (70000));
    check_piece (spill, model, released, end);
    if (random_int (10) == 0) {
      released += (size_t)random_int ((int)(end - released) + 1);
      if (random_int (8) == 0)
        released = end;
      avm_spill_release (spill, released);
    }
    CHECK (files_in (directory) == 0, "the file has a name");
  }
  CHECK (!avm_spill_read (spill, released - 1, model, 1, NULL), "released");
  CHECK (!avm_spill_read (spill, end, model, 1, NULL), "beyond the end");
  avm_spill_reset (spill);
  CHECK (avm_spill_end (spill) == 0 && !avm_spill_has_file (spill), "reset");
  end = append (spill, model, 0, 1000);
  check_piece (spill, model, 0, end);
  avm_spill_free (spill);
  free (model);
}

/* What is taken away soon never meets the disk. */
static void
check_small (void)
{
  AvmSpill *spill = avm_spill_new ("/nonexistent", 1000, NULL);
  uint8_t data[600] = {1, 2, 3}, read[600];
  AvmError error = {AVM_OK, 0, ""};

  for (int i = 0; i < 100; i++) {
    uint64_t at = avm_spill_end (spill);

    CHECK (avm_spill_append (spill, data, sizeof (data), &error), "%s",
        error.detail);
    CHECK (avm_spill_read (spill, at, read, sizeof (read), NULL), "read");
    CHECK (memcmp (data, read, sizeof (data)) == 0, "the same");
    avm_spill_release (spill, at + sizeof (data));
  }
  CHECK (!avm_spill_has_file (spill), "there is a file");
  CHECK (avm_spill_append (spill, data, sizeof (data), NULL), "fits");
  CHECK (!avm_spill_append (spill, data, sizeof (data), &error),
      "no such directory");
  CHECK (error.code == AVM_ERROR_OPEN && error.offset > 0, "%d %s", error.code,
      error.detail);
  CHECK (avm_spill_end (spill) == 101 * sizeof (data), "nothing was appended");
  avm_spill_free (spill);
}

/* A file that must not grow stands for a disk that is full. */
static void
check_full (const char *directory)
{
  AvmSpill *spill = avm_spill_new (directory, 4096, NULL);
  struct rlimit before, limit;
  uint8_t data[1000] = {7}, read[1000];
  AvmError error = {AVM_OK, 0, ""};
  uint64_t end;
  bool ok = true;

  getrlimit (RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 100000;
  setrlimit (RLIMIT_FSIZE, &limit);
  signal (SIGXFSZ, SIG_IGN);
  for (int i = 0; i < 1000 && ok; i++)
    ok = avm_spill_append (spill, data, sizeof (data), &error);
  setrlimit (RLIMIT_FSIZE, &before);
  CHECK (!ok && error.code == AVM_ERROR_OPEN, "%s", error.detail);
  end = avm_spill_end (spill);
  CHECK (end >= 90000 && end % 1000 == 0, "%llu", (unsigned long long)end);
  CHECK (avm_spill_read (spill, end - 1000, read, 1000, NULL)
          && memcmp (read, data, 1000) == 0,
      "what was there before is still there");
  avm_spill_free (spill);
}

int
main (int argc, char **argv)
{
  char directory[] = "/tmp/avm-spill-test-XXXXXX";

  avmcheck_init (argc, argv);
  if (mkdtemp (directory) == NULL)
    return 77;
  check_against_array (directory, 1);
  check_against_array (directory, 5000);
  check_against_array (directory, 1 << 20);
  check_small ();
  check_full (directory);
  rmdir (directory);
  return avmcheck_report ();
}
