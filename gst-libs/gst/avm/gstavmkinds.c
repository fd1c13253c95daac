/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstavmkinds
 * @title: Kinds
 * @short_description: registry of the kinds of typed streams
 *
 * Every typed stream names its `kind` in its caps. The registry says what the
 * fields of a kind's events (or the quantities of a series' channels) mean,
 * their GVariant types and units, and which elements produce and consume it.
 * docs/kinds.md is printed from it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmkinds.h"

#include <glib/gi18n-lib.h>

static const GstAvmField motion_fields[] = {
    {"vx", "f", "px/s", TRUE, "mean velocity of the region to the right"},
    {"vy", "f", "px/s", TRUE, "mean velocity of the region downwards"},
    {"confidence", "f", "", TRUE, "0 to 1; 0 where the region is lost"},
    {"speed", "f", "px/s", FALSE,
        "mean speed of one cluster of point trajectories in the region"},
};

static const GstAvmField f0_fields[] = {
    {"f0", "f", "Hz", TRUE, "fundamental frequency; 0 unvoiced, NaN unknown"},
    {"confidence", "f", "", TRUE, "0 to 1"},
};

static const GstAvmField region_fields[] = {
    {"x", "f", "px", TRUE, "left edge"},
    {"y", "f", "px", TRUE, "top edge"},
    {"w", "f", "px", TRUE, "width"},
    {"h", "f", "px", TRUE, "height"},
};

static const GstAvmField note_fields[] = {
    {"pitch", "d", "MIDI", TRUE, "pitch, 69 is A4; may lie between semitones"},
    {"velocity", "i", "", TRUE, "1 to 127"},
    {"part-name", "s", "", FALSE, "name of the part in the score"},
    {"score-onset", "d", "s", FALSE, "onset in the score's own clock time"},
    {"score-duration", "d", "s", FALSE, "duration in the score's clock time"},
    {"score-beat", "d", "quarter", FALSE, "onset in quarter notes"},
};

static const GstAvmField vibrato_fields[] = {
    {"vibrato", "b", "", TRUE, "whether the note is played with vibrato"},
    {"rate", "d", "Hz", FALSE, "vibrato rate"},
    {"extent", "d", "cents", FALSE, "vibrato extent, peak to trough"},
    {"pitch", "d", "MIDI", FALSE, "pitch of the note"},
    {"used", "s", "", TRUE, "what was seen or heard: audio, video, both, none"},
    {"method", "s", "", TRUE, "autocorrelation, svm, or truth"},
    {"score", "d", "", FALSE,
        "decision value; vibrato where it is above the threshold"},
    {"lag", "d", "s", FALSE, "motion leads the pitch by this much"},
    {"displacement", "ad", "px", FALSE, "displacement curve of the hand"},
    {"pitch-curve", "ad", "cents", FALSE, "pitch contour about its mean"},
    {"curve-rate", "d", "Hz", FALSE, "sampling rate of both curves"},
};

static const GstAvmField activity_fields[] = {
    {"playing", "b", "", TRUE, "whether the player plays"},
    {"player", "s", "", FALSE, "who it is"},
    {"cluster", "i", "", FALSE, "cluster of one person's pictures"},
    {"sub-cluster", "i", "", FALSE, "of one pose and viewpoint in it"},
    {"used", "s", "", FALSE,
        "what decided: labels, notes, motion, fused, or truth"},
    {"camera", "i", "", FALSE, "number of the camera, 0 is the first"},
};

static const GstAvmField appearance_fields[] = {
    {"player", "s", "", FALSE, "who it is"},
    {"cluster", "i", "", TRUE, "cluster of one person's pictures; -1 none"},
    {"sub-cluster", "i", "", FALSE, "of one pose and viewpoint in it"},
    {"camera", "i", "", FALSE, "number of the camera, 0 is the first"},
    {"x", "d", "px", TRUE, "left edge of the face"},
    {"y", "d", "px", TRUE, "top edge"},
    {"w", "d", "px", TRUE, "width"},
    {"h", "d", "px", TRUE, "height"},
    {"orientation", "s", "", FALSE,
        "of the head: frontal, left, right, tilted-left, tilted-right"},
};

static const GstAvmField shot_fields[] = {
    {"transition", "s", "", TRUE, "how it begins: start, cut, dissolve"},
    {"transition-duration", "d", "s", FALSE,
        "length of the dissolve that ends where the shot begins"},
    {"score", "d", "", FALSE, "how unlike the shot before it is, 0 to 1"},
    {"camera", "i", "", FALSE, "number of the camera, 0 is the first"},
};

static const GstAvmField association_fields[] = {
    {"score", "d", "", FALSE,
        "how well region and part fit, 0 to 1: the share of the player's "
        "evidence that speaks for this part"},
    {"margin", "d", "", FALSE,
        "score less that of the best other part for this player"},
    {"cue", "s", "", FALSE,
        "what decided: bow, vibrato, finger, fused, or truth"},
    {"part-name", "s", "", FALSE, "name of the part in the score"},
};

#define KIND(n, t, d, p, c, f)                                                 \
  {                                                                            \
    n, GST_AVM_STREAM_##t, d, p, c, G_N_ELEMENTS (f), f                        \
  }

