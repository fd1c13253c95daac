/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmplayers: whom it finds in the virtual ensemble, in metas, file and
 * message, and what it says of streams in which there is nobody.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <glib/gstdio.h>
#include <math.h>

#include <gst/avm/avm.h>

#define WIDTH 640
#define HEIGHT 360
#define FRAME (GST_SECOND / 25)

typedef struct {
  GPtrArray *regions; /* GstAvmRegion of the last frame that had some */
  GPtrArray *truth;   /* likewise, from avmtestsrc, before they are taken off */
  GPtrArray *first;   /* truth of the first frame */
  guint n_frames;
  guint n_given; /* frames with regions */
  GstClockTime when;
} Seen;

static GPtrArray *
copy_regions (GstBuffer *buffer)
{
  return gst_buffer_get_avm_regions (buffer);
}

/* The truth comes with the frames; it is remembered and taken off. */
static gboolean
take_meta (GstBuffer *buffer, GstMeta **meta, gpointer user_data)
{
  if ((*meta)->info->api == GST_AVM_REGION_META_API_TYPE)
    *meta = NULL;
  return TRUE;
}

static GstPadProbeReturn
before (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Seen *seen = user_data;
  GstBuffer *buffer =
      gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));

  g_clear_pointer (&seen->truth, g_ptr_array_unref);
  seen->truth = copy_regions (buffer);
  if (seen->first == NULL)
    seen->first = g_ptr_array_ref (seen->truth);
  gst_buffer_foreach_meta (buffer, take_meta, NULL);
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
after (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Seen *seen = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GPtrArray *regions = copy_regions (buffer);

  seen->n_frames++;
  if (regions->len == 0) {
    g_ptr_array_unref (regions);
    return GST_PAD_PROBE_OK;
  }
  seen->n_given++;
  seen->when = GST_BUFFER_PTS (buffer);
  g_clear_pointer (&seen->regions, g_ptr_array_unref);
  seen->regions = regions;
  return GST_PAD_PROBE_OK;
}

static void
seen_clear (Seen *seen)
{
  g_clear_pointer (&seen->regions, g_ptr_array_unref);
  g_clear_pointer (&seen->truth, g_ptr_array_unref);
  g_clear_pointer (&seen->first, g_ptr_array_unref);
}

static const GstAvmRegion *
find (GPtrArray *regions, gint id)
{
  for (guint i = 0; i < regions->len; i++) {
    const GstAvmRegion *region = g_ptr_array_index (regions, i);

    if (region->id == id)
      return region;
  }
  return NULL;
}

static gboolean
holds (const GstAvmRegion *box, const GstAvmRegion *other)
{
  gfloat x = other->x + 0.5f * other->w, y = other->y + 0.5f * other->h;

  return x >= box->x && y >= box->y && x <= box->x + box->w
      && y <= box->y + box->h;
}

/* Every player's hand and body, where they are in this frame */
static void
check_places (GPtrArray *regions, GPtrArray *truth, guint players)
{
  fail_unless_equals_int ((gint)regions->len, (gint)(3 * players));
  for (guint i = 0; i < players; i++) {
    static const gchar *const roles[] = {"player", "hand", "bow"};
    const GstAvmRegion *face = find (truth, gst_avm_region_id ("face", i));
    const GstAvmRegion *hand = find (truth, gst_avm_region_id ("hand", i));

    for (guint r = 0; r < G_N_ELEMENTS (roles); r++) {
      const GstAvmRegion *region =
          find (regions, gst_avm_region_id (roles[r], i));

      fail_unless (region != NULL, "no %s of player %u", roles[r], i);
      fail_unless_equals_string (region->role, roles[r]);
      fail_unless (region->w > 4.0f && region->h > 4.0f);
      fail_unless (region->confidence >= 0.0f && region->confidence <= 1.0f);
    }
    fail_unless (holds (find (regions, gst_avm_region_id ("player", i)), face),
        "player %u is not where the face is", i);
    fail_unless (holds (find (regions, gst_avm_region_id ("hand", i)), hand),
        "hand %u is not where the hand is", i);
  }
}

/* Runs until the end; returns the element message, or NULL. */
static GstStructure *
run (const gchar *line, Seen *seen, gboolean *warned)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);
  GstElement *players;
  GstBus *bus;
  GstStructure *found = NULL;
  GstMessage *message;
  GstPad *pad;

  fail_unless (error == NULL, "%s", error != NULL ? error->message : "");
  players = gst_bin_get_by_name (GST_BIN (pipeline), "p");
  pad = gst_element_get_static_pad (players, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, before, seen, NULL);
  gst_object_unref (pad);
  pad = gst_element_get_static_pad (players, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, after, seen, NULL);
  gst_object_unref (pad);
  gst_object_unref (players);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (;;) {
    message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING
            | GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL, "it hangs");
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      break;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING && warned != NULL)
      *warned = TRUE;
    if (gst_message_has_name (message, "avm-players")) {
      g_clear_pointer (&found, gst_structure_free);
      found = gst_structure_copy (gst_message_get_structure (message));
    }
    gst_message_unref (message);
  }
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  return found;
}

