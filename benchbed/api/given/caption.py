"""One text per clip as an estimate, one or several as references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """Captions and their references.

    Parameters
    ----------
    references : sequence of sequences of str, or mapping of clip to these
        Sentences that people wrote about each clip; one may be given as a str.
    estimates : sequence of str, or mapping of clip to str
        What a system said.
    labels : None
        Captions have no classes.

    Raises
    ------
    ConfigError
        A clip of one side only, or without a reference; a caption that is no text.

    Examples
    --------
    >>> given([["a dog barks"]], ["a dog"], None).answers.tolist()
    ['a dog']
    """
    truth, said = _by_clip(references), _by_clip(estimates)
    apart = sorted(set(truth) ^ set(said))
    if apart:
        raise ConfigError(f"evaluate: '{apart[0]}' has {'no caption' if apart[0] in truth else 'no reference'}")
    answers, target = np.empty(len(truth), object), np.empty(len(truth), object)
    for index, (clip, texts) in enumerate(truth.items()):
        held = (texts,) if isinstance(texts, str) else tuple(texts)
        if not held:
            raise ConfigError(f"evaluate: '{clip}' has no reference")
        for what, text in (("caption", said[clip]), *(("reference", text) for text in held)):
            if not isinstance(text, str):
                raise ConfigError(f"evaluate: the {what} of '{clip}' is a {type(text).__name__}, and no str")
        if not any(text.strip() for text in held):
            # As every layout of captions refuses it: nothing can be right about such a clip.
            raise ConfigError(f"evaluate: '{clip}' has no reference", hint="a text that is not empty")
        answers[index], target[index] = said[clip], held
    return Given((), answers, target, tuple(truth))


def _by_clip(side: Any) -> dict[str, Any]:
    items = side.items() if hasattr(side, "items") else enumerate(side)
    return {str(clip): value for clip, value in items}
