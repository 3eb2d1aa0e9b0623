"""Tables for people at a terminal, with plain text wherever the output is not one.

Everything goes to standard error: standard output belongs to the path of the record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchbed.protocols import Checked
from benchbed.report import terms, view
from benchbed.report.figures import arrow, clips, count, interval, number, with_interval
from benchbed.report.surviving import counted_breaks
from benchbed.results.alike import comparable
from benchbed.results.conditions import amount
from benchbed.results.folded import folded
from benchbed.results.record import Cell, Result, Value
from benchbed.results.splits import joined as in_words

_STYLES = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "skipped": "dim",
    "synthetic": "magenta",
    "note": "cyan",
}
#: What an attack says over all its budgets.
_OVER = ("minimal_snr", "snr50", "gap")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def print_runs(results: Sequence[Result], console: Console | None = None) -> None:
    """Print one run in full, or several side by side."""
    console = console or _console()
    if len(results) == 1:
        console.print(summary_table(results[0]))
        return
    console.print(comparison_table(results))
    for result in results:
        notable = [check for check in result.checks if check.status in ("warn", "fail")]
        tables = [*_attacks(result), *([checks_table(notable)] if notable else [])]
        if tables:
            console.print(Group(Text(""), Text(_clean(result.model.name), "bold"), *_spaced(tables)))


def print_checks(outcomes: Sequence[Checked], console: Console | None = None) -> None:
    """Print the outcomes of checks, one line each."""
    (console or _console()).print(checks_table(outcomes))


def print_plan(plan: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what a suite would do."""
    table = _table()
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in plan.items():
        table.add_row(_safe(terms.plain(str(name))), _plain(value))
    (console or _console()).print(table)


def print_costs(models: Sequence[Mapping[str, Any]], console: Console | None = None) -> None:
    """Print what several models cost, a row each, the cheapest in multiply-accumulates for a second of audio first."""
    from benchbed.report.costs import cost_rows

    rows = cost_rows(models)
    table = _table(header=True)
    for name in rows.columns:
        table.add_column(_safe(name), justify="left" if name in rows.text else "right", overflow="fold")
    for row in rows.lines:
        table.add_row(*(_safe(each) for each in row))
    for note in rows.notes:
        table.add_row(_safe(note[0]), *([""] * (len(rows.columns) - 2)), _safe(note[1]))
    (console or _console()).print(table)


def summary_table(result: Result) -> RenderableType:
    """One run: what must be known first, its figures, its devices, and what its checks say."""
    parts: list[RenderableType] = [_title(result)]
    parts += [_mark(mark) for mark in view.banners(result)]
    shown = view.focus(result)
    figures = _row(folded(result))
    # Of the trivial baselines only those that the ranking figure is read against.
    baselines = {name: value for name, value in result.scores.items() if terms.baseline(name)}
    figures |= {k: v for k, v in baselines.items() if k.endswith(f":{result.primary}")}
    if figures:
        parts.append(_figures(figures))
    for cell in shown[:1] if len(shown) == 1 else ():
        devices = _devices(cell.groups, result.primary)
        if devices is not None:
            parts.append(devices)
    perturbed = [cell for cell in result.cells if cell.condition.kind != "clean" and result.primary in cell.metrics]
    perturbed = [cell for cell in perturbed if not view.by_budget(cell)]
    if perturbed:
        parts.append(_conditions(perturbed, result.primary, result.scores, view.folds(result)))
    parts += _attacks(result)
    notable = [check for check in result.checks if check.status in ("warn", "fail")]
    if notable:
        parts.append(checks_table(notable))
    if result.dataset.notes:
        parts.append(Group(*(Text(f"data: {_clean(note)}", style="dim") for note in result.dataset.notes)))
    return Group(*_spaced(parts))


def comparison_table(results: Sequence[Result]) -> RenderableType:
    """Several runs, one table for each set of runs that may be compared.

    Rows are in the order given: an order by figure would look like a rank.
    """
    boards: dict[tuple, list[Result]] = {}
    for result in results:
        boards.setdefault((result.suite.name, *comparable(result)), []).append(result)
    parts: list[RenderableType] = []
    for board in boards.values():
        first = board[0]
        parts.append(
            Text.assemble((_clean(first.suite.title or first.suite.name), "bold"), f"  {_clean(first.dataset.name)}")
        )
        if first.dataset.synthetic:
            parts.append(_mark(view.banners(first)[0]))
        table = _table(header=True)
        table.add_column("model", overflow="fold")
        table.add_column("family")
        names = list(dict.fromkeys(name for result in board for name in _row(result)))[:5]
        for name in names:
            some = next(_row(result)[name] for result in board if name in _row(result))
            table.add_column(_heading(name, some), justify="right")
        table.add_column("remarks", overflow="fold")
        for result in board:
            row = _row(result)
            marks = [mark.text for mark in view.badges(result) if mark.kind != "synthetic"]
            cells = [_safe(figure_text(row[name])) if name in row else Text("–") for name in names]
            table.add_row(
                _safe(result.model.name), _safe(terms.plain(result.model.family)), *cells, Text(", ".join(marks))
            )
        parts.append(table)
    return Group(*_spaced(parts))


