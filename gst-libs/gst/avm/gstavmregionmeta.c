/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstavmregionmeta
 * @title: GstAvmRegionMeta
 * @short_description: regions of a picture: players, hands, bows, faces
 *
 * One meta per region and frame. It is tagged as video and size, and its
 * transform follows copy and scale, so it is right after videoconvert,
 * videoscale, tee, queue and in-place filters. videocrop, videobox and
 * videoflip of GStreamer 1.22 drop every meta that depends on the size: place
 * the tracker after them.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmregionmeta.h"
#include "gstavmseries.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <gst/video/gstvideometa.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

G_DEFINE_BOXED_TYPE (
    GstAvmRegion, gst_avm_region, gst_avm_region_copy, gst_avm_region_free);

GType
gst_avm_region_state_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_REGION_GIVEN, "GST_AVM_REGION_GIVEN", "given"},
        {GST_AVM_REGION_TRACKED, "GST_AVM_REGION_TRACKED", "tracked"},
        {GST_AVM_REGION_LOST, "GST_AVM_REGION_LOST", "lost"},
        {GST_AVM_REGION_RECOVERED, "GST_AVM_REGION_RECOVERED", "recovered"},
        {0, NULL, NULL},
    };
    GType made = g_enum_register_static ("GstAvmRegionState", values);

    g_once_init_leave (&type, made);
  }
  return (GType)type;
}

/* A role's ids begin at a multiple of 100: its place here, from 1 */
static const gchar *const id_roles[] = {"player", "hand", "bow", "face"};

/**
 * gst_avm_region_id: (skip)
 * @role: "player", "hand", "bow" or "face"
 * @player: which player, 0 is the first, less than %GST_AVM_MAX_PLAYERS
 *
 * The id by which elements that find or make the regions of several players
 * name them: players are 101, 102, ..., their fingering hands 201, 202, ...,
 * bowing hands 301, ... and faces 401, ... Regions whose ids differ by a
 * multiple of 100 so belong to one player. Not for language bindings, where it
 * would hide the field of the same name.
 *
 * Returns: the id, or %GST_AVM_NONE for another role or player
 *
 * Since: 0.1
 */
gint
gst_avm_region_id (const gchar *role, guint player)
{
  for (guint i = 0; i < G_N_ELEMENTS (id_roles) && player < GST_AVM_MAX_PLAYERS;
       i++) {
    if (g_strcmp0 (role, id_roles[i]) == 0)
      return (gint)(100 * (i + 1) + 1 + player);
  }
  return GST_AVM_NONE;
}

/**
 * gst_avm_region_id_get_player:
 * @id: a region id
 *
 * Returns: the player to whom a region of that id belongs, 0 is the first, or
 *     %GST_AVM_NONE where the id is not one of gst_avm_region_id(): such a
 *     region is a player of its own
 *
 * Since: 0.1
 */
gint
gst_avm_region_id_get_player (gint id)
{
  if (gst_avm_region_id_get_role (id) == NULL)
    return GST_AVM_NONE;
  return id % 100 - 1;
}

/**
 * gst_avm_region_id_get_role:
 * @id: a region id
 *
 * Returns: (nullable): the role that gst_avm_region_id() made it of, or %NULL
 *
 * Since: 0.1
 */
const gchar *
gst_avm_region_id_get_role (gint id)
{
  if (id < 100 || id % 100 == 0
      || id >= 100 * (gint)(G_N_ELEMENTS (id_roles) + 1))
    return NULL;
  return id_roles[id / 100 - 1];
}

/**
 * gst_avm_region_new:
 * @id: id of the region
 * @role: what it shows: "hand", "player", ...
 * @x: left edge, px
 * @y: top edge, px
 * @w: width, px
 * @h: height, px
 *
 * Returns: (transfer full): a region that is given, of confidence 1 and no
 *   part
 *
 * Since: 0.1
 */
