/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is who, of made-up appearances whose people, poses and places are
 * known.
 */

#include "avmcheck.h"

#include "learn/avm-diarise.h"

#define MAX_SIGHTINGS 20000
#define MAX_PEOPLE 32
#define MAX_VIEWS 3

/* What is known of a sighting beside what the kernel is told */
typedef struct {
  AvmSighting sighting;
  int who, pose, view;
} Truth;

/* unlike: how different people look, 0 to 1; turned: one person in several
 * views; noise: one person in one; views: cameras that each show all people
 * from one side; cuts: shots of each camera */
typedef struct {
  int people, views, cuts, frames;
  double unlike, turned, noise, missing;
  bool crowded; /* all cameras are one film that is cut */
  bool twins;   /* looks are those of the neighbour */
} Film;

static Truth truths[MAX_SIGHTINGS];
static int n_truths;
static float looks[MAX_VIEWS][MAX_PEOPLE][AVM_APPEARANCE_SIZE];
static float plain_looks[MAX_PEOPLE][AVM_APPEARANCE_SIZE];
static float poses[2][AVM_APPEARANCE_SIZE];
static float common[AVM_APPEARANCE_SIZE];

static void
make_looks (const Film *film)
{
  for (int k = 0; k < AVM_APPEARANCE_SIZE; k++) {
    int bin = (k - AVM_N_BODY_PARTS) % AVM_DESCRIPTORS_SIZE;

    common[k] = (float)avm_rng_range (&avmcheck_rng, 0.2, 1.0);
    /* a histogram whose sum is 1 */
    if (bin < AVM_PHOG_SIZE)
      common[k] /= 0.6f * AVM_PHOG_SIZE;
  }
  for (int p = 0; p < film->people; p++)
    for (int k = 0; k < AVM_APPEARANCE_SIZE; k++) {
      double x = (double)common[k]
          * exp (film->unlike * avm_rng_normal (&avmcheck_rng));

      plain_looks[p][k] = (float)x;
      if (film->twins && p % 2 > 0)
        x = (double)plain_looks[p - 1][k];
      for (int v = 0; v < MAX_VIEWS; v++)
        looks[v][p][k] =
            (float)(x * exp (film->turned * avm_rng_normal (&avmcheck_rng)));
    }
  for (int p = 0; p < 2; p++)
    for (int k = 0; k < AVM_APPEARANCE_SIZE; k++)
      poses[p][k] = (float)exp (0.35 * avm_rng_normal (&avmcheck_rng));
}

/* Bodies change with the pose; face and hair stay. */
static void
look_like (const Film *film, int view, int who, int pose, float *values)
{
  int body = AVM_N_BODY_PARTS + AVM_PART_BODY * AVM_DESCRIPTORS_SIZE;

  for (int k = 0; k < AVM_APPEARANCE_SIZE; k++) {
    double x = (double)looks[view][who][k]
        * exp (film->noise * avm_rng_normal (&avmcheck_rng));

    if (k >= body)
      x *= (double)poses[pose][k];
    values[k] = k < AVM_N_BODY_PARTS ? 1.0f : (float)x;
  }
}

static AvmRect
place_of (int view, int who, int people)
{
  int row = who % 3, seat = who / 3;
  double x = 580.0 + 130.0 * (seat - (people - 1) / 6) + 40.0 * row;
  double y = 400.0 - 120.0 * row + 7.0 * (seat % 3);
  double size = 52.0 - 5.0 * row;

  /* as seen from elsewhere: a plane in perspective */
  if (view > 0) {
    double side = view % 2 > 0 ? 1.0 : -1.0;
    double w = 1.0 + side * 0.0004 * (x - 640.0) - 0.0004 * (y - 300.0);

    x = 640.0 + ((x - 640.0) * 1.1 + side * 0.6 * (y - 300.0)) / w;
    y = 320.0 + (y - 300.0) * (1.0 + 0.1 * view) / w;
    size *= 1.1 / w;
  }
  x += 0.04 * size * avm_rng_normal (&avmcheck_rng);
  y += 0.04 * size * avm_rng_normal (&avmcheck_rng);
  size *= exp (0.04 * avm_rng_normal (&avmcheck_rng));
  return (AvmRect){
      (int)(x - 0.5 * size), (int)(y - 0.5 * size), (int)size, (int)size};
}

