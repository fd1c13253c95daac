/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "avmpnpsheets.h"

#define WIDTH 1200.0
#define STAGE 720.0
#define MARGIN 70.0
#define LINE 22.0
#define RADIUS 18.0

typedef struct {
  const AvmPnpPeople *people;
  const gint *parts;
  AvmSeat *seats; /* of each person */
  gdouble x0, z0, scale;
} Map;

/* Okabe and Ito's eight, told apart by those who see no red or green too */
static const guint32 colours[] = {0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442,
    0x0072b2, 0xd55e00, 0xcc79a7, 0x999999};

static gboolean
is_person (const Map *map, gint m)
{
  return map->people->musicians[m].person == m;
}

static gchar *
label_of (const Map *map, gint person)
{
  const gchar *name = avm_pnp_people_name (map->people, person);

  return name != NULL ? g_strdup (name) : g_strdup_printf ("%d", person);
}

/* The greatest scale at which all seats are on the picture */
static void
fit (Map *map)
{
  gdouble x1 = -G_MAXDOUBLE, z1 = -G_MAXDOUBLE;

  map->x0 = map->z0 = G_MAXDOUBLE;
  for (guint m = 0; m < map->people->n_musicians; m++) {
    const AvmSeat *seat = &map->seats[m];

    if (!seat->known)
      continue;
    map->x0 = MIN (map->x0, seat->x);
    map->z0 = MIN (map->z0, seat->z);
    x1 = MAX (x1, seat->x);
    z1 = MAX (z1, seat->z);
  }
  map->scale = MIN ((WIDTH - 2.0 * MARGIN) / MAX (x1 - map->x0, 1e-3),
      (STAGE - 2.0 * MARGIN) / MAX (z1 - map->z0, 1e-3));
  /* few seats need not be far apart */
  map->scale = MIN (map->scale, 200.0);
  map->x0 -= 0.5 * ((WIDTH - 2.0 * MARGIN) / map->scale - (x1 - map->x0));
  map->z0 -= 0.5 * ((STAGE - 2.0 * MARGIN) / map->scale - (z1 - map->z0));
}

static void
show_centred (cairo_t *cr, gdouble x, gdouble y, const gchar *text)
{
  cairo_text_extents_t extents;

  cairo_text_extents (cr, text, &extents);
  cairo_move_to (cr, x - 0.5 * extents.x_advance, y);
  cairo_show_text (cr, text);
}