GstAvmRegion *
gst_avm_region_new (
    gint id, const gchar *role, gfloat x, gfloat y, gfloat w, gfloat h)
{
  GstAvmRegion *region = g_new0 (GstAvmRegion, 1);

  region->id = id;
  region->part = GST_AVM_NONE;
  region->role = g_intern_string (role != NULL ? role : "");
  region->x = x;
  region->y = y;
  region->w = w;
  region->h = h;
  region->confidence = 1.0f;
  region->state = GST_AVM_REGION_GIVEN;
  return region;
}

/**
 * gst_avm_region_copy:
 * @region: a region
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.1
 */
GstAvmRegion *
gst_avm_region_copy (const GstAvmRegion *region)
{
  return g_memdup2 (region, sizeof (GstAvmRegion));
}

/**
 * gst_avm_region_free:
 * @region: (transfer full) (nullable): a region
 *
 * Since: 0.1
 */
void
gst_avm_region_free (GstAvmRegion *region)
{
  g_free (region);
}

GType
gst_avm_region_meta_api_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const gchar *tags[] = {
        GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR, NULL};
    GType made = gst_meta_api_type_register ("GstAvmRegionMetaAPI", tags);

    g_once_init_leave (&type, made);
  }
  return (GType)type;
}

static gboolean
region_meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  GstAvmRegionMeta *self = (GstAvmRegionMeta *)meta;

  memset (&self->region, 0, sizeof (self->region));
  self->region.part = GST_AVM_NONE;
  self->region.role = g_intern_static_string ("");
  self->n_points = 0;
  self->points = NULL;
  return TRUE;
}

static void
region_meta_free (GstMeta *meta, GstBuffer *buffer)
{
  g_clear_pointer (&((GstAvmRegionMeta *)meta)->points, g_free);
}

static void
region_meta_scale (GstAvmRegionMeta *meta, gfloat sx, gfloat sy)
{
  GstAvmRegion *r = &meta->region;

  r->x *= sx;
  r->w *= sx;
  r->vx *= sx;
  r->y *= sy;
  r->h *= sy;
  r->vy *= sy;
  /* positions of points are centres of pixels, edges of regions are edges */
  for (guint i = 0; i < meta->n_points; i++) {
    GstAvmPoint *p = &meta->points[i];

    p->x = (p->x + 0.5f) * sx - 0.5f;
    p->y = (p->y + 0.5f) * sy - 0.5f;
    p->dx *= sx;
    p->dy *= sy;
  }
}

static gboolean
region_meta_transform (GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
    GQuark type, gpointer data)
{
  const GstAvmRegionMeta *source = (const GstAvmRegionMeta *)meta;
  GstAvmRegionMeta *copy;
  gfloat sx = 1.0f, sy = 1.0f;

  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type)) {
    const GstVideoMetaTransform *scale = data;

    sx = (gfloat)GST_VIDEO_INFO_WIDTH (scale->out_info)
        / (gfloat)GST_VIDEO_INFO_WIDTH (scale->in_info);
    sy = (gfloat)GST_VIDEO_INFO_HEIGHT (scale->out_info)
        / (gfloat)GST_VIDEO_INFO_HEIGHT (scale->in_info);
  } else if (!GST_META_TRANSFORM_IS_COPY (type)) {
    return FALSE;
  }
  copy = gst_buffer_add_avm_region_meta (dest, &source->region);
  gst_avm_region_meta_set_points (copy, source->points, source->n_points);
  region_meta_scale (copy, sx, sy);
  return TRUE;
}

const GstMetaInfo *
gst_avm_region_meta_get_info (void)
{
  static const GstMetaInfo *info = NULL;

  if (g_once_init_enter ((GstMetaInfo **)&info)) {
    const GstMetaInfo *made = gst_meta_register (GST_AVM_REGION_META_API_TYPE,
        "GstAvmRegionMeta", sizeof (GstAvmRegionMeta), region_meta_init,
        region_meta_free, region_meta_transform);

    g_once_init_leave ((GstMetaInfo **)&info, (GstMetaInfo *)made);
  }
  return info;
}

/**
 * gst_buffer_add_avm_region_meta:
 * @buffer: a writable video buffer
 * @region: the region, copied
 *
 * Returns: (transfer none): the meta on @buffer
 *
 * Since: 0.1
 */
