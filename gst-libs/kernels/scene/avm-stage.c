/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stage: who sits where, how a pose moves the parts, what the camera
 * does, what passes in front; and the same geometry as truth.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "scene/avm-stage-private.h"

#include <math.h>
#include <string.h>

#define N_SHOTS 4
#define N_TREMORS 6
#define FLOOR_Y 1040.0
#define MAX_SHAKE 20.0
#define MAX_PAN 120.0
/* the sum of N_TREMORS equal sinusoids is at most sqrt (2 N) of its rms */
#define SHAKE_PEAK 3.5

/* Half sizes of the truth's boxes, body units */
#define HAND_HALF 35.0
#define BOW_HALF 40.0
#define FACE_HALF_W 52.0
#define FACE_HALF_H 62.0

typedef struct {
  double zoom;
  AvmVec centre; /* units */
  bool flipped;
  int variant; /* of the room */
} Shot;

typedef struct {
  AvmInstrument instrument;
  const AvmBuild *build;
  AvmLook look;
  AvmSprite parts[AVM_N_PARTS];
  AvmAffine seat; /* body units to units, at rest */
} Player;

struct AvmStage {
  AvmStageConfig config;
  double *cut_times;
  double scale;
  Shot shots[N_SHOTS];
  int n_shots;
  AvmBackdrop backdrops[N_SHOTS];
  Player players[AVM_STAGE_MAX_PLAYERS];
  int order[AVM_STAGE_MAX_PLAYERS]; /* players, right to left */
  AvmSprite covers[AVM_N_COVERS];
  double tremor_hz[2][N_TREMORS], tremor_phase[2][N_TREMORS];
  double pan_hz, pan_phase;
  int8_t *noise;
  float *scratch;
};

/* -- configuration --------------------------------------------------------- */

void
avm_stage_config_init (
    AvmStageConfig *config, int width, int height, int n_players)
{
  static const AvmInstrument quartet[] = {AVM_INSTRUMENT_VIOLIN,
      AVM_INSTRUMENT_VIOLIN, AVM_INSTRUMENT_VIOLA, AVM_INSTRUMENT_CELLO,
      AVM_INSTRUMENT_BASS};

  memset (config, 0, sizeof (*config));
  config->width = AVM_CLAMP (width, 1, AVM_STAGE_MAX_SIZE);
  config->height = AVM_CLAMP (height, 1, AVM_STAGE_MAX_SIZE);
  config->n_players = AVM_CLAMP (n_players, 1, AVM_STAGE_MAX_PLAYERS);
  for (int i = 0; i < AVM_STAGE_MAX_PLAYERS; i++) {
    config->instruments[i] = quartet[i % 5];
    config->seats[i] = i;
  }
  if (config->n_players == 2)
    config->instruments[1] = AVM_INSTRUMENT_CELLO;
  if (config->n_players == 3) {
    config->instruments[1] = AVM_INSTRUMENT_VIOLA;
    config->instruments[2] = AVM_INSTRUMENT_CELLO;
  }
}

void
avm_stage_pose_init (AvmPose *pose, AvmInstrument instrument)
{
  memset (pose, 0, sizeof (*pose));
  pose->instrument = instrument;
  pose->bow = 0.5;
  pose->string = 1.5;
  pose->neck = 0.2;
}

static double
sane (double value, double lo, double hi, double rest)
{
  return isnan (value) ? rest : AVM_CLAMP (value, lo, hi);
}

static AvmPose
sane_pose (const AvmPose *pose)
{
  AvmPose p = *pose;

  p.bow = sane (p.bow, 0.0, 1.0, 0.5);
  p.string = sane (p.string, 0.0, 3.0, 1.5);
  p.neck = sane (p.neck, -0.1, 1.2, 0.2);
  p.roll = sane (p.roll, -30.0, 30.0, 0.0);
  p.sway_x = sane (p.sway_x, -200.0, 200.0, 0.0);
  p.sway_y = sane (p.sway_y, -200.0, 200.0, 0.0);
  p.head = sane (p.head, -0.6, 0.6, 0.0);
  p.finger = sane (p.finger, 0.0, 1.0, 0.0);
  return p;
}

