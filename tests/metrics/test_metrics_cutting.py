"""Cutting clips into rows, and counts of them in every draw, against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics import cutting
from benchbed.metrics.cutting import Cutting, copies, drawn_counts, together
from benchbed.metrics.families.classification import family
from benchbed.metrics.slices import Column
from benchbed.stats.bootstrap import Bootstrap

LABELS = tuple("abcdefghijk")


@pytest.fixture
def cut() -> Cutting:
    generator = np.random.default_rng(2)
    group = generator.integers(0, 30, 400)
    device = np.array(["a", "b", "", "s1"])[generator.integers(0, 4, 400)]
    return Cutting(group, [Column("device", device, {"seen": ("a", "zz")})])


def test_rows_hold_the_clips_of_one_recording_and_one_value(cut: Cutting) -> None:
    generator = np.random.default_rng(2)
    group = generator.integers(0, 30, 400)
    device = np.array(["a", "b", "", "s1"])[generator.integers(0, 4, 400)]
    assert cut.levels == [("a", "b", "s1", "zz")]
    assert len(cut) == len(set(zip(group, device)))
    for level, part in zip(cut.levels[0], cut.parts(0)):
        mine = device == level
        assert part.clips == mine.sum()
        assert part.members == set(group[mine].tolist())
        assert set(cut.row[mine].tolist()) == set(part.rows.tolist())
    both = together(cut.parts(0)[:2])
    assert both.clips == np.isin(device, ["a", "b"]).sum() and (np.diff(both.rows) > 0).all()
    assert cut.whole.clips == 400 and len(cut.whole.rows) == len(cut)


@pytest.mark.parametrize("kept", [0, 10**9])
def test_counts_of_a_draw_are_those_of_its_copies(cut: Cutting, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "KEPT", kept)
    boot = Bootstrap(30, 120, "counts")
    counts = np.random.default_rng(4).integers(0, 9, (len(cut), 5)).astype(float)
    found = cut.drawn_counts(counts, 0, boot)
    assert found.shape == (4, 5, 120)
    weights = np.concatenate(list(boot.weights())).astype(float)
    for i, part in enumerate(cut.parts(0)):
        by_hand = [[sum(w[cut.group_of[r]] * counts[r, s] for r in part.rows) for w in weights[:3]] for s in range(5)]
        assert found[i, :, :3].tolist() == by_hand


def test_counts_too_large_for_float32_stay_exact() -> None:
    boot, group = Bootstrap(4, 40, "large"), np.arange(4)
    counts = np.array([[2.0**24 + 1], [1.0], [3.0], [5.0]])
    parts = [np.array([0, 1]), np.array([2, 3])]
    found = drawn_counts(counts, group, parts, boot, copies(boot, [group[part] for part in parts]))
    weights = np.concatenate(list(boot.weights())).astype(float)
    assert np.array_equal(found[0, 0], weights[:, 0] * (2.0**24 + 1) + weights[:, 1])


@pytest.mark.parametrize("names", [{"macro_accuracy"}, {"accuracy", "recall"}, {"macro_f1", "accuracy"}])
def test_figures_of_counts_are_those_of_all_sums_to_the_bit(names: set[str]) -> None:
    made, generator = family(LABELS), np.random.default_rng(5)
    scores, target = generator.dirichlet(np.full(11, 0.4), 300), generator.integers(0, 11, 300)
    rows = made.grouped(scores, target, np.arange(300) // 4, 75)
    drawn = Bootstrap(75, 200, "bits").replicates(rows[:, :])
    needed = made.needed(names)
    assert needed is not None and np.isin(needed, made.whole_numbers).all()
    found = made.values_of_counts(np.ascontiguousarray(drawn[:, needed].T), names)
    expected = made.some_values(drawn, names)
    assert set(found) == set(expected) and found
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=True), name
    # Draws without a clip have no value, as before.
    none = made.values_of_counts(np.zeros((len(needed), 2)), names)
    assert all(np.isnan(values).all() for values in none.values())
