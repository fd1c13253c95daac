/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmfacedetect
 * @title: avmfacedetect
 * @short_description: finds faces and says how they are turned
 *
 * avmfacedetect looks for faces in key frames, one per
 * #GstAvmFaceDetect:interval, with the detector of dlib (histograms of oriented
 * gradients; no model file is needed). Between key frames avmklttrack, after
 * it, follows what was found. It takes any raw video with an 8-bit luma plane
 * and reads that plane in place: no conversion is needed, and nothing in the
 * picture is changed. A key frame gets for each face
 *
 * * a #GstAvmRegionMeta with the role `face`, id 401, 402, ...: from the
 *   eyebrows to the chin, px, may reach outside the frame; `state` given;
 *   `confidence` 1 / (1 + exp (-2 score)), so that 0.5 is dlib's own threshold;
 *   `orientation`: `frontal`, `left` or `right` (looks to that edge of the
 *   picture), `tilted-left` or `tilted-right` (the top of the head leans to
 *   it, by about 27 degrees), by which of dlib's five classifiers saw it best;
 * * with #GstAvmFaceDetect:derive a second one with the role `player` and the
 *   id less 300: head, hair and upper body, as wide as 3 faces and as high as
 *   4.25, unless the frame has a region of that id. It has the orientation as well.
 *
 * Regions with the role `face` that come from upstream are replaced.
 *
 * Ids: a face keeps its id as long as it is near where it was in the key frame
 * before (0.9 of its width, or moved with most of the others: a camera that
 * turns), or is back there within #GstAvmFaceDetect:forget. A face that has an
 * id already may score less than #GstAvmFaceDetect:min-score by 0.3. New faces
 * get the next ids, from left to right. There are 99; they are used again from
 * the first one on when all were used, and then for a face that was not seen
 * for the longest time.
 *
 * Shots: with #GstAvmFaceDetect:follow-cuts every frame is compared with the
 * one before. A frame that begins another shot is a key frame, its faces all
 * get new ids, and an event (gst_event_new_avm_shot()) before it makes
 * avmklttrack forget those of the shot before. The same holds after a seek.
 * Dissolves are not seen (avmscenecut finds them).
 *
 * Smallest faces: the picture is scaled so that faces of
 * #GstAvmFaceDetect:min-size px are as large as dlib's window (to 33 million
 * pixels at most); the time that a key frame takes is proportional to the
 * pixels after that. On one core of an AMD EPYC, CPU seconds per key frame:
 * 0.23 for 1280x720 and 0.48 for 1920x1080 at the default of 40 px, 0.09 and
 * 0.21 at 60 px, 0.05 and 0.12 at 80 px (tests/accuracy/faces). Put a queue
 * before and after it.
 *
 * For each key frame the element posts an element message `avmfacedetect` with
 * `timestamp`, `stream-time`, `running-time` and `duration` (guint64, ns),
 * `count` (int, faces), `new` (int, of these with new ids) and `shot`
 * (boolean: it begins a shot); if #GstAvmFaceDetect:post-messages is set. A
 * film in which no face was seen at all ends with a warning.
 *
 * Any element that attaches a #GstVideoRegionOfInterestMeta to what it sees,
 * such as facedetect of GStreamer's OpenCV plugin, can take its place:
 * avmklttrack reads those too, with ids from 1 and without orientation.
 *
 * Causal: each frame leaves with its own result; no latency is added but the
 * time that a key frame takes. Memory: 25 MB, and 8 bytes per pixel of the scaled
 * picture: 88 MB in all for 1920x1080 at 40 px.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=concert.mp4 ! decodebin ! avmfacedetect interval=1000000000 ! queue ! avmklttrack follow-updates=true ! avmoverlay ! videoconvert ! autovideosink
 * ]| Faces and players, found once a second and followed between.
 * |[
 * gst-launch-1.0 -m filesrc location=concert.mp4 ! decodebin ! avmfacedetect min-size=80 derive=false ! fakesink
 * ]| Says how many faces there are in each second.
 * |[
 * gst-launch-1.0 filesrc location=concert.mp4 ! decodebin ! videoconvert ! facedetect display=false ! videoconvert ! video/x-raw,format=I420 ! avmklttrack ! avmoverlay ! videoconvert ! autovideosink
 * ]| The same with the detector of OpenCV, in every frame.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmfacedetect.h"

