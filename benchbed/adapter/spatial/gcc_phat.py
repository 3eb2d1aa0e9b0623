"""Generalised cross-correlation with phase transform of every pair of microphones: when sound reaches which first."""

from __future__ import annotations

from itertools import combinations

import torch

from benchbed.adapter.spatial.spectra import directed
from benchbed.errors import ConfigError


class GccPhat(torch.nn.Module):
    """Spectra of microphones to their cross-correlations, whitened, at the lags about zero.

    Parameters
    ----------
    lags : int
        Lags that are kept, half of them negative; the baselines keep as many as there are mel bands, so that both
        stack. Lag 0 is at index `lags` // 2. A peak at lag +n says that the first of a pair hears the sound n samples
        before the second.

    Notes
    -----
    Of a bin without energy in either microphone the phase is taken to be zero.

    Examples
    --------
    The second hears the same three samples later.

    >>> window = torch.hann_window(64)
    >>> sound = torch.sin(torch.arange(256.0).square())
    >>> pair = torch.stack([sound, sound.roll(3)])
    >>> spectra = torch.stft(pair, 64, 16, 64, window, return_complex=True).transpose(1, 2)[None]
    >>> made = GccPhat(16)(spectra)
    >>> made.shape, int(made.mean((0, 1, 2)).argmax()) - 8
    (torch.Size([1, 1, 17, 16]), 3)
    """

    def __init__(self, lags: int = 64) -> None:
        super().__init__()
        if lags < 2 or lags % 2:
            raise ConfigError(f"{lags} lags", hint="an even number, half of them negative")
        self.lags = lags

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Correlations [clip, pair, frame, lag] of spectra [clip, microphone, frame, bin].

        Raises
        ------
        ConfigError
            Fewer than two microphones, or more lags than the transform has.
        """
        pairs = list(combinations(range(spectra.shape[1]), 2))
        if not pairs:
            raise ConfigError(f"correlations need at least 2 channels, got {spectra.shape[1]}")
        if self.lags > 2 * (spectra.shape[-1] - 1):
            raise ConfigError(f"{self.lags} lags of a transform of {2 * (spectra.shape[-1] - 1)} samples")
        first, second = (spectra[:, [pair[side] for pair in pairs]] for side in (0, 1))
        real = first.real * second.real + first.imag * second.imag
        imag = first.real * second.imag - first.imag * second.real
        real, imag = directed(real, imag)
        length = (real.square() + imag.square()).sqrt()
        correlations = torch.fft.irfft(torch.complex(real / length, imag / length), dim=-1)
        half = self.lags // 2
        return torch.cat([correlations[..., -half:], correlations[..., :half]], -1)
