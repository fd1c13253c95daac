/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmnmfsep
 * @title: avmnmfsep
 * @short_description: each player of a mixture alone
 *
 * Separates a mixture into its players by non-negative matrix factorisation:
 * by the sound alone, by how the players move, by an aligned score, or by all
 * of these together. After Parekh, Essid, Ozerov, Duong, Perez and Richard,
 * "Guiding audio source separation by video object information", WASPAA 2017.
 *
 * Sink pads:
 *
 * * `sink`: the mixture, `audio/x-raw`, interleaved F32, F64, S16 or S32 in
 *   native order, 1 to 8 channels, 8 to 192 kHz;
 * * `motion`, on request: series of kind `motion` (avmopticalflow), per region
 *   `speed` (px/s, with #GstAvmOpticalFlow:clusters), of which the fastest
 *   counts, or else `vx` and `vy` (px/s), for a bow less those of its player's
 *   face, player (twice: half of that box is background) or hand, and
 *   `confidence`; NaN is a gap;
 * * `notes`, on request: events of kind `note` (avmscorealign), `pitch` (MIDI);
 * * `association`, on request: events of kind `association` (avmassociate),
 *   region to part.
 *
 * Source pads `src_%u`, on request, give source 0, 1, ... each, in the caps,
 * in the segment, with the timestamps and of the exact length of the mixture.
 * All sources that are modelled sum to the mixture within the accuracy of
 * 32-bit floats (of integers: within rounding, half a step per source). Put a
 * queue behind each of them. Whatever must be converted is converted behind
 * them: downstream does not choose the format.
 *
 * ## Which source is which
 *
 * With notes, source u is part u of the score. The motion of a player belongs
 * to the part that the association names; without an association, to the part
 * in the caps of the motion (given with the regions). A player whom the
 * association gives no part (-1) is not used. Without notes, association and
 * parts, the players in the order of their region ids are sources 0, 1, ...;
 * the regions of one player are those with ids as gst_avm_region_id() makes
 * them. Of several regions of a player, those are used whose role begins with
 * #GstAvmNmfSep:role, else bows, players, hands. Sound alone does not say which
 * source is whose. Motion alone says so as well as the bows are seen: in the
 * reach of a bow that avmplayers finds much stands still, and the models
 * `sequential` and `joint` may then exchange players, which those with notes do
 * not (docs/accuracy.md, separation).
 *
 * There are as many sources as #GstAvmNmfSep:sources, source pads, parts and
 * players ask for, 16 at most. A player who never plays, or of whom no motion
 * is known, does no harm.
 *
 * ## Blocks, latency, memory
 *
 * The mixture is separated in blocks of #GstAvmNmfSep:block seconds, which
 * begin with the sounds that the block before has learnt and fade into each
 * other. A block is separated when the motion, the notes and the association
 * are complete up to its end: an aligned score is complete when the piece is
 * over, so all sound comes then; with the mixture alone, or motion alone, it
 * comes block by block, live too. The latency that the LATENCY query tells is
 * the length of a block with what must be known behind it, and the time to
 * separate the one before: sinks then get all in time on a machine that keeps
 * up at all. Set it down with #GstAvmNmfSep:block.
 *
 * Until it is separated, the mixture waits in a temporary file without name in
 * #GstAvmNmfSep:temp-location (1.4 GB for an hour of stereo in 48 kHz and 32
 * bits, when all of it must wait). Memory is that of a block, about 0.8 MB per
 * second of #GstAvmNmfSep:block and channel at 48 kHz with the standard
 * settings, whatever the length of the piece.
 *
 * ## Messages
 *
 * Element messages `avm-nmfsep`, at most one each
 * #GstAvmNmfSep:message-interval and those of the first and last iteration of
 * every block: `block` (uint, from 0), `iteration` (uint, from 0), `iterations`
 * (uint), `cost` (double, what the iterations make smaller; it never rises
 * within a block), `percent` (double, how much of what has come of the mixture
 * is separated), and of the block `timestamp`, `stream-time`, `running-time`
 * and `duration` (ns). At the end of the streams `avm-nmfsep-summary`: `model`
 * (string), `sources`, `blocks` (uint), and arrays with a value for each
 * source: `motions` and `notes` (int, how many were used), `energy` (double,
 * its share of the energy of all).
 *
 * Samples that are no finite numbers count as 0, with a warning. Interruptions
 * of up to ten minutes become silence; after longer ones, and after new caps,
 * the separation begins anew.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=200 wave=pink-noise ! avmnmfsep name=s iterations=20 s.src_0 ! queue ! wavenc ! filesink location=first.wav s.src_1 ! queue ! wavenc ! filesink location=second.wav
 * ]| Two sources of a mixture by their timbre.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=5 players=2 t.audio ! queue ! s.sink t.notes ! queue ! s.notes avmnmfsep name=s iterations=20 s.src_0 ! queue ! wavenc ! filesink location=first.wav s.src_1 ! queue ! wavenc ! filesink location=second.wav
 * ]| Both parts of the virtual ensemble by what they play.
 * |[
 * gst-launch-1.0 filesrc location=duet.mp4 ! decodebin name=d d. ! queue ! avmklttrack regions-location=duet.regions ! avmopticalflow ! s.motion d. ! queue ! audioconvert ! tee name=a a. ! queue ! s.sink a. ! queue ! avmscorealign score=duet.mid ! s.notes avmnmfsep name=s iterations=20 s.src_0 ! queue ! wavenc ! filesink location=first.wav s.src_1 ! queue ! wavenc ! filesink location=second.wav
 * ]| Both players of a filmed duet, by their motion and their score.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmnmfsep.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <gst/audio/audio.h>
#include <math.h>
#include <string.h>

#include "avmsepmixture.h"
#include "avmseptracks.h"
#include "nmf/avm-separate.h"

GST_DEBUG_CATEGORY_STATIC (avm_nmf_sep_debug);
#define GST_CAT_DEFAULT avm_nmf_sep_debug

#define DEFAULT_MODEL GST_AVM_NMF_SEP_AUTO
#define DEFAULT_SOURCES 0
#define DEFAULT_ROLE "bow"
#define DEFAULT_THREADS 0
#define DEFAULT_POST_MESSAGES TRUE
#define DEFAULT_MESSAGE_INTERVAL (GST_SECOND / 2)
#define DEFAULT_TEMP_LOCATION NULL

#define MOST_THREADS 4 /* that are taken without asking */
#define MOST_MOTIONS 256
#define FEED 4096 /* frames that go to the separation at a time */
/* What is known of the time so near behind a block is given to it as well. */
#define MARGIN GST_SECOND

