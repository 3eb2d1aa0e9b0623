"""Sounds in a room as four channels hear them: first-order Ambisonics, or four microphones on a tetrahedron.

The direct path and the six first reflections of a shoebox room (Allen and Berkley 1979) are plane waves from their
image sources. Ambisonics is in ACN order with SN3D weights, as DCASE Task 3 has it: W, Y, Z, X. The microphones are
open and lie 4.2 cm from the centre, in the directions that the sets of the challenge state. A source that moves stands
still around the middle of each frame of 100 ms, where its label is exact, and fades over to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

#: Samples per second of the sets of DCASE Task 3.
RATE = 24000
#: Metres per second.
SOUND = 343.0
#: Samples of a frame.
FRAME = RATE // 10
Format = Literal["foa", "mic"]

#: Azimuth and elevation of the microphones in degrees, and their distance from the centre in metres.
MICROPHONES = ((45.0, 35.0), (-45.0, -35.0), (135.0, -35.0), (-135.0, 35.0))
RADIUS = 0.042
#: Samples before a block that sound may reach a microphone early.
EARLY = 16


@dataclass(frozen=True)
class Room:
    """A shoebox.

    Attributes
    ----------
    size : tuple of float
        Length, width and height in metres.
    centre : tuple of float
        Where the array stands.
    reflection : float
        Share of pressure that a wall reflects.
    """

    size: tuple[float, float, float]
    centre: tuple[float, float, float]
    reflection: float

    def images(self, azimuth: float, elevation: float, distance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Directions `[path, 3]`, metres and gains `[path]` of a source and its first reflections.

        Examples
        --------
        >>> vectors, metres, gains = Room((6.0, 5.0, 3.0), (3.0, 2.5, 1.5), 0.5).images(0.0, 0.0, 2.0)
        >>> vectors[0].tolist(), metres.tolist()[:2], gains.round(3).tolist()[:2]
        ([1.0, 0.0, 0.0], [2.0, 8.0], [0.5, 0.063])
        """
        centre, size = np.array(self.centre), np.array(self.size)
        source = centre + distance * direction(azimuth, elevation)
        places = [source]
        for axis in range(3):
            for wall in (0.0, size[axis]):
                mirrored = source.copy()
                mirrored[axis] = 2 * wall - source[axis]
                places.append(mirrored)
        away = np.array(places) - centre
        metres = np.linalg.norm(away, axis=1)
        strength = np.array([1.0] + [self.reflection] * 6)
        return away / metres[:, None], metres, strength / metres


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector of a direction in degrees: x to the front, y to the left, z up."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def encoded(vectors: np.ndarray) -> np.ndarray:
    """Weights of plane waves in first-order Ambisonics, ACN and SN3D `[channel, path]`.

    Examples
    --------
    >>> encoded(np.array([[1.0, 0.0, 0.0]])).ravel().tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    return np.stack([np.ones(len(vectors)), vectors[:, 1], vectors[:, 2], vectors[:, 0]])


def responses(vectors: np.ndarray, seconds: np.ndarray, gains: np.ndarray, bins: int, kind: Format) -> np.ndarray:
    """Frequency responses `[channel, bin]` of plane waves that come together.

    Parameters
    ----------
    vectors : np.ndarray [shape=(path, 3)]
        Where they come from.
    seconds, gains : np.ndarray [shape=(path,)]
        When they reach the centre, and how strong.
    bins : int
        Bins up to half the rate.
    kind : {"foa", "mic"}
        What hears them.
    """
    hertz = np.linspace(0, RATE / 2, bins)
    if kind == "foa":
        late = np.exp(-2j * np.pi * seconds[:, None] * hertz) if seconds.any() else np.ones((len(seconds), 1))
        waves = gains[:, None] * late
        made: np.ndarray = encoded(vectors) @ waves
        return made
    places = RADIUS * np.array([direction(*angles) for angles in MICROPHONES])
    arrivals = seconds - places @ vectors.T / SOUND
    return np.einsum("p,mpf->mf", gains, np.exp(-2j * np.pi * arrivals[:, :, None] * hertz))


def render(
    sound: np.ndarray, azimuth: np.ndarray, elevation: np.ndarray, distance: float, room: Room, kind: Format
) -> np.ndarray:
    """A sound as four channels hear it `[channel, sample + tail]`, from the arrival of its direct path on.

    Parameters
    ----------
    sound : np.ndarray [shape=(sample,)]
        One channel at `RATE`, a whole number of frames.
    azimuth, elevation : np.ndarray [shape=(frame,)]
        Degrees in the middle of each frame.
    distance : float
        Metres.
    room : Room
        Where it sounds.
    kind : {"foa", "mic"}
        What hears it.
    """
    tail = round(2.2 * max(room.size) / SOUND * RATE) + 2 * EARLY
    out = np.zeros((4, EARLY + len(sound) + tail))
    for start, stop, place in _blocks(len(sound), azimuth, elevation):
        piece = sound[start:stop] * _fade(start, stop, place, len(azimuth))
        vectors, metres, gains = room.images(float(azimuth[place]), float(elevation[place]), distance)
        seconds = (metres - metres[0]) / SOUND + EARLY / RATE
        size = 1 << int(np.ceil(np.log2(len(piece) + tail)))
        heard = responses(vectors, seconds, gains * metres[0], size // 2 + 1, kind)
        made = np.fft.irfft(np.fft.rfft(piece, size) * heard, size)
        length = min(size, out.shape[1] - start)
        out[:, start : start + length] += made[:, :length]
    return out[:, EARLY:]


def diffuse(random: np.random.Generator, samples: int, colour: np.ndarray, kind: Format, waves: int = 16) -> np.ndarray:
    """Noise from everywhere `[channel, sample]`: independent plane waves from evenly spread directions.

    Parameters
    ----------
    random : np.random.Generator
        Source of randomness.
    samples : int
        Length at `RATE`.
    colour : np.ndarray [shape=(bin,)]
        Amplitude of each bin of the whole length.
    kind : {"foa", "mic"}
        What hears it.
    waves : int
        Number of directions.
    """
    # Points on a Fibonacci sphere, turned by chance.
    turn = np.arange(waves) * (180 * (3 - np.sqrt(5))) + random.uniform(0, 360)
    rise = np.degrees(np.arcsin(1 - 2 * (np.arange(waves) + 0.5) / waves))
    vectors = np.array([direction(azimuth, elevation) for azimuth, elevation in zip(turn, rise)])
    bins = samples // 2 + 1
    if kind == "foa":
        # Plane waves in Ambisonics are weights alone, so that the waves can be added before they are coloured.
        mixed = encoded(vectors) @ random.standard_normal((waves, samples))
        return np.fft.irfft(np.fft.rfft(mixed) * colour, samples) / np.sqrt(waves)
    total = np.zeros((4, bins), complex)
    for vector in vectors:
        spectrum = np.fft.rfft(random.standard_normal(samples)) * colour
        total += spectrum * responses(vector[None], np.zeros(1), np.ones(1), bins, kind)
    return np.fft.irfft(total, samples) / np.sqrt(waves)


def _blocks(samples: int, azimuth: np.ndarray, elevation: np.ndarray) -> list[tuple[int, int, int]]:
    """Begin, end and frame of each stretch in which a source stands still."""
    if np.ptp(azimuth) == 0 and np.ptp(elevation) == 0:
        return [(0, samples, 0)]
    found = []
    for frame in range(len(azimuth)):
        middle = frame * FRAME + FRAME // 2
        found.append((max(0, middle - FRAME), min(samples, middle + FRAME), frame))
    return found


def _fade(start: int, stop: int, frame: int, frames: int) -> np.ndarray:
    """Triangles of neighbouring blocks that add to one; flat before the first middle and after the last."""
    if stop - start > 2 * FRAME:
        return np.ones(stop - start)
    away = np.arange(start, stop) - (frame * FRAME + FRAME // 2)
    shape = np.maximum(0.0, 1 - np.abs(away) / FRAME)
    if frame == 0:
        shape[away < 0] = 1.0
    if frame == frames - 1:
        shape[away > 0] = 1.0
    return shape
