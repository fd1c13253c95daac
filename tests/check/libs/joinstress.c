/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The joining base class under threads that push data, gaps, new caps, flushes
 * and ends as they like, while the state changes. AVM_SEED sets the seed,
 * AVM_ITERATIONS the number of runs per element.
 */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>

#define MAX_PADS 4
#define WAIT (20 * G_TIME_SPAN_SECOND)

typedef struct {
  const gchar *name, *caps[2];
  guint row; /* bytes of a row, 0: events */
} Stream;

#define SERIES(kind, rate, n, names, quantities, units, none)                  \
  "application/x-avm-series,kind=" kind ",version=1,format=F32LE,rate=" rate   \
  ",channels=" n ",names=<" names ">,quantities=<" quantities                  \
  ">,units=<" units ">,regions=<" none ">,parts=<0,0>"

static const Stream motion = {"motion",
    {SERIES ("motion", "30/1", "2", "vx,vy", "vx,vy",
         "(string)\"px/s\",(string)\"px/s\"", "1,1"),
        SERIES ("motion", "25/1", "2", "vx,vy", "vx,vy",
            "(string)\"px/s\",(string)\"px/s\"", "2,2")},
    8};
static const Stream f0 = {"f0",
    {SERIES ("f0", "100/1", "2", "f0,confidence", "f0,confidence",
         "(string)Hz,(string)\"\"", "-1,-1"),
        SERIES ("f0", "50/1", "2", "f0,confidence", "f0,confidence",
            "(string)Hz,(string)\"\"", "-1,-1")},
    8};
static const Stream notes = {
    "notes", {GST_AVM_EVENTS_CAPS ("note"), GST_AVM_EVENTS_CAPS ("note")}, 0};
static const Stream audio = {"sink",
    {"audio/x-raw,format=F32LE,rate=8000,channels=1,layout=interleaved",
        "audio/x-raw,format=S16LE,rate=8000,channels=2,layout=interleaved"},
    4};

static const Stream association = {"association",
    {GST_AVM_EVENTS_CAPS ("association"), GST_AVM_EVENTS_CAPS ("association")},
    0};

typedef struct {
  const gchar *element, *settings;
  guint n_sinks;
  const Stream *streams[MAX_PADS];
} Subject;

static const Subject subjects[] = {
    {"avmvibrato", "method=autocorrelation", 1, {&motion, &notes, &f0}},
    {"avmpitch", NULL, 1, {&audio, &notes}},
    {"avmnmfsep",
        "iterations=2 components=3 window=256 block=1 overlap=0.2 "
        "message-interval=0",
        2, {&audio, &motion, &notes, &association}},
    {"avmnmfsep", "iterations=1 components=3 window=256 block=1 overlap=0.2", 3,
        {&audio}}};

typedef struct {
  const Stream *stream;
  GstPad *src, *sink;
  GRand *rand;
  GThread *thread;
  GstClockTime time;
  guint steps;
} Feeder;

typedef struct {
  GMutex lock;
  GCond cond;
  gboolean ended;
  GstElement *pipeline, *element;
  Feeder feeders[MAX_PADS];
  guint n_feeders;
} Run;

static guint64
number_from_environment (const gchar *name, guint64 otherwise)
{
  const gchar *text = g_getenv (name);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : otherwise;
}

static GstPadProbeReturn
watch_end (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Run *run = data;
  GstEventType type = GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info));

  if (type != GST_EVENT_EOS && type != GST_EVENT_FLUSH_STOP)
    return GST_PAD_PROBE_OK;
  g_mutex_lock (&run->lock);
  run->ended = type == GST_EVENT_EOS;
  g_cond_broadcast (&run->cond);
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

static void
begin (Feeder *f, gboolean all)
{
  GstSegment segment;
  GstCaps *caps =
      gst_caps_from_string (f->stream->caps[g_rand_int_range (f->rand, 0, 2)]);

  if (all)
    gst_pad_push_event (
        f->src, gst_event_new_stream_start (GST_PAD_NAME (f->src)));
  gst_pad_push_event (f->src, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (f->src, gst_event_new_segment (&segment));
  f->time = 0;
}

static void
push_data (Feeder *f)
{
  GstBuffer *buffer;

  if (f->stream->row == 0) {
    GstAvmEvent *event =
        gst_avm_event_new (f->time, GST_SECOND / 4, GST_AVM_NONE, 0, 1.0);

    gst_avm_event_set_double (event, "pitch", 69.0);
    buffer = gst_avm_event_to_buffer (event);
    gst_avm_event_free (event);
  } else {
    gsize size = f->stream->row * (gsize)g_rand_int_range (f->rand, 1, 30);

    buffer = gst_buffer_new_allocate (NULL, size, NULL);
    gst_buffer_memset (buffer, 0, f->stream == &audio ? 0x3c : 0, size);
    GST_BUFFER_PTS (buffer) = f->time;
    GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  }
  f->time += GST_SECOND / 30;
  gst_pad_push (f->src, buffer);
}

static void
flush (Feeder *f)
{
  gst_pad_push_event (f->src, gst_event_new_flush_start ());
  if (g_rand_boolean (f->rand))
    g_usleep (g_rand_int_range (f->rand, 0, 200));
  gst_pad_push_event (f->src, gst_event_new_flush_stop (TRUE));
  begin (f, FALSE);
}

static gpointer
feed (gpointer data)
{
  Feeder *f = data;

  begin (f, TRUE);
  for (guint i = 0; i < f->steps; i++) {
    gint what = g_rand_int_range (f->rand, 0, 100);

    if (what < 70) {
      push_data (f);
    } else if (what < 80) {
      gst_pad_push_event (f->src, gst_event_new_gap (f->time, GST_SECOND / 30));
      f->time += GST_SECOND / 30;
    } else if (what < 86) {
      begin (f, FALSE);
    } else if (what < 90) {
      gst_pad_push_event (f->src, gst_event_new_eos ());
      flush (f);
    } else if (what < 95) {
      flush (f);
    } else {
      g_usleep (g_rand_int_range (f->rand, 0, 100));
    }
  }
  gst_pad_push_event (f->src, gst_event_new_eos ());
  return NULL;
}

static void
add_feeder (Run *run, const Stream *stream, guint32 seed, guint steps)
{
  Feeder *f = &run->feeders[run->n_feeders++];
  GstPad *sink = gst_element_get_static_pad (run->element, stream->name);

  if (sink == NULL)
    sink = gst_element_request_pad_simple (run->element, stream->name);
  fail_unless (sink != NULL, "no pad %s", stream->name);
  f->stream = stream;
  f->sink = sink;
  f->src = gst_pad_new (stream->name, GST_PAD_SRC);
  gst_pad_set_active (f->src, TRUE);
  fail_unless_equals_int (gst_pad_link (f->src, sink), GST_PAD_LINK_OK);
  f->rand = g_rand_new_with_seed (seed + run->n_feeders);
  f->steps = steps;
  f->time = 0;
}

static void
add_sink (Run *run, gboolean watched)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *pad;

  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (run->pipeline), sink);
  fail_unless (gst_element_link (run->element, sink));
  if (!watched)
    return;
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      watch_end, run, NULL);
  gst_object_unref (pad);
}

