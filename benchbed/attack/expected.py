"""Perturbations that must work without being placed exactly: expectation over transformations, judged on unseen ones.

Athalye, Engstrom, Ilyas and Kwok, Synthesizing robust adversarial examples, ICML 2018. A pattern of each clip climbs
the mean loss over draws of what may happen to it on its way (where it falls, which room it is played in). Its level is
set after the transformation, so what reaches the model is at the budget however it was changed. Only the last pattern
is judged, at draws that it was not made with: choosing among patterns by the judge would be tuning on the test.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import usable_loss
from benchbed.attack.universal import normed, placed

#: Unseen draws at which every finished pattern is judged; the first is the one whose audio is kept and counts.
UNSEEN = 4
#: Length of a step as a share of the pattern's norm, at the first step.
STEP = 0.3
#: Options of every such attack.
EXPECTED_DEFAULTS: Mapping[str, Any] = MappingProxyType({"loss": "ce", "steps": 40, "draws": 4})
#: Column of the share of unseen draws at which a clip withstood.
COLUMN = "unseen_correct"


class Expected(Attack):
    """Base of attacks on the expectation over transformations. Options: `loss`, `steps`, `draws` per step."""

    restricted = True
    defaults = EXPECTED_DEFAULTS

    @abstractmethod
    def length(self, problem: Problem) -> int:
        """Samples of a pattern."""

    @abstractmethod
    def drawn(self, problem: Problem, random: np.random.Generator, *, unseen: bool) -> Any:
        """One draw of what happens to a clip's pattern, from the unseen half or from the other."""

    @abstractmethod
    def changed(self, pattern: torch.Tensor, draw: Any, problem: Problem) -> torch.Tensor:
        """A pattern `[channel, sample]` of one clip as it reaches the model `[channel, sample]`; differentiable."""

    def around(self, clean: torch.Tensor, draw: Any, problem: Problem) -> torch.Tensor:
        """What is heard besides the pattern `[channel, sample]`: the clip, by default."""
        return clean

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        loss = usable_loss(self.options["loss"], problem)
        random = [problem.stream(i, self.name) for i in range(len(problem))]
        shape = (problem.ball.clean.shape[1], self.length(problem))
        start = [draw.standard_normal(shape, dtype=np.float32) for draw in random]
        patterns = normed(torch.from_numpy(np.stack(start)).to(problem.ball.clean), "l2")
        before = torch.zeros_like(patterns)
        first = self._loss(problem, patterns, loss)
        for step in range(self.options["steps"]):
            slope = self._slope(problem, patterns, loss, random)
            before = 0.75 * before + normed(slope, "l2")
            share = STEP * (1 - step / self.options["steps"])
            patterns = normed(patterns + share * normed(before, "l2"), "l2")
        self._judge(problem, outcome, patterns)
        last = self._loss(problem, patterns, loss)
        outcome.first, outcome.last = first.to(outcome.margin), last.to(outcome.margin)
        return outcome

    def _loss(self, problem: Problem, patterns: torch.Tensor, loss: Any) -> torch.Tensor:
        """Mean loss of patterns at draws that are the same before and after: other draws would hide what was gained."""
        total = torch.zeros(len(problem), device=patterns.device)
        random = [problem.stream(i, self.name, "progress") for i in range(len(problem))]
        for _ in range(self.options["draws"]):
            draws = [self.drawn(problem, one, unseen=False) for one in random]
            heard = torch.stack([self.changed(one, draw, problem) for one, draw in zip(patterns, draws)])
            points = placed(problem.ball, normed(heard, problem.ball.norm))
            total = total + loss(problem.victim.scores(points), problem.target).to(total) / self.options["draws"]
        return total

    def _slope(
        self, problem: Problem, patterns: torch.Tensor, loss: Any, random: list[np.random.Generator]
    ) -> torch.Tensor:
        victim, total = problem.victim, torch.zeros_like(patterns)
        through = victim.attack_forward or victim.forward
        for _ in range(self.options["draws"]):
            draws = [self.drawn(problem, one, unseen=False) for one in random]
            leaf = patterns.detach().clone().requires_grad_(True)
            with torch.enable_grad(), victim._kernels(leaf):
                heard = torch.stack([self.changed(one, draw, problem) for one, draw in zip(leaf, draws)])
                points = placed(problem.ball, normed(heard, problem.ball.norm))
                about = [self.around(one, draw, problem) for one, draw in zip(problem.ball.clean, draws)]
                points = points + (torch.stack(about) - problem.ball.clean)
                values = loss(through(points), problem.target)
                (slope,) = torch.autograd.grad(values.sum(), leaf, allow_unused=True)
            victim.cost.forwards += len(problem)
            victim.cost.backwards += len(problem)
            usable = torch.zeros_like(patterns) if slope is None else torch.nan_to_num(slope, nan=0.0, posinf=0.0)
            total = total + usable.nan_to_num(neginf=0.0)
        return total

    def reached(self, problem: Problem, draw: int) -> torch.Tensor:
        """A random pattern of the one clip at every draw that it would be judged at."""
        noise = problem.stream(0, self.name, "plant", draw)
        shape = (problem.ball.clean.shape[1], self.length(problem))
        pattern = torch.from_numpy(noise.standard_normal(shape, dtype=np.float32)).to(problem.ball.clean)[None]
        return torch.cat([self._unseen(problem, pattern, unseen) for unseen in range(UNSEEN)])

    def _unseen(self, problem: Problem, patterns: torch.Tensor, unseen: int) -> torch.Tensor:
        """Patterns as they reach the model at a draw of each clip that they were not made with."""
        streams = [problem.stream(i, self.name, "unseen", unseen) for i in range(len(problem))]
        draws = [self.drawn(problem, one, unseen=True) for one in streams]
        heard = torch.stack([self.changed(one, draw, problem) for one, draw in zip(patterns, draws)])
        return placed(problem.ball, normed(heard, problem.ball.norm))

    def _judge(self, problem: Problem, outcome: Outcome, patterns: torch.Tensor) -> None:
        every = torch.arange(len(problem), device=problem.target.device)
        withstood = torch.zeros(len(problem), dtype=torch.float64, device="cpu")
        for unseen in range(UNSEEN):
            points = self._unseen(problem, patterns, unseen)
            margin = problem.margin(problem.victim.scores(points))
            withstood += (~(margin < 0)).double().cpu() / UNSEEN
            if unseen == 0:
                outcome.offer(every, points, margin, self.options["steps"], self.name)
                outcome.points = torch.where(
                    (outcome.margin == float("inf")).view(-1, *[1] * (points.dim() - 1)), points, outcome.points
                )
        outcome.columns[COLUMN] = withstood.tolist()

    def cost(self, classes: int) -> Cost:
        gradients = self.options["steps"] * self.options["draws"]
        return Cost(gradients + 2 * self.options["draws"] + UNSEEN, gradients)
