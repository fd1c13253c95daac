/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_FACEDETECT_H__
#define __GST_AVM_FACEDETECT_H__

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_FACEDETECT (gst_avm_facedetect_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmFaceDetect, gst_avm_facedetect, GST, AVM_FACEDETECT, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (avmfacedetect);

G_END_DECLS

#endif /* __GST_AVM_FACEDETECT_H__ */
