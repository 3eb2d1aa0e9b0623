"""Noise at the budget of an attack: the floor that an attack must beat to be one."""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.contract import Attack, Cost, Outcome, Problem

#: Pink noise is flat below this frequency in Hz, as in the corruption of that name.
LOWEST_HZ = 20.0


class Noise(Attack):
    """Random directions on the edge of the ball; the worst of `draws` counts. Options: `draws`."""

    access = "none"
    defaults = MappingProxyType({"draws": 3})
    exponent = 0.0

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        every = torch.arange(len(problem), device=problem.target.device)
        for draw in range(self.options["draws"]):
            points = problem.ball.spread(self.direction(problem, draw))
            margin = problem.margin(problem.victim.scores(points))
            outcome.offer(every, points, margin, draw, self.name)
        return outcome

    def direction(self, problem: Problem, draw: int) -> torch.Tensor:
        """Noise of the wanted colour, at any level."""
        noise = problem.noise(self.name, draw)
        return noise if self.exponent == 0 else coloured(noise, problem.sample_rate, self.exponent)

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["draws"], 0)


def coloured(noise: torch.Tensor, sample_rate: int, exponent: float) -> torch.Tensor:
    """White noise filtered to power proportional to f^−exponent, flat below 20 Hz and without a constant part."""
    spectrum = torch.fft.rfft(noise)
    frequency = torch.fft.rfftfreq(noise.shape[-1], 1 / sample_rate, device=noise.device)
    weight = (frequency.clamp_min(LOWEST_HZ) / LOWEST_HZ) ** (-exponent / 2)
    weight[0] = 0
    return torch.fft.irfft(spectrum * weight, noise.shape[-1])
