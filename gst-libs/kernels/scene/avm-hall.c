/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hall: where the cameras stand, how a musician's pose moves the parts,
 * who covers whom; the picture and the same geometry as truth.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-hall-private.h"

#include <string.h>

#define MAX_PLAYERS AVM_ORCHESTRA_MAX_PLAYERS
#define MAX_SHAKE 20.0
#define MAX_PAN 120.0
#define SHAKE_PEAK 3.5
#define N_TREMORS 6

/* Heads are painted at these steps of yaw, and looking ahead or down. */
#define YAW_STEP 0.25
#define N_YAWS 9 /* -1 .. 1 rad */
#define N_NODS 2
#define NOD_LIMIT 0.17
#define MAX_TURN 0.75 /* rad, of the head against the body */

/* Half sizes of the truth's boxes, body units, as on the stage */
#define HAND_HALF 35.0
#define BOW_HALF 40.0
#define FACE_HALF_W 52.0
#define FACE_HALF_H 62.0

/* How a player is seen by one camera. */
typedef struct {
  AvmAffine seat; /* body units to units of the picture, at rest */
  double depth;
  double bearing; /* of the camera, rad to the picture's right */
  bool in_shot;
  AvmSprite parts[AVM_N_PARTS];
  AvmSprite chair;
  AvmSprite heads[N_YAWS][N_NODS];
} Figure;

typedef struct {
  AvmHallCamera camera;
  Figure figures[MAX_PLAYERS];
  int order[MAX_PLAYERS]; /* far to near */
  AvmBackdrop backdrop;
} View;

typedef struct {
  const AvmMusician *musician;
  const AvmBuild *build;
  AvmLook look;
  AvmHeadLook face;
} Player;

struct AvmHall {
  const AvmOrchestra *orchestra;
  AvmHallConfig config;
  int n_players;
  double scale;
  AvmHallPlan plan;
  Player players[MAX_PLAYERS];
  View *views[AVM_HALL_MAX_CAMERAS];
  AvmHallShot *shots;
  size_t n_shots;
  AvmSprite covers[AVM_N_COVERS];
  double tremor_hz[2][N_TREMORS], tremor_phase[2][N_TREMORS];
  double pan_hz, pan_phase;
  int8_t *noise;
  float *scratch;
};

void
avm_hall_config_init (AvmHallConfig *config, int width, int height)
{
  memset (config, 0, sizeof (*config));
  config->width = AVM_CLAMP (width, 1, AVM_STAGE_MAX_SIZE);
  config->height = AVM_CLAMP (height, 1, AVM_STAGE_MAX_SIZE);
  config->n_cameras = 1;
}

static double
sane_time (double time)
{
  return isfinite (time) ? AVM_CLAMP (time, -1e8, 1e8) : 0.0;
}

static double
mix (double a, double b, double share)
{
  return a + (b - a) * share;
}

static AvmVec
mix_points (AvmVec a, AvmVec b, double share)
{
  AvmVec p = {mix (a.x, b.x, share), mix (a.y, b.y, share)};

  return p;
}

static AvmRng
event_rng (const AvmHall *hall, int kind, int64_t index)
{
  AvmRng rng;

  avm_rng_init (&rng,
      hall->config.seed ^ (uint64_t)index * UINT64_C (0x9e3779b97f4a7c15),
      2000 + (uint64_t)kind);
  avm_rng_u32 (&rng);
  return rng;
}

/* -- how a pose moves the parts -------------------------------------------- */

/**
 * Rest: where things are while nothing is played, body units; bow: angle of
 * the stick.
 */
typedef struct {
  double turn; /* of the instrument about its tail */
  AvmVec tail; /* where that goes */
  bool keeps_neck;
  AvmVec hand, grip;
  double bow;
  AvmVec left_elbow, right_elbow;
} Rest;

static const Rest rests[] = {
    [AVM_INSTRUMENT_VIOLIN] = {-1.92, {62, 704}, true, {0, 0}, {-86, 646},
        -1.72, {170, 588}, {-158, 556}},
    [AVM_INSTRUMENT_VIOLA] = {-1.95, {62, 706}, true, {0, 0}, {-86, 650}, -1.70,
        {172, 592}, {-158, 560}},
    [AVM_INSTRUMENT_CELLO] = {0.0, {-52, 1032}, false, {126, 650}, {-178, 640},
        1.72, {196, 530}, {-196, 540}},
    [AVM_INSTRUMENT_BASS] = {0.0, {-30, 1040}, true, {0, 0}, {-226, 590}, 1.66,
        {206, 372}, {-232, 440}},
};

typedef struct {
  AvmAffine parts[AVM_N_PARTS]; /* to units of the picture */
  AvmAffine body, instrument;
  int yaw, nod;                /* which head */
  AvmVec head, hand, bow_hand; /* units */
} Placement;

static AvmVec
joint (AvmVec shoulder, const AvmBuild *build)
{
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);
  AvmVec at = {mid + 0.93 * (shoulder.x - mid), shoulder.y + 15.0};

  return at;
}

/* About the tail of the instrument, which moves. */
static AvmAffine
instrument_map (const AvmBuild *b, const Rest *rest, double raised)
{
  AvmAffine back = {1.0, 0.0, 0.0, 1.0, -b->tail.x, -b->tail.y};
  AvmAffine turn = avm_affine_rotation (
      rest->turn * (1.0 - raised), mix_points (rest->tail, b->tail, raised));

  return avm_affine_compose (&turn, &back);
}

