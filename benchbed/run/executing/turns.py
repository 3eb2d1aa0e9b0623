"""Turns of the models of one command, so that what takes long is made of each clip once for all of them.

Every model has a process of its own. The one that is furthest behind leads: it computes units, in the order of the
suite, until there is audio for a turn of the others, or the room for it is half full. The others follow, up to where it
stopped; then the room is cleared, and the next one leads. A model that fails drops out, and whatever one of them does,
the predictions of the others are what they would be alone: audio that is not in the room is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchbed.run.computing.passed import passed_in
from benchbed.run.isolating.asking import ask
from benchbed.run.job.job import Job, Unit
from benchbed.run.progress import paused

#: Bytes of audio after which the one that leads stops: turns are short, and little memory is taken at a time.
TURN_BYTES = 96 * 2**20

#: Where a unit lies in the order of a suite, whatever the model.
Place = tuple[int, bool, int, int]


@dataclass(frozen=True)
class Waiting:
    """What the process of a model says when it may not go on.

    Attributes
    ----------
    place_waited_for : tuple
        Of the unit that it would compute next.
    """

    place_waited_for: Place


@dataclass(frozen=True)
class Turn:
    """What it is told in return.

    Attributes
    ----------
    until : tuple or None
        It may compute the units before this place; None for the one that leads.
    """

    until: Place | None


def place_of(job: Job, unit: Unit) -> Place:
    """Where a unit lies: shard by shard, those of attacks after the others and condition by condition.

    Parameters
    ----------
    job : Job
        Of any of the models.
    unit : Unit
    """
    split = list(job.clips).index(unit.split)
    if unit.cells[0].kind == "attack":
        return split, True, unit.condition, unit.number
    return split, False, unit.shard, unit.condition


class Turns:
    """The turns of one model, seen from its process.

    Parameters
    ----------
    job : Job
        Which says where the room is.
    asked : callable, optional
        Says to the command where this model stands, and comes back with its turn.
    """

    def __init__(self, job: Job, asked: Callable[[Waiting], object] | None = None) -> None:
        assert job.passed is not None
        self._place, self._asked = partial(place_of, job), asked or ask
        self._room = passed_in(job.passed)
        self._turn = Turn((0, False, 0, 0))
        self._least = 0

    def may(self, units: Sequence[Unit]) -> bool:
        """Whether some units, in their order, may be computed now."""
        if self._turn.until is None:
            return self._room.left >= self._least
        return self._place(units[0]) < self._turn.until

    def wait(self, units: Sequence[Unit]) -> None:
        """Come back when they may be."""
        while not self.may(units):
            with paused():
                turn = self._asked(Waiting(self._place(units[0])))
            assert isinstance(turn, Turn)
            self._turn = turn
            self._least = max(self._room.left // 2, self._room.left - TURN_BYTES)
