"""Runs in parts: `run --shard i/n` for jobs that never meet, and `merge` for what they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchbed.api.apart import wanted
from benchbed.api.asked import AskedModel
from benchbed.api.inturn import TOGETHER, TurnTaker, entry_of, in_turn, room_for
from benchbed.api.measuring import loaded_suite
from benchbed.api.runs import Runs
from benchbed.api.several import run_each
from benchbed.errors import BenchbedError, ConfigError

if TYPE_CHECKING:
    from benchbed.run.executing.placing import RunPart
    from benchbed.run.job.limits import Limits
    from benchbed.run.parts import Gathered
    from benchbed.run.session import Settings
    from benchbed.suite.load import LoadedSuite

#: Settings that decide what a run is, as a part remembers them.
_KEPT = ("device", "corruptions", "batch_size", "threads", "limit", "seed", "allow_synthetic", "trust_checkpoint")


def run_part(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    part: RunPart,
    *,
    suite: str,
    policy: str = "0.01",
    isolate: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[list[Path], dict[str, BenchbedError]]:
    """Compute one part of a suite on each model.

    Parameters
    ----------
    loaded : LoadedSuite
    models : sequence of AskedModel
        By their files: other processes have to load them.
    settings : Settings
    part : RunPart
    suite : str
        The suite as it was given, by which it is found again when parts are merged.
    policy : str
        Failures that are tolerated, as they were given.
    isolate : bool
        Give each model a process of its own.
    tell : callable
        Takes what a person should read, a line each.

    Returns
    -------
    list of Path
        The `part.json` of each model that finished.
    dict of str to BenchbedError
        Of the others.
    """
    entries: list[TurnTaker] = []
    with ExitStack() as stack:
        for start in range(0, len(models), TOGETHER):
            some = models[start : start + TOGETHER]
            room = room_for(some, loaded, stack) if isolate and settings.cluster is None else None

            def begun() -> Iterator[TurnTaker]:
                for number, one in enumerate(some, start):  # noqa: B023 - it is used up before the next turn
                    mine, asked = _told(one, models, settings, loaded, suite, policy)
                    mine = replace(mine, passed=None if one.live else room)  # noqa: B023
                    entry = entry_of(number, one, mine.limits, isolate, stack)
                    first = not any(each.spoken for each in entries)
                    entries.append(entry)
                    entry.items = entry.caller(partial(_part, loaded, one, mine, part, asked, first))
                    yield entry

            in_turn(begun(), room, tell, lambda entry: None, alone=len(models) == 1)
    written = [cast("Path", entry.outcome) for entry in entries if entry.outcome is not None]
    return written, {models[entry.number].name: entry.error for entry in entries if entry.error is not None}


def _told(
    one: AskedModel,
    models: Sequence[AskedModel],
    settings: Settings,
    loaded: LoadedSuite,
    suite: str,
    policy: str,
) -> tuple[Settings, dict[str, Any]]:
    """What one model's run is told, and what was asked, as it is written beside the part."""
    others = tuple((other.spec, other.options) for other in models if other is not one)
    mine = replace(settings, others=others, name=one.given or settings.name, command=one.command)  # type: ignore[arg-type]
    asked = {
        "suite": suite,
        "overrides": dict(loaded.overrides),
        "model": one.spec,
        "options": dict(one.options),
        "name": mine.name,
        "others": [list(other) for other in others],
        "command": one.command,
        "errors": policy,
        "data": {name: str(path) for name, path in settings.data.items()},
        **{name: getattr(settings, name) for name in _KEPT},
    }
    return mine, asked


def _part(
    loaded: LoadedSuite, one: AskedModel, settings: Settings, part: RunPart, asked: dict[str, Any], first: bool
) -> Iterator[str | Path]:
    """Compute one part on one model: what a person should read, then the path of its `part.json`."""
    from benchbed.run import session
    from benchbed.run.parts import compute_part

    prepared = session.prepare(loaded, one.spec, one.options, settings)  # type: ignore[arg-type]
    if first and prepared.source.banner:
        yield prepared.source.banner
    yield compute_part(prepared, settings, part, asked)


def merge(
    parts: Sequence[str | Path],
    *,
    out: str | Path = "runs",
    suite: str | Path | None = None,
    model: str | Path | None = None,
    data: Mapping[str, str | Path] | None = None,
    report: bool = True,
    progress: bool = False,
    isolate: bool | None = None,
    limits: Limits | None = None,
) -> Runs:
    """Put parts together that `benchbed run --shard i/n` left: one run for each suite and model among them.

    The record is that of a run in one piece. No prediction is computed; the model is loaded for its card and its
    costs. The order of `parts`, and how the work was divided, change nothing.

    Parameters
    ----------
    parts : sequence of str or Path
        Folders of parts, their `part.json`, or folders that hold them.
    out : str or Path
        Folder of runs.
    suite, model : str or Path, optional
        Where the suite and the adapter lie on this machine, if elsewhere than where the parts were made; for parts of
        one run.
    data : mapping of str to path, optional
        Where datasets lie on this machine.
    report : bool
        Write `report.html`.
    progress : bool
        Show the progress on standard error.
    isolate : bool, optional
        As in `benchbed.run`.
    limits : Limits, optional
        What the process of a model may take.

    Returns
    -------
    Runs
        A model whose costs or figures cannot be made is in `errors`.

    Raises
    ------
    ConfigError
        No parts, or `suite` or `model` for several runs.
    DataError
        Parts are missing, disagree, or are of another run than suite, model and data give here.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.merge(["parts"], out="runs").figures()  # doctest: +SKIP
    """
    from benchbed.run.parts import gather

    gathered = gather([Path(place) for place in parts])
    if len(gathered) > 1 and (suite is not None or model is not None):
        listed = ", ".join(f"{one.model} on {one.suite}" for one in gathered)
        raise ConfigError(f"these are parts of {len(gathered)} runs: {listed}", hint="merge each by itself")
    runs = Runs()
    for one in gathered:
        asked = {**one.asked, **({"suite": str(suite)} if suite else {}), **({"model": str(model)} if model else {})}
        merged, failed = _merged(one, asked, Path(out), data or {}, report, not progress, wanted(isolate), limits)
        runs += merged
        runs.errors.update(failed)
    return runs


def _merged(
    gathered: Gathered,
    asked: Mapping[str, Any],
    out: Path,
    data: Mapping[str, str | Path],
    report: bool,
    quiet: bool,
    isolate: bool,
    limits: Limits | None,
) -> tuple[list, dict[str, BenchbedError]]:
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.parts import put
    from benchbed.run.session import Settings

    loaded = loaded_suite(asked["suite"], asked["overrides"])
    settings = Settings(
        out=out,
        data={name: Path(path).expanduser() for name, path in {**asked["data"], **data}.items()},
        errors=ErrorPolicy.parse(asked["errors"]),
        quiet=quiet,
        name=asked["name"],
        **{name: asked[name] for name in _KEPT},
    )
    others = tuple((spec, options) for spec, options in asked["others"])
    one = AskedModel(gathered.model, asked["model"], dict(asked["options"]), asked["command"], asked["name"])

    settings = replace(settings, others=others, limits=limits or settings.limits)
    return run_each(loaded, [one], settings, report=report, ready=partial(put, gathered), isolate=isolate)
