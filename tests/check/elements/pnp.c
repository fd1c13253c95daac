/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmpnp: whom it tells apart in the virtual orchestra and what it says of
 * them, from notes, from motion and from what a person said; labels that are
 * wrong; films with nobody in them; flushes, ends and new caps.
 */

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <glib/gstdio.h>
#include <string.h>

#include <gst/avm/avm.h>

#define PLAYERS 6
#define SECONDS 8
#define SOURCE(name, seconds)                                                  \
  "avmtestsrc name=" name " scene=orchestra players=6 attach-regions=true "    \
  "num-seconds=" G_STRINGIFY (seconds) " "
#define SIZE(width, height)                                                    \
  "video/x-raw,framerate=5/1,width=" G_STRINGIFY (                             \
      width) ",height=" G_STRINGIFY (height)
#define SINK "fakesink async=false sync=false name="
#define FILM                                                                   \
  SOURCE ("t", SECONDS)                                                        \
  "t.video ! " SIZE (1280, 720) " ! queue ! p.video_0 "
#define NOTES "t.notes ! queue ! p.notes t.association ! queue ! p.association "
#define APPEARANCE "p.appearance ! queue ! " SINK "b "
#define PNP(settings) "avmpnp name=p " settings " ! " SINK "a "

/* What a pipeline gave until it ended */
typedef struct {
  GPtrArray *activity, *appearance, *truth; /* GstAvmEvent */
  GstStructure *summary;                    /* or NULL */
  gchar *error, *warning;                   /* or NULL */
} Run;

static GstPadProbeReturn
collect (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GPtrArray *events = user_data;
  GError *error = NULL;
  GPtrArray *some;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_FLUSH) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info))
        == GST_EVENT_FLUSH_STOP)
      g_ptr_array_set_size (events, 0);
    return GST_PAD_PROBE_OK;
  }
  some = gst_avm_events_buffer_parse (GST_PAD_PROBE_INFO_BUFFER (info), &error);
  fail_unless (some != NULL, "%s", error != NULL ? error->message : "");
  for (guint i = 0; i < some->len; i++)
    g_ptr_array_add (events, gst_avm_event_copy (g_ptr_array_index (some, i)));
  g_ptr_array_unref (some);
  return GST_PAD_PROBE_OK;
}

static GPtrArray *
listen (GstElement *pipeline, const gchar *sink)
{
  GPtrArray *events =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), sink);

  if (element != NULL) {
    GstPad *pad = gst_element_get_static_pad (element, "sink");

    gst_pad_add_probe (pad,
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH, collect,
        events, NULL);
    gst_object_unref (pad);
    gst_object_unref (element);
  }
  return events;
}

static GstElement *
make (const gchar *line, Run *run)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  fail_unless (pipeline != NULL && error == NULL, "%s: %s", line,
      error != NULL ? error->message : "");
  memset (run, 0, sizeof (*run));
  run->activity = listen (pipeline, "a");
  run->appearance = listen (pipeline, "b");
  run->truth = listen (pipeline, "c");
  return pipeline;
}

/* Whether that was the last message */
static gboolean
take_message (Run *run, GstMessage *message)
{
  GError *error = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name (message, "avm-pnp-summary")) {
        g_clear_pointer (&run->summary, gst_structure_free);
        run->summary = gst_structure_copy (gst_message_get_structure (message));
      }
      return FALSE;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, NULL);
      g_free (run->warning);
      run->warning = g_strdup (error->message);
      g_error_free (error);
      return FALSE;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      run->error = g_strdup (error->message);
      g_error_free (error);
      return TRUE;
    default:
      return TRUE;
  }
}

static void
finish (GstElement *pipeline, Run *run)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gboolean done = FALSE;

  while (!done) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 50 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING
            | GST_MESSAGE_ELEMENT);

    fail_unless (message != NULL, "nothing came for too long");
    done = take_message (run, message);
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
launch (const gchar *line, Run *run)
{
  GstElement *pipeline = make (line, run);

  /* what fails at once says so on the bus */
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  finish (pipeline, run);
}

