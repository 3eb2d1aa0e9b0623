"""Sounds of ten classes in three domains: as they are, far away and dull, and on a small recorder that hisses."""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.broad import broad_sound


def domain_sound(seed: int, name: str, domain: str, take: object, seconds: float = 1.0) -> np.ndarray:
    """One sound of a class in a domain (`D1`, `D2`, `D3`).

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        At 32 kHz.

    Examples
    --------
    >>> domain_sound(0, "dog", "D2", 0).shape
    (32000,)
    """
    wave = broad_sound(seed, name, f"{domain} {take}", seconds).astype(np.float64) / 32768
    if domain == "D1":
        return np.rint(wave * 32768).astype(np.int16)
    draw = random.stream("synthetic domains", seed, name, domain, str(take))
    spectrum, hertz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1 / RATE)
    level = np.sqrt(np.mean(wave**2)) + 1e-9
    if domain == "D2":
        # Air and a wall take the high bands: 12 dB an octave above a corner of 600 to 1,200 Hz.
        corner = 600 * 2 ** float(draw.random())
        shaped, noise = np.fft.irfft(spectrum / (1 + (hertz / corner) ** 2), len(wave)), 0.05
    else:
        # A small membrane has no bass, and its amplifier hisses 12 dB below the sound.
        corner = 800 * 2 ** float(draw.random())
        shaped, noise = np.fft.irfft(spectrum * hertz**2 / (hertz**2 + corner**2), len(wave)), 0.25
    shaped *= level / (np.sqrt(np.mean(shaped**2)) + 1e-9)
    mixed = shaped + noise * level * draw.standard_normal(len(wave))
    return np.rint(mixed * 32768).clip(-32768, 32767).astype(np.int16)