#define DUET                                                                   \
  "avmtestsrc name=t players=2 seed=4 piece=4 num-seconds=6 "                  \
  "attach-regions=true t.video ! video/x-raw,format=%s,width=%d,height=%d,"    \
  "framerate=30/1 ! avmplayers name=p analysis-time=%" G_GUINT64_FORMAT " "

static gchar *
duet (const gchar *format, GstClockTime time, const gchar *rest)
{
  gchar *head = g_strdup_printf (DUET, format, WIDTH, HEIGHT, time);
  gchar *line = g_strconcat (head, rest, NULL);

  g_free (head);
  return line;
}

static gchar *
temporary (const gchar *name)
{
  gchar *folder = g_dir_make_tmp ("avm-players-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, name, NULL);

  g_free (folder);
  return path;
}

static void
remove_temporary (gchar *path)
{
  gchar *folder = g_path_get_dirname (path);

  g_unlink (path);
  g_rmdir (folder);
  g_free (folder);
  g_free (path);
}

/* One frame has regions, at their places in it; the file has those of the first
 * frame; the message names what the frame has. */
GST_START_TEST (test_duet)
{
  gchar *path = temporary ("regions file.txt");
  gchar *rest = g_strdup_printf ("write-regions=\"%s\" ! fakesink", path);
  gchar *line = duet ("I420", 5 * GST_SECOND, rest);
  GPtrArray *regions;
  Seen seen = {0};
  GstStructure *found = run (line, &seen, NULL);
  guint players = 0;
  guint64 timestamp = 0;

  fail_unless (found != NULL, "no message");
  fail_unless (gst_structure_get_uint (found, "players", &players));
  fail_unless_equals_int ((gint)players, 2);
  fail_unless (gst_structure_get_uint64 (found, "timestamp", &timestamp));
  fail_unless_equals_int ((gint)seen.n_given, 1);
  fail_unless_equals_int ((gint)seen.n_frames, 180);
  fail_unless_equals_uint64 (timestamp, seen.when);
  fail_unless (seen.when >= 5 * GST_SECOND
      && seen.when <= 5 * GST_SECOND + GST_SECOND / 10);
  for (guint i = 0; i < seen.regions->len; i++)
    fail_unless_equals_int (
        ((GstAvmRegion *)g_ptr_array_index (seen.regions, i))->state,
        GST_AVM_REGION_GIVEN);
  regions = gst_avm_regions_from_file (path, NULL);
  fail_unless (regions != NULL);
  check_places (regions, seen.first, 2);
  g_ptr_array_unref (regions);
  fail_unless (
      strstr (gst_structure_get_string (found, "regions"), "hand") != NULL);
  gst_structure_free (found);
  seen_clear (&seen);
  remove_temporary (path);
  g_free (rest);
  g_free (line);
}

GST_END_TEST;

/* avmklttrack takes what is given and keeps it to the end of the film. */
GST_START_TEST (test_track)
{
  gchar *line = duet ("YV12", 4 * GST_SECOND,
      "players=2 ! avmklttrack name=k ! avmopticalflow ! fakesink name=s");
  Seen seen = {0};
  GstElement *pipeline = gst_parse_launch (line, NULL);
  GstElement *players = gst_bin_get_by_name (GST_BIN (pipeline), "p");
  GstElement *tracker = gst_bin_get_by_name (GST_BIN (pipeline), "k");
  GstPad *sink = gst_element_get_static_pad (players, "sink");
  GstPad *src = gst_element_get_static_pad (tracker, "src");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, before, &seen, NULL);
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, after, &seen, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (
      message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless (seen.n_given > 50 && seen.n_given < 65, "%u", seen.n_given);
  check_places (seen.regions, seen.truth, 2);
  seen_clear (&seen);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (src);
  gst_object_unref (players);
  gst_object_unref (tracker);
  gst_object_unref (pipeline);
  g_free (line);
}

GST_END_TEST;

/* The stream ends before the analysis: no frame is left, but the file is
 * written and the message posted. */
GST_START_TEST (test_short)
{
  gchar *path = temporary ("r.txt");
  gchar *rest = g_strdup_printf ("write-regions=%s ! fakesink", path);
  gchar *line = duet ("GRAY8", 30 * GST_SECOND, rest);
  Seen seen = {0};
  GstStructure *found = run (line, &seen, NULL);
  GPtrArray *regions = gst_avm_regions_from_file (path, NULL);

  fail_unless (found != NULL);
  fail_unless_equals_int ((gint)seen.n_given, 0);
  check_places (regions, seen.first, 2);
  g_ptr_array_unref (regions);
  gst_structure_free (found);
  seen_clear (&seen);
  remove_temporary (path);
  g_free (rest);
  g_free (line);
}

GST_END_TEST;

/* The file cannot be written: a warning, and the regions come all the same. */
GST_START_TEST (test_unwritable)
{
  gchar *line = duet (
      "I420", 4 * GST_SECOND, "write-regions=/nowhere/at/all/r.txt ! fakesink");
  Seen seen = {0};
  gboolean warned = FALSE;
  GstStructure *found = run (line, &seen, &warned);

  fail_unless (found != NULL && warned);
  fail_unless_equals_int ((gint)seen.n_given, 1);
  gst_structure_free (found);
  seen_clear (&seen);
  g_free (line);
}

GST_END_TEST;

/* Regions are given again, while avmklttrack goes on with its own. */
GST_START_TEST (test_update)
{
  gchar *line = duet ("I420", 2 * GST_SECOND,
      "players=2 update-interval=1 post-messages=false ! fakesink");
  Seen seen = {0};
  GstStructure *found = run (line, &seen, NULL);

  fail_unless (found == NULL, "no message was wanted");
  fail_unless (seen.n_given >= 2, "%u", seen.n_given);
  seen_clear (&seen);
  g_free (line);
}

GST_END_TEST;

/* -- boxes that sway ------------------------------------------------------- */

typedef struct {
  gdouble x, y, w, h, size, hz; /* px, Hz */
} Box;

/* Noise of 4 px, between its points bilinear */
static gdouble
texture (gdouble x, gdouble y)
{
  gdouble cx = floor (x / 4.0), cy = floor (y / 4.0), v[4];

  for (guint k = 0; k < 4; k++) {
    guint32 h = (guint32)((gint)cx + (gint)(k & 1) + 2000) * 2654435761u
        ^ (guint32)((gint)cy + (gint)(k >> 1) + 2000) * 2246822519u;

    h = (h ^ (h >> 15)) * 2654435761u;
    v[k] = 40.0 + (h >> 24) * 0.66;
  }
  x = x / 4.0 - cx;
  y = y / 4.0 - cy;
  return (1.0 - y) * ((1.0 - x) * v[0] + x * v[1])
      + y * ((1.0 - x) * v[2] + x * v[3]);
}

static GstBuffer *
paint_boxes (const Box *boxes, guint n, gdouble time)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gint y = 0; y < HEIGHT; y++)
    for (gint x = 0; x < WIDTH; x++)
      map.data[y * WIDTH + x] = (guint8)texture (x, y);
  for (guint i = 0; i < n; i++) {
    const Box *b = &boxes[i];
    gdouble dx = b->size * sin (2.0 * G_PI * b->hz * time);
    gdouble dy = 0.3 * b->size * cos (1.2 * G_PI * b->hz * time);

    for (gint y = (gint)(b->y + dy); y < (gint)(b->y + dy + b->h); y++)
      for (gint x = (gint)(b->x + dx); x < (gint)(b->x + dx + b->w); x++)
        map.data[y * WIDTH + x] =
            (guint8)texture (x - dx + 300.0 * b->hz, y - dy + 500.0);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = (GstClockTime)(time * GST_SECOND);
  return buffer;
}