#include <glib/gi18n-lib.h>
#include <gst/avm/avm.h>
#include <gst/video/video.h>
#include <math.h>

#include "avmdlibface.h"
#include "avmfacetracks.h"
#include "vision/avm-shots.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_facedetect_debug);
#define GST_CAT_DEFAULT gst_avm_facedetect_debug

#define DEFAULT_INTERVAL GST_SECOND
#define DEFAULT_MIN_SIZE 40
#define DEFAULT_MIN_SCORE 0.0
#define DEFAULT_FORGET (10 * GST_SECOND)
#define DEFAULT_DERIVE TRUE
#define DEFAULT_FOLLOW_CUTS TRUE
#define DEFAULT_POST_MESSAGES TRUE

/* What a face that is known may score less than a new one */
#define HYSTERESIS 0.3
/* Faces per frame that are looked at */
#define MAX_FACES 512
/* Pixels of the scaled picture: time and memory are bounded (0.3 GB) */
#define MAX_PIXELS 33e6
/* A longer silence between two frames is no continuation. */
#define MAX_GAP GST_SECOND

enum {
  PROP_0,
  PROP_INTERVAL,
  PROP_MIN_SIZE,
  PROP_MIN_SCORE,
  PROP_FORGET,
  PROP_DERIVE,
  PROP_FOLLOW_CUTS,
  PROP_POST_MESSAGES
};

/* Formats whose first plane is luma, one byte per pixel */
#define VIDEO_CAPS                                                             \
  "video/x-raw, "                                                              \
  "format = (string) { GRAY8, I420, YV12, NV12, NV21, Y42B, Y444, Y41B, "      \
  "NV16, NV61, NV24, YUV9, YVU9, A420 }, "                                     \
  "width = (int) [ 1, 32768 ], height = (int) [ 1, 32768 ], "                  \
  "framerate = (fraction) [ 0, 2147483647 ]"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));

typedef struct {
  GstClockTime interval;
  guint min_size;
  gdouble min_score;
  GstClockTime forget;
  gboolean derive, follow_cuts, post_messages;
} Settings;

struct _GstAvmFaceDetect {
  GstBaseTransform parent;

  Settings settings; /* under the object lock */

  /* streaming state */
  GstVideoInfo info;
  AvmDlibFaces *detector;
  AvmFaceTracks *tracks;
  AvmShots *shots;
  AvmDlibFace *faces;   /* scratch, MAX_FACES */
  GstClockTime last;    /* frame before */
  GstClockTime key;     /* key frame before */
  gboolean interrupted; /* the next frame is no continuation */
  gboolean ever_seen, ever_looked;
};

