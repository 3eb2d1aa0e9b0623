"""Everything about a run that can be known and refused before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchbed.adapter.align import beside, plan_alignment, refuse_output
from benchbed.adapter.cardwords import impossible
from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.adapter.options import choices
from benchbed.cache import cache_folder
from benchbed.data.index import hash_files as hash_clips
from benchbed.data.index import index_hash
from benchbed.errors import AdapterError, ConfigError
from benchbed.provenance import hash_files
from benchbed.rng import preserved_global_state
from benchbed.run.computing.perturbed import mapped_card
from benchbed.run.computing.windows import Timed, timed_references
from benchbed.run.job.job import Job, Unit, options_for
from benchbed.run.job.naming import display_name, folder_name
from benchbed.run.job.policy import ErrorPolicy, Reuse
from benchbed.run.preparing.named import check_names
from benchbed.run.preparing.source import Source, open_source, scored_clips
from benchbed.run.preparing.units import cut
from benchbed.run.scoring.families import metric_family
from benchbed.run.scoring.thresholds import Frozen, Tuning, families, read_frozen, tuning_clips, tuning_job
from benchbed.suite.conditions import AttackCondition, CorruptionCondition
from benchbed.suite.load import LoadedSuite
from benchbed.suite.plan import CellPlan, plan_cells


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
    verify: bool = False
    command: str = ""
    others: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Adapter and options of the other models of the invocation, from which attacks transfer."""


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
    tuning: Tuning | None = None
    """Clips on which thresholds are chosen first."""
    frozen: Frozen | None = None
    """Thresholds that were chosen; `loaded_suite` then has them in the place of what was declared."""
    declared: LoadedSuite | None = None
    """The suite as it was given, where thresholds have been put into `loaded_suite`."""

    def with_thresholds(self, frozen: Frozen) -> Prepared:
        """The run with its thresholds."""
        return replace(self, frozen=frozen, declared=self.loaded_suite, loaded_suite=frozen.applied(self.loaded_suite))

    @property
    def adapter(self) -> Adapter:
        """The model; of several folds' models, the first."""
        return next(iter(self.adapters.values()))


def prepare(loaded_suite: LoadedSuite, spec: str | Adapter, options: Mapping[str, Any], settings: Settings) -> Prepared:
    """Open data and model, check that they fit the suite, and cut the run into units.

    Raises
    ------
    BenchbedError
        Whatever does not fit, before anything is computed.
    """
    suite = loaded_suite.suite
    check_names(loaded_suite)
    source = open_source(loaded_suite, settings.data, allow_synthetic=settings.allow_synthetic)
    with trusting(settings.trust_checkpoint):
        # It imports torch, whose state could otherwise not be put back.
        device = resolve_device(settings.device)
    with trusting(settings.trust_checkpoint), preserved_global_state():
        models = _models(spec, options, suite.data.splits, device, [loaded_suite.path.parent])
    loaded, adapter = models[suite.data.splits[0]]
    card, declared = adapter.card, None
    for of_split, each in models.values():
        _refuse_impossible(each.card, of_split.source)
    frozen = read_frozen(loaded_suite, source, display_name(card.name, options))
    if frozen is not None:
        # Before anything else, since the success of an attack may rest on thresholds, too.
        declared, loaded_suite = loaded_suite, frozen.applied(loaded_suite)
    for of_split, each in models.values():
        refuse_output(each.card, suite.task, choices(type(each), "output") if "output" in of_split.options else ())
        plan_alignment(mapped_card(each.card, suite.label_map), source.dataset.labels, suite.task)
    outside, closed_of = _classes_beside(loaded_suite, card, source.dataset.labels)
    side = _side(loaded_suite, adapter, source)
    facts = _condition_facts(loaded_suite, source, settings)
    _can_be_cut(loaded_suite, [each for _, each in models.values()])
    metric_family(loaded_suite, source.dataset.labels)
    families(loaded_suite, source.dataset.labels)
    tuned = tuning_clips(loaded_suite, source.dataset, settings.limit)
    clips, pools = scored_clips(loaded_suite, source.dataset, settings.limit)
    job = Job(
        recipe=(loaded.locator, dict(options)),
        device=device,
        dataset=source.dataset.name,
        root=source.dataset.root,
        labels=(*source.dataset.labels, *outside),
        outside=len(outside),
        closed_of=closed_of,
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
        # Stored outputs lie over whole recordings.
        windows=None if getattr(adapter, "replays", False) else _windows(loaded_suite),
        others=settings.others,
    )
    import pandas as pd

    scored = pd.concat(list(clips.values())).drop_duplicates("clip_id")
    heard = pd.concat([scored, tuned[0]]) if tuned else scored
    known, unreadable = hash_clips(source.dataset.root, heard["path"].unique().tolist(), cache_folder() / "index")
    # A file that cannot be read is a failure of its clips when they are decoded; here it only needs a name.
    known |= dict.fromkeys(unreadable, "unreadable")
    weights: dict[str, str] = {}
    identity: dict[str, dict[str, Any]] = {}
    for split, (model, each) in models.items():
        hashes = {Path(path).name: hash_files([Path(path)]) for path in each.weights()}
        several = len({id(other) for _, other in models.values()}) > 1
        weights |= {f"{split}/{name}" if several else name: value for name, value in hashes.items()}
        identity[split] = {
            "source": model.source_hash,
            "weights": hashes,
            "options": model.options,
            "card": repr(each.card),
        }
    cells = _measured(loaded_suite, facts)
    seconds = {split: seconds_of(source, table) for split, table in clips.items()}
    units = cut(job, cells, seconds, known, identity)
    folder = settings.out / suite.name / folder_name(card.name, options)
    adapters = {split: each for split, (_, each) in models.items()}
    tuning = None
    if tuned is not None:
        first = next(iter(identity.values()))
        tuning = _tuning(loaded_suite, source, job, *tuned, known, first)
        adapters[tuning.split] = adapter
    return Prepared(
        loaded_suite,
        source,
        loaded,
        adapters,
        job,
        cells,
        units,
        index_hash(scored, known),
        sum(seconds.values()),
        weights,
        folder,
        tuning,
        frozen,
        declared,
    )


