/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-avmassociate
 * @title: avmassociate
 * @short_description: which player plays which part of the score
 *
 * Finds out which of the players in the picture plays which part of the score,
 * from how they move and what is heard. Strokes of the bow begin with notes
 * and stop with rests, the fingering hand rolls with the vibrato of the pitch
 * and moves when notes change. After Li, Dinesh, Duan and Sharma, "See and
 * listen", ICASSP 2017; Li, Xu and Duan, "Audiovisual source association for
 * string ensembles through multi-modal vibrato analysis", SMC 2017; Li,
 * Dinesh, Xu, Sharma and Duan, "Online audio-visual source association for
 * chamber music performances", TISMIR 2019.
 *
 * Sink pads, all on request:
 *
 * * `motion`: series of kind `motion` (avmopticalflow), `vx` and `vy` in px/s
 *   and `confidence` per region; NaN is a gap. Parts that the caps name are not
 *   looked at;
 * * `notes`: events of kind `note` (avmscorealign), in any order, as late as
 *   the end of the piece;
 * * `f0`: series of kind `f0` (avmpitch), Hz and `confidence` per part;
 *   without it the vibrato says nothing.
 *
 * Regions whose ids are those of one player (player 101, hand 201, bow 301
 * belong together, see gst_avm_region_id()) are weighed together; any other
 * region is a player of its own. What a region shows is said by its role: the
 * bowing hand `bow`, the fingering hand `hand`; a `player` stands in for a bow
 * that is not there, and so does a region of any other role.
 *
 * The source pad gives events of kind `association`, one for each region,
 * faces and whole players included: `region`, `part` (-1: none of the parts),
 * `score` (0 to 1, how likely it is that this player plays this part, all
 * assignments considered), `margin` (`score` less that of the next best part),
 * `cue`, and `part-name` where the notes carry it. The confidence of the event
 * is the score. What fits together best over all players is found by the
 * Hungarian method; with #GstAvmAssociate:exclusive unset each player is judged
 * alone, so that several may play the same part.
 *
 * Evidence is weighed as logarithms of likelihood ratios (nats) against a
 * player who moves as much without regard to the score. So players who play
 * none of the parts, a page turner for example, are told from others, and there
 * may be more or fewer players than parts. Ten seconds with changes of bow are
 * mostly enough; players in perfect unison cannot be told apart, and their
 * scores say so.
 *
 * An element message `avm-associate` comes with each answer: `timestamp`
 * (guint64, ns, running time), `final` (boolean), `cue` (string), `players`,
 * `parts`, `assigned` (guint), and `pairs`, an array with one structure `pair`
 * per player: `regions` (array of int), `part` (int), `score`, `margin`
 * (double), `evidence` (array of one double per part, nats), `part-ids` (array
 * of int, the parts that these are).
 *
 * #GstAvmAssociate:mode offline: one answer when all inputs have ended, events
 * over the whole piece. Online: an answer every
 * #GstAvmAssociate:interval from the last
 * #GstAvmAssociate:window, as soon as motion, notes and pitch are complete up
 * to then (latency: the interval and that of the inputs); each is valid from
 * its onset on and takes the place of the one before, also where they
 * contradict each other. At the end comes a last one. Notes that are only
 * aligned when the piece is over make this one answer late.
 *
 * Memory: 24 bytes per frame and region, 16 bytes per part and pitch value: an
 * hour of a quartet with three regions each is 55 MB, as much again while it is
 * weighed, which takes under a second; online no more than the window, and an
 * answer from two minutes takes some 25 ms.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=10 attach-regions=true \
 *   avmassociate name=a ! avmeventenc ! text/tab-separated-values ! \
 *   filesink location=association.tsv \
 *   t.video ! queue ! avmopticalflow ! a.motion  t.notes ! a.notes
 * ]| Who plays what in a virtual quartet, by their bows.
 * |[
 * gst-launch-1.0 avmtestsrc name=t num-seconds=10 attach-regions=true \
 *   avmassociate name=a mode=online interval=2000000000 ! avmeventenc ! \
 *   application/x-ndjson ! filesink location=association.jsonl \
 *   t.video ! queue ! avmopticalflow ! a.motion  t.notes ! a.notes
 * ]| The same while they play, every two seconds.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmassociate.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "avmassociateplayers.h"
