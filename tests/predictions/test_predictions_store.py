"""Prediction files: whole or absent, and read back as written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed import whole
from benchbed.errors import CannotMeasure, DataError
from benchbed.predictions.store import UnitPredictions, read_header, read_units, write_unit

LABELS = ("bus", "tram", "metro")


def unit(name: str, clips: list[str], seed: int = 0, **columns) -> UnitPredictions:
    scores = np.random.default_rng(seed).dirichlet(np.ones(3), len(clips)).astype(np.float32)
    base = {"clip_id": clips, "cell": ["c"] * len(clips), "draw": [0] * len(clips), "label": ["bus"] * len(clips)}
    return UnitPredictions(
        name, LABELS, base | columns, scores, [{"clip_id": "x", "cell": "c", "stage": "decode", "message": "m"}]
    )


def test_round_trip(tmp_path):
    made = unit("u1", ["a", "b"], achieved=[1.5, np.nan], skipped=[None, "silent"], city=["Köln", 'a"b\n,;'])
    read = read_units([write_unit(made, tmp_path)])
    assert read.labels == LABELS
    assert (read.scores == made.scores).all()
    assert read.table["clip_id"].tolist() == ["a", "b"]
    assert read.table["city"].tolist() == ["Köln", 'a"b\n,;']
    assert read.table["achieved"][0] == 1.5 and np.isnan(read.table["achieved"][1])
    assert read.table["skipped"].isna().tolist() == [True, False]
    assert read.table["prediction"].tolist() == [LABELS[i] for i in made.scores.argmax(1)]
    assert read.failures == made.failures


def test_pandas_reads_the_file_without_benchbed(tmp_path):
    path = write_unit(unit("u1", ["a"]), tmp_path)
    frame = pd.read_parquet(path)
    assert list(frame["scores"][0]) == pytest.approx(unit("u1", ["a"]).scores[0].tolist())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=0, max_size=6))
def test_any_text_survives(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("u")
    made = unit("u", [f"clip{i}" for i in range(len(texts))], note=texts)
    read = read_units([write_unit(made, folder)])
    assert read.table["note"].tolist() == texts if texts else len(read.table) == 0


def test_units_with_and_without_a_column_join(tmp_path):
    paths = [write_unit(unit("u1", ["a"], device=["s1"]), tmp_path), write_unit(unit("u2", ["b"]), tmp_path)]
    read = read_units(paths)
    assert read.table["device"].isna().tolist() == [False, True]


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: raw[:-20], lambda raw: b"PAR1" + raw[4:100] + b"PAR1"])
def test_a_damaged_file_is_not_a_unit(tmp_path, damage):
    path = write_unit(unit("u1", ["a"]), tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert read_header(path) is None
    with pytest.raises(DataError, match="not a whole prediction file"):
        read_units([path])


def test_a_foreign_parquet_file_is_not_a_unit(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    assert read_header(tmp_path / "x.parquet") is None


def test_units_of_other_classes_do_not_join(tmp_path):
    one = write_unit(unit("u1", ["a"]), tmp_path)
    other = unit("u2", ["b"])
    other.labels = ("x", "y", "z")
    with pytest.raises(DataError, match="disagree"):
        read_units([one, write_unit(other, tmp_path)])


def test_nothing_to_read():
    with pytest.raises(DataError, match="no predictions"):
        read_units([])


def test_a_full_disk_is_one_clear_error_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole.os, "replace", full)
    with pytest.raises(CannotMeasure, match="disk is full") as caught:
        write_unit(unit("u1", ["a"]), tmp_path)
    assert "continues where it stopped" in str(caught.value)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotMeasure, match="cannot write results"):
        write_unit(unit("u1", ["a"]), tmp_path / "file")
