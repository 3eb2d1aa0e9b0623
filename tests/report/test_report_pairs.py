"""The matrix of pairs and the forest plots of a comparison, as text and in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchbed.report.charts.forest import ForestRow, forest
from benchbed.report.folding import unfolded
from benchbed.report.island import unpack
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.pairs import downloads, first_against, heading, pair_table
from benchbed.results.comparison import ComparisonRecord, MatrixRecord
from benchbed.results.record import Value

NAMES = ("passt", "cnn", "<b>evil", "crnn", "tiny")


FAMILIES = {"passt": "transformer", "cnn": "cnn", "crnn": "crnn"}


def entry(a: str, b: str, value: float | None, verdict: str) -> dict:
    ends = {} if value is None else {"low": value - 0.03, "high": value + 0.04}
    return {"a": a, "b": b, "value": value, "verdict": verdict, "p_adjusted": 0.01, "reason": "lost clips"} | ends


def matrix(metric: str = "macro_accuracy", direction: str = "higher", unit: str = "fraction") -> dict:
    entries = [
        entry(a, b, None if "evil" in b else 0.02 * (j - i), "win" if j - i > 2 else "tie")
        for i, a in enumerate(NAMES)
        for j, b in enumerate(NAMES)
        if i < j
    ]
    about = {"condition": "clean", "metric": metric, "title": "Macro accuracy", "unit": unit, "direction": direction}
    return about | {"names": list(NAMES), "entries": entries}


def row(condition: str, value: float) -> dict:
    made = {"condition": condition, "metric": "macro_accuracy", "title": "Macro accuracy", "unit": "fraction"}
    made |= {"direction": "higher", "a": 0.6, "b": 0.6 - value, "value": value, "low": value - 0.05}
    return made | {"high": value + 0.05, "p_adjusted": 0.03, "verdict": "win" if value > 0.06 else "tie", "clips": 9}


def side(name: str, place: int) -> dict:
    return {"model": name, "path": f"runs/{place}", "family": FAMILIES.get(name, "")}


def board(conditions: int = 4) -> ComparisonRecord:
    names = [*NAMES]
    pairings = [
        {
            "a": names[0],
            "b": other,
            "said": [f"On clean audio {names[0]} and {other} are not shown to differ."],
            "ties": 1,
            "rows": [row("clean", 0.05), *(row(f"white_noise@{i}", 0.02 * i) for i in range(1, conditions))],
        }
        for other in names[1:]
    ]
    sides = [{"name": name, "runs": [side(name, i)]} for i, name in enumerate(names)]
    return ComparisonRecord.model_validate(
        {"primary": "macro_accuracy", "sides": sides, "pairings": pairings, "matrices": [matrix()]}
    )


def test_a_matrix_is_read_row_minus_column_and_turns_its_sign_and_ends():
    made = MatrixRecord.model_validate(matrix())
    table = pair_table(made, "m")
    assert heading(made) == "Macro accuracy on clean audio, points" and "<b>evil" not in table
    titles = re.findall(r'title="([^"]+)"', table)
    assert any(t.startswith("passt − tiny: +8.0 [5.0, 12.0]") and t.endswith(": better") for t in titles)
    assert any(t.startswith("tiny − passt: −8.0 [−12.0, −5.0]") and t.endswith(": worse") for t in titles)
    assert table.count('class="win"') == table.count('class="loss"') == 3 and table.count('class="self"') == 5
    # What could not be measured has no mark, and its reason on hover.
    assert "lost clips" in table and table.count('class="none"') == 4


def test_the_first_stands_against_every_other_one_in_a_plot():
    chart = first_against(MatrixRecord.model_validate(matrix()), "m")
    assert chart is not None and chart.count('<g class="row') == 4 and chart.count('class="row better"') == 2
    assert "← the other better" in chart and "passt better →" in chart
    lower = first_against(MatrixRecord.model_validate(matrix(direction="lower")), "m")
    assert lower is not None and "← passt better" in lower
    nothing = matrix() | {"entries": [entry("passt", "cnn", None, "unmeasured")]}
    assert first_against(MatrixRecord.model_validate(nothing), "m") is None


def test_models_have_the_colours_of_their_families():
    made = MatrixRecord.model_validate(matrix())
    table, chart = pair_table(made, "m", FAMILIES), first_against(made, "m", FAMILIES)
    for style, family in ((1, "transformer"), (0, "cnn"), (2, "crnn")):
        assert table.count(f'<span class="fam f{style}" title="{family}"></span>') == 2
    assert chart is not None and re.search(r'class="label name t0"[^>]*>− cnn<', chart)
    assert re.search(r'class="tick name t1"[^>]*>passt better', chart)
    # Of a name whose family is not said there is no colour.
    assert re.search(r'class="label"[^>]*>− tiny<', chart) and "fam f6" not in table


def test_dots_and_intervals_lie_where_their_figures_are():
    made = {"n": 9, "direction": "higher", "unit": "fraction", "rule": "r"}
    rows = [
        ForestRow("a", Value(value=0.1, low=0.0, high=0.2, **made), "better"),
        ForestRow("b", Value(value=None, **made)),
    ]
    chart = forest("f", "t", rows, (0.0, 0.2), sides=("l", "r"), axis="x")
    low, high = map(float, re.search(r'class="iv" d="M([\d.]+) [\d.]+H([\d.]+)M', chart).groups())
    middle = float(re.search(r'class="point" cx="([\d.]+)"', chart)[1])
    assert middle == pytest.approx((low + high) / 2, abs=0.02)
    assert float(re.search(r'class="nought" d="M([\d.]+)', chart)[1]) == pytest.approx(low, abs=0.02)


def test_downloads_name_the_models():
    rows = downloads([MatrixRecord.model_validate(matrix())])
    assert len(rows) == 10 and {"model", "against", "difference", "low", "high", "verdict"} <= set(rows[0])
    assert (rows[0]["model"], rows[0]["against"]) == ("passt", "cnn") and not {"a", "b"} & set(rows[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory, result) -> Path:
    out = tmp_path_factory.mktemp("pairs")
    runs = [(Path(f"runs/{i}"), result(name, 0.6 - 0.02 * i)) for i, name in enumerate(NAMES)]
    write_leaderboard(runs, out, comparisons=[board(60)])
    return out


def test_the_board_links_to_the_page_and_the_page_says_the_verdict_first(site):
    [page] = (site / "comparisons").iterdir()
    [suite] = (site / "suites").iterdir()
    assert f'href="../comparisons/{page.name}"' in suite.read_text("utf-8")
    text = page.read_text("utf-8")
    assert text.index("In short") < text.index("Every pair") < text.index("Procedure")
    assert "passt against 4 others" in text
    headings = re.findall(r'<h2 id="h-p\d+">.*?</h2>', text)
    assert len(headings) == 4 and all('class="fam f1" title="transformer"' in heading for heading in headings)
    assert re.search(r'id="p1-conditions-plot".*?class="tick name t0"[^>]*>← cnn better', text, re.S)
    carried = re.search(r'id="data">(deflate;base85,.*?)</script>', text, re.S)[1]
    assert len(json.loads(unpack(carried))["pairs"]) == 10


def test_of_many_conditions_those_that_show_something_are_drawn(site):
    [page] = (site / "comparisons").iterdir()
    text = page.read_text("utf-8")
    plot = re.search(r'<svg class="chart forest-plot" id="p1-conditions-plot".*?</svg>', text, re.S)[0]
    assert plot.count('<g class="row') == 40 and ">Clean<" in plot


def test_long_tables_travel_packed(site):
    [page] = (site / "comparisons").iterdir()
    text = page.read_text("utf-8")
    whole = unfolded(text)
    assert len(text) < 0.75 * len(whole) and 'id="p4-conditions"' in whole and 'id="p4-conditions"' not in text


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_and_its_matrix_shows_every_name(visit, site, width):
    [address] = (site / "comparisons").iterdir()
    page = visit(address.as_uri(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table = page.locator("table.pairs").first
    assert table.locator("tbody tr").count() == 5 and table.locator("thead th").count() == 6
    # The name of a row stays in sight where the table scrolls.
    table.evaluate("t => t.parentElement.scrollLeft = 999")
    box = table.locator("tbody th").first.bounding_box()
    assert box["x"] >= 0 and page.locator("#p1-conditions-plot").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_pairs_keeps_the_rules_of_accessibility(chromium, axe, site, scheme):
    [address] = (site / "comparisons").iterdir()
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")
    context.close()
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]] == []
