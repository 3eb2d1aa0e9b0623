"""Two captioned sets side by side: their clips, splits and marks, and captions of another style."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchbed.data import LAYOUTS, synthetic
from benchbed.data.synthesis.captions import captions
from benchbed.data.synthesis.captions_plain import plain
from benchbed.data.synthesis.events_mixed import Placed, Soundscape
from benchbed.errors import DataError


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return synthetic.make(tmp_path_factory.mktemp("both") / "set", layout="clotho_audiocaps", size="small")


def test_every_set_is_a_split_under_its_own_name(root):
    dataset = LAYOUTS.get("clotho_audiocaps").read(root)
    assert {name: len(ids) for name, ids in dataset.splits.items()} == {
        "clotho": 8,
        "audiocaps": 6,
        "clotho_development": 12,
        "clotho_validation": 4,
        "audiocaps_train": 8,
        "audiocaps_val": 4,
    }
    assert dataset.synthetic and dataset.name == "clotho_audiocaps-synthetic" and not dataset.official
    clips = dataset.select("audiocaps")
    assert set(clips["set"]) == {"audiocaps"} and all(len(texts) == 5 for texts in clips["captions"])
    assert all(clip.startswith("clotho_audiocaps-synthetic/audiocaps/test/") for clip in clips["clip_id"])
    assert all((root / path).is_file() for path in dataset.clips["path"])
    assert dataset.clips["clip_id"].is_unique and not dataset.clips["keywords"].isna().any()
    assert {len(texts) for texts in dataset.select("audiocaps_train")["captions"]} == {1}
    each = LAYOUTS.get("clotho_audiocaps").read(root, references="each")
    assert (len(each.splits["clotho"]), len(each.splits["audiocaps"])) == (40, 30)


def test_the_parts_are_the_sets_of_their_own_readers(root):
    whole = LAYOUTS.get("clotho_audiocaps").read(root)
    for name, split in (("clotho", "evaluation"), ("audiocaps", "test")):
        alone = LAYOUTS.get(name).read(root / name)
        assert whole.select(name)["captions"].tolist() == alone.select(split)["captions"].tolist()


def test_a_set_that_is_missing_is_named(root, tmp_path):
    with pytest.raises(DataError, match="it has no folder clotho"):
        LAYOUTS.get("clotho_audiocaps").read(tmp_path)
    (tmp_path / "clotho").mkdir()
    with pytest.raises(DataError, match="it has no folder audiocaps"):
        LAYOUTS.get("clotho_audiocaps").read(tmp_path)


def test_plain_captions_tell_the_same_in_another_style():
    dog, tap = Placed("Dog", 0.5, 1.5, 12.0), Placed("Running_water", 2.0, 6.0, 9.0)
    for number, (events, behind) in enumerate([((dog, tap), ""), ((dog,), "birds"), ((), "engine"), ((), "")] * 20):
        clip = Soundscape(np.zeros(96000, np.int16), events, "park", behind)
        texts = plain(clip, 0, "test", number)
        assert len(set(texts)) == 5 and texts == plain(clip, 0, "test", number)
        assert all(re.fullmatch(r"[A-Z][a-z ,]+[a-z]", text) for text in texts), texts
        assert not any("park" in text for text in texts)
        assert not set(texts) & {text.rstrip(".") for text in captions(clip, 0, "test", number)} or len(events) == 1
        if events:
            assert sum("dog" in text.lower() for text in texts) == 5
