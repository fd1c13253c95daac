# SPDX-License-Identifier: LGPL-2.1-or-later
"""Synthetic bowed tones with a closed-form F0, for the pitch figures.

A tone is a sum of harmonics of a phase that is the integral of the F0; body
resonances weigh each harmonic at its momentary frequency, so that the vibrato
modulates the amplitudes too; bow noise follows the envelope. The room is an
exponentially decaying noise response behind the direct sound.
"""

import numpy as np


def vibrato_f0(rng, t, pitch_hz, depth, rate, delay):
    """F0 over t: vibrato of +-depth cents that sets in after `delay` s and
    whose rate drifts by a few percent, on a slow wander of a few cents."""
    drift = 1 + 0.04 * np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * t
                              + rng.uniform(0, 6.28))
    phase = 2 * np.pi * np.cumsum(rate * drift) * (t[1] - t[0])
    grow = np.clip((t - delay) / 0.15, 0, 1)
    cents = depth * grow * np.sin(phase + rng.uniform(0, 6.28))
    cents += 3 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6.28))
    return pitch_hz * 2 ** (cents / 1200)


def body(rng):
    """Random resonances of an instrument: (Hz, bandwidth, gain)."""
    centres = np.geomspace(250, 4500, 12) * rng.uniform(0.85, 1.18, 12)
    return [(c, c * rng.uniform(0.06, 0.25), rng.uniform(0.5, 3.0))
            for c in centres]


def bowed(rng, f0, rate, resonances, attack=0.06, release=0.08, slope=1.1,
          noise_db=-38.0):
    """A bowed tone of the given F0 (array, Hz); peak about 1."""
    n = len(f0)
    t = np.arange(n) / rate
    phase = 2 * np.pi * np.cumsum(f0) / rate
    env = np.minimum(1, t / attack) * np.minimum(1, (t[-1] - t) / release + 1e-3)
    env *= 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 2.0) * t
                             + rng.uniform(0, 6.28))
    out = np.zeros(n)
    top = int(min(40, 0.45 * rate / f0.max()))
    for h in range(1, top + 1):
        f = h * f0
        gain = np.full(n, 0.25)
        for centre, width, peak in resonances:
            gain += peak / (1 + ((f - centre) / (width / 2)) ** 2)
        gain /= h ** slope * (1 + (f / 5500) ** 4)
        out += gain * np.cos(h * phase + rng.uniform(0, 6.28))
    out *= env
    noise = rng.standard_normal(n)
    noise = np.convolve(noise, [0.25, 0.5, 0.25], 'same') * env
    out /= np.abs(out).max() + 1e-12
    level = np.sqrt(np.mean(out ** 2))
    return out + noise / noise.std() * level * 10 ** (noise_db / 20)


def room(rng, x, rate, rt60=0.9, wet_db=-9.0):
    """x with a reverberant tail; the direct sound keeps its time."""
    n = int(rt60 * rate)
    t = np.arange(n) / rate
    tail = rng.standard_normal(n) * 10 ** (-3 * t / rt60)
    tail[:int(0.012 * rate)] = 0
    tail *= 10 ** (wet_db / 20) / np.sqrt(np.sum(tail ** 2))
    size = 1 << (len(x) + n - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)
    return x + wet[:len(x)]


def add_noise(rng, x, snr_db):
    noise = rng.standard_normal(len(x))
    return x + noise * np.sqrt(np.mean(x ** 2)) * 10 ** (-snr_db / 20)


SCALE = (0, 2, 4, 5, 7, 9, 11)


