/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gst/audio/audio.h>
#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/video/video.h>

#include <glib/gstdio.h>
#include <string.h>

#include "score/avm-smf.h"

/* What arrived at a sink called by the name of the stream */
typedef struct {
  GChecksum *checksum;
  guint buffers, gaps, metas, discont;
  guint64 bytes;
  GstClockTime first, last_end, last;
  gboolean in_order, sparse, flush;
  GPtrArray *events;
  gulong probe;
  GstPad *pad;
  GMutex lock;
} Collector;

static void
collect_buffer (Collector *c, GstPad *pad, GstBuffer *buffer)
{
  GstMapInfo map;
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gpointer state = NULL;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_checksum_update (c->checksum, map.data, (gssize)map.size);
  c->bytes += map.size;
  gst_buffer_unmap (buffer, &map);
  if (c->first == GST_CLOCK_TIME_NONE)
    c->first = GST_BUFFER_PTS (buffer);
  c->in_order = c->in_order
      && (c->last == GST_CLOCK_TIME_NONE || GST_BUFFER_PTS (buffer) >= c->last);
  c->last = GST_BUFFER_PTS (buffer);
  c->last_end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
  c->discont += GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  while (gst_buffer_iterate_avm_region_meta (buffer, &state) != NULL)
    c->metas++;
  if (gst_structure_has_name (
          gst_caps_get_structure (caps, 0), GST_AVM_EVENTS_MEDIA_TYPE)) {
    GPtrArray *events = gst_avm_events_buffer_parse (buffer, NULL);

    fail_unless (events != NULL && events->len == 1);
    g_ptr_array_add (
        c->events, gst_avm_event_copy (g_ptr_array_index (events, 0)));
    g_ptr_array_unref (events);
  }
  gst_caps_unref (caps);
  c->buffers++;
}

static void
forget (Collector *c)
{
  g_checksum_reset (c->checksum);
  g_ptr_array_set_size (c->events, 0);
  c->buffers = c->gaps = c->metas = c->discont = 0;
  c->bytes = 0;
  c->first = c->last = c->last_end = GST_CLOCK_TIME_NONE;
  c->in_order = TRUE;
}

static GstPadProbeReturn
collect (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Collector *c = data;

  g_mutex_lock (&c->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    collect_buffer (c, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  } else {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    GstStreamFlags flags;

    switch (GST_EVENT_TYPE (event)) {
      case GST_EVENT_GAP:
        c->gaps++;
        break;
      case GST_EVENT_FLUSH_STOP:
        forget (c);
        c->flush = TRUE;
        break;
      case GST_EVENT_STREAM_START:
        gst_event_parse_stream_flags (event, &flags);
        c->sparse = (flags & GST_STREAM_FLAG_SPARSE) != 0;
        break;
      default:
        break;
    }
  }
  g_mutex_unlock (&c->lock);
  return GST_PAD_PROBE_OK;
}

static Collector *
collector_new (GstElement *pipeline, const gchar *sink)
{
  Collector *c = g_new0 (Collector, 1);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), sink);

  fail_unless (element != NULL, "no sink %s", sink);
  g_mutex_init (&c->lock);
  c->checksum = g_checksum_new (G_CHECKSUM_SHA1);
  c->events =
      g_ptr_array_new_with_free_func ((GDestroyNotify)gst_avm_event_free);
  forget (c);
  c->pad = gst_element_get_static_pad (element, "sink");
  c->probe = gst_pad_add_probe (c->pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      collect, c, NULL);
  gst_object_unref (element);
  return c;
}

static void
collector_free (Collector *c)
{
  gst_pad_remove_probe (c->pad, c->probe);
  gst_object_unref (c->pad);
  g_checksum_free (c->checksum);
  g_ptr_array_unref (c->events);
  g_mutex_clear (&c->lock);
  g_free (c);
}

static GstElement *
launch (const gchar *description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  fail_unless (pipeline != NULL && error == NULL, "%s",
      error != NULL ? error->message : "no pipeline");
  return pipeline;
}

/* Until EOS or an error, whose text is given back. */
static gchar *
wait_end (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gchar *text = NULL;

  fail_unless (message != NULL, "neither end nor error");
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error;

    gst_message_parse_error (message, &error, NULL);
    text = g_strdup (error->message);
    g_error_free (error);
  }
  gst_message_unref (message);
  gst_object_unref (bus);
  return text;
}

