# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films of the virtual orchestra and ensemble, and the motion in them.

Used by tests/accuracy/pnp and scripts/train-pnp. What is seen is found as in a
stranger's film: faces by avmfacedetect or players by avmplayers, followed by
avmklttrack, moving as avmopticalflow says. A second run of avmtestsrc says
whose face or body is where, and when each plays.
"""
import json
import os
import sys
from math import exp
from random import Random

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
BUILD = os.environ.get('AVM_BUILD', os.path.join(SOURCE, 'build'))


def prepare(name):
    """The loader reads its path when a program begins: begins it again."""
    os.environ['GST_PLUGIN_PATH_1_0'] = os.path.join(BUILD, 'gst')
    os.environ['GI_TYPELIB_PATH'] = os.path.join(BUILD, 'gst-libs/gst/avm')
    os.environ['LD_LIBRARY_PATH'] = os.path.join(BUILD, 'gst-libs/gst/avm')
    os.environ.setdefault('AVM_DATADIR', os.path.join(SOURCE, 'data'))
    if not os.path.exists(os.path.join(os.environ['GI_TYPELIB_PATH'],
                                       'GstAvm-1.0.typelib')):
        print('SKIP %s: the build has no introspection data '
              '(-Dintrospection=enabled)' % name)
        sys.exit(0)
    if 'AVM_PNP_AGAIN' not in os.environ:
        os.environ['AVM_PNP_AGAIN'] = '1'
        os.execv(sys.executable, [sys.executable] + sys.argv)


LIMBS = {'player': 'body', 'hand': 'hand', 'bow': 'bow', 'face': 'face'}
RATE = 25
EVERY = 5  # frames; so often it is looked who is where
DETECT = ('avmfacedetect min-size=%d ! queue ! '
          'avmklttrack follow-updates=true ! ')
FLOW = 'avmopticalflow clusters=2'  # as pipelines/pnp does
FIND = 'avmplayers analysis-time=10000000000 ! avmklttrack ! '


def play(text, on_sample=None):
    """Runs a pipeline to its end; on_sample gets what comes to `sink`."""
    import gi
    gi.require_version('Gst', '1.0')
    gi.require_version('GstAvm', '1.0')
    from gi.repository import Gst, GstAvm  # noqa: F401
    Gst.init(None)
    pipeline = Gst.parse_launch(text)
    sink = pipeline.get_by_name('sink')
    pipeline.set_state(Gst.State.PLAYING)
    while sink is not None:
        sample = sink.emit('pull-sample')
        if sample is None:
            break
        on_sample(sample.get_buffer())
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        error, debug = message.parse_error()
        sys.exit('%s\n%s\n%s' % (text, error.message, debug))


def regions_of(buffer):
    from gi.repository import GstAvm
    return [(r.role, r.id % 100, r.x, r.y, r.w, r.h, int(r.state))
            for r in GstAvm.buffer_get_avm_regions(buffer)]


def read_json(path):
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def source(scene, seed, seconds, extra=''):
    """A line with avmtestsrc; an ensemble plays what an orchestra's parts
    do, so that its players rest now and then."""
    return ('avmtestsrc name=t scene=%s seed=%d piece=%d num-seconds=%g %s '
            % (scene, seed, seed, seconds, extra))


def write_score(path, seed, players, seconds):
    """A score for an ensemble in which everybody rests now and then."""
    play(source('orchestra', seed, seconds, 'players=%d write-score=%s'
                % (max(players, 5), path))
         + 't.activity ! fakesink')


def true_places(line, camera):
    """frame number to [(role, player, x, y, w, h, state)]"""
    places = {}

    def on_sample(buffer):
        places[round(buffer.pts * RATE / 1e9)] = regions_of(buffer)

    play('%s attach-regions=true camera-noise=0 t.%s ! '
         'video/x-raw,format=GRAY8,framerate=%d/%d ! '
         'appsink name=sink sync=false max-buffers=2'
         % (line, camera, RATE, EVERY), on_sample)
    return places


def true_activity(line, path):
    """player number, from 1, to [(from, to)]"""
    play('%s t.activity ! avmeventenc ! application/x-ndjson ! '
         'filesink location=%s' % (line, path))
    spans = {}
    for event in read_json(path):
        if event['kind'] != 'activity' or 'fields' not in event:
            continue
        if event['fields']['playing']:
            begin = event['running_time_ns'] / 1e9
            spans.setdefault(event['region'] % 100, []).append(
                (begin, begin + event['duration_ns'] / 1e9))
    return spans


class Motion:
    """Motion of what was found in a film, and whose it is"""

    def __init__(self, line, camera, finder, path):
        self.line, self.camera = line, camera
        self.jitter = 0.15 if finder else 0.0
        self.sizes = {}   # track to [(time, height)]
        self.places = {}  # frame to regions that were found
        self.rows = []    # track, limb, time, vx, vy, speed
        attach = '' if finder else 'attach-regions=true '
        play('%s %s t.%s ! video/x-raw,width=1280,height=720,framerate=%d/1 ! '
             'queue ! %s tee name=k k. ! queue ! appsink name=sink sync=false '
             'max-buffers=4 k. ! queue ! %s ! '
             'avmeventenc ! application/x-ndjson ! filesink async=false '
             'location=%s' % (line, attach, camera, RATE, finder, FLOW, path),
             self.on_sample)
        self.read(path)
        os.unlink(path)

    def on_sample(self, buffer):
        frame = round(buffer.pts * RATE / 1e9)
        if frame % EVERY != 0:
            return
        self.places[frame] = regions_of(buffer)
        for role, number, x, y, w, h, state in self.places[frame]:
            if role == 'player' and state != 2:
                self.sizes.setdefault(number, []).append((frame / RATE, h))

    def read(self, path):
        channels = {}
        for line in read_json(path):
            if 'channels' in line:
                channels = {c['name']: (c['region'], c['quantity'],
                                        c['name'].split('-')[0])
                            for c in line['channels']}
                continue
            if 'values' not in line:
                continue
            time = line['stream_time_ns'] / 1e9
            found = {}
            for name, value in line['values'].items():
                region, quantity, role = channels[name]
                if region is None:
                    continue  # nothing was found yet: the whole picture
                row = found.setdefault((region % 100, role), {})
                if value is None:
                    continue
                row[quantity] = max(row.get(quantity, -1e9), value)
            for (number, role), row in found.items():
                if 'vx' in row and 'vy' in row and role in LIMBS:
                    self.rows.append((number, LIMBS[role], time, row['vx'],
                                      row['vy'],
                                      row.get('speed', float('nan'))))

    def size(self, track, time):
        sizes = self.sizes.get(track)
        if not sizes:
            return None
        return min(sizes, key=lambda s: abs(s[0] - time))[1]

    def owners(self, role='face'):
        """track to player, where it is the same one nearly always"""
        votes = {}
        truth = true_places(self.line, self.camera)
        for frame, found in self.places.items():
            real = [r for r in truth.get(frame, []) if r[0] == role]
            for kind, track, x, y, w, h, state in found:
                if kind != role or state == 2:
                    continue
                near = min(real, default=None, key=lambda r: abs(
                    r[2] + r[4] / 2 - x - w / 2) + abs(
                        r[3] + r[5] / 2 - y - h / 2))
                hit = near is not None and abs(
                    near[2] + near[4] / 2 - x - w / 2) < 0.6 * w and abs(
                        near[3] + near[5] / 2 - y - h / 2) < 0.6 * h
                count = votes.setdefault(track, {})
                who = near[1] if hit else None
                count[who] = count.get(who, 0) + 1
        owners = {}
        for track, count in votes.items():
            who = max(count, key=count.get)
            if who is not None and count[who] >= 0.9 * sum(count.values()):
                owners[track] = who
        return owners

    def write(self, path, owners, activity):
        """As avm-pnp-train reads it. Boxes of players whom a detector found are
        somewhat too large or small, other heads other ones."""
        random = Random(os.path.basename(path))
        scales = {t: exp(random.gauss(0, self.jitter)) for t in sorted(owners)}
        with open(path + '.part', 'w', encoding='utf-8') as out:
            for track, limb, time, vx, vy, speed in self.rows:
                size = self.size(track, time)
                if size and track in owners:
                    size *= scales[track]
                    out.write('motion %d %s %.4f %.3f %.3f %.3f %.2f\n' % (
                        track, limb, time, vx, vy, speed, size))
            for track, player in owners.items():
                for begin, end in activity.get(player, [(0, 0)]):
                    out.write('plays %d %.4f %.4f\n' % (track, begin, end))
        os.rename(path + '.part', path)


def write_motion(path, scene, seed, players, seconds, camera, found):
    """Films a scene and writes its motion with the truth. The camera `video` of
    an orchestra is another every 8 s or so."""
    if os.path.exists(path):
        return
    extra = 'players=%d ' % players
    if scene == 'ensemble':
        score = path + '.mid'
        write_score(score, seed, players, seconds)
        extra += 'score=%s ' % score
        finder, role = FIND if found else '', 'player'
    else:
        extra += 'cameras=3 cuts=8 ' if camera == 'video' else 'cameras=3 '
        finder, role = DETECT % (24 if camera == 'video_0' else 30), 'face'
    line = source(scene, seed, seconds, extra)
    motion = Motion(line, camera, finder, path + '.jsonl')
    motion.write(path, motion.owners(role), true_activity(
        line, path + '.truth.jsonl'))
