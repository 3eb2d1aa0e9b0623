"""Log-mel spectrograms of every channel by itself: what sounds, and how loud each channel hears it."""

from __future__ import annotations

import torch

from benchbed.adapter.mel import mel_filters
from benchbed.adapter.spatial.spectra import decibels, power
from benchbed.errors import ConfigError


class ChannelMels(torch.nn.Module):
    """Spectra to log-mel spectrograms in decibels, with the filters of librosa (Slaney's scale and norm).

    Parameters
    ----------
    sample_rate, n_fft, n_mels : int
        Of the spectra, and bands.
    top_db : float, optional
        Values so far below the loudest of the recording are raised to that. The DCASE baselines have 80; a recording's
        features then depend on its loudest moment, and those of an excerpt are others.
    together : bool
        The loudest is that of all channels (the baseline of 2025), not of each.

    Examples
    --------
    >>> spectra = torch.ones(1, 4, 10, 513, dtype=torch.complex64)
    >>> ChannelMels(24000, 1024, 64)(spectra).shape
    torch.Size([1, 4, 10, 64])
    """

    filters: torch.Tensor

    def __init__(
        self, sample_rate: int, n_fft: int, n_mels: int, *, top_db: float | None = 80.0, together: bool = False
    ) -> None:
        super().__init__()
        if top_db is not None and top_db <= 0:
            raise ConfigError(f"top_db of {top_db:g}", hint="decibels below the loudest, above 0, or None")
        self.top_db, self.together = top_db, together
        filters = mel_filters(sample_rate, n_fft, n_mels, scale="slaney", norm="slaney")
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Decibels [clip, channel, frame, mel] of spectra [clip, channel, frame, bin]."""
        powers = power(spectra)
        levels = decibels(powers @ self.filters.to(powers.dtype).T)
        if self.top_db is None:
            return levels
        loudest = levels.amax((1, 2, 3) if self.together else (2, 3), keepdim=True)
        return torch.maximum(levels, loudest - self.top_db)
