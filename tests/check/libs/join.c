/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The joining base class through its pads: no order of data, no gap and no end
 * may block it, and nothing that was computed may be lost.
 */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <string.h>

/* A stage that counts what it gets and reports at each watermark. */
typedef struct {
  GstAvmJoin parent;
  guint n_buffers, n_process;
  gboolean whole_piece;
} TestJoin;
typedef GstAvmJoinClass TestJoinClass;

GType test_join_get_type (void);
G_DEFINE_TYPE (TestJoin, test_join, GST_TYPE_AVM_JOIN);

static GstStaticPadTemplate sink_a =
    GST_STATIC_PAD_TEMPLATE ("motion", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_SERIES_CAPS ("motion")));
static GstStaticPadTemplate sink_b =
    GST_STATIC_PAD_TEMPLATE ("notes", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("note")));
static GstStaticPadTemplate src = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC,
    GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_AVM_EVENTS_CAPS ("vibrato")));

static gboolean
test_join_start (GstAvmJoin *join)
{
  GstCaps *caps = gst_avm_events_caps_new ("vibrato");

  gst_avm_join_set_src_caps (join, caps);
  gst_caps_unref (caps);
  return TRUE;
}

static GstFlowReturn
test_join_sink_buffer (GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  ((TestJoin *)join)->n_buffers++;
  return GST_FLOW_OK;
}

static GstFlowReturn
test_join_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  TestJoin *self = (TestJoin *)join;
  GstAvmEvent *event;

  self->n_process++;
  if (self->whole_piece && !eos)
    return GST_FLOW_OK;
  event = gst_avm_event_new (eos ? 0 : watermark, GST_CLOCK_TIME_NONE,
      GST_AVM_NONE, GST_AVM_NONE, 1.0);
  gst_avm_event_set_int (event, "n", (gint)self->n_buffers);
  gst_avm_join_push_event (join, event);
  return GST_FLOW_OK;
}

static void
test_join_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  ((TestJoin *)join)->n_buffers = 0;
}

static void
test_join_class_init (TestJoinClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  klass->start = test_join_start;
  klass->sink_buffer = test_join_sink_buffer;
  klass->process = test_join_process;
  klass->flush = test_join_flush;
  gst_element_class_add_static_pad_template (element_class, &sink_a);
  gst_element_class_add_static_pad_template (element_class, &sink_b);
  gst_element_class_add_static_pad_template (element_class, &src);
  gst_element_class_set_static_metadata (
      element_class, "Test", "Filter/Analyzer", "Test", "avm");
}

static void
test_join_init (TestJoin *self)
{
  self->whole_piece = TRUE;
}

static GstElement *
new_join (void)
{
  return gst_object_ref_sink (g_object_new (test_join_get_type (), NULL));
}

static GstCaps *
motion_caps (void)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", 30, 1);
  GstCaps *caps;

  gst_avm_series_info_add_channel (info, "hand1", "vx", "px/s", 1, 0);
  caps = gst_avm_series_info_to_caps (info);
  gst_avm_series_info_free (info);
  return caps;
}

static GstBuffer *
row (guint frame)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 4, NULL);

  gst_buffer_memset (buffer, 0, 0, 4);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (frame, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

static GstBuffer *
note (GstClockTime onset)
{
  GstAvmEvent *event =
      gst_avm_event_new (onset, GST_SECOND, GST_AVM_NONE, 0, 1.0);
  GstBuffer *buffer = gst_avm_event_to_buffer (event);

  gst_avm_event_free (event);
  return buffer;
}

static gint
count_in (GstBuffer *buffer, GstClockTime *onset)
{
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, NULL);
  gint n = -1;

  fail_unless (events != NULL && events->len == 1);
  gst_avm_event_get_int (g_ptr_array_index (events, 0), "n", &n);
  if (onset != NULL)
    *onset = ((GstAvmEvent *)g_ptr_array_index (events, 0))->onset;
  g_ptr_array_unref (events);
  gst_buffer_unref (buffer);
  return n;
}

