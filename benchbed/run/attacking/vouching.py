"""Whether the gradient of a clip is shown to be the model's own while it is attacked: what stands then needs no long
search without gradients.

The black box of an ensemble is there for gradients that lead nowhere. A clip is **vouched for** where nothing of that
kind is left to be feared: where the first attack ended, finite differences through `predict` agree with the gradient at
a tenth of the perturbation, which is how far that attack moves in its later steps; its loss rose; and it came nearer to
success than every noise of the budget. Whatever is not vouched for is attacked with everything.

The instance that is attacked vouches; a new one is asked afterwards whether it is as steep along the same gradient, see
`benchbed.run.attacking.auditing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbed.attack.audit import VOUCH_DIRECTIONS, VOUCHED, audit, rival
from benchbed.attack.descent import sliced_gradient
from benchbed.attack.threat import norms
from benchbed.run.attacking.auditing import STEP, Claimed, audited, told_of

if TYPE_CHECKING:
    import torch

    from benchbed.attack.contract import Outcome, Problem
    from benchbed.run.attacking.setting import Setting


@dataclass
class Voucher:
    """Vouches for clips of one batch.

    Attributes
    ----------
    setting : Setting
        The batch.
    claims : list of Claimed
        What it vouched for at the mildest budget, for a new instance to confirm.
    """

    setting: Setting
    claims: list[Claimed] = field(default_factory=list)

    def __call__(self, problem: Problem, done: Outcome, noise: torch.Tensor, mildest: bool) -> torch.Tensor:
        """Which clips `[clip]` are vouched for.

        Parameters
        ----------
        problem : Problem
            Clips that stand after the first attack.
        done : Outcome
            What that did, with the loss at its start and the greatest that it reached.
        noise : Tensor [shape=(clip,)]
            The margin that the strongest noise of the budget left.
        mildest : bool
            Whether this is the first of the budgets.
        """
        import torch

        climbed = (done.margin < noise.to(done.margin)) & done.margin.isfinite()
        if done.first is not None and done.last is not None:
            climbed &= done.last > done.first
        sound = torch.zeros_like(climbed)
        # What did not climb, or not above noise, is asked nothing: everything runs on it.
        rows = climbed.nonzero()[:, 0]
        if not len(rows):
            return sound
        part, points = problem.select(rows), done.points[rows]
        loss = rival(part.losses, part.victim.scores(points))
        _, _, gradient = sliced_gradient(part.victim, points, part.target, loss)
        claim = Claimed(self.setting, part, points, gradient, loss, norms((points - part.ball.clean).double(), "l2"))
        directions = [part.noise("vouch", number) for number in range(VOUCH_DIRECTIONS)]
        told = told_of(self.setting.work.view, claim)
        seen = audit(told, points, gradient, directions, STEP * claim.sizes, (0.0,))
        done.spend(rows, sum(part.victim.passes) + 2 * (1 + VOUCH_DIRECTIONS))
        good = (seen.ratio >= VOUCHED).nonzero()[:, 0]
        sound[rows[good]] = True
        if mildest and len(good):
            self.claims.append(claim.select(good, seen.steep[good]))
        return sound


def voucher_of(setting: Setting) -> Voucher | None:
    """Who vouches for the clips of a batch; None where nothing would follow from it, or no slope could be told.

    A random model is attacked with everything, and so is one behind a defence, whose gradient is a stand-in's.
    """
    if not setting.ensemble.short or setting.work.eot > 1 or not audited(setting):
        return None
    return Voucher(setting)
