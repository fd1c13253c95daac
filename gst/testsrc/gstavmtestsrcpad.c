/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pad of avmtestsrc with its streaming thread: negotiation, one buffer
 * after another, and the end.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrcpad.h"

#include <glib/gi18n-lib.h>

GST_DEBUG_CATEGORY_EXTERN (avm_test_src_debug);
#define GST_CAT_DEFAULT avm_test_src_debug

#define DEFAULT_WIDTH 1280
#define DEFAULT_HEIGHT 720
#define DEFAULT_RATE 48000
#define SAMPLES_PER_BUFFER 1024
#define LIVE_GAP (100 * GST_MSECOND)

#define gst_avm_test_src_pad_parent_class parent_class
G_DEFINE_TYPE (GstAvmTestSrcPad, gst_avm_test_src_pad, GST_TYPE_PAD);

static void
gst_avm_test_src_pad_clear (GstAvmTestSrcPad *pad)
{
  g_clear_pointer (&pad->picture, avm_test_picture_free);
  g_clear_pointer (&pad->strings, avm_strings_free);
  g_clear_pointer (&pad->series, gst_avm_series_info_free);
  g_clear_pointer (&pad->events, g_ptr_array_unref);
  if (pad->pool != NULL)
    gst_buffer_pool_set_active (pad->pool, FALSE);
  gst_clear_object (&pad->pool);
  pad->negotiated = FALSE;
}

static void
gst_avm_test_src_pad_finalize (GObject *object)
{
  gst_avm_test_src_pad_clear (GST_AVM_TEST_SRC_PAD (object));
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_avm_test_src_pad_class_init (GstAvmTestSrcPadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_avm_test_src_pad_finalize;
}

static void
gst_avm_test_src_pad_init (GstAvmTestSrcPad *pad)
{
  gst_segment_init (&pad->segment, GST_FORMAT_TIME);
  pad->flushing = TRUE;
  pad->number = -1;
}

/* -- formats ------------------------------------------------------------- */

GstCaps *
gst_avm_test_src_fixate_video (GstCaps *caps)
{
  GstCaps *colour = gst_caps_from_string ("video/x-raw, format = I420");
  GstStructure *s;

  /* in colour where that is welcome, even behind a converter that would
   * rather pass on what an encoder prefers */
  if (gst_caps_can_intersect (caps, colour)) {
    GstCaps *both = gst_caps_intersect (caps, colour);

    gst_caps_replace (&caps, both);
    gst_caps_unref (both);
  }
  gst_caps_unref (colour);
  caps = gst_caps_make_writable (gst_caps_truncate (caps));
  s = gst_caps_get_structure (caps, 0);
  gst_structure_fixate_field_nearest_int (s, "width", DEFAULT_WIDTH);
  gst_structure_fixate_field_nearest_int (s, "height", DEFAULT_HEIGHT);
  gst_structure_fixate_field_nearest_fraction (s, "framerate", 30, 1);
  if (gst_structure_has_field (s, "pixel-aspect-ratio"))
    gst_structure_fixate_field_nearest_fraction (s, "pixel-aspect-ratio", 1, 1);
  return gst_caps_fixate (caps);
}

static GstCaps *
fixate_audio (GstAvmTestSrcPad *pad, GstCaps *caps)
{
  GstStructure *s;

  caps = gst_caps_make_writable (gst_caps_truncate (caps));
  s = gst_caps_get_structure (caps, 0);
  gst_structure_fixate_field_nearest_int (s, "rate", DEFAULT_RATE);
  gst_structure_fixate_field_nearest_int (
      s, "channels", pad->stream == AVM_TEST_AUDIO ? 2 : 1);
  return gst_caps_fixate (caps);
}

static gboolean
setup_pool (GstAvmTestSrcPad *pad, GstCaps *caps)
{
  GstStructure *config;

  if (pad->pool != NULL)
    gst_buffer_pool_set_active (pad->pool, FALSE);
  gst_clear_object (&pad->pool);
  pad->pool = gst_video_buffer_pool_new ();
  config = gst_buffer_pool_get_config (pad->pool);
  gst_buffer_pool_config_set_params (
      config, caps, (guint)GST_VIDEO_INFO_SIZE (&pad->video), 2, 0);
  return gst_buffer_pool_set_config (pad->pool, config)
      && gst_buffer_pool_set_active (pad->pool, TRUE);
}

static gboolean
check_camera (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  gint n = self->orchestra != NULL ? (gint)self->running.cameras : 1;

  if (pad->number < n)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
      (_ ("There is no camera %d: this scene has %d, counted from 0. Set "
          "scene=orchestra and cameras=%d, or leave out the pad video_%d."),
          pad->number, n, pad->number + 1, pad->number),
      (NULL));
  return FALSE;
}

