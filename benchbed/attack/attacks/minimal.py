"""The smallest perturbation of each clip: a search along the decision boundary, whose answer is an SNR.

Pintor, Roli, Brendel and Biggio, Fast minimum-norm adversarial attacks through adaptive norm constraints, NeurIPS 2021,
of the family of DDN (Rony et al., CVPR 2019) and FAB (Croce and Hein, ICML 2020): while a clip holds, the ball grows to
where a linear model would break; once it is broken, the ball shrinks and the search goes on at its edge. At last the
line to the clean clip is halved. It runs once, in the ball of the suite's strongest budget, for all budgets.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import sliced_gradient, usable_loss
from benchbed.attack.threat import per_clip

#: Share by which a ball shrinks or grows at the first step and at the last.
GAMMA = (0.1, 0.001)
#: Step as a share of the ball's radius, at the first step and at the last.
STEP = (1.0, 0.05)
#: Ball at the beginning, as a share of the largest one, and the most that it may grow at once.
BEGIN, GROWTH = 1e-4, 4.0
#: Halvings of the line between the clean clip and what was found.
HALVINGS = 6


class Minimal(Attack):
    """Options: `loss`, `steps`."""

    searches = True
    defaults = MappingProxyType({"loss": "margin", "steps": 100})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        loss = usable_loss(self.options["loss"], problem)
        straight = getattr(problem.losses, "straight", None) or problem.losses.LOSSES[problem.losses.DEFAULTS[-1]]
        ball, clean, steps = problem.ball, problem.ball.clean, self.options["steps"]
        every = torch.arange(len(problem), device=problem.target.device)
        # How large each ball is, as a share of the largest: one number for every norm and every channel.
        share = torch.full((len(problem),), BEGIN, dtype=torch.float64, device=clean.device)
        smallest = torch.full_like(share, float("inf"))
        points, best = clean.clone(), clean.clone()
        first = last = torch.full_like(outcome.margin, float("nan"))
        for step in range(steps):
            value, scores, slope = sliced_gradient(problem.victim, points, problem.target, loss)
            outcome.spend(every, problem.victim.passes[1])
            margin = torch.nan_to_num(problem.margin(scores).to(outcome.margin), nan=float("inf"))
            first = value.to(outcome.margin) if step == 0 else first
            last = torch.fmax(last, value.to(outcome.margin))
            outcome.step[(margin < 0) & (outcome.step < 0)] = step
            reached = _share(ball, points)
            better = (margin < 0) & (reached < smallest) & (reached <= 1 + 1e-6)
            smallest, best[better] = torch.where(better, reached, smallest), points[better]
            gamma = _falling(GAMMA, step, steps)
            fell = smallest.isfinite()
            here = straight(scores, problem.target).double().nan_to_num()
            linear = reached + (-here).clamp_min(0) / _gain(ball, slope).clamp_min(1e-300)
            grown = torch.where(fell, share * (1 + gamma), torch.minimum(linear * 1.02, share * GROWTH))
            share = torch.where(margin < 0, torch.minimum(share, smallest) * (1 - gamma), grown.maximum(share))
            share = share.clamp(1e-9, 1.0)
            now = replace(ball, radius=_scaled(ball.radius, share))
            points = now.climbed(points, slope, _falling(STEP, step, steps) * now.radius)
        best = self._halved(problem, best, smallest)
        outcome.spend(every, HALVINGS * problem.victim.passes[0])
        best = torch.where(per_clip(smallest.isfinite(), best), best, problem.ball.project(points))
        margin = problem.margin(problem.victim.scores(best))
        outcome.offer(every, best, margin, steps, self.name, problem.victim.passes[0])
        lost = outcome.margin == float("inf")
        outcome.points = torch.where(per_clip(lost, best), best, outcome.points)
        outcome.step[outcome.margin >= 0] = -1
        outcome.first, outcome.last = first, last
        return outcome

    def _halved(self, problem: Problem, best: torch.Tensor, smallest: torch.Tensor) -> torch.Tensor:
        clean = problem.ball.clean
        low, high = torch.zeros_like(smallest), torch.ones_like(smallest)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            tried = clean + per_clip(middle.to(clean), clean) * (best - clean)
            broken = problem.margin(problem.victim.scores(tried)) < 0
            low, high = torch.where(broken, low, middle), torch.where(broken, middle, high)
        return torch.where(per_clip(high < 1, best), clean + per_clip(high.to(clean), clean) * (best - clean), best)

    def cost(self, classes: int) -> Cost:
        steps = self.options["steps"]
        return Cost(steps + HALVINGS + 2, steps)


def _falling(ends: tuple[float, float], step: int, steps: int) -> float:
    return ends[1] + (ends[0] - ends[1]) * (1 + math.cos(math.pi * step / max(steps, 1))) / 2


def _scaled(radius: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    return radius * share.to(radius).view(-1, *[1] * (radius.dim() - 1))


def _share(ball, points: torch.Tensor) -> torch.Tensor:
    """Size of what was added, as a share of the radius; of several channels the largest `[clip]`."""
    size = ball.sizes(points.double() - ball.clean.double())
    return (size / ball.radius.double().clamp_min(1e-300)).view(len(points), -1).amax(1)


def _gain(ball, slope: torch.Tensor) -> torch.Tensor:
    """How much a linear loss grows over the whole ball `[clip]`: the dual norm of its slope, channel by channel."""
    flat = slope.double().flatten(ball.radius.dim())
    dual = flat.norm(dim=-1) if ball.norm == "l2" else flat.abs().sum(-1)
    return (dual * ball.radius.double()).view(len(slope), -1).sum(1)


ATTACK = Minimal
