/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmnmfsep: whatever comes, the sources have the length, the times and the
 * caps of the mixture and sum to it; which source is whose; what flushes, gaps
 * and new caps do; and input that is hardly input at all.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/avm/avm.h>
#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#define MAX_OUT 8
#define RATE 16000
#define BLOCK 1000

typedef struct {
  GstElement *element;
  GstBus *bus;
  GQueue messages; /* that came from the bus and were not asked for yet */
  GstHarness *in, *motion, *notes, *association;
  GstHarness *out[MAX_OUT];
  guint n_out;
  gint rate, channels;
  const gchar *format;
} Fixture;

/* What came out of a pad */
typedef struct {
  GArray *samples; /* gdouble, interleaved */
  GstClockTime first, next;
  guint n_buffers, n_jumps;
} Output;

static gchar *
audio_caps (const gchar *format, gint rate, gint channels)
{
  return g_strdup_printf (
      "audio/x-raw, format=(string)%s, layout=(string)interleaved, "
      "rate=(int)%d, channels=(int)%d, channel-mask=(bitmask)0x%x",
      format, rate, channels, channels == 1 ? 0 : (1 << channels) - 1);
}

static GstHarness *
side (Fixture *f, const gchar *pad, GstCaps *caps)
{
  GstHarness *h = gst_harness_new_with_element (f->element, pad, NULL);

  gst_harness_set_src_caps (h, caps);
  return h;
}

/* Regions of the given ids, with a speed each */
static GstAvmSeriesInfo *
motion_info (const gint *regions, const gint *parts, guint n)
{
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", 25, 1);

  for (guint i = 0; i < n; i++) {
    gint part = parts != NULL ? parts[i] : GST_AVM_NONE;
    const gchar *role = gst_avm_region_id_get_role (regions[i]);
    gchar *name = g_strdup_printf (
        "%s-%d-vx", role != NULL ? role : "region", regions[i]);

    gst_avm_series_info_add_channel (
        info, name, "vx", "px/s", regions[i], part);
    gst_avm_series_info_add_channel (
        info, name, "vy", "px/s", regions[i], part);
    gst_avm_series_info_add_channel (
        info, name, "confidence", "", regions[i], part);
    g_free (name);
  }
  return info;
}

static GstCaps *
motion_caps (const gint *regions, const gint *parts, guint n)
{
  GstAvmSeriesInfo *info = motion_info (regions, parts, n);
  GstCaps *caps = gst_avm_series_info_to_caps (info);

  gst_avm_series_info_free (info);
  return caps;
}

static void
open_full (Fixture *f, guint n_out, const gchar *format, gint rate,
    gint channels, const gchar *settings)
{
  gchar **words = g_strsplit (settings, " ", 0);
  gchar *caps = audio_caps (format, rate, channels);

  memset (f, 0, sizeof (*f));
  f->element = gst_element_factory_make ("avmnmfsep", NULL);
  fail_unless (f->element != NULL);
  gst_object_ref_sink (f->element);
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
  f->rate = rate;
  f->channels = channels;
  f->format = format;
  gst_util_set_object_arg (G_OBJECT (f->element), "threads", "1");
  for (gchar **w = words; *w != NULL && **w != '\0'; w++) {
    gchar **pair = g_strsplit (*w, "=", 2);

    gst_util_set_object_arg (G_OBJECT (f->element), pair[0], pair[1]);
    g_strfreev (pair);
  }
  g_strfreev (words);
  f->in = gst_harness_new_with_element (f->element, "sink", NULL);
  f->n_out = n_out;
  for (guint i = 0; i < n_out; i++) {
    gchar *name = g_strdup_printf ("src_%u", i);

    f->out[i] = gst_harness_new_with_element (f->element, NULL, name);
    g_free (name);
  }
  gst_harness_set_src_caps_str (f->in, caps);
  g_free (caps);
}

static void
open (Fixture *f, guint n_out, const gchar *settings)
{
  open_full (f, n_out, GST_AUDIO_NE (F32), RATE, 1, settings);
}

static void
close (Fixture *f)
{
  GstHarness *sides[] = {f->motion, f->notes, f->association, f->in};

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    if (sides[i] != NULL)
      gst_harness_teardown (sides[i]);
  for (guint i = 0; i < f->n_out; i++)
    gst_harness_teardown (f->out[i]);
  gst_element_set_bus (f->element, NULL);
  g_queue_clear_full (&f->messages, (GDestroyNotify)gst_message_unref);
  gst_object_unref (f->bus);
  gst_object_unref (f->element);
}

/* -- sounds --------------------------------------------------------------- */

/* How loud, and how fast, player 0 or 1 is */
static gdouble
speed_at (guint player, gdouble t)
{
  return 0.1 + fabs (sin (G_PI * (player == 0 ? 0.9 : 1.7) * t + player));
}

/* Harmonics of one note after the other, as loud as the player moves fast */
static gdouble
player_at (guint player, gdouble t)
{
  static const gdouble hz[2][4] = {
      {220.0, 247.0, 262.0, 247.0}, {330.0, 294.0, 349.0, 392.0}};
  gdouble f = hz[player][(guint)(2.0 * t) % 4], sum = 0.0;

  for (guint h = 1; h <= 6; h++)
    sum += sin (2.0 * G_PI * h * f * t) / h;
  return 0.1 * speed_at (player, t) * sum;
}

static gdouble
mixture_at (gdouble t)
{
  return player_at (0, t) + player_at (1, t);
}

static gdouble
noise_at (guint64 i)
{
  guint32 x = (guint32)(i * 2654435761u);

  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  return x / 2147483648.0 - 1.0;
}