static gboolean
setup_video (GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstCaps *caps)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps) || !check_camera (self, pad))
    return FALSE;
  if (pad->picture == NULL
      || GST_VIDEO_INFO_WIDTH (&info) != GST_VIDEO_INFO_WIDTH (&pad->video)
      || GST_VIDEO_INFO_HEIGHT (&info) != GST_VIDEO_INFO_HEIGHT (&pad->video)
      || GST_VIDEO_INFO_IS_GRAY (&info)
          != GST_VIDEO_INFO_IS_GRAY (&pad->video)) {
    g_clear_pointer (&pad->picture, avm_test_picture_free);
    pad->picture =
        gst_avm_test_src_new_picture (self, &info, pad->number, FALSE);
  }
  /* another frame rate counts frames anew from where the stream is */
  if (pad->negotiated)
    pad->next = gst_util_uint64_scale_ceil (pad->segment.position,
        (guint64)GST_VIDEO_INFO_FPS_N (&info),
        GST_SECOND * (guint64)GST_VIDEO_INFO_FPS_D (&info));
  pad->video = info;
  return pad->picture != NULL && setup_pool (pad, caps);
}

static gboolean
setup_audio (GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstCaps *caps)
{
  AvmStringsConfig config;
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, caps))
    return FALSE;
  if (pad->negotiated && pad->strings != NULL
      && gst_audio_info_is_equal (&info, &pad->audio))
    return TRUE;
  g_clear_pointer (&pad->strings, avm_strings_free);
  avm_strings_config_init (&config);
  config.rate = GST_AUDIO_INFO_RATE (&info);
  config.channels = GST_AUDIO_INFO_CHANNELS (&info);
  config.part = pad->number;
  config.noise = self->running.audio_noise;
  config.reverb = self->running.reverb;
  config.seed = self->running.seed;
  pad->strings = avm_strings_new (self->ensemble, &config, NULL);
  if (pad->strings == NULL)
    return FALSE;
  if (pad->negotiated)
    pad->next = gst_util_uint64_scale_round (
        pad->segment.position, (guint64)config.rate, GST_SECOND);
  avm_strings_seek (pad->strings, (gint64)pad->next);
  pad->audio = info;
  return TRUE;
}

/* The rate of the picture; without one, as downstream wants it. */
static void
choose_region_rate (
    GstAvmTestSrc *self, GstAvmTestSrcPad *pad, const GstCaps *allowed)
{
  GstPad *video = gst_element_get_static_pad (GST_ELEMENT (self), "video");
  GstStructure *s = gst_structure_copy (gst_caps_get_structure (allowed, 0));
  gint n, d;

  gst_structure_fixate_field_nearest_fraction (s, "rate",
      GST_VIDEO_INFO_FPS_N (&pad->video), GST_VIDEO_INFO_FPS_D (&pad->video));
  if (video == NULL && gst_structure_get_fraction (s, "rate", &n, &d)
      && n > 0) {
    GST_VIDEO_INFO_FPS_N (&pad->video) = n;
    GST_VIDEO_INFO_FPS_D (&pad->video) = d;
  }
  gst_structure_free (s);
  gst_clear_object (&video);
}

