"""Defences against the undefended twin: what each costs on clean audio and in time, and what attacks leave of it.

Differences are paired by recording, like those of any comparison. A defence is attacked by those who know it, so its
robust accuracy counts only where the checks of that attack did not fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchbed.compare.answer import Procedure
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun, open_run
from benchbed.errors import BenchbedError
from benchbed.results.alike import comparable
from benchbed.results.answers import attacked_cells, clean_value
from benchbed.results.conditions import setting, without_gradient
from benchbed.results.defences import DefenceRow, DefenceTable, HeldFigure, defence_of, twins
from benchbed.results.record import Cell, Result, Value

#: Robust accuracy in a record.
ROBUST = "robust_accuracy"
#: Draws and swaps of a difference: its interval is shown, no p-value.
PROCEDURE = Procedure(swaps=199)


def defence_tables(results: Sequence[tuple[Path, Result]], procedure: Procedure = PROCEDURE) -> list[DefenceTable]:
    """A table for every model that was measured with and without a defence, on the same clips.

    Parameters
    ----------
    results : sequence of (Path, Result)
        Runs; the path is that of the record or its folder.
    procedure : Procedure
        Draws, level and seed of the intervals.

    Returns
    -------
    list of DefenceTable
        None for models whose undefended twin is not among the runs.
    """
    boards: dict[tuple, dict[Path, Result]] = {}
    for path, result in results:
        boards.setdefault(comparable(result), {})[path] = result
    tables = []
    for board in boards.values():
        pairs = twins(board)
        for bare in dict.fromkeys(pairs.values()):
            defended = [path for path, twin in pairs.items() if twin == bare]
            tables.append(_table(board, bare, defended, procedure))
    return tables


def _table(board: dict[Path, Result], bare: Path, defended: Sequence[Path], procedure: Procedure) -> DefenceTable:
    paths = [bare, *defended]
    results = [board[path] for path in paths]
    chosen = attacked_cells(results)
    opened = [_opened(path, result) for path, result in zip(paths, results, strict=True)]
    some = next(iter(chosen.values()), None) or next((c for c in results[0].cells if ROBUST in c.metrics), None)
    rows = []
    for place, result in enumerate(results):
        twin = None if place == 0 else (opened[place], opened[0])
        clean = _held(clean_value(result), twin, "clean", result.primary, procedure)
        # What a failed check keeps from being ranked is shown all the same, and marked.
        cell, robust = next((c for c in result.cells if some is not None and c.key == some.key), None), None
        if cell is not None:
            robust = _held(cell.metrics.get(ROBUST), twin, cell.key.split("/", 2)[2], ROBUST, procedure)
        # Of CPU times, which other programs disturb less than a clock.
        own, usual = milliseconds(result, "cpu_median"), milliseconds(results[0], "cpu_median")
        times = None if place == 0 or not own or not usual else own / usual
        failed, warned = (_checks(result, cell, status) for status in ("fail", "warn"))
        if cell is not None and without_gradient(cell.condition):
            failed = ("answers alone", *failed)
        ranked = cell is not None and cell.ranked
        name, defence = result.model.name, defence_of(result)
        rows.append(DefenceRow(name, defence, clean, robust, milliseconds(result), times, ranked, failed, warned))
    attack = "" if some is None else f"{some.condition.name.replace('_', ' ')}, {setting(some.condition)}"
    known = clean_value(results[0])
    metric = (known.title if known is not None else None) or results[0].primary.replace("_", " ")
    clips = 0 if some is None else some.metrics[ROBUST].n
    return DefenceTable(results[0].suite.name, metric, attack, clips, tuple(rows), frozenset(paths))


def milliseconds(result: Result, which: str = "median") -> float | None:
    """Median time of a call with one clip, or its `cpu_median`, where the suite asked for times."""
    timed = result.profile.get("latency")
    median = timed.get("batch_1", {}).get(which) if isinstance(timed, dict) else None
    value = median.get("value") if isinstance(median, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _opened(path: Path, result: Result) -> OpenRun | None:
    try:
        return open_run(path)
    except BenchbedError:
        return None  # a record from elsewhere, without its sums


def _held(
    value: Value | None,
    twin: tuple[OpenRun | None, OpenRun | None] | None,
    condition: str,
    metric: str,
    procedure: Procedure,
) -> HeldFigure | None:
    if value is None:
        return None
    held = HeldFigure(value.value, value.low, value.high, value.unit)
    if twin is None:
        return held
    own, bare = twin
    if own is None or bare is None or own.statistics is None or bare.statistics is None:
        return HeldFigure(held.value, held.low, held.high, held.unit, reason="the sums of a run are not at hand")
    try:
        found = contrast(own, bare, Figure(condition), [metric], procedure)[metric]
    except BenchbedError as error:
        return HeldFigure(held.value, held.low, held.high, held.unit, reason=error.what)
    ends = found.low, found.high
    return HeldFigure(held.value, held.low, held.high, held.unit, found.value, *ends, reason=found.reason)


def _checks(result: Result, cell: Cell | None, status: str) -> tuple[str, ...]:
    """Checks of the attack of a cell, by name."""
    if cell is None:
        return ()
    mine = (c for c in result.checks if c.status == status and c.name.startswith("attack:"))
    named = (c.name.split(":")[-1] for c in mine if c.cell in (None, cell.key))
    return tuple(dict.fromkeys(named))
