/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The orchestra and its hall: what avm-orchestra.h and avm-hall.h promise is
 * measured on poses, truth and pictures.
 */

#include "avmcheck.h"

#include "scene/avm-hall.h"
#include "scene/avm-scorebook.h"

#define GUARD 0xa5
#define MANY 40

typedef struct {
  AvmScore *score;
  AvmEnsemble *ensemble;
  AvmOrchestra *orchestra;
} Band;

static void
band_init (
    Band *band, uint64_t seed, int players, double length, double absence)
{
  int parts = AVM_MIN (players, AVM_ORCHESTRA_PARTS);
  AvmScore *plain = avm_scorebook_compose (seed, parts, length, NULL);
  AvmEnsembleConfig ensemble;
  AvmOrchestraConfig orchestra;

  band->score = avm_orchestra_arrange (plain, seed, NULL);
  avm_ensemble_config_init (&ensemble);
  ensemble.seed = seed;
  ensemble.n_players = parts;
  band->ensemble = avm_ensemble_new (band->score, &ensemble, NULL);
  avm_orchestra_config_init (&orchestra);
  orchestra.seed = seed;
  orchestra.n_players = players;
  orchestra.absence = absence;
  band->orchestra = avm_orchestra_new (band->ensemble, &orchestra, NULL);
  avm_score_free (plain);
}

static void
band_clear (Band *band)
{
  avm_orchestra_free (band->orchestra);
  avm_ensemble_free (band->ensemble);
  avm_score_free (band->score);
}

/* -- the arrangement ------------------------------------------------------- */

static bool
same_note (const AvmNote *a, const AvmNote *b)
{
  return a->onset == b->onset && a->part == b->part && a->pitch == b->pitch;
}

/* Nothing is added, and the order stays. */
static void
check_subset (const AvmScore *plain, const AvmScore *arranged)
{
  size_t k = 0;

  for (size_t i = 0; i < plain->n_notes && k < arranged->n_notes; i++)
    k += same_note (&plain->notes[i], &arranged->notes[k]);
  CHECK (k == arranged->n_notes, "%zu of %zu notes are of the piece", k,
      arranged->n_notes);
  CHECK (arranged->n_notes < plain->n_notes, "nothing was left out");
}

/* The longest silence of a part, s */
static double
longest_rest (const AvmScore *score, int part)
{
  double end = 0.0, rest = 0.0;

  for (size_t i = 0; i < score->n_notes; i++) {
    const AvmNote *note = &score->notes[i];

    if (note->part != part)
      continue;
    rest = AVM_MAX (rest, note->onset - end);
    end = AVM_MAX (end, note->onset + note->duration);
  }
  return rest;
}

static void
test_arrangement (void)
{
  for (uint64_t piece = 1; piece <= 5; piece++) {
    AvmScore *plain = avm_scorebook_compose (piece, 5, 240.0, NULL);
    AvmScore *score = avm_orchestra_arrange (plain, piece, NULL);
    AvmScore *again = avm_orchestra_arrange (plain, piece, NULL);
    double ends[5] = {0.0}, sounding = 0.0, silence = 0.0;
    int rests = 0;

    check_subset (plain, score);
    CHECK (again->n_notes == score->n_notes, "the same twice");
    for (size_t i = 0; i < score->n_notes; i++) {
      const AvmNote *note = &score->notes[i];
      double end = note->onset + note->duration;

      if (note->onset - ends[note->part] >= 3.0)
        rests++;
      silence = AVM_MAX (silence, note->onset - sounding);
      sounding = AVM_MAX (sounding, end);
      ends[note->part] = AVM_MAX (ends[note->part], end);
    }
    for (int part = 0; part < 5; part++)
      CHECK (longest_rest (score, part)
              < AVM_MAX (20.5, longest_rest (plain, part) + 4.5),
          "part %d rests for %g s", part, longest_rest (score, part));
    CHECK (rests >= 5 * 5, "%d long rests in four minutes", rests);
    CHECK (silence < 2.5, "all are silent for %g s", silence);
    avm_score_free (plain);
    avm_score_free (score);
    avm_score_free (again);
  }
}

/* -- seats ----------------------------------------------------------------- */

