/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small pictures of the people in key frames, for contact sheets. They are
 * kept in a file without a name: all of the first 256 of a track, then half,
 * then a quarter ..., and fewer of every track the more there are of all,
 * AVM_PNP_THUMBS_MAX in the end.
 */

#ifndef __AVM_PNP_THUMBS_H__
#define __AVM_PNP_THUMBS_H__

#include "avmpnpcamera.h"
#include "base/avm-spill.h"

G_BEGIN_DECLS

/* Head and upper body, px; colour is half as wide and high */
#define AVM_PNP_THUMB_WIDTH 96
#define AVM_PNP_THUMB_HEIGHT 112
#define AVM_PNP_THUMB_SIZE (AVM_PNP_THUMB_WIDTH * AVM_PNP_THUMB_HEIGHT * 3 / 2)

#define AVM_PNP_THUMBS_MAX 32768

typedef struct _AvmPnpThumbs AvmPnpThumbs;

/* NULL with *error: out of memory */
AvmPnpThumbs *avm_pnp_thumbs_new (const gchar *directory, AvmError *error);
void avm_pnp_thumbs_free (AvmPnpThumbs *thumbs);
void avm_pnp_thumbs_reset (AvmPnpThumbs *thumbs);

/* Counts a sighting of a track; whether it is one to be kept. */
gboolean avm_pnp_thumbs_wants (AvmPnpThumbs *thumbs, gint track);
/* The person whose face is there: AVM_PNP_THUMB_SIZE bytes */
void avm_pnp_thumb_make (
    const AvmPicture *picture, const AvmPnpFace *face, guint8 *thumb);
/* FALSE: it cannot be written. Sightings come in order. */
gboolean avm_pnp_thumbs_add (
    AvmPnpThumbs *thumbs, guint sighting, const guint8 *thumb, AvmError *error);
gboolean avm_pnp_thumbs_has (const AvmPnpThumbs *thumbs, guint sighting);
/* FALSE: there is none, or it cannot be read. */
gboolean avm_pnp_thumbs_read (
    AvmPnpThumbs *thumbs, guint sighting, guint8 *thumb, AvmError *error);

G_END_DECLS

#endif /* __AVM_PNP_THUMBS_H__ */
