/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnpcamera.h"

#include <math.h>
#include <string.h>

#include "vision/avm-shots.h"

/* Regions whose ids say nothing of a player come after those that do. */
#define FIRST_SINGLE 1000
/* Faces of detectors that give no ids come after all of these. */
#define FIRST_NAMELESS 0x40000000
/* A longer silence between two frames is no continuation. */
#define MAX_GAP GST_SECOND
/* Frames do not lie on the raster to the nanosecond. */
#define SLACK GST_MSECOND

/* A face that leaps so far (in widths) or grows so much from one key frame to
 * the next is another. */
#define MAX_LEAP 3.0f
#define MAX_GROWTH 1.8f
/* Where the detector gives no ids, this near is the same face. */
#define NEAR 0.9f
#define NEAR_GROWTH 1.5f

/* Height of a player, head to lap, in heights of the face */
#define PLAYER_HEIGHT 4.25

struct _AvmPnpCamera {
  gint number;
  GArray *tracks; /* AvmPnpTrack, all that there ever were */
  GstVideoInfo info;
  AvmShots *shots;
  gboolean told; /* the detector says where shots begin */
  gboolean new_shot;
  gboolean nameless; /* the faces have no ids of their own */
  gint shot, frame, n_nameless;
  guint open;             /* first track since the stream began anew */
  guint valid;            /* first sighting, of all cameras, that counts */
  GstClockTime last, key; /* running time of the frames before */
  GArray *starts;         /* GstClockTime, of shots */
  GArray *keys;           /* GstClockTime, of all key frames */
  GstClockTime end;       /* of the last frame */
  GArray *rows;           /* AvmPnpRow */
  AvmAppearance *appearance;
  gfloat *values;
  gsize n_values;
};

static const gchar *const orientations[] = {
    "frontal", "left", "right", "tilted-left", "tilted-right"};

const gchar *
avm_pnp_orientation_name (gint orientation)
{
  return orientation >= 0 && orientation < (gint)G_N_ELEMENTS (orientations)
      ? orientations[orientation]
      : NULL;
}

static gint
orientation_number (const gchar *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (orientations); i++)
    if (g_str_equal (orientations[i], name))
      return (gint)i;
  return -1;
}

gint
avm_pnp_key (gint region)
{
  gint player = gst_avm_region_id_get_player (region);

  return player != GST_AVM_NONE ? player : FIRST_SINGLE + region;
}

AvmPnpCamera *
avm_pnp_camera_new (gint number)
{
  const AvmShotsParams params = AVM_SHOTS_PARAMS_INIT;
  AvmPnpCamera *camera = g_new0 (AvmPnpCamera, 1);

  camera->number = number;
  camera->tracks = g_array_new (FALSE, FALSE, sizeof (AvmPnpTrack));
  camera->shot = camera->frame = -1;
  camera->last = camera->key = GST_CLOCK_TIME_NONE;
  camera->starts = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  camera->keys = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  camera->rows = g_array_new (FALSE, FALSE, sizeof (AvmPnpRow));
  camera->shots = avm_shots_new (&params, NULL);
  camera->appearance = avm_appearance_new ();
  gst_video_info_init (&camera->info);
  if (camera->shots == NULL || camera->appearance == NULL)
    g_clear_pointer (&camera, avm_pnp_camera_free);
  return camera;
}

void
avm_pnp_camera_free (AvmPnpCamera *camera)
{
  avm_shots_free (camera->shots);
  avm_appearance_free (camera->appearance);
  g_array_unref (camera->tracks);
  g_array_unref (camera->starts);
  g_array_unref (camera->keys);
  g_array_unref (camera->rows);
  g_free (camera->values);
  g_free (camera);
}

gint
avm_pnp_camera_number (const AvmPnpCamera *camera)
{
  return camera->number;
}

static AvmPnpTrack *
nth_track (const AvmPnpCamera *camera, guint i)
{
  return &g_array_index (camera->tracks, AvmPnpTrack, i);
}

static gint
track_number (const AvmPnpCamera *camera, guint i)
{
  return (gint)i * AVM_PNP_MAX_CAMERAS + camera->number;
}