static void
check_seats (const AvmOrchestra *o, int players)
{
  int desks[AVM_ENSEMBLE_MAX_PLAYERS] = {0};

  CHECK (avm_orchestra_n_players (o) == players, "all are there");
  for (int i = 0; i < players; i++) {
    const AvmMusician *a = avm_orchestra_player (o, i);

    CHECK (a->desk == desks[a->voice]++, "desks count up in %s", a->name);
    CHECK (a->row >= 0 && a->row < avm_orchestra_n_rows (o), "in a row");
    CHECK (fabs (a->facing) < 0.9, "%s faces %g", a->name, a->facing);
    for (int k = 0; k < i; k++) {
      const AvmMusician *b = avm_orchestra_player (o, k);

      CHECK (hypot (a->x - b->x, a->z - b->z) > 300.0, "%s sits on %s", a->name,
          b->name);
      CHECK (strcmp (a->name, b->name) != 0, "two are called %s", a->name);
      CHECK (a->part > b->part || (a->part == b->part && a->desk > b->desk),
          "by part, then by desk");
    }
  }
  for (int v = 0; v < avm_ensemble_n_players (avm_orchestra_ensemble (o));
       v++) {
    const AvmMusician *m =
        avm_orchestra_player (o, avm_orchestra_leader (o, v));

    CHECK (desks[v] > 0 && m->voice == v && m->desk == 0, "section %d", v);
  }
}

static void
test_seats (void)
{
  static const int sizes[] = {1, 2, 5, 6, 11, 20, 33, MANY};

  for (int i = 0; i < (int)(sizeof (sizes) / sizeof (sizes[0])); i++) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
      Band band;

      band_init (&band, seed, sizes[i], 12.0, 0.0);
      CHECK (band.orchestra != NULL, "%d players", sizes[i]);
      if (band.orchestra != NULL)
        check_seats (band.orchestra, sizes[i]);
      band_clear (&band);
    }
  }
}

/* -- who plays when -------------------------------------------------------- */

static double
time_playing (const AvmOrchestra *o)
{
  size_t n;
  const AvmActivity *a = avm_orchestra_activities (o, &n);
  double sum = 0.0;

  for (size_t i = 0; i < n; i++) {
    double mid = a[i].onset + 0.5 * a[i].duration;

    CHECK (i == 0 || a[i].onset >= a[i - 1].onset, "by onset");
    CHECK (avm_orchestra_plays (o, a[i].seat, mid), "plays at %g", mid);
    CHECK (!avm_orchestra_plays (o, a[i].seat, a[i].onset - 0.2),
        "not before the entry");
    CHECK (
        !avm_orchestra_plays (o, a[i].seat, a[i].onset + a[i].duration + 0.2),
        "not after the end");
    CHECK (a[i].part == avm_orchestra_player (o, a[i].seat)->part, "part");
    sum += a[i].duration;
  }
  return sum;
}

static void
test_absence (void)
{
  double all, some, none;
  Band band;

  band_init (&band, 3, 30, 200.0, 0.0);
  all = time_playing (band.orchestra);
  for (int i = 0; i < 30; i++) {
    const AvmMusician *m = avm_orchestra_player (band.orchestra, i);
    int leader = avm_orchestra_leader (band.orchestra, m->voice), differ = 0;

    for (double t = 0.0; t < 200.0; t += 0.1)
      differ += avm_orchestra_plays (band.orchestra, i, t)
          != avm_orchestra_plays (band.orchestra, leader, t);
    CHECK (differ < 60, "%s is with the section but for %d tenths of s",
        m->name, differ);
  }
  band_clear (&band);
  band_init (&band, 3, 30, 200.0, 0.3);
  some = time_playing (band.orchestra);
  band_clear (&band);
  band_init (&band, 3, 30, 200.0, 1.0);
  none = time_playing (band.orchestra);
  band_clear (&band);
  CHECK (all > 0.35 * 30 * 200.0 && all < 0.85 * 30 * 200.0,
      "they play for %g of the time", all / (30 * 200.0));
  CHECK_NEAR (some / all, 0.7, 0.1, 0.0, "absence 0.3");
  CHECK (none == 0.0, "nobody plays");
}

