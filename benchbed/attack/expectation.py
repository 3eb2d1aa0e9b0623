"""How many answers of a random model make a gradient: as many as it takes for two means of so many to agree."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchbed.attack.audit import rival
from benchbed.attack.contract import Problem

#: Numbers of draws that are tried, and the cosine of two means at which a gradient counts as stable.
DRAWS, STABLE = (8, 16, 32), 0.7


def steady_draws(problem: Problem) -> tuple[int, float]:
    """Draws whose mean gradient is stable on the median clip, and the cosine of two such means.

    Parameters
    ----------
    problem : Problem
        A few clips, and a model that answers differently every time.

    Examples
    --------
    >>> from benchbed.attack.contract import Victim
    >>> from benchbed.attack.losses import scene
    >>> from benchbed.attack.threat import Ball, Threat
    >>> forward = lambda x: torch.stack([x.sum((1, 2)), -x.sum((1, 2))], 1)
    >>> clean = torch.ones(2, 1, 30)
    >>> ball = Ball.of(Threat("l2", 20), clean)
    >>> draws, cosine = steady_draws(Problem(Victim(forward), ball, torch.zeros(2).long(), scene, ["a", "b"]))
    >>> draws, round(cosine, 3)
    (8, 1.0)
    """
    clean = problem.ball.clean
    loss, cosine = rival(problem.losses, problem.victim.scores(clean)), 0.0
    for draws in DRAWS:
        victim = replace(problem.victim, eot=draws)
        one, other = (victim.gradient(clean, problem.target, loss)[2].flatten(1).double() for _ in range(2))
        cosine = float(torch.cosine_similarity(one, other, dim=1).median())
        problem.victim.cost = victim.cost
        if cosine >= STABLE:
            break
    return draws, cosine
