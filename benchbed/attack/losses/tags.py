"""Several classes per clip: hide what is there, insert what is not, or raise or remove one class.

Scores are logits `[clip, class]` (log-odds: 0 is a probability of one half); the reference is a multi-hot matrix.
Softmax cross-entropy has no meaning here and is not offered.
"""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from benchbed.attack.twin import Forward, independent
from benchbed.outputs.align import Alignment
from benchbed.outputs.contract import Heard


def scores(forward: Forward, reading: Alignment, heard: Heard) -> Forward:
    """What the losses climb, of a model's `forward`: log-odds of the answers."""
    return independent(forward, reading)


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


def ranking(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as absent classes overtake present ones: soft maximum of the absent scores minus soft minimum of the
    present ones.

    The logarithm of the sum over all such pairs, after Li, Song and Luo, Improving pairwise ranking for multi-label
    image classification, CVPR 2017, without their constant, with which the gradient vanishes for a confident model.

    Examples
    --------
    >>> round(ranking(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 0.0]])).item(), 4)
    -2.0
    """
    present = target > 0.5
    return _soft_top(scores, ~present) + _soft_top(-scores, present)


def hide_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the mean score of the present classes: hiding them, with a gradient that does not vanish."""
    return _mean(-scores, target > 0.5)


def insert_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Greatest score of an absent class: inserting it, with a gradient that does not vanish; zero without one."""
    absent = target <= 0.5
    top = scores.masked_fill(~absent, float("-inf")).amax(1)
    return torch.where(absent.any(1), top, torch.zeros_like(top))


def towards_class(number: int):
    """Loss that grows as one class is decided wrongly: it appears where it is absent, and disappears where it is there.

    Examples
    --------
    >>> loss = towards_class(1)
    >>> loss(torch.tensor([[0.0, 2.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [-2.0, 2.0]
    """

    def loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.where(target[:, number] > 0.5, -scores[:, number], scores[:, number])

    return loss


def _mean(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    return (values * chosen).sum(1) / chosen.sum(1).clamp_min(1)


def _soft_top(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    some = chosen.any(1)
    # A row without any is given one value, whose gradient is then masked: the logarithm of nothing is −∞.
    kept = torch.where(some[:, None], chosen, torch.ones_like(chosen))
    return values.masked_fill(~kept, float("-inf")).logsumexp(1) * some


LOSSES = {
    "bce": everything,
    "ranking": ranking,
    "margin": negative_margin,
    "hide": hide,
    "hide_margin": hide_margin,
    "insert": insert,
    "insert_margin": insert_margin,
}
GOALS = {
    "everything": ("bce", "ranking"),
    "hide": ("hide", "hide_margin"),
    "insert": ("insert", "insert_margin"),
    "class": ("class",),
}
DEFAULTS = GOALS["everything"]
#: Where decisions count and not ranks: the class nearest to flipping.
BY_RULE = {("everything", "label_set"): ("bce", "margin"), ("everything", "label_f1"): ("bce", "margin")}
