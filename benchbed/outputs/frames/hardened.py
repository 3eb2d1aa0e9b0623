"""From what annotators said to events that are there or not."""

from __future__ import annotations

from benchbed.outputs.frames.recording import Events, merge

#: Soft labels count where more than this share of the annotators heard the event, as in DCASE 2023 and 2024.
SURE = 0.5


def certain(truth: Events) -> Events:
    """A timed reference as event metrics take it: of soft labels, the events that most annotators heard.

    Seconds of one class that follow each other are one event.

    Examples
    --------
    >>> import numpy as np
    >>> truth = Events(np.array([0, 5, 9]), np.array([5, 9, 12]), np.zeros(3, int), 12, np.array([0.4, 0.9, 0.6]))
    >>> certain(truth).onset.tolist(), certain(truth).offset.tolist()
    ([5], [12])
    """
    sure = slice(None) if truth.confidence is None else truth.confidence > SURE
    hard = Events(truth.onset[sure], truth.offset[sure], truth.label[sure], truth.duration)
    return hard if truth.confidence is None else merge(hard, touching=True)
