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
    message = gst_bus_timed_pop_filtered (bus, 5 * GST_SECOND,
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
  tcase_add_test (tc, test_wrong_kind_does_not_link);
  return s;
}

GST_CHECK_MAIN (join);
