"""Acoustic scenes as random mixtures of overlapping ingredients.

A scene is a table of how likely and how loud each ingredient is. City, location and recording move spectrum, levels
and room of every mixture by as much as the scene does, so that scenes are confused with each other the way real ones
are: a quiet street with a car, a park beside a road, a square with voices and a shopping mall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import Banks, bands, banks, curve, normalised, period, tone

CITIES = ("barcelona", "helsinki", "lisbon", "london", "lyon", "milan", "paris", "prague", "stockholm", "vienna")


@dataclass(frozen=True)
class SceneRecipe:
    """What a scene tends to sound like.

    Attributes
    ----------
    tilt : float
        Slope of the background noise, in dB per octave.
    hump : float
        Octave above 31.25 Hz around which the background is 6 dB stronger.
    room : float
        Position in the bank of rooms, 0 (dry) to 15 (two seconds of reverberation).
    ingredients : mapping of str to (probability, level)
        How often a recording has the ingredient, and its level over the background in dB.
    pitch : float
        Factor on the speed of its engines and motors.
    """

    tilt: float
    hump: float
    room: float
    ingredients: dict[str, tuple[float, float]]
    pitch: float = 1.0


SCENES: dict[str, SceneRecipe] = {
    "airport": SceneRecipe(
        -4.4,
        3.0,
        13,
        {
            "voices": (0.95, -1),
            "steps": (0.6, -5),
            "announcement": (0.4, 1),
            "clatter": (0.3, -5),
            "engine": (0.17, -7),
            "music": (0.07, -8),
            "whine": (0.07, -10),
        },
    ),
    "bus": SceneRecipe(
        -6.4,
        1.0,
        3,
        {
            "engine": (0.95, 4),
            "voices": (0.6, -5),
            "announcement": (0.14, -2),
            "hiss": (0.3, -3),
            "clatter": (0.3, -5),
            "cars": (0.17, -2),
            "whine": (0.07, -8),
        },
        0.8,
    ),
    "metro": SceneRecipe(
        -5.7,
        3.3,
        6,
        {
            "whine": (0.84, -1),
            "clatter": (0.72, -2),
            "engine": (0.17, -2),
            "voices": (0.45, -6),
            "squeal": (0.17, -5),
            "announcement": (0.17, -1),
            "hiss": (0.14, -5),
        },
    ),
    "metro_station": SceneRecipe(
        -5.0,
        2.4,
        14,
        {
            "voices": (0.78, -3),
            "steps": (0.66, -4),
            "announcement": (0.35, 0),
            "clatter": (0.3, -4),
            "whine": (0.35, -3),
            "squeal": (0.14, -5),
            "hiss": (0.14, -5),
        },
    ),
    "park": SceneRecipe(
        -3.2,
        5.5,
        1,
        {"birds": (0.9, -3), "leaves": (0.72, 1), "voices": (0.35, -7), "steps": (0.35, -7), "cars": (0.35, -3)},
    ),
    "public_square": SceneRecipe(
        -4.6,
        3.6,
        4,
        {
            "voices": (0.84, -3),
            "steps": (0.6, -6),
            "birds": (0.35, -7),
            "cars": (0.45, -2),
            "music": (0.14, -5),
            "leaves": (0.17, -3),
            "clatter": (0.1, -7),
        },
    ),
    "shopping_mall": SceneRecipe(
        -3.6,
        5.0,
        10,
        {
            "voices": (0.95, 0),
            "steps": (0.72, -6),
            "music": (0.66, -2),
            "announcement": (0.1, -2),
            "clatter": (0.17, -6),
        },
    ),
    "street_pedestrian": SceneRecipe(
        -4.2,
        4.2,
        7,
        {
            "voices": (0.95, -1),
            "steps": (0.9, -3),
            "birds": (0.1, -8),
            "cars": (0.3, -4),
            "music": (0.17, -6),
            "leaves": (0.1, -5),
        },
    ),
    "street_traffic": SceneRecipe(
        -4.8,
        2.2,
        3,
        {
            "cars": (0.95, 6),
            "engine": (0.4, 0),
            "voices": (0.3, -7),
            "birds": (0.1, -9),
            "steps": (0.3, -8),
            "hiss": (0.1, -5),
            "leaves": (0.1, -4),
        },
        1.4,
    ),
    "tram": SceneRecipe(
        -5.1,
        1.6,
        4,
        {
            "whine": (0.66, -2),
            "clatter": (0.6, -4),
            "engine": (0.3, -1),
            "voices": (0.66, -5),
            "squeal": (0.35, -4),
            "announcement": (0.17, -1),
            "hiss": (0.14, -5),
            "cars": (0.14, -4),
        },
        0.55,
    ),
}


@dataclass(frozen=True)
class RecordedPlace:
    """What the recordings of one location share."""

    knots: np.ndarray
    room: int
    shifts: dict[str, float]
    speakers: np.ndarray
    pitch: float


@lru_cache(maxsize=64)
def _city(seed: int, city: str) -> np.ndarray:
    """Offsets that a city gives to all its background spectra, in dB at ten octaves."""
    rng = random.stream("synthetic city", seed, city)
    return 0.15 * rng.standard_normal() * np.arange(10) + 0.8 * rng.standard_normal(10)


def place(seed: int, scene: str, city: str, location: int) -> RecordedPlace:
    """The acoustics of one location.

    Examples
    --------
    >>> place(0, "park", "lyon", 7).room < 8
    True
    """
    recipe, rng = SCENES[scene], random.stream("synthetic location", seed, scene, city, location)
    octaves = np.arange(10)
    tilt = recipe.tilt + 0.4 * rng.standard_normal()
    hump = recipe.hump + 0.35 * rng.standard_normal()
    knots = tilt * octaves + 6 * np.exp(-0.5 * (octaves - hump) ** 2) + 1.1 * rng.standard_normal(10)
    return RecordedPlace(
        knots=knots + _city(seed, city),
        room=int(np.clip(round(recipe.room + 1.2 * rng.standard_normal()), 0, 15)),
        shifts={name: float(1.5 * rng.standard_normal()) for name in INGREDIENTS},
        speakers=rng.integers(0, 24, size=10),
        pitch=recipe.pitch * float(np.exp(0.2 * rng.standard_normal())),
    )


def recording(seed: int, scene: str, city: str, location: int, number: int, seconds: int) -> np.ndarray:
    """Spectrum of the pressure at the microphone during one recording.

    Returns
    -------
    np.ndarray [shape=(bin,), complex128]
        `numpy.fft.rfft` of `seconds` × 32000 samples. The recording is circular, so that any device response is
        applied by multiplying spectra.

    Examples
    --------
    >>> recording(0, "park", "lyon", 7, 1, seconds=1).shape
    (16001,)
    """
    n, bank = seconds * RATE, banks(seed)
    where = place(seed, scene, city, location)
    rng = random.stream("synthetic recording", seed, scene, city, location, number)
    bins = n // 2 + 1
    background = rng.standard_normal(2 * bins).view(complex) * bands(where.knots + 0.8 * rng.standard_normal(10), bins)
    background[:3] = 0
    background *= n / np.sqrt(2 * np.sum(np.abs(background) ** 2))
    # A part of the background comes and goes; it keeps cuts of one recording from being alike.
    swell = 0.7 * 10 ** (0.25 * curve(rng, n, 2 * seconds + 1))
    slope = (where.knots[9] - where.knots[0]) / 9
    foreground = _loop(rng, bank.loops[int(np.clip(round((slope + 6) / 1.5), 0, 4))], n) * swell
    for name, (probability, level) in SCENES[scene].ingredients.items():
        # Both numbers are drawn even for an absent ingredient: a change of one probability then moves no other draw.
        present, gain = rng.random() < probability, level + where.shifts[name] + 1.5 * rng.standard_normal()
        if present:
            draw = random.stream("synthetic ingredient", seed, scene, city, location, number, name)
            foreground += 10 ** (gain / 20) * INGREDIENTS[name](draw, bank, where, n)
    level = 10 ** ((-30 + 4 * rng.standard_normal()) / 20)
    return level * (background + np.fft.rfft(foreground) * _room(seed, where.room, n))


@lru_cache(maxsize=64)
def _room(seed: int, index: int, n: int) -> np.ndarray:
    return np.fft.rfft(banks(seed).rooms[index], n)


def _scatter(rng: np.random.Generator, sounds: tuple[np.ndarray, ...], n: int, onsets: np.ndarray, spread_db: float):
    """Sum of bank entries at random, at `onsets` (samples), with levels that spread by `spread_db`."""
    mix = np.zeros(n)
    for onset in onsets.astype(int):
        sound = sounds[rng.integers(len(sounds))]
        start = onset % n
        stop = min(start + len(sound), n)
        mix[start:stop] += sound[: stop - start] * 10 ** (spread_db * rng.standard_normal() / 20)
    return mix


def _poisson(rng: np.random.Generator, n: int, per_second: float) -> np.ndarray:
    return rng.uniform(0, n, size=rng.poisson(per_second * n / RATE))


def _loop(rng: np.random.Generator, loop: np.ndarray, n: int) -> np.ndarray:
    start = int(rng.integers(len(loop)))
    return np.concatenate([loop[start:], loop[:start]])[:n]


def _voices(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    mix, count = np.zeros(n), int(rng.integers(1, 7))
    for speaker in rng.choice(where.speakers, size=count):
        talking = _poisson(rng, n, rng.uniform(2.0, 4.5))
        mix += _scatter(rng, bank.syllables[speaker], n, talking, 3.0) * 10 ** (-6 * rng.random() / 20)
    return mix / count**0.5


def _steps(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    mix = np.zeros(n)
    for _ in range(int(rng.integers(1, 4))):
        pace, shoe = rng.uniform(0.45, 0.65) * RATE, bank.steps[rng.integers(len(bank.steps))]
        walk = np.arange(rng.uniform(0, pace), n, pace)
        mix += _scatter(rng, (shoe,), n, walk + 0.02 * pace * rng.standard_normal(len(walk)), 2.0) * rng.uniform(0.4, 1)
    return 2 * mix


def _birds(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    species = tuple(bank.chirps[i] for i in rng.integers(0, len(bank.chirps), size=3))
    return _scatter(rng, species, n, _poisson(rng, n, rng.uniform(0.8, 5)), 5.0)


def _announcement(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    chime = _scatter(rng, bank.chimes, n, _poisson(rng, n, 0.3), 2.0)
    speech = _scatter(rng, bank.syllables[int(where.speakers[0])], n, np.arange(0, n, 0.21 * RATE), 2.0)
    start, stop = np.sort(rng.integers(0, n, size=2))
    speech[:start], speech[stop:] = 0, 0
    return chime + speech


def _engine(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    order = np.arange(1, 41)
    wave = period(order ** -rng.uniform(0.5, 1.2) * np.exp(0.7 * rng.standard_normal(40)), 2 * np.pi * rng.random(40))
    speed = 32 * where.pitch * np.exp(0.25 * rng.standard_normal() + 0.06 * curve(rng, n, 6))
    return tone(wave, speed, rng.random()) * (1 + 0.2 * curve(rng, n, 24))


def _whine(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    order = np.arange(1, 7)
    wave = period(order**-1.2 * rng.random(6), 2 * np.pi * rng.random(6))
    sweep = rng.uniform(-0.6, 0.6) * np.linspace(-0.5, 0.5, n)
    pitch = 420 * where.pitch * np.exp(0.25 * rng.standard_normal() + sweep)
    return tone(wave, pitch) * np.clip(0.6 + 0.4 * curve(rng, n, 8), 0, None)


def _cars(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    t, mix = np.arange(n) / RATE, np.zeros(n)
    for _ in range(int(rng.integers(1, 4))):
        closest, width = rng.uniform(-1, n / RATE + 1), rng.uniform(0.4, 2.0)
        mix += _loop(rng, bank.loops[rng.integers(1, 4)], n) / (1 + ((t - closest) / width) ** 2)
    return mix


def _clatter(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    first = np.arange(rng.uniform(0, RATE), n, rng.uniform(0.5, 1.4) * RATE)
    second = first + rng.uniform(0.06, 0.2) * RATE
    kind = tuple(bank.impacts[i] for i in rng.integers(0, len(bank.impacts), size=3))
    return 1.5 * _scatter(rng, kind, n, np.concatenate([first, second]), 3.0)


def _squeal(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    wave = period(np.array([1, 0.5, 0.3]), 2 * np.pi * rng.random(3))
    pitch = rng.uniform(1200, 4000) * np.exp(0.02 * curve(rng, n, 40))
    return tone(wave, pitch) * np.clip(curve(rng, n, 2 * n // RATE + 2), 0, None)


def _hiss(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    t, mix = np.arange(n) / RATE, np.zeros(n)
    for onset in _poisson(rng, n, 0.5) / RATE:
        mix += np.where(t > onset, np.exp(-(t - onset) / rng.uniform(0.1, 0.6)), 0)
    return _loop(rng, bank.loops[5], n) * mix


def _music(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    beat = 1 + 0.6 * np.sin(2 * np.pi * rng.uniform(1.5, 2.5) * np.arange(n) / RATE)
    return normalised(_loop(rng, bank.pads[rng.integers(len(bank.pads))], n) * beat)


def _leaves(rng: np.random.Generator, bank: Banks, where: RecordedPlace, n: int) -> np.ndarray:
    return _loop(rng, bank.loops[int(rng.integers(3, 6))], n) * np.clip(0.5 + 0.5 * curve(rng, n, 12), 0.05, None)


#: Name → sound of that ingredient at about unit level: (generator, banks, place, samples) to [shape=(sample,)].
INGREDIENTS: dict[str, Callable[[np.random.Generator, Banks, RecordedPlace, int], np.ndarray]] = {
    "voices": _voices,
    "steps": _steps,
    "birds": _birds,
    "announcement": _announcement,
    "engine": _engine,
    "whine": _whine,
    "cars": _cars,
    "clatter": _clatter,
    "squeal": _squeal,
    "hiss": _hiss,
    "music": _music,
    "leaves": _leaves,
}
