/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmopticalflow
 * @title: avmopticalflow
 * @short_description: how the picture moves inside each region
 *
 * avmopticalflow computes dense optical flow (dense inverse search with
 * variational refinement) from each frame to the next, inside regions that a
 * tracker such as avmklttrack put on the frames, inside given regions, or in
 * the whole picture. What comes out depends on the caps that downstream takes:
 *
 * * `application/x-avm-series, kind=motion` (preferred): one buffer with one
 *   row per pair of frames. Channels per region, in order of id: `vx` and `vy`,
 *   the mean velocity to the right and downwards in px/s of the picture,
 *   `confidence` (0 to 1: how well the region is found again where the flow
 *   says), and with #GstAvmOpticalFlow:clusters `speed`, the mean speed in px/s
 *   of each group of point trajectories that move alike.
 * * `application/x-avm-flow`: the dense field of the whole picture, two planes
 *   of width x height 32-bit floats, u to the right then v downwards, px per
 *   frame.
 *
 * The sink takes video/x-raw with a plane of 8-bit luma (GRAY8, I420, YV12,
 * Y41B, Y42B, Y444, NV12, NV21, NV16, NV61, NV24, A420) and reads it in place.
 *
 * Where regions come from: #GstAvmRegionMeta on the frames if any frame had
 * one; else #GstAvmOpticalFlow:regions or #GstAvmOpticalFlow:regions-location;
 * else #GstVideoRegionOfInterestMeta; else the whole picture is one region
 * without an id (-1). When a region appears or ends, new caps are sent.
 * Velocity is the total motion in the picture, not that relative to the region;
 * the motion of the region only says where to search.
 *
 * Time: the PTS of a row is the middle between those of its two frames, which
 * is the instant that it describes, and its duration their distance. Velocity
 * is per second of PTS, so variable frame rates are right. vx and vy are NaN
 * and confidence is 0 where a region is lost, was lost or unknown in the frame
 * before, or has less than a tenth of its area in the picture. Frames are not
 * compared across a flush, new caps, or a gap of more than
 * #GstAvmOpticalFlow:max-gap.
 *
 * Causal. Latency: half a frame, because a row describes the middle of an
 * interval that ends with the frame. Memory: the frame before is kept, and
 * about 50 bytes per px of the largest region; speeds take 576 bytes per frame
 * of #GstAvmOpticalFlow:window and region.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=duet.mp4 ! decodebin ! avmopticalflow regions="<<201,hand,640,300,47,47>,<202,hand,220,310,47,47>>" ! avmeventenc ! application/x-ndjson ! filesink location=motion.jsonl
 * ]| The motion of two hands that stay where they are.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=5 t.video ! queue ! avmopticalflow preset=medium clusters=2 ! avmeventenc ! text/tab-separated-values ! filesink location=motion.tsv
 * ]| The motion of the whole picture and of its two groups of points.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmopticalflow.h"

#include <glib/gi18n-lib.h>
#include <gst/video/video.h>
#include <math.h>

#include "avmflowlayout.h"

GST_DEBUG_CATEGORY_STATIC (avm_optical_flow_debug);
#define GST_CAT_DEFAULT avm_optical_flow_debug

#define DEFAULT_PRESET GST_AVM_OPTICAL_FLOW_FAST
#define DEFAULT_CLUSTERS 0
#define DEFAULT_WINDOW 64
#define DEFAULT_SEED 0
#define DEFAULT_MAX_GAP (GST_SECOND / 4)

#define LUMA_FORMATS                                                           \
  "{ GRAY8, I420, YV12, Y41B, Y42B, Y444, NV12, NV21, NV16, NV61, NV24, A420 " \
  "}"
#define FLOW_MEDIA_TYPE "application/x-avm-flow"

enum {
  PROP_0,
  PROP_PRESET,
  PROP_REGIONS,
  PROP_REGIONS_LOCATION,
  PROP_CLUSTERS,
  PROP_WINDOW,
  PROP_SEED,
  PROP_MAX_GAP
};

struct _GstAvmOpticalFlow {
  GstElement parent;

  GstPad *sinkpad, *srcpad;

  /* properties, under the object lock */
  GstAvmOpticalFlowPreset preset;
  GPtrArray *given; /* of GstAvmRegion, or NULL */
  gchar *location;
  guint clusters, window, seed;
  GstClockTime max_gap;
  GError *regions_error;
  GstClockTime latency;

