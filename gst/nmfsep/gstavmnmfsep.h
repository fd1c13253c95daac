/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_NMF_SEP_H__
#define __GST_AVM_NMF_SEP_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/**
 * GstAvmNmfSepModel:
 * @GST_AVM_NMF_SEP_AUTO: the best for what the linked pads give
 * @GST_AVM_NMF_SEP_AUDIO: atoms grouped by their timbre
 * @GST_AVM_NMF_SEP_SEQUENTIAL: sound first, atoms then assigned by motion
 * @GST_AVM_NMF_SEP_JOINT: sound and motion together
 * @GST_AVM_NMF_SEP_SCORE: harmonic atoms gated by notes
 * @GST_AVM_NMF_SEP_JOINT_SCORE: sound, motion and notes together
 */
typedef enum {
  GST_AVM_NMF_SEP_AUTO,
  GST_AVM_NMF_SEP_AUDIO,
  GST_AVM_NMF_SEP_SEQUENTIAL,
  GST_AVM_NMF_SEP_JOINT,
  GST_AVM_NMF_SEP_SCORE,
  GST_AVM_NMF_SEP_JOINT_SCORE
} GstAvmNmfSepModel;

#define GST_TYPE_AVM_NMF_SEP (gst_avm_nmf_sep_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmNmfSep, gst_avm_nmf_sep, GST, AVM_NMF_SEP, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmnmfsep);

G_END_DECLS

#endif /* __GST_AVM_NMF_SEP_H__ */