enum {
  PROP_0,
  PROP_MODEL,
  PROP_SOURCES,
  PROP_COMPONENTS,
  PROP_ITERATIONS,
  PROP_WINDOW,
  PROP_HOP,
  PROP_LAMBDA,
  PROP_MU,
  PROP_BLOCK,
  PROP_OVERLAP,
  PROP_TUNING,
  PROP_SEED,
  PROP_THREADS,
  PROP_ROLE,
  PROP_TEMP_LOCATION,
  PROP_POST_MESSAGES,
  PROP_MESSAGE_INTERVAL
};

typedef struct {
  GstAvmNmfSepModel model;
  guint sources, threads, window, hop; /* 0: chosen */
  AvmSeparateSettings kernel;
  gchar *role, *temp_location;
  gboolean post_messages;
  guint64 message_interval;
} Settings;

typedef struct {
  GstClockTime onset, duration; /* running time; duration may be NONE */
  gdouble pitch;
  gint part;
  gboolean given; /* to the separation of this section */
} Note;

/* Of each source */
typedef struct {
  gdouble energy;
  guint notes;
} Tally;

struct _GstAvmNmfSep {
  GstAvmJoin parent;

  Settings settings; /* under the object lock */

  /* under the join's lock */
  Settings now; /* as they were when the streams began */
  AvmSepMixture *mixture;
  GArray *notes; /* Note */
  AvmSepTracks *tracks;
  gboolean warned_strange, warned_notes;
  GstCaps *caps; /* of the source pads */

  /* of the section; also without the lock, by process () alone */
  AvmSeparate *separate;
  AvmSeparateSettings used;
  gint n_motions;
  guint64 n_out; /* frames that were pushed */
  gfloat *samples;
  gsize n_samples;
  gint64 last_message; /* monotonic time, us */
  gdouble told;        /* how far the messages have come, s */
  Tally tally[AVM_SEPARATE_MAX_SOURCES];
  guint n_blocks;
};

/* What the progress of a block is told with */
typedef struct {
  GstAvmNmfSep *self;
  GstClockTime running_time, timestamp, stream_time, duration;
  gdouble from, share; /* of what has come */
  guint block;
} Progress;

#define AUDIO_CAPS                                                             \
  "audio/x-raw, format = (string) { " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (   \
      F64) ", " GST_AUDIO_NE (S16) ", " GST_AUDIO_NE (S32) " }, layout = "     \
                                                           "(string) "         \
                                                           "interleaved, "     \
                                                           "rate = (int) [ "   \
                                                           "8000, 192000 "     \
                                                           "], channels = "    \
                                                           "(int) [ 1, 8 ]"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (AUDIO_CAPS));
static GstStaticPadTemplate motion_template =
    GST_STATIC_PAD_TEMPLATE ("motion", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("motion")));
static GstStaticPadTemplate notes_template =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));
static GstStaticPadTemplate association_template =
    GST_STATIC_PAD_TEMPLATE ("association", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("association")));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (AUDIO_CAPS));

static const GEnumValue models[] = {
    {GST_AVM_NMF_SEP_AUTO, "The best for what the linked pads give", "auto"},
    {GST_AVM_NMF_SEP_AUDIO, "Atoms grouped by their timbre", "audio"},
    {GST_AVM_NMF_SEP_SEQUENTIAL, "Sound first, atoms then assigned by motion",
        "sequential"},
    {GST_AVM_NMF_SEP_JOINT, "Sound and motion together", "joint"},
    {GST_AVM_NMF_SEP_SCORE, "Harmonic atoms gated by notes", "score"},
    {GST_AVM_NMF_SEP_JOINT_SCORE, "Sound, motion and notes together",
        "joint-score"},
    {0, NULL, NULL},
};

static GType
gst_avm_nmf_sep_model_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmNmfSepModel", models));
  return (GType)type;
}

#define gst_avm_nmf_sep_parent_class parent_class
G_DEFINE_TYPE (GstAvmNmfSep, gst_avm_nmf_sep, GST_TYPE_AVM_JOIN);
GST_ELEMENT_REGISTER_DEFINE (
    avmnmfsep, "avmnmfsep", GST_RANK_NONE, GST_TYPE_AVM_NMF_SEP);

static gboolean
pad_is (GstAvmJoinPad *pad, const gchar *name)
{
  return pad != NULL && g_str_equal (GST_PAD_NAME (pad), name);
}

/* -- settings ------------------------------------------------------------- */

static void
settings_clear (Settings *settings)
{
  g_clear_pointer (&settings->role, g_free);
  g_clear_pointer (&settings->temp_location, g_free);
}

static void
settings_copy (GstAvmNmfSep *self, Settings *copy)
{
  GST_OBJECT_LOCK (self);
  *copy = self->settings;
  copy->role = g_strdup (copy->role);
  copy->temp_location = g_strdup (copy->temp_location);
  GST_OBJECT_UNLOCK (self);
}

/* The power of two nearest to the window of the paper, 4096 samples at 44.1
 * and 48 kHz */
static gint
window_for (gint rate)
{
  gint window = 256;

  while (window * 1.5 < rate * 4096.0 / 46000.0)
    window *= 2;
  return window;
}

/* What the kernel is told, but for the model and the number of sources */
static void
kernel_settings (
    const Settings *now, const GstAudioInfo *info, AvmSeparateSettings *out)
{
  *out = now->kernel;
  out->rate = GST_AUDIO_INFO_RATE (info);
  out->n_channels = GST_AUDIO_INFO_CHANNELS (info);
  out->window =
      now->window > 0 ? (gint)now->window / 2 * 2 : window_for (out->rate);
  out->hop = now->hop > 0 ? (gint)now->hop : out->window / 4;
  out->hop = CLAMP (out->hop, 1, out->window / 2);
  out->overlap = MIN (out->overlap, 0.5 * out->block);
  out->n_threads = now->threads > 0
      ? (gint)now->threads
      : CLAMP ((gint)g_get_num_processors (), 1, MOST_THREADS);
}

/* -- pads ----------------------------------------------------------------- */

static guint64
source_of_pad (GstPad *pad)
{
  return g_ascii_strtoull (GST_PAD_NAME (pad) + strlen ("src_"), NULL, 10);
}

static void
set_out_caps (GstAvmNmfSep *self, GstCaps *caps)
{
  GList *pads = gst_avm_join_get_src_pads (GST_AVM_JOIN (self));

  gst_caps_replace (&self->caps, caps);
  for (GList *p = pads; p != NULL; p = p->next)
    gst_avm_join_set_pad_caps (GST_AVM_JOIN (self), p->data, caps);
  g_list_free (pads);
}

static void
gst_avm_nmf_sep_pad_added (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  if (pad_is (pad, "sink"))
    gst_avm_join_set_main_pad (join, pad);
}

static void
gst_avm_nmf_sep_src_pad_added (GstAvmJoin *join, GstPad *pad)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  if (self->caps != NULL)
    gst_avm_join_set_pad_caps (join, pad, self->caps);
}

/* -- the mixture ---------------------------------------------------------- */

