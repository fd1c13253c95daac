/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is drawn over one frame, from its regions and from what the data pads
 * have received: the layout, not the pixels.
 */

#ifndef __AVM_SCENE_H__
#define __AVM_SCENE_H__

#include <gst/avm/avm.h>

#include "avmcanvas.h"
#include "avmtrack.h"

G_BEGIN_DECLS

/**
 * AvmSceneSettings:
 * @window: length of the curves, ns
 * @text_scale: 1: a fortieth of the frame's height
 * @camera: whose picture the frames are
 */
typedef struct {
  gboolean regions;
  gboolean points;
  gboolean motion;
  gboolean notes;
  gboolean vibrato;
  gboolean curves;
  gboolean activity;
  GstClockTime window;
  gdouble text_scale;
  gint camera;
} AvmSceneSettings;

/* Draws on the canvas, which is clear: @buffer's regions and what the
 * @tracks (of #AvmTrack) know about @time (running time, ns). */
void avm_scene_draw (AvmCanvas *canvas, const AvmSceneSettings *settings,
    GstBuffer *buffer, GList *tracks, GstClockTime time);

G_END_DECLS

#endif /* __AVM_SCENE_H__ */
