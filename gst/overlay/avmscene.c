/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmscene-private.h"

#include <math.h>
#include <string.h>

/* Text no smaller than this can be read, and is left out (px). */
#define MIN_TEXT 6.0
#define TEXT_SHARE (1.0 / 40.0)
/* A motion vector shows where the region would be after this time (s). */
#define VECTOR_SECONDS 0.25
/* Motion of a single point since the frame before, enlarged. */
#define POINT_GAIN 4.0
/* Lanes of curves: height of one and of all, as a share of the frame */
#define LANE_SHARE 0.07
#define PANEL_SHARE 0.26
/* Where "now" is in a lane: what is to come is known of stored streams */
#define NOW_SHARE 0.75
#define PITCH_RANGE 60.0 /* cents from the middle to the lane's edge */

static const AvmColor white = {1.0, 1.0, 1.0};
static const AvmColor black = {0.0, 0.0, 0.0};
static const AvmColor grey = {0.72, 0.72, 0.72};
static const AvmColor pitch_color = {0.35, 0.82, 1.0};
static const AvmColor motion_color = {1.0, 0.72, 0.2};

/* One colour per part, to be told apart by the colour-blind as well (after
 * Okabe and Ito, lightened for dark ground) */
static const AvmColor part_colors[] = {
    {1.0, 0.72, 0.2},
    {0.45, 0.8, 1.0},
    {0.35, 0.9, 0.65},
    {0.98, 0.92, 0.4},
    {0.95, 0.65, 0.85},
    {1.0, 0.55, 0.35},
    {0.65, 0.7, 1.0},
    {0.85, 0.85, 0.85},
};

static const struct {
  const gchar *role;
  AvmColor color;
} role_colors[] = {
    {"hand", {1.0, 0.78, 0.1}},
    {"player", {0.55, 0.8, 1.0}},
    {"bow", {0.4, 0.95, 0.6}},
    {"face", {1.0, 0.6, 0.85}},
    {"head", {1.0, 0.6, 0.85}},
    {"baton", {1.0, 0.5, 0.3}},
};

/* -- looking things up ---------------------------------------------------- */

static AvmColor
lighten (const AvmColor *color, gdouble gain)
{
  AvmColor result = {color->r * gain, color->g * gain, color->b * gain};

  return result;
}

static const AvmColor *
part_color (gint part)
{
  return part < 0 ? &white
                  : &part_colors[part % (gint)G_N_ELEMENTS (part_colors)];
}

static const AvmColor *
role_color (const gchar *role)
{
  for (guint i = 0; i < G_N_ELEMENTS (role_colors); i++) {
    if (g_strcmp0 (role, role_colors[i].role) == 0)
      return &role_colors[i].color;
  }
  return &white;
}

gboolean
avm_scene_goes_on (const AvmTrackEvent *entry, GstClockTime time)
{
  return entry->start <= time
      && (!GST_CLOCK_TIME_IS_VALID (entry->end) || time < entry->end);
}

/* The latest event of a kind that goes on at the scene's time, of a part, or
 * of a region where no part is known. */
static const AvmTrackEvent *
find_active (const AvmScene *scene, const gchar *kind, gint part, gint region)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;
    guint n;

    if (track->info != NULL || g_strcmp0 (track->kind, kind) != 0)
      continue;
    for (n = avm_track_find_event (track, scene->time); n > 0; n--) {
      const AvmTrackEvent *entry =
          &g_array_index (track->events, AvmTrackEvent, n - 1);
      gboolean ours = part != GST_AVM_NONE && entry->event->part == part;

      ours |= region != GST_AVM_NONE && entry->event->region == region;
      if (ours && avm_scene_goes_on (entry, scene->time))
        return entry;
      /* a note is not that long: what began before cannot go on */
      if (entry->start + 60 * GST_SECOND < scene->time)
        break;
    }
  }
  return NULL;
}

/* The latest association of a region, whatever it says and however long ago: it
 * holds until the next. */
static const GstAvmEvent *
find_association (const AvmScene *scene, gint region)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (track->info != NULL || g_strcmp0 (track->kind, "association") != 0)
      continue;
    for (guint n = avm_track_find_event (track, scene->time); n > 0; n--) {
      const GstAvmEvent *event =
          g_array_index (track->events, AvmTrackEvent, n - 1).event;

      if (event->region == region)
        return event;
    }
  }
  return NULL;
}

