"""The command line: verbs and exit codes, no logic.

Exit codes: 0 fine · 1 a regression was shown (gate) · 2 usage or configuration error · 3 could not measure · 4
inconclusive under `--strict`. Results go to standard output, progress and messages to standard error. Heavy packages
are imported inside the verb that needs them, so that `--help`, `list` and `validate` answer at once.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

import benchbed
from benchbed.errors import BenchbedError, ConfigError

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Verbs(click.Group):
    """Verbs in the order in which they are defined, with a suggestion for a misspelt one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from benchbed.errors import did_you_mean

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.commands) or f"verbs: {', '.join(self.commands)}"
            raise ConfigError(f"no verb '{args[0]}'", hint=hint)
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings=_CONTEXT)
@click.version_option(benchbed.__version__, prog_name="benchbed")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def verbs(debug: bool) -> None:
    """Which audio model to trust, on which device, in which noise, at what cost.

    The first thing to try: benchbed run suites/dcase_task1.yaml --model adapters/cnn.py
    """


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script: run a verb, turn errors into one screen and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        # `--debug` is welcome anywhere on the line.
        code = verbs.main([a for a in arguments if a != "--debug"], prog_name="benchbed", standalone_mode=False)
    except BenchbedError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; run the same command again, it continues where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"internal error: {type(error).__name__}: {error}\n  try: the same with --debug, and report it", err=True
        )
        sys.exit(70)
    sys.exit(code if isinstance(code, int) else 0)


def _pairs(values: tuple[str, ...], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in values:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"{flag} {text}: expected NAME=VALUE")
        if key in found:
            raise ConfigError(f"{flag} {key} is given twice")
        found[key] = value
    return found


def _split_settings(values: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """`--set` values for the suite, and those for the model."""
    pairs = _pairs(values, "--set")
    suite = {key.removeprefix("suite."): value for key, value in pairs.items() if key.startswith("suite.")}
    return suite, {key: value for key, value in pairs.items() if not key.startswith("suite.")}


def _for_model(options: dict[str, str], spec: str, specs: tuple[str, ...]) -> dict[str, str]:
    """Options of one model: `key=value` goes to all, `cnn.key=value` to the model whose file is cnn.py."""
    stems = {Path(other).stem for other in specs}
    chosen: dict[str, str] = {}
    for key, value in options.items():
        stem, dot, rest = key.partition(".")
        if not dot:
            chosen.setdefault(key, value)
        elif stem == Path(spec).stem:
            chosen[rest] = value
        elif stem not in stems:
            from benchbed.errors import did_you_mean

            raise ConfigError(
                f"--set {key}: no model '{stem}' in this command",
                hint=did_you_mean(stem, stems) or f"suite.…, or one of {', '.join(sorted(stems))}",
            )
    return chosen


def _json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str, ensure_ascii=False))


def _data_options(verb: Callable) -> Callable:
    @click.option("--data", "data", multiple=True, metavar="NAME=PATH", help="Where a dataset lies.")
    @click.option("--no-synthetic", is_flag=True, help="Never fall back to the synthetic set.")
    @wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return verb(*args, **kwargs)

    return wrapped


_MODEL_HELP = "Adapter: FILE.py, package.module, an entry point or a shipped name; may be repeated."
_SET_HELP = "Option of the model (key=value, MODEL.key=value) or of the suite (suite.statistics.draws=200)."