/* -- poses ----------------------------------------------------------------- */

/* The rest before an entry that follows `from`. */
static void
check_entry (const AvmOrchestra *o, int player, double from, double entry)
{
  AvmMusicianPose pose;
  double first = entry;

  for (double t = entry; t > from; t -= 0.02) {
    avm_orchestra_pose (o, player, t, &pose);
    CHECK (pose.raised > 0.0 || t < entry - 0.5, "raised at the entry");
    if (t < entry - 0.02)
      CHECK (!pose.pose.playing, "the bow is off the string in a rest");
    if (pose.raised < 0.999)
      break;
    first = t;
  }
  if (entry - from < 2.0) {
    CHECK (first < from + 0.05, "up all through a rest of %g s", entry - from);
    return;
  }
  CHECK (entry - first > 0.45, "up %g s before the entry", entry - first);
  if (entry - from > 7.0) {
    CHECK (entry - first < 2.05, "up no more than %g s before the entry",
        entry - first);
    avm_orchestra_pose (o, player, entry - 3.1, &pose);
    CHECK (pose.raised < 0.01, "in the lap before that: %g", pose.raised);
  }
}

static void
test_anticipation (void)
{
  Band band;
  size_t n;
  const AvmActivity *a;
  int entries = 0;

  band_init (&band, 5, 24, 150.0, 0.05);
  a = avm_orchestra_activities (band.orchestra, &n);
  for (int player = 0; player < 24; player++) {
    double end = -1e9;

    for (size_t i = 0; i < n; i++) {
      if (a[i].seat != player)
        continue;
      if (end > 0.0) {
        check_entry (band.orchestra, player, end, a[i].onset);
        entries++;
      }
      end = a[i].onset + a[i].duration;
    }
  }
  CHECK (entries > 24, "%d entries", entries);
  band_clear (&band);
}

/* How far the bow goes from t to t + 1 s. */
static double
bow_path (const AvmOrchestra *o, int player, double t)
{
  AvmMusicianPose pose;
  double last = 0.0, path = 0.0;

  for (int i = 0; i <= 50; i++) {
    avm_orchestra_pose (o, player, t + 0.02 * i, &pose);
    if (i > 0)
      path += fabs (pose.pose.bow - last);
    last = pose.pose.bow;
  }
  return path;
}

static void
test_bows (void)
{
  Band band;
  size_t n;
  const AvmActivity *a;
  double least = 1e9;

  band_init (&band, 8, 20, 120.0, 0.1);
  a = avm_orchestra_activities (band.orchestra, &n);
  for (size_t i = 0; i < n; i++)
    if (a[i].duration > 3.0)
      least = AVM_MIN (least,
          bow_path (band.orchestra, a[i].seat,
              a[i].onset
                  + avm_rng_range (&avmcheck_rng, 0.2, a[i].duration - 1.3)));
  CHECK (least > 0.04, "who plays moves the bow: %g lengths in 1 s", least);
  for (int player = 0; player < 20; player++) {
    for (double t = 1.0; t < 118.0; t += 0.5) {
      bool rests = true;

      for (double u = t - 0.1; u < t + 2.0; u += 0.05)
        rests = rests && !avm_orchestra_plays (band.orchestra, player, u);
      if (rests)
        CHECK (bow_path (band.orchestra, player, t) < 1e-9,
            "who rests keeps the bow still at %g s", t);
    }
  }
  band_clear (&band);
}

static void
test_smooth (void)
{
  Band band;

  band_init (&band, 9, 12, 60.0, 0.05);
  for (int player = 0; player < 12; player++) {
    AvmMusicianPose last, now, again;
    double turn = 0.0, raised = 0.0;

    avm_orchestra_pose (band.orchestra, player, 0.0, &last);
    for (int i = 1; i < 6000; i++) {
      avm_orchestra_pose (band.orchestra, player, 0.01 * i, &now);
      turn = AVM_MAX (turn, fabs (now.turn - last.turn));
      raised = AVM_MAX (raised, fabs (now.raised - last.raised));
      CHECK (fabs (now.turn) < 1.0 && fabs (now.nod) < 0.8, "sane heads");
      last = now;
    }
    CHECK (turn < 0.08, "heads turn by %g rad in 10 ms", turn);
    CHECK (raised < 0.03, "instruments rise by %g in 10 ms", raised);
    avm_orchestra_pose (band.orchestra, player, 59.99, &again);
    CHECK (memcmp (&again, &last, sizeof (last)) == 0, "the same again");
  }
  band_clear (&band);
}