static gboolean
refuse_spill (GstAvmNmfSep *self, const AvmError *error)
{
  const gchar *directory = self->now.temp_location != NULL
      ? self->now.temp_location
      : g_get_tmp_dir ();

  if (error->code == AVM_ERROR_OPEN && error->offset == ENOSPC)
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is no room left in \"%s\", where %s keeps the mixture until "
            "it is separated. Make room, or set temp-location to another "
            "directory."),
            directory, GST_ELEMENT_NAME (self)),
        ("%s", error->detail));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
        (_ ("%s cannot keep the mixture in a temporary file in \"%s\". Set "
            "temp-location to a directory that can be written."),
            GST_ELEMENT_NAME (self), directory),
        ("%s", error->detail));
  return FALSE;
}

static gboolean
set_mixture_caps (GstAvmNmfSep *self, GstCaps *caps)
{
  AvmSeparateSettings settings;
  gdouble latency;

  if (!avm_sep_mixture_set_caps (self->mixture, caps))
    return FALSE;
  /* later ones go out with their sound */
  if (self->separate == NULL && avm_sep_mixture_first (self->mixture) == NULL)
    set_out_caps (self, caps);
  kernel_settings (
      &self->now, avm_sep_mixture_get_info (self->mixture), &settings);
  latency = avm_separate_delay (&settings) + settings.block - settings.overlap;
  gst_avm_join_set_latency (
      GST_AVM_JOIN (self), (GstClockTime)(latency * GST_SECOND));
  return TRUE;
}

/* Takes what lies outside the segment off a buffer (transfer none). NULL:
 * nothing is left. */
static GstBuffer *
clip (GstAvmNmfSep *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  const GstAudioInfo *info = avm_sep_mixture_get_info (self->mixture);
  const GstSegment *segment = gst_avm_join_pad_get_segment (pad);

  gst_buffer_ref (buffer);
  if (segment->format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer)
      || gst_buffer_get_size (buffer) < (gsize)GST_AUDIO_INFO_BPF (info))
    return buffer;
  return gst_audio_buffer_clip (
      buffer, segment, GST_AUDIO_INFO_RATE (info), GST_AUDIO_INFO_BPF (info));
}

static GstFlowReturn
take_mixture (GstAvmNmfSep *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  const GstAudioInfo *info = avm_sep_mixture_get_info (self->mixture);
  AvmError error = {AVM_OK, -1, ""};
  gboolean ok = TRUE;
  GstMapInfo map;

  if (info == NULL) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        (_ ("%s got audio without a format. Put a decoder or rawaudioparse "
            "before it."),
            GST_ELEMENT_NAME (self)),
        (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  buffer = clip (self, pad, buffer);
  if (buffer == NULL)
    return GST_FLOW_OK;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (map.size >= (gsize)GST_AUDIO_INFO_BPF (info))
    ok = avm_sep_mixture_append (self->mixture,
        gst_avm_join_pad_to_running_time (pad, GST_BUFFER_PTS (buffer)),
        map.data, map.size / GST_AUDIO_INFO_BPF (info), &error);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  if (!ok)
    refuse_spill (self, &error);
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* -- motion, notes, association ------------------------------------------- */

static GstFlowReturn
refuse_buffer (GstAvmNmfSep *self, GstAvmJoinPad *pad, GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("What came to pad \"%s\" of %s is damaged and cannot be read. If it "
          "was stored in a file, make the file again."),
          GST_PAD_NAME (pad), GST_ELEMENT_NAME (self)),
      ("%s", error != NULL ? error->message : "no details"));
  g_clear_error (&error);
  return GST_FLOW_ERROR;
}

static gboolean
set_motion_caps (GstAvmNmfSep *self, GstAvmJoinPad *pad, GstCaps *caps)
{
  GError *error = NULL;
  GstAvmSeriesInfo *info = gst_avm_series_info_new_from_caps (caps, &error);

  if (info == NULL) {
    GST_WARNING_OBJECT (pad, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }
  avm_sep_tracks_set_series (self->tracks, info);
  gst_avm_join_pad_set_data (
      pad, info, (GDestroyNotify)gst_avm_series_info_free);
  return TRUE;
}

static GstFlowReturn
take_motion (GstAvmNmfSep *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmSeriesInfo *info = gst_avm_join_pad_get_data (pad);
  GError *error = NULL;
  GstAvmSeriesMap map;

  if (info == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_FLOW_OK;
  if (!gst_avm_series_map (&map, info, buffer, &error))
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < map.n_rows; i++)
    avm_sep_tracks_add_row (self->tracks, map.rows + (gsize)i * map.n_channels,
        gst_avm_join_pad_to_running_time (
            pad, gst_avm_series_row_time (info, GST_BUFFER_PTS (buffer), i)));
  gst_avm_series_unmap (&map);
  return GST_FLOW_OK;
}

static void
warn_of_note (GstAvmNmfSep *self, const Note *note)
{
  if (!self->warned_notes)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        (_ ("%s leaves out notes that have no pitch, no onset or no part. "
            "Check the source of the notes."),
            GST_ELEMENT_NAME (self)),
        ("pitch %g, part %d", note->pitch, note->part));
  self->warned_notes = TRUE;
}

static void
take_note (GstAvmNmfSep *self, GstAvmJoinPad *pad, const GstAvmEvent *event)
{
  Note note = {gst_avm_join_pad_to_running_time (pad, event->onset),
      event->duration, NAN, event->part, FALSE};

  gst_avm_event_get_double (event, "pitch", &note.pitch);
  if (!isfinite (note.pitch) || !GST_CLOCK_TIME_IS_VALID (note.onset)
      || note.part < 0)
    warn_of_note (self, &note);
  else if (note.duration > 0)
    g_array_append_val (self->notes, note);
}

static GstFlowReturn
take_events (GstAvmNmfSep *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GError *error = NULL;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, &error);
  gboolean notes = pad_is (pad, "notes");

  if (events == NULL)
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);

    if (notes)
      take_note (self, pad, event);
    else if (event->region != GST_AVM_NONE)
      avm_sep_tracks_add_link (
          self->tracks, event->region, event->part, event->confidence);
  }
  g_ptr_array_unref (events);
  return GST_FLOW_OK;
}

/* -- the model ------------------------------------------------------------ */

static gdouble
since (const AvmSepSection *section, GstClockTime time)
{
  return (gdouble)GST_CLOCK_DIFF (section->base, time) / GST_SECOND;
}

/* Whether a side pad is there and may still give something, or gave it. */
static gboolean
expects (GstAvmNmfSep *self, const gchar *name, gboolean got)
{
  GstAvmJoinPad *pad = gst_avm_join_get_pad (GST_AVM_JOIN (self), name);

  return got
      || (pad != NULL && GST_PAD_IS_LINKED (pad)
          && !gst_avm_join_pad_is_eos (pad));
}

static gboolean
has_notes (GstAvmNmfSep *self)
{
  return expects (self, "notes", self->notes->len > 0);
}

