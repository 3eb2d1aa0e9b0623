"""Coverage of the product's intervals on populations with a known truth; tests/benchmarks has the large versions.

A share of n data sets is known to √(0.95 · 0.05 / n), so that four standard errors bound what chance does.
"""

from __future__ import annotations

import numpy as np
import pytest
from made_worlds import METRICS, world

from benchbed.rng import stream
from benchbed.stats.bootstrap import Bootstrap


@pytest.mark.parametrize(
    ("name", "groups", "data_sets", "draws"),
    [
        ("scenes", 100, 300, 200),
        ("tags", 60, 100, 200),
        ("segments", 100, 300, 200),
        ("events", 100, 300, 200),
        ("psds", 40, 40, 60),
    ],
)
def test_intervals_of_a_figure_and_of_a_difference_cover(name: str, groups: int, data_sets: int, draws: int) -> None:
    made, generator = world(name), stream("test-coverage", name)
    hits = {(of, m): 0 for of in ("one", "two") for m in made.metrics}
    for number in range(data_sets):
        recordings = made.draw(generator, groups)
        boot = Bootstrap(groups, draws, f"{name} {number}")
        sides = [made.take(recordings, model) for model in (0, 1)]
        (one, other), (drawn, against) = [s.values() for s in sides], [s.replicates(boot) for s in sides]
        for metric in made.metrics:
            single = boot.interval(drawn[metric], value=one[metric])
            hits["one", metric] += single.low <= made.truth[0][metric] <= single.high
            both = boot.interval(drawn[metric] - against[metric], value=one[metric] - other[metric])
            hits["two", metric] += both.low <= 0.0 <= both.high
    least = 0.95 - 4 * np.sqrt(0.95 * 0.05 / data_sets)
    assert {key: count / data_sets for key, count in hits.items() if count / data_sets < least} == {}


def test_centring_mends_macro_f1_of_few_recordings_per_class() -> None:
    """With 100 recordings of ten classes, plain percentiles hold macro F1 in 92 of 100 data sets, and on one side."""
    made, generator = world("scenes"), stream("test-centring")
    truth, above, held = made.truth[0]["macro_f1"], {}, {}
    for number in range(400):
        taken = made.take(made.draw(generator, 100), 0)
        value, drawn = taken.values()["macro_f1"], taken.replicates(Bootstrap(100, 200, f"{number}"))["macro_f1"]
        for method in ("centred", "expanded"):
            found = Bootstrap(100, 200, f"{number}", method=method).interval(drawn, value=value)
            held[method] = held.get(method, 0) + (found.low <= truth <= found.high)
            above[method] = above.get(method, 0) + (truth > found.high)
    assert held["centred"] > held["expanded"]
    assert above["centred"] < above["expanded"]


def test_a_population_is_what_it_says() -> None:
    """Equal models are exactly equal, a shift makes the first worse, and mAP alone is the family's mAP."""
    for name in METRICS:
        made = world(name)
        assert made.truth[0] == pytest.approx(made.truth[1], abs=1e-9)
    worse = world("scenes", 0.3)
    assert all(worse.difference(metric) < -0.03 for metric in worse.metrics)
    tags = world("tags")
    clips = np.arange(60 * tags.clips)
    whole = tags.family.sample(tags.answers[0][clips], tags.target[clips], clips // tags.clips, 60)
    expected = whole.scores(np.ones((1, 60)))[0]["map"][0]
    assert tags.take(np.arange(60), 0).values()["map"] == pytest.approx(float(expected), abs=1e-12)
