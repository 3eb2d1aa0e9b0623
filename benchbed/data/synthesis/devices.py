"""Recording devices: one good recorder, two phones, six simulated ones.

As in TAU Urban Acoustic Scenes 2020 Mobile, the simulated devices s1–s6 are recordings of device a convolved with a
device's impulse response and then put through dynamic-range compression; a, b and c hear the scene itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import bands, banks, normalised

REAL = ("a", "b", "c")
SIMULATED = ("s1", "s2", "s3", "s4", "s5", "s6")
#: Devices that training never sees.
UNSEEN = ("s4", "s5", "s6")
DEVICES = REAL + SIMULATED


@dataclass(frozen=True)
class Device:
    """What a device does to sound.

    Attributes
    ----------
    knots : np.ndarray [shape=(10,)]
        Gain in dB at 31.25 Hz and each octave above it.
    echoes : np.ndarray [shape=(tap,)]
        First two milliseconds of its impulse response after the direct sound (case, stand, table).
    ratio, threshold : float
        Compression above the threshold, in dB of full scale; a ratio of one leaves the dynamics alone.
    floor : float
        Level of its own noise, in dB of full scale.
    """

    knots: np.ndarray
    echoes: np.ndarray
    ratio: float
    threshold: float
    floor: float


@lru_cache(maxsize=32)
def device(seed: int, name: str) -> Device:
    """The device `name` of one seed.

    Examples
    --------
    >>> device(0, "s4").ratio > 1
    True
    """
    rng = random.stream("synthetic device", seed, name)
    # Of unit level, so that no device is spared or spoilt by a lucky draw.
    colour = normalised(rng.standard_normal(10))
    taps = rng.standard_normal(64) * np.exp(-np.arange(64) / 20)
    if name == "a":
        return Device(np.array([-6.0] + [0.0] * 8 + [-1.0]), 0 * taps, 1.0, 0.0, -78.0)
    if name in REAL:
        body = np.array([-24, -14, -7, -2, 0, 0, 2, 3, 0, -8.0])
        return Device(body + 2.0 * colour, 0.05 * taps, 1.6, -30.0, -66.0)
    tilt = np.linspace(-1, 1, 10) * rng.uniform(-3, 3)
    return Device(tilt + 2.5 * colour, 0.05 * taps, rng.uniform(1.5, 4), rng.uniform(-42, -28), -90.0)


@lru_cache(maxsize=64)
def _response(seed: int, name: str, n: int) -> np.ndarray:
    what = device(seed, name)
    return bands(what.knots, n // 2 + 1) * np.fft.rfft(np.concatenate([[1.0], what.echoes]), n)


def compress(x: np.ndarray, threshold: float, ratio: float) -> np.ndarray:
    """Dynamic-range compression: level above `threshold` (dB of full scale) grows `ratio` times more slowly.

    The level is the root-mean-square of 10 ms blocks, smoothed over about 60 ms.

    Examples
    --------
    >>> loud = np.full(3200, 0.1)                       # −20 dB, 20 dB above the threshold
    >>> compress(loud, -40.0, 2.0)[1600].round(4)       # comes out 10 dB lower
    np.float64(0.0316)
    """
    block = RATE // 100
    power = np.mean(x.reshape(-1, block) ** 2, axis=1)
    kernel = np.exp(-np.arange(13) / 6.0)
    smooth = np.convolve(np.pad(power, 12, mode="wrap"), kernel / kernel.sum(), mode="valid")[: len(power)]
    over = np.maximum(10 * np.log10(smooth + 1e-12) - threshold, 0.0)
    gain = 10 ** (over * (1 / ratio - 1) / 20)
    centres = np.arange(len(gain)) * block + block / 2
    return x * np.interp(np.arange(len(x)), centres, gain)


def play(seed: int, heard: np.ndarray, names: tuple[str, ...], draw: tuple) -> dict[str, np.ndarray]:
    """A recording as each of the devices would have stored it.

    Parameters
    ----------
    seed : int
        Seed of the set.
    heard : np.ndarray [shape=(bin,), complex128]
        `numpy.fft.rfft` of the pressure at the microphone over a whole number of seconds.
    names : tuple of str
        Devices wanted.
    draw : tuple
        What the recording is; with the device it keys the device's own noise.

    Returns
    -------
    dict of str to np.ndarray [shape=(sample,), int16]
        Device → samples.

    Examples
    --------
    >>> sorted(play(0, np.zeros(16001), ("a", "s1"), ("demo",)))
    ['a', 's1']
    """
    n, stored = 2 * (len(heard) - 1), {}
    studio = studio_spectrum = None
    for name in sorted(names):
        what = device(seed, name)
        if name in SIMULATED:
            if studio is None:
                studio = _capture(seed, heard, "a", n, draw)
                studio_spectrum = np.fft.rfft(studio)
            # Loudness follows the recording, not the gain that a random response happens to have.
            wave = normalised(np.fft.irfft(studio_spectrum * _response(seed, name, n), n)) * np.sqrt(np.mean(studio**2))
        else:
            wave = _capture(seed, heard, name, n, draw)
        if what.ratio > 1:
            wave = compress(wave, what.threshold, what.ratio)
        stored[name] = np.rint(wave * 32768).clip(-32768, 32767).astype(np.int16)
    return stored


def _capture(seed: int, heard: np.ndarray, name: str, n: int, draw: tuple) -> np.ndarray:
    loop = banks(seed).loops[4]
    start = int(random.stream("synthetic device noise", seed, name, *draw).integers(len(loop)))
    hum = np.concatenate([loop[start:], loop[:start]])[:n] * 10 ** (device(seed, name).floor / 20)
    return np.fft.irfft(heard * _response(seed, name, n), n) + hum
