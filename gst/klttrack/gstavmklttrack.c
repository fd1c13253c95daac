/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmklttrack
 * @title: avmklttrack
 * @short_description: follows regions of a film by the points inside them
 *
 * avmklttrack follows rectangles, for example the fingering hands of string
 * players, from the frame in which they are given to the end of the film. It
 * finds corners inside each of them (Shi and Tomasi), follows these with
 * sub-pixel accuracy forwards and backwards (pyramidal Lucas and Kanade),
 * throws out those that do not lead back or do not move with the others, and
 * replaces them when few are left. Points and regions are anchored to how they
 * looked in the beginning, so that minutes of vibrato and sway do not make
 * them drift.
 *
 * It takes any raw video with an 8-bit luma plane and reads that plane in
 * place: no conversion is needed, and nothing in the picture is changed. Every
 * frame gets one #GstAvmRegionMeta per region:
 *
 * * `id`, `role`, `part`: as given
 * * `x`, `y`, `w`, `h` (px): the rectangle, sub-pixel, may reach outside the
 *   frame
 * * `vx`, `vy` (px/s): the robust common motion of the points since the frame
 *   before, not smoothed
 * * `confidence` (0 to 1): the share of points that agree, times how like the
 *   region is to earlier pictures of it
 * * `state`: given, tracked, lost (the rectangle is the last one) or recovered
 * * points (px): those that move with the region, with an id each
 *
 * Regions come from #GstAvmKltTrack:regions, from
 * #GstAvmKltTrack:regions-location, from an avm region meta upstream whose
 * state is given, or from a #GstVideoRegionOfInterestMeta (facedetect,
 * cvtracker and others). What upstream says begins a region, or finds a lost
 * one again; with #GstAvmKltTrack:follow-updates it also moves one that is
 * tracked.
 *
 * A detector upstream that knows of the shots of a film, such as avmfacedetect,
 * says where one begins (gst_event_new_avm_shot()): what it gave before is then
 * forgotten, and the rest is looked for anew. What it says of how a head is
 * turned (`orientation`) is passed on with the region, until it says otherwise.
 *
 * Bow regions (#GstAvmKltTrack:carry) are not things that could be followed but
 * the reach of a bowing hand: they have no points and go along with the region
 * of their player, or stay where they are without one.
 *
 * After a scene cut a region is lost rather than stuck to whatever is there
 * now, and it is recovered when something that looks like it comes back, first
 * of all near where it was. The same happens after a seek and after a gap of
 * more than a second. When the frame size changes regions are scaled with it.
 * The element posts an element message `avmklttrack` with `timestamp`,
 * `stream-time`, `running-time` and `duration` (guint64, ns), `region` (int),
 * `role` (string), `state` (string: "lost" or "recovered") and `x`, `y`, `w`,
 * `h` (double, px) whenever a region is lost or recovered; at the end of a
 * stream in which no region was ever given, one whose state is "no-regions".
 *
 * videocrop, videobox and videoflip of GStreamer 1.22 drop the meta: place the
 * tracker after them.
 *
 * Causal: each frame leaves with its own result, no latency is added. Memory:
 * two luma pyramids (2.7 bytes per pixel) and about 20 kB per point.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc pattern=ball num-buffers=60 ! avmklttrack regions="<<1,ball,140,100,40,40>>" ! fakesink silent=false -v
 * ]| Follows a region in the test pattern and lists the metas of each frame.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmklttrack.h"

#include <glib/gi18n-lib.h>
#include <gst/avm/avm.h>
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "../common/avmluma.h"
#include "vision/avm-klt.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_klttrack_debug);
#define GST_CAT_DEFAULT gst_avm_klttrack_debug

#define DEFAULT_POINTS 40
#define DEFAULT_WINDOW 21
#define DEFAULT_LEVELS 3
#define DEFAULT_ITERATIONS 30
#define DEFAULT_QUALITY 0.01
#define DEFAULT_MIN_DISTANCE 3.0
#define DEFAULT_MAX_RETURN_ERROR 0.5
#define DEFAULT_MAX_DEVIATION 1.5
#define DEFAULT_MIN_SIMILARITY 0.5
#define DEFAULT_FOLLOW_SCALE FALSE
#define DEFAULT_FOLLOW_UPDATES FALSE
#define DEFAULT_ATTACH_ROI FALSE
#define DEFAULT_POST_MESSAGES TRUE
#define DEFAULT_CARRY "bow"

/* A detector that sees ghosts must not eat all memory. */
#define MAX_REGIONS 256
/* A longer silence between two frames is no continuation. */
#define MAX_GAP GST_SECOND

