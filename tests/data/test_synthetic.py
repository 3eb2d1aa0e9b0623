"""The synthetic sets: the same bits for the same seed, official names, no leak between splits, a cache that heals."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data import synthetic
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.devices import compress, device, play
from benchbed.data.synthesis.events import CLASSES
from benchbed.data.synthesis.scenes import SCENES, recording
from benchbed.errors import ConfigError, DataError

NAME = re.compile(r"audio/([a-z_]+)-([a-z]+)-(\d+)-(\d+)-(\d+)-(a|b|c|s[1-6])\.wav")


@pytest.fixture(scope="module")
def tau(tmp_path_factory) -> Path:
    return synthetic.make(tmp_path_factory.mktemp("tau") / "set", size="small")


@pytest.fixture(scope="module")
def esc(tmp_path_factory) -> Path:
    return synthetic.make(tmp_path_factory.mktemp("esc") / "set", layout="esc50", size="small")


def rows(path: Path, separator: str = "\t") -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def split(root: Path, name: str) -> list[str]:
    return [row["filename"] for row in rows(root / "evaluation_setup" / f"fold1_{name}.csv")]


def parts(name: str) -> tuple[str, ...]:
    match = NAME.fullmatch(name)
    assert match, f"{name} is no official name"
    return match.groups()


def test_same_seed_same_bits_and_another_seed_other_ones(tau, tmp_path):
    again = synthetic.make(tmp_path / "again", size="small")
    other = synthetic.make(tmp_path / "other", size="small", seed=1)
    assert synthetic.fingerprint(again) == synthetic.fingerprint(tau)
    assert synthetic.fingerprint(other) != synthetic.fingerprint(tau)
    name = split(tau, "test")[0]
    assert (again / name).read_bytes() == (tau / name).read_bytes()


def test_order_of_making_changes_nothing():
    alone = recording(0, "bus", "lyon", 3, 5, seconds=1)
    recording(0, "park", "paris", 4, 6, seconds=1)
    assert np.array_equal(recording(0, "bus", "lyon", 3, 5, seconds=1), alone)
    one = play(0, alone, ("s2",), ("x",))["s2"]
    assert np.array_equal(play(0, alone, ("a", "b", "s1", "s2"), ("x",))["s2"], one)


def test_meta_has_the_official_columns_and_agrees_with_the_names(tau):
    table = rows(tau / "meta.csv")
    assert list(table[0]) == ["filename", "scene_label", "identifier", "source_label"]
    for row in table:
        scene, city, location, _, _, source = parts(row["filename"])
        assert (scene, f"{city}-{location}", source) == (row["scene_label"], row["identifier"], row["source_label"])
    assert {row["filename"] for row in table} == {f"audio/{p.name}" for p in (tau / "audio").iterdir()}
    assert {row["scene_label"] for row in table} == set(SCENES) and len(SCENES) == 10


def test_no_location_is_in_both_splits(tau):
    train, test = ({parts(n)[2] for n in split(tau, name)} for name in ("train", "test"))
    assert train and test and not train & test
    assert not set(split(tau, "train")) & set(split(tau, "test"))
    assert split(tau, "test") == split(tau, "evaluate")


def test_unseen_devices_are_in_the_test_split_only(tau):
    assert {parts(n)[5] for n in split(tau, "train")} == {"a", "b", "c", "s1", "s2", "s3"}
    assert {parts(n)[5] for n in split(tau, "test")} == {"a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6"}
    assert "milan" not in {parts(n)[1] for n in split(tau, "train")}


def test_test_split_is_balanced_and_every_moment_is_on_every_device(tau):
    test = [parts(n) for n in split(tau, "test")]
    assert len(set(Counter((p[0], p[5]) for p in test).values())) == 1
    assert set(Counter(p[:5] for p in test).values()) == {9}


def test_plan_of_the_default_size(monkeypatch, tmp_path):
    monkeypatch.setattr("benchbed.data.synthesis.scenes.recording", lambda *_, seconds: np.zeros(seconds))
    monkeypatch.setattr(
        "benchbed.data.synthesis.devices.play",
        lambda seed, heard, names, draw: {n: np.zeros(len(heard) * RATE, np.int16) for n in names},
    )
    monkeypatch.setattr(synthetic._Writer, "audio", lambda self, name, samples: self.files.update({name: [0, 0, ""]}))
    root = synthetic.make(tmp_path / "plan")
    train, test = split(root, "train"), split(root, "test")
    assert (len(train), len(test)) == (2960, 1080)
    devices = Counter(parts(n)[5] for n in train)
    assert devices["a"] / len(train) == pytest.approx(0.73, abs=0.01)
    assert not {parts(n)[2] for n in train} & {parts(n)[2] for n in test}
    assert len({parts(n)[:4] for n in test}) == 60
    # A recording of a rare device is also there from device a, as in TAU.
    assert {parts(n)[:5] for n in train if parts(n)[5] != "a"} <= {parts(n)[:5] for n in train if parts(n)[5] == "a"}


def test_clips_are_one_second_of_sound(tau):
    for name in split(tau, "test")[::7]:
        samples, rate = soundfile.read(tau / name, dtype="int16")
        assert (rate, samples.shape) == (RATE, (RATE,))
        assert samples.std() > 30 and np.mean(np.abs(samples) >= 32767) < 0.01


def test_parallel_recordings_differ_by_device_and_no_more():
    heard = recording(0, "street_pedestrian", "lyon", 3, 5, seconds=2)
    stored = {n: x.astype(float) for n, x in play(0, heard, ("a", "b", "s1", "s4"), ("x",)).items()}
    envelope = {n: np.log(x.reshape(-1, 640).std(1) + 1) for n, x in stored.items()}
    for name in ("b", "s1", "s4"):
        assert np.corrcoef(envelope["a"], envelope[name])[0, 1] > 0.4
        assert not np.array_equal(stored["a"], stored[name])


def test_simulated_devices_compress_and_unseen_ones_are_their_own():
    assert all(device(0, f"s{i}").ratio > 1 for i in range(1, 7)) and device(0, "a").ratio == 1
    colours = [tuple(device(0, f"s{i}").knots) for i in range(1, 7)]
    assert len(set(colours)) == 6


def test_compression_halves_decibels_over_the_threshold():
    # A sine of −17 dB RMS (0.2 peak), threshold −37 dB, ratio 2: 20 dB over becomes 10 dB over.
    wave = 0.2 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    level = 20 * np.log10(np.std(wave))
    out = compress(wave, level - 20, 2.0)
    assert 20 * np.log10(np.std(out)) == pytest.approx(level - 10, abs=0.01)
    assert np.array_equal(compress(wave, 0.0, 4.0), wave)


def test_esc50_layout(esc):
    table = rows(esc / "meta" / "esc50.csv", ",")
    assert list(table[0]) == ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    for row in table:
        assert row["filename"] == f"{row['fold']}-{row['src_file']}-{row['take']}-{row['target']}.wav"
        assert CLASSES[row["category"]] == int(row["target"])
    assert Counter((r["fold"], r["category"]) for r in table) == {(str(f), c): 1 for f in range(1, 6) for c in CLASSES}
    sources = {}
    for row in table:
        assert sources.setdefault(row["src_file"], row["fold"]) == row["fold"]
    samples, rate = soundfile.read(esc / "audio" / table[0]["filename"])
    assert (rate, len(samples)) == (RATE, 2 * RATE) and samples.std() > 0.001


def test_manifest_names_every_file_with_its_hash(esc):
    manifest = json.loads((esc / synthetic.MANIFEST).read_text())
    assert manifest["synthetic"] is True and manifest["version"] == synthetic.VERSION
    on_disk = {p.relative_to(esc).as_posix() for p in esc.rglob("*") if p.is_file()} - {synthetic.MANIFEST}
    assert set(manifest["files"]) == on_disk
    name, (size, _, digest) = next(iter(manifest["files"].items()))
    content = (esc / name).read_bytes()
    assert (len(content), hashlib.blake2b(content, digest_size=16).hexdigest()) == (size, digest)
    assert synthetic.is_synthetic(esc)


def test_cached_copy_is_used_again_and_a_damaged_one_is_made_anew(tmp_path):
    root = synthetic.ensure("esc50", tmp_path, size="small")
    clip = next((root / "audio").iterdir())
    content, stamp = clip.read_bytes(), clip.stat().st_ino
    assert synthetic.ensure("esc50", tmp_path, size="small") == root and clip.stat().st_ino == stamp
    for damage in (lambda: clip.write_bytes(content[:-1] + b"\x7f"), clip.unlink, lambda: clip.write_bytes(b"")):
        damage()
        assert not synthetic.intact(root)
        assert synthetic.ensure("esc50", tmp_path, size="small") == root
        assert clip.read_bytes() == content
    assert [p.name for p in root.parent.iterdir()] == [root.name]


def test_a_copy_with_new_times_is_still_intact(tmp_path):
    root = synthetic.ensure("esc50", tmp_path, size="small")
    for clip in (root / "audio").iterdir():
        clip.touch()
    assert synthetic.intact(root)


def test_two_at_once_both_get_a_whole_set(tmp_path):
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(synthetic.ensure("esc50", tmp_path, size="small")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and found[0] == found[1] and synthetic.intact(found[0])


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "here"))
    assert synthetic.cache_folder() == tmp_path / "here"
    assert synthetic.ensure("esc50", size="small").is_relative_to(tmp_path / "here")


def test_what_cannot_be_made_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="tau2023"):
        synthetic.make(tmp_path / "x", layout="tau2023")
    with pytest.raises(ConfigError, match="size"):
        synthetic.make(tmp_path / "x", size="huge")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(DataError, match="empty folder"):
        synthetic.make(tmp_path / "full")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        synthetic.ensure("esc50", tmp_path / "file", size="small")


def test_words_are_told_apart_by_speakers_who_are_in_one_split(tmp_path):
    from benchbed.data.layouts import speech_commands
    from benchbed.data.synthesis.words import WORDS

    root = synthetic.make(tmp_path / "words", layout="speech_commands", size="small")
    whole, marvin = speech_commands.read(root), speech_commands.read(root, keyword="marvin")
    assert set(whole.clips["label"]) == set(WORDS) and len(whole.clips) == 84
    assert marvin.name == "speech_commands_marvin-synthetic" and marvin.labels == ("marvin", "_unknown_")
    assert [(marvin.clips["label"] == "marvin").sum(), len(marvin.splits["test"])] == [18, 28]
    speakers = {name: set(whole.select(name)["speaker"]) for name in ("train", "validation", "test")}
    assert not speakers["train"] & speakers["test"] and not speakers["validation"] & speakers["test"]


def test_a_keyword_is_one_of_the_words(tmp_path):
    from benchbed.data.layouts import speech_commands

    with pytest.raises(ConfigError, match="did you mean 'marvin'"):
        speech_commands.read(tmp_path, keyword="marvn")
    with pytest.raises(ConfigError, match="not of 12"):
        speech_commands.read(tmp_path, keyword="marvin", classes=12)
