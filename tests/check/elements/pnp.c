/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <string.h>

#define PLAYERS 6

#define SCENE                                                                  \
  "avmtestsrc name=t scene=orchestra players=6 attach-regions=true seed=3 "    \
  "num-seconds=10 t.video ! video/x-raw,width=1280,height=720,"                \
  "framerate=5/1 ! queue ! p.video_0 "

/* What a run gave */
typedef struct {
  GPtrArray *activities, *appearances, *truth;
  gchar *error;
  guint warnings;
} Result;

static void
take_events (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  GPtrArray *all = data;
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, NULL);

  fail_unless (events != NULL);
  for (guint i = 0; i < events->len; i++)
    g_ptr_array_add (all, gst_avm_event_copy (g_ptr_array_index (events, i)));
  g_ptr_array_unref (events);
}

static GPtrArray *
collect (GstElement *pipeline, const gchar *name)
{
  GPtrArray *all =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  if (sink != NULL) {
    g_object_set (sink, "signal-handoffs", TRUE, "async", FALSE, NULL);
    g_signal_connect (sink, "handoff", G_CALLBACK (take_events), all);
    gst_object_unref (sink);
  }
  return all;
}

static void
run (const gchar *line, Result *result)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);
  GstBus *bus;
  gboolean done = FALSE;

  fail_unless (error == NULL, "%s", error != NULL ? error->message : "");
  *result = (Result){collect (pipeline, "activity"),
      collect (pipeline, "appearance"), collect (pipeline, "truth"), NULL, 0};
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

    fail_unless (message != NULL, "no end");
    done = GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING;
    result->warnings += !done;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error (message, &error, NULL);
      result->error = g_strdup (error->message);
      g_clear_error (&error);
    }
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
clear (Result *result)
{
  g_ptr_array_unref (result->activities);
  g_ptr_array_unref (result->appearances);
  g_ptr_array_unref (result->truth);
  g_free (result->error);
}

static gint
get_int (const GstAvmEvent *event, const gchar *name)
{
  gint value = -1;

  fail_unless (gst_avm_event_get_int (event, name, &value), "no %s", name);
  return value;
}

static gdouble
get_double (const GstAvmEvent *event, const gchar *name)
{
  gdouble value = 0.0;

  fail_unless (gst_avm_event_get_double (event, name, &value), "no %s", name);
  return value;
}

/* Spans of each musician follow one another; all are in order of time. */
static guint
check_activities (GPtrArray *events)
{
  GstClockTime ends[PLAYERS] = {0}, last = 0;
  guint seen = 0;

  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);
    gint who = get_int (event, "cluster");
    gboolean playing;

    fail_unless (who >= 0 && who < PLAYERS);
    fail_unless (gst_avm_event_get_boolean (event, "playing", &playing));
    fail_unless (gst_avm_event_get_string (event, "used") != NULL);
    fail_unless (event->onset >= last && event->onset >= ends[who]);
    fail_unless (event->confidence >= 0.5 && event->confidence <= 1.0);
    fail_unless_equals_int (
        event->region, gst_avm_region_id ("player", (guint)who));
    last = event->onset;
    ends[who] = event->onset + event->duration;
    fail_unless (ends[who] <= 11 * GST_SECOND);
    seen |= 1u << who;
  }
  return seen;
}

/* Who of the truth has the face where this one is */
static gint
true_player (const GstAvmEvent *event, GPtrArray *truth)
{
  GstClockTime middle = event->onset + event->duration / 2;
  gdouble x = get_double (event, "x") + 0.5 * get_double (event, "w");
  gdouble y = get_double (event, "y") + 0.5 * get_double (event, "h");

  for (guint i = 0; i < truth->len; i++) {
    const GstAvmEvent *other = g_ptr_array_index (truth, i);

    if (other->onset <= middle && middle < other->onset + other->duration
        && x > get_double (other, "x") && y > get_double (other, "y")
        && x < get_double (other, "x") + get_double (other, "w")
        && y < get_double (other, "y") + get_double (other, "h"))
      return get_int (other, "cluster");
  }
  return -1;
}

