/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The truth about a performance as events.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrc.h"

#include <string.h>

static GstClockTime
to_clock (gdouble seconds)
{
  return seconds <= 0.0 ? 0 : (GstClockTime)(seconds * GST_SECOND + 0.5);
}

static GPtrArray *
new_events (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
}

const gchar *
avm_test_role_name (guint role)
{
  static const gchar *const names[AVM_TEST_N_ROLES] = {
      "player", "hand", "bow", "face"};

  return names[role];
}

gint
avm_test_region_id (guint role, guint player)
{
  return gst_avm_region_id (avm_test_role_name (role), player);
}

static gdouble
seconds (const GstAvmTestSrc *self)
{
  return (gdouble)self->duration / GST_SECOND;
}

/* Whose region a note has: of a section, its leader's. */
static guint
note_player (const GstAvmTestSrc *self, const AvmPerformedNote *note)
{
  return (guint)(self->orchestra != NULL
          ? avm_orchestra_leader (self->orchestra, note->seat)
          : note->seat);
}

static GstAvmEvent *
note_event (const GstAvmTestSrc *self, const AvmPerformedNote *note, guint role)
{
  GstClockTime onset = to_clock (note->onset);
  GstAvmEvent *event =
      gst_avm_event_new (onset, to_clock (note->onset + note->duration) - onset,
          avm_test_region_id (role, note_player (self, note)), note->part, 1.0);

  gst_avm_event_set_double (event, "pitch", note->pitch);
  return event;
}

GPtrArray *
avm_test_truth_notes (const GstAvmTestSrc *self)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (self->ensemble, &n);

  for (size_t i = 0; i < n; i++) {
    GstAvmEvent *event = note_event (self, &notes[i], AVM_STAGE_PLAYER);

    gst_avm_event_set_int (event, "velocity", notes[i].velocity);
    gst_avm_event_set_double (event, "score-onset", notes[i].score_onset);
    gst_avm_event_set_double (event, "score-duration", notes[i].score_duration);
    gst_avm_event_set_double (event, "score-beat", notes[i].score_beat);
    g_ptr_array_add (events, event);
  }
  return events;
}

GPtrArray *
avm_test_truth_vibrato (const GstAvmTestSrc *self)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (self->ensemble, &n);

  for (size_t i = 0; i < n; i++) {
    GstAvmEvent *event = note_event (self, &notes[i], AVM_STAGE_HAND);

    gst_avm_event_set_boolean (event, "vibrato", notes[i].vibrato);
    gst_avm_event_set_string (event, "used", "none");
    gst_avm_event_set_string (event, "method", "truth");
    if (notes[i].vibrato) {
      gst_avm_event_set_double (event, "rate", notes[i].rate);
      gst_avm_event_set_double (event, "extent", notes[i].extent);
    }
    g_ptr_array_add (events, event);
  }
  return events;
}

/* -- who plays, and what ------------------------------------------------- */

static void
name_player (const GstAvmTestSrc *self, GstAvmEvent *event, guint player)
{
  if (self->orchestra == NULL)
    return;
  gst_avm_event_set_string (event, "player",
      avm_orchestra_player (self->orchestra, (int)player)->name);
  gst_avm_event_set_int (event, "cluster", (gint)player);
}

static void
add_activity (const GstAvmTestSrc *self, GPtrArray *events, GstClockTime from,
    GstClockTime to, guint player, gboolean playing)
{
  GstAvmEvent *event;

  if (to <= from)
    return;
  event = gst_avm_event_new (from, to - from,
      avm_test_region_id (AVM_STAGE_PLAYER, player),
      gst_avm_test_src_player_part (self, player), 1.0);
  gst_avm_event_set_boolean (event, "playing", playing);
  name_player (self, event, player);
  if (self->orchestra != NULL)
    gst_avm_event_set_string (event, "used", "truth");
  g_ptr_array_add (events, event);
}

static gint
compare_events (gconstpointer a, gconstpointer b)
{
  return gst_avm_event_compare (
      *(const GstAvmEvent *const *)a, *(const GstAvmEvent *const *)b);
}

/* Each player is either playing or not at any time of the performance. */
GPtrArray *
avm_test_truth_activity (const GstAvmTestSrc *self)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmActivity *activities = self->orchestra != NULL
      ? avm_orchestra_activities (self->orchestra, &n)
      : avm_ensemble_activities (self->ensemble, &n);

  for (guint player = 0; player < gst_avm_test_src_n_players (self); player++) {
    GstClockTime at = 0;

    for (size_t i = 0; i < n; i++) {
      const AvmActivity *a = &activities[i];
      GstClockTime from = to_clock (a->onset);
      GstClockTime to = to_clock (a->onset + a->duration);

      if (a->seat != (gint)player)
        continue;
      add_activity (self, events, at, from, player, FALSE);
      add_activity (self, events, from, to, player, TRUE);
      at = to;
    }
    add_activity (self, events, at, self->duration, player, FALSE);
  }
  g_ptr_array_sort (events, compare_events);
  return events;
}

GPtrArray *
avm_test_truth_association (const GstAvmTestSrc *self)
{
  GPtrArray *events = new_events ();

  for (guint role = 0; role < AVM_TEST_N_ROLES; role++) {
    for (guint player = 0; player < gst_avm_test_src_n_players (self); player++)
      g_ptr_array_add (events,
          gst_avm_event_new (0, self->duration,
              avm_test_region_id (role, player),
              gst_avm_test_src_player_part (self, player), 1.0));
  }
  return events;
}

