"""Predictions of a run, read cell by cell: what is read is what reading everything gives."""

from __future__ import annotations

import gc
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest

from benchbed.errors import DamagedError, DataError
from benchbed.predictions import by_cell
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.store import UnitPredictions, read_units, write_unit

LABELS = ("bus", "tram")


def unit(name: str, cells: list[str], clips: int, dtype: type = np.float32, labels: tuple[str, ...] = LABELS, **more):
    """A unit of some clips under all severities of a condition; scores are no float32 numbers where double is asked."""
    rows = [(f"{name[:1]}{clip}", cell) for clip in range(clips) for cell in cells]
    scores = np.linspace(0.1, 0.9, max(len(rows), 1) * len(labels)).reshape(-1, len(labels))[: len(rows)].astype(dtype)
    columns = {"clip_id": [clip for clip, _ in rows], "cell": [cell for _, cell in rows], "draw": [0] * len(rows)}
    failures = [{"clip_id": "lost", "cell": cell, "stage": "decode", "message": "m"} for cell in cells]
    return UnitPredictions(name, labels, columns | more, scores, failures, {"cpu_seconds": 1.5, "name": name})


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two shards, shard by shard, of a clean condition and one of two severities."""
    units = [unit("a-clean", ["c"], 3), unit("a-gain", ["g@1", "g@2"], 3, np.float64)]
    units += [unit("b-clean", ["c"], 2), unit("b-gain", ["g@1", "g@2"], 2)]
    return [write_unit(one, tmp_path) for one in units]


def test_a_cell_is_what_it_is_among_all(paths: list[Path]):
    stored, whole = PredictionsByCell(paths), read_units(paths)
    assert (len(stored), stored.labels, stored.kind) == (15, LABELS, "scene")
    assert stored.failures == whole.failures and stored.info == whole.info
    for cell in ("c", "g@1", "g@2"):
        part, order = stored.of(cell), stored.order(cell)
        mine = (part.table["cell"] == cell).to_numpy()
        assert order[mine].tolist() == np.flatnonzero((whole.table["cell"] == cell).to_numpy()).tolist()
        assert part.scores.dtype == whole.scores.dtype == np.float64
        assert (part.scores == whole.scores[order]).all()
        assert part.table["clip_id"].tolist() == whole.table["clip_id"].iloc[order].tolist()
    assert [path.stem for path in stored.paths(["g@1", "g@2"])] == ["a-gain", "b-gain"]
    assert (stored.rows("c"), stored.rows("g@1", "c")) == (5, 15)


def test_cells_that_are_told_are_not_looked_up(paths: list[Path]):
    told = PredictionsByCell(paths, {path: ["x"] if path.stem.endswith("clean") else ["y"] for path in paths})
    assert len(told.of("x").scores) == 5 and len(told.of("y").scores) == 10


def test_a_cell_that_no_file_holds_has_no_rows(paths: list[Path], tmp_path: Path):
    nothing = PredictionsByCell(paths).of("other")
    assert len(nothing.table) == len(nothing.scores) == 0 and nothing.scores.dtype == np.float64
    none = write_unit(unit("0-none", ["c"], 0), tmp_path)
    empty = PredictionsByCell([none, *paths], {path: ["c"] for path in (none, *paths)})
    assert len(empty.of("c").scores) == len(empty) == 15 and len(empty.failures) == 7


def test_a_part_can_be_sent_and_keeps_types_and_places(paths: list[Path]):
    stored = PredictionsByCell(paths)
    part = pickle.loads(pickle.dumps(stored.part("c")))
    assert part.of("c").scores.dtype == np.float64, "beside other files it is double"
    assert part.order("c").tolist() == stored.order("c").tolist() == [0, 1, 2, 9, 10]
    assert len(part.failures) == 2 and not len(part.of("g@1").scores)


def test_few_rows_are_kept_and_the_same_cells_are_the_same_object(paths: list[Path], monkeypatch):
    stored = PredictionsByCell(paths)
    first = stored.of("g@1")
    assert stored.of("g@2") is first and stored.of("c") is stored.of("c")
    assert stored.of("g@1") is first
    monkeypatch.setattr(by_cell, "KEPT", 6)
    seen = weakref.ref(first)
    del first
    gc.collect()
    held, read = [], by_cell.read_units

    def reading(*given):
        held.append(seen())
        return read(*given)

    monkeypatch.setattr(by_cell, "read_units", reading)
    assert stored.of("c") is stored.of("c") and not held, "it was read before"
    assert len(stored.of("g@1").scores) == 10 and len(held) == 0, "and so was this"
    monkeypatch.setattr(by_cell, "KEPT", 4)
    stored.of("other")
    assert held == [None], "what is let go is gone before more is read"


def test_files_that_disagree_or_are_damaged_are_refused(paths: list[Path], tmp_path: Path):
    other = write_unit(unit("z", ["c"], 1, labels=("bus", "metro")), tmp_path)
    with pytest.raises(DataError, match="disagree about the classes"):
        PredictionsByCell([*paths, other])
    with pytest.raises(DataError, match="no predictions"):
        PredictionsByCell([])
    stored = PredictionsByCell(paths)
    raw = bytearray(paths[0].read_bytes())
    raw[40] ^= 1
    paths[0].write_bytes(bytes(raw))
    with pytest.raises(DamagedError, match="not as it was written"):
        stored.of("c")
    with pytest.raises(DamagedError, match="not as it was written"):
        PredictionsByCell(paths)