static double
sane_time (double time_s)
{
  return isfinite (time_s) ? AVM_CLAMP (time_s, -1e8, 1e8) : 0.0;
}

/* -- what happens when ----------------------------------------------------- */

static AvmRng
event_rng (const AvmStage *stage, int kind, int64_t index)
{
  AvmRng rng;

  avm_rng_init (&rng,
      stage->config.seed ^ (uint64_t)index * UINT64_C (0x9e3779b97f4a7c15),
      1000 + (uint64_t)kind);
  avm_rng_u32 (&rng);
  return rng;
}

static int
shot_by_times (const AvmStage *stage, double t)
{
  size_t n = 0;
  AvmRng rng;

  while (n < stage->config.n_cut_times && stage->cut_times[n] <= t)
    n++;
  if (n % 2 == 0)
    return 0;
  rng = event_rng (stage, 1, (int64_t)n);
  return 1 + (int)(avm_rng_u32 (&rng) % (N_SHOTS - 1));
}

int
avm_stage_shot (const AvmStage *stage, double time_s)
{
  double t = sane_time (time_s), slot, begin, length;
  int64_t index;
  AvmRng rng;

  if (stage->n_shots < N_SHOTS)
    return 0;
  if (stage->config.n_cut_times > 0)
    return shot_by_times (stage, t);
  slot = 60.0 / stage->config.cuts;
  index = (int64_t)floor (t / slot);
  rng = event_rng (stage, 2, index);
  begin = slot * (double)index + slot * avm_rng_range (&rng, 0.25, 0.5);
  length = AVM_MIN (slot * 0.45, avm_rng_range (&rng, 1.5, 6.0));
  if (t < begin || t >= begin + length)
    return 0;
  return 1 + (int)(avm_rng_u32 (&rng) % (N_SHOTS - 1));
}

