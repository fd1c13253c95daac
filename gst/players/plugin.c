/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/avm/avm.h>

#include "gstavmplayers.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gst_avm_init_i18n ();

  return GST_ELEMENT_REGISTER (avmplayers, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, avmplayers,
    "Finds players, hands and bows by how they move", plugin_init, VERSION,
    GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