  /* the rest belongs to the streaming thread */
  GPtrArray *fixed; /* given or read from the file, or NULL */
  guint use_clusters, use_window, use_seed;
  GstAvmOpticalFlowPreset use_preset;
  GstClockTime use_max_gap;

  GstVideoInfo info;
  gboolean have_info, dense, seen_meta, seen_roi;
  GstEvent *segment; /* held back until there are caps */
  GstSegment position;

  GstVideoFrame before;
  gboolean have_before;
  GstClockTime before_pts;
  GArray *regions;          /* of AvmFlowRegion */
  GstAvmSeriesInfo *series; /* NULL: nothing to say */

  AvmDis *dis;
  gint dis_width, dis_height;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (LUMA_FORMATS)));

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS (
            "motion") "; " FLOW_MEDIA_TYPE
                      ", format = (string) F32LE, width = " GST_VIDEO_SIZE_RANGE
                      ", height = " GST_VIDEO_SIZE_RANGE
                      ", framerate = " GST_VIDEO_FPS_RANGE));

#define GST_TYPE_AVM_OPTICAL_FLOW_PRESET                                       \
  (gst_avm_optical_flow_preset_get_type ())
static GType
gst_avm_optical_flow_preset_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_OPTICAL_FLOW_FAST, "Half resolution", "fast"},
        {GST_AVM_OPTICAL_FLOW_MEDIUM, "Full resolution", "medium"},
        {GST_AVM_OPTICAL_FLOW_FINE, "Full resolution, several warps", "fine"},
        {0, NULL, NULL},
    };
    GType made = g_enum_register_static ("GstAvmOpticalFlowPreset", values);

    g_once_init_leave (&type, made);
  }
  return (GType)type;
}

#define gst_avm_optical_flow_parent_class parent_class
G_DEFINE_TYPE (GstAvmOpticalFlow, gst_avm_optical_flow, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (
    avmopticalflow, "avmopticalflow", GST_RANK_NONE, GST_TYPE_AVM_OPTICAL_FLOW);

/* -- results ---------------------------------------------------------------- */

static void
push_segment (GstAvmOpticalFlow *self)
{
  if (self->segment != NULL) {
    gst_pad_push_event (self->srcpad, self->segment);
    self->segment = NULL;
  }
}

static gboolean
push_caps (GstAvmOpticalFlow *self, GstCaps *caps)
{
  gboolean taken;

  GST_DEBUG_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  taken = gst_pad_set_caps (self->srcpad, caps);
  gst_caps_unref (caps);
  push_segment (self);
  return taken;
}

static void
push_gap (GstAvmOpticalFlow *self, GstClockTime from, GstClockTime to)
{
  push_segment (self);
  gst_pad_push_event (self->srcpad, gst_event_new_gap (from, to - from));
}

/* The dense field where downstream takes it and not the series */
static gboolean
choose_output (GstAvmOpticalFlow *self)
{
  GstCaps *caps = gst_pad_get_allowed_caps (self->srcpad);
  const GstStructure *first;

  self->dense = FALSE;
  if (caps == NULL)
    return TRUE;
  if (gst_caps_is_empty (caps)) {
    gst_caps_unref (caps);
    return FALSE;
  }
  first = gst_caps_get_structure (caps, 0);
  self->dense = gst_structure_has_name (first, FLOW_MEDIA_TYPE);
  gst_caps_unref (caps);
  return TRUE;
}

static gboolean
negotiate_dense (GstAvmOpticalFlow *self)
{
  return push_caps (self,
      gst_caps_new_simple (FLOW_MEDIA_TYPE, "format", G_TYPE_STRING, "F32LE",
          "width", G_TYPE_INT, GST_VIDEO_INFO_WIDTH (&self->info), "height",
          G_TYPE_INT, GST_VIDEO_INFO_HEIGHT (&self->info), "framerate",
          GST_TYPE_FRACTION, GST_VIDEO_INFO_FPS_N (&self->info),
          GST_VIDEO_INFO_FPS_D (&self->info), NULL));
}

static gboolean
negotiate_series (GstAvmOpticalFlow *self)
{
  g_clear_pointer (&self->series, gst_avm_series_info_free);
  if (self->regions->len == 0)
    return TRUE;
  self->series = avm_flow_regions_describe (self->regions, self->use_clusters,
      GST_VIDEO_INFO_FPS_N (&self->info), GST_VIDEO_INFO_FPS_D (&self->info));
  return push_caps (self, gst_avm_series_info_to_caps (self->series));
}

/* -- flow ------------------------------------------------------------------- */

static void
forget_frame (GstAvmOpticalFlow *self)
{
  if (self->have_before)
    gst_video_frame_unmap (&self->before);
  self->have_before = FALSE;
}

static void
reset (GstAvmOpticalFlow *self)
{
  forget_frame (self);
  g_array_set_size (self->regions, 0);
  g_clear_pointer (&self->series, gst_avm_series_info_free);
  self->seen_meta = self->seen_roi = FALSE;
}

static AvmDisImage
luma (GstVideoFrame *frame)
{
  return (AvmDisImage){GST_VIDEO_FRAME_COMP_DATA (frame, 0),
      GST_VIDEO_FRAME_COMP_STRIDE (frame, 0), GST_VIDEO_FRAME_WIDTH (frame),
      GST_VIDEO_FRAME_HEIGHT (frame)};
}

/* Makes the flow object large enough, with room to grow. */
static gboolean
ensure_dis (GstAvmOpticalFlow *self, gint width, gint height)
{
  AvmDisParams params;
  AvmError error;

  if (self->dis != NULL && width <= self->dis_width
      && height <= self->dis_height)
    return TRUE;
  avm_dis_free (self->dis);
  self->dis_width = MAX (self->dis_width,
      MIN (width + width / 4, GST_VIDEO_INFO_WIDTH (&self->info)));
  self->dis_height = MAX (self->dis_height,
      MIN (height + height / 4, GST_VIDEO_INFO_HEIGHT (&self->info)));
  avm_dis_params_init (&params, (AvmDisPreset)self->use_preset);
  self->dis = avm_dis_new (&params, self->dis_width, self->dis_height, &error);
  if (self->dis != NULL)
    return TRUE;
  self->dis_width = self->dis_height = 0;
  GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
      (_ ("There is not enough memory for the optical flow of %dx%d pixels. "
          "Use smaller regions or scale the video down."),
          width, height),
      ("%s", error.detail));
  return FALSE;
}

