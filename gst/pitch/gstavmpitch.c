/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmpitch
 * @title: avmpitch
 * @short_description: F0 contours of a voice or of the parts of a score
 *
 * avmpitch takes audio (`audio/x-raw`, F32 or S16, interleaved, 8 to 192 kHz,
 * 1 to 8 channels, which it averages) and gives the fundamental frequency as a
 * series of kind `f0`: #GstAvmPitch:rate rows per second, in each row for every
 * voice the quantity `f0` in Hz (0: nothing sounds, NaN: not known), then for
 * every voice the quantity `confidence` (0 to 1). The PTS of a buffer is the
 * centre of the analysis window of its first row.
 *
 * Without the pad `notes` it follows one voice (part -1): pYIN candidates, a
 * Viterbi path, and a refinement that demodulates the harmonics, so that the
 * window does not flatten a vibrato. Causal, with a latency that the LATENCY
 * query tells: #GstAvmPitch:look-back plus about 50 ms. Memory: below 1 MB.
 *
 * With the request pad `notes` (events of kind `note`, as avmscorealign or
 * avmtestsrc give them) it finds the contour of every note of every part in
 * the mixture, within two semitones of the score. The harmonics of all parts
 * that sound are fitted together, which takes out what the others leak into
 * them; where parts collide beyond that (unison), the confidence is low. The
 * channels carry the part in their `parts` array. Aligned notes come when the
 * piece is over, so this works on the whole piece and gives its rows at the
 * end of the stream; until then it keeps the mixture as 16-bit samples at a
 * reduced rate (14.5 to 29 kHz: 32 kB/s for 48 kHz input, 115 MB/h). When no
 * notes come at all, it posts a warning and gives nothing.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=200 freq=220 ! avmpitch ! avmeventenc ! text/tab-separated-values ! filesink location=f0.tsv
 * ]| The F0 of a tone as a table.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=3 t.audio ! queue ! avmpitch name=p t.notes ! p.notes p. ! avmeventenc ! filesink location=f0.jsonl
 * ]| The contour of every part of the virtual ensemble.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmpitch.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include <gst/audio/audio.h>

#include "dsp/avm-decimate.h"
#include "dsp/avm-pitch.h"
#include "dsp/avm-scorepitch.h"

GST_DEBUG_CATEGORY_STATIC (gst_avm_pitch_debug);
#define GST_CAT_DEFAULT gst_avm_pitch_debug

#define DEFAULT_FMIN 55.0
#define DEFAULT_FMAX 2400.0
#define DEFAULT_RATE 100
#define DEFAULT_LOOK_BACK (150 * GST_MSECOND)
#define DEFAULT_GUESS FALSE
#define DEFAULT_TUNING 0.0
#define DEFAULT_AUTO_TUNING TRUE

/* Timestamps may wander this far before the stream counts as interrupted. */
#define TOLERANCE (20 * GST_MSECOND)
/* Longest hole in a piece that is filled with silence */
#define LONGEST_HOLE (6 * 3600 * GST_SECOND)
#define BLOCK 4096
#define MAX_PARTS 256

enum {
  PROP_0,
  PROP_FMIN,
  PROP_FMAX,
  PROP_RATE,
  PROP_LOOK_BACK,
  PROP_GUESS,
  PROP_TUNING,
  PROP_AUTO_TUNING
};

typedef struct {
  GstClockTime onset, duration; /* running time; duration may be NONE */
  gdouble pitch;
  gint part;
} Note;

struct _GstAvmPitch {
  GstAvmJoin parent;

  /* properties, under the object lock */
  gdouble fmin, fmax, tuning;
  gint rate;
  guint64 look_back;
  gboolean guess, auto_tuning;

  /* under the join's lock */
  GstAudioInfo audio;
  gint row_rate;          /* rate, as it was when the stream began */
  gboolean whole_piece;   /* the pad notes was there when audio came */
  gfloat *mono;           /* BLOCK samples */
  GstClockTime base;      /* running time of the first sample */
  guint64 n_samples;      /* since then */
  gboolean dropped_notes; /* a warning was posted */

