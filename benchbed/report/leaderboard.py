"""The leaderboard: a static site over many runs, relative links only, publishable on any static host as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from benchbed.errors import CannotMeasure
from benchbed.report import (
    board,
    boardcharts,
    drawings,
    familypage,
    landing,
    listening,
    namesakes,
    terms,
    threats,
    together,
    versus,
    view,
)
from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.defences import ShownDefences, shown
from benchbed.report.every_eval import every_eval_ever
from benchbed.report.exports import latex_table, markdown_table
from benchbed.report.foretold import Foretells, ForetoldPanel, foretold_panel
from benchbed.report.island import island
from benchbed.report.page import render, write_page, write_report
from benchbed.report.private import command, paths_in, private, without_paths
from benchbed.report.unchanged import StandingPages, stamps
from benchbed.results.comparison import ComparisonRecord, KeptComparison
from benchbed.results.defences import DefenceTable
from benchbed.results.families import FamilyTable
from benchbed.results.record import Result
from benchbed.results.reference import Reference, parse, same_protocol
from benchbed.results.store import read
from benchbed.results.summary import Summary


def write_leaderboard(
    results: Sequence[tuple[Path, Result]],
    out: Path,
    *,
    ranks: board.Ranks | None = None,
    families: Sequence[FamilyTable] = (),
    references: Sequence[Reference] = (),
    comparisons: Sequence[ComparisonRecord | KeptComparison] = (),
    earlier: Sequence[tuple[Path, Result]] = (),
    records: bool = False,
    title: str = "Leaderboard",
    foretell: Foretells | None = None,
    defences: Sequence[DefenceTable] = (),
) -> list[Path]:
    """Write an index over suites and a page per suite, per model, per run and per comparison.

    Pages of an earlier board in this folder to which none of these leads go, unless somebody changed them.

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
    families : sequence of FamilyTable, optional
        Families of models against each other, from the caller's statistics; a page of their own.
    references : sequence of Reference, optional
        Published figures, shown on a page of their own; under a board only where its protocol is the same.
    comparisons : sequence of ComparisonRecord or KeptComparison, optional
        What `benchbed compare --json` found, one page each; one that is kept is read where its page does not stand.
    earlier : sequence of (Path, Result), optional
        Records that the run folders held before, for the history of each model.
    records : bool
        Put an Every Eval Ever record beside the page of each run.
    title : str
        Title of the index.
    foretell : callable, optional
        Finds whether one kind of robustness foretells another over the runs of a board.
    defences : sequence of DefenceTable, optional
        What defences cost and leave, from the caller's statistics; each stands on the board of its runs.

    Returns
    -------
    list of Path
        The pages written, the index first.

    Raises
    ------
    CannotMeasure
        No runs.
    """
    if not results:
        raise CannotMeasure("no runs to make a leaderboard of", hint="give run folders or result.json files")
    out = Path(out)
    digests = {path: result.digest for path, result in (*results, *earlier)}
    results, earlier = namesakes.apart(_published(results), _published(earlier))
    references = without_paths(list(references))
    families = without_paths(list(families))
    suites = board.arrange(results, ranks, references)
    models = board.by_model(suites, earlier)
    model_links = {page.name: page.slug for page in models}
    pages = StandingPages(out, title, [source.model_dump(mode="json") for source in references])
    known = {
        versus.record_of(row.path): (row.slug, page.title, row.result.dataset.synthetic)
        for page in suites
        for standings in page.boards
        for row in standings.rows
    }
    compared = [(one, versus.heading(without_paths(one.heading), known)) for one in comparisons]
    versuses = [head for _, head in compared]
    text = index_html(
        suites, models, title, families=families, comparisons=versuses, total=len(results), references=references
    )
    written = [write_page(out / "index.html", text)]
    if families:
        text = familypage.families_html(families, model_links, title)
        written.append(write_page(out / "families.html", text))
    if references:
        text = render(
            "reference.html.j2",
            references=references,
            cells=sum(source.cells for source in references),
            title=title,
            parse=parse,
            island=island([source.model_dump(exclude_defaults=True) for source in references]),
        )
        written.append(write_page(out / "reference.html", text))
    for page in suites:
        text = suite_html(page, model_links, title, references, versuses, foretell, defences)
        written.append(write_page(out / "suites" / f"{page.slug}.html", text))
    for model in models:
        path = out / "models" / f"{model.slug}.html"
        written.append(path)
        if pages.stands(path, key := _model_key(pages, model, digests)):
            continue
        text = render(
            "model.html.j2",
            page=model,
            title=title,
            charts={standings.identity: _history(standings) for standings in model.boards},
            island=island({"model": model.name}),
        )
        pages.wrote(write_page(path, text), key)
    for one, head in compared:
        path = out / "comparisons" / f"{head.slug}.html"
        written.append(path)
        if pages.stands(path, key := _comparison_key(pages, one, head)):
            continue
        pairing = versus.comparison_page(without_paths(one if isinstance(one, ComparisonRecord) else one.read()), known)
        text = render("comparison.html.j2", page=pairing, title=title, island=island(versus.data(pairing)))
        pages.wrote(write_page(path, text), key)
    for page in suites:
        home = (page.title, f"../suites/{page.slug}.html")
        for standings in page.boards:
            for row in standings.rows:
                record = out / "runs" / f"{row.slug}.json"
                shown = record.with_suffix(".html")
                written.append(shown)
                key = _run_key(pages, row, digests, home, records)
                standing = [pages.stands(page, key) for page in ((shown, record) if records else (shown,))]
                if all(standing) and record.is_file() == records:
                    continue
                whole = _whole(row)
                write_report(
                    whole,
                    shown,
                    home=home,
                    clips=listening.read(row.path),
                    drawn=drawings.read(row.path),
                    exported=record.name if records else None,
                    references=references,
                )
                pages.wrote(shown, key)
                if records:
                    text = json.dumps(every_eval_ever(whole), ensure_ascii=False, allow_nan=False)
                    pages.wrote(write_page(record, text), key)
    pages.keep()
    return written


def _run_key(
    pages: StandingPages, row: board.BoardRow, digests: Mapping[Path, str], home: tuple[str, str], records: bool
) -> str | None:
    """What the page of a run follows from: its record and the files beside it."""
    if not digests[row.path]:
        return None
    folder = row.path if row.path.is_dir() else row.path.parent
    return pages.key(digests[row.path], row.result.model.name, home, records, stamps(folder), stamps(folder / "listen"))


def _model_key(pages: StandingPages, model: board.ModelPage, digests: Mapping[Path, str]) -> str | None:
    """What the page of a model follows from: the records of its runs, and what their boards say of them. Ranks are no
    part of it: a new run moves those of a thousand others, and no page of a model has them."""
    rows = [(board, row) for board in model.boards for row in board.rows]
    if not all(digests[row.path] for _, row in rows):
        return None
    told = [(b.identity, b.primary, digests[r.path], r.slug, r.earlier, repr(r.badges)) for b, r in rows]
    return pages.key(model.name, told)


def _comparison_key(
    pages: StandingPages, one: ComparisonRecord | KeptComparison, head: versus.VersusHead
) -> str | None:
    """What the page of a comparison follows from: what was found, and the sounds of its runs."""
    if isinstance(one, ComparisonRecord) or not one.key:
        return None
    return pages.key(one.key, repr(head), [stamps(record.parent / "listen") for record in head.records])


def _whole(row: board.BoardRow) -> Result:
    """The record of a run whose summary stands on the board, under the name that it has there."""
    if not isinstance(row.result, Summary):
        return row.result
    [(_, whole)] = _published([(row.path, read(row.path))])
    return whole.model_copy(update={"model": row.result.model})


def _published(records: Sequence[tuple[Path, Result]]) -> list[tuple[Path, Result]]:
    """Records as they may be shown to anybody; the paths beside them only find what lies there."""
    shown = []
    for path, one in records:
        known = frozenset(paths_in(one.provenance.command, one.model.options))
        told = one.provenance.model_copy(update={"command": command(one.provenance.command)})
        shown.append((path, _without_paths(one.model_copy(update={"provenance": told}), known)))
    return shown


def _without_paths(one: Result, known: frozenset[str]) -> Result:
    """The record without places on this machine. The texts of a summary are few, so that its hundreds of figures need
    no looking through where none of them names one."""
    if not isinstance(one, Summary) or any(private(text, known) != text for text in one.words):
        return without_paths(one, known)
    apart = {name: getattr(one, name) for name in ("cells", "scores", *one.placeless)}
    return without_paths(one.model_copy(update=dict.fromkeys(apart)), known).model_copy(update=apart)


def index_html(
    suites: Sequence[board.SuitePage],
    models: Sequence[board.ModelPage],
    title: str,
    *,
    families: Sequence[FamilyTable] = (),
    comparisons: Sequence[versus.VersusHead] = (),
    total: int = 0,
    references: Sequence[Reference] = (),
) -> str:
    """The first page as text; `total` is the number of runs."""
    return render(
        "index.html.j2",
        title=title,
        suites=suites,
        models=models,
        answered=landing.groups(suites, {page.name: page.slug for page in models}),
        leads=landing.leads,
        families=familypage.heading(families),
        comparisons=comparisons,
        total=total,
        references=references,
        island=island({"suites": [page.name for page in suites], "models": [page.name for page in models]}),
    )


def suite_html(
    page: board.SuitePage,
    model_links: Mapping[str, str],
    title: str,
    references: Sequence[Reference] = (),
    compared: Sequence[versus.VersusHead] = (),
    foretell: Foretells | None = None,
    defences: Sequence[DefenceTable] = (),
) -> str:
    """The page of one suite as text; `model_links` has the address of each model's page."""
    return render(
        "suite.html.j2",
        page=page,
        title=title,
        model_links=model_links,
        charts={standings.identity: boardcharts.charts(standings) for standings in page.boards},
        sides={standings.identity: together.side_by_side(standings) for standings in page.boards},
        transfers={standings.identity: threats.transfer(standings) for standings in page.boards},
        published={standings.identity: same_protocol(references, standings.example) for standings in page.boards},
        exports={standings.identity: _exports(standings) for standings in page.boards},
        compared={standings.identity: _compared(standings, compared) for standings in page.boards},
        defences={standings.identity: _defences(standings, defences) for standings in page.boards},
        foretold={standings.identity: _foretold(standings, foretell) for standings in page.boards},
        parse=parse,
        island=island(board.data(page)),
    )


