/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Non-negative matrix factorisation and its bare matrix products. Prints CPU
 * seconds, wall seconds, the peak of the process's memory in KiB, and what else
 * there is to say:
 *
 * bench-nmf run FOLDER BINS FRAMES COMPONENTS ITERATIONS THREADS
 *   factorises FOLDER/v from FOLDER/w and FOLDER/h (floats, frame by frame,
 *   atom by atom), writes FOLDER/w.avm and FOLDER/h.avm
 * bench-nmf products BINS FRAMES COMPONENTS ITERATIONS
 *   four products an iteration by the system's OpenBLAS, on one thread; its
 *   name for the processor
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nmf/avm-nmf.h"

enum {
  ROW_MAJOR = 101,
  PLAIN = 111,
  TURNED = 112
};

typedef void (*Sgemm) (int order, int a_form, int b_form, int m, int n, int k,
    float alpha, const float *a, int a_stride, const float *b, int b_stride,
    float beta, float *c, int c_stride);

static double
now (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The most that this program had in memory, KiB; getrusage would count what
 * the process was before it became this program. */
static long
peak (void)
{
  FILE *file = fopen ("/proc/self/status", "r");
  char line[256];
  long kib = 0;

  while (file != NULL && fgets (line, sizeof (line), file) != NULL)
    if (strncmp (line, "VmHWM:", 6) == 0)
      kib = atol (line + 6);
  if (file != NULL)
    fclose (file);
  return kib;
}

static void
report (double cpu, double wall)
{
  printf ("%.4f\t%.4f\t%ld", now (CLOCK_PROCESS_CPUTIME_ID) - cpu,
      now (CLOCK_MONOTONIC) - wall, peak ());
}

static float *
allocate (size_t n)
{
  float *p = avm_alloc (n, sizeof (float));

  if (p == NULL) {
    fputs ("no memory\n", stderr);
    exit (1);
  }
  return p;
}

/* Rows of n floats; `write` or read */
static void
move_rows (const char *folder, const char *name, float *rows, ptrdiff_t stride,
    int n_rows, int n, bool write)
{
  char path[4096];
  FILE *file;
  bool done = true;

  snprintf (path, sizeof (path), "%s/%s", folder, name);
  file = fopen (path, write ? "wb" : "rb");
  for (int i = 0; i < n_rows && file != NULL && done; i++)
    done = (write ? fwrite (rows + i * stride, sizeof (float), (size_t)n, file)
                  : fread (rows + i * stride, sizeof (float), (size_t)n, file))
        == (size_t)n;
  if (file == NULL || !done) {
    perror (path);
    exit (1);
  }
  fclose (file);
}

static int
run (char **argv)
{
  const char *folder = argv[0];
  AvmNmfConfig config = {.n_bins = atoi (argv[1]),
      .max_frames = atoi (argv[2]),
      .n_components = atoi (argv[3]),
      .n_threads = atoi (argv[5])};
  int n_frames = config.max_frames, iterations = atoi (argv[4]);
  float *v = allocate ((size_t)config.n_bins * (size_t)n_frames), *w, *h;
  ptrdiff_t w_stride, h_stride;
  double cpu, wall;
  AvmError error = {AVM_OK, -1, ""};
  AvmNmf *nmf;

  move_rows (folder, "v", v, config.n_bins, n_frames, config.n_bins, false);
  cpu = now (CLOCK_PROCESS_CPUTIME_ID);
  wall = now (CLOCK_MONOTONIC);
  nmf = avm_nmf_new (&config, &error);
  if (nmf == NULL
      || !avm_nmf_set_input (nmf, v, config.n_bins, n_frames, &error)) {
    fprintf (stderr, "%s\n", error.detail);
    return 1;
  }
  w = avm_nmf_get_w (nmf, &w_stride);
  h = avm_nmf_get_h (nmf, &h_stride);
  move_rows (
      folder, "w", w, w_stride, config.n_components, config.n_bins, false);
  move_rows (folder, "h", h, h_stride, n_frames, config.n_components, false);
  for (int i = 0; i < iterations; i++)
    avm_nmf_iterate (nmf, AVM_NMF_UPDATE_ALL);
  report (cpu, wall);
  printf ("\t%.9g\n", avm_nmf_cost (nmf));
  move_rows (
      folder, "w.avm", w, w_stride, config.n_components, config.n_bins, true);
  move_rows (folder, "h.avm", h, h_stride, n_frames, config.n_components, true);
  avm_nmf_free (nmf);
  avm_free (v);
  return 0;
}

static float *
fill (size_t n)
{
  float *p = allocate (n);
  AvmRng rng;

  avm_rng_init (&rng, 1, 1);
  for (size_t i = 0; i < n; i++)
    p[i] = (float)avm_rng_range (&rng, 0.1, 1.0);
  return p;
}

static int
run_products (char **argv)
{
  void *library = dlopen ("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL);
  int f = atoi (argv[0]), n = atoi (argv[1]), k = atoi (argv[2]);
  float *l, *w, *h, *g, *p;
  Sgemm sgemm;
  void (*set_threads) (int);
  char *(*get_name) (void);
  double cpu, wall;

  if (library == NULL)
    return 77;
  *(void **)&sgemm = dlsym (library, "cblas_sgemm");
  *(void **)&set_threads = dlsym (library, "openblas_set_num_threads");
  *(void **)&get_name = dlsym (library, "openblas_get_corename");
  if (sgemm == NULL || set_threads == NULL || get_name == NULL)
    return 77;
  set_threads (1);
  l = fill ((size_t)f * (size_t)n);
  w = fill ((size_t)f * (size_t)k);
  h = fill ((size_t)n * (size_t)k);
  g = fill ((size_t)n * (size_t)k);
  p = fill ((size_t)f * (size_t)k);
  cpu = now (CLOCK_PROCESS_CPUTIME_ID);
  wall = now (CLOCK_MONOTONIC);
  for (int i = 0; i < atoi (argv[3]); i++) {
    sgemm (ROW_MAJOR, PLAIN, PLAIN, n, f, k, 1, h, k, w, f, 0, l, f);
    sgemm (ROW_MAJOR, PLAIN, TURNED, n, k, f, 1, l, f, w, f, 0, g, k);
    sgemm (ROW_MAJOR, PLAIN, PLAIN, n, f, k, 1, h, k, w, f, 0, l, f);
    sgemm (ROW_MAJOR, TURNED, PLAIN, k, f, n, 1, h, k, l, f, 0, p, f);
  }
  report (cpu, wall);
  printf ("\t%s\n", get_name ());
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 8 && strcmp (argv[1], "run") == 0)
    return run (argv + 2);
  if (argc == 6 && strcmp (argv[1], "products") == 0)
    return run_products (argv + 2);
  fputs ("usage: see the source\n", stderr);
  return 2;
}