void
avm_pnp_camera_flush (AvmPnpCamera *camera, guint n_sightings)
{
  camera->valid = n_sightings;
  avm_shots_reset (camera->shots);
  camera->new_shot = TRUE;
  camera->last = camera->key = GST_CLOCK_TIME_NONE;
  camera->end = 0;
  g_array_set_size (camera->starts, 0);
  camera->open = camera->tracks->len;
}

void
avm_pnp_camera_set_info (AvmPnpCamera *camera, const GstVideoInfo *info)
{
  gfloat sx = camera->info.width > 0
      ? (gfloat)info->width / (gfloat)camera->info.width
      : 1.0f;
  gfloat sy = camera->info.height > 0
      ? (gfloat)info->height / (gfloat)camera->info.height
      : 1.0f;

  /* the same picture in another size: faces are where they were */
  for (guint i = camera->open; i < camera->tracks->len; i++) {
    AvmPnpTrack *track = nth_track (camera, i);

    track->box.x *= sx;
    track->box.w *= sx;
    track->box.y *= sy;
    track->box.h *= sy;
  }
  camera->info = *info;
}

const GstVideoInfo *
avm_pnp_camera_get_info (const AvmPnpCamera *camera)
{
  return &camera->info;
}

gboolean
avm_pnp_camera_counts (const AvmPnpCamera *camera, guint sighting)
{
  return sighting >= camera->valid;
}

gint
avm_pnp_camera_key_of (const AvmPnpCamera *camera, gint track)
{
  return nth_track (camera, (guint)track / AVM_PNP_MAX_CAMERAS)->key;
}

void
avm_pnp_camera_expect_shot (AvmPnpCamera *camera)
{
  camera->told = TRUE;
  camera->new_shot = TRUE;
}

gint
avm_pnp_camera_shot (const AvmPnpCamera *camera)
{
  return camera->shot;
}

gint
avm_pnp_camera_frame (const AvmPnpCamera *camera)
{
  return camera->frame;
}

void
avm_pnp_picture (const GstVideoFrame *frame, AvmPicture *picture)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  guint n = GST_VIDEO_FORMAT_INFO_IS_GRAY (format) ? 1 : 3;

  memset (picture, 0, sizeof (*picture));
  picture->model = n == 1 ? AVM_COLOUR_GREY : AVM_COLOUR_YUV;
  picture->matrix =
      frame->info.colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709
      ? AVM_MATRIX_BT709
      : AVM_MATRIX_BT601;
  picture->width = frame->info.width;
  picture->height = frame->info.height;
  for (guint i = 0; i < n; i++) {
    picture->data[i] = GST_VIDEO_FRAME_COMP_DATA (frame, i);
    picture->stride[i] = GST_VIDEO_FRAME_COMP_STRIDE (frame, i);
    picture->step[i] = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, i);
  }
  if (n == 3) {
    picture->chroma_x = GST_VIDEO_FORMAT_INFO_W_SUB (format, 1);
    picture->chroma_y = GST_VIDEO_FORMAT_INFO_H_SUB (format, 1);
  }
}

/* -- the faces of a frame ------------------------------------------------- */

static gboolean
has_key (const GArray *faces, gint key)
{
  for (guint i = 0; i < faces->len; i++)
    if (g_array_index (faces, AvmPnpFace, i).key == key)
      return TRUE;
  return FALSE;
}

static void
add_face (GArray *faces, const GstAvmRegion *region, gint key)
{
  AvmPnpFace face = {key, region->x, region->y, region->w, region->h,
      orientation_number (region->orientation), region->confidence, -1};

  if (!(isfinite (face.x) && isfinite (face.y) && face.w >= 1.0f
          && face.h >= 1.0f && face.w < 32768.0f && face.h < 32768.0f
          && fabsf (face.x) < 65536.0f && fabsf (face.y) < 65536.0f))
    return;
  if (faces->len < AVM_PNP_MAX_FACES && !has_key (faces, key))
    g_array_append_val (faces, face);
}

