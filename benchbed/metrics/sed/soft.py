"""Soft labels as events, for recordings annotated with confidences (MAESTRO-Real)."""

from __future__ import annotations

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.sed.decision import runs
from benchbed.outputs.frames.recording import SECOND, Events, whole


def soft_events(confidence: np.ndarray, resolution: float = 1.0, threshold: float = 0.5) -> Events:
    """Reference events from the confidences of annotators: segments above the threshold, neighbours joined.

    Parameters
    ----------
    confidence : np.ndarray [shape=(segment, class)]
        Confidence in 0…1 of each segment.
    resolution : float, default=1.0
        Length of a segment in seconds.
    threshold : float, default=0.5
        A class is there where its confidence is higher than this.

    Examples
    --------
    >>> made = soft_events(np.array([[0.5], [0.6], [0.9], [0.1]]))
    >>> made.onset.tolist(), made.offset.tolist()
    ([1000000], [3000000])
    """
    values = np.asarray(confidence, np.float64)
    if values.ndim != 2 or not ((values >= 0) & (values <= 1)).all():
        raise CannotMeasure("confidences must be a table of segments and classes in 0…1")
    return runs(values > threshold, np.arange(len(values) + 1) * whole(resolution, SECOND))
