/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a person says of musicians and their poses, as a table in a text file:
 *
 *     musician,pose,seconds,player,part,playing,sheet
 *     0,,81,Anna,Violin 1,,
 *     0,0,60,,,yes,m00-p0.png
 *     0,1,21,,,no,m00-p1.png
 *
 * UTF-8, one header line, any order of columns, of which all but `musician` may
 * be missing; commas, semicolons or tabs between, as in the header; "" around
 * what holds one of them. Lines that begin with # and empty ones are passed
 * over.
 */

#ifndef __AVM_PNP_LABELS_H__
#define __AVM_PNP_LABELS_H__

#include <gst/gst.h>

#include "learn/avm-playing.h"

G_BEGIN_DECLS

/**
 * AvmPnpLabel: a row
 * line: of the file, from 1
 * pose: -1: of the musician
 * seconds: written, never read
 * player, part, sheet: NULL: not known
 */
typedef struct {
  gint line;
  gint musician, pose;
  gdouble seconds;
  gchar *player, *part;
  AvmPoseLabel playing;
  gchar *sheet;
} AvmPnpLabel;

AvmPnpLabel *avm_pnp_label_new (gint musician, gint pose);
void avm_pnp_label_free (AvmPnpLabel *label);

/* Of #AvmPnpLabel, in order of line. NULL with a translated *error that names
 * the file, the line and the mend. */
GPtrArray *avm_pnp_labels_read (const gchar *path, GError **error);
gboolean avm_pnp_labels_write (
    const gchar *path, const GPtrArray *labels, GError **error);

/* NULL: nothing is said of it */
const AvmPnpLabel *avm_pnp_labels_find (
    const GPtrArray *labels, gint musician, gint pose);

G_END_DECLS

#endif /* __AVM_PNP_LABELS_H__ */
