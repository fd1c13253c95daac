/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_TEST_SRC_H__
#define __GST_AVM_TEST_SRC_H__

#include <gst/avm/avm.h>
#include <gst/video/video.h>

#include "scene/avm-hall.h"
#include "scene/avm-strings.h"

G_BEGIN_DECLS

#define GST_TYPE_AVM_TEST_SRC (gst_avm_test_src_get_type ())
G_DECLARE_FINAL_TYPE (
    GstAvmTestSrc, gst_avm_test_src, GST, AVM_TEST_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (avmtestsrc);

typedef enum {
  GST_AVM_TEST_SRC_SCENE_ENSEMBLE,
  GST_AVM_TEST_SRC_SCENE_ORCHESTRA
} GstAvmTestSrcScene;

#define GST_TYPE_AVM_TEST_SRC_SCENE (gst_avm_test_src_scene_get_type ())
GType gst_avm_test_src_scene_get_type (void);

/* What the streaming threads need of the properties; fixed while PAUSED. */
typedef struct {
  guint64 seed;
  GstAvmTestSrcScene scene;
  guint players, cameras;
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
  gchar *face_location;
  gdouble num_seconds;
  gdouble tempo_fluctuation, asynchrony, vibrato_share, tuning, sway;
  gdouble absence;

  /* made from READY to PAUSED, then read only */
  GstAvmTestSrcSetup running;
  AvmEnsemble *ensemble;
  AvmOrchestra *orchestra; /* NULL in the ensemble scene */
  GPtrArray *faces;        /* of GBytes; may be NULL */
  GstClockTime duration;
  guint group_id;

  /* flow of all pads, under this lock */
  GMutex lock;
  GCond cond;
  gboolean playing;
  guint32 seek_seqnum;
  guint segments; /* pads that have not come to the end of theirs */
};

guint gst_avm_test_src_n_players (const GstAvmTestSrc *self);
gint gst_avm_test_src_player_part (const GstAvmTestSrc *self, guint player);

gboolean gst_avm_test_src_load_faces (GstAvmTestSrc *self, const gchar *folder);
gint gst_avm_test_src_get_faces (const GstAvmTestSrc *self, AvmHallFace *faces);

typedef struct _AvmTestPicture AvmTestPicture;

AvmTestPicture *gst_avm_test_src_new_picture (const GstAvmTestSrc *self,
    const GstVideoInfo *info, gint camera, gboolean blind);
void avm_test_picture_free (AvmTestPicture *picture);
void avm_test_picture_render (AvmTestPicture *picture,
    const GstAvmTestSrc *self, gdouble time, guint8 *const planes[],
    const int strides[], gint n_planes);
void avm_test_picture_observe (const AvmTestPicture *picture,
    const GstAvmTestSrc *self, gdouble time, AvmSight *sights);
GArray *avm_test_picture_shots (const AvmTestPicture *picture, gdouble end);

/* The part that reads a performance as events; NULL: no memory for it */
GPtrArray *avm_test_truth_notes (const GstAvmTestSrc *self);
GPtrArray *avm_test_truth_vibrato (const GstAvmTestSrc *self);
GPtrArray *avm_test_truth_activity (const GstAvmTestSrc *self);
GPtrArray *avm_test_truth_association (const GstAvmTestSrc *self);
GPtrArray *avm_test_truth_shots (GstAvmTestSrc *self);
GPtrArray *avm_test_truth_appearance (GstAvmTestSrc *self);

#define AVM_TEST_N_ROLES 4
const gchar *avm_test_role_name (guint role);
gint avm_test_region_id (guint role, guint player);

/* The size and rate of the pad of that name or else of the `video` pad, or
 * what they would be. */
void gst_avm_test_src_get_video_info (
    GstAvmTestSrc *self, const gchar *pad_name, GstVideoInfo *info);
gboolean gst_avm_test_src_seek (GstAvmTestSrc *self, GstEvent *event);

G_END_DECLS

#endif /* __GST_AVM_TEST_SRC_H__ */