/* What elements without our meta found; their ids mean nothing. */
static GArray *
faces_from_roi (GstBuffer *buffer)
{
  GPtrArray *regions = gst_avm_regions_from_roi (buffer);
  GArray *faces = g_array_new (FALSE, FALSE, sizeof (AvmPnpFace));
  gboolean named = FALSE;

  for (guint i = 0; i < regions->len; i++)
    named |=
        strstr (((GstAvmRegion *)g_ptr_array_index (regions, i))->role, "face")
        != NULL;
  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *region = g_ptr_array_index (regions, i);

    if (!named || strstr (region->role, "face") != NULL)
      add_face (faces, region, -1 - (gint)i);
  }
  if (regions->len == 0)
    g_clear_pointer (&faces, g_array_unref);
  g_ptr_array_unref (regions);
  return faces;
}

/* NULL: nobody looked for faces in this frame. */
static GArray *
faces_of (GstBuffer *buffer, gboolean *nameless)
{
  GArray *faces = NULL;
  GstAvmRegionMeta *meta;
  gpointer state = NULL;

  *nameless = FALSE;
  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state))) {
    if (g_strcmp0 (meta->region.role, "face") != 0)
      continue;
    if (faces == NULL)
      faces = g_array_new (FALSE, FALSE, sizeof (AvmPnpFace));
    if (meta->region.state != GST_AVM_REGION_LOST)
      add_face (faces, &meta->region, avm_pnp_key (meta->region.id));
  }
  if (faces != NULL)
    return faces;
  *nameless = TRUE;
  return faces_from_roi (buffer);
}

AvmRect
avm_pnp_face_rect (const AvmPnpFace *face)
{
  AvmRect rect = {(gint)lrintf (face->x), (gint)lrintf (face->y),
      MAX ((gint)lrintf (face->w), 1), MAX ((gint)lrintf (face->h), 1)};

  return rect;
}

/* -- shots ---------------------------------------------------------------- */

static void
begin_shot (AvmPnpCamera *camera, GstClockTime time)
{
  camera->shot++;
  camera->new_shot = FALSE;
  camera->key = GST_CLOCK_TIME_NONE;
  g_array_append_val (camera->starts, time);
}

/* Whether the frame is none of the shot before, as far as can be seen */
static gboolean
begins_shot (
    AvmPnpCamera *camera, const GstVideoFrame *frame, GstClockTime time)
{
  gboolean known = GST_CLOCK_TIME_IS_VALID (camera->last);
  gboolean jump = known && time < camera->last;

  if (jump || (known && time - camera->last > MAX_GAP))
    avm_shots_reset (camera->shots);
  if (!camera->told)
    avm_shots_do (camera->shots, GST_VIDEO_FRAME_PLANE_DATA (frame, 0),
        GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), camera->info.width,
        camera->info.height, (gdouble)time / GST_SECOND);
  return camera->shot < 0 || camera->new_shot || jump
      || (!camera->told && avm_shots_is_cut (camera->shots));
}

static GstClockTime
frame_duration (const AvmPnpCamera *camera, GstBuffer *buffer)
{
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  return camera->info.fps_n > 0 ? gst_util_uint64_scale_int (
             GST_SECOND, camera->info.fps_d, camera->info.fps_n)
                                : 0;
}

GArray *
avm_pnp_camera_look (AvmPnpCamera *camera, GstBuffer *buffer,
    const GstVideoFrame *frame, GstClockTime time, GstClockTime interval)
{
  GArray *faces;

  if (begins_shot (camera, frame, time))
    begin_shot (camera, time);
  camera->last = time;
  camera->end = time + frame_duration (camera, buffer);
  if (GST_CLOCK_TIME_IS_VALID (camera->key)
      && time + SLACK < camera->key + interval)
    return NULL;
  faces = faces_of (buffer, &camera->nameless);
  if (faces != NULL) {
    camera->key = time;
    camera->frame++;
    g_array_append_val (camera->keys, time);
  }
  return faces;
}

/* -- tracks --------------------------------------------------------------- */

static gboolean
is_near (const AvmPnpFace *a, const AvmPnpFace *b, gfloat leap, gfloat growth)
{
  gfloat width = MAX (a->w, b->w);
  gfloat dx = (a->x + 0.5f * a->w) - (b->x + 0.5f * b->w);
  gfloat dy = (a->y + 0.5f * a->h) - (b->y + 0.5f * b->h);

  return hypotf (dx, dy) <= leap * width && width <= growth * MIN (a->w, b->w);
}

