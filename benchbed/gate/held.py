"""What a gate holds against what: the candidate and the baseline, each one run or the seeds of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbed.compare.answer import Procedure
from benchbed.compare.runs import OpenRun, mismatches
from benchbed.errors import CannotMeasure


@dataclass(frozen=True)
class Held:
    """The runs of both sides.

    Attributes
    ----------
    runs : tuple of OpenRun
        The candidate: one run, or several that differ in their seed.
    bases : tuple of OpenRun
        The baseline; empty without one.
    how : Procedure
        Draws, levels, seed.
    notes : tuple of str
        In what they differ without harm, and which have no statistics.
    barrier : str or None
        Why no comparison with the baseline is possible.
    """

    runs: tuple[OpenRun, ...]
    bases: tuple[OpenRun, ...]
    how: Procedure
    notes: tuple[str, ...] = ()
    barrier: str | None = None

    @property
    def run(self) -> OpenRun:
        """The first run of the candidate, which names conditions and metrics."""
        return self.runs[0]

    @property
    def several(self) -> bool:
        """A side has several runs."""
        return len(self.runs) > 1 or len(self.bases) > 1

    def baseline(self) -> tuple[OpenRun, ...]:
        """The runs of the baseline.

        Raises
        ------
        CannotMeasure
            There are none, or they were not measured alike.
        """
        if self.barrier is not None or not self.bases:
            raise CannotMeasure(self.barrier or "no baseline")
        return self.bases


def held(runs: Sequence[OpenRun], bases: Sequence[OpenRun], how: Procedure) -> Held:
    """Both sides, and whether they may be compared."""
    notes: dict[str, None] = {}
    blocking: dict[str, None] = {}
    sides = [("the run", run) for run in runs] + [("the baseline", base) for base in bases]
    for name, one in sides[1:]:
        for found in mismatches(runs[0].result, one.result):
            if found.blocking:
                blocking[str(found)] = None
            else:
                notes[f"differs from {name} without harm: {found}"] = None
    if len(sides) > 1:
        for name, one in sides:
            if one.statistics is None:
                notes[f"{name}: {one.lack}; comparisons are unpaired and find less"] = None
    alone = [name for name, side in (("the run", runs), ("the baseline", bases)) if len(side) == 1]
    if alone and len(sides) > 2:
        notes[f"{alone[0]} is one seed: the spread over its seeds is not known and not in the intervals"] = None
    return Held(
        tuple(runs), tuple(bases), how, tuple(notes), f"not measured alike: {'; '.join(blocking)}" if blocking else None
    )


def title(runs: Sequence[OpenRun]) -> str:
    """Name of a side in outputs.

    Examples
    --------
    >>> title([])
    'none'
    """
    if not runs:
        return "none"
    return runs[0].name if len(runs) == 1 else f"{runs[0].name} and {len(runs) - 1} more seeds"