def checks_table(outcomes: Sequence[Checked]) -> Table:
    """The outcomes of checks."""
    table = _table()
    table.add_column()
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for outcome in outcomes:
        status = str(outcome.status)
        table.add_row(Text(status, _STYLES.get(status, "")), _safe(outcome.name), _safe(outcome.message))
    return table


def figure_text(value: Value) -> str:
    """A figure and its interval in one line, without its unit.

    Examples
    --------
    >>> figure_text(Value(value=.5, low=.4, high=.6, n=1, direction="higher", unit="fraction", rule="r"))
    '50.0 [40.0, 60.0]'
    """
    if value.value is None:
        return f"{number(None)} {value.reason or ''}".strip()
    return with_interval(value)


def _console() -> Console:
    # Rich drops colour by itself when standard error is a file; the width must not fold a log's lines, though.
    console = Console(stderr=True, highlight=False)
    return console if console.is_terminal else Console(stderr=True, highlight=False, width=160, no_color=True)


def _spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    """A blank line before every table, so that their headings stand out."""
    return [piece for part in parts for piece in ((Text(""), part) if isinstance(part, Table) else (part,))]


def _title(result: Result) -> Text:
    data = result.dataset
    return Text.assemble(
        (_clean(result.model.name), "bold"),
        f" on {_clean(result.suite.title or result.suite.name)}, {_clean(data.name)}, {count(data.clips)} clips",
    )


def _mark(mark: view.Badge) -> Text:
    return Text.assemble((_clean(mark.text), _STYLES.get(mark.kind, "yellow")), f": {_clean(mark.says)}")


def _figures(figures: Mapping[str, Value]) -> Table:
    table = _table(header=True)
    for heading in ("figure", "value", "interval", "", "clips"):
        right = heading in ("value", "clips")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "interval")
    for index, (name, value) in enumerate(figures.items()):
        bounds = interval(value) if value.value is not None else ""
        says = bounds or _clean(value.reason or "no reason recorded")
        shown = number(value.value, value.unit)
        table.add_row(
            _safe(terms.metric(name, value)),
            Text(shown, "bold" if index == 0 else ""),
            Text(says),
            arrow(value),
            clips(value) if value.n or value.of else "–",
        )
    return table


def _devices(groups: Mapping[str, Mapping[str, Value]], primary: str) -> Table | None:
    named = {terms.group(key)[0] for key in groups}
    rows = []
    for key, metrics in groups.items():
        family, member = terms.group(key)
        base, kind = terms.kind_of(family, named)
        if base == "device" and primary in metrics and kind in ("", "pooled", "mean", "gap", "mean_gap", "worst"):
            rows.append((terms.member(base, kind, member), metrics[primary]))
    if not rows:
        return None
    table = _table(header=True)
    table.add_column("device")
    table.add_column(_heading(primary, rows[0][1]), justify="right")
    table.add_column("clips", justify="right")
    table.add_column("", overflow="fold")
    for label, value in rows:
        table.add_row(_safe(label), _safe(figure_text(value)), clips(value), _safe(value.note or ""))
    return table


def _conditions(cells: Sequence[Cell], primary: str, scores: Mapping[str, Value], joined: str) -> Table:
    """Figures by condition, mildest first, each beside the strength that it was measured at.

    With several folds, what joins them: their `mean`, or `pooled` clips.
    """
    splits = {cell.split: None for cell in cells}
    rows: dict[str, dict[str, tuple[int, Value]]] = {}
    for cell in cells:
        what, condition = cell.condition, cell.key.split("/", 2)[2]
        again = condition.partition("#")[2]
        unit = what.unit if what.unit and not isinstance(what.parameter, dict) else ""
        name = terms.plain(what.name) + (f" (no. {again})" if again else "") + (f", {unit}" if unit else "")
        # Of several folds no single one may stand for all, in a record that lacks what joins them either.
        value = cell.metrics[primary] if len(splits) == 1 else scores.get(f"folds_{joined}:{condition}:{primary}")
        if value is not None:
            strength = amount(what) or (f"step {what.severity}" if what.severity is not None else "")
            rows.setdefault(name, {})[strength] = (what.severity or 0, value)
    first = cells[0].metrics[primary]
    table = _table(header=True)
    title = f"{_heading(primary, first)} from mild to severe"
    how = in_words(splits, joined)
    table.add_column(f"{title}, {how}" if how else title, overflow="fold")
    for _ in range(max((len(values) for values in rows.values()), default=0)):
        table.add_column("", justify="right")
    for name, values in rows.items():
        ordered = sorted(values.items(), key=lambda item: item[1][0])
        shown = [(strength, number(value.value, first.unit, with_unit=False)) for strength, (_, value) in ordered]
        table.add_row(
            _safe(name), *(_safe(f"{strength}: {figure}" if strength else figure) for strength, figure in shown)
        )
    return table


