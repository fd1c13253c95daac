/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_PLAYERS_H__
#define __GST_AVM_PLAYERS_H__

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_PLAYERS (gst_avm_players_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmPlayers, gst_avm_players, GST, AVM_PLAYERS, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (avmplayers);

G_END_DECLS

#endif /* __GST_AVM_PLAYERS_H__ */