static gboolean
has_motion (GstAvmNmfSep *self)
{
  GArray *tracks = avm_sep_tracks_list (self->tracks);
  gboolean used = FALSE;

  for (guint i = 0; i < tracks->len && !used; i++)
    used = g_array_index (tracks, AvmSepTrack, i).source != AVM_SEP_UNUSED;
  return expects (self, "motion", used);
}

static GstAvmNmfSepModel
possible_model (GstAvmNmfSepModel wanted, gboolean motion, gboolean notes)
{
  switch (wanted) {
    case GST_AVM_NMF_SEP_AUTO:
    case GST_AVM_NMF_SEP_JOINT_SCORE:
      if (motion && notes)
        return GST_AVM_NMF_SEP_JOINT_SCORE;
      if (notes)
        return GST_AVM_NMF_SEP_SCORE;
      return motion ? GST_AVM_NMF_SEP_JOINT : GST_AVM_NMF_SEP_AUDIO;
    case GST_AVM_NMF_SEP_SEQUENTIAL:
    case GST_AVM_NMF_SEP_JOINT:
      return motion ? wanted : GST_AVM_NMF_SEP_AUDIO;
    case GST_AVM_NMF_SEP_SCORE:
      return notes ? wanted : GST_AVM_NMF_SEP_AUDIO;
    default:
      return wanted;
  }
}

static void
choose_model (GstAvmNmfSep *self, AvmSeparateSettings *settings)
{
  GstAvmNmfSepModel wanted = self->now.model;
  GstAvmNmfSepModel model =
      possible_model (wanted, has_motion (self), has_notes (self));

  settings->model =
      (AvmSeparateModel)(model - GST_AVM_NMF_SEP_AUDIO + AVM_SEPARATE_AUDIO);
  GST_INFO_OBJECT (self, "model %s", models[model].value_nick);
  if (wanted != GST_AVM_NMF_SEP_AUTO && wanted != model)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("%s has not got what the model \"%s\" needs and separates by the "
            "model \"%s\". Link streams of motion to its pad \"motion\" and of "
            "notes to its pad \"notes\"."),
            GST_ELEMENT_NAME (self), models[wanted].value_nick,
            models[model].value_nick),
        (NULL));
}

/* As many as anything asks for */
static guint64
count_sources (GstAvmNmfSep *self)
{
  GList *pads = gst_avm_join_get_src_pads (GST_AVM_JOIN (self));
  guint64 n = MAX (self->now.sources, 1);
  gint highest =
      avm_sep_tracks_resolve (self->tracks, self->now.role, has_notes (self));

  n = MAX (n, (guint64)(highest + 1));
  for (GList *p = pads; p != NULL; p = p->next)
    n = MAX (n, source_of_pad (p->data) + 1);
  for (guint i = 0; i < self->notes->len; i++)
    n = MAX (n, (guint64)g_array_index (self->notes, Note, i).part + 1);
  g_list_free (pads);
  return n;
}

static void
close_separation (GstAvmNmfSep *self)
{
  GArray *tracks = avm_sep_tracks_list (self->tracks);

  g_clear_pointer (&self->separate, avm_separate_free);
  g_clear_pointer (&self->samples, g_free);
  self->n_samples = 0;
  self->n_motions = 0;
  self->n_out = 0;
  self->told = 0.0;
  for (guint i = 0; i < tracks->len; i++)
    g_array_index (tracks, AvmSepTrack, i).motion = -1;
  for (guint i = 0; i < self->notes->len; i++)
    g_array_index (self->notes, Note, i).given = FALSE;
}

static GstFlowReturn
refuse_memory (GstAvmNmfSep *self, const AvmError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory for %s to separate a block of %g s. Set "
          "block to less."),
          GST_ELEMENT_NAME (self), self->used.block),
      ("%s", error->detail));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
open_separation (GstAvmNmfSep *self, const AvmSepSection *section)
{
  AvmSeparateSettings *settings = &self->used;
  AvmError error = {AVM_OK, -1, ""};
  guint64 n_sources = count_sources (self);

  kernel_settings (&self->now, &section->info, settings);
  if (n_sources > AVM_SEPARATE_MAX_SOURCES) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        (_ ("%s is to separate %u sources, but separates at most %d. Ask for "
            "fewer source pads, or leave parts out of the score."),
            GST_ELEMENT_NAME (self), (guint)MIN (n_sources, G_MAXUINT),
            AVM_SEPARATE_MAX_SOURCES),
        (NULL));
    return GST_FLOW_ERROR;
  }
  settings->n_sources = (gint)n_sources;
  if (section->ended) {
    /* a short mixture needs no memory for a long block */
    settings->block = CLAMP (
        since (section, avm_sep_section_end (section)), 1.0, settings->block);
    settings->overlap = MIN (settings->overlap, 0.5 * settings->block);
  }
  choose_model (self, settings);
  self->separate = avm_separate_new (settings, &error);
  if (self->separate != NULL) {
    set_out_caps (self, section->caps);
    return GST_FLOW_OK;
  }
  if (error.code == AVM_ERROR_MEMORY)
    return refuse_memory (self, &error);
  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
      (_ ("%s cannot work with these settings. Check window, hop, block and "
          "components."),
          GST_ELEMENT_NAME (self)),
      ("%s", error.detail));
  return GST_FLOW_ERROR;
}

/* -- what the separation is told ------------------------------------------ */

/* A note without a length lasts until the next one of its part. */
static GstClockTime
note_duration (GstAvmNmfSep *self, const Note *note)
{
  GstClockTime end = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (note->duration))
    return note->duration;
  for (guint i = 0; i < self->notes->len; i++) {
    const Note *other = &g_array_index (self->notes, Note, i);

    if (other->part == note->part && other->onset > note->onset)
      end = MIN (end, other->onset);
  }
  return GST_CLOCK_TIME_IS_VALID (end) ? end - note->onset : GST_SECOND;
}

static void
warn_of_part (GstAvmNmfSep *self, gint part)
{
  if (!self->warned_notes)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("%s began with %d sources and leaves out notes of part %d that "
            "came later. Set sources to the number of parts."),
            GST_ELEMENT_NAME (self), self->used.n_sources, part),
        (NULL));
  self->warned_notes = TRUE;
}

static gboolean
give_notes (
    GstAvmNmfSep *self, const AvmSepSection *section, GstClockTime until)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < self->notes->len && ok; i++) {
    Note *note = &g_array_index (self->notes, Note, i);
    AvmSeparateNote told = {
        note->part, since (section, note->onset), 0.0, note->pitch};

    if (note->given || note->onset > until)
      continue;
    note->given = TRUE;
    told.duration = (gdouble)note_duration (self, note) / GST_SECOND;
    if (note->part >= self->used.n_sources) {
      warn_of_part (self, note->part);
    } else if (told.onset + told.duration > 0.0) {
      ok = avm_separate_add_note (self->separate, &told);
      self->tally[note->part].notes++;
    }
  }
  return ok;
}

