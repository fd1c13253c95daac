/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * avmassociate through its pads: players who bow known parts, in both modes,
 * with more players or parts than the other, with gaps, early ends, flushes
 * and new caps, and with nothing at all.
 */

#include <gst/avm/avm.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>

#define PLAYERS 3
#define SECONDS 12
#define FPS 30
#define MAX_ONSETS 64

typedef struct {
  GstElement *element;
  GstHarness *out, *motion, *notes, *f0;
  GstBus *bus;
} Fixture;

typedef struct {
  gdouble onsets[MAX_ONSETS];
  guint n;
} Part;

/* Parts differ in when their notes begin; the same in every run. */
static void
make_part (guint part, Part *music)
{
  gdouble t = 0.5 + 0.17 * part;
  guint32 state = 12345 + 777 * part;

  music->n = 0;
  while (t < SECONDS - 0.4 && music->n < MAX_ONSETS) {
    music->onsets[music->n++] = t;
    state = state * 1664525u + 1013904223u;
    t += 0.25 + 0.6 * (state >> 8) / 16777216.0;
  }
}

/* Lobes of alternating sign that begin 25 ms before the onsets */
static gdouble
bow_velocity (const Part *music, gdouble t)
{
  for (guint i = 0; i + 1 < music->n; i++) {
    gdouble from = music->onsets[i] - 0.025, to = music->onsets[i + 1] - 0.025;

    if (t >= from && t < to)
      return (i % 2 ? -240.0 : 240.0) * sin (G_PI * (t - from) / (to - from));
  }
  return 0.0;
}

/* Player i plays part PLAYERS - 1 - i. */
static guint
part_of (guint player)
{
  return PLAYERS - 1 - player;
}

/* -- the element ---------------------------------------------------------- */

static void
setup (Fixture *f)
{
  memset (f, 0, sizeof (*f));
  f->element = gst_element_factory_make ("avmassociate", NULL);
  fail_unless (f->element != NULL);
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
}

static void
teardown (Fixture *f)
{
  GstHarness *all[] = {f->motion, f->notes, f->f0, f->out};

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (all[i] != NULL)
      gst_harness_teardown (all[i]);
  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  gst_object_unref (f->element);
}

/* Regions of players `first` to `last`: those of the roles whose initials are
 * given */
static GstAvmSeriesInfo *
motion_info (guint first, guint last, const gchar *roles)
{
  static const gchar *const names[] = {"player", "hand", "bow", "face"};
  static const gchar *const quantities[] = {"vx", "vy", "confidence"};
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", FPS, 1);

  for (guint r = 0; r < G_N_ELEMENTS (names); r++)
    for (guint i = first; i <= last && strchr (roles, names[r][0]); i++)
      for (guint q = 0; q < 3; q++) {
        gint id = gst_avm_region_id (names[r], i);
        gchar *name = g_strdup_printf ("%s-%d-%s", names[r], id, quantities[q]);

        gst_avm_series_info_add_channel (
            info, name, quantities[q], "px/s", id, GST_AVM_NONE);
        g_free (name);
      }
  return info;
}

static void
set_caps (GstHarness *h, const GstAvmSeriesInfo *info)
{
  gst_harness_set_src_caps (h, gst_avm_series_info_to_caps (info));
}

static void
open_pads (Fixture *f, const GstAvmSeriesInfo *info)
{
  if (info != NULL) {
    f->motion = gst_harness_new_with_element (f->element, "motion", NULL);
    set_caps (f->motion, info);
  }
  f->notes = gst_harness_new_with_element (f->element, "notes", NULL);
  gst_harness_set_src_caps (f->notes, gst_avm_events_caps_new ("note"));
  f->out = gst_harness_new_with_element (f->element, NULL, "src");
}

