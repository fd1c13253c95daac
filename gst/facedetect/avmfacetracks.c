/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmfacetracks.h"

#include <math.h>

/* the same face: centres nearer than this, in sizes of a face */
#define MAX_DISTANCE 0.9f
/* and of about one size */
#define MAX_GROWTH 1.7f
/* a shift of all faces must explain so many more of them than none */
#define SHIFT_GAIN 2

struct _AvmFaceTracks {
  guint most, next;
  GArray *tracks; /* of AvmFaceTrack */
};

typedef struct {
  gfloat cost;
  guint track, face;
} Pair;

AvmFaceTracks *
avm_face_tracks_new (guint most)
{
  AvmFaceTracks *self = g_new0 (AvmFaceTracks, 1);

  self->most = most;
  self->tracks = g_array_new (FALSE, FALSE, sizeof (AvmFaceTrack));
  return self;
}

void
avm_face_tracks_free (AvmFaceTracks *self)
{
  g_array_unref (self->tracks);
  g_free (self);
}

void
avm_face_tracks_forget (AvmFaceTracks *self)
{
  g_array_set_size (self->tracks, 0);
}

void
avm_face_tracks_reset (AvmFaceTracks *self)
{
  avm_face_tracks_forget (self);
  self->next = 0;
}

static AvmFaceTrack *
track_at (const AvmFaceTracks *self, guint index)
{
  return &g_array_index (self->tracks, AvmFaceTrack, index);
}

guint
avm_face_tracks_count (const AvmFaceTracks *self)
{
  return self->tracks->len;
}

const AvmFaceTrack *
avm_face_tracks_nth (const AvmFaceTracks *self, guint index)
{
  return track_at (self, index);
}

void
avm_face_tracks_scale (AvmFaceTracks *self, gdouble sx, gdouble sy)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    AvmDlibFace *face = &track_at (self, i)->face;

    face->x *= (gfloat)sx;
    face->w *= (gfloat)sx;
    face->y *= (gfloat)sy;
    face->h *= (gfloat)sy;
  }
}

/* Distance of the centres in sizes of a face when the earlier one is moved by
 * dx, dy; infinite when they cannot be the same face. */
static gfloat
distance (
    const AvmDlibFace *before, const AvmDlibFace *now, gfloat dx, gfloat dy)
{
  gfloat x = now->x + 0.5f * now->w - before->x - 0.5f * before->w - dx;
  gfloat y = now->y + 0.5f * now->h - before->y - 0.5f * before->h - dy;
  gfloat growth = MAX (now->w / before->w, before->w / now->w);
  gfloat d = hypotf (x, y) / (0.5f * (before->w + now->w));

  return growth > MAX_GROWTH || d > MAX_DISTANCE ? INFINITY : d;
}

static guint
explained (const AvmFaceTracks *self, const AvmDlibFace *faces, guint n_faces,
    gfloat dx, gfloat dy)
{
  guint n = 0;

  for (guint t = 0; t < self->tracks->len; t++)
    for (guint f = 0; f < n_faces; f++)
      if (distance (&track_at (self, t)->face, &faces[f], dx, dy) < 0.5f) {
        n++;
        break;
      }
  return n;
}

/* A camera that turns moves all faces alike, perhaps by more than one. */
static void
find_shift (const AvmFaceTracks *self, const AvmDlibFace *faces, guint n_faces,
    gfloat *dx, gfloat *dy)
{
  guint best = explained (self, faces, n_faces, 0.0f, 0.0f) + SHIFT_GAIN - 1;
  gfloat shortest = INFINITY;

  *dx = *dy = 0.0f;
  for (guint t = 0; t < self->tracks->len; t++)
    for (guint f = 0; f < n_faces; f++) {
      const AvmDlibFace *before = &track_at (self, t)->face;
      gfloat x = faces[f].x + 0.5f * faces[f].w - before->x - 0.5f * before->w;
      gfloat y = faces[f].y + 0.5f * faces[f].h - before->y - 0.5f * before->h;
      guint n = explained (self, faces, n_faces, x, y);

      if (n > best
          || (n == best && shortest < INFINITY && hypotf (x, y) < shortest)) {
        best = n;
        shortest = hypotf (x, y);
        *dx = x;
        *dy = y;
      }
    }
}

static gint
by_cost (gconstpointer a, gconstpointer b)
{
  gfloat x = ((const Pair *)a)->cost, y = ((const Pair *)b)->cost;

  return (x > y) - (x < y);
}