static double
smooth_step (double t)
{
  t = AVM_CLAMP (t, 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

/* Who stands up before the camera: the sprite's map to units; NULL nobody. */
static const AvmSprite *
cover_at (const AvmStage *stage, double t, AvmAffine *map)
{
  double slot, begin, hold, up, scale, drift;
  const double rise = 0.35;
  const Player *player;
  AvmVec hand, at;
  int64_t index;
  AvmRng rng;
  AvmCover kind;

  if (!(stage->config.occlusion > 0.0))
    return NULL;
  slot = 60.0 / stage->config.occlusion;
  index = (int64_t)floor (t / slot);
  rng = event_rng (stage, 3, index);
  player =
      &stage->players[avm_rng_u32 (&rng) % (uint32_t)stage->config.n_players];
  kind = (AvmCover)(avm_rng_u32 (&rng) % AVM_N_COVERS);
  hold = avm_rng_range (&rng, 0.5, AVM_MIN (2.0, slot - 1.2));
  begin = slot * (double)index
      + avm_rng_uniform (&rng) * (slot - hold - 2.0 * rise);
  drift = avm_rng_range (&rng, -30.0, 30.0);
  t -= begin;
  if (t <= 0.0 || t >= hold + 2.0 * rise)
    return NULL;
  up = smooth_step (t / rise) * smooth_step ((hold + 2.0 * rise - t) / rise);
  hand.x = player->build->tail.x
      + player->build->out.x
          * (player->build->hand_at_nut + 0.3 * player->build->hand_travel);
  hand.y = player->build->tail.y
      + player->build->out.y
          * (player->build->hand_at_nut + 0.3 * player->build->hand_travel);
  at = avm_affine_apply (&player->seat, hand.x, hand.y);
  scale = player->seat.a * (player->build->upright ? 1.5 : 1.1);
  map->a = map->d = scale;
  map->b = map->c = 0.0;
  map->x0 = at.x + drift * (t / (hold + 2.0 * rise) - 0.5);
  map->y0 = at.y + (1.0 - up) * (1180.0 + 110.0 * scale - at.y);
  return &stage->covers[kind];
}

/* Off the camera's place, px. */
static AvmVec
camera_offset (const AvmStage *stage, double t)
{
  AvmVec d = {0.0, 0.0};
  double gain = stage->config.shake * sqrt (2.0 / N_TREMORS);
  double pan = stage->config.pan
      * sin (2.0 * M_PI * (stage->pan_hz * t) + stage->pan_phase);

  if (gain > 0.0) {
    for (int i = 0; i < N_TREMORS; i++) {
      d.x += gain
          * sin (2.0 * M_PI * stage->tremor_hz[0][i] * t
              + stage->tremor_phase[0][i]);
      d.y += gain
          * sin (2.0 * M_PI * stage->tremor_hz[1][i] * t
              + stage->tremor_phase[1][i]);
    }
  }
  d.x = (d.x + pan) * stage->scale;
  d.y = (d.y + 0.12 * pan) * stage->scale;
  return d;
}

/* units to px of the frame, the camera at rest */
static AvmAffine
shot_map (const AvmStage *stage, int shot)
{
  const Shot *s = &stage->shots[shot];
  double zoom = s->zoom * stage->scale;
  AvmAffine m = {zoom, 0.0, 0.0, zoom, 0.0, 0.0};

  if (s->flipped != stage->config.mirrored)
    m.a = -m.a;
  m.x0 = 0.5 * stage->config.width - m.a * s->centre.x;
  m.y0 = 0.5 * stage->config.height - m.d * s->centre.y;
  return m;
}

static AvmAffine
camera_at (const AvmStage *stage, double t)
{
  AvmAffine m = shot_map (stage, avm_stage_shot (stage, t));
  AvmVec d = camera_offset (stage, t);

  m.x0 += d.x;
  m.y0 += d.y;
  return m;
}

/* -- how a pose moves the parts -------------------------------------------- */

typedef struct {
  AvmAffine parts[AVM_N_PARTS]; /* to units */
  AvmAffine body;               /* body units to units, with sway */
  AvmAffine head;
  AvmVec hand, bow_hand; /* units */
  AvmVec axis;           /* of one unit of roll, units */
} Placement;

static AvmVec
bow_direction (const AvmBuild *build, const AvmPose *pose)
{
  double angle = build->bow_angle + build->bow_tilt * (1.5 - pose->string);
  AvmVec d = {cos (angle), sin (angle)};

  return d;
}

/* Where the arm turns, under the seam of the shoulder. */
static AvmVec
joint (AvmVec shoulder, const AvmBuild *build)
{
  double mid = 0.5 * (build->left_shoulder.x + build->right_shoulder.x);
  AvmVec at = {mid + 0.93 * (shoulder.x - mid), shoulder.y + 15.0};

  return at;
}

static void
place_left_arm (
    Placement *place, const Player *player, const AvmPose *pose, double roll)
{
  const AvmBuild *b = player->build;
  double along = b->hand_at_nut + b->hand_travel * pose->neck;
  AvmVec u = {-b->out.x, -b->out.y}, v = {-b->out.y, b->out.x};
  AvmVec centre, wrist, elbow = b->left_elbow;
  AvmAffine hand;
  double moved;

  centre.x = b->tail.x + b->out.x * along + v.x * b->hand_side + u.x * roll;
  centre.y = b->tail.y + b->out.y * along + v.y * b->hand_side + u.y * roll;
  hand = avm_build_hand (b, centre);
  place->parts[AVM_PART_PALM] = avm_affine_shift (centre);
  for (int i = 0; i < 4; i++) {
    /* the finger that is down lies over the string, the others rise */
    double down = AVM_MAX (1.0 - fabs (3.0 * pose->finger - (double)i), 0.0);
    AvmVec at =
        avm_affine_apply (&hand, -20.0 + 13.5 * i, 3.0 + 3.0 * (1.0 - down));

    place->parts[AVM_PART_FINGER_0 + i] = avm_affine_shift (at);
  }
  wrist = avm_affine_apply (&hand, b->wrist.x, b->wrist.y);
  /* the elbow gives way to half of where the hand goes */
  moved = 0.4 * (along - b->hand_at_nut - 0.3 * b->hand_travel);
  elbow.x += b->out.x * moved;
  elbow.y += b->out.y * moved;
  place->parts[AVM_PART_LEFT_UPPER] =
      avm_affine_bone (joint (b->left_shoulder, b), elbow);
  place->parts[AVM_PART_LEFT_FORE] = avm_affine_bone (elbow, wrist);
  place->hand = centre;
  place->axis = u;
}

static void
place_right_arm (Placement *place, const Player *player, const AvmPose *pose)
{
  const AvmBuild *b = player->build;
  AvmVec d = bow_direction (b, pose), n = {-d.y, d.x}, grip, wrist, elbow;
  double reach = 22.0 + pose->bow * b->bow_length;
  double lift = pose->playing ? 10.0 : 22.0;
  AvmAffine bow;

  grip.x = b->tail.x + b->out.x * b->contact - d.x * reach - n.x * lift;
  grip.y = b->tail.y + b->out.y * b->contact - d.y * reach - n.y * lift;
  bow = avm_affine_rotation (atan2 (d.y, d.x), grip);
  place->parts[AVM_PART_BOW] = bow;
  place->parts[AVM_PART_BOW_HAND] = bow;
  wrist = avm_affine_apply (&bow, -40.0, -8.0);
  elbow.x = b->frog_elbow.x + (b->tip_elbow.x - b->frog_elbow.x) * pose->bow;
  elbow.y = b->frog_elbow.y + (b->tip_elbow.y - b->frog_elbow.y) * pose->bow;
  elbow.y -= 8.0 * (1.5 - pose->string);
  place->parts[AVM_PART_RIGHT_UPPER] =
      avm_affine_bone (joint (b->right_shoulder, b), elbow);
  place->parts[AVM_PART_RIGHT_FORE] = avm_affine_bone (elbow, wrist);
  place->bow_hand = avm_affine_apply (&bow, -4.0, -4.0);
}

static void
place_head (Placement *place, const Player *player, const AvmPose *pose)
{
  const AvmBuild *b = player->build;
  const AvmVec pivot = {0.0, 84.0};
  AvmVec at = {b->head.x + pivot.x, b->head.y + pivot.y};
  AvmAffine turn = avm_affine_rotation (b->head_tilt + pose->head, at);
  AvmAffine back = {1.0, 0.0, 0.0, 1.0, -pivot.x, -pivot.y};

  place->parts[AVM_PART_HEAD] = avm_affine_compose (&turn, &back);
}

/* Everything of one player, in units. */
static void
place_player (Placement *place, const Player *player, const AvmPose *raw)
{
  const AvmAffine identity = {1.0, 0.0, 0.0, 1.0, 0.0, 0.0};
  AvmPose pose = sane_pose (raw);
  AvmAffine stand = {1.0, 0.0, 0.0, 1.0, -214.0, 0.0};

  place->body = player->seat;
  place->body.x0 += pose.sway_x;
  place->body.y0 += pose.sway_y;
  place->parts[AVM_PART_TORSO] = identity;
  place->parts[AVM_PART_INSTRUMENT] = identity;
  place_head (place, player, &pose);
  place_left_arm (place, player, &pose, pose.roll / player->seat.a);
  place_right_arm (place, player, &pose);
  for (int i = 0; i < AVM_N_PARTS; i++)
    place->parts[i] = avm_affine_compose (&place->body, &place->parts[i]);
  place->parts[AVM_PART_STAND] = avm_affine_compose (&player->seat, &stand);
  place->head = place->parts[AVM_PART_HEAD];
  place->hand = avm_affine_apply (&place->body, place->hand.x, place->hand.y);
  place->bow_hand =
      avm_affine_apply (&place->body, place->bow_hand.x, place->bow_hand.y);
}

/* -- drawing --------------------------------------------------------------- */

static void
draw_player (const Player *player, const AvmTarget *target,
    const AvmAffine *camera, const AvmPose *pose)
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

  place_player (&place, player, pose);
  for (int i = 0; parts[i] != AVM_N_PARTS; i++) {
    AvmAffine map = avm_affine_compose (camera, &place.parts[parts[i]]);

    avm_sprite_draw (&player->parts[parts[i]], target, &map);
  }
}

void
avm_stage_render (AvmStage *stage, double time_s, const AvmPose *poses,
    uint8_t *const planes[], const int strides[], int n_planes)
{
  double t = sane_time (time_s);
  AvmAffine camera = camera_at (stage, t), map, cover_map;
  AvmVec offset = camera_offset (stage, t);
  AvmTarget target = {.width = stage->config.width,
      .height = stage->config.height,
      .n_planes = n_planes >= 3 && !stage->config.gray ? 3 : 1};
  const AvmSprite *cover = cover_at (stage, t, &cover_map);
  int n = stage->config.n_players;

  for (int i = 0; i < target.n_planes; i++) {
    target.planes[i] = planes[i];
    target.strides[i] = strides[i];
  }
  avm_backdrop_draw (&stage->backdrops[avm_stage_shot (stage, t)], &target,
      offset.x, offset.y, stage->scratch);
  /* from right to left, so that no arm lies over the next hand */
  for (int i = 0; i < n; i++)
    draw_player (&stage->players[stage->order[i]], &target, &camera,
        &poses[stage->order[i]]);
  for (int i = 0; i < n; i++) {
    const AvmAffine stand = {1.0, 0.0, 0.0, 1.0, -214.0, 0.0};
    const Player *player = &stage->players[stage->order[i]];

    map = avm_affine_compose (&player->seat, &stand);
    map = avm_affine_compose (&camera, &map);
    avm_sprite_draw (&player->parts[AVM_PART_STAND], &target, &map);
  }
  if (cover != NULL) {
    map = avm_affine_compose (&camera, &cover_map);
    avm_sprite_draw (cover, &target, &map);
  }
  if (stage->noise != NULL)
    avm_noise_add (stage->noise, &target,
        stage->config.seed * UINT64_C (0x9e3779b97f4a7c15)
            ^ (uint64_t)llrint (t * 1e6));
}

/* -- truth ----------------------------------------------------------------- */

static double
visible_share (const AvmStage *stage, double t, const AvmAffine *camera,
    const AvmStageRect *rect)
{
  const int steps = 12;
  AvmAffine map;
  const AvmSprite *cover = cover_at (stage, t, &map);
  double seen = 0.0;

  if (cover != NULL)
    map = avm_affine_compose (camera, &map);
  for (int i = 0; i < steps * steps; i++) {
    double x = rect->x + rect->w * (i % steps + 0.5) / steps;
    double y = rect->y + rect->h * (i / steps + 0.5) / steps;

    if (x < 0.0 || y < 0.0 || x >= stage->config.width
        || y >= stage->config.height)
      continue;
    seen += cover == NULL ? 1.0 : 1.0 - avm_sprite_alpha (cover, &map, x, y);
  }
  return seen / (steps * steps);
}

/* A box of half sizes around a point in units, as px. */
static void
box_around (AvmStageRect *rect, const AvmAffine *camera, AvmVec at,
    double half_w, double half_h)
{
  AvmVec p = avm_affine_apply (camera, at.x, at.y);

  half_w *= fabs (camera->a);
  half_h *= fabs (camera->d);
  rect->x = p.x - half_w;
  rect->y = p.y - half_h;
  rect->w = 2.0 * half_w;
  rect->h = 2.0 * half_h;
}

/* Head, arms and instrument, down to the knees. */
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

bool
avm_stage_region (const AvmStage *stage, double time_s, const AvmPose *poses,
    int player, AvmStageRole role, AvmStageRect *rect)
{
  double t = sane_time (time_s), s;
  AvmAffine camera = camera_at (stage, t);
  Placement place;
  const Player *who;

  memset (rect, 0, sizeof (*rect));
  if (player < 0 || player >= stage->config.n_players)
    return false;
  who = &stage->players[player];
  s = who->seat.a;
  place_player (&place, who, &poses[player]);
  switch (role) {
    case AVM_STAGE_HAND:
      box_around (rect, &camera, place.hand, s * HAND_HALF, s * HAND_HALF);
      break;
    case AVM_STAGE_BOW:
      box_around (rect, &camera, place.bow_hand, s * BOW_HALF, s * BOW_HALF);
      break;
    case AVM_STAGE_FACE:
      box_around (rect, &camera, avm_affine_apply (&place.head, 0.0, 0.0),
          s * FACE_HALF_W, s * FACE_HALF_H);
      break;
    case AVM_STAGE_PLAYER:
    default:
      player_box (rect, &camera, who, &place);
      break;
  }
  rect->visible = visible_share (stage, t, &camera, rect);
  return true;
}

bool
avm_stage_hand (const AvmStage *stage, double time_s, const AvmPose *poses,
    int player, AvmStageHand *hand)
{
  AvmAffine camera = camera_at (stage, sane_time (time_s));
  Placement place;
  AvmVec centre;

  memset (hand, 0, sizeof (*hand));
  if (player < 0 || player >= stage->config.n_players)
    return false;
  place_player (&place, &stage->players[player], &poses[player]);
  centre = avm_affine_apply (&camera, place.hand.x, place.hand.y);
  hand->x = centre.x;
  hand->y = centre.y;
  hand->axis_x = camera.a * place.axis.x;
  hand->axis_y = camera.d * place.axis.y;
  return true;
}

double
avm_stage_scale (const AvmStage *stage)
{
  return stage->scale;
}

/* -- building -------------------------------------------------------------- */

static bool
check_config (const AvmStageConfig *c, AvmError *error)
{
  const double numbers[] = {c->noise, c->shake, c->pan, c->occlusion, c->cuts};

  if (c->width < 1 || c->height < 1 || c->width > AVM_STAGE_MAX_SIZE
      || c->height > AVM_STAGE_MAX_SIZE)
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "size %d x %d is not within 1 .. %d", c->width, c->height,
        AVM_STAGE_MAX_SIZE);
  if (c->n_players < 1 || c->n_players > AVM_STAGE_MAX_PLAYERS)
    return avm_error_set (error, AVM_ERROR_RANGE, -1,
        "%d players, the stage holds 1 .. %d", c->n_players,
        AVM_STAGE_MAX_PLAYERS);
  for (size_t i = 0; i < sizeof (numbers) / sizeof (numbers[0]); i++)
    if (!isfinite (numbers[i]) || numbers[i] < 0.0)
      return avm_error_set (error, AVM_ERROR_RANGE, -1,
          "noise, shake, pan, occlusion and cuts must be 0 or more");
  for (size_t i = 0; i < c->n_cut_times; i++)
    if (c->cut_times == NULL || !isfinite (c->cut_times[i]))
      return avm_error_set (
          error, AVM_ERROR_RANGE, -1, "cut time %zu is no time", i);
  return true;
}

