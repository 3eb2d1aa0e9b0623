"""Reference tracks of clips, and where a perturbation puts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.clip_labels import numbers
from benchbed.outputs.contract import Moves
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks

if TYPE_CHECKING:
    import pandas as pd

#: Column of a clip table with the number of frames of each recording.
FRAMES = "frames"


def references(clips: pd.DataFrame, rows: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
    """What each clip is annotated with [shape=(clip,), object of `Tracks`].

    Parameters
    ----------
    clips : pandas.DataFrame
        With `clip_id`, and with `frames` where lengths are known.
    rows : pandas.DataFrame, optional
        With `clip_id`, `frame`, `label`, `source`, `azimuth`, `elevation`, and perhaps `distance` (metres) and
        `onscreen`.
    labels : sequence of str
        Class names in their order.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"clip_id": ["x"], "frame": [3], "label": ["dog"], "source": [0], "azimuth": [20.0],
    ...                      "elevation": [0.0]})
    >>> made = references(pd.DataFrame({"clip_id": ["x", "y"], "frames": [50, 50]}), rows, ("cat", "dog"))
    >>> [len(one) for one in made], made[0].label.tolist(), made[0].frames
    ([1, 0], [1], 50)
    """
    number = numbers(labels)
    lengths = clips[FRAMES].tolist() if FRAMES in clips else [None] * len(clips)
    by_clip: dict[str, Tracks] = {}
    if rows is not None:
        mine = rows[rows["clip_id"].isin(set(clips["clip_id"]))]
        for clip_id, part in mine.groupby("clip_id", sort=False, observed=True):
            distance = part["distance"].to_numpy(np.float64) if "distance" in part else None
            by_clip[str(clip_id)] = Tracks(
                part["frame"].to_numpy(np.int64),
                part["label"].map(number).to_numpy(np.int64),
                part["source"].to_numpy(np.int64),
                part["azimuth"].to_numpy(np.float64),
                part["elevation"].to_numpy(np.float64),
                distance,
                part["onscreen"].to_numpy(bool) if "onscreen" in part else None,
            )
    tracks = np.empty(len(clips), dtype=object)
    for i, (clip_id, frames) in enumerate(zip(clips["clip_id"], lengths)):
        known = None if frames is None or frames != frames else int(frames)
        tracks[i] = replace(by_clip.get(str(clip_id), Tracks()), frames=known)
    return tracks


def moved(reference: Tracks, moves: Moves, seconds: float) -> Tracks:
    """The reference after a perturbation that moves sounds in time or space.

    A row lasts a frame; after a shift or stretch it is in every frame whose middle it covers.

    Parameters
    ----------
    reference : Tracks
        As annotated.
    moves : Moves
        What was done.
    seconds : float
        Length of the clip.
    """
    if not len(reference):
        return reference
    degrees = np.stack([reference.azimuth, reference.elevation], axis=1)
    turned = np.asarray(moves.directions(degrees), np.float64)
    turned_reference = replace(reference, azimuth=turned[:, 0], elevation=turned[:, 1])
    onset = reference.frame * FRAME_SECONDS
    times, rows = moves.events(np.stack([onset, onset + FRAME_SECONDS], axis=1), seconds)
    if np.array_equal(rows, np.arange(len(onset))) and np.allclose(times[:, 0], onset, atol=1e-9):
        return turned_reference
    # Middles of frames in [onset, offset), to a microsecond.
    first = np.ceil(np.round(times[:, 0] / FRAME_SECONDS - 0.5, 5)).astype(np.int64)
    last = np.ceil(np.round(times[:, 1] / FRAME_SECONDS - 0.5, 5)).astype(np.int64)
    count = np.maximum(0, last - first)
    frame = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    made = replace(turned_reference.only(np.repeat(rows, count)), frame=frame)
    inside = frame >= 0 if made.frames is None else (frame >= 0) & (frame < made.frames)
    made = made.only(inside)
    # A row that was squeezed shares its frame with the one before of the same source.
    _, kept = np.unique(np.stack([made.frame, made.label, made.source, _twin(made)]), axis=1, return_index=True)
    return made.only(np.sort(kept))


def _twin(made: Tracks) -> np.ndarray:
    # Sources that are numbered alike stay apart by their directions.
    _, number = np.unique(np.stack([made.azimuth, made.elevation]), axis=1, return_inverse=True)
    several = np.zeros(len(made), np.int64)
    cells = np.stack([made.frame, made.label])
    _, place, counts = np.unique(cells, axis=1, return_inverse=True, return_counts=True)
    crowded = counts[place.reshape(-1)] > 1
    alike = len(np.unique(made.source)) == 1
    several[crowded & alike] = number.reshape(-1)[crowded & alike]
    return several
