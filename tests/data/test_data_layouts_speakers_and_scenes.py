"""TUT Acoustic Scenes 2016, VoxCeleb1, LibriSpeech by speaker and a slim FSD50K, from small trees in official form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data.layouts import fsd50k_slim, librispeech_speakers, tut_asc_2016, voxceleb1
from benchbed.errors import DataError


def wave(path: Path, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((800, channels), 0.1), 8000)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    root = tmp_path / "TUT-acoustic-scenes-2016-development"
    rows = [("a001_0_30", "residential_area"), ("a001_30_60", "residential_area"), ("b020_90_120", "beach")]
    rows.append(("b021_0_30", "cafe/restaurant"))
    for name, _ in rows:
        wave(root / "audio" / f"{name}.wav", 2)
    lines = [f"audio/{name}.wav\t{label}" for name, label in rows]
    text(root / "meta.txt", *lines)
    for fold in range(1, 5):
        text(root / f"evaluation_setup/fold{fold}_evaluate.txt", *lines[:2])
        text(root / f"evaluation_setup/fold{fold}_train.txt", *lines[2:])
    return root


def test_tut_acoustic_scenes_2016(scenes: Path):
    data = tut_asc_2016.read(scenes.parent)
    assert len(data.labels) == 15 and data.kind == "scene" and len(data.splits["all"]) == 4
    assert [len(data.splits[s]) for s in ("fold2", "not_fold2")] == [2, 2]
    # Segments of one place are one group.
    assert data.clips["group"].tolist() == ["a001", "a001", "b020", "b021"]
    assert data.clips["start"].tolist()[1] == "30" and "cafe/restaurant" in set(data.clips["label"])


def test_wrong_rows_of_tut_scenes_are_named(scenes: Path):
    lists = scenes / "evaluation_setup/fold3_train.txt"
    kept = lists.read_text()
    lists.write_text("audio/a001_0_30.wav\tresidential_area\n")
    with pytest.raises(DataError, match="in both parts of fold 3"):
        tut_asc_2016.read(scenes)
    lists.write_text("audio/z9_0_30.wav\tbeach\n")
    with pytest.raises(DataError, match=r"z9_0_30.wav' of a split is not in meta.txt"):
        tut_asc_2016.read(scenes)
    lists.write_text(kept)
    meta = scenes / "meta.txt"
    meta.write_text(meta.read_text().replace("b021_0_30", "b021"))
    with pytest.raises(DataError, match=r"is not called PLACE_START_END.wav") as caught:
        tut_asc_2016.read(scenes)
    assert str(caught.value.where).endswith("meta.txt:4")


def test_voxceleb_by_video(tmp_path: Path):
    rows = ["1 id10002/aaa/00001.wav", "1 id10001/bbb/00001.wav", "2 id10001/ccc/00001.wav", "3 id10002/ddd/00002.wav"]
    text(tmp_path / "iden_split.txt", *rows)
    for row in rows:
        wave(tmp_path / "wav" / row.split()[1])
    data = voxceleb1.read(tmp_path)
    assert data.labels == ("id10001", "id10002")
    assert [len(data.splits[s]) for s in ("train", "validation", "test", "all")] == [2, 1, 1, 4]
    assert (
        data.clips["group"].tolist()[0] == "id10002/aaa" and data.clips["path"].iloc[0] == "wav/id10002/aaa/00001.wav"
    )
    # The official numbers are those of the publisher's page.
    assert voxceleb1.FACTS.counts["voxceleb1"]["test"] == 8251
    text(tmp_path / "iden_split.txt", rows[0], "4 id10001/bbb/00001.wav")
    with pytest.raises(DataError, match="is no row of the split") as caught:
        voxceleb1.read(tmp_path)
    assert str(caught.value.where).endswith("iden_split.txt:2")


def test_librispeech_keeps_a_chapter_for_the_test(tmp_path: Path):
    for name in ("19/198/19-198-0000", "19/198/19-198-0001", "19/1227/19-1227-0000", "26/495/26-495-0000"):
        wave(tmp_path / "LibriSpeech/train-clean-100" / f"{name}.flac")
    wave(tmp_path / "LibriSpeech/train-clean-100/103/1240/103-1240-0000.flac")
    wave(tmp_path / "LibriSpeech/train-clean-100/103/1241/103-1241-0000.flac")
    data = librispeech_speakers.read(tmp_path)
    assert data.labels == ("19", "103") and data.notes[0] == "1 speakers with one chapter are left out"
    held = {split: set(data.select(split)["group"]) for split in ("train", "test")}
    # By number, not by letters: 1227 comes after 198.
    assert held == {"train": {"19-198", "103-1240"}, "test": {"19-1227", "103-1241"}}
    with pytest.raises(DataError):
        librispeech_speakers.read(tmp_path, part="dev-other")


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    root = tmp_path / "FSD50K"
    truth = root / "FSD50K.ground_truth"
    text(truth / "vocabulary.csv", "0,Bark,/m/1", "1,Dog,/m/2", "2,Rain,/m/3")
    dev = [f'{n},"{labels}","/m/1",{split}' for n, labels, split in DEV]
    text(truth / "dev.csv", "fname,labels,mids,split", *dev)
    text(truth / "eval.csv", "fname,labels,mids", '90,"Bark,Dog","/m/1"', '91,"Rain","/m/3"', '92,"Dog","/m/2"')
    for number, _, _ in DEV:
        wave(root / f"FSD50K.dev_audio/{number}.wav")
    for number in (90, 91, 92):
        wave(root / f"FSD50K.eval_audio/{number}.wav")
    return root


DEV = [(n, "Bark,Dog" if n % 2 else "Rain", "val" if n > 7 else "train") for n in range(1, 11)]


def test_a_slim_set_is_its_manifest(tagged: Path):
    found = fsd50k_slim.draw(tagged, tagged / "slim.txt", ["Dog", "Rain"], clips=2, seed=3)
    again = fsd50k_slim.draw(tagged, tagged / "again.txt", ["Dog", "Rain"], clips=2, seed=3)
    other = fsd50k_slim.draw(tagged, tagged / "other.txt", ["Dog", "Rain"], clips=2, seed=4)
    assert found == again != other
    data = fsd50k_slim.read(tagged, manifest="slim.txt", sha256=found)
    assert data.name == "fsd50k_slim" and data.labels == ("Dog", "Rain")
    assert [len(data.splits[s]) for s in ("train", "val", "dev", "test")] == [4, 3, 7, 3]
    # Ancestors and others that are not asked for are gone.
    assert set(data.clips["label"]) == {("Dog",), ("Rain",)}
    assert set(data.splits["all"]) == set(data.clips["clip_id"])
    assert found in data.notes[-1]


def test_a_slim_set_of_one_class_per_clip_is_a_set_of_scenes(tagged: Path):
    names = ["Bark", "Dog", "Rain"]
    fsd50k_slim.draw(tagged, tagged / "slim.txt", names, clips={"train": 1, "test": 9})
    with pytest.raises(DataError, match="of several classes, e"):
        fsd50k_slim.read(tagged, single=True)
    fsd50k_slim.draw(tagged, tagged / "slim.txt", names, clips={"train": 1, "test": 9}, single=True)
    data = fsd50k_slim.read(tagged, single=True)
    # Clips with a dog that barks are left out.
    assert data.kind == "scene" and sorted(data.clips["label"]) == ["Dog", "Rain", "Rain"]
    assert [len(data.splits[s]) for s in ("train", "val")] == [1, 0]


def test_a_manifest_that_was_changed_is_refused(tagged: Path):
    found = fsd50k_slim.draw(tagged, tagged / "slim.txt", ["Dog", "Rain"], clips=2)
    place = tagged / "slim.txt"
    place.write_text(place.read_text().replace("Dog", "Bark"))
    with pytest.raises(DataError, match="the manifest says sha256"):
        fsd50k_slim.read(tagged, manifest="slim.txt")
    other = fsd50k_slim.draw(tagged, place, ["Dog"], clips=1)
    assert other != found
    with pytest.raises(DataError, match="the suite asks for the manifest"):
        fsd50k_slim.read(tagged, manifest="slim.txt", sha256=found)
    with pytest.raises(DataError, match="there is no manifest"):
        fsd50k_slim.read(tagged, manifest="none.txt")
    with pytest.raises(DataError, match="no class 'Cat'"):
        fsd50k_slim.draw(tagged, place, ["Cat"])


def test_speakers_are_scored(tmp_path: Path, repository: Path):
    """A run of stored answers on VoxCeleb's form, whose equal error rate is known by hand."""
    import benchbed as bb

    rows = ["3 id10001/aaa/00001.wav", "3 id10002/ddd/00002.wav", "3 id10002/eee/00001.wav"]
    text(tmp_path / "set/iden_split.txt", *rows)
    for row in rows:
        wave(tmp_path / "set/wav" / row.split()[1])
    scores = [(0.9, 0.1), (0.6, 0.4), (0.3, 0.7)]
    lines = [f"wav/{row.split()[1]},{a},{b}" for row, (a, b) in zip(rows, scores)]
    text(tmp_path / "answers.csv", "path,id10001,id10002", *lines)
    run = bb.score("voxceleb1", tmp_path / "answers.csv", data={"voxceleb1": tmp_path / "set"}, out=tmp_path / "runs")
    found = run.result.cells[0].metrics
    assert found["accuracy"].value == pytest.approx(2 / 3) and found["eer"].value == pytest.approx(1 / 3)
    assert json.loads((run.path / "result.json").read_text())["primary"] == "accuracy"
