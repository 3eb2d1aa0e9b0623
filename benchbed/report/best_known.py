"""The best known attacks of each model: those of its own run, and what others found and a run has scored under the
budgets, together. A clip stands only where none of them broke it.

A run of foreign adversarial sounds (`benchbed score --attacked`) is no row of its own beside the run of the same model
on the same clips: it lowers that row where it leaves less, and says whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchbed.report import terms
from benchbed.results.conditions import without_gradient
from benchbed.results.record import Cell, Result, Stood, Value
from benchbed.results.stood import count, together

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
        Somebody else's, or partly so.
    blind : bool
        The model's own run attacked it without a gradient at this budget: no figure that stands beside those of others.
    makers : tuple of str
        Others among several that found it together.
    """

    value: Value
    budget: float
    unit: str
    by: str
    foreign: bool
    blind: bool = False
    makers: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """Whoever else has a share in it."""
        return self.makers or ((self.by,) if self.foreign else ())


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
    """What all attacks together leave at every budget that the run of a model has, foreign ones among them.

    Ranked cells only. Attacks on other clips than the strongest one's cannot be joined with it clip by clip.

    Parameters
    ----------
    result : Result
        The run of a model.
    foreign : sequence of Result
        Runs of foreign sounds on the same model and clips.
    """
    found: dict[tuple[str, float], list[tuple[BestKnown, Stood | None]]] = {}
    for one in (result, *foreign):
        for cell in one.cells:
            known = _of(cell, one is not result)
            if known is not None:
                found.setdefault((known.unit, known.budget), []).append((known, cell.stood))
    order = sorted(found, key=lambda place: (place[0], -place[1] if place[0].startswith("dB") else place[1]))
    return [_joined(found[place]) for place in order]


def _of(cell: Cell, foreign: bool) -> BestKnown | None:
    what, kept = cell.condition, cell.metrics.get("robust_accuracy")
    if what.kind != "attack" or not cell.ranked or what.name.endswith("_noise") or terms.on_features(what):
        return None
    if kept is None or kept.value is None or not isinstance(what.parameter, int | float):
        return None
    told = what.facts.get("foreign")
    source = str(told.get("source", "")) if isinstance(told, dict) else ""
    blind = without_gradient(what)
    by = source or terms.attack(cell.key) + (f", {terms.NO_GRADIENT}" if blind else "")
    note = f"found by {by}" if source else f"by {by}"
    value = kept.model_copy(
        update={"title": "Robust accuracy, best known attack", "scope": f"{what.parameter:g} {what.unit}", "note": note}
    )
    return BestKnown(value, float(what.parameter), what.unit or "", by, foreign or bool(source), blind)


def _joined(known: Sequence[tuple[BestKnown, Stood | None]]) -> BestKnown:
    """The strongest attack, with what the others broke besides."""
    best, stood = min(known, key=lambda one: (one[0].value.value or 0.0, one[0].foreign))
    blind = any(one.blind for one, _ in known)
    if stood is None or not stood.n:
        return replace(best, blind=blind)
    left, makers = stood, []
    others = [(one, clips) for one, clips in known if clips is not None and clips.clips == stood.clips]
    while others:
        # The one that breaks most of what still stands goes next.
        gains = [count(left) - count(together([left, clips])) for _, clips in others]
        gain = max(gains)
        if not gain:
            break
        one, clips = others.pop(gains.index(gain))
        left = together([left, clips])
        makers.append((one, gain))
    if not makers:
        return replace(best, blind=blind)
    by = "; ".join([best.by, *(f"{one.by} ({gain} more)" for one, gain in makers)])
    value = best.value.model_copy(
        update={
            "value": count(left) / stood.n,
            "low": None,
            "high": None,
            "interval": None,
            "reason": "no interval: attacks of several conditions joined clip by clip",
            "title": "Robust accuracy, best known attacks together",
            "note": f"by {by}",
        }
    )
    foreign = best.foreign or any(one.foreign for one, _ in makers)
    makes = tuple(dict.fromkeys(one.by for one in (best, *(one for one, _ in makers)) if one.foreign))
    return replace(best, value=value, by=by, foreign=foreign, blind=blind, makers=makes)


def figures(known: Sequence[BestKnown]) -> dict[str, Value]:
    """Columns of a board, strongest budgets last; of models that met no gradient they are columns of their own."""
    names = {False: NAME, True: NAME.replace(terms.ADVERSARIAL, terms.BLACK_BOX)}
    return {f"{names[one.blind]}/{one.budget:g} {one.unit}": one.value for one in known}
