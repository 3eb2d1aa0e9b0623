"""Pages of a site whose runs did not change are left as they are; anything that a page follows from makes it anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from made_records import figure, make_result

from benchbed.report import leaderboard
from benchbed.report.leaderboard import write_leaderboard
from benchbed.results.find import find_results
from benchbed.results.store import write


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs on disk."""
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    for name, accuracy in (("a", 0.5), ("b", 0.6), ("c", 0.7)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        write(make_result(f"model {name}", accuracy, conditions=True), tmp_path / "runs" / name / "result.json")
    return tmp_path / "runs"


@pytest.fixture
def built(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], dict[str, bytes]]]:
    """Builds the site; tells which pages of runs were made, and what all pages hold."""
    made: list[str] = []
    real = leaderboard.write_report

    def noted(result: object, path: Path, **rest: object) -> Path:
        made.append(path.name.partition("-dcase")[0])
        return real(result, path, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(leaderboard, "write_report", noted)

    def build(summary: bool = True, **rest: object) -> tuple[list[str], dict[str, bytes]]:
        made.clear()
        pages = write_leaderboard(find_results([runs], summary=summary), runs.parent / "site", **rest)  # type: ignore[arg-type]
        return sorted(made), {path.name: path.read_bytes() for path in pages}

    return build


def test_a_board_of_summaries_is_that_of_whole_records(built: Callable[..., tuple[list[str], dict[str, bytes]]]):
    _, short = built(summary=True)
    made, whole = built(summary=False, title="Another")
    assert made == ["model-a", "model-b", "model-c"]
    assert {name: page.replace(b"Another", b"Leaderboard") for name, page in whole.items()} == short


def test_pages_of_the_same_runs_are_not_made_again(built: Callable[..., tuple[list[str], dict[str, bytes]]]):
    first, pages = built()
    assert first == ["model-a", "model-b", "model-c"]
    second, again = built()
    assert second == [] and again == pages


def test_what_a_page_follows_from_makes_it_anew(runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]]):
    _, pages = built()
    site = runs.parent / "site" / "runs"
    write(make_result("model b", 0.9, conditions=True), runs / "b" / "result.json")
    made, changed = built()
    assert made == ["model-b"] and {n for n in pages if changed[n] != pages[n]} >= {"index.html"}
    page = next(site.glob("model-a*.html"))
    page.unlink()
    assert built()[0] == ["model-a"] and page.is_file()
    page.write_text("mine")
    assert built()[0] == ["model-a"] and page.read_text() != "mine"
    (runs / "c" / "timelines.json").write_text("{}")
    (runs / "c" / "timelines.json").unlink()
    (runs / "c" / "listen").mkdir()
    (runs / "c" / "listen" / "note.txt").write_text("x")
    assert built()[0] == ["model-c"]
    assert built(title="Another")[0] == ["model-a", "model-b", "model-c"]
    assert built(title="Another", records=True)[0] == ["model-a", "model-b", "model-c"]
    assert built(title="Another", records=True)[0] == []


@pytest.fixture
def models(built: Callable[..., tuple[list[str], dict[str, bytes]]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Templates that were filled since the list was emptied last."""
    filled: list[str] = []
    real = leaderboard.render

    def noted(template: str, **content: object) -> str:
        filled.append(template)
        return real(template, **content)

    monkeypatch.setattr(leaderboard, "render", noted)
    return filled


def test_ranks_of_others_make_no_page_of_a_model_anew(
    runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]], models: list[str]
):
    def ranks(*order: str) -> dict[Path, tuple[int, int, int]]:
        places = {path: order.index(path.parent.name) + 1 for path, _ in find_results([runs])}
        return {path: (place, place, place) for path, place in places.items()}

    for path, _ in find_results([runs]):
        # A run that lacks clips has no rank.
        record = make_result(f"model {path.parent.name}", 0.5)
        write(record.model_copy(update={"cells": [c for c in record.cells if c.complete]}), path)
    built(ranks=ranks("c", "b", "a"))
    assert models.count("model.html.j2") == 3
    models.clear()
    _, again = built(ranks=ranks("a", "c", "b"))
    assert models.count("model.html.j2") == 0 and "suite.html.j2" in models
    shutil.rmtree(runs.parent / "cache")
    _, cold = built(ranks=ranks("a", "c", "b"))
    assert again == cold and models.count("model.html.j2") == 3


def test_another_figure_that_ranks_makes_pages_of_all_models_anew(
    runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]]
):
    # No ranks: the figures alone say it.
    _, before = built()
    name = "robustness:corruption_mean"
    record = make_result("model d", 0.4, conditions=True)
    record.scores = {**record.scores, name: figure(0.3, scope="mean")}
    (runs / "d").mkdir()
    write(record, runs / "d" / "result.json")
    _, warm = built()
    shutil.rmtree(runs.parent / "cache")
    _, cold = built()
    assert warm == cold
    (page,) = (page for page in before if page.startswith("model-a") and "dcase" not in page)
    assert before[page] != warm[page]


def test_pages_of_what_is_no_longer_on_the_board_go_unless_somebody_changed_them(
    runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]]
):
    built(records=True)
    site = runs.parent / "site"

    def there() -> set[str]:
        return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}

    before = there()
    mine = next((site / "models").glob("model-b*.html"))
    mine.write_text("mine")
    for name in "bc":
        (runs / name).rename(runs.parent / name)
    (site / "runs" / "note.html").write_text("a file of somebody else")
    built(records=True)
    gone = {name for name in before if name.split("/")[-1].startswith(("model-b", "model-c"))}
    assert len(gone) == 6
    assert there() == before - gone | {"runs/note.html", mine.relative_to(site).as_posix()}
    # Back on the board, their pages are back.
    for name in "bc":
        (runs.parent / name).rename(runs / name)
    built(records=True)
    assert there() == before | {"runs/note.html"} and mine.read_text() != "mine"


def test_a_record_beside_a_page_is_made_again_where_it_was_changed(
    runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]]
):
    built(records=True)
    record = next((runs.parent / "site" / "runs").glob("model-a*.json"))
    held = record.read_bytes()
    record.write_bytes(held[:-5])
    assert built(records=True)[0] == ["model-a"] and record.read_bytes() == held
    # Records that nobody asks for any more.
    built()
    assert not record.exists()


def test_a_cache_that_was_emptied_costs_time_alone(
    runs: Path, built: Callable[..., tuple[list[str], dict[str, bytes]]], monkeypatch: pytest.MonkeyPatch
):
    _, pages = built()
    monkeypatch.setenv("BENCHBED_CACHE", str(runs.parent / "another"))
    made, again = built()
    assert made == ["model-a", "model-b", "model-c"] and again == pages
