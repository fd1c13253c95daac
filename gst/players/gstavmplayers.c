/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmplayers
 * @title: avmplayers
 * @short_description: finds the players of a film, their hands and their bows
 *
 * avmplayers watches a film of string players for some seconds
 * (#GstAvmPlayers:analysis-time) and says who sits where, so that avmklttrack
 * and everything after it run without coordinates typed by a person. After Li,
 * Dinesh, Duan and Sharma, "See and listen: score-informed association of sound
 * tracks to players in chamber music performance videos", ICASSP 2017: what
 * moves is summed up over time and divided among as many players as the data
 * (or #GstAvmPlayers:players) ask for, and inside each player the bowing region
 * is where slow, large strokes are, the fingering hand where motion of 3.5 to 9
 * Hz is.
 *
 * The frame with which watching ends gets a #GstAvmRegionMeta for each region
 * that was found, state given, where it is in that very frame. Players are
 * numbered from left to right (see gst_avm_region_id()). When it looks again
 * (#GstAvmPlayers:update-interval), who sits where somebody sat before keeps
 * that number, and others get new ones:
 *
 * * `player` 101, 102, ...: head to knees with the instrument;
 * * `hand` 201, 202, ...: a box around the fingering hand;
 * * `bow` 301, 302, ...: the reach of the bowing hand, all of where the strokes
 *   take it, and a little more. avmklttrack carries it along with the player.
 *
 * A film that is seen in a mirror is recognised as such: all of its players bow
 * with the hand on the other side.
 *
 * `confidence` (0 to 1) says how far the motion of a region stands out; near 0
 * it is a guess from the build of a player. Of somebody who rests as long as is
 * watched, `hand` and `bow` are such guesses, below 0.3 nearly always: watch
 * longer, or look again later. Where nobody is found a warning says so, and
 * watching begins anew.
 *
 * Frames pass while they are watched, without regions. With
 * #GstAvmPlayers:write-regions the same regions are also written to a text file
 * as they are in the first frame that was watched: a second pass reads it with
 * #GstAvmKltTrack:regions-location and follows them from there. When the stream
 * ends sooner, what was seen until then is used for the file.
 *
 * Each time an element message `avm-players` is posted: `timestamp`,
 * `stream-time`, `running-time` (guint64, ns), `players` (uint), and `regions`
 * (string): <<id, role, x, y, w, h>, ...>, px in the frame with which watching
 * ended, as #GstAvmKltTrack:regions takes them.
 *
 * The sink takes raw video with an 8-bit luma plane and reads it in place.
 * Causal, no latency; the frame with which watching ends takes 0.1 to 0.5 s.
 * While it watches it costs one dense flow of a small picture (about 360 lines)
 * per frame, after that nothing. Memory: about 5 MB per second watched, given
 * back afterwards.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=duet.mp4 ! decodebin ! avmplayers analysis-time=2000000000 ! avmklttrack ! avmopticalflow ! avmeventenc ! application/x-ndjson ! filesink location=motion.jsonl
 * ]| How the players of a duet move, without coordinates.
 * |[
 * gst-launch-1.0 -m avmtestsrc name=t players=2 num-seconds=6 t.video ! avmplayers analysis-time=5000000000 ! avmklttrack ! avmoverlay ! videoconvert ! autovideosink
 * ]| Shows whom it finds in the virtual ensemble.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmplayers.h"

#include <glib/gi18n-lib.h>
#include <gst/avm/avm.h>
#include <gst/video/video.h>

#include "../common/avmluma.h"
#include "vision/avm-players.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_players_debug);
#define GST_CAT_DEFAULT gst_avm_players_debug

#define DEFAULT_PLAYERS 0
#define DEFAULT_ANALYSIS_TIME (10 * GST_SECOND)
#define DEFAULT_UPDATE_INTERVAL 0
#define DEFAULT_WRITE_REGIONS NULL
#define DEFAULT_POST_MESSAGES TRUE

#define MIN_ANALYSIS_TIME (GST_SECOND / 2)
/* Small pictures and flow of all of it are kept. */
#define MAX_ANALYSIS_TIME (120 * GST_SECOND)
/* A longer silence between two frames is no continuation. */
#define MAX_GAP GST_SECOND
/* Bodies that have so much of their union in common are one player's. */
#define SAME_PLAYER 0.3f
/* Ids of a role lie within a hundred. */
#define MAX_NUMBERS 99

enum {
  PROP_0,
  PROP_PLAYERS,
  PROP_ANALYSIS_TIME,
  PROP_UPDATE_INTERVAL,
  PROP_WRITE_REGIONS,
  PROP_POST_MESSAGES
};

typedef struct {
  guint players;
  GstClockTime analysis_time;
  GstClockTime update_interval;
  gchar *write_regions;
  gboolean post_messages;
} Settings;

struct _GstAvmPlayers {
  GstBaseTransform parent;

  /* under the object lock */
  Settings settings;

  /* streaming state */
  GstVideoInfo info;
  AvmPlayers *finder;
  GArray *known; /* AvmPlayersRect: by number, where a player was seen last */
  gboolean watching;
  gboolean found;   /* somebody, since the stream began */
  gboolean warned;  /* that nobody was */
  guint64 n_frames; /* for frames without a time */
  GstClockTime last_time;
  GstClockTime next_time; /* when to watch again; none: never */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (AVM_LUMA_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (AVM_LUMA_CAPS));

#define gst_avm_players_parent_class parent_class
G_DEFINE_TYPE (GstAvmPlayers, gst_avm_players, GST_TYPE_BASE_TRANSFORM);
GST_ELEMENT_REGISTER_DEFINE (
    avmplayers, "avmplayers", GST_RANK_NONE, GST_TYPE_AVM_PLAYERS)

/* -- properties ------------------------------------------------------------ */

static void
gst_avm_players_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PLAYERS:
      settings->players = g_value_get_uint (value);
      break;
    case PROP_ANALYSIS_TIME:
      settings->analysis_time = g_value_get_uint64 (value);
      break;
    case PROP_UPDATE_INTERVAL:
      settings->update_interval = g_value_get_uint64 (value);
      break;
    case PROP_WRITE_REGIONS:
      g_free (settings->write_regions);
      settings->write_regions = g_value_dup_string (value);
      break;
    case PROP_POST_MESSAGES:
      settings->post_messages = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_players_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (object);
  const Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_PLAYERS:
      g_value_set_uint (value, settings->players);
      break;
    case PROP_ANALYSIS_TIME:
      g_value_set_uint64 (value, settings->analysis_time);
      break;
    case PROP_UPDATE_INTERVAL:
      g_value_set_uint64 (value, settings->update_interval);
      break;
    case PROP_WRITE_REGIONS:
      g_value_set_string (value, settings->write_regions);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, settings->post_messages);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
settings_copy (GstAvmPlayers *self, Settings *copy)
{
  GST_OBJECT_LOCK (self);
  *copy = self->settings;
  copy->write_regions = g_strdup (copy->write_regions);
  GST_OBJECT_UNLOCK (self);
}

/* -- state ----------------------------------------------------------------- */

static void
watch_anew (GstAvmPlayers *self)
{
  if (self->finder != NULL)
    avm_players_reset (self->finder);
  self->watching = TRUE;
  self->n_frames = 0;
  self->last_time = self->next_time = GST_CLOCK_TIME_NONE;
}

static gboolean
gst_avm_players_start (GstBaseTransform *trans)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (trans);

  self->found = self->warned = FALSE;
  g_array_set_size (self->known, 0);
  watch_anew (self);
  return TRUE;
}

static gboolean
gst_avm_players_stop (GstBaseTransform *trans)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (trans);

  g_clear_pointer (&self->finder, avm_players_free);
  gst_video_info_init (&self->info);
  return TRUE;
}

