/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmsepmixture.h"

#include <math.h>
#include <string.h>

#include "base/avm-spill.h"

/* Timestamps may wander this far before the stream counts as interrupted. */
#define TOLERANCE (20 * GST_MSECOND)
#define LONGEST_HOLE (600 * GST_SECOND)
/* Bytes in memory before the file begins */
#define ROOM (4 << 20)

struct _AvmSepMixture {
  AvmSpill *spill;
  GQueue sections; /* AvmSepSection */
  GstAudioInfo info;
  GstCaps *caps;
  gboolean fresh; /* what comes next begins a section */
  guint8 *raw;    /* what is read */
  gsize raw_size;
};

AvmSepMixture *
avm_sep_mixture_new (const gchar *directory)
{
  AvmSpill *spill = avm_spill_new (directory, ROOM, NULL);
  AvmSepMixture *self;

  if (spill == NULL)
    return NULL;
  self = g_new0 (AvmSepMixture, 1);
  self->spill = spill;
  g_queue_init (&self->sections);
  self->fresh = TRUE;
  return self;
}

static void
section_free (AvmSepSection *section)
{
  gst_caps_unref (section->caps);
  g_free (section);
}

void
avm_sep_mixture_reset (AvmSepMixture *self)
{
  AvmSepSection *section;

  while ((section = g_queue_pop_head (&self->sections)) != NULL)
    section_free (section);
  avm_spill_reset (self->spill);
  self->fresh = TRUE;
}

void
avm_sep_mixture_free (AvmSepMixture *self)
{
  if (self == NULL)
    return;
  avm_sep_mixture_reset (self);
  avm_spill_free (self->spill);
  gst_clear_caps (&self->caps);
  g_free (self->raw);
  g_free (self);
}

gboolean
avm_sep_mixture_set_caps (AvmSepMixture *self, GstCaps *caps)
{
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, caps))
    return FALSE;
  if (self->caps != NULL && !gst_audio_info_is_equal (&info, &self->info))
    avm_sep_mixture_finish (self);
  self->info = info;
  gst_caps_replace (&self->caps, caps);
  return TRUE;
}

const GstAudioInfo *
avm_sep_mixture_get_info (AvmSepMixture *self)
{
  return self->caps != NULL ? &self->info : NULL;
}

void
avm_sep_mixture_finish (AvmSepMixture *self)
{
  AvmSepSection *last = g_queue_peek_tail (&self->sections);

  if (last != NULL)
    last->ended = TRUE;
  self->fresh = TRUE;
}

static GstClockTime
frames_to_time (const AvmSepSection *section, guint64 n)
{
  return section->base
      + gst_util_uint64_scale (
          n, GST_SECOND, GST_AUDIO_INFO_RATE (&section->info));
}

GstClockTime
avm_sep_section_end (const AvmSepSection *section)
{
  return frames_to_time (section, section->n_frames);
}

/* -- writing -------------------------------------------------------------- */

static void
begin_section (AvmSepMixture *self, GstClockTime time)
{
  AvmSepSection *before = g_queue_peek_tail (&self->sections);
  AvmSepSection *section = g_new0 (AvmSepSection, 1);

  section->info = self->info;
  section->caps = gst_caps_ref (self->caps);
  section->base = time;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    section->base = before != NULL ? avm_sep_section_end (before) : 0;
  section->offset = avm_spill_end (self->spill);
  g_queue_push_tail (&self->sections, section);
  self->fresh = FALSE;
}

static gboolean
write_frames (AvmSepMixture *self, const guint8 *data, gsize n, AvmError *error)
{
  AvmSepSection *section = g_queue_peek_tail (&self->sections);

  if (!avm_spill_append (
          self->spill, data, n * GST_AUDIO_INFO_BPF (&self->info), error))
    return FALSE;
  section->n_frames += n;
  return TRUE;
}

