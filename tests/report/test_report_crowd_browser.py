"""Boards of many models with long names in a real browser: each is named in every chart, and no name covers another."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_records import attacked_runs, clean_runs, corrupted_runs, many_models

from benchbed.report.board import arrange, by_model
from benchbed.report.folding import LONG_TABLE, unfolded
from benchbed.report.leaderboard import index_html, suite_html

pytestmark = pytest.mark.browser

#: Pairs of names in one drawing that share more than a hair of their boxes.
OVERLAPPING = """() => [...document.querySelectorAll('svg[role=img]')].filter((svg) => svg.checkVisibility())
  .flatMap((svg) => {
    const names = [...svg.querySelectorAll('text.name')];
    const boxes = names.map((part) => [part.textContent, part.getBoundingClientRect()]);
    return boxes.flatMap(([one, a], place) => boxes.slice(place + 1).filter(([, b]) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.3 * a.height
    ).map(([other]) => [svg.id, one, other]));
  })"""
#: Of every figure with names, how many models its list has, and those that its drawing lacks by name and by number.
NAMED = """() => [...document.querySelectorAll('figure:has(svg[role=img] text.name)')].map((figure) => {
  const list = figure.dataset.keys ? document.getElementById(figure.dataset.keys) : figure;
  const keys = [...list.querySelectorAll('.keys li')].map((item) =>
    [item.querySelector('b').textContent, item.querySelector('bdi').textContent]);
  const drawn = [...figure.querySelectorAll('svg[role=img] text.name')].map((part) => part.textContent).join(' ');
  const spans = drawn.split(/ +/).map((part) => part.split('–').map(Number))
    .filter((span) => span.every(Number.isInteger));
  const held = (key) => spans.some((span) => span[0] <= key && key <= span[span.length - 1]);
  return [new Set(keys.map(([, name]) => name)).size,
    keys.filter(([key, name]) => !held(Number(key)) && !drawn.includes(name))];
})"""


@pytest.fixture(scope="module", params=[60, LONG_TABLE + 1])
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], list[str]]:
    """Names of the models, and addresses of three boards of them."""
    out = tmp_path_factory.mktemp("crowd")
    models = many_models(request.param)
    addresses = []
    # Of many more the board with curves and the most charts is enough: each is of the same kind.
    for runs in (clean_runs, corrupted_runs, attacked_runs) if request.param == 60 else (corrupted_runs,):
        results = runs(models)
        for place, record in enumerate(results):
            record.profile["macs"]["value"] = int(1e6 * (1 + place * 37 % len(results)))
        (page,) = arrange([(Path(f"runs/{place}"), record) for place, record in enumerate(results)])
        path = out / f"{page.slug}.html"
        path.write_text(suite_html(page, dict.fromkeys(models, "m"), "t"), encoding="utf-8")
        addresses.append(path.as_uri())
    return set(models), addresses


def test_every_model_is_named_in_every_chart_and_no_name_covers_another(visit, crowd):
    models, addresses = crowd
    charts = 0
    for address in addresses:
        page = visit(address)
        page.wait_for_selector("html[data-unfolded]")
        for told, lacking in page.evaluate(NAMED):
            assert told == len(models) and lacking == []
            charts += 1
        for width, scheme in ((1280, "light"), (400, "dark")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(OVERLAPPING) == []
    assert charts >= 5


def test_a_model_of_many_is_lit_up_by_name(visit, crowd):
    page = visit(crowd[1][len(crowd[1]) > 1])
    page.wait_for_selector("html[data-unfolded]")
    page.select_option("[data-light]", "20")
    shown = page.locator("figure:visible g.lit")
    assert shown.count() == 1 and shown.get_attribute("data-line") == "20"
    page.locator(".keys li[data-line='31']").first.hover()
    assert shown.get_attribute("data-line") == "31"


def test_a_long_table_is_filtered_once_it_is_unpacked_and_says_what_it_needs_without_the_script(visit, crowd):
    models, addresses = crowd
    if len(models) <= LONG_TABLE:
        pytest.skip("the table stands in the page as it is")
    page = visit(addresses[0])
    page.wait_for_selector("html[data-unfolded]")
    rows = page.locator("table.board").first.locator("tbody tr:visible")
    assert rows.count() == len(models)
    page.fill("input[name=q]", "-007th-")
    page.wait_for_timeout(50)
    assert rows.count() == 1 and "the-007th-run" in rows.first.inner_text()
    again = visit(page.url)
    again.wait_for_selector("html[data-unfolded]")
    assert again.locator("table.board").first.locator("tbody tr:visible").count() == 1
    plain = visit(addresses[0], java_script_enabled=False)
    assert "This part needs the page's script" in plain.locator("div.packed").first.inner_text()


def first_page(models):
    """The first page of a board of models on clean and on corrupted audio, with the records on clean audio."""
    clean = clean_runs(models)
    for place, record in enumerate(clean):
        value = record.cells[0].metrics[record.primary]
        # An order that is neither that of the names nor that of the runs, without ties.
        value.value = 0.2 + 0.6 * (place * 37 % len(clean)) / len(clean)
    results = [(Path(f"runs/{place}"), record) for place, record in enumerate([*clean, *corrupted_runs(models)])]
    suites = arrange(results)
    return index_html(suites, by_model(suites), "t", total=len(results)), clean


def test_the_first_page_of_many_models_is_light_and_sorts_and_leads_as_that_of_few(visit, tmp_path):
    text, clean = first_page(many_models(LONG_TABLE + 1))
    path = tmp_path / "index.html"
    path.write_text(text, encoding="utf-8")
    page = visit(path.as_uri())
    page.wait_for_selector("html[data-unfolded]")
    table = page.locator("table.answers").first
    heads = table.locator("tbody th bdi")
    figures = {record.model.name: record.cells[0].metrics[record.primary].value for record in clean}
    best_first = sorted(figures, key=lambda name: -figures[name])
    assert heads.all_inner_texts() == best_first
    bold = table.locator("tbody tr", has=page.locator("td:nth-of-type(1).lead-figure"))
    assert bold.locator("th bdi").all_inner_texts() == best_first[:1]
    press = "(button) => button.click()"
    table.locator("thead th[data-key=model] button").evaluate(press)
    assert heads.all_inner_texts() == sorted(figures)
    columns = table.locator("thead th[data-type=number]")
    assert columns.count() > 2
    for column in range(columns.count()):
        columns.nth(column).locator("button").evaluate(press)
        read = table.locator(f"tbody td:nth-of-type({column + 1})").evaluate_all(
            "(cells) => cells.map((cell) => cell.dataset.v)"
        )
        numbers = [float(one) for one in read if one not in (None, "", "none")]
        assert len(numbers) > LONG_TABLE, columns.nth(column).inner_text()
        down = columns.nth(column).get_attribute("data-first") == "descending"
        assert numbers == sorted(numbers, reverse=down)
    links = "(links) => links.map((link) => link.getAttribute('href'))"
    shown = page.locator("table.answers a").evaluate_all(links)
    assert len({link for link in shown if link.startswith("models/")}) == len(figures)
    assert len({link for link in shown if link.startswith("runs/")}) == 2 * len(figures)
    assert len(text) < len(unfolded(text)) / 3
    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    plain = visit(path.as_uri(), java_script_enabled=False)
    assert "This part needs the page's script" in plain.locator("div.packed").first.inner_text()


def test_the_first_page_of_fewer_models_stands_as_it_is():
    text, _ = first_page(many_models(LONG_TABLE))
    assert "data-packed" not in text and text.count("<tr><th scope") > LONG_TABLE


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_boards_of_many_keep_the_accessibility_rules(chromium, axe, crowd, scheme):
    if len(crowd[0]) > 60:
        pytest.skip("more of the same kind")
    for address in crowd[1][1:]:
        page = chromium.new_page(bypass_csp=True, color_scheme=scheme, viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector("html[data-unfolded]")
        page.add_script_tag(content=axe)
        found = page.evaluate(
            "axe.run({include: [['figure'], ['.keys'], ['.tools']]},"
            " {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        )
        page.close()
        assert [(rule["id"], rule["nodes"][0]["html"][:300]) for rule in found["violations"]] == []
