/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The map of a scene: rows of people on risers, filmed by pinhole cameras,
 * whose looks are told apart now and then. What the map says is compared with
 * the geometry that the pictures were made by.
 */

#include "avmcheck.h"

#include "learn/avm-scenemap.h"

#define MAX_PEOPLE 40
#define MAX_VIEWS 8
#define MAX_FACES (MAX_PEOPLE * MAX_VIEWS)
#define WIDTH 1280
#define HEIGHT 720

typedef struct {
  int n_people;
  double x[MAX_PEOPLE], y[MAX_PEOPLE], z[MAX_PEOPLE]; /* m; heads */
  int n_views, n_faces;
  AvmSceneView views[MAX_VIEWS];
  AvmSceneFace faces[MAX_FACES];
  int who[MAX_FACES];       /* -1: a false face */
  int camera_of[MAX_VIEWS]; /* which camera a view is of */
  float distances[MAX_FACES * MAX_FACES];
} Scene;

/* where: from the middle, m; turn: rad, to the right; zoom: focal length, in
 * widths of the picture */
typedef struct {
  double x, y, z, turn, down, zoom;
} Camera;

/* All of it from the front, two sides from nearer, the middle from far, and so
 * on; the last ones are like the first but from elsewhere. */
static const Camera cameras[MAX_VIEWS] = {
    {0.0, 2.0, -9.0, 0.0, 0.1, 0.95},
    {-4.0, 2.0, -7.0, 0.45, 0.1, 1.1},
    {4.0, 2.2, -7.0, -0.45, 0.12, 1.1},
    {0.5, 2.5, -9.0, 0.0, 0.1, 1.5},
    {-1.5, 2.5, -8.0, 0.3, 0.1, 1.4},
    {2.0, 1.8, -8.0, -0.25, 0.05, 1.3},
    {-5.5, 2.5, -6.5, 0.6, 0.15, 1.0},
    {5.5, 2.0, -6.5, -0.6, 0.1, 1.0},
};

static void
seat_people (Scene *s, int n)
{
  int rows = (n + 6) / 7;

  s->n_people = n;
  for (int i = 0; i < n; i++) {
    int row = i % rows, seat = i / rows, seats = (n - row + rows - 1) / rows;

    s->x[i] = (seat - 0.5 * (seats - 1)) * 1.1
        + avm_rng_range (&avmcheck_rng, -0.12, 0.12);
    s->z[i] = row * 1.2 + avm_rng_range (&avmcheck_rng, -0.1, 0.1);
    s->y[i] = 1.25 + row * 0.25 + 0.04 * avm_rng_normal (&avmcheck_rng);
  }
}

/* False: not in the picture. */
static bool
film (const Camera *c, double x, double y, double z, AvmSceneFace *face)
{
  double rx = x - c->x, ry = y - c->y, rz = z - c->z;
  double depth = rx * sin (c->turn) + rz * cos (c->turn);
  double side = rx * cos (c->turn) - rz * sin (c->turn);
  double far = depth * cos (c->down) - ry * sin (c->down);
  double up = depth * sin (c->down) + ry * cos (c->down);

  if (far < 1.0)
    return false;
  face->x = 0.5 * WIDTH + c->zoom * WIDTH * side / far;
  face->y = 0.5 * HEIGHT - c->zoom * WIDTH * up / far;
  face->size = 0.2 * c->zoom * WIDTH / far;
  return face->x > 0.0 && face->x < WIDTH && face->y > 0.0 && face->y < HEIGHT;
}

typedef struct {
  double noise;   /* of places, in sizes of a face */
  double missing; /* share of faces */
  double wrong;   /* false faces for each true one */
} Faults;

static void
add_face (Scene *s, int view, int who, AvmSceneFace face)
{
  face.weight = 1.0 + (double)(avm_rng_u32 (&avmcheck_rng) % 20);
  s->faces[s->n_faces] = face;
  s->who[s->n_faces++] = who;
  s->views[view].n++;
}

