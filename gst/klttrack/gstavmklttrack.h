/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_KLTTRACK_H__
#define __GST_AVM_KLTTRACK_H__

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_KLTTRACK (gst_avm_klttrack_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmKltTrack, gst_avm_klttrack, GST, AVM_KLTTRACK, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (avmklttrack);

G_END_DECLS

#endif /* __GST_AVM_KLTTRACK_H__ */
