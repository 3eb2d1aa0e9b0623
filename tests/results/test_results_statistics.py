"""The sums on disk: what is written is read, equal sums give equal bytes, and nothing of the clips is in them."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.errors import ConfigError
from benchbed.results.baseline import find_run, list_baselines, set_baseline
from benchbed.results.statistics import marks, read_statistics, write_statistics

TARGET, GROUP = recordings(20, 3)


def made(folder, **facts):
    device = np.tile(["a", "b", "c"], 20)
    scores = answers(lucky(20, 3, 0.7, 0.2, 1), TARGET)
    return made_run(folder, {"clean": scores, "white@1": scores}, TARGET, GROUP, device=device, **facts)


def test_round_trip(tmp_path):
    first = read_statistics(made(tmp_path / "a"))
    write_statistics(first, tmp_path / "b")
    again = read_statistics(tmp_path / "b")
    assert again.groups == first.groups and again.columns == first.columns and list(again.cells) == list(first.cells)
    for key, cell in first.cells.items():
        other = again.cells[key]
        for name in ("rows", "group", "clips", "marks"):
            assert np.array_equal(getattr(cell, name), getattr(other, name))
        assert np.array_equal(cell.codes["device"], other.codes["device"])
        assert cell.clips.sum() == 60 and cell.rows.shape[0] == 60  # a row per recording and device


def test_equal_runs_give_equal_bytes(tmp_path):
    files = [made(tmp_path / name) / "statistics.npz" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_no_clip_id_is_in_the_file(tmp_path):
    with np.load(made(tmp_path / "a") / "statistics.npz") as stored:
        assert b"toy/00001.wav" not in b"".join(stored[name].tobytes() for name in stored)


def test_marks_tell_which_recordings_lost_clips():
    group = np.array([0, 0, 1])
    whole, part = marks(["x", "y", "z"], group, 3), marks(["x", "z"], group[[0, 2]], 3)
    assert (whole == part).tolist() == [False, True, True]


@pytest.mark.parametrize("damage", [b"", b"not a zip", b"PK\x03\x04"])
def test_damaged_files_are_refused(tmp_path, damage):
    (tmp_path / "statistics.npz").write_bytes(damage)
    with pytest.raises(ConfigError, match="not a statistics file"):
        read_statistics(tmp_path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="no statistics beside the record") as caught:
        read_statistics(tmp_path)
    assert "run the suite again" in caught.value.hint


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "statistics.npz", meta=np.array([{"format": 1}], dtype=object))
    with pytest.raises(ConfigError, match="not a statistics file"):
        read_statistics(tmp_path)


def test_a_baseline_replaces_an_older_one(tmp_path):
    run = made(tmp_path / "run")
    folder = tmp_path / "baselines"
    set_baseline("main", run, folder)
    again = set_baseline("main", run / "result.json", folder)
    assert again.has_statistics and [b.name for b in list_baselines(folder)] == ["main"]
    assert find_run("main", folder) == folder / "main"


def test_a_baseline_needs_the_sums(tmp_path):
    run = made(tmp_path / "run", statistics=False)
    with pytest.raises(ConfigError, match="no statistics beside the record"):
        set_baseline("main", run, tmp_path / "baselines")
