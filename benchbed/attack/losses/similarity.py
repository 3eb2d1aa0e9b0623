"""Similarities of a clip to all queries: lower those that it answers, alone or against the best of the others.

Scores are cosines `[clip, query]`; the reference is a matrix with 1 where a clip answers a query.
"""

from __future__ import annotations

import torch

from benchbed.attack.twin import Forward
from benchbed.outputs.contract import Heard, Reading


def scores(forward: Forward, reading: Reading, heard: Heard) -> Forward:
    """What the losses climb, of a model's `forward`: similarities, as they are."""
    return forward


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Best similarity to a query that the clip answers above the best to one that it does not.

    Negative where audio to text is wrong.

    Examples
    --------
    >>> margin(torch.tensor([[0.9, 0.5], [0.2, 0.5]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])).tolist()
    [0.3999999761581421, -0.30000001192092896]
    """
    right = target > 0.5
    return _top(scores, right) - _top(scores, ~right)


def lower(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the mean similarity of the pairs of a clip: grows as it fits its own queries worse.

    Examples
    --------
    >>> lower(torch.tensor([[0.75, 0.5]]), torch.tensor([[1.0, 0.0]])).tolist()
    [-0.75]
    """
    right = target > 0.5
    return -(scores * right).sum(1) / right.sum(1).clamp_min(1)


def overtake(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the best other query lies above the best of the clip's own."""
    return -margin(scores, target)


def contrast(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the logarithm of what a clip's own queries have of the softmax over all, at a temperature of 0.07.

    The mean of their own logarithms, which contrastive training has, would rise as one of them overtakes the others.

    Examples
    --------
    >>> round(contrast(torch.tensor([[0.5, 0.5, 0.5, 0.5]]), torch.tensor([[1.0, 0.0, 0.0, 0.0]])).item(), 4)
    1.3863
    """
    right = target > 0.5
    warm = scores / 0.07
    some = right.any(1)
    kept = torch.where(some[:, None], right, torch.ones_like(right))
    return warm.logsumexp(1) - warm.masked_fill(~kept, float("-inf")).logsumexp(1)


def _top(scores: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    some = chosen.any(1)
    kept = torch.where(some[:, None], chosen, torch.ones_like(chosen))
    return scores.masked_fill(~kept, float("-inf")).amax(1) * some


LOSSES = {"contrast": contrast, "lower": lower, "overtake": overtake}
GOALS = {"overtake": ("contrast", "overtake"), "lower": ("lower",)}
DEFAULTS = GOALS["overtake"]
