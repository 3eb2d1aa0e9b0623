"""Mel scales and triangular filters, with the conventions that published models differ in."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError, did_you_mean

MelScale = Literal["htk", "slaney", "kaldi"]


def hz_to_mel(hertz: np.ndarray, scale: MelScale) -> np.ndarray:
    """Mel of a frequency in Hz.

    `htk` is 2595·log10(1 + f/700); `kaldi` is 1127·ln(1 + f/700), the same to four digits; `slaney` is linear below
    1 kHz and logarithmic above (Auditory Toolbox, Slaney 1998).

    Examples
    --------
    >>> [round(float(hz_to_mel(np.array(1000.0), scale)), 3) for scale in ("htk", "kaldi", "slaney")]
    [999.986, 999.991, 15.0]
    """
    hertz = np.asarray(hertz, np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hertz / 700.0)
    if scale == "kaldi":
        return 1127.0 * np.log1p(hertz / 700.0)
    above = 15.0 + np.log(np.maximum(hertz, 1000.0) / 1000.0) * 27.0 / math.log(6.4)
    return np.where(hertz < 1000.0, hertz * 3.0 / 200.0, above)


def mel_to_hz(mel: np.ndarray, scale: MelScale) -> np.ndarray:
    """Frequency in Hz of a mel; the inverse of `hz_to_mel`.

    Examples
    --------
    >>> float(mel_to_hz(np.array(15.0), "slaney"))
    1000.0
    """
    mel = np.asarray(mel, np.float64)
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    if scale == "kaldi":
        return 700.0 * np.expm1(mel / 1127.0)
    return np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp((mel - 15.0) * math.log(6.4) / 27.0))


def mel_filters(
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    scale: MelScale = "htk",
    norm: Literal["slaney"] | None = None,
) -> np.ndarray:
    """Triangular mel filters.

    With `htk` and `slaney` the sides of a triangle are straight over Hz (librosa, torchaudio); with `kaldi` they are
    straight over mel, and the Nyquist bin is left out (Kaldi `fbank`, also used by PaSST and AST).

    Parameters
    ----------
    sample_rate, n_fft, n_mels : int
        Rate in Hz, length of the Fourier transform in samples, number of filters.
    fmin, fmax : float
        Lower edge of the first and upper edge of the last filter in Hz; `fmax=None` is half the sample rate, and a
        negative one counts down from there, as in Kaldi.
    scale : str
        `htk`, `slaney` or `kaldi`.
    norm : str, optional
        `slaney` divides each filter by half its width in Hz, so that all have the same area.

    Returns
    -------
    np.ndarray [shape=(n_mels, n_fft // 2 + 1), float64]
        One filter per row.

    Raises
    ------
    ConfigError
        Unknown scale or norm, or frequencies that leave no band.

    Examples
    --------
    >>> mel_filters(16000, 512, 40).shape
    (40, 257)
    """
    for value, known, what in ((scale, ("htk", "slaney", "kaldi"), "mel scale"), (norm, (None, "slaney"), "mel norm")):
        if value not in known:
            hint = did_you_mean(str(value), [k for k in known if k]) or f"known: {known}"
            raise ConfigError(f"unknown {what} '{value}'", hint=hint)
    nyquist = sample_rate / 2
    top = nyquist if fmax is None else fmax if fmax > 0 else nyquist + fmax
    if not 0 <= fmin < top <= nyquist:
        raise ConfigError(
            f"mel filters need 0 ≤ fmin < fmax ≤ half the sample rate, not {fmin}, {top} Hz at {sample_rate} Hz"
        )
    edges = np.linspace(hz_to_mel(np.array(fmin), scale), hz_to_mel(np.array(top), scale), n_mels + 2)
    grid = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    hertz_edges = mel_to_hz(edges, scale)
    if scale == "kaldi":
        grid = hz_to_mel(grid, scale)
    else:
        edges = hertz_edges
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.maximum(0.0, np.minimum((grid - left) / (centre - left), (right - grid) / (right - centre)))
    if scale == "kaldi":
        filters[:, -1] = 0.0
    if norm == "slaney":
        filters *= 2.0 / (hertz_edges[2:] - hertz_edges[:-2])[:, None]
    return filters
