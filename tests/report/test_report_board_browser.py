"""Boards of several models in a real browser: widths, colours, accessibility, links, what is found without a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_records import attacked_runs, clean_runs, corrupted_runs

from benchbed.compare.families import families_of
from benchbed.report.leaderboard import write_leaderboard

pytestmark = pytest.mark.browser

PAGES = ("index", "families", "dcase-task1", "robustness-asc", "adversarial-asc")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the pages of a board of three models and three suites."""
    out = tmp_path_factory.mktemp("board")
    results = [*clean_runs(), *corrupted_runs(), *attacked_runs()]
    runs = [(Path(f"runs/{index}"), record) for index, record in enumerate(results)]
    write_leaderboard(runs, out, families=families_of(results))
    suites = {name: next((out / "suites").glob(f"{name}-*.html")) for name in PAGES[2:]}
    found = {"index": out / "index.html", "families": out / "families.html", **suites}
    return {name: path.as_uri() for name, path in found.items()}


@pytest.mark.parametrize("name", PAGES)
def test_boards_fit_a_phone_and_a_desk(visit, pages, name):
    page = visit(pages[name])
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_boards_keep_the_accessibility_rules(chromium, axe, pages, name, scheme):
    # As for the other pages, the checker is injected, which the page's own policy forbids.
    page = chromium.new_page(bypass_csp=True, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.goto(pages[name])
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})")
    page.close()
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []


def test_a_figure_of_the_first_page_leads_to_its_run(visit, pages):
    page = visit(pages["index"])
    row = page.locator("#answers-1 tbody tr", has_text="beta")
    row.locator("td a").nth(2).click()
    assert "beta" in page.title() and "Robustness" in page.title()


def test_a_heading_of_the_first_page_leads_to_all_that_was_measured(visit, pages):
    page = visit(pages["index"])
    page.locator("#answers-1 thead a", has_text="unseen devices").click()
    assert page.locator(":target").inner_text() == "On each device"


def test_pages_call_tasks_what_the_field_calls_them(visit, pages):
    caption = visit(pages["index"]).locator("#answers-1 caption").inner_text()
    heading = visit(pages["families"]).locator("h2").first.inner_text()
    assert caption.startswith("Audio classification:") and heading.startswith("Audio classification:")


def best(page: Any, table: Any, column: int) -> str:
    """The model whose figure is bold in a column of a heat map."""
    row = table.locator("tbody tr", has=page.locator(f"td:nth-child({column + 2}) b"))
    return row.locator("th bdi").inner_text()


def test_babble_at_ten_decibels_is_found_without_a_click(visit, pages):
    page = visit(pages["robustness-asc"])
    table = page.locator("table.heat", has=page.locator("caption", has_text="Babble, dB SNR"))
    heads = table.locator("thead th:not(.corner)").all_inner_texts()
    assert table.is_visible() and best(page, table, heads.index("10")) == "beta"


def test_unseen_devices_are_found_without_a_click(visit, pages):
    page = visit(pages["dcase-task1"])
    head = page.locator("table.board thead th", has_text="Unseen devices")
    assert head.is_visible()
    page = visit(pages["index"])
    assert page.locator("#answers-1 tbody tr", has_text="beta").locator("td").nth(1).is_visible()


def test_devices_that_training_had_not_are_marked(visit, pages):
    table = visit(pages["dcase-task1"]).locator("table.heat[id^=map-devices]")
    heads = table.locator("thead th:not(.corner)").all_inner_texts()
    assert heads[:9] == ["a", "b", "c", "s1", "s2", "s3", "s4, unseen", "s5, unseen", "s6, unseen"]
    assert table.locator("tbody tr").first.locator("td").nth(6).inner_text().startswith("51.0")


def test_strengths_stand_right_below_the_table_and_a_line_leads_there(visit, pages):
    page = visit(pages["robustness-asc"], viewport={"width": 1280, "height": 900})
    board = page.locator("table.board").bounding_box()
    strengths = page.locator("h3[id^=strengths-]").bounding_box()
    assert 0 < strengths["y"] - board["y"] - board["height"] < 200
    assert page.locator(".jump a").first.bounding_box()["y"] < 900
    page.get_by_role("link", name="at each strength of each corruption").click()
    assert page.locator(":target").inner_text() == "Every strength of every corruption"


def test_on_a_phone_the_filters_are_folded_and_the_table_is_on_the_first_screen(visit, pages):
    page = visit(pages["dcase-task1"], viewport={"width": 400, "height": 800})
    search = page.locator("form[data-filter] input[type=search]")
    assert not search.is_visible() and page.locator("table.board thead").bounding_box()["y"] < 800
    page.locator("details.filters > summary").click()
    search.fill("beta")
    assert page.locator("table.board tbody tr:visible").count() == 1
    # Whoever opens the filtered address sees that it filters.
    again = visit(page.url, viewport={"width": 400, "height": 800})
    assert again.locator("form[data-filter] input[type=search]").is_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not page.locator("details.filters > summary").is_visible() and search.is_visible()


def test_one_corruption_is_drawn_at_a_time_and_all_without_the_script(visit, pages):
    page = visit(pages["robustness-asc"])
    charts = page.locator("figure[data-choice]")
    assert [chart.is_visible() for chart in charts.all()].count(True) == 1
    page.select_option("select[data-choose]", label="Babble")
    assert page.locator("figure[data-choice]", has_text="Babble").locator("svg").first.is_visible()
    bare = visit(pages["robustness-asc"], java_script_enabled=False)
    assert all(chart.is_visible() for chart in bare.locator("figure[data-choice]").all())


def test_the_page_of_families_takes_its_figures_along(visit, pages, tmp_path):
    page = visit(pages["families"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV", exact=True).click()
    waiting.value.save_as(tmp_path / "families.csv")
    text = (tmp_path / "families.csv").read_text(encoding="utf-8")
    assert "rank correlation, share of clean" in text and "cnn - transformer" not in text.split("\n")[0]