  /* one voice */
  AvmPitch *pitch;
  AvmPitchFrame *frames;
  gfloat *rows;
  guint64 n_rows; /* since base */
  GstAvmSeriesInfo *info;
  GQueue pending; /* buffers */

  /* the parts of a score */
  AvmDecimator *decimator;
  gdouble piece_rate; /* Hz of the kept samples, 0 not yet */
  gfloat *decimated;
  GArray *piece; /* gint16 */
  GArray *notes; /* Note */
};

#define AUDIO_CAPS                                                             \
  "audio/x-raw, format = (string) { " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (   \
      S16) " }, layout = (string) interleaved, rate = (int) [ 8000, 192000 ]," \
           " channels = (int) [ 1, 8 ]"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (AUDIO_CAPS));

static GstStaticPadTemplate notes_template =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("f0")));

#define gst_avm_pitch_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE (GstAvmPitch, gst_avm_pitch, GST_TYPE_AVM_JOIN,
    GST_DEBUG_CATEGORY_INIT (
        gst_avm_pitch_debug, "avmpitch", 0, "F0 contours"));
GST_ELEMENT_REGISTER_DEFINE (
    avmpitch, "avmpitch", GST_RANK_NONE, GST_TYPE_AVM_PITCH);

/* -- one voice ------------------------------------------------------------ */

static GstClockTime
row_time (GstAvmPitch *self, guint64 row)
{
  return self->base + gst_util_uint64_scale (row, GST_SECOND, self->row_rate);
}

static void
keep_rows (GstAvmPitch *self, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    self->rows[2 * i] = self->frames[i].f0;
    self->rows[2 * i + 1] = self->frames[i].confidence;
  }
  if (n > 0)
    g_queue_push_tail (&self->pending,
        gst_avm_series_buffer_new (
            self->info, self->rows, n, row_time (self, self->n_rows)));
  self->n_rows += n;
}

/* The voice ends here, or is interrupted. */
static void
finish_voice (GstAvmPitch *self)
{
  if (self->pitch != NULL && GST_CLOCK_TIME_IS_VALID (self->base))
    keep_rows (self, avm_pitch_finish (self->pitch, self->frames));
  self->base = GST_CLOCK_TIME_NONE;
  self->n_samples = self->n_rows = 0;
}

static void
free_voice (GstAvmPitch *self)
{
  g_clear_pointer (&self->pitch, avm_pitch_free);
  g_clear_pointer (&self->frames, g_free);
  g_clear_pointer (&self->rows, g_free);
}

static gboolean
make_voice (GstAvmPitch *self)
{
  AvmPitchConfig config;
  AvmError error = {AVM_OK, -1, ""};
  gsize n;

  free_voice (self);
  avm_pitch_config_init (&config, GST_AUDIO_INFO_RATE (&self->audio));
  config.hop = 1.0 / self->row_rate;
  GST_OBJECT_LOCK (self);
  config.fmin = self->fmin;
  config.fmax = self->fmax;
  config.lookback = (gdouble)self->look_back / GST_SECOND;
  config.guess = self->guess;
  GST_OBJECT_UNLOCK (self);
  self->pitch = avm_pitch_new (&config, &error);
  if (self->pitch == NULL) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        (_ ("%s cannot track from %g to %g Hz at %d samples per second. Set "
            "fmax to at least twice fmin, and both to what the sample rate "
            "carries."),
            GST_ELEMENT_NAME (self), config.fmin, config.fmax,
            GST_AUDIO_INFO_RATE (&self->audio)),
        ("%s", error.detail));
    return FALSE;
  }
  n = MAX (avm_pitch_max_frames (self->pitch, BLOCK),
      avm_pitch_max_frames (self->pitch, 0));
  self->frames = g_new (AvmPitchFrame, n);
  self->rows = g_new (gfloat, 2 * n);
  gst_avm_join_set_latency (GST_AVM_JOIN (self),
      (GstClockTime)(avm_pitch_latency (self->pitch) * GST_SECOND));
  return TRUE;
}

