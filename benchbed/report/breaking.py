"""What breaks a model: conditions and groups of clips in the order of what is left, for the top of its page.

No figure is made here. Conditions stand in the order of the record's mean over severities where all of them have one,
else in that of the lowest figure that they reach; groups of clips in the order of their figure on clean audio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchbed.report import terms, view
from benchbed.report.charts.draw import domain
from benchbed.results.conditions import setting
from benchbed.results.record import Cell, Result, Value

#: Rows of a table of groups.
GROUPS = 10
#: Families of groups that single out clips; sets of groups (`devices=unseen`) and gaps are other questions.
_FAMILIES = ("device", "class", "city")


@dataclass(frozen=True)
class Hurt:
    """One condition or group: what is left on the whole, and at its lowest."""

    label: str
    whole: Value | None
    lowest: Value
    where: str
    steps: list[Value]

    @property
    def shown(self) -> Value:
        """The figure that orders."""
        return self.whole or self.lowest


@dataclass(frozen=True)
class Breaking:
    """A ranked table: the worst first."""

    identity: str
    title: str
    metric: str
    value: Value
    clean: Value | None
    rows: list[Hurt]
    left_out: int
    ends: tuple[float, float]
    averaged: bool
    family: str = ""

    @property
    def first(self) -> Hurt:
        """What breaks it most."""
        return self.rows[0]


def conditions(result: Result) -> list[Breaking]:
    """Corruptions and devices, then attacks, of each task and split; the worst first."""
    tables: list[Breaking] = []
    for (task, split), cells in _tasks(result).items():
        several = len(_tasks(result)) > 1
        where = f", {terms.task(task)} {split}" if several else ""
        identity = f"breaking/{task}/{split}"
        primary = result.primary
        clean = next((c.metrics.get(primary) for c in cells if c.condition.kind == "clean"), None)
        changed = [c for c in cells if c.condition.kind in ("corruption", "device") and primary in c.metrics]
        tables += _ranked(identity, f"What breaks it{where}", primary, changed, clean, result, split)
        attacked: dict[str | None, list[Cell]] = {}
        for cell in cells:
            if cell.condition.kind == "attack" and not terms.on_features(cell.condition):
                attacked.setdefault(cell.condition.unit, []).append(cell)
        for unit, members in attacked.items():
            name = "robust_accuracy" if any("robust_accuracy" in cell.metrics for cell in members) else primary
            known = [cell for cell in members if name in cell.metrics]
            before = next((c.metrics["clean_accuracy"] for c in known if "clean_accuracy" in c.metrics), None)
            before = before if name == "robust_accuracy" else clean
            title = f"What attacks leave{where}" + (f", budget in {unit}" if len(attacked) > 1 else "")
            tables += _ranked(f"{identity}/{unit}", title, name, known, before, result, split)
    return tables


def groups(result: Result) -> list[Breaking]:
    """Devices, classes and cities on clean audio, the worst first; nothing where there is no single clean cell."""
    shown = view.focus(result)
    if len(shown) != 1:
        return []
    (cell,) = shown
    tables = []
    for family in _FAMILIES:
        rows = {terms.group(key)[1]: figures for key, figures in cell.groups.items() if terms.group(key)[0] == family}
        name = _shared(list(rows.values()), result.primary)
        known = [Hurt(label, None, f[name], "", []) for label, f in rows.items() if name in f]
        known = [row for row in known if row.lowest.value is not None]
        if len(known) < 2:
            continue
        known = sorted(known, key=lambda row: _order(row.lowest))
        some = known[0].lowest
        tables.append(
            Breaking(
                f"weakest/{family}",
                f"Weakest {terms.plural(family)}",
                name,
                some,
                cell.metrics.get(name),
                known[:GROUPS],
                max(0, len(known) - GROUPS),
                _ends([row.lowest for row in known]),
                False,
                terms.plain(family),
            )
        )
    return tables


def _shared(rows: Sequence[dict[str, Value]], primary: str) -> str:
    """The metric that ranks, or the first fraction that all groups have."""
    if all(primary in figures for figures in rows):
        return primary
    names = [name for name, value in (rows[0] if rows else {}).items() if value.unit == "fraction"]
    return next((name for name in names if all(name in figures for figures in rows)), primary)


def _ranked(
    identity: str, title: str, metric: str, cells: Sequence[Cell], clean: Value | None, result: Result, split: str
) -> Iterator[Breaking]:
    lines: dict[str, list[Cell]] = {}
    for cell in cells:
        named = terms.attack(cell.key) if view.by_budget(cell) else terms.series(cell.key, cell.condition)
        lines.setdefault(named, []).append(cell)
    rows = [row for label, held in lines.items() if (row := _hurt(label, held, metric, result, split))]
    averaged = bool(rows) and all(row.whole is not None for row in rows)
    if not averaged:
        rows = [Hurt(row.label, None, row.lowest, row.where, row.steps) for row in rows]
    if not rows:
        return
    # Of two with the same figure over all severities, the one that falls lower.
    rows.sort(key=lambda row: (_order(row.shown), _order(row.lowest), row.label))
    values = [value for row in rows for value in (*row.steps, row.shown)] + ([clean] if clean else [])
    yield Breaking(identity, title, metric, rows[0].lowest, clean, rows, 0, _ends(values), averaged)


def _hurt(label: str, cells: Sequence[Cell], metric: str, result: Result, split: str) -> Hurt | None:
    known = [cell for cell in cells if cell.metrics[metric].value is not None]
    if not known:
        return None
    lowest = min(known, key=lambda cell: _order(cell.metrics[metric]))
    name = lowest.condition.name
    _, mark, again = lowest.key.partition("#")
    key = f"{name}#{again}" if mark else name
    scopes = (f"{terms.ROBUSTNESS}:mean/{key}", f"{terms.ROBUSTNESS}:{split}:mean/{key}")
    whole = next((result.scores[scope] for scope in scopes if scope in result.scores), None)
    if metric != result.primary or (whole is not None and whole.value is None):
        whole = None
    if whole is None and len(known) == 1:
        whole = known[0].metrics[metric]
    where = setting(lowest.condition)
    if not where and lowest.condition.severity is not None:
        where = f"step {lowest.condition.severity}"
    in_order = sorted(known, key=lambda cell: (cell.condition.severity or 0, _order(cell.metrics[metric])))
    return Hurt(label, whole, lowest.metrics[metric], where, [cell.metrics[metric] for cell in in_order])


def _order(value: Value) -> float:
    """Smaller for what is worse."""
    figure = value.value or 0.0
    return figure if value.direction == "higher" else -figure


def _ends(values: Sequence[Value]) -> tuple[float, float]:
    parts = [part for value in values for part in (value.value, value.low, value.high)]
    return domain(parts, values[0].unit if values else "")


def _tasks(result: Result) -> dict[tuple[str, str], list[Cell]]:
    tasks: dict[tuple[str, str], list[Cell]] = {}
    for cell in result.cells:
        tasks.setdefault((cell.task, cell.split), []).append(cell)
    return tasks
