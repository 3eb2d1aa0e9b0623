"""What is found of two sides alone, before it is held against whatever else is asked.

It depends on the two sides and the procedure and on no other side of the comparison, so that it may be kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.asked import Wanted, questions, scores
from benchbed.compare.contrast import contrast, contrast_score
from benchbed.compare.drawing import meaning
from benchbed.compare.figure import Figure
from benchbed.compare.matched import Robustness, robustness, robustness_of_sides
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import OpenRun
from benchbed.compare.sides import Mixed, Side, mixed
from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo


@dataclass(frozen=True)
class PairAnswer:
    """One question about two sides, a − b.

    Attributes
    ----------
    info : MetricInfo or None
        What the metric means; None where there is no difference.
    direction : str
        Which way is better.
    value, low, high : float or None
        Difference and its interval.
    p : float or None
        p-value of this pair alone.
    reason : str or None
        Why there is no difference, or what it does not cover.
    """

    info: MetricInfo | None
    direction: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    reason: str | None

    @property
    def gain(self) -> float | None:
        """How much better a is, positive whichever way the metric points."""
        return None if self.value is None else (self.value if self.direction == "higher" else -self.value)


@dataclass(frozen=True)
class TableAnswer:
    """All that a table asks about two sides, a − b.

    Attributes
    ----------
    contrasts : tuple of Contrast
        Differences of single runs, without the draws behind them.
    groups : tuple of Mixed
        Differences of groups of runs, where one side has several.
    robustness : tuple of Robustness
        At matched clean score.
    """

    contrasts: tuple[Contrast, ...]
    groups: tuple[Mixed, ...]
    robustness: tuple[Robustness, ...]


def ask_pair(
    a: Side, b: Side, figure: Figure, metric: str, procedure: Procedure, reused: ReusedParts | None = None
) -> PairAnswer:
    """The difference of two sides in one metric, or why there is none; what is `reused` is not made again."""
    found: Contrast | Mixed
    try:
        if len(a.runs) > 1 or len(b.runs) > 1 or "family" in (a.kind, b.kind):
            found = mixed(a, b, figure, metric, procedure)
        elif ":" in metric:
            found = contrast_score(a.runs[0], b.runs[0], metric, procedure)
        else:
            found = contrast(a.runs[0], b.runs[0], figure, [metric], procedure, reused=reused)[metric]
    except CannotMeasure as error:
        return PairAnswer(None, "", None, None, None, None, error.what)
    return _pair(found)


def told_by(answer: TableAnswer, figure: Figure, metric: str) -> PairAnswer | None:
    """What `ask_pair` would find of the two sides of a table, where the table measured it already; else None."""
    held: list[Contrast | Mixed] = [*answer.contrasts, *answer.groups]
    for found in held:
        measured = found.spread is not None if isinstance(found, Mixed) else found.value is not None
        if measured and (found.figure, found.metric) == (figure, metric):
            return _pair(found)
    return None


def _pair(found: Contrast | Mixed) -> PairAnswer:
    ends = found.spread if isinstance(found, Mixed) else found
    numbers = (None,) * 4 if ends is None else (ends.value, ends.low, ends.high, ends.p)
    return PairAnswer(found.info, found.direction, *numbers, found.reason)


def ask_table(
    first: Side, side: Side, wanted: Wanted, primary: str, procedure: Procedure, reused: ReusedParts | None = None
) -> TableAnswer:
    """Everything that the table says of the first side against another one; what is `reused` is not made again.

    Raises
    ------
    CannotMeasure
        None of what was asked for exists.
    """
    single = len(first.runs) == len(side.runs) == 1 and side.kind != "family"
    contrasts: list[Contrast] = []
    groups: list[Mixed] = []
    for figure, metrics in questions(first.runs[0], side.runs[0], wanted, primary):
        if single:
            contrasts += contrast(first.runs[0], side.runs[0], figure, metrics, procedure, reused=reused).values()
        else:
            groups += [mixed(first, side, figure, metric, procedure) for metric in metrics]
    for name in scores(first.runs[0], side.runs[0], wanted):
        if single:
            contrasts.append(_over_cells(first.runs[0], side.runs[0], name, procedure))
        else:
            groups.append(mixed(first, side, Figure(name.partition(":")[0]), name, procedure))
    known = {c.figure.condition: c for c in contrasts if c.metric == primary and c.figure.group is None}
    if single:
        robust = robustness(first.runs[0], side.runs[0], primary, procedure, known)
    else:
        robust = robustness_of_sides(first.runs, side.runs, primary, procedure)
    bare = [replace(one, drawn_a=None, drawn_b=None, swaps=None) for one in contrasts]
    return TableAnswer(tuple(bare), tuple(groups), tuple(robust))


def _over_cells(a: OpenRun, b: OpenRun, name: str, procedure: Procedure) -> Contrast:
    """A figure over cells; one that is undefined, or of which no draws were kept, is a row with the reason."""
    try:
        return contrast_score(a, b, name, procedure)
    except CannotMeasure as error:
        held = [run.result.scores[name] for run in (a, b)]
        why = error.what.removeprefix(f"{name} has no paired comparison: ")
        info = meaning(name, held[0])
        return Contrast(
            Figure(name.partition(":")[0]),
            name,
            info,
            info.direction,
            held[0].value,
            held[1].value,
            reason=why,
            no_mcnemar="it is about right and wrong clips",
        )
