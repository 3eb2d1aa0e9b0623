"""The diary of a run: what is not as it was written is passed over and counted, what a killed run left is not."""

from __future__ import annotations

import json
from pathlib import Path

from benchbed.run.journal import Journal, damaged_lines, last_event, last_started


def written(folder: Path) -> bytes:
    journal = Journal(folder)
    journal.write("started", identity="a1", damaged=[])
    journal.write("unit", id="u", cells=["scene/test/clean"], cpu_seconds=0.25)
    journal.write("finished", seconds=1.5, note='said "check": "12345678"')
    return (folder / "log.jsonl").read_bytes()


def test_every_flipped_bit_is_seen_and_what_it_hit_is_not_believed(tmp_path: Path):
    whole = written(tmp_path)
    assert damaged_lines(tmp_path) == 0
    for place in range(len(whole)):
        for bit in (0, 3, 6):
            flipped = whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :]
            (tmp_path / "log.jsonl").write_bytes(flipped)
            if whole[place : place + 1] != b"\n":
                assert damaged_lines(tmp_path) >= 1, (place, bit)
            found = last_started(tmp_path)
            assert found is None or found["identity"] == "a1"


def test_half_a_line_of_a_killed_run_is_no_damage(tmp_path: Path):
    whole = written(tmp_path)
    first = whole.index(b"\n") + 1
    for length in range(first + 10, len(whole) - 1):
        (tmp_path / "log.jsonl").write_bytes(whole[:length])
        assert damaged_lines(tmp_path) == 0
        Journal(tmp_path).write("started", identity="b2")
        assert damaged_lines(tmp_path) == 0 and last_started(tmp_path)["identity"] == "b2"


def test_half_a_line_in_the_middle_is(tmp_path: Path):
    lines = written(tmp_path).splitlines(keepends=True)
    (tmp_path / "log.jsonl").write_bytes(lines[0] + lines[1][:30] + b"\n" + lines[2])
    assert damaged_lines(tmp_path) == 1 and last_event(tmp_path, "finished")["seconds"] == 1.5
    (tmp_path / "log.jsonl").write_bytes(lines[0] + b"\0" * 40 + b"\n" + lines[2])
    assert damaged_lines(tmp_path) == 1


def test_lines_of_earlier_versions_have_no_checksum_and_are_read(tmp_path: Path):
    line = json.dumps({"time": "2026-01-01T00:00:00.000+00:00", "event": "started", "identity": "old"})
    (tmp_path / "log.jsonl").write_text(line + "\n")
    assert damaged_lines(tmp_path) == 0 and last_started(tmp_path)["identity"] == "old"
    assert damaged_lines(tmp_path / "nowhere") == 0


def test_a_line_is_json_whose_last_field_is_its_checksum(tmp_path: Path):
    for line in written(tmp_path).splitlines():
        assert list(json.loads(line))[-1] == "check"
