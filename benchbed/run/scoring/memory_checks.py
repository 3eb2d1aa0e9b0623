"""What a run says where batches did not fit into memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.results import record


def memory_checks(infos: Sequence[Mapping[str, object]], asked: int) -> list[record.Check]:
    """A warning where some units were computed in smaller batches than was asked for.

    Parameters
    ----------
    infos : sequence of mapping
        What each unit noted: under `most_inputs` the inputs of a call that fitted, if one did not.
    asked : int
        Inputs per call.
    """
    smaller = [int(str(info["most_inputs"])) for info in infos if info.get("most_inputs")]
    if not smaller:
        return []
    units = f"{len(smaller)} of {len(infos)} units"
    return [
        record.Check(
            name="memory",
            status="warn",
            message=f"batches of {asked} did not fit into memory: {units} were computed in batches of {min(smaller)} "
            "or more; answers then agree as those of two backends do (scores within 1e-4 of their size), not bitwise",
        )
    ]
