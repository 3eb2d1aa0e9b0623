"""What a perturbation is worth in decibels: the SNR of white noise that costs the model the same.

Rooms, coders, telephones and attacks come in units of their own; on this axis they stand beside each other. The score
of a perturbed cell is looked up on the curve of the same model, metric and clips in white noise. Between the levels
that were measured the curve is drawn as monotone cubics (Fritsch and Carlson, SIAM Journal on Numerical Analysis 17,
1980), of a share in its log-odds, in which psychometric curves are nearly straight; where it rises again with more
noise, which no model's true curve does, neighbouring levels are pooled (isotonic regression). Nothing is said beyond
the levels: what costs no more than the mildest noise, or more than the strongest, is worth that bound and no number.

A number is only given where a second measurement would lie within one decibel of it nineteen times in twenty: two
equal measurements differ by √2 times what one of them is uncertain by, so the interval must be within 1/√2 dB. Levels
may also stand too far apart to say what lies between them; then two ways of drawing the curve disagree, and no number
is given either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.monotone_cubic import monotone_cubic
from benchbed.metrics.number import Number, number
from benchbed.stats.bootstrap import Bootstrap
from benchbed.types import Direction

#: What two measurements may differ by in dB, and what one is then certain to.
RETEST = 1.0
WITHIN = RETEST / 2**0.5
#: Points between two levels on which the curve is drawn.
POINTS = 40


@dataclass(frozen=True)
class NoiseCurve:
    """A model in white noise.

    Attributes
    ----------
    levels : tuple of float
        SNR of each cell in dB.
    scores : np.ndarray [shape=(level, 1 + draw)]
        Score at each level: the value, then its replicates.
    direction : {"higher", "lower"}
        Which way the score is better.
    unit : str
        Which SNR.
    rule : str
        The metric.
    clips : int
        Behind each score; a share is never taken for nearer to 0 or 1 than half a clip. 0 where the score is no share.
    """

    levels: tuple[float, ...]
    scores: np.ndarray
    direction: Direction
    unit: str
    rule: str
    clips: int = 0

    @cached_property
    def order(self) -> np.ndarray:
        """Levels from the mildest noise to the strongest."""
        return np.argsort(-np.asarray(self.levels, np.float64), kind="stable")

    @cached_property
    def decibels(self) -> np.ndarray:
        """The levels in that order.

        Raises
        ------
        CannotMeasure
            Fewer than two, or two alike.
        """
        found = np.asarray(self.levels, np.float64)[self.order]
        if len(found) < 2 or (np.diff(found) == 0).any():
            raise CannotMeasure(f"a curve in noise needs two levels or more, which differ: {list(self.levels)}")
        return found

    def scaled(self, score: np.ndarray) -> np.ndarray:
        """Scores on the scale on which the curve is drawn, better ones higher."""
        score = np.asarray(score, np.float64)
        if self.clips:
            score = np.clip(score, 0.5 / (self.clips + 1), 1 - 0.5 / (self.clips + 1))
            score = np.log(score / (1 - score))
        return score if self.direction == "higher" else -score

    @cached_property
    def fallen(self) -> np.ndarray:
        """The curve at its levels `[level, 1 + draw]`, pooled where it would rise with more noise."""
        return falling(self.scaled(self.scores)[self.order])

    @cached_property
    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Levels in dB `[point]` and the curve there `[point, 1 + draw]`."""
        levels = self.decibels
        grid = np.concatenate([*(np.linspace(a, b, POINTS, endpoint=False) for a, b in pairwise(levels)), levels[-1:]])
        known = np.isfinite(self.fallen).all(axis=0)
        curve = np.full((len(grid), self.fallen.shape[1]), np.nan)
        if known.any():
            curve[:, known] = monotone_cubic(-levels, self.fallen[:, known], -grid)
        curve[::POINTS] = self.fallen  # to the bit
        return grid, curve


def falling(scores: np.ndarray) -> np.ndarray:
    """The falling sequence that is nearest in squares, along the first axis: isotonic regression.

    Robertson, Wright and Dykstra, Order restricted statistical inference, 1988, theorem 1.4.4: the least, over all
    earlier beginnings, of the greatest, over all later ends, of the means between.

    Examples
    --------
    >>> falling(np.array([0.9, 0.5, 0.7, 0.2])[:, None])[:, 0].round(3).tolist()
    [0.9, 0.6, 0.6, 0.2]
    """
    count = len(scores)
    sums = np.concatenate([np.zeros((1, *scores.shape[1:])), np.cumsum(scores, axis=0)])
    found = np.empty_like(scores, dtype=np.float64)
    for place in range(count):
        greatest = [
            np.max([(sums[end + 1] - sums[begin]) / (end + 1 - begin) for end in range(place, count)], axis=0)
            for begin in range(place + 1)
        ]
        found[place] = np.min(greatest, axis=0)
    # Where nothing was pooled the means of one are the scores themselves.
    same = np.isclose(found, scores, rtol=1e-12, atol=1e-12)
    return np.where(same, scores, found)


