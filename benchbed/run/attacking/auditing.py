"""The gradients that attacks used, held against finite differences through `predict`, clip by clip.

Only clips that an attack left standing are looked at: what has fallen needs no gradient to be believed. Of a model that
votes under noise all are, since attacks climb what the vote stands for and not the vote. Those that were
vouched for while they were attacked (see `benchbed.run.attacking.vouching`) have been held against the instance that
was attacked; a new one is asked along the gradient only, whether it is as steep there. The gradient of a model that
votes under noise is held against the average that the vote stands for (`benchbed.run.attacking.averaging`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.attack.audit import DIRECTIONS, MASKED, SOUND, Told, audit, rival, slope
from benchbed.attack.contract import ByClip
from benchbed.attack.losses import LOSSES
from benchbed.attack.threat import norms, per_clip
from benchbed.run.attacking.averaging import Average, average_of
from benchbed.run.attacking.view import View

if TYPE_CHECKING:
    import torch

    from benchbed.attack.contract import Loss, Problem
    from benchbed.attack.ensemble import Level
    from benchbed.run.attacking.setting import Setting

#: Answers of a random model that a difference is the mean of, both sides with the same random numbers.
DRAWS = 4
#: Step of the differences by which gradients are vouched for, as a share of the perturbation: 20 dB below it.
STEP = 0.1
#: Gradients of a smoothed model that a claim is the mean of, at least.
AVERAGED = 32
#: Steps along a smoothed model's gradient, in dB below the clip, at which its answer is held against votes, too.
VOTED_AT = (40.0, 25.0, 10.0)


@dataclass(frozen=True)
class Claimed:
    """Clips with the gradients that an attack was given.

    Attributes
    ----------
    setting : Setting
        Their batch.
    problem : Problem
        At the mildest budget.
    points, gradient : Tensor [shape=(clip, …)]
        Where, and the gradient there.
    loss : callable
        What it is the gradient of.
    sizes : Tensor [shape=(clip,)]
        Euclidean norm that steps are measured against.
    steep : Tensor [shape=(clip,)], optional
        How steep the instance that was attacked was found to be, of clips that were vouched for.
    """

    setting: Setting
    problem: Problem
    points: torch.Tensor
    gradient: torch.Tensor
    loss: Loss
    sizes: torch.Tensor
    steep: torch.Tensor | None = None

    def select(self, rows: torch.Tensor, steep: torch.Tensor | None = None) -> Claimed:
        """Some of the clips."""
        part = self.loss.select(rows) if isinstance(self.loss, ByClip) else self.loss
        places = self.points[rows], self.gradient[rows]
        return Claimed(self.setting, self.problem.select(rows), *places, part, self.sizes[rows], steep)


def audited(setting: Setting) -> bool:
    """Whether attacks use a gradient, of a model whose answers are scores that a slope can be told from."""
    losses = LOSSES.get(setting.work.view.output)
    told = getattr(losses, "PATH", "forward") == "forward" and not getattr(losses, "STILL", False)
    return setting.ensemble.white_box and told


def claimed(setting: Setting, stages: list[Level]) -> Claimed | None:
    """The gradients of the clips that stand at the mildest budget and were not vouched for there: of every other one at
    the clean clip, else where the attack ended, so that a model that hides its gradient in one of the places is seen.
    Of a model that votes under noise those of all clips.

    None where no attack used a gradient, where all clips have fallen everywhere, and for models whose answers are no
    scores that a slope could be told from.
    """
    import torch

    from benchbed.attack.descent import sliced_gradient

    if not stages or not audited(setting):
        return None
    sample = setting.loud[0]
    average = average_of(setting.work, setting.work.view, sample.samples, sample.seconds)
    # What a vote is attacked by is what it stands for: a clip that has fallen there may stand all the same.
    stands = ~stages[0].outcome.broken & ~stages[0].vouched
    rows = (stands if average is None else torch.ones_like(stands)).nonzero()[:, 0]
    if not len(rows):
        return None
    problem = setting.problem(stages[0].threat).select(rows)
    points = problem.ball.clean.clone()
    points[1::2] = stages[0].outcome.points[rows][1::2]
    sizes = norms(problem.ball.clean.double(), "l2")
    if average is None:
        loss = rival(problem.losses, problem.victim.scores(points))
        _, _, gradient = sliced_gradient(problem.victim, points, problem.target, loss)
        return Claimed(setting, problem, points, gradient, loss, sizes)
    # Votes that are unanimous have no second class, and a gradient under a few draws of noise is mostly noise.
    loss = rival(problem.losses, average.scores(points))
    times = -(-AVERAGED // problem.victim.eot)
    drawn = (sliced_gradient(problem.victim, points, problem.target, loss)[2] for _ in range(times))
    gradient = functools.reduce(torch.add, drawn) / times
    return Claimed(setting, problem, points, gradient, loss, sizes)


def hold(view: View, of: Claimed, eot: int) -> None:
    """Note the ratio of each clip's gradient to what the model does, asked through the plain path of `view`.

    Parameters
    ----------
    view : View
        The model through its plain path, best an instance that has not heard these clips yet.
    of : Claimed
        From `claimed`.
    eot : int
        Above 1 for a model that answers differently every time.
    """
    import torch

    problem, work = of.problem, of.setting.work
    sample = of.setting.loud[0]
    average = average_of(work, view, sample.samples, sample.seconds)
    told = told_of(view, of, DRAWS if eot > 1 else 1) if average is None else _averaged(average, of)
    if of.steep is None:
        directions = [problem.noise("audit", number) for number in range(DIRECTIONS)]
        seen = audit(told, of.points, of.gradient, directions, of.sizes)
        ratios, queries = seen.ratio, seen.queries
    else:
        every, reach = torch.arange(len(problem), device=of.points.device), of.sizes * STEP
        ratios = slope(told, every, of.points, of.gradient, reach) / of.steep.clamp_min(1e-300)
        # An instance that is much steeper is another model as well.
        ratios, queries = torch.where(ratios > 1, 1 / ratios, ratios), 2 * len(problem)
    if average is not None:
        strange = _strange(average, of)
        ratios = torch.where(strange, 0.0, ratios)
        work.note("audit_vote", len(problem), int(strange.sum()), text=f"noise of {average.sigma:g}")
    ratio = ratios.cpu().numpy()
    flat = int(np.isnan(ratio).sum())
    low = int((ratio <= MASKED).sum()) + flat
    middle = float(np.nanmedian(ratio)) if flat < len(ratio) else 0.0
    text = f"{flat} get the same answer to everything" if flat else ""
    work.note("audit", len(ratio), low, text=text)
    work.note("audit_unsure", len(ratio), int((ratio < SOUND).sum()) + flat, middle)
    work.note("audit_cost", len(ratio), queries)


def told_of(view: View, of: Claimed, draws: int = 1) -> Told:
    """The loss of a claim, asked through the plain path of `view`; the sum over `draws` of a random model."""
    import torch

    sample = of.setting.loud[0]
    plain = view.told(sample.samples, sample.seconds)

    def told(points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(len(points), dtype=torch.float64, device=points.device)
        mine = of.loss.select(rows) if isinstance(of.loss, ByClip) else of.loss
        for draw in range(draws):
            with _same_numbers(draw, draws > 1):
                total = total + mine(plain(points), of.problem.target[rows]).double()
        return total

    return told


def _averaged(average: Average, of: Claimed) -> Told:
    """The loss of a claim on the average that a vote stands for, under the same noise for all points of a clip."""

    def told(points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        mine = of.loss.select(rows) if isinstance(of.loss, ByClip) else of.loss
        return mine(average.scores(points), of.problem.target[rows])

    return told


def _strange(average: Average, of: Claimed) -> torch.Tensor:
    """Clips `[clip]` whose answer is no vote, where the gradient was asked or at one of some steps along it."""
    strange = average.strange(of.points)
    size = norms(of.gradient.double(), "l2").clamp_min(1e-300)
    for step in VOTED_AT:
        reach = per_clip(of.sizes.double() * 10 ** (-step / 20) / size, of.gradient)
        moved = (of.points + (of.gradient.double() * reach).to(of.points)).clamp(-1, 1)
        strange |= average.strange(moved)
    return strange


@contextmanager
def _same_numbers(draw: int, wanted: bool) -> Iterator[None]:
    """The random numbers of one draw, whatever is asked: what differs then is what was asked."""
    if not wanted:
        yield
        return
    with rng.preserved_global_state(rng.key("audit", draw)):
        yield
