"""A front end on the left channel, the right one and their difference, one after the other: `[clip, 3, …]`."""

from __future__ import annotations

from typing import Any

import torch

from benchbed.adapter.frontends import FRONT_ENDS
from benchbed.errors import ConfigError


def front_end(inner: str = "log_mel", **options: Any) -> Binaural:
    """Left, right and left − right of two channels.

    Parameters
    ----------
    inner : str
        Front end of each.
    options
        Of the inner one.

    Examples
    --------
    >>> front_end("mfcc_deltas")(torch.zeros(1, 2, 44100)).shape
    torch.Size([1, 3, 61, 51])
    """
    return Binaural(FRONT_ENDS.get(inner).front_end(**options))


class Binaural(torch.nn.Module):
    """Left, right and difference, each through the same front end."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Features `[clip, 3, …]` of waveforms `[clip, 2, sample]`.

        Raises
        ------
        ConfigError
            There are not two channels.
        """
        if waveforms.ndim != 3 or waveforms.shape[1] != 2:
            raise ConfigError(
                f"binaural features of waveforms {list(waveforms.shape)}", hint="two channels: channels=2 in the card"
            )
        left, right = waveforms[:, 0], waveforms[:, 1]
        signals = torch.stack((left, right, left - right), 1)
        made: torch.Tensor = self.inner(signals.flatten(0, 1)[:, None])
        return made.unflatten(0, (len(waveforms), 3))
