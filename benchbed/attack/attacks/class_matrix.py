"""Every class into every other: targeted Auto-PGD towards each wrong class in turn, none of them left out.

What it tells is which class can be made of which: the matrix of success. A clip is broken as soon as one class was
reached; the columns of its row say which of them were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import Chosen, auto_pgd, starts
from benchbed.attack.losses.scene import margin as margin_of

#: Column of the classes that were reached, as their numbers.
COLUMN = "reached"


@dataclass(frozen=True)
class TowardsClass:
    """Judge of a targeted attack: only the wanted class counts as success."""

    wanted: torch.Tensor

    def margin(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Best other score minus that of the wanted class: negative where it is reached."""
        return -margin_of(scores, self.wanted)

    def select(self, rows: torch.Tensor) -> TowardsClass:
        """The judge of some of the clips."""
        return TowardsClass(self.wanted[rows])


class ClassMatrix(Attack):
    """Options: `steps` towards each class."""

    exclusive = True
    defaults = MappingProxyType({"steps": 50})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        every = torch.arange(len(problem), device=problem.target.device)
        classes = problem.victim.scores(problem.ball.clean[:1]).shape[-1]
        reached: list[list[int]] = [[] for _ in range(len(problem))]
        for wanted in range(classes):
            rows = every[problem.target != wanted]
            if not len(rows):
                continue
            aims = torch.full((len(problem),), wanted, device=problem.target.device)
            aimed = replace(problem, judge=TowardsClass(aims)).select(rows)
            inner = Outcome.start(aimed)
            loss = Chosen(lambda values: lambda scores, target: margin_of(scores, values), aims[rows])
            places = torch.arange(len(rows), device=every.device)
            auto_pgd(aimed, inner, places, starts(aimed, wanted), loss, self.options["steps"], self.name)
            for place, row in enumerate(rows.tolist()):
                if bool(inner.broken[place]):
                    reached[row].append(wanted)
            part = problem.select(rows)
            margin = part.margin(problem.victim.scores(inner.points))
            outcome.offer(rows, inner.points, margin, self.options["steps"], f"{self.name}:{wanted}")
        outcome.columns[COLUMN] = [",".join(map(str, each)) for each in reached]
        return outcome

    def cost(self, classes: int) -> Cost:
        steps = self.options["steps"]
        return Cost((steps + 2) * (classes - 1) + 1, steps * (classes - 1))


ATTACK = ClassMatrix