gboolean
avm_sep_mixture_append (AvmSepMixture *self, GstClockTime time,
    const guint8 *data, gsize n_frames, AvmError *error)
{
  AvmSepSection *section = g_queue_peek_tail (&self->sections);
  guint64 rate = (guint64)GST_AUDIO_INFO_RATE (&self->info);
  GstClockTimeDiff off = 0;
  gsize skip = 0;

  if (!self->fresh && GST_CLOCK_TIME_IS_VALID (time))
    off = GST_CLOCK_DIFF (avm_sep_section_end (section), time);
  if (off > (GstClockTimeDiff)LONGEST_HOLE)
    avm_sep_mixture_finish (self);
  if (self->fresh) {
    begin_section (self, time);
  } else if (off > (GstClockTimeDiff)TOLERANCE) {
    if (!write_frames (self, NULL,
            gst_util_uint64_scale_round ((guint64)off, rate, GST_SECOND),
            error))
      return FALSE;
  } else if (off < -(GstClockTimeDiff)TOLERANCE) {
    skip = MIN (n_frames,
        gst_util_uint64_scale_round ((guint64)-off, rate, GST_SECOND));
  }
  return n_frames == skip
      || write_frames (self, data + skip * GST_AUDIO_INFO_BPF (&self->info),
          n_frames - skip, error);
}

/* -- reading -------------------------------------------------------------- */

AvmSepSection *
avm_sep_mixture_first (AvmSepMixture *self)
{
  return g_queue_peek_head (&self->sections);
}

void
avm_sep_mixture_drop_first (AvmSepMixture *self)
{
  AvmSepSection *section = g_queue_peek_head (&self->sections);

  avm_sep_mixture_take (self, section->n_frames - section->n_read);
  g_queue_pop_head (&self->sections);
  self->fresh |= g_queue_is_empty (&self->sections);
  section_free (section);
}

void
avm_sep_mixture_take (AvmSepMixture *self, gsize n)
{
  AvmSepSection *section = avm_sep_mixture_first (self);

  section->offset += n * GST_AUDIO_INFO_BPF (&section->info);
  section->n_read += n;
  avm_spill_release (self->spill, section->offset);
}

/* memcpy: buffers need not be aligned for what they hold */
static gfloat
sample_at (GstAudioFormat format, const guint8 *data, gsize i)
{
  switch (format) {
    case GST_AUDIO_FORMAT_S16: {
      gint16 x;

      memcpy (&x, data + 2 * i, 2);
      return x / 32768.0f;
    }
    case GST_AUDIO_FORMAT_S32: {
      gint32 x;

      memcpy (&x, data + 4 * i, 4);
      return (gfloat)(x / 2147483648.0);
    }
    case GST_AUDIO_FORMAT_F64: {
      gdouble x;

      memcpy (&x, data + 8 * i, 8);
      return (gfloat)x;
    }
    default: {
      gfloat x;

      memcpy (&x, data + 4 * i, 4);
      return x;
    }
  }
}

gboolean
avm_sep_mixture_peek (AvmSepMixture *self, gfloat *samples, gsize n,
    guint64 *strange, AvmError *error)
{
  AvmSepSection *section = avm_sep_mixture_first (self);
  GstAudioFormat format = GST_AUDIO_INFO_FORMAT (&section->info);
  gsize size = n * GST_AUDIO_INFO_BPF (&section->info);

  if (size > self->raw_size) {
    self->raw = g_realloc (self->raw, size);
    self->raw_size = size;
  }
  if (!avm_spill_read (self->spill, section->offset, self->raw, size, error))
    return FALSE;
  n *= GST_AUDIO_INFO_CHANNELS (&section->info);
  for (gsize i = 0; i < n; i++) {
    samples[i] = sample_at (format, self->raw, i);
    if (!isfinite (samples[i])) {
      samples[i] = 0.0f;
      (*strange)++;
    }
  }
  return TRUE;
}

void
avm_sep_pack (
    const GstAudioInfo *info, const gfloat *samples, gsize n, guint8 *out)
{
  switch (GST_AUDIO_INFO_FORMAT (info)) {
    case GST_AUDIO_FORMAT_S16:
      for (gsize i = 0; i < n; i++)
        ((gint16 *)out)[i] =
            (gint16)lrintf (CLAMP (samples[i] * 32768.0f, -32768.0f, 32767.0f));
      break;
    case GST_AUDIO_FORMAT_S32:
      for (gsize i = 0; i < n; i++)
        ((gint32 *)out)[i] = (gint32)lrint (
            CLAMP (samples[i] * 2147483648.0, -2147483648.0, 2147483647.0));
      break;
    case GST_AUDIO_FORMAT_F64:
      for (gsize i = 0; i < n; i++)
        ((gdouble *)out)[i] = samples[i];
      break;
    default:
      memcpy (out, samples, n * sizeof (gfloat));
      break;
  }
}
