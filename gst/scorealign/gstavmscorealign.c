/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmscorealign
 * @title: avmscorealign
 * @short_description: finds the notes of a score in a recording of it
 *
 * avmscorealign listens to a performance (`audio/x-raw`, F32LE or S16LE,
 * interleaved, 8 to 192 kHz, up to 8 channels, which it mixes itself) and says
 * when each note of #GstAvmScoreAlign:score, a Standard MIDI File, is played.
 *
 * The recording's tuning is estimated from its first 20 seconds with sound and
 * its transposition against the score from the whole; then 12 chroma and 12
 * onset features of both are warped onto each other, exactly where the piece
 * is short and within a band about a coarse path where it is long, and each
 * onset is moved to where the note's own harmonics begin to rise, by at most
 * #GstAvmScoreAlign:refine. Silence or noise before and after the piece, a
 * tempo of half to twice the score's and soft onsets of bowed strings are
 * allowed for. Repeats must be written out in the score.
 *
 * It produces `application/x-avm-events, kind=note`, one event per note in
 * order of onset: part, confidence (0 to 1: how much more of its sound lies at
 * the note's harmonics than beside them), `pitch` (MIDI number as it sounds,
 * the transposition included), `velocity`, `part-name`, `score-onset` (s),
 * `score-duration` (s) and `score-beat` (quarter notes). Times are those of
 * the audio, from its timestamps. An element message `avm-score-aligned` gives
 * `notes` (uint), `transposition` (int, semitones), `tuning` (double, cents),
 * `mean-cost` (double: 0 is the same, the same piece is below 0.2), `begin` and
 * `end` (uint64, ns, where the recording has sound).
 *
 * Whole piece: everything comes at the end of the stream. Memory: 96 bytes per
 * frame of #GstAvmScoreAlign:feature-rate (4.8 kB/s), while the tuning is not
 * known the samples of these seconds, and at the end the features (200 bytes
 * per frame) and #GstAvmScoreAlign:memory-limit.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=duet.mp4 ! decodebin ! audioconvert ! avmscorealign score=duet.mid ! avmeventenc ! application/x-ndjson ! filesink location=notes.jsonl
 * ]| The notes of a recorded duet, one JSON object per line.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=10 score=duet.mid t.audio ! audioconvert ! avmscorealign score=duet.mid ! avmeventenc ! audio/midi ! filesink location=performed.mid
 * ]| The virtual ensemble's performance as a MIDI file with the times of the performance.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmscorealign.h"

#include <glib/gi18n-lib.h>
#include <gst/audio/audio.h>
#include <math.h>

#include "dsp/avm-align.h"
#include "score/avm-smf.h"

#include "../common/avmscoreerror.h"

GST_DEBUG_CATEGORY_STATIC (avm_scorealign_debug);
#define GST_CAT_DEFAULT avm_scorealign_debug

#define AUTO_TRANSPOSITION (-25)
#define AUTO_TUNING (-100.0)

#define DEFAULT_SCORE NULL
#define DEFAULT_TRANSPOSITION AUTO_TRANSPOSITION
#define DEFAULT_TUNING AUTO_TUNING
#define DEFAULT_FEATURE_RATE 50.0
#define DEFAULT_REFINE 0.06
#define DEFAULT_MEMORY_LIMIT (64 << 20)

/* Timestamps that differ from the count of samples by less are jitter, gaps
 * up to GAP_MOST are filled with silence. */
#define GAP_LEAST (40 * GST_MSECOND)
#define GAP_MOST (60 * GST_SECOND)
#define SCRATCH 4096
/* Recordings of the piece cost 0.06 to 0.18, of another one 0.27 to 0.43. */
#define DOUBTFUL_COST 0.24

enum {
  PROP_0,
  PROP_SCORE,
  PROP_TRANSPOSITION,
  PROP_TUNING,
  PROP_FEATURE_RATE,
  PROP_REFINE,
  PROP_MEMORY_LIMIT
};

typedef struct {
  gchar *score;
  gint transposition;
  gdouble tuning, feature_rate, refine;
  guint64 memory_limit;
} Settings;