static void
stop (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
run (GstElement *pipeline)
{
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  fail_unless (error == NULL, "%s", error);
}

/* Runs one stream alone and gives its checksum. */
static gchar *
hash_alone (const gchar *properties, const gchar *stream, const gchar *filter)
{
  gchar *text =
      g_strdup_printf ("avmtestsrc name=t %s t.%s ! %s fakesink name=s",
          properties, stream, filter);
  GstElement *pipeline = launch (text);
  Collector *c = collector_new (pipeline, "s");
  gchar *hash;

  run (pipeline);
  fail_unless (c->buffers > 0);
  hash = g_strdup (g_checksum_get_string (c->checksum));
  stop (pipeline);
  collector_free (c);
  g_free (text);
  return hash;
}

#define SMALL "video/x-raw,width=160,height=90,framerate=25/1 ! "

GST_START_TEST (test_deterministic)
{
  static const gchar *const streams[] = {"video", "audio", "audio_1", "notes",
      "vibrato", "activity", "association", "regions"};
  const gchar *properties = "seed=5 players=3 num-seconds=4";
  GString *text = g_string_new ("avmtestsrc name=t ");
  Collector *all[G_N_ELEMENTS (streams)];
  GstElement *pipeline;

  g_string_append (text, properties);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_string_append_printf (text, " t.%s ! queue ! %s fakesink name=%s",
        streams[i], i == 0 ? SMALL : "", streams[i]);
  pipeline = launch (text->str);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    all[i] = collector_new (pipeline, streams[i]);
  run (pipeline);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    gchar *alone, *other;

    if (g_str_equal (streams[i], "regions")) {
      /* in px of the video pad, which is not there when it is alone */
      fail_unless_equals_int (all[i]->buffers, 100);
    } else {
      alone = hash_alone (properties, streams[i], i == 0 ? SMALL : "");
      other = hash_alone (
          "seed=6 players=3 num-seconds=4", streams[i], i == 0 ? SMALL : "");
      fail_unless_equals_string (
          alone, g_checksum_get_string (all[i]->checksum));
      fail_if (g_str_equal (alone, other), "%s ignores the seed", streams[i]);
      g_free (alone);
      g_free (other);
    }
    fail_unless (all[i]->in_order, "%s", streams[i]);
    fail_unless (all[i]->sparse == (i >= 3 && i <= 6), "%s", streams[i]);
  }
  stop (pipeline);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    collector_free (all[i]);
  g_string_free (text, TRUE);
}
GST_END_TEST;

GST_START_TEST (test_frame_rates)
{
  static const gint rates[][2] = {{30000, 1001}, {24000, 1001}, {25, 1},
      {60, 1}, {15, 2}, {1, 1}, {120, 1}};

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    gchar *text = g_strdup_printf (
        "avmtestsrc name=t players=1 num-seconds=2.5 t.video ! "
        "video/x-raw,format=GRAY8,width=64,height=36,framerate=%d/%d ! "
        "fakesink name=s",
        rates[i][0], rates[i][1]);
    GstElement *pipeline = launch (text);
    Collector *c = collector_new (pipeline, "s");
    guint64 frames;

    run (pipeline);
    frames = gst_util_uint64_scale_ceil (
        5 * GST_SECOND / 2, rates[i][0], GST_SECOND * (guint64)rates[i][1]);
    fail_unless_equals_uint64 (c->buffers, frames);
    fail_unless_equals_uint64 (c->last,
        gst_util_uint64_scale (
            frames - 1, GST_SECOND * (guint64)rates[i][1], rates[i][0]));
    fail_unless_equals_uint64 (c->first, 0);
    stop (pipeline);
    collector_free (c);
    g_free (text);
  }
}
GST_END_TEST;

GST_START_TEST (test_audio_length)
{
  static const gint rates[] = {8000, 22050, 44100, 48000, 96000};

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    for (gint channels = 1; channels <= 2; channels++) {
      gchar *text =
          g_strdup_printf ("avmtestsrc name=t players=2 num-seconds=2.3456789 "
                           "t.audio ! audio/x-raw,format=" GST_AUDIO_NE (
                               S16) ",rate=%d,channels=%d ! fakesink name=s",
              rates[i], channels);
      GstElement *pipeline = launch (text);
      Collector *c = collector_new (pipeline, "s");
      guint64 samples =
          gst_util_uint64_scale_round (2345678900, rates[i], GST_SECOND);

      run (pipeline);
      fail_unless_equals_uint64 (c->bytes, samples * 2 * channels);
      fail_unless_equals_uint64 (c->last_end,
          gst_util_uint64_scale_round (samples, GST_SECOND, rates[i]));
      stop (pipeline);
      collector_free (c);
      g_free (text);
    }
  }
}
GST_END_TEST;

static GstAvmEvent *
nth (Collector *c, guint i)
{
  return g_ptr_array_index (c->events, i);
}

GST_START_TEST (test_truth)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t players=4 seed=3 num-seconds=20 "
              "t.notes ! fakesink name=n t.vibrato ! fakesink name=v "
              "t.activity ! fakesink name=a t.association ! fakesink name=s");
  Collector *notes = collector_new (pipeline, "n");
  Collector *vibrato = collector_new (pipeline, "v");
  Collector *activity = collector_new (pipeline, "a");
  Collector *association = collector_new (pipeline, "s");
  GstClockTime covered = 0;
  guint n_vibrato = 0;

  run (pipeline);
  fail_unless (notes->events->len > 20);
  fail_unless (notes->gaps > 10);
  fail_unless_equals_int (notes->events->len, vibrato->events->len);
  for (guint i = 0; i < notes->events->len; i++) {
    GstAvmEvent *n = nth (notes, i), *v = nth (vibrato, i);
    gdouble pitch, pitch_too, rate, extent;
    gboolean has;

    fail_unless_equals_uint64 (n->onset, v->onset);
    fail_unless_equals_int (n->part, v->part);
    fail_unless_equals_int (n->region + 100, v->region);
    fail_unless (gst_avm_event_get_double (n, "pitch", &pitch));
    fail_unless (gst_avm_event_get_double (v, "pitch", &pitch_too));
    fail_unless (pitch == pitch_too);
    fail_unless (gst_avm_event_get_boolean (v, "vibrato", &has));
    n_vibrato += has;
    if (!has)
      continue;
    fail_unless (gst_avm_event_get_double (v, "rate", &rate));
    fail_unless (gst_avm_event_get_double (v, "extent", &extent));
    fail_unless (rate >= 5.0 && rate <= 8.0, "%g Hz", rate);
    fail_unless (extent >= 20.0 && extent <= 80.0, "%g cents", extent);
  }
  fail_unless (n_vibrato > 3 && n_vibrato < notes->events->len);

  /* every player is accounted for at any time */
  for (guint i = 0; i < activity->events->len; i++)
    covered += nth (activity, i)->duration;
  fail_unless_equals_uint64 (covered, 4 * 20 * GST_SECOND);

  /* one part per region; hands and players of a seat agree */
  fail_unless_equals_int (association->events->len, 16);
  for (guint i = 0; i < 16; i++) {
    GstAvmEvent *e = nth (association, i);

    fail_unless_equals_int (e->part, nth (association, i % 4)->part);
    fail_unless_equals_int (e->region, (gint)(100 * (i / 4 + 1) + 1 + i % 4));
    for (guint k = 0; k < i % 4; k++)
      fail_if (nth (association, k)->part == e->part);
  }
  stop (pipeline);
  collector_free (notes);
  collector_free (vibrato);
  collector_free (activity);
  collector_free (association);
}
GST_END_TEST;

