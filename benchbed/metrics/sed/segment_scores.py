"""Scores and references of segments, for metrics that rank segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.sed.flat import FlatEvents
from benchbed.metrics.sed.matching import whole
from benchbed.metrics.sed.segments import Grid, activity
from benchbed.outputs.frames.recording import SECOND, FrameScores

Pool = Literal["max", "mean"]


@dataclass(frozen=True)
class Segments:
    """Segments of many recordings, one after the other.

    Attributes
    ----------
    clip : np.ndarray [shape=(segment,), int64]
        Recording of each segment.
    scores : np.ndarray [shape=(segment, class)]
        Score of each segment.
    present : np.ndarray [shape=(segment, class), bool]
        Whether a reference event reaches into it.
    """

    clip: np.ndarray
    scores: np.ndarray
    present: np.ndarray


def segments(
    frames: Sequence[FrameScores], reference: FlatEvents, classes: int, resolution: float, pool: Pool = "max"
) -> Segments:
    """Scores and references of segments.

    Parameters
    ----------
    frames : sequence of FrameScores
        Scores of each recording.
    reference : FlatEvents
        Reference events; a recording without a stated length ends with its last frame.
    classes : int
        Number of classes.
    resolution : float
        Length of a segment in seconds.
    pool : {"max", "mean"}
        The highest score of the frames that reach into a segment, as sed_scores_eval has it, or their mean weighted by
        how far they do. A segment that no frame reaches scores 0.
    """
    if pool not in ("max", "mean"):
        raise ConfigError(f"unknown pooling '{pool}'", hint="max or mean")
    grid = Grid(resolution)
    ends = np.array([int(item.edges[-1]) for item in frames], np.int64)
    lengths = grid.after(np.where(reference.duration >= 0, reference.duration, ends))
    made = [np.zeros((0, classes))]
    made += [_pooled(item, int(count), grid, pool, classes) for item, count in zip(frames, lengths)]
    clip = np.repeat(np.arange(len(frames)), lengths)
    return Segments(clip, np.concatenate(made), activity(reference, grid, lengths, classes))


def _pooled(item: FrameScores, count: int, grid: Grid, pool: Pool, classes: int) -> np.ndarray:
    out = np.zeros((count, classes))
    if not len(item) or not count:
        return out
    borders = np.arange(count + 1) * whole(grid.resolution, SECOND)
    first = np.searchsorted(item.edges, borders[:-1], "right") - 1
    after = np.minimum(np.searchsorted(item.edges, borders[1:], "left"), len(item))
    some = (first >= 0) & (after > first)
    if pool == "max":
        # Frames may reach into two segments, so ranges overlap; a range's end is the odd entry of the pair.
        pairs = np.column_stack([first[some], after[some]]).ravel()
        padded = np.concatenate([item.scores, item.scores[-1:]])
        out[some] = np.maximum.reduceat(padded, pairs, axis=0)[::2]
        return out
    integral = np.zeros((len(item) + 1, classes))
    # The mean of equal scores is that score and no number beside it, so only what differs is summed.
    level = np.asarray(item.scores[0], np.float64)
    np.cumsum((item.scores - level) * np.diff(item.edges)[:, None], axis=0, out=integral[1:])
    at = np.clip(borders, item.edges[0], item.edges[-1])
    reached = np.stack([np.interp(at, item.edges, integral[:, c]) for c in range(classes)], axis=1)
    width = np.diff(at)[:, None]
    return np.where(width > 0, level + np.diff(reached, axis=0) / np.maximum(width, 1), out)