static void
add_frame (const Film *film, int camera, int view, int shot, int frame,
    int *tracks, int *last, int *n_tracks)
{
  for (int p = 0; p < film->people; p++) {
    Truth *t = &truths[n_truths];
    AvmRect face = place_of (view, p, film->people);

    if (avm_rng_uniform (&avmcheck_rng) < film->missing || face.x < 0
        || face.x > 1240)
      continue;
    if (frame > last[p] + 2)
      tracks[p] = (*n_tracks)++;
    last[p] = frame;
    t->who = p;
    t->view = view;
    t->pose = ((frame / 7) + p) % 2;
    t->sighting = (AvmSighting){.camera = camera,
        .shot = shot,
        .track = tracks[p],
        .frame = frame,
        .time = frame,
        .face = face,
        .width = 1280,
        .height = 720,
        .orientation = (frame + p) % 3};
    n_truths++;
  }
}

static void
make_film (const Film *film)
{
  int n_tracks = 0;

  make_looks (film);
  n_truths = 0;
  for (int c = 0; c < (film->crowded ? 1 : film->views); c++) {
    int shots = film->crowded ? film->views * film->cuts : film->cuts;

    for (int s = 0; s < shots; s++) {
      int tracks[MAX_PEOPLE], last[MAX_PEOPLE];

      for (int p = 0; p < MAX_PEOPLE; p++)
        last[p] = -100;
      for (int f = 0; f < film->frames; f++)
        add_frame (film, c, film->crowded ? s % film->views : c, s,
            s * film->frames + f, tracks, last, &n_tracks);
    }
  }
}

static bool
add_all (AvmDiarise *d, const Film *film, const int *order)
{
  static float values[AVM_APPEARANCE_SIZE];
  AvmError error = {0};

  for (int i = 0; i < n_truths; i++) {
    const Truth *t = &truths[order != NULL ? order[i] : i];

    look_like (film, t->view, t->who, t->pose, values);
    if (!avm_diarise_add (d, &t->sighting, values, &error)) {
      CHECK (false, "sighting %d: %s", i, error.detail);
      return false;
    }
  }
  return true;
}

static AvmDiarise *
diarise (const AvmDiariseSettings *settings, const Film *film)
{
  AvmError error = {0};
  AvmDiarise *d = avm_diarise_new (settings, "/tmp", &error);

  CHECK (d != NULL && add_all (d, film, NULL)
          && avm_diarise_run (d, NULL, NULL, &error),
      "%s", error.detail);
  return d;
}

/* Purity: share of sightings that are of whom most of their musician are;
 * coverage: share that is of the musician who has most of their person. */
static void
score (const AvmDiarise *d, double *purity, double *coverage)
{
  static int table[500][MAX_PEOPLE];
  int n = avm_diarise_n_musicians (d);

  memset (table, 0, sizeof (table));
  *purity = *coverage = 0.0;
  for (int i = 0; i < n_truths; i++)
    table[avm_diarise_get (d, (size_t)i)->musician][truths[i].who]++;
  for (int m = 0; m < n; m++) {
    int most = 0;

    for (int p = 0; p < MAX_PEOPLE; p++)
      most = AVM_MAX (most, table[m][p]);
    *purity += (double)most / n_truths;
  }
  for (int p = 0; p < MAX_PEOPLE; p++) {
    int most = 0;

    for (int m = 0; m < n; m++)
      most = AVM_MAX (most, table[m][p]);
    *coverage += (double)most / n_truths;
  }
}

/* Nobody is twice in a picture, tracks are of one, and numbers are in range. */
static void
check_constraints (const AvmDiarise *d)
{
  int broken = 0, torn = 0;

  for (int i = 0; i < n_truths; i++) {
    const AvmDiarised *a = avm_diarise_get (d, (size_t)i);

    CHECK (a->musician >= 0 && a->musician < avm_diarise_n_musicians (d)
            && a->pose >= 0 && a->pose < avm_diarise_n_poses (d, a->musician)
            && a->view >= 0 && a->view < avm_diarise_n_views (d)
            && a->confidence >= 0.0 && a->confidence <= 1.0,
        "sighting %d: musician %d, pose %d, view %d, confidence %g", i,
        a->musician, a->pose, a->view, a->confidence);
    for (int k = i + 1; k < AVM_MIN (n_truths, i + 3 * MAX_PEOPLE); k++) {
      const AvmSighting *s = &truths[i].sighting, *t = &truths[k].sighting;
      bool same = avm_diarise_get (d, (size_t)k)->musician == a->musician;

      broken += same && s->camera == t->camera && s->frame == t->frame;
      torn += !same && s->camera == t->camera && s->shot == t->shot
          && s->track == t->track;
    }
  }
  CHECK (broken == 0, "%d pairs of one picture are one musician", broken);
  CHECK (torn == 0, "%d pairs of one track are two musicians", torn);
}

