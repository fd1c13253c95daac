/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnpsheets.h"

#include <cairo.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#define COLUMNS 6
#define ROWS 4
#define GAP 6
#define HEADER 26
#define CAPTION 14
#define CELL_WIDTH (AVM_PNP_THUMB_WIDTH + GAP)
#define CELL_HEIGHT (AVM_PNP_THUMB_HEIGHT + CAPTION + GAP)

struct _AvmPnpAlbum {
  const AvmPnpPeople *people;
  AvmPnpThumbs *thumbs;
  guint *first;     /* of each musician, number of its first page */
  GPtrArray *pages; /* GArray of guint, sightings in order of time */
};

/* By time, then camera */
static gint
compare_sightings (gconstpointer a, gconstpointer b, gpointer diarise)
{
  const AvmSighting *p = avm_diarise_get_sighting (diarise, *(const guint *)a);
  const AvmSighting *q = avm_diarise_get_sighting (diarise, *(const guint *)b);

  if (p->time != q->time)
    return p->time < q->time ? -1 : 1;
  return p->camera < q->camera ? -1 : p->camera > q->camera;
}

AvmPnpAlbum *
avm_pnp_album_new (const AvmPnpPeople *people, AvmPnpThumbs *thumbs)
{
  AvmPnpAlbum *album = g_new0 (AvmPnpAlbum, 1);
  guint n = 0;

  album->people = people;
  album->thumbs = thumbs;
  album->first = g_new0 (guint, people->n_musicians + 1);
  album->pages = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  for (guint m = 0; m < people->n_musicians; m++) {
    album->first[m] = n;
    n += (guint)people->musicians[m].n_poses;
  }
  while (album->pages->len < n)
    g_ptr_array_add (album->pages, g_array_new (FALSE, FALSE, sizeof (guint)));
  for (guint i = 0; i < people->n_seen; i++) {
    const AvmPnpSeen *seen = &people->seen[i];

    if (seen->length > 0 && avm_pnp_thumbs_has (thumbs, i))
      g_array_append_val ((GArray *)g_ptr_array_index (album->pages,
                              album->first[seen->musician] + seen->pose),
          i);
  }
  for (guint i = 0; i < n; i++)
    g_array_sort_with_data (g_ptr_array_index (album->pages, i),
        compare_sightings, people->diarise);
  return album;
}

void
avm_pnp_album_free (AvmPnpAlbum *album)
{
  g_ptr_array_unref (album->pages);
  g_free (album->first);
  g_free (album);
}

static const GArray *
page_of (const AvmPnpAlbum *album, gint musician, gint pose)
{
  return g_ptr_array_index (album->pages, album->first[musician] + (guint)pose);
}

gboolean
avm_pnp_album_has (gpointer album, gint musician, gint pose)
{
  return page_of (album, musician, pose)->len > 0;
}

/* -- drawing -------------------------------------------------------------- */

static void
set_font (cairo_t *cr, gdouble size)
{
  cairo_select_font_face (
      cr, "Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, size);
}

static void
show_text (cairo_t *cr, gdouble x, gdouble y, const gchar *text)
{
  cairo_move_to (cr, x, y);
  cairo_show_text (cr, text);
}

/* 219 steps of luma and 224 of colour to 255 of red, green and blue, BT.601 */
static guint32
to_rgb (gint y, gint cb, gint cr)
{
  gint c = 298 * (y - 16) + 128, d = cb - 128, e = cr - 128;
  gint r = CLAMP ((c + 409 * e) >> 8, 0, 255);
  gint g = CLAMP ((c - 100 * d - 208 * e) >> 8, 0, 255);
  gint b = CLAMP ((c + 516 * d) >> 8, 0, 255);

  return (guint32)r << 16 | (guint32)g << 8 | (guint32)b;
}

static cairo_surface_t *
thumb_surface (const guint8 *thumb)
{
  const gint width = AVM_PNP_THUMB_WIDTH, height = AVM_PNP_THUMB_HEIGHT;
  const guint8 *cb = thumb + width * height, *cr = cb + width * height / 4;
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  guint8 *data = cairo_image_surface_get_data (surface);
  gint stride = cairo_image_surface_get_stride (surface);

  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS)
    return surface;
  cairo_surface_flush (surface);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++) {
      gint c = y / 2 * (width / 2) + x / 2;
      guint32 pixel = to_rgb (thumb[y * width + x], cb[c], cr[c]);

      memcpy (data + (gsize)y * stride + 4 * (gsize)x, &pixel, 4);
    }
  cairo_surface_mark_dirty (surface);
  return surface;
}

