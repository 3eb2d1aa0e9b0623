"""Probes of a run: for each split that is scored, one trained on its training split before anything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of
from benchbed.adapter.encoder import Encoder, encoder_of
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.adapter.options import resolve_options
from benchbed.adapter.twins import TWINS
from benchbed.cache import cache_folder
from benchbed.data.index import hash_files
from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.outputs import output_of
from benchbed.outputs.contract import Json
from benchbed.outputs.frames.references import Timed
from benchbed.rng import preserved_global_state
from benchbed.run.job.frozen import declared as tuning_declared
from benchbed.run.job.job import options_for
from benchbed.run.job.settings import Settings
from benchbed.run.job.source import Source
from benchbed.run.preparing.source import annotations_of
from benchbed.run.probing.teach import AskedProbe, Lesson, teach
from benchbed.run.probing.vectors import vectors_of
from benchbed.suite.load import LoadedSuite
from benchbed.threads import limit_threads

if TYPE_CHECKING:
    pass

#: What tells a loaded model from any other.
Identified = Callable[[LoadedAdapter], Mapping[str, object]]
#: Options of the probe; the others are the encoder's.
OWN = TWINS["probed"]
#: What training splits are called, where a suite names none that can be learnt from.
USUAL = ("not_{split}", "train", "synthetic_train", "dev")


def with_probe(
    spec: str | Adapter,
    options: Mapping[str, object],
    loaded: LoadedSuite,
    source: Source,
    settings: Settings,
    device: str,
    identified: Identified,
) -> dict[str, object]:
    """Options of a model, with the file of its probe where one is asked for, by them or by the suite.

    Parameters
    ----------
    spec : str or Adapter
        The model, as `--model` takes it.
    options : mapping
        As given; they go before what the suite says.
    loaded : LoadedSuite
    source : Source
        The data set.
    settings : Settings
    device : str
    identified : callable
        What tells a loaded model from any other.

    Raises
    ------
    BenchbedError
        The model has no embeddings, the task is none of classes, there is no training split, or it is heard in no way.
    """
    suite = loaded.suite
    asked = {**({} if suite.probe is None else suite.probe.model_dump(exclude_none=True)), **options}
    if asked.get("probe") in (None, "") or "taught" in asked:
        return dict(options)
    if not isinstance(spec, str):
        raise ConfigError("a probe is trained on a model that a file makes, and this one is made already")
    if asked["probe"] == "none":
        return asked
    output = output_of(suite.task, where=loaded.where("task"))
    if not output.class_scores:
        raise ConfigError(
            f"a probe answers with classes, and the task {suite.task} asks for something else",
            where=loaded.where("task"),
            hint="--set probe=none gives the embeddings themselves",
        )
    paths = {}
    encoders: dict[str, tuple[LoadedAdapter, Encoder]] = {}
    limit_threads(settings.threads)
    for split in suite.data.splits:
        own = {name: value for name, value in options_for(asked, split).items() if name in OWN}
        inner = {name: value for name, value in options_for(asked, split).items() if name not in OWN}
        if repr(inner) not in encoders:
            with trusting(settings.trust_checkpoint), preserved_global_state():
                model = load_adapter(spec, inner, search=[loaded.path.parent])
                adapter = start(model, device)
                encoders[repr(inner)] = model, encoder_of(adapter, over_time=output.class_scores == "time")
        model, encoder = encoders[repr(inner)]
        paths[split] = _taught(own, split, loaded, source, model, encoder, identified(model))
    if len(set(paths.values())) == 1:
        return {**asked, "taught": str(next(iter(paths.values())))}
    folder = cache_folder() / "probes" / digest_of({split: path.name for split, path in paths.items()})
    folder.mkdir(parents=True, exist_ok=True)
    for split, path in paths.items():
        if not (folder / f"{split}.safetensors").is_file():
            shutil.copyfile(path, folder / f"{split}.part")
            (folder / f"{split}.part").replace(folder / f"{split}.safetensors")
    return {**asked, "taught": str(folder / "{split}.safetensors")}


def _taught(
    own: Mapping[str, object],
    split: str,
    loaded: LoadedSuite,
    source: Source,
    model: LoadedAdapter,
    encoder: Encoder,
    identity: Mapping[str, object],
) -> Path:
    suite, dataset = loaded.suite, source.dataset
    output = output_of(suite.task)
    told = {name: value for name, value in own.items() if name != "train_split"}
    asked = AskedProbe(**resolve_options(AskedProbe, told)[0])
    wanted = _training_split(str(own.get("train_split") or ""), split, loaded, source)
    lesson = _lesson(wanted, "train_split", loaded, source, model, encoder, identity)
    scored = dataset.select(split)
    for column in ("clip_id", "group"):
        shared = sorted(set(lesson.table[column].astype(str)) & set(scored[column].astype(str)))
        if column == "clip_id" and shared:
            raise ConfigError(
                f"a probe would learn from clips that are scored: {len(shared)} of '{wanted}' are also in '{split}', "
                f"e.g. {shared[0]}",
                where=loaded.where("data"),
                hint="--set train_split=NAME of a split that has nothing in common with the scored one",
            )
    choosing = None
    if asked.validation:
        choosing = _lesson(
            asked.validation.replace("{split}", split), "validation", loaded, source, model, encoder, identity
        )
    about: dict[str, Json] = {
        "dataset": dataset.name,
        "output": suite.task,
        "model": model.card.name,
        "recordings_shared": len(shared),
    }
    return teach(asked, lesson, choosing, dataset.labels, encoder, exclusive=output.exclusive, about=about)


def _training_split(asked: str, split: str, loaded: LoadedSuite, source: Source) -> str:
    """The split that a probe learns from: the one that is asked for, the suite's, or what such a split is called."""
    suite, dataset = loaded.suite, source.dataset
    if asked:
        return asked.replace("{split}", split)
    tune = tuning_declared(loaded)
    # What is scored, and what thresholds are chosen on, is not learnt from.
    kept = set(dataset.splits[split])
    if tune is not None and tune.split in dataset.splits:
        kept |= set(dataset.splits[tune.split])
    names = [suite.data.train_split, *USUAL] if suite.data.train_split is not None else list(USUAL)
    for name in (each.replace("{split}", split) for each in names):
        if name in dataset.splits and dataset.splits[name] and kept.isdisjoint(dataset.splits[name]):
            return name
    raise ConfigError(
        f"dataset {dataset.name} has no split that a probe can learn from: "
        f"{', '.join(dict.fromkeys(each.replace('{split}', split) for each in names))} are missing or share clips with "
        "what is scored, or with what thresholds are chosen on",
        where=loaded.where("data"),
        hint=f"--set train_split=NAME; its splits: {', '.join(dataset.splits)}",
    )