/* One channel per coordinate of every region of every player */
static GstCaps *
setup_regions (
    GstAvmTestSrc *self, GstAvmTestSrcPad *pad, const GstCaps *allowed)
{
  static const gchar *const quantities[4] = {"x", "y", "w", "h"};
  gint fps_n, fps_d;

  gst_avm_test_src_get_video_info (self, "video", &pad->video);
  choose_region_rate (self, pad, allowed);
  fps_n = GST_VIDEO_INFO_FPS_N (&pad->video);
  fps_d = GST_VIDEO_INFO_FPS_D (&pad->video);
  g_clear_pointer (&pad->series, gst_avm_series_info_free);
  pad->series = gst_avm_series_info_new ("region", fps_n, fps_d);
  for (guint player = 0; player < gst_avm_test_src_n_players (self); player++) {
    gint part = gst_avm_test_src_player_part (self, player);

    for (guint role = 0; role < AVM_TEST_N_ROLES; role++) {
      for (guint q = 0; q < 4; q++) {
        g_autofree gchar *name =
            g_strdup_printf ("%s%d-%s", avm_test_role_name (role),
                avm_test_region_id (role, player), quantities[q]);

        gst_avm_series_info_add_channel (pad->series, name, quantities[q], "px",
            avm_test_region_id (role, player), part);
      }
    }
  }
  g_clear_pointer (&pad->picture, avm_test_picture_free);
  pad->picture = gst_avm_test_src_new_picture (
      self, &pad->video, AVM_HALL_PROGRAMME, TRUE);
  return pad->picture == NULL ? NULL
                              : gst_avm_series_info_to_caps (pad->series);
}

static gboolean
setup_events (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  g_clear_pointer (&pad->events, g_ptr_array_unref);
  switch (pad->stream) {
    case AVM_TEST_NOTES:
      pad->events = avm_test_truth_notes (self);
      break;
    case AVM_TEST_VIBRATO:
      pad->events = avm_test_truth_vibrato (self);
      break;
    case AVM_TEST_ACTIVITY:
      pad->events = avm_test_truth_activity (self);
      break;
    case AVM_TEST_APPEARANCE:
      pad->events = avm_test_truth_appearance (self);
      break;
    case AVM_TEST_SHOTS:
      pad->events = avm_test_truth_shots (self);
      break;
    default:
      pad->events = avm_test_truth_association (self);
      break;
  }
  return pad->events != NULL;
}

static GstCaps *
choose_caps (GstAvmTestSrcPad *pad)
{
  GstCaps *caps = gst_pad_get_allowed_caps (GST_PAD (pad));

  if (caps == NULL)
    caps = gst_pad_get_pad_template_caps (GST_PAD (pad));
  if (gst_caps_is_empty (caps) || pad->stream > AVM_TEST_PART)
    return caps;
  if (pad->stream <= AVM_TEST_CAMERA)
    return gst_avm_test_src_fixate_video (caps);
  return fixate_audio (pad, caps);
}

static GstFlowReturn
negotiate (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  g_autoptr (GstCaps) caps = choose_caps (pad);
  gboolean ok = !gst_caps_is_empty (caps);

  if (!ok)
    return GST_FLOW_NOT_NEGOTIATED;
  switch (pad->stream) {
    case AVM_TEST_VIDEO:
    case AVM_TEST_CAMERA:
      ok = setup_video (self, pad, caps);
      break;
    case AVM_TEST_AUDIO:
    case AVM_TEST_PART:
      ok = setup_audio (self, pad, caps);
      break;
    case AVM_TEST_REGIONS:
      gst_caps_take (&caps, setup_regions (self, pad, caps));
      ok = caps != NULL;
      break;
    default:
      /* the template of events is fixed */
      ok = setup_events (self, pad);
      gst_caps_take (&caps, gst_pad_get_pad_template_caps (GST_PAD (pad)));
      break;
  }
  if (!ok || !gst_pad_push_event (GST_PAD (pad), gst_event_new_caps (caps))) {
    gboolean linked = gst_pad_is_linked (GST_PAD (pad));

    if (GST_PAD_IS_FLUSHING (pad))
      return GST_FLOW_FLUSHING;
    /* caps are kept for a peer that comes later */
    if (!ok || linked)
      return GST_FLOW_NOT_NEGOTIATED;
  }
  pad->negotiated = TRUE;
  return GST_FLOW_OK;
}

/* -- time ---------------------------------------------------------------- */

static gboolean
is_sparse (const GstAvmTestSrcPad *pad)
{
  return pad->stream >= AVM_TEST_NOTES && pad->stream < AVM_TEST_REGIONS;
}