/* Waits up to 5 s for an event of this type on the source pad. */
static void
wait_for_event (GstHarness *h, GstEventType type)
{
  for (guint i = 0; i < 5000; i++) {
    GstEvent *event = gst_harness_try_pull_event (h);

    if (event == NULL) {
      g_usleep (1000);
    } else {
      gboolean found = GST_EVENT_TYPE (event) == type;

      gst_event_unref (event);
      if (found)
        return;
    }
  }
  fail ("no %s", gst_event_type_get_name (type));
}

typedef struct {
  GstElement *join;
  GstHarness *a, *b;
} Fixture;

static void
setup (Fixture *f)
{
  f->join = new_join ();
  f->a = gst_harness_new_with_element (f->join, "motion", "src");
  f->b = gst_harness_new_with_element (f->join, "notes", NULL);
  gst_harness_set_src_caps (f->a, motion_caps ());
  gst_harness_set_src_caps (f->b, gst_avm_events_caps_new ("note"));
}

static void
teardown (Fixture *f)
{
  gst_harness_teardown (f->b);
  gst_harness_teardown (f->a);
  gst_object_unref (f->join);
}

GST_START_TEST (test_whole_piece)
{
  Fixture f;

  setup (&f);
  /* a thousand rows on one pad while the other has none: nothing blocks */
  for (guint i = 0; i < 1000; i++)
    fail_unless_equals_int (gst_harness_push (f.a, row (i)), GST_FLOW_OK);
  gst_harness_push_event (f.a, gst_event_new_eos ());
  /* sinks could preroll long ago */
  wait_for_event (f.a, GST_EVENT_GAP);
  fail_unless_equals_int (gst_harness_push (f.b, note (0)), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.a), 0);
  gst_harness_push_event (f.b, gst_event_new_eos ());
  fail_unless_equals_int (count_in (gst_harness_pull (f.a), NULL), 1001);
  wait_for_event (f.a, GST_EVENT_EOS);
  /* after the end nothing is taken any more */
  fail_unless_equals_int (gst_harness_push (f.a, row (1000)), GST_FLOW_EOS);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_empty_streams)
{
  Fixture f;

  setup (&f);
  gst_harness_push_event (f.b, gst_event_new_eos ());
  gst_harness_push_event (f.a, gst_event_new_eos ());
  fail_unless_equals_int (count_in (gst_harness_pull (f.a), NULL), 0);
  wait_for_event (f.a, GST_EVENT_EOS);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_watermark)
{
  Fixture f;
  GstClockTime onset;

  setup (&f);
  ((TestJoin *)f.join)->whole_piece = FALSE;
  gst_harness_push (f.a, row (29));
  /* notes at 0.5 s: complete up to the onset, not to the end of the note */
  gst_harness_push (f.b, note (GST_SECOND / 2));
  do
    count_in (gst_harness_pull (f.a), &onset);
  while (onset < GST_SECOND / 2);
  fail_unless_equals_uint64 (onset, GST_SECOND / 2);
  /* a GAP moves it up to the other pad's row */
  gst_harness_push_event (f.b, gst_event_new_gap (0, 10 * GST_SECOND));
  count_in (gst_harness_pull (f.a), &onset);
  fail_unless (onset > 999 * GST_MSECOND && onset <= GST_SECOND);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_segment_maps_times)
{
  Fixture f;
  GstSegment segment;
  GstClockTime onset;

  setup (&f);
  ((TestJoin *)f.join)->whole_piece = FALSE;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 100 * GST_SECOND;
  /* the harness pushed a segment at 0 already; a flush takes it back */
  gst_harness_push_event (f.a, gst_event_new_flush_start ());
  gst_harness_push_event (f.a, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.a, gst_event_new_segment (&segment));
  gst_harness_push_event (f.b, gst_event_new_eos ());
  {
    GstBuffer *buffer = row (0);

    GST_BUFFER_PTS (buffer) = 101 * GST_SECOND;
    GST_BUFFER_DURATION (buffer) = 0;
    gst_harness_push (f.a, buffer);
  }
  do
    count_in (gst_harness_pull (f.a), &onset);
  while (onset < 101 * GST_SECOND);
  fail_unless_equals_uint64 (onset, 101 * GST_SECOND);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_flush_forgets)
{
  Fixture f;

  setup (&f);
  for (guint i = 0; i < 10; i++)
    gst_harness_push (f.a, row (i));
  gst_harness_push_event (f.a, gst_event_new_flush_start ());
  fail_unless_equals_int (gst_harness_push (f.a, row (10)), GST_FLOW_FLUSHING);
  gst_harness_push_event (f.b, gst_event_new_flush_start ());
  gst_harness_push_event (f.b, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.a, gst_event_new_flush_stop (TRUE));
  {
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (f.a, gst_event_new_segment (&segment));
    gst_harness_push_event (f.b, gst_event_new_segment (&segment));
  }
  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (gst_harness_push (f.a, row (i)), GST_FLOW_OK);
  gst_harness_push_event (f.a, gst_event_new_eos ());
  gst_harness_push_event (f.b, gst_event_new_eos ());
  fail_unless_equals_int (count_in (gst_harness_pull (f.a), NULL), 3);
  teardown (&f);
}