static void
push_trajectories (GstAvmOpticalFlow *self, AvmFlowRegion *region,
    const AvmDisRect *rect, gfloat per_second, gfloat *speeds)
{
  gfloat vx[AVM_FLOW_POINTS], vy[AVM_FLOW_POINTS];

  for (gint i = 0; i < AVM_FLOW_POINTS; i++) {
    gfloat x =
        rect->x + (i % AVM_FLOW_GRID + 0.5f) / AVM_FLOW_GRID * rect->w - 0.5f;
    gfloat y =
        rect->y + (i / AVM_FLOW_GRID + 0.5f) / AVM_FLOW_GRID * rect->h - 0.5f;

    avm_dis_get_at (self->dis, x, y, &vx[i], &vy[i]);
    vx[i] *= per_second;
    vy[i] *= per_second;
  }
  avm_trajectories_push (region->trajectories, vx, vy, speeds);
}

/* The channels of one region for the interval that ends with `frame` */
static gboolean
measure (GstAvmOpticalFlow *self, AvmFlowRegion *region, GstVideoFrame *frame,
    gfloat per_second, gfloat *row)
{
  AvmDisImage from = luma (&self->before), to = luma (frame);
  AvmDisMotion motion;
  AvmDisRect rect;
  AvmError error;
  gfloat dx, dy;

  row[0] = row[1] = NAN;
  row[2] = 0.0f;
  for (guint c = 0; c < self->use_clusters; c++)
    row[3 + c] = NAN;
  if (!avm_flow_region_shift (region, &dx, &dy)
      || !avm_flow_region_clip (
          &region->before, from.width, from.height, &rect))
    return TRUE;
  if (!ensure_dis (self, rect.w, rect.h))
    return FALSE;
  if (!avm_dis_compute (self->dis, &from, &to, &rect, dx, dy, &error)) {
    GST_WARNING_OBJECT (self, "region %d: %s", region->now.id, error.detail);
    return TRUE;
  }
  avm_dis_get_motion (self->dis, &motion);
  row[0] = motion.u * per_second;
  row[1] = motion.v * per_second;
  row[2] = motion.confidence;
  if (region->trajectories != NULL)
    push_trajectories (self, region, &rect, per_second, row + 3);
  return TRUE;
}

