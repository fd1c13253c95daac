/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmpnp
 * @title: avmpnp
 * @short_description: who of an ensemble is seen where, and plays when
 *
 * Says of every musician of an ensemble, filmed by one or several cameras, when
 * they play and when not, and who is in the picture. After Bazzica, Liem and
 * Hanjalic, "On detecting the playing/non-playing activity of musicians in
 * symphonic music videos", CVIU 2016: the faces of key frames are sorted into
 * musicians by how face, hair and upper body look, by tracks and by seats, and
 * the pictures of each musician into poses; poses are poses of playing or not.
 * Which they are, a person may say (#GstAvmPnp:labels), or the notes of an
 * aligned score, or the motion of the players (Dinesh et al., ICASSP 2017);
 * what is given of these is fused.
 *
 * Sink pads, all on request:
 *
 * * `video_%u`: raw 8-bit YUV or grey video of camera %u, 0 to 99, with regions
 *   of role `face` (avmfacedetect, alone or followed by avmklttrack), whose
 *   `orientation` counts; without any, regions of interest (facedetect of
 *   OpenCV), of type "face" if any is. A cut in the film of an editor may show
 *   another camera: give it to one pad all the same. Faces of state lost are
 *   not seen;
 * * `motion_%u`: series of kind `motion` (avmopticalflow) of the regions of that
 *   video: `vx`, `vy`, px/s, and `speed`, at 10 frames/s and more: of fewer
 *   too little is known of a second for an answer;
 * * `notes`: events of kind `note` (avmscorealign), in any order;
 * * `association`: events of kind `association` (avmassociate): which region of
 *   camera 0, or else of any, plays which part. Without it, and without labels
 *   that say it, a musician has the part that goes best with what is seen, if
 *   one clearly does: in films of less than a minute, notes alone tell little.
 *
 * Source pads:
 *
 * * `activity`: events of kind `activity`: `onset` and `duration`; `region`:
 *   the player's id, 101 and up by musician (none beyond the 99th); `part`
 *   where it is known; `confidence` 0.5 to 1; `playing` (b); `player` (s), the
 *   name, where the labels give it; `cluster` (i), the musician; `sub-cluster`
 *   (i), the pose that was seen most; `used` (s): `labels`, `notes`, `motion`
 *   or `fused`. In times of which nothing is known there is none. With
 *   #GstAvmPnp:merge-parts the same per part instead: it plays while any of its
 *   musicians that are seen does;
 * * `appearance`, on request: events of kind `appearance`, one for each time
 *   that a face is seen without a break by one camera in one pose and turned
 *   one way: `region`: the face's id, 401 and up by musician; `player`,
 *   `cluster`, `sub-cluster`, `camera` (i), `x`, `y`, `w`, `h` (d, px, mean),
 *   `orientation` (s), confidence: how sure it is that it is this musician.
 *
 * One thread serves both: with appearance linked, put a queue behind each, or a
 * sink that waits on one keeps the other from its first data for ever.
 *
 * All of it comes when all inputs have ended: a whole-piece stage, whose latency
 * is the film. Musicians are numbered from left to right as the camera sees
 * them that shows most; the same input gives the same numbers.
 *
 * ## Labels
 *
 * #GstAvmPnp:write-labels writes a table, and #GstAvmPnp:sheets-location a
 * contact sheet for each pose, m00-p0.png and so on. A person fills in what is
 * known; #GstAvmPnp:labels reads it in the next run over the same film:
 *
 *     musician,pose,seconds,player,part,playing,sheet
 *     0,,81,Anna,Violin 1,,
 *     0,0,60,,,yes,m00-p0.png
 *     0,1,21,,,no,m00-p1.png
 *
 * A line without a pose is about the musician: name and part (its number, from
 * 0, or its name in the score). A line with a pose says of it `playing`: `yes`,
 * `no`, or `reject` for one that shows both or several people. Two musicians
 * with one name become one person, with the lower number. With
 * #GstAvmPnp:questions only those are asked whose names settle most; who is
 * known from #GstAvmPnp:labels is kept and not asked again.
 *
 * What is wrong in the file is an error that names the line: words, columns and
 * doubles at the start, musicians, poses and parts that there are not at the
 * end, after all results have been given without that line. A file that cannot
 * be written is a warning.
 *
 * #GstAvmPnp:map-location draws the stage from above: musicians with numbers
 * and names, in the colours of their parts, and how each camera sees them from
 * left to right. Distances and depths are rough.
 *
 * ## Key frames, memory, time
 *
 * Faces are looked at in frames that have any, at least #GstAvmPnp:interval
 * apart, and where a shot begins. A shot begins where the detector says so
 * (gst_event_new_avm_shot()), else where the picture or the places of most faces
 * leap. The size of the picture may change.
 *
 * Appearances (14 kB each) and pictures for the sheets (16 kB each, 32768 at
 * most, only with #GstAvmPnp:sheets-location) wait in files without names in
 * #GstAvmPnp:temp-location. In memory are about 150 bytes per face and key
 * frame, 40 bytes per row of motion and region, and while people are sorted the
 * distances of at most 4096 groups of faces (64 MB).
 *
 * ## Messages
 *
 * Element messages `avm-pnp` while people are sorted, two a second at most:
 * `percent` (double); in the end `avm-pnp-summary`: `cameras`, `shots`,
 * `sightings`, `musicians`, `persons` (with labels), `poses`, `views` (uint),
 * and `questions`, an array of int: the musicians whom a person should name
 * first. If #GstAvmPnp:post-messages is set.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 avmtestsrc name=t scene=orchestra players=6 attach-regions=true num-seconds=8 avmpnp name=p sheets-location=sheets write-labels=labels.csv ! avmeventenc ! application/x-ndjson ! filesink location=activity.jsonl t.video ! queue ! p.video_0 t.notes ! queue ! p.notes t.association ! queue ! p.association
 * ]| Who plays when in a virtual orchestra, from poses and score.
 * |[
 * gst-launch-1.0 filesrc location=concert.mp4 ! decodebin name=d d. ! queue ! avmfacedetect ! queue ! p.video_0 d. ! queue ! audioconvert ! avmscorealign score=concert.mid ! p.notes avmpnp name=p map-location=stage.svg ! queue ! avmeventenc ! text/tab-separated-values ! filesink location=activity.tsv p.appearance ! queue ! avmeventenc ! application/x-ndjson ! filesink location=appearance.jsonl
 * ]| The same of a concert, who is on screen, and a map of the stage.
 * |[
 * gst-launch-1.0 filesrc location=concert.mp4 ! decodebin ! avmfacedetect ! avmklttrack follow-updates=true ! tee name=v v. ! queue ! p.video_0 v. ! queue ! avmopticalflow clusters=2 ! p.motion_0 avmpnp name=p ! avmeventenc ! application/x-ndjson ! filesink location=activity.jsonl
 * ]| From motion alone.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmpnp.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <gst/video/video.h>
#include <string.h>

#include "../common/avmmodel.h"
#include "avmpnpcamera.h"
#include "avmpnpevents.h"
#include "avmpnpinput.h"
#include "avmpnplabels.h"
#include "avmpnppeople.h"
#include "avmpnpsheets.h"
#include "avmpnpthumbs.h"

GST_DEBUG_CATEGORY_STATIC (avm_pnp_debug);
#define GST_CAT_DEFAULT avm_pnp_debug

#define DEFAULT_INTERVAL GST_SECOND
#define DEFAULT_WAYS                                                           \
  (GST_AVM_PNP_LABELS | GST_AVM_PNP_NOTES | GST_AVM_PNP_MOTION)
#define DEFAULT_QUESTIONS 0
#define DEFAULT_MERGE_PARTS FALSE
#define DEFAULT_POST_MESSAGES TRUE
#define MODEL_FILE "pnp.svm"
/* us between two messages about progress */
#define MESSAGE_INTERVAL (G_USEC_PER_SEC / 2)

enum {
  PROP_0,
  PROP_INTERVAL,
  PROP_MUSICIANS,
  PROP_THRESHOLD,
  PROP_POSE_THRESHOLD,
  PROP_MAX_POSES,
  PROP_USE_MAP,
  PROP_WAYS,
  PROP_LABELS,
  PROP_WRITE_LABELS,
  PROP_SHEETS_LOCATION,
  PROP_QUESTIONS,
  PROP_MAP_LOCATION,
  PROP_MODEL,
  PROP_MERGE_PARTS,
  PROP_ABSENCE,
  PROP_MIN_DURATION,
  PROP_REACH,
  PROP_TEMP_LOCATION,
  PROP_POST_MESSAGES
};

typedef struct {
  guint64 interval;
  AvmDiariseSettings diarise;
  AvmPlayingSettings playing;
  gchar *labels, *write_labels, *sheets, *map, *model, *temp;
  guint questions;
  gboolean merge_parts, post_messages;
} Settings;

struct _GstAvmPnp {
  GstAvmJoin parent;

  Settings settings; /* under the object lock */

  /* under the join's lock, and without it by process () while `busy` */
  Settings now; /* as they were when the streams began */
  GPtrArray *labels;
  AvmDiarise *diarise;
  AvmPlaying *playing;
  AvmSvmSet *models;
  AvmPnpThumbs *thumbs; /* NULL: no sheets are wanted */
  AvmPnpCamera *cameras[AVM_PNP_MAX_CAMERAS];
  AvmPnpScore *score;
  GstClockTime first; /* running time of the first frame, or NONE */
  gboolean busy;      /* process () works; nothing is taken meanwhile */
  gboolean told;      /* the playing kernel knows the end of the film */
  GError *late;       /* to be posted when the results are given */
  gint64 last_message;
};

/* What a pad is for; number: of the camera */
typedef enum {
  PAD_VIDEO,
  PAD_MOTION,
  PAD_NOTES,
  PAD_ASSOCIATION
} PadKind;

typedef struct {
  PadKind kind;
  guint number;
  GstAvmSeriesInfo *info; /* of motion */
  GArray *columns;
} PadData;

/* What was found out */
typedef struct {
  AvmPnpPeople *people;
  GPtrArray *activities, *appearances;
} Result;

#define VIDEO_CAPS                                                             \
  "video/x-raw, "                                                              \
  "format = (string) { GRAY8, I420, YV12, NV12, NV21, Y42B, Y444, Y41B, "      \
  "NV16, NV61, NV24, YUV9, YVU9, A420 }, "                                     \
  "width = (int) [ 1, 16384 ], height = (int) [ 1, 16384 ], "                  \
  "framerate = (fraction) [ 0, 2147483647 ]"

static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE (
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (VIDEO_CAPS));
static GstStaticPadTemplate motion_template =
    GST_STATIC_PAD_TEMPLATE ("motion_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("motion")));
static GstStaticPadTemplate notes_template =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));
static GstStaticPadTemplate association_template =
    GST_STATIC_PAD_TEMPLATE ("association", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("association")));
