"""Attacks on models of tags and of frames, against what can be worked out by hand."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.errors import ConfigError
from benchbed.rng import stream
from benchbed.run.attacking.checks import attack_checks
from benchbed.run.attacking.goals import settle
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.job.job import Job
from benchbed.run.preparing.units import cut
from benchbed.run.scoring.attacks import chance_of
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

RATE, SAMPLES = 8000, 1600
LABELS = ("a", "b", "c")

LINEAR = """
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.rng import stream

class Linear(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        weight = stream("tag-weights", classes).standard_normal((classes, 1600)) / 1600**0.5
        self.weight = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float32))

    def forward(self, x):
        {before}
        scores = x.flatten(1) @ self.weight.T
        {after}
        return scores

class Tagger(TorchAdapter):
    card = Card(name="{name}", family="other", output="tags", labels={labels}, sample_rate=8000, scores="{scores}")

    def build(self):
        return Linear(len(self.card.labels))
    {extra}
"""


def weights(classes: int) -> np.ndarray:
    """The linear model's weights."""
    return stream("tag-weights", classes).standard_normal((classes, SAMPLES)).astype(np.float32) / SAMPLES**0.5


@pytest.fixture
def world(tmp_path: Path):
    """Clips that the linear model tags without a mistake, and what runs an attack on them."""
    (tmp_path / "data").mkdir()

    def table(classes: int, count: int = 12, extra: tuple = ()) -> pd.DataFrame:
        rows = []
        names = LABELS if classes == 3 else tuple(f"k{i:03d}" for i in range(classes))
        weight = weights(classes)
        for i in range(count):
            wave = 0.1 * stream("tag-clip", classes, i).standard_normal(SAMPLES)
            if classes > 3:  # of many classes, two in a clip stand out
                wave = wave + 0.02 * SAMPLES**0.5 * (weight[i] + weight[i + 20])
            soundfile.write(tmp_path / "data" / f"{i:02d}.wav", wave, RATE, subtype="FLOAT")
            heard = soundfile.read(tmp_path / "data" / f"{i:02d}.wav", dtype="float32")[0]
            order = weight @ heard
            there = order > 0 if classes == 3 else np.isin(np.arange(classes), (i, i + 20))
            rows.append((f"{i:02d}.wav", tuple(names[k] for k in np.flatnonzero(there))))
        for name, wave, labels in extra:
            soundfile.write(tmp_path / "data" / name, wave, RATE, subtype="FLOAT")
            rows.append((name, labels))
        return pd.DataFrame(
            {
                "clip_id": [f"toy/{n}" for n, _ in rows],
                "path": [n for n, _ in rows],
                "onset": 0.0,
                "duration": np.nan,
                "label": [labels for _, labels in rows],
                "group": [f"r{i}" for i in range(len(rows))],
            }
        )

    def tagger(before="pass", after="pass", extra="", scores="logits", labels=LABELS, name="tagger") -> Path:
        text = textwrap.dedent(LINEAR)
        given = {"before": before, "after": after, "extra": extra, "scores": scores, "name": name}
        for key, value in {**given, "labels": repr(tuple(labels))}.items():
            text = text.replace("{" + key + "}", value)
        (tmp_path / f"{name}.py").write_text(text)
        return tmp_path / f"{name}.py"

    def run(condition: dict, clips: pd.DataFrame, adapter: Path, task="tags", labels=LABELS, declared=None, **facts):
        suite = Suite(name="s", version="1", task=task, data={"layout": "folder"}, conditions=[condition])
        settled = settle(task, suite.conditions[0], labels, declared or {})
        job = Job(
            recipe=(str(adapter), {}),
            device="cpu",
            dataset="toy",
            root=tmp_path / "data",
            labels=tuple(labels),
            label_map=None,
            clips={"test": clips},
            pools={"test": clips},
            conditions=suite.conditions,
            facts=(settled,),
            task=task,
            **facts,
        )
        cells, engine = plan_cells(suite), Engine(job)
        parts, noted, failures, scores = [], [], [], []
        for unit in cut(job, cells, {"test": 9.0}, {}, {"test": {}}):
            made = compute(engine, unit)
            parts.append(pd.DataFrame(dict(made.columns)))
            noted += made.info["attack"]["facts"]
            failures += made.failures
            scores += list(made.scores)
        found = attack_checks(job.conditions[0], cells[-1:], noted, len(labels), chance_of(job, cells[-1]))
        checks = {check.name.partition(":")[2]: check for check in found}
        return pd.concat(parts, ignore_index=True).assign(answer=scores), checks, failures

    run.table, run.tagger, run.root = table, tagger, tmp_path / "data"
    return run