/* -- the picture ----------------------------------------------------------- */

typedef struct {
  uint8_t *memory[3], *planes[3];
  int strides[3], w[3], h[3];
  size_t size[3];
} Frame;

static void
frame_init (Frame *frame, int width, int height)
{
  for (int i = 0; i < 3; i++) {
    frame->w[i] = i == 0 ? width : (width + 1) / 2;
    frame->h[i] = i == 0 ? height : (height + 1) / 2;
    frame->strides[i] = frame->w[i] + 7;
    frame->size[i] = (size_t)frame->strides[i] * (size_t)(frame->h[i] + 2);
    frame->memory[i] = avm_alloc (frame->size[i], 1);
    memset (frame->memory[i], GUARD, frame->size[i]);
    frame->planes[i] = frame->memory[i] + frame->strides[i] + 3;
  }
}

static void
frame_clear (Frame *frame)
{
  for (int i = 0; i < 3; i++)
    avm_free (frame->memory[i]);
}

static bool
guards_stand (const Frame *frame, int plane)
{
  const uint8_t *p = frame->memory[plane];
  int stride = frame->strides[plane];

  for (size_t k = 0; k < frame->size[plane]; k++) {
    int y = (int)(k / (size_t)stride) - 1, x = (int)(k % (size_t)stride) - 3;
    bool in = y >= 0 && y < frame->h[plane] && x >= 0 && x < frame->w[plane];

    if (!in && p[k] != GUARD)
      return false;
  }
  return true;
}

static bool
same (const Frame *a, const Frame *b)
{
  for (int i = 0; i < 3; i++)
    if (memcmp (a->memory[i], b->memory[i], a->size[i]) != 0)
      return false;
  return true;
}

static void
render (AvmHall *hall, double t, Frame *frame)
{
  avm_hall_render (hall, t, frame->planes, frame->strides, 3);
}

static AvmHall *
hall_new (const Band *band, int width, int height, int camera, bool events)
{
  AvmHallConfig config;

  avm_hall_config_init (&config, width, height);
  config.seed = 11;
  config.n_cameras = AVM_HALL_MAX_CAMERAS;
  config.camera = camera;
  if (events) {
    config.noise = 2.0;
    config.shake = 2.0;
    config.pan = 40.0;
    config.occlusion = 20.0;
    config.cuts = 12.0;
  }
  return avm_hall_new (band->orchestra, &config, NULL);
}

/* A function of time, and the programme is the cameras' own pictures. */
static void
test_frames (void)
{
  Band band;
  AvmHall *programme, *cameras[AVM_HALL_MAX_CAMERAS];
  const AvmHallShot *shots;
  Frame a, b;
  size_t n;
  double end;

  band_init (&band, 2, 14, 40.0, 0.0);
  frame_init (&a, 321, 181);
  frame_init (&b, 321, 181);
  programme = hall_new (&band, 321, 181, AVM_HALL_PROGRAMME, true);
  for (int i = 0; i < AVM_HALL_MAX_CAMERAS; i++)
    cameras[i] = hall_new (&band, 321, 181, i, true);
  shots = avm_hall_shots (programme, &n);
  end = avm_ensemble_duration (band.ensemble);
  CHECK (n > 4, "%zu shots", n);
  CHECK (shots[0].onset == 0.0 && shots[0].camera == 0, "begins with all");
  for (size_t i = 0; i < n; i++) {
    double t = shots[i].onset + 0.3 * shots[i].duration;

    CHECK (shots[i].duration > 0.0, "shot %zu lasts", i);
    CHECK_NEAR (shots[i].onset + shots[i].duration,
        i + 1 < n ? shots[i + 1].onset : end, 1e-9, 0.0, "without a gap");
    CHECK (i == 0 || shots[i].camera != shots[i - 1].camera,
        "a cut goes elsewhere");
    CHECK (avm_hall_camera (programme, t) == shots[i].camera, "the camera");
    render (programme, t, &a);
    render (cameras[shots[i].camera], t, &b);
    CHECK (same (&a, &b), "the programme shows camera %d", shots[i].camera);
    CHECK (guards_stand (&a, 0) && guards_stand (&a, 1) && guards_stand (&a, 2),
        "nothing beside the frame");
    render (programme, 0.0, &b);
    render (programme, t, &b);
    CHECK (same (&a, &b), "in any order");
  }
  for (int i = 0; i < AVM_HALL_MAX_CAMERAS; i++)
    avm_hall_free (cameras[i]);
  avm_hall_free (programme);
  frame_clear (&a);
  frame_clear (&b);
  band_clear (&band);
}

