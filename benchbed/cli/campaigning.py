"""The verb of campaigns: many models on many suites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import cluster_of, engine_options, limit_options, limits, print_json
from benchbed.cli.group import verbs


@verbs.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--workers", type=click.IntRange(1), help="Processes; 1, on a cluster as many as it has room for.")
@engine_options
@click.option("--again", is_flag=True, help="Look at finished runs anew, too.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what it would cost, and run nothing.")
@click.option("--report/--no-report", default=True, show_default=True, help="Write the page of each run.")
@limit_options
@click.option("--quiet", is_flag=True, help="No progress and no table.")
@click.option("--json", "as_json", is_flag=True)
def campaign(file: Path, as_json: bool, **flags: Any) -> int:
    """Run every model of a campaign FILE on every suite of it; what is finished and unchanged is left alone."""
    from benchbed.api.campaigning import campaign as run_campaign
    from benchbed.api.campaigning import campaign_plan

    if flags["only_plan"]:
        return _plan(campaign_plan(file, out=flags["out"]), as_json)
    cluster = cluster_of(flags)
    outcome = run_campaign(
        file,
        out=flags["out"],
        workers=flags["workers"] or (0 if cluster is not None else 1),
        cluster=cluster,
        again=flags["again"],
        report=flags["report"],
        progress=not flags["quiet"],
        isolate=flags["isolate"],
        limits=limits(flags),
        tell=(lambda text: None) if flags["quiet"] else (lambda text: click.echo(text, err=True)),
    )
    errors = outcome.runs.errors
    code = 3 if any(run.exceeded for run in outcome.runs) else 0
    code = next((error.exit_code for error in errors.values()), 0) or code
    if as_json:
        print_json(
            {
                "campaign": outcome.name,
                "runs": {key: str(run.path / "result.json") for key, run in outcome.places.items()},
                "kept": outcome.kept,
                "errors": {key: str(error) for key, error in errors.items()},
            }
        )
        return code
    if not flags["quiet"]:
        from benchbed.report.campaign import print_campaign

        told = {key: error.what for key, error in errors.items()}
        print_campaign({key: run.result for key, run in outcome.places.items()}, told, outcome.kept)
        _print_defences([(run.path / "result.json", run.result) for run in outcome.places.values()])
        total = len(outcome.places) + len(errors)
        click.echo(f"{total} runs: {len(outcome.kept)} were finished, {len(errors)} have no result", err=True)
    for run in outcome.runs:
        click.echo(str(run.path / "result.json"))
    return code


def _print_defences(results: list[tuple[Path, Any]]) -> None:
    """What defences cost and leave, where models were run with and without one."""
    from benchbed.results.defences import twins

    if not twins(dict(results)):
        return
    from benchbed.compare.defences import defence_tables
    from benchbed.report.defences import print_defences

    print_defences(defence_tables(results))


def _plan(rows: list[dict[str, Any]], as_json: bool) -> int:
    left = [row for row in rows if not row["done"]]
    total = {
        "runs": len(rows),
        "done": len(rows) - len(left),
        "evaluations": sum(int(row["evaluations"]) for row in left),
        "disk_bytes": sum(int(row["disk_bytes"]) for row in left),
        "time_seconds": sum(float(row["time_seconds"] or 0.0) for row in left),
    }
    if as_json:
        print_json({"rows": rows, "total": total})
        return 0
    from benchbed.report.terminal import print_plan

    print_plan({**{f"{row['suite']}/{row['model']}": _told(row) for row in rows}, **total})
    return 0


def _told(row: dict[str, Any]) -> str:
    if row["done"]:
        return "done"
    if "error" in row:
        return f"cannot be run: {row['error']}"
    return f"{row['evaluations']:,} evaluations, {float(row['time_seconds'] or 0):,.0f} s of one worker"
