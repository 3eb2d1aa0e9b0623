"""Thresholds of a run that are chosen on another split, or were frozen by an earlier run.

The clean clips of the other split are predicted like any, in units of their own; the thresholds found there are
written beside the record and go into every metric family of the run as plain options.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError, did_you_mean
from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import Family
from benchbed.metrics.thresholds import Average, Thresholds, tune_events, tune_tags
from benchbed.nesting import json_of
from benchbed.outputs.contract import Json
from benchbed.predictions.store import read_header, read_units
from benchbed.results import record
from benchbed.run.job.frozen import Frozen, declared
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.source import Source
from benchbed.run.scoring.families import families_of, post_processing
from benchbed.run.scoring.split import Split
from benchbed.seal import POINTER, digest, seal, unseal
from benchbed.suite.load import LoadedSuite
from benchbed.whole import write_whole

#: File in the folder of a run, and folder of the predictions behind it.
FILE, FOLDER = "thresholds.json", "tuning"


class _Rule(TypedDict):
    """How thresholds are chosen, whatever they are for."""

    average: Average
    per_class: bool
    fallback: float


def families(loaded: LoadedSuite, labels: tuple[str, ...]) -> list[Family]:
    """What a hit is where thresholds of events are chosen: a family for each filter that is tried.

    Raises
    ------
    ConfigError
        Options that the family does not take.
    """
    tune = declared(loaded)
    if tune is None or tune.metric in ("f1", "f20"):
        return []
    from benchbed.metrics.families import sed_best

    criterion = {"segment_f1": "segment", "event_f1": "collar", "intersection_f1": "intersection"}[tune.metric]
    fixed = post_processing(loaded, labels).get("median_seconds")
    tried: list[object] = [length or None for length in tune.median_seconds] or [fixed]
    try:
        return [
            sed_best.family(labels, **{"median_seconds": length, **tune.options, "criterion": criterion})  # type: ignore[arg-type]
            for length in tried
        ]
    except TypeError as error:
        raise ConfigError(
            f"the metric family sed_best does not take these options: {error}",
            where=loaded.where("post_processing", "tune", "options"),
        ) from error


def choose(prepared: Prepared, paths: Sequence[Path], model: str) -> Frozen:
    """The thresholds of a run, from the predictions of its tuning clips.

    Parameters
    ----------
    prepared : Prepared
        The run, with `tuning`.
    paths : sequence of Path
        Files of the tuning units.
    model : str
        Its name, for the record.

    Raises
    ------
    CannotMeasure
        No clip has a prediction.
    """
    loaded, tuning, labels = prepared.loaded_suite, prepared.tuning, prepared.source.dataset.labels
    tune = declared(loaded)
    assert tune is not None and tuning is not None
    table = tuning.job.clips[tuning.split]
    predictions = read_units(paths)
    tuned_on = f"{prepared.source.dataset.name}/{tuning.split}"
    if not len(predictions.scores):
        first = predictions.failures[0] if predictions.failures else None
        why = f"; {first['stage']} failed: {first['message']}" if first else ""
        raise CannotMeasure(
            f"no clip of {tuned_on} has a prediction to choose thresholds by{why}",
            where=first["clip_id"] if first else None,
            hint="give thresholds, or --set suite.post_processing.tune=null",
        )
    answered = Split(tuning.job, tuning.split).answered(predictions, np.arange(len(predictions.scores)))
    outputs, target = answered.answers, answered.references
    common: _Rule = {"average": tune.average, "per_class": tune.per_class, "fallback": tune.fallback}
    if tune.metric == "f20":
        from benchbed.metrics.seld.tuning import tune_tracks

        main = families_of(loaded, labels)[0]
        ranking = FAMILIES.get(main.family).family(labels, **main.options)
        thresholds = tune_tracks(ranking, outputs, target, tuned_on, **common)
    elif tune.metric == "f1":
        if tuning.job.output.class_scores == "time":
            outputs, target = _as_tags(outputs, target, len(labels))
        thresholds = tune_tags(outputs, target, labels, tuned_on, **common)
    else:
        thresholds = tune_events(
            families(loaded, labels), outputs, target, tuned_on, median_seconds=tune.median_seconds or None, **common
        )
    headers = [read_header(path) or {} for path in paths]
    failed = len({failure["clip_id"] for failure in predictions.failures})
    facts = _facts(
        thresholds,
        labels,
        fallback=tune.fallback,
        model=model,
        clips=len(outputs),
        available=tuning.available,
        failed=failed,
        groups=table["group"].iloc[answered.position].nunique(),
        index_hash=tuning.index_hash,
        cpu_seconds=round(sum(header.get("info", {}).get("cpu_seconds", 0.0) for header in headers), 3),
    )
    return Frozen(facts, _remarks(facts), predictions.failures)


def read_frozen(loaded: LoadedSuite, source: Source, model: str) -> Frozen | None:
    """The thresholds of the file that the suite names, or None if it names none.

    Raises
    ------
    ConfigError
        The file cannot be read, lacks a class, or was made on a split that is scored.
    """
    part = loaded.suite.post_processing
    if part is None or part.frozen is None:
        return None
    where, labels = loaded.where("post_processing", "frozen"), source.dataset.labels
    given = "post_processing.frozen" in loaded.overrides
    path = Path(part.frozen).expanduser() if given else loaded.path.parent / part.frozen
    written, file_digest, sealed = _read(path, part.frozen, where)
    thresholds = Thresholds.from_dict(written, where)
    try:
        for split in loaded.suite.data.splits:
            thresholds.options(labels, f"{source.dataset.name}/{split}")
    except ConfigError as error:
        raise ConfigError(error.what, where=where, hint=error.hint) from error
    about = {
        name: written[name]
        for name in ("clips", "available", "failed", "groups", "index_hash", "fallback")
        if isinstance(written.get(name), int | float | str)
    }
    made_by = str(written.get("model", ""))
    facts = _facts(thresholds, labels, model=made_by, file=Path(part.frozen).name, file_digest=file_digest, **about)
    checks = _remarks(facts)
    if not sealed:
        text = f"{facts.file} was not written by a run: nothing says that its thresholds are as they were chosen"
        checks.append(record.Check(name="thresholds:digest", status="warn", message=text))
    if made_by and made_by != model:
        checks.append(
            record.Check(
                name="thresholds:model",
                status="warn",
                message=f"the thresholds were chosen for {made_by}, this is {model}",
            )
        )
    return Frozen(facts, checks)


def _read(path: Path, name: str, where: str) -> tuple[dict[str, Json], str, bool]:
    """What a file of thresholds says, its digest, and whether a run wrote it; a person may write one, too."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the file of thresholds {name} cannot be read: {error.strerror}",
            where=where,
            hint=f"a run that chooses thresholds writes {FILE} beside its record",
        ) from error
    sealed = data.startswith((b'{"digest":', POINTER))
    try:
        written = unseal(data, path, again="run again to choose them anew")[0] if sealed else json_of(data)
    except ValueError as error:
        raise ConfigError(f"{name} is no JSON ({error})", where=where) from error
    if not isinstance(written, dict):
        raise ConfigError(f"{name} is no file of thresholds", where=where)
    unknown = [key for key in written if key not in record.RecordedThresholds.model_fields]
    if unknown:
        hint = did_you_mean(unknown[0], record.RecordedThresholds.model_fields)
        raise ConfigError(f"{name}: unknown key '{unknown[0]}'", where=where, hint=hint)
    return written, digest(data), sealed


