"""A corruption as it was applied to one clip, as references see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.contract import Output

if TYPE_CHECKING:
    from benchbed.perturb.contract import Corruption


@dataclass(frozen=True)
class AppliedMoves:
    """Where a corruption put the sounds of one clip.

    Attributes
    ----------
    corruption : Corruption
    state, parameter : object
        As the corruption's own `apply` got them.
    labels : tuple of str
        Classes of the data set; a sound of another class changes no reference.
    """

    corruption: Corruption
    state: object
    parameter: object
    labels: tuple[str, ...] = ()

    def events(self, times: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        """New onsets and offsets `[event, 2]`, and the row that each of them was."""
        if self.corruption.preserves_time:
            return times, np.arange(len(times))
        return self.corruption.place_events(times, seconds, self.state, self.parameter)

    def directions(self, degrees: np.ndarray) -> np.ndarray:
        """New azimuth and elevation `[event, 2]`."""
        return self.corruption.move_directions(degrees, self.state, self.parameter)

    def added(self) -> list[tuple[float, float, int]]:
        """Sounds of the data set's classes that were put in: onset, offset, class number."""
        put_in = self.corruption.added_events(self.state, self.parameter)
        return [(onset, offset, self.labels.index(name)) for onset, offset, name in put_in if name in self.labels]


def applied(
    output: Output, corruption: Corruption, state: object, parameter: object, labels: tuple[str, ...] = ()
) -> AppliedMoves | None:
    """What a corruption did to references of an output; None if it leaves them where they are."""
    leaves = {"time": corruption.preserves_time, "space": corruption.preserves_space}
    if all(leaves[what] for what in output.moved_by) and not corruption.adds_events:
        return None
    return AppliedMoves(corruption, state, parameter, labels)
