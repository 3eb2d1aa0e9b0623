"""From frame scores to events: a threshold, and a declared median filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.at_least import at_least
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores


@dataclass(frozen=True)
class Median:
    """A median filter over the frames of each class; reflected at the ends, as scipy does by default.

    Attributes
    ----------
    lengths : tuple of float
        One length for all classes, or one per class: frames, or seconds if `seconds` is true. Seconds become the
        nearest odd number of frames; among lengths per class, 0 s leaves a class as it is.
    seconds : bool
        The lengths are in seconds.

    Examples
    --------
    >>> Median((3,)).apply(FrameScores(np.array([[0.0], [1], [0], [0]]), np.arange(5))).scores.ravel().tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    lengths: tuple[float, ...]
    seconds: bool = False

    def __post_init__(self) -> None:
        none = self.seconds and len(self.lengths) > 1
        odd = all((none and n == 0) or (n > 0 and (self.seconds or n % 2 == 1)) for n in self.lengths)
        if not self.lengths or not odd:
            raise ConfigError(f"a median filter of {list(self.lengths)}", hint="an odd number of frames, or seconds")

    @property
    def name(self) -> str:
        """For rules: `median-7-frames`, `median-0.45-s`, `median-per-class`."""
        if len(self.lengths) > 1:
            return "median-per-class"
        return f"median-{self.lengths[0]:g}-{'s' if self.seconds else 'frames'}"

    def apply(self, frames: FrameScores) -> FrameScores:
        """The filtered scores."""
        from scipy.ndimage import median_filter

        count = frames.scores.shape[1]
        if len(self.lengths) not in (1, count):
            raise CannotMeasure(f"{len(self.lengths)} median filters for {count} classes")
        if not len(frames):
            return frames
        lengths = np.broadcast_to(self._frames(frames), count)
        filtered = np.empty_like(frames.scores)
        for length in np.unique(lengths):
            mine = lengths == length
            filtered[:, mine] = median_filter(frames.scores[:, mine], size=(int(length), 1))
        return FrameScores(filtered, frames.edges)

    def _frames(self, frames: FrameScores) -> np.ndarray:
        if not self.seconds:
            return np.array(self.lengths, np.int64)
        # The last frame may be cut short, so the hop is read from the first one.
        hop = int(frames.edges[1] - frames.edges[0])
        return np.array([2 * int(np.floor(n * SECOND / hop / 2)) + 1 for n in self.lengths], np.int64)


@dataclass(frozen=True)
class Decision:
    """How frame scores become events: a class is active where its score is at least the threshold.

    Attributes
    ----------
    thresholds : tuple of float
        One for all classes, or one per class.
    median : Median, optional
        Filter applied to the scores first, never to lists of events; for a filter over an odd number of frames,
        filtering decisions instead gives the same events.
    lists : str
        For rules, where answers are lists of events: `as-listed`, or `listed-confidence` if thresholds choose among
        them.

    Examples
    --------
    >>> frames = FrameScores(np.array([[0.9], [0.8], [0.1]]), np.array([0, 20, 40, 60]))
    >>> Decision((0.5,)).events([frames], 1)[0].offset.tolist()
    [40]
    """

    thresholds: tuple[float, ...] = (0.5,)
    median: Median | None = None
    lists: Literal["", "as-listed", "listed-confidence"] = ""

    @property
    def name(self) -> str:
        """For rules: `at-least-0.5`, `thresholds-per-class:median-7-frames`, `as-listed`."""
        named = f"at-least-{self.thresholds[0]:g}" if len(self.thresholds) == 1 else "thresholds-per-class"
        if self.lists:
            return self.lists if self.lists == "as-listed" else f"{self.lists}-{named}"
        return named if self.median is None else f"{named}:{self.median.name}"

    def of_lists(self, confident: bool) -> Decision:
        """The same for lists of events, of which thresholds take the confident ones and no filter takes any.

        Parameters
        ----------
        confident : bool
            Whether events have confidences; else all of them count, as they are listed.
        """
        return Decision(self.thresholds, None, "listed-confidence" if confident else "as-listed")

    def chosen(self, events: Events, classes: int) -> Events:
        """The listed events that count: all, or those whose confidence reaches the threshold of their class.

        Raises
        ------
        CannotMeasure
            Another number of classes than of thresholds.
        """
        if events.confidence is None or not len(events):
            return events
        if len(self.thresholds) not in (1, classes):
            raise CannotMeasure(f"{len(self.thresholds)} thresholds for {classes} classes")
        limits = np.broadcast_to(np.array(self.thresholds), classes)
        held = at_least(events.confidence[:, None], limits[events.label][:, None])[:, 0]
        return Events(events.onset[held], events.offset[held], events.label[held], events.duration)

    def events(self, frames: Sequence[FrameScores], classes: int) -> np.ndarray:
        """Events of each recording, `[recording]` objects.

        Raises
        ------
        CannotMeasure
            Another number of classes than in the frames or thresholds.
        """
        if len(self.thresholds) not in (1, classes):
            raise CannotMeasure(f"{len(self.thresholds)} thresholds for {classes} classes")
        limits = np.broadcast_to(np.array(self.thresholds), classes)
        made = np.empty(len(frames), object)
        for i, item in enumerate(frames):
            if item.scores.shape[1] != classes:
                raise CannotMeasure(f"frame scores of {item.scores.shape[1]} classes for {classes} labels")
            scores = item.scores if self.median is None else self.median.apply(item).scores
            made[i] = runs(at_least(scores, limits), item.edges)
        return made


def runs(active: np.ndarray, edges: np.ndarray) -> Events:
    """Runs of active frames as events.

    Parameters
    ----------
    active : np.ndarray [shape=(frame, class), bool]
        Where each class is on.
    edges : np.ndarray [shape=(frame + 1,), int64]
        Borders of the frames in microseconds.
    """
    padded = np.zeros((active.shape[1], len(active) + 2), bool)
    padded[:, 1:-1] = active.T
    turn = padded[:, 1:] != padded[:, :-1]
    label, place = np.nonzero(turn)
    return Events(edges[place[::2]], edges[place[1::2]], label[::2], int(edges[-1]) if len(active) else None)


def decision(
    threshold: float | Sequence[float] = 0.5,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
) -> Decision:
    """A decision from the options of a metric family.

    Examples
    --------
    >>> decision(0.3, median_seconds=0.5).name
    'at-least-0.3:median-0.5-s'
    """
    if median_frames is not None and median_seconds is not None:
        raise ConfigError("a median filter has a length in frames or in seconds, not both")
    length = median_frames if median_frames is not None else median_seconds
    made = None if length is None else Median(_tuple(length), median_seconds is not None)
    return Decision(_tuple(threshold), made)


def _tuple(values: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(float(v) for v in np.atleast_1d(np.asarray(values, np.float64)))
