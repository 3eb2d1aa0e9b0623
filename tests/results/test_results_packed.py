"""Sums that are packed come out as they went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchbed.results.packed import PackedCell, PackedCells
from benchbed.results.statistics import CellStatistics, Statistics, read_statistics, write_statistics
from benchbed.rng import stream


def cell(clips: int, seed: int) -> CellStatistics:
    """A cell whose sums are mostly zero."""
    random = stream("test_packed", seed)
    rows = np.where(random.random((clips, 30)) < 0.1, random.random((clips, 30)), 0).astype(np.float32)
    group = np.arange(clips) // 2
    codes = {"device": random.integers(-1, 3, clips)}
    marks = random.integers(0, 2**60, clips).astype(np.uint64)
    return CellStatistics("test", rows.astype(np.float64), group, codes, np.full(clips, 4), marks)


@pytest.mark.parametrize("clips", [0, 1, 50])
def test_arrays_are_the_same_to_the_bit(clips: int):
    one = cell(clips, clips)
    packed = PackedCell.of(one)
    back = packed.cell()
    for name in ("rows", "group", "clips", "marks"):
        there, here = getattr(back, name), getattr(one, name)
        assert there.dtype == here.dtype and there.shape == here.shape and there.tobytes() == here.tobytes()
    assert back.codes["device"].tolist() == one.codes["device"].tolist()
    assert (back.split, back.lean) == (one.split, one.lean)
    held = sum(len(data) for data, _ in packed.arrays.values())
    assert held < one.rows.nbytes / 4 or clips < 50


def test_a_file_of_packed_cells_is_the_file_of_the_cells(tmp_path: Path):
    cells = {f"scene/test/gain@{i}": cell(20, i % 2) for i in range(3)}
    groups = {"test": tuple(f"g{i}" for i in range(10))}

    def file(given, name: str) -> bytes:
        made = Statistics("classification", {}, ("a", "b"), "hash", 0, groups, {"test": {}}, given)
        return write_statistics(made, tmp_path / name).read_bytes()

    plain = file(cells, "plain")
    assert file(PackedCells({key: PackedCell.of(one) for key, one in cells.items()}), "packed") == plain
    back = read_statistics(tmp_path / "packed")
    assert all((back.cells[key].rows == one.rows).all() for key, one in cells.items())
