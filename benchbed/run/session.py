"""One run from suite and model to `result.json`: plan, reuse what is there, compute the rest, score, record.

Everything slow is content-addressed on disk before it is used, so that a run that is killed at any moment continues
where it was and ends with the same record.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchbed import rng
from benchbed.adapter.align import plan_alignment
from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.data.index import hash_files as hash_clips
from benchbed.data.index import index_hash
from benchbed.data.synthetic import cache_folder
from benchbed.errors import CannotMeasure, ConfigError, DataError
from benchbed.predictions.store import read_header, read_units, storage_error
from benchbed.provenance import code_hash, git_state, hash_files, machine, versions
from benchbed.results import record
from benchbed.results.statistics import Statistics, write_statistics
from benchbed.results.store import write as write_result
from benchbed.run.engine import mapped_card
from benchbed.run.job import Job, Unit, options_for
from benchbed.run.journal import Journal, locked
from benchbed.run.local import execute
from benchbed.run.naming import display_name, folder_name
from benchbed.run.policy import ErrorPolicy, Reuse
from benchbed.run.progress import Progress
from benchbed.run.score import Scoring, metric_family, score_cells
from benchbed.run.source import Source, open_source, scored_clips
from benchbed.run.timed import Timed, timed_references
from benchbed.run.units import cut
from benchbed.suite.load import LoadedSuite
from benchbed.suite.model import CorruptionCondition
from benchbed.suite.plan import CellPlan, plan_cells

#: A run whose first so many predictions all failed is stopped: the rest would fail too.
ALL_FAILED = 64


@dataclass(frozen=True)
class Settings:
    """Everything a run can be told besides suite and model; see `benchbed run --help`."""

    out: Path = Path("runs")
    data: Mapping[str, Path] = field(default_factory=dict)
    allow_synthetic: bool = True
    device: str = "auto"
    batch_size: int = 16
    workers: int = 1
    threads: int = 1
    limit: int | None = None
    reuse: Reuse = Reuse.MISSING
    errors: ErrorPolicy = field(default_factory=lambda: ErrorPolicy(fraction=0.01))
    seed: int = 0
    trust_checkpoint: bool = False
    quiet: bool = False
    command: str = ""


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to start: everything checked, nothing computed."""

    loaded_suite: LoadedSuite
    source: Source
    loaded_adapter: LoadedAdapter
    adapters: Mapping[str, Adapter]
    job: Job
    cells: list[CellPlan]
    units: list[Unit]
    index_hash: str
    seconds: float
    weights: dict[str, str]
    folder: Path

    @property
    def adapter(self) -> Adapter:
        """The model; of several folds' models, the first."""
        return next(iter(self.adapters.values()))


@dataclass(frozen=True)
class Finished:
    """A run that is on disk."""

    path: Path
    result: record.Result
    reused: int
    exceeded: bool


def prepare(loaded_suite: LoadedSuite, spec: str, options: Mapping[str, Any], settings: Settings) -> Prepared:
    """Open data and model, check that they fit the suite, and cut the run into units.

    Raises
    ------
    BenchbedError
        Whatever does not fit, before anything is computed.
    """
    suite = loaded_suite.suite
    source = open_source(loaded_suite, settings.data, allow_synthetic=settings.allow_synthetic)
    with trusting(settings.trust_checkpoint):
        device = _device(settings.device)
        models = _models(spec, options, suite.data.splits, device, [loaded_suite.path.parent])
    loaded, adapter = models[suite.data.splits[0]]
    card = adapter.card
    for _, each in models.values():
        plan_alignment(mapped_card(each.card, suite.label_map), source.dataset.labels, suite.task)
    side = _side(loaded_suite, adapter, source)
    facts = _corruption_facts(loaded_suite, source)
    metric_family(loaded_suite, source.dataset.labels)
    clips, pools = scored_clips(loaded_suite, source.dataset, settings.limit)
    job = Job(
        recipe=(loaded.locator, dict(options)),
        device=device,
        dataset=source.dataset.name,
        root=source.dataset.root,
        labels=source.dataset.labels,
        label_map=suite.label_map,
        clips=clips,
        pools=pools,
        conditions=suite.conditions,
        facts=facts,
        audio_rate=suite.audio.sample_rate,
        side=side,
        batch_size=settings.batch_size,
        threads=settings.threads,
        seed=settings.seed,
        fail_fast=settings.errors.fail_fast,
        trust_checkpoint=settings.trust_checkpoint,
        task=suite.task,
        timed=_timed(loaded_suite, source, clips),
    )
    import pandas as pd

    scored = pd.concat(list(clips.values())).drop_duplicates("clip_id")
    known, unreadable = hash_clips(source.dataset.root, scored["path"].unique().tolist(), cache_folder() / "index")
    # A file that cannot be read is a failure of its clips when they are decoded; here it only needs a name.
    known |= dict.fromkeys(unreadable, "unreadable")
    weights: dict[str, str] = {}
    identity: dict[str, dict[str, Any]] = {}
    for split, (model, each) in models.items():
        hashes = {Path(path).name: hash_files([Path(path)]) for path in each.weights()}
        several = len({id(other) for _, other in models.values()}) > 1
        weights |= {f"{split}/{name}" if several else name: value for name, value in hashes.items()}
        identity[split] = {"source": model.source_hash, "weights": hashes, "options": model.options,
                           "card": repr(each.card)}  # fmt: skip
    cells = plan_cells(suite)
    seconds = {split: _seconds(source, table) for split, table in clips.items()}
    units = cut(job, cells, seconds, known, identity)
    folder = settings.out / suite.name / folder_name(card.name, options)
    adapters = {split: each for split, (_, each) in models.items()}
    return Prepared(loaded_suite, source, loaded, adapters, job, cells, units, index_hash(scored, known),
                    sum(seconds.values()), weights, folder)  # fmt: skip


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
        result, statistics = _record(prepared, settings, options, paths)
        exceeded = settings.errors.exceeded(len(result.failures), total)
        _keep_history(folder)
        try:
            # First the sums, then the record: a record never stands beside the sums of an older one.
            write_statistics(statistics, folder)
            write_result(result, folder / "result.json")
        except OSError as error:
            raise storage_error(error, folder) from error
        _prune(stored, {path.name for path in paths})
        journal.write("finished", seconds=round(time.monotonic() - began, 3), failures=len(result.failures))
    return Finished(folder / "result.json", result, len(prepared.units) - len(missing), exceeded)