GstAvmRegionMeta *
gst_buffer_add_avm_region_meta (GstBuffer *buffer, const GstAvmRegion *region)
{
  GstAvmRegionMeta *meta;

  g_return_val_if_fail (GST_IS_BUFFER (buffer) && region != NULL, NULL);
  meta = (GstAvmRegionMeta *)gst_buffer_add_meta (
      buffer, GST_AVM_REGION_META_INFO, NULL);
  if (meta != NULL) {
    meta->region = *region;
    meta->region.role =
        g_intern_string (region->role != NULL ? region->role : "");
    meta->region.orientation = g_intern_string (region->orientation);
  }
  return meta;
}

/**
 * gst_buffer_iterate_avm_region_meta: (skip)
 * @buffer: a buffer
 * @state: opaque; start with %NULL
 *
 * Returns: (transfer none) (nullable): the next region meta
 *
 * Since: 0.1
 */
GstAvmRegionMeta *
gst_buffer_iterate_avm_region_meta (GstBuffer *buffer, gpointer *state)
{
  return (GstAvmRegionMeta *)gst_buffer_iterate_meta_filtered (
      buffer, state, GST_AVM_REGION_META_API_TYPE);
}

/**
 * gst_buffer_get_avm_region_meta:
 * @buffer: a buffer
 * @id: id of a region
 *
 * Returns: (transfer none) (nullable): the meta of that region
 *
 * Since: 0.1
 */
GstAvmRegionMeta *
gst_buffer_get_avm_region_meta (GstBuffer *buffer, gint id)
{
  gpointer state = NULL;
  GstAvmRegionMeta *meta;

  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL) {
    if (meta->region.id == id)
      return meta;
  }
  return NULL;
}

/**
 * gst_buffer_get_avm_regions:
 * @buffer: a buffer
 *
 * For language bindings.
 *
 * Returns: (transfer container) (element-type GstAvmRegion): copies of all regions
 *   on the buffer
 *
 * Since: 0.1
 */
GPtrArray *
gst_buffer_get_avm_regions (GstBuffer *buffer)
{
  GPtrArray *regions =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_region_free);
  gpointer state = NULL;
  GstAvmRegionMeta *meta;

  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL)
    g_ptr_array_add (regions, gst_avm_region_copy (&meta->region));
  return regions;
}

/**
 * gst_avm_region_meta_set_points:
 * @meta: a region meta
 * @points: (array length=n_points) (nullable): points, copied
 * @n_points: how many
 *
 * Since: 0.1
 */
void
gst_avm_region_meta_set_points (
    GstAvmRegionMeta *meta, const GstAvmPoint *points, guint n_points)
{
  g_return_if_fail (meta != NULL && (points != NULL || n_points == 0));
  g_free (meta->points);
  meta->points =
      n_points > 0 ? g_memdup2 (points, n_points * sizeof (*points)) : NULL;
  meta->n_points = n_points;
}

/* -- shots ---------------------------------------------------------------- */

#define SHOT_EVENT "GstAvmShot"

/**
 * gst_event_new_avm_shot:
 *
 * A serialized downstream event before the first frame of a shot of a film.
 * What a detector said before it holds no longer: elements that follow its
 * regions forget them, and it gives anew those that it finds in the shot.
 *
 * Returns: (transfer full): the event
 *
 * Since: 0.1
 */
GstEvent *
gst_event_new_avm_shot (void)
{
  return gst_event_new_custom (
      GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (SHOT_EVENT));
}

/**
 * gst_event_is_avm_shot:
 * @event: an event
 *
 * Returns: whether it is one of gst_event_new_avm_shot()
 *
 * Since: 0.1
 */
gboolean
gst_event_is_avm_shot (GstEvent *event)
{
  g_return_val_if_fail (GST_IS_EVENT (event), FALSE);
  return GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM
      && gst_event_has_name (event, SHOT_EVENT);
}

/* -- regions as text ------------------------------------------------------ */

