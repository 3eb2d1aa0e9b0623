"""GTZAN from a small tree in official form, and lists that do not fit it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data.layouts import gtzan
from benchbed.errors import DataError


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for genre in gtzan.LABELS:
        (tmp_path / "genres_original" / genre).mkdir(parents=True)
        for number in range(3):
            name = tmp_path / "genres_original" / genre / f"{genre}.{number:05d}.wav"
            soundfile.write(name, np.full(400, 0.1), 22050)
    for split, number in (("train", 0), ("valid", 1), ("test", 2)):
        lines = [f"{genre}/{genre}.{number:05d}.wav\n" for genre in gtzan.LABELS if (genre, number) != ("jazz", 1)]
        (tmp_path / f"{split}_filtered.txt").write_text("".join(lines))
    return tmp_path


def test_the_filtered_split(music):
    data = gtzan.read(music)
    assert {split: len(ids) for split, ids in data.splits.items()} == {
        "all": 30,
        "train": 10,
        "validation": 9,
        "test": 10,
    }
    assert data.select("test")["label"].tolist() == list(gtzan.LABELS)
    assert data.clips["group"].is_unique and data.clips["clip_id"].iloc[0] == "gtzan/blues/blues.00000.wav"
    assert gtzan.FACTS.counts["gtzan"] == {"train": 443, "validation": 197, "test": 290}
    for name in gtzan.LISTS.values():
        (music / name).unlink()
    assert set(gtzan.read(music / "genres_original").splits) == {"all"}


def test_lists_that_do_not_fit_are_named(music):
    lists = music / "valid_filtered.txt"
    lists.write_text("blues/blues.00000.wav\n")
    with pytest.raises(DataError, match="is in train and in validation"):
        gtzan.read(music)
    lists.write_text("blues/blues.00099.wav\n")
    with pytest.raises(DataError, match="is not there"):
        gtzan.read(music)
    lists.unlink()
    with pytest.raises(DataError, match="lacks valid_filtered"):
        gtzan.read(music)
    with pytest.raises(DataError, match="gtzan"):
        gtzan.read(music / "genres_original" / "blues")