def failed(checks):
    return sorted(name for name, check in checks.items() if check.status == "fail")


def logits(world, clips, classes=3):
    return np.stack([weights(classes) @ soundfile.read(world.root / p, dtype="float32")[0] for p in clips["path"]])


@pytest.mark.parametrize("attack", ["pgd", "apgd", "fgsm"])
def test_one_class_of_a_linear_tagger_falls_exactly_where_the_closed_form_says(world, attack):
    """Under L∞ the logit of a class moves by at most ε‖w‖₁, and there is a point where it does."""
    clips = world.table(3)
    budgets = [0.0003, 0.001, 0.003]
    rows, checks, _ = world(
        {"attack": attack, "threat": "linf", "budgets": budgets, "n": 12, "goal": "class", "target_class": "b"},
        clips,
        world.tagger(),
    )
    assert rows["clean_correct"].all() and checks["agreement"].status == "pass"
    reach = np.abs(weights(3)[1]).sum()
    distance = dict(zip(clips["clip_id"], np.abs(logits(world, clips)[:, 1])))
    turned = 0
    for row in rows.itertuples():
        budget = float(row.cell.rpartition(":")[2])
        assert row.robust == (distance[row.clip_id] > budget * reach), row.cell
        turned += not row.robust
    assert 3 < turned < len(rows) - 3


def test_a_set_of_labels_changes_exactly_where_the_nearest_class_is_in_reach(world):
    clips = world.table(3)
    rows, checks, _ = world(
        {
            "attack": "fast",
            "threat": "linf",
            "budgets": [0.0003, 0.001],
            "n": 12,
            "steps": 20,
            "success": {"rule": "label_set"},
        },
        clips,
        world.tagger(),
    )
    nearest = (np.abs(logits(world, clips)) / np.abs(weights(3)).sum(1)).min(1)
    distance = dict(zip(clips["clip_id"], nearest))
    for row in rows.itertuples():
        assert row.robust == (distance[row.clip_id] > float(row.cell.rpartition(":")[2])), row.cell
    assert set(rows["score_attacked"]) == {0.0, 1.0} and failed(checks) == []
    broken = rows[~rows["robust"]]
    assert (broken["missed"] + broken["inserted"] >= 1).all()


def test_average_precision_of_a_clip_is_that_of_the_reference_package(world):
    from sklearn.metrics import label_ranking_average_precision_score as lrap

    clips = world.table(3)
    rows, checks, _ = world({"attack": "standard", "budgets": [30, 10], "n": 12, "steps": 10}, clips, world.tagger())
    assert failed(checks) == [] and checks["cross_check"].status == "skipped"
    for row in rows.itertuples():
        truth = np.array([[name in row.label for name in LABELS]])
        if truth.any():
            assert row.score_attacked == pytest.approx(lrap(truth, row.answer[None]))
        else:
            assert row.score_attacked == float((row.answer < 0.5).all())
        assert row.robust == (row.clean_correct and row.score_attacked > 0.5 * row.score_clean)
        # A clip whose classes are all there cannot be ranked wrongly.
        assert truth.all() == ("every label" in str(row.skipped)) == (not row.attacked and row.clean_correct)