static GArray *
make_pairs (const AvmFaceTracks *self, const AvmDlibFace *faces, guint n_faces)
{
  GArray *pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  gfloat dx, dy;

  find_shift (self, faces, n_faces, &dx, &dy);
  for (guint t = 0; t < self->tracks->len; t++)
    for (guint f = 0; f < n_faces; f++) {
      Pair pair = {
          distance (&track_at (self, t)->face, &faces[f], dx, dy), t, f};

      if (pair.cost < INFINITY)
        g_array_append_val (pairs, pair);
    }
  g_array_sort (pairs, by_cost);
  return pairs;
}

static gboolean
is_used (const AvmFaceTracks *self, guint number)
{
  for (guint i = 0; i < self->tracks->len; i++)
    if (track_at (self, i)->number == number)
      return TRUE;
  return FALSE;
}

/* Makes room by the face that was not seen for the longest time. */
static gboolean
drop_stalest (AvmFaceTracks *self)
{
  guint stalest = self->tracks->len;

  for (guint i = 0; i < self->tracks->len; i++)
    if (!track_at (self, i)->fresh
        && (stalest == self->tracks->len
            || track_at (self, i)->seen < track_at (self, stalest)->seen))
      stalest = i;
  if (stalest == self->tracks->len)
    return FALSE;
  g_array_remove_index (self->tracks, stalest);
  return TRUE;
}

static gboolean
add (AvmFaceTracks *self, const AvmDlibFace *face, guint64 now)
{
  AvmFaceTrack track = {0, *face, now, TRUE, TRUE};

  if (self->tracks->len >= self->most && !drop_stalest (self))
    return FALSE;
  while (is_used (self, self->next))
    self->next = (self->next + 1) % self->most;
  track.number = self->next;
  self->next = (self->next + 1) % self->most;
  g_array_append_val (self->tracks, track);
  return TRUE;
}

static gint
from_left (gconstpointer a, gconstpointer b)
{
  const AvmDlibFace *x = *(const AvmDlibFace *const *)a;
  const AvmDlibFace *y = *(const AvmDlibFace *const *)b;

  return x->x != y->x ? (x->x > y->x) - (x->x < y->x)
                      : (x->y > y->y) - (x->y < y->y);
}

static void
forget_stale (AvmFaceTracks *self, guint64 now, guint64 forget)
{
  for (guint i = self->tracks->len; i > 0; i--) {
    AvmFaceTrack *track = track_at (self, i - 1);

    track->fresh = track->first = FALSE;
    if (now > track->seen && now - track->seen > forget)
      g_array_remove_index (self->tracks, i - 1);
  }
}

/* Gives known faces their places; `left` gets the others. */
static void
take_known (AvmFaceTracks *self, const AvmDlibFace *faces, guint n_faces,
    guint64 now, GPtrArray *left)
{
  GArray *pairs = make_pairs (self, faces, n_faces);
  gboolean *taken = g_new0 (gboolean, n_faces + 1);

  for (guint i = 0; i < pairs->len; i++) {
    const Pair *pair = &g_array_index (pairs, Pair, i);
    AvmFaceTrack *track = track_at (self, pair->track);

    if (track->fresh || taken[pair->face])
      continue;
    track->face = faces[pair->face];
    track->seen = now;
    track->fresh = taken[pair->face] = TRUE;
  }
  for (guint f = 0; f < n_faces; f++)
    if (!taken[f])
      g_ptr_array_add (left, (gpointer)&faces[f]);
  g_free (taken);
  g_array_unref (pairs);
}

gint
avm_face_tracks_update (AvmFaceTracks *self, const AvmDlibFace *faces,
    guint n_faces, gfloat least, guint64 now, guint64 forget)
{
  GPtrArray *left = g_ptr_array_new ();
  gint n = 0;
  gboolean fits = TRUE;

  forget_stale (self, now, forget);
  take_known (self, faces, n_faces, now, left);
  g_ptr_array_sort (left, from_left);
  for (guint i = 0; i < left->len; i++) {
    const AvmDlibFace *face = g_ptr_array_index (left, i);

    if (face->score >= least)
      fits &= add (self, face, now);
  }
  g_ptr_array_unref (left);
  for (guint i = 0; i < self->tracks->len; i++)
    n += track_at (self, i)->fresh;
  return fits ? n : -1;
}
