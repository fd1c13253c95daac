/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmeventenc
 * @title: avmeventenc
 * @short_description: events and series as JSON Lines, tables, MIDI and text
 *
 * avmeventenc writes any `application/x-avm-events` or
 * `application/x-avm-series` stream in the form that the next element asks for
 * with its caps. Where it takes anything, as filesink does, that is JSON Lines.
 *
 * * `application/x-ndjson`: one JSON object per line. Events
 *   (`"schema":"avm-events-1"`) have `kind`, `element` (the avm element that
 *   made them, where it is known), `stream_time_ns`, `running_time_ns`,
 *   `duration_ns`, `utc`, `region`, `part`, `confidence` (0 to 1) and `fields`,
 *   the kind's own. A series is first described (`"avm-channels-1"`: name,
 *   quantity, unit, region and part of each channel), then there is one line
 *   per row (`"avm-series-1"`). What is not known is `null`. The JSON Schema
 *   `avm-events.schema.json` gives every field's unit.
 * * `text/tab-separated-values`: lines that begin with `#` name the columns.
 *   mir_eval and Sonic Visualiser read it: notes are onset (s), offset (s) and
 *   frequency (Hz); other events start (s), end (s) and a label without
 *   blanks; a series is the time (s) and its channels; F0 is time and Hz, 0
 *   where nothing sounds, and of several voices only those that sound. With
 *   #GstAvmEventEnc:columns at `all` every field is a column.
 * * `text/x-raw, format=utf8`: one buffer per event with its time and duration,
 *   as subtitles for textoverlay, webvttenc or mp4mux.
 * * `audio/midi`: notes as a Standard MIDI File, written at the end of the
 *   stream.
 *
 * `utc` is the time of the wall clock when the event happened. It is known when
 * the buffer has a #GstReferenceTimestampMeta in Unix or NTP time, or when the
 * pipeline is live.
 *
 * Lines are pushed as the events arrive, so nothing is lost when a pipeline
 * ends early. At the end the element posts an element message `avm-encoded`
 * with the `kind` (string) and the number of events or rows (`count`, uint64):
 * a stream in which nothing was found says so.
 *
 * Causal, no latency of its own; memory: one buffer, with MIDI 56 bytes per
 * note.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=3 t.notes ! avmeventenc ! application/x-ndjson ! filesink location=notes.jsonl
 * ]| The notes that the virtual ensemble plays, one JSON object per line.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=3 t.notes ! avmeventenc ! audio/midi ! filesink location=notes.mid
 * ]| The same as a MIDI file.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmeventenc.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gst/avm/avm.h>

#include "avmeventtext.h"
#include "score/avm-smf.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_eventenc_debug);
#define GST_CAT_DEFAULT gst_avm_eventenc_debug

#define DEFAULT_COLUMNS GST_AVM_EVENTENC_COLUMNS_STANDARD
#define DEFAULT_PART GST_AVM_ANY

/* 1900-01-01 to 1970-01-01 */
#define NTP_TO_UNIX (G_GINT64_CONSTANT (2208988800) * (gint64)GST_SECOND)
/* Elements to look through for the one that made the stream */
#define MAX_UPSTREAM 32
/* The MIDI file is in seconds of the performance: 120 beats per minute */
#define BEATS_PER_SECOND 2.0
#define DEFAULT_VELOCITY 64
#define MAX_PART 255

enum {
  PROP_0,
  PROP_COLUMNS,
  PROP_PART
};

typedef enum {
  GST_AVM_EVENTENC_COLUMNS_STANDARD,
  GST_AVM_EVENTENC_COLUMNS_ALL
} GstAvmEventEncColumns;

typedef enum {
  FORMAT_NONE,
  FORMAT_NDJSON,
  FORMAT_TSV,
  FORMAT_TEXT,
  FORMAT_MIDI
} Format;

struct _GstAvmEventEnc {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;

  /* properties, under the object lock */
  GstAvmEventEncColumns columns;
  gint part;

  /* streaming state: the sink pad's stream lock */
  GstSegment segment;
  GstEvent *segment_event; /* still to be sent */
  gboolean segment_sent;
  Format format;
  GstCaps *sink_caps;
  gchar *kind;
  GstAvmSeriesInfo *series; /* NULL: the stream has events */
  gchar *element;
  gboolean header_sent;
  guint64 count;
  AvmScore *score;
  gboolean live;
  gint64 utc_offset; /* running time to UTC, when live */
};

