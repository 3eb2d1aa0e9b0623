"""Several classes per clip: lists of names or a matrix of zeros and ones as references, scores as estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError, did_you_mean


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of clips with any number of classes.

    Parameters
    ----------
    references : sequence of sequences of str, or array-like [shape=(clip, class)]
        Names of the classes of each clip; or 0 and 1, soft shares, NaN where nobody said whether a class is there.
    estimates : array-like [shape=(clip, class)] or sequence of sequences of str
        Scores in the order of `labels`, or the classes that were output.
    labels : sequence of str, optional
        Classes; by default the sorted names that occur, where both sides are lists of names.

    Raises
    ------
    ConfigError
        Names that are no class, other shapes, or scores without `labels`.

    Examples
    --------
    >>> given([["dog"], ["dog", "rain"]], [["dog"], []], None).references.tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    named = [_is_named(side) for side in (references, estimates)]
    if labels is None:
        if not all(named):
            raise ConfigError("evaluate: columns of scores have no names", hint="labels=(…), in their order")
        labels = sorted({name for side in (references, estimates) for clip in side for name in clip})
    target, scores = (
        _hot(side, labels, what) if names else np.asarray(side, np.float64)
        for side, what, names in zip((references, estimates), ("reference", "estimate"), named)
    )
    wanted = (len(target), len(labels))
    for what, side in (("references", target), ("estimates", scores)):
        if side.shape != wanted:
            raise ConfigError(
                f"evaluate: {what} of shape {list(side.shape)} for [{wanted[0]} clips, {wanted[1]} classes]"
            )
    return Given(tuple(labels), scores, target, tuple(str(i) for i in range(len(target))))


def _is_named(side: Any) -> bool:
    if isinstance(side, np.ndarray):
        return False
    return all(not isinstance(clip, (str, int, float)) and all(isinstance(name, str) for name in clip) for clip in side)


def _hot(side: Any, labels: Sequence[str], what: str) -> np.ndarray:
    number = {name: index for index, name in enumerate(labels)}
    clips = list(side)
    hot = np.zeros((len(clips), len(labels)))
    for row, clip in enumerate(clips):
        for name in clip:
            if name not in number:
                hint = did_you_mean(name, labels) or f"classes: {', '.join(labels)}"
                raise ConfigError(f"evaluate: {what} {row} has '{name}', which is no class", hint=hint)
            hot[row, number[name]] = 1.0
    return hot
