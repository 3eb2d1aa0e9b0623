"""A number per clip: make the error large, or count more, or fewer, than there are.

Scores are counts `[clip, 1]` as the model gives them; the reference is the true count `[clip, 1]`.
"""

from __future__ import annotations

import torch

from benchbed.attack.twin import Forward
from benchbed.outputs.contract import Heard, Reading


def scores(forward: Forward, reading: Reading, heard: Heard) -> Forward:
    """What the losses climb, of a model's `forward`: counts `[clip, 1]`."""
    return lambda waveforms: forward(waveforms).reshape(len(waveforms), 1)


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the error lies below the count itself, of one at least; negative where it is larger.

    Examples
    --------
    >>> margin(torch.tensor([[12.0], [25.0]]), torch.tensor([[10.0], [10.0]])).tolist()
    [8.0, -5.0]
    """
    return target.clamp_min(1.0)[:, 0] - absolute(scores, target)


def absolute(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The absolute error `[clip]`."""
    return (scores - target).abs()[:, 0]


def squared(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The squared error beside the count `[clip]`; it has no slope where the answer is right."""
    return ((scores - target) / target.clamp_min(1.0)).square()[:, 0]


def more(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The count itself: grows as more are counted than there are."""
    return scores[:, 0] - target[:, 0]


def fewer(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as fewer are counted than there are."""
    return target[:, 0] - scores[:, 0]


LOSSES = {"squared": squared, "absolute": absolute, "more": more, "fewer": fewer}
GOALS = {"error": ("squared", "absolute"), "more": ("more",), "fewer": ("fewer",)}
DEFAULTS = GOALS["error"]
