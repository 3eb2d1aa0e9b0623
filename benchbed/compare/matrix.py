"""Every model against every other one in a few questions: clean audio, unseen devices, what is kept under perturbation.

A row of the table of differences says how the first model stands to each of the others; which of those others differ
among each other is said here. Every question is corrected over its own pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest
from typing import Any

from benchbed.compare.answer import Procedure
from benchbed.compare.answered import AnsweredPairs
from benchbed.compare.drawing import meaning
from benchbed.compare.figure import Figure, recipes
from benchbed.compare.reused import ReusedParts
from benchbed.compare.sides import Side
from benchbed.compare.uncorrected import PairAnswer, TableAnswer, ask_pair, told_by
from benchbed.metrics.contract import MetricInfo
from benchbed.stats.correction import adjust

#: Figures over cells and groups that are asked beside clean audio, where every side has them.
OVER_CELLS, GROUPS = ("robustness:retention",), ("devices=unseen",)


@dataclass(frozen=True)
class PairEntry:
    """One pair of one matrix, a − b.

    Attributes
    ----------
    a, b : str
        The two sides.
    value, low, high : float or None
        Difference and its interval.
    p, p_adjusted : float or None
        Before and after the correction over the pairs.
    verdict : str
        `win`, `loss` or `tie` of a against b, or `unmeasured`.
    reason : str or None
        Why there is no difference.
    """

    a: str
    b: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    reason: str | None = None


@dataclass(frozen=True)
class PairMatrix:
    """One question asked of every pair of sides.

    Attributes
    ----------
    figure : Figure
        Which clips.
    metric : str
        Which metric, or figure over cells.
    info : MetricInfo
        What it means.
    direction : str
        Which way is better.
    names : tuple of str
        The sides, in their order.
    entries : tuple of PairEntry
        The pairs, each once.
    """

    figure: Figure
    metric: str
    info: MetricInfo
    direction: str
    names: tuple[str, ...]
    entries: tuple[PairEntry, ...]

    def as_json(self) -> dict[str, Any]:
        """The matrix for programs and pages."""
        return {
            "condition": self.figure.condition,
            "group": self.figure.group,
            "metric": self.metric,
            "title": self.info.title,
            "unit": self.info.unit,
            "direction": self.direction,
            "names": list(self.names),
            "entries": [vars(entry) for entry in self.entries],
        }


def matrices(
    sides: Sequence[Side],
    primary: str,
    procedure: Procedure,
    answered: AnsweredPairs | None = None,
    reused: ReusedParts | None = None,
    tables: Sequence[TableAnswer] = (),
) -> list[PairMatrix]:
    """Ask every pair of three or more sides; of two, the table of differences says it all.

    A side of several seeds is compared by its mean, with the spread of its members beside that of the recordings. Pairs
    that were `answered` before are not asked again, nor what the `tables` of the first side against each other one say
    already; and what is `reused` of a side is not made for each of its pairs.
    """
    if len(sides) < 3:
        return []
    known, reused = answered or AnsweredPairs(), reused or ReusedParts()
    return [
        _matrix(sides, figure, metric, procedure, known, reused, tables) for figure, metric in _asked(sides, primary)
    ]


def _asked(sides: Sequence[Side], primary: str) -> Iterator[tuple[Figure, str]]:
    runs = [run for side in sides for run in side.runs]
    clean = all(any(key.endswith("/clean") for key in run.sums.cells) for run in runs)
    if clean:
        yield Figure("clean"), primary
        for group in GROUPS:
            if all(group in recipes(run.sums) for run in runs):
                yield Figure("clean", group), primary
    for name in OVER_CELLS:
        if all((value := run.result.scores.get(name)) is not None and value.value is not None for run in runs):
            yield Figure(name.partition(":")[0]), name


def _matrix(
    sides: Sequence[Side],
    figure: Figure,
    metric: str,
    procedure: Procedure,
    answered: AnsweredPairs,
    reused: ReusedParts,
    tables: Sequence[TableAnswer],
) -> PairMatrix:
    pairs = list(combinations(sides, 2))
    question = f"pair {figure!r} {metric}"

    def made(a: Side, b: Side, table: TableAnswer | None) -> PairAnswer:
        told = None if table is None else told_by(table, figure, metric)
        return told or ask_pair(a, b, figure, metric, procedure, reused)

    def asked(a: Side, b: Side, table: TableAnswer | None) -> PairAnswer:
        return answered.ask(question, a, b, lambda: made(a, b, table))

    # The pairs of the first side come first.
    answers = [asked(a, b, table) for (a, b), table in zip_longest(pairs, tables)]
    # Every pair pays for all others, which may be other ones than when it was asked.
    adjusted = adjust({str(i): one.p for i, one in enumerate(answers)}, "holm")
    told = next((one for one in answers if one.info is not None), None)
    info = told.info if told is not None and told.info is not None else _meaning(sides[0], metric)
    entries = [
        PairEntry(
            a.name,
            b.name,
            one.value,
            one.low,
            one.high,
            one.p,
            p := adjusted[str(i)],
            judged(one.gain, p, procedure.alpha),
            one.reason,
        )
        for i, ((a, b), one) in enumerate(zip(pairs, answers))
    ]
    direction = told.direction if told is not None else info.direction
    return PairMatrix(figure, metric, info, direction, tuple(side.name for side in sides), tuple(entries))


def _meaning(side: Side, metric: str) -> MetricInfo:
    result = side.runs[0].result
    return meaning(metric, result.scores[metric] if metric in result.scores else result.cells[0].metrics[metric])


def judged(gain: float | None, p: float | None, alpha: float) -> str:
    """What a gain and its p-value show: `win`, `loss`, `tie`, or `unmeasured`.

    Examples
    --------
    >>> judged(0.1, 0.01, 0.05), judged(-0.1, 0.01, 0.05), judged(0.1, 0.2, 0.05), judged(None, None, 0.05)
    ('win', 'loss', 'tie', 'unmeasured')
    """
    if gain is None or p is None:
        return "unmeasured"
    if p >= alpha:
        return "tie"
    return "win" if gain > 0 else "loss"
