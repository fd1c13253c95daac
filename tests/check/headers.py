#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every header of ours compiles alone.

Usage: headers.py SOURCE-ROOT BUILD-ROOT
"""
import glob
import os
import subprocess
import sys

source, build = sys.argv[1:3]
flags = subprocess.run(
    ['pkg-config', '--cflags', 'gstreamer-video-1.0', 'gstreamer-base-1.0'],
    check=True, capture_output=True, text=True).stdout.split()
lib = os.path.join(source, 'gst-libs')
failed = 0
headers = [h for h in glob.glob(os.path.join(lib, '**', '*.h'),
                                recursive=True) if not h.endswith(('-orc-dist.h', '.inc.h'))]
for header in sorted(headers):
    name = os.path.relpath(header, lib)
    if name.startswith('kernels/'):
        name = name[len('kernels/'):]
    run = subprocess.run(
        ['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
         '-Wno-unused-parameter', '-DGST_USE_UNSTABLE_API', '-I', lib, '-I',
         os.path.join(lib, 'kernels'), '-I', build, '-x', 'c', '-'] + flags,
        input='#include "%s"\nint main (void) { return 0; }\n' % name,
        text=True, stderr=subprocess.PIPE)
    if run.returncode:
        print('%s does not compile alone:\n%s' % (name, run.stderr))
        failed += 1
print('%d headers, %d failed' % (len(headers), failed))
sys.exit(1 if failed or not headers else 0)