static void
check_seats (AvmStageConfig *config)
{
  unsigned taken = 0;

  for (int i = 0; i < config->n_players; i++)
    if (config->seats[i] >= 0 && config->seats[i] < config->n_players)
      taken |= 1u << config->seats[i];
  if (taken == (1u << config->n_players) - 1)
    return;
  for (int i = 0; i < config->n_players; i++)
    config->seats[i] = i;
}

/* What whoever sits at an end needs between body and edge: to the left the
 * arm at the tip of the bow, to the right the scroll or the elbow. */
static double
end_room (const AvmStage *stage, int seat)
{
  const AvmStageConfig *c = &stage->config;
  bool upright = false;

  for (int i = 0; i < c->n_players; i++)
    if (c->seats[i] == seat)
      upright = avm_build_get (c->instruments[i])->upright;
  if (seat == 0)
    return upright ? 318.0 : 235.0;
  return upright ? 260.0 : 285.0;
}

static void
seat_players (AvmStage *stage)
{
  int n = stage->config.n_players;
  /* beside the next a player needs 410 units, at the ends more */
  double left = end_room (stage, 0), right = end_room (stage, n - 1);
  double most = 1910.0 / (410.0 * (n - 1) + left + right);
  double s = AVM_MIN (most, 1.0);
  double cell =
      AVM_MIN (468.0 * s, (1910.0 - s * (left + right)) / AVM_MAX (n - 1, 1));
  double first = 960.0 - 0.5 * ((n - 1) * cell + s * (right - left));

  for (int i = 0; i < n; i++) {
    int seat = stage->config.seats[i];
    double side = n > 1 ? 2.0 * seat / (n - 1) - 1.0 : 0.0;
    double floor_y = FLOOR_Y - 110.0 * (1.0 - s);
    Player *player = &stage->players[i];

    /* in an arc: who sits outside is a little nearer */
    floor_y += n > 2 ? 20.0 * side * side - 10.0 : 0.0;
    player->instrument = stage->config.instruments[i];
    player->build = avm_build_get (player->instrument);
    player->seat.a = player->seat.d = s;
    player->seat.b = player->seat.c = 0.0;
    player->seat.x0 = first + seat * cell;
    player->seat.y0 = floor_y - FLOOR_Y * s;
    avm_look_init (&player->look, i, stage->config.seed);
    stage->order[n - 1 - seat] = i;
  }
}

