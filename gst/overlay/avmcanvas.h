/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A transparent picture of the frame's size that is drawn on with cairo and
 * then blended onto the frame. Blending costs time for every row that it
 * touches, so the canvas remembers which rows have been drawn on, and from
 * which column to which; only those become overlay rectangles.
 */

#ifndef __AVM_CANVAS_H__
#define __AVM_CANVAS_H__

#include <cairo.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct _AvmCanvas AvmCanvas;

/**
 * AvmColor: 0 to 1
 */
typedef struct {
  gdouble r, g, b;
} AvmColor;

/**
 * AvmBox: px
 */
typedef struct {
  gdouble x, y, w, h;
} AvmBox;

AvmCanvas *avm_canvas_new (gint width, gint height);
void avm_canvas_free (AvmCanvas *canvas);

gint avm_canvas_get_width (const AvmCanvas *canvas);
gint avm_canvas_get_height (const AvmCanvas *canvas);

void avm_canvas_fill (
    AvmCanvas *canvas, const AvmBox *box, const AvmColor *color, gdouble alpha);
void avm_canvas_corners (AvmCanvas *canvas, const AvmBox *box,
    const AvmColor *color, gdouble line_width, gboolean dashed);
void avm_canvas_frame (AvmCanvas *canvas, const AvmBox *box,
    const AvmColor *color, gdouble line_width);
void avm_canvas_arrow (AvmCanvas *canvas, gdouble x, gdouble y, gdouble dx,
    gdouble dy, const AvmColor *color, gdouble line_width);
void avm_canvas_dot (AvmCanvas *canvas, gdouble x, gdouble y, gdouble radius,
    const AvmColor *color);
/* NaN in @y breaks the line; x is x0 + i * dx */
void avm_canvas_curve (AvmCanvas *canvas, gdouble x0, gdouble dx,
    const gfloat *y, guint n, const AvmColor *color, gdouble line_width);

/* Text of a height in px. A label stands on a dark plate so that it can be
 * read over anything; plain text does not. Both are kept for the next frame. */
void avm_canvas_measure (AvmCanvas *canvas, const gchar *text, gdouble size,
    gboolean plate, gdouble *width, gdouble *height);
void avm_canvas_text (AvmCanvas *canvas, const gchar *text, gdouble size,
    const AvmColor *color, gboolean plate, gdouble x, gdouble y);

/* What was drawn since the last clear, NULL: nothing. It refers to the
 * canvas's own memory: drop it before drawing again. */
GstVideoOverlayComposition *avm_canvas_compose (AvmCanvas *canvas);
void avm_canvas_clear (AvmCanvas *canvas);

G_END_DECLS

#endif /* __AVM_CANVAS_H__ */