GST_START_TEST (test_regions)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t players=2 num-seconds=1 attach-regions=true "
              "t.video ! queue ! video/x-raw,width=320,height=180,"
              "framerate=30000/1001 ! fakesink name=v "
              "t.regions ! queue ! fakesink name=r");
  Collector *video = collector_new (pipeline, "v");
  Collector *regions = collector_new (pipeline, "r");
  GstAvmSeriesInfo *info;
  GstCaps *caps;
  gint n, d;

  run (pipeline);
  fail_unless_equals_int (video->buffers, 30);
  fail_unless_equals_int (video->metas, 30 * 8);
  fail_unless_equals_int (regions->buffers, 30);
  fail_unless_equals_uint64 (regions->last, video->last);
  caps = gst_pad_get_current_caps (regions->pad);
  info = gst_avm_series_info_new_from_caps (caps, NULL);
  fail_unless (info != NULL);
  gst_avm_series_info_get_rate (info, &n, &d);
  fail_unless_equals_int (n, 30000);
  fail_unless_equals_int (d, 1001);
  fail_unless_equals_int (gst_avm_series_info_get_n_channels (info), 2 * 16);
  fail_unless (
      gst_avm_series_info_find_channel (info, "x", 202, GST_AVM_ANY) >= 0);
  gst_avm_series_info_free (info);
  gst_caps_unref (caps);
  stop (pipeline);
  collector_free (video);
  collector_free (regions);
}
GST_END_TEST;

/* gst-launch-1.0 -e: the end comes to all pads, whatever they wait for. */
GST_START_TEST (test_eos_event)
{
  GstElement *pipeline = launch ("avmtestsrc name=t num-seconds=600 players=2 "
                                 "t.video ! " SMALL "fakesink sync=true name=v "
                                 "t.audio ! fakesink sync=true name=a "
                                 "t.notes ! fakesink sync=true name=n");
  GstBus *bus = gst_element_get_bus (pipeline);
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  g_usleep (200000);
  fail_unless (gst_element_send_event (pipeline, gst_event_new_eos ()));
  error = wait_end (pipeline);
  fail_unless (error == NULL, "%s", error);
  gst_object_unref (bus);
  stop (pipeline);
}
GST_END_TEST;

GST_START_TEST (test_seek)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t num-seconds=6 players=2 seed=2 "
              "t.video ! " SMALL "fakesink name=v "
              "t.audio ! audio/x-raw,format=" GST_AUDIO_NE (
                  S16) ",rate=48000,channels=1 ! fakesink name=a "
                       "t.notes ! fakesink name=n");
  Collector *video = collector_new (pipeline, "v");
  Collector *audio = collector_new (pipeline, "a");
  Collector *notes = collector_new (pipeline, "n");
  gint64 position;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (
      gst_element_query_duration (pipeline, GST_FORMAT_TIME, &position));
  fail_unless_equals_uint64 (position, 6 * GST_SECOND);
  for (guint i = 0; i < 3; i++) {
    GstClockTime from = (3 - i) * GST_SECOND + 10 * GST_MSECOND;
    guint alive = 0;

    fail_unless (gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME,
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET, from,
        GST_SEEK_TYPE_SET, from + GST_SECOND));
    run (pipeline);
    fail_unless (video->flush && audio->flush && notes->flush);
    /* the frame that is seen at the start; audio to the sample */
    fail_unless (
        video->first <= from && video->first + 40 * GST_MSECOND > from);
    fail_unless_equals_int (video->buffers, 26);
    fail_unless_equals_uint64 (audio->first, from);
    fail_unless_equals_uint64 (audio->bytes, 48000 * 2);
    fail_unless_equals_int (audio->discont, 1);
    for (guint k = 0; k < notes->events->len; k++) {
      GstAvmEvent *e = nth (notes, k);

      fail_unless (e->onset + e->duration > from);
      fail_unless (e->onset < from + GST_SECOND);
      alive++;
    }
    fail_unless (alive > 0);
  }
  /* backwards is refused */
  fail_if (
      gst_element_seek (pipeline, -1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, GST_SECOND));
  stop (pipeline);
  collector_free (video);
  collector_free (audio);
  collector_free (notes);
}
GST_END_TEST;

/* A loop: the end of the segment is told once, and no stream ends. */
GST_START_TEST (test_segment_seek)
{
  GstElement *pipeline = launch (
      "avmtestsrc name=t num-seconds=4 players=1 "
      "t.audio ! fakesink name=a t.notes ! fakesink t.regions ! fakesink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gint64 position;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT, GST_SEEK_TYPE_SET, 0,
      GST_SEEK_TYPE_SET, GST_SECOND));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint loop = 0; loop < 3; loop++) {
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    fail_unless_equals_int (
        GST_MESSAGE_TYPE (message), GST_MESSAGE_SEGMENT_DONE);
    gst_message_parse_segment_done (message, NULL, &position);
    fail_unless_equals_uint64 (position, GST_SECOND);
    gst_message_unref (message);
    fail_unless (
        gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_SEGMENT,
            GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_SET, GST_SECOND));
  }
  gst_object_unref (bus);
  stop (pipeline);
}
GST_END_TEST;

