/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "learn/avm-diarise-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CAMERAS 100
/* Of the buffer before the file */
#define BUFFER ((size_t)8 << 20)
#define MAX_SIGHTINGS ((size_t)1 << 30)

void
avm_diarise_settings_init (AvmDiariseSettings *settings)
{
  /* Faces tell who it is, and their colours more than their edges, which turn
   * with the head. The upper body tells the pose, by edges and texture. */
  static const AvmDiariseSettings defaults = {
      .threshold = 0.12,
      .pose_threshold = 0.095,
      .max_poses = 6,
      .weights = {{3.0, 0.5, 0.5}, {2.0, 4.0, 6.0, 3.0, 3.0}},
      .pose_weights = {{0.1, 0.0, 1.0}, {6.0, 10.0, 12.0, 3.0, 2.0}},
      .use_map = true,
  };

  *settings = defaults;
}

static bool
good_weights (const AvmAppearanceWeights *weights)
{
  double parts = 0.0, descriptors = 0.0;

  for (int i = 0; i < AVM_N_BODY_PARTS; i++) {
    if (!(weights->parts[i] >= 0.0))
      return false;
    parts += weights->parts[i];
  }
  for (int i = 0; i < AVM_N_DESCRIPTORS; i++) {
    if (!(weights->descriptors[i] >= 0.0))
      return false;
    descriptors += weights->descriptors[i];
  }
  return parts > 0.0 && descriptors > 0.0 && isfinite (parts)
      && isfinite (descriptors);
}

AvmDiarise *
avm_diarise_new (
    const AvmDiariseSettings *settings, const char *directory, AvmError *error)
{
  AvmDiarise *self;

  if (settings->musicians < 0
      || !(settings->threshold >= 0.0 && settings->threshold <= 1.0)
      || !(settings->pose_threshold >= 0.0 && settings->pose_threshold <= 1.0)
      || settings->max_poses < 1 || settings->max_poses > 64
      || !good_weights (&settings->weights)
      || !good_weights (&settings->pose_weights)) {
    avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d musicians, thresholds %g and %g, %d poses, or weights",
        settings->musicians, settings->threshold, settings->pose_threshold,
        settings->max_poses);
    return NULL;
  }
  self = avm_alloc (1, sizeof (*self));
  if (self == NULL) {
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for sightings");
    return NULL;
  }
  self->settings = *settings;
  self->spill = avm_spill_new (directory, BUFFER, error);
  if (self->spill == NULL) {
    avm_free (self);
    return NULL;
  }
  avm_diarise_reset (self);
  return self;
}

/* Forgets the last run. */
static void
clear_results (AvmDiarise *self)
{
  for (int g = 0; g < self->n_groups; g++)
    free (self->groups[g].look);
  free (self->results);
  free (self->groups_of);
  free (self->groups);
  free (self->views);
  free (self->musicians_of);
  free (self->confidences);
  free (self->n_poses);
  free (self->seats);
  self->results = NULL;
  self->groups_of = NULL;
  self->groups = NULL;
  self->views = NULL;
  self->musicians_of = NULL;
  self->confidences = NULL;
  self->n_poses = NULL;
  self->seats = NULL;
  self->n_groups = self->groups_room = 0;
  self->n_views = self->views_room = self->n_musicians = 0;
  self->done = false;
}

void
avm_diarise_reset (AvmDiarise *self)
{
  clear_results (self);
  free (self->sightings);
  self->sightings = NULL;
  self->n = self->room = 0;
  for (int c = 0; c < CAMERAS; c++)
    self->last_shot[c] = self->last_frame[c] = 0;
  avm_spill_reset (self->spill);
}

void
avm_diarise_free (AvmDiarise *self)
{
  if (self == NULL)
    return;
  avm_diarise_reset (self);
  avm_spill_free (self->spill);
  avm_free (self);
}

/* -- sightings ------------------------------------------------------------- */

static bool
check_sighting (const AvmDiarise *self, const AvmSighting *s, AvmError *error)
{
  int64_t place = (int64_t)self->n;

  if (s->camera < 0 || s->camera >= CAMERAS)
    return avm_error_set (
        error, AVM_ERROR_RANGE, place, "camera %d", s->camera);
  if (s->track < 0 || s->shot < self->last_shot[s->camera]
      || s->frame < self->last_frame[s->camera])
    return avm_error_set (error, AVM_ERROR_RANGE, place,
        "track %d, shot %d after %d, frame %d after %d", s->track, s->shot,
        self->last_shot[s->camera], s->frame, self->last_frame[s->camera]);
  if (s->face.width < 1 || s->face.height < 1 || s->width < 1 || s->height < 1
      || !isfinite (s->time))
    return avm_error_set (error, AVM_ERROR_RANGE, place,
        "a face of %d x %d in a picture of %d x %d at %g s", s->face.width,
        s->face.height, s->width, s->height, s->time);
  return true;
}

