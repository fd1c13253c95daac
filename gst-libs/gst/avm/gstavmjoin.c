/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstavmjoin
 * @title: GstAvmJoin
 * @short_description: base class of stages that join streams
 *
 * Streams of an analysis advance at very different speeds: motion comes with
 * the frames, aligned notes perhaps only when the piece is over. A base class
 * that waits for a buffer on every pad would block a demuxer for ever. Here
 * sink pads never wait for each other: each buffer is handed to
 * #GstAvmJoinClass.sink_buffer, which keeps what must be remembered, and the
 * source pad's own thread calls #GstAvmJoinClass.process as the watermark
 * (the running time up to which every pad is complete) moves, and once more
 * when all pads have ended.
 *
 * A subclass adds pad templates: one "src" (always), sinks "always" or "on
 * request". The base makes the pads.
 *
 * After a buffer the watermark of a pad is the end of the buffer; for events
 * it is the onset of the last one, since several may begin together. GAP and
 * EOS move it too. Pads without a peer do not count. A pad whose upstream
 * branch was never linked (a file without a video track, for example) counts
 * as ended, with a warning, once all others have ended.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmjoin.h"

#include <glib/gi18n-lib.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (avm_join_debug);
#define GST_CAT_DEFAULT avm_join_debug

struct _GstAvmJoinPad {
  GstPad parent;

  /* all under the join's lock */
  GstSegment segment;
  GstCaps *caps;
  GstClockTime watermark; /* running time, or NONE */
  gboolean started, eos, flushing, is_events, dead;
  gpointer data;
  GDestroyNotify destroy;
};

G_DEFINE_TYPE (GstAvmJoinPad, gst_avm_join_pad, GST_TYPE_PAD);

/* What process () queued; buffer NULL is a GAP up to time. */
typedef struct {
  GstBuffer *buffer;
  GstCaps *caps;
  GstClockTime time;
} OutItem;

typedef struct {
  /* Held while flushing, or the source pad, begins or ends, so that these
   * happen one after the other. Taken before the lock, never by src_loop (). */
  GMutex flush_lock;
  gboolean active; /* the source pad; under the flush lock */

  GMutex lock;
  GCond cond;
  GstPad *srcpad;
  GPtrArray *pads; /* sink pads, not owned */
  GQueue out;
  gint flushing;   /* atomic; the source pad is not to push */
  gboolean opened; /* STREAM_START was pushed */
  gboolean segment_pushed;
  gboolean ended;         /* process () was called with eos */
  gboolean fresh_segment; /* the next segment becomes the output's */
  GstSegment segment;     /* what the source pad shows */
  GstCaps *caps;          /* of the source pad */
  gboolean caps_pending;
  GstClockTime watermark; /* last one given to process () */
  GstFlowReturn flow;
  GstClockTime latency;
  guint group_id;
  gboolean have_group_id;
} GstAvmJoinPrivate;

#define gst_avm_join_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstAvmJoin, gst_avm_join, GST_TYPE_ELEMENT,
    G_ADD_PRIVATE (GstAvmJoin) GST_DEBUG_CATEGORY_INIT (
        avm_join_debug, "avmjoin", 0, "joining base class"));

#define PRIVATE(self)                                                          \
  ((GstAvmJoinPrivate *)gst_avm_join_get_instance_private (self))

/* -- pads ----------------------------------------------------------------- */

static void
gst_avm_join_pad_set_data_unlocked (
    GstAvmJoinPad *pad, gpointer data, GDestroyNotify destroy)
{
  if (pad->destroy != NULL && pad->data != NULL)
    pad->destroy (pad->data);
  pad->data = data;
  pad->destroy = destroy;
}

static void
gst_avm_join_pad_finalize (GObject *object)
{
  GstAvmJoinPad *pad = GST_AVM_JOIN_PAD (object);

  gst_avm_join_pad_set_data_unlocked (pad, NULL, NULL);
  gst_caps_replace (&pad->caps, NULL);
  G_OBJECT_CLASS (gst_avm_join_pad_parent_class)->finalize (object);
}

static void
gst_avm_join_pad_class_init (GstAvmJoinPadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_avm_join_pad_finalize;
}

static void
gst_avm_join_pad_reset (GstAvmJoinPad *pad)
{
  gst_segment_init (&pad->segment, GST_FORMAT_UNDEFINED);
  pad->watermark = GST_CLOCK_TIME_NONE;
  pad->eos = FALSE;
  pad->started = FALSE;
  pad->flushing = FALSE;
  pad->dead = FALSE;
}

static void
gst_avm_join_pad_init (GstAvmJoinPad *pad)
{
  gst_avm_join_pad_reset (pad);
}

