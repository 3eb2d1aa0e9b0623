"""Cells that other processes score: the record is that of scoring them here, and so are errors."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_kinds import SUITES, toy

import benchbed as bb
from benchbed.errors import CannotMeasure
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.store import UnitPredictions, write_unit
from benchbed.run import recording, session
from benchbed.run.isolating.forking import serving
from benchbed.run.job.cluster import ClusterAsked
from benchbed.run.job.settings import Settings
from benchbed.run.scoring import apart
from benchbed.run.scoring.apart import conditions_of
from benchbed.run.scoring.grounds import Grounds
from benchbed.suite.load import load_suite


@pytest.fixture(scope="module", autouse=True)
def one_server() -> Iterator[None]:
    """Imports are paid once for all tests."""
    with serving():
        yield


def figures(folder: Path) -> dict:
    """A record without what says how it was made."""
    content = json.loads((folder / "result.json").read_text())
    del content["digest"]
    for name in ("created", "workers", "reused", "reused_units", "command", "cpu_seconds", "reuse"):
        del content["provenance"][name]
    del content["provenance"]["artefacts"]["predictions.json"]  # unit files say how long they took
    return content


class Pieces:
    """What was given to other processes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[apart.ConditionPart] = []
        was = apart.shared_out

        def noted(name, limits, workers, begin, call, pieces, modules):
            self.seen += pieces
            return was(name, limits, workers, begin, call, pieces, modules)

        monkeypatch.setattr(apart, "WORTHWHILE", 0)
        monkeypatch.setattr(apart, "shared_out", noted)


@pytest.fixture(scope="module", autouse=True)
def loaded_before(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A model was loaded in this process: the first one of a process that tests share may have sources of its caller
    in its key, which libraries read while they are imported, so that it is computed once more than needed."""
    place = tmp_path_factory.mktemp("before")
    toy(place / "toy", "scenes")
    data = {"toy": place / "toy" / "data"}
    bb.run(place / "toy" / "toy.yaml", place / "toy" / "net.py", data=data, out=place / "runs", report=False)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    return Pieces(monkeypatch)


@pytest.mark.parametrize("kind", SUITES)
def test_cells_scored_by_other_processes_are_the_same_bit_for_bit(tmp_path: Path, pieces: Pieces, kind: str):
    toy(tmp_path / "toy", kind)
    asked = {"data": {"toy": tmp_path / "toy" / "data"}, "out": tmp_path / "runs", "report": False}
    here = figures(bb.run(tmp_path / "toy" / "toy.yaml", tmp_path / "toy" / "net.py", **asked).path)
    assert not pieces.seen
    there = bb.run(tmp_path / "toy" / "toy.yaml", tmp_path / "toy" / "net.py", workers=2, reuse="always", **asked)
    assert [len(piece.cells) for piece in pieces.seen] in ([2, 1], [1, 1]), "a piece for each condition"
    assert figures(there.path) == here


def test_a_cell_without_any_prediction_is_the_error_it_is_here(tmp_path: Path, pieces: Pieces):
    toy(tmp_path / "toy", "events")
    place = tmp_path / "toy" / "net.py"
    place.write_text(place.read_text().replace("frames.transpose(1, 2)", "frames.transpose(1, 2) / 0 * 0"))
    asked = {"data": {"toy": tmp_path / "toy" / "data"}, "out": tmp_path / "runs", "report": False, "errors": 0.9}
    told = []
    for workers in (1, 2):
        with pytest.raises(CannotMeasure) as raised:
            bb.run(tmp_path / "toy" / "toy.yaml", place, workers=workers, **asked)
        told.append(str(raised.value))
    assert "has a prediction" in told[0]
    assert told[0] == told[1]
    assert pieces.seen


def test_few_predictions_or_one_worker_are_scored_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apart, "shared_out", lambda *a: pytest.fail("not worth a process"))
    toy(tmp_path / "toy", "scenes")
    asked = {"data": {"toy": tmp_path / "toy" / "data"}, "out": tmp_path / "runs", "report": False}
    bb.run(tmp_path / "toy" / "toy.yaml", tmp_path / "toy" / "net.py", **asked)
    bb.run(tmp_path / "toy" / "toy.yaml", tmp_path / "toy" / "net.py", workers=2, reuse="always", **asked)


def test_what_scoring_rests_on_can_be_sent_and_holds_no_model(tmp_path: Path):
    toy(tmp_path / "toy", "scenes")
    settings = session.Settings(out=tmp_path / "runs", data={"toy": tmp_path / "toy" / "data"})
    prepared = session.prepare(
        load_suite(str(tmp_path / "toy" / "toy.yaml")), str(tmp_path / "toy" / "net.py"), {}, settings
    )
    sent = pickle.dumps(Grounds.of(prepared, 3))
    grounds = pickle.loads(sent)
    assert b"torch" not in sent and grounds.seed == 3 and grounds.index_hash == prepared.index_hash
    family, primary = grounds.family()
    assert primary in family.metrics and list(family.labels) == ["high", "low"]


def test_conditions_are_cut_by_split_and_the_largest_comes_first(tmp_path: Path):
    from benchbed.suite.plan import CellPlan

    def cells(split: str, condition: int, count: int) -> tuple[CellPlan, ...]:
        return tuple(
            CellPlan(f"scene/{split}/{condition}@{i}", "scene", split, "corruption", "hum", i + 1, condition)
            for i in range(count)
        )

    paths, of = [], {}
    for split in ("fold1", "fold2"):
        for shard in range(2):
            for condition, count in ((0, 1), (1, 3)):
                held = cells(split, condition, count)
                columns = {"clip_id": [f"{split}-{shard}"] * count, "cell": [cell.key for cell in held]}
                unit = UnitPredictions(f"{split}-{shard}-{condition}", ("a", "b"), columns, np.zeros((count, 2)))
                paths.append(write_unit(unit, tmp_path))
                of[paths[-1]] = columns["cell"]
    plan = [cell for split in ("fold1", "fold2") for i, n in ((0, 1), (1, 3)) for cell in cells(split, i, n)]
    made = conditions_of(PredictionsByCell(paths, of), plan)
    first = made[0].stored.paths([cell.key for cell in made[0].cells])
    assert [path.stem for path in first] == ["fold1-0-1", "fold1-1-1"] and len(made[0].cells) == 3
    assert [len(piece.cells) for piece in made] == [3, 3, 1, 1]
    assert sorted(cell.key for piece in made for cell in piece.cells) == sorted(cell.key for cell in plan)


def test_workers_of_a_cluster_are_no_processes_of_the_machine_that_scores(monkeypatch):
    monkeypatch.setattr(recording.os, "cpu_count", lambda: 4)
    counts = {workers: recording.scorers(Settings(workers=workers, cluster=ClusterAsked())) for workers in (0, 2, 256)}
    assert counts == {0: 0, 2: 2, 256: 4}
    assert recording.scorers(Settings(workers=6)) == 6  # asked for here
