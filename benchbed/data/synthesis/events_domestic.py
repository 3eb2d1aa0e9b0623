"""Ten domestic sounds, each as long as it is asked to be: the classes of DESED.

A source (a certain dog, a certain blender) is drawn once from its number; what varies from event to event is drawn
from the event's own generator. Every sound begins and ends within the stretch asked for, so that its times are exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import Banks, bands, curve, normalised, period, tone

Sound = Callable[[np.random.Generator, np.random.Generator, Banks, int], np.ndarray]


def _noise(rng: np.random.Generator, n: int, knots_db: np.ndarray) -> np.ndarray:
    return normalised(np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(knots_db, n // 2 + 1), n))


def _hum(source: np.random.Generator, rng: np.random.Generator, n: int, hertz: float, orders: int, tilt: float):
    order = np.arange(1, orders + 1)
    wave = period(order**-tilt * np.exp(0.6 * source.standard_normal(orders)), 2 * np.pi * source.random(orders))
    return tone(wave, hertz * np.exp(0.02 * curve(rng, n, 4 + n // RATE)), rng.random())


def _repeat(n: int, sound: Callable[[int], np.ndarray], every: Callable[[], float]) -> np.ndarray:
    """Sounds one after another from the first sample; the last one is cut at the end."""
    mix, start = np.zeros(n), 0
    while start < n:
        one = sound(n - start)[: n - start]
        mix[start : start + len(one)] += one
        start += max(int(every() * RATE), 1)
    return mix


def _voice(rng: np.random.Generator, hertz: np.ndarray, rough: float, tilt: float) -> np.ndarray:
    n, order = len(hertz), np.arange(1, 26)
    wave = period(order**-tilt * np.exp(0.4 * rng.standard_normal(25)), 2 * np.pi * rng.random(25))
    return (tone(wave, hertz) + rough * rng.standard_normal(n)) * np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 0.5


def _alarm(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    pitch, pace = source.uniform(900, 3200), source.uniform(0.12, 0.5)
    if source.random() < 0.5:
        beep = period(np.array([1, 0.1, 0.4, 0.05, 0.2]), 2 * np.pi * source.random(5))
        share = source.uniform(0.4, 0.7)
        on = (np.arange(n) / RATE / pace) % 1.0 < share
        return tone(beep, np.full(n, pitch)) * on
    partials, decay = source.uniform(0.9, 1.1, 6) * np.array([1, 2.1, 2.9, 4.2, 5.4, 6.8]), source.uniform(0.08, 0.3)

    def strike(left: int) -> np.ndarray:
        t = np.arange(min(left, int(4 * decay * RATE))) / RATE
        return np.sin(2 * np.pi * pitch / 2 * np.outer(t, partials)).sum(1) * np.exp(-t / decay)

    return _repeat(n, strike, lambda: 0.3 * pace)


def _blender(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    motor = _hum(source, rng, n, source.uniform(180, 320), 24, 0.4)
    return motor + source.uniform(0.6, 1.2) * _noise(rng, n, 1.5 * np.arange(10) - 0.25 * np.arange(10) ** 2)


def _cat(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    pitch, length = source.uniform(450, 750), source.uniform(0.45, 0.9)

    def meow(left: int) -> np.ndarray:
        size = max(int(length * rng.uniform(0.8, 1.2) * RATE), 64)
        arch = np.sin(np.pi * np.linspace(0.05, 0.95, size))
        return _voice(rng, pitch * (0.75 + 0.5 * arch), 0.05, 0.7)

    return _repeat(n, meow, lambda: length * rng.uniform(1.1, 1.6))


def _dishes(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    partials = source.uniform(1800, 7000, size=(3, 4))

    def clink(left: int) -> np.ndarray:
        t = np.arange(int(0.12 * RATE)) / RATE
        decay = rng.uniform(0.01, 0.04)
        ring = np.sin(2 * np.pi * np.outer(t, partials[rng.integers(3)])).sum(1) * np.exp(-t / decay)
        return rng.uniform(0.4, 1.0) * (ring + rng.standard_normal(len(t)) * np.exp(-t / 0.002))

    return _repeat(n, clink, lambda: rng.uniform(0.06, 0.3))


def _dog(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    pitch, pace = source.uniform(250, 500), source.uniform(0.3, 0.6)

    def bark(left: int) -> np.ndarray:
        size = int(rng.uniform(0.1, 0.22) * RATE)
        arch = np.sin(np.pi * np.linspace(0.1, 0.9, size))
        return _voice(rng, pitch * (0.6 + 0.5 * arch), 0.5, 0.9)

    return _repeat(n, bark, lambda: pace * rng.uniform(0.85, 1.2))


def _shaver(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    buzz = _hum(source, rng, n, source.uniform(90, 150), 60, 0.15)
    return buzz * (1 + 0.2 * curve(rng, n, 3 + 4 * n // RATE)) + 0.15 * rng.standard_normal(n)


def _frying(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    crackle = np.zeros(n)
    size, shape = 120, np.exp(-np.arange(120) / 25)
    for start in rng.integers(0, max(n - size, 1), size=int(source.uniform(60, 160) * n / RATE)):
        stop = min(start + size, n)
        crackle[start:stop] += rng.random() * rng.standard_normal(stop - start) * shape[: stop - start]
    return _noise(rng, n, 2.5 * np.arange(10)) + 1.5 * normalised(crackle)


def _water(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    octave = source.uniform(4.5, 6.5)
    flow = _noise(rng, n, 12 * np.exp(-0.5 * ((np.arange(10) - octave) / 1.2) ** 2) - np.arange(10))
    gurgle = np.clip(1 + 0.25 * curve(rng, n, 2 + 12 * n // RATE), 0.3, None)
    return flow * gurgle


def _speech(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    syllables = bank.syllables[int(source.integers(len(bank.syllables)))]
    return _repeat(
        n, lambda left: syllables[rng.integers(len(syllables))] * rng.uniform(0.6, 1.0), lambda: rng.uniform(0.12, 0.26)
    )


def _vacuum(source: np.random.Generator, rng: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
    whine = _hum(source, rng, n, source.uniform(350, 700), 8, 1.0)
    return _noise(rng, n, -1.5 * np.arange(10)) + source.uniform(0.2, 0.5) * whine


#: Class → its sound from (source, event, banks, samples), and how long it usually lasts in seconds.
SOUNDS: dict[str, tuple[Sound, tuple[float, float]]] = {
    "Alarm_bell_ringing": (_alarm, (0.8, 5.0)),
    "Blender": (_blender, (1.5, 6.0)),
    "Cat": (_cat, (0.5, 2.5)),
    "Dishes": (_dishes, (0.3, 1.5)),
    "Dog": (_dog, (0.3, 2.5)),
    "Electric_shaver_toothbrush": (_shaver, (2.0, 8.0)),
    "Frying": (_frying, (2.0, 9.0)),
    "Running_water": (_water, (1.0, 6.0)),
    "Speech": (_speech, (0.5, 3.5)),
    "Vacuum_cleaner": (_vacuum, (2.0, 9.0)),
}