static void
add_view (Scene *s, int camera, const Faults *f)
{
  int v = s->n_views++;

  s->views[v] = (AvmSceneView){s->n_faces, 0, WIDTH, HEIGHT};
  s->camera_of[v] = camera;
  for (int i = 0; i < s->n_people; i++) {
    AvmSceneFace face;

    if (!film (&cameras[camera], s->x[i], s->y[i], s->z[i], &face)
        || avm_rng_uniform (&avmcheck_rng) < f->missing)
      continue;
    face.x += f->noise * face.size * avm_rng_normal (&avmcheck_rng);
    face.y += f->noise * face.size * avm_rng_normal (&avmcheck_rng);
    face.size *= exp (f->noise * avm_rng_normal (&avmcheck_rng));
    add_face (s, v, i, face);
    if (avm_rng_uniform (&avmcheck_rng) < f->wrong)
      add_face (s, v, -1,
          (AvmSceneFace){avm_rng_range (&avmcheck_rng, 0.0, WIDTH),
              avm_rng_range (&avmcheck_rng, 0.0, HEIGHT), face.size, 1.0});
  }
}

/* One person is `same` apart in the mean, two people `other`. */
static void
look (Scene *s, double same, double other, double sd)
{
  for (int a = 0; a < s->n_faces; a++)
    for (int b = a; b < s->n_faces; b++) {
      bool one = s->who[a] >= 0 && s->who[a] == s->who[b];
      double d = (one ? same : other) + sd * avm_rng_normal (&avmcheck_rng);

      d = a == b ? 0.0 : AVM_CLAMP (d, 0.02, 1.0);
      s->distances[a * s->n_faces + b] = s->distances[b * s->n_faces + a] =
          (float)d;
    }
}

static void
make_scene (Scene *s, int people, int views, const Faults *f)
{
  s->n_views = s->n_faces = 0;
  seat_people (s, people);
  for (int v = 0; v < views; v++)
    add_view (s, v, f);
}

static AvmSceneMap *
map_of (const Scene *s)
{
  AvmSceneSettings settings;
  AvmSceneMap *map;
  AvmError error = {0};

  avm_scenemap_settings_init (&settings);
  settings.even = 0.18;
  settings.spread = 0.045;
  map = avm_scenemap_new (&settings, &error);
  CHECK (map != NULL
          && avm_scenemap_run (map, s->views, s->n_views, s->faces, s->n_faces,
              s->distances, &error),
      "%s", error.detail);
  return map;
}

/* Of the faces of view `v` that somebody else's picture shows too, the share
 * whose nearest face in each other view is the same person's */
static double
share_known (const Scene *s, const float *distances, int most_views)
{
  int right = 0, all = 0;

  for (int v = 0; v < most_views; v++)
    for (int u = 0; u < most_views; u++)
      for (int i = 0; u != v && i < s->views[v].n; i++) {
        int a = s->views[v].first + i, best = -1;
        bool there = false;

        for (int k = 0; k < s->views[u].n; k++) {
          int b = s->views[u].first + k;

          there |= s->who[a] >= 0 && s->who[b] == s->who[a];
          if (best < 0
              || distances[a * s->n_faces + b]
                  < distances[a * s->n_faces + best])
            best = b;
        }
        if (!there)
          continue;
        all++;
        right += s->who[best] == s->who[a];
      }
  return all > 0 ? (double)right / all : 1.0;
}

/* -- places ---------------------------------------------------------------- */

/* Median error of the places of a view on the map, in sizes of a face of the
 * reference */
static double
view_error (const Scene *s, const AvmSceneMap *map, int view)
{
  double errors[MAX_FACES];
  int n = 0, camera = s->camera_of[avm_scenemap_get_reference (map)];

  for (int i = 0; i < s->views[view].n; i++) {
    int a = s->views[view].first + i, who = s->who[a];
    AvmSceneFace truth;
    double x, y, e;

    if (who < 0
        || !film (&cameras[camera], s->x[who], s->y[who], s->z[who], &truth)
        || !avm_scenemap_get_place (map, a, &x, &y))
      continue;
    e = hypot (x - truth.x, y - truth.y) / truth.size;
    for (int k = n++; k >= 0; k--) {
      errors[k] = k > 0 && errors[k - 1] > e ? errors[k - 1] : e;
      if (k == 0 || errors[k - 1] <= e)
        break;
    }
  }
  return n > 0 ? errors[n / 2] : HUGE_VAL;
}

