/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-diarise-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Tracks of a shot at one place: distance in sizes of a face, and ratio */
#define PLACE 0.5
#define RATIO 1.35
/* Sightings of which the look of a place is the mean */
#define LOOKS 5
/* Looks of two places that are to be one may be this much less alike than
 * those of one person elsewhere. */
#define LOOSE 1.4

/* Sightings in an order of their own, so that that of adding, which depends
 * on how threads were scheduled, does not matter */
typedef struct {
  int camera, shot, track, frame;
  size_t i;
} Key;

static int
compare_keys (const void *a, const void *b)
{
  const Key *x = a, *y = b;

  if (x->camera != y->camera)
    return x->camera < y->camera ? -1 : 1;
  if (x->shot != y->shot)
    return x->shot < y->shot ? -1 : 1;
  if (x->track != y->track)
    return x->track < y->track ? -1 : 1;
  if (x->frame != y->frame)
    return x->frame < y->frame ? -1 : 1;
  return x->i < y->i ? -1 : x->i > y->i;
}

static int
compare_frames (const void *a, const void *b)
{
  const Key *x = a, *y = b;

  if (x->camera != y->camera)
    return x->camera < y->camera ? -1 : 1;
  if (x->frame != y->frame)
    return x->frame < y->frame ? -1 : 1;
  return x->i < y->i ? -1 : x->i > y->i;
}

static Key *
make_keys (const AvmDiarise *self, int (*compare) (const void *, const void *),
    AvmError *error)
{
  Key *keys = malloc (self->n * sizeof (*keys));

  if (keys == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory to sort sightings");
    return NULL;
  }
  for (size_t i = 0; i < self->n; i++) {
    const AvmSighting *s = &self->sightings[i];

    keys[i] = (Key){s->camera, s->shot, s->track, s->frame, i};
  }
  qsort (keys, self->n, sizeof (*keys), compare);
  return keys;
}

bool
avm_diarise_each_pair (const AvmDiarise *self,
    bool (*visit) (void *user, size_t a, size_t b), void *user, AvmError *error)
{
  Key *keys = make_keys (self, compare_frames, error);
  bool good = keys != NULL;

  for (size_t i = 0, end; good && i < self->n; i = end) {
    for (end = i; end < self->n && keys[end].camera == keys[i].camera
         && keys[end].frame == keys[i].frame;)
      end++;
    for (size_t a = i; good && a < end; a++)
      for (size_t b = a + 1; good && b < end; b++)
        if (!avm_diarise_same_face (&self->sightings[keys[a].i].face,
                &self->sightings[keys[b].i].face))
          good = visit (user, keys[a].i, keys[b].i);
  }
  free (keys);
  return good;
}

static bool
found_before (const AvmDiarise *self, const Key *keys, size_t first, size_t i)
{
  for (size_t k = first; k < i; k++)
    if (avm_diarise_same_face (
            &self->sightings[keys[k].i].face, &self->sightings[keys[i].i].face))
      return true;
  return false;
}

bool
avm_diarise_check_number (const AvmDiarise *self, AvmError *error)
{
  Key *keys;
  bool good = true;

  if (self->settings.musicians == 0)
    return true;
  keys = make_keys (self, compare_frames, error);
  if (keys == NULL)
    return false;
  for (size_t i = 0, end; good && i < self->n; i = end) {
    int faces = 0;

    for (end = i; end < self->n && keys[end].camera == keys[i].camera
         && keys[end].frame == keys[i].frame;
         end++)
      faces += !found_before (self, keys, i, end);
    if (faces > self->settings.musicians)
      good = avm_error_set (error, AVM_ERROR_RANGE, (int64_t)keys[i].i,
          "%d faces in the picture at %g s, of %d musicians", faces,
          self->sightings[keys[i].i].time, self->settings.musicians);
  }
  free (keys);
  return good;
}

/* -- places: tracks of a shot ---------------------------------------------- */

/* first, n: of the shot's keys, by frame; place: its number in the shot */
typedef struct {
  size_t first, n;
  AvmSceneFace face;
  int place;
} Track;

typedef struct {
  AvmSceneFace face;
  size_t n;
  size_t *sightings; /* n, by frame; a part of Work.order */
  float *look;
} Place;

