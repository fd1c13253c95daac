/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One picture for both scenes: the ensemble's stage or the orchestra's hall.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrc.h"

GST_DEBUG_CATEGORY_EXTERN (avm_test_src_debug);
#define GST_CAT_DEFAULT avm_test_src_debug

/* A cut of the stage is found to within this. */
#define SHOT_STEP 0.05
#define SHOT_GRAIN 1e-6

struct _AvmTestPicture {
  AvmStage *stage;
  AvmHall *hall;
};

guint
gst_avm_test_src_n_players (const GstAvmTestSrc *self)
{
  return (guint)(self->orchestra != NULL
          ? avm_orchestra_n_players (self->orchestra)
          : avm_ensemble_n_players (self->ensemble));
}

gint
gst_avm_test_src_player_part (const GstAvmTestSrc *self, guint player)
{
  return self->orchestra != NULL
      ? avm_orchestra_player (self->orchestra, (int)player)->part
      : avm_ensemble_player (self->ensemble, (int)player)->part;
}

static AvmStage *
new_stage (const GstAvmTestSrc *self, const GstVideoInfo *info, gint camera,
    AvmError *error)
{
  AvmStageConfig config;
  gint n = avm_ensemble_n_players (self->ensemble);

  avm_stage_config_init (
      &config, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), n);
  for (gint seat = 0; seat < n; seat++) {
    config.instruments[seat] =
        avm_ensemble_player (self->ensemble, seat)->instrument;
    config.seats[seat] = seat;
  }
  config.seed = self->running.seed;
  config.gray = GST_VIDEO_INFO_IS_GRAY (info);
  config.noise = self->running.camera_noise;
  config.shake = self->running.shake;
  config.pan = self->running.pan;
  config.occlusion = self->running.occlusion;
  /* the camera by itself goes on when the programme cuts */
  config.cuts = camera == AVM_HALL_PROGRAMME ? self->running.cuts : 0.0;
  return avm_stage_new (&config, error);
}

static AvmHall *
new_hall (const GstAvmTestSrc *self, const GstVideoInfo *info, gint camera,
    gboolean blind, AvmError *error)
{
  AvmHallConfig config;
  AvmHallFace faces[AVM_ORCHESTRA_MAX_PLAYERS];

  avm_hall_config_init (
      &config, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
  config.n_cameras = (int)self->running.cameras;
  config.camera = camera;
  config.seed = self->running.seed;
  config.gray = GST_VIDEO_INFO_IS_GRAY (info);
  config.blind = blind;
  config.noise = self->running.camera_noise;
  config.shake = self->running.shake;
  config.pan = self->running.pan;
  config.occlusion = self->running.occlusion;
  config.cuts = self->running.cuts;
  config.n_faces = gst_avm_test_src_get_faces (self, faces);
  config.faces = faces;
  return avm_hall_new (self->orchestra, &config, error);
}

/* camera: AVM_HALL_PROGRAMME is what the `video` pad shows. blind: for the
 * truth alone. */
AvmTestPicture *
gst_avm_test_src_new_picture (const GstAvmTestSrc *self,
    const GstVideoInfo *info, gint camera, gboolean blind)
{
  AvmTestPicture *picture = g_new0 (AvmTestPicture, 1);
  AvmError error = {AVM_OK, -1, ""};

  if (self->orchestra != NULL)
    picture->hall = new_hall (self, info, camera, blind, &error);
  else
    picture->stage = new_stage (self, info, camera, &error);
  if (picture->hall == NULL && picture->stage == NULL) {
    GST_ERROR_OBJECT (self, "no picture: %s", error.detail);
    g_clear_pointer (&picture, avm_test_picture_free);
  }
  return picture;
}

void
avm_test_picture_free (AvmTestPicture *picture)
{
  avm_stage_free (picture->stage);
  avm_hall_free (picture->hall);
  g_free (picture);
}

static void
get_poses (const GstAvmTestSrc *self, gdouble time,
    AvmPose poses[AVM_STAGE_MAX_PLAYERS])
{
  for (gint seat = 0; seat < avm_ensemble_n_players (self->ensemble); seat++)
    avm_ensemble_pose (self->ensemble, seat, time, &poses[seat]);
}

void
avm_test_picture_render (AvmTestPicture *picture, const GstAvmTestSrc *self,
    gdouble time, guint8 *const planes[], const int strides[], gint n_planes)
{
  AvmPose poses[AVM_STAGE_MAX_PLAYERS];

  if (picture->hall != NULL) {
    avm_hall_render (picture->hall, time, planes, strides, n_planes);
    return;
  }
  get_poses (self, time, poses);
  avm_stage_render (picture->stage, time, poses, planes, strides, n_planes);
}

/* One sight per player; of the stage's players the boxes alone. */
void
avm_test_picture_observe (const AvmTestPicture *picture,
    const GstAvmTestSrc *self, gdouble time, AvmSight *sights)
{
  AvmPose poses[AVM_STAGE_MAX_PLAYERS];

  if (picture->hall != NULL) {
    avm_hall_observe (picture->hall, time, sights);
    return;
  }
  get_poses (self, time, poses);
  for (gint seat = 0; seat < avm_ensemble_n_players (self->ensemble); seat++) {
    sights[seat].yaw = sights[seat].nod = 0.0;
    sights[seat].tilt = poses[seat].head;
    for (guint role = 0; role < AVM_TEST_N_ROLES; role++)
      avm_stage_region (picture->stage, time, poses, seat, (AvmStageRole)role,
          &sights[seat].boxes[role]);
  }
}

static void
add_shot (GArray *shots, gdouble onset, gint camera)
{
  AvmHallShot shot = {onset, 0.0, camera};

  g_array_append_val (shots, shot);
}

/* The stage says only what is seen when: halving finds the cuts. */
static void
find_stage_shots (const AvmStage *stage, gdouble end, GArray *shots)
{
  gint now = avm_stage_shot (stage, 0.0);

  add_shot (shots, 0.0, now);
  for (gdouble t = 0.0; t < end; t += SHOT_STEP) {
    gdouble lo = t, hi = MIN (t + SHOT_STEP, end);

    if (avm_stage_shot (stage, hi) == now)
      continue;
    while (hi - lo > SHOT_GRAIN) {
      gdouble mid = 0.5 * (lo + hi);

      if (avm_stage_shot (stage, mid) == now)
        lo = mid;
      else
        hi = mid;
    }
    now = avm_stage_shot (stage, hi);
    add_shot (shots, hi, now);
  }
}

/* The shots of AvmHallShot, in order, over `end` seconds; of the stage, the
 * framing stands for the camera. */
GArray *
avm_test_picture_shots (const AvmTestPicture *picture, gdouble end)
{
  GArray *shots = g_array_new (FALSE, FALSE, sizeof (AvmHallShot));

  if (picture->hall != NULL) {
    size_t n;
    const AvmHallShot *all = avm_hall_shots (picture->hall, &n);

    g_array_append_vals (shots, all, (guint)n);
  } else {
    find_stage_shots (picture->stage, end, shots);
  }
  for (guint i = 0; i < shots->len; i++) {
    AvmHallShot *shot = &g_array_index (shots, AvmHallShot, i);

    shot->duration = (i + 1 < shots->len ? shot[1].onset : end) - shot->onset;
  }
  return shots;
}
