/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmvibrato
 * @title: avmvibrato
 * @short_description: whether, how fast and how wide each note vibrates
 *
 * For every note of every string player: whether it is played with vibrato, at
 * what rate (Hz) and with what extent (cents, peak to trough). What the left
 * hand does and how the pitch moves are judged together, or either alone, and
 * the result says which it was (`used`). After Li, Dinesh, Sharma and Duan,
 * "Video-based vibrato detection and analysis for polyphonic string music",
 * ISMIR 2017.
 *
 * Sink pads, all on request, each optional but for the notes:
 *
 * * `motion`: series of kind `motion` (avmopticalflow), `vx` and `vy` in px/s
 *   and `confidence` per region; NaN is a gap;
 * * `notes`: events of kind `note` (avmscorealign), in any order, as late as
 *   the end of the piece;
 * * `f0`: series of kind `f0` (avmpitch), Hz and `confidence` per part;
 * * `association`: events of kind `association`, region to part;
 * * `truth`: events of kind `vibrato`, for training only.
 *
 * Which region shows the hand that plays a part is said by the association
 * stream, else by #GstAvmVibrato:region-parts, else by the parts in the motion
 * caps (given with the regions). One region and one part alone belong
 * together. Without any of these, the motion cannot be used and a warning says
 * so.
 *
 * The source pad gives events of kind `vibrato`, one for each note, in order
 * of onset: `vibrato`, `rate` (Hz), `extent` (cents), `pitch` (MIDI), `used`
 * (audio, video, both, none), `method`, `score` (decision value), `lag` (s,
 * motion before pitch), and with #GstAvmVibrato:curves `displacement` (px,
 * signed so that it goes with the pitch), `pitch-curve` (cents) and
 * `curve-rate` (Hz). Rate and extent are given for all notes that could be
 * analysed, also those without vibrato, for which they say little. The extent
 * needs pitch: from video alone it is not known. An element message
 * `avm-vibrato` sums up at the end: `notes`, `vibrato`, `audio`, `video`,
 * `both`, `none` (counts).
 *
 * The analysis is of the whole piece: results come when all inputs have ended.
 * Memory: 24 bytes per region and frame, 16 bytes per part and pitch value;
 * an hour of a quartet about 40 MB.
 *
 * ## Training
 *
 * With #GstAvmVibrato:features-location and a `truth` pad the features of all
 * notes are written with their labels; `avm-vibrato-train` makes a model for
 * #GstAvmVibrato:model of one or more such files.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 avmvibrato name=v ! avmeventenc ! application/x-ndjson ! \
 *   filesink location=vibrato.jsonl \
 *   filesrc location=duet.mp4 ! decodebin name=d \
 *   d. ! queue ! videoconvert ! avmklttrack regions-location=duet.regions ! \
 *   avmopticalflow ! v.motion \
 *   d. ! queue ! audioconvert ! audioresample ! tee name=a \
 *   a. ! queue ! avmscorealign score=duet.mid ! tee name=n \
 *   n. ! queue ! v.notes  n. ! queue ! p.notes \
 *   a. ! queue ! p.sink avmpitch name=p ! v.f0
 * ]| Vibrato of a filmed duet as JSON Lines.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmvibrato.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "../common/avmmodel.h"
#include "avmvibratoparts.h"
#include "learn/avm-svm.h"

GST_DEBUG_CATEGORY_STATIC (avm_vibrato_debug);
#define GST_CAT_DEFAULT avm_vibrato_debug

#define DEFAULT_METHOD GST_AVM_VIBRATO_SVM
#define DEFAULT_THRESHOLD 0.0
#define DEFAULT_MODEL NULL
#define DEFAULT_ROLE "hand"
#define DEFAULT_CURVES FALSE
#define DEFAULT_FEATURES_LOCATION NULL
#define DEFAULT_MOVING_AVERAGE (10.0 * 1001.0 / 30000.0)
#define DEFAULT_MIN_RATE 3.0
#define DEFAULT_MAX_RATE 9.0
#define DEFAULT_MAX_LAG 0.06
#define DEFAULT_MIN_DURATION 0.15

#define MODEL_FILE "vibrato.svm"
/* A label belongs to a note of its part that begins this near, ns */
#define LABEL_TOLERANCE (100 * GST_MSECOND)

enum {
  PROP_0,
  PROP_METHOD,
  PROP_THRESHOLD,
  PROP_MODEL,
  PROP_REGION_PARTS,
  PROP_ROLE,
  PROP_CURVES,
  PROP_MOVING_AVERAGE,
  PROP_MIN_RATE,
  PROP_MAX_RATE,
  PROP_MAX_LAG,
  PROP_MIN_DURATION,
  PROP_FEATURES_LOCATION,
};

/* By what was used: bit mask of AvmVibratoUsed */
static const gchar *const used_names[] = {"none", "audio", "video", "both"};

