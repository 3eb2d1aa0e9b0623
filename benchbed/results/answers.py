"""What a run says to the questions that are asked of every model: clean, unseen devices, noise, attack, cost.

A record has hundreds of figures; a first page has room for these. They are picked from records of one table, so that a
column is one quantity, on the same clips, at the same budget. Only a score for each million MACs is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean

from benchbed.results.conditions import curve_of, setting, without_gradient
from benchbed.results.record import Cell, Result, Value

#: Score of all corruption cells of a group together, and that of all groups.
_GROUP, _MEAN, _MCE = "robustness:group/", "robustness:corruption_mean", "robustness:mce"
#: Score of one attack at one budget.
_ROBUST = "adversarial:robust_accuracy/"

#: Every question, in the order in which they are asked.
QUESTIONS = ("clean", "unseen", "noise", "attack", "macs", "per_mac")


@dataclass(frozen=True)
class QuestionAnswer:
    """One question, asked of the runs of one table.

    Attributes
    ----------
    question : str
        `clean`, `unseen`, `noise`, `attack`, `macs` or `per_mac`.
    title : str
        The question in words.
    about : str
        Which figure answers it, in words.
    values : dict of int to Value
        Figure of each run that has one, by its place among the runs.
    clean : dict of int to Value
        The same metric on the same clips when clean, where that is another figure: what is kept is their ratio.
    """

    question: str
    title: str
    about: str
    values: dict[int, Value]
    clean: dict[int, Value] = field(default_factory=dict)


def leading(results: Sequence[Result]) -> str:
    """The figure by which runs of one suite are ranked: what is left where it corrupts or attacks, else its metric.

    Of a suite that corrupts, mCE where it declares a reference model, else the ranking metric, averaged over
    corruptions; of a suite that only attacks, robust accuracy under its first attack, at the budget of that answer.

    Examples
    --------
    >>> leading([])
    ''
    """
    for name in (_MCE, _MEAN):
        if any((value := result.scores.get(name)) is not None and value.value is not None for result in results):
            return name
    chosen = attacked_cells(results)
    if chosen:
        name = _ROBUST + next(iter(chosen.values())).key.split("/", 2)[2]
        if all(name in results[place].scores for place in chosen):
            return name
    return results[0].primary if results else ""


def ranking_value(result: Result, name: str) -> Value | None:
    """The figure that ranks a run, or none: of an attack that failed a check, no figure may rank."""
    condition = name.removeprefix(_ROBUST)
    if name.startswith(_ROBUST) and any(c.key.split("/", 2)[2] == condition and not c.ranked for c in result.cells):
        return None
    return result.scores.get(name) if name != result.primary else clean_value(result)


def answers(results: Sequence[Result]) -> list[QuestionAnswer]:
    """What runs of one table say to each question that any of them answers.

    Parameters
    ----------
    results : sequence of Result
        Runs of one suite on the same clips.

    Returns
    -------
    list of QuestionAnswer
        In the order in which they are asked.
    """
    asked: list[Callable[[Sequence[Result]], QuestionAnswer | None]] = [
        _clean,
        _unseen,
        _noise,
        _attack,
        _macs,
        _per_mac,
    ]
    found = [ask(results) for ask in asked]
    return [answer for answer in found if answer is not None and answer.values]


def best_asked(tables: Sequence[Sequence[Result]]) -> list[tuple[int, QuestionAnswer]]:
    """Each question with the table that answers it for the most models, then on the most clips, in the fewest cells.

    Parameters
    ----------
    tables : sequence of sequence of Result
        Tables about one task on one set of data.

    Returns
    -------
    list of (int, QuestionAnswer)
        Place of the table, and the answer of its runs, in the order in which questions are asked.
    """
    found: dict[str, list[tuple[tuple[int, int, int], int, QuestionAnswer]]] = {}
    for place, table in enumerate(tables):
        for answer in answers(table):
            merit = len(answer.values), table[0].dataset.clips, -len(table[0].cells)
            found.setdefault(answer.question, []).append((merit, place, answer))
    chosen = [max(held, key=lambda one: (one[0], -one[1])) for held in found.values()]
    return [(place, answer) for _, place, answer in sorted(chosen, key=lambda one: QUESTIONS.index(one[2].question))]


def clean_cell(result: Result) -> Cell | None:
    """The clean cell of a run, if it has one only: of several folds, none is the run."""
    cells = [cell for cell in result.cells if cell.condition.kind == "clean"]
    return cells[0] if len(cells) == 1 else None


def clean_value(result: Result, name: str = "") -> Value | None:
    """A metric on clean audio, the ranking one by default: the run's own score, or that of its clean cell."""
    name = name or result.primary
    if name in result.scores:
        return result.scores[name]
    cell = clean_cell(result)
    return cell.metrics.get(name) if cell else None


