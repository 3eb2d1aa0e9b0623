"""Single-label clip classification: acoustic scenes, keywords, environmental sounds.

The statistics of a clip are counts per class (reference, correct, output), its log loss under its reference class, its
Brier score, top-k hits and its place in the reliability bins. They need four numbers per class, not a square, so that
a bootstrap over 527 classes stays small; the confusion matrix is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, LabelledTable, MetricInfo
from benchbed.metrics.pairwise import summed

#: Floor of a probability in the log loss: the spacing of float64 at 1, as scikit-learn has it for float64 input.
FLOOR = 2.220446049250313e-16

#: What the column of answers that the dataset has no class for is called.
OUTSIDE = "(another class of the model)"

_OF_PROBABILITIES = ("log_loss", "macro_log_loss", "brier", "ece")

#: A row of scores is read as probabilities if it sums to one within this; rounded csv files still pass.
SUM_TOLERANCE = 0.01


def family(
    labels: Sequence[str],
    *,
    top_k: Sequence[int] = (3, 5),
    bins: int = 15,
    outside: int = 0,
    closed_of: int | None = None,
) -> Classification:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    top_k : sequence of int, default=(3, 5)
        Ranks of top-k accuracy; those not smaller than the number of classes are left out.
    bins : int, default=15
        Equal-width confidence bins of the calibration error.
    outside : int, default=0
        Classes of the model that the dataset lacks: so many more columns of scores, and an answer among them is wrong.
    closed_of : int, optional
        Classes of a model whose scores were cut down to those of the dataset, as if it knew no other ones. Every rule
        then says `closed-set-4-of-12`.

    Examples
    --------
    >>> rows = family(("bus", "tram")).statistics(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    >>> float(family(("bus", "tram")).values(rows.sum(axis=0))["macro_accuracy"])
    0.5
    """
    return Classification(tuple(labels), tuple(top_k), bins, outside, closed_of)


