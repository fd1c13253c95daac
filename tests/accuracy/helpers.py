# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the accuracy programs measure with, against closed forms.

Usage: python3 tests/accuracy/helpers.py

A wrong figure may be the fault of the measure: its properties are asserted
here, and what the synthetic sounds and scores claim of themselves.
"""
import os
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import associationfilm as association  # noqa: E402
import facedata  # noqa: E402
import pitchsynth  # noqa: E402
import separationmetric as metric  # noqa: E402
from vibratofilm import launch  # noqa: E402

RATE = 44100


def check_bss():
    """White sounds, and estimates with white noise 20 dB below: BSS Eval says
    so, and finds the order."""
    rng = np.random.default_rng(1)
    stems = [rng.standard_normal((RATE, 1)) for _ in range(2)]
    said = [s + 0.1 * rng.standard_normal(s.shape) for s in stems]
    sdr, sir, _ = metric.bss(stems, said)
    assert abs(sdr - 20.0) < 0.5, sdr
    assert sir > 30.0, sir
    swapped = metric.bss(stems, said[::-1])[0]
    assert swapped < 0.0, swapped
    assert abs(metric.bss(stems, said[::-1], any_order=True)[0] - sdr) < 1e-6


def check_masks():
    """Masked sounds add up to the mixture; sounds that share no frequency are
    told apart."""
    t = np.arange(RATE) / RATE
    stems = [np.sin(2 * np.pi * hz * t)[:, None] for hz in (300.0, 3000.0)]
    mix = sum(stems)
    said = metric.ideal_ratio(mix, stems, 'window=1024 hop=256')
    assert np.abs(sum(said) - mix).max() < 1e-6
    for true, found in zip(stems, said):
        assert np.mean((true - found) ** 2) < 1e-3 * np.mean(true ** 2)


def divergence(v, w, h):
    model = w @ h + 1e-12
    return float(np.sum(v * np.log((v + 1e-12) / model) - v + model))


def check_factorise():
    """The divergence never rises, and falls to 0 where a model is exact."""
    rng = np.random.default_rng(2)
    v = (rng.random((40, 3)) @ rng.random((3, 60))).astype('f4')
    costs = [divergence(v, *metric.factorise(v, 3, n)) for n in (1, 5, 25, 400)]
    assert all(b < a for a, b in zip(costs, costs[1:])), costs
    assert costs[-1] < 0.01 * costs[0], costs


def check_tones():
    """F0 stays in its extent; harmonics stand at multiples of it; noise and
    room are as loud as they say."""
    rng = np.random.default_rng(3)
    t = np.arange(2 * RATE) / RATE
    f0 = pitchsynth.vibrato_f0(rng, t, 440.0, 30.0, 6.0, 0.1)
    cents = 1200 * np.log2(f0 / 440.0)
    assert 28.0 < cents.max() <= 33.0 + 1e-9, cents.max()
    still = np.full(len(t), 441.0)
    tone = pitchsynth.bowed(rng, still, RATE, pitchsynth.body(rng))
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    near = np.arange(len(spectrum)) % 882  # bins of 0.5 Hz
    between = (near > 20) & (near < 862)
    assert spectrum[~between].max() > 100 * spectrum[between].max()
    noisy = pitchsynth.add_noise(rng, tone, 30.0) - tone
    ratio = 10 * np.log10(np.mean(tone ** 2) / np.mean(noisy ** 2))
    assert abs(ratio - 30.0) < 0.2, ratio
    click = np.zeros(RATE)
    click[100] = 1.0
    wet = pitchsynth.room(rng, click, RATE)
    assert abs(wet[100] - 1.0) < 1e-9
    assert np.abs(wet[101:100 + int(0.012 * RATE)]).max() < 1e-9
    assert abs(np.sum(wet[101:] ** 2) - 10 ** -0.9) < 1e-3


def check_melody():
    x, truth, notes = pitchsynth.melody(4, 6.0)
    sounding = np.zeros(len(x), bool)
    for onset, length, pitch, depth, _ in notes:
        a, b = int(onset * RATE), int(onset * RATE) + int(length * RATE)
        sounding[a:b] = True
        hz = 440 * 2 ** ((pitch - 69) / 12)
        # times become whole samples, so the next note may begin at the last one
        off = np.abs(1200 * np.log2(truth[a:b - 1] / hz))
        assert off.max() < depth + 30.0, (pitch, off.max())
    assert notes and np.all((truth > 0) == sounding)


def check_scores():
    """One part is taken out, or reduced to a note; the others stay."""
    with tempfile.TemporaryDirectory() as folder:
        score, other = (os.path.join(folder, n) for n in ('a.mid', 'b.mid'))
        launch('avmtestsrc name=t players=3 num-seconds=4 write-score=%s '
               't.notes ! fakesink' % score)
        header, tracks = association.read_tracks(score)
        assert len(tracks) == 4
        association.score_without(score, other, 1)
        fewer, rest = association.read_tracks(other)
        assert int.from_bytes(fewer[10:12], 'big') == 3
        assert rest == tracks[:2] + tracks[3:]
        association.score_idle(score, other, 1)
        same, rest = association.read_tracks(other)
        assert same == header and len(rest) == 4
        assert [a == b for a, b in zip(rest, tracks)] == [
            True, True, False, True]
        assert len(rest[2]) < len(tracks[2])


def check_faces():
    """Nobody sits on another's place; heads are three wide and four high, and
    there are none where the pictures are missing."""
    for name, centres in facedata.PICTURES.items():
        least = 0.5 * facedata.HEAD_SIZE[name]
        for i, (x, y) in enumerate(centres):
            for u, v in centres[:i]:
                assert np.hypot(x - u, y - v) > least, (name, x, y)
    with tempfile.TemporaryDirectory() as folder:
        done = facedata.cut_heads(folder, 12)
        files = sorted(os.listdir(folder))
        assert len(files) == done
        assert done == (12 if os.path.isdir(os.path.join(
            facedata.SHARED, 'solvay')) else 0)
        if done:
            from PIL import Image
            sizes = [Image.open(os.path.join(folder, f)).size for f in files]
            assert all(abs(4 * w - 3 * h) <= 8 for w, h in sizes), sizes


CHECKS = (check_bss, check_masks, check_factorise, check_tones, check_melody,
          check_scores, check_faces)

for check in CHECKS:
    check()
print('%d checks of the measures passed' % len(CHECKS))