def _classes_beside(loaded: LoadedSuite, card: Card, labels: tuple[str, ...]) -> tuple[tuple[str, ...], int | None]:
    """Classes that are scored beside those of the dataset, or how many a model has of which some are left out."""
    own = mapped_card(card, loaded.suite.label_map)
    others = beside(own, labels, loaded.suite.task)
    if loaded.suite.task == "scene" and card.output == "tags":
        used = {name for match in plan_alignment(own, labels).matches for name in match.classes}
        return (), len(card.labels) if len(used) < len(card.labels) else None
    # With a map, a class that no label uses may still mean one.
    if others and (loaded.suite.metrics.closed_set or own.label_map):
        return (), len(card.labels)
    return others, None


def _measured(loaded: LoadedSuite, facts: tuple[dict[str, Any], ...]) -> list[CellPlan]:
    """The cells of a suite without those of conditions that have nothing to do in this run, unless nothing is left."""
    from benchbed.run.attacking.sources import LEFT_OUT

    cells = plan_cells(loaded.suite)
    left = [cell for cell in cells if LEFT_OUT not in facts[cell.condition]]
    if not any(cell.kind != "clean" for cell in left):
        for index, fact in enumerate(facts):
            if LEFT_OUT in fact:
                what, _, hint = fact[LEFT_OUT].partition(": ")
                raise ConfigError(what, where=loaded.where("conditions", index), hint=hint)
    return left


def _tuning(
    loaded: LoadedSuite,
    source: Source,
    job: Job,
    table: Any,
    available: int,
    digests: Mapping[str, str],
    model: Mapping[str, Any],
) -> Tuning:
    """The work that choosing thresholds takes."""
    made, cells = tuning_job(job, loaded, source, table)
    split, seconds = next(iter(made.clips)), seconds_of(source, table)
    units = cut(made, cells, {split: seconds}, digests, {split: model})
    return Tuning(made, units, available, index_hash(table, digests), seconds)


def _models(
    spec: str | Adapter, options: Mapping[str, Any], splits: Sequence[str], device: str, search: Sequence[Path]
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


def _refuse_impossible(card: Card, source: Path | None) -> None:
    faults = impossible(card)
    if faults:
        raise AdapterError(
            f"the card of {card.name} cannot be: {'; '.join(faults)}",
            where=None if source is None else str(source),
            hint="run `benchbed check` on the adapter",
        )


def resolve_device(wanted: str) -> str:
    """The device that `--device` means on this machine.

    Raises
    ------
    ConfigError
        Not a device, or one that this machine does not have.
    """
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


def _windows(loaded: LoadedSuite) -> tuple[float, float] | None:
    windows = loaded.suite.audio.windows
    if windows is None:
        return None
    if loaded.suite.task != "frames":
        raise ConfigError(
            f"a task of {loaded.suite.task} has no windows", where=loaded.where("audio", "windows"), hint="frames has"
        )
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition):
            raise ConfigError(
                "an attack hears windows one after another, this suite's overlap",
                where=loaded.where("conditions", index),
                hint="audio.windows: null",
            )
    return windows.seconds, windows.hop_seconds


def seconds_of(source: Source, table: Any) -> float:
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
            if any(isinstance(c, CorruptionCondition | AttackCondition) for c in suite.conditions):
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


def _can_be_cut(loaded: LoadedSuite, adapters: Sequence[Adapter]) -> None:
    """Refuse attacks on features of a model that has none, before anything is computed."""
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition) and condition.space == "features":
            from benchbed.run.attacking.space import cut

            for adapter in adapters:
                cut(adapter, (adapter.card.channels, 1), loaded.where("conditions", index))


def _condition_facts(loaded: LoadedSuite, source: Source, settings: Settings) -> tuple[dict[str, Any], ...]:
    """Check every condition and its options once; facts per condition, e.g. the digest of a folder of noises."""
    from benchbed.perturb import resolve
    from benchbed.perturb.contract import Context

    def clips(random: Any, count: int) -> list[Any]:
        return []  # the engine hands over the real ones; here it only matters that there are some

    devices = clips if "device" in source.dataset.clips else None
    found: list[dict[str, Any]] = []
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition):
            from benchbed.run.attacking.sources import attack_facts
            from benchbed.run.scoring.success import declared

            labels = source.dataset.labels
            with trusting(settings.trust_checkpoint):
                found.append(
                    attack_facts(
                        condition,
                        settings.others,
                        loaded.where("conditions", index),
                        task=loaded.suite.task,
                        labels=labels,
                        declared=declared(loaded, labels),
                    )
                )
            continue
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
            raise ConfigError(
                f"{condition.corruption} has {len(corruption.parameters)} severities, {worst} is asked",
                where=loaded.where("conditions", index, "severities"),
            )
    return tuple(found)