GST_END_TEST;

GST_START_TEST (test_unlinked_pad_does_not_count)
{
  GstElement *join = new_join ();
  GstPad *unused = gst_element_request_pad_simple (join, "notes");
  GstHarness *h = gst_harness_new_with_element (join, "motion", "src");

  fail_unless (unused != NULL);
  gst_harness_set_src_caps (h, motion_caps ());
  gst_harness_push (h, row (0));
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (count_in (gst_harness_pull (h), NULL), 1);
  gst_harness_teardown (h);
  gst_element_release_request_pad (join, unused);
  gst_object_unref (unused);
  gst_object_unref (join);
}

GST_END_TEST;

/* A branch that is never linked at its far end: warning, then the result. */
GST_START_TEST (test_dead_branch)
{
  GstElement *pipeline = gst_pipeline_new (NULL), *join = new_join ();
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstElement *source = gst_element_factory_make ("appsrc", NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GstCaps *caps = motion_caps ();
  GstFlowReturn flow;
  gboolean warned = FALSE;

  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, queue, join, sink, NULL);
  fail_unless (gst_element_link_pads (source, "src", join, "motion"));
  fail_unless (gst_element_link_pads (queue, "src", join, "notes"));
  fail_unless (gst_element_link_pads (join, "src", sink, "sink"));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  {
    GstBuffer *buffer = row (0);

    g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
    gst_buffer_unref (buffer);
  }
  g_signal_emit_by_name (source, "end-of-stream", &flow);
  do {
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    fail_unless (message != NULL, "it hangs");
    warned |= GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      break;
    gst_message_unref (message);
  } while (TRUE);
  gst_message_unref (message);
  fail_unless (warned);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_caps_unref (caps);
  gst_object_unref (bus);
  gst_object_unref (join);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* A branch that is linked when the others have ended long ago, as that of a
 * demuxer may be: nothing is said, and it counts. */
GST_START_TEST (test_late_branch)
{
  GstElement *pipeline = gst_pipeline_new (NULL), *join = new_join ();
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstElement *source = gst_element_factory_make ("appsrc", NULL);
  GstElement *late = gst_element_factory_make ("appsrc", NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GstCaps *caps = motion_caps ();
  GstFlowReturn flow;
  gboolean warned = FALSE;

  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, queue, join, sink, NULL);
  fail_unless (gst_element_link_pads (source, "src", join, "motion"));
  fail_unless (gst_element_link_pads (queue, "src", join, "notes"));
  fail_unless (gst_element_link_pads (join, "src", sink, "sink"));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  {
    GstBuffer *buffer = row (0);

    g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
    gst_buffer_unref (buffer);
  }
  g_signal_emit_by_name (source, "end-of-stream", &flow);
  message = gst_bus_timed_pop_filtered (
      bus, GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_WARNING);
  fail_unless (message == NULL, "it did not wait");
  gst_bin_add (GST_BIN (pipeline), late);
  fail_unless (gst_element_link (late, queue));
  fail_unless (gst_element_sync_state_with_parent (late));
  g_signal_emit_by_name (late, "end-of-stream", &flow);
  do {
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    fail_unless (message != NULL, "it hangs");
    warned |= GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
    fail_if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      break;
    gst_message_unref (message);
  } while (TRUE);
  gst_message_unref (message);
  fail_if (warned);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_caps_unref (caps);
  gst_object_unref (bus);
  gst_object_unref (join);
  gst_object_unref (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_wrong_kind_does_not_link)
{
  GstElement *join = new_join ();
  GstElement *source = gst_element_factory_make ("appsrc", NULL);
  GstCaps *caps = gst_avm_events_caps_new ("association");
  GstPad *pad = gst_element_request_pad_simple (join, "notes");

  gst_object_ref_sink (source);
  fail_if (gst_pad_query_accept_caps (pad, caps));
  gst_caps_unref (caps);
  caps = gst_avm_events_caps_new ("note");
  fail_unless (gst_pad_query_accept_caps (pad, caps));
  gst_caps_unref (caps);
  gst_element_release_request_pad (join, pad);
  gst_object_unref (pad);
  gst_object_unref (source);
  gst_object_unref (join);
}

GST_END_TEST;

/* A stage without a source pad of its own: it gives every buffer of "sink" to
 * all pads that were requested, some at a time. */
typedef struct {
  GstAvmJoin parent;
  GQueue buffers;
  gboolean slow;     /* process () works until a buffer more is there */
  gboolean stubborn; /* and on for a while when it is not wanted any more */
  gint working;      /* atomic */
  gint n_flushed;
  gint n_met; /* process () by flush () */
} TestFan;
typedef GstAvmJoinClass TestFanClass;

GType test_fan_get_type (void);
G_DEFINE_TYPE (TestFan, test_fan, GST_TYPE_AVM_JOIN);

static GstStaticPadTemplate fan_sink = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("x/y"));
static GstStaticPadTemplate fan_side = GST_STATIC_PAD_TEMPLATE (
    "side", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS ("x/y"));
static GstStaticPadTemplate fan_src = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS ("x/y"));

