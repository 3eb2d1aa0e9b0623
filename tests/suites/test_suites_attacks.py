"""Attack conditions of suites of tags and of frames, from the suite to what the record says."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.errors import ConfigError
from benchbed.results.store import read
from benchbed.rng import stream
from benchbed.run import session
from benchbed.run.attacking.goals import settle
from benchbed.run.preparing.price import estimate
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.load import load_suite

RATE = 8000
#: Recording → events (onset, offset, class, level), each four seconds long; heard above a level of 0.1.
RECORDINGS = {
    "a": [(0.5, 1.5, "even", 0.12), (2.0, 3.0, "odd", 0.5)],
    "b": [(1.0, 2.0, "even", 0.13)],
    "c": [(1.0, 3.0, "odd", 0.16)],
    "d": [],
    "e": [(0.2, 1.2, "odd", 0.6), (2.0, 3.4, "even", 0.6)],
    "f": [(0.2, 1.2, "odd", 0.4)],
}
DETECTOR = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Level(torch.nn.Module):
    def forward(self, x):
        frames = x[:, 0].unflatten(1, (-1, 800))
        return 100 * (torch.stack([frames[..., ::2].mean(2), frames[..., 1::2].mean(2)], 2) - 0.1)

class Detector(TorchAdapter):
    def __init__(self, output: str = "frames"):
        self.card = Card(name="level", family="other", output=output, labels=("even", "odd"), sample_rate=8000,
                         frame_seconds=0.1 if output == "frames" else None)

    def build(self):
        return Level()

    def forward(self, x):
        frames = self.model(x)
        return frames if self.card.output == "frames" else frames.amax(1)
"""
COMMON = """
name: toys
version: "1"
data: {layout: events, name: toys}
profile: false
statistics: {draws: 50}
"""
FRAMES = """
task: frames
post_processing: {threshold: 0.5}
metrics: {family: psds, primary: psds1, further: [{family: sed_event, name: event}]}
conditions:
  - clean
  - {attack: white_noise, threat: linf, budgets: [0.05, 0.11], n: 6, options: {draws: 1}}
  - {attack: fast, threat: linf, budgets: [0.05, 0.11], n: 6, steps: 15}
"""
TAGS = """
task: tags
metrics: {family: tagging, primary: map}
conditions:
  - clean
  - {attack: white_noise, budgets: [30, 0, -20], n: 6, options: {draws: 1}}
  - {attack: fast, budgets: [30, 10, 0], n: 6, steps: 15, success: {rule: label_set}}
"""


@pytest.fixture
def made(tmp_path: Path):
    """Runs a suite on the toy recordings and gives its record."""
    root = tmp_path / "toys"
    (root / "audio").mkdir(parents=True)
    rows = ["filename\tonset\toffset\tevent_label"]
    for name, events in RECORDINGS.items():
        wave = 0.003 * stream("suite-attack", name).standard_normal(4 * RATE)
        time = np.arange(len(wave)) / RATE
        for onset, offset, label, level in events:
            parity = np.arange(len(wave)) % 2 == ("even", "odd").index(label)
            wave[(time >= onset - 1e-9) & (time < offset - 1e-9) & parity] += level
            rows.append(f"{name}.wav\t{onset}\t{offset}\t{label}")
        soundfile.write(root / "audio" / f"{name}.wav", wave, RATE, subtype="FLOAT")
    (root / "events.tsv").write_text("\n".join(rows) + "\n")
    adapter = tmp_path / "level.py"
    adapter.write_text(textwrap.dedent(DETECTOR))

    def suite(text: str):
        path = tmp_path / "suite.yaml"
        path.write_text(COMMON + text)
        return load_suite(str(path))

    def run(text: str, options: dict | None = None):
        given = session.Settings(out=tmp_path / "runs", data={"toys": root}, quiet=True)
        prepared = session.prepare(suite(text), str(adapter), options or {}, given)
        return read(session.run(prepared, given, options or {}).path)

    run.suite, run.data = suite, {"toys": root}
    return run


def test_a_suite_of_frames_says_what_is_left_when_clean_in_noise_and_attacked(made):
    result = made(FRAMES)
    cells = {cell.key.partition("/")[2].partition("/")[2]: cell for cell in result.cells}
    attacked = cells["fast@linf:0.05"]
    metrics = attacked.metrics
    # Of six recordings, all right when clean; a loses one of two events (F1 falls to two thirds), b its only one.
    assert metrics["robust_accuracy"].value == pytest.approx(5 / 6)
    assert metrics["attack_success_rate"].value == pytest.approx(1 / 6)
    assert metrics["robust_accuracy"].rule.endswith("event_f1-at-most-0.5-of-clean")
    assert metrics["noise_accuracy"].value == 1.0
    assert metrics["clean_clip_score"].value == 1.0 and metrics["missed_per_clip"].value <= 2 / 6
    assert metrics["clean_psds1"].value == cells["clean"].metrics["psds1"].value
    assert metrics["clean_event_macro_f1"].value == 1.0 > metrics["event_macro_f1"].value
    assert metrics["noise_event_macro_f1"].value == cells["white_noise@linf:0.05"].metrics["event_macro_f1"].value
    assert "no worst case" in metrics["psds1"].note
    # Beyond the level of the threshold a false alarm is in reach, and d is broken too.
    assert cells["fast@linf:0.11"].metrics["robust_accuracy"].value < 5 / 6
    assert cells["fast@linf:0.11"].metrics["inserted_per_clip"].value > 0
    facts = attacked.condition.facts
    assert facts["goal"] == "both" and facts["success"]["rule"] == "event_f1"
    assert facts["success"]["options"] == {"threshold": 0.5}
    assert sorted(facts["clips"]) == sorted(f"toys/audio/{name}.wav" for name in RECORDINGS)
    assert not [check for check in result.checks if check.status == "fail" and check.name.startswith("attack:")]
    assert attacked.ranked


