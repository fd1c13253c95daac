/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstavmseries
 * @title: GstAvmSeriesInfo
 * @short_description: regularly sampled rows, described by their caps
 *
 * A series is a stream of rows of 32-bit floats, one value per channel. Each
 * channel has a name, a quantity with a unit, and the region and the part it
 * is about. All of that stands in the caps:
 *
 * |[
 * application/x-avm-series, kind=(string)motion, version=(int)1,
 *   format=(string)F32LE, rate=(fraction)30000/1001, channels=(int)3,
 *   names=(string)< hand201, hand201, hand201 >,
 *   quantities=(string)< vx, vy, confidence >,
 *   units=(string)< px/s, px/s, "" >,
 *   regions=(int)< 201, 201, 201 >, parts=(int)< 0, 0, 0 >
 * ]|
 *
 * A buffer's PTS is the instant that its first row describes; row i is i/rate
 * later. A rate of 0/1 says that nothing is known about the rate; then every
 * buffer has one row. NaN is "not known".
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmseries.h"

#include <string.h>

typedef struct {
  gchar *name, *quantity, *unit;
  gint region, part;
} Channel;

struct _GstAvmSeriesInfo {
  gchar *kind;
  gint rate_n, rate_d;
  GArray *channels;
};

G_DEFINE_BOXED_TYPE (GstAvmSeriesInfo, gst_avm_series_info,
    gst_avm_series_info_copy, gst_avm_series_info_free);

static void
channel_clear (gpointer data)
{
  Channel *channel = data;

  g_free (channel->name);
  g_free (channel->quantity);
  g_free (channel->unit);
}

static const Channel *
get_channel (const GstAvmSeriesInfo *info, guint channel)
{
  g_return_val_if_fail (info != NULL, NULL);
  g_return_val_if_fail (channel < info->channels->len, NULL);
  return &g_array_index (info->channels, Channel, channel);
}

/**
 * gst_avm_series_info_new:
 * @kind: kind of the series, see the registry
 * @rate_n: rows per second, numerator; 0 when not known
 * @rate_d: rows per second, denominator, > 0
 *
 * Returns: (transfer full): a description without channels
 *
 * Since: 0.1
 */
GstAvmSeriesInfo *
gst_avm_series_info_new (const gchar *kind, gint rate_n, gint rate_d)
{
  GstAvmSeriesInfo *info;

  g_return_val_if_fail (kind != NULL, NULL);
  g_return_val_if_fail (rate_n >= 0 && rate_d > 0, NULL);
  info = g_new0 (GstAvmSeriesInfo, 1);
  info->kind = g_strdup (kind);
  info->rate_n = rate_n;
  info->rate_d = rate_d;
  info->channels = g_array_new (FALSE, TRUE, sizeof (Channel));
  g_array_set_clear_func (info->channels, channel_clear);
  return info;
}

/**
 * gst_avm_series_info_copy:
 * @info: a description
 *
 * Returns: (transfer full): a deep copy
 *
 * Since: 0.1
 */
GstAvmSeriesInfo *
gst_avm_series_info_copy (const GstAvmSeriesInfo *info)
{
  GstAvmSeriesInfo *copy =
      gst_avm_series_info_new (info->kind, info->rate_n, info->rate_d);

  for (guint i = 0; i < info->channels->len; i++) {
    const Channel *c = get_channel (info, i);

    gst_avm_series_info_add_channel (
        copy, c->name, c->quantity, c->unit, c->region, c->part);
  }
  return copy;
}

/**
 * gst_avm_series_info_free:
 * @info: (transfer full) (nullable): a description
 *
 * Since: 0.1
 */
void
gst_avm_series_info_free (GstAvmSeriesInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->kind);
  g_array_unref (info->channels);
  g_free (info);
}