@verbs.command()
@click.argument("suite")
@click.option("--model", "models", multiple=True, required=True, metavar="ADAPTER", help=_MODEL_HELP)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=_SET_HELP)
@_data_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Local processes.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Compute threads per process.")
@click.option("--engine", type=click.Choice(["local"]), default="local", show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Score at most N clips per split, a fixed subset.")
@click.option("--reuse", type=click.Choice(["missing", "always", "never", "only"]), default="missing",
              show_default=True, help="What to do with stored predictions.")  # fmt: skip
@click.option("--fail-on-error", default="0.01", show_default=True, metavar="true|N|FRACTION",
              help="Failed predictions that are tolerated.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--trust-checkpoint", is_flag=True, help="Allow checkpoints that can run code when loaded.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write report.html.")
@click.option("--quiet", is_flag=True, help="No progress and no table.")
@click.option("--json", "as_json", is_flag=True, help="Print the records instead of their paths.")
def run(suite: str, models: tuple[str, ...], settings: tuple[str, ...], **flags: Any) -> int:
    """Run SUITE on one or more models; the last line on standard output is the path of result.json."""
    from benchbed.run import session
    from benchbed.run.policy import ErrorPolicy, Reuse
    from benchbed.suite.load import load_suite

    suite_overrides, options = _split_settings(settings)
    loaded = load_suite(suite, suite_overrides)
    policy = ErrorPolicy.parse(flags["fail_on_error"])
    finished, code = [], 0
    for spec in models:
        chosen = _for_model(options, spec, models)
        run_settings = session.Settings(
            out=flags["out"],
            data=_paths(flags["data"]),
            allow_synthetic=not flags["no_synthetic"],
            device=flags["device"],
            batch_size=flags["batch_size"],
            workers=flags["workers"],
            threads=flags["threads"],
            limit=flags["limit"],
            reuse=Reuse(flags["reuse"]),
            errors=policy,
            seed=flags["seed"],
            trust_checkpoint=flags["trust_checkpoint"],
            quiet=flags["quiet"],
            command=_command(suite, spec, chosen, suite_overrides, flags),
        )
        prepared = session.prepare(loaded, spec, chosen, run_settings)
        if not finished and prepared.source.banner:
            click.echo(prepared.source.banner, err=True)
        done = session.run(prepared, run_settings, chosen)
        finished.append(done)
        if flags["report"]:
            from benchbed.report.page import write_report

            write_report(done.result, done.path.with_name("report.html"))
        if done.exceeded:
            code = 3
            click.echo(
                f"error: {len(done.result.failures)} predictions failed, the policy allows {policy}\n"
                f"  at: {done.path}\n  try: see `failures` in the record and log.jsonl",
                err=True,
            )
    if not flags["quiet"]:
        from benchbed.report.terminal import print_runs

        print_runs([done.result for done in finished])
        if flags["report"]:
            for done in finished:
                click.echo(f"page: {done.path.with_name('report.html')}", err=True)
    for done in finished:
        click.echo(done.path.read_text(encoding="utf-8") if flags["as_json"] else str(done.path))
    return code


def _paths(values: tuple[str, ...]) -> dict[str, Path]:
    return {name: Path(path).expanduser() for name, path in _pairs(values, "--data").items()}


def _command(suite: str, spec: str, options: dict[str, str], overrides: dict[str, str], flags: dict[str, Any]) -> str:
    """The command that makes one record again, without what does not change it."""
    words = ["benchbed", "run", suite, "--model", spec]
    for key, value in options.items():
        words += ["--set", f"{key}={value}"]
    for key, value in overrides.items():
        words += ["--set", f"suite.{key}={value}"]
    for pair in flags["data"]:
        words += ["--data", pair]
    for name, default in (("device", "auto"), ("batch_size", 16), ("threads", 1), ("limit", None), ("seed", 0),
                          ("fail_on_error", "0.01")):  # fmt: skip
        if flags[name] != default:
            words += [f"--{name.replace('_', '-')}", str(flags[name])]
    if flags["trust_checkpoint"]:
        words.append("--trust-checkpoint")
    return shlex.join(words)


@verbs.command()
@click.argument("model")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Option of the model.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--trust-checkpoint", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
def check(model: str, settings: tuple[str, ...], device: str, trust_checkpoint: bool, as_json: bool) -> int:
    """Hunt silent faults of the adapter MODEL: shapes, determinism, padding, scaling, label order, gradients."""
    from benchbed.run.checking import check_adapter

    outcomes = check_adapter(model, _pairs(settings, "--set"), device, trust_checkpoint)
    if as_json:
        _json([vars(outcome) for outcome in outcomes])
    else:
        from benchbed.report.terminal import print_checks

        print_checks(outcomes)
    return 2 if any(outcome.status == "fail" for outcome in outcomes) else 0


@verbs.command()
@click.argument("suites", nargs=-1, required=True)
@click.option("--set", "settings", multiple=True, metavar="suite.KEY=VALUE")
@click.option("--json", "as_json", is_flag=True)
def validate(suites: tuple[str, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Check suites without data or models; errors point at the line."""
    from benchbed.suite.load import load_suite
    from benchbed.suite.plan import plan_cells

    overrides, _ = _split_settings(settings)
    rows = []
    for name in suites:
        loaded = load_suite(name, overrides)
        rows.append({"suite": loaded.suite.name, "file": str(loaded.path), "hash": loaded.hash,
                     "cells": len(plan_cells(loaded.suite))})  # fmt: skip
    if as_json:
        _json(rows)
    else:
        for row in rows:
            click.echo(f"{row['file']}: fine, {row['cells']} cells")


@verbs.command()
@click.argument("suite")
@click.option("--model", metavar="ADAPTER", help="Estimate the time with this model, from a short probe.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=_SET_HELP)
@_data_options
@click.option("--limit", type=click.IntRange(1))
@click.option("--device", default="auto", show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def plan(suite: str, model: str | None, settings: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """What SUITE would do: cells, clips, audio hours, disk, and the time with a model."""
    from benchbed.run.planning import estimate
    from benchbed.suite.load import load_suite

    overrides, options = _split_settings(settings)
    loaded = load_suite(suite, overrides)
    estimated = estimate(loaded, model, options, data=_paths(flags["data"]), limit=flags["limit"],
                         allow_synthetic=not flags["no_synthetic"], device=flags["device"],
                         batch_size=flags["batch_size"])  # fmt: skip
    if as_json:
        _json(estimated)
    else:
        from benchbed.report.terminal import print_plan

        print_plan(estimated)


@verbs.command()
@click.argument("suite")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the system in tables; by default the file's.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="How to read the file: id_column=…, normalise=true; or suite.…")  # fmt: skip
@_data_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quiet", is_flag=True)
@click.pass_context
def score(
    ctx: click.Context, suite: str, predictions: Path, name: str | None, settings: tuple[str, ...], **flags: Any
) -> int:
    """Score stored or foreign PREDICTIONS (csv, tsv, parquet) by the rules of SUITE."""
    if not predictions.exists():
        raise ConfigError("no file of predictions", where=str(predictions))
    extra = (f"file={predictions}", *((f"name={name}",) if name else ()))
    return ctx.invoke(
        run, suite=suite, models=("predictions",), settings=(*settings, *extra), data=flags["data"],
        no_synthetic=flags["no_synthetic"], out=flags["out"], device="cpu", batch_size=256, workers=1, threads=1,
        engine="local", limit=None, reuse="missing", fail_on_error="true", seed=flags["seed"],
        trust_checkpoint=False, report=True, quiet=flags["quiet"], as_json=False,
    )  # fmt: skip


@verbs.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("leaderboard"), show_default=True)
def leaderboard(runs: tuple[Path, ...], out: Path) -> None:
    """Build static pages from RUNS (run folders, result files, or folders that hold them)."""
    from benchbed.report.leaderboard import write_leaderboard
    from benchbed.results.find import find_results

    pages = write_leaderboard(find_results(runs), out)
    click.echo(str(pages[0]))


@verbs.group()
def data() -> None:
    """Datasets: list, make, check, fetch."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True)
def data_list(as_json: bool) -> None:
    """Dataset layouts that benchbed reads."""
    from benchbed.data import LAYOUTS

    if as_json:
        _json(LAYOUTS.names())
    else:
        click.echo("\n".join(LAYOUTS.names()))


@data.command("make")
@click.argument("layout")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--size", type=click.Choice(["default", "small"]), default="default", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def data_make(layout: str, folder: Path, size: Any, seed: int) -> None:
    """Write the synthetic set of LAYOUT into FOLDER."""
    from benchbed.data.synthetic import make

    click.echo(str(make(folder, layout=layout, size=size, seed=seed)))


@data.command("check")
@click.argument("suite")
@_data_options
@click.option("--decode/--no-decode", default=True, show_default=True, help="Decode every file.")
@click.option("--json", "as_json", is_flag=True)
def data_check(suite: str, decode: bool, as_json: bool, **flags: Any) -> int:
    """Look for missing, unreadable, duplicate and leaking files in the dataset of SUITE."""
    from benchbed.data.check import check as check_data
    from benchbed.run.source import open_source
    from benchbed.suite.load import load_suite

    source = open_source(load_suite(suite), _paths(flags["data"]), allow_synthetic=not flags["no_synthetic"])
    if source.banner:
        click.echo(source.banner, err=True)
    report = check_data(source.dataset, decode=decode)
    if as_json:
        _json(report.to_json())
    else:
        click.echo(str(report))
    return 0 if report.ok else 3


@data.command("fetch")
@click.argument("layout")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--verify-only", is_flag=True, help="Download nothing; verify what is in the folder.")
def data_fetch(layout: str, folder: Path, verify_only: bool) -> None:
    """Fetch a dataset from its official source, or verify what you downloaded, by checksum."""
    from benchbed.data.fetch import fetch

    click.echo(str(fetch(layout, folder, verify_only=verify_only)))


@verbs.command("list")
@click.argument("kind", required=False, type=click.Choice(["suites", "adapters", "layouts", "corruptions", "metrics"]))
@click.option("--json", "as_json", is_flag=True)
def list_(kind: str | None, as_json: bool) -> None:
    """What there is: suites, adapters, dataset layouts, corruptions, metric families."""
    from benchbed.data import LAYOUTS
    from benchbed.metrics import FAMILIES
    from benchbed.perturb import CORRUPTIONS
    from benchbed.suite.load import shipped_folder

    found = {
        "suites": sorted(p.stem for p in shipped_folder("suites").glob("*.yaml")),
        "adapters": sorted(p.stem for p in shipped_folder("adapters").glob("*.py") if p.stem != "__init__"),
        "layouts": LAYOUTS.names(),
        "corruptions": CORRUPTIONS.names(),
        "metrics": FAMILIES.names(),
    }
    chosen = {kind: found[kind]} if kind else found
    if as_json:
        _json(chosen)
        return
    for title, names in chosen.items():
        click.echo(f"{title}: {', '.join(names)}")


@verbs.command()
@click.argument("kind", type=click.Choice(["suite", "result"]))
def schema(kind: str) -> None:
    """Print the JSON schema of a suite or of a result."""
    if kind == "suite":
        from benchbed.suite.model import Suite as Model
    else:
        from benchbed.results.record import Result as Model
    _json(Model.model_json_schema())


@verbs.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> int:
    """Versions, machine, optional packages, configured datasets: what a bug report needs."""
    from benchbed.run.doctor import diagnose

    facts = diagnose()
    if as_json:
        _json(facts)
    else:
        for title, value in facts.items():
            click.echo(f"{title}: {json.dumps(value, default=str, ensure_ascii=False)}")
    return 0 if facts["problems"] == [] else 3
