/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnpthumbs.h"

#include <math.h>
#include <string.h>

/* Kept of a track before only every second one is, and so on */
#define TRACK_ROOM 256
#define BUFFER_ROOM (64 * AVM_PNP_THUMB_SIZE)

typedef struct {
  guint seen, kept, step;
} TrackCount;

struct _AvmPnpThumbs {
  AvmSpill *spill;
  GHashTable *tracks; /* number to TrackCount */
  GArray *sightings;  /* guint, in rising order: thumb i is of this one */
};

AvmPnpThumbs *
avm_pnp_thumbs_new (const gchar *directory, AvmError *error)
{
  AvmPnpThumbs *thumbs = g_new0 (AvmPnpThumbs, 1);

  thumbs->tracks = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  thumbs->sightings = g_array_new (FALSE, FALSE, sizeof (guint));
  thumbs->spill = avm_spill_new (directory, BUFFER_ROOM, error);
  if (thumbs->spill == NULL)
    g_clear_pointer (&thumbs, avm_pnp_thumbs_free);
  return thumbs;
}

void
avm_pnp_thumbs_free (AvmPnpThumbs *thumbs)
{
  avm_spill_free (thumbs->spill);
  g_hash_table_unref (thumbs->tracks);
  g_array_unref (thumbs->sightings);
  g_free (thumbs);
}

void
avm_pnp_thumbs_reset (AvmPnpThumbs *thumbs)
{
  avm_spill_reset (thumbs->spill);
  g_hash_table_remove_all (thumbs->tracks);
  g_array_set_size (thumbs->sightings, 0);
}

gboolean
avm_pnp_thumbs_wants (AvmPnpThumbs *thumbs, gint track)
{
  guint left = AVM_PNP_THUMBS_MAX - thumbs->sightings->len, step;
  TrackCount *count;
  gboolean wanted;

  if (left == 0)
    return FALSE;
  count = g_hash_table_lookup (thumbs->tracks, GINT_TO_POINTER (track));
  if (count == NULL) {
    count = g_new0 (TrackCount, 1);
    g_hash_table_insert (thumbs->tracks, GINT_TO_POINTER (track), count);
  }
  step = MAX (count->step, AVM_PNP_THUMBS_MAX / left);
  wanted = count->seen % MAX (step, 1) == 0;
  count->seen++;
  count->kept += wanted;
  count->step = 1u << MIN (count->kept / TRACK_ROOM, 16);
  return wanted;
}

/* One plane of a part of a picture, brought to a size by means of the pixels
 * that each target pixel covers; `nothing` where the picture ends */
typedef struct {
  const guint8 *data;
  gssize stride;
  gint step, width, height;
  guint8 nothing;
} Plane;

static guint8
mean_of (const Plane *plane, gint x0, gint x1, gint y0, gint y1)
{
  guint sum = 0, n = 0;

  for (gint y = MAX (y0, 0); y < MIN (y1, plane->height); y++)
    for (gint x = MAX (x0, 0); x < MIN (x1, plane->width); x++) {
      sum += plane->data[y * plane->stride + (gssize)x * plane->step];
      n++;
    }
  return n > 0 ? (guint8)((sum + n / 2) / n) : plane->nothing;
}

static void
shrink (const Plane *plane, gdouble x, gdouble y, gdouble w, gdouble h,
    gint width, gint height, guint8 *out)
{
  for (gint j = 0; j < height; j++) {
    gint y0 = (gint)floor (y + h * j / height);
    gint y1 = MAX ((gint)floor (y + h * (j + 1) / height), y0 + 1);

    for (gint i = 0; i < width; i++) {
      gint x0 = (gint)floor (x + w * i / width);
      gint x1 = MAX ((gint)floor (x + w * (i + 1) / width), x0 + 1);

      *out++ = mean_of (plane, x0, x1, y0, y1);
    }
  }
}

static Plane
plane_of (const AvmPicture *picture, guint i)
{
  gint sx = i > 0 ? picture->chroma_x : 0, sy = i > 0 ? picture->chroma_y : 0;
  Plane plane = {picture->data[i], picture->stride[i], picture->step[i],
      (picture->width + (1 << sx) - 1) >> sx,
      (picture->height + (1 << sy) - 1) >> sy, i > 0 ? 128 : 16};

  return plane;
}

void
avm_pnp_thumb_make (
    const AvmPicture *picture, const AvmPnpFace *face, guint8 *thumb)
{
  const gint width = AVM_PNP_THUMB_WIDTH, height = AVM_PNP_THUMB_HEIGHT;
  gdouble w = 3.0 * face->w, h = w * height / width;
  gdouble x = face->x - face->w, y = face->y - 0.6 * face->h;
  Plane plane = plane_of (picture, 0);

  shrink (&plane, x, y, w, h, width, height, thumb);
  thumb += width * height;
  for (guint i = 1; i < 3; i++) {
    gdouble sx = 1 << picture->chroma_x, sy = 1 << picture->chroma_y;

    if (picture->model == AVM_COLOUR_GREY) {
      memset (thumb, 128, (gsize)width * height / 4);
    } else {
      plane = plane_of (picture, i);
      shrink (
          &plane, x / sx, y / sy, w / sx, h / sy, width / 2, height / 2, thumb);
    }
    thumb += width * height / 4;
  }
}

gboolean
avm_pnp_thumbs_add (
    AvmPnpThumbs *thumbs, guint sighting, const guint8 *thumb, AvmError *error)
{
  if (!avm_spill_append (thumbs->spill, thumb, AVM_PNP_THUMB_SIZE, error))
    return FALSE;
  g_array_append_val (thumbs->sightings, sighting);
  return TRUE;
}

/* Where it is; -1: there is none */
static gint
find (const AvmPnpThumbs *thumbs, guint sighting)
{
  guint low = 0, high = thumbs->sightings->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (g_array_index (thumbs->sightings, guint, middle) < sighting)
      low = middle + 1;
    else
      high = middle;
  }
  return low < thumbs->sightings->len
          && g_array_index (thumbs->sightings, guint, low) == sighting
      ? (gint)low
      : -1;
}

gboolean
avm_pnp_thumbs_has (const AvmPnpThumbs *thumbs, guint sighting)
{
  return find (thumbs, sighting) >= 0;
}

gboolean
avm_pnp_thumbs_read (
    AvmPnpThumbs *thumbs, guint sighting, guint8 *thumb, AvmError *error)
{
  gint at = find (thumbs, sighting);

  return at >= 0
      && avm_spill_read (thumbs->spill, (guint64)at * AVM_PNP_THUMB_SIZE, thumb,
          AVM_PNP_THUMB_SIZE, error);
}
