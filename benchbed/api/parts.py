"""Runs in parts: `run --shard i/n` for jobs that never meet, and `merge` for what they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.api.asked import AskedModel
from benchbed.api.measuring import loaded_suite
from benchbed.api.runs import Runs
from benchbed.api.several import run_each
from benchbed.errors import BenchbedError, ConfigError

if TYPE_CHECKING:
    from benchbed.run.executing.placing import RunPart
    from benchbed.run.parts import Gathered
    from benchbed.run.session import Prepared, Settings
    from benchbed.suite.load import LoadedSuite

#: Settings that decide what a run is, as a part remembers them.
_KEPT = ("device", "batch_size", "threads", "limit", "seed", "allow_synthetic", "trust_checkpoint")


def run_part(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    part: RunPart,
    *,
    suite: str,
    policy: str = "0.01",
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
    tell : callable
        Takes what a person should read, a line each.

    Returns
    -------
    list of Path
        The `part.json` of each model that finished.
    dict of str to BenchbedError
        Of the others.
    """
    from benchbed.run import session
    from benchbed.run.parts import compute_part

    written: list[Path] = []
    failed: dict[str, BenchbedError] = {}
    for one in models:
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
        try:
            prepared = session.prepare(loaded, one.spec, one.options, mine)  # type: ignore[arg-type]
            if not written and prepared.source.banner:
                tell(prepared.source.banner)
            written.append(compute_part(prepared, mine, part, asked))
        except BenchbedError as error:
            failed[one.name] = error
    return written, failed


def merge(
    parts: Sequence[str | Path],
    *,
    out: str | Path = "runs",
    suite: str | Path | None = None,
    model: str | Path | None = None,
    data: Mapping[str, str | Path] | None = None,
    report: bool = True,
    progress: bool = False,
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
        merged, failed = _merged(one, asked, Path(out), data or {}, report, not progress)
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

    def ready(prepared: Prepared) -> None:
        put(gathered, prepared)

    return run_each(loaded, [one], replace(settings, others=others), report=report, ready=ready)