enum {
  PROP_0,
  PROP_REGIONS,
  PROP_REGIONS_LOCATION,
  PROP_POINTS,
  PROP_WINDOW,
  PROP_LEVELS,
  PROP_ITERATIONS,
  PROP_QUALITY,
  PROP_MIN_DISTANCE,
  PROP_MAX_RETURN_ERROR,
  PROP_MAX_DEVIATION,
  PROP_MIN_SIMILARITY,
  PROP_FOLLOW_SCALE,
  PROP_FOLLOW_UPDATES,
  PROP_ATTACH_ROI,
  PROP_POST_MESSAGES,
  PROP_CARRY
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (AVM_LUMA_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (AVM_LUMA_CAPS));

/* A region that another one takes along, by its corner's place beside it */
typedef struct {
  gint id;
  gint carrier; /* id, or GST_AVM_NONE: stays where it is */
  gboolean placed;
  gfloat dx, dy;
} Carried;

struct _GstAvmKltTrack {
  GstBaseTransform parent;

  /* properties, under the object lock */
  GPtrArray *regions;   /* of GstAvmRegion, NULL: none */
  gchar *regions_error; /* what was wrong with the property */
  gboolean regions_changed;
  gchar *regions_location;
  AvmKltParams params;
  gboolean follow_updates;
  gboolean attach_roi;
  gboolean post_messages;
  gchar *carry;