static void
launch_well (const gchar *line, Run *run)
{
  launch (line, run);
  fail_unless (run->error == NULL, "%s", run->error);
}

static void
run_clear (Run *run)
{
  g_ptr_array_unref (run->activity);
  g_ptr_array_unref (run->appearance);
  g_ptr_array_unref (run->truth);
  g_clear_pointer (&run->summary, gst_structure_free);
  g_free (run->error);
  g_free (run->warning);
}

static const GstAvmEvent *
at (const GPtrArray *events, guint i)
{
  return g_ptr_array_index (events, i);
}

static gint
cluster_of (const GstAvmEvent *event)
{
  gint cluster = -1;

  fail_unless (gst_avm_event_get_int (event, "cluster", &cluster));
  fail_unless (cluster >= 0 && cluster < 99);
  return cluster;
}

static void
check_order (const GPtrArray *events)
{
  for (guint i = 1; i < events->len; i++)
    fail_unless (at (events, i - 1)->onset <= at (events, i)->onset,
        "event %u begins before the one before", i);
}

/* In order, of all musicians, and of each without overlap */
static void
check_activity (const GPtrArray *events, const gchar *used, guint musicians)
{
  GstClockTime ends[99] = {0};
  guint n = 0;

  fail_unless (events->len > 0);
  check_order (events);
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = at (events, i);
    gint cluster = cluster_of (event);
    gboolean playing;

    fail_unless (gst_avm_event_get_boolean (event, "playing", &playing));
    fail_unless_equals_string (gst_avm_event_get_string (event, "used"), used);
    fail_unless_equals_int (
        event->region, gst_avm_region_id ("player", (guint)cluster));
    fail_unless (event->confidence >= 0.5 && event->confidence <= 1.0);
    fail_unless (event->duration > 0);
    fail_unless (event->onset + GST_USECOND >= ends[cluster],
        "spans of musician %d overlap", cluster);
    n += ends[cluster] == 0;
    ends[cluster] = event->onset + event->duration;
    fail_unless (ends[cluster] <= (SECONDS + 1) * GST_SECOND);
  }
  fail_unless_equals_int ((gint)n, (gint)musicians);
}

/* Intersection by union */
static gdouble
overlap (const GstAvmEvent *a, const GstAvmEvent *b)
{
  static const gchar *const names[] = {"x", "y", "w", "h"};
  gdouble p[4], q[4], w, h;

  for (guint i = 0; i < 4; i++)
    fail_unless (gst_avm_event_get_double (a, names[i], &p[i])
        && gst_avm_event_get_double (b, names[i], &q[i]));
  w = MIN (p[0] + p[2], q[0] + q[2]) - MAX (p[0], q[0]);
  h = MIN (p[1] + p[3], q[1] + q[3]) - MAX (p[1], q[1]);
  if (w <= 0.0 || h <= 0.0)
    return 0.0;
  return w * h / (p[2] * p[3] + q[2] * q[3] - w * h);
}

/* The player of the truth whose face is where that of this appearance is */
static gint
true_player (const GstAvmEvent *event, const GPtrArray *truth)
{
  gdouble most = 0.3;
  gint player = -1;

  for (guint i = 0; i < truth->len; i++) {
    const GstAvmEvent *other = at (truth, i);

    if (other->onset < event->onset + event->duration
        && event->onset < other->onset + other->duration
        && overlap (event, other) > most) {
      most = overlap (event, other);
      player = cluster_of (other);
    }
  }
  return player;
}

