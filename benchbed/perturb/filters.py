"""Linear filters by multiplication of a clip's spectrum, taken once and shared by all severities.

Filters are zero-phase, so that no event moves by a group delay, and keep their frequencies in Hz at every sample rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from benchbed.perturb.scratch import scratch
from benchbed.perturb.transform import fast_length, rfft

#: Silence appended before the transform, in seconds: room for the filter to ring without wrapping round.
PADDING_SECONDS = 0.1
#: A filter edge above this share of the sample rate has no effect worth measuring.
HIGHEST_EDGE = 0.45


class Spectrum:
    """The transform of a zero-padded clip, taken when it is first looked at.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    size : int
        Transform length in samples.

    Attributes
    ----------
    samples : int
        Length of the clip.
    together : bool
        Its severities have been made together once.
    """

    def __init__(self, waveform: np.ndarray, size: int) -> None:
        self.waveform, self.size, self.samples = waveform, size, waveform.shape[1]
        self.together = False
        self._values: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        """The transform at its bins [shape=(channel, bin), complex64]."""
        if self._values is None:
            self._values = rfft(self.waveform, self.size)
        return self._values

    @property
    def nbytes(self) -> int:
        """Bytes of the transform."""
        return len(self.waveform) * (self.size // 2 + 1) * 2 * self.waveform.itemsize

    def like(self, other: Spectrum) -> bool:
        """Whether both are of one form, so that they may go through one transform."""
        mine, theirs = self.waveform, other.waveform
        return self.size == other.size and mine.shape == theirs.shape and mine.dtype == theirs.dtype


def transform(clips: Sequence[Spectrum]) -> None:
    """Take the transforms of clips of one form in one call: four rows cost less than two, and have the bits of each."""
    if len(clips) < 2:
        return
    first = clips[0].waveform
    padded = scratch("padded clips", (len(clips), len(first), clips[0].size), first.dtype)
    for row, clip in zip(padded, clips, strict=True):
        row[:, : clip.samples], row[:, clip.samples :] = clip.waveform, 0
    for clip, values in zip(clips, rfft(padded), strict=True):
        clip._values = values


def spectrum(waveform: np.ndarray, padding: int) -> Spectrum:
    """The transform of a clip `[channel, sample]` with at least `padding` zeros after it."""
    # Lengths with a high power of two are a quarter faster than the nearest fast length, in both directions.
    return Spectrum(waveform, 256 * fast_length(-(-(waveform.shape[1] + padding) // 256)))


def filtered(clips: Sequence[Spectrum], responses: Iterable[np.ndarray]) -> np.ndarray:
    """Clips of one form, each through its filter, in memory that the next call uses again.

    Parameters
    ----------
    clips : sequence of Spectrum
        One for each filter; a clip may stand there several times.
    responses : iterable of np.ndarray [shape=(bin,) or (channel, bin)]
        At the transform's bins, real (zero-phase) or complex.

    Returns
    -------
    np.ndarray [shape=(filter, channel, sample), float32]
    """
    first = clips[0]
    products = scratch("products", (len(clips), *first.values.shape), first.values.dtype)
    real = np.float32 if products.dtype == np.complex64 else np.float64
    for product, clip, response in zip(products, clips, responses, strict=True):
        np.multiply(clip.values, response, out=product)
    waves = scratch("waves", (*products.shape[:2], first.size), real)
    np.fft.irfft(products, first.size, out=waves)
    return waves[..., : first.samples]


def bins(size: int, sample_rate: int) -> np.ndarray:
    """Frequencies of the bins of a real transform, in Hz."""
    return np.fft.rfftfreq(size, 1 / sample_rate)


@lru_cache(maxsize=64)
def low_pass(size: int, sample_rate: int, cutoff: float, order: int) -> np.ndarray:
    """Magnitude of a Butterworth low-pass at the bins: −3 dB at `cutoff` Hz, 6 dB per octave and order above.

    Examples
    --------
    >>> round(float(low_pass(16000, 16000, 1000.0, 8)[1000]), 4), bool(low_pass(16000, 16000, 1000.0, 8)[2000] < 0.004)
    (0.7071, True)
    """
    return _frozen(1 / np.sqrt(1 + (bins(size, sample_rate) / cutoff) ** (2 * order)))


@lru_cache(maxsize=64)
def high_pass(size: int, sample_rate: int, cutoff: float, order: int) -> np.ndarray:
    """Magnitude of a Butterworth high-pass at the bins: −3 dB at `cutoff` Hz."""
    ratio = (bins(size, sample_rate) / cutoff) ** order
    return _frozen(ratio / np.sqrt(1 + ratio**2))


@lru_cache(maxsize=64)
def band_stop(size: int, sample_rate: int, low: float, high: float, order: int) -> np.ndarray:
    """Magnitude of a Butterworth band-stop at the bins: −3 dB at `low` and `high` Hz, zero at their geometric mean."""
    f = bins(size, sample_rate)
    away = np.abs(f**2 - low * high)
    inside = (f * (high - low)) ** order
    away = away**order
    return _frozen(away / np.sqrt(away**2 + inside**2))


def mel(hz: np.ndarray | float) -> np.ndarray:
    """Hz to mel (O'Shaughnessy 1987, the HTK formula)."""
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def mel_gap(size: int, sample_rate: int, low: float, high: float, edge: float) -> np.ndarray:
    """Zero between `low` and `high` mel, one outside, with raised-cosine edges of `edge` mel inside the gap."""
    m = _mel_bins(size, sample_rate)
    gap = slice(*np.searchsorted(m, (low, high)))
    inside = m[gap]
    depth = np.clip(np.minimum(inside - low, high - inside) / max(edge, 1e-9), 0, 1)
    out = np.ones(len(m), np.float32)
    out[gap] = 0.5 + 0.5 * np.cos(np.pi * depth)
    return out


@lru_cache(maxsize=16)
def _mel_bins(size: int, sample_rate: int) -> np.ndarray:
    return _frozen(mel(bins(size, sample_rate)))


def _frozen(response: np.ndarray) -> np.ndarray:
    response = response.astype(np.float32)
    response.flags.writeable = False
    return response


def too_high(hz: float, sample_rate: int) -> str | None:
    """The reason why a filter edge cannot be used at this rate, or None."""
    if hz > HIGHEST_EDGE * sample_rate:
        return f"{hz:g} Hz is above {HIGHEST_EDGE:g} of the {sample_rate} Hz sample rate"
    return None
