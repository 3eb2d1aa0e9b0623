"""Mel-frequency cepstral coefficients as the TensorFlow speech commands models were trained on them.

Keyword spotters exported to TFLite (MLPerf Tiny among them) leave this step outside the file. The definition is that of
`tf.signal`: periodic Hann window, transform of the next power of two, magnitude spectrum, triangles that are linear in
mel (HTK scale, no area normalisation, bin 0 left out), natural logarithm with an offset, orthogonal-like DCT-II.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    """HTK mel of a frequency in Hz, with the constant 1127 of tf.signal."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def mel_triangles(n_mels: int, n_bins: int, sample_rate: int, f_min: float, f_max: float) -> np.ndarray:
    """Weights from linear bins to mel bands, linear in mel, as `tf.signal.linear_to_mel_weight_matrix` defines them.

    Parameters
    ----------
    n_mels, n_bins : int
        Number of bands and of spectrum bins (from 0 Hz to half the sample rate).
    sample_rate : int
        Samples per second.
    f_min, f_max : float
        Lower edge of the first band and upper edge of the last, in Hz.

    Returns
    -------
    np.ndarray [shape=(n_bins, n_mels), float64]

    Examples
    --------
    >>> mel_triangles(40, 257, 16000, 20.0, 4000.0).shape
    (257, 40)
    """
    bins = _mel(np.linspace(0.0, sample_rate / 2, n_bins))[:, None]
    edges = np.linspace(_mel(f_min), _mel(f_max), n_mels + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0
    return weights


@dataclass(frozen=True)
class Mfcc:
    """The speech commands front end: waveforms in, cepstral coefficients out.

    Attributes
    ----------
    sample_rate : int
        Samples per second.
    win_length, hop_length : int
        Window and stride in samples; the defaults are 30 ms and 20 ms at 16 kHz. No padding at the edges.
    n_mels, n_mfcc : int
        Mel bands, and how many of the first coefficients are kept.
    f_min, f_max : float
        Edges of the mel bands in Hz.
    log_offset : float
        Added before the logarithm.
    peak_scaled : bool
        Divide each clip by its largest sample first, as the MLPerf Tiny reference does (its largest value, not its
        largest magnitude). A clip with no positive sample is left as it is.

    Source
    ------
    MLPerf Tiny, benchmark/training/keyword_spotting (window 30 ms, stride 20 ms, 40 bands in 20–4000 Hz, 10
    coefficients); `tf.signal.mfccs_from_log_mel_spectrograms`.

    Examples
    --------
    >>> Mfcc()(np.ones((2, 16000), np.float32)).shape
    (2, 49, 10)
    """

    sample_rate: int = 16000
    win_length: int = 480
    hop_length: int = 320
    n_mels: int = 40
    n_mfcc: int = 10
    f_min: float = 20.0
    f_max: float = 4000.0
    log_offset: float = 1e-6
    peak_scaled: bool = True

    @property
    def n_fft(self) -> int:
        """Length of the transform: the next power of two of the window."""
        return 1 << (self.win_length - 1).bit_length()

    @cached_property
    def _window(self) -> np.ndarray:
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.win_length) / self.win_length)

    @cached_property
    def _mel(self) -> np.ndarray:
        return mel_triangles(self.n_mels, self.n_fft // 2 + 1, self.sample_rate, self.f_min, self.f_max)

    @cached_property
    def _dct(self) -> np.ndarray:
        phase = np.pi / self.n_mels * np.outer(np.arange(self.n_mels) + 0.5, np.arange(self.n_mfcc))
        return 2.0 * np.cos(phase) / np.sqrt(2.0 * self.n_mels)

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        """Coefficients `[clip, frame, coefficient]`, float32, of waveforms `[clip, sample]` in −1…1.

        Raises
        ------
        ValueError
            A clip is shorter than one window.
        """
        audio = np.asarray(waveforms, np.float64)
        if audio.shape[-1] < self.win_length:
            raise ValueError(f"{audio.shape[-1]} samples are shorter than one window of {self.win_length}")
        if self.peak_scaled:
            peak = audio.max(axis=-1, keepdims=True)
            audio = audio / np.where(peak > 0, peak, 1.0)
        frames = np.lib.stride_tricks.sliding_window_view(audio, self.win_length, axis=-1)[..., :: self.hop_length, :]
        magnitude = np.abs(np.fft.rfft(frames * self._window, self.n_fft))
        return (np.log(magnitude @ self._mel + self.log_offset) @ self._dct).astype(np.float32)