static GstFlowReturn
push_pending (GstAvmPitch *self)
{
  GstBuffer *buffer;

  while ((buffer = g_queue_pop_head (&self->pending)) != NULL)
    gst_avm_join_push_buffer (GST_AVM_JOIN (self), buffer);
  return GST_FLOW_OK;
}

/* -- a whole piece -------------------------------------------------------- */

static void
keep_piece (GstAvmPitch *self, const gfloat *samples, gsize n)
{
  gsize at = self->piece->len;

  g_array_set_size (self->piece, at + n);
  avm_quantise_s16 (samples, n, &g_array_index (self->piece, gint16, at));
}

static gboolean
make_piece (GstAvmPitch *self)
{
  gdouble rate = GST_AUDIO_INFO_RATE (&self->audio);
  guint factor = avm_decimator_factor_for (rate);

  if (self->piece_rate > 0.0 && self->piece_rate != rate / factor) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("The sample rate changed within the piece. Put audioresample and "
            "caps with one rate before %s."),
            GST_ELEMENT_NAME (self)),
        ("kept %g Hz, now %g Hz", self->piece_rate, rate / factor));
    return FALSE;
  }
  if (self->decimator != NULL)
    keep_piece (self, self->decimated,
        avm_decimator_finish (self->decimator, self->decimated));
  avm_decimator_free (self->decimator);
  self->decimator = avm_decimator_new (factor);
  self->piece_rate = rate / factor;
  return self->decimator != NULL;
}

static gint
compare_parts (gconstpointer a, gconstpointer b)
{
  return *(const gint *)a - *(const gint *)b;
}

/* The parts that have notes, in order. */
static GArray *
list_parts (GstAvmPitch *self)
{
  GArray *parts = g_array_new (FALSE, FALSE, sizeof (gint));
  guint n = 0;

  for (guint i = 0; i < self->notes->len; i++)
    g_array_append_val (parts, g_array_index (self->notes, Note, i).part);
  g_array_sort (parts, compare_parts);
  for (guint i = 0; i < parts->len; i++) {
    gint part = g_array_index (parts, gint, i);

    if (n == 0 || part != g_array_index (parts, gint, n - 1))
      g_array_index (parts, gint, n++) = part;
  }
  g_array_set_size (parts, n);
  return parts;
}

static guint
index_of_part (GArray *parts, gint part)
{
  guint i = 0;

  while (i + 1 < parts->len && g_array_index (parts, gint, i) != part)
    i++;
  return i;
}

/* A note without a length lasts until the next one of its part. */
static GstClockTime
end_of_note (GstAvmPitch *self, const Note *note)
{
  GstClockTime end = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (note->duration))
    return note->onset + note->duration;
  for (guint i = 0; i < self->notes->len; i++) {
    const Note *other = &g_array_index (self->notes, Note, i);

    if (other->part == note->part && other->onset > note->onset)
      end = MIN (end, other->onset);
  }
  if (GST_CLOCK_TIME_IS_VALID (end))
    return end;
  return MAX (note->onset + GST_SECOND,
      self->base
          + gst_util_uint64_scale (
              self->n_samples, GST_SECOND, GST_AUDIO_INFO_RATE (&self->audio)));
}

static AvmScorePitchNote *
kernel_notes (GstAvmPitch *self, GArray *parts)
{
  AvmScorePitchNote *out = g_new0 (AvmScorePitchNote, self->notes->len);

  for (guint i = 0; i < self->notes->len; i++) {
    const Note *note = &g_array_index (self->notes, Note, i);
    GstClockTimeDiff onset = GST_CLOCK_DIFF (self->base, note->onset);

    out[i].onset = (gdouble)onset / GST_SECOND;
    out[i].duration =
        (gdouble)(end_of_note (self, note) - note->onset) / GST_SECOND;
    out[i].pitch = note->pitch;
    out[i].part = index_of_part (parts, note->part);
  }
  return out;
}

