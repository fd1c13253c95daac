/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The map of a scene whose people keep their seats, from pictures of it that
 * are taken from several places. After A. Bazzica, C. C. S. Liem, A. Hanjalic,
 * "Exploiting scene maps and spatial relationships in quasi-static scenes for
 * video face clustering", Image and Vision Computing 2017: pictures are linked
 * by the faces that they have in common, and places tell faces apart that
 * looks alone cannot.
 *
 * The model. The heads of seated people lie near a plane, so two cameras see
 * them related by a homography, and of one camera 1 / depth, and so the size
 * of a face, is an affine function of the place in the picture. A view is
 * brought to the map by correspondences that look alike: three give an affine
 * map, two a shift with a scale where a view has few faces; both are then
 * fitted again to all faces that agree, to a homography from six on (direct
 * linear transform, weighted by the sizes of faces). Hypotheses are drawn with
 * a fixed seed, the more probable the more alike the faces are (O. Chum, J.
 * Matas, CVPR 2005, in spirit), and scored by the log likelihood of places and
 * looks together, one to one. A map that does not explain most of the faces in
 * the overlap, or that is hardly better than another one which says something
 * else (seats in rows look much the same when shifted by one), is not taken.
 * Views come to the map one after another, those that have most in common with
 * it first (a spanning tree from the view with most faces, or from another one
 * where that brings more to the map), so all pairs agree.
 *
 * Distances are those of looks, 0 to 1, smaller is more alike.
 */

#ifndef AVM_SCENEMAP_H
#define AVM_SCENEMAP_H

#include "base/avm-common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Faces of all views together, and views */
#define AVM_SCENEMAP_MAX_FACES 16384
/* Faces of one view that take part in the search for maps; the heaviest */
#define AVM_SCENEMAP_MAX_IN_VIEW 128

/**
 * AvmSceneFace: x, y: px, of the middle; size: px, > 0; weight: > 0, how often
 * it was seen.
 */
typedef struct {
  double x, y, size, weight;
} AvmSceneFace;

/**
 * AvmSceneView: faces `first` to `first + n - 1` are in this picture of
 * width x height px, and no two of them are the same.
 */
typedef struct {
  int first, n;
  int width, height;
} AvmSceneView;

/**
 * AvmSceneSettings: start from avm_scenemap_settings_init.
 * even: distance of looks at which two faces are as likely one as two people
 * spread: that times e is the odds; > 0
 * tolerance: sd of places, in sizes of a face, > 0
 */
typedef struct {
  double even, spread, tolerance;
} AvmSceneSettings;

/**
 * AvmSceneShift: x' = scale x + dx, y' = scale y + dy.
 */
typedef struct {
  double scale, dx, dy;
} AvmSceneShift;

typedef struct _AvmSceneMap AvmSceneMap;

/* 0.2, 0.05 and 0.4 */
void avm_scenemap_settings_init (AvmSceneSettings *settings);

/* Whether two pictures show the same framing but for a shift and a scale (0.5
 * to 2): at least 60 % of the faces of the one with fewer, and two of them at
 * least, agree in place, size and looks; a single face does where it did not
 * move. `distance` gives that of face i of a and face j of b. mates: for each
 * face of a the one of b or -1. shift brings a to b. */
bool avm_scenemap_same_framing (const AvmSceneSettings *settings,
    const AvmSceneFace *a, int n_a, const AvmSceneFace *b, int n_b,
    double (*distance) (void *user, int i, int j), void *user,
    AvmSceneShift *shift, int *mates);

/* NULL with *error: RANGE, MEMORY. */
AvmSceneMap *avm_scenemap_new (
    const AvmSceneSettings *settings, AvmError *error);
void avm_scenemap_free (AvmSceneMap *self);

/* Makes the map. distances: n_faces x n_faces, symmetric; faces of one view
 * are never taken for one. All are kept as they are. False with *error: RANGE,
 * EMPTY, MEMORY. */
bool avm_scenemap_run (AvmSceneMap *self, const AvmSceneView *views,
    int n_views, const AvmSceneFace *faces, int n_faces, const float *distances,
    AvmError *error);

/* -- results of the last run ---------------------------------------------- */

/* The view from which the map is seen */
int avm_scenemap_get_reference (const AvmSceneMap *self);
/* Whether the view was brought to the map; the reference was. */
bool avm_scenemap_is_placed (const AvmSceneMap *self, int view);
/* Where the face is, px of the picture of the reference. False: its view was
 * not placed, or it would be behind that camera. */
bool avm_scenemap_get_place (
    const AvmSceneMap *self, int face, double *x, double *y);
/* Seen from above, in sizes of a face: x to the right of the middle of the
 * reference's picture, z away from its camera, 0 for the nearest. False: as
 * above. */
bool avm_scenemap_get_seat (
    const AvmSceneMap *self, int face, double *x, double *z);
/* How far apart two faces of different views are, in sizes of a face, seen in
 * the pictures of both; NaN where a view was not placed. */
double avm_scenemap_get_gap (const AvmSceneMap *self, int a, int b);

/* Changes distances, n_faces x n_faces, by what the map says: less (by up to
 * two spreads) where places agree, more (by up to three) where not, and not
 * where nothing is known. Infinite ones stay. */
void avm_scenemap_fuse (const AvmSceneMap *self, float *distances);

#ifdef __cplusplus
}
#endif
#endif /* AVM_SCENEMAP_H */
