"""Recording devices: equalisation curves, measured responses, and style as statistics per band.

A device response is used as its minimum-phase equivalent: its colour without its latency, so that labels keep their
times. In the log spectrum such a response can be scaled, which gives a severity from flat (0) over the device itself
(1) to beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from benchbed.perturb.filters import mel
from benchbed.perturb.scratch import scratch
from benchbed.perturb.transform import irfft, rfft

#: Points of the coarse frequency grid on which minimum-phase responses are made.
GRID = 2048


def minimum_phase(log_magnitude: np.ndarray) -> np.ndarray:
    """Complex log spectrum of the minimum-phase filter with a given log magnitude.

    Parameters
    ----------
    log_magnitude : np.ndarray [shape=(bin,)]
        Natural log of the magnitude at the bins of a real transform of even length.

    Returns
    -------
    np.ndarray [shape=(bin,), complex128]
        `exp` of it is the filter's response; a multiple of it belongs to the filter with the multiple in dB.

    Examples
    --------
    >>> zero = 1 - 0.5 * np.exp(-1j * np.linspace(0, np.pi, 129))  # a minimum-phase filter: one zero inside the circle
    >>> bool(np.allclose(np.exp(minimum_phase(np.log(np.abs(zero)))), zero))
    True
    """
    cepstrum = np.fft.irfft(log_magnitude)
    size = len(cepstrum)
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    return np.fft.rfft(cepstrum)


def equaliser(gains_db: np.ndarray, sample_rate: int) -> np.ndarray:
    """Log spectrum of a minimum-phase equaliser through gains at frequencies spaced evenly in log from 60 Hz up.

    Parameters
    ----------
    gains_db : np.ndarray [shape=(band,)]
    sample_rate : int

    Returns
    -------
    np.ndarray [shape=(GRID // 2 + 1,), complex128]
    """
    curve = np.interp(*_log_frequencies(sample_rate, len(gains_db)), gains_db)
    return minimum_phase(curve * (np.log(10) / 20))


@lru_cache(maxsize=16)
def _log_frequencies(sample_rate: int, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the grid's frequencies, and of those of the bands."""
    frequency = np.fft.rfftfreq(GRID, 1 / sample_rate)
    return np.log(np.maximum(frequency, 1)), np.log(np.geomspace(60, 0.5 * sample_rate, bands))


def measured(response: np.ndarray) -> np.ndarray:
    """Log spectrum of the minimum-phase equivalent of a measured response, smoothed over a twelfth of an octave.

    Parameters
    ----------
    response : np.ndarray [shape=(sample,)]
    """
    size = max(GRID, 2 ** int(np.ceil(np.log2(max(2, len(response))))))
    power = np.abs(np.fft.rfft(response, size)) ** 2
    coarse = np.interp(np.linspace(0, 1, GRID // 2 + 1), np.linspace(0, 1, len(power)), _smooth(power))
    # 40 dB below the mean is where the measurement of a loudspeaker or microphone ends and its noise begins.
    log_magnitude = 0.5 * np.log(np.maximum(coarse, coarse.mean() * 1e-4))
    return minimum_phase(log_magnitude)


def _smooth(power: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(power)])
    index = np.arange(len(power))
    low = np.floor(index * 2 ** (-1 / 24)).astype(int)
    high = np.minimum(np.ceil(index * 2 ** (1 / 24)).astype(int) + 1, len(power))
    return (total[high] - total[low]) / (high - low)


def impulse(log_spectrum: np.ndarray, strength: float) -> np.ndarray:
    """Impulse response of a device at a strength, at unit energy.

    Parameters
    ----------
    log_spectrum : np.ndarray [shape=(GRID // 2 + 1,), complex128]
    strength : float
        Factor on the response in dB; 1 is the device itself.

    Returns
    -------
    np.ndarray [shape=(GRID // 2,), float32]
        The second half of the grid is left out: it holds only what has wrapped round.
    """
    return _impulses(log_spectrum, [strength])[0]


def _impulses(log_spectrum: np.ndarray, strengths: Sequence[float]) -> list[np.ndarray]:
    waves = np.fft.irfft(np.exp(np.array(strengths)[:, None] * log_spectrum))[:, : GRID // 2]
    return [(wave / np.sqrt((wave**2).sum())).astype(np.float32) for wave in waves]


def responses_at(log_spectrum: np.ndarray, strengths: Sequence[float], size: int) -> np.ndarray:
    """The device at several strengths, at the bins of a transform of `size`.

    Returns
    -------
    np.ndarray [shape=(strength, bin), complex64]
    """
    padded = scratch("padded", (len(strengths), size), np.float32)
    for row, wave in zip(padded, _impulses(log_spectrum, strengths), strict=True):
        row[: len(wave)], row[len(wave) :] = wave, 0
    return rfft(padded)


#: Bands and frame of the style statistics.
STYLE_BANDS, STYLE_FRAME = 40, 1024
#: A style never changes a band by more than this many dB, so that silence is not blown up into hiss.
STYLE_LIMIT_DB = 40.0


def frames(waveform: np.ndarray) -> np.ndarray:
    """Short-time spectrum with a square-root Hann window at half overlap, exactly invertible by `joined`.

    Returns
    -------
    np.ndarray [shape=(channel, frame, bin), complex64]
    """
    hop = STYLE_FRAME // 2
    channels, samples = waveform.shape
    count = -(-samples // hop) + 1
    padded = np.zeros((channels, (count + 1) * hop), dtype=np.float32)
    padded[:, hop : hop + samples] = waveform
    view = np.lib.stride_tricks.sliding_window_view(padded, STYLE_FRAME, axis=1)[:, ::hop]
    return rfft(view * _window())


def joined(spectra: np.ndarray, samples: int) -> np.ndarray:
    """Overlap-add of `frames`.

    Examples
    --------
    >>> clip = np.random.default_rng(0).standard_normal((2, 3000)).astype(np.float32)
    >>> bool(np.allclose(joined(frames(clip), 3000), clip, atol=1e-5))
    True
    """
    hop = STYLE_FRAME // 2
    pieces = irfft(spectra, STYLE_FRAME) * _window()
    channels, count, _ = pieces.shape
    out = np.zeros((channels, count + 1, hop), dtype=np.float32)
    out[:, :-1] += pieces[..., :hop]
    out[:, 1:] += pieces[..., hop:]
    return np.ascontiguousarray(out.reshape(channels, -1)[:, hop : hop + samples])


def band_level(spectra: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level in dB of mel-spaced bands over time, all channels together.

    Returns
    -------
    np.ndarray [shape=(frame, band)]
    """
    power = (spectra.real**2 + spectra.imag**2).mean(axis=0)
    edges = band_edges(sample_rate)
    summed = np.add.reduceat(power, edges[:-1], axis=1) / np.diff(edges)
    return 10 * np.log10(summed + 1e-10)


@lru_cache(maxsize=8)
def band_edges(sample_rate: int) -> np.ndarray:
    """First bin of each band and the end of the last: equal steps in mel, at least one bin each."""
    frequency = np.fft.rfftfreq(STYLE_FRAME, 1 / sample_rate)
    band = np.minimum((mel(frequency) / mel(sample_rate / 2) * STYLE_BANDS).astype(int), STYLE_BANDS - 1)
    return np.append(np.unique(band, return_index=True)[1], len(frequency))


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(STYLE_FRAME) / STYLE_FRAME)).astype(np.float32)
