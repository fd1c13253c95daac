/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnppeople.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static void
musicians_init (AvmPnpPeople *people)
{
  for (guint m = 0; m < people->n_musicians; m++) {
    AvmPnpMusician *musician = &people->musicians[m];

    musician->person = musician->current = (gint)m;
    musician->n_poses = avm_diarise_n_poses (people->diarise, (gint)m);
    musician->pose_lengths = g_new0 (GstClockTime, MAX (musician->n_poses, 1));
    musician->part = AVM_PNP_PART_UNKNOWN;
  }
}

AvmPnpPeople *
avm_pnp_people_new (AvmDiarise *diarise, const GstClockTime *lengths)
{
  AvmPnpPeople *people = g_new0 (AvmPnpPeople, 1);

  people->diarise = diarise;
  people->n_musicians = (guint)avm_diarise_n_musicians (diarise);
  people->n_seen = (guint)avm_diarise_n_sightings (diarise);
  people->musicians = g_new0 (AvmPnpMusician, people->n_musicians);
  people->seen = g_new0 (AvmPnpSeen, people->n_seen);
  musicians_init (people);
  for (guint i = 0; i < people->n_seen; i++) {
    const AvmDiarised *found = avm_diarise_get (diarise, i);
    AvmPnpSeen *seen = &people->seen[i];

    *seen = (AvmPnpSeen){found->musician, found->pose, found->view,
        (gfloat)found->confidence, lengths[i]};
    people->musicians[seen->musician].length += lengths[i];
    people->musicians[seen->musician].pose_lengths[seen->pose] += lengths[i];
  }
  return people;
}

void
avm_pnp_people_free (AvmPnpPeople *people)
{
  for (guint m = 0; m < people->n_musicians; m++) {
    g_free (people->musicians[m].pose_lengths);
    g_free (people->musicians[m].name);
  }
  g_free (people->musicians);
  g_free (people->seen);
  g_free (people);
}

gint
avm_pnp_people_person (const AvmPnpPeople *people, guint sighting)
{
  return people->musicians[people->seen[sighting].musician].person;
}

gint
avm_pnp_people_pose (const AvmPnpPeople *people, guint sighting)
{
  const AvmPnpSeen *seen = &people->seen[sighting];

  return people->musicians[seen->musician].first_pose + seen->pose;
}

const gchar *
avm_pnp_people_name (const AvmPnpPeople *people, gint person)
{
  return people->musicians[person].name;
}

guint
avm_pnp_people_count (const AvmPnpPeople *people)
{
  guint n = 0;

  for (guint m = 0; m < people->n_musicians; m++)
    n += people->musicians[m].person == (gint)m;
  return n;
}

/* -- labels --------------------------------------------------------------- */

/* What is being applied; the first error counts */
typedef struct {
  AvmPnpPeople *people;
  const gchar *path;
  GHashTable *names;
  GError **error;
  gboolean ok;
} Apply;

