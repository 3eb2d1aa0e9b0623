"""Runs from end to end on a toy folder: reuse, resume after a kill, workers, limits, failures over policy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.compare.runs import open_run
from benchbed.errors import CannotMeasure, ConfigError, DataError
from benchbed.predictions.index import indexed
from benchbed.predictions.store import read_units
from benchbed.results.store import read
from benchbed.run import session
from benchbed.run.job.policy import ErrorPolicy, Reuse
from benchbed.run.journal import locked
from benchbed.suite.load import load_suite

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}
  splits: [test]
  train_split: train
slices:
  - {column: device, seen_unseen: true}
conditions: [clean]
statistics: {draws: 100}
profile: false
"""


@pytest.fixture
def toy(tmp_path: Path, toy_table: pd.DataFrame, adapter_file):
    """A toy suite, dataset and adapter; returns a function that runs them."""
    table = toy_table[["path", "label", "group", "device"]].assign(split="test")
    train = table.iloc[:4].assign(split="train", device="a", path=[f"t{i}.wav" for i in range(4)])
    for name in train["path"]:
        soundfile.write(tmp_path / "data" / name, np.full(4000, 0.1), 8000)
    pd.concat([table, train]).to_csv(tmp_path / "data" / "clips.csv", index=False)
    suite = tmp_path / "toy.yaml"
    suite.write_text(SUITE)

    def run(adapter: Path | None = None, overrides: dict[str, str] | None = None, **settings):
        settings = {"out": tmp_path / "runs", "data": {"toy": tmp_path / "data"}, "quiet": True, **settings}
        made = session.Settings(**settings)
        loaded = load_suite(str(suite), overrides)
        prepared = session.prepare(loaded, str(adapter or adapter_file()), {}, made)
        return session.run(prepared, made, {})

    return run


def stripped(path: Path) -> dict:
    """A record without its times, the digests of what has times in it, and how much of it was there already."""
    content = json.loads(path.read_text())
    del content["digest"], content["provenance"]["created"], content["provenance"]["cpu_seconds"]
    del content["provenance"]["reused"], content["provenance"]["reused_units"]
    del content["provenance"]["artefacts"]["predictions.json"]
    return content


