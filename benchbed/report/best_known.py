"""The best known attack of each model: its own run's, or what others found and a run has scored under the budgets.

A run of foreign adversarial sounds (`benchbed score --attacked`) is no row of its own beside the run of the same model
on the same clips: it lowers that row where it leaves less, and says whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchbed.report import terms
from benchbed.results.conditions import without_gradient
from benchbed.results.record import Cell, Result, Value

#: The attack that takes its points from a folder.
FOREIGN = "from_folder"
#: Figure of a row.
NAME = f"{terms.ADVERSARIAL}:best_known"


@dataclass(frozen=True)
class BestKnown:
    """The least that any attack leaves of a model at one budget.

    Attributes
    ----------
    value : Value
        Robust accuracy; its note says what found it.
    budget, unit : float, str
        Of the threat.
    by : str
        The attack, or whoever made the sounds.
    foreign : bool
        Somebody else's.
    blind : bool
        The model's own run attacked it without a gradient at this budget: no figure that stands beside those of others.
    """

    value: Value
    budget: float
    unit: str
    by: str
    foreign: bool
    blind: bool = False


@dataclass(frozen=True)
class Sorted:
    """Runs, and those of foreign sounds that belong to one of them."""

    own: list[tuple[Path, Result]] = field(default_factory=list)
    foreign: dict[Path, list[Result]] = field(default_factory=dict)


def is_foreign(result: Result) -> bool:
    """Whether a run attacked with nothing but what others had found."""
    attacks = {cell.condition.name for cell in result.cells if cell.condition.kind == "attack"}
    return attacks == {FOREIGN}


def sort(results: Sequence[tuple[Path, Result]]) -> Sorted:
    """Runs of foreign sounds put to the runs of the same model on the same clips; alone, one stays a run."""
    own = [(path, result) for path, result in results if not is_foreign(result)]
    found = Sorted(own, {path: [] for path, _ in own})
    for path, result in results:
        if not is_foreign(result):
            continue
        mine = [one for one, other in own if _same(other, result)]
        if mine:
            for one in mine:
                found.foreign[one].append(result)
        else:
            found.own.append((path, result))
    return found


def _same(one: Result, other: Result) -> bool:
    def about(result: Result) -> tuple[object, ...]:
        data, model = result.dataset, result.model
        return model.name, model.fingerprint, data.name, data.index_hash, data.synthetic, result.suite.name

    return about(one) == about(other)


def best_known(result: Result, foreign: Sequence[Result] = ()) -> list[BestKnown]:
    """The strongest attack at every budget that the run of a model has, foreign ones among them; ranked cells only.

    Parameters
    ----------
    result : Result
        The run of a model.
    foreign : sequence of Result
        Runs of foreign sounds on the same model and clips.
    """
    best: dict[tuple[str, float], BestKnown] = {}
    blind: set[tuple[str, float]] = set()
    for one in (result, *foreign):
        for cell in one.cells:
            known = _of(cell, one is not result)
            if known is None:
                continue
            place = known.unit, known.budget
            held = best.get(place)
            if without_gradient(cell.condition):
                blind.add(place)
            if held is None or (known.value.value or 0.0) < (held.value.value or 0.0):
                best[place] = known
    order = sorted(best, key=lambda place: (place[0], -place[1] if place[0].startswith("dB") else place[1]))
    return [replace(best[place], blind=place in blind) for place in order]


def _of(cell: Cell, foreign: bool) -> BestKnown | None:
    what, kept = cell.condition, cell.metrics.get("robust_accuracy")
    if what.kind != "attack" or not cell.ranked or what.name.endswith("_noise") or terms.on_features(what):
        return None
    if kept is None or kept.value is None or not isinstance(what.parameter, int | float):
        return None
    told = what.facts.get("foreign")
    source = str(told.get("source", "")) if isinstance(told, dict) else ""
    by = source or terms.attack(cell.key) + (f", {terms.NO_GRADIENT}" if without_gradient(what) else "")
    note = f"found by {by}" if source else f"by {by}"
    value = kept.model_copy(
        update={"title": "Robust accuracy, best known attack", "scope": f"{what.parameter:g} {what.unit}", "note": note}
    )
    return BestKnown(value, float(what.parameter), what.unit or "", by, foreign or bool(source))


def figures(known: Sequence[BestKnown]) -> dict[str, Value]:
    """Columns of a board, strongest budgets last; of models that met no gradient they are columns of their own."""
    names = {False: NAME, True: NAME.replace(terms.ADVERSARIAL, terms.BLACK_BOX)}
    return {f"{names[one.blind]}/{one.budget:g} {one.unit}": one.value for one in known}