def looked_up(decibels: np.ndarray, fallen: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Level at which a falling curve has a score, straight between its points: +∞ for one as good as at the mildest
    noise, −∞ for one worse than at the strongest.

    Parameters
    ----------
    decibels : np.ndarray [shape=(point,)]
        Levels from the mildest noise to the strongest.
    fallen : np.ndarray [shape=(point, …)]
        The curve there, better scores higher.
    wanted : np.ndarray [shape=(…)]
        What is looked up.

    Examples
    --------
    >>> round(float(looked_up(np.array([20, 10, 0]), np.array([0.9, 0.7, 0.3]), np.array(0.5))), 9)  # from 0.7 to 0.3
    5.0
    """
    # As good as in the mildest noise is as good as in any milder one: only a bound.
    reached = fallen <= wanted
    first = np.where(reached.any(axis=0), reached.argmax(axis=0), len(decibels))
    right = np.clip(first, 1, len(decibels) - 1)
    high = np.take_along_axis(fallen, (right - 1)[None], axis=0)[0]
    low = np.take_along_axis(fallen, right[None], axis=0)[0]
    drop = np.where(high > low, high - low, 1.0)
    share = np.where(low == wanted, 1.0, np.clip((high - wanted) / drop, 0.0, 1.0))
    between = decibels[right - 1] + (decibels[right] - decibels[right - 1]) * share
    found = np.where(first == 0, np.inf, np.where(first == len(decibels), -np.inf, between))
    undefined = np.isnan(wanted) | np.isnan(fallen).any(axis=0)
    return np.where(undefined, np.nan, found)


def worth(curve: NoiseCurve, score: np.ndarray, n: int, bootstrap: Bootstrap | None, about: str = "") -> Number:
    """The SNR of white noise that costs the same as a cell, with its interval; undefined, with the reason, beyond the
    curve and where it is not certain to what two measurements may differ by.

    Parameters
    ----------
    curve : NoiseCurve
        In noise, from the same draws.
    score : np.ndarray [shape=(1 + draw,)]
        The cell's score, then its replicates.
    n : int
        Clips behind it.
    bootstrap : Bootstrap or None
        What drew the replicates.
    about : str
        The cell, as the figure's scope.
    """
    info = MetricInfo("Worth in white noise", f"worth:{curve.rule}|monotone-cubic", curve.unit, "higher", scope=about)
    grid, points = curve.drawn
    if not curve.fallen[0, 0] > curve.fallen[-1, 0]:
        flat = f"white noise from {max(curve.levels):g} to {min(curve.levels):g} dB costs the model nothing: no curve"
        return number(float("nan"), info, n, undefined=flat)
    drawn = curve.scores.shape[1] == len(score) > 1
    columns = len(score) if drawn else 1
    wanted = curve.scaled(score[:columns])
    level = looked_up(grid, points[:, :columns], wanted)
    milder = f"beyond the curve: it costs no more than white noise at {max(curve.levels):g} dB"
    stronger = f"beyond the curve: it costs more than white noise at {min(curve.levels):g} dB"
    reason = "undefined" if np.isnan(level[0]) else milder if level[0] > 0 else stronger
    figure = number(
        float(level[0]),
        info,
        n,
        replicates=level[1:] if drawn else None,
        bootstrap=bootstrap,
        undefined=reason,
    )
    if figure.value is None:
        return figure
    doubt = _apart(curve, float(score[0]), figure.value) or _wide(figure, curve)
    return number(float("nan"), info, n, undefined=doubt) if doubt else figure


def _wide(found: Number, curve: NoiseCurve) -> str:
    """Why a worth is not certain enough to be a number; else empty."""
    assert found.value is not None
    if found.low is None or found.high is None:
        return f"about {found.value:.1f} dB, and how certain that is nobody can say: {found.reason or 'no interval'}"
    if max(found.value - found.low, found.high - found.value) <= WITHIN:
        return ""
    return (
        f"not certain to {RETEST:g} dB: between {found.low:.1f} and {found.high:.1f} dB; more clips or more draws of "
        "both narrow it"
    )


def _apart(curve: NoiseCurve, score: float, level: float) -> str:
    """Why the levels around a worth stand too far apart to say it; else empty."""
    sign = 1.0 if curve.direction == "higher" else -1.0
    known = falling(sign * np.asarray(curve.scores, np.float64)[curve.order, :1])
    straight = float(looked_up(curve.decibels, known, np.array([sign * score]))[0])
    if not np.isfinite(straight) or abs(straight - level) <= RETEST:
        return ""
    above = min(each for each in curve.levels if each >= level)
    below = max(each for each in curve.levels if each <= level)
    return (
        f"between {below:g} and {above:g} dB, where the curve in noise falls too steeply for levels {above - below:g} "
        "dB apart: white noise at levels in between says it"
    )