static GstAvmSeriesInfo *
describe_parts (GstAvmPitch *self, GArray *parts)
{
  static const gchar *const quantities[] = {"f0", "confidence"};
  static const gchar *const units[] = {"Hz", ""};
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("f0", self->row_rate, 1);

  for (guint q = 0; q < G_N_ELEMENTS (quantities); q++)
    for (guint i = 0; i < parts->len; i++) {
      gint part = g_array_index (parts, gint, i);
      gchar *name = part >= 0
          ? g_strdup_printf ("%s-part%d", quantities[q], part)
          : g_strdup (quantities[q]);

      gst_avm_series_info_add_channel (
          info, name, quantities[q], units[q], GST_AVM_NONE, part);
      g_free (name);
    }
  return info;
}

static void
push_piece (GstAvmPitch *self, const AvmScorePitch *kernel,
    const GstAvmSeriesInfo *info)
{
  guint n_channels = gst_avm_series_info_get_n_channels (info);
  gsize n_frames = avm_scorepitch_n_frames (kernel);
  gfloat *rows = g_new (gfloat, (gsize)self->row_rate * n_channels);

  for (gsize first = 0; first < n_frames; first += self->row_rate) {
    gsize n = MIN (n_frames - first, (gsize)self->row_rate);

    for (gsize i = 0; i < n; i++)
      avm_scorepitch_row (kernel, first + i, rows + i * n_channels);
    gst_avm_join_push_buffer (GST_AVM_JOIN (self),
        gst_avm_series_buffer_new (info, rows, n, row_time (self, first)));
  }
  g_free (rows);
}

/* Long work under the lock looks whether anybody still wants it. */
static bool
go_on (void *user, double share)
{
  GST_LOG_OBJECT (user, "%.0f %%", 100.0 * share);
  return !gst_avm_join_is_flushing (GST_AVM_JOIN (user));
}

static GstFlowReturn
run_kernel (GstAvmPitch *self, AvmScorePitch *kernel, GArray *parts)
{
  AvmScorePitchNote *notes = kernel_notes (self, parts);
  AvmError error = {AVM_OK, -1, ""};
  GstFlowReturn flow = GST_FLOW_OK;

  if (!avm_scorepitch_do (kernel, (const gint16 *)self->piece->data,
          self->piece->len, notes, self->notes->len, go_on, self, &error))
    flow =
        error.code == AVM_ERROR_CANCELLED ? GST_FLOW_FLUSHING : GST_FLOW_ERROR;
  if (flow == GST_FLOW_ERROR)
    GST_ELEMENT_ERROR (self, LIBRARY, FAILED,
        (_ ("There is not enough memory for %s to analyse the piece. Analyse "
            "it in sections."),
            GST_ELEMENT_NAME (self)),
        ("%s", error.detail));
  g_free (notes);
  return flow;
}

static GstFlowReturn
analyse_parts (GstAvmPitch *self, GArray *parts)
{
  AvmScorePitchConfig config = {
      self->piece_rate, 1.0 / self->row_rate, NAN, parts->len};
  AvmError error = {AVM_OK, -1, ""};
  AvmScorePitch *kernel;
  GstAvmSeriesInfo *info;
  GstFlowReturn flow;
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  if (!self->auto_tuning)
    config.tuning = self->tuning;
  GST_OBJECT_UNLOCK (self);
  kernel = avm_scorepitch_new (&config, &error);
  if (kernel == NULL) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        (_ ("%s cannot analyse %u parts at %g samples per second. It takes at "
            "most 256 parts and needs at least 8000 samples per second."),
            GST_ELEMENT_NAME (self), parts->len, config.rate),
        ("%s", error.detail));
    return GST_FLOW_ERROR;
  }
  flow = run_kernel (self, kernel, parts);
  if (flow == GST_FLOW_OK) {
    info = describe_parts (self, parts);
    caps = gst_avm_series_info_to_caps (info);
    gst_avm_join_set_src_caps (GST_AVM_JOIN (self), caps);
    gst_caps_unref (caps);
    push_piece (self, kernel, info);
    gst_avm_series_info_free (info);
    GST_INFO_OBJECT (self, "%u notes, tuning %.1f cents", self->notes->len,
        avm_scorepitch_tuning (kernel));
  }
  avm_scorepitch_free (kernel);
  return flow;
}