/* Of the autocorrelation peak, of the highest F-measure on
 * development seeds of the virtual ensemble (scripts/train-vibrato) */
static const gdouble acf_thresholds[] = {0.0, 0.41, 0.51, 0.38};

typedef struct {
  GstAvmVibratoMethod method;
  gdouble threshold;
  gchar *model;
  gchar *role;
  gchar *features_location;
  gboolean curves;
  AvmVibratoSettings kernel;
  GArray *region_parts; /* AvmVibratoLink */
} Settings;

struct _GstAvmVibrato {
  GstAvmJoin parent;

  /* under the object lock */
  Settings settings;

  /* under the join's lock */
  AvmVibratoParts *parts;
  GPtrArray *notes; /* GstAvmEvent, onset and duration in running time */
  GPtrArray *truth; /* likewise */
  AvmSvmSet *models;
};

/* What a series pad remembers */
typedef struct {
  GstAvmSeriesInfo *info;
  GArray *columns; /* AvmVibratoColumn */
} SeriesPad;

static GstStaticPadTemplate motion_template =
    GST_STATIC_PAD_TEMPLATE ("motion", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("motion")));
static GstStaticPadTemplate notes_template =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));
static GstStaticPadTemplate f0_template =
    GST_STATIC_PAD_TEMPLATE ("f0", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("f0")));
static GstStaticPadTemplate association_template =
    GST_STATIC_PAD_TEMPLATE ("association", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("association")));
static GstStaticPadTemplate truth_template =
    GST_STATIC_PAD_TEMPLATE ("truth", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("vibrato")));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("vibrato")));

static GType
gst_avm_vibrato_method_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_VIBRATO_AUTOCORRELATION,
            "Height of the autocorrelation peak against a threshold",
            "autocorrelation"},
        {GST_AVM_VIBRATO_SVM, "Support vector machine with a model file",
            "svm"},
        {0, NULL, NULL},
    };

    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmVibratoMethod", values));
  }
  return (GType)type;
}

#define gst_avm_vibrato_parent_class parent_class
G_DEFINE_TYPE (GstAvmVibrato, gst_avm_vibrato, GST_TYPE_AVM_JOIN);
GST_ELEMENT_REGISTER_DEFINE (
    avmvibrato, "avmvibrato", GST_RANK_NONE, GST_TYPE_AVM_VIBRATO);

/* -- settings ------------------------------------------------------------- */

static void
settings_copy (GstAvmVibrato *self, Settings *copy)
{
  GST_OBJECT_LOCK (self);
  *copy = self->settings;
  copy->model = g_strdup (copy->model);
  copy->role = g_strdup (copy->role);
  copy->features_location = g_strdup (copy->features_location);
  copy->region_parts = g_array_copy (copy->region_parts);
  GST_OBJECT_UNLOCK (self);
}

static void
settings_clear (Settings *settings)
{
  g_free (settings->model);
  g_free (settings->role);
  g_free (settings->features_location);
  g_array_unref (settings->region_parts);
}