static void
place_left_arm (Placement *place, const AvmBuild *b, const Rest *rest,
    const AvmPose *pose, double raised, double roll)
{
  double along = b->hand_at_nut + b->hand_travel * pose->neck;
  double side = b->hand_side, moved;
  AvmVec at = {b->tail.x + b->out.x * along - b->out.y * side - b->out.x * roll,
      b->tail.y + b->out.y * along + b->out.x * side - b->out.y * roll};
  AvmVec origin = {0.0, 0.0}, wrist, elbow = b->left_elbow;
  AvmAffine hand, lie = avm_build_hand (b, origin), turn = place->instrument;

  at = avm_affine_apply (&place->instrument, at.x, at.y);
  if (!rest->keeps_neck)
    at = mix_points (rest->hand, at, raised);
  /* the textures lie as on the neck of the raised instrument */
  turn.x0 = at.x;
  turn.y0 = at.y;
  place->parts[AVM_PART_PALM] = turn;
  for (int i = 0; i < 4; i++) {
    double down = AVM_MAX (1.0 - fabs (3.0 * pose->finger - (double)i), 0.0);
    AvmVec p =
        avm_affine_apply (&lie, -20.0 + 13.5 * i, 3.0 + 3.0 * (1.0 - down));

    p = avm_affine_apply (&turn, p.x, p.y);
    place->parts[AVM_PART_FINGER_0 + i] = turn;
    place->parts[AVM_PART_FINGER_0 + i].x0 = p.x;
    place->parts[AVM_PART_FINGER_0 + i].y0 = p.y;
  }
  hand = avm_affine_compose (&turn, &lie);
  wrist = avm_affine_apply (&hand, b->wrist.x, b->wrist.y);
  moved = 0.4 * (along - b->hand_at_nut - 0.3 * b->hand_travel);
  elbow.x += b->out.x * moved;
  elbow.y += b->out.y * moved;
  elbow = mix_points (rest->left_elbow, elbow, raised);
  place->parts[AVM_PART_LEFT_UPPER] =
      avm_affine_bone (joint (b->left_shoulder, b), elbow);
  place->parts[AVM_PART_LEFT_FORE] = avm_affine_bone (elbow, wrist);
  place->hand = at;
}

static void
place_right_arm (Placement *place, const AvmBuild *b, const Rest *rest,
    const AvmPose *pose, double raised)
{
  double angle = b->bow_angle + b->bow_tilt * (1.5 - pose->string);
  AvmVec d = {cos (angle), sin (angle)}, n = {-d.y, d.x}, grip, wrist, elbow;
  double reach = 22.0 + pose->bow * b->bow_length;
  double lift = pose->playing ? 10.0 : 26.0;
  AvmAffine bow;

  grip.x = b->tail.x + b->out.x * b->contact - d.x * reach - n.x * lift;
  grip.y = b->tail.y + b->out.y * b->contact - d.y * reach - n.y * lift;
  grip = mix_points (rest->grip, grip, raised);
  bow = avm_affine_rotation (mix (rest->bow, angle, raised), grip);
  place->parts[AVM_PART_BOW] = bow;
  place->parts[AVM_PART_BOW_HAND] = bow;
  wrist = avm_affine_apply (&bow, -40.0, -8.0);
  if (raised < 1.0) {
    /* the hand hangs over the stick, it does not follow it round */
    AvmVec above = {grip.x - 12.0, grip.y - 40.0};

    wrist = mix_points (above, wrist, raised);
    place->parts[AVM_PART_BOW_HAND] =
        avm_affine_rotation (mix (0.9, angle, raised), grip);
  }
  elbow = mix_points (b->frog_elbow, b->tip_elbow, pose->bow);
  elbow.y -= 8.0 * (1.5 - pose->string);
  elbow = mix_points (rest->right_elbow, elbow, raised);
  place->parts[AVM_PART_RIGHT_UPPER] =
      avm_affine_bone (joint (b->right_shoulder, b), elbow);
  place->parts[AVM_PART_RIGHT_FORE] = avm_affine_bone (elbow, wrist);
  place->bow_hand = avm_affine_apply (&bow, -4.0, -4.0);
}

/* Which way the nose points, as the camera sees it. */
static double
head_yaw (const Player *player, const Figure *figure, double turn)
{
  return player->musician->facing + AVM_CLAMP (turn, -MAX_TURN, MAX_TURN)
      - figure->bearing;
}

static int
yaw_index (double yaw)
{
  return AVM_CLAMP ((int)lrint (yaw / YAW_STEP) + N_YAWS / 2, 0, N_YAWS - 1);
}

static double
head_tilt (const Player *player, const AvmMusicianPose *pose)
{
  return player->build->head_tilt * pose->raised + pose->pose.head;
}

static void
place_head (Placement *place, const Player *player, const Figure *figure,
    const AvmMusicianPose *pose)
{
  const AvmBuild *b = player->build;
  const AvmVec pivot = {0.0, 84.0};
  double yaw = head_yaw (player, figure, pose->turn), off, drop;
  AvmVec at = {b->head.x + pivot.x, b->head.y + pivot.y};
  AvmAffine turn = avm_affine_rotation (head_tilt (player, pose), at);
  AvmAffine back = {1.0, 0.0, 0.0, 1.0, -pivot.x, -pivot.y};

  place->yaw = yaw_index (yaw);
  place->nod = pose->nod > NOD_LIMIT;
  /* what the nearest picture leaves of the turn shifts it */
  off = yaw - YAW_STEP * (place->yaw - N_YAWS / 2);
  drop = pose->nod - (place->nod ? 0.28 : 0.04);
  back.x0 += 20.0 * AVM_CLAMP (off, -0.2, 0.2);
  back.y0 += 24.0 * AVM_CLAMP (drop, -0.2, 0.2);
  place->parts[AVM_PART_HEAD] = avm_affine_compose (&turn, &back);
}

