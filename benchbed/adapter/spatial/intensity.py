"""Acoustic intensity of first-order Ambisonics in mel bands: where the energy of each band flows to."""

from __future__ import annotations

from typing import Literal

import torch

from benchbed.adapter.mel import mel_filters
from benchbed.adapter.spatial.spectra import power
from benchbed.errors import ConfigError, did_you_mean

#: What the intensity is divided by → the years whose baseline does so.
Norm = Literal["intensity", "half", "energy"]
NORMS: dict[str, str] = {"intensity": "2020", "half": "2021", "energy": "2022 to 2024"}
#: Keeps silence from being divided by.
EPS = 1e-8


class IntensityVectors(torch.nn.Module):
    """Spectra of W, Y, Z, X (ACN) to intensity vectors in mel bands.

    The intensity of a bin is the real part of conj(W) times each of the other channels. It is divided by a measure of
    the bin's energy, and the quotients are gathered by the mel filters, so that a loud bin counts no more than a quiet
    one of the same band.

    Parameters
    ----------
    sample_rate, n_fft, n_mels : int
        Of the spectra, and bands.
    norm : {"energy", "half", "intensity"}
        What each bin is divided by: `energy` is |W|² + (|X|² + |Y|² + |Z|²) / 3, `half` is (|W|² + |X|² + |Y|² +
        |Z|²) / 2, and `intensity` the length of the intensity itself, which leaves directions alone.
    order : {"yzx", "xyz"}
        Order of the three: that of the channels (2022 and after), or x, y, z (2020 and 2021).

    Examples
    --------
    A plane wave from the front: W and X are equal, and X alone flows.

    >>> wave = torch.ones(1, 1, 5, 513, dtype=torch.complex64)
    >>> front = torch.cat([wave, 0 * wave, 0 * wave, wave], 1)
    >>> made = IntensityVectors(24000, 1024, 8, norm="half")(front)
    >>> bool((made[:, :2] == 0).all()), bool((made[:, 2] > 0).all())
    (True, True)
    """

    filters: torch.Tensor

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        n_mels: int,
        *,
        norm: Norm = "energy",
        order: Literal["yzx", "xyz"] = "yzx",
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise ConfigError(f"unknown norm '{norm}'", hint=did_you_mean(norm, NORMS) or f"known: {', '.join(NORMS)}")
        if order not in ("yzx", "xyz"):
            raise ConfigError(f"unknown order '{order}'", hint="yzx or xyz")
        self.norm, self.order = norm, order
        filters = mel_filters(sample_rate, n_fft, n_mels, scale="slaney", norm="slaney")
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Intensity [clip, 3, frame, mel] of spectra [clip, 4, frame, bin].

        Raises
        ------
        ConfigError
            Not four channels.
        """
        if spectra.shape[1] != 4:
            raise ConfigError(f"intensity vectors need 4 channels W, Y, Z, X, got {spectra.shape[1]}")
        omni, others = spectra[:, :1], spectra[:, 1:]
        flow = omni.real * others.real + omni.imag * others.imag
        if self.norm == "intensity":
            energy = (flow.square().sum(1, keepdim=True)).clamp_min(1e-30).sqrt()
        elif self.norm == "half":
            energy = power(spectra).sum(1, keepdim=True) / 2
        else:
            energy = power(omni) + power(others).sum(1, keepdim=True) / 3
        made = (flow / (energy + EPS)) @ self.filters.to(flow.dtype).T
        return made if self.order == "yzx" else made[:, [2, 0, 1]]
