"""Published figures beside the runs they explain: on the page of a run, and only where they belong."""

from __future__ import annotations

import pytest

from benchbed.report.folding import unfolded
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.page import report_html
from benchbed.results.reference import Reference, beside, read_reference

REAL = {"dataset__synthetic": False, "dataset__name": "tau2022"}


def published(protocol: str, layout: str) -> Reference:
    table = {
        "id": "t1",
        "where": "Table 1",
        "title": "Accuracy",
        "protocol": {"id": protocol, "task": "scene", "dataset": "TAU", "split": "test", "layout": layout},
        "metrics": {"macro_accuracy": {"unit": "%", "direction": "higher"}},
        "rows": [{"system": "baseline", "values": {"macro_accuracy": "50.7"}}],
    }
    return Reference.model_validate({"source": {"id": "paper", "citation": "A. Author, 2024"}, "tables": [table]})


def test_the_same_protocol_stands_first_and_other_figures_of_the_data_fold(result):
    record = result(**REAL)
    same, other = published("dcase_task1@2024:tau2022", "tau2022"), published("else", "tau2022")
    assert [mine for _, _, mine in beside([other, same], record)] == [True, False]
    page = report_html(record, references=[other, same])
    section = page[page.index('<section id="published"') :]
    assert section.index("the protocol of this run") < section.index("(another protocol)") and "50.7" in section
    assert "<details><summary>paper, Table 1: Accuracy (another protocol)" in section
    assert '<a href="#published">' in page


@pytest.mark.parametrize(
    ("changes", "protocol", "layout"),
    [({}, "dcase_task1@2024:tau2022", "tau2022"), (REAL, "else", "esc50"), (REAL, "else", "")],
)
def test_synthetic_runs_and_other_data_have_none(result, changes, protocol, layout):
    record = result(**changes)
    assert beside([published(protocol, layout)], record) == []
    assert 'id="published"' not in report_html(record, references=[published(protocol, layout)])


def test_a_run_with_a_limit_has_no_figures_of_its_protocol(result):
    record = result(**REAL, dataset__limit=10)
    assert [mine for _, _, mine in beside([published("dcase_task1@2024:tau2022", "tau2022")], record)] == [False]


def test_shipped_figures_stand_beside_runs_on_real_data(result, repository):
    held = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))]
    page = unfolded(report_html(result(**REAL), references=held))
    assert "piovesan2024" in page and "salvalaggio2023" not in page


def test_a_board_without_references_says_nothing_of_them(result, repository, tmp_path):
    held = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))]
    runs = [(tmp_path / "runs" / "cnn", result(**REAL))]
    write_leaderboard(runs, tmp_path / "without", references=[])
    assert not (tmp_path / "without" / "reference.html").exists()
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "without").rglob("*.html")]
    assert not any("reference.html" in page or 'id="published"' in page for page in pages)
    write_leaderboard(runs, tmp_path / "with", references=held)
    index = (tmp_path / "with" / "index.html").read_text(encoding="utf-8")
    # One page, one click away.
    assert index.count("reference.html") == 1
    count = sum(one.cells for one in held)
    assert count > 1000 and f"{count:,} figures" in (tmp_path / "with" / "reference.html").read_text(encoding="utf-8")
