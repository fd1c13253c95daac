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
 * A subclass adds pad templates: a source "always", or sources "on request", or
 * both; sinks "always" or "on request". The base makes the pads. One thread
 * serves all source pads; each has caps and a stream id of its own and opens
 * and ends with the others. What they return is combined as in a demuxer: it is
 * an error that nobody wants any of them, not that nobody wants one.
 *
 * Long work in #GstAvmJoinClass.process lets go of the lock meanwhile
 * (gst_avm_join_unlock()), so that the sinks can go on to remember, and a stage
 * whose results are large gives them a part at a time
 * (gst_avm_join_call_again()).
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
#include <gst/base/gstflowcombiner.h>
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

/* A source pad, which owns it. */
typedef struct {
  GstPad *pad;
  GstCaps *caps;
  gboolean caps_pending;
  gboolean opened; /* STREAM_START was pushed */
  gboolean segment_pushed;
} Output;

/* How long a branch that is not linked is given to be linked after the others
 * have ended, us: a stored stream ends at once, and a demuxer links its pads
 * only when it has read the file. */
#define DEAD_AFTER (5 * G_USEC_PER_SEC)

/* What process () queued; buffer NULL is a GAP up to time. */
typedef struct {
  GstPad *pad;
  GstBuffer *buffer;
  GstCaps *caps;
  gboolean segment; /* goes before it */
  GstClockTime time;
} OutItem;

typedef struct {
  /* Held while flushing, or the task, begins or ends, so that these happen one
   * after the other. Taken before the lock, never by src_loop (). */
  GMutex flush_lock;
  GstTask *task; /* pushes; under both locks; NULL: ends or is not there */
  GRecMutex task_lock;

  GMutex lock;
  GCond cond;
  GstPad *srcpad;     /* that which is always there, or NULL */
  GPtrArray *outputs; /* Output, owned */
  GPtrArray *pads;    /* sink pads, not owned */
  GQueue out;
  gint flushing;          /* atomic; the source pads are not to push */
  gboolean again;         /* process () wants to be called once more */
  gboolean ended;         /* process () was called with eos */
  gboolean fresh_segment; /* the next segment becomes the output's */
  GstAvmJoinPad *main;    /* whose segment it is; NULL: any pad's */
  GstSegment segment;     /* what the source pads show */
  GstClockTime watermark; /* last one given to process () */
  gint64 dead_since;      /* monotonic, us, of the first such branch; 0 none */
  GstFlowCombiner *combiner;
  guint32 seek_seqnum; /* of the last seek that went upstream */
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
output_free (Output *output)
{
  gst_clear_caps (&output->caps);
  g_free (output);
}

static Output *
find_output (GstAvmJoinPrivate *priv, GstPad *pad)
{
  for (guint i = 0; i < priv->outputs->len; i++) {
    Output *output = g_ptr_array_index (priv->outputs, i);

    if (output->pad == pad)
      return output;
  }
  return NULL;
}

static void
out_item_free (OutItem *item)
{
  gst_clear_object (&item->pad);
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

/* Whether a dead branch had its time; begins to count. */
static gboolean
has_waited (GstAvmJoinPrivate *priv)
{
  gint64 now = g_get_monotonic_time ();

  if (priv->dead_since == 0)
    priv->dead_since = now;
  return now - priv->dead_since >= DEAD_AFTER;
}

/* Under the lock. Pads that hold everything up because their branch was never
 * linked are counted as ended once all others have ended. */
static gboolean
bury_dead_pads (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean buried = FALSE, alive = FALSE, any_ended = FALSE, any_dead = FALSE;

  for (guint i = 0; i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (pad->eos || pad->dead)
      any_ended = TRUE;
    else if (pad->started)
      alive = TRUE;
  }
  for (guint i = 0; any_ended && !alive && i < priv->pads->len; i++) {
    GstAvmJoinPad *pad = g_ptr_array_index (priv->pads, i);

    if (pad->eos || pad->dead || !GST_PAD_IS_LINKED (pad)
        || !upstream_is_dead (GST_PAD (pad), 64))
      continue;
    any_dead = TRUE;
    if (!has_waited (priv))
      return FALSE;
    pad->dead = TRUE;
    buried = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        (_ ("Nothing ever came to pad \"%s\" of %s: the branch before it is "
            "not linked. Does the file have such a track?"),
            GST_PAD_NAME (pad), GST_ELEMENT_NAME (self)),
        (NULL));
  }
  if (buried || !any_dead)
    priv->dead_since = 0;
  return buried;
}

static void
push_stream_start (GstAvmJoin *self, GstPad *pad)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  /* not gst_pad_create_stream_id (): it is for one sink pad at most */
  gchar *id = g_strdup_printf (
      "avm-%s-%s", GST_ELEMENT_NAME (self), GST_PAD_NAME (pad));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_stream_flags (event, GST_STREAM_FLAG_SPARSE);
  g_mutex_lock (&priv->lock);
  if (!priv->have_group_id) {
    priv->group_id = gst_util_group_id_next ();
    priv->have_group_id = TRUE;
  }
  gst_event_set_group_id (event, priv->group_id);
  g_mutex_unlock (&priv->lock);
  gst_pad_push_event (pad, event);
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
open_output (GstAvmJoin *self, Output *output)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  gboolean start = !output->opened;
  /* caps come before the segment, so it waits until they are known */
  gboolean segment = !output->segment_pushed && output->caps != NULL
      && priv->segment.format == GST_FORMAT_TIME;
  GstCaps *caps = NULL;
  GstSegment copy = priv->segment;
  GstPad *pad;

  if (output->caps_pending && output->caps != NULL)
    caps = gst_caps_ref (output->caps);
  if (!start && !segment && caps == NULL)
    return TRUE;
  output->opened = TRUE;
  output->caps_pending = FALSE;
  output->segment_pushed |= segment;
  pad = gst_object_ref (output->pad);
  g_mutex_unlock (&priv->lock);
  if (start)
    push_stream_start (self, pad);
  if (caps != NULL)
    gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_clear_caps (&caps);
  if (segment) {
    gst_pad_push_event (pad, gst_event_new_segment (&copy));
    /* Sinks preroll on it, although the first result may come at the end. */
    gst_pad_push_event (pad, gst_event_new_gap (copy.start, 0));
  }
  gst_object_unref (pad);
  g_mutex_lock (&priv->lock);
  return FALSE;
}