/* With motion everybody is told about; each musician is one person. */
GST_START_TEST (test_motion)
{
  gint owner[PLAYERS] = {-1, -1, -1, -1, -1, -1};
  guint known = 0;
  Result result;

  run (
      "avmpnp name=p ! fakesink name=activity p.appearance ! queue ! "
      "fakesink name=appearance "
      "avmtestsrc name=t scene=orchestra players=6 attach-regions=true seed=3 "
      "num-seconds=10 t.appearance ! queue ! fakesink name=truth "
      "t.video ! video/x-raw,width=1280,height=720,framerate=25/1 ! tee name=v "
      "v. ! queue ! p.video_0 v. ! queue ! avmopticalflow clusters=2 ! "
      "p.motion_0",
      &result);
  fail_unless (result.error == NULL, "%s", result.error);
  fail_unless_equals_int (
      check_activities (result.activities), (1 << PLAYERS) - 1);
  for (guint i = 0; i < result.appearances->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (result.appearances, i);
    gint who = get_int (event, "cluster");
    gint player = true_player (event, result.truth);

    if (player < 0)
      continue;
    fail_unless (who >= 0 && who < PLAYERS);
    fail_unless (owner[who] == -1 || owner[who] == player);
    fail_unless_equals_int (get_int (event, "camera"), 0);
    owner[who] = player;
    known |= 1u << player;
  }
  fail_unless_equals_int (known, (1 << PLAYERS) - 1);
  clear (&result);
}
GST_END_TEST;

static gchar *
fill_in (const gchar *text)
{
  GString *filled = g_string_new (NULL);
  gchar **lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
    gchar **cells = g_strsplit (lines[i], ",", -1);

    if (i > 0 && g_strv_length (cells) >= 6) {
      const gchar *answer = *cells[1] == '\0' ? ""
          : g_str_equal (cells[0], "1")       ? "no"
                                              : "yes";
      gchar *name = *cells[1] == '\0' ? g_strdup_printf ("Player %s", cells[0])
                                      : g_strdup ("");

      g_string_append_printf (filled, "%s,%s,%s,%s,,%s,\n", cells[0], cells[1],
          cells[2], name, answer);
      g_free (name);
    } else
      g_string_append_printf (filled, "%s\n", lines[i]);
    g_strfreev (cells);
  }
  g_strfreev (lines);
  return g_string_free (filled, FALSE);
}

static void
run_labels (const gchar *path, const gchar *text, Result *result)
{
  gchar *line = g_strdup_printf (
      "avmpnp name=p labels=\"%s\" ! fakesink name=activity " SCENE, path);

  fail_unless (g_file_set_contents (path, text, -1, NULL));
  run (line, result);
  g_free (line);
}

static void
expect_error (
    const gchar *path, const gchar *text, const gchar *more, const gchar *word)
{
  gchar *wrong = g_strconcat (text, more, NULL);
  Result result;

  run_labels (path, wrong, &result);
  fail_unless (result.error != NULL, "no error for %s", more);
  fail_unless (strstr (result.error, path) != NULL
          && strstr (result.error, word) != NULL,
      "%s", result.error);
  clear (&result);
  g_free (wrong);
}

static void
check_answers (GPtrArray *events)
{
  for (guint i = 0; i < events->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (events, i);
    gint who = get_int (event, "cluster");
    gchar *name = g_strdup_printf ("Player %d", who);
    gboolean playing = FALSE;

    gst_avm_event_get_boolean (event, "playing", &playing);
    fail_unless_equals_int (playing, who != 1);
    fail_unless_equals_string (
        gst_avm_event_get_string (event, "player"), name);
    fail_unless_equals_string (
        gst_avm_event_get_string (event, "used"), "labels");
    g_free (name);
  }
}

/* What is asked, a person answers; what is wrong names the line. */
GST_START_TEST (test_labels)
{
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "labels.csv", NULL);
  gchar *line = g_strdup_printf ("avmpnp name=p write-labels=\"%s\" ! "
                                 "fakesink name=activity " SCENE,
      path);
  gchar *text, *filled;
  Result result;

  run (line, &result);
  fail_unless (result.error == NULL, "%s", result.error);
  /* nothing tells who plays */
  fail_unless_equals_int (result.activities->len, 0);
  clear (&result);
  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  filled = fill_in (text);
  run_labels (path, filled, &result);
  fail_unless (result.error == NULL, "%s", result.error);
  fail_unless_equals_int (
      check_activities (result.activities), (1 << PLAYERS) - 1);
  check_answers (result.activities);
  clear (&result);
  expect_error (path, filled, "5,9,,,,maybe,\n", "maybe");
  expect_error (path, filled, "0,0,,,,yes,\n", "lines 3 and");
  expect_error (path, filled, "77,,,Nobody,,,\n", "77");
  expect_error (path, "", "name,answer\n", "musician");
  g_unlink (path);
  g_rmdir (dir);
  g_free (text);
  g_free (filled);
  g_free (line);
  g_free (path);
  g_free (dir);
}
GST_END_TEST;

