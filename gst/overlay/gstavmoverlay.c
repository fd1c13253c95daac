/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmoverlay
 * @title: avmoverlay
 * @short_description: draws analysis results over video
 *
 * avmoverlay draws what the other elements found over the video that they saw:
 * the tracked regions with role and id, their points and motion, and, from the
 * streams on its request pads, the note that each player plays, rate (Hz) and
 * extent (cents) of its vibrato beside the hand, and scrolling curves of pitch
 * (cents about the note) and of the hand's motion, one lane per part.
 *
 * Regions, points and motion vectors come with the frames, from the
 * #GstAvmRegionMeta that avmklttrack attaches. The pads `events_%u` take
 * `application/x-avm-events` of kind `note`, `vibrato` (with the curve fields
 * `displacement`, `pitch-curve` and `curve-rate` where curves are wanted) and
 * `association`; the pads `series_%u` take `application/x-avm-series` of kind
 * `f0` and `motion`. Which region plays which part is known from the region's
 * own `part`, from an association, or from an event that names both. An
 * association is written at the player, with the name and the number of the
 * part and the confidence, all regions of the player get the colour of the
 * part, and it holds until the next one for the same region.
 *
 * Who plays: with a stream of kind `appearance`, and one of kind `activity`, a
 * box stands around the face of each musician that is seen by
 * #GstAvmOverlay:camera, with the name: green while playing, grey while not,
 * white where nobody knows. The boxes are in px of that camera's picture. With
 * a stream of kind `activity` alone the frame's own regions of the role
 * `player` get such boxes.
 *
 * The data pads never block and never hold the video up: a frame shows what is
 * known when it comes. An analysis that only ends with the piece is drawn in a
 * second pass over the stored streams, with #GstAvmOverlay:wait set, so that
 * each frame waits for the data to reach its time. Do not set it when video and
 * data come from the same demuxer: then a frame would wait for what comes
 * after it.
 *
 * Video in any 8 bit or higher format that #GstVideoOverlayComposition blends,
 * in place. Causal, no latency. Memory: a picture of the frame's size (4 bytes
 * per pixel) and the data, which is kept for seeking; in a live pipeline only
 * what the curves show.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=5 t.video ! avmklttrack regions="<<1,hand,300,200,60,60>>" ! avmoverlay name=o ! videoconvert ! autovideosink t.notes ! o.events_0
 * ]| The virtual ensemble with a tracked region and the notes that are played.
 * |[
 * gst-launch-1.0 avmtestsrc name=t scene=orchestra players=9 num-seconds=3 t.video ! queue ! avmoverlay name=o ! videoconvert ! autovideosink t.appearance ! o.events_0 t.activity ! o.events_1
 * ]| Who of a virtual orchestra plays.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmoverlay.h"

#include <glib/gi18n-lib.h>

#include <gst/avm/avm.h>
#include <gst/video/video.h>

#include "avmcanvas.h"
#include "avmscene.h"
#include "avmtrack.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_overlay_debug);
#define GST_CAT_DEFAULT gst_avm_overlay_debug

#define DEFAULT_LAYER TRUE
#define DEFAULT_WAIT FALSE
#define DEFAULT_WINDOW (5 * GST_SECOND)
#define DEFAULT_TEXT_SCALE 1.0
#define DEFAULT_CAMERA 0
/* A live stream's data is kept for the curves and the notes under them. */
#define LIVE_HISTORY (60 * GST_SECOND)

enum {
  PROP_0,
  PROP_SHOW_REGIONS,
  PROP_SHOW_POINTS,
  PROP_SHOW_MOTION,
  PROP_SHOW_NOTES,
  PROP_SHOW_VIBRATO,
  PROP_SHOW_CURVES,
  PROP_SHOW_ACTIVITY,
  PROP_CAMERA,
  PROP_WINDOW,
  PROP_TEXT_SCALE,
  PROP_WAIT
};

struct _GstAvmOverlay {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* properties, under the object lock */
  AvmSceneSettings settings;
  gboolean wait;

  /* video streaming state: the sink pad's stream lock */
  GstSegment segment;
  GstVideoInfo info;
  gboolean negotiated;
  gboolean live;
  gboolean live_known;
  AvmCanvas *canvas;

  /* data, under the lock; cond: data came, or waiting is over */
  GMutex lock;
  GCond cond;
  GList *tracks;
  gboolean flushing;
  guint next_pad;
};

#define EVENTS_CAPS GST_AVM_EVENTS_MEDIA_TYPE ", version = (int) 1"
#define SERIES_CAPS                                                            \
  GST_AVM_SERIES_MEDIA_TYPE ", version = (int) 1, "                            \
                            "format = (string) F32LE"
