/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_SCENECUT_H__
#define __GST_AVM_SCENECUT_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_SCENECUT (gst_avm_scenecut_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmSceneCut, gst_avm_scenecut, GST, AVM_SCENECUT, GstElement)

GST_ELEMENT_REGISTER_DECLARE (avmscenecut);

G_END_DECLS

#endif /* __GST_AVM_SCENECUT_H__ */
