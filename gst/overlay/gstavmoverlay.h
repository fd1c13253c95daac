/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_OVERLAY_H__
#define __GST_AVM_OVERLAY_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_OVERLAY (gst_avm_overlay_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmOverlay, gst_avm_overlay, GST, AVM_OVERLAY, GstElement)

GST_ELEMENT_REGISTER_DECLARE (avmoverlay);

G_END_DECLS

#endif /* __GST_AVM_OVERLAY_H__ */