static void
place_player (Placement *place, const Player *player, const Figure *figure,
    const AvmMusicianPose *pose)
{
  const AvmBuild *b = player->build;
  const Rest *rest = &rests[player->musician->instrument];
  const AvmAffine identity = {1.0, 0.0, 0.0, 1.0, 0.0, 0.0};
  AvmAffine stand = {1.0, 0.0, 0.0, 1.0, -214.0, 0.0};
  double raised = AVM_CLAMP (pose->raised, 0.0, 1.0);

  place->body = figure->seat;
  /* sway is in units at the size of the stage's players */
  place->body.x0 += figure->seat.a * pose->pose.sway_x;
  place->body.y0 += figure->seat.a * pose->pose.sway_y;
  place->instrument = instrument_map (b, rest, raised);
  place->parts[AVM_PART_TORSO] = identity;
  place->parts[AVM_PART_INSTRUMENT] = place->instrument;
  place_head (place, player, figure, pose);
  place_left_arm (place, b, rest, &pose->pose, raised, pose->pose.roll);
  place_right_arm (place, b, rest, &pose->pose, raised);
  for (int i = 0; i < AVM_N_PARTS; i++)
    place->parts[i] = avm_affine_compose (&place->body, &place->parts[i]);
  place->parts[AVM_PART_STAND] = avm_affine_compose (&figure->seat, &stand);
  place->head = avm_affine_apply (&place->parts[AVM_PART_HEAD], 0.0, 0.0);
  place->hand = avm_affine_apply (&place->body, place->hand.x, place->hand.y);
  place->bow_hand =
      avm_affine_apply (&place->body, place->bow_hand.x, place->bow_hand.y);
}

/* One stand for two. */
static bool
has_stand (const Player *player)
{
  return player->musician->desk % 2 == 0;
}

/* -- the camera at work ---------------------------------------------------- */

int
avm_hall_camera (const AvmHall *hall, double time)
{
  double t = sane_time (time);
  size_t lo = 0, hi = hall->n_shots;

  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;

    if (hall->shots[mid].onset <= t)
      lo = mid + 1;
    else
      hi = mid;
  }
  return hall->shots[lo > 0 ? lo - 1 : 0].camera;
}

const AvmHallShot *
avm_hall_shots (const AvmHall *hall, size_t *n_shots)
{
  *n_shots = hall->n_shots;
  return hall->shots;
}

/* Off the camera's place, px. Every camera has its own hand. */
static AvmVec
camera_offset (const AvmHall *hall, int camera, double t)
{
  AvmVec d = {0.0, 0.0};
  double gain = hall->config.shake * sqrt (2.0 / N_TREMORS);
  double pan = hall->config.pan
      * sin (2.0 * M_PI * hall->pan_hz * t + hall->pan_phase + 1.7 * camera);

  t += 13.7 * camera;
  for (int i = 0; gain > 0.0 && i < N_TREMORS; i++) {
    d.x += gain
        * sin (
            2.0 * M_PI * hall->tremor_hz[0][i] * t + hall->tremor_phase[0][i]);
    d.y += gain
        * sin (
            2.0 * M_PI * hall->tremor_hz[1][i] * t + hall->tremor_phase[1][i]);
  }
  d.x = (d.x + pan) * hall->scale;
  d.y = (d.y + 0.08 * pan) * hall->scale;
  return d;
}

/* units to px, the camera at rest */
static AvmAffine
frame_map (const AvmHall *hall)
{
  AvmAffine m = {hall->scale, 0.0, 0.0, hall->scale,
      0.5 * hall->config.width - 960.0 * hall->scale,
      0.5 * hall->config.height - 540.0 * hall->scale};

  return m;
}

/* Who walks past the camera: the sprite's map to units; false nobody. */
static bool
cover_at (
    const AvmHall *hall, int camera, double t, AvmCover *kind, AvmAffine *map)
{
  double slot, begin, length, size, way;
  int64_t index;
  AvmRng rng;

  if (!(hall->config.occlusion > 0.0))
    return false;
  slot = 60.0 / hall->config.occlusion;
  index = (int64_t)floor (t / slot);
  rng = event_rng (hall, 3 + camera, index);
  *kind = AVM_COVER_HEAD;
  length = AVM_MIN (avm_rng_range (&rng, 2.2, 4.0), 0.9 * slot);
  begin = slot * (double)index + avm_rng_uniform (&rng) * (slot - length);
  size = avm_rng_range (&rng, 1.0, 1.5);
  way = avm_rng_uniform (&rng) < 0.5 ? 1.0 : -1.0;
  if (t <= begin || t >= begin + length)
    return false;
  map->a = map->d = size;
  map->b = map->c = 0.0;
  map->x0 = 960.0 + way * (2.0 * (t - begin) / length - 1.0) * 1300.0;
  map->y0 = avm_rng_range (&rng, 470.0, 640.0)
      + 8.0 * sin (2.0 * M_PI * 1.8 * (t - begin));
  return true;
}

/* -- drawing --------------------------------------------------------------- */

static void
draw_player (const Player *player, const Figure *figure,
    const AvmTarget *target, const AvmAffine *camera,
    const AvmMusicianPose *pose)
{
  static const AvmBodyPart violin[] = {AVM_PART_TORSO, AVM_PART_LEFT_UPPER,
      AVM_PART_RIGHT_UPPER, AVM_PART_INSTRUMENT, AVM_PART_HEAD,
      AVM_PART_LEFT_FORE, AVM_PART_PALM, AVM_PART_FINGER_0, AVM_PART_FINGER_1,
      AVM_PART_FINGER_2, AVM_PART_FINGER_3, AVM_PART_BOW, AVM_PART_RIGHT_FORE,
      AVM_PART_BOW_HAND, AVM_N_PARTS};
  static const AvmBodyPart cello[] = {AVM_PART_TORSO, AVM_PART_HEAD,
      AVM_PART_LEFT_UPPER, AVM_PART_RIGHT_UPPER, AVM_PART_INSTRUMENT,
      AVM_PART_LEFT_FORE, AVM_PART_PALM, AVM_PART_FINGER_0, AVM_PART_FINGER_1,
      AVM_PART_FINGER_2, AVM_PART_FINGER_3, AVM_PART_BOW, AVM_PART_RIGHT_FORE,
      AVM_PART_BOW_HAND, AVM_N_PARTS};
  const AvmBodyPart *parts = player->build->upright ? cello : violin;
  Placement place;
  AvmAffine map = avm_affine_compose (camera, &figure->seat);

  place_player (&place, player, figure, pose);
  avm_sprite_draw (&figure->chair, target, &map);
  for (int i = 0; parts[i] != AVM_N_PARTS; i++) {
    const AvmSprite *sprite = parts[i] == AVM_PART_HEAD
        ? &figure->heads[place.yaw][place.nod]
        : &figure->parts[parts[i]];

    map = avm_affine_compose (camera, &place.parts[parts[i]]);
    avm_sprite_draw (sprite, target, &map);
  }
  if (has_stand (player)) {
    map = avm_affine_compose (camera, &place.parts[AVM_PART_STAND]);
    avm_sprite_draw (&figure->parts[AVM_PART_STAND], target, &map);
  }
}

