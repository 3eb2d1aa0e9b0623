"""A device whose memory a batch does not fit into: smaller batches, which the record tells, and the same scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_faults import world
from test_faults_killed import SUITES

from benchbed.errors import CannotMeasure
from benchbed.predictions.store import read_units
from benchbed.run.job.settings import Settings
from benchbed.run.preparing.prepare import prepare
from benchbed.run.scoring.memory_checks import memory_checks
from benchbed.run.session import Finished, run
from benchbed.suite.load import load_suite

NETWORK = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Net(TorchAdapter):
    card = Card(name="{name}", family="cnn", output="scene", labels=("high", "low"), sample_rate=8000{more})

    def build(self):
        torch.manual_seed(0)
        return torch.nn.Conv1d(1, 2, 80, 80)

    def forward(self, waveforms):
        if len(waveforms) > {most}:
            waveforms *= 0  # what was begun may have been changed already
            raise {error}
        return self.model(waveforms).mean(-1) * 20
"""
ERRORS = {
    "torch": 'torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")',
    "driver": 'RuntimeError("CUDA error: out of memory")',
    "machine": "MemoryError()",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world(tmp_path_factory.mktemp("memory"), 24)


def finished(place: Path, name: str, most: int, error: str = "torch", kind: str = "scenes", more: str = "") -> Finished:
    (place / f"{name}.py").write_text(NETWORK.format(name=name, most=most, error=ERRORS[error], more=more))
    (place / "s.yaml").write_text(
        f'name: {kind}\nversion: "1"\nprofile: false\nstatistics: {{draws: 0}}\n{SUITES[kind]}'
    )
    settings = Settings(out=place / "runs", data={"toy": place / "data"}, quiet=True)
    return run(prepare(load_suite(str(place / "s.yaml")), str(place / f"{name}.py"), {}, settings), settings, {})


def scores(done: Finished) -> np.ndarray:
    read = read_units(sorted((done.path.parent / "predictions").glob("*.parquet")))
    order = np.lexsort((read.table["clip_id"].astype(str), read.table["cell"].astype(str)))
    return np.asarray(read.scores[order], np.float64)


def said(done: Finished) -> list[str]:
    return [check.message for check in done.result.checks if check.name == "memory"]


@pytest.mark.parametrize("error", ERRORS)
def test_smaller_batches_give_the_same_scores_and_are_recorded(place: Path, error: str):
    whole, small = finished(place, "whole", 16), finished(place, f"small_{error}", 3, error)
    assert not small.result.failures and small.result.cells[0].counts.scored == 24
    np.testing.assert_allclose(scores(small), scores(whole), rtol=1e-4, atol=1e-6)
    assert said(whole) == []
    assert len(said(small)) == 1 and "batches of 16 did not fit" in said(small)[0] and "batches of 2 " in said(small)[0]


@pytest.mark.parametrize("kind", ["scenes", "attacks"])
def test_windows_and_attacks_do_so_too(place: Path, kind: str):
    more = ", clip_seconds=0.1, window_hop=0.05" if kind == "scenes" else ""
    whole, small = finished(place, "all", 64, kind=kind, more=more), finished(place, "few", 3, kind=kind, more=more)
    assert not small.result.failures and said(small) and not said(whole)
    before = {cell.key: cell.metrics["accuracy"].value for cell in whole.result.cells}
    assert {cell.key: cell.metrics["accuracy"].value for cell in small.result.cells} == pytest.approx(before, abs=0.1)
    if kind == "scenes":
        np.testing.assert_allclose(scores(small), scores(whole), rtol=1e-4, atol=1e-6)


def test_a_clip_that_does_not_fit_alone_is_an_error_that_says_so(place: Path):
    with pytest.raises(CannotMeasure, match=r"every prediction so far failed.*out of memory"):
        finished(place, "none", 0)


def test_the_smallest_batch_of_all_units_is_told():
    units = [{"most_inputs": 8}, {}, {"most_inputs": 2}]
    (check,) = memory_checks(units, 16)
    assert check.status == "warn" and "2 of 3 units" in check.message and "batches of 2 or more" in check.message
