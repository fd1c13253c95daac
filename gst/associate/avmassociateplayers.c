/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmassociateplayers.h"

#include <string.h>

/* Players that are one region each come after those with numbers. */
#define FIRST_SINGLE 1000

typedef enum {
  ROLE_BOW,
  ROLE_HAND,
  ROLE_PLAYER,
  ROLE_OTHER
} Role;

gint
avm_associate_player_of_region (gint region)
{
  gint player = gst_avm_region_id_get_player (region);

  return player != GST_AVM_NONE ? player : FIRST_SINGLE + region;
}

/* By the name of the channel, "hand-201-vx", else by the id */
static Role
role_of (const gchar *name, gint region)
{
  static const gchar *const roles[] = {"bow", "hand", "player"};
  const gchar *made_of = gst_avm_region_id_get_role (region);

  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (roles); i++)
    if (g_str_has_prefix (name, roles[i]))
      return (Role)i;
  for (guint i = 0; made_of != NULL && i < G_N_ELEMENTS (roles); i++)
    if (g_str_equal (made_of, roles[i]))
      return (Role)i;
  return ROLE_OTHER;
}

static void
add_region (GArray *regions, gint region)
{
  guint at = 0;

  while (at < regions->len && g_array_index (regions, gint, at) < region)
    at++;
  if (at == regions->len || g_array_index (regions, gint, at) != region)
    g_array_insert_val (regions, at, region);
}

static gboolean
has_column (const GArray *columns, gint player)
{
  for (guint i = 0; i < columns->len; i++)
    if (g_array_index (columns, AvmAssociateColumn, i).player == player)
      return TRUE;
  return FALSE;
}

static void
add_column (const GstAvmSeriesInfo *info, guint channel, Role wanted,
    GArray *columns, GArray *regions)
{
  static const AvmAssociateLimb limbs[] = {AVM_ASSOCIATE_BOW,
      AVM_ASSOCIATE_HAND, AVM_ASSOCIATE_BODY, AVM_ASSOCIATE_BODY};
  gint region = gst_avm_series_info_get_region (info, channel);
  gint vy = gst_avm_series_info_find_channel (info, "vy", region, GST_AVM_ANY);
  Role role = role_of (gst_avm_series_info_get_name (info, channel), region);
  AvmAssociateColumn column;

  if (region < 0 || vy < 0 || role != wanted)
    return;
  add_region (regions, region);
  column.player = avm_associate_player_of_region (region);
  column.limb = limbs[role];
  column.vx = channel;
  column.vy = (guint)vy;
  column.confidence = gst_avm_series_info_find_channel (
      info, "confidence", region, GST_AVM_ANY);
  /* a face says little of a player of whom more is to be seen */
  if (role == ROLE_OTHER && has_column (columns, column.player))
    return;
  g_array_append_val (columns, column);
}

GArray *
avm_associate_columns (const GstAvmSeriesInfo *info, GArray *regions)
{
  guint n = gst_avm_series_info_get_n_channels (info);
  GArray *columns = g_array_new (FALSE, FALSE, sizeof (AvmAssociateColumn));

  for (Role role = ROLE_BOW; role <= ROLE_OTHER; role++)
    for (guint i = 0; i < n; i++)
      if (g_strcmp0 (gst_avm_series_info_get_quantity (info, i), "vx") == 0)
        add_column (info, i, role, columns, regions);
  return columns;
}

gboolean
avm_associate_add_row (AvmAssociate *kernel, const GArray *columns,
    const gfloat *row, gdouble seconds)
{
  for (guint i = 0; i < columns->len; i++) {
    const AvmAssociateColumn *c =
        &g_array_index (columns, AvmAssociateColumn, i);
    gdouble confidence = c->confidence >= 0 ? row[c->confidence] : 1.0;

    if (!avm_associate_add_motion (kernel, c->player, c->limb, seconds,
            row[c->vx], row[c->vy], confidence))
      return FALSE;
  }
  return TRUE;
}