static gboolean
value_to_double (const GValue *value, gdouble *number)
{
  GValue as_double = G_VALUE_INIT;
  gboolean ok = FALSE;

  if (G_VALUE_HOLDS_STRING (value)) {
    const gchar *text = g_value_get_string (value);
    gchar *end = NULL;

    *number = text != NULL ? g_ascii_strtod (text, &end) : 0.0;
    return text != NULL && end != text && *end == '\0';
  }
  g_value_init (&as_double, G_TYPE_DOUBLE);
  ok = g_value_transform (value, &as_double);
  if (ok)
    *number = g_value_get_double (&as_double);
  g_value_unset (&as_double);
  return ok;
}

/* Checks what a person typed; @error says which region and what is wrong. */
static GstAvmRegion *
region_checked (
    const gdouble n[6], const gchar *role, guint index, GError **error)
{
  GstAvmRegion *region;

  for (guint i = 0; i < 6; i++) {
    if (!isfinite (n[i]) || fabs (n[i]) > 1e6) {
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
          _ ("Region %u has a number that is not finite or too large."), index);
      return NULL;
    }
  }
  if (n[3] <= 0.0 || n[4] <= 0.0) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        _ ("Region %u has no area: width and height must be above 0."), index);
    return NULL;
  }
  region = gst_avm_region_new (
      (gint)n[0], role, (gfloat)n[1], (gfloat)n[2], (gfloat)n[3], (gfloat)n[4]);
  region->part = (gint)n[5];
  return region;
}

static GstAvmRegion *
region_from_value (const GValue *value, guint index, GError **error)
{
  gdouble n[6] = {0, 0, 0, 0, 0, GST_AVM_NONE};
  guint size =
      GST_VALUE_HOLDS_ARRAY (value) ? gst_value_array_get_size (value) : 0;
  const GValue *role;

  if (size != 6 && size != 7)
    goto malformed;
  role = gst_value_array_get_value (value, 1);
  if (!G_VALUE_HOLDS_STRING (role) || g_value_get_string (role) == NULL)
    goto malformed;
  if (!value_to_double (gst_value_array_get_value (value, 0), &n[0]))
    goto malformed;
  for (guint i = 2; i < size; i++) {
    if (!value_to_double (gst_value_array_get_value (value, i), &n[i - 1]))
      goto malformed;
  }
  return region_checked (n, g_value_get_string (role), index, error);

malformed:
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      _ ("Region %u is not <id, role, x, y, width, height> or "
         "<id, role, x, y, width, height, part>."),
      index);
  return NULL;
}

static gboolean
check_unique (GPtrArray *regions, GError **error)
{
  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *a = g_ptr_array_index (regions, i);

    for (guint k = 0; k < i; k++) {
      const GstAvmRegion *b = g_ptr_array_index (regions, k);

      if (a->id == b->id) {
        g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
            _ ("Two regions have the id %d; give each its own."), a->id);
        return FALSE;
      }
    }
  }
  return TRUE;
}

static GPtrArray *
new_regions (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_region_free);
}

/**
 * gst_avm_regions_from_value:
 * @value: an array of arrays <id, role, x, y, w, h> with the part as an
 *   optional seventh member
 * @error: which region is wrong, and how (translated)
 *
 * Returns: (transfer container) (element-type GstAvmRegion) (nullable): the regions
 *
 * Since: 0.1
 */
GPtrArray *
gst_avm_regions_from_value (const GValue *value, GError **error)
{
  GPtrArray *regions = new_regions ();
  guint n;

  g_return_val_if_fail (GST_VALUE_HOLDS_ARRAY (value), NULL);
  n = gst_value_array_get_size (value);
  for (guint i = 0; i < n; i++) {
    GstAvmRegion *region =
        region_from_value (gst_value_array_get_value (value, i), i + 1, error);

    if (region == NULL)
      goto wrong;
    g_ptr_array_add (regions, region);
  }
  if (check_unique (regions, error))
    return regions;

wrong:
  g_ptr_array_unref (regions);
  return NULL;
}

static void
append_string (GValue *array, const gchar *text)
{
  GValue v = G_VALUE_INIT;

  g_value_init (&v, G_TYPE_STRING);
  g_value_set_string (&v, text);
  gst_value_array_append_and_take_value (array, &v);
}