/* Counts views on the map, and those that are not where they belong. */
static void
count_views (const Scene *s, const AvmSceneMap *map, int *placed, int *wrong)
{
  for (int v = 0; v < s->n_views; v++)
    if (avm_scenemap_is_placed (map, v)) {
      ++*placed;
      *wrong += view_error (s, map, v) > 1.5;
    }
}

static void
test_places (void)
{
  static const Faults faults = {0.08, 0.1, 0.05};
  static Scene s;
  int placed = 0, wrong = 0, scenes = 10;
  double before = 0.0, after = 0.0;

  for (int k = 0; k < scenes; k++) {
    AvmSceneMap *map;

    make_scene (&s, 16 + 2 * k, 4, &faults);
    look (&s, 0.14, 0.21, 0.03);
    before += share_known (&s, s.distances, s.n_views) / scenes;
    map = map_of (&s);
    count_views (&s, map, &placed, &wrong);
    avm_scenemap_fuse (map, s.distances);
    after += share_known (&s, s.distances, s.n_views) / scenes;
    avm_scenemap_free (map);
  }
  printf ("looks alone know %.3f, with the map %.3f; %d of %d views placed, %d "
          "of them wrongly\n",
      before, after, placed, 4 * scenes, wrong);
  CHECK (wrong == 0, "%d views are not where they belong", wrong);
  CHECK (placed >= 4 * scenes - 2, "%d of %d views are on the map", placed,
      4 * scenes);
  CHECK (after > 0.97, "%.3f are known by place and looks", after);
  CHECK (after > before + 0.1, "%.3f before, %.3f after", before, after);
}

/* Looks that say little: a face that they cannot tell is told by its place. */
static void
test_occlusion (void)
{
  static const Faults faults = {0.08, 0.35, 0.1};
  static Scene s;
  double before = 0.0, after = 0.0;
  int scenes = 10, placed = 0, wrong = 0;

  for (int k = 0; k < scenes; k++) {
    AvmSceneMap *map;

    make_scene (&s, 28, 4, &faults);
    look (&s, 0.15, 0.21, 0.035);
    before += share_known (&s, s.distances, s.n_views) / scenes;
    map = map_of (&s);
    count_views (&s, map, &placed, &wrong);
    avm_scenemap_fuse (map, s.distances);
    after += share_known (&s, s.distances, s.n_views) / scenes;
    avm_scenemap_free (map);
  }
  printf ("of a third hidden, looks know %.3f, with the map %.3f; %d of %d "
          "views placed, %d of them wrongly\n",
      before, after, placed, 4 * scenes, wrong);
  /* now and then a map of such a scene fails */
  CHECK (wrong <= 2, "%d views are not where they belong", wrong);
  CHECK (after > 0.85, "%.3f are known by place and looks", after);
  CHECK (after > before + 0.3, "%.3f before, %.3f after", before, after);
}

/* The pairs of the first two views, with ever more views beside them: never
 * less is known of them, but for chance. */