/* What a region shows at a time, px/s: player `still` does not move. */
static gdouble
region_velocity (gint id, gdouble t, gint still)
{
  gint player = gst_avm_region_id_get_player (id);
  const gchar *role = gst_avm_region_id_get_role (id);
  gdouble sway = 20.0 * sin (2.0 * t + player);
  Part music;

  if (player == still)
    return sway + 0.5 * sin (200.0 * t);
  if (g_str_equal (role, "hand") || g_str_equal (role, "face"))
    return sway;
  make_part (part_of ((guint)player), &music);
  return sway
      + (g_str_equal (role, "bow") ? 1.0 : 0.25) * bow_velocity (&music, t);
}

static void
push_motion (Fixture *f, const GstAvmSeriesInfo *info, gdouble from, gdouble to,
    gint still)
{
  guint n = gst_avm_series_info_get_n_channels (info);
  gfloat *row = g_new (gfloat, n);

  for (guint i = (guint)(from * FPS); i < to * FPS; i++) {
    gdouble t = (i + 0.5) / FPS;
    GstBuffer *buffer;

    for (guint k = 0; k < n; k++) {
      gdouble v =
          region_velocity (gst_avm_series_info_get_region (info, k), t, still);

      row[k] = k % 3 == 0 ? 0.8 * v : k % 3 == 1 ? -0.6 * v : 0.9;
      if (i % 50 == 7 && k % 3 < 2)
        row[k] = NAN;
    }
    if (i % 40 == 39) {
      gst_harness_push_event (f->motion,
          gst_event_new_gap (i * GST_SECOND / FPS, GST_SECOND / FPS));
      continue;
    }
    buffer = gst_avm_series_buffer_new (
        info, row, 1, (GstClockTime)(t * GST_SECOND));
    GST_BUFFER_DURATION (buffer) = GST_SECOND / FPS;
    fail_unless_equals_int (gst_harness_push (f->motion, buffer), GST_FLOW_OK);
  }
  g_free (row);
}

static void
push_note (Fixture *f, guint part, gdouble onset, gdouble duration)
{
  static const gchar *const names[] = {"Violin", "Viola", "Cello", "Bass"};
  GstAvmEvent *event = gst_avm_event_new ((GstClockTime)(onset * GST_SECOND),
      (GstClockTime)(duration * GST_SECOND), GST_AVM_NONE, (gint)part, 1.0);

  gst_avm_event_set_double (event, "pitch", 60.0 + part);
  gst_avm_event_set_int (event, "velocity", 64);
  gst_avm_event_set_string (event, "part-name", names[part]);
  fail_unless_equals_int (
      gst_harness_push (f->notes, gst_avm_event_to_buffer (event)),
      GST_FLOW_OK);
  gst_avm_event_free (event);
}

/* Part by part: the order does not matter. */
static void
push_notes (Fixture *f, guint first, guint last)
{
  for (guint part = first; part <= last; part++) {
    Part music;

    make_part (part, &music);
    for (guint i = 0; i + 1 < music.n; i++)
      push_note (f, part, music.onsets[i], 0.2);
  }
}

static void
end_all (Fixture *f)
{
  if (f->motion != NULL)
    gst_harness_push_event (f->motion, gst_event_new_eos ());
  if (f->f0 != NULL)
    gst_harness_push_event (f->f0, gst_event_new_eos ());
  gst_harness_push_event (f->notes, gst_event_new_eos ());
}

static GstAvmEvent *
take_event (GstBuffer *buffer)
{
  GPtrArray *events = gst_avm_events_buffer_parse (buffer, NULL);
  GstAvmEvent *event;

  fail_unless (events != NULL && events->len == 1);
  event = gst_avm_event_copy (g_ptr_array_index (events, 0));
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), event->onset);
  g_ptr_array_unref (events);
  gst_buffer_unref (buffer);
  return event;
}

static GstAvmEvent *
pull (Fixture *f)
{
  GstBuffer *buffer = gst_harness_pull (f->out);

  fail_unless (buffer != NULL);
  return take_event (buffer);
}

static void
wait_for_eos (Fixture *f)
{
  for (;;) {
    GstEvent *event = gst_harness_pull_event (f->out);
    gboolean eos;

    fail_unless (event != NULL);
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
    if (eos)
      return;
  }
}

