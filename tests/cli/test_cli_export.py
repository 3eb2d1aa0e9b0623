"""`benchbed export`: charts, tables and single conditions of a run or a page, by name."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import benchbed as bb
from benchbed.api.taking import Taken, save
from benchbed.cli import main
from benchbed.cli.exporting import export
from benchbed.errors import ConfigError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A short run of the shipped CNN in noise."""
    out = tmp_path_factory.mktemp("runs")
    suite = repository / "suites" / "dcase_task1.yaml"
    changes = {"conditions": ["clean", {"corruption": "white_noise", "parameters": [20, 0]}]}
    made = bb.run(suite, model=repository / "adapters" / "cnn.py", limit=12, out=out, overrides=changes, report=True)
    return made.path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_there_is_is_listed(run, capsys):
    assert export.name == "export"
    assert main_code("export", str(run)) == 0
    names = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert {"what-breaks-it", "noise", "by-device", "confusion-matrix-clips"} <= set(names)


def main_code(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    return int(left.value.code or 0)


def test_a_curve_goes_to_standard_output_and_to_files(run, capsys, tmp_path):
    assert main_code("export", str(run), "noise", "--form", "csv") == 0
    rows = rows_of(capsys.readouterr().out)
    assert [row["parameter"] for row in rows if row["condition"] == "white_noise"] == ["20", "0"]
    assert main_code("export", str(run), "noise", "--out", str(tmp_path / "noise.svg")) == 0
    assert (tmp_path / "noise.svg").read_text().startswith("<svg")
    assert main_code("export", str(run), "noise", "by-device", "--form", "md", "--out", str(tmp_path / "both")) == 0
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["by-device.md", "noise.md"]


def test_one_condition_has_all_its_figures_and_groups(run, capsys):
    assert main_code("export", str(run), "--condition", "white_noise@2", "--form", "csv") == 0
    rows = rows_of(capsys.readouterr().out)
    assert {row["cell"] for row in rows} == {"scene/test/white_noise@2"} and {row["parameter"] for row in rows} == {"0"}
    assert {"macro_accuracy", "log_loss"} <= {row["metric"] for row in rows}
    assert any(row["group"].startswith("device=") for row in rows)


def test_names_are_listed_where_a_wrong_one_is_given(run, capsys):
    assert main_code("export", str(run), "nois") == 2
    said = capsys.readouterr().err
    assert "no chart or table 'nois'" in said and "did you mean 'noise'" in said and "by-device" in said
    assert main_code("export", str(run), "--condition", "pink_noise@1") == 2
    said = capsys.readouterr().err
    assert "no condition 'pink_noise@1'" in said and "white_noise@1, white_noise@2" in said
    assert main_code("export", str(run), "by-class", "--form", "svg") in (0, 2)


def test_everything_into_a_folder(run, tmp_path):
    taken = Taken.of(run)
    saved = list(taken.save_all(tmp_path, "csv"))
    assert {path.stem for path in saved} == {piece.name for piece in taken.pieces if piece.tabled}
    assert all(path.read_text(encoding="utf-8").count("\n") > 1 for path in saved)


def test_a_page_on_disk_is_taken_apart_too(run, tmp_path):
    taken = Taken.of(run / "report.html")
    assert taken.piece("noise").rows and taken.condition("white_noise@1").rows
    other = tmp_path / "other.html"
    other.write_text("<html><body><table></table></body></html>")
    with pytest.raises(ConfigError, match="was not made by benchbed"):
        Taken.of(other)
    with pytest.raises(ConfigError, match="no such page"):
        Taken.of(tmp_path / "nowhere.html")


def test_a_form_that_a_piece_does_not_have_is_refused(run, tmp_path):
    piece = Taken.of(run).piece("compute-and-energy")
    with pytest.raises(ConfigError, match="cannot be saved as svg") as raised:
        save(piece, tmp_path / "x.svg")
    assert "csv, tex, md" in raised.value.hint


def test_a_run_writes_its_page_with_the_references_that_are_asked_for(repository, tmp_path, capsys):
    suite, model = repository / "suites" / "dcase_task1.yaml", repository / "adapters" / "cnn.py"
    words = ["run", str(suite), "--model", str(model), "--limit", "4", "--out", str(tmp_path), "--quiet"]
    assert main_code(*words, "--references", "nowhere.yaml") == 2
    said = capsys.readouterr().err
    assert "no file of published figures" in said and "--references none" in said
    assert main_code(*words, "--references", "none") == 0
    assert 'id="published"' not in (tmp_path / "dcase_task1" / "cnn" / "report.html").read_text(encoding="utf-8")
