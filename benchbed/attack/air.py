"""What lies between a loudspeaker and a microphone: rooms, loudspeakers' responses, background noise.

Everything is split in two by the order of names: what an attack may learn on, and what it is judged in. Measured ones
are handed in by the run; without any, rooms are a direct sound and an exponentially decaying tail (Polack's model),
loudspeakers a band-pass of second order at both ends, and the background is pink noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchbed import rng

#: Synthetic rooms: T60 in seconds and direct-to-reverberant ratio in dB, between which they are drawn.
T60, DRR = (0.2, 0.8), (-3.0, 10.0)
#: Synthetic loudspeakers: corner frequencies in Hz between which they are drawn, from small to large boxes.
LOW_HZ, HIGH_HZ = (80.0, 400.0), (4000.0, 14000.0)
#: Synthetic rooms and loudspeakers of each half.
COUNT = 8
#: Background in the expectation over surroundings, as SNR in dB of the clip over it.
BACKGROUND_SNR = 30.0


@dataclass(frozen=True)
class Surroundings:
    """Rooms, loudspeakers and background of one half of an experiment, and of the other.

    Attributes
    ----------
    rooms, loudspeakers : tuple of np.ndarray [shape=(sample,)]
        Impulse responses at the model's rate with their direct sound first; an attack learns on these.
    background : tuple of np.ndarray [shape=(sample,)]
        Noises at the model's rate.
    unseen_rooms, unseen_loudspeakers : tuple of np.ndarray [shape=(sample,)]
        What an attack is judged in.
    told : str
        Where they come from, for the record.
    """

    rooms: tuple[np.ndarray, ...]
    loudspeakers: tuple[np.ndarray, ...]
    background: tuple[np.ndarray, ...]
    unseen_rooms: tuple[np.ndarray, ...]
    unseen_loudspeakers: tuple[np.ndarray, ...]
    told: str = "synthetic"

    @classmethod
    def synthetic(cls, sample_rate: int, seed: int = 0) -> Surroundings:
        """Rooms and loudspeakers of simple models, the same for every clip and model.

        Examples
        --------
        >>> made = Surroundings.synthetic(8000)
        >>> len(made.rooms), len(made.unseen_rooms), round(float(np.sum(made.rooms[0] ** 2)), 6)
        (8, 8, 1.0)
        """
        halves = []
        for half in ("seen", "unseen"):
            random = rng.stream("surroundings", half, sample_rate, seed)
            rooms = tuple(_room(sample_rate, random) for _ in range(COUNT))
            halves.append((rooms, tuple(_loudspeaker(sample_rate, random) for _ in range(COUNT))))
        noise = rng.stream("surroundings", "background", sample_rate, seed).standard_normal(4 * sample_rate)
        spectrum = np.fft.rfft(noise)
        hertz = np.maximum(np.fft.rfftfreq(len(noise), 1 / sample_rate), 20.0)
        pink = np.fft.irfft(spectrum / np.sqrt(hertz), len(noise)).astype(np.float32)
        (rooms, speakers), (other_rooms, other_speakers) = halves
        return cls(rooms, speakers, (pink,), other_rooms, other_speakers)


def split(found: Sequence[np.ndarray], names: Sequence[str]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Measured responses in two: those to learn on and, a quarter but at least one, those to be judged in.

    Examples
    --------
    >>> seen, unseen = split([np.ones(1) * i for i in range(4)], list("abcd"))
    >>> len(seen), len(unseen)
    (3, 1)
    """
    order = sorted(range(len(found)), key=lambda i: rng.key("unseen", names[i]))
    held = max(1, len(found) // 4)
    return tuple(found[i] for i in sorted(order[held:])), tuple(found[i] for i in sorted(order[:held]))


def _room(sample_rate: int, random: np.random.Generator) -> np.ndarray:
    seconds, ratio = random.uniform(*T60), random.uniform(*DRR)
    length = max(2, round(seconds * sample_rate))
    tail = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail *= 10 ** (-ratio / 20) / np.linalg.norm(tail)
    tail[0] += 1.0
    response: np.ndarray = (tail / np.linalg.norm(tail)).astype(np.float32)
    return response


def _loudspeaker(sample_rate: int, random: np.random.Generator) -> np.ndarray:
    size = 1024
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    low, high = random.uniform(*LOW_HZ), min(random.uniform(*HIGH_HZ), 0.45 * sample_rate)
    magnitude = 1 / np.sqrt((1 + (low / np.maximum(hertz, 1.0)) ** 4) * (1 + (hertz / high) ** 4))
    # Ripples of a few dB between neighbouring thirds, as measured loudspeakers have.
    ripple = np.interp(hertz, np.geomspace(50, sample_rate / 2, 24), random.normal(0, 2.0, 24))
    magnitude = magnitude * 10 ** (ripple / 20)
    # Minimum phase, by the cepstrum: colour without delay.
    cepstrum = np.fft.irfft(np.log(np.maximum(magnitude, 1e-4)))
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[: size // 2]
    made: np.ndarray = (response / np.linalg.norm(response)).astype(np.float32)
    return made


def heard_through(sounds: torch.Tensor, *responses: np.ndarray) -> torch.Tensor:
    """Sounds `[…, sample]` after one or more responses, cut to their length; differentiable.

    Examples
    --------
    >>> heard_through(torch.tensor([[1.0, 2.0, 3.0]]), np.array([0.0, 1.0])).round(decimals=5).tolist()
    [[0.0, 1.0, 2.0]]
    """
    samples = sounds.shape[-1]
    # A length that transforms fast: a prime one takes ten times as long.
    from scipy.fft import next_fast_len

    size = next_fast_len(samples + sum(min(len(one), samples) for one in responses), real=True)
    spectrum = torch.fft.rfft(sounds, size)
    for response in responses:
        cut = torch.from_numpy(np.ascontiguousarray(response[:samples], dtype=np.float32)).to(sounds)
        spectrum = spectrum * torch.fft.rfft(cut, size)
    return torch.fft.irfft(spectrum, size)[..., :samples]