static gdouble
get (const GstAvmEvent *event, const gchar *name)
{
  gdouble value = NAN;

  gst_avm_event_get_double (event, name, &value);
  return value;
}

/* Events of all regions, in order of id */
static void
check_answer (Fixture *f, const GstAvmSeriesInfo *info, GstClockTime onset,
    gboolean right)
{
  guint n = gst_avm_series_info_get_n_channels (info);

  for (guint k = 0; k < n; k += 3) {
    gint id = gst_avm_series_info_get_region (info, k);
    GstAvmEvent *event = pull (f);

    fail_unless_equals_int (event->region, id);
    fail_unless_equals_uint64 (event->onset, onset);
    fail_unless (event->confidence >= 0.0 && event->confidence <= 1.0);
    fail_unless_equals_float (get (event, "score"), event->confidence);
    fail_unless (get (event, "margin") <= event->confidence);
    if (right) {
      fail_unless_equals_int (
          event->part, part_of ((guint)gst_avm_region_id_get_player (id)));
      fail_unless (
          event->confidence > 0.8, "region %d: %.3f", id, event->confidence);
      fail_unless (get (event, "margin") > 0.6);
    }
    gst_avm_event_free (event);
  }
}

static gboolean
warned (Fixture *f, const gchar *what)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (f->bus, 0, GST_MESSAGE_WARNING);
  GError *error = NULL;
  gboolean found;

  if (message == NULL)
    return FALSE;
  gst_message_parse_warning (message, &error, NULL);
  found = strstr (error->message, what) != NULL;
  g_error_free (error);
  gst_message_unref (message);
  return found;
}

static GstStructure *
last_summary (Fixture *f)
{
  GstStructure *last = NULL;
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_ELEMENT))) {
    if (gst_message_has_name (message, "avm-associate")) {
      if (last != NULL)
        gst_structure_free (last);
      last = gst_structure_copy (gst_message_get_structure (message));
    }
    gst_message_unref (message);
  }
  return last;
}

/* -- tests ---------------------------------------------------------------- */

GST_START_TEST (test_offline)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "phb");
  GstStructure *summary;
  const GValue *pairs, *pair;
  gboolean final = FALSE;
  guint players = 0, assigned = 0;
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 0, PLAYERS - 1);
  push_motion (&f, info, 0.0, SECONDS, -1);
  fail_unless (gst_harness_try_pull (f.out) == NULL);
  end_all (&f);
  check_answer (&f, info, 0, TRUE);
  wait_for_eos (&f);
  summary = last_summary (&f);
  fail_unless (summary != NULL);
  fail_unless (
      gst_structure_get (summary, "final", G_TYPE_BOOLEAN, &final, "players",
          G_TYPE_UINT, &players, "assigned", G_TYPE_UINT, &assigned, NULL));
  fail_unless (final && players == PLAYERS && assigned == PLAYERS);
  pairs = gst_structure_get_value (summary, "pairs");
  fail_unless_equals_int (gst_value_array_get_size (pairs), PLAYERS);
  pair = gst_value_array_get_value (pairs, 0);
  fail_unless_equals_int (gst_value_array_get_size (gst_structure_get_value (
                              gst_value_get_structure (pair), "evidence")),
      PLAYERS);
  fail_unless_equals_int (gst_value_array_get_size (gst_structure_get_value (
                              gst_value_get_structure (pair), "regions")),
      3);
  gst_structure_free (summary);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_event_fields)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "b");
  GstAvmEvent *event;
  Fixture f;

  setup (&f);
  gst_util_set_object_arg (G_OBJECT (f.element), "cue", "bow");
  open_pads (&f, info);
  push_motion (&f, info, 0.0, SECONDS, -1);
  push_notes (&f, 0, PLAYERS - 1);
  end_all (&f);
  event = pull (&f);
  fail_unless_equals_int (event->region, 301);
  fail_unless_equals_int (event->part, 2);
  fail_unless (event->duration > (SECONDS - 1) * GST_SECOND
      && event->duration <= SECONDS * GST_SECOND);
  fail_unless_equals_string (gst_avm_event_get_string (event, "cue"), "bow");
  fail_unless_equals_string (
      gst_avm_event_get_string (event, "part-name"), "Cello");
  gst_avm_event_free (event);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_online)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "pb");
  gdouble before = 0.0;
  GstAvmEvent *event;
  Fixture f;

  setup (&f);
  g_object_set (f.element, "interval", 3 * GST_SECOND, NULL);
  gst_util_set_object_arg (G_OBJECT (f.element), "mode", "online");
  open_pads (&f, info);
  push_notes (&f, 0, PLAYERS - 1);
  gst_harness_push_event (f.notes, gst_event_new_eos ());
  /* the answer comes as soon as the motion is there, not at the end */
  push_motion (&f, info, 0.0, 3.1, -1);
  check_answer (&f, info, 3 * GST_SECOND, FALSE);
  push_motion (&f, info, 3.1, SECONDS, -1);
  for (guint i = 2; i < SECONDS / 3; i++)
    check_answer (&f, info, 3 * i * GST_SECOND, FALSE);
  gst_harness_push_event (f.motion, gst_event_new_eos ());
  /* the end lies between the last row and the end of its frame */
  for (guint k = 0; k < 2 * PLAYERS; k++) {
    event = pull (&f);
    fail_unless (event->onset > (SECONDS - 1) * GST_SECOND);
    fail_unless_equals_uint64 (event->duration, 3 * GST_SECOND);
    fail_unless_equals_int (event->part,
        part_of ((guint)gst_avm_region_id_get_player (event->region)));
    fail_unless (event->confidence > 0.8);
    before += event->confidence;
    gst_avm_event_free (event);
  }
  fail_unless (before > 5.4);
  wait_for_eos (&f);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