#define VIDEO_CAPS                                                             \
  GST_VIDEO_CAPS_MAKE (GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (VIDEO_CAPS));
static GstStaticPadTemplate events_template = GST_STATIC_PAD_TEMPLATE (
    "events_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (EVENTS_CAPS));
static GstStaticPadTemplate series_template = GST_STATIC_PAD_TEMPLATE (
    "series_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (SERIES_CAPS));

#define gst_avm_overlay_parent_class parent_class
G_DEFINE_TYPE (GstAvmOverlay, gst_avm_overlay, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (
    avmoverlay, "avmoverlay", GST_RANK_NONE, GST_TYPE_AVM_OVERLAY);

static void gst_avm_overlay_finalize (GObject *object);
static void gst_avm_overlay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
static void gst_avm_overlay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
static GstStateChangeReturn gst_avm_overlay_change_state (
    GstElement *element, GstStateChange transition);
static GstPad *gst_avm_overlay_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *name, const GstCaps *caps);
static void gst_avm_overlay_release_pad (GstElement *element, GstPad *pad);
static GstFlowReturn gst_avm_overlay_chain (
    GstPad *pad, GstObject *parent, GstBuffer *buffer);
static gboolean gst_avm_overlay_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event);
static GstIterator *gst_avm_overlay_iterate_links (
    GstPad *pad, GstObject *parent);

static void
install_layer (GObjectClass *klass, guint id, const gchar *name,
    const gchar *nick, const gchar *blurb)
{
  g_object_class_install_property (klass, id,
      g_param_spec_boolean (name, nick, blurb, DEFAULT_LAYER,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_avm_overlay_class_init (GstAvmOverlayClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_avm_overlay_debug, "avmoverlay", 0, "analysis results over video");

  gobject_class->finalize = gst_avm_overlay_finalize;
  gobject_class->set_property = gst_avm_overlay_set_property;
  gobject_class->get_property = gst_avm_overlay_get_property;

  install_layer (gobject_class, PROP_SHOW_REGIONS, "show-regions",
      "Show regions", "Draw the corners, role and id of each region");
  install_layer (gobject_class, PROP_SHOW_POINTS, "show-points", "Show points",
      "Draw the points that are tracked in each region");
  install_layer (gobject_class, PROP_SHOW_MOTION, "show-motion", "Show motion",
      "Draw the velocity of each region and point as arrows");
  install_layer (gobject_class, PROP_SHOW_NOTES, "show-notes", "Show notes",
      "Write the names of the notes");
  install_layer (gobject_class, PROP_SHOW_VIBRATO, "show-vibrato",
      "Show vibrato",
      "Write rate (Hz) and extent (cents) of a vibrato beside the hand");
  install_layer (gobject_class, PROP_SHOW_CURVES, "show-curves", "Show curves",
      "Draw scrolling curves of pitch and motion");

  install_layer (gobject_class, PROP_SHOW_ACTIVITY, "show-activity",
      "Show activity",
      "Draw a box around each musician, green while playing and grey while "
      "not");

  /**
   * GstAvmOverlay:camera:
   *
   * Whose picture the video is, for events that say what camera they are about.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_CAMERA,
      g_param_spec_int ("camera", "Camera",
          "Number of the camera that the video is of, 0 is the first; "
          "appearances of others are not drawn",
          0, G_MAXINT, DEFAULT_CAMERA,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstAvmOverlay:window:
   *
   * How much of the curves is seen at once.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_WINDOW,
      g_param_spec_uint64 ("window", "Window",
          "Length of the scrolling curves (ns, 0.1 s to 1 min)",
          100 * GST_MSECOND, 60 * GST_SECOND, DEFAULT_WINDOW,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstAvmOverlay:text-scale:
   *
   * Size of the text.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_TEXT_SCALE,
      g_param_spec_double ("text-scale", "Text scale",
          "Height of the text (1: a fortieth of the frame's height; 0: none)",
          0.0, 5.0, DEFAULT_TEXT_SCALE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstAvmOverlay:wait:
   *
   * Hold each frame until the data has reached its time. For stored streams:
   * when video and data come from one demuxer, frames would wait for ever.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_WAIT,
      g_param_spec_boolean ("wait", "Wait",
          "Hold each frame until every data pad has reached its time or its "
          "end; only for stored streams",
          DEFAULT_WAIT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_PLAYING));

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_avm_overlay_change_state);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_avm_overlay_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR (gst_avm_overlay_release_pad);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &events_template);
  gst_element_class_add_static_pad_template (element_class, &series_template);
  gst_element_class_set_static_metadata (element_class, "Analysis overlay",
      "Filter/Editor/Video",
      "Draws regions, motion, notes, vibrato and who plays over the video",
      "The avm developers");
}

static void
gst_avm_overlay_init (GstAvmOverlay *self)
{
  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_overlay_chain));
  gst_pad_set_event_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_overlay_sink_event));
  gst_pad_set_iterate_internal_links_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_overlay_iterate_links));
  GST_PAD_SET_PROXY_CAPS (self->sinkpad);
  GST_PAD_SET_PROXY_ALLOCATION (self->sinkpad);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_iterate_internal_links_function (
      self->srcpad, GST_DEBUG_FUNCPTR (gst_avm_overlay_iterate_links));
  GST_PAD_SET_PROXY_CAPS (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->settings = (AvmSceneSettings){DEFAULT_LAYER, DEFAULT_LAYER,
      DEFAULT_LAYER, DEFAULT_LAYER, DEFAULT_LAYER, DEFAULT_LAYER, DEFAULT_LAYER,
      DEFAULT_WINDOW, DEFAULT_TEXT_SCALE, DEFAULT_CAMERA};
  self->wait = DEFAULT_WAIT;
  self->flushing = TRUE;
}

static void
gst_avm_overlay_finalize (GObject *object)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (object);

  g_list_free_full (self->tracks, (GDestroyNotify)avm_track_free);
  avm_canvas_free (self->canvas);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static gboolean *
layer (GstAvmOverlay *self, guint id)
{
  switch (id) {
    case PROP_SHOW_REGIONS:
      return &self->settings.regions;
    case PROP_SHOW_POINTS:
      return &self->settings.points;
    case PROP_SHOW_MOTION:
      return &self->settings.motion;
    case PROP_SHOW_NOTES:
      return &self->settings.notes;
    case PROP_SHOW_VIBRATO:
      return &self->settings.vibrato;
    case PROP_SHOW_CURVES:
      return &self->settings.curves;
    case PROP_SHOW_ACTIVITY:
      return &self->settings.activity;
    case PROP_WAIT:
      return &self->wait;
    default:
      return NULL;
  }
}

/* Lets a waiting frame look again whether it must wait. */
static void
wake (GstAvmOverlay *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
gst_avm_overlay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (object);
  gboolean *flag = layer (self, id);

  GST_OBJECT_LOCK (self);
  if (flag != NULL)
    *flag = g_value_get_boolean (value);
  else if (id == PROP_WINDOW)
    self->settings.window = g_value_get_uint64 (value);
  else if (id == PROP_TEXT_SCALE)
    self->settings.text_scale = g_value_get_double (value);
  else if (id == PROP_CAMERA)
    self->settings.camera = g_value_get_int (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
  if (id == PROP_WAIT)
    wake (self);
}

static void
gst_avm_overlay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (object);
  gboolean *flag = layer (self, id);

  GST_OBJECT_LOCK (self);
  if (flag != NULL)
    g_value_set_boolean (value, *flag);
  else if (id == PROP_WINDOW)
    g_value_set_uint64 (value, self->settings.window);
  else if (id == PROP_TEXT_SCALE)
    g_value_set_double (value, self->settings.text_scale);
  else if (id == PROP_CAMERA)
    g_value_set_int (value, self->settings.camera);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
set_flushing (GstAvmOverlay *self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
reset (GstAvmOverlay *self)
{
  g_mutex_lock (&self->lock);
  g_list_foreach (self->tracks, (GFunc)avm_track_clear, NULL);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&self->canvas, avm_canvas_free);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->negotiated = FALSE;
  self->live_known = FALSE;
}

static GstStateChangeReturn
gst_avm_overlay_change_state (GstElement *element, GstStateChange transition)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    set_flushing (self, FALSE);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    set_flushing (self, TRUE);
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset (self);
  return ret;
}

/* -- data pads ------------------------------------------------------------ */

static AvmTrack *
find_track (GstAvmOverlay *self, GstPad *pad)
{
  for (GList *l = self->tracks; l != NULL; l = l->next) {
    if (((AvmTrack *)l->data)->pad == pad)
      return l->data;
  }
  return NULL;
}

static GstFlowReturn
gst_avm_overlay_data_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (parent);
  g_autoptr (GError) error = NULL;
  AvmTrack *track;
  gboolean ok = TRUE;

  g_mutex_lock (&self->lock);
  track = find_track (self, pad);
  if (track != NULL && track->kind != NULL)
    ok = avm_track_add (track, buffer, &error);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_buffer_unref (buffer);
  if (ok)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("A buffer of the stream at pad \"%s\" is damaged. If it was stored "
          "in a file, make the file again."),
          GST_PAD_NAME (pad)),
      ("%s", error != NULL ? error->message : "no details"));
  return GST_FLOW_ERROR;
}

static gboolean
track_event (GstAvmOverlay *self, AvmTrack *track, GstEvent *event)
{
  gboolean ok = TRUE;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;

      gst_event_parse_caps (event, &caps);
      ok = avm_track_set_caps (track, caps);
      break;
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment;

      gst_event_parse_segment (event, &segment);
      if (segment->format == GST_FORMAT_TIME)
        gst_segment_copy_into (segment, &track->segment);
      break;
    }
    case GST_EVENT_GAP: {
      GstClockTime time, duration;

      gst_event_parse_gap (event, &time, &duration);
      if (GST_CLOCK_TIME_IS_VALID (duration))
        time += duration;
      avm_track_advance (track, time);
      break;
    }
    case GST_EVENT_STREAM_START:
      track->eos = FALSE;
      break;
    case GST_EVENT_EOS:
      track->eos = TRUE;
      break;
    case GST_EVENT_FLUSH_STOP:
      avm_track_clear (track);
      gst_segment_init (&track->segment, GST_FORMAT_TIME);
      break;
    default:
      break;
  }
  return ok;
}

