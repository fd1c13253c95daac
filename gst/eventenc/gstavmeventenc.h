/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_EVENTENC_H__
#define __GST_AVM_EVENTENC_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_EVENTENC (gst_avm_eventenc_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmEventEnc, gst_avm_eventenc, GST, AVM_EVENTENC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (avmeventenc);

G_END_DECLS

#endif /* __GST_AVM_EVENTENC_H__ */