#include "learn/avm-assign.h"

GST_DEBUG_CATEGORY_STATIC (avm_associate_debug);
#define GST_CAT_DEFAULT avm_associate_debug

#define DEFAULT_CUE GST_AVM_ASSOCIATE_FUSED
#define DEFAULT_MODE GST_AVM_ASSOCIATE_OFFLINE
#define DEFAULT_INTERVAL GST_SECOND
#define DEFAULT_WINDOW (120 * GST_SECOND)
#define DEFAULT_MAX_LAG 0.06
#define DEFAULT_NONE_PRIOR 0.01
#define DEFAULT_EXCLUSIVE TRUE

enum {
  PROP_0,
  PROP_CUE,
  PROP_MODE,
  PROP_INTERVAL,
  PROP_WINDOW,
  PROP_MAX_LAG,
  PROP_NONE_PRIOR,
  PROP_EXCLUSIVE,
};

static const gchar *const cue_names[] = {"bow", "vibrato", "finger", "fused"};

typedef struct {
  GstAvmAssociateCue cue;
  GstAvmAssociateMode mode;
  GstClockTime interval, window;
  gdouble max_lag, none_prior;
  gboolean exclusive;
} Settings;

struct _GstAvmAssociate {
  GstAvmJoin parent;

  /* under the object lock */
  Settings settings;

  /* under the join's lock */
  AvmAssociate *kernel;
  GArray *regions;     /* gint, all that motion has shown, ascending */
  GHashTable *names;   /* part to its name */
  gboolean any_motion; /* a row of motion of some region */
  gboolean any_notes;
  GstClockTime first;    /* running time of the first data, or NONE */
  GstClockTime last;     /* end of the last data */
  GstClockTime answered; /* online: time of the last answer, or NONE */
};

/* What a series pad remembers */
typedef struct {
  GstAvmSeriesInfo *info;
  GArray *columns; /* AvmAssociateColumn; NULL: F0 */
} SeriesPad;

/* One answer */
typedef struct {
  Settings settings;
  GstClockTime time; /* running */
  gboolean final;
  gsize n_players, n_parts;
  gdouble *scores; /* players x parts */
  gdouble *shares; /* likewise */
  gint *columns;   /* players */
} Answer;

static GstStaticPadTemplate motion_template =
    GST_STATIC_PAD_TEMPLATE ("motion", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("motion")));
static GstStaticPadTemplate notes_template =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));
static GstStaticPadTemplate f0_template =
    GST_STATIC_PAD_TEMPLATE ("f0", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("f0")));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("association")));

static GType
gst_avm_associate_cue_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_ASSOCIATE_BOW, "Strokes and rests of the bow", "bow"},
        {GST_AVM_ASSOCIATE_VIBRATO, "Vibrato of the hand and of the pitch",
            "vibrato"},
        {GST_AVM_ASSOCIATE_FINGER, "Changes of fingers and position", "finger"},
        {GST_AVM_ASSOCIATE_FUSED, "All evidence together", "fused"},
        {0, NULL, NULL},
    };

    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmAssociateCue", values));
  }
  return (GType)type;
}

static GType
gst_avm_associate_mode_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_ASSOCIATE_OFFLINE, "One answer at the end", "offline"},
        {GST_AVM_ASSOCIATE_ONLINE, "An answer every interval", "online"},
        {0, NULL, NULL},
    };

    g_once_init_leave (
        &type, g_enum_register_static ("GstAvmAssociateMode", values));
  }
  return (GType)type;
}

#define gst_avm_associate_parent_class parent_class
G_DEFINE_TYPE (GstAvmAssociate, gst_avm_associate, GST_TYPE_AVM_JOIN);
GST_ELEMENT_REGISTER_DEFINE (
    avmassociate, "avmassociate", GST_RANK_NONE, GST_TYPE_AVM_ASSOCIATE);

/* -- settings ------------------------------------------------------------- */