def test_a_suite_of_tags_has_curves_smallest_attacks_and_a_gap(made):
    result = made(TAGS, {"output": "tags"})
    scores = {
        name.removeprefix("adversarial:"): value
        for name, value in result.scores.items()
        if name.startswith("adversarial:")
    }
    curve = [scores[f"robust_accuracy/fast@l2:{budget}dB"].value for budget in (30, 10, 0)]
    assert curve == sorted(curve, reverse=True) and curve[0] > curve[-1]
    assert scores["minimal_snr/fast@l2"].value is not None or scores["minimal_snr/fast@l2"].reason
    gap, half = scores["gap/fast@l2"], scores["snr50/fast@l2"]
    assert half.value is not None or half.reason
    assert gap.value is None or gap.value > 0
    cell = next(cell for cell in result.cells if cell.key.endswith("fast@l2:0dB"))
    assert cell.metrics["clean_map"].value == 1.0
    assert cell.metrics["noise_map"].value >= cell.metrics["map"].value
    assert cell.condition.facts["success"]["rule"] == "label_set"


def test_the_chance_level_of_a_gap_is_that_of_a_model_that_hears_nothing():
    import pandas as pd

    from benchbed.run.attacking.goals import task_of
    from benchbed.run.job.job import Job
    from benchbed.suite.model import Suite

    labels = ("a", "b", "c", "d")
    rows = [{"clip_id": str(i), "label": label} for i, label in enumerate([("a",), ("b",), (), ("c",)])]

    def chance(task, **condition):
        suite = Suite(
            name="s",
            version="1",
            task=task,
            data={"layout": "folder"},
            conditions=[{"attack": "fast", "budgets": [20], **condition}],
        )
        table = pd.DataFrame(rows)
        job = Job(
            ("", {}), "cpu", "d", Path(), labels, None, {"test": table}, {"test": table}, suite.conditions, task=task
        )
        return task_of(job, 0).chance(job.references["test"])

    # One label of four is first by chance in a quarter of the orders; silence is right about the clip without any.
    assert chance("tags") == pytest.approx((3 * 0.25 + 1) / 4)
    assert chance("tags", success={"rule": "label_set"}) == 0.25
    assert chance("tags", goal="class", target_class="a") == 0.75
    assert chance("frames") == 1.0, "no recording has an event here"


def test_the_plan_prices_what_runs_and_says_what_does_not(made):
    facts = estimate(made.suite(FRAMES.replace("fast", "standard")), None, {}, data=made.data)
    noise, ensemble = facts["attacks"]
    assert "skipped" not in noise and sorted(ensemble["skipped"]) == ["apgd_t", "transfer"]
    # Three losses of 15 steps and a square search of 300 queries on six clips at two budgets, the floor, and what
    # vouches for a clip after the first loss: two answers, four differences of two, one gradient.
    assert ensemble["forwards"] == 6 * 2 * (3 * 16 + 300 + 6 + 10) and ensemble["backwards"] == 6 * 2 * (3 * 15 + 1)


def test_success_takes_the_thresholds_collars_and_filters_that_the_suite_declares(made):
    from benchbed.run.scoring.success import declared

    text = FRAMES.replace("{threshold: 0.5}", "{threshold: 0.3, median_seconds: 0.3}")
    text = text.replace("name: event}", "name: event, options: {onset_collar: 0.25}}")
    given = declared(made.suite(text), ("even", "odd"))
    assert given["sed_event"] == {"threshold": 0.3, "median_seconds": 0.3, "onset_collar": 0.25}
    tuned = FRAMES.replace("{threshold: 0.5}", "{tune: {split: val, metric: event_f1}}")
    given = declared(made.suite(tuned), ("even", "odd"))
    condition = AttackCondition(attack="fast", budgets=[20])
    success = settle("frames", condition, ("even", "odd"), given)["success"]
    assert success["options"]["threshold"] == 0.5 and "fixed at 0.5" in success["thresholds"]
    own = AttackCondition(attack="fast", budgets=[20], success={"options": {"threshold": 0.2}})
    assert "thresholds" not in settle("frames", own, ("even", "odd"), given)["success"]


def test_the_plan_points_at_a_wrong_goal(made):
    suite = made.suite(FRAMES.replace("steps: 15", "goal: misses"))
    with pytest.raises(ConfigError, match="no goal 'misses'") as caught:
        estimate(suite, None, {}, data=made.data)
    assert "suite.yaml" in str(caught.value.where) and "missed" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("n: 6, steps: 15", "n: 6, goal: misses"), "no goal 'misses'"),
        (("n: 6, steps: 15", "n: 6, success: {rule: clip_ap}"), "no rule of success for frames"),
        (("attack: fast", "attack: 'torchattacks:PGD'"), "softmax"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(made, change, match):
    with pytest.raises(ConfigError, match=match) as caught:
        made(FRAMES.replace(*change))
    assert "suite.yaml" in str(caught.value.where)
