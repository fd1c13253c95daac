/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_TEST_SRC_H__
#define __GST_AVM_TEST_SRC_H__

#include <gst/avm/avm.h>
#include <gst/video/video.h>

#include "scene/avm-ensemble.h"
#include "scene/avm-stage.h"
#include "scene/avm-strings.h"

G_BEGIN_DECLS

#define GST_TYPE_AVM_TEST_SRC (gst_avm_test_src_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmTestSrc, gst_avm_test_src, GST, AVM_TEST_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (avmtestsrc);

/* What the streaming threads need of the properties; fixed while PAUSED. */
typedef struct {
  guint64 seed;
  guint players;
  gdouble audio_noise, reverb;
  gdouble camera_noise, shake, pan, occlusion, cuts;
  gboolean is_live;
  gboolean attach_regions;
} GstAvmTestSrcSetup;

struct _GstAvmTestSrc {
  GstElement parent;

  /* properties, under the object lock */
  GstAvmTestSrcSetup setup;
  guint64 piece;
  gchar *score;
  gchar *write_score;
  gdouble num_seconds;
  gdouble tempo_fluctuation, asynchrony, vibrato_share, tuning, sway;

  /* made from READY to PAUSED, then read only */
  GstAvmTestSrcSetup running;
  AvmEnsemble *ensemble;
  GstClockTime duration;
  guint group_id;

  /* flow of all pads, under this lock */
  GMutex lock;
  GCond cond;
  gboolean playing;
  guint32 seek_seqnum;
  guint segments; /* pads that have not come to the end of theirs */
};

/* The part that reads a performance as events */
GPtrArray *avm_test_truth_notes (const AvmEnsemble *ensemble);
GPtrArray *avm_test_truth_vibrato (const AvmEnsemble *ensemble);
GPtrArray *avm_test_truth_activity (
    const AvmEnsemble *ensemble, GstClockTime duration);
GPtrArray *avm_test_truth_association (
    const AvmEnsemble *ensemble, GstClockTime duration);

#define AVM_TEST_N_ROLES 4
const gchar *avm_test_role_name (guint role);
gint avm_test_region_id (guint role, guint seat);

/* The size and rate of the video pad, or what they would be. */
void gst_avm_test_src_get_video_info (GstAvmTestSrc *self, GstVideoInfo *info);
AvmStage *gst_avm_test_src_new_stage (
    GstAvmTestSrc *self, const GstVideoInfo *info);
gboolean gst_avm_test_src_seek (GstAvmTestSrc *self, GstEvent *event);

G_END_DECLS

#endif /* __GST_AVM_TEST_SRC_H__ */
