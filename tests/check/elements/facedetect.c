/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmfacedetect: drawn faces that the detector takes for faces (real ones too,
 * where there are pictures), their ids from key frame to key frame, shots,
 * caps that change, frames without anything, streams that end at once.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <math.h>

#include <gst/avm/avm.h>

#define WIDTH 480
#define HEIGHT 270
#define FRAME (GST_SECOND / 25)
/* side of a drawn head that the detector gives a box of 73 px */
#define HEAD 100

typedef struct {
  gdouble x, y; /* top left corner, px */
  gdouble size; /* side of the square, px */
  gdouble tilt; /* degrees, to the right edge */
} Head;

typedef struct {
  GstHarness *h;
  GstBus *bus;
  GstVideoInfo info;
} Fixture;

static gdouble
blob (gdouble x, gdouble y, gdouble sx, gdouble sy)
{
  return exp (-(x / sx) * (x / sx) - (y / sy) * (y / sy));
}

/* Luma of a face that looks at the camera, -1 to 1 across its square */
static gdouble
draw_face (gdouble x, gdouble y, gdouble behind)
{
  gdouble head = 1.0 / (1.0 + exp ((hypot (x / 0.62, y / 0.85) - 1.0) * 14.0));
  gdouble v = 120.0, side = fabs (x);

  v -= y < -0.45 ? 70.0 : 0.0;
  v -= 75.0 * blob (side - 0.25, y + 0.17, 0.12, 0.055);
  v -= 55.0 * blob (side - 0.26, y + 0.34, 0.17, 0.045);
  v -= 25.0 * blob (side - 0.25, y + 0.20, 0.2, 0.12);
  v -= 35.0 * blob (side - 0.09, y - 0.15, 0.05, 0.05);
  v -= 20.0 * blob (side - 0.1, y + 0.02, 0.04, 0.2);
  v += 25.0 * blob (x, y, 0.06, 0.2);
  v -= 30.0 * blob (x, y - 0.18, 0.16, 0.04);
  v -= 70.0 * blob (x, y - 0.40, 0.22, 0.05);
  v -= 25.0 * blob (x, y - 0.50, 0.15, 0.04);
  return behind + head * (70.0 + v - behind);
}

static gdouble
wall (gdouble x, gdouble y, guint scene)
{
  return 70.0 + 15.0 * sin (x * (0.02 + 0.013 * scene) + 2.0 * scene)
      + 12.0 * cos (y * 0.031 * (1 + scene) - x * 0.011);
}

static gdouble
pixel (gdouble x, gdouble y, const Head *heads, guint n_heads, guint scene)
{
  gdouble v = wall (x, y, scene);

  for (guint i = 0; i < n_heads; i++) {
    const Head *head = &heads[i];
    gdouble u = 2.0 * (x - head->x) / head->size - 1.0;
    gdouble w = 2.0 * (y - head->y) / head->size - 1.0;
    gdouble c = cos (head->tilt * G_PI / 180),
            s = sin (head->tilt * G_PI / 180);

    if (fabs (u) < 1.2 && fabs (w) < 1.2)
      v = draw_face (c * u + s * w, c * w - s * u, v);
  }
  return v;
}

/* The scene is WIDTH x HEIGHT whatever the size of the frame is. */
static GstBuffer *
picture (
    Fixture *f, GstClockTime pts, const Head *heads, guint n_heads, guint scene)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, f->info.size, NULL);
  gdouble sx = (gdouble)WIDTH / f->info.width;
  gdouble sy = (gdouble)HEIGHT / f->info.height;
  GstVideoFrame frame;

  gst_buffer_memset (buffer, 0, 0x80, f->info.size);
  fail_unless (gst_video_frame_map (&frame, &f->info, buffer, GST_MAP_WRITE));
  for (gint y = 0; y < f->info.height; y++) {
    guint8 *row = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);

    for (gint x = 0; x < f->info.width; x++)
      row[x] = (guint8)CLAMP (
          pixel ((x + 0.5) * sx, (y + 0.5) * sy, heads, n_heads, scene), 0,
          255);
  }
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
set_video (Fixture *f, GstVideoFormat format, gint width, gint height)
{
  gst_video_info_set_format (&f->info, format, width, height);
  f->info.fps_n = 25;
  f->info.fps_d = 1;
  gst_harness_set_src_caps (f->h, gst_video_info_to_caps (&f->info));
}

