"""Log-mel spectrogram `[clip, mel, frame]`, in any of the conventions of `benchbed.adapter.frontend.LogMel`."""

from __future__ import annotations

from typing import Any

from benchbed.adapter.frontend import LogMel


def front_end(sample_rate: int = 32000, n_mels: int = 128, **options: Any) -> LogMel:
    """Log-mel spectrogram.

    Parameters
    ----------
    sample_rate, n_mels : int
    options
        Of `LogMel`: `mel_scale` (htk, slaney, kaldi), `norm`, `window`, `power`, `log`, `offset`, ….

    Examples
    --------
    >>> import torch
    >>> front_end(16000, 40, mel_scale="slaney", norm="slaney", log="db")(torch.zeros(1, 1, 16000)).shape
    torch.Size([1, 40, 51])
    """
    return LogMel(sample_rate, n_mels, **options)