static gboolean
open_streams (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  for (guint i = 0; i < priv->outputs->len; i++) {
    if (!open_output (self, g_ptr_array_index (priv->outputs, i)))
      return FALSE;
  }
  return TRUE;
}

static GstFlowReturn
push_item (GstAvmJoin *self, OutItem *item, const GstSegment *segment)
{
  GstBuffer *buffer;
  GstClockTime time = to_src_time (segment, item->time);

  if (item->caps != NULL)
    gst_pad_push_event (item->pad, gst_event_new_caps (item->caps));
  if (item->segment)
    gst_pad_push_event (item->pad, gst_event_new_segment (segment));
  if (item->buffer == NULL) {
    if (time > segment->start)
      gst_pad_push_event (
          item->pad, gst_event_new_gap (segment->start, time - segment->start));
    return GST_FLOW_OK;
  }
  buffer = gst_buffer_make_writable (g_steal_pointer (&item->buffer));
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  return gst_pad_push (item->pad, buffer);
}

/* What one pad returned to what all of them return. That of a pad which was
 * released meanwhile does not matter. */
static GstFlowReturn
combine_flow (GstAvmJoin *self, GstPad *pad, GstFlowReturn flow)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  g_mutex_lock (&priv->lock);
  if (find_output (priv, pad) != NULL)
    flow = gst_flow_combiner_update_pad_flow (priv->combiner, pad, flow);
  else
    flow = GST_FLOW_OK;
  g_mutex_unlock (&priv->lock);
  return flow;
}

/* Pushes without the lock. */
static GstFlowReturn
push_out (GstAvmJoin *self, GQueue *out, const GstSegment *segment)
{
  GstFlowReturn flow = GST_FLOW_OK;
  OutItem *item;

  while ((item = g_queue_pop_head (out)) != NULL) {
    if (flow == GST_FLOW_OK && item->buffer != NULL)
      flow = combine_flow (self, item->pad, push_item (self, item, segment));
    else if (flow == GST_FLOW_OK)
      push_item (self, item, segment);
    out_item_free (item);
  }
  return flow;
}

