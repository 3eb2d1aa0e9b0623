"""The contract of an attack: a batch of clips in, for every clip the strongest point of its ball out.

An attack never returns a clean clip for want of success: the point that came nearest is kept, so that transfer rates
and distortions are not biased. Every random draw comes from a stream of the clip, so a clip's start does not depend on
the clips beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from benchbed import rng
from benchbed.attack.air import Surroundings
from benchbed.attack.threat import Ball
from benchbed.protocols import Decides

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

#: Passes that a gradient by the waveform counts as: the answer, and about twice as much for the way back.
GRADIENT = 3
#: Draws under which points of a random model are compared.
PAIRED = 16


class ByClip(ABC):
    """A loss with something of its own for every clip, which is cut along with the clips."""

    @abstractmethod
    def __call__(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss `[clip]`."""

    @abstractmethod
    def select(self, rows: torch.Tensor) -> Loss:
        """The loss of some of the clips."""


@dataclass
class Cost:
    """Model evaluations, in clips."""

    forwards: int = 0
    backwards: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.forwards + other.forwards, self.backwards + other.backwards)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.forwards * times, self.backwards * times)


@dataclass
class Victim:
    """A model as an attack sees it: class scores of waveforms, and their gradient.

    Attributes
    ----------
    forward : callable
        `[clip, channel, sample]` → scores `[clip, …, class]`, differentiable if `differentiable`.
    attack_forward : callable, optional
        A differentiable stand-in whose gradient is used in place of `forward`'s (straight-through); what counts as
        success is still decided by `forward`.
    differentiable : bool
        False for models that only answer.
    eot : int
        Gradients averaged per step, for models that answer differently every time.
    recurrent : bool
        The network has recurrent layers, whose cuDNN kernels cannot be differentiated in evaluation mode.
    averages : int
        Answers that one call of `forward` is the mean of already, under the same random numbers every time; 0 where it
        is one answer. It is then asked once, however many gradients are averaged.
    cost : Cost
        Evaluations so far.
    unanswered : int
        Points that were answered with NaN so far; such an answer never counts as success.

    Examples
    --------
    >>> victim = Victim(lambda x: torch.stack([x.sum((1, 2)), -x.sum((1, 2))], 1))
    >>> loss, scores, gradient = victim.gradient(torch.ones(2, 1, 3), torch.tensor([0, 1]), lambda s, y: s[:, 0])
    >>> gradient.unique().tolist(), victim.cost.backwards
    ([1.0], 2)
    """

    forward: Callable[[torch.Tensor], torch.Tensor]
    attack_forward: Callable[[torch.Tensor], torch.Tensor] | None = None
    differentiable: bool = True
    eot: int = 1
    recurrent: bool = False
    averages: int = 0
    cost: Cost = field(default_factory=Cost)
    unanswered: int = 0

    @property
    def passes(self) -> tuple[int, int]:
        """Passes of the model that an answer takes, and that a gradient takes: as much as three answers."""
        answer = self.averages or self.eot
        return answer, GRADIENT * self.eot + (answer if self.attack_forward is not None else 0)

    @property
    def random(self) -> bool:
        """What losses are told differs from call to call."""
        return self.eot > 1 and not self.averages

    def scores(self, points: torch.Tensor) -> torch.Tensor:
        """Scores without gradients; the mean of `eot` answers of a model that is random."""
        self.cost.forwards += len(points) * (self.averages or self.eot)
        times = self.eot if self.random else 1
        with torch.no_grad():
            total = self.forward(points)
            for _ in range(times - 1):
                total = total + self.forward(points)
        self._listen(total)
        return total / times if times > 1 else total

    def paired(
        self, points: Sequence[torch.Tensor], target: torch.Tensor, loss: Loss, draws: int = PAIRED
    ) -> list[torch.Tensor]:
        """Mean loss `[clip]` at each of several points, under the same random numbers for all of them.

        Means of fresh draws rise by chance alone where the greatest of many is kept; the difference of paired ones is
        what the points are worth.
        """
        totals = [torch.zeros(len(target), dtype=torch.float64, device=target.device) for _ in points]
        self.cost.forwards += len(points) * len(target) * draws
        with torch.no_grad():
            for draw in range(draws):
                for total, point in zip(totals, points):
                    with rng.preserved_global_state(rng.key("paired", draw)):
                        total += loss(self.forward(point), target).double()
        return [total / draws for total in totals]

    def _listen(self, answers: torch.Tensor) -> None:
        self.unanswered += int(answers.isnan().flatten(1).any(1).sum())

    def gradient(
        self, points: torch.Tensor, target: torch.Tensor, loss: Loss
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Loss `[clip]`, scores and gradient of the loss by the points; what is not finite has gradient zero."""
        through = self.attack_forward or self.forward
        total: torch.Tensor | None = None
        with torch.enable_grad(), self._kernels(points):
            for _ in range(self.eot):
                leaf = points.detach().requires_grad_(True)
                answer = through(leaf)
                value = loss(answer, target)
                if value.requires_grad:
                    (slope,) = torch.autograd.grad(value.sum(), leaf, allow_unused=True)
                else:
                    slope = None
                slope = torch.zeros_like(points) if slope is None else slope
                parts = answer.detach(), value.detach(), slope
                total = parts if total is None else tuple(a + b for a, b in zip(total, parts))  # type: ignore
        assert total is not None
        answer, value, slope = (part / self.eot for part in total) if self.eot > 1 else total  # type: ignore
        self.cost.forwards += len(points) * self.eot
        self.cost.backwards += len(points) * self.eot
        if self.attack_forward is not None:
            answer = self.scores(points)
            value = loss(answer, target)
        else:
            self._listen(answer)
        return value, answer, torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)

    def _kernels(self, points: torch.Tensor) -> Any:
        return torch.backends.cudnn.flags(enabled=not (self.recurrent and points.is_cuda))


@dataclass(frozen=True)
class Problem:
    """One batch to be attacked.

    Attributes
    ----------
    victim : Victim
        The model.
    ball : Ball
        What is allowed; its centres are the clean clips.
    target : Tensor
        Reference of each clip, as the losses want it.
    losses : module or Aimed
        Losses and margin of the output kind, from `benchbed.attack.losses`.
    ids : sequence of str
        Clip ids, which key the random streams.
    seed : int
        Seed of the run.
    sample_rate : int
        Samples per second of the clips.
    budget_scale : float
        Share of the attack's own steps, for checks that need more or fewer.
    stop : bool
        A clip leaves once it is broken; False gives the strongest point after all steps, for transfer.
    sources : mapping
        Name → other model, as a callable that crafts points of this problem, for transfer.
    fitted : mapping
        What attacks learned before from other clips, e.g. universal perturbations.
    judge : Decides, optional
        Decides success in the place of the losses' margin, e.g. with median filters and collars.
    surroundings : Surroundings, optional
        Rooms, loudspeakers and background that a sound is played in; synthetic ones where none are given.
    offered : mapping of str to tuple of np.ndarray
        Clip → points `[channel, sample]` that somebody else found.
    """

    victim: Victim
    ball: Ball
    target: torch.Tensor
    losses: Any
    ids: Sequence[str]
    seed: int = 0
    sample_rate: int = 32000
    stop: bool = True
    sources: Mapping[str, Callable[[Problem, int, str], torch.Tensor]] = field(default_factory=dict)
    fitted: Mapping[str, torch.Tensor] = field(default_factory=dict)
    judge: Decides | None = None
    surroundings: Surroundings | None = None
    offered: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: torch.Tensor) -> Problem:
        """Some of the clips."""
        ids = [self.ids[i] for i in rows.tolist()]
        judge = None if self.judge is None else self.judge.select(rows)
        return replace(self, ball=self.ball.select(rows), target=self.target[rows], ids=ids, judge=judge)

    def stream(self, clip: int, *parts: Any) -> np.random.Generator:
        """Random stream of one clip; it does not depend on the budget, so that curves are paired."""
        return rng.stream("attack", *parts, self.ids[clip], self.seed)

    def noise(self, *parts: Any) -> torch.Tensor:
        """Standard normal numbers of the clips' shape, from each clip's own stream; drawn on the CPU."""
        shape = tuple(self.ball.clean.shape[1:])
        drawn = [self.stream(i, *parts).standard_normal(shape, dtype=np.float32) for i in range(len(self))]
        return torch.from_numpy(np.stack(drawn)).to(self.ball.clean)

    def margin(self, scores: torch.Tensor) -> torch.Tensor:
        """Distance to success on the task's own decision `[clip]`: broken where it is negative."""
        if self.judge is not None:
            return self.judge.margin(scores, self.target)
        return self.losses.margin(scores, self.target)


@dataclass
class Outcome:
    """What an attack did to each clip of a problem.

    Attributes
    ----------
    points : Tensor [shape=(clip, …)]
        The strongest point found, whether it succeeded or not.
    margin : Tensor [shape=(clip,)]
        The task's margin there, as the attack saw it; NaN answers count as +∞, never as success.
    step : Tensor [shape=(clip,), int64]
        Evaluation at which the clip first broke, −1 if it did not.
    first, last : Tensor [shape=(clip,)]
        Loss at the start and the greatest reached, for attacks that climb one; NaN for others.
    by : list of str
        What broke each clip, in more detail than the attack's name (`apgd_t:class`, `transfer:model`); empty else.
    columns : dict of str to list
        What else is to be told of each clip, as columns of its row: classes reached, unseen positions withstood.
    passes : Tensor [shape=(clip,), int64], optional
        Passes of the model that each clip took, see `Victim.passes`.
    """

    points: torch.Tensor
    margin: torch.Tensor
    step: torch.Tensor
    first: torch.Tensor | None = None
    last: torch.Tensor | None = None
    by: list[str] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    passes: torch.Tensor | None = None

    @property
    def broken(self) -> torch.Tensor:
        """Which clips are broken `[clip]`."""
        return self.margin < 0

    @classmethod
    def start(cls, problem: Problem) -> Outcome:
        """Nothing done yet."""
        count, device = len(problem), problem.ball.clean.device
        return cls(
            problem.ball.clean.clone(),
            torch.full((count,), float("inf"), device=device),
            torch.full((count,), -1, dtype=torch.int64, device=device),
            by=[""] * count,
            passes=torch.zeros(count, dtype=torch.int64, device=device),
        )

    def offer(
        self,
        rows: torch.Tensor,
        points: torch.Tensor,
        margin: torch.Tensor,
        step: int,
        by: str = "",
        passes: int = 1,
    ) -> None:
        """Take over points `[row, …]` of the clips `rows` wherever they are stronger; `passes` is what each took."""
        self.spend(rows, passes)
        margin = torch.nan_to_num(margin.to(self.margin), nan=float("inf"))
        better = margin < self.margin[rows]
        chosen = rows[better]
        newly = (margin < 0) & (self.step[rows] < 0)
        self.points[chosen] = points[better]
        self.margin[chosen] = margin[better]
        self.step[rows[newly]] = step
        for row in chosen.tolist():
            self.by[row] = by

    def spend(self, rows: torch.Tensor | slice, passes: int) -> None:
        """Count passes of the model on each of the clips `rows`."""
        if self.passes is not None:
            self.passes[rows] += passes


class Attack(ABC):
    """Base of every attack.

    Attributes
    ----------
    access : str
        `gradient` (white box), `scores` (black box), `transfer` (another model's gradient), `universal` (fitted on
        other clips) or `none` (noise).
    defaults : mapping
        Options with their defaults.
    searches : bool
        The attack looks for the smallest perturbation by itself: it runs once, in the largest ball, and what it finds
        answers for every budget.
    exclusive : bool
        It aims at wrong classes of clips that have one class each.
    restricted : bool
        It may use a part of the ball only, such as bursts: what lies elsewhere in it, noise or a planted point, proves
        nothing about the attack. Its floor is its own path without a step, and `reached` says what it may be asked for.
    spares : bool
        It leaves a part of the clip as it is: no budget, however large, has to break every model. Its `unsparing` form,
        which does not, must.
    aimless : bool
        It climbs away from the clean answer, whichever way, and aims at no error.
    """

    searches: ClassVar[bool] = False
    exclusive: ClassVar[bool] = False
    restricted: ClassVar[bool] = False
    spares: ClassVar[bool] = False
    aimless: ClassVar[bool] = False
    access: ClassVar[Literal["gradient", "scores", "transfer", "universal", "none"]] = "gradient"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.name, self.options = name, dict(options)

    @abstractmethod
    def run(self, problem: Problem) -> Outcome:
        """Attack a batch whose clips are all answered rightly when clean."""

    def reached(self, problem: Problem, draw: int) -> torch.Tensor:
        """Points `[way, channel, sample]` to which one random perturbation of a clip leads, of those that it may use.

        Several where it has to work in several places; the attack can be asked to find what breaks at all of them.
        """
        return problem.ball.spread(problem.noise("plant", draw))

    def unsparing(self) -> Attack:
        """The same attack where it may use all of the clip; itself, where it does already."""
        return self

    @abstractmethod
    def cost(self, classes: int) -> Cost:
        """Most model evaluations that one clip can need."""
