/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One event or one row of a series as a line of text. Numbers are written in
 * the C locale whatever the process has chosen; what is not finite is null in
 * JSON and "nan" in tab-separated text.
 */

#ifndef __AVM_EVENT_TEXT_H__
#define __AVM_EVENT_TEXT_H__

#include <gst/avm/avm.h>

G_BEGIN_DECLS

#define AVM_TEXT_EVENTS_SCHEMA "avm-events-1"
#define AVM_TEXT_SERIES_SCHEMA "avm-series-1"
#define AVM_TEXT_CHANNELS_SCHEMA "avm-channels-1"

/**
 * AvmTextTimes:
 * @stream: stream time, ns
 * @running: running time, ns
 * @utc: ns since 1970-01-01T00:00:00Z
 * @has_stream: whether @stream is known; likewise the others
 */
typedef struct {
  gint64 stream;
  gint64 running;
  gint64 utc;
  gboolean has_stream;
  gboolean has_running;
  gboolean has_utc;
} AvmTextTimes;

void avm_text_json_event (GString *out, const gchar *kind, const gchar *element,
    const GstAvmEvent *event, const AvmTextTimes *times);

void avm_text_json_channels (
    GString *out, const GstAvmSeriesInfo *info, const gchar *element);

void avm_text_json_row (GString *out, const GstAvmSeriesInfo *info,
    const gchar *element, const gfloat *row, GstClockTime duration,
    const AvmTextTimes *times, gint part);

/* Tab-separated text: a header of comment lines, then one line per event or
 * row. `full` writes every field as a column, otherwise the columns are those
 * that mir_eval and Sonic Visualiser read. `part` selects one part of the
 * score, or all with GST_AVM_ANY. */
void avm_text_tsv_events_header (
    GString *out, const gchar *kind, gboolean full);

void avm_text_tsv_event (GString *out, const gchar *kind, gboolean full,
    const GstAvmEvent *event, const AvmTextTimes *times);

void avm_text_tsv_series_header (
    GString *out, const GstAvmSeriesInfo *info, gboolean full, gint part);

void avm_text_tsv_row (GString *out, const GstAvmSeriesInfo *info,
    gboolean full, const gfloat *row, const AvmTextTimes *times, gint part);

/* What a person reads on the screen: "A4 6.1 Hz 32 cents" */
void avm_text_describe_event (
    GString *out, const gchar *kind, const GstAvmEvent *event);

void avm_text_describe_row (
    GString *out, const GstAvmSeriesInfo *info, const gfloat *row, gint part);

gboolean avm_text_event_pitch (const GstAvmEvent *event, gdouble *midi);

G_END_DECLS

#endif /* __AVM_EVENT_TEXT_H__ */