#define SERIES_SINK_CAPS                                                       \
  GST_AVM_SERIES_MEDIA_TYPE ", version = (int) 1, "                            \
                            "format = (string) F32LE"
#define EVENTS_SINK_CAPS GST_AVM_EVENTS_MEDIA_TYPE ", version = (int) 1"

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (EVENTS_SINK_CAPS "; " SERIES_SINK_CAPS));

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS ("application/x-ndjson; text/tab-separated-values; "
                         "text/x-raw, format = (string) utf8; audio/midi"));

#define GST_TYPE_AVM_EVENTENC_COLUMNS (gst_avm_eventenc_columns_get_type ())
static GType
gst_avm_eventenc_columns_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_AVM_EVENTENC_COLUMNS_STANDARD,
          "The columns that mir_eval and Sonic Visualiser read", "standard"},
      {GST_AVM_EVENTENC_COLUMNS_ALL, "Every field is a column", "all"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmEventEncColumns", values));
  return type;
}

#define gst_avm_eventenc_parent_class parent_class
G_DEFINE_TYPE (GstAvmEventEnc, gst_avm_eventenc, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (
    avmeventenc, "avmeventenc", GST_RANK_NONE, GST_TYPE_AVM_EVENTENC);

static void gst_avm_eventenc_finalize (GObject *object);
static void gst_avm_eventenc_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
static void gst_avm_eventenc_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);
static GstStateChangeReturn gst_avm_eventenc_change_state (
    GstElement *element, GstStateChange transition);
static GstFlowReturn gst_avm_eventenc_chain (
    GstPad *pad, GstObject *parent, GstBuffer *buffer);
static gboolean gst_avm_eventenc_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event);
static gboolean gst_avm_eventenc_sink_query (
    GstPad *pad, GstObject *parent, GstQuery *query);

static void
gst_avm_eventenc_class_init (GstAvmEventEncClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_avm_eventenc_debug, "avmeventenc", 0, "event and series encoder");

  gobject_class->finalize = gst_avm_eventenc_finalize;
  gobject_class->set_property = gst_avm_eventenc_set_property;
  gobject_class->get_property = gst_avm_eventenc_get_property;

  /**
   * GstAvmEventEnc:columns:
   *
   * Columns of tab-separated text.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_COLUMNS,
      g_param_spec_enum ("columns", "Columns", "Columns of tab-separated text",
          GST_TYPE_AVM_EVENTENC_COLUMNS, DEFAULT_COLUMNS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_READY));

  /**
   * GstAvmEventEnc:part:
   *
   * Write only the events and channels of this part of the score.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_PART,
      g_param_spec_int ("part", "Part",
          "Index of the part to write (-2 all, -1 those of no part)",
          GST_AVM_ANY, G_MAXINT, DEFAULT_PART,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_READY));

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_avm_eventenc_change_state);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Event and series encoder", "Codec/Encoder/Metadata",
      "Writes analysis results as JSON Lines, tables, subtitles or MIDI",
      "The avm developers");
  gst_type_mark_as_plugin_api (GST_TYPE_AVM_EVENTENC_COLUMNS, 0);
}

static void
gst_avm_eventenc_init (GstAvmEventEnc *self)
{
  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_eventenc_chain));
  gst_pad_set_event_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_eventenc_sink_event));
  gst_pad_set_query_function (
      self->sinkpad, GST_DEBUG_FUNCPTR (gst_avm_eventenc_sink_query));
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);

  self->columns = DEFAULT_COLUMNS;
  self->part = DEFAULT_PART;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}

/* Everything that belongs to the caps of one stream */
static void
drop_stream (GstAvmEventEnc *self)
{
  g_clear_pointer (&self->series, gst_avm_series_info_free);
  g_clear_pointer (&self->kind, g_free);
  g_clear_pointer (&self->element, g_free);
  gst_caps_replace (&self->sink_caps, NULL);
  self->format = FORMAT_NONE;
  self->header_sent = FALSE;
}