static GstFlowReturn
push_buffer (GstAvmOpticalFlow *self, GstBuffer *buffer, GstClockTime from,
    GstClockTime to)
{
  GST_BUFFER_PTS (buffer) = from + (to - from) / 2;
  GST_BUFFER_DURATION (buffer) = to - from;
  return gst_pad_push (self->srcpad, buffer);
}

static GstFlowReturn
push_row (GstAvmOpticalFlow *self, GstVideoFrame *frame, GstClockTime pts)
{
  guint n = gst_avm_series_info_get_n_channels (self->series);
  guint per_region = n / self->regions->len;
  gfloat *row = g_new (gfloat, n);
  gfloat per_second =
      (gfloat)((gdouble)GST_SECOND / (gdouble)(pts - self->before_pts));
  GstBuffer *buffer;

  for (guint i = 0; i < self->regions->len; i++)
    if (!measure (self, &g_array_index (self->regions, AvmFlowRegion, i), frame,
            per_second, row + i * per_region)) {
      g_free (row);
      return GST_FLOW_ERROR;
    }
  buffer = gst_avm_series_buffer_new (self->series, row, 1, pts);
  g_free (row);
  return push_buffer (self, buffer, self->before_pts, pts);
}

static GstFlowReturn
push_field (GstAvmOpticalFlow *self, GstVideoFrame *frame, GstClockTime pts)
{
  AvmDisImage from = luma (&self->before), to = luma (frame);
  AvmDisRect all = {0, 0, from.width, from.height};
  gsize plane = (gsize)from.width * (gsize)from.height;
  GstBuffer *buffer;
  GstMapInfo map;

  if (!ensure_dis (self, from.width, from.height)
      || !avm_dis_compute (self->dis, &from, &to, &all, 0.0f, 0.0f, NULL))
    return GST_FLOW_ERROR;
  buffer = gst_buffer_new_allocate (NULL, 2 * plane * sizeof (gfloat), NULL);
  if (buffer == NULL || !gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    gst_clear_buffer (&buffer);
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
        (_ ("There is not enough memory for the optical flow of a frame. Scale "
            "the video down.")),
        ("%" G_GSIZE_FORMAT " px", plane));
    return GST_FLOW_ERROR;
  }
  avm_dis_get_flow (
      self->dis, (gfloat *)map.data, (gfloat *)map.data + plane, from.width);
  gst_buffer_unmap (buffer, &map);
  return push_buffer (self, buffer, self->before_pts, pts);
}

/* -- frames ----------------------------------------------------------------- */

static GPtrArray *
whole_picture (GstAvmOpticalFlow *self)
{
  GPtrArray *regions =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_region_free);

  g_ptr_array_add (regions,
      gst_avm_region_new (GST_AVM_NONE, "frame", 0, 0,
          GST_VIDEO_INFO_WIDTH (&self->info),
          GST_VIDEO_INFO_HEIGHT (&self->info)));
  return regions;
}

static GPtrArray *
regions_of (GstAvmOpticalFlow *self, GstBuffer *buffer)
{
  GPtrArray *regions = gst_buffer_get_avm_regions (buffer);

  if (regions != NULL && regions->len > 0)
    self->seen_meta = TRUE;
  if (self->seen_meta)
    return regions;
  g_clear_pointer (&regions, g_ptr_array_unref);
  if (self->fixed != NULL)
    return g_ptr_array_copy (self->fixed, (GCopyFunc)gst_avm_region_copy, NULL);
  regions = gst_avm_regions_from_roi (buffer);
  if (regions != NULL && regions->len > 0)
    self->seen_roi = TRUE;
  if (self->seen_roi)
    return regions;
  g_clear_pointer (&regions, g_ptr_array_unref);
  return whole_picture (self);
}

/* Takes over the regions of a frame; new channels need new caps. */
static gboolean
update_regions (
    GstAvmOpticalFlow *self, GstBuffer *buffer, gboolean reconfigure)
{
  GPtrArray *next = regions_of (self, buffer);
  gboolean changed;

  if (next == NULL)
    next = g_ptr_array_new ();
  changed = avm_flow_regions_update (self->regions, next, self->use_clusters,
      self->use_window, self->use_seed);
  g_ptr_array_unref (next);
  return !(changed || reconfigure || self->series == NULL)
      || negotiate_series (self);
}

