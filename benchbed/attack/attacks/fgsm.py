"""Fast gradient (sign) method: one step of the whole budget along the gradient.

Goodfellow, Shlens and Szegedy, Explaining and harnessing adversarial examples, ICLR 2015. A probe, never a verdict.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import sliced_gradient, usable_loss


class Fgsm(Attack):
    """Options: `loss`."""

    defaults = MappingProxyType({"loss": "ce"})

    def run(self, problem: Problem) -> Outcome:
        outcome, ball = Outcome.start(problem), problem.ball
        loss = usable_loss(self.options["loss"], problem)
        outcome.first, _, gradient = sliced_gradient(problem.victim, ball.clean, problem.target, loss)
        points = ball.climbed(ball.clean, gradient, ball.radius)
        scores = problem.victim.scores(points)
        outcome.last = loss(scores, problem.target)
        outcome.offer(torch.arange(len(problem), device=points.device), points, problem.margin(scores), 1, self.name)
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(2, 1)


ATTACK = Fgsm
