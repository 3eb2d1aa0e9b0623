"""The verb that follows one model over commits and dates: history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import print_json
from benchbed.cli.group import verbs


@verbs.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="Name or pattern of the model, where the runs are of several.")
@click.option("--condition", "conditions", multiple=True, default=("clean",), show_default=True, help="Pattern.")
@click.option("--metric", help="By default the one that ranks.")
@click.option("--group", "groups", multiple=True, help="device=s4, 'class=*'; by default every slice of the suite.")
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--page", type=click.Path(path_type=Path), help="Write a page with a chart for every slice.")
@click.option("--json", "as_json", is_flag=True)
def history(runs: tuple[Path, ...], page: Path | None, as_json: bool, **flags: Any) -> None:
    """Follow one model over commits and dates, slice by slice, and say where a figure changed.

    RUNS are run folders, with the earlier records in their history/, or records of several commits.
    """
    from benchbed.api.history import history as follow

    followed = follow(list(runs), **flags)
    if page is not None:
        followed.save(page)
    if as_json:
        print_json(followed.record.model_dump())
    else:
        click.echo(str(followed))