/* Whether nothing can come from upstream of this sink pad: somewhere on the
 * way a sink pad has no peer. Sources and elements that are still to link
 * their pads count as alive. */
static gboolean
upstream_is_dead (GstPad *sinkpad, guint depth)
{
  GstPad *peer = gst_pad_get_peer (sinkpad);
  GstIterator *links;
  GValue item = G_VALUE_INIT;
  gboolean dead = FALSE;
  guint n_links = 0;

  if (peer == NULL)
    return TRUE;
  links = depth > 0 ? gst_pad_iterate_internal_links (peer) : NULL;
  while (links != NULL && gst_iterator_next (links, &item) == GST_ITERATOR_OK) {
    GstPad *link = g_value_get_object (&item);
    gboolean this_dead = link != NULL && upstream_is_dead (link, depth - 1);

    dead = n_links == 0 ? this_dead : dead && this_dead;
    n_links++;
    g_value_reset (&item);
  }
  if (G_IS_VALUE (&item))
    g_value_unset (&item);
  if (links != NULL)
    gst_iterator_free (links);
  gst_object_unref (peer);
  return dead;
}

static void
out_item_free (OutItem *item)
{
  gst_clear_buffer (&item->buffer);
  gst_clear_caps (&item->caps);
  g_free (item);
}

static void
clear_out (GstAvmJoinPrivate *priv)
{
  OutItem *item;

  while ((item = g_queue_pop_head (&priv->out)) != NULL)
    out_item_free (item);
}

static void
raise_watermark (GstAvmJoinPad *pad, GstClockTime running_time)
{
  if (GST_CLOCK_TIME_IS_VALID (running_time)
      && (!GST_CLOCK_TIME_IS_VALID (pad->watermark)
          || running_time > pad->watermark))
    pad->watermark = running_time;
}

/* -- the source pad's thread ---------------------------------------------- */

/* Under the lock. FALSE: a pad still holds everything up. */
static gboolean
get_watermark (GstAvmJoinPrivate *priv, GstClockTime *watermark, gboolean *eos)
{
  guint n_counted = 0;
  gboolean held = FALSE;

  *watermark = GST_CLOCK_TIME_NONE;
  *eos = TRUE;
  for (guint i = 0; i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (!pad->started && !GST_PAD_IS_LINKED (pad))
      continue;
    n_counted++;
    if (pad->eos || pad->dead)
      continue;
    *eos = FALSE;
    if (!GST_CLOCK_TIME_IS_VALID (pad->watermark))
      held = TRUE;
    else
      *watermark = MIN (*watermark, pad->watermark);
  }
  if (n_counted == 0)
    *eos = FALSE;
  return n_counted > 0 && (*eos || !held);
}

/* Under the lock. Pads that hold everything up because their branch was never
 * linked are counted as ended once all others have ended. */
static gboolean
bury_dead_pads (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean buried = FALSE, any_ended = FALSE;

  for (guint i = 0; i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (pad->eos || pad->dead)
      any_ended = TRUE;
    else if (pad->started)
      return FALSE;
  }
  for (guint i = 0; any_ended && i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (pad->eos || pad->dead || !GST_PAD_IS_LINKED (pad)
        || !upstream_is_dead (GST_PAD (pad), 64))
      continue;
    pad->dead = TRUE;
    buried = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("Nothing ever came to pad \"%s\" of %s: the branch before it is "
            "not linked. Does the file have such a track?"),
            GST_PAD_NAME (pad), GST_ELEMENT_NAME (self)),
        (NULL));
  }
  return buried;
}

static void
push_stream_start (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  /* not gst_pad_create_stream_id (): it is for one sink pad at most */
  gchar *id = g_strdup_printf (
      "avm-%s-%s", GST_ELEMENT_NAME (self), GST_PAD_NAME (priv->srcpad));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_stream_flags (event, GST_STREAM_FLAG_SPARSE);
  gst_event_set_group_id (
      event, priv->have_group_id ? priv->group_id : gst_util_group_id_next ());
  gst_pad_push_event (priv->srcpad, event);
  g_free (id);
}

static GstClockTime
to_src_time (const GstSegment *segment, GstClockTime running_time)
{
  guint64 position;

  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return GST_CLOCK_TIME_NONE;
  if (gst_segment_position_from_running_time_full (
          segment, GST_FORMAT_TIME, running_time, &position)
      > 0)
    return position;
  return segment->start;
}

/* Under the lock at entry and exit; pushes what must precede any buffer.
 * Returns FALSE when the state changed and has to be looked at again. */