static void
reset (GstAvmEventEnc *self)
{
  drop_stream (self);
  gst_clear_event (&self->segment_event);
  g_clear_pointer (&self->score, avm_score_free);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->segment_sent = FALSE;
  self->count = 0;
  self->live = FALSE;
}

static void
gst_avm_eventenc_finalize (GObject *object)
{
  reset (GST_AVM_EVENTENC (object));

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_avm_eventenc_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmEventEnc *self = GST_AVM_EVENTENC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_COLUMNS:
      self->columns = g_value_get_enum (value);
      break;
    case PROP_PART:
      self->part = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_eventenc_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmEventEnc *self = GST_AVM_EVENTENC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_COLUMNS:
      g_value_set_enum (value, self->columns);
      break;
    case PROP_PART:
      g_value_set_int (value, self->part);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
get_settings (GstAvmEventEnc *self, gboolean *full, gint *part)
{
  GST_OBJECT_LOCK (self);
  *full = self->columns == GST_AVM_EVENTENC_COLUMNS_ALL;
  *part = self->part;
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
gst_avm_eventenc_change_state (GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    reset (GST_AVM_EVENTENC (element));
  return ret;
}

/* -- negotiation ---------------------------------------------------------- */

static Format
format_from_caps (const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);

  if (gst_structure_has_name (s, "application/x-ndjson"))
    return FORMAT_NDJSON;
  if (gst_structure_has_name (s, "text/tab-separated-values"))
    return FORMAT_TSV;
  if (gst_structure_has_name (s, "text/x-raw"))
    return FORMAT_TEXT;
  return FORMAT_MIDI;
}

/* The element that made the stream: the first of ours that is found by going
 * up through elements with a single input. */
static gchar *
find_producer (GstAvmEventEnc *self)
{
  GstPad *pad = gst_pad_get_peer (self->sinkpad);
  gchar *name = NULL;

  for (gint i = 0; pad != NULL && name == NULL && i < MAX_UPSTREAM; i++) {
    GstPad *source = pad;
    GstElement *element;
    GstElementFactory *factory;

    if (GST_IS_GHOST_PAD (pad))
      source = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
    else
      gst_object_ref (source);
    gst_clear_object (&pad);
    element = source != NULL ? gst_pad_get_parent_element (source) : NULL;
    gst_clear_object (&source);
    if (element == NULL)
      break;
    factory = gst_element_get_factory (element);
    if (factory != NULL && g_str_has_prefix (GST_OBJECT_NAME (factory), "avm"))
      name = g_strdup (GST_OBJECT_NAME (factory));
    GST_OBJECT_LOCK (element);
    if (element->numsinkpads == 1)
      source = gst_object_ref (element->sinkpads->data);
    GST_OBJECT_UNLOCK (element);
    if (source != NULL)
      pad = gst_pad_get_peer (source);
    gst_clear_object (&source);
    gst_object_unref (element);
  }
  gst_clear_object (&pad);
  return name;
}

/* Of a live pipeline the wall clock is known as well, once it plays. */
static void
find_utc (GstAvmEventEnc *self)
{
  GstQuery *query = gst_query_new_latency ();
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (self));

  self->live = FALSE;
  if (clock != NULL && gst_pad_peer_query (self->sinkpad, query)) {
    gst_query_parse_latency (query, &self->live, NULL, NULL);
    self->utc_offset = g_get_real_time () * GST_USECOND
        - (gint64)gst_clock_get_time (clock)
        + (gint64)gst_element_get_base_time (GST_ELEMENT (self));
  }
  gst_clear_object (&clock);
  gst_query_unref (query);
}

static gboolean
is_note (const GstCaps *caps)
{
  GstStructure *s = gst_caps_get_structure (caps, 0);

  return gst_structure_has_name (s, GST_AVM_EVENTS_MEDIA_TYPE)
      && g_strcmp0 (gst_structure_get_string (s, "kind"), "note") == 0;
}

/* What can be written of this stream, and read downstream: the first form that
 * downstream names. */
