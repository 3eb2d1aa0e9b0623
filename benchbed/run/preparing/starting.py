"""How long it takes until a worker has its model, and until cells are scored: measured, for `benchbed plan --nodes`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.predictions.store import Predictions, UnitPredictions, read_units, write_unit
from benchbed.run.job.job import Job, Unit
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.split import rows_of_cells

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.run.scoring.grounds import Grounds

#: Conditions of each kind that are scored.
_CONDITIONS = 3
#: What a worker on another machine does until it has its model.
_ANEW = """
import json, sys
import benchbed.run.executing.ray_worker, pandas
from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.load import load_adapter, start
spec, options, device, trust = json.load(sys.stdin)
with trusting(trust):
    start(load_adapter(spec, options), device)
"""

#: What a command that runs a suite imports.
_COMMAND = "import torch, pandas, benchbed.cli, benchbed.run.session"


@cache
def command_seconds() -> float:
    """CPU seconds in which a command has imported what a run needs."""
    return _child(_COMMAND, "")


def start_seconds(job: Job, split: str, *, anew: bool) -> float:
    """CPU seconds in which a worker has its model.

    Parameters
    ----------
    job : Job
    split : str
    anew : bool
        In a new interpreter, as on another machine; else in a process that has imported everything, as workers of this
        machine are forked from.
    """
    spec, options = job.recipe_for(split)
    if spec.startswith("live:"):
        return 0.0
    if not anew:
        began = time.process_time()
        with trusting(job.trust_checkpoint):
            start(load_adapter(spec, options), job.device)
        return time.process_time() - began
    asked = json.dumps([spec, dict(options), job.device, job.trust_checkpoint], default=str)
    return _child(_ANEW, asked)


def _child(code: str, given: str) -> float:
    before = _of_children()
    ended = subprocess.run([sys.executable, "-c", code], input=given, text=True, capture_output=True)
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
        raise CannotMeasure(
            f"a worker did not start in a new process: {last}",
            hint="`benchbed check` on the adapter; without --nodes and --workers a plan starts none",
        )
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scored_seconds(prepared: Prepared, probed: Sequence[tuple[Unit, UnitPredictions]]) -> Mapping[str, float]:
    """CPU seconds that scoring a cell takes for each of its predictions, by the kind of its condition.

    Much of it is the same for few clips and for many, so a whole cell is scored: answers of the probe stand for those
    of all clips of the split, in turns, where they have their references with them or are rows of figures; else the
    probe's own are scored, all of them and half of them, which tells what more clips add.

    Parameters
    ----------
    prepared : Prepared
    probed : sequence of (Unit, UnitPredictions)
        What a probe computed; of each kind the conditions are scored of which most is known, and not one alone, since
        conditions differ in what they make a model say.
    """
    from benchbed.run.scoring import grounds as scored

    grounds, by_kind = scored.Grounds.of(prepared, 0), dict[str, list[tuple[Unit, UnitPredictions]]]()
    for unit, answers in probed:
        if len(answers):
            by_kind.setdefault(unit.cells[0].kind, []).append((unit, answers))
    seconds_by_kind = {}
    for kind, there in by_kind.items():
        known = sorted(there, key=lambda one: -len(one[1]))[:_CONDITIONS]
        if told := [seconds for one in known if (seconds := _scored(prepared, grounds, *one)) is not None]:
            seconds_by_kind[kind] = sum(told) / len(told)
    return seconds_by_kind


def _scored(prepared: Prepared, grounds: Grounds, unit: Unit, answers: UnitPredictions) -> float | None:
    """CPU seconds for each prediction of a cell; None where the probe's clips are too few to be scored."""
    from benchbed.run.scoring.cells import score_one
    from benchbed.run.scoring.grouped import GroupedSplit

    family, primary = grounds.family()
    plan = unit.cells[0]
    with tempfile.TemporaryDirectory() as folder:
        predictions = read_units([write_unit(answers, Path(folder))])
    clips = prepared.job.clips[unit.split]["clip_id"]
    predictions, rows = _for_all(predictions, plan.key, clips)
    split = GroupedSplit(grounds, plan.split)
    parts = [predictions] if len(rows) in (1, len(clips)) else [predictions, _of_rows(predictions, rows[::2])]
    try:
        score_one(plan, grounds, split, family, primary, predictions)  # the first one imports
        costs = []
        for part in parts:
            began = time.process_time()
            score_one(plan, grounds, split, family, primary, part)
            costs.append(time.process_time() - began)
    except BenchbedError:
        return None
    return _of_all(costs, len(rows), len(rows[::2]), len(clips)) / len(clips)


def _of_all(costs: Sequence[float], rows: int, fewer: int, clips: int) -> float:
    """Seconds for all clips, by those for some of them and for half of those: a line, no steeper than through nothing.

    Examples
    --------
    >>> _of_all([3.0, 2.0], 10, 5, 20), _of_all([3.0, 1.0], 10, 5, 20), _of_all([3.0, 4.0], 10, 5, 20)
    (5.0, 6.0, 3.0)
    """
    if len(costs) < 2:
        return costs[0] * clips / rows
    each = min(max((costs[0] - costs[1]) / (rows - fewer), 0.0), costs[0] / rows)
    return costs[0] + each * (clips - rows)


def _of_rows(predictions: Predictions, rows: np.ndarray) -> Predictions:
    references = predictions.references
    return replace(
        predictions,
        table=predictions.table.iloc[rows].reset_index(drop=True),
        scores=predictions.scores[rows],
        references=None if references is None else references[rows],
    )


def _for_all(predictions: Predictions, cell: str, clips: pd.Series) -> tuple[Predictions, np.ndarray]:
    """The answers of a cell for every clip, those that are there in turns, and its rows among them."""
    (rows,) = rows_of_cells(predictions.table, [cell]).values()
    if predictions.scores.dtype == object and predictions.references is None:
        return predictions, rows
    taken = rows[np.arange(len(clips)) % len(rows)]
    tiled = _of_rows(predictions, taken)
    return replace(tiled, table=tiled.table.assign(clip_id=clips.to_numpy())), np.arange(len(clips))
