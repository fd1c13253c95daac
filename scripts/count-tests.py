#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Print "N passed, N failed, N skipped" of a meson test log.

Usage: count-tests.py meson-logs/testlog.json
Exit 1 when a test failed or none ran.
"""
import json
import sys

passed = failed = skipped = 0
with open(sys.argv[1], encoding='utf-8') as log:
    for line in log:
        result = json.loads(line)['result']
        if result in ('OK', 'EXPECTEDFAIL'):
            passed += 1
        elif result == 'SKIP':
            skipped += 1
        else:
            failed += 1
print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
sys.exit(1 if failed or not passed else 0)
