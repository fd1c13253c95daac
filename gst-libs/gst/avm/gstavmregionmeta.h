/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_REGION_META_H__
#define __GST_AVM_REGION_META_H__

#include <gst/avm/avm-prelude.h>

G_BEGIN_DECLS

#define GST_TYPE_AVM_REGION (gst_avm_region_get_type ())
#define GST_AVM_REGION_META_API_TYPE (gst_avm_region_meta_api_get_type ())
#define GST_AVM_REGION_META_INFO (gst_avm_region_meta_get_info ())

/**
 * GstAvmRegionState:
 * @GST_AVM_REGION_GIVEN: stated by a person or a detector for this frame
 * @GST_AVM_REGION_TRACKED: followed from an earlier frame
 * @GST_AVM_REGION_LOST: not found in this frame; the rectangle is the last one
 * @GST_AVM_REGION_RECOVERED: found again in this frame after it was lost
 */
typedef enum {
  GST_AVM_REGION_GIVEN,
  GST_AVM_REGION_TRACKED,
  GST_AVM_REGION_LOST,
  GST_AVM_REGION_RECOVERED
} GstAvmRegionState;

GST_AVM_API
GType gst_avm_region_state_get_type (void);
#define GST_TYPE_AVM_REGION_STATE (gst_avm_region_state_get_type ())

typedef struct _GstAvmPoint GstAvmPoint;
typedef struct _GstAvmRegion GstAvmRegion;
typedef struct _GstAvmRegionMeta GstAvmRegionMeta;

/**
 * GstAvmPoint:
 * @id: stable while the point is tracked
 * @x: column, px; the centre of the top left pixel is 0, 0
 * @y: row, px
 * @dx: motion since the frame before, px
 * @dy: motion since the frame before, px
 */
struct _GstAvmPoint {
  guint32 id;
  gfloat x, y;
  gfloat dx, dy;
};

/**
 * GstAvmRegion:
 * @id: stable for as long as the region is tracked
 * @part: part of the score that is played here, or %GST_AVM_NONE
 * @x: left edge, px, may lie outside the frame
 * @y: top edge, px
 * @w: width, px, > 0
 * @h: height, px, > 0
 * @confidence: 0 to 1
 * @state: tracked or lost
 * @vx: robust velocity of the region, px/s
 * @vy: robust velocity of the region, px/s
 * @role: "player", "hand", "bow", "face", ...; interned, never freed
 * @orientation: (nullable): how a head is turned in the picture: "frontal",
 *   "left", "right", "tilted-left", "tilted-right"; interned, never freed;
 *   %NULL: not known
 */
struct _GstAvmRegion {
  gint id;
  gint part;
  gfloat x, y, w, h;
  gfloat confidence;
  GstAvmRegionState state;
  gfloat vx, vy;
  const gchar *role;
  const gchar *orientation;
};

/**
 * GstAvmRegionMeta:
 * @meta: parent
 * @region: the region
 * @n_points: number of tracked points
 * @points: (array length=n_points) (nullable): tracked points inside it
 */
struct _GstAvmRegionMeta {
  GstMeta meta;

  GstAvmRegion region;
  guint n_points;
  GstAvmPoint *points;
};

/**
 * GST_AVM_MAX_PLAYERS:
 *
 * Players that region ids can tell apart, see gst_avm_region_id().
 */
#define GST_AVM_MAX_PLAYERS 99

GST_AVM_API
gint gst_avm_region_id (const gchar *role, guint player);

GST_AVM_API
gint gst_avm_region_id_get_player (gint id);

GST_AVM_API
const gchar *gst_avm_region_id_get_role (gint id);

GST_AVM_API
GType gst_avm_region_get_type (void);

GST_AVM_API
GstAvmRegion *gst_avm_region_new (
    gint id, const gchar *role, gfloat x, gfloat y, gfloat w, gfloat h);

GST_AVM_API
GstAvmRegion *gst_avm_region_copy (const GstAvmRegion *region);

GST_AVM_API
void gst_avm_region_free (GstAvmRegion *region);

GST_AVM_API
GType gst_avm_region_meta_api_get_type (void);

GST_AVM_API
const GstMetaInfo *gst_avm_region_meta_get_info (void);

GST_AVM_API
GstAvmRegionMeta *gst_buffer_add_avm_region_meta (
    GstBuffer *buffer, const GstAvmRegion *region);

GST_AVM_API
GstAvmRegionMeta *gst_buffer_get_avm_region_meta (GstBuffer *buffer, gint id);

GST_AVM_API
GstAvmRegionMeta *gst_buffer_iterate_avm_region_meta (
    GstBuffer *buffer, gpointer *state);

GST_AVM_API
GPtrArray *gst_buffer_get_avm_regions (GstBuffer *buffer);

GST_AVM_API
void gst_avm_region_meta_set_points (
    GstAvmRegionMeta *meta, const GstAvmPoint *points, guint n_points);

GST_AVM_API
GstEvent *gst_event_new_avm_shot (void);

GST_AVM_API
gboolean gst_event_is_avm_shot (GstEvent *event);

GST_AVM_API
GPtrArray *gst_avm_regions_from_value (const GValue *value, GError **error);

GST_AVM_API
void gst_avm_regions_to_value (GPtrArray *regions, GValue *value);

GST_AVM_API
GPtrArray *gst_avm_regions_from_file (const gchar *filename, GError **error);

GST_AVM_API
gboolean gst_avm_regions_to_file (
    GPtrArray *regions, const gchar *filename, GError **error);

GST_AVM_API
GPtrArray *gst_avm_regions_from_roi (GstBuffer *buffer);

GST_AVM_API
GParamSpec *gst_avm_param_spec_regions (const gchar *name, const gchar *nick,
    const gchar *blurb, GParamFlags flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstAvmRegion, gst_avm_region_free)

G_END_DECLS

#endif /* __GST_AVM_REGION_META_H__ */
