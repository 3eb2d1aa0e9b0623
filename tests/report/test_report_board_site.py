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
from benchbed.report.island import unpack
from benchbed.results.record import Result

#: Bytes that the board in the repository may weigh.
LARGEST = 2_600_000


@pytest.fixture(scope="module")
def script(repository: Path) -> dict:
    """What the script builds."""
    return runpy.run_path(str(repository / "leaderboards" / "build.py"))


@pytest.fixture(scope="module")
def records(repository: Path) -> list[Result]:
    """The records that the run pages carry; a light page may lack groups, never figures."""
    pages = sorted((repository / "leaderboards" / "site" / "runs").glob("*.html"))
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [Result.model_validate_json(unpack(re.search(r'id="data">(.*?)</script>', t, re.S)[1])) for t in texts]


def test_every_suite_and_model_of_the_script_is_there(script, records):
    made = {(r.suite.name, Path(r.model.adapter).stem) for r in records}
    assert made == {(suite, model) for suite in script["SUITES"] for model in script["MODELS"]}
    limits = {r.suite.name: r.dataset.limit for r in records}
    assert limits == {suite: most for suite, (most, _) in script["SUITES"].items()}


def test_every_page_says_that_its_data_are_synthetic(repository, records):
    assert all(record.dataset.synthetic for record in records)
    site = repository / "leaderboards" / "site"
    for folder in ("suites", "models", "runs", "comparisons"):
        for page in (site / folder).glob("*.html"):
            assert "ynthetic data" in page.read_text(encoding="utf-8") or folder == "models", page.name


def test_the_weights_are_the_shipped_ones(repository, records):
    for record in records:
        for name, digest in record.model.weights.items():
            assert digest == hash_files([repository / "adapters" / "weights" / name]), name


def test_it_is_light_and_names_no_place_on_a_machine(repository):
    files = [path for path in (repository / "leaderboards" / "site").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST
    for path in files:
        assert not re.search(r"/(home|tmp|root|work)/", path.read_text(encoding="utf-8")), path.name


def test_the_script_builds_a_board(repository, tmp_path):
    words = [
        "--suite",
        "dcase_task1",
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
    carried = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)[1])
    # The differences on the page are those of the records that the script compared.
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "runs" / "dcase_task1").glob("*/result.json")
    }
    (row,) = [r for r in carried["rows"] if r["metric"] == "macro_accuracy" and r.get("group") is None]
    figures = {name: r["scores"]["macro_accuracy"]["value"] for name, r in results.items()}
    assert row["difference"] == pytest.approx(figures[row["model"]] - figures[row["against"]])
    assert figures[row["model"]] >= figures[row["against"]]