/**
 * gst_avm_series_info_add_channel:
 * @info: a description
 * @name: name for people, for example "hand201"
 * @quantity: what the values are, see the registry of the kind
 * @unit: unit of the values, "" when they have none
 * @region: region id, or %GST_AVM_NONE
 * @part: part index, or %GST_AVM_NONE
 *
 * Returns: index of the new channel
 *
 * Since: 0.1
 */
guint
gst_avm_series_info_add_channel (GstAvmSeriesInfo *info, const gchar *name,
    const gchar *quantity, const gchar *unit, gint region, gint part)
{
  Channel channel;

  g_return_val_if_fail (info != NULL && name != NULL && quantity != NULL, 0);
  channel.name = g_strdup (name);
  channel.quantity = g_strdup (quantity);
  channel.unit = g_strdup (unit != NULL ? unit : "");
  channel.region = region;
  channel.part = part;
  g_array_append_val (info->channels, channel);
  return info->channels->len - 1;
}

static const gchar *
array_string (const GValue *array, guint i)
{
  const GValue *v;

  if (array == NULL || !GST_VALUE_HOLDS_ARRAY (array)
      || i >= gst_value_array_get_size (array))
    return NULL;
  v = gst_value_array_get_value (array, i);
  return G_VALUE_HOLDS_STRING (v) ? g_value_get_string (v) : NULL;
}

static gint
array_int (const GValue *array, guint i)
{
  const GValue *v;

  if (array == NULL || !GST_VALUE_HOLDS_ARRAY (array)
      || i >= gst_value_array_get_size (array))
    return GST_AVM_NONE;
  v = gst_value_array_get_value (array, i);
  return G_VALUE_HOLDS_INT (v) ? g_value_get_int (v) : GST_AVM_NONE;
}

static gboolean
check_arrays (const GstStructure *s, gint channels, GError **error)
{
  static const gchar *const names[] = {
      "names", "quantities", "units", "regions", "parts"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const GValue *array = gst_structure_get_value (s, names[i]);

    if (array == NULL)
      continue;
    if (!GST_VALUE_HOLDS_ARRAY (array)
        || gst_value_array_get_size (array) != (guint)channels) {
      g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
          "'%s' in the series caps is no array of %d values", names[i],
          channels);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * gst_avm_series_info_new_from_caps:
 * @caps: fixed caps of a series
 * @error: what is wrong with them
 *
 * Channels without a name get one from their number; without a quantity, the
 * kind.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL
 *
 * Since: 0.1
 */
GstAvmSeriesInfo *
gst_avm_series_info_new_from_caps (const GstCaps *caps, GError **error)
{
  const GstStructure *s;
  const gchar *kind, *format;
  gint channels, version = 0, rate_n = 0, rate_d = 1;
  GstAvmSeriesInfo *info;

  g_return_val_if_fail (caps != NULL && gst_caps_is_fixed (caps), NULL);
  s = gst_caps_get_structure (caps, 0);
  kind = gst_structure_get_string (s, "kind");
  format = gst_structure_get_string (s, "format");
  gst_structure_get_fraction (s, "rate", &rate_n, &rate_d);
  if (!gst_structure_has_name (s, GST_AVM_SERIES_MEDIA_TYPE) || kind == NULL
      || g_strcmp0 (format, "F32LE") != 0 || rate_n < 0 || rate_d <= 0
      || !gst_structure_get_int (s, "version", &version) || version != 1
      || !gst_structure_get_int (s, "channels", &channels) || channels <= 0) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "no series caps of version 1: %" GST_PTR_FORMAT, caps);
    return NULL;
  }
  if (!check_arrays (s, channels, error))
    return NULL;
  info = gst_avm_series_info_new (kind, rate_n, rate_d);
  for (gint i = 0; i < channels; i++) {
    const gchar *name = array_string (gst_structure_get_value (s, "names"), i);
    const gchar *quantity =
        array_string (gst_structure_get_value (s, "quantities"), i);
    gchar *number = g_strdup_printf ("%d", i);

    gst_avm_series_info_add_channel (info, name != NULL ? name : number,
        quantity != NULL ? quantity : kind,
        array_string (gst_structure_get_value (s, "units"), i),
        array_int (gst_structure_get_value (s, "regions"), i),
        array_int (gst_structure_get_value (s, "parts"), i));
    g_free (number);
  }
  return info;
}