static GstStaticPadTemplate activity_template =
    GST_STATIC_PAD_TEMPLATE ("activity", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("activity")));
static GstStaticPadTemplate appearance_template =
    GST_STATIC_PAD_TEMPLATE ("appearance", GST_PAD_SRC, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("appearance")));

static GType
gst_avm_pnp_ways_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GFlagsValue values[] = {
        {GST_AVM_PNP_LABELS, "What a person says of poses", "labels"},
        {GST_AVM_PNP_NOTES, "When the part of a musician sounds", "notes"},
        {GST_AVM_PNP_MOTION, "How musicians move", "motion"},
        {0, NULL, NULL},
    };

    g_once_init_leave (
        &type, g_flags_register_static ("GstAvmPnpWays", values));
  }
  return (GType)type;
}

#define gst_avm_pnp_parent_class parent_class
G_DEFINE_TYPE (GstAvmPnp, gst_avm_pnp, GST_TYPE_AVM_JOIN);
GST_ELEMENT_REGISTER_DEFINE (avmpnp, "avmpnp", GST_RANK_NONE, GST_TYPE_AVM_PNP);

/* -- settings ------------------------------------------------------------- */

static gchar **
string_of (Settings *settings, guint prop_id)
{
  switch (prop_id) {
    case PROP_LABELS:
      return &settings->labels;
    case PROP_WRITE_LABELS:
      return &settings->write_labels;
    case PROP_SHEETS_LOCATION:
      return &settings->sheets;
    case PROP_MAP_LOCATION:
      return &settings->map;
    case PROP_MODEL:
      return &settings->model;
    case PROP_TEMP_LOCATION:
      return &settings->temp;
    default:
      return NULL;
  }
}

static void
settings_clear (Settings *settings)
{
  for (guint id = PROP_0 + 1; id <= PROP_POST_MESSAGES; id++)
    if (string_of (settings, id) != NULL)
      g_clear_pointer (string_of (settings, id), g_free);
}

static void
settings_copy (GstAvmPnp *self, Settings *copy)
{
  GST_OBJECT_LOCK (self);
  *copy = self->settings;
  for (guint id = PROP_0 + 1; id <= PROP_POST_MESSAGES; id++)
    if (string_of (copy, id) != NULL)
      *string_of (copy, id) = g_strdup (*string_of (copy, id));
  GST_OBJECT_UNLOCK (self);
}

static const gchar *
temp_directory (const GstAvmPnp *self)
{
  return self->now.temp != NULL ? self->now.temp : g_get_tmp_dir ();
}

/* -- errors --------------------------------------------------------------- */

static void
post_problem (GstAvmPnp *self, GstMessageType type, const GError *error)
{
  gst_element_message_full (GST_ELEMENT (self), type, error->domain,
      error->code, g_strdup (error->message), NULL, __FILE__, GST_FUNCTION,
      __LINE__);
}

static GstFlowReturn
no_memory (GstAvmPnp *self, const AvmError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory to find out who plays in this film. Set "
          "interval to more, or analyse it in sections.")),
      ("%s", error != NULL ? error->detail : "no details"));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
refuse_spill (GstAvmPnp *self, const AvmError *error)
{
  if (error->code == AVM_ERROR_MEMORY)
    return no_memory (self, error);
  if (error->offset == ENOSPC)
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is no room left in \"%s\", where %s keeps how the faces "
            "look. Make room, or set temp-location to another directory."),
            temp_directory (self), GST_ELEMENT_NAME (self)),
        ("%s", error->detail));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
        (_ ("%s cannot keep how the faces look in a temporary file in \"%s\". "
            "Set temp-location to a directory that can be written."),
            GST_ELEMENT_NAME (self), temp_directory (self)),
        ("%s", error->detail));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
refuse_buffer (GstAvmPnp *self, GstAvmJoinPad *pad, GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("What came to pad \"%s\" of %s is damaged and cannot be read. If it "
          "was stored in a file, make the file again."),
          GST_PAD_NAME (pad), GST_ELEMENT_NAME (self)),
      ("%s", error != NULL ? error->message : "no details"));
  g_clear_error (&error);
  return GST_FLOW_ERROR;
}

/* -- pads ----------------------------------------------------------------- */

static void
pad_data_free (gpointer data)
{
  PadData *pad = data;

  g_clear_pointer (&pad->info, gst_avm_series_info_free);
  g_clear_pointer (&pad->columns, g_array_unref);
  g_free (pad);
}

static guint
pad_number (GstAvmJoinPad *pad)
{
  const gchar *digits = strrchr (GST_PAD_NAME (pad), '_');
  guint64 number = digits != NULL ? g_ascii_strtoull (digits + 1, NULL, 10) : 0;

  return (guint)MIN (number, G_MAXUINT);
}