/* <<region, part>, ...> */
static void
links_from_value (GstAvmVibrato *self, const GValue *value, GArray *links)
{
  g_array_set_size (links, 0);
  for (guint i = 0; i < gst_value_array_get_size (value); i++) {
    const GValue *pair = gst_value_array_get_value (value, i);
    AvmVibratoLink link = {0, 0, 1.0};

    if (!GST_VALUE_HOLDS_ARRAY (pair) || gst_value_array_get_size (pair) != 2
        || !G_VALUE_HOLDS_INT (gst_value_array_get_value (pair, 0))
        || !G_VALUE_HOLDS_INT (gst_value_array_get_value (pair, 1))) {
      GST_WARNING_OBJECT (
          self, "region-parts: entry %u is no <region, part>", i);
      continue;
    }
    link.region = g_value_get_int (gst_value_array_get_value (pair, 0));
    link.part = g_value_get_int (gst_value_array_get_value (pair, 1));
    g_array_append_val (links, link);
  }
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
links_to_value (const GArray *links, GValue *value)
{
  for (guint i = 0; i < links->len; i++) {
    const AvmVibratoLink *link = &g_array_index (links, AvmVibratoLink, i);
    GValue pair = G_VALUE_INIT;

    g_value_init (&pair, GST_TYPE_ARRAY);
    append_int (&pair, link->region);
    append_int (&pair, link->part);
    gst_value_array_append_and_take_value (value, &pair);
  }
}

static void
gst_avm_vibrato_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_METHOD:
      settings->method = g_value_get_enum (value);
      break;
    case PROP_THRESHOLD:
      settings->threshold = g_value_get_double (value);
      break;
    case PROP_MODEL:
      g_free (settings->model);
      settings->model = g_value_dup_string (value);
      break;
    case PROP_REGION_PARTS:
      links_from_value (self, value, settings->region_parts);
      break;
    case PROP_ROLE:
      g_free (settings->role);
      settings->role = g_value_dup_string (value);
      break;
    case PROP_CURVES:
      settings->curves = g_value_get_boolean (value);
      break;
    case PROP_MOVING_AVERAGE:
      settings->kernel.moving_average = g_value_get_double (value);
      break;
    case PROP_MIN_RATE:
      settings->kernel.min_rate = g_value_get_double (value);
      break;
    case PROP_MAX_RATE:
      settings->kernel.max_rate = g_value_get_double (value);
      break;
    case PROP_MAX_LAG:
      settings->kernel.max_lag = g_value_get_double (value);
      break;
    case PROP_MIN_DURATION:
      settings->kernel.min_duration = g_value_get_double (value);
      break;
    case PROP_FEATURES_LOCATION:
      g_free (settings->features_location);
      settings->features_location = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_vibrato_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (object);
  const Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_METHOD:
      g_value_set_enum (value, settings->method);
      break;
    case PROP_THRESHOLD:
      g_value_set_double (value, settings->threshold);
      break;
    case PROP_MODEL:
      g_value_set_string (value, settings->model);
      break;
    case PROP_REGION_PARTS:
      links_to_value (settings->region_parts, value);
      break;
    case PROP_ROLE:
      g_value_set_string (value, settings->role);
      break;
    case PROP_CURVES:
      g_value_set_boolean (value, settings->curves);
      break;
    case PROP_MOVING_AVERAGE:
      g_value_set_double (value, settings->kernel.moving_average);
      break;
    case PROP_MIN_RATE:
      g_value_set_double (value, settings->kernel.min_rate);
      break;
    case PROP_MAX_RATE:
      g_value_set_double (value, settings->kernel.max_rate);
      break;
    case PROP_MAX_LAG:
      g_value_set_double (value, settings->kernel.max_lag);
      break;
    case PROP_MIN_DURATION:
      g_value_set_double (value, settings->kernel.min_duration);
      break;
    case PROP_FEATURES_LOCATION:
      g_value_set_string (value, settings->features_location);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* -- model ---------------------------------------------------------------- */

static gsize
feature_count (guint used)
{
  return used == AVM_VIBRATO_AUDIO ? AVM_VIBRATO_AUDIO_FEATURES
      : used == AVM_VIBRATO_VIDEO  ? AVM_VIBRATO_VIDEO_FEATURES
                                   : AVM_VIBRATO_MAX_FEATURES;
}

static gboolean
models_fit (const AvmSvmSet *models)
{
  for (guint used = AVM_VIBRATO_AUDIO; used <= AVM_VIBRATO_BOTH; used++) {
    const AvmSvm *svm = avm_svm_set_find (models, used_names[used]);

    if (svm == NULL || avm_svm_n_features (svm) != feature_count (used))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_models (GstAvmVibrato *self, const Settings *settings)
{
  gchar *path = gst_avm_model_path (settings->model, MODEL_FILE);
  AvmError error = {AVM_OK, -1, ""};
  gboolean ok = FALSE;

  g_clear_pointer (&self->models, avm_svm_set_free);
  self->models = avm_svm_set_load (path, &error);
  if (self->models == NULL && error.code == AVM_ERROR_OPEN)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        (_ ("Cannot read the vibrato model \"%s\". Set the property model to a "
            "file written by avm-vibrato-train, or method to autocorrelation."),
            path),
        ("%s", error.detail));
  else if (self->models == NULL)
    GST_ELEMENT_ERROR (self, STREAM, DECODE,
        (_ ("The vibrato model \"%s\" is damaged at line %d. Write it again "
            "with avm-vibrato-train, or set method to autocorrelation."),
            path, (gint)MAX (error.offset, 1)),
        ("%s", error.detail));
  else if (!models_fit (self->models))
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
        (_ ("The vibrato model \"%s\" is of another version. Write it again "
            "with avm-vibrato-train, or set method to autocorrelation."),
            path),
        ("models audio, video and both with %d, %d and %d features are due",
            AVM_VIBRATO_AUDIO_FEATURES, AVM_VIBRATO_VIDEO_FEATURES,
            AVM_VIBRATO_MAX_FEATURES));
  else
    ok = TRUE;
  g_free (path);
  return ok;
}

static gboolean
gst_avm_vibrato_start (GstAvmJoin *join)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (join);
  GstCaps *caps = gst_avm_events_caps_new ("vibrato");
  Settings settings;
  gboolean ok = TRUE;

  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  settings_copy (self, &settings);
  if (settings.kernel.min_rate >= settings.kernel.max_rate) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        (_ ("min-rate (%g Hz) must be below max-rate (%g Hz)."),
            settings.kernel.min_rate, settings.kernel.max_rate),
        (NULL));
    ok = FALSE;
  }
  if (ok && settings.method == GST_AVM_VIBRATO_SVM
      && settings.features_location == NULL)
    ok = load_models (self, &settings);
  settings_clear (&settings);
  return ok;
}

