"""One second of a crowd: as many voices as there are people, each somewhere in a place that hums and echoes.

A voice is heard the less the further away it is, and not everybody speaks: loudness tells a number of people roughly,
as in recordings. Beside the crowd there is a place whose own noise tells nothing.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import banks

#: Fewest and most people of a picture; those of DISCO.
FEWEST, MOST = 1, 709


def people(seed: int, take: object) -> int:
    """How many people a take shows: log-normal around 50, as pictures of crowds are."""
    draw = random.stream("synthetic crowd size", seed, str(take))
    return int(np.clip(round(50 * np.exp(1.1 * draw.standard_normal())), FEWEST, MOST))


def crowd(seed: int, count: int, take: object) -> np.ndarray:
    """One second of a crowd `[sample]`, float64 in −1…1.

    Parameters
    ----------
    seed : int
        Of the set.
    count : int
        People.
    take : object
        Names the clip.

    Examples
    --------
    >>> crowd(0, 12, "0001").shape
    (32000,)
    """
    made, draw = banks(seed), random.stream("synthetic crowd", seed, count, str(take))
    sound = np.zeros(2 * RATE)
    speaking = draw.binomial(count, draw.uniform(0.3, 0.6))
    for _ in range(speaking):
        voice = made.syllables[int(draw.integers(len(made.syllables)))]
        level = 1 / np.hypot(1.0, draw.uniform(0.5, 6.0))
        at = int(draw.integers(0, RATE // 3))
        while at < RATE:
            syllable = voice[int(draw.integers(len(voice)))]
            sound[at : at + len(syllable)] += level * syllable
            at += len(syllable) + int(draw.uniform(0.02, 0.25) * RATE)
    room = made.rooms[int(draw.integers(4, len(made.rooms)))]
    size = len(sound) + len(room)
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(room, size), size)[:RATE]
    loop = made.loops[int(draw.integers(len(made.loops)))]
    start = int(draw.integers(len(loop) - RATE))
    place = loop[start : start + RATE] * 10 ** (draw.uniform(-12, 0) / 20)
    gain = 0.01 * 10 ** (draw.normal(0, 1.5) / 20)
    return np.clip(gain * (heard + place), -1.0, 1.0)
