"""The integer front end of BioDCASE-Tiny: 16-bit windows, a fixed-point transform, mel sums, roots and logarithms.

What runs on the microcontroller, to the bit: 4,096 samples every 512 at 24 kHz, 40 bands from 125 to 7,500 Hz.
"""

from __future__ import annotations

from typing import Any

import torch

from benchbed.adapter.integer_mel import IntegerMel


def front_end(**options: Any) -> IntegerMelModule:
    """Integer mel image `[clip, mel, frame]`, brought to 0…1 in each clip; it has no gradient.

    Parameters
    ----------
    options
        Of `benchbed.adapter.integer_mel.IntegerMel`.

    Examples
    --------
    >>> front_end()(torch.zeros(1, 1, 72000)).shape
    torch.Size([1, 40, 133])
    """
    return IntegerMelModule(IntegerMel(**options))


class IntegerMelModule(torch.nn.Module):
    """The integer front end as a module."""

    def __init__(self, rule: IntegerMel) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Images of waveforms `[clip, channel, sample]`; channels are averaged."""
        signal = waveforms.detach().mean(1).cpu().numpy()
        return torch.from_numpy(self.rule.images(signal)).to(waveforms.device)