/* To every source pad (transfer full). */
static void
push_to_all (GstAvmJoin *self, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GList *pads;

  g_mutex_lock (&priv->lock);
  pads = gst_avm_join_get_src_pads (self);
  g_list_foreach (pads, (GFunc)gst_object_ref, NULL);
  g_mutex_unlock (&priv->lock);
  for (GList *p = pads; p != NULL; p = p->next)
    gst_pad_push_event (p->data, gst_event_ref (event));
  g_list_free_full (pads, gst_object_unref);
  gst_event_unref (event);
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
  if (*eos || priv->again)
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

/* Under the lock. Takes what process () queued. */
static void
take_out (GstAvmJoinPrivate *priv, GQueue *out, GstSegment *segment)
{
  *out = priv->out;
  g_queue_init (&priv->out);
  *segment = priv->segment;
  if (segment->format != GST_FORMAT_TIME)
    gst_segment_init (segment, GST_FORMAT_TIME);
  for (GList *l = out->head; l != NULL; l = l->next) {
    OutItem *item = l->data;
    Output *output = find_output (priv, item->pad);

    item->segment = output != NULL && !output->segment_pushed;
    if (item->segment)
      output->segment_pushed = TRUE;
  }
}

/* Under the lock at entry; waits until there is something to do, then calls
 * process () and takes what it queued. FALSE: flushing. */
static gboolean
work (GstAvmJoin *self, GQueue *out, GstSegment *segment, gboolean *eos)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstClockTime watermark;
  GstFlowReturn flow = GST_FLOW_OK;

  for (;;) {
    if (g_atomic_int_get (&priv->flushing))
      return FALSE;
    if (any_pad_started (priv) && !open_streams (self))
      continue;
    if (next_work (self, &watermark, eos))
      break;
    if (priv->dead_since == 0)
      g_cond_wait (&priv->cond, &priv->lock);
    else
      g_cond_wait_until (
          &priv->cond, &priv->lock, priv->dead_since + DEAD_AFTER);
  }
  if (!*eos)
    priv->watermark = watermark;
  priv->again = FALSE;
  if (klass->process != NULL)
    flow = klass->process (self, *eos ? GST_CLOCK_TIME_NONE : watermark, *eos);
  if (flow != GST_FLOW_OK)
    priv->flow = flow;
  *eos &= !priv->again;
  priv->ended = *eos;
  take_out (priv, out, segment);
  return TRUE;
}

/* From src_loop () itself. A task that is to stop must not pause instead. */
static void
pause_myself (GstAvmJoinPrivate *priv)
{
  g_mutex_lock (&priv->lock);
  if (priv->task != NULL)
    gst_task_pause (priv->task);
  g_mutex_unlock (&priv->lock);
}

static void
src_loop (gpointer user_data)
{
  GstAvmJoin *self = user_data;
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GQueue out = G_QUEUE_INIT;
  GstSegment segment;
  GstFlowReturn flow, wanted;
  gboolean eos = FALSE;

  g_mutex_lock (&priv->lock);
  if (!work (self, &out, &segment, &eos)) {
    g_mutex_unlock (&priv->lock);
    pause_myself (priv);
    return;
  }
  wanted = priv->flow;
  g_mutex_unlock (&priv->lock);

  flow = push_out (self, &out, &segment);
  if (wanted != GST_FLOW_OK && flow == GST_FLOW_OK)
    flow = wanted;
  g_mutex_lock (&priv->lock);
  if (flow != GST_FLOW_OK && priv->flow == GST_FLOW_OK)
    priv->flow = flow;
  g_mutex_unlock (&priv->lock);

  if (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  if (eos || (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING))
    push_to_all (self, gst_event_new_eos ());
  if (eos || flow != GST_FLOW_OK)
    pause_myself (priv);
}

static void
set_flushing (GstAvmJoinPrivate *priv, gboolean flushing)
{
  g_atomic_int_set (&priv->flushing, flushing);
  g_mutex_lock (&priv->lock);
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
}

/* As pads with a task of their own do: applications set the priority of the
 * thread by these messages. */
static void
post_stream_status (GstElement *self, GstTask *task, GstStreamStatusType type)
{
  GstMessage *message =
      gst_message_new_stream_status (GST_OBJECT (self), type, self);
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_TASK);
  g_value_set_object (&value, task);
  gst_message_set_stream_status_object (message, &value);
  g_value_unset (&value);
  gst_element_post_message (self, message);
}

