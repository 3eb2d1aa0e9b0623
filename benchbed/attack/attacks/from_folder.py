"""What others found: adversarial sounds of a folder, tried at every budget that they keep.

A sound counts at a budget if it lies within it, by the rule that finished audio is audited by; outside, or without a
file, a clip counts as not broken, and is told.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.frequency import LEAK

#: Column of what became of a clip's sounds: `within`, `over`, `unfit` or `missing`.
COLUMN = "foreign"
#: Excess over a budget in dB that rounding is forgiven.
FORGIVEN_DB = 0.01


class FromFolder(Attack):
    """Options: `folder` (needed), `source` (who made them; by default what the folder says)."""

    access = "transfer"
    defaults = MappingProxyType({"folder": None, "source": None})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        told = ["missing" if not problem.offered.get(clip) else "unfit" for clip in problem.ids]
        every = torch.arange(len(problem), device=problem.target.device)
        rounds = max((len(problem.offered.get(clip, ())) for clip in problem.ids), default=0)
        for number in range(rounds):
            points, there = problem.ball.clean.clone(), torch.zeros(len(problem), dtype=torch.bool)
            for row, clip in enumerate(problem.ids):
                sounds = problem.offered.get(clip, ())
                if number < len(sounds) and sounds[number].shape == tuple(points[row].shape):
                    points[row] = torch.from_numpy(np.ascontiguousarray(sounds[number])).to(points)
                    there[row] = True
            inside = self._inside(problem, points)
            for row in there.nonzero()[:, 0].tolist():
                if told[row] != "within":
                    told[row] = "within" if bool(inside[row]) else "over"
            rows = every[inside & there.to(every.device)]
            if len(rows):
                part = problem.select(rows)
                outcome.offer(rows, points[rows], part.margin(problem.victim.scores(points[rows])), number, self.name)
        outcome.columns[COLUMN] = list(told)
        return outcome

    def _inside(self, problem: Problem, points: torch.Tensor) -> torch.Tensor:
        ball = problem.ball
        size = ball.sizes(points.double() - ball.clean.double())
        slack = 10 ** (FORGIVEN_DB / 20) if ball.norm == "l2" else 1 + 1e-3
        within = (size <= ball.radius.double() * slack + (1e-12 if ball.norm == "l2" else 1e-9)).view(len(points), -1)
        reach = ball.clean.abs().clamp_min(1.0)
        boxed = (points.abs() <= reach + 1e-6).flatten(1).all(1)
        finite = points.flatten(1).isfinite().all(1)
        return within.all(1) & boxed & finite & self._allowed(problem, points)

    def _allowed(self, problem: Problem, points: torch.Tensor) -> torch.Tensor:
        """Whether what was added lies in the band of the condition, and under what may be heard, if there are any."""
        ball, added = problem.ball, points.double() - problem.ball.clean.double()
        allowed = torch.ones(len(points), dtype=torch.bool, device=points.device)
        energy = added.square().flatten(1).sum(1)
        if ball.within is not None:
            beyond = (added - ball.within(added)).square().flatten(1).sum(1)
            allowed &= beyond <= 10 ** (LEAK / 10) * energy
        if ball.limit is not None and ball.rows is not None:
            softened = (added - ball.limit(ball.rows, added.to(points.dtype)).double()).square().flatten(1).sum(1)
            allowed &= softened <= 10 ** (LEAK / 10) * energy
        return allowed

    def cost(self, classes: int) -> Cost:
        return Cost(1, 0)


ATTACK = FromFolder
