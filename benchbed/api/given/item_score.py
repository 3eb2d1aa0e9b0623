"""A score per item, as another program gave it; there are no references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError


def given(references: Any, estimates: Sequence[float], labels: Sequence[str] | None) -> Given:
    """Scores of items.

    Parameters
    ----------
    references : None
        There is nothing to hold scores against.
    estimates : sequence of float [shape=(item,)]
        The scores.
    labels : None
        Items have no classes.

    Raises
    ------
    ConfigError
        What is no finite number, or references.

    Examples
    --------
    >>> given(None, [8.1, 9.0], None).answers.tolist()
    [[8.1], [9.0]]
    """
    if references is not None:
        raise ConfigError("evaluate: scores of items have no references", hint="references: None")
    try:
        scores = np.asarray(estimates, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ConfigError("evaluate: scores are no numbers", hint="a number for each item") from error
    if not np.isfinite(scores).all():
        place = int((~np.isfinite(scores)).argmax())
        raise ConfigError(f"evaluate: score {place} is {scores[place]:g}", hint="a finite number for each item")
    return Given((), scores.reshape(-1, 1), np.zeros(len(scores)), tuple(str(place) for place in range(len(scores))))
