/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmtrack.h"

static void
clear_event (gpointer data)
{
  gst_avm_event_free (((AvmTrackEvent *)data)->event);
}

AvmTrack *
avm_track_new (GstPad *pad)
{
  AvmTrack *track = g_new0 (AvmTrack, 1);

  track->pad = pad;
  track->events = g_array_new (FALSE, FALSE, sizeof (AvmTrackEvent));
  g_array_set_clear_func (track->events, clear_event);
  track->times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  track->rows = g_array_new (FALSE, FALSE, sizeof (gfloat));
  gst_segment_init (&track->segment, GST_FORMAT_TIME);
  return track;
}

void
avm_track_free (AvmTrack *track)
{
  g_array_unref (track->events);
  g_array_unref (track->times);
  g_array_unref (track->rows);
  g_clear_pointer (&track->info, gst_avm_series_info_free);
  g_free (track->kind);
  g_free (track);
}

void
avm_track_clear (AvmTrack *track)
{
  g_array_set_size (track->events, 0);
  g_array_set_size (track->times, 0);
  g_array_set_size (track->rows, 0);
  track->watermark = 0;
  track->eos = FALSE;
}

/* Other channels cannot stand beside the old ones: rows start anew. */
gboolean
avm_track_set_caps (AvmTrack *track, const GstCaps *caps)
{
  GstStructure *s = gst_caps_get_structure (caps, 0);
  GstAvmSeriesInfo *info = NULL;
  const gchar *kind = gst_avm_caps_get_kind (caps);

  if (kind == NULL)
    return FALSE;
  if (gst_structure_has_name (s, GST_AVM_SERIES_MEDIA_TYPE)) {
    info = gst_avm_series_info_new_from_caps (caps, NULL);
    if (info == NULL)
      return FALSE;
  }
  g_clear_pointer (&track->info, gst_avm_series_info_free);
  g_free (track->kind);
  track->info = info;
  track->kind = g_strdup (kind);
  g_array_set_size (track->times, 0);
  g_array_set_size (track->rows, 0);
  return TRUE;
}

void
avm_track_advance (AvmTrack *track, GstClockTime time)
{
  GstClockTime running =
      gst_segment_to_running_time (&track->segment, GST_FORMAT_TIME, time);

  if (GST_CLOCK_TIME_IS_VALID (running) && running > track->watermark)
    track->watermark = running;
}

static gboolean
add_event (AvmTrack *track, const GstAvmEvent *event)
{
  AvmTrackEvent entry;
  guint index;

  entry.start = gst_segment_to_running_time (
      &track->segment, GST_FORMAT_TIME, event->onset);
  if (!GST_CLOCK_TIME_IS_VALID (entry.start))
    return FALSE;
  entry.end = GST_CLOCK_TIME_IS_VALID (event->duration)
      ? entry.start + event->duration
      : GST_CLOCK_TIME_NONE;
  entry.event = gst_avm_event_copy (event);
  index = avm_track_find_event (track, entry.start);
  g_array_insert_val (track->events, index, entry);
  return TRUE;
}

static gboolean
add_events (AvmTrack *track, GstBuffer *buffer, GError **error)
{
  g_autoptr (GPtrArray) events = gst_avm_events_buffer_parse (buffer, error);

  if (events == NULL)
    return FALSE;
  for (guint i = 0; i < events->len; i++)
    add_event (track, g_ptr_array_index (events, i));
  return TRUE;
}

static gboolean
add_rows (AvmTrack *track, GstBuffer *buffer, GError **error)
{
  GstAvmSeriesMap map;

  if (!GST_BUFFER_PTS_IS_VALID (buffer))
    return TRUE;
  if (!gst_avm_series_map (&map, track->info, buffer, error))
    return FALSE;
  for (guint i = 0; i < map.n_rows; i++) {
    GstClockTime time =
        gst_avm_series_row_time (track->info, GST_BUFFER_PTS (buffer), i);
    GstClockTime running =
        gst_segment_to_running_time (&track->segment, GST_FORMAT_TIME, time);

    /* rows only ever follow each other; what comes twice is not kept */
    if (!GST_CLOCK_TIME_IS_VALID (running)
        || (track->times->len > 0
            && running <= g_array_index (
                   track->times, GstClockTime, track->times->len - 1)))
      continue;
    g_array_append_val (track->times, running);
    g_array_append_vals (
        track->rows, map.rows + (gsize)i * map.n_channels, map.n_channels);
  }
  if (map.n_rows > 0)
    avm_track_advance (track,
        gst_avm_series_row_time (
            track->info, GST_BUFFER_PTS (buffer), map.n_rows - 1));
  gst_avm_series_unmap (&map);
  return TRUE;
}

gboolean
avm_track_add (AvmTrack *track, GstBuffer *buffer, GError **error)
{
  if (track->info != NULL)
    return add_rows (track, buffer, error);
  if (!add_events (track, buffer, error))
    return FALSE;
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    avm_track_advance (track, GST_BUFFER_PTS (buffer));
  return TRUE;
}

/* An association holds until the next one of its region. */
static void
trim_associations (AvmTrack *track, GstClockTime time)
{
  guint end = avm_track_find_event (track, time);

  for (guint i = 0; i < end;) {
    gint region = g_array_index (track->events, AvmTrackEvent, i).event->region;
    guint next = i + 1;

    while (next < end
        && g_array_index (track->events, AvmTrackEvent, next).event->region
            != region)
      next++;
    if (next < end) {
      g_array_remove_index (track->events, i);
      end--;
    } else {
      i++;
    }
  }
}

void
avm_track_trim (AvmTrack *track, GstClockTime time)
{
  guint n = 0;

  if (g_strcmp0 (track->kind, "association") == 0) {
    trim_associations (track, time);
    return;
  }
  while (n < track->events->len) {
    AvmTrackEvent *entry = &g_array_index (track->events, AvmTrackEvent, n);

    if ((GST_CLOCK_TIME_IS_VALID (entry->end) ? entry->end : entry->start)
        >= time)
      break;
    n++;
  }
  if (n > 0)
    g_array_remove_range (track->events, 0, n);
  n = avm_track_find_row (track, time);
  if (n > 0) {
    guint channels = gst_avm_series_info_get_n_channels (track->info);

    g_array_remove_range (track->times, 0, n);
    g_array_remove_range (track->rows, 0, n * channels);
  }
}

guint
avm_track_find_row (const AvmTrack *track, GstClockTime time)
{
  guint low = 0, high = track->times->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (g_array_index (track->times, GstClockTime, middle) < time)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

guint
avm_track_find_event (const AvmTrack *track, GstClockTime time)
{
  guint low = 0, high = track->events->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (g_array_index (track->events, AvmTrackEvent, middle).start <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
