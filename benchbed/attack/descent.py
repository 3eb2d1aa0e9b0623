"""Auto-PGD for waveforms of any shape: the step size adapts per clip, broken clips leave, the best point is kept.

Croce and Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks, ICML
2020. Every quantity is per clip, so a clip's path does not depend on the clips beside it.

A clip leaves as soon as it is broken, and also when it has come to rest: at two checks of progress one after the other,
the pace at which its margin fell since the last one would have had to be four times as high to break it in the steps
that are left. Once is not enough: a path that turns to and fro comes on again when its step is halved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from benchbed.attack.contract import ByClip, Loss, Outcome, Problem, Victim
from benchbed.attack.threat import per_clip

#: Share of steps until the first check of progress, by which the interval shrinks, and its smallest length.
FIRST, SHRINK, SHORTEST = 0.22, 0.03, 0.06
#: A step is halved if fewer than this share of the steps since the last check raised the loss.
RAISED = 0.75
#: A clip rests where it would take more than so many times its pace to break it; over fewer steps than the second no
#: pace is told.
HOPELESS, TOLD = 4.0, 5
#: Weight of the gradient step against the previous move.
MOMENTUM = 0.75
#: Most samples that a CPU differentiates at once, forty seconds at 32 kHz. The graph of more does not fit into memory
#: that the allocator keeps, and fetching it from the system anew at every step costs up to half as much as the model.
SLICE = 1_300_000


def starts(problem: Problem, restart: int) -> torch.Tensor:
    """Random point on each clip's ball, from the clip's own stream: the same direction at every budget."""
    return problem.ball.spread(problem.noise("start", restart))


def usable_loss(name: str, problem: Problem) -> Loss:
    """A loss of the problem's output kind by name, with a ConfigError that lists the known ones."""
    from benchbed.errors import ConfigError, did_you_mean

    losses = problem.losses.LOSSES
    if name not in losses:
        known = ", ".join(losses)
        raise ConfigError(f"there is no loss '{name}' for this output", hint=did_you_mean(name, losses) or known)
    return losses[name]


