"""Summaries of records: what boards ask of a run, made again whenever it does not fit its record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_records import make_result

from benchbed.errors import DamagedError
from benchbed.results.find import find_results
from benchbed.results.record import Result
from benchbed.results.store import read, write
from benchbed.results.summary import FORMAT, NAME, Summary, read_summary, summary_of
from benchbed.seal import seal, unseal


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record with perturbed cells that have several metrics, classes and tables."""
    made = make_result(conditions=True)
    rich = {"groups": made.cells[0].groups, "matrices": made.cells[0].matrices, "metrics": made.cells[0].metrics}
    cells = [made.cells[0], *(cell.model_copy(update=rich) for cell in made.cells[1:])]
    write(made.model_copy(update={"cells": cells}), tmp_path / "result.json")
    return tmp_path / "result.json"


def test_a_summary_has_the_figures_of_the_record_to_the_last_digit(record: Path):
    whole, short = read(record), read_summary(record)
    assert isinstance(short, Summary) and short.digest == whole.digest
    assert [cell.key for cell in short.cells] == [cell.key for cell in whole.cells]
    assert short.cells[0].groups == whole.cells[0].groups and short.cells[0].metrics == whole.cells[0].metrics
    corrupted = [(a, b) for a, b in zip(whole.cells, short.cells) if a.condition.kind == "corruption"]
    assert corrupted
    for long, brief in corrupted:
        assert brief.metrics == {whole.primary: long.metrics[whole.primary]}
        assert not brief.groups and not brief.matrices and brief.counts == long.counts
    assert short.scores == whole.scores and short.suite == whole.suite and short.provenance == whole.provenance
    assert short == summary_of(whole)
    assert record.with_name(NAME).stat().st_size < record.stat().st_size / 3


def test_a_summary_that_was_read_is_the_one_that_was_made(record: Path):
    made = read_summary(record)
    before = record.with_name(NAME).read_bytes()
    assert read_summary(record) == made == read_summary(record.parent)
    assert record.with_name(NAME).read_bytes() == before


def test_a_summary_of_an_older_record_is_made_again(record: Path):
    read_summary(record)
    newer = make_result(accuracy=0.9, conditions=True)
    write(newer, record)
    found = read_summary(record)
    assert found.cells[0].metrics["macro_accuracy"].value == 0.9 and found.digest == read(record).digest


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "empty", "another format", "another field"])
def test_a_summary_that_is_not_as_it_was_written_is_made_again(record: Path, harm: str):
    whole, place = read_summary(record), record.with_name(NAME)
    good = place.read_bytes()
    members, _ = unseal(good, place)
    spoiled = {
        "cut": good[:-100],
        "flipped": good[:-30] + (b"B" if good[-30:-29] == b"A" else b"A") + good[-29:],
        "empty": b"",
        "another format": seal(json.dumps({**members, "format": FORMAT + 1})).encode(),
        "another field": seal(json.dumps({**members, "more": 1})).encode(),
    }
    if harm == "gone":
        place.unlink()
    else:
        assert spoiled[harm] != good
        place.write_bytes(spoiled[harm])
    assert read_summary(record) == whole
    assert place.read_bytes() == good


def test_damage_to_the_record_is_an_error_where_its_summary_is_made(record: Path):
    record.write_bytes(record.read_bytes().replace(b"0.573", b"0.973", 1))
    with pytest.raises(DamagedError):
        read_summary(record)


def test_records_under_other_names_are_read_whole(record: Path):
    other = record.rename(record.with_name("mine.json"))
    assert type(read_summary(other)) is Result
    assert not record.with_name(NAME).exists()


def test_a_folder_that_cannot_be_written_has_its_summary_made_each_time(record: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("benchbed.results.summary.write_whole", refused)
    assert read_summary(record) == summary_of(read(record))
    assert not record.with_name(NAME).exists()


def test_runs_are_found_whole_or_in_short(record: Path):
    [(path, whole)], [(same, short)] = find_results([record.parent]), find_results([record.parent], summary=True)
    assert path == same and type(whole) is Result and isinstance(short, Summary)