static gboolean
gst_avm_vibrato_stop (GstAvmJoin *join)
{
  g_clear_pointer (&GST_AVM_VIBRATO (join)->models, avm_svm_set_free);
  return TRUE;
}

/* -- input ---------------------------------------------------------------- */

static gboolean
pad_is (GstAvmJoinPad *pad, const gchar *name)
{
  return g_str_equal (GST_PAD_NAME (pad), name);
}

static void
series_pad_free (SeriesPad *series)
{
  g_clear_pointer (&series->info, gst_avm_series_info_free);
  g_clear_pointer (&series->columns, g_array_unref);
  g_free (series);
}

static gboolean
series_caps (GstAvmVibrato *self, GstAvmJoinPad *pad, GstCaps *caps)
{
  GError *error = NULL;
  GstAvmSeriesInfo *info = gst_avm_series_info_new_from_caps (caps, &error);
  gboolean motion = pad_is (pad, "motion");
  SeriesPad *series;

  if (info == NULL) {
    GST_WARNING_OBJECT (pad, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }
  series = g_new0 (SeriesPad, 1);
  series->info = info;
  series->columns = motion
      ? avm_vibrato_parts_motion_columns (self->parts, info)
      : avm_vibrato_parts_f0_columns (self->parts, info);
  gst_avm_join_pad_set_data (pad, series, (GDestroyNotify)series_pad_free);
  if (series->columns == NULL)
    GST_WARNING_OBJECT (pad, "no channels of use in %" GST_PTR_FORMAT, caps);
  return TRUE;
}

static gboolean
gst_avm_vibrato_sink_caps (GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  if (pad_is (pad, "motion") || pad_is (pad, "f0"))
    return series_caps (GST_AVM_VIBRATO (join), pad, caps);
  return TRUE;
}

static GstFlowReturn
no_memory (GstAvmVibrato *self)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory to analyse the vibrato of this piece. "
          "Analyse it in sections.")),
      (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
refuse_buffer (GstAvmVibrato *self, GstAvmJoinPad *pad, GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("A buffer of the stream at pad \"%s\" is damaged. If it was stored "
          "in a file, make the file again."),
          GST_PAD_NAME (pad)),
      ("%s", error->message));
  g_error_free (error);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
take_series (GstAvmVibrato *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  SeriesPad *series = gst_avm_join_pad_get_data (pad);
  gboolean motion = pad_is (pad, "motion"), ok = TRUE;
  GstAvmSeriesMap map;
  GError *error = NULL;

  if (series == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (series->columns == NULL || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_FLOW_OK;
  if (!gst_avm_series_map (&map, series->info, buffer, &error))
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < map.n_rows && ok; i++) {
    const gfloat *row = map.rows + (gsize)i * map.n_channels;
    GstClockTime time = gst_avm_join_pad_to_running_time (pad,
        gst_avm_series_row_time (series->info, GST_BUFFER_PTS (buffer), i));
    gdouble seconds = (gdouble)time / GST_SECOND;

    ok = motion
        ? avm_vibrato_parts_add_motion (
            self->parts, series->columns, row, seconds)
        : avm_vibrato_parts_add_f0 (self->parts, series->columns, row, seconds);
  }
  gst_avm_series_unmap (&map);
  return ok ? GST_FLOW_OK : no_memory (self);
}

static void
to_running_time (GstAvmJoinPad *pad, GstAvmEvent *event)
{
  GstClockTime end = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (event->duration)
      && event->duration < G_MAXINT64 - event->onset)
    end =
        gst_avm_join_pad_to_running_time (pad, event->onset + event->duration);
  event->onset = gst_avm_join_pad_to_running_time (pad, event->onset);
  event->duration = GST_CLOCK_TIME_IS_VALID (end) && end >= event->onset
      ? end - event->onset
      : GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
take_events (GstAvmVibrato *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GError *error = NULL;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, &error);
  GPtrArray *keep = pad_is (pad, "truth") ? self->truth : self->notes;

  if (events == NULL)
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);
    GstAvmEvent *copy;

    if (pad_is (pad, "association")) {
      avm_vibrato_parts_add_link (
          self->parts, event->region, event->part, event->confidence);
      continue;
    }
    if (!GST_CLOCK_TIME_IS_VALID (event->onset)
        || event->onset > G_MAXINT64 / 2)
      continue;
    copy = gst_avm_event_copy (event);
    to_running_time (pad, copy);
    g_ptr_array_add (keep, copy);
  }
  g_ptr_array_unref (events);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_avm_vibrato_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (join);

  if (pad_is (pad, "motion") || pad_is (pad, "f0"))
    return take_series (self, pad, buffer);
  return take_events (self, pad, buffer);
}