def sliced_gradient(
    victim: Victim, points: torch.Tensor, target: torch.Tensor, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`Victim.gradient` in even slices of at most `SLICE` samples on a CPU, at once elsewhere.

    Examples
    --------
    >>> victim = Victim(lambda x: torch.stack([x.sum((1, 2)), -x.sum((1, 2))], 1))
    >>> points, target = torch.ones(3, 1, 500_000), torch.zeros(3).long()
    >>> value, scores, slope = sliced_gradient(victim, points, target, lambda s, y: s[:, 0])
    >>> slope.shape, value.tolist()
    (torch.Size([3, 1, 500000]), [500000.0, 500000.0, 500000.0])
    """
    slices = min(len(points), -(-points.numel() // SLICE)) if points.device.type == "cpu" else 1
    if slices <= 1:
        return victim.gradient(points, target, loss)
    parts = []
    for rows in torch.arange(len(points)).tensor_split(slices):
        within = slice(int(rows[0]), int(rows[-1]) + 1)
        part = loss.select(rows) if isinstance(loss, ByClip) else loss
        parts.append(victim.gradient(points[within], target[within], part))
    value, scores, slope = (torch.cat(part) for part in zip(*parts))
    return value, scores, slope


@dataclass
class Path:
    """State of the clips that are still attacked; all fields are `[clip, …]` and shrink together."""

    rows: torch.Tensor
    point: torch.Tensor
    previous: torch.Tensor
    gradient: torch.Tensor
    loss: torch.Tensor
    best: torch.Tensor
    best_gradient: torch.Tensor
    best_loss: torch.Tensor
    checked_loss: torch.Tensor
    first: torch.Tensor
    step: torch.Tensor
    raised: torch.Tensor
    halved: torch.Tensor
    margin: torch.Tensor
    checked_margin: torch.Tensor
    slow: torch.Tensor
    rests: torch.Tensor

    @classmethod
    def at(
        cls,
        rows: torch.Tensor,
        point: torch.Tensor,
        loss: torch.Tensor,
        gradient: torch.Tensor,
        radius: torch.Tensor,
        margin: torch.Tensor,
    ) -> Path:
        """The first point of every path."""
        halved = torch.ones_like(loss, dtype=torch.bool)
        margin = torch.nan_to_num(margin.double(), nan=float("inf"))
        return cls(
            rows,
            point,
            point,
            gradient,
            loss,
            point.clone(),
            gradient.clone(),
            loss.clone(),
            loss.clone(),
            loss.clone(),
            2.0 * radius,
            torch.zeros_like(loss),
            halved,
            margin,
            margin.clone(),
            ~halved,
            ~halved,
        )

    def keep(self, kept: torch.Tensor) -> None:
        """Only the clips of a mask go on."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name)[kept])


def auto_pgd(
    problem: Problem, outcome: Outcome, rows: torch.Tensor, start: torch.Tensor, loss: Loss, steps: int, label: str
) -> None:
    """Run Auto-PGD on the clips `rows` from the points `start`, and offer what it finds to `outcome`.

    Parameters
    ----------
    problem : Problem
        The batch.
    outcome : Outcome
        Collects the strongest points of the whole batch.
    rows : Tensor [shape=(row,), int64]
        Clips to attack.
    start : Tensor [shape=(row, …)]
        First points; brought into the ball.
    loss : callable
        What is climbed. A loss with a parameter per clip must be made for `rows`; see `Chosen`.
    steps : int
        Steps after the first evaluation.
    label : str
        Stored for clips that break.
    """
    part = problem.select(rows)
    chosen = loss if isinstance(loss, Chosen) else None
    victim = problem.victim
    point = part.ball.project(start)
    value, scores, gradient = sliced_gradient(victim, point, part.target, loss)
    margin = part.margin(scores)
    outcome.offer(rows, point, margin, 0, label, victim.passes[1])
    state = Path.at(rows, point, _finite(value), gradient, part.ball.radius, margin)
    # A judge decides on counts, which move in leaps: their pace says nothing.
    rests = problem.stop and problem.judge is None
    _note(outcome, state)
    interval, since = max(int(FIRST * steps), 1), 0
    for step in range(1, steps + 1):
        if problem.stop:
            part, chosen = _leave(problem, outcome, state, part, chosen)
        if not len(state.rows):
            return
        moved = part.ball.climbed(state.point, state.gradient, state.step)
        if step > 1:
            # point + 0.75·(moved − point) + 0.25·(point − previous), in the memory of what is no longer needed: clips
            # of sound are large, and a new tensor for each term would cost as much as a small model.
            moved.mul_(MOMENTUM).add_(state.point, alpha=2 - 2 * MOMENTUM).sub_(state.previous, alpha=1 - MOMENTUM)
            moved = part.ball.into(moved)
        state.previous, state.point = state.point, moved
        if step == steps:  # the last point needs an answer, not a gradient
            scores = victim.scores(moved)
            losses = _finite((chosen or loss)(scores, part.target))
        else:
            losses, scores, state.gradient = sliced_gradient(victim, moved, part.target, chosen or loss)
            losses = _finite(losses)
        margin = part.margin(scores)
        outcome.offer(state.rows, moved, margin, step, label, victim.passes[step < steps])
        state.margin = torch.fmin(state.margin, margin.double())
        state.raised = state.raised + (losses > state.loss)
        state.loss = losses
        better = (losses > state.best_loss).nonzero()[:, 0]
        state.best.index_copy_(0, better, moved[better])
        state.best_gradient.index_copy_(0, better, state.gradient[better])
        state.best_loss[better] = losses[better]
        since += 1
        if since == interval:
            _adapt(state, interval)
            if rests and interval >= TOLD:
                _rest(state, interval, steps - step)
            since, interval = 0, max(interval - max(int(SHRINK * steps), 1), max(int(SHORTEST * steps), 1))
    if victim.random:
        began = part.ball.project(start)[_within(rows, state.rows)]
        ends = victim.paired((began, state.best, state.point), part.target, chosen or loss)
        state.first, state.best_loss = ends[0].to(state.first), torch.fmax(ends[1], ends[2]).to(state.first)
    _note(outcome, state)


def _within(rows: torch.Tensor, some: torch.Tensor) -> torch.Tensor:
    """Positions of some of the rows."""
    return (rows[None] == some[:, None]).int().argmax(1)


class Chosen(ByClip):
    """A loss with a parameter per clip, which is cut along with the clips.

    Parameters
    ----------
    make : callable
        Parameter `[clip]` → loss.
    values : Tensor [shape=(clip,)]
        The parameters.
    """

    def __init__(self, make: Callable[[torch.Tensor], Loss], values: torch.Tensor) -> None:
        self.make, self.values = make, values

    def __call__(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.make(self.values)(scores, target)

    def select(self, kept: torch.Tensor) -> Chosen:
        """The loss of some of the clips."""
        return Chosen(self.make, self.values[kept])


def _leave(
    problem: Problem, outcome: Outcome, state: Path, part: Problem, chosen: Chosen | None
) -> tuple[Problem, Chosen | None]:
    kept = (outcome.margin[state.rows] >= 0) & ~state.rests
    if bool(kept.all()):
        return part, chosen
    _note(outcome, state)
    state.keep(kept)
    return problem.select(state.rows), chosen.select(kept) if chosen else None


def _adapt(state: Path, interval: int) -> None:
    stuck = state.raised <= interval * RAISED
    stuck |= ~state.halved & (state.checked_loss >= state.best_loss)
    state.halved, state.checked_loss = stuck, state.best_loss.clone()
    state.raised = torch.zeros_like(state.raised)
    state.step = torch.where(per_clip(stuck, state.step), state.step / 2, state.step)
    state.point = torch.where(per_clip(stuck, state.point), state.best, state.point)
    state.gradient = torch.where(per_clip(stuck, state.point), state.best_gradient, state.gradient)


def _rest(state: Path, interval: int, left: int) -> None:
    """Mark the clips whose pace has been hopeless at two checks one after the other."""
    gained = (state.checked_margin - state.margin).nan_to_num(nan=0.0) / interval
    slow = state.margin > HOPELESS * gained * left
    state.rests, state.slow, state.checked_margin = state.slow & slow, slow, state.margin.clone()


def _finite(loss: torch.Tensor) -> torch.Tensor:
    # A loss of NaN or infinity is no progress: it must never become the best point.
    return torch.where(loss.isfinite(), loss, torch.full_like(loss, float("-inf")))


def _note(outcome: Outcome, state: Path) -> None:
    if outcome.first is None or outcome.last is None:
        outcome.first = torch.full_like(outcome.margin, float("nan"))
        outcome.last = torch.full_like(outcome.margin, float("nan"))
    # Of several runs, the progress of the latest is kept.
    outcome.first[state.rows], outcome.last[state.rows] = (
        state.first.to(outcome.margin),
        state.best_loss.to(outcome.margin),
    )