static void
append_number (GValue *array, gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  append_string (array, g_ascii_formatd (text, sizeof (text), "%.9g", number));
}

/**
 * gst_avm_regions_to_value:
 * @regions: (element-type GstAvmRegion): regions
 * @value: initialised to #GST_TYPE_ARRAY; its content is replaced. The
 *   members are strings, because GStreamer's arrays hold one type.
 *
 * Since: 0.1
 */
void
gst_avm_regions_to_value (GPtrArray *regions, GValue *value)
{
  g_return_if_fail (GST_VALUE_HOLDS_ARRAY (value));
  g_value_reset (value);
  for (guint i = 0; regions != NULL && i < regions->len; i++) {
    const GstAvmRegion *r = g_ptr_array_index (regions, i);
    GValue array = G_VALUE_INIT;

    g_value_init (&array, GST_TYPE_ARRAY);
    append_number (&array, r->id);
    append_string (&array, r->role);
    append_number (&array, r->x);
    append_number (&array, r->y);
    append_number (&array, r->w);
    append_number (&array, r->h);
    if (r->part != GST_AVM_NONE)
      append_number (&array, r->part);
    gst_value_array_append_and_take_value (value, &array);
  }
}

static GstAvmRegion *
region_from_line (gchar *line, guint index, GError **error)
{
  gdouble n[6] = {0, 0, 0, 0, 0, GST_AVM_NONE};
  const gchar *role = NULL;
  guint n_words = 0;
  gchar *saved = NULL;

  for (gchar *word = strtok_r (line, " \t\r,", &saved); word != NULL;
       word = strtok_r (NULL, " \t\r,", &saved), n_words++) {
    gchar *end = NULL;

    if (n_words == 1) {
      role = word;
    } else if (n_words < 7) {
      n[n_words == 0 ? 0 : n_words - 1] = g_ascii_strtod (word, &end);
      if (end == word || *end != '\0')
        goto malformed;
    }
  }
  if (n_words == 6 || n_words == 7)
    return region_checked (n, role, index, error);

malformed:
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      _ ("Write \"id role x y width height [part]\", for example "
         "\"1 hand 640.5 300 47 47 0\"."));
  return NULL;
}

/**
 * gst_avm_regions_from_file:
 * @filename: (type filename): a text file, one region per line: id, role, x,
 *   y, w, h and optionally the part; `#` begins a comment
 * @error: names the file, the line and what is wrong (translated)
 *
 * Returns: (transfer container) (element-type GstAvmRegion) (nullable): the regions
 *
 * Since: 0.1
 */
GPtrArray *
gst_avm_regions_from_file (const gchar *filename, GError **error)
{
  gchar *text = NULL;
  gchar **lines;
  GPtrArray *regions;
  GError *wrong = NULL;

  g_return_val_if_fail (filename != NULL, NULL);
  if (!g_file_get_contents (filename, &text, NULL, &wrong)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        _ ("Cannot read the regions file \"%s\": %s. Give a text file with one "
           "region per line."),
        filename, wrong->message);
    g_error_free (wrong);
    return NULL;
  }
  regions = new_regions ();
  lines = g_strsplit (text, "\n", -1);
  g_free (text);
  for (guint i = 0; lines[i] != NULL && wrong == NULL; i++) {
    gchar *comment = strchr (lines[i], '#');
    GstAvmRegion *region;

    if (comment != NULL)
      *comment = '\0';
    g_strstrip (lines[i]);
    if (lines[i][0] == '\0')
      continue;
    region = region_from_line (lines[i], regions->len + 1, &wrong);
    if (region != NULL) {
      g_ptr_array_add (regions, region);
    } else {
      g_prefix_error (
          &wrong, _ ("Regions file \"%s\", line %u: "), filename, i + 1);
    }
  }
  g_strfreev (lines);
  if (wrong == NULL && !check_unique (regions, &wrong))
    g_prefix_error (&wrong, _ ("Regions file \"%s\": "), filename);
  if (wrong == NULL)
    return regions;
  g_propagate_error (error, wrong);
  g_ptr_array_unref (regions);
  return NULL;
}

