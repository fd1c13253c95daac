/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmeventtext.h"

#include <math.h>
#include <string.h>

#define MIDI_A4 69.0
#define HZ_A4 440.0

/* -- numbers and strings -------------------------------------------------- */

/* The shortest of two precisions that reads back as the same number. */
static void
append_double (GString *out, double value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (text, sizeof (text), "%.15g", value);
  if (g_ascii_strtod (text, NULL) != value)
    g_ascii_dtostr (text, sizeof (text), value);
  g_string_append (out, text);
}

static void
append_float (GString *out, gfloat value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (text, sizeof (text), "%.7g", value);
  if ((gfloat)g_ascii_strtod (text, NULL) != value)
    g_ascii_formatd (text, sizeof (text), "%.9g", value);
  g_string_append (out, text);
}

static void
append_seconds (GString *out, gint64 ns)
{
  if (ns < 0)
    g_string_append_c (out, '-');
  ns = ABS (ns);
  g_string_append_printf (out, "%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT,
      ns / GST_SECOND, ns % GST_SECOND / 1000);
}

static void
append_json_double (GString *out, double value)
{
  if (isfinite (value))
    append_double (out, value);
  else
    g_string_append (out, "null");
}

static void
append_json_string (GString *out, const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const gchar *p = valid; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if ((guchar)*p < 0x20 || *p == 0x7f)
      g_string_append_printf (out, "\\u%04x", (guchar)*p);
    else
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

static void
append_json_key (GString *out, const gchar *key)
{
  if (out->len > 0 && out->str[out->len - 1] != '{')
    g_string_append_c (out, ',');
  append_json_string (out, key);
  g_string_append_c (out, ':');
}

static void
append_json_int (GString *out, const gchar *key, gint value, gint none)
{
  append_json_key (out, key);
  if (value == none)
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "%d", value);
}

static void
append_json_ns (
    GString *out, const gchar *key, gboolean known, gint64 nanoseconds)
{
  append_json_key (out, key);
  if (known)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, nanoseconds);
  else
    g_string_append (out, "null");
}

static void append_json_variant (GString *out, GVariant *value);

static void
append_json_children (GString *out, GVariant *value)
{
  gboolean object = g_variant_is_of_type (value, G_VARIANT_TYPE ("a{s*}"));
  gsize n = g_variant_n_children (value);

  g_string_append_c (out, object ? '{' : '[');
  for (gsize i = 0; i < n; i++) {
    g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

    if (object) {
      g_autoptr (GVariant) key = g_variant_get_child_value (child, 0);
      g_autoptr (GVariant) entry = g_variant_get_child_value (child, 1);

      append_json_key (out, g_variant_get_string (key, NULL));
      append_json_variant (out, entry);
    } else {
      if (i > 0)
        g_string_append_c (out, ',');
      append_json_variant (out, child);
    }
  }
  g_string_append_c (out, object ? '}' : ']');
}

static void
append_json_floats (GString *out, GVariant *value)
{
  gsize n;
  const gdouble *values =
      g_variant_get_fixed_array (value, &n, sizeof (gdouble));

  g_string_append_c (out, '[');
  for (gsize i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    if (isfinite (values[i]))
      append_float (out, (gfloat)values[i]);
    else
      g_string_append (out, "null");
  }
  g_string_append_c (out, ']');
}

static void
append_json_variant (GString *out, GVariant *value)
{
  switch (g_variant_classify (value)) {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
      break;
    case G_VARIANT_CLASS_DOUBLE:
      append_json_double (out, g_variant_get_double (value));
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      append_json_string (out, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_VARIANT: {
      g_autoptr (GVariant) child = g_variant_get_variant (value);

      append_json_variant (out, child);
      break;
    }
    case G_VARIANT_CLASS_MAYBE: {
      g_autoptr (GVariant) child = g_variant_get_maybe (value);

      if (child != NULL)
        append_json_variant (out, child);
      else
        g_string_append (out, "null");
      break;
    }
    case G_VARIANT_CLASS_ARRAY:
      /* curves are measured in single precision: more digits are noise */
      if (g_variant_is_of_type (value, G_VARIANT_TYPE ("ad")))
        append_json_floats (out, value);
      else
        append_json_children (out, value);
      break;
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      append_json_children (out, value);
      break;
    default: {
      /* the integers print as JSON does when no type is asked for */
      g_autofree gchar *text = g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE)
          ? g_strdup_printf ("%u", g_variant_get_byte (value))
          : g_variant_print (value, FALSE);

      g_string_append (out, text);
    }
  }
}