static void
gst_avm_pnp_pad_added (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  static const gchar *const prefixes[] = {
      "video", "motion", "notes", "association"};
  PadData *data = g_new0 (PadData, 1);

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (GST_PAD_NAME (pad), prefixes[i]))
      data->kind = (PadKind)i;
  data->number = pad_number (pad);
  gst_avm_join_pad_set_data (pad, data, pad_data_free);
}

static void
gst_avm_pnp_src_pad_added (GstAvmJoin *join, GstPad *pad)
{
  GstCaps *caps = gst_avm_events_caps_new ("appearance");

  if (GST_PAD_TEMPLATE_PRESENCE (GST_PAD_PAD_TEMPLATE (pad)) == GST_PAD_REQUEST)
    gst_avm_join_set_pad_caps (join, pad, caps);
  gst_caps_unref (caps);
}

/* A camera lives until the streams end, whatever becomes of its pads. */
static gboolean
set_video_caps (GstAvmPnp *self, GstAvmJoinPad *pad, GstCaps *caps)
{
  const PadData *data = gst_avm_join_pad_get_data (pad);
  AvmPnpCamera **camera;
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  if (data->number >= AVM_PNP_MAX_CAMERAS) {
    GST_ELEMENT_ERROR (self, CORE, PAD,
        (_ ("%s has a pad \"%s\", but cameras have numbers from 0 to %d. Give "
            "the pad another name."),
            GST_ELEMENT_NAME (self), GST_PAD_NAME (pad),
            AVM_PNP_MAX_CAMERAS - 1),
        (NULL));
    return FALSE;
  }
  camera = &self->cameras[data->number];
  if (*camera == NULL)
    *camera = avm_pnp_camera_new ((gint)data->number);
  if (*camera == NULL) {
    no_memory (self, NULL);
    return FALSE;
  }
  avm_pnp_camera_set_info (*camera, &info);
  return TRUE;
}

/* -- the model of motion -------------------------------------------------- */

static gboolean
models_fit (const AvmSvmSet *models)
{
  static const gchar *const names[] = {"bow", "body"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const AvmSvm *svm = avm_svm_set_find (models, names[i]);

    if (svm == NULL || avm_svm_n_features (svm) != AVM_PLAYING_FEATURES)
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_models (GstAvmPnp *self)
{
  gchar *path = gst_avm_model_path (self->now.model, MODEL_FILE);
  AvmError error = {AVM_OK, -1, ""};
  gboolean ok = FALSE;

  self->models = avm_svm_set_load (path, &error);
  if (self->models == NULL && error.code == AVM_ERROR_OPEN)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        (_ ("Cannot read the model of motion \"%s\". Set the property model to "
            "a file written by avm-pnp-train, or leave motion out of ways."),
            path),
        ("%s", error.detail));
  else if (self->models == NULL)
    GST_ELEMENT_ERROR (self, STREAM, DECODE,
        (_ ("The model of motion \"%s\" is damaged at line %d. Write it again "
            "with avm-pnp-train, or leave motion out of ways."),
            path, (gint)MAX (error.offset, 1)),
        ("%s", error.detail));
  else if (!models_fit (self->models))
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
        (_ ("The model of motion \"%s\" is of another version. Write it again "
            "with avm-pnp-train, or leave motion out of ways."),
            path),
        ("models bow and body with %d features are due", AVM_PLAYING_FEATURES));
  else
    ok = TRUE;
  g_free (path);
  return ok;
}

static gboolean
has_motion_pad (GstAvmPnp *self)
{
  GList *pads = gst_avm_join_get_sink_pads (GST_AVM_JOIN (self));
  gboolean has = FALSE;

  for (GList *p = pads; p != NULL; p = p->next)
    has |= ((PadData *)gst_avm_join_pad_get_data (p->data))->kind == PAD_MOTION;
  g_list_free (pads);
  return has;
}

/* Before the first row of motion, so that the model is only asked for where it
 * is used. */
static gboolean
make_playing (GstAvmPnp *self)
{
  AvmError error = {AVM_OK, -1, ""};

  if (self->playing != NULL)
    return TRUE;
  if ((self->now.playing.ways & AVM_PLAYING_MOTION) != 0
      && has_motion_pad (self) && self->models == NULL && !load_models (self))
    return FALSE;
  self->playing = avm_playing_new (&self->now.playing, self->models, &error);
  if (self->playing == NULL)
    no_memory (self, &error);
  return self->playing != NULL;
}