  /* streaming state */
  gchar **carried_roles;
  GArray *carried; /* of Carried */
  GPtrArray *from_file;
  GPtrArray *known;          /* what is tracked: id, role, part, last state */
  GHashTable *from_upstream; /* ids of those that a detector gave */
  GstVideoInfo info;
  AvmKlt *klt;
  gboolean ever_given;
  GstClockTime last_time;
  GArray *points; /* scratch, of GstAvmPoint */
};

#define gst_avm_klttrack_parent_class parent_class
G_DEFINE_TYPE (GstAvmKltTrack, gst_avm_klttrack, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (
    avmklttrack, "avmklttrack", GST_RANK_NONE, GST_TYPE_AVM_KLTTRACK)

static void gst_avm_klttrack_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
static void gst_avm_klttrack_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
static void gst_avm_klttrack_finalize (GObject *object);
static gboolean gst_avm_klttrack_start (GstBaseTransform *trans);
static gboolean gst_avm_klttrack_stop (GstBaseTransform *trans);
static gboolean gst_avm_klttrack_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps);
static gboolean gst_avm_klttrack_sink_event (
    GstBaseTransform *trans, GstEvent *event);
static gboolean gst_avm_klttrack_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query);
static GstFlowReturn gst_avm_klttrack_transform_ip (
    GstBaseTransform *trans, GstBuffer *buffer);

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags ready =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  /**
   * GstAvmKltTrack:regions:
   *
   * Regions in the next frame: `<<id, role, x, y, w, h>, ...>`, optionally
   * with the part of the score as the seventh member.
   */
  g_object_class_install_property (klass, PROP_REGIONS,
      gst_avm_param_spec_regions ("regions", "Regions",
          "Regions in the first frame (or the next, when set while playing): "
          "<<id, role, x, y, w, h[, part]>, ...>, px",
          playing));
  g_object_class_install_property (klass, PROP_REGIONS_LOCATION,
      g_param_spec_string ("regions-location", "Regions location",
          "Text file with the regions in the first frame, one per line: "
          "id role x y w h [part], px",
          NULL, ready));
  g_object_class_install_property (klass, PROP_POINTS,
      g_param_spec_int ("points", "Points", "Most points per region", 4, 1000,
          DEFAULT_POINTS, ready));
  g_object_class_install_property (klass, PROP_WINDOW,
      g_param_spec_int ("window", "Window",
          "Side of the square window around a point, px; odd, an even number "
          "counts as the next odd one",
          5, 39, DEFAULT_WINDOW, ready));
  g_object_class_install_property (klass, PROP_LEVELS,
      g_param_spec_int ("levels", "Levels",
          "Pyramid levels above the picture itself; each doubles the motion "
          "that can be followed",
          0, 7, DEFAULT_LEVELS, ready));
  g_object_class_install_property (klass, PROP_ITERATIONS,
      g_param_spec_int ("iterations", "Iterations",
          "Most Lucas-Kanade iterations per level", 1, 100, DEFAULT_ITERATIONS,
          ready));
  g_object_class_install_property (klass, PROP_QUALITY,
      g_param_spec_double ("quality", "Quality",
          "Least strength of a corner as a part of the strongest one's", 0.0,
          1.0, DEFAULT_QUALITY, ready));
  g_object_class_install_property (klass, PROP_MIN_DISTANCE,
      g_param_spec_double ("min-distance", "Minimum distance",
          "Least distance between two points when they are chosen, px", 0.0,
          1000.0, DEFAULT_MIN_DISTANCE, ready));
  g_object_class_install_property (klass, PROP_MAX_RETURN_ERROR,
      g_param_spec_double ("max-return-error", "Maximum return error",
          "A point that is followed forwards and back again and ends farther "
          "than this from where it began is dropped, px",
          0.001, 100.0, DEFAULT_MAX_RETURN_ERROR, ready));
  g_object_class_install_property (klass, PROP_MAX_DEVIATION,
      g_param_spec_double ("max-deviation", "Maximum deviation",
          "A point whose motion differs more than this from the common motion "
          "of its region is an outlier, px per frame",
          0.01, 1000.0, DEFAULT_MAX_DEVIATION, ready));
  g_object_class_install_property (klass, PROP_MIN_SIMILARITY,
      g_param_spec_double ("min-similarity", "Minimum similarity",
          "A region that correlates less than this with its own earlier "
          "pictures for several frames is lost, 0 to 1",
          0.0, 1.0, DEFAULT_MIN_SIMILARITY, ready));
  g_object_class_install_property (klass, PROP_FOLLOW_SCALE,
      g_param_spec_boolean ("follow-scale", "Follow scale",
          "Whether rectangles grow and shrink with the distances between "
          "their points",
          DEFAULT_FOLLOW_SCALE, ready));
  g_object_class_install_property (klass, PROP_FOLLOW_UPDATES,
      g_param_spec_boolean ("follow-updates", "Follow updates",
          "Whether a region that is tracked is set anew when upstream gives "
          "it again",
          DEFAULT_FOLLOW_UPDATES, playing));
  g_object_class_install_property (klass, PROP_ATTACH_ROI,
      g_param_spec_boolean ("attach-roi", "Attach ROI",
          "Whether to attach a GstVideoRegionOfInterestMeta for each region "
          "that is not lost as well",
          DEFAULT_ATTACH_ROI, playing));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Whether to post an element message when a region is lost or "
          "recovered",
          DEFAULT_POST_MESSAGES, playing));
  /**
   * GstAvmKltTrack:carry:
   *
   * A bow region is the reach of the bowing hand, not a thing that could be
   * followed: it goes where its player goes, or stays where no player's region
   * is known.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CARRY,
      g_param_spec_string ("carry", "Carry",
          "Roles, separated by commas, whose regions are not followed by "
          "points of their own but go along with the region of their player "
          "(id less than 200, see gst_avm_region_id), or stay without one",
          DEFAULT_CARRY, ready));
}

static void
gst_avm_klttrack_class_init (GstAvmKltTrackClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_avm_klttrack_debug, "avmklttrack", 0,
      "Region tracking by Kanade-Lucas-Tomasi");

  gobject_class->set_property = gst_avm_klttrack_set_property;
  gobject_class->get_property = gst_avm_klttrack_get_property;
  gobject_class->finalize = gst_avm_klttrack_finalize;
  install_properties (gobject_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Region tracker (KLT)",
      "Filter/Analyzer/Video",
      "Follows regions of a film by the points inside them",
      "The avm developers");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_avm_klttrack_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_avm_klttrack_stop);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_avm_klttrack_set_caps);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_avm_klttrack_sink_event);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_avm_klttrack_propose_allocation);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_avm_klttrack_transform_ip);
}

static void
gst_avm_klttrack_init (GstAvmKltTrack *self)
{
  const AvmKltParams params = AVM_KLT_PARAMS_INIT;

  self->params = params;
  self->params.points = DEFAULT_POINTS;
  self->params.window = DEFAULT_WINDOW;
  self->params.max_level = DEFAULT_LEVELS;
  self->params.iterations = DEFAULT_ITERATIONS;
  self->params.quality = DEFAULT_QUALITY;
  self->params.min_distance = DEFAULT_MIN_DISTANCE;
  self->params.max_return_error = DEFAULT_MAX_RETURN_ERROR;
  self->params.max_deviation = DEFAULT_MAX_DEVIATION;
  self->params.min_similarity = DEFAULT_MIN_SIMILARITY;
  self->params.follow_scale = DEFAULT_FOLLOW_SCALE;
  self->follow_updates = DEFAULT_FOLLOW_UPDATES;
  self->attach_roi = DEFAULT_ATTACH_ROI;
  self->post_messages = DEFAULT_POST_MESSAGES;
  self->carry = g_strdup (DEFAULT_CARRY);
  self->carried = g_array_new (FALSE, FALSE, sizeof (Carried));
  self->points = g_array_new (FALSE, FALSE, sizeof (GstAvmPoint));
  self->known =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_region_free);
  self->from_upstream = g_hash_table_new (NULL, NULL);
  gst_video_info_init (&self->info);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  /* metas are added: the buffer must be writable */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}

