"""Files that are not as they were written are refused, wherever the damage is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_runs import answers, changed, made_run, recordings

from benchbed.cache import recall, remember
from benchbed.compare.runs import open_run
from benchbed.errors import BenchbedError, DamagedError
from benchbed.predictions.index import indexed, write_index
from benchbed.predictions.store import UnitPredictions, read_header, read_units, write_unit
from benchbed.results.baseline import set_baseline
from benchbed.results.curves import NAME as CURVES
from benchbed.results.curves import CellCurves, Curves, read_curves
from benchbed.results.store import read
from benchbed.results.timelines import write_kept
from benchbed.rng import stream
from benchbed.run.scoring.thresholds import _read as thresholds_of
from benchbed.seal import parquet_digest, seal, unseal


def flipped(path, places=250):
    """The file with one bit turned over, at many random places and at both ends; it is put back at the end."""
    whole = path.read_bytes()
    generator = stream("flips", path.name, len(whole))
    size = 8 * len(whole)
    bits = {*generator.integers(0, size, places).tolist(), *range(64), *range(size - 64, size)}
    for bit in sorted(bits):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        yield bit
    path.write_bytes(whole)


@pytest.fixture
def run(tmp_path):
    target, group = recordings(30, 4)
    right = stream("seal").random(120) < 0.7
    return made_run(tmp_path / "run", {"clean": answers(right, target)}, target, group, name="run")


def refused(read, path):
    unnoticed = []
    for bit in flipped(path):
        try:
            read()
        except BenchbedError:
            continue
        unnoticed.append(bit)
    return unnoticed == []


def test_a_record_with_one_wrong_bit_is_refused(run):
    assert refused(lambda: read(run), run / "result.json")
    assert read(run).digest


def test_sums_with_one_wrong_bit_are_refused(run):
    assert refused(lambda: open_run(run), run / "statistics.npz")
    assert open_run(run).statistics is not None


@pytest.mark.parametrize("name", ["result.json", "statistics.npz"])
def test_a_baseline_with_one_wrong_bit_is_refused(run, tmp_path, name):
    path = set_baseline("main", run, tmp_path / "baselines").path
    assert refused(lambda: open_run(path), path / name)
    assert open_run(path).result.provenance.artefacts["record"] == read(run).digest


@pytest.mark.parametrize("kind", ["scene", "failures"])
def test_predictions_with_one_wrong_bit_are_refused(tmp_path, kind):
    clips = [f"clip-{i}" for i in range(40)]
    columns = {"clip_id": clips, "cell": ["c"] * 40, "draw": [0] * 40, "label": ["a"] * 40}
    failures = [{"clip_id": "x", "cell": "c", "stage": "predict", "message": "m"}] if kind == "failures" else []
    scores = stream("scores").random((40, 2)).astype(np.float32)
    path = write_unit(UnitPredictions("u", ("a", "b"), columns, scores, failures), tmp_path)
    whole = read_header(path)
    assert refused(lambda: read_units([path]), path)
    assert all(read_header(path) is None for _ in flipped(path))
    assert read_header(path) == whole and whole["digest"] == parquet_digest(path.read_bytes())


def test_an_index_with_one_wrong_bit_is_refused(tmp_path):
    columns = {"clip_id": ["x"], "cell": ["c"], "draw": [0]}
    unit = write_unit(UnitPredictions("u", ("a",), columns, np.ones((1, 1), np.float32)), tmp_path / "predictions")
    path = write_index({"u": parquet_digest(unit.read_bytes())}, tmp_path)
    assert refused(lambda: indexed(tmp_path), path)
    assert indexed(tmp_path) == [unit]
    unit.unlink()
    with pytest.raises(DamagedError, match="1 of 1 files of predictions are missing"):
        indexed(tmp_path)


def test_curves_with_one_wrong_bit_are_refused(tmp_path):
    write_kept(Curves(format=1, cells=[CellCurves(cell="frames/test/clean")]), tmp_path, CURVES)
    assert refused(lambda: read_curves(tmp_path), tmp_path / CURVES)
    assert read_curves(tmp_path).cells[0].cell == "frames/test/clean"


def test_a_table_that_was_remembered_is_made_again_where_a_bit_is_wrong(tmp_path):
    path = tmp_path / "digests" / "table.json"
    for content in ({}, {"a.wav": [1, 2, "0" * 32], "ü": None}):
        remember(path, content)
        assert recall(path) == content
    assert all(recall(path) == {} for _ in flipped(path))


def test_thresholds_with_one_wrong_bit_are_refused(tmp_path):
    path = tmp_path / "thresholds.json"
    path.write_text(seal('{"thresholds": {"a": 0.31}, "tuned_on": "toy/val", "rule": "best-f1"}'))
    assert refused(lambda: thresholds_of(path, path.name, "suite.yaml:1:1"), path)
    written, _, sealed = thresholds_of(path, path.name, "suite.yaml:1:1")
    assert sealed and written["thresholds"] == {"a": 0.31}


def test_a_record_edited_by_hand_is_refused_and_says_how_to_make_it_again(run):
    path = run / "result.json"
    path.write_text(path.read_text().replace('"toy"', '"boy"', 1))
    with pytest.raises(DamagedError, match="damaged or edited") as caught:
        read(run)
    assert "--reuse only" in caught.value.hint and caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["result.json", "statistics.npz"])
def test_a_pointer_of_git_lfs_is_named(run, name):
    (run / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(DamagedError, match="git lfs pull"):
        open_run(run)


def test_a_record_without_a_digest_is_refused(run):
    path = run / "result.json"
    path.write_text(json.dumps(unseal(path.read_bytes(), path)[0]))
    with pytest.raises(DamagedError, match="does not open with its digest"):
        read(run)


def test_line_ends_of_another_system_are_no_damage(run):
    path = run / "result.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(run).model.name == "run"


def test_a_record_names_its_sums(run):
    changed(run, lambda raw: raw["provenance"]["artefacts"].update({"statistics.npz": "0" * 32}))
    with pytest.raises(DamagedError, match="not the one that the record names"):
        open_run(run)


def test_a_sealed_object_is_read_as_it_was():
    assert unseal(seal('{"é": [1, "ü"], "x": null}').encode(), "here")[0] == {"é": [1, "ü"], "x": None}
