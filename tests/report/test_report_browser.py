"""The pages in a real browser: keyboard, screen reader, colour schemes, a phone's width, paper, and no request."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchbed.report import island, listening
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.page import write_report
from benchbed.results.comparison import ComparisonRecord
from benchbed.results.record import Counts, Value
from benchbed.results.reference import read_reference
from benchbed.seal import digest, seal

pytestmark = pytest.mark.browser

EVIL = "</script><img src=x onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\">"


DIFFERENCE = {
    "condition": "clean",
    "metric": "macro_accuracy",
    "unit": "fraction",
    "direction": "higher",
    "a": 0.6,
    "b": 0.5,
    "value": 0.1,
    "low": 0.05,
    "high": 0.15,
    "p_adjusted": 0.01,
    "verdict": "win",
}
COMPARISON = ComparisonRecord.model_validate(
    {
        "primary": "macro_accuracy",
        "sides": [
            {"name": name, "runs": [{"model": name, "path": f"runs/{i}"}]} for i, name in enumerate(("beta", EVIL))
        ],
        "pairings": [
            {"a": EVIL, "b": "beta", "rows": [DIFFERENCE, DIFFERENCE | {"condition": "mp3@5", "value": -0.1}]}
        ],
    }
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, result: Callable[..., Any], repository: Path) -> Path:
    """A leaderboard of four models, one of them hostile, with one synthetic run."""
    out = tmp_path_factory.mktemp("site")
    real = {"dataset__synthetic": False, "dataset__name": "tau2022"}
    cost = {"parameters": {"value": 250_000, "unit": "parameters", "method": "sum"}}
    results = [
        result("beta", 0.5, model__family="cnn", profile=cost, **real),
        result("alpha", 0.6, model__family="transformer", conditions=True, **real),
        result(EVIL, 0.4, model__family="cnn", dataset__limit=5, **real),
        result("gamma", 0.45, primary="macro_accuracy", **real),
        result("delta", 0.7),
    ]
    for cell in results[1].cells:  # a run that lacks clips has no rank
        cell.counts, cell.complete = Counts(clips=1000, scored=1000), True
    results[1].failures.clear()
    results[3].cells[0].metrics["macro_accuracy"] = Value(
        value=None, n=0, direction="higher", unit="fraction", rule="r", reason="no clips"
    )
    published = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))]
    write_leaderboard(
        [(Path(f"runs/{index}"), record) for index, record in enumerate(results)],
        out,
        references=published,
        comparisons=[COMPARISON],
    )
    heard = tmp_path_factory.mktemp("run")
    clips(heard)
    write_report(result(EVIL, conditions=True, suite__title=EVIL), out / "report.html", clips=listening.read(heard))
    return out


def clips(run: Path) -> None:
    """One clip kept for listening, with a sound of a tenth of a second and a picture of one point."""
    folder = run / "listen"
    folder.mkdir()
    soundfile.write(folder / "a.mp3", np.zeros(1600), 16000, format="MP3")
    point = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    (folder / "a.png").write_bytes(base64.b64decode(point))
    sound = {"kind": "clean", "audio": "a.mp3", "spectrogram": "a.png", "output": EVIL, "confidence": 0.5}
    clip = {
        "clip_id": EVIL,
        "label": "bus",
        "why": "flipped",
        "condition": EVIL,
        "cell": "scene/test/clean",
        "sample_rate": 16000,
        "seconds": 0.1,
        "sounds": [sound],
    }
    digests = {name: digest((folder / name).read_bytes()) for name in ("a.mp3", "a.png")}
    text = seal(json.dumps({"licence": "CC0-1.0", "clips": [clip], "digests": digests}))
    (folder / "clips.json").write_text(text, encoding="utf-8")


@pytest.fixture
def suite(site: Path) -> str:
    """Address of the suite page."""
    (page,) = (site / "suites").iterdir()
    return page.as_uri()


def models(page: Any) -> list[str]:
    return page.locator("table.board").first.locator("tbody tr:visible th a bdi").all_inner_texts()


def announced(page: Any) -> str:
    page.wait_for_timeout(80)
    return page.locator("#live").inner_text()


def test_sorting_with_the_mouse(visit, suite):
    page = visit(suite)
    head = page.locator("table.board").first.locator("th[data-key=primary]")
    assert models(page)[:2] == ["alpha", "beta"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert announced(page) == "Sorted by Macro accuracy, descending."
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    # The run without a figure stays last in both directions.
    assert models(page) == [EVIL, "beta", "alpha", "gamma"]
    other = page.locator("table.board").first.locator("th[data-key=model]")
    other.locator("button").click()
    assert head.get_attribute("aria-sort") is None and other.get_attribute("aria-sort") == "ascending"


def test_sorting_with_the_keyboard(visit, suite):
    page = visit(suite)
    page.locator("table.board").first.locator("th[data-key=model] button").focus()
    page.keyboard.press("Enter")
    assert models(page)[-3:] == ["alpha", "beta", "gamma"]
    page.keyboard.press("Space")
    assert models(page)[:3] == ["gamma", "beta", "alpha"]
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.closest('th').dataset.key")
    assert focused == "primary"


def test_the_keyboard_reaches_the_figures_first(visit, suite):
    page = visit(suite)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_filter_and_address(visit, suite):
    page = visit(suite)
    page.fill("input[name=q]", "BETA")
    assert models(page) == ["beta"]
    assert announced(page) == "1 of 5 runs shown."
    page.fill("input[name=q]", "")
    page.select_option("select[name=family]", "cnn")
    page.locator("table.board").first.locator("th[data-key='devices=unseen'] button").click()
    assert set(models(page)) == {"beta", EVIL}
    again = visit(page.url)
    assert set(models(again)) == {"beta", EVIL}
    assert again.locator("th[data-key='devices=unseen']").first.get_attribute("aria-sort") == "descending"
    again.get_by_role("button", name="Reset").click()
    again.wait_for_timeout(50)
    assert len(models(again)) == 4 and "family" not in again.url


def test_filter_by_size(visit, suite):
    page = visit(suite)
    page.select_option("select[name=size]", "100000")
    assert announced(page) == "4 of 5 runs shown." and "beta" not in models(page)
    assert "size=100000" in page.url and models(visit(page.url)) == models(page)


def test_a_clip_can_be_heard_and_seen(visit, site):
    page = visit((site / "report.html").as_uri())
    heard = "(sound) => new Promise((done) => { sound.onloadeddata = () => done(sound.duration); sound.load(); })"
    assert page.locator("#listen audio").first.evaluate(heard) > 0
    assert page.locator("#listen img").first.evaluate("(picture) => picture.naturalWidth") == 1


def test_a_packed_record_is_unpacked_to_be_saved(visit, result, tmp_path, monkeypatch):
    monkeypatch.setattr(island, "PLAIN", 0)
    path = write_report(result("ärger", conditions=True), tmp_path / "report.html")
    page = visit(path.as_uri())
    assert page.locator("#data").text_content().startswith(island.PACKED)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    waiting.value.save_as(tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text(encoding="utf-8"))
    assert saved["model"]["name"] == "ärger" and len(saved["cells"]) == 41
    assert json.loads(island.unpack(page.locator("#data").text_content())) == saved


def test_a_forest_sorts_by_its_difference(visit, site, suite):
    page = visit(address_of(site, suite, "comparison"))
    page.locator("table.forest th[data-key=difference] button").first.click()
    rows = page.locator("table.forest").first.locator("tbody th").all_inner_texts()
    assert rows == ["Clean", "MP3, step 5"]


def test_columns_are_chosen_and_kept_in_the_address(visit, suite):
    page = visit(suite)
    head = page.locator("table.board").first.locator("th[data-key='devices=seen']")
    assert head.is_visible()
    page.get_by_text("Columns", exact=True).click()
    page.locator("input[name=column][value='devices=seen']").uncheck()
    assert not head.is_visible()
    assert not visit(page.url).locator("table.board").first.locator("th[data-key='devices=seen']").is_visible()


def test_real_and_synthetic_runs_stand_in_two_tables(visit, suite):
    page = visit(suite)
    tables = [table.locator("tbody th a bdi").all_inner_texts() for table in page.locator("table.board").all()]
    assert tables[1] == ["delta"] and "delta" not in tables[0]


def address_of(site: Path, suite: str, name: str) -> str:
    """Address of a page by its kind."""
    folders = {"model": "models", "comparison": "comparisons"}
    if name in folders:
        return next((site / folders[name]).iterdir()).as_uri()
    return suite if name == "suite" else (site / name).as_uri()


@pytest.mark.parametrize("name", ["report.html", "suite", "index.html", "comparison"])
def test_hostile_text_does_nothing(visit, site, suite, name):
    page = visit(address_of(site, suite, name))
    assert page.title() != "owned" and page.locator("img:not([src^='data:image/png'])").count() == 0
    assert EVIL in page.inner_text("body")
    assert json.loads(island.unpack(page.locator("#data").text_content()))


def test_scripts_other_than_the_page_s_own_are_dead(chromium, site):
    page = chromium.new_page()
    page.goto((site / "report.html").as_uri())
    script = "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s);"
    page.evaluate(f"() => {{ {script} }}")
    assert page.evaluate("window.owned") is None
    page.close()


@pytest.mark.parametrize("width", [360, 768])
@pytest.mark.parametrize("name", ["report.html", "suite", "index.html", "model", "reference.html", "comparison"])
def test_no_page_scrolls_sideways(visit, site, suite, name, width):
    address = address_of(site, suite, name)
    page = visit(address, viewport={"width": width, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_and_light(visit, site):
    address = (site / "report.html").as_uri()
    back = "getComputedStyle(document.body).backgroundColor"
    assert visit(address, color_scheme="light").evaluate(back) == "rgb(255, 255, 255)"
    assert visit(address, color_scheme="dark").evaluate(back) == "rgb(19, 21, 25)"


def test_every_figure_is_there_without_the_script(visit, suite, site):
    page = visit(suite, java_script_enabled=False)
    assert models(page)[:2] == ["alpha", "beta"]
    assert not page.get_by_role("button", name="Reset").is_visible()
    report = visit((site / "report.html").as_uri(), java_script_enabled=False)
    assert report.get_by_text("57.3\u202f%").first.is_visible()


def test_printing_unfolds_what_is_folded(visit, site):
    page = visit((site / "report.html").as_uri())
    folded = page.locator("details:not([open])").count()
    assert folded > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000


def test_paper_is_white_even_where_the_screen_is_dark(visit, site):
    page = visit((site / "report.html").as_uri(), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    colours = "[getComputedStyle(document.body), getComputedStyle(document.querySelector('tr.pooled th'))]"
    backs = page.evaluate(f"{colours}.map((style) => style.backgroundColor)")
    assert backs == ["rgb(255, 255, 255)", "rgb(246, 247, 249)"]


def test_downloads_hold_the_record_and_its_figures(visit, site, tmp_path):
    page = visit((site / "report.html").as_uri())
    for kind, what in (("JSON", "record"), ("CSV", "figures")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Save the {what} as {kind}").click()
        waiting.value.save_as(tmp_path / kind)
    assert json.loads((tmp_path / "JSON").read_text(encoding="utf-8"))["primary"] == "macro_accuracy"
    import csv

    with open(tmp_path / "CSV", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (clean,) = [
        row for row in rows if (row["cell"], row["group"], row["metric"]) == ("scene/test/clean", "", "macro_accuracy")
    ]
    assert float(clean["value"]) == 0.573 and clean["model"] == EVIL and clean["synthetic"] == "true"


def test_a_csv_cell_cannot_be_a_formula(visit, result, tmp_path):
    path = write_report(result("=cmd|' /C calc'!A0"), tmp_path / "report.html")
    page = visit(path.as_uri())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the figures as CSV").click()
    waiting.value.save_as(tmp_path / "figures.csv")
    assert "\n'=cmd" in (tmp_path / "figures.csv").read_text(encoding="utf-8").replace("\r", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report.html", "suite", "index.html", "model", "reference.html", "comparison"])
def test_accessibility_rules(chromium, axe, site, suite, name, scheme):
    address = address_of(site, suite, name)
    # The page's own policy would refuse the checker's script.
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")
    context.close()
    broken = [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]]
    assert broken == []
    assert len(found["passes"]) > 15
