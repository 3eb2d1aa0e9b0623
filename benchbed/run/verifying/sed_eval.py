"""Scene, segment-based and event-based figures by sed_eval."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.families.classification import Classification
from benchbed.metrics.families.sed_event import EventBased
from benchbed.metrics.families.sed_segment import SegmentBased
from benchbed.metrics.sed.counts import Rule
from benchbed.metrics.sed.flat import FlatEvents, answers, flatten
from benchbed.outputs.frames.recording import SECOND
from benchbed.run.verifying.agreement import Agreement, Ask, Asked, NotComparable

if TYPE_CHECKING:
    from dcase_util.containers import MetaDataContainer

PACKAGE = "sed_eval"

#: Group of figures → figure → value, as the package names them.
Figures = Mapping[str, Mapping[str, float]]


class Counter(Protocol):
    """What the metrics of the package for segments and for events share."""

    empty_system_output_handling: str | None

    def evaluate(self, reference: MetaDataContainer, output: MetaDataContainer, /) -> None:
        """Count one recording."""

    def results(self) -> Mapping[str, Figures]:
        """Figures over all of them."""


#: Clips given to the scene metric at once; it compares every clip with every other.
BATCH = 200


def covers(family: Family) -> Ask | None:
    """How the package is asked about a family, or None if it has no such figures."""
    # A subclass has a rule of its own.
    if type(family) is Classification:
        return partial(scene, family)
    if type(family) is SegmentBased:
        return partial(segments, family)
    if type(family) is EventBased:
        return partial(events, family)
    return None


def scene(part: Classification, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """Accuracy over clips and its mean over classes."""
    package = _package()
    if part.columns > len(part.labels):
        raise NotComparable("knows no answer beside the classes of the dataset")
    metric = package.scene.SceneClassificationMetrics(scene_labels=list(part.labels))
    names = np.array(part.labels, object)
    output = np.asarray(scores).argmax(axis=1)
    for start in range(0, len(target), BATCH):
        run = range(start, min(start + BATCH, len(target)))
        metric.evaluate(
            [{"filename": str(i), "scene_label": names[target[i]]} for i in run],
            [{"filename": str(i), "scene_label": names[output[i]]} for i in run],
        )
    results = metric.results()
    sums = part.grouped(scores, target, np.zeros(len(target), int), 1)[0]
    values = part.values(sums)
    # sed_eval counts a class without clips as zero in the mean over classes; here it is left out.
    macro = np.nan_to_num(part.per_class(sums)["recall"]).mean()
    yield Agreement(
        "accuracy", recorded.get("accuracy"), float(values["accuracy"]), float(results["overall"]["accuracy"])
    )
    yield Agreement(
        "macro_accuracy",
        recorded.get("macro_accuracy"),
        float(macro),
        float(results["class_wise_average"]["accuracy"]["accuracy"]),
    )


def segments(part: SegmentBased, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """F1, precision, recall and error rates of segments."""
    package, rule = _package(), _rule(part.rule)
    twin = SegmentBased(part.labels, part.grid.resolution, rule, part.decision)
    metric = package.sound_event.SegmentBasedMetrics(list(part.labels), part.grid.resolution)
    yield from _counts(twin, metric, scores, target, recorded)


def events(part: EventBased, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """F1, precision, recall and error rates of events."""
    package, rule, collar = _package(), _rule(part.rule), part.collar
    width = {c for c in (collar.onset, collar.offset) if c is not None}
    if len(width) != 1:
        raise NotComparable("one collar serves onsets and offsets there")
    twin = EventBased(part.labels, replace(collar, clock="float"), part.matching, rule, part.decision)
    metric = package.sound_event.EventBasedMetrics(
        list(part.labels),
        collar.onset is not None,
        collar.offset is not None,
        width.pop(),
        collar.ratio,
        part.matching,
    )
    yield from _counts(twin, metric, scores, target, recorded)


def _package() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    return sed_eval


def _rule(rule: Rule) -> Rule:
    """The rule for empty outputs that is recorded, or the package's nearest to ours."""
    return rule if rule.startswith("sed_eval") else "sed_eval:zero_score"


def _counts(
    twin: SegmentBased | EventBased,
    metric: Counter,
    scores: np.ndarray,
    target: np.ndarray,
    recorded: Mapping[str, float | None],
) -> Asked:
    rule, labels = twin.rule, list(twin.labels)
    # Version 0.2.1 has no argument for it in one of the two classes.
    metric.empty_system_output_handling = "zero_score" if rule.endswith("zero_score") else None
    classes = len(labels)
    flat = flatten(target, classes), answers(scores, twin.decision, classes)
    for reference, output in zip(*(_lists(events, labels) for events in flat)):
        metric.evaluate(reference, output)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        results = metric.results()
    overall, average = results["overall"], results["class_wise_average"]
    theirs = {
        "micro_f1": overall["f_measure"]["f_measure"],
        "micro_precision": overall["f_measure"]["precision"],
        "micro_recall": overall["f_measure"]["recall"],
        "macro_f1": average["f_measure"]["f_measure"],
        **{n: overall["error_rate"][n] for n in ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate")},
    }
    ours = twin.values(twin.statistics(scores, target).sum(axis=0))
    for name, value in theirs.items():
        yield Agreement(name, recorded.get(name), float(ours[name]), float(value))


def _lists(events: FlatEvents, labels: list[str]) -> list[MetaDataContainer]:
    import dcase_util

    made: list[list[dict[str, float | str]]] = [[] for _ in events.duration]
    for clip, onset, offset, label in zip(events.clip, events.onset / SECOND, events.offset / SECOND, events.label):
        made[clip].append({"onset": float(onset), "offset": float(offset), "event_label": labels[label]})
    return [dcase_util.containers.MetaDataContainer(items) for items in made]