typedef struct {
  AvmDiarise *self;
  Key *keys;
  Track *tracks;
  int n_tracks, tracks_room;
  Place *places;
  int n_places, places_room;
  size_t *order; /* n of the shot */
  double *room;
  float *values;
  /* while a shot is compared with a view */
  const int *members; /* groups of the view */
} Work;

static void
measure_track (Work *w, Track *t)
{
  for (int what = 0; what < 3; what++) {
    double *out = what == 0 ? &t->face.x
        : what == 1         ? &t->face.y
                            : &t->face.size;

    for (size_t i = 0; i < t->n; i++) {
      const AvmRect *r = &w->self->sightings[w->keys[t->first + i].i].face;

      w->room[i] = what == 0 ? r->x + 0.5 * r->width
          : what == 1        ? r->y + 0.5 * r->height
                             : sqrt ((double)r->width * r->height);
    }
    *out = avm_median (w->room, t->n);
  }
  t->face.weight = (double)t->n;
}

static bool
same_frame (const Work *w, const Track *a, const Track *b)
{
  size_t i = 0, j = 0;

  while (i < a->n && j < b->n) {
    int x = w->keys[a->first + i].frame, y = w->keys[b->first + j].frame;

    if (x == y)
      return true;
    if (x < y)
      i++;
    else
      j++;
  }
  return false;
}

static bool
find_tracks (Work *w, size_t first, size_t n, AvmError *error)
{
  w->n_tracks = 0;
  for (size_t i = first; i < first + n;) {
    Track *t;

    if (!avm_diarise_grow (&w->tracks, &w->tracks_room, w->n_tracks + 1,
            sizeof (*w->tracks), error))
      return false;
    t = &w->tracks[w->n_tracks++];
    t->first = i;
    while (i < first + n && w->keys[i].track == w->keys[t->first].track)
      i++;
    t->n = i - t->first;
    t->place = -1;
    measure_track (w, t);
  }
  return true;
}

static bool
near_enough (const AvmSceneFace *a, const AvmSceneFace *b)
{
  double size = sqrt (a->size * b->size), ratio = a->size / b->size;

  return ratio < RATIO && ratio > 1.0 / RATIO
      && hypot (a->x - b->x, a->y - b->y) < PLACE * size;
}

/* Whether a track may be of this place: none of its tracks is in one frame
 * with it. */
static bool
fits (const Work *w, const Track *t, int place)
{
  for (int i = 0; i < w->n_tracks; i++)
    if (w->tracks[i].place == place && same_frame (w, &w->tracks[i], t))
      return false;
  return true;
}

static void
add_weighted (AvmSceneFace *to, const AvmSceneFace *from)
{
  double sum = to->weight + from->weight;

  to->x = (to->x * to->weight + from->x * from->weight) / sum;
  to->y = (to->y * to->weight + from->y * from->weight) / sum;
  to->size = (to->size * to->weight + from->size * from->weight) / sum;
  to->weight = sum;
}

static bool
look_at (
    Work *w, const size_t *sightings, size_t n, float **look, AvmError *error)
{
  *look = malloc (AVM_APPEARANCE_SIZE * sizeof (float));
  if (*look == NULL)
    return avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "no memory for appearances");
  return avm_diarise_mean (
      w->self, sightings, n, LOOKS, w->values, *look, error);
}

/* The place that a track goes on with: the nearest that it fits and looks
 * like; -1: none. The look of the track is in *look then. */
static int
find_place (const Work *w, const Track *t, const float *look)
{
  const AvmDiariseSettings *s = &w->self->settings;
  double least = HUGE_VAL;
  int best = -1;

  for (int p = 0; p < w->n_places; p++) {
    double d = hypot (
        w->places[p].face.x - t->face.x, w->places[p].face.y - t->face.y);

    if (d < least && near_enough (&w->places[p].face, &t->face)
        && fits (w, t, p)
        && avm_appearance_distance (&s->weights, w->places[p].look, look)
            < LOOSE * s->threshold) {
      least = d;
      best = p;
    }
  }
  return best;
}

static void
clear_places (Work *w)
{
  for (int p = 0; p < w->n_places; p++)
    free (w->places[p].look);
  w->n_places = 0;
}