static gboolean
is_taken (const GArray *faces, gint track)
{
  for (guint i = 0; i < faces->len; i++)
    if (g_array_index (faces, AvmPnpFace, i).track == track)
      return TRUE;
  return FALSE;
}

/* The number of the open track that a face goes on; -1: it begins one. */
static gint
find_track (const AvmPnpCamera *camera, const GArray *faces,
    const AvmPnpFace *face, GstClockTime time, GstClockTime forget)
{
  for (guint i = camera->tracks->len; i > camera->open; i--) {
    const AvmPnpTrack *track = nth_track (camera, i - 1);
    gint number = track_number (camera, i - 1);

    if (track->shot != camera->shot)
      break;
    if (camera->nameless) {
      if (time - track->last <= forget && !is_taken (faces, number)
          && is_near (&track->box, face, NEAR, NEAR_GROWTH))
        return number;
    } else if (track->key == face->key) {
      return time - track->last <= forget
              && is_near (&track->box, face, MAX_LEAP, MAX_GROWTH)
          ? number
          : -1;
    }
  }
  return -1;
}

/* Whether most faces that keep their ids are elsewhere: a cut that a detector
 * with numbers of its own for everybody does not tell of. */
static gboolean
all_leap (const AvmPnpCamera *camera, const GArray *faces)
{
  guint known = 0, leapt = 0;

  for (guint k = 0; k < faces->len && !camera->nameless; k++) {
    const AvmPnpFace *face = &g_array_index (faces, AvmPnpFace, k);

    for (guint i = camera->tracks->len; i > camera->open; i--) {
      const AvmPnpTrack *track = nth_track (camera, i - 1);

      if (track->shot != camera->shot)
        break;
      if (track->key != face->key)
        continue;
      known++;
      leapt += !is_near (&track->box, face, MAX_LEAP, MAX_GROWTH);
      break;
    }
  }
  return known >= 2 && 3 * leapt >= 2 * known;
}

static void
continue_track (
    AvmPnpCamera *camera, AvmPnpFace *face, gint number, GstClockTime time)
{
  AvmPnpTrack *track;

  if (number < 0) {
    AvmPnpTrack fresh = {.shot = camera->shot,
        .key = camera->nameless ? FIRST_NAMELESS + camera->n_nameless++
                                : face->key,
        .first = time};

    number = track_number (camera, camera->tracks->len);
    g_array_append_val (camera->tracks, fresh);
  }
  track = nth_track (camera, (guint)number / AVM_PNP_MAX_CAMERAS);
  track->last = time;
  track->box = *face;
  face->track = number;
}

void
avm_pnp_camera_place (AvmPnpCamera *camera, GArray *faces, GstClockTime time,
    GstClockTime interval)
{
  GstClockTime forget = MAX (AVM_PNP_FORGET, 2 * interval);

  if (all_leap (camera, faces)) {
    begin_shot (camera, time);
    camera->key = time;
  }
  for (guint i = 0; i < faces->len; i++) {
    AvmPnpFace *face = &g_array_index (faces, AvmPnpFace, i);

    continue_track (
        camera, face, find_track (camera, faces, face, time, forget), time);
  }
}

/* -- the time of frames --------------------------------------------------- */

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  GstClockTime x = *(const GstClockTime *)a, y = *(const GstClockTime *)b;

  return x < y ? -1 : x > y;
}

GstClockTime
avm_pnp_camera_spacing (const AvmPnpCamera *camera, GstClockTime interval)
{
  GArray *gaps = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  GstClockTime spacing = interval > 0 ? interval : 40 * GST_MSECOND;

  for (guint i = 1; i < camera->keys->len; i++) {
    GstClockTime before = g_array_index (camera->keys, GstClockTime, i - 1);
    GstClockTime after = g_array_index (camera->keys, GstClockTime, i);
    GstClockTime gap = after - before;

    if (after > before && gap < AVM_PNP_FORGET)
      g_array_append_val (gaps, gap);
  }
  g_array_sort (gaps, compare_times);
  if (gaps->len > 0)
    spacing = g_array_index (gaps, GstClockTime, gaps->len / 2);
  g_array_unref (gaps);
  return spacing;
}

