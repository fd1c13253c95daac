# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films of the virtual ensemble and what the vibrato graph makes of them.

Used by tests/accuracy/vibrato and scripts/train-vibrato. A film is H.264 and
AAC in an .mp4, 1280x720 at 30000/1001, camera noise and sway on. It is
analysed as a stranger's file would be: decoded, hands tracked from their
places in the first frame, score aligned, pitch followed. The streams between
the stages are stored, so that avmvibrato can be asked again and again.
"""
import json
import os
import subprocess
import sys

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = os.environ.get('AVM_BUILD', os.path.join(SOURCE, 'build'))
VIDEO = 'video/x-raw,width=1280,height=720,framerate=30000/1001'


def environment():
    env = dict(os.environ)
    env['GST_PLUGIN_PATH'] = os.path.join(BUILD, 'gst')
    env['GST_REGISTRY'] = os.path.join(BUILD, 'accuracy.registry')
    env.setdefault('AVM_DATADIR', os.path.join(SOURCE, 'data'))
    return env


def launch(text):
    """Runs a gst-launch line; its output comes only when it fails."""
    # gst-launch-1.0 of GStreamer 1.22 can miss the end of large graphs
    line = [os.path.join(SOURCE, 'pipelines', 'helpers', 'launch')]
    line += text.split()
    done = subprocess.run(line, env=environment(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=600)
    if done.returncode != 0:
        sys.exit(f'{" ".join(line)}\n{done.stdout}')


def has_element(name):
    # without a version it asks for that of GStreamer itself
    return subprocess.run(['gst-inspect-1.0', '--exists',
                           '--atleast-version=0.0', name],
                          env=environment()).returncode == 0


def read_events(path):
    with open(path) as file:
        return [json.loads(line) for line in file if '"avm-events' in line]


def read_regions(path, role):
    """(id, x, y, w, h) of each region of a role in the first row."""
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    head = next(line for line in lines if 'channels' in line)
    row = next(line for line in lines if 'values' in line)
    boxes = {}
    for channel in head['channels']:
        if channel['name'].startswith(role):
            box = boxes.setdefault(channel['region'], {})
            box[channel['quantity']] = row['values'][channel['name']]
    return [(i, b['x'], b['y'], b['w'], b['h']) for i, b in boxes.items()]


class Film:
    def __init__(self, folder, players, seed, seconds):
        self.players, self.seed, self.seconds = players, seed, seconds
        self.base = os.path.join(folder, f'{players}-{seed}-{seconds:g}')

    def path(self, name):
        return f'{self.base}.{name}'

    def source(self):
        return (f'avmtestsrc name=t seed={self.seed} piece={self.seed} '
                f'players={self.players} num-seconds={self.seconds:g} ')

    def render(self):
        if os.path.exists(self.path('mp4')):
            return
        self.render_regions()
        launch(self.source() + f'write-score={self.path("mid")} '
               f'mp4mux name=m ! filesink location={self.path("part")} '
               f't.video ! {VIDEO} ! queue ! '
               'x264enc speed-preset=veryfast bitrate=4000 ! h264parse ! m. '
               't.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! m. '
               f't.notes ! gdppay ! filesink location={self.path("truth.gdp")} '
               't.vibrato ! tee name=v '
               f'v. ! queue ! gdppay ! filesink location={self.path("labels.gdp")} '
               'v. ! queue ! avmeventenc ! application/x-ndjson ! '
               f'filesink location={self.path("truth.jsonl")} '
               't.association ! gdppay ! '
               f'filesink location={self.path("association.gdp")}')
        os.rename(self.path('part'), self.path('mp4'))

    def render_regions(self):
        """Where the hands are in the first frame"""
        path = self.path('regions.jsonl')
        launch(self.source() + 't.regions ! avmeventenc ! '
               f'application/x-ndjson ! filesink location={path}')
        with open(self.path('regions'), 'w') as file:
            for i, x, y, w, h in read_regions(path, 'hand'):
                file.write(f'{i} hand {x:.2f} {y:.2f} {w:.2f} {h:.2f}\n')

    def analyse(self):
        """Motion, notes and pitch, as streams on disk. gdppay keeps back the
        GAPs that let a sink preroll, so only the sink of the motion, which
        comes with the frames, does."""
        video = (f'd. ! queue ! videoconvert ! avmklttrack '
                 f'regions-location={self.path("regions")} ! avmopticalflow ! '
                 f'gdppay ! filesink location={self.path("motion.gdp")} ')
        audio = ('d. ! queue ! audioconvert ! audioresample ! tee name=a '
                 f'a. ! queue ! avmscorealign score={self.path("mid")} ! '
                 'tee name=n a. ! queue ! p.sink n. ! queue ! p.notes '
                 'avmpitch name=p ! gdppay ! '
                 f'filesink async=false location={self.path("f0.gdp")} '
                 'n. ! queue ! gdppay ! '
                 f'filesink async=false location={self.path("notes.gdp")} ')
        mark = self.path('analysed')
        if os.path.exists(mark):
            return
        head = f'filesrc location={self.path("mp4")} ! decodebin name=d '
        if os.environ.get('AVM_VIBRATO_VIDEO_ONLY'):
            launch(head + video)
        else:
            launch(head + video + audio)
        with open(mark, 'w'):
            pass

    def judge(self, motion=True, f0=True, settings='', labels=False,
              notes='notes'):
        """What avmvibrato says of each note"""
        out = self.path('vibrato.jsonl')
        line = (f'avmvibrato name=v {settings} ! avmeventenc ! '
                f'application/x-ndjson ! filesink location={out} ')
        streams = [(notes, 'notes'), ('association', 'association')]
        streams += [('motion', 'motion')] if motion else []
        streams += [('f0', 'f0')] if f0 else []
        streams += [('labels', 'truth')] if labels else []
        for name, pad in streams:
            line += (f'filesrc location={self.path(name + ".gdp")} ! '
                     f'gdpdepay ! v.{pad} ')
        launch(line)
        return read_events(out)

    def truth(self):
        return read_events(self.path('truth.jsonl'))


def by_part(events):
    parts = {}
    for event in sorted(events, key=lambda e: e['running_time_ns']):
        parts.setdefault(event['part'], []).append(event)
    return parts


def pair(truth, said):
    """(part, truth, said) per note. One event comes per note of the score, so
    the notes of a part pair in order; should their number differ, the nearest
    onset within half a second counts."""
    pairs = []
    said = by_part(said)
    for part, notes in by_part(truth).items():
        others = said.get(part, [])
        if len(others) == len(notes):
            pairs += [(part, a, b) for a, b in zip(notes, others)]
            continue
        for note in notes:
            near = min(others, default=None, key=lambda o: abs(
                o['running_time_ns'] - note['running_time_ns']))
            if near is not None and abs(near['running_time_ns']
                                        - note['running_time_ns']) < 5e8:
                others.remove(near)
                pairs.append((part, note, near))
            else:
                pairs.append((part, note, None))
    return pairs