static GstFlowReturn
finish_piece (GstAvmPitch *self)
{
  GstFlowReturn flow = GST_FLOW_OK;
  GArray *parts;

  if (self->decimator != NULL)
    keep_piece (self, self->decimated,
        avm_decimator_finish (self->decimator, self->decimated));
  if (self->piece->len == 0)
    return GST_FLOW_OK;
  if (self->notes->len == 0) {
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("%s got audio but no notes, so there is no contour to give. Link a "
            "stream of notes to its pad \"notes\", or leave the pad out to "
            "track one voice."),
            GST_ELEMENT_NAME (self)),
        (NULL));
    return GST_FLOW_OK;
  }
  parts = list_parts (self);
  flow = analyse_parts (self, parts);
  g_array_unref (parts);
  return flow;
}

static void
free_piece (GstAvmPitch *self)
{
  g_clear_pointer (&self->decimator, avm_decimator_free);
  self->piece_rate = 0.0;
  g_array_unref (self->piece);
  self->piece = g_array_new (FALSE, FALSE, sizeof (gint16));
}

/* -- audio ---------------------------------------------------------------- */

static void
take_block (GstAvmPitch *self, gsize n)
{
  if (self->whole_piece)
    keep_piece (self, self->decimated,
        avm_decimator_do (self->decimator, self->mono, n, self->decimated));
  else
    keep_rows (self, avm_pitch_do (self->pitch, self->mono, n, self->frames));
  self->n_samples += n;
}

static void
take_silence (GstAvmPitch *self, guint64 n)
{
  memset (self->mono, 0, BLOCK * sizeof (gfloat));
  for (; n > BLOCK; n -= BLOCK)
    take_block (self, BLOCK);
  take_block (self, n);
}

static void
take_samples (GstAvmPitch *self, const guint8 *data, gsize n)
{
  guint channels = GST_AUDIO_INFO_CHANNELS (&self->audio);
  gsize bpf = GST_AUDIO_INFO_BPF (&self->audio);
  gboolean is_float = GST_AUDIO_INFO_IS_FLOAT (&self->audio);

  while (n > 0) {
    gsize block = MIN (n, BLOCK);

    if (is_float)
      avm_downmix_f32 ((const float *)data, block, channels, self->mono);
    else
      avm_downmix_s16 ((const int16_t *)data, block, channels, self->mono);
    take_block (self, block);
    data += block * bpf;
    n -= block;
  }
}

/* Compares the buffer's time with the samples so far. Returns how many of its
 * frames are to be left out, because they lie before what is there. */
static gsize
follow_time (GstAvmPitch *self, GstClockTime time, gsize n)
{
  gint rate = GST_AUDIO_INFO_RATE (&self->audio);
  GstClockTime expected;
  GstClockTimeDiff off;

  if (!GST_CLOCK_TIME_IS_VALID (self->base)) {
    self->base = GST_CLOCK_TIME_IS_VALID (time) ? time : 0;
    return 0;
  }
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return 0;
  expected =
      self->base + gst_util_uint64_scale (self->n_samples, GST_SECOND, rate);
  off = GST_CLOCK_DIFF (expected, time);
  if (ABS (off) <= (GstClockTimeDiff)TOLERANCE)
    return 0;
  GST_INFO_OBJECT (
      self, "stream jumps by %" GST_STIME_FORMAT, GST_STIME_ARGS (off));
  if (!self->whole_piece) {
    finish_voice (self);
    self->base = time;
    return 0;
  }
  if (off > 0) {
    take_silence (self,
        gst_util_uint64_scale (
            MIN ((GstClockTime)off, LONGEST_HOLE), rate, GST_SECOND));
    return 0;
  }
  return MIN (n, (gsize)gst_util_uint64_scale (-off, rate, GST_SECOND));
}