/* Skin is redder than anything else but wood: mean Cr of the box's middle. */
static double
redness (const Frame *frame, const AvmStageRect *box)
{
  double sum = 0.0;
  int n = 0;

  for (int y = (int)(0.5 * (box->y + 0.3 * box->h));
       y < (int)(0.5 * (box->y + 0.7 * box->h)); y++)
    for (int x = (int)(0.5 * (box->x + 0.3 * box->w));
         x < (int)(0.5 * (box->x + 0.7 * box->w)); x++, n++)
      sum += frame->planes[2][(ptrdiff_t)y * frame->strides[2] + x];
  return n > 0 ? sum / n : 0.0;
}

static void
test_faces (void)
{
  Band band;
  AvmSight sights[MANY];
  AvmHallConfig config;
  int seen[AVM_HALL_MAX_CAMERAS] = {0}, by[MANY] = {0};
  double size[AVM_HALL_MAX_CAMERAS] = {0.0};

  band_init (&band, 4, MANY, 30.0, 0.0);
  for (int camera = 0; camera < AVM_HALL_MAX_CAMERAS; camera++) {
    AvmHall *hall = hall_new (&band, 1280, 720, camera, false);
    Frame frame;

    frame_init (&frame, 1280, 720);
    render (hall, 7.0, &frame);
    avm_hall_observe (hall, 7.0, sights);
    for (int i = 0; i < MANY; i++) {
      const AvmStageRect *face = &sights[i].boxes[AVM_STAGE_FACE];

      CHECK (face->visible >= 0.0 && face->visible <= 1.0, "a share");
      if (face->visible < 0.97)
        continue;
      seen[camera]++;
      by[i]++;
      size[camera] += face->w;
      CHECK (redness (&frame, face) > 131.0,
          "camera %d sees no skin where %s is: %g", camera,
          avm_orchestra_player (band.orchestra, i)->name,
          redness (&frame, face));
    }
    frame_clear (&frame);
    avm_hall_free (hall);
    size[camera] /= AVM_MAX (seen[camera], 1);
    if (camera == 0)
      CHECK (seen[0] > 30 && size[0] > 20.0, "%d faces of %g px", seen[0],
          size[0]);
    else
      CHECK (seen[camera] >= 8 && size[camera] >= 38.0, "%d faces of %g px",
          seen[camera], size[camera]);
  }
  for (int i = 0; i < MANY; i++)
    CHECK (by[i] > 0, "nobody sees %s",
        avm_orchestra_player (band.orchestra, i)->name);
  /* the truth alone is the same */
  avm_hall_config_init (&config, 1280, 720);
  config.seed = 11;
  config.n_cameras = AVM_HALL_MAX_CAMERAS;
  config.camera = AVM_HALL_MAX_CAMERAS - 1;
  config.blind = true;
  {
    AvmHall *blind = avm_hall_new (band.orchestra, &config, NULL);
    AvmSight again[MANY];

    avm_hall_observe (blind, 7.0, again);
    CHECK (memcmp (again, sights, sizeof (again)) == 0, "blind or not");
    avm_hall_free (blind);
  }
  band_clear (&band);
}

