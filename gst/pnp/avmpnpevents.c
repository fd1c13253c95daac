/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmpnpevents.h"

#include <string.h>

/* A run of a face */
typedef struct {
  guint n; /* 0: there is none */
  gint person, pose, orientation, frame, width, height;
  GstClockTime start, end;
  gdouble x, y, w, h, confidence; /* sums */
} Run;

static GPtrArray *
new_events (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
}

static gint
compare_events (gconstpointer a, gconstpointer b)
{
  return gst_avm_event_compare (
      *(const GstAvmEvent *const *)a, *(const GstAvmEvent *const *)b);
}

/* Several begin together; their order is the same in every run. */
static gint
compare_appearances (gconstpointer a, gconstpointer b)
{
  const GstAvmEvent *p = *(const GstAvmEvent *const *)a;
  const GstAvmEvent *q = *(const GstAvmEvent *const *)b;
  gint c = 0, d = 0, order = gst_avm_event_compare (p, q);
  gdouble x = 0.0, y = 0.0;

  if (order != 0)
    return order;
  gst_avm_event_get_int (p, "camera", &c);
  gst_avm_event_get_int (q, "camera", &d);
  if (c != d)
    return c < d ? -1 : 1;
  gst_avm_event_get_double (p, "x", &x);
  gst_avm_event_get_double (q, "x", &y);
  return x < y ? -1 : x > y;
}

static GstClockTime
to_clock (gdouble seconds)
{
  return seconds <= 0.0 ? 0 : (GstClockTime)(seconds * GST_SECOND + 0.5);
}

gint
avm_pnp_part_of (const AvmPlaying *playing, gint person)
{
  gint part = avm_playing_get_part (playing, person, NULL);

  return part >= 0 ? part : GST_AVM_NONE;
}

static void
name_person (
    GstAvmEvent *event, const AvmPnpPeople *people, gint person, gint pose)
{
  const gchar *name = avm_pnp_people_name (people, person);

  if (name != NULL)
    gst_avm_event_set_string (event, "player", name);
  gst_avm_event_set_int (event, "cluster", person);
  if (pose >= 0)
    gst_avm_event_set_int (event, "sub-cluster", pose);
}

/* -- appearance ----------------------------------------------------------- */

static void
end_run (Run *run, gint camera, const AvmPnpPeople *people,
    const AvmPlaying *playing, GPtrArray *events)
{
  const gchar *orientation = avm_pnp_orientation_name (run->orientation);
  GstAvmEvent *event;

  if (run->n == 0)
    return;
  event = gst_avm_event_new (run->start, run->end - run->start,
      gst_avm_region_id ("face", (guint)run->person),
      avm_pnp_part_of (playing, run->person), run->confidence / run->n);
  name_person (event, people, run->person, run->pose);
  gst_avm_event_set_int (event, "camera", camera);
  gst_avm_event_set_double (event, "x", run->x / run->n);
  gst_avm_event_set_double (event, "y", run->y / run->n);
  gst_avm_event_set_double (event, "w", run->w / run->n);
  gst_avm_event_set_double (event, "h", run->h / run->n);
  if (orientation != NULL)
    gst_avm_event_set_string (event, "orientation", orientation);
  g_ptr_array_add (events, event);
  run->n = 0;
}

static gboolean
goes_on (const Run *run, const AvmSighting *sighting, gint person, gint pose)
{
  GstClockTime time = to_clock (sighting->time);

  return run->n > 0 && run->person == person && run->pose == pose
      && run->orientation == sighting->orientation
      && run->width == sighting->width && run->height == sighting->height
      && sighting->frame == run->frame + 1 && time <= run->end + GST_MSECOND;
}

static void
add_to_run (Run *run, const AvmSighting *sighting, const AvmPnpSeen *seen,
    gint person, gint pose)
{
  if (run->n == 0)
    *run = (Run){.person = person,
        .pose = pose,
        .orientation = sighting->orientation,
        .width = sighting->width,
        .height = sighting->height,
        .start = to_clock (sighting->time)};
  run->n++;
  run->frame = sighting->frame;
  run->end = to_clock (sighting->time) + seen->length;
  run->x += sighting->face.x;
  run->y += sighting->face.y;
  run->w += sighting->face.width;
  run->h += sighting->face.height;
  run->confidence += seen->confidence;
}

/* Closes the runs of all tracks. */
typedef struct {
  const AvmPnpPeople *people;
  const AvmPlaying *playing;
  GPtrArray *events;
} Closing;

