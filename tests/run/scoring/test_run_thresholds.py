"""Thresholds chosen on a validation split in a run, frozen, recorded, and used again by another run."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.metrics import f1_score

from benchbed.errors import BenchbedError, CannotMeasure, ConfigError, DataError
from benchbed.predictions.store import read_units
from benchbed.run import session
from benchbed.run.job.policy import ErrorPolicy, Reuse
from benchbed.run.preparing.price import estimate
from benchbed.suite.load import load_suite

RATE = 8000
LABELS = ("high", "low")
#: A model that hears two tones and says how loud they are, which is no probability that anybody could threshold at 0.5.
DETECTOR = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Ear(Adapter):
    def __init__(self, output: str = "frames", checkpoint: str = "", broken: str = ""):
        self.broken = broken
        self.card = Card(name="ear", family="other", output=output, labels=("high", "low"), sample_rate=8000,
                         scores="probabilities", frame_seconds=0.1 if output == "frames" else None)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        frames = batch.waveforms[:, 0, : samples // 800 * 800].reshape(clips, -1, 800)
        power = np.abs(np.fft.rfft(frames, axis=2)) ** 2
        loud = np.stack([power[..., 100:].sum(2), power[..., :100].sum(2)], 2)
        scores = np.clip(np.sqrt(loud) / 400, 0, 1).astype(np.float32)
        if self.broken == "nan":
            scores[:] = np.nan
        return scores if self.card.output == "frames" else scores.max(1)
"""


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    """Forty recordings of two seconds in two halves; tones of several levels are events, softer ones are none."""
    root = tmp_path_factory.mktemp("toys")
    (root / "audio").mkdir()
    rows, random = ["filename\tonset\toffset\tevent_label"], np.random.default_rng(0)
    for index in range(40):
        half = "val" if index < 20 else "test"
        wave, time = 0.003 * random.standard_normal(2 * RATE), np.arange(2 * RATE) / RATE
        for label in LABELS:
            onset = round(float(random.integers(0, 10)) / 10, 1)
            level, real = (0.3, random.random() < 0.6) if random.random() < 0.5 else (0.1, random.random() < 0.4)
            inside = (time >= onset) & (time < onset + 0.8)
            loud = level * (0.35 if not real else 1.0) * random.uniform(0.5, 1.0)
            wave = wave + inside * loud * np.sin(2 * np.pi * (200 if label == "low" else 2000) * time)
            if real:
                rows.append(f"{half}_{index}.wav\t{onset}\t{onset + 0.8:.1f}\t{label}")
        soundfile.write(root / "audio" / f"{half}_{index}.wav", wave, RATE, subtype="FLOAT")
    (root / "events.tsv").write_text("\n".join(rows) + "\n")
    for half, span in (("val", range(20)), ("test", range(20, 40)), ("both", range(10, 30))):
        names = [f"{'val' if i < 20 else 'test'}_{i}.wav" for i in span]
        (root / f"{half}.txt").write_text("\n".join(names) + "\n")
    return root


@pytest.fixture
def ready(tmp_path: Path, toys: Path):
    """Writes a suite and prepares a run of it; `run` also runs it."""
    adapter = tmp_path / "ear.py"
    adapter.write_text(textwrap.dedent(DETECTOR))

    def suite(text: str, overrides=None):
        path = tmp_path / "suite.yaml"
        path.write_text(
            'name: toys\nversion: "1"\nprofile: false\nstatistics: {draws: 0}\n'
            "data: {layout: events, name: toys, options: {splits: {val: val.txt, test: test.txt, both: both.txt}}}\n"
            + text
        )
        return load_suite(str(path), overrides)

    def prepare(text: str, options: dict | None = None, overrides=None, **settings):
        given = session.Settings(out=tmp_path / "runs", data={"toys": toys}, quiet=True, **settings)
        return session.prepare(suite(text, overrides), str(prepare.adapter), options or {}, given), given

    def run(text: str, options: dict | None = None, overrides=None, **settings):
        prepared, given = prepare(text, options, overrides, **settings)
        return session.run(prepared, given, options or {})

    prepare.suite, prepare.run, prepare.adapter = suite, run, adapter
    return prepare


TAGS = "task: tags\nmetrics: {family: tagging, primary: macro_f1}\n"
FRAMES = """
task: frames
metrics: {family: sed_segment, primary: macro_f1, options: {resolution: 0.1},
          further: [{family: sed_segment, name: half, options: {resolution: 0.1, threshold: 0.5}}]}
"""
TUNE = "post_processing: {tune: {split: val, metric: %s}}\n"


