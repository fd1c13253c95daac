#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading a typed series in Python.

Usage: print-series.py "... ! appsink name=out"
Prints the channels, then one line per row: time (s) and values.
"""
import sys

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstApp', '1.0')
gi.require_version('GstAvm', '1.0')
from gi.repository import Gst, GstApp, GstAvm  # noqa: E402,F401

if len(sys.argv) != 2:
    sys.exit(__doc__)
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
out = pipeline.get_by_name('out')
out.set_property('sync', False)
pipeline.set_state(Gst.State.PLAYING)
info = None
rows = 0
while True:
    sample = out.pull_sample()
    if sample is None:
        break
    new = GstAvm.AvmSeriesInfo.new_from_caps(sample.get_caps())
    if info is None or not sample.get_caps().is_equal(info.to_caps()):
        info = new
        print('# time (s)\t' + '\t'.join(
            '%s.%s (%s)' % (info.get_name(i), info.get_quantity(i),
                            info.get_unit(i))
            for i in range(info.get_n_channels())))
    buf = sample.get_buffer()
    values = GstAvm.avm_series_buffer_get_values(buf, info)
    width = info.get_n_channels()
    for row in range(len(values) // width):
        time = GstAvm.avm_series_row_time(info, buf.pts, row) / Gst.SECOND
        print('%.4f\t' % time + '\t'.join(
            '%.3f' % v for v in values[row * width:(row + 1) * width]))
        rows += 1
message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if message is not None:
    sys.exit(message.parse_error()[0].message)
print('# %d rows' % rows)
