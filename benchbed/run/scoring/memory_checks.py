"""What a run says where batches did not fit into memory."""

from __future__ import annotations

from benchbed.predictions.store import Predictions
from benchbed.results import record


def memory_checks(predictions: Predictions, asked: int) -> list[record.Check]:
    """A warning where some units were computed in smaller batches than was asked for.

    Parameters
    ----------
    predictions : Predictions
        With what each unit noted: under `most_inputs` the inputs of a call that fitted, if one did not.
    asked : int
        Inputs per call.
    """
    smaller = [int(info["most_inputs"]) for info in predictions.info if info.get("most_inputs")]
    if not smaller:
        return []
    units = f"{len(smaller)} of {len(predictions.info)} units"
    return [
        record.Check(
            name="memory",
            status="warn",
            message=f"batches of {asked} did not fit into memory: {units} were computed in batches of {min(smaller)} "
            "or more; answers then agree as those of two backends do (scores within 1e-4 of their size), not bitwise",
        )
    ]