static void
test_fan_pad_added (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  if (g_str_equal (GST_PAD_NAME (pad), "sink"))
    gst_avm_join_set_main_pad (join, pad);
}

/* Each pad has caps of its own. */
static void
test_fan_src_pad_added (GstAvmJoin *join, GstPad *pad)
{
  GstCaps *caps = gst_caps_new_simple (
      "x/y", "name", G_TYPE_STRING, GST_PAD_NAME (pad), NULL);

  gst_avm_join_set_pad_caps (join, pad, caps);
  gst_caps_unref (caps);
}

static gboolean
test_fan_start (GstAvmJoin *join)
{
  GList *pads = gst_avm_join_get_src_pads (join);

  for (GList *p = pads; p != NULL; p = p->next)
    test_fan_src_pad_added (join, p->data);
  g_list_free (pads);
  return TRUE;
}

static GstFlowReturn
test_fan_sink_buffer (GstAvmJoin *join, GstAvmJoinPad *pad, GstBuffer *buffer)
{
  if (!g_str_equal (GST_PAD_NAME (pad), "sink"))
    return GST_FLOW_OK;
  buffer = gst_buffer_copy (buffer);
  GST_BUFFER_PTS (buffer) =
      gst_avm_join_pad_to_running_time (pad, GST_BUFFER_PTS (buffer));
  g_queue_push_tail (&((TestFan *)join)->buffers, buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
test_fan_process (GstAvmJoin *join, GstClockTime watermark, gboolean eos)
{
  TestFan *self = (TestFan *)join;
  GstBuffer *buffer;
  GList *pads;

  g_atomic_int_set (&self->working, TRUE);
  while (self->slow && self->buffers.length < 2
      && !gst_avm_join_is_flushing (join)) {
    gst_avm_join_unlock (join);
    g_usleep (1000);
    gst_avm_join_lock (join);
  }
  if (self->stubborn) {
    gst_avm_join_unlock (join);
    g_usleep (300000);
    gst_avm_join_lock (join);
  }
  g_atomic_int_set (&self->working, FALSE);
  buffer = g_queue_pop_head (&self->buffers);
  if (buffer == NULL)
    return GST_FLOW_OK;
  pads = gst_avm_join_get_src_pads (join);
  for (GList *p = pads; p != NULL; p = p->next)
    gst_avm_join_push_buffer_on (join, p->data, gst_buffer_copy (buffer));
  g_list_free (pads);
  gst_buffer_unref (buffer);
  gst_avm_join_call_again (join);
  return GST_FLOW_OK;
}

static void
test_fan_flush (GstAvmJoin *join, GstAvmJoinPad *pad)
{
  TestFan *self = (TestFan *)join;

  g_queue_clear_full (&self->buffers, (GDestroyNotify)gst_buffer_unref);
  self->n_flushed++;
  self->n_met += g_atomic_int_get (&self->working);
}

static void
test_fan_class_init (TestFanClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  klass->start = test_fan_start;
  klass->pad_added = test_fan_pad_added;
  klass->src_pad_added = test_fan_src_pad_added;
  klass->sink_buffer = test_fan_sink_buffer;
  klass->process = test_fan_process;
  klass->flush = test_fan_flush;
  gst_element_class_add_static_pad_template (element_class, &fan_sink);
  gst_element_class_add_static_pad_template (element_class, &fan_side);
  gst_element_class_add_static_pad_template (element_class, &fan_src);
  gst_element_class_set_static_metadata (
      element_class, "Test", "Filter/Analyzer", "Test", "avm");
}

static void
test_fan_init (TestFan *self)
{
  g_queue_init (&self->buffers);
}

typedef struct {
  GstElement *fan;
  GstHarness *in, *a, *b;
} Fan;

static void
fan_setup (Fan *f)
{
  f->fan = gst_object_ref_sink (g_object_new (test_fan_get_type (), NULL));
  f->a = gst_harness_new_with_element (f->fan, NULL, "src_0");
  f->b = gst_harness_new_with_element (f->fan, NULL, "src_7");
  f->in = gst_harness_new_with_element (f->fan, "sink", NULL);
  gst_harness_set_src_caps_str (f->in, "x/y");
}

static void
fan_teardown (Fan *f)
{
  gst_harness_teardown (f->in);
  gst_harness_teardown (f->a);
  gst_harness_teardown (f->b);
  gst_object_unref (f->fan);
}

static GstEvent *
sticky (GstHarness *h, GstEventType type)
{
  GstEvent *event = gst_pad_get_sticky_event (h->sinkpad, type, 0);

  fail_unless (event != NULL, "no %s", gst_event_type_get_name (type));
  return event;
}

static void
check_pull (GstHarness *h, guint frame)
{
  GstBuffer *buffer = gst_harness_pull (h);

  fail_unless (buffer != NULL, "no buffer %u", frame);
  fail_unless_equals_uint64 (
      GST_BUFFER_PTS (buffer), gst_util_uint64_scale (frame, GST_SECOND, 30));
  gst_buffer_unref (buffer);
}

static void
check_stream (GstHarness *h, const gchar *pad, gchar **id, guint *group)
{
  GstEvent *start = sticky (h, GST_EVENT_STREAM_START);
  GstEvent *caps_event = sticky (h, GST_EVENT_CAPS);
  GstEvent *segment = sticky (h, GST_EVENT_SEGMENT);
  const gchar *text;
  GstCaps *caps;

  gst_event_parse_stream_start (start, &text);
  *id = g_strdup (text);
  fail_unless (gst_event_parse_group_id (start, group));
  gst_event_parse_caps (caps_event, &caps);
  fail_unless_equals_string (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "name"), pad);
  gst_event_unref (start);
  gst_event_unref (caps_event);
  gst_event_unref (segment);
}

/* Every pad has a stream of its own, of one group; all of it comes, in parts,
 * and then one end. */
GST_START_TEST (test_several_sources)
{
  Fan f;
  gchar *id_a, *id_b;
  guint group_a, group_b;

  fan_setup (&f);
  for (guint i = 0; i < 50; i++)
    fail_unless_equals_int (gst_harness_push (f.in, row (i)), GST_FLOW_OK);
  gst_harness_push_event (f.in, gst_event_new_eos ());
  for (guint i = 0; i < 50; i++) {
    check_pull (f.a, i);
    check_pull (f.b, i);
  }
  check_stream (f.a, "src_0", &id_a, &group_a);
  check_stream (f.b, "src_7", &id_b, &group_b);
  fail_if (g_str_equal (id_a, id_b));
  fail_unless_equals_int (group_a, group_b);
  wait_for_event (f.a, GST_EVENT_EOS);
  wait_for_event (f.b, GST_EVENT_EOS);
  fail_unless_equals_int (gst_harness_buffers_in_queue (f.a), 0);
  g_free (id_a);
  g_free (id_b);
  fan_teardown (&f);
}

GST_END_TEST;

/* One that nobody wants is no error, all of them are. */
GST_START_TEST (test_source_not_linked)
{
  Fan f;
  GstPad *loose;
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  fan_setup (&f);
  gst_element_set_bus (f.fan, bus);
  loose = gst_element_request_pad_simple (f.fan, "src_%u");
  fail_unless (loose != NULL && g_str_equal (GST_PAD_NAME (loose), "src_1"));
  for (guint i = 0; i < 10; i++)
    fail_unless_equals_int (gst_harness_push (f.in, row (i)), GST_FLOW_OK);
  for (guint i = 0; i < 10; i++)
    check_pull (f.b, i);
  fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) != NULL);
  fail_unless (gst_pad_unlink (GST_PAD_PEER (f.a->sinkpad), f.a->sinkpad));
  fail_unless (gst_pad_unlink (GST_PAD_PEER (f.b->sinkpad), f.b->sinkpad));
  gst_harness_push (f.in, row (10));
  message = gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "no error although nothing is linked");
  gst_message_unref (message);
  gst_element_release_request_pad (f.fan, loose);
  gst_object_unref (loose);
  gst_element_set_bus (f.fan, NULL);
  gst_object_unref (bus);
  fan_teardown (&f);
}

