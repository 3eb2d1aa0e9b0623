"""Folders that are links are folders, and a walk ends."""

from __future__ import annotations

import numpy as np
import soundfile

from benchbed.data.layouts import events, folder
from benchbed.data.walk import files_below, links_out
from benchbed.perturb.files import open_folder


def sound(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(800)), 8000)


def test_a_linked_class_folder_is_a_class(tmp_path):
    for label in ("cat", "cow", "hen"):
        sound(tmp_path / "set" / label / "1.wav")
    sound(tmp_path / "elsewhere" / "dog" / "1.wav")
    (tmp_path / "set" / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    dataset = folder.read(tmp_path / "set")
    assert dataset.labels == ("cat", "cow", "dog", "hen")
    assert len(dataset.clips) == 4
    assert dataset.notes == (f"the folder dog is a link to {tmp_path / 'elsewhere' / 'dog'}",)


def test_a_link_inside_the_root_needs_no_word(tmp_path):
    sound(tmp_path / "dog" / "1.wav")
    (tmp_path / "hound").symlink_to(tmp_path / "dog")
    assert links_out(tmp_path, ["dog/1.wav", "hound/1.wav"]) == []


def test_links_in_a_circle_end(tmp_path):
    sound(tmp_path / "a" / "b" / "1.wav")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to(tmp_path)
    assert files_below(tmp_path) == ["a/b/1.wav"]


def test_recordings_and_noises_behind_links_are_there(tmp_path):
    sound(tmp_path / "far" / "x.wav")
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "day1").symlink_to(tmp_path / "far")
    (tmp_path / "events.tsv").write_text("filename\tonset\toffset\tevent_label\nday1/x.wav\t0\t0.05\tdog\n")
    assert len(events.read(tmp_path).clips) == 1
    assert len(open_folder(tmp_path / "audio").files) == 1
