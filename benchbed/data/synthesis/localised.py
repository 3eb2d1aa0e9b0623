"""Scenes with sounds around the listener: static and moving sources, overlaps of one class included, exact labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE as SOURCE_RATE
from benchbed.data.synthesis import events, events_domestic
from benchbed.data.synthesis.sources import Banks, bands, banks, normalised
from benchbed.data.synthesis.spatial import FRAME, RATE, Format, Room, diffuse, render

Maker = Callable[[np.random.Generator, np.random.Generator, Banks, int], np.ndarray]
#: Sources that may sound at a time, and of one class.
MOST, MOST_OF_A_CLASS = 3, 2
#: Half the width of the picture of the stereo set, in degrees.
PICTURE = 50.0


@dataclass(frozen=True)
class Sounding:
    """One source of a scene.

    Attributes
    ----------
    label : str
    source : int
        Number among those of its class in the scene.
    first : int
        Its first frame.
    azimuth, elevation : np.ndarray [shape=(frame,)]
        Degrees in the middle of each of its frames.
    distance : float
        Metres, whole centimetres.
    """

    label: str
    source: int
    first: int
    azimuth: np.ndarray
    elevation: np.ndarray
    distance: float

    @property
    def last(self) -> int:
        """The frame after its last."""
        return self.first + len(self.azimuth)


def scene(
    seed: int, split: str, number: int, labels: tuple[str, ...], seconds: float, kind: Format
) -> tuple[np.ndarray, list[Sounding]]:
    """One recording and what sounds in it.

    Parameters
    ----------
    seed : int
        Seed of the set.
    split, number : str, int
        Name the recording.
    labels : tuple of str
        Classes, keys of `SOUNDS`.
    seconds : float
        Its length, whole frames.
    kind : {"foa", "mic"}
        What hears it.

    Returns
    -------
    np.ndarray [shape=(4, sample), int16]
        The recording at 24 kHz.
    list of Sounding
        Its sources.

    Examples
    --------
    >>> audio, sources = scene(0, "test", 1, ("dog", "bell"), 3.0, "foa")
    >>> audio.shape, all(0 <= one.first < one.last <= 30 for one in sources)
    ((4, 72000), True)
    """
    rng = random.stream("synthetic localised", seed, split, number)
    frames, samples = round(10 * seconds), round(seconds * RATE)
    room = Room(
        (rng.uniform(6, 9), rng.uniform(6, 9), rng.uniform(3.1, 4.2)),
        (3.0 + rng.uniform(-0.2, 0.2), 3.0 + rng.uniform(-0.2, 0.2), 1.5),
        float(rng.uniform(0.3, 0.8)),
    )
    soundings = _soundings(rng, labels, frames)
    colour = bands(rng.uniform(-4, -1) * np.arange(10), samples // 2 + 1)
    mix = diffuse(rng, samples, colour, kind)
    mix /= np.sqrt(np.mean(mix[0] ** 2))
    for index, one in enumerate(soundings):
        length = len(one.azimuth) * FRAME
        # Sources of test recordings are none of those of training.
        origin = random.stream("synthetic localised source", seed, one.label, split, int(rng.integers(30)))
        own = random.stream("synthetic localised event", seed, split, number, index)
        wave = SOUNDS[one.label][0](origin, own, banks(seed), length * SOURCE_RATE // RATE)
        wave = normalised(_at_rate(wave, length)) * _edges(length)
        heard = render(wave, one.azimuth, one.elevation, one.distance, room, kind) * 10 ** (rng.uniform(8, 24) / 20)
        start = one.first * FRAME
        stop = min(samples, start + heard.shape[1])
        mix[:, start:stop] += heard[:, : stop - start]
    level = 10 ** ((-30 + 3 * rng.standard_normal()) / 20)
    # One factor for all channels keeps directions; the loudest stays below full scale.
    level = min(level / np.sqrt(np.mean(mix[0] ** 2)), 0.98 / np.abs(mix).max())
    return np.rint(mix * level * 32767).astype(np.int16), soundings


def stereo(waveform: np.ndarray) -> np.ndarray:
    """Left and right `[2, sample]` of first-order Ambisonics, as two cardioids to the sides hear them."""
    middle, side = waveform[0].astype(np.float64), waveform[1].astype(np.float64)
    return np.rint(np.stack([middle + side, middle - side]) / 2).clip(-32768, 32767).astype(np.int16)


def _soundings(rng: np.random.Generator, labels: tuple[str, ...], frames: int) -> list[Sounding]:
    sounding: list[Sounding] = []
    busy = np.zeros((len(labels), frames), np.int64)
    for _ in range(max(2, round(frames / 100 * rng.uniform(4, 8)))):
        # One in four is of a class that is there already, so that classes overlap with themselves.
        known = [labels.index(one.label) for one in sounding]
        label = int(rng.choice(known)) if known and rng.random() < 0.25 else int(rng.integers(len(labels)))
        shortest, longest = SOUNDS[labels[label]][1]
        length = min(frames, max(2, round(10 * float(np.exp(rng.uniform(np.log(shortest), np.log(longest)))))))
        first = int(rng.integers(0, frames - length + 1))
        part = slice(first, first + length)
        if busy[:, part].sum(axis=0).max() >= MOST or busy[label, part].max() >= MOST_OF_A_CLASS:
            continue
        busy[label, part] += 1
        source = sum(one.label == labels[label] for one in sounding)
        moves = rng.random() < 0.4 and length > 4
        azimuth = np.full(length, float(rng.integers(-180, 180)))
        elevation = np.full(length, float(rng.integers(-25, 36)))
        if moves:
            azimuth += rng.choice([-1.0, 1.0]) * rng.integers(1, 5) * np.arange(length)
        azimuth = (azimuth + 180) % 360 - 180
        sounding.append(Sounding(labels[label], source, first, azimuth, elevation, int(rng.integers(60, 251)) / 100))
    return sorted(sounding, key=lambda one: (one.first, one.label, one.source))


def _at_rate(wave: np.ndarray, samples: int) -> np.ndarray:
    """A sound at 24 kHz, by leaving out the upper quarter of its spectrum."""
    spectrum = np.fft.rfft(wave)
    return np.fft.irfft(spectrum[: samples // 2 + 1], samples)


def _edges(n: int) -> np.ndarray:
    ramp = min(RATE // 200, n // 2)
    shape = np.ones(n)
    shape[:ramp] = np.linspace(0, 1, ramp, endpoint=False)
    shape[n - ramp :] = shape[:ramp][::-1]
    return shape


def _faster(wave: np.ndarray, n: int) -> np.ndarray:
    return np.interp(np.linspace(0, len(wave) - 1, n), np.arange(len(wave)), wave)


def _domestic(name: str, speed: float = 1.0) -> Maker:
    def make(origin: np.random.Generator, own: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
        wave = events_domestic.SOUNDS[name][0](origin, own, bank, round(n * speed))
        return _faster(_exactly(wave, round(n * speed)), n) if speed != 1.0 else _exactly(wave, n)

    return make


def _isolated(name: str, pitch: float = 1.0) -> Maker:
    def make(origin: np.random.Generator, own: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
        return _exactly(events.SOUNDS[name](own, pitch * float(np.exp(0.15 * origin.standard_normal())), n), n)

    return make


def _train(pool: str, gap: tuple[float, float], speed: float = 1.0) -> Maker:
    """Sounds of a bank one after another."""

    def make(origin: np.random.Generator, own: np.random.Generator, bank: Banks, n: int) -> np.ndarray:
        sounds = getattr(bank, pool)
        chosen = [sounds[int(i)] for i in origin.integers(0, len(sounds), 3)]
        out, at = np.zeros(n), 0
        while at < n:
            one = chosen[int(own.integers(3))]
            one = one if speed == 1.0 else _faster(one, round(len(one) / speed))
            stop = min(n, at + len(one))
            out[at:stop] += one[: stop - at] * own.uniform(0.6, 1.0)
            at += max(1, round(own.uniform(*gap) * SOURCE_RATE))
        return out

    return make


def _exactly(wave: np.ndarray, n: int) -> np.ndarray:
    return wave[:n] if len(wave) >= n else np.pad(wave, (0, n - len(wave)))


#: Class of any of the sets → its sound, and how long it usually lasts in seconds.
SOUNDS: dict[str, tuple[Maker, tuple[float, float]]] = {
    "female speech": (_domestic("Speech", 1.35), (0.8, 4.0)),
    "male speech": (_domestic("Speech", 0.75), (0.8, 4.0)),
    "clapping": (_train("impacts", (0.12, 0.22), 2.0), (0.6, 2.5)),
    "telephone": (_domestic("Alarm_bell_ringing"), (0.8, 4.0)),
    "laughter": (_isolated("crying_baby", 1.5), (0.6, 2.0)),
    "domestic sounds": (_domestic("Vacuum_cleaner"), (1.5, 6.0)),
    "footsteps": (_train("steps", (0.35, 0.6)), (1.0, 5.0)),
    "door": (_train("impacts", (1.0, 1.5), 0.4), (0.4, 1.0)),
    "music": (_train("pads", (1.5, 3.0)), (2.0, 6.0)),
    "musical instrument": (_train("chimes", (0.3, 0.5), 0.7), (1.0, 4.0)),
    "water tap": (_domestic("Running_water"), (1.0, 5.0)),
    "bell": (_train("chimes", (0.9, 1.2), 1.6), (0.6, 2.5)),
    "knock": (_train("impacts", (0.15, 0.25)), (0.4, 1.2)),
    "alarm": (_train("chirps", (0.15, 0.25)), (0.8, 4.0)),
    "baby": (_isolated("crying_baby"), (0.8, 4.0)),
    "crash": (_domestic("Dishes"), (0.4, 1.5)),
    "dog": (_domestic("Dog"), (0.4, 2.5)),
    "engine": (_isolated("helicopter"), (1.5, 6.0)),
    "fire": (_isolated("crackling_fire"), (1.5, 6.0)),
    "female_scream": (_isolated("rooster", 1.3), (0.6, 2.0)),
    "male_scream": (_isolated("rooster", 0.7), (0.6, 2.0)),
    "phone": (_domestic("Alarm_bell_ringing"), (0.8, 4.0)),
    "piano": (_train("chimes", (0.25, 0.5)), (1.0, 5.0)),
}
SOUNDS |= {
    "female_speech": SOUNDS["female speech"],
    "male_speech": SOUNDS["male speech"],
}
