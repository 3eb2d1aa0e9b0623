"""Running and scoring models from Python: what `benchbed run`, `score`, `plan` and `check` do, without printing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.api.apart import apart, wanted
from benchbed.api.asked import AskedModel, asked
from benchbed.api.run import Run
from benchbed.api.runs import Runs
from benchbed.api.several import run_each
from benchbed.api.sweeping import swept
from benchbed.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.adapter.contract import Card
    from benchbed.run.job.policy import Reuse
    from benchbed.run.session import Settings
    from benchbed.suite.load import LoadedSuite

#: Options of a model, as typed values.
Options = Mapping[str, object]


def run(
    suite: str | Path | Mapping[str, object],
    model: Any,
    *,
    options: Options | None = None,
    card: Card | None = None,
    data: Mapping[str, str | Path] | None = None,
    overrides: Mapping[str, object] | None = None,
    out: str | Path = "runs",
    device: str = "auto",
    corruptions: str = "auto",
    batch_size: int = 16,
    workers: int = 1,
    threads: int = 1,
    limit: int | None = None,
    reuse: str = "missing",
    errors: bool | int | float = 0.01,
    seed: int = 0,
    synthetic: bool = True,
    trust_checkpoint: bool = False,
    verify: bool = False,
    report: bool = True,
    listen: int | None = None,
    progress: bool = False,
    isolate: bool | None = None,
) -> Run | Runs:
    """Run a suite on one model, or on several.

    Nothing is printed unless `progress` asks for it. An interrupt (Ctrl-C, a stopped cell) loses nothing: finished
    predictions are on disk, and the same call continues.

    Parameters
    ----------
    suite : str, Path or mapping
        File or name of a suite, or its content as a mapping.
    model : str, Path, Adapter, torch.nn.Module, or a sequence or mapping of these
        An adapter as `--model` takes it; a live adapter; or a network that takes waveforms `[clip, channel, sample]`
        and returns scores, with its `card`. A live network is copied before it is loaded, so that yours stays as it
        is, and runs in this process. A mapping gives names to several models.
    options : mapping, optional
        Options of the adapter, as typed values; of several models, those that all take.
    card : Card, optional
        What a `torch.nn.Module` is.
    data : mapping of str to path, optional
        Where datasets lie.
    overrides : mapping, optional
        Dotted place in the suite → new value, e.g. `{"statistics.draws": 200}`.
    out : str or Path
        Folder of runs.
    device, corruptions, batch_size, workers, threads, limit, seed, verify, listen
        As the flags of `benchbed run`.
    reuse : {"missing", "always", "never", "only"}
        What to do with stored predictions.
    errors : bool, int or float
        Failed predictions that are tolerated in each cell: True stops at the first, a whole number, or a fraction.
    synthetic : bool
        False forbids the synthetic stand-in where a dataset is not configured.
    trust_checkpoint : bool
        Allow checkpoints that can run code when loaded.
    report : bool
        Write `report.html`.
    progress : bool
        Show the progress on standard error.
    isolate : bool, optional
        Give each model that is named by its file a process of its own, so that one that crashes, hangs or fills the
        memory is one error here; by default yes, unless `BENCHBED_ISOLATE` is 0. Live models stay in this process.

    Returns
    -------
    Run
        For one model.
    Runs
        For several, and of a suite that goes through options; a model that failed is in `errors` by its name, and the
        others have run.

    Raises
    ------
    BenchbedError
        What cannot be run, with its place and cure; for several models only what concerns them all.

    Examples
    --------
    >>> import benchbed as bb
    >>> run = bb.run("suites/dcase_task1.yaml", "adapters/cnn.py", limit=40)  # doctest: +SKIP
    >>> run.cells()[["cell", "value", "low", "high"]]  # doctest: +SKIP
    """
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.session import Settings

    loaded = loaded_suite(suite, overrides)
    models = swept(loaded, asked(model, dict(options or {}), card))
    if any(one.live for one in models) and workers > 1:
        raise ConfigError("a live model runs in this process only", hint="workers=1, or write the adapter into a file")
    settings = Settings(
        out=Path(out),
        data={name: Path(path).expanduser() for name, path in (data or {}).items()},
        allow_synthetic=synthetic,
        device=device,
        corruptions=_place(corruptions),
        batch_size=batch_size,
        workers=workers,
        threads=threads,
        limit=limit,
        reuse=_reuse(reuse),
        errors=ErrorPolicy.parse("true" if errors is True else str(0 if errors is False else errors)),
        seed=seed,
        trust_checkpoint=trust_checkpoint,
        quiet=not progress,
        verify=verify,
        command="benchbed.run from Python",
    )
    several = not one_model(model) or bool(loaded.suite.sweep)
    return finished(loaded, models, settings, several=several, report=report, listen=listen, isolate=wanted(isolate))


def finished(
    loaded: LoadedSuite,
    models: Sequence[AskedModel],
    settings: Settings,
    *,
    several: bool,
    report: bool,
    listen: int | None,
    isolate: bool = False,
) -> Run | Runs:
    """What was asked for, run: one run or its error, or all runs and the errors beside them."""
    runs, failed = run_each(loaded, models, settings, report=report, listen=listen, isolate=isolate)
    if several:
        return Runs(runs, failed)
    for error in failed.values():
        raise error
    return runs[0]


def score(
    suite: str | Path | Mapping[str, object],
    answers: str | Path | pd.DataFrame,
    *,
    name: str | None = None,
    options: Options | None = None,
    data: Mapping[str, str | Path] | None = None,
    overrides: Mapping[str, object] | None = None,
    out: str | Path = "runs",
    seed: int = 0,
    synthetic: bool = True,
    report: bool = True,
) -> Run:
    """Score stored or foreign answers by the rules of a suite.

    Parameters
    ----------
    suite : str, Path or mapping
        As in `run`.
    answers : str, Path or DataFrame
        A file or folder as `benchbed score` takes it, or the same table in memory, or what `Run.predictions` gives.
    name : str, optional
        Name of the system in tables; by default the file's.
    options : mapping, optional
        How to read the table, e.g. `{"id_column": "file"}`.
    data, overrides, out, seed, synthetic, report
        As in `run`.

    Raises
    ------
    BenchbedError
        A table that does not fit the suite or its data.

    Examples
    --------
    >>> import pandas as pd, benchbed as bb
    >>> table = pd.DataFrame({"filename": ["a.wav"], "bus": [0.8], "tram": [0.2]})
    >>> bb.score("my_suite.yaml", table, name="mine")  # doctest: +SKIP
    """
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.session import Settings
    from benchbed.run.stored import name_of, reader_of, written

    loaded = loaded_suite(suite, overrides)
    settings = Settings(
        out=Path(out),
        data={key: Path(path).expanduser() for key, path in (data or {}).items()},
        allow_synthetic=synthetic,
        device="cpu",
        batch_size=256,
        errors=ErrorPolicy.parse("true"),
        seed=seed,
        quiet=True,
        command="benchbed.score from Python",
    )
    with written(answers, name) as place:
        reader, about = reader_of(loaded)
        name = name or name_of(place)
        chosen = {**about, **(options or {}), "file": str(place), **({"name": name} if name else {})}
        models = [AskedModel(name or place.stem, reader, chosen)]
        scored = finished(loaded, models, settings, several=False, report=report, listen=0)
    assert isinstance(scored, Run)
    return scored


def plan(
    suite: str | Path | Mapping[str, object],
    model: Any = None,
    *,
    options: Options | None = None,
    data: Mapping[str, str | Path] | None = None,
    overrides: Mapping[str, object] | None = None,
    limit: int | None = None,
    synthetic: bool = True,
    device: str = "auto",
    batch_size: int = 16,
    clips: int | None = None,
    models: int = 1,
    nodes: int | None = None,
    workers: int | None = None,
    isolate: bool | None = None,
) -> dict[str, object]:
    """What a suite would do: cells, clips, evaluations, hours of audio, disk, and with a model the time.

    Parameters
    ----------
    suite, model, options, data, overrides, limit, synthetic, device, batch_size, isolate
        As in `run`.
    clips, models : int
        Price so many clips of each split in the place of those at hand, and so many models, each as this one.
    nodes, workers : int, optional
        With a model: simulate so many machines with so many workers each, in `fleet` of the answer.

    Returns
    -------
    dict
        As `benchbed plan --json` prints it.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.plan("dcase_task1")["clips"]  # doctest: +SKIP
    """
    from benchbed.run.preparing.price import estimate

    one = None if model is None else asked(model, {}, None)[0]
    estimated: dict[str, object] = apart(
        "" if one is None else one.name,
        partial(
            estimate,
            loaded_suite(suite, overrides),
            None if one is None else one.spec,
            dict(options or {}),
            data={name: Path(path).expanduser() for name, path in (data or {}).items()},
            limit=limit,
            allow_synthetic=synthetic,
            device=device,
            batch_size=batch_size,
            as_clips=clips,
            as_models=models,
            nodes=nodes,
            workers=workers,
        ),
        isolate=one is not None and not one.live and wanted(isolate),
    )
    return estimated


def check(
    model: Any,
    *,
    options: Options | None = None,
    card: Card | None = None,
    device: str = "cpu",
    trust_checkpoint: bool = False,
    isolate: bool | None = None,
) -> pd.DataFrame:
    """Hunt silent faults of an adapter.

    Parameters
    ----------
    model, options, card, trust_checkpoint, isolate
        As in `run`.
    device : str
        Where the model runs.

    Returns
    -------
    pandas.DataFrame [columns=name, status, message]
        One row per check; `status` is `pass`, `warn`, `fail` or `skipped`.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.check("adapters/cnn.py").query("status == 'fail'")  # doctest: +SKIP
    """
    import pandas as pd

    from benchbed.run.checking import check_adapter

    (one,) = asked(model, dict(options or {}), card)
    call = partial(check_adapter, one.spec, one.options, device, trust_checkpoint)
    outcomes = apart(one.name, call, isolate=not one.live and wanted(isolate))
    return pd.DataFrame([vars(outcome) for outcome in outcomes])


def loaded_suite(suite: str | Path | Mapping[str, object], overrides: Mapping[str, object] | None) -> LoadedSuite:
    """A suite from a file, a name or a mapping, with values changed."""
    from benchbed.suite.load import load_definition, load_suite

    texts = {place: json.dumps(value) for place, value in (overrides or {}).items()}
    if isinstance(suite, Mapping):
        return load_definition(suite, texts)
    return load_suite(str(suite), texts)


def one_model(model: Any) -> bool:
    """Whether one model was given, and not several."""
    return isinstance(model, (str, Path)) or not isinstance(model, (Sequence, Mapping))


def _place(word: str) -> str:
    from benchbed.run.computing.ondevice import PLACES

    if word not in PLACES:
        raise ConfigError(f"corruptions={word!r}: not understood", hint=f"one of {', '.join(PLACES)}")
    return word


def _reuse(word: str) -> Reuse:
    from benchbed.run.job.policy import Reuse

    try:
        return Reuse(word)
    except ValueError:
        raise ConfigError(f"reuse={word!r}: not understood", hint=f"one of {', '.join(Reuse)}") from None
