/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_PNP_H__
#define __GST_AVM_PNP_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/**
 * GstAvmPnpWays:
 * @GST_AVM_PNP_LABELS: what a person says of poses
 * @GST_AVM_PNP_NOTES: when the part of a musician sounds
 * @GST_AVM_PNP_MOTION: how musicians move
 */
typedef enum {
  GST_AVM_PNP_LABELS = 1,
  GST_AVM_PNP_NOTES = 2,
  GST_AVM_PNP_MOTION = 4
} GstAvmPnpWays;

#define GST_TYPE_AVM_PNP (gst_avm_pnp_get_type ())
G_DECLARE_FINAL_TYPE (GstAvmPnp, gst_avm_pnp, GST, AVM_PNP, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmpnp);

G_END_DECLS

#endif /* __GST_AVM_PNP_H__ */