bool
avm_diarise_add (AvmDiarise *self, const AvmSighting *sighting,
    const float *appearance, AvmError *error)
{
  if (!check_sighting (self, sighting, error))
    return false;
  for (int i = 0; i < AVM_APPEARANCE_SIZE; i++)
    if (!isfinite (appearance[i]))
      return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)self->n,
          "value %d of an appearance is %g", i, (double)appearance[i]);
  if (self->n == self->room) {
    size_t room = self->room > 0 ? 2 * self->room : 1024;
    AvmSighting *more = room <= MAX_SIGHTINGS
        ? realloc (self->sightings, room * sizeof (*more))
        : NULL;

    if (more == NULL)
      return avm_error_set (error, AVM_ERROR_MEMORY, (int64_t)self->n,
          "no memory for %zu sightings", room);
    self->sightings = more;
    self->room = room;
  }
  if (!avm_spill_append (
          self->spill, appearance, AVM_APPEARANCE_SIZE * sizeof (float), error))
    return false;
  self->sightings[self->n++] = *sighting;
  self->last_shot[sighting->camera] = sighting->shot;
  self->last_frame[sighting->camera] = sighting->frame;
  return true;
}

size_t
avm_diarise_n_sightings (const AvmDiarise *self)
{
  return self->n;
}

const AvmSighting *
avm_diarise_get_sighting (const AvmDiarise *self, size_t i)
{
  return i < self->n ? &self->sightings[i] : NULL;
}

bool
avm_diarise_read (
    AvmDiarise *self, size_t sighting, float *values, AvmError *error)
{
  size_t size = AVM_APPEARANCE_SIZE * sizeof (float);

  return avm_spill_read (
      self->spill, (uint64_t)sighting * size, values, size, error);
}

bool
avm_diarise_mean (AvmDiarise *self, const size_t *sightings, size_t n,
    size_t most, float *room, float *mean, AvmError *error)
{
  float seen[AVM_N_BODY_PARTS] = {0.0f};
  size_t used = AVM_MIN (n, most);

  memset (mean, 0, AVM_APPEARANCE_SIZE * sizeof (float));
  for (size_t i = 0; i < used; i++) {
    float *from = room + AVM_N_BODY_PARTS, *to = mean + AVM_N_BODY_PARTS;

    if (!avm_diarise_read (
            self, sightings[(2 * i + 1) * n / (2 * used)], room, error))
      return false;
    for (int p = 0; p < AVM_N_BODY_PARTS; p++) {
      mean[p] += room[p] / (float)used;
      seen[p] += room[p] > 0.0f ? 1.0f : 0.0f;
      for (int k = 0; k < AVM_DESCRIPTORS_SIZE; k++)
        *to++ += *from++;
    }
  }
  for (int p = 0; p < AVM_N_BODY_PARTS; p++)
    for (int k = 0; seen[p] > 0.0f && k < AVM_DESCRIPTORS_SIZE; k++)
      mean[AVM_N_BODY_PARTS + p * AVM_DESCRIPTORS_SIZE + k] /= seen[p];
  return true;
}

bool
avm_diarise_same_face (const AvmRect *a, const AvmRect *b)
{
  double w = AVM_MIN ((double)a->x + a->width, (double)b->x + b->width)
      - AVM_MAX (a->x, b->x);
  double h = AVM_MIN ((double)a->y + a->height, (double)b->y + b->height)
      - AVM_MAX (a->y, b->y);
  double least =
      AVM_MIN ((double)a->width * a->height, (double)b->width * b->height);

  return w > 0.0 && h > 0.0 && w * h > 0.5 * least;
}

/* -- the run --------------------------------------------------------------- */

bool
avm_diarise_tell (AvmDiarise *self, double done, AvmError *error)
{
  if (self->progress == NULL || self->progress (self->user, done))
    return true;
  return avm_error_set (error, AVM_ERROR_CANCELLED, -1, "stopped");
}

bool
avm_diarise_grow (void *array, int *room, int n, size_t size, AvmError *error)
{
  int wanted = *room > 0 ? *room : 64;
  void **where = array, *more;

  if (n <= *room)
    return true;
  while (wanted < n)
    wanted *= 2;
  more = realloc (*where, (size_t)wanted * size);
  if (more == NULL)
    return avm_error_set (
        error, AVM_ERROR_MEMORY, -1, "no memory for %d groups", wanted);
  *where = more;
  *room = wanted;
  return true;
}