/* -- shots --------------------------------------------------------------- */

GPtrArray *
avm_test_truth_shots (GstAvmTestSrc *self)
{
  GPtrArray *events;
  AvmTestPicture *picture;
  GstVideoInfo info;
  GArray *shots;

  gst_avm_test_src_get_video_info (self, "video", &info);
  picture =
      gst_avm_test_src_new_picture (self, &info, AVM_HALL_PROGRAMME, TRUE);
  if (picture == NULL)
    return NULL;
  events = new_events ();
  shots = avm_test_picture_shots (picture, seconds (self));
  for (guint i = 0; i < shots->len; i++) {
    const AvmHallShot *shot = &g_array_index (shots, AvmHallShot, i);
    GstClockTime from = to_clock (shot->onset);
    GstClockTime to = to_clock (shot->onset + shot->duration);
    GstAvmEvent *event =
        gst_avm_event_new (from, MIN (to, self->duration) - from, -1, -1, 1.0);

    gst_avm_event_set_string (event, "transition", i == 0 ? "start" : "cut");
    gst_avm_event_set_int (event, "camera", shot->camera);
    g_ptr_array_add (events, event);
  }
  g_array_unref (shots);
  avm_test_picture_free (picture);
  return events;
}

/* -- appearances --------------------------------------------------------- */

/* A face counts as seen from half of it. */
#define SEEN 0.5
#define APPEARANCE_STEP 0.25 /* s */
#define TURNED 0.35          /* rad; less is frontal */
#define TILTED 0.25

/* An appearance that has not ended yet. */
typedef struct {
  const gchar *orientation; /* NULL none */
  GstClockTime onset;
  guint n;
  gdouble x, y, w, h; /* sums */
} Appearance;

static const gchar *
orientation_of (const AvmSight *sight)
{
  if (sight->yaw < -TURNED)
    return "left";
  if (sight->yaw > TURNED)
    return "right";
  if (sight->tilt < -TILTED)
    return "tilted-left";
  return sight->tilt > TILTED ? "tilted-right" : "frontal";
}

static void
end_appearance (const GstAvmTestSrc *self, GPtrArray *events, Appearance *a,
    guint player, gint camera, GstClockTime end)
{
  GstAvmEvent *event;

  if (a->orientation != NULL && end > a->onset) {
    event = gst_avm_event_new (a->onset, end - a->onset,
        avm_test_region_id (AVM_STAGE_FACE, player),
        gst_avm_test_src_player_part (self, player), 1.0);
    name_player (self, event, player);
    gst_avm_event_set_int (event, "cluster", (gint)player);
    gst_avm_event_set_int (event, "camera", camera);
    gst_avm_event_set_double (event, "x", a->x / a->n);
    gst_avm_event_set_double (event, "y", a->y / a->n);
    gst_avm_event_set_double (event, "w", a->w / a->n);
    gst_avm_event_set_double (event, "h", a->h / a->n);
    gst_avm_event_set_string (event, "orientation", a->orientation);
    g_ptr_array_add (events, event);
  }
  memset (a, 0, sizeof (*a));
}

static void
watch_camera (const GstAvmTestSrc *self, const AvmTestPicture *picture,
    gint camera, GPtrArray *events)
{
  Appearance open[AVM_ORCHESTRA_MAX_PLAYERS] = {
      {NULL},
  };
  AvmSight sights[AVM_ORCHESTRA_MAX_PLAYERS];
  guint n = gst_avm_test_src_n_players (self);
  gdouble end = seconds (self);

  for (gdouble t = 0.0; t < end; t += APPEARANCE_STEP) {
    avm_test_picture_observe (picture, self, t, sights);
    for (guint i = 0; i < n; i++) {
      const AvmStageRect *face = &sights[i].boxes[AVM_STAGE_FACE];
      const gchar *seen =
          face->visible >= SEEN ? orientation_of (&sights[i]) : NULL;

      if (seen != open[i].orientation)
        end_appearance (self, events, &open[i], i, camera, to_clock (t));
      if (seen == NULL)
        continue;
      if (open[i].orientation == NULL)
        open[i].onset = to_clock (t);
      open[i].orientation = seen;
      open[i].n++;
      open[i].x += face->x;
      open[i].y += face->y;
      open[i].w += face->w;
      open[i].h += face->h;
    }
  }
  for (guint i = 0; i < n; i++)
    end_appearance (self, events, &open[i], i, camera, self->duration);
}

/* Every camera for itself, whatever the programme shows. */
GPtrArray *
avm_test_truth_appearance (GstAvmTestSrc *self)
{
  GPtrArray *events = new_events ();
  gint n = self->orchestra != NULL ? (gint)self->running.cameras : 1;

  for (gint camera = 0; camera < n; camera++) {
    g_autofree gchar *name = g_strdup_printf ("video_%d", camera);
    AvmTestPicture *picture;
    GstVideoInfo info;

    gst_avm_test_src_get_video_info (self, name, &info);
    picture = gst_avm_test_src_new_picture (self, &info, camera, TRUE);
    if (picture == NULL) {
      g_ptr_array_unref (events);
      return NULL;
    }
    watch_camera (self, picture, camera, events);
    avm_test_picture_free (picture);
  }
  g_ptr_array_sort (events, compare_events);
  return events;
}
