"""Where files really are, told for many of them at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchbed.results.find import Whereabouts


def test_links_are_followed_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "real" / "suite" / "model").mkdir(parents=True)
    (tmp_path / "real" / "suite" / "model" / "result.json").write_text("{}")
    (tmp_path / "real" / "suite" / "other.json").symlink_to(Path("model") / "result.json")
    (tmp_path / "runs").symlink_to("real")
    (tmp_path / "real" / "again").symlink_to(tmp_path / "runs" / "suite")
    monkeypatch.chdir(tmp_path)
    whereabouts = Whereabouts()
    for home in (Path("."), Path("real"), Path("runs"), Path("runs/../runs"), tmp_path / "runs"):
        for below in ("", "suite", "again", "suite/other.json", "again/model/result.json", "nowhere/at.all"):
            path = home / below
            assert whereabouts.of(path) == path.resolve() == Path(os.path.realpath(path)), path