static void
thread_enters (GstTask *task, GThread *thread, gpointer self)
{
  post_stream_status (self, task, GST_STREAM_STATUS_TYPE_ENTER);
}

static void
thread_leaves (GstTask *task, GThread *thread, gpointer self)
{
  post_stream_status (self, task, GST_STREAM_STATUS_TYPE_LEAVE);
}

static guint
count_flushing (GstAvmJoinPrivate *priv)
{
  guint n = 0;

  for (guint i = 0; i < priv->pads->len; i++)
    n += ((GstAvmJoinPad *)g_ptr_array_index (priv->pads, i))->flushing;
  return n;
}

static void
start_task (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstTask *task = gst_task_new (src_loop, self, NULL);
  gchar *name = g_strdup_printf ("%s:src", GST_ELEMENT_NAME (self));

  gst_object_set_name (GST_OBJECT (task), name);
  gst_task_set_lock (task, &priv->task_lock);
  gst_task_set_enter_callback (task, thread_enters, self, NULL);
  gst_task_set_leave_callback (task, thread_leaves, self, NULL);
  post_stream_status (GST_ELEMENT (self), task, GST_STREAM_STATUS_TYPE_CREATE);
  g_mutex_lock (&priv->flush_lock);
  g_mutex_lock (&priv->lock);
  priv->task = task;
  g_mutex_unlock (&priv->lock);
  set_flushing (priv, count_flushing (priv) > 0);
  gst_task_start (task);
  g_mutex_unlock (&priv->flush_lock);
  g_free (name);
}

/* It ends in two steps: the pads are made to refuse data in between, so that
 * it does not wait for ever for somebody who takes it. */
static GstTask *
take_task (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstTask *task;

  g_mutex_lock (&priv->flush_lock);
  set_flushing (priv, TRUE);
  g_mutex_lock (&priv->lock);
  task = g_steal_pointer (&priv->task);
  g_mutex_unlock (&priv->lock);
  if (task != NULL)
    gst_task_stop (task);
  g_mutex_unlock (&priv->flush_lock);
  return task;
}

static void
end_task (GstTask *task)
{
  if (task == NULL)
    return;
  gst_task_join (task);
  gst_object_unref (task);
}

/* Under the flush lock. Returns when src_loop () does not run any more: a task
 * that was taken to be ended may be in it still. */
static void
halt_task (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  if (priv->task != NULL)
    gst_task_pause (priv->task);
  g_rec_mutex_lock (&priv->task_lock);
  g_rec_mutex_unlock (&priv->task_lock);
}

/* Every sink of a pipeline sends the same seek up its own branch. */
static gboolean
src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (GST_AVM_JOIN (parent));
  guint32 seqnum = gst_event_get_seqnum (event);
  gboolean known = FALSE;

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK) {
    g_mutex_lock (&priv->lock);
    known = priv->seek_seqnum == seqnum;
    priv->seek_seqnum = seqnum;
    g_mutex_unlock (&priv->lock);
  }
  if (!known)
    return gst_pad_event_default (pad, parent, event);
  gst_event_unref (event);
  return TRUE;
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

/* Under the lock */
static void
adopt_segment (GstAvmJoinPrivate *priv, const GstSegment *segment)
{
  gst_segment_copy_into (segment, &priv->segment);
  /* a whole stage forwards no end of its own: results may lie anywhere */
  priv->segment.position = priv->segment.start;
  priv->fresh_segment = FALSE;
  for (guint i = 0; i < priv->outputs->len; i++)
    ((Output *)g_ptr_array_index (priv->outputs, i))->segment_pushed = FALSE;
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
  if (priv->fresh_segment && (priv->main == NULL || priv->main == pad))
    adopt_segment (priv, segment);
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
    push_to_all (self, gst_event_ref (event));
    halt_task (self);
  }
  g_mutex_unlock (&priv->flush_lock);
}

