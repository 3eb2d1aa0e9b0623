"""From what networks put out to tracks: ACCDOA, multi-ACCDOA and two branches.

ACCDOA (Shimada et al. 2021) is one vector for each class and frame, whose direction is that of the source and whose
length says how sure the model is that it sounds. Multi-ACCDOA (Shimada et al. 2022) has several vectors for each class,
of which those that point to nearly the same place are one source. Models with two branches say apart how sure they are.
"""

from __future__ import annotations

import numpy as np

from benchbed.errors import AdapterError
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks, from_vectors

#: A source sounds where its activity is more than this.
THRESHOLD = 0.5
#: Vectors of one class that lie closer than this are one source, as in the baselines.
UNIFY_DEGREES = 15.0
#: Numbers on the last axis → what they are.
PARTS = {3: "x, y, z", 4: "x, y, z, distance", 5: "activity, x, y, z, distance"}


def decoded(
    output: np.ndarray, *, threshold: float = THRESHOLD, unify: float = UNIFY_DEGREES, frames: int | None = None
) -> Tracks:
    """Tracks of one recording.

    Parameters
    ----------
    output : np.ndarray [shape=(frame, class, part) or (frame, track, class, part)]
        Parts are x, y, z; x, y, z and metres; or activity, x, y, z and metres, NaN where no distance is told. Without
        an activity the length of the vector is one.
    threshold : float, default=0.5
        A source sounds where its activity is more than this.
    unify : float, default=15
        Degrees within which vectors of several tracks are one source.
    frames : int, optional
        Length of the recording.

    Raises
    ------
    AdapterError
        Another shape.

    Examples
    --------
    >>> made = decoded(np.array([[[0.0, 0.9, 0.0], [0.1, 0.0, 0.0]]]))
    >>> made.frame.tolist(), made.label.tolist(), made.azimuth.tolist()
    ([0], [0], [90.0])
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
    distance = np.maximum(apart[..., -1], 0.0) if parts > 3 else np.full(activity.shape, np.nan)
    active = activity > threshold
    group = _groups(vectors, active, unify)
    frame, label, source, place, metres = [], [], [], [], []
    for track in range(apart.shape[1]):
        mine = (group == track) & active
        count = mine.sum(axis=1)
        at = np.nonzero(count)
        weight = mine[..., None] / np.maximum(count, 1)[:, None, :, None]
        frame.append(at[0])
        label.append(at[1])
        source.append(np.full(len(at[0]), track))
        place.append((vectors * weight).sum(axis=1)[at])
        metres.append(np.where(mine, distance, 0.0).sum(axis=1)[at] / count[at])
    order = np.lexsort((np.concatenate(source), np.concatenate(label), np.concatenate(frame)))
    azimuth, elevation = from_vectors(np.concatenate(place)[order])
    distances = np.concatenate(metres)[order]
    return Tracks(
        np.concatenate(frame)[order].astype(np.int64),
        np.concatenate(label)[order].astype(np.int64),
        np.concatenate(source)[order].astype(np.int64),
        azimuth,
        elevation,
        None if np.isnan(distances).all() else distances,
        None,
        frames,
    )


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