/* Live: until the clock has come to that time of the stream. */
static GstFlowReturn
wait_for (GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstClockTime time)
{
  GstClockTime running =
      gst_segment_to_running_time (&pad->segment, GST_FORMAT_TIME, time);
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean waited = !self->running.is_live || running == GST_CLOCK_TIME_NONE;

  g_mutex_lock (&self->lock);
  while (!pad->flushing && !pad->send_eos
      && (!waited || (self->running.is_live && !self->playing))) {
    GstClock *clock;
    GstClockReturn ret = GST_CLOCK_OK;

    if (!self->playing) {
      g_cond_wait (&self->cond, &self->lock);
      continue;
    }
    clock = gst_element_get_clock (GST_ELEMENT (self));
    if (clock == NULL)
      break;
    pad->clock_id = gst_clock_new_single_shot_id (
        clock, gst_element_get_base_time (GST_ELEMENT (self)) + running);
    g_mutex_unlock (&self->lock);
    ret = gst_clock_id_wait (pad->clock_id, NULL);
    g_mutex_lock (&self->lock);
    gst_clock_id_unref (pad->clock_id);
    pad->clock_id = NULL;
    gst_object_unref (clock);
    waited = ret != GST_CLOCK_UNSCHEDULED;
  }
  if (pad->flushing)
    flow = GST_FLOW_FLUSHING;
  else if (pad->send_eos)
    flow = GST_FLOW_EOS;
  g_mutex_unlock (&self->lock);
  return flow;
}

static GstClockTime
frame_time (const GstAvmTestSrcPad *pad, guint64 frame)
{
  return gst_util_uint64_scale (frame,
      GST_SECOND * (guint64)GST_VIDEO_INFO_FPS_D (&pad->video),
      (guint64)GST_VIDEO_INFO_FPS_N (&pad->video));
}

static GstClockTime
sample_time (const GstAvmTestSrcPad *pad, guint64 sample)
{
  return gst_util_uint64_scale_round (
      sample, GST_SECOND, (guint64)GST_AUDIO_INFO_RATE (&pad->audio));
}

/* Where the stream ends: the segment's stop or the performance's end */
static GstClockTime
stop_time (const GstAvmTestSrc *self, const GstAvmTestSrcPad *pad)
{
  GstClockTime stop = pad->segment.stop;

  return GST_CLOCK_TIME_IS_VALID (stop) ? MIN (stop, self->duration)
                                        : self->duration;
}

/* -- buffers ------------------------------------------------------------- */

static GstFlowReturn
push (GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstBuffer *buffer)
{
  GST_BUFFER_OFFSET (buffer) = pad->next;
  if (pad->discont && !is_sparse (pad))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  pad->discont = FALSE;
  return gst_pad_push (GST_PAD (pad), buffer);
}

/* Who is out of shot has no region. */
static void
attach_regions (
    GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstBuffer *buffer, gdouble time)
{
  AvmSight sights[AVM_ORCHESTRA_MAX_PLAYERS];

  avm_test_picture_observe (pad->picture, self, time, sights);
  for (guint player = 0; player < gst_avm_test_src_n_players (self); player++) {
    for (guint role = 0; role < AVM_TEST_N_ROLES; role++) {
      const AvmStageRect *rect = &sights[player].boxes[role];
      GstAvmRegion *region;

      if (self->orchestra != NULL && rect->visible <= 0.0)
        continue;
      region = gst_avm_region_new (avm_test_region_id (role, player),
          avm_test_role_name (role), (gfloat)rect->x, (gfloat)rect->y,
          (gfloat)rect->w, (gfloat)rect->h);
      region->part = gst_avm_test_src_player_part (self, player);
      region->confidence = (gfloat)rect->visible;
      gst_buffer_add_avm_region_meta (buffer, region);
      gst_avm_region_free (region);
    }
  }
}

static void
draw (const GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstVideoFrame *frame,
    gdouble time)
{
  guint8 *planes[3] = {
      NULL,
  };
  int strides[3] = {
      0,
  };
  guint n = MIN (GST_VIDEO_FRAME_N_COMPONENTS (frame), 3);

  for (guint c = 0; c < n; c++) {
    planes[c] = GST_VIDEO_FRAME_COMP_DATA (frame, c);
    strides[c] = GST_VIDEO_FRAME_COMP_STRIDE (frame, c);
  }
  avm_test_picture_render (pad->picture, self, time, planes, strides, (gint)n);
}

