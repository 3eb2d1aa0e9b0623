"""Records of every version and shape that there was, as they were written, are read today.

`records/` holds one for each: made from eight tones of two classes by the commit that its name ends with.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchbed.errors import BenchbedError, ConfigError, DamagedError
from benchbed.results.record import SCHEMA_VERSION
from benchbed.results.store import read, write
from benchbed.results.upgrade import STEPS, upgraded

RECORDS = sorted((Path(__file__).parent / "records").glob("*.json"))


def test_there_is_a_record_of_every_version_and_a_step_from_each():
    versions = {json.loads(path.read_text())["schema_version"] for path in RECORDS}
    assert versions == set(range(1, SCHEMA_VERSION + 1)) == {*STEPS, SCHEMA_VERSION}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_it_is_read_with_the_figures_that_it_was_written_with(path: Path, tmp_path: Path):
    raw = json.loads(path.read_text())
    result = read(path)
    assert result.schema_version == SCHEMA_VERSION
    assert result.model.name == raw["model"]["name"] and result.primary == raw["primary"]
    assert len(result.cells) == len(raw["cells"]) >= 2
    for cell, was in zip(result.cells, raw["cells"]):
        assert cell.key == was["key"]
        assert {name: value.value for name, value in cell.metrics.items()} == {
            name: value["value"] for name, value in was["metrics"].items()
        }
    said = [check for check in result.checks if check.name == "record"]
    assert len(said) == (0 if "digest" in raw else 1), "one that nothing vouches for says so"
    # Written again it is a record of today.
    again = read(write(result, tmp_path / "result.json") and tmp_path / "result.json")
    assert again.model_dump(exclude={"digest"}) == result.model_dump(exclude={"digest"})


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_damage_is_still_seen(path: Path, tmp_path: Path):
    data = path.read_bytes()
    (tmp_path / "result.json").write_bytes(data[: len(data) // 2])
    with pytest.raises(BenchbedError):
        read(tmp_path)
    if data.startswith(b'{"digest"'):
        (tmp_path / "result.json").write_bytes(data.replace(b'"value": 1', b'"value": 0', 1))
        with pytest.raises(DamagedError):
            read(tmp_path)


def test_a_record_of_today_without_its_digest_is_damaged(tmp_path: Path):
    raw = json.loads(RECORDS[-1].read_text())
    assert raw["schema_version"] == SCHEMA_VERSION
    del raw["digest"]
    (tmp_path / "result.json").write_text(json.dumps(raw))
    with pytest.raises(DamagedError):
        read(tmp_path)


@pytest.mark.parametrize("version", [0, -1, 99, "1", 1.5, None, True, [1], {}])
def test_versions_that_never_were_are_refused(tmp_path: Path, version: object):
    raw = {**json.loads(RECORDS[0].read_text()), "schema_version": version}
    (tmp_path / "result.json").write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="schema"):
        read(tmp_path)


def test_an_old_record_with_a_word_of_its_own_is_refused(tmp_path: Path):
    raw = {**json.loads(RECORDS[0].read_text()), "strange": 1}
    (tmp_path / "result.json").write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="strange"):
        read(tmp_path)


def test_steps_follow_one_another():
    assert upgraded({"checks": [], "digest": "x", "kept": 1}, 1) == {
        "checks": [],
        "digest": "x",
        "kept": 1,
        "schema_version": SCHEMA_VERSION,
    }
