"""Probes from the command to the record: trained for each fold, kept, recorded, perturbed, attacked, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load_file

import benchbed as bb
from benchbed.cache import cache_folder
from benchbed.data import synthetic
from benchbed.errors import BenchbedError
from benchbed.run.preparing.probes import _training_split
from benchbed.run.preparing.source import open_source
from benchbed.suite.load import load_suite

ENCODER = """
import torch

class BandsEncoder(torch.nn.Module):
    sampling_rate = 8000
    output_dim = 6
    hop_size_in_ms = 50

    def forward(self, audio):
        frames = audio.unfold(1, 400, 400)
        power = torch.fft.rfft(frames).abs().square()[..., :200]
        bands = power.reshape(*power.shape[:2], 5, 40).mean(-1)
        {more}
        return torch.cat([(bands + 1e-6).log(), bands.sum(-1, keepdim=True)], -1)
"""
HEAD = """
name: {name}
version: "1"
profile: false
statistics: {{draws: 20}}
"""
FOLDS = """
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: recording, fold: fold}
  splits: [fold1, fold2]
  train_split: not_{split}
"""
PITCHES = {"low": 250, "middle": 900, "high": 2600}


def write(folder: Path, name: str, pitch: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    tone = 0.2 * np.sin(2 * np.pi * pitch * np.arange(4000) / 8000) + 0.02 * random.standard_normal(4000)
    soundfile.write(folder / name, tone.astype(np.float32), 8000)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("probes")
    (root / "data").mkdir()
    rows = ["path,label,recording,fold"]
    for number in range(36):
        label = list(PITCHES)[number % 3]
        write(root / "data", f"{number}.wav", PITCHES[label], number)
        rows.append(f"{number}.wav,{label},r{number},{1 + number // 3 % 2}")
    (root / "data" / "clips.csv").write_text("\n".join(rows) + "\n")
    (root / "encoder.py").write_text(ENCODER.format(more="pass"))
    return root


def run(world: Path, suite: str = FOLDS, name: str = "toy", encoder: str = "encoder.py", **options: str):
    path = world / f"{name}.yaml"
    path.write_text(HEAD.format(name=name) + suite)
    given = {"encoder": str(world / encoder), **options}
    return bb.run(path, model="xares", options=given, data={"toy": world / "data"}, out=world / "runs", report=False)


@pytest.mark.parametrize("probe", ["linear", "knn", "knn_xares"])
def test_each_fold_is_scored_by_a_probe_of_the_others(world, probe):
    made = run(world, probe=probe)
    record = made.result
    assert record.model.name == f"xares_BandsEncoder_{probe}[encoder=encoder.py]"
    assert record.model.labels == ["high", "low", "middle"]
    assert record.scores["accuracy"].value == 1.0
    assert set(record.model.probes) == {"fold1", "fold2"}
    told = record.model.probes["fold1"]
    assert (told.split, told.clips, told.of, told.kind, told.width) == ("not_fold1", 18, 18, probe, 6)
    assert told.chosen_by == "accuracy" and "a fifth of the recordings" in told.chosen_on
    assert len(told.tried) == 1 if probe != "linear" else 11 <= len(told.tried) <= 15
    assert all("score" in one for one in told.tried)
    if probe == "linear":
        best = max(told.tried, key=lambda one: (one["score"], -one["loss"], -one["c"]))
        assert told.chosen["c"] == best["c"]


def test_a_probe_is_trained_once_and_gives_the_same_anew(world):
    first = run(world, name="once", probe="linear")
    kept = sorted((cache_folder() / "probes").glob("*.safetensors"))
    times = [path.stat().st_mtime_ns for path in kept]
    again = run(world, name="twice", probe="linear")
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert len(sorted((cache_folder() / "probes").glob("*.safetensors"))) == len(kept)
    cell = "scene/fold1/clean"
    scores = [each.predictions(cell).filter(like="score.").to_numpy() for each in (first, again)]
    np.testing.assert_array_equal(*scores)
    before = load_file(kept[0])
    for path in (cache_folder() / "probes").rglob("*.safetensors"):
        path.unlink()
    run(world, name="anew", probe="linear")
    if kept[0].is_file():
        assert all(np.array_equal(before[name], value) for name, value in load_file(kept[0]).items())


def test_fewer_clips_are_another_row_and_shots_have_nothing_to_choose_on(world):
    swept = FOLDS + "probe: {probe: linear}\nsweep: {fraction: [0.2, 1.0]}\n"
    made = run(world, swept, "swept")
    rows = made if isinstance(made, list) else [made]
    clips = {row.result.model.name: row.result.model.probes["fold1"].clips for row in rows}
    assert sorted(clips.values())[-1] == 18 or len(rows) == 1
    one = run(world, name="shots", probe="linear", shots="1").result.model
    told = one.probes["fold2"]
    assert (told.clips, told.shots, told.tried, told.chosen["c"]) == (3, 1, [], 1.0)
    assert told.chosen_on.startswith("nothing")
    few = run(world, name="few", probe="linear", fraction="0.4").result.model.probes["fold1"]
    assert few.clips == 9 and few.fraction == 0.4


def test_noise_and_attacks_reach_what_the_encoder_hears(world):
    more = "conditions: [clean, {corruption: white_noise, parameters: [20, -20]}, {attack: pgd, budgets: [20], n: 6}]\n"
    result = run(world, FOLDS.replace("[fold1, fold2]", "[fold1]") + more, "hurt", probe="linear").result
    values = {cell.condition.name: cell.metrics["accuracy"].value for cell in result.cells}
    clean = [c.metrics["accuracy"].value for c in result.cells if c.condition.kind == "clean"]
    loud = [c.metrics["accuracy"].value for c in result.cells if c.condition.severity == 2]
    assert clean == [1.0] and loud[0] < 1.0 and values["pgd"] is not None
    attacked = {name for name in result.scores if "pgd" in name}
    assert attacked
    assert not [check for check in result.checks if check.status == "fail"], result.checks


def test_embeddings_themselves_are_ranked_and_displaced(world):
    suite = """
