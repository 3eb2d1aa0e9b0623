"""The verb that replays a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import data_options, paths, print_json, split_settings
from benchbed.cli.group import verbs


@verbs.command()
@click.argument("task")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="How to read the outputs: id_column=…, missing=empty; or suite.…",
)
@data_options
@click.option("--out", type=click.Path(path_type=Path), default=Path("replays"), show_default=True)
@click.option("--draws", type=click.IntRange(100), default=2000, show_default=True, help="Bootstrap draws.")
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--report/--no-report", default=False, show_default=True, help="Write the page of each system's run.")
@click.option("--json", "as_json", is_flag=True)
def replay(task: str, folder: Path, settings: tuple[str, ...], **flags: Any) -> int:
    """Score the outputs in FOLDER that the systems of a challenge deposited, TASK being its suite.

    Each figure stands there by the official rule, with an interval as if all clips were independent, and by ours, with
    recordings resampled; and of each two neighbours on the board, whether they can be told apart.
    """
    from benchbed.api.replaying import TUNE, replay_loaded, tunes
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.session import Settings
    from benchbed.suite.load import load_suite

    overrides, options = split_settings(settings)
    changes = {**overrides, "conditions": "[clean]"}
    loaded = load_suite(task, changes)
    if tunes(loaded):
        loaded = load_suite(task, {**changes, TUNE: "null"})
    board = replay_loaded(
        loaded,
        folder,
        Settings(
            out=flags["out"],
            data=paths(flags["data"]),
            allow_synthetic=not flags["no_synthetic"],
            device="cpu",
            batch_size=256,
            errors=ErrorPolicy.parse("true"),
            seed=flags["seed"],
            quiet=True,
            command="benchbed replay",
        ),
        dict(options),
        draws=flags["draws"],
        alpha=flags["alpha"],
        report=flags["report"],
    )
    if board.synthetic:
        click.echo("SYNTHETIC DATA: no real dataset is configured; this says nothing of the challenge", err=True)
    if flags["as_json"]:
        print_json(board.as_json())
    else:
        click.echo(str(board))
    for name, error in board.errors.items():
        click.echo(f"error: {name} was not scored: {error}", err=True)
    return next((error.exit_code for error in board.errors.values()), 0)
