"""The pages of detectors in a real browser: every chart is there, by keyboard, on a phone, and without colour."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from benchbed.report.page import write_report

pytestmark = pytest.mark.browser

EVIL = "</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, detector, drawn) -> str:
    """The page of a run that kept everything, with a hostile name."""
    path = Path(tmp_path_factory.mktemp("detector")) / "report.html"
    return write_report(detector(EVIL), path, drawn=drawn(EVIL)).as_uri()


def test_every_chart_is_there_and_in_sight(visit, address):
    page = visit(address)
    shown = page.locator(".choices figure:visible")
    assert shown.count() == 1 and shown.locator("rect.bar").count() == 3 and shown.locator("path.iv").count() == 3
    roc = page.locator("svg.broad")
    assert roc.count() == 1 and roc.locator("path.line.thin").count() == 3 and roc.locator("path.whole").count() == 2
    # Macro and micro, and one for each class: three curves with a mark and a dot each.
    assert page.locator("svg.chart.large").count() == 2 and page.locator(".panels.small svg").count() == 3
    assert page.locator(".panels circle.spot:visible").count() == 5
    assert page.locator(".panels path.line[class*='t-']").count() == 15
    lanes = page.locator("table.lanes")
    assert lanes.count() == 2 and lanes.first.locator("tbody tr").count() == 2
    assert lanes.first.locator(".ev.lost").count() == 3 and lanes.first.locator(".ev:not(.lost)").count() == 3
    assert page.title() != "owned"


def test_an_event_stands_where_its_time_is(visit, address):
    row = visit(address).locator("table.lanes").first.locator("tbody tr").first
    draw, found = row.locator(".draw").bounding_box(), row.locator(".lane.ref .ev").first.bounding_box()
    # 2…4 s of 10 s.
    assert found["x"] == pytest.approx(draw["x"] + 0.2 * draw["width"], abs=1)
    assert found["width"] == pytest.approx(0.2 * draw["width"], abs=1)
    below = row.locator(".lane.out .ev").first.bounding_box()
    assert below["y"] >= found["y"] + found["height"] and below["x"] == pytest.approx(found["x"], abs=0.1)


def test_errors_differ_by_more_than_colour(visit, address):
    lanes = visit(address).locator("table.lanes").first
    look = "(event) => getComputedStyle(event).backgroundImage"
    assert "gradient" in lanes.locator(".ev.lost").first.evaluate(look)
    assert lanes.locator(".ev:not(.lost)").first.evaluate(look) == "none"


def test_a_metric_is_chosen_with_the_keyboard_and_kept_in_the_address(visit, address):
    page = visit(address)
    chooser = page.get_by_label("Metric")
    chooser.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(80)
    shown = page.locator(".choices figure:visible")
    assert shown.locator("figcaption").inner_text().startswith("Event F1 by class, %")
    assert shown.count() == 1 and shown.locator("rect.bar").count() == 2
    assert page.locator("#live").inner_text() == "Event F1 shown."
    again = visit(page.url)
    assert again.locator(".choices figure:visible figcaption").inner_text().startswith("Event F1")


def test_without_the_script_the_first_chart_and_every_event_are_there(visit, address):
    page = visit(address, java_script_enabled=False)
    assert page.locator(".choices figure:visible rect.bar").count() == 3
    assert not page.get_by_label("Metric").is_visible()
    assert page.locator("table.lanes .ev:visible").count() == 7


def test_times_can_be_unfolded_and_read(visit, address):
    page = visit(address)
    page.get_by_text("Times of the 5 events").press("Enter")
    rows = page.locator(".recording").first.locator("details tbody tr")
    assert rows.count() == 5
    assert rows.nth(1).inner_text().split("\t") == ["Dog", "reference", "5.00", "6.00", "missed"]


def test_names_of_a_roc_do_not_run_into_each_other_or_out_of_the_page(visit, address):
    chart = visit(address).locator("svg.broad")
    corners = "(name) => { const box = name.getBoundingClientRect(); return [box.top, box.bottom, box.right]; }"
    boxes = sorted(chart.locator("text.name").evaluate_all(f"(names) => names.map({corners})"))
    edge = chart.evaluate("(image) => image.getBoundingClientRect().right")
    assert len(boxes) == 4 and all(right <= edge for _, _, right in boxes)
    # Line boxes are taller than letters: a third of one over the other touches no ink.
    assert all(low[1] - high[0] < (low[1] - low[0]) / 3 for low, high in pairwise(boxes))


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_does_not_scroll_sideways(visit, address, width):
    page = visit(address, viewport={"width": width, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    draw = page.locator("table.lanes .draw").first.bounding_box()
    assert draw["width"] > 150 and draw["x"] + draw["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules(chromium, axe, address, scheme):
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.evaluate("document.querySelectorAll('[data-choice]').forEach((figure) => { figure.hidden = false; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")
    context.close()
    broken = [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]]
    assert broken == [] and len(found["passes"]) > 15