static void
test_more_views (void)
{
  static const Faults faults = {0.08, 0.2, 0.05};
  static Scene s, part;
  double known[MAX_VIEWS + 1] = {0.0};
  int scenes = 8;

  for (int k = 0; k < scenes; k++) {
    make_scene (&s, 24, 6, &faults);
    look (&s, 0.145, 0.21, 0.035);
    for (int n = 2; n <= 6; n += 2) {
      AvmSceneMap *map;

      part = s;
      part.n_views = n;
      part.n_faces = s.views[n - 1].first + s.views[n - 1].n;
      for (int a = 0; a < part.n_faces; a++)
        for (int b = 0; b < part.n_faces; b++)
          part.distances[a * part.n_faces + b] = s.distances[a * s.n_faces + b];
      map = map_of (&part);
      avm_scenemap_fuse (map, part.distances);
      known[n] += share_known (&part, part.distances, 2) / scenes;
      avm_scenemap_free (map);
    }
  }
  printf ("two views know %.3f of each other, beside two more %.3f, four "
          "%.3f\n",
      known[2], known[4], known[6]);
  CHECK (known[4] > known[2] - 0.04 && known[6] > known[4] - 0.04,
      "more views make it worse: %.3f %.3f %.3f", known[2], known[4], known[6]);
  CHECK (known[6] > 0.9, "%.3f known", known[6]);
}

/* Views in another order give the same. */
static void
test_order (void)
{
  static const Faults faults = {0.05, 0.1, 0.0};
  static Scene s, t;

  for (int k = 0; k < 5; k++) {
    int old[MAX_FACES], worst = 0;
    AvmSceneMap *a, *b;

    make_scene (&s, 22, 4, &faults);
    look (&s, 0.13, 0.22, 0.025);
    t = s;
    t.n_faces = 0;
    for (int v = 0; v < s.n_views; v++) {
      int from = (v + 1 + k) % s.n_views;

      t.views[v] = s.views[from];
      t.views[v].first = t.n_faces;
      t.camera_of[v] = s.camera_of[from];
      for (int i = 0; i < t.views[v].n; i++) {
        old[t.n_faces] = s.views[from].first + i;
        t.who[t.n_faces] = s.who[old[t.n_faces]];
        t.faces[t.n_faces] = s.faces[old[t.n_faces]];
        t.n_faces++;
      }
    }
    for (int i = 0; i < t.n_faces; i++)
      for (int j = 0; j < t.n_faces; j++)
        t.distances[i * t.n_faces + j] =
            s.distances[old[i] * s.n_faces + old[j]];
    a = map_of (&s);
    b = map_of (&t);
    avm_scenemap_fuse (a, s.distances);
    avm_scenemap_fuse (b, t.distances);
    for (int i = 0; i < t.n_faces; i++)
      for (int j = 0; j < t.n_faces; j++) {
        float x = t.distances[i * t.n_faces + j];
        float y = s.distances[old[i] * s.n_faces + old[j]];

        worst += fabsf (x - y) > 0.06f;
      }
    CHECK (worst < t.n_faces * t.n_faces / 100,
        "%d of %d distances depend on the order of views", worst,
        t.n_faces * t.n_faces);
    avm_scenemap_free (a);
    avm_scenemap_free (b);
  }
}

/* Where looks tell nothing, rows that fit each other when shifted by a seat
 * must not be taken for the same. */
static void
test_no_looks (void)
{
  static const Faults faults = {0.03, 0.0, 0.0};
  static Scene s;
  int placed = 0, wrong = 0;

  for (int k = 0; k < 10; k++) {
    AvmSceneMap *map;

    make_scene (&s, 28, 3, &faults);
    look (&s, 0.21, 0.21, 0.02);
    map = map_of (&s);
    count_views (&s, map, &placed, &wrong);
    avm_scenemap_free (map);
  }
  CHECK (wrong == 0, "%d of %d views were placed by nothing", wrong, placed);
}

/* -- seats ----------------------------------------------------------------- */

/* Seats from above against the truth, both as the reference sees them: the rms
 * residual of a linear fit of one coordinate, m */
static double
fit_residual (const double *a, const double *b, int n)
{
  double ma = 0.0, mb = 0.0, up = 0.0, down = 0.0, sum = 0.0;

  for (int i = 0; i < n; i++) {
    ma += a[i] / n;
    mb += b[i] / n;
  }
  for (int i = 0; i < n; i++) {
    up += (a[i] - ma) * (b[i] - mb);
    down += (a[i] - ma) * (a[i] - ma);
  }
  CHECK (up > 0.0, "the map is the wrong way round");
  for (int i = 0; i < n; i++) {
    double r = mb + up / down * (a[i] - ma) - b[i];

    sum += r * r / n;
  }
  return sqrt (sum);
}

