/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was found out as events of kind activity and appearance, in running
 * time.
 */

#ifndef __AVM_PNP_EVENTS_H__
#define __AVM_PNP_EVENTS_H__

#include "avmpnpcamera.h"
#include "avmpnppeople.h"

G_BEGIN_DECLS

/* All of #GstAvmEvent, in order of onset */

/* One per unbroken run of a face in one camera with one pose and orientation */
GPtrArray *avm_pnp_appearances (
    const AvmPnpPeople *people, const AvmPlaying *playing);
/* One per span of a person */
GPtrArray *avm_pnp_activities (
    const AvmPnpPeople *people, const AvmPlaying *playing);
/* One per span of a part. NULL with *error: out of memory */
GPtrArray *avm_pnp_part_activities (
    const AvmPnpPeople *people, AvmPlaying *playing, AvmError *error);

/* Number of the part of a person; GST_AVM_NONE: none or not known */
gint avm_pnp_part_of (const AvmPlaying *playing, gint person);

G_END_DECLS

#endif /* __AVM_PNP_EVENTS_H__ */