/* When the frame is, also where only the first one or none has a PTS */
static GstClockTime
time_of (GstAvmOpticalFlow *self, GstBuffer *buffer)
{
  gint n = GST_VIDEO_INFO_FPS_N (&self->info);
  gint d = GST_VIDEO_INFO_FPS_D (&self->info);

  if (GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_BUFFER_PTS (buffer);
  if (!GST_CLOCK_TIME_IS_VALID (self->before_pts))
    return self->position.start;
  return n > 0 ? self->before_pts + gst_util_uint64_scale_int (GST_SECOND, d, n)
               : GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
process_pair (GstAvmOpticalFlow *self, GstVideoFrame *frame, GstClockTime pts)
{
  if (!self->have_before || pts <= self->before_pts
      || pts - self->before_pts > self->use_max_gap)
    return GST_FLOW_OK;
  if (self->dense)
    return push_field (self, frame, pts);
  if (self->series != NULL)
    return push_row (self, frame, pts);
  push_gap (self, self->before_pts, pts);
  return GST_FLOW_OK;
}

static gboolean
negotiate (GstAvmOpticalFlow *self, GstBuffer *buffer)
{
  gboolean reconfigure = gst_pad_check_reconfigure (self->srcpad)
      || !gst_pad_has_current_caps (self->srcpad);

  if (reconfigure && !choose_output (self))
    return FALSE;
  if (self->dense)
    return !reconfigure || negotiate_dense (self);
  return update_regions (self, buffer, reconfigure);
}

static GstFlowReturn
gst_avm_optical_flow_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (parent);
  GstFlowReturn ret = GST_FLOW_NOT_NEGOTIATED;
  GstVideoFrame frame;
  GstClockTime pts;

  if (!self->have_info)
    goto done;
  pts = time_of (self, buffer);
  if (!GST_CLOCK_TIME_IS_VALID (pts)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("A video frame has no time and the video has no frame rate. Set "
            "the frame rate in the caps of its source.")),
        (NULL));
    ret = GST_FLOW_ERROR;
    goto done;
  }
  if (!negotiate (self, buffer)) {
    gst_pad_mark_reconfigure (self->srcpad);
    if (GST_PAD_IS_FLUSHING (self->srcpad))
      ret = GST_FLOW_FLUSHING;
    goto done;
  }
  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        (NULL));
    ret = GST_FLOW_ERROR;
    goto done;
  }
  ret = process_pair (self, &frame, pts);
  forget_frame (self);
  self->before = frame;
  self->have_before = TRUE;
  self->before_pts = pts;

done:
  gst_buffer_unref (buffer);
  return ret;
}

/* -- events and queries ----------------------------------------------------- */

static gboolean
set_caps (GstAvmOpticalFlow *self, GstCaps *caps)
{
  gint n, d;

  reset (self);
  self->have_info = gst_video_info_from_caps (&self->info, caps);
  if (!self->have_info)
    return FALSE;
  n = GST_VIDEO_INFO_FPS_N (&self->info);
  d = GST_VIDEO_INFO_FPS_D (&self->info);
  g_clear_pointer (&self->dis, avm_dis_free);
  self->dis_width = self->dis_height = 0;
  gst_pad_mark_reconfigure (self->srcpad);
  GST_OBJECT_LOCK (self);
  self->latency = n > 0 ? gst_util_uint64_scale_int (GST_SECOND, d, 2 * n) : 0;
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  return TRUE;
}