bool
avm_diarise_run (AvmDiarise *self, bool (*progress) (void *user, double done),
    void *user, AvmError *error)
{
  unsigned ftz = avm_ftz_enable ();
  bool good;

  clear_results (self);
  if (self->n == 0)
    return avm_error_set (error, AVM_ERROR_EMPTY, -1, "nobody was seen");
  self->progress = progress;
  self->user = user;
  self->results = calloc (self->n, sizeof (*self->results));
  self->groups_of = calloc (self->n, sizeof (*self->groups_of));
  good = self->results != NULL && self->groups_of != NULL;
  if (!good)
    avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for results");
  good = good && avm_diarise_find_groups (self, error)
      && avm_diarise_tell (self, 0.3, error)
      && avm_diarise_find_musicians (self, error);
  for (size_t i = 0; good && i < self->n; i++) {
    int group = self->groups_of[i];

    self->results[i] = (AvmDiarised){.musician = self->musicians_of[group],
        .view = self->groups[group].view,
        .confidence = self->confidences[group]};
  }
  good = good && avm_diarise_tell (self, 0.5, error)
      && avm_diarise_find_poses (self, error)
      && avm_diarise_tell (self, 1.0, error);
  if (!good)
    clear_results (self);
  self->done = good;
  avm_ftz_restore (ftz);
  return good;
}

/* -- results --------------------------------------------------------------- */

int
avm_diarise_n_musicians (const AvmDiarise *self)
{
  return self->done ? self->n_musicians : 0;
}

int
avm_diarise_n_poses (const AvmDiarise *self, int musician)
{
  return self->done && musician >= 0 && musician < self->n_musicians
      ? self->n_poses[musician]
      : 0;
}

int
avm_diarise_n_views (const AvmDiarise *self)
{
  return self->done ? self->n_views : 0;
}

const AvmDiarised *
avm_diarise_get (const AvmDiarise *self, size_t i)
{
  return self->done && i < self->n ? &self->results[i] : NULL;
}

bool
avm_diarise_get_seat (const AvmDiarise *self, int musician, AvmSeat *seat)
{
  if (!self->done || musician < 0 || musician >= self->n_musicians)
    return false;
  *seat = self->seats[musician];
  return true;
}

/* -- what a person says ---------------------------------------------------- */

typedef struct {
  const AvmDiarise *self;
  int a, b;
  size_t place;
} Conflict;

static bool
find_conflict (void *user, size_t a, size_t b)
{
  Conflict *c = user;
  int m = c->self->results[a].musician, n = c->self->results[b].musician;

  if (!((m == c->a && n == c->b) || (m == c->b && n == c->a)))
    return true;
  c->place = n == c->b ? b : a;
  return false;
}

static void
join_seats (AvmSeat *a, const AvmSeat *b)
{
  double wa = a->known ? a->views : 0.0, wb = b->known ? b->views : 0.0;

  if (b->known && wa + wb > 0.0) {
    a->x = wa > 0.0 ? (wa * a->x + wb * b->x) / (wa + wb) : b->x;
    a->z = wa > 0.0 ? (wa * a->z + wb * b->z) / (wa + wb) : b->z;
    a->known = true;
  }
  a->views += b->views;
}

bool
avm_diarise_join (AvmDiarise *self, int a, int b, AvmError *error)
{
  Conflict conflict = {self, AVM_MIN (a, b), AVM_MAX (a, b), SIZE_MAX};
  int low = conflict.a, high = conflict.b;
  AvmError inner = {0};

  if (!self->done || low < 0 || high >= self->n_musicians || low == high)
    return avm_error_set (
        error, AVM_ERROR_RANGE, -1, "musicians %d and %d", a, b);
  if (!avm_diarise_each_pair (self, find_conflict, &conflict, &inner)) {
    if (conflict.place == SIZE_MAX)
      return avm_error_set (error, inner.code, -1, "%s", inner.detail);
    return avm_error_set (error, AVM_ERROR_CORRUPT, (int64_t)conflict.place,
        "musicians %d and %d are in one picture", a, b);
  }
  for (size_t i = 0; i < self->n; i++) {
    AvmDiarised *r = &self->results[i];

    if (r->musician == high) {
      r->musician = low;
      r->pose += self->n_poses[low];
    } else if (r->musician > high) {
      r->musician--;
    }
  }
  for (int g = 0; g < self->n_groups; g++) {
    int *m = &self->musicians_of[g];

    *m = *m == high ? low : *m > high ? *m - 1 : *m;
  }
  self->n_poses[low] += self->n_poses[high];
  join_seats (&self->seats[low], &self->seats[high]);
  self->n_musicians--;
  for (int m = high; m < self->n_musicians; m++) {
    self->n_poses[m] = self->n_poses[m + 1];
    self->seats[m] = self->seats[m + 1];
  }
  return true;
}

int
avm_diarise_questions (const AvmDiarise *self, int *musicians, int n)
{
  int all = avm_diarise_n_musicians (self), asked = 0;
  double *worth = all > 0 ? calloc ((size_t)all, sizeof (double)) : NULL;

  if (worth == NULL)
    return 0;
  for (size_t i = 0; i < self->n; i++)
    worth[self->results[i].musician] += 1.0 - self->results[i].confidence;
  while (asked < AVM_MIN (n, all)) {
    int best = 0;

    for (int m = 1; m < all; m++)
      if (worth[m] > worth[best])
        best = m;
    musicians[asked++] = best;
    worth[best] = -1.0;
  }
  free (worth);
  return asked;
}