static const Film plain = {12, 3, 2, 12, 0.35, 0.08, 0.1, 0.15, false, false};
static const Film cut = {15, 3, 3, 10, 0.35, 0.08, 0.1, 0.2, true, false};

static void
test_easy (void)
{
  AvmDiariseSettings settings;

  avm_diarise_settings_init (&settings);
  for (int k = 0; k < 4; k++) {
    const Film *film = k % 2 > 0 ? &cut : &plain;
    double purity, coverage;
    AvmDiarise *d;

    settings.use_map = k < 2;
    make_film (film);
    d = diarise (&settings, film);
    score (d, &purity, &coverage);
    CHECK (purity > 0.9999, "purity %.3f", purity);
    CHECK (coverage > 0.98, "coverage %.3f", coverage);
    CHECK (avm_diarise_n_musicians (d) >= film->people
            && avm_diarise_n_musicians (d) <= film->people + 1,
        "%d musicians of %d", avm_diarise_n_musicians (d), film->people);
    CHECK (avm_diarise_n_views (d) == 3, "%d views", avm_diarise_n_views (d));
    check_constraints (d);
    avm_diarise_free (d);
  }
}

/* Twins, whom only places tell apart */
static void
test_alike (void)
{
  static const Film film = {18, 3, 2, 10, 0.3, 0.1, 0.1, 0.15, true, true};
  double purity[2] = {0.0, 0.0}, coverage[2] = {0.0, 0.0};
  AvmDiariseSettings settings;
  int rounds = 3;

  avm_diarise_settings_init (&settings);
  for (int k = 0; k < rounds; k++) {
    make_film (&film);
    for (int map = 0; map < 2; map++) {
      double p, c;
      AvmDiarise *d;

      settings.use_map = map > 0;
      d = diarise (&settings, &film);
      score (d, &p, &c);
      purity[map] += p / rounds;
      coverage[map] += c / rounds;
      check_constraints (d);
      avm_diarise_free (d);
    }
  }
  printf ("twins: purity %.3f and coverage %.3f, with the map %.3f "
          "and %.3f\n",
      purity[0], coverage[0], purity[1], coverage[1]);
  CHECK (purity[1] > 0.95 && coverage[1] > 0.95, "purity %.3f, coverage %.3f",
      purity[1], coverage[1]);
  CHECK (
      purity[1] + coverage[1] > purity[0] + coverage[0], "places tell nothing");
}

/* How many there are is said. */
static void
test_number (void)
{
  AvmDiariseSettings settings;
  AvmError error = {0};
  double purity, coverage;
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
  settings.threshold = 0.01;
  settings.musicians = plain.people;
  settings.use_map = false;
  make_film (&plain);
  d = diarise (&settings, &plain);
  score (d, &purity, &coverage);
  CHECK (avm_diarise_n_musicians (d) == plain.people, "%d musicians",
      avm_diarise_n_musicians (d));
  CHECK (purity > 0.98 && coverage > 0.98, "purity %.3f, coverage %.3f", purity,
      coverage);
  check_constraints (d);
  avm_diarise_free (d);
  settings.musicians = 4;
  d = avm_diarise_new (&settings, "/tmp", &error);
  add_all (d, &plain, NULL);
  CHECK (
      !avm_diarise_run (d, NULL, NULL, &error) && error.code == AVM_ERROR_RANGE,
      "more faces in a picture than musicians");
  CHECK (avm_diarise_n_musicians (d) == 0 && avm_diarise_get (d, 0) == NULL,
      "no results after an error");
  avm_diarise_free (d);
}

