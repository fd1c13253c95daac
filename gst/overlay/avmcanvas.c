/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmcanvas.h"

#include <math.h>
#include <string.h>

#define FONT "sans"
#define BAND_HEIGHT 8
/* Texts that are kept; numbers change all the time, so old ones must go */
#define MAX_TEXTS 256
#define PLATE_ALPHA 0.6
/* Bands become one rectangle as long as it is not mostly empty */
#define MAX_WASTE 1.5

typedef struct {
  gint x0, x1; /* columns drawn on; x1 <= x0: none */
} Band;

struct _AvmCanvas {
  gint width, height;
  cairo_surface_t *surface;
  cairo_t *cr;
  Band *bands;
  gint n_bands;
  GHashTable *texts; /* key string -> cairo_surface_t */
};

AvmCanvas *
avm_canvas_new (gint width, gint height)
{
  AvmCanvas *canvas = g_new0 (AvmCanvas, 1);

  canvas->width = width;
  canvas->height = height;
  canvas->surface =
      cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height);
  if (cairo_surface_status (canvas->surface) != CAIRO_STATUS_SUCCESS) {
    cairo_surface_destroy (canvas->surface);
    g_free (canvas);
    return NULL;
  }
  canvas->cr = cairo_create (canvas->surface);
  /* a mitre would reach beyond what is marked */
  cairo_set_line_join (canvas->cr, CAIRO_LINE_JOIN_BEVEL);
  canvas->n_bands = (height + BAND_HEIGHT - 1) / BAND_HEIGHT;
  canvas->bands = g_new0 (Band, canvas->n_bands);
  canvas->texts = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)cairo_surface_destroy);
  return canvas;
}

void
avm_canvas_free (AvmCanvas *canvas)
{
  if (canvas == NULL)
    return;
  g_hash_table_unref (canvas->texts);
  g_free (canvas->bands);
  cairo_destroy (canvas->cr);
  cairo_surface_destroy (canvas->surface);
  g_free (canvas);
}

gint
avm_canvas_get_width (const AvmCanvas *canvas)
{
  return canvas->width;
}

gint
avm_canvas_get_height (const AvmCanvas *canvas)
{
  return canvas->height;
}

/* Notes what is about to be drawn on; FALSE: nothing of it is in the frame. */
static gboolean
mark (AvmCanvas *canvas, gdouble x, gdouble y, gdouble w, gdouble h)
{
  gint x0, x1, first, last;

  /* a pixel around it for anti-aliasing; the condition is false for NaN */
  if (!(x < canvas->width && y < canvas->height && x + w > 0 && y + h > 0))
    return FALSE;
  x0 = (gint)floor (MAX (x - 1.0, 0.0));
  x1 = (gint)ceil (MIN (x + w + 1.0, (gdouble)canvas->width));
  first = (gint)floor (MAX (y - 1.0, 0.0)) / BAND_HEIGHT;
  last = (gint)ceil (MIN (y + h + 1.0, (gdouble)canvas->height)) - 1;
  last = MAX (last, 0) / BAND_HEIGHT;
  for (gint i = first; i <= last; i++) {
    Band *band = &canvas->bands[i];

    if (band->x1 <= band->x0) {
      band->x0 = x0;
      band->x1 = x1;
    } else {
      band->x0 = MIN (band->x0, x0);
      band->x1 = MAX (band->x1, x1);
    }
  }
  return TRUE;
}

static void
set_color (AvmCanvas *canvas, const AvmColor *color, gdouble alpha)
{
  cairo_set_source_rgba (canvas->cr, color->r, color->g, color->b, alpha);
}

void
avm_canvas_fill (
    AvmCanvas *canvas, const AvmBox *box, const AvmColor *color, gdouble alpha)
{
  if (!mark (canvas, box->x, box->y, box->w, box->h))
    return;
  set_color (canvas, color, alpha);
  cairo_rectangle (canvas->cr, box->x, box->y, box->w, box->h);
  cairo_fill (canvas->cr);
}

/* A thin dark rim keeps bright lines visible on bright ground. */
static void
stroke_rimmed (AvmCanvas *canvas, const AvmColor *color, gdouble line_width)
{
  static const AvmColor rim = {0.0, 0.0, 0.0};

  cairo_set_line_width (canvas->cr, line_width * 2.0);
  set_color (canvas, &rim, 0.45);
  cairo_stroke_preserve (canvas->cr);
  cairo_set_line_width (canvas->cr, line_width);
  set_color (canvas, color, 1.0);
  cairo_stroke (canvas->cr);
}