/* -- fields --------------------------------------------------------------- */

/* Registered fields in the registry's order, then the others by name (the
 * list comes sorted). */
static GPtrArray *
list_fields (const gchar *kind, const GstAvmEvent *event)
{
  const GstAvmKind *entry = gst_avm_kind_lookup (kind);
  g_auto (GStrv) names = gst_avm_event_list_fields (event);
  GPtrArray *sorted = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; entry != NULL && i < entry->n_fields; i++) {
    const GstAvmField *field = gst_avm_kind_nth_field (entry, i);

    if (names != NULL
        && g_strv_contains ((const gchar *const *)names, field->name))
      g_ptr_array_add (sorted, g_strdup (field->name));
  }
  for (guint i = 0; names != NULL && names[i] != NULL; i++) {
    if (entry == NULL || gst_avm_kind_find_field (entry, names[i]) == NULL)
      g_ptr_array_add (sorted, g_strdup (names[i]));
  }
  return sorted;
}

static gboolean
get_number (const GstAvmEvent *event, const gchar *name, gdouble *value)
{
  gint integer;

  if (gst_avm_event_get_double (event, name, value))
    return isfinite (*value);
  if (!gst_avm_event_get_int (event, name, &integer))
    return FALSE;
  *value = integer;
  return TRUE;
}

gboolean
avm_text_event_pitch (const GstAvmEvent *event, gdouble *midi)
{
  return get_number (event, "pitch", midi);
}

static void
append_note_name (GString *out, gdouble midi)
{
  static const gchar *const names[] = {
      "C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"};
  gint pitch = (gint)CLAMP (floor (midi + 0.5), 0, 127);

  g_string_append_printf (out, "%s%d", names[pitch % 12], pitch / 12 - 1);
}

/* -- JSON Lines ----------------------------------------------------------- */

static void
append_utc (GString *out, gint64 utc)
{
  gint64 seconds = utc / GST_SECOND;
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (seconds);
  g_autofree gchar *text = NULL;

  if (date == NULL)
    return;
  text = g_date_time_format (date, "%Y-%m-%dT%H:%M:%S");
  append_json_key (out, "utc");
  g_string_append_printf (out, "\"%s.%09" G_GINT64_FORMAT "Z\"", text,
      utc - seconds * (gint64)GST_SECOND);
}

static void
append_json_head (
    GString *out, const gchar *schema, const gchar *kind, const gchar *element)
{
  g_string_append_c (out, '{');
  append_json_key (out, "schema");
  append_json_string (out, schema);
  append_json_key (out, "kind");
  append_json_string (out, kind);
  if (element != NULL) {
    append_json_key (out, "element");
    append_json_string (out, element);
  }
}

static void
append_json_times (
    GString *out, const AvmTextTimes *times, GstClockTime duration)
{
  append_json_ns (out, "stream_time_ns", times->has_stream, times->stream);
  append_json_ns (out, "running_time_ns", times->has_running, times->running);
  append_json_ns (
      out, "duration_ns", GST_CLOCK_TIME_IS_VALID (duration), (gint64)duration);
  if (times->has_utc)
    append_utc (out, times->utc);
}

void
avm_text_json_event (GString *out, const gchar *kind, const gchar *element,
    const GstAvmEvent *event, const AvmTextTimes *times)
{
  g_autoptr (GPtrArray) names = list_fields (kind, event);

  append_json_head (out, AVM_TEXT_EVENTS_SCHEMA, kind, element);
  append_json_times (out, times, event->duration);
  append_json_int (out, "region", event->region, GST_AVM_NONE);
  append_json_int (out, "part", event->part, GST_AVM_NONE);
  append_json_key (out, "confidence");
  append_json_double (out, event->confidence);
  append_json_key (out, "fields");
  g_string_append_c (out, '{');
  for (guint i = 0; i < names->len; i++) {
    const gchar *name = g_ptr_array_index (names, i);
    g_autoptr (GVariant) value = gst_avm_event_get_variant (event, name);

    append_json_key (out, name);
    append_json_variant (out, value);
  }
  g_string_append (out, "}}\n");
}

static gboolean
channel_selected (const GstAvmSeriesInfo *info, guint channel, gint part)
{
  return part == GST_AVM_ANY
      || gst_avm_series_info_get_part (info, channel) == part;
}

