"""All doubts about one run, in the order in which they are read: its data, its model, its answers."""

from __future__ import annotations

from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import record
from benchbed.run.doubts.answers import answer_doubts
from benchbed.run.doubts.data import data_doubts
from benchbed.run.doubts.model import model_doubts
from benchbed.run.doubts.seen import seen
from benchbed.run.job.prepared import Prepared


def doubts(prepared: Prepared, stored: PredictionsByCell) -> list[record.Check]:
    """Checks named `data:…`, `model:…` and `answers:…`; `warn` far beyond chance, `fail` for certain."""
    clean = [cell.key for cell in prepared.cells if cell.kind == "clean"]
    items = seen(stored.of(*clean), clean)
    return [
        *data_doubts(prepared),
        *model_doubts(prepared, items),
        *(answer_doubts(items) if clean else ()),
    ]
