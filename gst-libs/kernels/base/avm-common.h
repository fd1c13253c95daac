/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every kernel shares: the error type, aligned memory, a reproducible
 * random generator, function multi-versioning and denormal control.
 *
 * Kernels are plain C11. They never know of a buffer, a GObject or a locale:
 * errors carry a code, an offset and an English detail; elements translate.
 * Grammar: avm_x_new / avm_x_do... / avm_x_free; memory is allocated in new
 * and freed in free; a const pointer argument is never kept.
 */

#ifndef AVM_COMMON_H
#define AVM_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

#define AVM_MIN(a, b) ((a) < (b) ? (a) : (b))
#define AVM_MAX(a, b) ((a) > (b) ? (a) : (b))
#define AVM_CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

/* Marks a hot function: the compiler emits versions for AVX-512, AVX2 + FMA
 * and the baseline, and the loader picks one (ifunc). Debian's Orc 0.4.33 is
 * SSE only, so this is the way to wide vectors. Levels, not processors: the
 * loader takes "arch=haswell" on nothing but a Haswell. Sanitizers run before ifunc
 * resolvers can, so they get the baseline. */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12                 \
    && !defined(__clang__) && defined(__gnu_linux__)                           \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)         \
    && !defined(AVM_NO_CLONES)
#define AVM_CLONES                                                             \
  __attribute__ ((                                                             \
      target_clones ("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AVM_CLONES
#endif

/**
 * AvmErrorCode: why a kernel could not do its work.
 */
typedef enum {
  AVM_OK = 0,
  AVM_ERROR_OPEN,        /* a file cannot be opened or read */
  AVM_ERROR_FORMAT,      /* not a file of this format at all */
  AVM_ERROR_TRUNCATED,   /* ends before its own headers say */
  AVM_ERROR_CORRUPT,     /* contradicts itself at `offset` */
  AVM_ERROR_UNSUPPORTED, /* valid, but a feature we do not read */
  AVM_ERROR_EMPTY,       /* nothing in it to work on */
  AVM_ERROR_RANGE,       /* an argument is outside its range */
  AVM_ERROR_MEMORY,
  AVM_ERROR_CANCELLED
} AvmErrorCode;

/**
 * AvmError: filled by kernels that can fail; may be NULL everywhere.
 * offset: byte (binary) or line (text, from 1) where it went wrong; -1 unknown.
 * detail: English, for the debug string of an element error.
 */
typedef struct {
  AvmErrorCode code;
  int64_t offset;
  char detail[160];
} AvmError;

/* Sets *error (if not NULL) and returns false, so callers can return it. */
bool avm_error_set (
    AvmError *error, AvmErrorCode code, int64_t offset, const char *format, ...)
#ifdef __GNUC__
    __attribute__ ((format (printf, 4, 5)))
#endif
    ;

/* 64-byte aligned, zeroed; NULL on overflow or out of memory. */
void *avm_alloc (size_t count, size_t size);
void avm_free (void *p);

/**
 * AvmRng: PCG32 (O'Neill 2014); the same seed gives the same numbers on
 * every machine.
 */
typedef struct {
  uint64_t state, inc;
} AvmRng;

void avm_rng_init (AvmRng *rng, uint64_t seed, uint64_t stream);
uint32_t avm_rng_u32 (AvmRng *rng);
double avm_rng_uniform (AvmRng *rng);                     /* [0, 1) */
double avm_rng_range (AvmRng *rng, double lo, double hi); /* [lo, hi) */
double avm_rng_normal (AvmRng *rng);                      /* mean 0, sd 1 */

/* Flush denormals to zero in this thread; returns the state to restore. */
unsigned avm_ftz_enable (void);
void avm_ftz_restore (unsigned state);

/* Pitch arithmetic; A4 = 440 Hz = MIDI 69. hz must be > 0. */
double avm_hz_to_midi (double hz);
double avm_midi_to_hz (double midi);
/* 1200 log2 (a / b) */
double avm_cents (double a_hz, double b_hz);

/* Vertex of the parabola through (-1, ym), (0, y0), (1, yp), as an offset in
 * [-0.5, 0.5] from the middle sample; 0 where y0 is no strict extremum. */
double avm_parabolic_offset (double ym, double y0, double yp);

/* Rising, for qsort; NaN equals everything, so sort none of it. */
int avm_compare_doubles (const void *a, const void *b);
int avm_compare_floats (const void *a, const void *b);
/* Sorts the values; the mean of the middle two where n is even, NaN of none. */
double avm_median (double *values, size_t n);

#ifdef __cplusplus
}
#endif
#endif /* AVM_COMMON_H */