static GstFlowReturn
take_audio (GstAvmPitch *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  gsize bpf, n, skip;
  GstMapInfo map;

  if (self->decimator == NULL && self->pitch == NULL) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        (_ ("%s got audio without a format. Put a decoder or rawaudioparse "
            "before it."),
            GST_ELEMENT_NAME (self)),
        (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  bpf = GST_AUDIO_INFO_BPF (&self->audio);
  n = map.size / bpf;
  skip = n == 0
      ? 0
      : follow_time (self,
          gst_avm_join_pad_to_running_time (pad, GST_BUFFER_PTS (buffer)), n);
  take_samples (self, map.data + skip * bpf, n - skip);
  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

static gboolean
set_audio_caps (GstAvmPitch *self, GstCaps *caps)
{
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, caps))
    return FALSE;
  if (self->n_samples == 0 && g_queue_is_empty (&self->pending))
    self->whole_piece =
        gst_avm_join_get_pad (GST_AVM_JOIN (self), "notes") != NULL;
  if (!self->whole_piece)
    finish_voice (self);
  if (self->whole_piece && self->n_samples > 0)
    /* n_samples counts at the current rate */
    self->n_samples = gst_util_uint64_scale_round (self->n_samples,
        GST_AUDIO_INFO_RATE (&info), GST_AUDIO_INFO_RATE (&self->audio));
  self->audio = info;
  return self->whole_piece ? make_piece (self) : make_voice (self);
}

/* -- notes ---------------------------------------------------------------- */

static void
take_note (GstAvmPitch *self, GstAvmJoinPad *pad, const GstAvmEvent *event)
{
  Note note = {gst_avm_join_pad_to_running_time (pad, event->onset),
      event->duration, NAN, event->part};

  gst_avm_event_get_double (event, "pitch", &note.pitch);
  if (!isfinite (note.pitch) || !GST_CLOCK_TIME_IS_VALID (note.onset)) {
    if (!self->dropped_notes)
      GST_ELEMENT_WARNING (self, STREAM, FORMAT,
          (_ ("%s got a note without pitch or onset and leaves it out. Check "
              "the source of the notes."),
              GST_ELEMENT_NAME (self)),
          ("pitch %g", note.pitch));
    self->dropped_notes = TRUE;
    return;
  }
  if (note.duration == 0)
    return;
  g_array_append_val (self->notes, note);
}

static GstFlowReturn
take_notes (GstAvmPitch *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GError *error = NULL;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, &error);

  if (events == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, DECODE,
        (_ ("The notes that %s got are damaged and cannot be read. If they "
            "were stored in a file, make the file again."),
            GST_ELEMENT_NAME (self)),
        ("%s", error->message));
    g_clear_error (&error);
    return GST_FLOW_ERROR;
  }
  for (guint i = 0; i < events->len; i++)
    take_note (self, pad, g_ptr_array_index (events, i));
  g_ptr_array_unref (events);
  return GST_FLOW_OK;
}

/* -- GstAvmJoin ----------------------------------------------------------- */