static void
append_string (GValue *array, const gchar *string)
{
  GValue v = G_VALUE_INIT;

  g_value_init (&v, G_TYPE_STRING);
  g_value_set_string (&v, string);
  gst_value_array_append_and_take_value (array, &v);
}

static void
append_int (GValue *array, gint number)
{
  GValue v = G_VALUE_INIT;

  g_value_init (&v, G_TYPE_INT);
  g_value_set_int (&v, number);
  gst_value_array_append_and_take_value (array, &v);
}

/**
 * gst_avm_series_info_to_caps:
 * @info: a description with at least one channel
 *
 * Returns: (transfer full): fixed caps
 *
 * Since: 0.1
 */
GstCaps *
gst_avm_series_info_to_caps (const GstAvmSeriesInfo *info)
{
  static const gchar *const fields[] = {
      "names", "quantities", "units", "regions", "parts"};
  GValue arrays[5] = {
      G_VALUE_INIT, G_VALUE_INIT, G_VALUE_INIT, G_VALUE_INIT, G_VALUE_INIT};
  GstCaps *caps;

  g_return_val_if_fail (info != NULL && info->channels->len > 0, NULL);
  caps = gst_caps_new_simple (GST_AVM_SERIES_MEDIA_TYPE, "kind", G_TYPE_STRING,
      info->kind, "version", G_TYPE_INT, 1, "format", G_TYPE_STRING, "F32LE",
      "rate", GST_TYPE_FRACTION, info->rate_n, info->rate_d, "channels",
      G_TYPE_INT, (gint)info->channels->len, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    g_value_init (&arrays[i], GST_TYPE_ARRAY);
  for (guint i = 0; i < info->channels->len; i++) {
    const Channel *c = get_channel (info, i);

    append_string (&arrays[0], c->name);
    append_string (&arrays[1], c->quantity);
    append_string (&arrays[2], c->unit);
    append_int (&arrays[3], c->region);
    append_int (&arrays[4], c->part);
  }
  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    gst_structure_take_value (
        gst_caps_get_structure (caps, 0), fields[i], &arrays[i]);
  return caps;
}

/**
 * gst_avm_series_info_get_kind:
 * @info: a description
 *
 * Returns: (transfer none): the kind
 *
 * Since: 0.1
 */
const gchar *
gst_avm_series_info_get_kind (const GstAvmSeriesInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->kind;
}

/**
 * gst_avm_series_info_get_rate:
 * @info: a description
 * @rate_n: (out): rows per second, numerator; 0 not known
 * @rate_d: (out): rows per second, denominator
 *
 * Since: 0.1
 */
void
gst_avm_series_info_get_rate (
    const GstAvmSeriesInfo *info, gint *rate_n, gint *rate_d)
{
  g_return_if_fail (info != NULL);
  *rate_n = info->rate_n;
  *rate_d = info->rate_d;
}

/**
 * gst_avm_series_info_get_n_channels:
 * @info: a description
 *
 * Returns: number of channels
 *
 * Since: 0.1
 */
guint
gst_avm_series_info_get_n_channels (const GstAvmSeriesInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);
  return info->channels->len;
}

/**
 * gst_avm_series_info_get_name:
 * @info: a description
 * @channel: index
 *
 * Returns: (transfer none): name of the channel for people
 *
 * Since: 0.1
 */
const gchar *
gst_avm_series_info_get_name (const GstAvmSeriesInfo *info, guint channel)
{
  const Channel *c = get_channel (info, channel);

  return c != NULL ? c->name : NULL;
}

/**
 * gst_avm_series_info_get_quantity:
 * @info: a description
 * @channel: index
 *
 * Returns: (transfer none): what the values of the channel are
 *
 * Since: 0.1
 */
