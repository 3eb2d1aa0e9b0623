"""The sources of one recording, frame by frame, as references and systems state them.

Frames last 100 ms in every year of DCASE Task 3. Directions are in degrees, azimuth counter-clockwise from the front,
elevation up from the horizon; distances are in metres here, and in each year's own unit only in its files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchbed.errors import DataError

#: Length of a frame in seconds.
FRAME_SECONDS = 0.1


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Tracks:
    """The sources that sound in one recording, one row for each frame and source.

    A recording in which nothing sounds is one of these without rows, never a missing one.

    Attributes
    ----------
    frame : np.ndarray [shape=(row,), int64]
        Number of the frame, from 0.
    label : np.ndarray [shape=(row,), int64]
        Class number in the order of the dataset's labels.
    source : np.ndarray [shape=(row,), int64]
        Number of the source: equal numbers of one class are one source. Systems that tell no sources apart write 0.
    azimuth : np.ndarray [shape=(row,), float64]
        Degrees counter-clockwise from the front.
    elevation : np.ndarray [shape=(row,), float64]
        Degrees above the horizon; 0 where only azimuths are asked for.
    distance : np.ndarray [shape=(row,), float64], optional
        Metres; NaN where a row has none.
    onscreen : np.ndarray [shape=(row,), bool], optional
        Whether the source is seen in the video.
    frames : int, optional
        Length of the recording in frames, where it is known.
    answered : bool, default=True
        False for a recording without an answer that is scored as empty.
    activity : np.ndarray [shape=(row,), float64], optional
        How sure a system is that each row sounds, where that is still to be decided, by a threshold and by taking
        rows of one class that are near each other for one source; `source` is then the number of the system's track.

    Examples
    --------
    >>> one = tracks(frame=[0, 1], label=[2, 2], azimuth=[10.0, 12.0], elevation=[0.0, 0.0])
    >>> len(one), one.source.tolist(), one.vectors.shape
    (2, [0, 0], (2, 3))
    """

    frame: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    label: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    source: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    azimuth: np.ndarray = field(default_factory=_none)
    elevation: np.ndarray = field(default_factory=_none)
    distance: np.ndarray | None = None
    onscreen: np.ndarray | None = None
    frames: int | None = None
    answered: bool = True
    activity: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def vectors(self) -> np.ndarray:
        """Directions as unit vectors: x to the front, y to the left, z up, `[row, 3]`."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        level = np.cos(elevation)
        return np.stack([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)], axis=1)

    def only(self, chosen: np.ndarray) -> Tracks:
        """The chosen rows, by index or mask."""
        return Tracks(
            self.frame[chosen],
            self.label[chosen],
            self.source[chosen],
            self.azimuth[chosen],
            self.elevation[chosen],
            None if self.distance is None else self.distance[chosen],
            None if self.onscreen is None else self.onscreen[chosen],
            self.frames,
            self.answered,
            None if self.activity is None else self.activity[chosen],
        )


def tracks(
    frame: Sequence[int] | np.ndarray,
    label: Sequence[int] | np.ndarray,
    azimuth: Sequence[float] | np.ndarray,
    elevation: Sequence[float] | np.ndarray | None = None,
    *,
    source: Sequence[int] | np.ndarray | None = None,
    distance: Sequence[float] | np.ndarray | None = None,
    onscreen: Sequence[bool] | np.ndarray | None = None,
    frames: int | None = None,
    classes: int | None = None,
    most: int | None = None,
    where: str | None = None,
) -> Tracks:
    """Rows of one recording, checked.

    Parameters
    ----------
    frame, label : sequence of int [shape=(row,)]
        Frames from 0 and class numbers.
    azimuth, elevation : sequence of float [shape=(row,)]
        Degrees; −180…180 and −90…90. Without elevations all lie on the horizon.
    source : sequence of int [shape=(row,)], optional
        Source numbers; 0 if not given.
    distance : sequence of float [shape=(row,)], optional
        Metres.
    onscreen : sequence of bool [shape=(row,)], optional
        Whether the source is seen.
    frames : int, optional
        Length of the recording.
    classes : int, optional
        Number of classes.
    most : int, optional
        Sources of one class that may sound at a time.
    where : str, optional
        The recording or file, for errors.

    Raises
    ------
    DataError
        Rows outside the recording, the classes, or the range of an angle or distance; too many sources at a time.

    Examples
    --------
    >>> tracks([0], [0], [200.0])
    Traceback (most recent call last):
    benchbed.errors.DataError: an azimuth of 200 degrees in frame 0
      try: azimuths lie in −180…180, elevations in −90…90 degrees
    """
    count = len(frame)
    made = Tracks(
        np.asarray(frame, np.int64),
        np.asarray(label, np.int64),
        np.zeros(count, np.int64) if source is None else np.asarray(source, np.int64),
        np.asarray(azimuth, np.float64),
        np.zeros(count) if elevation is None else np.asarray(elevation, np.float64),
        None if distance is None else np.asarray(distance, np.float64),
        None if onscreen is None else np.asarray(onscreen).astype(bool),
        frames,
    )
    columns = [made.label, made.source, made.azimuth, made.elevation, made.distance, made.onscreen]
    if any(column is not None and column.shape != (count,) for column in columns):
        raise DataError("columns of tracks have different lengths", where=where)
    _check(made, classes, most, where)
    return made


