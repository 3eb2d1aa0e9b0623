"""Scores that join the severities of a corruption, on values and on bootstrap replicates alike.

Every function takes arrays whose first axis is severity (or draw, or corruption) and whose remaining axes are free, so
the same call gives a value and its replicates, paired by clip because all cells share their bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.types import Direction

#: A denominator smaller than this divides noise, so the quotient is undefined.
SMALLEST_DENOMINATOR = 0.01


def area_under_severity(clean: np.ndarray, scores: np.ndarray, severities: Sequence[int]) -> np.ndarray:
    """AURC: mean height of the score over severity from 0 (clean), by the trapezoid rule.

    Parameters
    ----------
    clean : np.ndarray [shape=(…)]
        Score on clean clips.
    scores : np.ndarray [shape=(severity, …)]
        Score at each severity.
    severities : sequence of int
        The severities, rising.

    Examples
    --------
    >>> float(area_under_severity(np.array(0.9), np.array([0.7, 0.5]), [1, 2]))  # (0.8 + 0.6) / 2
    0.7
    """
    places = np.array([0, *severities], np.float64)
    if len(places) != len(scores) + 1 or len(scores) == 0 or (np.diff(places) <= 0).any():
        raise CannotMeasure(f"{len(scores)} scores for severities {list(severities)}, which must rise from 1")
    heights = np.concatenate([np.asarray(clean)[None], scores])
    return np.trapezoid(heights, places, axis=0) / places[-1]


def retention(scores: np.ndarray, clean: np.ndarray, chance: float, direction: Direction = "higher") -> np.ndarray:
    """Share of what the clean score is better than chance that is left: (S − chance) / (S_clean − chance).

    Undefined (NaN) where the clean score is not better than chance by 0.01.

    Examples
    --------
    >>> retention(np.array([0.5, 0.3]), np.array(0.9), 0.1).round(3).tolist()
    [0.5, 0.25]
    """
    sign = 1 if direction == "higher" else -1
    over, under = np.broadcast_arrays(sign * (np.asarray(scores) - chance), sign * (np.asarray(clean) - chance))
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under >= SMALLEST_DENOMINATOR)


def breakdown_severity(retained: np.ndarray, severities: Sequence[int], threshold: float = 0.5) -> np.ndarray:
    """First severity at which less than `threshold` is retained; infinite if none, NaN if retention is undefined.

    Parameters
    ----------
    retained : np.ndarray [shape=(severity, …)]
        Retention at each severity.
    severities : sequence of int
        The severities, rising.
    threshold : float, default=0.5
        Share.

    Examples
    --------
    >>> float(breakdown_severity(np.array([0.9, 0.6, 0.4, 0.45]), [1, 2, 3, 4]))
    3.0
    """
    places = np.append(np.asarray(severities, np.float64), np.inf)
    below = np.asarray(retained) < threshold
    first = np.where(below.any(axis=0), below.argmax(axis=0), len(severities))
    return np.where(np.isnan(retained).any(axis=0), np.nan, places[first])


def half_loss_level(
    levels: Sequence[float],
    scores: np.ndarray,
    clean: np.ndarray,
    chance: float,
    direction: Direction = "higher",
    threshold: float = 0.5,
) -> np.ndarray:
    """SNR in dB at which half of the above-chance score is lost.

    Retention is interpolated linearly in dB between neighbouring levels; counted is the first crossing on the way from
    the highest level down. +∞: already lost at the highest level. −∞: never lost at the levels given. NaN: retention
    is undefined.

    Parameters
    ----------
    levels : sequence of float
        SNR of each condition in dB, in any order.
    scores : np.ndarray [shape=(level, …)]
        Score at each level.
    clean : np.ndarray [shape=(…)]
        Score on clean clips.
    chance : float
        Score of a guess.
    direction : {"higher", "lower"}
        Which way the score is better.
    threshold : float, default=0.5
        Retention that is looked for.

    Examples
    --------
    >>> half_loss_level([20, 10, 0], np.array([0.9, 0.7, 0.3]), np.array(0.9), 0.1).round(6)  # 0.5 lies half-way
    np.float64(5.0)
    """
    order = np.argsort(-np.asarray(levels, np.float64), kind="stable")
    decibels = np.asarray(levels, np.float64)[order]
    if len(decibels) == 0 or (np.diff(decibels) == 0).any():
        raise CannotMeasure(f"levels of an SNR curve must differ: {list(levels)}")
    retained = retention(np.asarray(scores)[order], clean, chance, direction)
    undefined = np.isnan(retained).any(axis=0)
    below = retained < threshold
    first = np.where(below.any(axis=0), below.argmax(axis=0), len(decibels))
    inside = (first > 0) & (first < len(decibels))
    right = np.clip(first, 1, len(decibels) - 1) if len(decibels) > 1 else np.zeros_like(first)
    left = np.maximum(right - 1, 0)
    high = np.take_along_axis(retained, left[None], axis=0)[0]
    low = np.take_along_axis(retained, right[None], axis=0)[0]
    drop = np.where(inside, high - low, 1.0)
    crossing = decibels[left] + (decibels[right] - decibels[left]) * np.where(inside, high - threshold, 0.0) / drop
    found = np.where(inside, crossing, np.where(first == 0, np.inf, -np.inf))
    return np.where(undefined, np.nan, found)


def flip_rate(outputs: np.ndarray) -> np.ndarray:
    """Chance that two random draws of the same clip give different outputs, per clip.

    Parameters
    ----------
    outputs : np.ndarray [shape=(draw, clip), int]
        Output class of each draw.

    Examples
    --------
    >>> flip_rate(np.array([[0, 1], [0, 1], [0, 2]])).round(4).tolist()  # 2 of 3 pairs differ for the second clip
    [0.0, 0.6667]
    """
    draws = len(outputs)
    if draws < 2:
        raise CannotMeasure(f"a flip rate needs at least two draws per clip, there are {draws}")
    ordered = np.sort(outputs, axis=0)
    # Position in a sorted run counts the equal draws before it: summed, the number of equal pairs.
    start = np.maximum.accumulate(
        np.where(
            np.concatenate([np.ones((1, ordered.shape[1]), bool), ordered[1:] != ordered[:-1]]),
            np.arange(draws)[:, None],
            0,
        ),
        axis=0,
    )
    equal = (np.arange(draws)[:, None] - start).sum(axis=0)
    return 1 - equal / (draws * (draws - 1) / 2)


def group_means(scores: Mapping[str, np.ndarray], group_of: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Mean over the corruptions of each group (noise, room, codec, …), each corruption with the same weight.

    Examples
    --------
    >>> means = group_means({"white": np.array(0.4), "pink": np.array(0.6), "mp3": np.array(0.8)},
    ...                     {"white": "noise", "pink": "noise", "mp3": "codec"})
    >>> {name: float(value) for name, value in means.items()}
    {'noise': 0.5, 'codec': 0.8}
    """
    members: dict[str, list[np.ndarray]] = {}
    for name, score in scores.items():
        members.setdefault(group_of[name], []).append(score)
    return {group: np.mean(found, axis=0) for group, found in members.items()}