/* Seeks at any moment: the last one holds. */
GST_START_TEST (test_many_seeks)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t num-seconds=8 players=2 "
              "t.video ! " SMALL "queue ! fakesink name=v "
              "t.audio ! queue ! fakesink name=a t.audio_1 ! fakesink "
              "t.notes ! fakesink t.activity ! queue ! fakesink "
              "t.regions ! fakesink");
  Collector *video = collector_new (pipeline, "v");
  Collector *audio = collector_new (pipeline, "a");
  GRand *rand = g_rand_new_with_seed (1);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = NULL;
  GstEvent *event;
  guint32 seqnum;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 40; i++) {
    GstClockTime to = (GstClockTime)g_rand_int_range (rand, 0, 7) * GST_SECOND;

    fail_unless_equals_int (
        gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND),
        GST_STATE_CHANGE_SUCCESS);
    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, (gint64)to));
    g_usleep ((gulong)g_rand_int_range (rand, 0, 8000));
  }
  event = gst_event_new_seek (1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
      GST_SEEK_TYPE_SET, 7 * GST_SECOND, GST_SEEK_TYPE_NONE, 0);
  seqnum = gst_event_get_seqnum (event);
  fail_unless (gst_element_send_event (pipeline, event));
  /* an earlier end may still be on the bus */
  do {
    gst_clear_message (&message);
    message = gst_bus_timed_pop_filtered (
        bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (
        message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  } while (gst_message_get_seqnum (message) != seqnum);
  gst_message_unref (message);
  gst_object_unref (bus);
  /* a sink's end before the flush may count as its end after it, so that the
   * message comes before the sound has ended */
  for (guint i = 0; i < 10000 && audio->last_end != 8 * GST_SECOND; i++)
    g_usleep (1000);
  for (guint i = 0; i < 10000 && video->buffers < 25; i++)
    g_usleep (1000);
  fail_unless_equals_int (video->buffers, 25);
  fail_unless_equals_uint64 (audio->first, 7 * GST_SECOND);
  fail_unless_equals_uint64 (audio->last_end, 8 * GST_SECOND);
  g_rand_free (rand);
  stop (pipeline);
  collector_free (video);
  collector_free (audio);
}
GST_END_TEST;

GST_START_TEST (test_live)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t is-live=true num-seconds=0.6 players=2 "
              "t.video ! queue ! " SMALL "fakesink sync=true name=v "
              "t.audio ! queue ! fakesink sync=true name=a "
              "t.activity ! queue ! fakesink sync=true name=n");
  Collector *video = collector_new (pipeline, "v");
  Collector *activity = collector_new (pipeline, "n");
  GstQuery *query = gst_query_new_latency ();
  GstClockTime least, most;
  gint64 began, took;
  gboolean live;
  gchar *error;

  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  g_usleep (50000);
  fail_unless_equals_int (video->buffers, 0);
  began = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (gst_element_query (pipeline, query));
  gst_query_parse_latency (query, &live, &least, &most);
  fail_unless (live);
  fail_unless (least >= 20 * GST_MSECOND && least <= 200 * GST_MSECOND);
  error = wait_end (pipeline);
  fail_unless (error == NULL, "%s", error);
  took = g_get_monotonic_time () - began;
  fail_unless (took >= 500000, "%" G_GINT64_FORMAT " us", took);
  fail_unless_equals_int (video->buffers, 15);
  /* news comes in small portions, not all at once */
  fail_unless (activity->gaps >= 5, "%u gaps", activity->gaps);
  gst_query_unref (query);
  stop (pipeline);
  collector_free (video);
  collector_free (activity);
}
GST_END_TEST;

/* A pause stops the clock of the ensemble too. */
GST_START_TEST (test_live_pause)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t is-live=true num-seconds=1.5 players=1 "
              "t.audio ! queue ! fakesink sync=true name=a "
              "t.notes ! queue ! fakesink sync=true");
  Collector *audio = collector_new (pipeline, "a");
  guint paused;
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_usleep (300000);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, 5 * GST_SECOND);
  g_usleep (50000);
  paused = audio->buffers;
  fail_unless (paused < 60, "%u buffers", paused);
  g_usleep (300000);
  fail_unless (audio->buffers <= paused + 1);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  fail_unless (error == NULL, "%s", error);
  fail_unless_equals_uint64 (audio->last_end, 1500 * GST_MSECOND);
  fail_unless_equals_uint64 (audio->bytes, 72000 * 8);
  fail_unless_equals_int (audio->discont, 1);
  stop (pipeline);
  collector_free (audio);
}
GST_END_TEST;

static gchar *
error_of (const gchar *properties)
{
  gchar *text =
      g_strdup_printf ("avmtestsrc name=t %s t.audio ! fakesink", properties);
  GstElement *pipeline = launch (text);
  gchar *error;

  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PLAYING),
      GST_STATE_CHANGE_FAILURE);
  error = wait_end (pipeline);
  fail_unless (error != NULL);
  stop (pipeline);
  g_free (text);
  return error;
}