static gboolean
gst_avm_players_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (trans);
  AvmError error = {AVM_OK, -1, ""};
  GstVideoInfo info;
  gboolean same;

  if (!gst_video_info_from_caps (&info, incaps)) {
    GST_ERROR_OBJECT (self, "cannot parse %" GST_PTR_FORMAT, incaps);
    return FALSE;
  }
  same = self->finder != NULL && info.width == self->info.width
      && info.height == self->info.height;
  self->info = info;
  if (same)
    return TRUE;
  g_clear_pointer (&self->finder, avm_players_free);
  g_array_set_size (self->known, 0);
  if (self->watching)
    watch_anew (self);
  if (info.width <= 16384 && info.height <= 16384)
    self->finder = avm_players_new (info.width, info.height, &error);
  if (self->finder != NULL)
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("Players cannot be looked for in frames of %dx%d pixels. Scale the "
          "video down before avmplayers."),
          info.width, info.height),
      ("%s", error.detail));
  return FALSE;
}

static gboolean
gst_avm_players_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* -- numbers of players ---------------------------------------------------- */

/* Intersection over union */
static gfloat
overlap (const AvmPlayersRect *a, const AvmPlayersRect *b)
{
  gfloat w = MIN (a->x + a->w, b->x + b->w) - MAX (a->x, b->x);
  gfloat h = MIN (a->y + a->h, b->y + b->h) - MAX (a->y, b->y);
  gfloat both = MAX (w, 0.0f) * MAX (h, 0.0f);

  return both / MAX (a->w * a->h + b->w * b->h - both, 1.0f);
}