def _foretold(standings: board.Board, foretell: Foretells | None) -> ForetoldPanel | None:
    """Kinds of robustness beside each other over the models of a board."""
    seen = None if foretell is None else foretell([row.result for row in standings.rows])
    return None if seen is None else foretold_panel(standings.identity, seen)


def _defences(standings: board.Board, tables: Sequence[DefenceTable]) -> list[ShownDefences]:
    """The tables of defences whose runs stand in a board."""
    here = {row.path for row in standings.rows}
    return [shown(table) for table in tables if table.runs & here]


def _compared(standings: board.Board, pages: Sequence[versus.VersusHead]) -> list[versus.VersusHead]:
    """The comparisons that runs of a board stand in."""
    slugs = {row.slug for row in standings.rows}
    return [page for page in pages if slugs & set(page.links.values())]


def _exports(standings: board.Board) -> dict[str, str]:
    results = [row.result for row in standings.rows]
    pool = {name for result in results for name in (*view.figures(result), *result.scores)}
    names = [name for name in (standings.primary, *standings.on) if name in pool]
    if not names:
        return {}
    return {"Markdown": markdown_table(results, names), "LaTeX": latex_table(results, names)}


def _history(standings: board.Board) -> Markup | None:
    """The metric that ranks over the runs of one model, in the order of time."""
    points = [
        Point(number, row.primary.value, row.primary.low, row.primary.high)
        for number, row in enumerate(standings.rows, 1)
        if row.primary and row.primary.value is not None
    ]
    if len(points) < 2:
        return None
    lead = standings.lead
    name = terms.metric(standings.primary, lead)
    return curves(
        f"history-{standings.identity}",
        f"{name} over {len(points)} runs",
        [Series(name, points)],
        x_title="Run, in the order of time",
        y_title=name,
        unit=lead.unit if lead else "",
    )
