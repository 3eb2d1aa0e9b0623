"""Decisions alone: a walk along the boundary of the model towards the clip.

Chen, Jordan and Wainwright, HopSkipJumpAttack: a query-efficient decision-based attack, IEEE S&P 2020. It needs no
score, so rounded, saturated or hidden scores do not mask anything from it. Directions are those of band energies
(`benchbed.attack.answering`), which a model of sound hears better than white noise.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.answering import BandEnergies
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.threat import norms

#: Levels in dB over the clip at which noise is tried until one of them is answered wrongly.
STARTS_DB = (-10.0, 0.0, 10.0, 20.0)
#: Halvings of one search for the boundary, directions of the first estimate, and how far from the boundary it is made.
HALVINGS, DIRECTIONS, AWAY = 10, 40, 0.1


class Boundary(Attack):
    """Options: `queries`."""

    access = "scores"
    defaults = MappingProxyType({"queries": 600})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        features = BandEnergies(problem.sample_rate)
        for clip in range(len(problem)):
            row = torch.tensor([clip], device=problem.target.device)
            _Walk(self, problem, outcome, row, features).run()
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["queries"], 0)


class _Walk:
    """One clip."""

    def __init__(
        self, attack: Attack, problem: Problem, outcome: Outcome, row: torch.Tensor, features: BandEnergies
    ) -> None:
        self.attack, self.problem, self.outcome, self.row = attack, problem, outcome, row
        self.one, self.features = problem.select(row), features
        self.random = problem.stream(int(row), attack.name)
        self.left = int(attack.options["queries"])

    def run(self) -> None:
        point = self._walked()
        if not self.outcome.by[int(self.row)]:
            # No attack gives a clip back as it was: what is left of the last point inside the ball came nearest.
            self._inside(point)

    def _walked(self) -> torch.Tensor:
        """Where the walk ends: inside the ball, or where its queries were spent."""
        point, wrong = self._start()
        step = 0
        if not wrong:
            return point
        while self.left > HALVINGS + 2:
            point = self._nearest(point)
            if self._inside(point) or self.left <= HALVINGS + 2:
                break
            step += 1
            point = self._moved(point, step)
        return point

    def _wrong(self, points: torch.Tensor) -> torch.Tensor:
        """Which points are answered wrongly `[query]`."""
        self.left -= len(points)
        rows = torch.zeros(len(points), dtype=torch.int64, device=self.row.device)
        return self.one.select(rows).margin(self.one.victim.scores(points)) < 0

    def _start(self) -> tuple[torch.Tensor, bool]:
        """A point that is answered wrongly, and whether it is."""
        clean = self.one.ball.clean
        for level in STARTS_DB:
            drawn = torch.from_numpy(self.random.standard_normal((4, *clean.shape[1:]), dtype="float32")).to(clean)
            # Noise of many colours: a model that hears one of them as the clip's class hears others as another.
            spectrum = torch.fft.rfft(drawn)
            colours = torch.from_numpy(self.random.standard_normal((4, 1, 12), dtype="float32")).to(clean)
            weight = torch.nn.functional.interpolate(4 * colours, spectrum.shape[-1], mode="linear").exp()
            drawn = torch.fft.irfft(spectrum * weight, clean.shape[-1])
            size = clean.norm() * 10 ** (level / 20)
            points = self._boxed(clean + size * drawn / norms(drawn, "l2")[:, None, None])
            wrong = self._wrong(points)
            if bool(wrong.any()):
                return points[wrong.nonzero()[0]], True
        return points[:1], False

    def _boxed(self, points: torch.Tensor) -> torch.Tensor:
        box = self.one.ball.box
        return points if box is None else points.clamp(*box)

    def _nearest(self, point: torch.Tensor) -> torch.Tensor:
        """The wrong point nearest to the clip on the line to it."""
        clean, near, far = self.one.ball.clean, 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            if bool(self._wrong(clean + middle * (point - clean))[0]):
                far = middle
            else:
                near = middle
        return clean + far * (point - clean)

    def _inside(self, point: torch.Tensor) -> bool:
        """Whether the point, brought into the ball, still breaks the clip; it is offered in any case."""
        inside = self.one.ball.project(point)
        self.left -= 1
        margin = self.one.margin(self.one.victim.scores(inside))
        used = int(self.attack.options["queries"]) - self.left
        self.outcome.offer(self.row, inside, margin, used, self.attack.name)
        return bool(margin[0] < 0)

    def _moved(self, point: torch.Tensor, step: int) -> torch.Tensor:
        clean = self.one.ball.clean
        added = point - clean
        count = min(int(DIRECTIONS * step**0.5), self.left - HALVINGS - 2)
        if count < 2:
            return point
        wanted = torch.from_numpy(self.random.standard_normal((count, self.features(point).shape[1]), dtype="float32"))
        directions = self.features.directions(point, wanted.to(point))
        wrong = self._wrong(point + AWAY * added.norm() * directions).to(point)
        # The mean answer is taken off, so that few of one kind weigh as much as many of the other.
        signs = 2 * wrong - 1
        signs = signs - signs.mean() if bool(signs.std() > 0) else signs
        slope = (signs[:, None, None] * directions).sum(0, keepdim=True)
        slope = slope / slope.norm().clamp_min(1e-30)
        length = float(added.norm()) / step**0.5
        while length > 1e-3 * float(added.norm()) and self.left > HALVINGS + 2:
            ahead = self._boxed(point + length * slope)
            if bool(self._wrong(ahead)[0]):
                return ahead
            length /= 2
        return point


ATTACK = Boundary
