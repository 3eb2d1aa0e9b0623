"""Verbs that measure: run, plan, score."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbed.cli.flags import (
    MODEL_HELP,
    SET_HELP,
    Named,
    cluster_of,
    data_options,
    engine_options,
    for_model,
    limit_options,
    limits,
    named_models,
    paths,
    print_json,
    split_settings,
)
from benchbed.cli.group import verbs
from benchbed.cli.losses import tell_lost
from benchbed.errors import ConfigError

if TYPE_CHECKING:
    from benchbed.api.asked import AskedModel
    from benchbed.run.job.settings import Settings
    from benchbed.suite.load import LoadedSuite


@verbs.command()
@click.argument("suite")
@click.option("--model", "models", multiple=True, required=True, metavar="ADAPTER", help=MODEL_HELP)
@click.option("--name", help="Name of the model: of its folder and in tables; of several, --model NAME=FILE.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@data_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option(
    "--corruptions",
    type=click.Choice(["auto", "host", "device", "spectrum"]),
    default="auto",
    show_default=True,
    help="Where torch may make corruptions; auto: on a GPU; spectrum: noise in that of the front end, once per clip.",
)
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Processes; 1, on a cluster as many as it has room for.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Compute threads per process.")
@click.option(
    "--readers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Threads that decode ahead; where cores are spare, as many run codecs and other slow corruptions ahead.",
)
@engine_options
@click.option("--shard", metavar="I/N", help="Compute the I-th of N parts, for `benchbed merge`; nothing is scored.")
@click.option("--limit", type=click.IntRange(1), help="Score at most N clips per split, a fixed subset.")
@click.option(
    "--reuse",
    type=click.Choice(["missing", "always", "never", "only"]),
    default="missing",
    show_default=True,
    help="What to do with stored predictions.",
)
@click.option(
    "--fail-on-error",
    default="0.01",
    show_default=True,
    metavar="true|N|FRACTION",
    help="Failed predictions that are tolerated.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--trust-checkpoint", is_flag=True, help="Allow checkpoints that can run code when loaded.")
@click.option(
    "--verify", is_flag=True, help="Recompute the figures with sed_eval (and sed_scores_eval if it is there)."
)
@click.option(
    "--listen",
    type=click.IntRange(0),
    help="Keep N clips worth hearing beside the run and in its page; 6 where the data's licence allows it, 0 for none.",
)
@click.option(
    "--keep-attacked",
    is_flag=True,
    help="Write the sounds that broke a clip into `attacked` of the run, as `score --attacked` reads them.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="Write report.html.")
@click.option(
    "--references",
    multiple=True,
    metavar="none|FILE",
    help="Published figures (YAML) to show beside runs on their data, or none; by default benchbed's own.",
)
@limit_options
@click.option("--quiet", is_flag=True, help="No progress and no table.")
@click.option("--json", "as_json", is_flag=True, help="Print the records instead of their paths.")
def run(suite: str, models: tuple[str, ...], settings: tuple[str, ...], **flags: Any) -> int:
    """Run SUITE on one or more models; the last line on standard output is the path of result.json."""
    from benchbed.api.asked import AskedModel
    from benchbed.api.several import Follower, run_each
    from benchbed.api.sweeping import swept
    from benchbed.run.job.policy import ErrorPolicy, Reuse
    from benchbed.run.job.settings import Settings
    from benchbed.suite.load import load_suite

    suite_overrides, options = split_settings(settings)
    loaded = load_suite(suite, suite_overrides)
    policy, cluster = ErrorPolicy.parse(flags["fail_on_error"]), cluster_of(flags)
    run_settings = Settings(
        out=flags["out"],
        data=paths(flags["data"]),
        allow_synthetic=not flags["no_synthetic"],
        device=flags["device"],
        corruptions=flags.get("corruptions", "auto"),
        batch_size=flags["batch_size"],
        workers=flags["workers"] or (0 if cluster is not None else 1),
        cluster=cluster,
        threads=flags["threads"],
        readers=flags.get("readers", 1),
        limit=flags["limit"],
        reuse=Reuse(flags["reuse"]),
        errors=policy,
        seed=flags["seed"],
        trust_checkpoint=flags["trust_checkpoint"],
        quiet=flags["quiet"],
        verify=flags["verify"],
        keep_attacked=flags["keep_attacked"],
        limits=limits(flags),
    )
    named = named_models(models, flags.get("name"))
    asked = []
    for one in named:
        own = for_model(options, one, named)
        command = _command(suite, one, own, suite_overrides, flags)
        asked.append(AskedModel(one.given or one.spec, one.spec, dict(own), command, one.given))
    asked = swept(loaded, asked)
    if flags.get("shard"):
        return _part(suite, loaded, asked, run_settings, flags)
    runs, failed = run_each(
        loaded,
        asked,
        run_settings,
        report=flags["report"],
        listen=flags["listen"],
        follower=Follower(lambda text: click.echo(text, err=True)),
        isolate=flags["isolate"],
    )
    if failed and not runs and len(asked) == 1:
        raise next(iter(failed.values()))
    _with_references(runs, flags)
    code = 0
    if flags["keep_attacked"]:
        from benchbed.api.attacked import write_attacked

        for run in runs:
            click.echo(f"adversarial sounds: {write_attacked(run)}", err=True)
    for run in runs:
        if run.exceeded:
            code = 3
            first = run.result.failures[0]
            lost = ", ".join(run.over[:3]) + (", …" if len(run.over) > 3 else "")
            click.echo(
                f"error: {lost} failed, the policy allows {policy}; "
                f"the first: {first.clip_id}, {first.stage}: {first.message}\n"
                f"  at: {run.path / 'result.json'}\n  try: `benchbed data check`, or see `failures` in the record",
                err=True,
            )
    if runs and not flags["quiet"]:
        from benchbed.report.terminal import print_runs

        print_runs([run.result for run in runs])
        if flags["report"]:
            for run in runs:
                click.echo(f"page: {run.path / 'report.html'}", err=True)
    ended = tell_lost(failed, "result")
    code = code or ended
    for run in runs:
        record = run.path / "result.json"
        click.echo(record.read_text(encoding="utf-8") if flags["as_json"] else str(record))
    return code


def _part(suite: str, loaded: LoadedSuite, models: list[AskedModel], settings: Settings, flags: dict[str, Any]) -> int:
    """Compute one part of a run; the last line on standard output is the path of its part.json."""
    from benchbed.api.parts import run_part
    from benchbed.run.executing.placing import RunPart

    written, failed = run_part(
        loaded,
        models,
        settings,
        RunPart.parse(flags["shard"]),
        suite=suite,
        policy=flags["fail_on_error"],
        isolate=flags["isolate"],
        tell=lambda text: click.echo(text, err=True),
    )
    if failed and len(models) == 1:
        raise next(iter(failed.values()))
    code = tell_lost(failed, "part")
    for path in written:
        click.echo(str(path))
    return code


@verbs.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--suite", help="Where the suite lies on this machine, if not where the parts were made.")
@click.option("--model", metavar="ADAPTER", help="Where the adapter lies on this machine, likewise.")
@click.option("--data", "data", multiple=True, metavar="NAME=PATH", help="Where a dataset lies on this machine.")
@click.option(
    "--keep-attacked",
    is_flag=True,
    help="Write the sounds that broke a clip into `attacked` of the run, as `score --attacked` reads them.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="Write report.html.")
@limit_options
@click.option("--quiet", is_flag=True, help="No progress and no table.")
def merge(parts: tuple[Path, ...], **flags: Any) -> int:
    """Put PARTS together that `run --shard i/n` left, in any order; the record is that of a run in one piece."""
    from benchbed.api.parts import merge as merged

    runs = merged(
        parts,
        out=flags["out"],
        suite=flags["suite"],
        model=flags["model"],
        data=paths(flags["data"]),
        report=flags["report"],
        progress=not flags["quiet"],
        isolate=flags["isolate"],
        limits=limits(flags),
    )
    if runs and not flags["quiet"]:
        from benchbed.report.terminal import print_runs

        print_runs([run.result for run in runs])
    if runs.errors and not runs:
        raise next(iter(runs.errors.values()))
    ended = tell_lost(runs.errors, "result")
    code = 3 if any(run.exceeded for run in runs) else ended
    for run in runs:
        click.echo(str(run.path / "result.json"))
    return code


def _with_references(runs: Sequence[Any], flags: dict[str, Any]) -> None:
    """Write the pages again with the published figures that were asked for."""
    if flags.get("references") and flags["report"]:
        for run in runs:
            run.report(references=flags["references"])


def _command(
    suite: str, model: Named, options: dict[str, str], overrides: dict[str, str], flags: dict[str, Any]
) -> str:
    """The command that makes one record again, without what does not change it."""
    words = ["benchbed", "run", suite, "--model", model.spec]
    if model.given:
        # As a flag of its own: a name may have spaces in it.
        words += ["--name", model.given]
    for key, value in options.items():
        words += ["--set", f"{key}={value}"]
    for key, value in overrides.items():
        words += ["--set", f"suite.{key}={value}"]
    for pair in flags["data"]:
        words += ["--data", pair]
    for name, default in (
        ("device", "auto"),
        ("corruptions", "auto"),
        ("batch_size", 16),
        ("threads", 1),
        ("limit", None),
        ("seed", 0),
        ("fail_on_error", "0.01"),
    ):
        if flags.get(name, default) != default:
            words += [f"--{name.replace('_', '-')}", str(flags[name])]
    if flags["trust_checkpoint"]:
        words.append("--trust-checkpoint")
    return shlex.join(words)


@verbs.command()
@click.argument("suite")
@click.option("--model", metavar="ADAPTER", help="Estimate the time with this model, from a short probe.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@data_options
@click.option("--limit", type=click.IntRange(1))
@click.option("--device", default="auto", show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--clips", type=click.IntRange(1), help="Price N clips of each split in place of those at hand.")
@click.option("--models", type=click.IntRange(1), default=1, help="Price N models, each as this one.")
@click.option("--nodes", type=click.IntRange(1), help="Simulate N machines: start-up, stragglers, scoring.")
@click.option("--workers", type=click.IntRange(1), help="Workers on each of --nodes machines; 1 by default.")
@limit_options
@click.option("--json", "as_json", is_flag=True)
def plan(suite: str, model: str | None, settings: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """What SUITE would do: cells, clips, audio hours, disk, and the time with a model."""
    from benchbed.api.apart import apart
    from benchbed.run.preparing.price import estimate
    from benchbed.suite.load import load_suite

    overrides, options = split_settings(settings)
    loaded = load_suite(suite, overrides)
    call = partial(
        estimate,
        loaded,
        model,
        options,
        data=paths(flags["data"]),
        limit=flags["limit"],
        allow_synthetic=not flags["no_synthetic"],
        device=flags["device"],
        batch_size=flags["batch_size"],
        as_clips=flags["clips"],
        as_models=flags["models"],
        nodes=flags["nodes"],
        workers=flags["workers"],
    )
    isolate = model is not None and flags["isolate"]
    estimated = apart(Path(model or "").stem, call, isolate=isolate, limits=limits(flags))
    if as_json:
        print_json(estimated)
    else:
        from rich.console import Console

        from benchbed.report.terminal import print_plan

        # Every key stands in --json; people read the strengths of conditions.
        print_plan({**estimated, "cells": len(estimated["cells"])}, Console())  # type: ignore[arg-type]


@verbs.command()
@click.argument("suite")
@click.argument("predictions", type=click.Path(path_type=Path), required=False)
@click.option("--name", help="Name of the system in tables; by default the file's.")
@click.option(
    "--attacked",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Score adversarial sounds, of whoever made them, on a --model under the budgets of SUITE.",
)
@click.option("--model", metavar="ADAPTER", help="With --attacked: the model that hears them.")
@click.option("--by", "source", metavar="WHO", help="With --attacked: who made them; else what the folder says.")
@click.option("--limit", type=click.IntRange(1), help="With --attacked: the clips of a run with as many.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="How to read the file: id_column=…, normalise=true; or suite.…",
)
@data_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quiet", is_flag=True)
@click.pass_context
def score(
    ctx: click.Context, suite: str, predictions: Path | None, name: str | None, settings: tuple[str, ...], **flags: Any
) -> int:
    """Score stored or foreign PREDICTIONS (csv, tsv, parquet) by the rules of SUITE.

    For events in time they are a table of events, or a folder of tables of scores. With --attacked a folder of
    adversarial wav files is scored instead, on a model: see `benchbed explain attacks from_folder`.
    """
    if flags["attacked"] is not None:
        return _score_attacked(ctx, suite, predictions, name, settings, flags)
    if flags["model"] or flags["source"] or flags["limit"]:
        raise ConfigError("--model, --by and --limit go with --attacked", hint="`benchbed run` runs a model")
    if predictions is None:
        raise ConfigError("nothing to score", hint="a file of predictions, or --attacked FOLDER --model ADAPTER")
    from benchbed.run.stored import name_of, reader_of
    from benchbed.suite.load import load_suite

    # One file or folder for each split or step says where its name stands.
    if "{" not in str(predictions) and not predictions.exists():
        raise ConfigError("no file of predictions", where=str(predictions))
    adapter, about = reader_of(load_suite(suite, split_settings(settings)[0]))
    name = name or name_of(predictions)
    given = {"file": str(predictions), **({"name": name} if name else {})}
    first, last = (tuple(f"{key}={value}" for key, value in part.items()) for part in (about, given))
    return ctx.invoke(
        run,
        suite=suite,
        models=(adapter,),
        settings=(*first, *settings, *last),
        data=flags["data"],
        no_synthetic=flags["no_synthetic"],
        out=flags["out"],
        device="cpu",
        batch_size=256,
        workers=1,
        threads=1,
        engine="local",
        limit=None,
        reuse="missing",
        fail_on_error="true",
        seed=flags["seed"],
        trust_checkpoint=False,
        report=True,
        quiet=flags["quiet"],
        keep_attacked=False,
        isolate=False,
        as_json=False,
    )


def _score_attacked(
    ctx: click.Context,
    suite: str,
    predictions: Path | None,
    name: str | None,
    settings: tuple[str, ...],
    flags: dict[str, Any],
) -> int:
    """Run a model on the adversarial sounds of a folder, under the budgets of a suite."""
    from benchbed.api.attacked import attacked_overrides, attacked_place
    from benchbed.suite.load import load_suite

    if predictions is not None or flags["model"] is None:
        raise ConfigError(
            "--attacked scores the sounds of a folder on a model",
            hint="benchbed score SUITE --attacked FOLDER --model ADAPTER",
        )
    overrides, _ = split_settings(settings)
    changes = attacked_overrides(load_suite(suite, overrides), flags["attacked"], flags["source"])
    given = tuple(f"suite.{key}={value}" for key, value in changes.items())
    return ctx.invoke(
        run,
        suite=suite,
        models=(flags["model"],),
        name=name,
        settings=(*settings, *given),
        data=flags["data"],
        no_synthetic=flags["no_synthetic"],
        out=attacked_place(flags["out"], flags["attacked"], flags["source"]),
        device="auto",
        batch_size=16,
        workers=1,
        threads=1,
        engine="local",
        limit=flags["limit"],
        reuse="missing",
        fail_on_error="0.01",
        seed=flags["seed"],
        trust_checkpoint=False,
        report=True,
        quiet=flags["quiet"],
        verify=False,
        keep_attacked=False,
        isolate=False,
        as_json=False,
    )