def melody(seed, seconds=20.0, rate=44100, low=55, high=88, vibrato=True,
           reverb=True, snr_db=30.0, rests=0.2, part=0):
    """A bowed melody: (samples, truth F0 per sample [0 in rests], notes as
    (onset s, duration s, MIDI pitch, depth cents, rate Hz))."""
    rng = np.random.default_rng([seed, part])
    n = int(seconds * rate)
    x, truth, notes = np.zeros(n), np.zeros(n), []
    resonances = body(rng)
    at, pitch = 0.2, rng.integers(low, high)
    while at < seconds - 0.6:
        length = rng.choice([0.25, 0.4, 0.6, 0.9, 1.4])
        length = min(length, seconds - 0.2 - at)
        if rng.random() < rests:
            at += length * 0.6
            continue
        pitch = int(np.clip(pitch + rng.choice([-7, -5, -4, -3, -2, -1, 1, 2,
                                                3, 4, 5, 7, 12, -12]),
                            low, high))
        m = int(length * rate)
        t = np.arange(m) / rate
        depth = rng.uniform(15, 40) if vibrato and length >= 0.4 else 0.0
        speed = rng.uniform(5, 8)
        hz = 440 * 2 ** ((pitch - 69 + rng.normal(0, 0.05)) / 12)
        f0 = vibrato_f0(rng, t, hz, depth, speed, rng.uniform(0.0, 0.15))
        tone = bowed(rng, f0, rate, resonances) * rng.uniform(0.4, 1.0)
        start = int(at * rate)
        x[start:start + m] += tone
        truth[start:start + m] = f0
        notes.append((at, length, pitch, depth, speed))
        at += length
    if reverb:
        x = room(rng, x, rate)
    return add_noise(rng, x, snr_db) * 0.3, truth, notes


def chorale(seed, n_parts, seconds=16.0, rate=44100, reverb=True,
            snr_db=40.0, vibrato_share=0.6):
    """A mixture of bowed parts in chords that collide as music does: roots,
    thirds, fifths and octaves of one scale. Returns (samples, [truth F0 per
    sample], notes as (onset s, duration s, MIDI pitch, part, depth, rate))."""
    rng = np.random.default_rng([seed, n_parts, 77])
    n = int(seconds * rate)
    mix = np.zeros(n)
    truths, notes = [np.zeros(n) for _ in range(n_parts)], []
    bodies = [body(rng) for _ in range(n_parts)]
    centre = {2: (74, 57), 3: (76, 65, 52), 4: (77, 70, 62, 50),
              5: (79, 73, 66, 58, 45)}[n_parts]
    key, at = rng.integers(0, 12), 0.2
    while at < seconds - 1.0:
        chord = float(rng.choice([0.8, 1.2, 1.6]))
        chord = min(chord, seconds - 0.2 - at)
        root = rng.integers(0, 7)
        for part in range(n_parts):
            tones = [SCALE[(root + k) % 7] for k in (0, 2, 4)]
            want = (key + rng.choice(tones)) % 12
            pitch = centre[part] + int((want - centre[part] + 6) % 12) - 6
            splits = int(rng.choice([1, 1, 2]))
            for k in range(splits):
                length = chord / splits
                m = int(length * rate)
                t = np.arange(m) / rate
                step = 0 if k == 0 else int(rng.choice([-2, 2, -1, 1]))
                vib = rng.random() < vibrato_share and length >= 0.4
                depth = rng.uniform(10, 40) if vib else 0.0
                speed = rng.uniform(5, 8)
                hz = 440 * 2 ** ((pitch + step - 69 + rng.normal(0, 0.06)) / 12)
                f0 = vibrato_f0(rng, t, hz, depth, speed, rng.uniform(0, 0.2))
                tone = bowed(rng, f0, rate, bodies[part])
                start = int((at + k * length) * rate)
                mix[start:start + m] += tone * rng.uniform(0.5, 1.0)
                truths[part][start:start + m] = f0
                notes.append((at + k * length, length, pitch + step, part,
                              depth, speed))
        at += chord
    if reverb:
        mix = room(rng, mix, rate, wet_db=-12.0)
    mix = add_noise(rng, mix, snr_db)
    return mix / np.abs(mix).max() * 0.7, truths, notes
