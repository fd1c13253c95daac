/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/avm/avm.h>

#include "gstavmpnp.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gst_avm_init_i18n ();

  return GST_ELEMENT_REGISTER (avmpnp, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, avmpnp,
    "Who of an ensemble is seen where, and plays when", plugin_init, VERSION,
    GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
