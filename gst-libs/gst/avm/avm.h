/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_H__
#define __GST_AVM_H__

#include <gst/avm/avm-prelude.h>
#include <gst/avm/gstavmkinds.h>
#include <gst/avm/gstavmseries.h>
#include <gst/avm/gstavmevents.h>
#include <gst/avm/gstavmregionmeta.h>
#include <gst/avm/gstavmjoin.h>

#endif /* __GST_AVM_H__ */
