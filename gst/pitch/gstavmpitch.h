/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_PITCH_H__
#define __GST_AVM_PITCH_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_PITCH (gst_avm_pitch_get_type ())
G_DECLARE_FINAL_TYPE (GstAvmPitch, gst_avm_pitch, GST, AVM_PITCH, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmpitch);

G_END_DECLS

#endif /* __GST_AVM_PITCH_H__ */
