# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole graphs as processes of their own, with their time and memory.

Used by tests/bench/graph and tests/bench/pnp.
"""
import os
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get('AVM_BUILD',
                                       os.path.join(SOURCE, 'build')))
ENV = dict(os.environ, GST_PLUGIN_PATH_1_0=os.path.join(BUILD, 'gst'),
           GST_REGISTRY_1_0=os.path.join(BUILD, 'graph.registry'),
           LD_LIBRARY_PATH=os.path.join(BUILD, 'gst-libs', 'gst', 'avm'),
           AVM_DATADIR=os.path.join(SOURCE, 'data'))


def launch(text):
    """Runs one gst-launch line; wall s, CPU s, peak MB."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        # gst-launch-1.0 of GStreamer 1.22 can miss the end of large graphs
        child = subprocess.Popen(
            [os.path.join(SOURCE, 'pipelines', 'helpers', 'launch')]
            + text.split(), env=ENV, stdout=errors, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begun
        if child.returncode:
            errors.seek(0)
            sys.exit('failed: %s\n%s' % (
                text, errors.read().decode(errors='replace')[-2000:]))
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0
