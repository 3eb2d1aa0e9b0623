"""`benchbed data`: list, make, check, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import data_options, paths, print_json
from benchbed.cli.group import verbs


@verbs.group()
def data() -> None:
    """Datasets: list, make, check, fetch."""


@data.command("list")
@click.option("--json", "as_json", is_flag=True)
def data_list(as_json: bool) -> None:
    """Dataset layouts that benchbed reads."""
    from benchbed.data import LAYOUTS

    if as_json:
        print_json(LAYOUTS.names())
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
@data_options
@click.option("--decode/--no-decode", default=True, show_default=True, help="Decode every file.")
@click.option("--json", "as_json", is_flag=True)
def data_check(suite: str, decode: bool, as_json: bool, **flags: Any) -> int:
    """Look for missing, unreadable, duplicate and leaking files in the dataset of SUITE."""
    from benchbed.data.check import check as check_data
    from benchbed.run.preparing.source import open_source
    from benchbed.suite.load import load_suite

    source = open_source(load_suite(suite), paths(flags["data"]), allow_synthetic=not flags["no_synthetic"])
    if source.banner:
        click.echo(source.banner, err=True)
    report = check_data(source.dataset, decode=decode)
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(str(report))
    return 0 if report.ok else 2


@data.command("fetch")
@click.argument("layout")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--verify-only", is_flag=True, help="Download nothing; verify what is in the folder.")
def data_fetch(layout: str, folder: Path, verify_only: bool) -> None:
    """Fetch a dataset from its official source, or verify what you downloaded, by checksum."""
    from benchbed.data.fetch import fetch

    click.echo(str(fetch(layout, folder, verify_only=verify_only)))
