# SPDX-License-Identifier: LGPL-2.1-or-later
"""Films for tests/accuracy/association: what avmassociate is given of them.

Three motions of the same film: `true`, measured inside the true rectangles of
every frame before it is encoded; `tracked`, of the encoded film, by avmklttrack
from the true rectangles of the first frame; `found`, of the encoded film, by
avmplayers, with no rectangle given at all. Notes and pitch always come from
the sound of the encoded film.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from vibratofilm import Film, VIDEO, launch, read_events, read_regions  # noqa: E402

CUES = ('bow', 'vibrato', 'finger', 'fused')


class AssociationFilm(Film):
    def truth_regions(self):
        """Places of players and their hands in the first frame"""
        path = self.path('regions.jsonl')
        launch(self.source() + 't.regions ! avmeventenc ! '
               f'application/x-ndjson ! filesink location={path}')
        with open(self.path('regions'), 'w') as file:
            for role in ('player', 'hand', 'bow'):
                for i, x, y, w, h in read_regions(path, role):
                    file.write(f'{i} {role} {x:.2f} {y:.2f} {w:.2f} {h:.2f}\n')

    def render(self):
        if os.path.exists(self.path('mp4')):
            return
        self.truth_regions()
        launch(self.source() + 'attach-regions=true '
               f'write-score={self.path("mid")} '
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

    def analyse(self):
        """Notes and pitch"""
        if os.path.exists(self.path('f0.gdp')):
            return
        launch(self.decode()
               + 'd. ! queue ! audioconvert ! audioresample ! tee name=a '
               f'a. ! queue ! avmscorealign score={self.path("mid")} ! '
               'tee name=n a. ! queue ! p.sink n. ! queue ! p.notes '
               'avmpitch name=p ! gdppay ! '
               f'filesink async=false location={self.path("part")} '
               'n. ! queue ! gdppay ! '
               f'filesink async=false location={self.path("notes.gdp")}')
        os.rename(self.path('part'), self.path('f0.gdp'))

    def track(self):
        if os.path.exists(self.path('tracked.gdp')):
            return
        launch(self.decode() + 'd. ! queue ! videoconvert ! avmklttrack '
               f'regions-location={self.path("regions")} ! avmopticalflow ! '
               f'gdppay ! filesink location={self.path("part")}')
        os.rename(self.path('part'), self.path('tracked.gdp'))

    def find(self, mirrored=False):
        """Motion of the players that avmplayers finds"""
        name = 'mirrored' if mirrored else 'found'
        if os.path.exists(self.path(f'{name}.gdp')):
            return
        flip = 'videoflip method=horizontal-flip ! ' if mirrored else ''
        launch(self.decode() + f'd. ! queue ! videoconvert ! {flip}'
               f'avmplayers location={self.path(name + ".regions")} ! '
               'avmklttrack ! avmopticalflow ! gdppay ! '
               f'filesink location={self.path("part")}')
        os.rename(self.path('part'), self.path(f'{name}.gdp'))

    def parts(self):
        """Part of each player, by the id of the player's region"""
        events = read_events(self.path('association.jsonl'))
        return {e['region']: e['part'] for e in events
                if 101 <= e['region'] <= 199}

    def places(self, name='regions'):
        """Box of each player in the first frame, by id"""
        boxes = {}
        with open(self.path(name)) as file:
            for line in file:
                words = line.split('#')[0].split()
                if len(words) >= 6 and words[1] == 'player':
                    boxes[int(words[0])] = tuple(map(float, words[2:6]))
        return boxes

    def wanted(self, motion):
        """What part each player of a motion should be given; -1: whoever was
        found there is no player"""
        parts = self.parts()
        if motion in ('true', 'tracked'):
            return parts
        true = self.places()
        found = self.places(f'{motion}.regions')
        if motion == 'mirrored':
            true = {i: (1280.0 - x - w, y, w, h)
                    for i, (x, y, w, h) in true.items()}
        wanted = {}
        for region, box in found.items():
            best = max(true, key=lambda i: overlap(true[i], box))
            good = overlap(true[best], box) > 0.2
            wanted[region] = parts[best] if good else -1
        return wanted

    def judge(self, motion, lengths, cues=CUES, extra=''):
        """What avmassociate says of each stretch of each length, by each cue:
        {(cue, length): [{region: event}, ...]}"""
        line = ''
        for stream in (motion, 'notes', 'f0'):
            line += (f'filesrc location={self.path(stream + ".gdp")} ! gdpdepay'
                     f' ! tee name={stream[0]} ')
        files = {}
        for cue in cues:
            for length in lengths:
                name = f'{cue}{length:g}'
                span = int(length * 1e9)
                files[cue, length] = self.path(f'{motion}.{name}.jsonl')
                line += (f'avmassociate name={name} cue={cue} mode=online '
                         f'interval={span} window={span} {extra} ! avmeventenc '
                         '! application/x-ndjson ! filesink '
                         f'location={files[cue, length]} async=false '
                         f'{motion[0]}. ! {name}.motion n. ! {name}.notes '
                         f'f. ! {name}.f0 ' if motion[0] not in 'nf' else '')
        launch(line)
        return {key: stretches(read_events(path), key[1])
                for key, path in files.items()}


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


def write_json(path, value):
    with open(path, 'w') as file:
        json.dump(value, file)
