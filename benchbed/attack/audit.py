"""Whether a gradient is that of the model: finite differences through `predict`, along it and along random directions.

The slope of a smooth function along a random unit direction across the gradient that was given has the mean square
`‖r‖² / (d − 1)`, where `r` is what that gradient leaves out of the true one. So a few random directions tell how steep
the function is at all, whatever its path for gradients claims: `√(s² + ‖r‖²)`, with `s` the slope along the gradient.
The **ratio** of `s` to that is the cosine between the gradient that was given and the true one: about 1 for a sound
model, about 0 for one whose gradient belongs to something else (shattered, gated, sparse, a foreign `forward`), −1 for
one that is reversed. It does not depend on the gradient's size, which no attack here uses. Directions are taken across
the gradient because what is left for them is nothing where it is right: few of them are enough to tell that.

Steps are tried from the smallest on, and a clip is done once one of them shows a sound gradient: rounded inputs, codecs
and random models are flat or rough below some step, which says nothing against their gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from benchbed.attack.contract import ByClip, Loss
from benchbed.attack.losses import Aimed
from benchbed.attack.threat import norms, per_clip

#: From points, and the numbers of their clips, to one number for each, by way of `predict`.
Told = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

#: Sizes of a step in dB below the clip, the smallest first.
STEPS_DB = (80.0, 60.0, 40.0, 20.0)
#: Random directions of a step.
DIRECTIONS = 4
#: At and above this a gradient is sound, on the median of many clips; at and below the second it is that of something
#: else.
SOUND, MASKED = 0.78, 0.27

#: Random directions of the audit that vouches for a clip while it is attacked, and the least ratio. The shipped CNN and
#: PaSST give 0.99 and more at every budget; a gradient whose cosine to the true one is 0.27 reaches 0.9 with three
#: directions once in three hundred times.
VOUCH_DIRECTIONS, VOUCHED = 3, 0.9


def rival(losses: Any, scores: torch.Tensor) -> Loss:
    """A loss that has a slope wherever the model has one: the distance to the strongest rival class, which is kept
    while the clip is moved; of kinds without one right class the straight loss.

    Parameters
    ----------
    losses : module or Aimed
        Of the output kind.
    scores : Tensor [shape=(clip, class)]
        Answers that tell which class is the rival.
    """
    if isinstance(losses, Aimed) and hasattr(losses, "straight"):
        return losses.straight
    return Towards(losses, scores)


class Towards(ByClip):
    """The score of each clip's strongest rival above that of its own class."""

    def __init__(self, losses: Any, scores: torch.Tensor, chosen: torch.Tensor | None = None) -> None:
        self.losses, self.scores, self.chosen = losses, torch.nan_to_num(scores.detach()), chosen

    def __call__(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        chosen = self.chosen
        if chosen is None:
            chosen = self.losses.others(self.scores, target).argmax(1)
        found: torch.Tensor = self.losses.towards(chosen)(scores, target)
        return found

    def select(self, rows: torch.Tensor) -> Towards:
        """The same for some of the clips."""
        chosen = None if self.chosen is None else self.chosen[rows]
        return Towards(self.losses, self.scores[rows], chosen)


@dataclass(frozen=True)
class Audit:
    """What finite differences say about the gradients of some clips.

    Attributes
    ----------
    ratio : Tensor [shape=(clip,)]
        Slope along the gradient over the steepness of the model: the greatest over all steps that were tried; NaN
        where the model answered the same to everything, or without a number.
    queries : int
        Answers that it took.
    steep : Tensor [shape=(clip,)]
        Steepness of the model at the step of that ratio.
    """

    ratio: torch.Tensor
    queries: int
    steep: torch.Tensor


def audit(
    told: Told,
    points: torch.Tensor,
    gradient: torch.Tensor,
    directions: Sequence[torch.Tensor],
    sizes: torch.Tensor,
    steps: Sequence[float] = STEPS_DB,
) -> Audit:
    """Hold gradients against central differences.

    Parameters
    ----------
    told : callable
        `(points, rows) → [clip]`: what is differentiated, asked through the path that is scored.
    points, gradient : Tensor [shape=(clip, …)]
        Where, and the gradient that is claimed there.
    directions : sequence of Tensor [shape=(clip, …)]
        Random directions, of any size.
    sizes : Tensor [shape=(clip,)]
        Euclidean norm that steps are measured against, that of the clips.
    steps : sequence of float
        In dB below `sizes`.

    Examples
    --------
    >>> weight = torch.linspace(-1, 1, 200)
    >>> told = lambda x, rows: (x[:, 0] @ weight).tanh()
    >>> points, drawn = 0.01 * torch.ones(1, 1, 200), torch.Generator().manual_seed(0)
    >>> directions = [torch.randn(1, 1, 200, generator=drawn) for _ in range(64)]
    >>> ratios = [audit(told, points, s * weight[None, None], directions, torch.ones(1)).ratio for s in (1, -1)]
    >>> [round(ratio.item()) for ratio in ratios]
    [1, -1]
    """
    count, device = len(points), points.device
    best = torch.full((count,), float("nan"), dtype=torch.float64, device=device)
    steepest = torch.zeros_like(best)
    queries = 0
    dimensions = points[0].numel()
    for step in steps:
        rows = (~(best >= SOUND)).nonzero()[:, 0]
        if not len(rows):
            break
        reach = sizes[rows] * 10 ** (-step / 20)
        own = gradient[rows]
        aside = [across(direction[rows], own) for direction in directions]
        along, *slopes = [slope(told, rows, points[rows], direction, reach) for direction in (own, *aside)]
        queries += 2 * len(rows) * (1 + len(slopes))
        steep = (along.square() + (dimensions - 1) * torch.stack(slopes).square().mean(0)).sqrt()
        ratio = torch.where(steep > 0, along / steep.clamp_min(1e-300), torch.nan)
        # A gradient of zero has no direction: whatever the model does, it was not told.
        ratio = torch.where(norms(own, "l2") > 0, ratio, torch.where(steep > 0, 0.0, torch.nan))
        better = ~(ratio <= best[rows]) & ~ratio.isnan()
        best[rows[better]], steepest[rows[better]] = ratio[better], steep[better]
    return Audit(best, queries, steepest)


def across(direction: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """What a direction `[clip, …]` has across a gradient; all of it where there is none.

    Examples
    --------
    >>> across(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])).tolist()
    [[3.0, 0.0]]
    """
    flat, along = direction.double().flatten(1), gradient.double().flatten(1)
    share = (flat * along).sum(1) / along.square().sum(1).clamp_min(1e-300)
    return (flat - share[:, None] * along).view_as(direction)


def slope(
    told: Told, rows: torch.Tensor, points: torch.Tensor, direction: torch.Tensor, reach: torch.Tensor
) -> torch.Tensor:
    """Central difference of `told` along a direction of any size, by steps of the Euclidean norm `reach` `[clip]`.

    Examples
    --------
    >>> points, rows = torch.zeros(1, 1, 4), torch.arange(1)
    >>> slope(lambda x, rows: 3 * x[:, 0, 0], rows, points, torch.tensor([[[5.0, 0, 0, 0]]]), torch.ones(1)).tolist()
    [3.0]
    """
    size = norms(direction.double(), "l2").clamp_min(1e-300)
    moved = (direction.double() * per_clip(reach.double() / size, direction)).to(points)
    # What was really added: float32 rounds small steps.
    up, down = points + moved, points - moved
    width = norms((up.double() - down.double()), "l2").clamp_min(1e-300)
    return (told(up, rows).double() - told(down, rows).double()) / width