def tags_of(root: Path, clip_ids) -> np.ndarray:
    found = np.zeros((len(clip_ids), 2))
    place = {str(clip).rpartition("/")[2]: i for i, clip in enumerate(clip_ids)}
    for line in (root / "events.tsv").read_text().splitlines()[1:]:
        name, _, _, label = line.split("\t")
        if name in place:
            found[place[name], LABELS.index(label)] = 1
    return found


def test_tags_are_scored_with_the_thresholds_of_the_other_half(ready, toys):
    finished = ready.run(TAGS + TUNE % "f1", {"output": "tags"})
    held, folder = finished.result.thresholds, finished.path.parent
    val, test = (read_units(sorted((folder / name).glob("*.parquet"))) for name in ("tuning", "predictions"))
    assert len(val.scores) == len(test.scores) == 20
    truth = tags_of(toys, val.table["clip_id"])
    for c, label in enumerate(LABELS):
        reached = {float(t): f1_score(truth[:, c], val.scores[:, c] >= t) for t in val.scores[:, c]}
        mine = f1_score(truth[:, c], val.scores[:, c] >= held.thresholds[label])
        assert mine == pytest.approx(max(reached.values()), abs=1e-12)
        assert held.class_f1[label] == pytest.approx(max(reached.values()), abs=1e-12)
    limits = [held.thresholds[label] for label in LABELS]
    figure = finished.result.cells[0].metrics["macro_f1"]
    expected = f1_score(tags_of(toys, test.table["clip_id"]), test.scores >= limits, average="macro")
    assert figure.value == pytest.approx(expected, abs=1e-12) and "thresholds-per-class" in figure.rule
    assert held.reached == pytest.approx(f1_score(truth, val.scores >= limits, average="macro"), abs=1e-12)
    assert (held.tuned_on, held.clips, held.available, held.failed, held.fallback) == ("toys/val", 20, 20, 0, 0.5)
    assert figure.value > ready.run(TAGS, {"output": "tags"}).result.cells[0].metrics["macro_f1"].value
    assert finished.result.suite.definition["post_processing"]["tune"]["split"] == "val"
    assert finished.result.dataset.clips == 20 and {c.split for c in finished.result.cells} == {"test"}


def test_a_run_without_thresholds_leaves_none_of_an_earlier_one(ready):
    folder = ready.run(TAGS + TUNE % "f1", {"output": "tags"}).path.parent
    assert (folder / "thresholds.json").is_file() and list((folder / "tuning").iterdir())
    assert ready.run(TAGS, {"output": "tags"}).result.thresholds is None
    assert not (folder / "thresholds.json").exists() and not list((folder / "tuning").iterdir())


@pytest.mark.parametrize("metric", ["segment_f1, options: {resolution: 0.1}", "event_f1", "intersection_f1", "f1"])
def test_frames_are_scored_with_tuned_thresholds_beside_a_fixed_one(ready, metric):
    result = ready.run(FRAMES + TUNE % metric).result
    metrics = result.cells[0].metrics
    assert "thresholds-per-class" in metrics["macro_f1"].rule and "at-least-0.5" in metrics["half_macro_f1"].rule
    assert metrics["half_macro_f1"].value == ready.run(FRAMES).result.cells[0].metrics["macro_f1"].value
    assert metrics["macro_f1"].value > metrics["half_macro_f1"].value


def test_segments_reach_on_the_other_half_what_is_recorded(ready):
    """Scoring the tuning clips with the thresholds, as a run of its own, gives the F1 that was recorded."""
    text = FRAMES + TUNE % "segment_f1, options: {resolution: 0.1}, median_seconds: [0, 0.3, 0.5]"
    held = ready.run(text).result.thresholds
    assert set(held.median_seconds.values()) <= {0.0, 0.3, 0.5} and held.rule.endswith("median-of-0,0.3,0.5-s")
    part = {"threshold": held.thresholds, "median_seconds": held.median_seconds}
    if not all(part["median_seconds"].values()):
        part["median_seconds"] = {k: v or 0.01 for k, v in part["median_seconds"].items()}
    again = ready.run(FRAMES + f"post_processing: {json.dumps(part)}\n", overrides={"data.splits": "[val]"}).result
    assert again.cells[0].metrics["macro_f1"].value == pytest.approx(held.reached, abs=1e-12)