static void
choose_shots (AvmStage *stage)
{
  const Shot shots[N_SHOTS] = {
      {1.0, {960.0, 540.0}, false, 0},
      {1.5, {660.0, 440.0}, false, 0},
      {1.5, {1260.0, 440.0}, false, 0},
      {1.0, {960.0, 540.0}, true, 1},
  };

  memcpy (stage->shots, shots, sizeof (shots));
  if (stage->config.n_players <= 2) {
    stage->shots[1].centre.x = 800.0;
    stage->shots[2].centre.x = 1120.0;
  }
  stage->n_shots =
      stage->config.cuts > 0.0 || stage->config.n_cut_times > 0 ? N_SHOTS : 1;
}

static void
choose_camera (AvmStage *stage)
{
  AvmRng rng;

  avm_rng_init (&rng, stage->config.seed, 55);
  for (int axis = 0; axis < 2; axis++) {
    for (int i = 0; i < N_TREMORS; i++) {
      /* from breath to tremor */
      stage->tremor_hz[axis][i] =
          0.35 * pow (1.75, i) * avm_rng_range (&rng, 0.85, 1.15);
      stage->tremor_phase[axis][i] = avm_rng_range (&rng, 0.0, 2.0 * M_PI);
    }
  }
  stage->pan_hz = 1.0 / avm_rng_range (&rng, 22.0, 38.0);
  stage->pan_phase = avm_rng_range (&rng, 0.0, 2.0 * M_PI);
}

