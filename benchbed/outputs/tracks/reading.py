"""How the tracks that a model gives for windows become those of whole recordings, in the dataset's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.contract import Heard, Json, Reading
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks


@dataclass(frozen=True)
class TracksReading(Reading):
    """Tracks of recordings.

    Attributes
    ----------
    card : Card
        The model's card.
    number : np.ndarray [shape=(model class,), int64]
        Class of the dataset that each of the model's means; −1 for none.
    """

    card: Card
    number: np.ndarray

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """`Tracks` of windows [shape=(window,), object]."""
        given = list(raw) if isinstance(raw, (list, tuple, np.ndarray)) else [raw]
        strange = sorted({type(one).__name__ for one in given if not isinstance(one, Tracks)})
        if strange or len(given) != clips:
            raise AdapterError(
                f"predict returned {len(given)} answers of type {strange[0] if strange else 'Tracks'}, expected one "
                f"Tracks for each of {clips} windows",
                hint="run `benchbed check` on the adapter",
            )
        made = np.empty(clips, dtype=object)
        made[:] = given
        classes = len(self.card.labels)
        for one in made:
            if len(one) and (one.label.min() < 0 or one.label.max() >= classes):
                raise AdapterError(f"tracks of classes outside 0…{classes - 1} of the card")
        return made

    def usable(self, raw: np.ndarray) -> np.ndarray:
        """Recordings whose directions are all numbers."""
        return np.array([all(_finite(one) for one in np.atleast_1d(windows)) for windows in raw], bool)

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """`Tracks` of recordings [shape=(recording,), object], from `[recording, window]`."""
        made = np.empty(len(raw), dtype=object)
        for i, (windows, one) in enumerate(zip(raw, heard, strict=True)):
            parts = [self._mapped(part) for part in np.atleast_1d(windows)]
            made[i] = parts[0] if len(parts) == 1 else _joined(parts, one)
        return made

    def describe(self) -> dict[str, Json]:
        lost = [label for label, at in zip(self.card.labels, self.number) if at < 0]
        return {"classes": len(self.number) - len(lost), "left out": lost}

    def _mapped(self, made: Tracks) -> Tracks:
        label = self.number[made.label] if len(made) else made.label
        mapped = replace(made, label=label)
        return mapped if (label >= 0).all() else mapped.only(label >= 0)


def _joined(parts: Sequence[Tracks], heard: Heard) -> Tracks:
    """Windows one after another as one recording."""
    if heard.hop is not None:
        raise AdapterError("tracks of overlapping windows cannot be joined", hint="audio.windows: null")
    length = heard.seconds if heard.window is None else heard.window
    step = round(length / FRAME_SECONDS)
    if abs(step * FRAME_SECONDS - length) > 1e-6:
        raise AdapterError(f"windows of {length:g} s are no whole number of frames of {FRAME_SECONDS:g} s")
    frames = round(np.ceil(round(heard.seconds / FRAME_SECONDS, 6)))
    shifted = [replace(part, frame=part.frame + i * step, frames=None) for i, part in enumerate(parts)]

    held = [part for part in shifted if len(part)]
    if not held:
        return Tracks(frames=frames)
    distance, onscreen = ([getattr(part, name) for part in held] for name in ("distance", "onscreen"))
    made = Tracks(
        np.concatenate([part.frame for part in held]),
        np.concatenate([part.label for part in held]),
        np.concatenate([part.source for part in held]),
        np.concatenate([part.azimuth for part in held]),
        np.concatenate([part.elevation for part in held]),
        None if any(column is None for column in distance) else np.concatenate(distance),
        None if any(column is None for column in onscreen) else np.concatenate(onscreen),
        frames,
    )
    return made.only(made.frame < frames)


def _finite(made: Tracks) -> bool:
    return bool(np.isfinite(made.azimuth).all() and np.isfinite(made.elevation).all())
