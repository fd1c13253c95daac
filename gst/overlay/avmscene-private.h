/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of the layout share.
 */

#ifndef __AVM_SCENE_PRIVATE_H__
#define __AVM_SCENE_PRIVATE_H__

#include "avmscene.h"

G_BEGIN_DECLS

#define AVM_SCENE_MAX_LANES 8
#define AVM_SCENE_MAX_LABELS 64

typedef struct {
  gint part;
  gint region;
  const gchar *name;
} AvmLane;

typedef struct {
  AvmCanvas *canvas;
  const AvmSceneSettings *settings;
  GList *tracks;
  GstClockTime time;
  gdouble text; /* height, px; 0: none */
  gdouble line; /* line width, px */
  GPtrArray *metas;
  AvmBox placed[AVM_SCENE_MAX_LABELS];
  guint n_placed;
  AvmLane lanes[AVM_SCENE_MAX_LANES];
  guint n_lanes;
} AvmScene;

/* Puts a label at the first free of the places: at x, going up (direction -1)
 * or down (1) from y. */
void avm_scene_place_label (AvmScene *scene, const gchar *text, gdouble size,
    const AvmColor *color, gdouble x, gdouble y, gint direction);

/* Whether an event lasts at a time */
gboolean avm_scene_goes_on (const AvmTrackEvent *entry, GstClockTime time);

/* Who is where, and who of them plays: green boxes and grey ones. */
void avm_scene_draw_people (AvmScene *scene);

G_END_DECLS

#endif /* __AVM_SCENE_PRIVATE_H__ */