@dataclass(frozen=True)
class CorruptionError:
    """Corruption error against a reference model (Hendrycks & Dietterich 2019).

    Attributes
    ----------
    value : np.ndarray [shape=(…)]
        Mean over the corruptions whose reference can be divided by; NaN if there is none.
    each : dict of str to np.ndarray
        Value of each of those corruptions.
    omitted : tuple of str
        Corruptions that the reference model hardly feels: sum of its errors below 0.01.
    """

    value: np.ndarray
    each: dict[str, np.ndarray]
    omitted: tuple[str, ...]


def corruption_error(
    errors: Mapping[str, np.ndarray],
    reference: Mapping[str, Sequence[float]],
    *,
    clean: np.ndarray | None = None,
    reference_clean: float | None = None,
) -> CorruptionError:
    """mCE, or relative mCE if the clean errors are given.

    mCE is the mean over corruptions of Σ_s E / Σ_s E_ref; relative mCE takes the clean error off every E first. Which
    corruptions are left out depends on the reference alone, so all models are compared on the same ones.

    Parameters
    ----------
    errors : mapping of str to np.ndarray [shape=(severity, …)]
        Error of the model under each corruption.
    reference : mapping of str to sequence of float
        Error of the reference model, same severities.
    clean : np.ndarray [shape=(…)], optional
        Clean error of the model.
    reference_clean : float, optional
        Clean error of the reference model.

    Raises
    ------
    CannotMeasure
        The reference lacks a corruption or severity, or only one clean error is given.

    Examples
    --------
    >>> round(float(corruption_error({"white": np.array([0.2, 0.4])}, {"white": [0.3, 0.5]}).value), 6)
    0.75
    """
    if (clean is None) != (reference_clean is None):
        raise CannotMeasure("relative mCE needs the clean error of the model and of the reference")
    each: dict[str, np.ndarray] = {}
    omitted = []
    for name, error in errors.items():
        if name not in reference or len(reference[name]) != len(error):
            have = f"{len(reference[name])} severities" if name in reference else "nothing"
            raise CannotMeasure(f"the mCE reference has {have} for {name}, {len(error)} severities are needed")
        base, over = np.asarray(reference[name], np.float64), np.asarray(error, np.float64)
        if clean is not None and reference_clean is not None:
            base, over = base - reference_clean, over - clean
        if base.sum() < SMALLEST_DENOMINATOR:
            omitted.append(name)
        else:
            each[name] = over.sum(axis=0) / base.sum()
    shape = next(iter(errors.values())).shape[1:] if errors else ()
    value = np.mean(list(each.values()), axis=0) if each else np.full(shape, np.nan)
    return CorruptionError(value, each, tuple(omitted))