static gboolean
take_segment (GstAvmOpticalFlow *self, GstEvent *event)
{
  gst_event_copy_segment (event, &self->position);
  if (self->position.format != GST_FORMAT_TIME) {
    gst_event_unref (event);
    return FALSE;
  }
  forget_frame (self);
  self->before_pts = GST_CLOCK_TIME_NONE;
  if (gst_pad_has_current_caps (self->srcpad))
    return gst_pad_push_event (self->srcpad, event);
  gst_event_replace (&self->segment, event);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
gst_avm_optical_flow_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (parent);
  gboolean done;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      done = set_caps (self, caps);
      gst_event_unref (event);
      return done;
    case GST_EVENT_SEGMENT:
      return take_segment (self, event);
    case GST_EVENT_GAP:
    case GST_EVENT_EOS:
      push_segment (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_event_replace (&self->segment, NULL);
      reset (self);
      self->before_pts = GST_CLOCK_TIME_NONE;
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
gst_avm_optical_flow_sink_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_ALLOCATION:
      /* any stride and padding will do */
      gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
      gst_query_add_allocation_meta (query, GST_AVM_REGION_META_API_TYPE, NULL);
      return TRUE;
    case GST_QUERY_CAPS: {
      GstCaps *caps = gst_pad_get_pad_template_caps (pad), *filter, *cut;

      gst_query_parse_caps (query, &filter);
      cut = filter == NULL
          ? gst_caps_ref (caps)
          : gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
      gst_query_set_caps_result (query, cut);
      gst_caps_unref (cut);
      gst_caps_unref (caps);
      return TRUE;
    }
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static gboolean
gst_avm_optical_flow_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (parent);
  GstClockTime min, max, mine;
  gboolean live;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    GstCaps *caps = gst_pad_get_pad_template_caps (pad), *filter, *cut;

    gst_query_parse_caps (query, &filter);
    cut = filter == NULL
        ? gst_caps_ref (caps)
        : gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_query_set_caps_result (query, cut);
    gst_caps_unref (cut);
    gst_caps_unref (caps);
    return TRUE;
  }
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  if (!gst_pad_peer_query (self->sinkpad, query))
    return FALSE;
  GST_OBJECT_LOCK (self);
  mine = self->latency;
  GST_OBJECT_UNLOCK (self);
  gst_query_parse_latency (query, &live, &min, &max);
  min += mine;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += mine;
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

/* -- states and properties -------------------------------------------------- */

/* Takes the properties for this run; regions come from the file if any. */
static gboolean
start (GstAvmOpticalFlow *self)
{
  GError *error = NULL;
  gchar *location;

  g_clear_pointer (&self->fixed, g_ptr_array_unref);
  GST_OBJECT_LOCK (self);
  self->use_preset = self->preset;
  self->use_clusters = self->clusters;
  self->use_window = self->window;
  self->use_seed = self->seed;
  self->use_max_gap = self->max_gap;
  location = g_strdup (self->location);
  if (self->given != NULL && self->given->len > 0)
    self->fixed = g_ptr_array_ref (self->given);
  if (self->regions_error != NULL)
    error = g_error_copy (self->regions_error);
  GST_OBJECT_UNLOCK (self);
  if (error == NULL && location != NULL) {
    g_clear_pointer (&self->fixed, g_ptr_array_unref);
    self->fixed = gst_avm_regions_from_file (location, &error);
  }
  g_free (location);
  if (error == NULL)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message),
      ("in regions or regions-location"));
  g_error_free (error);
  return FALSE;
}

static void
stop (GstAvmOpticalFlow *self)
{
  reset (self);
  gst_event_replace (&self->segment, NULL);
  g_clear_pointer (&self->fixed, g_ptr_array_unref);
  g_clear_pointer (&self->dis, avm_dis_free);
  self->dis_width = self->dis_height = 0;
  self->have_info = FALSE;
  self->before_pts = GST_CLOCK_TIME_NONE;
}

static GstStateChangeReturn
gst_avm_optical_flow_change_state (
    GstElement *element, GstStateChange transition)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  return ret;
}

static void
set_regions (GstAvmOpticalFlow *self, const GValue *value)
{
  g_clear_pointer (&self->given, g_ptr_array_unref);
  g_clear_error (&self->regions_error);
  self->given = gst_avm_regions_from_value (value, &self->regions_error);
}

