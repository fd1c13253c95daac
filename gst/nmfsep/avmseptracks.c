/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmseptracks.h"

#include <math.h>
#include <string.h>

/* Where in a row a track stands */
typedef struct {
  guint track;
  gint region;
  gint first_speed; /* -1: it has none, and vx and vy count */
  gint vx, vy;
  gint anchor_vx, anchor_vy; /* taken away from these */
  gfloat anchor_weight;      /* so many times */
  gint confidence;           /* -1: the series has none */
} Column;

typedef struct {
  gint region, part;
  gdouble confidence;
} Link;

struct _AvmSepTracks {
  GArray *tracks;  /* AvmSepTrack, in order of arrival */
  GArray *columns; /* Column */
  GArray *speeds;  /* AvmSepSpeed */
  GArray *links;   /* Link, one for a region */
  GArray *owners;  /* gint per channel: region of a speed, else unused */
};

AvmSepTracks *
avm_sep_tracks_new (void)
{
  AvmSepTracks *self = g_new0 (AvmSepTracks, 1);

  self->tracks = g_array_new (FALSE, FALSE, sizeof (AvmSepTrack));
  self->columns = g_array_new (FALSE, FALSE, sizeof (Column));
  self->speeds = g_array_new (FALSE, FALSE, sizeof (AvmSepSpeed));
  self->links = g_array_new (FALSE, FALSE, sizeof (Link));
  self->owners = g_array_new (FALSE, FALSE, sizeof (gint));
  return self;
}

void
avm_sep_tracks_free (AvmSepTracks *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->tracks);
  g_array_unref (self->columns);
  g_array_unref (self->speeds);
  g_array_unref (self->links);
  g_array_unref (self->owners);
  g_free (self);
}

void
avm_sep_tracks_reset (AvmSepTracks *self)
{
  g_array_set_size (self->tracks, 0);
  g_array_set_size (self->columns, 0);
  g_array_set_size (self->speeds, 0);
  g_array_set_size (self->links, 0);
}

/* The series itself stays as it was announced. */
void
avm_sep_tracks_forget_motion (AvmSepTracks *self)
{
  g_array_set_size (self->speeds, 0);
}

void
avm_sep_tracks_forget_links (AvmSepTracks *self)
{
  g_array_set_size (self->links, 0);
}

GArray *
avm_sep_tracks_list (AvmSepTracks *self)
{
  return self->tracks;
}

GArray *
avm_sep_tracks_speeds (AvmSepTracks *self)
{
  return self->speeds;
}

/* -- the series ----------------------------------------------------------- */

/* "bow-301-vx" and "bow" are named after the bow. */
static const gchar *
role_of (const gchar *name, gint region)
{
  const gchar *role = gst_avm_region_id_get_role (region);
  gchar *copy;

  if (role != NULL)
    return role;
  copy = g_strndup (name, strcspn (name, "-"));
  role = g_intern_string (copy);
  g_free (copy);
  return role;
}

static guint
find_track (AvmSepTracks *self, const GstAvmSeriesInfo *info, guint channel)
{
  AvmSepTrack track = {gst_avm_series_info_get_region (info, channel),
      gst_avm_series_info_get_part (info, channel), NULL, AVM_SEP_UNUSED, -1};

  for (guint i = 0; i < self->tracks->len; i++) {
    AvmSepTrack *old = &g_array_index (self->tracks, AvmSepTrack, i);

    if (old->region == track.region) {
      old->part = track.part;
      return i;
    }
  }
  track.role =
      role_of (gst_avm_series_info_get_name (info, channel), track.region);
  g_array_append_val (self->tracks, track);
  return self->tracks->len - 1;
}

/* Which channel has a quantity of a region, -1 none */
static gint
channel_of (const GstAvmSeriesInfo *info, const gchar *quantity, gint region)
{
  return gst_avm_series_info_find_channel (info, quantity, region, GST_AVM_ANY);
}

/* The region that says how the player of a bow sways, or the bow itself. The
 * fingering hand comes last: it moves on its own when it shifts and vibrates.
 */
