"""A record between being made and being written: its JSON, from which it is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_records import clean_runs
from pydantic import ValidationError

from benchbed.results.store import dumped, read, write, write_dumped


@pytest.mark.parametrize("short", [False, True])
def test_in_two_steps_it_is_the_same_file_and_record(short: bool, tmp_path: Path):
    result = clean_runs()[0]
    once = write(result, tmp_path / "once.json", short=short)
    twice = write_dumped(dumped(result, short=short), tmp_path / "twice.json")
    assert (tmp_path / "once.json").read_bytes() == (tmp_path / "twice.json").read_bytes()
    assert once == twice == read(tmp_path / "twice.json") and len(once.digest) == 32


def test_what_is_no_record_is_not_written(tmp_path: Path):
    raw = json.loads(dumped(clean_runs()[0]))
    raw["cells"] = 3
    with pytest.raises(ValidationError):
        write_dumped(json.dumps(raw).encode(), tmp_path / "result.json")
    assert not list(tmp_path.iterdir())


def test_a_record_of_today_is_taken_apart_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = write(clean_runs()[0], tmp_path / "result.json")
    taken: list[int] = []
    plain = json.loads
    monkeypatch.setattr(json, "loads", lambda text, **how: taken.append(len(text)) or plain(text, **how))
    assert read(tmp_path) == made and len(taken) == 1