/* Which part a region plays: its own word, an association, or a result that
 * names both. */
static gint
part_of_region (const AvmScene *scene, gint region)
{
  const GstAvmEvent *association = find_association (scene, region);
  gint part = GST_AVM_NONE;

  for (guint i = 0; i < scene->metas->len; i++) {
    const GstAvmRegionMeta *meta = g_ptr_array_index (scene->metas, i);

    if (meta->region.id == region && meta->region.part != GST_AVM_NONE)
      return meta->region.part;
  }
  if (association != NULL)
    return association->part;
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;
    guint n =
        MIN (track->events->len, avm_track_find_event (track, scene->time) + 1);

    for (; n > 0 && part == GST_AVM_NONE; n--) {
      const GstAvmEvent *event =
          g_array_index (track->events, AvmTrackEvent, n - 1).event;

      if (event->region == region)
        part = event->part;
    }
  }
  return part;
}

static const gchar *
part_name (const AvmScene *scene, gint part)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    for (guint i = 0; i < MIN (track->events->len, 64); i++) {
      const GstAvmEvent *event =
          g_array_index (track->events, AvmTrackEvent, i).event;
      const gchar *name = gst_avm_event_get_string (event, "part-name");

      if (event->part == part && name != NULL && *name != '\0')
        return name;
    }
  }
  return NULL;
}

static void
format_pitch (gchar *text, gsize size, gdouble midi)
{
  static const gchar *const names[] = {
      "C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"};
  gint pitch = (gint)CLAMP (floor (midi + 0.5), 0, 127);

  g_snprintf (text, size, "%s%d", names[pitch % 12], pitch / 12 - 1);
}

static gboolean
get_finite (const GstAvmEvent *event, const gchar *name, gdouble *value)
{
  return gst_avm_event_get_double (event, name, value) && isfinite (*value);
}

/* -- labels that keep out of each other's way ------------------------------ */

static gboolean
overlaps (const AvmScene *scene, const AvmBox *box)
{
  for (guint i = 0; i < scene->n_placed; i++) {
    const AvmBox *other = &scene->placed[i];

    if (box->x < other->x + other->w && other->x < box->x + box->w
        && box->y < other->y + other->h && other->y < box->y + box->h)
      return TRUE;
  }
  return FALSE;
}

void
avm_scene_place_label (AvmScene *scene, const gchar *text, gdouble size,
    const AvmColor *color, gdouble x, gdouble y, gint direction)
{
  gint width = avm_canvas_get_width (scene->canvas);
  gint height = avm_canvas_get_height (scene->canvas);
  AvmBox box;

  if (scene->text <= 0.0 || scene->n_placed == AVM_SCENE_MAX_LABELS)
    return;
  avm_canvas_measure (scene->canvas, text, size, TRUE, &box.w, &box.h);
  box.x = CLAMP (x, 0.0, MAX (width - box.w, 0.0));
  box.y = direction < 0 ? y - box.h : y;
  for (guint i = 0; i < 4; i++) {
    box.y = CLAMP (box.y, 0.0, MAX (height - box.h, 0.0));
    if (!overlaps (scene, &box))
      break;
    box.y += direction * (box.h + 1.0);
  }
  scene->placed[scene->n_placed++] = box;
  avm_canvas_text (scene->canvas, text, size, color, TRUE, box.x, box.y);
}

/* -- regions -------------------------------------------------------------- */

static void
draw_points (AvmScene *scene, const GstAvmRegionMeta *meta)
{
  const AvmColor *color = role_color (meta->region.role);
  AvmColor tail = lighten (color, 0.85);

  for (guint i = 0; i < meta->n_points; i++) {
    const GstAvmPoint *point = &meta->points[i];

    if (scene->settings->motion)
      avm_canvas_arrow (scene->canvas, point->x, point->y,
          POINT_GAIN * point->dx, POINT_GAIN * point->dy, &tail,
          0.5 * scene->line);
    avm_canvas_dot (
        scene->canvas, point->x, point->y, 0.8 * scene->line, color);
  }
}

/* Of a player whose part was found out everything has the part's colour. */
static const AvmColor *
region_color (const AvmScene *scene, const GstAvmRegion *region)
{
  const GstAvmEvent *association = find_association (scene, region->id);

  if (region->state == GST_AVM_REGION_LOST)
    return &grey;
  return association != NULL && association->part != GST_AVM_NONE
      ? part_color (association->part)
      : role_color (region->role);
}

