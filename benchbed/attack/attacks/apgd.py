"""Auto-PGD, untargeted, from random starts; see `benchbed.attack.descent`."""

from __future__ import annotations

from types import MappingProxyType

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import auto_pgd, starts, usable_loss


class Apgd(Attack):
    """Options: `loss` (`ce` or `margin` for scenes), `steps`, `restarts`."""

    defaults = MappingProxyType({"loss": "ce", "steps": 50, "restarts": 1})

    def run(self, problem: Problem) -> Outcome:
        import torch

        outcome = Outcome.start(problem)
        loss = usable_loss(self.options["loss"], problem)
        label = f"{self.name}:{self.options['loss']}"
        for restart in range(self.options["restarts"]):
            rows = torch.arange(len(problem), device=problem.target.device)
            if problem.stop:
                rows = rows[outcome.margin >= 0]
            if len(rows):
                auto_pgd(problem, outcome, rows, starts(problem, restart)[rows], loss, self.options["steps"], label)
        return outcome

    def cost(self, classes: int) -> Cost:
        steps = self.options["steps"]
        return Cost(steps + 1, steps) * self.options["restarts"]


ATTACK = Apgd
