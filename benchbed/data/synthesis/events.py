"""Isolated sound events: the ten classes of ESC-10, as short procedural clips."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import bands, banks, curve, normalised, period, tone

#: Class name → number of the class in ESC-50.
CLASSES = {
    "dog": 0,
    "rooster": 1,
    "rain": 10,
    "sea_waves": 11,
    "crackling_fire": 12,
    "crying_baby": 20,
    "sneezing": 21,
    "clock_tick": 38,
    "helicopter": 40,
    "chainsaw": 41,
}


def event(seed: int, name: str, source: int, take: int, seconds: int) -> np.ndarray:
    """One clip of the class `name`.

    Parameters
    ----------
    source, take : int
        Takes of one source share its pitch, colour and room, as clips cut from one Freesound recording do.
    seconds : int
        Length of the clip.

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        The clip at 32 kHz.

    Examples
    --------
    >>> event(0, "dog", 3, 0, seconds=1).dtype
    dtype('int16')
    """
    n = seconds * RATE
    origin = random.stream("synthetic event source", seed, name, source)
    rng = random.stream("synthetic event", seed, name, source, take)
    room, knots = int(origin.integers(0, 12)), 2.5 * origin.standard_normal(10)
    pitch, snr = float(np.exp(0.25 * origin.standard_normal())), origin.uniform(3, 30)
    foreground = normalised(SOUNDS[name](rng, pitch, n))
    spectrum = np.fft.rfft(foreground) * bands(knots, n // 2 + 1) * np.fft.rfft(banks(seed).rooms[room], n)
    noise = np.fft.rfft(rng.standard_normal(n)) * bands(origin.uniform(-6, 0) * np.arange(10), n // 2 + 1)
    wave = normalised(np.fft.irfft(spectrum, n)) + normalised(np.fft.irfft(noise, n)) * 10 ** (-snr / 20)
    level = 10 ** ((-24 + 4 * rng.standard_normal()) / 20)
    return np.rint(wave * level * 32768).clip(-32768, 32767).astype(np.int16)


def _noise(rng: np.random.Generator, n: int, knots_db: np.ndarray) -> np.ndarray:
    return normalised(np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(knots_db, n // 2 + 1), n))


def _place(mix: np.ndarray, onset: float, sound: np.ndarray) -> None:
    start = int(onset) % len(mix)
    stop = min(start + len(sound), len(mix))
    mix[start:stop] += sound[: stop - start]


def _call(rng: np.random.Generator, hertz: np.ndarray, rough: float, tilt: float) -> np.ndarray:
    """A voiced cry following the pitch `hertz`, with `rough` noise in it and harmonics falling by `tilt` per octave."""
    n, order = len(hertz), np.arange(1, 31)
    wave = period(order**-tilt * np.exp(0.5 * rng.standard_normal(30)), 2 * np.pi * rng.random(30))
    return (tone(wave, hertz) + rough * rng.standard_normal(n)) * np.sin(np.pi * np.arange(n) / n) ** 0.6


def _dog(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix = np.zeros(n)
    for onset in np.arange(rng.uniform(0, 0.5) * RATE, n, rng.uniform(0.35, 0.9) * RATE):
        size = int(rng.uniform(0.1, 0.22) * RATE)
        arch = np.sin(np.pi * np.linspace(0.1, 0.9, size))
        _place(mix, onset, _call(rng, 420 * pitch * (0.6 + 0.5 * arch), 0.4, 0.9))
    return mix


def _rooster(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix, onset = np.zeros(n), rng.uniform(0, 0.3) * RATE
    for seconds, start, stop in ((0.15, 0.8, 1.0), (0.12, 1.0, 1.1), (0.25, 1.1, 1.3), (0.7, 1.35, 0.8)):
        size = int(seconds * rng.uniform(0.8, 1.2) * RATE)
        _place(mix, onset, _call(rng, 650 * pitch * np.linspace(start, stop, size), 0.15, 0.6))
        onset += size + 0.05 * RATE
    return mix


def _rain(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix = _noise(rng, n, rng.uniform(-1, 2) * np.arange(10))
    for onset in rng.uniform(0, n, size=rng.poisson(60 * n / RATE)):
        _place(mix, onset, 3 * rng.random() * rng.standard_normal(200) * np.exp(-np.arange(200) / 40))
    return mix


def _sea_waves(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    swell = np.sin(np.pi * (np.arange(n) / RATE / rng.uniform(2.5, 5) + rng.random())) ** 2
    return _noise(rng, n, rng.uniform(-4, -1.5) * np.arange(10)) * (0.1 + swell)


def _crackling_fire(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix = 0.3 * _noise(rng, n, rng.uniform(-6, -3) * np.arange(10))
    for onset in rng.uniform(0, n, size=rng.poisson(rng.uniform(8, 40) * n / RATE)):
        size = int(rng.uniform(0.001, 0.01) * RATE)
        _place(
            mix, onset, np.exp(rng.standard_normal()) * rng.standard_normal(size) * np.exp(-np.arange(size) * 4 / size)
        )
    return mix


def _crying_baby(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix = np.zeros(n)
    for onset in np.arange(rng.uniform(0, 0.4) * RATE, n, rng.uniform(0.8, 1.3) * RATE):
        size = int(rng.uniform(0.45, 0.8) * RATE)
        bend = 0.8 + 0.3 * np.sin(np.pi * np.linspace(0, 1, size)) + 0.02 * curve(rng, size, 20)
        _place(mix, onset, _call(rng, 450 * pitch * bend, 0.1, 0.5))
    return mix


def _sneezing(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix, onset = np.zeros(n), rng.uniform(0.1, 0.6) * RATE
    _place(mix, onset, 0.3 * _call(rng, np.full(int(0.25 * RATE), 220 * pitch), 0.8, 1.0))
    size = int(rng.uniform(0.2, 0.4) * RATE)
    hiss = _noise(rng, size, 1.5 * np.arange(10)) * np.exp(-np.arange(size) / (0.3 * size))
    _place(mix, onset + 0.3 * RATE, 2 * hiss)
    return mix + 0.02 * rng.standard_normal(n)


def _clock_tick(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    mix, t = 0.01 * rng.standard_normal(n), np.arange(1600) / RATE
    ticks = [np.sin(2 * np.pi * rng.uniform(1500, 6000) * t) * np.exp(-t / rng.uniform(0.002, 0.008)) for _ in range(2)]
    for i, onset in enumerate(np.arange(rng.uniform(0, 0.3) * RATE, n, rng.uniform(0.25, 0.6) * RATE)):
        _place(mix, onset, ticks[i % 2])
    return mix


def _helicopter(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    beat = (np.arange(n) / RATE * 14 * pitch) % 1.0
    return _noise(rng, n, -4.0 * np.arange(10)) * (0.2 + np.exp(-beat * 5)) * (1 + 0.3 * curve(rng, n, 4))


def _chainsaw(rng: np.random.Generator, pitch: float, n: int) -> np.ndarray:
    speed = 100 * pitch * np.exp(0.3 * curve(rng, n, 6))
    order = np.arange(1, 101)
    wave = period(order**-0.3 * np.exp(0.6 * rng.standard_normal(100)), 2 * np.pi * rng.random(100))
    return tone(wave, speed) * (1 + 0.3 * rng.standard_normal(n))


#: Class name → generator of its foreground: (random generator, pitch factor, samples) to [shape=(sample,)].
SOUNDS: dict[str, Callable[[np.random.Generator, float, int], np.ndarray]] = {
    "dog": _dog,
    "rooster": _rooster,
    "rain": _rain,
    "sea_waves": _sea_waves,
    "crackling_fire": _crackling_fire,
    "crying_baby": _crying_baby,
    "sneezing": _sneezing,
    "clock_tick": _clock_tick,
    "helicopter": _helicopter,
    "chainsaw": _chainsaw,
}