static void
draw_region (AvmScene *scene, const GstAvmRegionMeta *meta)
{
  const GstAvmRegion *region = &meta->region;
  gboolean lost = region->state == GST_AVM_REGION_LOST;
  AvmBox box = {region->x, region->y, region->w, region->h};
  gboolean player = g_strcmp0 (region->role, "player") == 0;

  if (!isfinite (box.x + box.y + box.w + box.h))
    return;
  if (scene->settings->regions)
    avm_canvas_corners (scene->canvas, &box, region_color (scene, region),
        (player ? 1.6 : 1.0) * scene->line, lost);
  if (scene->settings->points && !lost)
    draw_points (scene, meta);
  if (scene->settings->motion && !lost)
    avm_canvas_arrow (scene->canvas, box.x + 0.5 * box.w, box.y + 0.5 * box.h,
        region->vx * VECTOR_SECONDS, region->vy * VECTOR_SECONDS,
        role_color (region->role), scene->line);
}

/* "hand 201", or "hand 201 lost" */
static void
label_region (AvmScene *scene, const GstAvmRegion *region)
{
  gboolean lost = region->state == GST_AVM_REGION_LOST;
  gchar *text = g_strdup_printf ("%s %d%s",
      region->role != NULL ? region->role : "region", region->id,
      lost ? " lost" : "");

  avm_scene_place_label (scene, text, 0.75 * scene->text,
      region_color (scene, region), region->x, region->y - scene->line, -1);
  g_free (text);
}

/* Who plays what stands at the whole player, or where the frame has no such
 * region, at the first region of those that belong together. */
static gboolean
is_place_of_player (const AvmScene *scene, const GstAvmRegion *region)
{
  gint player = gst_avm_region_id_get_player (region->id);

  if (player == GST_AVM_NONE)
    return TRUE;
  for (guint i = 0; i < scene->metas->len; i++) {
    const GstAvmRegionMeta *meta = g_ptr_array_index (scene->metas, i);

    if (gst_avm_region_id_get_player (meta->region.id) == player
        && meta->region.id < region->id)
      return FALSE;
  }
  return TRUE;
}

/* "Violin 2 (part 1) 98 %" */
static void
label_association (AvmScene *scene, const GstAvmRegion *region)
{
  const GstAvmEvent *event = find_association (scene, region->id);
  const gchar *name;
  gint percent;
  gchar *text;

  if (event == NULL || !is_place_of_player (scene, region))
    return;
  percent = (gint)(100.0 * CLAMP (event->confidence, 0.0, 1.0) + 0.5);
  name = part_name (scene, event->part);
  if (event->part == GST_AVM_NONE)
    text = g_strdup_printf ("plays no part  %d %%", percent);
  else if (name != NULL)
    text =
        g_strdup_printf ("%.24s (part %d)  %d %%", name, event->part, percent);
  else
    text = g_strdup_printf ("part %d  %d %%", event->part, percent);
  if (!g_utf8_validate (text, -1, NULL)) {
    gchar *valid = g_utf8_make_valid (text, -1);

    g_free (text);
    text = valid;
  }
  avm_scene_place_label (scene, text, 1.1 * scene->text,
      event->part == GST_AVM_NONE ? &grey : part_color (event->part),
      region->x + scene->line, region->y + scene->line, 1);
  g_free (text);
}

static void
label_note (AvmScene *scene, const GstAvmRegion *region, gint part)
{
  const AvmTrackEvent *entry = find_active (scene, "note", part, region->id);
  gchar text[16];
  gdouble midi;

  if (entry == NULL || !get_finite (entry->event, "pitch", &midi))
    return;
  format_pitch (text, sizeof (text), midi);
  avm_scene_place_label (scene, text, 1.25 * scene->text, part_color (part),
      region->x + region->w + 2.0 * scene->line, region->y, 1);
}

