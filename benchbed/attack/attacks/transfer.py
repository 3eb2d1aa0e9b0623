"""Transfer: what another model's gradient finds, tried on this one.

Sources keep climbing after they are fooled themselves and hand over their strongest point; an attack that stopped at
the source's first mistake would understate transfer.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem


class Transfer(Attack):
    """Options: `steps`, `loss` on the source."""

    access = "transfer"
    defaults = MappingProxyType({"steps": 50, "loss": "margin"})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        rows = torch.arange(len(problem), device=problem.target.device)
        for name, craft in problem.sources.items():
            left = rows[outcome.margin >= 0]
            if not len(left):
                break
            part = problem.select(left)
            points = part.ball.project(craft(part, self.options["steps"], self.options["loss"]))
            margin = part.margin(problem.victim.scores(points))
            outcome.offer(left, points, margin, self.options["steps"], f"{self.name}:{name}")
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["steps"] + 2, self.options["steps"])


ATTACK = Transfer