static gboolean
open_stream (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean start = !priv->opened;
  /* caps come before the segment, so it waits until they are known */
  gboolean segment = !priv->segment_pushed && priv->caps != NULL
      && priv->segment.format == GST_FORMAT_TIME;
  GstCaps *caps = NULL;
  GstSegment copy = priv->segment;

  if (priv->caps_pending && priv->caps != NULL)
    caps = gst_caps_ref (priv->caps);
  if (!start && !segment && caps == NULL)
    return TRUE;
  priv->opened = TRUE;
  priv->caps_pending = FALSE;
  priv->segment_pushed |= segment;
  g_mutex_unlock (&priv->lock);
  if (start)
    push_stream_start (self);
  if (caps != NULL)
    gst_pad_push_event (priv->srcpad, gst_event_new_caps (caps));
  gst_clear_caps (&caps);
  if (segment) {
    gst_pad_push_event (priv->srcpad, gst_event_new_segment (&copy));
    /* Sinks preroll on it, although the first result may come at the end. */
    gst_pad_push_event (priv->srcpad, gst_event_new_gap (copy.start, 0));
  }
  g_mutex_lock (&priv->lock);
  return FALSE;
}

static GstFlowReturn
push_item (GstAvmJoin *self, OutItem *item, const GstSegment *segment,
    gboolean *need_segment)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstBuffer *buffer;
  GstClockTime time = to_src_time (segment, item->time);

  if (item->caps != NULL)
    gst_pad_push_event (priv->srcpad, gst_event_new_caps (item->caps));
  if (*need_segment)
    gst_pad_push_event (priv->srcpad, gst_event_new_segment (segment));
  *need_segment = FALSE;
  if (item->buffer == NULL) {
    if (time > segment->start)
      gst_pad_push_event (priv->srcpad,
          gst_event_new_gap (segment->start, time - segment->start));
    return GST_FLOW_OK;
  }
  buffer = gst_buffer_make_writable (g_steal_pointer (&item->buffer));
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  return gst_pad_push (priv->srcpad, buffer);
}

/* Pushes without the lock. */
static GstFlowReturn
push_out (GstAvmJoin *self, GQueue *out, const GstSegment *segment,
    gboolean need_segment)
{
  GstFlowReturn flow = GST_FLOW_OK;
  OutItem *item;

  while ((item = g_queue_pop_head (out)) != NULL) {
    if (flow == GST_FLOW_OK)
      flow = push_item (self, item, segment, &need_segment);
    out_item_free (item);
  }
  return flow;
}

/* Under the lock. What to do now; FALSE: nothing, wait. */
static gboolean
next_work (GstAvmJoin *self, GstClockTime *watermark, gboolean *eos)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  if (priv->ended)
    return FALSE;
  if (!get_watermark (priv, watermark, eos))
    return bury_dead_pads (self) ? next_work (self, watermark, eos) : FALSE;
  if (*eos)
    return TRUE;
  return !GST_CLOCK_TIME_IS_VALID (priv->watermark)
      || *watermark > priv->watermark;
}

static gboolean
any_pad_started (GstAvmJoinPrivate *priv)
{
  for (guint i = 0; i < priv->pads->len; i++) {
    if (((GstAvmJoinPad *)g_ptr_array_index (priv->pads, i))->started)
      return TRUE;
  }
  return FALSE;
}

/* Under the lock at entry; waits until there is something to do, then calls
 * process () and takes what it queued. FALSE: flushing. */
static gboolean
work (GstAvmJoin *self, GQueue *out, GstSegment *segment,
    gboolean *need_segment, gboolean *eos)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstClockTime watermark;
  GstFlowReturn flow = GST_FLOW_OK;

  for (;;) {
    if (g_atomic_int_get (&priv->flushing))
      return FALSE;
    if (any_pad_started (priv) && !open_stream (self))
      continue;
    if (next_work (self, &watermark, eos))
      break;
    g_cond_wait (&priv->cond, &priv->lock);
  }
  priv->ended = *eos;
  if (!*eos)
    priv->watermark = watermark;
  if (klass->process != NULL)
    flow = klass->process (self, *eos ? GST_CLOCK_TIME_NONE : watermark, *eos);
  if (flow != GST_FLOW_OK)
    priv->flow = flow;
  *out = priv->out;
  g_queue_init (&priv->out);
  *segment = priv->segment;
  if (segment->format != GST_FORMAT_TIME)
    gst_segment_init (segment, GST_FORMAT_TIME);
  *need_segment = !priv->segment_pushed && !g_queue_is_empty (out);
  priv->segment_pushed |= *need_segment;
  return TRUE;
}

