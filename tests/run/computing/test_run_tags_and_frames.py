"""Tags and frames from suite to record, on recordings whose events a toy detector hears without a mistake."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.special import expit

from benchbed.adapter.contract import Card
from benchbed.errors import AdapterError, ConfigError
from benchbed.outputs.align import alignment_of
from benchbed.predictions.store import read_units
from benchbed.results.store import read
from benchbed.run import session
from benchbed.run.job.policy import ErrorPolicy
from benchbed.suite.load import load_suite

RATE = 8000
#: Recording → seconds and events; times are multiples of the detector's frames of 0.1 s.
RECORDINGS = {
    "a": (3.0, [(0.5, 1.5, "low"), (1.0, 2.0, "high")]),
    "b": (3.0, []),
    "c": (4.7, [(3.2, 4.2, "high"), (0.2, 0.6, "low")]),
    "d": (2.0, [(0.0, 2.0, "low")]),
    "e": (2.0, [(1.9, 2.0, "high")]),
    "f": (3.0, [(2.0, 3.0, "high")]),
}
DETECTOR = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Ear(Adapter):
    def __init__(self, output: str = "frames", clip_seconds: float = 1.0, broken: str = ""):
        self.broken = broken
        self.card = Card(name="ear", family="other", output=output, labels=("high", "low"), sample_rate=8000,
                         scores="probabilities", clip_seconds=clip_seconds or None,
                         frame_seconds=0.1 if output == "frames" else None)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        frames = batch.waveforms[:, 0, : samples // 800 * 800].reshape(clips, -1, 800)
        power = np.abs(np.fft.rfft(frames, axis=2)) ** 2
        high, low = power[..., 100:].sum(2), power[..., :100].sum(2)
        scores = (np.stack([high, low], 2) > 100).astype(np.float32) * 0.9 + 0.05
        if self.broken == "nan":
            scores[scores[..., 0].max(1) > 0.5] = np.nan
        if self.broken == "range":
            scores = scores * 3
        return scores if self.card.output == "frames" else scores.max(1)
"""


@pytest.fixture
def made(tmp_path: Path):
    """Runs a suite on the toy recordings; returns its record and its predictions."""
    root = tmp_path / "toys"
    (root / "audio").mkdir(parents=True)
    rows = ["filename\tonset\toffset\tevent_label"]
    for name, (seconds, events) in RECORDINGS.items():
        time = np.arange(round(seconds * RATE)) / RATE
        wave = np.zeros_like(time)
        for onset, offset, label in events:
            inside = (time >= onset - 1e-9) & (time < offset - 1e-9)
            wave += inside * 0.3 * np.sin(2 * np.pi * (200 if label == "low" else 2000) * time)
            rows.append(f"{name}.wav\t{onset}\t{offset}\t{label}")
        soundfile.write(root / "audio" / f"{name}.wav", wave, RATE, subtype="PCM_16")
    (root / "events.tsv").write_text("\n".join(rows) + "\n")
    adapter = tmp_path / "ear.py"
    adapter.write_text(textwrap.dedent(DETECTOR))

    def run(text: str, options: dict | None = None, **settings):
        suite = tmp_path / "suite.yaml"
        suite.write_text(
            'name: toys\nversion: "1"\ndata: {layout: events, name: toys}\nprofile: false\nstatistics: {draws: 50}\n'
            + text
        )
        given = session.Settings(out=tmp_path / "runs", data={"toys": root}, quiet=True, **settings)
        prepared = session.prepare(load_suite(str(suite)), str(adapter), options or {}, given)
        finished = session.run(prepared, given, options or {})
        stored = read_units(sorted((finished.path.parent / "predictions").glob("*.parquet")))
        return read(finished.path), stored

    run.root = root
    return run


FRAMES = """
task: frames
metrics: {family: sed_segment, primary: micro_f1, options: {resolution: 0.1},
          further: [{family: sed_event, name: event}]}
"""