static void
label_vibrato (AvmScene *scene, const GstAvmRegion *region, gint part)
{
  const AvmTrackEvent *entry = find_active (scene, "vibrato", part, region->id);
  gboolean vibrato = FALSE;
  gdouble rate, extent;
  gchar text[48] = "";

  if (entry == NULL
      || !gst_avm_event_get_boolean (entry->event, "vibrato", &vibrato)
      || !vibrato)
    return;
  if (!get_finite (entry->event, "rate", &rate))
    rate = NAN;
  if (!get_finite (entry->event, "extent", &extent))
    extent = NAN;
  if (isfinite (rate) && isfinite (extent))
    g_snprintf (text, sizeof (text), "%.1f Hz  %.0f cents", rate, extent);
  else if (isfinite (rate))
    g_snprintf (text, sizeof (text), "%.1f Hz", rate);
  else
    g_strlcpy (text, "vibrato", sizeof (text));
  avm_scene_place_label (scene, text, scene->text, &white, region->x,
      region->y + region->h + scene->line, 1);
}

/* Whether notes and vibrato stand at this region: at the part's hand, if the
 * frame has one, and otherwise at whatever region plays the part. */
static gboolean
is_place_of_part (const AvmScene *scene, const GstAvmRegion *region, gint part)
{
  if (g_strcmp0 (region->role, "hand") == 0 || part == GST_AVM_NONE)
    return TRUE;
  for (guint i = 0; i < scene->metas->len; i++) {
    const GstAvmRegionMeta *meta = g_ptr_array_index (scene->metas, i);

    if (g_strcmp0 (meta->region.role, "hand") == 0
        && part_of_region (scene, meta->region.id) == part)
      return FALSE;
  }
  return TRUE;
}

static void
draw_regions (AvmScene *scene)
{
  const AvmSceneSettings *settings = scene->settings;

  for (guint i = 0; i < scene->metas->len; i++)
    draw_region (scene, g_ptr_array_index (scene->metas, i));
  for (guint i = 0; i < scene->metas->len; i++) {
    const GstAvmRegionMeta *meta = g_ptr_array_index (scene->metas, i);
    gint part = part_of_region (scene, meta->region.id);

    if (settings->regions) {
      label_association (scene, &meta->region);
      label_region (scene, &meta->region);
    }
    if (!is_place_of_part (scene, &meta->region, part))
      continue;
    if (settings->notes)
      label_note (scene, &meta->region, part);
    if (settings->vibrato)
      label_vibrato (scene, &meta->region, part);
  }
}

/* -- curves --------------------------------------------------------------- */

static void
add_lane (AvmScene *scene, gint part, gint region)
{
  guint i;

  if (part == GST_AVM_NONE && region != GST_AVM_NONE)
    part = part_of_region (scene, region);
  for (i = 0; i < scene->n_lanes; i++) {
    AvmLane *lane = &scene->lanes[i];

    if (part != GST_AVM_NONE
            ? lane->part == part
            : lane->part == GST_AVM_NONE && lane->region == region) {
      if (lane->region == GST_AVM_NONE)
        lane->region = region;
      return;
    }
  }
  if (scene->n_lanes == AVM_SCENE_MAX_LANES)
    return;
  /* in order of the parts */
  while (i > 0 && part != GST_AVM_NONE && scene->lanes[i - 1].part > part)
    i--;
  memmove (&scene->lanes[i + 1], &scene->lanes[i],
      (scene->n_lanes - i) * sizeof (AvmLane));
  scene->lanes[i].part = part;
  scene->lanes[i].region = region;
  scene->lanes[i].name = part_name (scene, part);
  scene->n_lanes++;
}

/* A lane for whatever has curves. The first events tell which parts there
 * are, so lanes do not come and go. */
static void
find_lanes (AvmScene *scene)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (track->info != NULL
        && (g_strcmp0 (track->kind, "f0") == 0
            || g_strcmp0 (track->kind, "motion") == 0)) {
      for (guint i = 0; i < gst_avm_series_info_get_n_channels (track->info);
           i++)
        add_lane (scene, gst_avm_series_info_get_part (track->info, i),
            gst_avm_series_info_get_region (track->info, i));
    } else if (g_strcmp0 (track->kind, "vibrato") == 0) {
      for (guint i = 0; i < track->events->len; i++) {
        const GstAvmEvent *event =
            g_array_index (track->events, AvmTrackEvent, i).event;

        add_lane (scene, event->part, event->region);
      }
    }
  }
}

typedef struct {
  AvmBox box;
  gdouble start;         /* running time of its left edge, s */
  gdouble scale;         /* px per second */
  GstClockTime from, to; /* running time of both edges */
} LaneView;

static gdouble
lane_x (const LaneView *view, GstClockTime time)
{
  return view->box.x + ((gdouble)time / GST_SECOND - view->start) * view->scale;
}

