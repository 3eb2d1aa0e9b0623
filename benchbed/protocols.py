"""The seams of benchbed on one page: what each side may expect of the other, whoever wrote it.

Whoever comes from outside (a model, a layout of a data set, a corruption, an attack, a metric, a kind of output, a way
to execute) has to do what stands here. Most have a base class that does the rest, and is what to inherit from:

==============  ========================================  =====================================================
seam            on this page                              base class
==============  ========================================  =====================================================
model           `Answers`, `Model`                        `benchbed.adapter.contract.Adapter`
data set        `LayoutModule`                            a module, as those of `benchbed.data.layouts`
corruption      `Perturbs`                                `benchbed.perturb.contract.Corruption`
attack          `Attacks`, `Losses`, `Decides`, `Teller`  `benchbed.attack.contract.Attack`
kind of output  `Reads`, `Keeps`, `Moves`                 `Reading`, `Output` of `benchbed.outputs.contract`
metric family   `Sums`                                    `benchbed.metrics.contract.Family`
hearing         `Hears`                                   `benchbed.run.computing.ways.Hearing`
executing       `Executes`                                a function, as `benchbed.run.executing.local.execute`
==============  ========================================  =====================================================

The page imports values of the ground only, so that every room can import it; where a seam is about a value of some
room, its type is a variable here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch

    from benchbed.card import Card
    from benchbed.types import Batch

Adapter_contra = TypeVar("Adapter_contra", contravariant=True)
Applied_co = TypeVar("Applied_co", covariant=True)
Context_contra = TypeVar("Context_contra", contravariant=True)
Cost_co = TypeVar("Cost_co", covariant=True)
Dataset_co = TypeVar("Dataset_co", covariant=True)
Done_co = TypeVar("Done_co", covariant=True)
Heard_co = TypeVar("Heard_co", covariant=True)
Heard_contra = TypeVar("Heard_contra", contravariant=True)
Input_co = TypeVar("Input_co", covariant=True)
Job_contra = TypeVar("Job_contra", contravariant=True)
Outcome_co = TypeVar("Outcome_co", covariant=True)
Problem_contra = TypeVar("Problem_contra", contravariant=True)
Reading_co = TypeVar("Reading_co", covariant=True)
Reading_contra = TypeVar("Reading_contra", contravariant=True)
Unit_contra = TypeVar("Unit_contra", contravariant=True)


class Locates(Protocol):
    """From the path of a value in a document to the place it was written at, for error messages."""

    def __call__(self, *place: str | int) -> str | None:
        """The place; None where nobody wrote it."""


class Checked(Protocol):
    """What a check says: of an adapter, or of a run's record."""

    @property
    def name(self) -> str:
        """Name of the check."""

    @property
    def status(self) -> str:
        """`pass`, `warn`, `fail` or `skipped`."""

    @property
    def message(self) -> str:
        """What was seen."""