static GstCaps *
choose_caps (GstAvmEventEnc *self)
{
  GstCaps *ours = gst_pad_get_pad_template_caps (self->srcpad);
  GstCaps *theirs = gst_pad_peer_query_caps (self->srcpad, NULL);
  GstCaps *both;

  if (!is_note (self->sink_caps)) {
    GstCaps *midi = gst_caps_new_empty_simple ("audio/midi");
    GstCaps *rest = gst_caps_subtract (ours, midi);

    gst_caps_unref (midi);
    gst_caps_unref (ours);
    ours = rest;
  }
  both = gst_caps_is_any (theirs)
      ? gst_caps_copy (ours)
      : gst_caps_intersect_full (theirs, ours, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (theirs);
  gst_caps_unref (ours);
  if (gst_caps_is_empty (both)) {
    gst_caps_unref (both);
    return NULL;
  }
  return gst_caps_fixate (gst_caps_truncate (both));
}

static gboolean
negotiate (GstAvmEventEnc *self)
{
  GstCaps *caps = choose_caps (self);
  gboolean ok;

  if (caps == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("Events of kind \"%s\" cannot be written in the form that the next "
            "element asks for. Only notes can become MIDI."),
            self->kind),
        ("no common caps downstream for %" GST_PTR_FORMAT, self->sink_caps));
    return FALSE;
  }
  self->format = format_from_caps (caps);
  GST_INFO_OBJECT (self, "writing %" GST_PTR_FORMAT, caps);
  ok = gst_pad_push_event (self->srcpad, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  return ok;
}

static gboolean
set_caps (GstAvmEventEnc *self, GstCaps *caps)
{
  GstStructure *s = gst_caps_get_structure (caps, 0);
  GstAvmSeriesInfo *series = NULL;

  if (self->sink_caps != NULL && gst_caps_is_equal (self->sink_caps, caps))
    return TRUE;
  if (gst_structure_has_name (s, GST_AVM_SERIES_MEDIA_TYPE)) {
    g_autoptr (GError) error = NULL;

    series = gst_avm_series_info_new_from_caps (caps, &error);
    if (series == NULL) {
      GST_WARNING_OBJECT (self, "unusable caps: %s", error->message);
      return FALSE;
    }
  } else if (gst_avm_caps_get_kind (caps) == NULL) {
    GST_WARNING_OBJECT (self, "no kind in %" GST_PTR_FORMAT, caps);
    return FALSE;
  }
  drop_stream (self);
  self->series = series;
  self->sink_caps = gst_caps_ref (caps);
  self->kind = g_strdup (series != NULL ? gst_avm_series_info_get_kind (series)
                                        : gst_avm_caps_get_kind (caps));
  self->element = find_producer (self);
  return negotiate (self);
}

/* -- times ---------------------------------------------------------------- */

static gboolean
reference_offset (GstBuffer *buffer, gint64 *offset)
{
  static const gchar *const media[] = {"timestamp/x-unix", "timestamp/x-ntp"};
  gboolean found = FALSE;

  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (media) && !found; i++) {
    GstCaps *caps = gst_caps_new_empty_simple (media[i]);
    GstReferenceTimestampMeta *meta =
        gst_buffer_get_reference_timestamp_meta (buffer, caps);

    gst_caps_unref (caps);
    if (meta == NULL)
      continue;
    found = TRUE;
    *offset = (gint64)meta->timestamp - (gint64)GST_BUFFER_PTS (buffer);
    if (i == 1)
      *offset -= NTP_TO_UNIX;
  }
  return found;
}

static gboolean
to_running (const GstSegment *segment, GstClockTime time, gint64 *result)
{
  guint64 value;
  gint sign =
      gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time, &value);

  if (sign != 0)
    *result = sign * (gint64)value;
  return sign != 0;
}

static gboolean
to_stream (const GstSegment *segment, GstClockTime time, gint64 *result)
{
  guint64 value;
  gint sign =
      gst_segment_to_stream_time_full (segment, GST_FORMAT_TIME, time, &value);

  if (sign != 0)
    *result = sign * (gint64)value;
  return sign != 0;
}

static void
find_times (GstAvmEventEnc *self, GstBuffer *buffer, GstClockTime time,
    AvmTextTimes *times)
{
  gint64 offset;

  memset (times, 0, sizeof (*times));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  times->has_stream = to_stream (&self->segment, time, &times->stream);
  times->has_running = to_running (&self->segment, time, &times->running);
  if (reference_offset (buffer, &offset)) {
    times->has_utc = TRUE;
    times->utc = (gint64)time + offset;
  } else if (self->live && times->has_running) {
    times->has_utc = TRUE;
    times->utc = times->running + self->utc_offset;
  }
}

