"""Clips with their classes as references, embeddings as estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError
from benchbed.outputs.embedding.described import DescribedClip


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of clips.

    Parameters
    ----------
    references : mapping of str to (sequence of str, str) or sequence of str
        Clip → its classes, and the recording that it was cut from; its own by default.
    estimates : mapping of str to sequence of float
        Clip → its embedding, all of one width.
    labels : sequence of str, optional
        Not needed: references say their classes.

    Raises
    ------
    ConfigError
        A clip on one side alone, embeddings of several widths, or one that is not finite.

    Examples
    --------
    >>> given({"a": [["dog"], "r1"], "b": "rain"}, {"a": [1.0, 0.0], "b": [0.0, 1.0]}, None).answers.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(references, Mapping) or not isinstance(estimates, Mapping):
        raise ConfigError("evaluate: references map clips to classes, estimates map them to embeddings")
    if odd := sorted(set(references) ^ set(estimates)):
        side = "reference" if odd[0] in estimates else "estimate"
        raise ConfigError(f"evaluate: the clip '{odd[0]}' has no {side}")
    target = np.empty(len(references), object)
    for row, (clip, known) in enumerate(references.items()):
        if isinstance(known, str):
            target[row] = DescribedClip((known,), str(clip))
        elif len(known) == 2 and not isinstance(known[0], str):
            target[row] = DescribedClip(tuple(map(str, known[0])), str(known[1]))
        else:
            target[row] = DescribedClip(tuple(map(str, known)), str(clip))
    widths = sorted({len(estimates[clip]) for clip in references})
    if len(widths) > 1:
        raise ConfigError(f"evaluate: embeddings of {widths[0]} and of {widths[-1]} features")
    answers = np.array([list(estimates[clip]) for clip in references], np.float64).reshape(len(target), -1)
    if not np.isfinite(answers).all():
        clip = list(references)[int(np.flatnonzero(~np.isfinite(answers).all(1))[0])]
        raise ConfigError(f"evaluate: the embedding of '{clip}' is not finite")
    names = labels or sorted({label for one in target for label in one.labels})
    return Given(tuple(names), answers, target, tuple(map(str, references)))