/* Plays until regions come; who is where by id, px of the middle, 0: nobody */
static void
watch_boxes (
    GstHarness *h, const Box *boxes, guint n, guint *frame, gfloat places[4])
{
  GPtrArray *regions = NULL;

  for (guint k = 0; k < 150 && regions == NULL; k++) {
    GstBuffer *buffer = paint_boxes (boxes, n, (*frame)++ / 30.0);

    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    buffer = gst_harness_pull (h);
    regions = copy_regions (buffer);
    if (regions->len == 0)
      g_clear_pointer (&regions, g_ptr_array_unref);
    gst_buffer_unref (buffer);
  }
  fail_unless (regions != NULL);
  for (guint i = 0; i < 4; i++) {
    const GstAvmRegion *body = find (regions, gst_avm_region_id ("player", i));

    places[i] = body == NULL ? 0.0f : body->x + 0.5f * body->w;
    fail_unless ((body != NULL)
        == (find (regions, gst_avm_region_id ("hand", i)) != NULL));
  }
  g_ptr_array_unref (regions);
}

/* Somebody comes, on the left, and another leaves: who stays keeps the number,
 * and nobody gets that of the one who left. */
GST_START_TEST (test_numbers)
{
  static const Box boxes[] = {{40, 80, 100, 210, 6.0, 0.5},
      {250, 90, 90, 200, 6.0, 0.37}, {450, 60, 110, 250, 5.0, 0.6}};
  static const struct {
    guint first, n;
    gfloat places[4];
  } steps[] = {{1, 2, {295.0f, 505.0f, 0.0f, 0.0f}},
      {0, 3, {295.0f, 505.0f, 90.0f, 0.0f}},
      {0, 2, {295.0f, 0.0f, 90.0f, 0.0f}},
      {0, 3, {295.0f, 505.0f, 90.0f, 0.0f}}};
  GstHarness *h = gst_harness_new_parse (
      "avmplayers analysis-time=3000000000 update-interval=1");
  guint frame = 0;

  gst_harness_set_src_caps_str (
      h, "video/x-raw,format=GRAY8,width=640,height=360,framerate=30/1");
  for (guint s = 0; s < G_N_ELEMENTS (steps); s++) {
    gfloat places[4];

    watch_boxes (h, boxes + steps[s].first, steps[s].n, &frame, places);
    for (guint i = 0; i < 4; i++)
      fail_unless (fabsf (places[i] - steps[s].places[i]) < 25.0f,
          "step %u: player %u is at %g, not %g", s, i, places[i],
          steps[s].places[i]);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* -- nobody ---------------------------------------------------------------- */

static GstHarness *
start (const gchar *line, gint width, gint height, GstBus **bus)
{
  GstHarness *h = gst_harness_new_parse (line);
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=GRAY8,width=%d,height=%d,framerate=25/1", width,
      height);

  *bus = gst_bus_new ();
  gst_element_set_bus (h->element, *bus);
  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  return h;
}

static void
push_gray (GstHarness *h, gint width, gint height, guint n, gboolean timed)
{
  GstVideoInfo info;
  GstBuffer *buffer;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GRAY8, width, height);
  buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_buffer_memset (buffer, 0, 0x60, info.size);
  if (timed)
    GST_BUFFER_PTS (buffer) = n * FRAME;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  buffer = gst_harness_pull (h);
  fail_unless (gst_buffer_get_avm_regions (buffer)->len == 0);
  gst_buffer_unref (buffer);
}