void
avm_hall_render (AvmHall *hall, double time, uint8_t *const planes[],
    const int strides[], int n_planes)
{
  double t = sane_time (time);
  int number = avm_hall_camera (hall, t);
  const View *view = hall->views[number];
  AvmVec offset = camera_offset (hall, number, t);
  AvmAffine camera = frame_map (hall), map;
  AvmTarget target = {.width = hall->config.width,
      .height = hall->config.height,
      .n_planes = n_planes >= 3 && !hall->config.gray ? 3 : 1};
  AvmCover kind;

  if (hall->config.blind)
    return;
  camera.x0 += offset.x;
  camera.y0 += offset.y;
  for (int i = 0; i < target.n_planes; i++) {
    target.planes[i] = planes[i];
    target.strides[i] = strides[i];
  }
  avm_backdrop_draw (
      &view->backdrop, &target, offset.x, offset.y, hall->scratch);
  for (int i = 0; i < hall->n_players; i++) {
    int who = view->order[i];
    AvmMusicianPose pose;

    if (!view->figures[who].in_shot)
      continue;
    avm_orchestra_pose (hall->orchestra, who, t, &pose);
    draw_player (
        &hall->players[who], &view->figures[who], &target, &camera, &pose);
  }
  if (cover_at (hall, number, t, &kind, &map)) {
    map = avm_affine_compose (&camera, &map);
    avm_sprite_draw (&hall->covers[kind], &target, &map);
  }
  if (hall->noise != NULL)
    avm_noise_add (hall->noise, &target,
        hall->config.seed * UINT64_C (0x9e3779b97f4a7c15)
            ^ (uint64_t)llrint (t * 1e6) ^ ((uint64_t)number << 56));
}

/* -- truth ----------------------------------------------------------------- */

static bool
in_ellipse (double x, double y, double cx, double cy, double rx, double ry)
{
  double u = (x - cx) / rx, v = (y - cy) / ry;

  return u * u + v * v < 1.0;
}

/* Whether the instrument lies over that point of the body's space. */
static bool
instrument_covers (
    const AvmBuild *b, const Placement *place, double x, double y)
{
  const AvmAffine *m = &place->instrument;
  /* a rotation: its transpose turns back */
  double dx = x - m->x0, dy = y - m->y0;
  double u = m->a * dx + m->c * dy - b->tail.x;
  double v = m->b * dx + m->d * dy - b->tail.y;
  double along = u * b->out.x + v * b->out.y;
  double across = v * b->out.x - u * b->out.y;
  double l = b->body_end - b->body_begin;

  if (in_ellipse (along, across, 0.5 * (b->body_begin + b->body_end), 0.0,
          0.5 * l, (b->upright ? 0.24 : 0.28) * l))
    return true;
  return along > b->body_end - 10.0 && along < b->length
      && fabs (across) < (b->upright ? 13.0 : 8.0);
}

/* Whether a player lies over a point of the picture; what moves fast and is
 * thin (bow, fingers) does not count. */
static bool
player_covers (const Player *player, const Placement *place, AvmVec at)
{
  const AvmBuild *b = player->build;
  double x = (at.x - place->body.x0) / place->body.a;
  double y = (at.y - place->body.y0) / place->body.d;
  double mid = 0.5 * (b->left_shoulder.x + b->right_shoulder.x);
  double sy = b->left_shoulder.y;

  if (y < b->head.y - 140.0 && !b->upright)
    return false;
  if (in_ellipse (at.x, at.y, place->head.x, place->head.y,
          60.0 * place->body.a, 82.0 * place->body.d))
    return true;
  if (y > sy - 30.0 && y < 706.0
      && fabs (x - mid) < 92.0 + AVM_CLAMP (y - sy + 30.0, 0.0, 40.0))
    return true;
  if (y > sy + 15.0 && y < 560.0 && fabs (x - mid) < 150.0)
    return true;
  if (y > 640.0 && y < 1040.0 && fabs (x - mid) < 130.0)
    return true;
  if (has_stand (player) && fabs (x + 214.0) < 70.0 && y > 725.0 && y < 808.0)
    return true;
  return instrument_covers (b, place, x, y);
}

static bool
passer_covers (const AvmAffine *map, AvmVec at)
{
  /* height, half width: neck and shoulders */
  static const double outline[][2] = {{40.0, 46.0}, {103.0, 49.0},
      {112.0, 80.0}, {140.0, 152.0}, {185.0, 178.0}, {240.0, 191.0},
      {730.0, 197.0}};
  double x = fabs ((at.x - map->x0) / map->a), y = (at.y - map->y0) / map->d;
  int i = 1;

  if (in_ellipse (x, y, 0.0, -4.0, 76.0, 94.0)
      || in_ellipse (x, y, 74.0, 12.0, 12.0, 22.0))
    return true;
  if (y < outline[0][0] || y >= 730.0)
    return false;
  while (y >= outline[i][0])
    i++;
  return x < mix (outline[i - 1][1], outline[i][1],
             (y - outline[i - 1][0]) / (outline[i][0] - outline[i - 1][0]));
}