static void
set_up (Run *run, const Subject *subject, GRand *rand)
{
  gchar **settings =
      g_strsplit (subject->settings != NULL ? subject->settings : "", " ", 0);
  GstBus *bus;

  g_mutex_init (&run->lock);
  g_cond_init (&run->cond);
  run->ended = FALSE;
  run->n_feeders = 0;
  run->pipeline = gst_pipeline_new (NULL);
  run->element = gst_element_factory_make (subject->element, NULL);
  fail_unless (run->element != NULL, "no element %s", subject->element);
  for (gchar **t = settings; *t != NULL; t++) {
    gchar **pair = g_strsplit (*t, "=", 2);

    gst_util_set_object_arg (G_OBJECT (run->element), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (settings);
  gst_bin_add (GST_BIN (run->pipeline), run->element);
  for (guint i = 0; i < subject->n_sinks; i++)
    add_sink (run, i == subject->n_sinks - 1);
  bus = gst_element_get_bus (run->pipeline);
  gst_bus_set_flushing (bus, TRUE);
  gst_object_unref (bus);
  for (guint i = 0; i < MAX_PADS && subject->streams[i] != NULL; i++)
    add_feeder (run, subject->streams[i], g_rand_int (rand),
        (guint)g_rand_int_range (rand, 5, 120));
}

static void
tear_down (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < run->n_feeders; i++) {
    Feeder *f = &run->feeders[i];

    gst_pad_set_active (f->src, FALSE);
    gst_pad_unlink (f->src, f->sink);
    gst_object_unref (f->sink);
    gst_object_unref (f->src);
    g_rand_free (f->rand);
  }
  gst_object_unref (run->pipeline);
  g_mutex_clear (&run->lock);
  g_cond_clear (&run->cond);
}

static void
wait_for_end (Run *run, const gchar *what)
{
  gint64 until = g_get_monotonic_time () + WAIT;
  gboolean timely = TRUE;

  g_mutex_lock (&run->lock);
  while (!run->ended && timely)
    timely = g_cond_wait_until (&run->cond, &run->lock, until);
  g_mutex_unlock (&run->lock);
  fail_unless (timely, "%s: all streams have ended and no end came", what);
}

/* One run; every other one is stopped midway. */
static void
stress (const Subject *subject, guint64 seed, guint iteration)
{
  GRand *rand = g_rand_new_with_seed ((guint32)(seed * 1000 + iteration));
  gboolean midway = iteration % 2 != 0;
  gchar *what = g_strdup_printf ("%s, seed %" G_GUINT64_FORMAT ", run %u",
      subject->element, seed, iteration);
  Run run;

  set_up (&run, subject, rand);
  GST_INFO ("%s", what);
  gst_element_set_state (run.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < run.n_feeders; i++)
    run.feeders[i].thread = g_thread_new ("feeder", feed, &run.feeders[i]);
  if (midway) {
    g_usleep (g_rand_int_range (rand, 0, 3000));
    gst_element_set_state (run.pipeline, GST_STATE_NULL);
  }
  for (guint i = 0; i < run.n_feeders; i++)
    g_thread_join (run.feeders[i].thread);
  if (!midway)
    wait_for_end (&run, what);
  tear_down (&run);
  g_rand_free (rand);
  g_free (what);
}

GST_START_TEST (test_stress)
{
  guint64 seed = number_from_environment ("AVM_SEED", 1);
  guint n = (guint)number_from_environment ("AVM_ITERATIONS", 100);

  g_printerr ("%s: seed %" G_GUINT64_FORMAT ", %u runs\n",
      subjects[__i__].element, seed, n);
  for (guint i = 0; i < n; i++)
    stress (&subjects[__i__], seed, i);
}

GST_END_TEST;

static Suite *
joinstress_suite (void)
{
  Suite *s = suite_create ("joinstress");
  TCase *tc = tcase_create ("general");

  tcase_set_timeout (tc, 120);
  tcase_add_loop_test (tc, test_stress, 0, G_N_ELEMENTS (subjects));
  suite_add_tcase (s, tc);
  return s;
}

GST_CHECK_MAIN (joinstress);