/* The window forgets: players change their parts in the middle. */
GST_START_TEST (test_window)
{
  GstAvmSeriesInfo *info = motion_info (0, 1, "b");
  gint parts[2] = {-1, -1};
  GstAvmEvent *event;
  GstBuffer *buffer;
  Fixture f;

  setup (&f);
  g_object_set (
      f.element, "interval", 2 * GST_SECOND, "window", 5 * GST_SECOND, NULL);
  gst_util_set_object_arg (G_OBJECT (f.element), "mode", "online");
  open_pads (&f, info);
  /* players 0 and 1 play parts 2 and 1; after 6 s they are called 1 and 2 */
  for (guint part = 1; part <= 2; part++) {
    Part music;

    make_part (part, &music);
    for (guint i = 0; i + 1 < music.n; i++)
      push_note (
          &f, music.onsets[i] < 6.0 ? part : 3 - part, music.onsets[i], 0.2);
  }
  push_motion (&f, info, 0.0, SECONDS, -1);
  end_all (&f);
  wait_for_eos (&f);
  while ((buffer = gst_harness_try_pull (f.out)) != NULL) {
    event = take_event (buffer);
    if (event->onset == 6 * GST_SECOND)
      fail_unless_equals_int (event->part, 302 - event->region + 1);
    parts[event->region - 301] = event->part;
    gst_avm_event_free (event);
  }
  fail_unless_equals_int (parts[0], 1);
  fail_unless_equals_int (parts[1], 2);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_more_players)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "b");
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 1, PLAYERS - 1);
  push_motion (&f, info, 0.0, SECONDS, -1);
  end_all (&f);
  for (guint i = 0; i < PLAYERS; i++) {
    GstAvmEvent *event = pull (&f);

    fail_unless_equals_int (
        event->part, part_of (i) == 0 ? GST_AVM_NONE : (gint)part_of (i));
    fail_unless (event->part != GST_AVM_NONE
        || gst_avm_event_get_string (event, "part-name") == NULL);
    gst_avm_event_free (event);
  }
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_more_parts)
{
  GstAvmSeriesInfo *info = motion_info (1, PLAYERS - 1, "b");
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 0, PLAYERS);
  push_motion (&f, info, 0.0, SECONDS, -1);
  end_all (&f);
  check_answer (&f, info, 0, TRUE);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

