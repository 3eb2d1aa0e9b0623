"""Audio that models, workers and runs share: the same bits whether it was made or read, and made once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.data.index import hash_files
from benchbed.errors import ConfigError
from benchbed.perturb.corruptions import opus, time_stretch, white_noise
from benchbed.predictions.store import read_header, read_units
from benchbed.run.computing import shared, whole
from benchbed.run.computing.passed import PassedAudio, opened_room
from benchbed.run.executing.local import execute
from benchbed.run.executing.turns import Turn
from benchbed.run.job.job import Unit
from benchbed.suite.plan import CellPlan

CONDITIONS = [{"corruption": "opus"}, {"corruption": "white_noise"}, {"corruption": "time_stretch"}]


def unit_of(number: int, name: str) -> Unit:
    cells = tuple(
        CellPlan(f"scene/test/{name}@{severity}", "scene", "test", "corruption", name, severity, number)
        for severity in (1, 2, 3, 4, 5)
    )
    return Unit(f"unit-{name}", "", "test", 0, 0, 6, cells)


UNITS = [unit_of(number, str(one["corruption"])) for number, one in enumerate(CONDITIONS)]


@pytest.fixture
def job(toy_job, tmp_path, monkeypatch):
    """A job whose clips are hashed, and a cache of this test's own."""
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    made = toy_job(conditions=CONDITIONS)
    return replace(made, digests=digests(made, tmp_path))


def digests(job, tmp_path):
    paths = job.clips["test"]["path"].tolist()
    return hash_files(job.root, paths, tmp_path / "index")[0]


@pytest.fixture
def made(monkeypatch):
    """How often each slow corruption was applied."""
    count: dict[str, int] = {}
    for module in (opus, time_stretch):
        kind = type(module.CORRUPTION)

        def counted(self, state, parameter, kind=kind, at=kind.at):
            count[kind.__name__] = count.get(kind.__name__, 0) + 1
            return at(self, state, parameter)

        monkeypatch.setattr(kind, "at", counted)
    return count


def answers(job, folder):
    list(execute(job, UNITS, folder, {}, 1))
    return [read_units([folder / f"{unit.id}.parquet"]) for unit in UNITS]


def same(one, other) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a.scores.tobytes() == b.scores.tobytes() and a.table.equals(b.table) for a, b in pairs)


def test_models_that_take_turns_hear_what_the_first_one_had_made(job, tmp_path, monkeypatch, adapter_file):
    kind, count = type(white_noise.CORRUPTION), []

    def counted(self, *words, at=kind.apply):
        count.append(1)
        return at(self, *words)

    def noted(*words, decode=shared.decode):
        read.append(1)
        return decode(*words)

    read = []
    monkeypatch.setattr(kind, "apply", counted)
    monkeypatch.setattr(shared, "decode", noted)
    monkeypatch.setattr("benchbed.run.computing.passed.WORTH_PERCENT", 0)
    monkeypatch.setattr("benchbed.run.executing.turns.ask", lambda waiting: Turn(None))
    other = replace(job, recipe=(str(adapter_file("high = high * 2", "other.py")), {}))
    with opened_room(10**7) as room:
        first = answers(replace(job, passed=room), tmp_path / "first")
        assert len(count) == 30  # six clips at five severities
        second = answers(replace(other, passed=room), tmp_path / "second")
        assert len(count) == 30 and len(read) == 6
        assert PassedAudio(room).left == 10**7 - (30 + 6) * 4 * 4000
    assert not same(first, second)
    assert same(first, answers(job, tmp_path / "first alone"))
    assert same(second, answers(other, tmp_path / "second alone"))
    assert len(count) == 90


def test_a_second_model_hears_what_the_first_one_had_made(job, tmp_path, made, adapter_file):
    first = answers(job, tmp_path / "first")
    assert made == {"Opus": 30, "TimeStretch": 30}
    other = replace(job, recipe=(str(adapter_file("high = high * 2", "other.py")), {}))
    second = answers(other, tmp_path / "second")
    assert made == {"Opus": 30, "TimeStretch": 30}  # not once more
    assert not same(first, second)
    # To the bit what that model says without anything kept.
    assert same(second, answers(replace(other, digests={}), tmp_path / "third"))
    assert made == {"Opus": 60, "TimeStretch": 60}