static void
src_loop (gpointer user_data)
{
  GstAvmJoin *self = user_data;
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GQueue out = G_QUEUE_INIT;
  GstSegment segment;
  GstFlowReturn flow, wanted;
  gboolean eos = FALSE, need_segment = FALSE;

  g_mutex_lock (&priv->lock);
  if (!work (self, &out, &segment, &need_segment, &eos)) {
    g_mutex_unlock (&priv->lock);
    gst_pad_pause_task (priv->srcpad);
    return;
  }
  wanted = priv->flow;
  g_mutex_unlock (&priv->lock);

  flow = push_out (self, &out, &segment, need_segment);
  if (wanted != GST_FLOW_OK && flow == GST_FLOW_OK)
    flow = wanted;
  g_mutex_lock (&priv->lock);
  if (flow != GST_FLOW_OK && priv->flow == GST_FLOW_OK)
    priv->flow = flow;
  g_mutex_unlock (&priv->lock);

  if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  if (eos || (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING))
    gst_pad_push_event (priv->srcpad, gst_event_new_eos ());
  if (eos || flow != GST_FLOW_OK)
    gst_pad_pause_task (priv->srcpad);
}

static void
set_flushing (GstAvmJoinPrivate *priv, gboolean flushing)
{
  g_atomic_int_set (&priv->flushing, flushing);
  g_mutex_lock (&priv->lock);
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

static gboolean
src_activate_mode (
    GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstAvmJoin *self = GST_AVM_JOIN (parent);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean ok;

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  g_mutex_lock (&priv->flush_lock);
  priv->active = active;
  set_flushing (priv, !active);
  ok = active ? gst_pad_start_task (pad, src_loop, self, NULL)
              : gst_pad_stop_task (pad);
  g_mutex_unlock (&priv->flush_lock);
  return ok;
}

static gboolean
src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstAvmJoinPrivate *priv = PRIVATE (GST_AVM_JOIN (parent));
  gboolean live;
  GstClockTime min, max, own;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  if (!gst_pad_query_default (pad, parent, query))
    return FALSE;
  GST_OBJECT_LOCK (parent);
  own = priv->latency;
  GST_OBJECT_UNLOCK (parent);
  gst_query_parse_latency (query, &live, &min, &max);
  /* everything that comes in is taken at once, so the maximum is unbounded */
  gst_query_set_latency (query, live, min + own, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* -- sink pads ------------------------------------------------------------ */

static GstFlowReturn
sink_chain (GstPad *gstpad, GstObject *parent, GstBuffer *buffer)
{
  GstAvmJoin *self = GST_AVM_JOIN (parent);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinPad *pad = GST_AVM_JOIN_PAD (gstpad);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstFlowReturn flow = GST_FLOW_OK;

  g_mutex_lock (&priv->lock);
  if (pad->flushing)
    flow = GST_FLOW_FLUSHING;
  else if (pad->eos)
    flow = GST_FLOW_EOS;
  else if (priv->flow != GST_FLOW_OK && priv->flow != GST_FLOW_FLUSHING)
    flow = priv->flow;
  else if (klass->sink_buffer != NULL)
    flow = klass->sink_buffer (self, pad, buffer);
  if (flow == GST_FLOW_OK && GST_BUFFER_PTS_IS_VALID (buffer)) {
    GstClockTime time = GST_BUFFER_PTS (buffer);

    if (!pad->is_events && GST_BUFFER_DURATION_IS_VALID (buffer))
      time += GST_BUFFER_DURATION (buffer);
    raise_watermark (pad, gst_avm_join_pad_to_running_time (pad, time));
    g_cond_broadcast (&priv->cond);
  }
  g_mutex_unlock (&priv->lock);
  gst_buffer_unref (buffer);
  return flow;
}

static gboolean
sink_caps (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstCaps *caps;
  gboolean ok = TRUE;

  gst_event_parse_caps (event, &caps);
  g_mutex_lock (&priv->lock);
  gst_caps_replace (&pad->caps, caps);
  pad->is_events = gst_structure_has_name (
      gst_caps_get_structure (caps, 0), GST_AVM_EVENTS_MEDIA_TYPE);
  if (klass->sink_caps != NULL)
    ok = klass->sink_caps (self, pad, caps);
  g_mutex_unlock (&priv->lock);
  return ok;
}

static gboolean
sink_segment (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        (_ ("Pad \"%s\" of %s gets a stream without times. Put a parser or a "
            "decoder before it."),
            GST_PAD_NAME (pad), GST_ELEMENT_NAME (self)),
        ("segment format %s", gst_format_get_name (segment->format)));
    return FALSE;
  }
  g_mutex_lock (&priv->lock);
  gst_segment_copy_into (segment, &pad->segment);
  raise_watermark (
      pad, gst_avm_join_pad_to_running_time (pad, segment->position));
  if (priv->fresh_segment) {
    gst_segment_copy_into (segment, &priv->segment);
    /* a whole stage forwards no end of its own: results may lie anywhere */
    priv->segment.position = priv->segment.start;
    priv->fresh_segment = FALSE;
    priv->segment_pushed = FALSE;
  }
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
  return TRUE;
}