def _known(values: Sequence[Value | None]) -> dict[int, Value]:
    return {place: value for place, value in enumerate(values) if value is not None and value.value is not None}


def _named(value: Value | None, result: Result) -> str:
    return (value.title if value else None) or result.primary.replace("_", " ")


def _first(values: dict[int, Value]) -> Value | None:
    return next(iter(values.values()), None)


def _clean(results: Sequence[Result]) -> QuestionAnswer | None:
    values = _known([clean_value(result) for result in results])
    return QuestionAnswer("clean", "On clean audio", _named(_first(values), results[0]), values)


def _unseen(results: Sequence[Result]) -> QuestionAnswer | None:
    cells = [clean_cell(result) for result in results]
    for group in ("devices=unseen", "devices_mean=unseen"):
        values = _known([c.groups.get(group, {}).get(r.primary) if c else None for c, r in zip(cells, results)])
        if values:
            over = "clips pooled" if group == "devices=unseen" else "mean over devices"
            seen = group.replace("unseen", "seen")
            clean = _known([c.groups.get(seen, {}).get(r.primary) if c else None for c, r in zip(cells, results)])
            about = f"{_named(_first(values), results[0])}, unseen devices, {over}"
            return QuestionAnswer("unseen", "On unseen devices", about, values, clean)
    return _corrupted(results, "device", "unseen", "On unseen devices", "simulated devices")


def _noise(results: Sequence[Result]) -> QuestionAnswer | None:
    return _corrupted(results, "noise", "noise", "In noise", "noises")


def _corrupted(results: Sequence[Result], group: str, question: str, title: str, what: str) -> QuestionAnswer | None:
    values = _known([in_group(result, group) for result in results])
    first = _first(values)
    if first is None:
        return None
    many = len({c.condition.name for r in results[:1] for c in r.cells if c.condition.group == group})
    about = f"{_named(first, results[0])}, mean over {many} {what} and their strengths"
    return QuestionAnswer(question, title, about, values, _known([clean_value(result) for result in results]))


def in_group(result: Result, group: str) -> Value | None:
    """What is left under a group of corruptions, of a suite of folds the mean over them; None unless all have it."""
    splits = list(dict.fromkeys(cell.split for cell in result.cells))
    if len(splits) < 2:
        return result.scores.get(f"{_GROUP}{group}")
    return mean_over_folds([result.scores.get(f"robustness:{split}:group/{group}") for split in splits])


def mean_over_folds(each: Sequence[Value | None]) -> Value | None:
    """One figure of all folds; None where one of them has none.

    Folds share no recordings, so that half-widths of their intervals add in squares.
    """
    known = [figure for figure in each if figure is not None and figure.value is not None]
    if not known or len(known) < len(each):
        return None
    values = [figure.value or 0.0 for figure in known]
    mean = fmean(values)
    ends: dict[str, float | None] = {"low": None, "high": None}
    if all(figure.low is not None and figure.high is not None for figure in known):
        below = sqrt(sum((value - (figure.low or 0.0)) ** 2 for value, figure in zip(values, known))) / len(known)
        above = sqrt(sum(((figure.high or 0.0) - value) ** 2 for value, figure in zip(values, known))) / len(known)
        ends = {"low": mean - below, "high": mean + above}
    count = sum(figure.n for figure in known)
    rule = f"{known[0].rule}|mean-over-folds"
    return known[0].model_copy(update={**ends, "value": mean, "n": count, "rule": rule})


def _over_folds(result: Result, cell: Cell, name: str) -> Value | None:
    """A figure of an attack at a budget, of a suite of folds the mean over them."""
    condition = cell.key.split("/", 2)[2]
    alike = [one for one in result.cells if one.key.split("/", 2)[2] == condition]
    if len(alike) < 2:
        return cell.metrics.get(name)
    return mean_over_folds([one.metrics.get(name) if one.ranked else None for one in alike])