typedef struct {
  const AvmHall *hall;
  const View *view;
  const Placement *places;
  AvmAffine to_units; /* px to units */
  bool passer;
  AvmAffine passer_map;
} Scene;

/* The share of a box that is in the frame and not covered by those in front
 * of order[rank]. */
static double
visible_share (const Scene *scene, int rank, const AvmStageRect *box)
{
  enum {
    STEPS = 8
  };
  const AvmHall *hall = scene->hall;
  int near[MAX_PLAYERS], n_near = 0, seen = 0;
  double left = scene->to_units.a * box->x + scene->to_units.x0;
  double right = left + scene->to_units.a * box->w;

  for (int i = rank + 1; i < hall->n_players; i++) {
    int who = scene->view->order[i];
    const AvmAffine *body = &scene->places[who].body;

    if (scene->view->figures[who].in_shot && right > body->x0 - 300.0 * body->a
        && left < body->x0 + 300.0 * body->a)
      near[n_near++] = who;
  }
  for (int i = 0; i < STEPS * STEPS; i++) {
    double x = box->x + box->w * (i % STEPS + 0.5) / STEPS;
    double y = box->y + box->h * (i / STEPS + 0.5) / STEPS;
    AvmVec at = avm_affine_apply (&scene->to_units, x, y);
    bool covered = x < 0.0 || y < 0.0 || x >= hall->config.width
        || y >= hall->config.height
        || (scene->passer && passer_covers (&scene->passer_map, at));

    for (int k = 0; k < n_near && !covered; k++)
      covered =
          player_covers (&hall->players[near[k]], &scene->places[near[k]], at);
    seen += !covered;
  }
  return (double)seen / (STEPS * STEPS);
}

static void
box_around (AvmStageRect *rect, const AvmAffine *camera, AvmVec at,
    double half_w, double half_h)
{
  AvmVec p = avm_affine_apply (camera, at.x, at.y);

  rect->w = 2.0 * half_w * camera->a;
  rect->h = 2.0 * half_h * camera->d;
  rect->x = p.x - 0.5 * rect->w;
  rect->y = p.y - 0.5 * rect->h;
}

/* Head, arms and the raised instrument, down to the knees. */
static void
player_box (AvmStageRect *rect, const AvmAffine *camera, const Player *player,
    const Placement *place)
{
  const AvmBuild *b = player->build;
  double left = AVM_MIN (b->tip_elbow.x, b->frog_elbow.x) - 28.0;
  double right =
      AVM_MAX (b->left_elbow.x + 28.0, b->tail.x + b->out.x * b->length + 8.0);
  double top = AVM_MIN (b->head.y - 92.0, b->tail.y + b->out.y * b->length);
  double bottom = b->standing ? 860.0 : 800.0, s = place->body.a;
  AvmVec middle = avm_affine_apply (
      &place->body, 0.5 * (left + right), 0.5 * (top + bottom));

  box_around (
      rect, camera, middle, 0.5 * s * (right - left), 0.5 * s * (bottom - top));
}

static void
observe_player (
    const Scene *scene, int rank, const AvmAffine *camera, AvmSight *sight)
{
  int who = scene->view->order[rank];
  const Placement *place = &scene->places[who];
  double s = place->body.a;

  box_around (&sight->boxes[AVM_STAGE_HAND], camera, place->hand, s * HAND_HALF,
      s * HAND_HALF);
  box_around (&sight->boxes[AVM_STAGE_BOW], camera, place->bow_hand,
      s * BOW_HALF, s * BOW_HALF);
  box_around (&sight->boxes[AVM_STAGE_FACE], camera, place->head,
      s * FACE_HALF_W, s * FACE_HALF_H);
  player_box (&sight->boxes[AVM_STAGE_PLAYER], camera,
      &scene->hall->players[who], place);
  for (int i = 0; i < 4; i++)
    sight->boxes[i].visible = scene->view->figures[who].in_shot
        ? visible_share (scene, rank, &sight->boxes[i])
        : 0.0;
}

void
avm_hall_observe (const AvmHall *hall, double time, AvmSight *sights)
{
  double t = sane_time (time);
  int number = avm_hall_camera (hall, t);
  const View *view = hall->views[number];
  AvmVec offset = camera_offset (hall, number, t);
  AvmAffine camera = frame_map (hall);
  Placement places[MAX_PLAYERS];
  Scene scene = {.hall = hall, .view = view, .places = places};
  AvmCover kind;

  camera.x0 += offset.x;
  camera.y0 += offset.y;
  scene.to_units = (AvmAffine){1.0 / camera.a, 0.0, 0.0, 1.0 / camera.d,
      -camera.x0 / camera.a, -camera.y0 / camera.d};
  scene.passer = cover_at (hall, number, t, &kind, &scene.passer_map);
  for (int i = 0; i < hall->n_players; i++) {
    const Player *player = &hall->players[i];
    const Figure *figure = &view->figures[i];
    AvmMusicianPose pose;

    avm_orchestra_pose (hall->orchestra, i, t, &pose);
    place_player (&places[i], player, figure, &pose);
    sights[i].yaw = head_yaw (player, figure, pose.turn);
    sights[i].nod = pose.nod;
    sights[i].tilt = head_tilt (player, &pose);
  }
  for (int rank = 0; rank < hall->n_players; rank++)
    observe_player (&scene, rank, &camera, &sights[view->order[rank]]);
}

/* -- cameras --------------------------------------------------------------- */

/* Frames the players within `reach` of x: as large as they fit, but no larger
 * than `most` units of the picture per body unit. */
