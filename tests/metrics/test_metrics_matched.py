"""Matched differences, against a computation by hand over dictionaries."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.families import tagging
from benchbed.metrics.families.classification import family
from benchbed.metrics.matched import Matching, matched_differences
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("bus", "tram", "metro")


def clips(seed: int = 0, moments: int = 90):
    """Moments recorded on a; some of them on s1 and, another part, on s4."""
    random = np.random.default_rng(seed)
    rows = []
    for moment in range(moments):
        label = moment % 3
        devices = ["a"] + (["s1"] if moment % 2 else []) + (["s4"] if moment % 3 == 0 else [])
        rows += [(moment, device, label) for device in devices]
    rows += [(1000 + i, "s4", i % 3) for i in range(12)]  # recorded on s4 alone: must not count
    scores = random.dirichlet(np.ones(3), len(rows))
    moment, device, target = (np.array(column) for column in zip(*rows))
    return scores, target, moment // 5, device, moment


def by_hand(scores, target, device, moment, value):
    right = scores.argmax(1) == target
    base = {m: r for m, d, r in zip(moment, device, right) if d == "a"}
    pairs = [(r, base[m]) for m, d, r in zip(moment, device, right) if d == value and m in base]
    return sum(int(r) for r, _ in pairs) / len(pairs) - sum(int(b) for _, b in pairs) / len(pairs), len(pairs)


@pytest.mark.parametrize("value", ["s1", "s4"])
def test_against_a_hand_computation(value):
    scores, target, group, device, moment = clips()
    made = matched_differences(family(LABELS), scores, target, Matching(group, device, moment, "a"))
    expected, pairs = by_hand(scores, target, device, moment, value)
    found = made[f"device_matched={value}"]["accuracy"]
    assert found.value == pytest.approx(expected)
    assert found.n == pairs
    assert found.info.rule.endswith("matched:device-minus-a")


def test_identical_devices_differ_by_nothing():
    scores, target, group, device, moment = clips()
    first = {m: i for i, (m, d) in reversed(list(enumerate(zip(moment, device)))) if d == "a"}
    scores = np.array([scores[first[m]] if m in first else s for m, s in zip(moment, scores)])
    made = matched_differences(
        family(LABELS),
        scores,
        target,
        Matching(group, device, moment, "a"),
        bootstrap=Bootstrap(int(group.max()) + 1, draws=100),
    )
    for numbers in made.values():
        assert numbers["accuracy"].value == 0
        assert numbers["accuracy"].low is None or numbers["accuracy"].low == numbers["accuracy"].high == 0


def test_a_matched_interval_is_narrower_than_an_unmatched_one():
    random = np.random.default_rng(1)
    moment = np.repeat(np.arange(300), 2)
    device = np.tile(np.array(["a", "s1"]), 300)
    target = moment % 3
    # Hard and easy moments are hard and easy on both devices; the device flips a few.
    easy = random.random(300) < 0.5
    right = easy[moment] ^ ((device == "s1") & (random.random(600) < 0.05))
    scores = np.eye(3)[np.where(right, target, (target + 1) % 3)]
    draw = Bootstrap(300, draws=300, name="m")
    made = matched_differences(family(LABELS), scores, target, Matching(moment, device, moment, "a"), bootstrap=draw)
    found = made["device_matched=s1"]["accuracy"]
    independent = 2 * 1.96 * np.sqrt(2 * 0.25 / 300)
    assert found.high - found.low < 0.6 * independent


def test_content_that_is_not_shared_is_left_out():
    scores, target, group, device, moment = clips()
    keep = device != "a"
    matching = Matching(group[keep], device[keep], moment[keep], "a")
    made = matched_differences(family(LABELS), scores[keep], target[keep], matching)
    assert made == {}


def test_a_calibration_error_has_no_interval_because_resampling_inflates_it():
    from benchbed.metrics.cell import score_cell

    scores, target, group, _, _ = clips()
    made = score_cell(family(LABELS), scores, target, group, (), Bootstrap(int(group.max()) + 1, draws=100))
    assert made.metrics["ece"].low is None
    assert made.metrics["ece"].reason == "resampling inflates a calibration error"
    assert made.metrics["log_loss"].low is not None


def test_what_is_shown_is_what_all_would_be():
    generator = np.random.default_rng(3)
    clips, groups = 240, 30
    group = generator.integers(0, groups, clips)
    target = np.eye(3)[generator.integers(0, 3, clips)]
    scores = np.clip(0.3 * generator.standard_normal((clips, 3)) + 0.3 + 0.4 * target, 0.01, 0.99)
    device = np.array(["a", "s1", "s2"])[np.arange(clips) % 3]
    matching = Matching(group, device, np.arange(clips) // 3, "a")
    given = (tagging.family(("x", "y", "z")), scores, target, matching)
    every = matched_differences(*given, bootstrap=Bootstrap(groups, 40, "matched"))
    for shown in ({"map"}, {"macro_f1", "micro_f1"}):
        some = matched_differences(*given, bootstrap=Bootstrap(groups, 40, "matched"), shown=shown)
        assert list(some) == list(every)
        for key, figures in some.items():
            assert set(figures) == shown
            for name, one in figures.items():
                whole = every[key][name]
                assert (one.value, one.low, one.high, one.n) == (whole.value, whole.low, whole.high, whole.n)