static void
corner (AvmCanvas *canvas, gdouble x, gdouble y, gdouble dx, gdouble dy,
    const AvmColor *color, gdouble line_width)
{
  if (!mark (canvas, MIN (x, x + dx) - line_width, MIN (y, y + dy) - line_width,
          fabs (dx) + 2 * line_width, fabs (dy) + 2 * line_width))
    return;
  cairo_move_to (canvas->cr, x + dx, y);
  cairo_line_to (canvas->cr, x, y);
  cairo_line_to (canvas->cr, x, y + dy);
  stroke_rimmed (canvas, color, line_width);
}

void
avm_canvas_corners (AvmCanvas *canvas, const AvmBox *box, const AvmColor *color,
    gdouble line_width, gboolean dashed)
{
  gdouble length = MIN (0.22 * MIN (box->w, box->h), canvas->height);
  gdouble x1 = box->x + box->w, y1 = box->y + box->h;

  if (dashed)
    cairo_set_dash (canvas->cr, &line_width, 1, 0.0);
  corner (canvas, box->x, box->y, length, length, color, line_width);
  corner (canvas, x1, box->y, -length, length, color, line_width);
  corner (canvas, box->x, y1, length, -length, color, line_width);
  corner (canvas, x1, y1, -length, -length, color, line_width);
  if (dashed)
    cairo_set_dash (canvas->cr, NULL, 0, 0.0);
}

void
avm_canvas_frame (AvmCanvas *canvas, const AvmBox *box, const AvmColor *color,
    gdouble line_width)
{
  gdouble margin = line_width + 1.0;
  gdouble x0 = MAX (box->x, -margin), y0 = MAX (box->y, -margin);
  gdouble x1 = MIN (box->x + box->w, canvas->width + margin);
  gdouble y1 = MIN (box->y + box->h, canvas->height + margin);

  if (!(x1 > x0) || !(y1 > y0)
      || !mark (canvas, x0 - line_width, y0 - line_width,
          x1 - x0 + 2 * line_width, y1 - y0 + 2 * line_width))
    return;
  cairo_rectangle (canvas->cr, x0, y0, x1 - x0, y1 - y0);
  stroke_rimmed (canvas, color, line_width);
}

void
avm_canvas_arrow (AvmCanvas *canvas, gdouble x, gdouble y, gdouble dx,
    gdouble dy, const AvmColor *color, gdouble line_width)
{
  gdouble length = hypot (dx, dy);
  gdouble head = MIN (0.4 * length, 5.0 * line_width);
  gdouble margin = head + 2.0 * line_width;
  gdouble ux, uy;

  if (!(length >= 1.0) || length > canvas->width + canvas->height
      || !mark (canvas, MIN (x, x + dx) - margin, MIN (y, y + dy) - margin,
          fabs (dx) + 2.0 * margin, fabs (dy) + 2.0 * margin))
    return;
  ux = dx / length * head;
  uy = dy / length * head;
  cairo_move_to (canvas->cr, x, y);
  cairo_line_to (canvas->cr, x + dx, y + dy);
  cairo_move_to (canvas->cr, x + dx - ux - 0.6 * uy, y + dy - uy + 0.6 * ux);
  cairo_line_to (canvas->cr, x + dx, y + dy);
  cairo_line_to (canvas->cr, x + dx - ux + 0.6 * uy, y + dy - uy - 0.6 * ux);
  stroke_rimmed (canvas, color, line_width);
}

void
avm_canvas_dot (AvmCanvas *canvas, gdouble x, gdouble y, gdouble radius,
    const AvmColor *color)
{
  AvmBox box = {x - radius, y - radius, 2.0 * radius, 2.0 * radius};

  avm_canvas_fill (canvas, &box, color, 0.9);
}

/* The colour over a column's pixels from top to bottom; the share of a pixel
 * that is covered is its opacity. */
static void
blend_span (guint8 *column, gint stride, gint height, gdouble top,
    gdouble bottom, const AvmColor *color)
{
  gint first = (gint)MAX (floor (top), 0.0);
  gint last = (gint)MIN (ceil (bottom), (gdouble)height);

  for (gint y = first; y < last; y++) {
    guint32 *pixel = (guint32 *)(void *)(column + (gsize)y * stride);
    gdouble cover = MIN (bottom, y + 1.0) - MAX (top, (gdouble)y);
    guint alpha = (guint)(255.0 * CLAMP (cover, 0.0, 1.0) + 0.5);
    guint rest = 255 - alpha, old = *pixel;
    guint a = alpha + ((old >> 24) * rest + 127) / 255;
    guint r =
        (guint)(color->r * alpha) + ((old >> 16 & 255) * rest + 127) / 255;
    guint g = (guint)(color->g * alpha) + ((old >> 8 & 255) * rest + 127) / 255;
    guint b = (guint)(color->b * alpha) + ((old & 255) * rest + 127) / 255;

    *pixel = a << 24 | MIN (r, 255u) << 16 | MIN (g, 255u) << 8 | MIN (b, 255u);
  }
}