static GstFlowReturn
push_video (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstClockTime pts = frame_time (pad, pad->next);
  gdouble time = (gdouble)pts / GST_SECOND;
  GstVideoFrame frame;
  GstBuffer *buffer = NULL;
  GstFlowReturn flow;

  if (pts >= stop_time (self, pad))
    return GST_FLOW_EOS;
  flow = gst_buffer_pool_acquire_buffer (pad->pool, &buffer, NULL);
  if (flow != GST_FLOW_OK)
    return flow;
  if (!gst_video_frame_map (&frame, &pad->video, buffer, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  draw (self, pad, &frame, time);
  gst_video_frame_unmap (&frame);
  if (self->running.attach_regions)
    attach_regions (self, pad, buffer, time);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (buffer) = frame_time (pad, pad->next + 1) - pts;
  GST_BUFFER_OFFSET_END (buffer) = pad->next + 1;
  flow = wait_for (self, pad, pts);
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    return flow;
  }
  pad->segment.position = pts + GST_BUFFER_DURATION (buffer);
  flow = push (self, pad, buffer);
  pad->next++;
  return flow;
}

static void
render_audio (GstAvmTestSrcPad *pad, GstBuffer *buffer, gsize n)
{
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    return;
  if (GST_AUDIO_INFO_FORMAT (&pad->audio) == GST_AUDIO_FORMAT_F32)
    avm_strings_render (pad->strings, (gfloat *)map.data, n);
  else
    avm_strings_render_s16 (pad->strings, (gint16 *)map.data, n);
  gst_buffer_unmap (buffer, &map);
}

static GstFlowReturn
push_audio (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  guint64 end = gst_util_uint64_scale_round (stop_time (self, pad),
      (guint64)GST_AUDIO_INFO_RATE (&pad->audio), GST_SECOND);
  gsize n;
  GstBuffer *buffer;
  GstFlowReturn flow;

  if (pad->next >= end)
    return GST_FLOW_EOS;
  n = (gsize)MIN (SAMPLES_PER_BUFFER, end - pad->next);
  buffer = gst_buffer_new_allocate (
      NULL, n * (gsize)GST_AUDIO_INFO_BPF (&pad->audio), NULL);
  if (buffer == NULL)
    return GST_FLOW_ERROR;
  render_audio (pad, buffer, n);
  GST_BUFFER_PTS (buffer) = sample_time (pad, pad->next);
  GST_BUFFER_DURATION (buffer) =
      sample_time (pad, pad->next + n) - GST_BUFFER_PTS (buffer);
  GST_BUFFER_OFFSET_END (buffer) = pad->next + n;
  pad->segment.position = sample_time (pad, pad->next + n);
  flow = wait_for (self, pad, pad->segment.position);
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    return flow;
  }
  flow = push (self, pad, buffer);
  pad->next += n;
  return flow;
}

static GstFlowReturn
push_regions (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstClockTime pts = frame_time (pad, pad->next);
  gfloat row[AVM_ORCHESTRA_MAX_PLAYERS * AVM_TEST_N_ROLES * 4], *value = row;
  gdouble time = (gdouble)pts / GST_SECOND;
  AvmSight sights[AVM_ORCHESTRA_MAX_PLAYERS];
  GstFlowReturn flow;
  GstBuffer *buffer;

  if (pts >= stop_time (self, pad))
    return GST_FLOW_EOS;
  avm_test_picture_observe (pad->picture, self, time, sights);
  for (guint player = 0; player < gst_avm_test_src_n_players (self); player++) {
    for (guint role = 0; role < AVM_TEST_N_ROLES; role++) {
      const AvmStageRect *r = &sights[player].boxes[role];

      *value++ = (gfloat)r->x;
      *value++ = (gfloat)r->y;
      *value++ = (gfloat)r->w;
      *value++ = (gfloat)r->h;
    }
  }
  flow = wait_for (self, pad, pts);
  if (flow != GST_FLOW_OK)
    return flow;
  buffer = gst_avm_series_buffer_new (pad->series, row, 1, pts);
  GST_BUFFER_DURATION (buffer) = frame_time (pad, pad->next + 1) - pts;
  pad->segment.position = pts + GST_BUFFER_DURATION (buffer);
  flow = push (self, pad, buffer);
  pad->next++;
  return flow;
}