/* Under the lock. The output begins anew. */
static void
reset_output (GstAvmJoinPrivate *priv)
{
  clear_out (priv);
  priv->again = priv->ended = FALSE;
  priv->dead_since = 0;
  priv->watermark = GST_CLOCK_TIME_NONE;
  priv->flow = GST_FLOW_OK;
  gst_flow_combiner_reset (priv->combiner);
  gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
  priv->fresh_segment = TRUE;
  for (guint i = 0; i < priv->outputs->len; i++)
    ((Output *)g_ptr_array_index (priv->outputs, i))->segment_pushed = FALSE;
}

/* The last pad that stops flushing restarts it. */
static void
sink_flush_stop (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  gboolean last;

  g_mutex_lock (&priv->flush_lock);
  /* flush () never meets process (), even where no FLUSH_START came before */
  set_flushing (priv, TRUE);
  halt_task (self);
  g_mutex_lock (&priv->lock);
  gst_avm_join_pad_reset (pad);
  pad->started = TRUE;
  if (klass->flush != NULL)
    klass->flush (self, pad);
  last = count_flushing (priv) == 0;
  if (last) {
    reset_output (priv);
    /* the main pad need not be among those that flushed */
    if (priv->main != NULL && priv->main->segment.format == GST_FORMAT_TIME)
      adopt_segment (priv, &priv->main->segment);
  }
  g_mutex_unlock (&priv->lock);
  if (last)
    push_to_all (self, gst_event_ref (event));
  if (last && priv->task != NULL) {
    g_atomic_int_set (&priv->flushing, FALSE);
    gst_task_start (priv->task);
  }
  g_mutex_unlock (&priv->flush_lock);
}

/* What only the subclass may know */
static void
sink_other (GstAvmJoin *self, GstAvmJoinPad *pad, GstEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);

  if (klass->sink_event == NULL)
    return;
  g_mutex_lock (&priv->lock);
  if (!pad->flushing)
    klass->sink_event (self, pad, event);
  g_mutex_unlock (&priv->lock);
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
      if (GST_EVENT_IS_SERIALIZED (event))
        sink_other (self, pad, event);
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
add_src_pad (GstAvmJoin *self, GstPadTemplate *template, const gchar *name)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstPad *pad = gst_pad_new_from_template (template, name);
  Output *output = g_new0 (Output, 1);

  gst_pad_set_query_function (pad, GST_DEBUG_FUNCPTR (src_query));
  gst_pad_set_event_function (pad, GST_DEBUG_FUNCPTR (src_event));
  /* it may be requested while the others are at work already */
  if (GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_REQUEST)
    gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (GST_ELEMENT (self), pad);
  output->pad = pad;
  g_mutex_lock (&priv->lock);
  g_ptr_array_add (priv->outputs, output);
  gst_flow_combiner_add_pad (priv->combiner, pad);
  if (klass->src_pad_added != NULL)
    klass->src_pad_added (self, pad);
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
  return pad;
}

/* A free name after the pattern of the template, or that which was asked for */
static gchar *
make_pad_name (GstElement *element, const gchar *pattern, const gchar *name)
{
  if (strchr (pattern, '%') == NULL)
    return g_strdup (pattern);
  if (name != NULL && strchr (name, '%') == NULL)
    return g_strdup (name);
  for (guint number = 0;; number++) {
    gchar **split = g_strsplit (pattern, "%", 2);
    gchar *made = g_strdup_printf ("%s%u", split[0], number);
    GstPad *old = gst_element_get_static_pad (element, made);

    g_strfreev (split);
    if (old == NULL)
      return made;
    gst_object_unref (old);
    g_free (made);
  }
}