GST_START_TEST (test_bad_scores)
{
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "bad.mid", NULL), *text, *error;
  static const gchar midi[] =
      "MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x20\0\x90\x40";

  text = g_strdup_printf ("score=\"%s\"", path);
  error = error_of (text);
  fail_unless (strstr (error, path) != NULL, "%s", error);
  g_free (error);
  fail_unless (g_file_set_contents (path, "no music at all", -1, NULL));
  error = error_of (text);
  fail_unless (strstr (error, path) != NULL, "%s", error);
  g_free (error);
  fail_unless (g_file_set_contents (path, midi, sizeof (midi) - 1, NULL));
  error = error_of (text);
  fail_unless (strstr (error, path) != NULL, "%s", error);
  g_free (error);
  fail_unless (g_file_set_contents (path, "", 0, NULL));
  g_free (error_of (text));
  g_free (text);
  text = g_strdup_printf ("write-score=\"%s/none/here.mid\"", dir);
  error = error_of (text);
  fail_unless (strstr (error, "here.mid") != NULL, "%s", error);
  g_free (error);
  g_unlink (path);
  g_rmdir (dir);
  g_free (text);
  g_free (path);
  g_free (dir);
}
GST_END_TEST;

static guint
count_notes (const gchar *properties)
{
  gchar *text = g_strdup_printf (
      "avmtestsrc name=t %s t.notes ! fakesink name=s", properties);
  GstElement *pipeline = launch (text);
  Collector *c = collector_new (pipeline, "s");
  guint n;

  run (pipeline);
  n = c->events->len;
  stop (pipeline);
  collector_free (c);
  g_free (text);
  return n;
}

/* The score that is written is the one that is played, and can be played. */
GST_START_TEST (test_score)
{
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "piece.mid", NULL);
  gchar *write =
      g_strdup_printf ("players=3 num-seconds=12 write-score=\"%s\"", path);
  gchar *read = g_strdup_printf ("players=3 score=\"%s\"", path);
  gchar *fewer = g_strdup_printf ("players=1 score=\"%s\"", path);
  gchar *more = g_strdup_printf ("players=6 score=\"%s\"", path);
  guint n = count_notes (write), first = 0;
  AvmScore *score = avm_smf_read (path, NULL);

  fail_unless (score != NULL);
  fail_unless_equals_int (score->n_parts, 3);
  fail_unless_equals_int (score->n_notes, n);
  for (size_t i = 0; i < score->n_notes; i++)
    first += score->notes[i].part == 0;
  fail_unless_equals_int (count_notes (read), n);
  fail_unless_equals_int (count_notes (fewer), first);
  fail_unless_equals_int (count_notes (more), 2 * n);
  avm_score_free (score);
  g_unlink (path);
  g_rmdir (dir);
  g_free (dir);
  g_free (path);
  g_free (write);
  g_free (read);
  g_free (fewer);
  g_free (more);
}
GST_END_TEST;

/* Pads without a peer are no hindrance; pads can come and go. */
GST_START_TEST (test_pads)
{
  GstElement *pipeline = launch ("avmtestsrc name=t num-seconds=30 players=2 "
                                 "t.audio ! fakesink sync=true name=a");
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "t");
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *lonely = gst_element_request_pad_simple (source, "video");
  GstElement *other = gst_element_factory_make ("fakesink", NULL);
  GstPad *late, *part, *new;

  g_object_set (sink, "async", FALSE, NULL);
  fail_unless (lonely != NULL);
  part = gst_element_request_pad_simple (source, "audio_%u");
  fail_unless_equals_string (GST_PAD_NAME (part), "audio_0");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 10 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  gst_bin_add (GST_BIN (pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  late = gst_element_get_static_pad (sink, "sink");
  fail_unless_equals_int (gst_pad_link (lonely, late), GST_PAD_LINK_OK);
  for (guint i = 0; i < 500 && !gst_pad_has_current_caps (late); i++)
    g_usleep (10000);
  fail_unless (gst_pad_has_current_caps (late), "nothing came to a late peer");
  gst_object_unref (late);
  g_object_set (other, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (pipeline), other);
  gst_element_sync_state_with_parent (other);
  late = gst_element_get_static_pad (other, "sink");
  new = gst_element_request_pad_simple (source, "notes");
  fail_unless_equals_int (gst_pad_link (new, late), GST_PAD_LINK_OK);
  for (guint i = 0; i < 500 && !gst_pad_has_current_caps (late); i++)
    g_usleep (10000);
  fail_unless (gst_pad_has_current_caps (late), "a new pad stays silent");
  gst_object_unref (new);
  gst_element_release_request_pad (source, part);
  gst_element_release_request_pad (source, lonely);
  gst_object_unref (part);
  gst_object_unref (lonely);
  gst_object_unref (late);
  gst_object_unref (source);
  stop (pipeline);
}
GST_END_TEST;

/* Another size and another rate while it runs */
GST_START_TEST (test_renegotiate)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t num-seconds=4 players=2 "
              "t.video ! capsfilter name=f "
              "caps=video/x-raw,width=160,height=90,framerate=25/1 ! "
              "fakesink name=v sync=true "
              "t.audio ! capsfilter name=g caps=audio/x-raw,rate=48000 ! "
              "fakesink name=a sync=true");
  GstElement *video_filter = gst_bin_get_by_name (GST_BIN (pipeline), "f");
  GstElement *audio_filter = gst_bin_get_by_name (GST_BIN (pipeline), "g");
  Collector *video = collector_new (pipeline, "v");
  Collector *audio = collector_new (pipeline, "a");
  GstCaps *caps;
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 20 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  g_usleep (300000);
  caps = gst_caps_from_string (
      "video/x-raw,width=64,height=64,format=GRAY8,framerate=10/1");
  g_object_set (video_filter, "caps", caps, NULL);
  gst_caps_unref (caps);
  caps = gst_caps_from_string ("audio/x-raw,rate=8000,channels=1");
  g_object_set (audio_filter, "caps", caps, NULL);
  gst_caps_unref (caps);
  error = wait_end (pipeline);
  fail_unless (error == NULL, "%s", error);
  fail_unless (
      video->buffers < 70 && video->buffers > 40, "%u frames", video->buffers);
  fail_unless (video->in_order && audio->in_order);
  fail_unless_equals_uint64 (video->last_end, 4 * GST_SECOND);
  fail_unless_equals_uint64 (audio->last_end, 4 * GST_SECOND);
  gst_object_unref (video_filter);
  gst_object_unref (audio_filter);
  stop (pipeline);
  collector_free (video);
  collector_free (audio);
}
GST_END_TEST;