static void
frame_players (
    const AvmHall *hall, AvmHallCamera *c, double x, double reach, double most)
{
  double lo[2] = {1e9, 1e9}, hi[2] = {-1e9, -1e9}, nearest = 1e9, focal;

  c->focal = 1.0;
  c->cx = c->cy = 0.0;
  for (int i = 0; i < hall->n_players; i++) {
    const AvmMusician *m = hall->players[i].musician;
    double top = m->instrument == AVM_INSTRUMENT_BASS ? 1100.0 : 960.0;

    if (fabs (m->x - x) > reach)
      continue;
    for (int k = 0; k < 4; k++) {
      AvmVec p;
      double depth = avm_hall_project (c, m->x + (k & 1 ? 285.0 : -250.0),
          m->floor + (k & 2 ? top : 250.0), m->z, &p);

      nearest = AVM_MIN (nearest, depth);
      lo[0] = AVM_MIN (lo[0], p.x);
      hi[0] = AVM_MAX (hi[0], p.x);
      lo[1] = AVM_MIN (lo[1], p.y);
      hi[1] = AVM_MAX (hi[1], p.y);
    }
  }
  focal = AVM_MIN (1860.0 / (hi[0] - lo[0]), 1020.0 / (hi[1] - lo[1]));
  focal = AVM_MIN (focal, most * nearest);
  c->focal = focal;
  c->cx = 960.0 - 0.5 * focal * (lo[0] + hi[0]);
  c->cy = 540.0 - 0.5 * focal * (lo[1] + hi[1]);
}

/* From `distance` before (x, z), `bearing` to the right of straight. */
static void
stand_at (AvmHallCamera *c, double x, double y, double z, double distance,
    double bearing)
{
  c->x = x + distance * sin (bearing);
  c->z = z - distance * cos (bearing);
  c->y = y;
  c->yaw = -bearing;
}

static void
place_camera (const AvmHall *hall, int number, AvmHallCamera *c)
{
  double half = hall->plan.half_width - 270.0;
  double depth = hall->plan.row_spacing * (hall->plan.n_rows - 1);
  double rise = hall->plan.rise * (hall->plan.n_rows - 1);
  double side, reach = AVM_MAX (0.52 * half, 700.0);
  AvmRng rng;

  avm_rng_init (&rng, hall->config.seed, 70 + (uint64_t)number);
  switch (number) {
    case 0:
      stand_at (c, 0.0, 1700.0 + 1.2 * rise, 0.4 * depth,
          avm_rng_range (&rng, 9000.0, 10500.0),
          avm_rng_range (&rng, -0.04, 0.04));
      frame_players (hall, c, 0.0, 1e9, 0.78);
      break;
    case 1:
    case 2:
      /* from the left to the right half, from the right to the left */
      side = number == 1 ? 1.0 : -1.0;
      stand_at (c, side * 0.5 * half,
          avm_rng_range (&rng, 800.0, 1100.0) + 0.3 * rise, 0.5 * depth,
          avm_rng_range (&rng, 5600.0, 6600.0),
          -side * avm_rng_range (&rng, 0.34, 0.46));
      frame_players (hall, c, side * 0.5 * half, reach, 0.86);
      break;
    default:
      stand_at (c, 0.0, 1150.0 + 0.6 * rise, 0.7 * depth,
          avm_rng_range (&rng, 6500.0, 7500.0),
          avm_rng_range (&rng, 0.08, 0.14));
      frame_players (hall, c, 0.0, reach, 0.86);
      break;
  }
}

/* -- building -------------------------------------------------------------- */

/* Who is drawn before whom. */
static void
sort_view (View *view, int n)
{
  for (int i = 0; i < n; i++) {
    int k = i;

    while (k > 0
        && view->figures[view->order[k - 1]].depth < view->figures[i].depth) {
      view->order[k] = view->order[k - 1];
      k--;
    }
    view->order[k] = i;
  }
}

static void
place_figures (const AvmHall *hall, View *view)
{
  const AvmHallCamera *c = &view->camera;
  double margin = hall->config.pan + SHAKE_PEAK * hall->config.shake + 40.0;
  double half_w = 0.5 * hall->config.width / hall->scale + margin;
  double half_h = 0.5 * hall->config.height / hall->scale + margin;

  for (int i = 0; i < hall->n_players; i++) {
    const AvmMusician *m = hall->players[i].musician;
    Figure *f = &view->figures[i];
    AvmVec foot;
    double s;

    f->depth = avm_hall_project (c, m->x, m->floor, m->z, &foot);
    s = c->focal / f->depth;
    f->bearing = atan2 (c->x - m->x, m->z - c->z);
    f->seat =
        (AvmAffine){s, 0.0, 0.0, s, foot.x, foot.y - AVM_HALL_FLOOR_Y * s};
    f->in_shot = fabs (foot.x - 960.0) < half_w + 330.0 * s
        && foot.y - 1120.0 * s < 540.0 + half_h && foot.y > 540.0 - half_h;
  }
  sort_view (view, hall->n_players);
}

static void
dress (Player *player, int number, uint64_t seed, const AvmHallFace *picture)
{
  AvmRng rng;

  avm_head_look_init (&player->face, number, seed);
  if (picture != NULL)
    avm_head_look_take (&player->face, picture);
  avm_look_init (&player->look, number, seed);
  avm_rng_init (&rng, seed, 700 + (uint64_t)number);
  player->look.skin = player->face.skin;
  player->look.hair = player->face.hair;
  player->look.skirt = player->face.female && player->look.skirt;
  /* all in black, as it should be */
  player->look.cloth =
      avm_color_scale (avm_color (0x202024), avm_rng_range (&rng, 0.85, 1.15));
  player->look.cloth_texture = AVM_TEXTURE_GRAIN;
  player->look.trousers = avm_color (0x1a1a1e);
}

static bool
bake_chair (Figure *figure, const AvmBaker *baker, const Player *player)
{
  AvmCanvas canvas;
  bool baked;

  if (!avm_canvas_init (&canvas, baker->tile, -215.0, 455.0, 225.0, 1068.0,
          2.0 * baker->scale, 1))
    return false;
  avm_parts_paint_seat (&canvas, player->musician->instrument, &player->look);
  baked = avm_sprite_bake (&figure->chair, &canvas, baker->matrix, baker->gray);
  avm_canvas_clear (&canvas);
  return baked;
}

