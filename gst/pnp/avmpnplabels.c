/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnplabels.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

/* More is no table of labels. */
#define MAX_SIZE (64 * 1024 * 1024)
#define MAX_NUMBER 99999999

enum {
  MUSICIAN,
  POSE,
  SECONDS,
  PLAYER,
  PART,
  PLAYING,
  SHEET,
  N_COLUMNS
};

static const gchar *const columns[N_COLUMNS] = {
    "musician", "pose", "seconds", "player", "part", "playing", "sheet"};

/* By AvmPoseLabel */
static const gchar *const words[] = {"", "yes", "no", "reject"};

/* What is being read */
typedef struct {
  const gchar *path;
  const gchar *at; /* next line */
  gint line;
  gchar separator;
  gint place[N_COLUMNS]; /* of each column; -1: there is none */
  GHashTable *seen;      /* (musician, pose) to line */
} Reader;

AvmPnpLabel *
avm_pnp_label_new (gint musician, gint pose)
{
  AvmPnpLabel *label = g_new0 (AvmPnpLabel, 1);

  label->musician = musician;
  label->pose = pose;
  return label;
}

void
avm_pnp_label_free (AvmPnpLabel *label)
{
  if (label == NULL)
    return;
  g_free (label->player);
  g_free (label->part);
  g_free (label->sheet);
  g_free (label);
}

static gboolean refuse (GError **error, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (
        GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, format, arguments);
  va_end (arguments);
  return FALSE;
}

/* -- cells ---------------------------------------------------------------- */

static const gchar *
take_quoted (const gchar *at, const gchar *end, GString *cell)
{
  for (at++; at < end; at++) {
    if (*at == '"' && (at + 1 == end || at[1] != '"'))
      return at + 1;
    at += *at == '"';
    g_string_append_c (cell, *at);
  }
  return NULL;
}

/* The cells of a line without blanks around; NULL: a quote does not end. */
static GPtrArray *
split_line (const gchar *at, const gchar *end, gchar separator)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func (g_free);
  gboolean more = TRUE;

  while (more) {
    GString *cell = g_string_new (NULL);

    while (at < end && *at == ' ')
      at++;
    if (at < end && *at == '"')
      at = take_quoted (at, end, cell);
    while (at != NULL && at < end && *at != separator)
      g_string_append_c (cell, *at++);
    g_ptr_array_add (cells, g_strstrip (g_string_free (cell, FALSE)));
    if (at == NULL) {
      g_ptr_array_unref (cells);
      return NULL;
    }
    more = at < end;
    at += more;
  }
  return cells;
}

/* The next line with something on it; NULL: the end or an error */
static GPtrArray *
next_line (Reader *reader, GError **error)
{
  while (*reader->at != '\0') {
    const gchar *start = reader->at;
    gsize length = strcspn (start, "\r\n");
    const gchar *end = start + length;
    GPtrArray *cells;

    reader->at = end + (end[0] == '\r' && end[1] == '\n') + (*end != '\0');
    reader->line++;
    if (*start == '#' || strspn (start, " \t,;") >= length)
      continue;
    cells = split_line (start, end, reader->separator);
    if (cells == NULL)
      refuse (error,
          _ ("The labels in \"%s\", line %d, have a \" that does not end. Add "
             "the one that is missing."),
          reader->path, reader->line);
    return cells;
  }
  return NULL;
}

static const gchar *
cell_of (const Reader *reader, const GPtrArray *cells, gint column)
{
  gint place = reader->place[column];

  return place >= 0 && place < (gint)cells->len
      ? g_ptr_array_index (cells, place)
      : "";
}

static gint
column_of (const gchar *name)
{
  for (gint i = 0; i < N_COLUMNS; i++)
    if (g_ascii_strcasecmp (name, columns[i]) == 0)
      return i;
  return -1;
}

/* What stands between the columns: that which there is most of in the header */
static gchar
guess_separator (const gchar *text)
{
  const gchar *candidates = ",;\t";
  gsize length = strcspn (text, "\r\n");
  guint best = 0;
  gchar separator = ',';

  for (const gchar *c = candidates; *c != '\0'; c++) {
    guint n = 0;

    for (gsize i = 0; i < length; i++)
      n += text[i] == *c;
    if (n > best)
      separator = *c;
    best = MAX (best, n);
  }
  return separator;
}

