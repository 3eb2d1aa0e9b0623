"""Queries about one recording, the moments that answer them, and the moments that a model names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.errors import DataError

#: Columns of a table of clips: texts, their ids, and the windows `(start, end)` in seconds that answer each.
QUERIES, IDS, WINDOWS = "queries", "query_ids", "windows"
#: Column that says how long a recording is, where the data set states it.
SECONDS = "seconds_stated"
#: Lengths are stated in whole seconds, and times rounded to them: what ends so much beyond a recording is in it. In
#: CASTELLA 271 reference windows end one second beyond the stated length, and one ends two.
STEP = 2.0


@dataclass(frozen=True, eq=False)
class Asked:
    """The reference of one recording.

    Attributes
    ----------
    queries, ids : tuple of str
        Texts, and what files call them.
    windows : tuple of np.ndarray [shape=(window, 2), float64]
        Start and end in seconds of the moments that answer each query.
    seconds : float
        Length of the recording; NaN where nobody says it.
    """

    queries: tuple[str, ...]
    ids: tuple[str, ...]
    windows: tuple[np.ndarray, ...]
    seconds: float = float("nan")

    def __len__(self) -> int:
        return len(self.queries)


def windows_of(given: Sequence[Sequence[float]] | np.ndarray, columns: int) -> np.ndarray:
    """Windows as an array `[window, columns]`, float64.

    Raises
    ------
    DataError
        Another shape, what is no number, or an end that is not after its start.

    Examples
    --------
    >>> windows_of([[1, 2.5, 0.9]], 3).tolist(), windows_of([], 2).shape
    ([[1.0, 2.5, 0.9]], (0, 2))
    """
    try:
        made = np.array(given, np.float64).reshape(-1, columns) if len(given) == 0 else np.array(given, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"a moment is {_form(columns)} in numbers") from error
    if made.ndim != 2 or made.shape[1] != columns:
        raise DataError(f"a moment is {_form(columns)}, not {list(made.shape[1:]) or 'a number'}")
    if not np.isfinite(made).all():
        raise DataError("a moment with a time or score that is no finite number")
    wrong = made[:, 1] <= made[:, 0]
    if wrong.any():
        start, end = made[wrong][0, :2]
        raise DataError(f"the moment {start:g}–{end:g} s does not end after it starts", hint="(start, end) in seconds")
    if (made[:, 0] < 0).any():
        raise DataError(f"the moment {made[:, 0].min():g} s starts before the recording")
    return made


def outside(windows: np.ndarray, seconds: float) -> str | None:
    """What is wrong with windows in a recording of `seconds`; times may be rounded up.

    Examples
    --------
    >>> outside(np.array([[0.0, 9.7]]), 9.2), outside(np.array([[9.5, 20.0]]), 10.0)
    (None, 'the moment 9.5–20 s lies outside the recording of 10 s')
    """
    beyond = (windows[:, 1] > seconds + STEP + 1e-9) | (windows[:, 0] > seconds)
    if not beyond.any():
        return None
    start, end = windows[beyond][0, :2]
    return f"the moment {start:g}–{end:g} s lies outside the recording of {seconds:g} s"


def behind(windows: np.ndarray, seconds: float) -> str | None:
    """What is wrong with moments that a model names: one that begins when the recording is over.

    Ends beyond it are let pass, as evaluators do: detectors know lengths in steps of their own.

    Examples
    --------
    >>> behind(np.array([[9.0, 20.0]]), 10.0), behind(np.array([[10.5, 20.0]]), 10.0)
    (None, 'the moment 10.5–20 s lies outside the recording of 10 s')
    """
    beyond = windows[:, 0] > seconds
    if not beyond.any():
        return None
    start, end = windows[beyond][0, :2]
    return f"the moment {start:g}–{end:g} s lies outside the recording of {seconds:g} s"


def _form(columns: int) -> str:
    return "start, end and score" if columns == 3 else "start and end"
