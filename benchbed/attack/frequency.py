"""Perturbations of a band of frequencies: a linear projection, and how much of a sound lies outside its band."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch

from benchbed.errors import ConfigError

#: Energy outside the band, in dB under the whole, that cutting samples to −1…1 may leave.
LEAK = -40.0


@lru_cache(maxsize=16)
def _kept(samples: int, sample_rate: int, low: float | None, high: float | None) -> np.ndarray:
    hertz = np.fft.rfftfreq(samples, 1 / sample_rate)
    kept: np.ndarray = (hertz >= (low or 0.0)) & (hertz <= (high or np.inf))
    return kept


def band_pass(low: float | None, high: float | None, sample_rate: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The projection of sounds `[…, sample]` onto a band: what lies outside is taken away, the rest stays as it is.

    Parameters
    ----------
    low, high : float or None
        Ends in Hz; None is open.
    sample_rate : int

    Raises
    ------
    ConfigError
        No frequency that the model hears lies in the band.

    Examples
    --------
    >>> tones = torch.sin(torch.arange(800) * 0.1) + torch.sin(torch.arange(800) * 2.0)
    >>> held = band_pass(None, 500, 8000)(tones)
    >>> 0.45 < float(held.square().sum() / tones.square().sum()) < 0.55
    True
    """
    if (low or 0.0) >= sample_rate / 2:
        raise ConfigError(
            f"a band from {low:g} Hz, of a model that hears up to {sample_rate / 2:g} Hz",
            hint="a `band` with a lower `low`",
        )

    def projected(sounds: torch.Tensor) -> torch.Tensor:
        kept = torch.from_numpy(_kept(sounds.shape[-1], sample_rate, low, high)).to(sounds.device)
        return torch.fft.irfft(torch.fft.rfft(sounds) * kept, sounds.shape[-1])

    return projected


def outside_share(sounds: np.ndarray, low: float | None, high: float | None, sample_rate: int) -> float:
    """Share of the energy of sounds `[channel, sample]` outside a band.

    Examples
    --------
    >>> round(outside_share(np.sin(np.arange(800) * 2.0)[None], None, 500, 8000), 2)
    1.0
    """
    power = np.abs(np.fft.rfft(sounds)) ** 2
    total = float(power.sum())
    return float(power[..., ~_kept(sounds.shape[-1], sample_rate, low, high)].sum()) / total if total > 0 else 0.0
