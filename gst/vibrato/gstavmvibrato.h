/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_VIBRATO_H__
#define __GST_AVM_VIBRATO_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/**
 * GstAvmVibratoMethod:
 * @GST_AVM_VIBRATO_AUTOCORRELATION: height of the autocorrelation peak of the
 *   displacement, of the pitch contour, or of both, against a threshold
 * @GST_AVM_VIBRATO_SVM: support vector machine on features of each note
 */
typedef enum {
  GST_AVM_VIBRATO_AUTOCORRELATION,
  GST_AVM_VIBRATO_SVM
} GstAvmVibratoMethod;

#define GST_TYPE_AVM_VIBRATO (gst_avm_vibrato_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmVibrato, gst_avm_vibrato, GST, AVM_VIBRATO, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmvibrato);

G_END_DECLS

#endif /* __GST_AVM_VIBRATO_H__ */
