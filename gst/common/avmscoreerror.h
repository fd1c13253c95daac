/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What every element that reads a score says when it cannot.
 */

#ifndef __AVM_SCORE_ERROR_H__
#define __AVM_SCORE_ERROR_H__

#include <gst/gst.h>

#include "base/avm-common.h"

/* Posts an element error in the user's language that names the file, the byte
 * in it and the mend. */
void gst_avm_post_score_error (
    GstElement *element, const gchar *path, const AvmError *error);

#endif /* __AVM_SCORE_ERROR_H__ */
