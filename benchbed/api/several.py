"""One suite on one model after the other: a model that fails does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from benchbed.api.asked import AskedModel
from benchbed.api.one import OnDisk, compared, forget, run_one
from benchbed.api.run import Run
from benchbed.errors import BenchbedError, UnforeseenError
from benchbed.whole import refused

if TYPE_CHECKING:
    from benchbed.run.session import Prepared, Settings
    from benchbed.suite.load import LoadedSuite

Item = TypeVar("Item")
#: Makes a call for a model, here or where its process is, and hands on what it yields.
Caller = Callable[[Callable[[], Iterator[Item]]], Iterator[Item]]


def run_each(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    *,
    report: bool = True,
    listen: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    ready: Callable[[Prepared], None] | None = None,
    isolate: bool = False,
    follow: Callable[[float], None] | None = None,
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
    tell : callable
        Takes what a person should read, a line each.
    ready : callable
        Is given each run when it is prepared, before anything is computed; what pickle can send, to isolate.
    isolate : bool
        Give each model a process of its own, so that one that crashes, hangs or fills the memory takes nothing along;
        live models stay in this one.
    follow : callable, optional
        Is told which share of the run at hand is done.

    Returns
    -------
    list of Run
        Of the models that finished, in their order.
    dict of str to BenchbedError
        Of the others.
    """
    done: list[tuple[str, Caller, OnDisk]] = []
    failed: dict[str, BenchbedError] = {}
    with ExitStack() as stack:
        if isolate:
            from benchbed.run.isolating.forking import serving

            stack.enter_context(serving())
        for number, one in enumerate(models):
            others = tuple((other.spec, other.options) for other in models if other is not one and not other.live)
            others += settings.others  # type: ignore[assignment]
            name, command = one.given or settings.name, one.command or settings.command
            mine = replace(settings, others=others, name=name, command=command)  # type: ignore[arg-type]
            key = f"{number} {one.name}"
            caller = _caller(key, one, mine, stack, follow) if isolate and not one.live else _here(key, stack, follow)
            call = partial(run_one, key, loaded, one, mine, report, listen, not done, ready)
            try:
                done.append((key, caller, _told(caller(call), tell)))
            except BenchbedError as error:
                failed[one.name] = error
            except Exception as error:
                told = refused(error) if isinstance(error, OSError) else None
                if told is None and len(models) == 1:
                    raise
                failed[one.name] = told or _unforeseen(error)
        if len(done) > 1 and listen != 0:
            # Only now is it known where the models disagree.
            for key, caller, mine_done in done:
                rest = [other for _, _, other in done if other is not mine_done]
                for line in caller(partial(compared, key, rest)):
                    tell(cast("str", line))
    return [outcome.opened() for _, _, outcome in done], failed


def _told(items: Iterator[str | OnDisk], tell: Callable[[str], None]) -> OnDisk:
    """Hand on the lines; the outcome comes last."""
    for item in items:
        if isinstance(item, OnDisk):
            return item
        tell(item)
    raise RuntimeError("a run ended without an outcome")


def _here(key: str, stack: ExitStack, follow: Callable[[float], None] | None) -> Caller:
    from benchbed.run.progress import followed

    def made(call: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        with followed(follow):
            yield from call()

    stack.callback(forget, key)
    return made


def _caller(
    key: str, one: AskedModel, settings: Settings, stack: ExitStack, follow: Callable[[float], None] | None
) -> Caller:
    """Calls go to a process that begins now, and is there until the end of the stack."""
    from benchbed.run.isolating.process import Isolated, parts

    name = one.given or (Path(one.spec).stem if isinstance(one.spec, str) else one.name)
    process = stack.enter_context(closing(Isolated(name, settings.limits)))
    return lambda call: parts(process, call, follow)


def _unforeseen(error: Exception) -> UnforeseenError:
    made = UnforeseenError(
        f"internal error: {type(error).__name__}: {error}", hint="the same with --debug, and report it"
    )
    made.__cause__ = error
    return made