static gboolean
set_motion_caps (GstAvmPnp *self, GstAvmJoinPad *pad, GstCaps *caps)
{
  PadData *data = gst_avm_join_pad_get_data (pad);
  gchar *video = g_strdup_printf ("video_%u", data->number);
  gboolean has_video =
      gst_avm_join_get_pad (GST_AVM_JOIN (self), video) != NULL;
  GError *error = NULL;

  if (!has_video)
    GST_ELEMENT_ERROR (self, CORE, PAD,
        (_ ("%s has a pad \"%s\" but no pad \"%s\", which says whose motion it "
            "is. Link the video of that camera with its faces to it."),
            GST_ELEMENT_NAME (self), GST_PAD_NAME (pad), video),
        (NULL));
  g_free (video);
  if (!has_video)
    return FALSE;
  g_clear_pointer (&data->info, gst_avm_series_info_free);
  g_clear_pointer (&data->columns, g_array_unref);
  data->info = gst_avm_series_info_new_from_caps (caps, &error);
  if (data->info == NULL) {
    GST_WARNING_OBJECT (pad, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }
  data->columns = avm_pnp_columns (data->info);
  return make_playing (self);
}

static gboolean
gst_avm_pnp_sink_caps (GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  const PadData *data = gst_avm_join_pad_get_data (pad);

  if (self->busy)
    return TRUE;
  switch (data->kind) {
    case PAD_VIDEO:
      return set_video_caps (self, pad, caps);
    case PAD_MOTION:
      return set_motion_caps (self, pad, caps);
    default:
      return TRUE;
  }
}

/* -- frames --------------------------------------------------------------- */

/* What the key frame shows goes to the diarisation. The lock is let go of while
 * the faces are described, so that cameras do not wait for each other. */
typedef struct {
  AvmPnpCamera *camera;
  GArray *faces;
  gboolean *wanted; /* of each, whether a thumb is made */
  guint8 *thumbs;
  const gfloat *values;
  GstClockTime time;
} KeyFrame;

static void
describe (KeyFrame *key, const GstVideoFrame *frame)
{
  AvmPicture picture;

  avm_pnp_picture (frame, &picture);
  key->values = avm_pnp_camera_describe (key->camera, &picture, key->faces);
  for (guint i = 0; i < key->faces->len; i++)
    if (key->wanted[i])
      avm_pnp_thumb_make (&picture, &g_array_index (key->faces, AvmPnpFace, i),
          key->thumbs + (gsize)i * AVM_PNP_THUMB_SIZE);
}

static GstFlowReturn
add_sightings (GstAvmPnp *self, const KeyFrame *key)
{
  const GstVideoInfo *info = avm_pnp_camera_get_info (key->camera);
  AvmError error = {AVM_OK, -1, ""};

  for (guint i = 0; i < key->faces->len; i++) {
    const AvmPnpFace *face = &g_array_index (key->faces, AvmPnpFace, i);
    guint number = (guint)avm_diarise_n_sightings (self->diarise);
    AvmSighting sighting = {.camera = avm_pnp_camera_number (key->camera),
        .shot = avm_pnp_camera_shot (key->camera),
        .track = face->track,
        .frame = avm_pnp_camera_frame (key->camera),
        .time = (gdouble)key->time / GST_SECOND,
        .face = avm_pnp_face_rect (face),
        .width = info->width,
        .height = info->height,
        .orientation = face->orientation};

    if (!avm_diarise_add (self->diarise, &sighting,
            key->values + (gsize)i * AVM_APPEARANCE_SIZE, &error))
      return refuse_spill (self, &error);
    if (key->wanted[i]
        && !avm_pnp_thumbs_add (self->thumbs, number,
            key->thumbs + (gsize)i * AVM_PNP_THUMB_SIZE, &error))
      return refuse_spill (self, &error);
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
take_faces (GstAvmPnp *self, AvmPnpCamera *camera, GArray *faces,
    const GstVideoFrame *frame, GstClockTime time)
{
  KeyFrame key = {.camera = camera, .faces = faces, .time = time};
  GstFlowReturn flow;
  guint n = faces->len;

  avm_pnp_camera_place (camera, faces, time, self->now.interval);
  key.wanted = g_new0 (gboolean, n);
  for (guint i = 0; self->thumbs != NULL && i < n; i++)
    key.wanted[i] = avm_pnp_thumbs_wants (
        self->thumbs, g_array_index (faces, AvmPnpFace, i).track);
  key.thumbs =
      self->thumbs != NULL ? g_malloc ((gsize)n * AVM_PNP_THUMB_SIZE) : NULL;
  gst_avm_join_unlock (GST_AVM_JOIN (self));
  describe (&key, frame);
  gst_avm_join_lock (GST_AVM_JOIN (self));
  flow = add_sightings (self, &key);
  g_free (key.wanted);
  g_free (key.thumbs);
  return flow;
}

/* Running time of a frame; one without a time follows the one before. NONE: it
 * lies outside of the segment. */
static GstClockTime
frame_time (GstAvmJoinPad *pad, const AvmPnpCamera *camera, GstBuffer *buffer)
{
  const GstSegment *segment = gst_avm_join_pad_get_segment (pad);

  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return avm_pnp_camera_end (camera);
  return segment->format == GST_FORMAT_TIME ? gst_segment_to_running_time (
             segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer))
                                            : GST_BUFFER_PTS (buffer);
}

static GstFlowReturn
take_frame (GstAvmPnp *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  const PadData *data = gst_avm_join_pad_get_data (pad);
  AvmPnpCamera *camera =
      data->number < AVM_PNP_MAX_CAMERAS ? self->cameras[data->number] : NULL;
  GstFlowReturn flow = GST_FLOW_OK;
  GstVideoFrame frame;
  GstClockTime time;
  GArray *faces;

  if (camera == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  time = frame_time (pad, camera, buffer);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_FLOW_OK;
  self->first = MIN (self->first, time);
  if (!gst_video_frame_map (&frame,
          (GstVideoInfo *)avm_pnp_camera_get_info (camera), buffer,
          GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        ("gst_video_frame_map failed on %" GST_PTR_FORMAT, buffer));
    return GST_FLOW_ERROR;
  }
  faces =
      avm_pnp_camera_look (camera, buffer, &frame, time, self->now.interval);
  if (faces != NULL && faces->len > 0)
    flow = take_faces (self, camera, faces, &frame, time);
  g_clear_pointer (&faces, g_array_unref);
  gst_video_frame_unmap (&frame);
  return flow;
}

static void
gst_avm_pnp_sink_event (GstAvmJoin *join, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  const PadData *data = gst_avm_join_pad_get_data (pad);

  if (!self->busy && data->kind == PAD_VIDEO
      && data->number < AVM_PNP_MAX_CAMERAS
      && self->cameras[data->number] != NULL && gst_event_is_avm_shot (event))
    avm_pnp_camera_expect_shot (self->cameras[data->number]);
}

/* -- motion, notes, association ------------------------------------------- */

/* Until when all frames of a camera are known; NONE: for ever */
static GstClockTime
frames_until (GstAvmPnp *self, guint number)
{
  gchar *name = g_strdup_printf ("video_%u", number);
  GstAvmJoinPad *pad = gst_avm_join_get_pad (GST_AVM_JOIN (self), name);
  GstClockTime until = GST_CLOCK_TIME_NONE;

  g_free (name);
  if (pad != NULL && !gst_avm_join_pad_is_eos (pad)) {
    until = gst_avm_join_pad_get_watermark (pad);
    if (!GST_CLOCK_TIME_IS_VALID (until))
      until = 0;
  }
  return until;
}

static GstFlowReturn
take_motion (GstAvmPnp *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  const PadData *data = gst_avm_join_pad_get_data (pad);
  AvmPnpCamera *camera =
      data->number < AVM_PNP_MAX_CAMERAS ? self->cameras[data->number] : NULL;
  GError *error = NULL;
  GstAvmSeriesMap map;

  if (data->info == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (camera == NULL) {
    /* it may come before the first frame */
    camera = avm_pnp_camera_new ((gint)data->number);
    if (camera == NULL)
      return no_memory (self, NULL);
    self->cameras[data->number] = camera;
  }
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_FLOW_OK;
  if (!gst_avm_series_map (&map, data->info, buffer, &error))
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < map.n_rows; i++) {
    AvmPnpRow row = {
        .time = gst_avm_join_pad_to_running_time (pad,
            gst_avm_series_row_time (data->info, GST_BUFFER_PTS (buffer), i))};

    for (guint k = 0; k < data->columns->len; k++) {
      avm_pnp_column_read (&g_array_index (data->columns, AvmPnpColumn, k),
          map.rows + (gsize)i * map.n_channels, &row);
      avm_pnp_camera_add_row (camera, &row);
    }
  }
  gst_avm_series_unmap (&map);
  if (!avm_pnp_camera_give_rows (
          camera, self->playing, frames_until (self, data->number)))
    return no_memory (self, NULL);
  return GST_FLOW_OK;
}

static GstFlowReturn
take_events (GstAvmPnp *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  const PadData *data = gst_avm_join_pad_get_data (pad);
  GError *error = NULL;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, &error);

  if (events == NULL)
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);

    if (data->kind == PAD_NOTES)
      avm_pnp_score_add_note (self->score,
          gst_avm_join_pad_to_running_time (pad, event->onset), event);
    else
      avm_pnp_score_add_link (self->score, event);
  }
  g_ptr_array_unref (events);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_avm_pnp_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  const PadData *data = gst_avm_join_pad_get_data (pad);

  /* a pad that was requested when all others had ended */
  if (self->busy)
    return GST_FLOW_EOS;
  switch (data->kind) {
    case PAD_VIDEO:
      return take_frame (self, pad, buffer);
    case PAD_MOTION:
      return take_motion (self, pad, buffer);
    default:
      return take_events (self, pad, buffer);
  }
}

/* -- messages ------------------------------------------------------------- */

static bool
on_progress (void *user, double done)
{
  GstAvmPnp *self = user;
  gint64 now = g_get_monotonic_time ();

  if (gst_avm_join_is_flushing (GST_AVM_JOIN (self)))
    return false;
  if (self->now.post_messages && now - self->last_message >= MESSAGE_INTERVAL) {
    self->last_message = now;
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self),
            gst_structure_new (
                "avm-pnp", "percent", G_TYPE_DOUBLE, 100.0 * done, NULL)));
  }
  return true;
}

static void
count_film (const GstAvmPnp *self, guint *cameras, guint *shots)
{
  *cameras = *shots = 0;
  for (guint i = 0; i < AVM_PNP_MAX_CAMERAS; i++)
    if (self->cameras[i] != NULL) {
      (*cameras)++;
      *shots += (guint)(avm_pnp_camera_shot (self->cameras[i]) + 1);
    }
}

