"""The example board in the repository: whole, synthetic, of the shipped weights, light; and its script still runs."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from benchbed.provenance import hash_files
from benchbed.report.folding import unfolded
from benchbed.report.island import unpack

#: Bytes that pages of the board in the repository may weigh: a run as a rule, one with sounds or timelines, and a board
#: of many models; all of them together hold for a clone that stays small.
RUN, RICH, BOARD, LARGEST = 180_000, 700_000, 400_000, 6_500_000


@pytest.fixture(scope="module")
def script(repository: Path) -> dict:
    """What the script builds."""
    return runpy.run_path(str(repository / "leaderboards" / "build.py"))


@pytest.fixture(scope="module")
def pages(repository: Path) -> list[tuple[dict, str]]:
    """What each run page carries, and its text unfolded."""
    found = sorted((repository / "leaderboards" / "site" / "runs").glob("*.html"))
    texts = [page.read_text(encoding="utf-8") for page in found]
    return [(json.loads(unpack(re.search(r'id="data">(.*?)</script>', t, re.S)[1])), unfolded(t)) for t in texts]


def about(data: dict) -> tuple[str, str, int | None, bool]:
    """Suite, model, limit, and whether the data are synthetic; a page carries its record, or the figures of it."""
    if "schema_version" in data:
        return data["suite"]["name"], data["model"]["name"], data["dataset"].get("limit"), data["dataset"]["synthetic"]
    return data["suite"], data["model"], data.get("limit"), data["synthetic"]


def test_every_suite_and_model_of_the_script_is_there(script, pages):
    held = {about(data)[:3] for data, _ in pages}
    assert held == {(suite, model, part.most) for suite, part in script["SUITES"].items() for model in part.models}
    assert len(pages) == len(held)


def test_it_has_eight_models_of_two_families_and_five_suites(pages):
    assert len({about(data)[1] for data, _ in pages}) >= 8
    assert len({about(data)[0] for data, _ in pages}) >= 5
    families = {found for _, text in pages for found in ("CNN", "CRNN", "Transformer") if found in text}
    assert families == {"CNN", "CRNN", "Transformer"}


def test_every_page_says_that_its_data_are_synthetic(repository, pages):
    assert all(about(data)[3] for data, _ in pages)
    site = repository / "leaderboards" / "site"
    for folder in ("suites", "models", "runs", "comparisons"):
        for page in (site / folder).glob("*.html"):
            assert "ynthetic data" in page.read_text(encoding="utf-8") or folder == "models", page.name


def test_the_weights_are_the_shipped_ones(repository, pages):
    shipped = {hash_files([path]) for path in (repository / "adapters" / "weights").glob("*.safetensors")}
    for data, text in pages:
        named = set(re.findall(r"safetensors</dt><dd><bdi>([0-9a-f]{32})", text))
        assert named and named <= shipped, about(data)


def test_it_is_light_and_names_no_place_on_a_machine(repository):
    files = [path for path in (repository / "leaderboards" / "site").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST
    runs = sorted(path.stat().st_size for path in files if path.parent.name == "runs")
    assert runs[-1] < RICH and runs[len(runs) * 3 // 4 - 1] < RUN
    assert max(path.stat().st_size for path in files if path.parent.name == "suites") < BOARD
    for path in files:
        assert not re.search(r"/(home|tmp|root|work)/", path.read_text(encoding="utf-8")), path.name


def test_the_script_builds_a_board(repository, tmp_path):
    words = [
        "--suite",
        "dcase_task1",
        "--model",
        "cnn",
        "--model",
        "passt_tiny",
        "--limit",
        "12",
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(
        [sys.executable, str(repository / "leaderboards" / "build.py"), *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
    assert len(list((tmp_path / "site" / "runs").glob("*.html"))) == 2
    (page,) = (tmp_path / "site" / "comparisons").glob("*.html")
    carried = json.loads(unpack(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)[1]))
    # The differences on the page are those of the records that the script compared.
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "runs" / "dcase_task1").glob("*/result.json")
    }
    (row,) = [r for r in carried["rows"] if r["metric"] == "macro_accuracy" and r.get("group") is None]
    figures = {name: r["scores"]["macro_accuracy"]["value"] for name, r in results.items()}
    assert row["difference"] == pytest.approx(figures[row["model"]] - figures[row["against"]])
    assert figures[row["model"]] >= figures[row["against"]]
    assert {row["model"], row["against"]} == {"cnn", "passt_tiny"}