def _attacks(result: Result) -> list[RenderableType]:
    """What attacks left, by budget, and what each says over its budgets; nothing for a run without attacks."""
    result = folded(result)
    attacked = [cell for cell in result.cells if view.by_budget(cell)]
    tables: list[RenderableType] = [*(_budgets(cells, result) for cells in _alike(attacked)), *_breaks(result)]
    over: dict[str, dict[str, Value]] = {}
    for key, value in result.scores.items():
        scope, _, rest = key.partition(":")
        figure, _, about = rest.partition("/")
        split, _, name = figure.rpartition(":")
        if scope in (terms.ADVERSARIAL, terms.BLACK_BOX) and name in _OVER:
            by = f", {terms.NO_GRADIENT}" if scope == terms.BLACK_BOX else ""
            over.setdefault(terms.attack(f"//{about}") + by + (f", {split}" if split else ""), {})[name] = value
    if not over:
        return tables
    table = _table(header=True)
    table.add_column("attack, over its budgets")
    shown = [name for name in _OVER if any(name in scores for scores in over.values())]
    for name in shown:
        some = next((scores[name] for scores in over.values() if name in scores), None)
        table.add_column(f"{terms.title(name, some)}, dB", justify="right")
    for attack, scores in over.items():
        table.add_row(
            _safe(attack), *(_safe(figure_text(scores[name])) if name in scores else Text("–") for name in shown)
        )
    return [*tables, table]


def _alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Attacked cells by split and threat model, whose budgets share an axis."""
    held: dict[tuple[str, str | None], list[Cell]] = {}
    for cell in cells:
        held.setdefault((cell.split, cell.condition.unit), []).append(cell)
    return list(held.values())


def _budgets(cells: Sequence[Cell], result: Result) -> Table:
    """What is left at each budget, mildest first: under attack, in noise of equal budget, and of the ranking metric."""
    names = ["robust_accuracy", "shifted_accuracy", "noise_accuracy"]
    if not result.primary.endswith("accuracy"):
        names.append(result.primary)  # of scenes it would say the same again
    rows: dict[tuple[str, str], dict[float, Value]] = {}
    for cell in cells:
        attack = terms.attack(cell.key)
        for name in names:
            # Beside the cells of noise itself its floor says nothing.
            if name in cell.metrics and not (name == "noise_accuracy" and cell.condition.name.endswith("_noise")):
                rows.setdefault((attack, name), {})[view.budget(cell)] = cell.metrics[name]
    unit = cells[0].condition.unit or ""
    budgets = sorted({view.budget(cell) for cell in cells}, reverse="snr" in unit.lower())
    several = len({cell.split for cell in result.cells}) > 1
    table = _table(header=True)
    what = f"attack {terms.NO_SOUND}" if any(terms.on_features(cell.condition) for cell in cells) else "attack"
    table.add_column(_clean(f"{what}, budget in {unit}{', ' + cells[0].split if several else ''}"))
    table.add_column("")
    for budget in budgets:
        table.add_column(f"{budget:g}", justify="right")
    for (attack, name), values in rows.items():
        shown = [number(values[b].value, values[b].unit, with_unit=False) if b in values else "" for b in budgets]
        table.add_row(_safe(attack), _safe(_heading(name, next(iter(values.values())))), *shown)
    return table


def _breaks(result: Result) -> list[RenderableType]:
    """Of the breaks of each attacked cell, how many are left after a file, coders, a shift and a room."""
    counts = counted_breaks(result)
    ways = list(dict.fromkeys(way for row in counts.values() for way in row))
    if not ways:
        return []
    table = _table(header=True)
    table.add_column("breaks left after")
    for way in ways:
        table.add_column(_clean(way.partition(",")[0]), justify="right")
    for name, row in counts.items():
        table.add_row(_safe(name), *(_safe(row.get(way, "–")) for way in ways))
    spoiled = any(text.endswith("*") for row in counts.values() for text in row.values())
    note = Text("* breaks some of these clips without any attack too", "dim")
    return [Group(table, note) if spoiled else table]


def _row(result: Result) -> dict[str, Value]:
    figures = view.figures(result)
    primary = view.primary_value(result)
    return {result.primary: primary, **figures} if primary is not None else figures


def _heading(name: str, value: Value) -> str:
    unit = "%" if value.unit == "fraction" else value.unit
    return _clean(f"{terms.title(name, value)}{', ' + unit if unit else ''} {arrow(value)}")


def _table(header: bool = False) -> Table:
    return Table(box=None, show_header=header, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))


def _clean(text: str) -> str:
    # A name may hold escape sequences that would move the cursor or recolour the terminal.
    return _CONTROL.sub("\ufffd", text)


def _safe(text: str) -> Text:
    # As Text, so that brackets in a name are not read as rich markup.
    return Text(_clean(text))


def _plain(value: Any) -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(count(value))
    if isinstance(value, float):
        return Text(number(value))
    if isinstance(value, Mapping):
        return Text("\n").join(Text.assemble(f"{_clean(str(key))}: ", _plain(inner)) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return Text(", ").join(_plain(inner) for inner in value)
    return _safe("–" if value is None else str(value))
