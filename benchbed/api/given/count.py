"""A number per clip: counts as references and as estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError


def given(references: Sequence[float], estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of clips.

    Parameters
    ----------
    references : sequence of float [shape=(clip,)]
        Counts, 0 or more.
    estimates : sequence of float [shape=(clip,)]
        What was counted.
    labels : None
        Counts have no classes.

    Raises
    ------
    ConfigError
        What is no number, counts below zero, or other lengths.

    Examples
    --------
    >>> given([3, 0], [2.5, 1], None).answers.tolist()
    [[2.5], [1.0]]
    """
    truth, said = _numbers(references, "references"), _numbers(estimates, "estimates")
    if truth.shape != said.shape:
        raise ConfigError(f"evaluate: {len(said)} estimates for {len(truth)} references")
    if (truth < 0).any():
        place = int((truth < 0).argmax())
        raise ConfigError(f"evaluate: reference {place} is {truth[place]:g}", hint="a count is 0 or more")
    return Given((), said.reshape(-1, 1), truth, tuple(str(place) for place in range(len(truth))))


def _numbers(values: Any, what: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"evaluate: {what} are no numbers", hint="a number for each clip") from error
    if not np.isfinite(numbers).all():
        place = int((~np.isfinite(numbers)).argmax())
        raise ConfigError(f"evaluate: {what[:-1]} {place} is {numbers[place]:g}", hint="a finite number for each clip")
    return numbers
