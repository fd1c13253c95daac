# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures of separation, and the ceilings that they are compared with.

Sounds are frames x channels. The channels of a sound are judged as one, one
after another with silence between.
"""
import re

import numpy as np
from scipy.signal import get_window, istft, stft

import separationdata as data

FILTER = 512  # taps that BSS Eval lets a source be filtered with


def flat(x):
    """One channel after another"""
    gap = np.zeros((FILTER, x.shape[1]))
    return np.vstack([x, gap]).T.ravel().astype(float)


def bss(stems, said, any_order=False):
    """Mean SDR, SIR, SAR over the sources, dB. What is silent, be it a stem
    or an estimate, gets noise 120 dB below full scale: BSS Eval has no figure
    for silence."""
    from mir_eval.separation import bss_eval_sources
    rng = np.random.default_rng(0)
    true, said = (np.array([flat(x) for x in some]) for some in (stems, said))
    for some in (true, said):
        for x in some:
            if not np.any(x):
                x += 1e-6 * rng.standard_normal(len(x))
    sdr, sir, sar, _ = bss_eval_sources(true, said,
                                        compute_permutation=any_order)
    return [float(np.mean(x)) for x in (sdr, sir, sar)]


def default(name):
    """A property of avmnmfsep as it is when nobody sets it"""
    return data.Gst.ElementFactory.make('avmnmfsep').get_property(name)


def setting(settings, name):
    """A whole number as it is set, else its default"""
    found = re.search(rf'\b{name}=(\d+)', settings)
    return int(found.group(1)) if found else default(name)


class Transform:
    """The short-time transform that avmnmfsep has with these settings"""

    def __init__(self, settings):
        self.window = setting(settings, 'window') or \
            2 ** round(np.log2(4096 * data.RATE / 48000))
        self.hop = setting(settings, 'hop') or self.window // 4
        self.shape = np.sqrt(get_window('hann', self.window))

    def forward(self, x):
        """channels x bins x frames"""
        return stft(x.T, window=self.shape, nperseg=self.window,
                    noverlap=self.window - self.hop)[2]

    def back(self, spectrum, n):
        return istft(spectrum, window=self.shape, nperseg=self.window,
                     noverlap=self.window - self.hop)[1].T[:n]


def mask(mix, models, transform):
    """The mixture shared out in proportion to the models"""
    total = sum(models) + 1e-12
    spectrum = transform.forward(mix)
    return [transform.back(spectrum * (m + 1e-12 / len(models)) / total,
                           len(mix)) for m in models]


def ideal_ratio(mix, stems, settings):
    transform = Transform(settings)
    return mask(mix, [np.abs(transform.forward(x)) for x in stems], transform)


def factorise(v, n_atoms, iterations, seed=0):
    """Plain KL-NMF by multiplicative updates, H then W"""
    rng = np.random.default_rng(seed)
    w = rng.random((len(v), n_atoms), dtype='f4') + 0.1
    h = rng.random((n_atoms, v.shape[1]), dtype='f4') + 0.1
    h *= v.mean() / (w @ h).mean()
    for _ in range(iterations):
        h *= w.T @ (v / (w @ h + 1e-12)) / (w.sum(0)[:, None] + 1e-12)
        w *= (v / (w @ h + 1e-12)) @ h.T / (h.sum(1)[None] + 1e-12)
    return w, h


def oracle(mix, stems, settings):
    """Atoms given to the source that they overlap most: of the model of each
    atom, the share that is each source's"""
    transform = Transform(settings)
    spectra = [np.abs(transform.forward(x)) for x in stems]
    shape = spectra[0].shape
    v = np.abs(transform.forward(mix)).reshape(-1, shape[-1]).astype('f4')
    v /= v.max()
    w, h = factorise(v, setting(settings, 'components'),
                     setting(settings, 'iterations'))
    model = w @ h + 1e-12
    overlap = [((w.T @ (s.reshape(v.shape).astype('f4') / model)) * h).sum(1)
               for s in spectra]
    whose = np.argmax(overlap, 0)
    return mask(mix, [(w[:, whose == j] @ h[whose == j]).reshape(shape)
                      for j in range(len(stems))], transform)