static void
put (guint8 *data, const gchar *format, gsize i, gdouble x)
{
  if (g_str_equal (format, GST_AUDIO_NE (S16)))
    ((gint16 *)data)[i] = (gint16)lrint (x * 32767.0);
  else if (g_str_equal (format, GST_AUDIO_NE (S32)))
    ((gint32 *)data)[i] = (gint32)lrint (x * 2147483647.0);
  else if (g_str_equal (format, GST_AUDIO_NE (F64)))
    ((gdouble *)data)[i] = x;
  else
    ((gfloat *)data)[i] = (gfloat)x;
}

static gdouble
take (const guint8 *data, const gchar *format, gsize i)
{
  if (g_str_equal (format, GST_AUDIO_NE (S16)))
    return ((const gint16 *)data)[i] / 32768.0;
  if (g_str_equal (format, GST_AUDIO_NE (S32)))
    return ((const gint32 *)data)[i] / 2147483648.0;
  if (g_str_equal (format, GST_AUDIO_NE (F64)))
    return ((const gdouble *)data)[i];
  return ((const gfloat *)data)[i];
}

static gsize
width_of (const gchar *format)
{
  return g_str_equal (format, GST_AUDIO_NE (S16)) ? 2
      : g_str_equal (format, GST_AUDIO_NE (F64))  ? 8
                                                  : 4;
}

typedef gdouble (*Sound) (guint64 frame, gint channel, gint rate);

static gdouble
duet (guint64 frame, gint channel, gint rate)
{
  return mixture_at ((gdouble)frame / rate) * (channel + 1.0) / 8.0;
}

static gdouble
duet_mono (guint64 frame, gint channel, gint rate)
{
  return mixture_at ((gdouble)frame / rate);
}

static gdouble
noise (guint64 frame, gint channel, gint rate)
{
  return 0.5 * noise_at (frame * 8 + (guint64)channel);
}

static GstBuffer *
sound_buffer (Fixture *f, Sound sound, guint64 first, guint n)
{
  gsize size = n * (gsize)f->channels * width_of (f->format);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (guint i = 0; i < n; i++)
    for (gint c = 0; c < f->channels; c++)
      put (map.data, f->format, (gsize)i * (gsize)f->channels + (gsize)c,
          sound (first + i, c, f->rate));
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, f->rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, f->rate);
  return buffer;
}

/* In pieces of many sizes */
static void
push_sound (Fixture *f, Sound sound, guint64 from, guint64 to)
{
  guint size = BLOCK;

  for (guint64 at = from; at < to; size = size * 3 % 4001 + 1) {
    guint n = (guint)MIN (size, to - at);

    fail_unless_equals_int (
        gst_harness_push (f->in, sound_buffer (f, sound, at, n)), GST_FLOW_OK);
    at += n;
  }
}

static void
end (GstHarness *h)
{
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
}

/* -- what comes out ------------------------------------------------------- */