static void
gst_avm_associate_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (object);
  Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_CUE:
      settings->cue = g_value_get_enum (value);
      break;
    case PROP_MODE:
      settings->mode = g_value_get_enum (value);
      break;
    case PROP_INTERVAL:
      settings->interval = g_value_get_uint64 (value);
      break;
    case PROP_WINDOW:
      settings->window = g_value_get_uint64 (value);
      break;
    case PROP_MAX_LAG:
      settings->max_lag = g_value_get_double (value);
      break;
    case PROP_NONE_PRIOR:
      settings->none_prior = g_value_get_double (value);
      break;
    case PROP_EXCLUSIVE:
      settings->exclusive = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_avm_associate_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (object);
  const Settings *settings = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_CUE:
      g_value_set_enum (value, settings->cue);
      break;
    case PROP_MODE:
      g_value_set_enum (value, settings->mode);
      break;
    case PROP_INTERVAL:
      g_value_set_uint64 (value, settings->interval);
      break;
    case PROP_WINDOW:
      g_value_set_uint64 (value, settings->window);
      break;
    case PROP_MAX_LAG:
      g_value_set_double (value, settings->max_lag);
      break;
    case PROP_NONE_PRIOR:
      g_value_set_double (value, settings->none_prior);
      break;
    case PROP_EXCLUSIVE:
      g_value_set_boolean (value, settings->exclusive);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
settings_copy (GstAvmAssociate *self, Settings *copy)
{
  GST_OBJECT_LOCK (self);
  *copy = self->settings;
  GST_OBJECT_UNLOCK (self);
}

static void
kernel_settings (const Settings *settings, AvmAssociateSettings *kernel)
{
  static const GstAvmAssociateCue belongs[AVM_ASSOCIATE_N_CUES] = {
      GST_AVM_ASSOCIATE_BOW, GST_AVM_ASSOCIATE_BOW, GST_AVM_ASSOCIATE_VIBRATO,
      GST_AVM_ASSOCIATE_FINGER};

  avm_associate_settings_init (kernel);
  kernel->max_lag = settings->max_lag;
  for (guint i = 0; i < AVM_ASSOCIATE_N_CUES; i++)
    if (settings->cue != GST_AVM_ASSOCIATE_FUSED && settings->cue != belongs[i])
      kernel->weights[i] = 0.0;
}

/* -- life ----------------------------------------------------------------- */

static void
forget_all (GstAvmAssociate *self)
{
  g_clear_pointer (&self->kernel, avm_associate_free);
  g_array_set_size (self->regions, 0);
  g_hash_table_remove_all (self->names);
  self->any_motion = self->any_notes = FALSE;
  self->first = self->answered = GST_CLOCK_TIME_NONE;
  self->last = 0;
}

static GstFlowReturn
no_memory (GstAvmAssociate *self)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      (_ ("There is not enough memory to find out who plays what in this "
          "piece. Use mode=online with a window, or analyse it in sections.")),
      (NULL));
  return GST_FLOW_ERROR;
}

static gboolean
gst_avm_associate_start (GstAvmJoin *join)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (join);
  GstCaps *caps = gst_avm_events_caps_new ("association");
  Settings settings;

  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  settings_copy (self, &settings);
  gst_avm_join_set_latency (
      join, settings.mode == GST_AVM_ASSOCIATE_ONLINE ? settings.interval : 0);
  forget_all (self);
  self->kernel = avm_associate_new ();
  if (self->kernel == NULL)
    no_memory (self);
  return self->kernel != NULL;
}

static gboolean
gst_avm_associate_stop (GstAvmJoin *join)
{
  forget_all (GST_AVM_ASSOCIATE (join));
  return TRUE;
}

static gboolean
pad_is (GstAvmJoinPad *pad, const gchar *name)
{
  return g_str_equal (GST_PAD_NAME (pad), name);
}

static void
gst_avm_associate_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (join);

  if (self->kernel == NULL)
    return;
  if (pad == NULL || pad_is (pad, "motion")) {
    avm_associate_forget_motion (self->kernel);
    self->any_motion = FALSE;
  }
  if (pad == NULL || pad_is (pad, "notes")) {
    avm_associate_forget_notes (self->kernel);
    self->any_notes = FALSE;
  }
  if (pad == NULL || pad_is (pad, "f0"))
    avm_associate_forget_f0 (self->kernel);
  self->first = self->answered = GST_CLOCK_TIME_NONE;
  self->last = 0;
}