task: embedding
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: recording, fold: fold}
  splits: [all]
conditions:
  - clean
  - {corruption: white_noise, parameters: [20, -10]}
  - {attack: displacement, budgets: [20], n: 4, options: {steps: 5}}
metrics: {family: embedding}
"""
    result = run(world, suite, "space").result
    clean = next(cell for cell in result.cells if cell.condition.kind == "clean")
    assert clean.metrics["map"].value == pytest.approx(1.0) and clean.metrics["random_map"].value < 0.5
    mild, loud = (result.scores[f"displacement:embedding/all/white_noise@{step}"] for step in (1, 2))
    assert 0 < mild.value < loud.value and mild.direction == "lower" and mild.low < mild.value < mild.high
    (attack,) = (cell for cell in result.cells if cell.condition.kind == "attack")
    assert result.scores[f"displacement:{attack.key}"].value > 0
    assert not [check for check in result.checks if check.status == "fail"]
    stored = bb.run  # the same suite takes a classifier, read before its last layer
    made = stored(
        world / "space.yaml",
        model="cnn",
        options={"probe": "none"},
        data={"toy": world / "data"},
        out=world / "runs",
        report=False,
        limit=6,
    )
    assert made.result.model.output == "embedding" and made.result.model.name == "cnn"


EVENTS = """
task: frames
data:
  layout: events
  name: toy
  options: {splits: {train: train.txt, test: test.txt}}
  splits: [test]