/* The heads that the player can turn to this camera. */
static bool
bake_heads (Figure *figure, const AvmBaker *baker, const Player *player)
{
  int first = yaw_index (head_yaw (player, figure, -MAX_TURN));
  int last = yaw_index (head_yaw (player, figure, MAX_TURN));

  for (int i = first; i <= last; i++) {
    double yaw = YAW_STEP * (i - N_YAWS / 2);

    if (!avm_head_bake (&figure->heads[i][0], baker, &player->face, yaw, 0.04)
        || !avm_head_bake (
            &figure->heads[i][1], baker, &player->face, yaw, 0.28))
      return false;
  }
  return true;
}

static bool
bake_figures (AvmHall *hall, View *view, AvmBaker *baker)
{
  for (int i = 0; i < hall->n_players; i++) {
    const Player *player = &hall->players[i];
    Figure *figure = &view->figures[i];
    unsigned which = (1u << AVM_N_PARTS) - 1 - (1u << AVM_PART_HEAD);

    if (!figure->in_shot)
      continue;
    if (!has_stand (player))
      which -= 1u << AVM_PART_STAND;
    baker->scale = hall->scale * figure->seat.a;
    if (!avm_parts_bake_some (figure->parts, baker,
            player->musician->instrument, &player->look, which)
        || !bake_chair (figure, baker, player)
        || !bake_heads (figure, baker, player))
      return false;
  }
  return true;
}

static bool
bake_backdrop (AvmHall *hall, View *view, const AvmBaker *baker)
{
  const AvmHallConfig *c = &hall->config;
  int margin = 2
      * (int)ceil (0.5 * (c->pan + SHAKE_PEAK * c->shake) * hall->scale + 4.0);
  AvmCanvas canvas;
  bool baked;

  if (!avm_canvas_init (&canvas, baker->tile, -margin, -margin,
          c->width + margin, c->height + margin, 1.0, 1))
    return false;
  canvas.user = frame_map (hall);
  avm_hall_paint (&canvas, &view->camera, &hall->plan, c->seed);
  baked = avm_backdrop_bake (
      &view->backdrop, &canvas, baker->matrix, margin, baker->gray);
  avm_canvas_clear (&canvas);
  return baked;
}

static bool
bake (AvmHall *hall)
{
  AvmTile *tile = avm_alloc (1, sizeof (AvmTile));
  AvmMatrix matrix;
  AvmBaker baker = {.tile = tile, .matrix = &matrix, .gray = hall->config.gray};
  bool baked = tile != NULL;

  avm_matrix_init (&matrix, hall->config.height > 576);
  if (baked)
    avm_tile_init (tile, hall->config.seed);
  for (int i = 0; baked && i < AVM_HALL_MAX_CAMERAS; i++)
    if (hall->views[i] != NULL)
      baked = bake_figures (hall, hall->views[i], &baker)
          && bake_backdrop (hall, hall->views[i], &baker);
  baker.scale = 1.3 * hall->scale;
  for (int i = 0; baked && hall->config.occlusion > 0.0 && i < AVM_N_COVERS;
       i++)
    baked = avm_cover_bake (&hall->covers[i], &baker, (AvmCover)i);
  avm_free (tile);
  return baked;
}

static bool
make_views (AvmHall *hall)
{
  const AvmHallConfig *c = &hall->config;

  for (int i = 0; i < c->n_cameras; i++) {
    bool needed = c->camera == i
        || (c->camera == AVM_HALL_PROGRAMME && (i == 0 || c->cuts > 0.0));

    if (!needed)
      continue;
    hall->views[i] = avm_alloc (1, sizeof (View));
    if (hall->views[i] == NULL)
      return false;
    place_camera (hall, i, &hall->views[i]->camera);
    place_figures (hall, hall->views[i]);
  }
  return true;
}

/* The editor begins with the whole, and never cuts to where he is. */
static bool
make_shots (AvmHall *hall)
{
  const AvmHallConfig *c = &hall->config;
  double end = avm_ensemble_duration (avm_orchestra_ensemble (hall->orchestra));
  bool edited =
      c->camera == AVM_HALL_PROGRAMME && c->cuts > 0.0 && c->n_cameras > 1;
  double slot = edited ? 60.0 / c->cuts : AVM_MAX (end, 1.0);
  size_t most = edited ? (size_t)(end / slot) + 2 : 1;
  AvmRng rng;

  hall->shots = avm_alloc (most, sizeof (AvmHallShot));
  if (hall->shots == NULL)
    return false;
  avm_rng_init (&rng, c->seed, 64);
  hall->shots[0].camera = AVM_MAX (c->camera, 0);
  hall->n_shots = 1;
  for (size_t i = 1; i < most; i++) {
    AvmHallShot *shot = &hall->shots[i];
    double at = slot * ((double)i + avm_rng_range (&rng, -0.35, 0.35));
    int step = 1 + (int)(avm_rng_u32 (&rng) % (uint32_t)(c->n_cameras - 1));

    if (at >= end)
      break;
    shot->onset = at;
    shot->camera = (shot[-1].camera + step) % c->n_cameras;
    hall->n_shots++;
  }
  for (size_t i = 0; i < hall->n_shots; i++)
    hall->shots[i].duration =
        (i + 1 < hall->n_shots ? hall->shots[i + 1].onset : end)
        - hall->shots[i].onset;
  return true;
}

static void
choose_motion (AvmHall *hall)
{
  AvmRng rng;

  avm_rng_init (&rng, hall->config.seed, 55);
  for (int axis = 0; axis < 2; axis++) {
    for (int i = 0; i < N_TREMORS; i++) {
      hall->tremor_hz[axis][i] =
          0.35 * pow (1.75, i) * avm_rng_range (&rng, 0.85, 1.15);
      hall->tremor_phase[axis][i] = avm_rng_range (&rng, 0.0, 2.0 * M_PI);
    }
  }
  hall->pan_hz = 1.0 / avm_rng_range (&rng, 22.0, 38.0);
  hall->pan_phase = avm_rng_range (&rng, 0.0, 2.0 * M_PI);
}

