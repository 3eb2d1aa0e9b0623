"""Tables on narrow screens: they say that they scroll, keep the row's name in sight, and show its score at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchbed.report.leaderboard import write_leaderboard
from benchbed.results.comparison import ComparisonRecord
from benchbed.results.record import Counts
from benchbed.results.reference import read_reference

pytestmark = pytest.mark.browser

NAMES = ("cnn", "PaSST tiny", "convolutional_network_with_a_long_name", "crnn")
ROW = {
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
COMPARISON = {
    "primary": "macro_accuracy",
    "sides": [{"name": name, "runs": [{"model": name, "path": f"runs/{name}"}]} for name in NAMES[:2]],
    "pairings": [{"a": NAMES[1], "b": NAMES[0], "rows": [ROW, ROW | {"condition": "mp3@5", "value": -0.1}]}],
}
PAGES = ["run", "suite", "index", "model", "reference", "comparison"]
#: Rows whose score is not in sight while nothing was scrolled, and rows whose name goes out of sight at the right end.
LOST = """() => {
  document.querySelectorAll('details').forEach((part) => { part.open = true; });
  const lost = [];
  const seen = (cell, part) => {
    const box = cell.getBoundingClientRect(), frame = part.getBoundingClientRect();
    return box.width > 0 && box.left >= frame.left - 1 && box.right <= frame.right + 1;
  };
  document.querySelectorAll('.scroll').forEach((part) => {
    part.querySelectorAll('tbody tr').forEach((row) => {
      const name = row.querySelector('th');
      const score = row.querySelector('td.lead-figure') || row.querySelector('th ~ td.num')
        || row.querySelector('th ~ td:not(.draw)');
      const what = (part.getAttribute('aria-label') || '') + ': ' + (name || row).textContent.trim().slice(0, 40);
      part.scrollLeft = 0;
      if (score && score.checkVisibility() && !seen(score, part)) { lost.push('score of ' + what); }
      part.scrollLeft = 100000;
      if (name && name.checkVisibility() && !seen(name, part)) { lost.push('name of ' + what); }
      part.scrollLeft = 0;
    });
  });
  return lost;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, result: Callable[..., Any], repository: Path) -> Path:
    """A leaderboard of four models with conditions, a comparison, and published figures."""
    out = tmp_path_factory.mktemp("site")
    cost = {"parameters": {"value": 250_000, "unit": "parameters", "method": "sum"}}
    results = [
        result(name, 0.5 + 0.03 * index, model__family="cnn", conditions=True, profile=cost)
        for index, name in enumerate(NAMES)
    ]
    for record in results:
        for cell in record.cells:
            cell.counts, cell.complete = Counts(clips=1000, scored=1000), True
    published = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))]
    runs = [(Path(f"runs/{record.model.name}"), record) for record in results]
    compared = ComparisonRecord.model_validate(COMPARISON)
    ranks = {path: (place, 1, 4) for place, (path, _) in enumerate(reversed(runs), 1)}
    write_leaderboard(runs, out, ranks=ranks, references=published, comparisons=[compared])
    return out


def address(site: Path, name: str) -> str:
    folders = {"run": "runs", "suite": "suites", "model": "models", "comparison": "comparisons"}
    if name in folders:
        return next(iter(sorted((site / folders[name]).iterdir()))).as_uri()
    return (site / f"{name}.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_every_score_is_in_sight_and_every_name_stays(visit, site, name, scheme):
    page = visit(address(site, name), viewport={"width": 400, "height": 800}, color_scheme=scheme)
    assert page.evaluate(LOST) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("name", PAGES)
def test_on_a_desk_names_stay_too(visit, site, name):
    page = visit(address(site, name))
    assert page.evaluate(LOST) == []


def test_a_table_tells_that_it_scrolls_until_its_end(visit, site):
    page = visit(address(site, "suite"), viewport={"width": 400, "height": 800})
    table = page.locator(".scroll:has(table.board)").first
    said = "(part) => getComputedStyle(part, '::before').content"
    assert table.get_attribute("data-more") == "right" and "Scroll sideways" in table.evaluate(said)
    assert "linear-gradient" in table.evaluate("(part) => getComputedStyle(part).maskImage")
    table.evaluate("(part) => { part.scrollLeft = 40; }")
    page.wait_for_timeout(60)
    assert table.get_attribute("data-more") == "left right"
    table.evaluate("(part) => { part.scrollLeft = 100000; }")
    page.wait_for_timeout(60)
    assert table.get_attribute("data-more") == "left none"
    assert "to the left" in table.evaluate(said)
    assert table.evaluate("(part) => getComputedStyle(part).maskImage") == "none"


def test_a_table_that_fits_says_nothing(visit, site):
    page = visit(address(site, "index"))
    assert page.locator(".scroll[data-more]").count() == 0


def test_the_check_of_names_and_scores_sees_a_defect(visit, site):
    page = visit(address(site, "suite"), viewport={"width": 400, "height": 800})
    defect = "[...document.querySelectorAll('tbody th')].forEach((cell) => { cell.style.position = 'static'; })"
    page.evaluate(defect)
    assert len(page.evaluate(LOST)) >= len(NAMES)
    wide = "[...document.querySelectorAll('tbody th')].forEach((cell) => { cell.style.minWidth = '20rem'; })"
    page.evaluate(wide)
    assert any(line.startswith("score of") for line in page.evaluate(LOST))
