"""The units of one job: which are there already, and computing the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import unchanged
from benchbed.errors import CannotMeasure
from benchbed.predictions.store import read_header
from benchbed.protocols import Executes
from benchbed.run.attacking.subset import passes
from benchbed.run.executing.local import Done
from benchbed.run.job.job import Job, Unit
from benchbed.run.job.policy import Reuse
from benchbed.run.journal import Journal
from benchbed.run.progress import Progress

#: A run whose first so many predictions all failed is stopped: the rest would fail too.
ALL_FAILED = 64


@dataclass
class UnitsOfJob:
    """Units of one job, and the files of those that are done."""

    job: Job
    units: Sequence[Unit]
    stored: Path
    have: dict[str, Path] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)
    """Files that were there and are not as they were written."""

    @property
    def missing(self) -> list[Unit]:
        """Units without a file, in their order."""
        return [unit for unit in self.units if unit.id not in self.have]

    @property
    def paths(self) -> list[Path]:
        """Files of all units, in their order."""
        return [self.have[unit.id] for unit in self.units]


def predict(
    work: UnitsOfJob,
    adapters: Mapping[str, Adapter],
    executor: Executes[Job, Unit, Adapter, Done],
    workers: int,
    journal: Journal,
    progress: Progress,
) -> None:
    """Compute what is missing of a job.

    Raises
    ------
    CannotMeasure
        Every prediction so far failed, a worker died, or results cannot be written. What is finished is kept.
    """
    failed = computed = 0
    for done in executor(work.job, work.missing, work.stored, adapters, workers):
        journal.write(
            "unit",
            id=done.unit.id,
            split=done.unit.split,
            shard=done.unit.shard,
            cells=[cell.key for cell in done.unit.cells],
            failures=done.failures,
            cpu_seconds=round(done.cpu_seconds, 4),
        )
        work.have[done.unit.id] = work.stored / f"{done.unit.id}.parquet"
        failed += done.failures
        progress.advance(passes(work.job, done.unit))
        computed += done.unit.evaluations
        if failed == computed and failed >= ALL_FAILED:
            raise _all_failed(work.have[done.unit.id])


def stored_units(
    folder: Path, units: Sequence[Unit], reuse: Reuse, home: Path, damaged: list[Path] | None = None
) -> dict[str, Path]:
    """Units whose predictions are on disk and may be used; those that are not as they were written go to `damaged`."""
    if reuse is Reuse.NEVER or not folder.is_dir():
        return {}
    fitting: dict[str, Path] = {}
    loose = {unit.loose: unit.id for unit in units} if reuse in (Reuse.ALWAYS, Reuse.ONLY) else {}
    wanted = {unit.id for unit in units}
    for path in sorted(folder.glob("*.parquet")):
        if path.stem not in wanted and not loose:
            continue
        header = read_header(path)
        if header is None and damaged is not None and path.stem in wanted:
            damaged.append(path)
        # What the model read only while it predicted was not known when the unit got its name.
        if header is None or not unchanged(header["info"].get("read", {}), home):
            continue
        if path.stem in wanted:
            fitting[path.stem] = path
        elif (other := loose.get(header["info"].get("loose", ""))) is not None:
            fitting.setdefault(other, path)
    return fitting


def _all_failed(path: Path) -> CannotMeasure:
    first = (read_header(path) or {"failures": [{}]})["failures"][0]
    return CannotMeasure(
        f"every prediction so far failed, the last one with: {first.get('message')}",
        where=first.get("clip_id"),
        hint="run `benchbed check` on the adapter, `benchbed data check` on the data",
    )