/* Pictures become heads: half of them red, of as many players as there are. */
static void
test_pictures (void)
{
  enum {
    W = 30,
    H = 40,
    PICTURES = 6,
    PLAYERS = 10
  };
  uint8_t rgb[W * H * 3];
  AvmHallFace faces[PICTURES];
  AvmHallConfig config;
  AvmSight sights[PLAYERS];
  AvmHall *hall;
  Frame frame;
  Band band;
  int red = 0;

  for (int i = 0; i < W * H; i++) {
    rgb[3 * i] = 230;
    rgb[3 * i + 1] = rgb[3 * i + 2] = 20;
  }
  for (int i = 0; i < PICTURES; i++)
    faces[i] = (AvmHallFace){W, H, rgb};
  band_init (&band, 12, PLAYERS, 10.0, 0.0);
  avm_hall_config_init (&config, 960, 540);
  config.faces = faces;
  config.n_faces = PICTURES;
  hall = avm_hall_new (band.orchestra, &config, NULL);
  frame_init (&frame, 960, 540);
  render (hall, 3.0, &frame);
  avm_hall_observe (hall, 3.0, sights);
  for (int i = 0; i < PLAYERS; i++) {
    const AvmStageRect *face = &sights[i].boxes[AVM_STAGE_FACE];

    CHECK (face->visible > 0.8, "player %d is seen", i);
    red += redness (&frame, face) > 195.0;
  }
  CHECK (red == PICTURES, "%d heads of %d are pictures", red, PICTURES);
  avm_hall_free (hall);
  faces[2].rgb = NULL;
  CHECK (avm_hall_new (band.orchestra, &config, NULL) == NULL, "no picture");
  frame_clear (&frame);
  band_clear (&band);
}

/* Solid colours that are as far from each other in chroma as may be. */
static void
paint_heads (uint8_t rgb[MANY][3])
{
  for (int i = 0; i < MANY; i++) {
    double cb = 48.0 * (i % 7 - 3) / 3.0, cr = 48.0 * (i / 7 - 2.5) / 2.5;

    rgb[i][0] = (uint8_t)lrint (128.0 + 1.57 * cr);
    rgb[i][1] = (uint8_t)lrint (128.0 - 0.19 * cb - 0.47 * cr);
    rgb[i][2] = (uint8_t)lrint (128.0 + 1.86 * cb);
  }
}

/* px of that colour in a box, as a share of the box */
static double
share_of_color (
    const Frame *frame, const AvmStageRect *box, const uint8_t chroma[2])
{
  int n = 0, match = 0;

  for (int y = (int)ceil (0.5 * box->y); y < (int)(0.5 * (box->y + box->h));
       y++)
    for (int x = (int)ceil (0.5 * box->x); x < (int)(0.5 * (box->x + box->w));
         x++, n++) {
      if (x < 0 || y < 0 || x >= frame->w[1] || y >= frame->h[1])
        continue;
      match += abs (frame->planes[1][(ptrdiff_t)y * frame->strides[1] + x]
                   - chroma[0])
              < 6
          && abs (frame->planes[2][(ptrdiff_t)y * frame->strides[2] + x]
                 - chroma[1])
              < 6;
    }
  return n > 0 ? (double)match / n : 0.0;
}

/* What colour each head has, where nothing covers it. */
static void
learn_colors (const Frame *frame, const AvmSight *sights, uint8_t chroma[][2])
{
  for (int i = 0; i < MANY; i++) {
    const AvmStageRect *face = &sights[i].boxes[AVM_STAGE_FACE];
    int x = (int)(0.5 * (face->x + 0.5 * face->w));
    int y = (int)(0.5 * (face->y + 0.5 * face->h));

    for (int k = 0; k < 2; k++)
      chroma[i][k] =
          frame->planes[1 + k][(ptrdiff_t)y * frame->strides[1 + k] + x];
  }
}

/* Who covers whom: the share of a head that is seen by its colour, against
 * what the truth says. */