def example(generator: np.random.Generator, clips: int) -> tuple[Classification, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it, as every family gives them to the contract tests.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 4)
    >>> scores.shape, target.shape
    ((4, 4), (4,))
    """
    made = family(("airport", "bus", "park", "tram"))
    return made, generator.dirichlet(np.full(4, 0.5), clips), generator.integers(0, 4, clips)


class Classification(Family):
    """Metrics of clips with one class each, from class probabilities `[clip, class]` and class numbers `[clip]`.

    Scores that are not probabilities (outside 0…1 or not summing to one) still give accuracies; the metrics that need
    probabilities are then undefined and say so. So they are where every clip has one class with 1 and else zeros, or
    the same for all: those are decisions, and a log loss of them counts errors in units of a floor.
    """

    output = "scene"
    primary = "macro_accuracy"
    right = "accuracy"

    def __init__(
        self,
        labels: tuple[str, ...],
        top_k: tuple[int, ...] = (3, 5),
        bins: int = 15,
        outside: int = 0,
        closed_of: int | None = None,
    ) -> None:
        if len(labels) < 2 or len(set(labels)) != len(labels):
            raise ConfigError(f"classification needs at least two different classes, not {list(labels)}")
        if bins < 1 or any(k < 2 for k in top_k):
            raise ConfigError("top_k starts at 2 and bins at 1", where=f"top_k={list(top_k)}, bins={bins}")
        if outside < 0 or (closed_of is not None and (outside or closed_of <= len(labels))):
            raise ConfigError(
                f"outside={outside}, closed_of={closed_of} for {len(labels)} classes",
                hint="classes beside those of the dataset, or how many classes a model has in all",
            )
        self.labels = labels
        #: Columns of scores: the dataset's classes, then those that only the model knows.
        self.columns = len(labels) + outside
        # An answer beside the dataset's classes is in no count but that of the clips, so models that know more have
        # the same statistics, and can be compared.
        count = len(labels)
        self.top_k = tuple(sorted({k for k in top_k if k < len(labels)}))
        self.bins = bins
        self._count, self._correct = slice(0, count), slice(count, 2 * count)
        self._output, self._loss = slice(2 * count, 3 * count), slice(3 * count, 4 * count)
        self._brier, self._improper = 4 * count, 4 * count + 1
        self._top = slice(4 * count + 2, 4 * count + 2 + len(self.top_k))
        self._bins = slice(self._top.stop, self._top.stop + 3 * bins)
        self._decided, self._even = self._bins.stop, self._bins.stop + 1
        cut = "" if closed_of is None else f":closed-set-{len(labels)}-of-{closed_of}"
        self.metrics = {
            k: replace(info, rule=info.rule + cut) for k, info in _metrics(self.columns, self.top_k, bins).items()
        }
        self.class_metrics = {k: replace(info, rule=info.rule + cut) for k, info in _class_metrics().items()}

    @property
    def width(self) -> int:
        """Number of statistics."""
        return self._even + 1

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each clip, `[clip, statistic]` float64.

        Parameters
        ----------
        scores : np.ndarray [shape=(clip, class)]
            Probabilities in the order of `labels`, then of the model's other classes.
        target : np.ndarray [shape=(clip,), int]
            Reference class numbers.

        Raises
        ------
        CannotMeasure
            Wrong shapes, scores that are not finite, or class numbers outside the labels.
        """
        return self.grouped(scores, target, np.arange(len(scores)), len(scores))

    def grouped(self, scores: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
        """Statistics summed over the clips of each group, `[group, statistic]`; arguments as in `statistics`."""
        scores, target = self._checked(scores, target)
        classes, clips = len(self.labels), np.arange(len(scores))
        output = scores.argmax(axis=1)
        hit = (output == target).astype(np.float64)
        reference = scores[clips, target]
        improper = (scores.min(axis=1, initial=0.0) < 0) | (np.abs(scores.sum(axis=1) - 1) > SUM_TOLERANCE)
        proper = (~improper).astype(np.float64)

        # Sum of squares once over the row instead of an array of differences from the one-hot reference.
        brier = np.einsum("ij,ij->i", scores, scores) - 2 * reference + 1
        loss = -np.log(np.clip(reference, FLOOR, 1.0))
        confidence = scores[clips, output]
        bin_of = np.clip(np.ceil(confidence * self.bins).astype(np.int64) - 1, 0, self.bins - 1)
        first_bin = self._bins.start
        least, most = scores.min(axis=1, initial=np.inf), scores.max(axis=1, initial=-np.inf)
        decided = (most == 1) & ((scores != 0).sum(axis=1) == 1)

        def entries() -> Iterator[tuple[np.ndarray | int, np.ndarray | float]]:
            # One at a time: of a large cell they are a dozen numbers for each clip.
            yield target, 1.0
            yield classes + target, hit
            yield 2 * classes + np.minimum(output, classes - 1), output < classes
            yield 3 * classes + target, loss * proper
            yield self._brier, brier * proper
            yield self._improper, 1 - proper
            yield first_bin + bin_of, proper
            yield first_bin + self.bins + bin_of, confidence * proper
            yield first_bin + 2 * self.bins + bin_of, hit * proper
            yield self._decided, decided
            yield self._even, least == most
            if self.top_k:
                rank = self._rank(scores, target, reference)
                for i, k in enumerate(self.top_k):
                    yield self._top.start + i, rank < k

        shape = 11 + len(self.top_k), len(scores)
        cells, weights = np.empty(shape, np.int64), np.empty(shape)
        for place, (column, weight) in enumerate(entries()):
            cells[place], weights[place] = column, weight
        cells += np.asarray(group, np.int64) * self.width
        sums = np.bincount(cells.reshape(-1), weights=weights.reshape(-1), minlength=groups * self.width)
        return sums.reshape(groups, self.width)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without clips or without probabilities."""
        return self.some_values(sums, self.metrics)

    def some_values(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those metrics alone; a perturbed cell keeps one of nine."""
        # Only what is asked for: most cells show one metric of nine, in a thousand draws.
        clips = cache(lambda: sums[..., self._count].sum(axis=-1))
        decided = cache(lambda: self._of_decisions(sums))
        proper = cache(lambda: np.where((sums[..., self._improper] > 0) | decided(), np.nan, 1.0))
        over_classes = {"macro_accuracy": "recall", "macro_f1": "f1", "macro_log_loss": "log_loss"}
        per_class = self.some_per_class(sums, {over_classes[name] for name in names if name in over_classes})

        def calibration() -> np.ndarray:
            _, confidence, correct = self._bin_sums(sums)
            return _ratio(np.abs(correct - confidence).sum(axis=-1), clips()) * proper()

        figures: dict[str, Callable[[], np.ndarray]] = {
            **{name: partial(self._mean_over_present, per_class, of, sums) for name, of in over_classes.items()},
            "accuracy": lambda: _ratio(sums[..., self._correct].sum(axis=-1), clips()),
            "log_loss": lambda: _ratio(sums[..., self._loss].sum(axis=-1), clips()) * proper(),
            "brier": lambda: _ratio(sums[..., self._brier], clips()) * proper(),
            "ece": calibration,
        }
        values = {name: figures[name]() for name in self.metrics if name in names and name in figures}
        for i, k in enumerate(self.top_k):
            if f"top{k}_accuracy" in names:
                values[f"top{k}_accuracy"] = np.where(
                    decided(), np.nan, _ratio(sums[..., self._top.start + i], clips())
                )
        return values

    @property
    def whole_numbers(self) -> np.ndarray | None:
        """All but losses, Brier score and confidences."""
        first, bins = self._bins.start, self.bins
        confidence = np.arange(first + bins, first + 2 * bins)
        return np.setdiff1d(np.arange(self.width), np.r_[self._loss, self._brier, confidence])

    def needed(self, names: Collection[str]) -> np.ndarray | None:
        """Counts alone, for metrics of decisions."""
        hits = {"macro_accuracy", "accuracy", "recall"}
        if hits.issuperset(names):
            return np.arange(self._correct.stop)
        return np.arange(self._output.stop) if (hits | {"macro_f1", "precision", "f1"}).issuperset(names) else None

    def values_of_counts(self, counts: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Metrics of decisions from references, hits and perhaps outputs of each class, `[…, 2 or 3 × class, draw]`."""
        count, correct = counts[..., self._count, :], counts[..., self._correct, :]
        present = count > 0

        def mean_over_present(over: np.ndarray, under: np.ndarray) -> np.ndarray:
            # Where there are no references of a class there are no hits.
            values = np.divide(over, np.where(present, under, 1.0))
            return _ratio(summed(values), present.sum(axis=-2))

        made: dict[str, Callable[[], np.ndarray]] = {
            "macro_accuracy": lambda: mean_over_present(correct, count),
            "accuracy": lambda: _ratio(correct.sum(axis=-2), count.sum(axis=-2)),
            "macro_f1": lambda: mean_over_present(2 * correct, count + counts[..., self._output, :]),
        }
        return {name: make() for name, make in made.items() if name in names}

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Recall, precision, F1 and log loss of each class, `[..., class]`; NaN where the denominator is zero."""
        return self.some_per_class(sums, self.class_metrics)

    def some_per_class(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those values of each class alone."""
        count, correct, output, loss = (sums[..., at] for at in (self._count, self._correct, self._output, self._loss))
        made: dict[str, Callable[[], np.ndarray]] = {
            "recall": lambda: _ratio(correct, count),
            "precision": lambda: _ratio(correct, output),
            "f1": lambda: _ratio(2 * correct, count + output),
            "log_loss": lambda: (
                _ratio(loss, count)
                * np.where((sums[..., self._improper] > 0) | self._of_decisions(sums), np.nan, 1.0)[..., None]
            ),
        }
        return {name: make() for name, make in made.items() if name in names}

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference clips of each class, `[..., class]`."""
        return sums[..., self._count]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        if sums[self._count].sum() == 0:
            return dict.fromkeys([*self.metrics, *self.class_metrics], "no clips")
        improper = int(sums[self._improper])
        if self._of_decisions(sums):
            why = "hard decisions: every score is 0 or 1, so there is no probability and no second choice"
            return dict.fromkeys((*_OF_PROBABILITIES, *(f"top{k}_accuracy" for k in self.top_k)), why)
        why = f"the scores of {improper} clips are not probabilities"
        return dict.fromkeys(_OF_PROBABILITIES, why) if improper else {}

    def reliability(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Reliability bins from summed statistics: `edges` `[bin + 1]`; `count`, `confidence`, `accuracy` `[..., bin]`.

        A bin holds the clips whose highest probability lies in (lower edge, upper edge].
        """
        count, confidence, correct = self._bin_sums(sums)
        return {
            "edges": np.linspace(0, 1, self.bins + 1),
            "count": count,
            "confidence": _ratio(confidence, count),
            "accuracy": _ratio(correct, count),
        }

    def confusion(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Clips by reference class (row) and output class (column), `[class, column]` int64.

        Examples
        --------
        >>> family(("bus", "tram")).confusion(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1])).tolist()
        [[1, 0], [1, 0]]
        """
        scores, target = self._checked(scores, target)
        classes = len(self.labels)
        # All that only the model knows is one column.
        columns = classes + (self.columns > classes)
        cells = target * columns + np.minimum(scores.argmax(axis=1), classes)
        return np.bincount(cells, minlength=classes * columns).reshape(classes, columns)

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """`confusion` (clips, reference × output) and, for probabilities, `reliability` (bin × what it holds)."""
        confusion = self.confusion(scores, target).astype(np.float64)
        outputs = (*self.labels, *([OUTSIDE] if self.columns > len(self.labels) else []))
        tables = {"confusion": LabelledTable(self.labels, outputs, confusion, "reference", "output", "clips")}
        if sums[self._improper] == 0 and not self._of_decisions(sums):
            bins = self.reliability(sums)
            names = tuple(f"{low:.3f}…{high:.3f}" for low, high in zip(bins["edges"], bins["edges"][1:]))
            columns = ("clips", "confidence", "accuracy")
            values = np.column_stack([bins["count"], bins["confidence"], bins["accuracy"]])
            tables["reliability"] = LabelledTable(
                names, columns, values, "confidence bin", "mean in bin", "clips, fraction"
            )
        return tables

    def _checked(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, target = np.asarray(scores, np.float64), np.asarray(target)
        if scores.shape != (len(target), self.columns):
            raise CannotMeasure(
                f"scores of shape {list(scores.shape)} for {len(target)} clips and {self.columns} classes"
            )
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            raise CannotMeasure(f"scores of {int((~finite).sum())} clips are not finite")
        if target.dtype.kind not in "iu" and target.size:
            raise CannotMeasure(f"reference classes must be class numbers, not {target.dtype}")
        target = target.astype(np.int64)
        if target.size and (target.min() < 0 or target.max() >= len(self.labels)):
            raise CannotMeasure(f"reference class numbers outside 0…{len(self.labels) - 1}")
        return scores, target

    def _rank(self, scores: np.ndarray, target: np.ndarray, reference: np.ndarray) -> np.ndarray:
        # Equal scores rank by class number, so that rank 0 and argmax agree.
        above = (scores > reference[:, None]).sum(axis=1)
        tied = scores == reference[:, None]
        return above + (tied & (np.arange(self.columns) < target[:, None])).sum(axis=1)

    def _of_decisions(self, sums: np.ndarray) -> np.ndarray:
        if sums.shape[-1] <= self._even:
            return np.zeros(sums.shape[:-1], bool)  # sums of versions that did not tell
        clips = sums[..., self._count].sum(axis=-1)
        decided, even = sums[..., self._decided], sums[..., self._even]
        return np.asarray((decided > 0) & (decided + even >= clips))

    def _bin_sums(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first = self._bins.start
        count, confidence, correct = (sums[..., first + i * self.bins : first + (i + 1) * self.bins] for i in range(3))
        return count, confidence, correct

    def _mean_over_present(self, per_class: Mapping[str, np.ndarray], of: str, sums: np.ndarray) -> np.ndarray:
        values = per_class[of]
        present = self.class_counts(sums) > 0
        return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1))


def baselines(counts: Sequence[int], *, top_k: Sequence[int] = (3, 5)) -> dict[str, dict[str, float]]:
    """What three models that hear nothing score on references with these class counts.

    `uniform` guesses every class with the same probability, `majority` always answers the commonest class, `prior`
    gives the class frequencies as its probabilities. Accuracies of `uniform` are expected values.

    Parameters
    ----------
    counts : sequence of int
        Reference clips of each class.
    top_k : sequence of int
        Ranks of top-k accuracy.

    Raises
    ------
    CannotMeasure
        There are no clips.

    Examples
    --------
    >>> table = baselines([30, 10], top_k=())
    >>> table["majority"], round(table["uniform"]["log_loss"], 4)
    ({'macro_accuracy': 0.5, 'accuracy': 0.75}, 0.6931)
    """
    counts_array = np.asarray(counts, np.float64)
    clips, classes = counts_array.sum(), len(counts_array)
    if clips == 0:
        raise CannotMeasure("no clips to take baselines of")
    share = counts_array / clips
    present = share[share > 0]
    frequent = np.sort(share)[::-1]
    uniform = {
        "macro_accuracy": 1 / classes,
        "accuracy": 1 / classes,
        "log_loss": math.log(classes),
        "macro_log_loss": math.log(classes),
        "brier": 1 - 1 / classes,
    }
    # Its answers are decisions: without probabilities they have no log loss but that of a floor.
    majority = {"macro_accuracy": 1 / len(present), "accuracy": float(frequent[0])}
    prior = {
        "macro_accuracy": 1 / len(present),
        "accuracy": float(frequent[0]),
        "log_loss": float(-(present * np.log(present)).sum()),
        "macro_log_loss": float(-np.log(present).mean()),
        "brier": float(1 - (share**2).sum()),
    }
    for k in (k for k in top_k if k < classes):
        uniform[f"top{k}_accuracy"] = k / classes
        prior[f"top{k}_accuracy"] = float(frequent[:k].sum())
    return {"uniform": uniform, "majority": majority, "prior": prior}


def _metrics(classes: int, top_k: tuple[int, ...], bins: int) -> dict[str, MetricInfo]:
    def share(title: str, rule: str, chance: float | None) -> MetricInfo:
        return MetricInfo(title, rule, "fraction", "higher", chance, 0.0, 1.0)

    def nats(title: str, rule: str) -> MetricInfo:
        return MetricInfo(title, rule, "nats", "lower", math.log(classes), 0.0, -math.log(FLOOR))

    metrics = {
        "macro_accuracy": share("Macro accuracy", "macro_accuracy:present-classes", 1 / classes),
        "accuracy": share("Accuracy", "accuracy:argmax-first", 1 / classes),
        "macro_f1": share("Macro F1", "macro_f1:present-classes", None),
        "log_loss": nats("Log loss", "log_loss:float64-eps2.2e-16"),
        "macro_log_loss": nats("Macro log loss", "macro_log_loss:float64-eps2.2e-16:present-classes"),
        "brier": MetricInfo("Brier score", "brier:sum-over-classes", "score", "lower", 1 - 1 / classes, 0.0, 2.0),
        "ece": MetricInfo(
            "Expected calibration error",
            f"ece:{bins}-equal-width:top-label",
            "fraction",
            "lower",
            None,
            0.0,
            1.0,
            no_interval="resampling inflates a calibration error",
        ),
    }
    for k in top_k:
        metrics[f"top{k}_accuracy"] = share(f"Top-{k} accuracy", f"top{k}_accuracy:lower-index-first", k / classes)
    return metrics


def _class_metrics() -> dict[str, MetricInfo]:
    def share(title: str, rule: str) -> MetricInfo:
        return MetricInfo(title, rule, "fraction", "higher", None, 0.0, 1.0)

    return {
        "recall": share("Class-wise accuracy", "class_accuracy:recall"),
        "precision": share("Precision", "precision:undefined-without-output"),
        "f1": share("F1", "f1:undefined-without-reference-and-output"),
        "log_loss": MetricInfo("Log loss", "log_loss:float64-eps2.2e-16", "nats", "lower", None, 0.0, -math.log(FLOOR)),
    }


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    over, under = np.broadcast_arrays(over, under)
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)
