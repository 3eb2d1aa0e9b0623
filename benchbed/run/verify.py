"""`--verify`: a run's figures once more, by the packages that the field takes them from.

Scene, segment-based and event-based figures are recomputed by sed_eval, figures over all thresholds by sed_scores_eval,
from the same outputs and references. Two questions are kept apart: whether benchbed computes what the package computes
when it follows the package's rule (to 1e-9; anything else is a failure), and whether the recorded figure, by the rule
that the record names, is another number.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.families.classification import Classification
from benchbed.metrics.families.psds import Psds
from benchbed.metrics.families.sed_auc import SegmentRanks
from benchbed.metrics.families.sed_best import BestThreshold
from benchbed.metrics.families.sed_event import EventBased
from benchbed.metrics.families.sed_segment import SegmentBased
from benchbed.metrics.joint import Joint
from benchbed.metrics.sed.flat import Flat, answers, flatten, framed
from benchbed.metrics.sed.intersection import Criteria, references
from benchbed.metrics.sed.matching import Collar
from benchbed.metrics.sed.recording import SECOND, Events, FrameScores
from benchbed.metrics.strong import Strong, timed, where_timed
from benchbed.predictions.store import Predictions
from benchbed.results import record

#: Largest difference that counts as the same number.
TOLERANCE = 1e-9

#: Clips given to sed_eval's scene metric at once; it compares every clip with every other.
BATCH = 200


@dataclass(frozen=True)
class Agreement:
    """One figure from two programs.

    Attributes
    ----------
    metric : str
        Name of the metric in the record.
    recorded : float or None
        The recorded value.
    ours : float
        What benchbed computes by the package's rule.
    theirs : float
        What the package computes.
    """

    metric: str
    recorded: float | None
    ours: float
    theirs: float

    @property
    def equal(self) -> bool:
        """Whether both compute the same number by the same rule."""
        both = np.array([self.ours, self.theirs])
        return bool(np.isnan(both).all() or abs(self.ours - self.theirs) <= TOLERANCE * max(1.0, abs(self.theirs)))

    @property
    def recorded_differs(self) -> bool:
        """Whether the recorded value, by its own rule, is another number."""
        if self.recorded is None or np.isnan(self.theirs):
            return not (self.recorded is None and np.isnan(self.theirs))
        return abs(self.recorded - self.theirs) > TOLERANCE * max(1.0, abs(self.theirs))


def verify_cell(
    family: Family, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None], cell: str
) -> list[record.Check]:
    """Recompute the figures of one cell.

    Parameters
    ----------
    family : Family
        The metrics, or several joined.
    scores, target : np.ndarray
        Outputs and references, as the family takes them.
    recorded : mapping of str to float or None
        Metric → recorded value.
    cell : str
        Key of the cell.

    Returns
    -------
    list of record.Check
        One for each family: `pass` if the package gives the same numbers by its rule, `fail` if not, `skipped` with a
        reason if it cannot be asked.
    """
    parts = family.parts if isinstance(family, Joint) else {"": family}
    checks = []
    for prefix, part in parts.items():
        outputs, truth = scores, target
        if isinstance(part, Strong):
            held = timed(target)
            part, outputs, truth = part.inner, scores[held], target[held]
        package, ask, why = _oracle(part)
        name = f"verify:{prefix.rstrip('_') or 'metrics'}"
        if ask is None:
            checks.append(record.Check(name=name, status="skipped", message=why, cell=cell))
            continue
        try:
            found = list(ask(part, outputs, truth, {k.removeprefix(prefix): v for k, v in recorded.items()
                                                    if k.startswith(prefix)}))  # fmt: skip
        except ImportError as error:
            # Installed, but without something that it needs.
            checks.append(
                record.Check(name=name, status="skipped", message=f"{package} cannot be used: {error}", cell=cell)
            )
            continue
        except AssertionError as error:
            # How sed_scores_eval says that it does not take something.
            checks.append(record.Check(name=name, status="skipped", message=f"{package} refuses: {error}", cell=cell))
            continue
        except _NotComparable as error:
            checks.append(record.Check(name=name, status="skipped", message=f"{package}: {error}", cell=cell))
            continue
        checks.append(_check(name, package, found, cell))
    return checks


def verify_run(prepared: Any, predictions: Predictions, cells: list[record.Cell]) -> list[record.Check]:
    """Recompute the figures of every cell of a run, from its stored predictions.

    Parameters
    ----------
    prepared : benchbed.run.session.Prepared
        The run.
    predictions : Predictions
        All its predictions.
    cells : list of record.Cell
        What was recorded.
    """
    from benchbed.run import references as inputs
    from benchbed.run.families import metric_family

    labels = prepared.source.dataset.labels
    family, _ = metric_family(prepared.loaded_suite, labels)
    if inputs.some_weak(prepared.job.clips.values()):
        family = where_timed(family)
    held = predictions.table["cell"].astype(str).to_numpy()
    checks = []
    for cell in cells:
        table = prepared.job.clips[cell.split]
        place = {clip: i for i, clip in enumerate(table["clip_id"])}
        rows = np.flatnonzero(held == cell.key)
        position = predictions.table["clip_id"].iloc[rows].map(place).to_numpy(dtype=np.int64)
        target = inputs.reference_of(table, labels, prepared.loaded_suite.suite.task)
        outputs, truth = inputs.answers(predictions, rows, target, position)
        recorded = {name: value.value for name, value in cell.metrics.items()}
        checks += verify_cell(family, outputs, truth, recorded, cell.key)
    return checks


class _NotComparable(Exception):
    """The package has no rule for this."""


Asked = Iterator[Agreement]
Ask = Callable[[Any, np.ndarray, np.ndarray, Mapping[str, float | None]], Asked]


def _oracle(part: Family) -> tuple[str, Ask | None, str]:
    kinds: list[tuple[type, str, Ask]] = [
        (Classification, "sed_eval", _scene),
        (SegmentBased, "sed_eval", _counts),
        (EventBased, "sed_eval", _counts),
        (Psds, "sed_scores_eval", _psds),
        (BestThreshold, "sed_scores_eval", _best),
        (SegmentRanks, "sed_scores_eval", _ranks),
    ]
    for kind, package, ask in kinds:
        if isinstance(part, kind):
            if importlib.util.find_spec(package) is None:
                return package, None, f"{package} is not installed"
            return f"{package} {importlib.metadata.version(package)}", ask, ""
    return "", None, f"no package is asked about {type(part).__name__}"


def _check(name: str, package: str, found: list[Agreement], cell: str) -> record.Check:
    wrong = [a for a in found if not a.equal]
    if wrong:
        text = "; ".join(f"{a.metric}: {a.ours!r} here, {a.theirs!r} there" for a in wrong)
        return record.Check(name=name, status="fail", message=f"{package} disagrees: {text}", cell=cell)
    text = f"{package} gives the same {len(found)} figures by its own rule, within {TOLERANCE:g}"
    other = [a for a in found if a.recorded_differs]
    if other:
        listed = "; ".join(f"{a.metric}: recorded {_text(a.recorded)}, by its rule {_text(a.theirs)}" for a in other)
        text = f"{text}; by the recorded rule other numbers: {listed}"
    return record.Check(name=name, status="pass", message=text, cell=cell)


def _text(value: float | None) -> str:
    return "undefined" if value is None or np.isnan(value) else f"{value:.6g}"


def _scene(part: Classification, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    metric = sed_eval.scene.SceneClassificationMetrics(scene_labels=list(part.labels))
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
    yield Agreement("accuracy", recorded.get("accuracy"), float(values["accuracy"]),
                    float(results["overall"]["accuracy"]))  # fmt: skip
    yield Agreement("macro_accuracy", recorded.get("macro_accuracy"), float(macro),
                    float(results["class_wise_average"]["accuracy"]["accuracy"]))  # fmt: skip


def _counts(
    part: SegmentBased | EventBased, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]
) -> Asked:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    rule = part.rule if part.rule.startswith("sed_eval") else "sed_eval:zero_score"
    labels = list(part.labels)
    twin: SegmentBased | EventBased
    if isinstance(part, SegmentBased):
        twin = SegmentBased(part.labels, part.grid.resolution, rule, part.decision)  # type: ignore[arg-type]
        metric = sed_eval.sound_event.SegmentBasedMetrics(labels, part.grid.resolution)
    else:
        collar = part.collar
        width = {c for c in (collar.onset, collar.offset) if c is not None}
        if len(width) != 1:
            raise _NotComparable("one collar serves onsets and offsets there")
        twin = EventBased(part.labels, replace(collar, clock="float"), part.matching, rule, part.decision)  # type: ignore[arg-type]
        metric = sed_eval.sound_event.EventBasedMetrics(
            labels, collar.onset is not None, collar.offset is not None, width.pop(), collar.ratio, part.matching
        )
    # Version 0.2.1 has no argument for it in one of the two classes.
    metric.empty_system_output_handling = "zero_score" if rule.endswith("zero_score") else None
    classes = len(labels)
    flat = flatten(target, classes), answers(scores, part.decision, classes)
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


def _lists(events: Flat, labels: list[str]) -> list[Any]:
    import dcase_util

    made: list[list[dict[str, Any]]] = [[] for _ in events.duration]
    for clip, onset, offset, label in zip(events.clip, events.onset / SECOND, events.offset / SECOND, events.label):
        made[clip].append({"onset": float(onset), "offset": float(offset), "event_label": labels[label]})
    return [dcase_util.containers.MetaDataContainer(items) for items in made]


def _frames(part: Any, scores: np.ndarray, target: np.ndarray, *, join: bool) -> tuple[dict, dict, dict]:
    # Scores, references and durations as sed_scores_eval takes them.
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    labels = list(part.labels)
    reference = flatten(references(target) if join else target, len(labels))
    order = np.lexsort((reference.onset, reference.label, reference.clip))
    sorted_ = reference.only(order)
    next_ = (sorted_.clip[1:] == sorted_.clip[:-1]) & (sorted_.label[1:] == sorted_.label[:-1])
    if (next_ & (sorted_.onset[1:] <= sorted_.offset[:-1])).any():
        raise _NotComparable("refuses events of a class that touch")
    frames = framed(scores, len(labels))
    if any(not len(item) for item in frames):
        raise _NotComparable("refuses recordings without frames")
    made: dict[str, Any] = {}
    truth: dict[str, list] = {str(i): [] for i in range(len(frames))}
    lengths: dict[str, float] = {}
    for i, item in enumerate(frames):
        filtered = item if _filter(part) is None else _filter(part).apply(item)
        made[str(i)] = create_score_dataframe(np.asarray(filtered.scores, np.float64), item.edges / SECOND, labels)
        known = reference.duration[i]
        lengths[str(i)] = float(known if known >= 0 else item.edges[-1]) / SECOND
    for clip, onset, offset, label in zip(reference.clip, reference.onset, reference.offset, reference.label):
        truth[str(clip)].append((float(onset / SECOND), float(offset / SECOND), labels[label]))
    return made, truth, lengths


def _filter(part: Any) -> Any:
    """The one median filter of a family over all thresholds, or None."""
    filters = getattr(part, "filters", (getattr(part, "median", None),))
    if len(filters) > 1:
        raise _NotComparable("is not asked about scores that are independent of post-processing")
    return filters[0]


def _referenced(part: Family, scores: np.ndarray, target: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Classes that have reference events, and scores and references of those alone."""
    held = np.flatnonzero(flatten(target, len(part.labels)).counts(len(part.labels)).sum(axis=0))
    frames = framed(scores, len(part.labels))
    some, truth = np.empty(len(frames), object), np.empty(len(frames), object)
    number = np.full(len(part.labels), -1)
    number[held] = np.arange(len(held))
    for i, item in enumerate(frames):
        some[i] = FrameScores(item.scores[:, held], item.edges)
        truth[i] = Events(target[i].onset, target[i].offset, number[target[i].label], target[i].duration)
    return tuple(part.labels[c] for c in held), some, truth