/* Long tracks first, so that places begin with what is known best */
static int
compare_tracks (const void *a, const void *b)
{
  const Track *x = a, *y = b;

  if (x->n != y->n)
    return x->n > y->n ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

static bool
place_track (Work *w, Track *t, AvmError *error)
{
  size_t *sightings = w->order;
  float *look;
  int place;

  for (size_t i = 0; i < t->n; i++)
    sightings[i] = w->keys[t->first + i].i;
  if (!look_at (w, sightings, t->n, &look, error)) {
    free (look);
    return false;
  }
  place = find_place (w, t, look);
  if (place >= 0) {
    free (look);
    add_weighted (&w->places[place].face, &t->face);
  } else {
    if (!avm_diarise_grow (&w->places, &w->places_room, w->n_places + 1,
            sizeof (*w->places), error)) {
      free (look);
      return false;
    }
    place = w->n_places++;
    w->places[place] = (Place){.face = t->face, .look = look};
  }
  t->place = place;
  return true;
}

/* -- groups: places of shots with one framing ------------------------------- */

static double
look_distance (void *user, int i, int j)
{
  Work *w = user;

  return avm_appearance_distance (&w->self->settings.weights, w->places[i].look,
      w->self->groups[w->members[j]].look);
}

/* The settings by which the looks of two places are judged */
static AvmSceneSettings
scene_settings (const AvmDiarise *self)
{
  AvmSceneSettings s;

  avm_scenemap_settings_init (&s);
  s.even = AVM_MAX (self->settings.threshold, 1e-3);
  s.spread = 0.25 * s.even;
  return s;
}

static int
members_of (const AvmDiarise *self, int view, int *members, AvmSceneFace *faces)
{
  int n = 0;

  for (int g = 0; g < self->n_groups && n < AVM_SCENEMAP_MAX_IN_VIEW; g++)
    if (self->groups[g].view == view) {
      faces[n] = self->groups[g].face;
      members[n++] = g;
    }
  return n;
}

/* The view whose framing the shot has; groups: for each place one of it or
 * -1. A new one when there is none. */
static int
find_view (Work *w, const AvmSighting *sample, AvmSceneShift *shift,
    int *groups, AvmError *error)
{
  AvmDiarise *self = w->self;
  AvmSceneSettings settings = scene_settings (self);
  AvmSceneFace places[AVM_SCENEMAP_MAX_IN_VIEW];
  AvmSceneFace faces[AVM_SCENEMAP_MAX_IN_VIEW];
  int members[AVM_SCENEMAP_MAX_IN_VIEW], mates[AVM_SCENEMAP_MAX_IN_VIEW];
  int n = AVM_MIN (w->n_places, AVM_SCENEMAP_MAX_IN_VIEW);
  int best = -1, most = 0;

  for (int p = 0; p < n; p++)
    places[p] = w->places[p].face;
  for (int p = 0; p < w->n_places; p++)
    groups[p] = -1;
  w->members = members;
  for (int v = 0; v < self->n_views; v++) {
    AvmSceneShift found;
    int n_members, agree = 0;

    if (self->views[v].width != sample->width
        || self->views[v].height != sample->height)
      continue;
    n_members = members_of (self, v, members, faces);
    if (!avm_scenemap_same_framing (&settings, places, n, faces, n_members,
            look_distance, w, &found, mates))
      continue;
    for (int p = 0; p < n; p++)
      agree += mates[p] >= 0;
    if (agree <= most)
      continue;
    most = agree;
    best = v;
    *shift = found;
    for (int p = 0; p < n; p++)
      groups[p] = mates[p] >= 0 ? members[mates[p]] : -1;
  }
  w->members = NULL;
  /* without room for a group there is no new view: its faces go to others */
  if (best >= 0 || self->n_groups >= AVM_DIARISE_MAX_GROUPS)
    return AVM_MAX (best, 0);
  *shift = (AvmSceneShift){1.0, 0.0, 0.0};
  if (!avm_diarise_grow (&self->views, &self->views_room, self->n_views + 1,
          sizeof (*self->views), error))
    return -1;
  self->views[self->n_views] =
      (AvmDiariseView){sample->width, sample->height, 0};
  return self->n_views++;
}

/* When there are too many groups: the one that looks most like the place and
 * is not in this shot already */
static int
nearest_group (const Work *w, int place, const int *groups)
{
  const AvmDiarise *self = w->self;
  double least = HUGE_VAL;
  int best = -1;

  for (int g = 0; g < self->n_groups; g++) {
    bool taken = false;
    double d;

    for (int p = 0; p < w->n_places && !taken; p++)
      taken = groups[p] == g;
    if (taken)
      continue;
    d = avm_appearance_distance (
        &self->settings.weights, w->places[place].look, self->groups[g].look);
    if (d < least) {
      least = d;
      best = g;
    }
  }
  return best;
}

static bool
add_place (Work *w, int place, int view, const AvmSceneShift *shift,
    int *groups, AvmError *error)
{
  AvmDiarise *self = w->self;
  Place *p = &w->places[place];
  AvmSceneFace face = {shift->scale * p->face.x + shift->dx,
      shift->scale * p->face.y + shift->dy, shift->scale * p->face.size,
      p->face.weight};
  const AvmDiariseSettings *s = &self->settings;
  AvmDiariseGroup *g;

  /* somebody else at this place, or the same in another light? */
  if (groups[place] >= 0
      && avm_appearance_distance (
             &s->weights, p->look, self->groups[groups[place]].look)
          >= LOOSE * s->threshold)
    groups[place] = -1;
  if (groups[place] < 0 && self->n_groups >= AVM_DIARISE_MAX_GROUPS) {
    groups[place] = nearest_group (w, place, groups);
    return groups[place] >= 0
        || avm_error_set (error, AVM_ERROR_RANGE, -1,
            "more than %d faces in a shot", AVM_DIARISE_MAX_GROUPS);
  }
  if (groups[place] >= 0) {
    add_weighted (&self->groups[groups[place]].face, &face);
    return true;
  }
  if (!avm_diarise_grow (&self->groups, &self->groups_room, self->n_groups + 1,
          sizeof (*self->groups), error))
    return false;
  g = &self->groups[self->n_groups];
  *g = (AvmDiariseGroup){.view = view, .face = face, .look = p->look};
  p->look = NULL;
  groups[place] = self->n_groups++;
  return true;
}

static bool
add_shot (Work *w, size_t first, size_t n, AvmError *error)
{
  AvmDiarise *self = w->self;
  AvmSceneShift shift;
  int *groups, view;
  bool good = true;

  if (!find_tracks (w, first, n, error))
    return false;
  qsort (w->tracks, (size_t)w->n_tracks, sizeof (*w->tracks), compare_tracks);
  clear_places (w);
  for (int t = 0; t < w->n_tracks; t++)
    if (!place_track (w, &w->tracks[t], error))
      return false;
  groups = malloc ((size_t)w->n_places * sizeof (int));
  if (groups == NULL)
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for places");
  view =
      find_view (w, &self->sightings[w->keys[first].i], &shift, groups, error);
  good = view >= 0;
  for (int p = 0; good && p < w->n_places; p++)
    good = add_place (w, p, view, &shift, groups, error);
  if (good)
    self->views[view].n_shots++;
  for (int t = 0; good && t < w->n_tracks; t++)
    for (size_t i = 0; i < w->tracks[t].n; i++)
      self->groups_of[w->keys[w->tracks[t].first + i].i] =
          groups[w->tracks[t].place];
  free (groups);
  return good;
}

bool
avm_diarise_find_groups (AvmDiarise *self, AvmError *error)
{
  Work w = {.self = self, .keys = make_keys (self, compare_keys, error)};
  bool good = w.keys != NULL;

  w.order = malloc (self->n * sizeof (*w.order));
  w.room = malloc (self->n * sizeof (*w.room));
  w.values = malloc (AVM_APPEARANCE_SIZE * sizeof (float));
  if (good && (w.order == NULL || w.room == NULL || w.values == NULL))
    good = avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for shots");
  for (size_t i = 0, end; good && i < self->n; i = end) {
    for (end = i; end < self->n && w.keys[end].camera == w.keys[i].camera
         && w.keys[end].shot == w.keys[i].shot;)
      end++;
    good = add_shot (&w, i, end - i, error)
        && avm_diarise_tell (self, 0.3 * (double)end / (double)self->n, error);
  }
  clear_places (&w);
  free (w.places);
  free (w.tracks);
  free (w.keys);
  free (w.order);
  free (w.room);
  free (w.values);
  return good;
}