static void
sink_gap (GstAvmJoinPrivate *priv, GstAvmJoinPad *pad, GstEvent *event)
{
  GstClockTime time, duration;

  gst_event_parse_gap (event, &time, &duration);
  if (GST_CLOCK_TIME_IS_VALID (duration))
    time += duration;
  g_mutex_lock (&priv->lock);
  if (pad->segment.format == GST_FORMAT_TIME)
    raise_watermark (pad, gst_avm_join_pad_to_running_time (pad, time));
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

static void
sink_stream_start (GstAvmJoinPrivate *priv, GstAvmJoinPad *pad, GstEvent *event)
{
  guint group_id;

  g_mutex_lock (&priv->lock);
  pad->started = TRUE;
  pad->dead = FALSE;
  pad->eos = FALSE;
  if (!priv->have_group_id && gst_event_parse_group_id (event, &group_id)) {
    priv->group_id = group_id;
    priv->have_group_id = TRUE;
  }
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

static void
sink_eos (GstAvmJoinPrivate *priv, GstAvmJoinPad *pad)
{
  g_mutex_lock (&priv->lock);
  pad->started = TRUE;
  pad->eos = TRUE;
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

static guint
count_flushing (GstAvmJoinPrivate *priv)
{
  guint n = 0;

  for (guint i = 0; i < priv->pads->len; i++)
    n += ((GstAvmJoinPad *)g_ptr_array_index (priv->pads, i))->flushing;
  return n;
}

/* The first pad that flushes flushes the output. */
static void
sink_flush_start (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean first;

  g_mutex_lock (&priv->flush_lock);
  g_atomic_int_set (&priv->flushing, TRUE);
  g_mutex_lock (&priv->lock);
  first = count_flushing (priv) == 0;
  pad->flushing = TRUE;
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
  if (first) {
    gst_pad_push_event (priv->srcpad, gst_event_ref (event));
    gst_pad_pause_task (priv->srcpad);
  }
  g_mutex_unlock (&priv->flush_lock);
}

/* The last pad that stops flushing restarts it. */
static void
sink_flush_stop (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  gboolean last;

  g_mutex_lock (&priv->flush_lock);
  g_mutex_lock (&priv->lock);
  gst_avm_join_pad_reset (pad);
  pad->started = TRUE;
  if (klass->flush != NULL)
    klass->flush (self, pad);
  last = count_flushing (priv) == 0;
  if (last) {
    clear_out (priv);
    priv->ended = FALSE;
    priv->watermark = GST_CLOCK_TIME_NONE;
    priv->flow = GST_FLOW_OK;
    priv->fresh_segment = TRUE;
    priv->segment_pushed = FALSE;
    gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
  }
  g_mutex_unlock (&priv->lock);
  if (last)
    gst_pad_push_event (priv->srcpad, gst_event_ref (event));
  if (last && priv->active) {
    g_atomic_int_set (&priv->flushing, FALSE);
    gst_pad_start_task (priv->srcpad, src_loop, self, NULL);
  }
  g_mutex_unlock (&priv->flush_lock);
}

static gboolean
sink_event (GstPad *gstpad, GstObject *parent, GstEvent *event)
{
  GstAvmJoin *self = GST_AVM_JOIN (parent);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinPad *pad = GST_AVM_JOIN_PAD (gstpad);
  gboolean ok = TRUE;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      sink_stream_start (priv, pad, event);
      break;
    case GST_EVENT_CAPS:
      ok = sink_caps (self, pad, event);
      break;
    case GST_EVENT_SEGMENT:
      ok = sink_segment (self, pad, event);
      break;
    case GST_EVENT_GAP:
      sink_gap (priv, pad, event);
      break;
    case GST_EVENT_EOS:
      sink_eos (priv, pad);
      break;
    case GST_EVENT_FLUSH_START:
      sink_flush_start (self, pad, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      sink_flush_stop (self, pad, event);
      break;
    default:
      /* tags and the like are about one input, not about the result */
      GST_LOG_OBJECT (pad, "dropping %" GST_PTR_FORMAT, event);
      break;
  }
  gst_event_unref (event);
  return ok;
}

/* -- the element ---------------------------------------------------------- */

static GstAvmJoinPad *
add_sink_pad (GstAvmJoin *self, GstPadTemplate *template, const gchar *name)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstAvmJoinPad *pad = g_object_new (GST_TYPE_AVM_JOIN_PAD, "name", name,
      "direction", GST_PAD_SINK, "template", template, NULL);

  gst_pad_set_chain_function (GST_PAD (pad), GST_DEBUG_FUNCPTR (sink_chain));
  gst_pad_set_event_function (GST_PAD (pad), GST_DEBUG_FUNCPTR (sink_event));
  g_mutex_lock (&priv->lock);
  g_ptr_array_add (priv->pads, pad);
  if (klass->pad_added != NULL)
    klass->pad_added (self, pad);
  g_mutex_unlock (&priv->lock);
  gst_element_add_pad (GST_ELEMENT (self), GST_PAD (pad));
  return pad;
}

static GstPad *
gst_avm_join_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *name, const GstCaps *caps)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  const gchar *pattern = GST_PAD_TEMPLATE_NAME_TEMPLATE (template);
  gchar *made;
  GstPad *old;
  GstAvmJoinPad *pad;

  if (GST_PAD_TEMPLATE_DIRECTION (template) != GST_PAD_SINK)
    return NULL;
  if (strchr (pattern, '%') == NULL) {
    made = g_strdup (pattern);
  } else if (name != NULL && strchr (name, '%') == NULL) {
    made = g_strdup (name);
  } else {
    guint number = 0;

    for (;;) {
      gchar **split = g_strsplit (pattern, "%", 2);

      made = g_strdup_printf ("%s%u", split[0], number++);
      g_strfreev (split);
      old = gst_element_get_static_pad (element, made);
      if (old == NULL)
        break;
      gst_object_unref (old);
      g_free (made);
    }
  }
  old = gst_element_get_static_pad (element, made);
  if (old != NULL) {
    GST_WARNING_OBJECT (self, "pad %s exists already", made);
    gst_object_unref (old);
    g_free (made);
    return NULL;
  }
  pad = add_sink_pad (self, template, made);
  g_free (made);
  return GST_PAD (pad);
}