static void
check_appearance (const GPtrArray *events, const GPtrArray *truth)
{
  gint players[99], clusters[PLAYERS], found = 0;

  memset (players, -1, sizeof (players));
  memset (clusters, -1, sizeof (clusters));
  check_order (events);
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = at (events, i);
    gint cluster = cluster_of (event), player = true_player (event, truth);
    gint camera = -1, pose = -1;

    fail_unless (gst_avm_event_get_int (event, "camera", &camera));
    fail_unless_equals_int (camera, 0);
    fail_unless (gst_avm_event_get_int (event, "sub-cluster", &pose));
    fail_unless (pose >= 0);
    fail_unless_equals_int (
        event->region, gst_avm_region_id ("face", (guint)cluster));
    fail_unless (
        player >= 0 && player < PLAYERS, "nobody is where appearance %u is", i);
    fail_unless (players[cluster] < 0 || players[cluster] == player,
        "musician %d is both %d and %d", cluster, players[cluster], player);
    fail_unless (clusters[player] < 0 || clusters[player] == cluster,
        "player %d is both %d and %d", player, clusters[player], cluster);
    found += clusters[player] < 0;
    players[cluster] = player;
    clusters[player] = cluster;
  }
  fail_unless_equals_int (found, PLAYERS);
}

static void
check_summary (const Run *run, guint musicians)
{
  guint n = 0;

  fail_unless (run->summary != NULL);
  fail_unless (gst_structure_get_uint (run->summary, "musicians", &n));
  fail_unless_equals_int ((gint)n, (gint)musicians);
  fail_unless (gst_structure_get_uint (run->summary, "cameras", &n));
  fail_unless_equals_int ((gint)n, 1);
}

/* -- who plays, from notes ------------------------------------------------ */

GST_START_TEST (test_notes)
{
  Run run;

  launch_well (
      FILM NOTES APPEARANCE PNP ("") "t.appearance ! queue ! " SINK "c ", &run);
  check_activity (run.activity, "notes", PLAYERS);
  check_appearance (run.appearance, run.truth);
  check_summary (&run, PLAYERS);
  run_clear (&run);
}
GST_END_TEST;

static void
check_same (const GPtrArray *a, const GPtrArray *b)
{
  fail_unless (a->len > 0);
  fail_unless_equals_int ((gint)a->len, (gint)b->len);
  for (guint i = 0; i < a->len; i++)
    fail_unless (gst_avm_event_compare (at (a, i), at (b, i)) == 0
            && cluster_of (at (a, i)) == cluster_of (at (b, i))
            && at (a, i)->duration == at (b, i)->duration
            && at (a, i)->part == at (b, i)->part
            && at (a, i)->region == at (b, i)->region
            && at (a, i)->confidence == at (b, i)->confidence,
        "event %u is another in the second run", i);
}

GST_START_TEST (test_again)
{
  Run runs[2];

  for (guint i = 0; i < 2; i++)
    launch_well (FILM NOTES APPEARANCE PNP (""), &runs[i]);
  check_same (runs[0].activity, runs[1].activity);
  check_same (runs[0].appearance, runs[1].appearance);
  run_clear (&runs[0]);
  run_clear (&runs[1]);
}
GST_END_TEST;

GST_START_TEST (test_merge_parts)
{
  Run run;

  launch_well (FILM NOTES PNP ("merge-parts=true"), &run);
  fail_unless (run.activity->len > 0);
  check_order (run.activity);
  for (guint i = 0; i < run.activity->len; i++) {
    gboolean playing;

    fail_unless_equals_int (at (run.activity, i)->region, GST_AVM_NONE);
    fail_unless (at (run.activity, i)->part >= 0);
    fail_unless (
        gst_avm_event_get_boolean (at (run.activity, i), "playing", &playing));
  }
  run_clear (&run);
}
GST_END_TEST;

