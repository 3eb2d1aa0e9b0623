"""One grid of frames over a recording, whatever windows a model heard it in, so that nothing drifts.

The grid begins with the recording and ends where it ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, CannotMeasure
from benchbed.outputs.frames.recording import SECOND, FrameScores, frame_scores, microseconds, whole

#: By how much frames may miss the length of the audio: so many frames (edges that a front end pads or leaves out) or
#: such a share of it, whichever is more. Beyond it a run and `check` say so; beyond `REFUSED` of it they refuse.
EDGE_FRAMES, EDGE_SHARE, REFUSED = 2, 0.01, 0.05


def drift(frames: int, hop: float, seconds: float) -> tuple[str | None, bool]:
    """What is wrong with so many frames for so much audio, and whether it is too much to go on.

    Examples
    --------
    >>> drift(501, 0.02, 10.0)
    (None, False)
    >>> drift(480, 0.02, 10.0)[0]
    '480 frames of 0.02 s are 9.6 s, for 10 s of audio: events lie up to 0.4 s early; 0.0208333 s would fit'
    """
    missing = seconds - frames * hop
    # A millionth of a frame, since 100 frames of 0.02 s are not quite 2 s.
    edge = (EDGE_FRAMES + 1e-6) * hop
    if abs(missing) <= max(edge, EDGE_SHARE * seconds):
        return None, False
    side = "early" if missing > 0 else "late"
    said = (
        f"{frames} frames of {hop:g} s are {frames * hop:g} s, for {seconds:g} s of audio: events lie up to "
        f"{abs(missing):.3g} s {side}; {seconds / max(frames, 1):g} s would fit"
    )
    return said, abs(missing) > max(edge, REFUSED * seconds)


def hop_of(card: Card) -> float:
    """Seconds from one output of a model to the next: of its frames, or of the windows that it tags.

    Raises
    ------
    AdapterError
        The card gives neither.
    """
    hop = card.clip_seconds if card.output == "tags" else card.frame_seconds
    if not hop:
        lacking = "clip_seconds" if card.output == "tags" else "frame_seconds"
        raise AdapterError(
            f"the card of {card.name} has no {lacking}, so its outputs have no place in time",
            hint=f"set {lacking} on the card",
        )
    return hop


def on_grid(outputs: np.ndarray, hop: float, window_seconds: float, seconds: float) -> np.ndarray:
    """Outputs of the windows of one recording as frames that cover it once.

    The frame that begins at `i · hop` takes the output under its centre; a window that gave a frame less than it is
    long repeats its last one.

    Parameters
    ----------
    outputs : np.ndarray [shape=(window, frame, class)]
    hop, window_seconds, seconds : float
        Of the frames, the windows and the recording.

    Returns
    -------
    np.ndarray [shape=(ceil(seconds / hop), class)]

    Examples
    --------
    >>> on_grid(np.arange(6.0).reshape(2, 3, 1), 1.0, 3.2, 5.4)[:, 0].tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    # A millionth of a frame, so that 10 s of 0.1 s frames are 100 frames and not 101.
    frames = max(1, math.ceil(seconds / hop - 1e-6))
    centre = np.minimum((np.arange(frames) + 0.5) * hop, seconds)
    window = np.minimum((centre / window_seconds).astype(np.int64), outputs.shape[0] - 1)
    inner = ((centre - window * window_seconds) / hop + 1e-9).astype(np.int64)
    return outputs[window, inner.clip(0, outputs.shape[1] - 1)]


def moments(hop: float, window_seconds: float, seconds: float) -> np.ndarray:
    """Centres of the frames of a recording in seconds [shape=(frame,)]."""
    count = len(places(1, 1, hop, window_seconds, seconds))  # how many there are does not depend on the answer
    return np.minimum((np.arange(count) + 0.5) * hop, seconds)


def places(windows: int, frames: int, hop: float, window_seconds: float, seconds: float) -> np.ndarray:
    """Of all frames of all windows in a row, those that cover the recording once [shape=(frame,), int]."""
    every = np.arange(windows * frames).reshape(windows, frames, 1)
    return on_grid(every, hop, window_seconds, seconds)[:, 0]


def overlaid(outputs: np.ndarray, hop: float, step: float, window_seconds: float, seconds: float) -> FrameScores:
    """Outputs of overlapping windows of one recording as segments of a second, averaged where windows overlap.

    As the baseline of DCASE 2024 Task 4 does with the clips of MAESTRO-Real: the mean of a window's frames on every
    second, then the mean over windows.

    Parameters
    ----------
    outputs : np.ndarray [shape=(window, frame, class)]
    hop, step, window_seconds, seconds : float
        From frame to frame, from window to window, and the length of a window and of the recording.

    Examples
    --------
    >>> windows = np.array([[[0.2], [0.4]], [[0.2], [0.8]]])
    >>> (10 * overlaid(windows, 1.0, 1.0, 2.0, 3.0).scores.ravel()).round(2).tolist()
    [2.0, 3.0, 8.0]
    """
    # A model may give a frame that is centred on the end of its window.
    outputs = outputs[:, : max(1, math.ceil(window_seconds / hop - 1e-6))]
    edges = microseconds(np.minimum(hop * np.arange(outputs.shape[1] + 1), window_seconds))
    clips = [FrameScores(one, edges) for one in outputs]
    laid = laid_over(clips, [step * i for i in range(len(clips))], seconds, outputs.shape[2])
    return frame_scores(laid.scores, 1.0, seconds)


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
        covered = width > 0
        # A clip that covers only part of a second still says something about that second.
        mean = np.where(covered[:, None], area / np.maximum(width, 1)[:, None] + level, np.nan)
        first = np.where(np.isnan(first), mean, first)
        total[covered] += (mean - first)[covered]
        count += covered
    if (count == 0).any():
        raise CannotMeasure(f"{int((count == 0).sum())} seconds of the recording are in no clip")
    return FrameScores(first + total / count[:, None], edges)