static gint
find_anchor (const GstAvmSeriesInfo *info, gint region)
{
  static const gchar *const roles[] = {"face", "player", "hand"};
  gint player = gst_avm_region_id_get_player (region);

  if (player == GST_AVM_NONE
      || g_strcmp0 (gst_avm_region_id_get_role (region), "bow") != 0)
    return region;
  for (guint i = 0; i < G_N_ELEMENTS (roles); i++) {
    gint id = gst_avm_region_id (roles[i], (guint)player);

    if (channel_of (info, "vx", id) >= 0 && channel_of (info, "vy", id) >= 0)
      return id;
  }
  return region;
}

/* About half of the box of a player is background that stands still. */
static gfloat
anchor_weight (gint anchor)
{
  return g_strcmp0 (gst_avm_region_id_get_role (anchor), "player") == 0 ? 2.0f
                                                                        : 1.0f;
}

void
avm_sep_tracks_set_series (AvmSepTracks *self, const GstAvmSeriesInfo *info)
{
  guint n = gst_avm_series_info_get_n_channels (info);

  g_array_set_size (self->columns, 0);
  g_array_set_size (self->owners, 0);
  for (guint i = 0; i < n; i++) {
    gint region = gst_avm_series_info_get_region (info, i);
    gint anchor = find_anchor (info, region);
    gboolean is_speed =
        g_str_equal (gst_avm_series_info_get_quantity (info, i), "speed");
    gint owner = is_speed ? region : AVM_SEP_UNUSED;
    Column column = {.region = region,
        .first_speed = channel_of (info, "speed", region),
        .vx = channel_of (info, "vx", region),
        .vy = channel_of (info, "vy", region),
        .anchor_vx = channel_of (info, "vx", anchor),
        .anchor_vy = channel_of (info, "vy", anchor),
        .anchor_weight = anchor_weight (anchor),
        .confidence = channel_of (info, "confidence", region)};

    g_array_append_val (self->owners, owner);
    /* one column per region, where its first speed, or else its vx, stands */
    if (column.first_speed >= 0 ? column.first_speed != (gint)i
                                : column.vx != (gint)i || column.vy < 0)
      continue;
    column.track = find_track (self, info, i);
    g_array_append_val (self->columns, column);
  }
}

/* The fastest group of points: in the reach of a bow it is the bowing hand. */
static gfloat
fastest_group (
    const AvmSepTracks *self, const Column *column, const gfloat *row)
{
  gfloat top = NAN;

  for (guint i = (guint)column->first_speed; i < self->owners->len; i++) {
    if (g_array_index (self->owners, gint, i) == column->region
        && isfinite (row[i]) && !(row[i] <= top))
      top = row[i];
  }
  return top;
}

/* Speed of the region, less what it shares with the rest of the player */
static gfloat
relative_speed (const Column *column, const gfloat *row)
{
  gfloat vx = row[column->vx], vy = row[column->vy];
  gfloat ax = row[column->anchor_vx], ay = row[column->anchor_vy];

  if (column->anchor_vx == column->vx || !isfinite (ax) || !isfinite (ay))
    ax = ay = 0.0f;
  return hypotf (
      vx - column->anchor_weight * ax, vy - column->anchor_weight * ay);
}

void
avm_sep_tracks_add_row (
    AvmSepTracks *self, const gfloat *row, GstClockTime time)
{
  for (guint i = 0; i < self->columns->len; i++) {
    const Column *column = &g_array_index (self->columns, Column, i);
    AvmSepSpeed speed = {time, column->track,
        column->first_speed >= 0 ? fastest_group (self, column, row)
                                 : relative_speed (column, row)};

    /* !>: NaN is no confidence either */
    if (!isfinite (speed.speed)
        || (column->confidence >= 0 && !(row[column->confidence] > 0.0f)))
      speed.speed = NAN;
    g_array_append_val (self->speeds, speed);
  }
}

void
avm_sep_tracks_add_link (
    AvmSepTracks *self, gint region, gint part, gdouble confidence)
{
  Link link = {region, MAX (part, GST_AVM_NONE), confidence};

  for (guint i = 0; i < self->links->len; i++) {
    Link *old = &g_array_index (self->links, Link, i);

    if (old->region == region) {
      *old = link;
      return;
    }
  }
  g_array_append_val (self->links, link);
}

