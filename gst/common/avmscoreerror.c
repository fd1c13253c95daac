/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "avmscoreerror.h"

#include <glib/gi18n-lib.h>

void
gst_avm_post_score_error (
    GstElement *element, const gchar *path, const AvmError *error)
{
  long long at = (long long)error->offset;

  switch (error->code) {
    case AVM_ERROR_OPEN:
      GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ,
          (_ ("The score \"%s\" cannot be read: %s. Set the property \"score\" "
              "to a MIDI file."),
              path, error->detail),
          (NULL));
      break;
    case AVM_ERROR_FORMAT:
      GST_ELEMENT_ERROR (element, STREAM, WRONG_TYPE,
          (_ ("\"%s\" is not a Standard MIDI File. Export the score as MIDI "
              "(.mid) and try again."),
              path),
          ("%s", error->detail));
      break;
    case AVM_ERROR_TRUNCATED:
      GST_ELEMENT_ERROR (element, STREAM, DECODE,
          (_ ("The score \"%s\" is cut off at byte %lld. Copy or export the "
              "file again."),
              path, at),
          ("%s", error->detail));
      break;
    case AVM_ERROR_EMPTY:
      GST_ELEMENT_ERROR (element, STREAM, DECODE,
          (_ ("The score \"%s\" has no notes. Export the MIDI file with its "
              "parts."),
              path),
          ("%s", error->detail));
      break;
    case AVM_ERROR_UNSUPPORTED:
      GST_ELEMENT_ERROR (element, STREAM, FORMAT,
          (_ ("The score \"%s\" is of an unknown kind of MIDI file (byte "
              "%lld). Export it as format 0 or 1."),
              path, at),
          ("%s", error->detail));
      break;
    case AVM_ERROR_RANGE:
      GST_ELEMENT_ERROR (element, STREAM, DECODE,
          (_ ("The score \"%s\" is longer than ten hours. Check its tempo."),
              path),
          ("%s", error->detail));
      break;
    case AVM_ERROR_MEMORY:
      GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT,
          (_ ("There is not enough memory to read the score \"%s\"."), path),
          (NULL));
      break;
    default:
      GST_ELEMENT_ERROR (element, STREAM, DECODE,
          (_ ("The score \"%s\" is damaged at byte %lld. Export the file "
              "again."),
              path, at),
          ("%s", error->detail));
      break;
  }
}
