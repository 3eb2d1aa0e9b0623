"""DISCO: density maps, points, ranges of counts, and folders that are something else."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from scipy.io import savemat

from benchbed.data import synthetic
from benchbed.data.check import check
from benchbed.data.layouts import disco
from benchbed.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path):
    """Three pictures, one in each split, and what is known of them."""
    place = tmp_path / "DISCO"
    for split, name, heads in (("train", "0001", 3), ("val", "0002", 60), ("test", "0003", 210)):
        (place / "density" / split).mkdir(parents=True)
        savemat(place / "density" / split / f"{name}.mat", {"map": np.full((4, 5), heads / 20)})
        (place / "auds").mkdir(exist_ok=True)
        soundfile.write(place / "auds" / f"{name}.wav", np.full(480, 0.1), 48000)
        (place / "labels").mkdir(exist_ok=True)
        (place / "labels" / f"new_{name}.txt").write_text("".join(f"{n} 7\n" for n in range(heads + 1)))
    return place


def test_maps_sum_to_counts_in_their_splits(root):
    data = disco.read(root)
    assert data.kind == "count" and data.labels == () and not data.synthetic
    assert {split: data.select(split)["count"].tolist() for split in data.splits} == {
        "test": [pytest.approx(210)],
        "train": [pytest.approx(3)],
        "val": [pytest.approx(60)],
    }
    assert data.select("test")["count_range"].tolist() == ["200+"]
    assert disco.read(root, ranges=(100,)).select("val")["count_range"].tolist() == ["0-99"]


def test_points_are_counted_where_they_are_asked_for(root):
    data = disco.read(root, heads="points")
    assert sorted(data.clips["count"]) == [4, 61, 211] and "points" in data.notes[0]
    (root / "labels" / "new_0002.txt").unlink()
    with pytest.raises(DataError, match="no points of '0002'"):
        disco.read(root, heads="points")


def test_a_map_that_changed_is_summed_again(root):
    disco.read(root)
    savemat(root / "density" / "test" / "0003.mat", {"map": np.full((4, 6), 1.0)})
    assert disco.read(root).select("test")["count"].tolist() == [24.0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: savemat(p / "density/test/0003.mat", {"map": np.full((2, 2), -1.0)}), "sums to -4"),
        (lambda p: savemat(p / "density/test/0003.mat", {"map": np.full((2, 2), np.nan)}), "sums to nan"),
        (lambda p: savemat(p / "density/test/0003.mat", {"points": np.ones((2, 2))}), "has no density map"),
        (lambda p: (p / "density/test/0003.mat").write_bytes(b"nothing"), "cannot be read"),
        (lambda p: (p / "auds/0003.wav").unlink(), "1 of 3 density maps have no sound, the first is '0003'"),
        (lambda p: (p / "density").rename(p / "maps"), "this is not the folder of dataset disco"),
    ],
)
def test_what_is_wrong_is_one_clear_error(root, spoil, words):
    spoil(root)
    with pytest.raises(DataError, match=words):
        disco.read(root)


def test_a_row_that_is_no_point_is_named(root):
    (root / "labels" / "new_0003.txt").write_text("3 4\n5\n")
    with pytest.raises(DataError, match="'5' is no point") as caught:
        disco.read(root, heads="points")
    assert caught.value.where.endswith("new_0003.txt:2")


@pytest.mark.parametrize("ranges", [(0, 10), (10, 10), (20, 10), ("10",), 5])
def test_ranges_that_do_not_rise_are_refused(root, ranges):
    with pytest.raises(ConfigError, match="do not rise"):
        disco.read(root, ranges=ranges)


def test_the_stand_in_has_the_official_layout(tmp_path):
    made = synthetic.make(tmp_path / "set", layout="disco", size="small")
    data = disco.read(made)
    assert data.synthetic and [len(data.splits[name]) for name in ("train", "val", "test")] == [24, 6, 24]
    assert data.clips["count"].between(1, 709).all() and (data.clips["count"] % 1 == 0).all()
    assert check(data, decode=False).ok
    again = synthetic.make(tmp_path / "again", layout="disco", size="small")
    assert synthetic.fingerprint(made) == synthetic.fingerprint(again)
