"""The checker finds what was broken on purpose, and nothing in sound data."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data import synthetic
from benchbed.data.check import DataReport, check
from benchbed.data.layouts import esc50, folder, tau2022
from benchbed.errors import ConfigError

Rows = Callable[..., Path]
Sound = Callable[..., Path]


def codes(report: DataReport, level: str = "error") -> dict[str, int]:
    return {f.code: f.count for f in report.findings if f.level == level}


def test_sound_data(tau: Path) -> None:
    report = check(tau2022.read(tau), counts={"train": 4, "test": 4})
    assert report.ok and codes(report) == {}
    assert report.sample_rates == {"8000": 9} and report.channels == {"1": 9}
    assert report.seconds["total"] == pytest.approx(9 * 0.05)
    assert report.classes["train"]["airport"] == 3 and report.classes["train"]["tram"] == 0
    assert len(report.index) == 32
    again = json.loads(json.dumps(report.to_json()))
    assert again["ok"] is True and again["splits"]["test"] == 4


def test_official_counts_are_compared(tau: Path) -> None:
    report = check(tau2022.read(tau), decode=False)
    assert not report.ok and codes(report)["count"]
    said = [f.message for f in report.findings if f.code == "count"]
    assert "split train has 4 clips, officially 139,620" in said
    assert "error: split train has 4 clips, officially 139,620" in str(report)
    assert str(report).endswith("not fit for use as it is")
    # Another name, as a suite may give one, changes nothing.
    assert not check(tau2022.read(tau).renamed("mine"), decode=False).ok


def test_missing_broken_silent_and_unlisted(tau: Path, sound: Sound) -> None:
    dataset = tau2022.read(tau)
    paths = [tau / path for path in dataset.clips["path"]]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:300])
    soundfile.write(paths[2], np.zeros((400, 2)), 16000)
    paths[3].write_bytes(b"")
    sound(tau / "audio/stranger.wav", 99)
    report = check(dataset, counts={})
    assert codes(report) == {"missing": 1, "unreadable": 2}
    assert codes(report, "warning") | {"silent": 1, "unlisted": 1} == codes(report, "warning")
    assert report.sample_rates == {"8000": 5, "16000": 1} and report.channels == {"1": 5, "2": 1}
    assert report.index == ""
    broken = next(f for f in report.findings if f.code == "unreadable")
    assert any("truncated" in text for text in broken.examples) and any("empty" in text for text in broken.examples)
    headers = check(dataset, counts={}, decode=False)
    assert codes(headers)["unreadable"] == 2 and "silent" not in codes(headers, "warning")


def test_samples_far_beyond_full_scale_are_told(tau: Path) -> None:
    dataset = tau2022.read(tau)
    path = dataset.clips["path"].iloc[2]
    soundfile.write(tau / path, np.full(400, 12000.0), 8000, subtype="FLOAT")
    soundfile.write(tau / dataset.clips["path"].iloc[3], np.full(400, 1.9), 8000, subtype="FLOAT")
    report = check(dataset, counts={})
    loud = [f for f in report.findings if f.code == "loud"]
    assert [(f.level, f.count) for f in loud] == [("warning", 1)]
    assert "12,000 (82 dB beyond full scale)" in loud[0].message and "32768" in loud[0].message
    assert dataset.clips["clip_id"].iloc[2] in loud[0].examples[0]


def test_a_pipe_among_the_files_is_refused_without_waiting(tau: Path) -> None:
    dataset = tau2022.read(tau)
    path = tau / dataset.clips["path"].iloc[2]
    path.unlink()
    os.mkfifo(path)
    for decode in (True, False):
        report = check(dataset, counts={}, decode=decode)
        broken = next(f for f in report.findings if f.code == "unreadable")
        assert broken.count == 1 and "a pipe, not an audio file" in broken.examples[0]


def test_leaks_of_recording_place_and_content(tau: Path) -> None:
    dataset = tau2022.read(tau)
    train, test = dataset.select("train"), dataset.select("test")
    shutil.copy(tau / train["path"][0], tau / test["path"][0])
    clips = dataset.clips.copy()
    clips.loc[clips["clip_id"] == test["clip_id"][2], ["group", "location"]] = [train["group"][3], train["location"][3]]
    leaking = dataclasses.replace(dataset, clips=clips)
    report = check(leaking, counts={})
    assert codes(report) == {"leak_group": 1, "leak_location": 1, "leak_content": 1}
    group = next(f for f in report.findings if f.code == "leak_group")
    assert group.message == "1 recordings are in both train and test (1 clips of test)"
    assert group.examples == (train["group"][3],)
    # The same audio under two labels cannot be right; under one it is only doubled.
    assert codes(report, "warning")["duplicate"] == 2


def test_one_content_under_two_labels(tau: Path) -> None:
    dataset = tau2022.read(tau)
    shutil.copy(tau / dataset.clips["path"][0], tau / dataset.clips["path"][4])
    report = check(dataset, counts={})
    assert codes(report)["duplicate"] == 2
    assert "1 times with different labels" in next(f.message for f in report.findings if f.code == "duplicate")


def test_training_split_as_test_split_is_refused(tau: Path) -> None:
    dataset = tau2022.read(tau)
    same = dataclasses.replace(dataset, splits={"train": dataset.splits["train"], "test": dataset.splits["train"]})
    assert codes(check(same, counts={})) == {"same_clips": 4}
    some = dataclasses.replace(dataset, splits={"train": dataset.splits["all"], "test": dataset.splits["test"]})
    assert codes(check(some, counts={})) == {"leak_clip": 4}
    none = dataclasses.replace(dataset, splits={"train": dataset.splits["train"], "test": ()})
    assert "empty_split" in codes(check(none, counts={}))
    with pytest.raises(ConfigError, match="cannot be both training and test"):
        check(dataset, pairs=[("test", "test")])
    with pytest.raises(ConfigError, match="no split 'tset'"):
        check(dataset, pairs=[("train", "tset")])


def test_folds_are_held_apart(esc: Path) -> None:
    dataset = esc50.read(esc)
    assert check(dataset, counts={}).ok
    file = esc / "meta/esc50.csv"
    file.write_text(file.read_text().replace("True,2000", "True,1000"))
    found = [f for f in check(esc50.read(esc), counts={}).findings if f.code == "leak_group"]
    assert [f.message for f in found] == [
        "1 recordings are in both not_fold1 and fold1 (1 clips of fold1)",
        "1 recordings are in both not_fold2 and fold2 (1 clips of fold2)",
    ]


def test_speakers_are_held_apart(tmp_path: Path, sound: Sound, rows: Rows) -> None:
    table = [("path", "label", "speaker", "split")]
    for number, (speaker, split) in enumerate((("a", "train"), ("a", "test"), ("b", "test"))):
        sound(tmp_path / f"{number}.wav", number)
        table.append((f"{number}.wav", "x", speaker, split))
    rows(tmp_path / "m.csv", table)
    report = check(folder.read(tmp_path, csv="m.csv", split="split", name="t"))
    assert codes(report) == {"leak_speaker": 1}


def test_the_synthetic_set_is_sound(tmp_path: Path) -> None:
    dataset = tau2022.read(synthetic.make(tmp_path / "made", size="small"))
    assert dataset.synthetic and dataset.name == "tau2022-synthetic"
    assert dataset.clips["clip_id"][0].startswith("tau2022-synthetic/audio/")
    report = check(dataset)
    assert report.ok and report.synthetic, report.findings


@pytest.mark.realdata
def test_real_esc10(realdata: Path) -> None:
    dataset = esc50.read(realdata / "esc10", subset="esc10", csv="esc10_subset.csv")
    seen: list[tuple[int, int]] = []
    report = check(dataset, decode=False, progress=lambda done, total: seen.append((done, total)))
    # Half of the official set is there; nothing else is wrong with it.
    assert set(codes(report)) == {"count"} and seen[-1] == (200, 200)
    assert report.sample_rates == {"44100": 200} and 999 < report.seconds["total"] < 1000


def test_what_the_publisher_shares_between_folds_is_a_warning(esc: Path) -> None:
    file = esc / "meta/esc50.csv"
    text = file.read_text()
    file.write_text(text.replace("True,2000", "True,1000"))
    assert not check(esc50.read(esc), counts={}).ok
    # 131943 is in fold 2 and in fold 3 of the official table, as a clock's tick and as an alarm.
    file.write_text(text.replace("True,2000", "True,131943").replace("True,1000", "True,131943"))
    report = check(esc50.read(esc), counts={})
    assert report.ok
    first, *_ = [f for f in report.findings if f.code == "known_overlap"]
    assert (first.level, first.count, first.examples) == ("warning", 1, ("131943",))
    assert "as the publisher ships them" in first.message
