"""Sounds in a taxonomy of two levels: classes of one top are made alike, and differ in what they are made of.

Every class has harmonics, noise and a rhythm of its own, drawn around those of its top, so that a near miss is likelier
than a far one.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import bands, normalised, period, tone


def broad_sound(seed: int, name: str, take: object, seconds: float = 1.0) -> np.ndarray:
    """One sound of the class `name`, which is called by its top, a hyphen and more.

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        At 32 kHz.

    Examples
    --------
    >>> broad_sound(0, "fx-a", 0).dtype
    dtype('int16')
    """
    count = round(seconds * RATE)
    top = random.stream("synthetic broad top", seed, name.partition("-")[0])
    own = random.stream("synthetic broad class", seed, name)
    draw = random.stream("synthetic broad sound", seed, name, str(take))
    voiced = float(np.clip(top.uniform(0, 1) + 0.35 * own.standard_normal(), 0, 1))
    knots = 6 * top.standard_normal(10) + 4 * own.standard_normal(10) + 2 * draw.standard_normal(10)
    pitch = 220 * 2 ** float(top.uniform(-1.5, 1.5) + 0.5 * own.standard_normal() + 0.25 * draw.standard_normal())
    harmonics = np.arange(1, 21) ** -float(np.clip(1 + 0.5 * own.standard_normal(), 0.2, 3)) * np.exp(
        0.4 * draw.standard_normal(20)
    )
    bend = 1 + 0.06 * own.standard_normal() * np.linspace(-1, 1, count)
    wave = tone(period(harmonics, 2 * np.pi * draw.random(20)), pitch * bend)
    spectrum = np.fft.rfft(draw.standard_normal(count)) * bands(knots, count // 2 + 1)
    noise = normalised(np.fft.irfft(spectrum, count))
    beat = float(2 ** (top.uniform(0, 4) + 0.4 * own.standard_normal()))
    depth = float(np.clip(top.uniform(0, 1) + 0.3 * own.standard_normal(), 0, 1))
    phase = 2 * np.pi * (beat * np.arange(count) / RATE + draw.random())
    shape = 1 - depth + depth * np.clip(np.sin(phase), 0, None) ** 2
    mix = normalised(shape * (voiced * normalised(wave) + (1 - voiced) * noise)) + 0.15 * draw.standard_normal(count)
    level = 10 ** ((-24 + 4 * float(draw.standard_normal())) / 20)
    return np.rint(normalised(mix) * level * 32768).clip(-32768, 32767).astype(np.int16)