static void
test_cover (void)
{
  uint8_t rgb[MANY][3], chroma[MANY][2];
  AvmHallFace faces[MANY];
  AvmHallConfig config;
  AvmSight sights[MANY];
  Frame frame;
  Band band;
  double whole = 0.0, worst = 0.0, sum = 0.0;
  int n_whole = 0, n_part = 0;

  paint_heads (rgb);
  for (int i = 0; i < MANY; i++)
    faces[i] = (AvmHallFace){1, 1, rgb[i]};
  band_init (&band, 13, MANY, 10.0, 0.0);
  frame_init (&frame, 1280, 720);
  avm_hall_config_init (&config, 1280, 720);
  config.n_cameras = AVM_HALL_MAX_CAMERAS;
  config.faces = faces;
  config.n_faces = MANY;
  for (config.camera = 0; config.camera < AVM_HALL_MAX_CAMERAS;
       config.camera++) {
    AvmHall *hall = avm_hall_new (band.orchestra, &config, NULL);

    for (double t = 2.0; t < 6.0; t += 1.3) {
      render (hall, t, &frame);
      avm_hall_observe (hall, t, sights);
      if (config.camera == 0 && t == 2.0)
        learn_colors (&frame, sights, chroma);
      for (int i = 0; i < MANY; i++) {
        const AvmStageRect *face = &sights[i].boxes[AVM_STAGE_FACE];
        double share = share_of_color (&frame, face, chroma[i]), off;

        if (fabs (sights[i].yaw) > 0.5 || face->x + face->w < 0.0
            || face->x > 1280.0 || face->y > 720.0)
          continue;
        if (face->visible == 1.0) {
          whole += share;
          n_whole++;
          continue;
        }
        off = fabs (share * n_whole / whole - face->visible);
        worst = AVM_MAX (worst, off);
        sum += off;
        n_part++;
      }
    }
    avm_hall_free (hall);
  }
  whole /= n_whole;
  CHECK (whole > 0.7, "a head fills %g of its box", whole);
  CHECK (n_part > 10, "%d heads are covered in part", n_part);
  CHECK (sum / n_part < 0.05 && worst < 0.3,
      "what is seen of %d heads is off by %g, at most %g", n_part, sum / n_part,
      worst);
  printf ("cover: %d heads in part, mean error %.3f, worst %.3f\n", n_part,
      sum / n_part, worst);
  frame_clear (&frame);
  band_clear (&band);
}

/* A rigid seating seen from two places: near rows move against far ones, and
 * sizes go with distance. */
static void
test_parallax (void)
{
  Band band;
  AvmSight front[MANY], side[MANY];
  AvmHall *a, *b;
  double near = 0.0, far = 0.0;
  int n_near = 0, n_far = 0, last;

  band_init (&band, 6, MANY, 12.0, 0.0);
  a = hall_new (&band, 1280, 720, 0, false);
  b = hall_new (&band, 1280, 720, 1, false);
  avm_hall_observe (a, 1.0, front);
  avm_hall_observe (b, 1.0, side);
  last = avm_orchestra_n_rows (band.orchestra) - 1;
  for (int i = 0; i < MANY; i++) {
    const AvmMusician *m = avm_orchestra_player (band.orchestra, i);
    double w = front[i].boxes[AVM_STAGE_FACE].w;

    if (m->row == 0) {
      near += w;
      n_near++;
    } else if (m->row == last) {
      far += w;
      n_far++;
    }
  }
  near /= n_near;
  far /= n_far;
  CHECK (near > 1.08 * far && near < 1.6 * far,
      "faces of %g px in front, of %g behind", near, far);
  /* of a pair that lies one behind the other from the front, the nearer one
   * stands to the right when seen from the left */
  for (int i = 0; i < MANY; i++) {
    for (int k = 0; k < MANY; k++) {
      const AvmMusician *p = avm_orchestra_player (band.orchestra, i);
      const AvmMusician *q = avm_orchestra_player (band.orchestra, k);

      if (p->row >= q->row
          || fabs (front[i].boxes[AVM_STAGE_FACE].x
                 - front[k].boxes[AVM_STAGE_FACE].x)
              > 30.0)
        continue;
      CHECK (side[i].boxes[AVM_STAGE_FACE].x - side[k].boxes[AVM_STAGE_FACE].x
              > -40.0,
          "%s before %s", p->name, q->name);
    }
  }
  avm_hall_free (a);
  avm_hall_free (b);
  band_clear (&band);
}

