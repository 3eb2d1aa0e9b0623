"""One class per clip: class names or numbers as references, scores `[clip, class]` or class names as estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError, did_you_mean


def given(references: Sequence[Any], estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of clips with one class each.

    Parameters
    ----------
    references : sequence of str or int
        Class of each clip.
    estimates : array-like [shape=(clip, class)] or sequence of str or int
        Scores in the order of `labels`, or the class that was output.
    labels : sequence of str, optional
        Classes; by default the sorted names that occur.

    Raises
    ------
    ConfigError
        Names that are no class, other lengths, or class numbers without `labels`.

    Examples
    --------
    >>> given(["bus", "tram"], ["bus", "bus"], None).answers.tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    truth = list(references)
    scores = np.asarray(estimates)
    hard = scores.ndim == 1
    if labels is None:
        names = [*truth, *(scores.tolist() if hard else [])]
        if not all(isinstance(name, str) for name in names):
            raise ConfigError("evaluate: class numbers say nothing without `labels`", hint="labels=('bus', 'tram', …)")
        if not hard:
            raise ConfigError("evaluate: columns of scores have no names", hint="labels=(…), in their order")
        labels = sorted(set(names))
    number = {name: index for index, name in enumerate(labels)}
    target = np.array([_number(name, number, "reference", i) for i, name in enumerate(truth)], np.int64)
    if hard:
        output = [_number(name, number, "estimate", i) for i, name in enumerate(scores.tolist())]
        scores = np.eye(len(labels))[np.array(output, np.int64)]
    if scores.shape != (len(target), len(labels)):
        wanted = f"[{len(target)} clips, {len(labels)} classes]"
        raise ConfigError(f"evaluate: estimates of shape {list(scores.shape)} for {wanted}")
    return Given(tuple(labels), scores.astype(np.float64), target, tuple(str(i) for i in range(len(target))))


def _number(name: Any, number: dict[str, int], what: str, place: int) -> int:
    if isinstance(name, str):
        if name not in number:
            hint = did_you_mean(name, number) or f"classes: {', '.join(number)}"
            raise ConfigError(f"evaluate: {what} {place} is '{name}', which is no class", hint=hint)
        return number[name]
    index = int(name)
    if not 0 <= index < len(number):
        raise ConfigError(f"evaluate: {what} {place} is class number {index} of {len(number)}")
    return index
