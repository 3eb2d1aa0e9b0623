"""CNN against Transformer: means of families with intervals over models, and rank correlations of kinds of robustness.

A family is a population of models, of which a board holds a few. So the unit here is the model, not the clip: an
interval says what other models of the family could do, and it is as wide as few models make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import sqrt

from benchbed.results.alike import subject, subjects
from benchbed.results.answers import QuestionAnswer, best_asked
from benchbed.results.families import FamilyDifference, FamilyQuestion, FamilyTable, OrderAgreement
from benchbed.results.record import Result, Value
from benchbed.stats.association import Association, association
from benchbed.types import Direction

#: What is correlated: scores and costs of the same clips are one question each.
_ROBUST = ("clean", "unseen", "noise", "attack")
#: Share of a figure on clean audio that is kept; the clean figure itself is not kept of anything.
_KEPT = ("unseen", "noise", "attack")
#: Units of what cannot be less than nothing.
_COUNTED = ("fraction", "MACs", "parameters", "bytes")


def families_of(results: Sequence[Result]) -> list[FamilyTable]:
    """Families and agreements of the models of each task and set of data that has several models.

    Parameters
    ----------
    results : sequence of Result
        Runs of any suites; figures are compared within one table only.

    Returns
    -------
    list of FamilyTable
        Recordings before synthetic data, most models first; of subjects with two families, or three models.
    """
    found = [_table(tables) for tables in subjects(results)]
    kept = [t for t in found if len(t.families) > 1 or sum(map(len, t.families.values())) > 2]
    return sorted(kept, key=lambda t: (t.synthetic, -sum(map(len, t.families.values())), t.dataset, t.task))


def mean_over_models(values: Sequence[Value], level: float = 0.95) -> Value:
    """Mean of a figure over models, with Student's interval over them.

    Parameters
    ----------
    values : sequence of Value
        The figure of each model; all are of one metric.

    Examples
    --------
    >>> made = [Value(value=v, n=9, direction="higher", unit="fraction", rule="r") for v in (0.5, 0.6, 0.7)]
    >>> mean = mean_over_models(made)
    >>> f"{mean.value:.2f} [{mean.low:.3f}, {mean.high:.3f}] {mean.interval}"
    "0.60 [0.352, 0.848] Student's t 95 %, over 3 models"
    """
    known = [value.value for value in values if value.value is not None]
    some, n = values[0], len(known)
    mean = sum(known) / n
    low = high = None
    if n > 1:
        reach = _quantile(level, n - 1) * sqrt(_variance(known) / n)
        low, high = mean - reach, mean + reach
        if some.unit in _COUNTED and min(known) >= 0:
            low = max(low, 0.0)
        if some.unit == "fraction":
            high = min(high, 1.0)
    told = f"Student's t {level * 100:g} %, over {n} models" if n > 1 else None
    reason = None if n > 1 else "one model: nothing says how far others lie from it"
    note = f"mean over {n} model{'s' if n > 1 else ''}"
    return Value(
        value=mean,
        low=low,
        high=high,
        n=min(value.n for value in values),
        direction=some.direction,
        unit=some.unit,
        rule=f"{some.rule}|mean-over-models",
        title=some.title,
        interval=told,
        reason=reason,
        note=note,
    )


def difference_over_models(first: Sequence[Value], second: Sequence[Value], level: float = 0.95) -> Value | None:
    """Mean of one family less that of another, with Welch's interval over models; none with one model on a side.

    Two families without any spread have no interval that means something.

    Examples
    --------
    >>> made = lambda *vs: [Value(value=v, n=9, direction="higher", unit="", rule="r") for v in vs]
    >>> found = difference_over_models(made(3.0, 4.0, 5.0), made(1.0, 2.0))
    >>> f"{found.value:.1f} [{found.low:.2f}, {found.high:.2f}]"
    '2.5 [0.01, 4.99]'
    """
    a = [value.value for value in first if value.value is not None]
    b = [value.value for value in second if value.value is not None]
    if len(a) < 2 or len(b) < 2:
        return None
    parts = _variance(a) / len(a), _variance(b) / len(b)
    difference, error = sum(a) / len(a) - sum(b) / len(b), sum(parts)
    some = first[0]
    low = high = None
    reason: str | None = "all models of each family have the same figure"
    if error > 0:
        # Welch and Satterthwaite: degrees of freedom where the two spreads differ.
        freedom = error**2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
        reach = _quantile(level, freedom) * sqrt(error)
        low, high, reason = difference - reach, difference + reach, None
    return Value(
        value=difference,
        low=low,
        high=high,
        n=min(value.n for value in (*first, *second)),
        direction=some.direction,
        unit=some.unit,
        rule=f"{some.rule}|difference-of-means-over-models",
        title=some.title,
        interval=f"Welch's t {level * 100:g} %, over {len(a)} and {len(b)} models" if low is not None else None,
        reason=reason,
    )


def _table(tables: Sequence[Sequence[Result]]) -> FamilyTable:
    synthetic, dataset, task = subject(tables[0][0])
    families: dict[str, list[str]] = {}
    for result in (result for table in tables for result in table):
        members = families.setdefault(result.model.family, [])
        if result.model.name not in members:
            members.append(result.model.name)
    asked = [(tables[place], answer) for place, answer in best_asked(tables)]
    questions = tuple(_question(table, answer) for table, answer in asked)
    scored = {q.answer.question: {name: value for name, _, value in q.models} for q in questions}
    kept = {answer.question: _shares(table, answer) for table, answer in asked}
    return FamilyTable(
        synthetic,
        dataset,
        task,
        {family: tuple(names) for family, names in sorted(families.items())},
        questions,
        _agreements(scored, _ROBUST),
        _agreements(kept, _KEPT),
    )


def _question(table: Sequence[Result], answer: QuestionAnswer) -> FamilyQuestion:
    models: dict[str, tuple[str, str, Value]] = {}
    for place, value in sorted(answer.values.items()):
        model = table[place].model
        # A model that was run twice is one model.
        if table[place].whole:
            models.setdefault(model.name, (model.name, model.family, value))
    members: dict[str, list[Value]] = {}
    for _, family, value in models.values():
        members.setdefault(family, []).append(value)
    differences = [
        FamilyDifference(a, b, over)
        for a, b in combinations(sorted(members), 2)
        if (over := difference_over_models(members[a], members[b])) is not None
    ]
    means = {family: mean_over_models(values) for family, values in sorted(members.items())}
    return FamilyQuestion(answer, tuple(models.values()), means, tuple(differences))


def _shares(table: Sequence[Result], answer: QuestionAnswer) -> dict[str, Value]:
    """Share of the clean figure that each model keeps, better when higher, whichever way the metric points."""
    found: dict[str, Value] = {}
    for place, value in sorted(answer.values.items()):
        clean = answer.clean.get(place)
        if clean is None or value.value is None or not clean.value or not table[place].whole:
            continue
        if value.direction == "lower" and not value.value:
            continue
        share = value.value / clean.value if value.direction == "higher" else clean.value / value.value
        kept = Value(value=share, n=value.n, direction="higher", unit="fraction", rule=f"{value.rule}|share-of-clean")
        found.setdefault(table[place].model.name, kept)
    return found


def _agreements(figures: dict[str, dict[str, Value]], wanted: Sequence[str]) -> tuple[OrderAgreement, ...]:
    found = []
    for first, second in combinations([name for name in wanted if len(figures.get(name, {})) > 1], 2):
        names = [name for name in figures[first] if name in figures[second]]
        if len(names) < 3:
            continue
        x, y = ([figures[which][name] for name in names] for which in (first, second))
        ways: tuple[Direction, Direction] = (x[0].direction, y[0].direction)
        numbers = [[value.value for value in side if value.value is not None] for side in (x, y)]
        rho = association(numbers[0], numbers[1], "spearman", directions=ways)
        tau = association(numbers[0], numbers[1], "kendall", directions=ways, chanced=False)
        n = min(value.n for value in (*x, *y))
        pair = _correlation(rho, n, "Spearman's rho"), _correlation(tau, n, "Kendall's tau-b")
        found.append(OrderAgreement(first, second, len(names), *pair, rho.chance))
    return tuple(found)


def _correlation(found: Association, clips: int, title: str) -> Value:
    return Value(
        value=found.value,
        low=found.low,
        high=found.high,
        n=clips,
        direction="higher",
        unit="",
        rule=f"rank-correlation:{found.kind}",
        title=title,
        interval=found.method,
        reason=found.reason,
        note=f"{found.n} models",
    )


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _quantile(level: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))