static gboolean
gst_avm_pitch_start (GstAvmJoin *join)
{
  GstAvmPitch *self = GST_AVM_PITCH (join);
  GArray *parts = g_array_new (FALSE, FALSE, sizeof (gint));
  gint none = GST_AVM_NONE;
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  self->row_rate = self->rate;
  GST_OBJECT_UNLOCK (self);
  self->whole_piece = FALSE;
  self->base = GST_CLOCK_TIME_NONE;
  self->n_samples = self->n_rows = 0;
  self->dropped_notes = FALSE;
  self->mono = g_new (gfloat, BLOCK);
  self->decimated = g_new (gfloat, BLOCK + 64);
  /* of a whole piece: provisional, until the parts are known */
  g_array_append_val (parts, none);
  self->info = describe_parts (self, parts);
  g_array_unref (parts);
  caps = gst_avm_series_info_to_caps (self->info);
  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  return TRUE;
}

static gboolean
gst_avm_pitch_stop (GstAvmJoin *join)
{
  GstAvmPitch *self = GST_AVM_PITCH (join);

  free_voice (self);
  free_piece (self);
  g_clear_pointer (&self->mono, g_free);
  g_clear_pointer (&self->decimated, g_free);
  g_clear_pointer (&self->info, gst_avm_series_info_free);
  return TRUE;
}

static void
flush_audio (GstAvmPitch *self)
{
  GstBuffer *buffer;

  while ((buffer = g_queue_pop_head (&self->pending)) != NULL)
    gst_buffer_unref (buffer);
  if (self->pitch != NULL)
    avm_pitch_reset (self->pitch);
  if (self->decimator != NULL)
    avm_decimator_reset (self->decimator);
  g_array_set_size (self->piece, 0);
  self->base = GST_CLOCK_TIME_NONE;
  self->n_samples = self->n_rows = 0;
}

static void
gst_avm_pitch_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmPitch *self = GST_AVM_PITCH (join);
  gboolean is_notes =
      pad != NULL && pad == gst_avm_join_get_pad (join, "notes");

  if (pad == NULL || is_notes)
    g_array_set_size (self->notes, 0);
  if (!is_notes)
    flush_audio (self);
}

static gboolean
gst_avm_pitch_sink_caps (GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  if (pad != gst_avm_join_get_pad (join, "sink"))
    return TRUE;
  return set_audio_caps (GST_AVM_PITCH (join), caps);
}

static GstFlowReturn
gst_avm_pitch_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmPitch *self = GST_AVM_PITCH (join);

  if (pad == gst_avm_join_get_pad (join, "sink"))
    return take_audio (self, pad, buffer);
  return take_notes (self, pad, buffer);
}

static GstFlowReturn
gst_avm_pitch_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  GstAvmPitch *self = GST_AVM_PITCH (join);

  if (self->whole_piece)
    return eos ? finish_piece (self) : GST_FLOW_OK;
  if (eos)
    finish_voice (self);
  return push_pending (self);
}

/* -- GObject -------------------------------------------------------------- */