static void
gst_avm_klttrack_finalize (GObject *object)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (object);

  g_clear_pointer (&self->regions, g_ptr_array_unref);
  g_clear_pointer (&self->from_file, g_ptr_array_unref);
  g_clear_pointer (&self->known, g_ptr_array_unref);
  g_clear_pointer (&self->from_upstream, g_hash_table_unref);
  g_clear_pointer (&self->klt, avm_klt_free);
  g_clear_pointer (&self->points, g_array_unref);
  g_clear_pointer (&self->carried, g_array_unref);
  g_strfreev (self->carried_roles);
  g_free (self->carry);
  g_free (self->regions_error);
  g_free (self->regions_location);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* A wrong value keeps the element from starting; the message needs a bus. */
static void
set_regions (GstAvmKltTrack *self, const GValue *value)
{
  GError *error = NULL;
  GPtrArray *regions = gst_avm_regions_from_value (value, &error);

  g_clear_pointer (&self->regions, g_ptr_array_unref);
  g_clear_pointer (&self->regions_error, g_free);
  self->regions = regions;
  if (error != NULL)
    self->regions_error = g_strdup (error->message);
  self->regions_changed = TRUE;
  g_clear_error (&error);
}

static void
gst_avm_klttrack_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_REGIONS:
      set_regions (self, value);
      break;
    case PROP_REGIONS_LOCATION:
      g_free (self->regions_location);
      self->regions_location = g_value_dup_string (value);
      break;
    case PROP_POINTS:
      self->params.points = g_value_get_int (value);
      break;
    case PROP_WINDOW:
      self->params.window = g_value_get_int (value) | 1;
      break;
    case PROP_LEVELS:
      self->params.max_level = g_value_get_int (value);
      break;
    case PROP_ITERATIONS:
      self->params.iterations = g_value_get_int (value);
      break;
    case PROP_QUALITY:
      self->params.quality = (gfloat)g_value_get_double (value);
      break;
    case PROP_MIN_DISTANCE:
      self->params.min_distance = (gfloat)g_value_get_double (value);
      break;
    case PROP_MAX_RETURN_ERROR:
      self->params.max_return_error = (gfloat)g_value_get_double (value);
      break;
    case PROP_MAX_DEVIATION:
      self->params.max_deviation = (gfloat)g_value_get_double (value);
      break;
    case PROP_MIN_SIMILARITY:
      self->params.min_similarity = (gfloat)g_value_get_double (value);
      break;
    case PROP_FOLLOW_SCALE:
      self->params.follow_scale = g_value_get_boolean (value);
      break;
    case PROP_FOLLOW_UPDATES:
      self->follow_updates = g_value_get_boolean (value);
      break;
    case PROP_ATTACH_ROI:
      self->attach_roi = g_value_get_boolean (value);
      break;
    case PROP_POST_MESSAGES:
      self->post_messages = g_value_get_boolean (value);
      break;
    case PROP_CARRY:
      g_free (self->carry);
      self->carry = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_klttrack_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_REGIONS:
      gst_avm_regions_to_value (self->regions, value);
      break;
    case PROP_REGIONS_LOCATION:
      g_value_set_string (value, self->regions_location);
      break;
    case PROP_POINTS:
      g_value_set_int (value, self->params.points);
      break;
    case PROP_WINDOW:
      g_value_set_int (value, self->params.window);
      break;
    case PROP_LEVELS:
      g_value_set_int (value, self->params.max_level);
      break;
    case PROP_ITERATIONS:
      g_value_set_int (value, self->params.iterations);
      break;
    case PROP_QUALITY:
      g_value_set_double (value, self->params.quality);
      break;
    case PROP_MIN_DISTANCE:
      g_value_set_double (value, self->params.min_distance);
      break;
    case PROP_MAX_RETURN_ERROR:
      g_value_set_double (value, self->params.max_return_error);
      break;
    case PROP_MAX_DEVIATION:
      g_value_set_double (value, self->params.max_deviation);
      break;
    case PROP_MIN_SIMILARITY:
      g_value_set_double (value, self->params.min_similarity);
      break;
    case PROP_FOLLOW_SCALE:
      g_value_set_boolean (value, self->params.follow_scale);
      break;
    case PROP_FOLLOW_UPDATES:
      g_value_set_boolean (value, self->follow_updates);
      break;
    case PROP_ATTACH_ROI:
      g_value_set_boolean (value, self->attach_roi);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, self->post_messages);
      break;
    case PROP_CARRY:
      g_value_set_string (value, self->carry);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_avm_klttrack_start (GstBaseTransform *trans)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (trans);
  gchar *location, *wrong;
  GError *error = NULL;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->regions_location);
  wrong = g_strdup (self->regions_error);
  self->regions_changed = self->regions != NULL;
  g_strfreev (self->carried_roles);
  self->carried_roles =
      g_strsplit_set (self->carry != NULL ? self->carry : "", ", ", -1);
  GST_OBJECT_UNLOCK (self);

  self->ever_given = FALSE;
  self->last_time = GST_CLOCK_TIME_NONE;
  if (wrong == NULL && location != NULL) {
    self->from_file = gst_avm_regions_from_file (location, &error);
    if (error != NULL)
      wrong = g_strdup (error->message);
    g_clear_error (&error);
  }
  if (wrong != NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", wrong),
        ("regions-location: %s", location != NULL ? location : "not set"));
  g_free (location);
  if (wrong == NULL)
    return TRUE;
  g_free (wrong);
  return FALSE;
}

