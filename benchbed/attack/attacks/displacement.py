"""How far a small sound moves an encoder's answer: Auto-PGD that climbs the angle to the clean clip's own answer.

No reference is needed, and no decision: what an encoder is used for later (retrieval, a probe, clustering) is not known
to who attacks it. Of an encoder that answers with similarities to queries, the vector of similarities stands for the
embedding, of which it is a linear image. The displacement is one minus the cosine: 0 for the same direction, 1 for a
right angle. Whether a clip counts as broken is the task's own question, asked of the point that lies furthest.
It aims at no error: the planted point that checks it is a distance from the clean answer, in a direction that noise
does not take.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import Chosen, auto_pgd, starts

#: Column of the displacement of each clip.
COLUMN = "displacement"


class Displacement(Attack):
    """Options: `steps`."""

    aimless = True
    defaults = MappingProxyType({"steps": 50})

    def run(self, problem: Problem) -> Outcome:
        from dataclasses import replace

        every = torch.arange(len(problem), device=problem.target.device)
        clean = problem.victim.scores(problem.ball.clean).flatten(1)
        loss = Chosen(_apart, clean)
        climbed = replace(problem, stop=False, judge=_Furthest(clean))
        inner = Outcome.start(climbed)
        auto_pgd(climbed, inner, every, starts(climbed, 0), loss, self.options["steps"], self.name)
        outcome = Outcome.start(problem)
        scores = problem.victim.scores(inner.points)
        outcome.offer(every, inner.points, problem.margin(scores), self.options["steps"], self.name)
        lost = outcome.margin == float("inf")
        outcome.points[lost] = inner.points[lost]
        outcome.first, outcome.last = inner.first, inner.last
        found = displaced(clean, scores.flatten(1))
        outcome.columns[COLUMN] = [float(value) if bool(value.isfinite()) else None for value in found]
        return outcome

    def cost(self, classes: int) -> Cost:
        steps = self.options["steps"]
        return Cost(steps + 3, steps)


def displaced(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """One minus the cosine of two answers `[clip]`.

    Examples
    --------
    >>> displaced(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])).tolist()
    [1.0]
    """
    return 1 - torch.nn.functional.cosine_similarity(one.double(), other.double(), dim=1)


def _apart(clean: torch.Tensor):
    return lambda scores, target: displaced(clean, scores.flatten(1)).to(scores)


class _Furthest:
    """Judge of the climb: the further from the clean answer the stronger; nothing is ever far enough."""

    def __init__(self, clean: torch.Tensor) -> None:
        self.clean = clean

    def margin(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return 2 - displaced(self.clean, scores.flatten(1))

    def select(self, rows: torch.Tensor) -> _Furthest:
        return _Furthest(self.clean[rows])


ATTACK = Displacement