static void
gst_avm_join_release_pad (GstElement *element, GstPad *gstpad)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstAvmJoinPad *pad = GST_AVM_JOIN_PAD (gstpad);

  gst_pad_set_active (gstpad, FALSE);
  g_mutex_lock (&priv->lock);
  if (klass->pad_removed != NULL)
    klass->pad_removed (self, pad);
  gst_avm_join_pad_set_data_unlocked (pad, NULL, NULL);
  g_ptr_array_remove (priv->pads, pad);
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
  gst_element_remove_pad (element, gstpad);
}

static void
reset (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  for (guint i = 0; i < priv->pads->len; i++)
    gst_avm_join_pad_reset (g_ptr_array_index (priv->pads, i));
  clear_out (priv);
  priv->opened = priv->segment_pushed = priv->ended = FALSE;
  priv->fresh_segment = TRUE;
  priv->caps_pending = priv->caps != NULL;
  priv->watermark = GST_CLOCK_TIME_NONE;
  priv->flow = GST_FLOW_OK;
  priv->have_group_id = FALSE;
  gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
}

static gboolean
any_pad_linked (GstAvmJoinPrivate *priv)
{
  for (guint i = 0; i < priv->pads->len; i++) {
    if (GST_PAD_IS_LINKED (g_ptr_array_index (priv->pads, i)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
start (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  gboolean ok, linked;

  g_mutex_lock (&priv->lock);
  gst_caps_replace (&priv->caps, NULL);
  reset (self);
  ok = klass->start == NULL || klass->start (self);
  linked = any_pad_linked (priv);
  g_mutex_unlock (&priv->lock);
  if (ok && !linked && GST_PAD_IS_LINKED (priv->srcpad))
    GST_ELEMENT_ERROR (self, CORE, PAD,
        (_ ("No stream is linked to %s. Link at least one of its sink pads."),
            GST_ELEMENT_NAME (self)),
        (NULL));
  return ok;
}

static void
stop (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);

  g_mutex_lock (&priv->lock);
  reset (self);
  if (klass->flush != NULL)
    klass->flush (self, NULL);
  if (klass->stop != NULL)
    klass->stop (self);
  gst_caps_replace (&priv->caps, NULL);
  g_mutex_unlock (&priv->lock);
}

static GstStateChangeReturn
gst_avm_join_change_state (GstElement *element, GstStateChange transition)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  return ret;
}

static void
gst_avm_join_constructed (GObject *object)
{
  GstAvmJoin *self = GST_AVM_JOIN (object);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GList *templates =
      gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (self));

  G_OBJECT_CLASS (parent_class)->constructed (object);
  for (GList *t = templates; t != NULL; t = t->next) {
    GstPadTemplate *template = t->data;
    const gchar *name = GST_PAD_TEMPLATE_NAME_TEMPLATE (template);

    if (GST_PAD_TEMPLATE_PRESENCE (template) != GST_PAD_ALWAYS)
      continue;
    if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SINK) {
      add_sink_pad (self, template, name);
    } else if (priv->srcpad == NULL) {
      priv->srcpad = gst_pad_new_from_template (template, name);
      gst_pad_set_activatemode_function (
          priv->srcpad, GST_DEBUG_FUNCPTR (src_activate_mode));
      gst_pad_set_query_function (priv->srcpad, GST_DEBUG_FUNCPTR (src_query));
      gst_element_add_pad (GST_ELEMENT (self), priv->srcpad);
    }
  }
  g_assert (priv->srcpad != NULL);
}

