"""Log-mel spectra of a clip with one noise at many levels, from one transform of each.

Up to its power a front end is linear in the waveform, and its mel bands are linear in the power. With C and N the
short-time spectra of clip and noise, the bands of clip + g·noise are those of |C|² + 2g·Re(C·N*) + g²·|N|²: three sets
of bands for all levels, in the place of a transform for each. Up to rounding that is what the front end makes of the
mixed waveform; where clip and noise cancel in a band, the rounding is that of the larger of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from benchbed.adapter.frontend import LogMel


@dataclass(frozen=True)
class ClipSpectrum:
    """A waveform as a front end sees it before it takes the power.

    Attributes
    ----------
    front : LogMel
    spectrum : torch.Tensor [shape=(frame, bin, 2)]
        Real and imaginary parts.
    """

    front: LogMel
    spectrum: torch.Tensor

    @classmethod
    def of(cls, front: LogMel, waveform: torch.Tensor) -> ClipSpectrum:
        """The spectrum of a waveform [shape=(channel, sample)], on the CPU."""
        return cls(front, front.spectra(waveform[None])[0])

    @cached_property
    def bands(self) -> torch.Tensor:
        """Its mel bands [shape=(frame, mel)], with the bits that the front end gives them."""
        return self.front.bands(self.spectrum.square()).T.contiguous()

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.spectrum.nbytes


def mixtures(clip: ClipSpectrum, noise: ClipSpectrum, gains: Sequence[float]) -> torch.Tensor:
    """What a front end gives for clip + gain · noise, at each gain.

    Parameters
    ----------
    clip, noise : ClipSpectrum
        Of one front end and one length.
    gains : sequence of float
        Factors of the noise.

    Returns
    -------
    torch.Tensor [shape=(gain, mel, frame)]

    Examples
    --------
    >>> front, waves = LogMel(8000, 8, n_fft=128, hop_length=64), 0.1 * torch.randn(2, 1, 800)
    >>> clip, noise = (ClipSpectrum.of(front, wave) for wave in waves)
    >>> wanted = front(torch.stack([waves[0], waves[0] + 0.5 * waves[1]]))
    >>> torch.allclose(mixtures(clip, noise, [0.0, 0.5]), wanted, atol=1e-4)
    True
    """
    front, products = clip.front, clip.spectrum * noise.spectrum
    cross = front.rows(products)
    power = front.rows(torch.square(noise.spectrum, out=products))
    factors = torch.tensor(gains, dtype=cross.dtype)[:, None, None]
    mels = torch.addcmul(clip.bands, cross, 2 * factors).addcmul_(power, factors.square())
    # A sum of squares; rounding may bring it below zero where everything cancels.
    return front.levels(mels.clamp_min_(0).transpose(1, 2))