def test_what_a_slow_corruption_tells_of_a_clip_is_told_again_of_what_was_kept(job, tmp_path, made, monkeypatch):
    kind, at = type(opus.CORRUPTION), type(opus.CORRUPTION).at

    def told(self, state, parameter):
        return replace(at(self, state, parameter), facts={"event": "dog", "injected_at": 0.1 + 0.2, "loud": True})

    monkeypatch.setattr(kind, "at", told)
    first = answers(job, tmp_path / "first")
    second = answers(job, tmp_path / "second")
    assert made["Opus"] == 30  # the second time from what was kept
    table = second[0].table
    assert set(table["event"]) == {"dog"} and set(table["injected_at"]) == {0.1 + 0.2} and table["loud"].all()
    assert same(first, second)


def test_facts_that_could_not_be_told_again_are_refused(job, tmp_path, monkeypatch):
    kind, at = type(opus.CORRUPTION), type(opus.CORRUPTION).at
    monkeypatch.setattr(kind, "at", lambda self, *given: replace(at(self, *given), facts={"event": object()}))
    with pytest.raises(ConfigError, match="opus is marked slow and tells facts of a clip that are no plain values"):
        answers(job, tmp_path / "first")


def test_what_is_kept_is_no_file_that_the_model_read(job, tmp_path):
    answers(job, tmp_path / "first")
    answers(job, tmp_path / "second")
    for unit in UNITS:
        read = read_header(tmp_path / "second" / f"{unit.id}.parquet")["info"]["read"]
        assert not [name for name in read if not name.endswith(".py")]


def test_other_content_another_seed_and_other_strengths_are_made_anew(job, tmp_path, made):
    answers(job, tmp_path / "first")
    answers(replace(job, seed=1), tmp_path / "seed")
    assert made["TimeStretch"] == 60
    path = job.root / job.clips["test"]["path"].iat[0]
    soundfile.write(path, soundfile.read(path)[0][::-1], 8000)
    changed = replace(job, digests=digests(job, tmp_path))
    second = answers(changed, tmp_path / "second")
    assert made["TimeStretch"] == 65
    assert same(second, answers(replace(changed, digests={}), tmp_path / "third"))


def test_damage_to_what_is_kept_costs_time_and_no_truth(job, tmp_path, made):
    first = answers(job, tmp_path / "first")
    files = [path for path in (tmp_path / "cache" / "audio").rglob("*") if path.is_file()]
    assert len(files) == 12  # six clips under two slow corruptions; noise is made each time
    for number, path in enumerate(files):
        path.write_bytes(path.read_bytes()[: -1 - number] if number % 2 else b"")
    assert same(first, answers(job, tmp_path / "second"))
    assert made == {"Opus": 60, "TimeStretch": 60}


def test_a_resampled_clip_is_decoded_once_for_all_jobs(job, tmp_path, monkeypatch):
    row = job.clips["test"].iloc[0].to_dict()
    resampling = replace(job, audio_rate=16000)
    first = shared.decoded(resampling, row)
    monkeypatch.setattr(shared, "decode", lambda *_: pytest.fail("decoded again"))
    second = shared.decoded(resampling, row)
    assert second.waveform.tobytes() == first.waveform.tobytes()
    assert replace(second, waveform=0) == replace(first, waveform=0)
    assert second.resampled and second.sample_rate == 16000
    # Plain files at their own rate are read as they are; clips that nobody hashed are, too.
    monkeypatch.setattr(shared, "decode", whole.decode)
    shared.decoded(job, row)
    shared.decoded(replace(resampling, digests={}), row)
    assert len([path for path in (tmp_path / "cache" / "audio").rglob("*") if path.is_file()]) == 1


def test_a_stretch_of_a_file_is_another_clip(job):
    row = job.clips["test"].iloc[0].to_dict()
    resampling = replace(job, audio_rate=16000)
    halves = [shared.decoded(resampling, {**row, "onset": at, "duration": 0.25}) for at in (0.0, 0.25)]
    again = [shared.decoded(resampling, {**row, "onset": at, "duration": 0.25}) for at in (0.0, 0.25)]
    assert not np.array_equal(halves[0].waveform, halves[1].waveform)
    assert [one.waveform.tobytes() for one in halves] == [one.waveform.tobytes() for one in again]


def test_missing_files_are_not_kept(job):
    row = pd.Series({"path": "gone.wav", "onset": 0.0, "duration": np.nan, "clip_id": "x"}).to_dict()
    assert shared.source_of(replace(job, digests={"gone.wav": "unreadable"}), row) is None