/* What a passer-by hides of a face is what differs in the picture. */
static void
test_passers (void)
{
  Band band;
  AvmHallConfig config;
  AvmHall *empty, *busy;
  Frame a, b;
  int hidden = 0;
  double off = 0.0;

  band_init (&band, 7, 16, 20.0, 0.0);
  avm_hall_config_init (&config, 640, 360);
  empty = avm_hall_new (band.orchestra, &config, NULL);
  config.occlusion = 20.0;
  busy = avm_hall_new (band.orchestra, &config, NULL);
  frame_init (&a, 640, 360);
  frame_init (&b, 640, 360);
  for (double t = 0.0; t < 18.0; t += 0.31) {
    AvmSight without[16], with[16];

    render (empty, t, &a);
    render (busy, t, &b);
    avm_hall_observe (empty, t, without);
    avm_hall_observe (busy, t, with);
    for (int i = 0; i < 16; i++) {
      const AvmStageRect *r = &with[i].boxes[AVM_STAGE_FACE];
      int n = 0, differ = 0;

      if (without[i].boxes[AVM_STAGE_FACE].visible < 1.0)
        continue;
      for (int y = (int)ceil (r->y); y < (int)(r->y + r->h); y++)
        for (int x = (int)ceil (r->x); x < (int)(r->x + r->w); x++, n++)
          differ += a.planes[0][(ptrdiff_t)y * a.strides[0] + x]
              != b.planes[0][(ptrdiff_t)y * b.strides[0] + x];
      if (n == 0)
        continue;
      off = AVM_MAX (off, fabs (1.0 - (double)differ / n - r->visible));
      hidden += r->visible < 0.5;
    }
  }
  CHECK (hidden > 20, "%d faces were hidden", hidden);
  CHECK (off < 0.2, "the share that is seen is off by %g", off);
  frame_clear (&a);
  frame_clear (&b);
  avm_hall_free (empty);
  avm_hall_free (busy);
  band_clear (&band);
}

static void
test_faults (void)
{
  Band band;
  AvmOrchestraConfig orchestra;
  AvmHallConfig config;
  AvmError error;

  band_init (&band, 1, 5, 8.0, 0.0);
  avm_orchestra_config_init (&orchestra);
  orchestra.n_players = 4;
  CHECK (avm_orchestra_new (band.ensemble, &orchestra, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "fewer players than parts");
  orchestra.n_players = MANY + 1;
  CHECK (avm_orchestra_new (band.ensemble, &orchestra, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "too many players");
  CHECK (avm_orchestra_player (band.orchestra, -1) == NULL
          && avm_orchestra_player (band.orchestra, 5) == NULL,
      "no such player");
  avm_hall_config_init (&config, 64, 64);
  config.camera = 1;
  CHECK (avm_hall_new (band.orchestra, &config, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "no such camera");
  avm_hall_config_init (&config, 64, 64);
  config.shake = NAN;
  CHECK (avm_hall_new (band.orchestra, &config, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "NaN");
  band_clear (&band);
}

/* One frame of all players with everything that can move. */
static void
bench (void)
{
  Band band;
  Frame frame;
  AvmHall *hall;
  double start;
  const int n = 60;

  band_init (&band, 1, MANY, 20.0, 0.0);
  frame_init (&frame, 1280, 720);
  start = avmcheck_cpu ();
  hall = hall_new (&band, 1280, 720, 0, true);
  printf ("a hall of %d at 1280 x 720 is painted in %.2f s\n", MANY,
      avmcheck_cpu () - start);
  start = avmcheck_cpu ();
  for (int i = 0; i < n; i++)
    render (hall, 0.2 * i, &frame);
  printf ("a frame takes %.1f ms\n", 1e3 * (avmcheck_cpu () - start) / n);
  avm_hall_free (hall);
  frame_clear (&frame);
  band_clear (&band);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  test_arrangement ();
  test_seats ();
  test_absence ();
  test_anticipation ();
  test_bows ();
  test_smooth ();
  test_frames ();
  test_faces ();
  test_pictures ();
  test_cover ();
  test_parallax ();
  test_passers ();
  test_faults ();
  if (avmcheck_bench)
    bench ();
  return avmcheck_report ();
}
