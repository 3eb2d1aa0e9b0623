"""No front end: the network is given the waveform as it is, or levelled, as networks on raw waveforms are."""

from __future__ import annotations

from typing import Literal

import torch

from benchbed.errors import ConfigError


def front_end(level: Literal["none", "peak", "standard"] = "none") -> LevelledWaveform:
    """The waveform `[clip, channel, sample]`.

    Parameters
    ----------
    level : str
        `none`; `peak`, by the largest magnitude of each clip; `standard`, to mean 0 and variance 1 of each clip.

    Examples
    --------
    >>> front_end("peak")(torch.tensor([[[0.1, -0.5]]])).tolist()
    [[[0.20000000298023224, -1.0]]]
    """
    if level not in ("none", "peak", "standard"):
        raise ConfigError(f"unknown level '{level}'", hint="none, peak or standard")
    return LevelledWaveform(level)


class LevelledWaveform(torch.nn.Module):
    """A waveform, levelled clip by clip; silence stays silence."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self.level = level

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The waveforms."""
        if self.level == "none":
            return waveforms
        if self.level == "peak":
            return waveforms / waveforms.abs().amax((1, 2), keepdim=True).clamp_min(1e-8)
        centred = waveforms - waveforms.mean((1, 2), keepdim=True)
        return centred / centred.square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-8)
