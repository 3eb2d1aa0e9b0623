"""Files that a model opens while it predicts belong to these predictions and to all that come after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made_kinds import toy

import benchbed as bb
from benchbed.predictions.store import read_header
from benchbed.run.executing import opened
from benchbed.run.executing.opened import opened_so_far

LATE = """
import json
from pathlib import Path
import numpy as np
from benchbed.adapter import Adapter, Card

class Late(Adapter):
    card = Card(name="net", family="cnn", output="scene", labels=("high", "low"), sample_rate=8000)
    table = None

    def load(self, device="cpu"):
        json.loads((Path(__file__).parent / "early.json").read_text())

    def predict(self, batch):
        if self.table is None:
            self.table = json.loads((Path(__file__).parent / "late.json").read_text())
        return np.tile(np.float32(self.table), (len(batch), 1))
"""


def test_a_table_that_is_read_at_the_first_call_belongs_to_every_unit_after_it(tmp_path: Path):
    toy(tmp_path / "toy", "scenes")
    place = tmp_path / "toy" / "net.py"
    place.write_text(LATE)
    (place.parent / "early.json").write_text("[]")
    (place.parent / "late.json").write_text("[0.9, 0.1]")
    asked = {"data": {"toy": tmp_path / "toy" / "data"}, "out": tmp_path / "runs", "report": False, "isolate": False}
    first = bb.run(tmp_path / "toy" / "toy.yaml", place, **asked)
    files = sorted((tmp_path / "runs").rglob("predictions/*.parquet"))
    assert len(files) == 2
    for file in files:
        assert set(read_header(file)["info"]["read"]) == {"late.json"}, "what it was loaded from is in the unit's name"
    was = {cell.key: cell.metrics for cell in first.result.cells}
    (place.parent / "late.json").write_text("[0.1, 0.9]")
    second = bb.run(tmp_path / "toy" / "toy.yaml", place, **asked)
    assert second.result.provenance.reused == 0, "the second unit, too, was answered from the table"
    assert all(cell.metrics != was[cell.key] for cell in second.result.cells)
    third = bb.run(tmp_path / "toy" / "toy.yaml", place, **asked)
    assert third.result.provenance.reused == third.result.provenance.evaluations


class Model:
    """Anything that can be told from others."""

    values = np.zeros(1)


def test_what_other_models_opened_is_no_part_and_long_lists_end(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(opened, "MOST", 3)
    one, other = Model(), Model()
    assert opened_so_far(one, {"a": "1", "net.py": "0"}, [tmp_path / "net.py"], tmp_path) == {"a": "1"}
    assert opened_so_far(other, {"b": "2"}, [], tmp_path) == {"b": "2"}
    assert opened_so_far(one, {"a": "9"}, [], tmp_path) == {"a": "9"}
    for number in range(5):
        found = opened_so_far(one, {f"clip{number}": "x"}, [], tmp_path)
    assert found == {"a": "9", "clip0": "x", "clip1": "x", "clip4": "x"}
