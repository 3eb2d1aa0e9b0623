"""Moments from a model that only knows how well a clip fits a text: windows slide over a recording, and stretches in
which a text fits better than elsewhere are its moments."""

from __future__ import annotations

import numpy as np

#: Levels between the middle and the top of a text's curve above which a stretch counts.
LEVELS = (0.35, 0.5, 0.65, 0.8)
#: Moments that overlap one of a better score by more than this are left out.
OVERLAP = 0.8
MOST = 10


def curve(similarity: np.ndarray, hop: float, window: float, seconds: float, step: float = 0.5) -> np.ndarray:
    """How well each text fits each step of a recording `[step, query]`: the mean over the windows that hold it.

    Parameters
    ----------
    similarity : np.ndarray [shape=(window, query)]
        Similarities of windows.
    hop, window, seconds : float
        From the start of one window to the next, length of a window, and of the recording.
    step : float
        Seconds of a step.

    Examples
    --------
    >>> curve(np.array([[0.0], [1.0]]), 1.0, 1.0, 2.0).ravel().tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    centres = (np.arange(max(1, int(np.ceil(seconds / step)))) + 0.5) * step
    starts = np.arange(len(similarity)) * hop
    inside = (centres[:, None] >= starts) & (centres[:, None] < starts + window)
    # Behind the last window lies less than a hop, which that one stands for.
    inside[~inside.any(axis=1), -1] = True
    return inside @ similarity / inside.sum(axis=1, keepdims=True)


def moments(fits: np.ndarray, seconds: float, step: float = 0.5) -> np.ndarray:
    """Stretches in which one text fits best, as rows of start, end and score, best first [shape=(moment, 3)].

    The score is how far the mean inside lies above the mean of the recording, in units of its spread.

    Parameters
    ----------
    fits : np.ndarray [shape=(step,)]
        One text's curve.
    seconds : float
        Length of the recording.
    step : float
        Seconds of a step.

    Examples
    --------
    >>> moments(np.array([0, 0, 1, 1, 0, 0, 0, 0.0]), 4.0)[0, :2].tolist()
    [1.0, 2.0]
    """
    spread = float(fits.std())
    if len(fits) < 2 or spread < 1e-9:
        return np.array([[0.0, seconds, 0.0]])
    middle, top = float(np.median(fits)), float(fits.max())
    found: dict[tuple[int, int], float] = {}
    for level in LEVELS:
        above = np.concatenate([[False], fits >= middle + level * (top - middle), [False]])
        edges = np.flatnonzero(above[1:] != above[:-1])
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist()):
            found[start, end] = float(fits[start:end].mean() - fits.mean()) / spread
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    kept: list[tuple[float, float, float]] = []
    for (start, end), score in ranked:
        first, last = start * step, min(end * step, seconds)
        if last > first and all(_iou(first, last, one) <= OVERLAP for one in kept):
            kept.append((first, last, score))
    return np.array(kept[:MOST], np.float64).reshape(-1, 3)


def _iou(start: float, end: float, other: tuple[float, float, float]) -> float:
    shared = max(0.0, min(end, other[1]) - max(start, other[0]))
    return shared / ((end - start) + (other[1] - other[0]) - shared)