static gboolean
gst_avm_klttrack_stop (GstBaseTransform *trans)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (trans);

  g_clear_pointer (&self->klt, avm_klt_free);
  g_clear_pointer (&self->from_file, g_ptr_array_unref);
  g_ptr_array_set_size (self->known, 0);
  g_hash_table_remove_all (self->from_upstream);
  g_array_set_size (self->carried, 0);
  gst_video_info_init (&self->info);
  return TRUE;
}

static void resize_carried (GstAvmKltTrack *self, gfloat sx, gfloat sy);

static gboolean
gst_avm_klttrack_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (trans);
  GstVideoInfo info, old = self->info;
  gboolean same;

  if (!gst_video_info_from_caps (&info, incaps)) {
    GST_ERROR_OBJECT (self, "cannot parse %" GST_PTR_FORMAT, incaps);
    return FALSE;
  }
  same = self->klt != NULL && info.width == self->info.width
      && info.height == self->info.height;
  self->info = info;
  if (same)
    return TRUE;
  if (self->klt != NULL) {
    if (avm_klt_resize (self->klt, info.width, info.height)) {
      resize_carried (self, (gfloat)info.width / (gfloat)old.width,
          (gfloat)info.height / (gfloat)old.height);
      return TRUE;
    }
  } else {
    AvmKltParams params;

    GST_OBJECT_LOCK (self);
    params = self->params;
    GST_OBJECT_UNLOCK (self);
    self->klt = avm_klt_new (info.width, info.height, &params);
    if (self->klt != NULL)
      return TRUE;
  }
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory to track regions in frames of %dx%d "
          "pixels. Scale the video down before avmklttrack."),
          info.width, info.height),
      ("avm_klt_new or avm_klt_resize failed"));
  return FALSE;
}

static gboolean
gst_avm_klttrack_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* -- messages ------------------------------------------------------------- */

static void
post_message (GstAvmKltTrack *self, GstClockTime pts, GstClockTime duration,
    const GstAvmRegion *region, const gchar *state)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  gboolean post, in_time = segment->format == GST_FORMAT_TIME;
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  post = self->post_messages;
  GST_OBJECT_UNLOCK (self);
  if (!post)
    return;
  s = gst_structure_new ("avmklttrack", "timestamp", G_TYPE_UINT64, pts,
      "stream-time", G_TYPE_UINT64,
      in_time ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts)
              : GST_CLOCK_TIME_NONE,
      "running-time", G_TYPE_UINT64,
      in_time ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts)
              : GST_CLOCK_TIME_NONE,
      "duration", G_TYPE_UINT64, duration, "state", G_TYPE_STRING, state, NULL);
  if (region != NULL)
    gst_structure_set (s, "region", G_TYPE_INT, region->id, "role",
        G_TYPE_STRING, region->role, "x", G_TYPE_DOUBLE, (gdouble)region->x,
        "y", G_TYPE_DOUBLE, (gdouble)region->y, "w", G_TYPE_DOUBLE,
        (gdouble)region->w, "h", G_TYPE_DOUBLE, (gdouble)region->h, NULL);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

static void
forget_carried (GstAvmKltTrack *self, gint id)
{
  for (guint i = self->carried->len; i > 0; i--) {
    if (g_array_index (self->carried, Carried, i - 1).id == id)
      g_array_remove_index (self->carried, i - 1);
  }
}

/* A new shot: what a detector gave is not there any more. */
static void
begin_shot (GstAvmKltTrack *self)
{
  for (guint i = self->known->len; i > 0; i--) {
    const GstAvmRegion *region = g_ptr_array_index (self->known, i - 1);

    if (!g_hash_table_contains (
            self->from_upstream, GINT_TO_POINTER (region->id)))
      continue;
    if (self->klt != NULL)
      avm_klt_remove_region (self->klt, region->id);
    forget_carried (self, region->id);
    g_ptr_array_remove_index (self->known, i - 1);
  }
  g_hash_table_remove_all (self->from_upstream);
  if (self->klt != NULL)
    avm_klt_reset (self->klt);
}

static gboolean
gst_avm_klttrack_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (trans);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
      if (self->klt != NULL)
        avm_klt_reset (self->klt);
      self->last_time = GST_CLOCK_TIME_NONE;
      break;
    case GST_EVENT_EOS:
      if (!self->ever_given)
        post_message (
            self, self->last_time, GST_CLOCK_TIME_NONE, NULL, "no-regions");
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_event_is_avm_shot (event))
        begin_shot (self);
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* -- where regions come from ----------------------------------------------- */

