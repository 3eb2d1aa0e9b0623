"""The average that a vote stands for: what attacks on a smoothed model climb, and what their gradient is held against.

A vote under noise counts classes, and counts have no slope: where all votes agree nothing that an attack does is seen
in them. Attacks climb the mean of the probabilities under that noise instead. Its slope is that of the model's
`surrogate`; how high it is, whether it rose, and which point is the strongest, is asked here, under noise drawn here,
through the plain path of the model behind the vote: a surrogate that lies is no part of it, and what it leads to does
not rise. The average says something about a model only if that model is what it states: where its answers are none that
such votes give, the gradient counts as that of something else. What breaks a clip in the end is the vote itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchbed import rng
from benchbed.attack.contract import Victim
from benchbed.attack.losses import LOSSES
from benchbed.attack.twin import Forward
from benchbed.run.attacking.sources import view_behind
from benchbed.run.attacking.victim import asked
from benchbed.run.attacking.view import View
from benchbed.run.attacking.work import Work

#: Draws of noise that are averaged: two means of so many have gradients that agree to a cosine of 0.86 and more on the
#: shipped CNN under noise of 0.01.
NOISES = 64
#: Answers of the model that are held against the votes, and the probability at which votes rule an answer out.
ANSWERS, RULED_OUT = 3, 0.001


@dataclass(frozen=True)
class Average:
    """A smoothed model by way of the model behind it.

    Attributes
    ----------
    view, behind : View
        The smoothed model, and the one whose answers vote.
    sigma : float
        Standard deviation of the noise in waveform units.
    samples : int
        Of an input.
    seconds : float
        Of the recordings.
    """

    view: View
    behind: View
    sigma: float
    samples: int
    seconds: float

    def scores(self, points: torch.Tensor) -> torch.Tensor:
        """What losses climb `[clip, class]`: the mean probability under the same noise every time, in the place of the
        vote."""
        return self._read(self._mean(points, _probable(self.behind)), points)

    def victim(self, victim: Victim) -> Victim:
        """The smoothed model as attacks see it, with the average in the place of the vote."""
        return replace(victim, forward=self.scores, averages=NOISES)

    def strange(self, points: torch.Tensor) -> torch.Tensor:
        """Clips `[clip]` on which the smoothed model never gives an answer that votes under noise may give."""
        from scipy.stats import binom

        # Other noise than that which was climbed: what is the strongest under that is it by its chance, too.
        votes = NOISES * self._read(self._mean(points, _chosen, NOISES), points).exp()
        most = votes.amax(1).round().cpu().numpy()
        never = np.ones(len(points), bool)
        for _ in range(ANSWERS):
            raw = self.view.raw(points.detach().cpu().numpy(), self.samples)
            answers, usable = self.view.aligned(raw, self.samples, self.seconds)
            given = torch.from_numpy(np.nan_to_num(answers, nan=-np.inf).argmax(1)).to(votes.device)
            own = votes.gather(1, given[:, None])[:, 0].round().cpu().numpy()
            never &= ~usable | (binom.cdf(own, own + most, 0.5) < RULED_OUT)
        return torch.from_numpy(never).to(points.device)

    def _mean(self, points: torch.Tensor, of: Callable[[torch.Tensor], torch.Tensor], first: int = 0) -> torch.Tensor:
        plain: Forward = self.behind.hearing.through(asked(self.behind.adapter, self.behind.shared))
        total: torch.Tensor | None = None
        for draw in range(first, first + NOISES):
            noisy = points + self.sigma * _noise(points, draw)
            # A model behind the vote that is random itself draws the same numbers for all points.
            with rng.preserved_global_state(rng.key("average", draw)):
                share = of(plain(noisy)).double()
            total = share if total is None else total + share
        assert total is not None
        return total / NOISES

    def _read(self, share: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Shares of the model's classes as losses climb them, in the classes of the data."""
        raw = share if self.view.card.scores == "probabilities" else share.clamp_min(1e-300).log()
        read = LOSSES.get(self.view.output).scores(lambda _: raw, self.view.reading, self._heard)
        found: torch.Tensor = read(points)
        return found

    @property
    def _heard(self) -> object:
        return self.view.heard(self.samples, self.seconds)


def average_of(work: Work, view: View, samples: int, seconds: float) -> Average | None:
    """The average behind a model that states `smoothing`; None for every other, and for answers that are no classes.

    Parameters
    ----------
    view : View
        Of the model under attack, or of a new instance of it.
    samples : int
        Of an input.
    seconds : float
        Of the recordings.
    """
    sigma, inner = view.adapter.smoothing, view.adapter.undefended
    if sigma is None or inner is None or work.task.scored or work.condition.space != "waveform":
        return None
    exclusive = getattr(LOSSES.get(view.output), "EXCLUSIVE", False)
    if not exclusive or inner.card.labels != view.adapter.card.labels:
        return None
    return Average(view, view_behind(work.engine, inner), sigma, samples, seconds)


def _noise(points: torch.Tensor, draw: int) -> torch.Tensor:
    """One draw of white noise, the same for every clip: points of a clip are then told apart by what they are."""
    drawn = rng.stream("average", draw).standard_normal(tuple(points.shape[1:]), dtype=np.float32)
    return torch.from_numpy(drawn).to(points)


def _probable(behind: View) -> Callable[[torch.Tensor], torch.Tensor]:
    kept = behind.adapter.card.scores == "probabilities"
    return lambda raw: raw if kept else raw.double().softmax(-1)


def _chosen(raw: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.nan_to_num(raw, nan=float("-inf")).argmax(-1), raw.shape[-1])
