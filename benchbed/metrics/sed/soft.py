"""Soft labels and clip outputs on a common grid, for recordings annotated with confidences (MAESTRO-Real)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.sed.decision import runs
from benchbed.metrics.sed.matching import whole
from benchbed.metrics.sed.recording import SECOND, Events, FrameScores


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


def laid_over(clips: Sequence[FrameScores], onsets: Sequence[float], duration: float, classes: int) -> FrameScores:
    """Scores of overlapping clips of one recording as one, averaged on seconds and where clips overlap.

    Parameters
    ----------
    clips : sequence of FrameScores
        Scores of each clip, times from the clip's own start.
    onsets : sequence of float
        Start of each clip in the recording, in seconds.
    duration : float
        Length of the recording in seconds.
    classes : int
        Number of classes.

    Raises
    ------
    CannotMeasure
        A second that no clip covers.

    Examples
    --------
    >>> clip = FrameScores(np.array([[0.2], [0.4]]), np.array([0, SECOND, 2 * SECOND]))
    >>> laid_over([clip, clip], [0.0, 1.0], 3.0, 1).scores.ravel().round(2).tolist()
    [0.2, 0.3, 0.4]
    """
    end = whole(duration, SECOND)
    edges = np.append(np.arange(0, end, SECOND), end)
    first = np.full((len(edges) - 1, classes), np.nan)
    total, count = np.zeros((len(edges) - 1, classes)), np.zeros(len(edges) - 1)
    for clip, onset in zip(clips, onsets):
        at = clip.edges + whole(onset, SECOND)
        integral = np.zeros((len(clip) + 1, classes))
        # Means are taken of what differs, so that the mean of equal scores is that score and no number beside it.
        level = np.asarray(clip.scores[0], np.float64) if len(clip) else np.zeros(classes)
        np.cumsum((clip.scores - level) * np.diff(at)[:, None], axis=0, out=integral[1:])
        borders = np.clip(edges, at[0], at[-1])
        area = np.diff(np.stack([np.interp(borders, at, integral[:, c]) for c in range(classes)], axis=1), axis=0)
        width = np.diff(borders)
        held = width > 0
        # A clip that covers only part of a second still says something about that second.
        mean = np.where(held[:, None], area / np.maximum(width, 1)[:, None] + level, np.nan)
        first = np.where(np.isnan(first), mean, first)
        total[held] += (mean - first)[held]
        count += held
    if (count == 0).any():
        raise CannotMeasure(f"{int((count == 0).sum())} seconds of the recording are in no clip")
    return FrameScores(first + total / count[:, None], edges)