#define gst_avm_facedetect_parent_class parent_class
G_DEFINE_TYPE (GstAvmFaceDetect, gst_avm_facedetect, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (
    avmfacedetect, "avmfacedetect", GST_RANK_NONE, GST_TYPE_AVM_FACEDETECT)

/* -- what was found ---------------------------------------------------------- */

static const gchar *
orientation_name (AvmDlibOrientation orientation)
{
  static const gchar *const names[] = {
      "frontal", "left", "right", "tilted-left", "tilted-right"};

  return (guint)orientation < G_N_ELEMENTS (names)
      ? g_intern_static_string (names[orientation])
      : NULL;
}

static void
attach_face (const AvmFaceTrack *track, gboolean derive, GstBuffer *buffer)
{
  const AvmDlibFace *f = &track->face;
  gint body = gst_avm_region_id ("player", track->number);
  GstAvmRegion region = {.id = gst_avm_region_id ("face", track->number),
      .part = GST_AVM_NONE,
      .role = "face",
      .x = f->x,
      .y = f->y,
      .w = f->w,
      .h = f->h,
      .confidence = 1.0f / (1.0f + expf (-2.0f * f->score)),
      .state = GST_AVM_REGION_GIVEN,
      .orientation = orientation_name (f->orientation)};

  gst_buffer_add_avm_region_meta (buffer, &region);
  if (!derive || gst_buffer_get_avm_region_meta (buffer, body) != NULL)
    return;
  region.id = body;
  region.role = "player";
  region.x = f->x - f->w;
  region.y = f->y - 0.6f * f->h;
  region.w = 3.0f * f->w;
  region.h = 4.25f * f->h;
  gst_buffer_add_avm_region_meta (buffer, &region);
}

static gboolean
drop_face (GstBuffer *buffer, GstMeta **meta, gpointer user_data)
{
  if ((*meta)->info->api == GST_AVM_REGION_META_API_TYPE
      && g_strcmp0 (((GstAvmRegionMeta *)*meta)->region.role, "face") == 0)
    *meta = NULL;
  return TRUE;
}

static void
post_message (
    GstAvmFaceDetect *self, GstBuffer *buffer, GstClockTime time, gboolean shot)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  gboolean in_time = segment->format == GST_FORMAT_TIME;
  gint count = 0, fresh = 0;

  for (guint i = 0; i < avm_face_tracks_count (self->tracks); i++) {
    const AvmFaceTrack *track = avm_face_tracks_nth (self->tracks, i);

    count += track->fresh;
    fresh += track->first;
  }
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("avmfacedetect", "timestamp", G_TYPE_UINT64, time,
              "stream-time", G_TYPE_UINT64,
              in_time
                  ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, time)
                  : GST_CLOCK_TIME_NONE,
              "running-time", G_TYPE_UINT64,
              in_time
                  ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, time)
                  : GST_CLOCK_TIME_NONE,
              "duration", G_TYPE_UINT64, GST_BUFFER_DURATION (buffer), "count",
              G_TYPE_INT, count, "new", G_TYPE_INT, fresh, "shot",
              G_TYPE_BOOLEAN, shot, NULL)));
}

/* -- frames -------------------------------------------------------------------- */

static gdouble
search_scale (GstAvmFaceDetect *self, const Settings *settings)
{
  gdouble pixels = (gdouble)self->info.width * self->info.height;
  gdouble scale = (gdouble)AVM_DLIB_FACE_SIZE / settings->min_size;

  return MIN (scale, sqrt (MAX_PIXELS / pixels));
}

static gboolean
look (GstAvmFaceDetect *self, const GstVideoFrame *frame,
    const Settings *settings, GstClockTime now)
{
  gchar detail[128] = "";
  gint n =
      avm_dlib_faces_do (self->detector, GST_VIDEO_FRAME_PLANE_DATA (frame, 0),
          GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), self->info.width,
          self->info.height, search_scale (self, settings),
          settings->min_score - HYSTERESIS, self->faces, MAX_FACES, detail,
          sizeof (detail));

  if (n < 0) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is not enough memory to look for faces of %u pixels in "
            "frames of %dx%d pixels. Set min-size to more, or scale the video "
            "down before avmfacedetect."),
            settings->min_size, self->info.width, self->info.height),
        ("dlib: %s", detail));
    return FALSE;
  }
  if (avm_face_tracks_update (self->tracks, self->faces,
          (guint)MIN (n, MAX_FACES), (gfloat)settings->min_score, now,
          settings->forget)
      < 0)
    GST_WARNING_OBJECT (
        self, "more than %d faces; some have no id", GST_AVM_MAX_PLAYERS);
  self->ever_looked = TRUE;
  return TRUE;
}