/* Nothing happens up to `until`; live, the news comes in small portions. */
static GstFlowReturn
push_gap (GstAvmTestSrc *self, GstAvmTestSrcPad *pad, GstClockTime until)
{
  GstClockTime from = pad->segment.position;
  GstFlowReturn flow;

  if (self->running.is_live)
    until = MIN (until, from + LIVE_GAP);
  flow = wait_for (self, pad, until);
  if (flow != GST_FLOW_OK)
    return flow;
  pad->segment.position = until;
  gst_pad_push_event (GST_PAD (pad), gst_event_new_gap (from, until - from));
  return GST_FLOW_OK;
}

static GstFlowReturn
push_events (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstClockTime stop = stop_time (self, pad);
  const GstAvmEvent *event = NULL;
  GstFlowReturn flow;

  /* what was over before the segment began is not told */
  while (pad->next < pad->events->len) {
    event = g_ptr_array_index (pad->events, pad->next);
    if (event->onset + event->duration > pad->segment.start)
      break;
    pad->next++;
  }
  if (pad->next >= pad->events->len || event->onset >= stop) {
    if (pad->segment.position < stop)
      return push_gap (self, pad, stop);
    return GST_FLOW_EOS;
  }
  if (event->onset > pad->segment.position)
    return push_gap (self, pad, event->onset);
  flow = wait_for (self, pad, MAX (event->onset, pad->segment.start));
  if (flow != GST_FLOW_OK)
    return flow;
  flow = push (self, pad, gst_avm_event_to_buffer (event));
  pad->next++;
  return flow;
}

/* -- the thread ---------------------------------------------------------- */

static void
open_stream (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  g_autofree gchar *id = gst_pad_create_stream_id (
      GST_PAD (pad), GST_ELEMENT (self), GST_PAD_NAME (pad));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_group_id (event, self->group_id);
  gst_event_set_stream_flags (
      event, is_sparse (pad) ? GST_STREAM_FLAG_SPARSE : GST_STREAM_FLAG_SELECT);
  gst_pad_push_event (GST_PAD (pad), event);
  pad->opened = TRUE;
}

static void
set_seqnum (const GstAvmTestSrcPad *pad, GstEvent *event)
{
  if (pad->seqnum != GST_SEQNUM_INVALID)
    gst_event_set_seqnum (event, pad->seqnum);
}

static void
place_in_segment (GstAvmTestSrcPad *pad)
{
  guint64 at = pad->segment.position;

  switch (pad->stream) {
    case AVM_TEST_VIDEO:
    case AVM_TEST_CAMERA:
    case AVM_TEST_REGIONS:
      /* the frame that is seen at that time */
      pad->next = gst_util_uint64_scale (at,
          (guint64)GST_VIDEO_INFO_FPS_N (&pad->video),
          GST_SECOND * (guint64)GST_VIDEO_INFO_FPS_D (&pad->video));
      while (frame_time (pad, pad->next + 1) <= at)
        pad->next++;
      break;
    case AVM_TEST_AUDIO:
    case AVM_TEST_PART:
      pad->next = gst_util_uint64_scale_round (
          at, (guint64)GST_AUDIO_INFO_RATE (&pad->audio), GST_SECOND);
      avm_strings_seek (pad->strings, (gint64)pad->next);
      break;
    default:
      pad->next = 0;
      break;
  }
}

