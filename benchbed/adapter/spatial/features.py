"""Front ends of systems that localise sounds: one transform of every channel, and what is read from it, stacked."""

from __future__ import annotations

from typing import Literal

import torch

from benchbed.adapter.spatial.channel_mels import ChannelMels
from benchbed.adapter.spatial.gcc_phat import GccPhat
from benchbed.adapter.spatial.intensity import IntensityVectors, Norm
from benchbed.adapter.spatial.salsa_lite import SalsaLite
from benchbed.adapter.spatial.spectra import channel_spectra
from benchbed.errors import ConfigError, did_you_mean

FeatureName = Literal["logmel", "logmel_iv", "logmel_gcc", "salsa_lite"]
#: Name → what it is, for records.
FEATURES: dict[str, str] = {
    "logmel": "log-mel of each channel",
    "logmel_iv": "log-mel of each channel and intensity vectors",
    "logmel_gcc": "log-mel of each channel and GCC-PHAT of each pair",
    "salsa_lite": "SALSA-Lite",
}


class SpatialFeatures(torch.nn.Module):
    """Waveforms of several channels to the maps that a network convolves.

    Parameters
    ----------
    name : {"logmel", "logmel_iv", "logmel_gcc", "salsa_lite"}
        What is stacked: log-mel spectrograms of each channel alone; with intensity vectors, for first-order Ambisonics;
        with GCC-PHAT, for microphones; or SALSA-Lite, for microphones.
    sample_rate : int
        Samples per second.
    channels : int
        Channels of the waveforms.
    n_mels : int
        Bands, and lags of the correlations.
    n_fft, win_length, hop_length : int
        Samples of a transform, its window (Hann) and the way to the next.
    top_db : float, optional
        See `ChannelMels`.
    together : bool
        See `ChannelMels`.
    norm, order : str
        See `IntensityVectors`.
    pad_mode, trimmed
        See `channel_spectra`.

    Attributes
    ----------
    maps : int
        Channels of the result.
    bands : int
        Its bands.

    Examples
    --------
    >>> front = SpatialFeatures("logmel_iv")
    >>> front(torch.zeros(1, 4, 24000)).shape, front.maps, front.bands
    (torch.Size([1, 7, 50, 64]), 7, 64)
    """

    window: torch.Tensor

    def __init__(
        self,
        name: FeatureName,
        *,
        sample_rate: int = 24000,
        channels: int = 4,
        n_mels: int = 64,
        n_fft: int = 1024,
        win_length: int = 960,
        hop_length: int = 480,
        top_db: float | None = 80.0,
        together: bool = False,
        norm: Norm = "energy",
        order: Literal["yzx", "xyz"] = "yzx",
        pad_mode: str = "constant",
        trimmed: bool = True,
    ) -> None:
        super().__init__()
        if name not in FEATURES:
            hint = did_you_mean(name, FEATURES) or f"known: {', '.join(FEATURES)}"
            raise ConfigError(f"unknown features '{name}'", hint=hint)
        if not 0 < win_length <= n_fft or hop_length < 1:
            raise ConfigError(
                f"a window of {win_length} in a transform of {n_fft} samples, hop {hop_length}, is no STFT"
            )
        if pad_mode not in ("constant", "reflect"):
            raise ConfigError(f"unknown padding '{pad_mode}'", hint="constant or reflect")
        if name == "logmel_iv" and channels != 4:
            raise ConfigError(f"intensity vectors need 4 channels W, Y, Z, X, got {channels}")
        self.name, self.sample_rate, self.channels = name, sample_rate, channels
        self.n_fft, self.hop_length, self.pad_mode, self.trimmed = n_fft, hop_length, pad_mode, trimmed
        window = torch.hann_window(win_length, periodic=True, dtype=torch.float64)
        self.register_buffer("window", window, persistent=False)
        mels = ChannelMels(sample_rate, n_fft, n_mels, top_db=top_db, together=together)
        self.maps, self.bands = channels, n_mels
        self.parts = torch.nn.ModuleList([mels])
        if name == "logmel_iv":
            self.parts.append(IntensityVectors(sample_rate, n_fft, n_mels, norm=norm, order=order))
            self.maps = channels + 3
        elif name == "logmel_gcc":
            self.parts.append(GccPhat(n_mels))
            self.maps = channels + channels * (channels - 1) // 2
        elif name == "salsa_lite":
            salsa = SalsaLite(sample_rate, n_fft)
            self.parts = torch.nn.ModuleList([salsa])
            self.maps, self.bands = 2 * channels - 1, salsa.bins

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Maps [clip, map, frame, band] of waveforms [clip, channel, sample].

        Raises
        ------
        ConfigError
            Another number of channels.
        """
        if waveforms.ndim != 3 or waveforms.shape[1] != self.channels:
            raise ConfigError(
                f"waveforms of shape {list(waveforms.shape)}, features '{self.name}' of {self.channels} channels",
                hint="[clip, channel, sample]",
            )
        spectra = channel_spectra(
            waveforms,
            self.window,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            pad_mode=self.pad_mode,
            trimmed=self.trimmed,
        )
        return torch.cat([part(spectra) for part in self.parts], 1)