/* Draws n values at a rate from a time on; `limit` of them is the edge. */
static void
draw_curve (AvmScene *scene, const LaneView *view, const gdouble *values,
    gsize n, gdouble rate, GstClockTime start, gdouble limit,
    const AvmColor *color)
{
  gdouble x0 = lane_x (view, start), dx = view->scale / rate;
  gdouble middle = view->box.y + 0.5 * view->box.h;
  gsize first = x0 < view->box.x
      ? (gsize)MIN (ceil ((view->box.x - x0) / dx), (gdouble)n)
      : 0;
  gdouble end = (view->box.x + view->box.w - x0) / dx;
  gsize last = end <= 0.0 ? 0 : MIN (n, (gsize)end + 1);
  gfloat *y;

  if (first >= last || !(limit > 0.0))
    return;
  y = g_new (gfloat, last - first);
  for (gsize i = first; i < last; i++) {
    gdouble share = CLAMP (values[i] / limit, -1.0, 1.0);

    y[i - first] = (gfloat)(middle - 0.46 * view->box.h * share);
  }
  avm_canvas_curve (scene->canvas, x0 + first * dx, dx, y,
      (guint)(last - first), color, 0.8 * scene->line);
  g_free (y);
}

static gdouble
largest (const gdouble *values, gsize n)
{
  gdouble result = 0.0;

  for (gsize i = 0; i < n; i++) {
    if (fabs (values[i]) > result)
      result = fabs (values[i]);
  }
  return result;
}

static void
draw_event_curve (AvmScene *scene, const LaneView *view,
    const AvmTrackEvent *entry, const gchar *field, gdouble rate, gdouble limit,
    const AvmColor *color)
{
  GVariant *curve = gst_avm_event_get_variant (entry->event, field);
  const gdouble *values;
  gsize n;

  if (curve == NULL)
    return;
  if (g_variant_is_of_type (curve, G_VARIANT_TYPE ("ad"))) {
    values = g_variant_get_fixed_array (curve, &n, sizeof (gdouble));
    draw_curve (scene, view, values, n, rate, entry->start, limit, color);
  }
  g_variant_unref (curve);
}

static gboolean
event_in_lane (const AvmLane *lane, const GstAvmEvent *event)
{
  return lane->part != GST_AVM_NONE ? event->part == lane->part
                                    : event->region == lane->region;
}

/* Notes as bands with their names, vibrato notes brighter */
static void
draw_lane_notes (AvmScene *scene, const AvmLane *lane, const LaneView *view,
    const AvmTrack *track)
{
  gboolean vibrato_kind = g_strcmp0 (track->kind, "vibrato") == 0;
  guint n = avm_track_find_event (track, view->to);

  for (guint i = 0; i < n; i++) {
    const AvmTrackEvent *entry =
        &g_array_index (track->events, AvmTrackEvent, i);
    GstClockTime end = MIN (
        GST_CLOCK_TIME_IS_VALID (entry->end) ? entry->end : view->to, view->to);
    GstClockTime start = MAX (entry->start, view->from);
    gboolean vibrato = FALSE;
    AvmBox box = {0.0, view->box.y + 1.0, 0.0, view->box.h - 2.0};

    if (end <= start || !event_in_lane (lane, entry->event))
      continue;
    gst_avm_event_get_boolean (entry->event, "vibrato", &vibrato);
    box.x = lane_x (view, start);
    box.w = MAX (lane_x (view, end) - box.x - 1.0, 1.0);
    if (vibrato || !vibrato_kind)
      avm_canvas_fill (scene->canvas, &box, part_color (lane->part),
          vibrato_kind ? 0.22 : 0.12);
  }
}

static void
draw_lane_names (AvmScene *scene, const AvmLane *lane, const LaneView *view,
    const AvmTrack *track)
{
  guint n = avm_track_find_event (track, view->to);
  gdouble size = 0.7 * scene->text;
  gdouble free_from = view->box.x;

  for (guint i = 0; i < n && scene->text > 0.0; i++) {
    const AvmTrackEvent *entry =
        &g_array_index (track->events, AvmTrackEvent, i);
    gdouble midi, x, width, height;
    gchar text[16];

    if (entry->start < view->from || !event_in_lane (lane, entry->event)
        || !get_finite (entry->event, "pitch", &midi))
      continue;
    format_pitch (text, sizeof (text), midi);
    avm_canvas_measure (scene->canvas, text, size, FALSE, &width, &height);
    x = lane_x (view, entry->start) + 1.0;
    /* of notes that follow each other quickly only some have room */
    if (x < free_from || x + width > view->box.x + view->box.w)
      continue;
    avm_canvas_text (scene->canvas, text, size, part_color (lane->part), FALSE,
        x, view->box.y + 1.0);
    free_from = x + width + 2.0;
  }
}

