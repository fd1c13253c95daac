/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmscene-private.h"

#include <math.h>

static const AvmColor playing_color = {0.2, 0.95, 0.35};
static const AvmColor resting_color = {0.62, 0.62, 0.62};
static const AvmColor unknown_color = {1.0, 1.0, 1.0};

/* Whether both events are about one musician: by name, else by number, else by
 * region. */
static gboolean
same_person (const GstAvmEvent *a, const GstAvmEvent *b)
{
  const gchar *name = gst_avm_event_get_string (a, "player");
  gint cluster, other;

  if (name != NULL && gst_avm_event_get_string (b, "player") != NULL)
    return g_strcmp0 (name, gst_avm_event_get_string (b, "player")) == 0;
  if (gst_avm_event_get_int (a, "cluster", &cluster)
      && gst_avm_event_get_int (b, "cluster", &other))
    return cluster == other;
  return a->region != GST_AVM_NONE && b->region != GST_AVM_NONE
      && gst_avm_region_id_get_player (a->region) != GST_AVM_NONE
      && gst_avm_region_id_get_player (a->region)
      == gst_avm_region_id_get_player (b->region);
}

static gboolean
is_of_camera (const AvmScene *scene, const GstAvmEvent *event)
{
  gint camera;

  return !gst_avm_event_get_int (event, "camera", &camera)
      || camera == scene->settings->camera;
}

/* What the latest event says that goes on; NULL: nothing is known. */
static const GstAvmEvent *
find_activity (const AvmScene *scene, const GstAvmEvent *who)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (track->info != NULL || g_strcmp0 (track->kind, "activity") != 0)
      continue;
    for (guint n = avm_track_find_event (track, scene->time); n > 0; n--) {
      const AvmTrackEvent *entry =
          &g_array_index (track->events, AvmTrackEvent, n - 1);

      if (avm_scene_goes_on (entry, scene->time)
          && same_person (entry->event, who))
        return entry->event;
    }
  }
  return NULL;
}

static gboolean
get_box (const GstAvmEvent *event, AvmBox *box)
{
  return gst_avm_event_get_double (event, "x", &box->x)
      && gst_avm_event_get_double (event, "y", &box->y)
      && gst_avm_event_get_double (event, "w", &box->w)
      && gst_avm_event_get_double (event, "h", &box->h)
      && isfinite (box->x + box->y + box->w + box->h) && box->w > 0.0
      && box->h > 0.0;
}

static const AvmColor *
activity_color (const GstAvmEvent *activity)
{
  gboolean playing = FALSE;

  if (activity == NULL
      || !gst_avm_event_get_boolean (activity, "playing", &playing))
    return &unknown_color;
  return playing ? &playing_color : &resting_color;
}

static void
draw_person (AvmScene *scene, const AvmBox *box, const GstAvmEvent *event)
{
  const GstAvmEvent *activity = find_activity (scene, event);
  const AvmColor *color = activity_color (activity);
  const gchar *name = gst_avm_event_get_string (event, "player");
  gchar *text;

  if (name == NULL && activity != NULL)
    name = gst_avm_event_get_string (activity, "player");
  avm_canvas_frame (scene->canvas, box, color,
      (color == &playing_color ? 2.0 : 1.2) * scene->line);
  if (name == NULL)
    return;
  text = g_utf8_make_valid (name, -1);
  avm_scene_place_label (
      scene, text, 0.75 * scene->text, color, box->x, box->y - scene->line, -1);
  g_free (text);
}

/* Appearances say who is where in the picture of this camera. */
static gboolean
draw_appearances (AvmScene *scene)
{
  gboolean any = FALSE;

  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;
    guint n;

    if (track->info != NULL || g_strcmp0 (track->kind, "appearance") != 0)
      continue;
    any = TRUE;
    n = avm_track_find_event (track, scene->time);
    for (guint i = 0; i < n; i++) {
      const AvmTrackEvent *entry =
          &g_array_index (track->events, AvmTrackEvent, i);
      AvmBox box;

      if (avm_scene_goes_on (entry, scene->time)
          && is_of_camera (scene, entry->event) && get_box (entry->event, &box))
        draw_person (scene, &box, entry->event);
    }
  }
  return any;
}

/* Without them, the frame's own regions of players are what is known. */
static void
draw_regions (AvmScene *scene)
{
  for (guint i = 0; i < scene->metas->len; i++) {
    const GstAvmRegion *region =
        &((const GstAvmRegionMeta *)g_ptr_array_index (scene->metas, i))
             ->region;
    AvmBox box = {region->x, region->y, region->w, region->h};
    GstAvmEvent *who;

    if (g_strcmp0 (region->role, "player") != 0
        || region->state == GST_AVM_REGION_LOST
        || !isfinite (box.x + box.y + box.w + box.h))
      continue;
    who = gst_avm_event_new (0, 0, region->id, GST_AVM_NONE, 1.0);
    if (find_activity (scene, who) != NULL)
      draw_person (scene, &box, who);
    gst_avm_event_free (who);
  }
}

void
avm_scene_draw_people (AvmScene *scene)
{
  if (!draw_appearances (scene))
    draw_regions (scene);
}