GstClockTime
avm_pnp_camera_frame_end (
    const AvmPnpCamera *camera, gint frame, GstClockTime spacing)
{
  GstClockTime time = g_array_index (camera->keys, GstClockTime, frame);
  GstClockTime end = time + spacing;

  if ((guint)frame + 1 < camera->keys->len) {
    GstClockTime next = g_array_index (camera->keys, GstClockTime, frame + 1);

    if (next > time)
      end = MIN (end, next);
  }
  for (guint i = camera->starts->len; i > 0; i--) {
    GstClockTime start = g_array_index (camera->starts, GstClockTime, i - 1);

    if (start > time)
      end = MIN (end, start);
    else
      break;
  }
  return camera->end > time ? MIN (end, camera->end) : end;
}

GstClockTime
avm_pnp_camera_end (const AvmPnpCamera *camera)
{
  return camera->end;
}

const gfloat *
avm_pnp_camera_describe (
    AvmPnpCamera *camera, const AvmPicture *picture, const GArray *faces)
{
  gsize n = (gsize)faces->len * AVM_APPEARANCE_SIZE;

  if (n > camera->n_values) {
    camera->values = g_renew (gfloat, camera->values, n);
    camera->n_values = n;
  }
  for (guint i = 0; i < faces->len; i++) {
    const AvmPnpFace *face = &g_array_index (faces, AvmPnpFace, i);
    AvmRect rect = avm_pnp_face_rect (face);

    avm_appearance_describe (camera->appearance, picture, &rect,
        camera->values + (gsize)i * AVM_APPEARANCE_SIZE);
  }
  return camera->values;
}

/* -- motion --------------------------------------------------------------- */

void
avm_pnp_camera_add_row (AvmPnpCamera *camera, const AvmPnpRow *row)
{
  g_array_append_vals (camera->rows, row, 1);
}

void
avm_pnp_camera_forget_rows (AvmPnpCamera *camera)
{
  g_array_set_size (camera->rows, 0);
}

/* When the shot began that was seen at a time */
static GstClockTime
shot_start (const AvmPnpCamera *camera, GstClockTime time)
{
  for (guint i = camera->starts->len; i > 0; i--) {
    GstClockTime start = g_array_index (camera->starts, GstClockTime, i - 1);

    if (start <= time)
      return start;
  }
  return GST_CLOCK_TIME_NONE;
}

/* The track of the region with that key at a time; -1: none */
static gint
track_at (const AvmPnpCamera *camera, gint key, GstClockTime time)
{
  GstClockTime start = shot_start (camera, time);

  if (!GST_CLOCK_TIME_IS_VALID (start))
    return -1;
  for (guint i = camera->tracks->len; i > camera->open; i--) {
    const AvmPnpTrack *track = nth_track (camera, i - 1);

    if (track->key == key && track->first <= time)
      return track->first >= start && time <= track->last + AVM_PNP_FORGET
          ? track_number (camera, i - 1)
          : -1;
    if (track->last < start)
      break;
  }
  return -1;
}

gboolean
avm_pnp_camera_give_rows (
    AvmPnpCamera *camera, AvmPlaying *playing, GstClockTime until)
{
  gboolean ok = TRUE;
  guint left = 0;

  for (guint i = 0; i < camera->rows->len; i++) {
    AvmPnpRow row = g_array_index (camera->rows, AvmPnpRow, i);
    gint number;

    if (row.time >= until) {
      g_array_index (camera->rows, AvmPnpRow, left++) = row;
      continue;
    }
    number = track_at (camera, row.key, row.time);
    if (number < 0 || !ok)
      continue;
    ok = avm_playing_add_motion (playing, number, row.limb,
        (gdouble)row.time / GST_SECOND, row.vx, row.vy, row.speed,
        PLAYER_HEIGHT
            * nth_track (camera, (guint)number / AVM_PNP_MAX_CAMERAS)->box.h);
  }
  g_array_set_size (camera->rows, left);
  return ok;
}