/* The number of nobody who was found this time */
static guint
new_number (GstAvmPlayers *self, const gboolean *taken)
{
  static const AvmPlayersRect nowhere = {0.0f, 0.0f, 0.0f, 0.0f};
  guint number = 0;

  if (self->known->len < MAX_NUMBERS) {
    g_array_append_val (self->known, nowhere);
    return self->known->len - 1;
  }
  while (taken[number])
    number++;
  return number;
}

/* Who is where somebody was is the same; the most alike pairs first. */
static void
number_players (GstAvmPlayers *self, guint n, guint *numbers)
{
  gboolean taken[MAX_NUMBERS] = {FALSE}, done[AVM_PLAYERS_MAX] = {FALSE};

  for (;;) {
    gfloat best = SAME_PLAYER;
    guint player = n, number = 0;

    for (guint i = 0; i < n; i++) {
      for (guint k = 0; k < self->known->len && !done[i]; k++) {
        gfloat common =
            overlap (&avm_players_get (self->finder, (gint)i)->body.last,
                &g_array_index (self->known, AvmPlayersRect, k));

        if (taken[k] || common <= best)
          continue;
        best = common;
        player = i;
        number = k;
      }
    }
    if (player == n)
      break;
    done[player] = taken[number] = TRUE;
    numbers[player] = number;
  }
  for (guint i = 0; i < n; i++) {
    if (!done[i])
      numbers[i] = new_number (self, taken);
    taken[numbers[i]] = TRUE;
    g_array_index (self->known, AvmPlayersRect, numbers[i]) =
        avm_players_get (self->finder, (gint)i)->body.last;
  }
}

/* -- what was found -------------------------------------------------------- */

static void
add_region (GPtrArray *regions, const gchar *role, guint player,
    const AvmPlayersPart *part, gboolean first)
{
  const AvmPlayersRect *rect = first ? &part->first : &part->last;
  GstAvmRegion *region = gst_avm_region_new (gst_avm_region_id (role, player),
      role, rect->x, rect->y, rect->w, rect->h);

  region->confidence = part->confidence;
  region->state = GST_AVM_REGION_GIVEN;
  g_ptr_array_add (regions, region);
}

static GPtrArray *
list_regions (
    GstAvmPlayers *self, guint n, const guint *numbers, gboolean first)
{
  GPtrArray *regions =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_region_free);

  for (guint i = 0; i < n; i++) {
    const AvmFoundPlayer *player = avm_players_get (self->finder, (gint)i);

    add_region (regions, "player", numbers[i], &player->body, first);
    add_region (regions, "hand", numbers[i], &player->hand, first);
    add_region (regions, "bow", numbers[i], &player->bow, first);
  }
  return regions;
}

static void
write_regions (GstAvmPlayers *self, const Settings *settings, guint n,
    const guint *numbers)
{
  GError *error = NULL;
  GPtrArray *regions;

  if (settings->write_regions == NULL)
    return;
  regions = list_regions (self, n, numbers, TRUE);
  /* what was found goes on downstream all the same */
  if (!gst_avm_regions_to_file (regions, settings->write_regions, &error))
    GST_ELEMENT_WARNING (
        self, RESOURCE, OPEN_WRITE, ("%s", error->message), (NULL));
  g_clear_error (&error);
  g_ptr_array_unref (regions);
}

static gchar *
describe_regions (GPtrArray *regions)
{
  GValue value = G_VALUE_INIT;
  gchar *text;

  g_value_init (&value, GST_TYPE_ARRAY);
  gst_avm_regions_to_value (regions, &value);
  text = gst_value_serialize (&value);
  g_value_unset (&value);
  return text;
}