/* The number by which the separation knows a track; -1: it does not use it. */
static gint
motion_of (GstAvmNmfSep *self, AvmSepTrack *track)
{
  if (track->source == AVM_SEP_UNUSED || track->source >= self->used.n_sources)
    return -1;
  if (track->motion < 0) {
    if (self->n_motions == MOST_MOTIONS) {
      GST_WARNING_OBJECT (self, "more than %d motions", MOST_MOTIONS);
      return -1;
    }
    track->motion = self->n_motions++;
  }
  return track->motion;
}

static gboolean
give_motion (
    GstAvmNmfSep *self, const AvmSepSection *section, GstClockTime until)
{
  GArray *tracks = avm_sep_tracks_list (self->tracks);
  GArray *speeds = avm_sep_tracks_speeds (self->tracks);
  gboolean ok = TRUE;
  guint left = 0;

  avm_sep_tracks_resolve (self->tracks, self->now.role, has_notes (self));
  for (guint i = 0; i < tracks->len; i++) {
    AvmSepTrack *track = &g_array_index (tracks, AvmSepTrack, i);
    gint motion = motion_of (self, track);

    if (motion >= 0)
      avm_separate_set_motion_source (self->separate, motion, track->source);
  }
  for (guint i = 0; i < speeds->len; i++) {
    AvmSepSpeed speed = g_array_index (speeds, AvmSepSpeed, i);
    gint motion =
        motion_of (self, &g_array_index (tracks, AvmSepTrack, speed.track));

    if (speed.time > until)
      g_array_index (speeds, AvmSepSpeed, left++) = speed;
    else if (motion >= 0)
      ok &= avm_separate_add_motion (
          self->separate, motion, since (section, speed.time), speed.speed);
  }
  g_array_set_size (speeds, left);
  return ok;
}

/* The mixture, as much as there is and the block takes. */
static gboolean
feed (GstAvmNmfSep *self, AvmSepSection *section)
{
  guint channels = (guint)GST_AUDIO_INFO_CHANNELS (&section->info);
  gfloat *samples = g_new (gfloat, FEED * channels);
  AvmError error = {AVM_OK, -1, ""};
  guint64 strange = 0;
  gboolean ok = TRUE;

  while (ok && section->n_read < section->n_frames) {
    gsize n = MIN (section->n_frames - section->n_read, FEED), taken;

    ok = avm_sep_mixture_peek (self->mixture, samples, n, &strange, &error);
    taken = ok ? avm_separate_push (self->separate, samples, n) : 0;
    avm_sep_mixture_take (self->mixture, taken);
    if (taken < n)
      break;
  }
  g_free (samples);
  if (section->ended && section->n_read == section->n_frames)
    avm_separate_finish (self->separate);
  if (strange > 0 && !self->warned_strange) {
    self->warned_strange = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        (_ ("The mixture that %s got has samples that are no finite numbers; "
            "they count as 0. Check what is before it."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  }
  return ok || refuse_spill (self, &error);
}

/* -- messages ------------------------------------------------------------- */

static void
progress_init (GstAvmNmfSep *self, const AvmSepSection *section,
    GstClockTime end, Progress *progress)
{
  GstAvmJoinPad *pad = gst_avm_join_get_pad (GST_AVM_JOIN (self), "sink");
  const GstSegment *segment = gst_avm_join_pad_get_segment (pad);
  gdouble length = MAX (since (section, avm_sep_section_end (section)), 1e-9);
  gdouble until;

  progress->self = self;
  progress->running_time = section->base
      + gst_util_uint64_scale (
          self->n_out, GST_SECOND, GST_AUDIO_INFO_RATE (&section->info));
  progress->duration =
      end > progress->running_time ? end - progress->running_time : 0;
  progress->timestamp = progress->stream_time = GST_CLOCK_TIME_NONE;
  if (segment->format == GST_FORMAT_TIME) {
    progress->timestamp = gst_segment_position_from_running_time (
        segment, GST_FORMAT_TIME, progress->running_time);
    progress->stream_time = gst_segment_to_stream_time (
        segment, GST_FORMAT_TIME, progress->timestamp);
  }
  /* where it fades into the next one, the next one does the rest */
  until = since (section, end);
  if (end + 10 < avm_sep_section_end (section))
    until -= self->used.overlap;
  progress->from = self->told / length;
  progress->share = MAX (until - self->told, 0.0) / length;
  self->told = MAX (until, self->told);
  progress->block = self->n_blocks;
}

/* Once per iteration, without any lock. */
static bool
on_iteration (
    void *user, int block, int iteration, int n_iterations, double cost)
{
  Progress *p = user;
  GstAvmNmfSep *self = p->self;
  gint64 now = g_get_monotonic_time ();
  gdouble done = (iteration + 1.0) / MAX (n_iterations, 1);

  if (gst_avm_join_is_flushing (GST_AVM_JOIN (self)))
    return false;
  if (!self->now.post_messages
      || (iteration > 0 && iteration < n_iterations - 1
          && (guint64)(now - self->last_message) * GST_USECOND
              < self->now.message_interval))
    return true;
  self->last_message = now;
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("avm-nmfsep", "block", G_TYPE_UINT, p->block,
              "iteration", G_TYPE_UINT, (guint)iteration, "iterations",
              G_TYPE_UINT, (guint)n_iterations, "cost", G_TYPE_DOUBLE, cost,
              "percent", G_TYPE_DOUBLE,
              CLAMP (100.0 * (p->from + p->share * done), 0.0, 100.0),
              "timestamp", G_TYPE_UINT64, p->timestamp, "stream-time",
              G_TYPE_UINT64, p->stream_time, "running-time", G_TYPE_UINT64,
              p->running_time, "duration", G_TYPE_UINT64, p->duration, NULL)));
  return true;
}