/* -- writing -------------------------------------------------------------- */

static GstFlowReturn
push_text (GstAvmEventEnc *self, GString *text, GstClockTime pts,
    GstClockTime duration)
{
  gsize size = text->len;
  GstBuffer *buffer =
      gst_buffer_new_wrapped (g_string_free (text, FALSE), size);

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return gst_pad_push (self->srcpad, buffer);
}

/* The segment goes out with the first result, or at the end: an empty stream
 * has its header, too, even one that ends before its segment. */
static GstFlowReturn
push_header (GstAvmEventEnc *self)
{
  GString *text;
  gboolean full;
  gint part;

  if (self->segment_event == NULL && !self->segment_sent)
    self->segment_event = gst_event_new_segment (&self->segment);
  if (self->segment_event != NULL) {
    self->segment_sent = TRUE;
    gst_pad_push_event (self->srcpad, g_steal_pointer (&self->segment_event));
  }
  if (self->header_sent)
    return GST_FLOW_OK;
  self->header_sent = TRUE;
  find_utc (self);
  get_settings (self, &full, &part);
  text = g_string_new (NULL);
  if (self->format == FORMAT_TSV && self->series != NULL)
    avm_text_tsv_series_header (text, self->series, full, part);
  else if (self->format == FORMAT_TSV)
    avm_text_tsv_events_header (text, self->kind, full);
  else if (self->format == FORMAT_NDJSON && self->series != NULL)
    avm_text_json_channels (text, self->series, self->element);
  if (text->len > 0)
    return push_text (self, text, self->segment.start, 0);
  g_string_free (text, TRUE);
  return GST_FLOW_OK;
}

/* A part for @event in the score, named as the event says */
static gboolean
ensure_part (AvmScore *score, gint part, const GstAvmEvent *event)
{
  const gchar *name = gst_avm_event_get_string (event, "part-name");

  while (score->n_parts <= (gsize)part) {
    /* channel 10 (index 9) is the drums' */
    gint channel = (gint)(score->n_parts % 15);

    channel += channel >= 9;
    if (avm_score_add_part (score, "", -1, channel) < 0)
      return FALSE;
  }
  if (name != NULL && score->parts[part].name[0] == '\0') {
    gchar *copy = strdup (name);

    if (copy == NULL)
      return FALSE;
    free (score->parts[part].name);
    score->parts[part].name = copy;
  }
  return TRUE;
}

static void
keep_note (
    GstAvmEventEnc *self, const GstAvmEvent *event, const AvmTextTimes *times)
{
  AvmNote note = {0};
  gdouble midi;
  gint velocity = DEFAULT_VELOCITY;

  if (!avm_text_event_pitch (event, &midi) || !times->has_stream
      || times->stream < 0 || !GST_CLOCK_TIME_IS_VALID (event->duration)) {
    GST_DEBUG_OBJECT (self, "an event without pitch, place or length");
    return;
  }
  if (self->score == NULL)
    self->score = avm_score_new ();
  gst_avm_event_get_int (event, "velocity", &velocity);
  note.onset = times->stream / (gdouble)GST_SECOND;
  note.duration = event->duration / (gdouble)GST_SECOND;
  note.onset_beat = note.onset * BEATS_PER_SECOND;
  note.duration_beat = note.duration * BEATS_PER_SECOND;
  note.pitch = (gint)CLAMP (floor (midi + 0.5), 0, 127);
  note.velocity = CLAMP (velocity, 1, 127);
  note.part = CLAMP (event->part, 0, MAX_PART);
  if (self->score == NULL || !ensure_part (self->score, note.part, event)
      || !avm_score_add_note (self->score, &note))
    GST_WARNING_OBJECT (self, "a note that no score can hold");
}