/* Nothing of a data stream goes downstream. */
static gboolean
gst_avm_overlay_data_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (parent);
  AvmTrack *track;
  gboolean ok = TRUE;

  g_mutex_lock (&self->lock);
  track = find_track (self, pad);
  if (track != NULL)
    ok = track_event (self, track, event);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_event_unref (event);
  return ok;
}

static void
gst_avm_overlay_data_unlinked (GstPad *pad, GstPad *peer, GstAvmOverlay *self)
{
  wake (self);
}

static gchar *
make_pad_name (GstAvmOverlay *self, GstPadTemplate *templ, const gchar *name)
{
  const gchar *digits;

  if (name != NULL && strchr (name, '%') == NULL) {
    digits = strrchr (name, '_');
    if (digits != NULL && g_ascii_isdigit (digits[1])) {
      guint64 index = g_ascii_strtoull (digits + 1, NULL, 10);

      if (index < G_MAXUINT && index >= self->next_pad)
        self->next_pad = (guint)index + 1;
    }
    return g_strdup (name);
  }
  if (g_str_has_prefix (templ->name_template, "events"))
    return g_strdup_printf ("events_%u", self->next_pad++);
  return g_strdup_printf ("series_%u", self->next_pad++);
}

static GstPad *
gst_avm_overlay_request_new_pad (GstElement *element, GstPadTemplate *templ,
    const gchar *name, const GstCaps *caps)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (element);
  GstPad *pad;
  gchar *pad_name;

  g_mutex_lock (&self->lock);
  pad_name = make_pad_name (self, templ, name);
  pad = gst_pad_new_from_template (templ, pad_name);
  g_free (pad_name);
  gst_pad_set_chain_function (
      pad, GST_DEBUG_FUNCPTR (gst_avm_overlay_data_chain));
  gst_pad_set_event_function (
      pad, GST_DEBUG_FUNCPTR (gst_avm_overlay_data_event));
  g_signal_connect_object (
      pad, "unlinked", G_CALLBACK (gst_avm_overlay_data_unlinked), self, 0);
  gst_pad_set_iterate_internal_links_function (
      pad, GST_DEBUG_FUNCPTR (gst_avm_overlay_iterate_links));
  self->tracks = g_list_append (self->tracks, avm_track_new (pad));
  g_mutex_unlock (&self->lock);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_avm_overlay_release_pad (GstElement *element, GstPad *pad)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (element);
  AvmTrack *track;

  gst_pad_set_active (pad, FALSE);
  g_mutex_lock (&self->lock);
  track = find_track (self, pad);
  if (track != NULL) {
    self->tracks = g_list_remove (self->tracks, track);
    avm_track_free (track);
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_element_remove_pad (element, pad);
}