/* There are as many parts as people, but one only listens. */
GST_START_TEST (test_still_player)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "phb");
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 0, PLAYERS - 1);
  push_motion (&f, info, 0.0, SECONDS, 1);
  end_all (&f);
  for (guint k = 0; k < 3 * PLAYERS; k++) {
    GstAvmEvent *event = pull (&f);
    guint player = (guint)gst_avm_region_id_get_player (event->region);

    fail_unless_equals_int (
        event->part, player == 1 ? GST_AVM_NONE : (gint)part_of (player));
    gst_avm_event_free (event);
  }
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

/* Two of the same desk: only without `exclusive` both are right. */
GST_START_TEST (test_shared_part)
{
  for (guint exclusive = 0; exclusive < 2; exclusive++) {
    GstAvmSeriesInfo *info = motion_info (0, 1, "b");
    guint right = 0;
    Fixture f;
    Part music;

    setup (&f);
    g_object_set (f.element, "exclusive", exclusive, NULL);
    open_pads (&f, info);
    push_notes (&f, 0, 0);
    /* the notes of both players, as one part */
    for (guint part = 1; part <= 2; part++) {
      make_part (part, &music);
      for (guint i = 0; i + 1 < music.n; i++)
        push_note (&f, 3, music.onsets[i], 0.1);
    }
    push_motion (&f, info, 0.0, SECONDS, -1);
    end_all (&f);
    for (guint i = 0; i < 2; i++) {
      GstAvmEvent *event = pull (&f);

      right += event->part == 3;
      gst_avm_event_free (event);
    }
    fail_unless_equals_int (right, exclusive ? 1 : 2);
    gst_avm_series_info_free (info);
    teardown (&f);
  }
}
GST_END_TEST;

/* Ids without a player in them: each region is somebody. */
GST_START_TEST (test_own_ids)
{
  GstAvmSeriesInfo *bows = motion_info (0, 1, "b");
  GstAvmSeriesInfo *info = gst_avm_series_info_new ("motion", FPS, 1);
  static const gchar *const quantities[] = {"vx", "vy", "confidence"};
  Fixture f;

  for (gint id = 7; id <= 8; id++)
    for (guint q = 0; q < 3; q++)
      gst_avm_series_info_add_channel (
          info, "violinist", quantities[q], "px/s", id, GST_AVM_NONE);
  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 1, 2);
  push_motion (&f, bows, 0.0, SECONDS, -1); /* the rows are the same */
  end_all (&f);
  for (gint id = 7; id <= 8; id++) {
    GstAvmEvent *event = pull (&f);

    fail_unless_equals_int (event->region, id);
    fail_unless_equals_int (event->part, (gint)part_of ((guint)id - 7));
    gst_avm_event_free (event);
  }
  gst_avm_series_info_free (info);
  gst_avm_series_info_free (bows);
  teardown (&f);
}
GST_END_TEST;

/* Regions are found one after the other. */
GST_START_TEST (test_new_caps)
{
  GstAvmSeriesInfo *few = motion_info (0, 0, "p");
  GstAvmSeriesInfo *all = motion_info (0, PLAYERS - 1, "phbf");
  Fixture f;

  setup (&f);
  open_pads (&f, few);
  push_notes (&f, 0, PLAYERS - 1);
  push_motion (&f, few, 0.0, 2.0, -1);
  set_caps (f.motion, all);
  push_motion (&f, all, 2.0, SECONDS, -1);
  end_all (&f);
  check_answer (&f, all, 0, TRUE);
  gst_avm_series_info_free (few);
  gst_avm_series_info_free (all);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_nothing)
{
  for (guint round = 0; round < 3; round++) {
    GstAvmSeriesInfo *info = motion_info (0, 1, "b");
    Fixture f;

    setup (&f);
    open_pads (&f, info);
    if (round == 1)
      push_motion (&f, info, 0.0, 3.0, -1);
    if (round == 2)
      push_notes (&f, 0, 1);
    end_all (&f);
    wait_for_eos (&f);
    fail_unless (gst_harness_try_pull (f.out) == NULL);
    fail_unless (warned (&f, round == 2 ? "No motion" : "No notes"));
    gst_avm_series_info_free (info);
    teardown (&f);
  }
}
GST_END_TEST;

