"""From counts of hits, references and outputs to F1, error rate and accuracy, by named rules.

Rules
-----
`benchbed`
    Whole microseconds. Macro means run over classes that have reference events; a class that is never output scores 0
    there, as DCASE asks. A rate over no references is undefined.
`sed_eval:zero_score`, `sed_eval:default`
    What sed_eval 0.2.1 computes with `empty_system_output_handling="zero_score"` and without, including what its users
    should know: without `zero_score` a class that is never output leaves the macro mean, so one class right and one
    missed give a macro F1 of 1; a class with false alarms and no reference events has an error rate near 4.5e15, and
    so has the macro mean; times are compared in binary floating point.

What else is known about sed_eval 0.2.1
---------------------------------------
- Its segment-based class takes no `empty_system_output_handling`; the attribute has to be set on the object.
- Without a stated length, a recording ends with the last event of either list, which changes true negatives and with
  them accuracy and specificity, but neither F1 nor error rate. Here the recording's own length is used where known.
- It scores one recording per call and refuses lists of several.
- An event without length counts: as an event with collars, and as one segment unless it lies on a border. Here such
  events are an error unless `Policy(length="keep")` asks for them.
- Matching compares every pair of events in Python: 2,000 events in one recording take 11 s.
- Overlapping events of one class count as several with collars and as one on segments. Here they are joined first,
  and counted, unless `Policy(overlap="keep")` asks for them.
- Where several largest matchings exist, which one is found decides how many leftover events pair up as substitutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.ratios import ratio

Rule = Literal["benchbed", "sed_eval:zero_score", "sed_eval:default"]
RULES = ("benchbed", "sed_eval:zero_score", "sed_eval:default")
EPS = np.spacing(1)


@dataclass(frozen=True)
class EventCounts:
    """Summed counts, each `[…, class]`, and `[…]` for the three kinds of errors.

    Attributes
    ----------
    hit, reference, output : np.ndarray [shape=(…, class)]
        Hits, references, outputs.
    substitutions, deletions, insertions : np.ndarray [shape=(…,)]
        Errors of all classes together.
    negative : np.ndarray [shape=(…, class)], optional
        Segments without the class, where segments are counted.
    """

    hit: np.ndarray
    reference: np.ndarray
    output: np.ndarray
    substitutions: np.ndarray
    deletions: np.ndarray
    insertions: np.ndarray
    negative: np.ndarray | None = None


def check_rule(rule: str) -> None:
    """Raise ConfigError for an unknown rule."""
    if rule not in RULES:
        raise ConfigError(f"unknown rule '{rule}'", hint=f"one of {', '.join(RULES)}")


def clock(rule: str) -> Literal["integer", "float"]:
    """How a rule compares times."""
    return "integer" if rule == "benchbed" else "float"


def values(counts: EventCounts, rule: str) -> dict[str, np.ndarray]:
    """Every figure over all classes, `[…]`."""
    each = per_class(counts, rule)
    hit, reference, output = (x.sum(axis=-1) for x in (counts.hit, counts.reference, counts.output))
    own = rule == "benchbed"
    f_measures = _f_measure(hit, reference, output, rule)
    errors = counts.substitutions, counts.deletions, counts.insertions
    rates = [_rate(error, reference, own) for error in errors]
    figures = {
        "micro_f1": f_measures["f1"],
        "micro_precision": f_measures["precision"],
        "micro_recall": f_measures["recall"],
        "macro_f1": _macro(each["f1"], counts, own),
        # A class that is there but never output has no precision of its own; in the mean it is worth nothing.
        "macro_precision": _macro(
            np.where(counts.output > 0, each["precision"], 0.0) if own else each["precision"], counts, own
        ),
        "macro_recall": _macro(each["recall"], counts, own),
        "error_rate": rates[0] + rates[1] + rates[2],
        "substitution_rate": rates[0],
        "deletion_rate": rates[1],
        "insertion_rate": rates[2],
        "macro_error_rate": _macro(each["error_rate"], counts, own),
    }
    if counts.negative is not None:
        figures |= _accuracy(hit, reference, output, counts.negative.sum(axis=-1), own)
        for name in ("sensitivity", "specificity", "balanced_accuracy", "accuracy"):
            figures[f"macro_{name}"] = _macro(each[name], counts, own)
    return figures


def per_class(counts: EventCounts, rule: str) -> dict[str, np.ndarray]:
    """Every figure of each class, `[…, class]`."""
    own = rule == "benchbed"
    made = _f_measure(counts.hit, counts.reference, counts.output, rule)
    false, missed = counts.output - counts.hit, counts.reference - counts.hit
    deletion, insertion = (_rate(error, counts.reference, own) for error in (missed, false))
    made |= {"error_rate": deletion + insertion, "deletion_rate": deletion, "insertion_rate": insertion}
    if counts.negative is not None:
        made |= _accuracy(counts.hit, counts.reference, counts.output, counts.negative, own)
    return made


def infos(rule: str, what: str, accuracy: bool) -> tuple[dict[str, MetricInfo], dict[str, MetricInfo]]:
    """Meanings of all figures and of the per-class ones; `what` names the units, collars and thresholds."""

    def share(title: str, name: str) -> MetricInfo:
        return MetricInfo(title, f"{name}:{rule}:{what}", "fraction", "higher", None, 0.0, 1.0)

    def error(title: str, name: str) -> MetricInfo:
        return MetricInfo(title, f"{name}:{rule}:{what}", "errors per reference", "lower", None, 0.0, None)

    metrics = {
        "micro_f1": share("F1", "micro_f1"),
        "micro_precision": share("Precision", "micro_precision"),
        "micro_recall": share("Recall", "micro_recall"),
        "macro_f1": share("Macro F1", "macro_f1"),
        "macro_precision": share("Macro precision", "macro_precision"),
        "macro_recall": share("Macro recall", "macro_recall"),
        "error_rate": error("Error rate", "error_rate"),
        "substitution_rate": error("Substitution rate", "substitution_rate"),
        "deletion_rate": error("Deletion rate", "deletion_rate"),
        "insertion_rate": error("Insertion rate", "insertion_rate"),
        "macro_error_rate": error("Macro error rate", "macro_error_rate"),
    }
    each = {
        "f1": share("F1", "f1"),
        "precision": share("Precision", "precision"),
        "recall": share("Recall", "recall"),
        "error_rate": error("Error rate", "error_rate"),
        "deletion_rate": error("Deletion rate", "deletion_rate"),
        "insertion_rate": error("Insertion rate", "insertion_rate"),
    }
    if accuracy:
        for name in ("sensitivity", "specificity", "balanced_accuracy", "accuracy"):
            title = name.replace("_", " ")
            metrics[name] = share(title.capitalize(), name)
            metrics[f"macro_{name}"] = share(f"Macro {title}", f"macro_{name}")
            each[name] = share(title.capitalize(), name)
    return metrics, each


def _f_measure(hit: np.ndarray, reference: np.ndarray, output: np.ndarray, rule: str) -> dict[str, np.ndarray]:
    precision, recall = ratio(hit, output), ratio(hit, reference)
    if rule == "benchbed":
        # Undefined only where nothing was there and nothing was output.
        return {"f1": ratio(2 * hit, reference + output), "precision": precision, "recall": recall}
    if rule == "sed_eval:zero_score":
        precision = np.where(output == 0, 0.0, precision)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.full(both.shape, np.nan), where=both > 0)
    return {"f1": np.where((precision == 0) & (recall == 0), 0.0, f1), "precision": precision, "recall": recall}


def _accuracy(
    hit: np.ndarray, reference: np.ndarray, output: np.ndarray, negative: np.ndarray, own: bool
) -> dict[str, np.ndarray]:
    right = negative - (output - hit)
    sensitivity, specificity = _rate(hit, reference, own), _rate(right, negative, own)
    return {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "accuracy": _rate(hit + right, reference + negative, own),
    }


def _rate(over: np.ndarray, under: np.ndarray, own: bool) -> np.ndarray:
    return ratio(over, under) if own else over / (under + EPS)


def _macro(each: np.ndarray, counts: EventCounts, own: bool) -> np.ndarray:
    if own:
        each = np.where(counts.reference > 0, each, np.nan)
    held = ~np.isnan(each)
    return ratio(np.where(held, each, 0.0).sum(axis=-1), held.sum(axis=-1))
