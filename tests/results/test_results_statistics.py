"""The sums on disk: what is written is read, equal sums give equal bytes, and nothing of the clips is in them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_runs import answers, lucky, made_run, recordings

from benchbed.errors import DamagedError, DataError
from benchbed.results.baseline import find_run, list_baselines, set_baseline
from benchbed.results.draws import drawn, rounded
from benchbed.results.statistics import FORMAT, Further, marks, read_statistics, write_statistics

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


def downgraded(path):
    """The file as layout 1 had it: no draws, no further families."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored if not name.endswith((".point", ".planes"))}
    meta = json.loads(arrays["meta"].tobytes()) | {"format": 1}
    arrays |= {name: arrays[source] for name, source in meta.pop("same").items()}
    for key in ("further", "widths", "draws", "scores"):
        meta.pop(key)
    for cell in meta["cells"]:
        for key in ("drawn", "summed", "lean"):
            cell.pop(key)
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez_compressed(path, **arrays)


def test_layout_1_is_read_as_what_it_holds(tmp_path):
    path = made(tmp_path / "a") / "statistics.npz"
    before = read_statistics(path)
    downgraded(path)
    after = read_statistics(path)
    assert (after.layout, after.further, after.draws, len(after.scores)) == (1, (), 0, 0)
    for key, cell in before.cells.items():
        assert np.array_equal(cell.rows, after.cells[key].rows) and not len(after.cells[key].drawn)
    # Written again, it is a file of the present layout.
    assert read_statistics(write_statistics(after, tmp_path / "b")).layout == FORMAT


@pytest.mark.parametrize("layout", [0, 3, 99])
def test_a_layout_that_is_not_known_is_refused(tmp_path, layout):
    path = made(tmp_path / "a") / "statistics.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    meta = json.loads(arrays["meta"].tobytes()) | {"format": layout}
    np.savez(path, **arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    with pytest.raises(DataError, match=f"statistics of layout {layout}, this benchbed reads 1 and 2") as caught:
        read_statistics(path)
    assert "run the suite again" in caught.value.hint


def with_draws(statistics, draws=50):
    figures = {
        ("", "map"): (0.5, np.linspace(0.4, 0.6, draws)),
        ("class=bus", "ap"): (None, np.full(draws, np.nan)),
        ("", "d_prime"): (np.inf, np.array([np.inf] + [1e-3] * (draws - 1))),
    }
    cells = {key: replace(cell, drawn=drawn(figures)) for key, cell in statistics.cells.items()}
    further = (Further("event", "sed_event", {"threshold": 0.5}),)
    return replace(
        statistics,
        cells=cells,
        further=further,
        widths=(3, 4),
        draws=draws,
        scores=drawn({("", "robustness:aurc"): (0.3, np.linspace(0.2, 0.4, draws))}),
    )


def test_draws_are_read_as_they_were_written(tmp_path):
    first = with_draws(read_statistics(made(tmp_path / "a")))
    again = read_statistics(write_statistics(first, tmp_path / "b"))
    assert (again.further, again.widths, again.draws, again.layout) == (first.further, (3, 4), 50, FORMAT)
    for key, cell in first.cells.items():
        held = again.cells[key].drawn
        assert held.names == cell.drawn.names
        np.testing.assert_array_equal(held.values, cell.drawn.values)
        np.testing.assert_array_equal(held.replicates, cell.drawn.replicates)
        # Sixteen bits are kept: half of 2**-16 is the most that a draw moves.
        np.testing.assert_allclose(held["", "map"][1], np.linspace(0.4, 0.6, 50), rtol=2**-16)
    assert again.scores["", "robustness:aurc"][0] == 0.3
    assert write_statistics(again, tmp_path / "c").read_bytes() == (tmp_path / "b" / "statistics.npz").read_bytes()


def test_a_baseline_may_leave_out_draws_of_classes(tmp_path):
    kept = with_draws(read_statistics(made(tmp_path / "a"))).without_parts(["clean"])
    assert kept.cells["scene/test/clean"].drawn.names == (("", "map"), ("class=bus", "ap"), ("", "d_prime"))
    assert kept.cells["scene/test/white@1"].drawn.names == (("", "map"), ("", "d_prime"))


@given(arrays(np.float64, 40, elements=st.floats(-1e6, 1e6)))
def test_rounding_keeps_16_bits_and_happens_once(values):
    once = rounded(values)
    assert np.array_equal(rounded(once), once)
    np.testing.assert_allclose(once, values.astype(np.float32), rtol=2**-16, atol=1e-37)


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
    with pytest.raises(DamagedError, match="not a statistics file"):
        read_statistics(tmp_path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(DamagedError, match="no statistics beside the record") as caught:
        read_statistics(tmp_path)
    assert "run the suite again" in caught.value.hint


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "statistics.npz", meta=np.array([{"format": 1}], dtype=object))
    with pytest.raises(DamagedError, match="not a statistics file"):
        read_statistics(tmp_path)


def test_a_baseline_replaces_an_older_one(tmp_path):
    run = made(tmp_path / "run")
    folder = tmp_path / "baselines"
    set_baseline("main", run, folder)
    set_baseline("main", run / "result.json", folder)
    assert [b.name for b in list_baselines(folder)] == ["main"]
    assert find_run("main", folder) == folder / "main"


def test_a_baseline_needs_the_sums(tmp_path):
    run = made(tmp_path / "run", statistics=False)
    with pytest.raises(DataError, match=r"the record names no statistics\.npz"):
        set_baseline("main", run, tmp_path / "baselines")