static void
close_run (gpointer track, gpointer run, gpointer user_data)
{
  Closing *closing = user_data;

  end_run (run, GPOINTER_TO_INT (track) % AVM_PNP_MAX_CAMERAS, closing->people,
      closing->playing, closing->events);
}

static Run *
run_of (GHashTable *runs, gint track)
{
  Run *run = g_hash_table_lookup (runs, GINT_TO_POINTER (track));

  if (run == NULL) {
    run = g_new0 (Run, 1);
    g_hash_table_insert (runs, GINT_TO_POINTER (track), run);
  }
  return run;
}

GPtrArray *
avm_pnp_appearances (const AvmPnpPeople *people, const AvmPlaying *playing)
{
  Closing closing = {people, playing, new_events ()};
  GHashTable *runs = g_hash_table_new_full (NULL, NULL, NULL, g_free);

  for (guint i = 0; i < people->n_seen; i++) {
    const AvmSighting *sighting = avm_diarise_get_sighting (people->diarise, i);
    gint person = avm_pnp_people_person (people, i);
    gint pose = avm_pnp_people_pose (people, i);
    Run *run;

    if (people->seen[i].length == 0)
      continue;
    run = run_of (runs, sighting->track);
    if (!goes_on (run, sighting, person, pose))
      end_run (run, sighting->camera, people, playing, closing.events);
    add_to_run (run, sighting, &people->seen[i], person, pose);
  }
  g_hash_table_foreach (runs, close_run, &closing);
  g_hash_table_unref (runs);
  g_ptr_array_sort (closing.events, compare_appearances);
  return closing.events;
}

/* -- activity ------------------------------------------------------------- */

static const gchar *
used_name (unsigned used)
{
  switch (used) {
    case 0:
      return NULL;
    case AVM_PLAYING_LABELS:
      return "labels";
    case AVM_PLAYING_NOTES:
      return "notes";
    case AVM_PLAYING_MOTION:
      return "motion";
    default:
      return "fused";
  }
}

static GstAvmEvent *
make_activity (const AvmPlayingSpan *span, gint region, gint part)
{
  GstClockTime start = to_clock (span->start);
  GstClockTime end = MAX (to_clock (span->end), start);
  GstAvmEvent *event =
      gst_avm_event_new (start, end - start, region, part, span->confidence);

  gst_avm_event_set_boolean (event, "playing", span->playing);
  if (used_name (span->used) != NULL)
    gst_avm_event_set_string (event, "used", used_name (span->used));
  return event;
}

GPtrArray *
avm_pnp_activities (const AvmPnpPeople *people, const AvmPlaying *playing)
{
  GPtrArray *events = new_events ();

  for (gint m = 0; m < (gint)people->n_musicians; m++) {
    gint part = avm_pnp_part_of (playing, m);
    size_t n = 0;
    const AvmPlayingSpan *spans = people->musicians[m].person == m
        ? avm_playing_get_spans (playing, m, &n)
        : NULL;

    for (size_t i = 0; spans != NULL && i < n; i++) {
      GstAvmEvent *event = make_activity (
          &spans[i], gst_avm_region_id ("player", (guint)m), part);

      name_person (event, people, m, spans[i].pose);
      g_ptr_array_add (events, event);
    }
  }
  g_ptr_array_sort (events, compare_events);
  return events;
}

GPtrArray *
avm_pnp_part_activities (
    const AvmPnpPeople *people, AvmPlaying *playing, AvmError *error)
{
  GPtrArray *events = new_events ();
  GHashTable *done = g_hash_table_new (NULL, NULL);

  for (gint m = 0; m < (gint)people->n_musicians && events != NULL; m++) {
    gint part = avm_pnp_part_of (playing, m);
    const AvmPlayingSpan *spans;
    size_t n = 0;

    if (people->musicians[m].person != m || part == GST_AVM_NONE
        || !g_hash_table_add (done, GINT_TO_POINTER (part)))
      continue;
    spans = avm_playing_get_part_spans (playing, part, &n, error);
    if (spans == NULL && error->code == AVM_ERROR_MEMORY)
      g_clear_pointer (&events, g_ptr_array_unref);
    for (size_t i = 0; spans != NULL && events != NULL && i < n; i++)
      g_ptr_array_add (events, make_activity (&spans[i], GST_AVM_NONE, part));
  }
  g_hash_table_unref (done);
  if (events != NULL)
    g_ptr_array_sort (events, compare_events);
  return events;
}