GST_START_TEST (test_odd_sizes)
{
  static const gchar *const formats[] = {"width=1,height=1",
      "width=3,height=5,format=YV12", "width=33,height=700,format=GRAY8"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    gchar *text = g_strdup_printf (
        "avmtestsrc name=t num-seconds=0.3 players=8 occlusion=60 cuts=60 "
        "shake=20 pan=120 t.video ! video/x-raw,framerate=30/1,%s ! "
        "fakesink name=v",
        formats[i]);
    GstElement *pipeline = launch (text);
    Collector *c = collector_new (pipeline, "v");

    run (pipeline);
    fail_unless_equals_int (c->buffers, 9);
    stop (pipeline);
    collector_free (c);
    g_free (text);
  }
}
GST_END_TEST;

/* Up and down, and a very short performance */
GST_START_TEST (test_again)
{
  GstElement *pipeline = launch (
      "avmtestsrc name=t num-seconds=0.05 players=8 "
      "t.video ! " SMALL "fakesink name=v t.audio ! fakesink name=a "
      "t.notes ! fakesink name=n t.vibrato ! fakesink t.activity ! fakesink "
      "t.association ! fakesink t.regions ! fakesink t.audio_7 ! fakesink");

  for (guint i = 0; i < 3; i++) {
    Collector *c = collector_new (pipeline, "a");

    run (pipeline);
    fail_unless_equals_uint64 (c->bytes, 2400 * 8);
    gst_element_set_state (pipeline, GST_STATE_READY);
    collector_free (c);
  }
  stop (pipeline);
}
GST_END_TEST;

#define ORCHESTRA "scene=orchestra players=14 seed=4 "

static gchar *
get_string (const GstAvmEvent *event, const gchar *field)
{
  const gchar *text = gst_avm_event_get_string (event, field);

  fail_unless (text != NULL, "no %s", field);
  return g_strdup (text);
}

static gint
get_int (const GstAvmEvent *event, const gchar *field)
{
  gint value;

  fail_unless (gst_avm_event_get_int (event, field, &value), "no %s", field);
  return value;
}

/* All pads of an orchestra give the same alone as together. */
GST_START_TEST (test_orchestra_deterministic)
{
  static const gchar *const streams[] = {"video", "video_0", "video_2", "audio",
      "notes", "activity", "association", "appearance", "shots", "regions"};
  const gchar *properties = ORCHESTRA "num-seconds=2 cameras=3 cuts=60";
  GString *text = g_string_new ("avmtestsrc name=t ");
  GPtrArray *collectors =
      g_ptr_array_new_with_free_func ((GDestroyNotify)collector_free);
  GstElement *pipeline;

  g_string_append (text, properties);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_string_append_printf (text, " t.%s ! queue ! %s fakesink name=%s",
        streams[i], g_str_has_prefix (streams[i], "video") ? SMALL : "",
        streams[i]);
  pipeline = launch (text->str);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_ptr_array_add (collectors, collector_new (pipeline, streams[i]));
  run (pipeline);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
    Collector *c = g_ptr_array_index (collectors, i);
    gchar *alone;

    /* boxes are in px of the video pads, which are not there alone */
    if (g_str_equal (streams[i], "appearance")
        || g_str_equal (streams[i], "regions"))
      continue;
    alone = hash_alone (properties, streams[i],
        g_str_has_prefix (streams[i], "video") ? SMALL : "");
    fail_unless_equals_string (alone, g_checksum_get_string (c->checksum));
    g_free (alone);
  }
  stop (pipeline);
  g_ptr_array_unref (collectors);
  g_string_free (text, TRUE);
}
GST_END_TEST;

/* Who plays is said of everybody at any time, and of a part only while it has
 * notes. */
GST_START_TEST (test_orchestra_activity)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t " ORCHESTRA "num-seconds=30 absence=0 "
              "t.notes ! fakesink name=n t.activity ! fakesink name=a "
              "t.association ! fakesink name=s");
  Collector *notes = collector_new (pipeline, "n");
  Collector *activity = collector_new (pipeline, "a");
  Collector *association = collector_new (pipeline, "s");
  GHashTable *names =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GstClockTime covered = 0, rests = 0;

  run (pipeline);
  fail_unless_equals_int (association->events->len, 4 * 14);
  for (guint i = 0; i < activity->events->len; i++) {
    GstAvmEvent *e = nth (activity, i);
    GstClockTime sounding = 0;
    gboolean playing;

    covered += e->duration;
    g_hash_table_add (names, get_string (e, "player"));
    fail_unless_equals_int (get_int (e, "cluster") + 101, e->region);
    fail_unless (gst_avm_event_get_boolean (e, "playing", &playing));
    rests += playing ? 0 : e->duration;
    for (guint k = 0; k < notes->events->len; k++) {
      GstAvmEvent *note = nth (notes, k);
      GstClockTime from = MAX (note->onset, e->onset);
      GstClockTime to =
          MIN (note->onset + note->duration, e->onset + e->duration);

      if (note->part == e->part && to > from)
        sounding += to - from;
    }
    if (playing)
      fail_unless (sounding > e->duration / 2, "%s plays nothing",
          gst_avm_event_get_string (e, "player"));
    else
      fail_unless (sounding < 60 * GST_MSECOND, "%s rests in %" GST_TIME_FORMAT,
          gst_avm_event_get_string (e, "player"), GST_TIME_ARGS (sounding));
  }
  fail_unless_equals_uint64 (covered, 14 * 30 * GST_SECOND);
  fail_unless (rests > 14 * 5 * GST_SECOND && rests < 14 * 25 * GST_SECOND);
  fail_unless_equals_int (g_hash_table_size (names), 14);
  g_hash_table_unref (names);
  stop (pipeline);
  collector_free (notes);
  collector_free (activity);
  collector_free (association);
}
GST_END_TEST;