static void
gst_avm_join_finalize (GObject *object)
{
  GstAvmJoinPrivate *priv = PRIVATE (GST_AVM_JOIN (object));

  clear_out (priv);
  gst_caps_replace (&priv->caps, NULL);
  g_ptr_array_unref (priv->pads);
  g_mutex_clear (&priv->lock);
  g_mutex_clear (&priv->flush_lock);
  g_cond_clear (&priv->cond);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_avm_join_class_init (GstAvmJoinClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->constructed = gst_avm_join_constructed;
  G_OBJECT_CLASS (klass)->finalize = gst_avm_join_finalize;
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_avm_join_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR (gst_avm_join_release_pad);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_avm_join_change_state);
}

static void
gst_avm_join_init (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  g_mutex_init (&priv->lock);
  g_mutex_init (&priv->flush_lock);
  g_cond_init (&priv->cond);
  g_queue_init (&priv->out);
  priv->pads = g_ptr_array_new ();
  priv->flushing = TRUE;
  reset (self);
}

/* -- for subclasses ------------------------------------------------------- */

/**
 * gst_avm_join_get_pad: (skip)
 * @self: a join
 * @name: name of a sink pad
 *
 * Returns: (transfer none) (nullable): the pad
 *
 * Since: 0.1
 */
GstAvmJoinPad *
gst_avm_join_get_pad (GstAvmJoin *self, const gchar *name)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  for (guint i = 0; i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (g_str_equal (GST_PAD_NAME (pad), name))
      return pad;
  }
  return NULL;
}

/**
 * gst_avm_join_get_sink_pads: (skip)
 * @self: a join
 *
 * Returns: (transfer container) (element-type GstAvmJoinPad): its sink pads in
 *   the order in which they were made
 *
 * Since: 0.1
 */
GList *
gst_avm_join_get_sink_pads (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GList *list = NULL;

  for (guint i = priv->pads->len; i > 0; i--)
    list = g_list_prepend (list, g_ptr_array_index (priv->pads, i - 1));
  return list;
}

/**
 * gst_avm_join_pad_to_running_time: (skip)
 * @pad: a sink pad
 * @time: PTS or onset in the time of its stream
 *
 * Returns: running time; what lies before the segment becomes 0;
 *   %GST_CLOCK_TIME_NONE when @time is not valid
 *
 * Since: 0.1
 */
GstClockTime
gst_avm_join_pad_to_running_time (GstAvmJoinPad *pad, GstClockTime time)
{
  guint64 running_time;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_TIME_NONE;
  if (pad->segment.format != GST_FORMAT_TIME)
    return time;
  sign = gst_segment_to_running_time_full (
      &pad->segment, GST_FORMAT_TIME, time, &running_time);
  return sign > 0 ? running_time : 0;
}

/**
 * gst_avm_join_pad_get_watermark: (skip)
 * @pad: a sink pad
 *
 * Returns: running time up to which the pad is complete, or
 *   %GST_CLOCK_TIME_NONE when nothing has come yet
 *
 * Since: 0.1
 */
GstClockTime
gst_avm_join_pad_get_watermark (GstAvmJoinPad *pad)
{
  return pad->watermark;
}

/**
 * gst_avm_join_pad_is_eos: (skip)
 * @pad: a sink pad
 *
 * Returns: whether its stream has ended
 *
 * Since: 0.1
 */
gboolean
gst_avm_join_pad_is_eos (GstAvmJoinPad *pad)
{
  return pad->eos || pad->dead;
}

/**
 * gst_avm_join_pad_get_caps: (skip)
 * @pad: a sink pad
 *
 * Returns: (transfer none) (nullable): its caps
 *
 * Since: 0.1
 */
GstCaps *
gst_avm_join_pad_get_caps (GstAvmJoinPad *pad)
{
  return pad->caps;
}

