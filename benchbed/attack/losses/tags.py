"""Several classes per clip: hide what is there, insert what is not, or raise or remove one class.

Scores are logits `[clip, class]` (log-odds: 0 is a probability of one half); the reference is a multi-hot matrix.
Softmax cross-entropy has no meaning here and is not offered.
"""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Smallest distance of any class from its decision boundary; negative where the label set has changed.

    Examples
    --------
    >>> margin(torch.tensor([[2.0, -0.5], [2.0, 0.5]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])).tolist()
    [0.5, -0.5]
    """
    return torch.where(target > 0.5, scores, -scores).amin(1)


def everything(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy over all classes."""
    return bce(scores, target.to(scores), reduction="none").mean(1)


def hide(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as the present classes disappear; zero for a clip without any."""
    return _mean(bce(scores, torch.ones_like(scores), reduction="none"), target > 0.5)


def insert(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as absent classes appear."""
    return _mean(bce(scores, torch.zeros_like(scores), reduction="none"), target <= 0.5)


def negative_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The class nearest to flipping."""
    return -margin(scores, target)


def towards(wanted: torch.Tensor, *, present: bool = True):
    """Loss that grows as class `wanted` `[clip]` appears, or with `present=False` disappears."""

    def loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        own = scores.gather(1, wanted[:, None])[:, 0]
        return own if present else -own

    return loss


def _mean(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    return (values * chosen).sum(1) / chosen.sum(1).clamp_min(1)


LOSSES = {"bce": everything, "hide": hide, "insert": insert, "margin": negative_margin}
DEFAULTS = ("bce", "margin")
