"""Kaldi's filter banks `[clip, mel, frame]` without dither: 25 ms every 10 ms, pre-emphasis, natural logarithm."""

from __future__ import annotations

from typing import Any

from benchbed.adapter.frontend import LogMel


def front_end(sample_rate: int = 16000, n_mels: int = 128, **options: Any) -> LogMel:
    """Kaldi's `fbank`, for waveforms in −1…1; `scale=32768` gives what Kaldi makes of 16-bit samples.

    Parameters
    ----------
    sample_rate, n_mels : int
    options
        Of `LogMel.kaldi`: `window` (Kaldi's is `povey`, AST's `hann`), `fmin`, `fmax`, `center`, ….

    Examples
    --------
    >>> import torch
    >>> front_end(16000, 80, window="hann")(torch.zeros(1, 1, 16000)).shape
    torch.Size([1, 80, 98])
    """
    return LogMel.kaldi(sample_rate, n_mels, **options)