static void
draw_thumb (const AvmPnpAlbum *album, cairo_t *cr, guint sighting, guint cell)
{
  gdouble x = GAP + (gdouble)(cell % COLUMNS) * CELL_WIDTH;
  gdouble y = HEADER + (gdouble)(cell / COLUMNS) * CELL_HEIGHT;
  gdouble time =
      avm_diarise_get_sighting (album->people->diarise, sighting)->time;
  guint8 thumb[AVM_PNP_THUMB_SIZE];
  cairo_surface_t *surface;
  gchar *caption;

  if (!avm_pnp_thumbs_read (album->thumbs, sighting, thumb, NULL))
    return;
  surface = thumb_surface (thumb);
  cairo_set_source_surface (cr, surface, x, y);
  cairo_paint (cr);
  cairo_surface_destroy (surface);
  caption = g_strdup_printf (
      "%d:%04.1f", (gint)(time / 60.0), time - 60.0 * (gint)(time / 60.0));
  cairo_set_source_rgb (cr, 0.3, 0.3, 0.3);
  set_font (cr, 10.0);
  show_text (cr, x, y + AVM_PNP_THUMB_HEIGHT + CAPTION - 3, caption);
  g_free (caption);
}

static gchar *
sheet_title (const AvmPnpPeople *people, gint m, gint pose)
{
  const AvmPnpMusician *musician = &people->musicians[m];
  const gchar *name = avm_pnp_people_name (people, musician->person);
  gchar *title = g_strdup_printf (_ ("Musician %d, pose %d: seen for %.0f s"),
      m, pose, (gdouble)musician->pose_lengths[pose] / GST_SECOND);
  gchar *named;

  if (name == NULL)
    return title;
  named = g_strdup_printf ("%s (%s)", title, name);
  g_free (title);
  return named;
}

static cairo_status_t
write_sheet (const AvmPnpAlbum *album, gint m, gint pose, const gchar *path)
{
  const GArray *page = page_of (album, m, pose);
  guint n = MIN (page->len, COLUMNS * ROWS);
  guint rows = (n + COLUMNS - 1) / COLUMNS;
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24,
      GAP + COLUMNS * CELL_WIDTH, (gint)(HEADER + rows * CELL_HEIGHT));
  cairo_t *cr = cairo_create (surface);
  gchar *title = sheet_title (album->people, m, pose);
  cairo_status_t status;

  cairo_set_source_rgb (cr, 1.0, 1.0, 1.0);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.0, 0.0, 0.0);
  set_font (cr, 14.0);
  show_text (cr, GAP, HEADER - 9, title);
  g_free (title);
  for (guint i = 0; i < n; i++)
    draw_thumb (
        album, cr, g_array_index (page, guint, (gsize)i * page->len / n), i);
  cairo_destroy (cr);
  status = cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);
  return status;
}

static gboolean
refuse_sheets (GError **error, const gchar *folder, const gchar *reason)
{
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE,
      _ ("The contact sheets cannot be written to \"%s\": %s. Set "
         "sheets-location to a folder that can be written."),
      folder, reason);
  return FALSE;
}

gboolean
avm_pnp_album_write (AvmPnpAlbum *album, const gchar *folder,
    gboolean (*stop) (gpointer user), gpointer user, GError **error)
{
  const AvmPnpPeople *people = album->people;
  cairo_status_t status = CAIRO_STATUS_SUCCESS;

  if (g_mkdir_with_parents (folder, 0777) != 0)
    return refuse_sheets (error, folder, g_strerror (errno));
  for (gint m = 0; m < (gint)people->n_musicians; m++)
    for (gint p = 0; p < people->musicians[m].n_poses; p++) {
      gchar *name, *path;

      if (stop (user) || !avm_pnp_album_has (album, m, p))
        continue;
      name = avm_pnp_sheet_name (m, p);
      path = g_build_filename (folder, name, NULL);
      if (status == CAIRO_STATUS_SUCCESS)
        status = write_sheet (album, m, p, path);
      g_free (name);
      g_free (path);
    }
  return status == CAIRO_STATUS_SUCCESS
      || refuse_sheets (error, folder, cairo_status_to_string (status));
}