/**
 * gst_avm_regions_to_file:
 * @regions: (element-type GstAvmRegion): regions
 * @filename: (type filename): where to
 * @error: names the file and what is wrong (translated)
 *
 * Writes regions so that gst_avm_regions_from_file() reads them, to a hundredth
 * of a pixel. The file is replaced at once or not at all.
 *
 * Returns: whether that worked
 *
 * Since: 0.1
 */
gboolean
gst_avm_regions_to_file (
    GPtrArray *regions, const gchar *filename, GError **error)
{
  GString *text = g_string_new ("# id role x y w h [part]\n");
  GError *wrong = NULL;

  g_return_val_if_fail (regions != NULL && filename != NULL, FALSE);
  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *r = g_ptr_array_index (regions, i);
    const gfloat numbers[4] = {r->x, r->y, r->w, r->h};

    g_string_append_printf (text, "%d %s", r->id,
        r->role != NULL && *r->role != '\0' ? r->role : "region");
    for (guint k = 0; k < 4; k++) {
      gchar number[G_ASCII_DTOSTR_BUF_SIZE];

      g_string_append_printf (text, " %s",
          g_ascii_formatd (number, sizeof (number), "%.2f", numbers[k]));
    }
    if (r->part != GST_AVM_NONE)
      g_string_append_printf (text, " %d", r->part);
    g_string_append_c (text, '\n');
  }
  if (!g_file_set_contents (filename, text->str, (gssize)text->len, &wrong)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE,
        _ ("The regions cannot be written to \"%s\": %s. Check that the folder "
           "exists and has room."),
        filename, wrong->message);
    g_error_free (wrong);
    g_string_free (text, TRUE);
    return FALSE;
  }
  g_string_free (text, TRUE);
  return TRUE;
}

/**
 * gst_avm_regions_from_roi:
 * @buffer: a video buffer
 *
 * Reads #GstVideoRegionOfInterestMeta as detectors attach it. Detectors of
 * GStreamer 1.22 give every object the id 0; such regions are numbered from 1
 * in the order of their x.
 *
 * Returns: (transfer container) (element-type GstAvmRegion): the regions; the role
 *   is the type of the region of interest
 *
 * Since: 0.1
 */
GPtrArray *
gst_avm_regions_from_roi (GstBuffer *buffer)
{
  GPtrArray *regions = new_regions ();
  gpointer state = NULL;
  GstMeta *meta;
  gboolean unique;

  while ((meta = gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
      != NULL) {
    const GstVideoRegionOfInterestMeta *roi =
        (const GstVideoRegionOfInterestMeta *)meta;

    if (roi->w == 0 || roi->h == 0)
      continue;
    g_ptr_array_add (regions,
        gst_avm_region_new (roi->id, g_quark_to_string (roi->roi_type),
            (gfloat)roi->x, (gfloat)roi->y, (gfloat)roi->w, (gfloat)roi->h));
  }
  unique = check_unique (regions, NULL);
  for (guint i = 0; !unique && i < regions->len; i++) {
    GstAvmRegion *r = g_ptr_array_index (regions, i);
    gint rank = 1;

    for (guint k = 0; k < regions->len; k++) {
      const GstAvmRegion *other = g_ptr_array_index (regions, k);

      rank += other->x < r->x || (other->x == r->x && k < i);
    }
    r->id = rank;
  }
  return regions;
}

/**
 * gst_avm_param_spec_regions: (skip)
 * @name: canonical name of the property
 * @nick: nick
 * @blurb: description
 * @flags: flags
 *
 * Returns: (transfer floating): an array property for
 *   gst_avm_regions_from_value()
 *
 * Since: 0.1
 */
GParamSpec *
gst_avm_param_spec_regions (
    const gchar *name, const gchar *nick, const gchar *blurb, GParamFlags flags)
{
  return gst_param_spec_array (name, nick, blurb,
      gst_param_spec_array ("region", "Region",
          "id, role, x, y, width, height and optionally the part",
          g_param_spec_string ("member", "Member", "One of them", NULL,
              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
      flags);
}
