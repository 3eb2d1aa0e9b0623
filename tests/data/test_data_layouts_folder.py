"""Anybody's folder: tables, class folders, patterns, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchbed.data.layouts import folder
from benchbed.errors import ConfigError, DataError

Rows = Callable[..., Path]
Sound = Callable[..., Path]


def test_one_folder_per_class(tmp_path: Path, sound: Sound) -> None:
    for name in ("tram/2.wav", "tram/10.wav", "bus/deep/1.flac", ".hidden/x.wav", "bus/notes.txt"):
        sound(tmp_path / name) if name.endswith(("wav", "flac")) else (tmp_path / name).write_text("")
    dataset = folder.read(tmp_path, name="mine")
    assert dataset.labels == ("bus", "tram")
    assert dataset.clips["path"].tolist() == ["bus/deep/1.flac", "tram/2.wav", "tram/10.wav"]
    assert dataset.clips["group"].tolist() == dataset.clips["path"].tolist()
    sound(tmp_path / "loose.wav")
    with pytest.raises(DataError, match="in no class folder"):
        folder.read(tmp_path)


def test_table_keeps_every_column(tmp_path: Path, rows: Rows) -> None:
    header = ("Datei", "Klasse", "group", "speaker", "part", "fold")
    rows(tmp_path / "liste.tsv", [header, ("a", "x", "g1", "s1", "train", 1), ("b", "y", "g2", "s2", "test", 2)], "\t")
    dataset = folder.read(
        tmp_path,
        csv="liste.tsv",
        path="Datei",
        label="Klasse",
        group="speaker",
        split="part",
        fold="fold",
        audio="clips/",
        suffix=".wav",
        name="mine",
        licence="CC0",
        version="3",
    )
    assert dataset.clips["path"].tolist() == ["clips/a.wav", "clips/b.wav"]
    assert dataset.clips["group"].tolist() == ["s1", "s2"] and dataset.clips["speaker"].tolist() == ["s1", "s2"]
    # A column whose name every dataset has is kept under another.
    assert dataset.clips["source_group"].tolist() == ["g1", "g2"]
    assert list(dataset.splits) == ["all", "test", "train", "fold1", "not_fold1", "fold2", "not_fold2"]
    assert (dataset.licence, dataset.version) == ("CC0", "3")


def test_parquet_and_tags(tmp_path: Path) -> None:
    pd.DataFrame({"file": ["a.wav", "b.wav"], "tags": ["dog; cat", "cat"]}).to_parquet(tmp_path / "t.parquet")
    dataset = folder.read(tmp_path, csv="t.parquet", kind="tags", separator=";", name="t")
    assert dataset.labels == ("cat", "dog") and dataset.clips["label"].tolist() == [("dog", "cat"), ("cat",)]


def test_several_clips_in_one_file(tmp_path: Path, rows: Rows) -> None:
    table = [("path", "label", "from", "to"), ("a.wav", "x", 0, 1.5), ("a.wav", "y", 1.5, 2)]
    rows(tmp_path / "m.csv", table)
    dataset = folder.read(tmp_path, csv="m.csv", onset="from", offset="to", name="t")
    assert dataset.clips["clip_id"].tolist() == ["t/a.wav", "t/a.wav@1.5"]
    assert dataset.clips["duration"].tolist() == [1.5, 0.5]
    assert dataset.clips["group"].tolist() == ["a.wav", "a.wav"]
    rows(tmp_path / "m.csv", [*table, ("b.wav", "x", 3, 2)])
    with pytest.raises(DataError, match="ends before it starts") as caught:
        folder.read(tmp_path, csv="m.csv", onset="from", offset="to")
    assert str(caught.value.where).endswith("m.csv:4")
    rows(tmp_path / "m.csv", [*table, ("b.wav", "x", "soon", 2)])
    with pytest.raises(DataError, match="'soon' in column from is not a number"):
        folder.read(tmp_path, csv="m.csv", onset="from", offset="to")


def test_pattern_makes_columns(tmp_path: Path, sound: Sound) -> None:
    for name in ("7_theo_0.wav", "7_lucas_3.wav", "2_theo_1.wav"):
        sound(tmp_path / "recordings" / name)
    pattern = r"(?P<label>\d)_(?P<speaker>[a-z]+)_(?P<take>\d+)\.wav$"
    dataset = folder.read(tmp_path, pattern=pattern, group="speaker", split="speaker", name="digits")
    assert dataset.labels == ("2", "7") and len(dataset.splits["theo"]) == 2
    assert dataset.clips["take"].tolist() == ["1", "3", "0"]
    sound(tmp_path / "recordings/odd.wav")
    with pytest.raises(DataError, match=r"does not fit 'recordings/odd.wav'"):
        folder.read(tmp_path, pattern=pattern)
    for bad, message in (("(", "not a regular expression"), (r"\d", "no named group")):
        with pytest.raises(ConfigError, match=message):
            folder.read(tmp_path, pattern=bad)


@pytest.mark.realdata
def test_real_digits_of_unseen_speakers(realdata: Path) -> None:
    pattern = r"(?P<label>\d)_(?P<speaker>[a-z]+)_(?P<take>\d+)\.wav$"
    dataset = folder.read(realdata / "kws_fsdd_test", pattern=pattern, group="speaker", fold="speaker", name="fsdd")
    assert len(dataset.clips) == 300 and dataset.labels == tuple("0123456789")
    assert dataset.clips["group"].nunique() == 6
    assert {len(ids) for name, ids in dataset.splits.items() if name.startswith("fold")} == {50}


@pytest.mark.realdata
def test_real_names_with_spaces(realdata: Path) -> None:
    dataset = folder.read(realdata / "bio_biodcase_tiny2026/test_wav_files", name="birds")
    assert len(dataset.clips) == 11 and "Great Spotted Woodpecker" in dataset.labels


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": ["x", "z"]}, DataError, "unknown label 'y'"),
        ({"labels": ["x", "x"]}, ConfigError, "given twice"),
        ({"label": "lable"}, DataError, "no column 'lable'"),
        ({"group": "speeker"}, ConfigError, "did you mean 'speaker'"),
        ({"split": "nope"}, ConfigError, "no column 'nope' for split"),
        ({"kind": "frames"}, ConfigError, "unknown kind"),
        ({"csv": "no.csv"}, DataError, r"it has no no.csv"),
    ],
)
def test_options_that_do_not_fit(
    tmp_path: Path, rows: Rows, options: dict, error: type[Exception], message: str
) -> None:
    rows(tmp_path / "m.csv", [("path", "label", "speaker"), ("a.wav", "x", "s"), ("b.wav", "y", "s")])
    with pytest.raises(error, match=message):
        folder.read(tmp_path, **{"csv": "m.csv", "name": "t", **options})


def test_rows_that_do_not_fit(tmp_path: Path, rows: Rows) -> None:
    head = ("path", "label")
    cases = [
        ([head, ("a.wav", "x"), ("a.wav", "x")], "occurs 2 times", "m.csv:2 and"),
        ([head, ("a.wav", "x"), ("../b.wav", "x")], "leaves the dataset's folder", "m.csv:3"),
        ([head, ("a.wav", "x"), ("b.wav", "")], "label is empty", "m.csv:3"),
        ([head, ("", "x"), ("b.wav", "x")], "path is empty", "m.csv:2"),
        ([head], "no rows", "m.csv"),
    ]
    for table, message, place in cases:
        rows(tmp_path / "m.csv", table)
        with pytest.raises(DataError, match=message) as caught:
            folder.read(tmp_path, csv="m.csv", name="t")
        assert place in str(caught.value.where)
    rows(tmp_path / "m.csv", [("x", "y"), ("1", "2")])
    with pytest.raises(ConfigError, match="none has a usual name"):
        folder.read(tmp_path, csv="m.csv")


def test_no_audio(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no audio files"):
        folder.read(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        folder.read(tmp_path / "nowhere")