static void
gst_avm_vibrato_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (join);

  if (pad == NULL || pad_is (pad, "motion"))
    avm_vibrato_parts_forget_motion (self->parts);
  if (pad == NULL || pad_is (pad, "f0"))
    avm_vibrato_parts_forget_f0 (self->parts);
  if (pad == NULL || pad_is (pad, "association"))
    avm_vibrato_parts_forget_links (self->parts);
  if (pad == NULL || pad_is (pad, "notes"))
    g_ptr_array_set_size (self->notes, 0);
  if (pad == NULL || pad_is (pad, "truth"))
    g_ptr_array_set_size (self->truth, 0);
}

/* -- analysis ------------------------------------------------------------- */

/* One run over the piece */
typedef struct {
  GstAvmVibrato *self;
  Settings settings;
  AvmVibratoNote *note;
  FILE *features;
  gboolean only_part; /* all notes are of one part */
  gint orphan;        /* a part whose region is not known, or none */
  guint counts[4], n_vibrato;
} Run;

static gint
compare_events (gconstpointer a, gconstpointer b)
{
  return gst_avm_event_compare (
      *(const GstAvmEvent *const *)a, *(const GstAvmEvent *const *)b);
}

static const AvmVibratoTrack *
find_track (Run *run, gint part)
{
  AvmVibratoRegion *region = avm_vibrato_parts_find_region (run->self->parts,
      run->settings.region_parts, run->settings.role, part, run->only_part);
  AvmError error = {AVM_OK, -1, ""};

  if (region == NULL) {
    run->orphan = part;
    return NULL;
  }
  if (!region->analysed) {
    gdouble ex, ey, share;

    region->analysed = TRUE;
    if (!avm_vibrato_track_analyse (
            region->track, &run->settings.kernel, &error)) {
      GST_INFO_OBJECT (
          run->self, "region %d: %s", region->region, error.detail);
    } else {
      avm_vibrato_track_get_axis (region->track, &ex, &ey, &share);
      GST_INFO_OBJECT (run->self,
          "region %d plays part %d, axis %.3f %.3f, share %.2f", region->region,
          part, ex, ey, share);
    }
  }
  return region->track;
}

static gdouble
decide (Run *run, const AvmVibratoResult *result, gdouble *margin)
{
  gdouble features[AVM_VIBRATO_MAX_FEATURES], threshold, score;
  const AvmSvm *svm;

  if (run->self->models == NULL) {
    threshold = run->settings.threshold != 0.0 ? run->settings.threshold
                                               : acf_thresholds[result->used];
    *margin = (result->acf - threshold) * 8.0;
    return result->acf;
  }
  svm = avm_svm_set_find (run->self->models, used_names[result->used]);
  avm_vibrato_note_features (run->note, result->used, features);
  score = avm_svm_decide (svm, features);
  *margin = (score - run->settings.threshold) * 2.0;
  return score;
}

static void
set_known (GstAvmEvent *event, const gchar *name, gdouble value)
{
  if (isfinite (value))
    gst_avm_event_set_double (event, name, value);
}

static void
set_curve (
    GstAvmEvent *event, const gchar *name, const gdouble *x, gsize n, gint sign)
{
  gdouble *copy;

  if (x == NULL)
    return;
  copy = g_new (gdouble, MAX (n, 1));
  for (gsize i = 0; i < n; i++)
    copy[i] = sign * x[i];
  gst_avm_event_set_variant (event, name,
      g_variant_new_fixed_array (
          G_VARIANT_TYPE_DOUBLE, copy, n, sizeof (gdouble)));
  g_free (copy);
}

static void
set_curves (GstAvmEvent *event, const AvmVibratoNote *note)
{
  const gdouble *displacement, *pitch;
  gdouble first;
  gsize n = avm_vibrato_note_curves (note, &first, &displacement, &pitch);

  set_curve (
      event, "displacement", displacement, n, avm_vibrato_note_sign (note));
  set_curve (event, "pitch-curve", pitch, n, 1);
  gst_avm_event_set_double (event, "curve-rate", AVM_VIBRATO_CURVE_RATE);
}

static gint
find_region_id (Run *run, const GstAvmEvent *note, guint used)
{
  AvmVibratoRegion *region;

  if (!(used & AVM_VIBRATO_VIDEO))
    return note->region;
  region = avm_vibrato_parts_find_region (run->self->parts,
      run->settings.region_parts, run->settings.role, note->part,
      run->only_part);
  return region != NULL ? region->region : note->region;
}