static void
append_questions (const AvmPnpPeople *people, GstStructure *s)
{
  GPtrArray *table = avm_pnp_people_table (people, NULL, 0, NULL, NULL);
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; i < table->len; i++) {
    const AvmPnpLabel *row = g_ptr_array_index (table, i);
    GValue value = G_VALUE_INIT;

    if (row->pose >= 0)
      continue;
    g_value_init (&value, G_TYPE_INT);
    g_value_set_int (&value, row->musician);
    gst_value_array_append_and_take_value (&array, &value);
  }
  gst_structure_take_value (s, "questions", &array);
  g_ptr_array_unref (table);
}

static void
post_summary (GstAvmPnp *self, const AvmPnpPeople *people)
{
  guint cameras, shots, poses = 0;
  GstStructure *s;

  if (!self->now.post_messages)
    return;
  count_film (self, &cameras, &shots);
  for (guint m = 0; m < people->n_musicians; m++)
    poses += (guint)people->musicians[m].n_poses;
  s = gst_structure_new ("avm-pnp-summary", "cameras", G_TYPE_UINT, cameras,
      "shots", G_TYPE_UINT, shots, "sightings", G_TYPE_UINT, people->n_seen,
      "musicians", G_TYPE_UINT, people->n_musicians, "persons", G_TYPE_UINT,
      avm_pnp_people_count (people), "poses", G_TYPE_UINT, poses, "views",
      G_TYPE_UINT, (guint)avm_diarise_n_views (self->diarise), NULL);
  append_questions (people, s);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

static void
warn_of_no_face (GstAvmPnp *self)
{
  guint cameras, shots;

  count_film (self, &cameras, &shots);
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      (_ ("%s saw no face in the pictures of %u cameras, so nobody can be "
          "told. Put avmfacedetect before its video pads, and set its min-size "
          "to less if faces are small."),
          GST_ELEMENT_NAME (self), cameras),
      (NULL));
}

static void
warn_of_nothing (GstAvmPnp *self)
{
  if ((self->now.playing.ways & AVM_PLAYING_NOTES) != 0
      && avm_pnp_score_names (self->score) != NULL) {
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("The notes do not tell %s who plays, because no part of the score "
            "goes clearly with what is seen. Link avmassociate to its pad "
            "\"association\", name the parts in labels, or give a longer "
            "film."),
            GST_ELEMENT_NAME (self)),
        (NULL));
    return;
  }
  /* a first run is to write the files which tell it in the second */
  if (self->now.write_labels != NULL || self->now.sheets != NULL)
    return;
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      (_ ("Nothing tells %s who plays. Link notes to its pad \"notes\" or "
          "motion to \"motion_0\", or set labels to a file that write-labels "
          "wrote and a person filled in."),
          GST_ELEMENT_NAME (self)),
      (NULL));
}

/* -- the work at the end -------------------------------------------------- */

/* For how long each sighting stands, ns; 0: it came before a flush */
static GstClockTime *
measure_sightings (const GstAvmPnp *self)
{
  guint n = (guint)avm_diarise_n_sightings (self->diarise);
  GstClockTime *lengths = g_new0 (GstClockTime, MAX (n, 1));
  GstClockTime spacing[AVM_PNP_MAX_CAMERAS] = {0};

  for (guint i = 0; i < n; i++) {
    const AvmSighting *s = avm_diarise_get_sighting (self->diarise, i);
    const AvmPnpCamera *camera = self->cameras[s->camera];
    GstClockTime *gap = &spacing[s->camera];
    GstClockTime start = (GstClockTime)(s->time * GST_SECOND + 0.5);

    if (!avm_pnp_camera_counts (camera, i))
      continue;
    if (*gap == 0)
      *gap = avm_pnp_camera_spacing (camera, self->now.interval);
    lengths[i] = avm_pnp_camera_frame_end (camera, s->frame, *gap) - start;
  }
  return lengths;
}

static gboolean
sort_people (GstAvmPnp *self, Result *result, GstFlowReturn *flow)
{
  AvmError error = {AVM_OK, -1, ""};
  GstClockTime *lengths;

  if (!avm_diarise_run (self->diarise, on_progress, self, &error)) {
    *flow = GST_FLOW_ERROR;
    if (error.code == AVM_ERROR_CANCELLED)
      *flow = GST_FLOW_FLUSHING;
    else if (error.code == AVM_ERROR_RANGE)
      GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
          (_ ("%s is to find %d musicians, but a picture shows more faces. Set "
              "musicians to more, or to 0."),
              GST_ELEMENT_NAME (self), self->now.diarise.musicians),
          ("%s", error.detail));
    else
      refuse_spill (self, &error);
    return FALSE;
  }
  lengths = measure_sightings (self);
  result->people = avm_pnp_people_new (self->diarise, lengths);
  g_free (lengths);
  if (result->people->n_musicians > GST_AVM_MAX_PLAYERS)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("%s found %u musicians; those beyond the first %d have no region "
            "ids. Set musicians to their number, or threshold to more."),
            GST_ELEMENT_NAME (self), result->people->n_musicians,
            GST_AVM_MAX_PLAYERS),
        (NULL));
  return TRUE;
}

static void
apply_labels (GstAvmPnp *self, const Result *result)
{
  g_clear_error (&self->late);
  if (self->labels != NULL)
    avm_pnp_people_apply (result->people, self->now.labels, self->labels,
        avm_pnp_score_names (self->score), &self->late);
}

static gboolean
tell_labels (GstAvmPnp *self, const AvmPnpPeople *people)
{
  gboolean ok = TRUE;

  for (guint i = 0; self->labels != NULL && i < self->labels->len; i++) {
    const AvmPnpLabel *label = g_ptr_array_index (self->labels, i);
    const AvmPnpMusician *musician;

    if (label->pose < 0 || label->musician >= (gint)people->n_musicians)
      continue;
    musician = &people->musicians[label->musician];
    if (label->pose < musician->n_poses)
      ok &= avm_playing_set_label (self->playing, musician->person,
          musician->first_pose + label->pose, label->playing);
  }
  return ok;
}

static gboolean
tell_parts (GstAvmPnp *self, const AvmPnpPeople *people)
{
  gboolean ok = TRUE;

  for (gint m = 0; m < (gint)people->n_musicians; m++) {
    gint part = people->musicians[m].part;

    if (people->musicians[m].person != m)
      continue;
    if (part == AVM_PNP_PART_UNKNOWN && avm_pnp_score_has_links (self->score))
      part = avm_pnp_score_part (self->score, people, self->cameras, m);
    if (part != AVM_PNP_PART_UNKNOWN)
      ok &= avm_playing_set_part (self->playing, m, part);
  }
  return ok;
}

/* Who was seen when in which pose, and whose the tracks are */
static gboolean
tell_sightings (GstAvmPnp *self, const AvmPnpPeople *people)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < people->n_seen && ok; i++) {
    const AvmSighting *s = avm_diarise_get_sighting (self->diarise, i);
    gint person = avm_pnp_people_person (people, i);

    if (people->seen[i].length == 0)
      continue;
    ok = avm_playing_set_track (self->playing, s->track, person)
        && avm_playing_add_pose (self->playing, person, s->camera, s->time,
            avm_pnp_people_pose (people, i));
  }
  return ok;
}

static gdouble
end_of_film (GstAvmPnp *self)
{
  GstClockTime end = 0;

  for (guint i = 0; i < AVM_PNP_MAX_CAMERAS; i++)
    if (self->cameras[i] != NULL)
      end = MAX (end, avm_pnp_camera_end (self->cameras[i]));
  if (end == 0)
    end = avm_pnp_score_end (self->score);
  return (gdouble)end / GST_SECOND;
}

