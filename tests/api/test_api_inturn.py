"""Models of one command take turns: each clip is perturbed once for all, and every model answers as it does alone."""

from __future__ import annotations

import numpy as np
import pytest

import benchbed as bb
from benchbed.api import inturn
from benchbed.run.computing import passed

#: Bytes of one condition: forty clips of half a second at two severities.
EACH = 40 * 2 * 4000 * 4


@pytest.fixture
def turns(definition, monkeypatch):
    """A suite of several conditions, and what lay in the room each time it was cleared."""
    definition["conditions"] = [
        "clean",
        *({"corruption": name, "severities": [1, 3]} for name in ("white_noise", "clipping", "pink_noise", "hum")),
    ]
    definition["audio"] = {"sample_rate": 8000}
    seen: list[int] = []
    clear = passed.PassedAudio.clear

    def noted(self):
        seen.append(len([path for path in self.folder.iterdir() if path.suffix not in (".count", ".lock")]))
        clear(self)

    monkeypatch.setattr(passed.PassedAudio, "clear", noted)
    monkeypatch.setattr(passed, "WORTH_PERCENT", 0)  # what is worth it depends on the machine
    return seen


def bits(run: bb.Run) -> dict[str, list[bytes]]:
    """Predictions by cell, and the figures."""
    table = run.predictions()
    scores = [column for column in table if column.startswith("score.")]
    return {cell: [np.ascontiguousarray(rows[scores]).tobytes()] for cell, rows in table.groupby("cell", observed=True)}


@pytest.mark.parametrize("room", [2 * EACH - 8, 10**8])
def test_models_that_take_turns_answer_as_they_do_alone(turns, toy_run, adapter_file, tmp_path, monkeypatch, room):
    monkeypatch.setattr(passed, "MOST_BYTES", room)
    models = [
        adapter_file("first"),
        adapter_file("careless", "batch.waveforms[:] *= 0; np.random.seed(1)"),
        adapter_file("last", "batch = batch"),
    ]
    together = toy_run(models, isolate=True, limit=40, out=tmp_path / "together")
    assert not together.errors
    # Every clip was handed on once, and once more for every condition, though three models heard it.
    assert sum(turns) == 5 * 40
    if room < 10**8:
        assert max(turns) == 80 and len(turns) >= 4, "the room holds what one condition makes, and half of it is a turn"
    for model, run in zip(models, together):
        alone = toy_run(model, isolate=True, out=tmp_path / "alone")
        assert bits(run) == bits(alone)
        assert run.result.cells == alone.result.cells and run.result.model == alone.result.model
        assert (len({each for cell in bits(run).values() for each in cell}) == 1) == (run is together[1])


def test_models_whose_processes_start_anew_take_turns(turns, toy_run, adapter_file, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_FORK", "0")
    models = [adapter_file("first"), adapter_file("last", "batch = batch")]
    together = toy_run(models, isolate=True, out=tmp_path / "together")
    assert not together.errors and sum(turns) == 200
    assert [bits(run) for run in together] == [bits(toy_run(one, isolate=True, out=tmp_path / "a")) for one in models]


def test_a_model_that_ends_drops_out_and_the_others_go_on(turns, toy_run, adapter_file, tmp_path, monkeypatch):
    monkeypatch.setattr(passed, "MOST_BYTES", 2 * EACH - 8)
    count = "self.count = getattr(self, 'count', 0) + 1; import os, sys; "
    models = [
        adapter_file("crashes", count + "self.count > 9 and os._exit(1)"),
        adapter_file("good"),
        adapter_file("exits", count + "self.count > 14 and sys.exit(2)"),
        adapter_file("wrong", "batch.waveforms = batch.waveforms[:, :, None, 0]; return np.zeros((1, 7), 'f4')"),
        adapter_file("better", "batch = batch"),
    ]
    together = toy_run(models, isolate=True, out=tmp_path / "together")
    assert set(together.errors) == {"crashes", "exits", "wrong"}
    alone = [toy_run(model, isolate=True, out=tmp_path / "alone") for model in (models[1], models[4])]
    assert [bits(run) for run in together] == [bits(run) for run in alone]


def test_where_a_run_is_continued_only_what_is_missing_takes_turns(turns, toy_run, adapter_file, tmp_path):
    first, second = adapter_file("first"), adapter_file("second", "batch = batch")
    alone = toy_run(first, isolate=True)
    assert turns == []  # one model has nobody to hand anything to
    both = toy_run([first, second], isolate=True)
    assert sum(turns) == 200 and both[0].reused == (5, 5) and both[1].reused == (0, 5)
    assert both[0].result.cells == alone.result.cells


@pytest.mark.parametrize("case", ["attack alone", "no place", "not isolated"])
def test_without_a_room_models_run_one_after_the_other(turns, definition, toy_run, adapter_file, monkeypatch, case):
    if case == "attack alone":
        definition["conditions"] = ["clean"]
    if case == "no place":

        def refused(most=None):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(passed, "opened_room", refused)
    runs = toy_run([adapter_file("one"), adapter_file("two", "batch = batch")], isolate=case != "not isolated")
    assert len(runs) == 2 and not runs.errors and turns == []


def test_more_models_than_take_turns_at_once_are_taken_in_groups(turns, toy_run, adapter_file, monkeypatch):
    monkeypatch.setattr(inturn, "TOGETHER", 2)
    monkeypatch.setattr("benchbed.api.several.TOGETHER", 2)
    models = [adapter_file(f"m{number}", f"batch = batch; {number}") for number in range(3)]
    runs = toy_run(models, isolate=True)
    assert len(runs) == 3 and sum(turns) == 200  # the third has nobody to hand on to
    assert [run.path.name for run in runs] == ["m0", "m1", "m2"]