static GstAvmEvent *
make_event (Run *run, const GstAvmEvent *note, const AvmVibratoResult *result)
{
  GstAvmEvent *event = gst_avm_event_new (note->onset, note->duration,
      find_region_id (run, note, result->used), note->part, 0.0);
  gdouble pitch, margin = 0.0, score;
  gboolean vibrato = FALSE;

  if (result->used != AVM_VIBRATO_NONE) {
    score = decide (run, result, &margin);
    vibrato = margin > 0.0;
    event->confidence = 1.0 / (1.0 + exp (-fabs (margin)));
    gst_avm_event_set_double (event, "score", score);
    set_known (event, "rate", result->rate);
    set_known (event, "extent", result->extent);
    set_known (event, "lag", result->lag);
    if (run->settings.curves)
      set_curves (event, run->note);
  }
  gst_avm_event_set_boolean (event, "vibrato", vibrato);
  if (isfinite (result->pitch))
    gst_avm_event_set_double (event, "pitch", result->pitch / 100.0);
  else if (gst_avm_event_get_double (note, "pitch", &pitch))
    gst_avm_event_set_double (event, "pitch", pitch);
  gst_avm_event_set_string (event, "used", used_names[result->used]);
  gst_avm_event_set_string (
      event, "method", run->self->models != NULL ? "svm" : "autocorrelation");
  run->counts[result->used]++;
  run->n_vibrato += vibrato;
  return event;
}

/* -- training ------------------------------------------------------------- */

static const GstAvmEvent *
find_label (const GstAvmVibrato *self, const GstAvmEvent *note)
{
  const GstAvmEvent *best = NULL;
  GstClockTime nearest = LABEL_TOLERANCE;

  for (guint i = 0; i < self->truth->len; i++) {
    const GstAvmEvent *truth = g_ptr_array_index (self->truth, i);
    GstClockTime distance = truth->onset > note->onset
        ? truth->onset - note->onset
        : note->onset - truth->onset;

    if (truth->part == note->part && distance <= nearest) {
      nearest = distance;
      best = truth;
    }
  }
  return best;
}

/* One line: label, what is known, part, then all features, nan where not */
static void
write_features (
    Run *run, const GstAvmEvent *note, const AvmVibratoResult *result)
{
  const GstAvmEvent *label = find_label (run->self, note);
  gdouble features[AVM_VIBRATO_MAX_FEATURES];
  gboolean vibrato;

  if (label == NULL || result->used == AVM_VIBRATO_NONE
      || !gst_avm_event_get_boolean (label, "vibrato", &vibrato))
    return;
  for (guint i = 0; i < AVM_VIBRATO_MAX_FEATURES; i++)
    features[i] = NAN;
  avm_vibrato_note_features (run->note, result->used,
      features
          + (result->used == AVM_VIBRATO_AUDIO ? AVM_VIBRATO_VIDEO_FEATURES
                                               : 0));
  fprintf (run->features, "%d\t%d\t%d", vibrato, result->used, note->part);
  for (guint i = 0; i < AVM_VIBRATO_MAX_FEATURES; i++) {
    gchar text[G_ASCII_DTOSTR_BUF_SIZE];

    fprintf (run->features, "\t%s",
        g_ascii_formatd (text, sizeof (text), "%.9g", features[i]));
  }
  fputc ('\n', run->features);
}

static gboolean
open_features (Run *run)
{
  const gchar *path = run->settings.features_location;

  if (path == NULL)
    return TRUE;
  run->features = g_fopen (path, "w");
  if (run->features == NULL) {
    GST_ELEMENT_ERROR (run->self, RESOURCE, OPEN_WRITE,
        (_ ("The features cannot be written to \"%s\". Check that the folder "
            "exists and has room."),
            path),
        ("%s", g_strerror (errno)));
    return FALSE;
  }
  fprintf (run->features,
      "# avm-vibrato-features 1: label, used, part, %d features\n",
      AVM_VIBRATO_MAX_FEATURES);
  return TRUE;
}

/* -- the piece ------------------------------------------------------------ */

static gboolean
run_note (Run *run, const GstAvmEvent *note)
{
  GstAvmVibrato *self = run->self;
  AvmVibratoResult result;
  gdouble duration = GST_CLOCK_TIME_IS_VALID (note->duration)
      ? (gdouble)note->duration / GST_SECOND
      : 0.0;
  const AvmVibratoContour *contour =
      avm_vibrato_parts_find_contour (self->parts, note->part, run->only_part);

  if (!avm_vibrato_note_analyse (run->note, &run->settings.kernel,
          find_track (run, note->part), contour,
          (gdouble)note->onset / GST_SECOND, duration, &result))
    return FALSE;
  if (run->features != NULL)
    write_features (run, note, &result);
  gst_avm_join_push_event (
      GST_AVM_JOIN (self), make_event (run, note, &result));
  return TRUE;
}