static const GstAvmKind kinds[] = {
    KIND ("motion", SERIES, "mean motion inside each region", "avmopticalflow",
        "avmassociate avmnmfsep avmpnp avmvibrato avmeventenc avmoverlay",
        motion_fields),
    KIND ("f0", SERIES, "fundamental frequency of each part", "avmpitch",
        "avmassociate avmvibrato avmeventenc avmoverlay", f0_fields),
    KIND ("region", SERIES, "rectangle of each region", "avmtestsrc",
        "avmeventenc", region_fields),
    KIND ("note", EVENTS, "notes, performed or aligned to a performance",
        "avmscorealign avmtestsrc",
        "avmassociate avmnmfsep avmpitch avmpnp avmvibrato avmeventenc "
        "avmoverlay",
        note_fields),
    KIND ("vibrato", EVENTS, "one event per note: vibrato, rate and extent",
        "avmvibrato avmtestsrc", "avmeventenc avmoverlay", vibrato_fields),
    KIND ("activity", EVENTS, "when a player plays and when not",
        "avmpnp avmtestsrc", "avmeventenc avmoverlay", activity_fields),
    KIND ("appearance", EVENTS, "who is visible where", "avmpnp avmtestsrc",
        "avmeventenc avmoverlay", appearance_fields),
    KIND ("shot", EVENTS, "shots of a film, cut to cut",
        "avmscenecut avmtestsrc", "avmeventenc", shot_fields),
    KIND ("association", EVENTS, "which region plays which part; part -1: none",
        "avmassociate avmtestsrc",
        "avmnmfsep avmpnp avmvibrato avmeventenc avmoverlay",
        association_fields),
};

GType
gst_avm_stream_type_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    static const GEnumValue values[] = {
        {GST_AVM_STREAM_SERIES, "GST_AVM_STREAM_SERIES", "series"},
        {GST_AVM_STREAM_EVENTS, "GST_AVM_STREAM_EVENTS", "events"},
        {0, NULL, NULL},
    };
    GType made = g_enum_register_static ("GstAvmStreamType", values);

    g_once_init_leave (&type, made);
  }
  return (GType)type;
}

/**
 * gst_avm_kind_count:
 *
 * Returns: how many kinds are registered
 *
 * Since: 0.1
 */
guint
gst_avm_kind_count (void)
{
  return G_N_ELEMENTS (kinds);
}

/**
 * gst_avm_kind_nth: (skip)
 * @index: 0 to gst_avm_kind_count() - 1
 *
 * Returns: (transfer none) (nullable): the kind, or %NULL past the end
 *
 * Since: 0.1
 */
const GstAvmKind *
gst_avm_kind_nth (guint index)
{
  return index < G_N_ELEMENTS (kinds) ? &kinds[index] : NULL;
}

/**
 * gst_avm_kind_lookup: (skip)
 * @name: a kind as it stands in caps
 *
 * Returns: (transfer none) (nullable): the kind, or %NULL when it is unknown
 *
 * Since: 0.1
 */
const GstAvmKind *
gst_avm_kind_lookup (const gchar *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (kinds); i++) {
    if (g_str_equal (kinds[i].name, name))
      return &kinds[i];
  }
  return NULL;
}

/**
 * gst_avm_kind_nth_field: (skip)
 * @kind: a kind
 * @index: 0 to n_fields - 1
 *
 * Returns: (transfer none) (nullable): the field, or %NULL past the end
 *
 * Since: 0.1
 */
const GstAvmField *
gst_avm_kind_nth_field (const GstAvmKind *kind, guint index)
{
  g_return_val_if_fail (kind != NULL, NULL);
  return index < kind->n_fields ? &kind->fields[index] : NULL;
}

/**
 * gst_avm_kind_find_field: (skip)
 * @kind: a kind
 * @name: name of a field or quantity
 *
 * Returns: (transfer none) (nullable): the field, or %NULL when it is unknown
 *
 * Since: 0.1
 */
const GstAvmField *
gst_avm_kind_find_field (const GstAvmKind *kind, const gchar *name)
{
  g_return_val_if_fail (kind != NULL, NULL);
  for (guint i = 0; name != NULL && i < kind->n_fields; i++) {
    if (g_str_equal (kind->fields[i].name, name))
      return &kind->fields[i];
  }
  return NULL;
}

/**
 * gst_avm_kind_describe:
 * @index: 0 to gst_avm_kind_count() - 1
 *
 * The entry as a GVariant for language bindings: (name, type, description,
 * producers, consumers, [(field, GVariant type, unit, required,
 * description)]), type `(sssssa(sssbs))`.
 *
 * Returns: (transfer full) (nullable): the entry, or %NULL past the end
 *
 * Since: 0.1
 */
GVariant *
gst_avm_kind_describe (guint index)
{
  const GstAvmKind *kind = gst_avm_kind_nth (index);
  GVariantBuilder fields;

  if (kind == NULL)
    return NULL;
  g_variant_builder_init (&fields, G_VARIANT_TYPE ("a(sssbs)"));
  for (guint i = 0; i < kind->n_fields; i++) {
    const GstAvmField *f = &kind->fields[i];

    g_variant_builder_add (&fields, "(sssbs)", f->name, f->type, f->unit,
        f->required, f->description);
  }
  return g_variant_ref_sink (g_variant_new ("(sssssa(sssbs))", kind->name,
      kind->type == GST_AVM_STREAM_SERIES ? "series" : "events",
      kind->description, kind->producers, kind->consumers, &fields));
}

/**
 * gst_avm_init_i18n:
 *
 * Binds the message catalogues. Every plugin calls it when it is loaded.
 * GST_AVM_LOCALEDIR in the environment overrides where they are installed.
 *
 * Since: 0.1
 */
void
gst_avm_init_i18n (void)
{
#ifdef ENABLE_NLS
  const gchar *dir = g_getenv ("GST_AVM_LOCALEDIR");

  bindtextdomain (GETTEXT_PACKAGE, dir != NULL ? dir : LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
#endif
}