static void
append_int (GValue *array, gint number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

static void
append_double (GValue *array, gdouble number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

static gint
count_motions (GstAvmNmfSep *self, gint source)
{
  GArray *tracks = avm_sep_tracks_list (self->tracks);
  gint n = 0;

  for (guint i = 0; i < tracks->len; i++)
    n += g_array_index (tracks, AvmSepTrack, i).source == source;
  return n;
}

static void
post_summary (GstAvmNmfSep *self)
{
  GValue motions = G_VALUE_INIT, notes = G_VALUE_INIT, energy = G_VALUE_INIT;
  gdouble sum = 0.0;
  GstStructure *s;

  if (!self->now.post_messages || self->n_blocks == 0)
    return;
  g_value_init (&motions, GST_TYPE_ARRAY);
  g_value_init (&notes, GST_TYPE_ARRAY);
  g_value_init (&energy, GST_TYPE_ARRAY);
  for (gint u = 0; u < self->used.n_sources; u++)
    sum += self->tally[u].energy;
  for (gint u = 0; u < self->used.n_sources; u++) {
    append_int (&motions, count_motions (self, u));
    append_int (&notes, (gint)self->tally[u].notes);
    append_double (&energy, sum > 0.0 ? self->tally[u].energy / sum : 0.0);
  }
  s = gst_structure_new ("avm-nmfsep-summary", "model", G_TYPE_STRING,
      models[GST_AVM_NMF_SEP_AUDIO + self->used.model - AVM_SEPARATE_AUDIO]
          .value_nick,
      "sources", G_TYPE_UINT, (guint)self->used.n_sources, "blocks",
      G_TYPE_UINT, self->n_blocks, NULL);
  gst_structure_take_value (s, "motions", &motions);
  gst_structure_take_value (s, "notes", &notes);
  gst_structure_take_value (s, "energy", &energy);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

/* -- sources -------------------------------------------------------------- */

static void
push_source (GstAvmNmfSep *self, const AvmSepSection *section, GstPad *pad,
    const gfloat *samples, gsize n)
{
  gint rate = GST_AUDIO_INFO_RATE (&section->info);
  gsize channels = (gsize)GST_AUDIO_INFO_CHANNELS (&section->info);
  GstBuffer *buffer = gst_buffer_new_allocate (
      NULL, n * GST_AUDIO_INFO_BPF (&section->info), NULL);
  GstClockTime from = gst_util_uint64_scale (self->n_out, GST_SECOND, rate);
  GstClockTime to = gst_util_uint64_scale (self->n_out + n, GST_SECOND, rate);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  avm_sep_pack (&section->info, samples, n * channels, map.data);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = section->base + from;
  GST_BUFFER_DURATION (buffer) = to - from;
  GST_BUFFER_OFFSET (buffer) = self->n_out;
  GST_BUFFER_OFFSET_END (buffer) = self->n_out + n;
  if (self->n_out == 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_avm_join_push_buffer_on (GST_AVM_JOIN (self), pad, buffer);
}

static void
push_pads (GstAvmNmfSep *self, const AvmSepSection *section, guint64 source,
    const gfloat *samples, gsize n)
{
  GList *pads = gst_avm_join_get_src_pads (GST_AVM_JOIN (self));
  guint64 last = (guint64)self->used.n_sources - 1;

  for (GList *p = pads; p != NULL; p = p->next) {
    guint64 number = source_of_pad (p->data);

    if (number == source)
      push_source (self, section, p->data, samples, n);
    else if (source == last && number > last) {
      /* requested when the others were at work: nothing is left for it */
      gfloat *silence =
          g_new0 (gfloat, n * GST_AUDIO_INFO_CHANNELS (&section->info));

      push_source (self, section, p->data, silence, n);
      g_free (silence);
    }
  }
  g_list_free (pads);
}

/* What is ready of every source; then a piece more is made ready. */
static void
push_ready (GstAvmNmfSep *self, const AvmSepSection *section)
{
  gsize n = avm_separate_available (self->separate);
  gsize size = n * GST_AUDIO_INFO_CHANNELS (&section->info);

  if (size > self->n_samples) {
    self->samples = g_realloc_n (self->samples, size, sizeof (gfloat));
    self->n_samples = size;
  }
  for (gint u = 0; u < self->used.n_sources; u++) {
    gdouble energy = 0.0;

    avm_separate_peek (self->separate, u, self->samples, n);
    for (gsize i = 0; i < size; i++)
      energy += (gdouble)self->samples[i] * self->samples[i];
    self->tally[u].energy += energy;
    push_pads (self, section, (guint64)u, self->samples, n);
  }
  self->n_out += n;
  gst_avm_join_unlock (GST_AVM_JOIN (self));
  avm_separate_drop (self->separate, n);
  gst_avm_join_lock (GST_AVM_JOIN (self));
}

/* -- blocks --------------------------------------------------------------- */

static gboolean
is_known (GstClockTime time, GstClockTime watermark)
{
  /* NONE: all that will ever be. A few ns are rounding. */
  return watermark == GST_CLOCK_TIME_NONE || watermark + 10 >= time;
}

/* Whether the first block can be begun: what there is of its time is known, so
 * that the model and the number of sources can be chosen. */
static gboolean
is_ripe (
    GstAvmNmfSep *self, const AvmSepSection *section, GstClockTime watermark)
{
  GstClockTime end =
      section->base + (GstClockTime)(self->now.kernel.block * GST_SECOND);

  if (section->ended)
    end = MIN (end, avm_sep_section_end (section));
  return is_known (end, watermark);
}

static GstFlowReturn
run_block (GstAvmNmfSep *self, const AvmSepSection *section, GstClockTime end)
{
  AvmError error = {AVM_OK, -1, ""};
  Progress progress;
  bool ok;

  if (!give_notes (self, section, end + MARGIN)
      || !give_motion (self, section, end + MARGIN))
    return refuse_memory (self, &error);
  progress_init (self, section, end, &progress);
  gst_avm_join_unlock (GST_AVM_JOIN (self));
  ok = avm_separate_run (self->separate, on_iteration, &progress, &error);
  gst_avm_join_lock (GST_AVM_JOIN (self));
  if (ok) {
    self->n_blocks++;
    return GST_FLOW_OK;
  }
  return error.code == AVM_ERROR_CANCELLED ? GST_FLOW_FLUSHING
                                           : refuse_memory (self, &error);
}

/* Does one thing with the first section. *done: there is nothing to do. */
static GstFlowReturn
work_on (GstAvmNmfSep *self, AvmSepSection *section, GstClockTime watermark,
    gboolean *done)
{
  GstClockTime end;

  if (self->separate == NULL) {
    *done = !is_ripe (self, section, watermark);
    return *done ? GST_FLOW_OK : open_separation (self, section);
  }
  if (avm_separate_available (self->separate) > 0) {
    push_ready (self, section);
    return GST_FLOW_OK;
  }
  if (!feed (self, section))
    return GST_FLOW_ERROR;
  if (!avm_separate_is_due (self->separate)) {
    if (section->ended && section->n_read == section->n_frames) {
      close_separation (self);
      avm_sep_mixture_drop_first (self->mixture);
    } else {
      *done = TRUE;
    }
    return GST_FLOW_OK;
  }
  end = section->base
      + (GstClockTime)(avm_separate_block_end (self->separate) * GST_SECOND);
  *done = !is_known (end, watermark);
  return *done ? GST_FLOW_OK : run_block (self, section, end);
}

static GstFlowReturn
gst_avm_nmf_sep_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);
  GstAvmJoinPad *pad = gst_avm_join_get_pad (join, "sink");
  AvmSepSection *section;
  GstFlowReturn flow;
  gboolean done = FALSE;

  if (eos || gst_avm_join_pad_is_eos (pad))
    avm_sep_mixture_finish (self->mixture);
  section = avm_sep_mixture_first (self->mixture);
  if (section == NULL) {
    if (eos)
      post_summary (self);
    return GST_FLOW_OK;
  }
  flow = work_on (self, section, watermark, &done);
  if (!done && flow == GST_FLOW_OK)
    gst_avm_join_call_again (join);
  return flow;
}

/* -- GstAvmJoin ----------------------------------------------------------- */

static gboolean
gst_avm_nmf_sep_start (GstAvmJoin *join)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  settings_clear (&self->now);
  settings_copy (self, &self->now);
  self->mixture = avm_sep_mixture_new (self->now.temp_location != NULL
          ? self->now.temp_location
          : g_get_tmp_dir ());
  self->warned_strange = self->warned_notes = FALSE;
  self->last_message = 0;
  self->n_blocks = 0;
  memset (self->tally, 0, sizeof (self->tally));
  return self->mixture != NULL;
}

static gboolean
gst_avm_nmf_sep_stop (GstAvmJoin *join)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  close_separation (self);
  avm_sep_tracks_reset (self->tracks);
  g_clear_pointer (&self->mixture, avm_sep_mixture_free);
  gst_clear_caps (&self->caps);
  return TRUE;
}