/* Appends the event to @text, or pushes or keeps it as the format demands. */
static GstFlowReturn
write_event (GstAvmEventEnc *self, GstBuffer *buffer, const GstAvmEvent *event,
    gboolean full, GString *text)
{
  AvmTextTimes times;

  self->count++;
  find_times (self, buffer, event->onset, &times);
  switch (self->format) {
    case FORMAT_NDJSON:
      avm_text_json_event (text, self->kind, self->element, event, &times);
      return GST_FLOW_OK;
    case FORMAT_TSV:
      avm_text_tsv_event (text, self->kind, full, event, &times);
      return GST_FLOW_OK;
    case FORMAT_MIDI:
      keep_note (self, event, &times);
      return GST_FLOW_OK;
    default: {
      GString *line = g_string_new (NULL);

      avm_text_describe_event (line, self->kind, event);
      return push_text (self, line, event->onset, event->duration);
    }
  }
}

static GstFlowReturn
payload_error (GstAvmEventEnc *self, GstBuffer *buffer, const GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("A buffer of the \"%s\" stream is damaged. If it was stored in a "
          "file, make the file again."),
          self->kind),
      ("%s, in %" GST_PTR_FORMAT, error != NULL ? error->message : "?",
          buffer));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
write_events (GstAvmEventEnc *self, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = gst_avm_events_buffer_parse (buffer, &error);
  GstFlowReturn ret = GST_FLOW_OK;
  GString *text;
  gboolean full;
  gint part;

  if (events == NULL)
    return payload_error (self, buffer, error);
  get_settings (self, &full, &part);
  text = g_string_new (NULL);
  for (guint i = 0; i < events->len && ret == GST_FLOW_OK; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);

    if (part == GST_AVM_ANY || event->part == part)
      ret = write_event (self, buffer, event, full, text);
  }
  if (ret == GST_FLOW_OK && text->len > 0)
    return push_text (
        self, text, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  g_string_free (text, TRUE);
  return ret;
}

static GstClockTime
row_duration (const GstAvmSeriesInfo *info, GstBuffer *buffer, guint n_rows)
{
  gint rate_n, rate_d;

  if (n_rows == 1 && GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  gst_avm_series_info_get_rate (info, &rate_n, &rate_d);
  return rate_n > 0 ? gst_util_uint64_scale_round (GST_SECOND, rate_d, rate_n)
                    : GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
write_row (GstAvmEventEnc *self, GstBuffer *buffer, const GstAvmSeriesMap *map,
    guint row, GString *text)
{
  const gfloat *values = map->rows + (gsize)row * map->n_channels;
  GstClockTime duration = row_duration (self->series, buffer, map->n_rows);
  GstClockTime time = GST_BUFFER_PTS_IS_VALID (buffer)
      ? gst_avm_series_row_time (self->series, GST_BUFFER_PTS (buffer), row)
      : GST_CLOCK_TIME_NONE;
  AvmTextTimes times;
  gboolean full;
  gint part;
  GString *line;

  self->count++;
  get_settings (self, &full, &part);
  find_times (self, buffer, time, &times);
  if (self->format == FORMAT_NDJSON) {
    avm_text_json_row (
        text, self->series, self->element, values, duration, &times, part);
    return GST_FLOW_OK;
  }
  if (self->format == FORMAT_TSV) {
    avm_text_tsv_row (text, self->series, full, values, &times, part);
    return GST_FLOW_OK;
  }
  line = g_string_new (NULL);
  avm_text_describe_row (line, self->series, values, part);
  if (line->len > 0)
    return push_text (self, line, time, duration);
  g_string_free (line, TRUE);
  return GST_FLOW_OK;
}

static GstFlowReturn
write_series (GstAvmEventEnc *self, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret = GST_FLOW_OK;
  GstAvmSeriesMap map;
  GString *text;

  if (!gst_avm_series_map (&map, self->series, buffer, &error))
    return payload_error (self, buffer, error);
  text = g_string_new (NULL);
  for (guint row = 0; row < map.n_rows && ret == GST_FLOW_OK; row++)
    ret = write_row (self, buffer, &map, row, text);
  gst_avm_series_unmap (&map);
  if (ret == GST_FLOW_OK && text->len > 0)
    return push_text (
        self, text, GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  g_string_free (text, TRUE);
  return ret;
}

static GstFlowReturn
gst_avm_eventenc_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstAvmEventEnc *self = GST_AVM_EVENTENC (parent);
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->format == FORMAT_NONE) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (gst_pad_check_reconfigure (self->srcpad) && !negotiate (self))
    ret = GST_FLOW_NOT_NEGOTIATED;
  if (ret == GST_FLOW_OK)
    ret = push_header (self);
  if (ret == GST_FLOW_OK)
    ret = self->series != NULL ? write_series (self, buffer)
                               : write_events (self, buffer);
  gst_buffer_unref (buffer);
  return ret;
}

/* -- the end -------------------------------------------------------------- */

static void
push_midi (GstAvmEventEnc *self)
{
  AvmScore *score = self->score != NULL ? self->score : avm_score_new ();
  AvmError error = {0};
  uint8_t *data = NULL;
  size_t size = 0;
  GstBuffer *buffer;

  self->score = NULL;
  if (score == NULL)
    return;
  avm_score_sort (score);
  if (avm_smf_serialise (score, &data, &size, &error)) {
    buffer = gst_buffer_new_memdup (data, size);
    free (data);
    GST_BUFFER_PTS (buffer) = self->segment.start;
    gst_pad_push (self->srcpad, buffer);
  } else {
    GST_ELEMENT_ERROR (self, STREAM, ENCODE,
        (_ ("The notes cannot be written as a MIDI file. Ask for "
            "application/x-ndjson instead.")),
        ("%s", error.detail));
  }
  avm_score_free (score);
}

static void
finish (GstAvmEventEnc *self)
{
  if (self->format == FORMAT_NONE)
    return;
  if (push_header (self) == GST_FLOW_OK && self->format == FORMAT_MIDI)
    push_midi (self);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("avm-encoded", "kind", G_TYPE_STRING, self->kind,
              "count", G_TYPE_UINT64, self->count, NULL)));
}

