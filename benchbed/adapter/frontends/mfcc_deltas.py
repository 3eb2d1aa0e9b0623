"""Cepstral coefficients with their first and second differences over time: 61 of them in the default setting.

The setting is that of the DCASE 2016 system of Eghbal-Zadeh et al., which later comparisons of scene classifiers took
over: 20 ms windows; 23 coefficients without the zeroth, differences of the first 18, and second differences of the
first 20 with the zeroth, each over 60 ms, which makes 23 + 18 + 20 = 61. How far apart windows were is not stated:
20 ms here, so that 60 ms are three of them.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from benchbed.adapter.frontend import LogMel
from benchbed.errors import ConfigError


def front_end(
    sample_rate: int = 44100,
    n_mels: int = 40,
    static: int = 23,
    delta: int = 18,
    double_delta: int = 20,
    zeroth: bool = False,
    win_seconds: float = 0.02,
    hop_seconds: float = 0.02,
    reach: int = 1,
    **options: Any,
) -> MfccDeltas:
    """Coefficients `[clip, coefficient, frame]`: static ones, then differences, then second differences.

    Parameters
    ----------
    sample_rate, n_mels : int
        Rate in Hz, and mel bands behind the coefficients.
    static, delta, double_delta : int
        How many there are of each.
    zeroth : bool
        Whether the static ones begin with the zeroth; differences always do.
    win_seconds, hop_seconds : float
        Window and hop.
    reach : int
        Frames on either side that a difference is a regression over.
    options
        Of `LogMel`, for the mel bands.

    Raises
    ------
    ConfigError
        More coefficients than mel bands.

    Examples
    --------
    >>> front_end()(torch.zeros(1, 1, 44100)).shape
    torch.Size([1, 61, 51])
    """
    needed = max(static + (not zeroth), delta, double_delta)
    if needed > n_mels or min(static, delta, double_delta) < 0 or reach < 1:
        raise ConfigError(
            f"{needed} cepstral coefficients of {n_mels} mel bands, differences over {reach} frames",
            hint="n_mels at least as many as coefficients, reach from 1 up",
        )
    win, hop = round(sample_rate * win_seconds), round(sample_rate * hop_seconds)
    settings: dict[str, Any] = {
        "n_fft": 1 << (win - 1).bit_length(),
        "win_length": win,
        "hop_length": hop,
        "mel_scale": "slaney",
        "norm": "slaney",
        "log": "db",
        "floor": 1e-10,
        "pad_mode": "constant",
    }
    return MfccDeltas(
        LogMel(sample_rate, n_mels, **{**settings, **options}), static, delta, double_delta, zeroth, reach
    )


class MfccDeltas(torch.nn.Module):
    """An orthonormal DCT-II over mel bands, and regressions over time that repeat the first and last frame."""

    dct: torch.Tensor

    def __init__(self, mel: LogMel, static: int, delta: int, double_delta: int, zeroth: bool, reach: int) -> None:
        super().__init__()
        self.mel, self.static, self.delta, self.double_delta = mel, static, delta, double_delta
        self.zeroth, self.reach = zeroth, reach
        bands = torch.arange(mel.n_mels, dtype=torch.float64)
        order = torch.arange(max(static + (not zeroth), delta, double_delta), dtype=torch.float64)
        matrix = torch.cos(math.pi / mel.n_mels * (bands + 0.5) * order[:, None]) * math.sqrt(2 / mel.n_mels)
        matrix[0] /= math.sqrt(2)
        self.register_buffer("dct", matrix.float(), persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Coefficients `[clip, coefficient, frame]` of waveforms `[clip, channel, sample]`."""
        cepstra = self.dct.to(waveforms.dtype) @ self.mel(waveforms)
        first = regression(cepstra[:, : max(self.delta, self.double_delta)], self.reach)
        second = regression(first[:, : self.double_delta], self.reach)
        start = 0 if self.zeroth else 1
        return torch.cat((cepstra[:, start : start + self.static], first[:, : self.delta], second), 1)


def regression(features: torch.Tensor, reach: int) -> torch.Tensor:
    """Slope per frame `[clip, feature, frame]` over `reach` frames on either side (Young et al., The HTK Book).

    Examples
    --------
    >>> regression(torch.tensor([[[0.0, 1.0, 2.0, 3.0]]]), 1)[0, 0].tolist()
    [0.5, 1.0, 1.0, 0.5]
    """
    padded = torch.nn.functional.pad(features, (reach, reach), mode="replicate")
    frames = features.shape[-1]
    total = torch.zeros_like(features)
    for step in range(1, reach + 1):
        ahead, behind = padded[..., reach + step :][..., :frames], padded[..., reach - step :][..., :frames]
        total = total + step * (ahead - behind)
    return total / (2 * sum(step * step for step in range(1, reach + 1)))