def _swept(part: Family, scores: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    sample = part.sample(scores, target, np.zeros(len(target), int), 1)
    assert sample is not None
    return sample.scores(np.ones((1, 1)))[0]


def _psds(part: Psds, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    if part.thresholds is not None:
        raise _NotComparable("has no rule for listed thresholds")
    if any(scenario.alpha_ct and scenario.ct_mean == "C" for scenario in part.scenarios.values()):
        raise _NotComparable("averages cross-triggers over the other classes only")
    from sed_scores_eval import intersection_based

    twins = {name: replace(scenario, classes="all") for name, scenario in part.scenarios.items()}
    ours = _swept(Psds(part.labels, twins, None, part.filters), scores, target)
    made, truth, lengths = _frames(part, scores, target, join=True)
    for name, scenario in part.scenarios.items():
        limits = scenario.criteria
        value = intersection_based.psds(
            made, truth, lengths, dtc_threshold=limits.dtc, gtc_threshold=limits.gtc, cttc_threshold=limits.cttc,
            alpha_ct=scenario.alpha_ct, alpha_st=scenario.alpha_st, max_efpr=scenario.max_efpr,
        )[0]  # fmt: skip
        yield Agreement(name, recorded.get(name), float(ours[name][0]), float(value))


def _best(part: BestThreshold, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    from sed_scores_eval import collar_based, intersection_based, segment_based

    if not flatten(target, len(part.labels)).counts(len(part.labels)).sum(axis=0).all():
        raise _NotComparable("has no F1 for classes without references")
    made, truth, lengths = _frames(part, scores, target, join=isinstance(part.hit, Criteria))
    if isinstance(part.hit, Collar):
        if part.hit.onset is None or part.hit.offset is None:
            raise _NotComparable("needs collars on onsets and offsets")
        found = collar_based.best_fscore(made, truth, onset_collar=part.hit.onset, offset_collar=part.hit.offset,
                                         offset_collar_rate=part.hit.ratio)[0]  # fmt: skip
    elif isinstance(part.hit, Criteria):
        found = intersection_based.best_fscore(made, truth, dtc_threshold=part.hit.dtc, gtc_threshold=part.hit.gtc)[0]
    else:
        found = segment_based.best_fscore(made, truth, lengths, segment_length=part.hit.resolution)[0]
    ours = _swept(part, scores, target)
    yield Agreement("best_macro_f1", recorded.get("best_macro_f1"), float(ours["best_macro_f1"][0]),
                    float(found["macro_average"]))  # fmt: skip


def _ranks(part: SegmentRanks, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    from sed_scores_eval import segment_based

    if part.pool != "max":
        raise _NotComparable("scores segments by their highest frame")
    labels, scores, target = _referenced(part, scores, target)
    twin = SegmentRanks(labels, part.resolution, part.max_fpr, "staircase", "max")
    ours = _swept(twin, scores, target)
    made, truth, lengths = _frames(twin, scores, target, join=True)
    for name, limit in (("mauc", None), ("mpauc", part.max_fpr)):
        value = segment_based.auroc(made, truth, lengths, segment_length=part.resolution, max_fpr=limit)[0]["mean"]
        yield Agreement(name, recorded.get(name), float(ours[name][0]), float(value))
