"""Names in tables, and the recordings that they mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import DataError
from benchbed.tables.names import matched, read_names

CLIPS = (
    "mine/audio/s1/a.wav",
    "mine/audio/s2/a.wav",
    "mine/audio/s2/b.flac",
    "mine/audio/c.wav@1.5",
    "mine/audio/c.wav",
)


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("mine/audio/s1/a.wav", 0),
        ("audio/s1/a.wav", 0),
        ("s1/a", 0),
        (".\\s2\\a.wav", 1),
        ("/home/someone/mine/audio/s2/a.wav", 1),
        ("b", 2),
        ("b.wav", 2),
        ("elsewhere/b.flac", 2),
        ("c.wav@1.5", 3),
        ("c.wav", 4),
        ("a2.wav", -1),
        ("1.wav", -1),
    ],
)
def test_a_name_and_its_clip(name: str, clip: int) -> None:
    assert matched([name], CLIPS, str).tolist() == [clip]


def test_what_could_be_two_is_refused() -> None:
    with pytest.raises(DataError, match=r"'a\.wav' could mean mine/audio/s1/a\.wav or mine/audio/s2/a") as caught:
        matched(["s1/a.wav", "a.wav"], CLIPS, "t.csv:{}".format)
    assert caught.value.where == "t.csv:1"
    with pytest.raises(DataError, match=r"b and x/b\.flac could both mean mine/audio/s2/b\.flac"):
        matched(["b", "x/b.flac"], CLIPS, str)
    with pytest.raises(DataError, match="could mean") as caught:
        matched(["d.wav"], ["m/d.wav@1", "m/d.wav@2"], str)
    assert "cuts of one file" in caught.value.hint


def test_a_column_of_ids_counts_as_names() -> None:
    assert matched(["7", "s1/a"], CLIPS, str, {"7": 2}).tolist() == [2, 0]


@given(st.lists(st.text("abc/", min_size=1).filter(lambda t: t.strip("/")), min_size=1, unique=True))
def test_a_path_always_means_itself(paths: list[str]) -> None:
    assert matched(paths, paths, str).tolist() == list(range(len(paths)))


@pytest.mark.parametrize(
    "text",
    [
        "x/a.wav\nb.wav\n",
        "filename,scene\nx/a.wav,park\nb.wav,park\n",
        '"x/a.wav"\n"b.wav"\n',
        "x/a.wav\tpark\nb.wav\n",
    ],
)
def test_lists_of_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "l.txt").write_text(text)
    assert read_names(tmp_path / "l.txt")[0] == ["x/a.wav", "b.wav"]


def test_an_empty_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("filename\n")
    with pytest.raises(DataError, match="is empty"):
        read_names(tmp_path / "l.txt")