/* -- input ---------------------------------------------------------------- */

static void
series_pad_free (SeriesPad *series)
{
  g_clear_pointer (&series->info, gst_avm_series_info_free);
  g_clear_pointer (&series->columns, g_array_unref);
  g_free (series);
}

static gboolean
gst_avm_associate_sink_caps (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstCaps *caps)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (join);
  GstAvmSeriesInfo *info;
  GError *error = NULL;
  SeriesPad *series;

  if (pad_is (pad, "notes"))
    return TRUE;
  info = gst_avm_series_info_new_from_caps (caps, &error);
  if (info == NULL) {
    GST_WARNING_OBJECT (pad, "%s", error->message);
    g_clear_error (&error);
    return FALSE;
  }
  series = g_new0 (SeriesPad, 1);
  series->info = info;
  if (pad_is (pad, "motion"))
    series->columns = avm_associate_columns (info, self->regions);
  gst_avm_join_pad_set_data (pad, series, (GDestroyNotify)series_pad_free);
  return TRUE;
}

static GstFlowReturn
refuse_buffer (GstAvmAssociate *self, GstAvmJoinPad *pad, GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("A buffer of the stream at pad \"%s\" is damaged. If it was stored "
          "in a file, make the file again."),
          GST_PAD_NAME (pad)),
      ("%s", error->message));
  g_error_free (error);
  return GST_FLOW_ERROR;
}

static gboolean
add_pitch_row (GstAvmAssociate *self, const GstAvmSeriesInfo *info,
    const gfloat *row, gdouble seconds)
{
  guint n = gst_avm_series_info_get_n_channels (info);

  for (guint i = 0; i < n; i++) {
    gint part = gst_avm_series_info_get_part (info, i);

    if (part < 0
        || g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "f0") != 0)
      continue;
    if (!avm_associate_add_f0 (self->kernel, part, seconds, row[i], 1.0))
      return FALSE;
  }
  return TRUE;
}

static void
note_time (GstAvmAssociate *self, GstClockTime from, GstClockTime to)
{
  if (!GST_CLOCK_TIME_IS_VALID (self->first) || from < self->first)
    self->first = from;
  self->last = MAX (self->last, to);
}

static GstFlowReturn
take_series (GstAvmAssociate *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  SeriesPad *series = gst_avm_join_pad_get_data (pad);
  GstAvmSeriesMap map;
  GError *error = NULL;
  gboolean ok = TRUE;

  if (series == NULL)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_FLOW_OK;
  if (!gst_avm_series_map (&map, series->info, buffer, &error))
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < map.n_rows && ok; i++) {
    const gfloat *row = map.rows + (gsize)i * map.n_channels;
    GstClockTime time = gst_avm_join_pad_to_running_time (pad,
        gst_avm_series_row_time (series->info, GST_BUFFER_PTS (buffer), i));
    gdouble seconds = (gdouble)time / GST_SECOND;

    if (!GST_CLOCK_TIME_IS_VALID (time))
      continue;
    note_time (self, time, time);
    if (series->columns == NULL) {
      ok = add_pitch_row (self, series->info, row, seconds);
    } else {
      ok = avm_associate_add_row (self->kernel, series->columns, row, seconds);
      self->any_motion |= series->columns->len > 0;
    }
  }
  gst_avm_series_unmap (&map);
  return ok ? GST_FLOW_OK : no_memory (self);
}

static gboolean
take_note (GstAvmAssociate *self, GstAvmJoinPad *pad, const GstAvmEvent *event)
{
  const gchar *name = gst_avm_event_get_string (event, "part-name");
  GstClockTime onset = event->onset, end;

  if (event->part < 0 || !GST_CLOCK_TIME_IS_VALID (onset)
      || onset > G_MAXINT64 / 2)
    return TRUE;
  end = GST_CLOCK_TIME_IS_VALID (event->duration)
          && event->duration < G_MAXINT64 / 2
      ? onset + event->duration
      : onset;
  onset = gst_avm_join_pad_to_running_time (pad, onset);
  end = gst_avm_join_pad_to_running_time (pad, end);
  if (!GST_CLOCK_TIME_IS_VALID (onset))
    return TRUE;
  if (!GST_CLOCK_TIME_IS_VALID (end) || end < onset)
    end = onset;
  note_time (self, onset, end);
  if (name != NULL && *name != '\0')
    g_hash_table_insert (
        self->names, GINT_TO_POINTER (event->part), g_strdup (name));
  self->any_notes = TRUE;
  return avm_associate_add_note (self->kernel, event->part,
      (gdouble)onset / GST_SECOND, (gdouble)(end - onset) / GST_SECOND);
}