static gdouble
largest_displacement (const AvmTrackEvent *entry)
{
  GVariant *curve = gst_avm_event_get_variant (entry->event, "displacement");
  gdouble result = 0.0;
  gsize n;

  if (curve == NULL)
    return 0.0;
  if (g_variant_is_of_type (curve, G_VARIANT_TYPE ("ad"))) {
    const gdouble *values =
        g_variant_get_fixed_array (curve, &n, sizeof (gdouble));

    result = largest (values, n);
  }
  g_variant_unref (curve);
  return result;
}

/* One scale for the notes in sight, so that a still hand looks still. */
static gdouble
displacement_scale (
    const AvmLane *lane, const LaneView *view, const AvmTrack *track)
{
  guint n = avm_track_find_event (track, view->to);
  gdouble scale = 0.0;

  for (guint i = 0; i < n; i++) {
    const AvmTrackEvent *entry =
        &g_array_index (track->events, AvmTrackEvent, i);

    if (event_in_lane (lane, entry->event)
        && !(GST_CLOCK_TIME_IS_VALID (entry->end) && entry->end < view->from))
      scale = MAX (scale, largest_displacement (entry));
  }
  return scale;
}

static void
draw_vibrato_curves (AvmScene *scene, const AvmLane *lane, const LaneView *view,
    const AvmTrack *track)
{
  guint n = avm_track_find_event (track, view->to);
  gdouble scale = displacement_scale (lane, view, track);

  for (guint i = 0; i < n; i++) {
    const AvmTrackEvent *entry =
        &g_array_index (track->events, AvmTrackEvent, i);
    gdouble rate;

    if ((GST_CLOCK_TIME_IS_VALID (entry->end) && entry->end < view->from)
        || !event_in_lane (lane, entry->event)
        || !get_finite (entry->event, "curve-rate", &rate) || rate <= 0.0)
      continue;
    draw_event_curve (
        scene, view, entry, "displacement", rate, scale, &motion_color);
    draw_event_curve (
        scene, view, entry, "pitch-curve", rate, PITCH_RANGE, &pitch_color);
  }
}

/* Pitch about the nearest semitone, or the motion of a region, row by row.
 * Each row has its own time. */
static void
draw_series (AvmScene *scene, const LaneView *view, const AvmTrack *track,
    guint channel, gboolean pitch)
{
  guint channels = gst_avm_series_info_get_n_channels (track->info);
  guint first = avm_track_find_row (track, view->from);
  guint last = avm_track_find_row (track, view->to);
  const gfloat *rows = (const gfloat *)track->rows->data;
  gdouble limit = pitch ? PITCH_RANGE : 0.0, middle = NAN;
  gdouble center = view->box.y + 0.5 * view->box.h;
  gdouble dx;
  gfloat *y;

  if (last - first < 2)
    return;
  for (guint i = first; !pitch && i < last; i++) {
    gdouble value = fabs (rows[(gsize)i * channels + channel]);

    if (value > limit)
      limit = value;
  }
  y = g_new (gfloat, last - first);
  for (guint i = first; i < last; i++) {
    gdouble value = rows[(gsize)i * channels + channel];

    if (pitch) {
      gdouble midi = value > 0.0 ? 69.0 + 12.0 * log2 (value / 440.0) : NAN;

      /* a vibrato must not jump from one semitone to the next */
      if (!(fabs (midi - middle) < 0.9))
        middle = floor (midi + 0.5);
      value = 100.0 * (midi - middle);
    }
    y[i - first] = limit > 0.0 ? (gfloat)(center
                       - 0.46 * view->box.h * CLAMP (value / limit, -1.0, 1.0))
                               : NAN;
  }
  dx = (lane_x (view, g_array_index (track->times, GstClockTime, last - 1))
           - lane_x (view, g_array_index (track->times, GstClockTime, first)))
      / (last - 1 - first);
  avm_canvas_curve (scene->canvas,
      lane_x (view, g_array_index (track->times, GstClockTime, first)), dx, y,
      last - first, pitch ? &pitch_color : &motion_color, 0.8 * scene->line);
  g_free (y);
}

