# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mixtures whose players are known apart, and what avmnmfsep makes of them.

Used by tests/accuracy/separation and separation-sweep. A mixture is a folder
with the sound of each player and of all (32-bit float, raw), and the streams
that go with it (.gdp): the motion of the players, the notes aligned to the
mixture, and which region plays which part.

Film: the virtual ensemble (1280x720 at 30000/1001, camera noise, sway). Flow
is measured inside the true regions of player, hand and bow, or the film is
stored (H.264 in an .mp4) and analysed as a stranger's would be: avmplayers
finds the regions, avmklttrack follows them in a second pass. The score is aligned to the mixture.

Stems: notes of real strings (one file per pitch, moved by two semitones at
most) or whole recordings. Their motion is synthetic, with a known relation
to the sound; synthetic_motion says which.
"""
import csv
import json
import math
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
from scipy.io import wavfile
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from vibratofilm import SOURCE, VIDEO, environment, launch  # noqa: E402

os.environ.update(environment())
import gi  # noqa: E402
gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402

Gst.init(None)
SHARED = os.path.join(os.environ.get('AVM_SHARED',
                                     os.path.join(SOURCE, '..', 'shared')),
                      'data')
RATE = 44100
FRAMES = 30000 / 1001
MODELS = ('audio', 'sequential', 'joint', 'score', 'joint-score')
MOTION = {'sequential', 'joint', 'joint-score'}
NOTES = {'score', 'joint-score'}


def raw_caps(channels):
    return (f'audio/x-raw,format=F32LE,layout=interleaved,rate={RATE},'
            f'channels={channels}')


def write_stream(path, caps, buffers):
    """Stores (time in s, duration in s, bytes) as a stream of these caps."""
    pipeline = Gst.parse_launch('appsrc name=a format=time ! gdppay ! '
                                'filesink name=f async=false')
    pipeline.get_by_name('f').set_property('location', path)
    source = pipeline.get_by_name('a')
    source.set_property('caps', Gst.Caps.from_string(caps))
    pipeline.set_state(Gst.State.PLAYING)
    for time, duration, data in buffers:
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts = round(time * Gst.SECOND)
        buffer.duration = round(duration * Gst.SECOND)
        source.emit('push-buffer', buffer)
    source.emit('end-of-stream')
    message = pipeline.get_bus().timed_pop_filtered(
        60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message is None or message.type == Gst.MessageType.ERROR:
        sys.exit(f'{path}: the stream could not be written')


def write_events(path, kind, events):
    """(onset s, duration s, region, part, fields as a dict of variants)"""
    rows = []
    for onset, duration, region, part, fields in sorted(
            events, key=lambda e: e[0]):
        row = (round(onset * 1e9), round(duration * 1e9), region, part, 1.0,
               fields)
        data = GLib.Variant('a(ttiida{sv})', [row]).get_data_as_bytes()
        rows.append((onset, duration, data.get_data()))
    write_stream(path, f'application/x-avm-events,kind={kind},version=1', rows)


def write_notes(path, notes):
    """notes: (part, onset s, duration s, MIDI pitch)"""
    write_events(path, 'note', [
        (onset, duration, -1, part,
         {'pitch': GLib.Variant('d', float(pitch)),
          'velocity': GLib.Variant('i', 80)})
        for part, onset, duration, pitch in notes])


def write_association(path, parts, seconds):
    """parts: region -> part"""
    write_events(path, 'association', [
        (0.0, seconds, region, part, {}) for region, part in parts.items()])


def write_motion(path, vectors):
    """vectors: (role, region) -> velocities in px/s, n x 2, at the middle
    between the frames of a film"""
    channels = [(f'{role}-{region}-{axis}', axis, 'px/s', region)
                for role, region in vectors for axis in ('vx', 'vy')]
    lists = {'names': [c[0] for c in channels],
             'quantities': [c[1] for c in channels],
             'units': [c[2] for c in channels],
             'regions': [f'(int){c[3]}' for c in channels],
             'parts': ['(int)-1'] * len(channels)}
    caps = ('application/x-avm-series,kind=motion,version=1,format=F32LE,'
            f'rate=30000/1001,channels={len(channels)}')
    for name, values in lists.items():
        caps += f',{name}=<' + ','.join(values) + '>'
    rows = np.hstack(list(vectors.values())).astype('<f4')
    write_stream(path, caps, [((i + 0.5) / FRAMES, 1 / FRAMES, row.tobytes())
                              for i, row in enumerate(rows)])


def write_midi(path, notes, n_parts):
    """A track per part at 120 quarter notes per minute, 480 ticks each."""
    def number(x):
        out = [x & 127]
        while x > 127:
            x >>= 7
            out.append(128 | x & 127)
        return bytes(reversed(out))

    tracks = []
    for part in range(n_parts):
        events = []
        for _, onset, duration, pitch in (n for n in notes if n[0] == part):
            events.append((round(960 * onset), 1, (0x90, pitch, 80)))
            events.append((round(960 * (onset + duration)), 0,
                           (0x80, pitch, 0)))
        body, now = b'', 0
        for tick, _, message in sorted(events):
            body += number(tick - now) + bytes(message)
            now = tick
        body += b'\0\xff\x2f\0'
        tracks.append(b'MTrk' + len(body).to_bytes(4, 'big') + body)
    with open(path, 'wb') as file:
        file.write(b'MThd\0\0\0\6\0\1' + n_parts.to_bytes(2, 'big')
                   + (480).to_bytes(2, 'big') + b''.join(tracks))


class Mixture:
    """One folder; subclasses fill it."""

    def __init__(self, folder, name, players, channels=1):
        self.name, self.players, self.channels = name, players, channels
        self.folder = os.path.join(folder, name)
        self.has_notes = True

    def path(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        if os.path.exists(self.path('ready')):
            return
        os.makedirs(self.folder, exist_ok=True)
        self.make()
        with open(self.path('ready'), 'w'):
            pass

    def read(self, name):
        """Samples, frames x channels"""
        return np.fromfile(self.path(name), '<f4').reshape(-1, self.channels)

    def mixture(self):
        return self.read('mix.raw')

    def stems(self):
        return [self.read(f'stem-{p}.raw') for p in range(self.players)]

    def mix_source(self):
        return (f'filesrc location={self.path("mix.raw")} ! rawaudioparse '
                'use-sink-caps=false format=pcm pcm-format=f32le '
                f'sample-rate={RATE} num-channels={self.channels} ')

    def align(self):
        """Notes of score.mid where they sound in the mixture"""
        launch(self.mix_source() + '! avmscorealign '
               f'score={self.path("score.mid")} ! gdppay ! '
               f'filesink async=false location={self.path("notes.gdp")}')

    def associate(self, parts):
        """True, and with every part given to the next player"""
        seconds = len(self.mixture()) / RATE
        write_association(self.path('association.gdp'), parts, seconds)
        write_association(
            self.path('swapped.gdp'),
            {r: (p + 1) % self.players for r, p in parts.items()}, seconds)

    def separate(self, model, settings='', association='association'):
        """What avmnmfsep says each player played"""
        out = [self.path(f'out-{p}.raw') for p in range(self.players)]
        line = (self.mix_source() + f'! s.sink avmnmfsep name=s model={model} '
                f'sources={self.players} {settings} ')
        if model in MOTION:
            streams = [('motion', 'motion'), (association, 'association')]
        else:
            streams = []
        streams += [('notes', 'notes')] if model in NOTES else []
        for name, pad in streams:
            line += (f'filesrc location={self.path(name + ".gdp")} ! '
                     f'gdpdepay ! s.{pad} ')
        for p in range(self.players):
            line += f's.src_{p} ! filesink async=false location={out[p]} '
        launch(line)
        return [self.read(path) for path in out]


class Film(Mixture):
    """Some seconds of the virtual ensemble. find: an .mp4 is made, and regions
    come from avmplayers, not from the truth."""

    def __init__(self, folder, players, seed, seconds, channels=1, find=False):
        kind = 'found' if find else 'film'
        super().__init__(folder, f'{kind}-{players}-{seed}-{channels}',
                         players, channels)
        self.seed, self.seconds, self.find = seed, seconds, find

    def source(self):
        return (f'avmtestsrc name=t seed={self.seed} piece={self.seed} '
                f'players={self.players} num-seconds={self.seconds:g} ')

    def make(self):
        self.record()
        flow = (f'avmopticalflow ! gdppay ! '
                f'filesink location={self.path("motion.gdp")}')
        if self.find:
            launch(self.source() + f't.video ! {VIDEO} ! queue ! x264enc '
                   'speed-preset=veryfast bitrate=4000 ! h264parse ! mp4mux ! '
                   f'filesink location={self.path("film.mp4")}')
            # as pipelines/separate: once to find them, once to follow them
            film = (f'filesrc location={self.path("film.mp4")} ! decodebin ! '
                    'videoconvert ! ')
            regions = self.path('players.txt')
            launch(f'{film} avmplayers players={self.players} '
                   f'analysis-time={round(self.seconds * 1e9)} '
                   f'write-regions={regions} ! fakesink sync=false')
            launch(f'{film} avmklttrack regions-location={regions} ! {flow}')
        else:
            launch(self.source() + f'attach-regions=true t.video ! {VIDEO} ! '
                   f'queue ! {flow}')
        self.align()
        with open(self.path('association.jsonl')) as file:
            events = [json.loads(line) for line in file]
        self.associate({e['region']: e['part'] for e in events
                        if e.get('kind') == 'association'})

    def record(self):
        """The sound of each and of all, the score, and who plays what"""
        sound = raw_caps(self.channels)
        line = self.source() + f'write-score={self.path("score.mid")} '
        line += ('t.association ! avmeventenc ! application/x-ndjson ! '
                 'filesink async=false '
                 f'location={self.path("association.jsonl")} '
                 f't.audio ! {sound} ! queue ! filesink async=false '
                 f'location={self.path("mix.raw")} ')
        for part in range(self.players):
            line += (f't.audio_{part} ! {sound} ! queue ! filesink '
                     f'async=false location={self.path(f"stem-{part}.raw")} ')
        launch(line)


# -- real stems ---------------------------------------------------------------

def have_stems():
    return os.path.isdir(os.path.join(SHARED, 'tonejs-strings'))


def decode(path):
    """A file as mono samples at RATE"""
    if path.endswith('.wav'):
        rate, x = wavfile.read(path)
        if x.dtype == np.int16 and rate == RATE and x.ndim == 1:
            return x / 32768.0
    done = subprocess.run(
        ['gst-launch-1.0', '-q', 'filesrc', f'location={path}', '!',
         'decodebin', '!', 'audioconvert', '!', 'audioresample', '!',
         raw_caps(1), '!', 'fdsink', 'fd=1'], env=environment(),
        stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, '<f4').astype(float)


GRID = 100  # levels per second


def level(x, width):
    """Rms over a Gaussian of this standard deviation (s), GRID per second"""
    n = len(x) // (RATE // GRID)
    power = (x[:n * (RATE // GRID)].reshape(n, -1) ** 2).mean(1)
    return np.sqrt(gaussian_filter1d(power, width * GRID))


STEPS = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}


class Instrument:
    """The recorded notes of one instrument"""

    def __init__(self, name):
        folder = os.path.join(SHARED, 'tonejs-strings', name)
        self.samples = {}
        for file in sorted(os.listdir(folder)):
            note = file.split('.')[0]
            pitch = (STEPS[note[0]] + ('s' in note)
                     + 12 * (int(note[-1]) + 1))
            self.samples[pitch] = self.strokes(decode(
                os.path.join(folder, file)))
        self.low, self.high = min(self.samples), max(self.samples)
        self.moved = {}

    @staticmethod
    def strokes(x):
        """The strokes of a recording: pieces of half a second and more
        between the places where the level drops"""
        loud = level(x, 0.03)
        playing = loud > 0.25 * np.quantile(loud, 0.8)
        edges = np.flatnonzero(np.diff(np.r_[0, playing.astype(int), 0]))
        pieces = [(a, b) for a, b in zip(edges[::2], edges[1::2])
                  if b - a >= 50]
        gain = 0.1 / np.quantile(loud, 0.8)
        step = RATE // GRID
        return [x[max(a - 3, 0) * step:b * step] * gain for a, b in pieces]

    def note(self, rng, pitch, seconds):
        """A stroke of that pitch from a sample two semitones away at most
        (as far as there is one), cut with a release of 80 ms"""
        near = min(self.samples, key=lambda p: (abs(p - pitch), p))
        strokes = self.samples[near]
        which = int(rng.integers(len(strokes)))
        if (pitch, which) not in self.moved:
            ratio = Fraction(2 ** ((near - pitch) / 12)).limit_denominator(200)
            self.moved[pitch, which] = resample_poly(
                strokes[which], ratio.numerator, ratio.denominator)
        x = self.moved[pitch, which]
        n = min(len(x), int((seconds + 0.08) * RATE))
        x = x[:n].copy()
        rise, fall = int(0.01 * RATE), min(int(0.08 * RATE), n)
        x[:rise] *= np.linspace(0, 1, rise)
        x[n - fall:] *= np.linspace(1, 0, fall) ** 2
        return x


def random_part(rng, low, high, seconds):
    """A melody in score time: (onset, duration, pitch)"""
    notes, now = [], 0.5 + 0.5 * rng.integers(2)
    pitch = int(rng.integers(low + 2, high - 1))
    while now < seconds - 1.0:
        duration = float(rng.choice([0.25, 0.5, 0.5, 1.0, 1.5]))
        if rng.random() > 0.15:
            notes.append((now, min(duration, seconds - 0.6 - now), pitch))
        now += duration
        pitch += int(rng.choice([-5, -4, -2, -2, -1, 1, 2, 2, 4, 5]))
        if not low <= pitch <= high:
            pitch = int(rng.integers(low, high + 1))
    return notes


def smooth_noise(rng, n, hz):
    """Standard deviation 1, FRAMES values per second, below that frequency"""
    x = gaussian_filter1d(rng.standard_normal(n + 200), FRAMES / (4 * hz))
    return (x / x.std())[100:100 + n]


def synthetic_motion(rng, stem, notes):
    """Velocities of a bow and of the hand of a body that sways, px/s.

    speed = 120 px/s (level / 0.95 quantile of it) ^ (1 / 0.6) jitter, where
    level is the rms of the stem over 40 ms, taken 30 +- 10 ms later than the
    motion (the bow leads), and jitter is log-normal, 30 % at up to 2 Hz. Its
    direction changes with each note. Sway moves all by 25 px/s rms at up to
    0.8 Hz, and each velocity has noise of the sensor of 8 px/s rms.
    """
    n = int(len(stem) / RATE * FRAMES)
    times = (np.arange(n) + 0.5) / FRAMES
    lag = rng.normal(0.03, 0.01)
    loud = level(stem, 0.04)
    loud = np.interp((times + lag) * GRID - 0.5, np.arange(len(loud)),
                     loud) / np.quantile(loud, 0.95)
    speed = 120 * loud ** (1 / 0.6) * np.exp(0.3 * smooth_noise(rng, n, 2.0))
    onsets = np.array([note[0] for note in notes]) if notes else np.zeros(1)
    sign = 1 - 2 * (np.searchsorted(onsets, times + lag) % 2)
    tilt = rng.uniform(0.1, 0.6)
    bow = np.stack([speed * sign * math.cos(tilt),
                    speed * sign * math.sin(tilt)], 1)
    sway = 25 * np.stack([smooth_noise(rng, n, 0.8),
                          0.4 * smooth_noise(rng, n, 0.8)], 1)
    noise = 8 / math.sqrt(2)
    return (bow + sway + noise * rng.standard_normal((n, 2)),
            sway + noise * rng.standard_normal((n, 2)))


class Stems(Mixture):
    """Real sounds that are heard together, with synthetic motion"""

    def finish(self, rng, stems, notes):
        """stems: arrays of one length; notes: (part, onset, duration, pitch)
        as they sound, or none"""
        stems = np.array(stems)
        gain = 0.1 / np.sqrt((stems ** 2).mean(1, keepdims=True) + 1e-12)
        stems *= gain * 10 ** (rng.uniform(-2, 2, (len(stems), 1)) / 20)
        # as avmtestsrc seats its players: not in the order of the parts
        seats = rng.permutation(len(stems))
        vectors, parts = {}, {}
        for seat, part in enumerate(seats):
            part = int(part)
            bow, hand = synthetic_motion(
                rng, stems[part], [n[1:] for n in notes if n[0] == part])
            for role, first, v in (('bow', 301, bow), ('hand', 201, hand)):
                vectors[role, first + seat] = v
                parts[first + seat] = part
        stems = stems.astype('<f4')
        for part, stem in enumerate(stems):
            stem.tofile(self.path(f'stem-{part}.raw'))
        stems.sum(0).astype('<f4').tofile(self.path('mix.raw'))
        write_motion(self.path('motion.gdp'), vectors)
        self.associate(parts)


class Strings(Stems):
    """Melodies on recorded notes of violins and cellos. The score is that of
    the melodies; the performance has a tempo of its own that drifts, and
    players who are some 15 ms early or late."""

    RANGES = {'violin': (55, 77), 'cello': (36, 67)}
    bank = {}

    def __init__(self, folder, instruments, seed, seconds):
        super().__init__(folder, '-'.join(['strings', *instruments,
                                           str(seed)]), len(instruments))
        self.instruments, self.seed, self.seconds = instruments, seed, seconds

    def make(self):
        rng = np.random.default_rng([self.seed, self.players])
        written, played, stems = [], [], []
        knots = np.arange(0, self.seconds + 2, 2.0)
        tempo = np.exp(0.05 * rng.standard_normal(len(knots)))
        grid = np.arange(0, self.seconds, 0.01)
        warp = np.cumsum(np.interp(grid, knots, tempo)) * 0.01
        warp *= (self.seconds - 1.0) / max(warp[-1], self.seconds)
        for part, name in enumerate(self.instruments):
            self.bank.setdefault(name, Instrument(name))
            stem = np.zeros(int(self.seconds * RATE))
            for onset, duration, pitch in random_part(
                    rng, *self.RANGES[name], self.seconds):
                written.append((part, onset, duration, pitch))
                start, end = np.interp([onset, onset + duration], grid, warp)
                start += rng.normal(0, 0.015)
                x = self.bank[name].note(rng, pitch, end - start)
                x *= 10 ** (rng.uniform(-3, 3) / 20)
                at = int(start * RATE)
                x = x[:len(stem) - at]
                stem[at:at + len(x)] += x
                played.append((part, start, len(x) / RATE, pitch))
            stems.append(stem)
        write_midi(self.path('score.mid'), written, self.players)
        self.finish(rng, stems, played)
        self.align()


class Recordings(Stems):
    """Pieces of recordings with annotated or estimated note times, which
    serve as the aligned notes: (folder reader, seconds to skip) each."""

    def __init__(self, folder, name, takes, seconds, seed):
        super().__init__(folder, name, len(takes))
        self.takes, self.seconds, self.seed = takes, seconds, seed
        self.has_notes = all(reader in (mosa, garner) for reader, _ in takes)

    def make(self):
        rng = np.random.default_rng(self.seed)
        n, stems, notes = int(self.seconds * RATE), [], []
        for part, (reader, skip) in enumerate(self.takes):
            x, played = reader()
            x = x[int(skip * RATE):][:n]
            stems.append(np.r_[x, np.zeros(n - len(x))])
            notes += [(part, a - skip, d, pitch) for a, d, pitch in played
                      if skip <= a < skip + self.seconds]
        if self.has_notes:
            write_notes(self.path('notes.gdp'), notes)
        self.finish(rng, stems, notes)


def mosa():
    """Bach, Partita 2, a violinist; note times by a person"""
    folder = os.path.join(SHARED, 'violin-mosa')
    with open(os.path.join(folder, 'ba1_yv10_t1_align_notetime.csv')) as file:
        notes = [(float(r['onset']) - 2.979543, float(r['offset'])
                  - float(r['onset']), int(r['midi_number']))
                 for r in csv.DictReader(file)]
    return decode(os.path.join(folder, 'ba1_yv10_t1_audio_clip.wav')), notes


def garner():
    """Bach, Partita 1, another violinist; note times estimated"""
    base = os.path.join(SHARED, 'bach-violin', 'john-garner_bwv1002_mov6')
    with open(base + '.alignment-estimated.csv') as file:
        times = [(float(r['start']), float(r['end']))
                 for r in csv.DictReader(file)]
    with open(base + '.notes.csv') as file:
        pitches = [int(r['pitch']) for r in csv.DictReader(file)]
    return decode(base + '.mp3'), [
        (a, b - a, pitch) for (a, b), pitch in zip(times, pitches)]


def sound(name):
    """One of the sounds of sms-sounds, without notes"""
    def read():
        return decode(os.path.join(SHARED, 'sms-sounds', name + '.wav')), []
    return read
