/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_ASSOCIATE_H__
#define __GST_AVM_ASSOCIATE_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/**
 * GstAvmAssociateCue:
 * @GST_AVM_ASSOCIATE_BOW: strokes of the bow against the onsets, and when the
 *   bow moves against when the part sounds
 * @GST_AVM_ASSOCIATE_VIBRATO: displacement of the fingering hand against the
 *   pitch
 * @GST_AVM_ASSOCIATE_FINGER: unrest of the fingering hand against the onsets
 * @GST_AVM_ASSOCIATE_FUSED: the evidence of all of them together
 */
typedef enum {
  GST_AVM_ASSOCIATE_BOW,
  GST_AVM_ASSOCIATE_VIBRATO,
  GST_AVM_ASSOCIATE_FINGER,
  GST_AVM_ASSOCIATE_FUSED
} GstAvmAssociateCue;

/**
 * GstAvmAssociateMode:
 * @GST_AVM_ASSOCIATE_OFFLINE: one answer when the piece is over
 * @GST_AVM_ASSOCIATE_ONLINE: an answer again and again, as far as is known
 */
typedef enum {
  GST_AVM_ASSOCIATE_OFFLINE,
  GST_AVM_ASSOCIATE_ONLINE
} GstAvmAssociateMode;

#define GST_TYPE_AVM_ASSOCIATE (gst_avm_associate_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmAssociate, gst_avm_associate, GST, AVM_ASSOCIATE, GstAvmJoin)

GST_ELEMENT_REGISTER_DECLARE (avmassociate);

G_END_DECLS

#endif /* __GST_AVM_ASSOCIATE_H__ */
