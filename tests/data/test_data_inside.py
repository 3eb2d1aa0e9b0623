"""No option of a suite, no table and no link leads out of a dataset's folder, unless the user says so."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data.inside import ENVIRONMENT, refuse_links_out
from benchbed.errors import BenchbedError, ConfigError, DataError
from benchbed.run.preparing.source import open_source
from benchbed.suite.load import load_suite

LINKS = pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links on this system")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A set of two clips with a table, and a folder beside it that nobody named."""
    for folder in ("set", "set/audio", "elsewhere"):
        (tmp_path / folder).mkdir()
    for path in ("set/audio/a.wav", "set/audio/b.wav", "elsewhere/secret.wav"):
        soundfile.write(tmp_path / path, np.full(800, 0.1), 8000)
    table = "path,label\naudio/a.wav,x\naudio/b.wav,y\n"
    (tmp_path / "set/clips.csv").write_text(table)
    (tmp_path / "elsewhere/secret.csv").write_text(table)
    return tmp_path


def opened(place: Path, options: str = "{csv: clips.csv, path: path, label: label}", layout: str = "folder"):
    (place / "s.yaml").write_text(
        f'name: s\nversion: "1"\ntask: scene\ndata: {{layout: {layout}, name: s, splits: [all], options: {options}}}\n'
        "conditions: [clean]\n"
    )
    return open_source(load_suite(str(place / "s.yaml")), {"s": place / "set"})


def test_what_lies_inside_is_read(place: Path):
    assert len(opened(place).dataset.clips) == 2


@pytest.mark.parametrize(
    "csv",
    [
        "../elsewhere/secret.csv",
        "audio/../../elsewhere/secret.csv",
        "{place}/elsewhere/secret.csv",
        "../../../etc/passwd",
    ],
)
def test_an_option_that_leads_out_is_refused(place: Path, csv: str):
    with pytest.raises(ConfigError, match="the option csv leaves the dataset's folder") as refused:
        opened(place, f"{{csv: '{csv.format(place=place)}', path: path, label: label}}")
    assert "s.yaml:" in str(refused.value.where)


@pytest.mark.parametrize(
    "option", ["table: ../elsewhere/secret.csv", "audio: ../elsewhere", "splits: {test: ../elsewhere/secret.csv}"]
)
def test_so_are_those_of_every_other_layout(place: Path, option: str):
    with pytest.raises(ConfigError, match="leaves the dataset's folder"):
        opened(place, f"{{{option}}}", "events")


@pytest.mark.parametrize("path", ["../elsewhere/secret.wav", "/etc/hostname", "audio/../../elsewhere/secret.wav"])
def test_paths_of_a_table_stay_inside(place: Path, path: str):
    (place / "set/clips.csv").write_text(f"path,label\naudio/a.wav,x\n{path},y\n")
    with pytest.raises(BenchbedError):
        opened(place)


@LINKS
@pytest.mark.parametrize("what", ["table", "option", "file", "folder", "chain"])
def test_links_out_are_refused_until_the_user_allows_them(place: Path, monkeypatch: pytest.MonkeyPatch, what: str):
    data, options = place / "set", "{csv: clips.csv, path: path, label: label}"
    if what in ("table", "option"):
        (data / "clips.csv").unlink()
        (data / "clips.csv").symlink_to(place / "elsewhere/secret.csv")
    elif what == "file":
        (data / "audio/b.wav").unlink()
        (data / "audio/b.wav").symlink_to(place / "elsewhere/secret.wav")
    elif what == "folder":
        (data / "audio").rename(place / "elsewhere/audio")
        (data / "audio").symlink_to(place / "elsewhere/audio")
    else:
        (data / "audio/b.wav").unlink()
        (data / "hop.wav").symlink_to(place / "elsewhere/secret.wav")
        (data / "audio/b.wav").symlink_to(data / "hop.wav")
    with pytest.raises((DataError, ConfigError), match=r"leads out of|leaves the dataset's folder"):
        opened(place, options)
    monkeypatch.setenv(ENVIRONMENT, str(place / "elsewhere"))
    assert len(opened(place, options).dataset.clips) == 2


@LINKS
def test_links_within_and_a_root_that_is_one_are_fine(place: Path):
    (place / "set/audio/b.wav").unlink()
    (place / "set/audio/b.wav").symlink_to("a.wav")
    (place / "set").rename(place / "real")
    (place / "set").symlink_to(place / "real")
    assert len(opened(place).dataset.clips) == 2


@LINKS
def test_a_link_that_leads_nowhere_or_to_itself_is_no_hang(place: Path):
    (place / "set/audio/c.wav").symlink_to("c.wav")
    refuse_links_out(place / "set", ["audio/c.wav"])
