"""Anomalous machine sounds from suite to board: runs, submitted folders, real scores, and scores that are turned."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import benchbed as bb
from benchbed.data import synthetic
from benchbed.errors import BenchbedError, ConfigError

SCORES = "mlperf_tiny/anomaly_detection/trained_models/ToyCar/baseline_tf23/result"
MODEL = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Loudness(Adapter):
    card = Card("loudness", "other", "anomaly", (), 16000, channels=2, side_information=("machine",))

    def __init__(self, *, turn: int = 1):
        self.turn = turn

    def predict(self, batch):
        assert set(batch.side["machine"]) <= {"fan", "slider", "valve"}
        high = np.abs(np.diff(batch.waveforms, axis=2)).mean((1, 2)) / np.abs(batch.waveforms).mean((1, 2))
        return np.stack([self.turn * high, high > np.median(high)], 1)
"""
SUITE = """
name: small{year}
version: "1"
extends: [dcase{year}_task2]
conditions: [clean, {{corruption: white_noise, parameters: [10]}}]
statistics: {{draws: 50}}
"""


def suite(folder, year, conditions=True):
    path = folder / f"small{year}.yaml"
    path.write_text(SUITE.format(year=year) if conditions else SUITE.format(year=year).replace(", {c", "]\n#, {c"))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    names = [f"dcase{year}_task2" for year in (2023, 2026)]
    return {name: synthetic.make(root / name, layout=name, size="small") for name in names}


def test_a_model_runs_from_suite_to_board(tmp_path, data):
    model = tmp_path / "loudness.py"
    model.write_text(MODEL)
    one = bb.run(suite(tmp_path, 2023), model=str(model), data=data, out=tmp_path / "runs")
    clean, noisy = one.result.cells
    assert clean.counts.scored == noisy.counts.scored == 48
    assert clean.metrics["score"].value is not None and clean.metrics["f1"].value is not None
    assert set(clean.groups) >= {"class=fan section_00", "machine=valve"}
    assert clean.groups["machine=fan"]["auc_source"].value is not None
    assert not [one_ for one_ in one.result.checks if one_.name.startswith("answers:") and one_.status == "fail"]
    page = (one.path / "report.html").read_text(encoding="utf-8")
    assert "Official score" in page and "fan section_00" in page and "AUC (target)" in page
    two = bb.run(suite(tmp_path, 2026), model=str(model), data=data, out=tmp_path / "runs")
    assert two.result.cells[0].counts.scored == 48 and "2026" in two.result.cells[0].metrics["score"].rule
    other = bb.run(
        suite(tmp_path, 2023, False), model=str(model), options={"turn": -1}, data=data, out=tmp_path / "other"
    )
    assert "score" in set(bb.compare(one, other).frame()["metric"]) and bb.gate(one, one).passed
    assert "loudness" in Path(bb.leaderboard([one, two], tmp_path / "site")).read_text(encoding="utf-8")


def submitted(folder, root, turn=1.0):
    """A folder of scores that tell anomalies in the test clips of a stand-in."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    for machine in ("fan", "slider", "valve"):
        clips = sorted(path.name for path in (root / "dev_data" / machine / "test").iterdir())
        rows = [(clip, turn * (("anomaly" in clip) + draw.normal(0, 0.3))) for clip in clips]
        for what, taken in (("anomaly_score", rows), ("decision_result", [(c, int(v > 0.5)) for c, v in rows])):
            with (folder / f"{what}_{machine}_section_00_test.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows(taken)
    return folder


def test_a_folder_of_scores_is_scored(tmp_path, data):
    root = data["dcase2023_task2"]
    run = bb.score(suite(tmp_path, 2023, False), submitted(tmp_path / "one", root), data=data, out=tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    assert metrics["score"].value > 0.8 and metrics["f1"].value > 0.6
    assert next(c for c in run.result.checks if c.name == "answers:inverted").status == "pass"
    turned = submitted(tmp_path / "turned", root, -1.0)
    run = bb.score(suite(tmp_path, 2023, False), turned, data=data, out=tmp_path / "runs")
    check = next(c for c in run.result.checks if c.name == "answers:inverted")
    assert (
        check.status == "warn"
        and "far below one half" in check.message
        and run.result.cells[0].metrics["auc"].value < 0.2
    )
    for file in turned.glob("*_fan_*"):
        file.unlink()
    with pytest.raises(BenchbedError, match="no file of scores for fan section_00"):
        bb.score(suite(tmp_path, 2023, False), turned, data=data, out=tmp_path / "third")


@pytest.mark.realdata
@pytest.mark.parametrize("prefix", ["", "tflite_", "tflite_quant_", "tflite_quant_fullint_"])
def test_real_scores_of_2020_have_the_figures_that_were_published_with_them(tmp_path, realdata, prefix):
    """Scores of the autoencoder of MLPerf Tiny (mlcommons/tiny at 1afd2c9), with the areas printed beside them."""
    scores = realdata / SCORES
    folder, root = tmp_path / "system", tmp_path / "data"
    folder.mkdir()
    (root / "ToyCar" / "test").mkdir(parents=True)
    for number in range(1, 5):
        text = (scores / f"{prefix}anomaly_score_ToyCar_id_0{number}.csv").read_text()
        (folder / f"anomaly_score_ToyCar_id_0{number}.csv").write_text(text)
        for clip, _ in csv.reader(text.splitlines()):
            (root / "ToyCar" / "test" / clip).touch()
    run = bb.score("dcase2020_task2", folder, data={"dcase2020_task2": root}, out=tmp_path / "runs")
    printed = {row[0]: row[1:] for row in csv.reader((scores / f"{prefix}result.csv").open()) if len(row) == 3}
    cell = run.result.cells[0]
    for number in range(1, 5):
        held = cell.groups[f"class=ToyCar id_0{number}"]
        expected = [float(value) for value in printed[f"0{number}"]]
        assert [held["section_auc"].value, held["section_pauc"].value] == pytest.approx(expected, abs=1e-12)
    average = [float(value) for value in printed["Average"]]
    assert [cell.metrics["auc"].value, cell.metrics["pauc"].value] == pytest.approx(average, abs=1e-12)


@pytest.mark.parametrize("attack", ["pgd", "fast"])
def test_attacks_on_anomaly_scores_are_refused_with_the_reason(tmp_path, attack):
    with pytest.raises(ConfigError, match="cannot be attacked: a score is right or wrong only beside the scores"):
        bb.run(
            "dcase2023_task2",
            model="anomaly_autoencoder",
            overrides={"conditions": ["clean", {"attack": attack, "budgets": [20], "n": 4}]},
            limit=4,
            out=tmp_path,
            isolate=False,
        )


def test_a_folder_of_another_year_is_told_by_its_machines(tmp_path):
    """Files of the evaluation set of 2024, scored by the suite of 2023: no machine of theirs is in its set."""
    folder = tmp_path / "system"
    folder.mkdir()
    (folder / "anomaly_score_3DPrinter_section_00_test.csv").write_text("section_00_0000.wav,1\n")
    with pytest.raises(BenchbedError, match="no file of scores for fan section_00") as raised:
        bb.score("dcase2023_task2", folder, out=tmp_path / "runs")
    assert "is this the right year" in str(raised.value) and "3DPrinter" in str(raised.value)