def test_goals_go_where_they_are_sent_and_spare_what_they_cannot_touch(world):
    none = 0.01 * stream("none").standard_normal(SAMPLES) - 0.05 * np.sign(weights(3)).sum(0)
    clips = world.table(3, extra=(("none.wav", none, ()), ("still.wav", np.zeros(SAMPLES), ())))
    assert (logits(world, clips)[12] < 0).all(), "the model rightly hears nothing in the clip without labels"
    base = {
        "attack": "fast",
        "threat": "linf",
        "budgets": [0.005],
        "n": 14,
        "steps": 15,
        "success": {"rule": "label_f1", "fraction": 0.0},
    }
    hidden, _, _ = world({**base, "goal": "hide"}, clips, world.tagger())
    added, _, _ = world({**base, "goal": "insert"}, clips, world.tagger())
    tried = hidden[hidden["attacked"]]
    assert tried["missed"].sum() > 5 * max(1, tried["inserted"].sum())
    assert added.loc[added["attacked"], "inserted"].sum() > 5 * max(1, added.loc[added["attacked"], "missed"].sum())
    spared = hidden.set_index("clip_id")["skipped"].dropna()
    assert "no label" in spared["toy/none.wav"]
    every = {f"toy/{p}" for p, there in zip(clips["path"], (logits(world, clips) > 0).all(1)) if there}
    assert every == set(added.loc[added["skipped"].astype(str).str.contains("every label"), "clip_id"])


def test_a_silent_clip_without_labels_is_kept_apart(world):
    clips = world.table(3, extra=(("still.wav", np.zeros(SAMPLES), ()),))
    rows, _, _ = world(
        {"attack": "fast", "budgets": [20], "n": 13, "steps": 5}, clips, world.tagger(after="scores = scores - 1e-3")
    )
    still = rows.set_index("clip_id").loc["toy/still.wav"]
    assert still["clean_correct"] and not still["attacked"] and still["robust"]
    assert "silent" in still["skipped"] and still["score_clean"] == 1.0


def test_five_hundred_classes(world):
    labels = tuple(f"k{i:03d}" for i in range(527))
    clips = world.table(527, 8)
    rows, checks, _ = world(
        {"attack": "fast", "budgets": [40, 0], "n": 8, "steps": 10}, clips, world.tagger(labels=labels), labels=labels
    )
    assert rows["clean_correct"].all() and rows["score_clean"].eq(1.0).all()
    assert failed(checks) == []
    first, last = (rows[rows["cell"].str.endswith(end)] for end in (":40dB", ":0dB"))
    assert first["robust"].mean() > last["robust"].mean() == 0.0


def test_probabilities_and_logits_of_one_model_fall_alike(world):
    clips = world.table(3)
    condition = {"attack": "apgd", "budgets": [30, 20], "n": 12, "steps": 10, "options": {"loss": "ranking"}}
    plain, _, _ = world(condition, clips, world.tagger())
    squashed, checks, _ = world(
        condition, clips, world.tagger(after="scores = torch.sigmoid(scores)", scores="probabilities", name="squashed")
    )
    assert plain["robust"].tolist() == squashed["robust"].tolist() and failed(checks) == []


@pytest.mark.parametrize(
    ("broken", "check", "status"),
    [
        ({"before": "x = (x * 16).round() / 16"}, "gradient_zero", "fail"),
        ({"after": "scores = torch.sigmoid(1e4 * scores)", "scores": "probabilities"}, "gradient_zero", "fail"),
        ({"after": "scores = scores * 0 - 1"}, "clean", "fail"),
        ({"after": "scores = torch.sigmoid(scores)"}, "saturation", "warn"),
        ({"after": "scores = scores + 0.01 * torch.randn_like(scores)"}, "randomness", "warn"),
        (
            {
                "after": "off = ((x * 32768) % 1).abs().flatten(1).amax(1) > 0; "
                "scores = torch.where(off[:, None], scores + float('nan'), scores)"
            },
            "answers",
            "fail",
        ),
    ],
)
def test_a_broken_tagger_trips_the_right_check(world, broken, check, status):
    clips = world.table(3)
    if check == "answers":  # clean clips that a 16-bit file can hold are answered, everything else is not
        for path in clips["path"]:
            wave = soundfile.read(world.root / path)[0]
            soundfile.write(world.root / path, (wave * 32768).round() / 32768, RATE, subtype="FLOAT")
    rows, checks, _ = world({"attack": "fast", "budgets": [20], "n": 12, "steps": 5}, clips, world.tagger(**broken))
    assert checks[check].status == status, checks[check].message
    if check == "answers":
        assert rows.loc[rows["clean_correct"], "robust"].all() and rows["clean_correct"].any()


