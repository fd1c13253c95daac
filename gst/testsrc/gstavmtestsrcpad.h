/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_TEST_SRC_PAD_H__
#define __GST_AVM_TEST_SRC_PAD_H__

#include <gst/audio/audio.h>

#include "gstavmtestsrc.h"

G_BEGIN_DECLS

typedef enum {
  AVM_TEST_VIDEO,
  AVM_TEST_CAMERA,
  AVM_TEST_AUDIO,
  AVM_TEST_PART,
  AVM_TEST_NOTES,
  AVM_TEST_VIBRATO,
  AVM_TEST_ACTIVITY,
  AVM_TEST_ASSOCIATION,
  AVM_TEST_APPEARANCE,
  AVM_TEST_SHOTS,
  AVM_TEST_REGIONS,
  AVM_TEST_N_STREAMS
} AvmTestStream;

#define GST_TYPE_AVM_TEST_SRC_PAD (gst_avm_test_src_pad_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmTestSrcPad, gst_avm_test_src_pad, GST, AVM_TEST_SRC_PAD, GstPad)

struct _GstAvmTestSrcPad {
  GstPad parent;

  AvmTestStream stream;
  gint number; /* of AVM_TEST_PART and AVM_TEST_CAMERA, otherwise -1 */

  /* only in the streaming thread, or while it is stopped */
  gboolean opened, negotiated, need_segment, discont;
  GstSegment segment;
  guint32 seqnum;
  guint64 next; /* frame, sample or event */
  GstVideoInfo video;
  GstAudioInfo audio;
  GstAvmSeriesInfo *series;
  GstBufferPool *pool;
  AvmTestPicture *picture;
  AvmStrings *strings;
  GPtrArray *events;

  /* under the lock of the element */
  gboolean flushing, send_eos, not_linked;
  GstClockID clock_id;
};

GstAvmTestSrcPad *gst_avm_test_src_pad_new (GstPadTemplate *templ,
    const gchar *name, AvmTestStream stream, gint number);

/* From the start of the performance */
void gst_avm_test_src_pad_begin (GstAvmTestSrcPad *pad, GstAvmTestSrc *self);

/* Stop and go of the streaming thread; with the element's lock held */
void gst_avm_test_src_pad_unschedule (GstAvmTestSrcPad *pad);
void gst_avm_test_src_pad_start (GstAvmTestSrcPad *pad);

/* While the thread is stopped: go on from that segment. */
void gst_avm_test_src_pad_set_segment (
    GstAvmTestSrcPad *pad, const GstSegment *segment, guint32 seqnum);

/* What is chosen of the formats that downstream allows. */
GstCaps *gst_avm_test_src_fixate_video (GstCaps *caps);

G_END_DECLS

#endif /* __GST_AVM_TEST_SRC_PAD_H__ */
