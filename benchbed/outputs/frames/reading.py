"""How frames, or tags of windows, become scores on one grid over each recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.align import Alignment
from benchbed.outputs.contract import Heard, Json, Reading
from benchbed.outputs.frames.grid import drift, moments, on_grid, overlaid
from benchbed.outputs.frames.recording import FrameScores, frame_scores


@dataclass(frozen=True)
class FrameReading(Reading):
    """Scores over time in the dataset's classes.

    Attributes
    ----------
    alignment : Alignment
        Which classes mean which labels.
    hop : float
        Seconds from one output of the model to the next.
    """

    alignment: Alignment
    hop: float

    @property
    def card(self) -> Card:
        """The model's card."""
        return self.alignment.card

    @property
    def tags_windows(self) -> bool:
        """Whether the model tags its window, which is then one frame."""
        return self.card.output == "tags"

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Outputs of windows `[window, frame, class]`; a model that tags its window gives one frame."""
        scores, classes = np.asarray(raw), len(self.card.labels)
        axes, wanted = (2, "[window, class]") if self.tags_windows else (3, "[window, frame, class]")
        shaped = scores.ndim == axes and len(scores) == clips and scores.shape[-1] == classes
        if not shaped or scores.dtype.kind != "f":
            raise AdapterError(
                f"predict returned {scores.dtype} {list(scores.shape)}, expected float {wanted} for {clips} windows "
                f"and {classes} classes of the card",
                hint="run `benchbed check` on the adapter",
            )
        if self.tags_windows:
            return scores[:, None]
        said, refused = drift(scores.shape[1], self.hop, heard.samples / self.card.sample_rate)
        if refused:
            raise AdapterError(
                f"predict returned {said}",
                hint="frame_seconds of the card must be the time from one output frame to the next",
            )
        return scores

    def remark(self, raw: np.ndarray, heard: Heard) -> str | None:
        """Frames that do not fill the window they are of."""
        return None if self.tags_windows else drift(raw.shape[-2], self.hop, self.window(heard))[0]

    def usable(self, raw: np.ndarray) -> np.ndarray:
        return self.alignment.usable(raw)

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """`FrameScores` of recordings [shape=(recording,), object], from `[recording, window, frame, class]`."""
        aligned = self.alignment.apply(raw)
        scores = np.empty(len(raw), dtype=object)
        scores[:] = [self._in_time(windows, one) for windows, one in zip(aligned, heard)]
        return scores

    def dense(self, raw: np.ndarray, heard: Heard) -> np.ndarray:
        """Scores of recordings of one length `[recording, frame, class]`, heard in windows one after another."""
        window, aligned = self.window(heard), self.alignment.apply(raw)
        return np.stack([on_grid(one, self.hop, window, heard.seconds) for one in aligned])

    def moments(self, heard: Heard) -> np.ndarray:
        """Centres of the frames of a recording in seconds [shape=(frame,)]."""
        return moments(self.hop, self.window(heard), heard.seconds)

    def window(self, heard: Heard) -> float:
        """Length of a window in seconds; the whole input where nothing else is said."""
        return heard.samples / self.card.sample_rate if heard.window is None else heard.window

    def _in_time(self, windows: np.ndarray, heard: Heard) -> FrameScores:
        length = self.window(heard)
        if heard.hop is not None:
            return overlaid(windows, self.hop, heard.hop, length, heard.seconds)
        return frame_scores(on_grid(windows, self.hop, length, heard.seconds), self.hop, heard.seconds)

    def describe(self) -> dict[str, Json]:
        return self.alignment.describe()