static GstFlowReturn
take_notes (GstAvmAssociate *self, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GError *error = NULL;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, &error);
  gboolean ok = TRUE;

  if (events == NULL)
    return refuse_buffer (self, pad, error);
  for (guint i = 0; i < events->len && ok; i++)
    ok = take_note (self, pad, g_ptr_array_index (events, i));
  g_ptr_array_unref (events);
  return ok ? GST_FLOW_OK : no_memory (self);
}

static GstFlowReturn
gst_avm_associate_sink_buffer (
    GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (join);

  return pad_is (pad, "notes") ? take_notes (self, pad, buffer)
                               : take_series (self, pad, buffer);
}

/* -- the answer ----------------------------------------------------------- */

static void
answer_clear (Answer *answer)
{
  g_free (answer->scores);
  g_free (answer->shares);
  g_free (answer->columns);
}

/* Log odds of a player who plays nothing against one who plays any given
 * part, before anything was seen */
static gdouble
none_score (const Answer *answer)
{
  gdouble p = answer->settings.none_prior;

  return log (p / ((1.0 - p) / (gdouble)answer->n_parts));
}

/* All players together, or one by one */
static gboolean
assign_players (Answer *answer)
{
  gsize rows = answer->settings.exclusive ? answer->n_players : 1;
  AvmAssign *assign = avm_assign_new (rows, answer->n_parts);
  gboolean ok = assign != NULL;

  for (gsize i = 0; ok && i < answer->n_players; i += rows) {
    const gdouble *scores = answer->scores + i * answer->n_parts;

    avm_assign_solve (assign, scores, rows, answer->n_parts,
        none_score (answer), answer->columns + i);
    ok = avm_assign_marginals (assign, scores, rows, answer->n_parts,
        none_score (answer), answer->shares + i * answer->n_parts);
  }
  avm_assign_free (assign);
  return ok;
}

/* FALSE: out of memory */
static gboolean
answer_fill (Answer *answer, const AvmAssociate *kernel)
{
  gsize n_players = avm_associate_n_players (kernel);
  gsize n_parts = avm_associate_n_parts (kernel);

  answer->n_players = n_players;
  answer->n_parts = n_parts;
  if (n_players > AVM_ASSIGN_MAX || n_parts > AVM_ASSIGN_MAX)
    return FALSE;
  answer->scores = g_new0 (gdouble, n_players * n_parts);
  answer->shares = g_new0 (gdouble, n_players * n_parts);
  answer->columns = g_new0 (gint, n_players);
  for (gsize i = 0; i < n_players * n_parts; i++) {
    gdouble sum = avm_associate_sum (kernel, i / n_parts, i % n_parts);

    /* of whom nothing is known, anything is as likely as before */
    answer->scores[i] = isnan (sum) ? 0.0 : sum;
  }
  return assign_players (answer);
}

/* The share of what was decided about a player and how far the best other part
 * is behind */
static gdouble
answer_score (const Answer *answer, gsize player, gdouble *margin)
{
  const gdouble *shares = answer->shares + player * answer->n_parts;
  gint column = answer->columns[player];
  gdouble none = 1.0, other = 0.0, score;

  for (gsize k = 0; k < answer->n_parts; k++) {
    none -= shares[k];
    if ((gint)k != column)
      other = MAX (other, shares[k]);
  }
  score = column == AVM_ASSIGN_NONE ? MAX (none, 0.0) : shares[column];
  *margin = score - other;
  return score;
}