static void refuse (Apply *apply, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
refuse (Apply *apply, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (apply->ok && apply->error != NULL)
    *apply->error = g_error_new_valist (
        GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, format, arguments);
  apply->ok = FALSE;
  va_end (arguments);
}

static gboolean
is_known (Apply *apply, const AvmPnpLabel *label)
{
  gint n = (gint)apply->people->n_musicians;

  if (label->musician >= n) {
    refuse (apply,
        _ ("The labels in \"%s\", line %d, name musician %d, but %d were "
           "found, 0 to %d. Was the file written with other settings or for "
           "another film? Write it again with write-labels."),
        apply->path, label->line, label->musician, n, n - 1);
    return FALSE;
  }
  n = apply->people->musicians[label->musician].n_poses;
  if (label->pose >= n) {
    refuse (apply,
        _ ("The labels in \"%s\", line %d, name pose %d of musician %d, who "
           "has %d. Was the file written with other settings or for another "
           "film? Write it again with write-labels."),
        apply->path, label->line, label->pose, label->musician, n);
    return FALSE;
  }
  return TRUE;
}

/* Musician b is the person that a is. */
static void
unite (AvmPnpPeople *people, gint a, gint b)
{
  gint gone = people->musicians[b].current;
  gint person = people->musicians[a].person;
  gint first = 0;

  for (guint m = 0; m < people->n_musicians; m++) {
    AvmPnpMusician *musician = &people->musicians[m];

    if (musician->person == person)
      first = MAX (first, musician->first_pose + musician->n_poses);
  }
  for (guint m = 0; m < people->n_musicians; m++) {
    AvmPnpMusician *musician = &people->musicians[m];

    if (musician->current == gone)
      musician->current = people->musicians[a].current;
    else if (musician->current > gone)
      musician->current--;
  }
  people->musicians[b].person = person;
  people->musicians[b].first_pose = first;
}

/* The row of the first musician with that name; NULL: there is none */
static const AvmPnpLabel *
find_name (
    const GPtrArray *labels, const gchar *name, const AvmPnpPeople *people)
{
  const AvmPnpLabel *first = NULL;

  for (guint i = 0; i < labels->len; i++) {
    const AvmPnpLabel *label = g_ptr_array_index (labels, i);

    if (label->pose < 0 && label->musician < (gint)people->n_musicians
        && g_strcmp0 (label->player, name) == 0
        && (first == NULL || label->musician < first->musician))
      first = label;
  }
  return first;
}

static void
apply_name (Apply *apply, const GPtrArray *labels, const AvmPnpLabel *label)
{
  AvmPnpPeople *people = apply->people;
  const AvmPnpLabel *first = find_name (labels, label->player, people);
  AvmError error = {AVM_OK, -1, ""};
  gint a = first->musician, b = label->musician;

  if (a == b) {
    g_free (people->musicians[a].name);
    people->musicians[a].name = g_strdup (label->player);
    return;
  }
  if (avm_diarise_join (people->diarise, people->musicians[a].current,
          people->musicians[b].current, &error)) {
    unite (people, a, b);
    return;
  }
  refuse (apply,
      _ ("The labels in \"%s\", lines %d and %d, call musicians %d and %d both "
         "\"%s\", but they are seen in one picture. Give one of them another "
         "name."),
      apply->path, first->line, label->line, a, b, label->player);
}

static gboolean
find_part (Apply *apply, const AvmPnpLabel *label, gint *part)
{
  gchar *folded = g_utf8_casefold (label->part, -1);
  gpointer found =
      apply->names != NULL ? g_hash_table_lookup (apply->names, folded) : NULL;
  guint64 number;

  g_free (folded);
  if (found != NULL) {
    *part = GPOINTER_TO_INT (found) - 1;
    return TRUE;
  }
  if (g_ascii_string_to_unsigned (
          label->part, 10, 0, AVM_PLAYING_MAX - 1, &number, NULL)) {
    *part = (gint)number;
    return TRUE;
  }
  refuse (apply,
      _ ("The labels in \"%s\", line %d, name a part \"%s\" that no note is "
         "of. Write the number of the part in the score, from 0, or its name "
         "as the notes carry it."),
      apply->path, label->line, label->part);
  return FALSE;
}

static void
apply_part (Apply *apply, const AvmPnpLabel *label)
{
  AvmPnpPeople *people = apply->people;
  AvmPnpMusician *person =
      &people->musicians[people->musicians[label->musician].person];
  gint part;

  if (!find_part (apply, label, &part))
    return;
  if (person->said_part && person->part != part) {
    refuse (apply,
        _ ("The labels in \"%s\", line %d, give \"%s\" another part than a "
           "line before. Give a person one part."),
        apply->path, label->line, person->name != NULL ? person->name : "");
    return;
  }
  person->part = part;
  person->said_part = TRUE;
}

gboolean
avm_pnp_people_apply (AvmPnpPeople *people, const gchar *path,
    const GPtrArray *labels, GHashTable *names, GError **error)
{
  Apply apply = {people, path, names, error, TRUE};

  for (guint i = 0; i < labels->len; i++) {
    const AvmPnpLabel *label = g_ptr_array_index (labels, i);

    if (is_known (&apply, label) && label->player != NULL)
      apply_name (&apply, labels, label);
  }
  for (guint i = 0; i < labels->len; i++) {
    const AvmPnpLabel *label = g_ptr_array_index (labels, i);

    if (label->part != NULL && label->musician < (gint)people->n_musicians)
      apply_part (&apply, label);
  }
  return apply.ok;
}

/* -- the table to be filled in -------------------------------------------- */

gchar *
avm_pnp_sheet_name (gint musician, gint pose)
{
  return g_strdup_printf ("m%02d-p%d.png", musician, pose);
}

static gboolean
is_answered (const AvmPnpPeople *people, const GPtrArray *labels, gint m)
{
  const AvmPnpLabel *label = avm_pnp_labels_find (labels, m, -1);
  gboolean poses = FALSE;

  for (gint p = 0; labels != NULL && p < people->musicians[m].n_poses; p++) {
    const AvmPnpLabel *pose = avm_pnp_labels_find (labels, m, p);

    poses |= pose != NULL && pose->playing != AVM_POSE_UNKNOWN;
  }
  return poses || (label != NULL && (label->player || label->part));
}

static void
append_said (GPtrArray *table, const GPtrArray *labels, AvmPnpLabel *row)
{
  const AvmPnpLabel *said =
      avm_pnp_labels_find (labels, row->musician, row->pose);

  if (said != NULL) {
    row->player = g_strdup (said->player);
    row->part = g_strdup (said->part);
    row->playing = said->playing;
  }
  g_ptr_array_add (table, row);
}

/* All musicians, those that a person should name first before the others */
static gint *
order_of (const AvmPnpPeople *people)
{
  gint n = avm_diarise_n_musicians (people->diarise), asked, at = 0;
  gint *currents = g_new (gint, MAX (n, 1));
  gint *order = g_new (gint, MAX (people->n_musicians, 1));
  gboolean *done = g_new0 (gboolean, MAX (people->n_musicians, 1));

  asked = avm_diarise_questions (people->diarise, currents, n);
  for (gint i = 0; i < asked; i++)
    for (guint m = 0; m < people->n_musicians; m++)
      if (!done[m] && people->musicians[m].current == currents[i]) {
        done[m] = TRUE;
        order[at++] = (gint)m;
      }
  for (guint m = 0; m < people->n_musicians; m++)
    if (!done[m])
      order[at++] = (gint)m;
  g_free (currents);
  g_free (done);
  return order;
}

GPtrArray *
avm_pnp_people_table (const AvmPnpPeople *people, const GPtrArray *labels,
    guint questions,
    gboolean (*has_sheet) (gpointer user, gint musician, gint pose),
    gpointer user)
{
  GPtrArray *table =
      g_ptr_array_new_with_free_func ((GDestroyNotify)avm_pnp_label_free);
  gint *order = order_of (people);
  guint asked = 0;

  for (guint i = 0; i < people->n_musicians; i++) {
    const AvmPnpMusician *musician = &people->musicians[order[i]];
    AvmPnpLabel *row;

    if (!is_answered (people, labels, order[i])) {
      if (questions > 0 && asked == questions)
        continue;
      asked++;
    }
    row = avm_pnp_label_new (order[i], -1);
    row->seconds = (gdouble)musician->length / GST_SECOND;
    append_said (table, labels, row);
    for (gint p = 0; p < musician->n_poses; p++) {
      row = avm_pnp_label_new (order[i], p);
      row->seconds = (gdouble)musician->pose_lengths[p] / GST_SECOND;
      if (has_sheet != NULL && has_sheet (user, order[i], p))
        row->sheet = avm_pnp_sheet_name (order[i], p);
      append_said (table, labels, row);
    }
  }
  g_free (order);
  return table;
}
