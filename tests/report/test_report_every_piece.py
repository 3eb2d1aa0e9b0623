"""Every chart and table that pages have can be taken away in every form, and pages are the same however often made."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from made_records import corrupted_runs, many_models

from benchbed.report import drawn, tabled
from benchbed.report.folding import unfolded
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.markup import tree, words
from benchbed.report.pieces import Piece, pieces

#: Makes the same site in a process of its own.
SITE = """
import sys
from pathlib import Path
from made_records import attacked_runs, clean_runs, corrupted_runs
from benchbed.report.leaderboard import write_leaderboard
results = [*clean_runs(), *corrupted_runs(), *attacked_runs()]
write_leaderboard([(Path(f"runs/{place}"), record) for place, record in enumerate(results)], Path(sys.argv[1]))
"""


#: The example board: pages of every kind that `leaderboard` makes, of six suites.
EXAMPLE = Path(__file__).parents[2] / "leaderboards" / "site"
KINDS = ("index.html", "families.html", "reference.html", "suites", "runs", "comparisons", "models")


def _saved(piece: Piece) -> None:
    if piece.drawn:
        picture = ET.fromstring(drawn.svg(piece))
        assert float(picture.get("width") or 0) > 20 and float(picture.get("height") or 0) > 10
        assert "var(" not in drawn.svg(piece)
    if piece.tabled:
        rows = list(csv.reader(io.StringIO(tabled.csv_of(piece))))
        assert len({len(row) for row in rows}) == 1 and len(rows) > 1
        lines = tabled.latex_of(piece).splitlines()
        assert lines[0].startswith(r"\begin{tabular}{") and lines[-2] == r"\end{tabular}"
        count = len(tabled.markdown_of(piece).splitlines()) - 2
        assert count == sum(line.endswith(r" \\") for line in lines) - 1 > 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_and_table_of_every_page_can_be_taken_in_every_form(kind):
    forms: set[str] = set()
    found = EXAMPLE / kind
    for path in [found] if found.is_file() else sorted(found.glob("*.html")):
        name, page = path.name, path.read_text(encoding="utf-8")
        top = tree(unfolded(page))
        tables = [part for part in top.iter("table") if part.find("tbody") is not None]
        charts = [part for part in top.iter("svg") if part.get("role") == "img"]
        held = pieces(page)
        assert len(held) == len(tables) + len(charts), name
        assert len({piece.name for piece in held}) == len(held), name
        for piece in held:
            assert piece.forms, (name, piece.name)
            _saved(piece)
            forms |= set(piece.forms)
    # Or the loop above would have proved nothing.
    assert forms >= {"csv", "tex", "md"}
    assert kind in ("index.html", "reference.html", "models") or forms >= {"svg", "png"}


def test_a_chart_of_a_crowd_takes_the_list_of_its_numbers_along(tmp_path):
    models = many_models(45)
    results = corrupted_runs(models)
    write_leaderboard([(Path(f"runs/{place}"), r) for place, r in enumerate(results)], tmp_path)
    (path,) = (tmp_path / "suites").iterdir()
    crowded = [
        piece
        for piece in pieces(path.read_text(encoding="utf-8"))
        if any("keys" in (part.get("class") or "").split() for part in piece.element.iter())
    ]
    assert crowded
    for piece in crowded:
        text = words(ET.fromstring(drawn.svg(piece)))
        assert [name for name in models if name not in text] == [], piece.name


def test_two_processes_make_the_same_bytes(tmp_path):
    sites = []
    for seed in ("1", "20261"):
        out = tmp_path / seed
        paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        made = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        subprocess.run([sys.executable, "-c", SITE, str(out)], check=True, env=made, timeout=300)
        sites.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    one, other = sites
    assert one.keys() == other.keys() and len(one) > 10
    assert [name for name in one if one[name] != other[name]] == []
