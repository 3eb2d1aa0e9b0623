"""The mean of scores that another program gave to items, in its unit and direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.ratios import ratio
from benchbed.types import Direction


def family(
    labels: Sequence[str] = (),
    *,
    title: str = "Mean score",
    rule: str = "as-scored",
    unit: str = "score",
    direction: str = "higher",
) -> ItemScores:
    """The family; there are no classes.

    Parameters
    ----------
    labels : sequence of str
        None.
    title : str
        What the score is called, e.g. `CA-SDRi`.
    rule : str
        Who scored by which rule, e.g. `capi-sdri:dcase2026`; two runs are compared under one rule only.
    unit : str
        `dB`, `fraction` (shown in per cent), …
    direction : {"higher", "lower"}
        Which way is better.

    Raises
    ------
    ConfigError
        Another direction.

    Examples
    --------
    >>> made = family(unit="dB")
    >>> sums = made.statistics(np.array([[8.0], [9.0]]), np.zeros(2)).sum(axis=0)
    >>> float(made.values(sums)["mean_score"])
    8.5
    """
    if direction not in ("higher", "lower"):
        raise ConfigError(f"item_scores: direction is '{direction}'", hint="higher or lower")
    return ItemScores(MetricInfo(title, f"mean-over-items:{rule}", unit, cast(Direction, direction)))


def example(generator: np.random.Generator, clips: int) -> tuple[ItemScores, np.ndarray, np.ndarray]:
    """The family with made-up scores.

    Examples
    --------
    >>> example(np.random.default_rng(0), 3)[1].shape
    (3, 1)
    """
    return family(unit="dB"), generator.normal(8, 3, clips).reshape(-1, 1), np.zeros(clips)


class ItemScores(Family):
    """The mean of scores `[item, 1]`."""

    output = "item_score"
    primary = "mean_score"

    def __init__(self, info: MetricInfo) -> None:
        self.metrics = {"mean_score": info}

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Number of items and sum of scores, `[item, 2]`.

        Raises
        ------
        CannotMeasure
            Scores that are no finite numbers.
        """
        given = np.asarray(scores, np.float64).reshape(len(target), -1)
        if given.shape[1] != 1 or not np.isfinite(given).all():
            raise CannotMeasure(f"scores of the shape {list(given.shape)} are no finite number for each item")
        return np.column_stack([np.ones(len(given)), given[:, 0]])

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """The mean from sums `[…, 2]`."""
        return {"mean_score": ratio(sums[..., 1], sums[..., 0])}

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why it is undefined."""
        return {} if sums[0] else {"mean_score": "no items"}
