"""One suite on several models: a model that fails does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from benchbed.api.asked import AskedModel
from benchbed.api.inturn import TOGETHER, TurnTaker, entry_of, in_turn, room_for
from benchbed.api.one import OnDisk, compared, forget, run_one
from benchbed.api.run import Run
from benchbed.errors import BenchbedError

if TYPE_CHECKING:
    from benchbed.run.session import Prepared, Settings
    from benchbed.suite.load import LoadedSuite


@dataclass(frozen=True)
class Follower:
    """Who hears of the runs of a command while they go on.

    Attributes
    ----------
    tell : callable
        Takes what a person should read, a line each.
    follow : callable, optional
        Is told the number of a model, counted from 0, and which share of its run is done.
    over : callable, optional
        Is told the number of a model that is over, and its run or why there is none.
    """

    tell: Callable[[str], None] = lambda text: None
    follow: Callable[[int, float], None] | None = None
    over: Callable[[int, Run | BenchbedError], None] | None = None

    def of_model(self, number: int) -> Callable[[float], None] | None:
        """Who follows one model."""
        return None if self.follow is None else partial(self.follow, number)

    def ended(self, entry: TurnTaker) -> None:
        """Hear that a model is over."""
        if self.over is not None:
            self.over(entry.number, entry.error or cast("OnDisk", entry.outcome).opened())


def run_each(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    *,
    report: bool = True,
    listen: int | None = None,
    follower: Follower = Follower(),
    ready: Callable[[Prepared], None] | None = None,
    isolate: bool = False,
    acquainted: bool = True,
) -> tuple[list[Run], dict[str, BenchbedError]]:
    """Run a suite on each model.

    Parameters
    ----------
    loaded : LoadedSuite
    models : sequence of AskedModel
    settings : Settings
        Of every run; its `others` are joined by the other models here.
    report : bool
        Write the page of each run.
    listen : int, optional
        Clips worth hearing to keep beside each run; as many as the data's licence suggests by default.
    follower : Follower
        Hears how it goes.
    ready : callable
        Is given each run when it is prepared, before anything is computed; what pickle can send, to isolate.
    isolate : bool
        Give each model a process of its own, so that one that crashes, hangs or fills the memory takes nothing along;
        live models stay in this one.
    acquainted : bool
        Each run knows of the other models: attacks transfer from them, and its page says where they disagree.

    Returns
    -------
    list of Run
        Of the models that finished, in their order.
    dict of str to BenchbedError
        Of the others.
    """
    entries: list[TurnTaker] = []
    with ExitStack() as stack:
        if isolate:
            from benchbed.run.isolating.forking import serving

            stack.enter_context(serving())
        for start in range(0, len(models), TOGETHER):
            some = models[start : start + TOGETHER]
            room = room_for(some, loaded, stack) if isolate and settings.cluster is None else None

            def begun() -> Iterator[TurnTaker]:
                for number, one in enumerate(some, start):  # noqa: B023 - it is used up before the next turn
                    mine = _settings(settings, one, models, acquainted)
                    mine = mine if one.live else replace(mine, passed=room)  # noqa: B023
                    entry = entry_of(number, one, mine.limits, isolate, stack, follower.of_model(number))
                    if entry.process is None:
                        stack.callback(forget, _key(number, one))
                    first = not any(each.spoken for each in entries)
                    entries.append(entry)
                    call = partial(run_one, _key(number, one), loaded, one, mine, report, listen, first, ready)
                    entry.items = entry.caller(call)
                    yield entry

            in_turn(begun(), room, follower.tell, follower.ended, alone=len(models) == 1)
        done = [entry for entry in entries if entry.outcome is not None]
        if acquainted and len(done) > 1 and listen != 0:
            # Only now is it known where the models disagree.
            for entry in done:
                rest = [cast("OnDisk", other.outcome) for other in done if other is not entry]
                for line in entry.caller(partial(compared, _key(entry.number, models[entry.number]), rest)):
                    follower.tell(cast("str", line))
    runs = [cast("OnDisk", entry.outcome).opened() for entry in done]
    return runs, {models[entry.number].name: entry.error for entry in entries if entry.error is not None}


def _key(number: int, one: AskedModel) -> str:
    """Under which the process of a model keeps it."""
    return f"{number} {one.name}"


def _settings(settings: Settings, one: AskedModel, models: Sequence[AskedModel], acquainted: bool) -> Settings:
    """What the run of one model is told."""
    others = tuple((other.spec, other.options) for other in models if other is not one and not other.live)
    others = (others if acquainted else ()) + settings.others  # type: ignore[operator]
    name, command = one.given or settings.name, one.command or settings.command
    return replace(settings, others=others, name=name, command=command)  # type: ignore[arg-type]
