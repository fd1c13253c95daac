/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnpinput.h"

#include <math.h>
#include <string.h>

/* -- motion --------------------------------------------------------------- */

static void
clear_column (gpointer column)
{
  g_array_unref (((AvmPnpColumn *)column)->speeds);
}

/* By the name of the channel, "bow-301-vx", else by the id */
static AvmPlayingLimb
limb_of (const gchar *name, gint region)
{
  static const gchar *const roles[] = {"player", "bow", "hand", "face"};
  const gchar *made_of = gst_avm_region_id_get_role (region);

  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (roles); i++)
    if (g_str_has_prefix (name, roles[i]))
      return (AvmPlayingLimb)i;
  for (guint i = 0; made_of != NULL && i < G_N_ELEMENTS (roles); i++)
    if (g_str_equal (made_of, roles[i]))
      return (AvmPlayingLimb)i;
  return AVM_PLAYING_BODY;
}

static void
add_column (const GstAvmSeriesInfo *info, guint channel, GArray *columns)
{
  gint region = gst_avm_series_info_get_region (info, channel);
  gint vy = gst_avm_series_info_find_channel (info, "vy", region, GST_AVM_ANY);
  guint n = gst_avm_series_info_get_n_channels (info);
  AvmPnpColumn column;

  if (region < 0 || vy < 0)
    return;
  column.key = avm_pnp_key (region);
  column.limb = limb_of (gst_avm_series_info_get_name (info, channel), region);
  column.vx = channel;
  column.vy = (guint)vy;
  column.speeds = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < n; i++)
    if (gst_avm_series_info_get_region (info, i) == region
        && g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "speed") == 0)
      g_array_append_val (column.speeds, i);
  g_array_append_val (columns, column);
}

GArray *
avm_pnp_columns (const GstAvmSeriesInfo *info)
{
  GArray *columns = g_array_new (FALSE, FALSE, sizeof (AvmPnpColumn));
  guint n = gst_avm_series_info_get_n_channels (info);

  g_array_set_clear_func (columns, clear_column);
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "vx") == 0)
      add_column (info, i, columns);
  return columns;
}

void
avm_pnp_column_read (
    const AvmPnpColumn *column, const gfloat *values, AvmPnpRow *row)
{
  row->key = column->key;
  row->limb = column->limb;
  row->vx = values[column->vx];
  row->vy = values[column->vy];
  row->speed = NAN;
  for (guint i = 0; i < column->speeds->len; i++)
    row->speed =
        fmaxf (row->speed, values[g_array_index (column->speeds, guint, i)]);
}

/* -- notes and links ------------------------------------------------------ */

typedef struct {
  GstClockTime onset, duration; /* duration may be NONE */
  gint part;
} Note;

typedef struct {
  gint key, part;
  gdouble confidence;
} Link;

struct _AvmPnpScore {
  GArray *notes;     /* Note */
  GHashTable *names; /* folded name to number + 1 */
  GArray *links;     /* Link */
};

AvmPnpScore *
avm_pnp_score_new (void)
{
  AvmPnpScore *score = g_new0 (AvmPnpScore, 1);

  score->notes = g_array_new (FALSE, FALSE, sizeof (Note));
  score->links = g_array_new (FALSE, FALSE, sizeof (Link));
  score->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return score;
}

void
avm_pnp_score_free (AvmPnpScore *score)
{
  g_array_unref (score->notes);
  g_array_unref (score->links);
  g_hash_table_unref (score->names);
  g_free (score);
}

void
avm_pnp_score_forget_notes (AvmPnpScore *score)
{
  g_array_set_size (score->notes, 0);
  g_hash_table_remove_all (score->names);
}

void
avm_pnp_score_forget_links (AvmPnpScore *score)
{
  g_array_set_size (score->links, 0);
}

void
avm_pnp_score_add_note (
    AvmPnpScore *score, GstClockTime onset, const GstAvmEvent *event)
{
  const gchar *name = gst_avm_event_get_string (event, "part-name");
  Note note = {onset, event->duration, event->part};

  if (event->part < 0 || !GST_CLOCK_TIME_IS_VALID (onset))
    return;
  g_array_append_val (score->notes, note);
  if (name != NULL && *name != '\0')
    g_hash_table_replace (score->names, g_utf8_casefold (name, -1),
        GINT_TO_POINTER (event->part + 1));
}