static GstAvmRegion *
find_known (GstAvmKltTrack *self, gint id)
{
  for (guint i = 0; i < self->known->len; i++) {
    GstAvmRegion *region = g_ptr_array_index (self->known, i);

    if (region->id == id)
      return region;
  }
  return NULL;
}

static Carried *
find_carried (GstAvmKltTrack *self, gint id)
{
  for (guint i = 0; i < self->carried->len; i++) {
    Carried *carried = &g_array_index (self->carried, Carried, i);

    if (carried->id == id)
      return carried;
  }
  return NULL;
}

static void
resize_carried (GstAvmKltTrack *self, gfloat sx, gfloat sy)
{
  for (guint i = 0; i < self->carried->len; i++) {
    Carried *carried = &g_array_index (self->carried, Carried, i);
    GstAvmRegion *region = find_known (self, carried->id);

    carried->dx *= sx;
    carried->dy *= sy;
    region->x *= sx;
    region->w *= sx;
    region->y *= sy;
    region->h *= sy;
  }
}

/* FALSE as that of avm_klt_set_region () */
static gboolean
give_carried (GstAvmKltTrack *self, const GstAvmRegion *region)
{
  Carried *carried = find_carried (self, region->id);
  gint player = gst_avm_region_id_get_player (region->id);
  Carried fresh = {.id = region->id, .carrier = GST_AVM_NONE};

  if (region->x >= self->info.width || region->y >= self->info.height
      || region->x + region->w <= 0.0f || region->y + region->h <= 0.0f)
    return FALSE;
  if (player != GST_AVM_NONE)
    fresh.carrier = gst_avm_region_id ("player", (guint)player);
  if (carried != NULL)
    *carried = fresh;
  else
    g_array_append_val (self->carried, fresh);
  return TRUE;
}

static gboolean
is_carried_role (GstAvmKltTrack *self, const gchar *role)
{
  return *role != '\0' && self->carried_roles != NULL
      && g_strv_contains ((const gchar *const *)self->carried_roles, role);
}

/* Says where a region is in the frame that comes next. */
static gboolean
give (GstAvmKltTrack *self, const GstAvmRegion *region)
{
  GstAvmRegion *known = find_known (self, region->id);

  if (known == NULL && self->known->len >= MAX_REGIONS)
    return FALSE;
  if (is_carried_role (self, region->role)) {
    if (!give_carried (self, region))
      return FALSE;
  } else if (!avm_klt_set_region (self->klt, region->id, region->x, region->y,
                 region->w, region->h)) {
    return FALSE;
  }
  self->ever_given = TRUE;
  if (known == NULL) {
    known = gst_avm_region_copy (region);
    g_ptr_array_add (self->known, known);
  }
  known->x = region->x;
  known->y = region->y;
  known->w = region->w;
  known->h = region->h;
  known->role = region->role;
  known->part = region->part;
  known->orientation = region->orientation;
  known->state = GST_AVM_REGION_GIVEN;
  return TRUE;
}

/* Returns how many of the regions lie in the frame; warns of the others. */
static guint
give_all (GstAvmKltTrack *self, GPtrArray *regions)
{
  guint n = 0;

  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *r = g_ptr_array_index (regions, i);

    if (give (self, r)) {
      n++;
      continue;
    }
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        (_ ("Region %d (%s) at %g,%g with %gx%g pixels lies outside the frame, "
            "which has %dx%d pixels; it is not tracked. Give it again in "
            "pixels of the video as it reaches avmklttrack."),
            r->id, r->role, r->x, r->y, r->w, r->h, self->info.width,
            self->info.height),
        ("region outside the frame"));
  }
  return n;
}

static gboolean
take_from_properties (GstAvmKltTrack *self)
{
  GPtrArray *regions = NULL, *file = g_steal_pointer (&self->from_file);
  gchar *wrong = NULL;
  guint wanted = 0, n = 0;

  GST_OBJECT_LOCK (self);
  if (self->regions_changed) {
    regions = self->regions != NULL ? g_ptr_array_ref (self->regions) : NULL;
    wrong = g_strdup (self->regions_error);
    self->regions_changed = FALSE;
  }
  GST_OBJECT_UNLOCK (self);
  if (wrong != NULL)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS, ("%s", wrong),
        ("set while playing; earlier regions go on"));
  g_free (wrong);
  if (file != NULL) {
    wanted += file->len;
    n += give_all (self, file);
    g_ptr_array_unref (file);
  }
  if (regions != NULL) {
    wanted += regions->len;
    n += give_all (self, regions);
    g_ptr_array_unref (regions);
  }
  if (wanted == 0 || n > 0)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
      (_ ("None of the given regions (%u) lies in the frame, which has %dx%d "
          "pixels. Give them in pixels of the video as it reaches "
          "avmklttrack."),
          wanted, self->info.width, self->info.height),
      ("all regions outside the frame"));
  return FALSE;
}