/* From this sample on the recording's clock is at this running time. */
typedef struct {
  guint64 sample;
  GstClockTime time;
} Anchor;

struct _GstAvmScoreAlign {
  GstAvmJoin parent;

  Settings settings; /* under the object lock */
  Settings used;     /* a copy, from start () on */

  AvmScore *score;
  AvmPitchgram *gram;
  GstAudioInfo info;
  GArray *anchors;
  guint64 n_samples;
  gint rate;
  gboolean warned;
};

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS ("audio/x-raw, format = (string) { F32LE, S16LE }, "
                         "rate = (int) [ 8000, 192000 ], "
                         "channels = (int) [ 1, 8 ], "
                         "layout = (string) interleaved"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));

G_DEFINE_TYPE (GstAvmScoreAlign, gst_avm_scorealign, GST_TYPE_AVM_JOIN);
GST_ELEMENT_REGISTER_DEFINE (
    avmscorealign, "avmscorealign", GST_RANK_NONE, GST_TYPE_AVM_SCOREALIGN);

/* -- the score ------------------------------------------------------------ */

static gboolean
out_of_memory (GstAvmScoreAlign *self)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory to align the score \"%s\". Analyse the "
          "piece in sections."),
          self->used.score),
      (NULL));
  return FALSE;
}

static gboolean
read_score (GstAvmScoreAlign *self)
{
  AvmError error = {AVM_OK, -1, ""};

  if (self->used.score == NULL || *self->used.score == '\0') {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        (_ ("There is no score to align. Set the property \"score\" to a MIDI "
            "file.")),
        (NULL));
    return FALSE;
  }
  self->score = avm_smf_read (self->used.score, &error);
  if (self->score == NULL)
    gst_avm_post_score_error (GST_ELEMENT (self), self->used.score, &error);
  return self->score != NULL;
}

/* -- audio in ------------------------------------------------------------- */

static void
forget_audio (GstAvmScoreAlign *self)
{
  g_clear_pointer (&self->gram, avm_pitchgram_free);
  g_array_set_size (self->anchors, 0);
  self->n_samples = 0;
  self->warned = FALSE;
}

static gboolean
gst_avm_scorealign_sink_caps (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, caps))
    return FALSE;
  if (self->gram != NULL && info.rate != self->rate) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("The sample rate changes from %d to %d Hz within the recording. "
            "Put audioresample and a caps filter with one rate before this "
            "element."),
            self->rate, info.rate),
        (NULL));
    return FALSE;
  }
  self->info = info;
  self->rate = info.rate;
  if (self->gram == NULL) {
    gboolean fixed = self->used.tuning > AUTO_TUNING;

    self->gram = avm_pitchgram_new (info.rate, self->used.feature_rate,
        fixed ? self->used.tuning : (gdouble)NAN);
  }
  return self->gram != NULL || out_of_memory (self);
}

static gboolean
push_samples (GstAvmScoreAlign *self, const guint8 *data, gsize n_frames)
{
  gfloat mono[SCRATCH];
  guint channels = self->info.channels;
  gsize bad = 0;

  while (n_frames > 0) {
    gsize n = MIN (n_frames, SCRATCH);

    if (data == NULL)
      memset (mono, 0, n * sizeof (gfloat));
    else if (GST_AUDIO_INFO_IS_FLOAT (&self->info))
      bad += avm_mix_down_f32 ((const gfloat *)data, n, channels, mono);
    else
      avm_mix_down_s16 ((const gint16 *)data, n, channels, mono);
    if (!avm_pitchgram_push (self->gram, mono, n))
      return out_of_memory (self);
    if (data != NULL)
      data += n * self->info.bpf;
    self->n_samples += n;
    n_frames -= n;
  }
  if (bad > 0 && !self->warned) {
    self->warned = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, DECODE,
        (_ ("The audio has values that are not numbers; they count as silence. "
            "Check what decodes it.")),
        ("%" G_GSIZE_FORMAT " values in one buffer", bad));
  }
  return TRUE;
}

