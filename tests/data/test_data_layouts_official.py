"""ESC-50, UrbanSound8K, Speech Commands, FSD50K and AudioSet, each from a small tree in its official form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchbed.data.layouts import audioset, esc50, fsd50k, speech_commands, urbansound8k
from benchbed.errors import ConfigError, DataError

Rows = Callable[..., Path]
Sound = Callable[..., Path]


def test_esc50_folds(esc: Path) -> None:
    dataset = esc50.read(esc)
    assert dataset.name == "esc50" and len(dataset.labels) == 50 and dataset.labels[20] == "crying_baby"
    assert len(dataset.splits["all"]) == 10 and len(dataset.splits["fold3"]) == 2
    assert set(dataset.splits["not_fold3"]) | set(dataset.splits["fold3"]) == set(dataset.splits["all"])
    row = dataset.clips.iloc[0]
    assert row["clip_id"] == "esc50/audio/1-1000-A-0.wav" and row["group"] == "1000" and row["take"] == "A"
    assert esc50.read(esc.parent).root == esc


def test_esc10_is_a_part(esc: Path) -> None:
    dataset = esc50.read(esc, subset="esc10")
    assert dataset.name == "esc10" and len(dataset.labels) == 10 and set(dataset.clips["label"]) == {"dog"}
    assert dataset.clips["clip_id"].iloc[0].startswith("esc10/")


def test_esc50_refuses_a_wrong_number(esc: Path) -> None:
    file = esc / "meta/esc50.csv"
    file.write_text(file.read_text().replace("1,2,pig", "1,3,pig"))
    with pytest.raises(DataError, match="category 'pig' has target 2, not 3") as caught:
        esc50.read(esc)
    assert str(caught.value.where).endswith("esc50.csv:3")
    file.write_text(file.read_text().replace("1,3,pig", "1,2,pigg"))
    for subset in ("esc50", "esc10"):
        with pytest.raises(DataError, match="unknown label 'pigg'") as caught:
            esc50.read(esc, subset=subset)  # type: ignore[arg-type]
        assert str(caught.value.where).endswith("esc50.csv:3")


@pytest.mark.realdata
def test_real_esc10(realdata: Path) -> None:
    dataset = esc50.read(realdata / "esc10", subset="esc10", csv="esc10_subset.csv")
    assert len(dataset.clips) == 200
    assert {len(dataset.splits[f"fold{k}"]) for k in range(1, 6)} == {40}
    assert dataset.clips["label"].value_counts().unique().tolist() == [20]
    # The publisher's promise: clips of one source are in one fold.
    assert dataset.clips.groupby("group")["fold"].nunique().max() == 1
    assert all((dataset.root / path).is_file() for path in dataset.clips["path"])


def test_urbansound8k(tmp_path: Path, rows: Rows) -> None:
    header = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
    clips = [
        ("100032-3-0-0.wav", 100032, 0.0, 0.317551, 1, 5, 3, "dog_bark"),
        ("100263-2-0-117.wav", 100263, 58.5, 62.5, 1, 10, 2, "children_playing"),
        ("100263-2-0-121.wav", 100263, 60.5, 64.5, 1, 10, 2, "children_playing"),
    ]
    file = rows(tmp_path / "metadata/UrbanSound8K.csv", [header, *clips])
    dataset = urbansound8k.read(tmp_path)
    assert dataset.clips["path"].tolist()[1] == "audio/fold10/100263-2-0-117.wav"
    assert dataset.clips["group"].tolist() == ["100032", "100263", "100263"]
    assert list(dataset.splits) == ["all", "fold5", "not_fold5", "fold10", "not_fold10"]
    # Times in the original recording are metadata, not a stretch of the slice.
    assert dataset.clips["start"].tolist()[1] == "58.5" and (dataset.clips["onset"] == 0).all()
    file.write_text(file.read_text().replace(",3,dog_bark", ",4,dog_bark"))
    with pytest.raises(DataError, match="class 'dog_bark' has number 3, not 4"):
        urbansound8k.read(tmp_path)


@pytest.fixture
def commands(tmp_path: Path, sound: Sound) -> Path:
    root = tmp_path / "commands"
    for word in ("yes", "no", "bed", "zero"):
        for speaker in ("0a7c2a8d", "1b88bf70", "c0ffee00"):
            sound(root / word / f"{speaker}_nohash_0.wav")
    sound(root / "yes/0a7c2a8d_nohash_1.wav")
    sound(root / "_background_noise_/white_noise.wav", seconds=3.4)
    (root / "validation_list.txt").write_text("yes/1b88bf70_nohash_0.wav\r\nbed/1b88bf70_nohash_0.wav\r\n")
    (root / "testing_list.txt").write_text("yes/c0ffee00_nohash_0.wav\nzero/c0ffee00_nohash_0.wav\n")
    return root


def test_speech_commands_35(commands: Path) -> None:
    dataset = speech_commands.read(commands)
    assert len(dataset.labels) == 35 and sum(1 for word in dataset.labels if word == "yes") == 1
    assert {k: len(v) for k, v in dataset.splits.items()} == {"all": 13, "train": 9, "validation": 2, "test": 2}
    assert dataset.select("test")["group"].tolist() == ["c0ffee00", "c0ffee00"]
    assert dataset.select("train")["label"].tolist().count("yes") == 2
    assert not dataset.clips["path"].str.contains("_background_noise_").any()


def test_speech_commands_12(commands: Path, sound: Sound) -> None:
    dataset = speech_commands.read(commands, classes=12)
    assert dataset.name == "speech_commands12" and len(dataset.labels) == 12
    assert "test" not in dataset.splits and "no split test" in dataset.notes[1]
    assert dataset.select("test_words")["label"].tolist() == ["yes", "_unknown_"]
    silence = dataset.select("train").query("label == '_silence_'")
    assert silence["onset"].tolist() == [0.0, 1.0, 2.0] and silence["duration"].tolist() == [1.0] * 3
    assert silence["clip_id"].tolist()[1].endswith("_background_noise_/white_noise.wav@1")
    for label in ("yes", "_unknown_", "_silence_"):
        sound(commands / "speech_commands_test_set_v0.02" / label / "0a7c2a8d_nohash_0.wav")
    dataset = speech_commands.read(commands, classes=12)
    assert dataset.select("test")["label"].tolist() == ["_silence_", "_unknown_", "yes"]
    assert len(speech_commands.read(commands).clips) == 13
    with pytest.raises(ConfigError, match="35 or 12 classes, not 10"):
        speech_commands.read(commands, classes=10)
    with pytest.raises(DataError, match="test set does not exist"):
        speech_commands.read(commands, classes=12, test_folder="elsewhere")


def test_speech_commands_bad_lists(commands: Path) -> None:
    (commands / "validation_list.txt").write_text("yes/1b88bf70_nohash_0.wav\nyes/gone_nohash_0.wav\n")
    with pytest.raises(DataError, match="listed but not there") as caught:
        speech_commands.read(commands)
    assert str(caught.value.where).endswith("validation_list.txt:2")
    (commands / "validation_list.txt").write_text("yes/c0ffee00_nohash_0.wav\n")
    with pytest.raises(DataError, match="in both lists"):
        speech_commands.read(commands)
    (commands / "validation_list.txt").unlink()
    with pytest.raises(DataError, match=r"no validation_list.txt"):
        speech_commands.read(commands)


def test_speech_commands_counts_of_the_paper() -> None:
    """Table of the paper: 35 words, 105,829 recordings; the three splits are a partition."""
    counts = speech_commands.FACTS.counts["speech_commands"]
    assert counts["train"] + counts["validation"] + counts["test"] == counts["all"] == 105829
    assert len(set(speech_commands.LABELS_35)) == 35 and set(speech_commands.WORDS) <= set(speech_commands.LABELS_35)


@pytest.fixture
def fsd(tmp_path: Path) -> Path:
    truth = tmp_path / "FSD50K.ground_truth"
    truth.mkdir()
    (truth / "vocabulary.csv").write_text("0,Crushing,/m/07plct2\n1,Electric_guitar,/m/02sgy\n2,Music,/m/04rlf\n")
    (truth / "dev.csv").write_text(
        'fname,labels,mids,split\n64760,"Electric_guitar,Music","/m/02sgy,/m/04rlf",train\n345111,Crushing,/m/07plct2,val\n'
    )
    (truth / "eval.csv").write_text('fname,labels,mids\n37199,"Electric_guitar,Music","/m/02sgy,/m/04rlf"\n')
    return tmp_path


def test_fsd50k(fsd: Path) -> None:
    dataset = fsd50k.read(fsd)
    assert dataset.kind == "tags" and dataset.labels == ("Crushing", "Electric_guitar", "Music")
    assert dataset.clips["label"].tolist() == [
        ("Electric_guitar", "Music"),
        ("Crushing",),
        ("Electric_guitar", "Music"),
    ]
    assert dataset.clips["path"].tolist() == [
        "FSD50K.dev_audio/64760.wav",
        "FSD50K.dev_audio/345111.wav",
        "FSD50K.eval_audio/37199.wav",
    ]
    assert {k: len(v) for k, v in dataset.splits.items()} == {"all": 3, "dev": 2, "train": 1, "val": 1, "test": 1}
    assert "uploader" not in dataset.clips
    for part, names in (("dev", ("64760", "345111")), ("eval", ("37199",))):
        info = {name: {"uploader": f"u{name}", "license": "CC0", "title": "x"} for name in names}
        (fsd / "FSD50K.metadata").mkdir(exist_ok=True)
        (fsd / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json").write_text(json.dumps(info))
    assert fsd50k.read(fsd).clips["uploader"].tolist() == ["u64760", "u345111", "u37199"]


def test_fsd50k_bad_rows(fsd: Path) -> None:
    file = fsd / "FSD50K.ground_truth/eval.csv"
    file.write_text(file.read_text().replace("Electric_guitar", "Electric_gitar"))
    with pytest.raises(DataError, match="unknown label 'Electric_gitar'") as caught:
        fsd50k.read(fsd)
    assert str(caught.value.where).endswith("eval.csv:2") and caught.value.hint == "did you mean 'Electric_guitar'?"
    dev = fsd / "FSD50K.ground_truth/dev.csv"
    dev.write_text(dev.read_text().replace(",val", ",vla"))
    with pytest.raises(DataError, match="unknown split 'vla'"):
        fsd50k.read(fsd)


@pytest.fixture
def tags(tmp_path: Path, sound: Sound) -> Path:
    (tmp_path / "class_labels_indices.csv").write_text(
        'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n2,/m/04rlf,"Music"\n'
    )
    (tmp_path / "eval_segments.csv").write_text(
        "# Segments csv created Sun Mar  5 10:54:25 2017\n# num_ytids=2\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
        '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/m/05zppz"\n-0abc, 0.000, 9.500, "/m/04rlf"\n'
    )
    sound(tmp_path / "audio/--PJHxphWEs.wav")
    return tmp_path


def test_audioset(tags: Path) -> None:
    dataset = audioset.read(tags)
    assert dataset.kind == "tags" and dataset.labels == ("Speech", "Male speech, man speaking", "Music")
    assert dataset.clips["label"].tolist() == [("Speech", "Male speech, man speaking"), ("Music",)]
    assert dataset.clips["path"].tolist()[0] == "audio/--PJHxphWEs.wav" and list(dataset.splits) == ["all", "test"]
    assert dataset.clips["start"].tolist() == [30.0, 0.0] and dataset.clips["group"].tolist() == [
        "--PJHxphWEs",
        "-0abc",
    ]
    dropped = audioset.read(tags, missing="drop")
    assert len(dropped.clips) == 1 and dropped.notes == ("1 of 2 segments left out: their audio is not there",)
    named = audioset.read(tags, audio="{split}/Y{ytid}_{start}.flac")
    assert named.clips["path"].tolist()[0] == "test/Y--PJHxphWEs_30.000.flac"
    cut = audioset.read(tags, whole_videos=True)
    assert cut.clips["onset"].tolist() == [30.0, 0.0] and cut.clips["duration"].tolist() == [10.0, 9.5]
    assert cut.clips["clip_id"].tolist()[0] == "audioset/audio/--PJHxphWEs.wav@30"


def test_audioset_bad_rows(tags: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown field \{id\}"):
        audioset.read(tags, audio="{id}.wav")
    file = tags / "eval_segments.csv"
    good = file.read_text()
    file.write_text(good.replace("/m/04rlf", "/m/0gone"))
    with pytest.raises(DataError, match="unknown label '/m/0gone'") as caught:
        audioset.read(tags)
    assert str(caught.value.where).endswith("eval_segments.csv:5")
    file.write_text(good.replace("0.000, 9.500", "9.500, 0.000"))
    with pytest.raises(DataError, match="start before end") as caught:
        audioset.read(tags)
    assert str(caught.value.where).endswith("eval_segments.csv:5")
    file.write_text(good.replace("-0abc", "../../abc"))
    with pytest.raises(DataError, match="leaves the dataset's folder"):
        audioset.read(tags)
    file.unlink()
    with pytest.raises(DataError, match="no segment list"):
        audioset.read(tags)