static void
take_from_region_metas (
    GstAvmKltTrack *self, GstBuffer *buffer, gboolean follow_updates)
{
  GstAvmRegionMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL) {
    GstAvmRegion *known = find_known (self, meta->region.id);

    if (meta->region.state != GST_AVM_REGION_GIVEN)
      continue;
    if (known != NULL && known->state != GST_AVM_REGION_LOST
        && !follow_updates) {
      known->orientation = meta->region.orientation;
    } else if (!give (self, &meta->region)) {
      GST_DEBUG_OBJECT (self, "region %d outside the frame", meta->region.id);
    } else if (known == NULL) {
      g_hash_table_add (self->from_upstream, GINT_TO_POINTER (meta->region.id));
    }
  }
}

static gboolean
contains (const GstAvmRegion *region, gfloat x, gfloat y)
{
  return x >= region->x && y >= region->y && x < region->x + region->w
      && y < region->y + region->h;
}

/* Detectors number what they see anew in each frame: regions of interest are
 * told apart by where they are. */
static void
take_roi (
    GstAvmKltTrack *self, const GstAvmRegion *roi, gboolean follow_updates)
{
  GstAvmRegion given = *roi;
  gfloat x = roi->x + 0.5f * roi->w, y = roi->y + 0.5f * roi->h;
  gfloat nearest = G_MAXFLOAT;
  gint free_id = 0;
  gboolean known;

  given.id = -1;
  for (guint i = 0; i < self->known->len; i++) {
    const GstAvmRegion *k = g_ptr_array_index (self->known, i);
    gfloat d = hypotf (k->x + 0.5f * k->w - x, k->y + 0.5f * k->h - y);

    free_id = MAX (free_id, k->id + 1);
    if (k->state != GST_AVM_REGION_LOST && contains (k, x, y)) {
      if (!follow_updates)
        return;
      given.id = k->id;
      given.part = k->part;
      break;
    }
    if (k->state == GST_AVM_REGION_LOST && k->role == roi->role
        && d < nearest) {
      nearest = d;
      given.id = k->id;
      given.part = k->part;
    }
  }
  if (given.id < 0)
    given.id = find_known (self, roi->id) == NULL ? roi->id : free_id;
  known = find_known (self, given.id) != NULL;
  if (!give (self, &given))
    GST_DEBUG_OBJECT (self, "region of interest outside the frame");
  else if (!known)
    g_hash_table_add (self->from_upstream, GINT_TO_POINTER (given.id));
}

