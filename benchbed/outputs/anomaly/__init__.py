"""How anomalous the sound of a machine is: one score a clip, greater the stranger, and a decision where one was made.

A system learns from normal sounds alone (DCASE Task 2). The scores of two sections need not be on one scale: they are
ranked within a section, a machine or a setting of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.anomaly.monitored import DOMAIN, STATE, MonitoredClip, monitored
from benchbed.outputs.contract import Heard, Json, Output, Reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Columns of answers `[clip, 2]`.
SCORE, DECISION = 0, 1
_DECIDED = "anomaly_decision"


class ScoredClips(Reading):
    """Anomaly scores as they come, with decisions where the model makes some."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Scores and decisions `[clip, 2]` in the model's own precision; NaN where nothing was decided.

        Raises
        ------
        AdapterError
            Another type or shape, or a decision that is neither 0 nor 1.
        """
        fits = isinstance(raw, np.ndarray) and raw.dtype.kind == "f" and raw.shape in ((clips,), (clips, 1), (clips, 2))
        if not isinstance(raw, np.ndarray) or not fits:
            given = f"{raw.dtype} {list(raw.shape)}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise AdapterError(
                f"predict returned {given}, expected floats [clip] for {clips} clips",
                hint="a score for each clip, or [clip, 2] with a decision of 0 (normal) or 1 (anomaly) beside it",
            )
        answers = np.full((clips, 2), np.nan, raw.dtype)
        answers[:, : 1 if raw.ndim == 1 else raw.shape[1]] = raw.reshape(clips, -1)
        odd = ~np.isnan(answers[:, DECISION]) & ~np.isin(answers[:, DECISION], (0.0, 1.0))
        if odd.any():
            value = answers[odd.argmax(), DECISION]
            raise AdapterError(f"predict returned the decision {value:g}", hint="0 for normal, 1 for an anomaly")
        return answers

    def usable(self, raw: np.ndarray) -> np.ndarray:
        usable: np.ndarray = np.isfinite(raw[:, SCORE])
        return usable

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return raw

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Anomaly(Output):
    """A score and a decision `[clip, 2]`, float64; references are a `MonitoredClip` for each clip."""

    name = "anomaly"
    title = "Anomalous sound detection"
    classes = False
    decides = False
    columns = ("scores", _DECIDED)
    deposited = frozenset({"folder"})
    unattacked = "a score is right or wrong only beside the scores of all other clips of its section, never by itself"

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            hint = f"--set output={self.name}" if self.name in offered else "choose another suite or model"
            raise AdapterError(
                f"{card.name} gives {card.output}; the task needs a model that scores anomalies", hint=hint
            )
        return ScoredClips(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        truth = np.empty(len(clips), dtype=object)
        if len(clips):
            truth[:] = [monitored(*row) for row in zip(clips["label"], clips[DOMAIN], clips[STATE])]
        return truth

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros((0, 2))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        apart = np.abs(np.asarray(one, np.float64) - other)
        # Undecided on both sides is the same answer, on one side another.
        both, either = np.isnan(one) & np.isnan(other), np.isnan(one) | np.isnan(other)
        return np.where(both, 0.0, np.where(either, np.inf, apart)).max(axis=1, initial=0.0)

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        columns = np.asarray(answers, np.float64).reshape(-1, 2)
        return {"scores": pa.array(columns[:, SCORE]), _DECIDED: pa.array(columns[:, DECISION])}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        columns = [table[name].to_numpy() for name in self.columns]
        return np.column_stack(columns).astype(np.float64).reshape(-1, 2), None

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * (12 + 2 * 8), ""

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Scores from a folder of `anomaly_score_*.csv`, with the decisions of `decision_result_*.csv` beside them.

        See `benchbed.outputs.anomaly.files`.
        """
        from benchbed.outputs.anomaly.files import answers_of

        return answers_of(path, clips)

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        from benchbed.outputs.anomaly.files import unused

        return unused(path, clips)

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        score, decided = answers[row]
        truth: MonitoredClip = references[row]
        said = "" if np.isnan(decided) else ", taken for an anomaly" if decided else ", taken for normal"
        return f"anomaly score {score:.4g}{said}, is {truth}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        truth = np.empty(clips, dtype=object)
        sections = list(labels) or ["fan section_00"]
        for clip in range(clips):
            state = bool(random.integers(0, 2))
            truth[clip] = MonitoredClip(str(random.choice(sections)), ("source", "target")[clip % 2], state)
        scores = random.normal(size=clips) + np.array([one.anomalous for one in truth], np.float64)
        return np.column_stack([scores, scores > 0.5]).reshape(-1, 2), truth


OUTPUT = Anomaly()
