/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_SCOREALIGN_H__
#define __GST_AVM_SCOREALIGN_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_SCOREALIGN (gst_avm_scorealign_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmScoreAlign, gst_avm_scorealign, GST, AVM_SCOREALIGN, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmscorealign);

G_END_DECLS

#endif /* __GST_AVM_SCOREALIGN_H__ */