def test_thresholds_of_one_run_are_given_to_another(ready, tmp_path):
    first = ready.run(FRAMES + TUNE % "event_f1, median_seconds: [0, 0.3]")
    (tmp_path / "frozen.json").write_bytes((first.path.parent / "thresholds.json").read_bytes())
    second = ready.run(FRAMES + "post_processing: {frozen: frozen.json}\n")
    assert second.result.cells[0].metrics == first.result.cells[0].metrics
    assert second.result.thresholds.file == "frozen.json" and second.result.thresholds.tuned_on == "toys/val"
    assert not (second.path.parent / "tuning").exists() or not list((second.path.parent / "tuning").iterdir())
    with pytest.raises(ConfigError, match="chosen on toys/val cannot be scored there"):
        ready(FRAMES + "post_processing: {frozen: frozen.json}\n", overrides={"data.splits": "[val]"})
    with pytest.raises(ConfigError, match=r"there is no file none\.json") as caught:
        ready(FRAMES + "post_processing: {frozen: none.json}\n")
    assert "suite.yaml:" in str(caught.value.where)
    (tmp_path / "frozen.json").write_text('{"thresholds": {"low": 0.5}, "tuned_on": "x/val", "rule": "r"}')
    with pytest.raises(ConfigError, match="no threshold for high"):
        ready(FRAMES + "post_processing: {frozen: frozen.json}\n")


def test_a_limit_holds_for_both_halves_and_is_said(ready):
    result = ready.run(TAGS + TUNE % "f1", {"output": "tags"}, limit=6).result
    assert (result.thresholds.clips, result.thresholds.available, result.dataset.clips) == (6, 20, 6)
    assert any(c.name == "thresholds:limit" and c.status == "warn" for c in result.checks)


def test_classes_that_the_other_half_lacks_keep_the_fallback(ready, toys, tmp_path):
    text = TAGS + "post_processing: {tune: {split: val, metric: f1, fallback: 0.07}}\n"
    suite = "labels: [high, low, never]"
    options = f"{{splits: {{val: val.txt, test: test.txt}}, {suite}}}"
    ear = ready.adapter.read_text().replace('labels=("high", "low")', 'labels=("high", "low", "never")')
    ready.adapter.write_text(ear.replace("power[..., :100].sum(2)]", "power[..., :100].sum(2), 0 * power[..., 0]]"))
    result = ready.run(text, {"output": "tags"}, overrides={"data.options": options}).result
    assert result.thresholds.untuned == ["never"] and result.thresholds.thresholds["never"] == 0.07
    [said] = [c for c in result.checks if c.name == "thresholds:classes"]
    assert said.message == "1 classes do not occur there and keep 0.07: never"


def test_predictions_of_both_halves_are_kept_and_used_again(ready):
    first = ready.run(TAGS + TUNE % "f1", {"output": "tags"})
    again = ready.run(TAGS + TUNE % "f1", {"output": "tags"}, reuse=Reuse.ONLY)
    assert again.reused == 2 and again.result.thresholds == first.result.thresholds
    assert again.result.cells == first.result.cells
    for path in (first.path.parent / "tuning").glob("*.parquet"):
        path.unlink()
    with pytest.raises(DataError, match="1 of 1 units of predictions are not stored"):
        ready.run(TAGS + TUNE % "f1", {"output": "tags"}, reuse=Reuse.ONLY)
    assert ready.run(TAGS + TUNE % "f1", {"output": "tags"}).reused == 1


def test_clips_that_cannot_be_predicted_are_counted(ready, toys):
    broken = toys / "audio" / "val_3.wav"
    kept = broken.read_bytes()
    broken.write_bytes(b"RIFF")
    try:
        result = ready.run(TAGS + TUNE % "f1", {"output": "tags"}, errors=ErrorPolicy(fraction=0.5)).result
    finally:
        broken.write_bytes(kept)
    assert (result.thresholds.clips, result.thresholds.failed) == (19, 1)
    assert [(f.clip_id, f.cell) for f in result.failures] == [("toys/audio/val_3.wav", "tags/val/clean")]
    assert result.cells[0].complete and any(c.name == "thresholds:failed" for c in result.checks)


def test_stored_predictions_of_the_scored_half_alone_say_how_to_do_without(ready, tmp_path):
    first = ready.run(TAGS + TUNE % "f1", {"output": "tags"})
    stored = read_units(sorted((first.path.parent / "predictions").glob("*.parquet")))
    rows = [
        "clip_id,high,low",
        *(f"{clip},{high},{low}" for clip, (high, low) in zip(stored.table["clip_id"], stored.scores)),
    ]
    (tmp_path / "preds.csv").write_text("\n".join(rows) + "\n")
    options = {"file": str(tmp_path / "preds.csv"), "output": "tags"}
    ready.adapter = "predictions"
    with pytest.raises(
        BenchbedError, match=r"thresholds cannot be chosen on 'val': .* clips have no prediction"
    ) as caught:
        ready.run(TAGS + TUNE % "f1", options)
    assert "suite.post_processing.tune=null" in str(caught.value.hint)
    frozen = {"post_processing.tune": "null", "post_processing.frozen": str(first.path.parent / "thresholds.json")}
    again = ready.run(TAGS + TUNE % "f1", options, frozen)
    assert again.result.cells[0].metrics == first.result.cells[0].metrics
    assert any(check.name == "thresholds:model" and check.status == "warn" for check in again.result.checks)