static void
test_seats (void)
{
  static const Faults faults = {0.03, 0.0, 0.0};
  static Scene s;

  for (int k = 0; k < 5; k++) {
    double x[MAX_FACES], z[MAX_FACES], tx[MAX_FACES], tz[MAX_FACES];
    const Camera *c;
    AvmSceneMap *map;
    int n = 0;

    make_scene (&s, 21, 3, &faults);
    look (&s, 0.13, 0.22, 0.025);
    map = map_of (&s);
    c = &cameras[s.camera_of[avm_scenemap_get_reference (map)]];
    for (int a = 0; a < s.n_faces; a++)
      if (avm_scenemap_get_seat (map, a, &x[n], &z[n])) {
        double rx = s.x[s.who[a]] - c->x, rz = s.z[s.who[a]] - c->z;

        tx[n] = rx * cos (c->turn) - rz * sin (c->turn);
        tz[n++] = rx * sin (c->turn) + rz * cos (c->turn);
      }
    CHECK (n == s.n_faces, "%d of %d seats", n, s.n_faces);
    CHECK (fit_residual (x, tx, n) < 0.25, "across: %g m",
        fit_residual (x, tx, n));
    CHECK (
        fit_residual (z, tz, n) < 0.5, "depth: %g m", fit_residual (z, tz, n));
    avm_scenemap_free (map);
  }
}

/* -- framings -------------------------------------------------------------- */

typedef struct {
  const int *a, *b;
} Pairs;

static double
known_distance (void *user, int i, int j)
{
  const Pairs *p = user;

  return p->a[i] == p->b[j] ? 0.1 : 0.25;
}

static void
test_framing (void)
{
  static const Faults faults = {0.05, 0.15, 0.0};
  AvmSceneSettings settings;
  static Scene s;

  avm_scenemap_settings_init (&settings);
  for (int k = 0; k < 20; k++) {
    AvmSceneShift move = {avm_rng_range (&avmcheck_rng, 0.7, 1.4),
        avm_rng_range (&avmcheck_rng, -300.0, 300.0),
        avm_rng_range (&avmcheck_rng, -200.0, 200.0)};
    AvmSceneShift shift;
    int mates[MAX_PEOPLE], right = 0, n_a, n_b;
    AvmSceneFace *a, *b;
    Pairs pairs;

    s.n_views = s.n_faces = 0;
    seat_people (&s, 24);
    add_view (&s, 0, &faults);
    add_view (&s, 0, &faults);
    add_view (&s, 1, &faults);
    a = s.faces;
    b = s.faces + s.views[1].first;
    n_a = s.views[0].n;
    n_b = s.views[1].n;
    pairs = (Pairs){s.who, s.who + s.views[1].first};
    for (int i = 0; i < n_b; i++) {
      b[i].x = move.scale * b[i].x + move.dx;
      b[i].y = move.scale * b[i].y + move.dy;
      b[i].size *= move.scale;
    }
    CHECK (avm_scenemap_same_framing (&settings, a, n_a, b, n_b, known_distance,
               &pairs, &shift, mates),
        "the same framing, moved by %g, %g and scaled by %g", move.dx, move.dy,
        move.scale);
    CHECK_NEAR (shift.scale, move.scale, 0.03, 0.0, "scale");
    CHECK_NEAR (640.0 * shift.scale + shift.dx, 640.0 * move.scale + move.dx,
        15.0, 0.0, "shift");
    for (int i = 0; i < n_a; i++)
      right += mates[i] < 0 || pairs.a[i] == pairs.b[mates[i]];
    CHECK (right >= n_a - 1, "%d of %d mates", right, n_a);
    pairs.b = s.who + s.views[2].first;
    CHECK (!avm_scenemap_same_framing (&settings, a, n_a,
               s.faces + s.views[2].first, s.views[2].n, known_distance, &pairs,
               &shift, mates),
        "another camera is another framing");
  }
}