/* Keys of an object must differ: a repeated name gets its channel's number. */
static void
append_channel_key (GString *out, const GstAvmSeriesInfo *info, guint channel)
{
  const gchar *name = gst_avm_series_info_get_name (info, channel);
  gboolean unique = name != NULL && *name != '\0';
  g_autofree gchar *key = NULL;

  for (guint i = 0; unique && i < channel; i++)
    unique = g_strcmp0 (gst_avm_series_info_get_name (info, i), name) != 0;
  if (!unique)
    key = g_strdup_printf ("%s#%u", name != NULL ? name : "", channel);
  append_json_string (out, key != NULL ? key : name);
}

void
avm_text_json_channels (
    GString *out, const GstAvmSeriesInfo *info, const gchar *element)
{
  guint n = gst_avm_series_info_get_n_channels (info);
  gint rate_n, rate_d;

  gst_avm_series_info_get_rate (info, &rate_n, &rate_d);
  append_json_head (out, AVM_TEXT_CHANNELS_SCHEMA,
      gst_avm_series_info_get_kind (info), element);
  append_json_key (out, "rate_hz");
  if (rate_n > 0 && rate_d > 0)
    append_double (out, (double)rate_n / rate_d);
  else
    g_string_append (out, "null");
  append_json_key (out, "channels");
  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++) {
    const gchar *quantity = gst_avm_series_info_get_quantity (info, i);
    const gchar *unit = gst_avm_series_info_get_unit (info, i);

    g_string_append (out, i > 0 ? ",{" : "{");
    append_json_key (out, "name");
    append_channel_key (out, info, i);
    append_json_key (out, "quantity");
    append_json_string (out, quantity != NULL ? quantity : "");
    append_json_key (out, "unit");
    append_json_string (out, unit != NULL ? unit : "");
    append_json_int (
        out, "region", gst_avm_series_info_get_region (info, i), GST_AVM_NONE);
    append_json_int (
        out, "part", gst_avm_series_info_get_part (info, i), GST_AVM_NONE);
    g_string_append_c (out, '}');
  }
  g_string_append (out, "]}\n");
}

void
avm_text_json_row (GString *out, const GstAvmSeriesInfo *info,
    const gchar *element, const gfloat *row, GstClockTime duration,
    const AvmTextTimes *times, gint part)
{
  guint n = gst_avm_series_info_get_n_channels (info);

  append_json_head (out, AVM_TEXT_SERIES_SCHEMA,
      gst_avm_series_info_get_kind (info), element);
  append_json_times (out, times, duration);
  append_json_key (out, "values");
  g_string_append_c (out, '{');
  for (guint i = 0; i < n; i++) {
    if (!channel_selected (info, i, part))
      continue;
    if (out->str[out->len - 1] != '{')
      g_string_append_c (out, ',');
    append_channel_key (out, info, i);
    g_string_append_c (out, ':');
    if (isfinite (row[i]))
      append_float (out, row[i]);
    else
      g_string_append (out, "null");
  }
  g_string_append (out, "}}\n");
}

/* -- tab-separated text --------------------------------------------------- */

/* A cell must not break the line it stands in. */
static void
append_cell (GString *out, const gchar *text)
{
  for (const gchar *p = text; *p != '\0'; p++)
    g_string_append_c (out, *p == '\t' || *p == '\n' || *p == '\r' ? ' ' : *p);
}

static void
append_column (GString *out, const gchar *name, const gchar *unit)
{
  append_cell (out, name);
  if (unit != NULL && *unit != '\0') {
    g_string_append_c (out, '[');
    append_cell (out, unit);
    g_string_append_c (out, ']');
  }
}

static gboolean
is_scalar (const gchar *type)
{
  return strlen (type) == 1 && strchr ("bynqiuxtds", type[0]) != NULL;
}

void
avm_text_tsv_events_header (GString *out, const gchar *kind, gboolean full)
{
  const GstAvmKind *entry = gst_avm_kind_lookup (kind);

  g_string_append_printf (
      out, "# %s kind=%s\n# ", AVM_TEXT_EVENTS_SCHEMA, kind);
  if (!full) {
    g_string_append (out,
        g_str_equal (kind, "note") ? "onset[s]\toffset[s]\tfrequency[Hz]\n"
                                   : "start[s]\tend[s]\tlabel\n");
    return;
  }
  g_string_append (out, "onset[s]\toffset[s]\tregion\tpart\tconfidence");
  for (guint i = 0; entry != NULL && i < entry->n_fields; i++) {
    const GstAvmField *field = gst_avm_kind_nth_field (entry, i);

    if (!is_scalar (field->type))
      continue;
    g_string_append_c (out, '\t');
    append_column (out, field->name, field->unit);
  }
  g_string_append_c (out, '\n');
}

