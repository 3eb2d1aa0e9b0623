"""Verbs that build pages: leaderboard."""

from __future__ import annotations

from pathlib import Path

import click

from benchbed.cli import verbs


@verbs.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("leaderboard"), show_default=True)
def leaderboard(runs: tuple[Path, ...], out: Path) -> None:
    """Build static pages from RUNS (run folders, result files, or folders that hold them)."""
    from benchbed.report.leaderboard import write_leaderboard
    from benchbed.results.find import find_results

    pages = write_leaderboard(find_results(runs), out)
    click.echo(str(pages[0]))
