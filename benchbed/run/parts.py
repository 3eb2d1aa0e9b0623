"""A run in parts: units computed apart, by jobs of an array or a matrix that never meet, and put together afterwards.

A part is a folder of units with a sealed `part.json` that says which run they belong to and what was asked. Which units
a part takes follows from the units alone, so that no part has to know of another. Merging reads whatever parts it is
given, in any order, and gives one mapping from unit to file; it refuses parts of different runs, and a run that lacks
some, and computes no prediction.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.digests import digest_of
from benchbed.errors import ConfigError, DamagedError, DataError
from benchbed.predictions.store import read_header, read_units
from benchbed.rng import preserved_global_state
from benchbed.run.attacking.subset import passes
from benchbed.run.executing.choosing import executor_of
from benchbed.run.executing.placing import RunPart
from benchbed.run.job.job import Unit
from benchbed.run.job.policy import Reuse
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.settings import Settings
from benchbed.run.journal import Journal, locked
from benchbed.run.preparing.packaged import refuse_unmade
from benchbed.run.progress import Progress
from benchbed.run.scoring.thresholds import FOLDER
from benchbed.run.working import UnitsOfJob, predict, stored_units
from benchbed.seal import seal, unseal
from benchbed.whole import storage_error

#: Name of the file that makes a folder a part.
NAME = "part.json"
#: Version of the file layout.
FORMAT = 1
_AGAIN = "compute the part again: the same command with the same --shard"


def run_key(prepared: Prepared, asked: Mapping[str, object]) -> str:
    """What parts of one run have in common: the suite, the model with the name it was given, and every unit of the run.

    Who the model is has no part in it: that looks at where the folder of runs lies, and parts are merged anywhere.
    """
    tuning = [unit.id for unit in prepared.tuning.units] if prepared.tuning is not None else []
    units = [unit.id for unit in prepared.units]
    return digest_of([prepared.loaded_suite.hash, asked.get("name"), prepared.place.fingerprint, units, tuning])


def compute_part(prepared: Prepared, settings: Settings, part: RunPart, asked: Mapping[str, object]) -> Path:
    """Compute the units of one part and write its `part.json`; nothing is scored.

    Parameters
    ----------
    prepared : Prepared
        The run.
    settings : Settings
    part : RunPart
        Which part.
    asked : mapping
        Suite, model, options and settings as they were given, from which the run is prepared again when parts are
        merged; plain JSON.

    Returns
    -------
    Path
        The `part.json`.

    Raises
    ------
    CannotMeasure
        As a run does; what is finished is kept, and the same command continues.
    """
    shelf = prepared.folder.with_name(f"{prepared.folder.name}.parts")
    folder = shelf / f"{part.number}-of-{part.of}-{prepared.place.fingerprint[:8]}"
    with locked(folder), trusting(settings.trust_checkpoint), preserved_global_state():
        journal = Journal(folder)
        works = [UnitsOfJob(prepared.job, part.of_units(prepared.job, prepared.units), folder / "predictions")]
        if prepared.tuning is not None:
            job = prepared.tuning.job
            works.insert(0, UnitsOfJob(job, part.of_units(job, prepared.tuning.units), folder / FOLDER))
        for work in works:
            work.have.update(stored_units(work.stored, work.units, settings.reuse, prepared.job.home))
            if work.missing and settings.reuse is Reuse.ONLY:
                raise ConfigError(f"--reuse only: {len(work.missing)} units of part {part} are not stored")
        if settings.cluster is None:
            refuse_unmade(prepared.loaded_suite, (unit.condition for unit in works[-1].missing))
        journal.write("started", command=settings.command, part=str(part), suite=prepared.loaded_suite.hash)
        weights = {unit.id: passes(work.job, unit) for work in works for unit in work.units}
        with Progress(sum(weights.values()), f"{prepared.name} {part}", quiet=settings.quiet) as progress:
            progress.advance(sum(weights[one] for work in works for one in work.have))
            for work in works:
                predict(work, prepared.adapters, executor_of(settings), settings.workers, journal, progress)
        content = {
            "format": FORMAT,
            "part": [part.number, part.of],
            "run": run_key(prepared, asked),
            "suite": prepared.loaded_suite.suite.name,
            "model": prepared.name,
            "asked": dict(asked),
            "wanted": {place: [unit.id for unit in units] for place, units in _wanted(prepared).items()},
            "units": {
                work.stored.name: {path.stem: (read_header(path) or {}).get("digest", "") for path in work.paths}
                for work in works
            },
        }
        path = folder / NAME
        try:
            partial = folder / f".{NAME}.part"
            partial.write_text(seal(json.dumps(content, indent=0, default=str)), encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            raise storage_error(error, folder) from error
        journal.write("finished", units=sum(len(work.units) for work in works))
    return path


def _wanted(prepared: Prepared) -> dict[str, Sequence[Unit]]:
    wanted: dict[str, Sequence[Unit]] = {"predictions": prepared.units}
    if prepared.tuning is not None:
        wanted[FOLDER] = prepared.tuning.units
    return wanted


@dataclass(frozen=True)
class Gathered:
    """Parts of one run that are all there.

    Attributes
    ----------
    run : str
        Their `run_key`.
    suite, model : str
        What they are about, for messages.
    asked : mapping
        What was asked, as `compute_part` was told.
    files : mapping
        Folder of units → id → file.
    parts : tuple of str
        Which parts they are.
    """

    run: str
    suite: str
    model: str
    asked: Mapping[str, object]
    files: Mapping[str, Mapping[str, Path]]
    parts: tuple[str, ...]


def gather(places: Iterable[Path]) -> list[Gathered]:
    """The runs that some parts make up: a function of the parts as a set, of no order.

    Parameters
    ----------
    places : iterable of Path
        Folders of parts, their `part.json`, or folders that hold them.

    Returns
    -------
    list of Gathered
        By suite and model.

    Raises
    ------
    ConfigError
        No parts there.
    DataError
        Units of a run are in none of its parts, or two parts have different answers of one unit.
    DamagedError
        A file is missing or not as it was written.
    """
    manifests: dict[str, dict[Path, dict]] = {}
    for path in sorted({path.resolve() for place in places for path in _manifests(place)}):
        content, _ = unseal(path.read_bytes(), path, again=_AGAIN)
        if content.get("format") != FORMAT:
            raise ConfigError(f"format {content.get('format')} of parts is not known", where=str(path))
        manifests.setdefault(str(content["run"]), {})[path.parent] = content
    runs = [_gathered(key, parts) for key, parts in manifests.items()]
    return sorted(runs, key=lambda one: (one.suite, one.model, one.run))


def _manifests(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    listed = sorted(place.rglob(NAME)) if place.is_dir() else []
    if not listed:
        raise ConfigError(f"no part of a run here (no {NAME})", where=str(place), hint="what `run --shard i/n` printed")
    return listed


def _gathered(run: str, parts: Mapping[Path, dict]) -> Gathered:
    # What was asked is the same but for the part itself; of equal parts, the first by its content.
    first = min(parts.values(), key=lambda one: (one["part"], json.dumps(one["asked"], sort_keys=True)))
    files: dict[str, dict[str, Path]] = {}
    for place, wanted in first["wanted"].items():
        candidates: dict[str, dict[str, Path]] = {unit: {} for unit in wanted}
        for folder, content in parts.items():
            for unit, digest in content["units"].get(place, {}).items():
                candidates.setdefault(unit, {}).setdefault(digest, folder / place / f"{unit}.parquet")
        lacking = [unit for unit, copies in candidates.items() if not copies]
        if lacking:
            raise DataError(
                f"{len(lacking)} of {len(wanted)} units of {first['model']} on {first['suite']} are in no part: "
                f"{_lacking(parts.values())}",
                where=str(next(iter(parts))),
                hint="give all parts, or compute those that are missing",
            )
        files[place] = {unit: _one_of(unit, copies) for unit, copies in candidates.items()}
    numbers = sorted(tuple(one["part"]) for one in parts.values())
    listed = tuple(dict.fromkeys(f"{number}/{of}" for number, of in numbers))
    return Gathered(run, first["suite"], first["model"], first["asked"], files, listed)


def _lacking(parts: Iterable[Mapping]) -> str:
    """Which parts were given, and which of their kind were not."""
    numbers: dict[int, set[int]] = {}
    for one in parts:
        numbers.setdefault(one["part"][1], set()).add(one["part"][0])
    told = []
    for of, given in sorted(numbers.items()):
        missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in given]
        given_text = ", ".join(f"{number}/{of}" for number in sorted(given))
        told.append(f"given {given_text}; without {', '.join(missing[:8])}" if missing else f"given {given_text}")
    return "; ".join(told)


def _one_of(unit: str, copies: Mapping[str, Path]) -> Path:
    """One file of a unit that was computed once or several times, always the same one whatever the order."""
    listed = [copies[digest] for digest in sorted(copies)]
    for digest, path in copies.items():
        if (read_header(path) or {}).get("digest") != digest:
            raise DamagedError("a unit is missing or not as it was written", where=str(path), hint=_AGAIN)
    first = read_units(listed[:1])
    for path in listed[1:]:
        other = read_units([path])
        same = first.table.equals(other.table) and first.failures == other.failures
        if not same or not _same(first.scores, other.scores):
            raise DataError(
                f"two parts have different answers of the unit {unit}",
                where=f"{listed[0]} and {path}",
                hint="they were made on different backends, or the model draws at random; take parts of one of them",
            )
    return listed[0]


def _same(one: object, other: object) -> bool:
    import numpy as np

    a, b = np.asarray(one), np.asarray(other)
    if a.dtype == object:
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a.tolist(), b.tolist()))
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def put(gathered: Gathered, prepared: Prepared) -> None:
    """Copy the units of merged parts into the folder of their run, where `session.run` finds them.

    Raises
    ------
    DataError
        What is prepared is another run than the parts are of.
    CannotMeasure
        The folder cannot be written.
    """
    if run_key(prepared, gathered.asked) != gathered.run:
        units = {unit.id for listed in _wanted(prepared).values() for unit in listed}
        theirs = {unit for listed in gathered.files.values() for unit in listed}
        raise DataError(
            f"the parts of {gathered.model} on {gathered.suite} are of another run than suite, model and data give "
            f"here: {len(units & theirs)} of {len(units)} units are the same",
            where=str(prepared.folder),
            hint="merge with the same files, options, data, and versions of packages that the parts were made with",
        )
    with locked(prepared.folder):
        for place, files in gathered.files.items():
            folder = prepared.folder / place
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for unit, path in files.items():
                    partial = folder / f".{unit}.{os.getpid()}.part"
                    shutil.copyfile(path, partial)
                    os.replace(partial, folder / f"{unit}.parquet")
            except OSError as error:
                raise storage_error(error, folder) from error
