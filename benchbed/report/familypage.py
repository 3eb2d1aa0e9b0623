"""One page for families: their means, whether they differ, and whether noise, devices and attacks rank models alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.charts.scatter import Dot, scatter
from benchbed.report.island import island
from benchbed.report.page import render
from benchbed.results.families import FamilyTable
from benchbed.results.record import Value

#: Questions in a word or two, for tables in which two of them meet.
SHORT = {
    "clean": "Clean",
    "unseen": "Unseen devices",
    "noise": "Noise",
    "attack": "Attack",
    "macs": "MACs",
    "per_mac": "Points per MMAC",
}


def heading(tables: Sequence[FamilyTable]) -> str:
    """What the page is called: the two families with the most models, or none where there is no page.

    Examples
    --------
    >>> heading([FamilyTable(True, "d", "scene", {"cnn": ("a", "b"), "transformer": ("c",)}, (), (), ())]), heading([])
    ('CNN against Transformer', '')
    """
    count: dict[str, set[str]] = {}
    for table in tables:
        for family, names in table.families.items():
            count.setdefault(family, set()).update(names)
    most = sorted(count, key=lambda family: (-len(count[family]), family))[:2]
    if len(most) < 2:
        return "Families" if most else ""
    return " against ".join(terms.plain(family) for family in sorted(most))


def families_html(tables: Sequence[FamilyTable], model_links: Mapping[str, str], title: str) -> str:
    """The page as text; `model_links` has the address of each model's page."""
    return render(
        "families.html.j2",
        tables=tables,
        heading=heading(tables),
        title=title,
        model_links=model_links,
        short=SHORT,
        charts=[_charts(number, table) for number, table in enumerate(tables)],
        island=island({"rows": rows(tables)}),
    )


def rows(tables: Sequence[FamilyTable]) -> list[dict[str, object]]:
    """Every mean, difference and correlation as a flat row, for download."""
    return [
        {"dataset": table.dataset, "task": table.task, "synthetic": table.synthetic, **row}
        for table in tables
        for row in (*_mean_rows(table), *_agreement_rows(table))
    ]


def _mean_rows(table: FamilyTable) -> Iterator[dict[str, object]]:
    for question in table.questions:
        asked = {"question": question.answer.question, "figure": question.answer.about}
        for family, value in question.means.items():
            yield {"kind": "mean", "of": family, **asked, **_flat(value)}
        for one in question.differences:
            yield {"kind": "difference", "of": f"{one.first} - {one.second}", **asked, **_flat(one.value)}


def _agreement_rows(table: FamilyTable) -> Iterator[dict[str, object]]:
    for scale, agreements in (("as scored", table.agreements), ("share of clean", table.kept)):
        for one in agreements:
            for value in (one.spearman, one.kendall):
                about = {"kind": f"rank correlation, {scale}", "of": f"{one.first} and {one.second}"}
                yield {**about, "figure": value.title, **_flat(value), "models": one.models}


def _flat(value: Value) -> dict[str, object]:
    return {"value": value.value, "low": value.low, "high": value.high, "unit": value.unit, "rule": value.rule}


def _charts(number: int, table: FamilyTable) -> list[tuple[str, Markup]]:
    """Each kind of robustness against each other, models as points in the colour of their family."""
    drawn = []
    by_question = {question.answer.question: question for question in table.questions}
    robust = [name for name in ("unseen", "noise", "attack") if name in by_question]
    pairs = [*(("clean", name) for name in robust if "clean" in by_question), *combinations(robust, 2)]
    for first, second in pairs:
        x = {name: value for name, _, value in by_question[first].models}
        dots = [Dot(name, x[name], y, family) for name, family, y in by_question[second].models if name in x]
        if len(dots) < 2:
            continue
        label = f"{SHORT[second]} against {terms.within(SHORT[first])}"
        image = scatter(
            f"families-{number}-{first}-{second}",
            label,
            dots,
            x_title=by_question[first].answer.title,
            y_title=by_question[second].answer.title,
        )
        drawn.append((label, image))
    return drawn