static GstClockTime
sample_to_time (GstAvmScoreAlign *self, gdouble sample)
{
  const Anchor *anchor = NULL;

  for (guint i = 0; i < self->anchors->len; i++) {
    const Anchor *next = &g_array_index (self->anchors, Anchor, i);

    if (anchor != NULL && (gdouble)next->sample > sample)
      break;
    anchor = next;
  }
  if (anchor == NULL)
    return 0;
  sample = MAX (sample - (gdouble)anchor->sample, 0.0);
  return anchor->time + (GstClockTime)(sample / self->rate * GST_SECOND + 0.5);
}

/* Puts the buffer where its timestamp says: silence into gaps, a new anchor
 * where time jumps back or too far. */
static gboolean
place_buffer (GstAvmScoreAlign *self, GstClockTime time)
{
  Anchor anchor = {self->n_samples, time};
  GstClockTime expected;
  GstClockTimeDiff gap;

  if (self->anchors->len == 0) {
    anchor.time = GST_CLOCK_TIME_IS_VALID (time) ? time : 0;
    g_array_append_val (self->anchors, anchor);
    return TRUE;
  }
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return TRUE;
  expected = sample_to_time (self, (gdouble)self->n_samples);
  gap = GST_CLOCK_DIFF (expected, time);
  if (ABS (gap) < GAP_LEAST)
    return TRUE;
  GST_DEBUG_OBJECT (self, "gap of %" GST_STIME_FORMAT, GST_STIME_ARGS (gap));
  if (gap > 0 && gap <= GAP_MOST)
    return push_samples (
        self, NULL, gst_util_uint64_scale (gap, self->rate, GST_SECOND));
  g_array_append_val (self->anchors, anchor);
  return TRUE;
}

static GstFlowReturn
gst_avm_scorealign_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);
  GstClockTime time =
      gst_avm_join_pad_to_running_time (pad, GST_BUFFER_PTS (buffer));
  GstMapInfo map;
  gboolean ok;

  if (self->gram == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        (_ ("An audio buffer cannot be read. Put audioconvert before this "
            "element.")),
        (NULL));
    return GST_FLOW_ERROR;
  }
  ok = place_buffer (self, time)
      && push_samples (self,
          GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) ? NULL
                                                               : map.data,
          map.size / self->info.bpf);
  gst_buffer_unmap (buffer, &map);
  return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* -- notes out ------------------------------------------------------------ */

static void
post_result (GstAvmScoreAlign *self, const AvmAlignment *alignment)
{
  GstStructure *s = gst_structure_new ("avm-score-aligned", "notes",
      G_TYPE_UINT, alignment != NULL ? (guint)alignment->n_notes : 0, NULL);

  if (alignment != NULL)
    gst_structure_set (s, "transposition", G_TYPE_INT, alignment->transposition,
        "tuning", G_TYPE_DOUBLE, avm_pitchgram_tuning (self->gram), "mean-cost",
        G_TYPE_DOUBLE, alignment->mean_cost, "begin", G_TYPE_UINT64,
        sample_to_time (self, alignment->begin * self->rate), "end",
        G_TYPE_UINT64, sample_to_time (self, alignment->end * self->rate),
        NULL);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

static void
push_note (
    GstAvmScoreAlign *self, const AvmAlignedNote *aligned, gint transposition)
{
  const AvmNote *note = &self->score->notes[aligned->note];
  GstClockTime begin = sample_to_time (self, aligned->onset * self->rate);
  GstClockTime end =
      sample_to_time (self, (aligned->onset + aligned->duration) * self->rate);
  GstAvmEvent *event = gst_avm_event_new (begin, end > begin ? end - begin : 1,
      GST_AVM_NONE, note->part, aligned->confidence);

  gst_avm_event_set_double (event, "pitch", note->pitch + transposition);
  gst_avm_event_set_int (event, "velocity", note->velocity);
  gst_avm_event_set_string (
      event, "part-name", self->score->parts[note->part].name);
  gst_avm_event_set_double (event, "score-onset", note->onset);
  gst_avm_event_set_double (event, "score-duration", note->duration);
  gst_avm_event_set_double (event, "score-beat", note->onset_beat);
  gst_avm_join_push_event (GST_AVM_JOIN (self), event);
}

static bool
is_unwanted (void *self)
{
  return gst_avm_join_is_flushing (GST_AVM_JOIN (self));
}

/* Nothing to find is no error of the pipeline, but it is said. */
static GstFlowReturn
report_align_error (GstAvmScoreAlign *self, const AvmError *error)
{
  if (error->code == AVM_ERROR_CANCELLED)
    return GST_FLOW_FLUSHING;
  if (error->code == AVM_ERROR_EMPTY) {
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("The recording is silent: no note of \"%s\" can be found. Link the "
            "branch with the sound to this element."),
            self->used.score),
        ("%s", error->detail));
  } else if (error->code == AVM_ERROR_RANGE) {
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("The recording and the score \"%s\" cannot be compared: there is "
            "less than half a second of sound, or the score is longer than ten "
            "hours."),
            self->used.score),
        ("%s", error->detail));
  } else {
    out_of_memory (self);
    return GST_FLOW_ERROR;
  }
  post_result (self, NULL);
  return GST_FLOW_OK;
}

