"""Verbs that build pages: leaderboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchbed.cli.group import verbs
from benchbed.errors import ConfigError

_FORMATS = ("markdown", "latex", "csv", "json", "every-eval-ever", "mteb", "card", "citation")


@verbs.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("leaderboard"),
    show_default=True,
    help="Folder of the pages, of these RUNS alone.",
)
@click.option("--title", default="Leaderboard", show_default=True)
@click.option(
    "--comparison",
    "comparisons",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Further ones: what `benchbed compare --json` printed; a page each.",
)
@click.option(
    "--references",
    "--reference",
    "references",
    multiple=True,
    metavar="none|FILE",
    help="Published figures to show beside runs (YAML, may be repeated), or none; by default those of benchbed.",
)
@click.option("--ranks/--no-ranks", default=True, show_default=True, help="Rank runs by paired bootstrap draws.")
@click.option(
    "--compare/--no-compare", default=True, show_default=True, help="Compare the models of every suite with each other."
)
@click.option("--records", is_flag=True, help="Put an Every Eval Ever record beside the page of each run.")
@click.option(
    "--export", "export", type=click.Choice(_FORMATS), help="Print this to standard output and build no pages."
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Columns of --export markdown and latex: figures, or conditions (white_noise@3); may be repeated.",
)
def leaderboard(runs: tuple[Path, ...], **flags: Any) -> None:
    """Build static pages from RUNS (run folders, result files, or folders that hold them), or export their figures.

    Pages that an earlier board has left in the folder, of runs that are not among RUNS, are taken away unless somebody
    changed them: give every set of runs a folder of its own.
    """
    from benchbed.api import boards
    from benchbed.report.private import without_paths

    if flags["export"]:
        # What is exported is published, too.
        results = [without_paths(result) for _, result in boards.records_of(runs)]
        click.echo(_exported(results, flags["export"], flags["metrics"]), nl=False)
        return
    page = boards.leaderboard(
        runs,
        flags["out"],
        title=flags["title"],
        references=flags["references"] or None,
        comparisons=flags["comparisons"],
        ranks=flags["ranks"],
        records=flags["records"],
        compare=flags["compare"],
        told=lambda line: click.echo(line, err=True),
    )
    click.echo(str(page))


def _exported(results: list[Any], form: str, metrics: tuple[str, ...]) -> str:
    from benchbed.report import exports
    from benchbed.report.every_eval import every_eval_ever
    from benchbed.report.model_card import citation, model_card
    from benchbed.report.mteb_form import mteb_result

    if form in ("markdown", "latex"):
        table: Callable[..., str] = exports.markdown_table if form == "markdown" else exports.latex_table
        return "\n".join(table(held, metrics or (held[0].primary,)) for held in exports.tables_of(results))
    if form == "csv":
        return exports.csv_table(results)
    if form in ("card", "citation"):
        return "\n".join((model_card if form == "card" else citation)(result) for result in results)
    if form == "mteb":
        # A task result is a file of its own, and several of them are none.
        if len(results) != 1:
            raise ConfigError(f"{len(results)} runs, and MTEB has a file for each", hint="export one run at a time")
        return _json(mteb_result(results[0]))
    if form == "json":
        return _json(exports.flat_rows(results))
    return _json([every_eval_ever(result) for result in results])


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
