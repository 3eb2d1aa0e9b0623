"""Models of a command that are run by calls, each in its process if it has one, and take turns through a suite.

Those with processes of their own share a room for audio, so that what a suite does to its clips is done once for all of
them (`benchbed.run.executing.turns`). A model that fails does not take the others along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchbed.api.asked import AskedModel
from benchbed.errors import BenchbedError, UnforeseenError
from benchbed.packages import unusable
from benchbed.whole import refused

if TYPE_CHECKING:
    from benchbed.run.executing.turns import Place
    from benchbed.run.isolating.process import Isolated
    from benchbed.run.job.limits import Limits
    from benchbed.suite.load import LoadedSuite

Item = TypeVar("Item")
#: Makes a call for a model, here or where its process is, and hands on what it yields.
Caller = Callable[[Callable[[], Iterator[Item]]], Iterator[Item]]

#: Models that take turns at once, each with its processes.
TOGETHER = 8


@dataclass
class TurnTaker:
    """A model of the command.

    Attributes
    ----------
    number : int
        Among the models of the command.
    caller : callable
        Makes calls for it.
    process : Isolated or None
        Where they are made, if it has one of its own.
    items : iterator
        What its call yields, as far as nobody has heard it yet: lines for a person, and its outcome.
    outcome : object
        What came of it; None as long as nothing did.
    error : BenchbedError or None
        Why nothing came of it.
    place : tuple or None
        Of the unit that it is to compute next, if it may not go on.
    """

    number: int
    caller: Caller
    process: Isolated | None
    items: Iterator[object] = field(default_factory=lambda: iter(()))
    outcome: object = None
    error: BenchbedError | None = None
    place: Place | None = None

    @property
    def spoken(self) -> bool:
        """It has come so far that everything was said which all models have in common."""
        return self.outcome is not None or self.place is not None


def entry_of(
    number: int,
    one: AskedModel,
    limits: Limits,
    isolate: bool,
    stack: ExitStack,
    follow: Callable[[float], None] | None = None,
) -> TurnTaker:
    """A model; its process is there until the end of the stack.

    Parameters
    ----------
    number : int
    one : AskedModel
    limits : Limits
        Of its process.
    isolate : bool
        Give it a process; a live model stays in this one.
    stack : ExitStack
    follow : callable, optional
        Is told which share of its run is done.
    """
    if not isolate or one.live:
        from benchbed.run.progress import followed

        def made(call: Callable[[], Iterator[Item]]) -> Iterator[Item]:
            with followed(follow):
                yield from call()

        return TurnTaker(number, made, None)
    from benchbed.run.isolating.process import Isolated, parts

    name = one.given or (Path(one.spec).stem if isinstance(one.spec, str) else one.name)
    process = stack.enter_context(closing(Isolated(name, limits)))
    return TurnTaker(number, lambda call: parts(process, call, follow), process)


def room_for(models: Iterable[AskedModel], loaded: LoadedSuite, stack: ExitStack) -> Path | None:
    """A room for audio, there as long as the stack is; None where nobody shares any, or there is no place for it."""
    if sum(not one.live for one in models) < 2:
        return None
    from benchbed.run.computing.passed import opened_room
    from benchbed.suite.conditions import CorruptionCondition

    if not any(isinstance(condition, CorruptionCondition) for condition in loaded.suite.conditions):
        return None
    try:
        return stack.enter_context(opened_room())
    except OSError:  # every model then makes its own
        return None


def in_turn(
    entries: Iterable[TurnTaker],
    room: Path | None,
    tell: Callable[[str], None],
    over: Callable[[TurnTaker], None],
    alone: bool = False,
) -> None:
    """Have the calls of some models go on until all are over.

    Parameters
    ----------
    entries : iterable of TurnTaker
        Each is begun before the next is asked for.
    room : Path or None
        Of their audio.
    tell : callable
        Takes what a person should read, a line each.
    over : callable
        Takes each model that is over.
    alone : bool
        There is one model in all, and an error that nobody foresaw is raised as it is.
    """
    started: list[TurnTaker] = []
    for entry in entries:
        _go_on(entry, tell, over, alone)
        started.append(entry)
    if room is None:
        return
    from benchbed.run.computing.passed import PassedAudio
    from benchbed.run.executing.turns import Turn

    passed = PassedAudio(room)
    while waiting := sorted((entry for entry in started if entry.place is not None), key=_place):
        passed.clear()
        leader, *others = waiting
        _granted(leader, Turn(None), tell, over)
        for entry in others:
            if leader.place is None or _place(entry) < leader.place:
                _granted(entry, Turn(leader.place), tell, over)
    passed.clear()


def _place(entry: TurnTaker) -> Place:
    assert entry.place is not None
    return entry.place


def _granted(entry: TurnTaker, turn: object, tell: Callable[[str], None], over: Callable[[TurnTaker], None]) -> None:
    assert entry.process is not None
    entry.process.tell(turn)
    _go_on(entry, tell, over, alone=False)


def _go_on(entry: TurnTaker, tell: Callable[[str], None], over: Callable[[TurnTaker], None], alone: bool) -> None:
    """Have a call go on until it is over or may not go on."""
    entry.place = None
    try:
        for item in entry.items:
            if isinstance(item, str):
                tell(item)
            elif (place := getattr(item, "place_waited_for", None)) is not None:
                entry.place = place
                return
            else:
                entry.outcome = item
        if entry.outcome is None:
            raise RuntimeError("a call about a model ended without an outcome")
    except BenchbedError as error:
        entry.error = error
    except Exception as error:
        told = (refused(error) if isinstance(error, OSError) else None) or unusable(error)
        if told is None and alone:
            raise
        entry.error = told or _unforeseen(error)
    over(entry)


def _unforeseen(error: Exception) -> UnforeseenError:
    made = UnforeseenError(
        f"internal error: {type(error).__name__}: {error}",
        hint="the same with --debug, and report it",
    )
    made.__cause__ = error
    return made