/**
 * gst_avm_join_pad_set_data: (skip)
 * @pad: a sink pad
 * @data: what the subclass remembers of its stream
 * @destroy: (nullable): frees @data
 *
 * Since: 0.1
 */
void
gst_avm_join_pad_set_data (
    GstAvmJoinPad *pad, gpointer data, GDestroyNotify destroy)
{
  gst_avm_join_pad_set_data_unlocked (pad, data, destroy);
}

/**
 * gst_avm_join_pad_get_data: (skip)
 * @pad: a sink pad
 *
 * Returns: (transfer none) (nullable): what gst_avm_join_pad_set_data() set
 *
 * Since: 0.1
 */
gpointer
gst_avm_join_pad_get_data (GstAvmJoinPad *pad)
{
  return pad->data;
}

/**
 * gst_avm_join_set_src_caps: (skip)
 * @self: a join
 * @caps: fixed caps of the results that are pushed from now on
 *
 * From start (), sink_caps () or process (). Until caps are set, nothing at all
 * goes downstream and sinks cannot preroll: a stage that learns its caps late
 * sets provisional ones in start ().
 *
 * Since: 0.1
 */
void
gst_avm_join_set_src_caps (GstAvmJoin *self, GstCaps *caps)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  g_return_if_fail (GST_IS_CAPS (caps) && gst_caps_is_fixed (caps));
  if (priv->caps != NULL && gst_caps_is_equal (priv->caps, caps))
    return;
  gst_caps_replace (&priv->caps, caps);
  priv->caps_pending = TRUE;
  g_cond_broadcast (&priv->cond);
}

static void
queue_item (GstAvmJoin *self, GstBuffer *buffer, GstClockTime time)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  OutItem *item = g_new0 (OutItem, 1);

  if (buffer != NULL && priv->caps == NULL && klass->src_caps != NULL) {
    GstCaps *caps = klass->src_caps (self);

    if (caps != NULL)
      gst_avm_join_set_src_caps (self, caps);
    gst_clear_caps (&caps);
  }
  if (priv->caps_pending && priv->caps != NULL && buffer != NULL) {
    item->caps = gst_caps_ref (priv->caps);
    priv->caps_pending = FALSE;
  }
  item->buffer = buffer;
  item->time = time;
  g_queue_push_tail (&priv->out, item);
}

/**
 * gst_avm_join_push_buffer: (skip)
 * @self: a join
 * @buffer: (transfer full): a result; its PTS is running time
 *
 * Queues @buffer; it is pushed after process () has returned, with its PTS
 * mapped into the source pad's segment.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_buffer (GstAvmJoin *self, GstBuffer *buffer)
{
  queue_item (self, buffer, GST_BUFFER_PTS (buffer));
}

/**
 * gst_avm_join_push_event: (skip)
 * @self: a join
 * @event: (transfer full): a result; its onset is running time
 *
 * Queues an event as a buffer of its own; the onset is mapped into the source
 * pad's segment, in the payload as well.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_event (GstAvmJoin *self, GstAvmEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstClockTime running_time = event->onset;

  if (priv->segment.format == GST_FORMAT_TIME)
    event->onset = to_src_time (&priv->segment, running_time);
  queue_item (self, gst_avm_event_to_buffer (event), running_time);
  gst_avm_event_free (event);
}

/**
 * gst_avm_join_push_gap: (skip)
 * @self: a join
 * @running_time: nothing before this time will be pushed any more
 *
 * Queues a GAP, so that stages downstream can go on.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_gap (GstAvmJoin *self, GstClockTime running_time)
{
  queue_item (self, NULL, running_time);
}

/**
 * gst_avm_join_is_flushing: (skip)
 * @self: a join
 *
 * Long computations in process () look at it now and then. Needs no lock.
 *
 * Returns: whether the results are not wanted any more
 *
 * Since: 0.1
 */
gboolean
gst_avm_join_is_flushing (GstAvmJoin *self)
{
  return g_atomic_int_get (&PRIVATE (self)->flushing);
}

/**
 * gst_avm_join_is_live: (skip)
 * @self: a join
 *
 * Must not be called with the join's lock held (not from a vmethod).
 *
 * Returns: whether a live source is upstream
 *
 * Since: 0.1
 */
gboolean
gst_avm_join_is_live (GstAvmJoin *self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_query (PRIVATE (self)->srcpad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

/**
 * gst_avm_join_set_latency: (skip)
 * @self: a join
 * @latency: how long after the last input that it depends on a result comes,
 *   ns, for stages that emit as the watermark moves
 *
 * Since: 0.1
 */
void
gst_avm_join_set_latency (GstAvmJoin *self, GstClockTime latency)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = priv->latency != latency;
  priv->latency = latency;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}
