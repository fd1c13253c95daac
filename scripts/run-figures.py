#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the programs that print the project's figures.

Usage: run-figures.py DIRECTORY [--reduced] [--write PAGE] [TOPIC...]

Runs every executable in DIRECTORY (or the named topics) and shows what it
prints; --from-log FILE takes what an earlier run of one topic printed. With
--write the tables go into PAGE, with the command that printed
them. Ends with "N passed, N failed, N skipped" over the PASS, FAIL and SKIP
lines; exit 1 when a program fails or prints none of these.
"""
import argparse
import datetime
import os
import re
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument('directory')
parser.add_argument('--reduced', action='store_true')
parser.add_argument('--write')
parser.add_argument('--from-log', metavar='FILE',
                    help='what an earlier run of the one topic printed')
parser.add_argument('topics', nargs='*')
options = parser.parse_intermixed_args()

source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
folder = os.path.join(source, options.directory)
topics = options.topics or sorted(
    f for f in os.listdir(folder)
    if f != 'run' and os.access(os.path.join(folder, f), os.X_OK)
    and os.path.isfile(os.path.join(folder, f)))
environment = dict(os.environ)
environment.setdefault('AVM_BUILD', os.path.join(source, 'build'))
environment.setdefault('AVM_SHARED', os.path.join(source, '..', 'shared'))

counts = {'PASS': 0, 'FAIL': 0, 'SKIP': 0}
sections = {}
broken = 0
for topic in topics:
    command = [os.path.join(folder, topic)]
    if options.reduced:
        command.append('--reduced')
    print('== %s/%s%s' % (options.directory, topic,
                          ' --reduced' if options.reduced else ''), flush=True)
    if options.from_log:
        command = ['cat', options.from_log]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                           env=environment)
    lines = []
    for line in run.stdout:
        print(line, end='', flush=True)
        if not re.match(r'Command: ', line):
            lines.append(line.rstrip('\n'))
    run.wait()
    words = [re.match(r'(PASS|FAIL|SKIP)\b', line) for line in lines]
    found = [w.group(1) for w in words if w]
    for word in found:
        counts[word] += 1
    if run.returncode == 77 and not found:
        counts['SKIP'] += 1
    elif not found or (run.returncode != 0 and 'FAIL' not in found):
        print('FAIL %s: exit status %d, %d verdicts' % (
            topic, run.returncode, len(found)))
        counts['FAIL'] += 1
        broken += 1
    sections[topic] = lines

if options.write:
    page = os.path.join(source, options.write)
    old = {}
    title = "# Figures\n"
    if os.path.exists(page):
        with open(page, encoding='utf-8') as f:
            parts = re.split(r'(?m)^## (\S+)\n', f.read())
        title = parts[0]
        old = dict(zip(parts[1::2], parts[2::2]))
    stamp = datetime.date.today().isoformat()
    for topic, lines in sections.items():
        text = ['', 'Printed by `%s/run%s %s` on %s.' % (
            options.directory, ' --reduced' if options.reduced else '',
            topic, stamp), '']
        verdicts = [line for line in lines
                    if re.match(r'(PASS|FAIL|SKIP)\b', line)]
        text += [line for line in lines if line not in verdicts]
        if verdicts:
            text += ['', '```'] + verdicts + ['```']
        old[topic] = re.sub(r'\n{3,}', '\n\n', '\n'.join(text)) + '\n\n'
    with open(page, 'w', encoding='utf-8') as f:
        f.write(title.rstrip('\n') + '\n\n')
        for topic in sorted(old):
            f.write('## %s\n%s\n' % (topic, old[topic].rstrip('\n') + '\n'))

print('%d passed, %d failed, %d skipped' % (
    counts['PASS'], counts['FAIL'], counts['SKIP']))
sys.exit(1 if counts['FAIL'] or broken else 0)