/* Nobody is taken for two when the camera moves. */
GST_START_TEST (test_moving_camera)
{
  Run run;

  launch_well (SOURCE ("t", SECONDS) "pan=100 shake=6 t.video ! " SIZE (
                   1280, 720) " ! queue ! p.video_0 " APPEARANCE PNP (""),
      &run);
  check_summary (&run, PLAYERS);
  fail_unless (run.appearance->len >= PLAYERS);
  check_order (run.appearance);
  run_clear (&run);
}
GST_END_TEST;

static GstPadProbeReturn
move_to_edges (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer =
      gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  const gfloat places[][4] = {{-30, 200, 60, 72}, {1250, 300, 60, 72},
      {400, -40, 60, 72}, {700, 690, 60, 72}};

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    GstAvmRegion *region = gst_avm_region_new (gst_avm_region_id ("face", i),
        "face", places[i][0], places[i][1], places[i][2], places[i][3]);

    gst_buffer_add_avm_region_meta (buffer, region);
    gst_avm_region_free (region);
  }
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* Faces that the picture's edge cuts are told about as others are. */
GST_START_TEST (test_edges)
{
  Run run;
  GstElement *pipeline =
      make ("avmtestsrc name=t scene=orchestra players=6 num-seconds=4 t.video "
            "! " SIZE (1280,
                720) " ! identity name=i ! p.video_0 " APPEARANCE PNP (""),
          &run);
  GstElement *identity = gst_bin_get_by_name (GST_BIN (pipeline), "i");
  GstPad *pad = gst_element_get_static_pad (identity, "src");
  guint seen = 0;

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, move_to_edges, NULL, NULL);
  gst_object_unref (pad);
  gst_object_unref (identity);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  finish (pipeline, &run);
  fail_unless (run.error == NULL, "%s", run.error);
  for (guint i = 0; i < run.appearance->len; i++)
    seen |= 1u << cluster_of (at (run.appearance, i));
  fail_unless_equals_int (seen, 0xf);
  run_clear (&run);
}
GST_END_TEST;

/* -- motion --------------------------------------------------------------- */

GST_START_TEST (test_motion)
{
  Run run;

  launch_well (
      SOURCE ("t",
          SECONDS) "t.video ! "
                   "video/x-raw,framerate=25/1,width=1280,height=720 ! tee "
                   "name=v "
                   "v. ! queue ! p.video_0 "
                   "v. ! queue ! avmopticalflow clusters=2 ! p.motion_0 " PNP (
                       ""),
      &run);
  check_activity (run.activity, "motion", PLAYERS);
  run_clear (&run);
}
GST_END_TEST;

/* -- labels --------------------------------------------------------------- */

static gchar *directory, *labels, *filled, *sheets;

static void
setup (void)
{
  directory = g_dir_make_tmp ("avm-pnp-XXXXXX", NULL);
  fail_unless (directory != NULL);
  labels = g_build_filename (directory, "labels.csv", NULL);
  filled = g_build_filename (directory, "filled.csv", NULL);
  sheets = g_build_filename (directory, "sheets", NULL);
}

