/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures of heads from a folder, decoded by whatever GStreamer has.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstavmtestsrc.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define FACE_WIDTH 240
#define FACE_HEIGHT 320
#define PATIENCE (20 * GST_SECOND)

static gboolean
is_picture (const gchar *name)
{
  static const gchar *const endings[] = {".png", ".jpg", ".jpeg"};
  g_autofree gchar *lower = g_ascii_strdown (name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (lower, endings[i]))
      return TRUE;
  return FALSE;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *)a, *(const gchar *const *)b);
}

/* Paths in order of names; NULL and error when there is no such folder. */
static GPtrArray *
list_pictures (const gchar *folder, GError **error)
{
  GDir *dir = g_dir_open (folder, 0, error);
  GPtrArray *paths;
  const gchar *name;

  if (dir == NULL)
    return NULL;
  paths = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (is_picture (name))
      g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_dir_close (dir);
  g_ptr_array_sort (paths, compare_names);
  return paths;
}

static GBytes *
copy_sample (GstSample *sample)
{
  const gsize size = FACE_WIDTH * FACE_HEIGHT * 3;
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstMapInfo map;
  GBytes *bytes = NULL;

  if (buffer == NULL || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return NULL;
  if (map.size >= size)
    bytes = g_bytes_new (map.data, size);
  gst_buffer_unmap (buffer, &map);
  return bytes;
}

/* RGB, FACE_WIDTH x FACE_HEIGHT; NULL and error when it cannot be decoded. */
static GBytes *
decode (const gchar *path, GError **error)
{
  g_autofree gchar *text = g_strdup_printf (
      "filesrc name=f ! decodebin ! videoconvert ! videoscale "
      "add-borders=false ! video/x-raw,format=RGB,width=%d,height=%d,"
      "pixel-aspect-ratio=1/1 ! fakesink name=s sync=false",
      FACE_WIDTH, FACE_HEIGHT);
  GstElement *pipeline = gst_parse_launch (text, error), *element;
  GstMessage *message;
  GstSample *sample = NULL;
  GBytes *bytes = NULL;
  GstBus *bus;

  if (pipeline == NULL)
    return NULL;
  element = gst_bin_get_by_name (GST_BIN (pipeline), "f");
  g_object_set (element, "location", path, NULL);
  gst_object_unref (element);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  bus = gst_element_get_bus (pipeline);
  message = gst_bus_timed_pop_filtered (
      bus, PATIENCE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, error, NULL);
  } else if (message != NULL) {
    element = gst_bin_get_by_name (GST_BIN (pipeline), "s");
    g_object_get (element, "last-sample", &sample, NULL);
    gst_object_unref (element);
    if (sample != NULL) {
      bytes = copy_sample (sample);
      gst_sample_unref (sample);
    }
  }
  gst_clear_message (&message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return bytes;
}

static void
refuse_folder (GstAvmTestSrc *self, const gchar *folder, const GError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
      (_ ("There are no face pictures in \"%s\". Set face-location to a folder "
          "with .png or .jpg files, one head each, or leave it out."),
          folder),
      ("%s", error != NULL ? error->message : "no such files"));
}

static void
refuse_picture (GstAvmTestSrc *self, const gchar *path, const GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, DECODE,
      (_ ("The face picture \"%s\" cannot be read. Take it out of the folder, "
          "or save it again as a PNG file."),
          path),
      ("%s", error != NULL ? error->message : "no picture in it"));
}

/* The faces of a folder, as many as there can be players; FALSE when an error
 * was posted. */
gboolean
gst_avm_test_src_load_faces (GstAvmTestSrc *self, const gchar *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) paths = list_pictures (folder, &error);
  guint n = paths != NULL ? MIN (paths->len, AVM_ORCHESTRA_MAX_PLAYERS) : 0;

  if (n == 0) {
    refuse_folder (self, folder, error);
    return FALSE;
  }
  self->faces = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < n; i++) {
    const gchar *path = g_ptr_array_index (paths, i);
    GBytes *bytes = decode (path, &error);

    if (bytes == NULL) {
      refuse_picture (self, path, error);
      return FALSE;
    }
    g_ptr_array_add (self->faces, bytes);
  }
  return TRUE;
}

/* faces: AVM_ORCHESTRA_MAX_PLAYERS; gives how many there are. */
gint
gst_avm_test_src_get_faces (const GstAvmTestSrc *self, AvmHallFace *faces)
{
  guint n = self->faces != NULL ? self->faces->len : 0;

  for (guint i = 0; i < n; i++) {
    faces[i].width = FACE_WIDTH;
    faces[i].height = FACE_HEIGHT;
    faces[i].rgb = g_bytes_get_data (g_ptr_array_index (self->faces, i), NULL);
  }
  return (gint)n;
}