static void
test_poses (void)
{
  static const Film film = {6, 2, 1, 56, 0.35, 0.08, 0.08, 0.1, false, false};
  static int table[500][20][2];
  AvmDiariseSettings settings;
  int right = 0, n_poses = 0;
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
  make_film (&film);
  d = diarise (&settings, &film);
  memset (table, 0, sizeof (table));
  for (int i = 0; i < n_truths; i++) {
    const AvmDiarised *r = avm_diarise_get (d, (size_t)i);

    table[r->musician][r->pose][truths[i].pose]++;
  }
  for (int m = 0; m < avm_diarise_n_musicians (d); m++)
    for (int p = 0; p < avm_diarise_n_poses (d, m); p++, n_poses++) {
      int n = table[m][p][0] + table[m][p][1];

      right += AVM_MAX (table[m][p][0], table[m][p][1]);
      CHECK (n > 0, "pose %d of musician %d is empty", p, m);
      CHECK (p == 0 || n <= table[m][p - 1][0] + table[m][p - 1][1],
          "the most frequent first");
    }
  CHECK (right > 0.98 * n_truths, "%d of %d in a pure pose", right, n_truths);
  CHECK (n_poses >= 2 * 2 * film.people && n_poses <= 5 * film.people,
      "%d poses of %d people in two views", n_poses, film.people);
  avm_diarise_free (d);
  settings.max_poses = 1;
  d = diarise (&settings, &film);
  for (int m = 0; m < avm_diarise_n_musicians (d); m++)
    CHECK (avm_diarise_n_poses (d, m) == 2, "one in each view");
  avm_diarise_free (d);
}

/* The order in which cameras' sightings are added says nothing. */
static void
test_interleaving (void)
{
  static int order[MAX_SIGHTINGS];
  AvmDiariseSettings settings;
  AvmError error = {0};
  Film still = plain;
  AvmDiarise *a, *b;
  int next[3], ends[3], n = 0, differ = 0;

  avm_diarise_settings_init (&settings);
  /* looks of a sighting must be the same in both */
  still.noise = 0.0;
  make_film (&still);
  for (int c = 0; c < 3; c++) {
    next[c] = c > 0 ? ends[c - 1] : 0;
    for (ends[c] = next[c];
         ends[c] < n_truths && truths[ends[c]].sighting.camera == c;)
      ends[c]++;
  }
  while (n < n_truths) {
    int c = (int)(avm_rng_u32 (&avmcheck_rng) % 3);

    if (next[c] < ends[c])
      order[n++] = next[c]++;
  }
  a = diarise (&settings, &still);
  b = avm_diarise_new (&settings, "/tmp", &error);
  add_all (b, &still, order);
  CHECK (avm_diarise_run (b, NULL, NULL, &error), "%s", error.detail);
  for (int i = 0; i < n_truths; i++) {
    const AvmDiarised *x = avm_diarise_get (a, (size_t)order[i]);
    const AvmDiarised *y = avm_diarise_get (b, (size_t)i);

    differ += x->musician != y->musician || x->pose != y->pose
        || x->view != y->view || x->confidence != y->confidence;
  }
  CHECK (differ == 0, "%d of %d differ", differ, n_truths);
  avm_diarise_free (a);
  avm_diarise_free (b);
}

/* Musicians are numbered from left to right, and seats say so too. */
static void
test_seats (void)
{
  AvmDiariseSettings settings;
  AvmSeat seat, last = {0};
  AvmDiarise *d;
  int known = 0;

  avm_diarise_settings_init (&settings);
  make_film (&plain);
  d = diarise (&settings, &plain);
  for (int m = 0; m < avm_diarise_n_musicians (d); m++) {
    CHECK (avm_diarise_get_seat (d, m, &seat), "a seat");
    known += seat.known;
    CHECK (!seat.known || (isfinite (seat.x) && isfinite (seat.z)), "finite");
    CHECK (seat.views >= 1 && seat.views <= 3, "%d views", seat.views);
    CHECK (m == 0 || seat.x > last.x - 3.0, "%g after %g", seat.x, last.x);
    last = seat;
  }
  CHECK (known >= plain.people, "%d seats are known", known);
  CHECK (!avm_diarise_get_seat (d, avm_diarise_n_musicians (d), &seat)
          && !avm_diarise_get_seat (d, -1, &seat),
      "no such musician");
  avm_diarise_free (d);
}