typedef struct {
  GstClockTime pts;
  gint id;
  gfloat x, w, seen;
} Seen;

static GstPadProbeReturn
keep_faces (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GArray *faces = data;
  GstAvmRegionMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_avm_region_meta (buffer, &state)) != NULL) {
    Seen seen = {GST_BUFFER_PTS (buffer), meta->region.id, meta->region.x,
        meta->region.w, meta->region.confidence};

    if (meta->region.id > 400)
      g_array_append_val (faces, seen);
  }
  return GST_PAD_PROBE_OK;
}

static const GstAvmEvent *
event_at (Collector *c, GstClockTime time, gint region, gint camera)
{
  for (guint i = 0; i < c->events->len; i++) {
    const GstAvmEvent *e = nth (c, i);

    if (e->onset <= time && time < e->onset + e->duration && e->region == region
        && (camera < 0 || get_int (e, "camera") == camera))
      return e;
  }
  return NULL;
}

/* Shots follow each other; regions of the programme are those that the
 * appearances of the camera tell. */
GST_START_TEST (test_orchestra_cameras)
{
  GstElement *pipeline = launch (
      "avmtestsrc name=t " ORCHESTRA "num-seconds=8 cameras=3 cuts=30 "
      "attach-regions=true t.video ! queue ! "
      "video/x-raw,width=640,height=360,framerate=4/1 ! fakesink name=v "
      "t.shots ! queue ! fakesink name=s t.appearance ! queue ! "
      "fakesink name=p");
  Collector *shots = collector_new (pipeline, "s");
  Collector *appearance = collector_new (pipeline, "p");
  Collector *video = collector_new (pipeline, "v");
  GArray *faces = g_array_new (FALSE, FALSE, sizeof (Seen));
  gulong probe = gst_pad_add_probe (
      video->pad, GST_PAD_PROBE_TYPE_BUFFER, keep_faces, faces, NULL);
  GstClockTime at = 0;
  guint checked = 0;

  run (pipeline);
  fail_unless (shots->events->len >= 3);
  for (guint i = 0; i < shots->events->len; i++) {
    fail_unless_equals_uint64 (nth (shots, i)->onset, at);
    at += nth (shots, i)->duration;
    fail_unless_equals_string (
        gst_avm_event_get_string (nth (shots, i), "transition"),
        i == 0 ? "start" : "cut");
  }
  fail_unless_equals_uint64 (at, 8 * GST_SECOND);
  for (guint i = 0; i < faces->len; i++) {
    const Seen *seen = &g_array_index (faces, Seen, i);
    const GstAvmEvent *shot = event_at (shots, seen->pts, -1, -1), *e;
    gdouble x, w;

    fail_unless (shot != NULL);
    e = event_at (appearance, seen->pts, seen->id, get_int (shot, "camera"));
    fail_unless ((e != NULL) == (seen->seen >= 0.5f), "face %d at %g", seen->id,
        seen->pts * 1e-9);
    if (e == NULL)
      continue;
    fail_unless (gst_avm_event_get_double (e, "x", &x));
    fail_unless (gst_avm_event_get_double (e, "w", &w));
    fail_unless (ABS (x - seen->x) < 0.5 * w && ABS (w - seen->w) < 0.05 * w);
    fail_unless_equals_int (get_int (e, "cluster"), seen->id - 401);
    checked++;
  }
  fail_unless (checked > 100, "%u faces", checked);
  gst_pad_remove_probe (video->pad, probe);
  g_array_unref (faces);
  stop (pipeline);
  collector_free (shots);
  collector_free (appearance);
  collector_free (video);
}
GST_END_TEST;

/* The ensemble's excursions are shots too. */
GST_START_TEST (test_ensemble_shots)
{
  GstElement *pipeline =
      launch ("avmtestsrc name=t players=2 cuts=20 num-seconds=30 "
              "t.shots ! fakesink name=s");
  Collector *shots = collector_new (pipeline, "s");
  GstClockTime at = 0;

  run (pipeline);
  fail_unless (shots->events->len > 10);
  for (guint i = 0; i < shots->events->len; i++) {
    gint framing = get_int (nth (shots, i), "camera");

    fail_unless_equals_uint64 (nth (shots, i)->onset, at);
    fail_unless ((framing == 0) == (i % 2 == 0), "one excursion at a time");
    at += nth (shots, i)->duration;
  }
  fail_unless_equals_uint64 (at, 30 * GST_SECOND);
  stop (pipeline);
  collector_free (shots);
}
GST_END_TEST;