static GstPad *
gst_avm_join_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *name, const GstCaps *caps)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  gchar *made =
      make_pad_name (element, GST_PAD_TEMPLATE_NAME_TEMPLATE (template), name);
  GstPad *pad = gst_element_get_static_pad (element, made);

  if (pad != NULL) {
    GST_WARNING_OBJECT (self, "pad %s exists already", made);
    gst_clear_object (&pad);
  } else if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SRC) {
    pad = add_src_pad (self, template, made);
  } else {
    pad = GST_PAD (add_sink_pad (self, template, made));
  }
  g_free (made);
  return pad;
}

static void
release_src_pad (GstAvmJoin *self, GstPad *pad)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  /* first out of the list, so that it does not matter what it returns */
  g_mutex_lock (&priv->lock);
  gst_flow_combiner_remove_pad (priv->combiner, pad);
  g_ptr_array_remove (priv->outputs, find_output (priv, pad));
  g_cond_broadcast (&priv->cond);
  g_mutex_unlock (&priv->lock);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (GST_ELEMENT (self), pad);
}

static void
gst_avm_join_release_pad (GstElement *element, GstPad *gstpad)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstAvmJoinPad *pad;

  if (GST_PAD_IS_SRC (gstpad)) {
    release_src_pad (self, gstpad);
    return;
  }
  pad = GST_AVM_JOIN_PAD (gstpad);
  gst_pad_set_active (gstpad, FALSE);
  g_mutex_lock (&priv->lock);
  if (klass->pad_removed != NULL)
    klass->pad_removed (self, pad);
  gst_avm_join_pad_set_data_unlocked (pad, NULL, NULL);
  if (priv->main == pad)
    priv->main = NULL;
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
  for (guint i = 0; i < priv->outputs->len; i++) {
    Output *output = g_ptr_array_index (priv->outputs, i);

    output->opened = FALSE;
    gst_caps_replace (&output->caps, NULL);
    output->caps_pending = FALSE;
  }
  reset_output (priv);
  priv->have_group_id = FALSE;
  priv->seek_seqnum = GST_SEQNUM_INVALID;
}

static gboolean
any_sink_linked (GstAvmJoinPrivate *priv)
{
  for (guint i = 0; i < priv->pads->len; i++) {
    if (GST_PAD_IS_LINKED (g_ptr_array_index (priv->pads, i)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
any_output_linked (GstAvmJoinPrivate *priv)
{
  for (guint i = 0; i < priv->outputs->len; i++) {
    if (GST_PAD_IS_LINKED (
            ((Output *)g_ptr_array_index (priv->outputs, i))->pad))
      return TRUE;
  }
  return FALSE;
}

static gboolean
start (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  gboolean ok, forgotten;

  g_mutex_lock (&priv->lock);
  reset (self);
  ok = klass->start == NULL || klass->start (self);
  forgotten = !any_sink_linked (priv) && any_output_linked (priv);
  g_mutex_unlock (&priv->lock);
  if (ok && forgotten)
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
  g_mutex_unlock (&priv->lock);
}

static GstStateChangeReturn
gst_avm_join_change_state (GstElement *element, GstStateChange transition)
{
  GstAvmJoin *self = GST_AVM_JOIN (element);
  GstStateChangeReturn ret;
  GstTask *task = NULL;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    task = take_task (self);
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (ret != GST_STATE_CHANGE_FAILURE)
      start_task (self);
    else
      stop (self);
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    end_task (task);
    stop (self);
  }
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
    if (GST_PAD_TEMPLATE_DIRECTION (template) == GST_PAD_SINK)
      add_sink_pad (self, template, name);
    else if (priv->srcpad == NULL)
      priv->srcpad = add_src_pad (self, template, name);
  }
}

static void
gst_avm_join_finalize (GObject *object)
{
  GstAvmJoinPrivate *priv = PRIVATE (GST_AVM_JOIN (object));

  clear_out (priv);
  gst_flow_combiner_unref (priv->combiner);
  g_ptr_array_unref (priv->outputs);
  g_ptr_array_unref (priv->pads);
  g_mutex_clear (&priv->lock);
  g_mutex_clear (&priv->flush_lock);
  g_rec_mutex_clear (&priv->task_lock);
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
  g_rec_mutex_init (&priv->task_lock);
  g_cond_init (&priv->cond);
  g_queue_init (&priv->out);
  priv->pads = g_ptr_array_new ();
  priv->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify)output_free);
  priv->combiner = gst_flow_combiner_new ();
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
 * gst_avm_join_get_src_pads: (skip)
 * @self: a join
 *
 * Returns: (transfer container) (element-type GstPad): its source pads in the
 *   order in which they were made
 *
 * Since: 0.1
 */
GList *
gst_avm_join_get_src_pads (GstAvmJoin *self)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GList *list = NULL;

  for (guint i = priv->outputs->len; i > 0; i--)
    list = g_list_prepend (
        list, ((Output *)g_ptr_array_index (priv->outputs, i - 1))->pad);
  return list;
}