static void
gst_avm_nmf_sep_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  if (pad == NULL || pad_is (pad, "motion"))
    avm_sep_tracks_forget_motion (self->tracks);
  if (pad == NULL || pad_is (pad, "association"))
    avm_sep_tracks_forget_links (self->tracks);
  if (pad == NULL || pad_is (pad, "notes"))
    g_array_set_size (self->notes, 0);
  if (pad != NULL && !pad_is (pad, "sink"))
    return;
  close_separation (self);
  self->n_blocks = 0;
  memset (self->tally, 0, sizeof (self->tally));
  if (self->mixture != NULL)
    avm_sep_mixture_reset (self->mixture);
}

static gboolean
gst_avm_nmf_sep_sink_caps (GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  if (pad_is (pad, "sink"))
    return set_mixture_caps (self, caps);
  if (pad_is (pad, "motion"))
    return set_motion_caps (self, pad, caps);
  return TRUE;
}

static GstFlowReturn
gst_avm_nmf_sep_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (join);

  if (pad_is (pad, "sink"))
    return take_mixture (self, pad, buffer);
  if (pad_is (pad, "motion"))
    return take_motion (self, pad, buffer);
  return take_events (self, pad, buffer);
}

/* -- the object ----------------------------------------------------------- */

static void
set_kernel_property (
    AvmSeparateSettings *kernel, guint prop_id, const GValue *value)
{
  switch (prop_id) {
    case PROP_COMPONENTS:
      kernel->n_components = (gint)g_value_get_uint (value);
      break;
    case PROP_ITERATIONS:
      kernel->iterations = (gint)g_value_get_uint (value);
      break;
    case PROP_LAMBDA:
      kernel->lambda = g_value_get_double (value);
      break;
    case PROP_MU:
      kernel->mu = g_value_get_double (value);
      break;
    case PROP_BLOCK:
      kernel->block = g_value_get_double (value);
      break;
    case PROP_OVERLAP:
      kernel->overlap = g_value_get_double (value);
      break;
    case PROP_TUNING:
      kernel->tuning = g_value_get_double (value);
      break;
    default:
      kernel->seed = g_value_get_uint64 (value);
      break;
  }
}