def test_frames_are_scored_without_a_mistake(made):
    result, stored = made(FRAMES)
    cell = result.cells[0]
    assert cell.metrics["micro_f1"].value == 1.0 and cell.metrics["error_rate"].value == 0.0
    assert cell.metrics["event_micro_f1"].value == 1.0
    assert cell.counts.clips == 6 and cell.counts.cropped == 0 and cell.counts.padded == 1
    assert result.dataset.notes == ["1 of 6 recordings hold no event"]
    by_clip = dict(zip(stored.table["clip_id"], stored.scores))
    assert len(by_clip["toys/audio/c.wav"].scores) == 47, "4.7 s are five windows, and 47 frames"
    assert len(stored.references[list(stored.table["clip_id"]).index("toys/audio/b.wav")]) == 0


def test_a_model_of_any_length_and_a_tagger_of_windows(made):
    assert made(FRAMES, {"clip_seconds": 0.0})[0].cells[0].metrics["micro_f1"].value == 1.0
    result, stored = made(FRAMES.replace("resolution: 0.1", "resolution: 1.0"), {"output": "tags"})
    # Segments of a second are what the tagger hears, so it makes no mistake on them either.
    assert result.cells[0].metrics["micro_f1"].value == 1.0
    assert stored.scores[0].hop == 1.0


def test_references_move_with_a_shift(made):
    result, stored = made(
        FRAMES + "conditions: [clean, {corruption: time_shift, parameters: [500.0], severities: [1]}]\n"
    )
    shifted = next(cell for cell in result.cells if cell.condition.kind == "corruption")
    assert shifted.metrics["micro_f1"].value == pytest.approx(1.0)
    rows = stored.table["cell"].astype(str) == shifted.key
    whole = stored.table["clip_id"].astype(str) == "toys/audio/f.wav"
    [row] = np.flatnonzero(rows & whole)
    moved = stored.references[row]
    assert sorted(moved.onset.tolist()) in ([0, 2_500_000], [1_500_000]), "forward it is cut in two, back it is not"


def test_noise_is_inherited_and_paired(made):
    text = FRAMES + "conditions: [clean, {corruption: white_noise, parameters: [40], severities: [1], draws: 2}]\n"
    result, _ = made(text, errors=ErrorPolicy(fraction=0.5))
    flips = next(value for name, value in result.scores.items() if name.startswith("flip_rate:"))
    assert flips.rule == "flip-rate:pairs-of-draws:frames-at-0.5" and 0 <= flips.value <= 1


def test_classes_of_events_are_tags_of_their_clip(made):
    result, stored = made("task: tags\nmetrics: {family: tagging}\n", {"output": "tags", "clip_seconds": 0.0})
    metrics = result.cells[0].metrics
    assert metrics["map"].value == 1.0 and metrics["micro_f1"].value == 1.0
    assert stored.kind == "tags"
    labels = {clip: sorted(label) for clip, label in zip(stored.table["clip_id"], stored.table["label"])}
    assert labels["toys/audio/b.wav"] == [] and labels["toys/audio/a.wav"] == ["high", "low"]


def test_a_declared_threshold_reaches_the_metrics(made):
    high = FRAMES + "post_processing: {threshold: 0.99}\n"
    assert made(high)[0].cells[0].metrics["micro_f1"].value == 0.0
    some = FRAMES + "post_processing: {threshold: {high: 0.99, low: 0.5}}\n"
    groups = made(some)[0].cells[0].groups
    assert groups["class=low"]["f1"].value == 1.0 and groups["class=high"]["f1"].value == 0.0


def test_a_declared_filter_reaches_the_metrics(made):
    # Longer than twice the shortest event, a median filter swallows it.
    result, _ = made(FRAMES + "post_processing: {median_seconds: 0.5}\n")
    assert result.cells[0].metrics["event_micro_f1"].value < 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("post_processing: {threshold: {high: 0.5}}", "no value for the class 'low'"),
        ("post_processing: {threshold: {high: 0.5, low: 0.5, hihg: 1.0}}", "'hihg' that the dataset does not have"),
    ],
)
def test_post_processing_names_the_classes_of_the_dataset(made, text, words):
    with pytest.raises(ConfigError, match=words):
        made(FRAMES + text + "\n")


def test_a_family_of_another_output_is_refused(made):
    with pytest.raises(ConfigError, match="the suite's task is frames"):
        made("task: frames\nmetrics: {family: tagging}\n")