def _lesson(
    split: str,
    option: str,
    loaded: LoadedSuite,
    source: Source,
    model: LoadedAdapter,
    encoder: Encoder,
    identity: Mapping[str, object],
) -> Lesson:
    suite, dataset = loaded.suite, source.dataset
    if split not in dataset.splits:
        raise ConfigError(
            f"dataset {dataset.name} has no split '{split}' for a probe ({option})",
            hint=did_you_mean(split, dataset.splits) or f"its splits: {', '.join(dataset.splits)}",
        )
    output, labels = output_of(suite.task), dataset.labels
    table = dataset.select(split)
    if suite.data.group != "group":
        table = table.assign(group=table[suite.data.group].astype(str))
    references = output.references(table, annotations_of(source, [table]), labels)
    over_time = encoder.hop is not None
    if over_time:
        known = ~output.coarse(references)
        if not known.any():
            raise DataError(f"no clip of '{split}' says when its events are, and a probe of frames learns from them")
        table, references = table[known].reset_index(drop=True), references[known]
        targets = np.stack([_present(one, len(labels)) for one in references])
    elif output.exclusive:
        targets = np.eye(len(labels))[np.asarray(references, np.int64)]
    else:
        targets = np.asarray(references, np.float64)
    digests, _ = hash_files(dataset.root, table["path"].unique().tolist(), cache_folder() / "index")
    windows = suite.audio.windows
    vectors = vectors_of(
        model.adapter,
        encoder,
        table,
        dataset.root,
        audio_rate=suite.audio.sample_rate,
        overlapping=None if windows is None else (windows.seconds, windows.hop_seconds),
        identity=identity,
        digests=digests,
    )
    timed = _sounding(references, vectors.clip, vectors.moment, len(labels)) if over_time else None
    return Lesson(table, vectors, targets, timed, split)


def _present(reference: Timed, classes: int) -> np.ndarray:
    """1 where a class sounds somewhere in a clip `[class]`."""
    found = np.zeros(classes)
    found[reference.label] = 1.0
    return found


def _sounding(references: np.ndarray, clip: np.ndarray, moment: np.ndarray, classes: int) -> np.ndarray:
    """1 where a class sounds at a moment `[vector, class]`.

    Examples
    --------
    >>> references = np.empty(1, object)
    >>> references[0] = Timed(np.array([[0.0, 1.0]]), np.array([1]))
    >>> _sounding(references, np.array([0, 0]), np.array([0.5, 1.5]), 2).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    targets = np.zeros((len(clip), classes))
    order = np.argsort(clip, kind="stable")
    edges = np.searchsorted(clip[order], np.arange(len(references) + 1))
    for number, reference in enumerate(references):
        rows = order[edges[number] : edges[number + 1]]
        for (onset, offset), label in zip(reference.times, reference.label):
            targets[rows[(moment[rows] >= onset) & (moment[rows] < offset)], label] = 1.0
    return targets
