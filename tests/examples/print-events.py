#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example prints what avmeventenc writes, and fails on what is no events.

Usage: tests/examples/print-events.py PRINT-EVENTS
"""
import json
import os
import re
import subprocess
import sys
import tempfile

SOURCE = 'avmtestsrc name=s players=2 num-seconds=3 '


def run(line):
    return subprocess.run([sys.argv[1], line + ' ! appsink name=out'],
                          capture_output=True, text=True, timeout=60)


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'notes.jsonl')
    subprocess.run(['gst-launch-1.0', '-q', *(SOURCE + 's.notes ! avmeventenc ! '
                    'application/x-ndjson ! filesink location=' + path).split()],
                   check=True, timeout=60)
    with open(path, encoding='utf-8') as file:
        wanted = [e for e in map(json.loads, file) if e.get('kind') == 'note']

done = run(SOURCE + 's.notes')
assert done.returncode == 0, done.stderr
*lines, last = done.stdout.splitlines()
assert wanted and last == '%d events' % len(wanted), (last, len(wanted))
for line, event in zip(lines, wanted, strict=True):
    found = re.match(r' *([\d.]+) s  note  part (-?\d+) .* pitch=([\d.]+)', line)
    assert found, line
    assert abs(float(found[1]) - event['running_time_ns'] / 1e9) < 1e-3, line
    assert int(found[2]) == event['part'], line
    assert abs(float(found[3]) - event['fields']['pitch']) < 1e-6, line

assert run('videotestsrc num-buffers=1').returncode != 0
assert run('nosuchelement').returncode != 0
print('%d events printed as they were written' % len(lines))
