/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the elements cost beyond their kernels, and what loading a plugin
 * costs. Buffers of 64 bytes or frames without regions run through an element
 * that has nothing to compute, and through identity, in turns; the difference
 * per buffer is the overhead.
 *
 * Usage: overhead BUILD-DIRECTORY BUFFERS
 */

#include <gst/avm/avm.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  const char *name, *caps, *element;
  gsize size;
} Case;

static double
cpu_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static GstBuffer *
event_buffer (void)
{
  GstAvmEvent *event = gst_avm_event_new (0, GST_SECOND, -1, 0, 1.0);
  GstBuffer *buffer;

  gst_avm_event_set_double (event, "pitch", 69.0);
  buffer = gst_avm_event_to_buffer (event);
  gst_avm_event_free (event);
  return buffer;
}

/* CPU seconds of n buffers through an element, pushed pad to pad. */
static double
run (const Case *c, const char *element_name, int n)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *source = gst_element_factory_make ("identity", NULL);
  GstElement *element = gst_element_factory_make (element_name, NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GstPad *feed = gst_pad_new ("feed", GST_PAD_SRC);
  GstPad *first, *last;
  GstCaps *caps = gst_caps_from_string (c->caps);
  GstBuffer *template;
  GstSegment segment;
  double t;

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, element, sink, NULL);
  gst_element_link_many (source, element, sink, NULL);
  first = gst_element_get_static_pad (source, "sink");
  last = gst_element_get_static_pad (sink, "sink");
  gst_pad_set_active (feed, TRUE);
  gst_pad_link (feed, first);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_pad_push_event (feed, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (feed, gst_event_new_caps (caps));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (feed, gst_event_new_segment (&segment));
  if (c->size == 0) {
    template = event_buffer ();
  } else {
    template = gst_buffer_new_allocate (NULL, c->size, NULL);
    gst_buffer_memset (template, 0, 0, c->size);
  }
  for (int i = 0; i < 100; i++) {
    GstBuffer *buffer = gst_buffer_copy (template);

    GST_BUFFER_PTS (buffer) = (guint64)i * 33 * GST_MSECOND;
    gst_pad_push (feed, buffer);
  }
  t = cpu_time ();
  for (int i = 100; i < n + 100; i++) {
    GstBuffer *buffer = gst_buffer_copy (template);

    GST_BUFFER_PTS (buffer) = (guint64)i * 33 * GST_MSECOND;
    gst_pad_push (feed, buffer);
  }
  t = cpu_time () - t;
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_pad_unlink (feed, first);
  gst_buffer_unref (template);
  gst_caps_unref (caps);
  gst_object_unref (first);
  gst_object_unref (last);
  gst_object_unref (feed);
  gst_object_unref (pipeline);
  return t;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static void
bench_buffers (int n)
{
  static const Case cases[] = {
      {"avmklttrack, frames without regions",
          "video/x-raw,format=GRAY8,width=64,height=64,framerate=30/1",
          "avmklttrack", 64 * 64},
      {"avmoverlay, frames without anything to draw",
          "video/x-raw,format=I420,width=64,height=64,framerate=30/1",
          "avmoverlay", 64 * 64 * 3 / 2},
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
    double differences[9];
    GstElementFactory *factory = gst_element_factory_find (cases[i].element);

    if (factory == NULL)
      continue;
    gst_object_unref (factory);
    for (int k = 0; k < 9; k++) {
      double with = run (&cases[i], cases[i].element, n);

      differences[k] = (with - run (&cases[i], "identity", n)) / n * 1e6;
    }
    qsort (differences, 9, sizeof (double), compare);
    printf ("buffer\t%s\t%.3f\n", cases[i].name, differences[4]);
  }
}

/* Loading in this process, after the libraries of GStreamer are there. */
static void
bench_loads (const char *build)
{
  static const char *const stages[] = {"testsrc", "klttrack", "opticalflow",
      "scorealign", "pitch", "vibrato", "eventenc", "overlay"};

  for (size_t i = 0; i < G_N_ELEMENTS (stages); i++) {
    gchar *path = g_strdup_printf (
        "%s/gst/%s/libgstavm%s.so", build, stages[i], stages[i]);
    gint64 t = g_get_monotonic_time ();
    GstPlugin *plugin = gst_plugin_load_file (path, NULL);

    t = g_get_monotonic_time () - t;
    if (plugin != NULL)
      printf ("load\tavm%s\t%.3f\n", stages[i], (double)t * 1e-3);
    gst_clear_object (&plugin);
    g_free (path);
  }
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  gst_init (NULL, NULL);
  bench_loads (argv[1]);
  if (atoi (argv[2]) > 0)
    bench_buffers (atoi (argv[2]));
  return 0;
}
