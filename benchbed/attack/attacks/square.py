"""Square attack for sound: random search with tone bursts, from scores alone.

The original (Andriushchenko, Croce, Flammarion and Hein, ECCV 2020) tries coloured squares in images; on a waveform
these are constant stretches, which front ends that discard slow changes do not hear. Here a proposal is a burst of a
square wave (L∞) or of a tone (L2) of random pitch and phase in a random window, which shrinks as queries are spent.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.threat import per_clip

#: Share of all queries after which the window is halved again.
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
#: Lowest pitch of a burst in Hz, and the highest as a share of the sample rate.
LOWEST_HZ, HIGHEST_SHARE = 50.0, 0.45


class Square(Attack):
    """Options: `queries`, `window` (share of the clip that the first bursts fill)."""

    access = "scores"
    defaults = MappingProxyType({"queries": 300, "window": 0.8})

    def run(self, problem: Problem) -> Outcome:
        outcome, queries = Outcome.start(problem), self.options["queries"]
        random = [problem.stream(i, self.name) for i in range(len(problem))]
        rows = torch.arange(len(problem), device=problem.target.device)
        points = problem.ball.spread(self._bursts(problem, random, rows, 1.0)[0])
        for query in range(queries):
            part = problem.select(rows)
            if query:
                window = self.options["window"] / 2 ** sum(query >= share * queries for share in HALVINGS)
                points = self._propose(part, random, rows, outcome.points[rows], window)
            margin = part.margin(problem.victim.scores(points))
            outcome.offer(rows, points, margin, query, self.name, problem.victim.passes[0])
            if problem.stop:
                rows = rows[outcome.margin[rows] >= 0]
            if not len(rows):
                break
        return outcome

    def _propose(
        self, part: Problem, random: list[np.random.Generator], rows: torch.Tensor, best: torch.Tensor, window: float
    ) -> torch.Tensor:
        burst, inside = self._bursts(part, random, rows, window)
        added = best - part.ball.clean
        radius = per_clip(part.ball.radius, added)
        if part.ball.norm == "linf":
            return part.ball.project(part.ball.clean + torch.where(inside, radius * burst.sign(), added))
        # The burst takes the energy that its window holds, and at least what its share of the clip would hold.
        share = inside.float().mean((1, 2), keepdim=True)
        held = per_clip(part.ball.sizes(added * inside), added).maximum(0.5 * radius * share.sqrt())
        burst = burst * held / per_clip(part.ball.sizes(burst * inside), added).clamp_min(1e-12)
        return part.ball.spread(torch.where(inside, added + burst, added))

    def _bursts(
        self, part: Problem, random: list[np.random.Generator], rows: torch.Tensor, window: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        channels, samples = part.ball.clean.shape[1:]
        length = max(8, min(samples, round(window * samples)))
        waves = np.empty((len(rows), channels, samples), np.float32)
        inside = np.zeros((len(rows), channels, samples), bool)
        time = np.arange(samples) / part.sample_rate
        for number, row in enumerate(rows.tolist()):
            draw = random[row]
            onset = int(draw.integers(samples - length + 1))
            pitch = LOWEST_HZ * (HIGHEST_SHARE * part.sample_rate / LOWEST_HZ) ** draw.random()
            signs = draw.choice([-1.0, 1.0], channels)
            waves[number] = signs[:, None] * np.sin(2 * np.pi * (pitch * time + draw.random()))
            inside[number, :, onset : onset + length] = True
        device = part.ball.clean.device
        return torch.from_numpy(waves).to(device), torch.from_numpy(inside).to(device)

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["queries"], 0)


ATTACK = Square
