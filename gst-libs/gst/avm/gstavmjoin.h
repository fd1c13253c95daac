/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_JOIN_H__
#define __GST_AVM_JOIN_H__

#include <gst/avm/avm-prelude.h>
#include <gst/avm/gstavmevents.h>
#include <gst/avm/gstavmseries.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_JOIN (gst_avm_join_get_type ())
GST_AVM_API
G_DECLARE_DERIVABLE_TYPE (GstAvmJoin, gst_avm_join, GST, AVM_JOIN, GstElement)

#define GST_TYPE_AVM_JOIN_PAD (gst_avm_join_pad_get_type ())
GST_AVM_API
G_DECLARE_FINAL_TYPE (
    GstAvmJoinPad, gst_avm_join_pad, GST, AVM_JOIN_PAD, GstPad)

/**
 * GstAvmJoinClass:
 * @parent_class: parent
 * @start: READY to PAUSED; make what the stage needs
 * @stop: PAUSED to READY; drop everything
 * @sink_caps: new caps on @pad; FALSE refuses them
 * @sink_buffer: keep what must be remembered of @buffer (transfer none). Runs
 *   in the pad's streaming thread under the join's lock; must not push.
 * @process: all pads are complete up to @watermark (running time);
 *   %GST_CLOCK_TIME_NONE with @eos set: all pads have ended. Runs in the
 *   join's own thread under the join's lock; queues its results with
 *   gst_avm_join_push_buffer() and friends.
 * @flush: forget the data of @pad, or of all pads when it is NULL. The state
 *   that belongs to the source pad is to be dropped as well.
 * @pad_added: a sink pad was requested or made; set its user data here
 * @pad_removed: a sink pad is released
 * @src_caps: caps of the source pad that is always there, asked when the first
 *   result is pushed and none were set with gst_avm_join_set_src_caps()
 *   (transfer full)
 * @src_pad_added: a source pad was requested, perhaps while the stage runs; set
 *   its caps here when they are known. Called under the join's lock.
 * @sink_event: a serialized event about the stream of @pad that the base does
 *   not know, such as gst_event_new_avm_shot(), comes (transfer none), in order
 *   with the buffers. Runs as @sink_buffer does.
 */
struct _GstAvmJoinClass {
  GstElementClass parent_class;

  gboolean (*start) (GstAvmJoin *self);
  gboolean (*stop) (GstAvmJoin *self);
  gboolean (*sink_caps) (GstAvmJoin *self, GstAvmJoinPad *pad, GstCaps *caps);
  GstFlowReturn (*sink_buffer) (
      GstAvmJoin *self, GstAvmJoinPad *pad, GstBuffer *buffer);
  GstFlowReturn (*process) (
      GstAvmJoin *self, GstClockTime watermark, gboolean eos);
  void (*flush) (GstAvmJoin *self, GstAvmJoinPad *pad);
  void (*pad_added) (GstAvmJoin *self, GstAvmJoinPad *pad);
  void (*pad_removed) (GstAvmJoin *self, GstAvmJoinPad *pad);
  GstCaps *(*src_caps) (GstAvmJoin *self);
  void (*src_pad_added) (GstAvmJoin *self, GstPad *pad);
  void (*sink_event) (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event);

  gpointer _gst_reserved[GST_PADDING_LARGE - 2];
};

/* Pads, with the join's lock held (that is: from any vmethod) */

GST_AVM_API
GstAvmJoinPad *gst_avm_join_get_pad (GstAvmJoin *self, const gchar *name);

GST_AVM_API
GList *gst_avm_join_get_sink_pads (GstAvmJoin *self);

GST_AVM_API
GList *gst_avm_join_get_src_pads (GstAvmJoin *self);

GST_AVM_API
void gst_avm_join_set_main_pad (GstAvmJoin *self, GstAvmJoinPad *pad);

GST_AVM_API
const GstSegment *gst_avm_join_pad_get_segment (GstAvmJoinPad *pad);

GST_AVM_API
GstClockTime gst_avm_join_pad_to_running_time (
    GstAvmJoinPad *pad, GstClockTime time);

GST_AVM_API
GstClockTime gst_avm_join_pad_get_watermark (GstAvmJoinPad *pad);

GST_AVM_API
gboolean gst_avm_join_pad_is_eos (GstAvmJoinPad *pad);

GST_AVM_API
GstCaps *gst_avm_join_pad_get_caps (GstAvmJoinPad *pad);

GST_AVM_API
void gst_avm_join_pad_set_data (
    GstAvmJoinPad *pad, gpointer data, GDestroyNotify destroy);

GST_AVM_API
gpointer gst_avm_join_pad_get_data (GstAvmJoinPad *pad);

/* Results, from process () */

GST_AVM_API
void gst_avm_join_set_src_caps (GstAvmJoin *self, GstCaps *caps);

GST_AVM_API
void gst_avm_join_set_pad_caps (GstAvmJoin *self, GstPad *pad, GstCaps *caps);

GST_AVM_API
void gst_avm_join_push_buffer (GstAvmJoin *self, GstBuffer *buffer);

GST_AVM_API
void gst_avm_join_push_buffer_on (
    GstAvmJoin *self, GstPad *pad, GstBuffer *buffer);

GST_AVM_API
void gst_avm_join_push_event (GstAvmJoin *self, GstAvmEvent *event);

GST_AVM_API
void gst_avm_join_push_event_on (
    GstAvmJoin *self, GstPad *pad, GstAvmEvent *event);

GST_AVM_API
void gst_avm_join_push_gap (GstAvmJoin *self, GstClockTime running_time);

GST_AVM_API
void gst_avm_join_call_again (GstAvmJoin *self);

GST_AVM_API
void gst_avm_join_unlock (GstAvmJoin *self);

GST_AVM_API
void gst_avm_join_lock (GstAvmJoin *self);

GST_AVM_API
gboolean gst_avm_join_is_flushing (GstAvmJoin *self);

GST_AVM_API
gboolean gst_avm_join_is_live (GstAvmJoin *self);

GST_AVM_API
void gst_avm_join_set_latency (GstAvmJoin *self, GstClockTime latency);

G_END_DECLS

#endif /* __GST_AVM_JOIN_H__ */
