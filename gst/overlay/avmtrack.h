/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What one data pad of the overlay has received: events or rows of a series,
 * in running time. The overlay's lock protects it.
 */

#ifndef __AVM_TRACK_H__
#define __AVM_TRACK_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

/**
 * AvmTrackEvent:
 * @start: running time, ns
 * @end: running time, ns; %GST_CLOCK_TIME_NONE: not known
 */
typedef struct {
  GstClockTime start;
  GstClockTime end;
  GstAvmEvent *event;
} AvmTrackEvent;

/**
 * AvmTrack:
 * @kind: of the stream, %NULL before its caps
 * @info: channels, %NULL when the stream has events
 * @watermark: running time up to which the stream is complete
 * @events: of #AvmTrackEvent, by start
 * @times: running time of each row, ns, of #GstClockTime
 * @rows: the rows' values, one row after the other
 */
typedef struct {
  GstPad *pad;
  GstSegment segment;
  gchar *kind;
  GstAvmSeriesInfo *info;
  gboolean eos;
  GstClockTime watermark;
  GArray *events;
  GArray *times;
  GArray *rows;
} AvmTrack;

AvmTrack *avm_track_new (GstPad *pad);
void avm_track_free (AvmTrack *track);

gboolean avm_track_set_caps (AvmTrack *track, const GstCaps *caps);
void avm_track_clear (AvmTrack *track);
gboolean avm_track_add (AvmTrack *track, GstBuffer *buffer, GError **error);
void avm_track_advance (AvmTrack *track, GstClockTime time);

/* Forgets what ended before @time. */
void avm_track_trim (AvmTrack *track, GstClockTime time);

/* Index of the first row at or after @time */
guint avm_track_find_row (const AvmTrack *track, GstClockTime time);

/* Index of the first event that starts after @time */
guint avm_track_find_event (const AvmTrack *track, GstClockTime time);

G_END_DECLS

#endif /* __AVM_TRACK_H__ */
