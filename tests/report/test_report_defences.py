"""The table of defences on a page and at the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_records import attacked_runs

from benchbed.report.defences import COLUMNS, badge, cells, print_defences, shown
from benchbed.report.leaderboard import write_leaderboard
from benchbed.results.defences import DefenceRow, DefenceTable, HeldFigure

BARE = DefenceRow(
    "bare", "", HeldFigure(0.8, 0.7, 0.9, "fraction"), HeldFigure(0.3, 0.2, 0.4, "fraction"), 4.0, None, True
)
CODEC = DefenceRow(
    "<coded>",
    "codec",
    HeldFigure(0.75, 0.65, 0.85, "fraction", -0.05, -0.1, -0.01),
    HeldFigure(0.5, 0.3, 0.7, "fraction", 0.2, None, None, "no difference in any draw"),
    10.0,
    2.5,
    False,
    ("audit",),
)


def test_a_row_is_printed_with_its_differences_and_its_badge():
    assert cells(CODEC)[:4] == ("75.0\u202f% [65.0, 85.0]", "−5.0 [−10.0, −1.0]", "10.00", "2.50")
    assert cells(CODEC)[4:] == ("50.0\u202f% [30.0, 70.0]", "+20.0")
    assert cells(BARE)[1] == cells(BARE)[3] == cells(BARE)[5] == "–" and len(cells(BARE)) == len(COLUMNS)
    assert badge(BARE) == ("pass", "checks passed") and badge(CODEC) == ("fail", "not ranked: audit failed")


@pytest.fixture
def site(tmp_path):
    runs = [(Path(one.model.name), one) for one in attacked_runs({"bare": ("cnn", 0.8), "coded": ("cnn", 0.7)})]
    table = DefenceTable(
        "adversarial_asc", "Accuracy", "standard, 40 dB SNR", 8, (BARE, CODEC), frozenset({runs[0][0]})
    )
    write_leaderboard(runs, tmp_path, defences=[table])
    write_leaderboard(runs, tmp_path / "without")
    return tmp_path


def test_the_board_of_its_runs_holds_the_table(site):
    (page,) = (site / "suites").glob("*.html")
    text = page.read_text()
    assert "What each defence costs and leaves" in text and "not ranked: audit failed" in text
    assert "−5.0 [−10.0, −1.0]" in text and "&lt;coded&gt;" in text and "<coded>" not in text
    (page,) = (site / "without" / "suites").glob("*.html")
    assert "What each defence costs and leaves" not in page.read_text()


def test_the_terminal_prints_the_same(capsys):
    print_defences([DefenceTable("s", "Accuracy", "standard, 40 dB SNR", 8, (BARE, CODEC), frozenset())])
    text = capsys.readouterr().err
    assert "accuracy under standard, 40 dB SNR, 8 clips" in " ".join(text.split())
    assert "codec" in text and "−5.0" in text and "2.50" in text and "10.00" in text
    assert shown(DefenceTable("s", "A", "", 0, (), frozenset())).heading == "Clean: A. No attack was made."
