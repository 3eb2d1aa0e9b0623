"""Evaluations of a unit on their way to its file: what was given to the model, what it said, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchbed.errors import AudioError, BenchbedError
from benchbed.predictions.store import UnitPredictions, own_columns
from benchbed.run.computing.shard import Shard
from benchbed.run.computing.whole import Clip, ModelInput
from benchbed.run.job.job import Job, Unit
from benchbed.suite.plan import CellPlan
from benchbed.types import Queries


@dataclass
class EvaluatedClip:
    """One clip under one condition.

    Attributes
    ----------
    clip : int
        Number in the shard.
    cell : CellPlan
        Condition and severity.
    draw : int
        Number of the random draw.
    given : ModelInput
        What the model got; once it has answered, without the audio.
    achieved : float, optional
        Measured severity.
    skipped, note : str, optional
        Why the condition did nothing here; what else is to be said.
    facts : dict
        Further columns of the row.
    reference : object, optional
        Where the condition moved it.
    """

    clip: int
    cell: CellPlan
    draw: int
    given: ModelInput
    achieved: float | None = None
    skipped: str | None = None
    note: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    reference: object = None

    @property
    def length(self) -> int:
        """Samples of the model's input."""
        return self.given.waveform.shape[1]

    @property
    def form(self) -> bool:
        """Whether that is something else than a waveform, which no batch mixes."""
        return not hasattr(self.given.waveform, "ndim")


@dataclass
class Rows:
    """Finished evaluations of a unit, the answers to them batch by batch, and what failed."""

    job: Job
    unit: Unit
    evaluations: list[EvaluatedClip] = field(default_factory=list)
    answers: list[np.ndarray] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)

    def add(self, evaluations: Sequence[EvaluatedClip], answers: np.ndarray) -> None:
        """Take in a batch, but not its audio: memory that is used again is in the processor's cache."""
        for one in evaluations:
            one.given = one.given.told()
        self.evaluations += evaluations
        self.answers.append(answers)

    def fail(self, clip_id: str, stage: str, error: BenchbedError, cell: str | None = None) -> None:
        """Count a clip as failed in one cell, or in all of the unit.

        Raises
        ------
        AudioError
            The job says to stop at the first failure.
        """
        if self.job.fail_fast:
            allow = "or allow failures with --fail-on-error N or a fraction"
            hint = f"{error.hint}; {allow}" if error.hint else allow.removeprefix("or ")
            raise AudioError(f"{stage} failed: {error.what}", where=error.where or clip_id, hint=hint)
        where = f" ({error.where})" if error.where and error.where != clip_id else ""
        for key in [cell] if cell else [c.key for c in self.unit.cells]:
            self.failures.append({"clip_id": clip_id, "cell": key, "stage": stage, "message": error.what + where})

    def assemble(self, shard: Shard, info: dict[str, object]) -> UnitPredictions:
        """The unit's file: a row for each evaluation."""
        job, evaluations = self.job, self.evaluations
        records = [shard.records[one.clip] for one in evaluations]
        clips = [clip for clip in (shard.clips[one.clip] for one in evaluations) if isinstance(clip, Clip)]
        columns: dict[str, Sequence[object] | np.ndarray] = {
            "clip_id": [row["clip_id"] for row in records],
            "cell": [one.cell.key for one in evaluations],
            "draw": [one.draw for one in evaluations],
            "group": [str(row["group"]) for row in records],
            "label": [row["label"] for row in records],
            "achieved": np.array([np.nan if e.achieved is None else e.achieved for e in evaluations], dtype=np.float64),
            "skipped": [one.skipped for one in evaluations],
            "note": [one.note for one in evaluations],
            "padded": [one.given.padded for one in evaluations],
            "cropped": [one.given.cropped for one in evaluations],
            "resampled": [one.given.resampled or clip.resampled for one, clip in zip(evaluations, clips)],
            "remixed": [one.given.remixed for one in evaluations],
            "unheard": np.array([one.given.unheard for one in evaluations], dtype=np.float64),
            "silent": [clip.silent for clip in clips],
            "peak": np.array([clip.peak for clip in clips], dtype=np.float64),
        }
        own, metadata = own_columns(job.output), list[Mapping[str, object]](records)
        for name, first in shard.records[0].items():
            # What all clips are asked alike is part of the unit's name; thousands of sentences in each row are not.
            if name not in ("clip_id", "group", "label") and not isinstance(first, Queries):
                columns[f"source_{name}" if name in own else name] = [row[name] for row in metadata]
        for name in dict.fromkeys(name for one in evaluations for name in one.facts):
            columns[name] = [one.facts.get(name) for one in evaluations]
        answers, references = job.output.join(self.answers, job.labels), None
        if job.output.moved_by:
            references = np.empty(len(evaluations), dtype=object)
            references[:] = [
                shard.placed(one.clip, clip) if one.reference is None else one.reference
                for one, clip in zip(evaluations, clips)
            ]
        return UnitPredictions(self.unit.id, job.labels, columns, answers, self.failures, info, job.task, references)