const gchar *
gst_avm_series_info_get_quantity (const GstAvmSeriesInfo *info, guint channel)
{
  const Channel *c = get_channel (info, channel);

  return c != NULL ? c->quantity : NULL;
}

/**
 * gst_avm_series_info_get_unit:
 * @info: a description
 * @channel: index
 *
 * Returns: (transfer none): unit of the channel, "" when it has none
 *
 * Since: 0.1
 */
const gchar *
gst_avm_series_info_get_unit (const GstAvmSeriesInfo *info, guint channel)
{
  const Channel *c = get_channel (info, channel);

  return c != NULL ? c->unit : NULL;
}

/**
 * gst_avm_series_info_get_region:
 * @info: a description
 * @channel: index
 *
 * Returns: region id of the channel, or %GST_AVM_NONE
 *
 * Since: 0.1
 */
gint
gst_avm_series_info_get_region (const GstAvmSeriesInfo *info, guint channel)
{
  const Channel *c = get_channel (info, channel);

  return c != NULL ? c->region : GST_AVM_NONE;
}

/**
 * gst_avm_series_info_get_part:
 * @info: a description
 * @channel: index
 *
 * Returns: part index of the channel, or %GST_AVM_NONE
 *
 * Since: 0.1
 */
gint
gst_avm_series_info_get_part (const GstAvmSeriesInfo *info, guint channel)
{
  const Channel *c = get_channel (info, channel);

  return c != NULL ? c->part : GST_AVM_NONE;
}

/**
 * gst_avm_series_info_find_channel:
 * @info: a description
 * @quantity: (nullable): quantity, %NULL for any
 * @region: region id, %GST_AVM_NONE, or %GST_AVM_ANY
 * @part: part index, %GST_AVM_NONE, or %GST_AVM_ANY
 *
 * Returns: index of the first channel that fits, or -1
 *
 * Since: 0.1
 */
gint
gst_avm_series_info_find_channel (
    const GstAvmSeriesInfo *info, const gchar *quantity, gint region, gint part)
{
  g_return_val_if_fail (info != NULL, -1);
  for (guint i = 0; i < info->channels->len; i++) {
    const Channel *c = get_channel (info, i);

    if ((quantity == NULL || g_str_equal (c->quantity, quantity))
        && (region == GST_AVM_ANY || c->region == region)
        && (part == GST_AVM_ANY || c->part == part))
      return (gint)i;
  }
  return -1;
}

static void
copy_floats (gfloat *dest, gconstpointer src, gsize n)
{
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  memcpy (dest, src, n * sizeof (gfloat));
#else
  for (gsize i = 0; i < n; i++)
    dest[i] = GST_READ_FLOAT_LE ((const guint8 *)src + 4 * i);
#endif
}

/**
 * gst_avm_series_buffer_new:
 * @info: description of the series
 * @rows: (array): @n_rows times n_channels values, row by row
 * @n_rows: number of rows
 * @pts: instant of the first row
 *
 * Returns: (transfer full): a buffer with PTS and, where the rate is known,
 *   a duration
 *
 * Since: 0.1
 */
GstBuffer *
gst_avm_series_buffer_new (const GstAvmSeriesInfo *info, const gfloat *rows,
    guint n_rows, GstClockTime pts)
{
  gsize n_values;
  GstBuffer *buffer;
  GstMapInfo map;

  g_return_val_if_fail (info != NULL && (rows != NULL || n_rows == 0), NULL);
  n_values = (gsize)n_rows * info->channels->len;
  buffer = gst_buffer_new_allocate (NULL, n_values * sizeof (gfloat), NULL);
  if (gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    copy_floats ((gfloat *)map.data, rows, n_values);
    gst_buffer_unmap (buffer, &map);
  }
  GST_BUFFER_PTS (buffer) = pts;
  if (info->rate_n > 0)
    GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (
        (guint64)n_rows * GST_SECOND, info->rate_d, info->rate_n);
  return buffer;
}