static void
draw_seat (const Map *map, cairo_t *cr, gint person)
{
  const AvmSeat *seat = &map->seats[person];
  gint part = map->parts[person];
  guint32 colour =
      part >= 0 ? colours[(guint)part % G_N_ELEMENTS (colours)] : 0xffffff;
  gdouble x = MARGIN + (seat->x - map->x0) * map->scale;
  gdouble y = STAGE - MARGIN - (seat->z - map->z0) * map->scale;
  gchar *label = label_of (map, person);
  gchar *number = g_strdup_printf ("%d", person);

  cairo_arc (cr, x, y, RADIUS, 0.0, 2.0 * G_PI);
  cairo_set_source_rgb (cr, (colour >> 16 & 255) / 255.0,
      (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
  cairo_fill_preserve (cr);
  cairo_set_source_rgb (cr, 0.0, 0.0, 0.0);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
  show_centred (cr, x, y + 5.0, number);
  if (!g_str_equal (label, number))
    show_centred (cr, x, y + RADIUS + 15.0, label);
  g_free (label);
  g_free (number);
}

/* -- how each camera sees them -------------------------------------------- */

typedef struct {
  gint person;
  gdouble x; /* mean, in widths of the picture */
  guint n;
} Place;

static gint
compare_places (gconstpointer a, gconstpointer b)
{
  const Place *p = a, *q = b;

  return p->x < q->x ? -1 : p->x > q->x;
}

static gint
last_camera (const Map *map)
{
  gint last = -1;

  for (guint i = 0; i < map->people->n_seen; i++)
    last =
        MAX (last, avm_diarise_get_sighting (map->people->diarise, i)->camera);
  return last;
}

/* The labels of those whom a camera shows, from left to right */
static gchar *
describe_camera (const Map *map, gint camera)
{
  guint n = map->people->n_musicians;
  Place *places = g_new0 (Place, MAX (n, 1));
  GString *text = g_string_new (NULL);

  g_string_printf (text, _ ("Camera %d, left to right:"), camera);
  for (guint m = 0; m < n; m++)
    places[m].person = (gint)m;
  for (guint i = 0; i < map->people->n_seen; i++) {
    const AvmSighting *s = avm_diarise_get_sighting (map->people->diarise, i);
    Place *place = &places[avm_pnp_people_person (map->people, i)];

    if (s->camera != camera || map->people->seen[i].length == 0)
      continue;
    place->x += (s->face.x + 0.5 * s->face.width) / s->width;
    place->n++;
  }
  for (guint m = 0; m < n; m++)
    places[m].x /= MAX (places[m].n, 1);
  qsort (places, n, sizeof (Place), compare_places);
  for (guint m = 0; m < n; m++)
    if (places[m].n > 0) {
      gchar *label = label_of (map, places[m].person);

      g_string_append_printf (text, "  %s", label);
      g_free (label);
    }
  g_free (places);
  return g_string_free (text, FALSE);
}

static gchar *
describe_lost (const Map *map)
{
  GString *text = g_string_new (NULL);

  for (gint m = 0; m < (gint)map->people->n_musicians; m++)
    if (is_person (map, m) && !map->seats[m].known) {
      gchar *label = label_of (map, m);

      if (text->len == 0)
        g_string_append (text, _ ("Not on the map:"));
      g_string_append_printf (text, "  %s", label);
      g_free (label);
    }
  return g_string_free (text, FALSE);
}

static void
draw_map (Map *map, cairo_t *cr)
{
  gint cameras = last_camera (map) + 1;
  gdouble y = STAGE + LINE;
  gchar *text;

  cairo_set_source_rgb (cr, 1.0, 1.0, 1.0);
  cairo_paint (cr);
  cairo_select_font_face (
      cr, "Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, 14.0);
  fit (map);
  for (gint m = 0; m < (gint)map->people->n_musicians; m++)
    if (is_person (map, m) && map->seats[m].known)
      draw_seat (map, cr, m);
  cairo_set_source_rgb (cr, 0.0, 0.0, 0.0);
  for (gint camera = 0; camera < cameras; camera++, y += LINE) {
    text = describe_camera (map, camera);
    cairo_move_to (cr, LINE, y);
    cairo_show_text (cr, text);
    g_free (text);
  }
  text = describe_lost (map);
  cairo_move_to (cr, LINE, y);
  cairo_show_text (cr, text);
  g_free (text);
}

/* -- files ---------------------------------------------------------------- */

static gboolean
is_svg (const gchar *path)
{
  gsize n = strlen (path);

  return n > 4 && g_ascii_strcasecmp (path + n - 4, ".svg") == 0;
}

gboolean
avm_pnp_map_can_write (const gchar *path)
{
  gsize n = strlen (path);

  return is_svg (path)
      || (n > 4 && g_ascii_strcasecmp (path + n - 4, ".png") == 0);
}

static cairo_status_t
paint_file (Map *map, const gchar *path)
{
  gint height = (gint)(STAGE + LINE * (last_camera (map) + 3));
  cairo_surface_t *surface = is_svg (path)
      ? cairo_svg_surface_create (path, WIDTH, height)
      : cairo_image_surface_create (CAIRO_FORMAT_RGB24, (gint)WIDTH, height);
  cairo_t *cr = cairo_create (surface);
  cairo_status_t status;

  draw_map (map, cr);
  status = cairo_status (cr);
  cairo_destroy (cr);
  if (is_svg (path))
    cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = is_svg (path) ? cairo_surface_status (surface)
                           : cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);
  return status;
}

gboolean
avm_pnp_map_write (const AvmPnpPeople *people, const gint *parts,
    const gchar *path, GError **error)
{
  Map map = {.people = people, .parts = parts};
  cairo_status_t status;

  map.seats = g_new0 (AvmSeat, MAX (people->n_musicians, 1));
  for (guint m = 0; m < people->n_musicians; m++)
    if (!is_person (&map, (gint)m)
        || !avm_diarise_get_seat (
            people->diarise, people->musicians[m].current, &map.seats[m]))
      map.seats[m].known = false;
  status = paint_file (&map, path);
  g_free (map.seats);
  if (status == CAIRO_STATUS_SUCCESS)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE,
      _ ("The map of the stage cannot be written to \"%s\": %s. Set "
         "map-location to a file that can be written."),
      path, cairo_status_to_string (status));
  return FALSE;
}