/**
 * gst_avm_join_set_main_pad: (skip)
 * @self: a join
 * @pad: (nullable): a sink pad
 *
 * Results are given in the segment of this pad, instead of that of the first
 * pad which has one: a stage that gives back one of its inputs, changed, so
 * keeps the timestamps. To be called before data flows, from pad_added ().
 *
 * Since: 0.1
 */
void
gst_avm_join_set_main_pad (GstAvmJoin *self, GstAvmJoinPad *pad)
{
  PRIVATE (self)->main = pad;
}

/**
 * gst_avm_join_pad_get_segment: (skip)
 * @pad: a sink pad
 *
 * Returns: (transfer none): its segment; of no format before one came
 *
 * Since: 0.1
 */
const GstSegment *
gst_avm_join_pad_get_segment (GstAvmJoinPad *pad)
{
  return &pad->segment;
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
 * Of the source pad that is always there. From start (), sink_caps () or
 * process (). Until caps are set, nothing at all goes downstream and sinks
 * cannot preroll: a stage that learns its caps late sets provisional ones in
 * start ().
 *
 * Since: 0.1
 */
void
gst_avm_join_set_src_caps (GstAvmJoin *self, GstCaps *caps)
{
  gst_avm_join_set_pad_caps (self, PRIVATE (self)->srcpad, caps);
}

/**
 * gst_avm_join_set_pad_caps: (skip)
 * @self: a join
 * @pad: one of its source pads
 * @caps: fixed caps of the results that are pushed there from now on
 *
 * As gst_avm_join_set_src_caps() for any source pad; also from
 * src_pad_added ().
 *
 * Since: 0.1
 */
void
gst_avm_join_set_pad_caps (GstAvmJoin *self, GstPad *pad, GstCaps *caps)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  Output *output = find_output (priv, pad);

  g_return_if_fail (output != NULL);
  g_return_if_fail (GST_IS_CAPS (caps) && gst_caps_is_fixed (caps));
  if (output->caps != NULL && gst_caps_is_equal (output->caps, caps))
    return;
  gst_caps_replace (&output->caps, caps);
  output->caps_pending = TRUE;
  g_cond_broadcast (&priv->cond);
}

static void
ask_for_caps (GstAvmJoin *self)
{
  GstAvmJoinClass *klass = GST_AVM_JOIN_GET_CLASS (self);
  GstCaps *caps = klass->src_caps != NULL ? klass->src_caps (self) : NULL;

  if (caps != NULL)
    gst_avm_join_set_src_caps (self, caps);
  gst_clear_caps (&caps);
}

static void
queue_item (GstAvmJoin *self, GstPad *pad, GstBuffer *buffer, GstClockTime time)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  Output *output = find_output (priv, pad);
  OutItem *item;

  if (output == NULL) {
    gst_clear_buffer (&buffer);
    return;
  }
  if (buffer != NULL && output->caps == NULL && pad == priv->srcpad)
    ask_for_caps (self);
  item = g_new0 (OutItem, 1);
  if (output->caps_pending && output->caps != NULL && buffer != NULL) {
    item->caps = gst_caps_ref (output->caps);
    output->caps_pending = FALSE;
  }
  item->pad = gst_object_ref (pad);
  item->buffer = buffer;
  item->time = time;
  g_queue_push_tail (&priv->out, item);
}

