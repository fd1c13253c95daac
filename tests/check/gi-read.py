#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Typed streams through GObject introspection: caps, series, events, kinds."""
import sys

try:
    import gi
    gi.require_version('Gst', '1.0')
    gi.require_version('GstAvm', '1.0')
    from gi.repository import Gst, GstAvm
except (ImportError, ValueError) as wrong:
    print('skipped: %s' % wrong)
    sys.exit(77)

Gst.init(None)

info = GstAvm.AvmSeriesInfo.new('f0', 100, 1)
info.add_channel('violin', 'f0', 'Hz', -1, 0)
info.add_channel('violin', 'confidence', '', -1, 0)
caps = info.to_caps()
assert caps.get_structure(0).get_int('channels')[1] == 2, caps.to_string()
back = GstAvm.AvmSeriesInfo.new_from_caps(Gst.Caps.from_string(
    caps.to_string()))
assert back.get_kind() == 'f0' and back.get_n_channels() == 2
assert back.find_channel('confidence', -2, 0) == 1
buf = GstAvm.avm_series_buffer_new(info, [440.0, 1.0, 441.0, 0.5], 2,
                                   Gst.SECOND) \
    if hasattr(GstAvm, 'avm_series_buffer_new') else None
if buf is None:
    buf = info.buffer_new([440.0, 1.0, 441.0, 0.5], 2, Gst.SECOND)
values = GstAvm.avm_series_buffer_get_values(buf, info)
assert list(values) == [440.0, 1.0, 441.0, 0.5], values

event = GstAvm.AvmEvent.new(Gst.SECOND, 2 * Gst.SECOND, 201, 1, 0.5)
event.set_double('rate', 6.5)
event.set_boolean('vibrato', True)
events = GstAvm.avm_events_buffer_parse(event.to_buffer())
assert len(events) == 1 and events[0].onset == Gst.SECOND
assert events[0].get_double('rate') == (True, 6.5)
assert events[0].list_fields() == ['rate', 'vibrato']
try:
    GstAvm.avm_events_buffer_parse(Gst.Buffer.new_wrapped(b'nonsense' * 5))
    raise SystemExit('malformed payload was accepted')
except gi.repository.GLib.Error as wrong:
    assert 'GVariant' in wrong.message

kinds = [GstAvm.avm_kind_describe(i).unpack()
         for i in range(GstAvm.avm_kind_count())]
assert 'vibrato' in [k[0] for k in kinds]

frame = Gst.Buffer.new_allocate(None, 16, None)
region = GstAvm.AvmRegion.new(3, 'hand', 1.0, 2.0, 47.0, 47.0)
GstAvm.buffer_add_avm_region_meta(frame, region)
regions = GstAvm.buffer_get_avm_regions(frame)
assert len(regions) == 1 and regions[0].role == 'hand' and regions[0].w == 47.0
print('typed streams read from Python')