static Fixture
setup (const gchar *launch)
{
  Fixture f;

  f.h = gst_harness_new_parse (launch);
  fail_unless (f.h != NULL);
  f.bus = gst_bus_new ();
  gst_element_set_bus (f.h->element, f.bus);
  set_video (&f, GST_VIDEO_FORMAT_GRAY8, WIDTH, HEIGHT);
  return f;
}

static void
teardown (Fixture *f)
{
  gst_element_set_bus (f->h->element, NULL);
  gst_object_unref (f->bus);
  gst_harness_teardown (f->h);
}

static void
set_property (Fixture *f, const gchar *name, const gchar *value)
{
  GstElement *e = gst_bin_get_by_name (GST_BIN (f->h->element), "f");

  gst_util_set_object_arg (G_OBJECT (e), name, value);
  gst_object_unref (e);
}

static GstBuffer *
pass (Fixture *f, GstBuffer *buffer)
{
  GstBuffer *out;

  fail_unless_equals_int (gst_harness_push (f->h, buffer), GST_FLOW_OK);
  out = gst_harness_pull (f->h);
  fail_unless (out != NULL);
  return out;
}

static GstBuffer *
show (Fixture *f, guint n, const Head *heads, guint n_heads)
{
  return pass (f, picture (f, n * FRAME, heads, n_heads, 0));
}

static guint
count (GstBuffer *buffer, const gchar *role)
{
  GstAvmRegionMeta *meta;
  gpointer state = NULL;
  guint n = 0;

  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL)
    n += g_str_equal (meta->region.role, role);
  return n;
}

/* Whether the region with this id is the face of that head. */
static void
check_face (GstBuffer *buffer, gint id, const Head *head)
{
  GstAvmRegionMeta *meta = gst_buffer_get_avm_region_meta (buffer, id);
  const GstAvmRegion *r;

  fail_unless (meta != NULL, "no face %d", id);
  r = &meta->region;
  fail_unless_equals_string (r->role, "face");
  fail_unless (
      fabs (r->x + 0.5 * r->w - head->x - 0.5 * head->size) < 0.15 * head->size
          && fabs (r->y + 0.5 * r->h - head->y - 0.5 * head->size)
              < 0.15 * head->size,
      "face %d at %g,%g, not in the head at %g,%g", id, r->x, r->y, head->x,
      head->y);
  fail_unless (r->w > 0.5 * head->size && r->w < head->size);
  fail_unless (r->confidence > 0.5f && r->confidence <= 1.0f);
  fail_unless_equals_int (r->state, GST_AVM_REGION_GIVEN);
}

static guint
count_shots (Fixture *f)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_event (f->h)) != NULL) {
    n += gst_event_is_avm_shot (event);
    gst_event_unref (event);
  }
  return n;
}

static GstMessage *
pop (Fixture *f, GstMessageType type)
{
  return gst_bus_pop_filtered (f->bus, type);
}