GST_START_TEST (test_orchestra_faults)
{
  static const struct {
    const gchar *text, *error;
  } faults[] = {
      {"avmtestsrc name=t players=9 t.notes ! fakesink", "no more than 8"},
      {"avmtestsrc name=t t.video_1 ! fakesink", "no camera 1"},
      {"avmtestsrc name=t scene=orchestra cameras=2 num-seconds=1 t.video_3 ! "
       "fakesink",
          "no camera 3"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++) {
    GstElement *pipeline = launch (faults[i].text);
    gchar *error;

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    error = wait_end (pipeline);
    fail_unless (
        error != NULL && strstr (error, faults[i].error) != NULL, "%s", error);
    g_free (error);
    stop (pipeline);
  }
}
GST_END_TEST;

static void
write_file (const gchar *dir, const gchar *name, const gchar *text)
{
  gchar *path = g_build_filename (dir, name, NULL);

  fail_unless (g_file_set_contents (path, text, -1, NULL));
  g_free (path);
}

static gchar *
faces_error (const gchar *dir, gchar **hash)
{
  gchar *text = g_strdup_printf ("avmtestsrc name=t " ORCHESTRA
                                 "num-seconds=0.1 face-location=\"%s\" "
                                 "t.video ! " SMALL "fakesink name=s",
      dir);
  GstElement *pipeline = launch (text);
  Collector *c = collector_new (pipeline, "s");
  gchar *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  error = wait_end (pipeline);
  *hash = g_strdup (g_checksum_get_string (c->checksum));
  stop (pipeline);
  collector_free (c);
  g_free (text);
  return error;
}

/* Heads from a folder; what is wrong with the folder is said. */
GST_START_TEST (test_faces)
{
  static const gchar *const names[] = {"a.png", "b.PNG", "broken.jpg", "c.txt"};
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *plain = hash_alone (ORCHESTRA "num-seconds=0.1", "video", SMALL);
  gchar *hash, *error = faces_error (dir, &hash);

  fail_unless (error != NULL && strstr (error, "no face pictures") != NULL
          && strstr (error, dir) != NULL,
      "%s", error);
  g_free (error);
  g_free (hash);
  write_file (dir, "c.txt", "no picture");
  for (guint i = 0; i < 2; i++) {
    gchar *text =
        g_strdup_printf ("videotestsrc num-buffers=1 pattern=%s ! "
                         "video/x-raw,width=60,height=80 ! pngenc ! filesink "
                         "location=\"%s/%s\"",
            i == 0 ? "red" : "ball", dir, names[i]);
    GstElement *pipeline = launch (text);

    run (pipeline);
    stop (pipeline);
    g_free (text);
  }
  error = faces_error (dir, &hash);
  fail_unless (error == NULL, "%s", error);
  fail_if (g_str_equal (hash, plain));
  g_free (hash);
  write_file (dir, "broken.jpg", "no picture either");
  error = faces_error (dir, &hash);
  fail_unless (
      error != NULL && strstr (error, "broken.jpg") != NULL, "%s", error);
  g_free (error);
  g_free (hash);
  g_free (plain);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gchar *path = g_build_filename (dir, names[i], NULL);

    g_unlink (path);
    g_free (path);
  }
  g_rmdir (dir);
  g_free (dir);
}
GST_END_TEST;

/* A score's parts are the sections; one player is an orchestra too. */
GST_START_TEST (test_orchestra_score)
{
  gchar *dir = g_dir_make_tmp ("avm-XXXXXX", NULL);
  gchar *path = g_build_filename (dir, "piece.mid", NULL);
  gchar *write = g_strdup_printf (
      "scene=orchestra players=9 num-seconds=20 write-score=\"%s\"", path);
  gchar *read =
      g_strdup_printf ("scene=orchestra players=30 score=\"%s\"", path);
  guint n = count_notes (write);
  AvmScore *score = avm_smf_read (path, NULL);

  fail_unless (score != NULL);
  fail_unless_equals_int (score->n_parts, 5);
  fail_unless_equals_int (score->n_notes, n);
  fail_unless_equals_int (count_notes (read), n);
  fail_unless (count_notes ("scene=orchestra players=1 num-seconds=10") > 0);
  avm_score_free (score);
  g_unlink (path);
  g_rmdir (dir);
  g_free (dir);
  g_free (path);
  g_free (write);
  g_free (read);
}
GST_END_TEST;

static Suite *
avmtestsrc_suite (void)
{
  Suite *s = suite_create ("avmtestsrc");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_deterministic);
  tcase_add_test (tc, test_frame_rates);
  tcase_add_test (tc, test_audio_length);
  tcase_add_test (tc, test_truth);
  tcase_add_test (tc, test_regions);
  tcase_add_test (tc, test_eos_event);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_segment_seek);
  tcase_add_test (tc, test_many_seeks);
  tcase_add_test (tc, test_live);
  tcase_add_test (tc, test_live_pause);
  tcase_add_test (tc, test_bad_scores);
  tcase_add_test (tc, test_score);
  tcase_add_test (tc, test_pads);
  tcase_add_test (tc, test_renegotiate);
  tcase_add_test (tc, test_odd_sizes);
  tcase_add_test (tc, test_again);
  tcase_add_test (tc, test_orchestra_deterministic);
  tcase_add_test (tc, test_orchestra_activity);
  tcase_add_test (tc, test_orchestra_cameras);
  tcase_add_test (tc, test_ensemble_shots);
  tcase_add_test (tc, test_orchestra_faults);
  tcase_add_test (tc, test_orchestra_score);
  tcase_add_test (tc, test_faces);
  return s;
}

GST_CHECK_MAIN (avmtestsrc);