static GstFlowReturn
align (GstAvmScoreAlign *self)
{
  AvmAlignConfig config;
  AvmAlignment *alignment;
  AvmError error = {AVM_ERROR_EMPTY, 0, "no audio at all"};

  if (self->gram == NULL)
    return report_align_error (self, &error);
  if (!avm_pitchgram_finish (self->gram)) {
    out_of_memory (self);
    return GST_FLOW_ERROR;
  }
  avm_align_config_init (&config);
  if (self->used.transposition != AUTO_TRANSPOSITION)
    config.transposition = self->used.transposition;
  config.refine = self->used.refine;
  config.memory = (gsize)MIN (self->used.memory_limit, G_MAXSIZE);
  config.cancelled = is_unwanted;
  config.user_data = self;
  alignment = avm_align (self->score, self->gram, &config, &error);
  if (alignment == NULL)
    return report_align_error (self, &error);
  if (alignment->mean_cost > DOUBTFUL_COST)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("The recording hardly sounds like the score \"%s\". Check that "
            "they are the same piece, with the same repeats."),
            self->used.score),
        ("mean cost %.3f", alignment->mean_cost));
  for (gsize i = 0; i < alignment->n_notes; i++)
    push_note (self, &alignment->notes[i], alignment->transposition);
  post_result (self, alignment);
  avm_alignment_free (alignment);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_avm_scorealign_process (
    GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);
  GstFlowReturn flow;

  if (!eos)
    return GST_FLOW_OK;
  flow = align (self);
  forget_audio (self);
  return flow;
}

static void
gst_avm_scorealign_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);
  gboolean fixed = self->used.tuning > AUTO_TUNING;
  gboolean again = self->gram != NULL;

  forget_audio (self);
  /* caps do not come again after a flush */
  if (again)
    self->gram = avm_pitchgram_new (self->rate, self->used.feature_rate,
        fixed ? self->used.tuning : (gdouble)NAN);
}

/* -- GObject -------------------------------------------------------------- */

static gboolean
gst_avm_scorealign_start (GstAvmJoin *join)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  g_free (self->used.score);
  self->used = self->settings;
  self->used.score = g_strdup (self->settings.score);
  GST_OBJECT_UNLOCK (self);
  if (!read_score (self))
    return FALSE;
  caps = gst_avm_events_caps_new ("note");
  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  return TRUE;
}

static gboolean
gst_avm_scorealign_stop (GstAvmJoin *join)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (join);

  forget_audio (self);
  g_clear_pointer (&self->score, avm_score_free);
  return TRUE;
}