/* One face alone is the same framing only where it stays. */
static void
test_single (void)
{
  static const int who[2] = {3, 3}, others[2] = {4, 4};
  AvmSceneFace a = {300.0, 200.0, 80.0, 5.0}, b = {305.0, 202.0, 82.0, 3.0};
  Pairs same = {who, who}, other = {who, others};
  AvmSceneSettings settings;
  AvmSceneShift shift;
  int mate;

  avm_scenemap_settings_init (&settings);
  CHECK (avm_scenemap_same_framing (
             &settings, &a, 1, &b, 1, known_distance, &same, &shift, &mate)
          && mate == 0,
      "stayed");
  CHECK (!avm_scenemap_same_framing (
             &settings, &a, 1, &b, 1, known_distance, &other, &shift, &mate),
      "somebody else");
  b.x = 500.0;
  CHECK (!avm_scenemap_same_framing (
             &settings, &a, 1, &b, 1, known_distance, &same, &shift, &mate),
      "elsewhere");
  CHECK (!avm_scenemap_same_framing (
             &settings, &a, 0, &b, 1, known_distance, &same, &shift, &mate),
      "nobody");
}

/* -- errors and rims ------------------------------------------------------- */

static void
test_errors (void)
{
  AvmSceneSettings settings;
  AvmSceneView views[2] = {{0, 1, 640, 480}, {1, 1, 640, 480}};
  AvmSceneFace faces[2] = {{10.0, 10.0, 20.0, 1.0}, {400.0, 50.0, 30.0, 1.0}};
  float distances[4] = {0.0f, 0.1f, 0.1f, 0.0f};
  AvmError error = {0};
  AvmSceneMap *map;
  double x, y;

  avm_scenemap_settings_init (&settings);
  map = avm_scenemap_new (&settings, &error);
  CHECK (avm_scenemap_run (map, views, 2, faces, 2, distances, &error), "%s",
      error.detail);
  CHECK (avm_scenemap_is_placed (map, 0) && !avm_scenemap_is_placed (map, 1),
      "a view of one face cannot be placed");
  CHECK (isnan (avm_scenemap_get_gap (map, 0, 1)), "not known");
  CHECK (avm_scenemap_get_place (map, 0, &x, &y) && x == 10.0 && y == 10.0,
      "the reference is where it is");
  CHECK (!avm_scenemap_get_place (map, 1, &x, &y)
          && !avm_scenemap_get_seat (map, 1, &x, &y)
          && !avm_scenemap_get_place (map, 2, &x, &y)
          && !avm_scenemap_is_placed (map, 2),
      "nothing beyond");
  avm_scenemap_fuse (map, distances);
  CHECK (distances[1] == 0.1f, "unchanged where nothing is known");
  CHECK (!avm_scenemap_run (map, views, 2, faces, 0, distances, &error)
          && error.code == AVM_ERROR_EMPTY,
      "nobody");
  views[1].first = 0;
  CHECK (!avm_scenemap_run (map, views, 2, faces, 2, distances, &error)
          && error.code == AVM_ERROR_RANGE && error.offset == 1,
      "views that overlap");
  views[1].first = 1;
  faces[1].size = NAN;
  CHECK (!avm_scenemap_run (map, views, 2, faces, 2, distances, &error)
          && error.code == AVM_ERROR_RANGE && error.offset == 1,
      "a face without size");
  CHECK (!avm_scenemap_is_placed (map, 0), "no map after an error");
  avm_scenemap_free (map);
  settings.spread = 0.0;
  CHECK (avm_scenemap_new (&settings, &error) == NULL
          && error.code == AVM_ERROR_RANGE,
      "no spread");
}

int
main (int argc, char **argv)
{
  avmcheck_init (argc, argv);
  test_errors ();
  test_framing ();
  test_single ();
  test_places ();
  test_occlusion ();
  test_more_views ();
  test_order ();
  test_no_looks ();
  test_seats ();
  return avmcheck_report ();
}
