"""MTG-Jamendo from small trees in official form, and lists and tracks that do not fit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchbed.data import synthetic
from benchbed.data.layouts import mtg_jamendo
from benchbed.errors import ConfigError, DataError

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
# The first rows of the official test list, and of the mood list for validation, of split 0 (1b4fa8c).
HOUSE = (
    "track_0786434\tartist_368880\talbum_092222\t34/786434.mp3\t460.8\t"
    "genre---house\tgenre---electronic\tmood/theme---deep\tgenre---groove\n"
)
HAPPY = "track_0917542\tartist_378901\talbum_108650\t42/917542.mp3\t184.8\tmood/theme---happy\n"
PUNK = "track_0000214\tartist_000014\talbum_000031\t14/214.mp3\t124.6\tgenre---punkrock\n"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "splits" / "split-0"
    folder.mkdir(parents=True)
    for side, row in (("train", PUNK), ("validation", HAPPY), ("test", HOUSE)):
        (folder / f"autotagging-{side}.tsv").write_text(HEADER + row)
    for path in ("34/786434.low.mp3", "42/917542.low.mp3"):
        (tmp_path / "audio-low" / path).parent.mkdir(parents=True)
        (tmp_path / "audio-low" / path).write_bytes(b"")
    return tmp_path


def test_official_rows_with_as_many_cells_as_tags(music):
    data = mtg_jamendo.read(music)
    assert {split: len(ids) for split, ids in data.splits.items()} == {"all": 3, "train": 1, "validation": 1, "test": 1}
    row = data.select("test").iloc[0]
    assert row["label"] == ("genre---house", "genre---electronic", "mood/theme---deep", "genre---groove")
    assert (row["path"], row["group"], row["track_seconds"]) == ("audio-low/34/786434.low.mp3", "artist_368880", 460.8)
    assert data.labels == tuple(sorted(data.labels)) and len(data.labels) == 6
    kept = mtg_jamendo.read(music, missing="drop")
    assert len(kept.splits["train"]) == 0 and any("1 of 3 tracks left out" in note for note in kept.notes)
    # The classes are those of the lists, whatever audio is there.
    assert kept.labels == data.labels


def test_the_stand_in_has_five_splits_and_four_subsets(tmp_path):
    root = synthetic.make(tmp_path / "set", layout="mtg_jamendo", size="small")
    whole = mtg_jamendo.read(root)
    assert {split: len(ids) for split, ids in whole.splits.items()} == {
        "all": 40,
        "train": 24,
        "validation": 8,
        "test": 8,
    }
    parts = {name: set(mtg_jamendo.read(root, subset=name).labels) for name in ("genre", "instrument", "moodtheme")}
    assert set(whole.labels) == set.union(*parts.values()) and {len(tags) for tags in parts.values()} == {3, 4}
    heard = [set(mtg_jamendo.read(root, split=number).splits["test"]) for number in range(5)]
    assert len(set.union(*heard)) == 40 and sum(map(len, heard)) == 40
    for split in ("train", "validation", "test"):
        assert {tag for tags in whole.select(split)["label"] for tag in tags} == set(whole.labels)


@pytest.mark.parametrize(
    ("side", "text", "said"),
    [
        ("train", HEADER + PUNK + PUNK, "track_0000214 comes twice"),
        (
            "train",
            HEADER + PUNK.replace("artist_000014", "artist_378901"),
            "artist_378901 is in train and in validation",
        ),
        ("train", HEADER + PUNK.replace("124.6", "long"), "the length 'long' is no number"),
        ("train", HEADER + PUNK.replace("genre---punkrock", "punkrock"), "'punkrock' is no tag"),
        ("train", HEADER + "track_0000214\tartist_000014\n", "the row has 2 cells"),
        ("train", HEADER, "the list has no tracks"),
        ("train", "path,label\n", "this is no list of MTG-Jamendo"),
    ],
)
def test_lists_that_do_not_fit_are_named(music, side, text, said):
    path = music / "data" / "splits" / "split-0" / f"autotagging-{side}.tsv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        mtg_jamendo.read(music)
    assert said in str(caught.value) and "autotagging-" in str(caught.value)


def test_what_is_not_there_is_named(music):
    with pytest.raises(DataError, match="autotagging_genre-train"):
        mtg_jamendo.read(music, subset="genre")
    with pytest.raises(ConfigError, match="unknown split '5'"):
        mtg_jamendo.read(music, split=5)
    with pytest.raises(ConfigError, match="unknown subset 'mood'"):
        mtg_jamendo.read(music, subset="mood")  # type: ignore[arg-type]
    shutil.rmtree(music / "audio-low")
    with pytest.raises(DataError, match="none of the tracks is there"):
        mtg_jamendo.read(music, missing="drop")
    with pytest.raises(DataError, match="mtg_jamendo"):
        mtg_jamendo.read(music / "data" / "splits" / "split-0")
