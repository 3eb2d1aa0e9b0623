"""One suite on one model after the other: a model that fails does not take the others along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbed.api.asked import AskedModel
from benchbed.api.run import Run
from benchbed.errors import BenchbedError

if TYPE_CHECKING:
    from benchbed.run.session import Finished, Prepared, Settings
    from benchbed.suite.load import LoadedSuite


def run_each(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    *,
    report: bool = True,
    listen: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    ready: Callable[[Prepared], None] = lambda prepared: None,
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
        Is given each run when it is prepared, before anything is computed.

    Returns
    -------
    list of Run
        Of the models that finished, in their order.
    dict of str to BenchbedError
        Of the others.
    """
    from benchbed.run import session

    done: list[tuple[AskedModel, Prepared, Finished]] = []
    failed: dict[str, BenchbedError] = {}
    for one in models:
        others = tuple((other.spec, other.options) for other in models if other is not one and not other.live)
        others += settings.others  # type: ignore[assignment]
        name, command = one.given or settings.name, one.command or settings.command
        mine = replace(settings, others=others, name=name, command=command)  # type: ignore[arg-type]
        try:
            prepared = session.prepare(loaded, one.spec, one.options, mine)  # type: ignore[arg-type]
            if not done and prepared.source.banner:
                tell(prepared.source.banner)
            for line in prepared.place.said:
                tell(line)
            ready(prepared)
            finished = session.run(prepared, mine, one.options)
        except BenchbedError as error:
            failed[one.name] = error
            continue
        for line in finished.said:
            tell(line)
        done.append((one, prepared, finished))
        _page(finished, prepared, report, listen, (), tell)
    if len(done) > 1 and listen != 0:
        # Only now is it known where the models disagree.
        for _, prepared, finished in done:
            _page(finished, prepared, report, listen, [other for _, _, other in done if other is not finished], tell)
    runs = []
    for _, prepared, finished in done:
        opened = Run(finished.path)
        opened.reused = (finished.reused, len(prepared.units))
        opened.exceeded = finished.exceeded
        opened.over = tuple(map(str, finished.over))
        runs.append(opened)
    return runs, failed


def _page(
    done: Finished,
    prepared: Prepared,
    report: bool,
    listen: int | None,
    others: Sequence[Finished],
    tell: Callable[[str], None],
) -> None:
    """Keep clips worth hearing, and write the page of a run."""
    from benchbed.run.showing.listening import keep

    names = [(other.result.model.name, other.path.parent) for other in others]
    why_not = keep(prepared, done.result, 6 if listen is None else listen, names)
    if why_not and listen and not others:
        tell(why_not)
    if report:
        Run(done.path).report()
