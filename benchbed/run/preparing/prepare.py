"""Everything about a run that can be known and refused before anything is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of, label
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.adapter.options import choices
from benchbed.adapter.replay import Replay
from benchbed.adapter.weightpaths import weight_paths
from benchbed.cache import cache_folder
from benchbed.card import Card, mapped_card
from benchbed.data.dataset import SECONDS
from benchbed.data.index import hash_files as hash_clips
from benchbed.data.index import index_hash
from benchbed.errors import AdapterError, ConfigError
from benchbed.outputs import output_of
from benchbed.outputs.cards import impossible
from benchbed.outputs.contract import Output
from benchbed.provenance import hash_files
from benchbed.rng import preserved_global_state
from benchbed.run.computing.hearing import hearing_of
from benchbed.run.computing.inspectrum import PLACE, InSpectrum, adds_noise
from benchbed.run.computing.ondevice import wanted
from benchbed.run.job.frozen import Tuning
from benchbed.run.job.frozen import declared as tuning_declared
from benchbed.run.job.job import LEFT_OUT, Job, options_for
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.settings import Settings
from benchbed.run.job.source import Source
from benchbed.run.preparing.allocating import one_allocator
from benchbed.run.preparing.calibration import said, with_calibration
from benchbed.run.preparing.channels import refuse_channels
from benchbed.run.preparing.misnamed import misnamed, read_as_written
from benchbed.run.preparing.named import check_names
from benchbed.run.preparing.place import place_of_run
from benchbed.run.preparing.source import annotations_of, open_source, scored_clips
from benchbed.run.preparing.together import refuse_strangers
from benchbed.run.preparing.tuning import tuning_clips, tuning_job
from benchbed.run.preparing.units import cut
from benchbed.run.scoring.families import metric_family
from benchbed.run.scoring.thresholds import families, read_frozen
from benchbed.suite.conditions import AttackCondition, CorruptionCondition
from benchbed.suite.load import LoadedSuite
from benchbed.suite.plan import CellPlan, plan_cells

if TYPE_CHECKING:
    import pandas as pd


def prepare(
    loaded_suite: LoadedSuite, spec: str | Adapter, options: Mapping[str, object], settings: Settings
) -> Prepared:
    """Open data and model, check that they fit the suite, and cut the run into units.

    Raises
    ------
    BenchbedError
        Whatever does not fit, before anything is computed.
    """
    one_allocator()
    suite = loaded_suite.suite
    check_names(loaded_suite)
    output = output_of(suite.task, where=loaded_suite.where("task"))
    source = open_source(loaded_suite, settings.data, allow_synthetic=settings.allow_synthetic)
    given, options = options, with_calibration(options, suite, source)
    with trusting(settings.trust_checkpoint):
        # It imports torch, whose state could otherwise not be put back.
        device = resolve_device(settings.device)
    if "probe" in options or suite.probe is not None:
        from benchbed.run.preparing.probes import with_probe

        options = with_probe(spec, options, loaded_suite, source, settings, device, identity_of)
    with trusting(settings.trust_checkpoint), preserved_global_state():
        models = _models(spec, options, suite.data.splits, device, [loaded_suite.path.parent])
    loaded, adapter = models[suite.data.splits[0]]
    card, declared = adapter.card, None
    for of_split, each in models.values():
        _refuse_impossible(each.card, of_split.source)
        _refuse_untrained(each)
        if each.replays and "clip_id" not in each.card.side_information:
            raise AdapterError(
                f"{each.card.name} says that it replays stored answers, and does not ask for the clip that they are of",
                where=None if of_split.source is None else str(of_split.source),
                hint="replays = True goes with side_information=('clip_id',); a model that hears leaves it out",
            )
    identity = {split: identity_of(model) for split, (model, _) in models.items()}
    contents = [each["model"] for each in identity.values()]
    called = said(card, given)
    if settings.corruptions == PLACE:
        called = {**called, "corruptions": PLACE}  # its figures are no replacement of the waveform's
    place = place_of_run(settings.out, (suite.name, loaded_suite.hash), loaded, called, contents, settings.name)
    frozen = read_frozen(loaded_suite, source, place.name)
    if frozen is not None:
        # Before anything else, since the success of an attack may rest on thresholds, too.
        declared, loaded_suite = loaded_suite, frozen.applied(loaded_suite)
    for of_split, each in models.values():
        offered = choices(type(each), "output") if "output" in of_split.options else ()
        read_as_written(output, each, source.dataset.labels, suite.label_map, offered)
    own = mapped_card(card, suite.label_map)
    outside, closed_of = output.beside(own, source.dataset.labels, closed_set=suite.metrics.closed_set)
    clips, pools = scored_clips(loaded_suite, source.dataset, settings.limit)
    refuse_strangers(loaded_suite, clips)
    if not adapter.replays:
        refuse_channels(loaded_suite, source, clips, output, [each.card for _, each in models.values()])
    side = _side(loaded_suite, output, adapter, source, next(iter(pools.values())).columns)
    facts = _condition_facts(loaded_suite, source, settings, device)
    _can_be_cut(loaded_suite, [each for _, each in models.values()])
    metric_family(loaded_suite, source.dataset.labels)
    families(loaded_suite, source.dataset.labels)
    lists = any(getattr(each, "lists", False) for _, each in models.values())
    tuned = None if lists else tuning_clips(loaded_suite, source.dataset, settings.limit)
    opened, powered = _met(adapter, suite.conditions, suite.task)
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
        readers=settings.readers,
        seed=settings.seed,
        fail_fast=settings.errors.fail_fast,
        trust_checkpoint=settings.trust_checkpoint,
        task=suite.task,
        annotations=annotations_of(source, pools.values()),
        source=loaded.source,
        # Stored outputs lie over whole recordings.
        windows=None if adapter.replays else _windows(loaded_suite, output),
        window_join=suite.audio.windows.join if suite.audio.windows else "mean",
        others=settings.others,
        limits=settings.limits,
        keep_attacked=settings.keep_attacked,
        opened=opened,
        powered=powered,
        on_device=wanted(settings.corruptions, device),
        in_spectrum=settings.corruptions == PLACE,
        passed=settings.passed if settings.cluster is None else None,
    )
    _refuse_spectrum(job, [each for _, each in models.values()])
    remarks = _remarks(models, job)
    if lists and tuning_declared(loaded_suite) is not None:
        remarks.append("no thresholds were chosen: lists of events are decided already")
    import pandas as pd

    scored = pd.concat(list(clips.values())).drop_duplicates("clip_id")
    heard = pd.concat([scored, tuned[0]]) if tuned else scored
    known, unreadable = hash_clips(source.dataset.root, heard["path"].unique().tolist(), cache_folder() / "index")
    # A file that cannot be read is a failure of its clips when they are decoded; here it only needs a name.
    known |= dict.fromkeys(unreadable, "unreadable")
    job = replace(
        job, digests=known, states={split: digest_of(each["model"]["state"]) for split, each in identity.items()}
    )
    cells = _measured(loaded_suite, facts)
    seconds = {split: seconds_of(source, table) for split, table in clips.items()}
    units = cut(job, cells, seconds, known, identity)
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
        _weights(models),
        place,
        tuning,
        frozen,
        declared,
        tuple(remarks),
    )


class Identity(TypedDict):
    """What tells a loaded model from any other.

    Attributes
    ----------
    model : dict
        `code`, `files` and `state` of its fingerprint, and the digest of its source.
    options : dict
        Its options; a file that one of them names by its content.
    card : str
        Its card.
    below : dict
        What it stands on: versions of packages and of benchbed's own code.
    """

    model: dict[str, object]
    options: dict[str, object]
    card: str
    below: dict[str, object]


def identity_of(model: LoadedAdapter) -> Identity:
    """What tells a loaded model from any other, for the name of a unit."""
    made = model.fingerprint
    # That of an object of this process says what no file does.
    content = {**made.content, "source": model.source_hash}
    # A file that an option names is told by its content; where a project lies has no part in what it predicts.
    options = {name: _named_from(made.base, value) for name, value in model.options.items()}
    return {"model": content, "options": options, "card": repr(model.card), "below": made.below}


def _named_from(base: Path, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        named = len(value) < 4096 and Path(value).exists()
    except (OSError, ValueError):  # no name of a file
        named = False
    return label(Path(value), base) if named else value


def _weights(models: Mapping[str, tuple[LoadedAdapter, Adapter]]) -> dict[str, str]:
    """Digests of the files of weights that the adapters name, under the shortest names that tell them apart."""
    several = len({id(each) for _, each in models.values()}) > 1
    found: dict[str, str] = {}
    for split, (loaded, each) in models.items():
        base = loaded.source.parent if loaded.source is not None else Path.cwd()
        paths = weight_paths(each)
        times = Counter(path.name for path in paths)
        for path in paths:
            name = path.name if times[path.name] == 1 else label(path, base)
            found[f"{split}/{name}" if several else name] = hash_files([path])
    return found


def _refuse_spectrum(job: Job, adapters: Sequence[Adapter]) -> None:
    """Refuse noise in the spectrum of models that have none, before anything is computed."""
    names = [each.corruption for each in job.conditions if isinstance(each, CorruptionCondition)]
    if job.in_spectrum and any(adds_noise(name) for name in names):
        for adapter in {id(each): each for each in adapters}.values():
            card = mapped_card(adapter.card, job.label_map)
            InSpectrum(adapter, hearing_of(job.output, card, job.batch_size, job.windows, job.window_join))


def _remarks(models: Mapping[str, tuple[LoadedAdapter, Adapter]], job: Job) -> list[str]:
    """What of stored answers was not used; read now, so that what is wrong with them is said before anything runs."""
    from benchbed.run.computing.lookup import pool_of, stored_answers

    found: list[str] = []
    for each in {id(adapter): adapter for _, adapter in models.values()}.values():
        if isinstance(each, Replay):
            splits = [split for split, (_, adapter) in models.items() if adapter is each]
            found += stored_answers(each, job, splits)[0].remarks
        elif each.replays:
            found += misnamed(job.output, each, job.labels[: len(job.labels) - job.outside], job.label_map)
            found += each.meet(pool_of(job, [split for split, (_, adapter) in models.items() if adapter is each]))
    return found


def _measured(loaded: LoadedSuite, facts: tuple[Mapping[str, object], ...]) -> list[CellPlan]:
    """The cells of a suite without those of conditions that have nothing to do in this run, unless nothing is left."""
    cells = plan_cells(loaded.suite)
    left = [cell for cell in cells if LEFT_OUT not in facts[cell.condition]]
    if not any(cell.kind != "clean" for cell in left):
        for index, fact in enumerate(facts):
            if LEFT_OUT in fact:
                what, _, hint = str(fact[LEFT_OUT]).partition(": ")
                raise ConfigError(what, where=loaded.where("conditions", index), hint=hint)
    return left


def _tuning(
    loaded: LoadedSuite,
    source: Source,
    job: Job,
    table: pd.DataFrame,
    available: int,
    digests: Mapping[str, str],
    model: Mapping[str, object],
) -> Tuning:
    """The work that choosing thresholds takes."""
    made, cells = tuning_job(job, loaded, source, table)
    split, seconds = next(iter(made.clips)), seconds_of(source, table)
    units = cut(made, cells, {split: seconds}, digests, {split: model})
    return Tuning(made, units, available, index_hash(table, digests), seconds)


def _models(
    spec: str | Adapter, options: Mapping[str, object], splits: Sequence[str], device: str, search: Sequence[Path]
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


def _refuse_untrained(adapter: Adapter) -> None:
    card = adapter.card
    if adapter.unscored:
        raise AdapterError(
            f"the answers of {card.name} are not to be scored: {adapter.unscored}",
            hint="a suite with data.train_split says on which clips to calibrate, or --set calibration=JSON; what it "
            "costs says `benchbed profile`",
        )
    if card.untrained:
        raise AdapterError(
            f"{card.name} has random weights, and its answers would be scored as if they meant something",
            hint="give it weights (--set checkpoint=FILE); what it costs says `benchbed profile`, and whether its "
            "shapes are right `benchbed check`",
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


def _met(adapter: Adapter, conditions: Sequence[object], task: str) -> tuple[bool, bool]:
    """Which attacks a model meets, where there are any: see `Job.opened` and `Job.powered`."""
    if not any(isinstance(condition, AttackCondition) for condition in conditions):
        return True, False
    from benchbed.run.attacking.victim import met_by

    return met_by(adapter, task)


def _windows(loaded: LoadedSuite, output: Output) -> tuple[float, float] | None:
    windows = loaded.suite.audio.windows
    if windows is None:
        return None
    if output.hears != "windows":
        return windows.seconds, windows.hop_seconds
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition):
            raise ConfigError(
                "an attack hears windows one after another, this suite's overlap",
                where=loaded.where("conditions", index),
                hint="audio.windows: null",
            )
    return windows.seconds, windows.hop_seconds


def seconds_of(source: Source, table: pd.DataFrame) -> float:
    """Audio in a clip table; files whose index has no duration are asked for theirs."""
    from benchbed import audio
    from benchbed.errors import AudioError

    known = table["duration"].to_numpy(dtype=float)
    if SECONDS in table:
        known = np.where(np.isnan(known), table[SECONDS].to_numpy(dtype=float), known)
    total = float(known[known == known].sum())
    for path in table["path"][known != known].unique():
        try:
            total += audio.info(source.dataset.root / path).seconds
        except AudioError:
            continue  # counted as a failure when it is decoded
    return total


def _side(
    loaded: LoadedSuite, output: Output, adapter: Adapter, source: Source, columns: Collection[str]
) -> tuple[str, ...]:
    suite, wanted = loaded.suite, adapter.card.side_information
    replays = adapter.replays
    for name in output.asks:
        if name not in columns:
            raise ConfigError(
                f"a task of {output.name} asks about '{name}', dataset {source.dataset.name} has no such column",
                where=loaded.where("task"),
            )
    for name in wanted:
        if name == "clip_id" and replays:
            if any(isinstance(c, CorruptionCondition | AttackCondition) for c in suite.conditions):
                raise ConfigError(
                    f"{adapter.card.name} replays stored predictions and cannot hear a perturbation",
                    where=loaded.where("conditions"),
                    hint="use a suite with the clean condition only",
                )
        elif name not in (*suite.audio.side_information, *output.asks):
            raise ConfigError(
                f"{adapter.card.name} asks for the metadata column '{name}', the suite does not give it",
                where=loaded.where("audio"),
                hint=f"audio.side_information: [{name}]",
            )
        elif name not in columns:
            raise ConfigError(
                f"{adapter.card.name} asks for '{name}', dataset {source.dataset.name} has no such column",
                where=loaded.where("audio"),
            )
    return tuple(dict.fromkeys((*wanted, *output.asks)))


def _can_be_cut(loaded: LoadedSuite, adapters: Sequence[Adapter]) -> None:
    """Refuse attacks on features of a model that has none, before anything is computed."""
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition) and condition.space == "features":
            from benchbed.run.attacking.space import cut

            for adapter in adapters:
                if loaded.suite.audio.windows is not None or adapter.card.window_hop is not None:
                    raise ConfigError(
                        f"{adapter.card.name} hears clips in windows, and features of windows are none of a clip",
                        where=loaded.where("conditions", index),
                        hint="attack the waveform, or let the model crop: no window_hop on the card, no audio.windows",
                    )
                cut(adapter, (adapter.card.channels, 1), loaded.where("conditions", index))


def _condition_facts(
    loaded: LoadedSuite, source: Source, settings: Settings, device: str
) -> tuple[Mapping[str, object], ...]:
    """Check every condition and its options once; facts per condition, e.g. the digest of a folder of noises."""
    from benchbed.perturb import resolve
    from benchbed.perturb.contract import Context

    def clips(random: np.random.Generator, count: int) -> list[np.ndarray]:
        return []  # the engine hands over the real ones; here it only matters that there are some

    devices = clips if "device" in source.dataset.clips else None
    facts: list[Mapping[str, object]] = []
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, AttackCondition):
            from benchbed.run.attacking.sources import attack_facts
            from benchbed.run.scoring.success import declared

            labels = source.dataset.labels
            with trusting(settings.trust_checkpoint):
                facts.append(
                    attack_facts(
                        condition,
                        settings.others,
                        loaded.where("conditions", index),
                        task=loaded.suite.task,
                        labels=labels,
                        declared=declared(loaded, labels),
                        device=device,
                    )
                )
            continue
        if not isinstance(condition, CorruptionCondition):
            facts.append({})
            continue
        context = Context(source.dataset.name, condition.options, clips, {}, devices)
        try:
            corruption = resolve(condition.corruption, condition.parameters, condition.options)
            facts.append(dict(corruption.configure(context)))
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
    return tuple(facts)