/* FALSE: an error was posted. */
static gboolean
decide (GstAvmPnp *self, Result *result)
{
  const AvmPnpPeople *people = result->people;
  gdouble start = (gdouble)self->first / GST_SECOND;
  AvmError error = {AVM_OK, -1, ""};

  if (!tell_labels (self, people) || !tell_parts (self, people)
      || !tell_sightings (self, people)) {
    no_memory (self, NULL);
    return FALSE;
  }
  if (!avm_playing_run (self->playing, start, end_of_film (self), &error)) {
    if (error.code != AVM_ERROR_EMPTY) {
      no_memory (self, &error);
      return FALSE;
    }
    warn_of_nothing (self);
  }
  result->activities = self->now.merge_parts
      ? avm_pnp_part_activities (people, self->playing, &error)
      : avm_pnp_activities (people, self->playing);
  result->appearances = avm_pnp_appearances (people, self->playing);
  if (result->activities == NULL)
    no_memory (self, &error);
  return result->activities != NULL;
}

/* -- files ---------------------------------------------------------------- */

static void
warn_of_file (GstAvmPnp *self, GError *error)
{
  if (error != NULL)
    post_problem (self, GST_MESSAGE_WARNING, error);
  g_clear_error (&error);
}

static gboolean
is_stopped (gpointer self)
{
  return gst_avm_join_is_flushing (GST_AVM_JOIN (self));
}

static void
write_map (GstAvmPnp *self, const AvmPnpPeople *people)
{
  gint *parts = g_new (gint, MAX (people->n_musicians, 1));
  GError *error = NULL;

  for (guint m = 0; m < people->n_musicians; m++)
    parts[m] = avm_pnp_part_of (self->playing, (gint)m);
  avm_pnp_map_write (people, parts, self->now.map, &error);
  warn_of_file (self, error);
  g_free (parts);
}

static void
write_files (GstAvmPnp *self, const Result *result)
{
  const AvmPnpPeople *people = result->people;
  AvmPnpAlbum *album = NULL;
  GError *error = NULL;

  if (self->thumbs != NULL) {
    album = avm_pnp_album_new (people, self->thumbs);
    avm_pnp_album_write (album, self->now.sheets, is_stopped, self, &error);
    warn_of_file (self, g_steal_pointer (&error));
  }
  if (self->now.write_labels != NULL) {
    GPtrArray *table = avm_pnp_people_table (people, self->labels,
        self->now.questions, album != NULL ? avm_pnp_album_has : NULL, album);

    avm_pnp_labels_write (self->now.write_labels, table, &error);
    warn_of_file (self, g_steal_pointer (&error));
    g_ptr_array_unref (table);
  }
  if (self->now.map != NULL)
    write_map (self, people);
  g_clear_pointer (&album, avm_pnp_album_free);
}

/* -- results -------------------------------------------------------------- */

static void
result_clear (Result *result)
{
  g_clear_pointer (&result->people, avm_pnp_people_free);
  g_clear_pointer (&result->activities, g_ptr_array_unref);
  g_clear_pointer (&result->appearances, g_ptr_array_unref);
}

static GstPad *
find_src_pad (GstAvmPnp *self, gboolean always)
{
  GList *pads = gst_avm_join_get_src_pads (GST_AVM_JOIN (self));
  GstPad *found = NULL;

  for (GList *p = pads; p != NULL; p = p->next)
    if ((GST_PAD_TEMPLATE_PRESENCE (GST_PAD_PAD_TEMPLATE (p->data))
            == GST_PAD_ALWAYS)
        == always)
      found = p->data;
  g_list_free (pads);
  return found;
}

/* Both in order of onset, so that none waits long for the other. */
static void
push_result (GstAvmPnp *self, const Result *result)
{
  GstPad *pads[] = {find_src_pad (self, TRUE), find_src_pad (self, FALSE)};
  const GPtrArray *lists[] = {result->activities, result->appearances};
  guint at[2] = {0, 0};

  for (;;) {
    const GstAvmEvent *next[2] = {NULL, NULL};
    guint i;

    for (guint k = 0; k < 2; k++)
      if (pads[k] != NULL && at[k] < lists[k]->len)
        next[k] = g_ptr_array_index (lists[k], at[k]);
    if (next[0] == NULL && next[1] == NULL)
      return;
    i = next[0] == NULL || (next[1] != NULL && next[1]->onset < next[0]->onset);
    gst_avm_join_push_event_on (
        GST_AVM_JOIN (self), pads[i], gst_avm_event_copy (next[i]));
    at[i]++;
  }
}

/* Without the lock; nothing is taken meanwhile. */
static GstFlowReturn
find_out (GstAvmPnp *self, Result *result)
{
  GstFlowReturn flow = GST_FLOW_OK;

  if (!sort_people (self, result, &flow))
    return flow;
  apply_labels (self, result);
  if (!decide (self, result))
    return GST_FLOW_ERROR;
  write_files (self, result);
  post_summary (self, result->people);
  return gst_avm_join_is_flushing (GST_AVM_JOIN (self)) ? GST_FLOW_FLUSHING
                                                        : GST_FLOW_OK;
}

/* Whether any sighting counts */
static gboolean
has_faces (const GstAvmPnp *self)
{
  guint n = (guint)avm_diarise_n_sightings (self->diarise);

  for (guint i = 0; i < n; i++)
    if (avm_pnp_camera_counts (
            self->cameras[avm_diarise_get_sighting (self->diarise, i)->camera],
            i))
      return TRUE;
  return FALSE;
}

static gboolean
end_input (GstAvmPnp *self)
{
  gboolean ok = make_playing (self);

  for (guint i = 0; i < AVM_PNP_MAX_CAMERAS && ok; i++)
    if (self->cameras[i] != NULL
        && !avm_pnp_camera_give_rows (
            self->cameras[i], self->playing, GST_CLOCK_TIME_NONE)) {
      no_memory (self, NULL);
      ok = FALSE;
    }
  if (ok && !avm_pnp_score_give_notes (self->score, self->playing)) {
    no_memory (self, NULL);
    ok = FALSE;
  }
  return ok;
}

static GstFlowReturn
gst_avm_pnp_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  Result result = {NULL, NULL, NULL};
  GstFlowReturn flow;

  if (!eos)
    return GST_FLOW_OK;
  if (self->late != NULL) {
    /* all that is known went out before */
    post_problem (self, GST_MESSAGE_ERROR, self->late);
    g_clear_error (&self->late);
    return GST_FLOW_ERROR;
  }
  if (!has_faces (self)) {
    warn_of_no_face (self);
    return GST_FLOW_OK;
  }
  if (!end_input (self))
    return GST_FLOW_ERROR;
  self->busy = self->told = TRUE;
  gst_avm_join_unlock (join);
  flow = find_out (self, &result);
  gst_avm_join_lock (join);
  self->busy = FALSE;
  if (flow == GST_FLOW_OK)
    push_result (self, &result);
  if (flow == GST_FLOW_OK && self->late != NULL)
    gst_avm_join_call_again (join);
  result_clear (&result);
  return flow;
}

/* -- life ----------------------------------------------------------------- */

static gboolean
read_labels (GstAvmPnp *self)
{
  GError *error = NULL;

  if (self->now.labels == NULL)
    return TRUE;
  self->labels = avm_pnp_labels_read (self->now.labels, &error);
  if (self->labels == NULL)
    post_problem (self, GST_MESSAGE_ERROR, error);
  g_clear_error (&error);
  return self->labels != NULL;
}

static gboolean
make_kernels (GstAvmPnp *self)
{
  AvmError error = {AVM_OK, -1, ""};

  self->diarise =
      avm_diarise_new (&self->now.diarise, temp_directory (self), &error);
  if (self->diarise != NULL && self->now.sheets != NULL) {
    self->thumbs = avm_pnp_thumbs_new (temp_directory (self), &error);
    if (self->thumbs == NULL)
      g_clear_pointer (&self->diarise, avm_diarise_free);
  }
  if (self->diarise == NULL)
    no_memory (self, &error);
  return self->diarise != NULL && make_playing (self);
}

