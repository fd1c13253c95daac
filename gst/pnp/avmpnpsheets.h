/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for people: contact sheets, one of each pose, and a map of the
 * stage.
 */

#ifndef __AVM_PNP_SHEETS_H__
#define __AVM_PNP_SHEETS_H__

#include "avmpnpcamera.h"
#include "avmpnppeople.h"
#include "avmpnpthumbs.h"

G_BEGIN_DECLS

/* Which sightings have a thumb, by musician and pose as found */
typedef struct _AvmPnpAlbum AvmPnpAlbum;

AvmPnpAlbum *avm_pnp_album_new (
    const AvmPnpPeople *people, AvmPnpThumbs *thumbs);
void avm_pnp_album_free (AvmPnpAlbum *album);
gboolean avm_pnp_album_has (gpointer album, gint musician, gint pose);

/* A montage of up to 24 pictures of each pose, spread over the film, in a
 * folder that is made. @stop: looked at between sheets. FALSE: *error says,
 * translated, what could not be written. */
gboolean avm_pnp_album_write (AvmPnpAlbum *album, const gchar *folder,
    gboolean (*stop) (gpointer user), gpointer user, GError **error);

/* Whether that is a name for a map: .png or .svg */
gboolean avm_pnp_map_can_write (const gchar *path);
/* The stage from above; below it, how the cameras see it from left to right.
 * @parts: of each person, -1 none or not known */
gboolean avm_pnp_map_write (const AvmPnpPeople *people, const gint *parts,
    const gchar *path, GError **error);

G_END_DECLS

#endif /* __AVM_PNP_SHEETS_H__ */
