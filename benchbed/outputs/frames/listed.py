"""Lists of events as answers: as they lie in a recording of known length, whole and uncut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, frame_scores, microseconds

#: Microseconds past the end of a recording that are no event past it: tables round times, files end at a sample.
ROUNDED = 2_000
#: Seconds from one frame to the next where a table of scores has no even frames.
GRID = 0.001


def within(events: Events, seconds: float) -> tuple[Events, str | None]:
    """A list of events in a recording of `seconds`, and how many of them end past it; they stay as they are.

    Raises
    ------
    DataError
        An event begins after the recording has ended, as those do whose times are no seconds.

    Examples
    --------
    >>> found = Events(np.array([8_000_000]), np.array([12_000_000]), np.array([0]))
    >>> made, said = within(found, 10.0)
    >>> made.offset.tolist(), made.duration, said
    ([12000000], 10000000, '1 listed event ends past the end of the recording, and counts as it is listed')
    """
    end = int(microseconds(seconds))
    late = events.onset > end + ROUNDED
    if late.any():
        raise DataError(
            f"something is found at {events.onset[late.argmax()] / SECOND:g} s, and it ends at {seconds:g} s",
            hint="times are seconds from the start of the recording",
        )
    over = int((events.offset > end + ROUNDED).sum())
    placed = replace(events, duration=end)
    if not over:
        return placed, None
    said = "1 listed event ends past the end of the recording, and counts as it is listed"
    if over > 1:
        said = f"{over} listed events end past the end of the recording, and count as they are listed"
    return placed, said


def framed_within(frames: FrameScores, seconds: float) -> FrameScores:
    """Foreign scores of even frames in a recording of `seconds`, after which there are none.

    Where the table ends within a frame and before the recording, a grid of milliseconds holds what it says, and zeros
    after it.

    Examples
    --------
    >>> given = FrameScores(np.array([[0.2], [0.4]]), np.array([0, 2_000, 3_000]), 0.002, 0.003)
    >>> framed_within(given, 0.003).scores.ravel().tolist(), framed_within(given, 0.004).scores.ravel().tolist()
    ([0.2, 0.4], [0.2, 0.2, 0.4, 0.0])
    """
    assert frames.hop is not None
    whole = len(frames) * frames.hop
    if frames.seconds is None or seconds <= frames.seconds + GRID or frames.seconds >= whole - GRID:
        return frame_scores(frames.scores, frames.hop, seconds)
    at = np.arange(max(1, round(seconds / GRID))) * GRID + GRID / 2
    place = np.minimum((at / frames.hop).astype(np.int64), len(frames) - 1)
    return frame_scores(np.where((at < frames.seconds)[:, None], frames.scores[place], 0.0), GRID, seconds)


def same_list(one: object, other: object) -> bool:
    """Whether two answers are the same list of events.

    Examples
    --------
    >>> found = Events(np.array([0]), np.array([1]), np.array([0]))
    >>> same_list(found, replace(found, duration=5)), same_list(found, replace(found, label=np.array([1])))
    (True, False)
    """
    if not isinstance(one, Events) or not isinstance(other, Events):
        return False
    parts = [(getattr(one, name), getattr(other, name)) for name in ("onset", "offset", "label", "confidence")]
    return all((a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in parts)