def from_vectors(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation in degrees of direction vectors of any length.

    Parameters
    ----------
    vectors : np.ndarray [shape=(row, 3)]
        x to the front, y to the left, z up.

    Examples
    --------
    >>> [angle.tolist() for angle in from_vectors(np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 1.0]]))]
    [[90.0, 0.0], [0.0, 45.0]]
    """
    x, y, z = np.asarray(vectors, np.float64).reshape(-1, 3).T
    return np.arctan2(y, x) * 180 / np.pi, np.arctan2(z, np.sqrt(x**2 + y**2)) * 180 / np.pi


def busiest(made: Tracks) -> tuple[int, int, int]:
    """The largest number of rows of one class in one frame, with that frame and class; zeros without rows.

    Examples
    --------
    >>> busiest(tracks([3, 3, 4], [1, 1, 1], [0.0, 90.0, 0.0]))
    (2, 3, 1)
    """
    if not len(made):
        return 0, 0, 0
    cells, counts = np.unique(np.stack([made.frame, made.label]), axis=1, return_counts=True)
    at = int(counts.argmax())
    return int(counts[at]), int(cells[0, at]), int(cells[1, at])


def _check(tracks: Tracks, classes: int | None, most: int | None, where: str | None) -> None:
    def refuse(wrong: np.ndarray, what: str, hint: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            values = {name: getattr(tracks, name) for name in ("azimuth", "elevation", "distance", "label")}
            shown = {name: f"{column[row]:g}" for name, column in values.items() if column is not None}
            raise DataError(what.format(frame=int(tracks.frame[row]), **shown), where=where, hint=hint)

    angles = "azimuths lie in −180…180, elevations in −90…90 degrees"
    refuse(tracks.frame < 0, "frame {frame}", "frames count from 0")
    refuse(~(np.abs(tracks.azimuth) <= 180), "an azimuth of {azimuth} degrees in frame {frame}", angles)
    refuse(~(np.abs(tracks.elevation) <= 90), "an elevation of {elevation} degrees in frame {frame}", angles)
    if tracks.distance is not None:
        wrong = (tracks.distance < 0) | np.isinf(tracks.distance)
        refuse(wrong, "a distance of {distance} m in frame {frame}", "distances are positive")
    refuse(tracks.label < 0, "class {label} in frame {frame}", "classes count from 0")
    if classes is not None:
        wanted = f"classes 0…{classes - 1}: is the file of another year?"
        refuse(tracks.label >= classes, "class {label} in frame {frame}", wanted)
    if tracks.frames is not None:
        length = f"the recording has {tracks.frames} frames of {FRAME_SECONDS:g} s, numbered from 0"
        refuse(tracks.frame >= tracks.frames, "frame {frame} lies beyond the recording", length)
    if most is not None:
        sources, frame, label = busiest(tracks)
        if sources > most:
            raise DataError(
                f"{sources} sources of class {label} in frame {frame}",
                where=where,
                hint=f"at most {most} of one class at a time; --set most=0 takes any number",
            )
