/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_OPTICAL_FLOW_H__
#define __GST_AVM_OPTICAL_FLOW_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_OPTICAL_FLOW (gst_avm_optical_flow_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmOpticalFlow, gst_avm_optical_flow, GST, AVM_OPTICAL_FLOW, GstElement)

/**
 * GstAvmOpticalFlowPreset:
 * @GST_AVM_OPTICAL_FLOW_FAST: half resolution
 * @GST_AVM_OPTICAL_FLOW_MEDIUM: full resolution
 * @GST_AVM_OPTICAL_FLOW_FINE: full resolution, several warps
 */
typedef enum {
  GST_AVM_OPTICAL_FLOW_FAST,
  GST_AVM_OPTICAL_FLOW_MEDIUM,
  GST_AVM_OPTICAL_FLOW_FINE
} GstAvmOpticalFlowPreset;

GST_ELEMENT_REGISTER_DECLARE (avmopticalflow)

G_END_DECLS

#endif /* __GST_AVM_OPTICAL_FLOW_H__ */