def write(frozen: Frozen | None, folder: Path) -> None:
    """Write the thresholds beside the record, where another run can read them; remove those of an earlier run."""
    path = folder / FILE
    if frozen is None:
        path.unlink(missing_ok=True)
        return
    write_whole(path, seal(frozen.facts.model_dump_json(indent=1, exclude_none=True)).encode())


def _facts(made: Thresholds, labels: Sequence[str], **about: object) -> record.RecordedThresholds:
    # In the order of the dataset's classes, and without those that it lacks.
    return record.RecordedThresholds.model_validate({**made.only(labels).as_dict(), **about})


def _as_tags(outputs: np.ndarray, target: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Recordings as tags: the highest score of each class, and which classes are there."""
    from benchbed.metrics.families.sed_tagging import pooled_scores, present

    scores = np.stack([pooled_scores(item, classes, "max") for item in outputs])
    return scores, np.stack([present(item, classes) for item in target])


def _remarks(facts: record.RecordedThresholds) -> list[record.Check]:
    named = "F20°" if "f20" in facts.rule else "F1"
    reached = "" if facts.reached is None else f", {named} there {100 * facts.reached:.1f} %"
    clips = "" if facts.clips is None else f" ({facts.clips} clips)"
    checks = [
        record.Check(
            name="thresholds",
            status="pass",
            message=f"chosen on {facts.tuned_on}{clips} and frozen, {facts.rule}{reached}",
        )
    ]
    if facts.clips is not None and facts.available is not None and facts.clips + facts.failed < facts.available:
        text = f"chosen on {facts.clips} of {facts.available} clips of {facts.tuned_on}"
        checks.append(record.Check(name="thresholds:limit", status="warn", message=text))
    if facts.failed:
        text = f"{facts.failed} clips of {facts.tuned_on} have no prediction and had no say"
        checks.append(record.Check(name="thresholds:failed", status="warn", message=text))
    if facts.untuned:
        named = ", ".join(facts.untuned[:10]) + (", …" if len(facts.untuned) > 10 else "")
        text = f"{len(facts.untuned)} classes do not occur there and keep {_kept(facts)}: {named}"
        checks.append(record.Check(name="thresholds:classes", status="warn", message=text))
    return checks


def _kept(facts: record.RecordedThresholds) -> str:
    return "the fallback" if facts.fallback is None else f"{facts.fallback:g}"