/* -- video ---------------------------------------------------------------- */

/* Events and queries of the video go between its two pads alone. */
static GstIterator *
gst_avm_overlay_iterate_links (GstPad *pad, GstObject *parent)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (parent);
  GValue value = G_VALUE_INIT;
  GstPad *other = NULL;
  GstIterator *iterator;

  if (pad == self->sinkpad)
    other = self->srcpad;
  else if (pad == self->srcpad)
    other = self->sinkpad;
  if (other == NULL)
    return NULL;
  g_value_init (&value, GST_TYPE_PAD);
  g_value_set_object (&value, other);
  iterator = gst_iterator_new_single (GST_TYPE_PAD, &value);
  g_value_unset (&value);
  return iterator;
}

static gboolean
set_caps (GstAvmOverlay *self, GstCaps *caps)
{
  if (!gst_video_info_from_caps (&self->info, caps))
    return FALSE;
  g_clear_pointer (&self->canvas, avm_canvas_free);
  self->canvas = avm_canvas_new (
      GST_VIDEO_INFO_WIDTH (&self->info), GST_VIDEO_INFO_HEIGHT (&self->info));
  self->negotiated = self->canvas != NULL;
  return self->negotiated;
}

static gboolean
gst_avm_overlay_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;

      gst_event_parse_caps (event, &caps);
      if (!set_caps (self, caps)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      self->live_known = FALSE;
      break;
    case GST_EVENT_FLUSH_START:
      set_flushing (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      set_flushing (self, FALSE);
      gst_segment_init (&self->segment, GST_FORMAT_TIME);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* Whether every linked data pad has reached the time */
static gboolean
data_is_there (GstAvmOverlay *self, GstClockTime time)
{
  for (GList *l = self->tracks; l != NULL; l = l->next) {
    const AvmTrack *track = l->data;

    if (!track->eos && track->watermark < time
        && gst_pad_is_linked (track->pad))
      return FALSE;
  }
  return TRUE;
}

static gboolean
must_wait (GstAvmOverlay *self)
{
  gboolean wait;

  GST_OBJECT_LOCK (self);
  wait = self->wait;
  GST_OBJECT_UNLOCK (self);
  return wait;
}

static gboolean
is_live (GstAvmOverlay *self)
{
  if (!self->live_known) {
    GstQuery *query = gst_query_new_latency ();

    self->live = FALSE;
    self->live_known = TRUE;
    if (gst_pad_peer_query (self->sinkpad, query))
      gst_query_parse_latency (query, &self->live, NULL, NULL);
    gst_query_unref (query);
  }
  return self->live;
}

static void
trim (GstAvmOverlay *self, GstClockTime time)
{
  if (time < LIVE_HISTORY)
    return;
  for (GList *l = self->tracks; l != NULL; l = l->next)
    avm_track_trim (l->data, time - LIVE_HISTORY);
}

/* Waits if it must, and draws on the canvas; FALSE: flushing */
static gboolean
draw (GstAvmOverlay *self, GstBuffer *buffer, GstClockTime time)
{
  gboolean live = is_live (self);
  AvmSceneSettings settings;
  gboolean flushing;

  g_mutex_lock (&self->lock);
  while (!self->flushing && GST_CLOCK_TIME_IS_VALID (time) && must_wait (self)
      && !data_is_there (self, time))
    g_cond_wait (&self->cond, &self->lock);
  flushing = self->flushing;
  if (!flushing) {
    GST_OBJECT_LOCK (self);
    settings = self->settings;
    GST_OBJECT_UNLOCK (self);
    if (live && GST_CLOCK_TIME_IS_VALID (time))
      trim (self, time);
    avm_scene_draw (self->canvas, &settings, buffer, self->tracks, time);
  }
  g_mutex_unlock (&self->lock);
  return !flushing;
}

static GstFlowReturn
blend (GstAvmOverlay *self, GstVideoOverlayComposition *composition,
    GstBuffer *buffer)
{
  GstVideoFrame frame;

  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READWRITE)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        ("%" GST_PTR_FORMAT, buffer));
    return GST_FLOW_ERROR;
  }
  if (!gst_video_overlay_composition_blend (composition, &frame))
    GST_WARNING_OBJECT (self, "cannot blend onto this format");
  gst_video_frame_unmap (&frame);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_avm_overlay_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstAvmOverlay *self = GST_AVM_OVERLAY (parent);
  GstVideoOverlayComposition *composition;
  GstFlowReturn ret = GST_FLOW_OK;
  GstClockTime time;

  if (!self->negotiated) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  time = gst_segment_to_running_time (
      &self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (!draw (self, buffer, time)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  composition = avm_canvas_compose (self->canvas);
  if (composition != NULL) {
    buffer = gst_buffer_make_writable (buffer);
    ret = blend (self, composition, buffer);
    gst_video_overlay_composition_unref (composition);
    avm_canvas_clear (self->canvas);
  }
  if (ret == GST_FLOW_OK)
    return gst_pad_push (self->srcpad, buffer);
  gst_buffer_unref (buffer);
  return ret;
}