static gboolean
read_header (Reader *reader, GError **error)
{
  GPtrArray *cells;
  gboolean ok = TRUE;

  while (*reader->at == '#') {
    reader->at += strcspn (reader->at, "\n");
    reader->at += *reader->at == '\n';
    reader->line++;
  }
  reader->separator = guess_separator (reader->at);
  for (gint i = 0; i < N_COLUMNS; i++)
    reader->place[i] = -1;
  cells = next_line (reader, error);
  for (guint i = 0; cells != NULL && ok && i < cells->len; i++) {
    const gchar *name = g_ptr_array_index (cells, i);
    gint column = column_of (name);

    if (column >= 0 && reader->place[column] < 0)
      reader->place[column] = (gint)i;
    else if (*name != '\0')
      ok = refuse (error,
          _ ("The labels in \"%s\", line %d, have a column \"%s\" that is not "
             "known or there twice. Columns are musician, pose, seconds, "
             "player, part, playing and sheet."),
          reader->path, reader->line, name);
  }
  if (cells == NULL && error != NULL && *error != NULL)
    return FALSE;
  if (ok && reader->place[MUSICIAN] < 0)
    ok = refuse (error,
        _ ("\"%s\" is no file of labels: its first line does not name the "
           "column musician. Begin with the file that write-labels writes."),
        reader->path);
  g_clear_pointer (&cells, g_ptr_array_unref);
  return ok;
}

/* -- rows ----------------------------------------------------------------- */

static gboolean
read_number (const Reader *reader, const gchar *text, const gchar *column,
    gint *number, GError **error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, MAX_NUMBER, &value, NULL))
    return refuse (error,
        _ ("The labels in \"%s\", line %d, have \"%s\" in the column %s, which "
           "is no number. Give one that write-labels wrote."),
        reader->path, reader->line, text, column);
  *number = (gint)value;
  return TRUE;
}

static gboolean
read_playing (const Reader *reader, const gchar *text, AvmPoseLabel *playing,
    GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (text, words[i]) == 0) {
      *playing = (AvmPoseLabel)i;
      return TRUE;
    }
  return refuse (error,
      _ ("The labels in \"%s\", line %d, say \"%s\" of playing. Write yes, no "
         "or reject, or nothing where it is not known."),
      reader->path, reader->line, text);
}

/* A name and a part are a musician's, whether they play is a pose's. */
static gboolean
is_placed (const Reader *reader, const AvmPnpLabel *label, GError **error)
{
  if (label->pose < 0 && label->playing != AVM_POSE_UNKNOWN)
    return refuse (error,
        _ ("The labels in \"%s\", line %d, say of musician %d whether they "
           "play. Say it of a pose: give its number in the column pose."),
        reader->path, reader->line, label->musician);
  if (label->pose >= 0 && (label->player != NULL || label->part != NULL))
    return refuse (error,
        _ ("The labels in \"%s\", line %d, give a pose of musician %d a player "
           "or a part. Put it on the line of the musician, whose column pose "
           "is empty."),
        reader->path, reader->line, label->musician);
  return TRUE;
}

static gboolean
is_new (Reader *reader, const AvmPnpLabel *label, GError **error)
{
  gint64 *key = g_new (gint64, 1);
  gpointer line;

  *key = (gint64)label->musician * (MAX_NUMBER + 2) + label->pose + 1;
  line = g_hash_table_lookup (reader->seen, key);
  if (line == NULL) {
    g_hash_table_insert (reader->seen, key, GINT_TO_POINTER (label->line));
    return TRUE;
  }
  g_free (key);
  return refuse (error,
      _ ("The labels in \"%s\", lines %d and %d, are about the same thing. "
         "Delete one of them."),
      reader->path, GPOINTER_TO_INT (line), label->line);
}

static gchar *
text_or_null (const gchar *text)
{
  return *text != '\0' ? g_strdup (text) : NULL;
}

static AvmPnpLabel *
read_row (Reader *reader, const GPtrArray *cells, GError **error)
{
  AvmPnpLabel *label = avm_pnp_label_new (-1, -1);
  const gchar *pose = cell_of (reader, cells, POSE);

  label->line = reader->line;
  label->player = text_or_null (cell_of (reader, cells, PLAYER));
  label->part = text_or_null (cell_of (reader, cells, PART));
  label->sheet = text_or_null (cell_of (reader, cells, SHEET));
  if (!read_number (reader, cell_of (reader, cells, MUSICIAN),
          columns[MUSICIAN], &label->musician, error)
      || (*pose != '\0'
          && !read_number (reader, pose, columns[POSE], &label->pose, error))
      || !read_playing (
          reader, cell_of (reader, cells, PLAYING), &label->playing, error)
      || !is_placed (reader, label, error) || !is_new (reader, label, error))
    g_clear_pointer (&label, avm_pnp_label_free);
  return label;
}