static gint
answer_part (const Answer *answer, const AvmAssociate *kernel, gsize player)
{
  gint column = answer->columns[player];

  return column == AVM_ASSIGN_NONE ? GST_AVM_NONE
                                   : avm_associate_part (kernel, (gsize)column);
}

static gboolean
find_player (const GstAvmAssociate *self, gint region, gsize *player)
{
  gint id = avm_associate_player_of_region (region);

  for (gsize i = 0; i < avm_associate_n_players (self->kernel); i++)
    if (avm_associate_player (self->kernel, i) == id) {
      *player = i;
      return TRUE;
    }
  return FALSE;
}

static GstAvmEvent *
make_event (GstAvmAssociate *self, const Answer *answer, gint region,
    gsize player, GstClockTime onset, GstClockTime duration)
{
  gint part = answer_part (answer, self->kernel, player);
  gdouble margin, score = answer_score (answer, player, &margin);
  GstAvmEvent *event = gst_avm_event_new (onset, duration, region, part, score);
  const gchar *name = g_hash_table_lookup (self->names, GINT_TO_POINTER (part));

  gst_avm_event_set_double (event, "score", score);
  gst_avm_event_set_double (event, "margin", margin);
  gst_avm_event_set_string (event, "cue", cue_names[answer->settings.cue]);
  if (part != GST_AVM_NONE && name != NULL)
    gst_avm_event_set_string (event, "part-name", name);
  return event;
}

static void
push_events (GstAvmAssociate *self, const Answer *answer)
{
  gboolean online = answer->settings.mode == GST_AVM_ASSOCIATE_ONLINE;
  /* who plays what was so from the beginning */
  GstClockTime onset = online ? answer->time : 0;
  GstClockTime duration = online ? answer->settings.interval : answer->time;

  for (guint i = 0; i < self->regions->len; i++) {
    gint region = g_array_index (self->regions, gint, i);
    gsize player;

    if (find_player (self, region, &player))
      gst_avm_join_push_event (GST_AVM_JOIN (self),
          make_event (self, answer, region, player, onset, duration));
  }
}

/* -- the message ---------------------------------------------------------- */

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

static GstStructure *
describe_player (
    const GstAvmAssociate *self, const Answer *answer, gsize player)
{
  gint id = avm_associate_player (self->kernel, player);
  gdouble margin, score = answer_score (answer, player, &margin);
  GstStructure *pair = gst_structure_new ("pair", "part", G_TYPE_INT,
      answer_part (answer, self->kernel, player), "score", G_TYPE_DOUBLE, score,
      "margin", G_TYPE_DOUBLE, margin, NULL);
  GValue regions = G_VALUE_INIT, evidence = G_VALUE_INIT, parts = G_VALUE_INIT;

  g_value_init (&regions, GST_TYPE_ARRAY);
  g_value_init (&evidence, GST_TYPE_ARRAY);
  g_value_init (&parts, GST_TYPE_ARRAY);
  for (guint i = 0; i < self->regions->len; i++) {
    gint region = g_array_index (self->regions, gint, i);

    if (avm_associate_player_of_region (region) == id)
      append_int (&regions, region);
  }
  for (gsize k = 0; k < answer->n_parts; k++) {
    append_double (&evidence, answer->scores[player * answer->n_parts + k]);
    append_int (&parts, avm_associate_part (self->kernel, k));
  }
  gst_structure_take_value (pair, "regions", &regions);
  gst_structure_take_value (pair, "evidence", &evidence);
  gst_structure_take_value (pair, "part-ids", &parts);
  return pair;
}

static void
post_answer (GstAvmAssociate *self, const Answer *answer)
{
  GValue pairs = G_VALUE_INIT;
  GstStructure *s;
  guint assigned = 0;

  g_value_init (&pairs, GST_TYPE_ARRAY);
  for (gsize i = 0; i < answer->n_players; i++) {
    GValue value = G_VALUE_INIT;

    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, describe_player (self, answer, i));
    gst_value_array_append_and_take_value (&pairs, &value);
    assigned += answer->columns[i] != AVM_ASSIGN_NONE;
  }
  s = gst_structure_new ("avm-associate", "timestamp", G_TYPE_UINT64,
      answer->time, "final", G_TYPE_BOOLEAN, answer->final, "cue",
      G_TYPE_STRING, cue_names[answer->settings.cue], "players", G_TYPE_UINT,
      (guint)answer->n_players, "parts", G_TYPE_UINT, (guint)answer->n_parts,
      "assigned", G_TYPE_UINT, assigned, NULL);
  gst_structure_take_value (s, "pairs", &pairs);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

