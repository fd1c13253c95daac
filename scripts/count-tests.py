#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Print "N passed, N failed, N skipped" of a meson test log.

Before it, for each test that failed, a line "FAILED: NAME" and the end of its
output.

Usage: count-tests.py meson-logs/testlog.json
Exit 1 when a test failed or none ran.
"""
import json
import sys

LINES = 15                     # of the output of a test that failed

passed = failed = skipped = 0
with open(sys.argv[1], encoding='utf-8') as log:
    for line in log:
        test = json.loads(line)
        result = test['result']
        if result in ('OK', 'EXPECTEDFAIL'):
            passed += 1
        elif result == 'SKIP':
            skipped += 1
        else:
            failed += 1
            output = test.get('stdout', '') + test.get('stderr', '')
            print('FAILED: %s (%s after %.0f s)'
                  % (test['name'], result, test['duration']))
            for row in output.splitlines()[-LINES:]:
                print('  | ' + row)
print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
sys.exit(1 if failed or not passed else 0)