def _attack(results: Sequence[Result]) -> QuestionAnswer | None:
    chosen = attacked_cells(results)
    if not chosen:
        return None
    some = next(iter(chosen.values()))
    about = f"robust accuracy, {some.condition.name.replace('_', ' ')} attack, {setting(some.condition)}"
    about += ", by answers alone" if without_gradient(some.condition) else ""
    found = {place: _over_folds(results[place], cell, "clean_accuracy") for place, cell in chosen.items()}
    robust = {place: _over_folds(results[place], cell, "robust_accuracy") for place, cell in chosen.items()}
    clean = {place: value for place, value in found.items() if value is not None}
    values = {place: value for place, value in robust.items() if value is not None}
    return QuestionAnswer("attack", "Under attack", about, values, clean)


def attacked_cells(results: Sequence[Result]) -> dict[int, Cell]:
    """Cells of the first attack of a suite at the middle of its budgets, or the nearest that tells models apart.

    Where any model was attacked with gradients, models that were not are left out: the two are figures of two kinds.
    """
    curves: dict[str, dict[str, dict[int, Cell]]] = {}
    blind: dict[str, dict[str, dict[int, Cell]]] = {}
    for place, result in enumerate(results):
        for cell in result.cells:
            what = cell.condition
            robust = cell.metrics.get("robust_accuracy")
            if what.kind != "attack" or what.severity is not None or robust is None or robust.value is None:
                continue
            # Transfer asks the other models of a run, noise is the floor, and features are no sound.
            if not cell.ranked or what.name == "transfer" or what.name.endswith("_noise") or _on_features(cell):
                continue
            alike = blind if without_gradient(what) else curves
            alike.setdefault(curve_of(cell.key), {}).setdefault(cell.key, {})[place] = cell
    curves = curves or blind
    if not curves:
        return {}
    budgets = list(next(iter(curves.values())).values())
    most = max(len(cells) for cells in budgets)
    middle = (len(budgets) - 1) / 2
    order = sorted(range(len(budgets)), key=lambda place: abs(place - middle))
    full = [budgets[place] for place in order if len(budgets[place]) == most]
    return next((cells for cells in full if _spread(cells) > 0), full[0])


def _on_features(cell: Cell) -> bool:
    return str(cell.condition.facts.get("space", "")).startswith("features")


def _spread(cells: dict[int, Cell]) -> float:
    kept = [value for cell in cells.values() if (value := cell.metrics["robust_accuracy"].value) is not None]
    return max(kept) - min(kept)


def macs(result: Result) -> Value | None:
    """Multiply-accumulate operations of one inference, as the profile counts them."""
    part = result.profile.get("macs")
    if not isinstance(part, dict) or part.get("unit") != "MACs":
        return None
    count = part.get("value")
    if isinstance(count, bool) or not isinstance(count, int | float):
        return None
    rule = str(part.get("method", "profile"))
    return Value(
        value=count, n=0, direction="lower", unit="MACs", rule=rule, title="MACs", reason="counted, not sampled"
    )


def _macs(results: Sequence[Result]) -> QuestionAnswer | None:
    return QuestionAnswer("macs", "Cost", "MACs of one inference", _known([macs(result) for result in results]))


def _per_mac(results: Sequence[Result]) -> QuestionAnswer | None:
    values = _known([per_mac(result) for result in results])
    return QuestionAnswer("per_mac", "For its cost", "points above guessing for each million MACs", values)


def per_mac(result: Result) -> Value | None:
    """Points of the ranking metric above guessing for each million MACs, of fractions that are better when higher.

    Guessing is the best of the trivial baselines on the record: a model that guesses is worth nothing at any cost.
    """
    score, cost = clean_value(result), macs(result)
    if score is None or score.value is None or cost is None or not cost.value:
        return None
    if score.unit != "fraction" or score.direction != "higher":
        return None
    guesses = [
        value.value
        for name, value in result.scores.items()
        if name.startswith("baseline_") and name.endswith(f":{result.primary}") and value.value is not None
    ]
    if not guesses:
        return None
    scale = 100.0 / (cost.value / 1e6)
    low, high = (None if end is None else (end - max(guesses)) * scale for end in (score.low, score.high))
    return Value(
        value=(score.value - max(guesses)) * scale,
        low=low,
        high=high,
        n=score.n,
        direction="higher",
        unit="points/MMAC",
        rule=f"{score.rule}|above-best-trivial-baseline-per-million-MACs",
        title="Points above guessing per MMAC",
        interval=score.interval,
        reason=score.reason,
    )