/* Curves are functions of time, so each column of pixels has one span: much
 * cheaper than the outline of a long stroke, which cairo would make. */
void
avm_canvas_curve (AvmCanvas *canvas, gdouble x0, gdouble dx, const gfloat *y,
    guint n, const AvmColor *color, gdouble line_width)
{
  guint8 *data = cairo_image_surface_get_data (canvas->surface);
  gint stride = cairo_image_surface_get_stride (canvas->surface);
  gdouble top = INFINITY, bottom = -INFINITY;
  gint first = (gint)CLAMP (ceil (x0), 0.0, (gdouble)canvas->width);
  gint last =
      (gint)CLAMP (floor (x0 + (n - 1.0) * dx), 0.0, canvas->width - 1.0);

  if (n < 2 || !(dx > 0.0))
    return;
  cairo_surface_flush (canvas->surface);
  for (gint x = first; x <= last; x++) {
    gdouble at = (x - x0) / dx, to = MIN (at + 1.0 / dx, n - 1.0);
    guint i = MIN ((guint)at, n - 2), j = MIN ((guint)to, n - 2);
    gdouble ya = y[i] + (at - i) * (y[i + 1] - y[i]);
    gdouble yb = y[j] + (to - j) * (y[j + 1] - y[j]);
    gdouble low = MIN (ya, yb), high = MAX (ya, yb);

    /* between two columns the curve may turn */
    for (guint k = i + 1; k <= j; k++) {
      low = MIN (low, (gdouble)y[k]);
      high = MAX (high, (gdouble)y[k]);
    }
    if (!isfinite (low + high) || !isfinite (ya + yb))
      continue;
    low -= 0.5 * line_width;
    high += 0.5 * line_width;
    blend_span (data + (gsize)x * 4, stride, canvas->height, low, high, color);
    top = MIN (top, low);
    bottom = MAX (bottom, high);
  }
  cairo_surface_mark_dirty (canvas->surface);
  if (bottom >= top)
    mark (canvas, first, top, last - first + 1.0, bottom - top);
}

/* -- text ----------------------------------------------------------------- */

static void
set_font (cairo_t *cr, gdouble size, gboolean plate)
{
  cairo_select_font_face (cr, FONT, CAIRO_FONT_SLANT_NORMAL,
      plate ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, size);
}

static gdouble
padding (gdouble size, gboolean plate)
{
  return plate ? ceil (0.25 * size) : 1.0;
}

static cairo_surface_t *
render_text (AvmCanvas *canvas, const gchar *text, gdouble size,
    const AvmColor *color, gboolean plate)
{
  cairo_text_extents_t extents;
  cairo_font_extents_t font;
  gdouble pad = padding (size, plate);
  cairo_surface_t *surface;
  cairo_t *cr;
  gint width, height;

  set_font (canvas->cr, size, plate);
  cairo_text_extents (canvas->cr, text, &extents);
  cairo_font_extents (canvas->cr, &font);
  width = (gint)ceil (extents.x_advance + 2.0 * pad);
  height = (gint)ceil (font.ascent + font.descent);
  surface = cairo_image_surface_create (
      CAIRO_FORMAT_ARGB32, MAX (width, 1), MAX (height, 1));
  cr = cairo_create (surface);
  if (plate) {
    cairo_set_source_rgba (cr, 0.0, 0.0, 0.0, PLATE_ALPHA);
    cairo_paint (cr);
  }
  set_font (cr, size, plate);
  cairo_set_source_rgb (cr, color->r, color->g, color->b);
  cairo_move_to (cr, pad, font.ascent);
  cairo_show_text (cr, text);
  cairo_destroy (cr);
  return surface;
}

static cairo_surface_t *
get_text (AvmCanvas *canvas, const gchar *text, gdouble size,
    const AvmColor *color, gboolean plate)
{
  gchar *key = g_strdup_printf ("%d %d %03d%03d%03d %s", plate,
      (gint)(size * 4.0), (gint)(color->r * 255), (gint)(color->g * 255),
      (gint)(color->b * 255), text);
  cairo_surface_t *surface = g_hash_table_lookup (canvas->texts, key);

  if (surface != NULL) {
    g_free (key);
    return surface;
  }
  if (g_hash_table_size (canvas->texts) >= MAX_TEXTS)
    g_hash_table_remove_all (canvas->texts);
  surface = render_text (canvas, text, size, color, plate);
  g_hash_table_insert (canvas->texts, key, surface);
  return surface;
}