/* -- players and sources -------------------------------------------------- */

/* Regions of one player have the same key; in order of player, or of id. */
static gint
player_key (gint region)
{
  gint player = gst_avm_region_id_get_player (region);

  if (player != GST_AVM_NONE)
    return player;
  return GST_AVM_MAX_PLAYERS + 1 + CLAMP (region, -1, G_MAXINT / 2);
}

static guint
role_rank (const gchar *role, const gchar *wanted)
{
  static const gchar *const order[] = {"bow", "player", "hand"};

  if (wanted != NULL && wanted[0] != '\0' && g_str_has_prefix (role, wanted))
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (g_str_has_prefix (role, order[i]))
      return 1 + i;
  return 1 + G_N_ELEMENTS (order);
}

static guint
best_rank (AvmSepTracks *self, gint key, const gchar *wanted)
{
  guint best = G_MAXUINT;

  for (guint i = 0; i < self->tracks->len; i++) {
    const AvmSepTrack *track = &g_array_index (self->tracks, AvmSepTrack, i);

    if (player_key (track->region) == key)
      best = MIN (best, role_rank (track->role, wanted));
  }
  return best;
}

static gint
part_by_links (AvmSepTracks *self, gint key)
{
  const Link *best = NULL;

  for (guint i = 0; i < self->links->len; i++) {
    const Link *link = &g_array_index (self->links, Link, i);

    if (player_key (link->region) == key
        && (best == NULL || link->confidence > best->confidence))
      best = link;
  }
  return best != NULL && best->part >= 0 ? best->part : AVM_SEP_UNUSED;
}

static gint
part_by_caps (AvmSepTracks *self, gint key)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    const AvmSepTrack *track = &g_array_index (self->tracks, AvmSepTrack, i);

    if (player_key (track->region) == key && track->part >= 0)
      return track->part;
  }
  return AVM_SEP_UNUSED;
}

static gboolean
caps_have_parts (AvmSepTracks *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    if (g_array_index (self->tracks, AvmSepTrack, i).part >= 0)
      return TRUE;
  return FALSE;
}

static gint
compare_ints (gconstpointer a, gconstpointer b)
{
  gint x = *(const gint *)a, y = *(const gint *)b;

  return (x > y) - (x < y);
}

/* The keys of all players, in order */
static GArray *
list_players (AvmSepTracks *self)
{
  GArray *keys = g_array_new (FALSE, FALSE, sizeof (gint));
  guint n = 0;

  for (guint i = 0; i < self->tracks->len; i++) {
    gint key = player_key (g_array_index (self->tracks, AvmSepTrack, i).region);

    g_array_append_val (keys, key);
  }
  g_array_sort (keys, compare_ints);
  for (guint i = 0; i < keys->len; i++) {
    gint key = g_array_index (keys, gint, i);

    if (n == 0 || key != g_array_index (keys, gint, n - 1))
      g_array_index (keys, gint, n++) = key;
  }
  g_array_set_size (keys, n);
  return keys;
}

static void
set_source (AvmSepTracks *self, gint key, const gchar *role, gint source)
{
  guint rank = best_rank (self, key, role);

  for (guint i = 0; i < self->tracks->len; i++) {
    AvmSepTrack *track = &g_array_index (self->tracks, AvmSepTrack, i);

    if (player_key (track->region) == key)
      track->source =
          role_rank (track->role, role) == rank ? source : AVM_SEP_UNUSED;
  }
}

gint
avm_sep_tracks_resolve (
    AvmSepTracks *self, const gchar *role, gboolean with_notes)
{
  gboolean by_links = self->links->len > 0;
  gboolean by_caps = !by_links && caps_have_parts (self);
  GArray *keys = list_players (self);
  gint highest = -1;

  for (guint i = 0; i < keys->len; i++) {
    gint key = g_array_index (keys, gint, i), source;

    if (by_links)
      source = part_by_links (self, key);
    else if (by_caps)
      source = part_by_caps (self, key);
    else
      source = with_notes ? AVM_SEP_UNKNOWN : (gint)i;
    set_source (self, key, role, source);
    highest = MAX (highest, source);
  }
  g_array_unref (keys);
  return highest;
}
