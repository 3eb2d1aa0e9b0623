"""One run from suite and model to `result.json`: plan, reuse what is there, compute the rest, score, record.

Everything slow is content-addressed on disk before it is used, so that a run that is killed at any moment continues
where it was and ends with the same record.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchbed.adapter.checkpoint import trusting
from benchbed.errors import CannotMeasure, DataError
from benchbed.predictions.store import read_header, storage_error
from benchbed.results import record
from benchbed.results.statistics import write_statistics
from benchbed.results.store import write as write_result
from benchbed.run.drawings import write_drawings
from benchbed.run.job import Unit
from benchbed.run.journal import Journal, locked
from benchbed.run.local import execute
from benchbed.run.naming import display_name
from benchbed.run.policy import Reuse
from benchbed.run.prepare import Prepared, Settings, prepare
from benchbed.run.progress import Progress
from benchbed.run.recording import make_record

__all__ = ["Finished", "Prepared", "Settings", "prepare", "run"]

#: A run whose first so many predictions all failed is stopped: the rest would fail too.
ALL_FAILED = 64


@dataclass(frozen=True)
class Finished:
    """A run that is on disk."""

    path: Path
    result: record.Result
    reused: int
    exceeded: bool


def run(prepared: Prepared, settings: Settings, options: Mapping[str, Any]) -> Finished:
    """Compute what is missing, score everything, and write the record.

    Raises
    ------
    CannotMeasure
        Every clip of a shard failed, a worker died, or results cannot be written. What is finished is kept.
    """
    folder = prepared.folder
    with locked(folder), trusting(settings.trust_checkpoint):
        journal = Journal(folder)
        stored = folder / "predictions"
        have = _stored(stored, prepared.units, settings.reuse)
        missing = [unit for unit in prepared.units if unit.id not in have]
        if missing and settings.reuse is Reuse.ONLY:
            raise DataError(
                f"{len(missing)} of {len(prepared.units)} units of predictions are not stored",
                where=str(stored),
                hint="run without --reuse only",
            )
        journal.write("started", command=settings.command, units=len(prepared.units), reused=len(have))
        began = time.monotonic()
        total = sum(unit.evaluations for unit in prepared.units)
        failed = computed = 0
        with Progress(total, display_name(prepared.adapter.card.name, options), quiet=settings.quiet) as progress:
            progress.advance(total - sum(unit.evaluations for unit in missing))
            try:
                for done in execute(prepared.job, missing, stored, prepared.adapters, settings.workers):
                    journal.write("unit", id=done.unit.id, split=done.unit.split, shard=done.unit.shard,
                                  cells=[cell.key for cell in done.unit.cells], failures=done.failures,
                                  cpu_seconds=round(done.cpu_seconds, 4))  # fmt: skip
                    have[done.unit.id] = stored / f"{done.unit.id}.parquet"
                    failed += done.failures
                    progress.advance(done.unit.evaluations)
                    computed += done.unit.evaluations
                    if failed == computed and failed >= ALL_FAILED:
                        raise _all_failed(have[done.unit.id])
            except BaseException as error:
                journal.write("stopped", reason=f"{type(error).__name__}: {error}")
                raise
        paths = [have[unit.id] for unit in prepared.units]
        result, statistics, drawn = make_record(prepared, settings, options, paths)
        exceeded = settings.errors.exceeded(len(result.failures), total)
        _keep_history(folder)
        try:
            # First the sums, then the record: a record never stands beside the sums or drawings of an older one.
            write_statistics(statistics, folder)
            write_drawings(drawn, folder)
            write_result(result, folder / "result.json")
        except OSError as error:
            raise storage_error(error, folder) from error
        _prune(stored, {path.name for path in paths})
        journal.write("finished", seconds=round(time.monotonic() - began, 3), failures=len(result.failures))
    return Finished(folder / "result.json", result, len(prepared.units) - len(missing), exceeded)


def _stored(folder: Path, units: Sequence[Unit], reuse: Reuse) -> dict[str, Path]:
    """Units whose predictions are on disk and may be used."""
    if reuse is Reuse.NEVER or not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    loose = {unit.loose: unit.id for unit in units} if reuse in (Reuse.ALWAYS, Reuse.ONLY) else {}
    wanted = {unit.id for unit in units}
    for path in sorted(folder.glob("*.parquet")):
        if path.stem in wanted:
            if read_header(path) is not None:
                found[path.stem] = path
        elif loose:
            header = read_header(path)
            other = loose.get((header or {}).get("info", {}).get("loose", ""))
            if other is not None:
                found.setdefault(other, path)
    return found


def _prune(folder: Path, keep: set[str]) -> None:
    for path in (*folder.glob("*.parquet"), *folder.glob(".*.part")):
        if path.name not in keep:
            path.unlink(missing_ok=True)


def _keep_history(folder: Path) -> None:
    """An earlier record of this folder is moved to `history/`, never overwritten."""
    old = folder / "result.json"
    if old.exists():
        stamp = datetime.fromtimestamp(old.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S%f")
        (folder / "history").mkdir(exist_ok=True)
        old.replace(folder / "history" / f"{stamp}.json")


def _all_failed(path: Path) -> CannotMeasure:
    first = (read_header(path) or {"failures": [{}]})["failures"][0]
    return CannotMeasure(f"every prediction so far failed, the last one with: {first.get('message')}",
                         where=first.get("clip_id"), hint="run `benchbed check` on the adapter, `benchbed data check` "
                         "on the data")  # fmt: skip