static void
teardown (void)
{
  GDir *dir = g_dir_open (sheets, 0, NULL);

  for (const gchar *name; dir != NULL && (name = g_dir_read_name (dir));) {
    gchar *path = g_build_filename (sheets, name, NULL);

    g_unlink (path);
    g_free (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (sheets);
  g_unlink (labels);
  g_unlink (filled);
  g_rmdir (directory);
  g_free (directory);
  g_free (labels);
  g_free (filled);
  g_free (sheets);
}

/* The same line with what a person says: even musicians play, odd ones do not.
 * Its sheet is there. */
static void
fill_line (const gchar *line, GString *text, guint *musicians)
{
  gchar **cells = g_strsplit (line, ",", 0);
  gint musician = atoi (cells[0]);

  fail_unless_equals_int ((gint)g_strv_length (cells), 7);
  if (*cells[1] == '\0') {
    g_string_append_printf (text, "%d,,,Player %d,,,\n", musician, musician);
    (*musicians)++;
  } else {
    gchar *path = g_build_filename (sheets, cells[6], NULL);

    g_string_append_printf (text, "%d,%s,,,,%s,\n", musician, cells[1],
        musician % 2 == 0 ? "yes" : "no");
    fail_unless (*cells[6] != '\0');
    fail_unless (
        g_file_test (path, G_FILE_TEST_IS_REGULAR), "%s is missing", path);
    g_free (path);
  }
  g_strfreev (cells);
}

static void
fill_labels (void)
{
  GString *text = g_string_new ("");
  gchar *contents, **lines;
  guint musicians = 0;

  fail_unless (g_file_get_contents (labels, &contents, NULL, NULL));
  lines = g_strsplit (contents, "\n", 0);
  g_string_append_printf (text, "%s\n", g_strchomp (lines[0]));
  for (gchar **line = lines + 1; *line != NULL; line++)
    if (*g_strchomp (*line) != '\0')
      fill_line (*line, text, &musicians);
  fail_unless_equals_int ((gint)musicians, PLAYERS);
  fail_unless (g_file_set_contents (filled, text->str, -1, NULL));
  g_string_free (text, TRUE);
  g_strfreev (lines);
  g_free (contents);
}

static void
launch_labelled (const gchar *settings, Run *run)
{
  gchar *line = g_strdup_printf (FILM APPEARANCE PNP ("%s"), settings);

  launch (line, run);
  g_free (line);
}

static void
check_names (const GPtrArray *events)
{
  for (guint i = 0; i < events->len; i++) {
    gchar *name = g_strdup_printf ("Player %d", cluster_of (at (events, i)));

    fail_unless_equals_string (
        gst_avm_event_get_string (at (events, i), "player"), name);
    g_free (name);
  }
}

GST_START_TEST (test_labels)
{
  gchar *settings =
      g_strdup_printf ("write-labels=%s sheets-location=%s", labels, sheets);
  Run run;

  launch_labelled (settings, &run);
  fail_unless (run.error == NULL, "%s", run.error);
  fail_unless (run.warning == NULL, "%s", run.warning);
  fail_unless_equals_int ((gint)run.activity->len, 0);
  run_clear (&run);
  g_free (settings);

  fill_labels ();
  settings = g_strdup_printf ("labels=%s", filled);
  launch_labelled (settings, &run);
  fail_unless (run.error == NULL, "%s", run.error);
  check_activity (run.activity, "labels", PLAYERS);
  check_names (run.activity);
  check_names (run.appearance);
  for (guint i = 0; i < run.activity->len; i++) {
    const GstAvmEvent *event = at (run.activity, i);
    gboolean playing;

    fail_unless (gst_avm_event_get_boolean (event, "playing", &playing));
    fail_unless_equals_int (playing, cluster_of (event) % 2 == 0);
  }
  run_clear (&run);
  g_free (settings);
}
GST_END_TEST;

/* Lines below the head, and what the error says of them */
static void
check_refused (const gchar *lines, const gchar *where, gboolean late)
{
  gchar *text = g_strconcat (
      "musician,pose,seconds,player,part,playing,sheet\n", lines, NULL);
  gchar *settings = g_strdup_printf ("labels=%s", filled);
  Run run;

  fail_unless (g_file_set_contents (filled, text, -1, NULL));
  launch_labelled (settings, &run);
  fail_unless (run.error != NULL, "no error about %s", lines);
  fail_unless (strstr (run.error, filled) != NULL, "%s", run.error);
  fail_unless (strstr (run.error, where) != NULL, "%s", run.error);
  /* what is known comes before a late error */
  fail_unless ((run.appearance->len > 0) == late);
  run_clear (&run);
  g_free (settings);
  g_free (text);
}

GST_START_TEST (test_broken_labels)
{
  check_refused ("0,0,,,,yes,\n1,0,,,,maybe,\n", "line 3", FALSE);
  check_refused ("0,0,,,,yes,\n1,0,,,,no,\n0,0,,,,no,\n", "2 and 4", FALSE);
  check_refused ("0,0,,,,yes,\n77,,,Zoe,,,\n", "line 3", TRUE);
  check_refused ("0,77,,,,yes,\n", "line 2", TRUE);
  check_refused ("0,,,Anna,,,\n1,,,Anna,,,\n", "lines 2 and 3", TRUE);
}
GST_END_TEST;

/* Motion whose faces nobody shows cannot be anybody's. */
GST_START_TEST (test_motion_alone)
{
  Run run;

  launch (SOURCE ("t", 2) "t.video ! " SIZE (
              640, 360) " ! queue ! avmopticalflow ! p.motion_0 " PNP (""),
      &run);
  fail_unless (run.error != NULL);
  fail_unless (strstr (run.error, "motion_0") != NULL
          && strstr (run.error, "video_0") != NULL,
      "%s", run.error);
  run_clear (&run);
}
GST_END_TEST;

/* In so short a film notes alone tell nothing, and that is said. */
GST_START_TEST (test_notes_alone)
{
  Run run;

  launch_well (FILM "t.notes ! queue ! p.notes " PNP (""), &run);
  fail_unless_equals_int ((gint)run.activity->len, 0);
  fail_unless (
      run.warning != NULL && strstr (run.warning, "association") != NULL, "%s",
      run.warning);
  run_clear (&run);
}
GST_END_TEST;

/* -- hardly any input ----------------------------------------------------- */

GST_START_TEST (test_no_faces)
{
  Run run;

  launch_well ("videotestsrc num-buffers=20 ! "
               "video/x-raw,format=I420,framerate=5/1,width=320,height=240 ! "
               "p.video_0 " APPEARANCE PNP (""),
      &run);
  fail_unless (run.warning != NULL);
  fail_unless (strstr (run.warning, "no face") != NULL, "%s", run.warning);
  fail_unless_equals_int ((gint)run.activity->len, 0);
  fail_unless_equals_int ((gint)run.appearance->len, 0);
  run_clear (&run);
}
GST_END_TEST;

GST_START_TEST (test_end_at_once)
{
  GstElement *element = gst_element_factory_make ("avmpnp", NULL);
  GstHarness *video, *notes;
  gboolean ended = FALSE;

  gst_object_ref_sink (element);
  video = gst_harness_new_with_element (element, "video_0", "activity");
  notes = gst_harness_new_with_element (element, "notes", NULL);
  fail_unless (gst_harness_push_event (notes, gst_event_new_eos ()));
  fail_unless (gst_harness_push_event (video, gst_event_new_eos ()));
  while (!ended) {
    GstEvent *event = gst_harness_pull_event (video);

    fail_unless (event != NULL, "no end came");
    ended = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  fail_unless_equals_int ((gint)gst_harness_buffers_received (video), 0);
  gst_harness_teardown (notes);
  gst_harness_teardown (video);
  gst_object_unref (element);
}
GST_END_TEST;

/* -- what happens on the way ---------------------------------------------- */

/* The first half is twice as large as the second. */
GST_START_TEST (test_new_caps)
{
  gdouble most[2] = {0.0, 0.0};
  guint n[2] = {0, 0};
  Run run;

  launch_well (
      SOURCE ("t", 4) "t.video ! " SIZE (
          1280, 720) " ! queue ! concat name=j ! p.video_0 " SOURCE ("u",
          4) "u.video ! " SIZE (640, 360) " ! queue ! j. " APPEARANCE PNP (""),
      &run);
  for (guint i = 0; i < run.appearance->len; i++) {
    const GstAvmEvent *event = at (run.appearance, i);
    guint half = event->onset >= 4 * GST_SECOND;
    gdouble x, w;

    fail_unless (gst_avm_event_get_double (event, "x", &x)
        && gst_avm_event_get_double (event, "w", &w));
    most[half] = MAX (most[half], x + w);
    n[half]++;
  }
  fail_unless (n[0] >= PLAYERS && n[1] >= PLAYERS);
  fail_unless (most[0] > 640.0);
  fail_unless (most[1] <= 641.0);
  run_clear (&run);
}
GST_END_TEST;

typedef struct {
  GMutex lock;
  GCond cond;
  guint n;
} Counter;

static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Counter *counter = user_data;

  g_mutex_lock (&counter->lock);
  counter->n++;
  g_cond_signal (&counter->cond);
  g_mutex_unlock (&counter->lock);
  return GST_PAD_PROBE_OK;
}

/* Plays until so many frames came to the element */
static void
play_until (GstElement *pipeline, Counter *counter, guint n)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "p");
  GstPad *pad = gst_element_get_static_pad (element, "video_0");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count, counter, NULL);
  gst_object_unref (pad);
  gst_object_unref (element);
  fail_if (gst_element_set_state (pipeline, GST_STATE_PLAYING)
      == GST_STATE_CHANGE_FAILURE);
  g_mutex_lock (&counter->lock);
  while (counter->n < n)
    g_cond_wait (&counter->cond, &counter->lock);
  g_mutex_unlock (&counter->lock);
}

