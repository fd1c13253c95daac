/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef __AVM_LUMA_H__
#define __AVM_LUMA_H__

/* Raw video whose first plane is luma, one byte per pixel, read in place */
#define AVM_LUMA_CAPS                                                          \
  "video/x-raw, "                                                              \
  "format = (string) { GRAY8, I420, YV12, NV12, NV21, Y42B, Y444, Y41B, "      \
  "NV16, NV61, NV24, YUV9, YVU9, A420 }, "                                     \
  "width = (int) [ 1, 32768 ], height = (int) [ 1, 32768 ], "                  \
  "framerate = (fraction) [ 0, 2147483647 ]"

#endif /* __AVM_LUMA_H__ */
