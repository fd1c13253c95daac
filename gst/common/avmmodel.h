/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the models are that come with the elements.
 */

#ifndef __AVM_MODEL_H__
#define __AVM_MODEL_H__

#include <glib.h>

/* The file that the property says, else the one of that name in AVM_DATADIR,
 * which the environment may set (transfer full). */
static inline gchar *
gst_avm_model_path (const gchar *property, const gchar *name)
{
  const gchar *dir = g_getenv ("AVM_DATADIR");

  if (property != NULL && *property != '\0')
    return g_strdup (property);
  return g_build_filename (dir != NULL ? dir : AVM_DATADIR, name, NULL);
}

#endif /* __AVM_MODEL_H__ */
