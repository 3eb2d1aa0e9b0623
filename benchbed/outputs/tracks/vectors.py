"""From what networks put out to tracks: ACCDOA, multi-ACCDOA and two branches.

ACCDOA (Shimada et al. 2021) is one vector for each class and frame, whose direction is that of the source and whose
length says how sure the model is that it sounds. Multi-ACCDOA (Shimada et al. 2022) has several vectors for each class,
of which those that point to nearly the same place are one source. Models with two branches say apart how sure they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchbed.errors import AdapterError
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks, from_vectors

#: A source sounds where its activity is more than this, unless a suite says otherwise.
THRESHOLD = 0.5
#: Vectors of one class that lie closer than this are one source, as in the baselines.
UNIFY_DEGREES = 15.0
#: Activities up to this are not kept; no threshold lies below.
FLOOR = 0.1
#: Numbers on the last axis → what they are.
PARTS = {3: "x, y, z", 4: "x, y, z, distance", 5: "activity, x, y, z, distance"}


def undecided(output: np.ndarray, *, floor: float = FLOOR, frames: int | None = None) -> Tracks:
    """Everything that a network says about one recording above a floor, before a threshold decides what sounds.

    Parameters
    ----------
    output : np.ndarray [shape=(frame, class, part) or (frame, track, class, part)]
        Parts are x, y, z; x, y, z and metres; or activity, x, y, z and metres, NaN where no distance is told. Without
        an activity the length of the vector is one.
    floor : float, default=0.1
        Rows whose activity is not more than this are left out.
    frames : int, optional
        Length of the recording.

    Returns
    -------
    Tracks
        With activities, by frame, class and track, which stands in `source`.

    Raises
    ------
    AdapterError
        Another shape.

    Examples
    --------
    >>> made = undecided(np.array([[[0.0, 0.4, 0.0], [0.1, 0.0, 0.0]]]))
    >>> made.frame.tolist(), made.label.tolist(), made.azimuth.tolist(), made.activity.tolist()
    ([0], [0], [90.0], [0.4])
    """
    output = np.asarray(output, np.float64)
    if output.ndim not in (3, 4) or output.shape[-1] not in PARTS:
        raise AdapterError(
            f"tracks of shape {list(output.shape)}",
            hint="[frame, class, part] or [frame, track, class, part], with parts x, y, z; x, y, z, distance; or "
            "activity, x, y, z, distance",
        )
    apart = output if output.ndim == 4 else output[:, None]
    parts = apart.shape[-1]
    vectors = apart[..., 1:4] if parts == 5 else apart[..., :3]
    activity = apart[..., 0] if parts == 5 else np.linalg.norm(vectors, axis=-1)
    frame, label, track = np.nonzero((activity > floor).transpose(0, 2, 1))
    azimuth, elevation = from_vectors(vectors[frame, track, label])
    distance = np.maximum(apart[frame, track, label, -1], 0.0) if parts > 3 else None
    if distance is not None and np.isnan(distance).all():
        distance = None
    return Tracks(
        frame.astype(np.int64),
        label.astype(np.int64),
        track.astype(np.int64),
        azimuth,
        elevation,
        distance,
        None,
        frames,
        activity=activity[frame, track, label],
    )


def decided(
    answer: Tracks, threshold: float | Sequence[float] | np.ndarray = THRESHOLD, unify: float = UNIFY_DEGREES
) -> Tracks:
    """The sources that sound: rows above the threshold, of which near ones of a class are one source.

    Its direction is the mean of theirs, weighted by activity, its distance their mean, its number the lowest of theirs.

    Parameters
    ----------
    answer : Tracks
        As `undecided` gives them; tracks without activities stay as they are.
    threshold : float or sequence of float [shape=(class,)]
        A source sounds where its activity is more than this: one value, or one for each class.
    unify : float, default=15
        Degrees within which rows of one class and frame are one source, and those near them; 0 for none.

    Examples
    --------
    >>> two = np.array([[[[0.9, 0.0, 0.0]], [[0.8, 0.1, 0.0]]]])
    >>> decided(undecided(two)).azimuth.round(2).tolist(), len(decided(undecided(two), unify=0.0))
    ([3.37], 2)
    """
    if answer.activity is None:
        return answer
    limits = np.asarray(threshold, np.float64)
    sounding = answer.only(answer.activity > (limits[answer.label] if limits.ndim else limits))
    if sounding.activity is None or not len(sounding):
        return replace(sounding, activity=None)
    width = int(sounding.label.max()) + 1
    cell, at = np.unique(sounding.frame * width + sounding.label, return_inverse=True)
    place = at.reshape(-1), sounding.source
    tracks = int(sounding.source.max()) + 1
    vectors, active = np.zeros((len(cell), tracks, 1, 3)), np.zeros((len(cell), tracks, 1), bool)
    vectors[(*place, 0)] = sounding.vectors * sounding.activity[:, None]
    active[(*place, 0)] = True
    group = _groups(vectors, active, unify)[..., 0][place]
    # Rows of one group, in the order of frame, class and lowest track.
    key, first, row = np.unique(place[0] * tracks + group, return_index=True, return_inverse=True)
    row = row.reshape(-1)
    count = np.bincount(row, minlength=len(key))
    weighted = sounding.vectors * sounding.activity[:, None]
    total = np.stack([np.bincount(row, weights=part, minlength=len(key)) for part in weighted.T], axis=1)
    azimuth, elevation = from_vectors(total)
    metres = None
    if sounding.distance is not None:
        metres = np.bincount(row, weights=sounding.distance, minlength=len(key)) / count
    return Tracks(
        sounding.frame[first],
        sounding.label[first],
        key % tracks,
        azimuth,
        elevation,
        metres,
        None if sounding.onscreen is None else sounding.onscreen[first],
        sounding.frames,
        sounding.answered,
    )


def decoded(
    output: np.ndarray, *, threshold: float = THRESHOLD, unify: float = UNIFY_DEGREES, frames: int | None = None
) -> Tracks:
    """Tracks of one recording from what a network puts out; arguments as in `undecided` and `decided`.

    Examples
    --------
    >>> made = decoded(np.array([[[0.0, 0.9, 0.0], [0.1, 0.0, 0.0]]]))
    >>> made.frame.tolist(), made.label.tolist(), made.azimuth.tolist()
    ([0], [0], [90.0])
    """
    return decided(undecided(output, floor=threshold, frames=frames), threshold, unify)


def at_frames(output: np.ndarray, hop: float) -> np.ndarray:
    """Outputs at the frames of the labels: means of as many of the model's as fit in 100 ms.

    Parameters
    ----------
    output : np.ndarray [shape=(frame, …)]
        At the model's own rate.
    hop : float
        Seconds from one of its frames to the next.

    Raises
    ------
    AdapterError
        The model's frames do not fill a frame of 100 ms.

    Examples
    --------
    >>> at_frames(np.arange(10.0)[:, None], 0.02).ravel().tolist()
    [2.0, 7.0]
    """
    count = round(FRAME_SECONDS / hop)
    if count < 1 or abs(count * hop - FRAME_SECONDS) > 1e-6:
        raise AdapterError(
            f"frames of {hop:g} s do not fill one of {FRAME_SECONDS:g} s", hint="frame_seconds of 0.1, 0.05, 0.02, …"
        )
    if count == 1:
        return output
    whole = -(-len(output) // count) * count
    padded = np.concatenate([output, np.repeat(output[-1:], whole - len(output), axis=0)])
    return padded.reshape(-1, count, *output.shape[1:]).mean(axis=1)


def _groups(vectors: np.ndarray, active: np.ndarray, unify: float) -> np.ndarray:
    """First track of the group that each track is in `[frame, track, class]`: near ones, and those near them."""
    tracks = vectors.shape[1]
    group = np.broadcast_to(np.arange(tracks)[None, :, None], active.shape).copy()
    if tracks == 1:
        return group
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units = vectors / np.maximum(length, 1e-12)
    near = {}
    for one in range(tracks):
        for other in range(one + 1, tracks):
            inner = np.clip((units[:, one] * units[:, other]).sum(axis=-1), -1, 1)
            near[one, other] = (np.degrees(np.arccos(inner)) < unify) & active[:, one] & active[:, other]
    for _ in range(tracks - 1):
        for (one, other), close in near.items():
            least = np.minimum(group[:, one], group[:, other])
            group[:, one] = np.where(close, least, group[:, one])
            group[:, other] = np.where(close, least, group[:, other])
    return group
