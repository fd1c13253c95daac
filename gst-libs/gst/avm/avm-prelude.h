/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __GST_AVM_PRELUDE_H__
#define __GST_AVM_PRELUDE_H__

#include <gst/gst.h>

#ifdef BUILDING_GST_AVM
#define GST_AVM_API GST_API_EXPORT
#else
#define GST_AVM_API GST_API_IMPORT
#endif

#ifndef GST_USE_UNSTABLE_API
#warning "The avm library is unstable API and may change. Define " \
    "GST_USE_UNSTABLE_API to avoid this warning."
#endif

#endif /* __GST_AVM_PRELUDE_H__ */
