"""Counts as answers, and tables of them from other programs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard

COUNT = output_of("count")
HEARD = Heard(1.0, 16000)
CLIPS = pd.DataFrame({"clip_id": ["disco/auds/0001.wav", "disco/auds/0002.wav"]})


def table(place, text):
    file = place / "counts.csv"
    file.write_text(text)
    return file


@pytest.mark.parametrize("names", [("0002", "0001"), ("0002.wav", "0001.wav"), ("auds/0002.wav", "auds/0001.wav")])
def test_rows_count_for_the_clip_that_they_name(tmp_path, names):
    file = table(tmp_path, "image,count\n" + "".join(f"{name},{value}\n" for name, value in zip(names, (12.5, 3))))
    assert COUNT.foreign(file, CLIPS, ()).tolist() == [[3.0], [12.5]]
    assert COUNT.unused(file, CLIPS) == []


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("image,count\n0001,3\n0002,many\n", "many", ":3"),
        ("image,count\n0001,nan\n0002,1\n", "the count is nan", ":2"),
        ("image,count\n0001,\n0002,1\n", "the count is empty", ":2"),
        ("image,count\n0001,inf\n0002,1\n", "inf", ":2"),
        ("image,count\n0001,1\n0001,2\n0002,1\n", "two counts for '0001'", ":3"),
        ("image,count\n0001,1\n0001.wav,2\n0002,1\n", "0001 and 0001.wav could both mean auds/0001.wav", ":3"),
        ("image,count\n0001,1\n", "1 of 2 clips have no count, the first is 'auds/0002.wav'", ".csv"),
        ("image,people\n0001,1\n", "no column of counts", ":1"),
        ("who,count\n0001,1\n", "no column of clips", ":1"),
    ],
)
def test_a_table_that_cannot_be_right_is_one_clear_error(tmp_path, text, words, place):
    with pytest.raises(DataError) as caught:
        COUNT.foreign(table(tmp_path, text), CLIPS, ())
    assert words in caught.value.what and place in (caught.value.where or "")


def test_a_name_that_two_clips_have_is_refused(tmp_path):
    clips = pd.DataFrame({"clip_id": ["disco/a/1.wav", "disco/b/1.wav"]})
    with pytest.raises(DataError, match=r"'1' could mean a/1\.wav or b/1\.wav"):
        COUNT.foreign(table(tmp_path, "image,count\n1,5\n"), clips, ())


def test_what_is_unused_and_below_zero_is_said(tmp_path):
    file = table(tmp_path, "image,count\n0001,-3\n0002,1\n0009,4\n")
    assert COUNT.foreign(file, CLIPS, ())[0, 0] == -3
    lost, below = COUNT.unused(file, CLIPS)
    assert "1 of 3 counts" in lost and "'0009'" in lost and "1 of 3 counts are below zero" in below


def test_models_give_a_number_for_each_clip():
    reading = COUNT.read(Card("net", "cnn", "count", (), 16000), ())
    for given in (np.array([1.0, np.nan, -2.0]), np.array([[1.0], [np.nan], [-2.0]])):
        kept = reading.check(given, 3, HEARD)
        assert kept.shape == (3, 1) and reading.usable(kept).tolist() == [True, False, True]
    assert "below zero" in reading.remark(kept, HEARD) and reading.remark(np.ones((1, 1)), HEARD) is None
    with pytest.raises(AdapterError, match=r"expected floats \[clip\]"):
        reading.check(np.array([1, 2, 3]), 3, HEARD)
    with pytest.raises(AdapterError, match="needs a model that counts"):
        COUNT.read(Card("net", "cnn", "scene", ("a", "b"), 16000), ())


def test_two_counts_are_compared_beside_their_size():
    assert COUNT.by_gap
    assert COUNT.gap(np.array([[500.0], [0.0]]), np.array([[500.5], [0.5]])) == pytest.approx([0.5 / 500.5, 0.5])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_references_that_are_no_counts_name_their_clip(value):
    with pytest.raises(DataError, match=r"the count of 'disco/auds/0001\.wav' is"):
        COUNT.references(CLIPS.assign(count=[value, 1.0]), None, ())
    with pytest.raises(DataError, match="does not say how many"):
        COUNT.references(CLIPS, None, ())
