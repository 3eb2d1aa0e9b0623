"""Who named a dataset's folder, in which order they are heard, and paths that are wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchbed.data.locate import Location, config_file, locate
from benchbed.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BENCHBED_DATA", raising=False)
    monkeypatch.delenv("BENCHBED_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_nobody_named_it() -> None:
    assert locate("esc50") is None
    assert locate("esc50", {}) is None


def test_a_path_for_another_dataset_is_an_error_never_a_fallback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--data names tau2222, and the dataset of this suite is tau2022"):
        locate("tau2022", {"tau2222": tmp_path})
    assert locate("tau2022", {"tau2022": tmp_path, "esc50": tmp_path}) == Location(tmp_path, "--data")


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = (folder(tmp_path / name) for name in "abc")
    config = tmp_path / "xdg" / "benchbed" / "config.yaml"
    folder(config.parent)
    config.write_text(f"data:\n  esc50: {c}\n")
    assert locate("esc50") == Location(c, str(config))
    monkeypatch.setenv("BENCHBED_DATA", f"other=/nowhere{os.pathsep}esc50={b}")
    assert locate("esc50") == Location(b, "BENCHBED_DATA")
    assert locate("esc50", {"esc50": str(a)}) == Location(a, "--data")


def test_one_folder_that_holds_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = folder(tmp_path / "all" / "esc50")
    monkeypatch.setenv("BENCHBED_DATA", str(tmp_path / "all"))
    assert locate("esc50") == Location(inner, "BENCHBED_DATA")
    assert locate("tau2022") is None
    monkeypatch.setenv("BENCHBED_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match="named by BENCHBED_DATA, does not exist"):
        locate("esc50")


def test_a_wrong_path_is_an_error_never_a_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="named by --data, does not exist") as caught:
        locate("esc50", {"esc50": tmp_path / "gone"})
    assert caught.value.where == str(tmp_path / "gone") and caught.value.exit_code == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        locate("esc50", {"esc50": tmp_path / "file"})
    monkeypatch.setenv("BENCHBED_DATA", f"esc50={tmp_path / 'gone'}")
    with pytest.raises(DataError, match="does not exist"):
        locate("esc50")


@pytest.mark.parametrize(
    ("setting", "message"),
    [("esc50=/a:/b", "is not NAME=PATH"), ("=/a", "not NAME=PATH"), ("x=/a:x=/b", "named twice")],
)
@pytest.mark.skipif(os.pathsep != ":", reason="written for colons")
def test_bad_environment(monkeypatch: pytest.MonkeyPatch, setting: str, message: str) -> None:
    monkeypatch.setenv("BENCHBED_DATA", setting)
    with pytest.raises(ConfigError, match=message):
        locate("esc50")


def test_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.yaml"
    monkeypatch.setenv("BENCHBED_CONFIG", str(file))
    assert config_file() == file
    with pytest.raises(ConfigError, match="does not exist"):
        locate("esc50")
    folder(tmp_path / "esc")
    file.write_text("data: {esc50: esc}\n")
    assert locate("esc50") == Location(tmp_path / "esc", str(file))
    for content, message in (
        ("data: [", "not valid YAML"),
        ("data: {a: 1}", "must map"),
        ("- a", "must be a mapping"),
        ("dta: {}", "unknown key 'dta'"),
        ("data: {a: x, a: y}", "not valid YAML"),
    ):
        file.write_text(content)
        with pytest.raises(ConfigError, match=message) as caught:
            locate("esc50")
        assert str(file) in str(caught.value.where)
    file.write_text("")
    assert locate("esc50") is None
