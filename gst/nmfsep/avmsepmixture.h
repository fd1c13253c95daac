/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mixture that waits to be separated. It is kept as it came, in a buffer
 * and a temporary file, in sections: what follows upon new caps or a long
 * interruption begins another.
 */

#ifndef __AVM_SEP_MIXTURE_H__
#define __AVM_SEP_MIXTURE_H__

#include <gst/audio/audio.h>
#include <gst/gst.h>

#include "base/avm-common.h"

G_BEGIN_DECLS

typedef struct {
  GstAudioInfo info;
  GstCaps *caps;
  GstClockTime base; /* running time of the first frame */
  guint64 n_frames;  /* so far */
  guint64 n_read;
  guint64 offset; /* of the next frame to be read, in bytes */
  gboolean ended;
} AvmSepSection;

typedef struct _AvmSepMixture AvmSepMixture;

/* NULL: out of memory */
AvmSepMixture *avm_sep_mixture_new (const gchar *directory);
void avm_sep_mixture_free (AvmSepMixture *mixture);
/* Forgets the samples, not the caps. */
void avm_sep_mixture_reset (AvmSepMixture *mixture);

gboolean avm_sep_mixture_set_caps (AvmSepMixture *mixture, GstCaps *caps);
/* NULL: none yet */
const GstAudioInfo *avm_sep_mixture_get_info (AvmSepMixture *mixture);
/* Frames that begin at a running time (NONE: where the others end). Holes of
 * up to ten minutes are filled with silence, what overlaps is left out. */
gboolean avm_sep_mixture_append (AvmSepMixture *mixture, GstClockTime time,
    const guint8 *data, gsize n_frames, AvmError *error);
/* No more will come. */
void avm_sep_mixture_finish (AvmSepMixture *mixture);

/* The first section; NULL: there is none */
AvmSepSection *avm_sep_mixture_first (AvmSepMixture *mixture);
void avm_sep_mixture_drop_first (AvmSepMixture *mixture);
GstClockTime avm_sep_section_end (const AvmSepSection *section);
/* The next n frames of the first section without taking them away, as floats;
 * *strange counts those that are no finite numbers and become 0. */
gboolean avm_sep_mixture_peek (AvmSepMixture *mixture, gfloat *samples, gsize n,
    guint64 *strange, AvmError *error);
void avm_sep_mixture_take (AvmSepMixture *mixture, gsize n);

/* n samples in the format of the mixture */
void avm_sep_pack (
    const GstAudioInfo *info, const gfloat *samples, gsize n, guint8 *out);

G_END_DECLS

#endif /* __AVM_SEP_MIXTURE_H__ */