/* -- running -------------------------------------------------------------- */

/* What a person would wonder about */
static void
warn_about_input (GstAvmAssociate *self, const gchar *detail)
{
  if (!self->any_notes)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("No notes came to %s, so nobody's part is known. Link a source of "
            "notes, such as avmscorealign, to its pad \"notes\"."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  else if (!self->any_motion)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("No motion of any region came to %s, so nobody's part is known. "
            "Put avmplayers, or avmklttrack with regions, and avmopticalflow "
            "before its pad \"motion\"."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  else
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("The motion that came to %s says nothing: the regions were lost, "
            "or nothing was played meanwhile. Check the regions with "
            "avmoverlay."),
            GST_ELEMENT_NAME (self)),
        ("%s", detail));
}

/* The answer at a running time, from all that lies in the window before. Quiet:
 * while more may come, that nothing can be said is no reason to complain. */
static GstFlowReturn
give_answer (GstAvmAssociate *self, const Settings *settings, GstClockTime time,
    gboolean final)
{
  Answer answer = {.settings = *settings, .time = time, .final = final};
  AvmAssociateSettings kernel;
  AvmError error = {AVM_OK, -1, ""};
  gdouble from = 0.0, to = (gdouble)time / GST_SECOND;
  GstFlowReturn flow = GST_FLOW_OK;

  kernel_settings (settings, &kernel);
  if (GST_CLOCK_TIME_IS_VALID (self->first))
    from = (gdouble)self->first / GST_SECOND;
  if (settings->mode == GST_AVM_ASSOCIATE_ONLINE && settings->window > 0)
    from = MAX (from, to - (gdouble)settings->window / GST_SECOND);
  if (!avm_associate_run (self->kernel, &kernel, from, to, &error)) {
    if (error.code == AVM_ERROR_MEMORY)
      return no_memory (self);
    GST_INFO_OBJECT (self, "until %.3f s: %s", to, error.detail);
    if (final)
      warn_about_input (self, error.detail);
    return GST_FLOW_OK;
  }
  if (answer_fill (&answer, self->kernel)) {
    push_events (self, &answer);
    post_answer (self, &answer);
  } else {
    flow = no_memory (self);
  }
  answer_clear (&answer);
  return flow;
}

/* Online: all answers that are due by the watermark */
static GstFlowReturn
give_due_answers (
    GstAvmAssociate *self, const Settings *settings, GstClockTime watermark)
{
  GstFlowReturn flow = GST_FLOW_OK;

  if (!GST_CLOCK_TIME_IS_VALID (self->first))
    return GST_FLOW_OK;
  if (!GST_CLOCK_TIME_IS_VALID (self->answered))
    self->answered = self->first / settings->interval * settings->interval;
  while (flow == GST_FLOW_OK && self->answered + settings->interval <= watermark
      && !gst_avm_join_is_flushing (GST_AVM_JOIN (self))) {
    self->answered += settings->interval;
    flow = give_answer (self, settings, self->answered, FALSE);
    if (settings->window > 0 && self->answered > settings->window)
      avm_associate_drop (self->kernel,
          (gdouble)(self->answered - settings->window) / GST_SECOND);
  }
  return flow;
}

static GstFlowReturn
gst_avm_associate_process (
    GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (join);
  GstFlowReturn flow = GST_FLOW_OK;
  Settings settings;

  settings_copy (self, &settings);
  if (settings.mode == GST_AVM_ASSOCIATE_ONLINE)
    flow = give_due_answers (self, &settings, eos ? self->last : watermark);
  if (eos && flow == GST_FLOW_OK
      && !gst_avm_join_is_flushing (GST_AVM_JOIN (self)))
    flow = give_answer (self, &settings, self->last, TRUE);
  return flow;
}

/* -- the object ----------------------------------------------------------- */