/**
 * gst_avm_series_map: (skip)
 * @map: to be filled
 * @info: description of the series
 * @buffer: a buffer of it
 * @error: what is wrong with the buffer
 *
 * Reads a buffer in place. The buffer stays referenced until
 * gst_avm_series_unmap().
 *
 * Returns: %FALSE when the size of the buffer does not fit the caps
 *
 * Since: 0.1
 */
gboolean
gst_avm_series_map (GstAvmSeriesMap *map, const GstAvmSeriesInfo *info,
    GstBuffer *buffer, GError **error)
{
  gsize row_size;

  g_return_val_if_fail (map != NULL && info != NULL && buffer != NULL, FALSE);
  memset (map, 0, sizeof (*map));
  row_size = info->channels->len * sizeof (gfloat);
  if (!gst_buffer_map (buffer, &map->map, GST_MAP_READ)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "cannot map a series buffer");
    return FALSE;
  }
  if (row_size == 0 || map->map.size % row_size != 0) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
        "a series buffer of %" G_GSIZE_FORMAT
        " bytes does not hold rows of %u channels",
        map->map.size, info->channels->len);
    gst_buffer_unmap (buffer, &map->map);
    return FALSE;
  }
  map->buffer = gst_buffer_ref (buffer);
  map->n_channels = info->channels->len;
  map->n_rows = (guint)(map->map.size / row_size);
  map->rows = (const gfloat *)(gconstpointer)map->map.data;
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN
      || (GPOINTER_TO_SIZE (map->map.data) & 3) != 0) {
    map->copy = g_malloc (map->map.size + 4);
    copy_floats (map->copy, map->map.data, map->map.size / sizeof (gfloat));
    map->rows = map->copy;
  }
  return TRUE;
}

/**
 * gst_avm_series_unmap: (skip)
 * @map: filled by gst_avm_series_map()
 *
 * Since: 0.1
 */
void
gst_avm_series_unmap (GstAvmSeriesMap *map)
{
  g_return_if_fail (map != NULL && map->buffer != NULL);
  gst_buffer_unmap (map->buffer, &map->map);
  gst_buffer_unref (map->buffer);
  g_free (map->copy);
  memset (map, 0, sizeof (*map));
}

/**
 * gst_avm_series_buffer_get_values:
 * @buffer: a buffer of a series
 * @info: its description
 * @n_values: (out): rows times channels
 * @error: what is wrong with the buffer
 *
 * A copy of the values, row by row; for language bindings.
 *
 * Returns: (transfer full) (array length=n_values) (nullable): the values
 *
 * Since: 0.1
 */
gfloat *
gst_avm_series_buffer_get_values (GstBuffer *buffer,
    const GstAvmSeriesInfo *info, gsize *n_values, GError **error)
{
  GstAvmSeriesMap map;
  gfloat *values;

  *n_values = 0;
  if (!gst_avm_series_map (&map, info, buffer, error))
    return NULL;
  *n_values = (gsize)map.n_rows * map.n_channels;
  values = g_memdup2 (map.rows, MAX (*n_values, 1) * sizeof (gfloat));
  gst_avm_series_unmap (&map);
  return values;
}

/**
 * gst_avm_series_row_time:
 * @info: description of the series
 * @pts: PTS of the buffer
 * @row: row in the buffer
 *
 * Returns: the instant that the row describes, in the time of the stream
 *
 * Since: 0.1
 */
GstClockTime
gst_avm_series_row_time (
    const GstAvmSeriesInfo *info, GstClockTime pts, guint row)
{
  g_return_val_if_fail (info != NULL, GST_CLOCK_TIME_NONE);
  if (!GST_CLOCK_TIME_IS_VALID (pts) || row == 0 || info->rate_n == 0)
    return pts;
  return pts
      + gst_util_uint64_scale_round (
          (guint64)row * GST_SECOND, info->rate_d, info->rate_n);
}