def events(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_record_is_complete(toy):
    done = toy()
    result = read(done.path)
    cell = result.cells[0]
    assert cell.key == "scene/test/clean"
    assert cell.counts.clips == cell.counts.scored == 40
    assert result.scores["macro_accuracy"].value == 1.0
    assert {"device=a", "device=b", "devices=seen", "devices=unseen", "devices_gap=seen-unseen"} <= set(cell.groups)
    assert cell.groups["devices=unseen"]["accuracy"].n == 20, "device b is not in the training split"
    assert result.dataset.groups == 8 and not result.dataset.synthetic
    assert result.scores["log_loss"].interval.startswith("bootstrap")
    assert result.scores["log_loss"].low < result.scores["log_loss"].value < result.scores["log_loss"].high
    assert result.scores["baseline_majority:accuracy"].value == 0.5
    assert [e["event"] for e in events(done.path.parent)] == ["started", "unit", "finished"]


def test_a_second_run_reuses_everything_and_keeps_the_first_record(toy):
    first = toy()
    before = stripped(first.path)
    second = toy()
    assert second.reused == 1
    assert stripped(second.path) == before
    assert len(list((second.path.parent / "history").glob("*.json"))) == 1


def test_never_computes_again_and_only_never_computes(toy):
    with pytest.raises(DataError, match="1 of 1 units"):
        toy(reuse=Reuse.ONLY)
    first = toy()
    again = toy(reuse=Reuse.NEVER)
    assert again.reused == 0
    assert toy(reuse=Reuse.ONLY).reused == 1
    assert stripped(again.path)["cells"] == stripped(first.path)["cells"]


def test_other_code_is_reused_only_when_asked(toy, monkeypatch):
    toy()
    monkeypatch.setattr("benchbed.run.preparing.units.__version__", "other")
    assert toy(reuse=Reuse.ALWAYS).reused == 1
    assert toy().reused == 0


def test_changed_audio_is_computed_anew(toy, tmp_path):
    toy()
    soundfile.write(tmp_path / "data" / "00.wav", np.zeros(4000), 8000)
    assert toy().reused == 0


def test_a_changed_adapter_is_computed_anew(toy, adapter_file):
    toy()
    assert toy(adapter_file("low = low * 1.0")).reused == 0


def test_batch_size_one_agrees_and_workers_change_no_bit(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("benchbed.run.preparing.units.SHARD_CLIPS", (7, 7))
    one = toy()
    two = toy(out=tmp_path / "two", workers=2)
    assert len(list((one.path.parent / "predictions").glob("*.parquet"))) == 6
    a, b = stripped(one.path), stripped(two.path)
    assert a["provenance"].pop("workers") == 1 and b["provenance"].pop("workers") == 2
    assert a == b
    single = toy(out=tmp_path / "three", batch_size=1)
    assert stripped(single.path)["cells"][0]["metrics"]["accuracy"] == a["cells"][0]["metrics"]["accuracy"]


def test_a_limit_is_a_fixed_subset_and_is_recorded(toy, tmp_path):
    done = toy(limit=10)
    result = read(done.path)
    assert result.dataset.limit == 10 and result.cells[0].counts.clips == 10
    other = read(toy(limit=10, out=tmp_path / "b").path)
    assert other.dataset.index_hash == result.dataset.index_hash
    assert read(toy(limit=1000, out=tmp_path / "c").path).cells[0].counts.clips == 40


def test_stale_and_foreign_files_in_the_folder_do_no_harm(toy):
    done = toy()
    stored = done.path.parent / "predictions"
    (stored / "junk.parquet").write_bytes(b"junk")
    (stored / ".x.part").write_bytes(b"half")
    unit = next(p for p in stored.glob("*.parquet") if p.stem != "junk")
    unit.write_bytes(unit.read_bytes()[:50])
    again = toy()
    assert again.reused == 0
    assert [p.name for p in stored.iterdir()] == [unit.name]


def test_clips_that_a_corruption_skips_are_no_figure_of_it(toy, tmp_path, adapter_file):
    """Silence has no level to hold noise against. Every noisy clip is answered wrong: the figure is 0 of 34 clips."""
    for i in (0, 2, 4, 20, 22, 24):
        soundfile.write(tmp_path / "data" / f"{i:02d}.wav", np.zeros(4000), 8000)
    wrong = "noisy = np.median(spectrum, 1) > 1.8; low, high = np.where(noisy, (high, low), (low, high))"
    conditions = "[clean, {corruption: white_noise, severities: [3]}]"
    done = toy(adapter_file(wrong), {"conditions": conditions})
    result = read(done.path)
    clean, noisy = result.cells
    assert clean.metrics["accuracy"].value == 1.0 and clean.metrics["accuracy"].of is None
    assert (noisy.counts.clips, noisy.counts.scored, noisy.counts.skipped) == (40, 40, 6) and noisy.complete
    value = noisy.metrics["accuracy"]
    assert (value.value, value.n, value.of) == (0.0, 34, 40)
    device = noisy.groups["device=a"]["macro_accuracy"]
    assert (device.value, device.n, device.of) == (0.0, 17, 20)
    # The sums that comparisons are made from leave them out, too.
    sums = open_run(done.path.parent).sums.cells["scene/test/white_noise@3"]
    assert sums.clips.sum() == 34


def test_a_corruption_that_applies_to_no_clip_has_no_figure_and_no_sums(toy, tmp_path):
    for path in (tmp_path / "data").glob("[0-9]*.wav"):
        soundfile.write(path, np.zeros(4000), 8000)
    done = toy(None, {"conditions": "[clean, {corruption: white_noise, severities: [3]}]"})
    noisy = read(done.path).cells[1]
    assert noisy.metrics["accuracy"].value is None and noisy.metrics["accuracy"].n == 0
    assert "cannot apply" in noisy.metrics["accuracy"].reason
    assert open_run(done.path.parent).sums.cells["scene/test/white_noise@3"].clips.sum() == 0


def test_a_mean_over_classes_says_how_few_recordings_it_rests_on(toy):
    """Forty clips are eight recordings, and each class is in all of them."""
    result = read(toy().path)
    said = "a mean over 2 classes, of which 2 rest on fewer than 10 recordings (low on 8)"
    assert result.cells[0].metrics["macro_accuracy"].note == said == result.scores["macro_accuracy"].note
    assert result.cells[0].metrics["accuracy"].note is None
    [check] = [check for check in result.checks if check.name == "sources"]
    assert check.status == "warn" and "low 8, high 8" in check.message


def test_a_limited_run_leaves_the_predictions_of_the_whole_run(toy):
    whole = toy()
    assert toy(limit=10).reused == 0
    again = toy()
    assert again.reused == 1 and read(again.path).cells[0].counts.clips == 40
    assert stripped(again.path)["cells"] == stripped(whole.path)["cells"]
    assert len(list((whole.path.parent / "predictions").glob("*.parquet"))) == 1, "the whole run tidies up"


def test_predictions_of_another_limit_are_no_part_of_a_run(toy):
    folder = toy().path.parent
    toy(limit=10)
    assert len(list((folder / "predictions").glob("*.parquet"))) == 2 and len(indexed(folder)) == 1
    assert len(read_units(indexed(folder)).scores) == 10


def test_a_damaged_unit_is_computed_anew(toy):
    first = toy()
    [unit] = (first.path.parent / "predictions").glob("*.parquet")
    data = bytearray(unit.read_bytes())
    data[len(data) // 2] ^= 4
    unit.write_bytes(data)
    with pytest.raises(DataError, match="1 of 1 units"):
        toy(reuse=Reuse.ONLY)
    assert toy().reused == 0


def test_the_policy_holds_for_each_condition_by_itself(toy, adapter_file):
    """20 clips are lost under the fifth severity alone: 8 % of all predictions, half of that cell."""
    lose = "low[(np.median(spectrum, 1) > 80) & (low > high)] = np.nan"
    conditions = {"conditions": "[clean, {corruption: white_noise, severities: [1, 2, 3, 4, 5]}]"}
    done = toy(adapter_file(lose), conditions, errors=ErrorPolicy.parse("0.1"))
    result = read(done.path)
    assert [cell.counts.failed for cell in result.cells] == [0, 0, 0, 0, 0, 20]
    assert [str(t) for t in done.over] == ["20 of 40 clips of scene/test/white_noise@5"] and done.exceeded
    value = result.cells[-1].metrics["accuracy"]
    assert (value.n, value.of) == (20, 40)
    assert not toy(adapter_file(lose), conditions, errors=ErrorPolicy.parse("0.5")).exceeded


def test_failures_are_counted_listed_and_held_against_the_policy(toy, tmp_path):
    (tmp_path / "data" / "03.wav").write_bytes(b"")
    (tmp_path / "data" / "04.wav").unlink()
    lenient = toy(errors=ErrorPolicy.parse("2"))
    result = read(lenient.path)
    assert not lenient.exceeded
    assert [f.clip_id for f in result.failures] == ["toy/03.wav", "toy/04.wav"]
    assert result.cells[0].counts.failed == 2 and result.cells[0].counts.scored == 38
    assert not result.cells[0].complete
    assert toy(errors=ErrorPolicy.parse("0.01")).exceeded
    with pytest.raises(CannotMeasure, match="decode failed"):
        toy(errors=ErrorPolicy.parse("true"), reuse=Reuse.NEVER)


def test_an_adapter_that_always_raises_is_one_error(toy, adapter_file):
    with pytest.raises(CannotMeasure, match="no such layer"):
        toy(adapter_file("raise RuntimeError('no such layer')"))


def test_two_runs_into_one_folder(toy):
    done = toy()
    with locked(done.path.parent), pytest.raises(ConfigError, match="another run is writing"):
        toy()


def test_a_column_or_split_that_the_dataset_lacks_points_at_the_suite(toy):
    with pytest.raises(ConfigError, match=r"no split 'tets'") as caught:
        toy(overrides={"data.splits": "[tets]"})
    assert "did you mean 'test'" in str(caught.value)
    with pytest.raises(ConfigError, match="no column 'devise'"):
        toy(overrides={"slices": "[{column: devise}]"})


def test_a_wrong_data_path_is_never_replaced_by_synthetic_data(toy, tmp_path):
    with pytest.raises(DataError):
        toy(data={"toy": tmp_path / "nowhere"})


def test_unconfigured_data_without_a_stand_in(toy):
    with pytest.raises(DataError, match="not configured"):
        toy(data={})


@pytest.mark.parametrize("moment", ["first unit", "later"])
def test_killed_at_any_moment_it_continues_to_the_same_record(toy, tmp_path, adapter_file, monkeypatch, moment):
    monkeypatch.setattr("benchbed.run.preparing.units.SHARD_CLIPS", (5, 5))
    slow = adapter_file("import time; time.sleep(0.4)")
    script = tmp_path / "go.py"
    script.write_text(
        "import sys; from pathlib import Path\n"
        "from benchbed.run import session; from benchbed.run.preparing import units; units.SHARD_CLIPS = (5, 5)\n"
        "from benchbed.suite.load import load_suite\n"
        f"made = session.Settings(out=Path({str(tmp_path / 'runs')!r}), quiet=True,"
        f" data={{'toy': Path({str(tmp_path / 'data')!r})}})\n"
        f"prepared = session.prepare(load_suite({str(tmp_path / 'toy.yaml')!r}), {str(slow)!r}, {{}}, made)\n"
        "print('ready', flush=True); session.run(prepared, made, {})\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    folder = tmp_path / "runs" / "toy" / "toy" / "predictions"
    deadline = time.monotonic() + 60
    if moment == "later":
        while len(list(folder.glob("*.parquet"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder.parent / "result.json").exists()
    left = len(list(folder.glob("*.parquet"))) if folder.exists() else 0
    continued = toy(slow)
    assert continued.reused == left
    assert (left >= 2) is (moment == "later")
    whole = toy(slow, out=tmp_path / "whole")
    assert stripped(continued.path) == stripped(whole.path)


def test_nothing_is_lost_when_the_disk_fills_up(toy, monkeypatch):
    from benchbed import whole

    monkeypatch.setattr("benchbed.run.preparing.units.SHARD_CLIPS", (10, 10))
    real, calls = os.replace, []

    def full(source, target):
        calls.extend([target] if str(target).endswith(".parquet") else [])
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(whole.os, "replace", full)
    with pytest.raises(CannotMeasure, match="disk is full"):
        toy()
    monkeypatch.setattr(whole.os, "replace", real)
    assert toy().reused == 2
