"""The sums that a run leaves beside its record give the record's figures again."""

from __future__ import annotations

import pandas as pd
import pytest

from benchbed.compare.contrast import Procedure, replicates
from benchbed.compare.figure import Figure
from benchbed.compare.runs import open_run
from benchbed.run import session
from benchbed.run.job.policy import ErrorPolicy
from benchbed.suite.load import load_suite

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}
slices:
  - {column: device}
conditions: [clean, {corruption: white_noise, severities: [5], draws: 2}]
statistics: {draws: 100}
profile: false
"""


@pytest.fixture
def ran(tmp_path, toy_table: pd.DataFrame, adapter_file):
    toy_table[["path", "label", "group", "device"]].assign(split="test").to_csv(
        tmp_path / "data" / "clips.csv", index=False
    )
    (tmp_path / "toy.yaml").write_text(SUITE)

    def run(inject: str = "pass"):
        made = session.Settings(
            out=tmp_path / "runs", data={"toy": tmp_path / "data"}, quiet=True, errors=ErrorPolicy(fraction=1.0)
        )
        prepared = session.prepare(load_suite(str(tmp_path / "toy.yaml")), str(adapter_file(inject)), {}, made)
        return open_run(session.run(prepared, made, {}).path)

    return run


def test_the_sums_give_the_figures_again(ran):
    run = ran()
    for cell in run.result.cells:
        condition = cell.key.split("/", 2)[2]
        points, drawn = replicates(run, Figure(condition), Procedure(draws=100))
        for name, value in cell.metrics.items():
            assert points[name] == pytest.approx(value.value, rel=1e-5), (condition, name)
        # The same draws as the record's interval, because a bootstrap is named after its data.
        low, high = cell.metrics["log_loss"].low, cell.metrics["log_loss"].high
        assert drawn["log_loss"].min() - 1e-6 <= low <= high <= drawn["log_loss"].max() + 1e-6
    points, _ = replicates(run, Figure("clean", "device=a"), Procedure(draws=100))
    assert points["brier"] == pytest.approx(run.result.cells[0].groups["device=a"]["brier"].value, rel=1e-5)


def test_failed_clips_show_in_the_marks(ran):
    whole = ran()
    broken = ran("low = np.where((low * 1e6).astype(int) % 7 == 0, np.nan, low)")
    assert whole.statistics.index_hash == broken.statistics.index_hash
    for cell in broken.result.cells:
        assert 0 < cell.counts.failed < cell.counts.clips
        agree = whole.sums.cells[cell.key].marks == broken.sums.cells[cell.key].marks
        assert 0 < agree.sum() < len(agree) or cell.counts.failed >= len(agree)
