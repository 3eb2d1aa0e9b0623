"""Clips kept for listening: only where the licence lets changed excerpts travel, and only files of their folder."""

from __future__ import annotations

import json

import pytest

from benchbed.data.tau import LICENCE as TAU
from benchbed.errors import ConfigError, DamagedError
from benchbed.results.listening import LARGEST, file_of, may_publish, read_listening
from benchbed.seal import seal


@pytest.mark.parametrize(
    "licence", ["CC0-1.0", "CC BY 4.0", "CC BY-NC 3.0", "CC BY-SA 4.0", "CC-BY-4.0", "CC BY 4.0 as a whole; …"]
)
def test_licences_that_allow_it(licence):
    assert may_publish(licence)


@pytest.mark.parametrize(
    "licence", ["", TAU, "CC BY-ND 4.0", "CC BY-NC-ND 4.0", "all rights reserved", "labels CC BY 4.0"]
)
def test_licences_that_do_not(licence):
    assert not may_publish(licence)


def index(folder, **sound):
    (folder / "listen").mkdir()
    base = {"kind": "clean", "audio": "a.mp3", "spectrogram": "a.png"} | sound
    clip = {
        "clip_id": "c",
        "label": "bus",
        "why": "flipped",
        "condition": "Clean",
        "cell": "scene/test/clean",
        "sample_rate": 8000,
        "seconds": 1.0,
        "sounds": [base],
    }
    text = seal(json.dumps({"licence": "CC0-1.0", "clips": [clip]}))
    (folder / "listen" / "clips.json").write_text(text, encoding="utf-8")


def test_a_run_without_clips(tmp_path):
    assert read_listening(tmp_path) is None


@pytest.mark.parametrize("name", ["../result.json", "/etc/passwd", "a.svg", "A.mp3", "a.mp3\n"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    index(tmp_path, audio=name)
    with pytest.raises(ConfigError, match="is not a file of this folder"):
        read_listening(tmp_path)
    assert file_of(tmp_path, name) is None


def test_a_file_too_large_for_a_page_is_left_out(tmp_path):
    index(tmp_path)
    (tmp_path / "listen" / "a.mp3").write_bytes(bytes(LARGEST + 1))
    (tmp_path / "listen" / "a.png").write_bytes(b"x")
    assert file_of(tmp_path, "a.mp3") is None and file_of(tmp_path, "a.png") == b"x"


def test_a_file_that_is_not_the_one_that_was_kept_is_refused(tmp_path):
    index(tmp_path)
    (tmp_path / "listen" / "a.mp3").write_bytes(b"another sound")
    with pytest.raises(DamagedError, match="not the one that the record names"):
        read_listening(tmp_path)


def test_an_unknown_field_is_refused(tmp_path):
    index(tmp_path, colour="red")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_listening(tmp_path)
