"""The comparisons of a board: the models that were measured alike, the best of them against each of the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchbed.compare.answer import Procedure
from benchbed.compare.asked import Wanted
from benchbed.compare.figure import recipes
from benchbed.compare.grouping import seeds
from benchbed.compare.places import told_apart
from benchbed.compare.runs import OpenRun, mismatches, open_run
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.errors import BenchbedError
from benchbed.results.comparison import ComparisonRecord
from benchbed.results.record import Result

#: Kinds of groups that are compared beside all clips, where the runs have them and nothing but clean audio: of a
#: hundred perturbations each would be asked again. The matrix asks unseen devices on clean audio in any case.
GROUPS = ("devices", "device")


def board_comparisons(
    results: Sequence[tuple[Path, Result]], procedure: Procedure | None = None
) -> tuple[list[ComparisonRecord], list[str]]:
    """Compare the models of every suite and data set among `results`.

    Runs that differ in their seed alone are one side. The side with the best figure on clean audio stands first, so
    that the tables are of it minus each of the others; the matrices are of all pairs.

    Parameters
    ----------
    results : sequence of (Path, Result)
        The runs; the path is that of the record or its folder.
    procedure : Procedure, optional
        Draws, levels, seed. By default the metric that ranks on clean audio is what was declared first, so that a
        suite of a hundred perturbations does not bury it.

    Returns
    -------
    comparisons : list of ComparisonRecord
        One for each set of two or more sides that may be compared.
    reasons : list of str
        What was not compared, and why, a line each.
    """
    boards: list[list[OpenRun]] = []
    reasons: list[str] = []
    for path, _ in results:
        try:
            run = open_run(path)
        except BenchbedError:
            continue  # a record from elsewhere, which has no sums to compare
        if run.statistics is None:
            continue
        home = next((board for board in boards if _alike(board[0], run)), None)
        if home is None:
            boards.append([run])
        else:
            home.append(run)
    comparisons = []
    for board in boards:
        sides = told_apart(seeds(board))
        if len(sides) < 2:
            continue
        try:
            comparisons.append(_compared(sides, procedure or Procedure(correction="primary")))
        except BenchbedError as error:
            first = board[0].result
            reasons.append(f"{first.suite.name} on {first.dataset.name}: {error.what}")
    return comparisons, reasons


def _alike(a: OpenRun, b: OpenRun) -> bool:
    return a.result.primary == b.result.primary and not any(m.blocking for m in mismatches(a.result, b.result))


def _compared(sides: Sequence[Side], procedure: Procedure) -> ComparisonRecord:
    ordered = sorted(sides, key=_place)
    known = set.intersection(*(set(recipes(run.sums)) for side in sides for run in side.runs))
    plain = all(key.endswith("/clean") for side in sides for run in side.runs for key in run.sums.cells)
    wanted = Wanted(
        groups=tuple(g for kind in GROUPS for g in sorted(known) if g.startswith(f"{kind}=")) if plain else ()
    )
    found = compare(ordered, wanted, procedure)
    return ComparisonRecord.model_validate(json.loads(json.dumps(found.as_json(), default=float)))


def _place(side: Side) -> float:
    """The best first, by the mean of its runs in the figure that ranks; what has none stands last."""
    values = []
    for run in side.runs:
        primary = run.result.primary
        clean = next((cell for cell in run.result.cells if cell.condition.kind == "clean"), None)
        value = run.result.scores.get(primary) or (clean.metrics.get(primary) if clean is not None else None)
        if value is None or value.value is None:
            return float("inf")
        values.append(-value.value if value.direction == "higher" else value.value)
    return sum(values) / len(values)
