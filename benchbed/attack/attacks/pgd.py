"""Projected gradient descent with a fixed step; the best point of the path is kept, not the last.

Madry, Makelov, Schmidt, Tsipras and Vladu, Towards deep learning models resistant to adversarial attacks, ICLR 2018.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Loss, Outcome, Problem
from benchbed.attack.descent import sliced_gradient, starts, usable_loss


class Pgd(Attack):
    """Options: `loss`, `steps`, `restarts`, `step_share` (step over radius; 2.5 / steps by default)."""

    defaults = MappingProxyType({"loss": "ce", "steps": 50, "restarts": 1, "step_share": None})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        loss = usable_loss(self.options["loss"], problem)
        for restart in range(self.options["restarts"]):
            every = torch.arange(len(problem), device=problem.target.device)
            rows = every[outcome.margin >= 0] if problem.stop else every
            if len(rows):
                self._path(problem, outcome, rows, starts(problem, restart)[rows], loss)
        return outcome

    def _path(self, problem: Problem, outcome: Outcome, rows: torch.Tensor, points: torch.Tensor, loss: Loss) -> None:
        steps = self.options["steps"]
        share = self.options["step_share"] or 2.5 / steps
        if outcome.first is None or outcome.last is None:
            outcome.first = torch.full_like(outcome.margin, float("nan"))
            outcome.last = torch.full_like(outcome.margin, float("nan"))
        for step in range(steps + 1):
            part = problem.select(rows)
            if step == steps:
                scores = problem.victim.scores(points)
                value = loss(scores, part.target)
                gradient = points
            else:
                value, scores, gradient = sliced_gradient(problem.victim, points, part.target, loss)
            if step == 0:
                outcome.first[rows] = value.to(outcome.margin)
                outcome.last[rows] = value.to(outcome.margin)
            outcome.last[rows] = torch.fmax(outcome.last[rows], value.to(outcome.margin))
            outcome.offer(rows, points, part.margin(scores), step, self.name)
            if step == steps:
                return
            if problem.stop:
                kept = outcome.margin[rows] >= 0
                rows, points, gradient = rows[kept], points[kept], gradient[kept]
                if not len(rows):
                    return
                part = problem.select(rows)
            points = part.ball.climbed(points, gradient, share * part.ball.radius)

    def cost(self, classes: int) -> Cost:
        steps = self.options["steps"]
        return Cost(steps + 1, steps) * self.options["restarts"]


ATTACK = Pgd
