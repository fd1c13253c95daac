/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One camera of a scene: which of its frames are looked at, where its shots
 * begin, and which faces in them are one and the same. Rows of motion that came
 * before the frames which say whose they are wait here.
 *
 * A track is one face followed through one shot. The n-th track of a camera has
 * the number n * AVM_PNP_MAX_CAMERAS + camera, whatever other cameras see.
 */

#ifndef __AVM_PNP_CAMERA_H__
#define __AVM_PNP_CAMERA_H__

#include <gst/avm/avm.h>
#include <gst/video/video.h>

#include "learn/avm-playing.h"
#include "vision/avm-appearance.h"

G_BEGIN_DECLS

/* They are 0 .. 99. */
#define AVM_PNP_MAX_CAMERAS 100
/* A face that is away for longer begins another track. */
#define AVM_PNP_FORGET (10 * GST_SECOND)
/* Faces in a frame that are looked at */
#define AVM_PNP_MAX_FACES 512

/**
 * AvmPnpFace: in a frame
 * key: who it is for the detector: equal for all regions of one player
 * x, y, w, h: px
 * orientation: 0 .. of avm_pnp_orientation_name(), -1 not known
 * track: -1 until avm_pnp_camera_place()
 */
typedef struct {
  gint key;
  gfloat x, y, w, h;
  gint orientation;
  gfloat confidence;
  gint track;
} AvmPnpFace;

/**
 * AvmPnpTrack:
 * first, last: running time of the first and last sighting
 * box: where it was seen last
 */
typedef struct {
  gint shot, key;
  GstClockTime first, last;
  AvmPnpFace box;
} AvmPnpTrack;

/**
 * AvmPnpRow: motion of a region
 */
typedef struct {
  GstClockTime time;
  gint key;
  AvmPlayingLimb limb;
  gfloat vx, vy, speed;
} AvmPnpRow;

typedef struct _AvmPnpCamera AvmPnpCamera;

/* NULL: out of memory */
AvmPnpCamera *avm_pnp_camera_new (gint number);
void avm_pnp_camera_free (AvmPnpCamera *camera);
gint avm_pnp_camera_number (const AvmPnpCamera *camera);

/* Regions of one player have one key. */
gint avm_pnp_key (gint region);
/* NULL: not known */
const gchar *avm_pnp_orientation_name (gint orientation);

/* The stream begins anew: what was seen does not count any more, numbers go on
 * to rise. @n_sightings: of all cameras, so far */
void avm_pnp_camera_flush (AvmPnpCamera *camera, guint n_sightings);
gboolean avm_pnp_camera_counts (const AvmPnpCamera *camera, guint sighting);
void avm_pnp_camera_set_info (AvmPnpCamera *camera, const GstVideoInfo *info);
const GstVideoInfo *avm_pnp_camera_get_info (const AvmPnpCamera *camera);
/* The next frame begins a shot: the detector says so. */
void avm_pnp_camera_expect_shot (AvmPnpCamera *camera);

/* A frame as the kernels see it; it refers to the frame's memory. */
void avm_pnp_picture (const GstVideoFrame *frame, AvmPicture *picture);

/* The faces of a frame that are to be looked at, of #AvmPnpFace; NULL: none are.
 * @frame is looked at for cuts, unless the detector tells of them. An empty
 * list is a frame in which all faces are lost. */
GArray *avm_pnp_camera_look (AvmPnpCamera *camera, GstBuffer *buffer,
    const GstVideoFrame *frame, GstClockTime time, GstClockTime interval);
/* Gives the faces that avm_pnp_camera_look() found their tracks. */
void avm_pnp_camera_place (AvmPnpCamera *camera, GArray *faces,
    GstClockTime time, GstClockTime interval);
/* Of the frame that was looked at last */
gint avm_pnp_camera_shot (const AvmPnpCamera *camera);
gint avm_pnp_camera_frame (const AvmPnpCamera *camera);
gint avm_pnp_camera_key_of (const AvmPnpCamera *camera, gint track);
/* A face in whole px */
AvmRect avm_pnp_face_rect (const AvmPnpFace *face);
/* Describes them without the join's lock: AVM_APPEARANCE_SIZE values each, the
 * camera's own. */
const gfloat *avm_pnp_camera_describe (
    AvmPnpCamera *camera, const AvmPicture *picture, const GArray *faces);

/* How far key frames lie apart, half of them at least; @interval where there
 * are too few */
GstClockTime avm_pnp_camera_spacing (
    const AvmPnpCamera *camera, GstClockTime interval);
/* Until when a key frame says what is seen: @spacing, but not beyond the next
 * one, its shot, and the film */
GstClockTime avm_pnp_camera_frame_end (
    const AvmPnpCamera *camera, gint frame, GstClockTime spacing);
/* Of the film as far as it has come */
GstClockTime avm_pnp_camera_end (const AvmPnpCamera *camera);

/* Rows come in order of time. */
void avm_pnp_camera_add_row (AvmPnpCamera *camera, const AvmPnpRow *row);
void avm_pnp_camera_forget_rows (AvmPnpCamera *camera);
/* Gives the rows before @until, whose frames are all known, to the tracks that
 * they belong to. FALSE: out of memory. */
gboolean avm_pnp_camera_give_rows (
    AvmPnpCamera *camera, AvmPlaying *playing, GstClockTime until);

G_END_DECLS

#endif /* __AVM_PNP_CAMERA_H__ */
