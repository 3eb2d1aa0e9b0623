"""One class per clip: cross-entropy and margin, untargeted or towards a class.

Scores are logits or logarithms of probabilities `[clip, class]`: both losses are the same for either.
The margin is neither divided by other scores nor needs three classes, so it serves any class count from two.
"""

from __future__ import annotations

import torch

from benchbed.attack.twin import Forward, exclusive
from benchbed.outputs.align import Alignment
from benchbed.outputs.contract import Heard


def scores(forward: Forward, reading: Alignment, heard: Heard) -> Forward:
    """What the losses climb, of a model's `forward`: its order of classes is that of the answers."""
    return exclusive(forward, reading)


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Score of the reference class minus the best other; negative where the answer is wrong.

    Examples
    --------
    >>> margin(torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0])).tolist()
    [1.5]
    """
    own = scores.gather(1, target[:, None])[:, 0]
    return own - others(scores, target).amax(1)


def others(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Scores with the reference class at −∞."""
    return scores.scatter(1, target[:, None], float("-inf"))


def cross_entropy(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Negative logarithm of the reference class's probability."""
    return torch.nn.functional.cross_entropy(scores, target, reduction="none")


def negative_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Best other score minus the reference's: its gradient does not vanish for confident models."""
    return -margin(scores, target)


def towards(wanted: torch.Tensor):
    """Loss that grows as class `wanted` `[clip]` overtakes the reference.

    Examples
    --------
    >>> towards(torch.tensor([2]))(torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0])).tolist()
    [-3.0]
    """

    def loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return scores.gather(1, wanted[:, None])[:, 0] - scores.gather(1, target[:, None])[:, 0]

    return loss


LOSSES = {"ce": cross_entropy, "margin": negative_margin}
GOALS = {"wrong": ("ce", "margin")}
DEFAULTS = GOALS["wrong"]
#: One class is right and every other wrong: targeted attacks, and those of other packages, mean something here.
EXCLUSIVE = True