def _models(
    spec: str, options: Mapping[str, Any], splits: Sequence[str], device: str, search: Sequence[Path]
) -> dict[str, tuple[LoadedAdapter, Adapter]]:
    """The model of every split; one for all unless an option says `{split}`."""
    found: dict[str, tuple[LoadedAdapter, Adapter]] = {}
    by_options: dict[str, tuple[LoadedAdapter, Adapter]] = {}
    for split in splits:
        chosen = options_for(options, split)
        if repr(chosen) not in by_options:
            loaded = load_adapter(spec, chosen, search=search)
            by_options[repr(chosen)] = loaded, start(loaded, device)
        found[split] = by_options[repr(chosen)]
    return found


def _device(wanted: str) -> str:
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("--device cuda: this machine has no CUDA device that torch can use", hint="use --device cpu")
    try:
        torch.device(wanted)
    except RuntimeError as error:
        raise ConfigError(f"--device {wanted}: not a device", hint="auto, cpu, cuda, cuda:1") from error
    return wanted


def _timed(loaded: LoadedSuite, source: Source, clips: Mapping[str, Any]) -> dict[str, Timed]:
    """Reference events of the scored clips, for a frames task."""
    events = source.dataset.events
    if loaded.suite.task != "frames" or events is None:
        return {}
    wanted = {clip for table in clips.values() for clip in table["clip_id"]}
    return timed_references(events[events["clip_id"].isin(wanted)], source.dataset.labels)


def _seconds(source: Source, table: Any) -> float:
    """Audio in a clip table; files whose index has no duration are asked for theirs."""
    from benchbed import audio
    from benchbed.errors import AudioError

    known = table["duration"].to_numpy(dtype=float)
    total = float(known[known == known].sum())
    for path in table["path"][known != known].unique():
        try:
            total += audio.info(source.dataset.root / path).seconds
        except AudioError:
            continue  # counted as a failure when it is decoded
    return total


def _side(loaded: LoadedSuite, adapter: Adapter, source: Source) -> tuple[str, ...]:
    suite, wanted = loaded.suite, adapter.card.side_information
    replays = getattr(adapter, "replays", False)
    for name in wanted:
        if name == "clip_id" and replays:
            if any(isinstance(c, CorruptionCondition) for c in suite.conditions):
                raise ConfigError(
                    f"{adapter.card.name} replays stored predictions and cannot hear a perturbation",
                    where=loaded.where("conditions"),
                    hint="use a suite with the clean condition only",
                )
        elif name not in suite.audio.side_information:
            raise ConfigError(
                f"{adapter.card.name} asks for the metadata column '{name}', the suite does not give it",
                where=loaded.where("audio"),
                hint=f"audio.side_information: [{name}]",
            )
        elif name not in source.dataset.clips.columns:
            raise ConfigError(
                f"{adapter.card.name} asks for '{name}', dataset {source.dataset.name} has no such column",
                where=loaded.where("audio"),
            )
    return tuple(wanted)