static void
wait_for_event (GstHarness *h, GstEventType type)
{
  for (guint i = 0; i < 40000; i++) {
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

static void
add_buffer (Fixture *f, Output *output, GstBuffer *buffer)
{
  gsize width = width_of (f->format) * (gsize)f->channels;
  GstMapInfo map;

  if (output->n_buffers++ == 0)
    output->first = GST_BUFFER_PTS (buffer);
  else
    output->n_jumps += output->next != GST_BUFFER_PTS (buffer);
  output->next = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  fail_unless_equals_int (map.size % width, 0);
  for (gsize i = 0; i < map.size / width_of (f->format); i++) {
    gdouble x = take (map.data, f->format, i);

    g_array_append_val (output->samples, x);
  }
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
}

/* Everything, once the stream has ended */
static Output
collect (Fixture *f, guint source)
{
  Output output = {g_array_new (FALSE, FALSE, sizeof (gdouble)),
      GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, 0, 0};
  GstBuffer *buffer;

  wait_for_event (f->out[source], GST_EVENT_EOS);
  while ((buffer = gst_harness_try_pull (f->out[source])) != NULL)
    add_buffer (f, &output, buffer);
  return output;
}

static gdouble
sample (const Output *output, gsize i)
{
  return g_array_index (output->samples, gdouble, i);
}

/* Ends the mixture; all sources must have n frames from `first` on, in one
 * piece, and sum to the sound. */
static void
check_sum (Fixture *f, Sound sound, guint64 n, gdouble tolerance)
{
  Output out[MAX_OUT];
  gsize size = (gsize)n * (gsize)f->channels;
  gdouble worst = 0.0;
  GstCaps *given, *got;

  end (f->in);
  for (guint s = 0; s < f->n_out; s++) {
    out[s] = collect (f, s);
    fail_unless_equals_int (out[s].samples->len, size);
    fail_unless_equals_uint64 (out[s].first, 0);
    fail_unless_equals_int (out[s].n_jumps, 0);
    fail_unless_equals_uint64 (
        out[s].next, gst_util_uint64_scale (n, GST_SECOND, f->rate));
    given = gst_pad_get_current_caps (f->in->srcpad);
    got = gst_pad_get_current_caps (f->out[s]->sinkpad);
    fail_unless (gst_caps_is_equal (given, got));
    gst_caps_unref (given);
    gst_caps_unref (got);
  }
  for (gsize i = 0; i < size; i++) {
    gdouble sum = 0.0,
            wanted = sound (i / (gsize)f->channels,
                (gint)(i % (gsize)f->channels), f->rate);

    for (guint s = 0; s < f->n_out; s++)
      sum += sample (&out[s], i);
    worst = MAX (worst, fabs (sum - wanted));
  }
  fail_unless (worst <= tolerance, "%g off the mixture", worst);
  for (guint s = 0; s < f->n_out; s++)
    g_array_unref (out[s].samples);
}

GST_START_TEST (test_lengths)
{
  static const guint lengths[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 12345};

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    Fixture f;

    open (&f, 2, "iterations=3 components=4");
    push_sound (&f, noise, 0, lengths[i]);
    check_sum (&f, noise, lengths[i], 2e-6);
    close (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_rates_and_channels)
{
  static const struct {
    const gchar *format;
    gint rate, channels;
    gdouble tolerance;
  } kinds[] = {{GST_AUDIO_NE (F32), 8000, 1, 2e-6},
      {GST_AUDIO_NE (F32), 11025, 2, 2e-6},
      {GST_AUDIO_NE (F32), 44100, 3, 2e-6},
      {GST_AUDIO_NE (F32), 48000, 6, 2e-6},
      {GST_AUDIO_NE (F32), 192000, 8, 2e-6},
      {GST_AUDIO_NE (F64), 22050, 2, 2e-6},
      {GST_AUDIO_NE (S32), 32000, 4, 2e-6},
      {GST_AUDIO_NE (S16), 96000, 2, 8e-5}};

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    Fixture f;
    guint n = (guint)kinds[i].rate / 8 + 1;

    open_full (&f, 3, kinds[i].format, kinds[i].rate, kinds[i].channels,
        "iterations=2 components=3");
    push_sound (&f, noise, 0, n);
    check_sum (&f, noise, n, kinds[i].tolerance);
    close (&f);
  }
}

GST_END_TEST;

/* Several blocks that fade into each other; what is ready comes at once. */
GST_START_TEST (test_blocks)
{
  Fixture f;
  const guint n = 6 * RATE + 123;
  GstClockTime latency, last = 0;
  GstBuffer *buffer;
  Output output = {g_array_new (FALSE, FALSE, sizeof (gdouble))};

  open (&f, 2, "iterations=3 components=4 block=1 overlap=0.25");
  gst_harness_set_upstream_latency (f.in, 0);
  push_sound (&f, duet_mono, 0, n);
  latency = gst_harness_query_latency (f.out[0]);
  fail_unless (latency > GST_SECOND && latency < 3 * GST_SECOND,
      "latency %" GST_TIME_FORMAT, GST_TIME_ARGS (latency));
  while (last + latency < 6 * GST_SECOND) {
    buffer = gst_harness_pull (f.out[0]);
    fail_unless (buffer != NULL, "what follows %" GST_TIME_FORMAT " is late",
        GST_TIME_ARGS (last));
    last = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    add_buffer (&f, &output, buffer);
  }
  end (f.in);
  wait_for_event (f.out[0], GST_EVENT_EOS);
  while ((buffer = gst_harness_try_pull (f.out[0])) != NULL)
    add_buffer (&f, &output, buffer);
  fail_unless_equals_int (output.samples->len, n);
  fail_unless_equals_int (output.n_jumps, 0);
  g_array_unref (output.samples);
  close (&f);

  open (&f, 2, "iterations=3 components=4 block=1 overlap=0.25");
  push_sound (&f, duet_mono, 0, n);
  check_sum (&f, duet_mono, n, 2e-6);
  close (&f);
}

GST_END_TEST;

/* -- messages ------------------------------------------------------------- */

/* The next message of a type and, if given, of a name; NULL: none is there. */
static GstMessage *
pop_message (Fixture *f, GstMessageType type, const gchar *name)
{
  GstMessage *message;

  while ((message = gst_bus_pop (f->bus)) != NULL)
    g_queue_push_tail (&f->messages, message);
  for (GList *l = f->messages.head; l != NULL; l = l->next) {
    message = l->data;
    if (GST_MESSAGE_TYPE (message) == type
        && (name == NULL || gst_message_has_name (message, name))) {
      g_queue_delete_link (&f->messages, l);
      return message;
    }
  }
  return NULL;
}

static guint
count_messages (Fixture *f, GstMessageType type)
{
  GstMessage *message;
  guint n = 0;

  while ((message = pop_message (f, type, NULL)) != NULL) {
    GST_INFO ("%" GST_PTR_FORMAT, message);
    n++;
    gst_message_unref (message);
  }
  return n;
}

/* The arrays of the summary as text: "audio motions 0,0 notes 0,0". */
static gchar *
summary (Fixture *f)
{
  GstMessage *message =
      pop_message (f, GST_MESSAGE_ELEMENT, "avm-nmfsep-summary");
  static const gchar *const fields[] = {"motions", "notes"};
  const GstStructure *s;
  GString *text;

  fail_unless (message != NULL, "no summary");
  s = gst_message_get_structure (message);
  text = g_string_new (gst_structure_get_string (s, "model"));
  for (guint k = 0; k < G_N_ELEMENTS (fields); k++) {
    const GValue *array = gst_structure_get_value (s, fields[k]);

    g_string_append_printf (text, " %s ", fields[k]);
    for (guint i = 0; i < gst_value_array_get_size (array); i++)
      g_string_append_printf (text, i == 0 ? "%d" : ",%d",
          g_value_get_int (gst_value_array_get_value (array, i)));
  }
  gst_message_unref (message);
  return g_string_free (text, FALSE);
}

static void
check_summary (Fixture *f, const gchar *wanted)
{
  gchar *got = summary (f);

  fail_unless_equals_string (got, wanted);
  g_free (got);
}

/* -- motion, notes, association ------------------------------------------- */

/* Hands move less than bows, and both sway with the player by `sway` px/s. */
static void
push_motion (Fixture *f, const gint *regions, const gint *parts, guint n,
    const guint *players, gdouble seconds, gdouble sway)
{
  GstAvmSeriesInfo *info = motion_info (regions, parts, n);
  gfloat row[24];

  for (guint i = 0; i < (guint)(25.0 * seconds); i++) {
    gdouble t = i / 25.0;

    for (guint k = 0; k < n; k++) {
      gdouble scale = regions[k] / 100 == 2 ? 0.1 : 1.0;
      gdouble speed = scale * speed_at (players[k], t);
      /* fast where the other player's bow is */
      gdouble x = sway * speed_at (1 - (guint)regions[k] % 100 % 2, t);

      row[3 * k] = (gfloat)(60.0 * speed + x);
      row[3 * k + 1] = (gfloat)(-80.0 * speed + x);
      row[3 * k + 2] = 0.9f;
    }
    fail_unless_equals_int (gst_harness_push (f->motion,
                                gst_avm_series_buffer_new (info, row, 1,
                                    (GstClockTime)(t * GST_SECOND))),
        GST_FLOW_OK);
  }
  gst_avm_series_info_free (info);
}

static void
push_note (Fixture *f, gdouble onset, gdouble duration, gint part, gdouble hz)
{
  GstAvmEvent *event = gst_avm_event_new ((GstClockTime)(onset * GST_SECOND),
      duration > 0.0 ? (GstClockTime)(duration * GST_SECOND)
                     : GST_CLOCK_TIME_NONE,
      GST_AVM_NONE, part, 1.0);

  gst_avm_event_set_double (event, "pitch", 69.0 + 12.0 * log2 (hz / 440.0));
  gst_avm_event_set_int (event, "velocity", 80);
  fail_unless_equals_int (
      gst_harness_push (f->notes, gst_avm_event_to_buffer (event)),
      GST_FLOW_OK);
  gst_avm_event_free (event);
}

/* What players 0 and 1 play, as the parts given; every third note has no
 * length and lasts until the next. */
static void
push_notes (Fixture *f, gint part_of_0, gint part_of_1, gdouble seconds)
{
  static const gdouble hz[2][4] = {
      {220.0, 247.0, 262.0, 247.0}, {330.0, 294.0, 349.0, 392.0}};

  for (guint i = 0; i < (guint)(2.0 * seconds); i++) {
    gdouble length = i % 3 == 2 ? -1.0 : 0.5;

    push_note (f, 0.5 * i, length, part_of_0, hz[0][i % 4]);
    push_note (f, 0.5 * i, length, part_of_1, hz[1][i % 4]);
  }
}

static void
push_link (Fixture *f, gint region, gint part)
{
  GstAvmEvent *event =
      gst_avm_event_new (0, GST_CLOCK_TIME_NONE, region, part, 0.9);

  fail_unless_equals_int (
      gst_harness_push (f->association, gst_avm_event_to_buffer (event)),
      GST_FLOW_OK);
  gst_avm_event_free (event);
}

/* Cosine of a source and what a player really played */
static gdouble
likeness (const Output *output, guint player)
{
  gdouble product = 0.0, a = 0.0, b = 0.0;

  for (gsize i = 0; i < output->samples->len; i++) {
    gdouble x = sample (output, i), y = player_at (player, (gdouble)i / RATE);

    product += x * y;
    a += x * x;
    b += y * y;
  }
  return product / sqrt (a * b + 1e-30);
}

/* Source u must be like player players[u], more than like the other one. */
static void
check_players (Fixture *f, guint first, guint second)
{
  const guint players[2] = {first, second};

  for (guint u = 0; u < 2; u++) {
    Output output = collect (f, u);
    gdouble own = likeness (&output, players[u]);
    gdouble other = likeness (&output, 1 - players[u]);

    fail_unless (own > 0.8 && own > other + 0.4,
        "source %u is like its player %g, like the other %g", u, own, other);
    g_array_unref (output.samples);
  }
}

/* One duet of 4 s with everything that is asked for. */
typedef struct {
  const gint *regions, *parts;
  guint n_regions;
  const guint *players;
  const gint *links; /* region, part, ..., 0 ends */
  gint note_parts[2];
  gboolean notes;
  gdouble sway;
} Scene;

static void
play (Fixture *f, const Scene *scene, const gchar *settings)
{
  const gdouble seconds = 4.0;

  open (f, 2, settings);
  if (scene->n_regions > 0)
    f->motion = side (f, "motion",
        motion_caps (scene->regions, scene->parts, scene->n_regions));
  if (scene->notes)
    f->notes = side (f, "notes", gst_avm_events_caps_new ("note"));
  if (scene->links != NULL)
    f->association =
        side (f, "association", gst_avm_events_caps_new ("association"));
  push_sound (f, duet_mono, 0, (guint64)(seconds * RATE));
  end (f->in);
  if (scene->n_regions > 0) {
    push_motion (f, scene->regions, scene->parts, scene->n_regions,
        scene->players, seconds, scene->sway);
    end (f->motion);
  }
  for (const gint *l = scene->links; l != NULL && *l != 0; l += 2)
    push_link (f, l[0], l[1]);
  if (scene->links != NULL)
    end (f->association);
  if (scene->notes) {
    push_notes (f, scene->note_parts[0], scene->note_parts[1], seconds);
    end (f->notes);
  }
}

static const gint bows[] = {301, 302};
static const gint hands_and_bows[] = {201, 202, 301, 302};
static const guint in_order[] = {0, 1};
static const guint bows_right[] = {1, 0, 0, 1};
static const gint straight[] = {0, 1}, crossed[] = {1, 0};

/* In order of region ids, whatever order the caps have */
GST_START_TEST (test_motion_only)
{
  static const gint turned[] = {302, 301};
  static const guint players_turned[] = {1, 0};
  const Scene scene = {bows, NULL, 2, in_order};
  const Scene other = {turned, NULL, 2, players_turned};
  Fixture f;

  play (&f, &scene, "iterations=60 components=10");
  check_players (&f, 0, 1);
  check_summary (&f, "joint motions 1,1 notes 0,0");
  close (&f);
  play (&f, &other, "iterations=60 components=10");
  check_players (&f, 0, 1);
  close (&f);
}

GST_END_TEST;

GST_START_TEST (test_parts_in_caps)
{
  const Scene scene = {bows, crossed, 2, in_order};
  Fixture f;

  play (&f, &scene, "iterations=60 components=10");
  check_players (&f, 1, 0);
  close (&f);
}

GST_END_TEST;

/* The association names a hand; the bow of the same player moves. It counts
 * more than the parts in the caps. */
GST_START_TEST (test_association)
{
  static const gint links[] = {201, 1, 202, 0, 0};
  static const gint one[] = {201, 0, 202, -1, 0};
  const Scene swapped = {bows, straight, 2, in_order, links};
  const Scene none = {bows, straight, 2, in_order, one};
  Fixture f;

  play (&f, &swapped, "iterations=60 components=10");
  check_players (&f, 1, 0);
  close (&f);
  play (&f, &none, "iterations=20 components=10");
  wait_for_event (f.out[0], GST_EVENT_EOS);
  check_summary (&f, "joint motions 1,0 notes 0,0");
  close (&f);
}

GST_END_TEST;

/* Hands that move like the other player are not looked at, unless asked. */
GST_START_TEST (test_roles)
{
  const Scene scene = {hands_and_bows, NULL, 4, bows_right};
  Fixture f;

  play (&f, &scene, "iterations=60 components=10");
  check_players (&f, 0, 1);
  check_summary (&f, "joint motions 1,1 notes 0,0");
  close (&f);
  play (&f, &scene, "iterations=60 components=10 role=hand");
  check_players (&f, 1, 0);
  close (&f);
}

GST_END_TEST;

/* What a hand shares with the bow is sway. */
GST_START_TEST (test_sway)
{
  static const guint players[] = {0, 1, 0, 1};
  const Scene scene = {hands_and_bows, NULL, 4, players, .sway = 150.0};
  Fixture f;

  play (&f, &scene, "iterations=60 components=10");
  check_players (&f, 0, 1);
  close (&f);
}

GST_END_TEST;

/* Of the groups in a region the fastest counts, in every row. */
GST_START_TEST (test_groups)
{
  static const gint regions[] = {101, 102};
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", 25, 1);
  Fixture f;

  for (guint i = 0; i < 2; i++) {
    for (guint k = 0; k < 3; k++)
      gst_avm_series_info_add_channel (
          info, "player-speed", "speed", "px/s", regions[i], GST_AVM_NONE);
  }
  open (&f, 2, "iterations=60 components=10");
  f.motion = side (&f, "motion", gst_avm_series_info_to_caps (info));
  push_sound (&f, duet_mono, 0, 4 * RATE);
  end (f.in);
  for (guint i = 0; i < 100; i++) {
    gfloat row[6];

    for (guint k = 0; k < 6; k++) {
      gfloat speed = (gfloat)(100.0 * speed_at (k / 3, i / 25.0));

      /* a group keeps its number only for a while */
      row[k] = (i / 20 + k) % 3 == 0 ? speed : k % 3 == 1 ? NAN : 0.3f * speed;
    }
    fail_unless_equals_int (
        gst_harness_push (f.motion,
            gst_avm_series_buffer_new (info, row, 1, i * GST_SECOND / 25)),
        GST_FLOW_OK);
  }
  gst_avm_series_info_free (info);
  end (f.motion);
  check_players (&f, 0, 1);
  check_summary (&f, "joint motions 1,1 notes 0,0");
  close (&f);
}

GST_END_TEST;

GST_START_TEST (test_notes_only)
{
  const Scene scene = {.notes = TRUE, .note_parts = {0, 1}};
  const Scene swapped = {.notes = TRUE, .note_parts = {1, 0}};
  Fixture f;

  play (&f, &scene, "iterations=40");
  check_players (&f, 0, 1);
  check_summary (&f, "score motions 0,0 notes 8,8");
  close (&f);
  play (&f, &swapped, "iterations=40");
  check_players (&f, 1, 0);
  close (&f);
}

GST_END_TEST;

GST_START_TEST (test_all_together)
{
  static const gint links[] = {101, 1, 102, 0, 0};
  const Scene scene = {bows, NULL, 2, in_order, links, {1, 0}, TRUE};
  Fixture f;

  play (&f, &scene, "iterations=40");
  check_players (&f, 1, 0);
  check_summary (&f, "joint-score motions 1,1 notes 8,8");
  close (&f);
}

GST_END_TEST;

/* A part that no pad asks for is modelled, and kept out of the others. */
GST_START_TEST (test_more_parts_than_pads)
{
  const Scene scene = {.notes = TRUE, .note_parts = {0, 5}};
  Fixture f;
  Output output;

  play (&f, &scene, "iterations=40");
  output = collect (&f, 0);
  fail_unless (likeness (&output, 0) > 0.9);
  check_summary (&f, "score motions 0,0,0,0,0,0 notes 8,0,0,0,0,8");
  g_array_unref (output.samples);
  close (&f);
}

GST_END_TEST;

/* Side pads that end without data; the model gives way, if asked for with a
 * warning. */
GST_START_TEST (test_empty_side_pads)
{
  static const gchar *const settings[] = {"iterations=2",
      "iterations=2 model=joint-score", "iterations=2 model=joint",
      "iterations=2 model=sequential", "iterations=2 model=score"};

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    Fixture f;

    open (&f, 2, settings[i]);
    f.motion = side (&f, "motion", motion_caps (bows, NULL, 2));
    f.notes = side (&f, "notes", gst_avm_events_caps_new ("note"));
    push_sound (&f, duet_mono, 0, RATE);
    end (f.notes);
    end (f.motion);
    check_sum (&f, duet_mono, RATE, 2e-6);
    /* motion whose values never came is motion nobody knows */
    close (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_model_gives_way)
{
  static const struct {
    const gchar *settings, *model;
    guint warnings;
  } cases[] = {{"iterations=2", "audio motions 0,0 notes 0,0", 0},
      {"iterations=2 model=audio", "audio motions 0,0 notes 0,0", 0},
      {"iterations=2 model=joint", "audio motions 0,0 notes 0,0", 1},
      {"iterations=2 model=sequential", "audio motions 0,0 notes 0,0", 1},
      {"iterations=2 model=score", "audio motions 0,0 notes 0,0", 1},
      {"iterations=2 model=joint-score", "audio motions 0,0 notes 0,0", 1}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f;

    open (&f, 2, cases[i].settings);
    push_sound (&f, duet_mono, 0, RATE);
    check_sum (&f, duet_mono, RATE, 2e-6);
    check_summary (&f, cases[i].model);
    fail_unless_equals_int (
        count_messages (&f, GST_MESSAGE_WARNING), cases[i].warnings);
    close (&f);
  }
}

GST_END_TEST;

/* Motion ends early, has holes and values that are no numbers. */
GST_START_TEST (test_broken_motion)
{
  GstAvmSeriesInfo *info = motion_info (bows, NULL, 2);
  const gfloat row[2][6] = {{10.0f, 0.0f, 1.0f, NAN, NAN, 0.0f},
      {INFINITY, 2.0f, 1.0f, 3.0f, 4.0f, NAN}};
  Fixture f;

  open (&f, 2, "iterations=5 components=4");
  f.motion = side (&f, "motion", motion_caps (bows, NULL, 2));
  push_sound (&f, duet_mono, 0, 2 * RATE);
  for (guint i = 0; i < 10; i++)
    gst_harness_push (f.motion,
        gst_avm_series_buffer_new (info, row[i % 2], 1, i * 77 * GST_MSECOND));
  end (f.motion);
  check_sum (&f, duet_mono, 2 * RATE, 2e-6);
  gst_avm_series_info_free (info);
  close (&f);
}

GST_END_TEST;

static Output
first_source (const gchar *settings)
{
  const Scene scene = {bows, NULL, 2, in_order, NULL, {0, 1}, TRUE};
  Fixture f;
  Output output;

  play (&f, &scene, settings);
  output = collect (&f, 0);
  close (&f);
  return output;
}

GST_START_TEST (test_same_seed)
{
  static const gchar *const pairs[][2] = {
      {"model=joint iterations=10 seed=3", "model=joint iterations=10 seed=3"},
      {"model=joint-score iterations=10", "model=joint-score iterations=10"},
      {"model=audio iterations=10", "model=audio iterations=10 seed=9"}};

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    Output a = first_source (pairs[i][0]), b = first_source (pairs[i][1]);
    gboolean same = a.samples->len == b.samples->len
        && memcmp (a.samples->data, b.samples->data,
               a.samples->len * sizeof (gdouble))
            == 0;

    fail_unless (a.samples->len == 4 * RATE);
    fail_unless (same == (i < 2), "%s and %s: %s", pairs[i][0], pairs[i][1],
        same ? "the same" : "not the same");
    g_array_unref (a.samples);
    g_array_unref (b.samples);
  }
}

GST_END_TEST;

/* Within a block the cost never rises, and all iterations are told of. */
static void
check_costs (const gchar *model)
{
  const Scene scene = {bows, NULL, 2, in_order, NULL, {0, 1}, TRUE};
  gchar *settings = g_strdup_printf ("model=%s iterations=15 components=6 "
                                     "block=1.5 overlap=0.3 message-interval=0",
      model);
  gint block = -1, iteration = -1, iterations = 0;
  gdouble cost = 0.0, percent = 0.0, next, next_percent;
  guint next_block, next_iteration, next_iterations;
  GstMessage *message;
  Fixture f;

  play (&f, &scene, settings);
  wait_for_event (f.out[0], GST_EVENT_EOS);
  while (
      (message = pop_message (&f, GST_MESSAGE_ELEMENT, "avm-nmfsep")) != NULL) {
    const GstStructure *s = gst_message_get_structure (message);

    fail_unless (gst_structure_get (s, "block", G_TYPE_UINT, &next_block,
        "iteration", G_TYPE_UINT, &next_iteration, "iterations", G_TYPE_UINT,
        &next_iterations, "cost", G_TYPE_DOUBLE, &next, "percent",
        G_TYPE_DOUBLE, &next_percent, NULL));
    fail_unless (
        gst_structure_has_field_typed (s, "running-time", G_TYPE_UINT64));
    if ((gint)next_block != block) {
      fail_unless (block < 0 || iteration == iterations - 1);
      fail_unless_equals_int (next_block, block + 1);
      fail_unless_equals_int (next_iteration, 0);
    } else {
      fail_unless_equals_int (next_iteration, iteration + 1);
      fail_unless (next <= cost * (1.0 + 1e-5),
          "%s: %g after %g, iteration %u of block %u", model, next, cost,
          next_iteration, next_block);
    }
    fail_unless (next_percent >= percent && next_percent <= 100.0);
    block = (gint)next_block;
    iteration = (gint)next_iteration;
    iterations = (gint)next_iterations;
    cost = next;
    percent = next_percent;
    gst_message_unref (message);
  }
  fail_unless (block >= 1 && iteration == iterations - 1, "%d blocks", block);
  fail_unless (percent > 99.0, "%g %%", percent);
  g_free (settings);
  close (&f);
}

GST_START_TEST (test_costs)
{
  check_costs ("audio");
  check_costs ("sequential");
  check_costs ("joint");
  check_costs ("score");
  check_costs ("joint-score");
}

GST_END_TEST;

/* -- pads ----------------------------------------------------------------- */

GST_START_TEST (test_pads)
{
  for (guint n = 1; n <= MAX_OUT; n++) {
    Fixture f;

    open (&f, n, "iterations=2 components=8");
    push_sound (&f, duet_mono, 0, 5000);
    check_sum (&f, duet_mono, 5000, 4e-6);
    close (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_too_many_sources)
{
  Fixture f;
  GstHarness *far;

  open (&f, 1, "iterations=2");
  far = gst_harness_new_with_element (f.element, NULL, "src_16");
  push_sound (&f, duet_mono, 0, 1000);
  end (f.in);
  wait_for_event (f.out[0], GST_EVENT_EOS);
  fail_unless (count_messages (&f, GST_MESSAGE_ERROR) >= 1);
  gst_harness_teardown (far);
  close (&f);
}

GST_END_TEST;

/* -- hardly input --------------------------------------------------------- */

static gdouble
odd_samples (guint64 frame, gint channel, gint rate)
{
  return frame % 100 == 7 ? NAN
      : frame % 100 == 57 ? -INFINITY
                          : duet_mono (frame, channel, rate);
}

static gdouble
odd_samples_gone (guint64 frame, gint channel, gint rate)
{
  gdouble x = odd_samples (frame, channel, rate);

  return isfinite (x) ? x : 0.0;
}

static gdouble
silence (guint64 frame, gint channel, gint rate)
{
  return 0.0;
}

static gdouble
clipped (guint64 frame, gint channel, gint rate)
{
  return CLAMP (40.0 * duet_mono (frame, channel, rate), -1.0, 1.0);
}

static gdouble
denormal (guint64 frame, gint channel, gint rate)
{
  return 1e-39 * duet_mono (frame, channel, rate);
}

GST_START_TEST (test_hardly_input)
{
  static const struct {
    Sound in, out;
    guint warnings;
  } cases[] = {{odd_samples, odd_samples_gone, 1}, {silence, silence, 0},
      {clipped, clipped, 0}, {denormal, silence, 0}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f;

    open (&f, 2, "iterations=4 components=4 block=1 overlap=0.2");
    push_sound (&f, cases[i].in, 0, 3 * RATE);
    check_sum (&f, cases[i].out, 3 * RATE, 4e-6);
    fail_unless_equals_int (
        count_messages (&f, GST_MESSAGE_WARNING), cases[i].warnings);
    close (&f);
  }
}

GST_END_TEST;

GST_START_TEST (test_eos_at_once)
{
  Fixture f;
  GstHarness *h;

  open (&f, 2, "iterations=2");
  end (f.in);
  for (guint i = 0; i < 2; i++) {
    wait_for_event (f.out[i], GST_EVENT_EOS);
    fail_unless_equals_int (gst_harness_buffers_received (f.out[i]), 0);
  }
  fail_unless_equals_int (count_messages (&f, GST_MESSAGE_ERROR), 0);
  close (&f);

  h = gst_harness_new_with_padnames ("avmnmfsep", "sink", "src_%u");
  fail_unless (gst_harness_push_event (h, gst_event_new_stream_start ("a")));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  wait_for_event (h, GST_EVENT_EOS);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* -- time ----------------------------------------------------------------- */

static gdouble
with_hole (guint64 frame, gint channel, gint rate)
{
  return frame >= 8000 && frame < 20000 ? 0.0
                                        : duet_mono (frame, channel, rate);
}

/* A hole is silence, and what comes twice is left out. */
GST_START_TEST (test_gap)
{
  Fixture f;

  open (&f, 2, "iterations=3 components=4");
  push_sound (&f, duet_mono, 0, 8000);
  push_sound (&f, duet_mono, 20000, 30000);
  push_sound (&f, duet_mono, 25000, 40000);
  check_sum (&f, with_hole, 40000, 2e-6);
  close (&f);
}

GST_END_TEST;

GST_START_TEST (test_new_caps)
{
  Fixture f;
  gchar *caps = audio_caps (GST_AUDIO_NE (F32), 8000, 2);
  GstBuffer *buffer;
  GstClockTime next = 0;
  guint64 bytes = 0;

  open (&f, 2, "iterations=3 components=4");
  push_sound (&f, duet_mono, 0, RATE);
  gst_harness_set_src_caps_str (f.in, caps);
  f.rate = 8000;
  f.channels = 2;
  push_sound (&f, duet, 8000, 16001);
  end (f.in);
  wait_for_event (f.out[1], GST_EVENT_EOS);
  while ((buffer = gst_harness_try_pull (f.out[1])) != NULL) {
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), next);
    next += GST_BUFFER_DURATION (buffer);
    bytes += gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (bytes, 4 * RATE + 8 * 8001);
  fail_unless_equals_uint64 (
      next, gst_util_uint64_scale (16001, GST_SECOND, 8000));
  {
    GstCaps *got = gst_pad_get_current_caps (f.out[1]->sinkpad);
    GstCaps *wanted = gst_caps_from_string (caps);

    fail_unless (gst_caps_is_equal (got, wanted));
    gst_caps_unref (got);
    gst_caps_unref (wanted);
  }
  g_free (caps);
  close (&f);
}

GST_END_TEST;

static void
flush (GstHarness *h, GstClockTime start)
{
  GstSegment segment;

  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

/* After a flush, as after a seek, only what follows comes, at its own time,
 * and of the first buffer only what lies in the segment. */
GST_START_TEST (test_flush_and_seek)
{
  Fixture f;
  Output output;
  GstBuffer *buffer;

  open (&f, 2, "iterations=3 components=4 block=1 overlap=0.2");
  f.motion = side (&f, "motion", motion_caps (bows, NULL, 2));
  push_sound (&f, duet_mono, 0, 3 * RATE);
  push_motion (&f, bows, NULL, 2, in_order, 2.0, 0.0);
  buffer = gst_harness_pull (f.out[0]);
  fail_unless (buffer != NULL);
  gst_buffer_unref (buffer);
  flush (f.in, 2 * GST_SECOND);
  flush (f.motion, 2 * GST_SECOND);
  for (guint i = 0; i < 2; i++) {
    wait_for_event (f.out[i], GST_EVENT_FLUSH_STOP);
    while ((buffer = gst_harness_try_pull (f.out[i])) != NULL)
      gst_buffer_unref (buffer);
  }
  push_sound (&f, duet_mono, 2 * RATE - 333, 3 * RATE + 1);
  end (f.motion);
  end (f.in);
  output = collect (&f, 0);
  fail_unless_equals_int (output.samples->len, RATE + 1);
  fail_unless_equals_uint64 (output.first, 2 * GST_SECOND);
  fail_unless_equals_int (output.n_jumps, 0);
  g_array_unref (output.samples);
  close (&f);
}

GST_END_TEST;

/* -- long work ------------------------------------------------------------ */

/* A block that would take minutes: the sink takes data meanwhile, and a flush
 * or the end of the pipeline stops it within an iteration. */
GST_START_TEST (test_cancel)
{
  Fixture f;
  GstMessage *message;
  gint64 before;

  open (&f, 2, "iterations=10000 block=2 message-interval=0");
  push_sound (&f, noise, 0, 5 * RATE);
  do
    message = gst_bus_timed_pop_filtered (
        f.bus, 20 * GST_SECOND, GST_MESSAGE_ELEMENT);
  while (message == NULL);
  gst_message_unref (message);
  before = g_get_monotonic_time ();
  push_sound (&f, noise, 5 * RATE, 6 * RATE);
  flush (f.in, 0);
  wait_for_event (f.out[0], GST_EVENT_FLUSH_STOP);
  push_sound (&f, noise, 0, 5 * RATE);
  fail_unless_equals_int (gst_element_set_state (f.element, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (g_get_monotonic_time () - before < 5 * G_TIME_SPAN_SECOND);
  close (&f);
}

GST_END_TEST;

/* Without room for the mixture there is an error; a few MB need none. */
GST_START_TEST (test_no_room)
{
  Fixture f;
  GstFlowReturn flow = GST_FLOW_OK;

  open (&f, 2, "iterations=2 temp-location=/nonexistent");
  f.notes = side (&f, "notes", gst_avm_events_caps_new ("note"));
  push_sound (&f, noise, 0, RATE);
  for (guint i = 1; i < 100 && flow == GST_FLOW_OK; i++)
    flow = gst_harness_push (f.in, sound_buffer (&f, noise, i * RATE, RATE));
  fail_unless_equals_int (flow, GST_FLOW_ERROR);
  fail_unless (count_messages (&f, GST_MESSAGE_ERROR) >= 1);
  close (&f);
}

GST_END_TEST;

/* The same when it waits on the disk */
GST_START_TEST (test_spilt)
{
  Fixture f;
  const guint n = 80 * RATE;

  open (&f, 2,
      "iterations=2 components=2 block=20 overlap=1 window=1024 "
      "hop=512 temp-location=/tmp");
  f.notes = side (&f, "notes", gst_avm_events_caps_new ("note"));
  push_sound (&f, noise, 0, n);
  end (f.notes);
  check_sum (&f, noise, n, 4e-6);
  close (&f);
}

GST_END_TEST;

GST_START_TEST (test_reuse)
{
  Fixture f;

  open (&f, 2, "iterations=2 components=3");
  push_sound (&f, noise, 0, 5000);
  check_sum (&f, noise, 5000, 2e-6);
  gst_element_set_state (f.element, GST_STATE_READY);
  for (guint i = 0; i < 2; i++)
    while (gst_harness_events_in_queue (f.out[i]) > 0)
      gst_event_unref (gst_harness_pull_event (f.out[i]));
  gst_element_set_state (f.element, GST_STATE_PLAYING);
  {
    gchar *caps = audio_caps (f.format, f.rate, f.channels);
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (f.in->srcpad, gst_event_new_stream_start ("again"));
    gst_harness_set_src_caps_str (f.in, caps);
    gst_pad_push_event (f.in->srcpad, gst_event_new_segment (&segment));
    g_free (caps);
  }
  push_sound (&f, noise, 0, 4000);
  check_sum (&f, noise, 4000, 2e-6);
  close (&f);
}

GST_END_TEST;

static Suite *
nmfsep_suite (void)
{
  Suite *s = suite_create ("nmfsep");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_lengths);
  tcase_add_test (tc, test_rates_and_channels);
  tcase_add_test (tc, test_blocks);
  tcase_add_test (tc, test_motion_only);
  tcase_add_test (tc, test_parts_in_caps);
  tcase_add_test (tc, test_association);
  tcase_add_test (tc, test_roles);
  tcase_add_test (tc, test_sway);
  tcase_add_test (tc, test_groups);
  tcase_add_test (tc, test_notes_only);
  tcase_add_test (tc, test_all_together);
  tcase_add_test (tc, test_more_parts_than_pads);
  tcase_add_test (tc, test_empty_side_pads);
  tcase_add_test (tc, test_model_gives_way);
  tcase_add_test (tc, test_broken_motion);
  tcase_add_test (tc, test_same_seed);
  tcase_add_test (tc, test_costs);
  tcase_add_test (tc, test_pads);
  tcase_add_test (tc, test_too_many_sources);
  tcase_add_test (tc, test_hardly_input);
  tcase_add_test (tc, test_eos_at_once);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_new_caps);
  tcase_add_test (tc, test_flush_and_seek);
  tcase_add_test (tc, test_cancel);
  tcase_add_test (tc, test_no_room);
  tcase_add_test (tc, test_spilt);
  tcase_add_test (tc, test_reuse);
  return s;
}

GST_CHECK_MAIN (nmfsep);