static GPtrArray *
read_text (const gchar *path, const gchar *text, GError **error)
{
  Reader reader = {.path = path, .at = text};
  GPtrArray *labels =
      g_ptr_array_new_with_free_func ((GDestroyNotify)avm_pnp_label_free);
  GPtrArray *cells = NULL;
  GError *problem = NULL;

  reader.seen =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  if (g_str_has_prefix (text, "\xef\xbb\xbf"))
    reader.at += 3;
  if (read_header (&reader, &problem))
    while ((cells = next_line (&reader, &problem)) != NULL) {
      AvmPnpLabel *label = read_row (&reader, cells, &problem);

      g_ptr_array_unref (cells);
      if (label == NULL)
        break;
      g_ptr_array_add (labels, label);
    }
  g_hash_table_unref (reader.seen);
  if (problem != NULL) {
    g_propagate_error (error, problem);
    g_clear_pointer (&labels, g_ptr_array_unref);
  }
  return labels;
}

static gboolean
is_text (const gchar *path, const gchar *text, gsize length, GError **error)
{
  if (length <= MAX_SIZE && g_utf8_validate (text, (gssize)length, NULL))
    return TRUE;
  return refuse (error,
      _ ("\"%s\" is no file of labels: it is not text in UTF-8. Save it as CSV "
         "in UTF-8."),
      path);
}

GPtrArray *
avm_pnp_labels_read (const gchar *path, GError **error)
{
  GPtrArray *labels = NULL;
  GError *reason = NULL;
  gchar *text = NULL;
  gsize length = 0;

  if (!g_file_get_contents (path, &text, &length, &reason)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        _ ("The labels in \"%s\" cannot be read: %s. Check labels."), path,
        reason->message);
    g_error_free (reason);
    return NULL;
  }
  if (is_text (path, text, length, error))
    labels = read_text (path, text, error);
  g_free (text);
  return labels;
}

const AvmPnpLabel *
avm_pnp_labels_find (const GPtrArray *labels, gint musician, gint pose)
{
  for (guint i = 0; labels != NULL && i < labels->len; i++) {
    const AvmPnpLabel *label = g_ptr_array_index (labels, i);

    if (label->musician == musician && label->pose == pose)
      return label;
  }
  return NULL;
}

/* -- writing -------------------------------------------------------------- */

static void
append_text (GString *out, const gchar *text)
{
  if (text == NULL)
    return;
  if (strpbrk (text, ",;\t\"\r\n#") == NULL) {
    g_string_append (out, text);
    return;
  }
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++) {
    /* a line is a row */
    g_string_append_c (out, *text == '\n' || *text == '\r' ? ' ' : *text);
    if (*text == '"')
      g_string_append_c (out, '"');
  }
  g_string_append_c (out, '"');
}

static void
append_row (GString *out, const AvmPnpLabel *label)
{
  g_string_append_printf (out, "%d,", label->musician);
  if (label->pose >= 0)
    g_string_append_printf (out, "%d", label->pose);
  g_string_append_printf (out, ",%.0f,", label->seconds);
  append_text (out, label->player);
  g_string_append_c (out, ',');
  append_text (out, label->part);
  g_string_append_printf (out, ",%s,", words[label->playing]);
  append_text (out, label->sheet);
  g_string_append_c (out, '\n');
}

gboolean
avm_pnp_labels_write (
    const gchar *path, const GPtrArray *labels, GError **error)
{
  GString *out = g_string_new ("musician,pose,seconds,player,part,playing,"
                               "sheet\n");
  GError *reason = NULL;
  gboolean ok;

  for (guint i = 0; i < labels->len; i++)
    append_row (out, g_ptr_array_index (labels, i));
  ok = g_file_set_contents (path, out->str, (gssize)out->len, &reason);
  g_string_free (out, TRUE);
  if (!ok)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE,
        _ ("The labels cannot be written to \"%s\": %s. Set write-labels to a "
           "file that can be written."),
        path, reason->message);
  g_clear_error (&reason);
  return ok;
}
