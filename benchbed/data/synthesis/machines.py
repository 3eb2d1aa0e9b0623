"""Machines in a hall: a hum with harmonics, a rhythm and broadband noise; anomalies are faults of a part of it.

A domain is a setting: speed, load and the noise around. Faults are small: a bearing that clicks, a belt that slips, a
rattle, a whistle, so that no simple loudness tells them.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis.sources import bands, normalised, period, tone

#: Samples per second, that of the challenge.
RATE = 16000
#: What can be wrong with a machine.
FAULTS = ("clicks", "slip", "rattle", "whistle")


def machine(
    seed: int, name: str, section: int, domain: str, fault: str, take: object, seconds: float = 2.0
) -> np.ndarray:
    """One clip of a machine.

    Parameters
    ----------
    name : str
        Kind of machine, which has a sound of its own.
    section : int
        Which machine of that kind.
    domain : {"source", "target"}
        How it is run.
    fault : str
        One of `FAULTS`, or nothing.
    take : object
        Names the clip.
    seconds : float
        Length.

    Returns
    -------
    np.ndarray [shape=(sample,), float64]
        At 16 kHz, at about −26 dB.

    Examples
    --------
    >>> machine(0, "fan", 0, "source", "", 0, seconds=1.0).shape
    (16000,)
    """
    count = round(seconds * RATE)
    kind = random.stream("synthetic machine", seed, name)
    own = random.stream("synthetic machine", seed, name, section)
    draw = random.stream("synthetic machine clip", seed, name, section, domain, fault, str(take))
    shifted = domain == "target"
    speed = float(kind.uniform(40, 180) * own.uniform(0.9, 1.1) * (1.15 if shifted else 1.0))
    harmonics = np.arange(1, 25) ** -float(kind.uniform(0.6, 1.4)) * np.exp(0.5 * kind.standard_normal(24))
    wave = period(harmonics, 2 * np.pi * kind.random(24))
    drift = 1 + 0.01 * np.sin(2 * np.pi * (draw.uniform(0.2, 0.6) * np.arange(count) / RATE + draw.random()))
    hertz = speed * drift * (1 + 0.01 * draw.standard_normal())
    if fault == "slip":
        at = draw.uniform(0.2, 0.7) * count
        hertz = hertz * (1 - draw.uniform(0.06, 0.12) * np.exp(-(((np.arange(count) - at) / (0.12 * RATE)) ** 2)))
    # `tone` and `bands` count at twice this rate: frequencies are doubled, knots begin an octave lower.
    hum = tone(wave, 2 * hertz, float(draw.random()))
    beat = float(kind.uniform(2, 8)) * (1.1 if shifted else 1.0)
    phase = 2 * np.pi * (beat * np.arange(count) / RATE + draw.random())
    rhythm = 1 + float(kind.uniform(0.2, 0.7)) * np.sin(phase)
    air = _noise(draw, count, 3 * kind.standard_normal(10))
    hall = _noise(draw, count, -1.5 * np.arange(10) + 2 * draw.standard_normal(10))
    sound = rhythm * (normalised(hum) + float(kind.uniform(0.3, 0.8)) * air)
    sound = normalised(sound) + _fault(fault, draw, count, beat)
    mix = normalised(sound) + normalised(hall) * 10 ** (-float(draw.uniform(4, 10) + (0 if shifted else 3)) / 20)
    return normalised(mix) * 10 ** ((-26 + float(draw.normal(0, 1))) / 20)


def _fault(fault: str, draw: np.random.Generator, count: int, beat: float) -> np.ndarray:
    """The sound of a fault beside that of a machine of level one; silence where there is none to add."""
    sound = np.zeros(count)
    if fault == "clicks":
        burst = np.exp(-np.arange(160) / 30) * np.sin(2 * np.pi * 3500 / RATE * np.arange(160))
        for onset in np.arange(draw.random() / beat, count / RATE, 1 / beat):
            start = int(onset * RATE)
            size = min(160, count - start)
            sound[start : start + size] += float(draw.uniform(1.5, 3)) * burst[:size]
    elif fault == "rattle":
        gate = np.clip(np.sin(2 * np.pi * (draw.uniform(10, 18) * np.arange(count) / RATE + draw.random())), 0, None)
        sound = (
            float(draw.uniform(0.5, 0.8)) * gate**4 * _noise(draw, count, np.array([*[-30.0] * 6, 0.0, 6.0, 6.0, 0.0]))
        )
    elif fault == "whistle":
        hertz = draw.uniform(1800, 4500) * (1 + 0.003 * np.sin(2 * np.pi * 5 * np.arange(count) / RATE))
        sound = float(draw.uniform(0.1, 0.25)) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    return sound


def _noise(draw: np.random.Generator, count: int, knots_db: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(draw.standard_normal(count)) * bands(knots_db, count // 2 + 1)
    return normalised(np.fft.irfft(spectrum, count))


def far(seed: int, near: np.ndarray, name: str, take: object) -> np.ndarray:
    """The same clip at a second microphone far from the machine: weaker, dull, and in the noise of the hall."""
    draw = random.stream("synthetic machine far", seed, name, str(take))
    dull = np.fft.irfft(np.fft.rfft(near) * bands(-2.0 * np.arange(10), len(near) // 2 + 1), len(near))
    return 0.4 * dull + 0.03 * _noise(draw, len(near), -1.5 * np.arange(10))