static bool
bake_backdrops (AvmStage *stage, const AvmBaker *baker)
{
  const AvmStageConfig *c = &stage->config;
  int margin = 2
      * (int)ceil (0.5 * (c->pan + SHAKE_PEAK * c->shake) * stage->scale + 4.0);

  for (int i = 0; i < stage->n_shots; i++) {
    AvmAffine map = shot_map (stage, i);
    AvmCanvas canvas;
    bool baked;

    if (!avm_canvas_init (&canvas, baker->tile, -margin, -margin,
            c->width + margin, c->height + margin, 1.0, 1))
      return false;
    canvas.user = map;
    avm_room_paint (&canvas, c->seed, stage->shots[i].variant);
    for (int k = 0; k < c->n_players; k++) {
      const Player *player = &stage->players[stage->order[k]];

      canvas.user = avm_affine_compose (&map, &player->seat);
      avm_parts_paint_seat (&canvas, player->instrument, &player->look);
    }
    baked = avm_backdrop_bake (
        &stage->backdrops[i], &canvas, baker->matrix, margin, baker->gray);
    avm_canvas_clear (&canvas);
    if (!baked)
      return false;
  }
  return true;
}

static bool
bake (AvmStage *stage)
{
  AvmTile *tile = avm_alloc (1, sizeof (AvmTile));
  AvmMatrix matrix;
  AvmBaker baker = {.tile = tile,
      .matrix = &matrix,
      .scale = stage->scale * stage->players[0].seat.a,
      .gray = stage->config.gray};
  bool baked = tile != NULL;

  avm_matrix_init (&matrix, stage->config.height > 576);
  if (baked)
    avm_tile_init (tile, stage->config.seed);
  for (int i = 0; baked && i < stage->config.n_players; i++)
    baked = avm_parts_bake (stage->players[i].parts, &baker,
        stage->players[i].instrument, &stage->players[i].look);
  for (int i = 0; baked && stage->config.occlusion > 0.0 && i < AVM_N_COVERS;
       i++)
    baked = avm_cover_bake (&stage->covers[i], &baker, (AvmCover)i);
  baked = baked && bake_backdrops (stage, &baker);
  avm_free (tile);
  return baked;
}