/* Of the two directions of a motion the one that moves more */
static gint
motion_channel (const AvmTrack *track, gint region, const LaneView *view)
{
  gint vx =
      gst_avm_series_info_find_channel (track->info, "vx", region, GST_AVM_ANY);
  gint vy =
      gst_avm_series_info_find_channel (track->info, "vy", region, GST_AVM_ANY);
  guint channels = gst_avm_series_info_get_n_channels (track->info);
  guint last = avm_track_find_row (track, view->to);
  const gfloat *rows = (const gfloat *)track->rows->data;
  gdouble sum_x = 0.0, sum_y = 0.0;

  for (guint i = avm_track_find_row (track, view->from);
       vx >= 0 && vy >= 0 && i < last; i++) {
    gdouble x = rows[(gsize)i * channels + vx];
    gdouble y = rows[(gsize)i * channels + vy];

    if (isfinite (x + y)) {
      sum_x += x * x;
      sum_y += y * y;
    }
  }
  return vx >= 0 && sum_x >= sum_y ? vx : vy;
}

static void
draw_lane_series (AvmScene *scene, const AvmLane *lane, const LaneView *view,
    const AvmTrack *track)
{
  gint channel = -1;
  gboolean pitch = g_strcmp0 (track->kind, "f0") == 0;

  if (pitch)
    channel = gst_avm_series_info_find_channel (
        track->info, "f0", GST_AVM_ANY, lane->part);
  else if (g_strcmp0 (track->kind, "motion") == 0
      && lane->region != GST_AVM_NONE)
    channel = motion_channel (track, lane->region, view);
  if (channel >= 0)
    draw_series (scene, view, track, (guint)channel, pitch);
}

static gboolean
has_track (const AvmScene *scene, const gchar *kind)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    if (g_strcmp0 (((const AvmTrack *)l->data)->kind, kind) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
draw_lane (AvmScene *scene, const AvmLane *lane, const LaneView *view)
{
  gboolean curves_of_notes = has_track (scene, "vibrato");
  gboolean names_drawn = FALSE;

  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (track->info == NULL && track->events->len > 0)
      draw_lane_notes (scene, lane, view, track);
  }
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    /* a note's own curves say more than the raw series behind them */
    if (track->info != NULL
        && !(curves_of_notes && g_str_equal (track->kind, "motion")))
      draw_lane_series (scene, lane, view, track);
    else if (g_strcmp0 (track->kind, "vibrato") == 0)
      draw_vibrato_curves (scene, lane, view, track);
  }
  for (GList *l = scene->tracks; l != NULL && !names_drawn; l = l->next) {
    const AvmTrack *track = l->data;

    if (scene->settings->notes && track->info == NULL
        && (g_strcmp0 (track->kind, "note") == 0
            || (g_strcmp0 (track->kind, "vibrato") == 0
                && !has_track (scene, "note")))) {
      draw_lane_names (scene, lane, view, track);
      names_drawn = TRUE;
    }
  }
}

static void
draw_lane_title (AvmScene *scene, const AvmLane *lane, const LaneView *view)
{
  gdouble size = 0.8 * scene->text;
  gdouble width, height;
  gchar *text;

  if (scene->text <= 0.0)
    return;
  if (lane->name != NULL)
    text = g_strndup (lane->name, 24);
  else if (lane->part != GST_AVM_NONE)
    text = g_strdup_printf ("part %d", lane->part);
  else
    text = g_strdup_printf ("region %d", lane->region);
  if (!g_utf8_validate (text, -1, NULL)) {
    gchar *valid = g_utf8_make_valid (text, -1);

    g_free (text);
    text = valid;
  }
  avm_canvas_measure (scene->canvas, text, size, FALSE, &width, &height);
  avm_canvas_text (scene->canvas, text, size, part_color (lane->part), FALSE,
      0.3 * size, view->box.y + 0.5 * (view->box.h - height));
  g_free (text);
}

static gdouble
title_width (AvmScene *scene)
{
  gdouble widest = 0.0, width, height;

  for (guint i = 0; i < scene->n_lanes && scene->text > 0.0; i++) {
    const gchar *name = scene->lanes[i].name;

    avm_canvas_measure (scene->canvas, name != NULL ? name : "region 000",
        0.8 * scene->text, FALSE, &width, &height);
    widest = MAX (widest, width);
  }
  return MIN (
      widest + 0.6 * scene->text, 0.18 * avm_canvas_get_width (scene->canvas));
}