GST_END_TEST;

/* A pad that comes later has its stream from then on; one that goes is not
 * missed. */
GST_START_TEST (test_late_source)
{
  Fan f;
  GstHarness *late;
  gchar *id;
  guint group;

  fan_setup (&f);
  gst_harness_push (f.in, row (0));
  check_pull (f.a, 0);
  late = gst_harness_new_with_element (f.fan, NULL, "src_%u");
  gst_harness_push (f.in, row (1));
  check_pull (late, 1);
  check_stream (late, "src_1", &id, &group);
  g_free (id);
  gst_harness_teardown (f.b);
  f.b = gst_harness_new_with_element (f.fan, NULL, "src_7");
  gst_harness_push (f.in, row (2));
  check_pull (late, 2);
  check_pull (f.b, 2);
  gst_harness_push_event (f.in, gst_event_new_eos ());
  wait_for_event (late, GST_EVENT_EOS);
  gst_harness_teardown (late);
  fan_teardown (&f);
}

GST_END_TEST;

/* The sink goes on to take data while process () works. */
GST_START_TEST (test_long_work)
{
  Fan f;

  fan_setup (&f);
  ((TestFan *)f.fan)->slow = TRUE;
  for (guint i = 0; i < 20; i++)
    fail_unless_equals_int (gst_harness_push (f.in, row (i)), GST_FLOW_OK);
  check_pull (f.a, 0);
  ((TestFan *)f.fan)->slow = FALSE;
  gst_harness_push_event (f.in, gst_event_new_eos ());
  wait_for_event (f.b, GST_EVENT_EOS);
  fan_teardown (&f);
}

