"""Every event that any threshold would detect: the level sets of the frame scores.

As a threshold falls, runs of frames above it appear, grow and join. A run of one class in one recording is a *level
event*: frames l…r−1 with scores of at least `high` that are bounded by scores of at most `low`. It is detected by
exactly the thresholds in (low, high], so a signal of F frames has at most F level events, however many thresholds there
are. A count that is a sum over detected events is then a step function of the threshold with two steps per level event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.outputs.frames.recording import FrameScores

#: Frames × classes taken apart at once.
CELLS = 60_000


@dataclass(frozen=True)
class LevelEvents:
    """Level events of some recordings and all classes.

    Attributes
    ----------
    clip, label : np.ndarray [shape=(event,), int64]
        Recording and class.
    start, stop : np.ndarray [shape=(event,), int64]
        Where they begin and end in `times`.
    low, high : np.ndarray [shape=(event,), float64]
        Detected by thresholds above `low` up to and including `high`; −inf where the event is the whole recording.
    place, border : np.ndarray [shape=(event,), int64]
        The frame that sets `high` and the one that sets `low`, numbered over classes and `times`.
    times : np.ndarray [shape=(position,), int64]
        Frame borders of the recordings one after the other, in microseconds.
    recording : np.ndarray [shape=(position,), int64]
        Recording of each position.
    scores : np.ndarray [shape=(place,)]
        Score of each place; −inf between recordings.
    """

    clip: np.ndarray
    label: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    low: np.ndarray
    high: np.ndarray
    place: np.ndarray
    border: np.ndarray
    times: np.ndarray
    recording: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def onset(self) -> np.ndarray:
        """Onsets in microseconds."""
        return self.times[self.start]

    @property
    def offset(self) -> np.ndarray:
        """Offsets in microseconds."""
        return self.times[self.stop]

    def changes(self, events: np.ndarray, kind: np.ndarray | None = None, kinds: int = 1) -> tuple[np.ndarray, ...]:
        """Where a count of some level events changes as the threshold falls.

        An event's end is the beginning of the one that swallows it, at the same frame, so most changes cancel.

        Parameters
        ----------
        events : np.ndarray [shape=(counted,), int64]
            The events that count, as often as they do.
        kind : np.ndarray [shape=(counted,), int64], optional
            Which of several counts each belongs to.
        kinds : int, default=1
            How many counts there are.

        Returns
        -------
        tuple of np.ndarray [shape=(change,)]
            Score, recording, class, kind and amount: the count grows by it when the threshold falls to that score.
        """
        kind = np.zeros(len(events), np.int64) if kind is None else kind
        size = len(self.scores) * kinds
        net = np.bincount(self.place[events] * kinds + kind, minlength=size)
        net -= np.bincount(self.border[events] * kinds + kind, minlength=size)
        changed = np.flatnonzero(net)
        place, of = np.divmod(changed, kinds)
        held = np.isfinite(self.scores[place])
        place, of, amount = place[held], of[held], net[changed][held]
        label, position = np.divmod(place, len(self.times) + 1)
        return self.scores[place], self.recording[position - 1], label, of, amount


def levels(frames: Sequence[FrameScores], floors: np.ndarray | None = None) -> Iterator[LevelEvents]:
    """Level events of recordings, in blocks of whole recordings that fit into memory.

    Parameters
    ----------
    frames : sequence of FrameScores
        Scores of each recording.
    floors : np.ndarray [shape=(class,)], optional
        Scores below are left out, as if no threshold reached them; looked at for each block, so that they may rise.

    Examples
    --------
    >>> made = next(levels([FrameScores(np.array([[0.2], [0.9], [0.5], [0.7]]), np.arange(5))]))
    >>> sorted(zip(made.onset.tolist(), made.offset.tolist(), made.low.tolist(), made.high.tolist()))
    [(0, 4, -inf, 0.2), (1, 2, 0.5, 0.9), (1, 4, 0.2, 0.5), (3, 4, 0.5, 0.7)]
    """
    start = 0
    while start < len(frames):
        stop, cells = start, 0
        while stop < len(frames) and (stop == start or cells + frames[stop].scores.size <= CELLS):
            cells += frames[stop].scores.size
            stop += 1
        if cells:
            yield _block(frames[start:stop], start, floors)
        start = stop


def _block(frames: Sequence[FrameScores], first: int, floors: np.ndarray | None) -> LevelEvents:
    classes = frames[0].scores.shape[1]
    sizes = np.array([len(item) for item in frames])
    # One long signal: all frames of class 0, recording after recording, then class 1, … with a floor in between.
    edge = np.full((1, classes), -np.inf)
    stacked = np.concatenate([edge, *(part for item in frames for part in (item.scores, edge))])
    signal = np.ascontiguousarray(stacked.T, np.float64)
    if floors is not None:
        signal[signal < floors[:, None]] = -np.inf
    signal = signal.ravel()
    clip_at = np.repeat(np.arange(len(frames)), sizes + 1)
    time_at = np.concatenate([item.edges[: len(item) + 1] for item in frames])
    place = np.isfinite(signal).nonzero()[0]
    score = signal[place]
    if 4 * len(place) < len(signal):
        # Few are left: these and their neighbours, which bound them.
        some = np.zeros(len(signal), bool)
        for moved in (-1, 0, 1):
            some[place + moved] = True
        near = some.nonzero()[0]
        left, right = (near[side] for side in _reach(signal[near], np.isfinite(signal[near]).nonzero()[0]))
    else:
        left, right = _reach(signal, place)
    ends = signal[left], signal[right]
    low, border = np.maximum(*ends), np.where(ends[0] >= ends[1], left, right)
    keep = low < score
    if not keep.all():
        left, right, place, border, low, score = (part[keep] for part in (left, right, place, border, low, score))
    # Position 0 of a class is its floor, so a frame's time is one place earlier.
    label, start = np.divmod(left, len(stacked))
    return LevelEvents(
        clip_at[start] + first,
        label,
        start,
        start + right - left - 1,
        low,
        score,
        place,
        border,
        time_at,
        clip_at + first,
        signal,
    )


def _reach(signal: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Nearest place with a score not above to the left of each, and with a score below to the right. A place whose run
    # holds an equal score further left gets that one as its border, so of equal scores in a run only the first spans
    # all of it.
    every, finite = np.arange(len(signal)), np.isfinite(signal)
    # Neighbours first, which lie side by side.
    falls = ((signal[:-1] > signal[1:]) & finite[1:]).nonzero()[0] + 1
    rises = ((signal[1:] >= signal[:-1]) & finite[:-1]).nonzero()[0]
    left, right = every - 1, every + 1
    _jump(left, signal, falls, np.greater)
    _jump(right, signal, rises, np.greater_equal)
    return left[place], right[place]


def _jump(border: np.ndarray, signal: np.ndarray, here: np.ndarray, beyond: np.ufunc) -> None:
    # All that lies between a place and the one it points at is beyond its score, and that one here as well, so it may
    # point where that one points, however far that has come. Floors stop all; after a few rounds few places are left.
    score, there = signal[here], border[here]
    while len(here):
        there = border[there]
        border[here] = there
        further = beyond(signal[there], score).nonzero()[0]
        here, score, there = here[further], score[further], there[further]
