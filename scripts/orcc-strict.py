#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run orcc and fail when it prints anything on stderr.

orcc 0.4.33 exits 0 on an unknown opcode and drops the line.
Usage: orcc-strict.py ORCC ARGUMENT...
"""
import subprocess
import sys

run = subprocess.run(sys.argv[1:], stderr=subprocess.PIPE, text=True)
if run.stderr.strip():
    sys.stderr.write(run.stderr)
    sys.stderr.write('orcc-strict: orcc complained; see above\n')
    sys.exit(1)
sys.exit(run.returncode)
