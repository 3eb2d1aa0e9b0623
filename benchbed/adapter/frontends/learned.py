"""Filters on the raw waveform that are learnt with the network: a strided convolution `[clip, filter, frame]`."""

from __future__ import annotations

import torch

from benchbed.errors import ConfigError


def front_end(filters: int = 128, receptive: int = 80, stride: int = 4, norm: bool = True) -> torch.nn.Sequential:
    """A convolution over samples, batch normalisation and ReLU, as raw-waveform networks begin.

    At 8 kHz the default looks at 10 ms every 0.5 ms (Dai et al., ICASSP 2017). Its weights are part of the network's.

    Parameters
    ----------
    filters, receptive, stride : int
        Number of filters, their length in samples, and samples from one frame to the next.
    norm : bool
        Batch normalisation, without a bias of the convolution; a bias in its place otherwise.

    Examples
    --------
    >>> front_end()(torch.zeros(1, 1, 8000)).shape
    torch.Size([1, 128, 2000])
    """
    if min(filters, receptive, stride) < 1 or stride > receptive:
        raise ConfigError(
            f"{filters} filters of {receptive} samples every {stride}", hint="from 1 up, stride at most the length"
        )
    padding = (receptive - stride + 1) // 2
    conv = torch.nn.Conv1d(1, filters, receptive, stride, padding, bias=not norm)
    return torch.nn.Sequential(conv, torch.nn.BatchNorm1d(filters) if norm else torch.nn.Identity(), torch.nn.ReLU())
