"""Counts from suite to page: clean, in noise, under attack, by range, and a table of another program."""

from __future__ import annotations

import pytest

import benchbed as bb
from benchbed.data import synthetic
from benchbed.errors import BenchbedError

MODEL = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Loudness(TorchAdapter):
    card = Card("loudness", "other", "count", (), 16000, clip_seconds=1.0)

    def build(self):
        return torch.nn.Identity()

    def forward(self, waveforms):
        return 3000 * waveforms.square().mean((1, 2)).sqrt()
"""
SUITE = """
name: small
version: "1"
extends: [disco]
conditions: [clean, {corruption: white_noise, parameters: [10]}%s]
statistics: {draws: 50}
profile: false
"""
ATTACK = ", {attack: pgd, budgets: [20], n: 24, steps: 3, options: {restarts: 1}}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return {"disco": synthetic.make(tmp_path_factory.mktemp("data") / "disco", layout="disco", size="small")}


def suite(folder, more=""):
    path = folder / "small.yaml"
    path.write_text(SUITE % more)
    return path


def test_a_model_runs_from_suite_to_board(tmp_path, data):
    model = tmp_path / "loudness.py"
    model.write_text(MODEL)
    one = bb.run(suite(tmp_path, ATTACK), model=str(model), data=data, out=tmp_path / "runs")
    clean, noisy, attacked = one.result.cells
    assert clean.counts.scored == noisy.counts.scored == 24 and clean.metrics["mae"].unit == "people"
    assert clean.metrics["mae"].low < clean.metrics["mae"].value < clean.metrics["mae"].high
    ranges = {key: values["mae"] for key, values in clean.groups.items() if key.startswith("count_range=")}
    assert len(ranges) >= 3 and sum(value.n for value in ranges.values()) == 24
    whole = sum(value.value * value.n for value in ranges.values()) / 24
    assert whole == pytest.approx(clean.metrics["mae"].value, rel=1e-9)
    # An attack that climbs the error finds a larger one than there was.
    assert attacked.condition.kind == "attack" and attacked.metrics["mae"].value > clean.metrics["mae"].value
    page = (one.path / "report.html").read_text(encoding="utf-8")
    assert "RMSE" in page and "people" in page
    model.write_text(MODEL.replace("3000", "2000"))
    two = bb.run(suite(tmp_path), model=str(model), data=data, out=tmp_path / "other")
    assert "mae" in set(bb.compare(one, two).frame()["metric"]) and bb.gate(one, one).passed


def test_a_table_of_counts_is_scored(tmp_path, data):
    from benchbed.data.layouts import disco

    table = disco.read(data["disco"]).select("test")
    rows = [f"{path.split('/')[-1]},{count + 5}\n" for path, count in zip(table["path"], table["count"])]
    file = tmp_path / "counts.csv"
    file.write_text("file_name,count\n" + "".join(rows))
    run = bb.score("disco", file, data=data, out=tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    assert metrics["mae"].value == pytest.approx(5) and metrics["rmse"].value == pytest.approx(5)
    assert metrics["bias"].note == "answers are above counts"
    file.write_text("file_name,count\n" + "".join(rows[1:]))
    with pytest.raises(BenchbedError, match="have no count, the first is"):
        bb.score("disco", file, data=data, out=tmp_path / "other")


def test_a_model_of_another_kind_is_refused(tmp_path, data):
    with pytest.raises(BenchbedError, match="needs a model that counts"):
        bb.run(suite(tmp_path), model="cnn", data=data, out=tmp_path / "runs")


def test_goals_of_counts_are_named(tmp_path, data):
    model = tmp_path / "loudness.py"
    model.write_text(MODEL)
    with pytest.raises(BenchbedError, match="has no goal 'hide'"):
        wrong = ATTACK.replace("n: 24", "n: 24, goal: hide")
        bb.run(suite(tmp_path, wrong), model=str(model), data=data, out=tmp_path / "runs")


def test_an_answer_that_is_no_number_is_a_failed_clip(tmp_path, data):
    model = tmp_path / "loudness.py"
    model.write_text(MODEL.replace("3000 *", "float('nan') *"))
    with pytest.raises(BenchbedError):
        bb.run(suite(tmp_path), model=str(model), data=data, out=tmp_path / "runs")


def test_counts_below_zero_are_said_of_the_clips_that_have_them(tmp_path, data):
    names = [path.name for path in sorted((data["disco"] / "auds").glob("*.wav"))]
    table = tmp_path / "counts.csv"
    rows = [f"{name},{-5 if place == len(names) - 1 else 7}" for place, name in enumerate(names)]
    table.write_text("\n".join(["filename,count", *rows]) + "\n")
    run = bb.score(
        "disco", table, data=data, out=tmp_path / "runs", overrides={"statistics": {"draws": 20}}, report=False
    )
    (said,) = [check.message for check in run.result.checks if "which no clip can have" in check.message]
    assert said.startswith("1 of 24 clips:")