def test_no_prediction_at_all_is_one_error(ready):
    with pytest.raises(CannotMeasure, match=r"no clip of toys/val has a prediction to choose thresholds by; predict"):
        ready.run(TAGS + TUNE % "f1", {"output": "tags", "broken": "nan"}, errors=ErrorPolicy(fraction=1.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TAGS + TUNE % "f1" + "data: {splits: [val]}", "on the split 'val', which is scored"),
        (TAGS + "post_processing: {tune: {split: both, metric: f1}}", "on clips that are scored: 10 of 'both'"),
        (TAGS + "post_processing: {tune: {split: vall, metric: f1}}", "has no split 'vall' to choose thresholds on"),
        (TAGS + TUNE % "event_f1", "thresholds of tags cannot be chosen by event_f1"),
        (FRAMES + TUNE % "event_f1, options: {colar: 1}", "has no option 'colar'"),
        (FRAMES + TUNE % "f1, median_seconds: [0.1]", "knows no median filter"),
        (TAGS + "post_processing: {threshold: 0.5, tune: {split: val, metric: f1}}", "from threshold and tune"),
        ("task: scene\nmetrics: {}\n" + TUNE % "f1", "a task of scene has no thresholds"),
    ],
)
def test_what_cannot_be_chosen_is_an_error_at_its_line(ready, tmp_path, text, words):
    overrides = {"data.splits": "[val]"} if "splits: [val]" in text else {}
    with pytest.raises(ConfigError, match=words) as caught:
        output = "frames" if "task: frames" in text else "tags"
        ready(text.replace("data: {splits: [val]}", ""), {"output": output}, overrides=overrides)
    assert "suite.yaml:" in str(caught.value.where)


def test_a_model_for_each_split_has_no_thresholds_in_common(ready):
    with pytest.raises(ConfigError, match="chosen for one model"):
        ready(TAGS + TUNE % "f1", {"output": "tags", "checkpoint": "{split}.pth"})


def test_recordings_in_common_are_refused_like_clips(ready):
    with pytest.raises(ConfigError, match=r"on recordings that are scored: 1 of 'val' are also in 'test', e.g. 0.0"):
        ready(TAGS + TUNE % "f1", {"output": "tags"}, overrides={"data.group": "onset"})


def test_the_plan_counts_the_other_half(ready, toys):
    given = {"data": {"toys": toys}, "limit": None}
    plain = estimate(ready.suite(TAGS), None, {}, **given)
    tuned = estimate(ready.suite(TAGS + TUNE % "f1"), str(ready.adapter), {"output": "tags"}, **given)
    assert plain["evaluations"] == 20 and tuned["evaluations"] == 40
    assert tuned["tuning"] == {"split": "val", "clips": 20} and tuned["cells"] == plain["cells"]
    assert tuned["disk_bytes"] == 2 * plain["disk_bytes"]


def test_the_plan_of_frames_knows_how_many_there_are(ready, toys):
    text = FRAMES + TUNE % "event_f1"
    planned = estimate(ready.suite(text), str(ready.adapter), {}, data={"toys": toys}, limit=None)
    folder = ready.run(text).path.parent
    used = sum(path.stat().st_size for name in ("predictions", "tuning") for path in (folder / name).iterdir())
    # Besides the scores a file holds its schema, which small runs are mostly made of.
    assert planned["disk_bytes"] >= 40 * 20 * 2 * 4 and planned["disk_bytes"] < used < 12 * planned["disk_bytes"]
    assumed = estimate(ready.suite(text), None, {}, data={"toys": toys}, limit=None)
    assert assumed["disk_assumes"] == "frames of 20 ms" and assumed["disk_bytes"] > planned["disk_bytes"]


def test_verify_recomputes_with_the_tuned_thresholds(ready):
    pytest.importorskip("sed_eval")
    result = ready.run(FRAMES + TUNE % "segment_f1, options: {resolution: 0.1}", verify=True).result
    found = {c.name: c.status for c in result.checks if c.name.startswith("verify:")}
    assert found == {"verify:metrics": "pass", "verify:half": "pass"}