/**
 * gst_avm_join_push_buffer: (skip)
 * @self: a join
 * @buffer: (transfer full): a result; its PTS is running time
 *
 * Queues @buffer for the source pad that is always there; it is pushed after
 * process () has returned, with its PTS mapped into the source pad's segment.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_buffer (GstAvmJoin *self, GstBuffer *buffer)
{
  gst_avm_join_push_buffer_on (self, PRIVATE (self)->srcpad, buffer);
}

/**
 * gst_avm_join_push_buffer_on: (skip)
 * @self: a join
 * @pad: one of its source pads
 * @buffer: (transfer full): a result; its PTS is running time
 *
 * As gst_avm_join_push_buffer() for any source pad. Nothing happens when @pad
 * was released.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_buffer_on (GstAvmJoin *self, GstPad *pad, GstBuffer *buffer)
{
  queue_item (self, pad, buffer, GST_BUFFER_PTS (buffer));
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
  gst_avm_join_push_event_on (self, PRIVATE (self)->srcpad, event);
}

/**
 * gst_avm_join_push_event_on: (skip)
 * @self: a join
 * @pad: one of its source pads
 * @event: (transfer full): a result; its onset is running time
 *
 * As gst_avm_join_push_event() for any source pad. Nothing happens when @pad
 * was released.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_event_on (GstAvmJoin *self, GstPad *pad, GstAvmEvent *event)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstClockTime running_time = event->onset;

  if (priv->segment.format == GST_FORMAT_TIME)
    event->onset = to_src_time (&priv->segment, running_time);
  queue_item (self, pad, gst_avm_event_to_buffer (event), running_time);
  gst_avm_event_free (event);
}

/**
 * gst_avm_join_push_gap: (skip)
 * @self: a join
 * @running_time: nothing before this time will be pushed any more
 *
 * Queues a GAP on every source pad, so that stages downstream can go on.
 *
 * Since: 0.1
 */
void
gst_avm_join_push_gap (GstAvmJoin *self, GstClockTime running_time)
{
  GstAvmJoinPrivate *priv = PRIVATE (self);

  for (guint i = 0; i < priv->outputs->len; i++)
    queue_item (self, ((Output *)g_ptr_array_index (priv->outputs, i))->pad,
        NULL, running_time);
}

/**
 * gst_avm_join_call_again: (skip)
 * @self: a join
 *
 * From process (): it is called again as soon as what it has queued is pushed,
 * although the watermark may not have moved. At the end of the streams so no
 * stage needs to queue all that is left at once.
 *
 * Since: 0.1
 */
void
gst_avm_join_call_again (GstAvmJoin *self)
{
  PRIVATE (self)->again = TRUE;
}

/**
 * gst_avm_join_unlock: (skip)
 * @self: a join
 *
 * From process (): lets go of the join's lock during long work, so that the
 * sink pads can take data meanwhile. gst_avm_join_lock() takes it again. In
 * between sink_buffer (), sink_caps (), pad_added (), pad_removed () and
 * src_pad_added () may be called, but not start (), stop (), flush () and
 * process () itself: what only these touch stays as it is. Pads may go.
 *
 * From sink_buffer (), for work that touches nothing but the buffer and what
 * belongs to the pad alone: @pad stays, and nothing else comes to it, but
 * everything else may happen meanwhile.
 *
 * Since: 0.1
 */
void
gst_avm_join_unlock (GstAvmJoin *self)
{
  g_mutex_unlock (&PRIVATE (self)->lock);
}

/**
 * gst_avm_join_lock: (skip)
 * @self: a join
 *
 * Takes the lock that gst_avm_join_unlock() let go of.
 *
 * Since: 0.1
 */
void
gst_avm_join_lock (GstAvmJoin *self)
{
  g_mutex_lock (&PRIVATE (self)->lock);
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
  GstAvmJoinPrivate *priv = PRIVATE (self);
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;
  GList *pads;

  g_mutex_lock (&priv->lock);
  pads = gst_avm_join_get_sink_pads (self);
  g_list_foreach (pads, (GFunc)gst_object_ref, NULL);
  g_mutex_unlock (&priv->lock);
  for (GList *p = pads; p != NULL && !live; p = p->next) {
    if (gst_pad_peer_query (p->data, query))
      gst_query_parse_latency (query, &live, NULL, NULL);
  }
  g_list_free_full (pads, gst_object_unref);
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