static void
attach_faces (
    GstAvmFaceDetect *self, GstBuffer *buffer, const Settings *settings)
{
  for (guint i = 0; i < avm_face_tracks_count (self->tracks); i++) {
    const AvmFaceTrack *track = avm_face_tracks_nth (self->tracks, i);

    if (!track->fresh)
      continue;
    attach_face (track, settings->derive, buffer);
    self->ever_seen = TRUE;
  }
}

/* The time of the frame, also where frames have none */
static GstClockTime
time_of (GstAvmFaceDetect *self, GstBuffer *buffer)
{
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_BUFFER_PTS (buffer);
  if (!GST_CLOCK_TIME_IS_VALID (self->last))
    return 0;
  return self->last
      + (self->info.fps_n > 0 ? gst_util_uint64_scale_int (
             GST_SECOND, self->info.fps_d, self->info.fps_n)
                              : 40 * GST_MSECOND);
}

/* Whether the frame begins a shot, a jump back or a seek included. After a
 * silence there is nothing to compare it with. */
static gboolean
begins_shot (GstAvmFaceDetect *self, const GstVideoFrame *frame,
    GstClockTime now, gboolean follow_cuts)
{
  gboolean known = GST_CLOCK_TIME_IS_VALID (self->last);
  gboolean jump = self->interrupted || (known && now < self->last);

  self->interrupted = FALSE;
  if (jump || (known && now - self->last > MAX_GAP))
    avm_shots_reset (self->shots);
  if (follow_cuts)
    avm_shots_do (self->shots, GST_VIDEO_FRAME_PLANE_DATA (frame, 0),
        GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), self->info.width,
        self->info.height, (gdouble)now / GST_SECOND);
  return jump || (follow_cuts && avm_shots_is_cut (self->shots));
}

static gboolean
is_key (GstAvmFaceDetect *self, GstClockTime now, GstClockTime interval)
{
  if (!GST_CLOCK_TIME_IS_VALID (self->key) || now < self->key)
    return TRUE;
  /* frames do not lie on the raster to the nanosecond */
  return now - self->key + GST_MSECOND >= interval;
}

/* What a frame is */
typedef struct {
  GstClockTime time;
  gboolean shot; /* it begins one */
  gboolean key;  /* it was searched */
} Verdict;

static gboolean
analyse (GstAvmFaceDetect *self, const GstVideoFrame *frame,
    const Settings *settings, Verdict *verdict)
{
  gboolean known = avm_face_tracks_count (self->tracks) > 0;

  verdict->shot =
      begins_shot (self, frame, verdict->time, settings->follow_cuts);
  self->last = verdict->time;
  if (verdict->shot) {
    avm_face_tracks_forget (self->tracks);
    self->key = GST_CLOCK_TIME_NONE;
    if (known)
      gst_pad_push_event (
          GST_BASE_TRANSFORM_SRC_PAD (self), gst_event_new_avm_shot ());
  }
  verdict->key = is_key (self, verdict->time, settings->interval);
  if (!verdict->key)
    return TRUE;
  self->key = verdict->time;
  return look (self, frame, settings, verdict->time);
}

static GstFlowReturn
gst_avm_facedetect_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (trans);
  Verdict verdict = {time_of (self, buffer), FALSE, FALSE};
  GstVideoFrame frame;
  gboolean done;
  Settings settings;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  gst_buffer_foreach_meta (buffer, drop_face, self);
  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        ("gst_video_frame_map failed on %" GST_PTR_FORMAT, buffer));
    return GST_FLOW_ERROR;
  }
  done = analyse (self, &frame, &settings, &verdict);
  /* a mapped frame is not writable */
  gst_video_frame_unmap (&frame);
  if (!done)
    return GST_FLOW_ERROR;
  if (verdict.key) {
    attach_faces (self, buffer, &settings);
    if (settings.post_messages)
      post_message (self, buffer, verdict.time, verdict.shot);
  }
  return GST_FLOW_OK;
}

/* -- stream and states ----------------------------------------------------------- */

