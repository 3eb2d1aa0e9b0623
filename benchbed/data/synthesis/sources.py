"""Banks of elementary sounds: syllables, steps, chirps, impacts, chimes, noise loops, room responses.

A recording draws from the banks instead of synthesising each sound anew, which makes a set of thousands of clips a
matter of seconds. Bank entries have unit root-mean-square level, so that recipes can speak in decibels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE


def normalised(x: np.ndarray) -> np.ndarray:
    """`x` scaled to a root-mean-square of one (silence stays silence).

    Examples
    --------
    >>> normalised(np.array([3.0, -3.0])).tolist()
    [1.0, -1.0]
    """
    rms = np.sqrt(np.mean(x * x))
    return x / rms if rms > 0 else x


def bands(knots_db: np.ndarray, bins: int) -> np.ndarray:
    """Amplitude response [shape=(bins,)] from gains in dB at ten octave-spaced knots, 31.25 Hz to 16 kHz.

    Examples
    --------
    >>> bands(np.full(10, 20.0), 5).round(6).tolist()
    [10.0, 10.0, 10.0, 10.0, 10.0]
    """
    return np.interp(_octaves(bins), np.arange(len(knots_db)), 10 ** (np.asarray(knots_db) / 20))


@lru_cache(maxsize=16)
def _octaves(bins: int) -> np.ndarray:
    hertz = np.linspace(0, RATE / 2, bins)
    return np.log2(np.maximum(hertz, 31.25) / 31.25)


def tone(table: np.ndarray, hertz: np.ndarray, phase: float = 0.0) -> np.ndarray:
    """A periodic wave (one period in `table`) whose frequency follows `hertz`, one value per sample."""
    turns = np.cumsum(hertz / RATE) + phase
    return table[((turns % 1.0) * len(table)).astype(np.int64) % len(table)]


def period(amplitudes: np.ndarray, phases: np.ndarray, size: int = 4096) -> np.ndarray:
    """One period of a harmonic wave with the given amplitudes and phases (radians), at unit level."""
    spectrum = np.zeros(size // 2 + 1, complex)
    spectrum[1 : len(amplitudes) + 1] = amplitudes * np.exp(1j * phases)
    return normalised(np.fft.irfft(spectrum, size))


def curve(rng: np.random.Generator, n: int, knots: int) -> np.ndarray:
    """A smooth random line of `n` samples through `knots` standard-normal values."""
    return np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))


@dataclass(frozen=True)
class Banks:
    """Every elementary sound of one seed; each field is a tuple of 1-D float64 arrays at `RATE`.

    `syllables` is grouped by speaker; `loops` are circular noises of four seconds by colour, from dull to bright.
    """

    syllables: tuple[tuple[np.ndarray, ...], ...]
    steps: tuple[np.ndarray, ...]
    chirps: tuple[np.ndarray, ...]
    impacts: tuple[np.ndarray, ...]
    chimes: tuple[np.ndarray, ...]
    pads: tuple[np.ndarray, ...]
    loops: tuple[np.ndarray, ...]
    rooms: tuple[np.ndarray, ...]


@lru_cache(maxsize=2)
def banks(seed: int) -> Banks:
    """The banks of one seed; made once per process (about a quarter of a second)."""
    rng = random.stream("synthetic banks", seed)
    return Banks(
        syllables=tuple(_speaker(rng) for _ in range(24)),
        steps=tuple(_step(rng) for _ in range(32)),
        chirps=tuple(_chirp(rng) for _ in range(40)),
        impacts=tuple(_impact(rng) for _ in range(32)),
        chimes=tuple(_chime(rng) for _ in range(12)),
        pads=tuple(_pad(rng) for _ in range(8)),
        loops=tuple(_loop(rng, tilt) for tilt in (-6.0, -4.5, -3.0, -1.5, 0.0, 3.0)),
        rooms=tuple(_room(rng, t60) for t60 in np.geomspace(0.1, 2.0, 16)),
    )


def _speaker(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    pitch, tract = rng.uniform(90, 260), rng.uniform(0.85, 1.2)
    return tuple(_syllable(rng, pitch * rng.uniform(0.8, 1.25), tract) for _ in range(8))


def _syllable(rng: np.random.Generator, pitch: float, tract: float) -> np.ndarray:
    n = int(rng.uniform(0.1, 0.28) * RATE)
    t = np.arange(n) / RATE
    glide = pitch * (1 + 0.15 * curve(rng, n, 3))
    source = (1 - np.cumsum(glide / RATE) % 1.0) ** 3 + 0.15 * rng.standard_normal(n)
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    response = np.full(len(hertz), 0.003)
    for centre, width in ((rng.uniform(280, 850), 90), (rng.uniform(850, 2300), 130), (rng.uniform(2300, 3400), 220)):
        response += 1 / (1 + ((hertz - centre * tract) / width) ** 2) * (500 / centre) ** 0.7
    wave = np.fft.irfft(np.fft.rfft(source - source.mean()) * response, n)
    return normalised(wave * np.sin(np.pi * t * RATE / n) ** 0.7)


def _burst(rng: np.random.Generator, seconds: float, decay: float, knots_db: np.ndarray) -> np.ndarray:
    n = int(seconds * RATE)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(knots_db, n // 2 + 1), n)
    return noise * np.exp(-np.arange(n) / RATE / decay)


def _step(rng: np.random.Generator) -> np.ndarray:
    centre = rng.uniform(2.0, 6.5)
    knots = -4.5 * np.abs(np.arange(10) - centre)
    heel, toe = (_burst(rng, 0.12, rng.uniform(0.008, 0.03), knots) for _ in range(2))
    shift = int(rng.uniform(0.02, 0.06) * RATE)
    heel[shift:] += 0.5 * toe[:-shift]
    return normalised(heel)


def _chirp(rng: np.random.Generator) -> np.ndarray:
    n = int(rng.uniform(0.04, 0.22) * RATE)
    base, span = rng.uniform(2200, 6500), rng.uniform(-1800, 1800)
    sweep = (
        base + span * np.linspace(0, 1, n) + rng.uniform(0, 500) * np.sin(np.arange(n) * rng.uniform(30, 300) / RATE)
    )
    return normalised(np.sin(2 * np.pi * np.cumsum(sweep / RATE)) * np.sin(np.pi * np.arange(n) / n) ** 2)


def _impact(rng: np.random.Generator) -> np.ndarray:
    wave = _burst(rng, 0.3, rng.uniform(0.01, 0.05), -3.0 * np.abs(np.arange(10) - rng.uniform(2, 6)))
    t = np.arange(len(wave)) / RATE
    for _ in range(5):
        ring = np.sin(2 * np.pi * rng.uniform(150, 4000) * t) * np.exp(-t / rng.uniform(0.02, 0.12))
        wave += ring * rng.uniform(0.1, 0.6) * np.std(wave)
    return normalised(wave)


def _chime(rng: np.random.Generator) -> np.ndarray:
    n, wave, root = int(1.2 * RATE), np.zeros(int(1.2 * RATE)), rng.uniform(350, 800)
    for i, step in enumerate(rng.choice([0, 3, 4, 5, 7, 9, 12], size=int(rng.integers(2, 4)), replace=False)):
        start = int(i * 0.3 * RATE)
        t = np.arange(n - start) / RATE
        hertz = root * 2 ** (step / 12)
        wave[start:] += (np.sin(2 * np.pi * hertz * t) + 0.3 * np.sin(4 * np.pi * hertz * t)) * np.exp(-t / 0.25)
    return normalised(wave)


def _pad(rng: np.random.Generator) -> np.ndarray:
    n = 4 * RATE
    spectrum, root = np.zeros(n // 2 + 1, complex), rng.uniform(110, 220)
    for step in rng.choice([0, 3, 4, 7, 9, 10, 12, 16], size=4, replace=False):
        for harmonic in range(1, 7):
            centre = int(root * 2 ** (step / 12) * harmonic * 4)
            around = centre + rng.integers(-6, 7, size=3)
            spectrum[around] += np.exp(2j * np.pi * rng.random(3)) / harmonic
    return normalised(np.fft.irfft(spectrum, n))


def _loop(rng: np.random.Generator, tilt: float) -> np.ndarray:
    n = 4 * RATE
    return normalised(np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(tilt * np.arange(10), n // 2 + 1), n))


def _room(rng: np.random.Generator, t60: float) -> np.ndarray:
    n = int(min(t60, 1.0) * RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE / t60)
    dull = np.fft.irfft(np.fft.rfft(tail) * bands(-1.5 * np.arange(10), n // 2 + 1), n)
    response = dull / np.sqrt(np.sum(dull * dull)) * t60**0.5
    response[0] += 1.0
    return response
