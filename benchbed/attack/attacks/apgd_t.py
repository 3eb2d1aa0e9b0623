"""Auto-PGD towards the classes that are most likely besides the right one, one after the other.

The loss is the plain difference of two scores, so that any class count from two will do; the scaled loss of the
original needs four classes.
"""

from __future__ import annotations

from types import MappingProxyType

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import Chosen, auto_pgd, starts
from benchbed.errors import ConfigError


class TargetedApgd(Attack):
    """Options: `targets` (at most so many classes per clip), `steps`, `restarts`."""

    exclusive = True
    defaults = MappingProxyType({"targets": 9, "steps": 50, "restarts": 1})

    def run(self, problem: Problem) -> Outcome:
        import torch

        if problem.target.dim() != 1:
            raise ConfigError(f"{self.name} aims at classes of clips that have one each", hint="use apgd")
        outcome = Outcome.start(problem)
        scores = problem.victim.scores(problem.ball.clean)
        outcome.spend(slice(None), problem.victim.passes[0])
        ranked = problem.losses.others(torch.nan_to_num(scores), problem.target).argsort(1, descending=True)
        for rank in range(min(self.options["targets"], scores.shape[1] - 1)):
            for restart in range(self.options["restarts"]):
                rows = torch.arange(len(problem), device=problem.target.device)
                if problem.stop:
                    rows = rows[outcome.margin >= 0]
                if len(rows):
                    loss = Chosen(problem.losses.towards, ranked[rows, rank])
                    start = starts(problem, restart)[rows]
                    label = f"{self.name}:{rank + 1}"
                    auto_pgd(problem, outcome, rows, start, loss, self.options["steps"], label)
        return outcome

    def cost(self, classes: int) -> Cost:
        runs = min(self.options["targets"], classes - 1) * self.options["restarts"]
        steps = self.options["steps"]
        return Cost((steps + 1) * runs + 1, steps * runs)


ATTACK = TargetedApgd