static void
append_tsv_field (GString *out, const GstAvmEvent *event, const gchar *name)
{
  g_autoptr (GVariant) value = gst_avm_event_get_variant (event, name);

  g_string_append_c (out, '\t');
  if (value == NULL) {
    g_string_append (out, "nan");
  } else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)) {
    append_cell (out, g_variant_get_string (value, NULL));
  } else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN)) {
    g_string_append_c (out, g_variant_get_boolean (value) ? '1' : '0');
  } else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE)) {
    gdouble number = g_variant_get_double (value);

    if (isfinite (number))
      append_double (out, number);
    else
      g_string_append (out, "nan");
  } else {
    append_json_variant (out, value);
  }
}

void
avm_text_tsv_event (GString *out, const gchar *kind, gboolean full,
    const GstAvmEvent *event, const AvmTextTimes *times)
{
  const GstAvmKind *entry = gst_avm_kind_lookup (kind);
  gint64 onset = times->has_stream ? times->stream : (gint64)event->onset;
  gint64 duration =
      GST_CLOCK_TIME_IS_VALID (event->duration) ? event->duration : 0;
  gdouble midi;

  append_seconds (out, onset);
  g_string_append_c (out, '\t');
  append_seconds (out, onset + duration);
  if (full) {
    g_string_append_printf (out, "\t%d\t%d\t", event->region, event->part);
    append_double (out, event->confidence);
    for (guint i = 0; entry != NULL && i < entry->n_fields; i++) {
      const GstAvmField *field = gst_avm_kind_nth_field (entry, i);

      if (is_scalar (field->type))
        append_tsv_field (out, event, field->name);
    }
  } else if (g_str_equal (kind, "note")) {
    g_string_append_c (out, '\t');
    if (avm_text_event_pitch (event, &midi))
      append_float (out, HZ_A4 * exp2 ((midi - MIDI_A4) / 12.0));
    else
      g_string_append_c (out, '0');
  } else {
    g_autoptr (GString) label = g_string_new (NULL);

    avm_text_describe_event (label, kind, event);
    /* mir_eval splits at any white space, so a label is one word */
    g_strdelimit (label->str, " \t\r\n", '_');
    g_string_append_c (out, '\t');
    g_string_append (out, label->len > 0 ? label->str : "-");
  }
  g_string_append_c (out, '\n');
}

/* Of F0 the readers want the frequencies alone, not how sure we are. */
static gboolean
column_selected (
    const GstAvmSeriesInfo *info, guint channel, gboolean full, gint part)
{
  if (!channel_selected (info, channel, part))
    return FALSE;
  return full || !g_str_equal (gst_avm_series_info_get_kind (info), "f0")
      || g_strcmp0 (gst_avm_series_info_get_unit (info, channel), "Hz") == 0;
}

static guint
count_columns (const GstAvmSeriesInfo *info, gboolean full, gint part)
{
  guint count = 0;

  for (guint i = 0; i < gst_avm_series_info_get_n_channels (info); i++)
    count += column_selected (info, i, full, part);
  return count;
}

void
avm_text_tsv_series_header (
    GString *out, const GstAvmSeriesInfo *info, gboolean full, gint part)
{
  g_string_append_printf (out, "# %s kind=%s\n# time[s]",
      AVM_TEXT_SERIES_SCHEMA, gst_avm_series_info_get_kind (info));
  for (guint i = 0; i < gst_avm_series_info_get_n_channels (info); i++) {
    if (!column_selected (info, i, full, part))
      continue;
    g_string_append_c (out, '\t');
    append_column (out, gst_avm_series_info_get_name (info, i),
        gst_avm_series_info_get_unit (info, i));
  }
  g_string_append_c (out, '\n');
}

