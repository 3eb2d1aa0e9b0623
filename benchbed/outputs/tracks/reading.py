"""How the tracks that a model gives for windows become those of whole recordings, in the dataset's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.contract import Heard, Json, Reading
from benchbed.outputs.tracks.dense import Layout, dense, layout
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks
from benchbed.outputs.tracks.vectors import FLOOR, PARTS, undecided


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
        """`Tracks` of windows [shape=(window,), object], or vectors as `benchbed.outputs.tracks.vectors` has them."""
        if isinstance(raw, np.ndarray) and raw.dtype.kind == "f":
            return self._vectors(raw, clips, heard)
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

    def _vectors(self, raw: np.ndarray, clips: int, heard: Heard) -> np.ndarray:
        classes, hop = len(self.card.labels), self.card.frame_seconds or FRAME_SECONDS
        fits = raw.ndim in (4, 5) and len(raw) == clips and raw.shape[-1] in PARTS and raw.shape[-2] == classes
        if not fits:
            raise AdapterError(
                f"predict returned {raw.dtype} {list(raw.shape)}, expected [window, frame, class, part] or [window, "
                f"frame, track, class, part] for {clips} windows and {classes} classes",
                hint=f"parts are {'; '.join(PARTS.values())}",
            )
        seconds = heard.samples / self.card.sample_rate
        if abs(raw.shape[1] * hop - seconds) > max(2 * hop, 0.05 * seconds):
            raise AdapterError(
                f"predict returned {raw.shape[1]} frames of {hop:g} s, {raw.shape[1] * hop:g} s in all, for "
                f"{seconds:g} s of audio",
                hint="frame_seconds of the card must be the time from one output frame to the next",
            )
        return raw

    def usable(self, raw: np.ndarray) -> np.ndarray:
        """Recordings whose directions are all numbers."""
        if raw.dtype.kind == "f":
            # A distance may be untold; the other parts may not.
            told = raw[..., : raw.shape[-1] - 1] if raw.shape[-1] > 3 else raw
            return np.isfinite(told).reshape(len(raw), -1).all(axis=1)
        return np.array([all(_finite(one) for one in np.atleast_1d(windows)) for windows in raw], bool)

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """`Tracks` of recordings [shape=(recording,), object], from `[recording, window]`.

        Those of vectors hold activities: metrics decide what sounds, by the thresholds that a suite declares.
        """
        made = np.empty(len(raw), dtype=object)
        for i, (windows, one) in enumerate(zip(raw, heard, strict=True)):
            if raw.dtype.kind == "f":
                made[i] = undecided(self.dense(windows[None], one)[0], frames=self.layout(one).frames)
                continue
            parts = [self._mapped(part) for part in np.atleast_1d(windows)]
            made[i] = parts[0] if len(parts) == 1 else _joined(parts, one)
        return made

    def layout(self, heard: Heard) -> Layout:
        """How the vectors of windows lie in a recording."""
        return layout(self.number, heard)

    def dense(self, raw: np.ndarray, heard: Heard) -> np.ndarray:
        """Vectors of recordings that were heard alike `[recording, frame, track, class, part]`, in the dataset's
        classes.

        Parameters
        ----------
        raw : np.ndarray [shape=(recording, window, frame, …)]
            Vectors, as `check` let them pass.
        heard : Heard
            How the recordings were heard.

        Raises
        ------
        AdapterError
            The model gives finished tracks, which are no numbers that lie in a recording.
        """
        if raw.dtype.kind != "f":
            raise AdapterError(
                f"{self.card.name} gives finished tracks, and no vectors behind them",
                hint="attacks need what the tracks are read from: predict must return [window, frame, class, part], "
                f"with parts {'; '.join(PARTS.values())}",
            )
        return dense(raw, self.layout(heard), self.card.frame_seconds or FRAME_SECONDS)

    def describe(self) -> dict[str, Json]:
        lost = [label for label, at in zip(self.card.labels, self.number) if at < 0]
        return {"classes": len(self.number) - len(lost), "left out": lost, "activities above": FLOOR}

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

    lasting = [part for part in shifted if len(part)]
    if not lasting:
        return Tracks(frames=frames)
    distance, onscreen, activity = (
        [getattr(part, name) for part in lasting] for name in ("distance", "onscreen", "activity")
    )
    joined = Tracks(
        np.concatenate([part.frame for part in lasting]),
        np.concatenate([part.label for part in lasting]),
        np.concatenate([part.source for part in lasting]),
        np.concatenate([part.azimuth for part in lasting]),
        np.concatenate([part.elevation for part in lasting]),
        None if any(column is None for column in distance) else np.concatenate(distance),
        None if any(column is None for column in onscreen) else np.concatenate(onscreen),
        frames,
        activity=None if any(column is None for column in activity) else np.concatenate(activity),
    )
    return joined.only(joined.frame < frames)


def _finite(made: Tracks) -> bool:
    return bool(np.isfinite(made.azimuth).all() and np.isfinite(made.elevation).all())