class Answers(Protocol):
    """Whatever takes a batch and gives scores."""

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores of a batch."""


class Model(Answers, Protocol):
    """A model that can be asked: an adapter, or one that was cut behind its front end."""

    @property
    def card(self) -> Card:
        """What the model is."""

    @property
    def model(self) -> torch.nn.Module | None:
        """The network, where torch can see one."""

    @property
    def forward(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Differentiable path from inputs to scores that agrees with `predict`, where there is one."""

    @property
    def surrogate(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """What the gradient is taken of in the place of `forward`, where there is such a path."""

    @property
    def attack_forward(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """The name of `surrogate` in earlier versions."""


class LayoutModule(Protocol[Dataset_co]):
    """A module that knows how a published data set, or a user's folder, lies on disk."""

    @property
    def read(self) -> Callable[..., Dataset_co]:
        """`(root, **options) → dataset`: options are keyword arguments with types and defaults; no audio is touched."""


class Perturbs(Protocol[Context_contra, Applied_co]):
    """A corruption: a clip as it sounds at each of several severities."""

    def prepare(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context_contra
    ) -> object:
        """Severity-independent work for one clip `[channel, sample]`; must not change `waveform`."""

    def apply(self, state: object, parameter: object) -> Applied_co:
        """The clip at one parameter; a pure function of `state`, callable in any order."""


class Moves(Protocol):
    """A perturbation as it was applied to one clip: where it put what the clip is annotated with."""

    def events(self, times: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """New onsets and offsets in seconds `[event, 2]`, and the row of `times` that each of them was."""

    def directions(self, degrees: np.ndarray) -> np.ndarray:
        """New azimuth and elevation `[event, 2]` of sources that were in the directions `degrees`."""

    def added(self) -> Sequence[tuple[float, float, int]]:
        """Onset, offset in seconds and class number of sounds that were put in."""


class Losses(Protocol):
    """What an attack on one kind of output climbs: a module of `benchbed.attack.losses`, or one aimed at a goal."""

    @property
    def LOSSES(self) -> Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
        """Name → loss `(scores, target) → [clip]`, greater is worse for the model."""

    def margin(self, scores: torch.Tensor, target: torch.Tensor, /) -> torch.Tensor:
        """The task's own decision `[clip]`: negative where it is broken."""


class Decides(Protocol):
    """Success on a task's own metric, where that is no differentiable function of the scores of one batch."""

    def margin(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Distance to success `[clip]`: broken where it is negative, NaN where the answer is."""

    def select(self, rows: torch.Tensor) -> Decides:
        """The same for some of the clips."""


class Attacks(Protocol[Problem_contra, Outcome_co, Cost_co]):
    """An attack: a batch of clips in, for every clip the strongest point of its ball out."""

    def run(self, problem: Problem_contra) -> Outcome_co:
        """Attack a batch whose clips are all answered rightly when clean."""

    def cost(self, classes: int) -> Cost_co:
        """Most model evaluations that one clip can need."""


class Teller(Protocol):
    """A captioner as the losses need it; see `benchbed.adapter.captioner.Captioner`."""

    start: int
    end: int

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits of the next word `[clip, place, vocabulary]`."""

    def spell(self, text: str) -> list[int]:
        """Numbers of a caption's words."""

    def texts(self, memory: torch.Tensor, drafts: Sequence[str] | None = None) -> list[str]:
        """Captions from a memory; drafts are captions that may come out."""


class Reads(Protocol[Heard_contra]):
    """How the answers of one model are read for one task; decided from its card before the first clip."""

    def check(self, raw: object, clips: int, heard: Heard_contra) -> np.ndarray:
        """What `predict` returned for a batch, as an array with a row for each clip (or window) of it."""

    def usable(self, raw: np.ndarray) -> np.ndarray:
        """Which clips have an answer that means something `[clip]`, bool; the others are counted as failed."""

    def answers(self, raw: np.ndarray, heard: Sequence[Heard_contra]) -> np.ndarray:
        """Answers in the dataset's terms, a row for each clip."""


class Keeps(Protocol[Reading_co]):
    """A kind of output: what an answer is, what it is held against, and how both lie on disk."""

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading_co:
        """Decide how a model's answers are read for a task of this output."""

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        """What the right answers of clips are, a row for each."""

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far two answers to each clip lie apart `[clip]`, 0 where they are the same."""

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        """One answer and its reference in one line for a person."""


class Sums(Protocol):
    """A metric family: sums for every clip, and figures from sums, so that any set of clips has them."""

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each clip, `[clip, statistic]` float64."""

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Metric values from summed statistics `[..., statistic]`, one array `[...]` per metric; NaN if undefined."""


class Hears(Protocol[Adapter_contra, Input_co, Heard_co, Reading_contra]):
    """From a clip's waveform to what a model says about it: at once, or window by window."""

    def given(self, waveform: np.ndarray, sample_rate: int) -> Input_co:
        """The clip as the model gets it."""

    def heard(self, samples: int, seconds: float) -> Heard_co:
        """How a clip of `seconds` was heard that gave an input of so many samples."""

    def ask(
        self,
        adapter: Adapter_contra,
        reading: Reading_contra,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about inputs of one length, a row for each."""

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""

    def through(self, forward: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        """A model's differentiable path as one over inputs as `given` makes them."""

    def describe(self) -> str:
        """How clips reach the model, for the record."""


class Executes(Protocol[Job_contra, Unit_contra, Adapter_contra, Done_co]):
    """Who computes the units of a job: this process, others, or a cluster. Units are named by their content and
    independent of each other, so any of them may be computed anywhere and in any order."""

    def __call__(
        self,
        job: Job_contra,
        units: Sequence[Unit_contra],
        folder: Path,
        adapters: Mapping[str, Adapter_contra],
        workers: int,
    ) -> Iterator[Done_co]:
        """Compute units, write each one's file into `folder`, and yield when it is in place."""
