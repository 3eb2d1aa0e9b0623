"""One run from suite and model to `result.json`: plan, reuse what is there, compute the rest, score, record.

Everything slow is content-addressed on disk before it is used, so that a run that is killed at any moment continues
where it was and ends with the same record.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbed.adapter.checkpoint import trusting
from benchbed.errors import BenchbedError, CannotMeasure, DataError
from benchbed.ourfiles import keep_known
from benchbed.predictions import index
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.index import write_index
from benchbed.predictions.store import read_header
from benchbed.results import captions, curves, directions, record, timelines
from benchbed.results import statistics as statistics_file
from benchbed.results.artefacts import naming
from benchbed.results.statistics import write_statistics
from benchbed.results.store import dumped, write_dumped
from benchbed.results.summary import write_summary
from benchbed.rng import preserved_global_state
from benchbed.run import history
from benchbed.run.attacking.subset import passes
from benchbed.run.collecting import seldom_collected
from benchbed.run.executing.choosing import executor_of
from benchbed.run.job.policy import Reuse, Tally
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.settings import Settings
from benchbed.run.journal import Journal, damaged_lines, locked
from benchbed.run.preparing.allocating import give_back
from benchbed.run.preparing.packaged import refuse_unmade
from benchbed.run.preparing.prepare import prepare
from benchbed.run.progress import Progress
from benchbed.run.recording import made_by, make_record, stored_of
from benchbed.run.scoring import thresholds
from benchbed.run.scoring.thresholds import FOLDER, choose
from benchbed.run.scoring.thresholds import write as write_thresholds
from benchbed.run.showing.drawings import write_drawings
from benchbed.run.standing import basis, resting, standing
from benchbed.run.working import UnitsOfJob, predict, stored_units
from benchbed.whole import storage_error

__all__ = ["Finished", "Prepared", "Settings", "prepare", "run"]

#: Files beside a record that it names with their digests.
ARTEFACTS = (
    *(index.NAME, statistics_file.NAME, timelines.NAME, curves.NAME, directions.NAME),
    *(captions.NAME, captions.SCORES, thresholds.FILE),
)


#: Bytes of files of predictions that stay in memory, once read, from scoring to the page.
HELD_BYTES = 2 * 2**20


@dataclass(frozen=True)
class Finished:
    """A run that is on disk."""

    path: Path
    result: record.Result
    reused: int
    over: tuple[Tally, ...] = ()
    """Cells that lost more clips than the policy allows."""
    said: tuple[str, ...] = ()
    """What a person should know, a line each: what was not computed anew, which earlier result is kept where."""
    stands: bool = False
    """Nothing has changed since the result that was there, whose figures are taken as they are."""
    basis: str | None = None
    """A digest of everything that the figures follow from, where that can be told."""
    stored: PredictionsByCell | None = None
    """The predictions, of a small run that was just scored: what was read of them need not be read again."""

    @property
    def exceeded(self) -> bool:
        """More clips failed than the policy allows."""
        return bool(self.over)


def run(prepared: Prepared, settings: Settings, options: Mapping[str, object]) -> Finished:
    """Compute what is missing, score everything, and write the record.

    Raises
    ------
    PackageError
        A condition that is to be computed is made with a package that cannot be imported here.
    CannotMeasure
        Every clip of a shard failed, a worker died, or results cannot be written. What is finished is kept.
    """
    folder = prepared.folder
    with locked(folder), trusting(settings.trust_checkpoint), preserved_global_state():
        journal = Journal(folder)
        works = [UnitsOfJob(prepared.job, prepared.units, folder / "predictions")]
        if prepared.tuning is not None:
            works.insert(0, UnitsOfJob(prepared.tuning.job, prepared.tuning.units, folder / FOLDER))
        for work in works:
            if settings.reuse is not Reuse.NEVER:
                history.recall(folder, work.stored.name, {unit.id for unit in work.units})
            work.have.update(stored_units(work.stored, work.units, settings.reuse, prepared.job.home, work.damaged))
            if work.missing and settings.reuse is Reuse.ONLY:
                raise DataError(
                    f"{len(work.missing)} of {len(work.units)} units of predictions are not stored",
                    where=str(work.stored),
                    hint="run without --reuse only",
                )
        if settings.cluster is None:  # whose machines have packages of their own
            refuse_unmade(prepared.loaded_suite, (unit.condition for unit in works[-1].missing))
        reused, reused_paths = sum(len(work.have) for work in works), frozenset(works[-1].have.values())
        place, tuned, predictions = prepared.place, (0, 0), None
        if len(works) > 1:
            tuned = len(works[0].have), len(works[0].units)
        journal.write(
            "started",
            command=settings.command,
            units=sum(len(work.units) for work in works),
            reused=reused,
            damaged=[path.name for work in works for path in work.damaged],
            diary_damaged=damaged_lines(folder),
            identity=place.identity,
            fingerprint=place.fingerprint,
            parts=dict(place.parts),
            suite=prepared.loaded_suite.hash,
        )
        began, waited, grounds = time.monotonic(), 0.0, basis(prepared, settings)
        complete = not any(work.missing for work in works)
        stood = standing(folder, settings, resting(grounds, _digests(works))) if complete else None
        if stood is None:
            executor = executor_of(settings)
            weights = {unit.id: passes(work.job, unit) for work in works for unit in work.units}
            missing = sum(weights[unit.id] for work in works for unit in work.missing)
            with Progress(sum(weights.values()), prepared.name, quiet=settings.quiet) as progress:
                progress.advance(sum(weights.values()) - missing)
                try:
                    if prepared.tuning is not None:
                        prepared = _tuned(works[0], prepared, settings, journal, progress)
                    predict(works[-1], prepared.adapters, executor, settings.workers, journal, progress)
                except BaseException as error:
                    with contextlib.suppress(CannotMeasure):  # a full disk takes no diary, and is no news by then
                        journal.write("stopped", reason=f"{type(error).__name__}: {error}")
                    raise
        paths, digests = works[-1].paths, _digests(works)
        if stood is None:
            waited = progress.waited
            give_back()
            with seldom_collected():
                stored = stored_of(prepared, paths)
                result, statistics, drawn = make_record(prepared, settings, stored, reused_paths)
            predictions = stored if sum(path.stat().st_size for path in paths) <= HELD_BYTES else None
            del stored
            give_back()
        else:
            was = stood.provenance
            now = made_by(prepared, settings, was.cpu_seconds, was.evaluations, reused_paths)
            result = stood.model_copy(update={"provenance": now})
        over = settings.errors.exceeded(_tallies(result, prepared))
        try:
            kept = history.keep(folder, {path.stem for path in paths}, FOLDER)
            if stood is None:
                # First the sums, then the record: a record never stands beside the sums or drawings of an older one.
                write_statistics(statistics, folder)
                write_drawings(drawn, folder)
                write_thresholds(prepared.frozen, folder)
                write_index({path.stem: digests[path.stem] for path in paths}, folder)
                del statistics, drawn
            # The record is read back as it is written, which would take its memory twice.
            data = dumped(naming(result, folder, ARTEFACTS))
            del result
            result = write_dumped(data, folder / "result.json")
            del data
            write_summary(result, folder / "result.json")
        except OSError as error:
            raise storage_error(error, folder) from error
        # A run on some clips leaves the predictions of a run on all of them where they are.
        if settings.limit is None:
            for work in works:
                _prune(work.stored, {path.name for path in work.paths})
            if prepared.tuning is None:
                _prune(folder / FOLDER, set())
        for left in folder.glob(".*.part"):  # of a run that was killed; nobody else writes here now
            left.unlink(missing_ok=True)
        keep_known()
        rests = resting(grounds, digests)
        journal.write(
            "finished",
            seconds=round(time.monotonic() - began - waited, 3),
            failures=len(result.failures),
            record=result.digest,
            basis=rests,
        )
    said = _reused(prepared.name, result.provenance, tuned)
    if damaged := [path for work in works for path in work.damaged]:
        several = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        said.append(f"{prepared.name}: {damaged[0]}{several} was not as it was written, and was computed anew")
    if kept is not None and kept.is_dir():
        said.append(f"{prepared.name}: the earlier result is kept in {kept}")
    return Finished(
        folder / "result.json", result, reused, tuple(over), tuple(said), stood is not None, rests, predictions
    )


def _digests(works: Sequence[UnitsOfJob]) -> dict[str, str]:
    """Name of each unit that is there → digest of its content."""
    return {path.stem: (read_header(path) or {}).get("digest", "") for work in works for path in work.have.values()}


def _tallies(result: record.Result, prepared: Prepared) -> list[Tally]:
    """Clips that each cell lost; the clips that thresholds are chosen on are a cell of their own."""
    found = [Tally(cell.key, cell.counts.failed, cell.counts.clips) for cell in result.cells]
    known = {tally.cell for tally in found}
    if prepared.tuning is not None:
        lost = {failure.clip_id for failure in result.failures if failure.cell not in known}
        clips = len(prepared.tuning.job.clips[prepared.tuning.split])
        found.append(Tally(f"{prepared.tuning.split} (thresholds)", len(lost), clips))
    return found


def _tuned(
    work: UnitsOfJob,
    prepared: Prepared,
    settings: Settings,
    journal: Journal,
    progress: Progress,
) -> Prepared:
    """The run with the thresholds that are best on its tuning clips."""
    assert prepared.tuning is not None
    try:
        predict(work, prepared.adapters, executor_of(settings), settings.workers, journal, progress)
    except BenchbedError as error:
        cure = "or keep fixed thresholds: --set suite.post_processing.tune=null"
        what = f"thresholds cannot be chosen on '{prepared.tuning.split}': {error.what}"
        raise type(error)(what, where=error.where, hint=f"{error.hint}; {cure}" if error.hint else cure) from error
    return prepared.with_thresholds(choose(prepared, work.paths, prepared.name))


def _prune(folder: Path, keep: set[str]) -> None:
    for path in (*folder.glob("*.parquet"), *folder.glob(".*.part")):
        if path.name not in keep:
            path.unlink(missing_ok=True)


def _reused(name: str, made: record.Provenance, tuning: tuple[int, int]) -> list[str]:
    """How many of how many predictions were there already; of those that thresholds are chosen by, how many units."""
    parts = []
    if made.reused_units:
        units = f"{made.reused_units:,} of {made.units:,} units"
        parts.append(f"{made.reused:,} of {made.evaluations:,} predictions ({units})")
    if tuning[0]:
        parts.append(f"{tuning[0]:,} of {tuning[1]:,} units of those that thresholds are chosen by")
    if not parts:
        return []
    how = "some of them may be of other code" if made.reuse in (Reuse.ALWAYS, Reuse.ONLY) else "same model, same code"
    return [f"{name}: reused {' and '.join(parts)}: {how}"]
