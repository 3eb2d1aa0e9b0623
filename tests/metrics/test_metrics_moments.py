"""Moments against average precision written down from its definition, and the rules of order and silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import ConfigError, DataError
from benchbed.metrics.families.moments import THRESHOLDS, family
from benchbed.outputs.moments.asked import Asked


def one(found, windows):
    said, truth = np.empty(1, object), np.empty(1, object)
    said[0] = (np.array(found, float).reshape(-1, 3),)
    truth[0] = Asked(("q",), ("1",), (np.array(windows, float).reshape(-1, 2),))
    return said, truth


def values(said, truth, **options):
    made = family(**options)
    return {name: float(value) for name, value in made.values(made.statistics(said, truth).sum(axis=0)).items()}


def precision(found, windows, threshold):
    """VOC 2010 average precision by sweeping over recalls."""
    free, right = list(range(len(windows))), []
    for start, end, _ in sorted(found, key=lambda row: -row[2])[:10]:
        overlaps = []
        for a, b in windows:
            shared = max(0.0, min(end, b) - max(start, a))
            overlaps.append(shared / ((end - start) + (b - a) - shared))
        fits = [w for w in sorted(free, key=lambda w: -overlaps[w]) if overlaps[w] >= threshold]
        right.append(bool(fits))
        if fits:
            free.remove(fits[0])
    total = 0.0
    for hit in range(1, sum(right) + 1):
        total += max(sum(right[:n]) / n for n in range(1, len(right) + 1) if sum(right[:n]) >= hit)
    return total / len(windows)


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_average_precision_is_that_of_its_definition(seed):
    random = np.random.default_rng(seed)

    def drawn(count):
        start = random.uniform(0, 40, count)
        return np.column_stack([start, start + random.uniform(1, 20, count)])

    windows = drawn(int(random.integers(1, 5)))
    near = windows + random.uniform(-0.4, 0.4, windows.shape)
    every = np.concatenate([near, drawn(int(random.integers(0, 9)))])
    found = np.column_stack([every, random.permutation(len(every)) / len(every)])
    got = values(*one(found, windows))
    wanted = [precision(found.tolist(), windows.tolist(), at) for at in THRESHOLDS]
    assert got["map"] == pytest.approx(np.mean(wanted), abs=1e-9)
    assert got["map_at_50"] == pytest.approx(wanted[0]) and got["map_at_75"] == pytest.approx(wanted[5])


def test_a_window_is_found_once():
    assert values(*one([(0, 10, 0.9), (0, 10, 0.8)], [(0, 10)]))["map"] == 1.0
    assert values(*one([(0, 10, 0.9), (0, 10, 0.8)], [(0, 10), (20, 30)]))["map"] == 0.5


def test_an_overlap_of_the_threshold_counts():
    assert values(*one([(0, 5, 1)], [(0, 10)]))["r1_at_50"] == 1.0
    assert values(*one([(0, 4.99, 1)], [(0, 10)]))["r1_at_50"] == 0.0


def test_only_ten_moments_are_read():
    wrong = [(20 + n, 21 + n, 0.9) for n in range(10)]
    said, truth = one([*wrong, (0, 10, 0.5)], [(0, 10)])
    assert values(said, truth)["map"] == 0.0 and values(said, truth, most=11)["map"] == pytest.approx(1 / 11)


def test_the_order_of_the_file_is_the_evaluators_rule():
    said, truth = one([(20, 30, 0.1), (0, 10, 0.9)], [(0, 10)])
    assert values(said, truth)["r1_at_50"] == 1.0
    assert values(said, truth, order="file")["r1_at_50"] == 0.0
    # What stands behind the tenth place of the file is not read, however high its score.
    late = [(20 + n, 21 + n, 0.1) for n in range(10)]
    said, truth = one([*late, (0, 10, 0.9)], [(0, 10)])
    assert values(said, truth)["map"] == 1.0 and values(said, truth, order="file")["map"] == 0.0


def test_silence_counts_as_nothing_found():
    said, truth = one([], [(0, 10)])
    found = values(said, truth)
    assert found["map"] == 0.0 and found["r1_at_50"] == 0.0 and found["silent"] == 1.0


def test_what_was_cut_out_of_a_recording_is_not_asked():
    said, truth = one([(0, 1, 1)], [])
    made = family()
    sums = made.statistics(said, truth).sum(axis=0)
    assert np.isnan(made.values(sums)["map"]) and made.reasons(sums)["map"].startswith("no query")


def test_wrong_options_and_answers_are_refused():
    with pytest.raises(ConfigError, match="order is 'scores'"):
        family(order="scores")
    with pytest.raises(ConfigError, match="0 moments"):
        family(most=0)
    said, truth = one([], [(0, 1)])
    said[0] = ()
    with pytest.raises(DataError, match="moments for 0 queries of a recording, 1 were asked"):
        family().statistics(said, truth)
