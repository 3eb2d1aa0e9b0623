"""Attacks on models of frames, against what can be worked out by hand."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import pytest
import soundfile
from made_taggers import RATE

from benchbed.rng import stream


def failed(checks):
    return sorted(name for name, check in checks.items() if check.status == "fail")


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
