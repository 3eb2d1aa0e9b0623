"""The gradients that attacks used, held against finite differences through `predict`, clip by clip.

Only clips that an attack left standing are looked at: what has fallen needs no gradient to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.attack.audit import DIRECTIONS, MASKED, SOUND, audit, rival
from benchbed.attack.contract import ByClip
from benchbed.attack.losses import LOSSES
from benchbed.run.attacking.view import View

if TYPE_CHECKING:
    import torch

    from benchbed.attack.contract import Loss, Problem
    from benchbed.attack.ensemble import Level
    from benchbed.run.attacking.setting import Setting

#: Answers of a random model that a difference is the mean of, both sides with the same random numbers.
DRAWS = 4


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
    """

    setting: Setting
    problem: Problem
    points: torch.Tensor
    gradient: torch.Tensor
    loss: Loss


def claimed(setting: Setting, stages: list[Level]) -> Claimed | None:
    """The gradients of the clips that stand at some budget: of every other one at the clean clip, else where the attack
    ended, so that a model that hides its gradient in one of the places is seen.

    None where no attack used a gradient, where all clips have fallen everywhere, and for models whose answers are no
    scores that a slope could be told from.
    """
    from benchbed.attack.descent import sliced_gradient

    told = getattr(LOSSES.get(setting.work.view.output), "PATH", "forward") == "forward"
    if not setting.ensemble.white_box or not stages or not told:
        return None
    rows = (~stages[0].outcome.broken).nonzero()[:, 0]
    if not len(rows):
        return None
    problem = setting.problem(stages[0].threat).select(rows)
    points = problem.ball.clean.clone()
    points[1::2] = stages[0].outcome.points[rows][1::2]
    scores = problem.victim.scores(points)
    loss = rival(problem.losses, scores)
    _, _, gradient = sliced_gradient(problem.victim, points, problem.target, loss)
    return Claimed(setting, problem, points, gradient, loss)


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

    from benchbed.attack.threat import norms

    problem, work = of.problem, of.setting.work
    sample = of.setting.loud[0]
    plain = view.told(sample.samples, sample.seconds)

    def told(points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(len(points), dtype=torch.float64, device=points.device)
        mine = of.loss.select(rows) if isinstance(of.loss, ByClip) else of.loss
        for draw in range(DRAWS if eot > 1 else 1):
            with _same_numbers(draw, eot > 1):
                total = total + mine(plain(points), problem.target[rows]).double()
        return total

    directions = [problem.noise("audit", number) for number in range(DIRECTIONS)]
    audited = audit(told, of.points, of.gradient, directions, norms(problem.ball.clean.double(), "l2"))
    ratio = audited.ratio.cpu().numpy()
    flat = int(np.isnan(ratio).sum())
    low = int((ratio <= MASKED).sum()) + flat
    middle = float(np.nanmedian(ratio)) if flat < len(ratio) else 0.0
    text = f"{flat} get the same answer to everything" if flat else ""
    work.note("audit", len(ratio), low, text=text)
    work.note("audit_unsure", len(ratio), int((ratio < SOUND).sum()) + flat, middle)
    work.note("audit_cost", len(ratio), audited.queries)


@contextmanager
def _same_numbers(draw: int, wanted: bool) -> Iterator[None]:
    """The random numbers of one draw, whatever is asked: what differs then is what was asked."""
    if not wanted:
        yield
        return
    with rng.preserved_global_state(rng.key("audit", draw)):
        yield