static void
free_all (GstAvmPnp *self)
{
  for (guint i = 0; i < AVM_PNP_MAX_CAMERAS; i++)
    g_clear_pointer (&self->cameras[i], avm_pnp_camera_free);
  g_clear_pointer (&self->labels, g_ptr_array_unref);
  g_clear_pointer (&self->diarise, avm_diarise_free);
  g_clear_pointer (&self->playing, avm_playing_free);
  g_clear_pointer (&self->models, avm_svm_set_free);
  g_clear_pointer (&self->thumbs, avm_pnp_thumbs_free);
  g_clear_error (&self->late);
  avm_pnp_score_forget_notes (self->score);
  avm_pnp_score_forget_links (self->score);
  self->first = GST_CLOCK_TIME_NONE;
  self->told = FALSE;
}

static gboolean
gst_avm_pnp_start (GstAvmJoin *join)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  GstCaps *caps = gst_avm_events_caps_new ("activity");
  GList *pads = gst_avm_join_get_src_pads (join);

  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  for (GList *l = pads; l != NULL; l = l->next)
    gst_avm_pnp_src_pad_added (join, l->data);
  g_list_free (pads);
  settings_clear (&self->now);
  settings_copy (self, &self->now);
  free_all (self);
  if (self->now.map != NULL && !avm_pnp_map_can_write (self->now.map)) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        (_ ("The map of the stage cannot be written to \"%s\". Set "
            "map-location to a name that ends in .png or .svg."),
            self->now.map),
        (NULL));
    return FALSE;
  }
  return read_labels (self) && make_kernels (self);
}

static gboolean
gst_avm_pnp_stop (GstAvmJoin *join)
{
  free_all (GST_AVM_PNP (join));
  return TRUE;
}

/* What a camera saw before does not count any more; when none counts, all is
 * forgotten. */
static void
flush_camera (GstAvmPnp *self, guint number)
{
  guint n = (guint)avm_diarise_n_sightings (self->diarise);

  if (number >= AVM_PNP_MAX_CAMERAS || self->cameras[number] == NULL)
    return;
  avm_pnp_camera_flush (self->cameras[number], n);
  if (n == 0 || has_faces (self))
    return;
  avm_diarise_reset (self->diarise);
  if (self->playing != NULL)
    avm_playing_reset (self->playing);
  if (self->thumbs != NULL)
    avm_pnp_thumbs_reset (self->thumbs);
  for (guint i = 0; i < AVM_PNP_MAX_CAMERAS; i++)
    if (self->cameras[i] != NULL)
      avm_pnp_camera_flush (self->cameras[i], 0);
  self->first = GST_CLOCK_TIME_NONE;
}

static void
gst_avm_pnp_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmPnp *self = GST_AVM_PNP (join);
  const PadData *data = pad != NULL ? gst_avm_join_pad_get_data (pad) : NULL;

  if (data == NULL || self->diarise == NULL)
    return; /* stop () frees all */
  g_clear_error (&self->late);
  if (self->told)
    avm_playing_reset (self->playing);
  self->told = FALSE;
  switch (data->kind) {
    case PAD_VIDEO:
      flush_camera (self, data->number);
      break;
    case PAD_MOTION:
      if (data->number < AVM_PNP_MAX_CAMERAS
          && self->cameras[data->number] != NULL)
        avm_pnp_camera_forget_rows (self->cameras[data->number]);
      break;
    case PAD_NOTES:
      avm_pnp_score_forget_notes (self->score);
      break;
    default:
      avm_pnp_score_forget_links (self->score);
      break;
  }
}

/* -- the object ----------------------------------------------------------- */