static gboolean
gst_avm_facedetect_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (trans);
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, incaps)) {
    GST_ERROR_OBJECT (self, "cannot parse %" GST_PTR_FORMAT, incaps);
    return FALSE;
  }
  if (self->info.width > 0
      && (info.width != self->info.width || info.height != self->info.height)) {
    avm_face_tracks_scale (self->tracks, (gdouble)info.width / self->info.width,
        (gdouble)info.height / self->info.height);
    self->key = GST_CLOCK_TIME_NONE;
  }
  self->info = info;
  return TRUE;
}

static void
warn_of_no_face (GstAvmFaceDetect *self)
{
  guint min_size;

  GST_OBJECT_LOCK (self);
  min_size = self->settings.min_size;
  GST_OBJECT_UNLOCK (self);
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      (_ ("%s found no face in the whole film. Faces must be turned to the "
          "camera and be at least %u pixels high: set min-size to less for "
          "smaller ones, or min-score to less for faces that are hard to "
          "see."),
          GST_ELEMENT_NAME (self), min_size),
      ("no face in any key frame"));
}

static gboolean
gst_avm_facedetect_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
      self->interrupted = GST_CLOCK_TIME_IS_VALID (self->last);
      break;
    case GST_EVENT_EOS:
      if (self->ever_looked && !self->ever_seen)
        warn_of_no_face (self);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

static gboolean
gst_avm_facedetect_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

static gboolean
gst_avm_facedetect_start (GstBaseTransform *trans)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (trans);
  const AvmShotsParams params = AVM_SHOTS_PARAMS_INIT;

  if (self->detector == NULL)
    self->detector = avm_dlib_faces_new ();
  if (self->shots == NULL)
    self->shots = avm_shots_new (&params, NULL);
  if (self->detector == NULL || self->shots == NULL) {
    GST_ELEMENT_ERROR (self, LIBRARY, INIT,
        (_ ("The face detector of dlib cannot be made ready. Check that the "
            "installed dlib is the one that avmfacedetect was built with.")),
        ("avm_dlib_faces_new or avm_shots_new failed"));
    return FALSE;
  }
  avm_shots_reset (self->shots);
  avm_face_tracks_reset (self->tracks);
  gst_video_info_init (&self->info);
  self->last = self->key = GST_CLOCK_TIME_NONE;
  self->interrupted = self->ever_seen = self->ever_looked = FALSE;
  return TRUE;
}

static gboolean
gst_avm_facedetect_stop (GstBaseTransform *trans)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (trans);

  g_clear_pointer (&self->detector, avm_dlib_faces_free);
  g_clear_pointer (&self->shots, avm_shots_free);
  avm_face_tracks_reset (self->tracks);
  gst_video_info_init (&self->info);
  return TRUE;
}

/* -- properties -------------------------------------------------------------------- */

