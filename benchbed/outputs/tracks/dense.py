"""Vectors of windows as those of whole recordings, in the dataset's classes: numbers from which tracks are read.

`[recording, frame, track, class, part]` at the frames of the labels; parts are those of
`benchbed.outputs.tracks.vectors`.
Means of several answers can be taken of it, and a torch path can be laid out in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.errors import AdapterError
from benchbed.outputs.contract import Heard
from benchbed.outputs.tracks.recording import FRAME_SECONDS
from benchbed.outputs.tracks.vectors import at_frames


@dataclass(frozen=True)
class Layout:
    """How the vectors of a model lie in a recording.

    Attributes
    ----------
    step : int
        Frames of a window.
    frames : int
        Frames of the recording; what a window says beyond is about its padding.
    columns : tuple of tuple of int
        Class of the dataset → classes of the model that mean it; further ones are further tracks.
    """

    step: int
    frames: int
    columns: tuple[tuple[int, ...], ...]

    @property
    def ways(self) -> int:
        """Largest number of the model's classes that mean one of the dataset."""
        return max((len(column) for column in self.columns), default=1)


def layout(number: np.ndarray, heard: Heard) -> Layout:
    """How the vectors of a model lie in a recording that was heard in windows one after another.

    Parameters
    ----------
    number : np.ndarray [shape=(model class,), int64]
        Class of the dataset that each of the model's means; −1 for none.
    heard : Heard
        Lengths of the recording and of a window.

    Raises
    ------
    AdapterError
        Windows overlap, or are no whole number of frames.

    Examples
    --------
    >>> layout(np.array([1, 0, 1, -1]), Heard(2.5, 60000, 1.0))
    Layout(step=10, frames=25, columns=((1,), (0, 2)))
    """
    if heard.hop is not None:
        raise AdapterError("tracks of overlapping windows cannot be joined", hint="audio.windows: null")
    frames = round(np.ceil(round(heard.seconds / FRAME_SECONDS, 6)))
    length = heard.seconds if heard.window is None else heard.window
    step = round(length / FRAME_SECONDS)
    if length < heard.seconds and abs(step * FRAME_SECONDS - length) > 1e-6:
        raise AdapterError(f"windows of {length:g} s are no whole number of frames of {FRAME_SECONDS:g} s")
    classes = int(number.max(initial=-1)) + 1
    columns = tuple(tuple(np.flatnonzero(number == label).tolist()) for label in range(classes))
    return Layout(max(step, 1) if length < heard.seconds else max(frames, 1), frames, columns)


def dense(raw: np.ndarray, layout: Layout, hop: float) -> np.ndarray:
    """Vectors of recordings `[recording, frame, track, class, part]` float64.

    Parameters
    ----------
    raw : np.ndarray [shape=(recording, window, frame, class, part) or (recording, window, frame, track, class, part)]
        As models give them, at frames of `hop`.
    layout : Layout
        From `layout`.
    hop : float
        Seconds from one of the model's frames to the next.

    Examples
    --------
    >>> raw = np.arange(6.0).reshape(1, 2, 3, 1, 1) * np.ones(3)
    >>> dense(raw, Layout(2, 3, ((0,),)), 0.1)[0, :, 0, 0, 0].tolist()
    [0.0, 1.0, 3.0]
    """
    apart = np.asarray(raw, np.float64)
    if apart.ndim == 5:
        apart = apart[:, :, :, None]
    count, windows = apart.shape[:2]
    at = np.moveaxis(at_frames(np.moveaxis(apart, 2, 0), hop), 0, 2)[:, :, : layout.step]
    if at.shape[2] < layout.step:
        short = np.zeros((count, windows, layout.step - at.shape[2], *at.shape[3:]))
        at = np.concatenate([at, short], axis=2)
    joined = at.reshape(count, windows * layout.step, *at.shape[3:])[:, : layout.frames]
    if joined.shape[1] < layout.frames:
        short = np.zeros((count, layout.frames - joined.shape[1], *joined.shape[2:]))
        joined = np.concatenate([joined, short], axis=1)
    nothing = np.zeros_like(joined[:, :, :, :1])
    return np.concatenate(
        [
            np.concatenate(
                [
                    joined[:, :, :, column[way] : column[way] + 1] if way < len(column) else nothing
                    for column in layout.columns
                ],
                axis=3,
            )
            for way in range(layout.ways)
        ],
        axis=2,
    )