static void
gst_avm_optical_flow_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PRESET:
      self->preset = (GstAvmOpticalFlowPreset)g_value_get_enum (value);
      break;
    case PROP_REGIONS:
      set_regions (self, value);
      break;
    case PROP_REGIONS_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_CLUSTERS:
      self->clusters = g_value_get_uint (value);
      break;
    case PROP_WINDOW:
      self->window = g_value_get_uint (value);
      break;
    case PROP_SEED:
      self->seed = g_value_get_uint (value);
      break;
    case PROP_MAX_GAP:
      self->max_gap = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_optical_flow_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PRESET:
      g_value_set_enum (value, (gint)self->preset);
      break;
    case PROP_REGIONS:
      gst_avm_regions_to_value (self->given, value);
      break;
    case PROP_REGIONS_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_CLUSTERS:
      g_value_set_uint (value, self->clusters);
      break;
    case PROP_WINDOW:
      g_value_set_uint (value, self->window);
      break;
    case PROP_SEED:
      g_value_set_uint (value, self->seed);
      break;
    case PROP_MAX_GAP:
      g_value_set_uint64 (value, self->max_gap);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_optical_flow_finalize (GObject *object)
{
  GstAvmOpticalFlow *self = GST_AVM_OPTICAL_FLOW (object);

  stop (self);
  g_clear_pointer (&self->given, g_ptr_array_unref);
  g_clear_error (&self->regions_error);
  g_free (self->location);
  g_array_unref (self->regions);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (object_class, PROP_PRESET,
      g_param_spec_enum ("preset", "Preset",
          "Accuracy against speed (fast, medium or fine)",
          GST_TYPE_AVM_OPTICAL_FLOW_PRESET, DEFAULT_PRESET, flags));
  g_object_class_install_property (object_class, PROP_REGIONS,
      gst_avm_param_spec_regions ("regions", "Regions",
          "Regions that stay where they are, for frames without region meta: "
          "<<id, role, x, y, w, h>, ...> in px, optionally with the part",
          flags));
  g_object_class_install_property (object_class, PROP_REGIONS_LOCATION,
      g_param_spec_string ("regions-location", "Regions location",
          "Text file with the same, one region per line: id role x y w h "
          "[part]; replaces regions",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_CLUSTERS,
      g_param_spec_uint ("clusters", "Clusters",
          "Groups of point trajectories per region whose speed (px/s) is given "
          "as well (0 to 16, 0 none)",
          0, 16, DEFAULT_CLUSTERS, flags));
  g_object_class_install_property (object_class, PROP_WINDOW,
      g_param_spec_uint ("window", "Window",
          "Length of the trajectories that are grouped (8 to 1024 frames)", 8,
          1024, DEFAULT_WINDOW, flags));
  g_object_class_install_property (object_class, PROP_SEED,
      g_param_spec_uint ("seed", "Seed",
          "Seed of the grouping (0 to 2^32 - 1); the same gives the same "
          "groups",
          0, G_MAXUINT, DEFAULT_SEED, flags));
  g_object_class_install_property (object_class, PROP_MAX_GAP,
      g_param_spec_uint64 ("max-gap", "Maximum gap",
          "Frames further apart than this are not compared (ns, 0 to 2^64 - 1)",
          0, G_MAXUINT64, DEFAULT_MAX_GAP, flags));
}

static void
gst_avm_optical_flow_class_init (GstAvmOpticalFlowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      avm_optical_flow_debug, "avmopticalflow", 0, "optical flow in regions");
  object_class->set_property = gst_avm_optical_flow_set_property;
  object_class->get_property = gst_avm_optical_flow_get_property;
  object_class->finalize = gst_avm_optical_flow_finalize;
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_avm_optical_flow_change_state);
  install_properties (object_class);
  gst_element_class_set_static_metadata (element_class, "Optical flow",
      "Analyzer/Video", "Measures motion inside regions by dense optical flow",
      GST_PACKAGE_NAME);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_type_mark_as_plugin_api (GST_TYPE_AVM_OPTICAL_FLOW_PRESET, 0);
}

static void
gst_avm_optical_flow_init (GstAvmOpticalFlow *self)
{
  self->preset = DEFAULT_PRESET;
  self->clusters = DEFAULT_CLUSTERS;
  self->window = DEFAULT_WINDOW;
  self->seed = DEFAULT_SEED;
  self->max_gap = DEFAULT_MAX_GAP;
  self->before_pts = GST_CLOCK_TIME_NONE;
  self->regions = avm_flow_regions_new ();
  gst_segment_init (&self->position, GST_FORMAT_TIME);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_optical_flow_chain));
  gst_pad_set_event_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_optical_flow_sink_event));
  gst_pad_set_query_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_optical_flow_sink_query));
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (
      self->srcpad, GST_DEBUG_FUNCPTR (gst_avm_optical_flow_src_query));
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}