static void
gst_avm_nmf_sep_set_property (
    GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MODEL:
      settings->model = (GstAvmNmfSepModel)g_value_get_enum (value);
      break;
    case PROP_SOURCES:
      settings->sources = g_value_get_uint (value);
      break;
    case PROP_WINDOW:
      settings->window = g_value_get_uint (value);
      break;
    case PROP_HOP:
      settings->hop = g_value_get_uint (value);
      break;
    case PROP_COMPONENTS:
    case PROP_ITERATIONS:
    case PROP_LAMBDA:
    case PROP_MU:
    case PROP_BLOCK:
    case PROP_OVERLAP:
    case PROP_TUNING:
    case PROP_SEED:
      set_kernel_property (&settings->kernel, prop_id, value);
      break;
    case PROP_THREADS:
      settings->threads = g_value_get_uint (value);
      break;
    case PROP_ROLE:
      g_free (settings->role);
      settings->role = g_value_dup_string (value);
      break;
    case PROP_TEMP_LOCATION:
      g_free (settings->temp_location);
      settings->temp_location = g_value_dup_string (value);
      break;
    case PROP_POST_MESSAGES:
      settings->post_messages = g_value_get_boolean (value);
      break;
    case PROP_MESSAGE_INTERVAL:
      settings->message_interval = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_kernel_property (
    const AvmSeparateSettings *kernel, guint prop_id, GValue *value)
{
  switch (prop_id) {
    case PROP_COMPONENTS:
      g_value_set_uint (value, (guint)kernel->n_components);
      break;
    case PROP_ITERATIONS:
      g_value_set_uint (value, (guint)kernel->iterations);
      break;
    case PROP_LAMBDA:
      g_value_set_double (value, kernel->lambda);
      break;
    case PROP_MU:
      g_value_set_double (value, kernel->mu);
      break;
    case PROP_BLOCK:
      g_value_set_double (value, kernel->block);
      break;
    case PROP_OVERLAP:
      g_value_set_double (value, kernel->overlap);
      break;
    case PROP_TUNING:
      g_value_set_double (value, kernel->tuning);
      break;
    default:
      g_value_set_uint64 (value, kernel->seed);
      break;
  }
}

static void
gst_avm_nmf_sep_get_property (
    GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (object);
  const Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MODEL:
      g_value_set_enum (value, settings->model);
      break;
    case PROP_SOURCES:
      g_value_set_uint (value, settings->sources);
      break;
    case PROP_WINDOW:
      g_value_set_uint (value, settings->window);
      break;
    case PROP_HOP:
      g_value_set_uint (value, settings->hop);
      break;
    case PROP_COMPONENTS:
    case PROP_ITERATIONS:
    case PROP_LAMBDA:
    case PROP_MU:
    case PROP_BLOCK:
    case PROP_OVERLAP:
    case PROP_TUNING:
    case PROP_SEED:
      get_kernel_property (&settings->kernel, prop_id, value);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, settings->threads);
      break;
    case PROP_ROLE:
      g_value_set_string (value, settings->role);
      break;
    case PROP_TEMP_LOCATION:
      g_value_set_string (value, settings->temp_location);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, settings->post_messages);
      break;
    case PROP_MESSAGE_INTERVAL:
      g_value_set_uint64 (value, settings->message_interval);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_nmf_sep_finalize (GObject *object)
{
  GstAvmNmfSep *self = GST_AVM_NMF_SEP (object);

  settings_clear (&self->settings);
  settings_clear (&self->now);
  gst_clear_caps (&self->caps);
  avm_sep_tracks_free (self->tracks);
  g_array_unref (self->notes);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

#define FLAGS                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_model_properties (GObjectClass *klass, const AvmSeparateSettings *d)
{
  g_object_class_install_property (klass, PROP_MODEL,
      g_param_spec_enum ("model", "Model",
          "By what is separated; a model that lacks motion or notes gives way "
          "to one that does not need them, with a warning",
          gst_avm_nmf_sep_model_get_type (), DEFAULT_MODEL, FLAGS));
  g_object_class_install_property (klass, PROP_SOURCES,
      g_param_spec_uint ("sources", "Sources",
          "How many sources the mixture has at least; 0: as many as pads, "
          "parts and players ask for",
          0, AVM_SEPARATE_MAX_SOURCES, DEFAULT_SOURCES, FLAGS));
  g_object_class_install_property (klass, PROP_COMPONENTS,
      g_param_spec_uint ("components", "Components",
          "Atoms of all sources together, where no notes say how many", 1, 512,
          (guint)d->n_components, FLAGS));
  g_object_class_install_property (klass, PROP_ITERATIONS,
      g_param_spec_uint ("iterations", "Iterations",
          "Iterations per block and stage", 1, 10000, (guint)d->iterations,
          FLAGS));
  g_object_class_install_property (klass, PROP_LAMBDA,
      g_param_spec_double ("lambda", "Lambda",
          "Weight of the motion against the sound", 0.0, 1e6, d->lambda,
          FLAGS));
  g_object_class_install_property (klass, PROP_MU,
      g_param_spec_double ("mu", "Mu",
          "Weight of the demand that few atoms go with a motion", 0.0, 1e6,
          d->mu, FLAGS));
  g_object_class_install_property (klass, PROP_TUNING,
      g_param_spec_double ("tuning", "Tuning",
          "Frequency of A4 (Hz), where notes are used; 0: found in the mixture",
          0.0, 1000.0, d->tuning, FLAGS));
  g_object_class_install_property (klass, PROP_SEED,
      g_param_spec_uint64 ("seed", "Seed",
          "Of the random numbers that the factorisation begins with; the same "
          "seed gives the same sources",
          0, G_MAXUINT64, d->seed, FLAGS));
  g_object_class_install_property (klass, PROP_ROLE,
      g_param_spec_string ("role", "Role",
          "Of several regions of a player, those whose role begins so are "
          "used, where there are any",
          DEFAULT_ROLE, FLAGS));
}

static void
install_work_properties (GObjectClass *klass, const AvmSeparateSettings *d)
{
  g_object_class_install_property (klass, PROP_WINDOW,
      g_param_spec_uint ("window", "Window",
          "Length of the analysis window (samples, even); 0: the power of two "
          "nearest to 89 ms, 4096 at 48 kHz",
          0, 65536, 0, FLAGS));
  g_object_class_install_property (klass, PROP_HOP,
      g_param_spec_uint ("hop", "Hop",
          "Distance of analysis windows (samples), half of one at most; 0: a "
          "quarter of the window",
          0, 32768, 0, FLAGS));
  g_object_class_install_property (klass, PROP_BLOCK,
      g_param_spec_double ("block", "Block",
          "Length of the blocks that are separated (s): longer ones separate "
          "better, and are latency and memory",
          1.0, 3600.0, d->block, FLAGS));
  g_object_class_install_property (klass, PROP_OVERLAP,
      g_param_spec_double ("overlap", "Overlap",
          "How long blocks fade into each other (s), half a block at most", 0.0,
          1800.0, d->overlap, FLAGS));
  g_object_class_install_property (klass, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads that compute; 0: one for each processor, 4 at most", 0, 64,
          DEFAULT_THREADS, FLAGS));
  g_object_class_install_property (klass, PROP_TEMP_LOCATION,
      g_param_spec_string ("temp-location", "Temporary location",
          "Directory in which the mixture waits until it is separated; NULL: "
          "that of the system (TMPDIR)",
          DEFAULT_TEMP_LOCATION, FLAGS));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post element messages about progress and result",
          DEFAULT_POST_MESSAGES, FLAGS));
  g_object_class_install_property (klass, PROP_MESSAGE_INTERVAL,
      g_param_spec_uint64 ("message-interval", "Message interval",
          "Least time between two messages about progress (ns); 0: one for "
          "each iteration",
          0, G_MAXUINT64, DEFAULT_MESSAGE_INTERVAL, FLAGS));
}

static void
add_templates (GstElementClass *klass)
{
  GstStaticPadTemplate *sinks[] = {
      &sink_template, &motion_template, &notes_template, &association_template};

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    gst_element_class_add_static_pad_template_with_gtype (
        klass, sinks[i], GST_TYPE_AVM_JOIN_PAD);
  gst_element_class_add_static_pad_template (klass, &src_template);
}

static void
gst_avm_nmf_sep_class_init (GstAvmNmfSepClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = GST_AVM_JOIN_CLASS (klass);
  AvmSeparateSettings defaults;

  GST_DEBUG_CATEGORY_INIT (
      avm_nmf_sep_debug, "avmnmfsep", 0, "source separation");
  avm_separate_settings_init (&defaults);
  object_class->set_property = gst_avm_nmf_sep_set_property;
  object_class->get_property = gst_avm_nmf_sep_get_property;
  object_class->finalize = gst_avm_nmf_sep_finalize;
  install_model_properties (object_class, &defaults);
  install_work_properties (object_class, &defaults);

  join_class->start = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_start);
  join_class->stop = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_stop);
  join_class->flush = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_flush);
  join_class->sink_caps = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_sink_caps);
  join_class->sink_buffer = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_sink_buffer);
  join_class->process = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_process);
  join_class->pad_added = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_pad_added);
  join_class->src_pad_added = GST_DEBUG_FUNCPTR (gst_avm_nmf_sep_src_pad_added);

  add_templates (element_class);
  gst_element_class_set_static_metadata (element_class, "Source separation",
      "Filter/Audio/Video",
      "Separates a mixture into its players by sound, motion and score", "avm");
  gst_type_mark_as_plugin_api (gst_avm_nmf_sep_model_get_type (), 0);
}

static void
gst_avm_nmf_sep_init (GstAvmNmfSep *self)
{
  Settings *settings = &self->settings;

  settings->model = DEFAULT_MODEL;
  settings->sources = DEFAULT_SOURCES;
  settings->threads = DEFAULT_THREADS;
  avm_separate_settings_init (&settings->kernel);
  settings->role = g_strdup (DEFAULT_ROLE);
  settings->post_messages = DEFAULT_POST_MESSAGES;
  settings->message_interval = DEFAULT_MESSAGE_INTERVAL;
  self->notes = g_array_new (FALSE, FALSE, sizeof (Note));
  self->tracks = avm_sep_tracks_new ();
}
