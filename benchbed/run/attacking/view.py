"""A model as attacks meet it on a task: what it is given, what it answers, and its gradient.

The model under test and the models that attacks transfer from are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.adapter.surroundings import at_home
from benchbed.attack.contract import Victim
from benchbed.attack.losses import LOSSES
from benchbed.attack.twin import Forward
from benchbed.card import Card
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard, Output, Reading
from benchbed.protocols import Model
from benchbed.run.attacking.goal import Task
from benchbed.run.attacking.goals import TASKS
from benchbed.run.attacking.victim import Shared, asked, victim_of
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.hearing import hearing_of
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.whole import Clip, ModelInput
from benchbed.types import Batch, Queries

if TYPE_CHECKING:
    import torch

    from benchbed.attack.features import OnFeatures


@dataclass(frozen=True)
class View:
    """One model on one task.

    Attributes
    ----------
    adapter, card, reading, hearing : Adapter, Card, Reading, Hearing
        As the run uses them.
    output : str
        What the task asks.
    goal : type
        The task under attack, which knows its answers as numbers.
    cuts : mapping of int to OnFeatures
        Samples of a clip → the model behind its front end, where features are attacked; points are then features.
    shared : mapping of str to Queries
        What all clips are asked alike.
    """

    adapter: Adapter
    card: Card
    reading: Reading
    hearing: Hearing
    output: str
    goal: type[Task]
    cuts: Mapping[int, OnFeatures] = field(default_factory=dict)
    shared: Shared = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        adapter: Adapter,
        card: Card,
        labels: Sequence[str],
        output: Output,
        batch_size: int,
        shared: Shared = MappingProxyType({}),
    ) -> View:
        """A model on a task of an output."""
        reading, hearing = output.read(card, labels), hearing_of(output, card, batch_size)
        return cls(adapter, card, reading, hearing, output.name, TASKS.get(output.name).TASK, {}, shared)

    @property
    def hop(self) -> float | None:
        """Seconds per frame, where answers have frames."""
        return self.goal.hop(self.reading)

    def input(self, clip: Clip) -> ModelInput:
        """A clip as the model hears it."""
        return self.hearing.given(clip.waveform, clip.sample_rate)

    def fits(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        return self.hearing.inputs(samples)

    def alike(self, samples: int, seconds: float) -> tuple[int, float]:
        """What clips have in common that are attacked together.

        Recordings of one length have one grid of frames; of clips with one answer only the input's length matters.
        """
        return samples, 0.0 if self.hop is None else seconds

    def raw(self, points: np.ndarray, samples: int | None = None) -> np.ndarray:
        """What the plain path answers to audio, or to features of audio of so many samples."""
        if not self.cuts:
            side = {name: (queries,) * len(points) for name, queries in self.shared.items()}
            return self.hearing.ask(self.adapter, self.reading, points, side, lent=True)
        samples = points.shape[2] if samples is None else samples
        lengths = np.full(len(points), samples, dtype=np.int64)
        return ask(self.cuts[samples], Batch(points, lengths, self.card.sample_rate), lent=True)

    def _asked(self, samples: int) -> Model:
        return self.cuts[samples] if self.cuts else self.adapter

    def aligned(self, raw: np.ndarray, samples: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """Answers in the dataset's terms `[clip, …, class]`, NaN where there are none, and which clips have any.

        Parameters
        ----------
        raw : np.ndarray
            From `raw`.
        samples : int
            Of the inputs.
        seconds : float
            Of the recordings.
        """
        usable, heard = self.reading.usable(raw), self.heard(samples, seconds)
        answers = self.goal.blank(self.reading, raw, heard)
        if usable.any():
            answers[usable] = self.goal.dense(self.reading, raw[usable], heard)
        return answers, usable

    def heard(self, samples: int, seconds: float) -> Heard:
        """How recordings of one length are heard."""
        return self.hearing.heard(samples, seconds)

    def victim(self, samples: int, seconds: float, eot: int = 1) -> Victim:
        """The model as a function that attacks differentiate."""
        losses = LOSSES.get(self.output)
        heard = self.heard(samples, seconds)
        over = self.hearing.through
        for queries in self.shared.values():
            # Its differentiable path is given audio alone, and answers to what was asked last.
            at_home(self.adapter, self.adapter.asked)(queries)
        path = getattr(losses, "PATH", "forward")
        seen = self._asked(samples)
        return victim_of(
            seen, lambda forward: losses.scores(over(forward), self.reading, heard), eot, path, self.shared
        )

    def told(self, samples: int, seconds: float) -> Forward:
        """What the losses climb, asked through `predict`, whatever a differentiable path beside it says."""
        losses, heard = LOSSES.get(self.output), self.heard(samples, seconds)
        plain = asked(self._asked(samples), self.shared, samples if self.cuts else None)
        return losses.scores(self.hearing.through(plain), self.reading, heard)

    def target(self, task: Task, truths: Sequence[object], samples: int, seconds: float) -> torch.Tensor:
        """References as a tensor on the model's device, on its own grid of frames."""
        import torch

        given = task.target(truths, self.goal.moments(self.reading, self.heard(samples, seconds)))
        return torch.from_numpy(given).to(self.adapter.device)

    def gap(self, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far two raw answers to each clip lie apart `[clip]`, and the size that this is held against `[clip]`."""
        if one.dtype.kind == "O":
            return output_of(self.output).gap(one, other), np.ones(len(one))
        with np.errstate(invalid="ignore"):
            apart = np.abs(other - one).reshape(len(one), -1).max(1)
            return apart, np.maximum(1.0, np.abs(one).reshape(len(one), -1).max(1))

    def stored(self, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        """Answers as predictions are stored."""
        return self.goal.stored(self.reading, answers, seconds)


def view_of(engine: Engine) -> View:
    """The model that an engine runs."""
    output = engine.job.output
    task, shared = TASKS.get(output.name).TASK, shared_of(engine)
    return View(engine.adapter, engine.card, engine.reading, engine.hearing, output.name, task, {}, shared)


def shared_of(engine: Engine) -> dict[str, Queries]:
    """What all clips of the engine's shard are asked alike."""
    first: Mapping[str, object] = engine.shard.records[0]
    return {name: asked for name in engine.job.output.asks if isinstance(asked := first[name], Queries)}
