"""The comparisons of a board: the models that were measured alike, the best of them against each of the others.

What was found is kept in the cache folder under everything that it depends on: the digests of the records (which hold
those of their sums), their names and places, the procedure, and our own code. A board that is built again with the same
runs compares nothing; the folder may be emptied at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchbed.cache import cache_folder, recall, remember
from benchbed.code import closure
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
from benchbed.results.statistics import NAME

#: Kinds of groups that are compared beside all clips, where the runs have them and nothing but clean audio: of a
#: hundred perturbations each would be asked again. The matrix asks unseen devices on clean audio in any case.
GROUPS = ("devices", "device")
#: Comparisons that are kept in the cache folder, some hundred kilobytes each.
KEPT = 200


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
        try:
            comparison = _remembered(board, procedure or Procedure(correction="primary"))
        except BenchbedError as error:
            first = board[0].result
            reasons.append(f"{first.suite.name} on {first.dataset.name}: {error.what}")
            continue
        comparisons += [comparison] if comparison is not None else []
    return comparisons, reasons


def _remembered(board: Sequence[OpenRun], procedure: Procedure) -> ComparisonRecord | None:
    """The comparison of a board: as it was found before, or found now; none of fewer than two sides."""
    place = None if len(board) < 2 else _place_of(board, procedure)
    if place is not None and (held := recall(place)):
        with contextlib.suppress(ValidationError):
            return ComparisonRecord.model_validate(held)
    sides = told_apart(seeds([run for one in board if (run := _opened(one)) is not None]))
    if len(sides) < 2:
        return None
    made = _compared(sides, procedure)
    if place is not None:
        # A cache that cannot be written, or is full, only costs time.
        with contextlib.suppress(OSError):
            remember(place, made)
            _trim(place.parent)
    return ComparisonRecord.model_validate(made)


def _opened(run: OpenRun) -> OpenRun | None:
    try:
        opened = open_run(run.path)
    except BenchbedError:
        return None  # damaged since, or from elsewhere
    return None if opened.statistics is None else opened


def _alike(a: OpenRun, b: OpenRun) -> bool:
    return a.result.primary == b.result.primary and not any(m.blocking for m in mismatches(a.result, b.result))


def _compared(sides: Sequence[Side], procedure: Procedure) -> dict[str, Any]:
    ordered = sorted(sides, key=_place)
    known = set.intersection(*(set(recipes(run.sums)) for side in sides for run in side.runs))
    plain = all(key.endswith("/clean") for side in sides for run in side.runs for key in run.sums.cells)
    wanted = Wanted(
        groups=tuple(g for kind in GROUPS for g in sorted(known) if g.startswith(f"{kind}=")) if plain else ()
    )
    made: dict[str, Any] = json.loads(json.dumps(compare(ordered, wanted, procedure).as_json(), default=float))
    return made


def _place_of(board: Sequence[OpenRun], procedure: Procedure) -> Path | None:
    """Where the comparison of these runs is kept; None where it depends on more than can be known beforehand."""
    runs = [(str(run.path.resolve()), run.result.digest) for run in board]
    if procedure.swapper is not None or not all(digest for _, digest in runs):
        return None
    depends = json.dumps([runs, repr(procedure), closure(__name__).digest])
    return cache_folder() / "comparisons" / f"{hashlib.blake2b(depends.encode(), digest_size=16).hexdigest()}.json"


def _trim(folder: Path) -> None:
    """Drop what was written first beyond `KEPT` comparisons."""
    held = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in held[:-KEPT]:
        path.unlink(missing_ok=True)


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
