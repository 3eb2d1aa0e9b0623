"""The events of many recordings as flat arrays, so that a corpus is matched in one go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.sed.decision import Decision
from benchbed.outputs.frames.recording import Events, FrameScores


@dataclass(frozen=True)
class FlatEvents:
    """Events of many recordings, by recording and then in the order of its list.

    Attributes
    ----------
    clip, onset, offset, label : np.ndarray [shape=(event,), int64]
        Number of the recording, times in microseconds, class number.
    duration : np.ndarray [shape=(clip,), int64]
        Length of each recording; −1 where nobody knows it.
    """

    clip: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray
    duration: np.ndarray

    def __len__(self) -> int:
        return len(self.clip)

    def only(self, chosen: np.ndarray | slice) -> FlatEvents:
        """The chosen events, by index, mask or slice."""
        return FlatEvents(self.clip[chosen], self.onset[chosen], self.offset[chosen], self.label[chosen], self.duration)

    def counts(self, classes: int) -> np.ndarray:
        """Events of each recording and class, `[clip, class]` float64."""
        clips = len(self.duration)
        return np.bincount(self.clip * classes + self.label, minlength=clips * classes).reshape(clips, classes) * 1.0


def flatten(recordings: np.ndarray, classes: int) -> FlatEvents:
    """Lists of events as flat arrays.

    Parameters
    ----------
    recordings : np.ndarray [shape=(clip,), object]
        One `Events` per recording.
    classes : int
        Number of classes.

    Raises
    ------
    CannotMeasure
        Something else than events, or class numbers outside the labels.
    """
    strange = sorted({type(r).__name__ for r in recordings if not isinstance(r, Events)})
    if strange:
        raise CannotMeasure(f"recordings must be lists of events, not {strange[0]}")
    sizes = np.array([len(r.onset) for r in recordings], np.int64)
    none = [np.zeros(0, np.int64)]
    onset = np.concatenate(none + [r.onset for r in recordings])
    offset = np.concatenate(none + [r.offset for r in recordings])
    label = np.concatenate(none + [r.label for r in recordings])
    if len(label) and (label.min() < 0 or label.max() >= classes):
        raise CannotMeasure(f"event classes outside 0…{classes - 1}")
    duration = np.array([-1 if r.duration is None else r.duration for r in recordings], np.int64)
    return FlatEvents(np.repeat(np.arange(len(recordings)), sizes), onset, offset, label, duration)


def answers(outputs: np.ndarray, decision: Decision, classes: int) -> FlatEvents:
    """Detected events of each recording: as listed and confident enough, or decided from its frame scores.

    Parameters
    ----------
    outputs : np.ndarray [shape=(clip,), object]
        `Events` or `FrameScores` of each recording.
    decision : Decision
        How frame scores become events.
    classes : int
        Number of classes.

    Raises
    ------
    CannotMeasure
        A recording without output, frames with another number of classes, or class numbers outside the labels.
    """
    framed = np.array([isinstance(output, FrameScores) for output in outputs], bool)
    made = outputs.copy()
    if framed.any():
        made[framed] = decision.events(list(outputs[framed]), classes)
    for i in np.flatnonzero(~framed).tolist():
        # Listed events without a confidence count as they are.
        if isinstance(outputs[i], Events) and outputs[i].confidence is not None:
            made[i] = decision.chosen(outputs[i], classes)
    return flatten(made, classes)


def framed(outputs: np.ndarray, classes: int) -> list[FrameScores]:
    """The frame scores of each recording, for metrics over all thresholds.

    Raises
    ------
    CannotMeasure
        Lists of events instead of scores, or another number of classes.
    """
    for output in outputs:
        if not isinstance(output, FrameScores):
            raise CannotMeasure(
                f"metrics over all thresholds need frame scores, not {type(output).__name__}",
                hint="lists of events can be scored with sed_event, sed_segment and sed_intersection",
            )
        if output.scores.shape[1] != classes:
            raise CannotMeasure(f"frame scores of {output.scores.shape[1]} classes for {classes} labels")
    return list(outputs)