/* Which of the faces each player gets, -1 none. */
static void
deal_faces (const AvmHall *hall, int *dealt)
{
  int order[MAX_PLAYERS];
  AvmRng rng;

  avm_rng_init (&rng, hall->config.seed, 66);
  for (int i = 0; i < hall->n_players; i++) {
    int k = (int)(avm_rng_u32 (&rng) % (uint32_t)(i + 1));

    order[i] = order[k];
    order[k] = i;
    dealt[i] = -1;
  }
  for (int i = 0; i < AVM_MIN (hall->n_players, hall->config.n_faces); i++)
    dealt[order[i]] = i;
}

static void
make_plan (AvmHall *hall)
{
  double widest = 0.0;
  int dealt[MAX_PLAYERS];

  deal_faces (hall, dealt);
  hall->plan.n_rows = avm_orchestra_n_rows (hall->orchestra);
  for (int i = 0; i < hall->n_players; i++) {
    const AvmMusician *m = avm_orchestra_player (hall->orchestra, i);
    Player *player = &hall->players[i];

    player->musician = m;
    player->build = avm_build_get (m->instrument);
    dress (player, i, hall->config.seed,
        dealt[i] >= 0 ? &hall->config.faces[dealt[i]] : NULL);
    widest = AVM_MAX (widest, fabs (m->x));
  }
  hall->plan.half_width = widest + 270.0;
  hall->plan.row_spacing = AVM_ORCHESTRA_ROW_SPACING;
  hall->plan.rise = AVM_ORCHESTRA_RISER;
}

static bool
check_config (const AvmHallConfig *c, AvmError *error)
{
  const double numbers[] = {c->noise, c->shake, c->pan, c->occlusion, c->cuts};

  if (c->width < 1 || c->height < 1 || c->width > AVM_STAGE_MAX_SIZE
      || c->height > AVM_STAGE_MAX_SIZE)
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "size %d x %d is not within 1 .. %d", c->width, c->height,
        AVM_STAGE_MAX_SIZE);
  if (c->n_cameras < 1 || c->n_cameras > AVM_HALL_MAX_CAMERAS
      || c->camera < AVM_HALL_PROGRAMME || c->camera >= c->n_cameras)
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "camera %d of %d: a hall has 1 .. %d", c->camera, c->n_cameras,
        AVM_HALL_MAX_CAMERAS);
  for (int i = 0; i < c->n_faces; i++)
    if (c->faces == NULL || c->faces[i].rgb == NULL || c->faces[i].width < 1
        || c->faces[i].height < 1)
      return avm_error_set (error, AVM_ERROR_RANGE, -1, "face %d is empty", i);
  for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
    if (!isfinite (numbers[i]) || numbers[i] < 0.0)
      return avm_error_set (error, AVM_ERROR_RANGE, -1,
          "noise, shake, pan, occlusion and cuts must be 0 or more");
  return true;
}

static bool
make_noise (AvmHall *hall)
{
  if (!(hall->config.noise > 0.0))
    return true;
  hall->noise = avm_alloc (AVM_NOISE_TABLE, 1);
  if (hall->noise != NULL)
    avm_noise_fill (hall->noise, hall->config.noise, hall->config.seed);
  return hall->noise != NULL;
}

AvmHall *
avm_hall_new (
    const AvmOrchestra *orchestra, const AvmHallConfig *config, AvmError *error)
{
  AvmHall *hall;
  AvmHallConfig *c;

  if (!check_config (config, error))
    return NULL;
  hall = avm_alloc (1, sizeof (AvmHall));
  if (hall == NULL)
    goto failed;
  c = &hall->config;
  *c = *config;
  c->noise = AVM_MIN (c->noise, 64.0);
  c->shake = AVM_MIN (c->shake, MAX_SHAKE);
  c->pan = AVM_MIN (c->pan, MAX_PAN);
  c->occlusion = AVM_MIN (c->occlusion, 20.0);
  c->cuts = AVM_MIN (c->cuts, 60.0);
  hall->orchestra = orchestra;
  hall->n_players = avm_orchestra_n_players (orchestra);
  hall->scale = AVM_MIN (c->width / 1920.0, c->height / 1080.0);
  make_plan (hall);
  choose_motion (hall);
  hall->scratch = avm_alloc ((size_t)c->width + 8, sizeof (float));
  if (hall->scratch != NULL && make_shots (hall) && make_views (hall)
      && (c->blind || (make_noise (hall) && bake (hall))))
    return hall;

failed:
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory for the hall");
  avm_hall_free (hall);
  return NULL;
}

static void
view_free (View *view)
{
  if (view == NULL)
    return;
  for (int i = 0; i < MAX_PLAYERS; i++) {
    Figure *f = &view->figures[i];

    for (int k = 0; k < AVM_N_PARTS; k++)
      avm_sprite_clear (&f->parts[k]);
    for (int k = 0; k < N_YAWS * N_NODS; k++)
      avm_sprite_clear (&f->heads[k / N_NODS][k % N_NODS]);
    avm_sprite_clear (&f->chair);
  }
  avm_backdrop_clear (&view->backdrop);
  avm_free (view);
}

void
avm_hall_free (AvmHall *hall)
{
  if (hall == NULL)
    return;
  for (int i = 0; i < AVM_HALL_MAX_CAMERAS; i++)
    view_free (hall->views[i]);
  for (int i = 0; i < AVM_N_COVERS; i++)
    avm_sprite_clear (&hall->covers[i]);
  avm_free (hall->shots);
  avm_free (hall->noise);
  avm_free (hall->scratch);
  avm_free (hall);
}