GST_START_TEST (test_faces)
{
  static const Head heads[] = {
      {330, 120, HEAD, 0}, {20, 60, HEAD, 0}, {170, 20, HEAD, 0}};
  static const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_GRAY8,
      GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_Y444};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    Fixture f = setup ("avmfacedetect min-size=60");
    const GstAvmRegion *face, *body;
    GstBuffer *buffer;

    set_video (&f, formats[i], WIDTH, HEIGHT);
    buffer = show (&f, 0, heads, 3);
    fail_unless_equals_int (count (buffer, "face"), 3);
    fail_unless_equals_int (count (buffer, "player"), 3);
    /* from left to right */
    check_face (buffer, 401, &heads[1]);
    check_face (buffer, 402, &heads[2]);
    check_face (buffer, 403, &heads[0]);
    face = &gst_buffer_get_avm_region_meta (buffer, 402)->region;
    body = &gst_buffer_get_avm_region_meta (buffer, 102)->region;
    fail_unless_equals_string (face->orientation, "frontal");
    fail_unless_equals_string (body->orientation, "frontal");
    fail_unless_equals_int (body->part, GST_AVM_NONE);
    fail_unless (body->x < face->x && body->y < face->y
        && body->x + body->w > face->x + face->w
        && body->y + body->h > face->y + 3 * face->h);
    gst_buffer_unref (buffer);
    teardown (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_message)
{
  static const Head head = {100, 60, HEAD, 0};
  Fixture f = setup ("avmfacedetect min-size=60 derive=false");
  const GstStructure *s;
  GstMessage *message;
  GstBuffer *buffer;
  GstClockTime time;
  gint n, fresh;
  gboolean shot;

  buffer = show (&f, 3, &head, 1);
  fail_unless_equals_int (count (buffer, "player"), 0);
  gst_buffer_unref (buffer);
  message = pop (&f, GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  s = gst_message_get_structure (message);
  fail_unless (gst_structure_has_name (s, "avmfacedetect"));
  fail_unless (gst_structure_get (s, "timestamp", G_TYPE_UINT64, &time, "count",
      G_TYPE_INT, &n, "new", G_TYPE_INT, &fresh, "shot", G_TYPE_BOOLEAN, &shot,
      NULL));
  fail_unless_equals_uint64 (time, 3 * FRAME);
  fail_unless_equals_int (n, 1);
  fail_unless_equals_int (fresh, 1);
  fail_unless (!shot);
  gst_message_unref (message);
  /* a face was seen: no warning at the end */
  gst_harness_push_event (f.h, gst_event_new_eos ());
  fail_unless (pop (&f, GST_MESSAGE_WARNING) == NULL);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_tilt)
{
  static const struct {
    gdouble tilt;
    const gchar *orientation;
  } cases[] = {{-27, "tilted-left"}, {0, "frontal"}, {27, "tilted-right"}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = setup ("avmfacedetect min-size=60");
    Head head = {150, 80, HEAD, cases[i].tilt};
    GstBuffer *buffer = show (&f, 0, &head, 1);

    check_face (buffer, 401, &head);
    fail_unless_equals_string (
        gst_buffer_get_avm_region_meta (buffer, 401)->region.orientation,
        cases[i].orientation);
    gst_buffer_unref (buffer);
    teardown (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_interval)
{
  static const Head head = {100, 60, HEAD, 0};
  Fixture f = setup ("avmfacedetect name=f min-size=60 interval=120000000");

  for (guint i = 0; i < 10; i++) {
    GstBuffer *buffer = show (&f, i, &head, 1);

    fail_unless_equals_int (count (buffer, "face"), i % 3 == 0);
    gst_buffer_unref (buffer);
  }
  set_property (&f, "interval", "0");
  for (guint i = 10; i < 13; i++) {
    GstBuffer *buffer = show (&f, i, &head, 1);

    check_face (buffer, 401, &head);
    gst_buffer_unref (buffer);
  }
  teardown (&f);
}

GST_END_TEST;

/* A face that moves by a third of its width has its id still; one that is
 * away for a while gets its own back, and after too long another one. */
GST_START_TEST (test_ids)
{
  Fixture f = setup ("avmfacedetect min-size=60 interval=0 forget=200000000 "
                     "follow-cuts=false");

  for (guint i = 0; i < 20; i++) {
    Head heads[] = {{20, 60, HEAD, 0}, {170 + 20.0 * (i % 3), 90, HEAD, 0},
        {340, 30 + 6.0 * (i % 10), HEAD, 0}};
    gboolean away = (i >= 4 && i < 8) || (i >= 10 && i < 17);
    GstBuffer *buffer = show (&f, i, heads + away, 3 - away);

    fail_unless_equals_int (count (buffer, "face"), 3 - away);
    check_face (buffer, 402, &heads[1]);
    check_face (buffer, 403, &heads[2]);
    if (!away)
      check_face (buffer, i < 17 ? 401 : 404, &heads[0]);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (count_shots (&f), 0);
  teardown (&f);
}

GST_END_TEST;

/* The camera turns by more than a face between key frames. */
GST_START_TEST (test_turn)
{
  Fixture f = setup ("avmfacedetect min-size=40 interval=0 follow-cuts=false");

  for (guint i = 0; i < 3; i++) {
    Head heads[] = {{10 + 70.0 * i, 60, 60, 0}, {90 + 70.0 * i, 100, 60, 0},
        {230 + 70.0 * i, 80, 60, 0}};
    GstBuffer *buffer = show (&f, i, heads, 3);

    for (gint k = 0; k < 3; k++)
      check_face (buffer, 401 + k, &heads[k]);
    gst_buffer_unref (buffer);
  }
  teardown (&f);
}

GST_END_TEST;

/* At a cut everybody is somebody else, though in the same place. */
GST_START_TEST (test_shot)
{
  static const Head before = {40, 60, HEAD, 0}, after = {50, 64, HEAD, 0};
  Fixture f = setup ("avmfacedetect min-size=60 interval=10000000000");
  GstBuffer *buffer;

  for (guint i = 0; i < 30; i++) {
    buffer = pass (&f,
        picture (&f, i * FRAME, i < 15 ? &before : &after, 1, i < 15 ? 0 : 3));
    fail_unless_equals_int (count (buffer, "face"), i == 0 || i == 15);
    if (i == 0)
      check_face (buffer, 401, &before);
    if (i == 15)
      check_face (buffer, 402, &after);
    fail_unless_equals_int (count_shots (&f), i == 15);
    gst_buffer_unref (buffer);
  }
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_seek)
{
  static const Head head = {40, 60, HEAD, 0};
  Fixture f = setup ("avmfacedetect min-size=60");
  GstSegment segment;
  GstBuffer *buffer = show (&f, 30, &head, 1);

  check_face (buffer, 401, &head);
  gst_buffer_unref (buffer);
  gst_harness_push_event (f.h, gst_event_new_flush_start ());
  gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (f.h, gst_event_new_segment (&segment));
  count_shots (&f);
  buffer = show (&f, 31, &head, 1);
  check_face (buffer, 402, &head);
  fail_unless_equals_int (count_shots (&f), 1);
  gst_buffer_unref (buffer);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_size_change)
{
  static const Head heads[] = {{20, 60, HEAD, 0}, {300, 90, HEAD, 0}};
  Fixture f = setup ("avmfacedetect name=f min-size=60 interval=10000000000");
  GstBuffer *buffer = show (&f, 0, heads, 2);
  Head half[2];

  check_face (buffer, 402, &heads[1]);
  gst_buffer_unref (buffer);
  set_property (&f, "min-size", "30");
  set_video (&f, GST_VIDEO_FORMAT_I420, WIDTH / 2, HEIGHT / 2);
  buffer = show (&f, 1, heads, 2);
  for (guint i = 0; i < 2; i++) {
    half[i] = (Head){heads[i].x / 2, heads[i].y / 2, HEAD / 2, 0};
    check_face (buffer, 401 + (gint)i, &half[i]);
  }
  fail_unless_equals_int (count_shots (&f), 0);
  gst_buffer_unref (buffer);
  teardown (&f);
}

GST_END_TEST;

/* Hair and an ear are outside. */
GST_START_TEST (test_border)
{
  static const Head heads[] = {
      {-14, -12, HEAD, 0}, {WIDTH - HEAD + 14, HEIGHT - HEAD + 8, HEAD, 0}};
  Fixture f = setup ("avmfacedetect min-size=40");
  GstBuffer *buffer = show (&f, 0, heads, 2);

  fail_unless_equals_int (count (buffer, "face"), 2);
  check_face (buffer, 401, &heads[0]);
  check_face (buffer, 402, &heads[1]);
  fail_unless (gst_buffer_get_avm_region_meta (buffer, 101)->region.x < 0);
  gst_buffer_unref (buffer);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_nothing)
{
  static const gint sizes[][2] = {{1, 1}, {2, 2}, {5, 3}, {17, 9}, {1, 300},
      {300, 1}, {79, 79}, {200, 150}};
  static const gchar *const least[] = {"10", "80", "1000"};
  Fixture f = setup ("avmfacedetect name=f interval=0");
  GstMessage *message;
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    set_video (&f, GST_VIDEO_FORMAT_I420, sizes[i][0], sizes[i][1]);
    for (guint k = 0; k < G_N_ELEMENTS (least); k++) {
      GstBuffer *buffer;

      set_property (&f, "min-size", least[k]);
      buffer = show (&f, 3 * i + k, NULL, 0);
      fail_unless_equals_int (count (buffer, "face"), 0);
      gst_buffer_unref (buffer);
    }
  }
  gst_harness_push_event (f.h, gst_event_new_eos ());
  message = pop (&f, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "no face") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_eos_at_once)
{
  Fixture f = setup ("avmfacedetect");

  fail_unless (gst_harness_push_event (f.h, gst_event_new_eos ()));
  fail_unless (pop (&f, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
  teardown (&f);
}

GST_END_TEST;

/* Without times: of the first key frame on, one per second of the rate */
GST_START_TEST (test_no_time)
{
  static const Head head = {100, 60, HEAD, 0};
  Fixture f = setup ("avmfacedetect min-size=60 interval=200000000");

  for (guint i = 0; i < 11; i++) {
    GstBuffer *buffer =
        pass (&f, picture (&f, GST_CLOCK_TIME_NONE, &head, 1, 0));

    fail_unless_equals_int (count (buffer, "face"), i % 5 == 0);
    gst_buffer_unref (buffer);
  }
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_short_frame)
{
  Fixture f = setup ("avmfacedetect");
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);
  GstMessage *message;

  GST_BUFFER_PTS (buffer) = 0;
  fail_unless_equals_int (gst_harness_push (f.h, buffer), GST_FLOW_ERROR);
  message = pop (&f, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  teardown (&f);
}

GST_END_TEST;

/* What upstream says of faces is replaced; of players it stays. */
GST_START_TEST (test_upstream)
{
  static const Head head = {100, 60, HEAD, 0};
  Fixture f = setup ("avmfacedetect min-size=60");
  GstAvmRegion *old = gst_avm_region_new (407, "face", 1, 2, 3, 4);
  GstAvmRegion *player = gst_avm_region_new (101, "player", 5, 6, 7, 8);
  GstBuffer *buffer = picture (&f, 0, &head, 1, 0);

  gst_buffer_add_avm_region_meta (buffer, old);
  gst_buffer_add_avm_region_meta (buffer, player);
  buffer = pass (&f, buffer);
  fail_unless_equals_int (count (buffer, "face"), 1);
  fail_unless_equals_int (count (buffer, "player"), 1);
  check_face (buffer, 401, &head);
  fail_unless (gst_buffer_get_avm_region_meta (buffer, 101)->region.x == 5);
  gst_buffer_unref (buffer);
  gst_avm_region_free (old);
  gst_avm_region_free (player);
  teardown (&f);
}

GST_END_TEST;

/* The tracker follows between key frames, and forgets at a cut. */
GST_START_TEST (test_tracker)
{
  Fixture f = setup ("avmfacedetect min-size=60 interval=400000000 "
                     "derive=false ! avmklttrack follow-updates=true");

  for (guint i = 0; i < 30; i++) {
    Head head = {i < 20 ? 40 + 2.0 * i : 250, 60, HEAD, 0};
    gint id = i < 20 ? 401 : 402;
    GstBuffer *buffer =
        pass (&f, picture (&f, i * FRAME, &head, 1, i / 20 * 3));
    GstAvmRegionMeta *meta = gst_buffer_get_avm_region_meta (buffer, id);

    fail_unless_equals_int (count (buffer, "face"), 1);
    fail_unless (meta != NULL, "frame %u: no face %d", i, id);
    fail_unless_equals_int (meta->region.state,
        i % 10 == 0 ? GST_AVM_REGION_GIVEN : GST_AVM_REGION_TRACKED);
    fail_unless_equals_string (meta->region.orientation, "frontal");
    fail_unless (
        fabs (meta->region.x + 0.5 * meta->region.w - head.x - 0.5 * head.size)
            < 0.15 * HEAD,
        "frame %u: at %g", i, meta->region.x);
    gst_buffer_unref (buffer);
  }
  teardown (&f);
}

GST_END_TEST;

static guint
count_in_file (
    const gchar *name, const gchar *decoder, GHashTable *orientations)
{
  const gchar *shared = g_getenv ("AVM_SHARED");
  gchar *path = g_build_filename (shared != NULL ? shared : "", name, NULL);
  gchar *launch = g_strdup_printf (
      "filesrc location=%s ! %s ! videoconvert ! video/x-raw,format=GRAY8 ! "
      "avmfacedetect ! fakesink name=out enable-last-sample=true",
      path, decoder);
  gboolean there = g_file_test (path, G_FILE_TEST_EXISTS);
  GstElement *pipeline, *out;
  GstAvmRegionMeta *meta;
  GstSample *sample = NULL;
  gpointer state = NULL;
  GstMessage *message;
  guint n = 0;

  g_free (path);
  if (!there) {
    g_print ("skipped: no %s; set AVM_SHARED\n", name);
    g_free (launch);
    return G_MAXUINT;
  }
  pipeline = gst_parse_launch (launch, NULL);
  g_free (launch);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (GST_ELEMENT_BUS (pipeline),
      GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  g_object_get (out, "last-sample", &sample, NULL);
  while ((meta = gst_buffer_iterate_avm_region_meta (
              gst_sample_get_buffer (sample), &state))
      != NULL) {
    if (!g_str_equal (meta->region.role, "face"))
      continue;
    n++;
    g_hash_table_add (orientations, (gpointer)meta->region.orientation);
  }
  gst_sample_unref (sample);
  gst_object_unref (out);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return n;
}

GST_START_TEST (test_pictures)
{
  GHashTable *seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = count_in_file ("data/solvay/solvay-1927.png", "pngdec", seen);

  if (n != G_MAXUINT) {
    fail_unless_equals_int (n, 29);
    /* the last of the front row looks to the left, the first standing one to
     * the right */
    fail_unless (g_hash_table_contains (seen, "frontal"));
    fail_unless (g_hash_table_contains (seen, "left"));
    fail_unless (g_hash_table_contains (seen, "right"));
  }
  n = count_in_file ("data/faces/astronaut.png", "pngdec", seen);
  if (n != G_MAXUINT)
    fail_unless (n >= 1);
  g_hash_table_unref (seen);
}

GST_END_TEST;

static Suite *
facedetect_suite (void)
{
  Suite *s = suite_create ("avmfacedetect");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_faces);
  tcase_add_test (tc, test_message);
  tcase_add_test (tc, test_tilt);
  tcase_add_test (tc, test_interval);
  tcase_add_test (tc, test_ids);
  tcase_add_test (tc, test_turn);
  tcase_add_test (tc, test_shot);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_size_change);
  tcase_add_test (tc, test_border);
  tcase_add_test (tc, test_nothing);
  tcase_add_test (tc, test_eos_at_once);
  tcase_add_test (tc, test_no_time);
  tcase_add_test (tc, test_short_frame);
  tcase_add_test (tc, test_upstream);
  tcase_add_test (tc, test_tracker);
  tcase_add_test (tc, test_pictures);
  return s;
}

GST_CHECK_MAIN (facedetect);