static void
gst_avm_scorealign_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SCORE:
      g_free (self->settings.score);
      self->settings.score = g_value_dup_string (value);
      break;
    case PROP_TRANSPOSITION:
      self->settings.transposition = g_value_get_int (value);
      break;
    case PROP_TUNING:
      self->settings.tuning = g_value_get_double (value);
      break;
    case PROP_FEATURE_RATE:
      self->settings.feature_rate = g_value_get_double (value);
      break;
    case PROP_REFINE:
      self->settings.refine = g_value_get_double (value);
      break;
    case PROP_MEMORY_LIMIT:
      self->settings.memory_limit = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_scorealign_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SCORE:
      g_value_set_string (value, self->settings.score);
      break;
    case PROP_TRANSPOSITION:
      g_value_set_int (value, self->settings.transposition);
      break;
    case PROP_TUNING:
      g_value_set_double (value, self->settings.tuning);
      break;
    case PROP_FEATURE_RATE:
      g_value_set_double (value, self->settings.feature_rate);
      break;
    case PROP_REFINE:
      g_value_set_double (value, self->settings.refine);
      break;
    case PROP_MEMORY_LIMIT:
      g_value_set_uint64 (value, self->settings.memory_limit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_scorealign_finalize (GObject *object)
{
  GstAvmScoreAlign *self = GST_AVM_SCOREALIGN (object);

  forget_audio (self);
  g_clear_pointer (&self->score, avm_score_free);
  g_array_unref (self->anchors);
  g_free (self->settings.score);
  g_free (self->used.score);
  G_OBJECT_CLASS (gst_avm_scorealign_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, PROP_SCORE,
      g_param_spec_string ("score", "Score",
          "Path of the score, a Standard MIDI File with repeats written out",
          DEFAULT_SCORE, flags));
  g_object_class_install_property (klass, PROP_TRANSPOSITION,
      g_param_spec_int ("transposition", "Transposition",
          "Semitones from the score to the recording, -24 to 24 (-25: the best "
          "of -5 to 6)",
          AUTO_TRANSPOSITION, 24, DEFAULT_TRANSPOSITION, flags));
  g_object_class_install_property (klass, PROP_TUNING,
      g_param_spec_double ("tuning", "Tuning",
          "Cents by which the recording's A4 lies above 440 Hz, -99 to 100 "
          "(-100: estimated from the recording)",
          AUTO_TUNING, 100.0, DEFAULT_TUNING, flags));
  g_object_class_install_property (klass, PROP_FEATURE_RATE,
      g_param_spec_double ("feature-rate", "Feature rate",
          "Frames per second that are compared, 10 to 200 Hz", 10.0, 200.0,
          DEFAULT_FEATURE_RATE, flags));
  g_object_class_install_property (klass, PROP_REFINE,
      g_param_spec_double ("refine", "Refine",
          "Seconds by which an onset may be moved to where the note's "
          "harmonics rise, 0 to 0.2 (0: not at all)",
          0.0, 0.2, DEFAULT_REFINE, flags));
  g_object_class_install_property (klass, PROP_MEMORY_LIMIT,
      g_param_spec_uint64 ("memory-limit", "Memory limit",
          "Bytes for the steps of the warping, which takes up to twice as long "
          "when they are scarce (0: no limit)",
          0, G_MAXUINT64, DEFAULT_MEMORY_LIMIT, flags));
}

static void
gst_avm_scorealign_class_init (GstAvmScoreAlignClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = (GstAvmJoinClass *)klass;

  gobject_class->set_property = gst_avm_scorealign_set_property;
  gobject_class->get_property = gst_avm_scorealign_get_property;
  gobject_class->finalize = gst_avm_scorealign_finalize;
  install_properties (gobject_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Score alignment",
      "Analyzer/Audio", "Finds the notes of a score in a recording of it",
      "The avm developers");

  join_class->start = gst_avm_scorealign_start;
  join_class->stop = gst_avm_scorealign_stop;
  join_class->sink_caps = gst_avm_scorealign_sink_caps;
  join_class->sink_buffer = gst_avm_scorealign_sink_buffer;
  join_class->process = gst_avm_scorealign_process;
  join_class->flush = gst_avm_scorealign_flush;

  GST_DEBUG_CATEGORY_INIT (
      avm_scorealign_debug, "avmscorealign", 0, "score alignment");
}

static void
gst_avm_scorealign_init (GstAvmScoreAlign *self)
{
  self->settings.transposition = DEFAULT_TRANSPOSITION;
  self->settings.tuning = DEFAULT_TUNING;
  self->settings.feature_rate = DEFAULT_FEATURE_RATE;
  self->settings.refine = DEFAULT_REFINE;
  self->settings.memory_limit = DEFAULT_MEMORY_LIMIT;
  self->anchors = g_array_new (FALSE, FALSE, sizeof (Anchor));
}
