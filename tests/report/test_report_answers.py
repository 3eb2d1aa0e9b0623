"""The page of a run of 131 conditions: it answers first, is short and light, and unfolds to all that it has."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchbed.report.folding import LONG_PAGE, unfolded
from benchbed.report.page import report_html, write_report
from benchbed.results.record import Cell, Condition, Counts, Value

#: Family of each corruption, its unit, and its five strengths.
FAMILIES = {
    "noise": ("dB SNR, active level", [20, 15, 10, 5, 0]),
    "bandwidth": ("Hz", [8000, 4000, 3000, 2000, 1000]),
    "codec": ("kbit/s", [64, 48, 32, 16, 8]),
    "time": ("% of the clip", [2, 5, 10, 20, 30]),
}
CORRUPTIONS = [f"{family}_{letter}" for family in FAMILIES for letter in "abcdefg"][:26]
METRICS = ("macro_accuracy", "accuracy", "macro_f1", "log_loss", "brier", "ece", "top3_accuracy", "top5_accuracy")
#: Bytes that a page of 131 conditions may have without sound.
LIGHT = 100_000


def spread(seed: int) -> float:
    """A number from 0 to 1 with all the digits of a real figure."""
    return seed * 0.6180339887498949 % 1.0


def figure(seed: int, at: float, unit: str = "fraction") -> Value:
    value = at + spread(seed) / 10
    ends = {"low": value - 0.05 - spread(seed + 1) / 50, "high": value + 0.05 + spread(seed + 2) / 50}
    method = "bootstrap centred percentile 95 %, 40 groups, 1000 draws"
    return Value(value=value, **ends, n=60, direction="higher", unit=unit, rule="macro:1", interval=method)


@pytest.fixture(scope="module")
def long_record(result: Callable[..., Any]) -> Any:
    """26 corruptions at five strengths with eight metrics and nine devices each, and the scores over them."""
    record = result("cnn", suite__title="Robustness")
    for place, name in enumerate(CORRUPTIONS):
        family = name.partition("_")[0]
        unit, strengths = FAMILIES[family]
        for severity, parameter in enumerate(strengths, 1):
            at, seed = 0.75 - 0.1 * severity - place / 200, 31 * place + severity
            metrics = {metric: figure(seed * 8 + index, at) for index, metric in enumerate(METRICS)}
            groups = {f"device={key}": {"macro_accuracy": figure(seed, at)} for key in "abcdefghi"}
            what = Condition(
                kind="corruption", name=name, severity=severity, parameter=parameter, unit=unit, group=family
            )
            counts = Counts(clips=60, scored=60)
            key = f"scene/test/{name}@{severity}"
            cell = Cell(
                key=key, task="scene", split="test", condition=what, counts=counts, metrics=metrics, groups=groups
            )
            record.cells.append(cell)
        for score in ("mean", "aurc", "retention", "breakdown", "snr50"):
            record.scores[f"robustness:{score}/{name}"] = figure(place, 0.45 - place / 200)
    assert len(record.cells) == 131
    return record


@pytest.fixture(scope="module")
def address(long_record: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(long_record, tmp_path_factory.mktemp("run") / "report.html")


def test_the_page_is_light_and_unfolds_to_what_it_has(long_record):
    page = report_html(long_record)
    assert len(page.encode()) < LIGHT
    whole = unfolded(page)
    assert len(whole) > 1.5 * len(page)
    for cell in long_record.cells:
        value = cell.metrics["macro_accuracy"].value
        assert f'data-v="{value:.8g}"' in whole
    assert 'data-packed="' not in whole


def test_a_short_page_stands_there_without_its_script(result):
    record = result(conditions=True)
    assert len(record.cells) <= LONG_PAGE
    page = report_html(record)
    assert '<section id="conditions"' in page and 'class="heat' in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_breaks_it_stands_within_two_screens_of_a_short_page(visit, address, scheme):
    page = visit(address.as_uri(), viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    page.wait_for_selector("html[data-unfolded]")
    assert page.evaluate("document.documentElement.scrollHeight") < 8000
    bottom = page.locator("#breaks table").evaluate("(part) => part.getBoundingClientRect().bottom + scrollY")
    assert bottom < 2 * 800
    rows = page.locator("#breaks tbody tr")
    assert rows.count() == 26
    means = [float(text) for text in page.locator("#breaks tbody td:nth-of-type(2)").evaluate_all(VALUES)]
    assert means == sorted(means)
    assert "leaves least" in page.locator("#breaks .answer").first.inner_text()


VALUES = "(cells) => cells.map((cell) => cell.dataset.v)"


@pytest.mark.browser
def test_on_a_phone_the_answer_stands_within_two_screens(visit, address):
    page = visit(address.as_uri(), viewport={"width": 400, "height": 800})
    bottom = page.locator("#breaks .answer").first.evaluate("(part) => part.getBoundingClientRect().bottom")
    assert bottom < 2 * 800
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.browser
def test_what_was_packed_sorts_and_is_found_by_its_address(visit, address, long_record):
    key = re.search(r'<tr id="(cell-[^"]*noise-b-3[^"]*)"', unfolded(address.read_text(encoding="utf-8")))
    page = visit(f"{address.as_uri()}#{key[1]}")
    page.wait_for_selector("html[data-unfolded]")
    assert page.locator(f"#{key[1]}").is_visible()
    page.locator("#cells th[data-key=primary] button").click()
    values = [float(text) for text in page.locator("#cells tbody td:nth-of-type(1)").evaluate_all(VALUES)]
    assert values == sorted(values, reverse=True) and len(values) == 131


@pytest.mark.browser
@pytest.mark.parametrize("part", ["cite", "card"])
def test_what_was_packed_is_copied(visit, address, part):
    page = visit(address.as_uri())
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (t) => { window.kept = t; }}})"
    )
    page.wait_for_selector("html[data-unfolded]", state="attached")
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.locator(f"[data-copy={part}]").click()
    page.wait_for_function("() => window.kept")
    assert page.evaluate("() => window.kept") == page.locator(f"#{part}").text_content()


@pytest.mark.browser
def test_noise_curves_can_be_drawn_from_what_is_saved(visit, address, long_record, tmp_path):
    page = visit(address.as_uri())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the figures as CSV").click()
    waiting.value.save_as(tmp_path / "figures.csv")
    with open(tmp_path / "figures.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["condition"] == "noise_c" and row["metric"] == "accuracy"]
    assert [(row["parameter"], row["parameter_unit"]) for row in rows] == [
        (str(level), "dB SNR, active level") for level in FAMILIES["noise"][1]
    ]
    cells = {cell.key: cell.metrics["accuracy"] for cell in long_record.cells}
    for row in rows:
        assert float(row["value"]) == pytest.approx(cells[row["cell"]].value, rel=1e-6)
        assert float(row["low"]) == pytest.approx(cells[row["cell"]].low, rel=1e-4)


@pytest.mark.browser
def test_without_its_script_a_long_page_still_says_what_breaks_it(visit, address):
    page = visit(address.as_uri(), java_script_enabled=False)
    assert page.locator("#breaks tbody tr").count() == 26 and page.locator(".big").is_visible()
    assert "result.json" in page.locator(".packed").first.inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_page_keeps_the_rules_of_accessibility(chromium, axe, address, scheme):
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address.as_uri())
    page.wait_for_selector("html[data-unfolded]")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")
    context.close()
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]] == []