/* -- events and queries --------------------------------------------------- */

static gboolean
keep_segment (GstAvmEventEnc *self, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    gst_event_unref (event);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("The stream has no times. If it comes from a file, put gdpdepay "
            "before %s."),
            GST_ELEMENT_NAME (self)),
        ("segment in %s", gst_format_get_name (segment->format)));
    return FALSE;
  }
  gst_segment_copy_into (segment, &self->segment);
  gst_event_replace (&self->segment_event, event);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
gst_avm_eventenc_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAvmEventEnc *self = GST_AVM_EVENTENC (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gboolean ok;

      gst_event_parse_caps (event, &caps);
      ok = set_caps (self, caps);
      gst_event_unref (event);
      return ok;
    }
    case GST_EVENT_SEGMENT:
      return keep_segment (self, event);
    case GST_EVENT_GAP:
      if (self->format != FORMAT_NONE)
        push_header (self);
      break;
    case GST_EVENT_EOS:
      finish (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      g_clear_pointer (&self->score, avm_score_free);
      gst_clear_event (&self->segment_event);
      gst_segment_init (&self->segment, GST_FORMAT_TIME);
      self->segment_sent = FALSE;
      self->count = 0;
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

/* A downstream that only takes MIDI lets only notes in. */
static GstCaps *
get_sink_caps (GstAvmEventEnc *self, GstCaps *filter)
{
  GstCaps *theirs = gst_pad_peer_query_caps (self->srcpad, NULL);
  GstCaps *ours = gst_pad_get_pad_template_caps (self->srcpad);
  GstCaps *common = gst_caps_intersect (theirs, ours);
  GstCaps *midi = gst_caps_new_empty_simple ("audio/midi");
  GstCaps *result;

  if (gst_caps_is_empty (common))
    result = gst_caps_new_empty ();
  else if (gst_caps_is_subset (common, midi))
    result = gst_caps_from_string (GST_AVM_EVENTS_CAPS ("note"));
  else
    result = gst_pad_get_pad_template_caps (self->sinkpad);
  gst_caps_unref (theirs);
  gst_caps_unref (ours);
  gst_caps_unref (common);
  gst_caps_unref (midi);
  if (filter != NULL) {
    GstCaps *both =
        gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (result);
    result = both;
  }
  return result;
}

static gboolean
gst_avm_eventenc_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCaps *filter;
  GstCaps *caps;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return gst_pad_query_default (pad, parent, query);
  gst_query_parse_caps (query, &filter);
  caps = get_sink_caps (GST_AVM_EVENTENC (parent), filter);
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
  return TRUE;
}
