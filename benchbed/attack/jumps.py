"""Whether a model jumps: the mean gradient under noise against differences of the mean loss under the same noise.

A function without jumps, however bent, has a mean under noise whose slope is its mean slope. Where it jumps (a gate, a
threshold, a switch), part of the mean's slope comes from the jumps, which no gradient of a single point tells: each is
right where it is taken, finite differences of small steps agree with it, and an attack that follows it is blind to what
lies behind the next jump. Noise and steps here are of the size of the budget, within which an attack moves.

On the shipped CNN, tiny PaSST and a network of tones at 60 to 20 dB the share of the mean's slope that the mean
gradient tells is 0.98 and more, and the rise along it no steeper than the gradient says; a spectral gate before that
network gives 0.1 to 0.5 on half of the clips, and on most of the others a rise of 1.5 to 50 times what its gradient
says. At budgets far beyond what breaks it a bent model can look like one that jumps (CP-Mobile at 20 dB, by long steps,
on two of four clips), so the mildest budget of a condition is the place to ask.
"""

from __future__ import annotations

import torch

from benchbed.attack.audit import SOUND, across, rival, slope
from benchbed.attack.contract import ByClip, Problem
from benchbed.attack.descent import sliced_gradient
from benchbed.attack.threat import norms

#: Draws of noise, random directions, and steps as shares of the budget, each of which must tell a jump: what only a
#: long step tells may be a bend.
DRAWS, DIRECTIONS, STEPS = 8, 2, (0.3, 0.1)
#: Rise along the mean gradient over what that gradient says, above which something else rises too. Bent functions give
#: less than one, since steps of that size go round the bend.
STEEPER = 1.5


def jumps(problem: Problem) -> torch.Tensor:
    """Clips `[clip]` near which the model's loss jumps.

    Parameters
    ----------
    problem : Problem
        Clips at a budget, of a model that answers alike every time, with a gradient of its own.

    Examples
    --------
    >>> from benchbed.attack.contract import Victim
    >>> from benchbed.attack.losses import scene
    >>> from benchbed.attack.threat import Ball, Threat
    >>> clean, target = 0.1 * torch.ones(2, 1, 400), torch.zeros(2).long()
    >>> def two(change):
    ...     heard = lambda x: torch.stack([x.sum((1, 2)), -change(x).sum((1, 2))], 1)
    ...     return Problem(Victim(heard), Ball.of(Threat("l2", 20), clean), target, scene, ["a", "b"])
    >>> jumps(two(torch.tanh)).tolist(), jumps(two(lambda x: x + 0.1 * (x > 0.1))).tolist()
    ([False, False], [True, True])
    """
    clean, victim, target = problem.ball.clean, problem.victim, problem.target
    noises = [problem.ball.spread(problem.noise("jumps", draw)) - clean for draw in range(DRAWS)]
    loss = rival(problem.losses, victim.scores(clean))
    gradient = torch.zeros_like(clean)
    for noise in noises:
        gradient += sliced_gradient(victim, clean + noise, target, loss)[2] / DRAWS

    def told(points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        mine = loss.select(rows) if isinstance(loss, ByClip) else loss
        values = [mine(victim.scores(points + noise[rows]), target[rows]).double() for noise in noises]
        return torch.stack(values).mean(0)

    rows = torch.arange(len(clean), device=clean.device)
    budget = torch.stack([norms(noise.double(), "l2") for noise in noises]).mean(0)
    directions = [across(problem.noise("aside", number), gradient) for number in range(DIRECTIONS)]
    size = norms(gradient.double(), "l2")
    jumping = size > 0
    for step in STEPS:
        along, *aside = (slope(told, rows, clean, way, step * budget) for way in (gradient, *directions))
        missed = (clean[0].numel() - 1) * torch.stack(aside).square().mean(0)
        share = along / (along.square() + missed).sqrt().clamp_min(1e-300)
        jumping &= (share < SOUND) | (along > STEEPER * size)
    return jumping