def _corruption_facts(loaded: LoadedSuite, source: Source) -> tuple[dict[str, Any], ...]:
    """Check every corruption and its options once; facts per condition, e.g. the digest of a folder of noises."""
    from benchbed.perturb import resolve
    from benchbed.perturb.contract import Context

    def clips(random: Any, count: int) -> list[Any]:
        return []  # the engine hands over the real ones; here it only matters that there are some

    devices = clips if "device" in source.dataset.clips else None
    found: list[dict[str, Any]] = []
    for index, condition in enumerate(loaded.suite.conditions):
        if not isinstance(condition, CorruptionCondition):
            found.append({})
            continue
        context = Context(source.dataset.name, condition.options, clips, {}, devices)
        try:
            corruption = resolve(condition.corruption, condition.parameters, condition.options)
            found.append(dict(corruption.configure(context)))
        except ConfigError as error:
            where = loaded.where("conditions", index)
            if error.where:
                where = f"{error.where}, asked for at {where}"
            raise ConfigError(error.what, where=where, hint=error.hint) from error
        worst = max(condition.severities)
        if worst > len(corruption.parameters):
            raise ConfigError(f"{condition.corruption} has {len(corruption.parameters)} severities, {worst} is asked",
                              where=loaded.where("conditions", index, "severities"))  # fmt: skip
    return tuple(found)


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


def _record(
    prepared: Prepared, settings: Settings, options: Mapping[str, Any], paths: Sequence[Path]
) -> tuple[record.Result, Statistics]:
    suite, dataset, card = prepared.loaded_suite.suite, prepared.source.dataset, prepared.adapter.card
    predictions = read_units(paths)
    headers = [read_header(path) or {} for path in paths]
    cpu = sum(header.get("info", {}).get("cpu_seconds", 0.0) for header in headers)
    scoring: Scoring = score_cells(prepared, predictions, settings.seed)
    profile, compliance_scores, compliance_checks = _profile(prepared, cpu, len(predictions.scores))
    source = prepared.loaded_adapter.source
    groups = {g for table in prepared.job.clips.values() for g in table["group"].astype(str)}
    made = record.Result(
        suite=record.Suite(
            name=suite.name,
            title=suite.title or suite.name,
            version=suite.version,
            hash=prepared.loaded_suite.hash,
            protocol=rng.PROTOCOL,
            overrides=prepared.loaded_suite.overrides,
            definition=suite.model_dump(mode="json"),
        ),
        model=record.Model(
            name=display_name(card.name, options),
            family=card.family,
            adapter=prepared.loaded_adapter.spec,
            adapter_hash=prepared.loaded_adapter.source_hash,
            weights=prepared.weights,
            options=prepared.loaded_adapter.options,
            output=card.output,
            sample_rate=card.sample_rate,
            labels=list(card.labels),
            alignment=plan_alignment(mapped_card(card, suite.label_map), dataset.labels, suite.task).describe(),
            trained_on=list(card.trained_on),
            trained_with=list(card.trained_with),
            licence=card.licence,
            citation=card.citation,
            description=card.description,
        ),
        dataset=record.Dataset(
            name=dataset.name,
            layout=prepared.source.layout,
            synthetic=dataset.synthetic,
            version=dataset.version,
            index_hash=prepared.index_hash,
            labels=list(dataset.labels),
            clips=sum(len(table) for table in prepared.job.clips.values()),
            groups=len(groups),
            seconds=round(prepared.seconds, 3),
            licence=dataset.licence,
            citation=dataset.citation,
            limit=settings.limit,
            notes=list(dataset.notes),
        ),
        provenance=record.Provenance(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=settings.command,
            code=code_hash("."),
            versions=versions(),
            machine=machine(),
            git=git_state(source) if source else None,
            seed=settings.seed,
            device=prepared.job.device,
            batch_size=settings.batch_size,
            threads=settings.threads,
            workers=settings.workers,
            reuse=str(settings.reuse),
            units=len(prepared.units),
            evaluations=len(predictions.scores),
            cpu_seconds=round(cpu, 3),
        ),
        checks=[*scoring.checks, *compliance_checks],
        profile=profile,
        primary=scoring.primary,
        scores={**scoring.scores, **compliance_scores},
        cells=scoring.cells,
        failures=scoring.failures,
    )
    return made, scoring.statistics


def _profile(
    prepared: Prepared, cpu_seconds: float, evaluations: int
) -> tuple[dict[str, Any], dict[str, record.Value], list[record.Check]]:
    from benchbed.run.complexity import complexity

    suite = prepared.loaded_suite.suite
    if not suite.profile and suite.compliance is None:
        return {}, {}, []
    return complexity(prepared.adapter, prepared.loaded_suite, prepared, cpu_seconds=cpu_seconds,
                      evaluations=evaluations)  # fmt: skip