GST_END_TEST;

static gpointer
switch_off (gpointer element)
{
  gst_element_set_state (element, GST_STATE_NULL);
  return NULL;
}

static void
wait_until (gboolean (*is_so) (gpointer data), gpointer data)
{
  gint64 until = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;

  while (!is_so (data)) {
    fail_unless (g_get_monotonic_time () < until, "nothing happened");
    g_usleep (100);
  }
}

static gboolean
is_working (gpointer fan)
{
  return g_atomic_int_get (&((TestFan *)fan)->working);
}

static gboolean
is_inactive (gpointer pad)
{
  return !gst_pad_is_active (pad);
}

/* A flush that comes while the element is switched off waits for process () as
 * any other does. The source pad is held, so that the sink pad takes it yet. */
GST_START_TEST (test_flush_while_switched_off)
{
  GThread *thread;
  GstPad *pad;
  Fan f;

  fan_setup (&f);
  ((TestFan *)f.fan)->slow = ((TestFan *)f.fan)->stubborn = TRUE;
  gst_harness_push (f.in, row (0));
  wait_until (is_working, f.fan);
  pad = gst_element_get_static_pad (f.fan, "src_0");
  GST_PAD_STREAM_LOCK (pad);
  thread = g_thread_new ("off", switch_off, f.fan);
  wait_until (is_inactive, pad);
  fail_unless (is_working (f.fan));
  fail_unless (gst_harness_push_event (f.in, gst_event_new_flush_stop (TRUE)));
  fail_unless_equals_int (((TestFan *)f.fan)->n_flushed, 1);
  fail_unless_equals_int (((TestFan *)f.fan)->n_met, 0);
  GST_PAD_STREAM_UNLOCK (pad);
  g_thread_join (thread);
  fail_unless_equals_int (((TestFan *)f.fan)->n_met, 0);
  gst_object_unref (pad);
  fan_teardown (&f);
}

