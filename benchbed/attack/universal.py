"""Universal perturbations: one sound that fools a model on clips it was not made for.

A parametrisation says which sounds are possible (any waveform, or notes of an instrument); the optimiser ascends the
loss over batches of fitting clips, under random shifts, gains and rooms, and brings the sound back into the budget
after every step. Its pattern has Euclidean norm 1 (L2) or greatest magnitude 1 (L∞) and is scaled to the budget of each
clip, so that no number of passes can break it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from benchbed import rng
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.descent import usable_loss
from benchbed.attack.threat import Ball, per_clip
from benchbed.errors import CannotMeasure

#: Rooms of the expectation over transformations: reverberation times in seconds, and direct-to-reverberant ratio in dB.
T60, DRR = (0.15, 0.6), (0.0, 10.0)
#: Gains in dB of the expectation over transformations.
GAIN = (-6.0, 6.0)

UNIVERSAL_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"loss": "ce", "passes": 10, "batch": 16, "shift": True, "gain": False, "room": False}
)


class Universal(Attack):
    """Base of attacks that are fitted on some clips and scored on others.

    Options: `loss`, `passes` over the fitting clips, `batch`, and which random changes it must survive: `shift`,
    `gain`, `room`.
    """

    access = "universal"
    defaults = UNIVERSAL_DEFAULTS

    @abstractmethod
    def parameters(self, problem: Problem, random: np.random.Generator) -> list[torch.Tensor]:
        """First values of what is learned."""

    @abstractmethod
    def sound(self, parameters: list[torch.Tensor], problem: Problem) -> torch.Tensor:
        """The sound of the parameters `[channel, sample]`, differentiable, at any level."""

    @abstractmethod
    def step(self, parameters: list[torch.Tensor], slopes: list[torch.Tensor], share: float, problem: Problem) -> None:
        """Move the parameters up the slopes, in place; `share` falls from 1 to 0 over the steps."""

    def fit(self, problem: Problem) -> torch.Tensor:
        """Learn a pattern `[channel, sample]` from the clips of a problem; its budget decides how strong it will be."""
        random = rng.stream("universal", self.name, str(problem.ball.norm), problem.seed)
        parameters = self.parameters(problem, random)
        loss = usable_loss(self.options["loss"], problem)
        count, size = len(problem), self.options["batch"]
        steps = self.options["passes"] * -(-count // size)
        best, best_loss, taken = self._pattern(parameters, problem).detach(), float("-inf"), 0
        for _ in range(self.options["passes"]):
            order = torch.from_numpy(random.permutation(count)).to(problem.target.device)
            total = 0.0
            seen = self._pattern(parameters, problem).detach()
            for rows in order.split(size):
                total += self._ascend(problem.select(rows), parameters, loss, 1 - taken / steps, random)
                taken += 1
            if np.isfinite(total) and total / count > best_loss:
                best, best_loss = seen, total / count
        last = self._pattern(parameters, problem).detach()
        return last if self._value(problem, last, loss) >= self._value(problem, best, loss) else best

    def _ascend(
        self, part: Problem, parameters: list[torch.Tensor], loss: Any, share: float, random: np.random.Generator
    ) -> float:
        for parameter in parameters:
            parameter.requires_grad_(True)
        victim = part.victim
        through = victim.attack_forward or victim.forward
        with torch.enable_grad(), victim._kernels(part.ball.clean):
            heard = self._changed(self.sound(parameters, part), len(part), part.sample_rate, random)
            points = placed(part.ball, normed(heard, part.ball.norm))
            values = loss(through(points), part.target)
            slopes = torch.autograd.grad(values.sum(), parameters, allow_unused=True)
        victim.cost.forwards += len(part)
        victim.cost.backwards += len(part)
        for parameter in parameters:
            parameter.requires_grad_(False)
        usable = [torch.nan_to_num(s) if s is not None else torch.zeros_like(p) for s, p in zip(slopes, parameters)]
        self.step(parameters, usable, share, part)
        return float(values.detach().sum())

    def _value(self, problem: Problem, pattern: torch.Tensor, loss: Any) -> float:
        values = []
        for rows in torch.arange(len(problem), device=problem.target.device).split(self.options["batch"]):
            part = problem.select(rows)
            values.append(loss(part.victim.scores(placed(part.ball, pattern[None])), part.target))
        value = float(torch.cat(values).sum())
        return value if np.isfinite(value) else float("-inf")

    def _pattern(self, parameters: list[torch.Tensor], problem: Problem) -> torch.Tensor:
        return normed(self.sound(parameters, problem)[None], problem.ball.norm)[0]

    def _changed(self, sound: torch.Tensor, count: int, sample_rate: int, random: np.random.Generator) -> torch.Tensor:
        """The sound once per clip, each shifted, amplified and heard in a room of its own, as the options say."""
        copies = []
        for _ in range(count):
            copy = sound
            if self.options["room"]:
                copy = _in_room(copy, sample_rate, random)
            if self.options["shift"]:
                copy = copy.roll(int(random.integers(sound.shape[-1])), -1)
            if self.options["gain"]:
                copy = copy * 10 ** (random.uniform(*GAIN) / 20)
            copies.append(copy)
        return torch.stack(copies)

    def run(self, problem: Problem) -> Outcome:
        if self.name not in problem.fitted:
            raise CannotMeasure(f"the attack {self.name} was not fitted: it needs clips besides those it is scored on")
        outcome = Outcome.start(problem)
        points = placed(problem.ball, problem.fitted[self.name][None])
        every = torch.arange(len(problem), device=points.device)
        outcome.offer(every, points, problem.margin(problem.victim.scores(points)), 0, self.name)
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(1, 0)


def normed(sounds: torch.Tensor, norm: str) -> torch.Tensor:
    """Sounds `[row, channel, sample]` scaled to Euclidean norm 1 (L2) or greatest magnitude 1 (L∞)."""
    flat = sounds.flatten(1)
    size = flat.norm(dim=1) if norm == "l2" else flat.abs().amax(1)
    return sounds / per_clip(size.clamp_min(1e-12), sounds)


def placed(ball: Ball, patterns: torch.Tensor) -> torch.Tensor:
    """Patterns `[clip or 1, channel, sample]` added to clips at each clip's own budget; cut or repeated to length."""
    samples = ball.clean.shape[-1]
    if patterns.shape[-1] != samples:
        patterns = patterns.repeat(1, 1, -(-samples // patterns.shape[-1]))[..., :samples]
        patterns = normed(patterns, ball.norm)
    if ball.radius.dim() > 1:
        # Each channel has a budget of its own, which a soft channel of the pattern would not use up.
        patterns = patterns / per_clip(ball.sizes(patterns).clamp_min(1e-12), patterns)
    return ball.project(ball.clean + per_clip(ball.radius, ball.clean) * patterns)


def _in_room(sound: torch.Tensor, sample_rate: int, random: np.random.Generator) -> torch.Tensor:
    """A sound in a random diffuse room: direct sound and an exponentially decaying tail."""
    seconds, ratio = random.uniform(*T60), random.uniform(*DRR)
    length = max(2, round(seconds * sample_rate))
    tail = random.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail *= 10 ** (-ratio / 20) / np.linalg.norm(tail)
    tail[0] += 1.0
    response = torch.from_numpy(tail.astype(np.float32)).to(sound.device)
    size = sound.shape[-1] + length
    return torch.fft.irfft(torch.fft.rfft(sound, size) * torch.fft.rfft(response, size), size)[..., : sound.shape[-1]]
