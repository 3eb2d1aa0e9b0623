"""What a perturbation is worth in decibels: the SNR of white noise that costs the model the same.

Rooms, coders, telephones and attacks come in units of their own; on this axis they stand beside each other. The score
of a perturbed cell is looked up on the curve of the same model, metric and clips in white noise, drawn straight in dB
between the levels that were measured. Where the curve rises again with more noise, which no model's true curve does, it
is held at the least that was seen at milder levels. Nothing is said beyond the levels: what costs no more than the
mildest noise, or more than the strongest, is worth that bound and no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.stats.bootstrap import Bootstrap
from benchbed.types import Direction


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
    """

    levels: tuple[float, ...]
    scores: np.ndarray
    direction: Direction
    unit: str
    rule: str


def noise_level(levels: Sequence[float], curve: np.ndarray, score: np.ndarray, direction: Direction) -> np.ndarray:
    """SNR in dB at which a curve in noise has a score: +∞ for one as good as in the mildest noise, −∞ for one worse
    than in the strongest.

    Parameters
    ----------
    levels : sequence of float
        SNR of each point of the curve in dB, in any order.
    curve : np.ndarray [shape=(level, …)]
        Score at each level.
    score : np.ndarray [shape=(…)]
        What is looked up.
    direction : {"higher", "lower"}
        Which way the score is better.

    Examples
    --------
    >>> float(noise_level([20, 10, 0], np.array([0.9, 0.7, 0.3]), np.array(0.5), "higher"))  # half-way from 0.7 to 0.3
    5.0
    >>> float(noise_level([20, 10], np.array([0.9, 0.7]), np.array(0.95), "higher"))
    inf
    """
    order = np.argsort(-np.asarray(levels, np.float64), kind="stable")
    decibels = np.asarray(levels, np.float64)[order]
    if len(decibels) < 2 or (np.diff(decibels) == 0).any():
        raise CannotMeasure(f"a curve in noise needs two levels or more, which differ: {list(levels)}")
    sign = 1.0 if direction == "higher" else -1.0
    fallen = np.minimum.accumulate(sign * np.asarray(curve, np.float64)[order], axis=0)
    wanted = sign * np.asarray(score, np.float64)
    # As good as in the mildest noise is as good as in any milder one: only a bound.
    reached = fallen <= wanted
    first = np.where(reached.any(axis=0), reached.argmax(axis=0), len(decibels))
    right = np.clip(first, 1, len(decibels) - 1)
    high = np.take_along_axis(fallen, (right - 1)[None], axis=0)[0]
    low = np.take_along_axis(fallen, right[None], axis=0)[0]
    drop = np.where(high > low, high - low, 1.0)
    between = decibels[right - 1] + (decibels[right] - decibels[right - 1]) * np.clip((high - wanted) / drop, 0.0, 1.0)
    found = np.where(first == 0, np.inf, np.where(first == len(decibels), -np.inf, between))
    undefined = np.isnan(wanted) | np.isnan(fallen).any(axis=0)
    return np.where(undefined, np.nan, found)


def worth(curve: NoiseCurve, score: np.ndarray, n: int, bootstrap: Bootstrap | None, about: str = "") -> Number:
    """The SNR of white noise that costs the same as a cell, with its interval; undefined, with the bound, beyond.

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
    columns = min(curve.scores.shape[1], len(score))
    drawn = columns > 1 and columns == curve.scores.shape[1] == len(score)
    columns = columns if drawn else 1
    level = noise_level(curve.levels, curve.scores[:, :columns], score[:columns], curve.direction)
    info = MetricInfo("Worth in white noise", f"worth:{curve.rule}|linear-in-dB", curve.unit, "higher", scope=about)
    milder = f"beyond the curve: it costs no more than white noise at {max(curve.levels):g} dB"
    stronger = f"beyond the curve: it costs more than white noise at {min(curve.levels):g} dB"
    reason = "undefined" if np.isnan(level[0]) else milder if level[0] > 0 else stronger
    return number(
        float(level[0]),
        info,
        n,
        replicates=level[1:] if drawn else None,
        bootstrap=bootstrap,
        undefined=reason,
    )
