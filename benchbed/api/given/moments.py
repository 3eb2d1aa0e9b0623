"""Moments of recordings for each query: rows of start and end as references, with a score as estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError, DataError
from benchbed.outputs.moments.asked import Asked, windows_of


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """Reference windows and scored moments.

    Parameters
    ----------
    references : mapping of str to mapping of str to rows
        Recording → query → rows of (start, end) in seconds.
    estimates : the same
        Rows of (start, end, score); a query that nothing was found for has no rows.
    labels : None
        Moments have no classes.

    Raises
    ------
    ConfigError
        A recording or query of one side only, a reversed window, or what is no number.

    Examples
    --------
    >>> one = given({"a": {"rain": [(0, 5)]}}, {"a": {"rain": [(0, 4, 0.9)]}}, None)
    >>> one.clips, one.answers[0][0].tolist()
    (('a',), [[0.0, 4.0, 0.9]])
    """
    if not isinstance(references, Mapping) or not isinstance(estimates, Mapping):
        raise ConfigError("evaluate: references and estimates map recordings to queries")
    apart = sorted(set(map(str, references)) ^ set(map(str, estimates)))
    if apart:
        raise ConfigError(f"evaluate: the recording '{apart[0]}' stands on one side only")
    clips = tuple(map(str, references))
    said = {str(clip): rows for clip, rows in estimates.items()}
    answers, target = np.empty(len(clips), object), np.empty(len(clips), object)
    for row, (clip, asked) in enumerate(references.items()):
        other = said[str(clip)]
        apart = sorted(set(map(str, asked)) ^ set(map(str, other)))
        if apart:
            raise ConfigError(f"evaluate: the query '{apart[0]}' stands on one side only", where=str(clip))
        try:
            windows = tuple(windows_of(rows, 2) for rows in asked.values())
            answers[row] = tuple(windows_of(other[query], 3) for query in asked)
        except DataError as error:
            raise ConfigError(f"evaluate: {error.what}", where=str(clip)) from error
        if not all(len(one) for one in windows):
            raise ConfigError("evaluate: a query without a reference window", where=str(clip))
        names = tuple(map(str, asked))
        target[row] = Asked(names, names, windows)
    return Given((), answers, target, clips)
