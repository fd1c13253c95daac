/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nmf/avm-nmf-private.h"

#include <string.h>

#define GROUP AVM_NMF_GROUP
#define BLOCK AVM_NMF_BLOCK
#define PANEL AVM_NMF_PANEL

#define INLINE static inline __attribute__ ((always_inline))

#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12                 \
    && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)                   \
    && !defined(__SANITIZE_THREAD__) && !defined(AVM_NO_CLONES)
#define HAVE_LEVELS 1

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define LANES 16
#define VECS 4
#define NAME(x) x##_16
#include "nmf/avm-nmf-tile.inc.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define LANES 8
#define VECS 2
#define NAME(x) x##_8
#include "nmf/avm-nmf-tile.inc.h"
#pragma GCC pop_options
#else
#define HAVE_LEVELS 0
#endif

/* 32 registers elsewhere than on a PC */
#define LANES 4
#if defined(__x86_64__) || defined(__i386__)
#define VECS 2
#else
#define VECS 4
#endif
#define NAME(x) x##_4
#include "nmf/avm-nmf-tile.inc.h"

const AvmNmfOps *
avm_nmf_ops (int lanes)
{
  static const AvmNmfOps ops_4 = {over_frames_4, over_bins_4};
#if HAVE_LEVELS
  static const AvmNmfOps ops_16 = {over_frames_16, over_bins_16};
  static const AvmNmfOps ops_8 = {over_frames_8, over_bins_8};

  int most = lanes != 0 ? lanes : 16;

  if (most >= 16 && __builtin_cpu_supports ("x86-64-v4"))
    return &ops_16;
  if (most >= 8 && __builtin_cpu_supports ("x86-64-v3"))
    return &ops_8;
#endif
  (void)lanes;
  return &ops_4;
}