static guint
count_warnings (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING)) != NULL) {
    n++;
    gst_message_unref (message);
  }
  return n;
}

/* Nothing moves: said once, and frames pass. */
GST_START_TEST (test_nobody)
{
  static const gint sizes[][2] = {{320, 180}, {1, 1}, {17, 900}};

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    GstBus *bus;
    GstHarness *h = start (
        "avmplayers analysis-time=500000000", sizes[s][0], sizes[s][1], &bus);

    for (guint n = 0; n < 40; n++)
      push_gray (h, sizes[s][0], sizes[s][1], n, s != 1);
    fail_unless_equals_int ((gint)count_warnings (bus), 1);
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int ((gint)count_warnings (bus), 0);
    gst_harness_teardown (h);
    gst_object_unref (bus);
  }
}

GST_END_TEST;

/* Nothing comes at all, one frame, another size in between, a seek */
GST_START_TEST (test_edges)
{
  GstBus *bus;
  GstHarness *h = start ("avmplayers", 64, 48, &bus);

  gst_harness_push_event (h, gst_event_new_eos ());
  gst_harness_teardown (h);
  gst_object_unref (bus);

  h = start ("avmplayers", 64, 48, &bus);
  push_gray (h, 64, 48, 0, TRUE);
  gst_harness_set_src_caps_str (
      h, "video/x-raw,format=GRAY8,width=160,height=120,framerate=25/1");
  for (guint n = 1; n < 10; n++)
    push_gray (h, 160, 120, n, TRUE);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  {
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  /* backwards, and a gap */
  push_gray (h, 160, 120, 3, TRUE);
  push_gray (h, 160, 120, 300, TRUE);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_harness_teardown (h);
  gst_object_unref (bus);
}

GST_END_TEST;

static Suite *
players_suite (void)
{
  Suite *s = suite_create ("avmplayers");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_duet);
  tcase_add_test (tc, test_track);
  tcase_add_test (tc, test_short);
  tcase_add_test (tc, test_unwritable);
  tcase_add_test (tc, test_update);
  tcase_add_test (tc, test_numbers);
  tcase_add_test (tc, test_nobody);
  tcase_add_test (tc, test_edges);
  return s;
}

GST_CHECK_MAIN (players);