GST_START_TEST (test_lost_regions)
{
  GstAvmSeriesInfo *info = motion_info (0, 0, "b");
  const gfloat row[3] = {NAN, NAN, 0.0f};
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_notes (&f, 0, 1);
  for (guint i = 0; i < 90; i++)
    gst_harness_push (f.motion,
        gst_avm_series_buffer_new (info, row, 1, i * GST_SECOND / FPS));
  end_all (&f);
  wait_for_eos (&f);
  fail_unless (warned (&f, "says nothing"));
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

static void
flush_pad (GstHarness *h)
{
  GstSegment segment;

  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

/* What came before a flush is forgotten: then the parts were other ones. */
GST_START_TEST (test_flush)
{
  GstAvmSeriesInfo *info = motion_info (0, PLAYERS - 1, "b");
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  push_motion (&f, info, 0.0, SECONDS, -1);
  for (guint part = 0; part < PLAYERS; part++) {
    Part music;

    make_part (part, &music);
    for (guint i = 0; i + 1 < music.n; i++)
      push_note (&f, (part + 1) % PLAYERS, music.onsets[i], 0.2);
  }
  flush_pad (f.motion);
  flush_pad (f.notes);
  set_caps (f.motion, info);
  push_motion (&f, info, 0.0, SECONDS, -1);
  push_notes (&f, 0, PLAYERS - 1);
  end_all (&f);
  check_answer (&f, info, 0, TRUE);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_damaged)
{
  GstAvmSeriesInfo *info = motion_info (0, 0, "b");
  GstMessage *message;
  GstBuffer *damaged;
  Fixture f;

  setup (&f);
  open_pads (&f, info);
  gst_harness_push (f.motion,
      gst_avm_series_buffer_new (
          info, (const gfloat[]){1.0f, 2.0f, 1.0f}, 1, 0));
  damaged = gst_buffer_new_allocate (NULL, 13, NULL);
  gst_buffer_memset (damaged, 0, 0xff, 13);
  fail_unless_equals_int (gst_harness_push (f.notes, damaged), GST_FLOW_ERROR);
  message = gst_bus_timed_pop_filtered (f.bus, GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_unref (message);
  gst_avm_series_info_free (info);
  teardown (&f);
}
GST_END_TEST;

GST_START_TEST (test_properties)
{
  GstElement *element = gst_element_factory_make ("avmassociate", NULL);
  guint64 interval, window;
  gdouble lag, prior;
  gboolean exclusive;
  gint cue, mode;

  g_object_set (element, "interval", 2 * GST_SECOND, "window", 9 * GST_SECOND,
      "max-lag", 0.1, "none-prior", 0.5, "exclusive", FALSE, "cue", 1, "mode",
      1, NULL);
  g_object_get (element, "interval", &interval, "window", &window, "max-lag",
      &lag, "none-prior", &prior, "exclusive", &exclusive, "cue", &cue, "mode",
      &mode, NULL);
  fail_unless (interval == 2 * GST_SECOND && window == 9 * GST_SECOND
      && lag == 0.1 && prior == 0.5 && !exclusive && cue == 1 && mode == 1);
  gst_object_unref (element);
}
GST_END_TEST;

static Suite *
associate_suite (void)
{
  Suite *suite = suite_create ("avmassociate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_offline);
  tcase_add_test (tc, test_event_fields);
  tcase_add_test (tc, test_online);
  tcase_add_test (tc, test_window);
  tcase_add_test (tc, test_more_players);
  tcase_add_test (tc, test_more_parts);
  tcase_add_test (tc, test_still_player);
  tcase_add_test (tc, test_shared_part);
  tcase_add_test (tc, test_own_ids);
  tcase_add_test (tc, test_new_caps);
  tcase_add_test (tc, test_nothing);
  tcase_add_test (tc, test_lost_regions);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_damaged);
  tcase_add_test (tc, test_properties);
  return suite;
}

GST_CHECK_MAIN (associate);