static void
take_from_rois (
    GstAvmKltTrack *self, GstBuffer *buffer, gboolean follow_updates)
{
  GPtrArray *rois;
  gpointer state = NULL;

  if (gst_buffer_iterate_meta_filtered (
          buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
      == NULL)
    return;
  rois = gst_avm_regions_from_roi (buffer);
  for (guint i = 0; i < rois->len; i++)
    take_roi (self, g_ptr_array_index (rois, i), follow_updates);
  g_ptr_array_unref (rois);
}

/* -- frames ---------------------------------------------------------------- */

static gboolean
is_tracked_meta (GstBuffer *buffer, GstMeta **meta, gpointer user_data)
{
  GstAvmKltTrack *self = user_data;

  if ((*meta)->info->api == GST_AVM_REGION_META_API_TYPE
      && find_known (self, ((GstAvmRegionMeta *)*meta)->region.id) != NULL)
    *meta = NULL;
  return TRUE;
}

static void
attach_roi (GstBuffer *buffer, const GstAvmRegion *r)
{
  gint x = MAX ((gint)floorf (r->x), 0), y = MAX ((gint)floorf (r->y), 0);
  gint right = (gint)ceilf (r->x + r->w), bottom = (gint)ceilf (r->y + r->h);
  GstVideoRegionOfInterestMeta *meta;

  if (right <= x || bottom <= y)
    return;
  meta = gst_buffer_add_video_region_of_interest_meta (
      buffer, r->role, x, y, right - x, bottom - y);
  meta->id = r->id;
}

static GstAvmRegionState
state_of (AvmKltState state)
{
  switch (state) {
    case AVM_KLT_GIVEN:
      return GST_AVM_REGION_GIVEN;
    case AVM_KLT_TRACKED:
      return GST_AVM_REGION_TRACKED;
    case AVM_KLT_RECOVERED:
      return GST_AVM_REGION_RECOVERED;
    default:
      return GST_AVM_REGION_LOST;
  }
}

static void
attach_points (
    GstAvmKltTrack *self, GstAvmRegionMeta *meta, const AvmKltRegion *tracked)
{
  g_array_set_size (self->points, tracked->n_points);
  for (gsize i = 0; i < tracked->n_points; i++) {
    const AvmKltPoint *p = &tracked->points[i];

    g_array_index (self->points, GstAvmPoint, i) =
        (GstAvmPoint){p->id, p->x, p->y, p->dx, p->dy};
  }
  gst_avm_region_meta_set_points (meta,
      (const GstAvmPoint *)(gpointer)self->points->data, tracked->n_points);
}

static void
attach_region (GstAvmKltTrack *self, GstBuffer *buffer,
    const AvmKltRegion *tracked, gdouble seconds, gboolean roi)
{
  GstAvmRegion *region = find_known (self, tracked->id);
  GstAvmRegionState before = region->state;
  GstAvmRegionMeta *meta;

  region->state = state_of (tracked->state);
  region->x = tracked->x;
  region->y = tracked->y;
  region->w = tracked->w;
  region->h = tracked->h;
  region->confidence = tracked->confidence;
  region->vx = seconds > 0.0 ? (gfloat)(tracked->dx / seconds) : 0.0f;
  region->vy = seconds > 0.0 ? (gfloat)(tracked->dy / seconds) : 0.0f;
  meta = gst_buffer_add_avm_region_meta (buffer, region);
  attach_points (self, meta, tracked);
  if (roi && region->state != GST_AVM_REGION_LOST)
    attach_roi (buffer, region);
  if (region->state == GST_AVM_REGION_LOST && before != GST_AVM_REGION_LOST)
    post_message (self, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
        region, "lost");
  else if (region->state == GST_AVM_REGION_RECOVERED)
    post_message (self, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
        region, "recovered");
}

/* Goes where its carrier went; the carriers are up to date. */
static void
attach_carried (
    GstAvmKltTrack *self, GstBuffer *buffer, Carried *carried, gboolean roi)
{
  GstAvmRegion *region = find_known (self, carried->id);
  const GstAvmRegion *carrier = find_known (self, carried->carrier);

  region->confidence = carrier != NULL ? carrier->confidence : 1.0f;
  region->vx = carrier != NULL ? carrier->vx : 0.0f;
  region->vy = carrier != NULL ? carrier->vy : 0.0f;
  if (!carried->placed) {
    region->state = GST_AVM_REGION_GIVEN;
    carried->placed = TRUE;
    if (carrier == NULL)
      carried->carrier = GST_AVM_NONE;
    carried->dx = carrier != NULL ? region->x - carrier->x : 0.0f;
    carried->dy = carrier != NULL ? region->y - carrier->y : 0.0f;
  } else if (carrier == NULL) {
    region->state = GST_AVM_REGION_TRACKED;
  } else {
    region->state = carrier->state == GST_AVM_REGION_GIVEN
        ? GST_AVM_REGION_TRACKED
        : carrier->state;
    region->x = carrier->x + carried->dx;
    region->y = carrier->y + carried->dy;
  }
  gst_buffer_add_avm_region_meta (buffer, region);
  if (roi && region->state != GST_AVM_REGION_LOST)
    attach_roi (buffer, region);
}

/* Seconds since the frame before; 0 when that is not known. A jump in time is
 * no continuation. */
static gdouble
advance_time (GstAvmKltTrack *self, GstClockTime pts)
{
  GstClockTime last = self->last_time;

  self->last_time = pts;
  if (GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (last)) {
    if (pts < last || pts - last > MAX_GAP)
      avm_klt_reset (self->klt);
    else if (pts > last)
      return (gdouble)(pts - last) / GST_SECOND;
  }
  if (self->info.fps_n > 0)
    return (gdouble)self->info.fps_d / self->info.fps_n;
  return 0.0;
}

static GstFlowReturn
gst_avm_klttrack_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstAvmKltTrack *self = GST_AVM_KLTTRACK (trans);
  gboolean follow_updates, roi;
  GstVideoFrame frame;
  gdouble seconds;

  if (self->klt == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  GST_OBJECT_LOCK (self);
  follow_updates = self->follow_updates;
  roi = self->attach_roi;
  GST_OBJECT_UNLOCK (self);

  seconds = advance_time (self, GST_BUFFER_PTS (buffer));
  if (!take_from_properties (self))
    return GST_FLOW_ERROR;
  take_from_region_metas (self, buffer, follow_updates);
  take_from_rois (self, buffer, follow_updates);
  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        ("gst_video_frame_map failed on %" GST_PTR_FORMAT, buffer));
    return GST_FLOW_ERROR;
  }
  avm_klt_do (self->klt, GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0));
  gst_video_frame_unmap (&frame);
  /* what came from upstream is replaced by what is known now */
  gst_buffer_foreach_meta (buffer, is_tracked_meta, self);
  for (gsize i = 0; i < avm_klt_n_regions (self->klt); i++)
    attach_region (self, buffer, avm_klt_region (self->klt, i), seconds, roi);
  for (guint i = 0; i < self->carried->len; i++)
    attach_carried (
        self, buffer, &g_array_index (self->carried, Carried, i), roi);
  return GST_FLOW_OK;
}