static void
gst_avm_associate_finalize (GObject *object)
{
  GstAvmAssociate *self = GST_AVM_ASSOCIATE (object);

  avm_associate_free (self->kernel);
  g_array_unref (self->regions);
  g_hash_table_unref (self->names);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

#define FLAGS                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_properties (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_CUE,
      g_param_spec_enum ("cue", "Cue", "What the decision is drawn from",
          gst_avm_associate_cue_get_type (), DEFAULT_CUE, FLAGS));
  g_object_class_install_property (klass, PROP_MODE,
      g_param_spec_enum ("mode", "Mode",
          "One answer at the end, or one every interval",
          gst_avm_associate_mode_get_type (), DEFAULT_MODE, FLAGS));
  g_object_class_install_property (klass, PROP_INTERVAL,
      g_param_spec_uint64 ("interval", "Interval",
          "Online: time from answer to answer, ns", 100 * GST_MSECOND,
          3600 * GST_SECOND, DEFAULT_INTERVAL, FLAGS));
  g_object_class_install_property (klass, PROP_WINDOW,
      g_param_spec_uint64 ("window", "Window",
          "Online: how much of the past an answer looks at, ns; 0: all", 0,
          86400 * GST_SECOND, DEFAULT_WINDOW, FLAGS));
  g_object_class_install_property (klass, PROP_MAX_LAG,
      g_param_spec_double ("max-lag", "Maximum lag",
          "Range of the lag between motion and pitch that is tried, s", 0.0,
          0.2, DEFAULT_MAX_LAG, FLAGS));
  g_object_class_install_property (klass, PROP_NONE_PRIOR,
      g_param_spec_double ("none-prior", "Prior of none",
          "Probability, before anything is seen, that a player plays none of "
          "the parts (above 0, below 1)",
          1e-6, 1.0 - 1e-6, DEFAULT_NONE_PRIOR, FLAGS));
  g_object_class_install_property (klass, PROP_EXCLUSIVE,
      g_param_spec_boolean ("exclusive", "Exclusive",
          "Whether each part is played by one player at most",
          DEFAULT_EXCLUSIVE, FLAGS));
}

static void
gst_avm_associate_class_init (GstAvmAssociateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAvmJoinClass *join_class = GST_AVM_JOIN_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      avm_associate_debug, "avmassociate", 0, "players and parts");
  object_class->set_property = gst_avm_associate_set_property;
  object_class->get_property = gst_avm_associate_get_property;
  object_class->finalize = gst_avm_associate_finalize;
  install_properties (object_class);

  join_class->start = GST_DEBUG_FUNCPTR (gst_avm_associate_start);
  join_class->stop = GST_DEBUG_FUNCPTR (gst_avm_associate_stop);
  join_class->sink_caps = GST_DEBUG_FUNCPTR (gst_avm_associate_sink_caps);
  join_class->sink_buffer = GST_DEBUG_FUNCPTR (gst_avm_associate_sink_buffer);
  join_class->process = GST_DEBUG_FUNCPTR (gst_avm_associate_process);
  join_class->flush = GST_DEBUG_FUNCPTR (gst_avm_associate_flush);

  gst_element_class_add_static_pad_template (element_class, &motion_template);
  gst_element_class_add_static_pad_template (element_class, &notes_template);
  gst_element_class_add_static_pad_template (element_class, &f0_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Association of players and parts", "Analyzer/Audio/Video",
      "Says which player plays which part of the score", "avm");
  gst_type_mark_as_plugin_api (gst_avm_associate_cue_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_avm_associate_mode_get_type (), 0);
}

static void
gst_avm_associate_init (GstAvmAssociate *self)
{
  self->settings = (Settings){
      .cue = DEFAULT_CUE,
      .mode = DEFAULT_MODE,
      .interval = DEFAULT_INTERVAL,
      .window = DEFAULT_WINDOW,
      .max_lag = DEFAULT_MAX_LAG,
      .none_prior = DEFAULT_NONE_PRIOR,
      .exclusive = DEFAULT_EXCLUSIVE,
  };
  self->regions = g_array_new (FALSE, FALSE, sizeof (gint));
  self->names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->first = self->answered = GST_CLOCK_TIME_NONE;
}
