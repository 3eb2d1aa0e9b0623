"""SALSA-Lite: log-power spectrograms beside phase differences between microphones, divided by frequency.

T. N. T. Nguyen, D. L. Jones, K. N. Watcharasupat, H. Phan, W.-S. Gan: SALSA-Lite: a fast and effective feature for
polyphonic sound event localization and detection with microphone arrays, ICASSP 2022.
"""

from __future__ import annotations

import math

import torch

from benchbed.adapter.spatial.spectra import decibels, directed, power
from benchbed.errors import ConfigError

#: Metres per second.
SOUND = 343.0


class SalsaLite(torch.nn.Module):
    """Spectra of microphones to log power of each and distances to the first that their phases speak of, in metres.

    Parameters
    ----------
    sample_rate, n_fft : int
        Of the spectra.
    low, high : float
        Hz between which phases tell the direction; above, that is, where an array of this size is ambiguous, they are
        set to zero.
    top : float
        Hz at which the spectra are cut.
    exact : bool
        Zero the phases from `high` on. The authors and the DCASE baselines count the bin of `high` from the lowest one
        that is kept, so that a few more (one at 512 samples, two at 1024) stay; their weights were trained so, and it
        is the default.

    Examples
    --------
    >>> SalsaLite(24000, 1024)(torch.ones(1, 4, 10, 513, dtype=torch.complex64)).shape
    torch.Size([1, 7, 10, 382])
    """

    metres: torch.Tensor

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        *,
        low: float = 50.0,
        high: float = 2000.0,
        top: float = 9000.0,
        exact: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= low < high <= top <= sample_rate / 2:
            raise ConfigError(
                f"phases from {low:g} to {high:g} Hz of spectra up to {top:g} Hz", hint="low < high <= top <= rate / 2"
            )
        self.first = max(1, math.floor(low * n_fft / sample_rate))
        self.last = math.floor(top * n_fft / sample_rate)
        spoken = math.floor(high * n_fft / sample_rate) - (self.first if exact else 0)
        bins = torch.arange(self.first, self.last, dtype=torch.float64)
        metres = n_fft * SOUND / (2 * math.pi * sample_rate * bins)
        metres[spoken:] = 0
        self.register_buffer("metres", metres, persistent=False)

    @property
    def bins(self) -> int:
        """Bins that are kept."""
        return self.last - self.first

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Decibels of each microphone, then metres of all but the first [clip, 2 · microphone − 1, frame, bin].

        Raises
        ------
        ConfigError
            Fewer than two microphones.
        """
        if spectra.shape[1] < 2:
            raise ConfigError(f"phase differences need at least 2 channels, got {spectra.shape[1]}")
        kept = spectra[..., self.first : self.last]
        first, others = kept[:, :1], kept[:, 1:]
        real = others.real * first.real + others.imag * first.imag
        imag = others.imag * first.real - others.real * first.imag
        real, imag = directed(real, imag)
        phase = torch.atan2(imag, real)
        return torch.cat([decibels(power(kept)), phase * self.metres.to(phase.dtype)], 1)