void
avm_pnp_score_add_link (AvmPnpScore *score, const GstAvmEvent *event)
{
  Link link = {0, event->part, event->confidence};

  if (event->region < 0)
    return;
  link.key = avm_pnp_key (event->region);
  for (guint i = 0; i < score->links->len; i++)
    if (g_array_index (score->links, Link, i).key == link.key) {
      g_array_index (score->links, Link, i) = link;
      return;
    }
  g_array_append_val (score->links, link);
}

static gint
compare_notes (gconstpointer a, gconstpointer b)
{
  const Note *p = a, *q = b;

  if (p->part != q->part)
    return p->part < q->part ? -1 : 1;
  return p->onset < q->onset ? -1 : p->onset > q->onset;
}

/* A note without a length lasts until the next one of its part. */
static GstClockTime
note_duration (const AvmPnpScore *score, guint i)
{
  const Note *note = &g_array_index (score->notes, Note, i);
  const Note *next = i + 1 < score->notes->len
      ? &g_array_index (score->notes, Note, i + 1)
      : NULL;

  if (GST_CLOCK_TIME_IS_VALID (note->duration))
    return note->duration;
  return next != NULL && next->part == note->part ? next->onset - note->onset
                                                  : GST_SECOND;
}

GstClockTime
avm_pnp_score_end (const AvmPnpScore *score)
{
  GstClockTime end = 0;

  for (guint i = 0; i < score->notes->len; i++)
    end = MAX (end,
        g_array_index (score->notes, Note, i).onset + note_duration (score, i));
  return end;
}

GHashTable *
avm_pnp_score_names (AvmPnpScore *score)
{
  return score->notes->len > 0 ? score->names : NULL;
}

gboolean
avm_pnp_score_give_notes (AvmPnpScore *score, AvmPlaying *playing)
{
  g_array_sort (score->notes, compare_notes);
  for (guint i = 0; i < score->notes->len; i++) {
    const Note *note = &g_array_index (score->notes, Note, i);

    if (!avm_playing_add_note (playing, note->part,
            (gdouble)note->onset / GST_SECOND,
            (gdouble)note_duration (score, i) / GST_SECOND))
      return FALSE;
  }
  return TRUE;
}

gboolean
avm_pnp_score_has_links (const AvmPnpScore *score)
{
  return score->links->len > 0;
}

static const Link *
find_link (const AvmPnpScore *score, gint key)
{
  for (guint i = 0; i < score->links->len; i++)
    if (g_array_index (score->links, Link, i).key == key)
      return &g_array_index (score->links, Link, i);
  return NULL;
}

/* Adds what the links say of the sightings of a person. FALSE: nothing */
static gboolean
vote (const AvmPnpScore *score, const AvmPnpPeople *people,
    AvmPnpCamera *const *cameras, gint person, gboolean only_first,
    GHashTable *votes)
{
  gboolean any = FALSE;

  for (guint i = 0; i < people->n_seen; i++) {
    const AvmSighting *s = avm_diarise_get_sighting (people->diarise, i);
    const Link *link;
    gdouble *sum;

    if (people->seen[i].length == 0
        || avm_pnp_people_person (people, i) != person
        || (only_first && s->camera != 0))
      continue;
    link =
        find_link (score, avm_pnp_camera_key_of (cameras[s->camera], s->track));
    if (link == NULL)
      continue;
    sum = g_hash_table_lookup (votes, GINT_TO_POINTER (link->part));
    if (sum == NULL) {
      sum = g_new0 (gdouble, 1);
      g_hash_table_insert (votes, GINT_TO_POINTER (link->part), sum);
    }
    *sum += link->confidence * (gdouble)people->seen[i].length;
    any = TRUE;
  }
  return any;
}

gint
avm_pnp_score_part (const AvmPnpScore *score, const AvmPnpPeople *people,
    AvmPnpCamera *const *cameras, gint person)
{
  GHashTable *votes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  gint part = AVM_PNP_PART_UNKNOWN;
  gpointer key, value;
  GHashTableIter iter;
  gdouble most = -1.0;

  if (!vote (score, people, cameras, person, TRUE, votes))
    vote (score, people, cameras, person, FALSE, votes);
  g_hash_table_iter_init (&iter, votes);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    gdouble sum = *(gdouble *)value;
    gint candidate = GPOINTER_TO_INT (key);

    if (sum > most || (sum == most && candidate < part)) {
      most = sum;
      part = candidate;
    }
  }
  g_hash_table_unref (votes);
  return part;
}