static void
gst_avm_facedetect_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_INTERVAL:
      self->settings.interval = g_value_get_uint64 (value);
      break;
    case PROP_MIN_SIZE:
      self->settings.min_size = g_value_get_uint (value);
      break;
    case PROP_MIN_SCORE:
      self->settings.min_score = g_value_get_double (value);
      break;
    case PROP_FORGET:
      self->settings.forget = g_value_get_uint64 (value);
      break;
    case PROP_DERIVE:
      self->settings.derive = g_value_get_boolean (value);
      break;
    case PROP_FOLLOW_CUTS:
      self->settings.follow_cuts = g_value_get_boolean (value);
      break;
    case PROP_POST_MESSAGES:
      self->settings.post_messages = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_facedetect_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_INTERVAL:
      g_value_set_uint64 (value, self->settings.interval);
      break;
    case PROP_MIN_SIZE:
      g_value_set_uint (value, self->settings.min_size);
      break;
    case PROP_MIN_SCORE:
      g_value_set_double (value, self->settings.min_score);
      break;
    case PROP_FORGET:
      g_value_set_uint64 (value, self->settings.forget);
      break;
    case PROP_DERIVE:
      g_value_set_boolean (value, self->settings.derive);
      break;
    case PROP_FOLLOW_CUTS:
      g_value_set_boolean (value, self->settings.follow_cuts);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, self->settings.post_messages);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags playing =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (klass, PROP_INTERVAL,
      g_param_spec_uint64 ("interval", "Interval",
          "Distance of key frames, ns; 0: every frame is one (0 to 2^64 - 1)",
          0, G_MAXUINT64, DEFAULT_INTERVAL, playing));
  g_object_class_install_property (klass, PROP_MIN_SIZE,
      g_param_spec_uint ("min-size", "Minimum size",
          "Height of the smallest faces that are looked for, eyebrows to chin, "
          "px; the time goes with the inverse of its square (10 to 1000)",
          10, 1000, DEFAULT_MIN_SIZE, playing));
  g_object_class_install_property (klass, PROP_MIN_SCORE,
      g_param_spec_double ("min-score", "Minimum score",
          "Least score of a new face; 0 is dlib's threshold, less finds more "
          "faces and more that are none (-1 to 5)",
          -1.0, 5.0, DEFAULT_MIN_SCORE, playing));
  g_object_class_install_property (klass, PROP_FORGET,
      g_param_spec_uint64 ("forget", "Forget",
          "A face that is back after no more than this has its id again, ns "
          "(0 to 2^64 - 1)",
          0, G_MAXUINT64, DEFAULT_FORGET, playing));
  g_object_class_install_property (klass, PROP_DERIVE,
      g_param_spec_boolean ("derive", "Derive",
          "Whether to attach a region with head and upper body, role player, "
          "for each face",
          DEFAULT_DERIVE, playing));
  g_object_class_install_property (klass, PROP_FOLLOW_CUTS,
      g_param_spec_boolean ("follow-cuts", "Follow cuts",
          "Whether faces get new ids, and are looked for at once, where a shot "
          "begins",
          DEFAULT_FOLLOW_CUTS, playing));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Whether to post an element message for each key frame",
          DEFAULT_POST_MESSAGES, playing));
}

static void
gst_avm_facedetect_finalize (GObject *object)
{
  GstAvmFaceDetect *self = GST_AVM_FACEDETECT (object);

  g_clear_pointer (&self->detector, avm_dlib_faces_free);
  g_clear_pointer (&self->shots, avm_shots_free);
  g_clear_pointer (&self->tracks, avm_face_tracks_free);
  g_clear_pointer (&self->faces, g_free);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_avm_facedetect_class_init (GstAvmFaceDetectClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_avm_facedetect_debug, "avmfacedetect", 0, "Face detection");

  gobject_class->set_property = gst_avm_facedetect_set_property;
  gobject_class->get_property = gst_avm_facedetect_get_property;
  gobject_class->finalize = gst_avm_facedetect_finalize;
  install_properties (gobject_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Face detector (dlib)",
      "Filter/Analyzer/Video",
      "Finds faces in key frames and says how they are turned",
      "The avm developers");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_avm_facedetect_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_avm_facedetect_stop);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_avm_facedetect_set_caps);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_avm_facedetect_sink_event);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_avm_facedetect_propose_allocation);
  trans_class->transform_ip =
      GST_DEBUG_FUNCPTR (gst_avm_facedetect_transform_ip);
}

static void
gst_avm_facedetect_init (GstAvmFaceDetect *self)
{
  self->settings = (Settings){.interval = DEFAULT_INTERVAL,
      .min_size = DEFAULT_MIN_SIZE,
      .min_score = DEFAULT_MIN_SCORE,
      .forget = DEFAULT_FORGET,
      .derive = DEFAULT_DERIVE,
      .follow_cuts = DEFAULT_FOLLOW_CUTS,
      .post_messages = DEFAULT_POST_MESSAGES};
  self->faces = g_new (AvmDlibFace, MAX_FACES);
  self->tracks = avm_face_tracks_new (GST_AVM_MAX_PLAYERS);
  gst_video_info_init (&self->info);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  /* metas are added: the buffer must be writable */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}