static void
test_join (void)
{
  AvmDiariseSettings settings;
  AvmError error = {0};
  int n, a = -1, b = -1, first = -1, n_a, wrong = 0, asked[8];
  static AvmDiarised before[MAX_SIGHTINGS];
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
  /* every shot's people are people of their own */
  settings.threshold = 0.0;
  settings.use_map = false;
  make_film (&plain);
  d = diarise (&settings, &plain);
  n = avm_diarise_n_musicians (d);
  CHECK (n > plain.people, "%d musicians", n);
  CHECK (avm_diarise_questions (d, asked, 8) == 8 && asked[0] != asked[1],
      "questions");
  CHECK (avm_diarise_questions (d, asked, 0) == 0, "no questions");
  for (int i = 0; i < n_truths; i++) {
    before[i] = *avm_diarise_get (d, (size_t)i);
    if (truths[i].who != 0)
      continue;
    if (a < 0)
      a = before[i].musician;
    else if (before[i].musician != a && b < 0)
      b = before[i].musician;
  }
  for (int i = 0; i < n_truths && first < 0; i++)
    if (truths[i].who == 1)
      first = before[i].musician;
  CHECK (!avm_diarise_join (d, a, first, &error)
          && error.code == AVM_ERROR_CORRUPT && error.offset >= 0
          && before[error.offset].musician == AVM_MAX (a, first),
      "two who are in one picture");
  CHECK (!avm_diarise_join (d, a, a, &error) && error.code == AVM_ERROR_RANGE
          && !avm_diarise_join (d, a, n, &error)
          && error.code == AVM_ERROR_RANGE,
      "nobody to join");
  n_a = avm_diarise_n_poses (d, AVM_MIN (a, b));
  CHECK (avm_diarise_join (d, a, b, &error), "%s", error.detail);
  CHECK (avm_diarise_n_musicians (d) == n - 1, "one less");
  for (int i = 0; i < n_truths; i++) {
    const AvmDiarised *r = avm_diarise_get (d, (size_t)i);
    int low = AVM_MIN (a, b), high = AVM_MAX (a, b);
    int m = before[i].musician;

    if (m == high)
      wrong += r->musician != low || r->pose != before[i].pose + n_a;
    else
      wrong += r->musician != m - (m > high) || r->pose != before[i].pose;
  }
  CHECK (wrong == 0, "%d sightings are not as said", wrong);
  avm_diarise_free (d);
}

static bool
count_progress (void *user, double done)
{
  double *last = user;

  CHECK (done >= last[0] - 1e-9 && done <= 1.0, "%g after %g", done, last[0]);
  last[0] = done;
  return done < last[1];
}

/* Progress, stopping, adding more, forgetting */
static void
test_life (void)
{
  static const Film film = {5, 2, 2, 6, 0.35, 0.05, 0.1, 0.1, false, false};
  static float values[AVM_APPEARANCE_SIZE];
  AvmDiariseSettings settings;
  AvmError error = {0};
  double progress[2] = {0.0, 2.0};
  AvmSighting s;
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
  make_film (&film);
  d = avm_diarise_new (&settings, "/tmp", &error);
  CHECK (
      !avm_diarise_run (d, NULL, NULL, &error) && error.code == AVM_ERROR_EMPTY,
      "nobody was seen");
  add_all (d, &film, NULL);
  CHECK (avm_diarise_n_sightings (d) == (size_t)n_truths
          && avm_diarise_get_sighting (d, 3)->track == truths[3].sighting.track
          && avm_diarise_get_sighting (d, (size_t)n_truths) == NULL,
      "sightings are kept");
  CHECK (avm_diarise_get (d, 0) == NULL, "nothing before a run");
  CHECK (avm_diarise_run (d, count_progress, progress, &error)
          && progress[0] == 1.0,
      "progress to the end");
  progress[0] = 0.0;
  progress[1] = 0.4;
  CHECK (!avm_diarise_run (d, count_progress, progress, &error)
          && error.code == AVM_ERROR_CANCELLED
          && avm_diarise_n_musicians (d) == 0,
      "stopped");
  /* somebody alone in a picture of another size, half outside of it */
  s = (AvmSighting){.camera = 7,
      .track = 3,
      .face = {-20, -10, 40, 50},
      .width = 64,
      .height = 48,
      .orientation = -1};
  look_like (&film, 0, 0, 0, values);
  CHECK (avm_diarise_add (d, &s, values, &error), "%s", error.detail);
  CHECK (avm_diarise_run (d, NULL, NULL, &error), "%s", error.detail);
  CHECK (avm_diarise_get (d, (size_t)n_truths)->musician
          == avm_diarise_get (d, 0)->musician,
      "known by looks");
  avm_diarise_reset (d);
  CHECK (avm_diarise_n_sightings (d) == 0 && avm_diarise_n_musicians (d) == 0,
      "forgotten");
  CHECK (avm_diarise_add (d, &s, values, &error)
          && avm_diarise_run (d, NULL, NULL, &error)
          && avm_diarise_n_musicians (d) == 1 && avm_diarise_n_poses (d, 0) == 1
          && avm_diarise_get (d, 0)->confidence == 1.0,
      "one sighting is one musician");
  avm_diarise_free (d);
}