GST_END_TEST;

/* All pads flush; the segment is that of the main pad, even where only a side
 * pad flushed. */
GST_START_TEST (test_flush_several)
{
  Fan f;
  GstHarness *side;
  GstSegment segment;

  fan_setup (&f);
  side = gst_harness_new_with_element (f.fan, "side", NULL);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 7 * GST_SECOND;
  gst_harness_set_src_caps_str (side, "x/y");
  gst_harness_push_event (side, gst_event_new_segment (&segment));
  gst_harness_push_event (side, gst_event_new_flush_start ());
  wait_for_event (f.a, GST_EVENT_FLUSH_START);
  gst_harness_push_event (side, gst_event_new_flush_stop (TRUE));
  wait_for_event (f.a, GST_EVENT_FLUSH_STOP);
  fail_unless_equals_int (((TestFan *)f.fan)->n_flushed, 1);
  gst_harness_push_event (side, gst_event_new_segment (&segment));
  gst_harness_push_event (side, gst_event_new_eos ());
  gst_harness_push (f.in, row (3));
  check_pull (f.a, 3);
  check_pull (f.b, 3);
  /* a FLUSH_STOP alone flushes as well */
  gst_harness_push_event (f.in, gst_event_new_flush_stop (TRUE));
  wait_for_event (f.b, GST_EVENT_FLUSH_STOP);
  gst_harness_push_event (f.in, gst_event_new_segment (&segment));
  {
    GstBuffer *buffer = row (3);

    GST_BUFFER_PTS (buffer) += 7 * GST_SECOND;
    gst_harness_push (f.in, buffer);
    buffer = gst_harness_pull (f.a);
    fail_unless_equals_uint64 (
        GST_BUFFER_PTS (buffer), 7 * GST_SECOND + GST_SECOND / 10);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (side);
  fan_teardown (&f);
}

GST_END_TEST;

static GstPadProbeReturn
count_seeks (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_SEEK)
    g_atomic_int_inc ((gint *)data);
  return GST_PAD_PROBE_OK;
}

/* A seek that comes from every sink goes up once. */
GST_START_TEST (test_seek_once)
{
  Fan f;
  GstEvent *seek = gst_event_new_seek (1.0, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
  gint n = 0;

  fan_setup (&f);
  gst_pad_add_probe (
      f.in->srcpad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, count_seeks, &n, NULL);
  gst_harness_push_upstream_event (f.a, gst_event_ref (seek));
  gst_harness_push_upstream_event (f.b, seek);
  fail_unless_equals_int (n, 1);
  seek = gst_event_new_seek (1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
      GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0);
  gst_harness_push_upstream_event (f.b, seek);
  fail_unless_equals_int (n, 2);
  fan_teardown (&f);
}

GST_END_TEST;

static Suite *
join_suite (void)
{
  Suite *s = suite_create ("join");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_whole_piece);
  tcase_add_test (tc, test_empty_streams);
  tcase_add_test (tc, test_watermark);
  tcase_add_test (tc, test_segment_maps_times);
  tcase_add_test (tc, test_flush_forgets);
  tcase_add_test (tc, test_unlinked_pad_does_not_count);
  tcase_add_test (tc, test_dead_branch);
  tcase_add_test (tc, test_late_branch);
  tcase_add_test (tc, test_wrong_kind_does_not_link);
  tcase_add_test (tc, test_several_sources);
  tcase_add_test (tc, test_source_not_linked);
  tcase_add_test (tc, test_late_source);
  tcase_add_test (tc, test_long_work);
  tcase_add_test (tc, test_flush_several);
  tcase_add_test (tc, test_flush_while_switched_off);
  tcase_add_test (tc, test_seek_once);
  return s;
}

GST_CHECK_MAIN (join);