static gboolean
notes_are_of_one_part (const GPtrArray *notes)
{
  for (guint i = 1; i < notes->len; i++) {
    const GstAvmEvent *first = g_ptr_array_index (notes, 0);
    const GstAvmEvent *note = g_ptr_array_index (notes, i);

    if (note->part != first->part)
      return FALSE;
  }
  return TRUE;
}

static void
post_summary (Run *run)
{
  GstAvmVibrato *self = run->self;

  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("avm-vibrato", "notes", G_TYPE_UINT,
              self->notes->len, "vibrato", G_TYPE_UINT, run->n_vibrato, "audio",
              G_TYPE_UINT, run->counts[AVM_VIBRATO_AUDIO], "video", G_TYPE_UINT,
              run->counts[AVM_VIBRATO_VIDEO], "both", G_TYPE_UINT,
              run->counts[AVM_VIBRATO_BOTH], "none", G_TYPE_UINT,
              run->counts[AVM_VIBRATO_NONE], NULL)));
}

/* What a person would wonder about */
static void
warn_about_input (Run *run)
{
  GstAvmVibrato *self = run->self;
  const AvmVibratoParts *parts = self->parts;

  if (self->notes->len == 0)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("No notes came to %s, so there is nothing to report. Link a source "
            "of notes, such as avmscorealign, to its pad \"notes\"."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  else if (parts->n_rows == 0 && parts->n_points == 0)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("Neither motion nor pitch came to %s. Link avmopticalflow to its "
            "pad \"motion\", or avmpitch to its pad \"f0\"."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  else if (parts->n_rows > 0 && run->orphan != GST_AVM_ANY)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("It is not known which region shows the player of part %d; its "
            "motion is not used. Give the part with the region, set "
            "region-parts=\"<<region,part>>\", or link an association."),
            run->orphan),
        ("%u regions", parts->regions->len));
}

static gboolean
run_all (Run *run)
{
  GstAvmVibrato *self = run->self;

  g_ptr_array_sort (self->notes, compare_events);
  run->only_part = notes_are_of_one_part (self->notes);
  for (guint i = 0; i < self->notes->len; i++) {
    if (gst_avm_join_is_flushing (GST_AVM_JOIN (self)))
      return TRUE;
    if (!run_note (run, g_ptr_array_index (self->notes, i)))
      return FALSE;
  }
  return TRUE;
}

static GstFlowReturn
gst_avm_vibrato_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  Run run = {.self = GST_AVM_VIBRATO (join), .orphan = GST_AVM_ANY};
  GstFlowReturn flow = GST_FLOW_ERROR;

  if (!eos)
    return GST_FLOW_OK;
  settings_copy (run.self, &run.settings);
  run.note = avm_vibrato_note_new ();
  if (open_features (&run)) {
    if (run.note != NULL && run_all (&run))
      flow = GST_FLOW_OK;
    else
      no_memory (run.self);
  }
  if (run.features != NULL)
    fclose (run.features);
  if (flow == GST_FLOW_OK) {
    warn_about_input (&run);
    post_summary (&run);
  }
  avm_vibrato_note_free (run.note);
  settings_clear (&run.settings);
  return flow;
}

/* -- the object ----------------------------------------------------------- */

static void
gst_avm_vibrato_finalize (GObject *object)
{
  GstAvmVibrato *self = GST_AVM_VIBRATO (object);

  settings_clear (&self->settings);
  avm_vibrato_parts_free (self->parts);
  g_ptr_array_unref (self->notes);
  g_ptr_array_unref (self->truth);
  avm_svm_set_free (self->models);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

#define FLAGS                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_decision_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_METHOD,
      g_param_spec_enum ("method", "Method", "How a note is decided",
          gst_avm_vibrato_method_get_type (), DEFAULT_METHOD, FLAGS));
  g_object_class_install_property (klass, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Decision value above which a note has vibrato: height of the "
          "autocorrelation peak (0 to 1), or decision value of the SVM; 0: "
          "fixed on development data for what was used, SVM: the border of "
          "the classes",
          -100.0, 100.0, DEFAULT_THRESHOLD, FLAGS));
  g_object_class_install_property (klass, PROP_MODEL,
      g_param_spec_string ("model", "Model",
          "File of the SVM models, written by avm-vibrato-train; NULL: the "
          "one that was installed",
          DEFAULT_MODEL, FLAGS));
  g_object_class_install_property (klass, PROP_REGION_PARTS,
      gst_param_spec_array ("region-parts", "Region parts",
          "Which region plays which part: <<region id, part index>, ...>; an "
          "association stream goes before, parts in the motion caps after it",
          gst_param_spec_array ("pair", "Pair", "Region id, part index",
              g_param_spec_int ("number", "Number", "Region id or part index",
                  G_MININT, G_MAXINT, 0, FLAGS),
              FLAGS),
          FLAGS));
  g_object_class_install_property (klass, PROP_ROLE,
      g_param_spec_string ("role", "Role",
          "Of several regions of a part, those whose channel names begin so "
          "go first",
          DEFAULT_ROLE, FLAGS));
}