static void
counter_clear (Counter *counter)
{
  g_mutex_clear (&counter->lock);
  g_cond_clear (&counter->cond);
}

GST_START_TEST (test_stop)
{
  /* in the middle, and where the people are being sorted */
  static const guint frames[] = {1, 12, 5 * SECONDS};

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    Counter counter = {.n = 0};
    Run run;
    GstElement *pipeline = make (FILM NOTES APPEARANCE PNP (""), &run);

    g_mutex_init (&counter.lock);
    g_cond_init (&counter.cond);
    play_until (pipeline, &counter, frames[i]);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
    counter_clear (&counter);
    run_clear (&run);
  }
}
GST_END_TEST;

/* Of what was seen before a flush nothing is left. */
GST_START_TEST (test_flush)
{
  Counter counter = {.n = 0};
  Run run;
  GstElement *pipeline = make (FILM NOTES APPEARANCE PNP (""), &run);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "t");

  g_mutex_init (&counter.lock);
  g_cond_init (&counter.cond);
  play_until (pipeline, &counter, 8);
  fail_unless (gst_element_seek_simple (
      source, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 4 * GST_SECOND));
  gst_object_unref (source);
  finish (pipeline, &run);
  fail_unless (run.error == NULL, "%s", run.error);
  check_activity (run.activity, "notes", PLAYERS);
  fail_unless (run.appearance->len >= PLAYERS);
  for (guint i = 0; i < run.appearance->len; i++) {
    const GstAvmEvent *event = at (run.appearance, i);

    fail_unless (event->onset >= 4 * GST_SECOND);
    fail_unless (event->onset + event->duration <= SECONDS * GST_SECOND);
  }
  counter_clear (&counter);
  run_clear (&run);
}
GST_END_TEST;

static Suite *
pnp_suite (void)
{
  Suite *suite = suite_create ("avmpnp");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, test_notes);
  tcase_add_test (tc, test_again);
  tcase_add_test (tc, test_merge_parts);
  tcase_add_test (tc, test_moving_camera);
  tcase_add_test (tc, test_edges);
  tcase_add_test (tc, test_motion);
  tcase_add_test (tc, test_motion_alone);
  tcase_add_test (tc, test_notes_alone);
  tcase_add_test (tc, test_labels);
  tcase_add_test (tc, test_broken_labels);
  tcase_add_test (tc, test_no_faces);
  tcase_add_test (tc, test_end_at_once);
  tcase_add_test (tc, test_new_caps);
  tcase_add_test (tc, test_stop);
  tcase_add_test (tc, test_flush);
  return suite;
}

GST_CHECK_MAIN (pnp);
