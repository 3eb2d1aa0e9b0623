"""The page of a history in a browser: it fits, keeps the rules of accessibility, and its changes are in sight."""

from __future__ import annotations

import pytest

from benchbed.report.charts.history import history_chart
from benchbed.report.over_time import write_history
from benchbed.results.history import HistoryChange, HistoryRecord, HistoryRun, HistorySeries

RUNS = [HistoryRun(created=f"2026-11-{i + 1:02d}T10:00:00Z", commit=f"{i:02d}abcdef01") for i in range(12)]


def series(group: str | None, at: int | None) -> HistorySeries:
    values = [0.7 - (0.1 if at is not None and i >= at else 0.0) + 0.002 * (i % 3) for i in range(12)]
    change = HistoryChange(
        at=at or 0, before=0.7, after=0.6, difference=-0.1, low=-0.12, high=-0.08, p=0.001, better=False
    )
    about = {"condition": "clean", "group": group, "metric": "accuracy", "title": "Accuracy", "unit": "fraction"}
    ends = {"lows": [v - 0.03 for v in values], "highs": [v + 0.03 for v in values]}
    made = about | ends | {"direction": "higher", "values": values, "p": 0.5, "p_adjusted": 1.0}
    return HistorySeries.model_validate(made | {"changes": [] if at is None else [change]})


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rows = [series(None, None), series("device=s4", 7), *(series(f"device=s{i}", None) for i in range(5, 14))]
    record = HistoryRecord(
        model="cnn", suite="DCASE Task 1", dataset="tau", primary="accuracy", alpha=0.05, runs=RUNS, series=rows
    )
    return write_history(record, tmp_path_factory.mktemp("history") / "h.html").as_uri()


def test_a_change_is_a_line_between_two_runs_and_two_means():
    chart = history_chart("h", "Accuracy", series("device=s4", 7), RUNS)
    assert chart.count('class="mean"') == 2 and chart.count('class="change worse"') == 1 and "−10.0" in chart
    assert "Changes: −10.0 at 2026-11-08 10:00 07abcdef" in chart
    assert "No change is shown" in history_chart("h", "Accuracy", series(None, None), RUNS)


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_of_a_history_fits(visit, page, width):
    shown = visit(page, viewport={"width": width, "height": 900})
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.get_by_text("▼ worse −10.0 points").first.is_visible()
    assert shown.locator("svg.over-time").count() == 11


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_history_keeps_the_rules_of_accessibility(chromium, axe, page, scheme):
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    shown = context.new_page()
    shown.goto(page)
    shown.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    shown.add_script_tag(content=axe)
    found = shown.evaluate("axe.run()")
    context.close()
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]] == []