static void
install_analysis_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_MOVING_AVERAGE,
      g_param_spec_double ("moving-average", "Moving average",
          "Length of the moving average that is taken from the motion, s", 0.05,
          10.0, DEFAULT_MOVING_AVERAGE, FLAGS));
  g_object_class_install_property (klass, PROP_MIN_RATE,
      g_param_spec_double ("min-rate", "Minimum rate",
          "Slowest vibrato, Hz; must be below max-rate", 1.0, 13.0,
          DEFAULT_MIN_RATE, FLAGS));
  g_object_class_install_property (klass, PROP_MAX_RATE,
      g_param_spec_double ("max-rate", "Maximum rate",
          "Fastest vibrato, Hz; must be above min-rate", 2.0, 14.0,
          DEFAULT_MAX_RATE, FLAGS));
  g_object_class_install_property (klass, PROP_MAX_LAG,
      g_param_spec_double ("max-lag", "Maximum lag",
          "Range of the lag between motion and pitch that is fitted, s", 0.0,
          0.5, DEFAULT_MAX_LAG, FLAGS));
  g_object_class_install_property (klass, PROP_MIN_DURATION,
      g_param_spec_double ("min-duration", "Minimum duration",
          "Shorter notes are not analysed, s", 0.05, 10.0, DEFAULT_MIN_DURATION,
          FLAGS));
  g_object_class_install_property (klass, PROP_CURVES,
      g_param_spec_boolean ("curves", "Curves",
          "Give the displacement (px) and pitch (cents) of each note, 100 Hz",
          DEFAULT_CURVES, FLAGS));
  g_object_class_install_property (klass, PROP_FEATURES_LOCATION,
      g_param_spec_string ("features-location", "Features location",
          "File to write labelled features to, for avm-vibrato-train; the "
          "labels come from the pad truth",
          DEFAULT_FEATURES_LOCATION, FLAGS));
}

static void
gst_avm_vibrato_class_init (GstAvmVibratoClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = GST_AVM_JOIN_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      avm_vibrato_debug, "avmvibrato", 0, "vibrato analysis");
  object_class->set_property = gst_avm_vibrato_set_property;
  object_class->get_property = gst_avm_vibrato_get_property;
  object_class->finalize = gst_avm_vibrato_finalize;
  install_decision_properties (object_class);
  install_analysis_properties (object_class);

  join_class->start = GST_DEBUG_FUNCPTR (gst_avm_vibrato_start);
  join_class->stop = GST_DEBUG_FUNCPTR (gst_avm_vibrato_stop);
  join_class->sink_caps = GST_DEBUG_FUNCPTR (gst_avm_vibrato_sink_caps);
  join_class->sink_buffer = GST_DEBUG_FUNCPTR (gst_avm_vibrato_sink_buffer);
  join_class->process = GST_DEBUG_FUNCPTR (gst_avm_vibrato_process);
  join_class->flush = GST_DEBUG_FUNCPTR (gst_avm_vibrato_flush);

  gst_element_class_add_static_pad_template (element_class, &motion_template);
  gst_element_class_add_static_pad_template (element_class, &notes_template);
  gst_element_class_add_static_pad_template (element_class, &f0_template);
  gst_element_class_add_static_pad_template (
      element_class, &association_template);
  gst_element_class_add_static_pad_template (element_class, &truth_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Audio-visual vibrato analysis", "Analyzer/Audio/Video",
      "Says whether, how fast and how wide each note of each player vibrates",
      "avm");
  gst_type_mark_as_plugin_api (gst_avm_vibrato_method_get_type (), 0);
}

static void
gst_avm_vibrato_init (GstAvmVibrato *self)
{
  Settings *settings = &self->settings;

  settings->method = DEFAULT_METHOD;
  settings->threshold = DEFAULT_THRESHOLD;
  settings->role = g_strdup (DEFAULT_ROLE);
  settings->curves = DEFAULT_CURVES;
  avm_vibrato_settings_init (&settings->kernel);
  settings->kernel.moving_average = DEFAULT_MOVING_AVERAGE;
  settings->kernel.min_rate = DEFAULT_MIN_RATE;
  settings->kernel.max_rate = DEFAULT_MAX_RATE;
  settings->kernel.max_lag = DEFAULT_MAX_LAG;
  settings->kernel.min_duration = DEFAULT_MIN_DURATION;
  settings->region_parts = g_array_new (FALSE, FALSE, sizeof (AvmVibratoLink));
  self->parts = avm_vibrato_parts_new ();
  self->notes =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
  self->truth =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
}
