/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The truth about a performance as events.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrc.h"

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
avm_test_region_id (guint role, guint seat)
{
  return gst_avm_region_id (avm_test_role_name (role), seat);
}

static GstAvmEvent *
note_event (const AvmPerformedNote *note, guint role)
{
  GstClockTime onset = to_clock (note->onset);
  GstAvmEvent *event =
      gst_avm_event_new (onset, to_clock (note->onset + note->duration) - onset,
          avm_test_region_id (role, (guint)note->seat), note->part, 1.0);

  gst_avm_event_set_double (event, "pitch", note->pitch);
  return event;
}

GPtrArray *
avm_test_truth_notes (const AvmEnsemble *ensemble)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (ensemble, &n);

  for (size_t i = 0; i < n; i++) {
    GstAvmEvent *event = note_event (&notes[i], AVM_STAGE_PLAYER);

    gst_avm_event_set_int (event, "velocity", notes[i].velocity);
    gst_avm_event_set_double (event, "score-onset", notes[i].score_onset);
    gst_avm_event_set_double (event, "score-duration", notes[i].score_duration);
    gst_avm_event_set_double (event, "score-beat", notes[i].score_beat);
    g_ptr_array_add (events, event);
  }
  return events;
}

GPtrArray *
avm_test_truth_vibrato (const AvmEnsemble *ensemble)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmPerformedNote *notes = avm_ensemble_notes (ensemble, &n);

  for (size_t i = 0; i < n; i++) {
    GstAvmEvent *event = note_event (&notes[i], AVM_STAGE_HAND);

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

static void
add_activity (GPtrArray *events, GstClockTime from, GstClockTime to, guint seat,
    gint part, gboolean playing)
{
  GstAvmEvent *event;

  if (to <= from)
    return;
  event = gst_avm_event_new (
      from, to - from, avm_test_region_id (AVM_STAGE_PLAYER, seat), part, 1.0);
  gst_avm_event_set_boolean (event, "playing", playing);
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
avm_test_truth_activity (const AvmEnsemble *ensemble, GstClockTime duration)
{
  GPtrArray *events = new_events ();
  size_t n;
  const AvmActivity *activities = avm_ensemble_activities (ensemble, &n);

  for (gint seat = 0; seat < avm_ensemble_n_players (ensemble); seat++) {
    gint part = avm_ensemble_player (ensemble, seat)->part;
    GstClockTime at = 0;

    for (size_t i = 0; i < n; i++) {
      const AvmActivity *a = &activities[i];
      GstClockTime from = to_clock (a->onset);
      GstClockTime to = to_clock (a->onset + a->duration);

      if (a->seat != seat)
        continue;
      add_activity (events, at, from, (guint)seat, part, FALSE);
      add_activity (events, from, to, (guint)seat, part, TRUE);
      at = to;
    }
    add_activity (events, at, duration, (guint)seat, part, FALSE);
  }
  g_ptr_array_sort (events, compare_events);
  return events;
}

GPtrArray *
avm_test_truth_association (const AvmEnsemble *ensemble, GstClockTime duration)
{
  GPtrArray *events = new_events ();

  for (guint role = 0; role < AVM_TEST_N_ROLES; role++) {
    for (gint seat = 0; seat < avm_ensemble_n_players (ensemble); seat++)
      g_ptr_array_add (events,
          gst_avm_event_new (0, duration,
              avm_test_region_id (role, (guint)seat),
              avm_ensemble_player (ensemble, seat)->part, 1.0));
  }
  return events;
}
