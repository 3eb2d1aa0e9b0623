"""The leaderboard: a static site over many runs, relative links only, publishable on any static host as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from benchbed.errors import CannotMeasure
from benchbed.report import board, terms
from benchbed.report.charts.scatter import scatter
from benchbed.report.island import island
from benchbed.report.page import render, write_page, write_report
from benchbed.results.record import Result
from benchbed.results.reference import Reference, parse


def write_leaderboard(
    results: Sequence[tuple[Path, Result]],
    out: Path,
    *,
    ranks: board.Ranks | None = None,
    references: Sequence[Reference] = (),
    title: str = "Leaderboard",
) -> list[Path]:
    """Write an index over suites and a page per suite, per model and per run.

    Runs stand in one table only if suite, data, random protocol and metric are the same; synthetic and real never do.

    Parameters
    ----------
    results : sequence of (Path, Result)
        The runs; the path is that of the run or its record.
    out : Path
        Folder of the site.
    ranks : mapping of Path to (int, int, int), optional
        Rank of each run and the ends of its rank interval, from the caller's statistics. Without it rows are ordered by
        the metric that ranks and carry no rank.
    references : sequence of Reference, optional
        Published figures, shown on a page of their own.
    title : str
        Title of the index.

    Returns
    -------
    list of Path
        The files written, the index first.

    Raises
    ------
    CannotMeasure
        No runs.
    """
    if not results:
        raise CannotMeasure("no runs to make a leaderboard of", hint="give run folders or result.json files")
    out = Path(out)
    suites = board.arrange(results, ranks)
    models = board.by_model(suites)
    model_links = {page.name: page.slug for page in models}
    total = len(results)
    written = [
        write_page(
            out / "index.html",
            render(
                "index.html.j2",
                title=title,
                suites=suites,
                models=models,
                total=total,
                references=references,
                island=island({"suites": [page.name for page in suites], "models": [page.name for page in models]}),
            ),
        )
    ]
    if references:
        text = render(
            "reference.html.j2",
            references=references,
            cells=sum(held.cells for held in references),
            title=title,
            parse=parse,
            island=island([held.model_dump(exclude_defaults=True) for held in references]),
        )
        written.append(write_page(out / "reference.html", text))
    for page in suites:
        text = suite_html(page, model_links, title)
        written.append(write_page(out / "suites" / f"{page.slug}.html", text))
    for model in models:
        text = render("model.html.j2", page=model, title=title, island=island({"model": model.name}))
        written.append(write_page(out / "models" / f"{model.slug}.html", text))
    for page in suites:
        home = (page.title, f"../suites/{page.slug}.html")
        for held in page.boards:
            for row in held.rows:
                written.append(write_report(row.result, out / "runs" / f"{row.slug}.html", home=home))
    return written


def suite_html(page: board.SuitePage, model_links: Mapping[str, str], title: str) -> str:
    """The page of one suite as text; `model_links` has the address of each model's page."""
    return render(
        "suite.html.j2",
        page=page,
        title=title,
        model_links=model_links,
        on=board.COLUMNS_ON,
        charts={held.identity: _charts(held) for held in page.boards},
        island=island(board.data(page)),
    )


def _charts(held: board.Board) -> list[tuple[str, Markup]]:
    found: list[tuple[str, Markup]] = []
    for name in board.against(held):
        label = f"{terms.metric(held.primary)} against {terms.metric(name)}"
        image = scatter(
            f"scatter-{held.identity}-{len(found)}",
            label,
            board.dots(held, name),
            x_title=terms.metric(name),
            y_title=terms.metric(held.primary),
        )
        found.append((label, image))
    return found