/* The same input gives the same answers. */
GST_START_TEST (test_notes_twice)
{
  static const gchar line[] =
      "avmpnp name=p ! fakesink name=activity p.appearance ! queue ! "
      "fakesink name=appearance " SCENE "t.notes ! queue ! p.notes "
      "t.association ! queue ! p.association";
  Result a, b;

  run (line, &a);
  run (line, &b);
  fail_unless (a.error == NULL && b.error == NULL);
  fail_unless_equals_int (check_activities (a.activities), (1 << PLAYERS) - 1);
  fail_unless_equals_int (a.activities->len, b.activities->len);
  fail_unless (a.appearances->len >= PLAYERS);
  fail_unless_equals_int (a.appearances->len, b.appearances->len);
  for (guint i = 0; i < a.activities->len; i++)
    fail_unless_equals_int (
        gst_avm_event_compare (g_ptr_array_index (a.activities, i),
            g_ptr_array_index (b.activities, i)),
        0);
  for (guint i = 0; i < a.appearances->len; i++)
    fail_unless_equals_int (
        get_int (g_ptr_array_index (a.appearances, i), "cluster"),
        get_int (g_ptr_array_index (b.appearances, i), "cluster"));
  clear (&a);
  clear (&b);
}
GST_END_TEST;

/* No face, no frame: an end without events, and a word about it. */
GST_START_TEST (test_nobody)
{
  Result result;

  run ("avmpnp name=p ! fakesink name=activity p.appearance ! queue ! "
       "fakesink name=appearance videotestsrc num-buffers=20 ! "
       "video/x-raw,format=I420,width=320,height=180 ! p.video_0",
      &result);
  fail_unless (result.error == NULL, "%s", result.error);
  fail_unless (result.warnings > 0);
  fail_unless_equals_int (result.activities->len, 0);
  fail_unless_equals_int (result.appearances->len, 0);
  clear (&result);
  run ("avmpnp name=p ! fakesink name=activity videotestsrc num-buffers=0 ! "
       "video/x-raw,format=GRAY8 ! p.video_0",
      &result);
  fail_unless (result.error == NULL, "%s", result.error);
  fail_unless_equals_int (result.activities->len, 0);
  clear (&result);
}
GST_END_TEST;

/* A picture of another size goes on with the same musicians. */
GST_START_TEST (test_sizes)
{
  Result result;
  guint seen = 0;

  run ("avmpnp name=p musicians=6 ! fakesink name=activity p.appearance ! "
       "queue ! fakesink name=appearance concat name=c ! queue ! p.video_0 "
       "avmtestsrc name=t scene=orchestra players=6 attach-regions=true seed=3 "
       "num-seconds=4 t.video ! "
       "video/x-raw,width=1280,height=720,framerate=5/1 ! queue ! c. "
       "avmtestsrc name=u scene=orchestra players=6 attach-regions=true seed=3 "
       "num-seconds=4 u.video ! "
       "video/x-raw,width=960,height=540,framerate=5/1 ! queue ! c.",
      &result);
  fail_unless (result.error == NULL, "%s", result.error);
  for (guint i = 0; i < result.appearances->len; i++) {
    const GstAvmEvent *event = g_ptr_array_index (result.appearances, i);
    gboolean later = event->onset >= 4 * GST_SECOND;

    fail_unless (get_double (event, "x") < (later ? 960.0 : 1280.0));
    seen |= 1u << (get_int (event, "cluster") + (later ? PLAYERS : 0));
  }
  fail_unless_equals_int (seen, (1 << 2 * PLAYERS) - 1);
  clear (&result);
}
GST_END_TEST;

/* It may be stopped at any time. */
GST_START_TEST (test_stop)
{
  for (guint i = 0; i < 4; i++) {
    GstElement *pipeline = gst_parse_launch (
        "avmpnp name=p ! fakesink async=false " SCENE "t.notes ! queue ! "
        "p.notes",
        NULL);

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    g_usleep (100000 * i);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
  }
}
GST_END_TEST;

/* Motion without faces cannot be anybody's. */
GST_START_TEST (test_motion_alone)
{
  Result result;

  run ("avmpnp name=p ! fakesink name=activity avmtestsrc name=t "
       "num-seconds=2 players=2 attach-regions=true t.video ! queue ! "
       "avmopticalflow ! p.motion_0",
      &result);
  fail_unless (result.error != NULL && strstr (result.error, "motion_0") != NULL
          && strstr (result.error, "video_0") != NULL,
      "%s", result.error);
  clear (&result);
}
GST_END_TEST;

static Suite *
avmpnp_suite (void)
{
  Suite *s = suite_create ("avmpnp");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, test_motion);
  tcase_add_test (tc, test_labels);
  tcase_add_test (tc, test_notes_twice);
  tcase_add_test (tc, test_nobody);
  tcase_add_test (tc, test_sizes);
  tcase_add_test (tc, test_stop);
  tcase_add_test (tc, test_motion_alone);
  return s;
}

GST_CHECK_MAIN (avmpnp);