/* A face that was found twice is not two people. */
static void
test_twice (void)
{
  static const Film film = {4, 1, 1, 20, 0.35, 0.0, 0.1, 0.0, false, false};
  AvmDiariseSettings settings;
  int n;
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
  make_film (&film);
  n = n_truths;
  /* in the frame after all others, since frames must not fall */
  for (int k = 0; k < 2; k++) {
    truths[n_truths] = truths[n - 1];
    truths[n_truths].sighting.frame++;
    truths[n_truths].sighting.face.x += 5 * k;
    truths[n_truths].sighting.track =
        k > 0 ? 5000 : truths[n - 1].sighting.track;
    n_truths++;
  }
  d = diarise (&settings, &film);
  CHECK (avm_diarise_n_musicians (d) == film.people, "%d musicians of %d",
      avm_diarise_n_musicians (d), film.people);
  avm_diarise_free (d);
}

static void
test_errors (void)
{
  static float values[AVM_APPEARANCE_SIZE];
  AvmSighting good = {.camera = 1,
      .shot = 2,
      .track = 3,
      .frame = 4,
      .time = 1.0,
      .face = {10, 10, 20, 20},
      .width = 640,
      .height = 480};
  AvmDiariseSettings settings, bad;
  AvmError error = {0};
  AvmSighting s;
  AvmDiarise *d;

  avm_diarise_settings_init (&settings);
#define BAD_SETTING(change)                                                    \
  do {                                                                         \
    bad = settings;                                                            \
    bad.change;                                                                \
    error.code = AVM_OK;                                                       \
    CHECK (avm_diarise_new (&bad, "/tmp", &error) == NULL                      \
            && error.code == AVM_ERROR_RANGE,                                  \
        #change);                                                              \
  } while (0)
  BAD_SETTING (musicians = -1);
  BAD_SETTING (threshold = NAN);
  BAD_SETTING (threshold = 1.5);
  BAD_SETTING (pose_threshold = -0.1);
  BAD_SETTING (max_poses = 0);
  BAD_SETTING (max_poses = 65);
  BAD_SETTING (weights.parts[0] = -1.0);
  BAD_SETTING (weights.descriptors[2] = NAN);
  d = avm_diarise_new (&settings, "/tmp", &error);
  CHECK (avm_diarise_add (d, &good, values, &error), "%s", error.detail);
#define BAD_SIGHTING(change)                                                   \
  do {                                                                         \
    s = good;                                                                  \
    s.change;                                                                  \
    error.code = AVM_OK;                                                       \
    CHECK (!avm_diarise_add (d, &s, values, &error)                            \
            && error.code == AVM_ERROR_RANGE && error.offset == 1,             \
        #change);                                                              \
  } while (0)
  BAD_SIGHTING (camera = -1);
  BAD_SIGHTING (camera = 100);
  BAD_SIGHTING (shot = 1);
  BAD_SIGHTING (frame = 3);
  BAD_SIGHTING (track = -1);
  BAD_SIGHTING (face.width = 0);
  BAD_SIGHTING (height = 0);
  BAD_SIGHTING (time = NAN);
  values[99] = INFINITY;
  BAD_SIGHTING (track = 3);
  CHECK (avm_diarise_n_sightings (d) == 1, "nothing bad was added");
  avm_diarise_free (d);
}

/* A long film: time is printed, numbers must stay right. */
static void
bench (void)
{
  static const Film film = {16, 3, 8, 50, 0.35, 0.08, 0.1, 0.1, false, false};
  AvmDiariseSettings settings;
  AvmError error = {0};
  AvmDiarise *d;
  double start;

  if (!avmcheck_bench)
    return;
  avm_diarise_settings_init (&settings);
  make_film (&film);
  d = avm_diarise_new (&settings, "/tmp", &error);
  add_all (d, &film, NULL);
  start = avmcheck_cpu ();
  CHECK (avm_diarise_run (d, NULL, NULL, &error), "%s", error.detail);
  printf ("bench diarise: %d sightings in %.2f s\n", n_truths,
      avmcheck_cpu () - start);
  avm_diarise_free (d);
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  test_errors ();
  test_life ();
  test_easy ();
  test_alike ();
  test_number ();
  test_poses ();
  test_interleaving ();
  test_seats ();
  test_join ();
  test_twice ();
  bench ();
  return avmcheck_report ();
}