def test_transfer_and_universal_perturbations_of_taggers(world):
    clips = world.table(3, 24)
    other = world.tagger(before="x = x * 1.01", name="other")
    condition = {"attack": "transfer", "budgets": [10], "n": 8, "options": {"steps": 10}, "sources": [str(other)]}
    rows, checks, _ = world(condition, clips, world.tagger())
    assert set(rows.loc[~rows["robust"] & rows["attacked"], "broken_by"]) == {"transfer:other"}
    assert checks["budget"].status == "pass"
    for attack in ("universal", "music"):
        rows, checks, _ = world(
            {"attack": attack, "budgets": [0], "n": 8, "options": {"passes": 3}}, clips, world.tagger()
        )
        assert checks["budget"].status == checks["agreement"].status == "pass"
        assert rows.loc[rows["attacked"], "shifted_correct"].between(0, 1).all()


LEVEL = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Level(torch.nn.Module):
    def forward(self, x):
        {before}
        frames = x[:, 0].unflatten(1, (-1, 800))
        even, odd = frames[..., ::2].mean(2), frames[..., 1::2].mean(2)
        scores = 200 * (torch.stack([even, odd], 2) - 0.1)
        {after}
        return scores

class Detector(TorchAdapter):
    card = Card(name="level", family="other", output="frames", labels=("even", "odd"), sample_rate=8000,
                frame_seconds=0.1, clip_seconds={window})

    def build(self):
        return Level()
"""
#: Recording → seconds and events (onset, offset, class, level of that class's samples); heard above a level of 0.1.
RECORDINGS = {
    "four": (4.0, [(0.5, 1.0, 0, 0.12), (1.5, 2.0, 0, 0.14), (2.5, 3.0, 0, 0.2), (3.4, 3.9, 0, 0.3)]),
    "two": (4.0, [(0.5, 1.5, 1, 0.13), (2.0, 3.0, 0, 0.5)]),
    "loud": (4.0, [(1.0, 2.0, 0, 0.6), (1.0, 3.0, 1, 0.6)]),
    "none": (4.0, []),
    "long": (6.0, [(4.5, 5.5, 0, 0.12)]),
}


def detector(window, before="pass", after="pass") -> str:
    text = textwrap.dedent(LEVEL).replace("{window}", str(window))
    return text.replace("{before}", before).replace("{after}", after)


@pytest.fixture
def timed(world):
    """Recordings whose events are levels that a linear detector hears, and what runs an attack on them."""
    rows, events = [], []
    for name, (seconds, given) in RECORDINGS.items():
        wave = 0.003 * stream("timed", name).standard_normal(round(seconds * RATE))
        time = np.arange(len(wave)) / RATE
        for onset, offset, label, level in given:
            inside = (time >= onset - 1e-9) & (time < offset - 1e-9) & (np.arange(len(wave)) % 2 == label)
            wave[inside] += level
        soundfile.write(world.root / f"{name}.wav", wave, RATE, subtype="FLOAT")
        classes = tuple(sorted({("even", "odd")[label] for _, _, label, _ in given}))
        rows.append(
            {"clip_id": name, "path": f"{name}.wav", "onset": 0.0, "duration": seconds, "label": classes, "group": name}
        )
        events += [(name, onset, offset, ("even", "odd")[label]) for onset, offset, label, _ in given]
    clips, events = pd.DataFrame(rows), pd.DataFrame(events, columns=["clip_id", "onset", "offset", "label"])

    def run(condition: dict, window: float | None = 1.0, before="pass", after="pass", **facts):
        path = world.root.parent / f"level{round(window or 0)}.py"
        path.write_text(detector(window, before, after))
        about = {"task": "frames", "labels": ("even", "odd"), "annotations": events}
        return world({"n": 5, **condition}, clips, path, **about, **facts)

    return run


@pytest.mark.parametrize("window", [1.0, None])
@pytest.mark.parametrize(
    ("budget", "lost"),
    [(0.05, {"four": 2, "two": 1, "loud": 0, "long": 1}), (0.015, {"four": 0, "two": 0, "loud": 0, "long": 0})],
)
def test_as_many_events_are_missed_as_the_budget_can_push_below_the_threshold(timed, window, budget, lost):
    """A frame's mean moves by at most ε, so an event is lost exactly if it stands less than ε above the threshold."""
    rows, checks, _ = timed(
        {
            "attack": "fast",
            "threat": "linf",
            "budgets": [budget],
            "steps": 12,
            "goal": "missed",
            "success": {"fraction": 0.0},
        },
        window=window,
    )
    assert checks["agreement"].status == checks["budget"].status == checks["batch"].status == "pass"
    rows = rows.set_index("clip_id")
    for name, (_, events) in RECORDINGS.items():
        if not events:
            assert "no event" in rows.loc[name, "skipped"] and rows.loc[name, "robust"]
            continue
        kept = len(events) - lost[name]
        # A recording with one lost event is broken; before that, the strongest point is kept.
        assert rows.loc[name, "missed"] == lost[name]
        assert rows.loc[name, "score_attacked"] == pytest.approx(2 * kept / (len(events) + kept))
        assert rows.loc[name, "inserted"] == 0
        assert rows.loc[name, "robust"] == (kept > 0)