static void
post_message (GstAvmPlayers *self, guint n, GPtrArray *regions)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  gboolean in_time = segment->format == GST_FORMAT_TIME
      && GST_CLOCK_TIME_IS_VALID (self->last_time);
  gchar *text = describe_regions (regions);
  GstStructure *s = gst_structure_new ("avm-players", "timestamp",
      G_TYPE_UINT64, self->last_time, "stream-time", G_TYPE_UINT64,
      in_time ? gst_segment_to_stream_time (
          segment, GST_FORMAT_TIME, self->last_time)
              : GST_CLOCK_TIME_NONE,
      "running-time", G_TYPE_UINT64,
      in_time ? gst_segment_to_running_time (
          segment, GST_FORMAT_TIME, self->last_time)
              : GST_CLOCK_TIME_NONE,
      "players", G_TYPE_UINT, n, "regions", G_TYPE_STRING, text, NULL);

  g_free (text);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

static void
warn_nobody (GstAvmPlayers *self)
{
  if (self->warned)
    return;
  self->warned = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      (_ ("%s found no players in %.1f s of video: nothing in it moves as a "
          "player does. Give a longer analysis-time, or their places with "
          "regions-location of avmklttrack."),
          GST_ELEMENT_NAME (self), avm_players_span (self->finder)),
      (NULL));
}

/* Ends watching. buffer: the last frame that was watched, or NULL at the end of
 * the stream. FALSE: an error was posted. */
static gboolean
find (GstAvmPlayers *self, const Settings *settings, GstBuffer *buffer)
{
  AvmError error = {AVM_OK, -1, ""};
  gint n = avm_players_find (self->finder, (gint)settings->players,
      settings->write_regions != NULL, &error);
  guint numbers[AVM_PLAYERS_MAX];
  GPtrArray *regions;

  if (n < 0) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is not enough memory to look for players in %.1f s of "
            "video. Give a shorter analysis-time."),
            avm_players_span (self->finder)),
        ("%s", error.detail));
    return FALSE;
  }
  if (n == 0) {
    warn_nobody (self);
    return TRUE;
  }
  self->found = TRUE;
  number_players (self, (guint)n, numbers);
  write_regions (self, settings, (guint)n, numbers);
  regions = list_regions (self, (guint)n, numbers, FALSE);
  for (guint i = 0; buffer != NULL && i < regions->len; i++)
    gst_buffer_add_avm_region_meta (buffer, g_ptr_array_index (regions, i));
  if (settings->post_messages)
    post_message (self, (guint)n, regions);
  g_ptr_array_unref (regions);
  return TRUE;
}

/* -- streaming ------------------------------------------------------------- */

static gboolean
gst_avm_players_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP && self->watching)
    watch_anew (self);
  /* a file can still be written, and somebody may want to know */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && self->watching && !self->found
      && self->finder != NULL) {
    Settings settings;

    settings_copy (self, &settings);
    find (self, &settings, NULL);
    g_free (settings.write_regions);
    watch_anew (self);
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* Of a frame, ns; a frame without one comes after as long as the rate says. */
static GstClockTime
time_of (GstAvmPlayers *self, GstBuffer *buffer)
{
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_BUFFER_PTS (buffer);
  if (self->info.fps_n <= 0)
    return GST_CLOCK_TIME_NONE;
  return gst_util_uint64_scale (
      self->n_frames, self->info.fps_d * GST_SECOND, (guint64)self->info.fps_n);
}

static gboolean
watch (GstAvmPlayers *self, GstBuffer *buffer, GstClockTime time)
{
  AvmError error = {AVM_OK, -1, ""};
  GstVideoFrame frame;
  gboolean good;

  if (!gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        (_ ("%s got a video frame with less data than its format asks for. "
            "Check the element before it."),
            GST_ELEMENT_NAME (self)),
        ("gst_video_frame_map failed on %" GST_PTR_FORMAT, buffer));
    return FALSE;
  }
  good = avm_players_push (self->finder, GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), (gdouble)time / GST_SECOND,
      &error);
  gst_video_frame_unmap (&frame);
  if (!good)
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is not enough memory to look for players in %.1f s of "
            "video. Give a shorter analysis-time."),
            avm_players_span (self->finder)),
        ("%s", error.detail));
  return good;
}