AvmStage *
avm_stage_new (const AvmStageConfig *config, AvmError *error)
{
  AvmStage *stage;
  AvmStageConfig *c;
  size_t n;

  if (!check_config (config, error))
    return NULL;
  stage = avm_alloc (1, sizeof (AvmStage));
  if (stage == NULL)
    goto failed;
  c = &stage->config;
  *c = *config;
  c->noise = AVM_MIN (c->noise, 64.0);
  c->shake = AVM_MIN (c->shake, MAX_SHAKE);
  c->pan = AVM_MIN (c->pan, MAX_PAN);
  c->occlusion = AVM_MIN (c->occlusion, 20.0);
  c->cuts = AVM_MIN (c->cuts, 30.0);
  c->cut_times = NULL;
  stage->scale = AVM_MIN (c->width / 1920.0, c->height / 1080.0);
  check_seats (c);
  seat_players (stage);
  choose_shots (stage);
  choose_camera (stage);
  n = c->n_cut_times;
  stage->cut_times = avm_alloc (n, sizeof (double));
  stage->scratch = avm_alloc ((size_t)c->width + 8, sizeof (float));
  if (stage->cut_times == NULL || stage->scratch == NULL)
    goto failed;
  if (n > 0)
    memcpy (stage->cut_times, config->cut_times, n * sizeof (double));
  if (c->noise > 0.0) {
    stage->noise = avm_alloc (AVM_NOISE_TABLE, 1);
    if (stage->noise == NULL)
      goto failed;
    avm_noise_fill (stage->noise, c->noise, c->seed);
  }
  if (bake (stage))
    return stage;

failed:
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "out of memory for the stage");
  avm_stage_free (stage);
  return NULL;
}

void
avm_stage_free (AvmStage *stage)
{
  if (stage == NULL)
    return;
  for (int i = 0; i < AVM_STAGE_MAX_PLAYERS; i++)
    for (int k = 0; k < AVM_N_PARTS; k++)
      avm_sprite_clear (&stage->players[i].parts[k]);
  for (int i = 0; i < AVM_N_COVERS; i++)
    avm_sprite_clear (&stage->covers[i]);
  for (int i = 0; i < N_SHOTS; i++)
    avm_backdrop_clear (&stage->backdrops[i]);
  avm_free (stage->cut_times);
  avm_free (stage->noise);
  avm_free (stage->scratch);
  avm_free (stage);
}