static gboolean
set_number (Settings *settings, guint prop_id, const GValue *value)
{
  switch (prop_id) {
    case PROP_INTERVAL:
      settings->interval = g_value_get_uint64 (value);
      return TRUE;
    case PROP_MUSICIANS:
      settings->diarise.musicians = (gint)g_value_get_uint (value);
      return TRUE;
    case PROP_THRESHOLD:
      settings->diarise.threshold = g_value_get_double (value);
      return TRUE;
    case PROP_POSE_THRESHOLD:
      settings->diarise.pose_threshold = g_value_get_double (value);
      return TRUE;
    case PROP_MAX_POSES:
      settings->diarise.max_poses = (gint)g_value_get_uint (value);
      return TRUE;
    case PROP_USE_MAP:
      settings->diarise.use_map = g_value_get_boolean (value);
      return TRUE;
    case PROP_WAYS:
      settings->playing.ways = g_value_get_flags (value);
      return TRUE;
    case PROP_QUESTIONS:
      settings->questions = g_value_get_uint (value);
      return TRUE;
    case PROP_MERGE_PARTS:
      settings->merge_parts = g_value_get_boolean (value);
      return TRUE;
    case PROP_ABSENCE:
      settings->playing.absence = g_value_get_double (value);
      return TRUE;
    case PROP_MIN_DURATION:
      settings->playing.min_duration = g_value_get_double (value);
      return TRUE;
    case PROP_REACH:
      settings->playing.reach = g_value_get_double (value);
      return TRUE;
    case PROP_POST_MESSAGES:
      settings->post_messages = g_value_get_boolean (value);
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
get_number (const Settings *settings, guint prop_id, GValue *value)
{
  switch (prop_id) {
    case PROP_INTERVAL:
      g_value_set_uint64 (value, settings->interval);
      return TRUE;
    case PROP_MUSICIANS:
      g_value_set_uint (value, (guint)settings->diarise.musicians);
      return TRUE;
    case PROP_THRESHOLD:
      g_value_set_double (value, settings->diarise.threshold);
      return TRUE;
    case PROP_POSE_THRESHOLD:
      g_value_set_double (value, settings->diarise.pose_threshold);
      return TRUE;
    case PROP_MAX_POSES:
      g_value_set_uint (value, (guint)settings->diarise.max_poses);
      return TRUE;
    case PROP_USE_MAP:
      g_value_set_boolean (value, settings->diarise.use_map);
      return TRUE;
    case PROP_WAYS:
      g_value_set_flags (value, settings->playing.ways);
      return TRUE;
    case PROP_QUESTIONS:
      g_value_set_uint (value, settings->questions);
      return TRUE;
    case PROP_MERGE_PARTS:
      g_value_set_boolean (value, settings->merge_parts);
      return TRUE;
    case PROP_ABSENCE:
      g_value_set_double (value, settings->playing.absence);
      return TRUE;
    case PROP_MIN_DURATION:
      g_value_set_double (value, settings->playing.min_duration);
      return TRUE;
    case PROP_REACH:
      g_value_set_double (value, settings->playing.reach);
      return TRUE;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, settings->post_messages);
      return TRUE;
    default:
      return FALSE;
  }
}

static void
gst_avm_pnp_set_property (
    GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  GstAvmPnp *self = GST_AVM_PNP (object);
  gchar **string = string_of (&self->settings, prop_id);

  GST_OBJECT_LOCK (self);
  if (string != NULL) {
    const gchar *text = g_value_get_string (value);

    g_free (*string);
    *string = text != NULL && *text != '\0' ? g_strdup (text) : NULL;
  } else if (!set_number (&self->settings, prop_id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_pnp_get_property (
    GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  GstAvmPnp *self = GST_AVM_PNP (object);
  gchar **string = string_of (&self->settings, prop_id);

  GST_OBJECT_LOCK (self);
  if (string != NULL)
    g_value_set_string (value, *string);
  else if (!get_number (&self->settings, prop_id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_pnp_finalize (GObject *object)
{
  GstAvmPnp *self = GST_AVM_PNP (object);

  free_all (self);
  avm_pnp_score_free (self->score);
  settings_clear (&self->settings);
  settings_clear (&self->now);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

#define FLAGS                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_people_properties (GObjectClass *klass, const AvmDiariseSettings *d)
{
  g_object_class_install_property (klass, PROP_INTERVAL,
      g_param_spec_uint64 ("interval", "Interval",
          "Least distance of key frames, ns; 0: every frame with faces is one "
          "(0 to 10 minutes)",
          0, 600 * GST_SECOND, DEFAULT_INTERVAL, FLAGS));
  g_object_class_install_property (klass, PROP_MUSICIANS,
      g_param_spec_uint ("musicians", "Musicians",
          "How many musicians there are; 0: as many as threshold leaves", 0,
          AVM_PLAYING_MAX - 1, (guint)d->musicians, FLAGS));
  g_object_class_install_property (klass, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Greatest distance of appearances that are one musician, 0 to 1; "
          "less: more musicians, of whom some are the same",
          0.0, 1.0, d->threshold, FLAGS));
  g_object_class_install_property (klass, PROP_POSE_THRESHOLD,
      g_param_spec_double ("pose-threshold", "Pose threshold",
          "Greatest distance of appearances that are one pose, 0 to 1; less: "
          "more poses",
          0.0, 1.0, d->pose_threshold, FLAGS));
  g_object_class_install_property (klass, PROP_MAX_POSES,
      g_param_spec_uint ("max-poses", "Maximum of poses",
          "Poses of a musician from one side, at most", 1, 64,
          (guint)d->max_poses, FLAGS));
  g_object_class_install_property (klass, PROP_USE_MAP,
      g_param_spec_boolean ("use-map", "Use map",
          "Whether it counts where in the picture a face is: musicians keep "
          "their seats",
          d->use_map, FLAGS));
}

static void
install_playing_properties (GObjectClass *klass, const AvmPlayingSettings *d)
{
  g_object_class_install_property (klass, PROP_WAYS,
      g_param_spec_flags ("ways", "Ways",
          "What may tell whether somebody plays, where it is given",
          gst_avm_pnp_ways_get_type (), DEFAULT_WAYS, FLAGS));
  g_object_class_install_property (klass, PROP_MODEL,
      g_param_spec_string ("model", "Model",
          "File with the model of motion, see avm-pnp-train; NULL: the one "
          "that "
          "is installed",
          NULL, FLAGS));
  g_object_class_install_property (klass, PROP_MERGE_PARTS,
      g_param_spec_boolean ("merge-parts", "Merge parts",
          "Give activity per part instead of per musician", DEFAULT_MERGE_PARTS,
          FLAGS));
  g_object_class_install_property (klass, PROP_ABSENCE,
      g_param_spec_double ("absence", "Absence",
          "Share of the time that a musician leaves out what the part plays, 0 "
          "to 0.5",
          0.0, 0.5, d->absence, FLAGS));
  g_object_class_install_property (klass, PROP_MIN_DURATION,
      g_param_spec_double ("min-duration", "Minimum duration",
          "Rests and entries shorter than this are passed over, s", 0.0, 60.0,
          d->min_duration, FLAGS));
  g_object_class_install_property (klass, PROP_REACH,
      g_param_spec_double ("reach", "Reach",
          "How long what is seen tells of the time around it, s; of what is "
          "farther from all of it only notes tell",
          0.0, 3600.0, d->reach, FLAGS));
}

static void
install_file_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_LABELS,
      g_param_spec_string ("labels", "Labels",
          "File with what a person says of musicians and poses", NULL, FLAGS));
  g_object_class_install_property (klass, PROP_WRITE_LABELS,
      g_param_spec_string ("write-labels", "Write labels",
          "File to write for a person to fill in", NULL, FLAGS));
  g_object_class_install_property (klass, PROP_SHEETS_LOCATION,
      g_param_spec_string ("sheets-location", "Sheets location",
          "Folder for contact sheets, one per pose; it is made", NULL, FLAGS));
  g_object_class_install_property (klass, PROP_QUESTIONS,
      g_param_spec_uint ("questions", "Questions",
          "How many musicians to ask a person about in write-labels, those "
          "whose names settle most; 0: all",
          0, AVM_PLAYING_MAX, DEFAULT_QUESTIONS, FLAGS));
  g_object_class_install_property (klass, PROP_MAP_LOCATION,
      g_param_spec_string ("map-location", "Map location",
          "File for a map of the stage, .png or .svg", NULL, FLAGS));
  g_object_class_install_property (klass, PROP_TEMP_LOCATION,
      g_param_spec_string ("temp-location", "Temporary location",
          "Directory in which appearances wait; NULL: that of the system "
          "(TMPDIR)",
          NULL, FLAGS));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post element messages about progress and result",
          DEFAULT_POST_MESSAGES, FLAGS));
}

static void
add_templates (GstElementClass *klass)
{
  GstStaticPadTemplate *sinks[] = {&video_template, &motion_template,
      &notes_template, &association_template};

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    gst_element_class_add_static_pad_template_with_gtype (
        klass, sinks[i], GST_TYPE_AVM_JOIN_PAD);
  gst_element_class_add_static_pad_template (klass, &activity_template);
  gst_element_class_add_static_pad_template (klass, &appearance_template);
}

static void
gst_avm_pnp_class_init (GstAvmPnpClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = GST_AVM_JOIN_CLASS (klass);
  AvmDiariseSettings diarise;
  AvmPlayingSettings playing;

  GST_DEBUG_CATEGORY_INIT (avm_pnp_debug, "avmpnp", 0, "who plays when");
  avm_diarise_settings_init (&diarise);
  avm_playing_settings_init (&playing);
  object_class->set_property = gst_avm_pnp_set_property;
  object_class->get_property = gst_avm_pnp_get_property;
  object_class->finalize = gst_avm_pnp_finalize;
  install_people_properties (object_class, &diarise);
  install_playing_properties (object_class, &playing);
  install_file_properties (object_class);

  join_class->start = GST_DEBUG_FUNCPTR (gst_avm_pnp_start);
  join_class->stop = GST_DEBUG_FUNCPTR (gst_avm_pnp_stop);
  join_class->flush = GST_DEBUG_FUNCPTR (gst_avm_pnp_flush);
  join_class->sink_caps = GST_DEBUG_FUNCPTR (gst_avm_pnp_sink_caps);
  join_class->sink_buffer = GST_DEBUG_FUNCPTR (gst_avm_pnp_sink_buffer);
  join_class->sink_event = GST_DEBUG_FUNCPTR (gst_avm_pnp_sink_event);
  join_class->process = GST_DEBUG_FUNCPTR (gst_avm_pnp_process);
  join_class->pad_added = GST_DEBUG_FUNCPTR (gst_avm_pnp_pad_added);
  join_class->src_pad_added = GST_DEBUG_FUNCPTR (gst_avm_pnp_src_pad_added);

  add_templates (element_class);
  gst_element_class_set_static_metadata (element_class,
      "Playing and not playing", "Analyzer/Video",
      "Says who of an ensemble is seen where, and plays when", "avm");
  gst_type_mark_as_plugin_api (gst_avm_pnp_ways_get_type (), 0);
}

static void
gst_avm_pnp_init (GstAvmPnp *self)
{
  Settings *settings = &self->settings;

  settings->interval = DEFAULT_INTERVAL;
  avm_diarise_settings_init (&settings->diarise);
  avm_playing_settings_init (&settings->playing);
  settings->playing.ways = DEFAULT_WAYS;
  settings->questions = DEFAULT_QUESTIONS;
  settings->merge_parts = DEFAULT_MERGE_PARTS;
  settings->post_messages = DEFAULT_POST_MESSAGES;
  self->score = avm_pnp_score_new ();
  self->first = GST_CLOCK_TIME_NONE;
}
