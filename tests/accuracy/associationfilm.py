# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films for tests/accuracy/association: what avmassociate is given of them.

Motions of the same film: `true`, measured inside the true rectangles of every
frame before it is encoded; of the encoded film `tracked`, by avmklttrack from
the true rectangles of the first frame, and `found`, by avmplayers, with no
rectangle given at all; `flipped` and `mirrored` are these two of the film seen
in a mirror. Notes and pitch always come from the sound of the encoded film.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from vibratofilm import Film, VIDEO, launch, read_events, read_regions  # noqa: E402

CUES = ('bow', 'vibrato', 'finger', 'fused')
WIDTH = 1280
IDLE_TICKS = 480 * 400  # far behind the end of any film


# -- scores -------------------------------------------------------------------

def read_tracks(path):
    """Header and tracks of a MIDI file; the first track has no notes."""
    with open(path, 'rb') as file:
        data = file.read()
    chunks, at = [], 0
    while at < len(data):
        size = 8 + int.from_bytes(data[at + 4:at + 8], 'big')
        chunks.append(data[at:at + size])
        at += size
    return chunks[0], chunks[1:]


def write_tracks(path, header, tracks):
    with open(path, 'wb') as file:
        file.write(header[:10] + len(tracks).to_bytes(2, 'big') + header[12:])
        file.write(b''.join(tracks))


def idle_track(track):
    """The same part with one note, which is never reached"""
    name_end = 8 + 4 + track[11]
    channel = track[name_end + 1] & 15
    delta = bytes([0x80 | IDLE_TICKS >> 14, 0x80 | IDLE_TICKS >> 7 & 127,
                   IDLE_TICKS & 127])
    body = (track[8:name_end + 3] + delta + bytes([0x90 | channel, 60, 64])
            + b'\x60' + bytes([0x90 | channel, 60, 0]) + b'\x00\xff\x2f\x00')
    return b'MTrk' + len(body).to_bytes(4, 'big') + body


def score_without(source, target, part):
    header, tracks = read_tracks(source)
    del tracks[1 + part]
    write_tracks(target, header, tracks)


def score_idle(source, target, part):
    header, tracks = read_tracks(source)
    tracks[1 + part] = idle_track(tracks[1 + part])
    write_tracks(target, header, tracks)


def score_with(source, other, target):
    """A part of another piece at the end"""
    header, tracks = read_tracks(source)
    write_tracks(target, header, tracks + [read_tracks(other)[1][1]])


# -- films --------------------------------------------------------------------