static void
gst_avm_pitch_set_property (
    GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  GstAvmPitch *self = GST_AVM_PITCH (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_FMIN:
      self->fmin = g_value_get_double (value);
      break;
    case PROP_FMAX:
      self->fmax = g_value_get_double (value);
      break;
    case PROP_RATE:
      self->rate = g_value_get_int (value);
      break;
    case PROP_LOOK_BACK:
      self->look_back = g_value_get_uint64 (value);
      break;
    case PROP_GUESS:
      self->guess = g_value_get_boolean (value);
      break;
    case PROP_TUNING:
      self->tuning = g_value_get_double (value);
      break;
    case PROP_AUTO_TUNING:
      self->auto_tuning = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_pitch_get_property (
    GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  GstAvmPitch *self = GST_AVM_PITCH (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_FMIN:
      g_value_set_double (value, self->fmin);
      break;
    case PROP_FMAX:
      g_value_set_double (value, self->fmax);
      break;
    case PROP_RATE:
      g_value_set_int (value, self->rate);
      break;
    case PROP_LOOK_BACK:
      g_value_set_uint64 (value, self->look_back);
      break;
    case PROP_GUESS:
      g_value_set_boolean (value, self->guess);
      break;
    case PROP_TUNING:
      g_value_set_double (value, self->tuning);
      break;
    case PROP_AUTO_TUNING:
      g_value_set_boolean (value, self->auto_tuning);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_pitch_finalize (GObject *object)
{
  GstAvmPitch *self = GST_AVM_PITCH (object);

  flush_audio (self);
  gst_avm_pitch_stop (GST_AVM_JOIN (self));
  g_array_unref (self->piece);
  g_array_unref (self->notes);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  GParamFlags flags = (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_READY);

  g_object_class_install_property (object_class, PROP_FMIN,
      g_param_spec_double ("fmin", "Lowest F0",
          "Lowest F0 of a voice without notes (Hz)", 20.0, 2000.0, DEFAULT_FMIN,
          flags));
  g_object_class_install_property (object_class, PROP_FMAX,
      g_param_spec_double ("fmax", "Highest F0",
          "Highest F0 of a voice without notes (Hz), at least twice fmin", 40.0,
          8000.0, DEFAULT_FMAX, flags));
  g_object_class_install_property (object_class, PROP_RATE,
      g_param_spec_int ("rate", "Rate", "F0 values per second (Hz)", 20, 500,
          DEFAULT_RATE, flags));
  g_object_class_install_property (object_class, PROP_LOOK_BACK,
      g_param_spec_uint64 ("look-back", "Look-back",
          "How much later the F0 of a voice without notes is decided (ns): "
          "longer is steadier, and is latency",
          0, 2 * GST_SECOND, DEFAULT_LOOK_BACK, flags));
  g_object_class_install_property (object_class, PROP_GUESS,
      g_param_spec_boolean ("guess", "Guess",
          "Give unvoiced rows of a voice without notes the likeliest F0, as a "
          "negative number",
          DEFAULT_GUESS, flags));
  g_object_class_install_property (object_class, PROP_TUNING,
      g_param_spec_double ("tuning", "Tuning",
          "Tuning of the parts against A4 = 440 Hz (cents), used when "
          "auto-tuning is off",
          -100.0, 100.0, DEFAULT_TUNING, flags));
  g_object_class_install_property (object_class, PROP_AUTO_TUNING,
      g_param_spec_boolean ("auto-tuning", "Automatic tuning",
          "Estimate the tuning from the piece", DEFAULT_AUTO_TUNING, flags));
}

static void
gst_avm_pitch_class_init (GstAvmPitchClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = GST_AVM_JOIN_CLASS (klass);

  object_class->set_property = gst_avm_pitch_set_property;
  object_class->get_property = gst_avm_pitch_get_property;
  object_class->finalize = gst_avm_pitch_finalize;
  install_properties (object_class);

  join_class->start = gst_avm_pitch_start;
  join_class->stop = gst_avm_pitch_stop;
  join_class->flush = gst_avm_pitch_flush;
  join_class->sink_caps = gst_avm_pitch_sink_caps;
  join_class->sink_buffer = gst_avm_pitch_sink_buffer;
  join_class->process = gst_avm_pitch_process;

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &notes_template, GST_TYPE_AVM_JOIN_PAD);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "F0 contours",
      "Analyzer/Audio",
      "Tracks the F0 of one voice, or of every part of a mixture with its "
      "notes",
      "The avm developers");
}

static void
gst_avm_pitch_init (GstAvmPitch *self)
{
  self->fmin = DEFAULT_FMIN;
  self->fmax = DEFAULT_FMAX;
  self->rate = DEFAULT_RATE;
  self->look_back = DEFAULT_LOOK_BACK;
  self->guess = DEFAULT_GUESS;
  self->tuning = DEFAULT_TUNING;
  self->auto_tuning = DEFAULT_AUTO_TUNING;
  self->base = GST_CLOCK_TIME_NONE;
  self->piece = g_array_new (FALSE, FALSE, sizeof (gint16));
  self->notes = g_array_new (FALSE, FALSE, sizeof (Note));
  g_queue_init (&self->pending);
  gst_audio_info_init (&self->audio);
}