metrics: {family: sed_segment}
"""


def test_events_are_found_by_a_probe_over_time(tmp_path):
    (tmp_path / "encoder.py").write_text(ENCODER.format(more="pass"))
    (tmp_path / "data" / "audio").mkdir(parents=True)
    rows = ["filename\tonset\toffset\tevent_label"]
    for seed in range(12):
        label, pitch = (("low", 250), ("high", 2600))[seed % 2]
        audio = 0.01 * np.random.default_rng(seed).standard_normal(16000)
        audio[4000:10000] += 0.3 * np.sin(2 * np.pi * pitch * np.arange(6000) / 8000)
        soundfile.write(tmp_path / "data" / "audio" / f"{seed}.wav", audio.astype(np.float32), 8000)
        rows.append(f"{seed}.wav\t0.5\t1.25\t{label}")
    (tmp_path / "data" / "events.tsv").write_text("\n".join(rows) + "\n")
    for split, seeds in (("train", range(8)), ("test", range(8, 12))):
        (tmp_path / "data" / f"{split}.txt").write_text("".join(f"{seed}.wav\n" for seed in seeds))
    made = run(tmp_path, EVENTS, "events", probe="linear").result
    told = made.model.probes["test"]
    assert (told.hop, told.clips, told.examples) == (0.05, 8, 8 * 40)
    assert made.cells[0].metrics["macro_f1"].value > 0.9
    with pytest.raises(BenchbedError, match="neighbours are asked about clips"):
        run(tmp_path, EVENTS, "events", probe="knn")


@pytest.mark.parametrize(
    ("more", "options", "said"),
    [
        ("pass", {"probe": "linear", "train_split": "nothing"}, "has no split 'nothing'"),
        ("pass", {"probe": "linear", "train_split": "fold1"}, "would learn from clips that are scored"),
        ("pass", {"probe": "linear", "validation": "all"}, "shares 18 recordings"),
        ("pass", {"probe": "linear", "fraction": "2"}, "fraction=2"),
        ("pass", {"probe": "linear", "shots": "19"}, "19 shots, and fewer training clips"),
        ("pass", {"probe": "mlp", "grid_points": "99"}, "grid_points=99"),
        ("pass", {"probe": "lienar"}, "is not one of"),
        ("bands = bands / (bands.sum() - bands.sum())", {"probe": "linear"}, "is not finite"),
    ],
)
def test_what_cannot_be_probed_is_said_before_anything_is_scored(world, more, options, said):
    (world / "odd.py").write_text(ENCODER.format(more=more))
    with pytest.raises(BenchbedError) as caught:
        run(world, name="odd", encoder="odd.py", **options)
    assert said in str(caught.value)


def test_tasks_without_classes_and_models_without_a_probe_are_refused(world):
    with pytest.raises(BenchbedError, match="gives embedding") as caught:
        run(world, name="plain")
    assert "probe" in str(caught.value)
    with pytest.raises(BenchbedError, match="a probe answers with classes"):
        bb.run("dcase_task6_captioning", model="cnn", options={"probe": "linear"}, out=world / "runs", report=False)


@pytest.mark.parametrize(
    ("name", "learnt"),
    [
        ("esc50", "not_fold1"),
        ("probe_esc50_labels", "not_fold1"),
        # The set's own `dev` holds the clips that thresholds are chosen on.
        ("fsd50k", "train"),
        ("audioset", "train"),
        ("speech_commands", "train"),
        ("dcase2026_task1", "not_fold1"),
        ("dcase_task4", "synthetic_train"),
        ("sed_segments", "synthetic_train"),
        ("maestro_real_folds", "not_fold1"),
    ],
)
def test_labelled_suites_have_a_split_to_learn_from(name, learnt, repository, tmp_path):
    loaded = load_suite(repository / "suites" / f"{name}.yaml")
    data = loaded.suite.data
    root = synthetic.make(tmp_path / "data", layout=data.layout, size="small")
    source = open_source(loaded, {data.key: root})
    split = data.splits[0]
    assert _training_split("", split, loaded, source) == learnt
    assert not set(source.dataset.splits[learnt]) & set(source.dataset.splits[split])


def test_a_set_without_another_split_says_what_is_missing(repository, tmp_path):
    loaded = load_suite(repository / "suites" / "maestro_real.yaml")
    root = synthetic.make(tmp_path / "data", layout="maestro_real", size="small")
    with pytest.raises(BenchbedError, match="no split that a probe can learn from") as caught:
        _training_split("", "dev", loaded, open_source(loaded, {loaded.suite.data.key: root}))
    assert "train_split" in str(caught.value)
