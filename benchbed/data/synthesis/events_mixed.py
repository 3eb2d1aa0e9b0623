"""Soundscapes: events at random times over the noise of a place, as Scaper mixes them, with exact times and levels.

Onset, offset and signal-to-noise ratio are drawn first and the audio is made to fit: an event is silent outside its
times, and its level over its own length stands in the ratio drawn to the background over the whole clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.events_domestic import SOUNDS
from benchbed.data.synthesis.scenes import INGREDIENTS
from benchbed.data.synthesis.scenes import place as visited
from benchbed.data.synthesis.sources import bands, banks, normalised

#: Rate of the clips in Hz, as DCASE Task 4 uses them.
CLIP_RATE = 16000
#: Sources of each class that training may use, and those kept for testing.
SOURCES = {"train": range(40), "test": range(40, 60)}
#: Background sounds that are none of the classes.
BEHIND = ("engine", "steps", "birds")


@dataclass(frozen=True)
class Placed:
    """One event of a soundscape.

    Attributes
    ----------
    label : str
    onset, offset : float
        Seconds, whole milliseconds.
    snr : float
        Level over the background in dB.
    """

    label: str
    onset: float
    offset: float
    snr: float


@dataclass(frozen=True)
class Soundscape:
    """A clip and all that is in it.

    Attributes
    ----------
    samples : np.ndarray [shape=(sample,), int16]
    events : tuple of Placed
        By onset; events of one class do not overlap.
    place : str
        Scene whose noise is behind the events.
    behind : str
        One of `BEHIND` that sounds all the time, or empty.
    rate : int
        Samples per second.
    """

    samples: np.ndarray
    events: tuple[Placed, ...]
    place: str
    behind: str
    rate: int = CLIP_RATE


def soundscape(
    seed: int, split: str, number: int, seconds: float = 10.0, bank: Literal["train", "test"] = "train"
) -> tuple[np.ndarray, list[Placed]]:
    """One clip and its events; one in twenty holds none.

    Parameters
    ----------
    seed : int
        Seed of the set.
    split, number : str, int
        Name the clip.
    seconds : float
        Its length.
    bank : {"train", "test"}
        Which sources its events come from.

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        The clip at 16 kHz.
    list of Placed
        Its events by onset; events of one class do not overlap.

    Examples
    --------
    >>> audio, events = soundscape(0, "train", 3, seconds=4.0)
    >>> audio.shape, all(0 <= e.onset < e.offset <= 4.0 for e in events)
    ((64000,), True)
    """
    heard = recorded(seed, split, number, seconds, bank)
    return heard.samples, list(heard.events)


def recorded(
    seed: int, split: str, number: int, seconds: float = 10.0, bank: Literal["train", "test"] = "train"
) -> Soundscape:
    """The clip of `soundscape` with the place and the sound behind its events."""
    rng = random.stream("synthetic soundscape", seed, split, number)
    n = round(seconds * RATE)
    behind, place, name = _background(seed, rng, n)
    events = _events_of(rng, seconds)
    mix = behind.copy()
    for index, (event, source) in enumerate((e, int(rng.choice(list(SOURCES[bank])))) for e in events):
        origin = random.stream("synthetic event source", seed, event.label, source)
        own = random.stream("synthetic soundscape event", seed, split, number, index)
        start, stop = (round(t * RATE) for t in (event.onset, event.offset))
        sound = normalised(SOUNDS[event.label][0](origin, own, banks(seed), stop - start)[: stop - start])
        mix[start:stop] += sound * _edges(stop - start) * 10 ** (event.snr / 20)
    level = 10 ** ((-33 + 3 * rng.standard_normal()) / 20)
    # Half the rate by leaving out the upper half of the spectrum.
    low = np.fft.irfft(np.fft.rfft(mix)[: n // 4 + 1], n // 2) / 2
    samples = np.rint(low * level * 32768).clip(-32768, 32767).astype(np.int16)
    return Soundscape(samples, tuple(events), place, name)


def _background(seed: int, rng: np.random.Generator, n: int) -> tuple[np.ndarray, str, str]:
    """Noise of a place, the place, and what sounds in it all the time."""
    scene = ("park", "public_square", "bus", "metro_station")[int(rng.integers(4))]
    where = visited(seed, scene, "lyon", int(rng.integers(12)))
    noise = normalised(np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(where.knots, n // 2 + 1), n))
    name = ""
    if rng.random() < 0.5:
        name = BEHIND[int(rng.integers(len(BEHIND)))]
        noise += 10 ** (rng.uniform(-18, -8) / 20) * normalised(INGREDIENTS[name](rng, banks(seed), where, n))
    return normalised(noise), scene, name


def _events_of(rng: np.random.Generator, seconds: float) -> list[Placed]:
    count = 0 if rng.random() < 0.05 else 1 + int(rng.binomial(4, 0.4))
    labels = tuple(SOUNDS)
    found: list[Any] = []
    for _ in range(count):
        label = labels[int(rng.integers(len(labels)))]
        shortest, longest = SOUNDS[label][1]
        length = min(float(np.exp(rng.uniform(np.log(shortest), np.log(longest)))), 0.95 * seconds)
        onset = rng.uniform(0, seconds - length)
        event = Placed(label, round(onset, 3), round(onset + length, 3), round(float(rng.uniform(4, 24)), 1))
        # Events of one class keep apart, so that their times mean the same to every listener.
        if all(e.label != label or event.onset > e.offset + 0.3 or event.offset < e.onset - 0.3 for e in found):
            found.append(event)
    return sorted(found, key=lambda e: (e.onset, e.label))


def _edges(n: int) -> np.ndarray:
    """Rise and fall of five milliseconds, which keep clicks away."""
    ramp = min(RATE // 200, n // 2)
    shape = np.ones(n)
    shape[:ramp] = np.linspace(0, 1, ramp, endpoint=False)
    shape[n - ramp :] = shape[:ramp][::-1]
    return shape
