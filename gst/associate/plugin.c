/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/avm/avm.h>

#include "gstavmassociate.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gst_avm_init_i18n ();

  return GST_ELEMENT_REGISTER (avmassociate, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, avmassociate,
    "Association of players and parts of a score", plugin_init, VERSION,
    GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
