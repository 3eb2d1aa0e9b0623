"""A model as attacks meet it on a task: what it is given, what it answers, and its gradient.

The model under test and the models that attacks transfer from are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.align import Alignment
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter, Card
from benchbed.attack.contract import Victim
from benchbed.run.attacking.goal import Task
from benchbed.run.attacking.victim import Grid, victim_of
from benchbed.run.computing.whole import Clip, ModelInput, to_model
from benchbed.run.computing.windows import hear, hop_of, on_grid, to_windows
from benchbed.types import Batch, FrameScores

if TYPE_CHECKING:
    from benchbed.attack.features import OnFeatures


@dataclass(frozen=True)
class View:
    """One model on one task.

    Attributes
    ----------
    adapter, card, alignment : Adapter, Card, Alignment
        As the run uses them.
    task : str
        `scene`, `tags` or `frames`.
    batch_size : int
        Clips, or windows, per call.
    cuts : mapping of int to OnFeatures
        Samples of a clip → the model behind its front end, where features are attacked; points are then features.
    """

    adapter: Adapter
    card: Card
    alignment: Alignment
    task: str
    batch_size: int
    cuts: Mapping[int, OnFeatures] = field(default_factory=dict)

    @property
    def hop(self) -> float | None:
        """Seconds per frame, on a frames task."""
        return hop_of(self.card) if self.task == "frames" else None

    def input(self, clip: Clip) -> ModelInput:
        """A clip as the model hears it."""
        make = to_windows if self.task == "frames" else to_model
        return make(clip.waveform, clip.sample_rate, self.card)

    def fits(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        return max(1, self.batch_size // max(1, samples // self._window(samples)))

    def raw(self, points: np.ndarray, samples: int | None = None) -> np.ndarray:
        """What the plain path answers to audio, or to features of audio of so many samples."""
        if self.task == "frames":
            return hear(self.adapter, self.card, points, {}, self.batch_size)
        samples = points.shape[2] if samples is None else samples
        lengths = np.full(len(points), samples, dtype=np.int64)
        return ask(self._asked(samples), Batch(points, lengths, self.card.sample_rate), lent=True)

    def _asked(self, samples: int) -> Any:
        return self.cuts[samples] if self.cuts else self.adapter

    def aligned(self, raw: np.ndarray, samples: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities in the dataset's classes `[clip, …, class]`, NaN where there are none, and which clips have
        any.

        Parameters
        ----------
        raw : np.ndarray
            From `raw`.
        samples : int
            Of the inputs.
        seconds : float
            Of the recordings.
        """
        usable = self.alignment.usable(raw)
        classes = len(self.alignment.columns)
        grid = self.grid(samples, seconds)
        if grid is None:
            scores = np.full((len(raw), classes), np.nan)
            if usable.any():
                scores[usable] = self.alignment.apply(raw[usable])
            return scores, usable
        scores = np.full((len(raw), len(grid.moments), classes), np.nan)
        if usable.any():
            scores[usable] = [
                on_grid(each, grid.hop, grid.window / grid.rate, seconds) for each in self.alignment.apply(raw[usable])
            ]
        return scores, usable

    def grid(self, samples: int, seconds: float) -> Grid | None:
        """Windows and frames of recordings of one length, on a frames task."""
        if self.task != "frames":
            return None
        return Grid(
            self._window(samples), hop_of(self.card), self.card.sample_rate, seconds, self.card.output == "tags"
        )

    def victim(self, samples: int, seconds: float, eot: int = 1) -> Victim:
        """The model as a function that attacks differentiate."""
        return victim_of(self._asked(samples), self.alignment, eot, self.grid(samples, seconds))

    def target(self, task: Task, truths: Sequence[Any], samples: int, seconds: float) -> Any:
        """References as a tensor on the model's device, on its own grid of frames."""
        import torch

        grid = self.grid(samples, seconds)
        given = task.target(truths, None if grid is None else grid.moments)
        return torch.from_numpy(given).to(getattr(self.adapter, "device", "cpu"))

    def stored(self, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        """Answers as predictions are stored."""
        if self.task != "frames":
            return answers
        found = np.empty(len(answers), dtype=object)
        for index, (answer, length) in enumerate(zip(answers, seconds)):
            found[index] = FrameScores(answer, hop_of(self.card), length)
        return found

    def _window(self, samples: int) -> int:
        if self.task != "frames" or self.card.clip_seconds is None:
            return samples
        return round(self.card.clip_seconds * self.card.sample_rate)


def seconds_of(clip: Clip) -> float:
    """Length of a recording as it was read."""
    return clip.waveform.shape[1] / clip.sample_rate


def view_of(engine: Any) -> View:
    """The model that an engine runs."""
    return View(engine.adapter, engine.card, engine.alignment, engine.job.task, engine.job.batch_size)