def test_a_false_alarm_breaks_a_recording_without_events_and_only_where_it_can(timed):
    rows, checks, _ = timed(
        {"attack": "fast", "threat": "linf", "budgets": [0.05, 0.12], "steps": 12, "goal": "false_alarms"}
    )
    none = rows[rows["clip_id"] == "none"].set_index("cell")
    mild, strong = (none[none.index.str.endswith(end)].iloc[0] for end in (":0.05", ":0.12"))
    assert mild["robust"] and mild["inserted"] == 0 and mild["score_attacked"] == 1.0
    assert not strong["robust"] and strong["inserted"] >= 1 and strong["score_attacked"] == 0.0
    assert checks["monotone" if "monotone" in checks else "agreement"].status == "pass"


def test_success_is_judged_after_the_median_filter_and_by_the_suites_collars(timed):
    """A filter of 2.1 s swallows events of one second: such a recording is not right when clean, and not attacked."""
    given = {"sed_event": {"threshold": 0.5, "median_seconds": 2.1}}
    rows, checks, _ = timed({"attack": "fast", "budgets": [40], "steps": 5}, declared=given)
    right = rows.set_index("clip_id")["clean_correct"]
    assert not right["two"] and not right["long"] and right["loud"] and right["none"]
    wide = {"sed_event": {"threshold": 0.5, "onset_collar": 9.0, "offset_collar": 9.0}}
    segments = {"rule": "segment_f1", "options": {"resolution": 0.1}}
    condition = {"attack": "fast", "threat": "linf", "budgets": [0.05], "steps": 10, "success": segments}
    rows, checks, _ = timed(condition, declared=wide)
    assert checks["agreement"].status == "pass"
    assert not rows.set_index("clip_id").loc["long", "robust"]
    assert rows["clean_correct"].all() and rows["score_clean"].eq(1.0).all()


def test_every_attack_runs_on_frames(timed):
    learned = {"passes": 1}
    own = {"square": {"queries": 20}, "universal": learned, "music": learned, "pgd": {"steps": 8}}
    for attack in ("pgd", "fgsm", "square", "white_noise", "pink_noise", "universal", "music"):
        # Two of five recordings of one length are left to learn from.
        count = 3 if attack in ("universal", "music") else 5
        rows, checks, _ = timed({"attack": attack, "budgets": [20], "n": count, "options": own.get(attack, {})})
        assert len(rows) == count and checks["budget"].status == "pass" and checks["agreement"].status == "pass"


ROUGH = "rough = (x[..., 2:] - x[..., :-2]).abs().mean((1, 2)) > 0.02; "