/* Whether any curve of a quantity can be drawn */
static gboolean
has_curve (const AvmScene *scene, const gchar *series, const gchar *field)
{
  for (GList *l = scene->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (g_strcmp0 (track->kind, series) == 0)
      return TRUE;
    for (guint i = 0; i < MIN (track->events->len, 64); i++) {
      GVariant *curve = gst_avm_event_get_variant (
          g_array_index (track->events, AvmTrackEvent, i).event, field);

      if (curve != NULL) {
        g_variant_unref (curve);
        return TRUE;
      }
    }
  }
  return FALSE;
}

/* Which colour is what, at the top right of the panel */
static void
draw_legend (AvmScene *scene, gdouble right, gdouble top)
{
  static const struct {
    const gchar *text, *series, *field;
    const AvmColor *color;
  } entries[] = {
      {"hand motion", "motion", "displacement", &motion_color},
      {"pitch ±60 cents", "f0", "pitch-curve", &pitch_color},
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries) && scene->text > 0.0; i++) {
    gdouble size = 0.65 * scene->text, width, height;

    if (!has_curve (scene, entries[i].series, entries[i].field))
      continue;
    avm_canvas_measure (
        scene->canvas, entries[i].text, size, TRUE, &width, &height);
    right -= width;
    avm_canvas_text (scene->canvas, entries[i].text, size, entries[i].color,
        TRUE, right, top - height);
  }
}

static void
draw_panel (AvmScene *scene)
{
  gint width = avm_canvas_get_width (scene->canvas);
  gint height = avm_canvas_get_height (scene->canvas);
  gdouble window = scene->settings->window / (gdouble)GST_SECOND;
  gdouble lane_height, left, top, now;
  AvmBox panel;

  find_lanes (scene);
  if (scene->n_lanes == 0 || height < 32)
    return;
  lane_height = floor (MIN (LANE_SHARE, PANEL_SHARE / scene->n_lanes) * height);
  left = title_width (scene);
  top = height - lane_height * scene->n_lanes;
  panel = (AvmBox){0.0, top, width, height - top};
  avm_canvas_fill (scene->canvas, &panel, &black, 0.72);
  for (guint i = 0; i < scene->n_lanes; i++) {
    LaneView view;

    view.box = (AvmBox){
        left, top + i * lane_height + 1.0, width - left, lane_height - 2.0};
    view.start = scene->time / (gdouble)GST_SECOND - NOW_SHARE * window;
    view.scale = view.box.w / window;
    view.from = view.start > 0.0 ? (GstClockTime)(view.start * GST_SECOND) : 0;
    view.to = (GstClockTime)((view.start + window) * GST_SECOND);
    draw_lane_title (scene, &scene->lanes[i], &view);
    draw_lane (scene, &scene->lanes[i], &view);
  }
  now = left + NOW_SHARE * (width - left);
  panel =
      (AvmBox){floor (now), top, MAX (1.0, 0.5 * scene->line), height - top};
  avm_canvas_fill (scene->canvas, &panel, &white, 0.8);
  draw_legend (scene, width, top);
}

void
avm_scene_draw (AvmCanvas *canvas, const AvmSceneSettings *settings,
    GstBuffer *buffer, GList *tracks, GstClockTime time)
{
  gint height = avm_canvas_get_height (canvas);
  AvmScene scene = {0};
  gpointer state = NULL;
  GstAvmRegionMeta *meta;

  scene.canvas = canvas;
  scene.settings = settings;
  scene.tracks = tracks;
  scene.time = time;
  scene.text = floor (settings->text_scale * TEXT_SHARE * height);
  if (scene.text < MIN_TEXT)
    scene.text = 0.0;
  scene.line = MAX (1.0, height / 480.0);
  scene.metas = g_ptr_array_new ();
  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL)
    g_ptr_array_add (scene.metas, meta);
  if (settings->curves && GST_CLOCK_TIME_IS_VALID (time))
    draw_panel (&scene);
  if (settings->activity && GST_CLOCK_TIME_IS_VALID (time))
    avm_scene_draw_people (&scene);
  draw_regions (&scene);
  g_ptr_array_unref (scene.metas);
}
