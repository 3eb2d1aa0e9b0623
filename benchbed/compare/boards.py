"""The comparisons of a board: the models that were measured alike, the best of them against each of the others.

What was found is kept (`benchbed.compare.kept`): a board that is built again with the same runs compares nothing, and
one with a new run only the pairs of that (`benchbed.compare.answered`).
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchbed.compare.answer import Procedure
from benchbed.compare.answered import AnsweredPairs
from benchbed.compare.asked import Wanted
from benchbed.compare.figure import recipes
from benchbed.compare.grouping import seeds
from benchbed.compare.kept import board_place, keep, kept, place_of
from benchbed.compare.places import told_apart
from benchbed.compare.runs import OpenRun, mismatches, open_run
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.results.artefacts import statistics_of
from benchbed.results.comparison import ComparisonHeading, ComparisonRecord, KeptComparison
from benchbed.results.record import Result
from benchbed.results.statistics import NAME

#: Kinds of groups that are compared beside all clips, where the runs have them and nothing but clean audio: of a
#: hundred perturbations each would be asked again. The matrix asks unseen devices on clean audio in any case.
GROUPS = ("devices", "device")
#: Runs of a board that are compared with each other, the best: pairs grow with the square, and 1,000 runs take hours.
MOST = 100


def board_comparisons(
    results: Sequence[tuple[Path, Result]], procedure: Procedure | None = None
) -> tuple[list[KeptComparison], list[str]]:
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
    comparisons : list of KeptComparison
        One for each set of two or more sides that may be compared; one that was found before is not read.
    reasons : list of str
        What was not compared, and why, a line each.
    """
    boards: list[list[OpenRun]] = []
    reasons: list[str] = []
    for path, result in results:
        record = path / "result.json" if path.is_dir() else path
        # A record from elsewhere, or one without sums, has nothing to compare.
        if not record.is_file() or NAME not in result.provenance.artefacts:
            continue
        run = OpenRun(record, result)
        home = next((board for board in boards if _alike(board[0], run)), None)
        if home is None:
            boards.append([run])
        else:
            home.append(run)
    comparisons = []
    for board in boards:
        first = board[0].result
        where = f"{first.suite.name} on {first.dataset.name}"
        if len(board) > MOST:
            reasons.append(
                f"{where}: {len(board) - MOST} of {len(board)} runs, all but the best {MOST}; "
                "`benchbed compare A B` compares any"
            )
            board = sorted(board, key=_figure)[:MOST]
        try:
            comparison = _remembered(board, procedure or Procedure(correction="primary"))
        except BenchbedError as error:
            reasons.append(f"{where}: {error.what}")
            continue
        comparisons += [comparison] if comparison is not None else []
    return comparisons, reasons


def _remembered(board: Sequence[OpenRun], procedure: Procedure) -> KeptComparison | None:
    """The comparison of a board: as it was found before, or found now; none of fewer than two sides."""
    if len(board) < 2:
        return None
    runs = [(run.path, run.result) for run in board]
    place, head = (place_of(kind, __name__, runs, procedure) for kind in ("comparisons", "headings"))
    again = functools.partial(_again, board, procedure, place)
    if place is not None and place.is_file() and (held := kept(head)):
        with contextlib.suppress(ValidationError):
            return KeptComparison(ComparisonHeading.model_validate(held), place.stem, again)
    record = _read(board, procedure, place)
    if record is None:
        return None
    keep(head, record.heading.model_dump(mode="json"))
    # Its page does not stand yet.
    return KeptComparison(record.heading, place.stem if place else "", lambda: record)


def _again(board: Sequence[OpenRun], procedure: Procedure, place: Path | None) -> ComparisonRecord:
    """A comparison that was found before."""
    if (record := _read(board, procedure, place)) is None:
        raise CannotMeasure("runs that were compared are no longer what they were", hint="build the pages again")
    return record


def _read(board: Sequence[OpenRun], procedure: Procedure, place: Path | None) -> ComparisonRecord | None:
    if held := kept(place):
        with contextlib.suppress(ValidationError):
            return ComparisonRecord.model_validate(held)
    sides = told_apart(seeds([run for one in board if (run := _opened(one)) is not None]))
    if len(sides) < 2:
        return None
    answered = AnsweredPairs(_pairs(board, procedure) if place is not None else None)
    made = _compared(sides, procedure, answered)
    keep(place, made)
    answered.keep()
    return ComparisonRecord.model_validate(made)


def _opened(run: OpenRun) -> OpenRun | None:
    # What a board has of a record (`benchbed.results.summary`) lacks figures under corruptions, none of clean audio.
    plain = all(cell.condition.kind == "clean" for cell in run.result.cells)
    try:
        opened = replace(run, statistics=statistics_of(run.result, run.path.parent)) if plain else open_run(run.path)
    except BenchbedError:
        return None  # damaged since, or from elsewhere
    return None if opened.statistics is None else opened


def _alike(a: OpenRun, b: OpenRun) -> bool:
    return a.result.primary == b.result.primary and not any(m.blocking for m in mismatches(a.result, b.result))


def _pairs(board: Sequence[OpenRun], procedure: Procedure) -> Path:
    """Where the answers about pairs of a board are kept."""
    first = board[0].result
    data = first.dataset.name, first.dataset.index_hash
    return board_place("pairs", __name__, "json", first.suite.name, *data, first.primary, repr(procedure))


def _compared(sides: Sequence[Side], procedure: Procedure, answered: AnsweredPairs) -> dict[str, Any]:
    ordered = sorted(sides, key=_place)
    known = set.intersection(*(set(recipes(run.sums)) for side in sides for run in side.runs))
    plain = all(key.endswith("/clean") for side in sides for run in side.runs for key in run.sums.cells)
    wanted = Wanted(
        groups=tuple(g for kind in GROUPS for g in sorted(known) if g.startswith(f"{kind}=")) if plain else ()
    )
    made: dict[str, Any] = json.loads(
        json.dumps(compare(ordered, wanted, procedure, answered).as_json(), default=float)
    )
    return made


def _place(side: Side) -> float:
    """The best first, by the mean of its runs in the figure that ranks; what has none stands last."""
    return sum(map(_figure, side.runs)) / len(side.runs)


def _figure(run: OpenRun) -> float:
    """The figure that ranks a run, lower where it is better; infinite without one."""
    primary = run.result.primary
    clean = next((cell for cell in run.result.cells if cell.condition.kind == "clean"), None)
    value = run.result.scores.get(primary) or (clean.metrics.get(primary) if clean is not None else None)
    if value is None or value.value is None:
        return float("inf")
    return -value.value if value.direction == "higher" else value.value