class AssociationFilm(Film):
    def truth_regions(self):
        """Places of players and their hands in the first frame, and the same
        in a mirror, named from left to right there as well"""
        path = self.path('regions.jsonl')
        launch(self.source() + 't.regions ! avmeventenc ! '
               f'application/x-ndjson ! filesink location={path}')
        with open(self.path('regions'), 'w') as file, \
                open(self.path('flipped.regions'), 'w') as flipped:
            for role in ('player', 'hand', 'bow'):
                for i, x, y, w, h in read_regions(path, role):
                    file.write(f'{i} {role} {x:.2f} {y:.2f} {w:.2f} {h:.2f}\n')
                    flipped.write(f'{self.mirror_id(i)} {role} '
                                  f'{WIDTH - x - w:.2f} {y:.2f} {w:.2f} '
                                  f'{h:.2f}\n')
        os.unlink(path)

    def mirror_id(self, region):
        base = region // 100 * 100
        return base + self.players + 1 - (region - base)

    def make_score(self):
        launch(self.source() + f'write-score={self.path("mid")} '
               't.notes ! fakesink')

    def render(self):
        if os.path.exists(self.path('mp4')):
            return
        self.make_score()
        self.truth_regions()
        launch(self.source() + 'attach-regions=true '
               f'mp4mux name=m ! filesink location={self.path("part")} '
               f't.video ! {VIDEO} ! tee name=w w. ! queue ! '
               'x264enc speed-preset=veryfast bitrate=4000 ! h264parse ! m. '
               'w. ! queue ! avmopticalflow ! queue max-size-time=0 ! gdppay ! '
               f'filesink location={self.path("true.gdp")} '
               't.audio ! queue ! audioconvert ! avenc_aac ! aacparse ! m. '
               't.association ! avmeventenc ! application/x-ndjson ! '
               f'filesink location={self.path("association.jsonl")}')
        os.rename(self.path('part'), self.path('mp4'))

    def decode(self):
        return f'filesrc location={self.path("mp4")} ! decodebin name=d '

    def listen(self, score='mid', notes='notes', f0='f0'):
        """Notes of a score and their pitch"""
        if os.path.exists(self.path(f'{f0}.gdp')):
            return
        launch(self.decode()
               + 'd. ! queue ! audioconvert ! audioresample ! tee name=a '
               f'a. ! queue ! avmscorealign score={self.path(score)} ! '
               'tee name=n a. ! queue ! p.sink n. ! queue ! p.notes '
               'avmpitch name=p ! gdppay ! '
               f'filesink async=false location={self.path("part")} '
               'n. ! queue ! gdppay ! '
               f'filesink async=false location={self.path(notes + ".gdp")}')
        os.rename(self.path('part'), self.path(f'{f0}.gdp'))

    def watch(self, motion):
        """The motion of that name; `true` came with the film"""
        if os.path.exists(self.path(f'{motion}.gdp')):
            return
        # of videoflip in GStreamer 1.22 `method` alone turns nothing
        flip = motion in ('flipped', 'mirrored')
        head = (self.decode() + 'd. ! queue ! videoconvert ! '
                + ('videoflip video-direction=horiz ! ' if flip else ''))
        name = {'tracked': 'regions'}.get(motion, f'{motion}.regions')
        if motion in ('found', 'mirrored'):
            # first they are found, then followed from the first frame, as
            # the jobs do
            launch(head + 'avmplayers analysis-time=10000000000 '
                   f'write-regions={self.path(name)} ! fakesink sync=false')
        launch(head + f'avmklttrack regions-location={self.path(name)} ! '
               f'avmopticalflow ! gdppay ! filesink '
               f'location={self.path("part")}')
        os.rename(self.path('part'), self.path(f'{motion}.gdp'))

    def parts(self):
        """Part of each player, by the id of the player's region"""
        events = read_events(self.path('association.jsonl'))
        return {e['region']: e['part'] for e in events
                if 101 <= e['region'] <= 199}

    def places(self, name):
        """Box of each player in the first frame, by id"""
        boxes = {}
        with open(self.path(name)) as file:
            for line in file:
                words = line.split('#')[0].split()
                if len(words) >= 6 and words[1] == 'player':
                    boxes[int(words[0])] = tuple(map(float, words[2:6]))
        return boxes

    def wanted(self, motion):
        """What part each region of a player should be given; -1: none. Of
        players who were not found, the answer is missing."""
        parts = self.parts()
        if motion in ('flipped', 'mirrored'):
            parts = {self.mirror_id(i): part for i, part in parts.items()}
        if motion not in ('found', 'mirrored'):
            return parts
        true = self.places('flipped.regions' if motion == 'mirrored'
                           else 'regions')
        wanted = {}
        for region, box in self.places(f'{motion}.regions').items():
            best = max(true, key=lambda i: overlap(true[i], box))
            good = overlap(true.get(best), box) > 0.2
            wanted[region] = parts[best] if good else -1
        # who was not found cannot be right
        for region, part in parts.items():
            if part not in wanted.values():
                wanted[-region] = part
        return wanted

    def judge(self, motion, lengths, cues=CUES, notes='notes', f0='f0'):
        """What avmassociate says of each stretch of each length, by each cue:
        {(cue, length): [{region: event}, ...]}"""
        line, files = '', {}
        for stream in (motion, notes, f0):
            line += (f'filesrc location={self.path(stream + ".gdp")} ! gdpdepay'
                     f' ! tee name=stream-{stream} ')
        for cue in cues:
            for length in lengths:
                name = f'{cue}{length:g}'
                files[cue, length] = self.path(f'{motion}.{notes}.{name}.jsonl')
                line += (f'avmassociate name={name} cue={cue} '
                         + online(length, length) + '! avmeventenc ! '
                         'application/x-ndjson ! filesink async=false '
                         f'location={files[cue, length]} '
                         f'stream-{motion}. ! {name}.motion '
                         f'stream-{notes}. ! {name}.notes '
                         f'stream-{f0}. ! {name}.f0 ')
        launch(line)
        answers = {key: stretches(read_events(path), key[1])
                   for key, path in files.items()}
        for path in files.values():
            os.unlink(path)
        return answers

    def follow(self, motion):
        """The running answer, every second: [{region: event}, ...]"""
        path = self.path('running.jsonl')
        launch(f'avmassociate name=a {online(1.0, 120.0)} ! avmeventenc ! '
               f'application/x-ndjson ! filesink async=false location={path} '
               + ' '.join(f'filesrc location={self.path(stream + ".gdp")} ! '
                          f'gdpdepay ! a.{pad}' for stream, pad in (
                              (motion, 'motion'), ('notes', 'notes'),
                              ('f0', 'f0'))))
        return stretches(read_events(path), 1.0)

    def motion_rows(self, motion):
        """[(time, {channel: value})] of a stored motion"""
        path = self.path('rows.jsonl')
        launch(f'filesrc location={self.path(motion + ".gdp")} ! gdpdepay ! '
               'avmeventenc ! application/x-ndjson ! '
               f'filesink location={path}')
        with open(path) as file:
            lines = [json.loads(line) for line in file]
        os.unlink(path)
        return [(line['running_time_ns'] / 1e9, line['values'])
                for line in lines if 'values' in line]

    def note_events(self):
        path = self.path('notes.jsonl')
        launch(f'filesrc location={self.path("notes.gdp")} ! gdpdepay ! '
               f'avmeventenc ! application/x-ndjson ! filesink location={path}')
        return read_events(path)


class IdleFilm(AssociationFilm):
    """One of the players has nothing to play as long as the film lasts."""

    def __init__(self, folder, players, seed, seconds):
        super().__init__(folder, players, seed, seconds)
        self.base += '-idle'
        self.idle = seed % players
        self.score = ''

    def source(self):
        return super().source() + self.score

    def make_score(self):
        super().make_score()
        score_idle(self.path('mid'), self.path('idle.mid'), self.idle)
        score_without(self.path('mid'), self.path('less.mid'), self.idle)
        self.score = f'score={self.path("idle.mid")} '


def online(interval, window):
    return (f'mode=online interval={int(interval * 1e9)} '
            f'window={int(window * 1e9)} ')


def overlap(a, b):
    """Intersection over union of two boxes"""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def stretches(events, length):
    """Answers at the ends of whole stretches; {region: event} each. The last
    one may end a little before, with the last frame."""
    by_time = {}
    for event in events:
        end = event['running_time_ns'] / 1e9
        number = round(end / length)
        if number >= 1 and abs(end - number * length) < 0.25:
            by_time.setdefault(number, {})[event['region']] = event
    return [by_time[k] for k in sorted(by_time)]