static GstFlowReturn
watch_frame (GstAvmPlayers *self, const Settings *settings, GstBuffer *buffer,
    GstClockTime time)
{
  GstFlowReturn flow = GST_FLOW_OK;

  if (!watch (self, buffer, time))
    return GST_FLOW_ERROR;
  if (avm_players_span (self->finder)
      < (gdouble)settings->analysis_time / GST_SECOND)
    return GST_FLOW_OK;
  if (!find (self, settings, buffer))
    flow = GST_FLOW_ERROR;
  watch_anew (self);
  self->last_time = time;
  self->watching = !self->found;
  if (self->found && settings->update_interval > 0)
    self->next_time = time + settings->update_interval;
  return flow;
}

static GstFlowReturn
gst_avm_players_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (trans);
  GstFlowReturn flow = GST_FLOW_OK;
  GstClockTime time, last = self->last_time;
  Settings settings;

  if (self->finder == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  time = time_of (self, buffer);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_FLOW_OK;
  if (!self->watching && GST_CLOCK_TIME_IS_VALID (self->next_time)
      && time >= self->next_time)
    watch_anew (self);
  else if (self->watching && GST_CLOCK_TIME_IS_VALID (last)
      && (time < last || time - last > MAX_GAP))
    watch_anew (self);
  self->last_time = time;
  self->n_frames++;
  if (!self->watching)
    return GST_FLOW_OK;
  settings_copy (self, &settings);
  flow = watch_frame (self, &settings, buffer, time);
  g_free (settings.write_regions);
  return flow;
}

/* -- the object ------------------------------------------------------------ */

static void
gst_avm_players_finalize (GObject *object)
{
  GstAvmPlayers *self = GST_AVM_PLAYERS (object);

  g_clear_pointer (&self->finder, avm_players_free);
  g_array_unref (self->known);
  g_free (self->settings.write_regions);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (klass, PROP_PLAYERS,
      g_param_spec_uint ("players", "Players",
          "How many players there are; 0: as many as are seen", 0,
          AVM_PLAYERS_MAX, DEFAULT_PLAYERS, flags));
  g_object_class_install_property (klass, PROP_ANALYSIS_TIME,
      g_param_spec_uint64 ("analysis-time", "Analysis time",
          "How long to watch before the regions are given, ns",
          MIN_ANALYSIS_TIME, MAX_ANALYSIS_TIME, DEFAULT_ANALYSIS_TIME, flags));
  g_object_class_install_property (klass, PROP_UPDATE_INTERVAL,
      g_param_spec_uint64 ("update-interval", "Update interval",
          "How long after the regions were given to watch anew, ns; 0: never. "
          "avmklttrack takes what is given again for regions that it lost, or "
          "with follow-updates for all",
          0, G_MAXUINT64 / 2, DEFAULT_UPDATE_INTERVAL, flags));
  g_object_class_install_property (klass, PROP_WRITE_REGIONS,
      g_param_spec_string ("write-regions", "Write regions",
          "Text file to write the regions to as they are in the first frame "
          "that was watched, for regions-location of avmklttrack",
          DEFAULT_WRITE_REGIONS, flags));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Whether to post an element message when players were found",
          DEFAULT_POST_MESSAGES, flags));
}

static void
gst_avm_players_class_init (GstAvmPlayersClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_avm_players_debug, "avmplayers", 0, "Finding players");

  object_class->set_property = gst_avm_players_set_property;
  object_class->get_property = gst_avm_players_get_property;
  object_class->finalize = gst_avm_players_finalize;
  install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Player finder",
      "Filter/Analyzer/Video",
      "Finds players, their fingering hands and the reach of their bows by how "
      "they move",
      "The avm developers");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_avm_players_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_avm_players_stop);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_avm_players_set_caps);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_avm_players_sink_event);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_avm_players_propose_allocation);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_avm_players_transform_ip);
}

static void
gst_avm_players_init (GstAvmPlayers *self)
{
  self->settings.players = DEFAULT_PLAYERS;
  self->settings.analysis_time = DEFAULT_ANALYSIS_TIME;
  self->settings.update_interval = DEFAULT_UPDATE_INTERVAL;
  self->settings.write_regions = DEFAULT_WRITE_REGIONS;
  self->settings.post_messages = DEFAULT_POST_MESSAGES;
  self->known = g_array_new (FALSE, FALSE, sizeof (AvmPlayersRect));
  gst_video_info_init (&self->info);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  /* metas are added: the buffer must be writable */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
}
