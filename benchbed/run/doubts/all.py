"""All doubts about one run, in the order in which they are read: its data, its model, its answers."""

from __future__ import annotations

from benchbed.predictions.store import Predictions
from benchbed.results import record
from benchbed.run.doubts.answers import answer_doubts
from benchbed.run.doubts.data import data_doubts
from benchbed.run.doubts.model import model_doubts
from benchbed.run.doubts.seen import seen
from benchbed.run.job.prepared import Prepared


def doubts(prepared: Prepared, predictions: Predictions) -> list[record.Check]:
    """Checks named `data:…`, `model:…` and `answers:…`; `warn` far beyond chance, `fail` for certain."""
    clean = [cell.key for cell in prepared.cells if cell.kind == "clean"]
    items = seen(predictions, clean)
    return [
        *data_doubts(prepared),
        *model_doubts(prepared, items),
        *(answer_doubts(items) if clean else ()),
    ]