static GstFlowReturn
prepare (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstFlowReturn flow;
  GstEvent *event;

  if (!pad->opened)
    open_stream (self, pad);
  if (gst_pad_check_reconfigure (GST_PAD (pad)) || !pad->negotiated) {
    flow = negotiate (self, pad);
    if (flow != GST_FLOW_OK) {
      gst_pad_mark_reconfigure (GST_PAD (pad));
      return flow;
    }
  }
  if (pad->need_segment) {
    place_in_segment (pad);
    event = gst_event_new_segment (&pad->segment);
    set_seqnum (pad, event);
    gst_pad_push_event (GST_PAD (pad), event);
    pad->need_segment = FALSE;
    pad->discont = TRUE;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
step (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstFlowReturn flow = prepare (self, pad);
  gboolean end;

  if (flow != GST_FLOW_OK)
    return flow;
  g_mutex_lock (&self->lock);
  end = pad->send_eos;
  g_mutex_unlock (&self->lock);
  if (end)
    return GST_FLOW_EOS;
  switch (pad->stream) {
    case AVM_TEST_VIDEO:
    case AVM_TEST_CAMERA:
      return push_video (self, pad);
    case AVM_TEST_AUDIO:
    case AVM_TEST_PART:
      return push_audio (self, pad);
    case AVM_TEST_REGIONS:
      return push_regions (self, pad);
    default:
      return push_events (self, pad);
  }
}

/* The application hears once that all pads have come to the end. */
static void
end_segment (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  gint64 stop = (gint64)stop_time (self, pad);
  GstEvent *event = gst_event_new_segment_done (GST_FORMAT_TIME, stop);
  gboolean last;

  set_seqnum (pad, event);
  gst_pad_push_event (GST_PAD (pad), event);
  g_mutex_lock (&self->lock);
  last = self->segments > 0 && --self->segments == 0;
  g_mutex_unlock (&self->lock);
  if (last) {
    GstMessage *message =
        gst_message_new_segment_done (GST_OBJECT (self), GST_FORMAT_TIME, stop);

    gst_message_set_seqnum (message, pad->seqnum);
    gst_element_post_message (GST_ELEMENT (self), message);
  }
}

static void
end_stream (GstAvmTestSrc *self, GstAvmTestSrcPad *pad)
{
  GstEvent *event;
  gboolean asked;

  g_mutex_lock (&self->lock);
  asked = pad->send_eos;
  g_mutex_unlock (&self->lock);
  if ((pad->segment.flags & GST_SEGMENT_FLAG_SEGMENT) && !asked) {
    end_segment (self, pad);
    return;
  }
  event = gst_event_new_eos ();
  set_seqnum (pad, event);
  gst_pad_push_event (GST_PAD (pad), event);
}

/* A pad without a peer waits for one; when none has a peer, that is an
 * error. */
static gboolean
any_linked (GstAvmTestSrc *self)
{
  gboolean linked = FALSE;

  GST_OBJECT_LOCK (self);
  for (GList *l = GST_ELEMENT (self)->srcpads; l != NULL; l = l->next)
    linked = linked || !GST_AVM_TEST_SRC_PAD (l->data)->not_linked;
  GST_OBJECT_UNLOCK (self);
  return linked;
}

static void
loop (gpointer data)
{
  GstAvmTestSrcPad *pad = data;
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (GST_PAD_PARENT (pad));
  GstFlowReturn flow = step (self, pad);

  if (flow == GST_FLOW_OK)
    return;
  GST_DEBUG_OBJECT (pad, "pausing: %s", gst_flow_get_name (flow));
  gst_pad_pause_task (GST_PAD (pad));
  if (flow == GST_FLOW_EOS) {
    end_stream (self, pad);
  } else if (flow == GST_FLOW_NOT_LINKED) {
    g_mutex_lock (&self->lock);
    pad->not_linked = TRUE;
    /* linked in the meantime */
    if (GST_PAD_NEEDS_RECONFIGURE (pad) && !pad->flushing)
      gst_avm_test_src_pad_start (pad);
    g_mutex_unlock (&self->lock);
    if (!any_linked (self))
      GST_ELEMENT_FLOW_ERROR (self, flow);
  } else if (flow < GST_FLOW_EOS) {
    GST_ELEMENT_FLOW_ERROR (self, flow);
    gst_pad_push_event (GST_PAD (pad), gst_event_new_eos ());
  }
}

void
gst_avm_test_src_pad_start (GstAvmTestSrcPad *pad)
{
  pad->flushing = FALSE;
  pad->not_linked = FALSE;
  gst_pad_start_task (GST_PAD (pad), loop, pad, NULL);
}

void
gst_avm_test_src_pad_unschedule (GstAvmTestSrcPad *pad)
{
  if (pad->clock_id != NULL)
    gst_clock_id_unschedule (pad->clock_id);
}

void
gst_avm_test_src_pad_set_segment (
    GstAvmTestSrcPad *pad, const GstSegment *segment, guint32 seqnum)
{
  gst_segment_copy_into (segment, &pad->segment);
  pad->seqnum = seqnum;
  pad->need_segment = TRUE;
}

void
gst_avm_test_src_pad_begin (GstAvmTestSrcPad *pad, GstAvmTestSrc *self)
{
  GstSegment segment;

  pad->opened = FALSE;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.duration = self->duration;
  gst_avm_test_src_pad_set_segment (pad, &segment, GST_SEQNUM_INVALID);
  g_mutex_lock (&self->lock);
  pad->send_eos = FALSE;
  gst_avm_test_src_pad_start (pad);
  g_mutex_unlock (&self->lock);
}

static gboolean
activate_mode (
    GstPad *gst_pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstAvmTestSrcPad *pad = GST_AVM_TEST_SRC_PAD (gst_pad);
  GstAvmTestSrc *self;

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  /* a pad for a running element: it begins when it has been added */
  if (parent == NULL)
    return TRUE;
  self = GST_AVM_TEST_SRC (parent);
  if (active) {
    gst_avm_test_src_pad_begin (pad, self);
    return TRUE;
  }
  g_mutex_lock (&self->lock);
  pad->flushing = TRUE;
  gst_avm_test_src_pad_unschedule (pad);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_pad_stop_task (gst_pad);
  gst_avm_test_src_pad_clear (pad);
  return TRUE;
}

/* -- events and queries -------------------------------------------------- */

static gboolean
src_event (GstPad *gst_pad, GstObject *parent, GstEvent *event)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (parent);
  GstAvmTestSrcPad *pad = GST_AVM_TEST_SRC_PAD (gst_pad);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEEK:
      return gst_avm_test_src_seek (self, event);
    case GST_EVENT_RECONFIGURE:
      g_mutex_lock (&self->lock);
      if (pad->not_linked && !pad->flushing)
        gst_avm_test_src_pad_start (pad);
      g_mutex_unlock (&self->lock);
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_QOS:
      /* every run is the same: no frame is left out */
      gst_event_unref (event);
      return TRUE;
    default:
      return gst_pad_event_default (gst_pad, parent, event);
  }
}