def test_an_attack_that_means_nothing_for_frames_is_refused_before_anything_is_computed(made):
    with pytest.raises(ConfigError, match="softmax"):
        made(FRAMES + "conditions: [clean, {attack: 'torchattacks:PGD', threat: linf, budgets: [0.001]}]\n")


def test_nan_scores_are_failures_of_their_clips(made):
    result, _ = made(FRAMES, {"broken": "nan"}, errors=ErrorPolicy(fraction=1.0))
    assert result.cells[0].counts.failed == 4, "the four recordings with a high tone"
    assert {f.stage for f in result.failures} == {"predict"} and not result.cells[0].complete


def test_scores_outside_0_and_1_are_refused(made):
    with pytest.raises(AdapterError, match="the card says probabilities"):
        made(FRAMES, {"broken": "range"})


def test_a_missing_recording_is_counted(made):
    (made.root / "audio" / "a.wav").write_bytes(b"RIFF")
    result, _ = made(FRAMES, errors=ErrorPolicy(fraction=1.0))
    assert result.cells[0].counts.failed == 1 and result.failures[0].clip_id == "toys/audio/a.wav"


TAGS = "task: tags\nmetrics: {family: tagging, primary: map}\n"


def test_the_option_that_gives_the_wanted_output_is_named(made):
    """What a newcomer meets who gives a detector to a suite of tags, and the other way round."""
    path = made.root.parent / "ear.py"
    path.write_text(
        path.read_text()
        .replace("output: str =", 'output: Literal["frames", "tags"] =')
        .replace("import numpy", "from typing import Literal\nimport numpy")
    )
    with pytest.raises(AdapterError, match="ear gives frames; a tags task") as caught:
        made(TAGS)
    assert caught.value.hint == "--set output=tags"
    with pytest.raises(AdapterError) as caught:
        made(FRAMES, {"output": "tags", "clip_seconds": "0"})
    assert caught.value.hint == "--set output=frames"
    assert made(TAGS, {"output": "tags"})[0].model.output == "tags"


def test_a_scene_model_cannot_do_frames():
    scene = Card(name="s", family="cnn", output="scene", labels=("a", "b"), sample_rate=8000)
    with pytest.raises(AdapterError, match="needs a model whose output is frames"):
        alignment_of(scene, ("a", "b"), "frames")
    with pytest.raises(AdapterError, match="clip_seconds"):
        alignment_of(Card(name="t", family="cnn", output="tags", labels=("a",), sample_rate=8000), ("a",), "frames")


SURE = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Sure(Adapter):
    # logits of a model that is sure of everything, and right about the order
    def __init__(self, output: str = "tags"):
        self.card = Card(name="sure", family="other", output=output, labels=("high", "low"), sample_rate=8000,
                         clip_seconds=1.0, frame_seconds=0.1 if output == "frames" else None)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        frames = batch.waveforms[:, 0, : samples // 800 * 800].reshape(clips, -1, 800)
        power = np.abs(np.fft.rfft(frames, axis=2)) ** 2
        there = np.stack([power[..., 100:].sum(2), power[..., :100].sum(2)], 2) > 100
        logits = np.where(there, 22.0, 18.0).astype(np.float32)
        return logits if self.card.output == "frames" else logits.max(1)
"""


@pytest.mark.parametrize("output", ["tags", "frames"])
def test_logits_beyond_what_float32_tells_apart_still_rank(made, output):
    """A float32 sigmoid calls 18 and 22 both 1.0: every segment ties, and a perfect order scores by chance."""
    (made.root.parent / "ear.py").write_text(textwrap.dedent(SURE))
    resolution = 0.1 if output == "frames" else 1.0
    text = f"task: frames\nmetrics: {{family: sed_auc, options: {{resolution: {resolution}}}}}\n"
    result, stored = made(text, {"output": output})
    assert result.cells[0].metrics["map"].value == 1.0 and result.cells[0].metrics["mauc"].value == 1.0
    values = np.concatenate([one.scores for one in stored.scores])
    np.testing.assert_allclose(np.unique(values), [expit(18.0), expit(22.0)], rtol=1e-15)
