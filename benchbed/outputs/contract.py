"""The contract of a kind of output: what an answer is, what it is held against, and how both are kept.

Answers and references of several clips are numpy arrays with one row per clip, so that every room can pick, order and
join them without knowing what they are: `[clip, class]` where an answer is a vector, else `[clip]` of objects.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from benchbed.card import Card
from benchbed.errors import ConfigError
from benchbed.protocols import Moves

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What JSON can hold.
Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True)
class Heard:
    """How a clip reached the model.

    Attributes
    ----------
    seconds : float
        Length of the recording, as the perturbation left it at most cut at its end.
    samples : int
        Samples of the model's input: of the clip, or in `Reading.check` of one window.
    window : float, optional
        Length of a window in seconds, for outputs that hear recordings in windows.
    hop : float, optional
        Seconds from one window to the next where windows overlap; None where one follows another.
    """

    seconds: float
    samples: int
    window: float | None = None
    hop: float | None = None


@dataclass(frozen=True)
class Foreign:
    """Answers from a file of another program.

    Attributes
    ----------
    answers : np.ndarray [shape=(clip, …)]
        A row for each clip, in the dataset's terms.
    remarks : tuple of str
        What of the file was not used, and what was made of it; the record and the terminal say it.
    """

    answers: np.ndarray
    remarks: tuple[str, ...] = ()


class Reading(ABC):
    """How the answers of one model are read for one task; decided from its card before the first clip."""

    @abstractmethod
    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """What `predict` returned for a batch, as an array with a row for each clip (or window) of it.

        Parameters
        ----------
        raw : object
            What `predict` returned.
        clips : int
            Clips, or windows, of the batch.
        heard : Heard
            How they were heard; all alike in length.

        Raises
        ------
        AdapterError
            Another type or shape than the card says.
        """

    @abstractmethod
    def usable(self, raw: np.ndarray) -> np.ndarray:
        """Which clips have an answer that means something `[clip]`, bool; the others are counted as failed."""

    @abstractmethod
    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """Answers in the dataset's terms, a row for each clip.

        Parameters
        ----------
        raw : np.ndarray [shape=(clip, …)]
            As `check` gave it; for outputs that hear windows `[clip, window, …]`.
        heard : sequence of Heard
            How each clip was heard.

        Raises
        ------
        AdapterError
            The values are not what the card calls them.
        """

    def asked(self, side: Mapping[str, tuple]) -> None:
        """Take in what a batch carries besides audio, before its answers are checked; nothing by default.

        Parameters
        ----------
        side : mapping of str to tuple
            Column of `Output.asks` → a value for each clip of the batch; without the column nobody asked anything.
        """
        return None

    def remark(self, raw: np.ndarray, heard: Heard) -> str | None:
        """What makes answers doubtful that `check` let pass, in words; None if nothing does.

        Parameters
        ----------
        raw : np.ndarray
            As `check` gave it.
        heard : Heard
            How the clips were heard; all alike in length.
        """
        return None

    @abstractmethod
    def describe(self) -> dict[str, Json]:
        """What was decided, for the record."""


class Output(ABC):
    """A kind of output.

    Attributes
    ----------
    name : str
        As cards, suites and files say it.
    title : str
        What the field calls the task, for readers of pages; empty where the name says it.
    version : int
        Part of every cache key; raise it when the meaning of stored answers changes.
    hears : str
        `clip`: a model gets a whole clip at once, cut or padded to the length it wants; `windows`: a recording is heard
        to its end, in windows of the length that the model wants.
    unheard : bool
        Answers that a program stored can be held against the references without the audio, which need not be there.
    moved_by : frozenset of str
        What references change by that a perturbation may do: move sounds in `time`, or in `space`. References are then
        stored beside each answer, as its condition left them.
    asks : tuple of str
        Columns of the clip table that a batch carries besides audio, e.g. a query.
    classes : bool
        Whether an answer is about classes; else the dataset's labels may be empty.
    annotated : tuple of str
        Kinds of annotation that say what the right answer is; by default that of the same name.
    columns : tuple of str
        Columns of a file that `pack` writes and `unpack` reads.
    needs : tuple of str
        Fields that the card of a model must have which gives this output.
    class_scores : str
        Whether an answer is a score of every class: of the `clip`, or over `time`; empty where it is something else.
    exclusive : bool
        One class is right and every other wrong: scores of a model that gives this output are one distribution.
    decided_by : tuple of str
        What a suite's `post_processing` may declare that decides something about it.
    tuned_by : tuple of str
        Figures by which a suite may choose thresholds (`post_processing.tune`).
    decides : bool
        An answer is a decision, so that two of them are the same or not; degrees alone are none.
    displaced : bool
        Answers are vectors, and how far a perturbation turns them is a figure of its own.
    by_gap : bool
        Answers are numbers of any size, of which two are compared by `gap`, and not by their plain difference.
    reader : str
        Shipped adapter that replays answers from files of other programs.
    unattacked : str
        Why no attack on it can succeed or fail, where there is none.
    deposited : frozenset of str
        What one system's outputs are on disk: one `file`, or a `folder` of files.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    version: ClassVar[int] = 1
    hears: ClassVar[Literal["clip", "windows"]] = "clip"
    unheard: ClassVar[bool] = True
    moved_by: ClassVar[frozenset[Literal["time", "space"]]] = frozenset()
    asks: ClassVar[tuple[str, ...]] = ()
    classes: ClassVar[bool] = True
    annotated: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[str, ...]] = ("scores",)
    needs: ClassVar[tuple[str, ...]] = ()
    class_scores: ClassVar[Literal["", "clip", "time"]] = ""
    exclusive: ClassVar[bool] = False
    decided_by: ClassVar[tuple[str, ...]] = ()
    tuned_by: ClassVar[tuple[str, ...]] = ()
    decides: ClassVar[bool] = True
    by_gap: ClassVar[bool] = False
    displaced: ClassVar[bool] = False
    reader: ClassVar[str] = "answers"
    unattacked: ClassVar[str] = ""
    deposited: ClassVar[frozenset[Literal["file", "folder"]]] = frozenset({"file"})

    @abstractmethod
    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        """Decide how a model's answers are read for a task of this output.

        Parameters
        ----------
        card : Card
            Of the model.
        labels : sequence of str
            Classes of the dataset, in its order; none for outputs without classes.
        offered : sequence of str
            Outputs that the adapter has an option for; a refusal names the one that would fit.

        Raises
        ------
        AdapterError
            The model's output says nothing about this task, or its classes do not fit.
        """

    def beside(self, card: Card, labels: Sequence[str], *, closed_set: bool) -> tuple[tuple[str, ...], int | None]:
        """Classes that are scored beside those of the dataset, or how many a model has of which some are left out.

        Parameters
        ----------
        closed_set : bool
            The suite asks to score as if the model knew the dataset's classes alone.
        """
        return (), None

    def asking(self, clips: pd.DataFrame) -> pd.DataFrame:
        """The whole table of a split with the columns of `asks`, where the data set does not have them by itself.

        Parameters
        ----------
        clips : DataFrame
            All clips of a split, before any limit: what is asked of a clip does not depend on how many are scored.
        """
        return clips

    def probe(self, clips: int) -> dict[str, tuple]:
        """What a batch carries besides audio where there is no data set, to try a model or to measure its cost."""
        return {}

    @abstractmethod
    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        """What the right answers of clips are, a row for each.

        Parameters
        ----------
        clips : DataFrame
            Table of clips with their metadata, in the order that is wanted.
        annotations : DataFrame or None
            Rows with `clip_id` that annotate clips in more than one place, e.g. timed events.
        labels : sequence of str
            Classes of the dataset.
        """

    def placed(self, references: np.ndarray, row: int, seconds: float, moves: Moves | None) -> object:
        """The reference of one clip as it lies in its audio, for outputs that something moves (`moved_by`).

        Parameters
        ----------
        references : np.ndarray
            From `references`.
        row : int
            Which of them.
        seconds : float
            Length of the clip.
        moves : Moves or None
            The perturbation that was applied to the clip, if one was.
        """
        return references[row]

    def truth(self, references: np.ndarray, placed: np.ndarray | None) -> np.ndarray:
        """References of rows as metrics take them.

        Parameters
        ----------
        references : np.ndarray [shape=(row, …)]
            Those of the rows' clips.
        placed : np.ndarray [shape=(row,), object] or None
            Those that are stored beside the answers, for outputs that something moves.
        """
        return references if placed is None else placed

    def changed(
        self, references: np.ndarray, added: Sequence[str], removed: Sequence[str], labels: Sequence[str]
    ) -> np.ndarray:
        """References of rows whose audio has gained or lost sounds, for outputs whose references are not stored.

        Parameters
        ----------
        references : np.ndarray [shape=(row, …)]
            Of the clips as they are in the data set.
        added, removed : sequence of str
            Classes of each row, joined by commas.
        labels : sequence of str
            Classes of the dataset.
        """
        return references

    def coarse(self, references: np.ndarray) -> np.ndarray:
        """Clips that are annotated less finely than the task asks `[clip]`, bool, e.g. events without times."""
        return np.zeros(len(references), bool)

    def identity(self, references: np.ndarray, row: int) -> Json:
        """What of a reference is part of the key of a unit: all that is stored beside its answers."""
        return None

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        """Answers of several batches as those of one; of none, empty."""
        return np.concatenate(parts) if parts else np.zeros(0, object)

    def take(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Answers of some rows."""
        return answers[rows]

    @abstractmethod
    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far two answers to each clip lie apart `[clip]`, 0 where they are the same."""

    @abstractmethod
    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        """Columns of a file for answers, and for the references that lie beside them."""

    @abstractmethod
    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
        """Answers, and references beside them, from the columns that `pack` made.

        Raises
        ------
        DataError
            The columns are missing or damaged.
        """

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        """About how many bytes answers take on disk, and what is assumed where no model says it.

        Parameters
        ----------
        clips : int
            Answers.
        seconds : float
            Length of all their clips.
        classes : int
            Of the dataset.
        card : Card, optional
            Of the model, if one is known.
        by_second : bool
            Windows overlap, and what they give is kept by the second.
        """
        # The columns beside the scores, measured on the shipped suites (compressed parquet).
        return clips * (12 + 8 * classes), ""

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Answers from a file of another program, a row for each clip.

        Parameters
        ----------
        path : Path
            A file, or a folder of one for each clip.
        clips : DataFrame
            Table of all clips that the file may be about.
        labels : sequence of str
            Classes of the dataset.

        Raises
        ------
        ConfigError
            No form of such files is known, or this one cannot be read.
        """
        raise ConfigError(f"no file of another program with {self.name} can be read", where=str(path))

    def within(self, answer: object, seconds: float) -> tuple[object, str | None]:
        """A foreign answer as it lies in its recording, and what is to be said of it.

        Parameters
        ----------
        answer : object
            One answer from `foreign`, which knows no lengths.
        seconds : float
            Length of the recording.

        Raises
        ------
        DataError
            The answer cannot be about this recording.
        """
        return answer, None

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        """What of such a file is about none of the clips, in words; the record and the terminal say it."""
        return []

    @abstractmethod
    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        """One answer and its reference in one line for a person."""

    @abstractmethod
    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Answers and references (as `truth` gives them) of made-up clips, for tests that every kind passes."""