/* How late a live buffer may come: it is complete at its end, or must be
 * drawn first. */
static GstClockTime
live_latency (GstAvmTestSrcPad *pad)
{
  GstCaps *caps;
  GstAudioInfo audio;
  GstClockTime latency = 40 * GST_MSECOND;

  if (is_sparse (pad))
    return LIVE_GAP;
  caps = gst_pad_get_current_caps (GST_PAD (pad));
  if (caps != NULL && gst_audio_info_from_caps (&audio, caps))
    latency = gst_util_uint64_scale_ceil (
        SAMPLES_PER_BUFFER, GST_SECOND, (guint64)GST_AUDIO_INFO_RATE (&audio));
  gst_clear_caps (&caps);
  return latency;
}

static gboolean
src_query (GstPad *gst_pad, GstObject *parent, GstQuery *query)
{
  GstAvmTestSrc *self = GST_AVM_TEST_SRC (parent);
  GstAvmTestSrcPad *pad = GST_AVM_TEST_SRC_PAD (gst_pad);
  GstFormat format;
  gboolean live = self->running.is_live;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &format, NULL);
      if (format != GST_FORMAT_TIME || self->ensemble == NULL)
        return FALSE;
      gst_query_set_duration (query, format, (gint64)self->duration);
      return TRUE;
    case GST_QUERY_POSITION:
      gst_query_parse_position (query, &format, NULL);
      if (format != GST_FORMAT_TIME || self->ensemble == NULL)
        return FALSE;
      gst_query_set_position (query, format, (gint64)pad->segment.position);
      return TRUE;
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
      if (format == GST_FORMAT_TIME)
        gst_query_set_seeking (query, format, !live, 0, (gint64)self->duration);
      else
        gst_query_set_seeking (query, format, FALSE, 0, -1);
      return TRUE;
    case GST_QUERY_LATENCY:
      gst_query_set_latency (
          query, live, live ? live_latency (pad) : 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    default:
      return gst_pad_query_default (gst_pad, parent, query);
  }
}

GstAvmTestSrcPad *
gst_avm_test_src_pad_new (
    GstPadTemplate *templ, const gchar *name, AvmTestStream stream, gint number)
{
  GstAvmTestSrcPad *pad = g_object_new (GST_TYPE_AVM_TEST_SRC_PAD, "name", name,
      "direction", GST_PAD_SRC, "template", templ, NULL);

  pad->stream = stream;
  pad->number = number;
  gst_pad_set_activatemode_function (
      GST_PAD (pad), GST_DEBUG_FUNCPTR (activate_mode));
  gst_pad_set_event_function (GST_PAD (pad), GST_DEBUG_FUNCPTR (src_event));
  gst_pad_set_query_function (GST_PAD (pad), GST_DEBUG_FUNCPTR (src_query));
  return pad;
}