@pytest.mark.parametrize(
    ("broken", "check", "status"),
    [
        ({"before": "x = (x * 8).round() / 8"}, "gradient_zero", "fail"),
        ({"after": "scores = scores.clamp(min=5.0)"}, "clean", "fail"),
        # Squashed twice, every frame of every class is on, and no recording is right.
        ({"after": "scores = torch.sigmoid(scores)"}, "clean", "fail"),
        ({"after": "scores = scores + 0.1 * torch.randn_like(scores)"}, "randomness", "warn"),
        (
            {"after": ROUGH + "scores = torch.where(rough[:, None, None], scores + float('nan'), scores)"},
            "answers",
            "fail",
        ),
    ],
)
def test_a_broken_detector_trips_the_right_check(timed, broken, check, status):
    condition = {"attack": "fast", "threat": "linf", "budgets": [0.05], "steps": 5}
    rows, checks, _ = timed(condition, window=None, **broken)
    assert checks[check].status == status, checks[check].message
    if check == "answers":
        assert rows.loc[rows["clean_correct"], "robust"].all() and rows["clean_correct"].any()


def test_a_source_with_other_frames_has_references_of_its_own(timed, world):
    coarse = world.root.parent / "coarse.py"
    text = detector(2.0).replace("-1, 800", "-1, 1600").replace("0.1,", "0.2,")
    coarse.write_text(text.replace('"level"', '"coarse"'))
    rows, checks, _ = timed(
        {"attack": "transfer", "threat": "linf", "budgets": [0.15], "options": {"steps": 8}, "sources": [str(coarse)]}
    )
    assert checks["budget"].status == "pass"
    broken = rows[~rows["robust"] & rows["attacked"]]
    # What stands less than ε above the threshold falls for the source's gradient too: half of an event is enough.
    assert set(broken["broken_by"]) == {"transfer:coarse"} and {"four", "long"} <= set(broken["clip_id"])


@pytest.mark.parametrize(
    ("task", "condition", "match"),
    [
        ("tags", {"goal": "hidden"}, "no goal 'hidden'"),
        ("frames", {"goal": "hide"}, "no goal 'hide'"),
        ("tags", {"success": {"rule": "event_f1"}}, "no rule of success for tags"),
        ("frames", {"success": {"rule": "clip_ap"}}, "no rule of success for frames"),
        ("frames", {"success": {"options": {"collar": 1.0}}}, "no option 'collar'"),
        ("tags", {"success": {"options": {"onset_collar": 1.0}}}, "no option 'onset_collar'"),
        ("tags", {"success": {"rule": "class_decision"}}, "goal 'class'"),
        ("tags", {"goal": "class", "target_class": "d"}, "no class 'd'"),
        ("scene", {"success": {"fraction": 0.2}}, "succeeds where the answer is wrong"),
    ],
)
def test_what_makes_no_sense_is_refused(task, condition, match):
    with pytest.raises(ConfigError, match=match):
        settle(task, AttackCondition(attack="fast", budgets=[20], **condition), LABELS)


@pytest.mark.parametrize("task", ["tags", "frames"])
def test_attacks_that_mean_nothing_for_several_labels_are_refused_with_a_reason(task):
    from benchbed.run.attacking.plan import plan_of
    from benchbed.run.attacking.sources import attack_facts

    for attack, reason in (("torchattacks:CW", "softmax"), ("apgd_t", "one class each")):
        with pytest.raises(ConfigError, match=reason):
            attack_facts(AttackCondition(attack=attack, budgets=[20]), (), "here", task=task, labels=LABELS)
    assert set(plan_of(AttackCondition(attack="full", budgets=[20]), task).skipped) == {"apgd_t"}
    with pytest.raises(ConfigError, match="no loss 'ce'"):
        plan_of(AttackCondition(attack="pgd", budgets=[20], options={"loss": "ce"}), task)


def test_a_class_to_aim_at_goes_with_its_goal():
    for wrong in ({"goal": "class"}, {"target_class": "a"}):
        with pytest.raises(ValueError, match="go together"):
            AttackCondition(attack="fast", budgets=[20], **wrong)