void
avm_text_tsv_row (GString *out, const GstAvmSeriesInfo *info, gboolean full,
    const gfloat *row, const AvmTextTimes *times, gint part)
{
  gboolean f0 =
      !full && g_str_equal (gst_avm_series_info_get_kind (info), "f0");
  gboolean ragged = f0 && count_columns (info, full, part) > 1;

  append_seconds (out,
      times->has_stream ? times->stream
                        : (times->has_running ? times->running : 0));
  for (guint i = 0; i < gst_avm_series_info_get_n_channels (info); i++) {
    if (!column_selected (info, i, full, part))
      continue;
    /* of several voices only the sounding ones stand in the line; a single
     * one that is silent is 0 Hz */
    if (ragged && !(row[i] > 0.0f))
      continue;
    g_string_append_c (out, '\t');
    if (isfinite (row[i]))
      append_float (out, row[i]);
    else
      g_string_append (out, f0 ? "0" : "nan");
  }
  g_string_append_c (out, '\n');
}

/* -- for people ----------------------------------------------------------- */

static void
append_word (GString *out, const gchar *text)
{
  if (out->len > 0)
    g_string_append_c (out, ' ');
  g_string_append (out, text);
}

static void
append_measure (GString *out, const GstAvmEvent *event, const gchar *name,
    const gchar *format, const gchar *unit)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble value;

  if (!get_number (event, name, &value))
    return;
  g_ascii_formatd (text, sizeof (text), format, value);
  append_word (out, text);
  append_word (out, unit);
}

static void
describe_vibrato (GString *out, const GstAvmEvent *event)
{
  gboolean vibrato = TRUE;

  if (gst_avm_event_get_boolean (event, "vibrato", &vibrato) && !vibrato) {
    append_word (out, "no vibrato");
    return;
  }
  append_measure (out, event, "rate", "%.1f", "Hz");
  append_measure (out, event, "extent", "%.0f", "cents");
}

/* "player 101 plays part 1 Violin 2 98 %" */
static void
describe_association (GString *out, const GstAvmEvent *event)
{
  const gchar *role = gst_avm_region_id_get_role (event->region);
  const gchar *name = gst_avm_event_get_string (event, "part-name");

  append_word (out, role != NULL ? role : "region");
  g_string_append_printf (out, " %d plays ", event->region);
  if (event->part == GST_AVM_NONE)
    g_string_append (out, "no part");
  else
    g_string_append_printf (out, "part %d", event->part);
  if (name != NULL && *name != '\0')
    append_word (out, name);
  g_string_append_printf (
      out, " %d %%", (gint)(100.0 * CLAMP (event->confidence, 0.0, 1.0) + 0.5));
}

static void
describe_fields (GString *out, const gchar *kind, const GstAvmEvent *event)
{
  const GstAvmKind *entry = gst_avm_kind_lookup (kind);
  g_autoptr (GPtrArray) names = list_fields (kind, event);

  for (guint i = 0; i < names->len; i++) {
    const gchar *name = g_ptr_array_index (names, i);
    const GstAvmField *field =
        entry != NULL ? gst_avm_kind_find_field (entry, name) : NULL;
    const gchar *text = gst_avm_event_get_string (event, name);
    gdouble value;

    if (text != NULL) {
      append_word (out, text);
    } else if (get_number (event, name, &value)) {
      gchar number[G_ASCII_DTOSTR_BUF_SIZE];

      append_word (out, name);
      g_ascii_formatd (number, sizeof (number), "%.3g", value);
      append_word (out, number);
      if (field != NULL && field->unit[0] != '\0')
        append_word (out, field->unit);
    }
  }
}

void
avm_text_describe_event (
    GString *out, const gchar *kind, const GstAvmEvent *event)
{
  gdouble midi;

  if (g_str_equal (kind, "note") || g_str_equal (kind, "vibrato")) {
    if (avm_text_event_pitch (event, &midi))
      append_note_name (out, midi);
    if (g_str_equal (kind, "vibrato"))
      describe_vibrato (out, event);
  } else if (g_str_equal (kind, "association")) {
    describe_association (out, event);
  } else {
    describe_fields (out, kind, event);
  }
  if (out->len == 0)
    g_string_append (out, kind);
}

void
avm_text_describe_row (
    GString *out, const GstAvmSeriesInfo *info, const gfloat *row, gint part)
{
  for (guint i = 0; i < gst_avm_series_info_get_n_channels (info); i++) {
    gchar number[G_ASCII_DTOSTR_BUF_SIZE];
    const gchar *unit = gst_avm_series_info_get_unit (info, i);

    if (!channel_selected (info, i, part) || !isfinite (row[i]))
      continue;
    append_word (out, gst_avm_series_info_get_name (info, i));
    g_ascii_formatd (number, sizeof (number), "%.4g", row[i]);
    append_word (out, number);
    if (unit != NULL && *unit != '\0')
      append_word (out, unit);
  }
}