void
avm_canvas_measure (AvmCanvas *canvas, const gchar *text, gdouble size,
    gboolean plate, gdouble *width, gdouble *height)
{
  cairo_text_extents_t extents;
  cairo_font_extents_t font;

  set_font (canvas->cr, size, plate);
  cairo_text_extents (canvas->cr, text, &extents);
  cairo_font_extents (canvas->cr, &font);
  *width = ceil (extents.x_advance + 2.0 * padding (size, plate));
  *height = ceil (font.ascent + font.descent);
}

void
avm_canvas_text (AvmCanvas *canvas, const gchar *text, gdouble size,
    const AvmColor *color, gboolean plate, gdouble x, gdouble y)
{
  cairo_surface_t *surface = get_text (canvas, text, size, color, plate);

  x = floor (x);
  y = floor (y);
  if (!mark (canvas, x, y, cairo_image_surface_get_width (surface),
          cairo_image_surface_get_height (surface)))
    return;
  cairo_set_source_surface (canvas->cr, surface, x, y);
  cairo_paint (canvas->cr);
}

/* -- onto the frame ------------------------------------------------------- */

/* The rows of one or more bands as an overlay rectangle on the canvas's own
 * memory. Even corners spare the subsampled chroma a shift. */
static GstVideoOverlayRectangle *
make_rectangle (AvmCanvas *canvas, gint x0, gint x1, gint y0, gint y1)
{
  guint8 *data = cairo_image_surface_get_data (canvas->surface);
  gint stride = cairo_image_surface_get_stride (canvas->surface);
  gsize offsets[GST_VIDEO_MAX_PLANES] = {0};
  gint strides[GST_VIDEO_MAX_PLANES] = {0};
  GstVideoOverlayRectangle *rectangle;
  GstBuffer *buffer;
  gsize size;

  x0 &= ~1;
  x1 = MIN ((x1 + 1) & ~1, canvas->width);
  strides[0] = stride;
  size = (gsize)(y1 - y0 - 1) * stride + (gsize)(x1 - x0) * 4;
  buffer = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
      data + (gsize)y0 * stride + (gsize)x0 * 4, size, 0, size, NULL, NULL);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, x1 - x0, y1 - y0, 1, offsets,
      strides);
  rectangle = gst_video_overlay_rectangle_new_raw (buffer, x0, y0, x1 - x0,
      y1 - y0, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (buffer);
  return rectangle;
}

static void
add_rectangle (GstVideoOverlayComposition **composition, AvmCanvas *canvas,
    gint x0, gint x1, gint first, gint last)
{
  gint y1 = MIN ((last + 1) * BAND_HEIGHT, canvas->height);
  GstVideoOverlayRectangle *rectangle =
      make_rectangle (canvas, x0, x1, first * BAND_HEIGHT, y1);

  if (*composition == NULL)
    *composition = gst_video_overlay_composition_new (rectangle);
  else
    gst_video_overlay_composition_add_rectangle (*composition, rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

GstVideoOverlayComposition *
avm_canvas_compose (AvmCanvas *canvas)
{
  GstVideoOverlayComposition *composition = NULL;

  cairo_surface_flush (canvas->surface);
  for (gint i = 0; i < canvas->n_bands;) {
    gint x0 = canvas->bands[i].x0, x1 = canvas->bands[i].x1;
    gint used = x1 - x0, first = i++;

    if (x1 <= x0)
      continue;
    for (; i < canvas->n_bands && canvas->bands[i].x1 > canvas->bands[i].x0;
         i++) {
      gint wide0 = MIN (x0, canvas->bands[i].x0);
      gint wide1 = MAX (x1, canvas->bands[i].x1);
      gint more = used + canvas->bands[i].x1 - canvas->bands[i].x0;

      if ((wide1 - wide0) * (i - first + 1) > MAX_WASTE * more)
        break;
      x0 = wide0;
      x1 = wide1;
      used = more;
    }
    add_rectangle (&composition, canvas, x0, x1, first, i - 1);
  }
  return composition;
}

void
avm_canvas_clear (AvmCanvas *canvas)
{
  guint8 *data = cairo_image_surface_get_data (canvas->surface);
  gint stride = cairo_image_surface_get_stride (canvas->surface);

  for (gint i = 0; i < canvas->n_bands; i++) {
    Band *band = &canvas->bands[i];
    gint y1 = MIN ((i + 1) * BAND_HEIGHT, canvas->height);

    if (band->x1 <= band->x0)
      continue;
    for (gint y = i * BAND_HEIGHT; y < y1; y++)
      memset (data + (gsize)y * stride + (gsize)band->x0 * 4, 0,
          (gsize)(band->x1 - band->x0) * 4);
    band->x0 = band->x1 = 0;
  }
  cairo_surface_mark_dirty (canvas->surface);
}
